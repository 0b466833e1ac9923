//! A conversation for people: what was asked and answered, and the calls of tools between, each with its end.
//!
//! Pure: one line of the transcript after the other. What the client wrote for itself, and what can't be read, is
//! passed over. A call is told when its result is there; one without a result at the end.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::ToolInput;
use crate::client::transcript::fields::{BlockFields, MessageFields};
use crate::client::transcript::recovery::{records_of, text_of};
use crate::client::transcript::words::typed;

/// A step of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// What the person asked.
    Asked(String),
    /// What the model said.
    Answered(String),
    /// A tool that was called.
    Called(Call),
    /// What was said before was summed up for the model here.
    Compacted,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The tool.
    pub tool: String,
    /// Its command, file, address, pattern or description; may be empty.
    pub about: String,
    /// How it ended.
    pub end: CallEnd,
    id: String,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// With so many lines of text.
    Lines(usize),
    /// With an error.
    Failed,
    /// There is no result.
    Open,
}

/// Reads a transcript line by line.
#[derive(Default)]
pub struct Talk {
    of_agent: bool,
    open: Vec<Call>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    subtype: Option<Cow<'a, str>>,
    #[serde(default)]
    is_meta: Option<bool>,
    #[serde(default)]
    is_sidechain: Option<bool>,
    #[serde(default)]
    is_compact_summary: Option<bool>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    attachment: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Queued<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    prompt: &'a RawValue,
}

impl Talk {
    /// Begins one; in an agent's own transcript records of sub-agents count.
    pub fn begin(of_agent: bool) -> Talk {
        Talk { of_agent, open: Vec::new() }
    }

    /// Takes in a line; returns what is known to have happened since the last one.
    pub fn line(&mut self, line: &[u8]) -> Vec<Turn> {
        let mut turns = Vec::new();
        if let Ok(record) = serde_json::from_slice::<Record<'_>>(line) {
            self.record(&record, &mut turns);
        } else {
            for whole in records_of(line).records {
                if let Ok(record) = serde_json::from_slice::<Record<'_>>(&whole) {
                    self.record(&record, &mut turns);
                }
            }
        }
        turns
    }

    /// Returns the calls that have no result.
    pub fn finish(&mut self) -> Vec<Turn> {
        std::mem::take(&mut self.open).into_iter().map(Turn::Called).collect()
    }

    fn record(&mut self, record: &Record<'_>, turns: &mut Vec<Turn>) {
        if record.is_sidechain == Some(true) && !self.of_agent {
            return;
        }
        let message = record.message.and_then(read::<MessageFields<'_>>);
        let content = message.and_then(|message| message.content);
        match record.kind.as_ref() {
            "user" if record.is_compact_summary == Some(true) => {}
            "system" if record.subtype.as_deref() == Some("compact_boundary") => turns.push(Turn::Compacted),
            "user" => {
                let blocks = content.and_then(read::<Vec<BlockFields<'_>>>).unwrap_or_default();
                turns.extend(blocks.iter().filter_map(|block| self.result(block)));
                if record.is_meta != Some(true)
                    && let Some(said) = content.and_then(|content| said(content, &blocks))
                {
                    self.asked(&said, turns);
                }
            }
            "assistant" => {
                for block in content.and_then(read::<Vec<BlockFields<'_>>>).unwrap_or_default() {
                    self.answer(block, turns);
                }
            }
            "attachment" => {
                let queued = record.attachment.and_then(read::<Queued<'_>>);
                if let Some(queued) = queued.filter(|queued| queued.kind == "queued_command") {
                    let blocks = read::<Vec<BlockFields<'_>>>(queued.prompt).unwrap_or_default();
                    if let Some(said) = said(queued.prompt, &blocks) {
                        self.asked(&said, turns);
                    }
                }
            }
            _ => {}
        }
    }

    fn asked(&mut self, said: &str, turns: &mut Vec<Turn>) {
        if let Some(typed) = typed(said) {
            // What has no result by now gets none.
            turns.extend(self.finish());
            turns.push(Turn::Asked(typed.to_owned()));
        }
    }

    fn answer(&mut self, block: BlockFields<'_>, turns: &mut Vec<Turn>) {
        match (block.kind.as_ref(), block.text, block.id, block.name) {
            ("text", Some(text), ..) => {
                let said = text_of(text.get()).unwrap_or_default();
                if !said.trim().is_empty() {
                    turns.push(Turn::Answered(said.trim().to_owned()));
                }
            }
            ("tool_use", _, Some(id), Some(tool)) => {
                let about =
                    block.input.and_then(read::<ToolInput>).map(ToolInput::subject).unwrap_or_default();
                let (id, tool) = (id.into_owned(), tool.into_owned());
                self.open.push(Call { tool, about, end: CallEnd::Open, id });
            }
            _ => {}
        }
    }

    fn result(&mut self, block: &BlockFields<'_>) -> Option<Turn> {
        let id = block.tool_use_id.as_deref()?;
        let at = self.open.iter().position(|call| call.id == id)?;
        let mut call = self.open.remove(at);
        call.end = if block.is_error == Some(true) {
            CallEnd::Failed
        } else {
            let blocks = block.content.and_then(read::<Vec<BlockFields<'_>>>).unwrap_or_default();
            let text = block.content.and_then(|content| said(content, &blocks)).unwrap_or_default();
            CallEnd::Lines(text.trim().lines().count())
        };
        Some(Turn::Called(call))
    }
}

/// Returns a text, or the texts of these blocks, if there is any.
fn said(content: &RawValue, blocks: &[BlockFields<'_>]) -> Option<String> {
    if content.get().starts_with('"') {
        return text_of(content.get());
    }
    let texts = blocks.iter().filter(|block| block.kind == "text");
    let texts: Vec<String> = texts.filter_map(|block| text_of(block.text?.get())).collect();
    Some(texts.join("\n")).filter(|said| !said.is_empty())
}

/// Reads an object or a list; a text is none.
fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    Some(raw.get()).filter(|raw| !raw.starts_with('"')).and_then(|raw| serde_json::from_str(raw).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(lines: &[&str]) -> Vec<Turn> {
        let mut talk = Talk::default();
        let mut turns: Vec<Turn> = lines.iter().flat_map(|line| talk.line(line.as_bytes())).collect();
        turns.extend(talk.finish());
        turns
    }

    fn call(tool: &str, about: &str, end: CallEnd, id: &str) -> Turn {
        Turn::Called(Call { tool: tool.to_owned(), about: about.to_owned(), end, id: id.to_owned() })
    }

    #[test]
    fn prompts_answers_and_calls_are_told_in_their_order() {
        let told = turns(&[
            r#"{"type":"user","isMeta":true,"message":{"content":"Caveat"}}"#,
            r#"{"type":"user","message":{"content":"port \ud83d the api"}}"#,
            r#"{"type":"assistant","message":{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":" Sure. "},{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"make"}},{"type":"tool_use","id":"t2","name":"Read","input":{"file_path":"/a"}}]}}"#,
            r#"{"type":"assistant","isSidechain":true,"message":{"content":[{"type":"text","text":"aside"}]}}"#,
            r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t2","content":[{"type":"text","text":"a\nb"}]}]}}"#,
            r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":"no"}]}}"#,
            "not JSON",
            r#"{"type":"system","subtype":"compact_boundary"}"#,
            r#"{"type":"user","isCompactSummary":true,"message":{"content":"This session…"}}"#,
            r#"{"type":"attachment","attachment":{"type":"queued_command","prompt":"and now"}}"#,
            r#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t3","name":"Glob","input":{"pattern":"*"}}]}}"#,
            r#"{"type":"user","message":{"content":"<command-name>/exit</command-name>"}}"#,
        ]);
        assert_eq!(
            told,
            [
                Turn::Asked("port \u{fffd} the api".to_owned()),
                Turn::Answered("Sure.".to_owned()),
                call("Read", "/a", CallEnd::Lines(2), "t2"),
                call("Bash", "make", CallEnd::Failed, "t1"),
                Turn::Compacted,
                Turn::Asked("and now".to_owned()),
                call("Glob", "*", CallEnd::Open, "t3"),
            ]
        );
    }
}
