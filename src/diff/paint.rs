//! The painted forms, for people: line numbers, colours by meaning, changed words.
//!
//! Every layout gets the same: text that can be read, with what is known about it. As much of a hunk is held
//! in memory as is coloured at a time; without colours, nothing is held.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use super::charset::Charset;
use super::coloring::{Colors, Of, Stretch};
use super::pairing::Words;
use super::pen::{Pen, TextLine};
use super::syntax::ClassedRange;
use super::theme::Paint;
use super::words::Span;
use super::{BlockWriter, Coloring, End, FileHeader, Look, MovedBlocks, Show, Sink};
use crate::base::screen::push_safe;

/// How much of a hunk is coloured at a time, in lines and bytes: little while nothing has been shown.
const STRETCH: (usize, usize) = (256, 32 << 10);
const STRETCH_AT_FIRST: (usize, usize) = (48, 4 << 10);

/// How the lines of a hunk are laid out.
pub trait Layout {
    /// Whether the lines stay as they came, one for each, headers too.
    const IN_PLACE: bool = false;
    /// Paints a line that both versions have.
    fn context(&mut self, pen: &mut Pen<'_, '_>, line: TextLine<'_>) -> io::Result<()>;
    /// Paints lines that only one version has.
    fn change(
        &mut self,
        pen: &mut Pen<'_, '_>,
        removed: &[TextLine<'_>],
        added: &[TextLine<'_>],
    ) -> io::Result<()>;
}

/// Paints files in some layout.
pub struct Painted<'o, 'a, L> {
    pen: Pen<'o, 'a>,
    layout: L,
    coloring: Option<&'o mut Coloring>,
    held: WaitingHunk,
    charset: Charset,
    ends: Ends,
}

/// The lines of a hunk that wait for their colours.
#[derive(Default)]
struct WaitingHunk {
    stretch: Stretch,
    /// Their changes in order, each as the numbers of removed and added lines. A line of context has
    /// neither.
    parts: Vec<(usize, usize)>,
    bytes: usize,
    first: bool,
}

/// Lines whose end changed, and nothing else.
#[derive(Default)]
struct Ends {
    to_crlf: u64,
    to_lf: u64,
}

impl Ends {
    fn count(&mut self, removed: &[&[u8]], added: &[&[u8]]) {
        for (old, new) in removed.iter().zip(added).filter(|_| removed.len() == added.len()) {
            let bare = |line: &[u8]| line.strip_suffix(b"\r\n").map(<[u8]>::len);
            match (bare(old), bare(new)) {
                (None, Some(len)) if old.len() == len + 1 && old[..len] == new[..len] => self.to_crlf += 1,
                (Some(len), None) if new.len() == len + 1 && old[..len] == new[..len] => self.to_lf += 1,
                _ => {}
            }
        }
    }

    fn notes(&self) -> impl Iterator<Item = String> {
        let lines = |count: u64| if count == 1 { "1 line".to_owned() } else { format!("{count} lines") };
        let said = |count: u64, what: &str| (count > 0).then(|| format!("line end {what}: {}", lines(count)));
        [said(self.to_crlf, "LF -> CRLF"), said(self.to_lf, "CRLF -> LF")].into_iter().flatten()
    }
}

impl<'o, 'a, L: Layout> Painted<'o, 'a, L> {
    pub(super) fn with(out: &'o mut BlockWriter<'a>, look: Look, layout: L) -> Painted<'o, 'a, L> {
        let held = WaitingHunk { first: true, ..WaitingHunk::default() };
        let (charset, ends) = (Charset::default(), Ends::default());
        Painted { pen: Pen::new(out, look), layout, coloring: None, held, charset, ends }
    }

    /// Colours the words of programs, as far as it does not take long.
    #[must_use]
    pub fn coloring(self, coloring: Option<&'o mut Coloring>) -> Self {
        // Without a background of its own, a line has its colour already.
        let coloring = coloring.filter(|_| self.pen.look.color && self.pen.codes.fills());
        Painted { coloring, ..self }
    }

    fn wants_colors(&mut self) -> bool {
        self.coloring.as_mut().is_some_and(|coloring| coloring.is_hopeful())
    }

    fn hold(&mut self, of: Of, line: &[u8]) {
        self.held.bytes += line.len();
        self.held.stretch.lines.push((of, line.to_vec()));
    }

    /// Paints what is held, once it is enough or the hunk ends.
    fn go_on(&mut self, ends: bool) -> io::Result<()> {
        let most = if self.held.first { STRETCH_AT_FIRST } else { STRETCH };
        let lines = self.held.stretch.lines.len();
        if lines == 0 || !ends && lines < most.0 && self.held.bytes < most.1 {
            return Ok(());
        }
        let next = WaitingHunk { first: false, ..WaitingHunk::default() };
        let held = std::mem::replace(&mut self.held, next);
        let stretch = Arc::new(held.stretch);
        let colors = self.coloring.as_mut().and_then(|coloring| coloring.of(&stretch));
        let colors = colors.unwrap_or_default();
        let mut at = 0;
        for (removed, added) in held.parts {
            let (here, count) = (at, (removed + added).max(1));
            at += count;
            let text_lines: Vec<TextLine<'_>> =
                (here..at).filter_map(|line| text_line(&stretch, &colors, line)).collect();
            match removed + added {
                0 => text_lines.iter().try_for_each(|line| self.layout.context(&mut self.pen, *line))?,
                _ => {
                    let (removed, added) = text_lines.split_at(removed.min(text_lines.len()));
                    self.layout.change(&mut self.pen, removed, added)?;
                }
            }
        }
        Ok(())
    }
}

fn plain<'l, T: AsRef<[u8]> + 'l>(lines: impl Iterator<Item = &'l T>) -> Vec<TextLine<'l>> {
    lines.map(|line| TextLine::plain(line.as_ref())).collect()
}

fn text_line<'l>(stretch: &'l Stretch, colors: &'l Colors, line: usize) -> Option<TextLine<'l>> {
    let marked: &[ClassedRange] = colors.get(line).map_or(&[], Vec::as_slice);
    stretch.lines.get(line).map(|(_, text)| TextLine { text, marked })
}

impl<L: Layout> Sink for Painted<'_, '_, L> {
    fn open(&mut self, old: u64, new: u64, heading: &[u8]) -> io::Result<()> {
        if L::IN_PLACE {
            self.pen.at(old, new);
        } else {
            self.pen.hunk(old, new, heading);
        }
        self.held.stretch.begins = true;
        Ok(())
    }

    fn context(&mut self, line: &[u8]) -> io::Result<()> {
        self.charset.look([line].into_iter());
        let line = self.charset.read(line);
        self.pen.returns |= line.ends_with(b"\r\n");
        if !self.wants_colors() && self.held.parts.is_empty() {
            // What comes next can't go on from what nobody read.
            self.held.stretch.begins = true;
            return self.layout.context(&mut self.pen, TextLine::plain(&line));
        }
        self.hold(Of::Both, &line);
        self.held.parts.push((0, 0));
        self.go_on(false)
    }

    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        self.ends.count(removed, added);
        self.charset.look(removed.iter().chain(added).copied());
        self.pen.returns |= removed.iter().any(|line| line.ends_with(b"\r\n"));
        let colored = self.wants_colors() || !self.held.parts.is_empty();
        self.held.stretch.begins |= !colored;
        if !colored && !self.charset.reads() {
            let (removed, added) = (plain(removed.iter()), plain(added.iter()));
            return self.layout.change(&mut self.pen, &removed, &added);
        }
        let removed: Vec<Cow<'_, [u8]>> = removed.iter().map(|line| self.charset.read(line)).collect();
        let added: Vec<Cow<'_, [u8]>> = added.iter().map(|line| self.charset.read(line)).collect();
        if !colored {
            let (removed, added) = (plain(removed.iter()), plain(added.iter()));
            return self.layout.change(&mut self.pen, &removed, &added);
        }
        // Lines of one version need not be shown together.
        let most = match (removed.len(), added.len()) {
            (0, _) | (_, 0) if self.held.first => STRETCH_AT_FIRST.0,
            (0, _) | (_, 0) => STRETCH.0,
            (removed, added) => removed.max(added),
        };
        let parts = removed.len().max(added.len()).div_ceil(most.max(1));
        for part in 0..parts {
            let range = |lines: &[Cow<'_, [u8]>]| {
                (part * most).min(lines.len())..((part + 1) * most).min(lines.len())
            };
            let (removed, added) = (&removed[range(&removed)], &added[range(&added)]);
            removed.iter().for_each(|line| self.hold(Of::Old, line));
            added.iter().for_each(|line| self.hold(Of::New, line));
            self.held.parts.push((removed.len(), added.len()));
            self.go_on(false)?;
        }
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.go_on(true)?;
        self.held.stretch.begins = false;
        self.pen.out.hunk_done()
    }

    fn moved(&mut self, moved: MovedBlocks) {
        self.pen.note_moved(moved);
    }
}

impl<L: Layout> Show for Painted<'_, '_, L> {
    fn start(&mut self, file: FileHeader) -> io::Result<()> {
        if let Some(coloring) = &mut self.coloring {
            coloring.file(&file.path);
        }
        (self.charset, self.ends) = (Charset::default(), Ends::default());
        self.pen.start(file);
        Ok(())
    }

    fn finish(&mut self, end: End) -> io::Result<()> {
        if L::IN_PLACE {
            return self.pen.out.line_done();
        }
        self.pen.notes.extend(self.ends.notes().chain(self.charset.note()));
        self.pen.finish(&end)
    }

    fn text(&mut self, line: &[u8]) -> io::Result<()> {
        self.pen.text(line)
    }

    fn keeps_colors(&self) -> bool {
        self.pen.look.color
    }

    fn reads_text(&self) -> bool {
        !L::IN_PLACE
    }

    fn header(&mut self, line: &[u8]) -> io::Result<()> {
        if L::IN_PLACE { self.pen.text(line) } else { Ok(()) }
    }

    fn head(&mut self) -> io::Result<()> {
        if !L::IN_PLACE {
            self.pen.head();
        }
        Ok(())
    }

    fn unsigned(&mut self, line: &[u8]) -> io::Result<()> {
        if !L::IN_PLACE {
            return self.context(line);
        }
        self.go_on(true)?;
        self.pen.step(true, true);
        self.pen.body(None, b"", TextLine::plain(line), [].iter())
    }

    fn unended(&mut self) {
        if L::IN_PLACE {
            self.pen.out.unended();
        }
    }

    fn pause(&mut self) -> io::Result<()> {
        self.go_on(true)?;
        self.pen.out.pause()
    }

    fn merge_hunk(&mut self, header: &[u8], new: u64, heading: &[u8]) -> io::Result<()> {
        if L::IN_PLACE {
            return self.pen.text(header);
        }
        self.pen.merge_hunk(new, heading);
        Ok(())
    }

    fn merge_line(&mut self, signs: &[u8], line: &[u8]) -> io::Result<()> {
        self.charset.look([line].into_iter());
        let line = self.charset.read(line);
        if L::IN_PLACE { self.pen.merged_body(signs, &line) } else { self.pen.merge_line(signs, &line) }
    }
}

/// The two versions of a line below each other, with their numbers before them.
pub struct Stacked;

/// Paints files, the two versions of a line below each other.
pub type Painter<'o, 'a> = Painted<'o, 'a, Stacked>;

impl<'o, 'a> Painter<'o, 'a> {
    /// Makes one that paints to `out`, with an empty line above each file.
    pub fn new(out: &'o mut BlockWriter<'a>, look: Look) -> Painter<'o, 'a> {
        Painted::with(out, look, Stacked)
    }
}

fn gutter(pen: &mut Pen<'_, '_>, old: Option<u64>, new: Option<u64>) {
    if !pen.look.numbers {
        return;
    }
    pen.paint(Paint::Number);
    pen.number(old, pen.digits);
    pen.put(b" ");
    pen.number(new, pen.digits);
    pen.reset();
    pen.put(b" ");
}

/// Writes both versions of a line as one.
fn merged(pen: &mut Pen<'_, '_>, old: &[u8], new: &[u8], spans: &[Span]) -> io::Result<()> {
    gutter(pen, Some(pen.old), Some(pen.new));
    pen.put(b"~");
    let color = pen.look.color;
    let mut at = 0;
    for (a, b) in spans {
        push_safe(&mut pen.out.buffer, &old[at..a.start]);
        for (paint, text, marks) in [
            (Paint::Removed, &old[a.clone()], [&b"[-"[..], b"-]"]),
            (Paint::Added, &new[b.clone()], [b"{+", b"+}"]),
        ] {
            if !text.is_empty() {
                let [open, close] = if color { [&b""[..]; 2] } else { marks };
                pen.put(open);
                pen.painted(paint, text);
                pen.put(close);
            }
        }
        at = a.end;
    }
    push_safe(&mut pen.out.buffer, old[at..].strip_suffix(b"\n").unwrap_or(&old[at..]));
    pen.end_line(new)
}

impl Layout for Stacked {
    fn context(&mut self, pen: &mut Pen<'_, '_>, line: TextLine<'_>) -> io::Result<()> {
        gutter(pen, Some(pen.old), Some(pen.new));
        pen.step(true, true);
        pen.body(None, b" ", line, [].iter())
    }

    fn change(
        &mut self,
        pen: &mut Pen<'_, '_>,
        removed: &[TextLine<'_>],
        added: &[TextLine<'_>],
    ) -> io::Result<()> {
        let words = Words::of(removed, added);
        let short = |line: &TextLine<'_>| line.text.len() <= pen.look.max_line;
        let in_words = pen.look.word && !removed.is_empty() && removed.len() == added.len();
        if in_words
            && removed.iter().chain(added).all(short)
            && (0..removed.len()).all(|number| words.spans(number).is_some())
        {
            for (number, (old, new)) in removed.iter().zip(added).enumerate() {
                merged(pen, old.text, new.text, words.spans(number).unwrap_or_default())?;
                pen.step(true, true);
            }
            return Ok(());
        }
        for (number, line) in removed.iter().enumerate() {
            gutter(pen, Some(pen.old), None);
            let paint = pen.removed(pen.old);
            pen.step(true, false);
            pen.body(Some(paint), b"-", *line, words.in_old(number))?;
        }
        for (number, line) in added.iter().enumerate() {
            gutter(pen, None, Some(pen.new));
            let paint = pen.added(pen.new);
            pen.step(false, true);
            pen.body(Some(paint), b"+", *line, words.in_new(number))?;
        }
        Ok(())
    }
}

/// Each line in its place: as many lines go out as came in.
pub struct InPlace;

impl<'o, 'a> Painted<'o, 'a, InPlace> {
    /// Makes one that paints each line in its place, as `git add -p` needs it from its filter.
    pub fn in_place(out: &'o mut BlockWriter<'a>, look: Look) -> Painted<'o, 'a, InPlace> {
        Painted::with(out, look, InPlace)
    }
}

impl Layout for InPlace {
    const IN_PLACE: bool = true;

    fn context(&mut self, pen: &mut Pen<'_, '_>, line: TextLine<'_>) -> io::Result<()> {
        pen.step(true, true);
        pen.body(None, b" ", line, [].iter())
    }

    fn change(
        &mut self,
        pen: &mut Pen<'_, '_>,
        removed: &[TextLine<'_>],
        added: &[TextLine<'_>],
    ) -> io::Result<()> {
        let words = Words::of(removed, added);
        for (number, line) in removed.iter().enumerate() {
            let paint = pen.removed(pen.old);
            pen.step(true, false);
            pen.body(Some(paint), b"-", *line, words.in_old(number))?;
        }
        for (number, line) in added.iter().enumerate() {
            let paint = pen.added(pen.new);
            pen.step(false, true);
            pen.body(Some(paint), b"+", *line, words.in_new(number))?;
        }
        Ok(())
    }
}
