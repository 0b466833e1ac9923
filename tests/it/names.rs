//! The two names of the program, and another program that has the short one: hooks and people get the right one.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::hooks::{bin, hook_with, settle};
use crate::support::Must;
use crate::support::api::{Reply, StandIn};
use crate::support::client::{Client, NEWEST};
use crate::support::project::{Project, Ran, ran};
use crate::support::screen::{self, Screen};

with_the_newest_client! {
    hooks_and_plugin_find_the_program_where_another_snap_comes_first
    the_plugin_without_the_program_says_how_to_install_it
}

/// Where the hooks of `init` find the program, below a home.
const FOUND_BY_HOOKS: [&str; 3] = [".local/bin/claude-snap", ".cargo/bin/claude-snap", ".cargo/bin/snap"];

/// Where the plugin finds it too.
const FOUND_BY_THE_PLUGIN: [&str; 7] = [
    ".npm-global/bin/claude-snap",
    ".nvm/versions/node/v22.1.0/bin/claude-snap",
    ".volta/bin/claude-snap",
    ".local/share/pnpm/claude-snap",
    ".bun/bin/claude-snap",
    "bin/claude-snap",
    "npm here/bin/claude-snap",
];

/// Makes a program of a script.
fn program(path: &Path, script: &str) {
    fs::create_dir_all(path.parent().must("a parent")).must("a folder");
    fs::write(path, format!("#!/bin/sh\n{script}\n")).must("a program");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).must("a mode");
}

/// A folder with a program that has our short name and is another one, as snapd's; it leaves a file where it was called.
fn snapd(project: &Project) -> PathBuf {
    let folder = project.home.path().join("snapd");
    let called = project.home.path().join("snapd was called");
    program(
        &folder.join("snap"),
        &format!("echo \"$@\" >>'{}'; echo 'error: unknown command' >&2; exit 2", called.display()),
    );
    folder
}

fn snapd_was_called(project: &Project) -> bool {
    project.home.path().join("snapd was called").exists()
}

/// The programs that a shell needs, and nothing of ours.
fn bare(project: &Project) -> PathBuf {
    let folder = project.home.path().join("bare");
    if !folder.exists() {
        fs::create_dir(&folder).must("a folder");
        for program in ["cat", "grep"] {
            symlink(Path::new("/bin").join(program), folder.join(program)).must("a program");
        }
    }
    folder
}

/// The command of a hook, of `init` or of the plugin.
fn line_of(hooks: &Value, event: &str) -> String {
    hooks["hooks"][event][0]["hooks"][0]["command"].as_str().must("a command").to_owned()
}

fn plugin() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".claude/plugins/snap")
}

fn hooks_of_plugin() -> Value {
    serde_json::from_slice(&fs::read(plugin().join("hooks/hooks.json")).must("the plugin's hooks"))
        .must("JSON")
}

fn hooks_of_init() -> Value {
    let project = Project::new();
    project.snap(&["init"]).exits(0);
    serde_json::from_slice(&project.read(".claude/settings.json")).must("JSON")
}

/// Runs the command of a hook as the client does.
fn call(project: &Project, line: &str, path: &[&Path], input: &Value) -> Ran {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", line]).current_dir(project.root()).env_clear().env("HOME", project.home.path());
    shell.env("PATH", std::env::join_paths(path).must("a PATH")).env("CLAUDE_PLUGIN_ROOT", plugin());
    hook_with(shell, input.to_string().as_bytes())
}

#[test]
fn hooks_find_the_program_wherever_it_was_installed_and_never_call_another_one() {
    let (init, plugin) = (hooks_of_init(), hooks_of_plugin());
    for (hooks, places) in [
        (&init, FOUND_BY_HOOKS.to_vec()),
        (&plugin, [&FOUND_BY_HOOKS[..], &FOUND_BY_THE_PLUGIN[..]].concat()),
    ] {
        for place in places {
            let project = Project::empty();
            let own = project.home.path().join(place);
            program(&own, "echo \"ours: $*\"; exit 3");
            if place.starts_with("npm here") {
                let prefix = project.home.path().join("npm here");
                fs::write(
                    project.home.path().join(".npmrc"),
                    format!("fund=false\nprefix={}", prefix.display()),
                )
                .must("npm's settings");
            }
            let path = [snapd(&project), bare(&project)];
            let path: Vec<&Path> = path.iter().map(PathBuf::as_path).collect();
            let said = call(&project, &line_of(hooks, "Stop"), &path, &json!({})).exits(0);
            assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("ours: hook Stop\n", ""), "{place}");
            assert!(!snapd_was_called(&project), "{place}");
            // On the PATH, it is found first.
            let first = project.home.path().join("first");
            program(&first.join("claude-snap"), "echo first");
            let said =
                call(&project, &line_of(hooks, "Stop"), &[path[0], &first, path[1]], &json!({})).exits(0);
            assert_eq!(said.stdout, "first\n", "{place}");
        }
    }
}

#[test]
fn without_the_program_hooks_are_silent_and_only_the_plugin_says_how_to_install_it() {
    let project = Project::empty();
    // A plain file is no program.
    fs::create_dir_all(project.home.path().join(".cargo/bin")).must("a folder");
    fs::write(project.home.path().join(".cargo/bin/snap"), "no program").must("a file");
    let (snapd, bare) = (snapd(&project), bare(&project));
    let (init, plugin) = (hooks_of_init(), hooks_of_plugin());
    let ask = json!({"prompt": "/snap:snapshot list"});
    for (hooks, event, input, words) in [
        (&init, "Stop", json!({}), None),
        (&init, "UserPromptSubmit", ask.clone(), None),
        (&plugin, "Stop", json!({}), None),
        (&plugin, "UserPromptSubmit", json!({"prompt": "what does \"prompt\":\"/snap:snapshot\" do?"}), None),
        (&plugin, "UserPromptSubmit", ask, Some("reason")),
        (&plugin, "SessionStart", json!({"source": "startup"}), Some("systemMessage")),
    ] {
        let said = call(&project, &line_of(hooks, event), &[&snapd, &bare], &input).exits(0);
        assert_eq!(said.stderr, "", "{event}");
        match words {
            None => assert_eq!(said.stdout, "", "{event} {input}"),
            Some(key) => {
                assert!(said.json()[key].as_str().must("a text").ends_with("npm install -g claude-snap"))
            }
        }
    }
    assert!(!snapd_was_called(&project));
    // A plugin whose folder is gone, as after an update, stops nothing.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &line_of(&plugin, "PreToolUse")]).env_clear().env("CLAUDE_PLUGIN_ROOT", "/nowhere");
    assert_eq!(hook_with(shell, b"{}").exits(0).stderr, "");
}

#[test]
fn a_short_name_on_the_path_is_called_if_it_is_this_program() {
    let own = Path::new(env!("CARGO_BIN_EXE_snap"));
    for hooks in [hooks_of_init(), hooks_of_plugin()] {
        let project = Project::empty();
        let folder = project.home.path().join("my programs");
        fs::create_dir(&folder).must("a folder");
        symlink(own, folder.join("snap")).must("a link");
        let input = json!({"session_id": "x", "cwd": project.root(), "prompt": "/snapshot help"});
        let line = line_of(&hooks, "UserPromptSubmit");
        let said = call(&project, &line, &[&folder, &bare(&project)], &input).exits(0);
        assert!(said.stdout.contains("/snapshot save"), "{}{}", said.stdout, said.stderr);
    }
}

/// Runs the program under a name, with a `PATH`.
fn named(project: &Project, name: &str, arguments: &[&str], path: &[&Path]) -> Ran {
    let mut command = project.command(project.root(), arguments);
    let usual = std::env::var_os("PATH").must("a PATH");
    let all = path.iter().map(|folder| folder.to_path_buf()).chain(std::env::split_paths(&usual));
    command.env("PATH", std::env::join_paths(all).must("a PATH")).arg0(name);
    ran(&mut command)
}

#[test]
fn what_is_to_be_typed_begins_with_the_name_that_was_typed() {
    let project = Project::new();
    project.snap(&["save", "one"]).exits(0);
    let bin = bin(&project);
    let long = |arguments: &[&str]| named(&project, "/usr/bin/claude-snap", arguments, &[&bin]);
    let help = long(&["--help"]).exits(0).stdout;
    assert!(help.contains("Usage: claude-snap ") && help.contains("\n  claude-snap list  "), "{help}");
    assert!(!help.contains(" snap ") && !help.contains("`snap "), "{help}");
    assert!(long(&["help", "completions"]).exits(0).stdout.contains("Usage: claude-snap completions"));
    long(&["show", "two"]).exits(3).says(&["`claude-snap list`"]);
    long(&["version"]).exits(2).says(&["`claude-snap --version`"]);
    long(&["list", "--nope"]).exits(2).says(&["Usage: claude-snap list "]);
    long(&["init", "--local"]).exits(0).says(&["`claude-snap init --remove --local`"]);
    assert!(long(&["--version"]).exits(0).stdout.starts_with("claude-snap 0."));
    let page = long(&["man", "save"]).exits(0).stdout;
    assert!(page.contains(".TH claude-snap-save 1"), "{page}");
    for (name, function) in [("claude-snap", "_clap_complete_claude_snap"), ("snap", "_clap_complete_snap")] {
        let script = named(&project, name, &["completions", "bash"], &[]).exits(0).stdout;
        assert!(script.contains(&format!("{function} {name}\n")) && script.contains(function), "{script}");
    }
    // Wherever a text names a command: what is in the trash, why something is kept, what a setting is for.
    project.write("a.txt", "edited\n");
    project.write("part/of.txt", "another repository\n");
    project.git(&["init", "-q", "part"]);
    project.snap(&["save", "gone"]);
    let shown = long(&["show", "gone"]).exits(0).stdout;
    assert!(!shown.contains("`snap"), "{shown}");
    project.snap(&["rewind", "one"]);
    project.snap(&["rm", "gone"]).exits(0);
    for arguments in [
        &["status"][..],
        &["list", "-a"],
        &["prune", "--keep-last", "1", "--dry-run"],
        &["config"],
        &["undo", "--dry-run"],
        &["resume", "one", "--dry-run"],
        &["log"],
        &["doctor"],
        &["verify"],
    ] {
        let Ran { stdout, stderr, .. } = long(arguments);
        assert!(!stdout.contains("`snap") && !stderr.contains("`snap"), "{arguments:?}: {stdout}{stderr}");
    }
    let short = project.snap(&["show", "two"]).exits(3);
    assert!(
        short.stderr.contains("`snap list`") && !short.stderr.contains("claude-snap"),
        "{}",
        short.stderr
    );
}

#[test]
fn status_and_init_say_which_program_has_the_short_name_and_what_hooks_call() {
    let project = Project::new();
    let (other, own) = (snapd(&project), bin(&project));
    let status = |path: &[&Path]| named(&project, "claude-snap", &["status", "--json"], path).exits(0).json();
    let of = |path: &[&Path]| {
        let all = status(path)["problems"].as_array().must("problems").clone();
        all.iter()
            .map(|problem| format!("{}: {}", problem["what"], problem["mend"]))
            .collect::<Vec<_>>()
            .join("\n")
    };
    named(&project, "snap", &["init", "--local"], &[&own]).exits(0);
    let good = status(&[&own])["program"].clone();
    assert_eq!((&good["first_is_this"], &good["called"]), (&json!(true), &json!(own.join("claude-snap"))));
    let hidden = status(&[&other, &own])["program"].clone();
    assert_eq!((&hidden["first_is_this"], &hidden["first"]), (&json!(false), &json!(other.join("snap"))));
    assert_eq!((of(&[&own]), of(&[&other, &own])), (String::new(), String::new()), "that is no problem");
    let shown = named(&project, "claude-snap", &["status"], &[&other, &own]).exits(0).stdout;
    assert!(shown.contains("is the first `snap` on the PATH: type `claude-snap`"), "{shown}");
    // A command of snapd's, typed to ours.
    named(&project, "snap", &["install", "x"], &[&own, &other])
        .exits(2)
        .says(&["snapd/snap is another program"]);
    // By the short name alone it is found too; if that is another program, it is not.
    let alone = project.home.path().join("alone");
    fs::create_dir(&alone).must("a folder");
    symlink(env!("CARGO_BIN_EXE_snap"), alone.join("snap")).must("a link");
    assert_eq!(of(&[&alone]), "");
    let help = "put the folder of this program on the PATH";
    assert!(of(&[&other]).contains(help), "{}", of(&[&other]));
    named(&project, "snap", &["init"], &[&other]).exits(0).says(&[help]);
    // An earlier version wrote hooks that call the short name.
    let old =
        r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "snap hook Stop || exit 0"}]}]}}"#;
    project.write(".claude/settings.local.json", old);
    assert!(of(&[&own]).contains("`snap init --local` renews them"), "{}", of(&[&own]));
}

#[test]
fn a_hook_tells_the_name_by_which_a_shell_finds_the_program() {
    let project = Project::new();
    let (other, own) = (snapd(&project), bin(&project));
    for (path, name) in [(vec![&own], "snap"), (vec![&other, &own], "claude-snap")] {
        let mut command = project.command(project.root(), &["hook", "UserPromptSubmit"]);
        let rest = std::env::var_os("PATH").must("a PATH");
        let all = path.iter().map(|folder| (*folder).clone()).chain(std::env::split_paths(&rest));
        command.env("PATH", std::env::join_paths(all).must("a PATH"));
        let input = json!({"cwd": project.root(), "prompt": "/snapshot prune"});
        let said = hook_with(command, input.to_string().as_bytes()).exits(0).json();
        let said = said["reason"].as_str().must("a text").to_owned();
        assert!(said.contains(&format!("`{name} config`")), "{said}");
    }
}

/// What a program is called with, in the client's environment, with snapd's first on its `PATH`.
fn hooks_and_plugin_find_the_program_where_another_snap_comes_first(client: &Client) {
    let api = StandIn::start(|_| Reply::text("fine"));
    let plugin = plugin();
    let with_plugin = ["--plugin-dir", plugin.to_str().must("UTF-8")];
    for (arguments, prompt) in [(&[][..], "/snapshot save it"), (&with_plugin[..], "/snap:snapshot save it")]
    {
        let project = Project::new();
        if arguments.is_empty() {
            project.snap(&["init"]).exits(0);
        }
        let link = project.home.path().join(".local/bin/claude-snap");
        fs::create_dir_all(link.parent().must("a folder")).must("a folder");
        symlink(env!("CARGO_BIN_EXE_snap"), link).must("a link");
        let client = client.beside(&snapd(&project));
        let said = client.print(&project.home, project.root(), &api, arguments, prompt);
        assert!(said.status.success(), "{}\n{}", said.stdout, said.stderr);
        settle(&project);
        assert_eq!(api.requests().len(), 0, "no token is spent");
        project.snap(&["show", "it"]).exits(0);
        assert!(!snapd_was_called(&project), "{arguments:?}");
    }
}

fn the_plugin_without_the_program_says_how_to_install_it(client: &Client) {
    let project = Project::new();
    let api = StandIn::start(|_| Reply::text("fine"));
    let plugin = plugin();
    let client = client.beside(&snapd(&project));
    let arguments = ["--plugin-dir", plugin.to_str().must("UTF-8")];
    let said = client.print(&project.home, project.root(), &api, &arguments, "/snap:snapshot list");
    assert!(said.status.success(), "{}\n{}", said.stdout, said.stderr);
    assert_eq!(api.requests().len(), 0, "no token is spent");
    client.print(&project.home, project.root(), &api, &arguments, "hello").succeeded();
    let body = api.main()[0].body.to_string();
    assert!(!body.contains("claude-snap is missing"), "the model never hears of it");
    assert!(!snapd_was_called(&project));
}

#[test]
fn the_plugin_without_the_program_says_so_once_on_the_screen() {
    let Some(client) = Client::get(NEWEST) else { return };
    if !screen::available() {
        return;
    }
    let project = Project::new();
    let api = StandIn::start(|_| Reply::text("fine"));
    project.home.trust(&[project.root()]);
    let client = client.beside(&bare(&project));
    let plugin = plugin();
    let arguments = ["--plugin-dir", plugin.to_str().must("UTF-8")];
    let screen = Screen::of(&crate::interactive::claude(&client, &project, &api, &arguments));
    screen.shows("npm install -g claude-snap");
    screen.enter("/snap:snapshot list");
    screen.shows("operation blocked by hook");
    assert_eq!(api.requests().len(), 0);
}
