//! What is promised of `undo` is what it does: each place that names it is asked, and then the command that it names is run.

use std::process::Command;

use proptest::prelude::*;

use crate::support::project::Project;
use crate::support::{Must, needs};

/// A project with the snapshots `one`, `two`, `three` and `four`.
fn project() -> Project {
    let project = Project::new();
    for name in ["one", "two", "three", "four"] {
        project.write("a.txt", format!("{name}\n"));
        project.snap(&["save", name]).exits(0);
    }
    project
}

/// What `status`, `show NAME` and `list -a` say of the trash.
fn said(project: &Project, name: &str) -> [String; 3] {
    let status = project.snap(&["status"]).exits(0).stdout;
    let status = status.lines().find(|line| line.contains("in the trash")).must("a line").to_owned();
    let listed = project.snap(&["list", "-a"]).exits(0).stderr;
    let listed = listed.lines().find(|line| line.contains("In the trash")).must("a line").to_owned();
    [status, project.snap(&["show", name]).exits(3).stderr, listed]
}

fn is_there(project: &Project, name: &str) -> bool {
    project.snap(&["show", name]).code == 0
}

#[test]
fn what_is_behind_a_removal_for_good_comes_back_with_anyway_and_all_places_say_so() {
    let project = project();
    project.snap(&["rm", "one"]).exits(0);
    for words in said(&project, "one") {
        assert!(words.contains("`snap undo`") && !words.contains("--anyway"), "{words}");
    }
    project.snap(&["rm", "two", "--now"]).exits(0);
    for words in said(&project, "one") {
        assert!(words.contains("`snap undo --anyway`") && !words.contains("`snap undo`"), "{words}");
    }
    project.snap(&["undo"]).exits(3);
    project.snap(&["undo", "--anyway"]).exits(0).says(&["\"one\" is back"]);
}

#[test]
fn each_removed_snapshot_is_listed_with_what_brings_it_back() {
    let project = project();
    project.snap(&["rm", "one"]).exits(0);
    project.snap(&["rm", "two", "--now"]).exits(0);
    project.snap(&["rm", "three"]).exits(0);
    let [status, show, listed] = said(&project, "one");
    assert!(status.contains("`snap undo` brings back what was removed last"), "{status}");
    assert!(show.contains("`snap undo --anyway`, again and again, brings back"), "{show}");
    assert!(listed.contains("In the trash: three; `snap undo` brings back"), "{listed}");
    assert!(listed.contains("Also there: one; `snap undo --anyway`, "), "{listed}");
    project.snap(&["undo"]).exits(0).says(&["\"three\" is back"]);
    project.snap(&["undo"]).exits(3);
    project.snap(&["undo", "--anyway"]).exits(0).says(&["\"one\" is back"]);
}

#[test]
fn after_a_restore_the_trash_comes_back_with_a_later_step() {
    let project = project();
    project.snap(&["rm", "one"]).exits(0);
    project.snap(&["rm", "two", "--now"]).exits(0);
    project.snap(&["rewind", "three"]).exits(0);
    let [status, show, _] = said(&project, "one");
    assert!(status.contains("`snap undo --anyway`, again and again, brings back"), "{status}");
    assert!(show.contains("`snap undo --anyway`, again and again, brings back"), "{show}");
    let ran = project.snap(&["undo"]).exits(0);
    ran.says(&["Undid rewind \"three\"", "`snap undo --anyway` one further back"]);
    project.snap(&["undo", "--anyway"]).exits(0).says(&["\"one\" is back"]);
}

#[test]
fn where_the_way_back_is_gone_nobody_promises_one() {
    let project = project();
    project.snap(&["rm", "one"]).exits(0);
    let rewound = project.snap(&["rewind", "two", "--json"]).exits(0).json();
    let safety = rewound["safety"].as_str().must("a safety snapshot");
    project.snap(&["rm", safety, "--now"]).exits(0);
    project.snap(&["undo", "--anyway"]).exits(3);
    for words in said(&project, "one") {
        assert!(!words.contains("brings"), "{words}");
    }
}

#[test]
fn a_name_that_was_given_again_is_not_in_the_way() {
    let project = project();
    project.snap(&["rm", "one"]).exits(0);
    project.snap(&["save", "one", "-m", "another"]).exits(0);
    let words = "`snap undo` brings back what was removed";
    let status = project.snap(&["status"]).exits(0).stdout;
    assert!(status.contains(words), "{status}");
    project.snap(&["undo"]).exits(0).says(&["\"one-2\" is back"]);
}

#[test]
fn a_safety_snapshot_names_the_command_that_goes_to_it() {
    let project = project();
    let safety = |arguments: &[&str]| {
        let done = project.snap(arguments).exits(0).json();
        done["safety"].as_str().must("a safety snapshot").to_owned()
    };
    let shown = |name: &str| {
        let shown = project.snap(&["show", name]).exits(0).stdout;
        shown.lines().find(|line| line.contains("made before restoring")).must("a line").to_owned()
    };
    let first = safety(&["rewind", "one", "--json"]);
    let second = safety(&["rewind", "two", "--json"]);
    assert!(shown(&second).ends_with("; `snap undo` goes back to it"), "{}", shown(&second));
    assert!(shown(&first).ends_with("; `snap undo`, again and again, goes back to it"), "{}", shown(&first));
    project.snap(&["rm", "three", "--now"]).exits(0);
    assert!(shown(&second).ends_with("; `snap undo --anyway` goes back to it"), "{}", shown(&second));
    let forward = safety(&["undo", "--anyway", "--json"]);
    assert!(shown(&forward).ends_with("; `snap redo` goes forward to it"), "{}", shown(&forward));
    let rewind = format!("; `snap rewind {second}` goes back to it");
    assert!(shown(&second).ends_with(&rewind), "{}", shown(&second));
    let moved = project.home.path().join("elsewhere");
    project.git(&["worktree", "add", "-q", "--detach", moved.to_str().must("UTF-8")]);
    let there = project.snap_in(&moved, &["show", &first]).exits(0).stdout;
    assert!(there.contains(&format!("; `snap rewind {first}` goes back to it")), "{there}");
    project.snap(&["redo"]).exits(0);
    assert_eq!(project.read("a.txt"), b"two\n");
}

#[test]
fn status_names_undo_for_a_conflict_only_if_it_takes_a_merge_back() {
    let project = Project::new();
    project.git(&["checkout", "-qb", "side"]);
    project.write("a.txt", "side\n");
    project.git(&["commit", "-qam", "side"]);
    project.git(&["checkout", "-q", "-"]);
    project.write("a.txt", "here\n");
    project.git(&["commit", "-qam", "here"]);
    project.write("b.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    project.git(&["checkout", "-q", "--", "b.txt"]);
    assert!(!project.try_git(&["cherry-pick", "side"]));
    project.git(&["cherry-pick", "--quit"]);
    let conflict = |project: &Project| {
        let status = project.snap(&["status"]).exits(0).stdout;
        status.lines().find(|line| line.contains("in conflict")).must("a line").to_owned()
    };
    assert!(!conflict(&project).contains("snap undo"), "{}", conflict(&project));
    assert!(is_there(&project, "x"));
}

#[test]
fn of_two_that_had_one_name_undo_brings_back_both_one_after_the_other() {
    let project = project();
    project.snap(&["rm", "one"]).exits(0);
    project.write("a.txt", "one again\n");
    project.snap(&["save", "one"]).exits(0);
    project.snap(&["rm", "one"]).exits(0);
    let [_, show, listed] = said(&project, "one");
    assert!(show.contains("`snap undo` brings back what was removed"), "{show}");
    assert!(listed.contains("In the trash: one; `snap undo` brings back"), "{listed}");
    assert!(listed.contains("Also there: one; `snap undo`, again and again, brings back"), "{listed}");
    project.snap(&["undo"]).exits(0).says(&["\"one\" is back"]);
    project.snap(&["undo"]).exits(0).says(&["\"one-2\" is back"]);
}

/// One thing that is done in the random model.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// A snapshot of this name, of another state each time.
    Save(&'static str),
    Remove(&'static str),
    RemoveNow(&'static str),
    Rewind,
    Undo,
    Redo,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let name = prop::sample::select(vec!["one", "two", "three"]);
    let deed = prop_oneof![
        2 => name.clone().prop_map(Deed::Save),
        5 => name.clone().prop_map(Deed::Remove),
        1 => name.prop_map(Deed::RemoveNow),
        2 => Just(Deed::Rewind),
        3 => Just(Deed::Undo),
        2 => Just(Deed::Redo),
    ];
    prop::collection::vec(deed, 2..10)
}

proptest! {
    // Each case has a project, and runs the program some twenty times.
    #![proptest_config(ProptestConfig {
        cases: std::env::var("SNAP_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12),
        max_shrink_iters: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn each_promise_for_what_is_in_the_trash_is_kept_whatever_was_done_before(deeds in deeds()) {
        let project = project();
        for (number, deed) in deeds.iter().enumerate() {
            project.write("b.txt", format!("{number}\n"));
            // What can't be done is not done.
            let _ran = match deed {
                Deed::Save(name) => project.snap(&["save", name]),
                Deed::Remove(name) => project.snap(&["rm", name]),
                Deed::RemoveNow(name) => project.snap(&["rm", name, "--now"]),
                Deed::Rewind => project.snap(&["rewind", "four", "--no-run"]),
                Deed::Undo => project.snap(&["undo"]),
                Deed::Redo => project.snap(&["redo"]),
            };
        }
        let gone = ["one", "two", "three"].into_iter().find(|name| !is_there(&project, name));
        let said = gone.map(|name| project.snap(&["show", name]).exits(3).stderr);
        if let (Some(name), Some(said)) = (gone, said.filter(|said| said.contains("in the trash"))) {
            let promised = said.contains("brings back");
            let command: &[&str] =
                if !promised || said.contains("undo --anyway") { &["undo", "--anyway"] } else { &["undo"] };
            let most = if !promised || said.contains("again and again") { 15 } else { 1 };
            let is_back = (0..most).any(|_| project.snap(command).code == 0 && is_there(&project, name));
            prop_assert_eq!(is_back, promised, "{} after {:?}: {}", name, deeds, said);
        }
    }
}

#[test]
fn a_removal_that_the_log_does_not_tell_of_promises_only_what_undo_does() {
    let project = project();
    let other = project.cloned().of_another_user();
    other.write("a.txt", "theirs\n");
    other.snap(&["save", "theirs"]).exits(0);
    let file = other.home.path().join("theirs.snap");
    let file = file.to_str().must("UTF-8");
    other.snap(&["export", "theirs", "-o", file]).exits(0);
    project.snap(&["import", file]).exits(0);
    let log = project.stored("log.jsonl");
    let mount = |arguments: &[&str]| {
        let mounted = Command::new("mount").args(arguments).args([&log, &log]).output();
        mounted.is_ok_and(|output| output.status.success())
    };
    if !mount(&["--bind"]) || !mount(&["-o", "remount,ro,bind"]) {
        needs::skipped("a log that can't be written", "only root can mount a file on itself");
        return;
    }
    let [theirs, own, undone] =
        [&["rm", "theirs"][..], &["rm", "one"], &["undo"]].map(|typed| project.snap(typed));
    assert!(Command::new("umount").args(["-l"]).arg(&log).status().must("umount").success());
    let said = theirs.exits(6).stderr;
    assert!(said.contains("`snap undo` does not bring it back") && !said.contains("brings back"), "{said}");
    own.exits(6).says(&["`snap undo` brings back what was removed"]);
    let said = undone.exits(6).stderr;
    assert!(said.contains("\"one\" is back") && !said.contains("`snap redo`"), "{said}");
}
