//! Unified diffs read back: those that snapshots store, and those that git prints.
//!
//! Reads a line at a time and drops nothing. Text outside a diff is passed on. So is text that began like
//! the header of a file and turns out not to be one. Git's own colours are removed from the lines of a diff.
//! Numbers in headers decide where a hunk ends, and are trusted for nothing else.

mod colors;
mod header;
mod hunk;
mod merge;
mod names;

use std::borrow::Cow;
use std::io::{self, BufRead, Read as _};

use super::file::unquoted;
use super::moved::MovedBlocks;
use super::{DiffReport, End, Show};
pub(super) use colors::{sgr, without as without_colors};
use header::Header;
pub use hunk::moved_in;
use hunk::{Hunk, Lines, parse_hunk, shows_words};

/// Shows a diff as git prints it.
///
/// # Errors
/// Whatever reading and showing give.
pub fn show_patch(mut reader: impl BufRead, show: &mut dyn Show) -> io::Result<()> {
    let mut parser = Parser::new(show);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        // What a hunk looks like is told from its first lines; nothing else waits for what follows.
        if !line.ends_with(b"\n") && matches!(parser.stage, Stage::Hunk(..) | Stage::MergeHunk(..)) {
            // The last line of the input lacks its end, which says nothing of the file.
            line.push(b'\n');
        }
        let ahead = if memchr::memmem::find(&line, b"@@ -").is_some() { reader.fill_buf()? } else { &[] };
        parser.line(&line, ahead)?;
        line.clear();
    }
    parser.end_file()
}

/// Shows the hunks of one file, which has been started, while they are read. Ends at a line longer than
/// `longest` bytes. Returns the counts.
///
/// # Errors
/// Whatever reading and showing give.
pub fn show_hunks(mut hunks: impl BufRead, longest: usize, show: &mut dyn Show) -> io::Result<DiffReport> {
    let mut parser = Parser::new(show);
    (parser.stage, parser.open) = (Stage::Hunks, true);
    let most = (longest as u64).saturating_add(2);
    let mut line = Vec::new();
    while (&mut hunks).take(most).read_until(b'\n', &mut line)? > 0 {
        if line.len() as u64 == most && !line.ends_with(b"\n") {
            parser.report.stopped = true;
            break;
        }
        parser.stored_line(&line)?;
        line.clear();
    }
    parser.end_hunk()?;
    Ok(parser.report)
}

/// Where in a diff the parser is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// Outside of any file, or behind the hunks of one.
    Text,
    /// Behind a `--- ` that is the header of a file only if a `+++ ` follows.
    Dashes,
    /// Behind both, which are one only if a hunk follows.
    Pluses,
    /// In the header that git gives a file.
    Header,
    /// In binary content, with this many blocks to come.
    Binary(u8),
    /// Between the hunks of a file.
    Hunks,
    /// In a hunk with this many lines left on each side.
    Hunk(u64, u64),
    /// In a hunk that shows words and not lines.
    Words,
    /// In the header of a merge, or between its hunks.
    Merge,
    /// In a hunk of a merge: lines left of each parent, and of the result.
    MergeHunk(Vec<u64>, u64),
}

struct Parser<'s> {
    show: &'s mut dyn Show,
    stage: Stage,
    header: Header,
    /// The header as far as it was read. It is shown as text if it turns out not to be a header.
    held: Vec<u8>,
    /// Whether a file was started and not finished.
    open: bool,
    /// Whether git coloured anything before, and this file.
    colored: bool,
    file_colored: bool,
    report: DiffReport,
    /// Lines that a mark for a missing newline may still follow.
    removed: Lines,
    added: Lines,
    context: Vec<u8>,
    /// Whether git says that the lines of this change only moved, and the number of the next line on each side.
    moved: bool,
    next: (u64, u64),
}

impl<'s> Parser<'s> {
    fn new(show: &'s mut dyn Show) -> Parser<'s> {
        Parser {
            show,
            stage: Stage::Text,
            header: Header::default(),
            held: Vec::new(),
            open: false,
            colored: false,
            file_colored: false,
            report: DiffReport::default(),
            removed: Lines::default(),
            added: Lines::default(),
            context: Vec::new(),
            moved: false,
            next: (0, 0),
        }
    }

    /// Takes a line of stored hunks, which have no headers and no colours.
    fn stored_line(&mut self, line: &[u8]) -> io::Result<()> {
        if let Stage::Hunk(old, new) = self.stage {
            if (old > 0 || new > 0 || line.starts_with(b"\\")) && self.hunk_line(line, false, old, new)? {
                return Ok(());
            }
            self.end_hunk()?;
        }
        match parse_hunk(line) {
            Some(hunk) => self.open_hunk(hunk),
            None if line.trim_ascii().is_empty() => Ok(()),
            None => self.show.text(line),
        }
    }

    /// Takes a line as it came; `ahead` is what is known to follow it.
    fn line(&mut self, raw: &[u8], ahead: &[u8]) -> io::Result<()> {
        let escapes = memchr::memchr(0x1b, raw).is_some();
        self.colored |= escapes && colors::begins_colored(raw);
        if self.in_hunk(raw, escapes)? {
            return Ok(());
        }
        let bare = if escapes { Cow::Owned(colors::without(raw)) } else { Cow::Borrowed(raw) };
        let line = bare.strip_suffix(b"\n").unwrap_or(&bare);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match &self.stage {
            Stage::Dashes if line.starts_with(b"+++ ") => {
                self.stage = Stage::Pluses;
                return self.hold(raw, line);
            }
            Stage::Pluses if parse_hunk(line).is_some() => return self.hunk_header(raw, line, ahead),
            Stage::Dashes | Stage::Pluses => self.end_file()?,
            Stage::Binary(left) => {
                let left = left.saturating_sub(u8::from(line.is_empty()));
                self.stage = if left == 0 { Stage::Text } else { Stage::Binary(left) };
                return self.show.header(raw);
            }
            Stage::Header if line == b"GIT binary patch" => {
                self.hold(raw, line)?;
                self.start()?;
                self.stage = Stage::Binary(2);
                return Ok(());
            }
            Stage::Header | Stage::Hunks | Stage::Words if parse_hunk(line).is_some() => {
                return self.hunk_header(raw, line, ahead);
            }
            Stage::Merge if merge::header(line).is_some() => return self.merge_header(raw, line),
            Stage::Header | Stage::Merge if !self.open && self.header.knows(line) => {
                return self.hold(raw, line);
            }
            _ => {}
        }
        if let Some(names) = line.strip_prefix(b"diff --git ") {
            self.begin(Stage::Header, raw, names::of_git_line(names))
        } else if let Some(name) = line.strip_prefix(b"diff --cc ").or(line.strip_prefix(b"diff --combined "))
        {
            self.begin(Stage::Merge, raw, unquoted(name))
        } else if line.starts_with(b"--- ") {
            self.begin(Stage::Dashes, raw, Vec::new())?;
            self.header.knows(line);
            Ok(())
        } else {
            if self.stage != Stage::Words {
                self.end_file()?;
            }
            self.text(raw)
        }
    }

    /// Begins what may be the header of a file.
    fn begin(&mut self, stage: Stage, raw: &[u8], path: Vec<u8>) -> io::Result<()> {
        self.end_file()?;
        self.stage = stage;
        self.header = Header::of(path);
        self.file_colored = colors::begins_colored(raw);
        self.held.extend_from_slice(raw);
        Ok(())
    }

    fn hold(&mut self, raw: &[u8], line: &[u8]) -> io::Result<()> {
        self.header.knows(line);
        self.file_colored |= colors::begins_colored(raw);
        self.held.extend_from_slice(raw);
        Ok(())
    }

    /// Starts the file whose header is held.
    fn start(&mut self) -> io::Result<()> {
        self.show.start(self.header.settled())?;
        self.open = true;
        let held = std::mem::take(&mut self.held);
        held.split_inclusive(|byte| *byte == b'\n').try_for_each(|line| self.show.header(line))
    }

    /// Shows a line that belongs to no diff.
    fn text(&mut self, raw: &[u8]) -> io::Result<()> {
        if self.colored && !self.show.keeps_colors() {
            self.show.text(&colors::without(raw))
        } else {
            self.show.text(raw)
        }
    }

    fn hunk_header(&mut self, raw: &[u8], line: &[u8], ahead: &[u8]) -> io::Result<()> {
        let Some(hunk) = parse_hunk(line) else { return self.text(raw) };
        self.file_colored |= colors::begins_colored(raw);
        if !self.open {
            self.start()?;
        }
        if shows_words(ahead, self.file_colored) {
            self.stage = Stage::Words;
            return self.text(raw);
        }
        self.show.header(raw)?;
        self.open_hunk(hunk)
    }

    fn open_hunk(&mut self, (old, new, heading): Hunk<'_>) -> io::Result<()> {
        // For no lines the format states the line above.
        let first = |(line, count): (u64, u64)| if count == 0 { line + 1 } else { line };
        self.show.length(old.1, new.1);
        self.next = (first(old), first(new));
        self.show.open(self.next.0, self.next.1, heading)?;
        self.stage = Stage::Hunk(old.1, new.1);
        Ok(())
    }

    fn merge_header(&mut self, raw: &[u8], line: &[u8]) -> io::Result<()> {
        let Some(hunk) = merge::header(line) else { return self.text(raw) };
        self.file_colored |= colors::begins_colored(raw);
        if !self.open {
            self.start()?;
        }
        self.show.merge_hunk(raw, hunk.new.0, hunk.heading)?;
        self.stage = Stage::MergeHunk(hunk.parents, hunk.new.1);
        Ok(())
    }

    /// Takes a line if it is one of the hunk that the parser is in.
    fn in_hunk(&mut self, raw: &[u8], escapes: bool) -> io::Result<bool> {
        let signs = match &self.stage {
            Stage::Hunk(..) => 1,
            Stage::MergeHunk(parents, _) => parents.len(),
            _ => return Ok(false),
        };
        let bare;
        let mut line = raw;
        self.file_colored |= escapes && colors::begins_colored(raw);
        let mut moved = false;
        if escapes && self.file_colored {
            bare = colors::bare_hunk_line(raw, signs);
            (line, moved) = (&bare.line, bare.moved);
        }
        let taken = match self.stage.clone() {
            Stage::Hunk(old, new) if old > 0 || new > 0 || line.starts_with(b"\\") => {
                self.hunk_line(line, moved, old, new)?
            }
            Stage::MergeHunk(parents, new) => self.merge_line(line, parents, new)?,
            _ => false,
        };
        if !taken {
            self.end_hunk()?;
        }
        Ok(taken)
    }

    /// Takes a line of a hunk of a merge; says whether it was one.
    fn merge_line(&mut self, line: &[u8], mut parents: Vec<u64>, new: u64) -> io::Result<bool> {
        if line.starts_with(b"\\") {
            self.show.merge_line(b"", line)?;
            return Ok(true);
        }
        let over = new == 0 && parents.iter().all(|left| *left == 0);
        let Some((signs, body)) = line.split_at_checked(parents.len()).filter(|_| !over) else {
            return Ok(false);
        };
        if !signs.iter().all(|sign| matches!(sign, b' ' | b'+' | b'-')) {
            return Ok(false);
        }
        let gone = signs.contains(&b'-');
        for (left, sign) in parents.iter_mut().zip(signs) {
            *left = left.saturating_sub(u64::from(*sign == if gone { b'-' } else { b' ' }));
        }
        self.report.removed += u64::from(gone);
        self.report.added += u64::from(!gone && signs.contains(&b'+'));
        self.show.merge_line(signs, body)?;
        self.stage = Stage::MergeHunk(parents, new.saturating_sub(u64::from(!gone)));
        Ok(true)
    }

    /// Takes a line of a hunk; says whether it was one.
    fn hunk_line(&mut self, line: &[u8], moved: bool, old: u64, new: u64) -> io::Result<bool> {
        let (sign, body) = match line.split_first() {
            Some((b'\n', _)) | None => (b' ', line),
            Some((sign, body)) => (*sign, body),
        };
        match sign {
            b'\\' => {
                if self.context.last() == Some(&b'\n') {
                    self.context.pop();
                } else if self.added.ends.is_empty() {
                    self.removed.drop_newline();
                } else {
                    self.added.drop_newline();
                }
                return Ok(true);
            }
            b'-' => {
                self.flush_context()?;
                if !self.added.ends.is_empty() || self.removed.is_full() || self.moved != moved {
                    self.flush_change()?;
                }
                self.moved = moved;
                self.removed.push(body);
                self.report.removed += 1;
                self.stage = Stage::Hunk(old.saturating_sub(1), new);
            }
            b'+' => {
                self.flush_context()?;
                if self.added.is_full() || self.moved != moved {
                    self.flush_change()?;
                }
                self.moved = moved;
                self.added.push(body);
                self.report.added += 1;
                self.stage = Stage::Hunk(old, new.saturating_sub(1));
            }
            b' ' => {
                self.flush_change()?;
                self.flush_context()?;
                self.context.extend_from_slice(body);
                self.stage = Stage::Hunk(old.saturating_sub(1), new.saturating_sub(1));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn flush_context(&mut self) -> io::Result<()> {
        if !self.context.is_empty() {
            self.show.context(&self.context)?;
            self.context.clear();
            self.next = (self.next.0 + 1, self.next.1 + 1);
        }
        Ok(())
    }

    fn flush_change(&mut self) -> io::Result<()> {
        let removed = super::lines::cut(&self.removed.bytes, &self.removed.ends);
        let added = super::lines::cut(&self.added.bytes, &self.added.ends);
        if !removed.is_empty() || !added.is_empty() {
            let (old, new) = (self.next.0 + removed.len() as u64, self.next.1 + added.len() as u64);
            if self.moved {
                self.show.moved(MovedBlocks::of(self.next.0..old, self.next.1..new));
            }
            self.show.change(&removed, &added)?;
            self.next = (old, new);
        }
        self.removed.clear();
        self.added.clear();
        Ok(())
    }

    fn end_hunk(&mut self) -> io::Result<()> {
        match self.stage {
            Stage::Hunk(..) => {
                self.flush_change()?;
                self.flush_context()?;
                self.moved = false;
                self.stage = Stage::Hunks;
                self.show.close()
            }
            Stage::MergeHunk(..) => {
                self.stage = Stage::Merge;
                self.show.close()
            }
            _ => Ok(()),
        }
    }

    fn end_file(&mut self) -> io::Result<()> {
        self.end_hunk()?;
        let named = matches!(self.stage, Stage::Header) && self.header.says_something();
        self.stage = Stage::Text;
        if !self.open && named {
            self.start()?;
        }
        if std::mem::take(&mut self.open) {
            let report = std::mem::take(&mut self.report);
            let binary = self.header.binary;
            self.show.finish(End { report, binary, ..End::default() })?;
        }
        let held = std::mem::take(&mut self.held);
        held.split_inclusive(|byte| *byte == b'\n').try_for_each(|line| self.text(line))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BlockWriter, Patch};
    use super::*;

    /// Reads a diff and writes it as a patch again.
    fn again(diff: &[u8]) -> String {
        let mut made = Vec::new();
        let mut send = |block: Vec<u8>| {
            made.extend(block);
            Ok(())
        };
        let mut out = BlockWriter::new(true, &mut send);
        show_patch(diff, &mut Patch::new(&mut out)).expect("shown");
        out.flush().expect("flushed");
        String::from_utf8(made).expect("UTF-8")
    }

    const DIFF: &str = "commit 1\n\n    message\n\ndiff --git a/x b/x\nold mode 100644\nnew mode 100755\n\
        --- a/x\n+++ b/x\n@@ -1,2 +1,3 @@ fn name()\n a\n--- b\n+++ c\n+d\n\\ No newline at end of file\n\
        diff --git a/old name b/new name\nrename from old name\nrename to new name\n\
        diff --git a/old name b/copy\ncopy from old name\ncopy to copy\n\
        diff --git a/bin b/bin\nBinary files a/bin and b/bin differ\n";

    #[test]
    fn a_diff_survives_being_read() {
        assert_eq!(again(DIFF.as_bytes()), DIFF);
    }

    #[test]
    fn colours_of_git_are_taken_off() {
        let colored: String = DIFF.lines().map(|line| format!("\x1b[1m{line}\x1b[m\n")).collect();
        assert_eq!(again(colored.as_bytes()), DIFF);
    }

    #[test]
    fn nonsense_is_text_and_no_crash() {
        for text in
            ["@@ -1 +1 @@\n", "--- a\n", "diff --git \n@@ -0,99999999999999999999 +1 @@\n-a", "diff --git a"]
        {
            let _shown = again(text.as_bytes());
        }
        assert_eq!(again(b"hello\n"), "hello\n");
    }
}
