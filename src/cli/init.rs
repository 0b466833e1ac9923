//! `snap init`: the `/snapshot` command and the hooks, put into the client's settings and taken out again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::ui::{Style, Ui};
use super::{Outcome, print_json};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::session::{COMMAND_FILE, is_our_command, with_hooks, without_hooks};
use crate::timestamp::parse_span;
use crate::workspace::Workspace;

/// A settings file over this many bytes is none.
const LARGEST: u64 = 16 << 20;

/// What an empty settings file holds, and is removed with.
const EMPTY: &str = "{}\n";

/// Set up Claude Code: the `/snapshot` command, and checkpoints before risky steps
#[derive(Args)]
pub(super) struct Init {
    /// For all your projects, in the client's own folder
    #[arg(long, conflicts_with = "local")]
    user: bool,
    /// For this project and you alone, in `.claude/settings.local.json`
    #[arg(long)]
    local: bool,
    /// Also save at the end of a turn, at most once in this time, such as 10m
    #[arg(long, value_name = "TIME", value_parser = parse_span, conflicts_with = "remove")]
    every: Option<Duration>,
    /// Take everything out again; snapshots stay
    #[arg(long)]
    remove: bool,
    /// Show the change, and stop
    #[arg(long)]
    dry_run: bool,
}

/// One file, as it is and as it shall be.
struct Change {
    path: PathBuf,
    old: Option<String>,
    new: Option<String>,
}

impl Init {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let folder = if self.user { context.config_dir.clone() } else { workspace.root.join(".claude") };
        let settings = folder.join(if self.local { "settings.local.json" } else { "settings.json" });
        let changes: Vec<Change> =
            [self.settings(&settings)?, self.command(&folder.join("commands/snapshot.md"))?]
                .into_iter()
                .filter(|change| change.old != change.new)
                .collect();
        if !self.dry_run {
            for change in &changes {
                change.make()?;
            }
            if self.remove {
                // Only if they are empty: then nobody misses them.
                for folder in [folder.join("commands"), folder] {
                    let _not_empty = std::fs::remove_dir(&folder);
                }
            }
        }
        self.report(&changes, ui)?;
        if !self.remove && !on_path("snap") {
            ui.warn(
                "no `snap` is on your PATH: the hooks do nothing until there is (`cargo install --path .`)",
            );
        }
        Ok(Outcome::Done)
    }

    fn settings(&self, path: &Path) -> Result<Change> {
        let old = read(path)?;
        let text = old.clone().unwrap_or_else(|| EMPTY.to_owned());
        let new = if self.remove { without_hooks(&text) } else { with_hooks(&text, self.every) };
        let new = new.map_err(|why| {
            Error::new(Kind::Refused, format!("Cannot change {}", path.display())).because(why).hint(
                "put the file right (the client can't read it like this either), then run the command again",
            )
        })?;
        // A file that held nothing but our hooks is one that we made.
        let keep = old.is_some() || !self.remove;
        let emptied = self.remove && new == EMPTY && old.as_deref() != Some(EMPTY);
        Ok(Change { path: path.to_owned(), old, new: Some(new).filter(|_| keep && !emptied) })
    }

    fn command(&self, path: &Path) -> Result<Change> {
        let old = read(path)?;
        let ours = old.as_deref().is_none_or(is_our_command);
        let new = match (ours, self.remove) {
            (true, true) => None,
            (true, false) => Some(COMMAND_FILE.to_owned()),
            (false, true) => old.clone(),
            (false, false) => {
                return Err(Error::new(Kind::Refused, format!("Cannot replace {}", path.display()))
                    .because("it is a command of your own")
                    .hint("rename it, then run `snap init` again; nothing was changed"));
            }
        };
        Ok(Change { path: path.to_owned(), old, new })
    }

    fn report(&self, changes: &[Change], ui: &mut Ui) -> Result<()> {
        if ui.json() {
            let all: Vec<Value> = changes
                .iter()
                .map(|change| json!({"path": change.path.to_string_lossy(), "change": change.word()}))
                .collect();
            return print_json(ui, &json!({"dry_run": self.dry_run, "files": all}));
        }
        for change in changes {
            ui.line(&format!("{}  {}", change.word(), change.path.to_string_lossy()))?;
            if self.dry_run {
                for (mark, line) in change.lines() {
                    let style = if mark == '+' { Style::Good } else { Style::Bad };
                    ui.line(style.of(format!("  {mark} {line}")))?;
                }
            }
        }
        let said = match (changes.is_empty(), self.dry_run, self.remove) {
            (true, _, false) => "Everything is set up already.",
            (true, _, true) => "There is nothing of snap here.",
            (false, true, _) => "Nothing was changed (--dry-run).",
            (false, false, false) => {
                "Sessions started from now on have `/snapshot`; `snap init --remove` takes it away."
            }
            (false, false, true) => "Removed. Your snapshots are untouched.",
        };
        ui.say(said);
        Ok(())
    }
}

impl Change {
    fn word(&self) -> &'static str {
        match (&self.old, &self.new) {
            (None, _) => "create",
            (Some(_), None) => "remove",
            (Some(_), Some(_)) => "change",
        }
    }

    /// Returns the lines that go and come: all between the common beginning and the common end.
    fn lines(&self) -> Vec<(char, &str)> {
        let old: Vec<&str> = self.old.as_deref().unwrap_or_default().lines().collect();
        let new: Vec<&str> = self.new.as_deref().unwrap_or_default().lines().collect();
        let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let (old, new) = (&old[start..], &new[start..]);
        let end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
        let gone = old[..old.len() - end].iter().map(|line| ('-', *line));
        gone.chain(new[..new.len() - end].iter().map(|line| ('+', *line))).collect()
    }

    /// Makes the change, unless the file is no longer what was read.
    fn make(&self) -> Result<()> {
        if read(&self.path)? != self.old {
            return Err(Error::new(Kind::Conflict, format!("{} changed meanwhile", self.path.display()))
                .hint("run the command again"));
        }
        match &self.new {
            Some(new) => fs::replace_theirs(&self.path, new.as_bytes()),
            None => fs::remove(&self.path),
        }
    }
}

/// Reads a file of the client's; people link these into place, so links are followed.
fn read(path: &Path) -> Result<Option<String>> {
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let Some(bytes) = fs::read_plain(&target, LARGEST)? else { return Ok(None) };
    String::from_utf8(bytes).map(Some).map_err(|error| {
        Error::new(Kind::Refused, format!("Cannot change {}", path.display())).because(error)
    })
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
