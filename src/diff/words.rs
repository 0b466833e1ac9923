//! What changed inside a line: the words that differ between two versions of it.
//!
//! Bounded: a pair costs at most some thousand steps. Long lines are compared at their ends
//! only, and a pair that shares too little is not compared at all, because emphasis on
//! nearly everything says nothing.

use std::ops::Range;

use super::lines::{common, common_end};

/// Lines longer than this are compared at their ends only.
const LONGEST: usize = 1 << 10;

/// The most cells of the table that finds common words.
const CELLS: usize = 4_096;

/// A stretch of the old line and what stands in its place in the new one; either may be empty.
pub type Span = (Range<usize>, Range<usize>);

/// Returns what differs between two lines; `None` if they share too little.
pub fn changed(old: &[u8], new: &[u8]) -> Option<Vec<Span>> {
    let (old, new) = (trimmed(old), trimmed(new));
    let mut head = common(old, new);
    while head > 0 && (is_inside_word(old, head) || is_inside_word(new, head)) {
        head -= 1;
    }
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let mut tail = common_end(old_rest, new_rest);
    while tail > 0 && (is_inside_word(old, old.len() - tail) || is_inside_word(new, new.len() - tail)) {
        tail -= 1;
    }
    let (old_middle, new_middle) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    let mut spans = Vec::new();
    let short = old.len().max(new.len()) <= LONGEST && !old_middle.is_empty() && !new_middle.is_empty();
    if !(short && align(old_middle, new_middle, head, &mut spans)) {
        spans = vec![(head..old.len() - tail, head..new.len() - tail)];
    }
    if old.len().max(new.len()) > LONGEST {
        return Some(spans);
    }
    let ink = |line: &[u8]| line.iter().filter(|byte| !byte.is_ascii_whitespace()).count();
    let differs: usize = spans.iter().map(|(a, b)| ink(&old[a.clone()]).max(ink(&new[b.clone()]))).sum();
    let all = ink(old).max(ink(new));
    (differs * 3 <= all * 2).then_some(spans)
}

/// Aligns the words of both texts; gives up when that would take too long.
fn align(old: &[u8], new: &[u8], shift: usize, spans: &mut Vec<Span>) -> bool {
    let (a, b) = (words(old), words(new));
    let width = b.len() + 1;
    if a.len() * b.len() > CELLS {
        return false;
    }
    // best[i][j]: how many words the rests from i and j have in common.
    let mut best = vec![0_u16; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            best[i * width + j] = match old[a[i].clone()] == new[b[j].clone()] {
                true => best[(i + 1) * width + j + 1] + 1,
                false => best[(i + 1) * width + j].max(best[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let (mut old_at, mut new_at) = (0, 0);
    let mut note = |old_at: usize, old_to: usize, new_at: usize, new_to: usize| {
        if old_to > old_at || new_to > new_at {
            spans.push((shift + old_at..shift + old_to, shift + new_at..shift + new_to));
        }
    };
    while i < a.len() && j < b.len() {
        if old[a[i].clone()] == new[b[j].clone()] {
            note(old_at, a[i].start, new_at, b[j].start);
            (old_at, new_at) = (a[i].end, b[j].end);
            (i, j) = (i + 1, j + 1);
        } else if best[(i + 1) * width + j] >= best[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    note(old_at, old.len(), new_at, new.len());
    true
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn is_inside_word(line: &[u8], at: usize) -> bool {
    at > 0 && at < line.len() && is_word(line[at - 1]) && is_word(line[at])
}

/// Cuts a text into words, runs of blanks, and single other characters.
fn words(text: &[u8]) -> Vec<Range<usize>> {
    let class = |byte: u8| match byte {
        b' ' | b'\t' => 1,
        byte if is_word(byte) => 2,
        _ => 0,
    };
    let mut words: Vec<Range<usize>> = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        match words.last_mut() {
            Some(last) if class(*byte) > 0 && class(text[last.start]) == class(*byte) => last.end = at + 1,
            _ => words.push(at..at + 1),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> Option<String> {
        let spans = changed(old.as_bytes(), new.as_bytes())?;
        let mut out = String::new();
        let mut at = 0;
        for (a, b) in spans {
            out += &format!("{}[{}|{}]", &old[at..a.start], &old[a.clone()], &new[b]);
            at = a.end;
        }
        Some(out + &old[at..])
    }

    #[test]
    fn whole_words_are_marked() {
        assert_eq!(
            shown("let a = count(x);\n", "let a = counts(x);\n").as_deref(),
            Some("let a = [count|counts](x);\n")
        );
        assert_eq!(shown("f(a, b, c)", "f(b, c, d)").as_deref(), Some("f([a, |]b, c[|, d])"));
    }

    #[test]
    fn lines_that_share_little_are_not_compared() {
        assert_eq!(shown("alpha beta\n", "gamma delta\n"), None);
        assert_eq!(shown("", "gamma\n"), None);
    }

    #[test]
    fn long_lines_are_compared_at_their_ends() {
        let long = "x ".repeat(1_000);
        let spans = changed(format!("{long}a b").as_bytes(), format!("{long}c d").as_bytes()).expect("spans");
        assert_eq!(spans, [(2_000..2_003, 2_000..2_003)]);
    }
}
