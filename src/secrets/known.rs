//! Values that are known to be secret: found wherever they stand, however they are written.
//!
//! Finds what no rule can: passwords and connection strings. Which values are worth looking
//! for is decided here too: a common word or a path would be found everywhere.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::looks;
use super::names;
use super::views;

/// A value, and the variable that holds it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownValue {
    /// The variable's name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// Values shorter than this are found by chance.
const SHORTEST: usize = 8;

/// Shorter values than this must stand alone, not within a word.
const STANDS_ALONE: usize = 16;

/// Returns what to look for, given a variable: its value, and the password of an address.
pub fn worth_knowing(name: &str, value: &str) -> Vec<KnownValue> {
    let value = value.trim();
    let make = |value: &str| KnownValue { name: name.to_owned(), value: value.to_owned() };
    if value.len() > 16 << 10 {
        return Vec::new();
    }
    if let Some(password) = password_of(value) {
        return match looks::is_stand_in(password) || password.len() < 6 {
            true => Vec::new(),
            false if password.len() < SHORTEST => vec![make(value)],
            false => vec![make(value), make(password)],
        };
    }
    let is_place = |text: &str| {
        ["/", "~", "./", "../", "file:"].iter().any(|start| text.starts_with(start)) || text.contains("://")
    };
    if value.len() < SHORTEST || is_place(value) || looks::is_stand_in(value) || looks::is_id(value) {
        return Vec::new();
    }
    let worth = match names::is_secret_name(name) {
        true => value.len() >= 20 && !value.contains(' ') || looks::classes(value) >= 2 && !is_words(value),
        false => value.len() >= 16 && !is_listed(value) && looks::is_random(value),
    };
    if worth { vec![make(value)] } else { Vec::new() }
}

/// Ordinary words, dates, versions and host names, joined by the usual signs.
fn is_words(value: &str) -> bool {
    let plain = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_lowercase()) || part.bytes().all(|b| b.is_ascii_digit())
    };
    value.split(['-', '_', '.', ':', ' ', ',', '@', '+']).all(plain)
}

/// A list of several things, such as a search path.
fn is_listed(value: &str) -> bool {
    value.contains([':', ' ', ',', ';'])
}

/// Returns the password of `scheme://user:password@host`.
pub(super) fn password_of(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let (user, _) = rest.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    (!password.is_empty() && !password.contains('/')).then_some(password)
}

/// Finds the values.
pub(super) struct Known {
    values: Vec<KnownValue>,
    forms: Vec<Form>,
    automaton: Option<AhoCorasick>,
}

struct Form {
    value: usize,
    encoded: bool,
}

impl Known {
    pub(super) fn new(mut values: Vec<KnownValue>) -> Known {
        values.sort();
        values.dedup_by(|a, b| a.value == b.value);
        let mut patterns = Vec::new();
        let mut forms = Vec::new();
        for (value, known) in values.iter().enumerate() {
            for form in spellings(&known.value) {
                forms.push(Form { value, encoded: false });
                patterns.push(form);
            }
            for form in views::inside_base64(known.value.as_bytes()).filter(|form| form.len() >= SHORTEST) {
                let web: Vec<u8> = form
                    .iter()
                    .map(|byte| match byte {
                        b'+' => b'-',
                        b'/' => b'_',
                        _ => *byte,
                    })
                    .collect();
                for form in [Some(form.clone()), (web != form).then_some(web)].into_iter().flatten() {
                    forms.push(Form { value, encoded: true });
                    patterns.push(form);
                }
            }
        }
        let kind = if patterns.len() < 2_000 { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
        let built = AhoCorasick::builder().kind(Some(kind)).match_kind(MatchKind::Standard).build(&patterns);
        Known { values, forms, automaton: built.ok().filter(|_| !patterns.is_empty()) }
    }

    /// Calls `found` with the span of each and its variable.
    pub(super) fn find<'a>(&'a self, text: &[u8], mut found: impl FnMut(Range<usize>, &'a KnownValue)) {
        let Some(automaton) = &self.automaton else { return };
        for hit in automaton.find_overlapping_iter(text) {
            let form = &self.forms[hit.pattern().as_usize()];
            let known = &self.values[form.value];
            if form.encoded {
                let run = views::base64_run(text, hit.start());
                let span = if run.len() <= 4_096 { run } else { hit.range() };
                found(span, known);
                continue;
            }
            let word =
                |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
            let inside = word(hit.start().checked_sub(1).and_then(|at| text.get(at)))
                && word(text.get(hit.start()))
                || word(text.get(hit.end())) && word(text.get(hit.end() - 1));
            if known.value.len() < STANDS_ALONE && inside {
                continue;
            }
            found(hit.range(), known);
        }
    }

    /// Where any of the values may stand, as quickly as can be.
    pub(super) fn places<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
        self.automaton
            .iter()
            .flat_map(move |automaton| automaton.find_overlapping_iter(text))
            .map(|hit| hit.range())
    }

    pub(super) fn values(&self) -> &[KnownValue] {
        &self.values
    }
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
    add(value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_that_no_text_holds_by_chance_are_looked_for() {
        let values = |name, value| worth_knowing(name, value).len();
        for (name, value) in [
            ("LANG", "en_US.UTF-8"),
            ("HOME", "/home/ada/somewhere"),
            ("API_KEY", "changeme"),
            ("API_KEY", "your-api-key-here"),
            ("DB_PASSWORD", "postgres"),
            ("DB_PASSWORD", "short1"),
            ("SESSION_TOKEN", "c137e379-838e-4509-8148-16b407691758"),
            ("MAX_TOKENS", "200000000"),
            ("SSH_AUTH_SOCK", "/tmp/ssh-x/agent.1"),
            ("DATABASE_URL", "postgres://localhost/app"),
            ("GREETING", "a friendly hello to all"),
            ("TOKEN_ENDPOINT", "https://login.example.org/token"),
        ] {
            assert_eq!(values(name, value), 0, "{name}={value}");
        }
        assert_eq!(values("DB_PASSWORD", "hunter2-hunter"), 1);
        assert_eq!(values("DB_PASSWORD", "correct horse battery"), 0);
        assert_eq!(values("DB_PASSWORD", "correcthorsebatterystaple"), 1);
        assert_eq!(values("X", "9fK2mQ7vLp0ZxT4sWq8R"), 1);
        assert_eq!(values("DATABASE_URL", "postgres://ada:hunter2-x@db/app"), 2);
    }

    #[test]
    fn a_short_value_inside_a_word_is_another_word() {
        let known = Known::new(worth_knowing("DB_PASSWORD", "hunter22"));
        let count = |text: &[u8]| {
            let mut count = 0;
            known.find(text, |_, _| count += 1);
            count
        };
        assert_eq!(count(b"the hunter22, said"), 1);
        assert_eq!(count(b"hunter22s"), 0);
        assert_eq!(count(b"aGVsbG8gaHVudGVyMjIgYWdhaW4="), 1, "base64");
    }
}
