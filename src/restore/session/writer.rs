//! The session's files on their way into the client's folders: repaired, with their paths rewritten, piece
//! by piece.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write};

use crate::base::error::{Error, Kind, Result};
use crate::base::ids::ClientId;
use crate::base::paths::RepoPath;
use crate::client::transcript::quiet::{self, Quiet, Revive, SideFileOutcome};
use crate::client::transcript::repair::Mending;
use crate::client::transcript::starters::{Alive, Watch};
use crate::client::transcript::validate::CheckedTranscript;
use crate::client::{WriteContent, is_elsewhere, is_script};
use crate::manifest::{Content, Manifest, Session, SideFile, Transcript};
use crate::restore::session::path_mapping::Rewriter;
use crate::restore::session::saved_lines::saved_lines;
use crate::restore::session::starters::{self, Waking};
use crate::store::Store;

/// Copies the saved content into the client's files, repaired and with its paths rewritten, piece by
/// piece.
pub(in crate::restore) struct Copy<'a> {
    pub(in crate::restore) store: &'a Store,
    pub(in crate::restore) rewriter: Rewriter,
    /// What in the conversation starts by itself, and whether it is switched off; `None` to compare.
    pub(in crate::restore) waking: Option<&'a Waking>,
}

/// Is shown each file's place, and what writes it.
pub(in crate::restore) type Visit<'v> = &'v mut dyn FnMut(&RepoPath, WriteContent<'_>) -> Result<()>;

impl Copy<'_> {
    /// Shows every file of the session but its transcript.
    pub(in crate::restore) fn side_files(
        &mut self,
        manifest: &Manifest,
        session: &Session,
        agents: &BTreeMap<ClientId, CheckedTranscript>,
        visit: Visit<'_>,
    ) -> Result<()> {
        let unharmed = CheckedTranscript::default();
        for agent in &manifest.agents {
            let name = |end: &str| place(&format!("session/subagents/agent-{}.{end}", agent.id));
            if let Some(saved) = &agent.transcript {
                let checked = agents.get(&agent.id).unwrap_or(&unharmed);
                visit(&name("jsonl")?, &mut |out| self.transcript(saved, checked, None, out))?;
            }
            if let Some(meta) = &agent.meta {
                let meta =
                    if self.asleep() { Cow::Owned(quiet::agent(meta.get())) } else { meta.get().into() };
                visit(&name("meta.json")?, &mut |out| self.document(&meta, out))?;
            }
        }
        for task in &manifest.tasks {
            let own = task_place(task.get())?;
            visit(&own, &mut |out| self.document(task.get(), out))?;
            if session.team_tasks {
                // Whether teams are on here can't be known, and the client looks in one place only.
                visit(&place(&format!("team-{own}"))?, &mut |out| self.document(task.get(), out))?;
            }
        }
        let elsewhere = session.elsewhere.iter().filter(|file| is_elsewhere(&file.place));
        let texts = elsewhere.map(|file| (&file.place, &file.text));
        let scripts = session.scripts.iter().filter(|script| is_script(&script.place));
        for (place, text) in texts.chain(scripts.map(|script| (&script.place, &script.text))) {
            if self.waking.is_none_or(|waking| !waking.holds_back(place)) {
                visit(place, &mut |out| self.rewriter.text(text.as_bytes(), out).map_err(unwritten))?;
            }
        }
        let asleep = self.asleep();
        let behind =
            |file: &&SideFile| asleep && quiet::beside(&file.place.to_string()) == SideFileOutcome::Behind;
        for file in session.files.iter().filter(|file| !behind(file)) {
            visit(&file.place, &mut |out| self.side_file(file, out))?;
        }
        Ok(())
    }

    /// Copies the conversation itself.
    pub(in crate::restore) fn conversation(
        &mut self,
        saved: &Transcript,
        checked: &CheckedTranscript,
        out: &mut dyn Write,
    ) -> Result<()> {
        let waking = self.waking;
        self.transcript(saved, checked, waking, out)
    }

    fn transcript(
        &mut self,
        saved: &Transcript,
        checked: &CheckedTranscript,
        waking: Option<&Waking>,
        out: &mut dyn Write,
    ) -> Result<()> {
        let mut quiet = if self.asleep() { Some(self.quiet(saved, waking)?) } else { None };
        let mut lines = saved_lines(self.store, saved);
        let mut mending = Mending::new(checked);
        let mut ended = true;
        while let Some(line) = lines.next_line_mut()? {
            mending.line(line, &mut |line| match quiet.as_mut().map(|quiet| quiet.line(line)) {
                Some(None) => Ok(()),
                Some(Some(line)) => self.rewriter.record(line.as_bytes(), out).map_err(unwritten),
                None => {
                    ended = line.ends_with(b"\n");
                    self.rewriter.record(line, out).map_err(unwritten)
                }
            })?;
        }
        if ended { Ok(()) } else { out.write_all(b"\n").map_err(unwritten) }
    }

    /// Says whether nothing is to start by itself of what is copied.
    fn asleep(&self) -> bool {
        self.waking.is_some_and(|waking| waking.quiet.is_some())
    }

    fn quiet(&self, saved: &Transcript, waking: Option<&Waking>) -> Result<Quiet> {
        let nothing = (Alive::default(), Revive::default());
        let (alive, revive) = match waking.and_then(|waking| Some((waking, waking.quiet.as_ref()?))) {
            Some((waking, asleep)) => (&waking.alive, &asleep.revive),
            None => (&nothing.0, &nothing.1),
        };
        starters::quiet(self.store, saved, alive, revive)
    }

    fn document(&mut self, json: &str, out: &mut dyn Write) -> Result<()> {
        self.rewriter.record(json.as_bytes(), out).map_err(unwritten)
    }

    /// Tool results are the conversation's; file history is the user's own files.
    fn side_file(&mut self, file: &SideFile, out: &mut dyn Write) -> Result<()> {
        match quiet::beside(&file.place.to_string()) {
            SideFileOutcome::Records if self.asleep() => return self.side_records(file, out),
            SideFileOutcome::Agent if self.asleep() => {
                let meta = self.store.load(&file.content)?;
                return self.document(&quiet::agent(&String::from_utf8_lossy(&meta)), out);
            }
            _ => {}
        }
        let mut content = self.store.content(&file.content);
        if !file.place.as_bytes().starts_with(b"session/") || !is_text(self.store, &file.content)? {
            std::io::copy(&mut content, out).map_err(unwritten)?;
            return Ok(());
        }
        let are_records = file.place.as_bytes().ends_with(b".jsonl");
        let mut lines = BufReader::new(content);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(unwritten)? > 0 {
            if are_records {
                self.rewriter.record(&line, out).map_err(unwritten)?;
            } else {
                self.rewriter.text(&line, out).map_err(unwritten)?;
            }
            line.clear();
        }
        Ok(())
    }

    /// Copies an agent's transcript that is no entry of its own.
    fn side_records(&mut self, file: &SideFile, out: &mut dyn Write) -> Result<()> {
        let mut watch = Watch::thorough();
        let mut line = Vec::new();
        let mut lines = BufReader::new(self.store.content(&file.content));
        while lines.read_until(b'\n', &mut line).map_err(unwritten)? > 0 {
            watch.line(&line);
            line.clear();
        }
        let mut quiet = Quiet::new(watch, &Alive::default(), &Revive::default());
        let mut lines = BufReader::new(self.store.content(&file.content));
        while lines.read_until(b'\n', &mut line).map_err(unwritten)? > 0 {
            if let Some(kept) = quiet.line(&line) {
                self.rewriter.record(kept.as_bytes(), out).map_err(unwritten)?;
            }
            line.clear();
        }
        Ok(())
    }
}

/// Says whether content is UTF-8, and so can hold paths to be rewritten.
fn is_text(store: &Store, content: &Content) -> Result<bool> {
    let mut lines = BufReader::new(store.content(content));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).map_err(unwritten)? > 0 {
        // No character holds a line end, so a text is one line by line too.
        if std::str::from_utf8(&line).is_err() {
            return Ok(false);
        }
        line.clear();
    }
    Ok(true)
}

/// Passes on our own error from a reader, or says that the session could not be written.
pub(in crate::restore) fn unwritten(error: std::io::Error) -> Error {
    error.downcast::<Error>().unwrap_or_else(|error| {
        Error::new(Kind::Environment, "Cannot write the session's files").because(error)
    })
}

/// Returns where a task is kept: under its own id.
fn task_place(task: &str) -> Result<RepoPath> {
    #[derive(serde::Deserialize)]
    struct TaskId {
        id: String,
    }
    let id = serde_json::from_str::<TaskId>(task).ok().and_then(|task| ClientId::parse(&task.id));
    match id {
        Some(id) => place(&format!("tasks/{id}.json")),
        None => Err(Error::new(Kind::Damaged, "A task in the snapshot has no usable id")
            .hint("the snapshot was not written by snap")),
    }
}

fn place(text: &str) -> Result<RepoPath> {
    RepoPath::new(text.as_bytes())
        .map_err(|why| Error::new(Kind::Damaged, "A session's file has no usable name").because(why))
}
