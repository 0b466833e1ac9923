//! CI jobs: what a runner does is run as it would run it, from the very files that people read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::handoff_remote::{utf8, with_remote};
use crate::support::project::{Project, Ran, ran};
use crate::support::{Must, needs};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A project whose session and edits are on a remote as `for the job`, and the remote's address.
fn pushed() -> (Project, String) {
    let (project, remote) = with_remote();
    project.git(&["-C", utf8(&remote), "symbolic-ref", "HEAD", "refs/heads/main"]);
    project.session(ID);
    project.write("a.txt", "one\nTWO\nthree\n");
    project.snap(&["save", "for the job"]).exits(0);
    // The base is one commit behind what the runner checks out.
    project.snap(&["push"]).exits(0);
    let other = project.cloned();
    other.write("b.txt", "since then\n");
    other.git(&["commit", "-qam", "since then"]);
    other.git(&["push", "-q", utf8(&remote), "main"]);
    let address = format!("file://{}", remote.display());
    (project, address)
}

/// A runner: a machine with nothing but `snap`, git, and a client that writes a file.
struct Runner {
    machine: Project,
    path: String,
}

impl Runner {
    fn new() -> Self {
        let machine = Project::empty();
        let bin = machine.home.path().join("bin");
        fs::create_dir_all(&bin).must("a folder");
        let client = bin.join("claude");
        fs::write(&client, "#!/bin/sh\necho \"$@\" >made-by-the-job\n").must("a client");
        fs::set_permissions(&client, fs::Permissions::from_mode(0o755)).must("a mode");
        let snap = Path::new(env!("CARGO_BIN_EXE_snap")).parent().must("a folder");
        let rest = std::env::var("PATH").unwrap_or_default();
        Self { path: format!("{}:{}:{rest}", bin.display(), snap.display()), machine }
    }

    /// A command in an empty environment but for the PATH, and with a HOME that nobody can write to.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", &self.path).env("HOME", "/proc/self").env("LC_ALL", "C");
        command.env("TMPDIR", self.machine.home.path().join("tmp")).stdin(Stdio::null());
        command
    }

    fn folder(&self) -> PathBuf {
        self.machine.root().to_owned()
    }

    /// Clones a repository as shallow as runners do.
    fn checkout(&self, address: &str) -> PathBuf {
        let checkout = self.folder().join("checkout");
        ran(self.command("git").args(["clone", "-q", "--depth=1", address, utf8(&checkout)])).exits(0);
        checkout
    }

    /// A command on a runner without `snap`, where npm finds these packages and nothing else.
    fn with_packages(&self, packages: &Path, words: &[&str]) -> Command {
        let mut command = self.command(top().join("packaging/npm/registry"));
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.machine.home.path().join("bin");
        command.arg(packages).args(words).env("PATH", format!("{}:{path}", bin.display()));
        command.env("npm_config_update_notifier", "false");
        command
    }
}

/// The packages of a release whose program is this one.
fn packed(runner: &Runner) -> PathBuf {
    let program = runner.machine.home.path().join("program");
    let script = format!("#!/bin/bash\nexec -a \"$0\" '{}' \"$@\"\n", env!("CARGO_BIN_EXE_snap"));
    fs::write(&program, script).must("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).must("a mode");
    let packages = runner.machine.home.path().join("packages");
    let mut pack = runner.command(top().join("packaging/npm/pack"));
    pack.arg(&packages).env("HOME", runner.machine.home.path());
    pack.arg(format!("{}-unknown-linux-gnu={}", std::env::consts::ARCH, program.display()));
    ran(&mut pack).exits(0);
    packages
}

/// Makes sure that what the job saved came back, with what the job's client did.
#[track_caller]
fn assert_came_back(project: &Project, name: &str) {
    project.snap(&["pull"]).exits(0).says(&[&format!("Added \"{name}\"")]);
    let shown = project.snap(&["show", name, "--json"]).exits(0).json();
    let paths: Vec<&str> =
        shown["edits"]["files"].as_array().must("edits").iter().filter_map(|e| e["path"].as_str()).collect();
    assert_eq!(paths, ["a.txt", "made-by-the-job"]);
    let all = project.snap(&["list", "--json"]).exits(0).json();
    let id_of = |name: &str| {
        let one = all.as_array().must("a list").iter().find(|one| one["name"] == name);
        one.must("the snapshot").clone()
    };
    assert_eq!(id_of(name)["parent"], id_of("for the job")["id"]);
}

#[test]
fn the_script_to_read_runs_with_an_unwritable_home_in_a_shallow_clone() {
    let (project, address) = pushed();
    let runner = Runner::new();
    let mut job = runner.command(top().join("tests/ci/job.sh"));
    ran(job.arg(&address).arg(runner.folder()).env("NAME", "by the job")).exits(0);
    assert_came_back(&project, "by the job");
}

#[test]
fn the_steps_for_gitlab_run_as_its_runner_would_run_them() {
    let (project, address) = pushed();
    let runner = Runner::new();
    let packages = packed(&runner);
    let checkout = runner.checkout(&address);
    let config = runner.folder().join("gitconfig");
    let host = address.trim_end_matches("remote.git");
    fs::write(&config, format!("[url \"{host}\"]\n\tinsteadOf = https://snap:word@host.example/group/\n"))
        .must("a configuration");

    let text = fs::read_to_string(top().join(".gitlab/snap.gitlab-ci.yml")).must("the file");
    let example = text.lines().find_map(|line| line.strip_prefix("#       - ")).must("the example's script");
    let section = |name: &str| -> Vec<String> {
        let body = text.split_once(&format!("\n  {name}:\n")).must("the section").1;
        body.lines().map_while(|line| line.strip_prefix("    - ")).map(str::to_owned).collect()
    };
    let phases = [section("before_script"), vec![example.to_owned()], section("after_script")];
    assert_eq!(phases.each_ref().map(Vec::len), [5, 1, 3]);
    // The script goes on in the shell of what comes before it; what comes after it has a shell of its own.
    let [before, during, after] = phases;
    for lines in [[before, during].concat(), after] {
        let script = format!("set -e\n{}\n", lines.join("\n"));
        let mut step = runner.with_packages(&packages, &["sh", "-c", &script]);
        step.current_dir(&checkout).env("SNAP_VERSION", "latest");
        step.env("npm_config_cache", checkout.join(".npm"));
        step.env("GIT_CONFIG_GLOBAL", &config).env("SNAP_REF", "latest").env("CI_PROJECT_DIR", &checkout);
        step.env("CLAUDE_CONFIG_DIR", format!("{}.claude", checkout.display())).env("SNAP_TOKEN", "word");
        step.env("CI_SERVER_HOST", "host.example")
            .env("CI_PROJECT_PATH", "group/remote")
            .env("CI_JOB_ID", "7");
        ran(&mut step).exits(0);
    }
    assert_eq!(fs::read_to_string(format!("{}.session", checkout.display())).must("a session").trim(), ID);
    assert_came_back(&project, "job 7");
}

/// What a composite action runs in a shell: the text of each step, in order.
fn steps_of_action() -> Vec<String> {
    let text = fs::read_to_string(top().join(".github/actions/snap/action.yml")).must("the action");
    let mut steps = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        match line.trim_start().strip_prefix("run: ") {
            Some("|") => {
                let mut step = String::new();
                while let Some(line) = lines.next_if(|line| line.starts_with("        ")) {
                    step += &format!("{}\n", line.trim());
                }
                steps.push(step);
            }
            Some(quoted) => steps.push(quoted.trim_matches('\'').to_owned()),
            None => {}
        }
    }
    steps
}

#[test]
fn the_action_installs_the_program_itself_in_a_repository_that_is_not_this_one() {
    if !needs::program(&["npm", "--version"], "the action") {
        return;
    }
    let (project, address) = pushed();
    let runner = Runner::new();
    let packages = packed(&runner);
    let checkout = runner.checkout(&address);
    let kept = runner.folder().join("kept for the next job");
    let steps = steps_of_action();
    assert_eq!(steps.len(), 4, "{steps:?}");
    // What the runner keeps between steps.
    let told = |name: &str| runner.folder().join(name);
    let mut path = String::new();
    let mut version = String::new();
    let mut run = |step: &str, ref_or_name: &str| {
        let line = format!("PATH={path:?}$PATH; set -e\n{step}");
        let mut command = runner.with_packages(&packages, &["sh", "-c", &line]);
        command.current_dir(&checkout).env("GITHUB_ACTION_PATH", top().join(".github/actions/snap"));
        command.env("GITHUB_OUTPUT", told("output")).env("GITHUB_PATH", told("path"));
        command.env("SNAP_VERSION", &version).env("SNAP_FOLDER", &kept).env("npm_config_cache", told("npm"));
        command.env("CLAUDE_CONFIG_DIR", runner.folder().join("claude"));
        command.env("SNAP_REF", ref_or_name).env("SNAP_NAME", ref_or_name);
        ran(&mut command).exits(0);
        let output = fs::read_to_string(told("output")).unwrap_or_default();
        version =
            output.lines().find_map(|line| line.strip_prefix("version=")).unwrap_or_default().to_owned();
        let folders = fs::read_to_string(told("path")).unwrap_or_default();
        path = folders.lines().map(|folder| format!("{folder}:")).collect();
        output
    };
    for step in &steps[..2] {
        run(step, "for the job");
    }
    assert!(kept.join("node_modules/.bin/claude-snap").exists());
    let output = run(&steps[2], "for the job");
    assert!(output.contains(&format!("session-id={ID}\n")), "{output}");
    run("claude go on", "");
    // The second use in the same job finds the program.
    for step in [&steps[0], &steps[1], &steps[3]] {
        run(step, "by the action");
    }
    assert_came_back(&project, "by the action");
}

#[test]
fn a_tree_of_another_owner_is_refused_with_the_way_that_needs_no_home() {
    let (project, address) = pushed();
    let runner = Runner::new();
    let checkout = runner.folder().join("checkout");
    ran(runner.command("git").args(["clone", "-q", "--depth=1", &address, utf8(&checkout)])).exits(0);
    let snap = |settings: &[(&str, &str)], arguments: &[&str]| -> Ran {
        let mut command = runner.command(env!("CARGO_BIN_EXE_snap"));
        command.args(arguments).current_dir(&checkout);
        ran(command.envs(settings.iter().copied()))
    };
    if std::os::unix::fs::chown(&checkout, Some(12_345), Some(12_345)).is_err() {
        needs::skipped("a tree of another owner", "only root can give a folder to somebody else");
        return;
    }
    std::os::unix::fs::chown(checkout.join(".git"), Some(12_345), Some(12_345)).must("to give it away");
    let place = checkout.canonicalize().must("a path");
    let allowed = [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "safe.directory"),
        ("GIT_CONFIG_VALUE_0", utf8(&place)),
    ];
    for arguments in [&["list"][..], &["pull"], &["save"], &["resume"]] {
        snap(&[], arguments).exits(7).says(&["dubious ownership", "GIT_CONFIG_KEY_0=safe.directory"]);
    }
    assert!(!checkout.join(".claude").exists(), "nothing was written");
    snap(&allowed, &["pull"]).exits(0).says(&["Added \"for the job"]);
    snap(&allowed, &["save", "mine"]).exits(0);
    // The steps of a job, in a tree of which not a file is root's.
    let given = Command::new("chown").args(["-R", "12345:12345"]).arg(&checkout).status();
    assert!(given.must("to run chown").success());
    for (script, name) in [("restore.sh", "for the job"), ("save.sh", "by root")] {
        let mut step = runner.command(top().join(".github/actions/snap").join(script));
        step.current_dir(&checkout).envs(allowed).env("CLAUDE_CONFIG_DIR", runner.folder().join("claude"));
        ran(step.env("SNAP_REF", name).env("SNAP_NAME", name)).exits(0);
    }
    assert_eq!(fs::read_to_string(checkout.join("a.txt")).must("a.txt"), "one\nTWO\nthree\n");
    project.snap(&["pull"]).exits(0).says(&["Added \"by root"]);
}
