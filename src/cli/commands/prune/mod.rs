//! `snap prune`: which rules hold, what they remove, and the trash.

mod questions;
mod remote;
mod report;
mod rm;

use std::time::Duration;

use clap::Args;

use self::questions::{MOST_UNASKED, ask, ask_for_trash, still_agreed, still_agreed_on_trash};
use self::report::{
    Freed, Judged, PruneReport, in_trash, line_names, tell_left, tell_nameless, tell_way_back,
};
pub(crate) use self::rm::Rm;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::Monitor;
use crate::base::timestamp::parse_span;
use crate::cli::completion::remotes;
use crate::cli::help::examples;
use crate::cli::interrupted;
use crate::cli::option_values::{parse_number, parse_size};
use crate::cli::outcome::Outcome;
use crate::cli::output::{Ui, progress_bar};
use crate::cli::upkeep::follow_links;
use crate::context::Context;
use crate::prune::{Policy, RemovalPlan, Retention};
use crate::settings::{self, Settings};
use crate::workspace::Workspace;

/// Remove old snapshots, and the data that only they needed
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap prune --older-than 30d --dry-run", "Show what would be removed, and why"),
    ("snap prune --keep-last 10 --keep-daily 7", "Keep the 10 newest and one a day"),
]))]
pub(crate) struct Prune {
    /// Remove snapshots older than AGE, such as 7d, 36h or 2w
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    older_than: Option<Duration>,
    /// Keep the N newest, whatever their age
    #[arg(long, value_name = "N", value_parser = parse_number)]
    keep_last: Option<usize>,
    /// Keep the newest of each day, for the last N days with any
    #[arg(long, value_name = "N", value_parser = parse_number)]
    keep_daily: Option<usize>,
    /// Keep the newest of each week, for the last N weeks with any
    #[arg(long, value_name = "N", value_parser = parse_number)]
    keep_weekly: Option<usize>,
    /// Then remove the oldest until all together take at most SIZE on disk, such as 2GiB or 500M
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_size: Option<u64>,
    /// Prune the snapshots that you pushed to a git remote instead of those here
    #[arg(long, value_name = "REMOTE", conflicts_with = "max_size", add = remotes())]
    remote: Option<String>,
    /// Delete for good, not by way of the trash, and empty the trash; alone, only that
    #[arg(long, conflicts_with = "remote")]
    now: bool,
    /// Only show what would be removed, and why
    #[arg(long)]
    dry_run: bool,
    /// Never prompt, however many are removed
    #[arg(long, visible_alias = "yes", overrides_with = "no_input")]
    no_input: bool,
}

fn judged(plan: &RemovalPlan) -> Vec<Judged> {
    plan.judged().map(|(called, id, verdict)| Judged::of(called, id, verdict)).collect()
}

impl Prune {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let retention = Retention::of(&context.settings);
        let mut policy = Policy {
            retention,
            older_than: self.older_than,
            keep_last: self.keep_last,
            keep_daily: self.keep_daily,
            keep_weekly: self.keep_weekly,
            max_size: self.max_size,
        };
        if policy.is_empty() && !self.now {
            policy = usual(&context.settings, retention);
        }
        if policy.is_empty() && !self.now {
            let needs = Error::new(Kind::Usage, "`snap prune` needs to know what to keep");
            if self.remote.is_some() {
                return Err(needs.hint(
                    "say `--older-than 7d`, `--keep-last 10`, `--keep-daily 7` or `--keep-weekly 4`, or several",
                ));
            }
            return Err(needs.hint(
                "say `--older-than 7d`, `--keep-last 10`, `--keep-daily 7`, `--keep-weekly 4`, `--max-size 2GiB`, or several, or put them into your settings (`snap config`); `--now` alone empties the trash",
            ));
        }
        if let Some(remote) = &self.remote {
            return remote::prune_remote(context, workspace, ui, remote, policy, &self);
        }
        let store = &workspace.store;
        let make = || {
            let plan = if policy.is_empty() {
                RemovalPlan::of_nothing(workspace)
            } else {
                RemovalPlan::by_policy(context, workspace, policy)
            };
            plan.map(|plan| plan.at_once(self.now))
        };
        let mut agreed = None;
        let mut agreed_trash = None;
        if !self.dry_run && !self.no_input {
            agreed = ask(&judged(&make()?), MOST_UNASKED, ui)?;
            if self.now {
                agreed_trash = ask_for_trash(&in_trash(store)?, ui)?;
            }
        }
        // The plan holds good as long as the lock.
        let lock =
            if store.root().exists() && !self.dry_run { Some(store.lock_for_deleting()?) } else { None };
        let plan = make()?;
        let mut report = PruneReport::new(self.dry_run, judged(&plan));
        still_agreed(agreed.as_ref(), &report.snapshots)?;
        report.only_trash = policy.is_empty();
        if self.now {
            report.trash = Some(in_trash(store)?);
            still_agreed_on_trash(agreed_trash.as_ref(), report.trash.iter().flatten())?;
        }
        report.list(ui)?;
        let mut lines = line_names(store);
        if self.now && self.dry_run {
            let goes = |id: &SnapshotId| {
                let trashed = report.trash.iter().flatten().any(|one| one.id.as_ref() == Some(id));
                trashed || plan.removed().any(|(_, removed)| removed == id)
            };
            let states = store.line_states();
            lines = states
                .names()
                .into_iter()
                .filter(|(_, id)| goes(id))
                .map(|(name, _)| name.to_owned())
                .collect();
        }
        let mut warnings = plan.warnings();
        let mut done = None;
        let freed = match &lock {
            Some(lock) => {
                let monitor = Monitor::default();
                interrupted::says(interrupted::IN_PART);
                let carry_out = || plan.carry_out(context, workspace, lock, &monitor);
                let removed = progress_bar::show(ui.talks(), &monitor, carry_out)?;
                done.insert(removed).freed.clone()
            }
            None => plan.would_free(context, workspace)?,
        };
        let removed = lock.is_some();
        drop(lock);
        if removed {
            follow_links(workspace, ui);
        }
        match &done {
            Some(done) => report.is_partial = tell_left(context, workspace, ui, done, self.now),
            None => warnings.extend(freed.blocked.iter().cloned()),
        }
        warnings.iter().for_each(|warning| ui.warn(&warning.to_string()));
        report.freed = Some(Freed::of(freed));
        if removed {
            let left = line_names(store);
            lines.retain(|name| !left.contains(name));
        }
        let batch = done.as_ref().and_then(|done| done.batch.as_ref());
        let tell_more = |ui: &mut Ui| {
            tell_way_back(workspace, batch, ui);
            if removed || self.now {
                tell_nameless(&lines, self.dry_run, ui);
            }
        };
        report.finish(ui, context.now, tell_more)
    }
}

/// Returns the rules that the user's settings have for when none is given.
/// Reads an age. None at all would be every snapshot, the newest too.
fn parse_age(text: &str) -> std::result::Result<Duration, String> {
    match parse_span(text)? {
        Duration::ZERO => {
            Err("every snapshot is older than that; `--keep-last 0` removes all, and says so".to_owned())
        }
        age => Ok(age),
    }
}

fn usual(settings: &Settings, retention: Retention) -> Policy {
    Policy {
        retention,
        older_than: settings.span(settings::OLDER_THAN),
        keep_last: settings.count(settings::KEEP_LAST),
        keep_daily: settings.count(settings::KEEP_DAILY),
        keep_weekly: settings.count(settings::KEEP_WEEKLY),
        max_size: settings.size(settings::MAX_SIZE),
    }
}
