//! One pass over a text for many patterns: quick to make, and made faster once much was searched.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, Match, MatchKind};

use crate::base::monitor::PART;

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
    /// The length of the longest pattern.
    longest: usize,
}

impl PatternSearch {
    /// Makes it; `None` if there are no patterns, or too many.
    pub(super) fn new(mut patterns: Vec<Vec<u8>>) -> Option<PatternSearch> {
        if patterns.is_empty() {
            return None;
        }
        let first = built(&patterns, AhoCorasickKind::ContiguousNFA)?;
        let longest = patterns.iter().map(Vec::len).max().unwrap_or_default();
        if patterns.len() > MOST_FASTER {
            patterns.clear();
        }
        let (faster, searched) = (OnceLock::new(), AtomicUsize::new(0));
        Some(PatternSearch { first, faster, patterns, searched, longest })
    }

    /// Finds them all, each by its number, in the order of their ends. `tell` is told of each part of a large text that has been
    /// gone through, but for the last one.
    pub(super) fn hits<'a>(
        &'a self,
        text: &'a [u8],
        mut tell: impl FnMut(u64) + 'a,
    ) -> impl Iterator<Item = Match> + 'a {
        let searched = self.searched.fetch_add(text.len(), Ordering::Relaxed);
        let is_worth_it = searched >= MUCH && !self.patterns.is_empty();
        let make = || built(&self.patterns, AhoCorasickKind::DFA);
        let faster = is_worth_it.then(|| self.faster.get_or_init(make).as_ref()).flatten();
        let search = faster.unwrap_or(&self.first);
        // A pattern may lie across the end of a part: it counts where it ends.
        let back = self.longest.saturating_sub(1);
        (0..text.len().div_ceil(PART)).flat_map(move |number| {
            let from = number * PART;
            if number > 0 {
                tell(PART as u64);
            }
            let part = Input::new(text).range(from.saturating_sub(back)..text.len().min(from + PART));
            search.find_overlapping_iter(part).filter(move |hit| hit.end() > from)
        })
    }
}

fn built(patterns: &[Vec<u8>], kind: AhoCorasickKind) -> Option<AhoCorasick> {
    AhoCorasick::builder().kind(Some(kind)).match_kind(MatchKind::Standard).build(patterns).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_text_is_searched_part_by_part_as_if_it_were_one() {
        let patterns = ["a", "ab", "bab", "a-long-one-that-lies-across", "across"];
        let search =
            PatternSearch::new(patterns.map(|one| one.as_bytes().to_vec()).into()).expect("patterns");
        for shift in 0..30 {
            let mut text = vec![b'.'; 3 * PART + 7];
            for (number, at) in [PART - shift, 2 * PART - shift, 3 * PART - shift].into_iter().enumerate() {
                let word: &[u8] = if number == 1 { b"babab" } else { b"a-long-one-that-lies-across" };
                let length = word.len().min(text.len() - at);
                text[at..at + length].copy_from_slice(&word[..length]);
            }
            let mut told = Vec::new();
            let found: Vec<Match> = search.hits(&text, |more| told.push(more)).collect();
            let wanted: Vec<Match> = search.first.find_overlapping_iter(&text).collect();
            assert_eq!(found, wanted, "{shift}");
            assert_eq!(told, [PART as u64; 3]);
        }
    }
}
