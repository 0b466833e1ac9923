//! Runs the vendors' rules, each only where one of its own keywords is.

use std::ops::Range;
use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};

use super::keys;
use super::looks;
use super::vendor_rules::{RULES, VendorRule};

/// How much before a token may be one code, in bytes.
const LONGEST_CODE: usize = 32;

/// Says whether the text after a keyword can continue as the rule says.
pub(super) fn has_tail(rule: &VendorRule, text: &[u8], end: usize) -> bool {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_.~%:-\\,@!#$^&*()?".contains(byte);
    text.len() >= end + rule.tail && text[end..end + rule.tail].iter().all(part)
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
pub(super) fn apply(index: usize, text: &[u8], keyword: usize) -> Option<Range<usize>> {
    let rule = &RULES[index];
    let expression = expression(index)?;
    let from = keyword.saturating_sub(rule.back);
    let window = &text[from..text.len().min(keyword + keys::LONGEST)];
    let (whole, value) = match expression.captures_len() {
        1 => {
            let found = expression
                .find_iter(window)
                .map(|found| found.range())
                .find(|found| found.end + from > keyword)?;
            (found.clone(), found)
        }
        _ => {
            let behind = |captures: &regex::bytes::Captures<'_>| {
                captures.get(0).is_some_and(|found| found.end() + from > keyword)
            };
            let captures = expression.captures_iter(window).find(behind)?;
            (captures.get(0)?.range(), captures.get(1)?.range())
        }
    };
    let word =
        |at: Option<usize>| at.and_then(|at| window.get(at)).is_some_and(|byte| byte.is_ascii_alphanumeric());
    // What begins within a word, or goes on as one, is something else.
    let before = &text[..whole.start + from];
    let begins_inside = before.last().is_some_and(u8::is_ascii_alphanumeric)
        && word(Some(whole.start))
        && !is_in_no_word(rule, &text[keyword..])
        && !ends_a_code(before);
    let in_context = value != whole;
    let goes_on = word(value.end.checked_sub(1)) && word(Some(value.end));
    if whole.start + from > keyword || !in_context && (begins_inside || goes_on) {
        return None;
    }
    let secret = std::str::from_utf8(&window[value.clone()]).ok()?;
    is_real(rule, secret).then(|| value.start + from..value.end + from)
}

/// Whether a token begins with so much that no word goes on with it, as in `mysql -uTOKEN`: a prefix with a sign behind it, and
/// then a long random part.
fn is_in_no_word(rule: &VendorRule, text: &[u8]) -> bool {
    let is_it = |prefix: &&str| {
        prefix.len() >= 4 && prefix.ends_with(['_', '-']) && text.starts_with(prefix.as_bytes())
    };
    rule.tail >= 20 && rule.keywords.iter().any(is_it)
}

/// Whether a letter or digit at the end of a text is part of a code for something else: `%20`, `%2520`, `=3D`, `\n`, `\x1b`,
/// `\u00a0`, `\033`, or the end of what sets a colour, such as `[32m`.
fn ends_a_code(text: &[u8]) -> bool {
    let text = &text[text.len().saturating_sub(LONGEST_CODE)..];
    let without = |count: usize, is_part: fn(&u8) -> bool| {
        let (rest, end) = text.split_at_checked(text.len().checked_sub(count)?)?;
        end.iter().all(is_part).then_some(rest)
    };
    let two = without(2, u8::is_ascii_hexdigit);
    let mut percent = two;
    while let Some(rest) = percent.and_then(|rest| rest.strip_suffix(b"25")) {
        percent = Some(rest);
    }
    let is_octal = |byte: &u8| (b'0'..=b'7').contains(byte);
    let is_parameter = |byte: &&u8| byte.is_ascii_digit() || b";:?".contains(byte);
    let sets_colour = without(1, u8::is_ascii_alphabetic).is_some_and(|rest| {
        let parameters = rest.iter().rev().take_while(is_parameter).count();
        rest[..rest.len() - parameters].ends_with(b"[")
    });
    percent.is_some_and(|rest| rest.ends_with(b"%"))
        || two.is_some_and(|rest| rest.ends_with(b"=") || rest.ends_with(b"\\x"))
        || without(4, u8::is_ascii_hexdigit).is_some_and(|rest| rest.ends_with(b"\\u"))
        || without(3, is_octal).is_some_and(|rest| rest.ends_with(b"\\"))
        || without(1, u8::is_ascii_alphabetic).is_some_and(|rest| rest.ends_with(b"\\"))
        || sets_colour
}

/// Whether a match is more than an example of its kind.
fn is_real(rule: &VendorRule, secret: &str) -> bool {
    if rule.kind == "password-hash" {
        return true;
    }
    if looks::is_stand_in(secret) || secret.contains("EXAMPLE") {
        return false;
    }
    match rule.kind {
        "redis-password" if looks::look(secret) < looks::ValueLook::Likely => false,
        "url-password" | "curl-password" | "pgpass" | "smtp-password" | "dsn-password" | "redis-password" => {
            let lower = secret.to_ascii_lowercase();
            let usual = [
                "secret", "postgres", "mysql", "root", "admin", "guest", "rabbitmq", "test", "pass", "pwd",
                "mongo", "redis",
            ];
            let bare = lower.trim_end_matches(|c: char| c.is_ascii_digit());
            !usual.contains(&bare)
                && !secret.starts_with(['$', '{', '%', '[', '*', '#', '('])
                && !secret.contains('{')
                && !is_variable(secret)
                && looks::classes(secret) >= 2
        }
        // An identifier may follow a type of this name.
        "bearer-token" if looks::in_words(secret.as_bytes()) * 2 >= secret.len() => false,
        "bearer-token" | "basic-auth" | "header-token" | "npm-token" | "discord-webhook" => {
            looks::entropy(secret.as_bytes()) >= 3.0 && secret.bytes().any(|byte| byte.is_ascii_digit())
        }
        _ => {
            let tail =
                rule.keywords.iter().find_map(|keyword| secret.strip_prefix(keyword)).unwrap_or(secret);
            looks::entropy(tail.as_bytes()) >= 2.6
        }
    }
}

/// `…$NAME`: a shell fills it in.
fn is_variable(secret: &str) -> bool {
    secret
        .split('$')
        .skip(1)
        .any(|rest| rest.len() >= 3 && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
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

    #[test]
    fn a_token_behind_a_code_or_glued_to_a_word_is_found() {
        let tokens = [
            ["ghp_", "aB3dE5gH7jK9mN1pQ2sT4vW6xY8zA0bC2dE4"].concat(),
            ["AKIA", "QZ7T3X5LPW2MV4KR"].concat(),
        ];
        let found = |text: &str| crate::secrets::Scanner::new(Vec::new()).find(text.as_bytes()).len();
        let codes = [
            "%20",
            "%0A",
            "%2520",
            "=3D",
            r"\n",
            r"\x1b[32m",
            r"\033[1;32m",
            r"\u00a0",
            "a\x1b[32m",
            "^[[0m",
            "[K",
        ];
        for token in &tokens {
            for code in codes {
                assert_eq!(found(&format!("say{code}{token} now")), 1, "{code}{token}");
            }
        }
        let [prefixed, plain] = &tokens;
        assert_eq!(found(&format!("mysql -u{prefixed}\nx")), 1);
        assert_eq!(found(&format!("token{prefixed}")), 1);
        assert_eq!(found(&format!("Qm9i{plain}")), 0, "within a word, as in base64");
    }
}
