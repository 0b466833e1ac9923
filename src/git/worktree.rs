//! Linked work trees, and whether a commit is here.

use std::path::{Path, PathBuf};

use super::{Repository, command};
use crate::error::{Error, IoContext as _, Kind, Result};

/// A linked work tree that was just made; taken away again unless it is kept.
pub struct NewWorktree<'a> {
    repository: &'a Repository,
    root: PathBuf,
    new_branch: Option<String>,
    kept: bool,
}

impl Repository {
    /// Returns the roots of the repository's other work trees; costs nothing if there are none.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn other_worktrees(&self) -> Result<Vec<PathBuf>> {
        if !self.common_dir.join("worktrees").is_dir() {
            return Ok(Vec::new());
        }
        let list = self.git.demand(&["worktree", "list", "--porcelain"])?;
        let roots = list
            .lines()
            .into_iter()
            .filter_map(|line| line.strip_prefix(b"worktree "))
            .map(command::path_from);
        Ok(roots.filter(|root| *root != self.root).collect())
    }

    /// Says whether the repository has a commit.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn has_commit(&self, id: &str) -> Result<bool> {
        let hex = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok(hex && self.git.run(&["cat-file", "-e", &format!("{id}^{{commit}}")])?.ok)
    }

    /// Makes the error for a commit that is not here, with the fetch that would bring it.
    pub fn lacks_commit(&self, id: &str) -> Error {
        let remotes = self.git.run(&["remote"]).map(|answer| answer.stdout).unwrap_or_default();
        let remote = String::from_utf8_lossy(&remotes).lines().next().unwrap_or("REMOTE").to_owned();
        Error::new(Kind::Refused, "This repository does not have the commit that the snapshot was made on")
            .because(format!("{id} is not here: it was not fetched, or this is another repository"))
            .hint(format!(
                "fetch it with `git fetch {remote} {id}` and try again; `--trust-repository` goes on without it"
            ))
    }

    /// Makes a linked work tree at `root` for a branch, which is created at `commit` if it does
    /// not exist. No hook runs.
    ///
    /// # Errors
    /// [`Kind::Refused`] with what git says: the branch is checked out elsewhere, the folder
    /// exists, or the name can't be a branch.
    pub fn add_worktree(&self, root: &Path, branch: &str, commit: &str) -> Result<NewWorktree<'_>> {
        let exists = self.git.run(&["show-ref", "--verify", "--quiet", &format!("refs/heads/{branch}")])?.ok;
        if let Some(above) = root.parent() {
            std::fs::create_dir_all(above).context("create", above)?;
        }
        let place = root.as_os_str();
        let answer = match exists {
            true => {
                self.git.run(&["worktree".as_ref(), "add".as_ref(), "--".as_ref(), place, branch.as_ref()])?
            }
            false => self.git.run(&[
                "worktree".as_ref(),
                "add".as_ref(),
                "-b".as_ref(),
                branch.as_ref(),
                "--".as_ref(),
                place,
                commit.as_ref(),
            ])?,
        };
        if !answer.ok {
            return Err(Error::new(Kind::Refused, format!("Cannot make a work tree at {}", root.display()))
                .because(answer.stderr.trim())
                .hint("take another branch, or another folder with `--into DIR`"));
        }
        let root = root.canonicalize().context("find", root)?;
        Ok(NewWorktree {
            repository: self,
            root,
            new_branch: (!exists).then(|| branch.to_owned()),
            kept: false,
        })
    }
}

impl NewWorktree<'_> {
    /// Returns its root, links resolved.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Keeps it.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for NewWorktree<'_> {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // It was made a moment ago and holds nothing but what is committed or in the snapshot.
        let place = self.root.as_os_str();
        let _gone =
            self.repository.git.run(&["worktree".as_ref(), "remove".as_ref(), "--force".as_ref(), place]);
        if let Some(branch) = &self.new_branch {
            let _gone = self.repository.git.run(&["branch", "-D", "--", branch]);
        }
    }
}
