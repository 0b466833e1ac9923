//! Keeps a transcript in pieces, and learns from its records what a snapshot says of the session.
//!
//! Two things are done with a transcript: lines are looked at, and put together to pieces. If the file begins with what
//! was read of it before, both go on from there (`checkpoints.rs`). The lines of the piece that was not complete then
//! are read again, but only put together.

use std::borrow::Cow;
use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::chunker::Chunker;
use super::reading::History;
use super::transcript_cache::{Checkpoint, Learnt, Piece, PieceBegin, ReadBefore};
use crate::base::block_sums::{BLOCK, BlockSums};
use crate::base::error::{IoContext as _, Result};
use crate::base::monitor::Monitor;
use crate::client::transcript::compaction::{Cut, Survey, survey};
use crate::client::{Lines, without_account};
use crate::manifest::{HistoryStart, LeftOut, Transcript};
use crate::redaction::{Hashed, Redactor, UnlistedSecret};
use crate::store::{AddLock, Store};
use crate::sys::parallel::{beside, helpers};

/// Longer lines are searched for secrets before they are cut.
const LONG_LINE: usize = 1 << 20;

/// The pieces of longer transcripts are searched and stored beside the reading of them.
const WORTH_A_THREAD: u64 = 1 << 20;

/// How much of a file is hashed at once, in bytes.
const AT_ONCE: usize = 1 << 18;

/// What was taken out of a transcript on its way.
#[derive(Default)]
pub(super) struct TakenOut {
    /// Secrets.
    pub(super) noted: Vec<UnlistedSecret>,
    /// In how many records something identified an account.
    pub(super) of_account: u64,
}

pub(super) struct TranscriptReader<'a> {
    pub(super) store: &'a Store,
    pub(super) lock: &'a AddLock,
    pub(super) redactor: &'a Redactor,
    pub(super) monitor: &'a Monitor,
    pub(super) before: &'a ReadBefore,
    pub(super) hashed: &'a Hashed,
}

/// Lines that were put together.
struct NewPiece {
    /// How many lines the pieces before have.
    first: u64,
    /// Whether it begins and ends with a line.
    is_whole: bool,
    lines: Vec<u8>,
}

impl TranscriptReader<'_> {
    /// Keeps a transcript behind its `head`, or what is needed of it, up to so many bytes; returns what was taken out too.
    pub(super) fn read(
        &self,
        path: &Path,
        head: Vec<u8>,
        (history, most): (History, u64),
        learnt: &mut Learnt,
    ) -> Result<(Transcript, TakenOut)> {
        let file = crate::sys::users_files::open_theirs(path).context("read", path)?;
        let size = file.metadata().context("read", path)?.len().min(most);
        let is_alone = head.is_empty();
        let known = if is_alone { self.before.of(path) } else { None };
        let (known, sum) = proven(path, &file, size, known, self.hashed)?;
        let seen = known.as_ref().map_or((None, 0), |known| (known.survey.as_ref(), known.at));
        let survey = match history {
            History::Context => survey(path, &file, seen, size)?,
            History::Full | History::None => None,
        };
        let first_cut = survey.clone().and_then(Survey::finish);
        let known = match known {
            Some(known) if known.cut == first_cut && self.has_all(&known, size)? => Some(known),
            _ => None,
        };
        let mut sum = if known.is_some() { sum } else { BlockSums::default() };
        let is_known = known.is_some();
        let (mut before, seen) = match known {
            Some(known) => {
                let seen = known.at;
                (known, seen)
            }
            None => (nothing(first_cut.clone()), 0),
        };
        // Nothing is to be put together again if nothing was appended.
        let last = before.last.take().filter(|_| seen == size);
        let mut begin = Some(before.begin);
        let from = if is_known && seen == size { size } else { before.begin.at };
        self.monitor.add(from);
        *learnt = before.learnt;

        let mut cut = first_cut.clone().map(|cut| cut.having_asked(before.begin.asked));
        let mut transcript = Transcript { records: before.records, ..Transcript::default() };
        let (mut noted, mut of_account) = (before.noted, before.of_account);
        let mut left_out = before.left_out;
        if cut.is_some() {
            transcript.from = HistoryStart::Compaction;
        }
        let mut lines =
            if is_alone { Lines::part(path, &file, from..size) } else { Lines::behind(head, path)? };
        let mut chunker = Chunker::default();
        let place = match path.file_stem().and_then(|stem| stem.to_str()) {
            Some(agent) if agent.starts_with("agent-") => agent.replacen('-', " ", 1),
            _ => "the conversation".to_owned(),
        };
        let store = |piece: NewPiece| self.store_piece(&place, &piece);
        let threads = if lines.size() < WORTH_A_THREAD { 0 } else { helpers().saturating_sub(1) };
        let (number, at_line_end) = (Cell::new(before.begin.lines), Cell::new(true));
        let mut at = from;
        let mut ends_whole = true;
        let (is_open, mut stored) = beside(threads, store, |emit| {
            let mut keep = |piece: Vec<u8>| {
                let first = number.get();
                number.set(first + memchr::memchr_iter(b'\n', &piece).count() as u64);
                let is_whole = at_line_end.replace(piece.ends_with(b"\n")) && piece.ends_with(b"\n");
                emit(NewPiece { first, is_whole, lines: piece })
            };
            while let Some(line) = lines.next_line()? {
                let begins_at = at;
                at += line.len() as u64;
                ends_whole = line.ends_with(b"\n");
                let is_new = begins_at >= seen;
                if is_new {
                    sum.update(line);
                    learnt.facts.observe(line);
                    learnt.traces.line(line);
                }
                if history == History::None {
                    self.monitor.add(line.len() as u64);
                    begin = Some(PieceBegin { at, ..PieceBegin::default() });
                    continue;
                }
                let kept = without_account(line);
                of_account += u64::from(is_new && !matches!(kept, Some(Cow::Borrowed(_))));
                let here = PieceBegin {
                    at: begins_at,
                    asked: cut.as_ref().map_or(0, Cut::asked),
                    lines: number.get(),
                };
                // Asked of every line, also of one that is left out for the account: they are counted.
                let stays = cut.as_mut().is_none_or(|cut| cut.keeps(line));
                match kept.as_deref() {
                    None => {}
                    Some(line) if !stays => {
                        if is_new {
                            left_out.records += 1;
                            left_out.bytes += line.len() as u64;
                        }
                        self.monitor.add(line.len() as u64);
                    }
                    Some(line) => {
                        if is_new {
                            transcript.records += 1;
                            learnt.watch.line(line);
                        }
                        let waiting = chunker.pending();
                        let length = match line.len() {
                            // A huge line is cut within, and with it a secret could be.
                            LONG_LINE.. => {
                                let mut clean =
                                    self.redactor.piece(&place, transcript.records.saturating_sub(1), line);
                                if is_new {
                                    noted.append(&mut clean.noted);
                                }
                                chunker.push(&clean.clean, &mut keep)?;
                                clean.clean.len()
                            }
                            length => {
                                chunker.push(line, &mut keep)?;
                                length
                            }
                        };
                        if chunker.pending() == length {
                            begin = Some(PieceBegin { lines: number.get(), ..here });
                        } else if chunker.pending() != waiting + length {
                            // It begins within the line.
                            begin = None;
                        }
                    }
                }
                if chunker.pending() == 0 {
                    let asked = cut.as_ref().map_or(0, Cut::asked);
                    begin = Some(PieceBegin { at, asked, lines: number.get() });
                }
            }
            let is_open = chunker.pending() > 0;
            chunker.finish(&mut keep)?;
            Ok(is_open)
        })?;
        let open = if is_open { stored.pop() } else { None };
        before.pieces.append(&mut stored);
        let last = last.or(open);
        let pieces = before.pieces.iter().chain(&last);
        transcript.chunks = pieces.clone().map(|piece| piece.stored.object).collect();
        transcript.bytes = transcript.chunks.iter().map(|chunk| chunk.size).sum();
        let mut all_noted = noted.clone();
        all_noted.extend(pieces.flat_map(|piece| piece.noted.iter().cloned()));
        match begin {
            _ if is_known && at == seen => self.before.keep_known(path),
            Some(begin) if is_alone && ends_whole => {
                let read = Checkpoint {
                    at,
                    prefix: sum.finish(),
                    learnt: std::mem::take(learnt),
                    survey,
                    cut: first_cut,
                    records: transcript.records,
                    left_out,
                    of_account,
                    noted,
                    pieces: before.pieces,
                    begin,
                    last,
                };
                self.before.keep(path, &read);
                *learnt = read.learnt;
            }
            _ if is_known => self.before.keep_known(path),
            _ => {}
        }
        transcript.left_out = (left_out != LeftOut::default()).then_some(left_out);
        if !lines.torn().is_empty() && history != History::None {
            let mut torn = self.redactor.piece(&place, transcript.records, lines.torn());
            all_noted.append(&mut torn.noted);
            transcript.torn = Some(self.store.keep(self.lock, &torn.clean)?);
        }
        Ok((transcript, TakenOut { noted: all_noted, of_account }))
    }

    fn store_piece(&self, place: &str, piece: &NewPiece) -> Result<Piece> {
        let searched = self.redactor.piece(place, piece.first, &piece.lines);
        self.monitor.add(piece.lines.len() as u64);
        let stored = self.store.put_as(self.lock, searched.name, &searched.clean)?;
        if piece.is_whole && matches!(searched.clean, Cow::Borrowed(_)) {
            self.redactor.note_to_leave(&stored.object);
        }
        Ok(Piece { stored, noted: searched.noted })
    }

    /// Says whether all pieces that a file of this size still has are in the store as they were.
    fn has_all(&self, known: &Checkpoint, size: u64) -> Result<bool> {
        let last = known.last.iter().filter(|_| known.at == size);
        for piece in known.pieces.iter().chain(last) {
            if !self.store.put_again(self.lock, &piece.stored)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Returns what was read before if the file begins with just that, with the hash that goes on from there.
fn proven(
    path: &Path,
    file: &File,
    size: u64,
    known: Option<Checkpoint>,
    hashed: &Hashed,
) -> Result<(Option<Checkpoint>, BlockSums)> {
    let Some(known) = known.filter(|known| known.at <= size) else {
        return Ok((None, BlockSums::default()));
    };
    let blocks = hashed.blocks(path, file);
    let within = usize::try_from(known.at / BLOCK).unwrap_or(usize::MAX).min(blocks.len());
    let mut sums = BlockSums::behind(&blocks[..within]);
    let mut room = vec![0; AT_ONCE];
    while sums.size() < known.at {
        let most = usize::try_from(known.at - sums.size()).unwrap_or(AT_ONCE).min(AT_ONCE);
        match file.read_at(&mut room[..most], sums.size()).context("read", path)? {
            0 => return Ok((None, BlockSums::default())),
            read => sums.update(&room[..read]),
        }
    }
    if sums.finish() == known.prefix { Ok((Some(known), sums)) } else { Ok((None, BlockSums::default())) }
}

/// What is known of a transcript of which nothing was read.
fn nothing(cut: Option<Cut>) -> Checkpoint {
    Checkpoint {
        at: 0,
        prefix: BlockSums::default().finish(),
        learnt: Learnt::default(),
        survey: None,
        cut,
        records: 0,
        left_out: LeftOut::default(),
        of_account: 0,
        noted: Vec::new(),
        pieces: Vec::new(),
        begin: PieceBegin::default(),
        last: None,
    }
}
