//! Syntax colours of a diff that is kept: without a clock, so that the same text always has the same ones.
//!
//! Whoever asks has to bound how many lines are coloured: some thousands take a part of a second.

use super::coloring::{Of, Stretch, read};
use super::syntax::{Grammar, Reader};
use super::theme::Class;

/// Colours the hunks of one file.
pub struct SteadyColors {
    grammar: Grammar,
    readers: (Reader, Reader),
    text: Vec<u8>,
}

/// The largest number that one character of the text stands for, and the first of these characters.
const MOST: usize = 90;
const ZERO: u8 = b'!';

impl SteadyColors {
    /// Begins a file of this name; `None` if nothing is known of such files.
    pub fn of(name: &[u8]) -> Option<SteadyColors> {
        let grammar = Grammar::of(name)?;
        Some(SteadyColors { grammar, readers: both(grammar), text: Vec::new() })
    }

    /// Begins a text in a language that is named by a word, as behind a fence of Markdown.
    pub fn of_language(word: &str) -> Option<SteadyColors> {
        let grammar = Grammar::named(word)?;
        Some(SteadyColors { grammar, readers: both(grammar), text: Vec::new() })
    }

    /// Begins a hunk: nothing is known of what is above.
    pub fn hunk(&mut self) {
        self.readers = both(self.grammar);
        self.plain();
    }

    /// Adds a line that has no colours.
    pub fn plain(&mut self) {
        self.text.push(b'\n');
    }

    /// Adds a line that both versions have.
    pub fn context(&mut self, line: &[u8]) {
        self.lines([(Of::Both, line.to_vec())].into());
    }

    /// Adds lines that only one version has.
    pub fn change(&mut self, removed: &[impl AsRef<[u8]>], added: &[impl AsRef<[u8]>]) {
        let removed = removed.iter().map(|line| (Of::Old, line.as_ref().to_vec()));
        let added = added.iter().map(|line| (Of::New, line.as_ref().to_vec()));
        self.lines(removed.chain(added).collect());
    }

    /// Returns a line for each line that was added, and one more behind each that has no end. Three characters of it are a
    /// step: how many characters have no colour and how many have one, both as `!` for 0, `"` for 1 and so on, and a letter for
    /// the colour. Characters count as in UTF-16.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    fn lines(&mut self, lines: Vec<(Of, Vec<u8>)>) {
        let stretch = Stretch { begins: false, lines };
        for (colors, (_, line)) in read(&mut self.readers, &stretch).into_iter().zip(&stretch.lines) {
            let mut at = 0;
            for (range, class) in colors {
                let units = |from: usize, to: usize| {
                    line.get(from..to)
                        .and_then(|part| std::str::from_utf8(part).ok())
                        .map_or(0, |part| part.encode_utf16().count())
                };
                self.step(units(at, range.start), units(range.start, range.end), class);
                at = range.end;
            }
            self.plain();
            // That a line has no end is said in a line of its own.
            if !line.ends_with(b"\n") {
                self.plain();
            }
        }
    }

    fn step(&mut self, mut plain: usize, mut colored: usize, class: Class) {
        while plain + colored > 0 {
            let gap = plain.min(MOST);
            plain -= gap;
            let part = if plain > 0 { 0 } else { colored.min(MOST) };
            colored -= part;
            for number in [gap, part] {
                self.text.push(ZERO + u8::try_from(number).unwrap_or(0));
            }
            self.text.push(letter(class));
        }
    }
}

fn both(grammar: Grammar) -> (Reader, Reader) {
    (Reader::new(grammar), Reader::new(grammar))
}

fn letter(class: Class) -> u8 {
    match class {
        Class::Comment => b'c',
        Class::String => b's',
        Class::Constant => b'n',
        Class::Keyword => b'k',
        Class::Type => b't',
        Class::Function => b'f',
        Class::Name => b'm',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_the_steps_to_its_colours() {
        assert!(SteadyColors::of(b"a.unheard-of").is_none());
        let mut colors = SteadyColors::of(b"a.c").expect("a grammar");
        colors.hunk();
        colors.context(b"  int a;\n");
        colors.change(&[b"/* open\n"], &[b"x\n"]);
        colors.context(b"int b;\n");
        // Two blanks and three letters; the comment is open in the old version only.
        assert_eq!(String::from_utf8(colors.take()).expect("ASCII"), "\n#$k\n!(c\n\n!$k\n");
        let long = format!("// \u{1f600}{}\n", "x".repeat(100));
        colors.context(long.as_bytes());
        assert_eq!(
            String::from_utf8(colors.take()).expect("ASCII"),
            format!("!{}c!{}c\n", char::from(ZERO + 90), char::from(ZERO + 15))
        );
    }
}
