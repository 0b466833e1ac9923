//! What in a conversation identifies the account of whoever had it: left out of every snapshot, and named.
//!
//! Pure. A session that was steered from elsewhere records which account and organisation it belongs to, and the remote
//! session that it answers to; who gets such a record could only misuse it, and the client would connect to it again.
//! The kinds and fields are those that the client writes (2.1.149 to 2.1.332).

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::client::transcript::record::{Fields, MarkFinder};

/// Records about nothing else.
const RECORDS: [&str; 3] = ["bridge-session", "hybrid-organization", "session-owner"];

/// Fields, of a record or of what is attached to it.
const FIELDS: [&str; 9] = [
    "account",
    "accountUuid",
    "bridgeSessionId",
    "organizationUuid",
    "ownerAccountUuid",
    "ownerOrganizationUuid",
    "remoteSessionId",
    "remoteSessionUrl",
    "sessionGroupingId",
];

/// What a line has to hold for any of these, in the client's own spelling.
static MARKS: LazyLock<MarkFinder> = LazyLock::new(|| {
    MarkFinder::of(&[
        "bridge",
        "session-owner",
        "hybrid-organization",
        "credential_org",
        "ccountUuid",
        "rganizationUuid",
        "emoteSession",
        "remote_session_change",
        "sessionGroupingId",
        "\"account\"",
    ])
});

/// Files beside a transcript that are about nothing else: remote sessions that it started.
const PLACES: [&str; 2] = ["session/remote-agents/", "session/mcp-tasks/"];

/// An attachment that says nothing, and that every client passes over; the records around it stay joined by it.
pub(in crate::client) const AT_REST: &str = r#"{"type":"command_permissions","allowedTools":[]}"#;

/// Says whether a side file is about an account alone.
pub fn is_of_account(place: &str) -> bool {
    PLACES.iter().any(|folder| place.starts_with(folder))
}

/// Returns one line without what identifies an account; `None` if nothing is left of it.
pub fn without_account(line: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !MARKS.any(line) {
        return Some(Cow::Borrowed(line));
    }
    let Some(mut record) = Fields::read(line.trim_ascii_end()) else { return Some(Cow::Borrowed(line)) };
    if record.text("type").is_some_and(|kind| RECORDS.contains(&kind.as_str())) {
        return None;
    }
    if !strip(&mut record) {
        return Some(Cow::Borrowed(line));
    }
    let mut text = record.write().into_bytes();
    text.extend(line.ends_with(b"\n").then_some(b'\n'));
    Some(Cow::Owned(text))
}

/// Says whether a line identifies an account.
pub fn names_account(line: &[u8]) -> bool {
    !matches!(without_account(line), Some(Cow::Borrowed(_)))
}

/// Takes the fields out of a record; says whether any was there.
pub(in crate::client) fn strip(record: &mut Fields<'_>) -> bool {
    let mut any = false;
    for field in FIELDS {
        any |= record.remove(field);
    }
    if record.text("subtype").as_deref() == Some("bridge_status") {
        any |= record.remove("url");
        let said = record.text("content").is_some_and(|said| !said.is_empty());
        if said {
            record.set("content", "\"\"".to_owned());
        }
        any |= said;
    }
    let Some(mut attachment) = record.object("attachment") else { return any };
    if attachment.text("type").as_deref() == Some("credential_org") {
        drop(attachment);
        record.set("attachment", AT_REST.to_owned());
        return true;
    }
    let mut inside = false;
    for field in FIELDS {
        inside |= attachment.remove(field);
    }
    if attachment.text("type").as_deref() == Some("remote_session_change")
        && attachment.text("url").is_some_and(|url| !url.is_empty())
    {
        attachment.set("url", "null".to_owned());
        inside = true;
    }
    if inside {
        let text = attachment.write();
        record.set("attachment", text);
    }
    any || inside
}

/// Says in words what was left out: so many records, with something of an account in them.
pub fn account_told(records: u64, files: usize) -> Vec<String> {
    let mut told = Vec::new();
    if records > 0 {
        told.push(format!("{records} of the conversation's records (remote control, account, organisation)"));
    }
    if files > 0 {
        told.push(format!("{files} files about remote sessions"));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(line: &str) -> String {
        match without_account(line.as_bytes()) {
            Some(Cow::Borrowed(_)) => "all".to_owned(),
            Some(Cow::Owned(text)) => String::from_utf8(text).expect("text"),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn what_identifies_an_account_goes_and_all_else_stays() {
        for (line, wanted) in [
            (
                r#"{"type":"bridge-session","sessionId":"s","bridgeSessionId":"b","ownerAccountUuid":"a"}"#,
                "nothing",
            ),
            (r#"{"type":"session-owner","accountUuid":"a","sessionId":"s"}"#, "nothing"),
            (r#"{"type":"hybrid-organization","organizationUuid":"o"}"#, "nothing"),
            (
                r#"{"type":"user","uuid":"u","organizationUuid":"o","message":{"content":"x"}}"#,
                r#"{"type":"user","uuid":"u","message":{"content":"x"}}"#,
            ),
            (
                r#"{"type":"memory-mode","account":"a@b","mode":"on"}"#,
                r#"{"type":"memory-mode","mode":"on"}"#,
            ),
            (
                r#"{"type":"system","subtype":"bridge_status","content":"at https://example.com/code/session_1","url":"https://example.com","uuid":"u"}"#,
                r#"{"type":"system","subtype":"bridge_status","content":"","uuid":"u"}"#,
            ),
            (
                r#"{"type":"attachment","uuid":"u","attachment":{"type":"credential_org","organizationUuid":"o"}}"#,
                r#"{"type":"attachment","uuid":"u","attachment":{"type":"command_permissions","allowedTools":[]}}"#,
            ),
            (
                r#"{"type":"user","message":{"content":"we build a bridge-session, account and organizationUuid"}}"#,
                "all",
            ),
            (r#"{"type":"user","toolUseResult":{"accountUuid":"in a file of the project"}}"#, "all"),
            ("no JSON, but bridge", "all"),
        ] {
            assert_eq!(left(line), wanted, "{line}");
        }
        assert!(is_of_account("session/remote-agents/remote-agent-1.meta.json"));
        assert!(!is_of_account("session/tool-results/x.txt"));
    }
}
