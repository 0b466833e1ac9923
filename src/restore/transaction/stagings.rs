//! The staging folders of one restore: one in the root, and one on each other disk that it touches.

use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::sys::sync::WholeDisk;
use crate::sys::work_tree::{Staging, Tree};

/// All of them. The one in the root is made first and removed last.
pub(in crate::restore) struct Stagings {
    root: Staging,
    mounts: Vec<(RepoPath, Staging)>,
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
