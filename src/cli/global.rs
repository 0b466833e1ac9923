//! The options that every command takes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum as _};

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

impl Global {
    /// Returns the words that say the same again.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(folder) = &self.folder {
            words.extend(["-C".into(), folder.into()]);
        }
        if let Some(store) = &self.store {
            words.extend(["--store".into(), store.into()]);
        }
        if let Some(color) = self.color.to_possible_value() {
            words.push(format!("--color={}", color.get_name()).into());
        }
        words.extend(self.quiet.then(|| "--quiet".into()));
        words.extend((0..self.verbose).map(|_| "--verbose".into()));
        words
    }
}
