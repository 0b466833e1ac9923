//! Git's messages about a remote: failures that may pass, progress, passwords in addresses.
//!
//! Works on text only and runs nothing. Git has no codes for these, so its English text is read, which
//! `command.rs` asks it for. A failure that is not known here counts as permanent.

use crate::base::monitor::{Phase, Progress};
use crate::secrets::Scanner;

/// What git says when trying again may help.
const PASSING: [&str; 16] = [
    "temporary failure in name resolution",
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
        let (phase, rest) = of(Phase::Sending, "Writing objects:")
            .or_else(|| of(Phase::Receiving, "Receiving objects:"))
            .or_else(|| of(Phase::Compressing, "Compressing objects:"))?;
        let (counted, rest) = rest.split_once('(')?.1.split_once(')')?;
        let (done, total) = counted.split_once('/')?;
        let (done, total) = (done.parse().ok()?, total.parse().ok()?);
        let bytes = bytes_through(rest).unwrap_or_default();
        (done <= total).then_some(Progress { done, bytes, ..Progress::begun(phase, Some(total)) })
    })
}

/// Reads how much went through from what follows the count: `, 1.20 MiB | 1.00 MiB/s`.
fn bytes_through(rest: &str) -> Option<u64> {
    let (amount, _) = rest.strip_prefix(", ")?.split_once(" | ")?;
    let (number, unit) = amount.split_once(' ')?;
    let power = match unit {
        "bytes" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    // Without the point, which has two digits behind it.
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let (whole, part): (u64, u64) = (whole.parse().ok()?, part.get(..part.len().min(2))?.parse().ok()?);
    let hundredths = whole.checked_mul(100)?.checked_add(part)?;
    hundredths.checked_mul(1 << power).map(|hundredths| hundredths / 100)
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

/// Hides what may be a secret in the addresses of a text: all between `://` and `@` except the user's name, all values of a query,
/// and tokens wherever they are.
pub(super) fn without_password(text: &str) -> String {
    without_tokens(without_passwords_of_words(&without_passwords(text)))
}

/// What an address that is a command begins with; its words can be anything.
const COMMAND: &str = "ext::";

/// Hides passwords in what is no whole address: git names hosts without the scheme, and people forget it.
fn without_passwords_of_words(text: &str) -> String {
    let hidden = |word: &str| {
        let user_and_host = word.rfind('@').map(|at| word.split_at(at));
        let parts = user_and_host.and_then(|(user, host)| Some((user.split_once(':')?, host)));
        match parts.filter(|((user, _), _)| !user.contains(['/', '@']) || user.starts_with("//")) {
            Some(((user, password), host)) if !password.contains("//") => format!("{user}:***{host}"),
            _ => word.to_owned(),
        }
    };
    let text = match text.split_once(COMMAND) {
        Some((before, _)) => format!("{before}{COMMAND}***"),
        None => text.to_owned(),
    };
    text.split_inclusive(char::is_whitespace).map(hidden).collect()
}

/// A token has a part of at least so many letters and digits.
const SHORTEST_TOKEN: usize = 16;

fn without_tokens(text: String) -> String {
    let is_long = |word: &str| word.len() >= SHORTEST_TOKEN;
    if !text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_long) {
        return text;
    }
    let hidden = Scanner::new(Vec::new()).redact_text(text.as_bytes(), &mut |_| Some("***".to_owned()));
    hidden.map_or(text, |hidden| String::from_utf8_lossy(&hidden).into_owned())
}

fn without_passwords(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown += before;
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        // Another address may follow without a blank between.
        let end = after[..end]
            .find("://")
            .map_or(end, |next| after[..next].rfind(['\'', '"', '=', ',']).unwrap_or(end));
        let (address, later) = after.split_at(end);
        shown += &address_without_password(address);
        rest = later;
    }
    shown + rest
}

/// The same for one address, after its `://`.
fn address_without_password(address: &str) -> String {
    let mut end = address.find(['/', '?', '#']).unwrap_or(address.len());
    // A password that should have been coded: what follows the host's colon is no port.
    if let (None, Some((_, port)), Some(host)) =
        (address[..end].find('@'), address[..end].split_once(':'), address.rfind('@'))
        && !address.starts_with('[')
        && !port.bytes().all(|byte| byte.is_ascii_digit())
    {
        end = host + 1;
    }
    let (user, rest) = match address[..end].rfind('@') {
        Some(host) => {
            let user = match address[..host].split_once(':') {
                // GitHub takes a token there, and anything as the password.
                Some((user, password)) if user.len() >= SHORTEST_TOKEN || password == "x-oauth-basic" => {
                    "***:***".to_owned()
                }
                Some((user, _)) => format!("{user}:***"),
                // A lone word can be a token.
                None if address[..host] == *"git" => "git".to_owned(),
                None => "***".to_owned(),
            };
            (user, &address[host..])
        }
        // A blank ends what is read of it, and the host may come behind that.
        None => match address[..end].split_once(':') {
            Some((user, password))
                if !address.starts_with('[') && !password.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                (format!("{user}:***"), &address[end..])
            }
            _ => (String::new(), address),
        },
    };
    let Some(query) = rest.find('?') else { return user + rest };
    let (place, query) = rest.split_at(query + 1);
    let ended = query.trim_end_matches(['/', '\'', '"', ':', ',', '.', ';', ')', '`']);
    let values: Vec<String> = ended
        .split('&')
        .map(|one| one.split_once('=').map_or_else(|| "***".to_owned(), |(name, _)| format!("{name}=***")))
        .collect();
    format!("{user}{place}{}{}", values.join("&"), &query[ended.len()..])
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
            ("https://ada:p'a\"ss@host/x", "https://ada:***@host/x"),
            ("https://ada:p/a?s#s@host/x", "https://ada:***@host/x"),
            ("https://host:8080/a@b", "https://host:8080/a@b"),
            ("https://[::1]:80/a@b", "https://[::1]:80/a@b"),
            ("https://h/x.git?private_token=abc", "https://h/x.git?private_token=***"),
            ("https://a:b@h/x?a=1&token=abc#t=c", "https://a:***@h/x?a=***&token=***"),
            ("https://h/x?abc", "https://h/x?***"),
            ("unable to access 'https://h/x?t=abc/': no", "unable to access 'https://h/x?t=***/': no"),
            ("https://0123456789abcdef0123:x@h/r", "https://***:***@h/r"),
            ("https://short:x-oauth-basic@h/r", "https://***:***@h/r"),
            (
                &format!("https://h/{}/r.git", ["ghp_", "aB3dE5gH7jK9mN1pQ2sT4vW6xY8zA0bC2dE4"].concat()),
                "https://h/***/r.git",
            ),
            (
                "unable to look up bob:pass@127.0.0.1:1 (port 9418)",
                "unable to look up bob:***@127.0.0.1:1 (port 9418)",
            ),
            ("//bob:pass@host/r.git", "//bob:***@host/r.git"),
            ("bob:pass@host:1/r.git", "bob:***@host:1/r.git"),
            ("https://bob:pass @host/r.git", "https://bob:*** @host/r.git"),
            ("ext::sh -c \"x pass\"", "ext::***"),
            ("see https://h/a?b=c, https://h/d", "see https://h/a?b=***, https://h/d"),
            ("url.https://a:b@h.insteadOf=https://c:d@h", "url.https://a:***@h.insteadOf=https://c:***@h"),
        ] {
            assert_eq!(without_password(text), shown);
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for text in [
            "ssh: Could not resolve hostname x: Temporary failure in name resolution",
            "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502",
            "fatal: early EOF",
            "kex_exchange_identification: Connection closed by remote host",
        ] {
            assert!(passing(text).is_some(), "{text}");
        }
        for text in [
            "fatal: unable to access 'https://x/': Could not resolve host: x",
            "ssh: Could not resolve hostname x: Name or service not known",
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
        let step = |phase, done, total| Some(Progress { done, ..Progress::begun(phase, Some(total)) });
        let with = |bytes, step: Option<Progress>| step.map(|step| Progress { bytes, ..step });
        assert_eq!(progress(b"Counting objects: 50% (1/2)\rEnumerating objects: 4, done.\n"), None);
        assert_eq!(
            progress(b"Writing objects:  20% (1/5)\rWriting objects:  40% (2/5), 1.20 MiB | 1 MiB/s\r"),
            with(1_258_291, step(Phase::Sending, 2, 5))
        );
        assert_eq!(
            progress(b"Receiving objects:  50% (1/2), 512 bytes | 512.00 KiB/s\rReceiving objects:  50% (1/2), 2.50 GiB | 9 MiB/s"),
            with(5 << 29, step(Phase::Receiving, 1, 2))
        );
        assert_eq!(progress(b"Receiving objects: 100% (5/5), done.\n"), step(Phase::Receiving, 5, 5));
        assert_eq!(progress(b"Compressing objects:  50% (1/2)\r"), step(Phase::Compressing, 1, 2));
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
