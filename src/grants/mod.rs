//! Permission grants: which ones a snapshot offers to a new place, and how each is granted there.
//!
//! Pure. Grants for the session come back in the settings of one launch of the client. Rules from settings
//! files come back only as rules of the local settings file. Refusals are only ever added. Never taken from
//! a snapshot: the mode that asks nothing, further folders, hooks, variables, servers.

mod class;
mod launch;
mod moved;
mod rule;

use serde_json::Value;

pub use class::{Class, of as class_of};
pub use launch::{LaunchRules, launch};
pub use rule::Rule;

use moved::moved;

use crate::json::edit::Document;
use crate::manifest::{Decision, Permissions, ProjectRules};

/// The modes that the client can be started in; the one that asks for nothing is not among them.
const MODES: [&str; 6] = ["acceptEdits", "auto", "default", "dontAsk", "manual", "plan"];

/// How the sentence about a mode that is not restored begins.
pub const MODE_WAS: &str = "The permission mode was ";

/// How a rule is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// To the session alone, in the settings of this launch.
    Session,
    /// In the local settings file.
    Allow,
    /// In the local settings file: to be asked each time.
    Ask,
    /// In the local settings file: refused.
    Deny,
}

impl GrantKind {
    /// Returns the word that stands for it in JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            GrantKind::Session => "session",
            GrantKind::Allow => "allow",
            GrantKind::Ask => "ask",
            GrantKind::Deny => "deny",
        }
    }

    /// Returns the key of its list in the client's settings.
    fn key(self) -> &'static str {
        match self {
            GrantKind::Session | GrantKind::Allow => "allow",
            GrantKind::Ask => "ask",
            GrantKind::Deny => "deny",
        }
    }
}

/// A rule that refused or asked in the session's own run, by an option of its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// The rule, with its paths those of this place.
    pub rule: String,
    /// [`GrantKind::Ask`] or [`GrantKind::Deny`].
    pub kind: GrantKind,
    /// The option that it stood in.
    pub option: String,
}

/// One rule that held in the snapshot's place and does not hold here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The rule, with its paths those of this place.
    pub rule: String,
    /// How it is granted.
    pub kind: GrantKind,
    /// The settings file or the client's option that it came from; `None` for one that a person granted
    /// to the session.
    pub file: Option<String>,
    /// How far it reaches; of a refusal, nothing that matters.
    pub class: Class,
    /// Why it is in the worst class, else empty.
    pub why: &'static str,
}

impl Offer {
    /// Says whether granting it equals letting the agent run anything.
    pub fn is_worst(&self) -> bool {
        matches!(self.kind, GrantKind::Session | GrantKind::Allow) && self.class == Class::Anything
    }
}

/// The place that rules come from and the one they are wanted in.
#[derive(Clone, Debug)]
pub struct Places<'a> {
    /// Folders of the old place with those of the new one, longest first.
    pub folders: &'a [(String, String)],
    /// The old place's home folder.
    pub old_home: &'a str,
    /// The new place's root.
    pub root: &'a str,
}

/// What a snapshot offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// The rules that are missing here.
    pub all: Vec<Offer>,
    /// What held back the session's own run, and is to hold back the next one.
    pub restrictions: Vec<Restriction>,
    /// What can't come along, each as a sentence.
    pub notes: Vec<String>,
}

impl Offers {
    /// Compares what a snapshot holds with the rules that hold here.
    pub fn of(saved: &Permissions, here: &ProjectRules, places: &Places<'_>) -> Offers {
        let mut offers = Offers::default();
        for decision in saved.session.iter().filter(|decision| decision.decision == "accept") {
            for rule in session_rules(decision, &mut offers.notes) {
                offers.grant(&rule, GrantKind::Session, None, here, places);
            }
        }
        for rule in &saved.launch.allow {
            offers.grant(&rule.rule, GrantKind::Session, Some(&rule.file), here, places);
        }
        for (kind, saved) in [(GrantKind::Ask, &saved.launch.ask), (GrantKind::Deny, &saved.launch.deny)] {
            let moved = |rule: &str| moved(rule, None, places).unwrap_or_else(|| rule.to_owned());
            offers.restrictions.extend(saved.iter().map(|rule| Restriction {
                rule: moved(&rule.rule),
                kind,
                option: rule.file.clone(),
            }));
        }
        for rule in &saved.project.allow {
            offers.grant(&rule.rule, GrantKind::Allow, Some(&rule.file), here, places);
        }
        for (kind, saved, here) in [
            (GrantKind::Ask, &saved.project.ask, &here.ask),
            (GrantKind::Deny, &saved.project.deny, &here.deny),
        ] {
            for rule in saved.iter().filter(|rule| here.iter().all(|other| other.rule != rule.rule)) {
                // Wherever it leads: a refusal that finds nothing does no harm.
                let inside = moved(&rule.rule, Some(&rule.file), places);
                let text = inside.unwrap_or_else(|| rule.rule.clone());
                offers.add(text, kind, Some(&rule.file), places);
            }
        }
        offers
    }

    fn grant(
        &mut self,
        rule: &str,
        kind: GrantKind,
        file: Option<&str>,
        here: &ProjectRules,
        places: &Places<'_>,
    ) {
        let Some(text) = moved(rule, file, places) else {
            self.note(format!("The rule {} points outside the work tree and is not restored.", shown(rule)));
            return;
        };
        if here.allow.iter().all(|other| other.rule != text) {
            self.add(text, kind, file, places);
        }
    }

    fn add(&mut self, rule: String, kind: GrantKind, file: Option<&str>, places: &Places<'_>) {
        // What settings allow, the session needs no option for.
        let settled =
            |other: &Offer| other.rule == rule && (other.kind == kind || kind == GrantKind::Session);
        if self.all.iter().any(settled) {
            return;
        }
        if kind == GrantKind::Allow {
            self.all.retain(|other| other.kind != GrantKind::Session || other.rule != rule);
        }
        // As the client gets it, and so as it is shown.
        let rule = match (kind, Rule::parse(&rule)) {
            (GrantKind::Session, Some(read)) => read.text(),
            _ => rule,
        };
        let (class, why) = class_of(&rule, places.root);
        self.all.push(Offer { rule, kind, file: file.map(str::to_owned), class, why });
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

fn shown(rule: &str) -> String {
    crate::base::screen::Line(rule).to_string()
}

/// Returns the rules for what was granted for a session: those that the client offered, if a hook
/// recorded them, otherwise the one call that was decided on.
fn session_rules(decision: &Decision, notes: &mut Vec<String>) -> Vec<String> {
    if let Some(rules) = &decision.rules {
        return rules.clone();
    }
    let rule = |tool: &str, content: &str| {
        Some(Rule { tool: tool.to_owned(), content: Some(content.to_owned()) }.text())
    };
    let detail = decision.detail.as_str();
    let literal = !detail.is_empty() && !detail.contains('*');
    let made = match decision.tool.as_str() {
        "Bash" if literal && !detail.ends_with(":") => rule("Bash", detail),
        // The client judges all changes of files by its rules for `Edit`.
        "Edit" | "Write" | "MultiEdit" | "NotebookEdit" if is_plain_path(detail) => {
            rule("Edit", &format!("/{detail}"))
        }
        "Read" if is_plain_path(detail) => rule("Read", &format!("/{detail}")),
        "WebFetch" => host(detail).and_then(|host| rule("WebFetch", &format!("domain:{host}"))),
        tool if tool.starts_with("mcp__") => Some(tool.to_owned()),
        _ => None,
    };
    match made {
        Some(rule) => vec![rule],
        None => {
            notes.push(format!(
                "A grant for the session can't be written as one rule and is not restored: {} {}.",
                shown(&decision.tool),
                crate::base::screen::cut(detail, 200)
            ));
            Vec::new()
        }
    }
}

fn is_plain_path(path: &str) -> bool {
    path.starts_with('/') && !path.contains(['*', '?', '[', '{', '!', '\\'])
}

fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (!host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c))).then_some(host)
}

/// Returns the mode to start the client in, and what to say if it is not the saved one.
///
/// `asleep`: somebody else saved it, and nobody asked for it.
pub fn mode_to_start(saved: Option<&str>, asleep: bool) -> (Option<&str>, Option<String>) {
    let Some(mode) = saved else { return (None, None) };
    let why = match mode {
        "default" | "manual" if asleep => return (None, None),
        "bypassPermissions" => "a mode that asks nothing is never restored",
        _ if !MODES.contains(&mode) => "this version of snap does not know it",
        _ if asleep => "the snapshot is somebody else's (`--revive mode`)",
        _ => return (Some(mode), None),
    };
    (None, Some(format!("{MODE_WAS}{}; it is not restored: {why}.", shown(mode))))
}

/// Returns the text of a local settings file with these rules in it; nothing is taken out.
///
/// # Errors
/// Says what is wrong with the text.
pub fn added_to(settings: &str, chosen: &[&Offer]) -> Result<String, String> {
    let mut document = Document::parse(settings)?;
    for offer in chosen.iter().filter(|offer| offer.kind != GrantKind::Session) {
        let path = ["permissions", offer.kind.word()];
        let rule = Value::String(offer.rule.clone());
        let there = document.get(&path);
        if !there.as_ref().and_then(Value::as_array).is_some_and(|all| all.contains(&rule)) {
            document.push(&path, &rule)?;
        }
    }
    Ok(document.text().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::SavedRule;

    fn decision(tool: &str, detail: &str, rules: Option<&[&str]>) -> Decision {
        Decision {
            tool: tool.to_owned(),
            detail: detail.to_owned(),
            decision: "accept".to_owned(),
            scope: "session".to_owned(),
            at: None,
            rules: rules.map(|rules| rules.iter().map(|rule| (*rule).to_owned()).collect()),
        }
    }

    fn rules(file: &str, rules: &[&str]) -> Vec<SavedRule> {
        rules.iter().map(|rule| SavedRule { rule: (*rule).to_owned(), file: file.to_owned() }).collect()
    }

    fn offered(saved: &Permissions, here: &ProjectRules) -> (Vec<(GrantKind, String)>, Vec<String>) {
        let folders = [("/old/app".to_owned(), "/new/app".to_owned())];
        let places = Places { folders: &folders, old_home: "/old", root: "/new/app" };
        let offers = Offers::of(saved, here, &places);
        (offers.all.into_iter().map(|offer| (offer.kind, offer.rule)).collect(), offers.notes)
    }

    fn session(decisions: Vec<Decision>) -> Permissions {
        Permissions { session: decisions, ..Permissions::default() }
    }

    #[test]
    fn a_sessions_grants_become_rules_of_what_was_decided() {
        for (tool, detail, rules, wanted) in [
            ("Bash", "npm test", None, &["Bash(npm test)"][..]),
            ("Bash", "echo (a)", None, &[r"Bash(echo \(a\))"]),
            ("Bash", "rm *", None, &[]),
            ("Bash", "touch x", Some(&["Bash(touch *)"][..]), &["Bash(touch *)"]),
            ("Bash", "touch x", Some(&[]), &[]),
            ("Write", "/old/app/a b.txt", None, &["Edit(//new/app/a b.txt)"]),
            ("Write", "/old/apple/x", None, &[]),
            ("Read", "/etc/hostname", None, &[]),
            ("Read", "/old/app/x", Some(&["Read(//old/app/**)"]), &["Read(//new/app/**)"]),
            ("WebFetch", "https://u@docs.example.com:8/x?y", None, &["WebFetch(domain:docs.example.com)"]),
            ("WebFetch", "nonsense", None, &[]),
            ("mcp__db__query", "", None, &["mcp__db__query"]),
            ("Skill", "x", None, &[]),
        ] {
            let (all, notes) =
                offered(&session(vec![decision(tool, detail, rules)]), &ProjectRules::default());
            let all: Vec<String> = all.into_iter().map(|(_, rule)| rule).collect();
            assert_eq!(all, wanted, "{tool} {detail}");
            assert_eq!(
                notes.is_empty(),
                !wanted.is_empty() || rules == Some(&[]),
                "{tool} {detail}: {notes:?}"
            );
        }
        let mut refused = decision("Bash", "ls", None);
        refused.decision = "reject".to_owned();
        assert!(offered(&session(vec![refused]), &ProjectRules::default()).0.is_empty());
    }

    #[test]
    fn only_what_is_missing_is_offered_and_each_once() {
        let saved = Permissions {
            session: vec![decision("Bash", "ls", None), decision("Bash", "pwd", None)],
            project: ProjectRules {
                allow: rules(
                    ".claude/settings.json",
                    &["Bash(ls)", "Bash(make)", "Bash(make)", "Bash(npm ci)"],
                ),
                deny: rules("~/.claude/settings.json", &["Read(~/.ssh/**)", "Read(.env)"]),
                ask: rules(".claude/settings.local.json", &["Bash(git push *)"]),
            },
            ..Permissions::default()
        };
        let here = ProjectRules {
            allow: rules(".claude/settings.local.json", &["Bash(make)"]),
            deny: rules(".claude/settings.local.json", &["Read(.env)"]),
            ..ProjectRules::default()
        };
        let rule = |kind, rule: &str| (kind, rule.to_owned());
        assert_eq!(
            offered(&saved, &here).0,
            [
                rule(GrantKind::Session, "Bash(pwd)"),
                rule(GrantKind::Allow, "Bash(ls)"),
                rule(GrantKind::Allow, "Bash(npm ci)"),
                rule(GrantKind::Ask, "Bash(git push *)"),
                // Outside the work tree, but a refusal.
                rule(GrantKind::Deny, "Read(~/.ssh/**)"),
            ]
        );
    }

    #[test]
    fn paths_become_those_of_the_new_place_or_stay_behind() {
        let file = ".claude/settings.json";
        for (rule, wanted) in [
            ("Read(//old/app/src/**)", Some("Read(//new/app/src/**)")),
            ("Read(~/app/src/**)", Some("Read(//new/app/src/**)")),
            ("Edit(src/**)", Some("Edit(src/**)")),
            ("Edit(/src/**)", Some("Edit(/src/**)")),
            ("Edit(//new/app/x)", Some("Edit(//new/app/x)")),
            ("Edit(//old/application/x)", None),
            ("Edit(~/.bashrc)", None),
            ("Edit(~ada/x)", None),
            ("Edit(../x)", None),
            ("Edit(//old/app/../x)", None),
            ("Bash(/old/app/run.sh --in=/old/app)", Some("Bash(/new/app/run.sh --in=/new/app)")),
            ("Bash(cat /old/apple /x/old/app)", Some("Bash(cat /old/apple /x/old/app)")),
            ("Bash(broken", Some("Bash(broken")),
        ] {
            let saved = Permissions {
                project: ProjectRules { allow: rules(file, &[rule]), ..ProjectRules::default() },
                ..Permissions::default()
            };
            let (all, notes) = offered(&saved, &ProjectRules::default());
            assert_eq!(all.first().map(|(_, rule)| rule.as_str()), wanted, "{rule}");
            assert_eq!(notes.len(), usize::from(wanted.is_none()), "{rule}: {notes:?}");
        }
        // Below the user's own settings folder, which does not come along.
        let saved = Permissions {
            project: ProjectRules {
                allow: rules("~/.claude/settings.json", &["Read(/x)"]),
                ..ProjectRules::default()
            },
            ..Permissions::default()
        };
        assert!(offered(&saved, &ProjectRules::default()).0.is_empty());
    }

    #[test]
    fn the_mode_that_asks_nothing_never_comes_back() {
        for (mode, own, foreign) in [
            (None, None, None),
            (Some("default"), Some("default"), None),
            (Some("plan"), Some("plan"), None),
            (Some("acceptEdits"), Some("acceptEdits"), None),
            (Some("auto"), Some("auto"), None),
            (Some("bypassPermissions"), None, None),
            (Some("--dangerously-skip-permissions"), None, None),
        ] {
            for (is_foreign, wanted) in [(false, own), (true, foreign)] {
                let (found, note) = mode_to_start(mode, is_foreign);
                assert_eq!(found, wanted, "{mode:?}");
                assert_eq!(note.is_some(), mode != wanted && mode != Some("default"), "{mode:?}");
            }
        }
    }

    #[test]
    fn rules_are_added_to_settings_and_nothing_else_changes() {
        let text = "{\n    \"env\": {\"A\": 1},\n    \"permissions\": {\"allow\": [\"Bash(ls)\"]}\n}\n";
        let offer = |kind, rule: &str| Offer {
            rule: rule.to_owned(),
            kind,
            file: None,
            class: Class::Exact,
            why: "",
        };
        let chosen = [
            offer(GrantKind::Allow, "Bash(ls)"),
            offer(GrantKind::Allow, "Bash(x)"),
            offer(GrantKind::Session, "Bash(s)"),
        ];
        let chosen: Vec<&Offer> = chosen.iter().collect();
        let wanted = text.replace("[\"Bash(ls)\"]", "[\"Bash(ls)\", \"Bash(x)\"]");
        assert_eq!(added_to(text, &chosen), Ok(wanted));
        assert!(added_to("{\"permissions\": {\"allow\": 7}}", &chosen).is_err());
        assert_eq!(added_to(text, &chosen[2..]).as_deref(), Ok(text));
    }
}
