//! This process and others: whose it is, on which machine, and whether another one still runs.

mod beginning;
#[cfg(not(target_vendor = "apple"))]
mod linux;
// Its `ps` is that of Linux too, so it is tested there.
#[cfg(any(target_vendor = "apple", test))]
mod macos;

use rustix::io::Errno;

pub use beginning::Beginning;
#[cfg(not(target_vendor = "apple"))]
use linux as system;
#[cfg(target_vendor = "apple")]
use macos as system;

/// The number of Ctrl-C.
const SIGINT: u32 = 2;

/// Returns when a process began.
pub fn beginning(pid: i32) -> Beginning {
    system::beginning(pid)
}

/// Returns the words with which a process was started; `None` if the system does not say.
pub fn words(pid: i32) -> Option<Vec<String>> {
    system::words(pid)
}

/// Says whether Ctrl-C is not for this process, as in the background of a script; no, where the system does not say.
pub fn ignores_interrupts() -> bool {
    system::ignored_signals().is_some_and(|ignored| ignored & (1 << (SIGINT - 1)) != 0)
}

/// Says whether a process of this id exists.
pub fn exists(pid: i32) -> bool {
    let exists = |pid| rustix::process::test_kill_process(pid) != Err(Errno::SRCH);
    rustix::process::Pid::from_raw(pid).is_some_and(exists)
}

/// Ends a process that this one has started, at once.
pub fn kill(process: u32) {
    let id = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    let _ended = id.map(|id| rustix::process::kill_process(id, rustix::process::Signal::KILL));
}

/// Returns a process that this one has started, and all that it has started.
pub fn with_children(process: u32) -> Vec<u32> {
    let Ok(first) = i32::try_from(process) else { return Vec::new() };
    let (parents, mut all) = (system::parents(), vec![first]);
    let mut next = 0;
    while let Some(parent) = all.get(next).copied() {
        let of_it = parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid);
        let of_it: Vec<i32> = of_it.filter(|pid| !all.contains(pid)).collect();
        all.extend(of_it);
        next += 1;
    }
    all.into_iter().filter_map(|pid| u32::try_from(pid).ok()).collect()
}

/// Asks a process that this one has started to end, which lets it tidy up.
pub fn ask_to_end(process: u32) {
    let id = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    let _asked = id.map(|id| rustix::process::kill_process(id, rustix::process::Signal::TERM));
}

/// Asks all of this process's group to end, and with it this process: git leaves no locks behind then.
pub fn end_own_group() {
    let _asked = rustix::process::kill_current_process_group(rustix::process::Signal::TERM);
}

/// Leaves the terminal and its process group, so that this program does not end with either.
pub fn leave_terminal() {
    // Already the leader of a session: it has left.
    let _left = rustix::process::setsid();
}

/// Returns the number of the user as whom the process acts: the owner of what it creates.
pub fn effective_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Returns the user's login name by the system's list of users; the number, for a user who is not in it.
pub fn user_name() -> String {
    let user = nix::unistd::getuid();
    match nix::unistd::User::from_uid(user) {
        Ok(Some(known)) => known.name,
        Ok(None) | Err(_) => format!("uid {user}"),
    }
}

/// Returns the machine's name.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
