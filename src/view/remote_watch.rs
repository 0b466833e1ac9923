//! Programs that run beside the view and look at the remote for it: a program of its own can wait for a network without a key ever
//! waiting for that, has no terminal to ask for a password on, and ends with all that it has started.

use std::io::{self, BufRead, Read as _};
use std::sync::mpsc::{Receiver, Sender, sync_channel};
use std::thread;

use serde::Deserialize;

use super::diff_blocks::{DiffBlock, Recorder, What};
use super::talk::Told;
use super::work::{DiffPiece, News, WAITING};

/// A longer line is none of such a program's, in bytes.
const LONGEST: u64 = 64 << 20;

/// What such a program is to do.
#[derive(Clone, Copy, Debug)]
pub enum CompanionTask<'a> {
    /// Say again and again who is at work.
    AtWork,
    /// Say the end of a session, `USER@HOST-XXXX/SESSION`.
    Session(&'a str),
}

/// A program that runs.
pub struct Running {
    /// What it says, one JSON value on each line.
    pub says: Box<dyn BufRead + Send>,
    /// It ends when this goes.
    pub held: Box<dyn Send>,
}

/// Starts such a program.
pub type Start<'a> = &'a dyn Fn(CompanionTask<'_>) -> io::Result<Running>;

/// What a session did, as such a program says it.
#[derive(Deserialize)]
struct Happened {
    what: String,
    text: String,
    added: Option<u64>,
    removed: Option<u64>,
}

/// Has somebody look who is at work, until what is returned goes.
pub(super) fn look(start: Start<'_>, news: Sender<News>) -> io::Result<Box<dyn Send>> {
    let Running { mut says, held } = start(CompanionTask::AtWork)?;
    // Of no scope: nobody waits for it.
    thread::spawn(move || {
        while let Some(line) = next_line(&mut says) {
            let Ok(look) = serde_json::from_slice(&line) else { continue };
            if news.send(News::AtWork(Some(look))).is_err() {
                return;
            }
        }
        let _ended = news.send(News::AtWork(None));
    });
    Ok(held)
}

/// Reads the end of a session, below lines that are there already; it is left as soon as what is returned goes.
pub(super) fn follow(
    start: Start<'_>,
    session: &str,
    about: Vec<String>,
    news: Sender<News>,
) -> io::Result<(Receiver<DiffPiece>, Box<dyn Send>)> {
    let Running { mut says, held } = start(CompanionTask::Session(session))?;
    let (pieces, receiver) = sync_channel::<DiffPiece>(WAITING);
    thread::spawn(move || {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let mut send = |block: DiffBlock| {
            pieces.send(Ok(block)).map_err(|_| gone())?;
            news.send(News::More).map_err(|_| gone())
        };
        let mut failed = None;
        let mut recorder = Recorder::new(&mut send);
        let _nobody_wants_more = about
            .iter()
            .try_for_each(|line| recorder.said(What::Call, line))
            .and_then(|()| recorder.hand_on())
            .and_then(|()| {
                let mut told = Told::begin(&mut recorder);
                while let Some(line) = next_line(&mut says) {
                    let Ok(one) = serde_json::from_slice::<Happened>(&line) else { continue };
                    if one.what == "failed" {
                        failed = Some(one.text);
                        break;
                    }
                    told.happened(&one.what, &one.words())?;
                }
                recorder.hand_on()
            });
        if let Some(failed) = failed {
            let _gone = pieces.send(Err(failed));
        }
        drop(pieces);
        let _ended = news.send(News::More);
    });
    Ok((receiver, held))
}

impl Happened {
    /// Its text, for an edit with how many lines it adds and removes.
    fn words(&self) -> String {
        match (self.what.as_str(), self.added, self.removed) {
            ("edit", Some(added), Some(removed)) => format!("{}  +{added} -{removed}", self.text),
            ("edit", ..) => format!("{}  no longer edited", self.text),
            _ => self.text.clone(),
        }
    }
}

fn next_line(says: &mut (impl BufRead + ?Sized)) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let read = says.take(LONGEST).read_until(b'\n', &mut line).ok()?;
    (read > 0).then_some(line)
}
