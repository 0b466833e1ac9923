//! What the tests need to drive the real client offline.

/// Makes each of these functions of a client a test with the newest and with the oldest client.
macro_rules! with_both_clients {
    ($($name:ident)*) => {
        mod newest {
            use crate::support::client::{Client, with};
            $(#[test] fn $name() { with(Client::newest(), super::$name); })*
        }
        mod oldest {
            use crate::support::client::{Client, OLDEST, with};
            $(#[test] fn $name() { with(Client::get(OLDEST), super::$name); })*
        }
    };
}

/// Makes each of these functions of a client a test with the newest client. `SNAP_CLIENT` runs them with another one, and
/// `.ci/long clients` with all that the tests know.
macro_rules! with_the_newest_client {
    ($($name:ident)*) => {
        mod with_newest {
            use crate::support::client::{Client, with};
            $(#[test] fn $name() { with(Client::newest(), super::$name); })*
        }
    };
}

pub(crate) mod api;
pub(crate) mod client;
pub(crate) mod disk;
pub(crate) mod golden;
pub(crate) mod http;
pub(crate) mod messages;
pub(crate) mod needs;
pub(crate) mod page;
pub(crate) mod planted;
pub(crate) mod preload;
pub(crate) mod project;
pub(crate) mod schema;
pub(crate) mod screen;
pub(crate) mod strict;
pub(crate) mod terminal;
pub(crate) mod trace;
pub(crate) mod watched;
pub(crate) mod work;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Waits until `done` holds, for what nothing reports, such as a file the client writes; fails the test after
/// [`api::PATIENCE`].
#[track_caller]
pub(crate) fn eventually(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + api::PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{what}: not seen in {:?}", api::PATIENCE);
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// Takes the value or fails the test, saying what was missing.
pub(crate) trait Must<T> {
    /// The value; panics with `what` otherwise.
    fn must(self, what: &str) -> T;
}

impl<T, E: std::fmt::Debug> Must<T> for Result<T, E> {
    #[track_caller]
    fn must(self, what: &str) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("{what}: {error:?}"),
        }
    }
}

impl<T> Must<T> for Option<T> {
    #[track_caller]
    fn must(self, what: &str) -> T {
        match self {
            Some(value) => value,
            None => panic!("{what}: there is none"),
        }
    }
}

/// Copies a folder with everything in it.
#[track_caller]
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).must("a folder");
    for entry in fs::read_dir(from).must("a folder to copy") {
        let entry = entry.must("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).must("a copy");
        }
    }
}
