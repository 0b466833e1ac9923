//! What of a session starts by itself when the client opens it, and which of that stays off in another
//! user's session.
//!
//! The client takes mode, schedules and goal from the conversation itself, so a plan lists them. The
//! installed copy of another user's conversation starts only what a person asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::client::transcript::quiet::{Quiet, Revive, SideFileOutcome, beside};
use crate::client::transcript::starters::{Alive, Watch};
use crate::client::{is_memory, is_script};
use crate::manifest::{Manifest, Script, Session, Transcript};
use crate::restore::session::SessionPlan;
use crate::restore::session::saved_lines::saved_lines;
use crate::store::Store;
use crate::workspace::Workspace;

/// The modes that the client takes from a conversation: none that asks nothing, and none that it does not know.
const TAKEN_UP: [&str; 4] = ["acceptEdits", "auto", "dontAsk", "plan"];

/// What would start, and what becomes of that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waking {
    /// What the conversation would start by itself.
    pub alive: Alive,
    /// The scripts that the client would run before each of the agent's commands.
    pub scripts: Vec<Script>,
    /// How many notes for the project's memory there are.
    pub notes: usize,
    /// Of one that is not the user's own: what stays asleep.
    pub quiet: Option<Asleep>,
}

/// A conversation that is installed so that nothing in it starts by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asleep {
    /// What comes alive all the same, as a person asked for it.
    pub revive: Revive,
    /// What is left out, by kind, with how often; of files, the places.
    pub left: BTreeMap<String, u64>,
    /// The mode that the user's own settings start sessions in.
    pub own_mode: Option<String>,
}

impl Waking {
    /// Looks at a saved conversation that is the user's `own`, or somebody else's.
    pub(in crate::restore) fn look(
        workspace: &Workspace,
        manifest: &Manifest,
        session: &Session,
        transcript: &Transcript,
        foreign: Option<Option<String>>,
    ) -> Result<Waking> {
        let thorough = foreign.is_some();
        let store = &workspace.store;
        let watch = watched(store, transcript, thorough)?;
        let alive = watch.finish(workspace.now.as_millis());
        let scripts = session.scripts.iter().filter(|script| is_script(&script.place)).cloned().collect();
        let notes = session.elsewhere.iter().filter(|file| is_memory(&file.place)).count();
        let Some(own_mode) = foreign else { return Ok(Waking { alive, scripts, notes, quiet: None }) };
        // A session of `-p` has its mode on other records, which no client takes up: whoever wants it gets it all the same.
        let other = manifest.permissions.mode.clone().filter(|mode| TAKEN_UP.contains(&mode.as_str()));
        let alive = Alive { mode: alive.mode.clone().or(other), ..alive };
        let mut left = count(store, transcript, Quiet::new(watch, &alive, &Revive::default()))?;
        for transcript in manifest.agents.iter().filter_map(|agent| agent.transcript.as_ref()) {
            let quiet = Quiet::new(watched(store, transcript, true)?, &Alive::default(), &Revive::default());
            for (kind, times) in count(store, transcript, quiet)? {
                *left.entry(kind).or_default() += times;
            }
        }
        for file in
            session.files.iter().filter(|file| beside(&file.place.to_string()) == SideFileOutcome::Behind)
        {
            left.insert(format!("the file {}", file.place), 1);
        }
        Ok(Waking { alive, scripts, notes, quiet: Some(Asleep { left, own_mode, ..Asleep::default() }) })
    }

    /// Returns the mode that the client starts in, if that is the session's own doing.
    pub fn mode(&self) -> Option<&str> {
        self.alive.mode.as_deref().filter(|mode| TAKEN_UP.contains(mode))
    }

    /// Says whether anything would start by itself, be it asleep or not.
    pub fn is_empty(&self) -> bool {
        self.mode().is_none()
            && self.scripts.is_empty()
            && Alive { mode: None, ..self.alive.clone() }.is_empty()
    }

    /// Says whether a file is not installed, as nobody agreed to what somebody else's would do here.
    pub(in crate::restore) fn holds_back(&self, place: &RepoPath) -> bool {
        self.quiet.as_ref().is_some_and(|asleep| {
            (is_script(place) && !asleep.revive.scripts) || (is_memory(place) && !asleep.revive.memory)
        })
    }
}

/// Prepares to make a saved file of records quiet.
pub(in crate::restore) fn quiet(
    store: &Store,
    transcript: &Transcript,
    alive: &Alive,
    revive: &Revive,
) -> Result<Quiet> {
    Ok(Quiet::new(watched(store, transcript, true)?, alive, revive))
}

fn watched(store: &Store, transcript: &Transcript, thorough: bool) -> Result<Watch> {
    let mut watch = if thorough { Watch::thorough() } else { Watch::default() };
    let mut lines = saved_lines(store, transcript);
    while let Some(line) = lines.next_line()? {
        watch.line(line);
    }
    Ok(watch)
}

fn count(store: &Store, transcript: &Transcript, mut quiet: Quiet) -> Result<BTreeMap<String, u64>> {
    let mut lines = saved_lines(store, transcript);
    while let Some(line) = lines.next_line()? {
        quiet.line(line);
    }
    Ok(quiet.left)
}

impl SessionPlan {
    /// Has these come alive; each is `mode`, `goal`, `agent`, `scripts`, `memory` or `cron:ID`.
    ///
    /// # Errors
    /// [`Kind::Usage`] for what this conversation does not have, with what it has.
    pub fn revive(&mut self, wanted: &[String]) -> Result<()> {
        let all = names(&self.waking);
        let Some(asleep) = &mut self.waking.quiet else { return Ok(()) };
        for name in wanted {
            if !all.contains(name) {
                let all: Vec<&str> = all.iter().map(String::as_str).collect();
                let why = if all.is_empty() {
                    "nothing in this conversation starts by itself".to_owned()
                } else {
                    format!("it has {}", Line(&all.join(", ")))
                };
                return Err(Error::new(Kind::Usage, format!("There is no \"{}\" to revive", Line(name)))
                    .because(why)
                    .hint("`--dry-run` shows what would start by itself"));
            }
            match name.split_once(':') {
                Some((_, id)) => drop(asleep.revive.crons.insert(id.to_owned())),
                None => match name.as_str() {
                    "mode" => asleep.revive.mode = true,
                    "goal" => asleep.revive.goal = true,
                    "scripts" => asleep.revive.scripts = true,
                    "memory" => asleep.revive.memory = true,
                    _ => asleep.revive.agent = true,
                },
            }
        }
        Ok(())
    }
}

/// Returns what of a conversation can be revived, by the words of `--revive`.
pub fn names(waking: &Waking) -> Vec<String> {
    let alive = &waking.alive;
    let mode = waking.mode().map(|_| "mode".to_owned());
    let agent = alive.agent.as_ref().map(|_| "agent".to_owned());
    let goal = alive.goal.as_ref().map(|_| "goal".to_owned());
    let ids: BTreeSet<&String> = alive.crons.iter().map(|cron| &cron.id).collect();
    let crons = ids.into_iter().filter(|id| !alive.unclear.contains(*id)).map(|id| format!("cron:{id}"));
    let scripts = (!waking.scripts.is_empty()).then(|| "scripts".to_owned());
    let memory = (waking.notes > 0).then(|| "memory".to_owned());
    mode.into_iter().chain(agent).chain(goal).chain(scripts).chain(memory).chain(crons).collect()
}
