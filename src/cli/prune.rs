//! `snap prune`, `snap rm`, `snap pin`, `snap unpin`.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::link::keep_up;
use super::ui::{Style, Ui, text};
use super::{Outcome, count, parse_size, print_json, size_text};
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::base::timestamp::{Timestamp, age, parse_span};
use crate::context::Context;
use crate::manifest::Manifest;
use crate::prune::{self as removal, Policy, Verdict};
use crate::store::{Reference, Sweep, Waiting};
use crate::workspace::Workspace;

/// Remove old snapshots and what only they needed
#[derive(Args)]
pub(super) struct Prune {
    /// Remove snapshots older than this, such as 7d, 36h or 2w
    #[arg(long, value_name = "AGE", value_parser = parse_span)]
    older_than: Option<Duration>,
    /// Keep the N newest, whatever their age
    #[arg(long, value_name = "N")]
    keep_last: Option<usize>,
    /// Keep the newest of each day, for the last N days that have one
    #[arg(long, value_name = "N")]
    keep_daily: Option<usize>,
    /// Keep the newest of each week, for the last N weeks that have one
    #[arg(long, value_name = "N")]
    keep_weekly: Option<usize>,
    /// Then remove the oldest until all together need at most this on disk, such as 2GiB or 500M
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_size: Option<u64>,
    /// Prune what you pushed to a git remote instead; those here stay
    #[arg(long, value_name = "REMOTE", conflicts_with = "max_size")]
    remote: Option<String>,
    /// Show what would be removed, and why, and stop
    #[arg(long)]
    dry_run: bool,
}

/// Remove snapshots by name
#[derive(Args)]
pub(super) struct Rm {
    /// Remove them from a git remote instead; those here stay
    #[arg(long, value_name = "REMOTE")]
    remote: Option<String>,
    /// The snapshots
    #[arg(value_name = "REF", required = true)]
    references: Vec<String>,
}

/// Keep a snapshot from being pruned
#[derive(Args)]
pub(super) struct Pin {
    /// The snapshot
    #[arg(value_name = "REF", default_value = "latest")]
    reference: String,
}

/// Let a snapshot be pruned again
#[derive(Args)]
pub(super) struct Unpin {
    /// The snapshot
    #[arg(value_name = "REF", default_value = "latest")]
    reference: String,
}

impl Prune {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let policy = Policy {
            older_than: self.older_than,
            keep_last: self.keep_last,
            keep_daily: self.keep_daily,
            keep_weekly: self.keep_weekly,
            max_size: self.max_size,
        };
        if policy.is_empty() {
            return Err(Error::new(Kind::Usage, "`snap prune` needs to know what to keep").hint(
                "say `--older-than 7d`, `--keep-last 10`, `--keep-daily 7`, `--keep-weekly 4`, `--max-size 2GiB`, or several",
            ));
        }
        if let Some(remote) = &self.remote {
            return super::remote::prune(context, workspace, ui, remote, policy, self.dry_run);
        }
        let store = &workspace.store;
        // The plan holds good as long as the lock.
        let lock = match self.dry_run || !store.root().exists() {
            true => None,
            false => Some(store.lock_for_deleting()?),
        };
        let plan = removal::Plan::by_policy(context, workspace, policy)?;
        let judged: Vec<(String, Verdict)> =
            plan.judged().map(|(manifest, verdict)| (manifest.name.clone(), verdict.clone())).collect();
        let shown = if ui.json() { Some(as_json(&plan)) } else { None };
        if shown.is_none() {
            lines(ui, judged.iter().map(|(name, verdict)| (name.as_str(), verdict)))?;
        }
        let mut warnings = plan.warnings();
        let freed = match &lock {
            Some(lock) => {
                let removed = plan.carry_out(context, workspace, lock)?;
                warnings.extend(removed.warnings);
                removed.freed
            }
            None => plan.would_free(context, workspace)?,
        };
        let removed = lock.is_some();
        drop(lock);
        if removed {
            keep_up(workspace, ui);
        }
        warnings.iter().for_each(|warning| ui.warn(&warning.to_string()));
        match shown {
            Some(shown) => {
                let dry_run = self.dry_run;
                print_json(ui, &json!({"dry_run": dry_run, "snapshots": shown, "freed": freed_json(freed)}))?;
            }
            None => {
                summary(ui, judged.iter().map(|(_, verdict)| verdict), self.dry_run);
                tell_freed(ui, freed, self.dry_run, context.now);
            }
        }
        Ok(Outcome::Done)
    }
}

fn as_json(plan: &removal::Plan) -> Vec<Value> {
    let one = |(manifest, verdict): (&Manifest, &Verdict)| json!({"name": manifest.name, "id": manifest.id, "keep": verdict.keep, "reason": verdict.reason});
    plan.judged().map(one).collect()
}

/// Says what is freed, and what will be, and when: space that is promised has to come.
fn tell_freed(ui: &mut Ui, freed: Sweep, dry_run: bool, now: Timestamp) {
    let objects = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX), "object");
    let size = size_text(freed.bytes);
    match (dry_run, freed.objects) {
        (false, 0) => {}
        (true, 0) => ui.say("Would free no space at once."),
        (false, number) => {
            ui.say(&format!("Freed {size} in {} that nothing needed any more.", objects(number)));
        }
        (true, number) => {
            ui.say(&format!("Would free {size} in {} that nothing would need any more.", objects(number)));
        }
    }
    let Waiting { objects: waiting, bytes, until } = freed.waiting;
    if let Some(until) = until.filter(|_| waiting > 0) {
        let (need, stay) = if dry_run { ("would need", "would stay") } else { ("needs", "stay") };
        ui.say(&format!(
            "{} in {} that nothing {need} any more {stay}: they are younger than a day. The first `snap prune` or `rm` after that (all of it in {}) frees them.",
            size_text(bytes),
            objects(waiting),
            age(until.since(now)),
        ));
    }
}

fn freed_json(freed: Sweep) -> Value {
    let Waiting { objects, bytes, until } = freed.waiting;
    json!({
        "objects": freed.objects,
        "bytes": freed.bytes,
        "later": {"objects": objects, "bytes": bytes, "after": until},
    })
}

/// Says what becomes of each snapshot, and why; then how many go.
pub(super) fn tell(ui: &mut Ui, planned: &[(&str, &Verdict)], dry_run: bool) -> Result<()> {
    lines(ui, planned.iter().copied())?;
    summary(ui, planned.iter().map(|(_, verdict)| *verdict), dry_run);
    Ok(())
}

fn lines<'a>(ui: &mut Ui, planned: impl Iterator<Item = (&'a str, &'a Verdict)>) -> Result<()> {
    for (name, verdict) in planned {
        let word = if verdict.keep { Style::Faint.of("keep  ") } else { Style::Bad.of("remove") };
        ui.line(text![word, "  ", Line(name), "  ", Style::Faint.of(&verdict.reason)])?;
    }
    Ok(())
}

fn summary<'a>(ui: &mut Ui, verdicts: impl Iterator<Item = &'a Verdict>, dry_run: bool) {
    let verdicts: Vec<&Verdict> = verdicts.collect();
    let removed = verdicts.iter().filter(|verdict| !verdict.keep).count();
    let did = if dry_run { "Would remove" } else { "Removed" };
    ui.say(&format!("{did} {removed} of {}.", count(verdicts.len(), "snapshot")));
}

impl Rm {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if let Some(remote) = &self.remote {
            return super::remote::remove(context, workspace, ui, remote, &self.references);
        }
        let lock = workspace.store.lock_for_deleting()?;
        let plan = removal::Plan::by_name(workspace, &self.references)?;
        let names = plan.names();
        let removed = plan.carry_out(context, workspace, &lock)?;
        drop(lock);
        keep_up(workspace, ui);
        removed.warnings.iter().for_each(|warning| ui.warn(&warning.to_string()));
        if ui.json() {
            print_json(ui, &json!({"removed": names, "freed": freed_json(removed.freed)}))?;
        } else {
            names.iter().for_each(|name| ui.say(&format!("Removed {name}.")));
            tell_freed(ui, removed.freed, false, context.now);
        }
        Ok(Outcome::Done)
    }
}

impl Pin {
    pub(super) fn run(self, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        set_pin(workspace, ui, &self.reference, true)
    }
}

impl Unpin {
    pub(super) fn run(self, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        set_pin(workspace, ui, &self.reference, false)
    }
}

fn set_pin(workspace: &Workspace, ui: &mut Ui, reference: &str, pinned: bool) -> Result<Outcome> {
    let entry = workspace.store.find(&Reference::parse(reference))?;
    let changed = workspace.store.set_pin(&workspace.store.prepare()?, &entry.stem, pinned)?;
    let name = removal::shown_name(&entry);
    if ui.json() {
        print_json(ui, &json!({"name": name, "pinned": pinned, "changed": changed}))?;
        return Ok(Outcome::Done);
    }
    let what = if pinned { "pinned: it is kept from pruning" } else { "not pinned" };
    ui.say(&format!("{name} is {}{what}.", if changed { "now " } else { "already " }));
    Ok(Outcome::Done)
}
