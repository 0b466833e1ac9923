//! Values that are known to be secret: found in every place and every spelling.
//!
//! Finds what no rule can: passwords and connection strings. Also decides which values are worth looking
//! for: a common word or a path would be found everywhere.

use std::ops::Range;

use aho_corasick::Match;

use super::parts::parts;
use super::search::PatternSearch;
use super::spelled::{self, Writing};
use super::spellings::{Noticed, noticed};
use super::{dumps, entities, looks, made_of_words, names, utf16, views};

/// A value, and the variable that holds it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownValue {
    /// The variable's name.
    pub name: String,
    /// The value.
    pub value: String,
    /// Whether it is all that the variable holds, as it holds it; else it is a part of that, or how it may be written.
    pub is_whole: bool,
}

/// Values shorter than this are found by chance.
const SHORTEST: usize = 8;

/// Shorter values than this must be alone, not within a word; so must those that are only words.
const STANDS_ALONE: usize = 16;

/// Returns what to look for, given a variable: its value, and the parts of it that are secrets by themselves.
pub fn worth_knowing(name: &str, value: &str) -> Vec<KnownValue> {
    let value = value.trim();
    if value.len() > 16 << 10 {
        return Vec::new();
    }
    let make =
        |part: &str| KnownValue { name: name.to_owned(), value: part.to_owned(), is_whole: part == value };
    let mut all: Vec<KnownValue> =
        is_worth_knowing(name, value, false).then(|| make(value)).into_iter().collect();
    let parts = parts(name, value).into_iter();
    let parts = parts.filter(|part| is_worth_knowing(&part.name, &part.value, part.is_password));
    for part in parts {
        // The variable's name is the one that can be set.
        if all.iter().all(|one| one.value != part.value) {
            all.push(make(&part.value));
        }
    }
    all
}

fn is_worth_knowing(name: &str, value: &str, is_password: bool) -> bool {
    if is_password {
        return value.len() >= SHORTEST && !looks::is_stand_in(value);
    }
    if let Some(password) = password_of(value) {
        return !looks::is_stand_in(password) && password.len() >= 6;
    }
    let is_place = |text: &str| {
        ["/", "~", "./", "../", "file:"].iter().any(|start| text.starts_with(start)) || text.contains("://")
    };
    if made_of_words::is_password(name, value) {
        return true;
    }
    if value.len() < SHORTEST || is_place(value) || looks::is_stand_in(value) || looks::is_id(value) {
        return false;
    }
    if names::is_secret_name(name) {
        return !made_of_words::is_usual(value)
            && (value.len() >= 20 && !value.contains(' ') || looks::classes(value) >= 2 && !is_words(value));
    }
    value.len() >= 16 && !is_listed(value) && looks::is_random(value) && !is_of_a_commit(name, value)
}

/// A hash, and its name says of what: it stands in texts that are not about it.
fn is_of_a_commit(name: &str, value: &str) -> bool {
    const OF: [&str; 8] = ["sha", "commit", "rev", "hash", "digest", "checksum", "etag", "fingerprint"];
    let name = name.to_ascii_lowercase();
    value.bytes().all(|byte| byte.is_ascii_hexdigit()) && OF.iter().any(|word| name.contains(word))
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

/// Returns what to look for everywhere, given a secret as it was found in one place: the text as it is
/// there, and its decoded form.
pub fn worth_remembering(name: &str, found: &[u8]) -> Vec<KnownValue> {
    let Ok(text) = std::str::from_utf8(found) else { return Vec::new() };
    let decoded = |view: views::DecodedText| String::from_utf8(view.bytes).ok();
    let printable = |bytes: Vec<u8>| {
        String::from_utf8(bytes).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
    };
    let is_base64 = found.len().is_multiple_of(4)
        && found.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte));
    let mut all = vec![text.to_owned()];
    all.extend(views::unpercented(found).and_then(decoded));
    all.extend(found.contains(&b'\\').then(|| views::unescaped(found)).and_then(decoded));
    all.extend(is_base64.then(|| views::base64(found)).and_then(printable));
    all.extend(found.contains(&b'&').then(|| entities::without_entities(text)));
    all.extend(utf16::decoded(found).and_then(decoded));
    all.sort();
    all.dedup();
    let is_whole = all.len() == 1;
    // A line end belongs to a private key, which is found by its shape.
    let worth = |value: &String| {
        (SHORTEST..=2_048).contains(&value.len())
            && !value.contains('\n')
            && looks::look(value) > looks::ValueLook::Plain
    };
    all.into_iter().filter(worth).map(|value| KnownValue { name: name.to_owned(), value, is_whole }).collect()
}

/// Finds the values.
pub(super) struct Known {
    values: Vec<KnownValue>,
    /// Which of them were only seen in what is searched.
    seen: Vec<bool>,
    forms: Vec<KnownForm>,
    search: Option<PatternSearch>,
}

struct KnownForm {
    value: usize,
    /// Whether it may be within a word: no text holds it by chance.
    within: bool,
    noticed: Noticed,
}

/// How deep base64 is looked into.
const DEPTH: usize = 2;

/// The longest base64 that is redacted whole.
const LONGEST_RUN: usize = 4 << 10;

/// A value that was found.
pub(super) struct Sighting<'a> {
    pub(super) span: Range<usize>,
    pub(super) value: &'a KnownValue,
    /// Whether it was only seen in what is searched, and is in no variable.
    pub(super) seen: bool,
}

impl Sighting<'_> {
    /// What the placeholder calls it.
    pub(super) fn kind(&self) -> &'static str {
        if self.seen { "seen" } else { "known" }
    }
}

impl Known {
    /// Looks for values of variables, and for values that were seen.
    pub(super) fn new(known: Vec<KnownValue>, seen: Vec<KnownValue>) -> Known {
        let mut all: Vec<(KnownValue, bool)> = known.into_iter().map(|value| (value, false)).collect();
        all.extend(seen.into_iter().map(|value| (value, true)));
        all.sort_by(|(a, a_seen), (b, b_seen)| {
            (&a.value, a_seen, !a.is_whole, &a.name).cmp(&(&b.value, b_seen, !b.is_whole, &b.name))
        });
        all.dedup_by(|(a, _), (b, _)| a.value == b.value);
        let (values, seen): (Vec<KnownValue>, Vec<bool>) = all.into_iter().unzip();
        let mut forms = Vec::new();
        let mut patterns = Vec::new();
        for (value, known) in values.iter().enumerate() {
            let is_text = || is_words(&known.value) && looks::look(&known.value) == looks::ValueLook::Plain;
            let within = known.value.len() >= STANDS_ALONE && !is_text();
            for (pattern, noticed) in noticed(&known.value) {
                forms.push(KnownForm { value, within, noticed });
                patterns.push(pattern);
            }
        }
        Known { values, seen, forms, search: PatternSearch::new(patterns) }
    }

    /// Says whether it looks for nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.search.is_none()
    }

    /// Finds the patterns.
    fn hits<'a>(&'a self, text: &'a [u8], tell: &'a mut dyn FnMut(u64)) -> impl Iterator<Item = Match> + 'a {
        self.search.as_ref().map(|search| search.hits(text, tell)).into_iter().flatten()
    }

    /// Calls `found` with each.
    pub(super) fn find<'a>(&'a self, text: &[u8], mut found: impl FnMut(Sighting<'a>)) {
        self.find_within(text, DEPTH, &mut found);
    }

    fn find_within<'a>(&'a self, text: &[u8], depth: usize, found: &mut dyn FnMut(Sighting<'a>)) {
        let mut decoded = 0..0;
        // How far a code was decoded for nothing, for each place in a group of four, and for how long a value.
        let mut tried = [(0, 0); 4];
        for hit in self.hits(text, &mut |_| ()) {
            let form = &self.forms[hit.pattern().as_usize()];
            let value = &self.values[form.value];
            let span = match &form.noticed {
                Noticed::Encoded(_) if depth == 0 || decoded.contains(&hit.start()) => None,
                Noticed::Encoded(first)
                    if hit.start() < tried[(hit.start() + 4 - first) % 4].0
                        && value.value.len() <= tried[(hit.start() + 4 - first) % 4].1 =>
                {
                    None
                }
                Noticed::Encoded(first) => {
                    // The value may be escaped, and coded once more.
                    let around = LONGEST_RUN.min(value.value.len() * 6 + 48);
                    let view = views::base64_around(text, hit.start(), *first, around);
                    tried[(hit.start() + 4 - first) % 4] = (hit.start() + around / 2, value.value.len());
                    self.find_within(&view.bytes, depth - 1, &mut |one| {
                        decoded = whole_code(text, view.span(&one.span));
                        found(Sighting { span: decoded.clone(), ..one });
                    });
                    None
                }
                Noticed::Whole => Some(hit.range()),
                Noticed::Part(part, writing) => follow(text, hit.range(), value, part, *writing),
            };
            let is_word =
                || !form.within && !matches!(form.noticed, Noticed::Part(_, Writing::Hex | Writing::Decimal));
            if let Some(span) = span.filter(|span| !is_word() || !is_inside(text, span)) {
                found(Sighting { span, value, seen: self.seen[form.value] });
            }
        }
    }

    /// Finds, as quickly as possible, where any of the values may be, in raw JSON too; with how much of the text around it may
    /// belong to it. `tell` is told how far it is.
    pub(super) fn places<'a>(
        &'a self,
        text: &'a [u8],
        tell: &'a mut dyn FnMut(u64),
    ) -> impl Iterator<Item = (Range<usize>, usize)> + 'a {
        self.hits(text, tell).filter_map(move |hit| {
            let form = &self.forms[hit.pattern().as_usize()];
            let value = &self.values[form.value];
            let may = match &form.noticed {
                // What is short is there by chance.
                Noticed::Part(part, writing) if *writing != Writing::Escaped || part.len() < SURE => {
                    follow(text, hit.range(), value, part, *writing).is_some()
                }
                Noticed::Encoded(_) if hit.len() < SURE => views::has_base64_run(text, hit.start(), 16),
                _ => true,
            };
            may.then(|| (hit.range(), value.value.len() * 6))
        })
    }

    pub(super) fn values(&self) -> impl Iterator<Item = (&KnownValue, bool)> {
        self.values.iter().zip(self.seen.iter().copied())
    }
}

/// How much of a value is there by chance in no text.
const SURE: usize = 7;

/// Follows a value from a part of it that was noticed; `None` if the rest is not there, or all of it is there as it is.
fn follow(
    text: &[u8],
    hit: Range<usize>,
    value: &KnownValue,
    part: &Range<usize>,
    writing: Writing,
) -> Option<Range<usize>> {
    let bytes = value.value.as_bytes();
    spelled::around(text, &hit, bytes, part, writing).filter(|span| span.len() > bytes.len())
}

/// Returns all of the base64 that a part of it is in, unless it is long.
fn whole_code(text: &[u8], part: Range<usize>) -> Range<usize> {
    let (first, last) = (part.start, part.end.max(part.start + 1) - 1);
    let (before, after) = (dumps::run_over_lines(text, first), dumps::run_over_lines(text, last));
    let start = if first - before.start.min(first) <= LONGEST_RUN { before.start.min(first) } else { first };
    let end =
        if after.end.max(part.end) - part.end <= LONGEST_RUN { after.end.max(part.end) } else { part.end };
    start..end
}

/// Whether what was found continues as a word.
fn is_inside(text: &[u8], hit: &Range<usize>) -> bool {
    let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    word(hit.start.checked_sub(1).and_then(|at| text.get(at))) && word(text.get(hit.start))
        || word(text.get(hit.end)) && word(text.get(hit.end - 1))
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
        assert_eq!(values("DB_PASSWORD", "correct horse battery"), 1);
        assert_eq!(values("DB_PASSWORD", "correcthorsebatterystaple"), 1);
        assert_eq!(values("X", "9fK2mQ7vLp0ZxT4sWq8R"), 1);
        assert_eq!(values("DATABASE_URL", "postgres://ada:hunter2-x@db/app"), 2);
        assert_eq!(values("DATABASE_URL", "postgres://ada:correcthorse@db/app"), 2);
        assert_eq!(values("GITHUB_SHA", "3f786850e387550fdab836ed7e6dc881de23001b"), 0);
    }

    #[test]
    fn the_secrets_in_a_value_are_known_alone() {
        let token = ["q8Zr2LkPw7", "XvTn4BsYd9Fh3K"].concat();
        for (name, value) in [
            ("Authorization", format!("Bearer {token}")),
            ("AUTH_HEADER", format!("token {token}")),
            ("ANTHROPIC_CUSTOM_HEADERS", format!("X-Trace: on\nX-Api-Key: {token}")),
            ("API_TOKEN", format!("\"{token}\"")),
            ("CREDENTIALS", format!("{{\"user\":\"ada\",\"keys\":[{{\"secret\":\"{token}\"}}]}}")),
            ("DATABASE_URL", format!("postgres://app:{}@db/app", token.replace('k', "%6B"))),
            ("BROKERS", format!("amqp://a:other-pass-1@h1,amqp://b:{token}@h2")),
            ("SENTRY_DSN", format!("https://{token}@o1.ingest.example.org/2")),
            ("CONNECTION_STRING", format!("Host=db;Username=ada;Password={token}")),
            ("CALLBACK", format!("https://example.org/x?private_token={token}&y=1")),
            ("NPM_AUTH", format!("ada:{token}")),
            ("JAVA_OPTS", format!("-Xmx1g -Ddb.password={token} -Dx=y")),
        ] {
            let known = worth_knowing(name, &value);
            assert!(known.iter().any(|one| one.value == token), "{name}={value}");
        }
        for (name, value) in [
            ("LS_COLORS", "rs=0:di=01;34:ln=01;36:mh=00:pi=40;33:so=01;35:do=01;35"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("GREETING", "correct horse battery"),
            ("AUTH_METHODS", "bearer basic digest"),
        ] {
            let known: Vec<String> = worth_knowing(name, value).into_iter().map(|one| one.value).collect();
            assert!(known.is_empty(), "{name}: {known:?}");
        }
    }

    #[test]
    fn a_short_value_inside_a_word_is_another_word() {
        let known = Known::new(worth_knowing("DB_PASSWORD", "hunter22"), Vec::new());
        let count = |text: &[u8]| {
            let mut count = 0;
            known.find(text, |_| count += 1);
            count
        };
        assert_eq!(count(b"the hunter22, said"), 1);
        assert_eq!(count(b"hunter22s"), 0);
        let words = Known::new(worth_knowing("DB_PASSWORD", "correct horse battery"), Vec::new());
        let mut found = Vec::new();
        words.find(b"incorrect horse battery, correct horse battery, correct horse batterys", |one| {
            found.push((one.span.start, one.span.end))
        });
        assert_eq!(found, [(25, 46)]);
        assert_eq!(count(b"aGVsbG8gaHVudGVyMjIgYWdhaW4="), 1, "base64");
    }

    #[test]
    fn a_value_is_known_where_a_line_ends_within_it() {
        let value = ["q7Xw2Lp9Tz", "4mVb8Kd3Rs"].concat();
        let known = Known::new(Vec::new(), worth_remembering("API_TOKEN", value.as_bytes()));
        for at in 1..value.len() {
            let (head, tail) = value.split_at(at);
            for (between, whole) in
                [("\n", true), ("\n    ", true), ("\\\n", true), ("\r\n> ", true), ("\nx", false)]
            {
                let text = format!("say {head}{between}{tail}.");
                let mut spans = Vec::new();
                known.find(text.as_bytes(), |one| spans.push(one.span));
                let expected = 4..4 + value.len() + between.len();
                assert_eq!(spans.contains(&expected), whole, "{text:?}: {spans:?}");
            }
        }
    }
}
