//! The git edge: what a repository is, what is pending in it, and its blobs.
//!
//! Owns the `git2` crate (reading objects) and the `git` program (everything else: listing changes,
//! attributes, writing). Only the program lists correctly in sparse checkouts, with split and sparse
//! indexes, reftable and filters. libgit2 reads blobs fastest. Nothing here touches the user's index, refs
//! or stash, except [`index`], which puts a whole new index into place under git's own lock.

mod address;
mod base;
mod binary;
mod blobs;
mod cache_tree;
mod case_folding;
mod clean_filter;
mod command;
mod commits;
mod config;
mod conversion;
mod entries;
mod fetched_objects;
mod file_monitor;
mod filters;
mod find_without_git;
mod ignore_rules;
mod ignored;
pub mod index;
mod index_file;
mod index_update;
mod kept_remote;
mod local_time;
mod merge;
mod nearby_work_trees;
mod new_commits;
mod objects_aside;
mod only_here;
mod pending_list;
mod printed_paths;
mod remote;
mod remote_messages;
mod remote_settings;
mod remote_values;
mod scratch_objects;
mod scratch_tree;
mod settings_here;
mod special_files;
mod stand_in;
mod status;
mod status_here;
#[cfg(test)]
mod status_here_tests;
#[cfg(test)]
mod status_tests;
mod submodules;
mod torn_refs;
mod trees;
#[cfg(test)]
mod trees_tests;
mod unsaved;
mod user_config;
mod worktree;

use std::path::{Path, PathBuf};

use crate::base::digest::GitHash;
use crate::base::error::{Error, Kind, Result};

pub use base::{BaseHere, kept_ref};
pub use binary::binary_patch;
pub use blobs::{BlobStream, Blobs};
pub use clean_filter::{Cleaning, is_pointer};
use command::Git;
pub use commits::Changed;
pub use conversion::{CheckedOut, Conversion};
pub use entries::{Index, Indexed};
pub use fetched_objects::{Fetched, FetchedCommit, TreeEntry};
use find_without_git::{Found, FoundTree};
pub use index::IndexState;
pub use index_file::FileInPlace;
pub use kept_remote::RefMove;
pub use local_time::minutes_from_utc;
pub use merge::{MergeSide, Merged, named_markers, named_path};
pub use nearby_work_trees::{Nearby, repositories_below, work_tree_around, work_trees_of};
pub use only_here::{MOST_COUNTED, Stashed};
use printed_paths::path_from;
pub use remote::Remote;
pub use remote_messages::UNPACKER_ERROR;
pub use remote_values::{NewCommit, PushAnswer, RemoteRef, Retries};
pub use scratch_tree::{ATTRIBUTES, ChangedRules, IGNORE};
pub use stand_in::leave_none;
pub use status::{Hidden, Ignored, Listing, Pending, Stage, Status, Submodule};
pub use trees::TreeVersions;
pub use user_config::{user_path, user_setting, user_switch};
pub use worktree::{Head, MadeWorktree, NewWorktree};

/// A repository with a work tree.
pub struct Repository {
    git: Git,
    root: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
    hash: GitHash,
}

/// What a repository's index and HEAD looked like from outside: see [`Repository::stamp`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp([Option<(u64, u64, i64, i64)>; 3]);

/// What kind of place a folder is, for git.
pub enum Location {
    /// In a work tree.
    WorkTree(Repository),
    /// In a repository that has no work tree here.
    Bare(PathBuf),
    /// Not in a repository, or no `git` program.
    Outside,
}

impl Repository {
    /// Returns git's own folders, which nothing but git writes into.
    pub fn own_folders(&self) -> [&Path; 2] {
        [&self.git_dir, &self.common_dir]
    }

    /// Finds the repository around a folder.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git refuses the repository (another owner, a damaged
    /// configuration) or there is one but no `git` program.
    pub fn discover(folder: &Path) -> Result<Location> {
        let Some(git) = Git::find(folder) else {
            return match folder.ancestors().find(|above| above.join(".git").exists()) {
                None => Ok(Location::Outside),
                Some(root) => Err(Error::new(Kind::Environment, "Cannot run git")
                    .because(format!("{} is a repository, but no git program is on the PATH", root.display()))
                    .hint("install git 2.31 or later")),
            };
        };
        special_files::refuse(folder)?;
        match find_without_git::find(folder, crate::sys::process::effective_user()) {
            Some(Found::Outside) => return Ok(Location::Outside),
            Some(Found::WorkTree(found)) => return Repository::open(&git, found, GitHash::Sha1),
            None => {}
        }
        // Outside a work tree git stops at the last question, with the others answered.
        let asked = git.run(&[
            "rev-parse",
            "--path-format=absolute",
            "--is-inside-work-tree",
            "--absolute-git-dir",
            "--git-common-dir",
            "--show-object-format",
            "--show-toplevel",
        ])?;
        let lines = asked.lines();
        match lines.as_slice() {
            [b"true", git_dir, common_dir, format, root] if asked.ok => {
                let [root, git_dir, common_dir] = [root, git_dir, common_dir].map(|it| path_from(it));
                Repository::open(&git, FoundTree { root, git_dir, common_dir }, hash_of(format)?)
            }
            [b"false", git_dir, ..] => Ok(Location::Bare(path_from(git_dir))),
            _ if asked.ok => Repository::discover_one_by_one(&git, folder),
            _ if asked.stderr.contains("not a git repository") => Ok(Location::Outside),
            _ => Err(Error::new(Kind::Environment, format!("git refuses {}", folder.display()))
                .said(&asked.stderr)
                .hint(if asked.stderr.contains("ermission denied") {
                    "check who owns it and its permissions, then run the command again".to_owned()
                } else if !asked.stderr.contains("dubious ownership") {
                    "git's own message above says how to allow it".to_owned()
                } else {
                    format!(
                        "allow it as git says, or for this run alone: GIT_CONFIG_COUNT=1 \
                     GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0={}",
                        folder.display()
                    )
                })),
        }
    }

    /// Asks for each answer alone: a path may have line ends in it.
    fn discover_one_by_one(git: &Git, folder: &Path) -> Result<Location> {
        let ask = |question: &str| -> Result<Vec<u8>> {
            let asked = git.run(&["rev-parse", "--path-format=absolute", question])?;
            let answer = asked.stdout.strip_suffix(b"\n").filter(|_| asked.ok).map(<[u8]>::to_vec);
            answer.ok_or_else(|| {
                Error::new(
                    Kind::Environment,
                    format!("git gave an unexpected answer in {}", folder.display()),
                )
                .said(&asked.stderr)
                .hint("install git 2.31 or later")
            })
        };
        let git_dir = path_from(&ask("--absolute-git-dir")?);
        if ask("--is-inside-work-tree")? != b"true" {
            return Ok(Location::Bare(git_dir));
        }
        let (root, common_dir) = (path_from(&ask("--show-toplevel")?), path_from(&ask("--git-common-dir")?));
        let hash = hash_of(&ask("--show-object-format")?)?;
        Repository::open(git, FoundTree { root, git_dir, common_dir }, hash)
    }

    /// Opens a repository that was found, unless what was found contradicts itself.
    fn open(git: &Git, found: FoundTree, hash: GitHash) -> Result<Location> {
        let FoundTree { root, git_dir, common_dir } = found;
        if !belongs(&root, &git_dir) && !config::is_trusted(&git.settings()?, &root, &git_dir, &common_dir)? {
            return Err(elsewhere(&root, &git_dir));
        }
        if !shares(&git_dir, &common_dir) {
            return Err(strange_share(&git_dir, &common_dir));
        }
        let git = git.sheltered(&root, &git_dir, &common_dir)?;
        Ok(Location::WorkTree(Repository { git, root, git_dir, common_dir, hash }))
    }

    /// Returns the work tree's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns how the repository names its objects.
    pub fn hash(&self) -> GitHash {
        self.hash
    }

    /// Returns the work tree's name if it is a linked one.
    pub fn worktree_name(&self) -> Option<String> {
        let linked = self.git_dir != self.common_dir && self.git_dir.starts_with(&self.common_dir);
        let name = self.root.file_name().filter(|_| linked)?;
        Some(name.to_string_lossy().into_owned())
    }

    /// Returns the folder that outlives every linked work tree: the main work tree. For a bare
    /// repository with linked ones, it is the folder around its `.bare`, or the repository itself.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn home(&self) -> Result<PathBuf> {
        if self.git_dir == self.common_dir {
            return Ok(self.root.clone());
        }
        if let (Some(".git" | ".bare"), Some(parent)) =
            (self.common_dir.file_name().and_then(|name| name.to_str()), self.common_dir.parent())
        {
            return Ok(parent.to_owned());
        }
        let list = self.git.unsheltered().demand(&["worktree", "list", "--porcelain"])?;
        let main: Vec<&[u8]> = list.lines().into_iter().take_while(|line| !line.is_empty()).collect();
        let path = main.first().and_then(|line| line.strip_prefix(b"worktree ")).map(path_from);
        let bare = main.iter().any(|line| *line == b"bare");
        Ok(path.filter(|path| !bare && path.is_dir()).unwrap_or_else(|| self.common_dir.clone()))
    }

    /// Returns the name of an operation in progress (`merge`, `rebase`, …), if there is one.
    pub fn operation(&self) -> Option<&'static str> {
        const MARKS: [(&str, &str); 6] = [
            ("MERGE_HEAD", "merge"),
            ("rebase-merge", "rebase"),
            ("rebase-apply", "rebase"),
            ("CHERRY_PICK_HEAD", "cherry-pick"),
            ("REVERT_HEAD", "revert"),
            ("BISECT_LOG", "bisect"),
        ];
        MARKS.iter().find(|(mark, _)| self.git_dir.join(mark).exists()).map(|(_, name)| *name)
    }

    /// Returns what changes whenever git commits, stages or checks out: identity, size and
    /// time of the index and of HEAD. Equal stamps before and after reading mean that no git
    /// worked in between.
    pub fn stamp(&self) -> Stamp {
        use std::os::unix::fs::MetadataExt as _;
        Stamp(["index", "HEAD", "logs/HEAD"].map(|name| {
            let meta = std::fs::metadata(self.git_dir.join(name)).ok()?;
            Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
        }))
    }

    /// Opens a blob to be read from its start. The memory does not depend on its size, unless git keeps
    /// it as a delta.
    ///
    /// # Errors
    /// What git or the system says.
    pub fn blob_stream(&self, oid: &str) -> std::io::Result<BlobStream> {
        BlobStream::open(&self.git, oid)
    }

    /// Opens the repository's blobs for reading.
    pub fn blobs(&self) -> Blobs<'_> {
        Blobs::open(&self.git, &self.git_dir)
    }
}

/// Lets blobs be read as git itself reads them: checked by the pack's checksum, without hashing them
/// once more.
///
/// libgit2 has one switch for the whole process. So only a command that shows content and writes none calls this,
/// once, before it reads the first blob: `snap diff` and `snap view`.
pub fn read_blobs_only_to_show() {
    git2::opts::strict_hash_verification(false);
}

/// Says whether the content of a work tree proves that it belongs to a repository. The repository's
/// configuration alone is not enough: it could name any folder of the user's.
fn belongs(root: &Path, git_dir: &Path) -> bool {
    let Ok(git_dir) = git_dir.canonicalize() else { return false };
    match crate::sys::programs::repository_in(root) {
        Some(there) => git_dir == there,
        // A folder beside `.git` is of the same project.
        None => {
            let around = git_dir.parent().filter(|_| git_dir.ends_with(".git"));
            around.is_some_and(|around| root.canonicalize().is_ok_and(|root| root.starts_with(around)))
        }
    }
}

/// Says whether a repository's own folder is where git puts that of a linked work tree. A file in it
/// names the folder that they share, and could name that of any repository of the user's.
fn shares(git_dir: &Path, common_dir: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    let (own, common) = (real(git_dir), real(common_dir));
    own == common || own.as_deref().and_then(Path::parent) == common.map(|it| it.join("worktrees")).as_deref()
}

fn strange_share(git_dir: &Path, common_dir: &Path) -> Error {
    Error::new(Kind::Refused, format!("{} is not the folder of a linked work tree", git_dir.display()))
        .because(format!("it claims to share {}, which does not list it", common_dir.display()))
        .hint(format!("if it is not yours, leave it alone; otherwise remove {}/commondir", git_dir.display()))
}

fn elsewhere(root: &Path, git_dir: &Path) -> Error {
    Error::new(Kind::Refused, format!("git takes {} for the work tree", root.display()))
        .because(format!(
            "`core.worktree` in {} says so, and nothing in that folder confirms it",
            git_dir.display()
        ))
        .hint(format!(
            "if it is yours: git config --global --add snap.trustedRepository {}",
            crate::base::screen::Line(&root.to_string_lossy())
        ))
}

/// Reads how a repository names its objects.
fn hash_of(format: &[u8]) -> Result<GitHash> {
    match format {
        b"sha1" => Ok(GitHash::Sha1),
        b"sha256" => Ok(GitHash::Sha256),
        _ => Err(Error::new(Kind::Environment, "The repository names its objects in an unknown way")
            .because(String::from_utf8_lossy(format))),
    }
}
