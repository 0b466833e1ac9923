//! The options that every command takes.

use std::path::PathBuf;

use clap::Args;

use super::output::ColorChoice;

/// What every command takes.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Work in DIR instead of the current folder
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) folder: Option<PathBuf>,
    /// Use the store in DIR instead of `.claude/snapshots` of the main work tree
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) store: Option<PathBuf>,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(crate) color: ColorChoice,
    /// Print only what was asked for, and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log each phase and its duration to standard error; twice: also each git command
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}
