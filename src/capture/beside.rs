//! Work on pieces beside what makes them, on other threads, with the results in order.
//!
//! What is made and not worked on yet is bounded, so that memory does not grow with what is read.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

use crate::base::error::{Error, Kind, Result};

/// Returns how many threads can work at the same time.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs `make`, and has `work` done on each piece that it hands out by up to so many threads.
///
/// Returns what `make` returns, and the results of the work in the order of the pieces.
///
/// # Errors
/// The first error of the work, else that of `make`.
pub(super) fn beside<I: Send, O: Send, T>(
    threads: usize,
    work: impl Fn(I) -> Result<O> + Sync,
    make: impl FnOnce(&mut dyn FnMut(I) -> Result<()>) -> Result<T>,
) -> Result<(T, Vec<O>)> {
    let (sender, receiver) = sync_channel::<(usize, I)>(threads);
    let receiver = Arc::new(Mutex::new(receiver));
    let (failed, done) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let finish = |number: usize, piece: I| {
        let result = work(piece);
        failed.fetch_or(result.is_err(), Relaxed);
        done.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
    };
    let serve = &|receiver: Arc<Mutex<Receiver<(usize, I)>>>| {
        let next = || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        // After an error the rest is only taken, so that nobody waits for room.
        while let Ok((number, piece)) = next() {
            if !failed.load(Relaxed) {
                finish(number, piece);
            }
        }
    };
    let made = std::thread::scope(|scope| {
        let start = |_| {
            let receiver = Arc::clone(&receiver);
            Builder::new().spawn_scoped(scope, move || serve(receiver)).ok()
        };
        let started = (0..threads).map_while(start).count();
        // Theirs alone now: if they all panic, nobody waits for room.
        drop(receiver);
        let mut number = 0;
        let made = make(&mut |piece| {
            let stopped = || Error::new(Kind::Bug, "Work beside this one failed");
            if failed.load(Relaxed) {
                return Err(stopped());
            }
            number += 1;
            match started {
                // Where no threads can be had, this one does it all.
                0 => {
                    finish(number, piece);
                    Ok(())
                }
                _ => sender.send((number, piece)).map_err(|_| stopped()),
            }
        });
        drop(sender);
        made
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    let done: Vec<O> = done.into_iter().map(|(_, result)| result).collect::<Result<_>>()?;
    Ok((made?, done))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(emit: &mut dyn FnMut(usize) -> Result<()>) -> Result<&'static str> {
        (0..500).try_for_each(emit).map(|()| "made")
    }

    #[test]
    fn the_results_are_in_the_order_of_the_pieces_with_any_number_of_threads() {
        for threads in [0, 1, 3] {
            let (made, done) = beside(threads, |piece| Ok(piece * 2), feed).expect("no error");
            assert_eq!(
                (made, done),
                ("made", (0..500).map(|piece| piece * 2).collect()),
                "{threads} threads"
            );
        }
    }

    #[test]
    fn an_error_of_the_work_is_the_error_and_one_of_the_maker_is_passed_on() {
        for threads in [0, 2] {
            let refuse = |piece: usize| match piece {
                7 => Err(Error::new(Kind::Damaged, "seven")),
                _ => Ok(piece),
            };
            let error = beside(threads, refuse, feed).expect_err("an error");
            assert_eq!(error.to_string(), "seven");
            let stop = |_: &mut dyn FnMut(usize) -> Result<()>| Err::<(), _>(Error::new(Kind::Usage, "stop"));
            assert_eq!(beside(threads, refuse, stop).expect_err("an error").kind(), Kind::Usage);
        }
    }

    #[test]
    fn a_panic_of_the_work_ends_it_and_nobody_waits_for_ever() {
        let panics = |_: usize| -> Result<()> { panic!("on purpose") };
        assert!(std::panic::catch_unwind(|| beside(1, panics, feed)).is_err());
    }
}
