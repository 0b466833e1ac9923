//! A report as JSON: what is said at a glance, each conversation with its items, and each edit with its text.
//!
//! Written while it is read: no conversation is ever held as a whole. `docs/report.schema.json` is made of these types.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::content::{Receiver, Thread};
use super::edit_text::EditReceiver;
use super::index::EditEntry;
use super::item::{Item, ItemKind};
use super::overview::{Decided, Overview};
use super::page_content::{ended, entry_of};
use crate::base::error::{Error, Kind, Result};
use crate::base::timestamp::Timestamp;
use crate::client::transcript::call::CallEnd;
use crate::compare::NO_BASE;
use crate::diff::{End, FileHeader};

/// The version of this form.
pub(super) const RECORD_FORMAT: u32 = 1;

/// A whole report.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema counts")]
pub(super) struct WholeReport {
    /// The version of this form: 1.
    pub(super) format: u32,
    /// The conversations: the session's own, then those of its agents.
    pub(super) threads: Vec<WholeThread>,
    /// The pending edits, or what differs between the two snapshots.
    pub(super) edits: Vec<WholeEdit>,
    /// What the report does not hold, and why.
    pub(super) left_out: Vec<String>,
    #[schemars(flatten)]
    pub(super) overview: Overview,
}

/// A conversation with its items.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema counts")]
pub(super) struct WholeThread {
    #[schemars(flatten)]
    pub(super) thread: ThreadRecord<'static>,
    /// What was said and done, in the order of the transcript.
    pub(super) items: Vec<ItemRecord<'static>>,
}

/// An edit with its text.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema counts")]
pub(super) struct WholeEdit {
    /// The lines of a diff.
    pub(super) text: String,
    #[schemars(flatten)]
    pub(super) edit: EditRecord<'static>,
}

/// Whose conversation it is.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ThreadRecord<'a> {
    /// `main`, `agent`, or `aside` for what an older client wrote of agents into the session's own.
    kind: &'static str,
    /// The client's id of an agent; `agents` says more of it.
    agent: Option<&'a str>,
}

/// A step of a conversation.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ItemRecord<'a> {
    /// `prompt`, `answer`, `thinking`, `call`, `note`, `summary`, `image` or `compaction`.
    kind: &'static str,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    /// The text; of an image, its bytes in base64.
    #[serde(skip_serializing_if = "str::is_empty")]
    text: &'a str,
    /// What a note is, in the client's word; of an image, its media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    /// A call.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<CallRecord<'a>>,
    /// Whether the text was left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    left_out: bool,
}

/// A call of a tool.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct CallRecord<'a> {
    /// The client's id of it.
    id: &'a str,
    /// The tool.
    tool: &'a str,
    /// What it was given: names and values, of which those that are no texts are JSON.
    input: BTreeMap<&'a str, &'a str>,
    /// What it answered.
    output: &'a str,
    /// `done`, `failed` or `open`.
    end: &'static str,
    /// The file that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    /// How many seconds it took.
    seconds: u64,
    /// The agent that it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    /// What a person decided about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decided>,
}

/// An edit.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct EditRecord<'a> {
    /// The path.
    path: &'a str,
    /// The path that it had before.
    old_path: Option<&'a str>,
    /// `A`, `M`, `D`, `R` or `C`.
    status: &'a str,
    /// Lines that were added.
    added: u64,
    /// Lines that were removed.
    removed: u64,
    /// Whether its content is not text.
    binary: bool,
    /// How its mode changed.
    mode: Option<&'a str>,
    /// What else is to be said.
    notes: &'a [String],
    /// Whether its content was left out.
    left_out: bool,
}

/// Writes a report while it is read.
pub(super) struct Records<W> {
    out: W,
    threads: u64,
    items: u64,
    edits: u64,
    open: Option<EditEntry>,
    /// Whether an edit can't be shown, because its base is not here.
    pub(super) incomplete: bool,
}

impl<W: Write> Records<W> {
    /// Begins to write.
    ///
    /// # Errors
    /// [`Kind::Environment`] if it can't be put aside, here and below.
    pub(super) fn begin(out: W) -> Result<Records<W>> {
        let mut records = Records { out, threads: 0, items: 0, edits: 0, open: None, incomplete: false };
        records.put(&format!("{{\"format\":{RECORD_FORMAT},\n\"threads\":["))?;
        Ok(records)
    }

    /// Ends it with what is said at a glance; returns the output.
    pub(super) fn finish(mut self, overview: &Overview, left_out: &[String]) -> Result<W> {
        self.end_threads()?;
        self.put("],\n\"left_out\":")?;
        self.json(&left_out)?;
        // The rest is an object too: without its braces it goes on in this one.
        let rest = serde_json::to_string(overview).map_err(bug)?;
        self.put(&format!(",\n{}\n", rest.trim_start_matches('{')))?;
        Ok(self.out)
    }

    fn end_threads(&mut self) -> Result<()> {
        if self.edits == 0 {
            let end = if self.threads > 0 { "]}" } else { "" };
            self.put(&format!("{end}],\n\"edits\":["))?;
        }
        Ok(())
    }

    /// Begins an edit, whose text comes first: how much it is is known only behind it.
    fn begin_edit(&mut self) -> Result<()> {
        self.end_threads()?;
        let gap = if self.edits > 0 { "," } else { "" };
        self.edits += 1;
        self.put(&format!("{gap}\n{{\"text\":\""))
    }

    fn edit_text(&mut self, text: &str) -> Result<()> {
        // A piece may be long; what is made of it need not be.
        text.split_inclusive('\n').try_for_each(|line| {
            let json = serde_json::to_string(line).map_err(bug)?;
            let json = crate::base::screen::json(&json).to_string();
            self.put(json.get(1..json.len() - 1).unwrap_or_default())
        })
    }

    fn end_edit(&mut self, entry: &EditEntry) -> Result<()> {
        let EditEntry { path, old_path, status, added, removed, binary, mode, notes, left_out, .. } = entry;
        let (old_path, mode) = (old_path.as_deref(), mode.as_deref());
        let (added, removed, binary, left_out) = (*added, *removed, *binary, *left_out);
        let facts = EditRecord { path, old_path, status, added, removed, binary, mode, notes, left_out };
        let json = serde_json::to_string(&facts).map_err(bug)?;
        // The rest of one object: its own brace was opened before the text.
        self.put(&format!("\",{}", crate::base::screen::json(json.get(1..).unwrap_or_default())))
    }

    fn json(&mut self, value: &impl Serialize) -> Result<()> {
        let json = serde_json::to_string(value).map_err(bug)?;
        self.put(&crate::base::screen::json(&json).to_string())
    }

    fn put(&mut self, text: &str) -> Result<()> {
        self.out
            .write_all(text.as_bytes())
            .map_err(|error| Error::new(Kind::Environment, "Cannot put the report aside").because(error))
    }
}

fn bug(error: serde_json::Error) -> Error {
    Error::new(Kind::Bug, "The report can't be written as JSON").because(error)
}

impl<W: Write> Receiver for Records<W> {
    fn thread(&mut self, thread: Thread<'_>) -> Result<()> {
        let (kind, agent) = match thread {
            Thread::Main => ("main", None),
            Thread::Aside => ("aside", None),
            Thread::Agent(agent) => ("agent", Some(agent.id.as_str())),
        };
        let before = if self.threads > 0 { "]}," } else { "" };
        (self.threads, self.items) = (self.threads + 1, 0);
        let json = serde_json::to_string(&ThreadRecord { kind, agent }).map_err(bug)?;
        self.put(&format!("{before}\n{},\"items\":[", json.trim_end_matches('}')))
    }

    fn item(&mut self, item: Item) -> Result<()> {
        let gap = if self.items > 0 { ",\n" } else { "\n" };
        self.items += 1;
        self.put(gap)?;
        let input = item.given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let output = item.text.as_str();
        let call = (item.kind == ItemKind::Call).then(|| CallRecord {
            id: item.call.as_deref().unwrap_or_default(),
            tool: item.label.as_deref().unwrap_or_default(),
            input,
            output,
            end: match item.end {
                Some(CallEnd::Failed) => "failed",
                Some(CallEnd::Open) => "open",
                _ => "done",
            },
            file: item.file.as_deref(),
            seconds: item.took,
            agent: item.agent.as_deref(),
            decision: item.decision.as_ref().map(Decided::of),
        });
        let (text, label) =
            if call.is_some() { ("", None) } else { (item.text.as_str(), item.label.as_deref()) };
        let (kind, time, left_out) = (item.kind.word(), item.at, item.emptied);
        self.json(&ItemRecord { kind, time, text, label, call, left_out })
    }

    fn hidden_edit(&mut self, file: FileHeader) -> Result<()> {
        self.begin_edit()?;
        self.end_edit(&EditEntry { left_out: true, ..entry_of(&file) })
    }
}

impl<W: Write> EditReceiver for Records<W> {
    fn start(&mut self, file: FileHeader) -> io::Result<()> {
        self.open = Some(entry_of(&file));
        self.begin_edit().map_err(io::Error::other)
    }

    fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.edit_text(&String::from_utf8_lossy(text)).map_err(io::Error::other)
    }

    fn end(&mut self, end: End) -> io::Result<()> {
        let Some(entry) = self.open.take() else { return Ok(()) };
        self.incomplete |= end.note.as_deref() == Some(NO_BASE);
        self.end_edit(&ended(entry, &end)).map_err(io::Error::other)
    }
}
