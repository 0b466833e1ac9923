//! This process and others: whose it is, on which machine, and whether another one still runs.

use rustix::io::Errno;

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

/// Leaves the terminal and its process group, so that this program does not end with either.
pub fn leave_terminal() {
    // Already the leader of a session: it has left.
    let _left = rustix::process::setsid();
}

/// Returns the number of the user as whom the process acts: the owner of what it creates.
pub fn effective_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Returns the user's number as text, for users without a name.
pub fn user_number() -> String {
    rustix::process::getuid().as_raw().to_string()
}

/// Returns the machine's name.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
