//! Work on several threads: results in the order of the pieces, the first error is the error, and a panic of
//! any thread is the caller's.
//!
//! If no more threads can be started, those that exist do all of the work. `SNAP_THREADS` limits how many
//! work at a time. With 1, everything is done on the calling thread, one piece after the other.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Builder};

use crate::base::error::{Error, Kind, Result};
use crate::sys::environment;

/// Locks a value; that a thread panicked while it held it harms nothing here.
pub fn held<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns how many threads somebody said may work at a time.
fn limit() -> Option<usize> {
    static LIMIT: OnceLock<Option<usize>> = OnceLock::new();
    *LIMIT.get_or_init(|| environment::number("SNAP_THREADS").filter(|threads| *threads > 0))
}

/// Returns how many threads can work at the same time.
pub fn processors() -> usize {
    limit().unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
}

/// A piece's number, and what its work came to: a panic of the thread, or what the work says.
type Piece<O, E> = (usize, thread::Result<std::result::Result<O, E>>);

/// The results of the pieces that are done.
struct Results<O, E> {
    failed: AtomicBool,
    done: Mutex<Vec<Piece<O, E>>>,
}

impl<O, E> Results<O, E> {
    fn new() -> Results<O, E> {
        Results { failed: AtomicBool::new(false), done: Mutex::new(Vec::new()) }
    }

    /// Does the work on one piece.
    fn run(&self, number: usize, work: impl FnOnce() -> std::result::Result<O, E>) {
        // The panic goes on as soon as all threads have ended.
        let result = catch_unwind(AssertUnwindSafe(work));
        self.failed.fetch_or(!matches!(result, Ok(Ok(_))), Relaxed);
        held(&self.done).push((number, result));
    }

    /// Says whether no further piece is worth beginning.
    fn have_failed(&self) -> bool {
        self.failed.load(Relaxed)
    }

    fn in_order(self) -> std::result::Result<Vec<O>, E> {
        let mut done = self.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(number, _)| *number);
        done.into_iter().map(|(_, result)| result.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    }
}

/// Runs `work` on this many more threads, and `own` on this one. `own` learns how many there are.
fn crew<T>(more: usize, work: impl Fn() + Sync, own: impl FnOnce(usize) -> T) -> T {
    thread::scope(|scope| {
        let start = |_| Builder::new().spawn_scoped(scope, &work).ok();
        let others: Vec<_> = (0..more).map_while(start).collect();
        let own = own(others.len());
        for other in others {
            other.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
        own
    })
}

/// Does the same to every piece with up to this many threads, each of which begins with a `start` of
/// its own. Returns the results in the order of the pieces.
///
/// # Errors
/// What the first of the works that fail says; none is begun after that.
pub fn map_with<I: Send, S, O: Send, E: Send>(
    threads: usize,
    pieces: impl Iterator<Item = I> + Send,
    start: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, I) -> std::result::Result<O, E> + Sync,
) -> std::result::Result<Vec<O>, E> {
    let (results, pieces) = (Results::new(), Mutex::new(pieces.enumerate()));
    let next = || held(&pieces).next();
    let serve = || {
        let mut state = start();
        while !results.have_failed() {
            let Some((number, piece)) = next() else { break };
            results.run(number, || work(&mut state, piece));
        }
    };
    crew(threads.saturating_sub(1), serve, |_| serve());
    results.in_order()
}

/// Does the same to every item with all processors, in order. No thread is started for less than `least_each` items.
pub fn map<T: Sync, O: Send>(items: &[T], least_each: usize, work: impl Fn(&T) -> O + Sync) -> Vec<O> {
    let threads = processors().min(items.len().div_ceil(least_each.max(1))).max(1);
    let each = items.len().div_ceil(threads).max(least_each).max(1);
    let part = |_: &mut (), part: &[T]| -> std::result::Result<Vec<O>, Infallible> {
        Ok(part.iter().map(&work).collect())
    };
    match map_with(threads, items.chunks(each), || (), part) {
        Ok(parts) => parts.into_iter().flatten().collect(),
        Err(never) => match never {},
    }
}

/// How many waits for the disk run at a time: the disk makes durable together what waits together.
const WAITS_AT_ONCE: usize = 32;

/// Does something that waits for the disk to each of these, many at a time.
///
/// # Errors
/// What the first of the works that fail says; none is begun after that.
pub fn wait_for_each<T: Send>(items: Vec<T>, work: impl Fn(T) -> Result<()> + Sync) -> Result<()> {
    let threads = items.len().min(WAITS_AT_ONCE).min(limit().unwrap_or(usize::MAX));
    map_with(threads, items.into_iter(), || (), |_, item| work(item)).map(drop)
}

/// Returns how many threads should work beside the one that makes the pieces: none if only one thread
/// is possible.
pub fn helpers() -> usize {
    match processors() {
        1 => 0,
        more => more,
    }
}

/// Runs `make` here, and `work` on each piece that it hands out, on up to this many threads. The number
/// of waiting pieces is bounded, so memory does not grow with the input.
///
/// Returns what `make` returns, and the results of the work in the order of the pieces.
///
/// # Errors
/// The first error of the work, else that of `make`.
pub fn beside<I: Send, O: Send, T>(
    threads: usize,
    work: impl Fn(I) -> Result<O> + Sync,
    make: impl FnOnce(&mut dyn FnMut(I) -> Result<()>) -> Result<T>,
) -> Result<(T, Vec<O>)> {
    let (sender, receiver) = sync_channel::<(usize, I)>(threads);
    let (results, receiver) = (Results::new(), Mutex::new(receiver));
    let next = || held(&receiver).recv();
    let serve = || {
        // After an error the rest is only taken, so that nobody waits for room.
        while let Ok((number, piece)) = next() {
            if !results.have_failed() {
                results.run(number, || work(piece));
            }
        }
    };
    let (shared, work) = (&results, &work);
    let made = crew(threads, serve, move |started| {
        let stopped = || Error::new(Kind::Bug, "Work beside this one failed");
        let mut number = 0;
        make(&mut |piece| {
            if shared.have_failed() {
                return Err(stopped());
            }
            number += 1;
            if started > 0 {
                return sender.send((number, piece)).map_err(|_| stopped());
            }
            shared.run(number, || work(piece));
            Ok(())
        })
    });
    let done = results.in_order()?;
    Ok((made?, done))
}

/// Does two things at the same time: `other` on a thread of its own, if one can be had.
pub fn both<A, B: Send>(own: impl FnOnce() -> A, other: impl Fn() -> B + Sync) -> (A, B) {
    thread::scope(|scope| {
        let started = match limit() {
            Some(1) => None,
            _ => Builder::new().spawn_scoped(scope, &other).ok(),
        };
        match started {
            Some(started) => {
                let own = own();
                (own, started.join().unwrap_or_else(|panic| resume_unwind(panic)))
            }
            None => {
                let other = other();
                (own(), other)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(emit: &mut dyn FnMut(usize) -> Result<()>) -> Result<&'static str> {
        (0..500).try_for_each(emit).map(|()| "made")
    }

    fn refuse_seven(piece: usize) -> Result<usize> {
        match piece {
            7 => Err(Error::new(Kind::Damaged, "seven")),
            _ => Ok(piece * 2),
        }
    }

    #[test]
    fn the_results_are_in_the_order_of_the_pieces_with_any_number_of_threads() {
        let doubled: Vec<usize> = (0..500).map(|piece| piece * 2).collect();
        for threads in [0, 1, 3, 40] {
            let (made, done) = beside(threads, |piece| Ok(piece * 2), feed).expect("no error");
            assert_eq!((made, &done), ("made", &doubled), "{threads} threads");
            let add = |seen: &mut usize, piece: usize| -> Result<usize> {
                *seen += 1;
                Ok(piece * 2)
            };
            assert_eq!(map_with(threads, 0..500, || 0, add).expect("no error"), doubled, "{threads} threads");
        }
        let items: Vec<usize> = (0..500).collect();
        for least in [0, 1, 16, 499, 500, 501] {
            assert_eq!(map(&items, least, |item| item * 2), doubled, "at least {least} each");
        }
        assert_eq!(map(&[], 16, |item: &usize| *item), Vec::<usize>::new());
        assert_eq!(both(|| 1, || 2), (1, 2));
    }

    #[test]
    fn an_error_of_the_work_is_the_error_and_one_of_the_maker_is_passed_on() {
        for threads in [0, 2] {
            let error = beside(threads, refuse_seven, feed).expect_err("an error");
            assert_eq!(error.to_string(), "seven");
            let stop = |_: &mut dyn FnMut(usize) -> Result<()>| Err::<(), _>(Error::new(Kind::Usage, "stop"));
            assert_eq!(beside(threads, refuse_seven, stop).expect_err("an error").kind(), Kind::Usage);
            let error =
                map_with(threads, 0..500, || (), |_, piece| refuse_seven(piece)).expect_err("an error");
            assert_eq!(error.to_string(), "seven");
        }
        let error =
            wait_for_each((0..50).collect(), |piece| refuse_seven(piece).map(drop)).expect_err("an error");
        assert_eq!(error.to_string(), "seven");
    }

    #[test]
    fn a_panic_of_any_thread_is_carried_over_with_what_it_says_and_nobody_waits_for_ever() {
        let told = |panicked: thread::Result<()>| {
            let panic = panicked.expect_err("a panic");
            panic.downcast_ref::<&str>().map(|text| (*text).to_owned())
        };
        let panics = |_: usize| -> Result<()> { panic!("on purpose") };
        for threads in [0, 1, 3] {
            let beside = catch_unwind(AssertUnwindSafe(|| drop(beside(threads, panics, feed))));
            assert_eq!(told(beside).as_deref(), Some("on purpose"), "{threads} threads");
        }
        let each = catch_unwind(AssertUnwindSafe(|| drop(wait_for_each((0..50).collect(), panics))));
        assert_eq!(told(each).as_deref(), Some("on purpose"));
        let both = catch_unwind(AssertUnwindSafe(|| {
            let _never = both(|| (), || panics(0).is_ok());
        }));
        assert_eq!(told(both).as_deref(), Some("on purpose"));
    }
}
