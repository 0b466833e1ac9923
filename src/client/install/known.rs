//! Which sessions this machine knows, where a transcript is installed, and what gives a session its title.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::base::error::Result;
use crate::base::ids::ClientId;
use crate::client::ClientHome;

impl ClientHome {
    /// Says whether anything of a session with this id is on this machine.
    ///
    /// # Errors
    /// [`Kind::Environment`](crate::base::error::Kind::Environment) if the client's folders can't be read.
    pub fn knows(&self, id: &ClientId) -> Result<bool> {
        let mut folders =
            ["tasks", "file-history"].map(|kind| self.config.join(kind).join(id.as_str())).to_vec();
        folders.push(self.config.join("tasks").join(ClientHome::team_list(id)));
        let beside = crate::client::files::list(&self.projects())?
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_two_records_of_a_line_each() {
        let records = title_records(&ClientId::parse("aaa").expect("an id"), "a \"b\"");
        let lines: Vec<&str> = records.lines().collect();
        assert_eq!(lines[0], r#"{"customTitle":"a \"b\"","sessionId":"aaa","type":"custom-title"}"#);
        assert_eq!((lines.len(), records.ends_with('\n')), (2, true));
    }
}
