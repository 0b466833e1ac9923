//! Where a demo happens: a temporary folder with a home of its own, and commands that are printed and run there.
//!
//! The folder goes when the stage is closed, when anything fails, and at Ctrl-C. Started programs get the variables that
//! say how to talk to this terminal, and nothing else of the user's.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::screen::Line;
use crate::cli::output::paged::folded;
use crate::cli::output::words::quoted;
use crate::cli::output::{Style, Ui, text};
use crate::cli::program_name::{self, SHORT, in_command};
use crate::cli::restore_flow::current_program;
use crate::sys::files::{ScratchFolder, scratch_folder};
use crate::sys::programs::Programs;
use crate::sys::signals::{self, EndWatch};

/// The variables that reach the started programs: how the terminal is, who sits there, and what time it is.
const LET_THROUGH: [&str; 17] = [
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORFGBG",
    "COLORTERM",
    "COLUMNS",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LINES",
    "LOGNAME",
    "NO_COLOR",
    "TERM",
    "TERM_PROGRAM",
    "TZ",
    "USER",
    "DEVELOPER_DIR",
];

/// A name and an address for commits: the user may have none.
const IDENTITY: [(&str, &str); 4] = [
    ("GIT_AUTHOR_NAME", "Snap Demo"),
    ("GIT_AUTHOR_EMAIL", "demo@example.org"),
    ("GIT_COMMITTER_NAME", "Snap Demo"),
    ("GIT_COMMITTER_EMAIL", "demo@example.org"),
];

/// How the variables begin that say how the client reaches its model, and the names of others.
const FOR_THE_MODEL: [&str; 5] = ["ANTHROPIC_", "CLAUDE_CODE_USE_", "CLAUDE_CODE_SKIP_", "AWS_", "GOOGLE_"];
const ALSO_FOR_THE_MODEL: [&str; 10] = [
    "ALL_PROXY",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLOUD_ML_REGION",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "https_proxy",
    "no_proxy",
];

fn is_for_the_model(name: &str) -> bool {
    FOR_THE_MODEL.iter().any(|start| name.starts_with(start)) || ALSO_FOR_THE_MODEL.contains(&name)
}

/// How often the folder's removal is tried after a signal.
const MOST_TRIES: usize = 50;

/// The folder of the made-up project.
const SHOP: &str = "shop";

/// The script that opens a shell in a demo that stays.
const SHELL: &str = "shell";

/// The place, and whoever watches.
pub(super) struct Stage<'u> {
    scratch: ScratchFolder,
    folder: PathBuf,
    here: PathBuf,
    snap: PathBuf,
    programs: Programs,
    stopped: Arc<AtomicBool>,
    /// Whether a question is open: then nothing else would notice that a signal came.
    asking: Arc<AtomicBool>,
    _watch: EndWatch,
    ui: &'u mut Ui,
}

impl<'u> Stage<'u> {
    /// Makes the folder, which a signal removes unless it is to be kept.
    ///
    /// # Errors
    /// [`Kind::Environment`] if it can't be made, or a program is missing.
    pub(super) fn open(ui: &'u mut Ui, keep: bool) -> Result<Stage<'u>> {
        let scratch = scratch_folder()?;
        // Links on the way would give one place two names.
        let folder = scratch.path().canonicalize().context("find", scratch.path())?;
        let (stopped, asking) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (stop, asks, doomed) = (Arc::clone(&stopped), Arc::clone(&asking), folder.clone());
        let ends_by_itself = move || {
            stop.store(true, Ordering::SeqCst);
            !asks.load(Ordering::SeqCst)
        };
        let _watch = signals::on_end(ends_by_itself, move || {
            // A program that was started may still be writing.
            let is_left = || !keep && fs::remove_dir_all(&doomed).is_err() && doomed.exists();
            let _tries = (0..MOST_TRIES).take_while(|_| is_left()).count();
        })?;
        let snap = current_program()?;
        let programs = Programs::around(&[]);
        let here = folder.join(SHOP);
        let snap_here = snap.clone();
        let stage = Stage { here, scratch, folder, snap, programs, stopped, asking, _watch, ui };
        for part in ["home", "tmp", "bin", SHOP] {
            let part = stage.folder.join(part);
            fs::create_dir(&part).context("create", &part)?;
        }
        let link = stage.folder.join("bin/snap");
        std::os::unix::fs::symlink(&snap_here, &link).context("create", &link)?;
        Ok(stage)
    }

    /// Removes everything, or says how to play with it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub(super) fn close(self, keep: bool) -> Result<()> {
        if !keep {
            self.ui.line("")?;
            let end = "Everything that the demo made is removed again (`snap demo --keep` leaves it).";
            folded(self.ui, &(&*program_name::in_words(end)).into(), 0)?;
            return self.scratch.remove();
        }
        let script = self.folder.join(SHELL);
        self.write_shell(&script)?;
        self.scratch.keep();
        let shown = |path: &Path| quoted(&path.to_string_lossy());
        self.ui.line("")?;
        self.ui.line("Everything stays there. To play with it:")?;
        self.ui.line(&format!("  {}  # a shell in it, with a home of its own", shown(&script)))?;
        for tried in ["snap view", "snap undo", "snap show --talk", "snap doctor", "snap resume --dry-run"] {
            self.ui.line(&format!("  {tried}"))?;
        }
        self.ui.line(&format!("  exit; rm -rf {}  # removes it", shown(&self.folder)))
    }

    /// Returns the folder in which everything is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the made-up project's folder.
    pub(super) fn shop(&self) -> PathBuf {
        self.folder.join(SHOP)
    }

    /// Returns the client's folder.
    pub(super) fn client_folder(&self) -> PathBuf {
        self.folder.join("home/.claude")
    }

    /// Returns where commands are run.
    pub(super) fn here(&self) -> &Path {
        &self.here
    }

    /// Says something: where the commands print, so that both stay in order in a pipe too.
    ///
    /// # Errors
    /// [`Kind::ClosedPipe`] if nobody reads any more.
    pub(super) fn say(&mut self, words: &str) -> Result<()> {
        folded(self.ui, &words.into(), 0)
    }

    /// Says that something was found to be good.
    ///
    /// # Errors
    /// As [`Stage::say`].
    pub(super) fn praises(&mut self, words: &str) -> Result<()> {
        folded(self.ui, &text![Style::Good.of(words)], 0)
    }

    /// Says what comes next.
    ///
    /// # Errors
    /// As [`Stage::say`].
    pub(super) fn chapter(&mut self, title: &str) -> Result<()> {
        self.ui.line("")?;
        folded(self.ui, &text![Style::Strong.of(title)], 0)
    }

    /// Asks a person, if there is one.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the terminal fails.
    pub(super) fn asks(&mut self, question: &str) -> Result<bool> {
        self.asking.store(true, Ordering::SeqCst);
        let agreed = self.ui.is_terminal() && self.ui.ask(question)?;
        self.asking.store(false, Ordering::SeqCst);
        self.check()?;
        Ok(agreed)
    }

    /// Says whether the client is installed.
    pub(super) fn has_client(&self) -> bool {
        self.programs.find("claude").is_some()
    }

    /// Goes to another folder of the demo.
    ///
    /// # Errors
    /// As [`Stage::runs`].
    pub(super) fn enters(&mut self, name: &str) -> Result<()> {
        self.prints(&["cd", &format!("../{name}")])?;
        self.here = self.folder.join(name);
        Ok(())
    }

    /// Prints a command and runs it.
    ///
    /// # Errors
    /// [`Kind::Environment`] if it fails, or if a signal came.
    pub(super) fn runs(&mut self, words: &[&str]) -> Result<()> {
        self.prints(words)?;
        let mut command = self.command(words)?;
        self.finish(words, &mut command)
    }

    /// The same for one that becomes the client, which also gets the variables that say how it reaches its model.
    ///
    /// # Errors
    /// As [`Stage::runs`].
    pub(super) fn becomes_client(&mut self, words: &[&str]) -> Result<()> {
        self.prints(words)?;
        let mut command = self.command(words)?;
        let told = std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_for_the_model));
        let own = self.own_environment();
        command.envs(told.filter(|(name, _)| own.iter().all(|(own, _)| name != own)));
        self.finish(words, &mut command)
    }

    /// Runs a program without a word.
    ///
    /// # Errors
    /// As [`Stage::runs`]; with what it said.
    pub(super) fn quietly(&self, words: &[&str]) -> Result<()> {
        self.output(&self.here, words).map(drop)
    }

    /// Returns what a program prints in a folder.
    ///
    /// # Errors
    /// As [`Stage::quietly`].
    pub(super) fn output(&self, folder: &Path, words: &[&str]) -> Result<Vec<u8>> {
        let mut command = self.command(words)?;
        let output = command.current_dir(folder).stdin(Stdio::null()).output();
        let output = output.map_err(|error| failed(words).because(error))?;
        self.check()?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(failed(words).said(&String::from_utf8_lossy(&output.stderr)))
        }
    }

    fn prints(&mut self, words: &[&str]) -> Result<()> {
        let typed: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        self.ui.line("")?;
        self.ui.line(text![Style::Faint.of("$ "), Style::Strong.of(in_command(&typed.join(" ")))])?;
        self.ui.flush()
    }

    fn finish(&self, words: &[&str], command: &mut Command) -> Result<()> {
        // What a command says stands where it prints.
        let shown = self.ui.shared_output()?;
        let status = command.stderr(shown).status().map_err(|error| failed(words).because(error))?;
        self.check()?;
        if status.success() { Ok(()) } else { Err(failed(words).because(status)) }
    }

    /// Fails if a signal has come.
    fn check(&self) -> Result<()> {
        if self.stopped.load(Ordering::SeqCst) {
            return Err(Error::new(Kind::Interrupted, "Interrupted").because("nothing of yours was changed"));
        }
        Ok(())
    }

    /// Returns a command in an environment of its own.
    fn command(&self, words: &[&str]) -> Result<Command> {
        let (name, arguments) = words.split_first().unwrap_or((&"", &[]));
        let program = match *name {
            "snap" => self.snap.clone(),
            name => self.programs.find(name).ok_or_else(|| {
                Error::new(Kind::Environment, format!("There is no `{name}` on the PATH"))
                    .hint("the demo needs git and the usual tools")
            })?,
        };
        let mut command = Command::new(program);
        if *name == SHORT {
            program_name::pass_on(&mut command);
        }
        command.args(arguments).current_dir(&self.here).env_clear().envs(self.environment());
        Ok(command)
    }

    fn environment(&self) -> Vec<(&'static str, OsString)> {
        let through = LET_THROUGH.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        through.chain(self.own_environment()).collect()
    }

    /// Returns the variables that keep everything in the folder.
    fn own_environment(&self) -> Vec<(&'static str, OsString)> {
        let tmp = self.folder.join("tmp");
        let bin = self.folder.join("bin");
        let path =
            std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&self.programs.path())));
        let mut all: Vec<(&'static str, OsString)> = vec![
            ("PATH", path.unwrap_or_default()),
            ("HOME", self.folder.join("home").into()),
            ("CLAUDE_CONFIG_DIR", self.client_folder().into()),
            ("XDG_CONFIG_HOME", self.folder.join("home/.config").into()),
            ("XDG_STATE_HOME", self.folder.join("home/.local/state").into()),
            ("XDG_CACHE_HOME", self.folder.join("home/.cache").into()),
            ("TMPDIR", tmp.clone().into()),
            ("CLAUDE_CODE_TMPDIR", tmp.into()),
            ("GIT_CONFIG_GLOBAL", self.folder.join("home/.gitconfig").into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_TERMINAL_PROMPT", "0".into()),
            ("GIT_PAGER", "cat".into()),
            ("SNAP_PAGER", "cat".into()),
        ];
        all.extend(IDENTITY.map(|(name, value)| (name, value.into())));
        all
    }

    /// Writes the script that opens a shell in the project.
    fn write_shell(&self, place: &Path) -> Result<()> {
        let mut script = String::from(
            "#!/bin/sh\n# A shell in the demo of snap: nothing in it touches your own settings.\n",
        );
        let of = |value: &OsStr| quoted(&value.to_string_lossy());
        for (name, value) in self.own_environment().iter().filter(|(name, _)| !name.ends_with("PAGER")) {
            script += &format!("export {name}={}\n", of(value));
        }
        script += "unset SNAP_STORE SNAP_CONFIG CLAUDE_CODE_SESSION_ID CLAUDECODE\n";
        script +=
            "unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_COMMON_DIR GIT_NAMESPACE\n";
        script += &format!("cd {} && exec \"${{SHELL:-/bin/sh}}\"\n", of(self.shop().as_os_str()));
        fs::write(place, script).context("write", place)?;
        fs::set_permissions(place, fs::Permissions::from_mode(0o755)).context("write", place)
    }
}

fn failed(words: &[&str]) -> Error {
    let typed: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    Error::new(Kind::Environment, format!("The demo can't go on: `{}` failed", Line(&typed.join(" "))))
}
