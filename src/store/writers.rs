//! Objects on their way to the disk, several at a time: each waits for the disk, and a large session has thousands.
//!
//! An object gets its name only once its content is synced, as everywhere. The first few are written
//! at once; threads are worth it only for more. Nothing is on its way any more when this is dropped.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::{Error, Result};
use crate::fs::{self, Existing};

/// So many are written before a thread is started.
const AT_ONCE: usize = 64;

/// How many wait for the disk together; each holds one object.
const THREADS: usize = 8;

/// Writes objects.
#[derive(Default)]
pub(super) struct Writers {
    written: usize,
    pool: Option<Pool>,
}

/// An object that waits to be written.
struct Job {
    tmp: PathBuf,
    path: PathBuf,
    frame: Vec<u8>,
    existing: Existing,
}

struct Pool {
    jobs: SyncSender<Job>,
    threads: Vec<JoinHandle<Option<Error>>>,
}

impl Writers {
    /// Writes an object, or has it written; then an error comes with [`Writers::finish`].
    pub(super) fn write(
        &mut self,
        tmp: &Path,
        path: &Path,
        frame: Vec<u8>,
        existing: Existing,
    ) -> Result<()> {
        self.written += 1;
        if self.written <= AT_ONCE {
            return fs::publish(tmp, path, &frame, existing).map(drop);
        }
        let job = Job { tmp: tmp.to_owned(), path: path.to_owned(), frame, existing };
        let pool = self.pool.get_or_insert_with(Pool::start);
        // Without a thread that takes it, it is written here.
        match pool.jobs.send(job) {
            Ok(()) => Ok(()),
            Err(unsent) => unsent.0.run(),
        }
    }

    /// Waits until all objects are written.
    ///
    /// # Errors
    /// The first that any of them met.
    pub(super) fn finish(&mut self) -> Result<()> {
        let Some(Pool { jobs, threads }) = self.pool.take() else { return Ok(()) };
        drop(jobs);
        let mut first = None;
        for thread in threads {
            match thread.join() {
                Ok(error) => first = first.or(error),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        first.map_or(Ok(()), Err)
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // Nobody publishes what it was for.
            let _unused = self.finish();
        }
    }
}

impl Pool {
    fn start() -> Pool {
        // No queue: what waits for the disk is all that is held.
        let (jobs, waiting) = sync_channel(0);
        let waiting = Arc::new(Mutex::new(waiting));
        let start = |_| {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new().spawn(move || work(&waiting)).ok()
        };
        Pool { jobs, threads: (0..THREADS).filter_map(start).collect() }
    }
}

/// Writes what comes; returns the first error, and goes on after it so that nobody waits for ever.
fn work(waiting: &Mutex<Receiver<Job>>) -> Option<Error> {
    let mut first = None;
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => first = first.or(job.run().err()),
            Err(_) => return first,
        }
    }
}

impl Job {
    fn run(self) -> Result<()> {
        fs::publish(&self.tmp, &self.path, &self.frame, self.existing).map(drop)
    }
}
