//! The conversation as a tree: which records follow which, its branches, and what the client loads of it.
//!
//! Pure. A record names the one before it. Going back and saying something else makes a second record that follows the
//! same one: a branch. The client goes on from the end of one branch and does not show the others.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::conversation_record::{ConversationRecord, Role};
use crate::base::timestamp::Timestamp;

/// The records of a conversation, by what they follow.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    said: Vec<ConversationRecord>,
    by_id: HashMap<Box<str>, usize>,
    /// The records before the last compaction that it kept.
    preserved: HashSet<Box<str>>,
    /// The record from which it goes on, as the client noted last.
    goes_on_from: Option<Box<str>>,
    /// How many records there were when it noted that.
    noted_at: usize,
}

/// One end of the conversation, from which it can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The id of its last message.
    pub message: String,
    /// When that was said.
    pub at: Option<Timestamp>,
    /// The beginning of the last prompt in it.
    pub prompt: Option<String>,
    /// How many messages of the model and of the person lead to it.
    pub messages: usize,
    /// Whether it is the one that the client goes on from.
    pub taken: bool,
}

/// A prompt with all that was said until the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The id of its last message.
    pub message: String,
    /// When the prompt was said.
    pub at: Option<Timestamp>,
    /// The beginning of the prompt.
    pub prompt: String,
}

impl Conversation {
    /// Takes in the next record, in the order of the file.
    pub(super) fn push(&mut self, said: ConversationRecord) {
        // Of two records with one id, the client takes the last.
        self.by_id.insert(said.uuid.clone(), self.said.len());
        self.said.push(said);
    }

    /// Takes in what a record about the conversation says of where it goes on; the last one counts.
    pub(super) fn goes_on_from(&mut self, uuid: Box<str>) {
        self.goes_on_from = Some(uuid);
        self.noted_at = self.said.len();
    }

    /// Says whether a record was written after the client had noted where the conversation goes on.
    pub(super) fn is_newer_than_noted(&self, place: usize) -> bool {
        place >= self.noted_at
    }

    /// Says whether the client noted, behind all other records, that it goes on from this one.
    pub(super) fn is_noted_last(&self, place: usize) -> bool {
        self.noted_at == self.said.len() && self.goes_on_from.as_ref() == Some(&self.said[place].uuid)
    }

    /// Says which records from before the last compaction it kept.
    pub(super) fn preserve(&mut self, uuids: &HashSet<Box<str>>) {
        self.preserved.clone_from(uuids);
    }

    /// Returns a record by its place.
    pub(super) fn at(&self, place: usize) -> Option<&ConversationRecord> {
        self.said.get(place)
    }

    /// Returns all records, in the order of the file.
    pub(super) fn all(&self) -> &[ConversationRecord] {
        &self.said
    }

    /// Returns where a record of this id is.
    pub(super) fn place_of(&self, uuid: &str) -> Option<usize> {
        self.by_id.get(uuid).copied()
    }

    /// Returns where the messages are whose ids begin like this.
    pub(super) fn beginning_with(&self, start: &str) -> Vec<usize> {
        let fits = |said: &ConversationRecord| said.is_message() && said.uuid.starts_with(start);
        let mut found: Vec<usize> =
            self.by_id.values().copied().filter(|place| self.at(*place).is_some_and(fits)).collect();
        found.sort_unstable();
        found
    }

    fn parent(&self, place: usize) -> Option<usize> {
        self.place_of(self.at(place)?.parent.as_deref()?)
    }

    /// Returns the records that lead to one, it and the first one included, the last first.
    pub(super) fn back_from(&self, place: usize) -> impl Iterator<Item = usize> {
        let mut seen = HashSet::new();
        // Looked for one by one: most who ask need only the first few, and a conversation may have 100,000.
        std::iter::successors(Some(place), |at| self.parent(*at)).take_while(move |at| seen.insert(*at))
    }

    /// Returns the answer of the model that a record belongs to: as a part of it, or as the result of a call in it.
    ///
    /// Several calls at once make a fork that is no branch: each result follows its own call, and the conversation goes on
    /// from any of them.
    fn answer_of(&self, place: usize) -> Option<&str> {
        let said = self.at(place)?;
        match said.role {
            Role::Assistant => said.answer.as_deref(),
            Role::User if said.is_result() => {
                let call = self.at(self.message_before(place)?)?;
                call.answer.as_deref().filter(|_| call.role == Role::Assistant)
            }
            _ => None,
        }
    }

    /// Returns the call that a result follows directly.
    fn follows_call(&self, place: usize) -> Option<usize> {
        self.parent(place).filter(|_| self.said[place].is_result())
    }

    fn message_before(&self, place: usize) -> Option<usize> {
        self.back_from(place).skip(1).find(|place| self.said[*place].is_message())
    }

    /// Returns the messages after which no other one comes.
    fn ends(&self) -> Vec<usize> {
        // How many ways lead on from each record to messages.
        let mut ways_on = vec![0_u32; self.said.len()];
        let messages = |place: &usize| self.at(*place).is_some_and(ConversationRecord::is_message);
        for place in (0..self.said.len()).filter(messages) {
            let mut next = self.parent(place);
            while let Some(at) = next {
                ways_on[at] += 1;
                // A message's own way is counted for itself.
                next = if ways_on[at] > 1 || messages(&at) { None } else { self.parent(at) };
            }
        }
        // The answers from which the conversation goes on, and the last end of each of the others.
        let mut gone_on: HashSet<&str> = HashSet::new();
        let mut last: HashMap<&str, usize> = HashMap::new();
        for place in (0..self.said.len()).filter(messages) {
            let before = self.message_before(place).and_then(|before| self.answer_of(before));
            let own = self.answer_of(place);
            gone_on.extend(before.filter(|before| own != Some(before)));
            if ways_on[place] == 0 {
                last.extend(own.map(|answer| (answer, place)));
            }
        }
        let is_end = |place: &usize| {
            let is_of_an_answer = self.answer_of(*place);
            let is_beside = match is_of_an_answer {
                Some(answer) => gone_on.contains(answer) || last.get(answer) != Some(place),
                None => self.follows_call(*place).is_some_and(|call| ways_on[call] > 1),
            };
            messages(place) && ways_on[*place] == 0 && !is_beside
        };
        self.by_id.values().copied().filter(is_end).collect::<BTreeSet<usize>>().into_iter().collect()
    }

    /// Returns the boundary of the last compaction whose summary is there: from it on the client loads.
    fn last_compaction(&self) -> Option<usize> {
        let summary = self.said.iter().rposition(|said| said.is_summary)?;
        self.said[..summary].iter().rposition(|said| said.role == Role::Boundary)
    }

    /// Returns the boundary of a compaction that was broken off: neither a summary nor any other message is behind it.
    pub(super) fn broken_compaction(&self) -> Option<usize> {
        let boundary = self.said.iter().rposition(|said| said.role == Role::Boundary)?;
        (!self.said[boundary..].iter().any(ConversationRecord::is_message)).then_some(boundary)
    }

    /// Returns the end that the client goes on from: behind the record that it noted last, else the last in the file.
    pub(super) fn taken(&self) -> Option<usize> {
        let ends = self.ends();
        // A client that is killed after a compaction has noted a record from before it, which no client loads.
        let loads_from = self.last_compaction().unwrap_or_default();
        let is_loaded =
            |place: &usize| *place >= loads_from || self.preserved.contains(&self.said[*place].uuid);
        let noted = self.goes_on_from.as_deref().and_then(|uuid| self.place_of(uuid)).filter(is_loaded);
        let behind = noted.and_then(|noted| {
            let answer = self.answer_of(noted);
            let is_it = |place: usize| place == noted || answer.is_some() && self.answer_of(place) == answer;
            ends.iter().rev().copied().find(|end| self.back_from(*end).any(is_it))
        });
        behind.or_else(|| self.newest())
    }

    /// Returns the end of the branch that was written to last.
    pub(super) fn newest(&self) -> Option<usize> {
        let last = (0..self.said.len())
            .rev()
            .find(|place| self.by_id.get(&self.said[*place].uuid) == Some(place))?;
        let message = self.back_from(last).find(|place| self.said[*place].is_message());
        let ends = self.ends();
        // The last record may be a result beside others, from which the conversation goes on elsewhere.
        message.filter(|message| ends.contains(message)).or_else(|| ends.last().copied())
    }

    /// Returns what the client loads to go on from a message, in the order of the file.
    pub(super) fn loaded(&self, end: usize) -> BTreeSet<usize> {
        let mut loaded: BTreeSet<usize> = self.back_from(end).collect();
        let answers: HashSet<&str> = loaded.iter().filter_map(|place| self.answer_of(*place)).collect();
        let beside = |place: &usize| {
            self.answer_of(*place).is_some_and(|answer| answers.contains(answer))
                || self.follows_call(*place).is_some_and(|call| loaded.contains(&call))
        };
        let beside: Vec<usize> = (0..self.said.len()).filter(beside).collect();
        loaded.extend(beside);
        let compacted = loaded.iter().any(|place| self.said[*place].role == Role::Boundary);
        if compacted {
            loaded.extend(self.preserved.iter().filter_map(|uuid| self.place_of(uuid)));
        }
        loaded
    }

    /// Returns the branches, the one that is taken first, then the newest.
    pub(super) fn branches(&self) -> Vec<Branch> {
        let taken = self.taken();
        let mut ends = self.ends();
        ends.sort_by_key(|place| std::cmp::Reverse((Some(*place) == taken, self.said[*place].at, *place)));
        ends.into_iter().map(|end| self.branch(end, Some(end) == taken)).collect()
    }

    /// Describes the branch that ends with a message.
    pub(super) fn branch(&self, end: usize, taken: bool) -> Branch {
        let way: Vec<usize> = self.back_from(end).collect();
        let prompt = |place: &usize| self.said[*place].prompt.as_deref().map(str::to_owned);
        // Since a compaction, nobody may have typed anything yet.
        let mut before = (0..end).rev();
        Branch {
            message: self.said[end].uuid.to_string(),
            at: self.said[end].at,
            prompt: way.iter().find_map(prompt).or_else(|| before.find_map(|place| prompt(&place))),
            messages: way.iter().filter(|place| self.said[**place].is_message()).count(),
            taken,
        }
    }

    /// Returns the turns that lead to a message, oldest first.
    pub(super) fn turns(&self, end: usize) -> Vec<Turn> {
        let mut turns: Vec<Turn> = Vec::new();
        let way: Vec<usize> = self.back_from(end).collect();
        for place in way.into_iter().rev() {
            let said = &self.said[place];
            if let Some(prompt) = &said.prompt {
                turns.push(Turn { message: said.uuid.to_string(), at: said.at, prompt: prompt.to_string() });
            } else if let Some(turn) = turns.last_mut().filter(|_| said.is_message()) {
                turn.message = said.uuid.to_string();
            }
        }
        turns
    }
}
