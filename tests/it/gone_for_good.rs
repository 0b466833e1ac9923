//! What is removed for good is gone with all that was made of it, or it is said what is left; what is only in the trash comes
//! back, whatever happened to the command that put it there.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::hooks::{bash, hook};
use crate::support::Must;
use crate::support::project::{Project, Ran, files_below, ran};
use crate::support::trace::{self, traced_with_all};

const ID: &str = "0c5d6a0e-2ac4-4a62-9d4b-6f1f2a5b7c80";

/// Stands for what a person wants to be gone.
const WORD: &str = "xylophonist";

/// A project with the snapshots `other` and `bad`, of which only `bad` has the word: in its manifest and in an object.
fn project() -> Project {
    let project = Project::new();
    project.write("a.txt", "other\n");
    project.snap(&["save", "other"]).exits(0);
    project.write("a.txt", format!("{WORD}\n"));
    let many: String =
        (0..400_u64).map(|n| format!("{WORD} {:x}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    project.write("new.txt", many);
    project.snap(&["save", "bad"]).exits(0);
    project.git(&["checkout", "-q", "a.txt"]);
    fs::remove_file(project.path("new.txt")).must("to remove");
    project
}

/// The files below a folder that have the word in them, packed or not.
fn with_word(folder: &Path) -> Vec<PathBuf> {
    let has = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(WORD);
    let has_word = |file: &PathBuf| {
        let bytes = fs::read(file).must("a file");
        let mut raw = Vec::new();
        let unpacked =
            zstd::Decoder::new(bytes.as_slice()).and_then(|mut decoder| decoder.read_to_end(&mut raw));
        has(&bytes) || unpacked.is_ok() && has(&raw)
    };
    if folder.exists() { files_below(folder).into_iter().filter(has_word).collect() } else { Vec::new() }
}

fn names(project: &Project) -> Vec<String> {
    let listed = ran(&mut project.command(project.root(), &["list", "-a", "--json"])).json();
    let names = listed.as_array().must("a list").iter().map(|one| one["name"].as_str().must("a name"));
    names.map(str::to_owned).collect()
}

fn log_of(project: &Project) -> String {
    fs::read_to_string(project.stored("log.jsonl")).must("the log")
}

fn in_trash(project: &Project) -> usize {
    let status = project.snap(&["status", "--json"]).exits(0).json();
    usize::try_from(status["store"]["trash"]["snapshots"].as_u64().must("a number")).must("small")
}

fn refs(project: &Project) -> usize {
    project.git(&["for-each-ref", "refs/snap", "refs/snap-trees"]).lines().count()
}

fn does_not_say(said: &Ran, word: &str) {
    assert!(!said.stderr.contains(word), "{word:?} is in:\n{}", said.stderr);
}

#[test]
fn nothing_is_gone_for_good_while_a_damaged_manifest_keeps_all_objects() {
    let project = project();
    fs::write(project.stored("other.json"), "{\n  \"format\": 1, damaged").must("to damage");
    let said = project.snap(&["rm", "--now", "bad"]).exits(6);
    does_not_say(&said, "for good");
    said.says(&["Removed \"bad\".", "other can't be read", "`snap verify --repair`"]);
    assert!(!with_word(&project.stored("objects")).is_empty());
    project.snap(&["prune", "--now"]).exits(6).says(&["other can't be read"]);
    ran(&mut project.command(project.root(), &["verify", "--repair"]));
    project.snap(&["prune", "--now"]).exits(6).says(&["in quarantine in the store's `damaged`"]);
    for file in files_below(&project.stored("damaged")) {
        fs::remove_file(file).must("to remove");
    }
    project.snap(&["prune", "--now"]).exits(0);
    assert_eq!(with_word(&project.stored("")), Vec::<PathBuf>::new());
}

#[test]
fn json_says_what_keeps_a_removal_from_being_for_good() {
    let project = project();
    fs::write(project.stored("other.json"), "{\n  \"format\": 1, damaged").must("to damage");
    let removed = project.snap(&["rm", "--now", "bad", "--json"]).exits(6).json();
    assert_eq!(removed["for_good"], false);
    assert!(removed["freed"]["blocked"][0].as_str().is_some_and(|why| why.contains("other")), "{removed}");
}

/// The name of the one automatic snapshot.
fn automatic(project: &Project) -> String {
    let listed = project.snap(&["list", "-a", "--json"]).exits(0).json();
    let one = listed
        .as_array()
        .must("a list")
        .iter()
        .find(|one| one["trigger"] == "auto")
        .must("a checkpoint")
        .clone();
    one["name"].as_str().must("a name").to_owned()
}

#[test]
fn a_rescued_copy_goes_with_its_snapshot() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("a.txt", "first\n");
    project.snap(&["save", "first"]).exits(0);
    project.write("a.txt", format!("{WORD}\n"));
    hook(&project, "PreToolUse", &bash(&project, &transcript, "rm -rf .claude")).exits(0);
    let rescued = project.home.path().join(".local/state/snap/rescued");
    let first = files_below(&rescued);
    assert_eq!(first.len(), 1);
    // The same state under another id, and another state.
    project.snap(&["save", "same"]).exits(0);
    project.write("a.txt", "something else\n");
    hook(&project, "PreToolUse", &bash(&project, &transcript, "rm -rf .claude")).exits(0);
    assert_eq!(files_below(&rescued).len(), 2);
    project.snap(&["prune", "--now"]).exits(0).says(&["keeps 2 rescued snapshots"]);
    project.snap(&["rm", "--now", "same"]).exits(0).says(&["Deleted 1 rescued snapshot"]);
    let left = files_below(&rescued);
    assert!(left.len() == 1 && left != first, "the other state stays");
    assert!(!first[0].exists());
}

#[test]
fn a_name_made_of_what_was_typed_goes_from_the_log_too() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("a.txt", "pending\n");
    hook(&project, "PreToolUse", &bash(&project, &transcript, &format!("rm -rf a.txt {WORD}"))).exits(0);
    project.snap(&["save", "stays"]).exits(0);
    let name = automatic(&project);
    assert!(name.contains(WORD) && log_of(&project).contains(WORD));
    project.snap(&["branch", &format!("line {WORD}"), &name]).exits(0);
    project.snap(&["close", &name, "-m", &format!("closed for {WORD}")]).exits(0);
    let lines = log_of(&project).lines().count();
    project.snap(&["rm", "--now", &name]).exits(0).says(&["for good"]);
    assert!(!log_of(&project).contains(WORD), "{}", log_of(&project));
    assert_eq!(log_of(&project).lines().count(), lines + 1);
    // The lines are still this user's own.
    project.snap(&["undo"]).exits(3).says(&["the last thing done here is `snap rm`"]);
    let told = project.snap(&["log", "--json"]).exits(0).stdout;
    assert!(told.contains("(removed)") && told.contains("stays"), "{told}");
    assert_eq!(with_word(&project.stored("")), Vec::<PathBuf>::new());
    // From the trash as well.
    project.write("a.txt", "more\n");
    hook(&project, "PreToolUse", &bash(&project, &transcript, &format!("rm -rf a.txt {WORD}"))).exits(0);
    project.snap(&["rm", &automatic(&project)]).exits(0);
    assert!(log_of(&project).contains(WORD), "what may come back has its name");
    project.snap(&["prune", "--now"]).exits(0);
    assert!(!log_of(&project).contains(WORD));
}

#[test]
fn drafts_of_a_killed_save_go_and_those_of_a_living_process_stay() {
    if !trace::available("drafts of a killed save") {
        return;
    }
    let project = Project::new();
    project.write("a.txt", "pending\n");
    project.snap(&["save", "y"]).exits(0);
    project.write("a.txt", format!("{WORD}\n"));
    for call in ["1", "2"] {
        let inject = format!("inject=renameat2:signal=KILL:when={call}");
        traced_with_all(&project, &["-e", "trace=renameat2", "-e", &inject], &["save", "x"]);
    }
    assert!(!with_word(&project.stored("tmp")).is_empty());
    let living = project.stored("tmp/snap-tmp-living");
    let held = File::create(&living).must("a draft");
    held.lock().must("a lock");
    project.snap(&["rm", "y", "--now"]).exits(0);
    assert_eq!(with_word(&project.stored("tmp")), Vec::<PathBuf>::new());
    assert!(living.exists());
    drop(held);
    // A child that another test was starting may still hold it for a moment.
    let free = std::process::Command::new("flock").arg(&living).arg("true").status().must("the lock");
    assert!(free.success());
    // One of the two came as far as its name.
    project.snap(&["prune", "--keep-last", "0", "--now"]).exits(0);
    assert!(!living.exists());
    assert_eq!(with_word(&project.stored("")), Vec::<PathBuf>::new());
    assert_eq!(refs(&project), 0, "the refs of what never came are gone too");
}

#[test]
fn what_was_removed_by_a_command_that_died_comes_back() {
    if !trace::available("a removal that dies before its line in the log") {
        return;
    }
    let project = project();
    failing_at_log(&project, "flock:signal=KILL", &["rm", "bad"]);
    assert_eq!((names(&project), in_trash(&project)), (vec!["other".to_owned()], 1));
    assert!(!log_of(&project).contains("\"remove\""));
    project.snap(&["undo"]).exits(0).says(&["Undid rm of 1 snapshot", "\"bad\" is back"]);
    assert_eq!(names(&project), ["bad", "other"]);
    project.snap(&["undo"]).exits(3).says(&["everything done here is undone already"]);
    project.snap(&["redo"]).exits(0).says(&["\"bad\" is in the trash"]);
    project.snap(&["undo"]).exits(0).says(&["\"bad\" is back"]);
}

/// Runs `snap` while this happens at a system call on the log.
fn failing_at_log(project: &Project, how: &str, arguments: &[&str]) -> Ran {
    let log = fs::canonicalize(project.stored("log.jsonl")).must("the log");
    let (log, inject) = (log.to_str().must("UTF-8").to_owned(), format!("inject={how}"));
    traced_with_all(project, &["-P", &log, "-e", "trace=flock,write", "-e", &inject], arguments).0
}

fn without_log(project: &Project, arguments: &[&str]) -> Ran {
    failing_at_log(project, "write:error=ENOSPC", arguments)
}

#[test]
fn a_removal_that_the_log_has_no_line_of_is_undone_all_the_same() {
    if !trace::available("a log that can't be written") {
        return;
    }
    let project = project();
    without_log(&project, &["rm", "bad"])
        .exits(6)
        .says(&["the log has no line about this", "`snap undo` brings back"]);
    project.snap(&["undo"]).exits(0).says(&["\"bad\" is back"]);
}

#[test]
fn a_rewind_that_the_log_has_no_line_of_says_what_goes_back() {
    if !trace::available("a log that can't be written") {
        return;
    }
    let project = project();
    project.write("a.txt", "mine\n");
    let said = without_log(&project, &["rewind", "other"]).exits(6);
    does_not_say(&said, "goes back (to");
    let (_, back) = said.stderr.split_once("`snap rewind ").must("what goes back");
    let safety = back.split('`').next().must("a name").trim_matches('\'').to_owned();
    assert_eq!(project.read("a.txt"), b"other\n");
    project.snap(&["rewind", &safety]).exits(0);
    assert_eq!(project.read("a.txt"), b"mine\n");
}

#[test]
fn refs_that_git_can_not_remove_now_go_with_the_next_removal() {
    let project = project();
    assert_eq!(refs(&project), 4);
    project.git(&["pack-refs", "--all"]);
    let lock = project.path(".git/packed-refs.lock");
    File::create(&lock).must("a lock");
    let said = project.snap(&["rm", "--now", "bad"]).exits(6);
    said.says(&["what was removed is gone, but git still keeps its base commit"]);
    assert_eq!((names(&project), refs(&project)), (vec!["other".to_owned()], 4));
    fs::remove_file(&lock).must("to remove");
    project.snap(&["prune", "--now"]).exits(0);
    assert_eq!(refs(&project), 2);
    assert!(files_below(&project.stored("objects/going")).is_empty());
}

#[test]
fn refs_that_a_killed_removal_left_go_with_the_next_one() {
    let project = project();
    let shim = project.home.path().join("shim");
    fs::create_dir(&shim).must("a folder");
    let path = std::env::var_os("PATH").unwrap_or_default().into_string().must("UTF-8");
    let git =
        path.split(':').map(|folder| Path::new(folder).join("git")).find(|git| git.is_file()).must("git");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *update-ref*) kill -9 $PPID; exit 1;; esac\nexec {} \"$@\"\n",
        git.display()
    );
    fs::write(shim.join("git"), script).must("a program");
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(shim.join("git"), fs::Permissions::from_mode(0o755)).must("a mode");
    let mut command = project.command(project.root(), &["rm", "--now", "bad"]);
    command.env("PATH", format!("{}:{path}", shim.display()));
    let _killed = command.output().must("to run");
    assert_eq!((names(&project), refs(&project)), (vec!["other".to_owned()], 4));
    project.snap(&["prune", "--now"]).exits(0);
    assert_eq!(refs(&project), 2);
    assert!(!log_of(&project).contains("\"bad\""), "and so does its name");
}

#[test]
fn every_copy_of_a_snapshot_goes_with_it() {
    for copied in ["bad-backup.json", "other.json"] {
        let project = project();
        fs::copy(project.stored("bad.json"), project.stored(copied)).must("to copy");
        project.snap(&["rm", "--now", "bad"]).exits(0).says(&["for good"]);
        assert!(!names(&project).contains(&"bad".to_owned()), "{copied}");
        assert_eq!(with_word(&project.stored("")), Vec::<PathBuf>::new(), "{copied}");
    }
}

#[test]
fn a_copy_in_the_trash_goes_too() {
    let project = project();
    fs::copy(project.stored("bad.json"), project.stored("bad-backup.json")).must("to copy");
    project.snap(&["rm", "bad"]).exits(0);
    project.snap(&["undo"]).exits(0);
    let batch = project.stored("objects/trash/0123456789abcdef0123456789abcdef");
    fs::create_dir_all(&batch).must("a folder");
    fs::copy(project.stored("bad.json"), batch.join("bad.json")).must("to copy");
    project.snap(&["rm", "--now", "bad"]).exits(0).says(&["for good"]);
    assert_eq!(with_word(&project.stored("")), Vec::<PathBuf>::new());
}

#[test]
fn a_pinned_copy_keeps_a_snapshot_from_being_removed() {
    let project = project();
    fs::copy(project.stored("bad.json"), project.stored("bad-backup.json")).must("to copy");
    fs::write(project.stored("bad-backup.pin"), "").must("a pin");
    project.snap(&["rm", "--now", "bad"]).exits(3).says(&["pinned; nothing was removed"]);
    assert!(project.stored("bad.json").exists());
}

#[test]
fn status_promises_no_undo_of_what_no_person_removed() {
    let project = Project::new();
    let transcript = project.session(ID);
    let config = project.home.path().join(".config/snap");
    fs::create_dir_all(&config).must("a folder");
    fs::write(config.join("snap.toml"), "[keep]\nautomatic = 1\nautomatic_days = 0\n").must("settings");
    for number in 0..3 {
        project.write("a.txt", format!("{number}\n"));
        hook(&project, "PreToolUse", &bash(&project, &transcript, "rm -rf a.txt")).exits(0);
    }
    assert!(in_trash(&project) > 0, "{:?}", names(&project));
    let shown = project.snap(&["status"]).exits(0).stdout;
    assert!(shown.contains("in the trash") && !shown.contains("`snap undo` brings back"), "{shown}");
    project.snap(&["undo"]).exits(3);
    project.snap(&["save", "mine"]).exits(0);
    project.snap(&["rm", "mine"]).exits(0);
    let shown = project.snap(&["status"]).exits(0).stdout;
    assert!(shown.contains("`snap undo` brings back what was removed last"), "{shown}");
}

#[test]
fn a_removal_for_good_names_the_safety_snapshot_that_holds_the_same() {
    let project = project();
    project.snap(&["rewind", "bad"]).exits(0);
    project.write("a.txt", "mine\n");
    project.snap(&["rewind", "other"]).exits(0);
    let removed = project.snap(&["rm", "--now", "bad"]).exits(0);
    let all = project.snap(&["list", "-a", "--json"]).exits(0).json();
    let safety = |one: &&Value| one["trigger"] == json!("safety");
    let names: Vec<&str> =
        all.as_array().must("a list").iter().filter(safety).filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names.len(), 2);
    removed.says(&["something of it is also in", names[0], names[1], "`snap rm --now "]);
    let arguments = [&["rm", "--now", "--json"], names.as_slice()].concat();
    assert_eq!(project.snap(&arguments).exits(0).json()["also_in"], json!([]));
    assert_eq!(with_word(&project.stored("")), Vec::<PathBuf>::new());
}
