//! The text of a settings file: read as the client reads it, and what can be known of one that is no JSON.
//!
//! Pure. The client reads more than a strict parser: a mark before the text, a number without bounds, half a surrogate pair, lists
//! of any depth.

use serde_json::Value;

use super::transcript::recovery::{mended_text, text_of as string_of};
use crate::base::encoding::text_of;
use crate::json::tolerant;

/// The longest name that is looked for.
const LONGEST_NAME: usize = 200;

/// The longest comment between a name and its value: more would have to be looked through for each sign.
const LONGEST_COMMENT: usize = 200;

/// The longest value that is looked for.
const LONGEST_VALUE: usize = 16 << 10;

/// Reads a settings file as the client does; of what no value can hold (`1e999`, very deep lists) comes `null`. `None` if it is no
/// JSON.
pub(in crate::client) fn value_of(json: &[u8]) -> Option<Value> {
    if let Ok(value) = serde_json::from_slice(json) {
        return Some(value);
    }
    let mended = mended_text(json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json));
    tolerant::value_of(&mended)
}

/// Returns everything in a text that stands where a name has a value, whatever else is wrong with the text: each `name: value`, with
/// any quotes or none, in comments too.
pub(super) fn named_values(bytes: &[u8]) -> Vec<(String, String)> {
    let text = text_of(bytes);
    let mut all = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(':').map(|found| from + found) {
        from = at + 1;
        let Some(name) = name_before(&text[..at]) else { continue };
        let Some((value, end)) = value_behind(&text, at + 1) else { continue };
        all.push((name.to_owned(), value));
        from = end;
    }
    all
}

fn name_before(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_.-$".contains(c);
    let name = match text.chars().next_back()? {
        // Within one line: a quote that stands alone must not cost a look at all of the text.
        quote @ ('"' | '\'') => text[..text.len() - 1].rsplit(['\n', quote]).next()?,
        _ => &text[text.trim_end_matches(is_name).len()..],
    };
    (!name.is_empty() && name.len() <= LONGEST_NAME && !name.contains('\n')).then_some(name)
}

/// Returns the value that begins here, and where it ends. The end of a line ends it too: of a torn one, that is all there is.
fn value_behind(text: &str, at: usize) -> Option<(String, usize)> {
    let mut at = at;
    loop {
        let rest = &text[at..];
        let blanks = rest.len() - rest.trim_start().len();
        match rest.trim_start() {
            rest if rest.starts_with("/*") => at += blanks + comment(rest, b"*/")?,
            rest if rest.starts_with("//") => at += blanks + comment(rest, b"\n")?,
            _ => {
                at += blanks;
                break;
            }
        }
    }
    let rest = &text[at..];
    let quote = rest.chars().next()?;
    if quote != '"' && quote != '\'' {
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_.+-".contains(c))).unwrap_or(rest.len());
        return (end > 0 && end <= LONGEST_VALUE).then(|| (rest[..end].to_owned(), at + end));
    }
    let (mut end, mut escaped) = (rest.len(), false);
    for (place, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' => end = place,
            c if c == quote => end = place,
            _ => continue,
        }
        if end == place {
            break;
        }
    }
    let inside = &rest[1..end];
    let decoded = string_of(&format!("\"{}\"", inside.trim_end_matches('\r')));
    let value = decoded.unwrap_or_else(|| inside.to_owned());
    (inside.len() <= LONGEST_VALUE).then_some((value, at + end))
}

/// How long a comment is, with its end.
fn comment(text: &str, end: &[u8]) -> Option<usize> {
    let head = &text.as_bytes()[..text.len().min(LONGEST_COMMENT)];
    Some(head.windows(end.len()).position(|bytes| bytes == end)? + end.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_client_reads_is_read() {
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        for (text, wanted) in [
            ("{\"a\":[1,\"x\"]}".to_owned(), json!({"a": [1, "x"]})),
            ("\u{feff}{\"a\":1}\r\n".to_owned(), json!({"a": 1})),
            ("{\"n\":1e999,\"a\":[\"x\",1e999]}".to_owned(), json!({"n": null, "a": ["x", null]})),
            (format!("{{\"d\":{deep},\"e\":{{\"f\":\"x\"}}}}"), json!({"d": null, "e": {"f": "x"}})),
            ("{\"h\":\"\\ud800\",\"a\":\"x\"}".to_owned(), json!({"h": "\u{fffd}", "a": "x"})),
            ("{\"a\":1e999,\"a\":\"x\"}".to_owned(), json!({"a": "x"})),
        ] {
            let mut value = value_of(text.as_bytes()).expect("JSON");
            if value["d"].is_array() {
                value["d"] = Value::Null;
            }
            assert_eq!(value, wanted, "{text:.80}");
        }
        for text in ["", "{", "{\"a\":1,}", "// x\n{}", "{'a':1}"] {
            assert_eq!(value_of(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn each_value_with_a_name_is_found_in_a_text_that_is_no_json() {
        for text in [
            "{\"A\": \"x y\",}",
            "{A:'x y'}",
            "{\"A\" : /* why */ \"x y\"",
            "// don't \"\n{\"A\":\n \"x y\"}",
            "// \"A\": \"x y\"",
            "{\"B\":\"C\"\",\"A\":\"x\\u0020y",
            "{\"A\":\"x y\r\n",
        ] {
            let found = named_values(text.as_bytes());
            assert!(found.contains(&("A".to_owned(), "x y".to_owned())), "{text}: {found:?}");
        }
        let found = named_values("{\"A\":12345678901,\"é\":\"ü:\",".as_bytes());
        let wanted = [("A", "12345678901"), ("é", "ü:")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(found, wanted);
    }
}
