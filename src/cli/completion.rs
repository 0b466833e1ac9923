//! What a shell is told while a command line is typed: our own words, and the snapshots here with what they were about.
//!
//! The shell calls this program for it, so it is never out of date. Whatever goes wrong is nothing to be told about then.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::OnceLock;

use clap::Command;
use clap_complete::engine::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};
use clap_complete::env::{CompleteEnv, Shells};

use super::output::snapshot_words::about;
use super::program_name;
use super::session_choice::{self, SessionOfProject};
use crate::base::columns::fitted;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::is_safe;
use crate::base::timestamp::{Timestamp, age};
use crate::context::Context;
use crate::space;
use crate::store::{LogEntry, Operation};
use crate::workspace::Workspace;

/// Says that a shell asks, and which one.
const VARIABLE: &str = "SNAP_COMPLETE";

/// The word that is being typed, as bash has it: with the quote that it begins with.
const WORD: &str = "SNAP_COMPLETE_WORD";

/// The most columns of what a snapshot was about.
const LONGEST_ABOUT: usize = 60;

/// The shell that asks.
static SHELL: OnceLock<OsString> = OnceLock::new();

/// What makes the command line.
static LINE: OnceLock<fn() -> Command> = OnceLock::new();

/// Answers a shell, if one asks; says whether that was all.
pub(super) fn answer(snap: fn() -> Command) -> bool {
    let Some(shell) = std::env::var_os(VARIABLE).filter(|shell| !shell.is_empty()) else { return false };
    let (_first, _line) = (SHELL.set(shell), LINE.set(snap));
    let here = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(snap).var(VARIABLE).bin(program_name::name());
    // A shell that is not known gets nothing, and no error in the middle of what is typed.
    asked.try_complete(std::env::args_os(), here.as_deref()).unwrap_or(true)
}

/// Returns the script that makes a shell ask.
///
/// # Errors
/// [`Kind::Bug`] if there is none for it.
pub(super) fn script(shell: &str) -> Result<Vec<u8>> {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let known = shells.completer(shell);
    let name = program_name::name();
    let written = known.map(|known| known.write_registration(VARIABLE, name, name, name, &mut script));
    match written {
        Some(Ok(())) if shell == "bash" => {
            Ok(with_typed_word(&String::from_utf8_lossy(&script)).into_bytes())
        }
        Some(Ok(())) => Ok(script),
        _ => Err(Error::new(Kind::Bug, format!("There is no completion for {shell}"))),
    }
}

/// What bash does last: where nothing is typed, options alone would put a lone dash there.
const NO_LONE_DASH: &str = r#"
    if [[ -z "$2" ]]; then
        local word other=
        for word in "${COMPREPLY[@]}"; do
            [[ "$word" == -* ]] || other=1
        done
        [[ -n "$other" ]] || COMPREPLY=()
    fi
}
"#;

/// Has bash tell the word as it was typed too: what it tells by itself lacks the quote.
fn with_typed_word(script: &str) -> String {
    let asks = format!("{VARIABLE}=\"bash\" \\\n");
    let script =
        script.replacen(&asks, &format!("{WORD}=\"${{COMP_WORDS[COMP_CWORD]}}\" \\\n        {asks}"), 1);
    script.replacen("\n}\n", NO_LONE_DASH, 1)
}

/// Completes the name of a snapshot.
pub(super) fn snapshots() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates().unwrap_or_default())
}

/// Completes the name of a snapshot, and a path behind `--`.
pub(super) fn snapshots_then_paths() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        if is_escaped(std::env::args_os(), std::env::var("_CLAP_COMPLETE_INDEX").ok().as_deref()) {
            return PathCompleter::any().complete(typed);
        }
        let mut all = candidates().unwrap_or_default();
        let typed = typed.to_string_lossy();
        all.retain(|one| one.get_value().to_string_lossy().starts_with(&*typed));
        all
    })
}

/// Says whether the word that is typed comes behind `--`: the library goes on with the names before it then. The first `--`
/// stands before the command line itself; some shells tell which word of it is typed, for the others it is the last one.
fn is_escaped(arguments: impl Iterator<Item = OsString>, typed: Option<&str>) -> bool {
    let words: Vec<OsString> = arguments.skip_while(|word| word != "--").skip(1).collect();
    let typed = typed.and_then(|index| index.parse().ok()).unwrap_or(words.len().saturating_sub(1));
    words.iter().take(typed).any(|word| word == "--")
}

/// Completes the name of a line of work.
pub(super) fn line_names() -> ArgValueCandidates {
    ArgValueCandidates::new(named_lines)
}

/// Completes the name of a line of work, or of a snapshot.
pub(super) fn lines() -> ArgValueCandidates {
    ArgValueCandidates::new(|| named_lines().into_iter().chain(candidates().unwrap_or_default()).collect())
}

fn named_lines() -> Vec<CompletionCandidate> {
    let workspace = here().map(|(_, workspace)| workspace);
    let states = workspace.map(|workspace| workspace.store.line_states()).unwrap_or_default();
    let (shell, quote) = asked();
    let words = states.names().into_iter().filter_map(|(name, _)| word_for(&shell, quote, name));
    words.map(|word| CompletionCandidate::new(word).help(Some("a line of work".into()))).collect()
}

/// Completes a session that has a transcript in this project.
pub(super) fn sessions() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let Some((context, workspace)) = here() else { return Vec::new() };
        let of_project = session_choice::of_project(&workspace);
        let one = |session: SessionOfProject| (session.id.to_string(), session.at, session.words);
        session_candidates(&context, of_project.into_iter().map(one))
    })
}

/// Completes a session of which there is a snapshot.
pub(super) fn saved_sessions() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let Some((context, workspace)) = here() else { return Vec::new() };
        let Ok(all) = workspace.store.summaries() else { return Vec::new() };
        let mut seen = BTreeSet::new();
        let saved = all.iter().filter_map(|one| {
            let saved = one.readable()?;
            let id = saved.head.session().filter(|id| seen.insert(*id))?;
            let summary = saved.summary();
            let words = summary.title.clone().or_else(|| summary.spoken.first.clone());
            Some((id.to_string(), saved.head.created_at, words))
        });
        session_candidates(&context, saved)
    })
}

fn session_candidates(
    context: &Context,
    sessions: impl Iterator<Item = (String, Timestamp, Option<String>)>,
) -> Vec<CompletionCandidate> {
    let candidate = |(number, (id, at, words)): (usize, (String, Timestamp, Option<String>))| {
        let words = fitted(&words.unwrap_or_default(), LONGEST_ABOUT);
        let help = format!("{}  {words}", age(context.now.since(at)));
        CompletionCandidate::new(id).help(Some(help.into())).display_order(Some(number))
    };
    sessions.enumerate().map(candidate).collect()
}

/// Completes a remote: first the one that is taken by itself, the one that is shared through, and those that snapshots went to or
/// came from before; then all others that git knows.
pub(super) fn remotes() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let Some((context, workspace)) = here() else { return Vec::new() };
        let Some(repository) = &workspace.repository else { return Vec::new() };
        let shared = space::home_of(&workspace).ok().and_then(|home| space::joined(&context, &home));
        let shared = shared.map(|joined| joined.remote);
        let configured = repository.remotes().unwrap_or_default();
        let usual = repository.remote_to_ask(shared.as_deref()).ok().flatten();
        let is_transfer = |entry: &LogEntry| {
            entry.outcome.is_ok()
                && matches!(entry.operation, Operation::Push | Operation::Pull | Operation::Withdraw)
        };
        let log = workspace.store.own_log().unwrap_or_default();
        let before = log.into_iter().rev().filter(is_transfer).filter_map(|entry| entry.peer);
        let (shell, quote) = asked();
        let mut known: Vec<String> = Vec::new();
        for remote in usual.into_iter().chain(shared).chain(before).chain(configured) {
            if !known.contains(&remote) {
                known.push(remote);
            }
        }
        let words = known.iter().filter_map(|remote| word_for(&shell, quote, remote)).enumerate();
        let candidate = |(number, word)| {
            CompletionCandidate::new(word).help(Some("a remote".into())).display_order(Some(number))
        };
        words.map(candidate).collect()
    })
}

/// Completes a branch of this repository.
pub(super) fn branches() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let branches =
            here().and_then(|(_, workspace)| workspace.repository?.branches().ok()).unwrap_or_default();
        let (shell, quote) = asked();
        let words = branches.iter().filter_map(|branch| word_for(&shell, quote, branch)).enumerate();
        let candidate = |(number, word)| {
            CompletionCandidate::new(word).help(Some("a branch".into())).display_order(Some(number))
        };
        words.map(candidate).collect()
    })
}

/// Completes a command.
pub(super) fn commands() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let Some(line) = LINE.get() else { return Vec::new() };
        let line = line();
        let shown = line.get_subcommands().filter(|command| !command.is_hide_set());
        shown
            .map(|command| CompletionCandidate::new(command.get_name()).help(command.get_about().cloned()))
            .collect()
    })
}

/// Returns the shell that asks, and the quote that the word begins with.
fn asked() -> (String, Option<char>) {
    let shell = SHELL.get().and_then(|shell| shell.to_str()).unwrap_or_default();
    let typed = std::env::var(WORD).unwrap_or_default();
    (shell.to_owned(), typed.chars().next().filter(|first| matches!(first, '"' | '\'')))
}

fn here() -> Option<(Context, Workspace)> {
    let store = std::env::var_os("SNAP_STORE").filter(|store| !store.is_empty()).map(PathBuf::from);
    let context = Context::from_environment(None, store).ok()?;
    let workspace = Workspace::open(&context).ok()?;
    Some((context, workspace))
}

fn candidates() -> Option<Vec<CompletionCandidate>> {
    let (context, workspace) = here()?;
    let all = workspace.store.summaries().ok()?;
    let (shell, quote) = asked();
    let by_hand = all.iter().filter(|one| one.readable().is_some_and(|saved| !saved.head.safety));
    let mut candidates = Vec::new();
    for one in by_hand {
        let (Some(word), Some(saved)) = (word_for(&shell, quote, one.called), one.readable()) else {
            continue;
        };
        let about = fitted(&about(&saved.head.name, saved.summary()), LONGEST_ABOUT);
        let help = format!("{}  {about}", age(context.now.since(saved.head.created_at)));
        let number = candidates.len();
        candidates.push(CompletionCandidate::new(word).help(Some(help.into())).display_order(Some(number)));
    }
    Some(candidates)
}

/// Returns a name as the shell takes it on a command line; `None` for one that can't be put there without a risk: a name may
/// be somebody else's choice.
fn word_for(shell: &str, quote: Option<char>, name: &str) -> Option<String> {
    fn plain(c: char) -> bool {
        c.is_alphanumeric() || "_-./=:@%+,".contains(c)
    }
    if !is_safe(name) {
        return None;
    }
    match shell {
        _ if name.chars().all(plain) => Some(name.to_owned()),
        // These quote what they put there.
        "zsh" | "fish" => Some(name.to_owned()),
        "bash" => {
            let escaped = |escapes: fn(char) -> bool| {
                name.chars().flat_map(|c| escapes(c).then_some('\\').into_iter().chain([c])).collect()
            };
            match quote {
                None => Some(escaped(|c| !plain(c))),
                Some('\'') => (!name.contains('\'')).then(|| name.to_owned()),
                // Nothing between double quotes takes away the meaning of this one alone.
                Some(_) => (!name.contains('!')).then(|| escaped(|c| "\"$`\\".contains(c))),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_can_run_anything_when_it_is_completed() {
        for (shell, name, wanted) in [
            ("bash", "wip", Some("wip")),
            ("bash", "my first", Some("my\\ first")),
            ("bash", "x;rm -rf $(y)", Some("x\\;rm\\ -rf\\ \\$\\(y\\)")),
            ("zsh", "my first", Some("my first")),
            ("elvish", "my first", None),
            ("elvish", "wip", Some("wip")),
            ("bash", "a\nb", None),
            ("zsh", "a\u{1b}[2J", None),
        ] {
            assert_eq!(word_for(shell, None, name).as_deref(), wanted, "{shell} {name:?}");
        }
        for (quote, name, wanted) in [
            ('"', "my first", Some("my first")),
            ('"', "$(y) `z` \"", Some("\\$(y) \\`z\\` \\\"")),
            ('"', "x!y", None),
            ('\'', "$(y)", Some("$(y)")),
            ('\'', "it's", None),
        ] {
            assert_eq!(word_for("bash", Some(quote), name).as_deref(), wanted, "{quote} {name:?}");
        }
    }

    #[test]
    fn bash_tells_the_word_with_its_quote() {
        let script = String::from_utf8(script("bash").expect("a script")).expect("text");
        assert!(script.contains("SNAP_COMPLETE_WORD=\"${COMP_WORDS[COMP_CWORD]}\""), "{script}");
    }
}
