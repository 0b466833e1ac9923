//! What `snap diff` compares, and how each source is opened.

use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::Diff;
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::cli::line_choice;
use crate::cli::output::Ui;
use crate::cli::output::pager::input_rests;
use crate::cli::output::snapshot_words::submodule_gone;
use crate::cli::output::words::{count, quoted};
use crate::cli::upkeep::{warn_of_newer, warn_of_passed_over};
use crate::compare::{self, Item, Loader, broken};
use crate::context::Context;
use crate::diff::{Again, FileHeader, Only, Options, Show, show_patch_as_it_comes};
use crate::edits::FileReader;
use crate::manifest::Manifest;
use crate::store::{Entry, Reference, Store};
use crate::workspace::Workspace;

/// Where a file's diff comes from.
pub(super) enum Job {
    Item(Box<Item>),
    /// Two files, each as it was named and where it is.
    Files(Named, Named),
    /// A diff on standard input; the files of it that are wanted.
    Input(Vec<Vec<u8>>),
}

/// The files of a diff, and what no file shows.
pub(super) struct Jobs {
    pub(super) jobs: Vec<Job>,
    /// Whether what is staged differs.
    pub(super) staged_differs: bool,
}

impl Jobs {
    fn of(jobs: Vec<Job>) -> Jobs {
        Jobs { jobs, staged_differs: false }
    }
}

/// A file as it was named, and where it is.
type Named = (PathBuf, PathBuf);

impl Diff {
    /// Returns the wanted files of a diff on standard input, named as the diff names them.
    fn wanted_of_input(&self) -> Vec<Vec<u8>> {
        use std::os::unix::ffi::OsStrExt as _;
        let name = |path: &PathBuf| {
            let parts = path.components().filter_map(|part| match part {
                Component::Normal(name) => Some(name.as_bytes().to_vec()),
                _ => None,
            });
            parts.collect::<Vec<_>>().join(&b'/')
        };
        // The whole folder is no restriction.
        self.paths.iter().map(name).filter(|name| !name.is_empty()).collect()
    }

    /// Opens the workspace and reads the wanted manifests. While git is still finding the workspace,
    /// the manifests are read from where the store usually is.
    pub(super) fn open(&self, context: &Context, ui: &mut Ui) -> Result<(Workspace, Vec<Manifest>)> {
        let (named, latest) = (self.references.iter().map(String::as_str), ["latest"]);
        let named: Vec<Reference> = named.chain(latest).map(Reference::parse).collect();
        let wanted = &named[..self.references.len().max(1)];
        let find = |store: &Store| -> Result<Vec<Manifest>> {
            wanted.iter().map(|reference| self.found(context, store, reference)?.manifest).collect()
        };
        let (workspace, early) = std::thread::scope(|scope| {
            // What is read stays, so it is read where the rest of the memory is.
            let open = scope.spawn(|| Workspace::open(context));
            let early = likely_store(context).and_then(|folder| Store::open(&folder).ok());
            let early = early.map(|store| {
                let store = store.forgetting();
                (store.root().to_owned(), find(&store), store.take_passed_over())
            });
            (open.join(), early)
        });
        let workspace = workspace.map_err(|_| Error::new(Kind::Bug, "Opening the workspace failed"))??;
        let manifests = match early {
            Some((root, Ok(found), newer))
                if root == workspace.store.root() && are_meant(&workspace.store, &found, wanted) =>
            {
                warn_of_newer(newer, ui);
                found
            }
            // What the workspace knows makes a failure clearer.
            _ => find(&workspace.store)?,
        };
        warn_of_passed_over(&workspace.store, ui);
        let mut manifests = manifests;
        for (manifest, reference) in manifests.iter_mut().zip(wanted) {
            if let Some(here) = line_choice::meant_here(&workspace, reference, manifest, self.now, ui)? {
                *manifest = here;
            }
            workspace.refuse_bomb(manifest, &workspace.provenance(manifest))?;
        }
        Ok((workspace, manifests))
    }

    /// Finds a snapshot; helps somebody who named a file where a snapshot is meant.
    fn found(&self, context: &Context, store: &Store, reference: &Reference) -> Result<Entry> {
        let found = match reference {
            Reference::Typed(word) => line_choice::find(store, word),
            _ => store.find(reference),
        };
        found.map_err(|error| match reference {
            Reference::Typed(word) if error.kind() == Kind::NotFound && of_git(word).is_some() => {
                error.hint(of_git(word).unwrap_or_default())
            }
            Reference::Typed(word) if error.kind() == Kind::NotFound && context.cwd.join(word).exists() => {
                let snapshots = self.references.iter().filter(|one| *one != word);
                let words = snapshots.map(|one| format!("{} ", quoted(one))).collect::<String>();
                error.hint(format!("files come behind `--`: `snap diff {words}-- {}`", quoted(word)))
            }
            _ => error,
        })
    }

    pub(super) fn jobs(
        &self,
        context: &Context,
        workspace: Option<&Workspace>,
        manifests: Vec<Manifest>,
        ui: &mut Ui,
    ) -> Result<Jobs> {
        if let [old, new] = self.files.as_slice() {
            let place = |path: &PathBuf| (path.clone(), context.cwd.join(path));
            return Ok(Jobs::of(vec![Job::Files(place(old), place(new))]));
        }
        let Some(workspace) = workspace else {
            return Ok(Jobs::of(vec![Job::Input(self.wanted_of_input())]));
        };
        let mut manifests = manifests.into_iter();
        let (items, staged_differs) = match (manifests.next(), manifests.next(), self.now) {
            (Some(one), None, false) => (compare::edits(one.edits), false),
            (Some(one), None, true) => {
                let now = compare::with_work_tree(workspace, &one)?;
                warn_of_left_out(&workspace.store.called(&one), now.left_out, ui);
                if self.paths.is_empty() {
                    now.submodules_gone.iter().for_each(|path| ui.warn(&submodule_gone(&path.to_string())));
                }
                (now.items, now.staged_differs)
            }
            (Some(old), Some(new), false) => {
                (compare::between(workspace, &old, &new)?, compare::staged_differs(&old, &new))
            }
            _ => {
                return Err(Error::new(Kind::Usage, "Cannot compare two snapshots with the work tree")
                    .hint("`snap diff --now REF` takes one"));
            }
        };
        let wanted = self
            .paths
            .iter()
            .map(|path| inside(&workspace.root, &context.cwd.join(path)))
            .collect::<Result<Vec<_>>>()?;
        let lies_in = |item: &Item, path: &RepoPath| {
            item.path().is_in(path) || item.old_path().is_some_and(|old| old.is_in(path))
        };
        for path in wanted.iter().flatten() {
            let is_here = || workspace.root.join(path.as_path()).symlink_metadata().is_ok();
            if !items.iter().any(|item| lies_in(item, path)) && !is_here() {
                ui.warn(&format!("no file that differs matches {path}, and none of that name is here"));
            }
        }
        let is_wanted = |item: &Item| {
            wanted.is_empty()
                || wanted.iter().any(|path| path.as_ref().is_none_or(|path| lies_in(item, path)))
        };
        let jobs = items.into_iter().filter(is_wanted).map(|item| Job::Item(Box::new(item))).collect();
        Ok(Jobs { jobs, staged_differs: staged_differs && self.paths.is_empty() })
    }
}

/// Returns what does what is meant, where a word means something to `git diff`.
fn of_git(word: &str) -> Option<String> {
    if let Some((old, new)) = word.split_once("..") {
        let new = new.trim_start_matches('.');
        return (!old.is_empty() && !new.is_empty()).then(|| {
            format!("name two snapshots one after the other: `snap diff {} {}`", quoted(old), quoted(new))
        });
    }
    let is_head = word == "@"
        || word.strip_prefix("HEAD").is_some_and(|rest| rest.is_empty() || rest.starts_with(['~', '^', '@']));
    is_head.then(|| {
        format!("`git diff {word} | snap diff -` shows what differs from that commit; `snap diff --now` compares the newest snapshot with the work tree")
    })
}

/// Says that some files can't be compared, since the snapshot does not have them.
fn warn_of_left_out(name: &str, left_out: usize, ui: &mut Ui) {
    if left_out > 0 {
        let (files, are) = (count(left_out, "file"), if left_out == 1 { "is" } else { "are" });
        ui.warn(&format!(
            "{files} that \"{}\" leaves out {are} not compared; `snap show {}` says which and why",
            Line(name),
            quoted(name)
        ));
    }
}

/// Returns where the store is, unless git knows better.
fn likely_store(context: &Context) -> Option<PathBuf> {
    let usual = |folder: &Path| folder.join(".claude").join("snapshots");
    context.store.clone().or_else(|| context.cwd.ancestors().map(usual).find(|store| store.is_dir()))
}

/// Returns a path in the work tree; `None` for its root.
pub(crate) fn inside(root: &Path, path: &Path) -> Result<Option<RepoPath>> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut flat = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(flat.pop()),
            Component::CurDir => {}
            other => flat.push(other),
        }
    }
    let refuse =
        |cause: String| Error::new(Kind::Usage, format!("Cannot look for {}", path.display())).because(cause);
    let inner = flat.strip_prefix(root).map_err(|_| refuse("it is outside the work tree".to_owned()))?;
    if inner.as_os_str().is_empty() {
        Ok(None)
    } else {
        RepoPath::new(inner.as_os_str().as_bytes()).map(Some).map_err(refuse)
    }
}

/// Shows the diff of one job.
pub(super) fn show_job(
    job: Job,
    loader: &mut Option<Loader<'_>>,
    options: Options,
    show: &mut dyn Show,
) -> Result<()> {
    match (job, loader) {
        (Job::Item(item), Some(loader)) => loader.show(*item, show),
        (Job::Files(old, new), _) => show_files(&old, &new, options, show),
        (Job::Input(wanted), _) => {
            show_patch_as_it_comes(io::stdin().lock(), input_rests, &mut Only::new(&wanted, show))
                .map_err(|error| broken(&error))
        }
        (Job::Item(_), None) => Err(Error::new(Kind::Bug, "An edit has nowhere to be loaded from")),
    }
}

fn show_files(old: &Named, new: &Named, options: Options, show: &mut dyn Show) -> Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let open = |path: &Path| -> Result<(File, std::fs::Metadata)> {
        let handle = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::new(Kind::NotFound, format!("There is no file {}", path.display())));
            }
            opened => opened.context("open", path)?,
        };
        let facts = handle.metadata().context("open", path)?;
        if facts.is_dir() {
            return Err(Error::new(Kind::Usage, format!("Cannot compare {}", path.display()))
                .because("it is a folder"));
        }
        Ok((handle, facts))
    };
    let ((old_file, old_facts), (new_file, new_facts)) = (open(&old.1)?, open(&new.1)?);
    let name = |path: &Path| path.as_os_str().as_bytes().to_vec();
    let file = FileHeader { path: name(&new.0), old_path: Some(name(&old.0)), ..FileHeader::default() };
    let again: Option<Again<'_>> = match (old_file.try_clone(), new_file.try_clone()) {
        // A pipe can be read only once.
        (Ok(old), Ok(new)) if old_facts.is_file() && new_facts.is_file() => {
            let from =
                |file: &File, at: u64| Ok::<_, io::Error>(Box::new(FileReader::new(file.try_clone()?, at)));
            Some(Box::new(move |from_old, from_new| Ok((from(&old, from_old)?, from(&new, from_new)?))))
        }
        _ => None,
    };
    let sizes = (Some(old_facts.len()), Some(new_facts.len()));
    compare::show_readers(file, (old_file, new_file), again, sizes, options, show)
        .map_err(|error| broken(&error))
}

/// Says whether these are surely the snapshots that the references mean. A store that was opened alone does not know whose a snapshot
/// is, and of two of one name the user's own is meant.
fn are_meant(store: &Store, found: &[Manifest], wanted: &[Reference]) -> bool {
    found.iter().zip(wanted).all(|(manifest, reference)| match reference {
        Reference::Latest(_) => true,
        Reference::Named(word) | Reference::Typed(word) => {
            manifest.id.as_str() == word || store.called(manifest) == *word
        }
    })
}
