//! How a known value may be written, and what of that gives it away: patterns that are quickly looked for.
//!
//! No list of spellings is complete. So most patterns are only a part of the value, which stands in every spelling of it as it
//! is, or a part of it in a code. From there the value is followed (`spelled`), or the code is decoded.

use std::ops::Range;

use super::spelled::Writing;
use super::views;

/// What a pattern that was found stands for.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Noticed {
    /// All of the value.
    Whole,
    /// A part of it.
    Part(Range<usize>, Writing),
    /// A part of it in base64, perhaps in base64 again. The number is how many characters of a group of four are before it.
    Encoded(usize),
}

/// The most of a value that is looked for to find all of it.
const PART: usize = 8;

/// How much is looked for in base64 and in hexadecimal.
const CODED: usize = 6;

/// How many characters are looked for where each is escaped.
const ESCAPED: usize = 2;

/// How many bytes are looked for in a list of numbers.
const NUMBERS: usize = 3;

/// Of longer values, not all spellings are looked for whole: their parts are enough.
const LONG: usize = 128;

/// A backslash, also in a string of JSON, and in one of those in another.
const SLASHES: [&str; 3] = ["\\", "\\\\", "\\\\\\\\"];

/// Returns what to look for, for a value.
pub(super) fn noticed(value: &str) -> Vec<(Vec<u8>, Noticed)> {
    let bytes = value.as_bytes();
    let plain = plain_parts(bytes);
    let whole = if bytes.len() > LONG && !plain.is_empty() { vec![bytes.to_vec()] } else { spellings(value) };
    let mut all: Vec<(Vec<u8>, Noticed)> = whole.into_iter().map(|form| (form, Noticed::Whole)).collect();
    let raw = spread(bytes.len(), CODED);
    for part in if plain.is_empty() { &raw } else { &plain } {
        all.push((bytes[part.clone()].to_vec(), Noticed::Part(part.clone(), Writing::Escaped)));
    }
    // What is escaped and then coded has only its plain parts in the code.
    let is_plain = bytes.iter().all(u8::is_ascii_alphanumeric);
    let plain = plain.iter().filter(|part| part.len() >= 4 && !is_plain);
    for part in raw.iter().chain(plain) {
        for (form, first) in in_base64(&bytes[part.clone()]) {
            for (twice, first) in in_base64(&form) {
                all.push((twice, Noticed::Encoded(first)));
            }
            all.push((form, Noticed::Encoded(first)));
        }
    }
    for part in raw {
        let (lower, upper) =
            (joined(&bytes[part.clone()], "", "", false), joined(&bytes[part.clone()], "", "", true));
        all.extend([lower, upper].map(|form| (form, Noticed::Part(part.clone(), Writing::Hex))));
    }
    for part in spread(bytes.len(), ESCAPED) {
        let forms = in_hexadecimal(&bytes[part.clone()]).into_iter();
        all.extend(forms.map(|form| (form, Noticed::Part(part.clone(), Writing::Hex))));
    }
    for part in spread(bytes.len(), NUMBERS) {
        for form in in_numbers(&bytes[part.clone()]) {
            all.push((form, Noticed::Part(part.clone(), Writing::Decimal)));
        }
    }
    let places: Vec<usize> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
    let last = places.len() - 1;
    for part in [0..last.min(ESCAPED), last.saturating_sub(ESCAPED)..last] {
        let part = places[part.start]..places[part.end];
        let forms = escaped(&value[part.clone()]).into_iter();
        all.extend(forms.map(|form| (form, Noticed::Part(part.clone(), Writing::Escaped))));
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all.dedup();
    all
}

/// Parts of something, each at most so long, from its beginning to its end: so many that the ends of lines of a code are hardly
/// in all of them.
fn spread(length: usize, most: usize) -> Vec<Range<usize>> {
    if length <= most {
        return std::iter::once(0..length).collect();
    }
    let parts = match length / most {
        0..2 => 2,
        2..10 => 3,
        _ => 4,
    };
    (0..parts).map(|index| (length - most) * index / (parts - 1)).map(|start| start..start + most).collect()
}

/// Up to five parts of a value that every program writes as they are: letters and digits of ASCII. The ends of lines are hardly
/// in all of them.
fn plain_parts(value: &[u8]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in value.iter().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    let least = if runs.iter().any(|run| run.len() >= 4) { 4 } else { 3 };
    let (long, mut short): (Vec<_>, Vec<_>) = runs.into_iter().partition(|run| run.len() >= least);
    let parts: Vec<Range<usize>> = long.into_iter().flat_map(in_parts).collect();
    let Some(last) = parts.len().checked_sub(1) else { return Vec::new() };
    if last == 0 {
        short.sort_by_key(ExactSizeIterator::len);
        return parts.into_iter().chain(short.pop().filter(|run| run.len() >= 2)).collect();
    }
    // Some beside each other, as the ends of lines are at equal distances.
    let mut chosen = vec![0, 1, last / 2, last - 1, last];
    chosen.sort_unstable();
    chosen.dedup();
    chosen.into_iter().map(|index| parts[index].clone()).collect()
}

/// Cuts a run into parts of about the same length.
fn in_parts(run: Range<usize>) -> Vec<Range<usize>> {
    let count = if run.len() < 8 { 1 } else { run.len().div_ceil(PART).max(2) };
    let at = |index: usize| run.start + run.len() * index / count;
    (0..count).map(|index| at(index)..at(index + 1)).collect()
}

/// Returns how bytes look in base64 of either alphabet, for each of the three places where they can begin.
fn in_base64(bytes: &[u8]) -> Vec<(Vec<u8>, usize)> {
    let mut all = Vec::new();
    for (form, first) in views::inside_base64(bytes).zip([0, 2, 3]) {
        let web: Vec<u8> = form
            .iter()
            .map(|byte| match byte {
                b'+' => b'-',
                b'/' => b'_',
                _ => *byte,
            })
            .collect();
        all.extend((web != form).then_some((web, first)));
        all.push((form, first));
    }
    all
}

fn joined(bytes: &[u8], before: &str, between: &str, upper: bool) -> Vec<u8> {
    let one = |byte: &u8| if upper { format!("{before}{byte:02X}") } else { format!("{before}{byte:02x}") };
    bytes.iter().map(one).collect::<Vec<_>>().join(between).into_bytes()
}

/// Returns bytes in hexadecimal with something between them.
fn in_hexadecimal(bytes: &[u8]) -> Vec<Vec<u8>> {
    let ways = [("", " "), ("", ":"), ("", "-"), ("0x", ", "), ("0x", ",")];
    ways.iter()
        .flat_map(|(before, between)| [false, true].map(|upper| joined(bytes, before, between, upper)))
        .collect()
}

/// Returns bytes as lists of numbers.
fn in_numbers(bytes: &[u8]) -> Vec<Vec<u8>> {
    let list = |between: &str| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(between);
    let aligned = bytes.iter().map(|byte| format!("{byte:3}")).collect::<Vec<_>>().join(" ");
    let mut all = [", ", ",", " ", "\n"].map(list).to_vec();
    all.push(aligned.trim().to_owned());
    all.into_iter().map(String::into_bytes).collect()
}

/// Returns characters as programs write them if they escape each. Escapes of JSON for ASCII are noticed in all texts.
fn escaped(text: &str) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes();
    let each = |write: &dyn Fn(u32) -> String| text.chars().map(|one| write(one.into())).collect::<String>();
    let mut all = vec![
        each(&|code| format!("&#{code};")).into_bytes(),
        each(&|code| format!("&#x{code:x};")).into_bytes(),
        each(&|code| format!("&#x{code:X};")).into_bytes(),
        each(&|code| format!("&#{code:05};")).into_bytes(),
    ];
    for upper in [false, true] {
        all.push(joined(bytes, "%", "", upper));
        for slashes in SLASHES {
            all.push(joined(bytes, &format!("{slashes}x"), "", upper));
        }
    }
    for slashes in SLASHES {
        all.push(each(&|code| format!("{slashes}U{code:08x}")).into_bytes());
        all.push(bytes.iter().flat_map(|byte| format!("{slashes}{byte:03o}").into_bytes()).collect());
        if !text.is_ascii() {
            all.push(
                text.encode_utf16().flat_map(|unit| format!("{slashes}u{unit:04x}").into_bytes()).collect(),
            );
            all.push(
                text.encode_utf16().flat_map(|unit| format!("{slashes}u{unit:04X}").into_bytes()).collect(),
            );
        }
    }
    all
}

/// Returns how a value is written in texts of the usual kinds, base64 aside; itself first.
pub fn spellings(value: &str) -> Vec<Vec<u8>> {
    let mut all = vec![value.as_bytes().to_vec()];
    let mut add = |form: String| {
        let form = form.into_bytes();
        if !all.contains(&form) {
            all.push(form);
        }
    };
    let quoted = |text: &str| {
        let json = serde_json::to_string(text).unwrap_or_default();
        json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned()
    };
    let once = quoted(value);
    add(quoted(&once));
    add(quoted(&quoted(&once)));
    add(once.replace('/', "\\/"));
    add(quoted(&once.replace('/', "\\/")));
    add(once);
    for lower in [false, true] {
        let percent = |keep: &dyn Fn(u8) -> bool| -> String {
            value
                .bytes()
                .map(|byte| match keep(byte) {
                    true => char::from(byte).to_string(),
                    false if lower => format!("%{byte:02x}"),
                    false => format!("%{byte:02X}"),
                })
                .collect()
        };
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        add(percent(&unreserved));
        add(percent(&|byte| unreserved(byte) || b"!*'()".contains(&byte)));
        add(percent(&|byte| unreserved(byte) || b"/:@!$&'()*+,;=".contains(&byte)));
        add(percent(&unreserved).replace("%20", "+"));
    }
    add(value.replace('\'', r"'\''"));
    add(value.replace('\'', r#"'"'"'"#));
    let special = |c: char| !c.is_ascii_alphanumeric() && c.is_ascii() && !"_-./,:=@%+".contains(c);
    add(value.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect());
    add(value.chars().flat_map(|c| "\"\\$`".contains(c).then_some('\\').into_iter().chain([c])).collect());
    let markup = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    add(markup.replace('"', "&quot;").replace('\'', "&#39;"));
    add(markup);
    add(value.replace('\'', "''"));
    add(value.bytes().map(|byte| format!("{byte:02x}")).collect());
    all
}
