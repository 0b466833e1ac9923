//! What the real API refuses, so far as it is documented or was reported: for a stand-in that refuses it too.

use std::collections::BTreeSet;

use data_encoding::BASE64;
use serde_json::{Value, json};

const MOST_IMAGES: usize = 100;
const LARGEST_IMAGE: usize = 5 << 20;
const LARGEST_REQUEST: usize = 32 << 20;

/// Why a request would be refused, in the API's own words; `None` if it would not.
pub(crate) fn refusal(raw: &[u8]) -> Option<String> {
    if raw.len() > LARGEST_REQUEST {
        return Some("Request exceeds the maximum size".to_owned());
    }
    let Ok(body) = serde_json::from_slice::<Value>(raw) else {
        return Some("The request body is not valid JSON: no low surrogate in string".to_owned());
    };
    check(&body).err()
}

fn check(body: &Value) -> Result<(), String> {
    let all = body["messages"].as_array().ok_or("messages: Field required")?;
    let messages = joined(all);
    let messages: Vec<&Value> = messages.iter().collect();
    if messages.first().is_none_or(|first| first["role"] != "user") {
        return Err("messages: first message must use the \"user\" role".to_owned());
    }
    if messages.last().is_none_or(|last| last["role"] != "user") {
        return Err("the conversation must end with a user message".to_owned());
    }
    let mut calls: BTreeSet<&str> = BTreeSet::new();
    for (number, message) in messages.iter().enumerate() {
        let place = format!("messages.{number}");
        let content = blocks(message);
        if content.is_empty() {
            return Err(format!("{place}: user messages must have non-empty content"));
        }
        for (at, block) in content.iter().enumerate() {
            check_block(block, &format!("{place}.content.{at}"))?;
        }
        check_calls(&messages, number, &mut calls, &place)?;
        let is_thinking = |block: &Value| block["type"] == "thinking" || block["type"] == "redacted_thinking";
        if message["role"] == "assistant" && content.last().is_some_and(is_thinking) {
            return Err(format!("{place}: The final block in an assistant message cannot be `thinking`."));
        }
    }
    check_images(&messages)
}

/// The turns: what the client says in between is none of either side, and neighbours of one role are one, as for the API.
fn joined(all: &[Value]) -> Vec<Value> {
    let mut turns: Vec<Value> = Vec::new();
    for message in all.iter().filter(|message| message["role"] != "system") {
        let content = match &message["content"] {
            Value::String(text) => vec![json!({"type": "text", "text": text})],
            other => other.as_array().cloned().unwrap_or_default(),
        };
        match turns.last_mut().filter(|turn| turn["role"] == message["role"]) {
            Some(turn) => {
                let together: Vec<Value> = blocks(turn).into_iter().chain(content).collect();
                turn["content"] = together.into();
            }
            None => turns.push(json!({"role": message["role"], "content": content})),
        }
    }
    turns
}

fn is_id(id: &Value) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    id.as_str().is_some_and(|id| !id.is_empty() && id.chars().all(fits))
}

fn check_block(block: &Value, place: &str) -> Result<(), String> {
    let is_empty = |field: &str| block[field].as_str().is_none_or(|text| text.trim().is_empty());
    match block["type"].as_str().unwrap_or_default() {
        "text" if is_empty("text") => Err("messages: text content blocks must be non-empty".to_owned()),
        "thinking" if is_empty("signature") => {
            Err(format!("{place}: Invalid `signature` in `thinking` block"))
        }
        "redacted_thinking" if is_empty("data") => {
            Err(format!("{place}: Invalid `data` in `redacted_thinking` block"))
        }
        "tool_use" if !is_id(&block["id"]) => {
            Err(format!("{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"))
        }
        "tool_result" if !is_id(&block["tool_use_id"]) => {
            Err(format!("{place}.tool_result.tool_use_id: String should match pattern '^[a-zA-Z0-9_-]+$'"))
        }
        "tool_use" if !block["input"].is_object() => {
            Err(format!("{place}.tool_use.input: Input should be a valid dictionary"))
        }
        "document" if block["source"]["type"] == "base64" => {
            let start = bytes(block);
            if start.starts_with(b"%PDF-") {
                Ok(())
            } else {
                Err(format!("{place}: The PDF specified was not valid"))
            }
        }
        "text" | "thinking" | "redacted_thinking" | "tool_use" | "tool_result" | "image" | "document" => {
            Ok(())
        }
        other => Err(format!("{place}: Input tag '{other}' does not match any of the expected tags")),
    }
}

fn check_calls<'a>(
    messages: &[&'a Value],
    number: usize,
    calls: &mut BTreeSet<&'a str>,
    place: &str,
) -> Result<(), String> {
    let of = |message: Option<&&'a Value>, kind: &str, field: &str| -> Vec<&'a str> {
        let message: Option<&'a Value> = message.copied();
        let blocks = message.and_then(|message| message["content"].as_array()).into_iter().flatten();
        blocks.filter(|block| block["type"] == kind).filter_map(|block| block[field].as_str()).collect()
    };
    let here = messages.get(number);
    let made = of(here, "tool_use", "id");
    let answered = of(messages.get(number + 1), "tool_result", "tool_use_id");
    for call in made {
        if !calls.insert(call) {
            return Err(format!("{place}: `tool_use` ids must be unique"));
        }
        match answered.iter().filter(|answer| **answer == call).count() {
            1 => {}
            0 => {
                return Err(format!(
                    "{place}: `tool_use` ids were found without `tool_result` blocks immediately after: {call}"
                ));
            }
            _ => return Err(format!("{place}: each tool_use must have a single result")),
        }
    }
    let before = of(number.checked_sub(1).and_then(|before| messages.get(before)), "tool_use", "id");
    let answers = of(here, "tool_result", "tool_use_id");
    if let Some(stray) = answers.iter().find(|answer| !before.contains(answer)) {
        return Err(format!("{place}: unexpected `tool_use_id` found in `tool_result` blocks: {stray}"));
    }
    Ok(())
}

fn check_images(messages: &[&Value]) -> Result<(), String> {
    let mut images: Vec<Value> = Vec::new();
    for block in messages.iter().flat_map(|message| blocks(message)) {
        images.extend(blocks(&block).into_iter().filter(|inner| inner["type"] == "image"));
        images.extend((block["type"] == "image").then_some(block));
    }
    if images.len() > MOST_IMAGES {
        return Err(format!("Too many images: {} > {MOST_IMAGES}", images.len()));
    }
    let longest = if images.len() > 20 { 2_000 } else { 8_000 };
    for image in &images {
        let data = image["source"]["data"].as_str().unwrap_or_default();
        if data.len() > LARGEST_IMAGE {
            return Err("image exceeds 5 MB maximum".to_owned());
        }
        let bytes = bytes(image);
        let side =
            |at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_be_bytes);
        if !bytes.starts_with(b"\x89PNG") {
            return Err("Could not process image".to_owned());
        }
        if image["source"]["media_type"] != "image/png" {
            return Err("Image does not match the provided media type".to_owned());
        }
        if [side(16), side(20)].into_iter().flatten().any(|side| side > longest) {
            return Err(format!(
                "At least one of the image dimensions exceed max allowed size: {longest} pixels"
            ));
        }
    }
    Ok(())
}

fn blocks(of: &Value) -> Vec<Value> {
    of["content"].as_array().cloned().unwrap_or_default()
}

fn bytes(block: &Value) -> Vec<u8> {
    BASE64.decode(block["source"]["data"].as_str().unwrap_or_default().as_bytes()).unwrap_or_default()
}
