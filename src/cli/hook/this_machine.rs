//! What the machine around a session looks like, to decide whether a step is risky.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::git::{Location, Nearby, Repository, work_tree_around};
use crate::risk::{Machine, Reach, Target, Unsaved};
use crate::sys::scratch;

/// More names than this are not compared to learn what a copy replaces.
const MOST_COPIED: usize = 10_000;

/// The machine, as one run of the program sees it.
pub(super) struct ThisMachine<'a> {
    context: &'a Context,
    /// What was asked already: each question may start git.
    asked: RefCell<BTreeMap<PathBuf, Unsaved>>,
}

impl Machine for ThisMachine<'_> {
    fn unsaved(&self, path: &Path) -> Unsaved {
        if let Some(known) = self.asked.borrow().get(path) {
            return *known;
        }
        let unsaved = self.look(path);
        self.asked.borrow_mut().insert(path.to_owned(), unsaved);
        unsaved
    }

    fn holds_unsaved(&self, target: &Target) -> bool {
        let mut nearby = Nearby::default();
        let places = match &target.reach {
            Reach::Below => vec![target.path.clone()],
            Reach::Fitting(pattern) => nearby.fitting(&target.path, pattern),
            _ => vec![work_tree_around(&target.path).unwrap_or_else(|| target.path.clone())],
        };
        let is_lost = |root: &Path, paths: &[&Path]| {
            let Ok(Location::WorkTree(repository)) = Repository::discover(root) else { return true };
            repository.any_unsaved(paths).unwrap_or(true)
        };
        let mut asked: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        let mut folders = Vec::new();
        for place in places.into_iter().filter(|place| !self.is_scratch(place)) {
            let place = place.canonicalize().unwrap_or(place);
            folders.extend(Some(place.clone()).filter(|place| place.is_dir()));
            match work_tree_around(&place) {
                Some(root) => asked.entry(root).or_default().push(place),
                None if self.is_scratch(&place) || !holds_anything(&place) => {}
                None => return true,
            }
        }
        let around = asked
            .iter()
            .any(|(root, paths)| is_lost(root, &paths.iter().map(PathBuf::as_path).collect::<Vec<_>>()));
        // Work trees inside hold what is theirs. They are looked for last, as that takes the longest.
        around
            || folders.iter().any(|folder| nearby.below(folder).iter().any(|root| is_lost(root, &[root])))
            || nearby.is_exhausted()
    }

    fn written_over(&self, sources: &[Target], folder: &Path, contents: bool) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = Vec::new();
        for source in sources {
            let from = match &source.reach {
                Reach::Below => vec![source.path.clone()],
                Reach::Fitting(pattern) => Nearby::default().fitting(&source.path, pattern),
                _ => Vec::new(),
            };
            open.extend(from.into_iter().map(|from| {
                let name = from.file_name().filter(|_| !contents).map(|name| folder.join(name));
                (from, name.unwrap_or_else(|| folder.to_owned()))
            }));
        }
        // Only where both are, there is anything to find.
        for _ in 0..MOST_COPIED {
            let Some((from, to)) = open.pop() else { break };
            match to.symlink_metadata() {
                Ok(meta) if meta.is_dir() => {
                    let entries = std::fs::read_dir(&from).into_iter().flatten().flatten();
                    open.extend(entries.map(|entry| (entry.path(), to.join(entry.file_name()))));
                }
                Ok(_) => found.push(to),
                Err(_) => {}
            }
        }
        found
    }

    fn variable(&self, name: &str) -> Option<String> {
        let all = &self.context.variables.0;
        all.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn top(&self, folder: &Path) -> Option<PathBuf> {
        work_tree_around(folder)
    }

    fn may_have_submodules(&self, folder: &Path) -> bool {
        let Some(root) = work_tree_around(folder) else { return true };
        let git = root.join(".git");
        // Of a linked work tree, what git keeps is elsewhere.
        !git.is_dir() || git.join("modules").exists() || root.join(".gitmodules").symlink_metadata().is_ok()
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }
}

impl<'a> ThisMachine<'a> {
    /// Returns it, with nothing asked yet.
    pub(super) fn of(context: &'a Context) -> ThisMachine<'a> {
        ThisMachine { context, asked: RefCell::default() }
    }

    /// Looks what overwriting a file would lose. In doubt nothing, as most files that are written are new.
    fn look(&self, path: &Path) -> Unsaved {
        // `/dev/stdout` is a link, and where it leads differs for each program.
        if path.starts_with("/dev") && !path.starts_with("/dev/shm") {
            return Unsaved::No;
        }
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

/// Says whether anything would be lost with a path that no snapshot can hold.
pub(super) fn holds_anything(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => {
            let mut entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            entries.any(|entry| holds_anything(&entry.path()))
        }
        Ok(meta) => meta.is_symlink() || meta.len() > 0,
        Err(_) => false,
    }
}
