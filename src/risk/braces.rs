//! Braces and tildes of a word, expanded into the words that a shell makes of them.

use super::word::WordPart;

/// At most this many values of one word are distinguished.
pub(super) const MOST: usize = 64;

/// A piece of a word before braces and variables are replaced.
#[derive(Clone)]
pub(super) enum WordUnit<'a> {
    Char(char, bool),
    Part(&'a WordPart),
}

pub(super) enum Home {
    Own,
    Here,
}

/// Says what a leading `~` means and how many units it takes. Another user's home is not known.
pub(super) fn tilde(units: &[WordUnit<'_>]) -> Option<(Option<Home>, usize)> {
    let is =
        |at: usize, wanted: char| matches!(units.get(at), Some(WordUnit::Char(c, false)) if *c == wanted);
    let ends = |at: usize| units.get(at).is_none() || matches!(units.get(at), Some(WordUnit::Char('/', _)));
    if !is(0, '~') {
        return None;
    }
    match () {
        () if ends(1) => Some((Some(Home::Own), 1)),
        () if is(1, '+') && ends(2) => Some((Some(Home::Here), 2)),
        () => Some((None, 0)),
    }
}

/// Replaces `{a,b}` and `{1..3}`; what is too many stays as it is.
pub(super) fn braces(units: Vec<WordUnit<'_>>) -> Vec<Vec<WordUnit<'_>>> {
    let mut done = Vec::new();
    let mut open = vec![units];
    while let Some(units) = open.pop() {
        if open.len() + done.len() > MOST {
            return vec![units];
        }
        match first_brace(&units) {
            None => done.push(units),
            Some((start, end, choices)) => {
                for choice in choices.into_iter().rev() {
                    let mut one = units[..start].to_vec();
                    one.extend(choice);
                    one.extend_from_slice(&units[end..]);
                    open.push(one);
                }
            }
        }
    }
    done
}

pub(super) type Choices<'a> = Vec<Vec<WordUnit<'a>>>;

/// Finds the first brace that makes several words: where it begins and ends, and what it stands for.
pub(super) fn first_brace<'a>(units: &[WordUnit<'a>]) -> Option<(usize, usize, Choices<'a>)> {
    let is = |unit: &WordUnit<'_>, wanted: char| matches!(unit, WordUnit::Char(c, false) if *c == wanted);
    for (start, _) in units.iter().enumerate().filter(|(_, unit)| is(unit, '{')) {
        let mut depth = 0;
        let mut cuts = vec![start];
        for (at, unit) in units.iter().enumerate().skip(start) {
            if is(unit, '{') {
                depth += 1;
            } else if is(unit, ',') && depth == 1 {
                cuts.push(at);
            } else if is(unit, '}') {
                depth -= 1;
                if depth == 0 {
                    cuts.push(at);
                    let choices: Choices<'a> = match cuts.len() {
                        2 => match range(&units[start + 1..at]) {
                            Some(choices) => choices,
                            None => break,
                        },
                        _ => cuts.windows(2).map(|cut| units[cut[0] + 1..cut[1]].to_vec()).collect(),
                    };
                    return Some((start, at + 1, choices));
                }
            }
        }
    }
    None
}

/// Reads `1..3` or `a..c`.
pub(super) fn range<'a>(units: &[WordUnit<'a>]) -> Option<Choices<'a>> {
    let text: Option<String> = units
        .iter()
        .map(|unit| match unit {
            WordUnit::Char(c, false) => Some(*c),
            _ => None,
        })
        .collect();
    let text = text?;
    let (from, to) = text.split_once("..")?;
    let chars = |text: String| text.chars().map(|c| WordUnit::Char(c, false)).collect::<Vec<_>>();
    if let (Ok(from), Ok(to)) = (from.parse::<i64>(), to.parse::<i64>()) {
        let (low, high) = (from.min(to), from.max(to));
        return (high - low < MOST as i64).then(|| (low..=high).map(|n| chars(n.to_string())).collect());
    }
    let mut letters = (from.chars(), to.chars());
    match (letters.0.next(), letters.1.next(), letters.0.next(), letters.1.next()) {
        (Some(from), Some(to), None, None) => {
            Some((from.min(to)..=from.max(to)).map(|c| chars(c.to_string())).collect())
        }
        _ => None,
    }
}
