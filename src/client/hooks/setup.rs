//! `snap init`: the hooks and the `/snapshot` command, planned as changes of the client's files, then made.
//!
//! Files in a project may come from anybody, so nothing there is read or written through a link. In the
//! client's own folder, links are the user's own.

use std::path::{Path, PathBuf};

use super::settings::{
    CommandOwner, Pace, calls_by_short_name, command_file, command_owner, has_hooks, plugin, with_hooks,
    without_hooks,
};
use crate::base::error::{Error, Kind, Result};
use crate::client::settings_text::value_of;
use crate::sys::files;
use crate::sys::place::{OwnPath, Root};
use crate::sys::users_files;

/// A settings file over this many bytes is none.
const LARGEST: u64 = 16 << 20;

/// What an empty settings file holds, and is removed with.
const EMPTY: &str = "{}\n";

/// Whom the hooks are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// This project.
    Project,
    /// This project, for this user alone.
    Local,
    /// All projects of this user.
    User,
}

impl Scope {
    /// All of them, in the order in which people set them up.
    pub const ALL: [Scope; 3] = [Scope::Project, Scope::Local, Scope::User];

    fn target(self, project: &Path, config_dir: &Path, name: &str) -> Target {
        match self {
            Scope::User => Target::Own(config_dir.join(name)),
            Scope::Project | Scope::Local => {
                Target::InProject(Root::shared(project).at(".claude").join(name))
            }
        }
    }

    fn settings(self, project: &Path, config_dir: &Path) -> Target {
        let name = if self == Scope::Local { "settings.local.json" } else { "settings.json" };
        self.target(project, config_dir, name)
    }

    /// Says whether it has its `/snapshot` command in the same folder.
    fn shares_folder(self, other: Scope) -> bool {
        (self == Scope::User) == (other == Scope::User)
    }
}

/// A settings file that makes the client call `snap`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookPlace {
    /// Whom it is for.
    pub scope: Scope,
    /// Where it is.
    pub path: PathBuf,
    /// Whether it has hooks of ours.
    pub hooks: bool,
    /// Whether one of them calls `snap`, a name that other programs have too.
    pub by_short_name: bool,
    /// The plugin of ours that it switches on.
    pub plugin: Option<String>,
}

/// Returns the settings files that make the client call `snap` in this project; what can't be read makes it do nothing.
pub fn hook_places(project: &Path, config_dir: &Path) -> Vec<HookPlace> {
    let place = |scope: Scope| {
        let target = scope.settings(project, config_dir);
        let text = target.read().ok()??;
        let (hooks, plugin) = (has_hooks(&text), plugin(&text));
        (hooks || plugin.is_some()).then(|| HookPlace {
            scope,
            path: target.path(),
            hooks,
            by_short_name: calls_by_short_name(&text),
            plugin,
        })
    };
    Scope::ALL.into_iter().filter_map(place).collect()
}

/// Returns the files of a project that have hooks of ours, or are our command: below its root.
pub fn files_of_init(project: &Path) -> Vec<PathBuf> {
    let text = |name: &str| Target::InProject(Root::shared(project).at(".claude").join(name)).read().ok()?;
    let settings = ["settings.json", "settings.local.json"].into_iter();
    let settings = settings.filter(|name| text(name).is_some_and(|text| has_hooks(&text)));
    let is_ours = |name: &&str| text(name).is_some_and(|text| command_owner(&text) != CommandOwner::User);
    let all = settings.chain(["commands/snapshot.md"].into_iter().filter(is_ours));
    all.map(|name| Path::new(".claude").join(name)).collect()
}

/// Says whether the text of a settings file has hooks of ours.
pub fn settings_have_hooks(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(has_hooks)
}

/// Why hooks of this project are never called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The settings turn all hooks off.
    TurnedOff,
    /// The settings are no JSON, so the client reads nothing of them.
    Unreadable,
}

/// Returns the settings files that stop hooks.
pub fn hooks_stopped(project: &Path, config_dir: &Path) -> Vec<(PathBuf, Stopped)> {
    let stopped = |scope: Scope| {
        let target = scope.settings(project, config_dir);
        let text = target.read().ok()??;
        let why = match value_of(text.as_bytes()) {
            Some(settings) => (settings["disableAllHooks"] == true).then_some(Stopped::TurnedOff),
            None => Some(Stopped::Unreadable),
        };
        why.map(|why| (target.path(), why))
    };
    Scope::ALL.into_iter().filter_map(stopped).collect()
}

/// The changes that set the hooks up, or take them out again.
pub struct Setup {
    changes: Vec<SettingsChange>,
    /// Removed if they are empty then, inner ones first.
    folders: Vec<Target>,
}

/// One file, as it is and as it shall be.
pub struct SettingsChange {
    target: Target,
    /// Its text; `None` if it is not there.
    pub old: Option<String>,
    /// What it becomes; `None` if it goes.
    pub new: Option<String>,
}

/// A file of the client's.
enum Target {
    Own(PathBuf),
    InProject(OwnPath),
}

impl Setup {
    /// Changes nothing.
    pub fn nothing() -> Setup {
        Setup { changes: Vec::new(), folders: Vec::new() }
    }

    /// Plans the changes. `pace`: how often to save at the end of a turn too.
    ///
    /// # Errors
    /// [`Kind::Refused`] for settings that are no JSON, a command of the user's own, or a link in a project.
    pub fn plan(scope: Scope, project: &Path, config_dir: &Path, pace: Pace) -> Result<Setup> {
        let target = |name: &str| scope.target(project, config_dir, name);
        let changes = [
            settings(scope.settings(project, config_dir), Some(pace))?,
            command(target("commands/snapshot.md"), false)?,
        ];
        let changes = changes.into_iter().filter(|change| change.old != change.new).collect();
        Ok(Setup { changes, folders: Vec::new() })
    }

    /// Plans to remove everything of these scopes again; what another one still needs stays.
    ///
    /// # Errors
    /// As [`Setup::plan`].
    pub fn removal(scopes: &[Scope], project: &Path, config_dir: &Path) -> Result<Setup> {
        let stay = hook_places(project, config_dir);
        let stay: Vec<&HookPlace> =
            stay.iter().filter(|place| place.hooks && !scopes.contains(&place.scope)).collect();
        let (mut changes, mut folders) = (Vec::new(), Vec::new());
        for scope in scopes {
            changes.push(settings(scope.settings(project, config_dir), None)?);
            let is_done = scopes.iter().take_while(|one| *one != scope).any(|one| one.shares_folder(*scope));
            if !is_done && !stay.iter().any(|place| place.scope.shares_folder(*scope)) {
                let target = |name: &str| scope.target(project, config_dir, name);
                changes.push(command(target("commands/snapshot.md"), true)?);
                // Only if they are empty: then nobody misses them.
                folders.extend([target("commands"), target("")]);
            }
        }
        let changes = changes.into_iter().filter(|change| change.old != change.new).collect();
        Ok(Setup { changes, folders })
    }

    /// Returns what changes.
    pub fn changes(&self) -> &[SettingsChange] {
        &self.changes
    }

    /// Makes the changes.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if a file changed meanwhile, and what the disk says.
    pub fn carry_out(&self) -> Result<()> {
        self.changes.iter().try_for_each(SettingsChange::make)?;
        self.folders.iter().for_each(Target::remove_empty);
        Ok(())
    }
}

/// Plans the change of a settings file; without a pace, the hooks go.
fn settings(target: Target, pace: Option<Pace>) -> Result<SettingsChange> {
    let (path, old) = (target.path(), target.read()?);
    let text = old.clone().unwrap_or_else(|| EMPTY.to_owned());
    let new = pace.map_or_else(|| without_hooks(&text), |pace| with_hooks(&text, pace));
    let new = new.map_err(|why| {
        Error::new(Kind::Refused, format!("Cannot change {}", path.display()))
            .because(why)
            .hint("put the file right, then run the command again")
    })?;
    // A file that held nothing but our hooks is one that we made.
    let remove = pace.is_none();
    let keep = old.is_some() || !remove;
    let emptied = remove && new == EMPTY && old.as_deref() != Some(EMPTY);
    Ok(SettingsChange { target, old, new: Some(new).filter(|_| keep && !emptied) })
}

fn command(target: Target, remove: bool) -> Result<SettingsChange> {
    let (path, old) = (target.path(), target.read()?);
    let owner = old.as_deref().map_or(CommandOwner::Us, command_owner);
    let new = match (owner, remove) {
        (CommandOwner::Us, true) => None,
        (CommandOwner::Us, false) => Some(command_file()),
        (CommandOwner::Edited, _) | (CommandOwner::User, true) => old.clone(),
        (CommandOwner::User, false) => {
            return Err(Error::new(Kind::Refused, format!("Cannot replace {}", path.display()))
                .because("it is a command of your own")
                .hint("rename it, then run `snap init` again; nothing was changed"));
        }
    };
    Ok(SettingsChange { target, old, new })
}

impl SettingsChange {
    /// Returns where the file is.
    pub fn path(&self) -> PathBuf {
        self.target.path()
    }

    /// Makes the change, unless the file is no longer what was read.
    fn make(&self) -> Result<()> {
        if self.target.read()? != self.old {
            let path = self.target.path();
            return Err(Error::new(Kind::Conflict, format!("{} changed meanwhile", path.display()))
                .hint("run the command again"));
        }
        match (&self.target, self.new.as_deref().map(str::as_bytes)) {
            (Target::Own(path), Some(new)) => users_files::replace_theirs(path, new),
            (Target::Own(path), None) => files::remove(path),
            (Target::InProject(place), Some(new)) => users_files::replace_there(place, new),
            (Target::InProject(place), None) => place.remove(),
        }
    }
}

impl Target {
    fn path(&self) -> PathBuf {
        match self {
            Target::Own(path) => path.clone(),
            Target::InProject(place) => place.path(),
        }
    }

    /// Reads it; `None` if it is not there.
    fn read(&self) -> Result<Option<String>> {
        let bytes = match self {
            Target::Own(path) => {
                let target = path.canonicalize().unwrap_or_else(|_| path.clone());
                files::read_plain(&target, LARGEST)?
            }
            Target::InProject(place) => {
                place.refuse_special()?;
                place.read(LARGEST)?
            }
        };
        bytes.map(String::from_utf8).transpose().map_err(|error| {
            Error::new(Kind::Refused, format!("Cannot change {}", self.path().display())).because(error)
        })
    }

    /// Removes it if it is an empty folder.
    fn remove_empty(&self) {
        match self {
            Target::Own(path) => drop(std::fs::remove_dir(path)),
            Target::InProject(place) => drop(place.remove_empty()),
        }
    }
}
