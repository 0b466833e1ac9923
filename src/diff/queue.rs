//! Files computed ahead by several threads, and delivered in their order.
//!
//! Everything is bounded. A thread that is ahead waits until its output is wanted, so nothing is computed
//! that nobody reads. When the receiver gives up, every thread ends at its next delivery.

use std::io;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// How many pieces of a file may wait, and how many files: together, some megabytes.
const PIECES: usize = 4;
const FILES: usize = 16;

/// How long the receiver waits for the next piece before it is told to write what it has.
const PATIENCE: Duration = Duration::from_millis(5);

/// What is delivered.
#[derive(Debug)]
pub enum Delivery<T> {
    /// A piece.
    Piece(T),
    /// The next piece takes a while.
    Pause,
}

/// A job, its number, and where its pieces go.
type Taken<J, T, E> = (usize, J, SyncSender<Result<T, E>>);

/// Runs `work` on every job, on `threads` threads that each have a state of their own, and delivers the
/// results job after job.
///
/// # Errors
/// The first error of the receiver or of a job, in the order of the jobs.
pub fn in_order<J, T, S, E>(
    jobs: impl Iterator<Item = J> + Send,
    threads: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, J, &mut dyn FnMut(T) -> io::Result<()>) -> Result<(), E> + Sync,
    mut deliver: impl FnMut(Delivery<T>) -> Result<(), E>,
) -> Result<(), E>
where
    T: Send,
    E: Send,
{
    let (announce, announced) = sync_channel::<Receiver<Result<T, E>>>(FILES);
    let jobs = Mutex::new((jobs.enumerate(), Some(announce)));
    // Taking a job and announcing it is one step, so that they are announced in order.
    let take = || -> Option<Taken<J, T, E>> {
        let mut jobs = jobs.lock().ok()?;
        let Some((number, job)) = jobs.0.next() else {
            jobs.1 = None;
            return None;
        };
        let (send, receive) = sync_channel(PIECES);
        jobs.1.as_ref()?.send(receive).ok()?;
        Some((number, job, send))
    };
    let run = || {
        let mut own = state();
        while let Some((number, job, send)) = take() {
            let mut pass =
                |piece: T| send.send(Ok(piece)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe));
            if let Err(error) = work(&mut own, number, job, &mut pass) {
                let _nobody_waits = send.send(Err(error));
                return;
            }
        }
    };
    let run = &run;
    thread::scope(move |scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(run);
        }
        // Ending this loop drops the receivers, which ends the threads.
        for pieces in announced {
            loop {
                match pieces.recv_timeout(PATIENCE) {
                    Ok(piece) => deliver(Delivery::Piece(piece?))?,
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {
                        deliver(Delivery::Pause)?;
                        match pieces.recv() {
                            Ok(piece) => deliver(Delivery::Piece(piece?))?,
                            Err(_) => break,
                        }
                    }
                }
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_arrive_in_the_order_of_the_jobs() {
        let mut seen = Vec::new();
        let work = |_: &mut (), number: usize, job: u32, pass: &mut dyn FnMut(u32) -> io::Result<()>| {
            if number.is_multiple_of(7) {
                thread::yield_now();
            }
            (0..job % 10).try_for_each(|piece| pass(job * 10 + piece))
        };
        let deliver = |delivery| {
            if let Delivery::Piece(piece) = delivery {
                seen.push(piece);
            }
            Ok(())
        };
        in_order(0..200_u32, 3, || (), work, deliver).expect("delivered");
        let expected: Vec<u32> =
            (0..200).flat_map(|job| (0..job % 10).map(move |piece| job * 10 + piece)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_receiver_that_gives_up_ends_endless_work() {
        let work = |_: &mut (), _: usize, job: u64, pass: &mut dyn FnMut(u64) -> io::Result<()>| {
            loop {
                pass(job)?;
            }
        };
        let mut left = 10;
        let deliver = |_| {
            left -= 1;
            if left == 0 { Err(io::Error::other("enough")) } else { Ok(()) }
        };
        let ended = in_order(0_u64.., 2, || (), work, deliver);
        assert_eq!(ended.expect_err("gave up").to_string(), "enough");
    }
}
