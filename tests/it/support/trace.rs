//! Running `snap` under strace: to see its system calls, or to have one of them fail or kill it.
//!
//! Where each single call is looked at, `snap` works on its first thread alone (`SNAP_THREADS`), which is the one that is
//! traced; the git programs it starts are not. `crash.rs` proves that this thread then makes every call that changes a
//! file, and has the same done to all threads of a usual run.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::project::{Project, Ran, ran};
use super::{Must, needs};

/// The system calls that change files, or make changes last.
pub(crate) const MUTATING: &str = "write,pwrite64,writev,fsync,fdatasync,syncfs,rename,renameat,renameat2,link,linkat,unlink,\
     unlinkat,mkdir,mkdirat,rmdir,symlink,symlinkat,ftruncate,chmod,fchmod,fchmodat,utimensat,copy_file_range,sendfile";

/// Says whether strace can be used here; if not, the experiment is skipped.
#[track_caller]
pub(crate) fn available(experiment: &str) -> bool {
    needs::program(&["strace", "-f", "-qq", "-o", "/dev/null", "true"], experiment)
}

/// Says whether the long form of the experiments was asked for.
pub(crate) fn long() -> bool {
    std::env::var_os("SNAP_LONG").is_some()
}

/// Picks at most `short` of these, evenly spread; all of them in the long form.
pub(crate) fn some<T>(all: &[T], short: usize) -> Vec<&T> {
    if long() || all.len() <= short {
        all.iter().collect()
    } else {
        (0..short).map(|number| &all[number * (all.len() - 1) / (short - 1)]).collect()
    }
}

/// Runs `snap`, on one thread, in the project under strace with these options; returns what strace wrote too.
pub(crate) fn traced(project: &Project, options: &[&str], arguments: &[&str]) -> (Ran, String) {
    strace(project, options, arguments, Some("1"))
}

/// The same with all threads of `snap` and the programs that it starts, as `strace -f` does.
pub(crate) fn traced_with_all(project: &Project, options: &[&str], arguments: &[&str]) -> (Ran, String) {
    strace(project, &[&["-f"], options].concat(), arguments, None)
}

/// Runs `snap` under strace, with at most so many threads if that is said.
pub(crate) fn strace(
    project: &Project,
    options: &[&str],
    arguments: &[&str],
    threads: Option<&str>,
) -> (Ran, String) {
    let plain = project.command(project.root(), arguments);
    let log = project.home.path().join("tmp/strace.log");
    let mut command = Command::new("strace");
    command.arg("-qq").arg("-o").arg(&log).args(options).arg("--").arg(plain.get_program()).args(arguments);
    command.current_dir(project.root()).env_clear();
    for (name, value) in plain.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.envs(threads.map(|threads| ("SNAP_THREADS", threads)));
    let ran = ran(&mut command);
    let calls = fs::read_to_string(&log).unwrap_or_default();
    fs::remove_file(&log).must("to remove the log");
    (ran, calls)
}

/// A project in one state, to be put back to it again and again.
pub(crate) struct Scene {
    pub(crate) project: Project,
    kept: tempfile::TempDir,
}

impl Scene {
    /// Keeps the present state of a project and its home.
    pub(crate) fn of(project: Project) -> Scene {
        let kept = tempfile::TempDir::new().must("a folder");
        copy(project.home.path(), kept.path());
        Scene { project, kept }
    }

    /// Puts everything back.
    pub(crate) fn reset(&self) {
        for entry in fs::read_dir(self.project.home.path()).must("the home").flatten() {
            if entry.path().is_dir() {
                fs::remove_dir_all(entry.path()).must("to remove")
            } else {
                fs::remove_file(entry.path()).must("to remove")
            }
        }
        copy(self.kept.path(), self.project.home.path());
    }

    /// Returns the mutating system calls that a command makes, in order.
    pub(crate) fn calls(&self, arguments: &[&str]) -> Vec<Call> {
        self.calls_of(arguments, 0)
    }

    /// The same of a command that ends with this exit code.
    pub(crate) fn calls_of(&self, arguments: &[&str], code: i32) -> Vec<Call> {
        self.reset();
        let (ran, log) = traced(&self.project, &["-e", &format!("trace={MUTATING}")], arguments);
        ran.exits(code);
        let mut calls: Vec<Call> = Vec::new();
        for line in log.lines().filter_map(|line| line.split_once('(')) {
            let nth = 1 + calls.iter().filter(|call| call.name == line.0).count();
            let talk = ["1, ", "2, "].iter().any(|output| line.1.starts_with(output));
            calls.push(Call { name: line.0.to_owned(), nth, talk: line.0 == "write" && talk });
        }
        calls
    }

    /// Runs a command from the kept state, with this done to it at one of its calls (`signal=SIGKILL`, `error=EIO`).
    pub(crate) fn hurt(&self, call: &Call, how: &str, arguments: &[&str]) -> Ran {
        self.reset();
        let inject = format!("inject={}:{how}:when={}", call.name, call.nth);
        traced(&self.project, &["-e", &format!("trace={}", call.name), "-e", &inject], arguments).0
    }

    /// Runs a command from the kept state with all its threads, with this done to each of them at its nth call of this
    /// name: the first that gets there feels it.
    pub(crate) fn hurt_any_thread(&self, name: &str, nth: usize, how: &str, arguments: &[&str]) -> Ran {
        self.reset();
        let inject = format!("inject={name}:{how}:when={nth}");
        traced_with_all(&self.project, &["-e", &format!("trace={name}"), "-e", &inject], arguments).0
    }
}

/// One system call of a run: its name, and the how manieth of that name it is.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) nth: usize,
    /// Whether it only wrote to standard output or error.
    pub(crate) talk: bool,
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().must("to run cp");
    assert!(done.success());
}
