//! What makes the client call `snap`: the hooks in a settings file, and the `/snapshot` command.
//!
//! Pure: texts in, texts out. A hook is ours if its command runs `snap hook` or `claude-snap hook`. It is written with the
//! long name, which no other program has, and without any path of this machine: a settings file is shared, and the client
//! merges hooks that are the same in several files.

use std::time::Duration;

use serde_json::{Value, json};

use crate::base::digest::ObjectId;
use crate::json::edit::Document;

/// The file of the `/snapshot` command, but for its sum. The client offers and completes it; a hook answers it.
const COMMAND_TEXT: &str = r#"---
description: "Snapshots of this session and its edits (snap): save NAME, list, show, resume, rewind, undo, redo, prune, help"
argument-hint: "save NAME | list | show [REF] | resume [REF] | rewind [REF] | undo | redo | prune --older-than 7d | help"
disable-model-invocation: true
---

<!-- Made by `snap init`; `snap init --remove` takes it away. A hook answers the command before any model sees it. (sum: SUM) -->

The user typed `/snapshot`, which a hook of the program `snap` answers without a model. That hook did not run. Call no
tool. Tell the user only this: `snap` is not installed here (`npm install -g claude-snap`), or hooks are switched off;
`claude-snap init` sets them up, and `/hooks` shows them.
"#;

/// The tools that can destroy work: a pattern, which the client tries anywhere in a tool's name.
const TOOLS: &str = "^(Bash|Monitor|Write|Edit|MultiEdit|NotebookEdit|ExitWorktree|mcp__.*)$";

/// A line that only our command file has.
const MARK: &str = "<!-- Made by `snap init`";

/// Stand around the sum of the text, which is made with [`NO_SUM`] in its place.
const SUM: [&str; 2] = ["(sum: ", ")"];
const NO_SUM: &str = "SUM";

/// Whose a command file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommandOwner {
    /// `snap init` made it, in whatever version.
    Us,
    /// `snap init` made it, and somebody has edited it since.
    Edited,
    /// It is a command of the user's own.
    User,
}

/// Returns the file of the `/snapshot` command.
pub(super) fn command_file() -> String {
    COMMAND_TEXT.replacen(NO_SUM, &sum(COMMAND_TEXT), 1)
}

/// Says whose a command file is. One without a sum is of a version that had none.
pub(super) fn command_owner(text: &str) -> CommandOwner {
    let Some((_, marked)) = text.split_once(MARK) else { return CommandOwner::User };
    let stated = marked.split_once(SUM[0]).and_then(|(_, rest)| rest.split_once(SUM[1]));
    let is_as_made = |(stated, _): (&str, &str)| sum(&text.replacen(stated, NO_SUM, 1)) == stated;
    if stated.is_none_or(is_as_made) { CommandOwner::Us } else { CommandOwner::Edited }
}

fn sum(text: &str) -> String {
    ObjectId::of(text.as_bytes()).to_string()[..8].to_owned()
}

/// How often the end of a turn is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As it is set up; never, if it is not.
    AsItIs,
    /// Never.
    Never,
    /// At most once in this time.
    Every(Duration),
}

/// Folders that a client which was not started from a shell often lacks. What `cargo install` has put into the second one
/// has the short name only; no other program of that name is there.
const MORE_FOLDERS: &str = "$HOME/.local/bin:$HOME/.cargo/bin:/opt/homebrew/bin:/usr/local/bin";

/// What says that a hook calls the program by the long name.
const BY_LONG_NAME: &str = "claude-snap hook ";

/// Stands before the seconds.
const EVERY: &str = " --every ";

/// Returns each event with its entry in the settings.
///
/// A missing program must not disturb anybody. So the line ends with success whatever happens. It starts nothing but the
/// program: all else is done by the shell itself. Only if there is no other way, a `snap` on the `PATH` is searched for the
/// words of our help.
pub(super) fn hooks(every: Option<Duration>) -> Vec<(&'static str, Value)> {
    let entry = |event: &str, matcher: Option<&str>, timeout: u64, more: &str| {
        let command = format!(
            "PATH=\"$PATH:{MORE_FOLDERS}\"; if command -v claude-snap >/dev/null 2>&1; then {BY_LONG_NAME}{event}{more}; \
             elif [ -x \"$HOME/.cargo/bin/snap\" ]; then \"$HOME/.cargo/bin/snap\" hook {event}{more}; \
             elif s=$(command -v snap) && grep -q 'whole working state of a Claude Code session' \"$s\" 2>/dev/null; then \"$s\" hook {event}{more}; fi || exit 0"
        );
        let mut entry = json!({"hooks": [{"type": "command", "command": command, "timeout": timeout}]});
        if let Some(matcher) = matcher {
            entry["matcher"] = json!(matcher);
        }
        entry
    };
    let mut all = vec![
        ("UserPromptSubmit", entry("UserPromptSubmit", None, 120, "")),
        ("PreToolUse", entry("PreToolUse", Some(TOOLS), 60, "")),
        ("PreCompact", entry("PreCompact", None, 60, "")),
        ("SessionEnd", entry("SessionEnd", None, 5, "")),
        ("PermissionRequest", entry("PermissionRequest", None, 5, "")),
        ("SubagentStop", entry("SubagentStop", None, 5, "")),
    ];
    let every = every.map(|every| format!("{EVERY}{}s", every.as_secs())).unwrap_or_default();
    all.push(("Stop", entry("Stop", None, 5, &every)));
    all
}

fn is_ours(entry: &Value) -> bool {
    let commands =
        entry["hooks"].as_array().into_iter().flatten().filter_map(|hook| hook["command"].as_str());
    let mut commands = commands.peekable();
    commands.peek().is_some() && commands.all(|command| command.contains("snap hook "))
}

/// Returns a settings file's text with our hooks in it: the wanted ones, and no others of ours.
///
/// # Errors
/// Says what is wrong with the text.
pub(super) fn with_hooks(settings: &str, pace: Pace) -> Result<String, String> {
    let mut document = Document::parse(settings)?;
    let wanted = hooks(match pace {
        Pace::AsItIs => pace_of(&document),
        Pace::Never => None,
        Pace::Every(time) => Some(time),
    });
    for event in events(&document) {
        let keep = wanted.iter().find(|(name, _)| *name == event).map(|(_, entry)| entry);
        document.remove_from(&["hooks", &event], |entry| is_ours(entry) && Some(entry) != keep);
    }
    for (event, entry) in wanted {
        let path = ["hooks", event];
        let there = document.get(&path);
        if !there.as_ref().and_then(Value::as_array).is_some_and(|all| all.contains(&entry)) {
            document.push(&path, &entry)?;
        }
    }
    Ok(document.text().to_owned())
}

/// Returns how often our hook there saves at the end of a turn, at most.
fn pace_of(document: &Document) -> Option<Duration> {
    let entries = document.get(&["hooks", "Stop"])?;
    let command = entries.as_array()?.iter().find(|entry| is_ours(entry))?["hooks"][0]["command"].as_str()?;
    let (_, rest) = command.split_once(EVERY)?;
    let seconds = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// Returns a settings file's text without any hook of ours.
///
/// # Errors
/// Says what is wrong with the text.
pub(super) fn without_hooks(settings: &str) -> Result<String, String> {
    let mut document = Document::parse(settings)?;
    for event in events(&document) {
        document.remove_from(&["hooks", &event], is_ours);
    }
    Ok(document.text().to_owned())
}

/// Says whether a settings file's text has a hook of ours.
pub(super) fn has_hooks(settings: &str) -> bool {
    without_hooks(settings).is_ok_and(|without| without != settings)
}

/// Says whether a settings file's text has a hook of ours that calls whatever has the short name.
pub(super) fn calls_by_short_name(settings: &str) -> bool {
    let Ok(document) = Document::parse(settings) else { return false };
    let by_short_name = |entry: &Value| is_ours(entry) && !entry.to_string().contains(BY_LONG_NAME);
    events(&document).into_iter().any(|event| {
        let entries = document.get(&["hooks", &event]);
        entries.as_ref().and_then(Value::as_array).into_iter().flatten().any(by_short_name)
    })
}

/// Returns the plugin of ours that a settings file's text switches on, by its name and marketplace.
pub(super) fn plugin(settings: &str) -> Option<String> {
    let plugins = Document::parse(settings).ok()?.get(&["enabledPlugins"])?;
    let plugins = plugins.as_object()?.iter();
    let mut ours = plugins.filter(|(name, on)| name.starts_with("snap@") && **on == Value::Bool(true));
    ours.next().map(|(name, _)| name.clone())
}

fn events(document: &Document) -> Vec<String> {
    let hooks = document.get(&["hooks"]);
    hooks.as_ref().and_then(Value::as_object).into_iter().flatten().map(|(event, _)| event.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = "{\n  \"zeta\": 1,\n  \"hooks\": {\n    \"PreToolUse\": [\n      { \"hooks\": [ { \"type\": \"command\", \"command\": \"lint\" } ] }\n    ]\n  },\n  \"alpha\": [ 1,2 ]\n}\n";

    #[test]
    fn hooks_are_added_once_and_leave_no_trace() {
        let once = with_hooks(SETTINGS, Pace::AsItIs).expect("added");
        assert_eq!(with_hooks(&once, Pace::AsItIs).as_deref(), Ok(once.as_str()));
        assert_eq!(without_hooks(&once).as_deref(), Ok(SETTINGS));
        assert!(
            once.contains("{ \"hooks\": [ { \"type\": \"command\", \"command\": \"lint\" } ] }"),
            "{once}"
        );
    }

    #[test]
    fn an_install_that_knew_fewer_tools_gets_the_others() {
        let old = with_hooks(SETTINGS, Pace::AsItIs).expect("added").replace(TOOLS, "Bash|Write");
        assert!(old.contains("\"Bash|Write\""), "{old}");
        let new = with_hooks(&old, Pace::AsItIs).expect("renewed");
        assert!(new.contains(TOOLS) && !new.contains("\"Bash|Write\""), "{new}");
        assert_eq!(new.matches("claude-snap hook PreToolUse").count(), 1);
        assert!(new.contains("\"command\": \"lint\""), "{new}");
    }

    #[test]
    fn hooks_that_call_the_short_name_are_known_and_replaced() {
        let new = with_hooks(SETTINGS, Pace::AsItIs).expect("added");
        let mut old = Document::parse(SETTINGS).expect("settings");
        let entry =
            json!({"hooks": [{"type": "command", "command": "snap hook Stop || exit 0", "timeout": 5}]});
        old.push(&["hooks", "Stop"], &entry).expect("added");
        assert!(
            calls_by_short_name(old.text()) && !calls_by_short_name(&new) && !calls_by_short_name(SETTINGS)
        );
        let renewed = with_hooks(old.text(), Pace::AsItIs).expect("renewed");
        assert!(
            !calls_by_short_name(&renewed) && renewed.matches("claude-snap hook Stop").count() == 1,
            "{renewed}"
        );
    }

    #[test]
    fn an_earlier_form_of_ours_is_replaced() {
        let once = with_hooks(SETTINGS, Pace::Every(Duration::from_secs(600))).expect("added");
        assert!(once.contains("claude-snap hook Stop --every 600s"));
        let old = once.replace("\"timeout\": 60", "\"timeout\": 61");
        let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let (renewed, new) = (
            with_hooks(&old, Pace::Never).expect("added"),
            with_hooks(SETTINGS, Pace::AsItIs).expect("added"),
        );
        assert_eq!(value(&renewed), value(&new));
    }
    #[test]
    fn how_often_a_turn_is_saved_stays_until_it_is_said_otherwise() {
        let every = with_hooks(SETTINGS, Pace::Every(Duration::from_secs(600))).expect("added");
        let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let old = every.replace("\"timeout\": 60", "\"timeout\": 61");
        let again = with_hooks(&old, Pace::AsItIs).expect("renewed");
        assert_eq!(value(&again), value(&every));
        let never = with_hooks(&every, Pace::Never).expect("changed");
        assert_eq!(value(&never), value(&with_hooks(SETTINGS, Pace::AsItIs).expect("added")));
    }

    #[test]
    fn a_command_file_that_somebody_edited_is_known() {
        let made = command_file();
        assert_eq!(command_owner(&made), CommandOwner::Us);
        assert_eq!(command_owner(&made.replace("The user typed", "They typed")), CommandOwner::Edited);
        assert_eq!(
            command_owner("---\n<!-- Made by `snap init`; of an earlier version -->\n"),
            CommandOwner::Us
        );
        assert_eq!(command_owner("my own"), CommandOwner::User);
    }
}
