//! Which sessions this machine knows, where a transcript is installed, and what gives a session its title.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::base::error::Result;
use crate::base::ids::ClientId;
use crate::client::ClientHome;
use crate::client::shared_files::SCRIPTS;

impl ClientHome {
    /// Says whether anything of a session with this id is on this machine.
    ///
    /// # Errors
    /// [`Kind::Environment`](crate::base::error::Kind::Environment) if the client's folders can't be read.
    pub fn knows(&self, id: &ClientId) -> Result<bool> {
        let mut folders =
            ["tasks", "file-history", SCRIPTS].map(|kind| self.config.join(kind).join(id.as_str())).to_vec();
        folders.push(self.config.join("tasks").join(ClientHome::team_list(id)));
        let beside = crate::client::listing::list(&self.projects())?
            .into_iter()
            .any(|project| project.join(id.as_str()).exists());
        Ok(beside || folders.iter().any(|folder| folder.exists()) || !self.transcripts(id)?.is_empty())
    }

    /// Returns where a session's transcript is installed.
    pub fn transcript_path(&self, cwd: &Path, id: &ClientId) -> PathBuf {
        self.project(cwd).join(format!("{id}.jsonl"))
    }
}

/// Returns the records that give a session its title, as the client itself writes them.
pub fn title_records(id: &ClientId, title: &str) -> String {
    let records = [
        json!({"type": "custom-title", "customTitle": title, "sessionId": id}),
        json!({"type": "agent-name", "agentName": title, "sessionId": id}),
    ];
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// Returns the record that the client writes when a session leaves a work tree of its own making.
pub fn left_tree_record(id: &ClientId) -> String {
    format!("{}\n", json!({"type": "worktree-state", "worktreeSession": null, "sessionId": id}))
}

/// Says whether records are only what the client writes by itself when a session is opened and left again, and titles:
/// nothing was said. `mode` is the permission mode from before.
pub fn says_nothing(records: &[u8], mode: Option<&str>) -> bool {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ClientRecord<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
        uuid: Option<serde::de::IgnoredAny>,
        permission_mode: Option<&'a str>,
        worktree_session: Option<serde::de::IgnoredAny>,
        snapshot: Option<FileHistory>,
    }
    /// Earlier versions of files that a prompt may change.
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct FileHistory {
        tracked_file_backups: std::collections::BTreeMap<String, serde::de::IgnoredAny>,
    }
    records.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).all(|line| {
        let Ok(record) = serde_json::from_slice::<ClientRecord<'_>>(line) else { return false };
        let by_itself = match record.kind {
            "permission-mode" => record.permission_mode == mode,
            // It leaves a work tree of its own, as it does when it is brought back.
            "worktree-state" => record.worktree_session.is_none(),
            // It begins one before a prompt is written; here none was, and it holds no file.
            "file-history-snapshot" => record.snapshot.is_some_and(|one| one.tracked_file_backups.is_empty()),
            "agent-name" | "ai-title" | "atis-latch" | "cost-state" | "custom-title" | "mode"
            | "tools-used" => true,
            _ => false,
        };
        by_itself && record.uuid.is_none()
    })
}

/// Says whether a client of this version finds a session by its id in any project's folder.
pub fn finds_in_any_folder(version: Option<&str>) -> bool {
    let number = |part: &str| part.parse::<u32>().unwrap_or(0);
    let parts = version.map(|version| version.split('.').map(number).collect::<Vec<_>>());
    // Seen: 2.1.149 does not, 2.1.329 does.
    parts.is_some_and(|parts| parts >= vec![2, 1, 329])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_adds_by_itself_says_nothing() {
        let mode =
            |mode: &str| format!(r#"{{"type":"permission-mode","permissionMode":"{mode}","sessionId":"s"}}"#);
        let cost = r#"{"type":"cost-state","sessionId":"s","totalCostUSD":0.1}"#;
        let title = r#"{"type":"custom-title","customTitle":"x","sessionId":"s"}"#;
        let left = r#"{"type":"worktree-state","worktreeSession":null,"sessionId":"s"}"#;
        let begun = r#"{"type":"file-history-snapshot","messageId":"m","snapshot":{"messageId":"m","trackedFileBackups":{},"timestamp":"t"},"isSnapshotUpdate":false}"#;
        let nothing = [cost, title, left, begun, &mode("default")].join("\n");
        assert!(says_nothing(nothing.as_bytes(), Some("default")));
        assert!(!says_nothing(nothing.as_bytes(), Some("plan")));
        for something in [
            r#"{"type":"user","uuid":"u","message":{"content":"go on"}}"#,
            r#"{"type":"queue-operation","operation":"enqueue","content":"then"}"#,
            r#"{"type":"worktree-state","worktreeSession":{"worktreeName":"x"}}"#,
            r#"{"type":"last-prompt","leafUuid":"u"}"#,
            r#"{"type":"file-history-snapshot","snapshot":{"trackedFileBackups":{"a.txt":{"version":1}}}}"#,
            r#"{"type":"cost-state","uuid":"u"}"#,
            r#"{"type":"of-next-month"}"#,
            r#"{"type":"cost-sta"#,
        ] {
            assert!(!says_nothing(format!("{cost}\n{something}\n").as_bytes(), None), "{something}");
        }
    }

    #[test]
    fn only_clients_that_were_seen_to_look_everywhere_do() {
        for (version, finds) in [
            (Some("2.1.329"), true),
            (Some("2.1.332"), true),
            (Some("2.2.0"), true),
            (Some("2.1.149"), false),
            (Some("2.1.33"), false),
            (Some("odd"), false),
            (None, false),
        ] {
            assert_eq!(finds_in_any_folder(version), finds, "{version:?}");
        }
    }

    #[test]
    fn a_title_is_two_records_of_a_line_each() {
        let records = title_records(&ClientId::parse("aaa").expect("an id"), "a \"b\"");
        let lines: Vec<&str> = records.lines().collect();
        assert_eq!(lines[0], r#"{"customTitle":"a \"b\"","sessionId":"aaa","type":"custom-title"}"#);
        assert_eq!((lines.len(), records.ends_with('\n')), (2, true));
    }
}
