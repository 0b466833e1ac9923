//! `--grants`: which permission grants of a snapshot come back, shown one by one and chosen.
//!
//! Nothing is granted unasked. What is chosen for the session goes into the settings of this launch of the client;
//! rules of the project go into `.claude/settings.local.json` as part of the restore's plan,
//! and `snap undo` takes them back.

use std::ffi::OsString;
use std::path::Path;

use serde_json::{Value, json};

use super::count;
use super::ui::{Style, Text, Ui, text};
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::grants::{
    Kind as Holds, MODE_WAS, Offer, Offers, Places, Restriction, added_to, launch, mode_to_start,
};
use crate::restore::Plan;
use crate::sys::place::Root;
use crate::sys::users_files;
use crate::trust::Provenance;
use crate::workspace::Workspace;

/// The settings file that is the user's own in a project.
const LOCAL: &str = ".claude/settings.local.json";

/// A settings file over this many bytes is none.
const LARGEST: u64 = 16 << 20;

/// Which grants to restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum GrantChoice {
    /// None
    None,
    /// Show those that are missing here, and ask
    Review,
    /// All that are missing here
    All,
}

/// What is offered, and what was chosen of it.
pub(super) struct Grants {
    choice: GrantChoice,
    offers: Vec<Offer>,
    chosen: Vec<bool>,
    /// What refuses or asks in this launch, as in the session's own run.
    restrictions: Vec<Restriction>,
    notes: Vec<String>,
    mode: Option<String>,
    /// What was chosen and can't be passed to the client, or is lost, each as a sentence.
    lost: Vec<String>,
}

impl Grants {
    /// Returns what is granted when files alone are restored: nothing, without a word.
    pub(super) fn unasked() -> Grants {
        Grants {
            choice: GrantChoice::None,
            offers: Vec::new(),
            chosen: Vec::new(),
            restrictions: Vec::new(),
            notes: Vec::new(),
            mode: None,
            lost: Vec::new(),
        }
    }

    /// Compares the snapshot with this place.
    pub(super) fn plan(
        asked: Option<GrantChoice>,
        plan: &Plan,
        workspace: &Workspace,
        ui: &Ui,
    ) -> Result<Grants> {
        let foreign = matches!(plan.provenance(), Provenance::Foreign { .. });
        let manifest = plan.manifest();
        let asks = ui.is_terminal() && !ui.json();
        let choice = asked.unwrap_or(match asks && !foreign {
            true => GrantChoice::Review,
            false => GrantChoice::None,
        });
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
        let here = workspace.client.settings(&workspace.root).rules;
        let Offers { mut all, mut restrictions, mut notes } =
            Offers::of(&manifest.permissions, &here, &places);
        if plan.session().is_none() {
            // Without a client that is started, there is nothing to give them to.
            all.retain(|offer| offer.kind != Holds::Session);
            restrictions.clear();
        }
        if foreign && choice != GrantChoice::None {
            let before = all.len();
            all.retain(|offer| !offer.is_worst());
            if all.len() < before {
                notes.push(format!(
                    "Refused, as the snapshot is somebody else's: {} that would equal running anything.",
                    count(before - all.len(), "rule")
                ));
            }
        }
        let (mode, why) = mode_of(plan);
        notes.extend(why);
        let chosen = vec![choice == GrantChoice::All; all.len()];
        let mode = mode.map(str::to_owned);
        Ok(Grants { choice, chosen, offers: all, restrictions, notes, mode, lost: Vec::new() })
    }

    /// Takes up the mode, if a person wanted it alive.
    pub(super) fn revive(&mut self, plan: &Plan) {
        let (mode, why) = mode_of(plan);
        if mode != self.mode.as_deref() {
            self.notes.retain(|note| !note.starts_with(MODE_WAS));
            self.notes.extend(why);
            self.mode = mode.map(str::to_owned);
        }
    }

    /// Returns what to show of it before anything happens.
    pub(super) fn lines(&self) -> Vec<Text> {
        let mut lines = Vec::new();
        if self.choice != GrantChoice::None && !self.offers.is_empty() {
            let all = if self.choice == GrantChoice::All { ", all to be restored" } else { "" };
            lines.push(text![format!("  Grants that held there and are missing here{all}:")]);
            let width = self.offers.len().to_string().len();
            for (number, offer) in self.offers.iter().enumerate() {
                lines.push(text![format!("  {:>width$}  ", number + 1), line(offer)]);
            }
        }
        lines.extend(self.restrictions.iter().map(|one| {
            let word = Style::Good.of(format!("{:7}", one.kind.word()));
            text![
                "  ",
                word,
                format!(" {} holds again in this launch ({})", Line(&one.rule), Line(&one.option))
            ]
        }));
        let mut notes = self.notes.clone();
        if self.choice == GrantChoice::None && !self.offers.is_empty() {
            let number = self.offers.len();
            let verb = if number == 1 { "is" } else { "are" };
            notes.push(format!(
                "{} that held there {verb} missing here: `--grants review` shows and asks, `--grants all` takes all.",
                count(number, "grant")
            ));
        }
        lines.extend(notes.iter().map(|note| text!["  ", Style::Warning.of("note:"), " ", note]));
        lines
    }

    /// Asks which to grant, if that is to be asked; `yes`: take what can be taken unseen.
    pub(super) fn choose(&mut self, yes: bool, ui: &mut Ui) -> Result<()> {
        if self.choice != GrantChoice::Review || self.offers.is_empty() {
            return Ok(());
        }
        if yes {
            self.chosen = self.offers.iter().map(|offer| !offer.is_worst()).collect();
            return Ok(());
        }
        if !ui.is_terminal() || ui.json() {
            return Err(Error::new(Kind::Usage, "Cannot ask which grants to restore")
                .because("this is no terminal")
                .hint("`--grants all` takes all that are missing here, `--grants none` takes none"));
        }
        let question = match self.offers.iter().any(Offer::is_worst) {
            true => {
                "Grant which? [y: all but those that equal running anything; numbers such as 1 3; Enter: none]"
            }
            false => "Grant which? [y: all; numbers such as 1 3; Enter: none]",
        };
        loop {
            let answer = ui.answer(question)?.unwrap_or_default();
            match chosen(&answer, &self.offers) {
                Some(chosen) => {
                    self.chosen = chosen;
                    return Ok(());
                }
                None => ui.say("That is neither y nor numbers of this list."),
            }
        }
    }

    /// Puts the chosen rules of the project into the plan. Returns whether they have to be written apart:
    /// outside git there is no plan for files.
    pub(super) fn add_to(&self, plan: &mut Plan, workspace: &Workspace) -> Result<bool> {
        if self.for_settings().is_empty() {
            return Ok(false);
        }
        let path = RepoPath::new(LOCAL.as_bytes())
            .map_err(|why| Error::new(Kind::Bug, "The settings' path is none").because(why))?;
        let planned =
            plan.change_file(workspace, path, |old| self.settings(old, &workspace.root.join(LOCAL)))?;
        Ok(!planned)
    }

    /// Writes the chosen rules of the project where there is no repository.
    pub(super) fn write(&self, workspace: &Workspace, ui: &mut Ui) -> Result<()> {
        let place = Root::shared(&workspace.root).at(LOCAL);
        let path = place.path();
        let old = place.read(LARGEST)?;
        let text = old.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let new = self.settings(text.as_deref(), &path)?;
        users_files::replace_there(&place, new.as_bytes())?;
        ui.say(&format!("Added rules to {LOCAL}; outside git `snap undo` can't take that back."));
        Ok(())
    }

    fn settings(&self, old: Option<&str>, path: &Path) -> Result<String> {
        added_to(old.unwrap_or("{}\n"), &self.for_settings()).map_err(|why| {
            Error::new(Kind::Refused, format!("Cannot change {}", path.display())).because(why).hint(
                "put the file right (the client can't read it like this either), or add `--grants none`",
            )
        })
    }

    fn chosen(&self) -> impl Iterator<Item = &Offer> {
        self.offers.iter().zip(&self.chosen).filter(|(_, chosen)| **chosen).map(|(offer, _)| offer)
    }

    fn for_settings(&self) -> Vec<&Offer> {
        self.chosen().filter(|offer| offer.kind != Holds::Session).collect()
    }

    /// Says what was granted; nothing if nothing was.
    pub(super) fn told(&self) -> Option<String> {
        let session = self.chosen().filter(|offer| offer.kind == Holds::Session).count();
        let parts =
            [(session, "to the session"), (self.for_settings().len(), "in .claude/settings.local.json")];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, place)| format!("{} {place}", count(*number, "rule")))
            .collect();
        (!parts.is_empty()).then(|| format!("Granted: {}.", parts.join(", ")))
    }

    /// Returns the options that the client is started with, unless the person's own say otherwise; what can't be
    /// passed on is not granted, and [`Grants::lost`] then.
    pub(super) fn options(&mut self, own: &[OsString]) -> Vec<String> {
        let own: Vec<String> = own.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let about_mode =
            |word: &String| word.starts_with("--permission-mode") || word == "--dangerously-skip-permissions";
        let mode = self.mode.iter().filter(|_| !own.iter().any(about_mode));
        let mut options: Vec<String> =
            mode.flat_map(|mode| ["--permission-mode".to_owned(), mode.clone()]).collect();
        let restrictions = self.restrictions.iter().map(|one| (None, one.kind, one.rule.as_str()));
        let granted = self.offers.iter().enumerate().filter(|(number, offer)| {
            offer.kind == Holds::Session && self.chosen.get(*number) == Some(&true)
        });
        let granted = granted.map(|(number, offer)| (Some(number), offer.kind, offer.rule.as_str()));
        let all: Vec<(Option<usize>, Holds, &str)> = restrictions.chain(granted).collect();
        let rules: Vec<(Holds, &str)> = all.iter().map(|(_, kind, rule)| (*kind, *rule)).collect();
        let made = launch(&rules);
        // The client takes one such option alone: the person's own wins.
        let theirs = own.iter().any(|word| word == "--settings" || word.starts_with("--settings="));
        let left: Vec<(usize, &str)> = match theirs {
            true => (0..all.len()).map(|at| (at, "your own `--settings` takes the place of ours")).collect(),
            false => made.left,
        };
        let mut refused = Vec::new();
        for (at, why) in left {
            let (number, kind, rule) = all[at];
            let rule = Line(rule);
            self.lost.push(match number {
                Some(_) => format!("not granted: {rule}: {why}"),
                None => format!("{} {rule} does not hold any more: {why}", kind.word()),
            });
            refused.extend(number);
        }
        refused.into_iter().for_each(|number| self.chosen[number] = false);
        options.extend(
            made.settings.filter(|_| !theirs).into_iter().flat_map(|json| ["--settings".to_owned(), json]),
        );
        options
    }

    /// Returns what was chosen and could not be passed to the client, and which of its restrictions are lost.
    pub(super) fn lost(&self) -> &[String] {
        &self.lost
    }

    /// Returns it for `--json`.
    pub(super) fn json(&self) -> Value {
        let rules: Vec<Value> = self
            .offers
            .iter()
            .zip(&self.chosen)
            .map(|(offer, chosen)| {
                json!({
                    "rule": offer.rule, "kind": offer.kind.word(), "file": offer.file,
                    "class": offer.class.word(), "why": Some(offer.why).filter(|why| !why.is_empty()),
                    "granted": chosen,
                })
            })
            .collect();
        let choice = match self.choice {
            GrantChoice::None => "none",
            GrantChoice::Review => "review",
            GrantChoice::All => "all",
        };
        let restrictions: Vec<Value> = self
            .restrictions
            .iter()
            .map(|one| json!({"rule": one.rule, "kind": one.kind.word(), "option": one.option}))
            .collect();
        json!({
            "choice": choice, "mode": self.mode, "rules": rules, "notes": self.notes,
            "restrictions": restrictions, "lost": self.lost,
        })
    }
}

/// Returns the mode that the client is started in, and why it is another than was saved.
fn mode_of(plan: &Plan) -> (Option<&str>, Option<String>) {
    let Some(session) = plan.session() else { return (None, None) };
    let asleep = session.waking.quiet.as_ref().is_some_and(|asleep| !asleep.revive.mode);
    // Of somebody else's, what the conversation says counts, not what stands beside it.
    let saved = match session.waking.quiet {
        Some(_) => session.waking.mode().or(plan.manifest().permissions.mode.as_deref()),
        None => plan.manifest().permissions.mode.as_deref(),
    };
    mode_to_start(saved, asleep)
}

/// One rule, whole: a cut rule could hide what it allows.
fn line(offer: &Offer) -> Text {
    let from = offer.file.as_deref().unwrap_or("this session");
    let rule = Line(&offer.rule);
    let word = offer.kind.word();
    let class = match offer.kind {
        Holds::Ask | Holds::Deny => Style::Good.of("a restriction"),
        _ if offer.is_worst() => Style::Bad.of(format!("{}: {}", offer.class.words(), offer.why)),
        _ => offer.class.words().into(),
    };
    text![format!("{word:7} {rule}  ["), class, "]  ", Style::Faint.of(from)]
}

/// Reads an answer: which of the offers are chosen; `None` if it makes no sense.
fn chosen(answer: &str, offers: &[Offer]) -> Option<Vec<bool>> {
    match answer.to_ascii_lowercase().as_str() {
        "" | "n" | "no" | "none" => return Some(vec![false; offers.len()]),
        "y" | "yes" => return Some(offers.iter().map(|offer| !offer.is_worst()).collect()),
        _ => {}
    }
    let mut chosen = vec![false; offers.len()];
    for word in answer.split([' ', ',']).filter(|word| !word.is_empty()) {
        let number: usize = word.parse().ok()?;
        *chosen.get_mut(number.checked_sub(1)?)? = true;
    }
    Some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::Class;

    #[test]
    fn an_answer_never_takes_the_worst_unless_it_is_named() {
        let offer = |class| Offer { rule: "x".to_owned(), kind: Holds::Allow, file: None, class, why: "" };
        let offers = [offer(Class::Exact), offer(Class::Anything), offer(Class::Prefix)];
        for (answer, wanted) in [
            ("", Some([false, false, false])),
            ("N", Some([false, false, false])),
            ("yes", Some([true, false, true])),
            ("2", Some([false, true, false])),
            ("1, 3", Some([true, false, true])),
            ("4", None),
            ("0", None),
            ("all", None),
            ("1 x", None),
        ] {
            assert_eq!(chosen(answer, &offers), wanted.map(|wanted| wanted.to_vec()), "{answer:?}");
        }
    }
}
