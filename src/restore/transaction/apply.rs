//! Carries a restore out: all of it, or none, whatever happens on the way.
//!
//! First the journal is made durable. Then new files are written and synced in a staging folder. Every old
//! file is moved there and checked once more (it must be what the plan saw), and the new ones are moved to
//! their places. The session's files and the new index are made beside the old ones. When all of it is
//! durable, one line in the journal decides, and the remaining steps can't fail. A failure before that line
//! is rolled back from the journal, by the same code that rolls back after a crash.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::PathBuf;

use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::{Monitor, Phase};
use crate::base::paths::RepoPath;
use crate::base::warning::Warning;
use crate::git::index::IndexChanges;
use crate::git::{Repository, Seen};
use crate::manifest::{Mode, Version};
use crate::restore::files::step::{Step, Work};
use crate::restore::session::Ready;
use crate::restore::session::path_mapping::Relocated;
use crate::restore::transaction::journal::{Kept, Move, READY, RestoreRecord, new_name, old_name};
use crate::restore::transaction::stagings::Stagings;
use crate::store::{Journal, Store};
use crate::sys::parallel::wait_for_each;
use crate::sys::signals::Interrupt;
use crate::sys::work_tree::{NewFile, Node, Staged, Stamp, Tree};

/// How many new files are written before they are synced together: each is open until then.
const MOST_OPEN: usize = 128;

/// What a restore does, ready to be done.
pub(in crate::restore) struct ReadyRestore<'a> {
    pub(in crate::restore) record: RestoreRecord,
    pub(in crate::restore) repository: Option<&'a Repository>,
    pub(in crate::restore) steps: Vec<Step>,
    /// Whether permissions are set as they are known, whatever the umask here is.
    pub(in crate::restore) exactly: bool,
    /// Folders that stay, even if they are empty then.
    pub(in crate::restore) kept: BTreeSet<RepoPath>,
    /// Empty folders that are made.
    pub(in crate::restore) folders: Vec<RepoPath>,
    /// Folders that are removed if they are empty then, with those above them.
    pub(in crate::restore) emptied: Vec<RepoPath>,
    pub(in crate::restore) index: IndexChanges,
    pub(in crate::restore) session: Option<Ready<'a>>,
    /// The index as the plan saw it.
    pub(in crate::restore) seen: Option<Seen>,
    pub(in crate::restore) monitor: &'a Monitor,
}

/// Returns the moves that the steps consist of.
pub(in crate::restore) fn moves(steps: &[Step], version_of: impl Fn(Mode, &[u8]) -> Version) -> Vec<Move> {
    let new = |work: &Work| match work {
        Work::Set { mode, bytes, .. } => Some(version_of(*mode, bytes)),
        Work::Keep | Work::Remove => None,
    };
    let moved = moved(steps);
    moved.map(|step| Move { path: step.path.clone(), old: step.here.clone(), new: new(&step.work) }).collect()
}

/// Returns the steps that change the file, in the order of the moves.
fn moved(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps.iter().filter(|step| !matches!(step.work, Work::Keep))
}

/// Returns what the steps change in the index.
pub(in crate::restore) fn index_changes(steps: &[Step]) -> IndexChanges {
    IndexChanges {
        entries: steps.iter().filter_map(|step| Some((step.path.clone(), step.index.clone()?))).collect(),
        marks: steps.iter().filter_map(|step| Some((step.path.clone(), step.mark?))).collect(),
        written: steps.iter().filter(|step| step.keeps_its_entry()).map(|step| step.path.clone()).collect(),
    }
}

/// Why a restore was not done.
pub(in crate::restore) struct Failed {
    pub(in crate::restore) error: Error,
    /// Whether all is exactly as before: the safety snapshot is of no use.
    pub(in crate::restore) as_before: bool,
}

impl ReadyRestore<'_> {
    /// Carries it out; `log` records it once it is decided. Returns what rewriting the session's paths
    /// did, and a staging folder that could not be removed.
    pub(in crate::restore) fn carry_out(
        self,
        store: &Store,
        log: impl FnOnce() -> Result<()>,
    ) -> std::result::Result<(Relocated, Option<PathBuf>, Option<Warning>), Failed> {
        let untouched = |error| Failed { error, as_before: true };
        // Before there is anything to clean up.
        let interrupt = Interrupt::watch().map_err(untouched)?;
        let line = self.record.to_line().map_err(untouched)?;
        let mut journal = match store.begin_journal(&self.record.id, &line) {
            Ok(journal) => Some(journal),
            // A session is brought back from a store that can't be written to as well: no file is at stake.
            Err(_) if self.steps.is_empty() => None,
            Err(error) => return Err(untouched(error)),
        };
        let done = self.forward(&interrupt).and_then(|relocated| {
            journal.as_mut().map_or(Ok(()), Journal::decide)?;
            self.record.reveal(self.repository).map(|()| relocated)
        });
        let relocated = match done {
            Ok(relocated) => relocated,
            Err(error) => return Err(self.roll_back(journal, error)),
        };
        self.remove_emptied();
        let cleaned = self.record.clean_up(self.repository);
        let unlogged = log().err().map(|error| Warning::NotLogged(error.to_string()));
        let cleaned = cleaned.and_then(|leftover| {
            journal.map_or(Ok(()), Journal::close).map(|()| (relocated, leftover, unlogged))
        });
        cleaned.map_err(|error| Failed {
            error: Error::new(error.kind(), "Everything is restored, but cleaning up failed")
                .because(error)
                .hint("the next snap command tries it again"),
            as_before: false,
        })
    }

    /// Removes the empty folders that have to go. If one can't be removed, that is no reason to roll
    /// anything back.
    fn remove_emptied(&self) {
        if self.emptied.is_empty() {
            return;
        }
        let Ok(tree) = self.record.tree(self.repository) else { return };
        for folder in &self.emptied {
            if let Ok(inside) = RepoPath::new([folder.as_bytes(), b"/x"].concat().as_slice()) {
                tree.prune_folders_but(&inside, &self.kept);
            }
        }
    }

    /// Takes everything back, because of an error.
    fn roll_back(&self, mut journal: Option<Journal>, error: Error) -> Failed {
        let retracted = journal.as_mut().map_or(Ok(()), Journal::retract);
        let done = retracted.and_then(|()| self.record.roll_back(self.repository));
        let done = done.and_then(|kept| journal.map_or(Ok(()), Journal::close).map(|()| kept));
        match done {
            Ok(Kept { staging: None, .. }) => Failed { error, as_before: true },
            Ok(Kept { staging: Some(staging), paths }) => {
                let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
                let hint = format!(
                    "everything is as before, except what was changed meanwhile: {}; the files from before \
                     are in {}",
                    paths.join(", "),
                    staging.display()
                );
                Failed { error: error.hint(hint), as_before: false }
            }
            Err(worse) => Failed {
                error: Error::new(Kind::Environment, "The restore failed, and so did rolling it back")
                    .because(format!("{error}; {worse}"))
                    .hint("nothing is lost: the next snap command tries it again"),
                as_before: false,
            },
        }
    }

    /// Does everything up to the decision.
    fn forward(&self, interrupt: &Interrupt) -> Result<Relocated> {
        let lock = self.repository.filter(|_| self.record.index);
        let lock = lock.map(|repository| repository.lock_index(&self.record.id, self.seen.as_ref()));
        let lock = match lock.transpose() {
            // Only what git has noted of the files would change, and git can find that out itself.
            Err(error) if self.index.is_empty() && error.kind() == Kind::Environment => None,
            lock => lock?,
        };
        if let Some(repository) = self.repository {
            let blobs: Vec<_> = self.steps.iter().flat_map(|step| step.blobs.iter().cloned()).collect();
            repository.write_blobs(&blobs)?;
        }
        let moved = if self.record.moves.is_empty() { None } else { Some(self.move_all(interrupt)?) };
        if !self.folders.is_empty() {
            let tree = self.record.tree(self.repository)?;
            // A folder that can't be made is no reason to restore nothing.
            self.folders.iter().for_each(|folder| drop(tree.make_folder(folder)));
        }
        let relocated = match (&self.record.session, &self.session) {
            (Some(placed), Some(session)) => session.place(placed, self.monitor)?,
            _ => Relocated::default(),
        };
        let _phase = self.monitor.begin(Phase::Finishing, None);
        if let Some(lock) = lock {
            lock.prepare(&self.index)?;
        }
        if let Some(moved) = moved {
            moved.tree.sync(self.record.moves.iter().map(|step| &step.path))?;
            // Whoever had an old file open may have written to it after it was looked at.
            for (number, stamp) in moved.out {
                let path = &self.record.moves[number].path;
                if moved.stagings.of(path).stamp(&old_name(number))? != stamp {
                    return Err(changed_meanwhile(path));
                }
            }
        }
        interrupt.check()?;
        Ok(relocated)
    }

    /// Stages the new files, moves the old ones out and the new ones in.
    fn move_all(&self, interrupt: &Interrupt) -> Result<Moved> {
        let record = &self.record;
        let tree = record.tree(self.repository)?;
        let stagings = Stagings::make(&tree, &record.staging(), &record.mounts)?;
        let mut staged = Vec::new();
        let writing = self.monitor.begin(Phase::Writing, Some(self.steps.len() as u64));
        for (number, step) in moved(&self.steps).enumerate() {
            self.monitor.add(1);
            if let Work::Set { mode, private, permissions, bytes } = &step.work {
                interrupt.check()?;
                let old = match tree.read(&step.path)? {
                    Node::File { mode, permissions, .. } if mode != Mode::Link => Some(permissions),
                    _ => None,
                };
                let wanted = permissions.map(|permissions| (permissions.bits(), self.exactly));
                let file = NewFile { mode: *mode, private: *private, wanted, old, bytes };
                staged.extend(tree.stage(stagings.of(&step.path), &new_name(number), &file)?);
                if staged.len() >= MOST_OPEN {
                    wait_for_each(std::mem::take(&mut staged), Staged::sync)?;
                }
            }
        }
        wait_for_each(staged, Staged::sync)?;
        drop(writing);
        let _moving = self.monitor.begin(Phase::Moving, Some(record.moves.len() as u64));
        stagings.mark(READY)?;
        let mut out = Vec::new();
        for (number, step) in record.moves.iter().enumerate().filter(|(_, step)| step.old.is_some()) {
            interrupt.check()?;
            let (name, staging) = (old_name(number), stagings.of(&step.path));
            tree.take(&step.path, staging, &name)?;
            let stamp = staging.stamp(&name)?;
            if record.version_of(&tree.read_staged(staging, &name)?) != step.old {
                return Err(changed_meanwhile(&step.path));
            }
            out.push((number, stamp));
        }
        let gone: BTreeSet<&RepoPath> = out.iter().map(|(number, _)| &record.moves[*number].path).collect();
        for (number, step) in record.moves.iter().enumerate().filter(|(_, step)| step.new.is_some()) {
            interrupt.check()?;
            // A folder becomes a file: what was in it has been moved out.
            // (Between `a` and what is in it, `a-b` is sorted too.)
            let after = gone.range::<&RepoPath, _>((Bound::Excluded(&step.path), Bound::Unbounded));
            let near = after.take_while(|path| path.as_bytes().starts_with(step.path.as_bytes()));
            for inside in near.filter(|path| path.is_in(&step.path)) {
                tree.prune_folders(inside);
            }
            tree.put(stagings.of(&step.path), &new_name(number), &step.path)?;
            self.monitor.add(1);
        }
        for (number, _) in &out {
            tree.prune_folders_but(&record.moves[*number].path, &self.kept);
        }
        Ok(Moved { tree, stagings, out })
    }
}

/// The state of the staging folders when all files are in their places.
struct Moved {
    tree: Tree,
    stagings: Stagings,
    /// The old files: the numbers of their moves, and what they were when they were looked at.
    out: Vec<(usize, Stamp)>,
}

fn changed_meanwhile(path: &RepoPath) -> Error {
    Error::new(Kind::Conflict, format!("{path} changed meanwhile"))
        .hint("run the command again; nothing was changed")
}
