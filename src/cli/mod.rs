//! The command line: what can be typed, and which exit code comes back.
//!
//! Owns the `clap` crate. Each command's arguments stand beside its code; this file holds
//! the global ones, the dispatch, and the one place where an error becomes an exit code.

mod bar;
mod completions;
mod consent;
mod diff;
mod doubts;
mod elsewhere;
mod file;
mod granting;
mod hook;
mod init;
mod launching;
mod lease;
mod link;
mod list;
mod log;
mod man;
mod pager;
mod prune;
mod queued;
mod remote;
mod restoring;
mod resume;
mod reviving;
mod save;
mod show;
mod text;
mod tree;
mod ui;
mod undo;
mod usage;
mod verify;
mod view;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::base::error::{Error, Kind, Result};
use crate::base::screen::{self, Line};
use crate::context::Context;
use crate::restore::{self, Outcome as Settled};
use crate::workspace::Workspace;
use ui::{ColorChoice, Ui};

/// Save the whole working state of a Claude Code session, and resume it anywhere
#[derive(Parser)]
#[command(name = "snap", version, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(
    after_help = "REF is a snapshot's name, `latest` (the default), `latest~2`, or the start of an id.\n\
    Exit codes: 0 done, 1 the answer is no, 2 usage, 3 not found or refused, 4 conflict (nothing changed),\n\
    5 damaged or a newer format, 6 done but parts were skipped, 7 git, disk or permissions, 70 a bug."
)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args)]
struct Global {
    /// Work in DIR instead of the current folder
    #[arg(short = 'C', value_name = "DIR", global = true)]
    folder: Option<PathBuf>,
    /// Use the store in DIR instead of `.claude/snapshots` of the main work tree
    #[arg(long, value_name = "DIR", global = true)]
    store: Option<PathBuf>,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    color: ColorChoice,
    /// Say nothing but errors on standard error
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Print JSON on standard output
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    Save(save::Save),
    Link(link::Link),
    List(list::List),
    Show(show::Show),
    Diff(diff::Diff),
    View(view::View),
    Resume(resume::Resume),
    Rewind(resume::Rewind),
    Undo(undo::Undo),
    Redo(undo::Redo),
    Prune(prune::Prune),
    Rm(prune::Rm),
    Pin(prune::Pin),
    Unpin(prune::Unpin),
    Init(init::Init),
    #[command(hide = true)]
    Hook(hook::Hook),
    Export(file::Export),
    Import(file::Import),
    Push(remote::Push),
    Pull(remote::Pull),
    Log(log::Log),
    #[command(hide = true)]
    Lease(lease::Lease),
    Verify(verify::Verify),
    Completions(completions::Completions),
    Man(man::Man),
}

/// How a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// The answer to what was asked is no: `diff --exit-code` found differences.
    No,
    /// Finished, but parts were skipped; the report says which.
    Partial,
}

/// Runs the program on the process's own arguments.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are a success; a closed pipe is quiet there.
            let usage = if error.use_stderr() { Kind::Usage.exit_code() } else { 0 };
            let _closed = usage::tell(error);
            // The client takes exit code 2 for "stop": a hook that it calls in a way of tomorrow must not.
            if std::env::args_os().nth(1).is_some_and(|word| word == "hook") {
                return ExitCode::SUCCESS;
            }
            return ExitCode::from(usage);
        }
    };
    let mut ui = Ui::new(arguments.global.color, arguments.global.quiet, arguments.global.json);
    let store = arguments.global.store.clone().or_else(|| std::env::var_os("SNAP_STORE").map(PathBuf::from));
    let store = store.filter(|folder| !folder.as_os_str().is_empty());
    if let Command::Hook(command) = arguments.command {
        return command.run(arguments.global.folder.as_deref(), store, &mut ui);
    }
    // These two are about the command line itself, and need no folder.
    let outcome = match arguments.command {
        Command::Completions(command) => command.run(&mut ui),
        Command::Man(command) => command.run(&mut ui),
        _ => run(arguments, store, &mut ui),
    };
    let outcome = outcome.and_then(|outcome| ui.flush().map(|()| outcome));
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::No) => ExitCode::from(1),
        Ok(Outcome::Partial) => ExitCode::from(6),
        Err(error) => {
            if error.kind() != Kind::ClosedPipe {
                ui.error(&error);
            }
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn run(arguments: Arguments, store: Option<PathBuf>, ui: &mut Ui) -> Result<Outcome> {
    let context = Context::from_environment(arguments.global.folder.as_deref(), store)?;
    if let Command::Resume(command) = arguments.command {
        return command.run(&context, ui);
    }
    if let Command::Diff(command) = arguments.command {
        return command.run(&context, ui);
    }
    if let Some(store) = context.store.as_ref().filter(|store| !store.is_dir())
        && !matches!(arguments.command, Command::Save(_) | Command::Import(_) | Command::Pull(_))
    {
        return Err(Error::new(Kind::NotFound, format!("There is no store in {}", store.display()))
            .hint("`--store` takes a folder that `snap save` has written to"));
    }
    let workspace = Workspace::open(&context)?;
    match &arguments.command {
        Command::Save(_)
        | Command::Rewind(_)
        | Command::Undo(_)
        | Command::Redo(_)
        | Command::Import(_)
        | Command::Pull(_) => {
            settle(&context, &workspace, ui)?;
        }
        // What frees space, or only looks, works beside a restore that can't be settled.
        Command::Prune(_) | Command::Rm(_) | Command::Verify(_) => {
            settle(&context, &workspace, ui).unwrap_or_else(|error| ui.error(&error));
        }
        Command::List(_) | Command::Show(_) => {
            if let Ok((roots, ignored)) = restore::cut_off(&workspace) {
                for root in roots {
                    let root = Line(&root.to_string_lossy()).to_string();
                    ui.warn(&format!("a restore was cut off in {root}; the next `snap save`, `resume`, `rewind`, `undo` or `redo` puts that right"));
                }
                tell_ignored(&ignored, ui);
            }
        }
        _ => {}
    }
    match arguments.command {
        Command::Save(command) => command.run(&context, &workspace, ui),
        Command::Link(command) => command.run(&workspace, ui),
        Command::List(command) => command.run(&context, &workspace, ui),
        Command::Show(command) => command.run(&context, &workspace, ui),
        Command::Diff(command) => command.run(&context, ui),
        Command::View(command) => command.run(&context, &workspace, ui),
        Command::Resume(command) => command.run(&context, ui),
        Command::Rewind(command) => command.run(&context, &workspace, ui),
        Command::Undo(command) => command.run(&context, &workspace, ui),
        Command::Redo(command) => command.run(&context, &workspace, ui),
        Command::Prune(command) => command.run(&context, &workspace, ui),
        Command::Rm(command) => command.run(&context, &workspace, ui),
        Command::Pin(command) => command.run(&workspace, ui),
        Command::Unpin(command) => command.run(&workspace, ui),
        Command::Init(command) => command.run(&context, &workspace, ui),
        // Answered above, before anything that could fail.
        Command::Hook(_) | Command::Completions(_) | Command::Man(_) => Ok(Outcome::Done),
        Command::Export(command) => command.run(&context, &workspace, ui),
        Command::Import(command) => command.run(&context, &workspace, ui),
        Command::Push(command) => command.run(&context, &workspace, ui),
        Command::Pull(command) => command.run(&context, &workspace, ui),
        Command::Log(command) => command.run(&context, &workspace, ui),
        Command::Lease(command) => command.run(&context, &workspace, ui),
        Command::Verify(command) => command.run(&workspace, ui),
    }
}

/// Finishes or takes back restores whose process died, and says so.
fn settle(context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<()> {
    let restore::Settled { recovered, ignored } = restore::recover(context, workspace)?;
    tell_ignored(&ignored, ui);
    for recovered in recovered {
        let root = Line(&recovered.root.to_string_lossy()).to_string();
        let name = Line(&recovered.name).to_string();
        let safety = recovered.safety.as_deref().map(|name| format!(" (also kept as {})", Line(name)));
        ui.warn(&match recovered.outcome {
            Settled::TakenBack => {
                let safety = safety.unwrap_or_default();
                format!("the restore of {name} in {root} was cut off; everything is as before it{safety}")
            }
            Settled::Finished => {
                format!("the restore of {name} in {root} was cut off at its end; it is finished now")
            }
            Settled::Gone => {
                format!("the restore of {name} in {root} was cut off, and that work tree is gone")
            }
        });
        for path in &recovered.kept {
            ui.warn(&format!("{path} was changed after that, and stays as it is"));
        }
        if let Some(leftover) = &recovered.leftover {
            let leftover = Line(&leftover.to_string_lossy()).to_string();
            ui.warn(&format!(
                "the files from before are in {leftover}; delete it when you need them no longer"
            ));
        }
    }
    Ok(())
}

/// The most journals that are named one by one.
const MOST_NAMED: usize = 5;

/// Names the journals of restores that nothing was done about.
fn tell_ignored(ignored: &[restore::Ignored], ui: &mut Ui) {
    for one in ignored.iter().take(MOST_NAMED) {
        let path = Line(&one.path.to_string_lossy()).to_string();
        ui.warn(&format!(
            "{path} looks like the journal of a restore, and nothing was done about it: {}; {}",
            Line(&one.why),
            one.hint
        ));
    }
    if ignored.len() > MOST_NAMED {
        ui.warn(&format!("and {} more such journals", ignored.len() - MOST_NAMED));
    }
}

/// Says whether there is a command of this name.
fn command_exists(name: &str) -> bool {
    use clap::CommandFactory as _;
    Arguments::command().find_subcommand(name).is_some()
}

/// Prints a value as JSON on standard output.
fn print_json(ui: &mut Ui, value: &impl serde::Serialize) -> Result<()> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| Error::new(Kind::Bug, "The answer can't be written as JSON").because(error))?;
    ui.value(&screen::json(&json))
}

/// Formats a size: `812 B`, `3.4 KiB`, `1.2 MiB`.
fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut whole = bytes;
    let mut rest = 0;
    let mut unit = "B";
    for next in UNITS {
        if whole < 1_024 {
            break;
        }
        rest = whole % 1_024;
        whole /= 1_024;
        unit = next;
    }
    match unit {
        "B" => format!("{bytes} B"),
        _ => format!("{whole}.{} {unit}", rest * 10 / 1_024),
    }
}

/// Reads a size as people write it: `500M`, `2GiB`. Units are powers of 1,024.
///
/// # Errors
/// Says what is wrong with the text, for a usage message.
fn parse_size(text: &str) -> std::result::Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let power = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => Some(0),
        "k" | "kb" | "kib" => Some(1),
        "m" | "mb" | "mib" => Some(2),
        "g" | "gb" | "gib" => Some(3),
        "t" | "tb" | "tib" => Some(4),
        _ => None,
    };
    let bytes = number
        .parse::<u64>()
        .ok()
        .zip(power)
        .and_then(|(number, power)| number.checked_mul(1 << (10 * power)));
    bytes.ok_or_else(|| {
        format!("{text:?} is not a size; write a whole number and a unit (K, M, G, T), such as 500M or 2GiB")
    })
}

/// Formats a number of things: `1 file`, `3 files`.
fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!([size_text(0), size_text(1_023), size_text(1_536)], ["0 B", "1023 B", "1.5 KiB"]);
        assert_eq!(size_text(5 << 30), "5.0 GiB");
    }
}
