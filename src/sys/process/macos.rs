//! macOS: processes as `ps` shows them. The calls behind it can't be made without unsafe code.

use std::process::{Command, Stdio};

use super::beginning::Beginning;

/// Not looked up: whatever `PATH` says, this one is the system's.
const PS: &str = "/bin/ps";

/// Asks as the client does, in the same language and time zone: so the words are the same.
pub(super) fn beginning(pid: i32) -> Beginning {
    let mut ps = Command::new(PS);
    ps.args(["-o", "lstart=", "-p", &pid.to_string()]).env_clear().envs([("LC_ALL", "C"), ("TZ", "UTC")]);
    let Ok(output) = ps.stdin(Stdio::null()).stderr(Stdio::null()).output() else {
        return Beginning::Unknown;
    };
    let words = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match (output.status.success(), words.is_empty()) {
        (true, false) => Beginning::Known(words),
        (false, true) => Beginning::Gone,
        _ => Beginning::Unknown,
    }
}

pub(super) fn parents() -> Vec<(i32, i32)> {
    let mut ps = Command::new(PS);
    ps.args(["-A", "-o", "pid=,ppid="]).env_clear().stdin(Stdio::null()).stderr(Stdio::null());
    let said = ps.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let pair = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    };
    said.unwrap_or_default().lines().filter_map(pair).collect()
}

#[cfg(target_vendor = "apple")]
pub(super) fn ignored_signals() -> Option<u64> {
    // `ps` knows, but each run would have to start it.
    None
}

#[cfg(target_vendor = "apple")]
pub(super) fn words(_pid: i32) -> Option<Vec<String>> {
    // `ps` does not say where one word ends and the next begins.
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_process_is_told_as_a_date_in_english() {
        let me = i32::try_from(std::process::id()).expect("a process id");
        let Beginning::Known(words) = beginning(me) else { panic!("this process runs") };
        let parts: Vec<&str> = words.split_whitespace().collect();
        assert_eq!(parts.len(), 5, "{words}");
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        assert!(months.contains(&parts[1]), "{words}");
        assert_eq!(beginning(me), Beginning::Known(words));
    }

    #[test]
    fn each_process_is_listed_with_its_parent() {
        let me = i32::try_from(std::process::id()).expect("a process id");
        let parent = parents().into_iter().find(|(pid, _)| *pid == me).map(|(_, parent)| parent);
        assert_eq!(parent, i32::try_from(std::os::unix::process::parent_id()).ok());
    }

    #[test]
    fn a_process_that_is_not_there_has_no_beginning() {
        assert_eq!(beginning(i32::MAX), Beginning::Gone);
    }
}
