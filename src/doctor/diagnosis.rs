//! From the facts of a conversation to what is wrong with it.
//!
//! Pure. What the API is particular about is looked at in what the client loads: what it does not send, nobody refuses.

use std::collections::{BTreeSet, HashMap};

use super::answers::Answers;
use super::conversation::Conversation;
use super::conversation_record::{ConversationRecord, PartKind, Role, Thinking};
use super::finding::{Finding, Trouble};
use super::media::{FEW_IMAGES, LARGEST_REQUEST, LONGEST_OF_MANY, MOST_IMAGES, Media, Sides, What};
use super::refusal::Refusal;
use crate::client::transcript::validate::CheckedTranscript;

/// The size of what a request has beside the conversation, in bytes: instructions and tools. Seen: about 90 to 110 KB.
const BESIDE: u64 = 200 << 10;

/// Says what is wrong; `unfinished` is what is to be said of an unfinished last line.
pub(super) fn diagnose(
    checked: &CheckedTranscript,
    unfinished: Option<Finding>,
    conversation: &Conversation,
) -> Vec<Finding> {
    let damage = checked.findings.iter();
    let mut findings: Vec<Finding> =
        damage.map(|found| Finding::at(found.line, Trouble::Damage(found.problem, found.mended))).collect();
    findings.extend(unfinished);
    if let Some(end) = conversation.taken() {
        let loaded = conversation.loaded(end);
        let mut look = Diagnosing { conversation, loaded, findings: Vec::new() };
        look.media();
        look.messages();
        look.calls();
        look.refusal(end);
        look.branch(end);
        look.order(end);
        look.compaction();
        findings.append(&mut look.findings);
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

struct Diagnosing<'a> {
    conversation: &'a Conversation,
    loaded: BTreeSet<usize>,
    findings: Vec<Finding>,
}

impl<'a> Diagnosing<'a> {
    fn loaded(&self) -> impl Iterator<Item = (usize, &'a ConversationRecord)> + use<'_, 'a> {
        self.loaded.iter().filter_map(|place| Some((*place, self.conversation.at(*place)?)))
    }

    fn media(&mut self) {
        let all: Vec<(u64, &Media)> = self
            .loaded()
            .flat_map(|(_, said)| said.media().map(move |(_, media)| (said.line, media)))
            .collect();
        let images = images_sent(all.iter().map(|(_, media)| *media));
        let mut found = Vec::new();
        for (line, media) in all {
            if media.fault.is_some() {
                found.push(Finding::at(line, Trouble::Media(media.clone())));
            } else if is_long_among(media, images) {
                found.push(Finding::at(line, Trouble::LongAmongMany { media: media.clone(), images }));
            }
        }
        if images > MOST_IMAGES {
            found.push(Finding::at(0, Trouble::ManyImages(images)));
        }
        let bytes = self.loaded().map(|(_, said)| said.bytes).sum::<u64>() + BESIDE;
        if bytes > LARGEST_REQUEST {
            found.push(Finding::at(0, Trouble::LargeRequest(bytes)));
        }
        self.findings.append(&mut found);
    }

    fn messages(&mut self) {
        let answers = Answers::among(self.conversation, self.loaded.iter().copied());
        let mut found = Vec::new();
        for (place, said) in self.loaded().filter(|(_, said)| said.is_message() && said.refused.is_none()) {
            let answer = answers.of(self.conversation, place);
            // An answer that says nothing is left out by every client.
            let is_sent = said.role == Role::User || answer.has_substance;
            if said.is_empty && is_sent || said.has_no_content {
                found.push(Finding::at(said.line, Trouble::Empty));
            }
            for part in &said.parts {
                let trouble = match &part.what {
                    PartKind::Blank if is_sent => Trouble::Blank,
                    PartKind::Thinking(Thinking::Unsigned) if is_sent => Trouble::Unsigned,
                    PartKind::Input(_) => Trouble::Input,
                    PartKind::Plain => Trouble::Plain,
                    PartKind::NoName => Trouble::NoName,
                    PartKind::Unknown(kind) => Trouble::UnknownPart(kind.clone()),
                    PartKind::Call(id) if !is_taken_as_id(id) => Trouble::CallId,
                    _ => continue,
                };
                found.push(Finding::at(said.line, trouble));
            }
            if is_sent && place == answer.last && ends_with_thinking(said) {
                found.push(Finding::at(said.line, Trouble::ThinkingLast));
            }
        }
        self.findings.append(&mut found);
    }

    fn calls(&mut self) {
        for (place, _) in repeated_calls(self.conversation, &self.loaded) {
            let line = self.conversation.at(place).map_or(0, |said| said.line);
            self.findings.push(Finding::at(line, Trouble::RepeatedCall));
        }
    }

    fn refusal(&mut self, end: usize) {
        if let Some((place, refusal)) = last_refusal(self.conversation, end) {
            let line = self.conversation.at(place).map_or(0, |said| said.line);
            self.findings.push(Finding::at(line, Trouble::Refusal(refusal)));
        }
    }

    fn compaction(&mut self) {
        let Some(boundary) = self.conversation.broken_compaction() else { return };
        let messages = self.conversation.all().iter().take(boundary).filter(|said| said.is_message()).count();
        let line = self.conversation.at(boundary).map_or(0, |said| said.line);
        self.findings.push(Finding::at(line, Trouble::BrokenCompaction { messages }));
    }

    /// Looks whether the end stands before what it follows, as after two copies of a file were merged.
    fn order(&mut self, end: usize) {
        let Some(last) = self.conversation.all().iter().rposition(ConversationRecord::is_message) else {
            return;
        };
        let way: Vec<usize> = self.conversation.back_from(end).collect();
        let behind = way.iter().take_while(|place| **place != last);
        let messages = behind.filter(|place| self.conversation.all()[**place].is_message()).count();
        if last > end && way.contains(&last) && !self.conversation.is_noted_last(end) {
            let line = self.conversation.at(end).map_or(0, |said| said.line);
            self.findings.push(Finding::at(line, Trouble::Order { messages }));
        }
    }

    fn branch(&mut self, end: usize) {
        // A branch that was noted after the newest message is the one that was meant.
        let is_missed = |newest: &usize| *newest != end && self.conversation.is_newer_than_noted(*newest);
        let Some(newest) = self.conversation.newest().filter(is_missed) else { return };
        let only = self.conversation.back_from(newest);
        let only =
            only.filter_map(|place| self.conversation.at(place).filter(|_| !self.loaded.contains(&place)));
        let messages: Vec<&ConversationRecord> = only.filter(|said| said.is_message()).collect();
        if let (Some(first), Some(last)) = (messages.last(), self.conversation.at(newest)) {
            let trouble = Trouble::OtherBranch { message: last.uuid.to_string(), messages: messages.len() };
            self.findings.push(Finding::at(first.line, trouble));
        }
    }
}

/// Says whether the API takes this as the id of a call.
pub(super) fn is_taken_as_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Returns how many images a request has: what the API refuses for itself does not count.
pub(super) fn images_sent<'m>(media: impl Iterator<Item = &'m Media>) -> usize {
    media.filter(|media| media.what == What::Image).count()
}

/// Says whether an image has too long a side among so many.
pub(super) fn is_long_among(media: &Media, images: usize) -> bool {
    images > FEW_IMAGES && media.sides.map_or(0, Sides::longest) > LONGEST_OF_MANY
}

/// Says whether a message ends with thinking.
pub(super) fn ends_with_thinking(said: &ConversationRecord) -> bool {
    let last = said.blocks.checked_sub(1);
    said.parts.iter().any(|part| matches!(part.what, PartKind::Thinking(_)) && Some(part.place.block) == last)
}

/// Finds the calls that have the id of an earlier call of another answer; each with its id.
pub(super) fn repeated_calls(
    conversation: &Conversation,
    loaded: &BTreeSet<usize>,
) -> Vec<(usize, Box<str>)> {
    let mut seen: HashMap<&str, Option<&str>> = HashMap::new();
    let mut repeated = Vec::new();
    for place in loaded {
        let Some(said) = conversation.at(*place) else { continue };
        for part in &said.parts {
            let PartKind::Call(id) = &part.what else { continue };
            let answer = said.answer.as_deref().or(Some(&*said.uuid));
            match seen.get(&**id) {
                // The client wrote one call twice, and leaves out the second: nothing is lost.
                Some(first) if *first == answer => {}
                Some(_) => repeated.push((*place, id.clone())),
                None => drop(seen.insert(id, answer)),
            }
        }
    }
    repeated
}

/// Returns the refusal that the conversation ends with, if the API has not answered since.
pub(super) fn last_refusal(conversation: &Conversation, end: usize) -> Option<(usize, Refusal)> {
    for place in conversation.back_from(end) {
        let said = conversation.at(place)?;
        match (&said.refused, said.role) {
            (Some(words), _) => return Refusal::read(words).map(|refusal| (place, refusal)),
            (None, Role::Assistant) if !said.is_made_up => return None,
            _ => {}
        }
    }
    None
}
