//! Which permission grants of a snapshot are restored: compared with this place, chosen, and passed to the
//! client.
//!
//! Nothing is granted unasked. Grants for the session go into the settings of this launch of the client.
//! Rules of the project go into `.claude/settings.local.json` as part of the restore's plan, and `snap undo`
//! removes them again.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use serde_json::{Map, Value};

use super::RestorePlan;
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::base::screen::{self, Line};
use crate::grants::{
    GrantKind, MODE_WAS, Offer, Offers, Places, Restriction, added_to, launch, mode_to_start,
};
use crate::manifest::ProjectRules;
use crate::sys::place::Root;
use crate::sys::users_files;
use crate::trust::Provenance;
use crate::workspace::Workspace;

/// The settings file that is the user's own in a project.
const LOCAL: &str = ".claude/settings.local.json";

/// A settings file over this many bytes is none.
const LARGEST: u64 = 16 << 20;

/// Which grants to restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantChoice {
    /// None.
    None,
    /// Those that a person chooses.
    Review,
    /// All that are missing here.
    All,
}

/// What is offered, and what was chosen of it.
pub struct GrantPlan {
    /// What was asked for.
    pub choice: GrantChoice,
    /// What held in the snapshot's place and does not hold here.
    pub offers: Vec<Offer>,
    /// Which of them are granted.
    pub chosen: Vec<bool>,
    /// What refuses or asks in this launch, as in the session's own run.
    pub restrictions: Vec<Restriction>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// The permission mode that the client is started in.
    pub mode: Option<String>,
    /// Further settings of this launch.
    pub settings: Map<String, Value>,
    /// What was chosen and can't be passed to the client, or is lost, each as a sentence.
    pub lost: Vec<String>,
}

impl GrantPlan {
    /// Returns what is granted when files alone are restored: nothing, without a word.
    pub fn none() -> GrantPlan {
        GrantPlan {
            choice: GrantChoice::None,
            offers: Vec::new(),
            chosen: Vec::new(),
            restrictions: Vec::new(),
            notes: Vec::new(),
            mode: None,
            settings: Map::new(),
            lost: Vec::new(),
        }
    }

    /// Compares the snapshot with this place.
    pub fn of(choice: GrantChoice, plan: &RestorePlan, workspace: &Workspace) -> GrantPlan {
        let foreign = matches!(plan.provenance(), Provenance::Foreign { .. });
        let manifest = plan.manifest();
        let root = workspace.root.to_string_lossy();
        let old = &manifest.workspace;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let folders: Vec<(String, String)> = match plan.session() {
            Some(session) => {
                session.relocation.folders().map(|(old, new)| (old.to_owned(), new.to_owned())).collect()
            }
            None => vec![(text(old.root.as_path()), root.clone().into_owned())],
        };
        let old_home = text(old.home.as_path());
        let places = Places { folders: &folders, old_home: &old_home, root: &root };
        let now = workspace.client.settings(&workspace.root).rules;
        // A settings file may be one of the edits: it comes back whole, and its rules are no question.
        let here = workspace.client.rules_with(&workspace.root, |file| plan.content_of(file));
        let Offers { mut all, mut restrictions, mut notes } =
            Offers::of(&manifest.permissions, &here, &places);
        notes.extend(come_with_a_file(&now, &here));
        if plan.session().is_none() {
            // Without a client that is started, there is nothing to give them to.
            all.retain(|offer| offer.kind != GrantKind::Session);
            restrictions.clear();
        }
        if foreign && choice != GrantChoice::None {
            let before = all.len();
            all.retain(|offer| !offer.is_worst());
            if all.len() < before {
                notes.push(format!(
                    "Refused, because the snapshot is somebody else's: {} that would allow any command to run.",
                    match before - all.len() {
                        1 => "1 rule".to_owned(),
                        many => format!("{many} rules"),
                    }
                ));
            }
        }
        let (mode, why) = mode_of(plan);
        notes.extend(why);
        let chosen = vec![choice == GrantChoice::All; all.len()];
        let mode = mode.map(str::to_owned);
        let settings = plan.session().map(|session| session.options.settings.clone()).unwrap_or_default();
        GrantPlan { choice, chosen, offers: all, restrictions, notes, mode, settings, lost: Vec::new() }
    }

    /// Takes up the mode, if a person wanted it alive.
    pub fn follow_mode(&mut self, plan: &RestorePlan) {
        let (mode, why) = mode_of(plan);
        if mode != self.mode.as_deref() {
            self.notes.retain(|note| !note.starts_with(MODE_WAS));
            self.notes.extend(why);
            self.mode = mode.map(str::to_owned);
        }
    }

    /// Chooses all but what equals running anything.
    pub fn choose_harmless(&mut self) {
        self.chosen = self.offers.iter().map(|offer| !offer.is_worst()).collect();
    }

    /// Puts the chosen rules of the project into the plan. Returns whether they have to be written
    /// separately: outside git there is no plan for files.
    ///
    /// # Errors
    /// [`Kind::Refused`] if the settings can't be read.
    pub fn add_to(&self, mut plan: RestorePlan, workspace: &Workspace) -> Result<(RestorePlan, bool)> {
        if self.for_settings().is_empty() {
            return Ok((plan, false));
        }
        let path = RepoPath::new(LOCAL.as_bytes())
            .map_err(|why| Error::new(Kind::Bug, "The settings' path is none").because(why))?;
        let planned =
            plan.change_file(workspace, path, |old| self.settings(old, &workspace.root.join(LOCAL)))?;
        Ok((plan, !planned))
    }

    /// Writes the chosen rules of the project if there is no repository; returns the file's name.
    ///
    /// # Errors
    /// [`Kind::Refused`] if the settings can't be read, and what the disk says.
    pub fn write(&self, workspace: &Workspace) -> Result<&'static str> {
        let place = Root::shared(&workspace.root).at(LOCAL);
        let path = place.path();
        let old = place.read(LARGEST)?;
        let text = old.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let new = self.settings(text.as_deref(), &path)?;
        users_files::replace_there(&place, new.as_bytes())?;
        Ok(LOCAL)
    }

    fn settings(&self, old: Option<&str>, path: &Path) -> Result<String> {
        added_to(old.unwrap_or("{}\n"), &self.for_settings()).map_err(|why| {
            Error::new(Kind::Refused, format!("Cannot change {}", path.display()))
                .because(why)
                .hint("put the file right, or add `--grants none`")
        })
    }

    /// Returns what is granted.
    pub fn granted(&self) -> impl Iterator<Item = &Offer> {
        self.offers.iter().zip(&self.chosen).filter(|(_, chosen)| **chosen).map(|(offer, _)| offer)
    }

    /// Returns what is granted in the local settings file.
    pub fn for_settings(&self) -> Vec<&Offer> {
        self.granted().filter(|offer| offer.kind != GrantKind::Session).collect()
    }

    /// Returns the options to start the client with, unless the person's own options replace them.
    /// Rules that can't be passed on are not granted, and are in [`GrantPlan::lost`] then.
    pub fn options(&mut self, own: &[OsString]) -> Vec<String> {
        let own: Vec<String> = own.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let about_mode =
            |word: &String| word.starts_with("--permission-mode") || word == "--dangerously-skip-permissions";
        let mode = self.mode.iter().filter(|_| !own.iter().any(about_mode));
        let mut options: Vec<String> =
            mode.flat_map(|mode| ["--permission-mode".to_owned(), mode.clone()]).collect();
        let restrictions = self.restrictions.iter().map(|one| (None, one.kind, one.rule.as_str()));
        let granted = self.offers.iter().enumerate().filter(|(number, offer)| {
            offer.kind == GrantKind::Session && self.chosen.get(*number) == Some(&true)
        });
        let granted = granted.map(|(number, offer)| (Some(number), offer.kind, offer.rule.as_str()));
        let all: Vec<(Option<usize>, GrantKind, &str)> = restrictions.chain(granted).collect();
        let rules: Vec<(GrantKind, &str)> = all.iter().map(|(_, kind, rule)| (*kind, *rule)).collect();
        let made = launch(&rules);
        // The client takes one such option alone: the person's own wins.
        let theirs = own.iter().any(|word| word == "--settings" || word.starts_with("--settings="));
        let left: Vec<(usize, &str)> = if theirs {
            (0..all.len()).map(|at| (at, "your own `--settings` takes the place of ours")).collect()
        } else {
            made.left
        };
        let mut refused = Vec::new();
        for (at, why) in left {
            let (number, kind, rule) = all[at];
            let rule = Line(rule);
            self.lost.push(match number {
                Some(_) => format!("not granted: {rule}: {why}"),
                None => format!("{} {rule} no longer applies: {why}", kind.word()),
            });
            refused.extend(number);
        }
        refused.into_iter().for_each(|number| self.chosen[number] = false);
        if theirs && !self.settings.is_empty() {
            let names: Vec<&str> = self.settings.keys().map(String::as_str).collect();
            self.lost.push(format!(
                "not set for the client: {}: your own `--settings` takes the place of ours",
                names.join(", ")
            ));
        }
        let settings = with_settings(made.settings, &self.settings).filter(|_| !theirs);
        options.extend(settings.into_iter().flat_map(|json| ["--settings".to_owned(), json]));
        options
    }
}

/// Says which rules come with a settings file that is set as a whole.
fn come_with_a_file(now: &ProjectRules, then: &ProjectRules) -> Option<String> {
    let lists = [(&now.allow, &then.allow), (&now.ask, &then.ask), (&now.deny, &then.deny)];
    let new = lists.iter().flat_map(|(now, then)| then.iter().filter(|rule| !now.contains(rule)));
    let files: Vec<&str> = new.map(|rule| rule.file.as_str()).collect();
    let named: BTreeSet<&str> = files.iter().copied().collect();
    let named = named.into_iter().collect::<Vec<_>>().join(" and ");
    match files.len() {
        0 => None,
        1 => Some(format!("1 rule comes with {named}, which is set as a whole.")),
        many => Some(format!("{many} rules come with {named}, which is set as a whole.")),
    }
}

/// Adds further settings to those of one launch.
fn with_settings(made: Option<String>, more: &Map<String, Value>) -> Option<String> {
    if more.is_empty() {
        return made;
    }
    let made: Option<Map<String, Value>> = made.and_then(|json| serde_json::from_str(&json).ok());
    let mut all = made.unwrap_or_default();
    all.extend(more.clone());
    // As it is passed it can be printed, and typed again.
    Some(screen::json(&Value::Object(all).to_string()).to_string())
}

/// Returns the mode that the client is started in, and why it is another than was saved.
fn mode_of(plan: &RestorePlan) -> (Option<&str>, Option<String>) {
    let Some(session) = plan.session() else { return (None, None) };
    let asleep = session.waking.quiet.as_ref().is_some_and(|asleep| !asleep.revive.mode);
    // Of somebody else's, what the conversation says comes before what stands beside it.
    let saved = match session.waking.quiet {
        Some(_) => session.waking.mode().or(plan.manifest().permissions.mode.as_deref()),
        None => plan.manifest().permissions.mode.as_deref(),
    };
    mode_to_start(saved, asleep)
}
