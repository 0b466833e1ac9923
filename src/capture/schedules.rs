//! Durable schedules: prompts that the client keeps in a file of the project, which git is told to ignore.
//!
//! The file is an edit like any other if git does not ignore it. Else it is in no snapshot, and what it holds is named.

use serde_json::Value;

use crate::base::paths::RepoPath;
use crate::manifest::Manifest;
use crate::sys::files;
use crate::workspace::Workspace;

/// The client's file.
const FILE: &str = ".claude/scheduled_tasks.json";

/// A file over this many bytes is none of the client's.
const LARGEST: u64 = 4 << 20;

/// The most prompts that are named.
const MOST: usize = 200;

/// Names the prompts of the file, each behind its schedule, unless the snapshot or its base commit has the file.
pub(super) fn left_out(workspace: &Workspace, manifest: &Manifest) -> Vec<String> {
    let Ok(path) = RepoPath::new(FILE.as_bytes()) else { return Vec::new() };
    let Ok(Some(json)) = files::read_plain(&workspace.root.join(FILE), LARGEST) else { return Vec::new() };
    let is_edit = manifest.edited_files().iter().any(|edit| edit.path == path);
    let ignored = manifest
        .around
        .as_ref()
        .is_none_or(|around| around.ignored.as_ref().is_none_or(|ignored| ignored.cover(&path)));
    if is_edit || !ignored {
        return Vec::new();
    }
    let value: Value = serde_json::from_slice(&json).unwrap_or_default();
    let all = value["tasks"].as_array().or(value.as_array()).into_iter().flatten();
    let named = all.filter_map(|one| {
        let schedule = one["cron"].as_str().or(one["schedule"].as_str())?;
        Some(format!("{schedule}  {}  (kept in {FILE})", one["prompt"].as_str()?))
    });
    named.take(MOST).collect()
}
