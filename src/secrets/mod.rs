//! Finding secrets in texts and JSON records, and redacting them. Pure.
//!
//! Three layers: values that are known (`known`), tokens whose vendors gave them a shape (`vendor_rules`,
//! `rule_matching`), and values that look random under a secret's name (`names`, `judge`). JSON is decoded before it
//! is searched. Bytes outside a replaced secret are never changed, and a valid JSON record stays valid. The
//! caller decides which secrets are replaced, and by what.

mod coding;
mod dumps;
mod entities;
mod finding;
mod identifiers;
mod json;
mod judge;
mod keys;
mod known;
mod looks;
mod made_of_words;
mod names;
mod parts;
mod placeholder;
mod rule_matching;
mod scanner;
mod search;
mod spelled;
mod spellings;
mod syntax;
mod triggers;
mod utf16;
mod vendor_rules;
mod views;

use std::collections::BTreeMap;
use std::ops::Range;

use self::finding::merged;
use self::json::{Exempt, LEFT_OUT};
use self::judge::Closeness;
use self::known::Known;
use self::syntax::assigned::name_before;
use self::views::DecodedText;
use crate::base::digest::ObjectId;

pub use self::coding::Coding;
pub use self::entities::without_entities;
pub use self::finding::Finding;
pub use self::known::{KnownValue, worth_knowing, worth_remembering};
pub use self::names::is_secret_name;
pub use self::placeholder::{fill, id, is_id, placeholder, placeholders};
pub use self::spellings::spellings;
pub use self::vendor_rules::{VERSION, has_own_shape};

/// A secret about to be taken out.
pub struct Hit<'a> {
    /// What was found.
    pub finding: &'a Finding,
    /// The secret, decoded.
    pub value: &'a [u8],
    /// The line it is in, counted from 0.
    pub line: usize,
}

/// Decides what becomes of a secret: what replaces it, or nothing if it stays.
pub type Decide<'a> = dyn FnMut(&Hit<'_>) -> Option<String> + 'a;

/// How many views of views are looked at.
const DEPTH: usize = 2;

/// How many views of a text there are.
const VIEWS: u64 = 5;

/// How many times a text is gone through when it is looked at closely, with its views and theirs.
const fn passes(depth: usize) -> u64 {
    if depth == 0 { 2 } else { 2 + VIEWS * passes(depth - 1) }
}

/// How much longer than anything else it takes to search noise.
pub const WORK_OF_NOISE: u64 = passes(DEPTH);

/// How much text is searched around a place where a secret may begin. Names, signs and quotes are
/// before it. The search always continues to a blank.
const BEFORE: usize = 1 << 10;
const NEAR: usize = 4 << 10;

/// Keys of what a program printed or a person said.
const SHOWN: [&[u8]; 5] = [b"content", b"text", b"stdout", b"output", b"result"];

/// What a packed file is called that holds a secret: it is no value that a person could give.
pub const PACKED: &str = "packed-file";

/// The largest packed file that is looked into, in bytes: as a whole, it must be a secret that can be kept.
const MOST_PACKED: usize = 1 << 20;

/// Finds secrets.
pub struct Scanner {
    known: Known,
}

impl Scanner {
    /// Prepares a scanner that also looks for these values.
    pub fn new(values: Vec<KnownValue>) -> Scanner {
        Scanner { known: Known::new(values, Vec::new()) }
    }

    /// Prepares the same that also looks for values that were seen in what is to be searched.
    #[must_use]
    pub fn with_seen(&self, seen: Vec<KnownValue>) -> Scanner {
        let (old, known): (Vec<_>, Vec<_>) =
            self.known.values().map(|(value, seen)| (value.clone(), seen)).partition(|(_, seen)| *seen);
        let seen = old.into_iter().map(|(value, _)| value).chain(seen).collect();
        Scanner { known: Known::new(known.into_iter().map(|(value, _)| value).collect(), seen) }
    }

    /// Returns the values that it looks for, and of each whether it was only seen in what is searched.
    pub fn values(&self) -> impl Iterator<Item = (&KnownValue, bool)> {
        self.known.values()
    }

    /// Prepares the same that also looks for more values of variables.
    #[must_use]
    pub fn with_known(&self, more: Vec<KnownValue>) -> Scanner {
        let (seen, mut known): (Vec<_>, Vec<_>) =
            self.known.values().map(|(value, seen)| (value.clone(), seen)).partition(|(_, seen)| *seen);
        known.extend(more.into_iter().map(|value| (value, false)));
        let values = |all: Vec<(KnownValue, bool)>| all.into_iter().map(|(value, _)| value).collect();
        Scanner { known: Known::new(values(known), values(seen)) }
    }

    /// Finds the secrets of a text: disjoint, in order.
    pub fn find(&self, text: &[u8]) -> Vec<Finding> {
        self.find_telling(text, &mut |_| ())
    }

    /// The same; `tell` is told how much of the text was searched, and in the end all of it.
    pub fn find_telling(&self, text: &[u8], tell: &mut dyn FnMut(u64)) -> Vec<Finding> {
        let mut findings = self.find_in_telling(text, tell);
        if findings.is_empty()
            && let Some(span) = alone(text)
        {
            let value = coding::itself(&text[span.clone()]);
            findings.push(Finding { span, kind: "secret", sure: false, name: None, value });
        }
        findings
    }

    fn find_in(&self, text: &[u8]) -> Vec<Finding> {
        self.find_in_telling(text, &mut |_| ())
    }

    fn find_in_telling(&self, text: &[u8], tell: &mut dyn FnMut(u64)) -> Vec<Finding> {
        let unpacked = if text.len() <= MOST_PACKED { dumps::unpacked(text) } else { None };
        let mut findings = unpacked.map_or_else(Vec::new, |unpacked| self.in_packed(text, &unpacked));
        if findings.is_empty() {
            // What stands before, between and behind what is packed is searched as it is.
            findings = self.find_in_all_encodings(text, tell);
        } else {
            tell(text.len() as u64);
        }
        // In `OLD_TOKEN=NEW_TOKEN`, what stands where a name does is a secret too, and a name is shown.
        let mut judged = BTreeMap::new();
        for finding in &mut findings {
            finding.name.take_if(|name| {
                *judged.entry(name.clone()).or_insert_with_key(|name| self.is_secret_name(name))
            });
        }
        findings
    }

    /// Nothing can be taken out of a packed file alone. So only what is one for certain, or was seen elsewhere, takes out all of it.
    fn in_packed(&self, packed: &[u8], unpacked: &[u8]) -> Vec<Finding> {
        let found = self
            .find_in_all_encodings(unpacked, &mut |_| ())
            .into_iter()
            .find(|one| one.sure || one.kind == "seen");
        found
            .map(|one| Finding { span: 0..packed.len(), kind: PACKED, value: None, ..one })
            .into_iter()
            .collect()
    }

    fn is_secret_name(&self, name: &str) -> bool {
        !self.find_in_all_encodings(name.as_bytes(), &mut |_| ()).is_empty()
    }

    /// Looks for what was appended to a text in another encoding, too.
    fn find_in_all_encodings(&self, text: &[u8], tell: &mut dyn FnMut(u64)) -> Vec<Finding> {
        let mut findings = self.find_in_one_encoding(text, tell);
        let views = [utf16::decoded(text), utf16::part(text)];
        if views.iter().all(Option::is_none) {
            return findings;
        }
        let mut whole: Vec<Range<usize>> = Vec::new();
        for view in views.iter().flatten() {
            let found = self.find_in_one_encoding(&view.bytes, &mut |_| ()).into_iter();
            let found = found.map(|one| Finding { span: view.span(&one.span), ..one });
            // A part of a text whose bytes come in another order is read as if it began one byte later.
            let is_there = |one: &Finding| {
                whole.iter().any(|whole| whole.start <= one.span.start && one.span.end <= whole.end + 1)
            };
            let found: Vec<Finding> = found.filter(|one| !is_there(one)).collect();
            whole.extend(found.iter().map(|one| one.span.clone()));
            findings.extend(found);
        }
        merged(findings)
    }

    fn find_in_one_encoding(&self, text: &[u8], tell: &mut dyn FnMut(u64)) -> Vec<Finding> {
        let all = text.len() as u64;
        // A text is gone through for what may be a secret and for known values, and closely near both. That is mostly little, but
        // of noise it is nearly all.
        let quick = if self.known.is_empty() { 1 } else { 2 };
        let close = if is_noise(text) { WORK_OF_NOISE } else { quick };
        let mut told = 0;
        let mut part_of = |more: u64, times: u64| {
            let part = more * times / (quick + close);
            told += part;
            tell(part);
        };
        let mut places = Vec::new();
        triggers::candidates(text, &mut |more| part_of(more, 1), |place| {
            places.push((
                place.hit.start.saturating_sub(place.back),
                place.hit.end.max(place.hit.start + place.reach),
            ));
        });
        places.extend(
            self.known.places(text, &mut |more| part_of(more, 1)).map(|(hit, around)| {
                (hit.start.saturating_sub(BEFORE.max(around)), hit.end + NEAR.max(around))
            }),
        );
        places.sort_unstable();
        let mut findings = Vec::new();
        for part in triggers::parts(text, &places) {
            let start = part.start;
            let map = |span: Range<usize>| start + span.start..start + span.end;
            let mut looked_at = BTreeMap::new();
            let tell = &mut |more| part_of(more, close);
            self.look(&text[part], DEPTH, &map, tell, &mut looked_at, &mut findings);
        }
        tell(all.saturating_sub(told));
        let mut findings = merged(findings);
        // What was taken out before is no secret, whatever stands around it.
        let taken_out: Vec<Range<usize>> = placeholder::places(text).collect();
        findings.retain(|one| {
            !taken_out.iter().any(|place| one.span.start < place.end && place.start < one.span.end)
        });
        findings
    }

    /// Looks at a text and at its other views; `map` brings spans back to where they count, and `tell` is told how far it is in the
    /// text itself.
    fn look(
        &self,
        text: &[u8],
        depth: usize,
        map: &dyn Fn(Range<usize>) -> Range<usize>,
        tell: &mut dyn FnMut(u64),
        looked_at: &mut BTreeMap<ObjectId, usize>,
        findings: &mut Vec<Finding>,
    ) {
        let all = text.len() as u64;
        let steps = passes(depth);
        scanner::find(text, &self.known, &mut |more| tell(more / steps), &mut |read| {
            let name = read.name.map(str::to_owned).or_else(|| name_before(text, read.span.start));
            let value = read.decoded.as_deref().unwrap_or(&text[read.span.clone()]);
            let value = coding::itself(value);
            findings.push(Finding { span: map(read.span), kind: read.kind, sure: read.sure, name, value });
        });
        self.known.find(text, |one| {
            let name = Some(one.value.name.clone()).filter(|name| !name.is_empty());
            let value = one.value.is_whole.then(|| one.value.value.clone());
            let (kind, sure) = (one.kind(), !one.seen);
            findings.push(Finding { span: map(one.span), kind, sure, name, value });
        });
        tell(all / steps);
        if depth == 0 {
            return;
        }
        let mut through = |view: Option<DecodedText>| {
            // Of a view, there are views too.
            let within = passes(depth - 1);
            // In whichever order two codes are undone, what comes of it is mostly the same.
            let view = view.filter(|view| {
                let before = looked_at.entry(ObjectId::of(&view.bytes)).or_default();
                std::mem::replace(before, depth.max(*before)) < depth
            });
            let Some(view) = view else { return tell(all * within / steps) };
            let size = (view.bytes.len() as u64).max(1);
            let mut tell = |more: u64| tell(more * all * within / (steps * size));
            self.look(&view.bytes, depth - 1, &|span| map(view.span(&span)), &mut tell, looked_at, findings);
        };
        through(views::uncoloured(text));
        through(views::unpercented(text));
        through(views::uncareted(text));
        through(views::continued(text));
        through(views::hides(text).then(|| views::unescaped(text)));
    }

    /// Takes the secrets out of a text; `None` if nothing changes.
    pub fn redact_text(&self, text: &[u8], decide: &mut Decide<'_>) -> Option<Vec<u8>> {
        self.redact_text_telling(text, &mut |_| (), decide)
    }

    /// The same; `tell` is told as by [`Scanner::find_telling`].
    pub fn redact_text_telling(
        &self,
        text: &[u8],
        tell: &mut dyn FnMut(u64),
        decide: &mut Decide<'_>,
    ) -> Option<Vec<u8>> {
        let mut changes = Vec::new();
        let (mut line, mut counted) = (0, 0);
        for finding in self.find_telling(text, tell) {
            line += memchr::memchr_iter(b'\n', &text[counted..finding.span.start]).count();
            counted = finding.span.start;
            let value = &text[finding.span.clone()];
            if let Some(new) = decide(&Hit { finding: &finding, value, line }) {
                changes.push((finding.span.clone(), new.into_bytes()));
            }
        }
        replaced(text, &changes)
    }

    /// Takes the secrets out of JSON records, one a line; `None` if nothing changes.
    pub fn redact_records(&self, lines: &[u8], decide: &mut Decide<'_>) -> Option<Vec<u8>> {
        let mut places = Vec::new();
        triggers::candidates(lines, &mut |_| (), |place| places.push(place.hit.start));
        places.extend(self.known.places(lines, &mut |_| ()).map(|(hit, _)| hit.start));
        // Of a text in UTF-16, every second character of ASCII is that.
        places.extend(memchr::memmem::find_iter(lines, br"\u0000"));
        places.sort_unstable();
        let mut out = Vec::new();
        let (mut copied, mut done, mut number, mut counted) = (0, 0, 0, 0);
        for place in places {
            if place < done {
                continue;
            }
            let start = memchr::memrchr(b'\n', &lines[..place]).map_or(0, |at| at + 1);
            let end = memchr::memchr(b'\n', &lines[place..]).map_or(lines.len(), |at| place + at);
            number += memchr::memchr_iter(b'\n', &lines[counted..start]).count();
            (counted, done) = (start, end);
            if let Some(line) = self.redact_record(&lines[start..end], number, decide) {
                out.extend_from_slice(&lines[copied..start]);
                out.extend_from_slice(&line);
                copied = end;
            }
        }
        if copied == 0 {
            return None;
        }
        out.extend_from_slice(&lines[copied..]);
        Some(out)
    }

    /// Takes the secrets out of one JSON document; `None` if nothing changes.
    pub fn redact_json(&self, document: &[u8], decide: &mut Decide<'_>) -> Option<Vec<u8>> {
        self.redact_record(document, 0, decide)
    }

    fn redact_record(&self, record: &[u8], line: usize, decide: &mut Decide<'_>) -> Option<Vec<u8>> {
        let read = json::read(record);
        let mut changes: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
        let mut dropped = vec![false; read.thinking.len()];
        for text in &read.texts {
            if text.exempt == Exempt::Whole || text.thinking.is_some_and(|block| dropped[block]) {
                continue;
            }
            let raw = &record[text.span.clone()];
            let view = raw.contains(&b'\\').then(|| views::unescaped(raw));
            let decoded: &[u8] = view.as_ref().map_or(raw, |view| &view.bytes);
            let mut findings = if text.key.as_ref().is_some_and(|key| SHOWN.contains(&&record[key.clone()])) {
                self.find(decoded)
            } else {
                self.find_in(decoded)
            };
            if findings.is_empty()
                && let Some(key) = &text.key
            {
                findings = self.find_under(&record[key.clone()], decoded);
            }
            for finding in findings {
                if text.exempt == Exempt::Id && (finding.kind == "known" || !finding.sure) {
                    continue;
                }
                let value = &decoded[finding.span.clone()];
                let Some(new) = decide(&Hit { finding: &finding, value, line }) else { continue };
                if let Some(block) = text.thinking {
                    dropped[block] = true;
                    changes.push((read.thinking[block].clone(), LEFT_OUT.to_vec()));
                    break;
                }
                let span = view.as_ref().map_or(finding.span.clone(), |view| view.span(&finding.span));
                let span = text.span.start + span.start..text.span.start + span.end;
                changes.push((span, new.into_bytes()));
            }
        }
        if changes.is_empty() && !is_json(record) {
            return self.redact_text(record, decide);
        }
        // A dropped block swallows what was found in it before.
        let blocks: Vec<Range<usize>> = read
            .thinking
            .iter()
            .zip(&dropped)
            .filter(|(_, dropped)| **dropped)
            .map(|(block, _)| block.clone())
            .collect();
        changes.retain(|(span, _)| {
            !blocks.iter().any(|block| block.start < span.start && span.end <= block.end)
        });
        changes.sort_by_key(|(span, _)| span.start);
        replaced(record, &changes)
    }

    /// Looks at a value together with the key that it is under.
    fn find_under(&self, key: &[u8], value: &[u8]) -> Vec<Finding> {
        let (Ok(name), Ok(text)) = (std::str::from_utf8(key), std::str::from_utf8(value)) else {
            return Vec::new();
        };
        let span = 0..value.len();
        if judge::is_secret(name, text, Closeness::Firm) {
            let name = Some(name.to_owned()).filter(|name| !self.is_secret_name(name));
            return vec![Finding { span, kind: "secret", sure: false, name, value: None }];
        }
        Vec::new()
    }
}

/// Says whether a text is none, as far as its beginning tells: what is packed, encrypted or random is looked at closely as a whole.
pub fn is_noise(text: &[u8]) -> bool {
    let start = &text[..text.len().min(4 << 10)];
    let odd = start.iter().filter(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127..)).count();
    odd > start.len() / 4
}

/// A text that is nothing but a key or two: what `master.key` of Rails holds, what `wg genkey` or `openssl rand -base64`
/// print.
fn alone(text: &[u8]) -> Option<Range<usize>> {
    let value = text.trim_ascii();
    let hex =
        value.len() == 32 && value.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
    let start = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let keys = || value.len() <= 92 && value.split(|byte| *byte == b'\n').all(is_key);
    (hex && looks::entropy(value) >= 2.8 || keys()).then(|| start..start + value.len())
}

/// Base64 of 24, 32, 48 or 64 bytes that are no text.
fn is_key(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let sign = |byte: &u8| b"+/=".contains(byte);
    let plain = line.iter().all(|byte| byte.is_ascii_alphanumeric() || sign(byte));
    let (text, is_file) = (views::base64(line), line.len() == 44);
    matches!(line.len(), 32 | 44 | 64 | 88)
        && plain
        && line.iter().any(sign)
        && (!is_file || line.ends_with(b"="))
        && text.iter().any(|byte| !byte.is_ascii_graphic() && !byte.is_ascii_whitespace())
        && std::str::from_utf8(line).is_ok_and(looks::is_random)
}

fn is_json(record: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(record).is_ok()
}

/// Copies a text with changes that are disjoint and in order; `None` if there are none.
fn replaced(text: &[u8], changes: &[(Range<usize>, Vec<u8>)]) -> Option<Vec<u8>> {
    if changes.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut copied = 0;
    for (span, new) in changes {
        out.extend_from_slice(&text[copied..span.start]);
        out.extend_from_slice(new);
        copied = span.end;
    }
    out.extend_from_slice(&text[copied..]);
    Some(out)
}
