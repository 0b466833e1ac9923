//! The staging folders of one restore: one in the root, and one on each other disk that it touches.

use std::path::PathBuf;

use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::sys::stat::FileFacts;
use crate::sys::sync::WholeDisk;
use crate::sys::work_tree::{Staging, Tree};

/// All of them. The one in the root is made first and removed last.
pub(in crate::restore) struct Stagings {
    root: Staging,
    mounts: Vec<(RepoPath, Staging)>,
}

/// An old file on its way out.
pub(in crate::restore) struct OldFile {
    /// Where it was.
    pub(in crate::restore) path: RepoPath,
    /// Its name in the staging folder.
    pub(in crate::restore) name: String,
    /// What was known of it when it was looked at.
    pub(in crate::restore) facts: FileFacts,
}

/// A staging folder that stays after a restore, with old files.
pub struct Leftover {
    /// The one in the root.
    pub place: PathBuf,
    /// The paths whose old files somebody has written to since they were looked at. If there are none, the folder could not be removed.
    pub written: Vec<RepoPath>,
}

impl Stagings {
    /// Makes those of one name, in the root and on each of the other disks.
    pub(in crate::restore) fn make(tree: &Tree, name: &str, mounts: &[RepoPath]) -> Result<Stagings> {
        let root = tree.make_staging(None, name)?;
        let make = |mount: &RepoPath| Ok((mount.clone(), tree.make_staging(Some(mount), name)?));
        Ok(Stagings { root, mounts: mounts.iter().map(make).collect::<Result<_>>()? })
    }

    /// Opens those that a restore has left; `None` if there is none in the root.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the one in the root has the mark, and a disk is not there now.
    pub(in crate::restore) fn open(
        tree: &Tree,
        name: &str,
        disks: &[RepoPath],
        mark: Option<&str>,
    ) -> Result<Option<Stagings>> {
        let Some(root) = tree.open_staging(None, name)? else { return Ok(None) };
        let marked = mark.map_or(Ok(false), |mark| root.holds(mark))?;
        let mut mounts = Vec::new();
        for mount in disks {
            match tree.open_staging(Some(mount), name)? {
                Some(staging) => mounts.push((mount.clone(), staging)),
                None if marked => {
                    return Err(Error::new(
                        Kind::Environment,
                        format!(
                            "A restore was interrupted, and the disk that was mounted at {mount} is not there"
                        ),
                    )
                    .hint(
                        "mount it again, then run the command again: it finishes the restore or rolls it \
                           back",
                    ));
                }
                None => {}
            }
        }
        Ok(Some(Stagings { root, mounts }))
    }

    /// Returns the one on the same disk as a path.
    pub(in crate::restore) fn of(&self, path: &RepoPath) -> &Staging {
        let near = self.mounts.iter().filter(|(mount, _)| path.is_in(mount));
        near.max_by_key(|(mount, _)| mount.as_bytes().len()).map_or(&self.root, |(_, staging)| staging)
    }

    /// Returns which of these files somebody has written to since they were looked at: who had one open. One that can't be looked at
    /// counts.
    pub(in crate::restore) fn written_to(&self, old: &[OldFile]) -> Vec<RepoPath> {
        let is_same = |one: &&OldFile| {
            self.of(&one.path).facts(&one.name).is_ok_and(|now| now.has_content_of(&one.facts))
        };
        old.iter().filter(|one| !is_same(one)).map(|one| one.path.clone()).collect()
    }

    /// Returns the one in the root, which has the mark.
    pub(in crate::restore) fn root(&self) -> &Staging {
        &self.root
    }

    /// Returns their disks, to make durable at once what is written to this many files and folders there; `None` if that can't
    /// be done on one of them.
    pub(in crate::restore) fn whole_disks(&self, number: usize) -> Option<Vec<WholeDisk>> {
        let all = [&self.root].into_iter().chain(self.mounts.iter().map(|(_, staging)| staging));
        all.map(|staging| staging.whole_disk(number)).collect()
    }

    /// Notes durably that everything is in them.
    pub(in crate::restore) fn mark(&self, mark: &str) -> Result<()> {
        self.mounts.iter().try_for_each(|(_, staging)| staging.sync())?;
        self.root.mark(mark)
    }

    /// Removes them all.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the folder that can't be removed.
    pub(in crate::restore) fn remove(self) -> Result<()> {
        self.mounts.into_iter().try_for_each(|(_, staging)| staging.remove())?;
        self.root.remove()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write as _;

    use super::*;
    use crate::sys::files::scratch_folder;

    #[test]
    fn a_write_through_an_open_file_is_seen_until_the_old_file_is_removed() {
        let folder = scratch_folder().expect("a folder");
        let tree = Tree::open(folder.path()).expect("a tree");
        let stagings = Stagings::make(&tree, ".snap-restore-x", &[]).expect("a staging folder");
        let old = |name: &str| {
            let mut open = File::create(stagings.root().path().join(name)).expect("an old file");
            open.write_all(b"as it was\n").expect("to write");
            let facts = stagings.root().facts(name).expect("what is known of it");
            let path = RepoPath::new(format!("src/{name}").as_bytes()).expect("a path");
            (open, OldFile { path, name: name.to_owned(), facts })
        };
        let ((mut held, one), (_, other)) = (old("old-0"), old("old-1"));
        let both = [one, other];
        assert!(stagings.written_to(&both).is_empty());
        held.write_all(b"written late\n").expect("to write");
        assert_eq!(stagings.written_to(&both), [both[0].path.clone()]);
        stagings.root().discard("old-1").expect("to remove");
        assert_eq!(stagings.written_to(&both).len(), 2, "what can't be looked at counts");
    }
}
