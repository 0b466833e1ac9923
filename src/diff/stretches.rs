//! Splits a line into stretches that are painted in one way each: changed words, words of a program, white
//! space.

use std::ops::Range;

use super::syntax::ClassedRange;
use super::theme::{Class, Codes, Paint, RESET};

/// How a stretch of a line is painted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StretchStyle {
    /// Whether it changed, in a line of which other parts did not.
    pub(super) word: bool,
    /// Whether it is white space that should not be there.
    pub(super) whitespace_error: bool,
    /// Whether it is the carriage return of a line end.
    pub(super) end: bool,
    pub(super) class: Option<Class>,
}

/// Begins a stretch that is painted in its own way, in such a line.
pub(super) fn begin(out: &mut Vec<u8>, codes: &Codes, line: Option<Paint>, mark: StretchStyle) {
    if mark.word
        && let Some(line) = line
    {
        out.extend_from_slice(codes.word(line).0);
    } else if mark.whitespace_error {
        out.extend_from_slice(codes.whitespace_error());
    } else if mark.end && line.is_none() {
        out.extend_from_slice(codes.code(Paint::Number));
    }
    if let Some(class) = mark.class {
        out.extend_from_slice(codes.class(class));
    }
}

/// Ends it.
pub(super) fn end(out: &mut Vec<u8>, codes: &Codes, line: Option<Paint>, mark: StretchStyle) {
    if mark.class.is_some() {
        out.extend_from_slice(codes.class_end());
    }
    match line {
        Some(line) if mark.word => out.extend_from_slice(codes.word(line).1),
        // White space stands at the end; with a background, the rest of the line has it again.
        Some(line) if mark.whitespace_error && codes.fills() => out.extend_from_slice(codes.code(line)),
        None if mark.end => out.extend_from_slice(RESET),
        _ => {}
    }
}

/// Cuts the shown part of a line into stretches that are painted in one way each.
pub(super) struct Stretches<'m, W> {
    at: usize,
    end: usize,
    words: W,
    word: Option<Range<usize>>,
    marked: &'m [ClassedRange],
    /// Where white space at the end begins, and a carriage return.
    whitespace_error: usize,
    returns: usize,
}

impl<'m, 's, W: Iterator<Item = &'s Range<usize>>> Stretches<'m, W> {
    pub(super) fn new(
        text: &[u8],
        shown: Range<usize>,
        mut words: W,
        marked: &'m [ClassedRange],
        whitespace_error: usize,
    ) -> Stretches<'m, W> {
        let returns = if text.ends_with(b"\r") { text.len() - 1 } else { text.len() };
        let word = words.next().cloned();
        let whitespace_error = text.len() - whitespace_error;
        Stretches { at: shown.start, end: shown.end, words, word, marked, whitespace_error, returns }
    }
}

impl<'s, W: Iterator<Item = &'s Range<usize>>> Iterator for Stretches<'_, W> {
    type Item = (Range<usize>, StretchStyle);

    fn next(&mut self) -> Option<(Range<usize>, StretchStyle)> {
        let at = self.at;
        if at >= self.end {
            return None;
        }
        let mut to = self.end;
        let mut mark = StretchStyle {
            whitespace_error: at >= self.whitespace_error,
            end: at >= self.returns,
            ..StretchStyle::default()
        };
        for edge in [self.whitespace_error, self.returns] {
            to = if edge > at { to.min(edge) } else { to };
        }
        while self.word.as_ref().is_some_and(|word| word.end <= at) {
            self.word = self.words.next().cloned();
        }
        if let Some(word) = &self.word {
            mark.word = word.start <= at;
            to = to.min(if mark.word { word.end } else { word.start });
        }
        while self.marked.first().is_some_and(|(range, _)| range.end <= at) {
            self.marked = &self.marked[1..];
        }
        if let Some((range, class)) = self.marked.first() {
            let inside = range.start <= at;
            // The faint colour of a comment can't be read on the background of a changed word.
            mark.class = inside.then_some(*class).filter(|class| !(mark.word && *class == Class::Comment));
            to = to.min(if inside { range.end } else { range.start });
        }
        self.at = to;
        Some((at..to, mark))
    }
}

/// Returns the part of a line that is shown if the line is longer than `most`: its start, or the text
/// around the first place that matters.
pub fn visible(line: &[u8], most: usize, matters: Option<usize>) -> Range<usize> {
    if line.len() <= most {
        return 0..line.len();
    }
    let start = match matters {
        Some(at) if at > most / 4 * 3 => (at - most / 4).min(line.len() - most),
        _ => 0,
    };
    let boundary = |mut at: usize| {
        while at < line.len() && line[at] & 0xc0 == 0x80 {
            at += 1;
        }
        at
    };
    boundary(start)..boundary((start + most).min(line.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_where_what_it_means_changes() {
        let text = b"let a = b;  \r";
        let words = [4..5, 8..9];
        let marked = [(0..3, Class::Keyword), (8..10, Class::Name)];
        let stretches = Stretches::new(text, 0..text.len(), words.iter(), &marked, 3);
        let shown: Vec<String> = stretches
            .map(|(range, mark)| {
                let class = mark.class.map_or(String::new(), |class| format!("{class:?}"));
                let signs = [(mark.word, "!"), (mark.whitespace_error, "~"), (mark.end, "<")];
                let signs: String = signs.iter().filter(|(on, _)| *on).map(|(_, sign)| *sign).collect();
                format!("{:?}{signs}{class}", String::from_utf8_lossy(&text[range]))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "\"let\"Keyword",
                "\" \"",
                "\"a\"!",
                "\" = \"",
                "\"b\"!Name",
                "\";\"Name",
                "\"  \"~",
                "\"\\r\"~<"
            ]
        );
    }
}
