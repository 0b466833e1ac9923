//! Finding secrets in texts and JSON records, and taking them out. Pure.
//!
//! Three layers: values that are known (`known`), tokens whose vendors gave them a shape
//! (`vendors`, `rules`), and values that look random under a secret's name (`named`). JSON is
//! decoded before it is searched. Bytes outside a replaced secret are never changed, and a
//! valid JSON record stays one. Which secrets go, and what they become, the caller decides.

mod json;
mod known;
mod named;
mod placeholder;
mod rules;
mod vendors;
mod views;

use std::ops::Range;

use self::json::{Exempt, LEFT_OUT};
use self::known::Known;
use self::views::View;

pub use self::known::{KnownValue, spellings, worth_knowing};
pub use self::named::is_secret_name;
pub use self::placeholder::{fill, id, is_id, placeholder};
pub use self::vendors::VERSION;

/// A secret that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it stands.
    pub span: Range<usize>,
    /// What it is: a vendor's kind, `known`, or `secret`.
    pub kind: &'static str,
    /// Whether it is one for certain; else its name and its look say so.
    pub sure: bool,
    /// The variable that held it, as far as that is known.
    pub name: Option<String>,
}

/// A secret about to be taken out.
pub struct Hit<'a> {
    /// What was found.
    pub finding: &'a Finding,
    /// The secret, decoded.
    pub value: &'a [u8],
    /// The line it stands in, counted from 0.
    pub line: usize,
}

/// Decides what becomes of a secret: what replaces it, or nothing if it stays.
pub type Decide<'a> = dyn FnMut(&Hit<'_>) -> Option<String> + 'a;

/// How many views of views are looked at.
const DEPTH: usize = 2;

/// How far around a place where a secret may begin a text is looked at: names, signs and quotes
/// stand before it, and it goes on to a blank in any case.
const BEFORE: usize = 1 << 10;
const NEAR: usize = 4 << 10;

/// Finds secrets.
pub struct Scanner {
    known: Known,
}

impl Scanner {
    /// Prepares a scanner that also looks for these values.
    pub fn new(values: Vec<KnownValue>) -> Scanner {
        Scanner { known: Known::new(values) }
    }

    /// Returns the values that it looks for.
    pub fn values(&self) -> &[KnownValue] {
        self.known.values()
    }

    /// Finds the secrets of a text: disjoint, in order.
    pub fn find(&self, text: &[u8]) -> Vec<Finding> {
        let mut places = Vec::new();
        rules::candidates(text, |hit, reach| places.push((hit, reach)));
        places.extend(self.known.places(text).map(|hit| (hit, NEAR)));
        places.sort_unstable_by_key(|(hit, _)| hit.start);
        let mut findings = Vec::new();
        for part in parts(text, &places) {
            let start = part.start;
            self.look(&text[part], DEPTH, &|span| start + span.start..start + span.end, &mut findings);
        }
        merged(findings)
    }

    /// Looks at a text and at its other views; `map` brings spans back to where they count.
    fn look(
        &self,
        text: &[u8],
        depth: usize,
        map: &dyn Fn(Range<usize>) -> Range<usize>,
        findings: &mut Vec<Finding>,
    ) {
        let name_at = |at: usize| named::name_before(text, at);
        rules::find(text, &mut |kind, span, sure| {
            let name = name_at(span.start);
            findings.push(Finding { span: map(span), kind, sure, name });
        });
        self.known.find(text, |span, known| {
            let name = Some(known.name.clone());
            findings.push(Finding { span: map(span), kind: "known", sure: true, name });
        });
        if depth == 0 {
            return;
        }
        let mut through = |view: View| {
            self.look(&view.bytes, depth - 1, &|span| map(view.span(&span)), findings);
        };
        views::uncoloured(text).into_iter().for_each(&mut through);
        views::unpercented(text).into_iter().for_each(&mut through);
        if views::hides(text) {
            through(views::unescaped(text));
        }
    }

    /// Takes the secrets out of a text; `None` if nothing changes.
    pub fn redact_text(&self, text: &[u8], decide: &mut Decide<'_>) -> Option<Vec<u8>> {
        let mut changes = Vec::new();
        let (mut line, mut counted) = (0, 0);
        for finding in self.find(text) {
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
        rules::candidates(lines, |hit, _| places.push(hit.start));
        places.extend(self.known.places(lines).map(|hit| hit.start));
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
            let mut findings = self.find(decoded);
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

    /// Looks at a value together with the key that it stands under.
    fn find_under(&self, key: &[u8], value: &[u8]) -> Vec<Finding> {
        let secret = std::str::from_utf8(key).is_ok_and(is_secret_name);
        if !secret || value.len() > 1_024 {
            return Vec::new();
        }
        let before = key.len() + 1;
        let text = [key, b"=", value].concat();
        let shift = |finding: Finding| {
            let span = finding.span.start.checked_sub(before)?..finding.span.end.checked_sub(before)?;
            Some(Finding { span, ..finding })
        };
        self.find(&text).into_iter().filter_map(shift).collect()
    }
}

/// Returns the parts of a text that hold these places, each with how far a secret may go on behind
/// it: disjoint, in order, cut at blanks only.
fn parts(text: &[u8], places: &[(Range<usize>, usize)]) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (hit, reach) in places {
        let to = hit.end.max(hit.start + reach).min(text.len());
        let done = parts.last().map_or(0, |part| part.end);
        if to <= done {
            continue;
        }
        let end = to + text[to..].iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        let from = hit.start.saturating_sub(BEFORE);
        // Without a blank since the last part it goes on.
        let blank = text.get(done..from).and_then(|before| before.iter().rposition(u8::is_ascii_whitespace));
        match (blank, parts.last_mut()) {
            (Some(blank), _) => parts.push(done + blank + 1..end),
            (None, Some(last)) => last.end = end,
            (None, None) => parts.push(0..end),
        }
    }
    parts
}

fn is_json(record: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(record).is_ok()
}

/// Makes one finding of those that overlap: the surer kind, then the longer one, names it.
fn merged(mut findings: Vec<Finding>) -> Vec<Finding> {
    let weight = |finding: &Finding| (finding.sure, finding.kind != "known", finding.span.len());
    findings.sort_by_key(|finding| finding.span.start);
    let mut all: Vec<Finding> = Vec::new();
    for finding in findings {
        match all.last_mut() {
            Some(last) if finding.span.start < last.span.end => {
                let span = last.span.start..last.span.end.max(finding.span.end);
                let known = |finding: &Finding| finding.name.clone().filter(|_| finding.kind == "known");
                let name = known(last).or(known(&finding)).or(last.name.clone()).or(finding.name.clone());
                if weight(&finding) > weight(last) {
                    *last = finding;
                }
                (last.span, last.name) = (span, name);
            }
            _ => all.push(finding),
        }
    }
    all
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
