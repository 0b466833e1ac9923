//! What can be typed: the commands, and the options that all of them take.
//!
//! Each command's own arguments are beside its code.

use std::any::TypeId;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use super::commands::{
    branch, close, completions, config, demo, diff, doctor, export, follow, import, init, lease, link, list,
    log, man, merge, pin, prune, pull, push, report, resume, rewind, save, show, space, status, sync, undo,
    verify, view,
};
use super::global::Global;
use super::help;
use super::hook;
use super::pick;
use super::program_name;
use crate::view::Action;

/// Save the whole working state of a Claude Code session, and resume it anywhere
#[derive(Parser)]
#[command(version)]
#[command(
    after_help = help::examples(&FIRST_STEPS),
    after_long_help = help::examples_and(
        &FIRST_STEPS,
        &[
            ("References", "REF is a snapshot's name, `latest`, `latest~2`, or the start of its id."),
            (
                "Exit codes",
                "0   done\n\
                 1   differences (`diff --exit-code`) or damage (`verify`, `doctor`) found\n\
                 2   wrong command line\n\
                 3   not found, or refused\n\
                 4   conflict: nothing was changed\n\
                 5   damaged, or in a newer format\n\
                 6   done, but parts were skipped or are in conflict\n\
                 7   git, the disk or permissions failed\n\
                 70  a bug\n\
                 130 interrupted, or left without a choice",
            ),
        ],
    )
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

impl Arguments {
    /// Returns the command line, under the name by which this program is called.
    pub(crate) fn line() -> clap::Command {
        taking_negative(Arguments::command()).name(program_name::name()).bin_name(program_name::name())
    }

    /// Reads what was typed, and for what a snapshot is still to be chosen.
    pub(crate) fn typed() -> Result<(Arguments, Option<Action>), clap::Error> {
        let matches = Arguments::line().try_get_matches()?;
        Ok((Arguments::from_arg_matches(&matches)?, pick::wanted(&matches)))
    }
}

/// Has each option for a number read a negative one too, which is then refused with what is wanted: clap would take it for an
/// option that is not there.
fn taking_negative(command: clap::Command) -> clap::Command {
    let is_number = |argument: &clap::Arg| {
        let of = argument.get_value_parser().type_id();
        of == TypeId::of::<usize>() || of == TypeId::of::<u64>()
    };
    let taking = |argument: clap::Arg| {
        if is_number(&argument) { argument.allow_negative_numbers(true) } else { argument }
    };
    command.mut_args(taking).mut_subcommands(taking_negative)
}

const FIRST_STEPS: [(&str, &str); 4] = [
    ("snap save before-refactor", "Save the session and the pending edits"),
    ("snap list", "List the snapshots"),
    ("snap resume before-refactor", "Restore one, and continue its session"),
    ("snap help resume", "Explain a command"),
];

#[derive(Subcommand)]
pub(crate) enum Command {
    Save(save::Save),
    Status(status::Status),
    List(list::List),
    Show(show::Show),
    Diff(diff::Diff),
    View(view::View),
    Report(report::Report),
    Resume(resume::Resume),
    Rewind(rewind::Rewind),
    Undo(undo::Undo),
    Redo(undo::Redo),
    Export(export::Export),
    Import(import::Import),
    Push(push::Push),
    Pull(pull::Pull),
    Branch(branch::Branch),
    Merge(merge::Merge),
    Close(close::Close),
    Reopen(close::Reopen),
    Sync(sync::Sync),
    Space(space::Space),
    Follow(follow::Follow),
    Link(link::Link),
    Log(log::Log),
    Pin(pin::Pin),
    Unpin(pin::Unpin),
    #[command(aliases = ["delete", "remove"])]
    Rm(prune::Rm),
    Prune(prune::Prune),
    Verify(verify::Verify),
    Doctor(doctor::Doctor),
    Init(init::Init),
    Config(config::Config),
    Demo(demo::Demo),
    Completions(completions::Completions),
    Man(man::Man),
    #[command(hide = true)]
    Hook(hook::Hook),
    #[command(hide = true)]
    Lease(lease::Lease),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::line().debug_assert();
    }
}
