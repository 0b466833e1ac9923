//! How many files differ: counted, not shown.

use std::io;

use super::{Detail, Loader, with_work_tree};
use crate::base::error::Result;
use crate::diff::{End, FileHeader, Options, Show, Sink};
use crate::manifest::Manifest;
use crate::workspace::Workspace;

/// Counts the files that differ between a snapshot and the work tree as it is now, without those that it leaves out.
///
/// # Errors
/// As [`with_work_tree`], and what the store or the disk says.
pub fn changed_since(workspace: &Workspace, snapshot: &Manifest) -> Result<usize> {
    let mut counter = Counter(0);
    let mut loader = Loader::new(workspace, Options::default(), Detail::Names);
    for item in with_work_tree(workspace, snapshot)?.items {
        loader.show(item, &mut counter)?;
    }
    Ok(counter.0)
}

struct Counter(usize);

impl Sink for Counter {
    fn open(&mut self, _old: u64, _new: u64, _heading: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn context(&mut self, _line: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn change(&mut self, _removed: &[&[u8]], _added: &[&[u8]]) -> io::Result<()> {
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Show for Counter {
    fn start(&mut self, _file: FileHeader) -> io::Result<()> {
        self.0 += 1;
        Ok(())
    }

    fn finish(&mut self, _end: End) -> io::Result<()> {
        Ok(())
    }

    fn text(&mut self, _line: &[u8]) -> io::Result<()> {
        Ok(())
    }
}
