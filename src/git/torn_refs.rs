//! Refs of snapshots, and what a power cut may have torn of them. Git does not wait for the disk when it writes a ref, so the file of one
//! that was just made can be empty afterwards. Git fails on such a ref from then on, even where it is only to be removed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;

use super::Repository;
use super::base::{KEPT_COMMITS, KEPT_TREES};
use crate::base::error::{IoContext as _, Result};
use crate::base::ids::SnapshotId;
use crate::sys::files;
use crate::sys::sync::{sync_file, sync_folder};

/// A file over this many bytes is no ref.
const LARGEST: u64 = 4 << 10;

impl Repository {
    /// Returns the snapshots with a ref that is torn. The commit that it kept is known from the snapshot alone.
    pub fn torn_refs(&self) -> BTreeSet<SnapshotId> {
        let mut torn = BTreeSet::new();
        for folder in [KEPT_COMMITS, KEPT_TREES] {
            // What a link leads to is not the repository's.
            if self.refuse_led_away(&format!("{folder}/x")).is_err() {
                continue;
            }
            let entries = std::fs::read_dir(self.common_dir.join(folder)).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name());
            let ids = names.filter_map(|name| SnapshotId::parse(name.to_str()?));
            torn.extend(ids.filter(|id| self.is_torn(&format!("{folder}/{id}"))));
        }
        torn
    }

    /// Removes the file of a ref that is torn: nothing can be read from it. Its name must not lead anywhere else.
    pub(super) fn remove_torn(&self, name: &str) -> Result<()> {
        if self.is_torn(name) { files::remove(&self.common_dir.join(name)) } else { Ok(()) }
    }

    fn is_torn(&self, name: &str) -> bool {
        let read = files::read_plain(&self.common_dir.join(name), LARGEST);
        matches!(read, Ok(Some(content)) if !is_ref(&content))
    }

    /// Writes a ref that nobody else ever writes, as git does, but that the disk has its content before its name: so it can't be torn. Its
    /// name must not lead anywhere else.
    pub(super) fn write_ref(&self, name: &str, oid: &str) -> Result<()> {
        let (place, lock) = (self.common_dir.join(name), self.common_dir.join(format!("{name}.lock")));
        if let Some(above) = place.parent().filter(|above| !above.is_dir()) {
            std::fs::create_dir_all(above).context("create", above)?;
            above.parent().map_or(Ok(()), sync_folder)?;
        }
        // Left by a save that was killed.
        files::remove(&lock)?;
        let written = File::create_new(&lock).and_then(|mut file| writeln!(file, "{oid}"));
        written.context("write", &lock)?;
        sync_file(&lock)?;
        std::fs::rename(&lock, &place).context("write", &place)?;
        place.parent().map_or(Ok(()), sync_folder)
    }
}

/// Says whether the content of a file is what git writes for a ref.
fn is_ref(content: &[u8]) -> bool {
    let text = content.trim_ascii();
    let is_id = matches!(text.len(), 40 | 64) && text.iter().all(u8::is_ascii_hexdigit);
    is_id || text.starts_with(b"ref:")
}

#[cfg(test)]
mod tests {
    use super::is_ref;

    #[test]
    fn what_a_power_cut_leaves_of_a_ref_is_told_from_one() {
        for whole in [&b"4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"[..], b"ref: refs/heads/main\n"] {
            assert!(is_ref(whole));
        }
        for torn in [&b""[..], b"\n", &[0; 41], b"4b825dc642cb6eb9a060e54bf8d69288fbee49\n"] {
            assert!(!is_ref(torn), "{torn:?}");
        }
    }
}
