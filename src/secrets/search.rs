//! One pass over a text for many patterns: quick to make, and made faster once much was searched.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Match, MatchKind};

/// So many bytes make the faster search worth its while, if it has no more patterns than this.
const MUCH: usize = 2 << 20;
const MOST_FASTER: usize = 4_000;

/// A search for patterns, which may overlap.
pub(super) struct PatternSearch {
    first: AhoCorasick,
    /// The same, which takes five times as long to make.
    faster: OnceLock<Option<AhoCorasick>>,
    /// For the faster one; empty if they are too many for it.
    patterns: Vec<Vec<u8>>,
    /// How many bytes were searched.
    searched: AtomicUsize,
}

impl PatternSearch {
    /// Makes it; `None` if there are no patterns, or too many.
    pub(super) fn new(mut patterns: Vec<Vec<u8>>) -> Option<PatternSearch> {
        if patterns.is_empty() {
            return None;
        }
        let first = built(&patterns, AhoCorasickKind::ContiguousNFA)?;
        if patterns.len() > MOST_FASTER {
            patterns.clear();
        }
        Some(PatternSearch { first, faster: OnceLock::new(), patterns, searched: AtomicUsize::new(0) })
    }

    /// Finds them all, each by its number.
    pub(super) fn hits<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Match> + 'a {
        let searched = self.searched.fetch_add(text.len(), Ordering::Relaxed);
        let is_worth_it = searched >= MUCH && !self.patterns.is_empty();
        let make = || built(&self.patterns, AhoCorasickKind::DFA);
        let faster = is_worth_it.then(|| self.faster.get_or_init(make).as_ref()).flatten();
        faster.unwrap_or(&self.first).find_overlapping_iter(text)
    }
}

fn built(patterns: &[Vec<u8>], kind: AhoCorasickKind) -> Option<AhoCorasick> {
    AhoCorasick::builder().kind(Some(kind)).match_kind(MatchKind::Standard).build(patterns).ok()
}
