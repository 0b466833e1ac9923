//! The attributes and ignore rules that were in force when a snapshot was saved: those of its base, with its
//! own edits of them.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::git::index::IndexEntry;
use crate::git::{ATTRIBUTES, ChangedRules, Conversion, IGNORE, Repository};
use crate::manifest::{Edits, HiddenBy};
use crate::restore::files::step::{StepMaker, index_of};

/// Returns how content was converted in the work tree that was saved; `base` is the tree of its base commit.
pub(in crate::restore) fn conversion<'a>(
    repository: &'a Repository,
    maker: &mut StepMaker<'_>,
    saved: &Edits,
    base: Option<&str>,
) -> Result<Conversion<'a>> {
    repository.conversion_of(base, &changed(maker, saved, ATTRIBUTES)?)
}

/// Returns those of the paths that the rules of the work tree ignored that was saved.
pub(in crate::restore) fn ignored(
    repository: &Repository,
    maker: &mut StepMaker<'_>,
    saved: &Edits,
    paths: &BTreeSet<RepoPath>,
) -> Result<BTreeSet<RepoPath>> {
    if paths.is_empty() {
        Ok(BTreeSet::new())
    } else {
        repository.ignored_in(saved.base.as_deref(), &changed(maker, saved, IGNORE)?, paths)
    }
}

/// Returns the files of this name that were other ones in the work tree than in the base.
fn changed(maker: &mut StepMaker<'_>, saved: &Edits, name: &str) -> Result<Vec<ChangedRules>> {
    let mut changed = Vec::new();
    let named = |path: &RepoPath| path.as_path().file_name() == Some(OsStr::new(name));
    for edit in saved.files.iter().filter(|edit| named(&edit.path)) {
        let content = match edit.in_work_tree().filter(|saved| saved.version.mode.is_file()) {
            Some(saved) => Some(maker.versions.saved(saved)?),
            // Where there is no file of attributes, git takes what the index has; where there is none of ignore rules, only if it
            // need not be there.
            None if name == IGNORE && !edit.hidden.is_some_and(HiddenBy::skips_work_tree) => None,
            None => match index_of(edit) {
                IndexEntry::Blob(version) if version.mode.is_file() => {
                    let staged = edit.in_index().filter(|staged| *staged.version == version);
                    match (staged, edit.old.as_ref() == Some(&version)) {
                        (Some(staged), _) => Some(maker.versions.saved(staged)?),
                        (None, true) => maker.versions.base(&version.oid)?,
                        (None, false) => None,
                    }
                }
                _ => None,
            },
        };
        changed.push((edit.path.clone(), content));
    }
    Ok(changed)
}
