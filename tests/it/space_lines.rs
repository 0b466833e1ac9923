//! Lines of work that began from a session that was only shared: what both had is the base of a merge, in both directions.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::handoff_remote::{colleague, utf8, with_remote};
use crate::merging::as_user;
use crate::spaces::{ID, message, refs, say, shared};
use crate::support::Must;
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

/// The refs of named snapshots of a user on the remote.
fn of_user(ada: &Project, remote: &Path, user: &str) -> usize {
    refs(ada, remote, &format!("refs/snapshots/{user}/")).len()
}

#[test]
fn what_its_owner_took_back_goes_along_with_nobodys_snapshot_and_only_by_its_name() {
    let (ada, remote) = with_remote();
    ada.session(ID);
    ada.write("a.txt", "of ada\n");
    ada.snap(&["save", "plan"]).exits(0);
    ada.snap(&["push", "origin", "plan"]).exits(0);
    let bob = colleague(&ada, &remote).of_another_user();
    as_user(&bob, "bob", &["pull"]).exits(0);
    as_user(&bob, "bob", &["resume", "plan", "--trust", "--allow-kind", "all", "--no-run"]).exits(0);
    bob.write("b.txt", "of bob\n");
    as_user(&bob, "bob", &["save", "b1"]).exits(0);
    let pushed = as_user(&bob, "bob", &["push", "origin", "b1"]).exits(0);
    assert!(!pushed.stderr.contains("went without"), "{}", pushed.stderr);
    assert_eq!((of_user(&ada, &remote, "bob"), of_user(&ada, &remote, "ada")), (1, 1));

    ada.snap(&["rm", "--remote", "origin", "plan"]).exits(0);
    for name in ["b2", "b3"] {
        bob.write("b.txt", name);
        as_user(&bob, "bob", &["save", name]).exits(0);
        as_user(&bob, "bob", &["push", "origin", name])
            .exits(0)
            .says(&["went without ada's \"plan\"", "is no longer on origin"]);
        assert_eq!(of_user(&ada, &remote, "ada"), 0, "{name}");
    }
    as_user(&bob, "bob", &["branch", "more", "b3"]);
    as_user(&bob, "bob", &["close", "b3", "-m", "done"]);
    let pushed = as_user(&bob, "bob", &["push", "origin", "b1", "b3", "--json"]).exits(0).json();
    assert_eq!(pushed["snapshots"].as_array().map(Vec::len), Some(2), "{pushed}");
    assert_eq!(of_user(&ada, &remote, "ada"), 0);
    as_user(&bob, "bob", &["push", "origin", "plan"]).exits(0).says(&["Sent \"plan"]);
    assert_eq!(of_user(&ada, &remote, "ada"), 1, "named, it goes");
}

#[test]
fn a_push_of_what_is_newest_puts_nothing_of_somebody_else_on_a_remote() {
    let (ada, remote) = with_remote();
    ada.session(ID);
    ada.write("a.txt", "of ada\n");
    ada.snap(&["save", "plan"]).exits(0);
    let file = ada.home.path().join("plan.snap");
    ada.snap(&["export", "plan", "-o", utf8(&file)]).exits(0);
    ada.snap(&["push", "origin", "plan"]).exits(0);
    let bob = colleague(&ada, &remote).of_another_user();
    as_user(&bob, "bob", &["pull"]).exits(0);
    as_user(&bob, "bob", &["push"]).exits(0).says(&["already on origin"]);
    ada.snap(&["rm", "--remote", "origin", "plan"]).exits(0);
    for arguments in [&["push"][..], &["push", "origin", "latest"]] {
        as_user(&bob, "bob", arguments).exits(3).says(&["ada", "is not on origin", "\"plan\"` sends it"]);
    }
    let carol = colleague(&ada, &remote).of_another_user();
    as_user(&carol, "carol", &["import", utf8(&file)]).exits(0);
    as_user(&carol, "carol", &["push"]).exits(3).says(&["\"plan\"` sends it"]);
    assert_eq!(of_user(&ada, &remote, "ada"), 0);
    as_user(&carol, "carol", &["push", "origin", "plan"]).exits(0);
    assert_eq!(of_user(&ada, &remote, "ada"), 1);
}

#[test]
fn what_a_line_began_from_goes_along_only_as_long_as_its_owner_shares_the_session_and_not_again() {
    // Taken back before anybody sent it along.
    let (ada, bob, remote, _) = apart();
    as_user(&bob, "bob", &["save", "b1"]).exits(0);
    ada.snap(&["sync", "--withdraw"]).exits(0);
    as_user(&bob, "bob", &["push"]).exits(0).says(&["went without ada's", "no longer shared on origin"]);
    assert_eq!(of_user(&ada, &remote, "ada"), 0);

    // Sent along, and taken back then; the session is still shared.
    let (ada, bob, remote, _) = apart();
    as_user(&bob, "bob", &["save", "b1"]).exits(0);
    as_user(&bob, "bob", &["push"]).exits(0);
    assert_eq!(of_user(&ada, &remote, "ada"), 1);
    let name = refs(&ada, &remote, "refs/snapshots/ada/").remove(0).0;
    let id = name.rsplit('/').next().must("an id").to_owned();
    ada.snap(&["rm", "--remote", "origin", &id]).exits(0);
    bob.write("b.txt", "more\n");
    as_user(&bob, "bob", &["save", "b2"]).exits(0);
    as_user(&bob, "bob", &["push"]).exits(0).says(&["went without ada's", "is no longer on origin"]);
    assert_eq!(of_user(&ada, &remote, "ada"), 0);
}
