//! The commit that a snapshot was made on: whether it is here, fetching it on request, and keeping it from
//! git's garbage collection.
//!
//! A ref under `refs/snap/` keeps it. No branch listing shows that ref, and no plain push sends it. What rewrites
//! history (`git filter-branch -- --all`, `git filter-repo`) rewrites that ref too. So another one, under
//! `refs/snap-trees/`, keeps the commit's tree: a ref that leads to no commit is left as it is.
//!
//! A fetch brings exactly that commit with what it needs, and writes nothing else: no branch, tag, `FETCH_HEAD`
//! or setting.

use super::Repository;
use crate::base::digest::GitHash;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;
use crate::sys::parallel;

/// Where the refs are that keep commits,
pub(super) const KEPT_COMMITS: &str = "refs/snap";

/// and those that keep their trees.
pub(super) const KEPT_TREES: &str = "refs/snap-trees";

/// What is here of the commit that a snapshot was made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseHere {
    /// The commit.
    Commit,
    /// Only its tree, which has all of its files: history was rewritten since.
    Tree(String),
    /// Nothing.
    Nothing,
}

impl Repository {
    /// Says what is here of the commit that a snapshot was made on.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn base_here(&self, snapshot: &SnapshotId, commit: &str) -> Result<BaseHere> {
        if self.has_commit(commit)? {
            return Ok(BaseHere::Commit);
        }
        let tree = format!("{}^{{tree}}", kept_tree(snapshot));
        let answer = self.git.unsheltered().run(&["rev-parse", "--verify", "--quiet", &tree])?;
        let id = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        Ok(if answer.ok && self.has_tree(&id)? { BaseHere::Tree(id) } else { BaseHere::Nothing })
    }

    /// Says whether the repository has a tree, or a commit with one.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn has_tree(&self, id: &str) -> Result<bool> {
        let hex = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok(hex && self.git.run(&["cat-file", "-e", &format!("{id}^{{tree}}")])?.ok)
    }

    /// Says whether the repository has a commit.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn has_commit(&self, id: &str) -> Result<bool> {
        let hex = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok(hex && self.git.run(&["cat-file", "-e", &format!("{id}^{{commit}}")])?.ok)
    }

    /// Says whether one commit is an ancestor of another one, or the same; not if one of them is not here.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn is_ancestor(&self, old: &str, new: &str) -> Result<bool> {
        let is_hex = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok(is_hex(old) && is_hex(new) && self.git.run(&["merge-base", "--is-ancestor", old, new])?.ok)
    }

    /// Makes the error for a commit that is not here, with the fetch that would bring it.
    pub fn lacks_commit(&self, id: &str) -> Error {
        Error::new(Kind::Refused, "This repository does not have the commit that the snapshot was made on")
            .because(format!("{id} is not here: it was not fetched, a rewrite of the history removed it, or this is another repository"))
            .hint(format!(
                "`--fetch-base` fetches it first (`{}`); with `snap resume` and `snap merge`, `--trust-repository` \
                 continues without it",
                self.fetch_of(id)
            ))
    }

    /// The same for a command that only looks, and can't fetch it; `instead` says what goes without it.
    pub fn lacks_commit_to_look(&self, id: &str, instead: &str) -> Error {
        let error = self.lacks_commit(id);
        error.hint(format!("`{}` brings it, if it is there; {instead}", self.fetch_of(id)))
    }

    fn fetch_of(&self, id: &str) -> String {
        let remote = self.remote_to_ask(None).ok().flatten().unwrap_or_else(|| "REMOTE".to_owned());
        let depth = if self.is_shallow() { "--depth=1 " } else { "" };
        format!("git fetch {depth}{remote} {id}")
    }

    /// Fetches a commit from a remote: all its history, or in a shallow repository it alone.
    ///
    /// # Errors
    /// [`Kind::Refused`] if it can't be had there, with what git says.
    pub fn fetch_commit(&self, remote: &str, id: &str, interactive: bool) -> Result<()> {
        let length = match self.hash {
            GitHash::Sha1 => 40,
            GitHash::Sha256 => 64,
        };
        if id.len() != length || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::new(Kind::Damaged, "The snapshot's base is not a commit of this repository")
                .because(format!(
                    "{:?} is not a commit id in this repository's format",
                    Line(id).to_string()
                )));
        }
        let from = self.addresses(remote)?.fetch;
        let mut command = self.git.command_for_remotes(&self.git_dir, interactive);
        command.args(["-c", "fetch.writeCommitGraph=false", "fetch", "--quiet", "--no-tags"]);
        command.args([
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--recurse-submodules=no",
            "--refmap=",
        ]);
        if self.is_shallow() {
            command.arg("--depth=1");
        }
        let answer = self.git.finish(command.args(["--", &from, id]), &[])?;
        if answer.ok && self.has_commit(id)? {
            return Ok(());
        }
        let remote = crate::git::remote_messages::without_password(remote);
        let said = crate::git::remote_messages::without_password(&answer.stderr);
        Err(Error::new(
            Kind::Refused,
            format!("Cannot fetch the snapshot's base commit from {}", Line(&remote)),
        )
        .said(&said)
        .hint(
            "whoever saved the snapshot can push that commit, or transfer the snapshot with `snap export \
             --with-base`",
        ))
    }

    /// Returns the remote to ask for a commit: the preferred one if there is such a remote,
    /// else `origin`, else the first.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn remote_to_ask(&self, preferred: Option<&str>) -> Result<Option<String>> {
        let names = self.remotes()?;
        let known = |wanted: &str| names.iter().find(|name| *name == wanted);
        let chosen = preferred.and_then(known).or_else(|| known("origin")).or_else(|| names.first());
        Ok(chosen.cloned())
    }

    /// Returns the names of the remotes.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn remotes(&self) -> Result<Vec<String>> {
        let answer = self.git.unsheltered().demand(&["remote"])?;
        Ok(String::from_utf8_lossy(&answer.stdout).lines().map(str::to_owned).collect())
    }

    /// Returns the names of the branches.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn branches(&self) -> Result<Vec<String>> {
        let answer = self.git.demand(&["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"])?;
        Ok(String::from_utf8_lossy(&answer.stdout).lines().map(str::to_owned).collect())
    }

    /// Says whether this is a partial clone: it left objects with its remote, to be fetched when they
    /// are needed.
    pub fn is_partial(&self) -> bool {
        let packs = std::fs::read_dir(self.common_dir.join("objects/pack")).into_iter().flatten().flatten();
        packs.into_iter().any(|pack| pack.path().extension().is_some_and(|extension| extension == "promisor"))
    }

    fn is_shallow(&self) -> bool {
        self.common_dir.join("shallow").exists()
    }

    /// Keeps a commit from git's garbage collection as long as a snapshot needs it; and its tree, which
    /// stays when all commits are rewritten.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn keep_commit(&self, snapshot: &SnapshotId, commit: &str) -> Result<()> {
        let (kept, tree) = (kept_ref(snapshot), kept_tree(snapshot));
        self.refuse_led_away(&kept)?;
        self.refuse_led_away(&tree)?;
        [&kept, &tree].into_iter().try_for_each(|name| self.remove_torn(name))?;
        if let Some(its_tree) = self.blobs().tree_of(commit) {
            // Each waits for the disk; together they wait no longer than one of them.
            let (commit, tree) =
                parallel::both(|| self.write_ref(&kept, commit), || self.write_ref(&tree, &its_tree));
            return commit.and(tree);
        }
        let input = format!("update {kept} {commit}\nupdate {tree} {commit}^{{tree}}\n");
        self.git
            .unsheltered()
            .demand_with(
                &["-c", "core.fsync=reference", "update-ref", "--no-deref", "--stdin"],
                &[],
                input.as_bytes(),
            )
            .map(drop)
    }

    /// Removes what [`Repository::keep_commit`] has kept; nothing happens if it kept nothing.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn release_commit(&self, snapshot: &SnapshotId) -> Result<()> {
        self.release_commits(&[snapshot])
    }

    /// Removes the refs that keep the base commits of several snapshots, with one run of git. A
    /// snapshot without a ref is skipped.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says; all of it is kept then.
    pub fn release_commits(&self, snapshots: &[&SnapshotId]) -> Result<()> {
        let names = snapshots.iter().flat_map(|snapshot| [kept_ref(snapshot), kept_tree(snapshot)]);
        let there: Vec<String> = names.filter(|name| self.refuse_led_away(name).is_ok()).collect();
        for name in &there {
            // Left by a save that was killed: nobody but that one ever writes this ref.
            let _none = crate::sys::files::remove(&self.common_dir.join(format!("{name}.lock")));
            self.remove_torn(name)?;
        }
        let input: String = there.iter().map(|name| format!("delete {name}\n")).collect();
        if input.is_empty() {
            return Ok(());
        }
        self.git
            .unsheltered()
            .demand_with(&["update-ref", "--no-deref", "--stdin"], &[], input.as_bytes())
            .map(drop)
    }
}

/// Returns the ref that keeps a snapshot's base commit.
pub fn kept_ref(snapshot: &SnapshotId) -> String {
    format!("{KEPT_COMMITS}/{snapshot}")
}

/// Returns the ref that keeps the tree of a snapshot's base commit. What rewrites all commits leaves it as
/// it is.
fn kept_tree(snapshot: &SnapshotId) -> String {
    format!("{KEPT_TREES}/{snapshot}")
}
