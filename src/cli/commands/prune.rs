//! `snap prune` and `snap rm`.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::base::columns::{padded, wide};
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::Monitor;
use crate::base::screen::Line;
use crate::base::timestamp::{Timestamp, age, parse_span};
use crate::cli::completion::snapshots;
use crate::cli::help::examples;
use crate::cli::option_values::{parse_number, parse_size};
use crate::cli::outcome::Outcome;
use crate::cli::output::words::{count, size_text};
use crate::cli::output::{Report, Style, Ui, progress_bar, text};
use crate::cli::remotes::{Transfer, TransferReport, finish, with_remote};
use crate::cli::upkeep::follow_links;
use crate::context::Context;
use crate::prune::{Policy, RemovalPlan, Retention, Verdict};
use crate::settings::{self, Settings};
use crate::store::{Sweep, YoungObjects};
use crate::transfer::{ListedSnapshot, TransferOutcome};
use crate::workspace::Workspace;

/// Remove old snapshots, and the data that only they needed
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap prune --older-than 30d --dry-run", "Show what would be removed, and why"),
    ("snap prune --keep-last 10 --keep-daily 7", "Keep the 10 newest and one a day"),
]))]
pub(crate) struct Prune {
    /// Remove snapshots older than AGE, such as 7d, 36h or 2w
    #[arg(long, value_name = "AGE", value_parser = parse_span)]
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
    #[arg(long, value_name = "REMOTE", conflicts_with = "max_size")]
    remote: Option<String>,
    /// Delete for good, not by way of the trash, and empty the trash; alone, only that
    #[arg(long, conflicts_with = "remote")]
    now: bool,
    /// Only show what would be removed, and why
    #[arg(long)]
    dry_run: bool,
    /// Never prompt, however many are removed
    #[arg(long, alias = "yes")]
    no_input: bool,
}

/// Remove snapshots by name
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap rm before-refactor", "Remove that one"),
    ("snap rm", "Choose one, and remove it"),
]))]
pub(crate) struct Rm {
    /// Remove them from a git remote instead of from here
    #[arg(long, value_name = "REMOTE")]
    remote: Option<String>,
    /// The snapshots to remove; without any, you choose one from a list on a terminal
    #[arg(value_name = "REF", add = snapshots())]
    references: Vec<String>,
    /// Delete for good, not by way of the trash: for a secret in it
    #[arg(long, conflicts_with = "remote")]
    now: bool,
    /// Prompt even for one
    #[arg(long, hide = true)]
    ask: bool,
    /// Never prompt, however many are removed
    #[arg(long, alias = "yes")]
    no_input: bool,
}

/// How what was removed comes back.
const BACK: &str = "`snap undo` brings back what was removed, for a day.";

/// Up to so many are removed without a question.
const MOST_UNASKED: usize = 5;

/// Names that are longer stand out of their column.
const LONGEST_NAME: usize = 40;

/// Asks before more than `most` snapshots are removed; nobody is kept from working while somebody thinks about it. Returns
/// those that were agreed to, if it was asked.
///
/// # Errors
/// [`Kind::Refused`] if the answer is no.
fn ask(all: &[Judged], most: usize, ui: &mut Ui) -> Result<Option<Vec<SnapshotId>>> {
    let removed: Vec<&Judged> = all.iter().filter(|one| !one.keep).collect();
    if removed.len() <= most || ui.json() || !ui.is_terminal() {
        return Ok(None);
    }
    for one in &removed {
        ui.line(text![Style::Bad.of("remove"), "  ", Line(&one.name), "  ", Style::Faint.of(&one.reason)])?;
    }
    let question = match removed.len() {
        1 => "Remove it?".to_owned(),
        many => format!("Remove these {}?", count(many, "snapshot")),
    };
    if ui.ask(&question)? {
        return Ok(Some(removed.into_iter().map(|one| one.id.clone()).collect()));
    }
    Err(Error::new(Kind::Refused, "Nothing was removed").because("the answer was no"))
}

/// Makes sure that nothing is removed that was not agreed to: a snapshot may have come while the question was open.
///
/// # Errors
/// [`Kind::Conflict`] if there is something else to remove.
fn still_agreed(agreed: Option<&Vec<SnapshotId>>, all: &[Judged]) -> Result<()> {
    let is_new = |one: &Judged| !one.keep && agreed.is_some_and(|agreed| !agreed.contains(&one.id));
    if all.iter().any(is_new) {
        return Err(Error::new(Kind::Conflict, "Nothing was removed")
            .because("the snapshots have changed since you were asked")
            .hint("run the command again"));
    }
    Ok(())
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
            return Err(Error::new(Kind::Usage, "`snap prune` needs to know what to keep").hint(
                "say `--older-than 7d`, `--keep-last 10`, `--keep-daily 7`, `--keep-weekly 4`, `--max-size 2GiB`, or several, or put them into your settings (`snap config`); `--now` alone empties the trash",
            ));
        }
        if let Some(remote) = &self.remote {
            return prune_remote(context, workspace, ui, remote, policy, self.dry_run);
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
        if !self.dry_run && !self.no_input {
            agreed = ask(&judged(&make()?), MOST_UNASKED, ui)?;
        }
        // The plan holds good as long as the lock.
        let lock =
            if store.root().exists() && !self.dry_run { Some(store.lock_for_deleting()?) } else { None };
        let plan = make()?;
        let mut report = PruneReport::new(self.dry_run, judged(&plan));
        still_agreed(agreed.as_ref(), &report.snapshots)?;
        (report.only_trash, report.for_good) = (policy.is_empty(), self.now);
        report.list(ui)?;
        let mut warnings = plan.warnings();
        let freed = match &lock {
            Some(lock) => {
                let monitor = Monitor::default();
                let carry_out = || plan.carry_out(context, workspace, lock, &monitor);
                let removed = progress_bar::show(ui.talks(), &monitor, carry_out)?;
                warnings.extend(removed.warnings);
                removed.freed
            }
            None => plan.would_free(context, workspace)?,
        };
        let removed = lock.is_some();
        drop(lock);
        if removed {
            follow_links(workspace, ui);
        }
        warnings.iter().for_each(|warning| ui.warn(&warning.to_string()));
        report.freed = Some(Freed::of(freed));
        report.finish(ui, context.now)
    }
}

/// Returns the rules that the user's settings have for when none is given.
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

/// What is freed at once, and what later.
#[derive(Serialize)]
struct Freed {
    objects: u64,
    bytes: u64,
    later: Later,
    /// What only the trash needs.
    trash: Later,
}

#[derive(Serialize)]
struct Later {
    objects: u64,
    bytes: u64,
    after: Option<Timestamp>,
}

impl Freed {
    fn of(sweep: Sweep) -> Freed {
        let later =
            |what: YoungObjects| Later { objects: what.objects, bytes: what.bytes, after: what.until };
        Freed {
            objects: sweep.objects,
            bytes: sweep.bytes,
            later: later(sweep.waiting),
            trash: later(sweep.trash),
        }
    }

    /// Says what is freed now, and what will be freed later and when. The promised space has to come.
    fn tell(&self, ui: &mut Ui, dry_run: bool, now: Timestamp) {
        let objects = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX), "object");
        let (size, number) = (size_text(self.bytes), objects(self.objects));
        match (dry_run, self.objects) {
            (false, 0) => {}
            (true, 0) => ui.say("Would free no space at once."),
            (false, _) => ui.say(&format!("Freed {size} in {number} that nothing needed any more.")),
            (true, _) => ui.say(&format!("Would free {size} in {number} that nothing would need any more.")),
        }
        if self.trash.objects > 0 {
            let (size, number) = (size_text(self.trash.bytes), objects(self.trash.objects));
            let keeps = if dry_run { "would keep" } else { "keeps" };
            ui.say(&format!(
                "The trash {keeps} {size} in {number} for a day; then the next `snap prune` or `rm` frees them (at once: `snap prune --now`)."
            ));
        }
        if let Some(after) = self.later.after.filter(|_| self.later.objects > 0) {
            let (need, stay) = if dry_run { ("would need", "would stay") } else { ("needs", "stay") };
            ui.say(&format!(
                "{} in {} that nothing {need} any more {stay}: they are younger than a day. The first `snap prune` or `rm` after that (all of it in {}) frees them.",
                size_text(self.later.bytes),
                objects(self.later.objects),
                age(after.since(now)),
            ));
        }
    }
}

/// A snapshot, and what becomes of it.
#[derive(Serialize)]
struct Judged {
    name: String,
    id: SnapshotId,
    keep: bool,
    reason: String,
    /// Set on a remote only: why it could not be removed.
    #[serde(flatten)]
    on_remote: Option<OnRemote>,
}

#[derive(Serialize)]
struct OnRemote {
    error: Option<String>,
}

impl Judged {
    fn of(name: &str, id: &SnapshotId, verdict: &Verdict) -> Judged {
        let (keep, reason) = (verdict.keep, verdict.reason.clone());
        Judged { name: name.to_owned(), id: id.clone(), keep, reason, on_remote: None }
    }
}

/// What `snap prune` does.
#[derive(Serialize)]
struct PruneReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<String>,
    dry_run: bool,
    snapshots: Vec<Judged>,
    #[serde(skip_serializing_if = "Option::is_none")]
    freed: Option<Freed>,
    /// How many on a remote are somebody else's.
    #[serde(skip_serializing_if = "Option::is_none")]
    of_others: Option<usize>,
    /// Whether nothing else was asked for than to empty the trash.
    #[serde(skip)]
    only_trash: bool,
    /// Whether nothing goes by way of the trash.
    #[serde(skip)]
    for_good: bool,
}

impl PruneReport {
    fn new(dry_run: bool, snapshots: Vec<Judged>) -> PruneReport {
        PruneReport {
            remote: None,
            dry_run,
            snapshots,
            freed: None,
            of_others: None,
            only_trash: false,
            for_good: false,
        }
    }

    /// Lists what becomes of each snapshot, and why, before anything is done.
    fn list(&self, ui: &mut Ui) -> Result<()> {
        if ui.json() || self.only_trash || (ui.is_quiet() && !self.dry_run) {
            return Ok(());
        }
        let longest = self.snapshots.iter().map(|one| wide(&one.name)).max().unwrap_or(0).min(LONGEST_NAME);
        for one in &self.snapshots {
            let word = if one.keep { Style::Faint.of("keep  ") } else { Style::Bad.of("remove") };
            let name = padded(&Line(&one.name).to_string(), longest);
            ui.line(text![word, "  ", name, "  ", Style::Faint.of(&one.reason)])?;
        }
        Ok(())
    }

    /// Prints the result.
    fn finish(&self, ui: &mut Ui, now: Timestamp) -> Result<Outcome> {
        ui.report(self)?;
        if let Some(freed) = self.freed.as_ref().filter(|_| !ui.json()) {
            freed.tell(ui, self.dry_run, now);
        }
        Ok(Outcome::Done)
    }
}

impl Report for PruneReport {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        if self.only_trash {
            ui.say(if self.dry_run { "Would empty the trash." } else { "The trash is empty." });
            return Ok(());
        }
        let removed = self.snapshots.iter().filter(|one| !one.keep).count();
        let did = if self.dry_run { "Would remove" } else { "Removed" };
        ui.say(&format!("{did} {removed} of {}.", count(self.snapshots.len(), "snapshot")));
        if removed > 0 && !self.dry_run && !self.for_good && self.remote.is_none() {
            ui.say(BACK);
        }
        if let (Some(others), Some(remote)) = (self.of_others.filter(|others| *others > 0), &self.remote) {
            ui.say(&format!("{} of others on {remote} left alone.", count(others, "snapshot")));
        }
        Ok(())
    }
}

/// What `snap rm` removed.
#[derive(Serialize)]
struct Removed {
    removed: Vec<String>,
    /// Whether they are not in the trash.
    for_good: bool,
    freed: Freed,
}

impl Report for Removed {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let how = if self.for_good { " for good" } else { "" };
        self.removed.iter().for_each(|name| ui.say(&format!("Removed \"{name}\"{how}.")));
        if !self.for_good {
            ui.say(BACK);
        }
        Ok(())
    }
}

impl Rm {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if self.references.is_empty() {
            return Err(Error::new(Kind::Usage, "`snap rm` needs to know which snapshots to remove")
                .hint("`snap list` lists them"));
        }
        if let Some(remote) = &self.remote {
            return remove_from_remote(context, workspace, ui, remote, &self.references);
        }
        let mut agreed = None;
        let most = if self.ask { 0 } else { MOST_UNASKED };
        if self.references.len() > most && !self.no_input {
            let plan = RemovalPlan::by_name(workspace, &self.references)?;
            agreed = ask(&judged(&plan), most, ui)?;
        }
        let lock = workspace.store.lock_for_deleting()?;
        let plan = RemovalPlan::by_name(workspace, &self.references)?.at_once(self.now);
        still_agreed(agreed.as_ref(), &judged(&plan))?;
        let names = plan.names();
        let monitor = Monitor::default();
        let carry_out = || plan.carry_out(context, workspace, &lock, &monitor);
        let done = progress_bar::show(ui.talks(), &monitor, carry_out)?;
        drop(lock);
        follow_links(workspace, ui);
        done.warnings.iter().for_each(|warning| ui.warn(&warning.to_string()));
        let report = Removed { removed: names, for_good: self.now, freed: Freed::of(done.freed) };
        ui.report(&report)?;
        if !ui.json() {
            report.freed.tell(ui, false, context.now);
        }
        Ok(Outcome::Done)
    }
}

/// `snap prune --remote`.
fn prune_remote(
    context: &Context,
    workspace: &Workspace,
    ui: &mut Ui,
    remote: &str,
    policy: Policy,
    dry_run: bool,
) -> Result<Outcome> {
    let (shown, (judged, handed)) = with_remote(context, workspace, ui, remote, |r| {
        let judged = r.judge(policy)?;
        let handed = if dry_run { Vec::new() } else { r.prune(&judged)? };
        Ok((judged, handed))
    })?;
    let failed = |one: &ListedSnapshot| match handed
        .iter()
        .find(|handed| handed.id == one.id)
        .map(|handed| &handed.fate)
    {
        Some(TransferOutcome::Failed(error)) => Some(error.to_string()),
        _ => None,
    };
    let all = judged.own.iter().map(|(one, verdict)| Judged {
        on_remote: Some(OnRemote { error: failed(one) }),
        ..Judged::of(&one.name, &one.id, verdict)
    });
    let all: Vec<Judged> = all.collect();
    let report =
        PruneReport { remote: Some(shown), of_others: Some(judged.others), ..PruneReport::new(dry_run, all) };
    report.list(ui)?;
    report.finish(ui, context.now)?;
    finish(ui, handed)
}

/// `snap rm --remote`.
fn remove_from_remote(
    context: &Context,
    workspace: &Workspace,
    ui: &mut Ui,
    remote: &str,
    references: &[String],
) -> Result<Outcome> {
    let (shown, handed) = with_remote(context, workspace, ui, remote, |r| r.withdraw(references))?;
    ui.report(&TransferReport::new(Transfer::Remove, &shown, &handed))?;
    ui.warn("whoever fetched it still has it, and the host may keep the objects for a while.");
    finish(ui, handed)
}
