//! Finds the session to save: the one that was asked for, that the environment names, that runs, or that ended last.
//!
//! Only what belongs to this repository is taken unasked, and what was passed over though somebody may mean it is
//! returned with the reason. Only `UUID.jsonl` is a session.

pub(super) mod glance;
mod scan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::listing::list;
use super::{ClientHome, FoundSession, Live, belongs, slug};
use crate::base::error::{Error, IoContext, Kind, Result};
use crate::base::ids::ClientId;
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;

/// How much of an id stands for it, in characters.
const SHORTEST_START: usize = 4;

/// Which session is wanted.
#[derive(Clone, Copy, Debug)]
pub struct WantedSession<'a> {
    /// `--session`: an id, the start of one, or a transcript's path.
    pub asked: Option<&'a str>,
    /// `CLAUDE_CODE_SESSION_ID`.
    pub environment: Option<&'a str>,
    /// The work tree (or project folder) that it should belong to.
    pub root: &'a Path,
    /// All work trees of the same repository.
    pub trees: &'a [PathBuf],
    /// The sessions that restores have brought into it.
    pub restored: &'a BTreeMap<ClientId, Restored>,
}

/// What was done last with the restore that brought a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It was done: the client goes on with the session, though nothing may have been written to it.
    Done {
        /// When it was done first.
        at: Timestamp,
        /// From when to when it was undone since.
        undone: Vec<(Timestamp, Timestamp)>,
    },
    /// It was undone: the client goes on with another one, unless something was said in this one since.
    Undone(Timestamp),
}

/// Why a session was passed over that somebody may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// The environment names it, and it works elsewhere.
    NamedElsewhere,
    /// It runs in this repository too.
    RunsToo,
    /// It ended in this work tree, and the one that is taken runs in another.
    EndedHere,
    /// It is the newest of another work tree of this repository.
    OtherTree,
    /// Its folder is gone, and this one may be the same by a new name.
    FolderGone,
    /// It works here, but is another configuration folder's.
    OtherProfile,
}

/// What was found, and what somebody may mean instead.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LocatedSession {
    /// The session that is taken.
    pub session: Option<FoundSession>,
    /// Whether it never worked in this repository.
    pub elsewhere: bool,
    /// Whether it works in another work tree of it.
    pub other_tree: bool,
    /// Whether another one may be meant just as well, so that a person should be asked.
    pub unsure: bool,
    /// Those that were passed over, likely ones first.
    pub passed: Vec<(FoundSession, Passed)>,
    /// The session that the environment names, if there is no transcript of it.
    pub unknown: Option<String>,
    /// Sessions that run here and have no transcript yet: nobody has spoken to them.
    pub silent: Vec<ClientId>,
}

impl ClientHome {
    /// Finds the session to save.
    ///
    /// In this order: what was asked for; what the environment names, if it belongs to this repository; a live session
    /// of any of its work trees, of this one first; the transcript written last that was in this work tree.
    ///
    /// # Errors
    /// [`Kind::NotFound`] or [`Kind::Ambiguous`] for one that was asked for;
    /// [`Kind::Environment`] if the client's folders are there but can't be read.
    pub fn find_session(&self, wanted: WantedSession<'_>) -> Result<LocatedSession> {
        let place = WantedPlace::new(self, wanted);
        let mut found = LocatedSession::default();
        if let Some(asked) = wanted.asked {
            let session = self.asked_for(asked, &place)?;
            found.elsewhere = !place.ever_had(&session);
            found.session = Some(session);
            return Ok(found);
        }
        if let Some(named) = wanted.environment {
            self.named(named, &place, &mut found)?;
            if !found.silent.is_empty() {
                // Who asks from a session that was just begun does not mean one that ended before.
                return Ok(found);
            }
        }
        if found.session.is_none() {
            self.live(&place, &mut found)?;
        }
        if found.session.is_none() {
            self.ended(&place, &mut found)?;
        }
        Ok(found)
    }

    /// Returns the session of a transcript.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if it is none; [`Kind::Environment`] if the client's folders can't be read.
    pub fn session_at(&self, transcript: &Path) -> Result<FoundSession> {
        let home = self.of_transcript(transcript);
        let id = session_id(transcript).ok_or_else(|| {
            Error::new(Kind::NotFound, format!("{} is not a transcript", transcript.display()))
                .because("its file name is not a session id")
        })?;
        let live = home.live_session(&id)?;
        Ok(home.found(id, transcript.to_owned(), live))
    }

    /// Returns every transcript on this machine that has the id.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the client's folders can't be read.
    pub fn transcripts(&self, id: &ClientId) -> Result<Vec<PathBuf>> {
        self.transcripts_of(&|name| name == id.as_str())
    }

    /// Returns the sessions that the client finds by this title in a folder.
    ///
    /// # Errors
    /// [`Kind::Environment`] if its folder can't be read.
    pub fn titled(&self, cwd: &Path, title: &str) -> Result<Vec<ClientId>> {
        let of_title = |transcript: &PathBuf| {
            glance::words(transcript).title.is_some_and(|one| one.to_lowercase() == title.to_lowercase())
        };
        let folder = self.project(cwd);
        let transcripts = if folder.is_dir() { list(&folder)? } else { Vec::new() };
        Ok(transcripts.iter().filter(|path| of_title(path)).filter_map(|path| session_id(path)).collect())
    }

    fn asked_for(&self, asked: &str, place: &WantedPlace<'_>) -> Result<FoundSession> {
        let shown = Line(asked).to_string();
        let missing = |cause: String| {
            Error::new(Kind::NotFound, format!("There is no session {shown}"))
                .because(cause)
                .hint("`claude --resume` lists sessions; type an id, or the path of a transcript")
        };
        if asked.contains('/') || asked.ends_with(".jsonl") {
            let path = std::path::absolute(asked).context("find", Path::new(asked))?;
            return if path.is_file() {
                self.session_at(&path)
            } else {
                Err(missing(format!("{} is not a file", path.display())))
            };
        }
        let exact = self.transcripts_of(&|name| name == asked)?;
        let mut found = if exact.is_empty() && asked.len() >= SHORTEST_START {
            self.transcripts_of(&|name| name.starts_with(asked))?
        } else {
            exact
        };
        // Of one id in several folders (a project that was copied), the client takes the one of the folder it is in.
        if found.windows(2).all(|two| two[0].file_name() == two[1].file_name())
            && found.iter().filter(|path| place.is_folder_of(path)).count() == 1
        {
            found.retain(|path| place.is_folder_of(path));
        }
        match found.as_slice() {
            [one] => self.session_at(one),
            [] if asked.len() < SHORTEST_START => {
                Err(missing(format!("the start of an id has at least {SHORTEST_START} characters")))
            }
            [] => {
                let error =
                    missing(format!("no transcript of that id is under {}", self.projects().display()));
                let theirs = |other: ClientHome| other.transcripts_of(&|name| name == asked).ok()?.pop();
                Err(match self.profiles().into_iter().find_map(theirs) {
                    Some(path) => error.hint(format!(
                        "another configuration folder has it: `--session {}`",
                        Line(&path.to_string_lossy())
                    )),
                    None => error,
                })
            }
            [one, two, ..] => Err(Error::new(Kind::Ambiguous, format!("{shown} fits several sessions"))
                .because(format!("{} and {}", one.display(), two.display()))
                .hint("name the transcript's path")),
        }
    }

    /// Takes the session that the environment names, if it belongs here: a shell that a client began long ago still
    /// names that client's session, wherever one goes with it.
    fn named(&self, named: &str, place: &WantedPlace<'_>, found: &mut LocatedSession) -> Result<()> {
        let Some(id) = ClientId::parse(named) else { return Ok(()) };
        let live = self.live_session(&id)?;
        match self.meant_of(&id, live.as_ref(), place)? {
            None if live.as_ref().is_some_and(|live| place.tie(&live.cwd) != Tie::Nowhere) => {
                found.silent.push(id)
            }
            None => found.unknown = Some(named.to_owned()),
            Some(transcript) => {
                let session = self.found(id, transcript, live);
                if place.ever_had(&session) {
                    found.other_tree = place.ties(&session) == Tie::OtherTree;
                    found.session = Some(session);
                } else {
                    found.passed.push((session, Passed::NamedElsewhere));
                }
            }
        }
        Ok(())
    }

    /// Takes the live session that was active last, one of this work tree if there is one.
    fn live(&self, place: &WantedPlace<'_>, found: &mut LocatedSession) -> Result<()> {
        let mut running = Vec::new();
        for live in self.running()? {
            let id = live.id.clone();
            let Some(transcript) = self.meant_of(&id, Some(&live), place)? else {
                // One that has not been spoken to has no transcript, and nothing to save.
                if place.tie(&live.cwd) == Tie::Here {
                    found.silent.push(id);
                }
                continue;
            };
            let active = match live.updated {
                // A client that does not say so writes to its transcript.
                0 => modified(&transcript)
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap_or_default()
                    .as_millis(),
                at => u128::try_from(at).unwrap_or_default(),
            };
            let session = self.found(id, transcript, Some(live));
            match place.ties(&session) {
                Tie::Nowhere => {}
                tie => running.push((tie == Tie::Here, active, session)),
            }
        }
        running.sort_by_key(|(here, active, _)| std::cmp::Reverse((*here, *active)));
        found.other_tree = running.first().is_some_and(|(here, ..)| !here);
        found.unsure = found.other_tree || running.len() > 1;
        let mut sessions = running.into_iter().map(|(_, _, session)| session);
        found.session = sessions.next();
        found.passed.extend(sessions.map(|session| (session, Passed::RunsToo)));
        if found.other_tree {
            let mut ended = LocatedSession::default();
            self.ended(place, &mut ended)?;
            found.passed.extend(ended.session.map(|session| (session, Passed::EndedHere)));
        }
        Ok(())
    }

    fn found(&self, id: ClientId, transcript: PathBuf, live: Option<Live>) -> FoundSession {
        let home = match &live {
            Some(live) if live.config != self.config => self.at(&live.config),
            _ => self.clone(),
        };
        let cwd = match &live {
            Some(live) => Some(live.cwd.clone()),
            None => glance::last_folder(&transcript).ok().flatten(),
        };
        FoundSession { id, transcript, live, cwd, home }
    }

    /// Returns the transcript of a session. If there are several (a project that was copied), the client writes to the one in
    /// the folder of the place that it runs in; else this place's own is meant, or the one that was written last.
    fn meant_of(
        &self,
        id: &ClientId,
        live: Option<&Live>,
        place: &WantedPlace<'_>,
    ) -> Result<Option<PathBuf>> {
        let runs_in = live.map(|live| slug(&live.cwd.to_string_lossy()));
        let order = |path: &PathBuf| {
            let folder = path.parent().and_then(Path::file_name);
            let is_of_client = runs_in.as_ref().is_some_and(|own| folder == Some(own.as_ref()));
            (is_of_client, place.is_folder_of(path), modified(path))
        };
        Ok(self.transcripts(id)?.into_iter().max_by_key(order))
    }

    fn transcripts_of(&self, is_wanted: &dyn Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for project in list(&self.projects())? {
            // Another project's folder that can't be read is not our business.
            let Ok(files) = list(&project) else { continue };
            found.extend(
                files.into_iter().filter(|path| session_id(path).is_some_and(|id| is_wanted(id.as_str()))),
            );
        }
        Ok(found)
    }
}

/// What a folder has to do with the place where the session is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tie {
    /// It is in this work tree.
    Here,
    /// It is in another work tree of the same repository.
    OtherTree,
    Nowhere,
}

/// Where the session is wanted.
struct WantedPlace<'a> {
    root: &'a Path,
    trees: &'a [PathBuf],
    restored: &'a BTreeMap<ClientId, Restored>,
    /// The names of the folders of its transcripts.
    folders: Vec<String>,
}

impl<'a> WantedPlace<'a> {
    fn new(client: &ClientHome, wanted: WantedSession<'a>) -> WantedPlace<'a> {
        let named = client.project_folder.iter().cloned();
        let folders = named.chain([slug(&wanted.root.to_string_lossy())]).collect();
        WantedPlace { root: wanted.root, trees: wanted.trees, restored: wanted.restored, folders }
    }

    /// Says what a folder has to do with it; a link that was left where the folder once was is followed.
    fn tie(&self, folder: &Path) -> Tie {
        let lexical = |folder: &Path| {
            if belongs(folder, self.root) {
                Tie::Here
            } else if self.trees.iter().any(|tree| belongs(folder, tree)) {
                Tie::OtherTree
            } else {
                Tie::Nowhere
            }
        };
        match lexical(folder) {
            Tie::Nowhere => folder.canonicalize().map_or(Tie::Nowhere, |real| lexical(&real)),
            tie => tie,
        }
    }

    /// Says what a session has to do with it, by the folders that it works in, worked in last, and began in.
    fn ties(&self, session: &FoundSession) -> Tie {
        let ends = [glance::last_folder(&session.transcript), glance::first_folder(&session.transcript)];
        let folders = ends.into_iter().filter_map(|folder| folder.ok().flatten());
        let mut ties = session.cwd.clone().into_iter().chain(folders).map(|folder| self.tie(&folder));
        ties.find(|tie| *tie != Tie::Nowhere).unwrap_or(Tie::Nowhere)
    }

    /// Says whether a session was ever in this repository. One that can't be read is known by its folder.
    fn ever_had(&self, session: &FoundSession) -> bool {
        self.ties(session) != Tie::Nowhere
            || glance::was_ever_in(&session.transcript, |folder| self.tie(folder) != Tie::Nowhere)
                .unwrap_or_else(|_| self.is_folder_of(&session.transcript))
    }

    /// Says whether the client keeps a transcript where it keeps those of this work tree.
    fn is_folder_of(&self, transcript: &Path) -> bool {
        let folder = transcript.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        folder.is_some_and(|folder| self.folders.iter().any(|own| own == folder))
    }
}

/// Returns the id of the session whose transcript a file is, by its name: the client takes nothing else for one.
fn session_id(path: &Path) -> Option<ClientId> {
    let name = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
    ClientId::parse(name).filter(ClientId::is_session)
}

/// Returns when a file was written last; one that is gone is very old.
fn modified(path: &Path) -> SystemTime {
    path.metadata().and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}
