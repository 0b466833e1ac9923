//! Blobs of a repository, by id.
//!
//! libgit2 reads them fastest. If it can't open the repository (reftable, SHA-256) or doesn't have a blob (a
//! partial clone fetches on demand), `git cat-file --batch` reads it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::command::{Git, log_started};
use super::trees::TreeVersions;
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::manifest::{Mode, Version};

/// Reads blobs of one repository.
pub struct Blobs<'a> {
    git: &'a Git,
    library: Option<git2::Repository>,
    program: Option<Batch>,
    /// One that asks no remote.
    at_home: Option<Batch>,
}

struct Batch {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Whether it answers no more.
    ended: bool,
}

impl<'a> Blobs<'a> {
    pub(super) fn open(git: &'a Git, git_dir: &Path) -> Blobs<'a> {
        let flags = git2::RepositoryOpenFlags::NO_SEARCH | git2::RepositoryOpenFlags::NO_DOTGIT;
        let none: [&Path; 0] = [];
        let library = git2::Repository::open_ext(git_dir, flags, none).ok();
        let library = library.filter(|library| match &git.objects {
            Some(aside) => {
                let path = aside.path().to_str();
                path.is_some_and(|path| library.odb().is_ok_and(|odb| odb.add_disk_alternate(path).is_ok()))
            }
            None => true,
        });
        Blobs { git, library, program: None, at_home: None }
    }

    /// Reads a blob; `None` if the repository doesn't have it.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run or answers nonsense.
    pub fn read(&mut self, oid: &str) -> Result<Option<Vec<u8>>> {
        if let Some(library) = &self.library
            && let Ok(id) = git2::Oid::from_str(oid)
            && let Ok(blob) = library.find_blob(id)
        {
            return Ok(Some(blob.content().to_vec()));
        }
        self.read_by_program(oid)
    }

    /// Reads a blob that is here; one that a partial clone would have to fetch is none.
    ///
    /// # Errors
    /// As [`Blobs::read`].
    pub fn read_here(&mut self, oid: &str) -> Result<Option<Vec<u8>>> {
        if let Some(library) = &self.library
            && let Ok(id) = git2::Oid::from_str(oid)
        {
            return Ok(library.find_blob(id).ok().map(|blob| blob.content().to_vec()));
        }
        Batch::ask_in(&mut self.at_home, || Batch::start(self.git, false), oid)
    }

    /// Returns git's settings as they are for this repository; `None` if only the `git` program can tell.
    pub(super) fn settings(&self) -> Option<git2::Config> {
        self.library.as_ref()?.config().ok()
    }

    /// Returns a blob's size in bytes, where that is known without reading it.
    pub fn size(&self, oid: &str) -> Option<u64> {
        let id = git2::Oid::from_str(oid).ok()?;
        let (size, kind) = self.library.as_ref()?.odb().ok()?.read_header(id).ok()?;
        (kind == git2::ObjectType::Blob).then_some(size as u64)
    }

    /// Returns what a commit has of paths; `None` if only the `git` program can tell.
    pub(super) fn tree_versions(&self, commit: &str, paths: &BTreeSet<RepoPath>) -> Option<TreeVersions> {
        let library = self.library.as_ref()?;
        let root = library.find_object(git2::Oid::from_str(commit).ok()?, None).ok()?.peel_to_tree().ok()?;
        let mut found = TreeVersions::default();
        // The folders that the last path went through. Paths of one folder follow each other, so each tree is read once.
        let mut open: Vec<(&[u8], git2::Tree<'_>)> = Vec::new();
        'paths: for path in paths {
            let mut names: Vec<&[u8]> = path.as_bytes().split(|byte| *byte == b'/').collect();
            let Some(name) = names.pop() else { continue };
            let common = open.iter().zip(&names).take_while(|((here, _), name)| here == *name).count();
            open.truncate(common);
            for folder in &names[common..] {
                let above = open.last().map_or(&root, |(_, tree)| tree);
                let entry = above.get_name_bytes(folder);
                let tree = entry.filter(|entry| entry.kind() == Some(git2::ObjectType::Tree));
                let Some(tree) = tree.map(|entry| entry.id()) else { continue 'paths };
                // One that is not here may be fetched by git.
                open.push((folder, library.find_tree(tree).ok()?));
            }
            let folder = open.last().map_or(&root, |(_, tree)| tree);
            let Some(entry) = folder.get_name_bytes(name) else { continue };
            // A folder is no version of a file.
            if let Some(mode) = Mode::from_octal(&format!("{:06o}", entry.filemode())) {
                found.versions.insert(path.clone(), Version { oid: entry.id().to_string(), mode });
            }
        }
        Some(found)
    }

    /// Returns the commit of HEAD, the branch if it is on one, and the commit's tree; `None` if only the `git` program can tell.
    pub(super) fn head(&self) -> Option<(String, Option<String>, String)> {
        let head = self.library.as_ref()?.find_reference("HEAD").ok()?;
        let branch = match head.kind()? {
            git2::ReferenceType::Symbolic => {
                Some(head.symbolic_target().ok()??.strip_prefix("refs/heads/")?.to_owned())
            }
            git2::ReferenceType::Direct => None,
        };
        let commit = head.peel_to_commit().ok()?;
        Some((commit.id().to_string(), branch, commit.tree_id().to_string()))
    }

    /// Returns the tree of a commit in a repository whose refs are files; `None` if only the `git` program can tell.
    pub(super) fn tree_of(&self, commit: &str) -> Option<String> {
        let commit = self.library.as_ref()?.find_commit(git2::Oid::from_str(commit).ok()?).ok()?;
        Some(commit.tree_id().to_string())
    }

    /// Says whether the repository has a blob for sure; no, if only the `git` program could tell.
    pub(super) fn has(&self, oid: &str) -> bool {
        let read = |library: &git2::Repository| library.find_blob(git2::Oid::from_str(oid)?).map(drop);
        self.library.as_ref().is_some_and(|library| read(library).is_ok())
    }

    fn read_by_program(&mut self, oid: &str) -> Result<Option<Vec<u8>>> {
        Batch::ask_in(&mut self.program, || Batch::start(self.git, true), oid)
    }
}

/// Content of a blob, read while git unpacks it.
pub struct BlobStream {
    batch: Batch,
    left: u64,
}

impl BlobStream {
    pub(super) fn open(git: &Git, oid: &str) -> std::io::Result<BlobStream> {
        let mut batch = Batch::start(git, true)?;
        match batch.ask(oid)? {
            Some(left) => Ok(BlobStream { batch, left }),
            None => Err(std::io::Error::other(format!("git has no blob {oid}"))),
        }
    }
}

impl Read for BlobStream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.batch.output.by_ref().take(self.left).read(buffer)?;
        self.left -= read as u64;
        if read == 0 && !buffer.is_empty() && self.left > 0 {
            Err(std::io::Error::other("git can't read all of a blob"))
        } else {
            Ok(read)
        }
    }
}

impl Batch {
    /// Asks the one that runs, or one that is started.
    fn ask_in(
        slot: &mut Option<Batch>,
        start: impl Fn() -> std::io::Result<Batch>,
        oid: &str,
    ) -> Result<Option<Vec<u8>>> {
        let fail = |error: std::io::Error| {
            Error::new(Kind::Environment, "Cannot read from `git cat-file`").because(error)
        };
        let mut batch = match slot.take() {
            Some(batch) => batch,
            None => start().map_err(fail)?,
        };
        let read = batch.read(oid).map_err(fail)?;
        // One that could not fetch what it was asked for has given up.
        *slot = Some(batch).filter(|batch| !batch.ended);
        Ok(read)
    }

    /// Starts one; `fetching`: what a partial clone lacks is asked of its remote.
    fn start(git: &Git, fetching: bool) -> std::io::Result<Batch> {
        // Git holds smaller blobs in memory, whole, before it hands any of them out.
        let mut command = git.command(&["-c", "core.bigFileThreshold=1m", "cat-file", "--batch"]);
        if !fetching {
            command.env("GIT_NO_LAZY_FETCH", "1");
        }
        log_started(&command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => {
                Ok(Batch { child, input, output: BufReader::new(output), ended: false })
            }
            _ => Err(std::io::Error::other("it has no pipes")),
        }
    }

    /// Asks for an object; if it is a blob, its size, and its content comes next.
    fn ask(&mut self, oid: &str) -> std::io::Result<Option<u64>> {
        writeln!(self.input, "{oid}")?;
        self.input.flush()?;
        let mut header = String::new();
        self.ended = self.output.read_line(&mut header)? == 0;
        let words: Vec<&str> = header.split_whitespace().collect();
        let [_, kind, size] = words.as_slice() else { return Ok(None) };
        let size = size.parse().map_err(std::io::Error::other)?;
        if *kind == "blob" {
            return Ok(Some(size));
        }
        std::io::copy(&mut self.output.by_ref().take(size + 1), &mut std::io::sink())?;
        Ok(None)
    }

    fn read(&mut self, oid: &str) -> std::io::Result<Option<Vec<u8>>> {
        let Some(size) = self.ask(oid)? else { return Ok(None) };
        let mut content = vec![0; usize::try_from(size).map_err(std::io::Error::other)? + 1];
        self.output.read_exact(&mut content)?;
        content.pop();
        Ok(Some(content))
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // It ends by itself when its input closes; killing it saves the wait.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}
