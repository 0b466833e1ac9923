//! `snap merge` of what one side's snapshot does not have, though nobody took it back; and of what is here without git showing it.

use std::fs;

use serde_json::json;

use crate::merging::as_user;
use crate::merging_again::{Pair, pair_from, text};
use crate::support::Must;
use crate::support::project::Project;

/// What "base" has beside the usual: new files.
fn new_files(ada: &Project) {
    ada.write("sub/n.txt", text(&[]));
    ada.write("own/n.txt", text(&[]));
    for number in 0..3 {
        ada.write(format!("node_modules/p/{number}.js"), format!("{number}\n"));
    }
}

fn read(project: &Project, path: &str) -> String {
    String::from_utf8(project.read(path)).must("UTF-8")
}

/// Merges on one side, and returns what was said.
#[track_caller]
fn merge(pair: &Pair, who: &str, name: &str, code: i32) -> String {
    let project = if who == "ada" { &pair.ada } else { &pair.bob };
    as_user(project, who, &["pull"]).exits(0);
    let said = as_user(project, who, &["merge", name]).exits(code);
    format!("{}{}", said.stdout, said.stderr)
}

fn settings(project: &Project, save: &str) {
    let file = project.home.path().join(".config/snap/snap.toml");
    fs::create_dir_all(file.parent().must("a folder")).must("the folder");
    fs::write(&file, format!("[save]\n{save}\n")).must("the settings");
}

/// A way in which a file that is there does not get into a snapshot.
type LeftOut = (&'static str, fn(&Project));

const WAYS: [LeftOut; 5] = [
    ("sub/n.txt", |ada| ada.write(".gitignore", "n.txt\n")),
    ("sub/n.txt", |ada| ada.write(".git/info/exclude", "sub/\n")),
    ("sub/n.txt", |ada| settings(ada, "max_file = \"64\"")),
    ("own/n.txt", |ada| drop(ada.git(&["init", "-q", "own"]))),
    ("node_modules/p/1.js", |ada| settings(ada, "max_files = 2")),
];

#[test]
fn what_a_save_left_out_is_not_taken_back() {
    for (number, (path, leave_out)) in WAYS.into_iter().enumerate() {
        let mut pair = pair_from(new_files);
        let shared = read(&pair.bob, path);
        leave_out(&pair.ada);
        pair.ada.write("b.txt", "ada again\n");
        // Exit code 6 where it says so itself.
        let saved = as_user(&pair.ada, "ada", &["save", "a2"]).code;
        assert!([0, 6].contains(&saved), "{number}");
        as_user(&pair.ada, "ada", &["push", "origin", "a2"]).exits(0);
        let said = merge(&pair, "bob", "a2", 0);
        assert_eq!(read(&pair.bob, path), shared, "{number}");
        assert_eq!(pair.bob.read("b.txt"), b"ada again\n", "{number}");
        let folder = path.split('/').next().must("a folder");
        let told = said.lines().any(|line| {
            line.contains(folder) && (line.contains("leave") || line.contains("Not in the snapshot"))
        });
        assert!(told, "{number}: {said}");
        // And the next merge counts from what both have of it. A rule in a file came along, so that now neither side saves it.
        let edited = format!("{shared}bob\n");
        pair.bob.write(path, &edited);
        pair.save("bob", "b1");
        merge(&pair, "ada", "b1", 0);
        assert_eq!(read(&pair.ada, path), if number == 0 { shared } else { edited }, "{number}");
    }
}

#[test]
fn what_a_pipe_stands_in_the_place_of_is_not_taken_back() {
    let mut pair = pair_from(new_files);
    fs::remove_file(pair.ada.path("sub/n.txt")).must("removed");
    let made = std::process::Command::new("mkfifo").arg(pair.ada.path("sub/n.txt")).status().must("mkfifo");
    assert!(made.success());
    pair.save("ada", "a2");
    let said = merge(&pair, "bob", "a2", 0);
    assert_eq!(read(&pair.bob, "sub/n.txt"), text(&[]));
    assert!(said.contains("sub/n.txt") && said.contains("pipe"), "{said}");
}

#[test]
fn what_was_there_and_is_really_gone_is_taken_back_though_a_rule_would_hide_it() {
    let mut pair = pair_from(new_files);
    pair.ada.write(".gitignore", "*.txt\nnode_modules\n");
    fs::remove_file(pair.ada.path("sub/n.txt")).must("removed");
    pair.save("ada", "a2");
    merge(&pair, "bob", "a2", 0);
    assert!(!pair.bob.path("sub/n.txt").exists());
    assert!(pair.bob.path("node_modules/p/1.js").exists());
}

/// Has git hide a file of Bob's.
fn hide(pair: &Pair) {
    pair.bob.write(".git/info/exclude", "sub/\n");
}

#[test]
fn what_git_does_not_show_here_is_merged_or_in_conflict_and_never_overwritten_unasked() {
    // Each changed another line.
    let mut pair = pair_from(new_files);
    pair.ada.write("sub/n.txt", text(&[(7, "ada")]));
    pair.save("ada", "a2");
    hide(&pair);
    pair.bob.write("sub/n.txt", text(&[(20, "bob")]));
    let said = merge(&pair, "bob", "a2", 0);
    assert_eq!(read(&pair.bob, "sub/n.txt"), text(&[(7, "ada"), (20, "bob")]), "{said}");
    // The other side removed it.
    fs::remove_file(pair.ada.path("sub/n.txt")).must("removed");
    pair.save("ada", "a3");
    pair.bob.write("sub/n.txt", text(&[(7, "ada"), (20, "bob again")]));
    pair.save("bob", "b1");
    let said = merge(&pair, "bob", "a3", 6);
    assert_eq!(read(&pair.bob, "sub/n.txt"), text(&[(7, "ada"), (20, "bob again")]), "{said}");
    // Each made a file of its own.
    let mut pair = pair_from(|_| ());
    pair.ada.write("sub/n.txt", "of ada\n");
    pair.save("ada", "a2");
    hide(&pair);
    pair.bob.write("sub/n.txt", "precious\n");
    let said = merge(&pair, "bob", "a2", 6);
    let both = read(&pair.bob, "sub/n.txt");
    assert!(both.contains("precious\n") && both.contains("of ada\n"), "{both}\n{said}");
    pair.bob.snap(&["undo"]).exits(0);
    assert_eq!(read(&pair.bob, "sub/n.txt"), "precious\n");
}

#[test]
fn an_edit_that_git_was_told_not_to_look_for_is_merged() {
    for mark in ["--skip-worktree", "--assume-unchanged"] {
        let mut pair = pair_from(|_| ());
        pair.ada.write("a.txt", text(&[(7, "ada")]));
        pair.save("ada", "a2");
        pair.bob.git(&["update-index", mark, "a.txt"]);
        pair.bob.write("a.txt", text(&[(20, "bob")]));
        let said = merge(&pair, "bob", "a2", 0);
        assert_eq!(pair.here("bob"), text(&[(7, "ada"), (20, "bob")]), "{mark}: {said}");
    }
}

#[test]
fn a_line_that_goes_on_from_what_is_not_here_says_so() {
    let mut pair = pair_from(|_| ());
    pair.bob.write("b.txt", "bob\n");
    pair.save("bob", "b1");
    pair.ada.snap(&["rm", "base", "--yes"]).exits(0);
    as_user(&pair.ada, "ada", &["pull", "origin", "b1"]).exits(0);
    let said = pair.ada.snap(&["merge", "b1"]);
    assert!(
        said.stderr.contains("which is not here") && said.stderr.contains("`snap pull`"),
        "{}",
        said.stderr
    );
}

#[test]
fn what_was_merged_stays_a_base_after_the_other_side_went_back_to_it() {
    let all = ["--trust", "--allow-kind", "all"];
    let mut pair = pair_from(|_| ());
    pair.bob.write("a.txt", text(&[(11, "bob")]));
    pair.save("bob", "b1");
    pair.bob.write("a.txt", text(&[(10, "bob"), (11, "bob")]));
    pair.bob.write("new.txt", "of bob\n");
    pair.save("bob", "b2");
    merge(&pair, "ada", "b1", 0);
    merge(&pair, "ada", "b2", 0);
    // What comes next is saved in between, and goes nowhere.
    as_user(&pair.bob, "bob", &[&["rewind", "b1"], &all[..]].concat()).exits(0);
    let resumed =
        as_user(&pair.bob, "bob", &[&["resume", "b1", "--no-run", "--json"], &all[..]].concat()).exits(0);
    let session = resumed.json()["session_id"].as_str().must("a session").to_owned();
    pair.bob.write("b.txt", "again\n");
    as_user(&pair.bob, "bob", &["save", "not pushed", "--session", &session]).exits(0);
    pair.bob.write("a.txt", text(&[(11, "bob"), (12, "bob")]));
    as_user(&pair.bob, "bob", &["save", "b3", "--session", &session]).exits(0);
    as_user(&pair.bob, "bob", &["push", "origin", "b3"]).exits(0);
    let said = merge(&pair, "ada", "b3", 0);
    assert_eq!(pair.here("ada"), text(&[(10, "bob"), (11, "bob"), (12, "bob")]), "{said}");
    assert_eq!(pair.ada.read("new.txt"), b"of bob\n");
}

/// Ada changed what Bob removed, or changed otherwise; each merged the other and decided for the own side. Returns the names of their
/// last snapshots.
fn decided_otherwise(adas: &[u8], bobs: Option<&[u8]>) -> Pair {
    let put = |project: &Project, bytes: Option<&[u8]>| match bytes {
        Some(bytes) => project.write("a.txt", bytes),
        None => drop(fs::remove_file(project.path("a.txt"))),
    };
    let mut pair = pair_from(|_| ());
    put(&pair.ada, Some(adas));
    put(&pair.bob, bobs);
    pair.save("ada", "a1");
    pair.save("bob", "b1");
    merge(&pair, "ada", "b1", 6);
    merge(&pair, "bob", "a1", 6);
    for (project, bytes) in [(&pair.ada, Some(adas)), (&pair.bob, bobs)] {
        put(project, bytes);
        project.git(&["add", "-A", "a.txt"]);
        project.git(&["reset", "-q"]);
    }
    pair.save("ada", "a2");
    pair.save("bob", "b2");
    pair
}

#[test]
fn what_two_decided_otherwise_after_they_merged_each_other_is_a_conflict_again() {
    let changed = text(&[(7, "ada")]).into_bytes();
    let otherwise = text(&[(7, "bob")]).into_bytes();
    for (adas, bobs) in
        [(changed.as_slice(), None), (&changed, Some(otherwise.as_slice())), (b"\0ada", Some(b"\0bob"))]
    {
        for (who, name) in [("ada", "b2"), ("bob", "a2")] {
            let pair = decided_otherwise(adas, bobs);
            let project = if who == "ada" { &pair.ada } else { &pair.bob };
            as_user(project, who, &["pull"]).exits(0);
            let merged = as_user(project, who, &["merge", name, "--json"]).exits(6).json();
            assert_eq!(merged["conflicts"], json!(["a.txt"]), "{who} {bobs:?}");
        }
    }
}

#[test]
fn a_file_that_was_removed_here_is_told_as_removed_in_the_plan_of_a_merge_with_or_without_a_session() {
    for with_session in [false, true] {
        let project = Project::new();
        if with_session {
            project.session(crate::hooks::ID);
        }
        project.write("n.txt", "new\n");
        project.write("a.txt", "edited\n");
        project.snap(&["save", "base"]).exits(0);
        project.write("k.txt", "there\n");
        project.snap(&["save", "there"]).exits(0);
        // Another session goes on from it: the same one has taken back what came since.
        project.snap(&["rewind", "base", "--fork", "--no-run", "--no-input"]).exits(0);
        for name in ["n.txt", "a.txt"] {
            fs::remove_file(project.path(name)).must("to remove");
        }
        project.snap(&["save", "here"]).exits(0);
        let planned = project.snap(&["merge", "there", "--dry-run"]).exits(0).stdout;
        assert!(planned.contains("create  k.txt"), "{planned}");
        assert_eq!(planned.matches("it was removed here").count(), 2, "{planned}");
        assert!(!planned.contains("in it already"), "{planned}");
        project.snap(&["merge", "there", "--no-input"]).exits(0);
        assert!(
            project.path("k.txt").exists()
                && !project.path("n.txt").exists()
                && !project.path("a.txt").exists()
        );
    }
}
