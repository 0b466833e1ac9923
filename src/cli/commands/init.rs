//! `snap init`: adds the `/snapshot` command and the hooks to the client's settings, and removes them again.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::base::error::Result;
use crate::base::screen::Line;
use crate::base::timestamp::parse_span;
use crate::cli::commands::sharing::{Asked, Sharing};
use crate::cli::completion::remotes;
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::{Report, Style, Ui};
use crate::cli::program_name;
use crate::client::{HookPlace, Pace, Scope, SettingsChange, Setup, hook_places};
use crate::context::Context;
use crate::workspace::Workspace;

/// Set up `/snapshot` in Claude Code, and checkpoints before risky steps
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap init --local", "Set it up for this project and you alone"),
    ("snap init --user --every 10m", "For all projects, and save every 10 minutes"),
    ("snap init --remove", "Take it out again; with --user, of all projects"),
]))]
pub(crate) struct Init {
    /// For all your projects, in the client's own folder
    #[arg(long, conflicts_with = "local")]
    user: bool,
    /// For this project, and only for you (`.claude/settings.local.json`)
    #[arg(long)]
    local: bool,
    /// Also save when the agent ends its turn, at most once in TIME, such as 10m; `never` ends that
    #[arg(long, value_name = "TIME", value_parser = parse_pace, conflicts_with = "remove")]
    every: Option<Pace>,
    /// Share each session of this project through REMOTE as it goes: everybody who may read that can read them; with --user, of
    /// all projects
    #[arg(long, value_name = "REMOTE", num_args = 0..=1, default_missing_value = "origin", conflicts_with = "remove", add = remotes())]
    sync: Option<String>,
    /// With --sync: keep titles and prompts out of the messages of what is shared
    #[arg(long, requires = "sync")]
    private: bool,
    /// With --sync: let them into these messages again, from the next push on
    #[arg(long, requires = "sync", conflicts_with = "private")]
    no_private: bool,
    /// Only end --sync; what was shared stays until `snap sync --withdraw`
    #[arg(long, conflicts_with_all = ["sync", "remove", "every"])]
    no_sync: bool,
    /// Remove the hooks and the command from this project again; with --user or --local, only those; snapshots stay
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
        let (root, config) = (&workspace.root, &context.config_dir);
        let here: &[Scope] = match scope {
            Scope::Project => &[Scope::Project, Scope::Local],
            Scope::Local => &[Scope::Local],
            Scope::User => &[Scope::User],
        };
        let setup = if self.remove {
            Setup::removal(here, root, config)?
        } else if self.no_sync {
            Setup::nothing()
        } else {
            Setup::plan(scope, root, config, self.every.unwrap_or(Pace::AsItIs))?
        };
        let ends = self.no_sync || self.remove;
        let asked = Asked {
            remote: self.sync.as_deref(),
            private: self.private,
            no_private: self.no_private,
            ends,
            scope,
        };
        let sharing = Sharing::plan(&asked, context, workspace)?;
        if !self.dry_run {
            setup.carry_out()?;
            sharing.carry_out(context)?;
        }
        let report = InitReport::new(&self, scope, setup.changes(), &sharing);
        if self.dry_run {
            ui.report(&report)?
        } else {
            ui.confirm(&report)?
        }
        if self.no_sync {
            return Ok(Outcome::Done);
        }
        let others = hook_places(root, config);
        let mine = if self.remove { here } else { std::slice::from_ref(&scope) };
        for place in others {
            tell_other(&place, mine, self.remove, ui);
        }
        if !self.remove && program_name::called_by_hooks().is_none() {
            ui.warn(&format!("the hooks find no `claude-snap`: {}", program_name::HOW_TO_BE_FOUND));
        }
        Ok(Outcome::Done)
    }
}

/// What was changed, or would be.
#[derive(Serialize)]
struct InitReport<'a> {
    dry_run: bool,
    files: Vec<ChangedFile>,
    sync: &'a Sharing,
    #[serde(skip)]
    changes: &'a [SettingsChange],
    #[serde(skip)]
    remove: bool,
    /// Whether nothing was asked for but to end sharing.
    #[serde(skip)]
    only_ends: bool,
    #[serde(skip)]
    scope: Scope,
    #[serde(skip)]
    pace: Pace,
}

#[derive(Serialize)]
struct ChangedFile {
    path: String,
    change: &'static str,
}

impl<'a> InitReport<'a> {
    fn new(init: &Init, scope: Scope, changes: &'a [SettingsChange], sync: &'a Sharing) -> InitReport<'a> {
        let file = |change: &SettingsChange| ChangedFile {
            path: change.path().to_string_lossy().into_owned(),
            change: word(change),
        };
        let files = changes.iter().map(file).collect();
        let (dry_run, remove, only_ends) = (init.dry_run, init.remove, init.no_sync);
        let pace = init.every.unwrap_or(Pace::AsItIs);
        InitReport { dry_run, files, sync, changes, remove, only_ends, scope, pace }
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
        if self.only_ends {
            if matches!(self.sync, Sharing::Same) {
                ui.say("Nothing is shared here.");
            }
            self.sync.tell(self.dry_run, ui);
            return Ok(());
        }
        let off = off_switch(self.scope);
        ui.say(&match (self.files.is_empty(), self.dry_run, self.remove) {
            (true, _, false) => "`/snapshot` and the hooks are set up already.".to_owned(),
            (true, _, true) => "snap is not set up here.".to_owned(),
            (false, true, _) => "Nothing was changed (--dry-run).".to_owned(),
            (false, false, false) => {
                format!("Sessions that start from now on have `/snapshot`; `{off}` removes it again.")
            }
            (false, false, true) => "Removed. Your snapshots are untouched.".to_owned(),
        });
        if let Some(paced) = paced(self.pace, self.scope).filter(|_| !self.dry_run) {
            ui.say(&paced);
        }
        self.sync.tell(self.dry_run, ui);
        Ok(())
    }
}

/// Says what saving at the end of turns will do, and what ends it.
fn paced(pace: Pace, scope: Scope) -> Option<String> {
    match pace {
        Pace::AsItIs => None,
        Pace::Never => Some("Nothing is saved by itself any more when the agent ends its turn.".to_owned()),
        Pace::Every(span) => Some(format!(
            "When the agent ends its turn and something has changed, that is saved as a checkpoint, at most once in {}; old \
             checkpoints go by themselves. `{} --every never` ends it.",
            whole(span),
            set_up(scope)
        )),
    }
}

/// Writes a span exactly, in the largest unit that it is a multiple of.
fn whole(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let fits = units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    fits.map_or_else(|| format!("{seconds}s"), |(unit, letter)| format!("{}{letter}", seconds / unit))
}

fn parse_pace(text: &str) -> std::result::Result<Pace, String> {
    if text == "never" { Ok(Pace::Never) } else { parse_span(text).map(Pace::Every) }
}

/// Returns the command that sets it up there.
pub(super) fn set_up(scope: Scope) -> &'static str {
    match scope {
        Scope::Project => "snap init",
        Scope::Local => "snap init --local",
        Scope::User => "snap init --user",
    }
}

/// Returns the command that removes what was set up there; without an option, it removes the other places too.
pub(super) fn off_switch(scope: Scope) -> &'static str {
    match scope {
        Scope::Project => "snap init --remove",
        Scope::Local => "snap init --remove --local",
        Scope::User => "snap init --remove --user",
    }
}

/// Says where else the client is told to call `snap`, and how that is ended.
fn tell_other(place: &HookPlace, mine: &[Scope], remove: bool, ui: &mut Ui) {
    let path = place.path.display();
    if place.hooks && !mine.contains(&place.scope) {
        let off = off_switch(place.scope);
        ui.warn(&if remove {
            format!("{path} still calls snap; `{off}` ends that")
        } else {
            let what = match place.scope {
                // Without an option, it removes the other places too.
                Scope::Project => "takes snap out of both files again",
                Scope::Local | Scope::User => "takes it out of that file again",
            };
            format!("{path} calls snap too: that does no harm, as each step is saved once. `{off}` {what}")
        });
    }
    if let Some(plugin) = &place.plugin {
        let plugin = Line(plugin);
        ui.warn(&if remove {
            format!("the plugin {plugin} still calls snap; `claude plugin disable {plugin}` ends that")
        } else {
            format!("the plugin {plugin} calls snap too; one of the two is enough: `claude plugin disable {plugin}`, or `{}`",
                mine.first().map_or("", |scope| off_switch(*scope)))
        });
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
