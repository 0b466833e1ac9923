//! Puts conversations and edits into the chunks of a page, and into its index.

use std::io;

use super::chunks::{Chunker, Growing, Place};
use super::content::{Receiver, Thread};
use super::edit_text::EditReceiver;
use super::index::{EditEntry, Indexed, ThreadEntry};
use super::item::Item;
use crate::base::error::Result;
use crate::compare::NO_BASE;
use crate::diff::{End, FileHeader};

/// Takes everything that a page shows.
pub(super) struct PageContent<'p> {
    chunker: Chunker<'p>,
    /// What the index says of it.
    pub(super) indexed: Indexed,
    /// The edits.
    pub(super) edits: Vec<EditEntry>,
    open: Option<(EditEntry, Growing)>,
    /// Colours of the open edit.
    colors: Vec<u8>,
    /// Whether an edit can't be shown, because its base is not here.
    pub(super) incomplete: bool,
}

impl<'p> PageContent<'p> {
    /// Begins with nothing.
    pub(super) fn new(chunker: Chunker<'p>) -> PageContent<'p> {
        let (indexed, edits) = (Indexed::default(), Vec::new());
        PageContent { chunker, indexed, edits, open: None, colors: Vec::new(), incomplete: false }
    }

    /// Ends the last chunk; returns everything, and how many bytes each chunk has.
    ///
    /// # Errors
    /// Whatever handing on gives.
    pub(super) fn finish(mut self) -> Result<(Indexed, Vec<EditEntry>, Vec<u64>, bool)> {
        self.chunker.close()?;
        for edit in &mut self.edits {
            edit.items = self.indexed.writers_of(&edit.path);
        }
        Ok((self.indexed, self.edits, self.chunker.into_sizes(), self.incomplete))
    }
}

impl Receiver for PageContent<'_> {
    fn thread(&mut self, thread: Thread<'_>) -> Result<()> {
        self.chunker.close()?;
        let entry = ThreadEntry {
            name: "Conversation".to_owned(),
            kind: "main",
            agent_type: None,
            about: None,
            status: None,
            evidence: None,
            parent: None,
            from: 0,
            count: 0,
            id: None,
            parent_id: None,
        };
        self.indexed.thread(match thread {
            Thread::Main => entry,
            Thread::Aside => {
                ThreadEntry { name: "Agents of an older client".to_owned(), kind: "aside", ..entry }
            }
            Thread::Agent(agent) => ThreadEntry {
                name: agent.id.to_string(),
                kind: "agent",
                agent_type: agent.agent_type.clone(),
                about: agent.description.clone(),
                status: Some(agent.status.word()),
                evidence: Some(agent.evidence.clone()),
                id: Some(agent.id.to_string()),
                parent_id: agent.parent.as_ref().map(ToString::to_string),
                ..entry
            },
        });
        Ok(())
    }

    fn item(&mut self, item: Item) -> Result<()> {
        let place = self.chunker.whole(item.text.as_bytes())?;
        self.indexed.item(&item, place);
        if !item.colors.is_empty() {
            let place = self.chunker.whole(&item.colors)?;
            self.indexed.colors(place, item.colors.len());
        }
        Ok(())
    }

    fn hidden_edit(&mut self, file: FileHeader) -> Result<()> {
        self.edits.push(EditEntry { left_out: true, ..entry_of(&file) });
        Ok(())
    }
}

impl EditReceiver for PageContent<'_> {
    fn start(&mut self, file: FileHeader) -> io::Result<()> {
        if self.edits.is_empty() {
            // An edit never shares a chunk with a conversation.
            self.chunker.close().map_err(io::Error::other)?;
        }
        self.open = Some((entry_of(&file), Growing::default()));
        Ok(())
    }

    fn text(&mut self, text: &[u8]) -> io::Result<()> {
        let Some((entry, growing)) = &mut self.open else { return Ok(()) };
        entry.lines += text.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.chunker.more(growing, text).map_err(io::Error::other)
    }

    fn colors(&mut self, colors: &[u8]) {
        self.colors = colors.to_vec();
    }

    fn end(&mut self, end: End) -> io::Result<()> {
        let Some((entry, growing)) = self.open.take() else { return Ok(()) };
        let (Place { chunk, at }, bytes) = self.chunker.end(growing).map_err(io::Error::other)?;
        let colors = std::mem::take(&mut self.colors);
        let colors = if colors.is_empty() {
            None
        } else {
            let place = self.chunker.whole(&colors).map_err(io::Error::other)?;
            Some([place.chunk, place.at, colors.len() as u64])
        };
        self.incomplete |= end.note.as_deref() == Some(NO_BASE);
        self.edits.push(ended(EditEntry { chunk, at, bytes, colors, ..entry }, &end));
        Ok(())
    }
}

/// Returns what is known of an edit before it is read.
pub(super) fn entry_of(file: &FileHeader) -> EditEntry {
    let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let modes = file.old_mode.zip(file.new_mode).filter(|(old, new)| old != new);
    let (added, removed) = file.lines.unwrap_or_default();
    EditEntry {
        path: text(&file.path),
        old_path: file.old_path.as_deref().filter(|old| *old != file.path).map(text),
        status: file.kind.letter().to_string(),
        mode: modes.map(|(old, new)| format!("{} -> {}", old.octal(), new.octal())).or_else(|| {
            // What is no plain file is said, whatever happened to it.
            let mode = file.new_mode.or(file.old_mode).filter(|mode| !mode.is_file());
            mode.map(|mode| mode.octal().to_owned())
        }),
        added,
        removed,
        ..EditEntry::default()
    }
}

/// Adds how it ended.
pub(super) fn ended(entry: EditEntry, end: &End) -> EditEntry {
    EditEntry {
        added: end.report.added,
        removed: end.report.removed,
        binary: end.binary || end.missing,
        notes: end.notes(),
        ..entry
    }
}
