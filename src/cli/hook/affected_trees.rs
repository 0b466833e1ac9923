//! Finds the work trees that a step touches, and what in its way no snapshot can hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::this_machine::{ThisMachine, holds_anything};
use crate::base::screen::Line;
use crate::git::{Nearby, work_tree_around, work_trees_of};
use crate::risk::{Reach, Risk, Target};

/// At most this many places are named; the others are counted.
pub(super) const MOST_TOLD: usize = 5;

/// What a step hits.
#[derive(Clone, Debug, Default)]
pub(super) struct StepImpact {
    /// The roots of work trees, in the order in which they were found.
    pub(super) trees: Vec<PathBuf>,
    /// Folders that go as a whole, with all that is in them.
    pub(super) gone: Vec<PathBuf>,
    /// Files and folders that are removed or overwritten.
    pub(super) removed: Vec<PathBuf>,
    /// What is not covered, in words.
    pub(super) uncovered: Vec<String>,
}

/// Finds the work trees that a step hits.
pub(super) fn of_risk(risk: &Risk, machine: &ThisMachine<'_>) -> StepImpact {
    let touched = &risk.touched;
    let mut search =
        Search { machine, nearby: Nearby::default(), hit: StepImpact::default(), outside: BTreeSet::new() };
    for target in &touched.targets {
        search.target(target);
    }
    let Search { nearby, mut hit, outside, .. } = search;
    // These take away tracked files and submodules, never the folder of a repository as a whole.
    if ["git rm", "git submodule"].iter().any(|step| risk.step.starts_with(step)) {
        hit.gone = hit.trees.iter().filter(|root| is_submodule(root)).cloned().collect();
    }
    // What is moved is still there; and of git, only this takes away what it does not track.
    if risk.class == "rename" {
        hit.removed.clear();
    } else if risk.step.starts_with("git ") {
        let removes = risk.step.starts_with("git worktree remove");
        hit.removed = if removes { hit.gone.clone() } else { Vec::new() };
    }
    let shown = |path: &PathBuf| Line(&path.to_string_lossy()).to_string();
    match outside.len() {
        0 => {}
        // What is only moved is still there.
        _ if risk.class == "rename" => {}
        1..=MOST_TOLD => {
            let all: Vec<String> = outside.iter().map(shown).collect();
            hit.uncovered.push(format!("{} is in no git work tree", all.join(", ")));
        }
        many => {
            let first = outside.first().map(shown).unwrap_or_default();
            hit.uncovered.push(format!("{first} and {} more paths are in no git work tree", many - 1));
        }
    }
    if nearby.is_exhausted() {
        hit.uncovered.push("it is too large to look for every work tree in it".to_owned());
    }
    hit
}

/// A search under way.
struct Search<'a> {
    machine: &'a ThisMachine<'a>,
    nearby: Nearby,
    hit: StepImpact,
    outside: BTreeSet<PathBuf>,
}

impl Search<'_> {
    fn target(&mut self, target: &Target) {
        match &target.reach {
            Reach::Tree => self.tree_around(&real(&target.path)),
            Reach::Below => self.below(&target.path),
            Reach::Fitting(pattern) => {
                let base = real(&target.path);
                let found = self.nearby.fitting(&base, pattern);
                // Where nothing fits, nothing is lost outside of a tree.
                if let Some(root) = work_tree_around(&base).filter(|_| found.is_empty()) {
                    self.add(root);
                }
                let mut seen = BTreeSet::new();
                for path in found {
                    self.hit.removed.push(path.clone());
                    // Files side by side lie in one work tree.
                    let is_folder = path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
                    if is_folder || path.parent().is_some_and(|parent| seen.insert(parent.to_owned())) {
                        self.below(&path);
                    }
                }
            }
            Reach::Named(name) => self.named(&real(&target.path), name),
            Reach::Whole => match work_tree_around(&real(&target.path)) {
                Some(root) if root.join(".git").is_file() => {
                    self.hit.gone.push(root.clone());
                    self.hit.removed.push(root.clone());
                    self.add(root);
                }
                _ => self.target(&Target { reach: Reach::Linked, ..target.clone() }),
            },
            Reach::Worktrees | Reach::Linked => match work_tree_around(&real(&target.path)) {
                Some(root) => {
                    let all = work_trees_of(&root).into_iter();
                    // Of a linked one, this is a file.
                    let linked = |root: &PathBuf| root.join(".git").is_file();
                    all.filter(|root| target.reach == Reach::Worktrees || linked(root))
                        .for_each(|root| self.add(root));
                }
                None => self.tree_around(&target.path),
            },
        }
    }

    /// Adds the work tree around a path; says whether there is one.
    fn tree_around(&mut self, path: &Path) {
        match work_tree_around(path) {
            Some(root) => self.add(root),
            None if self.machine.is_scratch(path) || !holds_anything(path) => {}
            None => {
                self.outside.insert(path.to_owned());
            }
        }
    }

    fn below(&mut self, path: &Path) {
        // Of a link, itself goes; a program that follows it reaches what it leads to.
        let own = real(path);
        let behind = own.canonicalize().ok().filter(|behind| *behind != own);
        let there = own.symlink_metadata();
        if there.is_ok() {
            self.hit.removed.push(own.clone());
        }
        let mut found = Vec::new();
        if there.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
            found = self.nearby.below(&own);
            self.hit.gone.push(own.clone());
        }
        // git knows of trees deeper than a search goes.
        let around = work_tree_around(&own);
        let known = found.iter().chain(&around).flat_map(|root| work_trees_of(root)).collect::<BTreeSet<_>>();
        found.extend(known.into_iter().filter(|root| root.starts_with(&own)));
        let is_root = found.first() == Some(&own);
        match (&around, found.is_empty()) {
            (Some(root), _) if !is_root => self.add(root.clone()),
            (None, true) if there.is_ok() => self.tree_around(&own),
            (None, false) if !self.machine.is_scratch(&own) && holds_more(&own, &found) => {
                self.outside.insert(own);
            }
            _ => {}
        }
        found.into_iter().for_each(|root| self.add(root));
        if let Some(behind) = behind
            && let Some(root) = work_tree_around(&behind)
        {
            self.add(root);
        }
    }

    /// Hits the linked work tree that git means by a name: a path, or the end of one.
    fn named(&mut self, folder: &Path, name: &str) {
        let there = real(&folder.join(name));
        if there.join(".git").exists() {
            self.hit.gone.push(there.clone());
            let found = self.nearby.below(&there);
            self.add(there);
            return found.into_iter().for_each(|root| self.add(root));
        }
        let root = work_tree_around(folder);
        let known = root.iter().flat_map(|root| work_trees_of(root));
        let ends: Vec<PathBuf> = known.filter(|root| root.ends_with(name.trim_end_matches('/'))).collect();
        if ends.is_empty() {
            self.hit.uncovered.push(format!("no work tree {} was found", Line(name)));
        }
        for root in ends {
            self.hit.gone.push(root.clone());
            self.add(root);
        }
    }

    fn add(&mut self, root: PathBuf) {
        if !self.hit.trees.contains(&root) {
            self.hit.trees.push(root);
        }
    }
}

/// Says whether a work tree is that of a submodule.
fn is_submodule(root: &Path) -> bool {
    let of = crate::sys::programs::repository_in(root).filter(|_| root.join(".git").is_file());
    of.is_some_and(|folder| folder.components().any(|part| part.as_os_str() == "modules"))
}

/// Says whether a folder outside of any work tree holds anything beside the work trees in it.
fn holds_more(folder: &Path, trees: &[PathBuf]) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| !trees.iter().any(|root| root.starts_with(&path)))
}

/// Returns a path with the links above it resolved.
fn real(path: &Path) -> PathBuf {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return path.to_owned() };
    match parent.canonicalize() {
        Ok(parent) => parent.join(name),
        Err(_) => real(parent).join(name),
    }
}
