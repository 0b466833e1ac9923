//! Settings of git, read from their files where that surely gives what git itself would say.
//!
//! Starting git takes longer than most of what is done with the answer. Anything unusual is left to it: settings that come from
//! the environment, files that include others, an unknown place of the system's file, a repository whose own settings are not all
//! obeyed.

use std::fs::File;
use std::io::Read as _;
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

/// Where people put a git that they built or that Homebrew brings: the program, and the file that it takes for the system's unless it
/// was built to take [`SYSTEM_FILE`].
const ELSEWHERE: [(&str, &str); 3] = [
    ("/usr/local/bin/git", "/usr/local/etc/gitconfig"),
    ("/opt/homebrew/Cellar/git/", "/opt/homebrew/etc/gitconfig"),
    ("/home/linuxbrew/.linuxbrew/Cellar/git/", "/home/linuxbrew/.linuxbrew/etc/gitconfig"),
];

/// How a program begins that is no script.
const PROGRAMS: [[u8; 4]; 2] = [*b"\x7fELF", [0xcf, 0xfa, 0xed, 0xfe]];

/// The settings of a repository: one for each place that the system's may be in. What they say must be the same in all.
pub(super) struct SettingsHere(Vec<Config>);

impl Repository {
    /// Reads the settings that hold here; `None` if only git can tell.
    pub(super) fn settings_here(&self) -> Option<SettingsHere> {
        if WITHOUT_FILE.iter().any(|name| environment::has(name)) {
            return None;
        }
        let mut users: Vec<(PathBuf, ConfigLevel)> = Vec::new();
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
        let settings = |system: Option<PathBuf>| {
            let system = system.map(|file| (file, ConfigLevel::System));
            self.settings_behind(&system.into_iter().chain(users.iter().cloned()).collect::<Vec<_>>())
        };
        let all: Option<Vec<SettingsHere>> = self.system_files()?.into_iter().map(settings).collect();
        Some(SettingsHere(all?.into_iter().flat_map(|settings| settings.0).collect()))
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
        Some(SettingsHere(vec![all]))
    }

    /// Returns the files that may be that of the system's settings, or none; `None` if they are not known.
    fn system_files(&self) -> Option<Vec<Option<PathBuf>>> {
        if let Some(file) = environment::variable("GIT_CONFIG_SYSTEM") {
            return Some(vec![Some(PathBuf::from(file))]);
        }
        match environment::variable("GIT_CONFIG_NOSYSTEM") {
            Some(off) if off == "1" => return Some(vec![None]),
            Some(_) => return None,
            None => {}
        }
        let usual = || Some(PathBuf::from(SYSTEM_FILE));
        let program = self.git.program().canonicalize().ok()?;
        if program == Path::new("/usr/bin/git") {
            return OF_SYSTEM.iter().any(|folder| Path::new(folder).is_dir()).then(|| vec![usual()]);
        }
        let (_, own) = ELSEWHERE.iter().find(|(place, _)| {
            program.to_str().is_some_and(|program| {
                program == *place || place.ends_with('/') && program.starts_with(place)
            })
        })?;
        is_no_script(&program).then(|| vec![Some(PathBuf::from(own)), usual()])
    }
}

fn is_no_script(program: &Path) -> bool {
    let mut begin = [0; 4];
    File::open(program).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && PROGRAMS.contains(&begin)
}

impl SettingsHere {
    /// Returns a setting's value (`Some(None)`: it is not set); `None` if it can't be read or told. A name without a value means
    /// "true".
    pub(super) fn value(&self, name: &str) -> Option<Option<String>> {
        let mut values = self.0.iter().map(|settings| value_in(settings, name));
        let first = values.next()??;
        values.all(|other| other.as_ref() == Some(&first)).then_some(first)
    }

    /// Returns whose setting it is that holds; `None` if it is not set.
    pub(super) fn level(&self, name: &str) -> Option<ConfigLevel> {
        Some(self.0.first()?.get_entry(name).ok()?.level())
    }
}

fn value_in(settings: &Config, name: &str) -> Option<Option<String>> {
    match settings.get_entry(name) {
        Ok(entry) if !entry.has_value() => Some(Some("true".to_owned())),
        Ok(entry) => Some(Some(entry.value().ok()?.to_owned())),
        Err(error) if error.code() == git2::ErrorCode::NotFound => Some(None),
        Err(_) => None,
    }
}
