//! What `snap diff` writes: blocks as they come, names, or counts at the end.

use std::io::{self, IsTerminal as _};

use serde::Serialize;

use super::{DiffPart, OutputForm};
use crate::base::digest::to_hex;
use crate::base::error::Result;
use crate::base::screen::{Line, Sieve, width as width_of};
use crate::cli::output::pager::{Sheet, screen_width};
use crate::cli::output::words::count;
use crate::cli::output::{Style, Text, Ui, text};
use crate::diff::{Counted, Delivery, Hunk, bar};
use crate::manifest::Mode;

/// The width of the bars of `--stat`.
const BAR: u64 = 40;

/// The longest name that the bars are set to the right for.
const LONGEST_NAME: usize = 60;

/// Writes what the threads deliver.
pub(super) struct DiffWriter {
    /// What stands above the first file, until it is written.
    pub(super) lead: Vec<Text>,
    pub(super) sheet: Option<Sheet>,
    /// Makes safe what is not safe already.
    pub(super) sieve: Option<Sieve>,
    pub(super) paged: bool,
    /// Whether an empty line at the beginning is none of the input's.
    pub(super) trims: bool,
    pub(super) form: OutputForm,
    pub(super) counted: Vec<Counted>,
    pub(super) found: bool,
}

impl DiffWriter {
    pub(super) fn take(&mut self, delivery: Delivery<DiffPart>, ui: &mut Ui) -> Result<()> {
        match delivery {
            Delivery::Pause => match &mut self.sheet {
                Some(sheet) => sheet.flush(),
                None => ui.flush(),
            },
            Delivery::Piece(DiffPart::Block(block)) => {
                self.found = true;
                let sheet = match &mut self.sheet {
                    Some(sheet) => sheet,
                    // Not before there is something to show: a pager on nothing is a nuisance.
                    none => {
                        let sheet = none.insert(Sheet::open(self.paged)?);
                        sheet.trims = self.trims;
                        lead(&mut self.lead, sheet, ui.color())?;
                        sheet
                    }
                };
                match &mut self.sieve {
                    Some(sieve) => sheet.block(&sieve.next(&block)),
                    None => sheet.block(&block),
                }
            }
            Delivery::Piece(DiffPart::Counted(mut counted)) => {
                self.found = true;
                let name = Line(&String::from_utf8_lossy(&counted.file.path)).to_string();
                match self.form {
                    OutputForm::Names => ui.line(&name),
                    OutputForm::Status => {
                        let old = |name: &Vec<u8>| text![Text::tab(), String::from_utf8_lossy(name).as_ref()];
                        let old = counted.file.old_path.as_ref().map(old).unwrap_or_default();
                        ui.line(text![counted.file.kind.letter().to_string(), old, Text::tab(), name])
                    }
                    OutputForm::Json => ui.print_json_line(&DiffedFile::of(&counted)),
                    _ => {
                        counted.hunks = Vec::new();
                        // A file and what stands in its place have one line, as git gives them.
                        let first = self.counted.last().and_then(|last| last.file.with_successor());
                        match self.counted.pop_if(|_| first.is_some()).zip(first) {
                            Some((last, file)) => {
                                let end = last.end.with_successor(counted.end);
                                self.counted.push(Counted { file, end, hunks: Vec::new() });
                            }
                            None => self.counted.push(*counted),
                        }
                        Ok(())
                    }
                }
            }
        }
    }

    pub(super) fn finish(&mut self, ui: &mut Ui) -> Result<()> {
        if self.form.is_painted() && self.sheet.is_none() && !self.lead.is_empty() {
            lead(&mut self.lead, self.sheet.insert(Sheet::open(self.paged)?), ui.color())?;
        }
        if let Some(sheet) = &mut self.sheet {
            if let Some(sieve) = &mut self.sieve {
                sheet.block(&sieve.finish())?;
            }
            sheet.flush()?;
        }
        if self.form != OutputForm::Stat {
            return Ok(());
        }
        std::mem::take(&mut self.lead).into_iter().try_for_each(|line| ui.line(line))?;
        if self.counted.is_empty() {
            return Ok(());
        }
        let name = |counted: &Counted| {
            let name = |path: &[u8]| Line(&String::from_utf8_lossy(path)).to_string();
            match (counted.file.old_name(), &counted.file.path[..]) {
                (old, new) if old == new => name(new),
                (old, new) => format!("{} -> {}", name(old), name(new)),
            }
        };
        let longest = self.counted.iter().map(|one| columns(&name(one))).max().unwrap_or(0);
        let (width, bar_width) = stat_widths(longest, io::stdout().is_terminal().then(screen_width));
        let lines = |one: &Counted| (one.end.report.added, one.end.report.removed);
        let most = self.counted.iter().map(|one| lines(one).0 + lines(one).1).max().unwrap_or(0);
        let (mut added, mut removed) = (0, 0);
        for one in &self.counted {
            let facts = if one.end.missing {
                text![format!("not known: {}", one.end.note.as_deref().unwrap_or_default())]
            } else if one.end.binary {
                format!("binary {}", one.end.note.as_deref().unwrap_or_default()).trim_end().into()
            } else {
                let (plus, minus) = lines(one);
                (added, removed) = (added + plus, removed + minus);
                let (pluses, minuses) = bar(plus, minus, most, bar_width);
                match pluses + minuses {
                    0 if !ui.color() => text![format!("{:5}", plus + minus)],
                    _ => text![
                        format!("{:5} ", plus + minus),
                        Style::Good.of("+".repeat(pluses)),
                        Style::Bad.of("-".repeat(minuses)),
                    ],
                }
            };
            let name = if bar_width < BAR { end_of(name(one), width) } else { name(one) };
            let pad = " ".repeat(width.saturating_sub(columns(&name)));
            ui.line(text![format!(" {name}{pad} | "), facts])?;
        }
        ui.line(&format!(" {}, +{added} -{removed}", count(self.counted.len(), "file")))
    }
}

/// Writes what stands above the first file.
fn lead(lines: &mut Vec<Text>, sheet: &mut Sheet, color: bool) -> Result<()> {
    let text: String = std::mem::take(lines).iter().map(|line| line.render(color) + "\n").collect();
    if text.is_empty() { Ok(()) } else { sheet.block(text.as_bytes()) }
}

/// Returns the width of the names and of the bars of `--stat`, given the length of the longest name. On
/// a screen, a line has to fit.
fn stat_widths(longest: usize, screen: Option<usize>) -> (usize, u64) {
    const COUNT: usize = " ".len() + " | ".len() + "12345 ".len();
    let room = screen.map_or(usize::MAX, |screen| screen.saturating_sub(COUNT).max(24));
    let bar = BAR as usize;
    match longest.min(LONGEST_NAME) {
        width if width + bar <= room => (width, BAR),
        width => {
            // Three eighths are for the bars, as git has it, or what the names leave.
            let width = width.min(room - room * 3 / 8);
            (width, (room - width).min(bar) as u64)
        }
    }
}

/// Returns how many columns of the screen a text takes.
fn columns(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

/// Returns the end of a name that takes more than so many columns.
fn end_of(name: String, width: usize) -> String {
    let mut left = columns(&name);
    if left <= width {
        return name;
    }
    let rest = name.chars().skip_while(|c| {
        let over = left + 1 > width;
        left -= width_of(*c);
        over
    });
    std::iter::once('…').chain(rest).collect()
}

/// One file as `--json` prints it.
#[derive(Serialize)]
struct DiffedFile<'a> {
    path: DiffedPath<'a>,
    old_path: Option<DiffedPath<'a>>,
    similarity: Option<u64>,
    change: &'static str,
    old_mode: Option<&'static str>,
    new_mode: Option<&'static str>,
    added: u64,
    removed: u64,
    binary: bool,
    rough: bool,
    complete: bool,
    note: Option<&'a str>,
    hunks: &'a [Hunk],
}

/// A path; one that is not UTF-8 in hexadecimal.
#[derive(Serialize)]
#[serde(untagged)]
enum DiffedPath<'a> {
    Text(&'a str),
    Bytes { hex: String },
}

impl DiffedPath<'_> {
    fn of(path: &[u8]) -> DiffedPath<'_> {
        match std::str::from_utf8(path) {
            Ok(path) => DiffedPath::Text(path),
            Err(_) => DiffedPath::Bytes { hex: to_hex(path) },
        }
    }
}

impl DiffedFile<'_> {
    fn of(counted: &Counted) -> DiffedFile<'_> {
        let (file, end) = (&counted.file, &counted.end);
        DiffedFile {
            path: DiffedPath::of(&file.path),
            old_path: file.old_path.as_deref().map(DiffedPath::of),
            similarity: file.similarity,
            change: file.kind.word(),
            old_mode: file.old_mode.map(Mode::octal),
            new_mode: file.new_mode.map(Mode::octal),
            added: end.report.added,
            removed: end.report.removed,
            binary: end.binary,
            rough: end.report.rough,
            complete: !end.report.stopped && !end.missing,
            note: end.note.as_deref(),
            hunks: &counted.hunks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_fits_the_screen() {
        assert_eq!(stat_widths(20, None), (20, 40));
        assert_eq!(stat_widths(100, None), (60, 40));
        assert_eq!(stat_widths(100, Some(200)), (60, 40));
        assert_eq!(stat_widths(20, Some(80)), (20, 40));
        for (longest, screen) in [(100, 80), (45, 80), (100, 100), (70, 40)] {
            let (name, bar) = stat_widths(longest, Some(screen));
            assert_eq!(1 + name + 3 + 6 + bar as usize, screen, "{longest} on {screen}");
        }
        assert_eq!(end_of("a/long/path/name.rs".to_owned(), 10), "…h/name.rs");
        assert_eq!(end_of("name.rs".to_owned(), 10), "name.rs");
        assert_eq!((end_of("漢字/漢字.rs".to_owned(), 8), columns("…漢字.rs")), ("…漢字.rs".to_owned(), 8));
    }
}
