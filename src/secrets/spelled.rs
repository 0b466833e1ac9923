//! Reads texts as one value would be written in them: with any of its characters escaped for JSON, XML, a URL, a shell, mail
//! or a table, once or several times, and with ends of lines between them.
//!
//! The value leads. So nothing has to be decoded that might be something else, and nothing is found but this value.

use std::ops::Range;

use super::entities;

/// The longest text that is read for one character.
const LONGEST: usize = 64;

/// The most blanks and signs at the beginning of a line that do not belong to the value.
const LEAD: usize = 16;

/// The most readings of a text that are followed at once.
const MOST: usize = 32;

/// What a piece of text stands for.
#[derive(Clone, Copy)]
enum Unit {
    Byte(u8),
    Char(char),
}

/// How values are written where they are looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    /// As themselves, or escaped.
    Escaped,
    /// Each byte as two hexadecimal digits, with signs or blanks between them.
    Hex,
    /// Each byte as a number, with commas or blanks between them.
    Decimal,
}

/// A reading: how far it is in the text, and how far in the value.
type Reading = (usize, usize);

/// Follows a value around a part of it that was noticed in a text, to both sides; returns where all of it is.
pub(super) fn around(
    text: &[u8],
    noticed: &Range<usize>,
    value: &[u8],
    part: &Range<usize>,
    writing: Writing,
) -> Option<Range<usize>> {
    let mut ends = vec![(noticed.end, part.end)];
    while ends.iter().any(|(_, done)| *done < value.len()) {
        let mut next = Vec::new();
        for reading in ends {
            if reading.1 < value.len() {
                after(text, reading, value, writing, &mut next);
            } else {
                next.push(reading);
            }
        }
        ends = some(next);
    }
    let end = ends.iter().map(|(at, _)| *at).max()?;
    let mut starts = vec![(noticed.start, part.start)];
    while starts.iter().any(|(_, left)| *left > 0) {
        let mut next = Vec::new();
        for reading in starts {
            if reading.1 > 0 {
                before(text, reading, value, writing, &mut next);
            } else {
                next.push(reading);
            }
        }
        starts = some(next);
    }
    let start = starts.iter().map(|(at, _)| *at).min()?;
    Some(start..end)
}

fn some(mut readings: Vec<Reading>) -> Vec<Reading> {
    readings.sort_unstable();
    readings.dedup();
    readings.truncate(MOST);
    readings
}

/// Adds the readings of one more character.
fn after(text: &[u8], (at, done): Reading, value: &[u8], writing: Writing, next: &mut Vec<Reading>) {
    if writing != Writing::Escaped {
        let at = if done == 0 { at } else { skipped(text, at) };
        let read = if writing == Writing::Hex {
            hex(text, at).map(|byte| (byte, at + 2))
        } else {
            decimal(text, at)
        };
        next.extend(read.filter(|(byte, _)| *byte == value[done]).map(|(_, end)| (end, done + 1)));
        return;
    }
    one_after(text, (at, done), value, next);
    if done > 0 {
        line_ends(text, at, &mut |at| one_after(text, (at, done), value, next));
    }
}

fn one_after(text: &[u8], (at, done): Reading, value: &[u8], next: &mut Vec<Reading>) {
    let Some(&byte) = text.get(at) else { return };
    if byte == value[done] || (byte, value[done]) == (b'+', b' ') {
        next.push((at + 1, done + 1));
    }
    if !is_lead(byte) {
        return;
    }
    let mut units = Vec::new();
    escapes(text, byte, at + 1, &mut units);
    let mut index = 0;
    while let Some(&(unit, end)) = units.get(index) {
        let lead = match unit {
            Unit::Byte(byte) => Some(byte).filter(u8::is_ascii),
            Unit::Char(one) => u8::try_from(one).ok().filter(u8::is_ascii),
        };
        // What is escaped may begin an escape.
        if let Some(lead) = lead.filter(|lead| is_lead(*lead) && units.len() < MOST) {
            escapes(text, lead, end, &mut units);
        }
        match unit {
            Unit::Byte(byte) if byte == value[done] => next.push((end, done + 1)),
            Unit::Char(one) => {
                let mut room = [0; 4];
                let one = one.encode_utf8(&mut room).as_bytes();
                if value[done..].starts_with(one) {
                    next.push((end, done + one.len()));
                }
            }
            Unit::Byte(_) => {}
        }
        index += 1;
    }
}

/// Adds the readings of the character before.
fn before(text: &[u8], (at, left): Reading, value: &[u8], writing: Writing, next: &mut Vec<Reading>) {
    if writing == Writing::Hex {
        let at = skipped_back(text, at);
        if at >= 2 && hex(text, at - 2) == Some(value[left - 1]) {
            next.push((at - 2, left - 1));
        }
        return;
    }
    if writing == Writing::Decimal {
        let at = skipped_back(text, at);
        let start = at - text[..at].iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let is_it = decimal(text, start) == Some((value[left - 1], at));
        next.extend(is_it.then_some((start, left - 1)));
        return;
    }
    if at > 0 && (text[at - 1] == value[left - 1] || (text[at - 1], value[left - 1]) == (b'+', b' ')) {
        next.push((at - 1, left - 1));
    }
    let mut read = Vec::new();
    for start in at.saturating_sub(LONGEST)..at {
        if !is_lead(text[start]) && !b"\n\r".contains(&text[start]) {
            continue;
        }
        for length in 1..=left.min(4) {
            read.clear();
            after(text, (start, left - length), value, writing, &mut read);
            if read.contains(&(at, left)) {
                next.push((start, left - length));
            }
        }
    }
}

/// Whether an escape may begin with this byte.
fn is_lead(byte: u8) -> bool {
    matches!(byte, b'\\' | b'&' | b'%' | b'=' | b'$' | b'"' | b'\'')
}

/// Adds what stands at a place behind the sign that begins an escape, with where it ends.
fn escapes(text: &[u8], lead: u8, at: usize, units: &mut Vec<(Unit, usize)>) {
    match lead {
        b'\\' => backslashed(text, at, units),
        b'&' => units.extend(entities::read(text, at).map(|(one, end)| (Unit::Char(one), end))),
        b'%' | b'=' => units.extend(hex(text, at).map(|byte| (Unit::Byte(byte), at + 2))),
        _ => {}
    }
    // Doubled; and a quote sign between single quotes of a shell. In JSON, each of the signs may be escaped.
    let again: &[&[u8]] = match lead {
        b'%' => &[b"%"],
        b'$' => &[b"$"],
        b'"' => &[b"\""],
        b'\'' => &[b"'", b"\\''", b"\"'\"'"],
        _ => &[],
    };
    units.extend(again.iter().filter_map(|signs| Some((Unit::Byte(lead), over(text, at, signs)?))));
}

/// Returns where signs end, each of which may be escaped.
fn over(text: &[u8], mut at: usize, signs: &[u8]) -> Option<usize> {
    for sign in signs {
        let slashes = text.get(at..)?.iter().take_while(|byte| **byte == b'\\').count();
        at += slashes;
        if *sign == b'\\' {
            if slashes == 0 {
                return None;
            }
        } else {
            at = (text.get(at) == Some(sign)).then_some(at + 1)?;
        }
    }
    Some(at)
}

fn backslashed(text: &[u8], at: usize, units: &mut Vec<(Unit, usize)>) {
    let Some(&next) = text.get(at) else { return };
    match next {
        b'x' => {
            if let Some(byte) = hex(text, at + 1) {
                units.push((Unit::Byte(byte), at + 3));
                units.extend((byte >= 0x80).then_some((Unit::Char(char::from(byte)), at + 3)));
            }
        }
        b'u' | b'U' => {
            let Some((code, end)) = code_point(text, at) else { return };
            let pair = || {
                let slashes = text[end..].iter().take_while(|byte| **byte == b'\\').count();
                let (low, end) = code_point(text, end + slashes).filter(|_| slashes > 0)?;
                let units = [u16::try_from(code).ok()?, u16::try_from(low).ok()?];
                Some((char::decode_utf16(units).next()?.ok()?, end))
            };
            let whole = char::from_u32(code).map(|one| (one, end)).or_else(pair);
            units.extend(whole.map(|(one, end)| (Unit::Char(one), end)));
            // What took bytes for characters.
            let byte = u8::try_from(code).ok().filter(|byte| *byte >= 0x80);
            units.extend(byte.map(|byte| (Unit::Byte(byte), end)));
        }
        b'0'..=b'7' => {
            for length in [3, 4] {
                let digits = text.get(at..at + length).and_then(|digits| std::str::from_utf8(digits).ok());
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
                units.extend(byte.map(|byte| (Unit::Byte(byte), at + length)));
            }
        }
        b'n' => units.push((Unit::Byte(b'\n'), at + 1)),
        b't' => units.push((Unit::Byte(b'\t'), at + 1)),
        b'r' => units.push((Unit::Byte(b'\r'), at + 1)),
        _ if !next.is_ascii_alphanumeric() => units.push((Unit::Byte(next), at + 1)),
        _ => {}
    }
}

/// Reads `uXXXX`, `u{X…}` or `UXXXXXXXX`.
fn code_point(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let digits = |from: usize, to: usize| {
        let digits = text.get(from..to).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    match (text.get(at)?, text.get(at + 1)) {
        (b'u', Some(b'{')) => {
            let length = text[at + 2..].iter().take(7).take_while(|byte| byte.is_ascii_hexdigit()).count();
            let end = at + 2 + length;
            (text.get(end) == Some(&b'}')).then(|| digits(at + 2, end).map(|code| (code, end + 1)))?
        }
        (b'u', _) => digits(at + 1, at + 5).map(|code| (code, at + 5)),
        (b'U', _) => digits(at + 1, at + 9).map(|code| (code, at + 9)),
        _ => None,
    }
}

/// Calls `next` with each place where a value may go on after the end of a line: behind indents, quote signs of mails and
/// signs of diffs, which may be characters of the value, too.
fn line_ends(text: &[u8], at: usize, next: &mut dyn FnMut(usize)) {
    let Some(mut end) = line_end(text, at) else { return };
    next(end);
    for byte in text[end..].iter().take(LEAD) {
        if !b" \t>|+".contains(byte) {
            return;
        }
        end += 1;
        next(end);
    }
}

/// Returns where the next line begins: behind an end of a line, escaped or not, and a sign that the line goes on.
fn line_end(text: &[u8], at: usize) -> Option<usize> {
    let slashes =
        |at: usize| text.get(at..).map_or(0, |rest| rest.iter().take_while(|byte| **byte == b'\\').count());
    let of = |at: usize, plain: u8, escaped: u8| match text.get(at)? {
        byte if *byte == plain => Some(at + 1),
        b'\\' => (text.get(at + slashes(at)) == Some(&escaped)).then(|| at + slashes(at) + 1),
        _ => None,
    };
    let end = |at: usize| {
        let at = of(at, b'\r', b'r').unwrap_or(at);
        of(at, b'\n', b'n')
    };
    let goes_on = match text.get(at)? {
        b'=' => end(at + 1),
        b'\\' => end(at + slashes(at)),
        _ => None,
    };
    goes_on.or_else(|| end(at))
}

fn hex(text: &[u8], at: usize) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = text.get(at..at + 2)?;
    u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()
}

/// Reads a number up to 255, and where it ends.
fn decimal(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let length = text.get(at..)?.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    Some((std::str::from_utf8(&text[at..at + length]).ok()?.parse().ok()?, at + length))
}

/// Goes over what stands between two bytes in hexadecimal.
fn skipped(text: &[u8], mut at: usize) -> usize {
    let most = at + LONGEST;
    while at < most {
        at += match text.get(at..).unwrap_or_default() {
            [b' ' | b'\t' | b'\n' | b'\r' | b':' | b',' | b'-', ..] => 1,
            [b'0', b'x' | b'X', ..] | [b'\\', b'n' | b'r' | b't' | b'x', ..] => 2,
            // Escaped more than once.
            [b'\\', b'\\', ..] => 1,
            _ => break,
        };
    }
    at
}

/// The same backwards.
fn skipped_back(text: &[u8], mut at: usize) -> usize {
    let least = at.saturating_sub(LONGEST);
    while at > least {
        at -= match &text[..at] {
            [.., b' ' | b'\t' | b'\n' | b'\r' | b':' | b',' | b'-' | b'\\'] => 1,
            [.., b'0', b'x' | b'X'] | [.., b'\\', b'n' | b'r' | b't' | b'x'] => 2,
            _ => break,
        };
    }
    at
}
