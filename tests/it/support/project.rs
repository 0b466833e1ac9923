//! A project for one test: a real repository made by the `git` program, a home, and `snap` to run in it.
//!
//! Hermetic: `HOME`, `CLAUDE_CONFIG_DIR`, author and dates are the test's own, and nothing of the machine's
//! environment or configuration but `PATH` gets through.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::Must;
use super::client::Home;
use super::schema::Watch;

/// Names another build of `snap` to be tried, such as one with optimisations.
const OTHER_BUILD: &str = "SNAP_BINARY";

/// The file in a home that says how `snap` syncs.
const SYNC: &str = "sync";

/// A folder with a home of its own, to run programs in.
pub(crate) struct Project {
    pub(crate) home: Home,
    root: PathBuf,
    /// Where this user's own `snap` keeps its key; that of the original, in a clone.
    state: PathBuf,
}

/// What a run of `snap` gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Itself, after making sure of the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("not JSON ({error}):\n{}\nstderr:\n{}", self.stdout, self.stderr),
        }
    }

    /// Itself, after making sure that standard error says all of these.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in:\n{}", self.stderr);
        }
        self
    }
}

impl Project {
    /// A folder `app` with a repository of one commit: `a.txt`, `b.txt`, `bin`, `run.sh`, `sub/c.txt`.
    pub(crate) fn new() -> Self {
        let project = Self::empty();
        project.git(&["init", "-q", "-b", "main"]);
        project.write("a.txt", "one\ntwo\nthree\n");
        project.write("b.txt", "stays\n");
        project.write("bin", [0, 159, 146, 150, 0, 7].repeat(100));
        project.write("run.sh", "#!/bin/sh\n");
        project.write("sub/c.txt", "deep\n");
        project.git(&["add", "."]);
        project.git(&["commit", "-q", "-m", "first"]);
        project
    }

    /// An empty folder `app` without a repository.
    pub(crate) fn empty() -> Self {
        let home = Home::new();
        let root = home.path().join("app");
        fs::create_dir(&root).must("a project folder");
        Self { state: home.path().join(".local/state"), home, root }
    }

    /// A clone of this project's commits in a home of its own, at a path with a blank in it; still the same user.
    pub(crate) fn cloned(&self) -> Self {
        self.cloned_at("other place/clone of it")
    }

    /// A clone in a home of its own whose repository has these settings before its files are checked out.
    pub(crate) fn cloned_with(&self, config: &[(&str, &str)]) -> Self {
        let home = Home::new();
        let root = home.path().join("other place").join("clone of it");
        let clone = Self { home, root, state: self.state.clone() };
        let (from, to) = (self.root.to_str().must("UTF-8"), clone.root.to_str().must("UTF-8"));
        git_in(&clone.home, clone.home.path(), &["clone", "-q", "--no-checkout", from, to]);
        for (name, value) in config {
            clone.git(&["config", name, value]);
            clone.users_setting(name, value);
        }
        clone.git(&["checkout", "-q", "main"]);
        clone
    }

    /// A clone of this project's commits in a home of its own, at this path below it.
    pub(crate) fn cloned_at(&self, place: &str) -> Self {
        let home = Home::new();
        let root = home.path().join(place);
        fs::create_dir_all(root.parent().must("a parent")).must("a folder");
        let clone = Self { home, root, state: self.state.clone() };
        let from = self.root.to_str().must("a UTF-8 path").to_owned();
        let to = clone.root.to_str().must("a UTF-8 path").to_owned();
        git_in(&clone.home, clone.home.path(), &["clone", "-q", &from, &to]);
        clone
    }

    /// The same project of a user whose snapshots are others.
    pub(crate) fn of_another_user(self) -> Self {
        Self { state: self.home.path().join(".local/state"), ..self }
    }

    /// The same project of the user of another one: their snapshots are this one's own.
    pub(crate) fn of_the_user_of(self, other: &Project) -> Self {
        Self { state: other.state.clone(), ..self }
    }

    /// Has `snap` sync all that it writes as a `whole`, or `each` file by itself.
    pub(crate) fn syncs(self, way: &str) -> Self {
        fs::write(self.home.path().join(SYNC), way).must("to note it");
        self
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The path of something in the project.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// The path of something in the store.
    pub(crate) fn stored(&self, name: &str) -> PathBuf {
        self.path(".claude/snapshots").join(name)
    }

    /// What is in the store, but for the files that only save time: any command may write them anew.
    pub(crate) fn stored_files(&self) -> Vec<PathBuf> {
        let is_read =
            |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("read-"));
        let saves_time =
            |file: &PathBuf| file.ends_with("tmp/index") || file.ends_with("tmp/summaries") || is_read(file);
        files_below(&self.stored("")).into_iter().filter(|file| !saves_time(file)).collect()
    }

    /// The manifests in the store, sorted.
    pub(crate) fn manifests(&self) -> Vec<PathBuf> {
        let is_manifest = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
        let files = fs::read_dir(self.stored("")).must("the store").map(|file| file.must("a file").path());
        let mut all: Vec<PathBuf> = files.filter(is_manifest).collect();
        all.sort();
        all
    }

    /// The objects in the store, sorted.
    pub(crate) fn objects(&self) -> Vec<PathBuf> {
        let folder = self.stored("objects");
        let all = if folder.exists() { files_below(&folder) } else { Vec::new() };
        all.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "zst")).collect()
    }

    /// Writes a file, with the folders above it.
    #[track_caller]
    pub(crate) fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().must("a parent")).must("the folder above");
        fs::write(&path, content).must("to write a file");
    }

    #[track_caller]
    pub(crate) fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        fs::read(self.path(name)).must("to read a file")
    }

    pub(crate) fn make_executable(&self, name: &str) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).must("to set a mode");
    }

    /// Runs git in the project; fails the test if git fails.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git_in(&self.home, &self.root, arguments)
    }

    /// Makes a setting in the configuration of this home's user, which `snap` obeys and the tests' own git does not.
    #[track_caller]
    pub(crate) fn users_setting(&self, name: &str, value: &str) {
        let file = self.home.path().join(".gitconfig");
        self.git(&["config", "--file", file.to_str().must("UTF-8"), name, value]);
    }

    /// Takes such a setting back.
    #[track_caller]
    pub(crate) fn no_users_setting(&self, name: &str) {
        let file = self.home.path().join(".gitconfig");
        self.git(&["config", "--file", file.to_str().must("UTF-8"), "--unset-all", name]);
    }

    /// Runs git in the project and says whether it succeeded.
    pub(crate) fn try_git(&self, arguments: &[&str]) -> bool {
        git_command(&self.home, &self.root, arguments).output().must("to run git").status.success()
    }

    /// Everything a person sees of the tree: status, index, content and mode of each file.
    #[track_caller]
    pub(crate) fn state(&self) -> String {
        let mut state = self.git(&[
            "--no-optional-locks",
            "-c",
            "core.ignorecase=false",
            "status",
            "--porcelain=v2",
            "-uall",
            "--ignored",
        ]);
        state += &self.git(&["ls-files", "-s"]);
        for file in files_below(&self.root) {
            let name = file.strip_prefix(&self.root).must("a file of the project").to_owned();
            if name.starts_with(".git") || name.starts_with(".claude/snapshots") {
                continue;
            }
            let meta = file.symlink_metadata().must("a file's metadata");
            let content = if meta.is_symlink() {
                fs::read_link(&file).must("a link").into_os_string().into_encoded_bytes()
            } else {
                fs::read(&file).must("a file")
            };
            let mode = meta.permissions().mode() & 0o170_100;
            state += &format!("{} {mode:o} {:?}\n", name.display(), String::from_utf8_lossy(&content));
        }
        // The store is ours, and only one of the trees compared has it.
        state.lines().filter(|line| !line.contains(".claude/")).map(|line| format!("{line}\n")).collect()
    }

    /// The same, with the marks that hide edits from git.
    #[track_caller]
    pub(crate) fn state_with_flags(&self) -> String {
        // In a sparse checkout git takes a mark for none where the file is there, unless it is told not to.
        let exactly =
            ["-c", "sparse.expectFilesOutsideOfPatterns=true", "ls-files", "--stage", "-v", "--debug"];
        let list = self.git(&exactly);
        let of_git = |line: &&str| !line.starts_with("  ") || line.contains("flags: ");
        let flags = list.lines().filter(of_git).map(|line| match line.split_once("flags: ") {
            // Only meant to be added, left out, assumed to be unchanged.
            Some((_, flags)) => u32::from_str_radix(flags, 16).must("flags") & 0x6000_8000,
            None => 0,
        });
        let names: Vec<&str> = list.lines().filter(|line| !line.starts_with("  ")).collect();
        self.state() + &format!("{names:#?}\n{:x?}\n", flags.collect::<Vec<u32>>())
    }

    /// What the index and the disk hold, whatever HEAD is.
    #[track_caller]
    pub(crate) fn content_state(&self) -> String {
        without_status(&self.state())
    }

    /// Runs git in the project with something on its standard input; fails the test if git fails.
    #[track_caller]
    pub(crate) fn git_reads(&self, arguments: &[&str], input: &[u8]) {
        let mut command = git_command(&self.home, &self.root, arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().must("to run git");
        child.stdin.take().must("a pipe").write_all(input).must("to write to git");
        assert!(child.wait().must("an end").success(), "git failed");
    }

    /// Runs `snap` in the project.
    pub(crate) fn snap(&self, arguments: &[&str]) -> Ran {
        self.snap_in(&self.root, arguments)
    }

    /// Runs `snap` in a folder, with this project's home. Whatever it saves must be as the schema of manifests says.
    #[track_caller]
    pub(crate) fn snap_in(&self, folder: &Path, arguments: &[&str]) -> Ran {
        let saves = arguments
            .first()
            .is_some_and(|first| ["save", "resume", "rewind", "undo", "redo"].contains(first));
        let saved = saves.then(|| Watch::begin(self.store_of(arguments)));
        let ran = ran(&mut self.command(folder, arguments));
        if let Some(saved) = saved {
            saved.check_new();
        }
        ran
    }

    /// The store that a command line works on.
    fn store_of(&self, arguments: &[&str]) -> PathBuf {
        let named = arguments.iter().position(|argument| *argument == "--store");
        let named = named.and_then(|at| arguments.get(at + 1));
        named.map_or_else(|| self.stored(""), PathBuf::from)
    }

    /// A command that would run `snap`, to be changed by the test first.
    pub(crate) fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let built = env!("CARGO_BIN_EXE_snap");
        let mut command = Command::new(std::env::var_os(OTHER_BUILD).unwrap_or_else(|| built.into()));
        command.args(arguments).current_dir(folder).env_clear();
        command.envs(environment(&self.home)).env("USER", "ada").env("XDG_STATE_HOME", &self.state);
        command.envs(fs::read_to_string(self.home.path().join(SYNC)).ok().map(|way| ("SNAP_SYNC", way)));
        command
    }

    /// A command that would run `git` in the project, to be changed by the test first.
    pub(crate) fn git_command(&self, arguments: &[&str]) -> Command {
        git_command(&self.home, &self.root, arguments)
    }

    /// Writes a small synthetic session of this project, with tasks and a sub-agent; returns its transcript.
    pub(crate) fn session(&self, id: &str) -> PathBuf {
        let folder = self.home.project(&self.root);
        let transcript = folder.join(format!("{id}.jsonl"));
        let agents = folder.join(id).join("subagents");
        fs::create_dir_all(&agents).must("a session's folders");
        let mut records = String::new();
        for record in self.records(id) {
            records += &format!("{record}\n");
        }
        fs::write(&transcript, records).must("a transcript");
        let agent = json!({"type": "user", "uuid": "a1", "isSidechain": true, "agentId": "ag1", "sessionId": id, "message": {"role": "user", "content": "look"}});
        fs::write(agents.join("agent-ag1.jsonl"), format!("{agent}\n")).must("an agent's transcript");
        let meta = json!({"agentType": "Explore", "description": "look around", "ofNextMonth": [1, 2.50]});
        fs::write(agents.join("agent-ag1.meta.json"), meta.to_string()).must("an agent's metadata");
        let tasks = self.home.tasks(id);
        fs::create_dir_all(&tasks).must("a task folder");
        // Written by hand: the blanks and the unknown key must survive byte for byte.
        let task = "{\n  \"id\": \"1\",  \"subject\": \"Write parser\",\n  \"status\": \"in_progress\", \"new\": 1.0\n}";
        fs::write(tasks.join("1.json"), task).must("a task");
        fs::write(tasks.join("2.json"), r#"{"id":"2","subject":"Test it","status":"completed"}"#)
            .must("a task");
        transcript
    }

    /// Writes a file into the folder beside a transcript.
    pub(crate) fn write_beside(&self, transcript: &Path, name: &str, content: &[u8]) {
        let path = transcript.with_extension("").join(name);
        fs::create_dir_all(path.parent().must("a parent")).must("the folder above");
        fs::write(path, content).must("to write a file");
    }

    /// Appends to a file.
    pub(crate) fn append(&self, path: &Path, content: &[u8]) {
        let mut all = fs::read(path).must("to read a file");
        all.extend_from_slice(content);
        fs::write(path, all).must("to write a file");
    }

    fn records(&self, id: &str) -> Vec<Value> {
        let cwd = self.root.to_str().must("a UTF-8 path");
        let common = |kind: &str, uuid: &str, parent: Value, message: Value| {
            json!({"type": kind, "uuid": uuid, "parentUuid": parent, "cwd": cwd, "sessionId": id, "version": "2.1.329",
                   "timestamp": "2026-11-21T01:19:35.028Z", "permissionMode": "acceptEdits", "message": message})
        };
        vec![
            common("user", "u1", Value::Null, json!({"role": "user", "content": "write a parser"})),
            common(
                "assistant",
                "u2",
                json!("u1"),
                json!({"role": "assistant", "model": "claude-test-1", "content": [
                {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "mkdir x"}}]}),
            ),
            json!({"type": "of-next-month", "sessionId": id, "payload": {"kept": "byte for byte"}}),
            json!({"type": "queue-operation", "operation": "enqueue", "content": "then test it", "sessionId": id}),
            json!({"type": "custom-title", "customTitle": "the parser", "sessionId": id}),
        ]
    }
}

/// Leaves out the lines of `git status`, which compare with HEAD.
fn without_status(state: &str) -> String {
    let status = |line: &&str| !["1 ", "2 ", "u ", "? ", "! "].iter().any(|kind| line.starts_with(kind));
    state.lines().filter(status).map(|line| format!("{line}\n")).collect()
}

/// Runs a command to its end.
pub(crate) fn ran(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().must("to run snap");
    Ran {
        code: status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// Runs git with nothing of the machine's configuration; fails the test if git fails.
#[track_caller]
pub(crate) fn git_in(home: &Home, folder: &Path, arguments: &[impl AsRef<OsStr>]) -> String {
    let output = git_command(home, folder, arguments).output().must("to run git");
    assert!(output.status.success(), "git failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn git_command(home: &Home, folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).env_clear().envs(environment(home));
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Ada").env(format!("GIT_{role}_EMAIL"), "ada@example.org");
        command.env(format!("GIT_{role}_DATE"), "2026-11-21T00:00:00Z");
    }
    // Not /dev/null: `git config --global`, run by root, would put a plain file in its place.
    command.env("GIT_CONFIG_GLOBAL", home.path().join("no gitconfig"));
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
    command
}

fn environment(home: &Home) -> Vec<(&'static str, std::ffi::OsString)> {
    vec![
        ("PATH", std::env::var_os("PATH").unwrap_or_default()),
        ("HOME", home.path().into()),
        ("CLAUDE_CONFIG_DIR", home.config().into()),
        ("TMPDIR", home.path().join("tmp").into()),
    ]
}

/// Lists the files and links below a folder, sorted. What another process removes meanwhile is not there.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![fs::read_dir(folder).must("a folder")];
    while let Some(folder) = folders.pop() {
        for entry in folder.flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => match fs::read_dir(entry.path()) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    opened => folders.push(opened.must("a folder")),
                },
                Ok(_) => files.push(entry.path()),
                Err(_) => {}
            }
        }
    }
    files.sort();
    files
}
