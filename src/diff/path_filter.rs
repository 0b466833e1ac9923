//! Chooses files of a diff by their paths; the text between them stays.

use std::io;

use super::{End, FileHeader, MovedBlocks, Show, Sink};

/// Passes the files on that are wanted.
pub struct Only<'s> {
    show: &'s mut dyn Show,
    wanted: &'s [Vec<u8>],
    passes: bool,
}

impl<'s> Only<'s> {
    /// Passes on files that have one of these names, or are in a folder of that name. Without names,
    /// all pass.
    pub fn new(wanted: &'s [Vec<u8>], show: &'s mut dyn Show) -> Only<'s> {
        Only { show, wanted, passes: true }
    }

    fn wants(&self, name: &[u8]) -> bool {
        let within = |wanted: &Vec<u8>| {
            name.strip_prefix(&wanted[..]).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        self.wanted.is_empty() || self.wanted.iter().any(within)
    }

    fn pass(&mut self, to: impl FnOnce(&mut dyn Show) -> io::Result<()>) -> io::Result<()> {
        if self.passes { to(self.show) } else { Ok(()) }
    }
}

impl Sink for Only<'_> {
    fn open(&mut self, old: u64, new: u64, heading: &[u8]) -> io::Result<()> {
        self.pass(|show| show.open(old, new, heading))
    }

    fn context(&mut self, line: &[u8]) -> io::Result<()> {
        self.pass(|show| show.context(line))
    }

    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        self.pass(|show| show.change(removed, added))
    }

    fn close(&mut self) -> io::Result<()> {
        self.pass(|show| show.close())
    }

    fn length(&mut self, old: u64, new: u64) {
        if self.passes {
            self.show.length(old, new);
        }
    }

    fn moved(&mut self, moved: MovedBlocks) {
        if self.passes {
            self.show.moved(moved);
        }
    }
}

impl Show for Only<'_> {
    fn start(&mut self, file: FileHeader) -> io::Result<()> {
        self.passes = self.wants(&file.path) || file.old_path.as_ref().is_some_and(|old| self.wants(old));
        self.pass(|show| show.start(file))
    }

    fn finish(&mut self, end: End) -> io::Result<()> {
        let done = self.pass(|show| show.finish(end));
        self.passes = true;
        done
    }

    fn text(&mut self, line: &[u8]) -> io::Result<()> {
        self.pass(|show| show.text(line))
    }

    fn keeps_colors(&self) -> bool {
        self.show.keeps_colors()
    }

    fn reads_text(&self) -> bool {
        self.show.reads_text()
    }

    fn header(&mut self, line: &[u8]) -> io::Result<()> {
        self.pass(|show| show.header(line))
    }

    fn head(&mut self) -> io::Result<()> {
        self.pass(|show| show.head())
    }

    fn wants_lines(&self) -> bool {
        self.show.wants_lines()
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.pass(|show| show.line(line))
    }

    fn unsigned(&mut self, line: &[u8]) -> io::Result<()> {
        self.pass(|show| show.unsigned(line))
    }

    fn unended(&mut self) {
        if self.passes {
            self.show.unended();
        }
    }

    fn pause(&mut self) -> io::Result<()> {
        self.show.pause()
    }

    fn merge_hunk(&mut self, header: &[u8], new: u64, heading: &[u8]) -> io::Result<()> {
        self.pass(|show| show.merge_hunk(header, new, heading))
    }

    fn merge_line(&mut self, signs: &[u8], line: &[u8]) -> io::Result<()> {
        self.pass(|show| show.merge_line(signs, line))
    }
}
