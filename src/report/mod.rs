//! Reports: a snapshot, or what lies between two, for people who would rather look than restore it.
//!
//! As one HTML file that opens at any size and loads nothing, as a short note in Markdown, or as JSON. Before anything is
//! written, everything is searched for secrets again, as before a push.

mod as_json;
mod between;
mod between_limits;
mod between_words;
mod chapters;
mod choice;
mod chunks;
mod color_limit;
mod common;
mod content;
mod earlier;
mod edit_text;
mod fences;
mod fork;
mod granted;
mod head;
mod hiding;
mod html;
mod http;
mod index;
mod item;
mod markdown;
mod merge_bases;
mod merged;
mod note_content;
mod overview;
mod page;
mod page_content;
mod read_error;
mod said;
#[cfg(test)]
mod schema;
mod server;
mod spelled_names;

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, Write as _};
use std::path::Path;

use serde_json::Value;

use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::Monitor;
use crate::manifest::{Head, Manifest};
use crate::redaction::Outgoing;
use crate::sys::files::unnamed_file;
use crate::sys::parallel::{beside, both, helpers};
use crate::workspace::Workspace;
use as_json::Records;
use chunks::{Chunker, Spool};
use content::{Read, Sources};
use earlier::Earlier;
use hiding::Hiding;
use note_content::NoteContent;
use overview::{Overview, told_name};
use page_content::PageContent;

pub use between::{Between, Side};
pub use choice::{Choice, Part};
pub use fork::{fork, last_record};
pub use index::Live;
pub use merge_bases::{MergeBases, merge_bases};
pub use merged::merged;
pub use page::Page;
pub use server::{Server, Shown};

/// What a report is to be made of.
pub struct ReportRequest<'a> {
    /// The snapshot.
    pub manifest: &'a Manifest,
    /// An earlier one: then the report is of what lies between the two.
    pub after: Option<&'a Manifest>,
    /// The tasks of both, as JSON.
    pub tasks: [&'a [Value]; 2],
    /// What is wanted of it.
    pub choice: &'a Choice,
    /// Secrets that may be in it, by their ids.
    pub allow: &'a [String],
}

/// A report that was made, and whether something could not be shown.
pub struct Made<R> {
    /// The report.
    pub report: R,
    /// Whether something is missing that nobody wanted to leave out.
    pub incomplete: bool,
}

/// Makes the page of a snapshot; what is put aside meanwhile is in a file without a name in `scratch`.
///
/// # Errors
/// [`Kind::Usage`] if of two snapshots the later one was named first, [`Kind::Refused`] if it holds secrets, [`Kind::Damaged`] if a part can't be read, [`Kind::Environment`] if the disk is
/// full.
pub fn page(
    workspace: &Workspace,
    wanted: &ReportRequest<'_>,
    scratch: &Path,
    monitor: &Monitor,
) -> Result<Made<Page>> {
    let file = unnamed_file(scratch).map_err(|error| aside(&error))?;
    let spool = Spool::new(file);
    let (made, read, overview) = searched(workspace, wanted, false, monitor, |sources, outgoing| {
        let (made, packed) = beside(
            helpers(),
            |chunk: Vec<u8>| spool.pack(&chunk),
            |emit| {
                let mut pass = |chunk| emit(chunk);
                let mut content = PageContent::new(Chunker::new(&mut pass));
                let read = sources.read(outgoing, &mut content)?;
                Ok((content.finish()?, read))
            },
        )?;
        let (content, read) = made;
        Ok(((content, packed), read))
    })?;
    let ((indexed, edits, sizes, incomplete), packed) = made;
    let incomplete = incomplete || read.is_incomplete();
    let is_cut = wanted.manifest.transcripts().any(|(_, transcript)| transcript.left_out.is_some());
    let calls_left_out = is_cut || !wanted.choice.has(Part::Tools) || read.left_out.are_calls();
    let left_out = read.lines(wanted.choice);
    Ok(Made {
        report: Page { overview, indexed, edits, sizes, left_out, calls_left_out, live: None, packed, spool },
        incomplete,
    })
}

/// A report as text that is put aside: its file, and how many bytes it has.
pub struct ReportFile {
    file: File,
    /// What it does not hold.
    pub left_out: Vec<String>,
}

impl ReportFile {
    /// Writes it.
    ///
    /// # Errors
    /// Whatever writing gives; [`Kind::Environment`] if what was put aside can't be read.
    pub fn write(&mut self, write: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let failed = |error| Error::new(Kind::Environment, "Cannot read what was put aside").because(error);
        self.file.rewind().map_err(failed)?;
        let mut block = vec![0; 64 << 10];
        loop {
            match self.file.read(&mut block).map_err(failed)? {
                0 => return Ok(()),
                length => write(&block[..length])?,
            }
        }
    }
}

/// Makes the JSON of a snapshot, in a file without a name in `scratch`.
///
/// # Errors
/// As [`page()`].
pub fn json(
    workspace: &Workspace,
    wanted: &ReportRequest<'_>,
    scratch: &Path,
    monitor: &Monitor,
) -> Result<Made<ReportFile>> {
    let file = unnamed_file(scratch).map_err(|error| aside(&error))?;
    let (records, read, overview) = searched(workspace, wanted, true, monitor, |sources, outgoing| {
        let mut records = Records::begin(BufWriter::with_capacity(64 << 10, &file))?;
        let read = sources.read(outgoing, &mut records)?;
        Ok((records, read))
    })?;
    let (incomplete, left_out) = (records.incomplete || read.is_incomplete(), read.lines(wanted.choice));
    records.finish(&overview, &left_out)?.flush().map_err(|error| aside(&error))?;
    Ok(Made { report: ReportFile { file, left_out }, incomplete })
}

/// Makes a note of a snapshot, in Markdown.
///
/// # Errors
/// As [`page()`].
pub fn markdown(
    workspace: &Workspace,
    wanted: &ReportRequest<'_>,
    monitor: &Monitor,
) -> Result<Made<String>> {
    // A note says nothing of calls: what is left out of them is nothing to it.
    let (content, read, overview) = searched(workspace, wanted, false, monitor, |sources, outgoing| {
        let mut content = NoteContent::default();
        let read = sources.read(outgoing, &mut content)?;
        Ok((content, read))
    })?;
    let left_out = read.left_out.lines(wanted.choice);
    let note = markdown::note(&overview, &content.edits, &content.prompts, &left_out);
    Ok(Made { report: note, incomplete: content.incomplete })
}

fn aside(error: &io::Error) -> Error {
    Error::new(Kind::Environment, "Cannot put the report aside").because(error)
}

/// Reads with `read` while the snapshot is searched for secrets; nothing is returned of one that holds some.
fn searched<T>(
    workspace: &Workspace,
    wanted: &ReportRequest<'_>,
    for_program: bool,
    monitor: &Monitor,
    read: impl FnOnce(&Sources<'_>, &Outgoing) -> Result<(T, Read)>,
) -> Result<(T, Read, Overview)> {
    let ReportRequest { manifest, after, tasks, choice, allow } = *wanted;
    let outgoing = Outgoing::begin(workspace, allow)?;
    let hiding = Hiding::of(&choice.redact, after.into_iter().chain([manifest]));
    let earlier = match after {
        Some(after) => Earlier::find(&workspace.store, after, manifest)?,
        None => Earlier::default(),
    };
    let sources =
        Sources { workspace, manifest, after, earlier: &earlier, for_program, choice, hiding: &hiding };
    let (read, search) =
        both(|| read(&sources, &outgoing), || outgoing.manifest(workspace, manifest, false, monitor));
    let (made, read) = read?;
    search?;
    let told = |head: &Head| told_name(&head.name, &head.id, head.created_by.trigger, choice, &hiding);
    // Who leaves prompts out wants edits, and no story.
    let checkpoints = if choice.has(Part::Prompts) {
        chapters::before(workspace, manifest, after, told)?
    } else {
        Vec::new()
    };
    checkpoints.iter().for_each(|one| outgoing.name(&one.name));
    let between = match after {
        Some(after) => {
            let between = Between::of(&workspace.store, [after, manifest], [tasks[1], tasks[0]])?;
            Some(between.outgoing(choice, &hiding))
        }
        None => None,
    };
    between.iter().flat_map(Between::names).for_each(|name| outgoing.name(name));
    let overview = Overview { checkpoints, between, ..Overview::of(manifest, after, tasks, choice, &hiding) };
    if let [first, ..] = hiding.not_found().as_slice() {
        return Err(Error::new(Kind::NotFound, format!("Nothing in the snapshot is called {first}"))
            .because("`--redact` would leave nothing out, and what it was meant for would be published")
            .hint("`snap diff REF --name-only` lists the files"));
    }
    outgoing.finish(
        &manifest.name,
        "no report is made of it",
        "make it of the new snapshot",
        "leave the file out with `--redact PATH`",
    )?;
    Ok((made, read, overview))
}

/// What stands for the kind of a record that can't be read.
const DAMAGED: &str = "damaged";

impl Read {
    /// Says whether something is missing that nobody wanted to leave out.
    fn is_incomplete(&self) -> bool {
        self.left_out.odd_images > 0 || self.passed_over.contains_key(DAMAGED)
    }

    /// Returns what the report does not hold, a line each.
    fn lines(&self, choice: &Choice) -> Vec<String> {
        let mut lines = self.left_out.lines(choice);
        let mut line = |number: u64, what: &str, kinds: &str| match number {
            0 => {}
            1 => lines.push(format!("1 {what} record{kinds}")),
            _ => lines.push(format!("{number} {what} records{kinds}")),
        };
        let technical = || self.passed_over.iter().filter(|(kind, _)| *kind != DAMAGED);
        let kinds: Vec<String> = technical().map(|(kind, number)| format!("{kind} {number}")).collect();
        line(technical().map(|(_, number)| number).sum(), "technical", &format!(": {}", kinds.join(", ")));
        line(self.passed_over.get(DAMAGED).copied().unwrap_or_default(), "damaged", "");
        lines
    }
}
