//! Which snapshots fit what was typed, best first. Owns `nucleo-matcher`. Pure.

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::choice::Choice;

/// A choice that fits, and the letters of its name that do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) choice: usize,
    pub(super) letters: Vec<u32>,
}

/// Finds the choices that have each typed word: its letters in the name, in their order, or the word as it is in what
/// was said. Those with more words in the name come first, then better ones, then newer ones; safety snapshots come
/// last, and only if something was typed.
pub(super) fn fitting(typed: &str, choices: &[Choice]) -> Vec<Found> {
    let words: Vec<&str> = typed.split_whitespace().collect();
    let everywhere = choices.iter().enumerate();
    if words.is_empty() {
        let by_hand = everywhere.filter(|(_, choice)| !choice.is_safety);
        return by_hand.map(|(choice, _)| Found { choice, letters: Vec::new() }).collect();
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let atom = |word: &str, kind| Atom::new(word, CaseMatching::Smart, Normalization::Smart, kind, false);
    let atoms: Vec<[Atom; 2]> =
        words.iter().map(|word| [atom(word, AtomKind::Fuzzy), atom(word, AtomKind::Substring)]).collect();
    let mut found: Vec<(bool, usize, u32, Found)> = Vec::new();
    for (number, choice) in everywhere {
        let (mut in_name, mut score, mut letters) = (0, 0, Vec::new());
        let (mut name, mut text) = (Vec::new(), Vec::new());
        let name = Utf32Str::new(&choice.fact.text, &mut name);
        let text = Utf32Str::new(&choice.text, &mut text);
        let fits = atoms.iter().all(|[in_order, as_it_is]| {
            if let Some(points) = in_order.indices(name, &mut matcher, &mut letters) {
                (in_name, score) = (in_name + 1, score + u32::from(points));
                return true;
            }
            let points = as_it_is.score(text, &mut matcher);
            score += u32::from(points.unwrap_or(0));
            points.is_some()
        });
        if fits {
            letters.sort_unstable();
            letters.dedup();
            found.push((choice.is_safety, words.len() - in_name, score, Found { choice: number, letters }));
        }
    }
    found.sort_by_key(|(is_safety, missing, score, _)| (*is_safety, *missing, u32::MAX - score));
    found.into_iter().map(|(_, _, _, found)| found).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::facts::Fact;
    use super::*;

    #[test]
    fn names_come_before_what_was_said_and_safety_snapshots_last() {
        let choice = |name: &str, text: &str, is_safety| Choice {
            fact: Fact { text: name.to_owned(), ..Fact::default() },
            text: text.to_owned(),
            is_safety,
            ..Choice::default()
        };
        let all = [
            choice("safety-20261121", "api", true),
            choice("wip", "Port the API to the new client", false),
            choice("before api refactor", "", false),
            choice("a pointless idea", "", false),
            choice("日本語の名前", "docs", false),
        ];
        let names = |typed: &str| -> Vec<&str> {
            fitting(typed, &all).iter().map(|found| all[found.choice].fact.text.as_str()).collect()
        };
        assert_eq!(names(""), ["wip", "before api refactor", "a pointless idea", "日本語の名前"]);
        assert_eq!(names("api"), ["before api refactor", "a pointless idea", "wip", "safety-20261121"]);
        assert_eq!(names("bar"), ["before api refactor"]);
        assert_eq!(names("API"), ["wip"], "capitals are meant");
        assert_eq!(names("wip client"), ["wip"]);
        assert_eq!(names("語名"), ["日本語の名前"]);
        assert_eq!(names("nothing"), Vec::<&str>::new());
        assert_eq!(fitting("bapi", &all)[0].letters, [0, 7, 8, 9]);
    }
}
