//! A conversation as lines of a document: the same words as `snap show --talk` prints, read as far as they are wanted.

use std::io::{self, BufRead as _, BufReader};

use super::diff_blocks::{Recorder, What};
use crate::base::columns::first_line;
use crate::base::error::{Error, Kind, Result};
use crate::client::transcript::talk::{Call, CallEnd, Talk, Turn};
use crate::manifest::Transcript;
use crate::store::Store;

/// What stands where a conversation was made shorter.
const COMPACTED: &str = "── the conversation was compacted here ──";

/// A conversation that is to be read.
pub(super) struct WantedTalk {
    pub(super) transcript: Transcript,
    pub(super) of_agent: bool,
    /// Lines that are shown before it.
    pub(super) before: Vec<String>,
}

/// Reads a conversation turn by turn.
///
/// # Errors
/// What is damaged of it, or [`Kind::ClosedPipe`] if nobody wants more.
pub(super) fn record(store: &Store, wanted: &WantedTalk, to: &mut Recorder<'_>) -> Result<()> {
    let mut told = Told::begin(to);
    for line in &wanted.before {
        told.to.said(What::Call, line).map_err(failed)?;
    }
    let mut talk = Talk::begin(wanted.of_agent);
    let mut lines = BufReader::new(store.pieces(&wanted.transcript.chunks));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
        talk.line(&line).iter().try_for_each(|turn| told.turn(turn)).map_err(failed)?;
        line.clear();
    }
    talk.finish().iter().try_for_each(|turn| told.turn(turn)).map_err(failed)?;
    told.to.hand_on().map_err(failed)
}

/// Words of a conversation on their way to a document.
pub(super) struct Told<'t, 'r> {
    to: &'t mut Recorder<'r>,
    /// Whether the last line was a call: calls stand together.
    after_call: bool,
}

impl<'t, 'r> Told<'t, 'r> {
    pub(super) fn begin(to: &'t mut Recorder<'r>) -> Told<'t, 'r> {
        Told { to, after_call: false }
    }

    /// Takes what happened in a session, in the words that stand for it in JSON.
    pub(super) fn happened(&mut self, what: &str, text: &str) -> io::Result<()> {
        let is_call = matches!(what, "called" | "edit");
        if !(is_call && self.after_call) {
            self.to.said(What::Said, "")?;
        }
        self.after_call = is_call;
        match what {
            "asked" => self.said("❯ ", text, [What::Prompt, What::Asked]),
            "answered" => self.said("● ", text, [What::Said, What::Said]),
            "compacted" => self.to.said(What::Call, COMPACTED),
            "edit" => self.to.said(What::Call, &format!("  ± {}", first_line(text))),
            _ => self.to.said(What::Call, &format!("  ▸ {}", first_line(text))),
        }
    }

    fn turn(&mut self, turn: &Turn) -> io::Result<()> {
        let is_call = matches!(turn, Turn::Called(_));
        if !(is_call && self.after_call) {
            self.to.said(What::Said, "")?;
        }
        self.after_call = is_call;
        match turn {
            Turn::Asked(said) => self.said("❯ ", said, [What::Prompt, What::Asked]),
            Turn::Answered(said) => self.said("● ", said, [What::Said, What::Said]),
            Turn::Called(call) => self.to.said(What::Call, &called(call)),
            Turn::Compacted => self.to.said(What::Call, COMPACTED),
        }
    }

    fn said(&mut self, mark: &str, said: &str, [first, further]: [What; 2]) -> io::Result<()> {
        for (number, line) in said.lines().enumerate() {
            let (before, what) = if number == 0 { (mark, first) } else { ("  ", further) };
            self.to.said(what, &format!("{before}{line}"))?;
        }
        Ok(())
    }
}

fn called(call: &Call) -> String {
    let end = match call.end {
        CallEnd::Lines(0) => "no output".to_owned(),
        CallEnd::Lines(1) => "1 line".to_owned(),
        CallEnd::Lines(lines) => format!("{lines} lines"),
        CallEnd::Failed => "failed".to_owned(),
        CallEnd::Open => "no result".to_owned(),
    };
    let about = first_line(&call.about);
    let gap = if about.is_empty() { "" } else { "  " };
    format!("  ▸ {}{gap}{about}  {end}", call.tool)
}

/// Takes the reason out of a failed read or a reader that is gone.
fn failed(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Error::new(Kind::ClosedPipe, "The reader has gone away");
    }
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::new(Kind::Environment, "Cannot read the conversation").because(error),
    }
}
