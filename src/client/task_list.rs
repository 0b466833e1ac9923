//! The client's list of tasks of one session, and adding tasks to it while its client may be at work.
//!
//! A task is one file, `N.json`. A new one gets the next free number, as the client would give it (seen with 2.1.332: no other
//! file has to know). Nothing that is here is ever overwritten, and a task that was changed since is not taken back.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ClientHome;
use crate::base::digest::ObjectId;
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::ids::ClientId;
use crate::base::paths::NativePath;
use crate::sys::files::{Draft, Existing, TEMPORARY};
use crate::sys::place::{OwnPath, Root};

/// The client's folder with one folder for each list.
const TASKS: &str = "tasks";

/// A file over this many bytes is no task.
const LARGEST: u64 = 4 << 20;

/// Where the client notes the highest number that it has given.
const HIGHEST: &str = ".highwatermark";

/// The tasks that a session has now.
#[derive(Clone, Debug)]
pub struct TaskList {
    place: ListPlace,
    /// The tasks that can be read, by number.
    pub tasks: Vec<Value>,
    /// The number that the next one gets.
    pub next: u64,
}

/// Where a list is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ListPlace {
    /// The client's folder.
    config: NativePath,
    /// The name of the list's folder.
    list: ClientId,
}

/// Tasks that are added to a list or taken from it: everything that is needed to do it, or to take it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskChange {
    place: ListPlace,
    /// Part of the name of the folder in which tasks wait until they are whole.
    #[serde(default)]
    token: String,
    /// The tasks to be added, each with its number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    add: Vec<(u64, String)>,
    /// The tasks to be taken away, each with its number and the hash of its file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    take: Vec<(u64, ObjectId)>,
}

impl ClientHome {
    /// Reads the tasks of a session; a list that the sessions of the project at `root` share is theirs.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn task_list(&self, session: &ClientId, root: &Path) -> Result<TaskList> {
        let own = self.shared_tasks(root).unwrap_or_else(|| session.clone());
        let team = ClientId::parse(&ClientHome::team_list(session));
        let is_there = |list: &ClientId| self.config().join(TASKS).join(list.as_str()).is_dir();
        let list = match team {
            Some(team) if !is_there(&own) && is_there(&team) => team,
            _ => own,
        };
        TaskList::read(ListPlace { config: self.config().into(), list })
    }
}

impl TaskList {
    fn read(place: ListPlace) -> Result<TaskList> {
        let folder = place.folder();
        let names = if folder.is_folder() { folder.names()? } else { Vec::new() };
        let mut tasks: Vec<(u64, Value)> = Vec::new();
        let mut highest = 0;
        for number in names.iter().filter_map(number_of) {
            highest = highest.max(number);
            let task = folder.join(file_name(number)).read(LARGEST).ok().flatten();
            tasks.extend(task.and_then(|task| Some((number, serde_json::from_slice(&task).ok()?))));
        }
        let noted = folder.join(HIGHEST).read(LARGEST).ok().flatten().unwrap_or_default();
        let noted = std::str::from_utf8(&noted).ok().and_then(|noted| noted.trim().parse::<u64>().ok());
        // What is noted there is believed as long as numbers stay small.
        highest = highest.max(noted.filter(|noted| *noted < u64::from(u32::MAX)).unwrap_or(0));
        tasks.sort_by_key(|(number, _)| *number);
        let tasks = tasks.into_iter().map(|(_, task)| task).collect();
        Ok(TaskList { place, tasks, next: highest.saturating_add(1) })
    }

    /// Says how to add these, each with its number.
    pub fn adding(&self, add: Vec<(u64, String)>) -> TaskChange {
        TaskChange { place: self.place.clone(), token: String::new(), add, take: Vec::new() }
    }

    /// Says how to take these away, and which of them stay, because they were changed since; those that are gone are neither.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn taking(&self, added: &[(u64, ObjectId)]) -> Result<(TaskChange, Vec<u64>)> {
        let (mut take, mut stay) = (Vec::new(), Vec::new());
        for (number, hash) in added {
            match self.place.folder().join(file_name(*number)).read(LARGEST)? {
                Some(task) if ObjectId::of(&task) == *hash => take.push((*number, *hash)),
                Some(_) => stay.push(*number),
                None => {}
            }
        }
        let (place, token) = (self.place.clone(), String::new());
        Ok((TaskChange { place, token, add: Vec::new(), take }, stay))
    }
}

impl TaskChange {
    /// Tells it from others, by a name that nobody else uses.
    #[must_use]
    pub fn under(self, token: &str) -> TaskChange {
        TaskChange { token: token.to_owned(), ..self }
    }

    /// Says whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.take.is_empty()
    }

    /// Returns how many tasks are added, or taken away.
    pub fn number(&self) -> usize {
        self.add.len() + self.take.len()
    }

    /// Returns what is added: the number and the hash of each file.
    pub fn added(&self) -> impl Iterator<Item = (u64, ObjectId)> {
        self.add.iter().map(|(number, text)| (*number, ObjectId::of(text.as_bytes())))
    }

    /// Says whether it is about a list in these folders of the client's.
    pub fn is_in(&self, client: &ClientHome) -> bool {
        let (one, other) = (self.place.config.as_path(), client.config());
        one == other
            || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
    }

    /// Returns the client's folder that the list is in.
    pub fn client_folder(&self) -> &Path {
        self.place.config.as_path()
    }

    /// Adds what is to be added; can be repeated.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if another task has one of the numbers by now, [`Kind::Environment`] with the path.
    pub fn add(&self) -> Result<()> {
        if self.add.is_empty() {
            return Ok(());
        }
        let (folder, staging) = (self.place.folder(), self.staging());
        folder.make_folder()?;
        // Beside the list: in it, the client would see a file that is still being written.
        staging.make_folder()?;
        for (number, text) in &self.add {
            let place = folder.join(file_name(*number));
            if is(&place, text)? {
                continue;
            }
            let mut draft = Draft::begin(&staging)?;
            draft.write_all(text.as_bytes()).context("write", &place.path())?;
            if !draft.seal()?.publish(&place, Existing::Keep)? {
                return Err(Error::new(Kind::Conflict, format!("Cannot write {}", place.path().display()))
                    .because("another task got this number meanwhile")
                    .hint("run the command again"));
            }
        }
        staging.remove_all()?;
        folder.sync()
    }

    fn staging(&self) -> OwnPath {
        self.place.all().join(format!("{TEMPORARY}{}", self.token))
    }

    /// Takes away what was added, unless it was changed since.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn roll_back(&self) -> Result<()> {
        let (folder, staging) = (self.place.folder(), self.staging());
        if !self.add.is_empty() && staging.is_folder() {
            staging.remove_all()?;
        }
        for (number, text) in &self.add {
            let place = folder.join(file_name(*number));
            if is(&place, text)? {
                place.remove()?;
            }
        }
        Ok(())
    }

    /// Takes away what is to be taken away, unless it was changed since; can be repeated.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn take(&self) -> Result<()> {
        let folder = self.place.folder();
        for (number, hash) in &self.take {
            let place = folder.join(file_name(*number));
            if place.read(LARGEST)?.is_some_and(|task| ObjectId::of(&task) == *hash) {
                place.remove()?;
            }
        }
        Ok(())
    }
}

impl ListPlace {
    /// Returns the folder with all lists. A link in its place is the user's own.
    fn all(&self) -> OwnPath {
        Root::own(&self.config.as_path().join(TASKS)).at("")
    }

    fn folder(&self) -> OwnPath {
        self.all().join(self.list.as_str())
    }
}

/// Says whether a file holds just this.
fn is(place: &OwnPath, text: &str) -> Result<bool> {
    Ok(place.read(LARGEST)?.is_some_and(|here| here == text.as_bytes()))
}

fn file_name(number: u64) -> String {
    format!("{number}.json")
}

fn number_of(name: &OsString) -> Option<u64> {
    let name = name.to_str()?.strip_suffix(".json")?;
    name.parse().ok().filter(|number: &u64| number.to_string() == name && *number < u64::from(u32::MAX))
}
