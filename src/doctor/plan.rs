//! What is done to each record of a session to mend it, and what a person is told of that.
//!
//! Pure. As little as possible becomes another: each part that the API refuses, and what follows from that. Where what
//! comes before it has changed, a model may refuse signed thinking; so from the first change on it is left out.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::answers::Answers;
use super::conversation::Conversation;
use super::conversation_record::{ConversationRecord, PartKind, PartPlace, Role, Thinking};
use super::diagnosis::{
    ends_with_thinking, images_sent, is_long_among, is_taken_as_id, last_refusal, repeated_calls,
};
use super::media::{FEW_IMAGES, Fault, LARGEST_IMAGE, LONGEST_OF_MANY, LONGEST_SIDE, Media, What, size_text};
use super::mend::{MendPlan, NewPart};
use super::refusal::RefusalKind;
use crate::base::digest::ObjectId;

/// The tool of a call that names none.
const NO_TOOL: &str = "unknown";

/// What a person wants done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish {
    /// Replace all images and documents.
    pub(super) strip_images: bool,
    /// Leave out all thinking.
    pub(super) strip_thinking: bool,
    /// Where the last message is.
    pub(super) end: usize,
    /// Whether a person chose that.
    pub(super) chosen: bool,
}

/// A plan, and how much of each kind is in it.
#[derive(Debug, Default)]
pub(super) struct Planned {
    /// What becomes of the records.
    pub(super) plan: MendPlan,
    /// The id of the record from which the client goes on.
    pub(super) end: Option<Box<str>>,
    /// What is done, in words.
    pub(super) changes: Vec<String>,
}

/// Makes the plan.
pub(super) fn plan(conversation: &Conversation, wish: Wish) -> Planned {
    let loaded = conversation.loaded(wish.end);
    let refused = last_refusal(conversation, wish.end);
    let kind = refused.as_ref().map(|(_, refusal)| refusal.kind);
    let strip_thinking = wish.strip_thinking || kind == Some(RefusalKind::Thinking);
    let mut planner =
        Planner { conversation, loaded, wish, plan: MendPlan::default(), counts: Counts::default() };
    if wish.chosen {
        planner.leave_out_others();
    }
    planner.compaction();
    planner.media();
    planner.texts();
    planner.calls();
    planner.thinking(strip_thinking);
    if refused.is_some() {
        planner.refusals();
    }
    planner.join();
    let end = planner.kept_before(Some(wish.end));
    let end = end.and_then(|end| conversation.at(end)).map(|said| said.uuid.clone());
    Planned { changes: planner.counts.words(), plan: planner.plan, end }
}

#[derive(Debug, Default)]
struct Counts {
    others: usize,
    compactions: usize,
    replaced: usize,
    types: usize,
    blanks: usize,
    inputs: usize,
    listed: usize,
    names: usize,
    unknown: usize,
    ids: usize,
    thinking: usize,
    refusals: usize,
}

impl Counts {
    fn words(&self) -> Vec<String> {
        let told = [
            (
                self.others,
                "record of other branches or later turns left out",
                "records of other branches or later turns left out",
            ),
            (
                self.compactions,
                "compaction without its summary left out",
                "compactions without their summaries left out",
            ),
            (self.replaced, "image or document replaced by a text", "images and documents replaced by texts"),
            (self.types, "image got its true media type", "images got their true media types"),
            (self.blanks, "part that says nothing left out", "parts that say nothing left out"),
            (self.inputs, "input of a tool call made an object", "inputs of tool calls made objects"),
            (self.listed, "answer made a list of parts", "answers made lists of parts"),
            (self.names, "tool call got a name", "tool calls got names"),
            (
                self.unknown,
                "part of an unknown type replaced by a text",
                "parts of unknown types replaced by texts",
            ),
            (self.ids, "tool call got an id of its own", "tool calls got ids of their own"),
            (self.thinking, "part of thinking left out", "parts of thinking left out"),
            (self.refusals, "word of a refusal left out", "words of refusals left out"),
        ];
        let told = told.into_iter().filter(|(number, _, _)| *number > 0);
        told.map(|(number, one, many)| format!("{number} {}", if number == 1 { one } else { many })).collect()
    }
}

struct Planner<'a> {
    conversation: &'a Conversation,
    loaded: BTreeSet<usize>,
    wish: Wish,
    plan: MendPlan,
    counts: Counts,
}

impl<'a> Planner<'a> {
    /// The records that are kept, with their places.
    fn kept(&self) -> Vec<(usize, &'a ConversationRecord)> {
        let all = self.conversation.all().iter().enumerate();
        all.filter(|(_, said)| !self.plan.left_out.contains(&said.number)).collect()
    }

    fn change(&mut self, said: &ConversationRecord, place: PartPlace, part: NewPart) {
        let parts = self.plan.parts.entry(said.number).or_default();
        let part = match parts.remove(&place) {
            Some(first) => first.and(part),
            None => part,
        };
        parts.insert(place, part);
    }

    /// Keeps only what leads to the end; and what a compaction left behind, which no client loads.
    fn leave_out_others(&mut self) {
        let boundary = self.loaded.iter().filter_map(|place| self.conversation.at(*place));
        let boundary = boundary.filter(|said| said.role == Role::Boundary).map(|said| said.number).max();
        let mut leaves: HashSet<Box<str>> = HashSet::new();
        for (place, said) in self.conversation.all().iter().enumerate() {
            let is_behind = boundary.is_some_and(|boundary| said.number < boundary);
            if self.loaded.contains(&place) || is_behind {
                leaves.insert(said.uuid.clone());
            } else {
                self.plan.left_out.insert(said.number);
                self.counts.others += usize::from(said.is_message());
            }
        }
        self.plan.leaves = Some(leaves);
    }

    /// Leaves out a compaction that was broken off: what came before it is all that there is.
    fn compaction(&mut self) {
        let Some(boundary) = self.conversation.broken_compaction() else { return };
        self.plan.left_out.extend(self.conversation.all()[boundary..].iter().map(|said| said.number));
        self.counts.compactions += 1;
    }

    fn media(&mut self) {
        let loaded: Vec<&ConversationRecord> =
            self.loaded.iter().filter_map(|place| self.conversation.at(*place)).collect();
        let images = images_sent(loaded.iter().flat_map(|said| said.media()).map(|(_, media)| media).filter(
            |media| {
                // What is replaced does not count any more.
                matches!(media.fault, None | Some(Fault::MediaType(_)))
            },
        ));
        for (_, said) in self.kept() {
            for (place, media) in said.media() {
                let part = match &media.fault {
                    _ if self.wish.strip_images => NewPart::Text(instead_of(media, "as all were")),
                    Some(Fault::MediaType(is)) if !is_long_among(media, images) => NewPart::MediaType(is),
                    Some(fault) => NewPart::Text(instead_of(media, reason(fault).as_str())),
                    None if is_long_among(media, images) => {
                        let reason = format!(
                            "as among more than {FEW_IMAGES} the limit is {LONGEST_OF_MANY} px a side"
                        );
                        NewPart::Text(instead_of(media, &reason))
                    }
                    None => continue,
                };
                match part {
                    NewPart::MediaType(_) => self.counts.types += 1,
                    _ => self.counts.replaced += 1,
                }
                self.change(said, place, part);
            }
        }
    }

    fn texts(&mut self) {
        for (_, said) in self.kept() {
            if said.is_empty {
                self.plan.left_out.insert(said.number);
                self.counts.blanks += 1;
            }
            for part in &said.parts {
                match &part.what {
                    PartKind::Blank => {
                        self.change(said, part.place, NewPart::Removed);
                        self.counts.blanks += 1;
                    }
                    PartKind::Input(object) => {
                        self.change(said, part.place, NewPart::Input(object.clone()));
                        self.counts.inputs += 1;
                    }
                    PartKind::Plain => {
                        self.change(said, part.place, NewPart::Listed);
                        self.counts.listed += 1;
                    }
                    PartKind::NoName => {
                        self.change(said, part.place, NewPart::Name(NO_TOOL));
                        self.counts.names += 1;
                    }
                    PartKind::Unknown(kind) => {
                        let text = format!(
                            "[A part of the type {kind:?}, which the API does not know, was here. It was taken out.]"
                        );
                        self.change(said, part.place, NewPart::Text(text));
                        self.counts.unknown += 1;
                    }
                    _ => {}
                }
            }
        }
    }

    /// Gives each call an id of its own that has the id of an earlier one, or one that the API does not take; and its
    /// result too.
    fn calls(&mut self) {
        let loaded = std::mem::take(&mut self.loaded);
        let mut wrong = repeated_calls(self.conversation, &loaded);
        for place in &loaded {
            let parts = self.conversation.at(*place).map(|said| said.parts.as_slice()).unwrap_or_default();
            wrong.extend(parts.iter().filter_map(|part| match &part.what {
                PartKind::Call(id) if !is_taken_as_id(id) => Some((*place, id.clone())),
                _ => None,
            }));
        }
        // A call may be wrong in both ways.
        wrong.sort_unstable();
        wrong.dedup();
        for (number, (call, id)) in wrong.into_iter().enumerate() {
            let new = made_up(&id, number);
            let mut is_called = false;
            for place in loaded.range(call..) {
                let Some(said) = self.conversation.at(*place) else { continue };
                for part in &said.parts {
                    let is_this = match &part.what {
                        PartKind::Call(called) if !is_called => *called == id,
                        PartKind::Result(answered) => is_called && *answered == id,
                        _ => false,
                    };
                    if is_this {
                        self.change(said, part.place, NewPart::Id(new.clone()));
                        is_called = true;
                    }
                }
                if is_called
                    && said.parts.iter().any(|part| matches!(&part.what, PartKind::Result(of) if *of == id))
                {
                    break;
                }
            }
            self.counts.ids += 1;
        }
        self.loaded = loaded;
    }

    /// Leaves out thinking that is refused, and all that comes behind something that has changed.
    fn thinking(&mut self, all: bool) {
        let kept = self.kept();
        let answers = Answers::among(self.conversation, kept.iter().map(|(place, _)| *place));
        let mut has_changed = all;
        for (place, said) in self.conversation.all().iter().enumerate() {
            let is_other = self.plan.leaves.as_ref().is_some_and(|leaves| !leaves.contains(&said.uuid));
            if self.plan.left_out.contains(&said.number) {
                has_changed |= !is_other;
                continue;
            }
            let answer = answers.of(self.conversation, place);
            // An answer that says nothing is never sent: thinking that was broken off spoils nothing behind it.
            let is_sent = said.role != Role::Assistant || answer.has_substance;
            let is_last = place == answer.last && ends_with_thinking(said);
            for part in &said.parts {
                let PartKind::Thinking(thinking) = part.what else { continue };
                if has_changed || is_sent && (is_last || thinking == Thinking::Unsigned) {
                    self.change(said, part.place, NewPart::Removed);
                    self.counts.thinking += 1;
                    has_changed = true;
                }
            }
            has_changed |= is_sent && self.plan.parts.contains_key(&said.number);
        }
    }

    /// Leaves out what the client wrote of refusals at the end.
    fn refusals(&mut self) {
        for place in self.conversation.back_from(self.wish.end) {
            let Some(said) = self.conversation.at(place) else { break };
            if said.refused.is_some() {
                self.plan.left_out.insert(said.number);
                self.counts.refusals += 1;
            } else if said.role == Role::Assistant && !said.is_made_up {
                break;
            }
        }
    }

    /// Leaves out messages of which nothing is left, and lets each record follow one that is kept.
    fn join(&mut self) {
        for (_, said) in self.kept() {
            let removed = self.plan.parts.get(&said.number).into_iter().flatten();
            let removed =
                removed.filter(|(place, part)| place.inner.is_none() && **part == NewPart::Removed).count();
            if removed > 0 && removed == said.blocks {
                self.plan.left_out.insert(said.number);
                self.plan.parts.remove(&said.number);
            }
        }
        let mut parents = HashMap::new();
        for (place, said) in self.kept() {
            let parent = said.parent.as_deref().and_then(|parent| self.conversation.place_of(parent));
            let Some(parent) = parent.filter(|parent| *parent != place) else { continue };
            let kept = self.kept_before(Some(parent));
            if kept != Some(parent) {
                let uuid = kept.and_then(|kept| self.conversation.at(kept)).map(|said| said.uuid.clone());
                parents.insert(said.number, uuid);
            }
        }
        self.plan.parents = parents;
    }

    /// Returns the nearest record that is kept, from this one back.
    fn kept_before(&self, place: Option<usize>) -> Option<usize> {
        let is_kept = |place: &usize| {
            self.conversation.at(*place).is_some_and(|said| !self.plan.left_out.contains(&said.number))
        };
        self.conversation.back_from(place?).find(is_kept)
    }
}

/// Makes an id for a call: the same each time, and no other's. A number behind the old one has a meaning of its own to
/// the client, which then loses the result (2.1.332).
fn made_up(id: &str, number: usize) -> Box<str> {
    let hash = ObjectId::of(format!("{id} {number}").as_bytes()).to_string();
    format!("toolu_{}", &hash[..24]).into()
}

/// Says why something was replaced.
fn reason(fault: &Fault) -> String {
    match fault {
        Fault::TooLarge => format!("as the limit is {} in base64", size_text(LARGEST_IMAGE)),
        Fault::TooLong => format!("as the limit is {LONGEST_SIDE} px a side"),
        Fault::MediaType(_) | Fault::NoImage => "as it is no image that can be read".to_owned(),
        Fault::Address => "as its address is none on the web".to_owned(),
        Fault::NoPdf => "as it is no PDF".to_owned(),
        Fault::Locked => "as it asks for a password".to_owned(),
    }
}

/// Says what stood in the place of this text.
fn instead_of(media: &Media, reason: &str) -> String {
    let what = match media.what {
        What::Image => "An image",
        What::Document => "A document",
    };
    let sides = media.sides.map(|sides| format!("{sides}, ")).unwrap_or_default();
    let size = match media.bytes {
        0 => String::new(),
        bytes => format!(" ({sides}{} in base64)", size_text(bytes)),
    };
    format!("[{what} was here{size}. It was taken out, {reason}.]")
}
