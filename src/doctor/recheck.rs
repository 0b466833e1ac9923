//! Looks at a mended transcript while it is written: nothing that the API refuses may be left.

use std::collections::HashSet;

use super::conversation::Conversation;
use super::conversation_record;
use super::diagnosis::diagnose;
use super::finding::{Effect, Finding};
use crate::client::transcript::validate::Check;

/// A second look, record by record.
#[derive(Default)]
pub(super) struct Recheck {
    check: Check,
    conversation: Conversation,
    lines: u64,
}

impl Recheck {
    /// Takes in a record.
    pub(super) fn record(&mut self, record: &[u8]) {
        self.lines += 1;
        self.check.line(record);
        match conversation_record::read(self.lines, self.lines, record) {
            Some(said) => self.conversation.push(said),
            None => conversation_record::noted_end(record)
                .into_iter()
                .for_each(|end| self.conversation.goes_on_from(end)),
        }
    }

    /// Returns what is left that the API refuses.
    pub(super) fn finish(mut self, preserved: &HashSet<Box<str>>) -> Vec<Finding> {
        self.conversation.preserve(preserved);
        let mut left = diagnose(&self.check.finish(), None, &self.conversation);
        left.retain(|finding| finding.effect() == Effect::Refused);
        left
    }
}
