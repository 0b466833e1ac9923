//! System calls that fail, and disks that are full: nothing is lost, the error says where, and `prune` needs no space.

use std::fs;

use crate::support::Must;
use crate::support::disk::{SmallDisk, fill};
use crate::support::project::{Project, Ran};
use crate::support::trace::{Call, Scene, available, long, some, traced};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

const ERRORS: [&str; 7] = ["ENOSPC", "EIO", "EACCES", "EDQUOT", "EROFS", "EMFILE", "EINTR"];

/// The calls that writing anything needs; the others are for tidying up.
const WRITING: [&str; 14] = [
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "syncfs",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "symlinkat",
    "ftruncate",
];

/// A project with a snapshot `x` of edits and a session; there is other work in the tree now.
fn project() -> Project {
    let project = Project::new();
    project.session(ID);
    crate::resume::edit(&project);
    project.snap(&["save", "x"]).exits(0);
    crate::resume::clean(&project);
    project.write("mine.txt", "local work\n".repeat(300));
    project
}

/// An error that a person can do something with; no panic.
fn is_said_well(ran: &Ran, what: &str) {
    assert!(![70, 101, -1].contains(&ran.code) && !ran.stderr.contains("panicked"), "{what}: {}", ran.stderr);
    // 1 is what a verify ends with that finds damage, which is here to be found.
    if ran.code > 1 {
        let names_a_path = ran.stderr.split_whitespace().any(|word| word.contains('/'));
        // A pipe to a program has no path.
        let names_it = names_a_path || ran.stderr.contains("`git ");
        assert!(ran.stderr.contains("Cannot") && names_it, "{what}: exit {}: {}", ran.code, ran.stderr);
    }
}

fn writes(call: &Call) -> bool {
    WRITING.contains(&call.name.as_str())
}

/// Lets each call fail that writes, each time with another error, and hands over what the command then said.
fn failing(scene: &Scene, command: &[&str], short: usize, check: impl Fn(&Ran, &str)) {
    let all = scene.calls(command);
    let calls: Vec<_> = all.iter().filter(|call| !call.talk && writes(call)).collect();
    fail_at(scene, command, &calls, short, check);
}

/// Lets these calls fail: all of them with every error in the long form.
fn fail_at(scene: &Scene, command: &[&str], calls: &[&Call], short: usize, check: impl Fn(&Ran, &str)) {
    let errors = if long() { &ERRORS[..] } else { &ERRORS[..1] };
    let mut count = 0;
    for (number, call) in some(calls, short).into_iter().enumerate() {
        for turn in 0..errors.len() {
            let error = ERRORS[(number + turn) % ERRORS.len()];
            let what = format!("{command:?}: {error} at {call:?}");
            let ran = scene.hurt(call, &format!("error={error}"), command);
            is_said_well(&ran, &what);
            check(&ran, &what);
            count += 1;
        }
    }
    println!("{command:?}: {count} errors at {} of {} calls", some(calls, short).len(), calls.len());
}

#[test]
fn a_save_whose_system_calls_fail_says_where_and_harms_nothing() {
    if !available("errors at the system calls of save") {
        return;
    }
    let scene = Scene::of(project());
    let project = &scene.project;
    let before = project.state_with_flags();
    failing(&scene, &["save", "second"], 8, |ran, what| {
        let verified = project.snap(&["verify", "--json"]).exits(0).json();
        let there = verified["snapshots"].as_array().must("a list").len();
        // When the last step fails, the folder's sync, the snapshot is there all the same.
        assert!(there == 2 || (there == 1 && ran.code != 0), "{what}: {verified}");
        assert_eq!(project.state_with_flags(), before, "{what}");
        project.snap(&["save", "third"]).exits(0);
    });
}

/// Lets the calls of a restore fail: the tree is the old one or the new one, and the store is sound.
fn all_or_nothing(project: Project, command: &[&str]) {
    let before = project.state_with_flags();
    let scene = Scene::of(project);
    let project = &scene.project;
    project.snap(command).exits(0);
    let after = project.state_with_flags();
    failing(&scene, command, 6, |ran, what| {
        project.snap(&["prune", "--keep-last", "100"]).exits(0);
        let now = project.state_with_flags();
        assert!(
            now == after || (now == before && ran.code != 0),
            "{what}: exit {}\n{}{now}",
            ran.code,
            ran.stderr
        );
        project.snap(&["verify"]).exits(0);
    });
}

#[test]
fn a_rewind_whose_system_calls_fail_says_where_and_leaves_the_old_tree_or_the_new_one() {
    if available("errors at the system calls of rewind") {
        all_or_nothing(project(), &["rewind", "x", "--no-run"]);
    }
}

#[test]
fn a_rewind_whose_syncs_of_the_whole_disk_fail_leaves_the_old_tree() {
    if !available("errors at the syncs of whole disks") {
        return;
    }
    let scene = Scene::of(project().syncs("whole"));
    let project = &scene.project;
    let before = project.state_with_flags();
    let command = ["rewind", "x", "--no-run"];
    let all = scene.calls(&command);
    let whole: Vec<&Call> = all.iter().filter(|call| call.name == "syncfs").collect();
    // The staged blobs; the new files; where all files are.
    assert!(whole.len() >= 3, "{all:?}");
    for call in whole {
        let ran = scene.hurt(call, "error=EIO", &command);
        is_said_well(&ran, "a sync");
        assert_ne!(ran.code, 0, "{call:?}");
        assert_eq!(project.state_with_flags(), before, "{call:?}");
        assert_eq!(fs::read_dir(project.stored("restoring")).must("journals").count(), 0, "{call:?}");
    }
}

#[test]
fn a_resume_whose_system_calls_fail_says_where_and_leaves_the_old_tree_or_the_new_one() {
    if available("errors at the system calls of resume") {
        all_or_nothing(project(), &["resume", "x", "--no-run"]);
    }
}

#[test]
fn an_undo_whose_system_calls_fail_says_where_and_leaves_the_old_tree_or_the_new_one() {
    if available("errors at the system calls of undo") {
        let project = project();
        project.snap(&["rewind", "x", "--no-session"]).exits(0);
        all_or_nothing(project, &["undo"]);
    }
}

#[test]
fn a_prune_whose_system_calls_fail_says_where_and_harms_no_other_snapshot() {
    if !available("errors at the system calls of prune") {
        return;
    }
    let project = project();
    project.snap(&["save", "kept"]).exits(0);
    crate::store::age_objects(&project);
    let scene = Scene::of(project);
    let command = ["prune", "--keep-last", "1"];
    let (removing, project) = (["unlink", "unlinkat", "rmdir"], &scene.project);
    let all = scene.calls(&command);
    let calls: Vec<_> =
        all.iter().filter(|call| !call.talk && (removing.contains(&&*call.name) || writes(call))).collect();
    assert!(calls.iter().any(|call| removing.contains(&&*call.name)), "{all:?}");
    fail_at(&scene, &command, &calls, 6, |_, what| {
        let verified = project.snap(&["verify", "--json"]).exits(0).json();
        assert!(verified.to_string().contains(r#""name":"kept""#), "{what}: {verified}");
        project.snap(&command).exits(0);
        project.snap(&["verify"]).exits(0);
    });
}

#[test]
fn a_repair_whose_system_calls_fail_says_where_and_can_be_repeated() {
    if !available("errors at the system calls of verify --repair") {
        return;
    }
    let scene = Scene::of(crate::crash::damaged());
    let command = ["verify", "--repair"];
    let all = scene.calls_of(&command, 1);
    let calls: Vec<_> = all.iter().filter(|call| !call.talk && writes(call)).collect();
    fail_at(&scene, &command, &calls, 6, |_, _| {
        assert!(scene.project.snap(&command).exits(1).stdout.contains("broken"));
        scene.project.snap(&["verify", "kept"]).exits(0);
    });
}

#[test]
fn a_typical_save_syncs_at_most_twelve_times() {
    if !available("counting the syncs of a save") {
        return;
    }
    let project = project();
    let transcript = project.session(ID);
    project.append(&transcript, &br#"{"type":"of-next-month","payload":"more"}"#.repeat(2000));
    let (ran, calls) = traced(&project, &["-e", "trace=fsync,fdatasync,syncfs,sync"], &["save", "second"]);
    ran.exits(0);
    let count = calls.lines().filter(|line| line.contains("sync")).count();
    println!("{count} syncs");
    assert!((3..=12).contains(&count), "{calls}");
}

/// Text that does not compress.
pub(crate) fn noise(seed: u64, lines: u64) -> String {
    (0..lines)
        .map(|n| format!("{:x}\n", (n + 1 + seed * 100_003).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect()
}

#[test]
fn a_full_disk_costs_only_the_save_that_did_not_fit_and_prune_needs_no_space() {
    for round in 0..if long() { 200 } else { 1 } {
        let project = Project::new();
        let Some(_disk) = SmallDisk::under(&project, 300 + 37 * (round % 11)) else { return };
        let mut acknowledged: Vec<String> = Vec::new();
        let mut failed = 0;
        for number in 0..200 {
            project.write("a.txt", noise(number, 400 + 211 * (round as u64 + number) % 4_000));
            let name = format!("save {number}");
            let ran = project.snap(&["save", &name]);
            is_said_well(&ran, &name);
            match ran.code {
                0 => acknowledged.push(name),
                _ => failed += 1,
            }
            if failed == 3 {
                break;
            }
        }
        assert!(
            failed == 3 && !acknowledged.is_empty(),
            "round {round}: {failed} of {acknowledged:?} failed"
        );
        println!("round {round}: full after {} saves", acknowledged.len());
        let filler = fill(&project.stored("tmp"));
        let listed = || {
            let verified = project.snap(&["verify", "--json"]).exits(0).json();
            let all = verified["snapshots"].as_array().must("a list").clone();
            all.into_iter().filter_map(|one| one["name"].as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        let there = listed();
        let lost: Vec<_> = acknowledged.iter().filter(|name| !there.contains(name)).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?}");
        let before = project.state_with_flags();
        let refused = project.snap(&["rewind", &acknowledged[0], "--no-run"]);
        is_said_well(&refused, "rewind on a full disk");
        assert!(refused.stderr.contains("nothing was changed"), "{}", refused.stderr);
        assert!(refused.code != 0 && project.state_with_flags() == before, "{}", refused.stderr);
        crate::store::age_objects(&project);
        let pruned = project.snap(&["prune", "--keep-last", "1"]);
        let is_logged = !pruned.stderr.contains("the log has no line about this");
        assert_eq!(pruned.code, if is_logged { 0 } else { 6 }, "{}", pruned.stderr);
        assert_eq!(listed().len(), 1, "round {round}");
        fs::remove_file(filler).must("to remove");
        project.write("a.txt", "small\n");
        project.snap(&["save", "fits again"]).exits(0);
        listed();
    }
}
