//! A value on a line of its own, or at the end of one: below a prompt whose command names it, below or
//! behind words that end with a colon, in a part of a form.

use std::ops::Range;

use super::{Name, OnFound, blank, line_end, line_start, run, str_of};
use crate::secrets::judge::Closeness;
use crate::secrets::names::NameMeaning;

/// How long a sentence about a value may be.
const SENTENCE: usize = 120;

/// Reads the value that follows the line of a name.
pub(super) fn read(name: &Name<'_>, text: &[u8], found: &mut OnFound<'_>) {
    let start = line_start(text, name.span.start);
    let end = line_end(text, name.span.end);
    if end - name.span.end > SENTENCE * 2 {
        return;
    }
    let line = str_of(text, start..end).trim();
    let rest = str_of(text, name.span.end..end).trim_end();
    if name.meaning > NameMeaning::Perhaps
        && let Some(value) = at_the_end(rest, name.span.end)
    {
        name.offer(value, Closeness::Firm, found);
    }
    let asked =
        ["$ ", "# ", "> ", "% ", "❯ "].iter().any(|prompt| line.starts_with(prompt)) || line.contains("$ ");
    let of_form = rest == "\"" && line.contains("Content-Disposition");
    let told = rest.ends_with(':') || rest.ends_with(":\"") || of_form || line.starts_with("==> ");
    // A name and its value, a line each, as a program lists what a hash holds.
    let listed = text[start..end] == text[name.span.clone()] && name.meaning > NameMeaning::Perhaps;
    // An option and its value in a list, as YAML has them.
    let option = line.strip_prefix("- --").is_some_and(|option| option.len() == name.span.len());
    if !asked && !told && !listed && !option {
        return;
    }
    let mut at = (end + 1).min(text.len());
    if of_form {
        // curl writes how far it is before each line.
        at += offset(text, at);
    }
    if matches!(text.get(at), Some(b'\n' | b'\r')) {
        at += run(text, at, 3, |byte| b"\r\n".contains(&byte));
    }
    at += run(text, at, 16, blank);
    if of_form {
        at += offset(text, at);
    }
    if option {
        at += run(text, at, 2, |byte| b"- ".contains(&byte));
    }
    // What a script types.
    if text[at..].starts_with(b"send \"") {
        let length = run(text, at + 6, 200, |byte| byte > b' ' && !b"\"\\".contains(&byte));
        name.offer(at + 6..at + 6 + length, Closeness::Firm, found);
        return;
    }
    let value = alone(text, at);
    if !value.is_empty() {
        name.offer(value, Closeness::Firm, found);
    }
}

/// How long a number such as `00bd: ` is.
fn offset(text: &[u8], at: usize) -> usize {
    let digits = run(text, at, 8, |byte| byte.is_ascii_hexdigit());
    if digits >= 4 && text.get(at + digits) == Some(&b':') {
        digits + 1 + run(text, at + digits + 1, 1, blank)
    } else {
        0
    }
}

/// `… password is generated for root@localhost: VALUE`
fn at_the_end(rest: &str, from: usize) -> Option<Range<usize>> {
    let (said, value) = rest.rsplit_once(": ")?;
    let words = said.len() <= SENTENCE
        && said.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" @._-/'`()#".contains(&byte));
    let bare = value.trim();
    let at = from + rest.len() - value.trim_start().len();
    (words && !said.is_empty() && !bare.contains([' ', '(', '"'])).then(|| at..at + bare.len())
}

/// Returns the only word of a line, without quotes; nothing if there are more.
fn alone(text: &[u8], at: usize) -> Range<usize> {
    let end = line_end(text, at);
    let length = run(text, at, end - at, |byte| byte > b' ');
    let goes_on = text[at + length..end].iter().any(|byte| !byte.is_ascii_whitespace());
    if goes_on || length > 512 {
        return at..at;
    }
    let quoted = usize::from(length >= 2 && b"\"'".contains(&text[at]) && text[at] == text[at + length - 1]);
    at + quoted..at + length - quoted
}
