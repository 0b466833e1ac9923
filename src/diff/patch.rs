//! The plain form: a unified diff byte for byte, as `git apply` takes it.
//!
//! A hunk's header states how many lines follow. If that is not known beforehand, the hunk is held until it
//! ends, and put into a file if it is long. Nothing is escaped, cut or coloured here, because this form is
//! for programs.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};

use super::file::PatchBody;
use super::{BlockWriter, End, FileHeader, Show, Sink};

/// Makes a file for what is put aside.
pub type MakeFile<'a> = &'a dyn Fn() -> io::Result<File>;

/// How much of a hunk is held in memory, in bytes.
const HELD: usize = 1 << 20;

/// Writes files as patches.
pub struct Patch<'o, 'a> {
    out: &'o mut BlockWriter<'a>,
    file: FileHeader,
    /// Whether the header of the file has been written.
    headed: bool,
    /// The hunk so far, if its length was not known, but for what was put aside.
    body: Vec<u8>,
    aside: Option<File>,
    make_aside: Option<MakeFile<'o>>,
    /// The length of the hunk, where it was.
    stated: Option<(u64, u64)>,
    start: (u64, u64),
    counts: (u64, u64),
    heading: Vec<u8>,
}

impl<'o, 'a> Patch<'o, 'a> {
    /// Makes one that writes to `out`.
    pub fn new(out: &'o mut BlockWriter<'a>) -> Patch<'o, 'a> {
        Patch {
            out,
            file: FileHeader::default(),
            headed: false,
            body: Vec::new(),
            aside: None,
            make_aside: None,
            stated: None,
            start: (0, 0),
            counts: (0, 0),
            heading: Vec::new(),
        }
    }

    /// Puts long hunks aside, in files that `make` makes.
    #[must_use]
    pub fn putting_aside(self, make: MakeFile<'o>) -> Patch<'o, 'a> {
        Patch { make_aside: Some(make), ..self }
    }
}

impl Show for Patch<'_, '_> {
    fn start(&mut self, file: FileHeader) -> io::Result<()> {
        self.file = file;
        self.headed = false;
        self.stated = None;
        Ok(())
    }

    fn finish(&mut self, end: End) -> io::Result<()> {
        if !self.headed && (end.binary || end.missing || self.file.says_something()) {
            let has_more = end.binary || end.missing || end.patch.is_some();
            let content = if has_more { PatchBody::Binary } else { PatchBody::None };
            self.file.patch_header(&mut self.out.buffer, content);
            if let Some(patch) = end.patch {
                self.out.buffer.extend(patch);
            } else if end.missing {
                let (old, new) = self.file.patch_names();
                // As `diff` says it: who applies this is told, and does not pass over the file. The rest stands between two files,
                // where nothing is read.
                let line = [b"Files ", &old[..], b" and ", &new, b" differ\n"];
                self.out.buffer.extend(line.concat());
                let note = end.note.as_deref().unwrap_or_default();
                self.out.buffer.extend(format!("No line can be shown: {note}\n").into_bytes());
            } else if end.binary {
                let (old, new) = self.file.patch_names();
                let line = [b"Binary files ", &old[..], b" and ", &new, b" differ\n"];
                self.out.buffer.extend(line.concat());
            }
        }
        self.out.line_done()
    }

    fn text(&mut self, line: &[u8]) -> io::Result<()> {
        self.out.push(line)
    }
}

fn put(body: &mut Vec<u8>, sign: u8, line: &[u8]) {
    body.push(sign);
    body.extend_from_slice(line);
    if !line.ends_with(b"\n") {
        body.extend_from_slice(b"\n\\ No newline at end of file\n");
    }
}

/// One half of a hunk's header; for no lines the format states the line above.
fn span(start: u64, count: u64) -> String {
    match count {
        0 => format!("{},0", start.saturating_sub(1)),
        1 => format!("{start}"),
        _ => format!("{start},{count}"),
    }
}

impl Sink for Patch<'_, '_> {
    fn open(&mut self, old: u64, new: u64, heading: &[u8]) -> io::Result<()> {
        if !std::mem::replace(&mut self.headed, true) {
            self.file.patch_header(&mut self.out.buffer, PatchBody::Lines);
        }
        self.start = (old, new);
        self.counts = (0, 0);
        self.heading.clear();
        if !heading.is_empty() {
            self.heading.push(b' ');
            self.heading.extend_from_slice(heading);
        }
        if let Some(stated) = self.stated {
            self.header(stated);
        }
        Ok(())
    }

    fn context(&mut self, line: &[u8]) -> io::Result<()> {
        self.counts = (self.counts.0 + 1, self.counts.1 + 1);
        put(self.place(), b' ', line);
        self.line_done()
    }

    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        self.counts = (self.counts.0 + removed.len() as u64, self.counts.1 + added.len() as u64);
        let place = self.place();
        removed.iter().for_each(|line| put(place, b'-', line));
        added.iter().for_each(|line| put(place, b'+', line));
        self.line_done()
    }

    fn close(&mut self) -> io::Result<()> {
        if self.stated.take().is_none() {
            self.header(self.counts);
            if let Some(mut aside) = self.aside.take() {
                aside.rewind()?;
                let mut block = vec![0; 64 << 10];
                while let length @ 1.. = aside.read(&mut block)? {
                    self.out.push(&block[..length])?;
                }
            }
            self.out.push(&self.body)?;
            self.body.clear();
            // A giant hunk must not keep its memory.
            self.body.shrink_to(HELD);
        }
        self.out.hunk_done()
    }

    fn length(&mut self, old: u64, new: u64) {
        self.stated = Some((old, new));
    }

    fn wants_length(&self) -> bool {
        true
    }
}

impl Patch<'_, '_> {
    fn header(&mut self, (old, new): (u64, u64)) {
        let (old, new) = (span(self.start.0, old), span(self.start.1, new));
        self.out.buffer.extend_from_slice(format!("@@ -{old} +{new} @@").as_bytes());
        self.out.buffer.extend_from_slice(&self.heading);
        self.out.buffer.push(b'\n');
    }

    /// Where the lines of the hunk go.
    fn place(&mut self) -> &mut Vec<u8> {
        if self.stated.is_some() { &mut self.out.buffer } else { &mut self.body }
    }

    fn line_done(&mut self) -> io::Result<()> {
        if self.stated.is_some() {
            return self.out.line_done();
        }
        match (self.make_aside, &mut self.aside) {
            _ if self.body.len() < HELD => return Ok(()),
            (None, _) => return Ok(()),
            (Some(_), Some(aside)) => aside.write_all(&self.body)?,
            (Some(make), none) => none.insert(make()?).write_all(&self.body)?,
        }
        self.body.clear();
        Ok(())
    }
}
