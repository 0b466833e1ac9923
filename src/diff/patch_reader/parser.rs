//! Where in a diff a reader is, and what each line is there.
//!
//! Every line is judged by itself and by what came before it, never by what is known of what follows. So the
//! same lines are shown in the same way, however they come.

use std::borrow::Cow;
use std::io;

use super::super::file::unquoted;
use super::super::{DiffReport, End, Show};
use super::binary::Binary;
use super::changes::Changes;
use super::header::Header;
use super::hunk::{Hunk, Sign, parse_hunk, sign};
use super::kind::{self, Kind};
use super::{colors, merge, names};

/// After this many bytes of a hunk without a signed line, it is taken for a diff of lines.
const UNDECIDED: usize = 256 << 10;

/// Where in a diff the parser is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ParserStage {
    /// Outside of any file, or behind the hunks of one.
    Text,
    /// Behind a `--- ` that is the header of a file only if a `+++ ` follows.
    Dashes,
    /// Behind both, which are one only if a hunk follows.
    Pluses,
    /// In the header that git gives a file.
    Header,
    Binary(Binary),
    /// Between the hunks of a file.
    Hunks,
    /// In a hunk that shows lines or words, which is not yet known; with this many lines left on each side.
    Undecided(u64, u64),
    /// In a hunk with this many lines left on each side.
    Hunk(u64, u64),
    /// In a hunk that shows words and not lines.
    Words,
    /// In the header of a merge, or between its hunks.
    Merge,
    /// In a hunk of a merge: lines left of each parent, and of the result.
    MergeHunk(Vec<u64>, u64),
}

/// Reads a diff line by line.
pub(super) struct Parser<'s> {
    show: &'s mut dyn Show,
    stage: ParserStage,
    header: Header,
    /// The header as far as it was read. It is shown as text if it turns out not to be a header.
    held: Vec<u8>,
    /// The header of a hunk and its lines, until it is known what it shows.
    undecided: Vec<u8>,
    /// Where a line of a hunk is written without its colours.
    bare: Vec<u8>,
    /// Whether a file was started and not finished.
    open: bool,
    /// Whether git coloured this file.
    colored: bool,
    pub(super) report: DiffReport,
    changes: Changes,
}

impl<'s> Parser<'s> {
    pub(super) fn new(show: &'s mut dyn Show) -> Parser<'s> {
        Parser {
            show,
            stage: ParserStage::Text,
            header: Header::default(),
            held: Vec::new(),
            undecided: Vec::new(),
            bare: Vec::new(),
            open: false,
            colored: false,
            report: DiffReport::default(),
            changes: Changes::default(),
        }
    }

    /// Makes one for the hunks of a file that has been started.
    pub(super) fn in_file(show: &'s mut dyn Show) -> Parser<'s> {
        Parser { stage: ParserStage::Hunks, open: true, ..Parser::new(show) }
    }

    /// Says that no more lines are there right now.
    pub(super) fn pause(&mut self) -> io::Result<()> {
        self.show.pause()
    }

    /// Takes a line of stored hunks, which have no headers and no colours.
    pub(super) fn stored_line(&mut self, line: &[u8]) -> io::Result<()> {
        if matches!(self.stage, ParserStage::Hunk(..)) {
            if self.hunk_line(line, false)? {
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

    /// Takes a line as it came. Only the last one may lack its end.
    pub(super) fn line(&mut self, raw: &[u8]) -> io::Result<()> {
        if !raw.ends_with(b"\n") {
            self.show.unended();
        }
        let escapes = memchr::memchr(0x1b, raw).is_some();
        if self.is_held_back(raw)? || self.in_hunk(raw, escapes)? {
            return Ok(());
        }
        let bare = if escapes { Cow::Owned(colors::without(raw)) } else { Cow::Borrowed(raw) };
        let line = bare.strip_suffix(b"\n").unwrap_or(&bare);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match &self.stage {
            ParserStage::Dashes if line.starts_with(b"+++ ") => {
                self.stage = ParserStage::Pluses;
                return self.hold(raw, line);
            }
            ParserStage::Pluses if parse_hunk(line).is_some() => return self.hunk_header(raw, line),
            ParserStage::Dashes | ParserStage::Pluses => self.end_file()?,
            ParserStage::Binary(binary) => {
                if let Some(binary) = binary.behind(line) {
                    self.stage = ParserStage::Binary(binary);
                    return self.show.header(raw);
                }
            }
            ParserStage::Header if line == b"GIT binary patch" => {
                self.hold(raw, line)?;
                self.start()?;
                self.stage = ParserStage::Binary(Binary::START);
                return Ok(());
            }
            ParserStage::Header | ParserStage::Hunks | ParserStage::Words if parse_hunk(line).is_some() => {
                return self.hunk_header(raw, line);
            }
            ParserStage::Merge if merge::header(line).is_some() => return self.merge_header(raw, line),
            ParserStage::Header | ParserStage::Merge if !self.open && self.header.knows(line) => {
                return self.hold(raw, line);
            }
            _ => {}
        }
        if let Some(names) = line.strip_prefix(b"diff --git ") {
            self.begin(ParserStage::Header, raw, Header::of_git(names::of_git_line(names)))
        } else if let Some(name) = line.strip_prefix(b"diff --cc ").or(line.strip_prefix(b"diff --combined "))
        {
            let name = unquoted(name);
            self.begin(ParserStage::Merge, raw, Header::of_git((name.clone(), name)))
        } else if line.starts_with(b"--- ") {
            self.begin(ParserStage::Dashes, raw, Header::default())?;
            self.header.knows(line);
            Ok(())
        } else {
            if self.stage != ParserStage::Words {
                self.end_file()?;
            }
            // Other programs say in such a line how they made the diff that follows.
            if escapes && line.starts_with(b"diff -") && !self.show.keeps_colors() {
                return self.show.text(&bare);
            }
            self.text(raw)
        }
    }

    /// Begins what may be the header of a file.
    fn begin(&mut self, stage: ParserStage, raw: &[u8], header: Header) -> io::Result<()> {
        self.end_file()?;
        (self.stage, self.header) = (stage, header);
        self.colored = colors::begins_colored(raw);
        self.held.extend_from_slice(raw);
        Ok(())
    }

    fn hold(&mut self, raw: &[u8], line: &[u8]) -> io::Result<()> {
        self.header.knows(line);
        self.colored |= colors::begins_colored(raw);
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

    /// Shows a line that belongs to no diff, or to a hunk of words.
    fn text(&mut self, raw: &[u8]) -> io::Result<()> {
        if self.stage == ParserStage::Words && self.colored && !self.show.keeps_colors() {
            self.show.text(&colors::without(raw))
        } else {
            self.show.text(raw)
        }
    }

    fn hunk_header(&mut self, raw: &[u8], line: &[u8]) -> io::Result<()> {
        let Some((old, new, _)) = parse_hunk(line) else { return self.text(raw) };
        self.colored |= colors::begins_colored(raw);
        self.stage = ParserStage::Undecided(old.1, new.1);
        self.undecided.extend_from_slice(raw);
        Ok(())
    }

    /// Keeps a line that does not tell yet what its hunk shows. If it does tell, the hunk begins.
    fn is_held_back(&mut self, raw: &[u8]) -> io::Result<bool> {
        let ParserStage::Undecided(old, new) = self.stage else { return Ok(false) };
        match kind::of(raw, self.colored) {
            Kind::Lines => self.decide(false)?,
            Kind::Words => self.decide(true)?,
            Kind::Either if self.undecided.len() + raw.len() > UNDECIDED => self.decide(false)?,
            Kind::Either if sign(raw) == Some(Sign::Mark) => {
                self.undecided.extend_from_slice(raw);
                return Ok(true);
            }
            // The counts are used up and no line had a sign. In a diff of lines that can't be: nothing would have changed.
            Kind::Either if old == 0 || new == 0 => self.decide(true)?,
            Kind::Either => {
                self.undecided.extend_from_slice(raw);
                self.stage = ParserStage::Undecided(old - 1, new - 1);
                if old == 1 && new == 1 {
                    self.decide(true)?;
                }
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Begins the hunk that is held, and shows what is known of it.
    fn decide(&mut self, words: bool) -> io::Result<()> {
        let mut held = std::mem::take(&mut self.undecided);
        self.begin_hunk(&held, words)?;
        held.clear();
        self.undecided = held;
        Ok(())
    }

    fn begin_hunk(&mut self, held: &[u8], words: bool) -> io::Result<()> {
        let mut lines = held.split_inclusive(|byte| *byte == b'\n');
        let header = lines.next().unwrap_or_default();
        if !self.open {
            self.start()?;
        }
        if words {
            self.stage = ParserStage::Words;
            self.show.head()?;
            self.text(header)?;
            return lines.try_for_each(|line| self.text(line));
        }
        self.show.header(header)?;
        let bare = colors::without(header);
        let Some(hunk) = parse_hunk(bare.strip_suffix(b"\n").unwrap_or(&bare)) else { return Ok(()) };
        self.open_hunk(hunk)?;
        for line in lines {
            self.in_hunk(line, memchr::memchr(0x1b, line).is_some())?;
        }
        Ok(())
    }

    fn open_hunk(&mut self, (old, new, heading): Hunk<'_>) -> io::Result<()> {
        // For no lines the format states the line above.
        let first = |(line, count): (u64, u64)| if count == 0 { line + 1 } else { line };
        self.show.length(old.1, new.1);
        self.changes.begin(first(old), first(new));
        self.show.open(first(old), first(new), heading)?;
        self.stage = ParserStage::Hunk(old.1, new.1);
        Ok(())
    }

    fn merge_header(&mut self, raw: &[u8], line: &[u8]) -> io::Result<()> {
        let Some(hunk) = merge::header(line) else { return self.text(raw) };
        self.colored |= colors::begins_colored(raw);
        if !self.open {
            self.start()?;
        }
        self.show.merge_hunk(raw, hunk.new.0, hunk.heading)?;
        self.stage = ParserStage::MergeHunk(hunk.parents, hunk.new.1);
        Ok(())
    }

    /// Takes a line if it is one of the hunk that the parser is in.
    fn in_hunk(&mut self, raw: &[u8], escapes: bool) -> io::Result<bool> {
        let signs = match &self.stage {
            ParserStage::Hunk(..) => 1,
            ParserStage::MergeHunk(parents, _) => parents.len(),
            _ => return Ok(false),
        };
        self.colored |= escapes && colors::begins_colored(raw);
        let unended = !raw.ends_with(b"\n") && !self.show.wants_lines();
        let mut bare = std::mem::take(&mut self.bare);
        let mut moved = false;
        if escapes && self.colored {
            moved = colors::bare_hunk_line(raw, signs, &mut bare);
        } else if unended {
            bare.clear();
            bare.extend_from_slice(raw);
        }
        if unended {
            // The last line of the input lacks its end, which says nothing of the file.
            bare.push(b'\n');
        }
        let line = if unended || escapes && self.colored { &bare[..] } else { raw };
        let taken = if signs == 1 && matches!(self.stage, ParserStage::Hunk(..)) {
            self.hunk_line(line, moved)?
        } else {
            self.merge_line(line)?
        };
        self.bare = bare;
        if !taken {
            self.end_hunk()?;
        }
        Ok(taken)
    }

    /// Takes a line of a hunk; says whether it was one.
    fn hunk_line(&mut self, line: &[u8], moved: bool) -> io::Result<bool> {
        let ParserStage::Hunk(old, new) = self.stage else { return Ok(false) };
        let Some(sign) = sign(line).filter(|sign| *sign == Sign::Mark || old > 0 || new > 0) else {
            return Ok(false);
        };
        let (of_old, of_new) = match sign {
            Sign::Context | Sign::Unsigned => (1, 1),
            Sign::Removed => (1, 0),
            Sign::Added => (0, 1),
            Sign::Mark => (0, 0),
        };
        self.stage = ParserStage::Hunk(old.saturating_sub(of_old), new.saturating_sub(of_new));
        self.report.removed += u64::from(sign == Sign::Removed);
        self.report.added += u64::from(sign == Sign::Added);
        if self.show.wants_lines() {
            self.show.line(line)?;
        } else {
            self.changes.take(sign, line, moved, self.show)?;
        }
        Ok(true)
    }

    /// Takes a line of a hunk of a merge; says whether it was one.
    fn merge_line(&mut self, line: &[u8]) -> io::Result<bool> {
        let ParserStage::MergeHunk(parents, new) = &mut self.stage else { return Ok(false) };
        if line.starts_with(b"\\") {
            self.show.merge_line(b"", line)?;
            return Ok(true);
        }
        let over = *new == 0 && parents.iter().all(|left| *left == 0);
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
        *new = new.saturating_sub(u64::from(!gone));
        self.report.removed += u64::from(gone);
        self.report.added += u64::from(!gone && signs.contains(&b'+'));
        self.show.merge_line(signs, body)?;
        Ok(true)
    }

    pub(super) fn end_hunk(&mut self) -> io::Result<()> {
        match self.stage {
            // Its end is missing: it is shown as what it most likely is.
            ParserStage::Undecided(..) => {
                self.decide(false)?;
                self.end_hunk()
            }
            ParserStage::Hunk(..) => {
                self.changes.show(self.show)?;
                self.stage = ParserStage::Hunks;
                self.show.close()
            }
            ParserStage::MergeHunk(..) => {
                self.stage = ParserStage::Merge;
                self.show.close()
            }
            _ => Ok(()),
        }
    }

    pub(super) fn end_file(&mut self) -> io::Result<()> {
        self.end_hunk()?;
        let named = matches!(self.stage, ParserStage::Header) && self.header.says_something();
        self.stage = ParserStage::Text;
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
