//! The files and folders of a store, and which others are not part of one.
//!
//! A store may have come with a clone, so each of its parts is checked before it is used.

use std::ffi::OsStr;
use std::path::Path;

use super::Store;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::{Line, for_shell};
use crate::store::clean_guard::{GITIGNORE, HEAD};
use crate::store::merge_reports::MERGED;
use crate::sys::files;
use crate::sys::place::{OwnPath, Shape, strange, strange_link};

/// The folders that a store consists of.
const FOLDERS: [&str; 12] = [
    "objects",
    "objects/.git",
    "objects/.git/objects",
    "objects/.git/refs",
    "objects/going",
    "objects/manifests",
    "objects/trash",
    "tmp",
    "bases",
    "restoring",
    "damaged",
    MERGED,
];

/// The files that are in every store.
const FILES: [&str; 6] =
    [".gitignore", "lock", "log.jsonl", "objects/.git/HEAD", "tmp/publish.lock", "tmp/scanned"];

/// Says what to do where a store's folder, or the one above it, is a link.
pub(super) fn instead_of_link(folder: &Path) -> String {
    let above = folder.parent().and_then(|above| above.canonicalize().ok());
    match above.zip(folder.file_name()).map(|(above, name)| above.join(name)) {
        Some(to) => {
            let to = for_shell(&to.canonicalize().unwrap_or(to).to_string_lossy());
            format!(
                "if it is yours, `--store {to}` uses what it leads to; else put a real folder in its place"
            )
        }
        None => "put a real folder in its place, or choose another one with `--store DIR`".to_owned(),
    }
}

/// How a manifest begins.
const MANIFEST_START: &[u8] = b"{\n  \"format\":";

/// The most that is read of a file that never changes, in bytes.
const SMALL: u64 = 4_096;

impl Store {
    /// Refuses a link, a pipe or the like in the place of one of the store's own parts.
    pub(super) fn refuse_strangers(&self) -> Result<()> {
        let parts = FOLDERS.iter().map(|part| (part, Shape::Folder));
        for (part, wanted) in parts.chain(FILES.iter().map(|part| (part, Shape::File))) {
            let place = self.root.at(part);
            let Some(found) = place.stat()?.filter(|found| found.shape != wanted) else { continue };
            let path = place.path();
            return Err(match (found.shape, wanted) {
                (Shape::Link, _) => strange_link(&path),
                (_, Shape::Folder) => strange(&path, "it is not a folder"),
                _ => strange(&path, "it is not a regular file"),
            });
        }
        Ok(())
    }

    /// Refuses to make a store of a folder that holds something else.
    ///
    /// A store that was copied by hand or committed may lack its `.gitignore` or `objects`. It is
    /// repaired. So is one that another process is just making, or that a crash left incomplete.
    pub(super) fn refuse_strange_folder(&self) -> Result<()> {
        // First what is asked of two files; the other question reads all of them.
        if self.is_marked()? {
            return Ok(());
        }
        let names = self.at("").names()?;
        if names.iter().all(|name| self.is_ours(name)) {
            return Ok(());
        }
        let strange = names.iter().find(|name| !self.is_ours(name));
        let strange = strange.map(|name| format!(", such as {}", Line(&name.to_string_lossy())));
        Err(Error::new(Kind::Refused, format!("Cannot use {} as a store", self.root().display()))
            .because(format!("it holds files that are not snap's{}", strange.unwrap_or_default()))
            .hint("name an empty folder, or one that does not exist yet"))
    }

    /// Refuses to look for snapshots in a folder that holds something else.
    ///
    /// # Errors
    /// [`Kind::NotFound`] with where the store may be.
    pub fn refuse_other_folder(&self) -> Result<()> {
        self.refuse_strange_folder().map_err(|error| {
            if error.kind() != Kind::Refused {
                return error;
            }
            let usual = self.root().join(".claude/snapshots");
            Error::new(
                Kind::NotFound,
                format!("{} is no store of snapshots", Line(&self.root().to_string_lossy())),
            )
            .because(error.cause())
            .hint(if usual.is_dir() {
                format!("the store of that project is {}", for_shell(&usual.to_string_lossy()))
            } else {
                "`--store` takes a folder that `snap save` has written to".to_owned()
            })
        })
    }

    /// Says whether a file or folder can be part of a store, by its name and, if it is a manifest, by
    /// its content. It does not matter whether the manifest is complete.
    fn is_ours(&self, name: &OsStr) -> bool {
        let Some(name) = name.to_str() else { return false };
        let is_part = FOLDERS.contains(&name) || FILES.contains(&name) || name.starts_with(files::TEMPORARY);
        let is_manifest = |stem: &str| match self.read_head(stem).1 {
            Ok(_) => true,
            Err(error) if error.kind() == Kind::Damaged => {
                // What `snap` writes begins so, and a damaged one mostly still does.
                self.manifest_bytes(stem).is_ok_and(|json| json.starts_with(MANIFEST_START))
            }
            Err(error) => error.kind() == Kind::NewerFormat,
        };
        let pins = |stem: &str| self.manifest_place(stem).exists();
        is_part
            || name.strip_suffix(".json").is_some_and(is_manifest)
            || name.strip_suffix(".pin").is_some_and(pins)
    }

    /// Says whether the folder has one of the files that only a store has. Then it is one, whatever
    /// else is in it.
    fn is_marked(&self) -> Result<bool> {
        // One that is larger than ours may have come with a clone, and is no reason to stop.
        let holds = |file: OwnPath, ours: &[u8]| match file.read(SMALL) {
            Err(error) if error.kind() == Kind::Damaged => Ok(false),
            read => Ok(read?.is_some_and(|text| text == ours)),
        };
        Ok(holds(self.at(".gitignore"), GITIGNORE)? || holds(self.objects_folder().join(".git/HEAD"), HEAD)?)
    }
}
