//! The real `claude` client: brings the pinned npm packages by itself and runs it offline in a home of its own.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::api::{PATIENCE, StandIn};
use super::{Must, needs};

/// The newest client the tests know.
pub(crate) const NEWEST: &str = "2.1.332";
/// The oldest client the tests know.
pub(crate) const OLDEST: &str = "2.1.149";

const PACKAGE: &str = "@anthropic-ai/claude-code";
/// Set to 1 to go without the tests that need the client.
const SKIP: &str = "SNAP_SKIP_CLIENT";
/// Names a version to run in place of the newest one: 2.1.329, which `.ci/long clients` takes, or one that has just come out.
const INSTEAD: &str = "SNAP_CLIENT";
/// Made up; the client wants one, the stand-in ignores it.
const KEY: &str = "sk-ant-test-0000";

/// One installed version.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The version, such as [`NEWEST`].
    pub(crate) version: &'static str,
    binary: PathBuf,
    bin_dir: PathBuf,
    /// Folders that come first on `PATH`.
    beside: Vec<PathBuf>,
}

impl Client {
    /// The newest one, or the version that the person running the tests asked for in its place.
    pub(crate) fn newest() -> Option<Self> {
        static VERSION: LazyLock<String> =
            LazyLock::new(|| std::env::var(INSTEAD).unwrap_or_else(|_| NEWEST.to_owned()));
        Self::get(&VERSION)
    }

    /// Whether it is the oldest one, which does some things in another way than the others.
    pub(crate) fn is_oldest(&self) -> bool {
        self.version == OLDEST
    }

    /// This version, installed under the target directory if it is not there yet. `None` only when the person running
    /// the tests asked to go without the client; a failing install fails the test.
    pub(crate) fn get(version: &'static str) -> Option<Self> {
        if std::env::var_os(SKIP).is_some_and(|value| value == "1") {
            let test = thread::current().name().unwrap_or("a test").to_owned();
            needs::skipped(&test, &format!("{SKIP}=1, nothing was checked with client {version}"));
            return None;
        }
        let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("claude-client");
        fs::create_dir_all(&parent).must("a folder for the clients");
        let lock = File::create(parent.join(format!("{version}.lock"))).must("the install lock");
        lock.lock().must("the install lock");
        let dir = parent.join(version);
        if !dir.exists() {
            let partial = parent.join(format!("{version}.partial"));
            install(version, &partial, &parent.join("npm"));
            fs::rename(&partial, &dir).must("the finished install");
        }
        let binary = binary_in(&dir).must("a client binary in the finished install");
        Some(Self { version, binary, bin_dir: dir.join("bin"), beside: Vec::new() })
    }

    /// The same client, with this folder first on its `PATH`.
    pub(crate) fn beside(&self, folder: &Path) -> Self {
        Self { beside: vec![folder.to_owned()], ..self.clone() }
    }

    /// A folder to put on `PATH`: it holds only `claude`.
    pub(crate) fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// The whole environment to run the client in, or a program that finds `claude` on `PATH`. To be used after
    /// `env_clear`: nothing of the machine's own but `PATH` gets through.
    pub(crate) fn environment(&self, home: &Home, api: &StandIn) -> Vec<(OsString, OsString)> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let first = self.beside.iter().chain([&self.bin_dir]).cloned();
        let path = first.chain(std::env::split_paths(&path));
        let mut all: Vec<(OsString, OsString)> = vec![
            ("PATH".into(), std::env::join_paths(path).must("a PATH")),
            ("HOME".into(), home.path().into()),
            ("CLAUDE_CONFIG_DIR".into(), home.config().into()),
            // Or it writes background output to a folder in /tmp that all its sessions share.
            ("CLAUDE_CODE_TMPDIR".into(), home.path().join("tmp").into()),
            ("ANTHROPIC_BASE_URL".into(), api.url().into()),
            ("ANTHROPIC_API_KEY".into(), KEY.into()),
        ];
        let switches = [
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
            // Without it the backups for a rewind are an interactive session's only.
            "CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING",
            "CLAUDE_CODE_ENABLE_TASKS",
            "CLAUDE_CODE_ENABLE_TODO_TOOLS",
            // 2.1.149 has SendMessage only with this; 2.1.329 has it anyway.
            "CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS",
            "DISABLE_AUTOUPDATER",
            "DISABLE_ERROR_REPORTING",
            "DISABLE_TELEMETRY",
            "IS_SANDBOX",
        ];
        all.extend(switches.map(|name| (name.into(), "1".into())));
        all
    }

    /// Runs `claude -p PROMPT` to its end.
    #[track_caller]
    pub(crate) fn print(
        &self,
        home: &Home,
        cwd: &Path,
        api: &StandIn,
        args: &[&str],
        prompt: &str,
    ) -> Printed {
        self.spawn(home, cwd, api, args, prompt).finish()
    }

    /// Starts `claude -p PROMPT` and leaves it running. Edits and commands are allowed unless `args` name a
    /// permission mode.
    #[track_caller]
    pub(crate) fn spawn(
        &self,
        home: &Home,
        cwd: &Path,
        api: &StandIn,
        args: &[&str],
        prompt: &str,
    ) -> Running {
        let mut command = Command::new(&self.binary);
        command.args(["-p", prompt, "--output-format", "json"]).args(args);
        if !args.contains(&"--permission-mode") {
            command.args(["--permission-mode", "acceptEdits", "--allowedTools=Bash,Read,Edit,Write"]);
        }
        command.env_clear().envs(self.environment(home, api)).current_dir(cwd);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().must("the client");
        let stdout = collect(child.stdout.take());
        let stderr = collect(child.stderr.take());
        Running { child, stdout, stderr }
    }
}

/// Runs a test with this client; one that was not to be had has said so.
pub(crate) fn with(client: Option<Client>, test: fn(&Client)) {
    if let Some(client) = client {
        test(&client);
    }
}

/// A `HOME` with a configuration folder for the client, made for one test.
#[derive(Debug)]
pub(crate) struct Home {
    dir: TempDir,
    path: PathBuf,
}

impl Home {
    /// A new one, in which the interactive client would ask nothing at its start but whether to trust the folder.
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().must("a temporary home");
        let path = dir.path().canonicalize().must("the temporary home's path");
        let home = Self { dir, path };
        fs::create_dir_all(home.config()).must("a configuration folder");
        fs::create_dir_all(home.path().join("tmp")).must("a temporary folder");
        home.trust(&[]);
        home
    }

    /// Writes the client's `.claude.json` with these folders trusted.
    pub(crate) fn trust(&self, folders: &[&Path]) {
        let projects: serde_json::Map<String, Value> = folders
            .iter()
            .map(|folder| (folder.display().to_string(), json!({"hasTrustDialogAccepted": true})))
            .collect();
        let approved = &KEY[KEY.len().saturating_sub(20)..];
        let settings = json!({
            "hasCompletedOnboarding": true, "theme": "dark", "projects": projects,
            "customApiKeyResponses": {"approved": [approved], "rejected": []},
        });
        fs::write(self.config().join(".claude.json"), settings.to_string()).must("the client's settings");
    }

    /// `HOME`, symbolic links resolved.
    pub(crate) fn path(&self) -> &Path {
        debug_assert!(self.dir.path().exists());
        &self.path
    }

    /// `CLAUDE_CONFIG_DIR`.
    pub(crate) fn config(&self) -> PathBuf {
        self.path.join(".claude")
    }

    /// The folder of the client's transcripts for sessions started in `cwd`, a path in ASCII of at most 200 characters.
    pub(crate) fn project(&self, cwd: &Path) -> PathBuf {
        let cwd = cwd.canonicalize().must("the working directory");
        let keep = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        let slug: String = cwd.display().to_string().chars().map(keep).collect();
        assert!(slug.is_ascii() && slug.len() <= 200, "{slug}: the tests keep to paths of simple slugs");
        self.config().join("projects").join(slug)
    }

    /// The task list files of a session.
    pub(crate) fn tasks(&self, session: &str) -> PathBuf {
        self.config().join("tasks").join(session)
    }

    /// The record of the live session that this process runs, if there is one.
    pub(crate) fn live(&self, pid: u32) -> Option<Value> {
        let text = fs::read_to_string(self.config().join("sessions").join(format!("{pid}.json"))).ok()?;
        serde_json::from_str(&text).ok()
    }
}

/// A client at work; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Running {
    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end; fails the test when that takes too long.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Printed {
        let Ok(stdout) = self.stdout.recv_timeout(PATIENCE) else {
            panic!("the client did not end within {PATIENCE:?}")
        };
        let status = self.child.wait().must("the client's end");
        let stderr = self.stderr.recv_timeout(PATIENCE).unwrap_or_default();
        let json: Value = serde_json::from_str(&stdout).unwrap_or_default();
        let session_id = json["session_id"].as_str().unwrap_or_default().to_owned();
        Printed { session_id, json, stdout, stderr, status }
    }

    /// Ends it on the spot, as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().must("to kill the client");
        self.child.wait().must("the killed client's end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What a finished run of `claude -p` said.
#[derive(Debug)]
pub(crate) struct Printed {
    /// The session it ran; empty when it failed before having one.
    pub(crate) session_id: String,
    /// Its answer; null when it failed before giving one.
    pub(crate) json: Value,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: ExitStatus,
}

impl Printed {
    /// The same, after making sure that the run went well.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        let well = self.status.success() && self.json["is_error"] == false && !self.session_id.is_empty();
        assert!(well, "the client failed: {}\n{}\n{}", self.status, self.stdout, self.stderr);
        self
    }
}

/// Reads a pipe to its end on a thread of its own, so that a talkative client never blocks on it.
fn collect(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut all).ok();
        }
        sender.send(String::from_utf8_lossy(&all).into_owned()).ok();
    });
    receiver
}

/// Installs the package into `dir`, whatever an interrupted install left there.
fn install(version: &str, dir: &Path, npm_home: &Path) {
    if dir.exists() {
        fs::remove_dir_all(dir).must("to clear an interrupted install");
    }
    fs::create_dir_all(dir).must("a folder for the client");
    // The package's scripts only copy the binary: not needed.
    let package = format!("{PACKAGE}@{version}");
    let done =
        npm(&["install".as_ref(), "--prefix".as_ref(), dir.as_os_str(), OsStr::new(&package)], dir, npm_home);
    let help = format!(
        "these tests run the real client: install Node.js with npm and let it reach its registry, \
         or set {SKIP}=1 to go without them"
    );
    match done {
        Err(error) => panic!("npm could not be started ({error}); {help}"),
        Ok(done) if !done.status.success() => {
            panic!(
                "npm could not install {PACKAGE}@{version}; {help}\n{}",
                String::from_utf8_lossy(&done.stderr)
            )
        }
        Ok(_) => {}
    }
    let Some(binary) = binary_in(dir) else {
        panic!("{PACKAGE}@{version} brought no binary for this platform; {help}")
    };
    let relative = Path::new("..").join(binary.strip_prefix(dir).must("a binary within the install"));
    fs::create_dir(dir.join("bin")).must("a folder for PATH");
    std::os::unix::fs::symlink(relative, dir.join("bin").join("claude")).must("a link to the client");
}

/// Runs npm in a folder, with a home of its own and without running any package's scripts. Of its own settings only the
/// environment is inherited (proxy, certificates, npm_config_registry); the user's npmrc, which may hold tokens, is out of
/// its sight.
pub(crate) fn npm(
    arguments: &[&OsStr],
    dir: &Path,
    npm_home: &Path,
) -> std::io::Result<std::process::Output> {
    fs::create_dir_all(npm_home).must("a home for npm");
    Command::new("npm")
        .args(arguments)
        .args(["--no-audit", "--no-fund", "--ignore-scripts"])
        .env("HOME", npm_home)
        .env("npm_config_cache", npm_home.join("cache"))
        .env("npm_config_userconfig", npm_home.join("npmrc"))
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
}

/// The native binary: npm brings the one package that fits the operating system, the processor and the C library.
fn binary_in(dir: &Path) -> Option<PathBuf> {
    let packages = dir.join("node_modules").join("@anthropic-ai");
    let mut found: Vec<PathBuf> = fs::read_dir(packages)
        .ok()?
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("claude-code-"))
        .map(|entry| entry.path().join("claude"))
        .filter(|binary| binary.is_file())
        .collect();
    found.sort();
    found.into_iter().next()
}
