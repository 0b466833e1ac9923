//! Git's messages about a remote: failures that may pass, progress, passwords in addresses.
//!
//! Works on text only and runs nothing. Git has no codes for these, so its English text is read, which
//! `command.rs` asks it for. A failure that is not known here counts as permanent.

use crate::base::monitor::{Phase, Progress};

/// What git says when trying again may help.
const PASSING: [&str; 18] = [
    "could not resolve host",
    "temporary failure in name resolution",
    "couldn't resolve host",
    "timed out",
    "connection refused",
    "connection reset",
    "connection was reset",
    "connection closed by",
    "network is unreachable",
    "early eof",
    "the remote end hung up",
    "unexpected disconnect",
    "broken pipe",
    "requested url returned error: 429",
    "requested url returned error: 5",
    "http 5",
    "ssl_error_syscall",
    "gnutls recv error",
];

/// How a remote calls it when it could not read or store what was sent.
pub const UNPACKER_ERROR: &str = "unpacker error";

/// Reads how far git says that a transfer is, in the newest of its progress lines.
pub(super) fn progress(said: &[u8]) -> Option<Progress> {
    let said = String::from_utf8_lossy(said);
    said.rsplit(['\r', '\n']).find_map(|line| {
        let of = |phase: Phase, words: &str| Some((phase, line.split_once(words)?.1));
        let (phase, rest) =
            of(Phase::Sending, "Writing objects:").or_else(|| of(Phase::Receiving, "Receiving objects:"))?;
        let (done, total) = rest.split_once('(')?.1.split_once(')')?.0.split_once('/')?;
        let (done, total) = (done.parse().ok()?, total.parse().ok()?);
        (done <= total).then_some(Progress { phase, done, total: Some(total) })
    })
}

/// Leaves out what git said of its progress: it rewrites those lines, and ends them so.
pub(super) fn without_progress(stderr: &str) -> String {
    let is_progress = |line: &&str| {
        line.contains('\r')
            || (line.contains("objects:") || line.contains("deltas:")) && line.ends_with("done.")
    };
    stderr.lines().filter(|line| !is_progress(line)).map(|line| format!("{line}\n")).collect()
}

/// Returns the line that tells of a failure that may pass.
pub(super) fn passing(stderr: &str) -> Option<&str> {
    let is_passing = |line: &&str| {
        let line = line.to_lowercase();
        PASSING.iter().any(|sign| line.contains(sign))
    };
    stderr.lines().map(str::trim).find(is_passing)
}

/// Hides the text between `://` and `@`, except the user's name.
pub(super) fn without_password(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown += before;
        let end = after.find(|c: char| c == '/' || c.is_whitespace() || c == '\'').unwrap_or(after.len());
        rest = after;
        if let Some(host) = after[..end].rfind('@') {
            match after[..host].split_once(':') {
                Some((user, _)) => shown += &format!("{user}:***"),
                // A lone word can be a token.
                None if after[..host] == *"git" => shown += "git",
                None => shown += "***",
            }
            rest = &after[host..];
        }
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_tokens_in_addresses_are_never_shown() {
        for (text, shown) in [
            ("https://ada:pass@host/x", "https://ada:***@host/x"),
            ("fatal: 'https://token@host/x' not found", "fatal: 'https://***@host/x' not found"),
            ("ssh://git@host/x and https://a:b@c", "ssh://git@host/x and https://a:***@c"),
            ("https://host/a@b", "https://host/a@b"),
            ("git@host:x.git", "git@host:x.git"),
        ] {
            assert_eq!(without_password(text), shown);
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for text in [
            "fatal: unable to access 'https://x/': Could not resolve host: x",
            "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502",
            "fatal: early EOF",
            "kex_exchange_identification: Connection closed by remote host",
        ] {
            assert!(passing(text).is_some(), "{text}");
        }
        for text in [
            "fatal: Authentication failed for 'https://x/'",
            "remote: Repository not found.",
            "fatal: 'x' does not appear to be a git repository",
            "The requested URL returned error: 403",
        ] {
            assert!(passing(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_newest_line_of_progress_counts_and_nothing_else() {
        let step = |phase, done, total| Some(Progress { phase, done, total: Some(total) });
        assert_eq!(progress(b"Counting objects: 50% (1/2)\rEnumerating objects: 4, done.\n"), None);
        assert_eq!(
            progress(b"Writing objects:  20% (1/5)\rWriting objects:  40% (2/5), 1.20 MiB | 1 MiB/s\r"),
            step(Phase::Sending, 2, 5)
        );
        assert_eq!(progress(b"Receiving objects: 100% (5/5), done.\n"), step(Phase::Receiving, 5, 5));
        for odd in
            [&b"Receiving objects: 180% (9/5)\r"[..], b"Receiving objects: 1% (x/5)\r", b"Writing objects:"]
        {
            assert_eq!(progress(odd), None);
        }
    }

    #[test]
    fn progress_is_no_part_of_what_git_says() {
        let said = "Enumerating objects: 5, done.\nWriting objects:  50% (1/2)\rWriting objects: 100% (2/2), done.\n\
                    remote: no refs like that\nfatal: early EOF\n";
        assert_eq!(without_progress(said), "remote: no refs like that\nfatal: early EOF\n");
    }
}
