//! How many threads may work at the same time, for those who start some.
//!
//! `SNAP_THREADS=1` keeps all work that changes files on the thread that starts it, in a fixed order: an experiment can
//! then have any one of its system calls fail, or kill the program there.

use std::sync::OnceLock;

/// Returns how many processors there are, and no more than may be used.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(limit())
}

/// Returns how many threads may be started beside this one, of so many that would be of use.
pub fn beside_this_one(wanted: usize) -> usize {
    wanted.min(limit() - 1)
}

/// How many threads may work at the same time: at least one.
fn limit() -> usize {
    static LIMIT: OnceLock<usize> = OnceLock::new();
    *LIMIT.get_or_init(|| {
        let set = std::env::var("SNAP_THREADS").ok().and_then(|text| text.parse().ok());
        set.filter(|threads| *threads > 0).unwrap_or(usize::MAX)
    })
}
