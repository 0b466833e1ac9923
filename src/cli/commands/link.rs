//! `snap link`: a saved moment in the client's own list of sessions.

use clap::Args;
use serde::Serialize;

use crate::base::error::{Error, Kind, Result};
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::screen::Line;
use crate::cli::completion::snapshots;
use crate::cli::help::examples;
use crate::cli::line_choice;
use crate::cli::outcome::Outcome;
use crate::cli::output::snapshot_words::is_of_print_mode;
use crate::cli::output::words::quoted;
use crate::cli::output::{Report, Ui};
use crate::cli::restore_flow::{Alive, ConsentArgs, RevivalArgs, before_client};
use crate::restore;
use crate::store::Reference;
use crate::workspace::Workspace;

/// The title of the link that moves on.
const LATEST: &str = "latest";

/// Make a snapshot a session that `claude --resume NAME` finds
///
/// It is in the client's picker too, and needs no `snap` to be resumed.
/// `snap link latest` always leads to the newest snapshot. Removing a snapshot removes its link, but never a session
/// that somebody has continued.
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap link before-refactor", "`claude --resume` finds it from now on"),
    ("snap link latest", "The newest, whichever that is then"),
    ("snap link before-refactor --remove", "Remove the link again"),
]))]
pub(crate) struct Link {
    /// The snapshot
    #[arg(value_name = "REF", default_value = LATEST, add = snapshots())]
    reference: String,
    /// Remove the link again; the snapshot stays
    #[arg(long)]
    remove: bool,
    /// Link the snapshot although it is not your own
    #[arg(long)]
    trust: bool,
    /// Never prompt; skip whatever --trust and --revive don't cover
    #[arg(long, visible_alias = "yes", overrides_with = "no_input")]
    no_input: bool,
    #[command(flatten)]
    revival: RevivalArgs,
}

impl Link {
    pub(crate) fn run(self, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if self.remove {
            return self.remove(workspace, ui);
        }
        let follows = self.reference == LATEST;
        let entry = if follows {
            // One of another work tree without a conversation is not meant, as for `resume`.
            let newest = restore::find_to_resume(workspace, LATEST)?.manifest;
            workspace.store.find(&Reference::parse(newest.id.as_str()))?
        } else {
            let meant =
                line_choice::as_meant_here(workspace, std::slice::from_ref(&self.reference), "link", ui)?;
            let meant = meant.first().unwrap_or(&self.reference);
            workspace.store.find(&Reference::parse(meant))?
        };
        let (called, manifest) = (entry.called, entry.manifest?);
        let title = if follows { LATEST } else { called.as_str() };
        let consent = ConsentArgs::of(self.trust, self.no_input);
        let trust = consent.trusts(ui, workspace, &manifest)?;
        let mut plan = restore::plan_link(workspace, &manifest, trust)?;
        plan.revive(self.revival.asked())?;
        if consent.asks(ui) {
            let agreed = self.revival.ask(&plan, ui)?;
            plan.revive(&agreed)?;
        }
        let alive = Alive::of(&plan);
        let (session, cwd) = restore::link(workspace, &manifest, plan, title, follows)?;
        let titled = workspace.client.titled(&cwd, title).unwrap_or_default();
        let is_shared = titled.iter().any(|other| *other != session);
        let cwd = cwd.to_string_lossy().into_owned();
        // The client takes no title that several sessions have.
        let finds = if is_shared || is_of_print_mode(&manifest) { session.as_str() } else { title };
        let launch = &manifest.permissions.launch;
        let lost = launch.deny.iter().chain(&launch.ask).map(|rule| rule.rule.as_str()).collect();
        let (snapshot, name) = (&manifest.id, &called);
        ui.report(&LinkReport {
            title,
            session: &session,
            snapshot,
            follows,
            cwd,
            alive,
            lost,
            name,
            finds,
            is_of_print_mode: is_of_print_mode(&manifest),
        })?;
        Ok(Outcome::Done)
    }

    fn remove(&self, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let title = match self.reference.as_str() {
            LATEST => LATEST.to_owned(),
            reference => match workspace.store.find(&Reference::parse(reference)) {
                Ok(entry) => entry.called,
                // The snapshot may be gone already.
                Err(_) => reference.to_owned(),
            },
        };
        let mut links = restore::links(workspace)?;
        links.retain(|link| link.title == title);
        if links.is_empty() {
            return Err(Error::new(Kind::NotFound, format!("There is no link \"{}\"", Line(&title)))
                .hint("`snap link --remove NAME` takes the name that the link has in `claude --resume`"));
        }
        let mut report = Unlinked { title, removed: 0, kept: 0 };
        for link in links {
            if workspace.client.unlink(&link)? { report.removed += 1 } else { report.kept += 1 }
        }
        ui.report(&report)?;
        Ok(Outcome::Done)
    }
}

/// The link that was made.
#[derive(Serialize)]
struct LinkReport<'a> {
    title: &'a str,
    session: &'a ClientId,
    snapshot: &'a SnapshotId,
    /// Whether it moves on to each newer snapshot.
    follows: bool,
    cwd: String,
    alive: Alive,
    /// What was refused in that run, and is not in a plain `claude --resume`.
    lost: Vec<&'a str>,
    #[serde(skip)]
    name: &'a str,
    /// What the client finds it by in a terminal: its title, or its id.
    #[serde(skip)]
    finds: &'a str,
    /// Whether it was begun with `claude -p`.
    #[serde(skip)]
    is_of_print_mode: bool,
}

impl Report for LinkReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        self.alive.lines().into_iter().for_each(|line| ui.say(line));
        for rule in &self.lost {
            ui.warn(&format!(
                "{} applied in that run, but does not apply in a plain `claude --resume`; `snap resume` \
                 restores it",
                Line(rule)
            ));
        }
        if self.finds != self.title {
            let why = if self.is_of_print_mode {
                "It was begun with `claude -p`".to_owned()
            } else {
                format!("Another session here has the title \"{}\" too", Line(self.title))
            };
            ui.warn(&format!("{why}. In a terminal, the client finds it by its id, not by its name."));
        }
        ui.say(&format!("Linked \"{}\". To continue from it, run:", Line(self.name)));
        let (cwd, before) = (quoted(&self.cwd), before_client(None));
        ui.line(&format!("cd {cwd} && {before}claude --resume {}", quoted(self.finds)))
    }
}

/// What became of the links of a title.
#[derive(Serialize)]
struct Unlinked {
    title: String,
    removed: usize,
    /// How many are sessions of their own by now, because somebody continued them.
    kept: usize,
}

impl Report for Unlinked {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let title = Line(&self.title);
        if self.removed > 0 {
            ui.say(&format!("Removed the link \"{title}\"."));
        }
        if self.kept > 0 {
            ui.say(&format!(
                "\"{title}\" is not a link any more: somebody continued that session, so it stays."
            ));
        }
        Ok(())
    }
}
