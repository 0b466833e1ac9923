//! Unified diffs read back: those that snapshots store, and those that git prints.
//!
//! A line at a time; what is not a diff is passed on as text. Git's own colours are taken
//! off. Numbers in headers decide where a hunk ends and are trusted for nothing else.

use std::io::{self, BufRead, Read as _};

use super::file::unquoted;
use super::moved::{self, Moved};
use super::{End, File, Kind, Report, Show};
use crate::manifest::Mode;

/// A long change is passed on in pieces of this many lines or bytes.
const PIECE: usize = 1_024;
const PIECE_BYTES: usize = 256 << 10;

/// Shows a diff as git prints it.
///
/// # Errors
/// Whatever reading and showing give.
pub fn show_patch(mut reader: impl BufRead, show: &mut dyn Show) -> io::Result<()> {
    let mut parser = Parser::new(show);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        parser.line(&line)?;
        line.clear();
    }
    parser.end_file()
}

/// Shows the hunks of one file, which has been started, while they are read; ends at a line that is longer
/// than `longest` bytes. Returns what they amount to.
///
/// # Errors
/// Whatever reading and showing give.
pub fn show_hunks(mut hunks: impl BufRead, longest: usize, show: &mut dyn Show) -> io::Result<Report> {
    let mut parser = Parser::new(show);
    parser.stage = Stage::Hunks;
    let most = (longest as u64).saturating_add(2);
    let mut line = Vec::new();
    while (&mut hunks).take(most).read_until(b'\n', &mut line)? > 0 {
        if line.len() as u64 == most && !line.ends_with(b"\n") {
            parser.report.stopped = true;
            break;
        }
        parser.line(&line)?;
        line.clear();
    }
    parser.end_hunk()?;
    Ok(parser.report)
}

/// Finds the lines that only moved from one hunk to another.
pub fn moved_in(hunks: &[u8]) -> Moved {
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    let (mut old, mut new) = ((0, 0), (0, 0));
    for line in hunks.split_inclusive(|byte| *byte == b'\n') {
        let within = old.1 > 0 || new.1 > 0;
        match line.first() {
            Some(b'-') if within => removed.push((old.0, &line[1..])),
            Some(b'+') if within => added.push((new.0, &line[1..])),
            Some(b'\\') => continue,
            _ if within => {}
            _ => {
                let Some((stated_old, stated_new, _)) = parse_hunk(line) else { continue };
                (old, new) = (stated_old, stated_new);
                continue;
            }
        }
        let count = |side: &mut Stated| *side = (side.0 + 1, side.1.saturating_sub(1));
        if line.first() != Some(&b'+') {
            count(&mut old);
        }
        if line.first() != Some(&b'-') {
            count(&mut new);
        }
    }
    moved::find(&removed, &added, |line| moved::ink(line.1))
}

/// Where in a diff the parser is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Outside of any file.
    Text,
    /// In the header of a file.
    Header,
    /// Between the hunks of a file.
    Hunks,
    /// In a hunk with this many lines left on each side.
    Hunk(u64, u64),
}

struct Parser<'s> {
    show: &'s mut dyn Show,
    stage: Stage,
    file: File,
    binary: bool,
    /// Whether git coloured this diff.
    colored: bool,
    report: Report,
    /// Lines that a mark for a missing newline may still follow.
    removed: Lines,
    added: Lines,
    context: Vec<u8>,
}

/// Lines in one allocation.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Lines {
    fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn drop_newline(&mut self) {
        let before = self.ends.iter().rev().nth(1).copied().unwrap_or(0);
        // Said twice, it must not take the line end of the line before.
        if let Some(end) = self.ends.last_mut().filter(|end| **end > before)
            && self.bytes.last() == Some(&b'\n')
        {
            self.bytes.pop();
            *end -= 1;
        }
    }

    fn is_full(&self) -> bool {
        self.ends.len() >= PIECE || self.bytes.len() >= PIECE_BYTES
    }
}

impl<'s> Parser<'s> {
    fn new(show: &'s mut dyn Show) -> Parser<'s> {
        Parser {
            show,
            stage: Stage::Text,
            file: File::default(),
            binary: false,
            colored: false,
            report: Report::default(),
            removed: Lines::default(),
            added: Lines::default(),
            context: Vec::new(),
        }
    }

    fn line(&mut self, raw: &[u8]) -> io::Result<()> {
        // A line of a diff starts with a sign or a word; only git itself starts it with a colour.
        self.colored |= raw.starts_with(b"\x1b[");
        let bare;
        let line = match self.colored && memchr::memchr(0x1b, raw).is_some() {
            true => {
                bare = without_colors(raw);
                &bare
            }
            false => raw,
        };
        match self.stage {
            Stage::Hunk(old, new) if old > 0 || new > 0 || line.starts_with(b"\\") => {
                if self.hunk_line(line, old, new)? {
                    return Ok(());
                }
                self.end_hunk()?;
            }
            Stage::Hunk(..) => self.end_hunk()?,
            _ => {}
        }
        if line.starts_with(b"diff --git ") {
            self.end_file()?;
            self.stage = Stage::Header;
            self.file.path = name_in(line.trim_ascii_end());
            return Ok(());
        }
        if self.stage != Stage::Text && line.starts_with(b"@@ ") {
            return self.hunk_header(line);
        }
        match self.stage {
            Stage::Header => self.header(line),
            _ if line.starts_with(b"--- ") => {
                self.end_file()?;
                self.stage = Stage::Header;
                self.header(line);
            }
            Stage::Hunks if line.trim_ascii().is_empty() => {}
            _ => {
                self.end_file()?;
                self.show.text(line)?;
            }
        }
        Ok(())
    }

    fn header(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let after = |prefix: &[u8]| line.strip_prefix(prefix);
        let mode = |text: &[u8]| std::str::from_utf8(text).ok().and_then(Mode::from_octal);
        let file = &mut self.file;
        if let Some(name) = after(b"--- ") {
            match side_name(name) {
                None => file.kind = Kind::Added,
                Some(name) if file.old_path.is_none() => file.path = name,
                Some(_) => {}
            }
        } else if let Some(name) = after(b"+++ ") {
            match side_name(name) {
                None => file.kind = Kind::Deleted,
                Some(name) => {
                    let old = std::mem::replace(&mut file.path, name);
                    let other = old != file.path && file.kind == Kind::Modified && !old.is_empty();
                    if other {
                        file.old_path = Some(old);
                        file.kind = Kind::Renamed;
                    }
                }
            }
        } else if let Some(text) = after(b"new file mode ") {
            (file.kind, file.new_mode) = (Kind::Added, mode(text));
        } else if let Some(text) = after(b"deleted file mode ") {
            (file.kind, file.old_mode) = (Kind::Deleted, mode(text));
        } else if let Some(text) = after(b"old mode ") {
            file.old_mode = mode(text);
        } else if let Some(text) = after(b"new mode ") {
            file.new_mode = mode(text);
        } else if let Some(percent) = after(b"similarity index ") {
            let percent = std::str::from_utf8(percent).ok().and_then(|text| text.strip_suffix('%'));
            file.similarity = percent.and_then(|text| text.parse().ok()).filter(|percent| *percent <= 100);
        } else if let Some(name) = after(b"rename from ") {
            (file.kind, file.old_path) = (Kind::Renamed, Some(unquoted(name)));
        } else if let Some(name) = after(b"copy from ") {
            (file.kind, file.old_path) = (Kind::Copied, Some(unquoted(name)));
        } else if let Some(name) = after(b"rename to ").or(after(b"copy to ")) {
            file.path = unquoted(name);
        } else if line.starts_with(b"Binary files ") || line == b"GIT binary patch" {
            self.binary = true;
        } else if let Some(mode) = after(b"index ").and_then(|text| text.rsplit(|byte| *byte == b' ').next())
        {
            // A submodule has the mode of a commit.
            if mode == b"160000" {
                file.note = Some("submodule".to_owned());
            }
        }
    }

    fn hunk_header(&mut self, line: &[u8]) -> io::Result<()> {
        let Some((old, new, heading)) = parse_hunk(line) else { return self.show.text(line) };
        if self.stage == Stage::Header {
            self.show.start(std::mem::take(&mut self.file))?;
        }
        // For no lines the format states the line above.
        let first = |(line, count): (u64, u64)| if count == 0 { line + 1 } else { line };
        self.show.length(old.1, new.1);
        self.show.open(first(old), first(new), heading)?;
        self.stage = Stage::Hunk(old.1, new.1);
        Ok(())
    }

    /// Takes a line of a hunk; says whether it was one.
    fn hunk_line(&mut self, line: &[u8], old: u64, new: u64) -> io::Result<bool> {
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
                if !self.added.ends.is_empty() || self.removed.is_full() {
                    self.flush_change()?;
                }
                self.removed.push(body);
                self.report.removed += 1;
                self.stage = Stage::Hunk(old.saturating_sub(1), new);
            }
            b'+' => {
                self.flush_context()?;
                if self.added.is_full() {
                    self.flush_change()?;
                }
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
        }
        Ok(())
    }

    fn flush_change(&mut self) -> io::Result<()> {
        let removed = super::lines::cut(&self.removed.bytes, &self.removed.ends);
        let added = super::lines::cut(&self.added.bytes, &self.added.ends);
        if !removed.is_empty() || !added.is_empty() {
            self.show.change(&removed, &added)?;
        }
        self.removed.clear();
        self.added.clear();
        Ok(())
    }

    fn end_hunk(&mut self) -> io::Result<()> {
        if let Stage::Hunk(..) = self.stage {
            self.flush_change()?;
            self.flush_context()?;
            self.stage = Stage::Hunks;
            self.show.close()?;
        }
        Ok(())
    }

    fn end_file(&mut self) -> io::Result<()> {
        self.end_hunk()?;
        let file = std::mem::take(&mut self.file);
        match std::mem::replace(&mut self.stage, Stage::Text) {
            Stage::Text => return Ok(()),
            Stage::Header => self.show.start(file)?,
            Stage::Hunks | Stage::Hunk(..) => {}
        }
        let report = std::mem::take(&mut self.report);
        let binary = std::mem::take(&mut self.binary);
        self.show.finish(End { report, binary, ..End::default() })
    }
}

/// Takes git's colours off a line.
fn without_colors(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        out.extend_from_slice(&rest[..at]);
        let codes = rest[at + 1..].strip_prefix(b"[").unwrap_or_default();
        let len = codes.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
        match codes.get(len) {
            Some(b'm' | b'K') => rest = &codes[len + 1..],
            _ => {
                out.push(0x1b);
                rest = &rest[at + 1..];
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Returns the name in a `diff --git` line, for files that have no other.
fn name_in(line: &[u8]) -> Vec<u8> {
    let names = line.strip_prefix(b"diff --git ").unwrap_or_default();
    // Both names are the same but for their first letter, and a blank is between them.
    let second = match names.starts_with(b"\"") {
        true => names.windows(2).position(|pair| pair == b" \"").map_or(names, |at| &names[at + 1..]),
        false => &names[(names.len() / 2 + 1).min(names.len())..],
    };
    strip(unquoted(second))
}

/// Returns the name in a `---` or `+++` line; `None` for `/dev/null`.
fn side_name(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.split(|byte| *byte == b'\t').next().unwrap_or(text).trim_ascii_end();
    (text != b"/dev/null").then(|| strip(unquoted(text)))
}

/// Takes off the letter and slash that git puts before names, whichever are configured.
fn strip(name: Vec<u8>) -> Vec<u8> {
    match name.as_slice() {
        [b'a' | b'b' | b'c' | b'i' | b'o' | b'w', b'/', rest @ ..] => rest.to_vec(),
        _ => name,
    }
}

type Stated = (u64, u64);

fn parse_hunk(line: &[u8]) -> Option<(Stated, Stated, &[u8])> {
    let (old, rest) = parse_stated(line.strip_prefix(b"@@ -")?)?;
    let (new, rest) = parse_stated(rest.strip_prefix(b" +")?)?;
    let heading = rest.strip_prefix(b" @@")?.trim_ascii_end();
    Some((old, new, heading.strip_prefix(b" ").unwrap_or(heading)))
}

fn parse_stated(text: &[u8]) -> Option<(Stated, &[u8])> {
    let (line, text) = parse_number(text)?;
    match text.strip_prefix(b",") {
        Some(text) => parse_number(text).map(|(count, text)| ((line, count), text)),
        None => Some(((line, 1), text)),
    }
}

fn parse_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(len);
    // Numbers that would overflow when counted on are nonsense.
    let number = std::str::from_utf8(digits).ok()?.parse().ok().filter(|number| *number < u64::MAX / 4)?;
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::super::{Out, Patch};
    use super::*;

    /// Reads a diff and writes it as a patch again.
    fn again(diff: &[u8]) -> String {
        let mut made = Vec::new();
        let mut send = |block: Vec<u8>| {
            made.extend(block);
            Ok(())
        };
        let mut out = Out::new(true, &mut send);
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
