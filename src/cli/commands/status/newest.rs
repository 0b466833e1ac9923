//! Which snapshot `snap status` compares with: the newest of this work tree, as `snap rewind` means it.

use std::path::PathBuf;

use serde::Serialize;

use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::capture::{self, Limits};
use crate::cli::output::snapshot_words::submodule_gone;
use crate::cli::output::words::{ago, count, quoted};
use crate::cli::output::{Style, Text, text};
use crate::cli::program_name;
use crate::compare::changed_since;
use crate::context::Context;
use crate::git::work_trees_of;
use crate::manifest::{Head, Manifest};
use crate::restore::tree_of;
use crate::store::{Reference, Store, Summaries};
use crate::workspace::Workspace;

/// At most so many files are named.
const MOST_NAMED: usize = 3;

/// The newest snapshot of this work tree; the newest of all, if there is none.
#[derive(Serialize)]
pub(super) struct Newest {
    name: String,
    id: String,
    age_seconds: u64,
    /// How many files differ from it now; `null` outside git, and for one of another work tree.
    changed: Option<usize>,
    /// Whether other paths are staged than were; `null` as with `changed`.
    staged_differs: Option<bool>,
    /// How many files of this work tree are in no snapshot as it is now, because a save leaves them out; `null` as with `changed`.
    left_out: Option<usize>,
    /// The other work tree of this repository that it is of.
    work_tree: Option<String>,
    /// The name of a snapshot of another work tree that is newer.
    newer_elsewhere: Option<String>,
    #[serde(skip)]
    age: String,
    /// What a save leaves out: files, and folders that tools fill.
    #[serde(skip)]
    left_out_places: Vec<String>,
    /// The submodules whose folders are gone since.
    #[serde(skip)]
    submodules_gone: Vec<String>,
}

/// The other work trees of a repository, once they are asked for.
struct Others<'w> {
    workspace: &'w Workspace,
    roots: Option<Vec<PathBuf>>,
}

impl Others<'_> {
    /// Says whether a snapshot is of another work tree, be it there or gone; `is_gone` says the latter.
    fn have(&mut self, own: bool, head: &Head, is_gone: impl FnOnce() -> bool) -> bool {
        let (root, here) = (head.root().as_path(), &self.workspace.root);
        own && root != here
            && (self.roots.get_or_insert_with(|| work_trees_of(here)).iter().any(|other| other == root)
                || is_gone())
    }
}

/// Says whether a snapshot is of a work tree that is gone.
fn is_gone(workspace: &Workspace, manifest: &Manifest) -> bool {
    tree_of(workspace, manifest).is_ok_and(|tree| tree.is_gone())
}

impl Newest {
    /// Finds it.
    pub(super) fn of(context: &Context, workspace: &Workspace, all: &Summaries) -> Option<Newest> {
        let mut others = Others { workspace, roots: None };
        let saved = || all.iter().filter(|one| one.readable().is_some_and(|saved| !saved.head.safety));
        let newest = saved().next()?;
        let of_gone = |known| workspace.store.whole(known).is_some_and(|one| is_gone(workspace, &one));
        let here = saved().find(|one| {
            one.readable().is_some_and(|saved| !others.have(one.known.own, saved.head, || of_gone(one.known)))
        });
        let one = here.unwrap_or(newest);
        let manifest = workspace.store.whole(one.known)?;
        // What can't be compared, as with a base that is not here, is no news.
        let limits = Limits::of(&context.settings);
        let left_out = |untracked| capture::beyond(&workspace.root, untracked, limits);
        let since = here.and_then(|_| changed_since(workspace, &manifest, left_out).ok());
        let left_out = since.as_ref().map(|since| &since.left_out);
        let is_newest = std::ptr::eq(one.known, newest.known);
        Some(Newest {
            name: one.called.to_owned(),
            id: manifest.id.to_string(),
            age_seconds: context.now.since(manifest.created_at).as_secs(),
            changed: since.as_ref().map(|since| since.files),
            staged_differs: since.as_ref().map(|since| since.staged_differs),
            submodules_gone: since
                .iter()
                .flat_map(|since| &since.submodules_gone)
                .map(ToString::to_string)
                .collect(),
            left_out: left_out.map(Vec::len),
            left_out_places: left_out.map(|all| places(all)).unwrap_or_default(),
            work_tree: here.is_none().then(|| manifest.workspace.root.to_string()),
            newer_elsewhere: (!is_newest).then(|| newest.called.to_owned()),
            age: manifest.created_at.age(context.now),
        })
    }

    /// Returns what is said of it.
    pub(super) fn lines(&self) -> Vec<Text> {
        let saved = format!("  saved {}", ago(&self.age));
        let since = match (&self.work_tree, self.changed) {
            (Some(root), _) => Style::Warning.of(format!(", of the work tree {}", Line(root))),
            (None, None) => Text::default(),
            (None, Some(0)) if self.staged_differs == Some(true) => Style::Warning
                .of(program_name::in_words("; only what is staged has changed since (`snap diff --now`)")),
            (None, Some(0)) => Style::Good.of("; no file has changed since"),
            (None, Some(1)) => {
                Style::Warning.of(program_name::in_words("; 1 file has changed since (`snap diff --now`)"))
            }
            (None, Some(changed)) => Style::Warning.of(program_name::in_words(&format!(
                "; {changed} files have changed since (`snap diff --now`)"
            ))),
        };
        let newer = self.newer_elsewhere.as_ref().map(|name| {
            text![Style::Faint.of(format!("{} is newer, and of another work tree", quoted(name)))]
        });
        let lines = std::iter::once(text![Style::Strong.of(&self.name), saved, since]);
        let gone = self.submodules_gone.iter().map(|path| Style::Warning.of(submodule_gone(path)));
        lines.chain(gone).chain(self.without()).chain(newer).collect()
    }
}

/// Names what is left out: a folder that tools fill in the place of all that is in it.
fn places(left_out: &[RepoPath]) -> Vec<String> {
    let mut places: Vec<(String, usize)> = Vec::new();
    for path in left_out {
        let folder = capture::generated_folder(path).map(|folder| format!("{}/", Line(&folder)));
        let place = folder.unwrap_or_else(|| path.to_string());
        match places.last_mut() {
            Some((last, number)) if *last == place => *number += 1,
            _ => places.push((place, 1)),
        }
    }
    let named = |(place, number): (String, usize)| {
        if place.ends_with('/') { format!("{place} ({})", count(number, "file")) } else { place }
    };
    places.into_iter().map(named).collect()
}

impl Newest {
    /// Says which files are in no snapshot because a save leaves them out.
    fn without(&self) -> Option<Text> {
        let all = &self.left_out_places;
        if all.is_empty() {
            return None;
        }
        let names: Vec<&str> = all.iter().take(MOST_NAMED).map(String::as_str).collect();
        let names = names.join(", ");
        let names = match all.len().saturating_sub(MOST_NAMED) {
            0 => names,
            more => format!("{names} and {more} more"),
        };
        let said = format!("not in it, too large or too many: {names} (`snap save --include PATTERN`)");
        Some(Style::Warning.of(program_name::in_words(&said)))
    }
}

/// What the newest snapshot is called, and how old it is.
#[derive(Serialize)]
pub(super) struct InShort {
    pub(super) name: String,
    age_seconds: u64,
    /// The age in words.
    #[serde(skip)]
    pub(super) age: String,
}

impl InShort {
    fn new(context: &Context, name: String, created_at: Timestamp) -> InShort {
        InShort {
            name,
            age_seconds: context.now.since(created_at).as_secs(),
            age: created_at.age(context.now),
        }
    }
}

/// Returns the newest snapshot of this work tree: of all, if there is none.
pub(super) fn in_short(context: &Context, workspace: &Workspace) -> Option<InShort> {
    let mut others = Others { workspace, roots: None };
    let newest = workspace.store.find(&Reference::Latest(0)).ok()?;
    let manifest = newest.readable()?;
    let of_gone = |known| workspace.store.whole(known).is_some_and(|one| is_gone(workspace, &one));
    if others.have(newest.own, &Head::of(manifest), || is_gone(workspace, manifest)) {
        let known = workspace.store.known().ok()?;
        let saved = known.iter().filter_map(|one| Some((one, one.head.as_ref().ok()?)));
        let here = saved
            .filter(|(_, head)| !head.safety)
            .find(|(one, head)| !others.have(one.own, head, || of_gone(*one)));
        if let Some((one, head)) = here {
            let called = Store::called_by_stem(&known).remove(&one.stem)?;
            return Some(InShort::new(context, called, head.created_at));
        }
    }
    Some(InShort::new(context, newest.called.clone(), manifest.created_at))
}
