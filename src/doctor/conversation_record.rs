//! What is looked at in the records of a conversation: who said it, after what, and the parts that the API is particular
//! about.
//!
//! Pure. Of a record only these facts are kept, never its text, but for the beginning of a prompt.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::media::{self, Media, What};
use crate::base::timestamp::Timestamp;
use crate::client::is_command;
use crate::client::transcript::fields::{BlockFields, MessageFields};
use crate::client::transcript::record::Fields;

/// The most characters of a prompt that are kept.
const LONGEST_PROMPT: usize = 200;

/// How a message begins with which the client tells that a task in the background has ended.
const NOTIFICATION: &str = "<task-notification>";

/// The most characters of a part's type that are kept.
const LONGEST_KIND: usize = 40;

/// A longer prompt is not read for its beginning.
const LONGEST_READ: usize = 1 << 20;

/// One record of the conversation's own.
#[derive(Clone, Debug, Default)]
pub(super) struct ConversationRecord {
    /// The line it stands on, from 1.
    pub(super) line: u64,
    /// Its number among all records, from 1.
    pub(super) number: u64,
    /// Its id.
    pub(super) uuid: Box<str>,
    /// The id of the record that it follows.
    pub(super) parent: Option<Box<str>>,
    /// Who said it.
    pub(super) role: Role,
    /// Whether it is a message that says nothing at all.
    pub(super) is_empty: bool,
    /// When.
    pub(super) at: Option<Timestamp>,
    /// The id of the answer that it is a part of.
    pub(super) answer: Option<Box<str>>,
    /// The size of what it says, in bytes.
    pub(super) bytes: u64,
    /// The beginning of what a person typed.
    pub(super) prompt: Option<Box<str>>,
    /// Whether the client wrote it in the model's place.
    pub(super) is_made_up: bool,
    /// Whether it is the summary of what was compacted.
    pub(super) is_summary: bool,
    /// What the API said when it refused a request.
    pub(super) refused: Option<Box<str>>,
    /// The parts that matter.
    pub(super) parts: Vec<MessagePart>,
    /// Whether the message has no content at all, not even an empty one.
    pub(super) has_no_content: bool,
    /// How many parts there are in all.
    pub(super) blocks: usize,
    /// The folder that the session was in.
    pub(super) cwd: Option<Box<str>>,
}

/// Who said something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    /// The person, or a tool that answered.
    User,
    /// The model.
    Assistant,
    /// The client, in between: attachments, hooks and the like.
    #[default]
    Client,
    /// The client: what came before was compacted.
    Boundary,
}

/// A part of a message that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MessagePart {
    pub(super) place: PartPlace,
    pub(super) what: PartKind,
}

/// Where in a message a part is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PartPlace {
    /// The number of the block, from 0.
    pub(super) block: usize,
    /// The number of the part of a tool's result in that block.
    pub(super) inner: Option<usize>,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PartKind {
    /// A call of a tool, by its id.
    Call(Box<str>),
    /// The result of a call.
    Result(Box<str>),
    /// Signed thinking.
    Thinking(Thinking),
    /// An image or a document.
    Media(Media),
    /// A text that says nothing.
    Blank,
    /// The input of a call that is no object: what it should be, as JSON.
    Input(Box<str>),
    /// An answer that is a text and no list of parts.
    Plain,
    /// A call that names no tool.
    NoName,
    /// A part of a type that no client and no API is known to have: its name.
    Unknown(Box<str>),
}

/// The types of parts that the API takes, but for uses and results of tools, of which there are ever more.
const KNOWN: [&str; 10] = [
    "text",
    "image",
    "document",
    "thinking",
    "redacted_thinking",
    "search_result",
    "container_upload",
    "tool_reference",
    "compaction",
    "fallback",
];

/// What is wrong with signed thinking, so far as it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    /// Nothing.
    Whole,
    /// It has no signature.
    Unsigned,
    /// It has a signature, and no text. Newer models write it so; older ones refuse it.
    Silent,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordFields<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    subtype: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    uuid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    parent_uuid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    cwd: Option<Cow<'a, str>>,
    #[serde(default)]
    is_sidechain: Option<bool>,
    #[serde(default)]
    is_meta: Option<bool>,
    #[serde(default)]
    is_api_error_message: Option<bool>,
    #[serde(default)]
    is_compact_summary: Option<bool>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    attachment: Option<&'a RawValue>,
}

/// A file that the client read because a prompt mentions it.
#[derive(Deserialize)]
struct Attachment<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    content: AttachedContent<'a>,
}

#[derive(Deserialize)]
struct AttachedContent<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    file: AttachedFile<'a>,
}

#[derive(Deserialize)]
struct AttachedFile<'a> {
    #[serde(borrow)]
    base64: Cow<'a, str>,
    #[serde(rename = "type", borrow, default)]
    media_type: Option<Cow<'a, str>>,
}

/// Reads a record; `None` if it is none of the conversation's own chain.
pub(super) fn read(line: u64, number: u64, record: &[u8]) -> Option<ConversationRecord> {
    let view: RecordFields<'_> = serde_json::from_slice(record.trim_ascii()).ok()?;
    if view.is_sidechain == Some(true) {
        return None;
    }
    let role = match (view.kind.as_ref(), view.subtype.as_deref()) {
        ("user", _) => Role::User,
        ("assistant", _) => Role::Assistant,
        ("system", Some("compact_boundary")) => Role::Boundary,
        _ => Role::Client,
    };
    let mut said = ConversationRecord {
        line,
        number,
        cwd: view.cwd.map(Into::into),
        uuid: view.uuid?.into(),
        parent: view.parent_uuid.map(Into::into),
        role,
        is_summary: view.is_compact_summary == Some(true),
        at: view.timestamp.as_deref().and_then(|at| at.parse().ok()),
        ..ConversationRecord::default()
    };
    if matches!(role, Role::User | Role::Assistant) {
        let message =
            view.message.and_then(|message| serde_json::from_str::<MessageFields<'_>>(message.get()).ok());
        let message = message.unwrap_or_default();
        said.is_made_up = message.model.is_some_and(|model| model == "<synthetic>");
        said.answer = message.id.filter(|_| role == Role::Assistant).map(Into::into);
        let content = message.content.map_or("null", RawValue::get);
        said.is_empty = content == "null";
        said.has_no_content = said.is_empty;
        said.bytes = content.len() as u64;
        let texts = said.read_content(content);
        if view.is_api_error_message == Some(true) {
            said.refused = Some(beginning(&texts).into());
        } else if role == Role::User && view.is_meta != Some(true) && !said.is_summary {
            let by_client = is_command(&texts) || texts.trim_start().starts_with(NOTIFICATION);
            let typed = !texts.trim().is_empty() && !by_client && !said.is_result();
            said.prompt = typed.then(|| beginning(&texts).into());
        }
    } else if let Some(attachment) = view.attachment {
        said.bytes = attachment.get().len() as u64;
        if let Some(media) = attached_image(attachment.get()) {
            said.parts.push(MessagePart { place: PartPlace::default(), what: PartKind::Media(media) });
        }
    }
    Some(said)
}

/// Returns the record from which the conversation goes on, if this record notes one.
pub(super) fn noted_end(record: &[u8]) -> Option<Box<str>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Noted<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
        #[serde(borrow)]
        leaf_uuid: Cow<'a, str>,
    }
    memchr::memmem::find(record, b"\"last-prompt\"")?;
    let noted: Noted<'_> = serde_json::from_slice(record.trim_ascii()).ok()?;
    (noted.kind == "last-prompt").then(|| noted.leaf_uuid.into())
}

fn attached_image(attachment: &str) -> Option<Media> {
    memchr::memmem::find(attachment.as_bytes(), b"\"base64\"")?;
    let attachment: Attachment<'_> = serde_json::from_str(attachment).ok()?;
    let AttachedContent { kind, file } = attachment.content;
    let is_image = attachment.kind == "file" && kind == "image";
    is_image.then(|| media::look_at(What::Image, &file.base64, file.media_type.as_deref()))
}

fn beginning(text: &str) -> String {
    let text = text.trim();
    let Some((end, _)) = text.char_indices().nth(LONGEST_PROMPT) else { return text.to_owned() };
    let (first, _) = text.split_at(end);
    // Half a word may be half a secret, which nobody knows for one.
    first.rfind(char::is_whitespace).map_or(first, |last| &first[..last]).to_owned()
}

impl ConversationRecord {
    /// Says whether it is a message.
    pub(super) fn is_message(&self) -> bool {
        matches!(self.role, Role::User | Role::Assistant)
    }

    /// Says whether it is a tool's answer and nothing else.
    pub(super) fn is_result(&self) -> bool {
        self.parts.iter().any(|part| matches!(part.what, PartKind::Result(_)))
    }

    /// Returns its images and documents, with where they are.
    pub(super) fn media(&self) -> impl Iterator<Item = (PartPlace, &Media)> {
        self.parts.iter().filter_map(|part| match &part.what {
            PartKind::Media(media) => Some((part.place, media)),
            _ => None,
        })
    }

    /// Reads the parts of its content; returns the beginning of its texts.
    fn read_content(&mut self, content: &str) -> String {
        if content.starts_with('"') {
            self.blocks = 1;
            let read = content.len() <= LONGEST_READ;
            let text: Option<String> = if read { serde_json::from_str(content).ok() } else { None };
            self.is_empty = text.as_ref().is_some_and(|text| text.trim().is_empty());
            if self.role == Role::Assistant && !self.is_empty {
                self.parts.push(MessagePart { place: PartPlace::default(), what: PartKind::Plain });
            }
            return text.unwrap_or_default();
        }
        let mut texts = String::new();
        let blocks: Vec<&RawValue> = serde_json::from_str(content).unwrap_or_default();
        self.blocks = blocks.len();
        for (number, raw) in blocks.into_iter().enumerate() {
            let place = PartPlace { block: number, inner: None };
            let Ok(block) = serde_json::from_str::<BlockFields<'_>>(raw.get()) else { continue };
            self.parts.extend(part(&block, self.role).map(|what| MessagePart { place, what }));
            self.parts.extend(wrong_input(&block).map(|what| MessagePart { place, what }));
            self.parts.extend(wrong_kind(&block).map(|what| MessagePart { place, what }));
            if block.kind == "text" && texts.len() < LONGEST_PROMPT {
                texts += &block.text.and_then(decoded).unwrap_or_default();
            }
            // A tool's result may hold images of its own.
            let inner = block.content.filter(|_| block.kind == "tool_result").map_or("", RawValue::get);
            for (number, raw) in list(inner).into_iter().enumerate() {
                let place = PartPlace { inner: Some(number), ..place };
                let Ok(inner) = serde_json::from_str::<BlockFields<'_>>(raw.get()) else { continue };
                let media = part(&inner, self.role).filter(|what| matches!(what, PartKind::Media(_)));
                self.parts
                    .extend(media.or_else(|| wrong_kind(&inner)).map(|what| MessagePart { place, what }));
            }
        }
        texts
    }
}

fn list(json: &str) -> Vec<&RawValue> {
    if json.starts_with('[') { serde_json::from_str(json).unwrap_or_default() } else { Vec::new() }
}

/// Returns what the input of a call should be, if it is no object: what its text says, else an object with it.
fn wrong_input(block: &BlockFields<'_>) -> Option<PartKind> {
    let input = block.input.map_or("null", RawValue::get);
    if block.kind != "tool_use" || input.starts_with('{') {
        return None;
    }
    let said = serde_json::from_str::<String>(input).ok();
    let object = said.filter(|said| Fields::read(said.as_bytes()).is_some());
    let made = || if input == "null" { "{}".to_owned() } else { format!("{{\"input\":{input}}}") };
    Some(PartKind::Input(object.unwrap_or_else(made).into()))
}

/// Says whether a part is a call without a tool, or of a type that nobody knows.
fn wrong_kind(block: &BlockFields<'_>) -> Option<PartKind> {
    let kind = block.kind.as_ref();
    if kind == "tool_use" {
        return block.name.as_deref().is_none_or(str::is_empty).then_some(PartKind::NoName);
    }
    let is_known = KNOWN.contains(&kind) || kind.ends_with("_use") || kind.ends_with("_result");
    (!is_known).then(|| PartKind::Unknown(kind.chars().take(LONGEST_KIND).collect::<String>().into()))
}

fn part(block: &BlockFields<'_>, role: Role) -> Option<PartKind> {
    let media = |what| block.source.and_then(|source| media::look(what, source.get())).map(PartKind::Media);
    match block.kind.as_ref() {
        "tool_use" => block.id.as_deref().map(|id| PartKind::Call(id.into())),
        "tool_result" => block.tool_use_id.as_deref().map(|id| PartKind::Result(id.into())),
        "image" => media(What::Image),
        "document" => media(What::Document),
        "text" => {
            // Newer models put line ends between their parts, which is no harm.
            let is_blank = |text: &str| text.is_empty() || role == Role::User && text.trim().is_empty();
            // What can't be decoded says something.
            let says_nothing = match block.text.filter(|text| text.get() != "null") {
                Some(text) => decoded(text).is_some_and(|text| is_blank(&text)),
                None => true,
            };
            says_nothing.then_some(PartKind::Blank)
        }
        "thinking" => Some(PartKind::Thinking(match (is_empty(block.signature), is_empty(block.thinking)) {
            (true, _) => Thinking::Unsigned,
            (false, true) => Thinking::Silent,
            (false, false) => Thinking::Whole,
        })),
        "redacted_thinking" => {
            let thinking = if is_empty(block.data) { Thinking::Unsigned } else { Thinking::Whole };
            Some(PartKind::Thinking(thinking))
        }
        _ => None,
    }
}

fn decoded(text: &RawValue) -> Option<String> {
    serde_json::from_str(text.get()).ok()
}

/// Says whether a text is missing or empty. It is not read: what is signed may hold halves of characters.
fn is_empty(text: Option<&RawValue>) -> bool {
    text.is_none_or(|text| matches!(text.get(), "\"\"" | "null"))
}
