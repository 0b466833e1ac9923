//! What the client of a session was started with and is started with again: what holds it back, always; the folders
//! that were added to it, its effort and its style of answers, for the user's own sessions only.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::base::screen::Line;
use crate::client::is_restriction;
use crate::manifest::Session;
use crate::restore::session::SessionPlan;
use crate::workspace::Workspace;

/// The most folders that are added again.
const MOST_FOLDERS: usize = 50;

/// What a session is started with again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionOptions {
    /// The folders that were added and are here.
    pub folders: Vec<PathBuf>,
    /// Those that are not added again.
    pub not_added: Vec<String>,
    /// The options that hold it back.
    pub restrictions: Vec<String>,
    /// The effort.
    pub effort: Option<String>,
    /// Settings of this one launch.
    pub settings: Map<String, Value>,
}

impl SessionOptions {
    /// Looks which of them hold here.
    pub(in crate::restore) fn of(
        workspace: &Workspace,
        session: &Session,
        plan: &SessionPlan,
    ) -> SessionOptions {
        let mut options = SessionOptions {
            restrictions: session.restrictions.iter().filter(|word| is_restriction(word)).cloned().collect(),
            ..SessionOptions::default()
        };
        if let Some((name, list)) = workspace.client.settings_for(&plan.id, &workspace.root) {
            options.settings.insert("env".to_owned(), json!({ name: list }));
        }
        let own = plan.waking.quiet.is_none();
        for folder in session.added_folders.iter().take(MOST_FOLDERS) {
            let here = folder_here(folder.as_path(), plan);
            if own && here.is_dir() {
                options.folders.push(here);
            } else {
                options.not_added.push(Line(&here.to_string_lossy()).to_string());
            }
        }
        if own {
            let plain = |word: &&String| word.bytes().all(|byte| byte.is_ascii_alphanumeric());
            options.effort = session.effort.as_ref().filter(plain).cloned();
            if let Some(style) = &session.output_style {
                options.settings.insert("outputStyle".to_owned(), json!(style));
            }
        }
        options
    }

    /// Returns the words for the client's command line, unless the person's `own` say otherwise.
    pub fn words(&self, own: &[OsString]) -> Vec<String> {
        let says = |name: &str| {
            own.iter().map(|word| word.to_string_lossy()).any(|word| {
                word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            })
        };
        // Each in one word: of several, the last would take what follows for more of the same.
        let folders = self.folders.iter().map(|folder| format!("--add-dir={}", folder.display()));
        let effort =
            self.effort.iter().filter(|_| !says("--effort")).map(|level| format!("--effort={level}"));
        let name = |word: &String| word.split('=').next().unwrap_or_default().to_owned();
        let restrictions = self.restrictions.iter().filter(|word| !says(&name(word))).cloned();
        restrictions.chain(folders).chain(effort).collect()
    }
}

/// Returns where a folder of the old place is in this one.
fn folder_here(folder: &Path, plan: &SessionPlan) -> PathBuf {
    let moved = plan
        .relocation
        .folders()
        .find_map(|(old, new)| Some(Path::new(new).join(folder.strip_prefix(old).ok()?)));
    moved.unwrap_or_else(|| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_types_takes_the_place_of_what_was_saved() {
        let options = SessionOptions {
            folders: vec!["/a b".into()],
            restrictions: vec!["--tools=Read".to_owned(), "--restricted".to_owned()],
            effort: Some("low".to_owned()),
            ..SessionOptions::default()
        };
        let words = |own: &[&str]| options.words(&own.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(words(&[]), ["--tools=Read", "--restricted", "--add-dir=/a b", "--effort=low"]);
        assert_eq!(words(&["--effort", "high", "--tools=Bash"]), ["--restricted", "--add-dir=/a b"]);
    }
}
