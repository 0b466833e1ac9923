//! The session edge: what the client keeps on disk, read and written.
//!
//! Owns every fact about the client's files. `docs/sessions.md` says in which versions each was seen. The
//! format is not a published contract. So the rule everywhere is: read what is known, keep what is not, and
//! let neither stop the program. The `.key` files beside live sessions are credentials and are never opened.
//! Transcripts are never changed or deleted.

mod branches;
mod files;
mod found_session;
mod helpers;
mod hooks;
mod install;
mod launch_options;
mod listing;
mod live;
mod locate;
mod loose_json;
mod profiles;
mod servers;
mod sessions;
mod settings;
mod settings_text;
mod shared_files;
mod slug;
mod task_list;
mod teams;
pub mod transcript;

use std::path::{Path, PathBuf};

use crate::base::ids::ClientId;
use crate::sys::place::{OwnPath, Root};

pub use branches::head_of_agent;
pub use files::{AgentFiles, Lines, SessionFiles};
pub use found_session::FoundSession;
pub use helpers::is_helper;
pub use hooks::input::{HookInput, ToolInput, shown_beside_the_step, shown_instead_of_asking};
pub use hooks::journal::HookNotes;
pub use hooks::settings::Pace;
pub use hooks::setup::{
    HookPlace, Scope, SettingsChange, Setup, Stopped, files_of_init, hook_places, hooks_stopped,
    settings_have_hooks,
};
pub use install::append::{AddedByItself, AsSaved, PrefixMatch, WriteContent};
pub use install::known::{finds_in_any_folder, left_tree_record, says_nothing, title_records};
pub use install::links::Link;
pub use install::staging::{AsPlaceSaved, Folders, Placed};
pub use launch_options::is_restriction;
pub use live::Live;
pub use locate::glance::SessionWords;
pub use locate::{LocatedSession, Passed, Restored, WantedSession};
pub use loose_json::LooseObject;
pub use servers::{Server, Transport, mark_used};
pub use sessions::ListedSession;
pub use settings::Settings;
pub use shared_files::{is_elsewhere, is_memory, is_script};
pub use slug::slug;
pub use task_list::{TaskChange, TaskList};
pub use transcript::account::{account_told, is_of_account, names_account, without_account};
pub use transcript::spoken::{is_command, was_spoken_to};

/// The variable that makes sessions share one task list.
pub const TASK_LIST: &str = "CLAUDE_CODE_TASK_LIST_ID";

/// What a running client sets for the programs that it starts. A client that gets these takes itself for one of them:
/// with the second, it writes no transcript.
pub const MARKS_OF_A_CLIENT: [&str; 4] =
    ["CLAUDECODE", "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_SESSION_ID", "CLAUDE_CODE_ENTRYPOINT"];

/// What else it sets (2.1.332), which says something of that client to nobody but its own programs.
pub const WORDS_OF_A_CLIENT: [&str; 7] = [
    "AI_AGENT",
    "CLAUDE_CODE_CHILD_NOTES_DIR",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_MESSAGING_SOCKET",
    "CLAUDE_CODE_MESSAGING_TOKEN",
    "CLAUDE_CODE_SESSION_ATTENDED",
    "CLAUDE_PID",
];

/// The client's configuration folder: `$CLAUDE_CONFIG_DIR`, by default `~/.claude`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHome {
    config: PathBuf,
    home: PathBuf,
    /// The task list that all sessions share, by `CLAUDE_CODE_TASK_LIST_ID`.
    task_list: Option<ClientId>,
    /// The name of every project's folder, by `CLAUDE_CODE_PROJECT_DIR_NAME`.
    project_folder: Option<String>,
}

impl ClientHome {
    /// Makes it from the two folders, neither of which needs to exist, and the shared task list's name.
    pub fn new(config: &Path, home: &Path, task_list: Option<ClientId>) -> ClientHome {
        let (config, home) = (config.to_owned(), home.to_owned());
        ClientHome { config, home, task_list, project_folder: None }
    }

    /// The same, with a project's folder of this name, whatever the project is; what is no name counts as none.
    #[must_use]
    pub fn with_project_folder(self, name: Option<String>) -> ClientHome {
        ClientHome { project_folder: name.filter(|name| is_project_folder(name)), ..self }
    }

    /// The same, with the folder that a transcript lies in as the project's; `None` if that is none of the client's.
    pub fn with_folder_of(&self, transcript: &Path) -> Option<ClientHome> {
        let folder = transcript.parent()?;
        let name = folder.file_name()?.to_str()?.to_owned();
        let is_own = folder.parent() == Some(&self.projects());
        is_own.then(|| ClientHome { project_folder: Some(name), ..self.clone() })
    }

    /// Returns the name of the task list that a session has while teams of agents are on (an experiment of the
    /// client's): of the session's id, only the first eight characters.
    fn team_list(id: &ClientId) -> String {
        format!("session-{}", id.as_str().get(..8).unwrap_or(id.as_str()))
    }

    /// Returns the variables that a client needs to find what was installed for a session.
    pub fn environment_for(&self, id: &ClientId) -> Option<(&'static str, String)> {
        // Restored tasks are the session's own: the shared list here is not touched.
        self.task_list.as_ref().map(|_| (TASK_LIST, id.to_string()))
    }

    /// Returns the same as settings of one launch, where the settings for the project at `root` name a list: these win
    /// over the variables that a client is started with.
    pub fn settings_for(&self, id: &ClientId, root: &Path) -> Option<(&'static str, String)> {
        self.tasks_in_settings(root).map(|_| (TASK_LIST, id.to_string()))
    }

    /// Returns the configuration folder.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Returns our own folder in it.
    fn own_folder(&self) -> OwnPath {
        Root::own(&self.config).at("snap")
    }

    /// Returns the user's home folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Returns the folder with one folder per project.
    fn projects(&self) -> PathBuf {
        self.config.join("projects")
    }

    /// Returns the folder that holds the transcripts of sessions started in `cwd`.
    pub fn project(&self, cwd: &Path) -> PathBuf {
        match &self.project_folder {
            Some(name) => self.projects().join(name),
            None => self.projects().join(slug(&cwd.to_string_lossy())),
        }
    }
}

/// Says whether the client takes a name for a project's folder (2.1.329 and 2.1.332); if not, the slug stays.
fn is_project_folder(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let lower = name.to_ascii_lowercase();
    let device = match lower.as_bytes() {
        [kind @ .., number] if number.is_ascii_digit() => matches!(kind, b"com" | b"lpt"),
        _ => matches!(lower.as_str(), "con" | "prn" | "aux" | "nul"),
    };
    (1..=64).contains(&name.len()) && name.bytes().all(plain) && !device
}

/// Returns the folder that holds `.git` and the given one: the work tree it belongs to.
///
/// Outside any repository, the folder itself. Used to distinguish the work trees of one repository if
/// one is inside another.
fn work_tree_of(folder: &Path) -> &Path {
    folder.ancestors().find(|above| above.join(".git").exists()).unwrap_or(folder)
}

/// Says whether a session that works in `cwd` belongs to the work tree at `root`.
fn belongs(cwd: &Path, root: &Path) -> bool {
    if !cwd.starts_with(root) {
        return false;
    }
    let tree = work_tree_of(cwd);
    // Outside git every folder is its own tree, and a session in a subfolder still counts.
    tree == root || !tree.starts_with(root) || !tree.join(".git").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_folder_has_a_name_that_the_client_takes() {
        for name in ["my-project", "-home-x", "_x", "a--", "clock", "conin", "lpt", "com10", &"a".repeat(64)]
        {
            assert!(is_project_folder(name), "{name}");
        }
        for name in ["", ".", "..", "a.b", "a b", "x/y", "é", "con", "NUL", "com1", "LPT9", &"a".repeat(65)]
        {
            assert!(!is_project_folder(name), "{name}");
        }
    }
}
