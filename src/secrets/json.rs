//! The strings of a JSON record: decoded to be searched, and changed in place. Everything else stays, byte
//! for byte.
//!
//! Signatures, base64 data and ids stay as they are. A thinking block is signed and can't be changed at all.
//! If it holds a secret, a text block in its place says that it was left out.

use std::ops::Range;

/// A string of a record.
pub(super) struct JsonString {
    /// Where it is, without its quotes.
    pub(super) span: Range<usize>,
    /// The key it is under, without quotes.
    pub(super) key: Option<Range<usize>>,
    /// The thinking block that it is in, by number.
    pub(super) thinking: Option<usize>,
    /// What it may not be searched for.
    pub(super) exempt: Exempt,
}

/// How far a string is left alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exempt {
    /// Searched for everything.
    No,
    /// An id: only what is surely a vendor's token counts.
    Id,
    /// Signed or binary: never looked at.
    Whole,
}

/// The strings of a record, and where its thinking blocks are.
#[derive(Default)]
pub(super) struct RecordStrings {
    pub(super) texts: Vec<JsonString>,
    pub(super) thinking: Vec<Range<usize>>,
}

/// The text that replaces a thinking block with a secret.
pub(super) const LEFT_OUT: &[u8] =
    br#"{"type":"text","text":"(snap left out a thinking block here: it held a secret)"}"#;

const IDS: &[&[u8]] = &[
    b"uuid",
    b"parentUuid",
    b"logicalParentUuid",
    b"leafUuid",
    b"sessionId",
    b"session_id",
    b"id",
    b"tool_use_id",
    b"toolUseID",
    b"parentToolUseID",
    b"sourceToolAssistantUUID",
    b"requestId",
    b"agentId",
    b"messageId",
    b"promptId",
    b"type",
    b"role",
    b"model",
    b"version",
    b"timestamp",
];

struct Open {
    start: usize,
    key: Option<Range<usize>>,
    kind: Option<Range<usize>>,
    data: Option<usize>,
    first_text: usize,
}

/// Takes a record apart. Whatever is no JSON gives what strings it has.
pub(super) fn read(record: &[u8]) -> RecordStrings {
    let mut read = RecordStrings::default();
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(found) = record[at..].iter().position(|byte| b"{}[]\"".contains(byte)) {
        at += found;
        match record[at] {
            b'{' | b'[' => {
                // An array's elements stand under the key of the array.
                let key = match record[at] {
                    b'[' => open.last().and_then(|open| open.key.clone()),
                    _ => None,
                };
                open.push(Open { start: at, key, kind: None, data: None, first_text: read.texts.len() });
                at += 1;
            }
            b'"' => {
                let end = string_end(record, at + 1);
                let span = at + 1..end;
                at = (end + 1).min(record.len());
                let next = record[at..].iter().find(|byte| !byte.is_ascii_whitespace());
                let is_key = next == Some(&b':');
                let key = open.last().and_then(|open| open.key.clone()).filter(|_| !is_key);
                let name = key.clone().map(|key| &record[key]);
                let exempt = match name {
                    Some(b"signature") => Exempt::Whole,
                    Some(name) if IDS.contains(&name) => Exempt::Id,
                    _ => Exempt::No,
                };
                if let Some(open) = open.last_mut() {
                    match name {
                        Some(b"type") => open.kind = Some(span.clone()),
                        Some(b"data" | b"base64") => open.data = Some(read.texts.len()),
                        _ if is_key => open.key = Some(span.clone()),
                        _ => {}
                    }
                }
                read.texts.push(JsonString { span, key, thinking: None, exempt });
            }
            _ => {
                at += 1;
                if let Some(open) = open.pop() {
                    close(record, &mut read, open, at);
                }
            }
        }
    }
    while let Some(open) = open.pop() {
        close(record, &mut read, open, record.len());
    }
    read
}

fn close(record: &[u8], read: &mut RecordStrings, open: Open, end: usize) {
    let kind = open.kind.map(|kind| &record[kind]);
    if let Some(data) = open.data
        && is_base64(&record[read.texts[data].span.clone()])
    {
        read.texts[data].exempt = Exempt::Whole;
    }
    if matches!(kind, Some(b"thinking" | b"redacted_thinking")) {
        for text in &mut read.texts[open.first_text..] {
            text.thinking = Some(read.thinking.len());
        }
        read.thinking.push(open.start..end);
    }
}

/// Binary data, not a text that happens to be short.
fn is_base64(text: &[u8]) -> bool {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    text.len() >= 512 && text.iter().all(part)
}

fn string_end(record: &[u8], mut at: usize) -> usize {
    while let Some(found) = record.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if record[at] == b'"' {
            return at;
        }
        at += 2;
    }
    record.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_with_their_key_and_their_block() {
        let record = br#"{"uuid":"u","message":{"content":[{"type":"thinking","thinking":"a","signature":"s"},{"type":"text","text":"b\"c"}]},"env":["x"]}"#;
        let read = read(record);
        let shown: Vec<(String, Option<usize>)> = read
            .texts
            .iter()
            .filter(|text| text.exempt == Exempt::No && text.key.is_some())
            .map(|text| {
                let part = |span: &Range<usize>| String::from_utf8_lossy(&record[span.clone()]).into_owned();
                (
                    format!("{}={}", part(text.key.as_ref().unwrap_or(&(0..0))), part(&text.span)),
                    text.thinking,
                )
            })
            .collect();
        let expected = [("thinking=a", Some(0)), (r#"text=b\"c"#, None), ("env=x", None)];
        assert_eq!(shown, expected.map(|(text, block)| (text.to_owned(), block)));
        assert!(record[read.thinking[0].clone()].starts_with(br#"{"type":"thinking""#));
        assert!(record[read.thinking[0].clone()].ends_with(br#""signature":"s"}"#));
    }
}
