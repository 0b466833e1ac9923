//! What is pending, found without git: by git's own index, what the disk says of each file, and the ignore rules.
//!
//! Git takes a process and several threads for that. Here it takes one look at each file. It is done only where all is usual. A
//! `None` means that git is asked: staged changes, an unfinished merge, marks, submodules, repositories in the tree, sparse
//! checkouts, conversions of a file that has to be compared, anything that can't be read, and rules that are not understood.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::entries::{Index, Indexed, Noted};
use super::ignore_rules::RuleFile;
use super::settings_here::SettingsHere;
use super::{Ignored, Listing, Pending, Repository, Status};
use crate::base::paths::RepoPath;
use crate::manifest::{Mode, Version};
use crate::sys::environment;
use crate::sys::files::read_plain;
use crate::sys::work_tree::{EntryKind, Facts, Node, OpenFolder, Tree};

/// At most so many files, and so many bytes, are read to compare them: git does that as fast.
const MOST_READ: usize = 200;
const MOST_BYTES: u64 = 16 << 20;

/// A longer file of rules is left to git, in bytes.
const LONGEST_RULES: u64 = 1 << 20;

/// How deep folders are looked into.
const DEEPEST: usize = 100;

/// Settings that make git look at files in another way, each with the value that does not.
const USUAL: [(&str, &str); 9] = [
    ("core.filemode", "true"),
    ("core.symlinks", "true"),
    // Rules are about names in any case otherwise.
    ("core.ignorecase", "false"),
    ("core.trustctime", "true"),
    ("core.checkstat", "default"),
    ("core.sparsecheckout", "false"),
    ("core.precomposeunicode", "false"),
    ("core.bare", "false"),
    ("core.worktree", ""),
];

/// The largest index of which the files are looked at here, in bytes: of about 20,000. Of more, git looks at several at a time.
const LARGEST_INDEX: u64 = 2 << 20;

impl Repository {
    /// Lists what is pending, what is ignored, and what the index has; `None` if git has to be asked.
    pub(super) fn listed_here(&self) -> Option<Listing> {
        self.listed_by(&self.settings_here()?)
    }

    /// The same by these settings.
    pub(super) fn listed_by(&self, settings: &SettingsHere) -> Option<Listing> {
        // Before the index: what is as young as it may have been changed behind it.
        let about = std::fs::metadata(self.git_dir.join("index")).ok()?;
        let written = about.mtime();
        let is_usual = |(name, usual): &(&str, &str)| {
            settings.value(name).is_some_and(|value| value.is_none_or(|value| value == *usual))
        };
        if about.len() > LARGEST_INDEX
            || !USUAL.iter().all(is_usual)
            || self.as_the_disk_has_case().is_empty()
            || self.has_replacements()
        {
            return None;
        }
        let index = self.index().ok()?;
        let (head, branch, tree) = self.blobs().head()?;
        if index.tree()? != tree {
            return None;
        }
        let mut tracked = Folder::default();
        for entry in index.entries() {
            let is_plain = entry.hidden.is_none() && !entry.intended && !entry.is_submodule();
            tracked.add(entry.path, Tracked::of(&entry).filter(|_| is_plain)?);
        }
        let tree = Tree::open(&self.root).ok()?;
        let rules = self.rules_of_all(settings)?;
        let (read, converts) = (Cell::default(), OnceCell::new());
        let search = Search { repository: self, index: &index, tree: &tree, written, rules, read, converts };
        let mut found = Listing::on(head, branch);
        search.look(&tree.open_root().ok()?, Vec::new(), Some(&tracked), &mut Vec::new(), &mut found)?;
        found.pending.sort_by(|a, b| a.path.cmp(&b.path));
        found.ignored.sort_by(|a, b| a.path.cmp(&b.path));
        found.index = index;
        Some(found)
    }

    /// Says whether git may show other objects than are there.
    fn has_replacements(&self) -> bool {
        let packed = std::fs::read(self.common_dir.join("packed-refs")).unwrap_or_default();
        self.common_dir.join("refs/replace").exists()
            || self.common_dir.join("info/grafts").exists()
            || String::from_utf8_lossy(&packed).contains(" refs/replace/")
    }

    /// Reads the rules that are in no file of the tree; those that count less come first.
    fn rules_of_all(&self, settings: &SettingsHere) -> Option<Vec<RuleFile>> {
        let home = || environment::variable("HOME").map(PathBuf::from);
        let users = match settings.value("core.excludesfile")? {
            None => super::ignored::usual_excludes(),
            Some(set) => Some(match set.strip_prefix("~/") {
                Some(below) => home()?.join(below),
                None if set.starts_with('/') => PathBuf::from(set),
                None => return None,
            }),
        };
        let mut all = Vec::new();
        for file in users.into_iter().chain([self.common_dir.join("info/exclude")]) {
            match file.metadata() {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Ok(about) if about.is_file() && about.len() <= LONGEST_RULES => {}
                _ => return None,
            }
            all.push(RuleFile::read(b"", &std::fs::read(&file).ok()?)?);
        }
        Some(all)
    }
}

/// What the index has in a folder.
#[derive(Default)]
struct Folder<'a> {
    files: BTreeMap<&'a [u8], Tracked<'a>>,
    folders: BTreeMap<&'a [u8], Folder<'a>>,
}

/// A file in the index.
struct Tracked<'a> {
    path: &'a [u8],
    version: Version,
    noted: Noted,
}

impl<'a> Tracked<'a> {
    fn of(entry: &Indexed<'a>) -> Option<Tracked<'a>> {
        Some(Tracked { path: entry.path, version: entry.version()?, noted: entry.noted()? })
    }

    /// Compares what git noted of the file with what the disk says now, as git's `read-cache.c` does.
    fn compared(&self, now: &Facts, written: i64) -> Compared {
        let mode = match now.kind {
            EntryKind::File if now.executable => Mode::Executable,
            EntryKind::File => Mode::File,
            EntryKind::Link => Mode::Link,
            EntryKind::Folder | EntryKind::Special => return Compared::Other,
        };
        if mode != self.version.mode {
            return if mode == Mode::Link || self.version.mode == Mode::Link {
                Compared::Other
            } else {
                Compared::Edited
            };
        }
        let is_time = |noted: (u32, u32), now: (i64, i64)| {
            // Some write no nanoseconds.
            i64::from(noted.0) == now.0 && (noted.1 == 0 || i64::from(noted.1) == now.1)
        };
        let noted = &self.noted;
        let is_same = is_time(noted.modified, now.modified)
            && is_time(noted.changed, now.changed)
            && noted.inode == low(now.inode)
            && noted.owner == now.owner
            && noted.size == low(now.size);
        // A file that was changed in the same moment in which the index was written shows nothing of it.
        let is_older = i64::from(noted.modified.0) < written;
        if is_same && is_older { Compared::Same } else { Compared::Unknown }
    }
}

/// Returns the lower half of a number: what git keeps of it.
fn low(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default()
}

/// What the disk says of a tracked file.
enum Compared {
    /// It is as git last saw it.
    Same,
    /// It is not.
    Edited,
    /// Only its content can tell.
    Unknown,
    /// It is of another kind.
    Other,
}

impl<'a> Folder<'a> {
    fn add(&mut self, path: &'a [u8], file: Tracked<'a>) {
        match path.iter().position(|byte| *byte == b'/') {
            Some(end) => self.folders.entry(&path[..end]).or_default().add(&path[end + 1..], file),
            None => drop(self.files.insert(path, file)),
        }
    }

    fn all_files(&self) -> Vec<&Tracked<'a>> {
        let below = self.folders.values().flat_map(Folder::all_files);
        self.files.values().chain(below).collect()
    }
}

/// A look at a whole tree.
struct Search<'a> {
    repository: &'a Repository,
    index: &'a Index,
    tree: &'a Tree,
    /// When the index was written, in seconds.
    written: i64,
    /// Rules of no folder; those that count less come first.
    rules: Vec<RuleFile>,
    /// How many files and bytes were read to compare them.
    read: Cell<(usize, u64)>,
    /// Whether anything may convert files on their way to git, once that was asked.
    converts: OnceCell<bool>,
}

impl Search<'_> {
    /// Looks at a folder, whose path ends with a `/`, and at all below it.
    fn look(
        &self,
        folder: &OpenFolder,
        path: Vec<u8>,
        tracked: Option<&Folder<'_>>,
        above: &mut Vec<RuleFile>,
        found: &mut Listing,
    ) -> Option<()> {
        if path.iter().filter(|byte| **byte == b'/').count() > DEEPEST {
            return None;
        }
        let mut names = folder.names().ok()?;
        names.sort_by(|(one, _), (other, _)| one.cmp(other));
        let rules = match names.iter().find(|(name, _)| name == b".gitignore") {
            Some((_, EntryKind::File)) => {
                let file = self
                    .repository
                    .root
                    .join(RepoPath::new(&[&path, &b".gitignore"[..]].concat()).ok()?.as_path());
                Some(RuleFile::read(&path, &read_plain(&file, LONGEST_RULES).ok()??)?)
            }
            Some(_) => return None,
            None => None,
        };
        let levels = above.len();
        above.extend(rules);
        for (name, kind) in &names {
            if name == b".git" {
                if path.is_empty() { continue } else { return None }
            }
            let place = [path.as_slice(), name].concat();
            let is_folder = *kind == EntryKind::Folder;
            let below = tracked.and_then(|tracked| tracked.folders.get(name.as_slice()));
            let is_tracked_file = tracked.is_some_and(|tracked| tracked.files.contains_key(name.as_slice()));
            if is_tracked_file && !is_folder {
                continue;
            }
            // Something else is in the place of what the index has.
            if is_tracked_file || (below.is_some() && !is_folder) {
                return None;
            }
            // What it says of other files is not known to the index.
            if name == b".gitattributes" {
                return None;
            }
            let is_ignored = self.ignores(above, &place, is_folder);
            match (kind, below) {
                (EntryKind::Special, _) => {}
                (EntryKind::Folder, Some(_)) if is_ignored => return None,
                (EntryKind::Folder, below) if !is_ignored => {
                    let inner = folder.folder(name).ok()?;
                    self.look(&inner, [place.as_slice(), b"/"].concat(), below, above, found)?;
                }
                _ if is_ignored => {
                    found.ignored.push(Ignored { path: RepoPath::new(&place).ok()?, folder: is_folder });
                }
                _ => {
                    let path = RepoPath::new(&place).ok()?;
                    found.pending.push(Pending { path, status: Status::Untracked });
                }
            }
        }
        above.truncate(levels);
        let Some(tracked) = tracked else { return Some(()) };
        let is_there = |name: &[u8]| names.binary_search_by(|(one, _)| one.as_slice().cmp(name)).is_ok();
        for (name, file) in &tracked.files {
            let facts = if is_there(name) { folder.facts(name).ok()? } else { None };
            if self.is_edited(file, facts.as_ref())? {
                found.pending.push(edited(file)?);
            }
        }
        for (name, inside) in &tracked.folders {
            if !is_there(name) {
                for file in inside.all_files() {
                    found.pending.push(edited(file)?);
                }
            }
        }
        Some(())
    }

    /// Says whether a path is ignored: the innermost rules count first, then those of no folder.
    fn ignores(&self, above: &[RuleFile], path: &[u8], is_folder: bool) -> bool {
        let all = above.iter().rev().chain(self.rules.iter().rev());
        all.into_iter().find_map(|rules| rules.decide(path, is_folder)).unwrap_or(false)
    }

    fn is_edited(&self, file: &Tracked<'_>, facts: Option<&Facts>) -> Option<bool> {
        let Some(facts) = facts else { return Some(true) };
        match file.compared(facts, self.written) {
            Compared::Same => Some(false),
            Compared::Edited => Some(true),
            Compared::Other => None,
            Compared::Unknown => {
                let (files, bytes) = self.read.get();
                self.read.set((files + 1, bytes.saturating_add(facts.size)));
                if files >= MOST_READ || bytes.saturating_add(facts.size) > MOST_BYTES {
                    return None;
                }
                let path = RepoPath::new(file.path).ok()?;
                if *self.converts.get_or_init(|| self.repository.may_convert(&BTreeMap::new(), self.index)) {
                    return None;
                }
                match self.tree.read_steady(&path).ok()?? {
                    Node::File { bytes, mode, .. } if mode == file.version.mode => {
                        Some(self.repository.hash.blob_id(&bytes) != file.version.oid)
                    }
                    _ => None,
                }
            }
        }
    }
}

/// Returns what is said of a file that is not as the index and HEAD have it.
fn edited(file: &Tracked<'_>) -> Option<Pending> {
    let version = Some(file.version.clone());
    let status = Status::Tracked { head: version.clone(), index: version, intent_to_add: None, edited: true };
    Some(Pending { path: RepoPath::new(file.path).ok()?, status })
}
