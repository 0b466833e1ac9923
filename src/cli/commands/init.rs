//! `snap init`: adds the `/snapshot` command and the hooks to the client's settings, and removes them again.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::base::error::Result;
use crate::base::timestamp::parse_span;
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::{Report, Style, Ui};
use crate::client::{Scope, SettingsChange, Setup};
use crate::context::Context;
use crate::workspace::Workspace;

/// Set up `/snapshot` in Claude Code, and checkpoints before risky steps
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap init --local", "Set it up for this project and you alone"),
    ("snap init --user --every 10m", "For all projects, and save every 10 minutes"),
    ("snap init --remove", "Take it out of this project again"),
]))]
pub(crate) struct Init {
    /// For all your projects, in the client's own folder
    #[arg(long, conflicts_with = "local")]
    user: bool,
    /// For this project, and only for you (`.claude/settings.local.json`)
    #[arg(long)]
    local: bool,
    /// Also save when the agent ends its turn, at most once in TIME, such as 10m
    #[arg(long, value_name = "TIME", value_parser = parse_span, conflicts_with = "remove")]
    every: Option<Duration>,
    /// Remove the hooks and the command again; snapshots stay
    #[arg(long)]
    remove: bool,
    /// Only show what would be changed
    #[arg(long)]
    dry_run: bool,
}

impl Init {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let scope = match (self.user, self.local) {
            (true, _) => Scope::User,
            (false, true) => Scope::Local,
            (false, false) => Scope::Project,
        };
        let setup = Setup::plan(scope, &workspace.root, &context.config_dir, self.every, self.remove)?;
        if !self.dry_run {
            setup.carry_out()?;
        }
        ui.report(&InitReport::new(&self, setup.changes()))?;
        if !self.remove && !on_path("snap") {
            ui.warn(
                "no `snap` is on your PATH: the hooks do nothing until there is (`cargo install --path .`)",
            );
        }
        Ok(Outcome::Done)
    }
}

/// What was changed, or would be.
#[derive(Serialize)]
struct InitReport<'a> {
    dry_run: bool,
    files: Vec<ChangedFile>,
    #[serde(skip)]
    changes: &'a [SettingsChange],
    #[serde(skip)]
    remove: bool,
}

#[derive(Serialize)]
struct ChangedFile {
    path: String,
    change: &'static str,
}

impl<'a> InitReport<'a> {
    fn new(init: &Init, changes: &'a [SettingsChange]) -> InitReport<'a> {
        let file = |change: &SettingsChange| ChangedFile {
            path: change.path().to_string_lossy().into_owned(),
            change: word(change),
        };
        let files = changes.iter().map(file).collect();
        InitReport { dry_run: init.dry_run, files, changes, remove: init.remove }
    }
}

impl Report for InitReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        for (file, change) in self.files.iter().zip(self.changes) {
            ui.line(&format!("{}  {}", file.change, file.path))?;
            let lines = if self.dry_run { lines(change) } else { Vec::new() };
            for (mark, line) in lines {
                let style = if mark == '+' { Style::Good } else { Style::Bad };
                ui.line(style.of(format!("  {mark} {line}")))?;
            }
        }
        ui.say(match (self.files.is_empty(), self.dry_run, self.remove) {
            (true, _, false) => "Everything is set up already.",
            (true, _, true) => "snap is not set up here.",
            (false, true, _) => "Nothing was changed (--dry-run).",
            (false, false, false) => {
                "Sessions that start from now on have `/snapshot`; `snap init --remove` removes it again."
            }
            (false, false, true) => "Removed. Your snapshots are untouched.",
        });
        Ok(())
    }
}

fn word(change: &SettingsChange) -> &'static str {
    match (&change.old, &change.new) {
        (None, _) => "create",
        (Some(_), None) => "remove",
        (Some(_), Some(_)) => "change",
    }
}

/// Returns the lines that go and come: all between the common beginning and the common end.
fn lines(change: &SettingsChange) -> Vec<(char, &str)> {
    let old: Vec<&str> = change.old.as_deref().unwrap_or_default().lines().collect();
    let new: Vec<&str> = change.new.as_deref().unwrap_or_default().lines().collect();
    let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[start..], &new[start..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let gone = old[..old.len() - end].iter().map(|line| ('-', *line));
    gone.chain(new[..new.len() - end].iter().map(|line| ('+', *line))).collect()
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
