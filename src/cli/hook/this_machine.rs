//! What the machine around a session looks like, to decide whether a step is risky.

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::git::{Location, Repository, work_tree_around};
use crate::risk::{Machine, Unsaved};
use crate::sys::scratch;

/// The machine, as one run of the program sees it.
pub(super) struct ThisMachine<'a> {
    pub(super) context: &'a Context,
}

impl Machine for ThisMachine<'_> {
    /// In doubt nothing, as most files that are written are new.
    fn unsaved(&self, path: &Path) -> Unsaved {
        match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => return Unsaved::Folder,
            Ok(meta) if meta.len() > 0 && !self.is_scratch(path) => {}
            _ => return Unsaved::No,
        }
        // A link is followed: what is written lands there.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let Some(root) = work_tree_around(&path) else {
            return if self.is_scratch(&path) { Unsaved::No } else { Unsaved::Whole };
        };
        let Ok(Location::WorkTree(repository)) = Repository::discover(&root) else { return Unsaved::No };
        repository.unsaved(&path).map_or(Unsaved::No, |unsaved| match unsaved {
            None => Unsaved::No,
            Some(true) => Unsaved::Edits,
            Some(false) => Unsaved::Whole,
        })
    }

    fn variable(&self, name: &str) -> Option<String> {
        let all = &self.context.variables.0;
        all.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn top(&self, folder: &Path) -> Option<PathBuf> {
        work_tree_around(folder)
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }
}

impl ThisMachine<'_> {
    /// Says whether a place is for scratch files, or the client itself keeps it.
    pub(super) fn is_scratch(&self, path: &Path) -> bool {
        let context = self.context;
        let named = ["TMPDIR", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "CLAUDE_CODE_TMPDIR"];
        let named = named.into_iter().filter_map(|name| self.variable(name)).map(PathBuf::from);
        let fixed = scratch::folders(&context.home);
        let own = [context.home.join(".cache"), context.config_dir.clone(), context.state.clone()];
        let all = named.chain(fixed).chain(own);
        // The path may be named through a link that is a part of the system, or past it.
        let mut names = all.flat_map(|folder| folder.canonicalize().ok().into_iter().chain([folder]));
        let home = context.home.canonicalize().unwrap_or_else(|_| context.home.clone());
        // One that holds the home would hide everything.
        let holds_home = |folder: &Path| context.home.starts_with(folder) || home.starts_with(folder);
        names.any(|folder| folder.is_absolute() && !holds_home(&folder) && path.starts_with(&folder))
    }
}
