//! Values that are known to be secret: found in every place and every spelling.
//!
//! Finds what no rule can: passwords and connection strings. Also decides which values are worth looking
//! for: a common word or a path would be found everywhere.

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

/// Shorter values than this must be alone, not within a word.
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
    let worth = if names::is_secret_name(name) {
        value.len() >= 20 && !value.contains(' ') || looks::classes(value) >= 2 && !is_words(value)
    } else {
        value.len() >= 16 && !is_listed(value) && looks::is_random(value)
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
    all.extend(found.contains(&b'&').then(|| {
        text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    }));
    all.sort();
    all.dedup();
    // A line end belongs to a private key, which is found by its shape.
    let worth = |value: &String| {
        (SHORTEST..=2_048).contains(&value.len())
            && !value.contains('\n')
            && looks::look(value) > looks::ValueLook::Plain
    };
    all.into_iter().filter(worth).map(|value| KnownValue { name: name.to_owned(), value }).collect()
}

/// Finds the values.
pub(super) struct Known {
    values: Vec<KnownValue>,
    /// Which of them were only seen in what is searched.
    seen: Vec<bool>,
    forms: Vec<KnownForm>,
    automaton: Option<AhoCorasick>,
}

struct KnownForm {
    value: usize,
    written: KnownSpelling,
}

/// How a value is written where a pattern is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KnownSpelling {
    /// All of it.
    Whole,
    /// In base64.
    Encoded,
    /// Its beginning, or its end. The rest may be in the lines around it.
    Head,
    Tail,
}

/// How much of a value is enough to find where it continues in another line.
const PART: usize = 8;

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
        all.sort_by(|(a, a_seen), (b, b_seen)| (&a.value, a_seen, &a.name).cmp(&(&b.value, b_seen, &b.name)));
        all.dedup_by(|(a, _), (b, _)| a.value == b.value);
        let (values, seen): (Vec<KnownValue>, Vec<bool>) = all.into_iter().unzip();
        let mut patterns = Vec::new();
        let mut forms = Vec::new();
        for (value, known) in values.iter().enumerate() {
            let mut add = |pattern: Vec<u8>, written: KnownSpelling| {
                forms.push(KnownForm { value, written });
                patterns.push(pattern);
            };
            for form in spellings(&known.value) {
                add(form, KnownSpelling::Whole);
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
                    add(form, KnownSpelling::Encoded);
                }
            }
            let bytes = known.value.as_bytes();
            if bytes.len() >= 2 * PART && bytes.is_ascii() {
                add(bytes[..PART].to_vec(), KnownSpelling::Head);
                add(bytes[bytes.len() - PART..].to_vec(), KnownSpelling::Tail);
            }
        }
        let kind = if patterns.len() < 2_000 { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
        let built = AhoCorasick::builder().kind(Some(kind)).match_kind(MatchKind::Standard).build(&patterns);
        Known { values, seen, forms, automaton: built.ok().filter(|_| !patterns.is_empty()) }
    }

    /// Calls `found` with each.
    pub(super) fn find<'a>(&'a self, text: &[u8], mut found: impl FnMut(Sighting<'a>)) {
        let Some(automaton) = &self.automaton else { return };
        for hit in automaton.find_overlapping_iter(text) {
            let form = &self.forms[hit.pattern().as_usize()];
            let value = &self.values[form.value];
            let bytes = value.value.as_bytes();
            let span = match form.written {
                KnownSpelling::Encoded => {
                    let run = views::base64_run(text, hit.start());
                    Some(if run.len() <= 4_096 { run } else { hit.range() })
                }
                KnownSpelling::Head => over_lines(text, hit.start(), bytes),
                KnownSpelling::Tail => over_lines_back(text, hit.end(), bytes),
                KnownSpelling::Whole if bytes.len() < STANDS_ALONE && is_inside(text, &hit.range()) => None,
                KnownSpelling::Whole => Some(hit.range()),
            };
            if let Some(span) = span {
                found(Sighting { span, value, seen: self.seen[form.value] });
            }
        }
    }

    /// Finds, as quickly as possible, where any of the values may be.
    pub(super) fn places<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
        self.automaton
            .iter()
            .flat_map(move |automaton| automaton.find_overlapping_iter(text))
            .map(|hit| hit.range())
    }

    pub(super) fn values(&self) -> impl Iterator<Item = (&KnownValue, bool)> {
        self.values.iter().zip(self.seen.iter().copied())
    }
}

/// Whether what was found continues as a word.
fn is_inside(text: &[u8], hit: &Range<usize>) -> bool {
    let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    word(hit.start.checked_sub(1).and_then(|at| text.get(at))) && word(text.get(hit.start))
        || word(text.get(hit.end)) && word(text.get(hit.end - 1))
}

/// How many bytes end a line and begin the next one: indents, quote signs of mails, signs of diffs,
/// continuation marks.
fn line_break(text: &[u8], at: usize) -> usize {
    let slash = usize::from(text.get(at) == Some(&b'\\'));
    let before = slash + usize::from(text.get(at + slash) == Some(&b'\r'));
    if text.get(at + before) != Some(&b'\n') {
        return 0;
    }
    let lead = text[at + before + 1..].iter().take(12).take_while(|byte| b" \t>|+".contains(byte)).count();
    before + 1 + lead
}

/// Follows a value from its beginning over line ends; `None` if it ends elsewhere or in the same line.
fn over_lines(text: &[u8], start: usize, value: &[u8]) -> Option<Range<usize>> {
    let (mut at, mut broken) = (start, false);
    for byte in value {
        if text.get(at) != Some(byte) {
            let skip = line_break(text, at);
            if skip == 0 || text.get(at + skip) != Some(byte) {
                return None;
            }
            at += skip;
            broken = true;
        }
        at += 1;
    }
    broken.then_some(start..at)
}

/// The same backwards, from where it ends.
fn over_lines_back(text: &[u8], end: usize, value: &[u8]) -> Option<Range<usize>> {
    let (mut at, mut broken) = (end, false);
    for byte in value.iter().rev() {
        if at.checked_sub(1).map(|before| text[before]) != Some(*byte) {
            let least = at.saturating_sub(16);
            // A line may end in one of several ways here: the one behind the byte that is looked for counts.
            at = (least..at).rev().find(|from| {
                let skip = line_break(text, *from);
                skip > 0
                    && *from + skip == at
                    && from.checked_sub(1).map(|before| text[before]) == Some(*byte)
            })?;
            broken = true;
        }
        at -= 1;
    }
    broken.then_some(at..end)
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
        let known = Known::new(worth_knowing("DB_PASSWORD", "hunter22"), Vec::new());
        let count = |text: &[u8]| {
            let mut count = 0;
            known.find(text, |_| count += 1);
            count
        };
        assert_eq!(count(b"the hunter22, said"), 1);
        assert_eq!(count(b"hunter22s"), 0);
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
