//! A store that came with a clone or a tarball: its journals, log, snapshots and pins do nothing by themselves, and
//! take the place of nothing that is the user's own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use claude_snap::base::digest::ObjectId;
use claude_snap::base::ids::SnapshotId;
use claude_snap::trust::Trust;
use serde_json::{Value, json};

use crate::hostile_cases::changed;
use crate::support::Must;
use crate::support::project::{Project, git_in};
use crate::support::trace::available;
use crate::support::watched::{inventory, snap, watched};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";
const RESTORE: &str = "0123456789abcdef0123456789abcdef";

/// A project with a snapshot `x`, and of the same user: documents, and another repository with two commits.
fn arranged() -> Project {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    let home = project.home.path();
    for name in
        ["Documents/thesis.tex", "other/a", "app/.snap-restore-0123456789abcdef0123456789abcdef/ready"]
    {
        fs::create_dir_all(home.join(name).parent().must("a parent")).must("a folder");
        fs::write(home.join(name), "kept\n").must("a file");
    }
    fs::write(project.path(format!(".snap-restore-{RESTORE}/old-0")), "evil\n").must("a file");
    let other = home.join("other");
    git_in(&project.home, &other, &["init", "-q", "-b", "main"]);
    for number in ["1", "2"] {
        git_in(&project.home, &other, &["commit", "-q", "--allow-empty", "-m", number]);
    }
    project
}

/// A journal as a restore of this project would have written it, but that nothing is to be done.
fn journal(project: &Project) -> Value {
    json!({"format": 3, "id": RESTORE, "safety": null, "root": project.root(), "object_format": "sha1",
           "line": {"at": "2026-11-20T00:00:00.000Z", "operation": "rewind", "name": "n", "user": "u", "host": "h"},
           "moves": [], "index": false, "session": null})
}

/// What a forged journal could say to do harm: what it tries, and the change.
fn harms(project: &Project) -> Vec<(&'static str, Value)> {
    let home = project.home.path();
    let git = |arguments: &[&str]| git_in(&project.home, &home.join("other"), arguments).trim().to_owned();
    let session = |token: &str, config: &Path| json!({"config": config, "cwd": project.root(), "id": ID, "places": [], "token": token});
    // A staging folder that is there, so that the rest of the name is walked from it.
    fs::create_dir_all(project.home.config().join("projects/snap-tmp-t")).must("a folder");
    fs::create_dir_all(home.join("x/projects/snap-tmp-t")).must("a folder");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut journal = journal(project);
        change(&mut journal);
        journal
    };
    let head = git_in(&project.home, project.root(), &["rev-parse", "HEAD"]).trim().to_owned();
    vec![
        (
            "removes a folder by its token",
            with(&|j| j["session"] = session("t/../../../../Documents", &project.home.config())),
        ),
        ("removes a folder of another client", with(&|j| j["session"] = session(RESTORE, &home.join("x")))),
        (
            "removes a transcript",
            with(&|j| {
                j["session"] = session(RESTORE, &project.home.config());
                j["session"]["continued"] = json!({"0": 0});
            }),
        ),
        (
            "moves a branch of another repository",
            with(&|j| {
                j["root"] = json!(home.join("other"));
                j["line"]["moved"] = json!({"branch": "main", "from": git(&["rev-parse", "HEAD~"]), "to": git(&["rev-parse", "HEAD"])});
            }),
        ),
        (
            "moves this branch",
            with(&|j| j["line"]["moved"] = json!({"branch": "main", "from": "0".repeat(40), "to": head})),
        ),
        (
            "gives git an option",
            with(&|j| j["line"]["moved"] = json!({"branch": "main", "from": "--help", "to": head})),
        ),
        (
            "puts a file in its place",
            with(&|j| {
                let oid = claude_snap::base::digest::GitHash::Sha1.blob_id(b"evil\n");
                j["moves"] = json!([{"path": "a.txt", "old": {"oid": oid, "mode": "100644"}, "new": null}]);
            }),
        ),
        ("is in a folder that is not there", with(&|j| j["root"] = json!("/nowhere/at/all"))),
        ("is in the root of everything", with(&|j| j["root"] = json!("/"))),
        ("is in a relative folder", with(&|j| j["root"] = json!("../other"))),
        ("has the index", with(&|j| j["index"] = json!(true))),
        ("is of an earlier version", with(&|j| j["format"] = json!(1))),
        ("is of a later version", with(&|j| j["format"] = json!(99))),
        ("is called something else", with(&|j| j["id"] = json!("f".repeat(32)))),
    ]
}

/// Everything that no journal may change: the user's other folders, the tree, the branch.
fn world(project: &Project) -> String {
    let home = project.home.path();
    let folders = ["Documents", "other", ".claude/projects", "x", "app/a.txt", "app/.git/refs/heads"];
    let all = folders.iter().map(|name| format!("{:#?}", inventory(&home.join(name))));
    all.collect::<String>() + &fs::read_to_string(project.path(".git/HEAD")).must("HEAD")
}

/// Writes a journal as private as `snap` itself would.
fn write_journal(project: &Project, text: &[u8]) -> std::path::PathBuf {
    let path = project.stored("restoring").join(format!("{RESTORE}.json"));
    fs::create_dir_all(path.parent().must("a parent")).must("a folder");
    fs::write(&path, text).must("a journal");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).must("a mode");
    path
}

/// Seals a journal as this user's `snap` would, for a store in this place.
fn sealed(project: &Project, store: &Path, journal: &Value) -> Vec<u8> {
    let trust = Trust::new(&project.home.path().join(".local/state/snap"));
    let line = journal.to_string();
    let place = store.as_os_str().as_encoded_bytes();
    let plan = ObjectId::of(line.as_bytes());
    let message = [&(place.len() as u64).to_le_bytes(), place, plan.as_bytes()].concat();
    let seal = |purpose: &str| trust.seal(purpose, &message).must("a seal");
    let (plan, decision) =
        (seal("2026-11-28 journal of a restore"), seal("2026-11-28 decision of a restore"));
    format!("{line}\nsealed {plan}\ndecided {decision}\n").into_bytes()
}

/// Runs the commands that look for journals: nothing is done, and none of them is held up.
fn does_nothing(project: &Project, path: &Path, what: &str, named: bool) {
    let before = world(project);
    for arguments in [
        &["save", "mine"][..],
        &["rm", "mine", "--now"],
        &["prune", "--keep-last", "9"],
        &["list"],
        &["verify"],
        &["undo"],
        &["hook", "PreToolUse"],
        &["pull"],
    ] {
        let ran = snap(project, arguments);
        let expected: &[i32] = match arguments[0] {
            // One that is not the user's is something wrong in the store.
            "verify" => &[0, 1],
            // What lies in the staging folder is named as left out.
            "save" => &[0, 6],
            // Nothing was restored, and there is no remote.
            "undo" | "pull" => &[2, 3, 7],
            _ => &[0],
        };
        assert!(expected.contains(&ran.code), "{what}, {arguments:?}: {}", ran.stderr);
        let says = ran.stderr.contains(RESTORE) && ran.stderr.contains("nothing was done about it");
        assert!(
            says || !named || matches!(arguments[0], "hook" | "verify"),
            "{what}, {arguments:?}: {}",
            ran.stderr
        );
        assert_eq!(world(project), before, "{what}, {arguments:?}");
        assert!(path.exists(), "{what}, {arguments:?}");
    }
}

#[test]
fn a_journal_without_the_users_seal_does_nothing_is_named_and_holds_up_no_command() {
    let project = arranged();
    let harms = harms(&project);
    let key = "0".repeat(64);
    for (what, journal) in &harms {
        for end in ["\n".to_owned(), "\ndecided\n".to_owned(), format!("\nsealed {key}\ndecided {key}\n")] {
            let path = write_journal(&project, format!("{journal}{end}").as_bytes());
            does_nothing(&project, &path, what, true);
        }
    }
    snap(&project, &["verify"]).exits(1);
    let ran = snap(&project, &["verify", "--repair"]).exits(0);
    assert!(ran.stdout.contains("quarantined"), "{}", ran.stdout);
    let said = snap(&project, &["save", "after"]).exits(6).stderr;
    assert!(!said.contains("looks like the journal"), "{said}");
}

#[test]
fn a_journal_that_is_no_journal_does_nothing_either() {
    let project = arranged();
    let whole = journal(&project).to_string();
    let deep = "[".repeat(100_000);
    for text in ["", "\n", "x", "{}\n", "null\nnull\nnull\n", &whole, &whole[..40], "\0\n", &deep] {
        harms(&project);
        let path = write_journal(&project, text.as_bytes());
        does_nothing(&project, &path, &text[..text.len().min(50)], true);
    }
    let path = write_journal(&project, b"");
    // As large as a journal may be, and nothing in it: it is read bit by bit.
    fs::OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(1 << 30)).must("a size");
    let plain = project.command(project.root(), &["save", "large"]);
    let mut bounded = std::process::Command::new("prlimit");
    bounded.args(["--as=536870912", "--"]).arg(plain.get_program()).args(plain.get_args());
    bounded.current_dir(project.root()).env_clear().env("MALLOC_ARENA_MAX", "1");
    bounded.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    watched(&mut bounded, "a sparse journal").exits(6).says(&[RESTORE]);
}

#[test]
fn even_with_the_users_seal_every_path_in_a_journal_must_be_one_of_this_place() {
    let project = arranged();
    let store = project.stored("");
    let store = store.canonicalize().must("the store");
    for (what, journal) in harms(&project) {
        // Those that are of this place are believed, and that is what a seal is for; so is one of a work tree that was
        // removed, and has no session.
        let believed = [
            "moves this branch",
            "puts a file in its place",
            "removes a transcript",
            "has the index",
            "is in a folder that is not there",
        ];
        if believed.contains(&what) {
            continue;
        }
        let path = write_journal(&project, &sealed(&project, &store, &journal));
        if what == "is of a later version" {
            snap(&project, &["save", "mine"]).exits(5).says(&["later version of snap"]);
            continue;
        }
        if what == "is of an earlier version" {
            continue;
        }
        does_nothing(&project, &path, what, true);
    }
}

#[test]
fn a_journal_that_was_copied_from_another_store_of_the_same_user_does_nothing() {
    let project = arranged();
    let (_, journal) = harms(&project).swap_remove(6);
    let elsewhere = project.home.path().join("elsewhere/.claude/snapshots");
    let path = write_journal(&project, &sealed(&project, &elsewhere, &journal));
    does_nothing(&project, &path, "a copy", true);
    let path =
        write_journal(&project, &sealed(&project, &project.stored("").canonicalize().must("it"), &journal));
    // In its own place, it is what a restore that was cut off leaves.
    snap(&project, &["save", "mine"]).exits(0).says(&["was interrupted"]);
    assert!(!path.exists());
}

#[test]
fn a_restore_that_was_cut_off_under_another_client_folder_waits_for_that() {
    if !available("a restore killed under another folder of the client's") {
        return;
    }
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "later\n");
    let inject = ["-e", "trace=renameat2", "-e", "inject=renameat2:signal=SIGKILL:when=4"];
    let (ran, _) = crate::support::trace::traced(&project, &inject, &["rewind", "x", "--no-run", "--fork"]);
    assert_eq!(ran.code, -1, "{}", ran.stderr);
    let other = project.home.path().join("profile");
    fs::create_dir(&other).must("a folder");
    let mut command = project.command(project.root(), &["list"]);
    let ran = watched(command.env("CLAUDE_CONFIG_DIR", &other), "list").exits(0);
    let config = format!("CLAUDE_CONFIG_DIR={}", project.home.config().display());
    assert!(ran.stderr.contains(&config), "{}", ran.stderr);
    project.snap(&["save", "after"]).exits(0).says(&["was interrupted"]);
    assert_eq!(project.read("a.txt"), b"later\n");
}

/// The lines of a project's log.
fn log(project: &Project) -> Vec<Value> {
    let text = fs::read_to_string(project.stored("log.jsonl")).must("a log");
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn write_log(project: &Project, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(project.stored("log.jsonl"), text).must("a log");
}

#[test]
fn undo_goes_by_no_line_of_the_log_that_is_not_proven_to_be_the_users() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "first\n");
    project.snap(&["rewind", "x"]).exits(0);
    project.write("a.txt", "second\n");
    project.snap(&["rewind", "x"]).exits(0);
    let (true_log, state) = (log(&project), project.state());
    let restores: Vec<Value> = true_log.iter().filter(|line| line["safety"].is_string()).cloned().collect();
    assert_eq!(restores.len(), 2);
    let commit = project.git(&["commit-tree", "HEAD^{tree}", "-m", "other"]).trim().to_owned();
    let head = project.git(&["rev-parse", "HEAD"]).trim().to_owned();
    type Change<'a> = &'a dyn Fn(&mut Value);
    let forged: [(&str, Change<'_>); 4] = [
        ("another safety snapshot", &|line| line["safety"] = restores[0]["safety"].clone()),
        ("a branch", &|line| line["moved"] = json!({"branch": "main", "from": commit, "to": head})),
        ("no safety snapshot", &|line| line["safety"] = Value::Null),
        ("a seal of another line", &|line| line["name"] = json!("other")),
    ];
    for (what, change) in forged {
        for seal in [true, false] {
            let mut line = restores[1].clone();
            change(&mut line);
            if !seal {
                line.as_object_mut().must("an object").remove("seal");
            }
            let mut lines = true_log.clone();
            lines.push(line.clone());
            write_log_as_it_was(&project, &true_log, &lines[true_log.len()..]);
            project.snap(&["undo"]).exits(0);
            assert_eq!(project.read("a.txt"), b"second\n", "{what}: the true last one was taken back");
            assert_eq!(project.git(&["rev-parse", "HEAD"]).trim(), head, "{what}");
            project.snap(&["redo"]).exits(0);
            assert_eq!(project.state(), state, "{what}");
            // Nothing but forged ones: asked for, whoever saved the safety snapshot, and no branch moves.
            write_log(&project, &[line]);
            project.snap(&["undo"]).exits(3);
            assert_eq!(
                (project.state(), project.git(&["rev-parse", "HEAD"])),
                (state.clone(), format!("{head}\n"))
            );
        }
    }
}

/// Puts the log back to what `snap` wrote, byte for byte as far as it matters, with more lines behind it.
fn write_log_as_it_was(project: &Project, kept: &[Value], more: &[Value]) {
    thread_local! {
        static KEPT: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    KEPT.with_borrow_mut(|bytes| {
        if bytes.is_empty() {
            assert_eq!(log(project).len(), kept.len());
            *bytes = fs::read(project.stored("log.jsonl")).must("a log");
        }
        let more: String = more.iter().map(|line| format!("{line}\n")).collect();
        fs::write(project.stored("log.jsonl"), [bytes.as_slice(), more.as_bytes()].concat()).must("a log");
    });
}

#[test]
fn a_log_of_another_store_of_the_same_user_is_no_history_of_this_one() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "later\n");
    project.snap(&["rewind", "x"]).exits(0);
    let moved = project.home.path().join("moved");
    let copied = std::process::Command::new("cp").arg("-a").arg(project.stored("")).arg(&moved).status();
    assert!(copied.must("cp").success());
    let store = moved.to_str().must("UTF-8");
    project.snap(&["undo", "--store", store]).exits(3).says(&["--trust"]);
    project.snap(&["undo"]).exits(0);
}

#[test]
fn a_log_that_is_huge_or_cut_off_in_a_line_costs_no_line_of_the_users() {
    let logs = [
        b"{\"at\":\"2026-11-20T00:0".to_vec(),
        b"\n\n\0\n".to_vec(),
        b"x".repeat(3 << 20),
        b"{}\n".repeat(600_000),
    ];
    for before in logs {
        let project = Project::new();
        project.write("a.txt", "saved\n");
        project.snap(&["save", "x"]).exits(0);
        fs::write(project.stored("log.jsonl"), &before).must("a log");
        project.write("a.txt", "later\n");
        project.snap(&["rewind", "x"]).exits(0);
        project.snap(&["undo"]).exits(0);
        assert_eq!(project.read("a.txt"), b"later\n", "{} bytes", before.len());
        assert!(fs::metadata(project.stored("log.jsonl")).must("a log").len() < 2 << 20);
    }
}

#[test]
fn a_line_of_the_log_says_for_nobody_what_a_snapshot_was_saved_after() {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "one\n");
    project.snap(&["save", "mine"]).exits(0);
    foreign(&project, "mine", "theirs", |_| ());
    let theirs = manifest(&project, "theirs")["id"].clone();
    let mut line = log(&project).pop().must("a line");
    line["snapshot"] = theirs;
    line.as_object_mut().must("an object").remove("seal");
    let mut text = fs::read_to_string(project.stored("log.jsonl")).must("a log");
    text += &format!("{line}\n");
    fs::write(project.stored("log.jsonl"), text).must("a log");
    project.write("a.txt", "two\n");
    project.snap(&["save", "next"]).exits(0);
    assert_eq!(manifest(&project, "next")["parent"], manifest(&project, "mine")["id"]);
}

fn manifest(project: &Project, name: &str) -> Value {
    let json = fs::read(project.stored(&format!("{name}.json"))).must("a manifest");
    serde_json::from_slice(&json).must("JSON")
}

/// Puts a snapshot of nobody's into the store, made from one that is there.
fn foreign(project: &Project, from: &str, name: &str, change: impl FnOnce(&mut Value)) {
    let json = changed(&manifest(project, from), |m| {
        m["name"] = json!(name);
        change(m);
    });
    fs::write(project.stored(&format!("{name}.json")), json).must("a manifest");
}

/// Snapshots of nobody's, dated far ahead, so many of each kind.
fn flood(project: &Project, from: &str, number: usize) {
    for n in 0..number {
        for trigger in ["auto", "manual"] {
            foreign(project, from, &format!("{trigger}-{n}"), |m| {
                m["created_at"] = json!(format!("2099-01-{:02}T00:00:{:02}.000Z", n % 28 + 1, n % 60));
                m["created_by"]["trigger"] = json!(trigger);
            });
            fs::write(project.stored(&format!("{trigger}-{n}.pin")), "").must("a pin");
        }
    }
}

fn names(project: &Project) -> Vec<String> {
    let listed = project.snap(&["list", "--json"]).exits(0).json();
    let all = listed["snapshots"].as_array().or(listed.as_array()).must("snapshots");
    all.iter().filter_map(|one| one["name"].as_str().map(str::to_owned)).collect()
}

#[test]
fn snapshots_that_are_not_the_users_evict_none_that_are() {
    let project = Project::new();
    project.session(ID);
    for number in 1..=3 {
        project.write("a.txt", format!("{number}\n"));
        project.snap(&["save", &format!("own-{number}")]).exits(0);
    }
    flood(&project, "own-1", 55);
    for rule in [
        &["--keep-last", "3"][..],
        &["--keep-daily", "1", "--keep-last", "3"],
        &["--keep-weekly", "1", "--keep-last", "3"],
        &["--max-size", "100K"],
    ] {
        project.snap(&[&["prune"], rule].concat()).exits(0);
        let left = names(&project);
        for number in 1..=3 {
            let own = format!("own-{number}");
            assert!(left.contains(&own), "{rule:?} removed {own}: {left:?}");
        }
    }
    // And the hooks' own tidying, which counts the last fifty.
    let before = names(&project).len();
    for number in 1..=3 {
        project.write("a.txt", format!("hook {number}\n"));
        let input = json!({"session_id": ID, "cwd": project.root(), "hook_event_name": "PreToolUse",
                           "tool_name": "Bash", "tool_input": {"command": "rm -rf b.txt"}});
        for more in [&[][..], &["--later"]] {
            use std::io::Write as _;
            let mut command = project.command(project.root(), &[&["hook", "PreToolUse"], more].concat());
            let mut child = command.stdin(std::process::Stdio::piped()).spawn().must("to run snap");
            child.stdin.take().must("its input").write_all(input.to_string().as_bytes()).must("written");
            assert!(child.wait().must("its end").success());
        }
    }
    let left = names(&project);
    assert_eq!(left.iter().filter(|name| name.starts_with("before ")).count(), 3, "{left:?}");
    assert_eq!(left.len(), before + 3, "tidying removes nothing that is not its own either");
}

#[test]
fn latest_and_unchanged_mean_the_users_own_whatever_the_others_are_dated() {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "own\n");
    project.snap(&["save", "own"]).exits(0);
    foreign(&project, "own", "theirs", |m| {
        m["created_at"] = json!("2099-01-01T00:00:00.000Z");
        m["created_by"]["trigger"] = json!("auto");
    });
    let shown = project.snap(&["show", "--json"]).exits(0).json();
    assert_eq!(shown["name"], "own");
    project.write("a.txt", "later\n");
    project.snap(&["rewind", "--no-session"]).exits(0);
    assert_eq!(project.read("a.txt"), b"own\n");
    // The same state is one's own snapshot, not theirs; and if only theirs has it, it is saved.
    let before = names(&project).len();
    project.snap(&["save"]).exits(0);
    assert_eq!(names(&project).len(), before, "nothing has changed since");
    project.snap(&["rm", "own"]).exits(0);
    project.snap(&["save"]).exits(0);
    assert_eq!(names(&project).len(), before, "one went, and one came");
}

#[test]
fn a_snapshot_that_calls_itself_as_ones_own_is_not_meant_by_that_name() {
    let project = Project::new();
    project.write("a.txt", "own\n");
    project.snap(&["save", "own"]).exits(0);
    let own = manifest(&project, "own");
    let json = changed(&own, |m| m["name"] = json!("own"));
    fs::write(project.stored("own-2.json"), json).must("a manifest");
    let json = changed(&own, |m| m["id"] = own["id"].clone());
    fs::write(project.stored("a.json"), json).must("a manifest");
    project.write("a.txt", "later\n");
    project.snap(&["rewind", "own"]).exits(0);
    project.snap(&["undo"]).exits(0);
    project.snap(&["rewind", own["id"].as_str().must("an id")]).exits(0);
    assert!(SnapshotId::parse(own["id"].as_str().must("an id")).is_some());
}

#[test]
fn a_link_that_follows_goes_on_to_nothing_that_nobody_vouches_for() {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "own\n");
    project.snap(&["save", "own"]).exits(0);
    project.snap(&["link", "latest"]).exits(0);
    let links = || inventory(&project.home.config().join("snap/links")).len();
    let before = links();
    foreign(&project, "own", "theirs", |m| {
        m["created_at"] = json!(claude_snap::base::timestamp::Timestamp::now())
    });
    project.write("a.txt", "next\n");
    let said = project.snap(&["save", "next"]).exits(0);
    assert!(!said.stderr.contains("not your own"), "{}", said.stderr);
    assert_eq!(links(), before);
}

#[test]
fn a_store_that_lacks_parts_is_opened_and_mended_and_a_folder_of_something_else_is_refused() {
    for missing in [
        &[".gitignore"][..],
        &["objects"],
        &[".gitignore", "objects"],
        &[".gitignore", "objects", "tmp", "lock", "log.jsonl"],
    ] {
        let project = Project::new();
        project.write("a.txt", "saved\n");
        project.snap(&["save", "x"]).exits(0);
        project.snap(&["pin", "x"]).exits(0);
        for part in missing {
            let path = project.stored(part);
            if path.is_dir() {
                fs::remove_dir_all(path).must("to remove")
            } else {
                fs::remove_file(path).must("to remove")
            }
        }
        project.snap(&["list"]).exits(0);
        project.write("a.txt", "later\n");
        project.snap(&["rewind", "x"]).exits(0);
        project.snap(&["save", "again"]).exits(0);
        assert!(
            project.git(&["status", "--porcelain"]).lines().all(|line| !line.contains(".claude")),
            "{missing:?}"
        );
        for part in [".gitignore", "objects/.git/HEAD"] {
            assert!(project.stored(part).is_file(), "{missing:?}: {part} is mended");
        }
    }
    // As a clone brings a store that somebody committed: what is ignored, and git's own names, are not in it.
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.git(&["add", "-f", ".claude/snapshots/x.json"]);
    project.git(&["commit", "-qm", "a store"]);
    let clone = project.cloned();
    clone.snap(&["list"]).exits(0);
    clone.snap(&["save", "mine"]).exits(0);
    clone.snap(&["rewind", "x"]).exits(0);
    for (name, text) in [("notes.txt", "mine"), ("data.json", "{\"a\": 1}"), ("photo.pin", "x")] {
        let folder = project.home.path().join("mine");
        fs::create_dir_all(&folder).must("a folder");
        fs::write(folder.join(name), text).must("a file");
        let store = folder.to_str().must("UTF-8");
        project.snap(&["save", "y", "--store", store]).exits(3).says(&["not snap's", name]);
        fs::remove_file(folder.join(name)).must("to remove");
    }
}

#[test]
fn a_list_of_what_to_ignore_that_is_larger_than_ours_stops_no_save() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    for size in [5_000, 100_000] {
        fs::write(project.stored(".gitignore"), "x".repeat(size)).must("a file");
        project.write("a.txt", format!("{size}\n"));
        project.snap(&["save"]).exits(0);
        assert!(!project.git(&["status", "--porcelain"]).contains(".claude"), "it ignores everything again");
    }
}

#[test]
fn what_can_not_be_read_is_named_and_latest_is_the_newest_that_can() {
    let project = arranged();
    for junk in ["no manifest\n".to_owned(), json!({"format": 9, "requires": []}).to_string()] {
        fs::write(project.stored("junk.json"), &junk).must("junk");
        for command in [&["show"][..], &["diff"], &["resume", "--dry-run"], &["rewind", "--dry-run"]] {
            let ran = project.snap(command).exits(0);
            assert!(ran.stderr.contains("junk.json"), "{command:?}: {}", ran.stderr);
        }
        for command in [&["rm", "latest"][..], &["pin", "latest"]] {
            project.snap(command).exits(5).says(&["junk.json", "name the one you mean"]);
        }
        assert!(project.stored("x.json").exists(), "not removed in the place of another one");
    }
}

#[test]
fn a_name_that_somebody_elses_snapshot_has_can_be_taken() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    foreign(&project, "x", "mine", |_| ());
    project.write("a.txt", "mine\n");
    project.snap(&["save", "mine"]).exits(0);
    let shown = project.snap(&["diff", "mine", "-p"]).exits(0).stdout;
    assert!(shown.contains("+mine"), "the diff is of the other one: {shown}");
    project.write("a.txt", "other\n");
    project.snap(&["save", "mine"]).exits(3);
    project.snap(&["rewind", "mine", "--no-run"]).exits(0);
    assert_eq!(project.read("a.txt"), b"mine\n");
}
