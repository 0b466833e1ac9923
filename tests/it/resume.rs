//! `snap resume` and `snap undo`: files, index and session come back, or nothing changes.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::Must;
use crate::support::project::{Project, files_below};
use crate::support::trace::{Scene, available};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Edits of every kind that this version restores.
pub(crate) fn edit(project: &Project) {
    project.write("a.txt", "one\nTWO\nthree\n");
    project.write("bin", [0, 159, 146, 150, 0, 8].repeat(120));
    project.write("new dir/new file", "new\nno newline at end");
    project.write("new.bin", [0, 1, 2, 255].repeat(9_000));
    project.write("empty", "");
    project.write("odd\n\"name\"\t\\", "odd\n");
    project.write("-rf", "dash\n");
    project.make_executable("run.sh");
    fs::remove_file(project.path("b.txt")).must("to remove");
    fs::remove_file(project.path("sub/c.txt")).must("to remove");
    project.write("staged.txt", "staged\n");
    project.git(&["add", "staged.txt"]);
    project.write("both.txt", "staged version\n");
    project.git(&["add", "both.txt"]);
    project.write("both.txt", "later version\n");
    project.write("meant.txt", "to be added\n");
    project.git(&["add", "--intent-to-add", "meant.txt"]);
    symlink("a.txt", project.path("link")).must("a link");
    let odd = std::os::unix::ffi::OsStrExt::from_bytes(b"not \xff text");
    let odd: &std::ffi::OsStr = odd;
    project.write(odd, "odd\n");
}

pub(crate) fn clean(project: &Project) {
    project.git(&["read-tree", "--reset", "-u", "HEAD"]);
    for file in files_below(project.root()) {
        let name = file.strip_prefix(project.root()).must("a file of the project").to_owned();
        let tracked = ["a.txt", "b.txt", "bin", "run.sh", "sub/c.txt"]
            .iter()
            .any(|tracked| name.as_os_str() == *tracked);
        if !tracked && !name.starts_with(".git") && !name.starts_with(".claude") {
            fs::remove_file(&file).must("to remove");
        }
    }
    assert_eq!(project.git(&["status", "--porcelain"]), "");
}

#[test]
fn every_kind_of_edit_comes_back_in_place_with_its_index() {
    let project = Project::new();
    edit(&project);
    let state = project.state();
    project.snap(&["save", "x"]).exits(0);
    clean(&project);
    project.snap(&["resume", "x"]).exits(0);
    assert_eq!(project.state(), state);
}

#[test]
fn every_kind_of_edit_comes_back_in_a_fresh_clone_elsewhere() {
    let project = Project::new();
    let clone = project.cloned();
    edit(&project);
    let state = project.state();
    project.snap(&["save", "x"]).exits(0);
    let store = project.stored("");
    clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
    assert_eq!(clone.state(), state);
}

#[test]
fn undo_brings_back_exactly_what_was_there_and_redo_the_restored() {
    let project = Project::new();
    edit(&project);
    let saved = project.state();
    project.snap(&["save", "x"]).exits(0);
    clean(&project);
    project.write("own.txt", "local work\n");
    let before = project.state();
    project.snap(&["resume", "x"]).exits(0);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.state(), before);
    project.snap(&["redo"]).exits(0);
    fs::remove_file(project.path("own.txt")).must("to remove");
    assert_eq!(project.state(), saved);
}

#[test]
fn redo_brings_back_work_done_on_top_of_a_restore() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "one\ntwo\nthree\n");
    project.snap(&["resume", "x"]).exits(0);
    project.write("a.txt", "worked on\n");
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("a.txt"), b"one\ntwo\nthree\n");
    project.snap(&["redo"]).exits(0);
    assert_eq!(project.read("a.txt"), b"worked on\n");
}

#[test]
fn without_a_restore_there_is_nothing_to_undo() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["undo"]).exits(3).says(&["nothing to undo"]);
}

#[test]
fn a_restore_that_changed_nothing_leaves_the_one_before_it_to_be_undone() {
    let project = Project::new();
    project.write("a.txt", "one\nTWO\nthree\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "worked on\n");
    project.snap(&["rewind", "x"]).exits(0);
    project.snap(&["rewind", "x"]).exits(0).says(&["Nothing had to be done"]);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("a.txt"), b"worked on\n");
}

#[test]
fn a_path_that_is_different_here_stops_everything() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.write("new.txt", "saved\n");
    project.write("b.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    clean(&project);
    project.write("a.txt", "edited here\n");
    project.write("new.txt", "another new file\n");
    let before = project.state();
    project.snap(&["resume", "x"]).exits(4).says(&[
        "a.txt: it is edited here",
        "new.txt: a new file",
        "nothing was changed",
    ]);
    assert_eq!(project.state(), before);
}

#[test]
fn an_ignored_file_in_the_way_is_a_conflict_too() {
    let project = Project::new();
    project.write("notes.log", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("notes.log", "mine\n");
    project.write(".git/info/exclude", "*.log\n");
    project.snap(&["resume", "x"]).exits(4).says(&["notes.log: an ignored file"]);
    assert_eq!(project.read("notes.log"), b"mine\n");
}

#[test]
fn a_moved_head_is_fine_if_the_edited_files_are_the_same_there() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    clean(&project);
    project.write("b.txt", "committed since\n");
    project.git(&["commit", "-qam", "second"]);
    project.snap(&["resume", "x"]).exits(0).says(&["HEAD is at"]);
    assert_eq!(project.read("a.txt"), b"saved\n");
    project.snap(&["undo"]).exits(0);
    project.write("a.txt", "committed too\n");
    project.git(&["commit", "-qam", "third"]);
    project.snap(&["resume", "x"]).exits(4).says(&["a.txt: HEAD has another version"]);
}

#[test]
fn resuming_what_is_already_there_changes_no_file() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    let planned = project.snap(&["resume", "x", "--json"]).exits(0).json();
    assert_eq!((planned["edits"].as_array().map(Vec::len), &planned["unchanged"]), (Some(0), &1.into()));
    project.snap(&["undo"]).exits(3);
}

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    clean(&project);
    // The index only saves time, and is made by whoever misses it.
    project.snap(&["list"]).exits(0);
    let everything = || (project.state(), files_below(&project.home.config()), project.stored_files());
    let before = everything();
    let ran = project.snap(&["resume", "x", "--dry-run"]).exits(0).says(&["Nothing was changed"]);
    assert!(ran.stdout.contains("replace") && ran.stdout.contains("a.txt"), "{}", ran.stdout);
    assert_eq!(everything(), before);
}

#[test]
fn a_session_keeps_its_id_where_nothing_has_it() {
    let project = Project::new();
    let transcript = fs::read_to_string(project.session(ID)).must("the transcript");
    project.snap(&["save", "before it"]).exits(0);
    let clone = project.cloned();
    let moved =
        transcript.replace(project.root().to_str().must("UTF-8"), clone.root().to_str().must("UTF-8"));
    let store = project.stored("");
    let ran = clone
        .snap(&["resume", "before it", "--json", "--store", store.to_str().must("UTF-8")])
        .exits(0)
        .json();
    assert_eq!(ran["session_id"], ID);
    assert_eq!(
        ran["resume"]["command"],
        serde_json::json!(["claude", "--resume", ID, "--permission-mode", "acceptEdits"])
    );
    let installed =
        fs::read_to_string(clone.home.project(clone.root()).join(format!("{ID}.jsonl"))).must("installed");
    let added = installed.strip_prefix(&moved).must("the saved records come first, with their paths moved");
    assert!(added.contains(r#""customTitle":"before it""#), "{added}");
    let task = fs::read_to_string(clone.home.tasks(ID).join("1.json")).must("a task");
    assert_eq!(task, fs::read_to_string(project.home.tasks(ID).join("1.json")).must("a task"));
    let agents = clone.home.project(clone.root()).join(ID).join("subagents");
    assert_eq!(files_below(&agents).len(), 2);
}

#[test]
fn a_fork_of_a_session_that_is_here_is_a_new_one_and_the_saved_one_is_not_touched() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    let before = fs::read(&transcript).must("the transcript");
    let ran = project.snap(&["resume", "x", "--fork", "--json"]).exits(0).json();
    let new = ran["session_id"].as_str().must("an id").to_owned();
    assert_ne!(new, ID);
    assert_eq!(fs::read(&transcript).must("the transcript"), before);
    let folder = project.home.project(project.root());
    let mut installed = vec![folder.join(format!("{new}.jsonl"))];
    installed.extend(files_below(&folder.join(&new)));
    installed.extend(files_below(&project.home.tasks(&new)));
    assert_eq!(installed.len(), 5, "transcript, agent and its metadata, two tasks");
    for file in installed {
        let text = fs::read_to_string(&file).must("installed");
        assert!(!text.contains(ID), "{}", file.display());
    }
}

#[test]
fn a_failed_installation_takes_the_files_back() {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    clean(&project);
    let before = project.state();
    // The client's folder for transcripts is in the way: a file where a folder must be made.
    let projects = project.home.config().join("projects");
    fs::rename(&projects, project.home.config().join("aside")).must("to move");
    fs::create_dir(&projects).must("a folder");
    fs::write(project.home.project(project.root()), "in the way").must("a file");
    project.snap(&["resume", "x"]).exits(7).says(&["Cannot"]);
    assert_eq!(project.state(), before);
}

#[test]
fn outside_a_repository_edits_are_refused_and_the_session_alone_can_be_had() {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    let plain = Project::empty().of_the_user_of(&project);
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    plain.snap(&["resume", "x", "--store", store]).exits(3).says(&["git repository", "--no-edits"]);
    let ran = plain.snap(&["resume", "x", "--no-edits", "--store", store]).exits(0);
    assert!(ran.stdout.contains(&format!("claude --resume {ID}")), "{}", ran.stdout);
}

#[test]
fn an_unfinished_merge_comes_back_with_all_its_stages() {
    let project = Project::new();
    project.git(&["checkout", "-q", "-b", "side"]);
    project.write("a.txt", "side\n");
    project.write("bin", [0, 1, 2]);
    project.git(&["commit", "-qam", "side"]);
    project.git(&["checkout", "-q", "main"]);
    project.write("a.txt", "main\n");
    project.git(&["rm", "-q", "bin"]);
    project.git(&["commit", "-qam", "main"]);
    assert!(!project.try_git(&["merge", "-q", "side"]), "the merge must stop at its conflicts");
    project.snap(&["save", "x"]).exits(0);
    let clone = project.cloned();
    let store = project.stored("");
    clone
        .snap(&["resume", "x", "--store", store.to_str().must("UTF-8")])
        .exits(0)
        .says(&["A merge was in progress"]);
    assert_eq!(clone.state(), project.state());
    assert!(clone.git(&["ls-files", "-u"]).lines().count() >= 4, "the stages of two paths");
}

#[test]
fn a_link_in_the_way_is_never_written_through() {
    let project = Project::new();
    project.write("new/file.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    clean(&project);
    fs::remove_dir_all(project.path("new")).must("to remove");
    let outside = project.home.path().join("outside");
    fs::create_dir(&outside).must("a folder");
    symlink(&outside, project.path("new")).must("a link");
    project.write(".git/info/exclude", "/new\n");
    project.snap(&["resume", "x"]).exits(4).says(&["nothing was changed"]);
    assert_eq!(files_below(&outside).len(), 0);
}

#[test]
fn a_restore_that_is_interrupted_leaves_the_old_tree_and_one_that_is_done_the_new_one() {
    if !available("Ctrl-C in the middle of a restore and at its end") {
        return;
    }
    let project = Project::new();
    for number in 0..200 {
        project.write(format!("many/{number}"), format!("file {number}\n"));
    }
    project.git(&["add", "many/1"]);
    let new = project.state();
    project.snap(&["save", "x"]).exits(0);
    clean(&project);
    let old = project.state();
    let scene = Scene::of(project);
    let project = &scene.project;
    let left_behind = || {
        let names = fs::read_dir(project.root()).must("the root").flatten().map(|entry| entry.file_name());
        names.into_iter().any(|name| name.to_string_lossy().starts_with(".snap-restore-"))
            || project.path(".git/index.lock").exists()
    };
    let command = ["resume", "x"];
    let calls = scene.calls(&command);
    let moves: Vec<_> = calls.iter().filter(|call| call.name == "renameat2").collect();
    scene.hurt(moves[moves.len() / 2], "signal=SIGINT", &command).exits(130);
    assert!(project.state() == old && !left_behind());
    let last = calls.iter().rfind(|call| call.name == "unlinkat").must("a call that tidies up");
    let ran = scene.hurt(last, "signal=SIGINT", &command);
    // Interrupted when all was done and nothing was watched any more, or not any more.
    assert!([0, 130].contains(&ran.code), "{}", ran.stderr);
    assert!(project.state() == new && !left_behind());
}

#[test]
fn after_a_kill_in_mid_restore_the_safety_snapshot_brings_everything_back() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    clean(&project);
    project.write("mine.txt", "local work\n");
    let ran = project.snap(&["resume", "x", "--json"]).exits(0).json();
    let safety = ran["safety"].as_str().must("a safety snapshot").to_owned();
    // As SIGKILL leaves it: an old file still in the staging folder, and not in its place.
    project.write(".snap-restore-killed/old-0", "one\ntwo\nthree\n");
    fs::remove_file(project.path("a.txt")).must("to remove");
    project.snap(&["rewind", &safety, "--no-run"]).exits(0);
    assert_eq!(project.read("a.txt"), b"one\ntwo\nthree\n");
    assert_eq!(project.read("mine.txt"), b"local work\n");
    assert!(project.path(".snap-restore-killed/old-0").exists(), "what was left is not removed unasked");
}

#[test]
fn what_was_committed_since_is_as_saved_and_is_not_in_the_way() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.write("new.txt", "new\n");
    fs::remove_file(project.path("b.txt")).must("to remove");
    project.snap(&["save", "x"]).exits(0);
    project.git(&["add", "-A", "--", ".", ":!.claude"]);
    project.git(&["commit", "-qm", "all of it"]);
    let before = project.state();
    project.snap(&["resume", "x", "--no-run"]).exits(0).says(&["3 paths already as saved"]);
    assert_eq!(project.state(), before);
    // What is edited on top of that is still in the way.
    project.write("a.txt", "saved\nand more\n");
    project.snap(&["resume", "x", "--no-run"]).exits(4);
}

#[test]
fn what_is_interrupted_at_work_says_that_nothing_came_of_it() {
    if !available("Ctrl-C in the middle of a save and a rewind") {
        return;
    }
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "since\n");
    let before = project.state();
    let scene = Scene::of(project);
    let commands: [(&[&str], &str); 2] = [
        (&["save", "y"], "error: Interrupted: nothing was saved\n"),
        (&["rewind", "x", "--no-run", "--no-input"], "nothing was changed"),
    ];
    for (command, says) in commands {
        let calls = scene.calls(command);
        let first = calls.iter().find(|call| !call.talk).must("a call that changes something");
        let ran = scene.hurt(first, "signal=SIGINT", command).exits(130);
        assert_eq!(ran.stderr.matches("error: Interrupted: ").count(), 1, "{command:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{command:?}: {}", ran.stderr);
        assert_eq!(scene.project.state(), before);
        let list = scene.project.snap(&["list", "--json"]).exits(0).json();
        let saved = list.as_array().must("a list").iter().filter(|one| one["trigger"] != "safety").count();
        assert_eq!(saved, 1, "{command:?}");
    }
}

#[test]
fn ctrl_c_in_any_stage_says_what_became_of_it_and_that_is_so() {
    if !available("Ctrl-C at several calls of resume, rewind and merge") {
        return;
    }
    let project = Project::new();
    project.snap(&["save", "base"]).exits(0);
    for number in 0..40 {
        project.write(format!("many/{number}"), format!("file {number}\n"));
    }
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["rewind", "base", "--no-run", "--no-input"]).exits(0);
    let old = project.state();
    let scene = Scene::of(project);
    for command in [
        &["resume", "x", "--no-run", "--no-input"][..],
        &["rewind", "x", "--no-run", "--no-input"],
        &["merge", "x", "--no-input"],
    ] {
        let calls = scene.calls(command);
        let mut said = std::collections::BTreeSet::new();
        let changes: Vec<_> = calls.iter().filter(|call| !call.talk).collect();
        let moves = changes.iter().filter(|call| call.name == "renameat2").copied().collect::<Vec<_>>();
        let last: Vec<_> = changes.iter().rev().take(3).copied().collect();
        for call in [changes[0], moves[moves.len() / 2]].into_iter().chain(last) {
            let ran = scene.hurt(call, "signal=SIGINT", command);
            let is_old = scene.project.state() == old;
            let undo = scene.project.snap(&["undo", "--dry-run"]).code;
            match ran.code {
                130 if ran.stderr.contains("nothing was changed") => assert!(is_old, "{}", ran.stderr),
                130 if ran.stderr.contains("`snap undo` takes it back") => {
                    assert!(!is_old && undo == 0, "{}", ran.stderr);
                }
                // It came when all was done.
                0 => assert!(!is_old, "{}", ran.stderr),
                code => panic!("{command:?} at {call:?}: {code} {}", ran.stderr),
            }
            said.insert(ran.code);
        }
        assert!(said.contains(&130), "{command:?}");
    }
}

#[test]
fn a_head_without_a_commit_is_named_with_the_switch_that_mends_it() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    let resume = ["resume", "x", "--store", store];
    // The branch is there.
    let clone = project.cloned();
    clone.git(&["symbolic-ref", "HEAD", "refs/heads/not-there"]);
    let said = clone.snap(&resume).exits(4);
    assert!(!said.stderr.contains("another version"), "{}", said.stderr);
    said.says(&["a.txt: HEAD has no commit here", "\"not-there\", which has no commit", "`git switch main`"]);
    clone.git(&["switch", "-q", "main"]);
    clone.snap(&resume).exits(0);
    // Only the remote's is.
    let clone = project.cloned();
    clone.git(&["checkout", "-q", "--detach"]);
    clone.git(&["branch", "-D", "-q", "main"]);
    clone.git(&["checkout", "-q", "--orphan", "empty"]);
    clone.git(&["rm", "-rfq", "."]);
    clone.snap(&resume).exits(4).says(&["\"empty\"", "`git switch main`"]);
    clone.git(&["switch", "-q", "main"]);
    clone.snap(&resume).exits(0);
}

#[test]
fn a_work_tree_for_a_snapshot_from_before_the_first_commit_is_refused_with_what_can_be_done() {
    let project = Project::empty();
    project.git(&["init", "-q", "-b", "main"]);
    project.write("a.txt", "new\n");
    project.snap(&["save", "x"]).exits(0);
    project
        .snap(&["resume", "x", "--worktree", "w"])
        .exits(3)
        .says(&["before the first commit", "`snap resume x`"]);
}
