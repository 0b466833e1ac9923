//! What a removal did, as a table, sentences and JSON.

use serde::Serialize;

use crate::base::columns::{padded, wide};
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;
use crate::base::timestamp::{Timestamp, age};
use crate::base::warning::Warning;
use crate::cli::outcome::Outcome;
use crate::cli::output::paged::folded;
use crate::cli::output::words::{count, quoted, size_text};
use crate::cli::output::{Report, Style, Text, Ui, text};
use crate::cli::program_name::in_words;
use crate::cli::ways::comes_back;
use crate::context::Context;
use crate::prune::{Removed, Verdict};
use crate::restore;
use crate::space;
use crate::store::{Store, Sweep, YoungObjects};
use crate::transfer::{forget_names, forget_rescued, rescued_folder};
use crate::workspace::Workspace;

/// Names that are longer stand out of their column.
const LONGEST_NAME: usize = 40;

/// The most snapshots that are named in one line.
const MOST_NAMED: usize = 5;

/// A snapshot in the trash.
#[derive(Serialize)]
pub(super) struct Trashed {
    pub(super) name: String,
    /// Absent for one that can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<SnapshotId>,
}

pub(super) fn in_trash(store: &Store) -> Result<Vec<Trashed>> {
    Ok(store.all_in_trash()?.into_iter().map(|one| Trashed { name: one.name, id: one.id }).collect())
}

/// Says how what was removed comes back, and promises nothing else.
pub(super) fn tell_way_back(workspace: &Workspace, batch: Option<&SnapshotId>, ui: &mut Ui) {
    let Some(batch) = batch.filter(|_| !ui.json()) else { return };
    match restore::way_back(workspace, batch).ok().flatten() {
        Some(back) => ui.say(&format!("{}, for a day.", comes_back(&back))),
        None => ui.say("What was removed is in the trash for a day; `snap undo` does not bring it back."),
    }
}

/// What is freed at once, and what later.
#[derive(Serialize)]
pub(super) struct Freed {
    objects: u64,
    bytes: u64,
    later: Later,
    /// What only the trash needs.
    trash: Later,
    /// Why no object was removed.
    blocked: Vec<Warning>,
}

#[derive(Serialize)]
pub(super) struct Later {
    objects: u64,
    bytes: u64,
    after: Option<Timestamp>,
}

/// Says what is left of snapshots that are gone, and where else there is something of them. Returns whether the removal did
/// less than it was asked for.
pub(super) fn tell_left(
    context: &Context,
    workspace: &Workspace,
    ui: &mut Ui,
    done: &Removed,
    now: bool,
) -> bool {
    let shared_is_left = now && !done.gone.is_empty() && forget_shared(context, workspace, ui);
    let rescued = if now { forget_rescued(context, &done.gone) } else { Ok((0, 0)) };
    done.warnings.iter().chain(&done.left).for_each(|warning| ui.warn(&warning.to_string()));
    done.freed.blocked.iter().for_each(|warning| ui.warn(&warning.to_string()));
    let folder = Line(&rescued_folder(context).to_string_lossy()).to_string();
    let is_left = match rescued {
        Ok((removed, left)) => {
            if removed > 0 {
                ui.say(&format!(
                    "Deleted {} outside of the store too, in {folder}.",
                    count(removed, "rescued snapshot")
                ));
            }
            if left > 0 {
                let kept = count(left, "rescued snapshot");
                ui.say(&format!(
                    "{folder} keeps {kept} of other states, of all your projects, which a hook put there before steps that remove a \
                     store. They are files for `snap import`; what you don't need, delete there."
                ));
            }
            false
        }
        Err(error) => {
            ui.warn(&format!("a rescued copy of what was removed may still be in {folder}: {error}"));
            true
        }
    };
    if !done.also_in.is_empty() {
        let shown: Vec<String> =
            done.also_in.iter().take(MOST_NAMED).map(|name| Line(name).to_string()).collect();
        let more = done.also_in.len().saturating_sub(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        // The command names all: one that leaves some would be run again and again.
        let command: Vec<String> = done.also_in.iter().map(|name| quoted(&Line(name).to_string())).collect();
        let (those, they) =
            if command.len() == 1 { ("that snapshot", "it holds") } else { ("those snapshots", "they hold") };
        let is_all = workspace.store.known().is_ok_and(|known| known.len() == command.len());
        let those = if is_all && command.len() > 1 { "every snapshot that is left" } else { those };
        ui.warn(&format!(
            "something of it is also in {}{more}: the same version of a file, or its name. If that must not stay on this disk: \
             `snap rm --now {}` removes {those} for good, with all {they}",
            shown.join(", "),
            command.join(" "),
        ));
    }
    is_left || shared_is_left || !done.left.is_empty() || now && !done.freed.blocked.is_empty()
}

/// Says which lines of work have no name any more, or would have none: the snapshots that they began with are gone for good.
pub(super) fn tell_nameless(lines: &[String], dry_run: bool, ui: &mut Ui) {
    if ui.json() {
        return;
    }
    let (did, is) = if dry_run { ("Would take", "would be") } else { ("Took", "is") };
    let names = lines.iter().map(|name| format!("\"{}\"", Line(name))).collect::<Vec<_>>().join(", ");
    match lines.len() {
        0 => {}
        1 => ui.say(&format!(
            "{did} away the name of the line {names}: what it begins with {is} gone for good."
        )),
        _ => ui.say(&format!(
            "{did} away the names of the lines {names}: what they begin with {is} gone for good."
        )),
    }
}

/// Returns the names of the lines of work here.
pub(super) fn line_names(store: &Store) -> Vec<String> {
    store.line_states().names().into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// Has what is kept of a shared project forget what was pushed before; returns whether that failed.
fn forget_shared(context: &Context, workspace: &Workspace, ui: &mut Ui) -> bool {
    let kept = || {
        forget_names(context)?;
        space::forget_kept(context, &space::home_of(workspace)?)
    };
    match kept() {
        Ok(None) => false,
        Ok(Some(joined)) => {
            ui.warn(&format!(
                "{} still has what was pushed last, and `snap rm` does not reach it: `snap sync --now` replaces the heads there, \
                 `snap sync --withdraw` takes them back",
                Line(&joined.remote)
            ));
            false
        }
        Err(error) => {
            ui.warn(&format!("what was removed may still be in what is kept for sharing: {error}"));
            true
        }
    }
}

impl Freed {
    pub(super) fn of(sweep: Sweep) -> Freed {
        let later =
            |what: YoungObjects| Later { objects: what.objects, bytes: what.bytes, after: what.until };
        Freed {
            objects: sweep.objects,
            bytes: sweep.bytes,
            later: later(sweep.waiting),
            trash: later(sweep.trash),
            blocked: sweep.blocked,
        }
    }

    /// Says what is freed now, and what will be freed later and when. The promised space has to come.
    pub(super) fn tell(&self, ui: &mut Ui, dry_run: bool, now: Timestamp) {
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
pub(super) struct Judged {
    pub(super) name: String,
    pub(super) id: SnapshotId,
    pub(super) keep: bool,
    pub(super) reason: String,
    /// Set on a remote only: why it could not be removed.
    #[serde(flatten)]
    pub(super) on_remote: Option<OnRemote>,
}

#[derive(Serialize)]
pub(super) struct OnRemote {
    pub(super) error: Option<String>,
}

impl Judged {
    pub(super) fn of(name: &str, id: &SnapshotId, verdict: &Verdict) -> Judged {
        let (keep, reason) = (verdict.keep, verdict.reason.clone());
        Judged { name: name.to_owned(), id: id.clone(), keep, reason, on_remote: None }
    }
}

/// What `snap prune` does.
#[derive(Serialize)]
pub(super) struct PruneReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remote: Option<String>,
    pub(super) dry_run: bool,
    pub(super) snapshots: Vec<Judged>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) freed: Option<Freed>,
    /// With `--now`: what is deleted from the trash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trash: Option<Vec<Trashed>>,
    /// How many on a remote are somebody else's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) of_others: Option<usize>,
    /// Whether nothing else was asked for than to empty the trash.
    #[serde(skip)]
    pub(super) only_trash: bool,
    /// Whether something is left that was to go.
    #[serde(skip)]
    pub(super) is_partial: bool,
}

impl PruneReport {
    pub(super) fn new(dry_run: bool, snapshots: Vec<Judged>) -> PruneReport {
        PruneReport {
            remote: None,
            dry_run,
            snapshots,
            freed: None,
            trash: None,
            of_others: None,
            only_trash: false,
            is_partial: false,
        }
    }

    /// Lists what becomes of each snapshot, and why, before anything is done; in a pipe, with tabs between the three.
    pub(super) fn list(&self, ui: &mut Ui) -> Result<()> {
        if ui.json() || self.only_trash || (ui.is_quiet() && !self.dry_run) {
            return Ok(());
        }
        if !ui.shows_on_terminal() {
            for one in &self.snapshots {
                let word = if one.keep { "keep" } else { "remove" };
                let reason = in_words(&one.reason);
                ui.line(text![word, Text::tab(), Line(&one.name), Text::tab(), reason])?;
            }
            return Ok(());
        }
        let is_for_undo = |one: &&Judged| one.keep && one.reason.starts_with("made for `snap undo`");
        let for_undo: Vec<&Judged> = self.snapshots.iter().filter(is_for_undo).collect();
        let number = count(for_undo.len(), "safety snapshot");
        let shown: Vec<&Judged> =
            self.snapshots.iter().filter(|one| for_undo.len() < 2 || !is_for_undo(one)).collect();
        let names = shown.iter().map(|one| wide(&one.name));
        let names = names.chain((for_undo.len() >= 2).then(|| wide(&number)));
        let longest = names.max().unwrap_or(0).min(LONGEST_NAME);
        for one in shown {
            let word = if one.keep { Style::Faint.of("keep  ") } else { Style::Bad.of("remove") };
            let name = padded(&Line(&one.name).to_string(), longest);
            let reason = Style::Faint.of(in_words(&one.reason));
            folded(ui, &text![word, "  ", name, "  ", reason], 8)?;
        }
        if let [one, _, ..] = for_undo.as_slice() {
            let number = padded(&number, longest);
            folded(ui, &text![Style::Faint.of("keep    "), number, "  ", Style::Faint.of(&one.reason)], 8)?;
        }
        Ok(())
    }

    /// Prints the result.
    pub(super) fn finish(
        &self,
        ui: &mut Ui,
        now: Timestamp,
        tell_more: impl FnOnce(&mut Ui),
    ) -> Result<Outcome> {
        ui.report(self)?;
        tell_more(ui);
        if let Some(freed) = self.freed.as_ref().filter(|_| !ui.json()) {
            freed.tell(ui, self.dry_run, now);
        }
        Ok(Outcome::partial_if(self.is_partial))
    }
}

impl Report for PruneReport {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let trashed = self.trash.as_ref().map_or(0, Vec::len);
        if self.only_trash && trashed == 0 {
            ui.say("The trash is empty: there is nothing to delete.");
            return Ok(());
        }
        if trashed > 0 {
            let did = if self.dry_run { "Would delete" } else { "Deleted" };
            let how = if self.is_partial { "" } else { " for good" };
            ui.say(&format!("{did} {} in the trash{how}.", count(trashed, "snapshot")));
        }
        if self.only_trash {
            return Ok(());
        }
        let removed = self.snapshots.iter().filter(|one| !one.keep).count();
        let did = if self.dry_run { "Would remove" } else { "Removed" };
        ui.say(&format!("{did} {removed} of {}.", count(self.snapshots.len(), "snapshot")));
        if let (Some(others), Some(remote)) = (self.of_others.filter(|others| *others > 0), &self.remote) {
            ui.say(&format!("{} of others on {remote} left alone.", count(others, "snapshot")));
        }
        Ok(())
    }
}
