//! The windowed differ: two readers in, hunks out, with bounded memory.
//!
//! Equal stretches are skipped as bytes. Where the versions differ, the next lines of each (the window) are
//! compared. Everything that is certain is emitted: up to the last change that is followed by some equal
//! lines and not close to the window's end. If there is no such place, the window grows. At its limit, half
//! of it is emitted as it is. That makes a longer diff than necessary, but never an incorrect one. Owns
//! `gix-imara-diff`.

use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::ops::Range;

use gix_imara_diff::{Algorithm, Diff, Hunk, IndentHeuristic, IndentLevel, Interner, Token};
use memchr::memrchr;

use super::lines::{DiffSide, LinesRead, common, cut};
use super::moved::{self, MovedBlocks};
use super::{DiffReport, Options, Sink};
use crate::diff::hunk_builder::Assembler;
use crate::diff::resync::{Again, Ahead, Meeting, Scope};

/// How many equal lines make it certain that the versions are in step again.
const ANCHOR: u32 = 6;

/// By how much a window grows when it finds no anchor, and how far in all.
const GROWTH: usize = 4;
const LARGEST: usize = 64;

/// How far a window grows before anything has been shown.
const LARGEST_AT_FIRST: usize = 8;

/// A window never holds much more than this of one version.
const WINDOW_BYTES: usize = 4 << 20;

/// A long change is emitted in pieces of this many lines of each version.
const PIECE: usize = 1_024;

/// How much of each version is read ahead before anything has been shown, in bytes.
const AHEAD_AT_FIRST: u64 = 3 << 20;

/// How wide a tab counts when indentation decides where a change is shown.
const TAB_WIDTH: u8 = 8;

/// How many bytes of a version decide whether it is binary, as in git.
const SNIFFED: usize = 8_000;

/// Two versions about to be compared.
pub struct Differ<'a, A, B> {
    old: DiffSide<A>,
    new: DiffSide<B>,
    options: Options,
    size: usize,
    scout: Scout<'a>,
}

impl<'a, A: Read, B: Read> Differ<'a, A, B> {
    /// Takes the two versions; reads nothing yet.
    pub fn new(old: A, new: B, options: Options) -> Differ<'a, A, B> {
        let options = Options { window: options.window.max(1), ..options };
        let (old, new) = (DiffSide::new(old), DiffSide::new(new));
        let scout = Scout { again: None, ahead: None };
        Differ { old, new, options, size: options.window, scout }
    }

    /// Lets it read the versions again, to find where they agree if a window can't tell.
    #[must_use]
    pub fn looking_ahead(self, again: Again<'a>) -> Differ<'a, A, B> {
        let scout = Scout { again: Some(again), ahead: None };
        Differ { scout, ..self }
    }

    /// Says whether either version is binary: whether there is a NUL near its start.
    ///
    /// # Errors
    /// Whatever reading gives.
    pub fn is_binary(&mut self) -> io::Result<bool> {
        Ok(sniff(&mut self.old)? || sniff(&mut self.new)?)
    }

    /// Says whether the versions are the same, without showing anything.
    ///
    /// # Errors
    /// Whatever reading gives.
    pub fn is_same(mut self) -> io::Result<bool> {
        loop {
            self.old.read_past(0)?;
            self.new.read_past(0)?;
            let (old, new) = (self.old.rest(), self.new.rest());
            let len = old.len().min(new.len());
            if len == 0 || old[..len] != new[..len] {
                return Ok(old.len() == new.len() && len == 0);
            }
            self.old.consume(len);
            self.new.consume(len);
        }
    }

    /// Finds and emits all hunks.
    ///
    /// # Errors
    /// Whatever reading and the sink give.
    pub fn run(mut self, sink: &mut impl Sink) -> io::Result<DiffReport> {
        let mut out = Assembler::new(sink, self.options.context);
        while self.skip_equal(&mut out)? && self.window(&mut out)? {}
        out.finish()
    }

    /// Compares bytes for as long as they are equal; says whether anything is left.
    fn skip_equal(&mut self, out: &mut Assembler<'_, impl Sink>) -> io::Result<bool> {
        // How much of a line that goes on has been compared already.
        let mut known = 0;
        loop {
            // A line may go on behind what was read.
            self.old.read_past(known)?;
            self.new.read_past(known)?;
            let (old, new) = (self.old.rest(), self.new.rest());
            let same = known + common(&old[known..], &new[known..]);
            let at_end = self.old.ended() && self.new.ended() && same == old.len() && same == new.len();
            let line_end = || memrchr(b'\n', &new[known..same]).map_or(0, |at| known + at + 1);
            let whole = if at_end { same } else { line_end() };
            out.equal(&new[..whole])?;
            let undecided = same == old.len() && !self.old.ended() || same == new.len() && !self.new.ended();
            let too_long = same - whole > self.options.longest_line;
            self.old.consume(whole);
            self.new.consume(whole);
            if at_end || !undecided || too_long {
                return Ok(!at_end);
            }
            known = same - whole;
        }
    }

    /// Compares a window and emits what is certain; says whether to continue.
    fn window(&mut self, out: &mut Assembler<'_, impl Sink>) -> io::Result<bool> {
        let (mut old_ends, mut new_ends) = (Vec::new(), Vec::new());
        let longest = self.options.longest_line;
        loop {
            let old_found = self.old.lines(self.size, WINDOW_BYTES, longest, &mut old_ends)?;
            let new_found = self.new.lines(self.size, WINDOW_BYTES, longest, &mut new_ends)?;
            if old_found == LinesRead::TooLong || new_found == LinesRead::TooLong {
                out.report.stopped = true;
                return Ok(false);
            }
            let window = Window {
                old: cut(self.old.rest(), &old_ends),
                new: cut(self.new.rest(), &new_ends),
                text: self.new.rest(),
                new_ends: &new_ends,
                old_all: old_found == LinesRead::All,
                new_all: new_found == LinesRead::All,
            };
            let one_sided = window.old.is_empty() || window.new.is_empty();
            let compared = if one_sided {
                Compared { hunks: vec![window.everything()], ..Compared::default() }
            } else {
                window.compare(self.options.ignore_space)
            };
            let hunks = &compared.hunks;
            let done = window.old_all && window.new_all;
            let end = if one_sided || done { Some(window.end()) } else { window.certain(hunks) };
            let limit = if out.started() { LARGEST } else { LARGEST_AT_FIRST };
            let can_grow = self.size < self.options.window * limit
                && (old_found == LinesRead::Some && old_ends.len() == self.size
                    || new_found == LinesRead::Some && new_ends.len() == self.size);
            let end = match end {
                Some(end) => {
                    self.size = self.options.window;
                    end
                }
                None if can_grow => {
                    self.size = (self.size * GROWTH).min(self.options.window * limit);
                    continue;
                }
                None => {
                    out.report.rough = true;
                    let strangers = window.shares_nothing(hunks);
                    let half = if strangers { window.end() } else { window.half(hunks) };
                    let bytes = (self.old.offset(), self.new.offset());
                    let meeting =
                        self.scout.meeting(out.next_lines(), bytes, out.started(), &self.options)?;
                    if let Some(meeting) = meeting {
                        self.size = self.options.window;
                        return self.skip_to(meeting, out);
                    }
                    half
                }
            };
            let moved = compared.moved(&window);
            if !moved.new.is_empty() {
                out.moved(moved);
            }
            window.emit(hunks, end, out)?;
            let bytes = |ends: &[usize], count: u32| match count {
                0 => 0,
                count => ends[count as usize - 1],
            };
            let (old, new) = (bytes(&old_ends, end.old), bytes(&new_ends, end.new));
            self.old.consume(old);
            self.new.consume(new);
            return Ok(true);
        }
    }
}

/// Says whether a version is binary, as [`Differ::is_binary`] does.
///
/// # Errors
/// Whatever reading gives.
pub fn is_binary(version: impl Read) -> io::Result<bool> {
    sniff(&mut DiffSide::new(version))
}

fn sniff(side: &mut DiffSide<impl Read>) -> io::Result<bool> {
    while side.rest().len() < SNIFFED && !side.ended() {
        side.read_block()?;
    }
    let start = &side.rest()[..side.rest().len().min(SNIFFED)];
    Ok(memchr::memchr(0, start).is_some())
}

/// Says where the versions are in step again, as far as that can be known.
struct Scout<'a> {
    again: Option<Again<'a>>,
    ahead: Option<Ahead>,
}

impl Scout<'_> {
    /// Returns the nearest place, looking from these lines and bytes on.
    fn meeting(
        &mut self,
        first: Meeting,
        bytes: (u64, u64),
        started: bool,
        options: &Options,
    ) -> io::Result<Option<Meeting>> {
        let Some(again) = &self.again else { return Ok(None) };
        let one_in = (options.window / 64).max(1) as u64;
        let ahead = match self.ahead.take().filter(|ahead| ahead.complete || !started) {
            Some(ahead) => ahead,
            None => {
                // Before anything is shown there is no time to read all of it.
                let most = if started { u64::MAX } else { AHEAD_AT_FIRST };
                let (old, new) = again(bytes.0, bytes.1)?;
                let mut read =
                    Ahead::read(old, new, Scope { first, bytes: most, one_in, blind: options.ignore_space })?;
                read.complete |= started;
                read
            }
        };
        let next = ahead.next(first.0, first.1);
        self.ahead = Some(ahead);
        // A line that was kept is rarely the first that both have.
        let place = next.map(|(old, new)| {
            let back = (one_in * 4).min(old - first.0).min(new - first.1);
            (old - back, new - back)
        });
        Ok(place.filter(|place| *place != first))
    }
}

impl<A: Read, B: Read> Differ<'_, A, B> {
    /// Emits everything before a place as removed and added; says whether to continue.
    fn skip_to(&mut self, place: Meeting, out: &mut Assembler<'_, impl Sink>) -> io::Result<bool> {
        let first = out.next_lines();
        let longest = self.options.longest_line;
        let old = pass(&mut self.old, place.0 - first.0, longest, |lines| out.change(lines, &[]))?;
        let new = old && pass(&mut self.new, place.1 - first.1, longest, |lines| out.change(&[], lines))?;
        out.report.stopped |= !new;
        Ok(new)
    }
}

/// Takes so many lines of a version; says whether that could be done.
fn pass(
    side: &mut DiffSide<impl Read>,
    mut left: u64,
    longest: usize,
    mut emit: impl FnMut(&[&[u8]]) -> io::Result<()>,
) -> io::Result<bool> {
    let mut ends = Vec::new();
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let found = side.lines(most, WINDOW_BYTES, longest, &mut ends)?;
        if found == LinesRead::TooLong {
            return Ok(false);
        }
        let Some(end) = ends.last().copied() else { break };
        emit(&cut(side.rest(), &ends))?;
        side.consume(end);
        left -= ends.len() as u64;
    }
    Ok(true)
}

/// The next lines of both versions.
struct Window<'a> {
    old: Vec<&'a [u8]>,
    new: Vec<&'a [u8]>,
    text: &'a [u8],
    new_ends: &'a [usize],
    old_all: bool,
    new_all: bool,
}

/// What differs within a window, and its lines as numbers.
#[derive(Default)]
struct Compared {
    hunks: Vec<Hunk>,
    old: Vec<Token>,
    new: Vec<Token>,
}

impl Compared {
    /// Finds the changed lines that only moved, counted from the start of the window.
    fn moved(&self, window: &Window<'_>) -> MovedBlocks {
        if self.hunks.len() < 2 || self.old.is_empty() {
            return MovedBlocks::default();
        }
        let lines = |tokens: &[Token], range: Range<u32>| -> Vec<(u64, Token)> {
            range.map(|line| (u64::from(line), tokens[line as usize])).collect()
        };
        let removed: Vec<_> =
            self.hunks.iter().flat_map(|hunk| lines(&self.old, hunk.before.clone())).collect();
        let added: Vec<_> = self.hunks.iter().flat_map(|hunk| lines(&self.new, hunk.after.clone())).collect();
        moved::find(&removed, &added, |(line, _)| moved::ink(window.new[*line as usize]))
    }
}

/// A place in both versions, in lines from the start of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct At {
    old: u32,
    new: u32,
}

impl<'a> Window<'a> {
    fn end(&self) -> At {
        At { old: count(self.old.len()), new: count(self.new.len()) }
    }

    fn everything(&self) -> Hunk {
        Hunk { before: 0..count(self.old.len()), after: 0..count(self.new.len()) }
    }

    /// Finds what differs within the window.
    fn compare(&self, blind: bool) -> Compared {
        let mut interner = Interner::new(self.old.len() + self.new.len());
        let mut number = |lines: &[&'a [u8]]| -> Vec<Token> {
            lines.iter().map(|line| interner.intern(Key { line, blind })).collect()
        };
        let (old, new) = (number(&self.old), number(&self.new));
        let mut diff = Diff::default();
        diff.compute_with(Algorithm::Myers, &old, &new, interner.num_tokens());
        let indent =
            |token: Token| IndentLevel::for_ascii_line(interner[token].line.iter().copied(), TAB_WIDTH);
        diff.postprocess_with(&old, &new, IndentHeuristic::new(indent));
        let hunks = diff.hunks().collect();
        Compared { hunks, old, new }
    }

    /// Returns the end of the last change after which the versions are surely in step.
    fn certain(&self, hunks: &[Hunk]) -> Option<At> {
        let end = self.end();
        let Some(_) = hunks.first() else { return Some(end) };
        let near_end = |at: u32, end: u32, all: bool| !all && u64::from(at) * 4 > u64::from(end) * 3;
        // Where most lines are equal the script is right anyway, however short the equal runs are.
        let removed: u32 = hunks.iter().map(|hunk| hunk.before.end - hunk.before.start).sum();
        let in_step = u64::from(end.old - removed) * 2 >= u64::from(end.old.min(end.new));
        let anchor = if in_step { 1 } else { ANCHOR };
        let starts = hunks.iter().skip(1).map(|hunk| hunk.before.start).chain([end.old]);
        let mut found = None;
        for (hunk, next) in hunks.iter().zip(starts) {
            let at = At { old: hunk.before.end, new: hunk.after.end };
            let run = (next - at.old).min(end.new - at.new);
            if near_end(at.old, end.old, self.old_all) || near_end(at.new, end.new, self.new_all) {
                break;
            }
            if run >= anchor {
                found = Some(at);
            }
        }
        found
    }

    /// Says whether the versions have no line in common here. Then searching any of it again finds
    /// none.
    fn shares_nothing(&self, hunks: &[Hunk]) -> bool {
        matches!(hunks, [all] if *all == self.everything())
    }

    /// Returns where the script has used up half of one of the versions.
    fn half(&self, hunks: &[Hunk]) -> At {
        let end = self.end();
        let limit = At { old: end.old.div_ceil(2), new: end.new.div_ceil(2) };
        let mut at = At { old: 0, new: 0 };
        for hunk in hunks.iter().chain([&Hunk { before: end.old..end.old, after: end.new..end.new }]) {
            let run = hunk.before.start - at.old;
            let room = run.min(limit.old.saturating_sub(at.old)).min(limit.new.saturating_sub(at.new));
            at = At { old: at.old + room, new: at.new + room };
            if room < run {
                break;
            }
            let to = At { old: hunk.before.end.min(limit.old), new: hunk.after.end.min(limit.new) };
            at = At { old: at.old.max(to.old), new: at.new.max(to.new) };
            if to != (At { old: hunk.before.end, new: hunk.after.end }) {
                break;
            }
        }
        at
    }

    /// Emits the script from the start of the window to `end`.
    fn emit(&self, hunks: &[Hunk], end: At, out: &mut Assembler<'_, impl Sink>) -> io::Result<()> {
        let offset = |line: u32| match line {
            0 => 0,
            line => self.new_ends[line as usize - 1],
        };
        let mut at = At { old: 0, new: 0 };
        for hunk in hunks {
            let new_start = hunk.after.start.min(end.new);
            out.equal(&self.text[offset(at.new)..offset(new_start.max(at.new))])?;
            if hunk.before.start > end.old || hunk.after.start > end.new {
                return Ok(());
            }
            let (old_end, new_end) = (hunk.before.end.min(end.old), hunk.after.end.min(end.new));
            let lines = |lines: &[&'a [u8]], range: Range<u32>| {
                lines[range.start as usize..range.end as usize].to_vec()
            };
            let (removed, added) =
                (lines(&self.old, hunk.before.start..old_end), lines(&self.new, hunk.after.start..new_end));
            for piece in 0..removed.len().max(added.len()).div_ceil(PIECE) {
                let part = |lines: &[&'a [u8]]| -> Range<usize> {
                    (piece * PIECE).min(lines.len())..((piece + 1) * PIECE).min(lines.len())
                };
                out.change(&removed[part(&removed)], &added[part(&added)])?;
            }
            at = At { old: old_end, new: new_end };
        }
        out.equal(&self.text[offset(at.new)..offset(end.new.max(at.new))])
    }
}

/// A line as it is compared: with its white space or without.
#[derive(Clone, Copy)]
struct Key<'a> {
    line: &'a [u8],
    blind: bool,
}

impl Key<'_> {
    fn visible(&self) -> impl Iterator<Item = u8> {
        self.line.iter().copied().filter(|byte| !byte.is_ascii_whitespace())
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.line == other.line || self.blind && self.visible().eq(other.visible())
    }
}

impl Eq for Key<'_> {}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if !self.blind { self.line.hash(state) } else { self.visible().for_each(|byte| state.write_u8(byte)) }
    }
}

fn count(lines: usize) -> u32 {
    u32::try_from(lines).unwrap_or(u32::MAX)
}
