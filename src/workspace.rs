//! The place a command works on: work tree, repository, store and the client's folders.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::digest::ObjectId;
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::client::ClientHome;
use crate::context::{Context, Variables};
use crate::git::{self, Location, Repository};
use crate::manifest::Manifest;
use crate::manifest::attestation::Proofs;
use crate::store::{Seal, Store};
use crate::sys::files::Scratch;
use crate::trust::{self, Provenance, Signers, Trust};

/// The most that a foreign snapshot may unfold to, in bytes: it is held in memory.
const MOST_UNFOLDED: u64 = 256 << 20;

/// The most files that a foreign snapshot may set: each is made durable by itself.
const MOST_FILES: usize = 10_000;

/// The most permission rules and grants in it: each is shown and asked about.
const MOST_GRANTS: usize = 5_000;

/// The most pieces that its files and conversations may be in: each is opened and checked.
const MOST_PIECES: usize = 50_000;

/// The parts of `snap` itself that are in a work tree.
pub struct OwnFolders(Vec<RepoPath>);

impl OwnFolders {
    /// Says whether a path is in one of them.
    pub fn hold(&self, path: &RepoPath) -> bool {
        self.0.iter().any(|own| path.is_in(own))
    }
}

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
    /// This user's means to mark snapshots and to judge them.
    pub trust: Arc<Trust>,
    /// The variables of the environment.
    pub variables: Variables,
    /// The moment the program started.
    pub now: Timestamp,
}

/// What the store asks of the user's key.
impl Seal for Trust {
    fn seal(&self, purpose: &str, message: &[u8]) -> Option<ObjectId> {
        Trust::seal(self, purpose, message).ok()
    }

    fn could_seal(&self) -> bool {
        Trust::could_seal(self)
    }

    fn has_key(&self) -> bool {
        Trust::has_key(self)
    }

    fn is_sealed(&self, purpose: &str, message: &[u8], seal: ObjectId) -> bool {
        Trust::is_sealed(self, purpose, message, seal)
    }

    fn is_own(&self, proofs: &Proofs) -> bool {
        Trust::is_own(self, proofs)
    }
}

impl Workspace {
    /// Makes the refs again that a power cut has torn, of snapshots that are here, and removes those of all others.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git or the disk says.
    pub fn mend_torn_refs(&self) -> Result<()> {
        let Some(repository) = &self.repository else { return Ok(()) };
        let torn = repository.torn_refs();
        if torn.is_empty() {
            return Ok(());
        }
        let known = self.store.known()?;
        for id in &torn {
            let named = known.iter().find(|one| one.head.as_ref().is_ok_and(|head| head.id == *id));
            let base = named.and_then(|one| self.store.whole(one)?.edits?.base);
            match base {
                Some(base) if repository.has_commit(&base)? => repository.keep_commit(id, &base)?,
                _ => repository.release_commit(id)?,
            }
        }
        Ok(())
    }

    /// Opens what is around the folder that the program works in.
    ///
    /// # Errors
    /// [`Kind::Refused`] in a bare repository; what git or the store says otherwise.
    pub fn open(context: &Context) -> Result<Workspace> {
        let (root, home, repository) = match Repository::discover(&context.cwd)? {
            Location::WorkTree(repository) => {
                (repository.root().to_owned(), repository.home()?, Some(repository))
            }
            Location::Outside => (context.cwd.clone(), context.cwd.clone(), None),
            Location::Bare(folder) => {
                let what = if folder.file_name().is_some_and(|name| name == ".git") {
                    "is git's own folder of a repository"
                } else {
                    "is a bare repository"
                };
                return Err(Error::new(Kind::Refused, format!("Cannot work in {}", context.cwd.display()))
                    .because(format!("{} {what}: it has no work tree here", folder.display()))
                    .hint("go to one of its work trees (`git worktree list`), or use `-C DIR`"));
            }
        };
        let store = match &context.store {
            // A link that the user names is the user's own; one in the usual place came with the project.
            Some(folder) if folder.is_symlink() && !folder.ends_with(".claude/snapshots") => {
                Store::open(&folder.canonicalize().unwrap_or_else(|_| folder.clone()))?
            }
            Some(folder) => Store::open(folder)?,
            None => Store::open(&home.join(".claude").join("snapshots"))?,
        };
        let client = ClientHome::new(&context.config_dir, &context.home, context.task_list.clone())
            .with_project_folder(context.project_folder.clone());
        let trust = Arc::new(Trust::new(&context.state));
        let store = store.sealed(Arc::clone(&trust) as Arc<dyn Seal>, context.now);
        Ok(Workspace {
            root,
            repository,
            store,
            client,
            trust,
            variables: context.variables.clone(),
            now: context.now,
        })
    }

    /// Decides whose snapshot it is. Only the user's own configuration is asked, never the project's.
    pub fn provenance(&self, manifest: &Manifest) -> Provenance {
        self.trust.judge(&manifest.proofs, || {
            let allowed = git::user_path("gpg.ssh.allowedSignersFile");
            Signers::new(allowed, git::user_path("gpg.ssh.revocationFile"), &self.root)
        })
    }

    /// Refuses a foreign snapshot that would fill the memory or keep the disk busy for minutes, before
    /// any of it is unpacked.
    ///
    /// # Errors
    /// [`Kind::Refused`] with what can be done.
    pub fn refuse_bomb(&self, manifest: &Manifest, provenance: &Provenance) -> Result<()> {
        if !provenance.is_foreign() {
            return Ok(());
        }
        let (unfolded, files, pieces) = (manifest.unfolded(), manifest.files(), manifest.pieces());
        let grants = manifest.permissions.grants();
        let most = match () {
            () if unfolded > MOST_UNFOLDED => {
                format!("unpacks to {unfolded} bytes; the limit is {MOST_UNFOLDED}")
            }
            () if files > MOST_FILES => format!("sets {files} files; the limit is {MOST_FILES}"),
            () if grants > MOST_GRANTS => {
                format!("has {grants} permission grants; the limit is {MOST_GRANTS}")
            }
            () if pieces > MOST_PIECES => format!("has {pieces} pieces; the limit is {MOST_PIECES}"),
            () => return Ok(()),
        };
        let name = Line(&self.store.called(manifest)).to_string();
        Err(Error::new(Kind::Refused, format!("\"{name}\" is too large to be used"))
            .because(format!("it is not your own and {most}"))
            .hint("ask its author to sign it (`snap save --sign`), and list them in your `gpg.ssh.allowedSignersFile`"))
    }

    /// Signs a snapshot with the key that the user's git configuration names.
    ///
    /// # Errors
    /// [`Kind::Usage`] if it names none, else what `ssh-keygen` says.
    pub fn sign(&self, body: ObjectId) -> Result<String> {
        let key = git::user_path("user.signingKey").and_then(|key| key.into_os_string().into_string().ok());
        let key = key.ok_or_else(|| {
            Error::new(Kind::Usage, "There is no key to sign with")
                .because("`user.signingKey` is not set for this user")
                .hint("git config --global user.signingKey ~/.ssh/id_ed25519.pub")
        })?;
        trust::sign(&key, body)
    }

    /// Makes a folder of the store for work with a remote; not even the store, if there is no such remote.
    ///
    /// # Errors
    /// As [`git::Remote::open`], and [`Kind::Environment`] with the path.
    pub fn scratch_for(&self, folder: &Path, remote: &str) -> Result<Scratch> {
        if !self.store.root().exists() {
            git::Remote::check(self.repository.as_ref(), folder, remote)?;
        }
        self.store.scratch()
    }

    /// Returns the folder whose memory the client's sessions share here: the root of the main work tree.
    ///
    /// # Errors
    /// What git says.
    pub fn memory_root(&self) -> Result<PathBuf> {
        self.repository.as_ref().map_or_else(|| Ok(self.root.clone()), Repository::home)
    }

    /// Returns the store's place in the work tree, if it is in it.
    pub fn store_path(&self) -> Option<RepoPath> {
        self.path_of(self.store.root())
    }

    /// Returns the parts of `snap` itself that are in the work tree: the store, the usual store too if
    /// another one is named, and the user's keys, if their home is the work tree. None of them is ever
    /// an edit.
    pub fn own_folders(&self) -> OwnFolders {
        let usual = self.root.join(".claude").join("snapshots");
        let state = self.trust.folder();
        let state_behind_links = std::fs::canonicalize(state).ok();
        let all = [Some(self.store.root()), Some(&usual), Some(state), state_behind_links.as_deref()];
        OwnFolders(all.into_iter().flatten().filter_map(|folder| self.path_of(folder)).collect())
    }

    /// Returns the place of something in the work tree; `None` if it is elsewhere.
    pub fn path_of(&self, folder: &Path) -> Option<RepoPath> {
        let inside = folder.strip_prefix(&self.root).ok()?;
        RepoPath::new(inside.as_os_str().as_bytes()).ok()
    }
}
