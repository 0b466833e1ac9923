//! Where a secret may begin: one pass over the bytes for all words that begin one, and a quick check of each
//! place.
//!
//! The check must pass every place where a secret is found later, in raw JSON too, where quotes and line
//! ends are escaped. It should pass almost nothing else, because everything near such a place is read again.

use std::ops::Range;
use std::sync::OnceLock;

use super::judge::{self, Closeness};
use super::keys;
use super::names::{self, NameMeaning};
use super::rule_matching;
use super::search::PatternSearch;
use super::syntax::{self, calls, commands, markup, sql, tables};
use super::vendor_rules::RULES;
use super::{NEAR, dumps, views};

/// The kind of place where a word was found.
#[derive(Clone, Copy)]
pub(super) enum Trigger {
    /// A rule's keyword.
    Rule(usize),
    /// The same in base64, or a word of a secret's name.
    Encoded,
    /// A word of a secret's name.
    Name,
    /// An escape that may hide a keyword.
    Mark,
    /// The line below the headings of a table.
    Ruler,
    /// A program.
    Command(usize),
    /// A program whose name is a literal.
    Listed(usize),
    /// A table of a database.
    Created,
    /// A call.
    Call(usize),
    /// `echo` and its like.
    Echo,
    /// A private key.
    Key(usize),
    /// A dump of bytes.
    Dump,
    /// What gzip packed, in base64.
    Packed,
    /// A word of a secret's name in hexadecimal.
    Hex,
    /// What a program printed or a person said, in a record.
    Shown,
    /// A line that goes on in the next one.
    GoesOn,
}

struct Automaton {
    search: PatternSearch,
    triggers: Vec<Trigger>,
}

/// Escapes that may be within a keyword: of plain characters, and of terminal colours.
const MARKS: [&str; 11] = [
    "\\u002", "\\u003", "\\u004", "\\u005", "\\u006", "\\u007", "\\u001b", "\\u001B", "\u{1b}", "%5f", "$'\\",
];

/// Words that make a text in base64 worth decoding.
const ENCODED: [&str; 10] =
    ["PRIVATE KEY", "passw", "PASSW", "Passw", "secret", "SECRET", "token", "TOKEN", "_KEY=", "\"auth\""];

/// The same in hexadecimal.
const HEX: [&str; 5] =
    ["70617373776f7264", "50415353574f5244", "736563726574", "534543524554", "2d2d2d2d2d424547494e20"];

/// How the strings of a record begin that may be a key and nothing else.
const SHOWN: [&str; 4] = ["\"content\":\"", "\"stdout\":\"", "\"text\":\"", "\"output\":\""];

/// The end of a line that goes on, also in a string of JSON.
const GOES_ON: [&str; 4] = ["\\\n", "\\\r\n", r"\\\n", r"\\\r\n"];

fn automaton() -> Option<&'static Automaton> {
    static MADE: OnceLock<Option<Automaton>> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut patterns: Vec<(Vec<u8>, Trigger)> = Vec::new();
        for (index, rule) in RULES.iter().enumerate() {
            for keyword in rule.keywords {
                patterns.push((keyword.as_bytes().to_vec(), Trigger::Rule(index)));
                if keyword.len() >= 4 && rule.tail > 0 && keyword.bytes().all(|byte| byte.is_ascii_graphic())
                {
                    let hex: String = keyword.bytes().map(|byte| format!("{byte:02x}")).collect();
                    patterns.push((hex.to_ascii_uppercase().into_bytes(), Trigger::Hex));
                    patterns.push((hex.into_bytes(), Trigger::Hex));
                }
                // A short keyword's few characters are everywhere in base64.
                if keyword.len() >= 4 && rule.tail > 0 && !keyword.starts_with(':') {
                    patterns.extend(
                        views::inside_base64(keyword.as_bytes()).map(|form| (form, Trigger::Encoded)),
                    );
                }
            }
        }
        for word in ENCODED {
            patterns.extend(views::inside_base64(word.as_bytes()).map(|form| (form, Trigger::Encoded)));
        }
        let plain = |words: &[&str], trigger: Trigger| -> Vec<(Vec<u8>, Trigger)> {
            words.iter().map(|word| (word.as_bytes().to_vec(), trigger)).collect()
        };
        patterns.extend(plain(names::WORDS, Trigger::Name));
        patterns.extend(plain(&MARKS, Trigger::Mark));
        patterns.extend(plain(&tables::RULERS, Trigger::Ruler));
        patterns.extend(plain(&["echo ", "printf "], Trigger::Echo));
        patterns.extend(plain(&dumps::DUMPS, Trigger::Dump));
        patterns.extend(plain(&["H4sI"], Trigger::Packed));
        patterns.extend(plain(&HEX, Trigger::Hex));
        for word in dumps::BYTES {
            let spaced: String = word.bytes().map(|byte| format!(" {byte:02x}")).collect();
            let escaped: String = word.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
            patterns.extend(plain(&[&spaced], Trigger::Dump));
            patterns.extend(plain(&[&escaped, &escaped.replace('\\', "\\\\")], Trigger::Mark));
        }
        patterns.extend(plain(&SHOWN, Trigger::Shown));
        patterns.extend(plain(&GOES_ON, Trigger::GoesOn));
        patterns.extend(plain(&["CREATE TABLE ", "create table "], Trigger::Created));
        for (index, (programs, _)) in commands::COMMANDS.iter().enumerate() {
            let begun: Vec<String> = programs.iter().map(|program| format!("{program} ")).collect();
            let begun: Vec<&str> = begun.iter().map(String::as_str).collect();
            patterns.extend(plain(&begun, Trigger::Command(index)));
            // Words of a protocol are in lists of words, too.
            let is_file =
                |name: &str| name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.contains(' ');
            let quoted = |quote: &str| -> Vec<String> {
                programs.iter().filter(|one| is_file(one)).map(|one| format!("{one}{quote}")).collect()
            };
            for listed in ["\"", "'", "\\\""].map(quoted) {
                let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
                patterns.extend(plain(&listed, Trigger::Listed(index)));
            }
        }
        for (index, (call, _)) in calls::CALLS.iter().enumerate() {
            patterns.extend(plain(&[call], Trigger::Call(index)));
        }
        for (index, (mark, _)) in keys::MARKS.iter().enumerate() {
            patterns.extend(plain(&[mark], Trigger::Key(index)));
        }
        let (patterns, triggers): (Vec<Vec<u8>>, Vec<Trigger>) = patterns.into_iter().unzip();
        PatternSearch::new(patterns).map(|search| Automaton { search, triggers })
    })
    .as_ref()
}

/// Calls `found` with every place where something may begin; `tell` is told how far it is.
pub(super) fn all(text: &[u8], tell: &mut dyn FnMut(u64), mut found: impl FnMut(Trigger, Range<usize>)) {
    let Some(automaton) = automaton() else { return };
    for hit in automaton.search.hits(text, tell) {
        found(automaton.triggers[hit.pattern().as_usize()], hit.range());
    }
}

/// A place where a secret can't be ruled out.
pub(super) struct SecretCandidate {
    pub(super) hit: Range<usize>,
    /// How far a secret's text may reach back from there, and continue, over blanks too.
    pub(super) back: usize,
    pub(super) reach: usize,
}

/// Calls `place` with each place of raw JSON or text where a secret can't be ruled out; `tell` is told how far it is.
pub(super) fn candidates(text: &[u8], tell: &mut dyn FnMut(u64), mut place: impl FnMut(SecretCandidate)) {
    let mut last_name = 0..0;
    let mut ruled = 0;
    all(text, tell, |trigger, hit| {
        let near = |may: bool| may.then_some((super::BEFORE, NEAR));
        let reach = match trigger {
            Trigger::Rule(index) => near(rule_matching::has_tail(&RULES[index], text, hit.end)),
            Trigger::Encoded => {
                views::has_base64_run(text, hit.start, 24).then_some((16 << 10, keys::LONGEST))
            }
            Trigger::Name if last_name.contains(&hit.start) => None,
            Trigger::Name => name_holds(text, &hit, &mut last_name),
            Trigger::Mark => Some((super::BEFORE, keys::LONGEST)),
            Trigger::Ruler if hit.start < ruled => None,
            Trigger::Ruler => tables::ruler_end(text, hit.start).and_then(|end| {
                ruled = end;
                tables::may_hold(text, hit.start).then_some((super::BEFORE, tables::MOST_BYTES))
            }),
            Trigger::Command(index) => near(command_holds(text, &hit, index)),
            Trigger::Listed(_) => near(is_list(text, hit.end)),
            Trigger::Created => sql::may_hold(text, hit.end).then_some((super::BEFORE, sql::MOST_BYTES)),
            Trigger::Call(_) => near(value_within(text, hit.end, 300, 3, |value| {
                judge::is_secret("password", value, Closeness::Firm)
            })),
            Trigger::Echo => {
                let mut holds = false;
                commands::echoed(text, hit.clone(), &mut |_, _| holds = true);
                near(holds)
            }
            Trigger::Key(index) => match keys::MARKS[index].1 {
                keys::Form::Begins | keys::Form::Ends if keys::title(text, hit.end).is_none() => None,
                _ => Some((keys::LONGEST, keys::LONGEST)),
            },
            Trigger::Dump if !dumps::may_begin(text, &hit) => None,
            Trigger::Dump => Some((super::BEFORE, 4 * keys::LONGEST)),
            Trigger::Packed => {
                views::has_base64_run(text, hit.start, 40).then_some((super::BEFORE, dumps::LONGEST))
            }
            Trigger::Shown => {
                let length = text[hit.end..]
                    .iter()
                    .take(90)
                    .take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
                    .count();
                near(
                    matches!(length, 32 | 44 | 64 | 88)
                        && text[hit.end + length..].iter().next().is_some_and(|byte| b"\"\\".contains(byte)),
                )
            }
            // Mostly there is a blank before it.
            Trigger::GoesOn => {
                let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
                let before = hit.start.checked_sub(1).and_then(|at| text.get(at));
                near(is_word(before) && is_word(text.get(hit.end)))
            }
            Trigger::Hex => {
                let digits = text[hit.start.saturating_sub(20)..text.len().min(hit.end + 40)]
                    .iter()
                    .filter(|byte| byte.is_ascii_hexdigit())
                    .count();
                (digits >= 40).then_some((4 << 10, keys::LONGEST))
            }
        };
        if let Some((back, reach)) = reach {
            place(SecretCandidate { hit, back, reach });
        }
    });
}

/// Whether a name tells, and something that may be its value is near.
fn name_holds(text: &[u8], hit: &Range<usize>, last: &mut Range<usize>) -> Option<(usize, usize)> {
    // What is far more often something else is left out first.
    let next = text.get(hit.end).copied().unwrap_or(b' ');
    let word = &text[hit.clone()];
    let other = match word.last() {
        Some(b'y' | b'Y') => matches!(next, b's' | b'w' | b'b' | b'e' | b'f'),
        Some(b'h' | b'H') => next == b'o' && !text[hit.end..].starts_with(b"oriz") || next == b'e',
        Some(b's' | b'S') => matches!(next, b'e' | b'i' | b'a' | b't'),
        Some(b'n' | b'N') => next == b'i',
        _ => false,
    };
    if other {
        return None;
    }
    let name_end = hit.end + syntax::run(text, hit.end, 40, syntax::in_name);
    let heads = tables::may_head(text, hit.end) || markup::is_heading(text, name_end);
    let (distance, lines) = if heads { (1_500, 24) } else { (260, 4) };
    // Names cost more than values: they come last.
    let before = &text[hit.start.saturating_sub(200)..hit.start];
    let is_behind = || memchr::memmem::find(before, b"alue").is_some();
    if !value_within(text, hit.end, distance, lines, is_mingled) && !is_behind() {
        return None;
    }
    let name = syntax::Name::around(text, hit)?;
    last.clone_from(&name.span);
    let option = text[..name.span.start].ends_with(b"-") || name.meaning == NameMeaning::Password;
    let bond =
        if option || syntax::http::is_header(&name.label) { Closeness::Place } else { Closeness::Firm };
    // What is left of a password between signs may be little.
    let most = if name.meaning == NameMeaning::Token { NameMeaning::Password } else { name.meaning };
    let in_query = text[..name.span.start].ends_with(b"?") || text[..name.span.start].ends_with(b"&");
    let most = if in_query { NameMeaning::Password } else { most };
    let holds = |value: &str| judge::is_secret_under(most, &name.label, value, bond);
    let may = value_within(text, hit.end, distance, lines, holds) || value_before(text, &name);
    may.then_some((super::BEFORE, if heads { tables::MOST_BYTES } else { NEAR }))
}

/// Whether there is a value before the name in its object.
fn value_before(text: &[u8], name: &syntax::Name<'_>) -> bool {
    let from = name.span.start.saturating_sub(200);
    memchr::memmem::find(&text[from..name.span.start], b"alue").is_some_and(|at| {
        value_within(text, from + at, 200, 4, |value| {
            judge::is_secret_under(name.meaning, &name.label, value, Closeness::Firm)
        })
    })
}

/// Whether a text changes between kinds of characters often enough to be random, or a person's
/// password.
fn is_mingled(value: &str) -> bool {
    let class = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let bytes = value.as_bytes();
    let changes = bytes.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    changes >= 2 || bytes.len() >= 12
}

/// Whether one of the words after a place is a value, also after a few line ends, escaped or not.
fn value_within(
    text: &[u8],
    from: usize,
    distance: usize,
    lines: usize,
    holds: impl Fn(&str) -> bool,
) -> bool {
    let end = text.len().min(from + distance);
    let (mut at, mut left) = (from, lines);
    while at < end {
        let length = text[at..].iter().take(600).take_while(|byte| in_value(**byte)).count();
        if length >= 8 && std::str::from_utf8(&text[at..at + length]).is_ok_and(&holds) {
            return true;
        }
        at += length;
        match text.get(at) {
            Some(b'\n') => left -= 1,
            Some(b'\\') => {
                left -= usize::from(text.get(at + 1) == Some(&b'n'));
                // What is escaped is no part of the next word.
                at += 1;
            }
            _ => {}
        }
        if left == 0 {
            return false;
        }
        at += 1;
    }
    false
}

fn in_value(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"'`\\,;<>()[]{}|=:".contains(&byte)
}

/// Whether other literals follow a literal, roughly: in a text that may still be escaped.
fn is_list(text: &[u8], at: usize) -> bool {
    let rest = &text[at.min(text.len())..text.len().min(at + 8)];
    let next = rest.iter().find(|byte| !b" \\".contains(byte));
    next.is_some_and(|byte| b",\nn)".contains(byte)) && value_within(text, at, 400, 40, is_mingled)
}

fn command_holds(text: &[u8], hit: &Range<usize>, index: usize) -> bool {
    let program = hit.start..hit.end - 1;
    let mut holds = false;
    if commands::is_program(text, &program) {
        commands::read(text, program, commands::COMMANDS[index].1, &mut |_, _| holds = true);
    }
    holds
}

/// Returns the parts of a text that hold these places: disjoint, in order, cut only at blanks.
pub(super) fn parts(text: &[u8], places: &[(usize, usize)]) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (from, to) in places {
        let to = (*to).min(text.len());
        let done = parts.last().map_or(0, |part| part.end);
        if to <= done {
            continue;
        }
        let end = to + text[to..].iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        // Without a blank since the last part it goes on.
        let blank = text.get(done..*from).and_then(|before| before.iter().rposition(u8::is_ascii_whitespace));
        match (blank, parts.last_mut()) {
            (Some(blank), _) => parts.push(done + blank + 1..end),
            (None, Some(last)) => last.end = end,
            (None, None) => parts.push(0..end),
        }
    }
    parts
}
