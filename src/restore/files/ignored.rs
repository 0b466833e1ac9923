//! Which files were ignored when the snapshot was saved. A rewind leaves them alone (`rewind.rs`), unless one stands in
//! the place of a file of the snapshot (`obstacles.rs`).
//!
//! The snapshot names the ignored files that existed, and its rules say which others would have been
//! ignored. A file that neither covers did not exist at that moment, or it would be in the snapshot. So it
//! is removed like any other new file, even if a newer rule hides it from git now.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::git::{IGNORE, Ignored, Listing, Repository};
use crate::manifest::{Edits, Surroundings};
use crate::restore::files::left_alone::Spared;
use crate::restore::files::saved_rules;
use crate::restore::files::step::StepMaker;
use crate::sys::work_tree::{Below, Tree};

/// The most files of one ignored folder that a rewind removes.
const MOST_HIDDEN: usize = 20_000;

/// Where a resume makes work trees if no other place is named, from the main one.
pub const WORK_TREES: &str = ".claude/worktrees";

/// Why a file stays that a rewind would remove otherwise.
pub(in crate::restore) const IGNORED_THEN: &str = "ignored when this was saved";

/// Why a folder stays that did not exist.
const HIDES_ITSELF: &str = "new, and hidden from git by its own `.gitignore`";

/// What was known of ignored paths when a snapshot was saved.
pub(in crate::restore) struct IgnoredWhenSaved<'a> {
    pub(in crate::restore) repository: &'a Repository,
    pub(in crate::restore) saved: &'a Edits,
    pub(in crate::restore) around: Option<&'a Surroundings>,
}

impl IgnoredWhenSaved<'_> {
    /// Says whether nobody knows any more what was ignored: it was too much to be listed, and the rules that are in
    /// no file of the tree are others now.
    pub(in crate::restore) fn is_unknown(&self) -> Result<bool> {
        match self.around {
            Some(around) if around.ignored.is_none() => {
                Ok(around.rules_outside != Some(self.repository.rules_outside()?))
            }
            _ => Ok(false),
        }
    }

    /// Returns those of the paths that were ignored.
    pub(in crate::restore) fn ignored(
        &self,
        maker: &mut StepMaker<'_>,
        paths: &BTreeSet<RepoPath>,
    ) -> Result<BTreeSet<RepoPath>> {
        let listed = self.around.and_then(|around| around.ignored.as_ref());
        let mut ignored = saved_rules::ignored(self.repository, maker, self.saved, paths)?;
        let known: BTreeSet<&RepoPath> =
            listed.iter().flat_map(|listed| listed.files.iter().chain(&listed.folders)).collect();
        let covered =
            |path: &&RepoPath| known.contains(*path) || path.above().any(|one| known.contains(&one));
        ignored.extend(paths.iter().filter(covered).cloned());
        Ok(ignored)
    }

    /// Returns what is reported about the files that stay: for a folder that was ignored as a whole,
    /// the folder.
    pub(in crate::restore) fn merged_by_folder(&self, left: Vec<Spared>) -> Vec<Spared> {
        let listed = self.around.and_then(|around| around.ignored.as_ref());
        let folders: BTreeSet<&RepoPath> = listed.iter().flat_map(|listed| &listed.folders).collect();
        let mut merged_by_folder: Vec<Spared> = Vec::new();
        for Spared { path, reason } in left {
            let folder = path.above().find(|folder| folders.contains(folder));
            let path = folder.unwrap_or(path);
            if merged_by_folder.last().is_none_or(|last| last.path != path) {
                merged_by_folder.push(Spared { path, reason });
            }
        }
        merged_by_folder
    }

    /// Returns the files to be removed that only a rule newer than the snapshot hides from git, and
    /// those of that kind that stay. `paths` are the paths of the rewind.
    pub(in crate::restore) fn hidden_since(
        &self,
        maker: &mut StepMaker<'_>,
        tree: &Tree,
        listing: &Listing,
        paths: &BTreeSet<RepoPath>,
        is_kept: impl Fn(&RepoPath) -> bool,
    ) -> Result<(BTreeSet<RepoPath>, Vec<Spared>)> {
        let listed = self.around.and_then(|around| around.ignored.as_ref());
        let is_new = |entry: &&Ignored| !listed.is_some_and(|listed| listed.cover(&entry.path));
        // One that is restored hides nothing any more.
        let is_new_file =
            |entry: &&Ignored| is_new(entry) && !paths.contains(&entry.path) && !is_kept(&entry.path);
        let hide_themselves = self.hide_themselves(listing, is_new_file)?;
        let hides_itself = |path: &RepoPath| path.above().find(|folder| hide_themselves.contains(folder));
        let (mut files, mut left, mut hidden_then) = (BTreeSet::new(), Vec::new(), BTreeMap::new());
        // At the root of the work tree, a person has written it.
        let rules_change = paths.iter().chain(&hide_themselves).any(is_rules);
        for entry in listing.ignored.iter().filter(|entry| !is_kept(&entry.path)) {
            if !is_new(&entry) {
                if rules_change
                    && entry.folder
                    && listed.is_some_and(|listed| listed.files.contains(&entry.path))
                {
                    left.push(Spared { path: entry.path.clone(), reason: "in the place of an ignored file" });
                } else if rules_change {
                    hidden_then.insert(&entry.path, entry.folder);
                }
            } else if let Some(folder) = hides_itself(&entry.path) {
                let is_all = listing.index.below(folder.as_bytes(), &[0, 1, 2, 3]).is_empty()
                    && !listing.pending.iter().any(|pending| pending.path.is_in(&folder));
                let path = if is_all { folder } else { entry.path.clone() };
                // A resume made it, with a work tree in it: nobody has to be told.
                if path.as_bytes() != WORK_TREES.as_bytes() {
                    left.push(Spared { path, reason: HIDES_ITSELF });
                }
            } else if rules_change && entry.folder {
                match tree.files_below(&entry.path, MOST_HIDDEN, &is_kept)? {
                    Below::Files(all, _) => files.extend(all),
                    Below::TooMany => {
                        left.push(Spared { path: entry.path.clone(), reason: "very many files" });
                    }
                    Below::Other(path, _) => {
                        left.push(Spared { path, reason: "not a file, or a repository of its own" });
                    }
                }
            } else if rules_change {
                files.insert(entry.path.clone());
            }
        }
        left.dedup();
        left.extend(self.shown_again(maker, paths, &hidden_then)?);
        let ignored = self.ignored(maker, &files)?;
        files.retain(|path| !ignored.contains(path));
        if listed.is_none() {
            let reason = "ignored now, and the snapshot does not say whether it was there";
            left.extend(std::mem::take(&mut files).into_iter().map(|path| Spared { path, reason }));
        }
        Ok((files, left))
    }

    /// Returns those of these paths, each with whether it is a folder, that git ignores now and did when the snapshot was saved,
    /// and will show as new files after the rewind: what hides them now goes, and what hid them then is gone.
    fn shown_again(
        &self,
        maker: &mut StepMaker<'_>,
        paths: &BTreeSet<RepoPath>,
        hidden: &BTreeMap<&RepoPath, bool>,
    ) -> Result<Vec<Spared>> {
        let decided = self.repository.deciding_rules(&hidden.keys().copied().cloned().collect())?;
        let doubtful = decided.into_iter().filter(|(_, rules)| paths.contains(rules)).map(|(path, _)| path);
        // Nothing is in the tree that is asked about: of a folder, it is asked about something in it.
        let asked = |path: &RepoPath| match hidden.get(path) {
            Some(true) => RepoPath::new(&[path.as_bytes(), b"/-"].concat()).ok(),
            _ => None,
        };
        let doubtful: BTreeMap<RepoPath, RepoPath> =
            doubtful.map(|path| (asked(&path).unwrap_or_else(|| path.clone()), path)).collect();
        let ignored =
            saved_rules::ignored(self.repository, maker, self.saved, &doubtful.keys().cloned().collect())?;
        let shown = doubtful.into_iter().filter(|(asked, _)| !ignored.contains(asked));
        Ok(shown.map(|(_, path)| Spared { path, reason: IGNORED_THEN }).collect())
    }

    /// Returns the folders that a new `.gitignore` of their own hides, that file too. Tools make such folders for
    /// what they can make again. Of the root of the work tree, it returns the file.
    fn hide_themselves(
        &self,
        listing: &Listing,
        is_new: impl Fn(&&Ignored) -> bool,
    ) -> Result<BTreeSet<RepoPath>> {
        if self.around.is_none_or(|around| around.ignored.is_none()) {
            return Ok(BTreeSet::new());
        }
        let rules = listing.ignored.iter().filter(|entry| !entry.folder && is_rules(&entry.path));
        let rules = rules.filter(is_new).map(|entry| entry.path.clone()).collect();
        let decided = self.repository.deciding_rules(&rules)?.into_iter();
        let hidden = decided.filter_map(|(file, rules)| (file == rules).then_some(file));
        Ok(hidden.map(|file| file.above().last().unwrap_or(file)).collect())
    }
}

fn is_rules(path: &RepoPath) -> bool {
    path.as_path().file_name() == Some(OsStr::new(IGNORE))
}
