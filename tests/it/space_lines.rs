//! Lines of work that began from a session that was only shared: what both had is the base of a merge, in both directions.

use std::path::PathBuf;

use serde_json::json;

use crate::handoff_remote::colleague;
use crate::merging::as_user;
use crate::spaces::{message, refs, say, shared};
use crate::support::project::Project;

/// What is no secret for Ada.
const VALUE: &str = "Zk4Rm8Wp2Nc6Lx9T";

/// Ada, who shares her session with an edit in it, Bob, who went on from it, and the remote.
fn apart() -> (Project, Project, PathBuf, PathBuf) {
    let (ada, remote, transcript) = shared();
    ada.write("a.txt", "one\nADA\nthree\n");
    say(&ada, &transcript, 0, &format!("use {VALUE} here"));
    ada.snap(&["sync", "--now"]).exits(0);
    let bob = colleague(&ada, &remote).of_another_user();
    as_user(&bob, "bob", &["resume", "ada/", "--trust", "--allow-kind", "all", "--no-run"]).exits(0);
    say(&ada, &transcript, 1, "and go on");
    ada.write("n.txt", "new\n");
    (ada, bob, remote, transcript)
}

/// Ada saves and pushes, and Bob merges that.
fn merge_of_bob(ada: &Project, bob: &Project) -> String {
    ada.snap(&["save", "a1"]).exits(0);
    ada.snap(&["push", "origin", "a1"]).exits(0);
    as_user(bob, "bob", &["pull"]).exits(0);
    let merged =
        as_user(bob, "bob", &["merge", "a1", "--trust", "--allow-kind", "all", "--json"]).exits(0).json();
    assert_eq!(merged["conflicts"], json!([]), "{merged}");
    String::from_utf8_lossy(&bob.read("a.txt")).into_owned()
}

#[test]
fn who_went_on_from_a_shared_session_merges_what_its_owner_did_since_from_what_both_had() {
    let (ada, bob, ..) = apart();
    bob.write("a.txt", "one\nBOB\nthree\n");
    assert_eq!(merge_of_bob(&ada, &bob), "one\nBOB\nthree\n", "changed again here, and not there");
    let (ada, bob, ..) = apart();
    ada.git(&["checkout", "-q", "a.txt"]);
    assert_eq!(merge_of_bob(&ada, &bob), "one\ntwo\nthree\n", "taken back there");
    let (ada, bob, ..) = apart();
    bob.git(&["checkout", "-q", "a.txt"]);
    assert_eq!(merge_of_bob(&ada, &bob), "one\ntwo\nthree\n", "taken back here");
}

#[test]
fn what_a_line_began_from_goes_along_once_without_words_and_only_if_it_may() {
    let (ada, bob, remote, _) = apart();
    as_user(&bob, "bob", &["save", "b1"]).exits(0);
    let pushed = as_user(&bob, "bob", &["push", "--json"]).exits(0).json();
    assert_eq!(pushed["snapshots"].as_array().map(Vec::len), Some(2), "{pushed}");
    let told: String =
        refs(&ada, &remote, "refs/snapshots/").iter().map(|(_, oid)| message(&ada, &remote, oid)).collect();
    assert!(told.contains("b1\n") && told.contains("session\n") && !told.contains("parser"), "{told}");
    bob.write("b.txt", "more\n");
    as_user(&bob, "bob", &["save", "b2"]).exits(0);
    let pushed = as_user(&bob, "bob", &["push", "--json"]).exits(0).json();
    assert_eq!(pushed["snapshots"].as_array().map(Vec::len), Some(1), "{pushed}");

    // What is a secret for Bob does not leave with it, and keeps nothing of his own from leaving.
    let (ada, bob, remote, _) = apart();
    let secret = |arguments: &[&str]| {
        let mut command = bob.command(bob.root(), arguments);
        crate::support::project::ran(command.env("USER", "bob").env("A_PASSWORD", VALUE))
    };
    secret(&["save", "b1"]).exits(0);
    secret(&["push"]).exits(0).says(&["is not sent along"]);
    assert_eq!(refs(&ada, &remote, "refs/snapshots/").len(), 1);
}
