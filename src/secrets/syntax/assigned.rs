//! `name = value` and its like: variables, INI, TOML, YAML, JSON, properties, code, parameters of addresses.

use std::ops::Range;

use super::{Name, OnFound, blank, in_name, line_end, run};
use crate::secrets::judge::Closeness;

/// How far behind a name its value may begin.
const NEAR: usize = 48;

/// How far behind a name other literals of its line are looked at.
const SAME_LINE: usize = 160;

/// The longest value.
const LONGEST: usize = 4 << 10;

/// What ends a value without quotes within a line.
const ENDS: &[u8] = b"&,;)]}\"'`<>|\\({[";

/// Reads the value behind the sign; says whether there was a sign and a secret behind it.
pub(super) fn read(name: &Name<'_>, text: &[u8], found: &mut OnFound<'_>) -> bool {
    if let Some(value) = counted(text, name.span.end).or_else(|| barred(text, name.span.end)) {
        return name.offer(value, Closeness::Firm, found);
    }
    let visibility = visibility(text, name.span.end);
    let from = name.span.end + visibility;
    let closers = run(text, from, 12, |byte| blank(byte) || b"\"'`]*[)\\".contains(&byte));
    let at = from + closers;
    // `Unseal Key 1:`
    let number = run(text, at, 3, |byte| byte.is_ascii_digit());
    let at = if closers == 1 && text.get(at + number) == Some(&b':') { at + number } else { at };
    let begins = name.begins_line();
    let Some(sign) = sign(&text[at.min(text.len())..], begins) else { return false };
    let tight = closers == 0 && text.get(at + sign).is_some_and(|byte| !blank(*byte));
    let at = at + sign;
    let at = at + run(text, at, 2, |byte| b"*".contains(&byte));
    let at = at + run(text, at, NEAR, blank);
    // What was taken out before stands for the value; the next word is another one.
    if is_placeholder(text, at) {
        return true;
    }
    if let Some(span) = literal(text, at).or_else(|| block(text, at)) {
        let taken = name.offer(span, Closeness::Firm, found);
        return literals(name, text, found) || taken;
    }
    if text.get(at) == Some(&b'[') && list(name, text, at + 1, found) {
        return true;
    }
    let tag =
        if text[at.min(text.len())..].starts_with(b"!!") { run(text, at, 12, |byte| byte > b' ') } else { 0 };
    let at = if tag > 0 { at + tag + run(text, at + tag, 4, blank) } else { at };
    // `"NAME=value"`: the value ends where the quotes do.
    let open =
        name.span.start.checked_sub(1).map(|before| text[before]).filter(|byte| b"\"'`".contains(byte));
    if let Some(open) = open.filter(|_| tight) {
        let length = run(text, at, LONGEST, |byte| byte >= b' ' && byte != open);
        let escaped = usize::from(length > 0 && text[at + length - 1] == b'\\');
        if text.get(at + length) == Some(&open)
            && escaped == 0
            && name.offer(at..at + length, Closeness::Firm, found)
        {
            return true;
        }
    }
    let token = run(text, at, LONGEST, |byte| byte > b' ' && byte != 0x7f);
    let short = run(text, at, LONGEST, |byte| byte > b' ' && byte != 0x7f && !ENDS.contains(&byte));
    let trailing = |byte: u8| b",;'\"`.*".contains(&byte);
    let whole = at..at + token - super::run_back(text, at + token, token, trailing);
    let part = at..at + short - super::run_back(text, at + short, short, |byte| byte == b'.');
    // A call, or a member of something: code.
    let next = at + short + run(text, at + short, 8, blank);
    if text.get(next).is_some_and(|byte| b"([".contains(byte)) && !tight {
        return false;
    }
    let alone = run(text, at + token, 200, blank);
    let ends_line = matches!(text.get(at + token + alone), None | Some(b'\n' | b'\r' | b'#'));
    let bond = if tight || begins && ends_line { Closeness::Firm } else { Closeness::Loose };
    // A value that goes on to the end of its line may have any sign in it.
    (begins && name.offer(whole, if tight || ends_line { Closeness::Firm } else { Closeness::Loose }, found))
        || name.offer(part, bond, found)
}

/// Whether a placeholder of ours begins at a place, perhaps behind a quote.
fn is_placeholder(text: &[u8], at: usize) -> bool {
    let quotes = run(text, at, 3, |byte| b"\"'`\\|".contains(&byte));
    text.get(at + quotes..).is_some_and(|rest| rest.starts_with("\u{ab}snap:".as_bytes()))
}

/// A string whose length stands before it: what PHP dumps (`["NAME"]=> string(3) "abc"`) and serializes (`s:3:"abc"`).
fn counted(text: &[u8], end: usize) -> Option<Range<usize>> {
    let rest = text.get(end..text.len().min(end + 160))?;
    let rest = rest.strip_prefix(b"\"")?;
    let at = match rest.strip_prefix(b";s:") {
        Some(_) => 4,
        None => {
            let sign = memchr::memmem::find(rest, b"]=>").filter(|at| {
                *at == 0 || rest[0] == b':' && !rest[..*at].iter().any(u8::is_ascii_whitespace)
            })?;
            1 + sign + 3 + run(rest, sign + 3, 80, |byte| byte.is_ascii_whitespace())
        }
    };
    let at = end + at + text.get(end + at..)?.strip_prefix(b"string(").map_or(0, |_| 7);
    let digits = run(text, at, 5, |byte| byte.is_ascii_digit());
    let length: usize = super::str_of(text, at..at + digits).parse().ok()?;
    let open = at + digits + run(text, at + digits, 2, |byte| b") :".contains(&byte));
    let inside = open + 1..open + 1 + length;
    (text.get(open) == Some(&b'"') && text.get(inside.end) == Some(&b'"')).then_some(inside)
}

/// How long what PHP writes behind a member's name is: `:protected`, `:Class:private`.
fn visibility(text: &[u8], end: usize) -> usize {
    if text.get(end) != Some(&b':') {
        return 0;
    }
    let length = run(text, end, 80, |byte| byte.is_ascii_alphanumeric() || b":_\\".contains(&byte));
    let word = &text[end..end + length];
    let is_end = text.get(end + length) == Some(&b']');
    if is_end && (word.ends_with(b":protected") || word.ends_with(b":private")) { length } else { 0 }
}

/// What fish shows of a variable: `$NAME[1]: |abc|`.
fn barred(text: &[u8], end: usize) -> Option<Range<usize>> {
    let rest = text.get(end..)?;
    let rest = match rest.strip_prefix(b"[") {
        Some(index) => {
            let digits = run(index, 0, 4, |byte| byte.is_ascii_digit());
            index.get(digits..)?.strip_prefix(b"]: |")?
        }
        None => rest.strip_prefix(b": originally inherited as |")?,
    };
    let from = text.len() - rest.len();
    let line = from..line_end(text, from);
    let close = text[line].iter().rposition(|byte| *byte == b'|')?;
    (close > 0).then_some(from..from + close)
}

/// Offers the literals of a list.
fn list(name: &Name<'_>, text: &[u8], mut at: usize, found: &mut OnFound<'_>) -> bool {
    let (end, mut taken) = (at + 2_048, false);
    loop {
        at += run(text, at, 64, |byte| byte.is_ascii_whitespace() || byte == b',');
        let Some(span) = literal(text, at).filter(|span| span.end < end) else { return taken };
        at = span.end + 1;
        taken |= name.offer(span, Closeness::Firm, found);
    }
}

/// The length of a sign that gives a value to a name.
fn sign(text: &[u8], begins_line: bool) -> Option<usize> {
    const SIGNS: [&[u8]; 9] = [b"||=", b"?=", b":=", b"=>", b"+=", b"=", b":", b"->", b"%3D"];
    if text.starts_with(b"==") || text.starts_with(b"::") || text.starts_with(b"=~") {
        return None;
    }
    if begins_line && (text.starts_with(b"|") && !text.starts_with(b"||")) {
        return Some(1);
    }
    if begins_line && text.starts_with("│".as_bytes()) {
        return Some("│".len());
    }
    SIGNS.iter().find(|sign| text.starts_with(sign)).map(|sign| sign.len())
}

/// Returns what is between the quotes of a literal that begins at a place, with the usual prefixes.
pub(in crate::secrets) fn literal(text: &[u8], at: usize) -> Option<Range<usize>> {
    const PREFIXES: [&[u8]; 12] =
        [b"", b"b", b"r", b"u", b"f", b"N", b"L", b"@", b"$", b"!!str ", b"String::from(", b"E"];
    let rest = text.get(at..)?;
    let quoted = |prefix: &&&[u8]| {
        rest.starts_with(prefix) && rest.get(prefix.len()).is_some_and(|byte| b"\"'`".contains(byte))
    };
    let prefix = PREFIXES.iter().find(quoted)?;
    let at = at + prefix.len();
    let quote = text[at];
    if text[at..].starts_with(&[quote; 3]) {
        let from = at + 3 + run(text, at + 3, 8, |byte| b"\r\n ".contains(&byte));
        let end = memchr::memchr(quote, text.get(from..from + LONGEST.min(text.len() - from))?)?;
        let inside = &text[from..from + end];
        return Some(
            from..from + end - inside.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count(),
        );
    }
    let mut end = at + 1;
    while let Some(&byte) = text.get(end).filter(|_| end < at + LONGEST) {
        match byte {
            b'\n' => return None,
            b'\\' => end += 1,
            _ if byte == quote && text.get(end + 1) == Some(&quote) && quote == b'\'' && end > at + 1 => {
                end += 1
            }
            // A shell's way to a quote within quotes.
            _ if byte == quote && text[end..].starts_with(br"'\''") => end += 3,
            _ if byte == quote => return (end > at + 1).then_some(at + 1..end),
            _ => {}
        }
        end += 1;
    }
    None
}

/// Returns the first line of a block of YAML that begins at a place.
fn block(text: &[u8], at: usize) -> Option<Range<usize>> {
    if !matches!(text.get(at), Some(b'|' | b'>')) {
        return None;
    }
    let signs = run(text, at, 4, |byte| b"|>+-0123456789".contains(&byte));
    if text.get(at + signs) != Some(&b'\n') {
        return None;
    }
    let indent = run(text, at + signs + 1, 64, blank);
    let start = at + signs + 1 + indent;
    (indent > 0).then_some(start..line_end(text, start))
}

/// Offers the literals that follow a name in its line: arguments, defaults, values after a type.
pub(super) fn literals(name: &Name<'_>, text: &[u8], found: &mut OnFound<'_>) -> bool {
    let end = line_end(text, name.span.end).min(name.span.end + SAME_LINE);
    // A variable or an option and its value in lines of their own.
    let is_loud = |word: &str| word.contains('_') && !word.bytes().any(|byte| byte.is_ascii_lowercase());
    let is_option = text[..name.span.start].ends_with(b"--");
    let comma = text.get(name.span.end..end).is_some_and(|rest| matches!(rest, b"\"," | b"',"));
    if (is_loud(&name.label) || is_option) && comma {
        let next = end + run(text, end, 80, |byte| byte.is_ascii_whitespace());
        return literal(text, next)
            .filter(|span| !is_loud(super::str_of(text, span.clone())))
            .is_some_and(|span| name.offer(span, Closeness::Firm, found));
    }
    let mut at =
        name.span.end + usize::from(text.get(name.span.end).is_some_and(|byte| b"\"'`".contains(byte)));
    let mut taken = false;
    for _ in 0..6 {
        let Some(quote) =
            text.get(at..end).and_then(|rest| rest.iter().position(|byte| b"\"'`".contains(byte)))
        else {
            break;
        };
        at += quote;
        // The sign, comma or bracket right before it says that it is a value.
        let before = at - super::run_back(text, at, NEAR, blank);
        let given = text[..before].ends_with(b"=")
            || text[..before].ends_with(b"(")
            || text[..before].ends_with(b",")
            || text[..before].ends_with(b"[")
            || text[..before].ends_with(b"||");
        match literal(text, at) {
            Some(span) => {
                at = span.end + 1;
                let next = text.get(at + run(text, at, 4, blank));
                // What has a sign behind it is the next name.
                let is_name = is_loud(&name.label) && is_loud(super::str_of(text, span.clone()));
                if !is_name && !matches!(next, Some(b':')) && !text[at.min(text.len())..].starts_with(b" =>")
                {
                    taken |= name.offer(span, if given { Closeness::Firm } else { Closeness::Loose }, found);
                }
            }
            None => at += 1,
        }
    }
    taken
}

/// Returns the name of a value at `at` from the text before it: `NAME=`, `"NAME": "`.
pub(in crate::secrets) fn name_before(text: &[u8], at: usize) -> Option<String> {
    const LONGEST_NAME: usize = 64;
    let rest = &text[at.saturating_sub(LONGEST_NAME + 16)..at];
    let skip = |rest: &[u8], signs: &[u8]| rest.iter().rev().take_while(|byte| signs.contains(byte)).count();
    let rest = &rest[..rest.len() - skip(rest, b"\"'`\\ ")];
    let signs: [&[u8]; 4] = [b"=>", b":=", b"=", b":"];
    let rest = signs.iter().find_map(|sign| rest.strip_suffix(*sign))?;
    let rest = &rest[..rest.len() - skip(rest, b"\"'`\\ ")];
    let length = rest.iter().rev().take_while(|byte| in_name(**byte) && !b"-.".contains(byte)).count();
    let name = &rest[rest.len() - length..];
    let fine = (3..=LONGEST_NAME).contains(&length)
        && !name[0].is_ascii_digit()
        && name.iter().any(u8::is_ascii_alphabetic);
    fine.then(|| String::from_utf8_lossy(name).into_owned())
}
