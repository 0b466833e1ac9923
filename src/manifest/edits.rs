//! What a manifest says of the pending edits: one entry for each path.
//!
//! Only the structs and the words; `docs/format.md` describes every key.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Bits, Content, Converted, Diff, Mode, ObjectRef, Surroundings};
use crate::base::digest::GitHash;
use crate::base::paths::RepoPath;
use crate::base::screen;

/// The pending edits of a work tree against its base commit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Edits {
    /// The commit they are made against; `null` when HEAD was unborn.
    #[cfg_attr(test, schemars(regex(pattern = "^([0-9a-f]{40}|[0-9a-f]{64})$")))]
    pub base: Option<String>,
    /// How the repository names its objects.
    pub object_format: GitHash,
    /// One entry for each path, sorted.
    pub files: Vec<Edit>,
    /// What is pending but not in here, and why.
    pub skipped: Vec<Skipped>,
    /// The marks in the index that hide edits from git, of all tracked files, as [`super::Marks`] lists
    /// them; absent in snapshots of earlier versions, which say nothing of files that are as committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marks: Option<Content>,
    /// A merge, rebase or the like that was in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The untracked files that are in here because somebody asked for them, sorted: later saves of this work tree take them too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<RepoPath>,
}

impl Edits {
    /// Says whether nothing is said of a path although something was there: it was left out, or in nobody's snapshot anyway.
    pub fn lack(&self, around: Option<&Surroundings>, path: &RepoPath) -> bool {
        self.leave_out(path) || around.is_some_and(|around| around.cover(path))
    }

    /// Says whether a path was pending and left out: by itself, or with the folder that it is in. Of such a folder, files that were
    /// asked for are in here all the same.
    pub fn leave_out(&self, path: &RepoPath) -> bool {
        let shown = path.to_string();
        let is_below = |folder: &str| shown.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let is_there = || self.files.binary_search_by(|edit| edit.path.cmp(path)).is_ok();
        let left_out = |one: &Skipped| shown == one.path || is_below(one.path.trim_end_matches('/'));
        self.skipped.iter().any(|one| left_out(one) && (shown == one.path || !is_there()))
    }
}

/// One path's pending change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Edit {
    /// The path, relative to the root.
    pub path: RepoPath,
    /// What happened to it, seen from the base to the work tree, or to the index of what a mark leaves out of that.
    pub change: Change,
    /// In the base commit; `null` if it is not there.
    pub old: Option<Version>,
    /// For a path that is not in the base: the path there that its content is from. The
    /// diffs of this entry are then made against that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Origin>,
    /// In the work tree, byte for byte; `null` if it is not there.
    pub new: Option<Version>,
    /// How the index compares with the two.
    pub index: IndexState,
    /// In the index, for [`IndexState::Partly`]; `null` if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged: Option<StagedVersion>,
    /// In the index, for [`IndexState::Unmerged`]: the stages present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageVersion>,
    /// Whether only its owner may read the file in the work tree.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// The permission bits of the file in the work tree, where they are not the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Bits>,
    /// A mark in the index that hides edits from git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<HiddenBy>,
    /// How to make `new` from `old`; absent when the content is the same or gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
    /// Lines added from `old` to `new` (or to `staged`, of what a mark leaves out); 0 for binary content.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
}

impl Edit {
    /// Returns every version that is made from the base, as it is stated: also one that has no content.
    pub fn stated_versions(&self) -> impl Iterator<Item = SavedVersion<'_>> {
        let made = move |place, version, diff| SavedVersion { edit: self, place, version, diff };
        let new = self.new.iter().map(move |new| made(SavedIn::WorkTree, new, self.diff.as_ref()));
        let staged = self.staged.iter();
        let staged = staged.map(move |one| made(SavedIn::Index, &one.version, one.diff.as_ref()));
        let stages = self.stages.iter();
        let stages = stages.map(move |one| made(SavedIn::Stage, &one.version, one.diff.as_ref()));
        new.chain(staged).chain(stages)
    }

    /// Returns every version with content.
    pub fn saved_versions(&self) -> impl Iterator<Item = SavedVersion<'_>> {
        self.stated_versions().filter(SavedVersion::has_content)
    }

    /// Returns those with content in one place.
    pub fn saved_in(&self, place: SavedIn) -> impl Iterator<Item = SavedVersion<'_>> {
        self.saved_versions().filter(move |saved| saved.place == place)
    }

    /// Returns the version in the work tree, if there is one with content.
    pub fn in_work_tree(&self) -> Option<SavedVersion<'_>> {
        self.saved_in(SavedIn::WorkTree).next()
    }

    /// Returns the version in the index that is neither the base's nor the work tree's, if there is one with content.
    pub fn in_index(&self) -> Option<SavedVersion<'_>> {
        self.saved_in(SavedIn::Index).next()
    }

    /// Makes the entry of a path that is nowhere, to be filled in.
    pub(crate) fn of(path: RepoPath) -> Edit {
        Edit {
            path,
            change: Change::IndexOnly,
            old: None,
            from: None,
            new: None,
            index: IndexState::Unstaged,
            staged: None,
            stages: Vec::new(),
            private: false,
            permissions: None,
            hidden: None,
            diff: None,
            added: 0,
            removed: 0,
        }
    }

    /// Returns every version that this entry speaks of.
    pub fn versions(&self) -> impl Iterator<Item = &Version> {
        let staged = self.staged.iter().map(|staged| &staged.version);
        let stages = self.stages.iter().map(|stage| &stage.version);
        let from = self.from.iter().map(|from| &from.version);
        self.old.iter().chain(&self.new).chain(staged).chain(stages).chain(from)
    }

    /// Returns the version in the base commit that the diffs of this entry are made against.
    pub fn diffed_against(&self) -> Option<&Version> {
        self.from.as_ref().map(|from| &from.version).or(self.old.as_ref())
    }

    /// Returns every diff of this entry.
    pub fn diffs(&self) -> impl Iterator<Item = &Diff> {
        self.stated_versions().filter_map(|stated| stated.diff)
    }

    /// Says whether git looks at the index alone: a mark leaves the file out of the work tree, and it is not there.
    pub fn is_left_out(&self) -> bool {
        self.new.is_none() && self.staged.is_some() && self.hidden.is_some_and(HiddenBy::skips_work_tree)
    }

    /// Returns the version that git compares with the base, if there is one with content: that in the work tree, or in the index
    /// of what is left out of that.
    pub fn in_sight(&self) -> Option<SavedVersion<'_>> {
        if self.is_left_out() { self.in_index() } else { self.in_work_tree() }
    }

    /// Returns that version as git compares it: line ends, encodings and filters undone.
    pub fn compared(&self) -> Option<Version> {
        if self.is_left_out() {
            return self.staged.as_ref().map(|staged| staged.version.clone());
        }
        let converted = self.diff.as_ref().and_then(|diff| diff.converted.as_ref());
        self.new.as_ref().map(|new| match converted {
            Some(converted) => Version { oid: converted.oid.clone(), mode: new.mode },
            None => new.clone(),
        })
    }
}

/// A version that an [`Edit`] speaks of, and how it is made.
#[derive(Clone, Copy, Debug)]
pub struct SavedVersion<'a> {
    /// The entry that speaks of it.
    pub edit: &'a Edit,
    /// Where it was.
    pub place: SavedIn,
    /// Its blob id and mode.
    pub version: &'a Version,
    /// The diff that leads to it; without one it is what the base has.
    pub diff: Option<&'a Diff>,
}

/// Where a version of a file was when it was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedIn {
    /// On the disk.
    WorkTree,
    /// In the index.
    Index,
    /// In the index, as a stage of an unfinished merge.
    Stage,
}

impl<'a> SavedVersion<'a> {
    fn has_content(&self) -> bool {
        // Of a path that is only meant to be added, the index has a mode and no content.
        let only_meant = self.place == SavedIn::Index && self.edit.index == IndexState::IntentToAdd;
        !self.version.is_submodule() && !only_meant
    }

    /// Says whether the base version is needed to make it.
    pub fn needs_base(&self) -> bool {
        self.diff.is_none_or(Diff::needs_base)
    }

    /// Returns how what git compares becomes what was saved, if that is something else.
    pub fn converted(&self) -> Option<&'a Converted> {
        self.diff.and_then(|diff| diff.converted.as_ref())
    }

    /// Returns every object that its diff needs.
    pub fn objects(&self) -> impl Iterator<Item = &'a ObjectRef> {
        self.diff.into_iter().flat_map(Diff::objects)
    }
}

impl fmt::Display for SavedVersion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            SavedIn::WorkTree => "",
            SavedIn::Index => " (staged)",
            SavedIn::Stage => " (unmerged)",
        };
        write!(f, "{}{place}", self.edit.path)
    }
}

impl Edits {
    /// Returns the entries as a person counts them: without the deletions that are the other
    /// half of a rename.
    pub fn listed(&self) -> impl Iterator<Item = &Edit> {
        let left: BTreeSet<&RepoPath> = self.left().collect();
        self.files.iter().filter(move |edit| edit.change != Change::Deleted || !left.contains(&edit.path))
    }

    /// The same, taken out.
    pub fn into_listed(self) -> impl Iterator<Item = Edit> {
        let left: BTreeSet<RepoPath> = self.left().cloned().collect();
        self.files
            .into_iter()
            .filter(move |edit| edit.change != Change::Deleted || !left.contains(&edit.path))
    }

    /// Returns the paths that something was renamed from.
    fn left(&self) -> impl Iterator<Item = &RepoPath> {
        let renamed = self.files.iter().filter(|edit| edit.change == Change::Renamed);
        renamed.flat_map(|edit| &edit.from).map(|from| &from.path)
    }
}

/// Where the content of a renamed or copied path comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Origin {
    /// The path in the base commit.
    pub path: RepoPath,
    /// What the base commit has there.
    #[serde(flatten)]
    pub version: Version,
}

/// One stage of an unmerged path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StageVersion {
    /// 1 (common ancestor), 2 (ours) or 3 (theirs).
    #[cfg_attr(test, schemars(range(min = 1, max = 3)))]
    pub stage: u8,
    /// The blob's id and mode.
    #[serde(flatten)]
    pub version: Version,
    /// How to make it from `old`; absent when the content is that of `old`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
}

/// What hides a path's edits from git.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HiddenBy {
    /// `git update-index --assume-unchanged`.
    AssumeUnchanged,
    /// `git update-index --skip-worktree`.
    SkipWorktree,
    /// Both. No [`Edit`] says so, as earlier versions would not understand it.
    #[serde(skip)]
    Both,
}

impl HiddenBy {
    /// Says whether git takes the file for one that need not be on the disk.
    pub fn skips_work_tree(self) -> bool {
        matches!(self, HiddenBy::SkipWorktree | HiddenBy::Both)
    }

    /// Returns the one mark that an [`Edit`] names.
    pub(crate) fn alone(self) -> HiddenBy {
        if self.skips_work_tree() { HiddenBy::SkipWorktree } else { HiddenBy::AssumeUnchanged }
    }
}

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// In the work tree only.
    Added,
    /// The same, made from a file of the base that is gone: see [`Edit::from`].
    Renamed,
    /// The same, copied from a file of the base that is still there.
    Copied,
    /// Other content, mode or both.
    Modified,
    /// In the base only.
    Deleted,
    /// The work tree is as the base; only the index differs.
    IndexOnly,
}

/// How the index compares for an edited path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum IndexState {
    /// As the base: nothing is staged (for a path that is not in the base: untracked).
    Unstaged,
    /// As the work tree: all is staged.
    Staged,
    /// As neither: `staged` holds it.
    Partly,
    /// An empty entry made by `git add --intent-to-add`.
    IntentToAdd,
    /// Several stages of an unfinished merge.
    Unmerged,
}

/// A blob's id and mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Version {
    /// The id that the repository gives to these bytes as a blob.
    #[cfg_attr(test, schemars(regex(pattern = "^([0-9a-f]{40}|[0-9a-f]{64})$")))]
    pub oid: String,
    /// `100644`, `100755`, `120000` or `160000`.
    pub mode: Mode,
}

impl Version {
    /// Says whether it is the commit of a submodule, which has no content here.
    pub fn is_submodule(&self) -> bool {
        self.mode == Mode::Submodule
    }
}

/// What the index holds for a path, when that is neither the base's nor the work tree's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StagedVersion {
    /// The blob's id and mode.
    #[serde(flatten)]
    pub version: Version,
    /// How to make it from `old`; absent when the content is that of `old`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
}

/// Why nothing is saved of a submodule that a user removed from the disk.
pub const SUBMODULE_GONE: &str = "a submodule whose folder is gone; `git submodule update` brings it back";

/// A path that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Skipped {
    /// The path, with unsafe characters escaped.
    pub path: String,
    /// Why, for a person.
    pub reason: String,
}

impl Skipped {
    /// Names a path on this machine.
    pub fn at(path: &Path, reason: impl ToString) -> Skipped {
        let path = screen::Line(&path.to_string_lossy()).to_string();
        Skipped { path, reason: reason.to_string() }
    }
}
