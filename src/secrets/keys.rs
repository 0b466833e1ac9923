//! Private keys in every form: PEM with any line prefix and cut at either end, JWK, PuTTY, the output of
//! openssl.

use std::ops::Range;

/// The longest key, with everything around its lines.
pub(super) const LONGEST: usize = 24_000;

/// How a key begins or ends, and how it is read.
pub(super) const MARKS: [(&str, Form); 24] = [
    ("-----BEGIN ", Form::Begins),
    ("-----END ", Form::Ends),
    ("\"kty\"", Form::Jwk),
    ("\\\"kty\\\"", Form::Jwk),
    ("Private-Lines: ", Form::Lines),
    ("priv:\n", Form::Printed),
    ("priv:\\n", Form::Printed),
    ("privateExponent:", Form::Printed),
    ("prime1:", Form::Printed),
    ("prime2:", Form::Printed),
    ("exponent1:", Form::Printed),
    ("exponent2:", Form::Printed),
    ("coefficient:", Form::Printed),
    ("INTEGER           :0", Form::Parsed),
    ("b3BlbnNzaC1rZXktdjE", Form::Bare),
    ("IBADANBgkqhkiG9w0BAQEFAASC", Form::Bare),
    ("IBAAKBgQ", Form::Bare),
    ("MIGkAgEBBDB", Form::Bare),
    ("MIG2AgEAMBAGBy", Form::Bare),
    ("IBAAKCAQ", Form::Bare),
    ("IBAAKCAg", Form::Bare),
    ("MHcCAQEEI", Form::Bare),
    ("MIGHAgEAMBMG", Form::Bare),
    ("MC4CAQAwBQYDK2V", Form::Bare),
];

/// How a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// PEM, from its first line on.
    Begins,
    /// PEM, of which the beginning may be gone.
    Ends,
    /// A JSON object of numbers.
    Jwk,
    /// Lines of base64 that are counted.
    Lines,
    /// Bytes with colons between them.
    Printed,
    /// What `openssl asn1parse` shows.
    Parsed,
    /// Base64 that begins as that of a key does, without the lines around it.
    Bare,
}

/// Calls `found` with the parts of the key that is marked at a place.
pub(super) fn read(text: &[u8], mark: &Range<usize>, form: Form, found: &mut dyn FnMut(Range<usize>)) {
    match form {
        Form::Begins => {
            if let Some(header) = title(text, mark.end)
                && let Some(end) = body(text, header)
            {
                found(mark.start..end);
            }
        }
        Form::Ends => {
            if let Some(end) = title(text, mark.end)
                && let Some(start) = body_before(text, mark.start)
            {
                found(start..end);
            }
        }
        Form::Jwk => members(text, mark, found),
        Form::Lines => {
            if let Some(end) = body(text, mark.end) {
                found(mark.end..end);
            }
        }
        Form::Parsed => parsed(text, mark.end, found),
        Form::Bare => {
            let start =
                mark.start - text[..mark.start].iter().rev().take_while(|byte| in_base64(**byte)).count();
            // Within the lines around it, it goes with them.
            let before = &text[start.saturating_sub(40)..start];
            if mark.start - start <= 12 && memchr::memmem::find(before, b"-----").is_none() {
                let end = body(text, start).unwrap_or(start);
                if end - start >= 60 {
                    found(start..end);
                }
            }
        }
        Form::Printed => {
            let hex = |byte: &u8| byte.is_ascii_hexdigit() || b": \n\r\t\\".contains(byte);
            let length = text[mark.end..].iter().take(LONGEST).take_while(|byte| hex(byte)).count();
            let digits =
                text[mark.end..mark.end + length].iter().filter(|byte| byte.is_ascii_hexdigit()).count();
            if digits >= 32 {
                let lines = &text[mark.end..mark.end + length];
                let last =
                    lines.iter().rposition(|byte| *byte == b':').map_or(length, |at| (at + 3).min(length));
                found(mark.end..mark.end + last.max(1));
            }
        }
    }
}

/// Returns where the title of a private key ends: behind its dashes.
pub(super) fn title(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..text.len().min(at + 64))?;
    let dashes = memchr::memmem::find(rest, b"-----")?;
    let title = &rest[..dashes];
    let is_private = title.ends_with(b"PRIVATE KEY")
        || title.ends_with(b"PRIVATE KEY BLOCK")
        || title.ends_with(b"Static key V1")
        || title.ends_with(b"tls-crypt-v2 client key")
        || title.ends_with(b" server key");
    is_private.then_some(at + dashes + 5)
}

fn in_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

/// Follows lines of base64, whatever their prefixes. Returns where the last one, or the title after it,
/// ends.
fn body(text: &[u8], from: usize) -> Option<usize> {
    let most = text.len().min(from + LONGEST);
    let (mut at, mut last, mut width, mut total) = (from, from, None, 0);
    while at < most {
        if text[at..].starts_with(b"-----END ") {
            let end = title(text, at + 9).unwrap_or(at);
            return (total >= 30).then_some(end);
        }
        let run = text[at..most].iter().take_while(|byte| in_base64(**byte)).count();
        if run < 16 {
            // Numbers of lines, quotes, a header of the key; not another text.
            let junk = if width.is_none() { 160 } else { 64 };
            at += run.max(1);
            if at > last + junk {
                break;
            }
            continue;
        }
        if total == 0 && !begins_soon(&text[from..at]) {
            return None;
        }
        let fits = width.is_none_or(|width: usize| run <= width + 2);
        if !fits {
            break;
        }
        total += run;
        at += run;
        last = at;
        let header = text[..at - run].ends_with(b",") || text[..at - run].ends_with(b"-");
        width = width.or_else(|| (!header).then_some(run));
        if width.is_some_and(|width| run + 2 < width) && !ends_soon(text, at) {
            break;
        }
    }
    (total >= 30).then_some(last)
}

/// Whether there is nothing between the title and the key except the end of a line, a line prefix, and
/// headers of keys.
fn begins_soon(between: &[u8]) -> bool {
    let letters = between.iter().filter(|byte| byte.is_ascii_alphabetic() && !b"nrt".contains(byte)).count();
    letters == 0
        || [b"Proc-Type".as_slice(), b"Version:", b"Comment:", b"DEK-Info", b"string("]
            .iter()
            .any(|header| memchr::memmem::find(between, header).is_some())
}

/// Whether the end of a key follows, or the line after this one may still be its checksum.
fn ends_soon(text: &[u8], at: usize) -> bool {
    memchr::memmem::find(&text[at..text.len().min(at + 48)], b"-----END").is_some()
}

/// Follows lines of base64 backwards from the end of a key; none if the beginning is there too.
fn body_before(text: &[u8], end: usize) -> Option<usize> {
    let least = end.saturating_sub(LONGEST);
    let (mut at, mut first, mut width, mut total, mut count) = (end, end, None, 0, 0);
    while at > least {
        if text[..at].ends_with(b"-----") {
            let begins = memchr::memmem::rfind(&text[at.saturating_sub(64)..at], b"-----BEGIN ");
            return begins.map_or((total >= 30).then_some(first), |_| None);
        }
        let run = text[least..at].iter().rev().take_while(|byte| in_base64(**byte)).count();
        if run < 16 && count > 0 || run == 0 {
            at -= run.max(1);
            if at + 64 < first {
                break;
            }
            continue;
        }
        // The last line may be short; those before it are as long as each other.
        if count >= 2 && width.is_some_and(|width: usize| run + 2 < width || run > width + 2) {
            break;
        }
        count += 1;
        total += run;
        at -= run;
        first = at;
        if count == 2 {
            width = Some(run);
        }
    }
    (total >= 30).then_some(first)
}

/// The numbers of a key in the lines from its version on.
fn parsed(text: &[u8], from: usize, found: &mut dyn FnMut(Range<usize>)) {
    let mut at = memchr::memchr(b'\n', &text[from..]).map_or(text.len(), |end| from + end + 1);
    while at < text.len().min(from + LONGEST) {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end);
        let line = &text[at..end];
        if memchr::memmem::find(line, b"prim: ").or(memchr::memmem::find(line, b"cons: ")).is_none() {
            return;
        }
        let digits = line.iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits >= 32 && line[..line.len() - digits].ends_with(b":") {
            found(end - digits..end);
        }
        at = end + 1;
    }
}

/// The private members of a JSON Web Key around its `kty`.
fn members(text: &[u8], mark: &Range<usize>, found: &mut dyn FnMut(Range<usize>)) {
    const PRIVATE: [&[u8]; 7] = [b"d", b"p", b"q", b"dp", b"dq", b"qi", b"k"];
    let from = mark.start.saturating_sub(4_096);
    let start = text[from..mark.start].iter().rposition(|byte| *byte == b'{').map_or(from, |at| from + at);
    let most = text.len().min(mark.end + 8_192);
    let end = text[mark.end..most].iter().position(|byte| *byte == b'}').map_or(most, |at| mark.end + at);
    let mut at = start;
    while let Some(quote) = text.get(at..end).and_then(|rest| memchr::memchr(b'"', rest)) {
        let key = at + quote + 1;
        let length = text[key..end].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        at = key + length + 1;
        if !PRIVATE.contains(&&text[key..key + length]) || text.get(key + length) != Some(&b'"') {
            continue;
        }
        let skip = text[at.min(end)..end].iter().take_while(|byte| b": \t\n\r\"".contains(byte)).count();
        let value = at + skip;
        let long = text[value.min(end)..end]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-+/=".contains(byte))
            .count();
        if long >= 20 && skip >= 2 {
            found(value..value + long);
            at = value + long + 1;
        }
    }
}
