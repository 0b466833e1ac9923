//! Other configuration folders of the same user: one for each account, or several that share their transcripts by links.
//!
//! Whoever works with several accounts has a folder for each (`CLAUDE_CONFIG_DIR=~/.claude-work`). What a person means
//! may be in any of them; nothing is taken from one that is not the client's own here unless it is named.

use std::path::{Path, PathBuf};

use super::ClientHome;
use super::listing::list;

/// More folders than this are not looked at.
const MOST: usize = 20;

impl ClientHome {
    /// Returns the same user's client with another configuration folder.
    pub(super) fn at(&self, config: &Path) -> ClientHome {
        ClientHome { config: config.to_owned(), ..self.clone() }
    }

    /// Returns the user's other configuration folders: those beside this one and in the home folder whose names say so.
    pub(super) fn profiles(&self) -> Vec<ClientHome> {
        let real = |folder: &Path| folder.canonicalize().ok();
        let mut seen: Vec<PathBuf> = real(&self.config).into_iter().collect();
        let mut found = Vec::new();
        for above in [self.config.parent(), Some(self.home.as_path())].into_iter().flatten() {
            for folder in list(above).unwrap_or_default() {
                let named = folder.file_name().is_some_and(|name| name.to_string_lossy().contains("claude"));
                if !named || !folder.join("projects").is_dir() || found.len() == MOST {
                    continue;
                }
                if let Some(real) = real(&folder).filter(|real| !seen.contains(real)) {
                    seen.push(real);
                    found.push(self.at(&folder));
                }
            }
        }
        found
    }

    /// Returns those whose transcripts are the same files as here, by a link.
    pub(super) fn profiles_that_share(&self) -> Vec<ClientHome> {
        let Ok(own) = self.projects().canonicalize() else { return Vec::new() };
        let shares = |other: &ClientHome| other.projects().canonicalize().is_ok_and(|theirs| theirs == own);
        self.profiles().into_iter().filter(shares).collect()
    }

    /// Returns the client's folders that a transcript lies in, by its path; these, if that says nothing.
    pub(super) fn of_transcript(&self, transcript: &Path) -> ClientHome {
        let projects = transcript.parent().and_then(Path::parent);
        let Some(projects) =
            projects.filter(|folder| folder.file_name().is_some_and(|name| name == "projects"))
        else {
            return self.clone();
        };
        let same = |one: &Path, other: &Path| {
            one == other
                || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
        };
        match projects.parent() {
            Some(config) if !same(projects, &self.projects()) => self.at(config),
            _ => self.clone(),
        }
    }
}
