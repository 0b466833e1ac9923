//! What the other side of a merge really took from the snapshot that both went on from.
//!
//! Whoever resumes may leave edits out, or some are held back. An edit that was never there is no edit that was taken back, so
//! such a file is merged from the commit: then what is here stays. A file comes whole or not at all. So it counts as not
//! taken if the other side still has a line that the edit took out; of an edit that only added lines, if it has less than half of them;
//! and a new file, if there is none of that name.
//! What this can't see: somebody who did not take an edit, and then changed the very same lines.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::git::{Blobs, Repository};
use crate::manifest::Version;

/// A path, and what becomes of it.
pub(super) type Changed = (RepoPath, Option<Version>);

/// Returns the tree that both sides went on from, with the files that the other side did not take as they were committed, and
/// which those are.
pub(super) fn only_what_was_taken(
    repository: &Repository,
    base: &str,
    forked: &str,
    theirs: &str,
) -> Result<(String, BTreeSet<RepoPath>)> {
    let changed: BTreeMap<RepoPath, Option<Version>> =
        between(repository, forked, theirs)?.into_iter().collect();
    let edited = between(repository, base, forked)?;
    let doubtful: Vec<_> = edited.into_iter().filter(|(path, _)| changed.contains_key(path)).collect();
    if doubtful.is_empty() {
        return Ok((forked.to_owned(), BTreeSet::new()));
    }
    let paths: BTreeSet<RepoPath> = doubtful.iter().map(|(path, _)| path.clone()).collect();
    let committed = repository.tree_versions(Some(base), &paths)?;
    let mut blobs = repository.blobs();
    let mut back = Vec::new();
    for (path, then) in doubtful {
        let committed = committed.version(&path).cloned();
        let theirs = changed.get(&path).cloned().flatten();
        let mut text = |version: &Option<Version>| read(&mut blobs, version.as_ref());
        let was_taken = match &committed {
            // Nobody makes a file of that name by chance.
            None => theirs.is_some(),
            Some(_) => was_taken(&text(&committed)?, &text(&then)?, &text(&theirs)?),
        };
        if !was_taken {
            back.push((path, committed));
        }
    }
    let tree = if back.is_empty() { forked.to_owned() } else { repository.tree_with(Some(forked), &back)? };
    Ok((tree, back.into_iter().map(|(path, _)| path).collect()))
}

/// Returns the paths in which two trees differ, with what the second has.
pub(super) fn between(repository: &Repository, old: &str, new: &str) -> Result<Vec<Changed>> {
    let changed = repository.versions_between(old, new)?;
    Ok(changed.into_iter().map(|changed| (changed.path, changed.new)).collect())
}

fn read(blobs: &mut Blobs<'_>, version: Option<&Version>) -> Result<Vec<u8>> {
    match version.filter(|version| !version.is_submodule()) {
        Some(version) => Ok(blobs.read(&version.oid)?.unwrap_or_default()),
        None => Ok(Vec::new()),
    }
}

/// Says whether `theirs` has what `then` had beyond `committed`.
fn was_taken(committed: &[u8], then: &[u8], theirs: &[u8]) -> bool {
    let lines = |text: &'_ [u8]| -> BTreeSet<Vec<u8>> {
        let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
    };
    let (committed, then, theirs) = (lines(committed), lines(then), lines(theirs));
    let mut removed = committed.difference(&then).peekable();
    if removed.peek().is_some() {
        return removed.all(|line| !theirs.contains(line));
    }
    let added: Vec<&Vec<u8>> = then.difference(&committed).collect();
    let there = added.iter().filter(|line| theirs.contains(**line)).count();
    !added.is_empty() && there * 2 >= added.len()
}

#[cfg(test)]
mod tests {
    use super::was_taken;

    #[test]
    fn a_file_counts_as_taken_if_what_was_new_in_it_is_there() {
        for (committed, then, theirs, taken) in [
            ("a\nb\nc\n", "a\nADA\nc\n", "a\nADA\nc\nbob\n", true),
            ("a\nb\nc\n", "a\nADA\nc\n", "a\nb\nc\nbob\n", false),
            ("a\nb\nc\n", "a\nADA\nc\n", "a\nbob\nc\n", true),
            ("a\nb\nc\n", "a\nb\nADA\nc\n", "a\nb\nbob\nc\n", false),
            ("a\n", "a\none\ntwo\n", "a\none\nbob\n", true),
            ("a\nb\nc\n", "a\nc\n", "a\nc\nbob\n", true),
            ("a\nb\nc\n", "a\nc\n", "a\nb\nc\nbob\n", false),
            ("", "new\n", "", false),
            ("a\n", "a\n", "bob\n", false),
        ] {
            let [one, two, three] = [committed, then, theirs].map(str::as_bytes);
            assert_eq!(was_taken(one, two, three), taken, "{committed:?} {then:?} {theirs:?}");
        }
    }
}
