//! Removing snapshots: everything that goes with one goes, whoever asks, and what is announced is what is done.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::handoff_remote::{colleague, with_remote};
use crate::real_client::answering_on_terminal;
use crate::redaction::token;
use crate::support::Must;
use crate::support::project::{Project, files_below, git_in, ran};

const ID: &str = "0c5d6a0e-2ac4-4a62-9d4b-6f1f2a5b7c80";
const PAST: &str = "5b1d7f6e-8c9a-4b3c-a1d2-e3f4a5b6c7d8";

/// Makes a file look a week old.
fn age(file: &Path) {
    let week_ago = SystemTime::now() - Duration::from_secs(7 * 86_400);
    File::options().append(true).open(file).must("a file").set_modified(week_ago).must("a time");
}

/// The refs that keep base commits, by the ids of their snapshots.
fn refs(project: &Project) -> Vec<String> {
    let all = project.git(&["for-each-ref", "--format=%(refname:lstrip=2)", "refs/snap/"]);
    all.lines().map(str::to_owned).collect()
}

/// A project with the snapshots `stays` and `goes`, of which the second has a secret, a link and an object of its
/// own; a past session has a journal. All of it is old enough to be removed.
fn with_one_to_remove() -> (Project, PathBuf, PathBuf) {
    let project = Project::new();
    project.session(ID);
    let secret = token("github classic", 9);
    let own: String =
        (0..9_000).map(|number: u64| format!("{:x}\n", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    project.write("notes.txt", format!("GITHUB_TOKEN={secret}\n{own}"));
    project.snap(&["save", "goes", "--link"]).exits(0);
    project.write("notes.txt", "small\n");
    project.snap(&["save", "stays"]).exits(0);
    let kept = project.home.path().join(".local/state/snap/kept");
    files_below(&kept).iter().for_each(|file| age(file));
    assert!(!files_below(&kept).is_empty());
    let journal = project.home.config().join("snap").join(format!("{PAST}.jsonl"));
    fs::write(&journal, "{}\n").must("a journal");
    age(&journal);
    project.objects().iter().for_each(|object| age(object));
    (project, kept, journal)
}

#[test]
fn everything_that_goes_with_a_snapshot_goes_whoever_removes_it() {
    let all = [(&["prune", "--keep-last", "1", "--now"][..], "prune"), (&["rm", "goes", "--now"], "remove")];
    for (command, operation) in all {
        let (project, kept, journal) = with_one_to_remove();
        let links = project.home.config().join("snap/links");
        assert_eq!((refs(&project).len(), files_below(&links).len()), (2, 1));
        let removed = project.snap(&[command, &["--json"]].concat()).exits(0).json();
        assert!(removed["freed"]["bytes"].as_u64() > Some(10_000), "{removed}");
        let stays = project.snap(&["show", "stays", "--json"]).exits(0).json();
        assert_eq!(refs(&project), [stays["id"].as_str().must("an id")], "{command:?}");
        assert_eq!(files_below(&kept), Vec::<PathBuf>::new(), "{command:?}: kept secrets");
        assert_eq!(files_below(&links), Vec::<PathBuf>::new(), "{command:?}: links");
        assert!(!journal.exists(), "{command:?}: the journal of a past session");
        let log = project.snap(&["log", "--json"]).exits(0).json();
        assert_eq!((&log[0]["operation"], &log[0]["name"]), (&json!(operation), &json!("(removed)")));
        project.snap(&["verify"]).exits(0);
    }
}

#[test]
fn a_dry_run_says_what_would_be_removed_and_freed_and_that_is_what_happens() {
    let (project, ..) = with_one_to_remove();
    let before = project.stored_files();
    let command = ["prune", "--keep-last", "1", "--now", "--dry-run"];
    let said =
        project.snap(&command).exits(0).says(&["Would remove 1 of 2 snapshots", "Would free", "KiB in"]);
    assert!(said.stdout.contains("remove\tgoes\t"), "{}", said.stdout);
    let mut planned = project.snap(&[&command[..], &["--json"]].concat()).exits(0).json();
    assert_eq!(project.stored_files(), before, "nothing was changed");
    let done = project.snap(&["prune", "--keep-last", "1", "--now", "--json"]).exits(0).json();
    planned["dry_run"] = Value::Bool(false);
    assert_eq!(planned, done);
    project.snap(&["prune", "--keep-last", "1", "--dry-run"]).exits(0).says(&["Would free no space at once"]);
}

#[test]
fn a_dry_run_says_that_what_was_just_saved_would_be_freed_only_if_it_is_deleted_for_good() {
    let project = Project::new();
    project.write("large", (0..9_000).map(|number| format!("{number}\n")).collect::<String>());
    project.snap(&["save", "goes"]).exits(0);
    project.write("large", "small\n");
    project.snap(&["save", "stays"]).exits(0);
    let command = ["prune", "--keep-last", "1", "--dry-run"];
    project.snap(&command).exits(0).says(&["Would free no space at once"]);
    project.snap(&[&command[..], &["--now"]].concat()).exits(0).says(&["KiB in 1 object"]);
}

#[test]
fn what_somebody_else_pushed_is_removed_from_a_remote_only_after_a_yes() {
    let (ada, remote) = with_remote();
    ada.snap(&["save", "hand-over"]).exits(0);
    ada.snap(&["push", "origin", "hand-over"]).exits(0);
    let user = ada.snap(&["show", "--json"]).exits(0).json()["created_by"]["user"].clone();
    let user = user.as_str().must("a user");
    let bob = colleague(&ada, &remote).of_another_user();
    let bobs = |args: &[&str]| {
        let mut command = bob.command(bob.root(), args);
        command.env("USER", "bob");
        command
    };
    let snap = |args: &[&str]| ran(&mut bobs(args));
    snap(&["save", "mine"]).exits(0);
    snap(&["push", "origin", "mine"]).exits(0);
    let there = || git_in(&ada.home, &remote, &["for-each-ref", "refs/snapshots"]);
    let before = there();
    let remove = ["rm", "--remote", "origin", "hand-over"];
    let whose = format!("\"hand-over\" was saved by {user}@");
    snap(&remove).exits(3).says(&[&whose, "Nothing was removed", "`--yes`"]);
    snap(&["rm", "--remote", "origin", "mine", "hand-over", "--json"]).exits(3);
    let said = answering_on_terminal(&mut bobs(&remove), "n\n");
    assert!(said.contains(&whose), "{said}");
    assert_eq!(there(), before, "nobody has said yes");
    snap(&["rm", "--remote", "origin", "mine"]).exits(0);
    let said = answering_on_terminal(&mut bobs(&remove), "y\n");
    assert!(said.contains("Removed"), "{said}");
    assert_eq!(there(), "");
    ada.snap(&["push", "origin", "hand-over"]).exits(0);
    snap(&[&remove[..], &["--yes"]].concat()).exits(0);
    assert_eq!(there(), "");
}

#[test]
fn what_a_person_is_asked_about_stands_in_columns() {
    let project = Project::new();
    for name in ["a", "longer"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    let rm = &["rm", "a", "longer", "--ask"];
    let said = answering_on_terminal(&mut project.command(project.root(), rm), "n\n");
    let reason = |name: &str| {
        let line = said.lines().find(|line| line.contains(&format!("  {name} "))).must("a line");
        line.trim_end().rfind("  ").must("a reason")
    };
    assert_eq!(reason("a"), reason("longer"), "{said}");
}
