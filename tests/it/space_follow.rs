//! `snap follow` of a session whose conversation is compacted on the way.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::handoff_remote::colleague;
use crate::spaces::{ID, eventually_is, say, shared, turn};
use crate::support::{Must, eventually};

#[test]
fn a_session_that_is_compacted_is_followed_on_and_each_turn_comes_once() {
    let (ada, remote, transcript) = shared();
    ada.snap(&["sync", "--now"]).exits(0);
    let bob = colleague(&ada, &remote).of_another_user();
    let out = bob.home.path().join("followed");
    let mut follow = bob.command(bob.root(), &["follow", &format!("ada/{ID}"), "--every", "1s", "--json"]);
    let file = fs::File::create(&out).must("a file");
    let mut follow = follow.env("USER", "bob").stdout(file).stderr(Stdio::null()).spawn().must("a follower");
    let followed = || fs::read_to_string(&out).unwrap_or_default();
    eventually("the beginning", || followed().contains("write a parser"));
    say(&ada, &transcript, 1, "before it");
    ada.snap(&["sync", "--now"]).exits(0);
    eventually("the turn before", || followed().contains("before it"));

    // As the client does: a boundary, and the summary that everything after it goes on from.
    let of_session = |mut record: Value| {
        let more = json!({"sessionId": ID, "cwd": ada.root(), "version": "2.1.329", "timestamp": "2026-11-21T02:20:35.028Z"});
        record.as_object_mut().must("a record").extend(more.as_object().must("more").clone());
        format!("{record}\n")
    };
    let boundary =
        of_session(json!({"type": "system", "subtype": "compact_boundary", "uuid": "b1", "parentUuid": null,
        "logicalParentUuid": "n1", "content": "Conversation compacted", "isMeta": false,
        "compactMetadata": {"trigger": "manual", "preTokens": 9}}));
    let summary =
        of_session(json!({"type": "user", "uuid": "s1", "parentUuid": "b1", "isCompactSummary": true,
        "isVisibleInTranscriptOnly": true, "message": {"role": "user", "content": "the summary of all"}}));
    let after = of_session(json!({"type": "user", "uuid": "n2", "parentUuid": "s1",
        "message": {"role": "user", "content": "after it"}}));
    let mut file = fs::File::options().append(true).open(&transcript).must("a transcript");
    file.write_all([boundary, summary, after].concat().as_bytes()).must("to write");
    ada.snap(&["sync", "--now"]).exits(0);
    eventually("the turn after", || followed().contains("after it"));
    say(&ada, &transcript, 3, "and one more");
    turn(&ada, &transcript, "SessionEnd").exits(0);
    eventually_is(&ada, &remote, "closed");
    assert!(follow.wait().must("its end").success());
    let all = followed();
    let texts: Vec<String> = all
        .lines()
        .filter_map(|line| {
            serde_json::from_str::<Value>(line).must("JSON")["text"].as_str().map(str::to_owned)
        })
        .collect();
    for said in ["write a parser", "before it", "after it", "and one more"] {
        assert_eq!(texts.iter().filter(|text| text.starts_with(said)).count(), 1, "{said}: {all}");
    }
}
