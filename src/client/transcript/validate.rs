//! Whether a transcript can be resumed: what the client would lose in it or refuse.
//!
//! Pure: one line after the other is shown to [`Check::line`]; memory grows with the number of records, by
//! some bytes each, never with their size. What the real client does with each finding is in
//! `docs/sessions.md`. Finds, and says what `mend` does about it; changes nothing.

use std::borrow::Cow;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::base::error::Result;
use crate::base::timestamp::Timestamp;
use crate::client::Lines;
use crate::client::transcript::fields::{BlockFields, MessageFields};
use crate::client::transcript::recovery::{Harm, is_signed, records_of};

/// One thing that is wrong with a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1; 0 for the transcript as a whole.
    pub line: u64,
    /// What is wrong there.
    pub problem: Problem,
    /// Whether the copy that is restored has it mended.
    pub mended: bool,
}

/// What can be wrong with a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The line itself is damaged.
    Line(Harm),
    /// The record has the id of an earlier one.
    DuplicateId {
        /// The line of the earlier one.
        first: u64,
    },
    /// The record follows one that is not here.
    LostParent,
    /// The same, and it came so long after the one before it that the client would begin the conversation with it.
    LostBeginning {
        /// How many messages the client would leave out.
        messages: u64,
    },
    /// The record follows, in the end, itself.
    Circle,
    /// A tool was called, and the conversation goes on without its result.
    LostResult,
    /// A tool's result without its call.
    LostCall,
    /// A record about the conversation points to one that is not here.
    DanglingLeaf,
    /// There is no message at all.
    NoMessage,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        match self.problem {
            Problem::Line(Harm::Torn { bytes }) => write!(f, "{bytes} bytes belong to no whole record")?,
            Problem::Line(Harm::Glued { records }) => {
                write!(f, "{records} records on one line, of which the client reads the first")?;
            }
            Problem::Line(Harm::NoRecord) => f.write_str("JSON, but no record")?,
            Problem::Line(Harm::Control) => f.write_str("a string holds raw control characters")?,
            Problem::Line(Harm::NotUtf8) => f.write_str("some bytes are not UTF-8")?,
            Problem::Line(Harm::LoneSurrogate) => f.write_str("a character is only half there")?,
            Problem::DuplicateId { first } => write!(f, "the record has the id of the one on line {first}")?,
            Problem::LostParent => f.write_str("the record follows one that is not here")?,
            Problem::LostBeginning { messages } => {
                f.write_str(
                    "the record follows one that is not here; `claude --resume` of the original begins with it, without the ",
                )?;
                match messages {
                    1 => f.write_str("message before it")?,
                    many => write!(f, "{many} messages before it")?,
                }
            }
            Problem::Circle => f.write_str("the record follows itself, through others")?,
            Problem::LostResult => f.write_str("the result of a tool call is not here")?,
            Problem::LostCall => f.write_str("the call that a tool's result belongs to is not here")?,
            Problem::DanglingLeaf => f.write_str("points to a record that is not here")?,
            Problem::NoMessage => f.write_str("there is no message, so the client can't resume it")?,
        }
        if self.mended { f.write_str(" (mended in the restored copy)") } else { Ok(()) }
    }
}

/// Checks the transcript that a reader gives.
///
/// # Errors
/// What the reader says.
pub fn check(lines: &mut Lines<'_>) -> Result<Vec<Finding>> {
    let mut check = Check::default();
    while let Some(line) = lines.next_line()? {
        check.line(line);
    }
    Ok(check.finish().findings)
}

/// What a check found, and where records are to be changed or added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckedTranscript {
    /// What is wrong, by line.
    pub findings: Vec<Finding>,
    /// How many whole records there are.
    pub records: u64,
    /// Whether the session is at the end in a linked work tree that it made itself.
    pub in_own_tree: bool,
    /// The records, by number, that are to follow the one before them in the file.
    pub(in crate::client) orphans: BTreeSet<u64>,
    /// The records, by number, that need a result made up for each of their calls named here.
    pub(in crate::client) unanswered: BTreeSet<(u64, IdHash)>,
}

impl CheckedTranscript {
    /// Says whether nothing was said in it: the client resumes no such session.
    pub fn has_no_message(&self) -> bool {
        self.findings.iter().any(|finding| finding.problem == Problem::NoMessage)
    }

    /// Says whether the restored copy differs from what was saved.
    pub fn needs_mending(&self) -> bool {
        self.findings.iter().any(|finding| finding.mended)
    }
}

/// The records of a transcript, by their ids: an agent's own can follow them.
#[derive(Clone, Debug, Default)]
pub struct KnownRecords(Arc<HashSet<IdHash>>);

/// The client takes a record whose parent is not here for the next one only if it came so soon after one that is here
/// (bisected with 2.1.329: 4.9 s are, 5.1 s are not).
const JOINED_WITHIN: Duration = Duration::from_secs(5);

/// Among how many records before it the latest one is looked for.
const REORDERED: usize = 1_000;

/// The hash of an id. Two ids of one transcript with one hash would only cause a false finding.
pub(in crate::client) type IdHash = u64;

pub(in crate::client) fn key(id: &str) -> IdHash {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// A check under way.
#[derive(Default)]
pub struct Check {
    /// For an agent's transcript, the session's own records.
    session: Option<KnownRecords>,
    lines: u64,
    records: u64,
    findings: Vec<Finding>,
    /// Every record with an id, in the order of the file.
    chain: Vec<ChainLink>,
    /// Where in `chain` an id is.
    by_id: HashMap<IdHash, usize>,
    calls: HashMap<IdHash, ToolCall>,
    results: HashMap<IdHash, u64>,
    leaves: Vec<(u64, IdHash)>,
    /// Where answers of the model begin, and where whole records are missing: lines, ascending.
    answers: Vec<u64>,
    holes: Vec<u64>,
    last_answer: IdHash,
    messages: u64,
    in_own_tree: bool,
    /// The line of the last compaction: what is before it is not loaded.
    boundary: u64,
}

struct ChainLink {
    line: u64,
    record: u64,
    parent: Option<IdHash>,
    at: Option<Timestamp>,
    is_sidechain: bool,
    /// How many messages there are up to it.
    messages: u64,
}

struct ToolCall {
    line: u64,
    record: u64,
}

/// What is looked at in a record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::client) struct MessageView<'a> {
    #[serde(rename = "type", borrow, default)]
    pub(in crate::client) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(in crate::client) uuid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in crate::client) parent_uuid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in crate::client) leaf_uuid: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(in crate::client) is_sidechain: Option<bool>,
    #[serde(borrow, default)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    subtype: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    worktree_session: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
}

impl Check {
    /// Begins the check of an agent's transcript, which may be a branch of the session's own.
    pub fn of_agent(session: KnownRecords) -> Check {
        Check { session: Some(session), ..Check::default() }
    }

    /// Returns the records so far.
    pub fn known(&self) -> KnownRecords {
        KnownRecords(Arc::new(self.by_id.keys().copied().collect()))
    }

    /// Takes in one line.
    pub fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        let salvaged = records_of(line);
        for harm in salvaged.harms {
            // What is signed is never altered, so it is not mended either.
            let mended = !(matches!(harm, Harm::NotUtf8 | Harm::LoneSurrogate) && is_signed(line));
            self.find(self.lines, Problem::Line(harm), mended);
            if matches!(harm, Harm::Torn { .. }) {
                self.holes.push(self.lines);
            }
        }
        for record in salvaged.records {
            self.records += 1;
            if let Ok(view) = serde_json::from_slice::<MessageView<'_>>(&record) {
                self.record(&view);
            }
        }
    }

    fn record(&mut self, view: &MessageView<'_>) {
        if let (Some(leaf), None) = (&view.leaf_uuid, &view.uuid) {
            self.leaves.push((self.lines, key(leaf)));
        }
        if view.kind == "worktree-state" {
            self.in_own_tree = view.worktree_session.is_some();
        }
        let Some(uuid) = &view.uuid else { return };
        let is_message = view.kind == "assistant" || view.kind == "user";
        let link = ChainLink {
            line: self.lines,
            record: self.records,
            parent: view.parent_uuid.as_deref().map(key),
            at: view.timestamp.as_deref().and_then(|at| at.parse().ok()),
            is_sidechain: view.is_sidechain == Some(true),
            messages: self.messages + u64::from(is_message),
        };
        match self.by_id.get(&key(uuid)) {
            Some(first) => {
                let first = self.chain[*first].line;
                self.find(self.lines, Problem::DuplicateId { first }, false);
            }
            None => {
                self.by_id.insert(key(uuid), self.chain.len());
                self.chain.push(link);
            }
        }
        if view.subtype.as_deref() == Some("compact_boundary") {
            self.boundary = self.lines;
        }
        let is_answer = view.kind == "assistant";
        if !is_answer && view.kind != "user" {
            return;
        }
        self.messages += 1;
        let message: MessageFields<'_> =
            view.message.and_then(|message| serde_json::from_str(message.get()).ok()).unwrap_or_default();
        // One answer is a record for each of its parts.
        let answer = key(message.id.as_deref().unwrap_or(uuid));
        if is_answer && answer != self.last_answer {
            self.last_answer = answer;
            self.answers.push(self.lines);
        }
        let content = message.content.map_or("", RawValue::get);
        for block in serde_json::from_str::<Vec<BlockFields<'_>>>(content).unwrap_or_default() {
            match (block.kind.as_ref(), block.id, block.tool_use_id) {
                ("tool_use", Some(id), _) => {
                    let call = ToolCall { line: self.lines, record: self.records };
                    self.calls.entry(key(&id)).or_insert(call);
                }
                ("tool_result", _, Some(id)) => {
                    self.results.entry(key(&id)).or_insert(self.lines);
                }
                _ => {}
            }
        }
    }

    /// Ends the check.
    pub fn finish(mut self) -> CheckedTranscript {
        let mut orphans = BTreeSet::new();
        for at in 0..self.chain.len() {
            let ChainLink { line, record, parent, .. } = self.chain[at];
            let is_in_session =
                |parent| self.session.as_ref().is_some_and(|session| session.0.contains(&parent));
            let lost =
                parent.is_some_and(|parent| !self.by_id.contains_key(&parent) && !is_in_session(parent));
            // What is saved may begin in the middle: then the first record has nothing to follow.
            if !lost || at == 0 || line <= self.boundary {
                continue;
            }
            let before = self.chain[at - 1].messages.saturating_sub(self.messages_to(self.boundary));
            match joined(&self.chain[..at], &self.chain[at]) {
                // Agents' records follow hooks that were never written; nothing is missing, and the client joins them.
                Joined::ByClient if self.session.is_some() => continue,
                Joined::No if before > 0 => {
                    self.find(line, Problem::LostBeginning { messages: before }, true);
                }
                Joined::ByClient | Joined::No | Joined::Unknown => self.find(line, Problem::LostParent, true),
            }
            self.holes.push(line);
            orphans.insert(record);
        }
        for at in circles(&self.chain, &self.by_id) {
            let ChainLink { line, record, .. } = self.chain[at];
            self.find(line, Problem::Circle, true);
            orphans.insert(record);
        }
        self.holes.sort_unstable();
        let unanswered = self.unpaired();
        for (line, leaf) in std::mem::take(&mut self.leaves) {
            if !self.by_id.contains_key(&leaf) {
                self.find(line, Problem::DanglingLeaf, false);
            }
        }
        if self.messages == 0 {
            self.find(0, Problem::NoMessage, false);
        }
        self.findings.sort_by_key(|finding| finding.line);
        let in_own_tree = self.in_own_tree;
        CheckedTranscript { findings: self.findings, records: self.records, in_own_tree, orphans, unanswered }
    }

    /// How many messages there are up to a line.
    fn messages_to(&self, line: u64) -> u64 {
        let next = self.chain.partition_point(|link| link.line <= line);
        next.checked_sub(1).map_or(0, |last| self.chain[last].messages)
    }

    /// Finds calls without results and results without calls; returns the calls to be answered.
    fn unpaired(&mut self) -> BTreeSet<(u64, IdHash)> {
        let mut unanswered = BTreeSet::new();
        for (id, call) in std::mem::take(&mut self.calls) {
            if self.results.remove(&id).is_some() {
                continue;
            }
            let next = self.answers.iter().find(|answer| **answer > call.line);
            // At the end the call is waiting for its result, and the client knows what to do.
            let Some(next) = next else { continue };
            // Where nothing is missing the client itself went on without a result, and will again.
            if call.line < self.boundary {
                continue;
            }
            let is_damage = self.holes.iter().any(|hole| (call.line..=*next).contains(hole));
            self.find(call.line, Problem::LostResult, is_damage);
            if is_damage {
                unanswered.insert((call.record, id));
            }
        }
        for (_, line) in std::mem::take(&mut self.results) {
            if line > self.boundary {
                self.find(line, Problem::LostCall, false);
            }
        }
        unanswered
    }

    fn find(&mut self, line: u64, problem: Problem, mended: bool) {
        self.findings.push(Finding { line, problem, mended });
    }
}

/// Whether the client itself joins a record whose parent is not here to one before it.
enum Joined {
    ByClient,
    No,
    /// They do not say when they came.
    Unknown,
}

fn joined(before: &[ChainLink], orphan: &ChainLink) -> Joined {
    let beside = before.iter().rev().filter(|link| link.is_sidechain == orphan.is_sidechain);
    let Some(at) = orphan.at else { return Joined::Unknown };
    // In time, not in the file; nearly always that is the one before it.
    let mut earlier = beside.filter_map(|link| link.at).filter(|earlier| *earlier <= at);
    match earlier.next().map(|first| earlier.take(REORDERED).fold(first, Timestamp::max)) {
        Some(latest) if at.since(latest) <= JOINED_WITHIN => Joined::ByClient,
        Some(_) => Joined::No,
        None => Joined::Unknown,
    }
}

/// Returns one record of each circle of parents: the first in the file.
fn circles(chain: &[ChainLink], by_id: &HashMap<IdHash, usize>) -> Vec<usize> {
    let parent = |at: usize| by_id.get(&chain[at].parent?).copied();
    let mut found = Vec::new();
    let mut known = vec![false; chain.len()];
    for start in 0..chain.len() {
        let mut path = HashSet::new();
        let mut next = Some(start);
        while let Some(at) = next.filter(|at| !known[*at]) {
            if !path.insert(at) {
                found.extend(circle_from(at, &parent));
                break;
            }
            next = parent(at);
        }
        path.into_iter().for_each(|at| known[at] = true);
    }
    found
}

fn circle_from(at: usize, parent: &impl Fn(usize) -> Option<usize>) -> Option<usize> {
    let mut members = vec![at];
    let mut next = parent(at)?;
    while next != at {
        members.push(next);
        next = parent(next)?;
    }
    members.into_iter().min()
}
