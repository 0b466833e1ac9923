//! `snap merge` where a file of the other side can't be made here: a secret is not known, or nobody agreed to it. What is here of it
//! stays, and what was left out goes out of nobody's tree later.

use std::fs;

use crate::merging::{ID, as_user, talk};
use crate::merging_again::{Pair, pair_as, text};
use crate::redaction::token;
use crate::support::Must;
use crate::support::project::{Project, Ran};

const ALL: [&str; 3] = ["--trust", "--allow-kind", "all"];

fn secret() -> String {
    format!("token = '{}'", token("github classic", 1))
}

/// What Ada's `a.txt` has beside these: a secret that Bob does not know.
fn with_secret(changed: &[(usize, &str)]) -> String {
    let secret = secret();
    text(&[&[(5, secret.as_str())], changed].concat())
}

/// Bob has secrets of his own.
fn pair_of(edit: fn(&Project), options: &[&str]) -> Pair {
    pair_as(edit, options, Project::of_another_user)
}

/// Merges a snapshot of Ada's into what is Bob's, as far as it can be.
#[track_caller]
fn merge(pair: &Pair, who: &str, name: &str, more: &[&str], code: i32) -> Ran {
    let project = if who == "ada" { &pair.ada } else { &pair.bob };
    as_user(project, who, &["pull"]).exits(0);
    as_user(project, who, &[&["merge", name, "--trust"], more].concat()).exits(code)
}

const KINDS: [&str; 2] = ["--allow-kind", "all"];

#[test]
fn an_edit_stays_where_the_other_sides_version_waits_for_a_secret() {
    // The secret was there when they went apart, and Bob's own edit went through Ada's tree.
    let mut pair = pair_of(|ada| ada.write("a.txt", with_secret(&[])), &ALL);
    pair.bob.write("a.txt", text(&[(20, "bob")]));
    pair.save("bob", "b1");
    merge(&pair, "ada", "b1", &KINDS, 0);
    assert_eq!(pair.here("ada"), with_secret(&[(20, "bob")]));
    pair.save("ada", "a2");
    merge(&pair, "bob", "a2", &KINDS, 6).says(&["held back: a.txt"]);
    assert_eq!(pair.here("bob"), text(&[(20, "bob")]));
}

#[test]
fn what_both_had_stays_in_files_and_index_where_a_secret_came_later() {
    let edit = |ada: &Project| {
        ada.write("a.txt", text(&[(3, "ada")]));
        ada.write("new.txt", text(&[]));
        ada.write("staged.txt", "of both\n");
        ada.git(&["add", "staged.txt"]);
        ada.write("staged.txt", "on the disk\n");
    };
    let mut pair = pair_of(edit, &ALL);
    pair.ada.write("a.txt", with_secret(&[(3, "ada")]));
    pair.ada.write("new.txt", with_secret(&[]));
    pair.ada.write("staged.txt", format!("of both\n{}\n", secret()));
    pair.ada.git(&["add", "staged.txt"]);
    pair.ada.write("staged.txt", "on the disk\n");
    pair.save("ada", "a2");
    let here = text(&[(3, "ada"), (20, "bob")]);
    pair.bob.write("a.txt", &here);
    pair.bob.write("new.txt", text(&[(20, "bob")]));
    let before = pair.bob.state();
    as_user(&pair.bob, "bob", &["pull"]).exits(0);
    let dry = as_user(&pair.bob, "bob", &["merge", "a2", "--trust", "--allow-kind", "all", "--dry-run"]);
    dry.says(&["a.txt", "a secret that is not here"]);
    merge(&pair, "bob", "a2", &KINDS, 6).says(&[
        "held back: a.txt",
        "held back: new.txt",
        "held back: staged.txt",
    ]);
    assert_eq!(pair.bob.state(), before, "neither files nor index");
}

#[test]
fn what_waited_for_a_secret_goes_out_of_nobodys_tree_and_comes_once_it_can() {
    let mut pair = pair_of(|ada| ada.write("a.txt", text(&[(3, "ada")])), &ALL);
    pair.ada.write("a.txt", with_secret(&[(3, "ada")]));
    pair.save("ada", "a2");
    pair.bob.write("a.txt", text(&[(3, "ada"), (20, "bob")]));
    merge(&pair, "bob", "a2", &KINDS, 6);
    pair.save("bob", "b1");
    merge(&pair, "ada", "b1", &KINDS, 0);
    assert_eq!(pair.here("ada"), with_secret(&[(3, "ada"), (20, "bob")]));
    pair.ada.write("a.txt", text(&[(3, "ada"), (20, "bob"), (30, "late")]));
    pair.save("ada", "a3");
    merge(&pair, "bob", "a3", &KINDS, 0);
    assert_eq!(pair.here("bob"), text(&[(3, "ada"), (20, "bob"), (30, "late")]));
}

#[test]
fn what_is_left_out_again_and_again_goes_out_of_nobodys_tree_and_stays_to_be_had() {
    for by_kind in [true, false] {
        let name = if by_kind { "Makefile" } else { "a.txt" };
        let adas = |changed: &[(usize, &str)]| {
            let changed = [&[(3, "ada")], changed].concat();
            if by_kind { text(&changed) } else { with_secret(&changed) }
        };
        let edit = |ada: &Project| {
            ada.write("Makefile", text(&[]));
            ada.git(&["add", "Makefile"]);
            ada.git(&["commit", "-qm", "a Makefile"]);
            ada.git(&["push", "-q", "origin", "main"]);
            ada.write("Makefile", text(&[(3, "ada")]));
            ada.write("a.txt", with_secret(&[(3, "ada")]));
        };
        let options: &[&str] = if by_kind { &["--trust", "--no-input"] } else { &ALL };
        let more: &[&str] = if by_kind { &["--no-input"] } else { &KINDS };
        let mut pair = pair_of(edit, options);
        assert_eq!(pair.bob.read(name), text(&[]).as_bytes(), "left out at the resume");
        pair.ada.write(name, adas(&[(30, "ada")]));
        pair.save("ada", "a2");
        pair.bob.write(name, text(&[(20, "bob")]));
        merge(&pair, "bob", "a2", more, 6);
        assert_eq!(pair.bob.read(name), text(&[(20, "bob")]).as_bytes(), "left out at the merge");
        pair.save("bob", "b1");
        merge(&pair, "ada", "b1", &KINDS, 0);
        let both = adas(&[(20, "bob"), (30, "ada")]);
        assert_eq!(pair.ada.read(name), both.as_bytes(), "{name}: of Ada's, all is there");
        pair.ada.write(name, both.replace(&secret(), "5"));
        pair.save("ada", "a3");
        merge(&pair, "bob", "a3", &KINDS, if by_kind { 6 } else { 0 });
        let all = text(&[(3, "ada"), (20, "bob"), (30, "ada")]);
        assert_eq!(String::from_utf8(pair.bob.read(name)).must("UTF-8"), all, "{name}: now it comes");
    }
}

#[test]
fn a_renamed_file_that_waits_for_a_secret_is_neither_removed_nor_renamed() {
    let mut pair = pair_of(|ada| ada.write("a.txt", text(&[(3, "ada")])), &ALL);
    pair.ada.git(&["mv", "a.txt", "moved.txt"]);
    pair.ada.write("moved.txt", with_secret(&[(3, "ada")]));
    pair.save("ada", "a2");
    pair.bob.write("a.txt", text(&[(3, "ada"), (20, "bob")]));
    let before = pair.bob.state();
    merge(&pair, "bob", "a2", &KINDS, 6).says(&["held back: moved.txt"]);
    assert_eq!(pair.bob.state(), before);
    // And one that was renamed already, and got the secret then.
    let rename = |ada: &Project| fs::rename(ada.path("a.txt"), ada.path("moved.txt")).must("renamed");
    let mut pair = pair_of(rename, &ALL);
    pair.ada.write("moved.txt", with_secret(&[]));
    pair.save("ada", "a2");
    pair.bob.write("moved.txt", text(&[(20, "bob")]));
    let before = pair.bob.state();
    merge(&pair, "bob", "a2", &KINDS, 6).says(&["held back: moved.txt"]);
    assert_eq!(pair.bob.state(), before);
}

#[test]
fn what_a_snapshot_could_not_hold_is_not_taken_back() {
    let pair = pair_of(|ada| ada.write("new.txt", "of both\n"), &ALL);
    // Too large for this limit: it is left out of the snapshot.
    pair.ada.write("new.txt", "of ada\n".repeat(1_000));
    talk(&pair.ada, ID, "a2", "too large", "done");
    as_user(&pair.ada, "ada", &["save", "a2", "--max-file", "1K"]).exits(6);
    as_user(&pair.ada, "ada", &["push", "origin", "a2"]).exits(0);
    merge(&pair, "bob", "a2", &KINDS, 0).says(&["new.txt"]);
    assert_eq!(pair.bob.read("new.txt"), b"of both\n");
}
