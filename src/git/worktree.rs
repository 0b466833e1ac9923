//! Linked work trees: listing them and making one; where HEAD is, and moving it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::Repository;
use super::command::GitOutput;
use super::printed_paths::path_from;
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::screen::{Line, quoted};
use crate::sys::signals;

/// A linked work tree that was just made; taken away again unless it is kept.
pub struct NewWorktree<'a> {
    repository: &'a Repository,
    made: MadeWorktree,
    unconverted: Option<String>,
    kept: bool,
}

/// What was made for a linked work tree.
#[derive(Clone, Debug)]
pub struct MadeWorktree {
    /// Its root, links resolved.
    pub root: PathBuf,
    /// The branch, if that was made too.
    pub new_branch: Option<String>,
    /// The folders above it that were not there.
    made_above: Vec<PathBuf>,
}

/// Where HEAD is.
pub struct Head {
    /// The branch; `None` when detached.
    pub branch: Option<String>,
    /// The commit; `None` when unborn.
    pub commit: Option<String>,
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
        let list = self.git.unsheltered().demand(&["worktree", "list", "--porcelain"])?;
        let roots =
            list.lines().into_iter().filter_map(|line| line.strip_prefix(b"worktree ")).map(path_from);
        Ok(roots.filter(|root| *root != self.root).collect())
    }

    /// Says whether a work tree can be made for a branch of this name: git takes it, and it is checked out nowhere.
    ///
    /// # Errors
    /// As [`Repository::other_worktree_of`].
    pub fn takes_branch(&self, name: &str) -> Result<bool> {
        let is_name = !name.starts_with('-') && git2::Reference::is_valid_name(&format!("refs/heads/{name}"));
        Ok(is_name && self.head()?.branch.as_deref() != Some(name) && self.other_worktree_of(name)?.is_none())
    }

    /// Returns another work tree in which a branch is checked out.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn other_worktree_of(&self, branch: &str) -> Result<Option<PathBuf>> {
        if !self.common_dir.join("worktrees").is_dir() {
            return Ok(None);
        }
        let list = self.git.unsheltered().demand(&["worktree", "list", "--porcelain"])?;
        let wanted = format!("branch refs/heads/{branch}");
        let mut root = PathBuf::new();
        for line in list.lines() {
            if let Some(path) = line.strip_prefix(b"worktree ") {
                root = path_from(path);
            }
            if line == wanted.as_bytes() && root != self.root {
                return Ok(Some(root));
            }
        }
        Ok(None)
    }

    /// Returns the branch that HEAD is on, and its commit.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn head(&self) -> Result<Head> {
        let text = |answer: GitOutput| {
            answer.ok.then(|| String::from_utf8_lossy(&answer.stdout).trim_end().to_owned())
        };
        Ok(Head {
            branch: text(self.git.run(&["symbolic-ref", "--quiet", "--short", "HEAD"])?),
            commit: text(self.git.run(&["rev-parse", "--verify", "--quiet", "HEAD"])?),
        })
    }

    /// Says whether there is a branch of this name.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn has_branch(&self, branch: &str) -> Result<bool> {
        let name = format!("refs/heads/{branch}");
        Ok(self.git.run(&["show-ref", "--verify", "--quiet", &name])?.ok)
    }

    /// Returns what `git switch` takes to check out a branch that has a commit, of this repository if it can be, else of a remote;
    /// else the commit itself; `None` if it is not here.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn way_to_switch(&self, commit: &str) -> Result<Option<String>> {
        if !self.has_commit(commit)? {
            return Ok(None);
        }
        let branches = ["for-each-ref", "--format=%(refname)", "--contains", commit];
        let listed = |below: &str| -> Result<Option<String>> {
            let answer = self.git.run(&[&branches[..], &[below]].concat())?;
            let text = String::from_utf8_lossy(&answer.stdout).into_owned();
            let mut names = text.lines().filter_map(|name| name.strip_prefix(below));
            Ok(names.find(|name| !name.ends_with("/HEAD")).map(str::to_owned))
        };
        if let Some(branch) = listed("refs/heads/")? {
            return Ok(Some(quoted(&Line(&branch).to_string())));
        }
        // Git makes a branch of that name, which follows the remote's.
        let remote = listed("refs/remotes/")?;
        let of_remote = remote.as_ref().and_then(|name| name.split_once('/')).map(|(_, branch)| branch);
        let detached = || format!("--detach {}", commit.chars().take(10).collect::<String>());
        Ok(Some(of_remote.map_or_else(detached, |branch| quoted(&Line(branch).to_string()))))
    }

    /// Says whether a branch that is gone goes on under this name: its log says so.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn was_renamed(&self, gone: &str, now: &str) -> Result<bool> {
        let name = format!("refs/heads/{now}");
        let log = self.git.run(&["reflog", "show", "--format=%gs", &name, "--"])?;
        let said = format!("Branch: renamed refs/heads/{gone} to refs/heads/");
        let mut lines = log.stdout.split(|byte| *byte == b'\n');
        Ok(log.ok && lines.any(|line| line.starts_with(said.as_bytes())) && !self.has_branch(gone)?)
    }

    /// Moves the branch that HEAD is on, or a detached HEAD, from one commit to another, and
    /// says why in its reflog. Neither index nor work tree is touched.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says: it is no longer at `from`, say.
    pub fn move_head(&self, from: &str, to: &str, why: &str) -> Result<()> {
        if let Some(branch) = self.head()?.branch {
            self.refuse_led_away(&format!("refs/heads/{branch}"))?;
        }
        led_away(&self.git_dir, "logs/HEAD")?;
        self.git.unsheltered().demand(&["update-ref", "-m", why, "HEAD", to, from]).map(drop)
    }

    /// Refuses to let git write a ref if the ref or its log is a link to somewhere else. Git follows
    /// such links, and they may have come with the repository.
    pub(super) fn refuse_led_away(&self, name: &str) -> Result<()> {
        led_away(&self.common_dir, name)?;
        led_away(&self.common_dir, &format!("logs/{name}"))
    }

    /// Makes a linked work tree again that was at `root`: on its branch, which is created at `commit` if it
    /// is gone too, or with HEAD at `commit`. No hook runs.
    ///
    /// # Errors
    /// [`Kind::Refused`] with what git says.
    pub fn remake_worktree(
        &self,
        root: &Path,
        branch: Option<&str>,
        commit: &str,
    ) -> Result<NewWorktree<'_>> {
        self.ready_for_worktrees()?;
        let place = root.as_os_str();
        // git may still have the folder in its list: without force it would not put anything there.
        let mut words: Vec<&std::ffi::OsStr> =
            [self.absolute(), &["worktree", "add", "--force"]].concat().into_iter().map(OsStr::new).collect();
        let (existing, from) = match branch {
            Some(branch) if self.has_branch(branch)? => (true, branch),
            Some(branch) => {
                words.extend(["-b".as_ref(), std::ffi::OsStr::new(branch)]);
                (false, commit)
            }
            None => {
                words.push("--detach".as_ref());
                (true, commit)
            }
        };
        words.extend(["--".as_ref(), place, from.as_ref()]);
        let answer = self.git.run(&words)?;
        if !answer.ok {
            return Err(Error::new(
                Kind::Refused,
                format!("Cannot make the work tree {} again", root.display()),
            )
            .because(answer.stderr.trim())
            .hint("`snap resume NAME --worktree BRANCH` brings it back on another branch"));
        }
        let root = root.canonicalize().context("find", root)?;
        let new_branch = branch.filter(|_| !existing).map(str::to_owned);
        let made = MadeWorktree { root, new_branch, made_above: Vec::new() };
        let made = NewWorktree { repository: self, made, unconverted: None, kept: false };
        self.lead_home(made.root())?;
        Ok(made)
    }

    /// Makes a linked work tree at `root` for a branch, which is created at `commit` if it does
    /// not exist. No hook runs.
    ///
    /// # Errors
    /// [`Kind::Refused`] with what git says: the branch is checked out elsewhere, the folder
    /// exists, or the name can't be a branch.
    pub fn add_worktree(&self, root: &Path, branch: &str, commit: &str) -> Result<NewWorktree<'_>> {
        let exists = self.has_branch(branch)?;
        let made_above = root.ancestors().skip(1).take_while(|above| !above.exists());
        let made_above: Vec<PathBuf> = made_above.map(Path::to_owned).collect();
        if let Some(above) = root.parent() {
            std::fs::create_dir_all(above).context("create", above)?;
        }
        self.ready_for_worktrees()?;
        let mut answer = self.run_worktree_add(&[], root, branch, commit, exists)?;
        let mut unconverted = None;
        // A filter that fails (git-lfs is not installed, say) is no reason to have no work tree at all; one that Ctrl-C ended is.
        if !answer.ok && answer.stderr.contains("filter") && !signals::was_interrupted() {
            self.forget_branch(branch, commit, exists)?;
            let said = std::mem::replace(
                &mut answer,
                self.run_worktree_add(&self.no_filter_required()?, root, branch, commit, exists)?,
            );
            unconverted = Some(said.stderr);
        }
        if !answer.ok {
            self.forget_branch(branch, commit, exists)?;
            remove_empty(&made_above);
            return Err(Error::new(Kind::Refused, format!("Cannot make a work tree at {}", root.display()))
                .said(&answer.stderr)
                .hint("take another branch, or another folder with `--into DIR`"));
        }
        let root = root.canonicalize().context("find", root)?;
        let new_branch = (!exists).then(|| branch.to_owned());
        let made = MadeWorktree { root, new_branch, made_above };
        let made = NewWorktree { repository: self, made, unconverted, kept: false };
        self.lead_home(made.root())?;
        Ok(made)
    }

    /// Takes a work tree away again that was made a moment ago: it holds nothing but what is committed or in a snapshot.
    /// Says whether nothing of it is left.
    pub fn take_away(&self, made: &MadeWorktree) -> bool {
        let place = made.root.as_os_str();
        let _gone = self.git.run(&["worktree".as_ref(), "remove".as_ref(), "--force".as_ref(), place]);
        if let Some(branch) = &made.new_branch {
            let _gone = self.git.run(&["branch", "-D", "--", branch]);
        }
        remove_empty(&made.made_above);
        let has_branch = |branch: &String| self.has_branch(branch).unwrap_or(true);
        made.root.symlink_metadata().is_err() && !made.new_branch.as_ref().is_some_and(has_branch)
    }
}

impl Repository {
    /// Makes what git makes by itself, but not through a stand-in's links.
    fn ready_for_worktrees(&self) -> Result<()> {
        for folder in ["worktrees", "logs"].map(|name| self.common_dir.join(name)) {
            std::fs::create_dir_all(&folder).context("create", &folder)?;
        }
        Ok(())
    }

    /// Returns settings with which a work tree and its repository refer to each other by full paths.
    /// Relative ones would start from a stand-in.
    fn absolute(&self) -> &'static [&'static str] {
        if self.git.is_sheltered() { &["-c", "worktree.useRelativePaths=false"] } else { &[] }
    }

    /// Makes a new work tree refer to the repository's own folder. Git has just written a reference
    /// that may lead there through a stand-in, which is soon gone.
    fn lead_home(&self, root: &Path) -> Result<()> {
        if !self.git.is_sheltered() {
            return Ok(());
        }
        let file = root.join(".git");
        let written = std::fs::read(&file).context("read", &file)?;
        let led = written.strip_prefix(b"gitdir: ").and_then(|led| led.strip_suffix(b"\n"));
        let Some(led) = led.map(path_from) else { return Ok(()) };
        let home = root.join(&led).canonicalize().context("find", &led)?;
        if root.join(&led) != home {
            let line = [b"gitdir: ", home.as_os_str().as_bytes(), b"\n"].concat();
            std::fs::write(&file, line).context("write", &file)?;
        }
        Ok(())
    }

    fn run_worktree_add(
        &self,
        options: &[String],
        root: &Path,
        branch: &str,
        commit: &str,
        exists: bool,
    ) -> Result<GitOutput> {
        let mut words: Vec<&OsStr> = options.iter().map(OsStr::new).collect();
        words.extend([self.absolute(), &["worktree", "add"]].concat().into_iter().map(OsStr::new));
        if exists {
            words.extend([OsStr::new("--"), root.as_os_str(), branch.as_ref()])
        } else {
            words.extend(["-b".as_ref(), branch.as_ref(), "--".as_ref(), root.as_os_str(), commit.as_ref()])
        }
        self.git.run(&words)
    }

    /// Returns options with which a filter that fails leaves content as it is committed.
    fn no_filter_required(&self) -> Result<Vec<String>> {
        let names = r"^filter\..*\.(required|process)$";
        let answer = self.git.run(&["config", "--name-only", "--get-regexp", names])?;
        let names = answer.lines().into_iter().filter(|name| !name.is_empty()).map(String::from_utf8_lossy);
        // One process for all files would take the others with it.
        let lenient = |name: &str| match name.strip_suffix("required") {
            Some(_) => format!("{name}=false"),
            None => format!("{name}="),
        };
        Ok(names.flat_map(|name| ["-c".to_owned(), lenient(&name)]).collect())
    }

    /// Removes a branch that a failed attempt has left, if it is where that would have put it.
    fn forget_branch(&self, branch: &str, commit: &str, existed: bool) -> Result<()> {
        if !existed {
            let name = format!("refs/heads/{branch}");
            let _gone_or_never_there = self.git.run(&["update-ref", "-d", &name, commit])?;
        }
        Ok(())
    }
}

impl NewWorktree<'_> {
    /// Returns git's message if a filter failed. The files that need the filter are as they are
    /// committed.
    pub fn unconverted(&self) -> Option<&str> {
        self.unconverted.as_deref()
    }

    /// Returns its root, links resolved.
    pub fn root(&self) -> &Path {
        &self.made.root
    }

    /// Returns what was made for it.
    pub fn made(&self) -> &MadeWorktree {
        &self.made
    }

    /// Takes it away again; says whether nothing of it is left.
    pub fn take_away(mut self) -> bool {
        self.kept = true;
        self.repository.take_away(&self.made)
    }

    /// Keeps it.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for NewWorktree<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.repository.take_away(&self.made);
        }
    }
}

/// Removes folders, innermost first, as far as they are empty.
fn remove_empty(folders: &[PathBuf]) {
    for folder in folders {
        let _best_effort = std::fs::remove_dir(folder);
    }
}

/// Refuses a link on the way to a file of git's, in its place, or as its second name.
fn led_away(folder: &Path, file: &str) -> Result<()> {
    let refused = |path: &Path, why: &str| {
        Err(Error::new(Kind::Refused, format!("git is not told to write {}", folder.join(file).display()))
            .because(format!("{} {why}", path.display()))
            .hint("if you did not make it, the repository did not come from where you think: look at its `.git`"))
    };
    let mut path = folder.to_owned();
    for part in Path::new(file) {
        path.push(part);
        match path.symlink_metadata() {
            Ok(meta) if meta.is_symlink() => return refused(&path, "is a symbolic link"),
            Ok(meta) if meta.is_file() && meta.nlink() > 1 => {
                return refused(&path, "has a second name, which may be that of any file");
            }
            _ => {}
        }
    }
    Ok(())
}
