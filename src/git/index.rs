//! The index, replaced as a whole under git's own lock.
//!
//! `index.lock` is held from before the first change to the work tree until the new index is renamed into
//! place, so no other git works in between. The new index is made beside it, by git where it is not plain: see
//! `index_update.rs`. Until the rename, the user's index is untouched.
//!
//! Lock and copy carry the id of their restore. So the clean-up after a killed restore never removes
//! somebody else's.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::index_file::FileInPlace;
use super::{Index, Repository, Stamp};
use crate::base::digest::ObjectId;
use crate::base::error::{Error, IoContext, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::paths::RepoPath;
use crate::manifest::{HiddenBy, Mode, Version};
use crate::sys::sync::WholeDisk;
use crate::sys::work_tree::Tree;

/// Settings for every command that changes an index. Git syncs what it writes (before 2.36 it ignores
/// that setting), and adds or removes no mark by itself.
const EXACTLY: [&str; 6] =
    ["-c", "core.fsync=all", "-c", "core.ignoreStat=false", "-c", "sparse.expectFilesOutsideOfPatterns=true"];

/// What the index shall hold for a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexEntry {
    /// Nothing.
    Absent,
    /// This blob.
    Blob(Version),
    /// The empty mark of `git add --intent-to-add`, for a file of this mode.
    IntentToAdd(Mode),
    /// Several stages of an unfinished merge, by number.
    Unmerged(Vec<(u8, Version)>),
}

/// What changes in the index.
#[derive(Clone, Debug, Default)]
pub struct IndexChanges {
    /// What it shall hold for these paths.
    pub entries: Vec<(RepoPath, IndexEntry)>,
    /// The mark that hides edits of these paths from git, or that there shall be none.
    pub marks: Vec<(RepoPath, Option<HiddenBy>)>,
    /// Files that are written while what the index holds for them stays.
    pub written: BTreeSet<RepoPath>,
}

impl IndexChanges {
    /// Says whether nothing changes.
    ///
    /// What git has noted about written files may change: git finds that out by itself.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.marks.is_empty()
    }
}

/// The index and HEAD as a plan saw them.
#[derive(Clone, Debug)]
pub struct IndexState {
    pub(super) stamp: Stamp,
    pub(super) head: Option<String>,
    /// The hash of all entries.
    pub(super) index: ObjectId,
}

/// The lock on a repository's index. It outlives its process, until [`IndexLock::release`].
pub struct IndexLock<'a> {
    repository: &'a Repository,
    id: SnapshotId,
}

/// How the content of a lock begins that is ours.
const HELD: &str = "held by snap for the restore ";

impl Repository {
    /// Returns the settings with which git writes the whole index into one file. Without them it may
    /// write an index that is sparse and split, which it can't read back. And where something is unmerged
    /// in a sparse index, git 2.47 can crash.
    fn whole_index(&self) -> Result<&'static [&'static str]> {
        if !self.has_sparse_checkout() {
            return Ok(&[]);
        }
        let split = self.git.run(&["config", "--type=bool", "--get", "core.splitIndex"])?;
        if split.stdout.starts_with(b"true") {
            return Ok(&["-c", "core.splitIndex=false", "-c", "index.sparse=false"]);
        }
        let sparse = self.git.run(&["config", "--type=bool", "--get", "index.sparse"])?;
        let is_unmerged = || Ok(!self.git.run(&["ls-files", "--unmerged", "-z"])?.stdout.is_empty());
        if sparse.stdout.starts_with(b"true") && is_unmerged()? {
            Ok(&["-c", "index.sparse=false"])
        } else {
            Ok(&[])
        }
    }

    /// Returns the untracked files, ignored ones too, that match any of git's path patterns.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn untracked_matching(&self, patterns: &[String]) -> Result<Vec<RepoPath>> {
        if patterns.is_empty() {
            return Ok(Vec::new());
        }
        let words = self.as_the_disk_has_case().iter().chain(&["ls-files", "-z", "--others", "--"]);
        let words = words.map(|word| (*word).to_owned());
        let arguments: Vec<String> = words.chain(patterns.iter().cloned()).collect();
        let answer =
            self.git.demand_with(&arguments, &[("GIT_LITERAL_PATHSPECS", OsString::from("0"))], &[])?;
        Ok(answer.stdout.split(|byte| *byte == 0).filter_map(|path| RepoPath::new(path).ok()).collect())
    }

    /// Takes git's own lock on the index for the restore of this id, if the index and HEAD are still as
    /// they were `seen`.
    ///
    /// # Errors
    /// [`Kind::Environment`] if another git holds it; [`Kind::Conflict`] if one has worked since.
    pub fn lock_index(&self, id: &SnapshotId, seen: Option<&IndexState>) -> Result<IndexLock<'_>> {
        let lock = self.take_index_lock(id)?;
        // What only looked at the tree may have written the same index again.
        if let Some(seen) = seen
            && self.stamp() != seen.stamp
            && self.see_index()? != (seen.head.clone(), seen.index)
        {
            lock.release()?;
            return Err(Error::new(Kind::Conflict, "git changed the index or HEAD meanwhile")
                .hint("run the command again; nothing was changed"));
        }
        Ok(lock)
    }

    fn see_index(&self) -> Result<(Option<String>, ObjectId)> {
        let index = self.index()?.fingerprint();
        let head = self.git.run(&["rev-parse", "--verify", "--quiet", "HEAD"])?;
        let head = head.ok.then(|| String::from_utf8_lossy(&head.stdout).trim().to_owned());
        Ok((head, index))
    }

    fn take_index_lock(&self, id: &SnapshotId) -> Result<IndexLock<'_>> {
        let lock = IndexLock { repository: self, id: id.clone() };
        // Never there without its content: that says whose it is.
        let draft = lock.private("lock-");
        crate::sys::files::remove(&draft)?;
        crate::sys::files::write_new(&draft, &lock.content())?;
        match crate::sys::files::rename_new(&draft, &lock.path()) {
            Ok(true) => Ok(lock),
            Ok(false) => {
                crate::sys::files::remove(&draft)?;
                let there = std::fs::read(lock.path()).unwrap_or_default();
                if there.starts_with(HELD.as_bytes()) {
                    return Err(Error::new(Kind::Environment, "Cannot lock the index of the repository")
                        .because(format!("{} is from a restore that is under way with another store, or from an interrupted one, and its journal is missing", lock.path().display()))
                        .hint("if no other snap is running, remove that file; the newest safety snapshot in `snap list` has the files as they were, and `snap rewind` restores them"));
                }
                Err(Error::new(Kind::Environment, "Cannot lock the index of the repository")
                    .because(format!("{} exists: another git is running", lock.path().display()))
                    .hint("wait until it ends; if no git is running, a crashed one left the file, and you can remove it"))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the lock that a restore has left, whether or not it still exists.
    pub fn left_index_lock(&self, id: &SnapshotId) -> IndexLock<'_> {
        IndexLock { repository: self, id: id.clone() }
    }

    /// Has blobs in the repository's object database, durably; their ids are known beforehand.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says; [`Kind::Bug`] if git names a blob otherwise.
    pub fn write_blobs(&self, blobs: &[(String, Vec<u8>)]) -> Result<()> {
        if blobs.is_empty() {
            return Ok(());
        }
        let disk = WholeDisk::of(File::open(self.common_dir.join("objects")).ok(), blobs.len());
        let present = self.blobs();
        let missing: Vec<&(String, Vec<u8>)> = blobs.iter().filter(|(oid, _)| !present.has(oid)).collect();
        if !missing.is_empty() {
            let scratch = crate::sys::files::scratch_folder()?;
            let mut names = Vec::new();
            for (number, (_, content)) in missing.iter().enumerate() {
                let path = scratch.path().join(number.to_string());
                File::create(&path).and_then(|mut file| file.write_all(content)).context("write", &path)?;
                names.extend_from_slice(path.as_os_str().as_bytes());
                names.push(b'\n');
            }
            let arguments = ["hash-object", "-w", "--no-filters", "--stdin-paths"];
            let written = self.git.demand_with(&arguments, &[], &names)?;
            let expected: Vec<&[u8]> = missing.iter().map(|(oid, _)| oid.as_bytes()).collect();
            if written.lines() != expected {
                return Err(Error::new(Kind::Bug, "git gave a blob an unexpected name"));
            }
        }
        if self.git.objects.is_some() {
            // Nobody keeps them.
            return Ok(());
        }
        self.sync_loose(blobs.iter().map(|(oid, _)| oid.as_str()), disk.as_ref())
    }

    /// Syncs loose objects and their names, all together. Git would sync one after the other, and not
    /// those that existed before.
    fn sync_loose<'b>(&self, oids: impl Iterator<Item = &'b str>, disk: Option<&WholeDisk>) -> Result<()> {
        let objects = self.common_dir.join("objects");
        if let Some(disk) = disk {
            return disk.sync(&objects);
        }
        let mut files = Vec::new();
        let mut folders = BTreeSet::from([objects.clone()]);
        for (folder, name) in oids.filter_map(|oid| oid.split_at_checked(2)) {
            let folder = objects.join(folder);
            files.push(folder.join(name));
            folders.insert(folder);
        }
        // What is not loose is in a pack, which git has synced.
        files.retain(|file| file.is_file());
        folders.retain(|folder| folder.is_dir());
        crate::sys::parallel::wait_for_each(files, |file| crate::sys::sync::sync_file(&file))?;
        crate::sys::parallel::wait_for_each(folders.into_iter().collect(), |folder| {
            crate::sys::sync::sync_folder(&folder)
        })
    }
}

impl IndexLock<'_> {
    /// Makes the new index from the present one, beside it; [`IndexLock::swap`] puts it in place.
    ///
    /// All files must be in the work tree already: what the system knows of them goes into the index.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says; the user's index is unchanged.
    pub fn prepare(&self, changes: &IndexChanges, files: &[FileInPlace<'_>]) -> Result<()> {
        let index = self.repository.index()?;
        let mut entries = changes.entries.clone();
        entries.extend(to_be_noted_anew(&index, changes));
        let private = self.private("");
        if !self.make_without_git(&index, &entries, changes, files, &private)? {
            self.make_with_git(&entries, changes, &private)?;
        }
        if private.exists() {
            crate::sys::sync::sync_file(&private)?;
        }
        crate::sys::sync::sync_folder(&self.repository.git_dir)
    }

    fn make_with_git(
        &self,
        entries: &[(RepoPath, IndexEntry)],
        changes: &IndexChanges,
        private: &Path,
    ) -> Result<()> {
        let git = &self.repository.git;
        let root = self.repository.root();
        let index = self.repository.git_dir.join("index");
        match copy_with_time(&index, private) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("copy", &index, &error)),
        }
        let whole = self.repository.whole_index()?;
        let words = |words: &[&'static str]| -> Vec<&'static str> {
            [&EXACTLY[..], whole, self.repository.as_the_disk_has_case(), words].concat()
        };
        let environment = [("GIT_INDEX_FILE", OsString::from(private))];
        let zero = self.repository.hash().blob_id(b"").replace(|_: char| true, "0");
        // All removals first: a file may become a folder or the other way round.
        let (mut input, mut stages_input) = (Vec::new(), Vec::new());
        let add = |input: &mut Vec<u8>, facts: String, path: &RepoPath| {
            input.extend_from_slice(facts.as_bytes());
            input.push(b'\t');
            input.extend_from_slice(path.as_bytes());
            input.push(0);
        };
        for (path, _) in entries {
            add(&mut input, format!("0 {zero}"), path);
        }
        let mut intended = Vec::new();
        for (path, entry) in entries {
            match entry {
                IndexEntry::Absent => {}
                IndexEntry::Blob(version) => {
                    add(&mut input, format!("{} {}", version.mode.octal(), version.oid), path);
                }
                IndexEntry::Unmerged(stages) => {
                    for (stage, version) in stages {
                        let facts = format!("{} {} {stage}", version.mode.octal(), version.oid);
                        add(&mut stages_input, facts, path);
                    }
                }
                IndexEntry::IntentToAdd(mode) => intended.push((path, *mode)),
            }
        }
        if !input.is_empty() {
            git.demand_with(&words(&["update-index", "-z", "--index-info"]), &environment, &input)?;
        }
        for (path, entry) in entries {
            // As a checkout does: git takes a submodule without a folder for deleted.
            let is_submodule = match entry {
                IndexEntry::Blob(version) => version.is_submodule(),
                IndexEntry::Unmerged(stages) => stages.iter().any(|(_, version)| version.is_submodule()),
                IndexEntry::Absent | IndexEntry::IntentToAdd(_) => false,
            };
            if is_submodule {
                Tree::open(root)?.make_folder(path)?;
            }
        }
        // `git add` wants to see a file: it is shown an empty one of the right mode, elsewhere.
        if !intended.is_empty() {
            let scratch = crate::sys::files::scratch_folder()?;
            for (path, mode) in &intended {
                stand_in(&scratch.path().join(path.as_path()), *mode)?;
            }
            let paths: Vec<&RepoPath> = intended.iter().map(|(path, _)| *path).collect();
            self.intend(scratch.path(), &paths, &environment)?;
        }
        // After that: `git add` of a path takes away what is unmerged below it.
        if !stages_input.is_empty() {
            git.demand_with(&words(&["update-index", "-z", "--index-info"]), &environment, &stages_input)?;
        }
        let steps = [
            // A mark takes the place of another one.
            ("--no-assume-unchanged", None),
            ("--no-skip-worktree", None),
            ("--assume-unchanged", Some([HiddenBy::AssumeUnchanged, HiddenBy::Both])),
            ("--skip-worktree", Some([HiddenBy::SkipWorktree, HiddenBy::Both])),
        ];
        for (option, by) in steps {
            let is_one = |mark: &HiddenBy| by.is_none_or(|by| by.contains(mark));
            let marked = changes.marks.iter();
            let marked = marked.filter(|(_, mark)| by.is_none() || mark.as_ref().is_some_and(is_one));
            let mut paths = Vec::new();
            for (path, _) in marked {
                paths.extend_from_slice(path.as_bytes());
                paths.push(0);
            }
            if !paths.is_empty() {
                git.demand_with(&words(&["update-index", option, "-z", "--stdin"]), &environment, &paths)?;
            }
        }
        // Fails when some file differs from its entry, which is what a pending edit is.
        let mut refresh = git.command(&words(&["update-index", "-q", "--refresh"]));
        refresh.envs(environment.iter().map(|(name, value)| (name, value)));
        let _differs = refresh.output().context("run git in", self.repository.root())?;
        Ok(())
    }

    pub(super) fn repository(&self) -> &Repository {
        self.repository
    }

    /// Puts the new index in place, if it is there and the lock still exists.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path; the user's index is then unchanged.
    pub fn swap(&self) -> Result<()> {
        let (private, index) = (self.private(""), self.repository.git_dir.join("index"));
        if !self.stands()? || !private.exists() {
            return Ok(());
        }
        std::fs::rename(&private, &index).context("replace", &index)
    }

    /// Removes the lock, if it is still that of this restore, and the files beside it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn release(&self) -> Result<()> {
        for left in ["", "lock-"].map(|what| self.private(what)) {
            crate::sys::files::remove(&left)?;
            // What a git that was killed with us had under way.
            crate::sys::files::remove(&left.with_added_extension("lock"))?;
        }
        if self.stands()? {
            crate::sys::files::remove(&self.path())?;
        }
        crate::sys::sync::sync_folder(&self.repository.git_dir)
    }

    /// Says whether git's lock on the index is that of this restore.
    fn stands(&self) -> Result<bool> {
        let content = self.content();
        // Another one may be an index of any size: it is not read.
        let length = self.path().symlink_metadata().map(|meta| meta.len());
        if length.ok() != Some(content.len() as u64) {
            return Ok(false);
        }
        Ok(crate::sys::files::read_plain(&self.path(), content.len() as u64)?.as_ref() == Some(&content))
    }

    fn path(&self) -> PathBuf {
        self.repository.git_dir.join("index.lock")
    }

    fn content(&self) -> Vec<u8> {
        format!("{HELD}{}; the next snap command ends it\n", self.id).into_bytes()
    }

    /// Returns the path of something of this restore beside the index.
    fn private(&self, what: &str) -> PathBuf {
        self.repository.git_dir.join(format!("index.snap-{what}{}", self.id))
    }

    /// Marks paths as to be added, as they are below `root`.
    fn intend(&self, root: &Path, paths: &[&RepoPath], environment: &[(&str, OsString)]) -> Result<()> {
        let mut work_tree = OsString::from("--work-tree=");
        work_tree.push(root);
        let mut git_dir = OsString::from("--git-dir=");
        git_dir.push(&self.repository.git_dir);
        for some in paths.chunks(500) {
            let words = ["add", "--intent-to-add", "--sparse", "--force", "--"];
            let whole = self.repository.whole_index()?;
            let settings = EXACTLY.iter().chain(whole).chain(self.repository.as_the_disk_has_case());
            let mut arguments: Vec<&OsStr> = vec![&git_dir, &work_tree];
            arguments.extend(settings.chain(&words).map(OsStr::new));
            arguments.extend(some.iter().map(|path| path.as_path().as_os_str()));
            self.repository.git.at(root).demand_with(&arguments, environment, &[])?;
        }
        Ok(())
    }
}

/// Returns the entries of written files that stay, and that git looks at.
///
/// If an entry is made again, nothing is noted about its file. If the noted size is wrong, as it is
/// if the line ends were different, git takes a file for changed without reading it, for ever.
fn to_be_noted_anew(index: &Index, changes: &IndexChanges) -> Vec<(RepoPath, IndexEntry)> {
    let marks: BTreeMap<_, _> = changes.marks.iter().map(|(path, mark)| (path, *mark)).collect();
    let written: BTreeSet<&[u8]> = changes.written.iter().map(RepoPath::as_bytes).collect();
    let written = index.entries().filter(|entry| written.contains(entry.path) && !entry.intended);
    let stay = written.filter_map(|entry| {
        let (path, version) = RepoPath::new(entry.path).ok().zip(entry.version())?;
        let is_hidden = entry.hidden.is_some() && !marks.contains_key(&path);
        (!is_hidden).then_some((path, IndexEntry::Blob(version)))
    });
    stay.collect()
}

/// Copies an index with the time of its last change. From that time, git knows which files it must
/// check twice.
fn copy_with_time(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut from = File::open(from)?;
    let changed = from.metadata()?.modified()?;
    let mut to = File::create(to)?;
    std::io::copy(&mut from, &mut to)?;
    to.set_modified(changed)
}

/// Makes an empty file, or a link, to be shown to git.
fn stand_in(path: &Path, mode: Mode) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).context("create", folder)?;
    let bits = if mode == Mode::Executable { 0o700 } else { 0o600 };
    match mode {
        Mode::Link => std::os::unix::fs::symlink("nowhere", path),
        _ => std::fs::OpenOptions::new().write(true).create_new(true).mode(bits).open(path).map(drop),
    }
    .context("create", path)
}
