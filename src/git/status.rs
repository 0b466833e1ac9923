//! What is pending: `git status --porcelain=v2 -z`, parsed.
//!
//! The listing is complete and changes nothing (`--no-optional-locks`: even the time stamps of the index on
//! disk stay). Names are exact bytes. Renames are not looked for: a rename is a deletion and an addition.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::time::{Duration, Instant};

use super::command::GitOutput;
use super::entries::{Index, Indexed};
use super::index::IndexState;
use super::pending_list::PendingList;
use super::{Repository, Stamp};
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::manifest::{HiddenBy, Mode, Version};
use crate::sys::parallel;

const LIST_PENDING: &[&str] = &[
    "status",
    "--porcelain=v2",
    "-z",
    "--branch",
    // Counting commits takes a walk through the history.
    "--no-ahead-behind",
    "--untracked-files=all",
    "--no-renames",
    // Not from inside of them: see `submodules.rs`.
    "--ignore-submodules=dirty",
];

/// Names what is ignored too, a folder that a rule is about as one.
const LIST_IGNORED: &str = "--ignored=matching";

/// How long a listing is new.
const NEW: Duration = Duration::from_secs(5);

/// Everything pending in a work tree.
#[derive(Debug, Default)]
pub struct Listing {
    /// The commit of HEAD; `None` when unborn.
    pub head: Option<String>,
    /// The branch; `None` when detached.
    pub branch: Option<String>,
    /// The changed, staged and untracked paths, in git's order.
    pub pending: Vec<Pending>,
    /// Everything in the index.
    pub index: Index,
    /// The stamp of the repository before it was looked at.
    stamp: Stamp,
    /// When it was looked at.
    begun: Option<Instant>,
    /// Tracked paths whose edits git was told not to look for.
    pub hidden: Vec<Hidden>,
    /// What is there and ignored; a folder stands for all that is in it. Not in every listing.
    pub ignored: Vec<Ignored>,
    /// Paths that can't be represented, with why.
    pub odd: Vec<(String, String)>,
    /// What git said when it failed with content filters, so that none was run.
    pub without_filters: Option<String>,
}

/// Something that is there and ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Its path.
    pub path: RepoPath,
    /// Whether it is a folder.
    pub folder: bool,
}

/// A tracked path whose edits git does not list.
#[derive(Debug, PartialEq, Eq)]
pub struct Hidden {
    /// The path.
    pub path: RepoPath,
    /// In the index.
    pub version: Version,
    /// Why git does not look.
    pub by: HiddenBy,
}

impl Hidden {
    /// Returns the entry if git was told not to look at the path.
    fn of(entry: Indexed<'_>) -> Option<Hidden> {
        let by = entry.hidden?;
        let version = entry.version().filter(|version| !version.is_submodule())?;
        Some(Hidden { path: RepoPath::new(entry.path).ok()?, version, by })
    }
}

/// One pending path.
#[derive(Debug, PartialEq, Eq)]
pub struct Pending {
    /// The path.
    pub path: RepoPath,
    /// What git says of it.
    pub status: Status,
}

/// What git says of a path.
#[derive(Debug, PartialEq, Eq)]
pub enum Status {
    /// Tracked in HEAD, the index or both.
    Tracked {
        /// In HEAD.
        head: Option<Version>,
        /// In the index.
        index: Option<Version>,
        /// Marked by `git add --intent-to-add`, with the mode that the mark has.
        intent_to_add: Option<Mode>,
        /// Whether the work tree differs from the index.
        edited: bool,
    },
    /// Not in the index.
    Untracked,
    /// An untracked folder that is a repository of its own.
    NestedRepository,
    /// A submodule, or what one became.
    Submodule(Submodule),
    /// In several stages of an unfinished merge.
    Unmerged {
        /// In HEAD. Often that is stage 2, but after a `git stash pop`, or where a side renamed
        /// the file, it is not.
        head: Option<Version>,
        /// The stages present.
        stages: Vec<Stage>,
    },
}

/// A path that is a submodule in HEAD, in the index or on the disk, and has changes.
#[derive(Debug, PartialEq, Eq)]
pub struct Submodule {
    /// In HEAD.
    pub head: Option<Version>,
    /// In the index.
    pub index: Option<Version>,
    /// Whether its folder is gone.
    pub gone: bool,
    /// Whether a file or a link is in the place of its folder.
    pub replaced: bool,
    /// Whether its folder has files and is no repository: git says nothing of them.
    pub loose: bool,
    /// Whether another commit is checked out in it than the index has.
    pub moved: bool,
    /// Whether it has edits or untracked files of its own.
    pub edited: bool,
}

/// One stage of an unmerged path.
#[derive(Debug, PartialEq, Eq)]
pub struct Stage {
    /// 1 (common ancestor), 2 (ours) or 3 (theirs).
    pub number: u8,
    /// Its blob.
    pub version: Version,
}

impl Repository {
    /// Lists everything pending.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn status(&self) -> Result<Listing> {
        self.status_with(&[])
    }

    /// The same; `settings` are options that come before the command.
    fn status_with(&self, settings: &[&str]) -> Result<Listing> {
        let (stamp, begun) = (self.stamp(), Instant::now());
        let mut listing = self.listed_with(0, settings, &[LIST_IGNORED])?;
        (listing.stamp, listing.begun) = (stamp, Some(begun));
        self.find_intentions(&mut listing)?;
        listing.hidden = listing.index.entries().filter_map(Hidden::of).collect();
        self.find_ignored_in_place_of_files(&mut listing)?;
        Ok(listing)
    }

    /// Lists everything pending, without git where that is possible, else by git and its file system monitor, if it has one. For
    /// who only reads by it.
    ///
    /// # Errors
    /// As [`Repository::status`].
    pub fn status_at_once(&self) -> Result<Listing> {
        let (stamp, begun) = (self.stamp(), Some(Instant::now()));
        if let Some(listing) = self.listed_here() {
            return Ok(Listing { stamp, begun, ..listing });
        }
        let monitor = self.monitor();
        self.status_with(&monitor.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Lists the pending paths alone, without the marks in the index.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn pending(&self) -> Result<Listing> {
        self.listed(0)
    }

    /// Lists what is pending in a submodule at this depth.
    pub(super) fn listed(&self, depth: usize) -> Result<Listing> {
        self.listed_with(depth, &[], &[])
    }

    fn listed_with(&self, depth: usize, settings: &[&str], options: &[&str]) -> Result<Listing> {
        // The index is read by two; at the same time, that costs no time.
        let apart = self.as_the_disk_has_case();
        let by_rules = !apart.is_empty() && self.hides_by_case()?;
        // What is ignored has to be known then.
        let (case, options) = if by_rules { (&[][..], &[LIST_IGNORED][..]) } else { (apart, options) };
        let (status, index) =
            parallel::both(|| self.list_pending(&[settings, case].concat(), options), || self.index());
        let status = status?;
        let mut listing = self.listing(&status.answer, index?)?;
        if by_rules {
            let all = self.list_pending(&[settings, apart].concat(), &[])?;
            listing.add_hidden_by_case(parse(&all.answer.stdout).map_err(unparsed)?);
        }
        listing.without_filters = status.without_filters;
        self.look_into_submodules(&mut listing, depth)?;
        Ok(listing)
    }

    fn list_pending(&self, settings: &[&str], options: &[&str]) -> Result<PendingList> {
        let aside = self.objects_aside()?;
        let words = [settings, LIST_PENDING, options].concat();
        let words: Vec<&OsStr> = words.into_iter().map(OsStr::new).collect();
        self.run_status(&words, &aside.environment())
    }

    fn listing(&self, status: &GitOutput, index: Index) -> Result<Listing> {
        let mut listing = parse(&status.stdout).map_err(unparsed)?;
        for line in status.stderr.lines() {
            if let Some((_, folder)) = line.split_once("could not open directory '") {
                let folder = folder.split('\'').next().unwrap_or_default();
                listing.odd.push((folder.to_owned(), "git can't open this folder".to_owned()));
            }
        }
        self.correct_empty_intentions(&mut listing)?;
        self.find_heads_of_unmerged(&mut listing)?;
        listing.index = index;
        behind_loops(status).for_each(|path| listing.add_behind_a_loop(path));
        Ok(listing)
    }
}

fn unparsed(line: String) -> Error {
    Error::new(Kind::Environment, "Cannot parse the output of `git status`").because(line)
}

/// Returns what git could not look at, because a folder on the way leads to itself.
fn behind_loops(status: &GitOutput) -> impl Iterator<Item = &str> {
    status.stderr.lines().filter_map(|line| line.strip_suffix(": Too many levels of symbolic links"))
}

impl Listing {
    /// Begins one for a commit and a branch.
    pub(super) fn on(head: String, branch: Option<String>) -> Listing {
        Listing { head: Some(head), branch, ..Listing::default() }
    }

    /// Says whether it was made in these seconds, and not before somebody was asked something.
    pub fn is_new(&self) -> bool {
        self.begun.is_some_and(|begun| begun.elapsed() < NEW)
    }

    /// Returns the stamp of the repository before it was looked at.
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Returns what must still hold when the index is locked.
    pub fn seen(&self) -> IndexState {
        IndexState { stamp: self.stamp.clone(), head: self.head.clone(), index: self.index.fingerprint() }
    }

    /// Adds a tracked file that is gone because a folder above it became a link to itself. Git can't
    /// look at it, and leaves it out as if it were clean.
    fn add_behind_a_loop(&mut self, path: &str) {
        let Ok(path) = RepoPath::new(path.trim_start_matches("error: ").as_bytes()) else { return };
        if self.pending.iter().any(|pending| pending.path == path) {
            return;
        }
        // Git says the same of a link in the place of a `.gitignore`: that is no path.
        let Some((_, version)) = self.index.versions(|entry| entry == path.as_bytes()).pop() else { return };
        let version = Some(version);
        let status =
            Status::Tracked { head: version.clone(), index: version, intent_to_add: None, edited: true };
        self.pending.push(Pending { path, status });
    }
}

impl Repository {
    /// Finds files with intent-to-add, and the modes of these entries. Git's status leaves out the
    /// modes. It leaves out the whole path if git was told not to look at it.
    fn find_intentions(&self, listing: &mut Listing) -> Result<()> {
        let intended = listing.index.entries().filter(|entry| entry.intended);
        let intended =
            intended.filter_map(|entry| Some((RepoPath::new(entry.path).ok()?, entry.version()?.mode)));
        let mut intended: BTreeMap<RepoPath, Mode> = intended.collect();
        if intended.is_empty() {
            return Ok(());
        }
        for pending in &mut listing.pending {
            if let Status::Tracked { index, intent_to_add, edited, .. } = &mut pending.status
                && let Some(mode) = intended.remove(&pending.path)
            {
                (*index, *intent_to_add, *edited) = (None, Some(mode), true);
            }
        }
        let committed = self.tree_versions(listing.head.as_deref(), &intended.keys().cloned().collect())?;
        for (path, mode) in intended {
            let head = committed.version(&path).cloned();
            let status = Status::Tracked { head, index: None, intent_to_add: Some(mode), edited: true };
            listing.pending.push(Pending { path, status });
        }
        Ok(())
    }
}

impl Repository {
    /// Corrects files with intent-to-add that are gone: git lists them as if HEAD had an empty file
    /// there.
    fn correct_empty_intentions(&self, listing: &mut Listing) -> Result<()> {
        let empty = self.hash.blob_id(b"");
        let looks_so = |pending: &Pending| match &pending.status {
            Status::Tracked { head: Some(head), index, edited: true, .. } => {
                head.oid == empty && index.as_ref() == Some(head)
            }
            _ => false,
        };
        let suspects: BTreeSet<RepoPath> = listing
            .pending
            .iter()
            .filter(|pending| looks_so(pending))
            .map(|pending| pending.path.clone())
            .collect();
        if suspects.is_empty() {
            return Ok(());
        }
        let committed = self.tree_versions(listing.head.as_deref(), &suspects)?;
        for pending in &mut listing.pending {
            if suspects.contains(&pending.path) && committed.version(&pending.path).is_none() {
                let intent_to_add = Some(Mode::File);
                pending.status = Status::Tracked { head: None, index: None, intent_to_add, edited: true };
            }
        }
        Ok(())
    }
}

impl Repository {
    /// Finds what HEAD has of unmerged paths, which git's status leaves out.
    fn find_heads_of_unmerged(&self, listing: &mut Listing) -> Result<()> {
        let unmerged = listing.pending.iter_mut().filter_map(|pending| match &mut pending.status {
            Status::Unmerged { head, .. } => Some((pending.path.clone(), head)),
            _ => None,
        });
        let mut heads: BTreeMap<RepoPath, &mut Option<Version>> = unmerged.collect();
        if heads.is_empty() {
            return Ok(());
        }
        let committed = self.tree_versions(listing.head.as_deref(), &heads.keys().cloned().collect())?;
        for (path, head) in &mut heads {
            **head = committed.version(path).cloned();
        }
        Ok(())
    }
}

pub(super) fn parse(output: &[u8]) -> std::result::Result<Listing, String> {
    let mut listing = Listing::default();
    for record in output.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
        let whole = || crate::base::screen::Line(&String::from_utf8_lossy(record)).to_string();
        if record.starts_with(b"# ") {
            header(&mut listing, &String::from_utf8_lossy(&record[2..]));
            continue;
        }
        if let Some(path) = record.strip_prefix(b"! ") {
            let folder = path.ends_with(b"/");
            let path = RepoPath::new(path.strip_suffix(b"/").unwrap_or(path));
            listing.ignored.extend(path.ok().map(|path| Ignored { path, folder }));
            continue;
        }
        let (status, path) = entry(record).ok_or_else(whole)?;
        match RepoPath::new(path.strip_suffix(b"/").unwrap_or(path)) {
            Ok(path) => listing.pending.push(Pending { path, status }),
            Err(why) => listing.odd.push((String::from_utf8_lossy(path).into_owned(), why)),
        }
    }
    Ok(listing)
}

fn header(listing: &mut Listing, line: &str) {
    match line.split_once(' ') {
        Some(("branch.oid", oid)) if oid != "(initial)" => listing.head = Some(oid.to_owned()),
        Some(("branch.head", branch)) if branch != "(detached)" => listing.branch = Some(branch.to_owned()),
        _ => {}
    }
}

fn entry(record: &[u8]) -> Option<(Status, &[u8])> {
    let (kind, rest) = record.split_first_chunk::<2>()?;
    match kind {
        b"1 " => {
            // XY sub mH mI mW hH hI path
            let ([xy, sub, head_mode, index_mode, _, head, index], path) = fields::<7>(rest)?;
            if sub.starts_with('S') {
                let submodule = Submodule {
                    head: version(head_mode, head)?,
                    index: version(index_mode, index)?,
                    gone: xy.ends_with('D'),
                    replaced: xy.ends_with('T')
                        && version(index_mode, index)?.is_some_and(|one| one.is_submodule()),
                    loose: false,
                    moved: sub.contains('C'),
                    edited: sub.contains(['M', 'U']),
                };
                return Some((Status::Submodule(submodule), path));
            }
            // A mark to be added is no content: gone from the index (`D`), and yet gone again (`D`).
            let intent_to_add = xy.ends_with('A') || xy == "DD";
            let status = Status::Tracked {
                head: version(head_mode, head)?,
                index: if intent_to_add { None } else { version(index_mode, index)? },
                intent_to_add: intent_to_add.then_some(Mode::File),
                edited: !xy.ends_with('.'),
            };
            Some((status, path))
        }
        b"u " => {
            // XY sub m1 m2 m3 mW h1 h2 h3 path
            let ([_, _, mode1, mode2, mode3, _, oid1, oid2, oid3], path) = fields::<9>(rest)?;
            let stages = [(1, mode1, oid1), (2, mode2, oid2), (3, mode3, oid3)];
            let mut present = Vec::new();
            for (number, mode, oid) in stages {
                present.extend(version(mode, oid)?.map(|version| Stage { number, version }));
            }
            Some((Status::Unmerged { head: None, stages: present }, path))
        }
        b"? " if rest.ends_with(b"/") => Some((Status::NestedRepository, rest)),
        b"? " => Some((Status::Untracked, rest)),
        _ => None,
    }
}

/// Splits off N blank-separated fields; the rest is the path, blanks and all.
fn fields<const N: usize>(rest: &[u8]) -> Option<([&str; N], &[u8])> {
    let mut parts = rest.splitn(N + 1, |byte| *byte == b' ');
    let mut fields = [""; N];
    for field in &mut fields {
        *field = std::str::from_utf8(parts.next()?).ok()?;
    }
    Some((fields, parts.next()?))
}

/// `Some(None)` for "not there", `None` for a mode that nobody knows.
#[expect(clippy::option_option, reason = "an absent version and an unreadable one are different answers")]
fn version(mode: &str, oid: &str) -> Option<Option<Version>> {
    if mode == "000000" {
        return Some(None);
    }
    Mode::from_octal(mode).map(|mode| Some(Version { oid: oid.to_owned(), mode }))
}
