//! What git ignores, by the rules of one tree.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::{Ignored, Listing, Repository, Status, path_from};
use crate::base::digest::{Fingerprint, ObjectId};
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::git::scratch_tree::{ChangedRules, Shown};
use crate::sys::environment;
use crate::sys::work_tree::{Below, Tree};

const HERE: &[u8] = b"./";

/// The most files of one folder that are listed. A folder with more is ignored as a whole.
const MOST_LISTED: usize = 2_000;

/// The most paths that are asked about on one command line.
const MOST_ASKED: usize = 1_000;

/// Returns the file that `core.excludesFile` names where nobody set it.
pub(super) fn usual_excludes() -> Option<PathBuf> {
    let set = environment::variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = set.or_else(|| Some(PathBuf::from(environment::variable("HOME")?).join(".config")));
    folder.map(|folder| folder.join("git/ignore"))
}

impl Repository {
    /// Returns which of these paths (all of files) a work tree would ignore if it had a commit's files
    /// (`None`: none) and some other `.gitignore` files. Rules that are in no file of the tree
    /// (`info/exclude`, `core.excludesFile`) are the present ones. It does not matter whether a path is
    /// tracked.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn ignored_in(
        &self,
        tree: Option<&str>,
        changed: &[ChangedRules],
        paths: &BTreeSet<RepoPath>,
    ) -> Result<BTreeSet<RepoPath>> {
        if paths.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut shown = Shown::present(self);
        shown.take_rules(tree, changed)?;
        let mut input = Vec::new();
        // What begins with a colon would be taken for more than a path.
        shown.environment.push(("GIT_LITERAL_PATHSPECS", OsString::from("0")));
        for path in paths {
            input.extend_from_slice(HERE);
            input.extend_from_slice(path.as_bytes());
            input.push(0);
        }
        let answer = shown.run(&["check-ignore", "--no-index", "-z", "--stdin"], &input)?;
        // It fails, too, when it has nothing to name.
        if !answer.ok && !answer.stderr.is_empty() {
            return Err(
                Error::new(Kind::Environment, "git can't say what was ignored").because(answer.stderr.trim())
            );
        }
        let paths = answer.stdout.split(|byte| *byte == 0).filter_map(|path| path.strip_prefix(HERE));
        Ok(paths.filter_map(|path| RepoPath::new(path).ok()).collect())
    }

    /// Returns which file's rule decides about each of these paths, as far as that file is in the tree.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn deciding_rules(&self, paths: &BTreeSet<RepoPath>) -> Result<Vec<(RepoPath, RepoPath)>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let input: Vec<u8> = paths.iter().flat_map(|path| [HERE, path.as_bytes(), &[0]].concat()).collect();
        let mut command = self.git.command(&["check-ignore", "--verbose", "--no-index", "-z", "--stdin"]);
        // What begins with a colon would be taken for more than a path.
        command.env("GIT_LITERAL_PATHSPECS", "0");
        let answer = self.git.finish(&mut command, &input)?;
        let fields: Vec<&[u8]> = answer.stdout.split(|byte| *byte == 0).collect();
        let in_tree = |path: &[u8]| RepoPath::new(path.strip_prefix(HERE).unwrap_or(path)).ok();
        let decided = |entry: &[&[u8]]| match entry {
            [source, _line, _rule, path] => Some((in_tree(path)?, in_tree(source)?)),
            _ => None,
        };
        Ok(fields.chunks(4).filter_map(decided).collect())
    }

    /// Adds what is ignored in folders that have taken the place of tracked files. Git leaves it out if a rule is
    /// about the folder as a whole.
    pub(super) fn find_ignored_in_place_of_files(&self, listing: &mut Listing) -> Result<()> {
        let is_file = |status: &Status| matches!(status, Status::Tracked { .. } | Status::Unmerged { .. });
        let files = listing.pending.iter().filter(|entry| is_file(&entry.status)).map(|entry| &entry.path);
        let is_folder = |path: &&RepoPath| {
            std::fs::symlink_metadata(self.root.join(path.as_path())).is_ok_and(|about| about.is_dir())
        };
        let files = files.chain(listing.hidden.iter().map(|hidden| &hidden.path));
        let folders: BTreeSet<&RepoPath> = files.filter(is_folder).collect();
        if folders.is_empty() {
            return Ok(());
        }
        let tree = Tree::open(&self.root)?;
        let ignored = listing.ignored.iter().map(|entry| &entry.path);
        let listed: BTreeSet<&RepoPath> =
            listing.pending.iter().map(|entry| &entry.path).chain(ignored).collect();
        let mut found = Vec::new();
        for folder in folders {
            match tree.files_below(folder, MOST_LISTED, |path| listed.contains(path))? {
                Below::Files(files, _) => {
                    found.extend(files.into_iter().map(|path| Ignored { path, folder: false }));
                }
                // It can't be listed file by file, so it counts as a whole.
                Below::TooMany | Below::Other(..) => {
                    found.push(Ignored { path: folder.clone(), folder: true });
                }
            }
        }
        listing.ignored.extend(found);
        Ok(())
    }

    /// Returns a hash of the ignore rules that are in no file of the tree.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn rules_outside(&self) -> Result<ObjectId> {
        let answer = self.git.unsheltered().run(&["config", "--type=path", "--get", "core.excludesFile"])?;
        let set = path_from(answer.stdout.strip_suffix(b"\n").unwrap_or(&answer.stdout));
        let users = if answer.ok { Some(self.root.join(set)) } else { usual_excludes() };
        let mut rules = Fingerprint::default();
        for file in [Some(self.common_dir.join("info/exclude")), users] {
            let text = file.and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
            // Comments say nothing: git's own template has some.
            let says = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"#");
            rules.add(&text.split(|byte| *byte == b'\n').filter(says).collect::<Vec<_>>().join(&b'\n'));
        }
        Ok(rules.finish())
    }

    /// Returns what of these paths in the work tree is ignored, and what is ignored below them. A folder that is
    /// ignored as a whole stands for all that is in it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn ignored_at(&self, paths: &[PathBuf]) -> Result<BTreeSet<RepoPath>> {
        let inside = |path: &PathBuf| Some(path.strip_prefix(&self.root).ok()?.as_os_str().to_owned());
        let inside: Vec<OsString> = paths.iter().filter_map(inside).take(MOST_ASKED).collect();
        let (whole, parts): (Vec<OsString>, Vec<OsString>) =
            inside.into_iter().partition(|path| path.is_empty());
        let mut found = BTreeSet::new();
        if whole.is_empty() {
            found = self.which_are_ignored(parts.iter().map(|path| path.as_bytes()))?;
        }
        let is_open = |path: &OsString| !found.iter().any(|one| one.as_bytes() == path.as_bytes());
        let asked: Vec<OsString> = if whole.is_empty() {
            parts.into_iter().filter(is_open).collect()
        } else {
            vec![OsString::from(".")]
        };
        if !asked.is_empty() {
            let options =
                ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", "--"];
            let words: Vec<OsString> = options.into_iter().map(OsString::from).chain(asked).collect();
            let listed = self.git.run(&words)?.stdout;
            let (folders, files): (Vec<&[u8]>, Vec<&[u8]>) =
                names_in(&listed).partition(|name| name.ends_with(b"/"));
            found.extend(files.into_iter().filter_map(plain_path));
            // Git lists a folder too in which everything is ignored, but not itself.
            found.append(&mut self.which_are_ignored(folders.into_iter())?);
        }
        Ok(found)
    }

    /// Returns those of these paths in the work tree that are ignored themselves, or lie in a folder that is.
    fn which_are_ignored<'p>(&self, paths: impl Iterator<Item = &'p [u8]>) -> Result<BTreeSet<RepoPath>> {
        let input: Vec<u8> = paths.flat_map(|path| [HERE, path, &[0]].concat()).collect();
        if input.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut command = self.git.command(&["check-ignore", "-z", "--stdin"]);
        // What begins with a colon would be taken for more than a path.
        command.env("GIT_LITERAL_PATHSPECS", "0");
        Ok(names_in(&self.git.finish(&mut command, &input)?.stdout).filter_map(plain_path).collect())
    }
}

/// Splits a list of git's.
fn names_in(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == 0).filter(|name| !name.is_empty())
}

/// Reads a path as git lists it.
fn plain_path(name: &[u8]) -> Option<RepoPath> {
    let name = name.strip_prefix(HERE).unwrap_or(name);
    RepoPath::new(name.strip_suffix(b"/").unwrap_or(name)).ok()
}
