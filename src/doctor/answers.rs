//! The answers of the model, put together from the records that each of them is written as.
//!
//! Pure. The client sends all records of an answer as one message, and leaves out an answer that says nothing. So what is
//! wrong with a part depends on what stands beside it.

use std::collections::HashMap;

use super::conversation::Conversation;
use super::conversation_record::{PartKind, Role};

/// The answers among some records.
#[derive(Debug, Default)]
pub(super) struct Answers {
    by_id: HashMap<Box<str>, Answer>,
}

/// One answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// Where its last record is.
    pub(super) last: usize,
    /// Whether it says or calls anything.
    pub(super) has_substance: bool,
}

impl Answers {
    /// Puts the answers among these records together.
    pub(super) fn among(conversation: &Conversation, places: impl IntoIterator<Item = usize>) -> Answers {
        let mut answers = Answers::default();
        for place in places {
            let Some(said) = conversation.at(place).filter(|said| said.role == Role::Assistant) else {
                continue;
            };
            let answer = answers.by_id.entry(key(conversation, place)).or_default();
            answer.last = answer.last.max(place);
            let nothing =
                said.parts.iter().filter(|part| matches!(part.what, PartKind::Blank | PartKind::Thinking(_)));
            answer.has_substance |= nothing.count() < said.blocks;
        }
        answers
    }

    /// Returns the answer that a record belongs to.
    pub(super) fn of(&self, conversation: &Conversation, place: usize) -> Answer {
        self.by_id.get(&key(conversation, place)).cloned().unwrap_or_default()
    }
}

/// What tells an answer from others: its id, else that of its only record.
fn key(conversation: &Conversation, place: usize) -> Box<str> {
    let said = conversation.at(place);
    said.and_then(|said| said.answer.clone().or_else(|| Some(said.uuid.clone()))).unwrap_or_default()
}
