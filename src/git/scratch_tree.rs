//! A work tree that is not here, shown to git: only its `.gitattributes` and `.gitignore`.
//!
//! Git takes rules from the present work tree, but what is about to be restored belongs to another one.
//! Everything that is made for this is in a scratch folder, objects too. Nothing is written into the user's
//! repository.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::Repository;
use super::command::{Git, GitOutput};
use super::objects_aside::{READ_TOO, WRITTEN};
use crate::base::error::{IoContext as _, Result};
use crate::base::paths::RepoPath;
use crate::sys::files::ScratchFolder;

/// What attributes are written in.
pub const ATTRIBUTES: &str = ".gitattributes";

/// What ignore rules are written in.
pub const IGNORE: &str = ".gitignore";

/// What is in force of such a file, if that is not what the tree has; `None` if it is gone.
pub type ChangedRules = (RepoPath, Option<Vec<u8>>);

/// git, as it is to see a work tree.
pub(super) struct Shown<'a> {
    repository: &'a Repository,
    pub(super) git: Git,
    /// Comes before git's command.
    pub(super) options: Vec<OsString>,
    pub(super) environment: Vec<(&'static str, OsString)>,
    /// Holds what the two above name, as long as it is needed.
    scratch: Option<ScratchFolder>,
}

impl<'a> Shown<'a> {
    /// The work tree as it is.
    pub(super) fn present(repository: &'a Repository) -> Shown<'a> {
        let git = repository.git.clone();
        Shown { repository, git, options: Vec::new(), environment: Vec::new(), scratch: None }
    }

    /// Returns the repository.
    pub(super) fn repository(&self) -> &'a Repository {
        self.repository
    }

    /// Makes attributes be read from a commit or tree (`None`: an empty one), of which some files are others.
    pub(super) fn take_attributes(&mut self, tree: Option<&str>, changed: &[ChangedRules]) -> Result<()> {
        let scratch = crate::sys::files::scratch_folder()?;
        let tree = self.tree_with(scratch.path(), tree, changed)?;
        let mut source = OsString::from("--attr-source=");
        source.push(&tree);
        // Known since git 2.41.
        if self.git.run(&[&source, OsStr::new("version")])?.ok {
            self.options.push(source)
        } else {
            self.show_folder(scratch.path(), &tree, ATTRIBUTES)?
        }
        self.scratch = Some(scratch);
        Ok(())
    }

    /// Makes ignore rules be read from a commit or tree, in the same way.
    pub(super) fn take_rules(&mut self, tree: Option<&str>, changed: &[ChangedRules]) -> Result<()> {
        let scratch = crate::sys::files::scratch_folder()?;
        let tree = self.tree_with(scratch.path(), tree, changed)?;
        self.show_folder(scratch.path(), &tree, IGNORE)?;
        self.scratch = Some(scratch);
        Ok(())
    }

    /// Makes a tree with other files, in an object database of its own, and takes that into use.
    fn tree_with(&mut self, scratch: &Path, tree: Option<&str>, changed: &[ChangedRules]) -> Result<String> {
        if let (Some(tree), []) = (tree, changed) {
            return Ok(tree.to_owned());
        }
        self.write_objects_into(scratch)?;
        let mut environment = self.environment.clone();
        environment.push(("GIT_INDEX_FILE", scratch.join("index").into()));
        let git = |arguments: &[&str], input: &[u8]| self.git.demand_with(arguments, &environment, input);
        git(&["read-tree", tree.unwrap_or("--empty")], &[])?;
        let zero = "0".repeat(self.repository.hash.blob_id(b"").len());
        let mut input = Vec::new();
        for (path, content) in changed {
            let facts = match content {
                None => format!("0 {zero}"),
                Some(content) => {
                    let answer = git(&["hash-object", "-w", "--no-filters", "--stdin"], content)?;
                    format!("100644 {}", String::from_utf8_lossy(&answer.stdout).trim())
                }
            };
            for part in [facts.as_bytes(), b"\t", path.as_bytes(), b"\0"] {
                input.extend_from_slice(part);
            }
        }
        if !input.is_empty() {
            git(&["update-index", "-z", "--index-info"], &input)?;
        }
        let answer = git(&["write-tree", "--missing-ok"], &[])?;
        Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
    }

    /// Makes new objects be written into a scratch folder.
    fn write_objects_into(&mut self, scratch: &Path) -> Result<()> {
        let objects = scratch.join("objects");
        std::fs::create_dir(&objects).context("create", &objects)?;
        self.environment.push((WRITTEN, objects.into()));
        self.environment.push((READ_TOO, self.repository.object_folders()));
        Ok(())
    }

    /// Makes sure that new objects are written into the scratch folder.
    pub(super) fn write_no_objects(&mut self) -> Result<()> {
        match &self.scratch {
            Some(scratch) if !self.environment.iter().any(|(name, _)| *name == WRITTEN) => {
                let scratch = scratch.path().to_owned();
                self.write_objects_into(&scratch)
            }
            _ => Ok(()),
        }
    }

    /// Writes the files of this name of a tree into a folder, and takes that for the work tree.
    fn show_folder(&mut self, scratch: &Path, tree: &str, name: &str) -> Result<()> {
        let root = scratch.join("tree");
        std::fs::create_dir(&root).context("create", &root)?;
        let list =
            self.git.demand_with(&["ls-tree", "-r", "-z", "--full-tree", tree], &self.environment, &[])?;
        for record in list.stdout.split(|byte| *byte == 0) {
            // MODE TYPE OID\tPATH; a link is not read.
            let Some(tab) = record.iter().position(|byte| *byte == b'\t') else { continue };
            let Ok(path) = RepoPath::new(&record[tab + 1..]) else { continue };
            if path.as_path().file_name() != Some(OsStr::new(name)) || !record.starts_with(b"100") {
                continue;
            }
            let oid = record[..tab].rsplit(|byte| *byte == b' ').next().unwrap_or_default();
            let words = [OsStr::new("cat-file"), OsStr::new("blob"), OsStr::from_bytes(oid)];
            let content = self.git.demand_with(&words, &self.environment, &[])?.stdout;
            let place = root.join(path.as_path());
            if let Some(above) = place.parent() {
                std::fs::create_dir_all(above).context("create", above)?;
            }
            std::fs::write(&place, content).context("write", &place)?;
        }
        let option = |name: &str, path: &Path| {
            let mut option = OsString::from(name);
            option.push(path);
            option
        };
        self.options.push(option("--git-dir=", &self.repository.git_dir));
        self.options.push(option("--work-tree=", &root));
        // What is missing in the folder must not be looked up in the index.
        self.environment.push(("GIT_INDEX_FILE", scratch.join("no index").into()));
        self.git = self.git.at(&root);
        Ok(())
    }

    /// Returns the words of a git command, with the options before it.
    pub(super) fn words<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Vec<OsString> {
        let arguments = arguments.iter().map(|word| word.as_ref().to_owned());
        self.options.iter().cloned().chain(arguments).collect()
    }

    /// Runs git and returns its answer, whatever it is.
    pub(super) fn run<S: AsRef<OsStr>>(&self, arguments: &[S], input: &[u8]) -> Result<GitOutput> {
        let mut command = self.git.command(&self.words(arguments));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.git.finish(&mut command, input)
    }
}
