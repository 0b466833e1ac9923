//! What one line of a transcript holds: a record, as nearly every line does, or what is left of some.
//!
//! Pure. A line that is one JSON object is taken as it is, whatever it says. Of any other line the whole
//! records are found: glued together, behind a torn one, behind a run of NUL bytes. A record is never
//! put together from pieces, and no part of a torn record is taken for one.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::IgnoredAny;

/// What was wrong with a line, so far as it alone can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Bytes that belong to no whole record: of a torn one, NUL bytes, or anything else.
    Torn {
        /// How many.
        bytes: u64,
    },
    /// Several records on one line: the client reads the first alone.
    Glued {
        /// How many.
        records: u64,
    },
    /// JSON, but no record: a number, a list, `null`.
    NoRecord,
    /// Control characters inside a string, which JSON must escape: the client passes over the line.
    Control,
    /// Bytes that are not UTF-8: the client reads replacement characters.
    NotUtf8,
    /// Half of a surrogate pair, escaped: the client sends a replacement character.
    LoneSurrogate,
}

/// The whole records of one line, in order, and what was wrong with it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::client) struct Salvaged<'a> {
    /// The records, without line ends.
    pub(in crate::client) records: Vec<Cow<'a, [u8]>>,
    /// What was wrong; empty for nearly every line.
    pub(in crate::client) harms: Vec<Harm>,
}

/// Finds the records of a line.
pub(in crate::client) fn records_of(line: &[u8]) -> Salvaged<'_> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Salvaged::default();
    }
    let mut harms = Vec::new();
    if line.starts_with(b"{")
        && let Some(record) = readable(line, &mut harms)
    {
        return Salvaged { records: vec![record], harms };
    }
    if serde_json::from_slice::<IgnoredAny>(line).is_ok() {
        return Salvaged { records: Vec::new(), harms: vec![Harm::NoRecord] };
    }
    taken_apart(line)
}

/// Returns a record as valid JSON in UTF-8, if all that it lacks for that can be mended in place.
fn readable<'a>(record: &'a [u8], harms: &mut Vec<Harm>) -> Option<Cow<'a, [u8]>> {
    let mut mended = Cow::Borrowed(record);
    if std::str::from_utf8(record).is_err() {
        harms.push(Harm::NotUtf8);
        mended = Cow::Owned(String::from_utf8_lossy(record).into_owned().into_bytes());
    }
    if serde_json::from_slice::<IgnoredAny>(&mended).is_err() {
        let escaped = escape_controls(&mended)?;
        serde_json::from_slice::<IgnoredAny>(&escaped).ok()?;
        harms.push(Harm::Control);
        mended = Cow::Owned(escaped);
    }
    if let Some(whole) = without_lone_surrogates(&mended) {
        harms.push(Harm::LoneSurrogate);
        mended = Cow::Owned(whole);
    }
    // What is signed stays as it is, byte for byte: the client reads it in its own way.
    if is_signed(record) && serde_json::from_slice::<IgnoredAny>(record).is_ok() {
        Some(Cow::Borrowed(record))
    } else {
        Some(mended)
    }
}

/// Reads a JSON string, of which half a surrogate pair becomes the replacement character, as in what the client sends.
pub(in crate::client) fn text_of(json: &str) -> Option<String> {
    let read = |json: &[u8]| serde_json::from_slice(json).ok();
    read(json.as_bytes()).or_else(|| without_lone_surrogates(json.as_bytes()).and_then(|json| read(&json)))
}

/// Returns a JSON text as UTF-8, with the replacement character for half a surrogate pair and for what is not UTF-8.
pub(in crate::client) fn mended_text(json: &[u8]) -> String {
    let text = String::from_utf8_lossy(json).into_owned();
    match without_lone_surrogates(text.as_bytes()) {
        Some(whole) => String::from_utf8_lossy(&whole).into_owned(),
        None => text,
    }
}

/// Says whether a record may hold signed thinking.
pub(in crate::client) fn is_signed(record: &[u8]) -> bool {
    [&b"\"signature\""[..], b"thinking\""].iter().any(|mark| find(record, mark, 0).is_some())
}

/// Finds whole records in a line that is not one.
fn taken_apart(line: &[u8]) -> Salvaged<'_> {
    let mut found = Salvaged::default();
    let (mut taken, mut at) = (0, 0);
    while let Some(start) = find(line, b"{\"", at) {
        match record_at(line, start) {
            Some(span) => {
                at = span.end;
                taken += span.len();
                found.records.push(Cow::Borrowed(&line[span]));
            }
            None => at = start + 1,
        }
    }
    let (torn, records) = ((line.len() - taken) as u64, found.records.len() as u64);
    if torn > 0 {
        found.harms.push(Harm::Torn { bytes: torn });
    }
    if records > 1 {
        found.harms.push(Harm::Glued { records });
    }
    found
}

/// Returns the record that begins here, if it is a whole one and no part of another.
fn record_at(line: &[u8], start: usize) -> Option<Range<usize>> {
    /// What every record of a transcript has, and no part of one: a type, and something to name it by.
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        #[serde(rename = "type")]
        _kind: String,
        #[serde(default)]
        uuid: Option<IgnoredAny>,
        #[serde(default)]
        session_id: Option<IgnoredAny>,
        #[serde(default)]
        leaf_uuid: Option<IgnoredAny>,
        #[serde(default)]
        message_id: Option<IgnoredAny>,
    }
    let mut records = serde_json::Deserializer::from_slice(line.get(start..)?).into_iter::<Named>();
    let named = records.next()?.ok()?;
    let end = start + records.byte_offset();
    let is_named = named.uuid.is_some()
        || named.session_id.is_some()
        || named.leaf_uuid.is_some()
        || named.message_id.is_some();
    // A record inside another goes on with a comma or a bracket.
    let is_outermost = matches!(line.get(end), None | Some(b'{' | b'\0' | b' ' | b'\r'));
    let is_text = std::str::from_utf8(&line[start..end]).is_ok();
    (is_named && is_outermost && is_text).then_some(start..end)
}

/// Escapes the control characters inside strings; `None` if there are none.
fn escape_controls(record: &[u8]) -> Option<Vec<u8>> {
    let mut escaped = Vec::with_capacity(record.len() + 16);
    let (mut in_string, mut after_backslash) = (false, false);
    for byte in record {
        match byte {
            0..=0x1f if in_string && !after_backslash => {
                escaped.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
            }
            _ => escaped.push(*byte),
        }
        in_string ^= *byte == b'"' && !after_backslash;
        after_backslash = in_string && *byte == b'\\' && !after_backslash;
    }
    (escaped.len() > record.len()).then_some(escaped)
}

/// Replaces escaped halves of surrogate pairs by the replacement character; `None` if there are none.
fn without_lone_surrogates(record: &[u8]) -> Option<Vec<u8>> {
    let mut whole: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(start) = find(record, b"\\", at) {
        let unit = |at: usize| {
            let digits = record.get(at..at + 6)?.strip_prefix(b"\\u")?;
            u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        };
        at = match unit(start) {
            // Two characters, of which the second may be a backslash.
            None => start + 2,
            Some(0xd800..=0xdbff) if matches!(unit(start + 6), Some(0xdc00..=0xdfff)) => start + 12,
            Some(0xd800..=0xdfff) => {
                whole.get_or_insert_with(|| record.to_vec())[start..start + 6].copy_from_slice(b"\\ufffd");
                start + 6
            }
            Some(_) => start + 6,
        };
    }
    whole
}

fn find(bytes: &[u8], word: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find(bytes.get(from..)?, word).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"type":"user","uuid":"a","message":{"content":[{"type":"text","text":"x"}]}}"#;
    const TWO: &str = r#"{"type":"mode","sessionId":"s","mode":"normal"}"#;

    fn salvaged(line: &[u8]) -> (Vec<String>, Vec<Harm>) {
        let found = records_of(line);
        let text = |record: &Cow<'_, [u8]>| String::from_utf8_lossy(record).into_owned();
        (found.records.iter().map(text).collect(), found.harms)
    }

    #[test]
    fn a_record_is_taken_as_it_is() {
        for line in [ONE, "{}", r#"{"of":"next month"}"#] {
            assert_eq!(salvaged(line.as_bytes()), (vec![line.to_owned()], vec![]));
        }
        let marked = format!("\u{feff}{ONE}\r\n");
        assert_eq!(salvaged(marked.as_bytes()), (vec![ONE.to_owned()], vec![]));
        assert_eq!(salvaged(b"\n"), (vec![], vec![]));
    }

    #[test]
    fn behind_a_record_torn_at_any_byte_the_next_one_is_found_whole() {
        for cut in 1..ONE.len() {
            let line = format!("{}{TWO}\n", &ONE[..cut]);
            let harm = Harm::Torn { bytes: cut as u64 };
            assert_eq!(salvaged(line.as_bytes()), (vec![TWO.to_owned()], vec![harm]), "cut at {cut}");
        }
    }

    #[test]
    fn glued_records_are_separated() {
        let line = format!("{ONE}{TWO}{ONE}\n");
        let all = vec![ONE.to_owned(), TWO.to_owned(), ONE.to_owned()];
        assert_eq!(salvaged(line.as_bytes()), (all, vec![Harm::Glued { records: 3 }]));
    }

    #[test]
    fn nul_bytes_around_a_record_go_and_inside_a_string_they_are_escaped() {
        let around = format!("\0\0\0{ONE}\0\0\n");
        assert_eq!(salvaged(around.as_bytes()), (vec![ONE.to_owned()], vec![Harm::Torn { bytes: 5 }]));
        let inside = ONE.replace("\"x\"", "\"x\0y\"");
        let mended = ONE.replace("\"x\"", "\"x\\u0000y\"");
        assert_eq!(salvaged(inside.as_bytes()), (vec![mended], vec![Harm::Control]));
    }

    #[test]
    fn json_that_is_no_record_is_left_out() {
        for line in ["null", "42", "[1,2]", "\"x\""] {
            assert_eq!(salvaged(line.as_bytes()), (vec![], vec![Harm::NoRecord]));
        }
        assert_eq!(salvaged(b"hello"), (vec![], vec![Harm::Torn { bytes: 5 }]));
    }

    #[test]
    fn text_that_no_reader_takes_becomes_what_the_client_reads_in_it() {
        let half = ONE.replace("\"x\"", r#""\\ud83d \ud83d\ude00 \ud83d""#);
        let mended = ONE.replace("\"x\"", r#""\\ud83d \ud83d\ude00 \ufffd""#);
        assert_eq!(salvaged(half.as_bytes()), (vec![mended], vec![Harm::LoneSurrogate]));
        let at = ONE.rfind('x').expect("the text");
        let bytes = [&ONE.as_bytes()[..at], b"\xff", &ONE.as_bytes()[at + 1..]].concat();
        let mended = ONE.replace("\"x\"", "\"\u{fffd}\"");
        assert_eq!(salvaged(&bytes), (vec![mended], vec![Harm::NotUtf8]));
    }

    #[test]
    fn what_is_signed_is_never_altered() {
        let signed = r#"{"type":"assistant","uuid":"a","message":{"content":[{"type":"thinking","thinking":"\ud83d","signature":"s"}]}}"#;
        assert_eq!(salvaged(signed.as_bytes()), (vec![signed.to_owned()], vec![Harm::LoneSurrogate]));
    }
}
