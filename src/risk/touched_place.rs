//! A place that a step touches, and how far the step reaches from there.

use std::path::PathBuf;

/// A place that a step touches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The path, absolute and without `..`.
    pub path: PathBuf,
    /// What of it is touched.
    pub reach: Reach,
}

/// How far a step reaches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The work tree around the path, and no tree inside it.
    Tree,
    /// Everything at the path and below it, in whatever work trees.
    Below,
    /// The same for whatever is there and fits this pattern, which is relative to the path.
    Fitting(String),
    /// The linked work tree that git calls so, seen from the path.
    Named(String),
    /// Every work tree of the repository that the path is in.
    Worktrees,
    /// The same, but for the main one.
    Linked,
    /// The linked work tree around the path, which is removed as a whole. From the main one, any linked
    /// one.
    Whole,
}
