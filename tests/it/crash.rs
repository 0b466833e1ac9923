//! Killed at any system call that changes something, and failed by any: the store is whole, the work tree is
//! the old one or the new one, and there is nothing to clean up by hand.

use std::fs;

use crate::support::Must;
use crate::support::project::{Project, Ran, files_below};
use crate::support::trace::{Call, MUTATING, Scene, available, some, strace, traced};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Everything that a restore may change: the tree, the index with its marks, the session's files; and whatever a
/// crash could leave behind.
fn picture(project: &Project) -> String {
    let mut picture = project.state_with_flags();
    for file in files_below(&project.home.config()) {
        if !file.ends_with(".claude.json") {
            let content = fs::read(&file).must("a file");
            picture += &format!("{} {:?}\n", file.display(), String::from_utf8_lossy(&content));
        }
    }
    let git = fs::read_dir(project.path(".git")).must("git's folder").flatten();
    for name in git.map(|entry| entry.file_name().to_string_lossy().into_owned()) {
        if name.starts_with("index.") {
            picture += &format!("left: {name}\n");
        }
    }
    picture
}

/// A project with a snapshot `x` of edits of many kinds and a session, all of it gone again; there is local work.
fn wrecked() -> Project {
    let project = Project::new();
    let transcript = project.session(ID);
    crate::resume::edit(&project);
    project.snap(&["save", "x"]).exits(0);
    crate::resume::clean(&project);
    fs::remove_dir_all(transcript.with_extension("")).must("to remove");
    fs::remove_file(transcript).must("to remove");
    fs::remove_dir_all(project.home.tasks(ID)).must("to remove");
    project.write("mine.txt", "local work\n");
    project.git(&["add", "mine.txt"]);
    project
}

/// How many runs were killed, and how many ended before the call that was to kill them: the order of the calls is the
/// same each time, but on a busy machine the run in which they were counted may have made some more.
#[derive(Default)]
struct Killed(usize, usize);

impl Killed {
    fn count(&mut self, call: &Call, ran: &Ran) {
        match ran.code {
            -1 => self.0 += 1,
            0 => self.1 += 1,
            _ => panic!("{call:?}: exit {}: {}", ran.code, ran.stderr),
        }
    }

    fn were_most(&self) {
        assert!(self.1 * 2 <= self.0, "{} were killed, {} ended before", self.0, self.1);
    }
}

/// Kills a restore at each point: the next command makes it all or nothing, and the restore can be repeated and undone.
fn all_or_nothing(project: Project, command: &[&str]) {
    let before = picture(&project);
    let scene = Scene::of(project);
    let project = &scene.project;
    let all = scene.calls(command);
    let after = picture(project);
    assert_ne!(before, after);
    let (mut old, mut new) = (0, 0);
    let mut killed = Killed::default();
    for call in some(&all, 7) {
        killed.count(call, &scene.hurt(call, "signal=SIGKILL", command));
        project.snap(&["prune", "--keep-last", "100"]).exits(0);
        let now = picture(project);
        if now == before {
            old += 1;
            project.snap(command).exits(0);
            assert_eq!(picture(project), after, "repeated after a kill at {call:?}");
        } else {
            new += 1;
            assert_eq!(now, after, "killed at {call:?}");
        }
        if command.contains(&"--no-edits") {
            continue;
        }
        project.snap(&[if command == ["undo"] { "redo" } else { "undo" }]).exits(0);
        let undone = project.state_with_flags();
        assert!(before.starts_with(&undone), "undone after a kill at {call:?}: {undone}");
    }
    killed.were_most();
    println!("{command:?}: {} calls, {} killed: {old} old, {new} new, 0 mixed", all.len(), killed.0);
}

#[test]
fn a_resume_killed_at_any_call_is_all_or_nothing() {
    if available("kill -9 at every system call of resume") {
        all_or_nothing(wrecked(), &["resume", "x", "--no-run"]);
    }
}

#[test]
fn a_rewind_killed_at_any_call_is_all_or_nothing() {
    if available("kill -9 at every system call of rewind") {
        all_or_nothing(wrecked(), &["rewind", "x", "--no-run"]);
    }
}

#[test]
fn a_rewind_that_syncs_whole_disks_killed_at_any_call_is_all_or_nothing() {
    if available("kill -9 at every system call of a rewind that syncs whole disks") {
        all_or_nothing(wrecked().syncs("whole"), &["rewind", "x", "--no-run"]);
    }
}

#[test]
fn an_undo_killed_at_any_call_is_all_or_nothing() {
    if available("kill -9 at every system call of undo") {
        let project = wrecked();
        project.snap(&["rewind", "x", "--no-session"]).exits(0);
        all_or_nothing(project, &["undo"]);
    }
}

#[test]
fn a_redo_killed_at_any_call_is_all_or_nothing() {
    if available("kill -9 at every system call of redo") {
        let project = wrecked();
        project.snap(&["rewind", "x", "--no-session"]).exits(0);
        project.snap(&["undo"]).exits(0);
        all_or_nothing(project, &["redo"]);
    }
}

#[test]
fn a_merge_killed_at_any_call_is_all_or_nothing() {
    if available("kill -9 at every system call of merge") {
        all_or_nothing(crate::merging::apart(crate::merging::own).0, &["merge", "of bob"]);
    }
}

#[test]
fn an_undo_of_a_merge_killed_at_any_call_is_all_or_nothing() {
    if available("kill -9 at every system call of an undo of a merge") {
        let project = crate::merging::apart(crate::merging::own).0;
        project.snap(&["merge", "of bob"]).exits(0);
        all_or_nothing(project, &["undo"]);
    }
}

#[test]
fn a_session_that_is_continued_and_killed_at_any_call_is_continued_or_not() {
    if available("kill -9 at every system call of a resume that continues a session") {
        let (project, ..) = crate::session_state::handed_over_and_back();
        all_or_nothing(project, &["resume", "y", "--trust", "--no-run", "--no-edits"]);
    }
}

/// Kills a restore that works with all its threads, at the first calls of any of them: all or nothing as well.
#[test]
fn a_restore_killed_at_a_call_of_any_of_its_threads_is_all_or_nothing() {
    if !available("kill -9 at system calls of all threads of a restore") {
        return;
    }
    let project = Project::new().syncs("each");
    for number in 0..40 {
        project.write(format!("many/{number}"), format!("file {number}\n").repeat(50));
    }
    project.snap(&["save", "x"]).exits(0);
    fs::remove_dir_all(project.path("many")).must("to remove");
    project.write("a.txt", "local work\n");
    let before = project.state();
    let scene = Scene::of(project);
    let project = &scene.project;
    let command = ["rewind", "x", "--no-session"];
    project.snap(&command).exits(0);
    let after = project.state();
    let mut killed = 0;
    for call in ["fsync", "renameat2", "unlinkat"] {
        for nth in [1, 2, 5] {
            let ran = scene.hurt_any_thread(call, nth, "signal=SIGKILL", &command);
            killed += usize::from(ran.code == -1);
            project.snap(&["prune", "--keep-last", "100"]).exits(0);
            let now = project.state();
            assert!(now == before || now == after, "killed at {call} {nth}: {now}");
        }
    }
    assert!(killed >= 6, "only {killed} were killed");
}

#[test]
fn with_one_thread_it_is_the_first_that_makes_each_call_that_changes_a_file() {
    if !available("which thread makes the calls that change something") {
        return;
    }
    let scene = Scene::of(wrecked());
    let project = &scene.project;
    let trace = format!("trace={MUTATING},execve");
    for (command, code) in [
        (&["save", "y"][..], 0),
        (&["resume", "x", "--no-run"], 0),
        (&["rewind", "x", "--no-run"], 0),
        (&["prune", "--keep-last", "1"], 0),
        (&["verify", "--repair"], 0),
    ] {
        scene.reset();
        for number in 0..20 {
            project.write(format!("many/{number}"), format!("file {number}\n").repeat(50));
        }
        crate::store::age_objects(project);
        let (ran, log) = strace(project, &["-f", "-y", "-e", &trace], command, Some("1"));
        ran.exits(code);
        let calls: Vec<(&str, &str)> = log.lines().filter_map(|line| line.split_once(' ')).collect();
        let first = calls.first().must("a call").0;
        let programs: Vec<&str> = calls
            .iter()
            .filter(|(_, call)| call.trim_start().starts_with("execve("))
            .map(|(id, _)| *id)
            .collect();
        let others: Vec<&str> = calls
            .iter()
            .filter(|(id, call)| *id != first && !programs.contains(id) && call.contains('('))
            .map(|(_, call)| *call)
            .filter(|call| !call.contains("<pipe:") && !call.contains("<socket:"))
            .collect();
        assert!(others.is_empty(), "{command:?}: other threads change something: {others:#?}");
        assert!(calls.iter().filter(|(id, _)| *id == first).count() > 2, "{command:?}: {calls:?}");
    }
}

/// The wrecked project, its restore killed when some files were replaced and some not.
fn half_restored() -> Option<Scene> {
    if !available("what is found after a restore that was killed half way") {
        return None;
    }
    let scene = Scene::of(wrecked());
    let calls = scene.calls(&["resume", "x", "--no-run"]);
    let moves: Vec<&Call> = calls.iter().filter(|call| call.name == "renameat2").collect();
    let ran = scene.hurt(moves[moves.len() / 2], "signal=SIGKILL", &["resume", "x", "--no-run"]);
    assert_eq!(ran.code, -1);
    assert!(scene.project.path(".git/index.lock").exists(), "killed before or after the moves");
    Some(scene)
}

fn journals(project: &Project) -> usize {
    files_below(&project.stored("restoring")).len()
}

#[test]
fn a_restore_that_was_cut_off_is_shown_and_the_next_save_puts_it_right_and_logs_it() {
    let Some(Scene { project, .. }) = half_restored() else { return };
    project.snap(&["list"]).exits(0).says(&["a restore was interrupted", "app"]);
    assert_eq!(journals(&project), 1, "looking changes nothing");
    let saved = project.snap(&["save", "after"]).exits(0).says(&["everything is as before it"]);
    assert!(
        !saved.stderr.contains("safety-"),
        "nothing was changed, so there is nothing to go back to: {saved:?}"
    );
    let all = project.snap(&["list", "-a", "--json"]).exits(0).stdout;
    assert!(!all.contains("\"safety-"), "{all}");
    assert_eq!(journals(&project), 0);
    let log = project.snap(&["log", "--json"]).exits(0).json();
    assert_eq!([&log[0]["operation"], &log[1]["operation"]], ["save", "recover"]);
    project.snap(&["list"]).exits(0);
    assert!(project.try_git(&["commit", "-qam", "git is not in anybody's way"]));
}

#[test]
fn what_was_edited_after_the_crash_stays_and_so_does_the_old_file() {
    let Some(Scene { project, .. }) = half_restored() else { return };
    project.write("a.txt", "edited after the crash\n");
    let ran = project.snap(&["prune", "--keep-last", "100"]).exits(0).says(&["a.txt was changed after that"]);
    assert_eq!(project.read("a.txt"), b"edited after the crash\n");
    let old = files_below(project.root())
        .into_iter()
        .find(|file| fs::read(file).is_ok_and(|bytes| bytes == b"one\ntwo\nthree\n"))
        .must("the old file");
    assert!(ran.stderr.contains(old.parent().must("a folder").to_str().must("UTF-8")), "{}", ran.stderr);
    assert_eq!(project.read("b.txt"), b"stays\n", "all others are as before");
}

#[test]
fn a_lock_of_somebody_else_is_not_removed() {
    let Some(Scene { project, .. }) = half_restored() else { return };
    project.write(".git/index.lock", "another git's\n");
    project.snap(&["prune", "--keep-last", "100"]).exits(0).says(&["everything is as before it"]);
    assert_eq!(project.read(".git/index.lock"), b"another git's\n");
}

#[test]
fn a_journal_of_a_work_tree_that_was_removed_does_no_harm() {
    if !available("a work tree removed after its restore was killed") {
        return;
    }
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.git(&["worktree", "add", "-q", "../linked"]);
    let linked = project.home.path().join("linked").canonicalize().must("the work tree");
    let place = linked.to_str().must("UTF-8").to_owned();
    // The first makes the folder of journals, the second the staging folder.
    let inject = ["-e", "trace=mkdirat", "-e", "inject=mkdirat:signal=SIGKILL:when=2"];
    let (ran, _) = traced(&project, &inject, &["resume", "x", "--no-run", "--into", &place]);
    assert_eq!((ran.code, journals(&project)), (-1, 1), "{}", ran.stderr);
    project.git(&["worktree", "remove", "--force", "--force", &place]);
    project.snap(&["save", "after"]).exits(0).says(&["that work tree is gone"]);
    assert_eq!(journals(&project), 0);
}

/// Kills a command that changes the store only: the snapshots that it leaves alone are sound, and it can be repeated.
fn store_stays_whole(command: &[&str], kept: &[&str]) {
    let project = Project::new();
    project.session(ID);
    for name in ["old", "kept"] {
        project.write("a.txt", format!("{name}\n").repeat(500));
        project.snap(&["save", name]).exits(0);
    }
    project.write("a.txt", "now\n".repeat(700));
    crate::store::age_objects(&project);
    let before = project.state_with_flags();
    let scene = Scene::of(project);
    let project = &scene.project;
    let all = scene.calls(command);
    let verified = || {
        let found = project.snap(&["verify", "--json"]).exits(0).json();
        let all = found["snapshots"].as_array().must("a list").clone();
        all.into_iter().filter_map(|one| one["name"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    // No snapshot is ever there whose base commit git may collect.
    let bases_are_kept = |call: &Call| {
        let refs = project.git(&["for-each-ref", "--format=%(refname:lstrip=2)", "refs/snap/"]);
        let listed = project.snap(&["list", "--json"]).exits(0).json();
        for one in listed.as_array().must("a list") {
            assert!(refs.contains(one["id"].as_str().must("an id")), "{call:?}: {one} in {refs}");
        }
    };
    let mut killed = Killed::default();
    for call in some(&all, 6) {
        killed.count(call, &scene.hurt(call, "signal=SIGKILL", command));
        let there = verified();
        bases_are_kept(call);
        assert!(kept.iter().all(|name| there.iter().any(|one| one == name)), "{call:?}: {there:?}");
        let again = project.snap(command);
        // The new one is there, or the old one is not.
        let done_already = (there.iter().any(|name| name == "new")
            || !there.iter().any(|name| name == "old"))
            && again.code == 3;
        assert!(again.code == 0 || done_already, "{call:?}: {}", again.stderr);
        verified();
        assert_eq!(project.state_with_flags(), before, "{call:?}");
    }
    killed.were_most();
    println!("{command:?}: killed at {} of {} calls", killed.0, all.len());
}

#[test]
fn a_save_killed_at_any_call_harms_nothing_and_can_be_repeated() {
    if available("kill -9 at every system call of save") {
        store_stays_whole(&["save", "new"], &["old", "kept"]);
    }
}

#[test]
fn a_prune_killed_at_any_call_harms_nothing_and_can_be_repeated() {
    if available("kill -9 at every system call of prune") {
        store_stays_whole(&["prune", "--keep-last", "1"], &["kept"]);
    }
}

#[test]
fn a_removal_by_name_killed_at_any_call_harms_nothing_and_can_be_repeated() {
    if available("kill -9 at every system call of rm") {
        store_stays_whole(&["rm", "old"], &["kept"]);
    }
}

#[test]
fn an_undo_of_a_removal_killed_at_any_call_loses_nothing_and_can_be_repeated() {
    if !available("kill -9 at every system call of an undo of rm") {
        return;
    }
    let project = Project::new();
    for name in ["old", "older", "kept"] {
        project.write("a.txt", format!("{name}\n").repeat(500));
        project.snap(&["save", name]).exits(0);
    }
    project.snap(&["rm", "old", "older"]).exits(0);
    let scene = Scene::of(project);
    let (project, command) = (&scene.project, ["undo"]);
    let all = scene.calls(&command);
    let mut killed = Killed::default();
    for call in some(&all, 6) {
        killed.count(call, &scene.hurt(call, "signal=SIGKILL", &command));
        let again = project.snap(&command);
        // It may have been done when it was killed.
        let was_done = again.code == 3 && again.stderr.contains("everything done here is undone already");
        assert!(again.code == 0 || was_done, "{call:?}: {}", again.stderr);
        let verified = project.snap(&["verify", "--json"]).exits(0).json();
        let there = verified["snapshots"].as_array().must("a list").iter();
        let mut there: Vec<&str> = there.filter_map(|one| one["name"].as_str()).collect();
        there.sort_unstable();
        assert_eq!(there, ["kept", "old", "older"], "{call:?}");
    }
}

/// A project with a store of which one object is lost but still in the session, and one is damaged for good.
pub(crate) fn damaged() -> Project {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "kept"]).exits(0);
    let before = project.objects();
    project.write("a.txt", (0..900).map(|number| format!("{number}\n")).collect::<String>());
    project.snap(&["save", "broken"]).exits(0);
    let of_broken: Vec<_> = project.objects().into_iter().filter(|object| !before.contains(object)).collect();
    of_broken.iter().for_each(|object| fs::write(object, "damaged").must("to write"));
    project.write("a.txt", "one\n");
    before.iter().for_each(|object| fs::remove_file(object).must("to remove"));
    project
}

#[test]
fn a_repair_killed_at_any_call_can_be_repeated_and_deletes_nothing() {
    if !available("kill -9 at every system call of verify --repair") {
        return;
    }
    let scene = Scene::of(damaged());
    let project = &scene.project;
    let command = ["verify", "--repair"];
    let damaged = |project: &Project| {
        let all = files_below(&project.stored("")).into_iter();
        all.filter(|file| fs::read(file).is_ok_and(|bytes| bytes == b"damaged")).count()
    };
    let all = scene.calls_of(&command, 1);
    let count = damaged(project);
    assert!(count > 0);
    let mut killed = Killed::default();
    for call in some(&all, 6) {
        let ran = scene.hurt(call, "signal=SIGKILL", &command);
        match ran.code {
            -1 => killed.0 += 1,
            1 => killed.1 += 1,
            _ => panic!("{call:?}: exit {}: {}", ran.code, ran.stderr),
        }
        assert!(project.snap(&command).exits(1).stdout.contains("broken"));
        assert_eq!(damaged(project), count, "{call:?}");
        project.snap(&["verify", "kept"]).exits(0);
    }
    killed.were_most();
    println!("{command:?}: killed at {} of {} calls", some(&all, 6).len(), all.len());
}

#[test]
fn an_index_lock_whose_journal_was_cleaned_away_is_named_for_what_it_is() {
    let project = crate::support::project::Project::new();
    project.write("a.txt", "one\nTWO\nthree\n");
    project.git(&["add", "a.txt"]);
    project.snap(&["save", "x"]).exits(0);
    project.git(&["reset", "-q", "--hard"]);
    project.write(".git/index.lock", format!("held by snap for the restore {}; more\n", "0".repeat(32)));
    project.snap(&["rewind", "x"]).exits(7).says(&["its journal is missing", "safety snapshot"]);
    std::fs::remove_file(project.path(".git/index.lock")).must("removed");
    project.snap(&["rewind", "x"]).exits(0);
}
