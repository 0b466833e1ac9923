//! A conversation step by step, with all that was said and done: prompts, answers, thinking, calls with input and output,
//! images, what the client noted, and where it was compacted.
//!
//! Pure: one line of the transcript after the other. A call is told when its result is there; one without a result before
//! the next prompt, or at the end. Kinds of records that say nothing to a person are counted, by kind.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::base::timestamp::Timestamp;
use crate::client::ToolInput;
use crate::client::transcript::blocks::{document, fields_text, images, others, read, said, tag_of};
use crate::client::transcript::call::{CallEnd, Image, ToolCall, ToolResult};
use crate::client::transcript::decision::PermissionDecision;
use crate::client::transcript::fields::{BlockFields, MessageFields, Usage};
use crate::client::transcript::recovery::{records_of, text_of};
use crate::client::transcript::words::typed;

/// What the reader of a conversation is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Who said what, and how each call ended.
    Talk,
    /// Everything, with all texts.
    Everything,
}

/// Which records of a transcript count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voices {
    /// Those of the conversation itself, without agents that older clients wrote into it.
    Main,
    /// Only those of such agents.
    Aside,
    /// All of them, as in an agent's own transcript.
    All,
}

/// A step of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When.
    pub at: Option<Timestamp>,
    /// What the model was given before it said this, in tokens, where that is known and new.
    pub context: Option<u64>,
    /// What happened.
    pub what: What,
}

impl Step {
    /// Returns the client's id of the call, if it is one that has no result.
    pub fn open_call(&self) -> Option<&str> {
        match &self.what {
            What::Called(call) if call.end == CallEnd::Open => Some(&call.id),
            _ => None,
        }
    }
}

/// What happened in a step.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The person asked this.
    Asked(String),
    /// The model said this.
    Answered(String),
    /// The model thought this; empty if its client kept only the signature of it.
    Thought(String),
    /// A tool was called.
    Called(Box<ToolCall>),
    /// What was said before was summed up for the model here.
    Compacted,
    /// The summary.
    Summary(String),
    /// The client wrote this itself.
    Noted {
        /// What it is, in the client's word.
        by: String,
        /// What it says.
        text: String,
    },
    /// An image that the person gave.
    Image(Image),
}

/// Reads a transcript line by line.
pub struct Steps {
    depth: Depth,
    voices: Voices,
    open: Vec<ToolCall>,
    context: u64,
    passed_over: BTreeMap<String, u64>,
    asides: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StepRecord<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    subtype: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(default)]
    is_meta: Option<bool>,
    #[serde(default)]
    is_sidechain: Option<bool>,
    #[serde(default)]
    is_compact_summary: Option<bool>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    attachment: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_use_result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    permission_decision: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Attachment<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    prompt: Option<&'a RawValue>,
}

impl Steps {
    /// Begins to read one.
    pub fn begin(depth: Depth, voices: Voices) -> Steps {
        let (open, passed_over) = (Vec::new(), BTreeMap::new());
        Steps { depth, voices, open, context: 0, passed_over, asides: 0 }
    }

    /// Takes in a line; returns what is known to have happened since the last one.
    pub fn line(&mut self, line: &[u8]) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Ok(record) = serde_json::from_slice::<StepRecord<'_>>(line) {
            self.record(&record, &mut steps);
        } else {
            let salvaged = records_of(line);
            if salvaged.records.is_empty() && !line.trim_ascii().is_empty() {
                self.pass_over("damaged");
            }
            for whole in salvaged.records {
                match serde_json::from_slice::<StepRecord<'_>>(&whole) {
                    Ok(record) => self.record(&record, &mut steps),
                    Err(_) => self.pass_over("damaged"),
                }
            }
        }
        steps
    }

    /// Returns the calls that have no result.
    pub fn finish(&mut self) -> Vec<Step> {
        let open = std::mem::take(&mut self.open);
        open.into_iter().map(|call| Step { at: call.at, context: None, what: called(call) }).collect()
    }

    /// Returns the client's ids of the calls that wait for a result.
    pub fn open_calls(&self) -> impl Iterator<Item = &str> {
        self.open.iter().map(|call| call.id.as_str())
    }

    /// Returns how many records of each kind said nothing that was told.
    pub fn passed_over(&self) -> &BTreeMap<String, u64> {
        &self.passed_over
    }

    /// Returns how many records were of agents that an older client wrote into the conversation.
    pub fn asides(&self) -> u64 {
        self.asides
    }

    fn pass_over(&mut self, kind: &str) {
        if self.depth == Depth::Everything {
            *self.passed_over.entry(kind.chars().take(60).collect()).or_default() += 1;
        }
    }

    fn record(&mut self, record: &StepRecord<'_>, steps: &mut Vec<Step>) {
        let aside = record.is_sidechain == Some(true);
        self.asides += u64::from(aside);
        match self.voices {
            Voices::Main if aside => return,
            Voices::Aside if !aside => return,
            _ => {}
        }
        let at = record.timestamp.as_deref().filter(|_| self.depth == Depth::Everything);
        let mut told = RecordSteps { at: at.and_then(|at| at.parse().ok()), steps: Vec::new() };
        let message = record.message.and_then(read::<MessageFields<'_>>);
        let content = message.as_ref().and_then(|message| message.content);
        match record.kind.as_ref() {
            "user" if record.is_compact_summary == Some(true) => {
                self.all_of(content, What::Summary, &mut told);
            }
            "system" if record.subtype.as_deref() == Some("compact_boundary") => told.add(What::Compacted),
            "user" => self.user(record, content, &mut told),
            "assistant" => {
                let blocks = content.and_then(read::<Vec<BlockFields<'_>>>).unwrap_or_default();
                for block in blocks {
                    // What a tool of the API's own answered stands in the answer itself.
                    if block.tool_use_id.is_some() {
                        self.result(&block, record, &mut told);
                    } else {
                        self.answer(block, &mut told);
                    }
                }
                let usage = message.and_then(|message| message.usage).and_then(read::<Usage>);
                let context = usage.map_or(0, |usage| usage.context());
                if context > 0
                    && context != self.context
                    && let Some(first) = told.steps.first_mut()
                {
                    self.context = context;
                    first.context = Some(context);
                }
            }
            "attachment" => self.attachment(record.attachment, &mut told),
            "system" => {
                let by = record.subtype.as_deref().unwrap_or("system").to_owned();
                self.all_of(record.content, |text| What::Noted { by: by.clone(), text }, &mut told);
                if told.steps.is_empty() {
                    self.pass_over(&format!("system/{by}"));
                }
            }
            kind => self.pass_over(kind),
        }
        steps.append(&mut told.steps);
    }

    fn user(&mut self, record: &StepRecord<'_>, content: Option<&RawValue>, told: &mut RecordSteps) {
        let Some(content) = content else { return };
        let blocks = read::<Vec<BlockFields<'_>>>(content).unwrap_or_default();
        for block in &blocks {
            self.result(block, record, told);
        }
        if let Some(said) = said(content, &blocks) {
            if record.is_meta == Some(true) {
                self.note("note", said, told);
            } else {
                self.asked(&said, told);
            }
        }
        if self.depth == Depth::Everything {
            images(&blocks).for_each(|image| told.add(What::Image(image)));
            let documents = blocks.iter().filter(|block| block.kind == "document");
            documents.for_each(|block| {
                told.add(What::Noted { by: "document".to_owned(), text: document(block) });
            });
        }
    }

    fn attachment(&mut self, attachment: Option<&RawValue>, told: &mut RecordSteps) {
        let Some(record) = attachment else { return };
        let Some(attachment) = read::<Attachment<'_>>(record) else { return };
        match (attachment.kind.as_ref(), attachment.prompt) {
            ("queued_command", Some(prompt)) => {
                let blocks = read::<Vec<BlockFields<'_>>>(prompt).unwrap_or_default();
                if let Some(said) = said(prompt, &blocks) {
                    self.asked(&said, told);
                }
                if self.depth == Depth::Everything {
                    images(&blocks).for_each(|image| told.add(What::Image(image)));
                }
            }
            (kind, _) if self.depth == Depth::Everything => {
                let text = fields_text(record);
                if text.is_empty() {
                    self.pass_over(&format!("attachment/{kind}"));
                } else {
                    told.add(What::Noted { by: kind.to_owned(), text });
                }
            }
            _ => {}
        }
    }

    fn asked(&mut self, said: &str, told: &mut RecordSteps) {
        match typed(said) {
            Some(typed) => {
                // What has no result by now gets none.
                told.steps.extend(self.finish());
                told.add(What::Asked(typed.to_owned()));
            }
            None => self.note(tag_of(said), said.to_owned(), told),
        }
    }

    fn note(&mut self, by: &str, text: String, told: &mut RecordSteps) {
        if self.depth == Depth::Everything && !text.trim().is_empty() {
            told.add(What::Noted { by: by.to_owned(), text });
        }
    }

    /// Tells all the text of something as one step; only where everything is wanted.
    fn all_of(&self, content: Option<&RawValue>, what: impl Fn(String) -> What, told: &mut RecordSteps) {
        let Some(content) = content.filter(|_| self.depth == Depth::Everything) else { return };
        let blocks = read::<Vec<BlockFields<'_>>>(content).unwrap_or_default();
        if let Some(text) = said(content, &blocks).filter(|text| !text.trim().is_empty()) {
            told.add(what(text));
        }
    }

    fn answer(&mut self, block: BlockFields<'_>, told: &mut RecordSteps) {
        match (block.kind.as_ref(), block.text, block.id, block.name) {
            ("text", Some(text), ..) => {
                let said = text_of(text.get()).unwrap_or_default();
                if !said.trim().is_empty() {
                    told.add(What::Answered(said.trim().to_owned()));
                }
            }
            ("thinking" | "redacted_thinking", ..) if self.depth == Depth::Everything => {
                let thought = block.thinking.and_then(|text| text_of(text.get())).unwrap_or_default();
                told.add(What::Thought(thought.trim().to_owned()));
            }
            ("tool_use" | "server_tool_use", _, Some(id), Some(tool)) => {
                let about =
                    block.input.and_then(read::<ToolInput>).map(ToolInput::subject).unwrap_or_default();
                let mut call = ToolCall::new(id.into_owned(), tool.into_owned(), about, told.at);
                if let Some(input) = block.input.filter(|_| self.depth == Depth::Everything) {
                    call.take_input(input);
                }
                self.open.push(call);
            }
            _ => {}
        }
    }

    fn result(
        &mut self,
        block: &BlockFields<'_>,
        record: &StepRecord<'_>,
        told: &mut RecordSteps,
    ) -> Option<()> {
        let id = block.tool_use_id.as_deref()?;
        let Some(at) = self.open.iter().position(|call| call.id == id) else {
            // Its call was before what is kept, or was told without it because a prompt came between.
            self.all_of(block.content, |text| What::Noted { by: "result".to_owned(), text }, told);
            return None;
        };
        let mut call = self.open.remove(at);
        let blocks = block.content.and_then(read::<Vec<BlockFields<'_>>>).unwrap_or_default();
        let mut output = block.content.and_then(|content| said(content, &blocks)).unwrap_or_default();
        call.end = match block.is_error {
            Some(true) => CallEnd::Failed,
            _ => CallEnd::Lines(output.trim().lines().count()),
        };
        if self.depth == Depth::Everything {
            call.ended = told.at;
            let others = others(&blocks);
            let gap = if output.is_empty() || others.is_empty() { "" } else { "\n" };
            output = format!("{output}{gap}{others}");
            call.output = output;
            call.images = images(&blocks).collect();
            if let Some(result) = record.tool_use_result.and_then(read::<ToolResult<'_>>) {
                call.take_result(result);
            }
            let decided = record.permission_decision.and_then(read::<PermissionDecision<'_>>);
            let subject = (call.tool.clone(), call.about.clone());
            call.decision = decided.and_then(|one| one.of_person(subject, record.timestamp.as_deref()));
        }
        told.add(called(call));
        Some(())
    }
}

/// What was told of one record.
struct RecordSteps {
    at: Option<Timestamp>,
    steps: Vec<Step>,
}

impl RecordSteps {
    fn add(&mut self, what: What) {
        self.steps.push(Step { at: self.at, context: None, what });
    }
}

fn called(call: ToolCall) -> What {
    What::Called(Box::new(call))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(voices: Voices, lines: &[&str]) -> (Vec<What>, BTreeMap<String, u64>) {
        let mut steps = Steps::begin(Depth::Everything, voices);
        let mut told: Vec<Step> = lines.iter().flat_map(|line| steps.line(line.as_bytes())).collect();
        told.extend(steps.finish());
        (told.into_iter().map(|step| step.what).collect(), steps.passed_over().clone())
    }

    #[test]
    fn everything_that_was_said_and_done_is_told_and_the_rest_is_counted() {
        let (told, passed) = steps(
            Voices::Main,
            &[
                r#"{"type":"user","isMeta":true,"message":{"content":"Caveat"}}"#,
                r#"{"type":"user","message":{"content":[{"type":"text","text":"look"},{"type":"image","source":{"media_type":"image/png","data":"AAAA"}}]}}"#,
                r#"{"type":"assistant","timestamp":"2026-11-01T10:00:00Z","message":{"usage":{"input_tokens":2,"cache_read_input_tokens":40},"content":[{"type":"thinking","thinking":"hm "},{"type":"tool_use","id":"t1","name":"Edit","input":{"new_string":"b","file_path":"/a","n":1}}]}}"#,
                r#"{"type":"user","timestamp":"2026-11-01T10:00:02Z","toolUseResult":{"structuredPatch":[{"lines":["-a","+b","+c"," d"]}]},"message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"done"}]}}"#,
                r#"{"type":"assistant","isSidechain":true,"message":{"content":[{"type":"text","text":"aside"}]}}"#,
                r#"{"type":"user","isCompactSummary":true,"message":{"content":"So far…"}}"#,
                r#"{"type":"user","message":{"content":"<command-name>/exit</command-name>"}}"#,
                r#"{"type":"system","subtype":"away_summary","content":"You left."}"#,
                r#"{"type":"system","subtype":"turn_duration","durationMs":1}"#,
                r#"{"type":"attachment","attachment":{"type":"skill_listing"}}"#,
                r#"{"type":"attachment","attachment":{"type":"file","filename":"a.txt","content":"whole"}}"#,
                r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"gone","content":"late"}]}}"#,
                r#"{"type":"of next month"}"#,
                "not JSON",
            ],
        );
        let noted = |by: &str, text: &str| What::Noted { by: by.to_owned(), text: text.to_owned() };
        let image = Image { media: "image/png".to_owned(), base64: "AAAA".to_owned() };
        let [first, asked, picture, thought, What::Called(call), rest @ ..] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!(
            [first, asked, picture, thought],
            [
                &noted("note", "Caveat"),
                &What::Asked("look".to_owned()),
                &What::Image(image),
                &What::Thought("hm".to_owned())
            ]
        );
        assert_eq!(call.input[0], ("file_path".to_owned(), "/a".to_owned()));
        assert_eq!(call.input.len(), 3);
        assert_eq!((call.output.as_str(), call.end, call.changed), ("done", CallEnd::Lines(1), Some((2, 1))));
        assert_eq!(call.seconds(), 2);
        assert_eq!(
            rest,
            [
                What::Summary("So far…".to_owned()),
                noted("command-name", "<command-name>/exit</command-name>"),
                noted("away_summary", "You left."),
                noted("file", "filename: a.txt\ncontent: whole\n"),
                noted("result", "late"),
            ]
        );
        let kinds: Vec<&str> = passed.keys().map(String::as_str).collect();
        assert_eq!(kinds, ["attachment/skill_listing", "damaged", "of next month", "system/turn_duration"]);
    }

    #[test]
    fn what_an_older_client_wrote_of_agents_between_is_told_apart() {
        let lines = [
            r#"{"type":"assistant","isSidechain":true,"message":{"content":[{"type":"text","text":"aside"}]}}"#,
            r#"{"type":"assistant","message":{"content":[{"type":"text","text":"main"}]}}"#,
        ];
        let said = |text: &str| What::Answered(text.to_owned());
        assert_eq!(steps(Voices::Main, &lines).0, [said("main")]);
        assert_eq!(steps(Voices::Aside, &lines).0, [said("aside")]);
        assert_eq!(steps(Voices::All, &lines).0, [said("aside"), said("main")]);
    }
}
