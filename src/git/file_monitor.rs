//! Git's file system monitor: a program that tells which files changed, so that git need not look at each. It is used where the
//! user has set one up, for what only reads. A restore never believes it.

use std::path::Path;

use git2::ConfigLevel;

use super::Repository;
use super::settings_here::SettingsHere;

/// The setting.
const NAME: &str = "core.fsmonitor";

impl Repository {
    /// Returns the option with which git asks the monitor, if there is one that may be asked: git's own, or a program that the user's
    /// own settings name. One that a repository's settings name is never started.
    pub(super) fn monitor(&self) -> Vec<String> {
        let value = self.settings_here().and_then(|settings| value(&settings));
        value.map_or_else(Vec::new, |value| vec!["-c".to_owned(), format!("{NAME}={value}")])
    }
}

fn value(settings: &SettingsHere) -> Option<String> {
    let value = settings.value(NAME)??;
    if matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1") {
        return Some("true".to_owned());
    }
    let is_users = settings.level(NAME).is_some_and(|level| level != ConfigLevel::Local);
    (is_users && Path::new(&value).is_absolute()).then_some(value)
}
