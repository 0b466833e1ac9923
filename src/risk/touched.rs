//! Everything that a step touches, collected place by place.

use std::path::PathBuf;

use super::state::{Dir, State};
use super::touched_place::{Reach, Target};
use super::value::Value;

/// What `git clean` takes away beside what git would list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleans {
    /// Untracked files.
    Untracked,
    /// Those and ignored ones.
    All,
    /// Ignored ones alone.
    Ignored,
}

/// What a step of git takes from the repository itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forgets {
    /// This stash entry; all of them if it is not known which.
    Stash(Option<usize>),
    /// These branches.
    Branches(Vec<String>),
}

/// What a step touches, and what of that can't be foreseen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// For `git clean`: the folders in which it removes, and what.
    pub cleans: Option<(Cleans, Vec<PathBuf>)>,
    /// What is lost of the repository, beside its work trees.
    pub forgets: Option<Forgets>,
    /// The places.
    pub targets: Vec<Target>,
    /// What only the run itself decides, as it was written.
    pub unknown: Vec<String>,
}

impl Touched {
    /// Adds the work trees that the step's own folder is in.
    pub(super) fn add_here(&mut self, dirs: &[Dir]) {
        for dir in dirs {
            match dir {
                Dir::Known(path) => self.add(Target { path: path.clone(), reach: Reach::Tree }),
                Dir::Among(target) => self.add(target.clone()),
                Dir::Unknown(written) => self.unknown.push(written.clone()),
            }
        }
    }

    /// Adds everything that values can mean, with what is below.
    pub(super) fn add_below(&mut self, values: &[Value], state: &State) {
        for target in state.below(values, &mut self.unknown) {
            self.add(target);
        }
    }

    /// Returns it in order; where it is nothing, the work trees that the step's own folder is in.
    pub(super) fn or_here(mut self, dirs: &[Dir]) -> Touched {
        if self.targets.is_empty() && self.unknown.is_empty() {
            self.add_here(dirs);
        }
        self.unknown.sort();
        self.unknown.dedup();
        self
    }

    pub(super) fn add(&mut self, target: Target) {
        if !self.targets.contains(&target) {
            self.targets.push(target);
        }
    }
}
