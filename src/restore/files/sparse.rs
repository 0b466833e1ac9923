//! Paths that a sparse checkout left out when the snapshot was saved: staged there, and not on the disk.
//!
//! If such a path is not left out here, `resume` restores the staged content as a file too. That the file
//! was not on the disk there does not mean that it was deleted.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::base::screen::cut;
use crate::base::warning::Warning;
use crate::git::index::IndexEntry;
use crate::git::{Listing, Repository};
use crate::manifest::{Edit, Edits, HiddenBy, IndexState, Surroundings};
use crate::restore::files::step::index_of;
use crate::sys::work_tree::Tree;
use crate::sys::work_tree::absent::Absent;

/// The longest command that is shown, in characters.
const LONGEST: usize = 600;

/// Returns the edits as they are to be brought here.
pub(in crate::restore) fn brought_in<'a>(
    tree: &Tree,
    listing: &Listing,
    saved: &'a Edits,
) -> Result<Cow<'a, Edits>> {
    if !saved.files.iter().any(was_left_out) {
        return Ok(Cow::Borrowed(saved));
    }
    let mut absent = Absent::new(tree);
    let mut left_out = BTreeSet::new();
    for hidden in listing.hidden.iter().filter(|hidden| hidden.by.skips_work_tree()) {
        if absent.is(&hidden.path)? {
            left_out.insert(&hidden.path);
        }
    }
    // A file where its folder was, or a folder in its place: it has no room outside the index.
    let has_room = |edit: &Edit| {
        let mut files = saved.files.iter().filter(|other| other.new.is_some());
        !files.any(|other| edit.path.is_in(&other.path) || other.path.is_in(&edit.path))
    };
    let comes = |edit: &Edit| was_left_out(edit) && !left_out.contains(&edit.path) && has_room(edit);
    let files =
        saved.files.iter().filter_map(|edit| if !comes(edit) { Some(edit.clone()) } else { as_staged(edit) });
    Ok(Cow::Owned(Edits { files: files.collect(), ..saved.clone() }))
}

/// Says what a person must do about the patterns of a sparse checkout if they were different. They are
/// settings of the repository, which no restore changes.
pub(in crate::restore) fn other_patterns(
    repository: &Repository,
    around: Option<&Surroundings>,
) -> Result<Option<Warning>> {
    let Some(around) = around else { return Ok(None) };
    let now = repository.sparse()?;
    if now == around.sparse {
        return Ok(None);
    }
    let command = match &around.sparse {
        // A snapshot of an earlier version does not say whether there were any.
        None => return Ok(None),
        Some(then) => {
            let mode = if then.cone { "--cone" } else { "--no-cone" };
            let words: Vec<String> = then.patterns.iter().map(|word| quoted(word)).collect();
            format!("git sparse-checkout set {mode} {}", words.join(" "))
        }
    };
    Ok(Some(Warning::OtherSparsePatterns(cut(&command, LONGEST))))
}

fn quoted(word: &str) -> String {
    if word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn was_left_out(edit: &Edit) -> bool {
    edit.new.is_none() && edit.hidden.is_some_and(HiddenBy::skips_work_tree)
}

/// Makes the edit whose file is what is staged; `None` if nothing is.
fn as_staged(edit: &Edit) -> Option<Edit> {
    let IndexEntry::Blob(version) = index_of(edit) else { return Some(edit.clone()) };
    if edit.old.as_ref() == Some(&version) {
        return None;
    }
    let diff = edit.staged.as_ref().and_then(|staged| staged.diff.clone());
    let path: RepoPath = edit.path.clone();
    let (old, from, index) = (edit.old.clone(), edit.from.clone(), IndexState::Staged);
    Some(Edit { change: edit.change, old, from, new: Some(version), index, diff, ..Edit::of(path) })
}
