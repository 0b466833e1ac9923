//! What is sent to a git remote and what it answers, as values: refs, new commits, how often to try.

use std::time::Duration;

/// How often something is tried, the first time included.
const TRIES: u32 = 4;

/// The wait before the second try; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// How often a remote is tried that can't be reached, and how long is waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// All tries, the first one too.
    pub tries: u32,
    /// Before the second one; it doubles each time.
    pub first_wait: Duration,
}

impl Default for Retries {
    fn default() -> Retries {
        Retries { tries: TRIES, first_wait: FIRST_WAIT }
    }
}

/// How every fetch into a repository of ours begins.
pub(super) const FETCH: [&str; 16] = [
    "-c",
    "fetch.fsckObjects=true",
    "-c",
    "fetch.unpackLimit=1",
    "-c",
    "transfer.unpackLimit=1",
    "-c",
    "fetch.writeCommitGraph=false",
    "-c",
    "fetch.negotiationAlgorithm=default",
    "fetch",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
    "--recurse-submodules=no",
    "--refmap=",
];

/// One ref of a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteRef {
    /// What it points to.
    pub oid: String,
    /// Its full name.
    pub name: String,
}

/// A commit to be made in the scratch repository, by nobody in particular.
#[derive(Clone, Debug)]
pub struct NewCommit {
    /// The ref that will point to it.
    pub name: String,
    /// Its time, in seconds since 1970.
    pub seconds: i64,
    /// Its message.
    pub message: String,
    /// The paths of its files.
    pub paths: Vec<String>,
    /// Its parent, which is there; most have none.
    pub after: Option<String>,
}

/// What a remote said to one ref of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushAnswer {
    /// Taken.
    Taken,
    /// Not taken, and why.
    Rejected(String),
}

/// Changes a wait to between half and one and a half of its length, so that machines that failed
/// together don't try again together.
pub(super) fn jittered(wait: Duration) -> Duration {
    use std::hash::BuildHasher as _;
    let random = std::collections::hash_map::RandomState::new().hash_one(0) % 1_000;
    wait.mul_f64(0.5 + f64::from(u32::try_from(random).unwrap_or(500)) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread() {
        let wait = jittered(Duration::from_secs(2));
        assert!((Duration::from_secs(1)..=Duration::from_secs(3)).contains(&wait), "{wait:?}");
    }
}
