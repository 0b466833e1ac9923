//! Finds the mentions of old paths in bytes.
//!
//! Every spelling of every old path contains one of a few needles. Those are searched for at the
//! speed of memory; only around a needle are spellings compared and their edges checked. So a
//! record without a mention costs one search, and a mention costs the same in a long record as in a
//! short one. Invariant: of the mentions that may begin at a place the longest is found, and a
//! mention whose edges don't fit hides no shorter one.

use std::cmp::Reverse;
use std::ops::Range;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use memchr::memmem;

use crate::remap::forms::Pattern;
use crate::remap::map::MapError;
use crate::remap::path_boundaries::{may_start, may_stop};

/// A mention: a pattern at a place, with edges that fit.
pub(crate) struct Mention<'a> {
    pub(crate) span: Range<usize>,
    pub(crate) pattern: &'a Pattern,
}

/// What bytes are searched: a JSON record, or plain text such as a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    Record,
    Text,
}

/// Looks for a set of patterns.
#[derive(Debug)]
pub(crate) struct Finder {
    search: AhoCorasick,
    needles: Vec<Needle>,
    ignore_case: bool,
}

/// What is known about one of the literals that are searched for.
#[derive(Clone, Debug)]
struct Needle {
    /// The patterns whose first needle it is: leftmost first, then longest.
    anchors: Vec<Anchor>,
    /// The bytes that stand before it in these patterns: tells most chance hits at once.
    before: [bool; 256],
}

impl Needle {
    const NONE: Self = Self { anchors: Vec::new(), before: [false; 256] };

    fn add(&mut self, pattern: Pattern, offset: usize) {
        match offset.checked_sub(1).and_then(|at| pattern.old.get(at)) {
            Some(byte) => {
                for byte in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
                    self.before[usize::from(byte)] = true;
                }
            }
            None => self.before = [true; 256],
        }
        self.anchors.push(Anchor { offset, pattern });
    }

    fn may_follow(&self, before: &[u8]) -> bool {
        before.last().is_none_or(|byte| self.before[usize::from(*byte)])
    }
}

/// A pattern, and where in it its first needle stands.
#[derive(Clone, Debug)]
struct Anchor {
    offset: usize,
    pattern: Pattern,
}

impl Finder {
    pub(crate) fn new(patterns: Vec<Pattern>, ignore_case: bool) -> Result<Self, MapError> {
        let words = needles(&patterns, ignore_case);
        let mut needles = vec![Needle::NONE; words.len()];
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .ascii_case_insensitive(ignore_case)
            .build(words)
            .map_err(|_| MapError::TooLarge)?;
        for pattern in patterns {
            // A pattern without a needle only stays, and nothing that changes lies inside it.
            let Some(found) = search.find(&pattern.old) else { continue };
            if let Some(needle) = needles.get_mut(found.pattern().as_usize()) {
                needle.add(pattern, found.start());
            }
        }
        for needle in &mut needles {
            needle.anchors.sort_by_key(|anchor| Reverse((anchor.offset, anchor.pattern.old.len())));
        }
        Ok(Self { search, needles, ignore_case })
    }

    /// The first mention that begins at `from` or later: the leftmost, and of those the longest.
    pub(crate) fn find(&self, hay: &[u8], from: usize, surface: Surface) -> Option<Mention<'_>> {
        if self.needles.is_empty() {
            return None;
        }
        let mut at = from;
        while at <= hay.len() {
            let found = self.search.find(Input::new(hay).range(at..))?;
            let needle = self.needles.get(found.pattern().as_usize())?;
            at = found.start() + 1;
            if !needle.may_follow(hay.get(..found.start()).unwrap_or_default()) {
                continue;
            }
            let mention = needle.anchors.iter().find_map(|anchor| {
                let start = found.start().checked_sub(anchor.offset).filter(|start| *start >= from)?;
                self.fits(hay, start, &anchor.pattern, surface)
            });
            if mention.is_some() {
                return mention;
            }
        }
        None
    }

    fn fits<'a>(
        &self,
        hay: &[u8],
        start: usize,
        pattern: &'a Pattern,
        surface: Surface,
    ) -> Option<Mention<'a>> {
        let span = start..start + pattern.old.len();
        let found = hay.get(span.clone())?;
        let same = if self.ignore_case {
            found.eq_ignore_ascii_case(&pattern.old)
        } else {
            found.first() == pattern.old.first() && found == pattern.old
        };
        let fits = same
            && !(pattern.text_only && surface == Surface::Record)
            && may_start(hay, span.start, pattern.edge)
            && may_stop(hay, span.end, pattern.edge, pattern.separator);
        fits.then_some(Mention { span, pattern })
    }
}

/// Words of paths that are frequent in any transcript, and so tell little.
const ORDINARY: [&str; 16] = [
    "home",
    "users",
    "user",
    "root",
    "workspace",
    "workspaces",
    "projects",
    "project",
    "tmp",
    "src",
    "code",
    "claude",
    "private",
    "file",
    "appdata",
    "userprofile",
];

/// A few literals, at least one of which stands in every pattern that changes something. None
/// contains another, so that they are found in the order in which they stand.
fn needles(patterns: &[Pattern], ignore_case: bool) -> Vec<Vec<u8>> {
    let folded = |bytes: &[u8]| {
        if ignore_case { bytes.to_ascii_lowercase() } else { bytes.to_vec() }
    };
    let mut needles: Vec<Vec<u8>> = Vec::new();
    for pattern in patterns.iter().filter(|pattern| !pattern.stays()) {
        let old = folded(&pattern.old);
        if !needles.iter().any(|needle| memmem::find(&old, needle).is_some()) {
            let needle = telling_word(&old).to_vec();
            needles.retain(|longer| memmem::find(longer, &needle).is_none());
            needles.push(needle);
        }
    }
    needles
}

/// The longest word of a pattern, if possible not an ordinary one. No form escapes letters and
/// digits, so other spellings of the path are likely to hold it too. Without a word, all of it.
fn telling_word(pattern: &[u8]) -> &[u8] {
    let ordinary = |word: &[u8]| ORDINARY.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    pattern
        .split(|byte| !byte.is_ascii_alphanumeric())
        .filter(|word| word.len() >= 3)
        .max_by_key(|word| (!ordinary(word), word.len()))
        .unwrap_or(pattern)
}
