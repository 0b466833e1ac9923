//! What a report shows of a conversation: its steps as items, each with a text as it is read by people. Pure.

use data_encoding::BASE64;

use super::choice::{Choice, LeftOut, Part};
use super::color_limit::ColorLimit;
use super::edit_text::{CallDiff, edit_of};
use super::fences;
use super::hiding::Hiding;
use crate::base::columns::first_line;
use crate::base::timestamp::Timestamp;
use crate::client::transcript::call::{CallEnd, Image, ToolCall};
use crate::client::transcript::steps::{Step, What};
use crate::manifest::Decision;

/// The most characters that are kept of what an item is about.
const ABOUT: usize = 120;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemKind {
    /// A prompt.
    Prompt,
    /// An answer.
    Answer,
    /// Thinking.
    Thinking,
    /// A call of a tool.
    Call,
    /// What the client wrote itself.
    Note,
    /// The summary of a compaction.
    Summary,
    /// An image.
    Image,
    /// The mark of a compaction.
    Compaction,
}

impl ItemKind {
    /// Returns the letter that stands for it in a page.
    pub(super) fn letter(self) -> char {
        match self {
            ItemKind::Prompt => 'p',
            ItemKind::Answer => 'a',
            ItemKind::Thinking => 't',
            ItemKind::Call => 'c',
            ItemKind::Note => 's',
            ItemKind::Summary => 'k',
            ItemKind::Image => 'i',
            ItemKind::Compaction => 'x',
        }
    }

    /// Returns the word that stands for it in JSON.
    pub(super) fn word(self) -> &'static str {
        match self {
            ItemKind::Prompt => "prompt",
            ItemKind::Answer => "answer",
            ItemKind::Thinking => "thinking",
            ItemKind::Call => "call",
            ItemKind::Note => "note",
            ItemKind::Summary => "summary",
            ItemKind::Image => "image",
            ItemKind::Compaction => "compaction",
        }
    }
}

/// How a text is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As Markdown.
    Markdown,
    /// As it is.
    Plain,
    /// As a diff.
    Diff,
}

/// An item of a conversation.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// What it is.
    pub(super) kind: ItemKind,
    /// Its text; of a call, input and then output.
    pub(super) text: String,
    /// What a call was given, for a program; then the text is only its output.
    pub(super) given: Vec<(String, String)>,
    /// Colours for lines of the text; of a call, of its input.
    pub(super) colors: Vec<u8>,
    /// How many bytes of the text are a call's input.
    pub(super) input: usize,
    /// How the text is to be shown; of a call, its input.
    pub(super) form: Form,
    /// The tool, the media type, or what a note is.
    pub(super) label: Option<String>,
    /// What it is about, in a line.
    pub(super) about: String,
    /// The file that a call names, relative to the root if it is below it.
    pub(super) file: Option<String>,
    /// When.
    pub(super) at: Option<Timestamp>,
    /// How many seconds it took.
    pub(super) took: u64,
    /// How many lines the text has; of a call, its output.
    pub(super) lines: usize,
    /// How a call ended.
    pub(super) end: Option<CallEnd>,
    /// Whether the text was left out.
    pub(super) emptied: bool,
    /// The client's id of a call.
    pub(super) call: Option<String>,
    /// The agent that a call started.
    pub(super) agent: Option<String>,
    /// What the model was given, in tokens, where that is known and new.
    pub(super) context: Option<u64>,
    /// Lines that a call added to and removed from its file.
    pub(super) changed: Option<(u64, u64)>,
    /// What a person decided about a call.
    pub(super) decision: Option<Decision>,
    /// The statuses that a call gave to tasks.
    pub(super) tasks: Vec<(String, String)>,
}

/// Makes items of steps.
pub(super) struct Itemizer<'c> {
    choice: &'c Choice,
    hiding: &'c Hiding,
    /// Whether it is an agent's conversation: if agents are wanted, that is whole.
    of_agent: bool,
    /// Whether a program reads it: then calls keep what they were given as it is.
    for_program: bool,
    /// The roots of the work tree, each with a slash at its end.
    roots: Vec<String>,
    /// How many lines may still be coloured.
    colored: &'c ColorLimit,
    /// What was left out so far.
    pub(super) left_out: LeftOut,
}

impl<'c> Itemizer<'c> {
    /// Makes one for a session with these roots; edits are coloured as long as any of the `colored` lines are left.
    pub(super) fn new(
        choice: &'c Choice,
        hiding: &'c Hiding,
        of_agent: bool,
        for_program: bool,
        roots: Vec<String>,
        colored: &'c ColorLimit,
    ) -> Itemizer<'c> {
        Itemizer { choice, hiding, of_agent, for_program, roots, colored, left_out: LeftOut::default() }
    }

    /// Returns what is shown of a step.
    pub(super) fn items(&mut self, step: Step) -> Vec<Item> {
        let (kind, part) = match &step.what {
            What::Asked(_) => (ItemKind::Prompt, Part::Prompts),
            What::Answered(_) => (ItemKind::Answer, Part::Answers),
            What::Thought(_) => (ItemKind::Thinking, Part::Thinking),
            What::Called(_) => (ItemKind::Call, Part::Tools),
            What::Compacted => (ItemKind::Compaction, Part::Notes),
            What::Summary(_) => (ItemKind::Summary, Part::Notes),
            What::Noted { .. } => (ItemKind::Note, Part::Notes),
            What::Image(_) => (ItemKind::Image, Part::Images),
        };
        if !self.has(part) && kind != ItemKind::Compaction {
            self.left_out.unwanted += 1;
            return Vec::new();
        }
        let form = match kind {
            ItemKind::Call | ItemKind::Note | ItemKind::Image => Form::Plain,
            _ => Form::Markdown,
        };
        let item = Item {
            kind,
            text: String::new(),
            given: Vec::new(),
            colors: Vec::new(),
            input: 0,
            form,
            label: None,
            about: String::new(),
            file: None,
            at: step.at,
            took: 0,
            lines: 0,
            end: None,
            emptied: false,
            call: None,
            agent: None,
            context: step.context,
            changed: None,
            decision: None,
            tasks: Vec::new(),
        };
        match step.what {
            // A call of a tool gave it to the agent.
            What::Asked(_) if self.of_agent && self.choice.no_tools => {
                self.left_out.agent_prompts += 1;
                vec![Item { emptied: true, ..item }]
            }
            What::Asked(text) | What::Answered(text) | What::Thought(text) | What::Summary(text) => {
                let colors = if self.for_program { Vec::new() } else { fences::colors(&text, self.colored) };
                vec![with_text(Item { colors, ..item }, text)]
            }
            What::Noted { by, text } if self.hiding.is_named_in(&text) => {
                self.left_out.redacted_notes += 1;
                vec![Item { label: Some(by), emptied: true, ..item }]
            }
            What::Noted { by, text } => vec![with_text(Item { label: Some(by), ..item }, text)],
            What::Compacted => vec![item],
            What::Image(image) => vec![self.image(item, image)],
            What::Called(call) => self.call(item, *call),
        }
    }

    fn has(&self, part: Part) -> bool {
        self.choice.has(part) || self.of_agent && self.choice.has(Part::Agents)
    }

    fn image(&mut self, item: Item, image: Image) -> Item {
        match media_type(&image.base64) {
            Some(media) => {
                let size = image.base64.len() / 4 * 3;
                let about = format!("{media}, {size} bytes");
                Item { label: Some(media.to_owned()), about, text: image.base64, ..item }
            }
            None => {
                self.left_out.odd_images += 1;
                let (kind, label) = (ItemKind::Note, Some("image".to_owned()));
                let media: String = image.media.chars().take(60).collect();
                let text = format!("An image that is said to be {media:?}. It is not shown.");
                with_text(Item { kind, label, ..item }, text)
            }
        }
    }

    fn call(&mut self, item: Item, call: ToolCall) -> Vec<Item> {
        let file =
            call.given("file_path").or_else(|| call.given("notebook_path")).map(|path| self.file(path));
        let about = if file.is_some() && call.given("command").is_none() { "" } else { call.about.as_str() };
        let took = call.seconds();
        let item = Item {
            label: Some(call.tool.clone()),
            took,
            end: Some(call.end),
            agent: call.agent.clone(),
            call: Some(call.id.clone()),
            changed: call.changed,
            tasks: call.tasks.clone(),
            ..item
        };
        let given = call.input.iter().map(|(_, value)| value);
        let redacted = given.chain([&call.output]).any(|text| self.hiding.is_named_in(text));
        if redacted || self.choice.no_tools {
            let counted = if redacted { &mut self.left_out.redacted_calls } else { &mut self.left_out.tools };
            *counted += 1;
            return vec![Item { emptied: true, changed: None, ..item }];
        }
        let diff = if self.for_program { None } else { edit_of(&call, self.colored) };
        let form = if diff.is_some() { Form::Diff } else { Form::Plain };
        let CallDiff { mut text, colors } = diff.unwrap_or_else(|| {
            let text = if self.for_program { String::new() } else { input_text(&call) };
            CallDiff { text, colors: Vec::new() }
        });
        let given = if self.for_program { call.input.clone() } else { Vec::new() };
        let input = text.len();
        text.push_str(&call.output);
        let lines = call.output.trim().lines().count();
        let about = one_line(about);
        let decision = call.decision;
        let called = Item { text, given, colors, input, form, about, file, lines, decision, ..item.clone() };
        let bare = Item {
            kind: ItemKind::Image,
            form: Form::Plain,
            label: None,
            took: 0,
            end: None,
            agent: None,
            call: None,
            context: None,
            changed: None,
            tasks: Vec::new(),
            ..item
        };
        let mut items = vec![called];
        if self.has(Part::Images) {
            items.extend(call.images.into_iter().map(|image| self.image(bare.clone(), image)));
        } else {
            self.left_out.unwanted += call.images.len() as u64;
        }
        items
    }

    /// Returns a path as it is shown: relative, if it is below the root.
    fn file(&self, path: &str) -> String {
        let below = self.roots.iter().find_map(|root| path.strip_prefix(root.as_str()));
        below.unwrap_or(path).to_owned()
    }
}

fn with_text(item: Item, text: String) -> Item {
    Item { about: one_line(&text), lines: text.lines().count(), text, ..item }
}

fn one_line(text: &str) -> String {
    first_line(text).chars().take(ABOUT).collect()
}

/// Returns a call's input for people: one value alone as it is, otherwise names and values.
fn input_text(call: &ToolCall) -> String {
    if let [(_, value)] = call.input.as_slice()
        && *value == call.about
    {
        return format!("{}\n", value.trim_end_matches('\n'));
    }
    let mut text = String::new();
    for (name, value) in &call.input {
        let gap = if value.contains('\n') { "\n" } else { " " };
        text.push_str(&format!("{name}:{gap}{}\n", value.trim_end_matches('\n')));
    }
    text
}

/// Returns the type of an image that every browser shows and that runs nothing, by its first bytes.
fn media_type(base64: &str) -> Option<&'static str> {
    let first = BASE64.decode(base64.get(..16)?.as_bytes()).ok()?;
    // The rest has to be base64 too: it is all that a page checks before it makes an image of it.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    if !base64.bytes().all(plain) {
        return None;
    }
    match () {
        () if first.starts_with(b"\x89PNG\r\n\x1a\n") => Some("image/png"),
        () if first.starts_with(b"\xff\xd8\xff") => Some("image/jpeg"),
        () if first.starts_with(b"GIF87a") || first.starts_with(b"GIF89a") => Some("image/gif"),
        () if first.starts_with(b"RIFF") && &first[8..12] == b"WEBP" => Some("image/webp"),
        () => None,
    }
}
