//! What stands where a file of a restore is to be, and whether it can go.

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::sys::work_tree::{Below, NoFile, Node, Tree};

/// The most files that are taken out of one folder.
const MOST_FILES: usize = 2_000;

/// The most bytes that they may have together.
const MOST_BYTES: u64 = 64 << 20;

/// What can't be taken out of the way, as no safety snapshot would have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::restore) enum Stays {
    Repository,
    Special,
    Unreadable,
    TooLarge,
}

impl Stays {
    /// Says what it is.
    pub(in crate::restore) fn words(self) -> &'static str {
        match self {
            Stays::Repository => "a repository of its own",
            Stays::Special => "a socket, pipe or device",
            Stays::Unreadable => "something that can't be read",
            Stays::TooLarge => "a folder that is too large to be saved first",
        }
    }
}

/// What stands where a file is to be.
pub(in crate::restore) enum Standing {
    /// Nothing, a file, or a folder without any.
    Nothing,
    /// A folder with these files, which can go.
    Files(Vec<RepoPath>),
    /// Something that can't go.
    Stays(RepoPath, Stays),
}

/// Looks at what stands where a file is to be.
pub(in crate::restore) fn standing(tree: &Tree, path: &RepoPath) -> Result<Standing> {
    Ok(match tree.read(path)? {
        Node::Missing | Node::File { .. } => Standing::Nothing,
        Node::Special => Standing::Stays(path.clone(), Stays::Special),
        Node::Folder => match tree.files_below(path, MOST_FILES, |_| false)? {
            Below::Files(all, _) if all.is_empty() => Standing::Nothing,
            Below::Files(all, size) if size <= MOST_BYTES => Standing::Files(all),
            Below::Files(..) | Below::TooMany => Standing::Stays(path.clone(), Stays::TooLarge),
            Below::Other(other, what) => {
                let stays = match what {
                    NoFile::Repository => Stays::Repository,
                    NoFile::Special => Stays::Special,
                    NoFile::Unreadable => Stays::Unreadable,
                };
                Standing::Stays(other, stays)
            }
        },
    })
}
