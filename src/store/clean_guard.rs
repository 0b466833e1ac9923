//! What protects a store from `git clean -x`: a nested repository, and second names.
//!
//! The store is ignored by git, and `git clean -x` removes ignored files, even a checkpoint that was made a
//! moment before. But with only one `-f`, git does not remove a repository inside the repository. So
//! `objects/` looks like one, and manifests and pins have a second name (a hard link) in it. From there they
//! get their first name back. Nothing else is in that repository, and no git command is ever run in it.
//! `git clean -ffx`, which asks for nested repositories too, still removes everything.

use super::Store;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::sys::files::{self, Existing};
use crate::sys::place::{OwnPath, Stat};

/// What git looks for before it takes a folder for a repository.
pub(super) const HEAD: &[u8] = b"ref: refs/heads/not-a-repository-but-protected-from-git-clean\n";

pub(super) const GITIGNORE: &[u8] =
    b"# Snapshots hold conversations: they are never committed by accident.\n*\n";

/// The most that is read of a list of what to ignore, in bytes.
const LARGEST_IGNORES: u64 = 64 << 10;

/// Says whether a `.gitignore` hides everything from git. One that came with a clone may contradict
/// itself in a later line.
fn ignores_all(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    lines.clone().any(|line| line == b"*") && !lines.any(|line| line.starts_with(b"!"))
}

impl Store {
    /// Makes the nested repository and the `.gitignore` if they are missing, and gives every manifest
    /// and pin that lost its name the name back.
    pub(super) fn shelter(&self) -> Result<()> {
        let repository = self.objects_folder().join(".git");
        for folder in [self.sheltered(), repository.join("objects"), repository.join("refs")] {
            folder.make_folder()?;
        }
        let head = repository.join("HEAD");
        if head.stat()?.is_none() {
            files::publish(&self.tmp(), &head, HEAD, Existing::Keep)?;
        }
        let ignores = self.at(".gitignore");
        if !ignores.read(LARGEST_IGNORES).ok().flatten().is_some_and(|text| ignores_all(&text)) {
            files::publish(&self.tmp(), &ignores, GITIGNORE, Existing::Replace)?;
        }
        if self.catalog()?.is_sheltered {
            return Ok(());
        }
        let names = self.manifest_names()?;
        for name in names.nameless() {
            files::also_name(&self.sheltered().join(name), &self.at(name), &self.tmp())?;
        }
        // Those of a store from before there was a shelter.
        names.unsheltered().for_each(|name| self.shelter_file(name));
        Ok(())
    }

    /// Gives a manifest or a pin its second name. No promise depends on it, so a failure does no harm.
    pub(super) fn shelter_file(&self, name: &str) {
        let second = self.sheltered().join(name);
        if second.exists() {
            return;
        }
        let _sheltered = self
            .sheltered()
            .make_folder()
            .and_then(|_| files::also_name(&self.at(name), &second, &self.tmp()));
    }

    /// Gives a manifest that took the place of another one the second name of that.
    pub(super) fn shelter_again(&self, name: &str) {
        let second = self.sheltered().join(name);
        let _sheltered = files::name_anew(&self.at(name), &second, &self.tmp());
    }

    /// Takes the second name away, before the first: what is half removed must not come back.
    pub(super) fn unshelter_file(&self, name: &str) -> Result<()> {
        self.sheltered().join(name).remove()
    }

    /// The same, and keeps what it was the name of; returns where. `None` if it is still there: on a full disk there may be no
    /// room for another place.
    pub(super) fn unshelter_aside(&self, name: &str) -> Option<OwnPath> {
        self.tmp().make_folder().ok()?;
        let aside = self.tmp().join(format!("{}{}", files::TEMPORARY, SnapshotId::random()));
        files::rename_new_in(&self.sheltered().join(name), &aside).is_ok_and(|moved| moved).then_some(aside)
    }

    /// Gives that its second name back.
    pub(super) fn shelter_from(&self, name: &str, aside: Option<OwnPath>) {
        let Some(aside) = aside else { return };
        let _sheltered = files::rename_new_in(&aside, &self.sheltered().join(name));
    }

    /// Returns how many snapshots are under their second name only.
    ///
    /// # Errors
    /// [`Kind::Environment`](crate::base::error::Kind::Environment) with the path.
    pub fn lost_names(&self) -> Result<usize> {
        if self.catalog()?.is_sheltered {
            return Ok(0);
        }
        Ok(self.manifest_names()?.nameless().filter(|name| name.ends_with(".json")).count())
    }

    /// Where a manifest or a pin is: under its first name or, if that is gone, its second.
    pub(super) fn standing(&self, name: &str) -> OwnPath {
        self.standing_file(name).0
    }

    /// The same, with what was found there.
    pub(super) fn standing_file(&self, name: &str) -> (OwnPath, Option<Stat>) {
        let first = self.at(name);
        if let Ok(Some(found)) = first.stat() {
            return (first, Some(found));
        }
        let second = self.second_name(name);
        match second.stat() {
            Ok(Some(found)) => (second, Some(found)),
            _ => (first, None),
        }
    }

    /// Returns the second name of a manifest or a pin.
    pub(super) fn second_name(&self, name: &str) -> OwnPath {
        self.sheltered().join(name)
    }

    pub(super) fn sheltered(&self) -> OwnPath {
        self.objects_folder().join("manifests")
    }
}
