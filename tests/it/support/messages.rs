//! What a request's conversation says, without what the client wraps around it anew on every run.

use serde_json::{Value, json};

/// Opens and closes what the client injects into a user message.
const REMINDER: (&str, &str) = ("<system-reminder>", "</system-reminder>");
/// Opens a message that the client writes in the user's place when a background agent ends.
const NOTIFICATION: &str = "<task-notification>";

/// The conversation of a request body, one entry `{"role", "content": BLOCK}` a content block, made comparable between
/// the session that was saved and the one that resumes it.
///
/// Blocks rather than messages, because the client merges neighbouring user blocks (a pending tool result and the next
/// prompt) into one message. What is left out is what the client decides anew for every request:
/// - `cache_control` and `citations` on a block (the cache breakpoint sits on the last block, so it wanders);
/// - a text's form: `"content": "text"` for an old message is `[{"type": "text", ...}]` for the newest one;
/// - messages of role `system` (2.1.329: environment, deferred tools, agent and skill listings; a resume elsewhere adds
///   an "Environment update", a long run adds nudges);
/// - `<system-reminder>...</system-reminder>` in texts and tool results (2.1.149 puts listings and the date into the
///   first user message; 2.1.329 the attribution lines, and wraps its task notifications this way);
/// - blocks that are empty after that;
/// - in the input of `SendMessage`, the repetitions of its fields under other names that the client writes into the
///   transcript (2.1.149 sends them from the second run on).
///
/// Tool calls and tool results stay whole, with their ids.
pub(crate) fn messages_of(body: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    for message in body["messages"].as_array().into_iter().flatten() {
        let role = &message["role"];
        if role == "system" {
            continue;
        }
        for block in blocks(&message["content"]) {
            if let Some(block) = comparable(block) {
                found.push(json!({"role": role, "content": block}));
            }
        }
    }
    found
}

/// The same messages with every `from` replaced by its `to`, in every string at any depth; for comparing a conversation
/// with its copy elsewhere.
pub(crate) fn relocated(messages: &[Value], moves: &[(&str, &str)]) -> Vec<Value> {
    messages.iter().map(|message| replaced(message, moves)).collect()
}

/// Panics, showing the first difference, unless `resumed` starts with all of `saved`.
#[track_caller]
pub(crate) fn assert_continues(saved: &[Value], resumed: &[Value]) {
    for (place, expected) in saved.iter().enumerate() {
        match resumed.get(place) {
            Some(found) if found == expected => {}
            Some(found) => panic!(
                "block {place} of the resumed conversation differs\n saved: {expected}\n found: {found}"
            ),
            None => panic!("the resumed conversation ends before block {place}: {expected}"),
        }
    }
}

/// The text a human typed last, and how many assistant messages there are since.
pub(crate) fn last_prompt(body: &Value) -> (String, usize) {
    let mut prompt = (String::new(), 0);
    for message in body["messages"].as_array().into_iter().flatten() {
        match message["role"].as_str() {
            Some("assistant") => prompt.1 += 1,
            Some("user") => {
                if let Some(text) = human(&message["content"]) {
                    prompt = (text, 0);
                }
            }
            _ => {}
        }
    }
    prompt
}

/// Whether the client asks for the summary that a compaction leaves behind. Such a request carries the conversation and
/// its tools, as if it were its next turn.
pub(crate) fn asks_for_summary(body: &Value) -> bool {
    last_prompt(body).0.contains("Your task is to create a detailed summary of the conversation")
}

/// The result of the tool call with this id in a request body, as one text.
pub(crate) fn tool_result(body: &Value, id: &str) -> Option<String> {
    messages_of(body).iter().map(|message| &message["content"]).find(|block| block["tool_use_id"] == id).map(
        |block| {
            blocks(&block["content"])
                .iter()
                .filter_map(|part| part["text"].as_str())
                .collect::<Vec<_>>()
                .join("\n")
        },
    )
}

/// The result of the newest call of the tool of this name in a request body, as one text.
pub(crate) fn last_result_of(body: &Value, tool: &str) -> Option<String> {
    let messages = messages_of(body);
    let call =
        messages.iter().rev().map(|message| &message["content"]).find(|block| block["name"] == tool)?;
    tool_result(body, call["id"].as_str()?)
}

fn human(content: &Value) -> Option<String> {
    let texts: Vec<String> = blocks(content)
        .iter()
        .filter_map(|block| without_reminders(block["text"].as_str()?))
        .filter(|text| !text.trim_start().starts_with(NOTIFICATION))
        .collect();
    texts.last().map(|text| text.trim().to_owned())
}

fn blocks(content: &Value) -> Vec<Value> {
    match content {
        Value::String(text) => vec![json!({"type": "text", "text": text})],
        Value::Array(blocks) => blocks.clone(),
        _ => Vec::new(),
    }
}

fn comparable(mut block: Value) -> Option<Value> {
    if let Some(fields) = block.as_object_mut() {
        fields.remove("cache_control");
        fields.remove("citations");
    }
    if block["type"] == "text" {
        block["text"] = without_reminders(block["text"].as_str()?)?.into();
    }
    if block["name"] == "SendMessage"
        && let Some(input) = block["input"].as_object_mut()
    {
        for repeated in ["type", "recipient", "recipient_kind", "content"] {
            input.remove(repeated);
        }
    }
    if block["type"] == "tool_result" {
        let parts: Vec<Value> = blocks(&block["content"]).into_iter().filter_map(comparable).collect();
        block["content"] = parts.into();
    }
    Some(block)
}

/// `None` when nothing but white space is left.
fn without_reminders(text: &str) -> Option<String> {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(REMINDER.0) {
        kept.push_str(before);
        rest = after.split_once(REMINDER.1).map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

fn replaced(value: &Value, moves: &[(&str, &str)]) -> Value {
    match value {
        Value::String(text) => {
            moves.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to)).into()
        }
        Value::Array(items) => items.iter().map(|item| replaced(item, moves)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, item)| (name.clone(), replaced(item, moves))).collect()
        }
        other => other.clone(),
    }
}
