//! The options that a running client was started with: rules that apply to that run alone, and options that
//! are in no file.
//!
//! A client keeps these in its memory. Where there is `/proc`, they are read from its command line.
//! Elsewhere, and once the client has ended, they are unknown. Of options that are not rules only the names
//! are taken, and the folders of `--add-dir`: a value may be a prompt, or hold a key.

use serde_json::Value;

use super::{FoundSession, Settings};
use crate::manifest::{ProjectRules, SavedRule};
use crate::sys::files;

/// A settings file over this many bytes is none.
const LARGEST: u64 = 1 << 20;

/// Options that a snapshot has in another form, or that mean nothing to the next run.
const PASSED_OVER: [&str; 17] = [
    "--allow-dangerously-skip-permissions",
    "--bg",
    "--continue",
    "--dangerously-skip-permissions",
    "--debug",
    "--fork-session",
    "--ide",
    "--include-partial-messages",
    "--input-format",
    "--model",
    "--name",
    "--output-format",
    "--permission-mode",
    "--print",
    "--resume",
    "--session-id",
    "--verbose",
];

/// What the command line of a client says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    /// The rules, each with the option that it stood in.
    pub rules: ProjectRules,
    /// The other options, by name.
    pub others: Vec<String>,
}

impl Launch {
    /// Reads the command line of a session's client; `None` if the client does not run, or if it can't
    /// be read here.
    pub fn of(found: &FoundSession) -> Option<Launch> {
        let live = found.live.as_ref()?;
        let line = std::fs::read(format!("/proc/{}/cmdline", live.pid)).ok()?;
        let words: Vec<String> = line
            .split(|byte| *byte == 0)
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .filter(|word| !word.is_empty())
            .collect();
        let file = |path: &str| files::read_plain(&live.cwd.join(path), LARGEST).ok().flatten();
        Some(Launch::read(&words, file))
    }

    /// Reads the words of a command line; `file` reads a settings file that one of them names.
    fn read(words: &[String], file: impl Fn(&str) -> Option<Vec<u8>>) -> Launch {
        let mut launch = Launch::default();
        let mut at = 1;
        while let Some(word) = words.get(at).filter(|word| *word != "--") {
            at += 1;
            let (name, given) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word.as_str(), None),
            };
            if !name.starts_with("--") {
                continue;
            }
            let more = words[at..].iter().take_while(|word| given.is_none() && !word.starts_with('-'));
            let values: Vec<&str> = given.into_iter().chain(more.map(String::as_str)).collect();
            match name {
                "--disallowedTools" | "--disallowed-tools" => {
                    launch.rules.deny.extend(split(&values, "--disallowedTools"));
                }
                "--allowedTools" | "--allowed-tools" => {
                    launch.rules.allow.extend(split(&values, "--allowedTools"));
                }
                "--settings" => launch.settings(values.first().copied().unwrap_or_default(), &file),
                "--add-dir" => launch.others.extend(values.iter().map(|folder| format!("{name} {folder}"))),
                _ if PASSED_OVER.contains(&name) => {}
                _ => launch.others.push(name.to_owned()),
            }
        }
        launch.others.dedup();
        launch
    }

    fn settings(&mut self, value: &str, file: impl Fn(&str) -> Option<Vec<u8>>) {
        let text =
            if value.trim_start().starts_with('{') { Some(value.as_bytes().to_vec()) } else { file(value) };
        let read = text.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        let Some(read) = read else { return self.others.push("--settings".to_owned()) };
        let mut settings = Settings::default();
        settings.take(&read, "--settings");
        let ProjectRules { allow, deny, ask } = settings.rules;
        self.rules.allow.extend(allow);
        self.rules.deny.extend(deny);
        self.rules.ask.extend(ask);
        let rules = |key: &str| ["allow", "deny", "ask"].contains(&key);
        let other = read.as_object().into_iter().flatten().any(|(key, value)| match key.as_str() {
            "permissions" => value.as_object().is_none_or(|all| all.keys().any(|key| !rules(key))),
            _ => true,
        });
        if other {
            self.others.push("--settings".to_owned());
        }
    }
}

/// Splits a list of tools as the client does: at commas and blanks, except between a `(` and the next
/// `)`.
fn split(values: &[&str], option: &str) -> Vec<SavedRule> {
    let mut rules = Vec::new();
    for value in values {
        let (mut rule, mut inside) = (String::new(), false);
        for c in value.chars().chain([',']) {
            match c {
                ',' | ' ' if !inside || (c == ',' && rule.is_empty()) => {
                    let one = std::mem::take(&mut rule);
                    rules.extend(Some(one.trim().to_owned()).filter(|one| !one.is_empty()));
                }
                _ => {
                    inside = c == '(' || (inside && c != ')');
                    rule.push(c);
                }
            }
        }
        // A bracket that is never closed: the comma that was added at the end belongs to it.
        let rest = rule.strip_suffix(',').unwrap_or(&rule).trim();
        rules.extend(Some(rest.to_owned()).filter(|rest| !rest.is_empty()));
    }
    rules.into_iter().map(|rule| SavedRule { rule, file: option.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Launch {
        let words: Vec<String> = ["claude"].iter().chain(words).map(|word| (*word).to_owned()).collect();
        Launch::read(&words, |path| (path == "s.json").then(|| br#"{"permissions":{"deny":["F"]}}"#.to_vec()))
    }

    fn rules(rules: &[SavedRule]) -> Vec<&str> {
        rules.iter().map(|rule| rule.rule.as_str()).collect()
    }

    #[test]
    fn rules_of_a_command_line_are_those_that_the_client_reads_in_it() {
        for (words, deny) in [
            (
                &["--disallowedTools", "WebFetch", "Bash(rm *),Write", "-p", "x"][..],
                &["WebFetch", "Bash(rm *)", "Write"][..],
            ),
            (&["--disallowed-tools=Bash(a, b) Edit", "Read"], &["Bash(a, b)", "Edit"]),
            (&["--disallowedTools=Bash(echo \\(x\\) , Bash , y)"], &["Bash(echo \\(x\\)", "Bash", "y)"]),
            (&["--disallowedTools", "Bash(open", "--verbose"], &["Bash(open"]),
            (&["--settings", r#"{"permissions":{"deny":["Read(x)"],"ask":["Edit"]}}"#], &["Read(x)"]),
            (&["--settings", "s.json"], &["F"]),
            (&["--", "--disallowedTools", "X"], &[]),
        ] {
            assert_eq!(rules(&read(words).rules.deny), deny, "{words:?}");
        }
        let launch = read(&["--allowedTools=Bash(ls)", "--resume", "x"]);
        assert_eq!((rules(&launch.rules.allow), launch.others.len()), (vec!["Bash(ls)"], 0));
    }

    #[test]
    fn of_other_options_only_names_are_taken() {
        let launch = read(&[
            "--add-dir",
            "/a",
            "/b",
            "--effort",
            "high",
            "--mcp-config",
            "{\"key\":\"s3cret\"}",
            "--settings",
            "{\"env\":{\"K\":\"s3cret\"}}",
            "--settings=gone.json",
            "--model",
            "m",
            "say s3cret",
        ]);
        assert_eq!(launch.others, ["--add-dir /a", "--add-dir /b", "--effort", "--mcp-config", "--settings"]);
    }
}
