//! Names of snapshots of which nothing is to be left, taken out of the log, with what was said of their lines of work.
//!
//! A name may be made of what was said or typed, so it can hold what a person wants to be gone. What was done, when and by
//! whom stays.

use std::collections::BTreeSet;

use super::log::{LARGEST_LOG, LOG, LogEntry, Operation};
use super::{DeleteLock, PATIENCE, Store};
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::sys::files::{self, Existing};
use crate::sys::locks;
use crate::sys::place::OwnPath;

/// Stands in the log in place of such a name.
pub const NO_NAME: &str = "(removed)";

impl Store {
    /// Takes the names of these snapshots out of the log. A line that proves to be this user's is sealed again; any other one
    /// proves nothing afterwards.
    ///
    /// # Errors
    /// [`Kind::Environment`](crate::base::error::Kind::Environment) with the path; the log is as it was.
    pub fn forget_names(&self, _lock: &DeleteLock, gone: &BTreeSet<SnapshotId>) -> Result<()> {
        if gone.is_empty() {
            return Ok(());
        }
        for place in self.logs_aside()?.into_iter().chain([self.at(LOG)]) {
            self.forget_names_in(&place, gone)?;
        }
        Ok(())
    }

    fn forget_names_in(&self, place: &OwnPath, gone: &BTreeSet<SnapshotId>) -> Result<()> {
        if place.stat()?.is_none() {
            return Ok(());
        }
        let _alone = locks::open_exclusively(place, PATIENCE)?;
        let text = place.read(16 * LARGEST_LOG)?.unwrap_or_default();
        let (mut kept, mut changed) = (Vec::with_capacity(text.len()), false);
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match self.without_name(line, gone) {
                LineFate::AsItIs => kept.extend_from_slice(&[line, b"\n"].concat()),
                LineFate::Otherwise(line) => {
                    changed = true;
                    kept.extend_from_slice(&line);
                }
            }
        }
        if !changed {
            return Ok(());
        }
        files::publish(&self.tmp(), place, &kept, Existing::Replace)?;
        place.folder().sync()
    }

    fn without_name(&self, line: &[u8], gone: &BTreeSet<SnapshotId>) -> LineFate {
        let Ok(entry) = serde_json::from_slice::<LogEntry>(line) else {
            // Of a later version, or cut off: what can't be read can't be told without the name.
            let text = String::from_utf8_lossy(line);
            let is_about = gone.iter().any(|id| text.contains(id.as_str()));
            return if is_about { LineFate::Otherwise(Vec::new()) } else { LineFate::AsItIs };
        };
        if !entry.snapshot.as_ref().is_some_and(|id| gone.contains(id)) {
            return LineFate::AsItIs;
        }
        // The name of a file is mostly made of the snapshot's; where something was pushed to has to be known.
        let is_file = matches!(entry.operation, Operation::Export | Operation::Import);
        let peer = entry.peer.clone().filter(|_| !is_file);
        let told = LogEntry {
            name: NO_NAME.to_owned(),
            peer,
            reason: None,
            note: None,
            left: Vec::new(),
            ..entry.clone()
        };
        if told == entry {
            return LineFate::AsItIs;
        }
        let json = serde_json::to_vec(&told).unwrap_or_default();
        LineFate::Otherwise(if self.is_own_line(line) {
            self.sealed_line(json)
        } else {
            [json.as_slice(), b"\n"].concat()
        })
    }
}

/// What becomes of a line.
enum LineFate {
    AsItIs,
    Otherwise(Vec<u8>),
}
