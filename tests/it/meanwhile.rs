//! Edited while it is saved or restored: what is saved was there at some moment, and what somebody wrote is not lost.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::Must;
use crate::support::preload::{Trouble, troubled};
use crate::support::project::{Project, ran};
use crate::support::trace::long;
use crate::together::Dice;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// One state of a file that somebody keeps writing: torn if its lines are not all the same.
fn version(number: u64) -> String {
    format!("version {number} of the file\n").repeat(2_000)
}

/// Returns which version this is.
#[track_caller]
fn number_of(content: &[u8]) -> u64 {
    let text = str::from_utf8(content).must("UTF-8");
    let number = text.split(' ').nth(1).and_then(|word| word.parse().ok());
    let number = number.unwrap_or_else(|| panic!("no version: {:.80}", text));
    assert!(text == version(number), "a torn file: {} bytes, begins with version {number}", text.len());
    number
}

/// Writes a version of a file as an editor does: beside it, then renamed into its place.
fn put(project: &Project, name: &str, number: u64) {
    project.write("../editor's", version(number));
    fs::rename(project.path("../editor's"), project.path(name)).must("to rename");
}

/// Writes new versions of a file until `done`.
fn keep_writing(project: &Project, name: &str, latest: &AtomicU64, done: &AtomicBool) {
    while !done.load(Ordering::SeqCst) {
        let number = latest.load(Ordering::SeqCst) + 1;
        put(project, name, number);
        latest.store(number, Ordering::SeqCst);
    }
}

/// Does something while a file keeps being written.
fn while_written(project: &Project, name: &str, latest: &AtomicU64, mut what: impl FnMut()) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| keep_writing(project, name, latest, &done));
        // A failure must end the writer too, or the test would never end.
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(&mut what)).err();
        done.store(true, Ordering::SeqCst);
        if let Some(failed) = failed {
            std::panic::resume_unwind(failed);
        }
    });
}

#[test]
fn a_file_that_is_written_while_it_is_saved_is_saved_as_it_was_at_one_moment() {
    let project = Project::new();
    project.session(ID);
    let latest = AtomicU64::new(1);
    project.write("a.txt", version(1));
    let mut saved = BTreeSet::new();
    while_written(&project, "a.txt", &latest, || {
        for round in 0..if long() { 100 } else { 6 } {
            let earliest = latest.load(Ordering::SeqCst);
            let name = format!("s{round}");
            let ran = project.snap(&["save", &name]);
            if ran.code == 0 {
                saved.insert((name, earliest, latest.load(Ordering::SeqCst) + 1));
            } else {
                // On a busy machine no moment may be found in which nobody writes.
                ran.exits(6).says(&["not saved: a.txt (it kept changing while it was read)"]);
            }
        }
    });
    for (name, earliest, last) in &saved {
        project.snap(&["rewind", name, "--no-session", "--no-run"]).exits(0);
        let number = number_of(&project.read("a.txt"));
        assert!((*earliest..=*last).contains(&number), "{name}: {number} of {earliest} to {last}");
    }
    println!("{} saves, all of one version; {} were written", saved.len(), latest.into_inner());
}

#[test]
fn what_somebody_writes_while_it_is_restored_is_there_or_comes_back_by_undo() {
    let project = Project::new();
    project.write("a.txt", version(0));
    project.write("later.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    let (mut dice, mut before, mut refused, mut after) = (Dice(11), 0, 0, 0);
    for round in 1..=if long() { 500 } else { 10 } {
        project.write("a.txt", version(1_000_000 + round));
        project.write("later.txt", format!("round {round}\n"));
        let ran = thread::scope(|scope| {
            scope.spawn(|| {
                thread::park_timeout(Duration::from_micros(dice.below(60_000)));
                put(&project, "a.txt", round);
            });
            project.snap(&["rewind", "x", "--no-run"])
        });
        let here = number_of(&project.read("a.txt"));
        match (ran.code, here) {
            (0, 0) => {
                before += 1;
                project.snap(&["undo"]).exits(0);
                assert_eq!(number_of(&project.read("a.txt")), round, "round {round}: {}", ran.stderr);
            }
            (0, _) => after += 1,
            (4, _) => {
                refused += 1;
                assert_eq!(project.read("later.txt"), format!("round {round}\n").as_bytes());
            }
            (code, _) => panic!("round {round}: exit {code}: {}", ran.stderr),
        }
        assert!(here == 0 || here == round, "round {round}: {here} is there");
    }
    println!("written before the restore {before} times, after it {after}, in between and refused {refused}");
}

#[test]
fn reads_and_writes_that_are_cut_short_are_gone_on_with() {
    let project = Project::new();
    let transcript = project.session(ID);
    crate::resume::edit(&project);
    project.write("long.txt", (0..9_000).map(|number| format!("{number}\n")).collect::<String>());
    let snap = |arguments: &[&str]| {
        ran(troubled(&mut project.command(project.root(), arguments), Trouble::Short)).exits(0)
    };
    let (saved, conversation) = (project.state_with_flags(), fs::read(&transcript).must("the transcript"));
    snap(&["save", "x"]);
    project.snap(&["verify"]).exits(0);
    crate::resume::clean(&project);
    let before = project.state_with_flags();
    snap(&["rewind", "x", "--no-session", "--no-run"]);
    assert_eq!(project.state_with_flags(), saved);
    snap(&["undo"]);
    assert_eq!(project.state_with_flags(), before);
    fs::remove_dir_all(transcript.with_extension("")).must("to remove");
    fs::remove_dir_all(project.home.tasks(ID)).must("to remove");
    fs::remove_file(&transcript).must("to remove");
    snap(&["rewind", "x", "--no-run"]);
    assert_eq!(project.state_with_flags(), saved);
    // Its title is added.
    assert!(fs::read(&transcript).must("the transcript").starts_with(&conversation));
    let file = project.path("../x.snap");
    let file = file.to_str().must("UTF-8");
    snap(&["export", "x", "-o", file]);
    snap(&["rm", "x"]);
    snap(&["import", file]);
    snap(&["verify"]);
}

#[test]
fn a_push_of_a_snapshot_that_is_removed_meanwhile_says_so_and_sends_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::new();
    let remote = project.home.path().join("remote.git");
    let remote = remote.to_str().must("UTF-8");
    project.git(&["init", "-q", "--bare", remote]);
    project.git(&["remote", "add", "origin", remote]);
    for name in ["n1", "n2"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    // A git that takes so long to ask the remote that somebody removes the snapshot.
    let folder = project.home.path().join("bin");
    fs::create_dir(&folder).must("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let script = format!(
        "#!/bin/sh\nPATH='{path}'\ncase \"$*\" in *ls-remote*) rm -f '{0}' '{1}' ;; esac\nexec git \"$@\"\n",
        project.stored("n2.json").display(),
        project.stored("objects/manifests/n2.json").display()
    );
    fs::write(folder.join("git"), script).must("a script");
    fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).must("a mode");
    let mut command = project.command(project.root(), &["push", "origin", "n1", "n2"]);
    let pushed = ran(command.env("PATH", format!("{}:{path}", folder.display()))).exits(3);
    let pushed = pushed.says(&["\"n2\" was removed meanwhile", "nothing was sent"]);
    assert!(!pushed.stderr.contains("n2.json"), "{pushed:?}");
    assert_eq!(project.git(&["ls-remote", remote]), "");
}
