//! `snap prune`, `snap rm`, `snap pin`, `snap unpin`.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use clap::Args;
use serde_json::{Value, json};

use super::link::keep_up;
use super::ui::{Style, Ui, text};
use super::{Outcome, count, parse_size, print_json, size_text};
use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;
use crate::base::timestamp::{Timestamp, age, parse_span};
use crate::context::Context;
use crate::manifest::{Manifest, Trigger};
use crate::redaction;
use crate::retention::{self, Candidate, Piece, Policy, Verdict};
use crate::store::{Entry, LogEntry, Operation, Reference, Store, Sweep, Waiting};
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
        if !store.root().exists() {
            return report(ui, &[], Sweep::default(), self.dry_run);
        }
        let lock = if self.dry_run { None } else { Some(store.lock_for_deleting()?) };
        let entries = store.entries()?;
        let damaged = entries.iter().filter(|entry| entry.manifest.is_err());
        let readable: Vec<(&Entry, &Manifest)> =
            entries.iter().filter_map(|entry| Some((entry, entry.readable()?))).collect();
        let candidates: Vec<Candidate> = readable
            .iter()
            .map(|(entry, manifest)| Candidate {
                created_at: entry.dated(manifest),
                pinned: entry.pinned,
                safety: manifest.safety.is_some(),
                automatic: manifest.created_by.trigger == Trigger::Auto,
                own: entry.own,
            })
            .collect();
        let mut verdicts = retention::plan(&candidates, policy, context.now);
        if let Some(limit) = policy.max_size {
            let pieces: Vec<Vec<Piece>> =
                readable.iter().map(|(entry, manifest)| pieces(store, entry, manifest)).collect();
            retention::limit_size(&candidates, &pieces, &mut verdicts, limit, context.now);
        }
        let planned: Vec<(&Manifest, &Verdict)> =
            readable.iter().map(|(_, manifest)| *manifest).zip(&verdicts).collect();
        let mut swept = Sweep::default();
        let kept: BTreeSet<&SnapshotId> =
            planned.iter().filter(|(_, verdict)| verdict.keep).map(|(m, _)| &m.id).collect();
        if let Some(lock) = &lock {
            for ((entry, manifest), verdict) in readable.iter().zip(&verdicts) {
                if !verdict.keep {
                    store.delete(lock, &entry.stem)?;
                    release(workspace, manifest, &kept)?;
                    audit::write(store, &removal(context, workspace, Operation::Prune, manifest));
                }
            }
            swept = store.sweep(lock, SystemTime::now())?;
            redaction::tidy(workspace, SystemTime::now())?;
            workspace.client.forget_journals(SystemTime::now())?;
        }
        drop(lock);
        if !self.dry_run {
            keep_up(workspace, ui);
        }
        for entry in damaged {
            ui.warn(&format!("{} can't be read; it and all objects are kept", Line(&entry.stem)));
        }
        if store.has_manifests_aside()? {
            ui.warn("manifests that were set aside lie in the store's `damaged`; as long as they do, all objects are kept");
        }
        report(ui, &planned, swept, self.dry_run)
    }
}

/// What a snapshot needs on disk: its manifest and its objects.
fn pieces(store: &Store, entry: &Entry, manifest: &Manifest) -> Vec<Piece> {
    let objects = manifest.objects().into_iter();
    let objects = objects.map(|object| (object.object.to_string(), store.stored_size(&object)));
    objects.chain([(format!("{}.json", entry.stem), store.manifest_size(&entry.stem))]).collect()
}

/// The log's line on a snapshot that a person removed; with the root, so that `undo` knows of it.
fn removal(context: &Context, workspace: &Workspace, operation: Operation, manifest: &Manifest) -> LogEntry {
    let root = Some(workspace.root.as_path().into());
    LogEntry { root, ..audit::line(context, operation, Some(manifest)) }
}

/// Lets git collect the base commit again, unless another file that is `kept` holds a snapshot of that id too.
fn release(workspace: &Workspace, manifest: &Manifest, kept: &BTreeSet<&SnapshotId>) -> Result<()> {
    if kept.contains(&manifest.id) {
        return Ok(());
    }
    workspace.repository.as_ref().map_or(Ok(()), |repository| repository.release_commit(&manifest.id))
}

fn report(ui: &mut Ui, planned: &[(&Manifest, &Verdict)], swept: Sweep, dry_run: bool) -> Result<Outcome> {
    if ui.json() {
        let all: Vec<Value> = planned
            .iter()
            .map(|(manifest, verdict)| {
                json!({"name": manifest.name, "id": manifest.id, "keep": verdict.keep, "reason": verdict.reason})
            })
            .collect();
        print_json(ui, &json!({"dry_run": dry_run, "snapshots": all, "freed": freed_json(swept)}))?;
        return Ok(Outcome::Done);
    }
    let verdicts: Vec<(&str, &Verdict)> =
        planned.iter().map(|(manifest, verdict)| (manifest.name.as_str(), *verdict)).collect();
    tell(ui, &verdicts, dry_run)?;
    tell_freed(ui, swept);
    Ok(Outcome::Done)
}

/// Says what was freed, and what will be, and when: space that is promised has to come.
fn tell_freed(ui: &mut Ui, swept: Sweep) {
    let objects = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX), "object");
    if swept.objects > 0 {
        let freed = size_text(swept.bytes);
        ui.say(&format!("Freed {freed} in {} that nothing needed any more.", objects(swept.objects)));
    }
    let Waiting { objects: waiting, bytes, until } = swept.waiting;
    if let Some(until) = until.filter(|_| waiting > 0) {
        let left = until.duration_since(SystemTime::now()).unwrap_or_default();
        ui.say(&format!(
            "{} in {} that nothing needs any more stay: they are younger than a day. The first `snap prune` or `rm` after that (all of it in {}) frees them.",
            size_text(bytes),
            objects(waiting),
            age(left),
        ));
    }
}

fn freed_json(swept: Sweep) -> Value {
    let Waiting { objects, bytes, until } = swept.waiting;
    let until = until.map(Timestamp::from);
    json!({
        "objects": swept.objects,
        "bytes": swept.bytes,
        "later": {"objects": objects, "bytes": bytes, "after": until},
    })
}

/// Says what becomes of each snapshot, and why.
pub(super) fn tell(ui: &mut Ui, planned: &[(&str, &Verdict)], dry_run: bool) -> Result<()> {
    for (name, verdict) in planned {
        let word = match verdict.keep {
            true => Style::Faint.of("keep  "),
            false => Style::Bad.of("remove"),
        };
        ui.line(text![word, "  ", Line(name), "  ", Style::Faint.of(&verdict.reason)])?;
    }
    let removed = planned.iter().filter(|(_, verdict)| !verdict.keep).count();
    let did = if dry_run { "Would remove" } else { "Removed" };
    ui.say(&format!("{did} {} of {}.", removed, count(planned.len(), "snapshot")));
    Ok(())
}

impl Rm {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if let Some(remote) = &self.remote {
            return super::remote::remove(context, workspace, ui, remote, &self.references);
        }
        let store = &workspace.store;
        let lock = store.lock_for_deleting()?;
        // All are found before the first is removed, so that a wrong name removes nothing.
        let find = |reference: &String| match store.find(&Reference::parse(reference)) {
            Err(error) if matches!(error.kind(), Kind::Damaged | Kind::NotFound) => {
                store.find_damaged(reference).ok_or(error)
            }
            other => other,
        };
        let entries: Vec<Entry> = self.references.iter().map(find).collect::<Result<_>>()?;
        if let Some(pinned) = entries.iter().find(|entry| entry.pinned) {
            let name = shown_name(pinned);
            return Err(Error::new(Kind::Refused, format!("{name:?} is pinned; nothing was removed"))
                .hint(format!("`snap unpin {name:?}` lets it go")));
        }
        let mut removed = Vec::new();
        let all = store.entries()?;
        let stays = |entry: &&Entry| !entries.iter().any(|gone| gone.stem == entry.stem);
        let kept = all.iter().filter(stays).filter_map(|entry| Some(&entry.readable()?.id)).collect();
        for entry in &entries {
            if removed.contains(&entry.stem) {
                continue;
            }
            store.delete(&lock, &entry.stem)?;
            removed.push(entry.stem.clone());
            if let Ok(manifest) = &entry.manifest {
                release(workspace, manifest, &kept)?;
                audit::write(store, &removal(context, workspace, Operation::Remove, manifest));
            }
            if !ui.json() {
                ui.say(&format!("Removed {}.", shown_name(entry)));
            }
        }
        let swept = store.sweep(&lock, SystemTime::now())?;
        redaction::tidy(workspace, SystemTime::now())?;
        drop(lock);
        keep_up(workspace, ui);
        if ui.json() {
            let names: Vec<String> = entries.iter().map(shown_name).collect();
            print_json(ui, &json!({"removed": names, "freed": freed_json(swept)}))?;
        } else {
            tell_freed(ui, swept);
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
    let name = shown_name(&entry);
    if ui.json() {
        print_json(ui, &json!({"name": name, "pinned": pinned, "changed": changed}))?;
        return Ok(Outcome::Done);
    }
    let what = if pinned { "pinned: it is kept from pruning" } else { "not pinned" };
    ui.say(&format!("{name} is {}{what}.", if changed { "now " } else { "already " }));
    Ok(Outcome::Done)
}

fn shown_name(entry: &Entry) -> String {
    let name = entry.manifest.as_ref().map_or(entry.stem.as_str(), |manifest| &manifest.name);
    Line(name).to_string()
}
