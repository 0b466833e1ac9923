//! Where a session was and where it goes: the path map, as a plain value.
//!
//! Owns the list of `old → new` pairs, their order (longest old path first) and the checks on
//! them. Invariant: every old path occurs once, and a path that has to stay is a pair that maps to
//! itself. How a pair is spelled in a transcript is `forms`' business, finding and replacing
//! it is this module's parent's. Pure: reads neither disk nor environment, so symbolic links are the caller's to
//! resolve (each spelling that the session may have used is one more root). Paths are UTF-8, as a
//! transcript's are.

use std::collections::HashSet;
use std::fmt;

use crate::remap::root::Root;

/// The most that all old paths together may measure, in bytes: each has many spellings.
const LARGEST_MAP: usize = 64 << 10;

/// The most components of an old path: each has to be found in every spelling.
const DEEPEST: usize = 256;

/// What a [`PathMap`] is built from. The first mention of an old path wins: user, roots, projects, guards.
#[derive(Clone, Debug, Default)]
pub struct MapSpec {
    /// Old folder → new folder: work tree, other work trees, config folder.
    pub roots: Vec<(String, String)>,
    /// Folders that stay as they are, also below a root. Every new root is one by itself.
    pub guards: Vec<String>,
    /// Old → new name of Claude Code's project directory.
    pub slugs: Vec<(String, String)>,
    /// Old → new folder of the client's own for a project or a session: replaced like a root, and no root by itself.
    pub projects: Vec<(String, String)>,
    /// Old → new session id.
    pub session: Option<(String, String)>,
    /// The user's own `--map OLD=NEW`; never refused for being short.
    pub user: Vec<(String, String)>,
    /// Old → new home folder: what `~` and `$HOME` meant and will mean. Not a root by itself.
    pub home: Option<(String, String)>,
    /// Old folders whose own text files are rewritten on their way, so that their text is to be rewritten in the
    /// conversation too.
    pub rewritten: Vec<String>,
    /// The source's file system ignored case (macOS, Windows). ASCII letters only.
    pub ignore_case: bool,
}

/// Why a map could not be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapError {
    /// The path is neither `/…`, `C:\…` nor `\\server\share…`.
    NotAbsolute(String),
    /// The path is so short that it would match what isn't meant.
    TooShort(String),
    /// The map has more spellings than a search automaton can hold.
    TooLarge,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAbsolute(path) => write!(f, "cannot map {path:?}: not an absolute path"),
            Self::TooShort(path) => {
                write!(f, "cannot map {path:?}: too short to be told from other paths")
            }
            Self::TooLarge => f.write_str("cannot map so many paths at once"),
        }
    }
}

impl std::error::Error for MapError {}

/// What a [`Pair`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairKind {
    /// A folder the user named with `--map`.
    User,
    /// A folder of the snapshot's workspace.
    Root,
    /// A folder of the client's own for a project or a session.
    Project,
    /// A folder that stays.
    Guard,
    /// Claude Code's name for a project directory.
    Slug,
    /// The session id.
    Session,
}

/// One line of the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// What it stands for.
    pub kind: PairKind,
    /// As it stood where the snapshot was taken.
    pub old: String,
    /// As it is to stand here.
    pub new: String,
}

impl Pair {
    fn new(kind: PairKind, (old, new): &(String, String)) -> Self {
        Self { kind, old: old.clone(), new: new.clone() }
    }

    /// Whether mapping it changes nothing.
    pub fn stays(&self) -> bool {
        self.old == self.new
    }
}

/// A checked map from an old place to a new one. Cheap to clone, to print and to compare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathMap {
    pairs: Vec<Pair>,
    home: Option<(String, String)>,
    rewritten: Vec<String>,
    ignore_case: bool,
}

impl PathMap {
    /// The map of a place to itself.
    pub fn noop() -> Self {
        Self::default()
    }

    /// Checks and orders a map.
    ///
    /// # Errors
    /// [`MapError::NotAbsolute`] and [`MapError::TooShort`] name the offending path.
    pub fn build(spec: &MapSpec) -> Result<Self, MapError> {
        let mapped =
            [&spec.user, &spec.roots, &spec.projects, &spec.slugs].into_iter().flatten().map(|(old, _)| old);
        let old: Vec<&String> =
            mapped.chain(&spec.guards).chain(spec.home.iter().map(|(old, _)| old)).collect();
        let deep = |old: &&String| old.split(['/', '\\']).count() > DEEPEST;
        if old.iter().any(deep) || old.iter().map(|old| old.len()).sum::<usize>() > LARGEST_MAP {
            return Err(MapError::TooLarge);
        }
        let mut pairs = Vec::new();
        for (kind, list, least) in [
            (PairKind::User, &spec.user, 1),
            // A container's root is often one component long (`/workspace`), and its boundaries still hold.
            (PairKind::Root, &spec.roots, 1),
            (PairKind::Project, &spec.projects, 2),
        ] {
            for (old, new) in list {
                let pair = (checked(old, least)?, checked(new, 1)?);
                pairs.push(Pair::new(kind, &pair));
            }
        }
        let targets: Vec<String> = pairs.iter().map(|pair| pair.new.clone()).collect();
        for path in spec.guards.iter().chain(&targets) {
            // What is no path of its own is nothing that could be mentioned.
            let Ok(path) = checked(path, 1) else { continue };
            pairs.push(Pair::new(PairKind::Guard, &(path.clone(), path)));
        }
        pairs.extend(spec.slugs.iter().map(|slugs| Pair::new(PairKind::Slug, slugs)));
        pairs.extend(spec.session.iter().map(|ids| Pair::new(PairKind::Session, ids)));

        let mut seen = HashSet::new();
        pairs.retain(|pair| !pair.old.is_empty() && seen.insert(pair.old.clone()));
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.old.len()));
        let home = match &spec.home {
            Some((old, new)) => Some((checked(old, 1)?, checked(new, 1)?)),
            None => None,
        };
        Ok(Self { pairs, home, rewritten: spec.rewritten.clone(), ignore_case: spec.ignore_case })
    }

    /// The pairs, longest old path first: the order in which they are tried.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// Whether nothing can change: the same place again.
    pub fn is_noop(&self) -> bool {
        let home_moved = self.home.as_ref().is_some_and(|(old, new)| old != new);
        let home_matters = home_moved && self.pairs.iter().any(|pair| pair.kind == PairKind::Root);
        self.pairs.iter().all(Pair::stays) && !home_matters
    }

    /// Old and new home folder, if the map knows them.
    pub fn home(&self) -> Option<(&str, &str)> {
        self.home.as_ref().map(|(old, new)| (old.as_str(), new.as_str()))
    }

    /// The old folders whose own text files are rewritten on their way.
    pub fn rewritten(&self) -> &[String] {
        &self.rewritten
    }

    /// Whether old paths are matched without regard to ASCII case.
    pub fn ignores_case(&self) -> bool {
        self.ignore_case
    }
}

/// Whether a path is an absolute one of some system.
pub fn is_absolute(path: &str) -> bool {
    Root::parse(path).is_some()
}

/// The path without trailing separators, if it is absolute and long enough.
fn checked(path: &str, least: usize) -> Result<String, MapError> {
    let root = Root::parse(path).ok_or_else(|| MapError::NotAbsolute(path.to_owned()))?;
    if root.depth() < least {
        return Err(MapError::TooShort(path.to_owned()));
    }
    Ok(root.native())
}
