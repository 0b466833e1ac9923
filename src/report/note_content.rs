//! What a note needs of a snapshot's content: its prompts, and which files were edited how much. No text is kept.

use std::io;

use super::content::{Receiver, Thread};
use super::edit_text::EditReceiver;
use super::index::EditEntry;
use super::item::{Item, ItemKind};
use super::page_content::{ended, entry_of};
use crate::base::error::Result;
use crate::compare::NO_BASE;
use crate::diff::{End, FileHeader};

/// Takes what a note shows.
#[derive(Default)]
pub(super) struct NoteContent {
    /// The edits.
    pub(super) edits: Vec<EditEntry>,
    /// The first line of each prompt of the session's own conversation.
    pub(super) prompts: Vec<(usize, String)>,
    /// Whether an edit can't be read, because its base is not here.
    pub(super) incomplete: bool,
    in_main: bool,
    open: Option<EditEntry>,
}

impl Receiver for NoteContent {
    fn thread(&mut self, thread: Thread<'_>) -> Result<()> {
        self.in_main = matches!(thread, Thread::Main);
        Ok(())
    }

    fn item(&mut self, item: Item) -> Result<()> {
        if self.in_main && item.kind == ItemKind::Prompt {
            self.prompts.push((self.prompts.len(), item.about));
        }
        Ok(())
    }

    fn hidden_edit(&mut self, file: FileHeader) -> Result<()> {
        self.edits.push(EditEntry { left_out: true, ..entry_of(&file) });
        Ok(())
    }
}

impl EditReceiver for NoteContent {
    fn start(&mut self, file: FileHeader) -> io::Result<()> {
        self.open = Some(entry_of(&file));
        Ok(())
    }

    fn text(&mut self, _text: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, end: End) -> io::Result<()> {
        self.incomplete |= end.note.as_deref() == Some(NO_BASE);
        self.edits.extend(self.open.take().map(|entry| ended(entry, &end)));
        Ok(())
    }
}
