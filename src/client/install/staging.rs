//! Putting a new session into the client's folders: staged completely, then revealed, or rolled back.
//!
//! Side files come first, the transcript last. The client lists a session by its transcript, so it never
//! sees half of one. Nothing that exists is overwritten. For a session that is continued, the missing
//! records wait in the staging too, and are appended when the restore is decided. All places are known
//! beforehand, as a value, so that another process can finish it or roll it back. Below the client's
//! `projects`, `tasks` and `file-history`, which people put on other disks by a link, everything is reached
//! through real folders only.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, IoContext, Kind, Result};
use crate::base::ids::ClientId;
use crate::base::paths::{NativePath, RepoPath};
use crate::client::ClientHome;
use crate::client::install::append::{
    AddedByItself, AsSaved, Continuation, PrefixMatch, WriteContent, append, roll_back,
};
use crate::client::shared_files::{SCRIPTS, file_name, is_memory, is_script, memory_folder};
use crate::sys::files;
use crate::sys::place::Root;
use crate::sys::work_tree::{Node, Staging, Tree};

/// Is in the staging folder from when everything is staged until nothing may be moved back any more.
const READY: &str = "ready";

/// The client's folders that a session has files in; the first is that of the transcript.
const KINDS: [&str; 6] = ["projects", "tasks", "file-history", "plans", "todos", SCRIPTS];

/// What is installed where: everything that is needed to finish an installation, or to roll it back.
///
/// Everything waits in a staging folder of its kind until it is revealed. A file that is not in its
/// staging folder is in its place. So finishing and rolling back both work from any point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    config: NativePath,
    /// The folder that the client is started in, links resolved.
    cwd: NativePath,
    id: ClientId,
    /// The side files: `session/…`, `tasks/…`, `file-history/…`, `plans/…`, `todos/…`, `memory/…` or `session-env/…`, as
    /// in a manifest.
    places: Vec<RepoPath>,
    /// The name of the project's folder, if it does not follow from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    /// The folder whose memory the client's sessions share here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory_root: Option<NativePath>,
    /// The files that are here already: the number of each, and the size that it has now.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    continued: BTreeMap<usize, u64>,
    /// Part of the names of the staging folders.
    token: String,
}

/// Gives a file that is here as it would be saved; without a place, the transcript.
pub type AsPlaceSaved<'a> =
    &'a dyn Fn(Option<&RepoPath>, std::fs::File) -> io::Result<Box<dyn io::Read + 'a>>;

/// The folders that say where a session's files are.
#[derive(Clone, Copy, Debug)]
pub struct Folders<'a> {
    /// The folder that the client is started in, links resolved.
    pub cwd: &'a Path,
    /// The folder whose memory its sessions share.
    pub memory_root: &'a Path,
}

/// A session that is being written into its staging folders.
pub struct Placing<'a> {
    placed: &'a Placed,
    as_saved: AsPlaceSaved<'a>,
    is_added: AddedByItself<'a>,
    written: usize,
}

impl ClientHome {
    /// Says what an installation is to put where. `token` tells it from others.
    pub fn placed(&self, id: &ClientId, folders: Folders<'_>, places: Vec<RepoPath>, token: &str) -> Placed {
        let config = self.config.as_path().into();
        let (id, token) = (id.clone(), token.to_owned());
        let (cwd, memory_root) = (folders.cwd.into(), Some(folders.memory_root.into()));
        let (project, continued) = (self.project_folder.clone(), BTreeMap::new());
        Placed { config, cwd, id, places, project, memory_root, continued, token }
    }

    /// Compares an existing side file (or, without a place, the transcript) with what would be written.
    /// Writes nothing. Of the transcript, records that `is_added` knows are passed over.
    ///
    /// # Errors
    /// [`Kind::Damaged`] for a place that is none, what `content` says, [`Kind::Environment`] with the path.
    pub fn standing(
        &self,
        id: &ClientId,
        folders: Folders<'_>,
        place: Option<&RepoPath>,
        (as_saved, is_added): (AsSaved<'_>, AddedByItself<'_>),
        content: WriteContent<'_>,
    ) -> Result<PrefixMatch> {
        let placed = self.placed(id, folders, place.into_iter().cloned().collect(), "");
        let StagedFile { kind, path, .. } = placed.file(0)?;
        let folder = self.config.join(kind);
        if !folder.is_dir() {
            return Ok(PrefixMatch::Absent);
        }
        let tree = open(&folder)?;
        match tree.append(&path)? {
            Some(here) => {
                let is_added = if place.is_none() { is_added } else { &|_: &[u8]| false };
                Continuation::run(here, as_saved, is_added, &mut io::sink(), content)
            }
            None if tree.absolute(&path).symlink_metadata().is_ok() => Ok(PrefixMatch::Other),
            None => Ok(PrefixMatch::Absent),
        }
    }
}

impl Placing<'_> {
    /// Writes the next side file, unless this is not the next place: then it is here already.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if it exists where it is to go, [`Kind::Damaged`] for a place that is none, what `content`
    /// says, [`Kind::Environment`] with the path.
    pub fn file(&mut self, place: &RepoPath, content: WriteContent<'_>) -> Result<()> {
        let number = self.written;
        if self.placed.places.get(number) != Some(place) {
            return Ok(());
        }
        self.written += 1;
        self.write(number, content)
    }

    /// Writes the transcript, which has to be the last file, and makes all of them durable.
    ///
    /// # Errors
    /// As [`Placing::file`].
    pub fn transcript(self, content: WriteContent<'_>) -> Result<()> {
        if self.written != self.placed.places.len() {
            return Err(Error::new(Kind::Bug, "The session's files arrived in another order than planned"));
        }
        self.write(self.placed.places.len(), content)?;
        for kind in KINDS {
            if let Some((tree, staging)) = self.placed.opened(kind)? {
                staging.sync()?;
                tree.sync(std::iter::empty())?;
            }
        }
        match self.placed.opened(KINDS[0])? {
            Some((_, staging)) => staging.mark(READY),
            None => Ok(()),
        }
    }

    fn write(&self, number: usize, content: WriteContent<'_>) -> Result<()> {
        let StagedFile { kind, name, path, .. } = self.placed.file(number)?;
        let folder = self.placed.config.as_path().join(kind);
        // A link in its place is the user's own, as that of the client's folder itself.
        Root::own(&folder).at("").make_folder()?;
        let tree = open(&folder)?;
        let staged = self.placed.staged(&name)?;
        let made = match self.placed.continued.get(&number) {
            None if tree.read(&path)? != Node::Missing => return Err(appeared(&tree.absolute(&path))),
            None => tree.create(&staged, content)?,
            Some(size) => {
                let changed = || appeared(&tree.absolute(&path));
                let here = tree.append(&path)?.ok_or_else(changed)?;
                let place = self.placed.places.get(number);
                let as_saved = |file| (self.as_saved)(place, file);
                let is_added = if place.is_none() { self.is_added } else { &|_: &[u8]| false };
                let length = here.metadata().context("read", &tree.absolute(&path))?.len();
                tree.create(&staged, |rest| {
                    match Continuation::run(here, &as_saved, is_added, rest, content)? {
                        PrefixMatch::Beginning(now) if now == *size => Ok(()),
                        // Nothing is missing.
                        PrefixMatch::Same | PrefixMatch::Longer(_) if length == *size => Ok(()),
                        _ => Err(changed()),
                    }
                })?
            }
        };
        if made { Ok(()) } else { Err(appeared(&tree.absolute(&staged))) }
    }
}

/// A file of an installation: which of the client's folders it is in, its name in the staging
/// folder there, and where it goes.
struct StagedFile {
    kind: &'static str,
    name: String,
    path: RepoPath,
    number: usize,
}

impl Placed {
    /// The same for existing files that are only continued: the number of each place (after them, that
    /// of the transcript), and its size.
    pub fn continuing(self, continued: BTreeMap<usize, u64>) -> Placed {
        Placed { continued, ..self }
    }

    /// Says whether it continues a session that is here.
    pub fn continues(&self) -> bool {
        !self.continued.is_empty()
    }

    /// Says whether the name of the project's folder was set by hand.
    pub fn names_project_folder(&self) -> bool {
        self.project.is_some()
    }

    /// Says whether it goes into these folders of the client's.
    pub fn is_in(&self, client: &ClientHome) -> bool {
        let same = |one: &Path, other: &Path| {
            one == other
                || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
        };
        same(self.config.as_path(), client.config())
    }

    /// Returns the client's folder that it goes into.
    pub fn client_folder(&self) -> &Path {
        self.config.as_path()
    }

    /// Says whether it is that of the installation with this token, in a folder that is `inside`.
    pub fn is_of(&self, token: &str, inside: impl Fn(&Path) -> bool) -> bool {
        self.token == token && inside(self.cwd.as_path())
    }

    /// Begins to write the files; those that are here are compared as they would be saved, without what was only added to the transcript.
    pub fn begin<'a>(&'a self, as_saved: AsPlaceSaved<'a>, is_added: AddedByItself<'a>) -> Placing<'a> {
        Placing { placed: self, as_saved, is_added, written: 0 }
    }

    /// Returns where the files go, below the client's folder, the transcript last.
    ///
    /// # Errors
    /// [`Kind::Damaged`] for a place that is none.
    pub(in crate::client) fn paths(&self) -> Result<Vec<RepoPath>> {
        let whole = |StagedFile { kind, path, .. }: StagedFile| {
            RepoPath::new(format!("{kind}/{path}").as_bytes()).map_err(unusable)
        };
        self.files()?.into_iter().rev().map(whole).collect()
    }

    /// Gives every file its name, the transcript last: from then on the client knows the session.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if one of that name exists, [`Kind::Environment`] with the path.
    pub fn reveal(&self) -> Result<()> {
        let files = self.files()?;
        let (transcript, sides) = files.split_at(1);
        for some in [sides, transcript] {
            for kind in KINDS {
                let Some((tree, staging)) = self.opened(kind)? else { continue };
                let here = || some.iter().filter(|file| file.kind == kind);
                for file @ StagedFile { name, path, .. } in here() {
                    if self.continued.contains_key(&file.number) {
                        self.append(&tree, file)?;
                    } else if staging.holds(name)? {
                        tree.put_private(&staging, name, path)?;
                    }
                }
                tree.sync(here().map(|file| &file.path))?;
            }
        }
        Ok(())
    }

    /// Removes what was installed, and the folders that are empty then.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn roll_back(&self) -> Result<()> {
        if let Some((_, marked)) = self.opened(KINDS[0])?
            && marked.holds(READY)?
        {
            for file in self.files()? {
                let StagedFile { kind, name, path, number } = &file;
                let Some((tree, staging)) = self.opened(kind)? else { continue };
                if let Some(size) = self.continued.get(number) {
                    if let Some((mut here, mut rest)) = self.both(&tree, &file)? {
                        roll_back(&mut here, *size, &mut rest).context("write", &tree.absolute(path))?;
                    }
                } else if !staging.holds(name)? && tree.read(path)? != Node::Missing {
                    tree.take(path, &staging, name)?;
                    tree.prune_folders(path);
                }
            }
            marked.unmark(READY)?;
        }
        self.clean_up()
    }

    /// Removes the staging folders with what is left in them.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn clean_up(&self) -> Result<()> {
        for kind in KINDS {
            if let Some((_, staging)) = self.opened(kind)? {
                staging.remove()?;
            }
        }
        Ok(())
    }

    /// Appends what is missing of a file that is here.
    fn append(&self, tree: &Tree, file: &StagedFile) -> Result<()> {
        let place = tree.absolute(&file.path);
        let (Some(size), Some((mut here, mut rest))) =
            (self.continued.get(&file.number), self.both(tree, file)?)
        else {
            return Err(appeared(&place));
        };
        if append(&mut here, *size, &mut rest).context("write", &place)? {
            Ok(())
        } else {
            Err(appeared(&place))
        }
    }

    /// Opens a file that is here, and what waits to be appended to it.
    fn both(&self, tree: &Tree, file: &StagedFile) -> Result<Option<(std::fs::File, std::fs::File)>> {
        let rest = tree.append(&self.staged(&file.name)?)?;
        Ok(tree.append(&file.path)?.zip(rest))
    }

    fn staged(&self, name: &str) -> Result<RepoPath> {
        RepoPath::new(format!("{}/{name}", self.staging()).as_bytes()).map_err(unusable)
    }

    fn staging(&self) -> String {
        format!("{}{}", files::TEMPORARY, self.token)
    }

    /// Opens one of the client's folders and the staging folder in it, if that is there.
    fn opened(&self, kind: &str) -> Result<Option<(Tree, Staging)>> {
        let folder = self.config.as_path().join(kind);
        if !folder.is_dir() {
            return Ok(None);
        }
        let tree = open(&folder)?;
        Ok(tree.open_staging(None, &self.staging())?.map(|staging| (tree, staging)))
    }

    /// Returns all files, the transcript first.
    fn files(&self) -> Result<Vec<StagedFile>> {
        (0..=self.places.len()).rev().map(|number| self.file(number)).collect()
    }

    /// Returns the file of this number: that of a place or, behind them, the transcript.
    fn file(&self, number: usize) -> Result<StagedFile> {
        let mut client = ClientHome::new(self.config.as_path(), Path::new("/"), None);
        client.project_folder.clone_from(&self.project);
        let transcript = client.transcript_path(self.cwd.as_path(), &self.id);
        let transcript = transcript.strip_prefix(client.projects()).unwrap_or(&transcript);
        let Some(place) = self.places.get(number) else {
            return below_client(KINDS[0], "transcript".to_owned(), transcript, number);
        };
        if is_memory(place) {
            let root = self.memory_root.as_ref().map_or(self.cwd.as_path(), NativePath::as_path);
            let path = place.components().skip(1).fold(memory_folder(root), |path, name| path.join(name));
            return below_client(KINDS[0], number.to_string(), &path, number);
        }
        if let Some((kind, name)) = file_name(place, &self.id) {
            return below_client(kind, number.to_string(), &name, number);
        }
        let mut components = place.components();
        let kind = components.next().and_then(|kind| kind.to_str()).unwrap_or_default();
        let (kind, folder) = match kind {
            "session" => (KINDS[0], transcript.with_extension("")),
            "tasks" => ("tasks", PathBuf::from(self.id.as_str())),
            "team-tasks" => ("tasks", PathBuf::from(ClientHome::team_list(&self.id))),
            "file-history" => ("file-history", PathBuf::from(self.id.as_str())),
            SCRIPTS if is_script(place) => (SCRIPTS, PathBuf::from(self.id.as_str())),
            _ => {
                return Err(Error::new(
                    Kind::Damaged,
                    format!("{place} is not a valid place for a session's file"),
                )
                .hint("the snapshot was not written by snap"));
            }
        };
        let path = components.fold(folder, |path, component| path.join(component));
        below_client(kind, number.to_string(), &path, number)
    }
}

/// Opens one of the client's folders. A link in its place is the user's own.
fn open(folder: &Path) -> Result<Tree> {
    Tree::open(&folder.canonicalize().context("open", folder)?)
}

fn below_client(kind: &'static str, name: String, path: &Path, number: usize) -> Result<StagedFile> {
    let path = RepoPath::new(path.as_os_str().as_bytes()).map_err(unusable)?;
    Ok(StagedFile { kind, name, path, number })
}

fn unusable(why: String) -> Error {
    Error::new(Kind::Damaged, "A session's file has no usable name").because(why)
}

fn appeared(path: &Path) -> Error {
    Error::new(Kind::Conflict, format!("Cannot write {}", path.display()))
        .because("a file of that name appeared or changed meanwhile")
        .hint("run the command again")
}
