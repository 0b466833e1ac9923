//! `snap merge` again, where saves between two pushes were not pushed: what was merged last is the base, or it is said that nobody can know.

use std::fs;

use serde_json::json;

use crate::handoff_remote::{colleague, with_remote};
use crate::merging::{ID, as_user, talk};
use crate::merging_again::{OTHER, Pair, pair, text};
use crate::support::Must;

/// Saves on Bob's side, and pushes nothing.
#[track_caller]
fn save_only(pair: &mut Pair, name: &str) {
    pair.said += 1;
    talk(&pair.bob, ID, &format!("bob{}", pair.said), name, "done");
    as_user(&pair.bob, "bob", &["save", name]).exits(0);
}

#[test]
fn a_save_between_two_pushes_that_was_not_pushed_makes_no_older_base() {
    for (first, second) in [(true, false), (true, true), (false, true)] {
        let mut pair = pair();
        pair.bob.write("a.txt", text(&[(5, "zero")]));
        pair.save("bob", "b0");
        pair.merge("ada", "b0", 0);
        pair.save("ada", "a0");
        if first {
            pair.bob.write("half.txt", "half\n");
            save_only(&mut pair, "half");
        }
        pair.bob.write("a.txt", text(&[(5, "one"), (40, "last of bob")]));
        pair.bob.write("takes back.txt", "of bob\n");
        pair.bob.write("taken back.txt", "of bob\n");
        pair.save("bob", "b1");
        pair.merge("ada", "b1", 0);
        fs::remove_file(pair.ada.path("taken back.txt")).must("removed");
        fs::remove_file(pair.bob.path("takes back.txt")).must("removed");
        if second {
            save_only(&mut pair, "second half");
        }
        pair.bob.write("a.txt", text(&[(5, "one"), (40, "last of bob\nand more")]));
        pair.save("bob", "b2");
        as_user(&pair.ada, "ada", &["pull"]).exits(0);
        let merged = pair.ada.snap(&["merge", "b2", "--json"]).exits(0);
        assert!(!merged.stderr.contains("not here"), "{first} {second}: {}", merged.stderr);
        assert_eq!(merged.json()["conflicts"], json!([]), "{first} {second}");
        assert_eq!(pair.here("ada"), text(&[(5, "one"), (40, "last of bob\nand more")]), "{first} {second}");
        let there = ["taken back.txt", "takes back.txt"].map(|name| pair.ada.path(name).exists());
        assert_eq!(there, [false, false], "{first} {second}");
    }
}

#[test]
fn two_who_share_no_session_merge_again_across_what_was_not_pushed() {
    let (ada, remote) = with_remote();
    let mut pair = Pair { bob: colleague(&ada, &remote), ada, said: 0 };
    pair.ada.session(OTHER);
    pair.bob.session(ID);
    pair.bob.write("new.txt", "zero\n");
    pair.save("bob", "b0");
    let all = ["--trust", "--allow-kind", "all", "--json"];
    let merge = |pair: &Pair, name: &str| {
        pair.ada.snap(&["pull"]).exits(0);
        pair.ada.snap(&[&["merge", name], &all[..]].concat()).exits(0)
    };
    merge(&pair, "b0");
    save_only(&mut pair, "half");
    pair.bob.write("new.txt", "zero\none\n");
    pair.bob.write("taken back.txt", "of bob\n");
    pair.save("bob", "b1");
    merge(&pair, "b1");
    fs::remove_file(pair.ada.path("taken back.txt")).must("removed");
    pair.bob.write("new.txt", "zero\none\ntwo\n");
    pair.save("bob", "b2");
    merge(&pair, "b2");
    assert_eq!(pair.ada.read("new.txt"), b"zero\none\ntwo\n");
    assert!(!pair.ada.path("taken back.txt").exists());

    // He goes back to what is not here, and on from there: nobody can tell what of it she has.
    pair.bob.snap(&["rewind", "half", "--no-run", "--no-input"]).exits(0);
    pair.bob.write("new.txt", "zero\nthree\n");
    as_user(&pair.bob, "bob", &["save", "b3"]).exits(0);
    as_user(&pair.bob, "bob", &["push", "origin", "b3"]).exits(0);
    pair.ada.snap(&["pull"]).exits(0);
    let planned = pair.ada.snap(&[&["merge", "b3", "--dry-run"], &all[..]].concat());
    for said in ["which is not here", "snap pull", "snap push"] {
        assert!(planned.stderr.contains(said), "{said}: {}", planned.stderr);
    }
}
