//! A conversation for people: what was asked and answered, and the calls of tools between, each with its end.
//!
//! Pure: one line of the transcript after the other. What the client wrote for itself, and what can't be read, is
//! passed over. `steps.rs` reads the records.

use crate::client::transcript::steps::{Depth, Step, Steps, Voices, What};

pub use crate::client::transcript::call::CallEnd;

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
}

/// Reads a transcript line by line.
pub struct Talk(Steps);

impl Talk {
    /// Begins one; in an agent's own transcript records of sub-agents count.
    pub fn begin(of_agent: bool) -> Talk {
        let voices = if of_agent { Voices::All } else { Voices::Main };
        Talk(Steps::begin(Depth::Talk, voices))
    }

    /// Takes in a line; returns what is known to have happened since the last one.
    pub fn line(&mut self, line: &[u8]) -> Vec<Turn> {
        self.0.line(line).into_iter().filter_map(turn).collect()
    }

    /// Returns the calls that have no result.
    pub fn finish(&mut self) -> Vec<Turn> {
        self.0.finish().into_iter().filter_map(turn).collect()
    }
}

fn turn(step: Step) -> Option<Turn> {
    match step.what {
        What::Asked(said) => Some(Turn::Asked(said)),
        What::Answered(said) => Some(Turn::Answered(said)),
        What::Called(call) => Some(Turn::Called(Call { tool: call.tool, about: call.about, end: call.end })),
        What::Compacted => Some(Turn::Compacted),
        What::Thought(_) | What::Summary(_) | What::Noted { .. } | What::Image(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(lines: &[&str]) -> Vec<Turn> {
        let mut talk = Talk::begin(false);
        let mut turns: Vec<Turn> = lines.iter().flat_map(|line| talk.line(line.as_bytes())).collect();
        turns.extend(talk.finish());
        turns
    }

    fn call(tool: &str, about: &str, end: CallEnd) -> Turn {
        Turn::Called(Call { tool: tool.to_owned(), about: about.to_owned(), end })
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
                call("Read", "/a", CallEnd::Lines(2)),
                call("Bash", "make", CallEnd::Failed),
                Turn::Compacted,
                Turn::Asked("and now".to_owned()),
                call("Glob", "*", CallEnd::Open),
            ]
        );
    }
}
