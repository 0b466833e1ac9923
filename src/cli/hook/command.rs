//! `/snapshot …`, typed to the agent and answered without it.
//!
//! Each word of the table becomes a run of this very program, so a person sees here what the shell shows. A
//! failure of any kind is text and nothing else.

use std::io::Read as _;

use super::Started;
use super::once::{SameEvent, once};
use crate::base::columns::{padded, wide};
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::{Line, Lines};
use crate::base::similar_names::names_like;
use crate::cli::output::words::quoted;
use crate::cli::program_name;
use crate::risk::shell;

/// The event that brings a prompt.
const EVENT: &str = "UserPromptSubmit";

/// How `/snapshot` can be spelled: the project's or the user's command, and a plugin's.
const NAMES: [&str; 2] = ["/snapshot", "/snap:snapshot"];

/// The most that is shown in a conversation, in bytes.
const LONGEST_ANSWER: usize = 16 << 10;

/// The most kept snapshots that `prune` names in a conversation, of many.
const MOST_KEPT: usize = 5;

/// A list in a conversation has at most so many columns and snapshots.
const CLIENT_COLUMNS: &str = "76";
const CLIENT_LINES: &str = "16";

/// What can be done, by its first word: how it is run, and its line of help.
const TABLE: [(&str, Run, &str); 11] = [
    ("save", Run::Save, "save NAME [-m TEXT]      save the session and the pending edits"),
    ("link", Run::OneName, "link [NAME]              a session of its own, for `claude --resume NAME`"),
    ("list", Run::List, "list [WORD]              the snapshots, newest last"),
    ("show", Run::OneName, "show [REF]               everything in one snapshot (--talk: its conversation)"),
    ("diff", Run::AsTyped, "diff [REF]               its edits"),
    ("prune", Run::Prune, "prune --older-than 7d    remove old ones (--dry-run shows which)"),
    (
        "undo",
        Run::Changing(&[]),
        "undo                     back to before the last resume; again: further back",
    ),
    ("redo", Run::Changing(&[]), "redo                     forward again"),
    ("rewind", Run::Changing(&["--no-session"]), "rewind [REF]             put the files back as they were"),
    ("resume", Run::Resume, "resume [REF]             the shell command that goes on from a snapshot"),
    ("help", Run::Help, "help                     this"),
];

/// What only a shell does, of what a person looks for here.
const IN_SHELL: [&str; 20] = [
    "branch", "close", "config", "doctor", "export", "follow", "import", "init", "log", "merge", "pin",
    "pull", "push", "reopen", "report", "rm", "space", "status", "verify", "view",
];

/// How a word of the table is run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    /// As it was typed.
    AsTyped,
    /// The same, at most a screen, with the newest where the eye is.
    List,
    /// As it was typed, in sentences: columns that are not lined up are none.
    Prune,
    /// As it was typed, but for one name of several words.
    OneName,
    /// The same with these options; the work tree changes under the conversation.
    Changing(&'static [&'static str]),
    /// With the session that asks; several words are one name.
    Save,
    /// Not run: a running client can't replace itself.
    Resume,
    Help,
}

/// Returns the text to show, or nothing if the prompt is none of ours.
///
/// # Errors
/// None that has to do with the command itself: that is text.
pub(super) fn answer(started: &Started) -> Result<Option<String>> {
    let Some((name, rest)) = started.input.prompt.as_deref().and_then(arguments) else { return Ok(None) };
    let words = shell::words(rest);
    let answered = || Ok(answer_to(started, name, &words));
    // Without an id: nobody types a prompt while another one is answered, so two at once are one.
    let same = started.input.prompt_id.as_ref().map_or(SameEvent::IfWaited, |_| SameEvent::ById);
    once(started, EVENT, same, answered)
}

fn answer_to(started: &Started, name: &str, words: &[String]) -> String {
    let text = run(started, name, words);
    let text = text.unwrap_or_else(|error| match error.next_step() {
        Some(hint) => format!("error: {error}\nhint: {hint}"),
        None => format!("error: {error}"),
    });
    // The client prints it as it is, and what is between tabs in a pipe is for people here.
    let text = text.replace('\t', "    ");
    shortened(&Lines(program_name::in_words(&as_typed_here(&text, name)).trim_end()).to_string())
}

/// Names the commands that a text advises as they are typed to the client, those that can be.
fn as_typed_here(text: &str, name: &str) -> String {
    let can_be_typed = |run: Run| !matches!(run, Run::Resume | Run::Help);
    let advised = TABLE.iter().filter(|(_, run, _)| can_be_typed(*run)).map(|(verb, ..)| *verb);
    advised.fold(text.to_owned(), |text, verb| {
        let ends = [" ", "`"].map(|end| (format!("`snap {verb}{end}"), format!("`{name} {verb}{end}")));
        ends.iter().fold(text, |text, (shell, here)| text.replace(shell, here))
    })
}

/// Says whether a prompt is answered here.
pub(super) fn is_ours(prompt: &str) -> bool {
    arguments(prompt).is_some()
}

/// Returns how the command was spelled and what follows it, if the prompt is that command.
fn arguments(prompt: &str) -> Option<(&'static str, &str)> {
    let prompt = prompt.trim();
    let (name, rest) = NAMES.iter().find_map(|name| Some((*name, prompt.strip_prefix(name)?)))?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| (name, rest.trim()))
}

fn run(started: &Started, name: &str, words: &[String]) -> Result<String> {
    let (verb, rest) = match words.split_first() {
        None => ("help", &[][..]),
        Some((verb, rest)) => (verb.as_str(), rest),
    };
    let known = TABLE.iter().find(|(word, ..)| *word == verb);
    match known.map(|(_, run, _)| *run) {
        None => {
            let meant = names_like(verb, TABLE.iter().map(|(word, ..)| *word));
            let meant =
                meant.first().map(|word| format!(" Did you mean `{name} {word}`?")).unwrap_or_default();
            let in_shell = IN_SHELL.contains(&verb);
            let meant =
                if in_shell { format!(" In a shell, `snap {}` does that.", Line(verb)) } else { meant };
            Ok(format!("There is no `{name} {}`.{meant}\n{}", Line(verb), help(name)))
        }
        Some(Run::Help) => Ok(help(name)),
        Some(Run::AsTyped) => output(started, verb, rest),
        Some(Run::List) => Ok(lined_up(&output(started, verb, &one_screen(rest))?)),
        Some(Run::Prune) => Ok(in_sentences(&output(started, verb, rest)?)),
        Some(Run::OneName) => output(started, verb, &with_one_name(rest)),
        Some(Run::Changing(options)) => {
            let options = options.iter().map(|option| (*option).to_owned());
            let arguments: Vec<String> = options.chain(with_one_name(rest)).collect();
            let said = output(started, verb, &arguments)?;
            let lower = said.to_lowercase();
            let is_same =
                ["nothing was changed", "nothing had to be done"].iter().any(|word| lower.contains(word));
            if said.starts_with("error:") || is_same {
                return Ok(said);
            }
            let note = "The conversation still believes what it read before: \
                        tell it that files have changed, so that it reads them again.";
            Ok(format!("{}\n{note}", said.trim_end()))
        }
        Some(Run::Save) => output(started, verb, &with_session(started, rest)),
        Some(Run::Resume) => resume(started, rest),
    }
}

/// Fits a list to the screen of a client: its width is not known here, and nobody scrolls up for the newest.
fn one_screen(typed: &[String]) -> Vec<String> {
    let of_typed = |option: &str| typed.iter().any(|word| word.starts_with(option));
    let mut arguments = vec!["--reverse".to_owned(), "--columns".to_owned(), CLIENT_COLUMNS.to_owned()];
    if !of_typed("-n") {
        arguments.extend(["-n".to_owned(), CLIENT_LINES.to_owned()]);
    }
    // What has another form is printed in that.
    let is_other = ["--remote", "--tree", "--json"].into_iter().any(of_typed);
    if is_other { typed.to_vec() } else { arguments.into_iter().chain(typed.iter().cloned()).collect() }
}

/// Completes what was typed behind `save`: adds the session that asks, and joins several words to one
/// name.
fn with_session(started: &Started, typed: &[String]) -> Vec<String> {
    let session =
        started.transcript().map_or_else(Vec::new, |path| vec!["--session".to_owned(), path.to_owned()]);
    session.into_iter().chain(with_one_name(typed)).collect()
}

/// Takes all words that are no options for one name.
fn with_one_name(typed: &[String]) -> Vec<String> {
    let mut name: Vec<&str> = Vec::new();
    let mut arguments = Vec::new();
    let mut words = typed.iter();
    while let Some(word) = words.next() {
        if word.starts_with('-') {
            arguments.push(word.clone());
            arguments.extend(words.next_if_value(word));
        } else {
            name.push(word);
        }
    }
    if !name.is_empty() {
        arguments.push(name.join(" "));
    }
    arguments
}

/// Taking the value of an option that has one.
trait NextIfValue {
    fn next_if_value(&mut self, option: &str) -> Option<String>;
}

impl NextIfValue for std::slice::Iter<'_, String> {
    fn next_if_value(&mut self, option: &str) -> Option<String> {
        let valued = matches!(option, "-m" | "--message" | "--session" | "--history");
        if valued { self.next().cloned() } else { None }
    }
}

fn resume(started: &Started, words: &[String]) -> Result<String> {
    let reference = if words.is_empty() { "latest".to_owned() } else { words.join(" ") };
    // Says what is wrong with the reference, if anything is.
    let shown = output(started, "show", std::slice::from_ref(&reference))?;
    if shown.starts_with("error:") {
        return Ok(shown);
    }
    let folder = started.context()?.cwd;
    Ok(format!(
        "A running client can't replace itself. Leave it, or open another shell, and run:\n  cd {} && {} resume {}",
        quoted(&folder.to_string_lossy()),
        program_name::name(),
        quoted(&reference)
    ))
}

/// Runs this program and returns everything it says.
fn output(started: &Started, verb: &str, arguments: &[String]) -> Result<String> {
    let failed = |error| Error::new(Kind::Environment, format!("Cannot run `snap {verb}`")).because(error);
    let (mut reader, writer) = std::io::pipe().map_err(failed)?;
    let mut command = started.own_program(None)?;
    command.args(["--color", "never", verb]).args(arguments);
    command.stdin(std::process::Stdio::null()).env("CLAUDECODE", "1");
    command.envs(started.input.session_id.as_ref().map(|id| ("CLAUDE_CODE_SESSION_ID", id.as_str())));
    // One pipe for both, so that lines stay in the order they were said.
    command.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
    let mut child = command.spawn().map_err(failed)?;
    // With it go our copies of the pipe's end: the child's end is then the end of the text.
    drop(command);
    let mut said = Vec::new();
    reader.read_to_end(&mut said).map_err(failed)?;
    child.wait().map_err(failed)?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// Makes lines of words of what `prune` prints between tabs in a pipe: what goes, then what stays; of many, the first ones.
fn in_sentences(text: &str) -> String {
    let (mut gone, mut kept, mut before, mut behind) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for line in text.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            [word, name, reason] => {
                let list = if word == "keep" { &mut kept } else { &mut gone };
                list.push(format!("{word} \"{name}\": {reason}"));
            }
            _ if gone.is_empty() && kept.is_empty() => before.push(line.to_owned()),
            _ => behind.push(line.to_owned()),
        }
    }
    if let Some(more @ 2..) = kept.len().checked_sub(MOST_KEPT) {
        kept.truncate(MOST_KEPT);
        kept.push(format!("… and {more} more stay"));
    }
    [before, gone, kept, behind].concat().join("\n")
}

/// Lines up what a list prints between tabs in a pipe.
fn lined_up(text: &str) -> String {
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter(|row| row.len() > column + 1).map(|row| wide(row[column]));
        cells.max().unwrap_or(0)
    };
    let line = |row: &Vec<&str>| {
        let last = row.len() - 1;
        let cells = row.iter().enumerate();
        let cells =
            cells.map(|(at, cell)| if at < last { padded(cell, width(at)) } else { (*cell).to_owned() });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn help(name: &str) -> String {
    let lines: Vec<String> = TABLE.iter().map(|(.., line)| format!("  {name} {line}")).collect();
    format!("{}\nAnswered by snap itself: no tokens are spent.", lines.join("\n"))
}

fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_ANSWER {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(LONGEST_ANSWER);
    let end = text[..end].rfind('\n').unwrap_or(end);
    format!("{}\n… (`snap` in a shell shows all of it)", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_command_itself_is_answered() {
        for (prompt, rest) in [
            ("/snapshot", Some("")),
            (" /snapshot  save x ", Some("save x")),
            ("/snapshot\nlist", Some("list")),
            ("/snap:snapshot list", Some("list")),
            ("/snapshots", None),
            ("/snapshot-x", None),
            ("what does /snapshot do?", None),
            ("", None),
        ] {
            assert_eq!(arguments(prompt).map(|(_, rest)| rest), rest, "{prompt:?}");
        }
    }

    #[test]
    fn advice_names_what_can_be_typed_here() {
        let text = "hint: `snap list` lists them; `snap rm x` and `snap resume x` in a shell; `snap show x`";
        assert_eq!(
            as_typed_here(text, "/snap:snapshot"),
            "hint: `/snap:snapshot list` lists them; `snap rm x` and `snap resume x` in a shell; `/snap:snapshot show x`"
        );
    }

    #[test]
    fn several_words_are_one_name_and_options_keep_their_values() {
        let started = Started { input: Default::default(), raw: Vec::new(), store: None };
        let typed = |line: &str| with_session(&started, &shell::words(line));
        assert_eq!(typed("before api refactor"), ["before api refactor"]);
        assert_eq!(typed("a -m 'the why' b"), ["-m", "the why", "a b"]);
        assert_eq!(typed("\"a b\" --json"), ["--json", "a b"]);
    }

    #[test]
    fn what_is_pruned_is_told_in_lines_of_words() {
        let kept = |number: usize| format!("keep\ta {number}\tpinned\n");
        let few: String = (0..6).map(kept).collect();
        let told =
            in_sentences(&format!("{few}remove\told\tno rule keeps it\nWould remove 1 of 7 snapshots.\n"));
        assert_eq!(told.lines().count(), 8, "{told}");
        assert!(told.starts_with("remove \"old\": no rule keeps it\nkeep \"a 0\": pinned\n"), "{told}");
        assert!(told.ends_with("keep \"a 5\": pinned\nWould remove 1 of 7 snapshots."), "{told}");
        let many: String = (0..40).map(kept).collect();
        let told = in_sentences(&format!("note: x\n{many}remove\told\tno rule keeps it\n"));
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[..2], ["note: x", "remove \"old\": no rule keeps it"]);
        assert_eq!(lines[6..], ["keep \"a 4\": pinned", "… and 35 more stay"]);
    }

    #[test]
    fn a_list_is_lined_up() {
        let told = lined_up("ID\tAGE\tNAME\n711c2c35\t2m\ta b\n\n2 snapshots\n");
        assert_eq!(told, "ID        AGE  NAME\n711c2c35  2m   a b\n\n2 snapshots");
    }

    #[test]
    fn a_long_answer_is_cut_at_a_line_and_says_so() {
        let long = "é line\n".repeat(10_000);
        let short = shortened(&long);
        assert!(
            short.len() < LONGEST_ANSWER + 100 && short.contains("é line\n… (`snap` in a shell"),
            "{}",
            short.len()
        );
    }
}
