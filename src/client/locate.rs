//! Finds the session to save: asked for, named by the environment, live, or the newest.

use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use super::files::list;
use super::{ClientHome, Live, belongs, slug};
use crate::base::error::{Error, IoContext, Kind, Result};
use crate::base::ids::ClientId;
use crate::base::screen::Line;

/// How much of a transcript's end is read to learn where its session works.
const TAIL: u64 = 256 << 10;

/// Which session is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// `--session`: an id, the start of one, or a transcript's path.
    pub asked: Option<&'a str>,
    /// `CLAUDE_CODE_SESSION_ID`.
    pub environment: Option<&'a str>,
    /// The work tree (or project folder) it has to belong to, if neither is given.
    pub root: &'a Path,
}

/// A session that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSession {
    /// Its id.
    pub id: ClientId,
    /// Its transcript.
    pub transcript: PathBuf,
    /// Its running client, if it runs.
    pub live: Option<Live>,
}

impl ClientHome {
    /// Finds the session.
    ///
    /// Without `asked` and `environment`, it is the live session of the work tree, else the
    /// transcript written last whose own `cwd` lies in the work tree.
    ///
    /// # Errors
    /// [`Kind::NotFound`] or [`Kind::Ambiguous`] for one that was asked for;
    /// [`Kind::Environment`] if the client's folders are there but can't be read.
    pub fn find_session(&self, wanted: Wanted<'_>) -> Result<Option<FoundSession>> {
        if let Some(asked) = wanted.asked {
            return self.asked_for(asked).map(Some);
        }
        if let Some(id) = wanted.environment.and_then(ClientId::parse)
            && let Some(transcript) = self.transcripts_of(&|name| name == id.as_str())?.into_iter().next()
        {
            return self.found(transcript).map(Some);
        }
        for live in self.live_sessions(wanted.root)? {
            // One that has not been spoken to has no transcript, and nothing to save.
            if let Some(transcript) =
                self.transcripts_of(&|name| name == live.id.as_str())?.into_iter().next()
            {
                return Ok(Some(FoundSession { id: live.id.clone(), transcript, live: Some(live) }));
            }
        }
        self.newest(wanted.root)?.map(|transcript| self.found(transcript)).transpose()
    }

    /// Returns every transcript on this machine that has the id.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the client's folders can't be read.
    pub fn transcripts(&self, id: &ClientId) -> Result<Vec<PathBuf>> {
        self.transcripts_of(&|name| name == id.as_str())
    }

    fn asked_for(&self, asked: &str) -> Result<FoundSession> {
        let shown = Line(asked).to_string();
        let missing = |cause: String| {
            Error::new(Kind::NotFound, format!("There is no session {shown}"))
                .because(cause)
                .hint("`claude --resume` lists sessions; `--session` takes an id or a transcript's path")
        };
        if asked.contains('/') || asked.ends_with(".jsonl") {
            let path = std::path::absolute(asked).context("find", Path::new(asked))?;
            return if path.is_file() {
                self.found(path)
            } else {
                Err(missing(format!("{} is not a file", path.display())))
            };
        }
        let exact = self.transcripts_of(&|name| name == asked)?;
        let found = if exact.is_empty() && asked.len() >= 4 {
            self.transcripts_of(&|name| name.starts_with(asked))?
        } else {
            exact
        };
        match found.as_slice() {
            [one] => self.found(one.clone()),
            [] => Err(missing(format!("no transcript of that id is under {}", self.projects().display()))),
            [one, two, ..] => Err(Error::new(Kind::Ambiguous, format!("{shown} fits several sessions"))
                .because(format!("{} and {}", one.display(), two.display()))
                .hint("name the transcript's path")),
        }
    }

    fn found(&self, transcript: PathBuf) -> Result<FoundSession> {
        let id = transcript.file_stem().and_then(|stem| stem.to_str()).and_then(ClientId::parse).ok_or_else(
            || {
                Error::new(Kind::NotFound, format!("{} is not a transcript", transcript.display()))
                    .because("its file name is not a session id")
            },
        )?;
        let live = self.live_session(&id)?;
        Ok(FoundSession { id, transcript, live })
    }

    fn transcripts_of(&self, is_wanted: &dyn Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for project in list(&self.projects())? {
            // Another project's folder that can't be read is not our business.
            let Ok(files) = list(&project) else { continue };
            found.extend(files.into_iter().filter(|path| {
                is_transcript(path) && path.file_stem().and_then(|stem| stem.to_str()).is_some_and(is_wanted)
            }));
        }
        Ok(found)
    }

    /// Finds the transcript written last among those whose session works in the tree.
    fn newest(&self, root: &Path) -> Result<Option<PathBuf>> {
        // A session may have been started in a subfolder; a long name is cut before its hash.
        let name = slug(&root.to_string_lossy());
        let start = name.get(..200).unwrap_or(&name);
        let entered = entered_from(root);
        let mut dated: Vec<(SystemTime, PathBuf)> = Vec::new();
        for project in list(&self.projects())? {
            let folder = project.file_name().unwrap_or_default().to_string_lossy();
            let since = entered.as_ref().filter(|(from, _)| *folder == **from).map(|(_, since)| *since);
            if since.is_none() && !folder.starts_with(start) {
                continue;
            }
            // Only the work tree's own folder must be readable; others may belong to anything.
            let exact = *folder == name;
            let files = match list(&project) {
                Err(error) if exact => return Err(error),
                files => files.unwrap_or_default(),
            };
            for path in files.into_iter().filter(|path| is_transcript(path)) {
                // A link that leads nowhere, or a transcript that has just gone, is none.
                if let Ok(meta) = path.metadata()
                    && meta.is_file()
                    && let Ok(modified) = meta.modified()
                    && since.is_none_or(|since| modified >= since)
                {
                    dated.push((modified, path));
                }
            }
        }
        dated.sort_by(|a, b| b.cmp(a));
        for (_, path) in dated {
            if self.waits(&path) {
                continue;
            }
            let is_ours = match working_directory(&path) {
                Ok(cwd) => cwd.is_some_and(|cwd| belongs(&cwd, root)),
                // One that can't be read is known by its folder; a save has more of it than the transcript.
                Err(_) => path.parent().and_then(Path::file_name).is_some_and(|folder| *folder == *name),
            };
            if is_ours {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }
}

/// For a linked work tree in another one: the folder of the sessions begun there, and since when there is one to
/// enter. A session that makes itself a work tree keeps its transcript where it began (2.1.149).
fn entered_from(root: &Path) -> Option<(String, SystemTime)> {
    let link = root.join(".git").metadata().ok().filter(std::fs::Metadata::is_file)?;
    let outer = root.ancestors().skip(1).find(|folder| folder.join(".git").exists())?;
    Some((slug(&outer.to_string_lossy()), link.modified().ok()?))
}

fn is_transcript(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jsonl")
}

/// Returns where a session works: the last `cwd` in its transcript.
fn working_directory(transcript: &Path) -> Result<Option<PathBuf>> {
    #[derive(Deserialize)]
    struct Record {
        #[serde(default)]
        cwd: Option<PathBuf>,
    }
    let mut file = crate::sys::users_files::open_theirs(transcript).context("read", transcript)?;
    let size = file.metadata().context("read", transcript)?.len();
    let mut read = |from: u64, most: u64| -> std::io::Result<Option<PathBuf>> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        (&mut file).take(most).read_to_end(&mut bytes)?;
        let mut records = bytes
            .split(|byte| *byte == b'\n')
            .rev()
            .filter_map(|line| serde_json::from_slice::<Record>(line).ok());
        Ok(records.find_map(|record| record.cwd))
    };
    let at_end = read(size.saturating_sub(TAIL), TAIL).context("read", transcript)?;
    let near = match at_end {
        None if size > TAIL => read(0, 4 * TAIL).context("read", transcript)?,
        found => found,
    };
    if near.is_some() || size <= TAIL {
        return Ok(near);
    }
    // Lines of any size, at any size of memory.
    file.rewind().context("read", transcript)?;
    let mut records = serde_json::Deserializer::from_reader(BufReader::new(file)).into_iter::<Record>();
    Ok(records.find_map(|record| record.ok()?.cwd))
}
