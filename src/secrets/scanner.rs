//! Applies the rules, the readers of all syntaxes and the decoders at each place where a secret may begin.

use std::ops::Range;

use super::known::Known;
use super::syntax::{self, calls, commands, sql, tables};
use super::triggers::{self, Trigger};
use super::vendor_rules::RULES;
use super::{dumps, keys, rule_matching, views};

/// A secret: its kind, where it is, whether it is one for certain, and its name.
pub(super) struct FoundSecret<'a> {
    pub(super) kind: &'static str,
    pub(super) span: Range<usize>,
    pub(super) sure: bool,
    pub(super) name: Option<&'a str>,
    /// What it is, if it is there in a code.
    pub(super) decoded: Option<Vec<u8>>,
}

/// How often a code within a code is decoded.
const DEPTH: usize = 2;

/// Calls `found` with each secret of a text; `tell` is told how far it is.
pub(super) fn find(
    text: &[u8],
    known: &Known,
    tell: &mut dyn FnMut(u64),
    found: &mut dyn FnMut(FoundSecret<'_>),
) {
    within(text, known, DEPTH, tell, found);
}

fn within(
    text: &[u8],
    known: &Known,
    depth: usize,
    tell: &mut dyn FnMut(u64),
    found: &mut dyn FnMut(FoundSecret<'_>),
) {
    let mut last_run = 0..0;
    let mut last_name = 0..0;
    let mut last_table = 0..0;
    let mut last_command = (0, 0);
    triggers::all(text, tell, |trigger, hit| {
        let mut named = |span: Range<usize>, name: &str| {
            let name = Some(name).filter(|name| !name.is_empty());
            found(FoundSecret { kind: "secret", span, sure: false, name, decoded: None });
        };
        match trigger {
            Trigger::Mark | Trigger::Shown | Trigger::GoesOn => {}
            Trigger::Rule(index) => {
                if rule_matching::has_tail(&RULES[index], text, hit.end)
                    && let Some(span) = rule_matching::apply(index, text, hit.start)
                {
                    found(FoundSecret {
                        kind: RULES[index].kind,
                        span,
                        sure: true,
                        name: None,
                        decoded: None,
                    });
                }
            }
            Trigger::Name => {
                if !last_name.contains(&hit.start)
                    && let Some(name) = syntax::named(text, &hit, &mut named)
                {
                    last_name = name;
                }
            }
            Trigger::Ruler => {
                if !last_table.contains(&hit.start)
                    && let Some(end) = tables::ruler_end(text, hit.start)
                {
                    last_table = tables::ruled(text, hit.start, &mut named).unwrap_or(hit.start..end);
                }
            }
            Trigger::Command(index) => {
                // The name of the same program among the words of a command: they are all read.
                if last_command.0 == index && hit.start < last_command.1 {
                    return;
                }
                let program = hit.start..hit.end - 1;
                if let Some(end) = commands::read(text, program, commands::COMMANDS[index].1, &mut named) {
                    last_command = (index, end);
                }
            }
            Trigger::Listed(index) => {
                commands::listed(text, hit.start..hit.end - 1, commands::COMMANDS[index].1, &mut named);
            }
            Trigger::Created => sql::created(text, hit.end, &mut named),
            Trigger::Call(index) => calls::read(text, hit.end, calls::CALLS[index].1, &mut named),
            Trigger::Echo => commands::echoed(text, hit, &mut named),
            Trigger::Key(index) => keys::read(text, &hit, keys::MARKS[index].1, &mut |span| {
                found(FoundSecret { kind: "private-key", span, sure: true, name: None, decoded: None });
            }),
            Trigger::Encoded | Trigger::Packed if depth > 0 => {
                if last_run.contains(&hit.start) {
                    return;
                }
                last_run = encoded(text, &hit, known, depth, found);
            }
            Trigger::Dump | Trigger::Hex if depth > 0 => {
                let is_dump = matches!(trigger, Trigger::Dump);
                if last_run.contains(&hit.start) || is_dump && !dumps::may_begin(text, &hit) {
                    return;
                }
                let decoded = match trigger {
                    Trigger::Hex => dumps::plain_hex(text, hit.start),
                    _ => dumps::dump(text, hit.start),
                };
                let Some(decoded) = decoded else { return };
                last_run = decoded.code(&(0..decoded.bytes.len()));
                find_decoded(&decoded.bytes, known, depth - 1, &mut |read| {
                    let value = Some(of_code(&read, &decoded.bytes));
                    found(FoundSecret { span: decoded.code(&read.span), decoded: value, ..read });
                });
            }
            Trigger::Encoded | Trigger::Packed | Trigger::Dump | Trigger::Hex => {}
        }
    });
}

/// Looks into base64, and into what is packed in it; returns how far it went.
fn encoded(
    text: &[u8],
    hit: &Range<usize>,
    known: &Known,
    depth: usize,
    found: &mut dyn FnMut(FoundSecret<'_>),
) -> Range<usize> {
    let run = dumps::run_over_lines(text, hit.start);
    if run.len() < 20 {
        return run;
    }
    // Each line of a diff begins with a sign, which base64 may hold too.
    let sign = usize::from(text[run.start..].starts_with(b"+") || text[run.start..].starts_with(b"-"));
    let code = run.start + sign..run.end;
    let line_ends = memchr::memchr(b'\n', &text[code.clone()]).is_some();
    let is_packed = text[hit.start..].starts_with(b"H4sI");
    // Long runs are files; the part around the place is enough, unless all of it is needed to unpack it.
    let near = hit.start.saturating_sub(8_192).max(code.start);
    let from = match (is_packed, line_ends) {
        (true, _) => hit.start.max(code.start),
        (false, true) => code.start,
        (false, false) => near - (near - code.start) % 4,
    };
    let to = if is_packed || from == code.start {
        run.end.min(from + dumps::LONGEST)
    } else {
        run.end.min(hit.end + keys::LONGEST)
    };
    // What stands before the code may look like a part of it.
    for skipped in 0..4 {
        let Some(part) = text.get(from + skipped..to) else { break };
        let bytes = if line_ends { dumps::base64_lines(part, sign) } else { views::base64(part) };
        let mut first: Option<(&'static str, bool, Vec<u8>)> = None;
        for decoded in dumps::unpacked(&bytes).iter().chain([&bytes]) {
            find_decoded(decoded, known, depth - 1, &mut |read| {
                let better = first.as_ref().is_none_or(|(_, sure, _)| !sure && read.sure);
                if better {
                    first = Some((read.kind, read.sure, of_code(&read, decoded)));
                }
            });
        }
        if let Some((kind, sure, value)) = first {
            found(FoundSecret { kind, span: code, sure, name: None, decoded: Some(value) });
            break;
        }
    }
    run
}

/// All that is found in a decoded text, known values too.
fn find_decoded(text: &[u8], known: &Known, depth: usize, found: &mut dyn FnMut(FoundSecret<'_>)) {
    within(text, known, depth, &mut |_| (), found);
    known.find(text, |one| {
        let name = Some(one.value.name.as_str()).filter(|name| !name.is_empty());
        let decoded =
            Some(if one.value.is_whole { one.value.value.clone().into_bytes() } else { Vec::new() });
        found(FoundSecret { kind: one.kind(), span: one.span.clone(), sure: !one.seen, name, decoded });
    });
}

/// Returns what was found in a code.
fn of_code(read: &FoundSecret<'_>, text: &[u8]) -> Vec<u8> {
    read.decoded.clone().unwrap_or_else(|| text[read.span.clone()].to_vec())
}
