//! Where and as whom the program runs: folders, user, moment.
//!
//! Owns the `directories` crate. It is read once at the start. Everything below takes it as an argument, so
//! a test can replace any part of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::ids::ClientId;
use crate::base::timestamp::Timestamp;
use crate::settings::Settings;
use crate::sys::{environment, files, process, programs};

/// The variable that names another file of settings.
const SETTINGS: &str = "SNAP_CONFIG";

/// A file of settings over this many bytes is none.
const LARGEST_SETTINGS: u64 = 1 << 20;

/// The surroundings of one run.
#[derive(Clone, Debug)]
pub struct Context {
    /// The folder to work in, links resolved.
    pub cwd: PathBuf,
    /// The user's home folder.
    pub home: PathBuf,
    /// The client's configuration folder.
    pub config_dir: PathBuf,
    /// The user's own folder for what `snap` keeps outside projects.
    pub state: PathBuf,
    /// The store, if it was named.
    pub store: Option<PathBuf>,
    /// The session named by the environment.
    pub session: Option<String>,
    /// The task list named by the environment, if it is not the session's own.
    pub task_list: Option<ClientId>,
    /// The name that every project's folder of transcripts has, if the environment says so.
    pub project_folder: Option<String>,
    /// Whether a client started this program.
    pub inside_client: bool,
    /// The login name.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// The moment the program started.
    pub now: Timestamp,
    /// How often to try to reach a remote, if somebody said so.
    pub tries: Option<u32>,
    /// How long to wait before the second try, if somebody said so.
    pub first_wait: Option<Duration>,
    /// How long a look at a space may take, if somebody said so.
    pub look_limit: Option<Duration>,
    /// The variables of the environment, as far as they are text.
    pub variables: Variables,
    /// The user's settings.
    pub settings: Settings,
    /// The file that they are in, if it were there.
    pub settings_file: PathBuf,
    /// Why that file can't be used; then the settings are the usual ones.
    pub settings_wrong: Option<Error>,
}

/// Variables with their values, which are never shown.
#[derive(Clone)]
pub struct Variables(pub Vec<(String, String)>);

impl std::fmt::Debug for Variables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} variables", self.0.len())
    }
}

impl Context {
    /// Reads the environment; `folder` and `store` are what the command line says.
    ///
    /// # Errors
    /// [`Kind::Usage`] if the folder is not there, [`Kind::Environment`] if there is no
    /// home folder.
    pub fn from_environment(folder: Option<&Path>, store: Option<PathBuf>) -> Result<Context> {
        let variable = environment::variable;
        let text = |name: &str| variable(name).and_then(|value| value.into_string().ok());
        let here = folder.unwrap_or(Path::new("."));
        let cwd = here.canonicalize().map_err(|error| {
            let cannot = cannot_work_in(Kind::Usage, here, &error);
            match folder {
                Some(_) => cannot,
                None => cannot.hint(where_to_go(environment::folder_of_the_shell())),
            }
        })?;
        refuse_file(Kind::Usage, here, &cwd)?;
        let (home, state) = match directories::BaseDirs::new() {
            // Not every system has a place for state.
            Some(folders) => {
                let state = folders.state_dir().unwrap_or(folders.data_local_dir());
                (folders.home_dir().to_owned(), state.join("snap"))
            }
            None => {
                return Err(Error::new(Kind::Environment, "There is no home folder")
                    .because("HOME is not set")
                    .hint("set HOME to your home folder"));
            }
        };
        let config_dir = match variable("CLAUDE_CONFIG_DIR").map(PathBuf::from) {
            Some(folder) => std::path::absolute(&folder).context("find", &folder)?,
            None => home.join(".claude"),
        };
        programs::work_in(&cwd);
        let settings_file = match variable(SETTINGS).map(PathBuf::from) {
            Some(file) => std::path::absolute(&file).context("find", &file)?,
            None => settings_file()?,
        };
        let read = read_settings(&settings_file, &home, &cwd, variable(SETTINGS).is_some());
        let (settings, settings_wrong) = match read {
            Ok(settings) => (settings, None),
            Err(error) => (Settings::default(), Some(error)),
        };
        let store = match store {
            Some(folder) => Some(std::path::absolute(&folder).context("find", &folder)?),
            None => None,
        };
        Ok(Context {
            cwd,
            home,
            config_dir,
            state,
            store,
            session: text("CLAUDE_CODE_SESSION_ID"),
            task_list: text("CLAUDE_CODE_TASK_LIST_ID").and_then(|id| ClientId::parse(&id)),
            project_folder: text("CLAUDE_CODE_PROJECT_DIR_NAME"),
            inside_client: variable("CLAUDECODE").is_some(),
            user: text("USER").or_else(|| text("LOGNAME")).unwrap_or_else(process::user_name),
            host: process::host_name(),
            now: Timestamp::now(),
            variables: Variables(environment::texts()),
            settings,
            settings_file,
            settings_wrong,
            tries: environment::number("SNAP_RETRY_TIMES"),
            first_wait: environment::number("SNAP_RETRY_MILLISECONDS").map(Duration::from_millis),
            look_limit: environment::number("SNAP_LOOK_SECONDS").map(Duration::from_secs),
        })
    }

    /// Returns the present moment, for what goes on for long; everything else goes by the moment at which the program started.
    pub fn moment(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Returns the same surroundings with another folder to work in.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if the folder is not there.
    pub fn at(&self, folder: &Path) -> Result<Context> {
        let cwd = self
            .cwd
            .join(folder)
            .canonicalize()
            .map_err(|error| cannot_work_in(Kind::NotFound, folder, &error))?;
        refuse_file(Kind::NotFound, folder, &cwd)?;
        Ok(Context { cwd, ..self.clone() })
    }
}

/// Refuses to work in a file.
fn refuse_file(kind: Kind, named: &Path, found: &Path) -> Result<()> {
    if !found.is_file() {
        return Ok(());
    }
    let error = Error::new(kind, format!("Cannot work in {}", named.display()));
    Err(error.because("it is a file, not a folder").hint("name the folder of a project"))
}

fn cannot_work_in(kind: Kind, folder: &Path, error: &std::io::Error) -> Error {
    let cannot = Error::new(kind, format!("Cannot work in {}", folder.display()));
    if error.kind() == std::io::ErrorKind::NotFound {
        cannot.because("there is no such folder")
    } else {
        cannot.because(error)
    }
}

/// Says what to do in a folder that is gone; `shell` is where the shell says that it is.
fn where_to_go(shell: Option<PathBuf>) -> String {
    let there = shell.as_deref().and_then(|shell| shell.ancestors().find(|folder| folder.is_dir()));
    let is_project = |folder: &&Path| folder.join(".git").exists() || folder.join(".claude").is_dir();
    match there.and_then(|there| there.ancestors().find(is_project)) {
        Some(root) => {
            let root = format!("{:?}", root.to_string_lossy());
            format!(
                "the folder you are in was removed: `cd {root}`, or name the project, as in `snap -C {root} undo`"
            )
        }
        None => "the folder you are in was removed: go to another one first".to_owned(),
    }
}

/// Returns where the user's settings are.
fn settings_file() -> Result<PathBuf> {
    let folders = directories::BaseDirs::new();
    let folder = folders.map(|folders| folders.config_dir().join("snap"));
    folder
        .map(|folder| folder.join("snap.toml"))
        .ok_or_else(|| Error::new(Kind::Environment, "There is no home folder").because("HOME is not set"))
}

/// Reads the user's settings. A project's own settings can name a file of the project in a variable: nothing of a project
/// is obeyed.
fn read_settings(file: &Path, home: &Path, cwd: &Path, named: bool) -> Result<Settings> {
    let wrong = |why: &str| {
        Error::new(Kind::Usage, format!("Cannot use the settings in {}", file.display())).because(why)
    };
    // It may be a link to where somebody keeps all such files.
    let Ok(real) = file.canonicalize() else {
        return if named { Err(wrong("there is no such file")) } else { Ok(Settings::default()) };
    };
    let project = cwd.ancestors().find(|folder| folder.join(".git").exists());
    let usual = home.join(".config/snap/snap.toml");
    if project.is_some_and(|project| real.starts_with(project) || file.starts_with(project)) && file != usual
    {
        return Err(wrong("it is in the project, and settings are the user's own"));
    }
    let text = files::read_plain(&real, LARGEST_SETTINGS)?.unwrap_or_default();
    let text = String::from_utf8(text).map_err(|_| wrong("it is not text"))?;
    Settings::parse(&text).map_err(|all| {
        let lines = all.iter().map(|one| format!("{}:{}: {}", file.display(), one.line, one.what));
        Error::new(Kind::Usage, "Cannot use the settings")
            .list(lines)
            .hint("correct that file: until then, only `snap config` and help work")
    })
}
