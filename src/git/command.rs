//! Runs the `git` program, in repositories that somebody else may have written.
//!
//! Every invocation is made here. The program is looked up on the entries of `PATH` that are not part of the
//! project, and gets only those. Every `GIT_*` variable is dropped except the user's own configuration (git
//! itself exports them to hooks, and they override the folder). Optional locks, prompts, hooks, monitors and
//! pagers are off. Of the repository's own configuration, git sees only what [`super::config`] allows; if
//! that is not all of it, git gets a [`StandIn`]. A command that is not meant to reach a remote can't: it is
//! allowed no transport.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use tracing::field::Empty;

use super::config::{self, Verdict};
use crate::base::error::{Error, Kind, Result};
use crate::git::objects_aside::ObjectsAside;
use crate::git::remote_messages::without_password;
use crate::git::stand_in::StandIn;
use crate::sys::programs::Programs;
use crate::sys::{environment, process};

/// The `git` program, working in one folder.
#[derive(Clone)]
pub(super) struct Git {
    program: PathBuf,
    path: OsString,
    folder: PathBuf,
    shelter: Option<Arc<Shelter>>,
    /// Where new objects are written, if not into the repository.
    pub(super) objects: Option<Arc<ObjectsAside>>,
}

/// Settings that git gets instead of reading a repository whose configuration is not the user's own.
struct Shelter {
    stand_in: StandIn,
    root: PathBuf,
    git_dir: PathBuf,
    filters: BTreeSet<String>,
    drivers: BTreeSet<String>,
    own_lfs: bool,
}

/// Options for every run. They come last, so nothing in a file overrides them.
const ALWAYS: [&str; 7] = [
    "--no-pager",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "submodule.recurse=false",
];

/// What git says of an index that is to be sparse and split at once.
const SPARSE_AND_SPLIT: [&str; 2] = ["exceeds base index size", "cannot use split index with a sparse index"];

/// After this a git takes long.
const LONG: Duration = Duration::from_secs(3);

/// How long a git that is asked to end may take for that.
const TIDYING: Duration = Duration::from_secs(2);

/// The name of a transport that does not exist. With it, git reaches no remote, whatever it tries.
const NO_TRANSPORT: &str = "none";

/// Variables that git sets for hooks, or that say which repository to work in and as whom. All other
/// variables that begin with `GIT_` are part of how the user reaches remotes. They are passed on to
/// commands that do.
const OF_A_REPOSITORY: [&str; 24] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_CONFIG",
    "GIT_TEMPLATE_DIR",
    "GIT_DEFAULT_HASH",
    "GIT_DEFAULT_REF_FORMAT",
    "GIT_CEILING_DIRECTORIES",
    "GIT_PUSH_OPTION_COUNT",
    "GIT_LITERAL_PATHSPECS",
    "GIT_EXTERNAL_DIFF",
    "GIT_EDITOR",
    "GIT_PAGER",
];

/// Where the user's own configuration is, and settings that a job makes without a file: a job that
/// can't write to HOME says there which folders are safe. Git exports none of these to hooks.
const OF_THE_USER: [&str; 6] = [
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_VALUE_",
];

/// What a run of git gave.
pub(super) struct GitOutput {
    pub(super) ok: bool,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
    /// That it was ended because it took as long as this.
    pub(super) late: Option<Duration>,
}

/// Why a git was ended that did not end by itself.
enum Stuck {
    /// It waited for a pipe.
    At(PathBuf),
    /// It took as long as this.
    Late(Duration),
}

impl GitOutput {
    pub(super) fn lines(&self) -> Vec<&[u8]> {
        let text = self.stdout.strip_suffix(b"\n").unwrap_or(&self.stdout);
        text.split(|byte| *byte == b'\n').collect()
    }
}

impl Git {
    /// Finds the program; `None` if there is none.
    pub(super) fn find(folder: &Path) -> Option<Git> {
        let programs = Programs::around(&[folder]);
        let program = programs.find("git")?;
        Some(Git { program, path: programs.path(), folder: folder.to_owned(), shelter: None, objects: None })
    }

    /// Returns where the program is.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Returns the same program, which writes objects elsewhere.
    pub(super) fn with_objects_in(&self, aside: Arc<ObjectsAside>) -> Git {
        Git { objects: Some(aside), ..self.clone() }
    }

    /// Returns the same program, working in another folder.
    pub(super) fn at(&self, folder: &Path) -> Git {
        Git { folder: folder.to_owned(), ..self.clone() }
    }

    /// Returns the same program, working in the whole of a repository. It sees as much of the
    /// repository's own configuration as is allowed.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub(super) fn sheltered(&self, root: &Path, git_dir: &Path, common_dir: &Path) -> Result<Git> {
        let shelter = match config::judge(|| self.settings(), root, git_dir, common_dir)? {
            Verdict::Data | Verdict::Trusted => None,
            Verdict::Sieved(sieved) => Some(Arc::new(Shelter {
                stand_in: StandIn::make(common_dir, &sieved.text)?,
                root: root.to_owned(),
                git_dir: git_dir.to_owned(),
                filters: sieved.filters,
                drivers: sieved.drivers,
                own_lfs: sieved.own_lfs,
            })),
        };
        Ok(Git { shelter, ..self.at(root) })
    }

    /// Lists all settings, with their scopes. This starts nothing, whatever they are.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub(super) fn settings(&self) -> Result<Vec<u8>> {
        Ok(self.demand(&["config", "--list", "--includes", "--show-scope", "-z"])?.stdout)
    }

    /// Returns the same program, which sees all of the repository's own configuration. This is for
    /// commands that start no program but hooks, whatever that configuration says, and that work on the
    /// repository's own folders. (`config`, `remote get-url`, `rev-parse`, `update-ref`,
    /// `worktree list`)
    pub(super) fn unsheltered(&self) -> Git {
        Git { shelter: None, ..self.clone() }
    }

    /// Says whether it sees only a part of the repository's own configuration, through a stand-in.
    pub(super) fn is_sheltered(&self) -> bool {
        self.shelter.is_some()
    }

    /// Returns the content filters that are not run here: only the repository's own configuration has them.
    pub(super) fn filters_left_out(&self) -> &BTreeSet<String> {
        const NONE: &BTreeSet<String> = &BTreeSet::new();
        self.shelter.as_ref().map_or(NONE, |shelter| &shelter.filters)
    }

    /// Returns options with which git-lfs asks no server, if only the repository's own configuration
    /// defines its filter: nobody has agreed to that. Objects that are here already are found.
    fn options_of_lfs(&self) -> &'static [&'static str] {
        let own = self.shelter.as_ref().is_some_and(|shelter| shelter.own_lfs);
        if own { &["-c", "lfs.url=file:///dev/null"] } else { &[] }
    }

    /// The same for merge drivers.
    pub(super) fn drivers_left_out(&self) -> &BTreeSet<String> {
        const NONE: &BTreeSet<String> = &BTreeSet::new();
        self.shelter.as_ref().map_or(NONE, |shelter| &shelter.drivers)
    }

    /// Returns a command that is safe to run, to be completed by the caller.
    pub(super) fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        for name in environment::names() {
            let name_bytes = name.as_bytes();
            let of_user = OF_THE_USER.iter().any(|own| name_bytes.starts_with(own.as_bytes()));
            if name_bytes.starts_with(b"GIT_") && !of_user {
                command.env_remove(name);
            }
        }
        self.shelter(&mut command);
        command
            .arg("-C")
            .arg(&self.folder)
            .arg("--no-optional-locks")
            .args(ALWAYS)
            .args(self.options_of_lfs())
            .args(arguments)
            .env("GIT_ALLOW_PROTOCOL", NO_TRANSPORT)
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_LITERAL_PATHSPECS", "1");
        command.envs(self.objects.iter().flat_map(|aside| aside.environment()));
        command
    }

    /// Returns a command that works in the repository `git_dir` and reaches remotes the
    /// way the user's own git does: with their environment, credentials and proxies, and
    /// asking on the terminal if somebody is there. Hooks stay off.
    pub(super) fn command_for_remotes(&self, git_dir: &Path, interactive: bool) -> Command {
        let mut command = Command::new(&self.program);
        for name in OF_A_REPOSITORY {
            command.env_remove(name);
        }
        self.shelter(&mut command);
        command.arg("-C").arg(&self.folder).arg("--git-dir").arg(git_dir).args(ALWAYS);
        if !interactive {
            command.env("GIT_TERMINAL_PROMPT", "0");
        }
        command
    }

    fn shelter(&self, command: &mut Command) {
        command.env("PATH", &self.path).env("LC_ALL", "C").stdin(Stdio::null());
        if let Some(shelter) = &self.shelter {
            command.env("GIT_DIR", &shelter.git_dir);
            command.env("GIT_WORK_TREE", &shelter.root);
            command.env("GIT_COMMON_DIR", shelter.stand_in.folder());
        }
    }

    /// Runs git and returns its answer, whatever it is.
    pub(super) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<GitOutput> {
        self.finish(&mut self.command(arguments), &[])
    }

    /// Runs git and fails unless it succeeds.
    pub(super) fn demand<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<GitOutput> {
        self.demand_with(arguments, &[], &[])
    }

    /// Runs git with an environment and standard input, and fails unless it succeeds.
    pub(super) fn demand_with<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        environment: &[(&str, OsString)],
        input: &[u8],
    ) -> Result<GitOutput> {
        let mut command = self.command(arguments);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let answer = self.finish(&mut command, input)?;
        if answer.ok {
            return Ok(answer);
        }
        // The command and its first argument say more than the settings before them.
        let mut words = arguments.iter().map(|word| word.as_ref().to_string_lossy()).peekable();
        while words.next_if(|word| word == "-c").is_some() {
            words.next();
        }
        let words: Vec<_> = words.take(2).collect();
        let failed = Error::new(
            Kind::Environment,
            format!("`git {}` failed in {}", words.join(" "), self.folder.display()),
        )
        .said(&answer.stderr);
        Err(if !SPARSE_AND_SPLIT.iter().any(|said| answer.stderr.contains(said)) {
            failed
        } else {
            failed.hint(
            "an index can't be both sparse and split: `git config core.splitIndex false` lets git read it again; \
             if it does not, move `.git/index` away, and `git reset` makes a new one",
        )
        })
    }

    /// Ends a git that waits for a pipe in the place of a file of rules, or that takes longer than it may; says which. The
    /// search begins only if git takes long, and ends with it.
    fn end_if_stuck(
        &self,
        id: u32,
        waits: &std::sync::mpsc::Receiver<()>,
        limit: Option<Duration>,
    ) -> Option<Stuck> {
        let root = self.shelter.as_ref().map_or(&self.folder, |shelter| &shelter.root);
        let begun = Instant::now();
        let mut pause = LONG;
        loop {
            let left = limit.map_or(pause, |limit| limit.saturating_sub(begun.elapsed()));
            if waits.recv_timeout(pause.min(left)) != Err(RecvTimeoutError::Timeout) {
                return None;
            }
            if let Some(limit) = limit.filter(|limit| begun.elapsed() >= *limit) {
                // What it has started holds its output open. Asked first: git removes its locks then.
                let all = process::with_children(id);
                all.iter().for_each(|id| process::ask_to_end(*id));
                if waits.recv_timeout(TIDYING) == Err(RecvTimeoutError::Timeout) {
                    all.into_iter().for_each(process::kill);
                }
                return Some(Stuck::Late(limit));
            }
            if let Some(pipe) = super::special_files::waited_for(root) {
                process::kill(id);
                return Some(Stuck::At(pipe));
            }
            pause *= 4;
        }
    }

    /// Runs a command to its end.
    pub(super) fn finish(&self, command: &mut Command, input: &[u8]) -> Result<GitOutput> {
        self.finish_heard(command, input, None, |_| ())
    }

    /// The same; it is ended after `limit`, and `hear` is given what it says on standard error as it says it.
    pub(super) fn finish_heard(
        &self,
        command: &mut Command,
        input: &[u8],
        limit: Option<Duration>,
        hear: impl Fn(&[u8]) + Send,
    ) -> Result<GitOutput> {
        let span = tracing::debug_span!(target: "snap::git", "git", arguments = Empty, exit = Empty);
        if !span.is_disabled() {
            span.record("arguments", arguments_of(command));
        }
        let _entered = span.enter();
        let fail = |error: std::io::Error| Error::io("run", &self.program, &error);
        if !input.is_empty() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(fail)?;
        let (stdin, mut stderr) = (child.stdin.take(), child.stderr.take());
        // Written from a thread of its own: git may answer before it has read everything.
        let (ended, waits) = std::sync::mpsc::channel::<()>();
        let id = child.id();
        let output = std::thread::scope(|scope| {
            let stuck = scope.spawn(move || self.end_if_stuck(id, &waits, limit));
            if let Some(mut stdin) = stdin {
                scope.spawn(move || stdin.write_all(input));
            }
            let said = scope.spawn(move || {
                let mut said = Vec::new();
                let mut buffer = [0; 4_096];
                while let Some(Ok(read @ 1..)) = stderr.as_mut().map(|stderr| stderr.read(&mut buffer)) {
                    hear(&buffer[..read]);
                    said.extend_from_slice(&buffer[..read]);
                }
                said
            });
            let output = child.wait_with_output();
            drop(ended);
            let stuck = stuck.join().unwrap_or_default();
            output.map(|output| (output, said.join().unwrap_or_default(), stuck))
        })
        .map_err(fail)?;
        let (output, said, stuck) = output;
        span.record("exit", output.status.code());
        if let Some(Stuck::At(pipe)) = stuck {
            return Err(Error::new(Kind::Refused, format!("git can't work in {}", self.folder.display()))
                .because(format!("{} is a pipe: git waited for it", pipe.display()))
                .hint("remove it, if you did not make it; then run the command again"));
        }
        Ok(GitOutput {
            ok: output.status.success(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&said).into_owned(),
            late: match stuck {
                Some(Stuck::Late(limit)) if !output.status.success() => Some(limit),
                _ => None,
            },
        })
    }
}

/// Logs a git command that runs beside this program.
pub(super) fn log_started(command: &Command) {
    tracing::debug!(target: "snap::git", arguments = arguments_of(command), "started");
}

/// Returns a command's arguments for the log, without secrets and without the options of every run.
fn arguments_of(command: &Command) -> String {
    let words: Vec<String> =
        command.get_args().map(|word| without_password(&word.to_string_lossy())).collect();
    words.join(" ").replace(&format!("{} ", ALWAYS.join(" ")), "")
}
