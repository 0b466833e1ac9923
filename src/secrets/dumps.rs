//! Encoded texts: base64 over several lines, packed with gzip, bytes in hexadecimal.
//!
//! Each is decoded up to a bound and searched. If it holds a secret, the encoded text is redacted. Text that
//! is packed twice, or encrypted, stays as it is.

use std::io::Read as _;
use std::ops::Range;

use super::views;

/// The most bytes that are unpacked of one text.
const MOST_UNPACKED: u64 = 1 << 20;

/// The longest code that is looked at.
pub(super) const LONGEST: usize = 256 << 10;

/// How dumps of bytes begin: `xxd`, `hexdump`, `od`, `curl --trace`, `xxd -i`.
pub(super) const DUMPS: [&str; 7] =
    ["00000000: ", "00000000  ", "0000000   ", "0000000 ", "000000 ", "0000: ", "  0x"];

/// How a part of a dump may begin that has no numbers: words of names, as `od -An -tx1` and `strace -xx` write them.
pub(super) const BYTES: [&str; 6] = ["pass", "PASS", "secre", "SECRE", "token", "TOKEN"];

/// How many lines before the one that was noticed may belong to a dump.
const BACK: usize = 64;

/// A text that was decoded, and the parts of the code that stand for its bytes.
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    /// The code of the bytes from here on, in order.
    rows: Vec<(usize, Range<usize>)>,
}

impl Decoded {
    /// Returns the code that stands for some bytes.
    pub(super) fn code(&self, span: &Range<usize>) -> Range<usize> {
        let row = |at: usize| self.rows.partition_point(|(from, _)| *from <= at).saturating_sub(1);
        let (first, last) = (row(span.start), row(span.end.saturating_sub(1)));
        let part = |index: usize| self.rows.get(index).map_or(0..0, |(_, code)| code.clone());
        part(first).start..part(last).end
    }
}

/// Returns the base64 around a place, over the ends of lines if it continues there.
pub(super) fn run_over_lines(text: &[u8], at: usize) -> Range<usize> {
    let run = views::base64_run(text, at);
    let (mut start, mut end) = (run.start, run.end);
    let is_line = |from: usize, to: usize| to - from >= 16;
    let line_end = |at: usize| match text.get(at..).unwrap_or_default() {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => 0,
    };
    while end - start < LONGEST && line_end(end) > 0 && text[end - 1] != b'=' && is_line(start, end) {
        let from = end + line_end(end);
        let indent = text[from..].iter().take(16).take_while(|byte| **byte == b' ').count();
        let next = views::base64_run(text, from + indent);
        if next.is_empty() || next.start < from {
            break;
        }
        let goes_on = matches!(text.get(next.end), None | Some(b'\n' | b'\r'));
        if !goes_on {
            break;
        }
        end = next.end;
    }
    while end - start < LONGEST && start >= 2 {
        let indent = text[..start].iter().rev().take(16).take_while(|byte| **byte == b' ').count();
        let Some(line) = text[..start - indent].strip_suffix(b"\n") else { break };
        let line = line.strip_suffix(b"\r").unwrap_or(line).len();
        let before = views::base64_run(text, line.saturating_sub(1));
        let whole = before.end == line && before.len() >= 16 && text[before.end - 1] != b'=';
        let begins = before.start == 0 || b" \n\"'".contains(&text[before.start - 1]);
        if !whole || !begins {
            break;
        }
        start = before.start;
    }
    start..end
}

/// Unpacks what was packed with gzip; as far as it goes.
pub(super) fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b, 8]) {
        return None;
    }
    let mut out = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(MOST_UNPACKED);
    // What came before an error counts.
    let _partly = reader.read_to_end(&mut out);
    (!out.is_empty()).then_some(out)
}

/// Decodes base64 with ends of lines in it, and so many signs before each further line.
pub(super) fn base64_lines(text: &[u8], signs: usize) -> Vec<u8> {
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    let without = |(number, line): (usize, &'_ [u8])| -> Vec<u8> {
        let line = line.trim_ascii();
        line.get(if number == 0 { 0 } else { signs }..).unwrap_or_default().to_vec()
    };
    let joined: Vec<u8> = lines.flat_map(without).collect();
    views::base64(&joined)
}

/// Decodes plain hexadecimal around a place, over the ends of lines.
pub(super) fn plain_hex(text: &[u8], at: usize) -> Option<Decoded> {
    let part = |byte: &&u8| byte.is_ascii_hexdigit() || **byte == b'\n';
    let start = at - text[..at].iter().rev().take(LONGEST).take_while(part).count();
    let end = at + text[at..].iter().take(LONGEST).take_while(part).count();
    let mut decoded = Decoded { bytes: Vec::new(), rows: Vec::new() };
    let mut half = None;
    for (at, byte) in text.iter().enumerate().take(end).skip(start) {
        let Some(digit) = char::from(*byte).to_digit(16) else { continue };
        match half.take() {
            None => half = Some((at, digit)),
            Some((from, high)) => {
                decoded.rows.push((decoded.bytes.len(), from..at + 1));
                decoded.bytes.push(u8::try_from(high * 16 + digit).unwrap_or_default());
            }
        }
    }
    (decoded.bytes.len() >= 16).then_some(decoded)
}

/// Whether what was noticed can be a part of a dump: it begins a line, escaped or not, or is a word in hexadecimal.
pub(super) fn may_begin(text: &[u8], hit: &Range<usize>) -> bool {
    let before = &text[hit.start.saturating_sub(2)..hit.start];
    let begins = before.is_empty() || before.ends_with(b"\n") || before == b"\\n" || before.ends_with(b"\"");
    match text[hit.start] {
        b' ' if text[hit.clone()].ends_with(b"0x") => begins && text.get(hit.end + 2) == Some(&b','),
        b' ' => true,
        _ => begins,
    }
}

/// Decodes a dump around the line of a place: from there on, and the lines before it if they are of the same kind.
pub(super) fn dump(text: &[u8], at: usize) -> Option<Decoded> {
    let mut decoded = Decoded { bytes: Vec::new(), rows: Vec::new() };
    let start = |at: usize| memchr::memrchr(b'\n', &text[..at]).map_or(0, |found| found + 1);
    let mut from = start(at);
    let is_row =
        |from: usize, to: usize| std::str::from_utf8(&text[from..to]).is_ok_and(|line| row(line).is_some());
    for _ in 0..BACK {
        let Some(end) = from.checked_sub(1) else { break };
        let before = start(end);
        if !is_row(before, end) {
            break;
        }
        from = before;
    }
    while from < text.len() && decoded.bytes.len() < LONGEST {
        let end = memchr::memchr(b'\n', &text[from..]).map_or(text.len(), |found| from + found);
        let Some(bytes) = std::str::from_utf8(&text[from..end]).ok().and_then(row) else { break };
        decoded.rows.push((decoded.bytes.len(), from..end));
        decoded.bytes.extend(bytes);
        from = end + 1;
    }
    (decoded.bytes.len() >= 8).then_some(decoded)
}

/// Decodes a line: where it is, then bytes, then perhaps how they look.
fn row(line: &str) -> Option<Vec<u8>> {
    if line.starts_with("  0x") || line.starts_with(' ') {
        return bytes_alone(line);
    }
    let digits = line.bytes().take_while(u8::is_ascii_hexdigit).count();
    let rest = line.get(digits..).filter(|_| digits >= 4)?;
    if let Some(pairs) = rest.strip_prefix(": ") {
        let two = pairs.find("  ").unwrap_or(pairs.len());
        // What curl shows behind the bytes has one blank before it.
        let pairs = if digits == 4 { pairs.get(..48).unwrap_or(pairs) } else { &pairs[..two] };
        let pairs: Vec<&str> = pairs.split(' ').take_while(|pair| digits > 4 || pair.len() == 2).collect();
        return hex(&pairs.concat());
    }
    if digits == 8 && rest.contains('|') {
        return hex(&rest.split('|').next()?.replace(' ', ""));
    }
    let plain = rest.split("  >").next()?;
    let groups: Vec<&str> = plain.split(' ').filter(|group| !group.is_empty()).collect();
    if plain.starts_with(' ') && !plain.starts_with("  ") && !groups.is_empty() {
        let of = |length: usize| groups.iter().all(|group| group.len() == length);
        let code = || hex(&groups.concat());
        // Words of two bytes, the second one first.
        if of(4) {
            return code().map(|bytes| bytes.chunks(2).flat_map(|pair| pair.iter().rev().copied()).collect());
        }
        if of(2)
            && groups.len() >= 2
            && let Some(bytes) = code()
        {
            return Some(bytes);
        }
    }
    if digits < 7 {
        return None;
    }
    // `od -c`: four columns a byte.
    let cells = rest.as_bytes().chunks(4);
    let cell = |cell: &[u8]| match std::str::from_utf8(cell).ok()?.trim() {
        "\\n" => Some(b'\n'),
        "\\t" => Some(b'\t'),
        "\\r" => Some(b'\r'),
        "\\0" => Some(0),
        "" => Some(b' '),
        one if one.len() == 1 => one.bytes().next(),
        code => u8::from_str_radix(code, 8).ok(),
    };
    let bytes: Option<Vec<u8>> = cells.map(cell).collect();
    bytes.filter(|bytes| !bytes.is_empty())
}

/// Decodes a line of bytes without a number before them: ` 70 61 73`, `  0x70, 0x61,`.
fn bytes_alone(line: &str) -> Option<Vec<u8>> {
    let groups = line.split([' ', ',']).filter(|group| !group.is_empty());
    let byte = |group: &str| {
        let digits = group.strip_prefix("0x").unwrap_or(group);
        u8::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 2)
    };
    let bytes: Option<Vec<u8>> = groups.map(byte).collect();
    bytes.filter(|bytes| bytes.len() >= 2)
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(pair).collect();
    bytes.filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_ends_where_something_else_begins() {
        let text = b"00000000: 7061 7373 776f 7264  password\n\xff\xfe\n";
        assert_eq!(dump(text, 0).expect("a dump").bytes, b"password");
    }
}
