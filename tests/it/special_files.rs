//! Links, pipes and sockets in every place of a store, and where `snap` writes else: nothing gets out through them,
//! and nothing waits for them.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::support::project::{Project, files_below};
use crate::support::trace::{Scene, long};
use crate::support::watched::{inventory, snap, watched};
use crate::support::{Must, eventually};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// The places of a store, each a folder or a file that `snap` may look for; `AB` is the folder of an object, `OBJECT` it.
const PLACES: [&str; 24] = [
    "",
    "objects",
    "objects/.git",
    "objects/.git/HEAD",
    "objects/.git/objects",
    "objects/.git/refs",
    "objects/manifests",
    "objects/manifests/x.json",
    "objects/AB",
    "OBJECT",
    "tmp",
    "tmp/publish.lock",
    "tmp/scanned",
    "bases",
    "restoring",
    "restoring/0123456789abcdef0123456789abcdef.json",
    "damaged",
    ".gitignore",
    "lock",
    "log.jsonl",
    "x.json",
    "x.pin",
    "latest",
    "other.json",
];

/// What is put there.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    ToFolder,
    ToFile,
    ToNothing,
    Pipe,
    Socket,
}

/// The commands that come across a store; each is run in the state that those before it left.
const COMMANDS: [&[&str]; 17] = [
    &["list"],
    &["show", "x"],
    &["diff", "x", "--stat"],
    &["log"],
    &["verify"],
    &["save", "again"],
    &["resume", "x", "--no-run"],
    &["rewind", "x", "--no-session"],
    &["undo"],
    &["export", "x", "-o", "x.snap"],
    &["pin", "x"],
    &["unpin", "x"],
    &["hook", "PreToolUse"],
    &["rm", "again"],
    &["prune", "--keep-last", "1"],
    &["verify", "--repair"],
    &["save", "last"],
];

/// A project with two snapshots, objects, a log and a journal's folder, and files outside that a sweep would take.
fn arranged() -> Project {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", (0..900).map(|number| format!("line {number}\n")).collect::<String>());
    project.snap(&["save", "x"]).exits(0);
    project.write("new.txt", [7, 0, 9].repeat(5_000));
    project.snap(&["save", "other"]).exits(0);
    project.snap(&["rewind", "x", "--no-session"]).exits(0);
    let outside = project.home.path().join("outside");
    for name in ["thesis.tex", "x.json", "snap-tmp-old", ".gitignore", "deep/snap-scratch-old/thesis.tex"] {
        fs::create_dir_all(outside.join(name).parent().must("a parent")).must("a folder");
        fs::write(outside.join(name), "kept\n").must("a file");
    }
    let ids = ["0123456789abcdef0123456789abcdef.json".to_owned(), format!("{}.zst", "0".repeat(64))];
    for name in ids {
        fs::write(outside.join(name), "kept\n").must("a file");
    }
    for file in files_below(&outside) {
        let old = SystemTime::now() - Duration::from_secs(3 * 86_400);
        fs::File::open(&file).and_then(|file| file.set_modified(old)).must("to make it old");
    }
    project
}

/// Returns the path of a place in a store.
fn place(project: &Project, name: &str) -> std::path::PathBuf {
    let object = project.objects().into_iter().next().must("an object");
    match name {
        "objects/AB" => object.parent().must("a folder").to_owned(),
        "OBJECT" => object,
        "" => project.path(".claude/snapshots"),
        _ => project.stored(name),
    }
}

/// Puts something in a place, whatever is there now.
fn put(path: &Path, kind: Kind, outside: &Path) {
    if path.is_dir() && !path.is_symlink() {
        fs::remove_dir_all(path).must("to remove it");
    } else if path.symlink_metadata().is_ok() {
        fs::remove_file(path).must("to remove it");
    }
    fs::create_dir_all(path.parent().must("a parent")).must("the folder above");
    match kind {
        Kind::ToFolder => symlink(outside, path).must("a link"),
        Kind::ToFile => symlink(outside.join("thesis.tex"), path).must("a link"),
        Kind::ToNothing => symlink(outside.join("new"), path).must("a link"),
        Kind::Pipe => assert!(Command::new("mkfifo").arg(path).status().must("mkfifo").success()),
        // Bound where the path is short, then moved: a socket's address has few bytes.
        Kind::Socket => {
            let near = tempfile::tempdir().must("a folder");
            let _gone_with_its_listener = UnixListener::bind(near.path().join("s")).must("a socket");
            fs::rename(near.path().join("s"), path).must("to move it");
        }
    }
}

/// Puts something in each place in turn, and runs every command; of several kinds another one in each place, or in the
/// long form all.
fn try_everywhere(kinds: &[Kind]) {
    let scene = Scene::of(arranged());
    let project = &scene.project;
    for (number, name) in PLACES.iter().enumerate() {
        let kinds = if long() { kinds } else { &kinds[number % kinds.len()..][..1] };
        for kind in kinds {
            scene.reset();
            let outside = project.home.path().join("outside");
            let before = inventory(&outside);
            put(&place(project, name), *kind, &outside);
            for arguments in COMMANDS {
                let what = format!("{kind:?} for {name:?}, snap {arguments:?}");
                let mut command = project.command(project.root(), arguments);
                let ran = watched(&mut command, &what);
                assert!(matches!(ran.code, 0..=7), "{what}: exit {}\n{}", ran.code, ran.stderr);
                assert_eq!(inventory(&outside), before, "{what}\n{}", ran.stderr);
            }
        }
    }
}

#[test]
fn a_link_in_any_place_of_a_store_leads_nowhere() {
    try_everywhere(&[Kind::ToFolder, Kind::ToFile, Kind::ToNothing]);
}

#[test]
fn a_pipe_or_socket_in_any_place_of_a_store_is_waited_for_by_no_command() {
    try_everywhere(&[Kind::Pipe, Kind::Socket]);
}

#[test]
fn a_part_of_the_store_that_is_a_link_is_named_with_what_to_do() {
    let scene = Scene::of(arranged());
    let project = &scene.project;
    for name in ["bases", "restoring", "log.jsonl", "objects/.git", "lock", ".gitignore"] {
        scene.reset();
        put(&place(project, name), Kind::ToFolder, &project.home.path().join("outside"));
        for command in [&["save", "again"][..], &["prune", "--keep-last", "9"], &["list"]] {
            snap(project, command).exits(3).says(&[name, "it is a symbolic link", "hint: "]);
        }
        fs::remove_file(place(project, name)).must("to remove it");
        snap(project, &["save", "again"]).exits(0);
    }
}

#[test]
fn pipes_in_the_clients_folder_hold_up_no_hook() {
    let project = arranged();
    let own = project.home.config().join("snap");
    for path in [own.join(format!("{ID}.jsonl")), project.home.config().join("snap-hooks.log")] {
        put(&path, Kind::Pipe, Path::new(""));
    }
    for event in ["PermissionRequest", "Stop", "SubagentStop", "PreToolUse", "NextMonth"] {
        let input = serde_json::json!({"session_id": ID, "cwd": project.root(), "hook_event_name": event,
            "tool_name": "Bash", "tool_input": {"command": "rm -rf a"}, "session_crons": [], "background_tasks": []});
        let file = project.home.path().join("tmp/input");
        fs::write(&file, input.to_string()).must("a file");
        let mut command = Command::new("sh");
        let plain = project.command(project.root(), &["hook", event]);
        command.current_dir(project.root()).env_clear();
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
            .args(["-c", "exec \"$0\" hook \"$1\" < \"$2\""])
            .arg(plain.get_program())
            .arg(event)
            .arg(&file);
        watched(&mut command, event).exits(0);
    }
}

#[test]
fn init_writes_through_no_link_of_a_project_and_into_no_pipe() {
    for (name, kind) in [
        (".claude", Kind::ToFolder),
        (".claude/settings.json", Kind::ToFile),
        (".claude/settings.json", Kind::ToNothing),
        (".claude/settings.json", Kind::Pipe),
        (".claude/commands", Kind::ToFolder),
        (".claude/commands", Kind::ToNothing),
        (".claude/commands/snapshot.md", Kind::ToFile),
        (".claude/commands/snapshot.md", Kind::ToNothing),
        (".claude/commands/snapshot.md", Kind::Socket),
    ] {
        let project = Project::new();
        let outside = project.home.path().join("outside");
        fs::create_dir_all(&outside).must("a folder");
        fs::write(outside.join("thesis.tex"), "{}\n").must("a file");
        fs::write(outside.join("settings.json"), "{}\n").must("a file");
        put(&project.path(name), kind, &outside);
        let before = inventory(&outside);
        for command in [&["init"][..], &["init", "--dry-run"], &["init", "--remove"]] {
            let ran = snap(&project, command);
            assert_eq!(ran.code, 3, "{kind:?} for {name}, {command:?}: {}", ran.stderr);
            assert_eq!(inventory(&outside), before, "{kind:?} for {name}, {command:?}");
        }
    }
}

#[test]
fn the_users_own_folders_may_be_links_and_sessions_come_back_into_them() {
    let project = Project::new();
    let config = project.home.config();
    let elsewhere = project.home.path().join("other disk");
    for name in ["projects", "tasks", "file-history", "plans", "todos"] {
        fs::create_dir_all(elsewhere.join(name)).must("a folder");
        fs::create_dir_all(&config).must("a folder");
        symlink(elsewhere.join(name), config.join(name)).must("a link");
    }
    let transcript = project.session(ID);
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["resume", "x", "--fork", "--no-run"]).exits(0).says(&["as a new session"]);
    let folder = transcript.parent().must("a folder");
    let transcripts = fs::read_dir(folder).must("a folder").flatten().filter(|one| one.path().is_file());
    assert_eq!(transcripts.count(), 2, "the session, and the one that came back beside it");
    assert!(config.join("projects").is_symlink(), "the user's link stays");
    fs::remove_dir_all(elsewhere.join("tasks")).must("to remove");
    fs::remove_file(config.join("tasks")).must("to remove");
    project.snap(&["resume", "x", "--no-run"]).exits(0);
    assert!(config.join("tasks").is_dir(), "what is not there is made");
    // Below them, nothing is: a session's folder that leads elsewhere.
    let outside = project.home.path().join("outside");
    fs::create_dir(&outside).must("a folder");
    fs::remove_dir_all(folder).must("to remove");
    symlink(&outside, folder).must("a link");
    snap(&project, &["resume", "x", "--no-run"]).exits(7).says(&["Cannot write"]);
    assert_eq!(files_below(&outside), Vec::<std::path::PathBuf>::new());
}

/// A project whose git waits for ever when a restore makes the index, and a restore that waits for it.
fn stuck() -> (Project, std::process::Child) {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.git(&["add", "a.txt"]);
    // What is only announced to the index is noted there by git.
    project.write("new.txt", "new\n");
    project.git(&["add", "--intent-to-add", "new.txt"]);
    project.snap(&["save", "x"]).exits(0);
    project.git(&["reset", "-q", "--hard"]);
    let tools = project.home.path().join("tools");
    let (reached, never) = (tools.join("reached"), tools.join("never"));
    fs::create_dir(&tools).must("a folder");
    assert!(Command::new("mkfifo").arg(&never).status().must("mkfifo").success());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let real = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file());
    let script = format!(
        "#!/bin/sh\nif [ -e .claude/snapshots/restoring/*.json ]; then touch '{}'; exec cat '{}'; fi\nexec '{}' \"$@\"\n",
        reached.display(),
        never.display(),
        real.must("git").display(),
    );
    fs::write(tools.join("git"), script).must("a script");
    fs::set_permissions(tools.join("git"), fs::Permissions::from_mode(0o755)).must("a mode");
    let mut command = project.command(project.root(), &["rewind", "x", "--no-session"]);
    let mut folders = vec![tools];
    folders.extend(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders).must("a path"));
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    eventually("git is waited for", || reached.exists());
    (project, child.must("to run snap"))
}

/// Lets go whoever waits for the pipe of a stuck git.
fn let_go(project: &Project) {
    let never = project.home.path().join("tools/never");
    drop(fs::OpenOptions::new().read(true).write(true).open(never).must("the pipe"));
}

#[test]
fn a_signal_ends_a_restore_that_waits_for_ever_and_the_next_command_takes_it_back() {
    for signals in [1, 2] {
        let (project, mut child) = stuck();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).must("a signal");
        if signals == 2 {
            // The first has to be seen before the second is sent: the same two at once are one.
            std::thread::park_timeout(Duration::from_millis(500));
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).must("a signal");
        }
        let (sender, ended) = std::sync::mpsc::channel();
        let waits = std::thread::spawn(move || {
            let status = child.wait().must("its end");
            sender.send(()).ok();
            status
        });
        let in_time = ended.recv_timeout(Duration::from_secs(60)).is_ok();
        if !in_time {
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).must("to kill it");
        }
        let status = waits.join().must("its end");
        assert!(in_time, "{signals} signals did not end it: {status}");
        let_go(&project);
        project.snap(&["save", "after"]).exits(0).says(&["was interrupted; everything is as before it"]);
        assert_eq!(project.read("a.txt"), b"one\ntwo\nthree\n");
        assert!(!project.path(".git/index.lock").exists());
    }
}

#[test]
fn a_pipe_in_the_place_of_a_file_of_rules_below_the_root_is_named_and_not_waited_for() {
    for name in ["sub/.gitignore", "sub/deep/.gitattributes"] {
        let project = Project::new();
        project.write("sub/deep/new", "new\n");
        let pipe = project.path(name);
        assert!(Command::new("mkfifo").arg(&pipe).status().must("mkfifo").success());
        project.git(&["update-index", "--refresh"]);
        let ran = project.snap(&["save", "x"]);
        if name.ends_with(".gitignore") {
            ran.exits(3).says(&[name, "is a pipe"]);
        }
    }
}
