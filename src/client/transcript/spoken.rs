//! Whether a person ever said anything in a session: one that was only opened can't be resumed.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::base::error::Result;
use crate::client::Lines;

/// What the client writes for its own commands, as if the person had said it.
const COMMANDS: [&str; 5] =
    ["<command-name>", "<command-message>", "<local-command-", "<bash-stdout>", "Caveat: The messages below"];

/// Says whether a transcript holds a message of the person's; reads no further than to the first.
///
/// # Errors
/// What the disk says.
pub fn was_spoken_to(transcript: &Path) -> Result<bool> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RecordMessage {
        #[serde(default, rename = "type")]
        kind: String,
        #[serde(default)]
        is_meta: bool,
        #[serde(default)]
        message: Value,
    }
    // The client makes it with the first answer.
    if matches!(transcript.try_exists(), Ok(false)) {
        return Ok(false);
    }
    let mut lines = Lines::open(transcript)?;
    while let Some(line) = lines.next_line()? {
        // One that can't be read is no reason to lose the rest.
        let Ok(record) = serde_json::from_slice::<RecordMessage>(line) else { continue };
        if record.kind == "user" && !record.is_meta && is_said(&record.message["content"]) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Says whether the client wrote this text for a command of its own.
pub fn is_command(text: &str) -> bool {
    COMMANDS.iter().any(|mark| text.trim_start().starts_with(mark))
}

fn is_said(content: &Value) -> bool {
    let said = |text: &str| !is_command(text);
    match content {
        Value::String(text) => said(text),
        Value::Array(parts) => parts.iter().any(|part| match part["type"].as_str() {
            Some("text") => part["text"].as_str().is_some_and(said),
            other => other.is_some_and(|kind| kind != "tool_result"),
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_person_said_is_a_message() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("x.jsonl");
        assert_eq!(was_spoken_to(&path).ok(), Some(false), "one that is not there yet");
        let user = |content: &str| format!("{{\"type\":\"user\",\"message\":{{\"content\":{content}}}}}\n");
        for (records, wanted) in [
            (String::new(), false),
            ("{\"type\":\"mode\"}\nnonsense\n".to_owned(), false),
            (user("\"hello\""), true),
            (user("[{\"type\":\"text\",\"text\":\"hello\"}]"), true),
            (user("[{\"type\":\"image\"}]"), true),
            (user("[{\"type\":\"tool_result\"}]"), false),
            (user("\"<command-name>/exit</command-name>\""), false),
            (user("\"<local-command-stdout>bye</local-command-stdout>\""), false),
            (user("\"<command-name>/exit</command-name>\"") + &user("\"and then\""), true),
            ("{\"type\":\"user\",\"isMeta\":true,\"message\":{\"content\":\"x\"}}\n".to_owned(), false),
            ("{\"type\":\"assistant\",\"message\":{\"content\":\"x\"}}\n".to_owned(), false),
        ] {
            std::fs::write(&path, &records).expect("written");
            assert_eq!(was_spoken_to(&path).expect("read"), wanted, "{records}");
        }
    }
}
