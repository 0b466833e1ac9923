//! Carries a restore out: all of it, or none, whatever happens on the way.
//!
//! First the journal is made durable. Then new files are written and synced in a staging folder. Every old
//! file is moved there and checked once more (it must be what the plan saw), and the new ones are moved to
//! their places. The session's files and the new index are made beside the old ones. When all of it is
//! durable, one line in the journal decides, and the remaining steps can't fail. A failure before that line
//! is rolled back from the journal, by the same code that rolls back after a crash.

use std::collections::BTreeSet;

use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::{Monitor, Phase};
use crate::base::paths::RepoPath;
use crate::base::warning::Warning;
use crate::git::index::IndexChanges;
use crate::git::{FileInPlace, IndexState, Repository};
use crate::manifest::{Mode, Version};
use crate::restore::files::step::{Step, Work};
use crate::restore::session::Ready;
use crate::restore::session::path_mapping::Relocated;
use crate::restore::transaction::journal::{Kept, Move, RestoreRecord};
use crate::restore::transaction::moving::{Moved, Moving, moved};
use crate::restore::transaction::stagings::{Leftover, OldFile};
use crate::store::{Journal, Store};
use crate::sys::signals::Interrupt;
use crate::sys::work_tree::{Node, ReadFile};

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
    pub(in crate::restore) seen: Option<IndexState>,
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
    /// did, and a staging folder that stays.
    pub(in crate::restore) fn carry_out(
        self,
        store: &Store,
        log: impl FnOnce() -> Result<()>,
    ) -> std::result::Result<(Relocated, Option<Leftover>, Option<Warning>), Failed> {
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
        let done = self.forward(&interrupt).and_then(|done| {
            journal.as_mut().map_or(Ok(()), Journal::decide)?;
            self.record.reveal(self.repository)?;
            interrupt.decided();
            Ok(done)
        });
        let (relocated, old) = match done {
            Ok(done) => done,
            Err(error) => return Err(self.roll_back(journal, error)),
        };
        self.remove_emptied();
        let cleaned = self.record.clean_up(self.repository, &old);
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

    /// Does everything up to the decision. Returns what is known of the old files, too.
    fn forward(&self, interrupt: &Interrupt) -> Result<(Relocated, Vec<OldFile>)> {
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
            let files = moved.iter().flat_map(|moved| moved.files(&self.record, &self.steps));
            lock.prepare(&self.index, &files.chain(self.unmoved()?).collect::<Vec<_>>())?;
        }
        let old = moved.map_or(Ok(Vec::new()), |moved| moved.settle(&self.record))?;
        interrupt.check()?;
        Ok((relocated, old))
    }

    fn move_all(&self, interrupt: &Interrupt) -> Result<Moved> {
        let ReadyRestore { record, steps, exactly, kept, monitor, .. } = self;
        let moving = Moving { record, steps, exactly: *exactly, kept, interrupt, monitor };
        moving.carry_out(record.tree(self.repository)?)
    }

    /// Returns the files that stay while the index changes.
    fn unmoved(&self) -> Result<Vec<FileInPlace<'_>>> {
        let tree = self.record.tree(self.repository)?;
        let mut all = Vec::new();
        for step in self.steps.iter().filter(|step| matches!(step.work, Work::Keep) && step.index.is_some()) {
            let Some(version) = &step.here else { continue };
            let (mut bytes, mut facts) = (&[][..], None);
            if let Some(ReadFile { facts: then, node: Some(node) }) = &step.read
                && let Node::File { bytes: read, .. } = &**node
            {
                bytes = read;
                facts = tree.facts(&step.path)?.filter(|now| now == then);
            }
            all.push(FileInPlace { path: &step.path, version, bytes, facts });
        }
        Ok(all)
    }
}
