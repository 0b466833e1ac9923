//! The options that a running client was started with: rules that apply to that run alone, and options that
//! are in no file.
//!
//! A client keeps these in its memory. Where there is `/proc`, its command line says them; elsewhere, and once it has
//! ended, nobody knows. Values are taken of rules, of tools, of folders that are added, of the effort and of the style
//! of answers; of servers, names and transports. Of other options only names are: a value may be a prompt, or hold a key.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::servers::servers_of;
use super::settings_text::value_of;
use super::{ClientHome, FoundSession, Settings};
use crate::manifest::{McpServer, ProjectRules, SavedRule};
use crate::sys::{files, process};

/// A settings file over this many bytes is none.
const LARGEST: u64 = 1 << 20;

/// Options that a snapshot has in another form, or that mean nothing to the next run.
const PASSED_OVER: [&str; 19] = [
    "--agent",
    "--allow-dangerously-skip-permissions",
    "--background",
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

/// Options without a value that hold a client back.
const RESTRICTIONS: [&str; 4] =
    ["--disable-slash-commands", "--restricted", "--safe-mode", "--strict-mcp-config"];

/// The option that says which tools there are at all.
const TOOLS: &str = "--tools";

/// What the command line of a client says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaunchOptions {
    /// The rules, each with the option that it stood in.
    pub rules: ProjectRules,
    /// The folders that were added.
    pub folders: Vec<PathBuf>,
    /// The options that hold the client back, as they can be passed again.
    pub restrictions: Vec<String>,
    /// The effort.
    pub effort: Option<String>,
    /// The style of answers.
    pub output_style: Option<String>,
    /// The servers.
    pub servers: Vec<McpServer>,
    /// The other options, by name.
    pub others: Vec<String>,
}

/// The part of a background job that is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    session_id: String,
    respawn_flags: Vec<String>,
}

impl ClientHome {
    /// Reads what a session's client was started with: its command line or, in the background, the options of its job.
    /// `None` if it does not run, or that can't be read here.
    pub fn launch_of(&self, found: &FoundSession) -> Option<LaunchOptions> {
        let start = found.id.as_str().get(..8)?;
        let state = self.config().join("jobs").join(start).join("state.json");
        let job = files::read_plain(&state, LARGEST).ok().flatten();
        let job = job.and_then(|json| serde_json::from_slice::<Job>(&json).ok());
        match job.filter(|job| job.session_id == found.id.as_str()) {
            Some(job) => {
                let words: Vec<String> =
                    std::iter::once("claude".to_owned()).chain(job.respawn_flags).collect();
                let folder = found.live.as_ref().map(|live| live.cwd.as_path());
                Some(LaunchOptions::in_folder(&words, folder.unwrap_or(Path::new("/"))))
            }
            None => LaunchOptions::of(found),
        }
    }
}

impl LaunchOptions {
    /// Reads the command line of a session's client.
    fn of(found: &FoundSession) -> Option<LaunchOptions> {
        let live = found.live.as_ref()?;
        Some(LaunchOptions::in_folder(&process::words(live.pid)?, &live.cwd))
    }

    /// Reads the words of a command line that was typed in a folder.
    fn in_folder(words: &[String], folder: &Path) -> LaunchOptions {
        let file = |path: &str| files::read_plain(&folder.join(path), LARGEST).ok().flatten();
        let mut launch = LaunchOptions::read(words, file);
        launch.folders.iter_mut().for_each(|added| *added = folder.join(&added));
        launch
    }

    /// Reads the words of a command line; `file` reads a settings file that one of them names.
    fn read(words: &[String], file: impl Fn(&str) -> Option<Vec<u8>>) -> LaunchOptions {
        let mut launch = LaunchOptions::default();
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
                "--add-dir" => launch.folders.extend(values.iter().map(PathBuf::from)),
                "--effort" => launch.effort = values.first().map(|level| (*level).to_owned()),
                "--mcp-config" => {
                    for value in values {
                        launch
                            .servers
                            .extend(json_of(value, &file).map(|json| servers_of(&json)).unwrap_or_default());
                    }
                    launch.others.push(name.to_owned());
                }
                TOOLS => launch.restrictions.push(format!("{TOOLS}={}", values.join(","))),
                _ if RESTRICTIONS.contains(&name) => launch.restrictions.push(name.to_owned()),
                _ if PASSED_OVER.contains(&name) => {}
                _ => launch.others.push(name.to_owned()),
            }
        }
        launch.others.dedup();
        launch
    }

    fn settings(&mut self, value: &str, file: impl Fn(&str) -> Option<Vec<u8>>) {
        let read = json_of(value, &file).and_then(|text| value_of(&text));
        let Some(read) = read else { return self.others.push("--settings".to_owned()) };
        let mut settings = Settings::default();
        settings.take(&read, "--settings");
        let ProjectRules { allow, deny, ask } = settings.rules;
        self.rules.allow.extend(allow);
        self.rules.deny.extend(deny);
        self.rules.ask.extend(ask);
        self.output_style = read["outputStyle"].as_str().map(str::to_owned).or(self.output_style.take());
        self.servers.extend(settings.servers);
        let rules = |key: &str| ["allow", "deny", "ask"].contains(&key);
        let other = read.as_object().into_iter().flatten().any(|(key, value)| match key.as_str() {
            "outputStyle" => false,
            "permissions" => value.as_object().is_none_or(|all| all.keys().any(|key| !rules(key))),
            _ => true,
        });
        if other {
            self.others.push("--settings".to_owned());
        }
    }
}

/// Returns the JSON that an option holds or names.
fn json_of(value: &str, file: impl Fn(&str) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    if value.trim_start().starts_with('{') { Some(value.as_bytes().to_vec()) } else { file(value) }
}

/// Says whether a word of a snapshot may be passed to a client to hold it back: it can do nothing else.
pub fn is_restriction(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ',');
    RESTRICTIONS.contains(&word)
        || word
            .strip_prefix(TOOLS)
            .and_then(|rest| rest.strip_prefix('='))
            .is_some_and(|tools| tools.chars().all(plain))
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

    fn read(words: &[&str]) -> LaunchOptions {
        let words: Vec<String> = ["claude"].iter().chain(words).map(|word| (*word).to_owned()).collect();
        LaunchOptions::read(&words, |path| {
            (path == "s.json").then(|| br#"{"permissions":{"deny":["F"]}}"#.to_vec())
        })
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
            r#"{"mcpServers":{"db":{"command":"s3cret","env":{"K":"s3cret"}}}}"#,
            "--tools",
            "Read,Edit",
            "Bash",
            "--strict-mcp-config",
            "--append-system-prompt",
            "s3cret",
            "--settings",
            "{\"env\":{\"K\":\"s3cret\"}}",
            "--settings=gone.json",
            "--model",
            "m",
            "say s3cret",
        ]);
        assert_eq!(launch.others, ["--mcp-config", "--append-system-prompt", "--settings"]);
        assert_eq!(launch.folders, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!(launch.effort.as_deref(), Some("high"));
        assert_eq!(launch.servers.len(), 1);
        assert_eq!(launch.restrictions, ["--tools=Read,Edit,Bash", "--strict-mcp-config"]);
        assert!(launch.restrictions.iter().all(|word| is_restriction(word)));
        assert!(!format!("{launch:?}").contains("s3cret"));
    }

    #[test]
    fn only_what_holds_a_client_back_may_be_passed_to_it() {
        for word in ["--restricted", "--tools=", "--tools=Read,mcp__x"] {
            assert!(is_restriction(word), "{word}");
        }
        for word in
            ["--dangerously-skip-permissions", "--tools=Read --mcp-config x", "--settings", "--tools", "x"]
        {
            assert!(!is_restriction(word), "{word}");
        }
    }
}
