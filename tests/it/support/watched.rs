//! Runs of `snap` that must come to an end, and folders that nothing may touch.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::Must;
use super::project::{Project, Ran};

/// How long a command may take; none of these has much to do.
const LONGEST: Duration = Duration::from_secs(60);

/// Runs a command to its end; one that does not come to its end is killed, and fails the test.
#[track_caller]
pub(crate) fn watched(command: &mut Command, what: &str) -> Ran {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.must("to run snap");
    let pid = rustix::process::Pid::from_child(&child);
    let (sender, ended) = channel();
    let waits = std::thread::spawn(move || {
        let output = child.wait_with_output().must("its end");
        // Nobody listens any more if it was too late.
        sender.send(()).ok();
        output
    });
    let in_time = ended.recv_timeout(LONGEST) != Err(RecvTimeoutError::Timeout);
    if !in_time {
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).must("to kill it");
    }
    let output = waits.join().must("its output");
    assert!(in_time, "{what}: did not come to its end");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The same for `snap` in a project.
#[track_caller]
pub(crate) fn snap(project: &Project, arguments: &[&str]) -> Ran {
    watched(&mut project.command(project.root(), arguments), &format!("snap {arguments:?}"))
}

/// Everything below a folder, with what changes if anybody touches it.
pub(crate) fn inventory(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    add(folder, &mut all);
    all
}

fn add(path: &Path, all: &mut BTreeMap<PathBuf, String>) {
    let meta = path.symlink_metadata().must("metadata");
    let content = match (meta.is_symlink(), meta.is_file()) {
        (true, _) => fs::read_link(path).must("a link").into_os_string().into_encoded_bytes(),
        (_, true) => fs::read(path).must("a file"),
        _ => Vec::new(),
    };
    let state = format!(
        "{:o} {} {} {}.{} {}",
        meta.mode(),
        meta.ino(),
        meta.nlink(),
        meta.mtime(),
        meta.mtime_nsec(),
        String::from_utf8_lossy(&content)
    );
    all.insert(path.to_owned(), state);
    if meta.is_dir() {
        for entry in fs::read_dir(path).must("a folder").flatten() {
            add(&entry.path(), all);
        }
    }
}
