//! The incremental diff renderer: two versions of a file in, hunks out while the rest is still read.
//!
//! Pure: it takes readers, hands finished blocks of bytes on, and knows neither files nor terminals. Three
//! invariants hold for every input. The output turns the old version into the new one exactly, even if a
//! smaller diff exists. Memory and the time to the first hunk don't depend on the size of the versions. And
//! nothing that is painted can control a terminal. `stored_patch/` makes the diffs that snapshots *store*;
//! this shows diffs.

mod block_writer;
mod charset;
mod coloring;
mod file;
mod hunk_builder;
mod line_for_line;
mod lines;
mod links;
mod moved;
mod paint;
mod pairing;
mod patch;
mod patch_reader;
mod path_filter;
mod pen;
mod queue;
pub mod renames;
mod resync;
mod side_by_side;
mod stat;
mod steady_colors;
mod stretches;
mod syntax;
mod theme;
mod window;
mod words;

use std::io;

use crate::base::digest::GitHash;

pub use block_writer::BlockWriter;
pub use charset::{Charset, as_utf8, wide};
pub use coloring::{Coloring, Patience, Spent};
pub use file::{ChangeKind, FileHeader};
pub(crate) use hunk_builder::{HEADING_REACH, heading, is_heading};
pub use line_for_line::Same;
pub use links::Links;
pub use moved::MovedBlocks;
pub use paint::{InPlace, Painted, Painter, Stacked};
pub use pairing::{Words as ChangedWords, pairs as changed_pairs};
pub use patch::{MakeFile, Patch};
pub use patch_reader::{moved_in, show_hunks, show_patch, show_patch_as_it_comes};
pub use path_filter::Only;
pub use pen::Look;
pub use queue::{Delivery, in_order};
pub use resync::Again;
pub use side_by_side::{Beside, Columns};
pub use stat::{Counted, Counter, Hunk, bar};
pub use steady_colors::SteadyColors;
pub use stretches::visible as visible_part;
pub use syntax::prepare as prepare_colors;
pub use theme::{Background, Depth, Theme};
pub use window::{Differ, is_binary};
pub use words::{Span, changed as changed_words};

/// Takes the hunks of one file, in order, as they are found.
///
/// Lines include their newline; a line without one is the last of its version.
pub trait Sink {
    /// A hunk starts at these lines (counted from 1), below the line `heading`.
    ///
    /// # Errors
    /// Whatever writing gives, here and in the other methods; it ends the diff.
    fn open(&mut self, old: u64, new: u64, heading: &[u8]) -> io::Result<()>;
    /// A line that both versions have.
    fn context(&mut self, line: &[u8]) -> io::Result<()>;
    /// Lines that only one version has. A long change comes in several pieces.
    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()>;
    /// The hunk ends.
    fn close(&mut self) -> io::Result<()>;
    /// States, before the next hunk starts, how many lines of each version it has, if that is known.
    fn length(&mut self, _old: u64, _new: u64) {}
    /// Says whether it is worth some time to know that.
    fn wants_length(&self) -> bool {
        false
    }
    /// Tells, before they come, which of the next changed lines only moved.
    fn moved(&mut self, _moved: MovedBlocks) {}
}

/// Shows the files of a diff, one after the other.
pub trait Show: Sink {
    /// A file starts; nothing need be shown of it before its first hunk or its end.
    ///
    /// # Errors
    /// Whatever writing gives, here and in the other methods.
    fn start(&mut self, file: FileHeader) -> io::Result<()>;
    /// The file ends.
    fn finish(&mut self, end: End) -> io::Result<()>;
    /// A line that belongs to no diff, such as a commit's message above one.
    fn text(&mut self, line: &[u8]) -> io::Result<()>;
    /// Says whether such lines may come with their colours.
    fn keeps_colors(&self) -> bool {
        false
    }
    /// Says whether text in an encoding of its own may come as UTF-8.
    fn reads_text(&self) -> bool {
        false
    }
    /// A line of a header as it was read: of the file that was started, or of the hunk that begins
    /// next.
    fn header(&mut self, _line: &[u8]) -> io::Result<()> {
        Ok(())
    }
    /// What comes next of the file is text: what is known of the file has to be shown before it.
    fn head(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// Says whether the lines of hunks are wanted as they were read, and not by what they mean.
    fn wants_lines(&self) -> bool {
        false
    }
    /// A line of a hunk with its sign, as it was read but for colours; only if that is wanted.
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.text(line)
    }
    /// A line that both versions have, which is empty and lacks even its sign.
    fn unsigned(&mut self, line: &[u8]) -> io::Result<()> {
        self.context(line)
    }
    /// The line that comes next is the last of the input, which has no line end behind it.
    fn unended(&mut self) {}
    /// Nothing more can be read right now: what is ready has to be seen.
    fn pause(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// A hunk of a merge starts at this line of the result; `header` is the line that says so.
    fn merge_hunk(&mut self, header: &[u8], _new: u64, _heading: &[u8]) -> io::Result<()> {
        self.text(header)
    }
    /// A line of it, with one sign for each parent: a minus if the result lacks the line, a plus if the
    /// parent lacks it.
    fn merge_line(&mut self, signs: &[u8], line: &[u8]) -> io::Result<()> {
        self.text(&[signs, line].concat())
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn open(&mut self, old: u64, new: u64, heading: &[u8]) -> io::Result<()> {
        (**self).open(old, new, heading)
    }

    fn context(&mut self, line: &[u8]) -> io::Result<()> {
        (**self).context(line)
    }

    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        (**self).change(removed, added)
    }

    fn close(&mut self) -> io::Result<()> {
        (**self).close()
    }

    fn length(&mut self, old: u64, new: u64) {
        (**self).length(old, new);
    }

    fn wants_length(&self) -> bool {
        (**self).wants_length()
    }

    fn moved(&mut self, moved: MovedBlocks) {
        (**self).moved(moved);
    }
}

/// How the diff of a file ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// What the diff amounted to.
    pub report: DiffReport,
    /// Whether there is content that is not shown as lines.
    pub binary: bool,
    /// What else is to be said: sizes of binary content, why something is missing.
    pub note: Option<String>,
    /// Whether there are lines that can't be shown, because a version is missing here; the note says which.
    pub missing: bool,
    /// Binary content as git writes it in a patch, if that was wanted.
    pub patch: Option<Vec<u8>>,
}

impl End {
    /// Returns how both ended together: the file, and what stands in its place.
    #[must_use]
    pub fn with_successor(self, successor: End) -> End {
        let (old, new) = (self.report, successor.report);
        End {
            report: DiffReport {
                added: old.added + new.added,
                removed: old.removed + new.removed,
                stopped: old.stopped || new.stopped,
                rough: old.rough || new.rough,
            },
            binary: self.binary || successor.binary,
            note: self.note.or(successor.note),
            missing: self.missing || successor.missing,
            patch: None,
        }
    }

    /// Returns what is to be said at the end of the file.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        notes.extend(match (self.binary, &self.note) {
            (true, Some(note)) => Some(format!("binary, {note}")),
            (true, None) => Some("binary".to_owned()),
            (false, note) => note.clone(),
        });
        if self.report.stopped {
            notes.push("the rest is not shown: a line of it is too long".to_owned());
        }
        if self.report.rough {
            notes.push("compared in pieces: a shorter diff may exist".to_owned());
        }
        notes
    }
}

/// How a diff is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Unchanged lines shown on each side of a change.
    pub context: usize,
    /// Lines of each version that are compared at a time.
    pub window: usize,
    /// Whether lines that differ in white space only are equal.
    pub ignore_space: bool,
    /// The longest line, in bytes, that is read; the diff stops at a longer one.
    pub longest_line: usize,
    /// Whether binary content is given as a patch; the hash that names its versions there.
    pub binary: Option<GitHash>,
}

impl Default for Options {
    fn default() -> Options {
        Options { context: 3, window: 1_024, ignore_space: false, longest_line: 8 << 20, binary: None }
    }
}

/// What a diff amounted to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiffReport {
    /// Lines that only the new version has.
    pub added: u64,
    /// Lines that only the old version has.
    pub removed: u64,
    /// Whether the window was too small somewhere, so that a shorter diff may exist.
    pub rough: bool,
    /// Whether it ended at a line longer than [`Options::longest_line`].
    pub stopped: bool,
}
