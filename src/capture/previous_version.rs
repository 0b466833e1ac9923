//! New files that grow: kept as a delta to what the snapshot before has of them, not whole each time.
//!
//! A delta leads from content that is kept whole, never from another delta: damage to one version
//! harms no other. When the deltas would become long, the file is kept whole once more. A delta leads only from
//! content of which nothing is gone: it goes wherever the snapshot goes, and stays as long as that does. So what a
//! person took out of a file is in no later snapshot.

use std::collections::BTreeMap;

use crate::base::compress;
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::git::{Pending, Status};
use crate::manifest::{Content, DiffForm, Edit, Head};
use crate::store::Store;
use crate::sys::work_tree::Tree;
use crate::workspace::Workspace;

/// Smaller files are kept whole, in bytes.
const SMALLEST: u64 = 64 << 10;

/// Above this many bytes of both together, a delta's window can't span them.
const LARGEST: usize = 128 << 20;

/// A delta is at most one part in so many of what it leads from.
const SHARE: usize = 8;

/// What the snapshot before has of new files, kept whole.
#[derive(Default)]
pub(super) struct Earlier(BTreeMap<RepoPath, Content>);

/// Says whether any of these is a new file that is large enough.
pub(super) fn is_wanted(tree: &Tree, pending: &[Pending]) -> Result<bool> {
    for entry in pending {
        let is_new = matches!(entry.status, Status::Untracked | Status::Tracked { head: None, .. });
        if is_new && tree.size(&entry.path)?.is_some_and(|size| size >= SMALLEST) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Earlier {
    /// Takes the newest snapshot of this work tree, the one that a save is compared with: the same state must
    /// be kept in the same way.
    pub(super) fn of(workspace: &Workspace) -> Result<Earlier> {
        let root = workspace.root.as_path().into();
        let known = workspace.store.known()?;
        let is_wanted = |head: &Head| !head.safety && *head.root() == root;
        let newest = known.iter().find(|known| known.head.as_ref().is_ok_and(is_wanted));
        let newest = newest.and_then(|known| workspace.store.whole(known));
        let edits = newest.and_then(|manifest| manifest.edits).into_iter().flat_map(|edits| edits.files);
        Ok(Earlier(edits.filter_map(|edit| Some((edit.path.clone(), whole(edit)?))).collect()))
    }

    /// Returns what is there of a file, and the delta that leads from it to this content; `None` if that is no
    /// gain, or the very same.
    pub(super) fn delta(&self, store: &Store, path: &RepoPath, content: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let kept = self.0.get(path).filter(|_| content.len() as u64 >= SMALLEST)?;
        // What can't be read is as good as not there.
        let earlier = store.load(kept).ok()?;
        if earlier == content || earlier.len() + content.len() > LARGEST || !has_all_of(content, &earlier) {
            return None;
        }
        let delta = compress::make_delta(&earlier, content).ok()?;
        (delta.len() * SHARE <= earlier.len()).then_some((earlier, delta))
    }
}

/// Says whether all lines of `earlier` are in `content`, in their order. An unfinished last one may have grown.
fn has_all_of(content: &[u8], earlier: &[u8]) -> bool {
    let mut lines = content.split_inclusive(|byte| *byte == b'\n');
    earlier.split_inclusive(|byte| *byte == b'\n').all(|wanted| {
        let is_whole = wanted.ends_with(b"\n");
        lines.any(|line| if is_whole { line == wanted } else { line.starts_with(wanted) })
    })
}

/// Returns the content of a new file that is kept whole, for itself or for a delta.
fn whole(edit: Edit) -> Option<Content> {
    if edit.diffed_against().is_some() {
        return None;
    }
    let diff = edit.diff?;
    let content = match diff.earlier {
        Some(earlier) => earlier,
        None => Some(diff.content).filter(|_| diff.form == DiffForm::Whole)?,
    };
    (content.size() >= SMALLEST).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::has_all_of;

    #[test]
    fn only_content_of_which_nothing_is_gone_is_led_from() {
        for (earlier, content, has) in [
            ("a\nb\n", "a\nnew\nb\nmore\n", true),
            ("a\nb", "a\nb and more\n", true),
            ("", "a\n", true),
            ("a\nb\n", "a\n", false),
            ("a\nb\n", "b\na\n", false),
            ("secret\nb\n", "clean\nb\n", false),
            ("a\na\n", "a\n", false),
            ("a\nb", "a\nc\n", false),
        ] {
            assert_eq!(has_all_of(content.as_bytes(), earlier.as_bytes()), has, "{earlier:?} {content:?}");
        }
    }
}
