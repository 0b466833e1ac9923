//! Syntax colours, computed on a thread beside the painting for one stretch of a diff at a time. If they are
//! late, the stretch stays plain.
//!
//! Painting waits for them only for a short time, and all waits together are limited too. So the first hunk
//! comes no later, and the whole diff not much later.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::syntax::{self, ClassedRange, Grammar, Reader};

/// How long painting may wait for colours.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the first stretch that is shown, from when the name of the first file is known.
    first: Duration,
    /// For each other one.
    other: Duration,
    /// The time that all grammars may take; more comes with the time that passes, a part of it.
    all: Duration,
    part: u32,
}

impl Patience {
    /// For a person at a screen, who does not see so short a wait, and reads slowly. The first stretch is still
    /// there before git could have shown it.
    pub const SCREEN: Patience = Patience {
        first: Duration::from_millis(12),
        other: Duration::from_millis(150),
        all: Duration::from_millis(400),
        part: 8,
    };
    /// For a pipe: a stretch is coloured if that costs next to nothing.
    pub const PIPE: Patience = Patience {
        first: Duration::ZERO,
        other: Duration::from_millis(5),
        all: Duration::from_millis(20),
        part: 20,
    };
    /// For somebody who wants them whatever they cost.
    pub const ENDLESS: Patience = Patience {
        first: Duration::from_secs(30),
        other: Duration::from_secs(30),
        all: Duration::MAX,
        part: 1,
    };
}

/// The time that was spent so far, by all who color parts of one diff.
#[derive(Debug)]
pub struct Spent {
    begun: Instant,
    micros: AtomicU64,
    /// When the name of the first file was known.
    named: OnceLock<Instant>,
    /// Whether something has been shown.
    shown: AtomicU64,
}

impl Default for Spent {
    fn default() -> Spent {
        Spent {
            begun: Instant::now(),
            micros: AtomicU64::new(0),
            named: OnceLock::new(),
            shown: AtomicU64::new(0),
        }
    }
}

/// Which version of a file a line is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Both,
    Old,
    New,
}

/// Some lines of a hunk that follow each other.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    /// Whether they are the first of their hunk.
    pub(super) begins: bool,
    pub(super) lines: Vec<(Of, Vec<u8>)>,
}

/// What is in each line of a stretch.
pub(super) type Colors = Vec<Vec<ClassedRange>>;

enum Ask {
    File(Vec<u8>),
    Lines(Arc<Stretch>),
}

/// Where colours are asked for.
#[derive(Debug)]
pub struct Coloring {
    asks: SyncSender<Ask>,
    answers: Receiver<Option<Colors>>,
    patience: Patience,
    spent: Arc<Spent>,
    /// Answers that nobody waited for, still to come.
    late: usize,
    /// Whether there is a grammar for this file, as far as is known.
    hopeful: bool,
}

impl Coloring {
    /// Starts the thread that knows grammars; it ends with this.
    pub fn new(patience: Patience, spent: Arc<Spent>) -> Coloring {
        let (asks, asked) = sync_channel(8);
        let (answer, answers) = sync_channel(8);
        let time = spent.clone();
        thread::spawn(move || work(&asked, &answer, &time));
        Coloring { asks, answers, patience, spent, late: 0, hopeful: false }
    }

    /// Says which file comes next.
    pub(super) fn file(&mut self, name: &[u8]) {
        self.spent.named.get_or_init(Instant::now);
        // A thread that hangs at a line is not asked any more.
        self.hopeful = self.late == 0 && self.asks.try_send(Ask::File(name.to_vec())).is_ok();
    }

    /// Says whether it is worth asking.
    pub(super) fn is_hopeful(&mut self) -> bool {
        while self.late > 0 && self.answers.try_recv().is_ok() {
            self.late -= 1;
        }
        self.hopeful && self.late == 0 && self.left()
    }

    /// Says whether there is time left for colours.
    fn left(&self) -> bool {
        let more = self.spent.begun.elapsed() / self.patience.part.max(1);
        let spent = Duration::from_micros(self.spent.micros.load(Ordering::Relaxed));
        spent <= self.patience.all.saturating_add(more)
    }

    /// Returns what is in the lines, if that is known in time.
    pub(super) fn of(&mut self, stretch: &Arc<Stretch>) -> Option<Colors> {
        if !self.is_hopeful() || self.asks.try_send(Ask::Lines(stretch.clone())).is_err() {
            return None;
        }
        let first = self.spent.shown.swap(1, Ordering::Relaxed) == 0;
        let since = self.spent.named.get().map_or(Duration::ZERO, Instant::elapsed);
        let patience = if first { self.patience.first.saturating_sub(since) } else { self.patience.other };
        match self.answers.recv_timeout(patience) {
            Ok(None) => {
                self.hopeful = false;
                None
            }
            Ok(colors) => colors,
            Err(_) => {
                self.late += 1;
                None
            }
        }
    }
}

fn work(asked: &Receiver<Ask>, answer: &SyncSender<Option<Colors>>, spent: &Spent) {
    syntax::prepare();
    let mut grammar = None;
    let mut readers: Option<(Reader, Reader)> = None;
    for ask in asked {
        let begun = Instant::now();
        match ask {
            Ask::File(name) => {
                grammar = Grammar::of(&name);
                readers = None;
                // The first line costs most: what there is to be known is learned while the diff is still made.
                if let Some(grammar) = grammar {
                    Reader::new(grammar).line(b"\n");
                }
            }
            Ask::Lines(stretch) => {
                let colors = grammar.map(|grammar| {
                    if stretch.begins || readers.is_none() {
                        readers = Some((Reader::new(grammar), Reader::new(grammar)));
                    }
                    readers.as_mut().map_or_else(Vec::new, |readers| read(readers, &stretch))
                });
                if answer.send(colors).is_err() {
                    return;
                }
            }
        }
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        spent.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// Reads lines of both versions; returns what is in each.
pub(super) fn read((old, new): &mut (Reader, Reader), stretch: &Stretch) -> Colors {
    let mut same = *old == *new;
    let one = |(of, line): &(Of, Vec<u8>)| match of {
        Of::Old => {
            same = false;
            old.line(line)
        }
        Of::New => {
            same = false;
            new.line(line)
        }
        Of::Both => {
            let colors = new.line(line);
            if same {
                *old = new.clone();
            } else {
                old.line(line);
                same = *old == *new;
            }
            colors
        }
    };
    stretch.lines.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(lines: &[(Of, &str)]) -> Arc<Stretch> {
        let lines = lines.iter().map(|(of, line)| (*of, line.as_bytes().to_vec())).collect();
        Arc::new(Stretch { begins: true, lines })
    }

    #[test]
    fn each_version_is_read_by_itself() {
        let mut coloring = Coloring::new(Patience::ENDLESS, Arc::default());
        coloring.file(b"a.c");
        let lines = stretch(&[(Of::Old, "/* open\n"), (Of::New, "int a;\n"), (Of::Both, "int b;\n")]);
        let colors = coloring.of(&lines).expect("colours");
        assert_eq!(
            format!("{:?}", colors[2]),
            "[(0..3, Keyword)]",
            "the comment is open in the old version only"
        );
    }

    #[test]
    fn files_that_nothing_is_known_of_are_asked_for_once() {
        let mut coloring = Coloring::new(Patience::ENDLESS, Arc::default());
        coloring.file(b"a.unheard-of");
        assert!(coloring.is_hopeful());
        assert!(coloring.of(&stretch(&[(Of::Both, "x\n")])).is_none());
        assert!(!coloring.is_hopeful());
        coloring.file(b"a.rs");
        assert!(coloring.of(&stretch(&[(Of::Both, "fn a() {}\n")])).is_some());
    }

    #[test]
    fn without_time_left_nothing_is_asked() {
        let patience = Patience { all: Duration::ZERO, part: u32::MAX, ..Patience::ENDLESS };
        let spent = Arc::new(Spent::default());
        spent.micros.store(1_000_000_000, Ordering::Relaxed);
        let mut coloring = Coloring::new(patience, spent);
        coloring.file(b"a.rs");
        assert!(!coloring.is_hopeful());
    }
}
