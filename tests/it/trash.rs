//! The trash: what was removed comes back exactly, for a day, and then is gone with all that belongs to it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::handoff_remote::{colleague, with_remote};
use crate::merging::as_user;
use crate::real_client::answering_on_terminal;
use crate::redaction::token;
use crate::support::Must;
use crate::support::needs;
use crate::support::project::{Project, Ran, files_below};

const ID: &str = "0c5d6a0e-2ac4-4a62-9d4b-6f1f2a5b7c80";

/// A project with the snapshots `one`, `two` and `stays`, of which each has an object, a secret and a base of its own, and
/// `one` has a link.
fn project() -> Project {
    let project = Project::new();
    project.session(ID);
    for (number, name) in (0_u64..).zip(["one", "two", "stays"]) {
        let lines = |line: u64| format!("{name} {:x}\n", line.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let own: String = (0..2_000).map(lines).collect();
        let secret = token("github classic", number);
        project.write("notes.txt", format!("GITHUB_TOKEN={secret}\n{own}"));
        project.write("a.txt", format!("{name}\n"));
        project.git(&["commit", "-qam", name]);
        project.write("a.txt", format!("{name}, edited\n"));
        let link = if name == "one" { &["--link"][..] } else { &[] };
        project.snap(&[&["save", name], link].concat()).exits(0);
    }
    project
}

/// All that there is of snapshots: manifests, refs, links, kept secrets, and what can be read of each.
fn all(project: &Project) -> Vec<String> {
    let names = |folder: &Path| {
        let mut names: Vec<String> =
            files_below(folder).iter().map(|file| file.display().to_string()).collect();
        names.sort();
        names
    };
    let mut all = vec![project.git(&["for-each-ref", "refs/snap", "refs/snap-trees"])];
    all.extend(names(&project.home.config().join("snap/links")));
    all.extend(names(&project.home.path().join(".local/state/snap/kept")));
    let listed = project.snap(&["list", "--json"]).exits(0).json();
    for one in listed.as_array().must("a list") {
        let name = one["name"].as_str().must("a name");
        all.push(project.snap(&["show", name, "--json"]).exits(0).stdout);
        all.push(project.snap(&["diff", name, "--binary"]).exits(0).stdout);
    }
    all
}

fn names(project: &Project) -> Vec<String> {
    let listed = project.snap(&["list", "-a", "--json"]).exits(0).json();
    let names = listed.as_array().must("a list").iter().map(|one| one["name"].as_str().must("a name"));
    names.map(str::to_owned).collect()
}

/// Makes everything that the trash may keep look two days old, and the trash itself.
fn age(project: &Project) {
    let past = SystemTime::now() - Duration::from_secs(2 * 86_400);
    let kept = project.home.path().join(".local/state/snap/kept");
    for file in project.objects().iter().chain(&files_below(&kept)) {
        File::options().append(true).open(file).must("a file").set_modified(past).must("a time");
    }
    for batch in fs::read_dir(project.stored("objects/trash")).must("the trash").flatten() {
        File::open(batch.path()).must("a folder").set_modified(past).must("a time");
    }
}

#[test]
fn undo_brings_back_exactly_what_was_removed_and_redo_removes_it_again() {
    for (removal, word) in [(&["rm", "one", "two"][..], "rm"), (&["prune", "--keep-last", "1"], "prune")] {
        let project = project();
        let (before, state) = (all(&project), project.state());
        project.snap(removal).exits(0).says(&["`snap undo` brings back what was removed, for a day"]);
        assert_eq!(names(&project), ["stays"]);
        project.snap(&["show", "one"]).exits(3);
        let planned = project.snap(&["undo", "--dry-run"]).exits(0).stdout;
        assert!(planned.starts_with(&format!("undo {word} of 2 snapshots, ")), "{planned}");
        assert!(planned.contains("  bring back  one\n"), "{planned}");
        for _ in 0..2 {
            let said = project.snap(&["undo"]).exits(0);
            said.says(&[&format!("Undid {word} of 2 snapshots"), "are back. `snap redo` removes them again"]);
            assert_eq!(all(&project), before, "{word}");
            project.snap(&["verify"]).exits(0).says(&["Checked 3 snapshots"]);
            project.snap(&["redo"]).exits(0).says(&[&format!("Redid {word} of 2 snapshots"), "in the trash"]);
            assert_eq!(names(&project), ["stays"]);
        }
        let undone = project.snap(&["undo", "--json"]).exits(0).json();
        assert_eq!(undone["undo"]["operation"], if word == "rm" { "remove" } else { "prune" });
        let mut back: Vec<&str> =
            undone["snapshots"].as_array().must("names").iter().filter_map(|name| name.as_str()).collect();
        back.sort_unstable();
        assert_eq!(back, ["one", "two"]);
        assert_eq!((all(&project), project.state()), (before, state), "no file of the work tree was touched");
    }
}

#[test]
fn removals_and_restores_are_undone_in_their_order() {
    let project = project();
    let before = project.state();
    project.snap(&["rewind", "one", "--no-session"]).exits(0);
    let rewound = project.state();
    project.snap(&["rm", "two"]).exits(0);
    project.snap(&["rm", "stays"]).exits(0);
    project.snap(&["undo"]).exits(0).says(&["Undid rm of 1 snapshot", "\"stays\" is back"]);
    project.snap(&["undo"]).exits(0).says(&["\"two\" is back"]);
    assert_eq!(project.state(), rewound);
    project.snap(&["undo"]).exits(0).says(&["Undid rewind \"one\""]);
    assert_eq!(project.state(), before);
    project.snap(&["undo"]).exits(3).says(&["nothing to undo", "everything done here is undone already"]);
    project.snap(&["redo"]).exits(0).says(&["Redid rewind \"one\""]);
    assert_eq!(project.state(), rewound);
    project.snap(&["redo"]).exits(0).says(&["Redid rm of 1 snapshot", "\"two\" is in the trash"]);
    project.snap(&["redo"]).exits(0).says(&["\"stays\" is in the trash"]);
    assert!(!names(&project).iter().any(|name| name == "two" || name == "stays"));
    assert_eq!(project.state(), rewound);
}

#[test]
fn after_a_day_the_next_removal_frees_the_trash_with_all_that_belongs_to_it() {
    let project = project();
    let stays = project.snap(&["show", "stays", "--json"]).exits(0).json()["id"].clone();
    let removed = project.snap(&["rm", "one", "two", "--json"]).exits(0).json();
    let trash = &removed["freed"]["trash"];
    assert!(trash["bytes"].as_u64() > Some(10_000) && trash["after"].is_string(), "{removed}");
    assert_eq!(removed["freed"]["bytes"], 0, "{removed}");
    let planned = project.snap(&["prune", "--older-than", "30d", "--dry-run"]).exits(0);
    planned.says(&["The trash would keep", "at once: `snap prune --now`"]);
    age(&project);
    let before = project.objects().len();
    let freed = project.snap(&["prune", "--older-than", "30d", "--json"]).exits(0).json();
    assert!(freed["freed"]["bytes"].as_u64() > Some(10_000), "{freed}");
    assert!(project.objects().len() < before);
    let refs = project.git(&["for-each-ref", "--format=%(refname:lstrip=2)", "refs/snap/"]);
    assert_eq!(refs.lines().collect::<Vec<_>>(), [stays.as_str().must("an id")]);
    assert!(files_below(&project.home.config().join("snap/links")).is_empty());
    assert_eq!(files_below(&project.home.path().join(".local/state/snap/kept")).len(), 1);
    assert!(files_below(&project.stored("objects/trash")).is_empty());
    let gone = ["nothing to undo", "the last thing done here is `snap rm`", "is gone"];
    project.snap(&["undo"]).exits(3).says(&gone);
    project.snap(&["verify"]).exits(0);
}

#[test]
fn now_deletes_for_good_and_leaves_nothing_of_it() {
    let project = project();
    project.objects().iter().for_each(|object| {
        let past = SystemTime::now() - Duration::from_secs(2 * 86_400);
        File::options().append(true).open(object).must("a file").set_modified(past).must("a time");
    });
    let before = project.objects().len();
    project.snap(&["rm", "one", "--now"]).exits(0).says(&["Removed \"one\" for good.", "Freed"]);
    assert!(project.objects().len() < before);
    assert!(!project.stored("objects/trash").exists());
    project.snap(&["undo"]).exits(3).says(&["the last thing done here is `snap rm`", "is gone"]);
    // What was removed for good is no reason to bring back something older unasked.
    project.snap(&["rm", "two"]).exits(0);
    project.snap(&["prune", "--keep-last", "0", "--now"]).exits(0);
    assert!(files_below(&project.stored("objects/trash")).is_empty(), "the trash is emptied too");
    project.snap(&["undo"]).exits(3).says(&["the last thing done here is `snap prune`"]);
    project.snap(&["undo", "--anyway"]).exits(3).says(&["There is nothing to undo"]);
}

#[test]
fn prune_now_alone_empties_the_trash_and_removes_nothing_else() {
    let project = project();
    project.snap(&["rm", "one"]).exits(0);
    let before = project.stored_files();
    project
        .snap(&["prune", "--now", "--dry-run"])
        .exits(0)
        .says(&["Would delete 1 snapshot in the trash for good."]);
    assert_eq!(project.stored_files(), before);
    let asked = |answer: &str| {
        answering_on_terminal(&mut project.command(project.root(), &["prune", "--now"]), answer)
    };
    let said = asked("n\n");
    assert!(said.contains("one") && said.contains("Delete it for good?"), "{said}");
    assert_eq!(project.stored_files(), before, "the answer was no");
    project.snap(&["prune", "--now"]).exits(0).says(&["Deleted 1 snapshot in the trash for good."]);
    assert!(files_below(&project.stored("objects/trash")).is_empty());
    assert_eq!(names(&project), ["stays", "two"]);
    project.snap(&["undo"]).exits(3);
    project.snap(&["prune", "--now"]).exits(0).says(&["The trash is empty: there is nothing to delete."]);
}

#[test]
fn a_redo_removes_nothing_again_once_something_else_was_removed() {
    let project = project();
    project.snap(&["rm", "one"]).exits(0);
    project.snap(&["undo"]).exits(0).says(&["\"one\" is back"]);
    project.snap(&["rm", "two"]).exits(0);
    project.snap(&["redo"]).exits(3);
    assert_eq!(names(&project), ["stays", "one"]);
}

#[test]
fn a_redo_removes_only_what_the_undo_brought_back() {
    for (removed, pulled, redone) in [
        (&["one"][..], &["one"][..], &["stays", "two", "one"][..]),
        (&["one", "two"], &["one"], &["stays", "one"]),
        (&["two", "one"], &["one"], &["stays", "one"]),
        (&["one", "two"], &["one", "two"], &["stays", "two", "one"]),
    ] {
        let project = project();
        let remote = project.home.path().join("remote.git");
        let remote = remote.to_str().must("UTF-8");
        project.git(&["init", "-q", "--bare", remote]);
        project.snap(&[&["push", remote], pulled].concat()).exits(0);
        project.snap(&[&["rm"], removed].concat()).exits(0);
        project.snap(&["pull", remote]).exits(0);
        project.snap(&["undo"]).exits(0);
        let all = |project: &Project| names(project).into_iter().collect::<BTreeSet<_>>();
        let wanted = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(all(&project), wanted(&["stays", "one", "two"]));
        project.snap(&["log"]).exits(0);
        let nothing = removed == pulled;
        project.snap(&["redo"]).exits(if nothing { 3 } else { 0 });
        assert_eq!(all(&project), wanted(redone), "{removed:?} {pulled:?}");
        project.snap(&["undo"]).exits(if nothing { 3 } else { 0 });
        assert_eq!(all(&project), wanted(&["stays", "one", "two"]));
    }
}

#[test]
fn what_was_pulled_again_after_the_trash_was_emptied_is_not_what_an_undo_brought_back() {
    let project = project();
    let remote = project.home.path().join("remote.git");
    let remote = remote.to_str().must("UTF-8");
    project.git(&["init", "-q", "--bare", remote]);
    project.snap(&["push", remote, "one"]).exits(0);
    project.snap(&["rm", "one"]).exits(0);
    project.snap(&["prune", "--now", "--no-input"]).exits(0);
    project.snap(&["pull", remote]).exits(0);
    project.snap(&["redo"]).exits(3);
    project.snap(&["undo"]).exits(3);
    project.snap(&["redo"]).exits(3);
    assert_eq!(names(&project).len(), 3);
}

#[test]
fn the_hints_about_a_name_that_two_have_end_in_a_command_that_works() {
    let project = project();
    project.snap(&["rm", "one"]).exits(0);
    project.write("a.txt", "another one\n");
    project.snap(&["save", "one"]).exits(0);
    project.snap(&["undo"]).exits(0).says(&["\"one-2\""]);
    project.snap(&["rm", "one"]).exits(0);
    // What is left is called "one" now, and `snap rm one` is refused.
    let hinted = |ran: Ran| {
        let hint = ran.stderr.rsplit("`snap ").next().and_then(|rest| rest.split('`').next()).must("a hint");
        hint.split(' ').map(|word| word.trim_matches('"').to_owned()).collect::<Vec<String>>()
    };
    let follow = |command: &[String]| project.snap(&command.iter().map(String::as_str).collect::<Vec<_>>());
    let of_save = hinted(project.snap(&["save", "one"]).exits(3));
    assert_eq!(of_save, hinted(project.snap(&["rm", "one"]).exits(3)));
    follow(&of_save).exits(0).says(&["Removed"]);
    project.write("a.txt", "the third one\n");
    project.snap(&["save", "one"]).exits(0);
}

#[test]
fn what_is_undone_comes_back_under_a_free_name_if_another_one_has_its_name_by_now() {
    let project = project();
    let id = |name: &str| project.snap(&["show", name, "--json"]).exits(0).json()["id"].clone();
    let older = id("one");
    project.snap(&["rm", "one", "two"]).exits(0);
    project.write("a.txt", "another one\n");
    project.snap(&["save", "one"]).exits(0);
    let newer = id("one");
    project.snap(&["rewind", "stays"]).exits(0);
    // What was done before it can be undone, too.
    project.snap(&["undo"]).exits(0).says(&["rewind \"stays\""]);
    let said = ["There is another \"one\" by now", "it gets another name"];
    project.snap(&["undo", "--dry-run"]).exits(0).says(&said);
    let before = names(&project);
    let both = |word: &str| {
        let said = ["\"one-2\"", "There is another \"one\" by now: this one is called \"one-2\" here."];
        project.snap(&[word]).exits(0).says(&said);
        let now = names(&project);
        assert!(["one", "one-2", "two"].iter().all(|name| now.iter().any(|one| one == name)), "{now:?}");
        assert_eq!((id("one"), id("one-2")), (newer.clone(), older.clone()));
        // Nobody else gets that name.
        project
            .snap(&["save", "one-2", "-m", "new"])
            .exits(3)
            .says(&["is what another snapshot is called here"]);
    };
    both("undo");
    project.snap(&["redo"]).exits(0).says(&["\"one-2\""]);
    assert_eq!(names(&project), before);
    both("undo");
    // A command that is repeated does not hit the other one, which is called so then.
    project.snap(&["rm", "one"]).exits(0);
    project.snap(&["rm", "one"]).exits(3).says(&["was removed; what is called so now is another snapshot"]);
    project.snap(&["verify"]).exits(0);
}

#[test]
fn somebody_elses_comes_back_beside_the_own_one_of_that_name() {
    let project = project();
    let other = project.cloned().of_another_user();
    other.write("a.txt", "theirs\n");
    other.snap(&["save", "stays"]).exits(0);
    let file = other.home.path().join("theirs.snap");
    let file = file.to_str().must("UTF-8");
    other.snap(&["export", "stays", "-o", file]).exits(0);
    project.snap(&["import", file]).exits(0);
    let theirs = names(&project).into_iter().find(|name| name.starts_with("stays@")).must("theirs");
    let before = names(&project);
    // Whoever follows a hint about theirs must not get their own.
    project.write("a.txt", "something else\n");
    let hint = project.snap(&["resume", &theirs, "--trust", "--no-session", "--no-input"]).exits(4).stderr;
    assert!(hint.contains(&format!("`snap rewind {theirs}`")), "{hint}");
    project.snap(&["rm", &theirs]).exits(0);
    project.snap(&["undo"]).exits(0).says(&["is back"]);
    assert_eq!(names(&project), before);
}

#[test]
fn a_removal_is_undone_after_the_folder_was_moved_too() {
    let project = project();
    project.snap(&["rm", "one"]).exits(0);
    let moved = project.home.path().join("moved");
    fs::rename(project.root(), &moved).must("to move it");
    let undone = crate::support::project::ran(&mut project.command(&moved, &["undo"]));
    undone.exits(0).says(&["\"one\" is back"]);
}

#[test]
fn the_trash_counts_nowhere_and_its_size_is_said() {
    let project = project();
    project.snap(&["rm", "one"]).exits(0);
    let status = project.snap(&["status", "--json"]).exits(0).json();
    assert_eq!(
        (&status["store"]["snapshots"], &status["store"]["trash"]["snapshots"]),
        (&json!(2), &json!(1))
    );
    assert!(status["store"]["trash"]["size"].as_u64() > Some(5_000), "{status}");
    let shown = project.snap(&["status"]).exits(0).stdout;
    assert!(shown.contains("1 snapshot in the trash, "), "{shown}");
    let verified = project.snap(&["verify"]).exits(0);
    verified.says(&["Checked 2 snapshots", "Not checked: 1 snapshot in the trash, "]);
    project.snap(&["undo"]).exits(0);
    let status = project.snap(&["status", "--json"]).exits(0).json();
    assert_eq!(status["store"]["trash"], json!({"snapshots": 0, "size": 0}));
}

#[test]
fn what_is_in_a_trash_that_came_with_a_clone_is_not_brought_back() {
    let project = project();
    project.snap(&["rm", "one"]).exits(0);
    let other = project.cloned().of_another_user();
    let store = other.stored("");
    fs::create_dir_all(store.parent().must("a folder")).must("a folder");
    let copied = std::process::Command::new("cp").args(["-R"]).arg(project.stored("")).arg(&store).status();
    assert!(copied.must("to copy").success());
    let log = fs::read_to_string(other.stored("log.jsonl")).must("the log");
    let here = |root: &Path| root.to_str().must("UTF-8").to_owned();
    fs::write(other.stored("log.jsonl"), log.replace(&here(project.root()), &here(other.root())))
        .must("a log");
    other.snap(&["undo"]).exits(3);
    assert!(!names(&other).contains(&"one".to_owned()));
}

#[test]
fn who_removes_a_snapshot_of_which_one_copy_is_damaged_loses_nothing() {
    for now in [&[][..], &["--now"]] {
        let project = Project::new();
        project.write("a.txt", "saved\n");
        project.snap(&["save", "x"]).exits(0);
        fs::write(project.path("torn"), "{").must("to write");
        fs::rename(project.path("torn"), project.stored("x.json")).must("to move");
        project.snap(&["list"]).says(&["`snap verify --repair` mends it if it can"]);
        let remove = [&["rm", "x", "--no-input"], now].concat();
        project.snap(&remove).exits(6).says(&["not removed", "is mended now from its second copy"]);
        project.write("a.txt", "other\n");
        project.snap(&["rewind", "x", "--no-session"]).exits(0);
        assert_eq!(project.read("a.txt"), b"saved\n");
        project.snap(&["verify"]).exits(0);
        project.snap(&remove).exits(0);
    }
}

#[test]
fn a_damaged_snapshot_that_was_removed_keeps_nothing_from_being_freed_and_comes_back_too() {
    let project = project();
    fs::write(project.stored("one.json"), "{\n  \"format\": 1, damaged").must("to damage");
    project.snap(&["rm", "one"]).exits(0);
    let in_trash = ["it is in the trash", "`snap undo` brings back what was removed"];
    project.snap(&["show", "one"]).exits(3).says(&in_trash);
    project.snap(&["resume", "one"]).exits(3).says(&in_trash);
    project.snap(&["rm", "two"]).exits(0);
    project.snap(&["undo"]).exits(0).says(&["\"two\" is back"]);
    let listed = project.snap(&["list", "-a"]).exits(0).stderr;
    assert!(listed.contains("In the trash: one"), "{listed}");
    assert_eq!(names(&project), ["stays", "two"]);
    project.snap(&["verify"]).exits(0);
    // Not by `project.snap`: that looks whether what comes is as the schema says.
    crate::support::project::ran(&mut project.command(project.root(), &["undo"]))
        .exits(0)
        .says(&["\"one\" is back"]);
    assert!(project.stored("one.json").exists());
    project.snap(&["verify"]).exits(1);
}

#[test]
fn a_removal_that_fails_has_done_no_half_of_it() {
    let project = project();
    let manifest = project.stored("one.json");
    let mounted = Command::new("mount").arg("--bind").args([&manifest, &manifest]).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        needs::skipped("a manifest that can't be removed", "only root can mount a file on itself");
        return;
    }
    let before = project.stored_files();
    let failed = project.snap(&["rm", "one"]);
    let after = project.stored_files();
    assert!(Command::new("umount").arg(&manifest).status().must("umount").success());
    failed.exits(7).says(&["Cannot remove"]);
    let gone: Vec<_> = before.iter().filter(|file| !after.contains(file)).collect();
    assert!(gone.is_empty(), "{gone:?}");
    assert!(files_below(&project.stored("objects/trash")).is_empty());
    project.snap(&["show", "one"]).exits(0);
    project.snap(&["rm", "one"]).exits(0);
    project.snap(&["undo"]).exits(0).says(&["\"one\" is back"]);
}

#[test]
fn a_name_that_has_passed_on_is_told_before_anything_is_restored_under_it() {
    let (ada, remote) = with_remote();
    ada.write("a.txt", "ada\n");
    as_user(&ada, "ada", &["save", "wip"]).exits(0);
    let bob = colleague(&ada, &remote).of_another_user();
    bob.write("a.txt", "bob\n");
    as_user(&bob, "bob", &["save", "wip"]).exits(0);
    as_user(&bob, "bob", &["push", "origin", "wip"]).exits(0);
    as_user(&ada, "ada", &["pull"]).exits(0);
    let told = "wip is a snapshot of bob: yours of that name was removed";
    let dry = |name: &str| as_user(&ada, "ada", &["rewind", name, "--dry-run"]);
    for name in ["wip", "wip@bob"] {
        assert!(!dry(name).exits(0).stderr.contains(told));
    }
    as_user(&ada, "ada", &["rm", "wip"]).exits(0);
    for command in ["rewind", "resume", "merge"] {
        // Whatever else keeps it from that.
        let planned = as_user(&ada, "ada", &[command, "wip", "--dry-run"]);
        planned.says(&[told, "`snap undo` brings back what was removed"]);
    }
    as_user(&ada, "ada", &["rewind", "wip", "--no-input"]).exits(3).says(&[told]);
    as_user(&ada, "ada", &["rewind", "wip@ada"])
        .exits(3)
        .says(&["it is in the trash", "`snap undo` brings back"]);
    as_user(&ada, "ada", &["undo"]).exits(0);
    assert!(!dry("wip").exits(0).stderr.contains(told));
}

#[test]
fn a_number_behind_a_name_that_means_another_snapshot_by_now_removes_nothing() {
    let project = Project::new();
    for content in ["first\n", "second\n", "third\n"] {
        project.write("a.txt", content);
        project.snap(&["save", "a"]).exits(0);
        if content != "third\n" {
            project.snap(&["rm", "a"]).exits(0);
        }
    }
    project.snap(&["undo"]).exits(0);
    project.snap(&["undo"]).exits(0).says(&["\"a-3\""]);
    project.snap(&["rm", "a-2"]).exits(0);
    let refused = project.snap(&["rm", "a-2"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert_eq!(project.snap(&["list", "--json"]).exits(0).json().as_array().must("a list").len(), 2);
}

#[test]
fn where_only_safety_snapshots_are_left_the_trash_is_named() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "a"]).exits(0);
    project.write("a.txt", "since\n");
    project.snap(&["rewind", "a", "--no-run"]).exits(0);
    project.snap(&["rm", "a"]).exits(0);
    for typed in [&["report"][..], &["pin"], &["show"]] {
        project.snap(typed).exits(3).says(&["one is in the trash", "`snap undo`"]);
    }
}
