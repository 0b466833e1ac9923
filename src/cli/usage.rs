//! What `clap` prints: help as it is, and errors with the typed text made safe to show.

use std::io::Write as _;

use clap::Error;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Arguments;
use super::output::{ColorChoice, Style, Ui, output_error, text};
use super::program_name;
use crate::base::error::Result;
use crate::base::screen::Line;
use crate::base::similar_names::names_like;
use crate::base::timestamp::parse_span;

/// Words of other programs, and what does here what is meant.
const OTHER_WORDS: &[(&[&str], &str)] = &[
    (
        &[
            "restore", "checkout", "switch", "revert", "back", "load", "apply", "reset", "open", "continue",
            "start", "run", "rollback", "pop",
        ],
        "`snap resume` brings back edits and session; `snap rewind` sets the files exactly as they were, too (`--no-session`: \
         only the files)",
    ),
    (
        &["create", "new", "take", "add", "commit", "store", "stash", "checkpoint", "snapshot", "backup"],
        "`snap save NAME` makes a snapshot",
    ),
    (&["ls", "all", "dir"], "`snap list` lists the snapshots"),
    (
        &["search", "find", "grep", "filter"],
        "`snap list WORD` lists the snapshots that have it in their name, message, branch, title or prompts",
    ),
    (&["tree", "graph"], "`snap list --tree` draws which snapshot was saved after which"),
    (
        &["compare", "cmp"],
        "`snap diff REF REF` compares two snapshots, `snap diff --now REF` one with the work tree",
    ),
    (&["del", "drop", "erase"], "`snap rm REF` removes a snapshot"),
    (&["history", "reflog"], "`snap log` says who did what; `snap list` lists the snapshots"),
    (&["info", "inspect", "cat", "describe"], "`snap show REF` shows everything in a snapshot"),
    (&["talk", "chat", "conversation", "messages"], "`snap show --talk` prints the conversation"),
    (&["gc", "clean", "cleanup"], "`snap prune` removes old snapshots; `--dry-run` only shows them"),
    (
        &["share", "send", "fetch", "upload"],
        "`snap push` sends snapshots to a git remote, `snap pull` fetches them",
    ),
    (&["ui", "tui", "browse"], "`snap view` shows everything on the whole screen"),
    (&["settings", "set"], "`snap config` lists the settings and says which file they are in"),
    (
        &["fix", "repair", "fsck", "check"],
        "`snap verify --repair` is for snapshots, `snap doctor --fix` for a session",
    ),
    (&["version"], "`snap --version` prints it"),
    (
        &["remote", "remotes"],
        "`snap list --remote` lists the snapshots on a git remote; `git remote` lists and adds remotes",
    ),
    (
        &["install", "uninstall", "setup", "enable", "disable"],
        "`snap init` sets up `/snapshot` and the hooks, and `snap init --remove` takes them away",
    ),
    (
        &["clone"],
        "`git clone` clones the project; there, `snap pull` fetches snapshots, and `snap import FILE` adds one",
    ),
    (
        &["auth", "login", "logout", "signup"],
        "there is no account: `snap push` and `snap pull` use git's own remotes",
    ),
    (&["trash"], "`snap list -a` names what is in the trash; `snap undo` brings back what was removed last"),
    (
        &["rename", "mv", "move"],
        "a snapshot keeps its name; `snap branch NAME REF` names the line of work that begins with it",
    ),
    (
        &["tag", "label", "star"],
        "`snap pin REF` keeps a snapshot; `snap branch NAME REF` names the line that begins with it",
    ),
    (
        &["upgrade", "update", "self-update"],
        "`snap` does not update itself: install it again, the way it was installed",
    ),
];

/// What helps where a command that takes no name is given one.
const NO_NAME: [(&str, &str); 5] = [
    ("log", "it takes no name: `snap show REF` shows one snapshot, `snap list WORD` finds those with a word"),
    (
        "status",
        "it takes no name: it compares with the newest snapshot; `snap diff --now REF` compares with another one",
    ),
    (
        "undo",
        "it takes no name: each `snap undo` takes back one thing, the newest first (`--dry-run` shows which); \
         `snap rewind ID`, with the safety id of a line of `snap log`, sets the files to before that",
    ),
    ("redo", "it takes no name: each `snap redo` goes one step forward again (`--dry-run` shows which)"),
    ("config", "it lists all settings; to change one, edit the file that its first line names"),
];

const NEVER_FORCED: &str = "it overwrites nothing that differs here without a yes; `--merge` merges it, and `snap rewind` sets the files \
                            exactly as they were";
const NEVER_CHANGED: &str = "a snapshot never changes once it is saved, so there is nothing to force: `snap push` sends what is not there yet";
const UNASKED: &str =
    "one is removed without a question, and `snap undo` brings it back; `--now` deletes it for good";
const SHOWN: &str = "`snap show REF` shows what goes; `snap undo` brings back what was removed, for a day";
const OF_INDEX: &str =
    "it shows all that a snapshot has; `git diff --staged | snap diff -` shows what is staged here";
const NO_NAME_ANY_MORE: &str = "`snap branch --remove NAME` takes a line's name away; no snapshot is removed";
const EDITED: &str = "it lists all settings; to change one, edit the file that its first line names";
const OF_ALL: &str = "it saves all edits, staged or not, and new files too";
const SAVES_ONLY: &str =
    "a save changes nothing here; `snap status` says whether anything has changed since the newest snapshot";
const ONE_A_LINE: &str = "each thing that was done is one line already; `snap list` lists the snapshots";
const NO_QUESTION: &str = "`--yes` asks nothing";
const DRY: &str = "`--dry-run` only shows what would be removed";
const NEWEST: &str = "the newest is first; `--reverse` turns that round";
const LISTED: &str = "`snap branch` alone lists the lines that have names";

/// What is meant by `-5`.
const SO_MANY: &str = "`-n NUMBER` shows so many, the newest ones";

/// Options that a command does not have, with the command, and what does what is meant.
const OTHER_OPTIONS: &[(&str, &str, &str)] = &[
    ("merge", "--abort", "`snap undo` takes a merge back, with its conflicts"),
    (
        "merge",
        "--continue",
        "settle the conflicts in the files, then `git add` them: there is nothing else to end",
    ),
    ("pin", "--all", "it pins those that you name: `snap pin REF REF`"),
    (
        "rm",
        "--all",
        "it removes those that you name: `snap rm REF REF`; `snap prune --keep-last 0` removes all, and shows them with `--dry-run`",
    ),
    (
        "push",
        "--all",
        "without a REF it sends the newest; `snap push REMOTE REF REF` sends those that you name",
    ),
    ("push", "--force", NEVER_CHANGED),
    ("push", "-f", NEVER_CHANGED),
    (
        "pull",
        "--force",
        "it overwrites nothing, and needs no force: one that is damaged here is mended by `snap pull REMOTE NAME`",
    ),
    ("pull", "--all", "without a REF it fetches all that are new"),
    (
        "rewind",
        "--force",
        "it sets what differs without that, and saves it first: `snap undo` brings it back",
    ),
    ("rewind", "--hard", "it sets what differs without that, and saves it first: `snap undo` brings it back"),
    (
        "rewind",
        "--no-edits",
        "it sets the files; `snap resume --no-edits` brings back the conversation alone",
    ),
    ("resume", "--force", NEVER_FORCED),
    ("resume", "-f", NEVER_FORCED),
    ("rm", "--force", UNASKED),
    ("rm", "-f", UNASKED),
    ("rm", "-y", UNASKED),
    ("rm", "--dry-run", SHOWN),
    ("rm", "-n", SHOWN),
    ("diff", "--staged", OF_INDEX),
    ("diff", "--cached", OF_INDEX),
    ("branch", "-d", NO_NAME_ANY_MORE),
    ("branch", "-D", NO_NAME_ANY_MORE),
    ("branch", "--delete", NO_NAME_ANY_MORE),
    ("branch", "--list", LISTED),
    ("branch", "-l", LISTED),
    ("status", "-s", "`snap status --short` prints one line, for a prompt"),
    ("show", "--stat", "`snap diff REF --stat` counts what each file changes"),
    ("show", "-p", "`snap diff REF` shows the edits"),
    (
        "show",
        "--files",
        "`snap show REF` lists the files without that; `snap diff REF` shows what changed in them",
    ),
    ("save", "-a", OF_ALL),
    ("save", "--all", OF_ALL),
    ("save", "--dry-run", SAVES_ONLY),
    ("save", "-n", SAVES_ONLY),
    ("log", "--oneline", ONE_A_LINE),
    ("log", "-p", "`snap diff REF` shows the edits of a snapshot"),
    ("log", "--patch", "`snap diff REF` shows the edits of a snapshot"),
    ("log", "--stat", "`snap diff REF --stat` counts what each file of a snapshot changes"),
    ("log", "--graph", "`snap list --tree` draws which snapshot was saved after which"),
    ("list", "--graph", "`snap list --tree` draws which snapshot was saved after which"),
    ("list", "--sort", NEWEST),
    ("list", "--limit", SO_MANY),
    ("list", "-l", "a row has as many columns as the terminal has room for; `--json` has everything"),
    ("list", "--long", "a row has as many columns as the terminal has room for; `--json` has everything"),
    ("config", "--edit", EDITED),
    ("config", "-e", EDITED),
    ("config", "--global", EDITED),
    ("config", "--get", EDITED),
    ("config", "--set", EDITED),
    ("config", "--list", "it lists all settings without that"),
    ("config", "-l", "it lists all settings without that"),
    ("verify", "--fix", "`snap verify --repair` mends what can be mended"),
    ("undo", "-y", NO_QUESTION),
    ("redo", "-y", NO_QUESTION),
    ("resume", "-y", NO_QUESTION),
    ("rewind", "-y", NO_QUESTION),
    ("merge", "-y", NO_QUESTION),
    ("prune", "-y", NO_QUESTION),
    ("prune", "-n", DRY),
    ("prune", "--all", "`snap prune --keep-last 0` removes all; with `--dry-run` it only shows them"),
    ("rm", "-r", UNASKED),
    ("branch", "-a", LISTED),
    ("branch", "--all", LISTED),
    (
        "branch",
        "-m",
        "`snap branch --remove OLD` takes a line's name away, and `snap branch NEW REF` gives it another one",
    ),
    ("sync", "--off", "`snap init --no-sync` ends the sharing"),
    ("sync", "--stop", "`snap init --no-sync` ends the sharing"),
    ("link", "--list", "`claude --resume` lists the links beside all sessions"),
    ("merge", "--no-run", "it starts no client; it prints a prompt for the agent"),
    ("show", "--tasks", "`snap show REF` lists the tasks without that"),
    ("rewind", "--worktree", "it works here; `snap resume --worktree BRANCH` restores into a new work tree"),
];

/// Prints help and version on standard output, anything else on standard error.
pub(crate) fn tell(mut error: Error) -> Result<()> {
    match error.kind() {
        // All of it is this program's own words.
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let help = error.render().ansi().to_string();
            write!(anstream::stdout(), "{}", program_name::in_words(&help))
                .map_err(|error| output_error(&error))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let help = error.render().ansi().to_string();
            write!(anstream::stderr(), "{}", program_name::in_words(&help))
                .map_err(|error| output_error(&error))
        }
        _ => {
            let mut ui = Ui::new(ColorChoice::Auto, false, false);
            forget_hidden(&mut error);
            let meant = meant(&error);
            if meant.is_some() {
                // What is only spelled alike would lead away from it; and so does a usage that has it.
                let alike = [
                    ContextKind::SuggestedSubcommand,
                    ContextKind::SuggestedArg,
                    ContextKind::Suggested,
                    ContextKind::Usage,
                ];
                alike.into_iter().for_each(|kind| drop(error.remove(kind)));
            }
            forget_unlike(&mut error);
            let hint = match (meant, error.kind()) {
                // The word may be one of the other program's.
                (Some(meant), ErrorKind::InvalidSubcommand) => Some(
                    [Some(meant.to_owned()), of_other_program()]
                        .into_iter()
                        .flatten()
                        .collect::<Vec<_>>()
                        .join("; "),
                ),
                (meant, _) => meant.map(str::to_owned).or_else(|| hint(&error)),
            };
            let text = safe(error).render().to_string();
            // Where a suggestion was left out, clap leaves two empty lines.
            for line in text.replace("\n\n\n", "\n\n").lines() {
                match line.split_once(": ") {
                    Some(("error", rest)) => ui.tell_line(text![Style::Bad.of("error:"), " ", rest]),
                    _ => ui.tell_line(line),
                }
            }
            if let Some(hint) = hint {
                ui.tell_line(text![Style::Warning.of("hint:"), " ", &hint]);
            }
            ui.flush()
        }
    }
}

/// Takes what is in no help, and what is hardly like the word that was typed, out of what is spelled alike.
fn forget_hidden(error: &mut Error) {
    let Some(ContextValue::Strings(alike)) = error.get(ContextKind::SuggestedSubcommand) else { return };
    let line = Arguments::line();
    let is_hidden = |name: &String| line.find_subcommand(name).is_some_and(clap::Command::is_hide_set);
    // To clap, a few of the same letters are enough.
    let word = typed(error, ContextKind::InvalidSubcommand).unwrap_or_default();
    let is_like = |name: &String| !names_like(word, [name.as_str()].into_iter()).is_empty();
    let mut shown: Vec<String> =
        alike.iter().filter(|name| !is_hidden(name) && is_like(name)).cloned().collect();
    let value = match shown.len() {
        0 => return drop(error.remove(ContextKind::SuggestedSubcommand)),
        1 => ContextValue::String(shown.remove(0)),
        _ => ContextValue::Strings(shown),
    };
    error.insert(ContextKind::SuggestedSubcommand, value);
}

/// Takes an option out that is not like the one that was typed: it would lead away from what is meant.
fn forget_unlike(error: &mut Error) {
    let (Some(word), Some(alike)) =
        (typed(error, ContextKind::InvalidArg), typed(error, ContextKind::SuggestedArg))
    else {
        return;
    };
    // To clap, a few of the same letters are enough.
    if names_like(word.trim_start_matches('-'), [alike.trim_start_matches('-')].into_iter()).is_empty() {
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::Usage);
    }
}

fn typed(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    }
}

/// Returns what does what is meant by a word or an option of another program.
fn meant(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = typed(error, ContextKind::InvalidSubcommand)?;
            OTHER_WORDS.iter().find(|(words, _)| words.contains(&word)).map(|(_, hint)| *hint)
        }
        ErrorKind::UnknownArgument => {
            let option = typed(error, ContextKind::InvalidArg)?;
            let usage = error.get(ContextKind::Usage)?.to_string();
            let is_of = |command: &str| usage.split_whitespace().any(|word| word == command);
            let found = OTHER_OPTIONS.iter().find(|(command, known, _)| *known == option && is_of(command));
            let is_count = || option.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
            let so_many = || (is_count() && ["list", "log"].into_iter().any(is_of)).then_some(SO_MANY);
            found.map(|(.., hint)| *hint).or_else(so_many)
        }
        ErrorKind::MissingRequiredArgument => {
            let usage = error.get(ContextKind::Usage)?.to_string();
            usage
                .contains("completions <SHELL>")
                .then_some("such as `snap completions bash`; zsh, fish, elvish and powershell too")
                .or_else(|| usage.contains("import <FILE>").then_some("`snap import -` reads standard input"))
        }
        _ => None,
    }
}

/// Returns what helps with a mistake that clap takes for another one.
fn hint(error: &Error) -> Option<String> {
    let typed = |kind| typed(error, kind);
    match error.kind() {
        ErrorKind::UnknownArgument
            if typed(ContextKind::InvalidArg).is_some_and(|word| !word.starts_with('-')) =>
        {
            let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
            let is_of = |command: &str| usage.split_whitespace().any(|word| word == command);
            if let Some((_, hint)) = NO_NAME.iter().find(|(command, _)| is_of(command)) {
                return Some((*hint).to_owned());
            }
            let is_span =
                |word: &str| !word.bytes().all(|byte| byte.is_ascii_digit()) && parse_span(word).is_ok();
            if let Some(span) = typed(ContextKind::InvalidArg).filter(|word| is_of("prune") && is_span(word))
            {
                return Some(format!(
                    "`snap prune --older-than {span}` removes what is older; `--dry-run` only shows it"
                ));
            }
            if is_of("prune") {
                return Some(
                    "it removes by rules, such as `--older-than 7d`; `snap rm REF` removes one by its name"
                        .to_owned(),
                );
            }
            let is_number = typed(ContextKind::InvalidArg).is_some_and(|word| word.parse::<u64>().is_ok());
            let takes_name = ["REF", "NAME", "BRANCH"].iter().any(|word| usage.contains(word));
            let hint = match () {
                () if is_of("export") => {
                    "the file to write comes behind `-o`; a name of several words needs quotes"
                }
                () if is_of("link") => {
                    "it takes one snapshot, and the link is called like that; a name of several words needs quotes"
                }
                () if is_of("show") => {
                    "it takes one snapshot; `snap diff REF -- PATH` shows one file of it, and a name of several words needs quotes"
                }
                () if is_of("rewind") => {
                    "it takes one snapshot, and sets all files; `snap diff REF -- PATH` shows one of them, and a name of several words needs \
                     quotes"
                }
                () => "a name of several words needs quotes, such as \"before refactor\"",
            };
            (takes_name && !is_number).then(|| hint.to_owned())
        }
        ErrorKind::InvalidValue if typed(ContextKind::InvalidValue) == Some("") && has_empty_word() => {
            Some("the value is empty, as that of a variable that is not set".to_owned())
        }
        ErrorKind::InvalidSubcommand => {
            // Of what is behind `help`, clap suggests nothing.
            let suggested = error.get(ContextKind::SuggestedSubcommand).is_some();
            let alike = like_a_command(typed(ContextKind::InvalidSubcommand)).filter(|_| !suggested);
            if let Some(alike) = alike {
                return Some(format!("did you mean {alike}?"));
            }
            of_other_program()
        }
        _ => None,
    }
}

/// Says that another program has the short name here, if one has.
fn of_other_program() -> Option<String> {
    let other = program_name::other_on_path()?;
    Some(format!(
        "this `snap` saves sessions of Claude Code; {} is another program",
        Line(&other.to_string_lossy())
    ))
}

/// Says whether a value was typed that is empty: none at all is another mistake.
fn has_empty_word() -> bool {
    std::env::args_os().skip(1).any(|word| word.is_empty() || word.as_encoded_bytes().ends_with(b"="))
}

/// Returns the command that a word is most like.
fn like_a_command(word: Option<&str>) -> Option<String> {
    let line = Arguments::line();
    let shown = line.get_subcommands().filter(|command| !command.is_hide_set());
    names_like(word?, shown.map(clap::Command::get_name)).into_iter().next()
}

/// Takes the line ends out of what was typed: those left are clap's own.
fn safe(mut error: Error) -> Error {
    let one = |text: &String| Line(text).to_string();
    let changed: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, value)| {
            let value = match value {
                ContextValue::String(text) => ContextValue::String(one(text)),
                ContextValue::Strings(texts) => ContextValue::Strings(texts.iter().map(one).collect()),
                ContextValue::StyledStrs(texts) => {
                    // An option that is not there was hardly meant as a name.
                    let fits = |text: &String| !text.contains("as a value, use");
                    let texts = texts.iter().map(ToString::to_string).filter(fits);
                    ContextValue::StyledStrs(texts.map(|text| StyledStr::from(one(&text))).collect())
                }
                _ => return None,
            };
            Some((kind, value))
        })
        .collect();
    for (kind, value) in changed {
        error.insert(kind, value);
    }
    error
}
