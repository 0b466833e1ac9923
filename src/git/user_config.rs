//! The user's own git configuration: `~/.gitconfig`, the XDG one and the system's.
//!
//! For settings that decide who is trusted. The configuration of a repository is never read here: whoever
//! wrote the repository may have written it too.

use std::path::PathBuf;

/// Returns a setting of the user or the system.
pub fn user_setting(name: &str) -> Option<String> {
    git2::Config::open_default().ok()?.get_string(name).ok()
}

/// Says whether a setting of the user or the system is on.
pub fn user_switch(name: &str) -> bool {
    git2::Config::open_default().and_then(|config| config.get_bool(name)).unwrap_or(false)
}

/// Returns a setting that is a path, `~` resolved.
pub fn user_path(name: &str) -> Option<PathBuf> {
    git2::Config::open_default().ok()?.get_path(name).ok()
}
