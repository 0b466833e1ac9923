//! Runs the rules: one pass over the bytes for all keywords, and a rule only where its own stands.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::bytes::{Regex, RegexBuilder};

use super::named;
use super::vendors::{RULES, Rule};
use super::views;

/// The longest text that one match may span: a private key, with its line ends escaped.
const LONGEST: usize = 24_000;

/// What stands at a place where a keyword was found.
#[derive(Clone, Copy)]
pub(super) enum Trigger {
    /// A rule's keyword.
    Rule(usize),
    /// The same in base64.
    Encoded,
    /// A word of a secret's name.
    Name,
    /// An escape that may hide a keyword.
    Mark,
}

struct Automaton {
    search: AhoCorasick,
    triggers: Vec<Trigger>,
}

/// Escapes that may stand within a keyword: of plain characters, and of terminal colours.
const MARKS: [&str; 10] =
    ["\\u002", "\\u003", "\\u004", "\\u005", "\\u006", "\\u007", "\\u001b", "\\u001B", "\u{1b}", "%5f"];

fn automaton() -> Option<&'static Automaton> {
    static MADE: OnceLock<Option<Automaton>> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut triggers = Vec::new();
        for (index, rule) in RULES.iter().enumerate() {
            for keyword in rule.keywords {
                patterns.push(keyword.as_bytes().to_vec());
                triggers.push(Trigger::Rule(index));
                // A short keyword's few characters are everywhere in base64.
                if keyword.len() >= 4 && rule.tail > 0 && !keyword.starts_with(':') {
                    for form in views::inside_base64(keyword.as_bytes()) {
                        patterns.push(form);
                        triggers.push(Trigger::Encoded);
                    }
                }
            }
        }
        for word in named::WORDS {
            patterns.push(word.as_bytes().to_vec());
            triggers.push(Trigger::Name);
        }
        for mark in MARKS {
            patterns.push(mark.as_bytes().to_vec());
            triggers.push(Trigger::Mark);
        }
        let builder = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::Standard)
            .build(&patterns);
        builder.ok().map(|search| Automaton { search, triggers })
    })
    .as_ref()
}

/// Calls `found` with every place where something may begin.
fn triggers(text: &[u8], mut found: impl FnMut(Trigger, Range<usize>)) {
    let Some(automaton) = automaton() else { return };
    for hit in automaton.search.find_overlapping_iter(text) {
        found(automaton.triggers[hit.pattern().as_usize()], hit.range());
    }
}

/// Calls `place` with each place of raw JSON or text where a secret can't be ruled out, and with how far
/// one may go on there, over blanks too.
pub(super) fn candidates(text: &[u8], mut place: impl FnMut(Range<usize>, usize)) {
    triggers(text, |trigger, hit| {
        let may = match trigger {
            Trigger::Rule(index) => has_tail(&RULES[index], text, hit.end),
            Trigger::Encoded => views::base64_run(text, hit.start).len() >= 24,
            Trigger::Name => assigns(text, hit.end),
            Trigger::Mark => true,
        };
        if may {
            let is_key = matches!(trigger, Trigger::Rule(index) if RULES[index].kind == "private-key");
            let hidden = matches!(trigger, Trigger::Mark | Trigger::Encoded);
            place(hit, if is_key || hidden { LONGEST } else { super::NEAR });
        }
    });
}

/// Whether a value can stand behind a name: a sign soon, and no blank right behind.
fn assigns(text: &[u8], end: usize) -> bool {
    let rest = &text[end..];
    let name =
        rest.iter().take(64).take_while(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte)).count();
    let skip = |at: usize| rest[at..].iter().take(16).take_while(|byte| b" \t\"'`\\]".contains(byte)).count();
    let sign = name + skip(name);
    if !matches!(rest.get(sign), Some(b'=' | b':')) {
        return false;
    }
    let value = sign + 1 + usize::from(rest.get(sign + 1).is_some_and(|byte| b"=>".contains(byte)));
    let value = value.min(rest.len());
    let value = value + skip(value);
    let part = |byte: &&u8| byte.is_ascii_graphic() && !b"\",;'`<>()[]{}|".contains(byte);
    rest[value..].iter().take(10).take_while(part).count() >= 10
}

fn has_tail(rule: &Rule, text: &[u8], end: usize) -> bool {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_.~%:-\\,@!#$^&*()?".contains(byte);
    text.len() >= end + rule.tail && text[end..end + rule.tail].iter().all(part)
}

/// Calls `found` with the kind and span of each secret; `sure` unless only its name says so.
pub(super) fn find(text: &[u8], found: &mut dyn FnMut(&'static str, Range<usize>, bool)) {
    let mut last_run = 0..0;
    let mut last_name = 0..0;
    triggers(text, |trigger, hit| match trigger {
        Trigger::Mark => {}
        Trigger::Rule(index) => {
            if has_tail(&RULES[index], text, hit.end)
                && let Some(span) = apply(index, text, hit.start)
            {
                found(RULES[index].kind, span, true);
            }
        }
        Trigger::Encoded => {
            let run = views::base64_run(text, hit.start);
            if run.len() < 24 || run == last_run {
                return;
            }
            last_run = run.clone();
            // Long runs are files; the part around the place is enough.
            let near = hit.start.saturating_sub(8_192).max(run.start);
            let near = near - (near - run.start) % 4;
            let decoded = views::base64(&text[near..run.end.min(hit.end + LONGEST)]);
            let mut kind = None;
            vendors(&decoded, &mut |found, _| kind = kind.or(Some(found)));
            if let Some(kind) = kind {
                found(kind, run, true);
            }
        }
        Trigger::Name => {
            if hit.start < last_name.end && hit.start >= last_name.start {
                return;
            }
            if let Some(assigned) = named::assignment(text, hit.start) {
                last_name = assigned.name.clone();
                if named::is_secret(text, &assigned) {
                    found("secret", assigned.value, false);
                }
            }
        }
    });
}

/// The vendors' rules alone.
fn vendors(text: &[u8], found: &mut dyn FnMut(&'static str, Range<usize>)) {
    triggers(text, |trigger, hit| {
        if let Trigger::Rule(index) = trigger
            && has_tail(&RULES[index], text, hit.end)
            && let Some(span) = apply(index, text, hit.start)
        {
            found(RULES[index].kind, span);
        }
    });
}

fn expression(index: usize) -> Option<&'static Regex> {
    static COMPILED: [OnceLock<Option<Regex>>; RULES.len()] = [const { OnceLock::new() }; RULES.len()];
    let compile = || {
        let rule = &RULES[index];
        let anchor = if rule.back == 0 { r"\A" } else { "" };
        let pattern = format!("{anchor}(?:{})", rule.pattern);
        RegexBuilder::new(&pattern).unicode(false).build().ok()
    };
    COMPILED[index].get_or_init(compile).as_ref()
}

/// Tries a rule at one of its keywords.
fn apply(index: usize, text: &[u8], keyword: usize) -> Option<Range<usize>> {
    let rule = &RULES[index];
    let expression = expression(index)?;
    let from = keyword.saturating_sub(rule.back);
    let window = &text[from..text.len().min(keyword + LONGEST)];
    let (whole, value) = match expression.captures_len() {
        1 => {
            let found = expression.find(window)?.range();
            (found.clone(), found)
        }
        _ => {
            let captures = expression.captures(window)?;
            (captures.get(0)?.range(), captures.get(1)?.range())
        }
    };
    let word =
        |at: Option<usize>| at.and_then(|at| window.get(at)).is_some_and(|byte| byte.is_ascii_alphanumeric());
    // What begins within a word, or goes on as one, is something else.
    let begins_inside = match (whole.start + from).checked_sub(1) {
        Some(before) => text[before].is_ascii_alphanumeric() && word(Some(whole.start)),
        None => false,
    };
    let in_context = value != whole;
    let goes_on = word(value.end.checked_sub(1)) && word(Some(value.end));
    if whole.start + from > keyword || !in_context && (begins_inside || goes_on) {
        return None;
    }
    let secret = std::str::from_utf8(&window[value.clone()]).ok()?;
    is_real(rule, secret).then(|| value.start + from..value.end + from)
}

/// Whether a match is more than an example of its kind.
fn is_real(rule: &Rule, secret: &str) -> bool {
    if rule.kind == "private-key" {
        return true;
    }
    if named::is_stand_in(secret) || secret.contains("EXAMPLE") {
        return false;
    }
    match rule.kind {
        "url-password" | "curl-password" => {
            let lower = secret.to_ascii_lowercase();
            let usual = [
                "secret", "postgres", "mysql", "root", "admin", "guest", "rabbitmq", "test", "pass", "pwd",
                "mongo", "redis",
            ];
            let bare = lower.trim_end_matches(|c: char| c.is_ascii_digit());
            !usual.contains(&bare)
                && !secret.starts_with(['$', '{', '%', '[', '*', '#', '('])
                && !secret.contains(['{', '$'])
                && named::classes(secret) >= 2
        }
        "bearer-token" | "basic-auth" | "header-token" | "npm-token" | "discord-webhook" => {
            named::entropy(secret.as_bytes()) >= 3.0 && secret.bytes().any(|byte| byte.is_ascii_digit())
        }
        _ => {
            let tail =
                rule.keywords.iter().find_map(|keyword| secret.strip_prefix(keyword)).unwrap_or(secret);
            named::entropy(tail.as_bytes()) >= 2.6
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles_and_begins_at_its_keywords() {
        for (index, rule) in RULES.iter().enumerate() {
            assert!(expression(index).is_some(), "{}: {}", rule.kind, rule.pattern);
            assert!(!rule.keywords.is_empty());
        }
    }
}
