//! The place a command works on: work tree, repository, store and the client's folders.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::git::{Place, Repository};
use crate::paths::RepoPath;
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

    /// Returns the store's place in the work tree, if it lies in it: it is never an edit.
    pub fn store_path(&self) -> Option<RepoPath> {
        let inside = self.store.root().strip_prefix(&self.root).ok()?;
        RepoPath::new(inside.as_os_str().as_bytes()).ok()
    }
}
