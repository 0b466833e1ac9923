//! Finds the strings of a JSON record that the remap must not touch, or may touch alone.
//!
//! A small scanner over bytes: it knows strings, keys and nesting, and skips everything else. No
//! tree is built and no string is decoded. Invariant: spans are ascending, disjoint, and lie inside
//! the quotes of one string. A torn record yields the spans up to where it is torn; it isn't
//! checked for being valid JSON.

use std::ops::Range;

use memchr::memchr2;

/// A place in a record.
pub(crate) type Span = Range<usize>;

/// Keys whose string values are signed, or are no text.
const PROTECTED_KEYS: [&[u8]; 3] = [b"thinking", b"signature", b"base64"];

/// Objects whose `data` is signed, or is no text, by their `type`.
const PROTECTED_TYPES: [&[u8]; 2] = [b"redacted_thinking", b"base64"];

/// Fields that tell the client where the session is, at the top of a record.
const PLACE_KEYS: [&[u8]; 6] =
    [b"cwd", b"sessionId", b"relocatedCwd", b"planFilePath", b"realParentDir", b"trackingPath"];

/// Those of them that also stand deeper, in records that the model never sees.
const NESTED_PLACE_KEYS: [&[u8]; 3] = [b"relocatedCwd", b"planFilePath", b"realParentDir"];

/// Objects all of whose strings are places.
const PLACE_OBJECTS: [&[u8]; 1] = [b"worktreeSession"];

/// Objects whose keys are places.
const PLACE_KEYED: [&[u8]; 1] = [b"trackedFileBackups"];

/// Top-level fields that are sent to the model, or are shown to the user as what was sent.
const CONVERSATION_KEYS: [&[u8]; 4] = [b"message", b"toolUseResult", b"attachment", b"rendered"];

/// The strings that must never change: signed thinking, and base64 data.
pub(crate) fn protected(record: &[u8]) -> Vec<Span> {
    #[derive(Default)]
    struct Object<'a> {
        key: &'a [u8],
        data: Option<Span>,
        protected: bool,
    }
    let mut spans = Vec::new();
    let mut open: Vec<Object<'_>> = Vec::new();
    for token in tokens(record) {
        match (token, open.last_mut()) {
            (Token::Open, _) => open.push(Object::default()),
            (Token::Close, _) => {
                if let Some(Object { protected: true, data: Some(data), .. }) = open.pop() {
                    spans.push(data);
                }
            }
            (Token::Key(span), Some(object)) => object.key = bytes(record, &span),
            (Token::Text(span), Some(object)) => match object.key {
                b"data" => object.data = Some(span),
                b"type" => object.protected = PROTECTED_TYPES.contains(&bytes(record, &span)),
                key if PROTECTED_KEYS.contains(&key) => spans.push(span),
                _ => {}
            },
            (Token::Key(_) | Token::Text(_), None) => {}
        }
    }
    // Objects still open are torn.
    let torn = open.into_iter().filter(|object| object.protected);
    spans.extend(torn.filter_map(|object| object.data));
    spans.sort_by_key(|span| span.start);
    spans
}

/// The strings that the client needs to find and load a session.
pub(crate) fn places(record: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    // The key under which each open container's current member stands.
    let mut path: Vec<&[u8]> = Vec::new();
    for token in tokens(record) {
        let conversation = path.first().is_some_and(|key| CONVERSATION_KEYS.contains(key));
        match token {
            Token::Open => path.push(b""),
            Token::Close => {
                path.pop();
            }
            Token::Key(span) => {
                if let Some(key) = path.last_mut() {
                    *key = bytes(record, &span);
                }
                let parent = path.len().checked_sub(2).and_then(|at| path.get(at));
                if !conversation && parent.is_some_and(|key| PLACE_KEYED.contains(key)) {
                    spans.push(span);
                }
            }
            Token::Text(span) => {
                let Some((key, parents)) = path.split_last() else { continue };
                let keys = if parents.is_empty() { &PLACE_KEYS[..] } else { &NESTED_PLACE_KEYS[..] };
                let place = keys.contains(key) || parents.iter().any(|parent| PLACE_OBJECTS.contains(parent));
                if place && !conversation {
                    spans.push(span);
                }
            }
        }
    }
    spans
}

fn bytes<'a>(record: &'a [u8], span: &Span) -> &'a [u8] {
    record.get(span.clone()).unwrap_or_default()
}

/// What the scanner sees of a record. Spans leave out the quotes.
pub(crate) enum Token {
    Open,
    Close,
    Key(Span),
    Text(Span),
}

pub(crate) fn tokens(record: &[u8]) -> impl Iterator<Item = Token> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let byte = *record.get(at)?;
            at += 1;
            match byte {
                b'{' | b'[' => return Some(Token::Open),
                b'}' | b']' => return Some(Token::Close),
                b'"' => {
                    let span = at..string_end(record, at);
                    at = span.end + 1;
                    let after = record.get(at..).unwrap_or_default();
                    let next = after.iter().find(|byte| !byte.is_ascii_whitespace());
                    let key = next == Some(&b':');
                    return Some(if key { Token::Key(span) } else { Token::Text(span) });
                }
                _ => {}
            }
        }
    })
}

/// Where the string that begins at `at` ends: at its closing quote, or with the record.
fn string_end(record: &[u8], mut at: usize) -> usize {
    while let Some(found) = record.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if record.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    record.len()
}
