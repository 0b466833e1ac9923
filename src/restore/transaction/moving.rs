//! The files of a restore on their way: new ones staged, old ones moved out, new ones moved in.
//!
//! A file that was read for the plan is not read again: what the system knows of it proves that it is the same. Where that
//! proves nothing, it is read once more.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::{Monitor, Phase};
use crate::base::paths::RepoPath;
use crate::git::FileInPlace;
use crate::restore::files::step::{Step, Work};
use crate::restore::transaction::journal::{READY, RestoreRecord, new_name, old_name};
use crate::restore::transaction::stagings::{OldFile, Stagings};
use crate::sys::parallel::{map_with, processors, wait_for_each};
use crate::sys::signals::Interrupt;
use crate::sys::stat::FileFacts;
use crate::sys::sync::WholeDisk;
use crate::sys::work_tree::{NewFile, Staged, Tree};

/// How many new files are written before they are synced together, if not all are: each is open until then.
const MOST_OPEN: usize = 64;

/// The files of one restore.
pub(in crate::restore) struct Moving<'a> {
    pub(in crate::restore) record: &'a RestoreRecord,
    pub(in crate::restore) steps: &'a [Step],
    /// Whether permissions are set as they are known, whatever the umask here is.
    pub(in crate::restore) exactly: bool,
    /// Folders that stay, even if they are empty then.
    pub(in crate::restore) kept: &'a BTreeSet<RepoPath>,
    pub(in crate::restore) interrupt: &'a Interrupt,
    pub(in crate::restore) monitor: &'a Monitor,
}

/// The state of the staging folders when all files are in their places.
pub(in crate::restore) struct Moved {
    tree: Tree,
    stagings: Stagings,
    /// The disks that are synced as a whole; `None` if each folder is synced by itself.
    disks: Option<Vec<WholeDisk>>,
    /// The old files: the numbers of their moves, and what was known of them when they were looked at.
    out: Vec<(usize, FileFacts)>,
    /// The new files: the numbers of their moves, and what is known of those that nobody has changed, provenly.
    placed: Vec<(usize, Option<FileFacts>)>,
}

/// Returns the steps that change the file, in the order of the moves.
pub(in crate::restore) fn moved(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps.iter().filter(|step| !matches!(step.work, Work::Keep))
}

impl Moving<'_> {
    /// Does all of it.
    pub(in crate::restore) fn carry_out(&self, tree: Tree) -> Result<Moved> {
        let record = self.record;
        let stagings = Stagings::make(&tree, &record.staging(), &record.mounts)?;
        let new = record.moves.iter().filter(|step| step.new.is_some()).count();
        let disks = stagings.whole_disks(new);
        let staged = self.stage(&tree, &stagings, disks.as_deref())?;
        let _moving = self.monitor.begin(Phase::Moving, Some(record.moves.len() as u64));
        stagings.mark(READY)?;
        let out = self.take(&tree, &stagings)?;
        let placed = self.put(&tree, &stagings, &out, &staged)?;
        self.remove_empty(&tree, &out);
        Ok(Moved { tree, stagings, disks, out, placed })
    }

    /// Writes the new files and makes them durable. Returns what the system knows of each that a move brings.
    fn stage(
        &self,
        tree: &Tree,
        stagings: &Stagings,
        disks: Option<&[WholeDisk]>,
    ) -> Result<Vec<Option<FileFacts>>> {
        let all = self.steps.iter().map(Step::bytes_written).sum();
        let _writing = self.monitor.begin(Phase::Writing, Some(all));
        let steps: Vec<(usize, &Step)> = moved(self.steps).enumerate().collect();
        let some = steps.chunks(MOST_OPEN);
        let threads = processors().min(some.len());
        let staged = map_with(
            threads,
            some,
            || (),
            |_, some| {
                let staged = some.iter().map(|(number, step)| self.stage_one(tree, stagings, *number, step));
                let staged = staged.collect::<Result<Vec<_>>>()?;
                let facts = staged.iter().map(|staged| staged.as_ref().map(|staged| staged.facts));
                let facts = facts.collect::<Vec<_>>();
                if disks.is_none() {
                    wait_for_each(staged.into_iter().flatten().collect(), Staged::sync)?;
                }
                Ok(facts)
            },
        );
        let staged: Vec<Vec<Option<FileFacts>>> = staged?;
        sync_disks(disks.unwrap_or_default(), tree)?;
        Ok(staged.into_iter().flatten().collect())
    }

    /// Writes one new file, if the step brings one.
    fn stage_one(
        &self,
        tree: &Tree,
        stagings: &Stagings,
        number: usize,
        step: &Step,
    ) -> Result<Option<Staged>> {
        self.interrupt.check()?;
        let Work::Set { mode, private, permissions, bytes } = &step.work else { return Ok(None) };
        let old = if step.here.is_some() { tree.facts(&step.path)? } else { None };
        let old = old.filter(FileFacts::is_file).map(|facts| facts.permissions());
        let wanted = permissions.map(|permissions| (permissions.bits(), self.exactly));
        let file = NewFile { mode: *mode, private: *private, wanted, old, bytes };
        let tell = &mut |more| self.monitor.add(more);
        tree.stage(stagings.of(&step.path), &new_name(number), &file, tell).map(Some)
    }

    /// Moves the old files out. Each must be what the plan saw.
    fn take(&self, tree: &Tree, stagings: &Stagings) -> Result<Vec<(usize, FileFacts)>> {
        let mut out = Vec::new();
        let moves = self.record.moves.iter().zip(moved(self.steps)).enumerate();
        for (number, (planned, step)) in moves.filter(|(_, (planned, _))| planned.old.is_some()) {
            self.interrupt.check()?;
            let (name, staging) = (old_name(number), stagings.of(&step.path));
            let before = tree.take(&step.path, staging, &name)?;
            let now = staging.facts(&name)?;
            let is_same = |read: FileFacts| before == Some(read) && now.has_content_of(&read);
            let proven = step.read.as_ref().is_some_and(|read| is_same(read.facts));
            if !proven && self.record.version_of(&tree.read_staged(staging, &name)?) != planned.old {
                return Err(changed_meanwhile(&step.path));
            }
            out.push((number, now));
        }
        Ok(out)
    }

    /// Moves the new files in. Returns what is known of those that are surely what was staged.
    fn put(
        &self,
        tree: &Tree,
        stagings: &Stagings,
        out: &[(usize, FileFacts)],
        staged: &[Option<FileFacts>],
    ) -> Result<Vec<(usize, Option<FileFacts>)>> {
        let moves = &self.record.moves;
        let gone: BTreeSet<&RepoPath> = out.iter().map(|(number, _)| &moves[*number].path).collect();
        let mut placed = Vec::new();
        for (number, step) in moves.iter().enumerate().filter(|(_, step)| step.new.is_some()) {
            self.interrupt.check()?;
            // A folder becomes a file: what was in it has been moved out.
            // (Between `a` and what is in it, `a-b` is sorted too.)
            let after = gone.range::<&RepoPath, _>((Bound::Excluded(&step.path), Bound::Unbounded));
            let near = after.take_while(|path| path.as_bytes().starts_with(step.path.as_bytes()));
            for inside in near.filter(|path| path.is_in(&step.path)) {
                tree.prune_folders(inside);
            }
            let now = tree.put(stagings.of(&step.path), &new_name(number), &step.path)?;
            self.monitor.add(1);
            // The disk's clock has moved on between the last write and the renaming. So a later write would show as a later time.
            let is_same = |staged: &FileFacts, now: &FileFacts| {
                now.has_content_of(staged) && now.changed > staged.modified
            };
            let same = staged[number].zip(now).filter(|(staged, now)| is_same(staged, now));
            placed.push((number, same.map(|(_, now)| now)));
        }
        Ok(placed)
    }

    /// Removes the folders that are empty because their files were moved out.
    fn remove_empty(&self, tree: &Tree, out: &[(usize, FileFacts)]) {
        let mut seen: BTreeSet<Option<RepoPath>> = BTreeSet::new();
        let new = self.record.moves.iter().filter(|step| step.new.is_some());
        seen.extend(new.map(|step| step.path.above().last()));
        for path in out.iter().map(|(number, _)| &self.record.moves[*number].path) {
            if seen.insert(path.above().last()) {
                tree.prune_folders_but(path, self.kept);
            }
        }
    }
}

impl Moved {
    /// Makes durable where all files are now, and checks that nobody wrote to an old one since it was looked at. Whoever had
    /// it open may have. Returns what is known of each.
    pub(in crate::restore) fn settle(self, record: &RestoreRecord) -> Result<Vec<OldFile>> {
        match &self.disks {
            Some(disks) => sync_disks(disks, &self.tree)?,
            None => self.tree.sync(record.moves.iter().map(|step| &step.path))?,
        }
        let old = self.out.into_iter().map(|(number, facts)| OldFile {
            path: record.moves[number].path.clone(),
            name: old_name(number),
            facts,
        });
        let old: Vec<OldFile> = old.collect();
        match self.stagings.written_to(&old).first() {
            Some(path) => Err(changed_meanwhile(path)),
            None => Ok(old),
        }
    }

    /// Returns the new files.
    pub(in crate::restore) fn files<'a>(
        &self,
        record: &'a RestoreRecord,
        steps: &'a [Step],
    ) -> Vec<FileInPlace<'a>> {
        let steps: Vec<&Step> = moved(steps).collect();
        let file = |(number, facts): &(usize, Option<FileFacts>)| {
            let (step, version) = (*steps.get(*number)?, record.moves.get(*number)?.new.as_ref()?);
            let Work::Set { bytes, .. } = &step.work else { return None };
            Some(FileInPlace { path: &step.path, version, bytes, facts: *facts })
        };
        self.placed.iter().filter_map(file).collect()
    }
}

fn sync_disks(disks: &[WholeDisk], tree: &Tree) -> Result<()> {
    disks.iter().try_for_each(|disk| disk.sync(tree.path()))
}

fn changed_meanwhile(path: &RepoPath) -> Error {
    Error::new(Kind::Conflict, format!("{path} changed meanwhile"))
        .hint("run the command again; nothing was changed")
}
