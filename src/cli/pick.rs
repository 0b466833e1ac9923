//! For which snapshot a command is, where nobody has said so: a person chooses it from a list, and what to do with it.
//!
//! What was chosen is done by this program started anew, as if the snapshot had been typed: with its usual plan and its
//! usual questions. The list reads keys until its process ends.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::global::Global;
use super::outcome::Outcome;
use super::output::{Ui, is_dumb};
use super::restore_flow::current_program;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::context::Context;
use crate::restore;
use crate::view::{Action, Picked, picker};
use crate::workspace::Workspace;

/// What stands for the snapshot where none was typed.
const USUAL: &str = "latest";

/// Returns the command for which a snapshot is to be chosen: one that takes a snapshot and got none.
pub(crate) fn wanted(typed: &ArgMatches) -> Option<Action> {
    let (name, typed) = typed.subcommand()?;
    let is_set = |id: &str| typed.value_source(id).is_some_and(|source| source == ValueSource::CommandLine);
    let any = |ids: &[&str]| ids.iter().any(|id| is_set(id));
    match name {
        "show" if !is_set("reference") => Some(Action::Show),
        "resume" if !any(&["reference", "no_input"]) => Some(Action::Resume),
        "rewind" if !any(&["reference", "no_input"]) => Some(Action::Rewind),
        "diff" if !any(&["references", "now", "files", "show_config", "color_only"]) => Some(Action::Diff),
        "rm" if !any(&["references", "remote", "no_input"]) => Some(Action::Remove),
        _ => None,
    }
}

/// Says whether there is somebody to choose, on a terminal that can show a list.
pub(crate) fn can_ask(ui: &Ui) -> bool {
    ui.is_terminal() && !ui.json() && !is_dumb()
}

/// Lets a person choose, and does what they chose; `None` if there is nothing to choose from.
///
/// # Errors
/// [`Kind::Environment`] if the terminal can't be used, or what was chosen can't be started.
pub(crate) fn choose(
    context: &Context,
    own: Action,
    global: &Global,
    ui: &mut Ui,
) -> Result<Option<Outcome>> {
    let workspace = Workspace::open(context)?;
    let entries = workspace.store.entries()?;
    let by_hand = entries.iter().filter_map(|entry| entry.readable()).filter(|one| one.safety.is_none());
    // One that is there alone is meant; but nobody removes what they have not seen.
    if by_hand.count() < if own == Action::Remove { 1 } else { 2 } {
        return Ok(None);
    }
    let preferred = preferred(&workspace, own);
    ui.flush()?;
    match picker::run(&entries, own, preferred.as_ref(), ui.color(), context.now)? {
        Some(picked) if picked.action == own => Err(go_on_as_typed(&picked)),
        Some(picked) => Err(go_on(global, &picked)),
        None => {
            ui.say("Nothing was chosen; nothing was changed.");
            Ok(Some(Outcome::Left))
        }
    }
}

/// Returns the snapshot that the command takes by itself.
fn preferred(workspace: &Workspace, own: Action) -> Option<SnapshotId> {
    let found = match own {
        Action::Resume => restore::find_to_resume(workspace, USUAL),
        Action::Rewind => restore::find_to_rewind(workspace, USUAL),
        _ => return None,
    };
    found.ok().map(|found| found.manifest.id)
}

/// Becomes the command that was typed, with the snapshot that was chosen; returns only if that fails.
fn go_on_as_typed(picked: &Picked) -> Error {
    let mut words: Vec<OsString> = std::env::args_os().skip(1).collect();
    // What follows two dashes is the client's, or paths.
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words.splice(end..end, chosen(picked));
    become_command(&words)
}

/// Becomes another command for the snapshot that was chosen; returns only if that fails.
pub(crate) fn go_on(global: &Global, picked: &Picked) -> Error {
    let mut words = global.words();
    words.push(picked.action.command().into());
    words.extend(chosen(picked));
    become_command(&words)
}

/// Returns the words that name the snapshot. What is removed by one key is removed after a question.
fn chosen(picked: &Picked) -> Vec<OsString> {
    let ask = (picked.action == Action::Remove).then(|| "--ask".into());
    ask.into_iter().chain([picked.id.clone().into()]).collect()
}

fn become_command(words: &[OsString]) -> Error {
    // This process ends without letting go of anything.
    crate::git::leave_none();
    let program = match current_program() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut command = Command::new(program);
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    let error = command.args(words).exec();
    Error::new(Kind::Environment, "What was chosen can't be started").because(error)
}
