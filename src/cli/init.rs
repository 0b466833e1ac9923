//! `snap init`: the `/snapshot` command and the hooks, put into the client's settings and taken out again.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::ui::{Style, Ui};
use super::{Outcome, print_json};
use crate::base::error::{Error, Kind, Result};
use crate::base::timestamp::parse_span;
use crate::client::{COMMAND_FILE, is_our_command, with_hooks, without_hooks};
use crate::context::Context;
use crate::sys::files;
use crate::sys::place::{Place, Root};
use crate::sys::users_files;
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

/// A file of the client's.
#[derive(Clone)]
enum Target {
    /// In the client's own folder, where people link files into place: links are the user's own.
    Own(PathBuf),
    /// In a project, which may be anybody's: nothing is read or written through a link.
    InProject(Place),
}

/// One file, as it is and as it shall be.
struct Change {
    target: Target,
    old: Option<String>,
    new: Option<String>,
}

impl Init {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let project = Root::shared(&workspace.root).at(".claude");
        let target = |name: &str| match self.user {
            true => Target::Own(context.config_dir.join(name)),
            false => Target::InProject(project.join(name)),
        };
        let settings = target(if self.local { "settings.local.json" } else { "settings.json" });
        let changes: Vec<Change> = [self.settings(settings)?, self.command(target("commands/snapshot.md"))?]
            .into_iter()
            .filter(|change| change.old != change.new)
            .collect();
        if !self.dry_run {
            for change in &changes {
                change.make()?;
            }
            if self.remove {
                // Only if they are empty: then nobody misses them.
                for folder in ["commands", ""] {
                    target(folder).remove_empty();
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

    fn settings(&self, target: Target) -> Result<Change> {
        let (path, old) = (target.path(), target.read()?);
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
        Ok(Change { target, old, new: Some(new).filter(|_| keep && !emptied) })
    }

    fn command(&self, target: Target) -> Result<Change> {
        let (path, old) = (target.path(), target.read()?);
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
        Ok(Change { target, old, new })
    }

    fn report(&self, changes: &[Change], ui: &mut Ui) -> Result<()> {
        if ui.json() {
            let all: Vec<Value> = changes
                .iter()
                .map(
                    |change| json!({"path": change.target.path().to_string_lossy(), "change": change.word()}),
                )
                .collect();
            return print_json(ui, &json!({"dry_run": self.dry_run, "files": all}));
        }
        for change in changes {
            ui.line(&format!("{}  {}", change.word(), change.target.path().to_string_lossy()))?;
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
        if self.target.read()? != self.old {
            let path = self.target.path();
            return Err(Error::new(Kind::Conflict, format!("{} changed meanwhile", path.display()))
                .hint("run the command again"));
        }
        match (&self.target, self.new.as_deref().map(str::as_bytes)) {
            (Target::Own(path), Some(new)) => users_files::replace_theirs(path, new),
            (Target::Own(path), None) => files::remove(path),
            (Target::InProject(place), Some(new)) => users_files::replace_there(place, new),
            (Target::InProject(place), None) => place.remove(),
        }
    }
}

impl Target {
    fn path(&self) -> PathBuf {
        match self {
            Target::Own(path) => path.clone(),
            Target::InProject(place) => place.path(),
        }
    }

    /// Reads it; `None` if it is not there.
    fn read(&self) -> Result<Option<String>> {
        let bytes = match self {
            Target::Own(path) => {
                let target = path.canonicalize().unwrap_or_else(|_| path.clone());
                files::read_plain(&target, LARGEST)?
            }
            Target::InProject(place) => {
                place.refuse_special()?;
                place.read(LARGEST)?
            }
        };
        bytes.map(String::from_utf8).transpose().map_err(|error| {
            Error::new(Kind::Refused, format!("Cannot change {}", self.path().display())).because(error)
        })
    }

    /// Removes it if it is an empty folder.
    fn remove_empty(&self) {
        match self {
            Target::Own(path) => drop(std::fs::remove_dir(path)),
            Target::InProject(place) => drop(place.remove_empty()),
        }
    }
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
