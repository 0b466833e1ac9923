//! Settings of git, read from their files where that surely gives what git itself would say.
//!
//! Starting git takes longer than most of what is done with the answer. Anything unusual is left to it: settings that come from
//! the environment, files that include others, an unknown place of the system's file, a repository whose own settings are not all
//! obeyed.

use std::path::{Path, PathBuf};

use git2::{Config, ConfigLevel};

use super::Repository;
use crate::sys::environment;
use crate::sys::files::read_plain;

/// The largest file of settings that is looked at, in bytes.
const LARGEST: u64 = 256 << 10;

/// Variables by which settings come without a file.
const WITHOUT_FILE: [&str; 3] = ["GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG"];

/// Where a git that the system brings has its parts, and where it looks for the system's settings.
const OF_SYSTEM: [&str; 2] = ["/usr/lib/git-core", "/usr/libexec/git-core"];
const SYSTEM_FILE: &str = "/etc/gitconfig";

/// The settings of a repository.
pub(super) struct SettingsHere(Config);

impl Repository {
    /// Reads the settings that hold here; `None` if only git can tell.
    pub(super) fn settings_here(&self) -> Option<SettingsHere> {
        if WITHOUT_FILE.iter().any(|name| environment::has(name)) {
            return None;
        }
        let mut users: Vec<(PathBuf, ConfigLevel)> = Vec::new();
        users.extend(self.system_file()?.map(|file| (file, ConfigLevel::System)));
        match environment::variable("GIT_CONFIG_GLOBAL") {
            Some(file) => users.push((PathBuf::from(file), ConfigLevel::Global)),
            None if environment::has("GIT_CONFIG_GLOBAL") => return None,
            None => {
                let home = PathBuf::from(environment::variable("HOME")?);
                let config = environment::variable("XDG_CONFIG_HOME").map(PathBuf::from);
                let config = config.unwrap_or_else(|| home.join(".config"));
                users.push((config.join("git/config"), ConfigLevel::XDG));
                users.push((home.join(".gitconfig"), ConfigLevel::Global));
            }
        }
        self.settings_behind(&users)
    }

    /// Reads the repository's own settings behind those of the user; `None` if only git can tell.
    pub(super) fn settings_behind(&self, users: &[(PathBuf, ConfigLevel)]) -> Option<SettingsHere> {
        if self.git.is_sheltered() {
            return None;
        }
        let own = (self.common_dir.join("config"), ConfigLevel::Local);
        let mut all = Config::new().ok()?;
        for (file, level) in users.iter().chain([&own]) {
            let Some(text) = read_plain(file, LARGEST).ok()? else { continue };
            let text = String::from_utf8_lossy(&text).to_ascii_lowercase();
            // Sections that name other files, and settings that are in one.
            if text.contains("include") || text.contains("worktreeconfig") {
                return None;
            }
            all.add_file(file, *level, false).ok()?;
        }
        Some(SettingsHere(all))
    }

    /// Returns the file of the system's settings (`Some(None)`: there is none); `None` if it is not known.
    fn system_file(&self) -> Option<Option<PathBuf>> {
        if let Some(file) = environment::variable("GIT_CONFIG_SYSTEM") {
            return Some(Some(PathBuf::from(file)));
        }
        match environment::variable("GIT_CONFIG_NOSYSTEM") {
            Some(off) if off == "1" => return Some(None),
            Some(_) => return None,
            None => {}
        }
        let is_systems =
            self.git.program().canonicalize().is_ok_and(|real| real == Path::new("/usr/bin/git"));
        let known = is_systems && OF_SYSTEM.iter().any(|folder| Path::new(folder).is_dir());
        known.then(|| Some(PathBuf::from(SYSTEM_FILE)))
    }
}

impl SettingsHere {
    /// Returns a setting's value (`Some(None)`: it is not set); `None` if it can't be read. A name without a value means "true".
    pub(super) fn value(&self, name: &str) -> Option<Option<String>> {
        match self.0.get_entry(name) {
            Ok(entry) if !entry.has_value() => Some(Some("true".to_owned())),
            Ok(entry) => Some(Some(entry.value().ok()?.to_owned())),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Some(None),
            Err(_) => None,
        }
    }
}
