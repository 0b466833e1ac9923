//! The place a command works on: work tree, repository, store and the client's folders.

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::git::{Place, Repository};
use crate::session::ClientHome;
use crate::store::Store;

/// An opened workspace.
pub struct Workspace {
    /// The work tree's root; outside git, the folder itself.
    pub root: PathBuf,
    /// The repository, if the folder is in one.
    pub repository: Option<Repository>,
    /// The store; it need not exist yet.
    pub store: Store,
    /// The client's folders.
    pub client: ClientHome,
}

impl Workspace {
    /// Opens what is around the folder that the program works in.
    ///
    /// # Errors
    /// [`Kind::Refused`] in a bare repository; what git or the store says otherwise.
    pub fn open(context: &Context) -> Result<Workspace> {
        let (root, home, repository) = match Repository::discover(&context.cwd)? {
            Place::WorkTree(repository) => {
                (repository.root().to_owned(), repository.home()?, Some(repository))
            }
            Place::Outside => (context.cwd.clone(), context.cwd.clone(), None),
            Place::Bare(folder) => {
                return Err(Error::new(Kind::Refused, format!("Cannot work in {}", context.cwd.display()))
                    .because(format!("{} is a bare repository: it has no work tree here", folder.display()))
                    .hint("go to one of its work trees (`git worktree list`), or use `-C DIR`"));
            }
        };
        let store = match &context.store {
            Some(folder) => Store::open(folder)?,
            None => Store::open(&home.join(".claude").join("snapshots"))?,
        };
        let client = ClientHome::new(&context.config_dir, &context.home);
        Ok(Workspace { root, repository, store, client })
    }

    /// Returns the store's place relative to the root, if it lies in it.
    pub fn store_in_root(&self) -> Option<&Path> {
        self.store.root().strip_prefix(&self.root).ok()
    }
}
