//! A value on a line of its own, or at the end of one: below a prompt whose command names it, below or
//! behind words that end with a colon, in a part of a form.

use std::ops::Range;

use super::{Found, Name, blank, line_end, line_start, run, str_of};
use crate::secrets::judge::Bond;
use crate::secrets::names::Tells;

/// How long a sentence about a value may be.
const SENTENCE: usize = 120;

/// Reads the value that follows the line of a name.
pub(super) fn read(name: &Name<'_>, text: &[u8], found: &mut Found<'_>) {
    let start = line_start(text, name.span.start);
    let end = line_end(text, name.span.end);
    if end - name.span.end > SENTENCE * 2 {
        return;
    }
    let line = str_of(text, start..end).trim();
    let rest = str_of(text, name.span.end..end).trim_end();
    if name.tells > Tells::Perhaps
        && let Some(value) = at_the_end(rest, name.span.end)
    {
        name.offer(value, Bond::Firm, found);
    }
    let asked =
        ["$ ", "# ", "> ", "% ", "❯ "].iter().any(|prompt| line.starts_with(prompt)) || line.contains("$ ");
    let told = rest.ends_with(':')
        || rest.ends_with(":\"")
        || rest == "\"" && line.starts_with("Content-Disposition");
    if !asked && !told {
        return;
    }
    let mut at = (end + 1).min(text.len());
    if matches!(text.get(at), Some(b'\n' | b'\r')) {
        at += run(text, at, 3, |byte| b"\r\n".contains(&byte));
    }
    at += run(text, at, 16, blank);
    // What a script types.
    if text[at..].starts_with(b"send \"") {
        let length = run(text, at + 6, 200, |byte| byte > b' ' && !b"\"\\".contains(&byte));
        name.offer(at + 6..at + 6 + length, Bond::Firm, found);
        return;
    }
    let value = alone(text, at);
    if !value.is_empty() {
        name.offer(value, Bond::Firm, found);
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
