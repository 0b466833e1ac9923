//! No program of a project runs: one repository in which everything that can name a program names
//! one that leaves a mark, and every command of `snap` in it.
//!
//! The commands are read from the command line's own source, so that a new one can't be forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::handoff_remote::{colleague, utf8, with_remote};
use crate::real_client::answering_on_terminal;
use crate::support::project::{Project, Ran, git_in, ran};
use crate::support::{Must, eventually};

const ID: &str = "11111111-2222-4333-8444-555555555555";

/// Every hook that git has, and the one that its monitors are called by.
const HOOKS: [&str; 28] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "pre-receive",
    "update",
    "proc-receive",
    "post-receive",
    "post-update",
    "reference-transaction",
    "push-to-checkout",
    "pre-auto-gc",
    "post-rewrite",
    "sendemail-validate",
    "fsmonitor-watchman",
    "p4-changelist",
    "p4-prepare-changelist",
    "p4-post-changelist",
    "p4-pre-submit",
    "post-index-change",
];

/// Settings that name a program; `PROGRAM` stands for it.
const SETTINGS: [(&str, &str); 57] = [
    ("core.sshCommand", "PROGRAM"),
    ("core.fsmonitor", "PROGRAM"),
    ("core.gitProxy", "PROGRAM"),
    ("core.askPass", "PROGRAM"),
    ("core.pager", "PROGRAM"),
    ("core.editor", "PROGRAM"),
    ("core.alternateRefsCommand", "PROGRAM"),
    ("pager.status", "PROGRAM"),
    ("pager.config", "PROGRAM"),
    ("pager.diff-tree", "PROGRAM"),
    ("sequence.editor", "PROGRAM"),
    ("credential.helper", "!PROGRAM"),
    ("credential.https://nowhere.invalid.helper", "!PROGRAM"),
    ("gpg.program", "PROGRAM"),
    ("gpg.format", "ssh"),
    ("gpg.ssh.program", "PROGRAM"),
    ("gpg.ssh.defaultKeyCommand", "PROGRAM"),
    ("gpg.x509.program", "PROGRAM"),
    ("commit.gpgSign", "true"),
    ("tag.gpgSign", "true"),
    ("push.gpgSign", "if-asked"),
    ("user.signingKey", "key::ssh-ed25519 AAAA"),
    ("filter.evil.clean", "PROGRAM"),
    ("filter.evil.smudge", "PROGRAM"),
    ("filter.long.process", "PROGRAM"),
    ("filter.long.required", "true"),
    ("merge.evil.driver", "PROGRAM"),
    ("merge.evil.recursive", "evil"),
    ("merge.default", "evil"),
    ("diff.external", "PROGRAM"),
    ("diff.evil.command", "PROGRAM"),
    ("diff.evil.textconv", "PROGRAM"),
    ("diff.evil.cachetextconv", "true"),
    ("interactive.diffFilter", "PROGRAM"),
    ("alias.status", "!PROGRAM"),
    ("alias.rev-parse", "!PROGRAM"),
    ("alias.config", "!PROGRAM"),
    ("trailer.evil.command", "PROGRAM"),
    ("trailer.evil.cmd", "PROGRAM"),
    ("uploadpack.packObjectsHook", "PROGRAM"),
    ("protocol.allow", "always"),
    ("protocol.ext.allow", "always"),
    ("maintenance.auto", "true"),
    ("gc.auto", "1"),
    ("extensions.partialClone", "origin"),
    ("remote.origin.url", "https://nowhere.invalid/y"),
    ("remote.origin.promisor", "true"),
    ("remote.origin.partialCloneFilter", "blob:none"),
    ("remote.origin.uploadpack", "PROGRAM"),
    ("remote.origin.receivepack", "PROGRAM"),
    ("remote.origin.proxy", "PROGRAM"),
    ("remote.helped.url", "ssh://nowhere.invalid/x"),
    ("remote.helped.vcs", "evil"),
    ("remote.inside.url", "./vendor.git"),
    ("remote.programmed.url", "ext::PROGRAM %S x"),
    ("url.ext::PROGRAM .insteadOf", "https://"),
    ("submodule.module.update", "!PROGRAM"),
];

/// Programs that something looks for on `PATH`.
const SOUGHT: [&str; 17] = [
    "git",
    "ssh",
    "ssh-keygen",
    "less",
    "more",
    "cat",
    "sh",
    "env",
    "node",
    "claude",
    "snap",
    "zstd",
    "gpg",
    "git-remote-evil",
    "git-remote-https",
    "git-upload-pack",
    "git-receive-pack",
];

/// A project full of traps.
struct Trapped {
    project: Project,
    /// Where each program that runs leaves a file of its name.
    marks: PathBuf,
}

impl Trapped {
    /// Sets everything up: snapshots `one` and `two` by the user, or by somebody else.
    fn new(own: bool) -> Trapped {
        let project = Project::new();
        let marks = project.home.path().join("marks");
        fs::create_dir(&marks).must("a folder");
        let trapped = Trapped { project, marks };
        let project = &trapped.project;
        project.git(&["init", "-q", "module"]);
        project.git(&["-C", "module", "commit", "-q", "--allow-empty", "-m", "first"]);
        project.write("module/s.evil", "one\n");
        project.git(&["-C", "module", "add", "."]);
        project.git(&["-C", "module", "commit", "-q", "-m", "second"]);
        project.write("x.evil", "one\n");
        project.write("y.long", "one\n");
        let attributes = "*.evil filter=evil merge=evil diff=evil\n*.long filter=long\n";
        project.write(".gitattributes", attributes);
        project.write("module/.gitattributes", attributes);
        project.git(&["add", "."]);
        project.git(&["commit", "-q", "-m", "second"]);
        project.git(&["worktree", "add", "-q", "-b", "aside", "../linked"]);
        project.session(ID);
        // The user signs, and believes their own signatures.
        let key = project.home.path().join("key");
        let mut made = Command::new("ssh-keygen");
        made.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key);
        assert!(made.status().must("ssh-keygen").success());
        let public = fs::read_to_string(key.with_extension("pub")).must("a key");
        let signers = project.home.path().join("signers");
        fs::write(&signers, format!("ada {public}")).must("a list");
        project.users_setting("user.signingKey", utf8(&key.with_extension("pub")));
        project.users_setting("gpg.ssh.allowedSignersFile", utf8(&signers));
        for (name, text) in [("one", "two\n"), ("two", "three\n")] {
            for path in ["x.evil", "y.long", "a.txt", "module/s.evil"] {
                project.write(path, text);
            }
            let mut command = project.command(project.root(), &["save", name]);
            if !own {
                command.env("XDG_STATE_HOME", project.home.path().join("of somebody else"));
            }
            assert!(matches!(ran(&mut command).code, 0 | 6));
        }
        trapped.set();
        trapped
    }

    /// Makes a program that leaves a mark.
    fn program(&self, path: &Path, mark: &str) {
        fs::create_dir_all(path.parent().must("a folder")).must("a folder");
        let mark = self.marks.join(mark.replace('/', "_"));
        fs::write(path, format!("#!/bin/sh\n: >'{}'\nexit 1\n", mark.display())).must("a program");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).must("a mode");
    }

    /// Makes a setting of a file name a program of its own.
    fn setting(&self, file: &Path, key: &str, value: &str) {
        let mark = format!("{}:{key}", file.file_name().unwrap_or_default().to_string_lossy());
        let program = self.project.path("traps").join(mark.replace(['/', ' ', ':'], "_"));
        self.program(&program, &mark);
        let value = value.replace("PROGRAM", utf8(&program));
        let key = key.replace("PROGRAM", utf8(&program));
        self.project.git(&["config", "--file", utf8(file), "--add", &key, &value]);
    }

    fn set(&self) {
        let (project, git_dir) = (&self.project, self.project.path(".git"));
        let files =
            [git_dir.join("config"), project.path("traps/included"), project.path("traps/conditional")];
        fs::create_dir(project.path("traps")).must("a folder");
        for (key, value) in SETTINGS {
            files.iter().for_each(|file| self.setting(file, key, value));
        }
        let folders = [git_dir.clone(), git_dir.join("worktrees/linked"), project.path("module/.git")];
        for (number, folder) in folders.iter().enumerate() {
            fs::create_dir_all(folder.join("info")).must("a folder");
            fs::write(folder.join("info/attributes"), "*.evil filter=evil merge=evil diff=evil\n")
                .must("a file");
            for hook in HOOKS {
                self.program(&folder.join("hooks").join(hook), &format!("hook {number} {hook}"));
            }
        }
        for key in ["filter.evil.clean", "filter.evil.smudge", "core.fsmonitor", "core.sshCommand"] {
            self.setting(&project.path("module/.git/config"), key, "PROGRAM");
            self.setting(&git_dir.join("worktrees/linked/config.worktree"), key, "PROGRAM");
            self.setting(&git_dir.join("config.worktree"), key, "PROGRAM");
        }
        HOOKS
            .iter()
            .for_each(|hook| self.program(&project.path(".husky").join(hook), &format!("husky {hook}")));
        for name in SOUGHT {
            self.program(&project.path(name), &format!("PATH {name}"));
            self.program(&project.path("bin-of-project").join(name), &format!("PATH bin {name}"));
        }
        project.git(&["init", "-q", "--bare", "vendor.git"]);
        for hook in HOOKS {
            self.program(&project.path("vendor.git/hooks").join(hook), &format!("vendor {hook}"));
        }
        for file in ["one.json", "two.json"] {
            assert!(project.stored(file).exists(), "{file}");
        }
        // The store's log is not believed: it says that all this came from there.
        let mut log = fs::read_to_string(project.stored("log.jsonl")).unwrap_or_default();
        for name in ["one", "two"] {
            let manifest: serde_json::Value =
                serde_json::from_slice(&fs::read(project.stored(&format!("{name}.json"))).must("a manifest"))
                    .must("JSON");
            for peer in ["./vendor.git", "origin", "inside"] {
                let line = json!({"at": "2026-11-20T00:00:00.000Z", "operation": "pull", "snapshot": manifest["id"], "name": name, "user": "x", "host": "y", "peer": peer});
                log += &format!("{line}\n");
            }
        }
        fs::write(project.stored("log.jsonl"), log).must("a log");
        // Last: from here on the tests' own git would run into it.
        let config = git_dir.join("config");
        let more = "[include]\n\tpath = ../traps/included\n[includeIf \"gitdir:**\"]\n\tpath = ../traps/conditional\n\
            [core]\n\thooksPath = .husky\n[extensions]\n\tworktreeConfig = true\n";
        let text = fs::read_to_string(&config).must("a configuration");
        fs::write(&config, text + more).must("a configuration");
        let included = fs::read_to_string(project.path("traps/included")).must("a file");
        fs::write(project.path("traps/included"), included + "[core]\n\thooksPath = .husky\n").must("a file");
        for file in ["x.evil", "y.long", "module/s.evil"] {
            // As long as what is committed: git has to look into it.
            project.write(file, "six\n");
        }
    }

    fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let (root, client) = (self.project.root(), self.project.home.path().join("client"));
        fs::create_dir_all(&client).must("a folder");
        fs::write(client.join("claude"), "#!/usr/bin/env sh\nexit 0\n").must("a client");
        fs::set_permissions(client.join("claude"), fs::Permissions::from_mode(0o755)).must("a mode");
        let safe = std::env::var("PATH").unwrap_or_default();
        let mut command = self.project.command(folder, arguments);
        command.env(
            "PATH",
            format!(".::{0}:{0}/bin-of-project:bin:{1}:{safe}", root.display(), client.display()),
        );
        command.env("SNAP_RETRY_TIMES", "1").env("GIT_SSH_COMMAND", "false");
        command
    }

    /// Fails if anything has run.
    #[track_caller]
    fn unmarked(&self, after: &str) {
        let marks: BTreeSet<String> = fs::read_dir(&self.marks)
            .must("the marks")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        assert!(marks.is_empty(), "{after} ran {marks:?}");
    }
}

/// The commands that there are, by the command line's own source.
fn commands() -> Vec<String> {
    let source = include_str!("../../src/cli/args.rs");
    let body = source.split("enum Command {\n").nth(1).must("the commands");
    let body = body.split("\n}").next().must("their end");
    let variants =
        body.lines().filter_map(|line| line.trim().split_once('(').filter(|_| !line.contains('#')));
    variants.map(|(name, _)| name.to_lowercase()).collect()
}

/// How each command is tried.
fn ways(command: &str) -> Vec<Vec<&'static str>> {
    let all: &[&[&str]] = match command {
        "save" => &[&["save"], &["save", "again"], &["save", "signed", "--sign"]],
        "link" => &[&["link", "one"], &["link", "one", "--remove"]],
        "list" => &[
            &["list"],
            &["list", "--tree"],
            &["list", "--remote", "inside"],
            &["list", "--remote", "origin"],
            &["list", "--remote", "helped"],
            &["list", "--remote", "programmed"],
            &["list", "--remote", "./vendor.git"],
            &["list", "--remote", "https://nowhere.invalid/x"],
        ],
        "status" => &[&["status"], &["status", "--short"]],
        "show" => &[&["show", "one"], &["show", "one", "--talk"]],
        "diff" => &[&["diff", "one"], &["diff", "one", "two"]],
        "view" => &[&["view", "one"]],
        "demo" => &[&["demo"]],
        "resume" => &[
            &["resume", "one", "--no-run"],
            &["resume", "one", "--trust", "--merge"],
            &["resume", "one", "--trust", "--fetch-base", "--no-run"],
            &["resume", "one", "--trust", "--worktree", "beside", "--no-run"],
            &["resume", "one", "--dry-run"],
        ],
        "rewind" => &[
            &["rewind", "one", "--no-run"],
            &["rewind", "one", "--trust", "--reset-branch", "--no-input"],
            &["rewind", "two", "--trust"],
        ],
        "undo" => &[&["undo", "--trust"]],
        "redo" => &[&["redo", "--trust"]],
        "prune" => &[&["prune", "--keep-last", "100"], &["prune", "--remote", "inside", "--keep-last", "1"]],
        "pin" => &[&["pin", "one"]],
        "unpin" => &[&["unpin", "one"]],
        "init" => &[&["init"]],
        "hook" => &[&["hook", "PreToolUse"], &["hook"]],
        "export" => &[&["export", "one", "-o", "out.snap"]],
        "report" => {
            &[&["report", "one", "-o", "one.html"], &["report", "one", "two", "--format", "markdown"]]
        }
        "import" => &[&["import", "out.snap"]],
        "push" => &[
            &["push", "inside", "one"],
            &["push", "origin", "one"],
            &["push", "helped", "one"],
            &["push", "programmed", "one"],
            &["push", "./vendor.git", "one"],
            &["push", "vendor.git/../vendor.git", "one"],
        ],
        "pull" => &[&["pull", "inside"], &["pull", "programmed"], &["pull", "./vendor.git"]],
        "log" => &[&["log"], &["log", "--remote"], &["log", "--remote", "./vendor.git"]],
        "sync" => &[
            &["init", "--local", "--sync", "inside"],
            &["init", "--local", "--sync", "./vendor.git"],
            &["init", "--local", "--sync", "programmed"],
            &["init", "--local", "--sync", "origin"],
            &["sync"],
            &["sync", "--now"],
            &["sync", "--withdraw"],
        ],
        "space" => &[&["space"], &["space", "--remote", "inside"], &["space", "--remote", "./vendor.git"]],
        "follow" => {
            &[&["follow", "ada/x", "--once"], &["follow", "ada/x", "--once", "--remote", "programmed"]]
        }
        "branch" => &[&["branch", "line"], &["branch"]],
        "merge" => &[
            &["merge", "one", "--dry-run"],
            &["merge", "one", "--trust", "--no-input"],
            &["merge", "two", "--trust", "--no-input"],
        ],
        "close" => &[&["close", "one", "-m", "over"]],
        "reopen" => &[&["reopen", "one"]],
        "doctor" => &[&["doctor"], &["doctor", "--all"], &["doctor", "--fix", "--strip-images"]],
        "lease" => &[
            &["lease", "--", "inside", "0123456789abcdef0123456789abcdef"],
            &["lease", "--here", "--", "./vendor.git", "0123456789abcdef0123456789abcdef"],
        ],
        "verify" => &[&["verify"], &["verify", "--repair"]],
        "config" => &[&["config"], &["config", "--json"]],
        "completions" => &[&["completions", "bash"]],
        "man" => &[&["man"]],
        // Last, as it takes away what the others need.
        "rm" => &[&["rm", "two"], &["rm", "--remote", "inside", "one"]],
        other => panic!("say how `snap {other}` is tried in a project full of traps"),
    };
    all.iter().map(|words| words.to_vec()).collect()
}

/// Runs every command in a trapped project, and fails at the first mark.
fn tried(own: bool) {
    let trapped = Trapped::new(own);
    let linked = trapped.project.home.path().join("linked");
    let event = json!({
        "session_id": ID, "cwd": trapped.project.root(), "hook_event_name": "PreToolUse",
        "tool_name": "Bash", "transcript_path": "", "tool_input": {
            "command": "rm -rf module x.evil; cp -r module/. .; git stash drop; git branch -D x; rm -rf .git",
        },
    });
    let mut names = commands();
    names.sort_by_key(|name| name == "rm");
    for words in names.iter().flat_map(|name| ways(name)) {
        let after = format!("`snap {}` (own: {own})", words.join(" "));
        for folder in [trapped.project.root(), &linked] {
            if folder == linked && !matches!(words[0], "save" | "resume" | "rewind" | "diff" | "push") {
                continue;
            }
            let mut command = trapped.command(folder, &words);
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
            let mut child = command.spawn().must("snap");
            let mut stdin = child.stdin.take().must("its input");
            // Most take no input.
            std::io::Write::write_all(&mut stdin, event.to_string().as_bytes()).ok();
            drop(stdin);
            let ended = child.wait_with_output().must("its end");
            let said = String::from_utf8_lossy(&ended.stderr);
            let code = ended.status.code();
            // A view wants a terminal, which comes next.
            assert!(code.is_some_and(|code| code < 70 && code != 2 || words[0] == "view"), "{after}: {said}");
            trapped.unmarked(&format!("{after} in {}", folder.display()));
        }
        for typed in ["q", "y\ny\ny\ny\nq"] {
            answering_on_terminal(&mut trapped.command(trapped.project.root(), &words), typed);
            trapped.unmarked(&format!("{after} on a terminal, answered {typed:?}"));
        }
    }
    // Nothing stays of what git was given for the repository's own folder, the client's start included.
    let tmp = trapped.project.home.path().join("tmp");
    let left = || fs::read_dir(&tmp).must("the folder for what passes").count();
    eventually("the end of what works in the background", || left() == 0);
    trapped.unmarked("something that was left behind");
}

#[test]
fn no_program_of_a_project_runs_whatever_is_done_with_ones_own_snapshots() {
    tried(true);
}

#[test]
fn no_program_of_a_project_runs_whatever_is_done_with_somebody_elses_snapshots() {
    tried(false);
}

#[test]
fn the_traps_are_set() {
    let trapped = Trapped::new(true);
    let root = trapped.project.root();
    for words in [
        &["git", "status"][..],
        &["git", "commit", "-qm", "x", "--allow-empty"],
        &["git", "update-ref", "refs/x", "HEAD"],
        &["git", "fetch", "-q", "helped"],
        &["git", "push", "-q", "--no-verify", "inside", "HEAD"],
        &["git", "ls-remote", "programmed"],
    ] {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(root).env_clear();
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", trapped.project.home.path());
        command.output().must("git");
    }
    for mark in [
        "config.worktree:core.fsmonitor",
        "config.worktree:filter.evil.clean",
        "husky reference-transaction",
        "vendor pre-receive",
        "config:remote.programmed.url",
    ] {
        assert!(
            trapped.marks.join(mark).exists(),
            "{mark}: {:?}",
            fs::read_dir(&trapped.marks).must("marks").flatten().map(|e| e.file_name()).collect::<Vec<_>>()
        );
    }
}

/// A project with a filter that writes capitals into the repository, defined where `define` says.
fn filtered(define: impl Fn(&Project, &str, &str)) -> Project {
    let project = Project::new();
    for (name, program) in [("clean", "tr a-z A-Z"), ("smudge", "tr A-Z a-z")] {
        // The tests' git makes the first commit with it.
        project.git(&["config", &format!("filter.up.{name}"), program]);
        define(&project, &format!("filter.up.{name}"), program);
    }
    project.write(".gitattributes", "*.up filter=up\n");
    project.write("x.up", "quiet\n");
    // Older than the index: git need not look into it.
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3_600);
    fs::File::options()
        .write(true)
        .open(project.path("x.up"))
        .and_then(|file| file.set_modified(old))
        .must("a time");
    project.git(&["add", "."]);
    project.git(&["commit", "-q", "-m", "filtered"]);
    project
}

#[test]
fn a_filter_runs_if_the_users_own_configuration_has_it_or_trusts_the_repository() {
    let trusted = |project: &Project, _: &str, _: &str| {
        project.users_setting("snap.trustedRepository", utf8(project.root()));
    };
    for project in [filtered(|project, name, value| project.users_setting(name, value)), filtered(trusted)] {
        project.snap(&["save", "x"]).exits(0);
        project.write("x.up", "louder\n");
        project.snap(&["rewind", "x"]).exits(0);
        assert_eq!(project.read("x.up"), b"quiet\n");
        assert_eq!(project.git(&["status", "--porcelain"]), "");
    }
}

#[test]
fn a_file_that_needs_a_filter_of_the_repositorys_own_stays_as_it_is_and_is_named() {
    let project = filtered(|_, _, _| ());
    project.snap(&["save", "x"]).exits(0);
    project.write("x.up", "louder\n");
    project.write("a.txt", "edited\n");
    let planned = project.snap(&["rewind", "x", "--dry-run"]).exits(0);
    assert!(planned.stdout.contains("leave   x.up  needs the filter up"), "{}", planned.stdout);
    let done = project.snap(&["rewind", "x"]).exits(6);
    done.says(&["left as it is: x.up needs the filter up", "snap.trustedRepository"]);
    assert_eq!(
        (project.read("x.up"), project.read("a.txt")),
        (b"louder\n".to_vec(), b"one\ntwo\nthree\n".to_vec())
    );
    // What was edited is saved and comes back as it is on the disk: that needs no filter.
    project.snap(&["save", "y"]).exits(0);
    project.write("x.up", "loudest\n");
    project.snap(&["rewind", "y"]).exits(0);
    assert_eq!(project.read("x.up"), b"louder\n");
    // A new work tree has it as git's blob does.
    let made = project.snap(&["resume", "x", "--worktree", "beside", "--no-run"]).exits(6);
    made.says(&["x.up needs the filter up"]);
    assert_eq!(project.read(".claude/worktrees/beside/x.up"), b"QUIET\n");
}

#[test]
fn a_merge_driver_of_the_repositorys_own_is_not_run_and_the_plan_says_so() {
    let project = Project::new();
    project.write(".gitattributes", "*.txt merge=mine\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-q", "-m", "attributes"]);
    project.git(&["config", "merge.mine.driver", "touch ran; false"]);
    project.write("a.txt", "zero\none\ntwo\nthree\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "one\ntwo\nthree\nfour\n");
    project.snap(&["resume", "x", "--merge", "--no-run"]).exits(0).says(&["a.txt is merged as text", "mine"]);
    assert_eq!(project.read("a.txt"), b"zero\none\ntwo\nthree\nfour\n");
    assert!(!project.path("ran").exists());
}

#[test]
fn a_work_tree_that_only_the_repositorys_configuration_names_is_not_worked_in() {
    let project = Project::new();
    let home = project.home.path().to_owned();
    project.git(&["config", "core.worktree", utf8(&home)]);
    let refused: Ran = project.snap(&["save", "x"]).exits(3);
    refused.says(&["core.worktree", "snap.trustedRepository"]);
    assert!(!home.join(".claude/snapshots").exists() && !project.stored("").exists());
}

#[test]
fn edits_inside_a_submodule_are_seen_without_its_own_configuration() {
    let project = Project::new();
    for (folder, parent) in [("module", "."), ("module/inner", "module")] {
        project.git(&["init", "-q", folder]);
        project.write(format!("{folder}/file"), "one\n");
        project.git(&["-C", folder, "add", "."]);
        project.git(&["-C", folder, "commit", "-q", "-m", "first"]);
        if parent != "." {
            project.git(&["-C", parent, "add", "inner"]);
            project.git(&["-C", parent, "commit", "-q", "-m", "inner"]);
        }
    }
    project.git(&["add", "module"]);
    project.git(&["commit", "-q", "-m", "module"]);
    project.snap(&["save", "clean"]).exits(0);
    project.write("module/inner/file", "two\n");
    project.snap(&["save", "x"]).exits(6).says(&["not saved: module/ (a submodule with edits inside"]);
}

/// A colleague's project with a snapshot that was pulled; every contact with the remote leaves a mark.
fn watched() -> (Project, Project, PathBuf) {
    let (ada, remote) = with_remote();
    ada.write("a.txt", "one\n");
    ada.snap(&["save", "shared"]).exits(0);
    ada.snap(&["push"]).exits(0);
    let bob = colleague(&ada, &remote).of_another_user();
    bob.snap(&["pull"]).exits(0);
    let mark = bob.home.path().join("contacted");
    for (key, served) in [("uploadpack", "upload-pack"), ("receivepack", "receive-pack")] {
        let program = bob.home.path().join(key);
        fs::write(&program, format!("#!/bin/sh\n: >'{}'\nexec git {served} \"$1\"\n", mark.display()))
            .must("a program");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).must("a mode");
        bob.users_setting(&format!("remote.origin.{key}"), utf8(&program));
    }
    (ada, bob, mark)
}

#[test]
fn no_remote_is_contacted_before_somebody_has_agreed() {
    let (_ada, bob, mark) = watched();
    let patient = |arguments: &[&str]| {
        let mut command = bob.command(bob.root(), arguments);
        command.env("USER", "bob").env("SNAP_LEASE_MILLISECONDS", "60000");
        command
    };
    for words in [&["resume", "shared", "--no-run"][..], &["rewind", "shared", "--no-run"]] {
        ran(&mut patient(words)).exits(3);
        let said = answering_on_terminal(&mut patient(words), "n\n");
        assert!(said.contains("Restore it?"), "{said}");
        ran(&mut patient(&[words, &["--dry-run"]].concat())).exits(0);
        ran(&mut patient(&[words, &["--trust", "--offline"]].concat())).exits(0);
        assert!(!mark.exists(), "{words:?} has contacted the remote");
    }
    ran(&mut patient(&["resume", "shared", "--no-run", "--trust"])).exits(0);
    eventually("the look who works on it", || mark.exists());
}

#[test]
fn a_base_commit_is_not_fetched_before_somebody_has_agreed() {
    let (ada, bob, mark) = watched();
    ada.git(&["commit", "-q", "--allow-empty", "-m", "only here"]);
    ada.write("a.txt", "two\n");
    ada.snap(&["save", "newer"]).exits(0);
    ada.git(&["push", "-q", "origin", "HEAD"]);
    ada.snap(&["push", "origin", "newer"]).exits(0);
    bob.snap(&["pull"]).exits(0);
    fs::remove_file(&mark).must("the pull's mark");
    let fetching = ["resume", "newer", "--fetch-base", "--offline", "--no-run"];
    let fetching: Vec<&str> = fetching.into_iter().filter(|word| *word != "--offline").collect();
    bob.snap(&fetching).exits(3);
    let mut command = bob.command(bob.root(), &fetching);
    let said = answering_on_terminal(&mut command, "n\n");
    assert!(said.contains("Fetch it from origin?") && !mark.exists(), "{said}");
    bob.snap(&[&fetching[..], &["--trust"]].concat()).exits(0).says(&["Fetched the base commit"]);
    assert!(mark.exists());
}

#[test]
fn a_log_that_names_a_remote_sends_nothing_there() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "mine"]).exits(0);
    let id = project.snap(&["list", "--json"]).json()[0]["id"].as_str().must("an id").to_owned();
    let elsewhere = project.home.path().join("elsewhere.git");
    git_in(&project.home, project.home.path(), &["init", "-q", "--bare", utf8(&elsewhere)]);
    // As if it had been pushed there, and the snapshot is there.
    project.snap(&["push", utf8(&elsewhere)]).exits(0);
    fs::remove_dir_all(project.home.path().join(".local/state/snap/remotes")).must("the user's own notes");
    assert!(fs::read_to_string(project.stored("log.jsonl")).must("a log").contains(&id));
    let mut command = project.command(project.root(), &["rewind", "mine", "--no-run"]);
    ran(command.env("SNAP_LEASE_MILLISECONDS", "60000")).exits(0);
    let refs = git_in(&project.home, &elsewhere, &["for-each-ref", "refs/snapshot-leases"]);
    assert_eq!(refs, "");
}
