//! What changed inside a line: the words that differ between two versions of it.
//!
//! Bounded: a pair costs at most some thousand steps. Long lines are compared only at their ends. A pair
//! that shares too little is not compared at all, because emphasis on nearly everything says nothing.

use std::ops::Range;

use super::lines::{common, common_end};

/// Lines longer than this are compared at their ends only.
pub(super) const LONGEST: usize = 1 << 10;

/// The most cells of the table that finds common words.
const CELLS: usize = 4_096;

/// Between two changes of one word is at least so much that stayed.
const LEAST_BETWEEN: usize = 3;

/// A stretch of the old line and its replacement in the new one. Either may be empty.
pub type Span = (Range<usize>, Range<usize>);

/// Returns what differs between two lines; `None` if they share too little.
pub fn changed(old: &[u8], new: &[u8]) -> Option<Vec<Span>> {
    let (old, new) = (trimmed(old), trimmed(new));
    let whole = old.len().max(new.len()) <= LONGEST;
    let inks = whole.then(|| (ink(old), ink(new)));
    // What one of them has more than the other differs in any case.
    if inks.is_some_and(|(a, b)| a.abs_diff(b) * 3 > a.max(b) * 2) {
        return None;
    }
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
    let short = whole && !old_middle.is_empty() && !new_middle.is_empty();
    if !(short && align(old_middle, new_middle, head, &mut spans)) {
        spans = vec![(head..old.len() - tail, head..new.len() - tail)];
    }
    join_close(old, &mut spans);
    let Some((a, b)) = inks else { return Some(spans) };
    let differs: usize = spans.iter().map(|(a, b)| ink(&old[a.clone()]).max(ink(&new[b.clone()]))).sum();
    (differs * 3 <= a.max(b) * 2).then_some(spans)
}

fn ink(text: &[u8]) -> usize {
    text.iter().filter(|byte| !byte.is_ascii_whitespace()).count()
}

/// Joins changes of one word with almost nothing between them, because single letters in common say
/// nothing.
fn join_close(old: &[u8], spans: &mut Vec<Span>) {
    spans.dedup_by(|next, before| {
        let between = &old[before.0.end..next.0.start];
        let close = between.len() < LEAST_BETWEEN && between.iter().all(|byte| is_word(*byte));
        let inside = !before.0.is_empty() && !next.0.is_empty() && !before.1.is_empty() && !next.1.is_empty();
        if close && inside {
            (before.0.end, before.1.end) = (next.0.end, next.1.end);
        }
        close && inside
    });
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
            best[i * width + j] = if old[a[i].clone()] == new[b[j].clone()] {
                best[(i + 1) * width + j + 1] + 1
            } else {
                best[(i + 1) * width + j].max(best[i * width + j + 1])
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

/// Says whether a place is inside a word. Within an identifier, a word ends at another case, at digits
/// and underscores.
fn is_inside_word(line: &[u8], at: usize) -> bool {
    if at == 0 || at >= line.len() || !is_word(line[at - 1]) || !is_word(line[at]) {
        return false;
    }
    let kind = |byte: u8| match byte {
        b'_' => 0,
        b'0'..=b'9' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    match (kind(line[at - 1]), kind(line[at])) {
        (2, 3) => true,
        // `HTTPServer` is `HTTP` and `Server`.
        (2, 2) => line.get(at + 1).is_none_or(|next| kind(*next) != 3 || !is_word(*next)),
        (before, here) => before == here,
    }
}

/// Cuts a text into words, runs of blanks, and single other characters.
fn words(text: &[u8]) -> Vec<Range<usize>> {
    let is_blank = |byte: u8| matches!(byte, b' ' | b'\t');
    let mut words: Vec<Range<usize>> = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        let goes_on = at > 0 && (is_inside_word(text, at) || is_blank(*byte) && is_blank(text[at - 1]));
        match words.last_mut() {
            Some(last) if goes_on => last.end = at + 1,
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
    fn identifiers_are_cut_at_case_digits_and_underscores() {
        for (old, new, wanted) in [
            ("route_500()", "route_five_hundred()", "route_[500|five_hundred]()"),
            ("let x = getUserName(id);", "let x = getUserMail(id);", "let x = getUser[Name|Mail](id);"),
            ("use of HTTPServer here", "use of HTTPClient here", "use of HTTP[Server|Client] here"),
            ("v12.3 of a thing", "v13.3 of a thing", "v[12|13].3 of a thing"),
            ("MAX_LINES = 4 there", "MAX_BYTES = 4 there", "MAX_[LINES|BYTES] = 4 there"),
            ("id a1b2c3d4 of it all", "id a9b7c5d4 of it all", "id a[1b2c3|9b7c5]d4 of it all"),
            ("größe_alt = eins", "größe_neu = eins", "größe_[alt|neu] = eins"),
        ] {
            assert_eq!(shown(old, new).as_deref(), Some(wanted));
        }
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
