//! Secrets that stand where no rule looks first: glued to a word, as the name of another one, packed, in an address.

use serde_json::json;

use crate::redaction::{assert_nowhere, token};
use crate::support::Must;
use crate::support::project::Project;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// A project whose conversation has this text.
fn said(text: &str) -> Project {
    let project = Project::new();
    let transcript = project.session(ID);
    let record = json!({"type": "user", "uuid": "said", "sessionId": ID, "message": {"role": "user", "content": text}});
    project.append(&transcript, format!("{record}\n").as_bytes());
    project
}

#[test]
fn a_token_that_was_seen_once_is_taken_out_wherever_it_is_glued_to_something() {
    for kind in ["github classic", "aws id", "google key", "plain sk", "gitlab"] {
        let secret = token(kind, 5);
        let project = said(&format!("my token is {secret} for now"));
        let text = format!(
            "u{secret}\nhttps://h/?q=say%20{secret}\nx0{secret}y\nabc\x1b[32m{secret}\x1b[0mxyz\n=3D{secret}\n"
        );
        project.write("glued.txt", &text);
        let saved = project.snap(&["save", "one"]).exits(0);
        assert!(!saved.stderr.contains(&secret) && !saved.stdout.contains(&secret), "{kind}");
        assert_nowhere(&project.path(".claude/snapshots"), &[&secret]);
        std::fs::remove_file(project.path("glued.txt")).must("to remove a file");
        project.snap(&["rewind", "one", "--no-run"]).exits(0);
        assert_eq!(project.read("glued.txt"), text.as_bytes(), "{kind}: exactly as before");
    }
}

#[test]
fn a_secret_that_is_the_name_of_another_one_is_not_shown_as_its_name() {
    let (old, new) = (token("github classic", 1), token("github classic", 2));
    let password = "Kq7Rw2Xz9Lm4Tb6Vc8Hd";
    for line in [
        format!("{old}={new}"),
        format!("{{\"{old}\": \"{new}\"}}"),
        format!("{old}: {new}"),
        format!("token{old}={new}"),
        format!("{{\"token{old}\": \"{new}\"}}"),
        format!("password_{old} = {password}-9"),
        format!("my_{password}: {new}"),
        format!("{password}={new}"),
        format!("{{\"password_{password}\": \"{new}\"}}"),
    ] {
        let project = said(&format!("DB_PASSWORD={password}"));
        project.write("names.txt", format!("{line}\n"));
        let saved = project.snap(&["save", "one"]).exits(0);
        let shown = project.snap(&["show", "one", "--json"]).exits(0);
        for text in [&saved.stdout, &saved.stderr, &shown.stdout] {
            assert!([&*old, &*new, password].iter().all(|secret| !text.contains(secret)), "{line}: {text}");
        }
        assert_nowhere(&project.path(".claude/snapshots"), &[&old, &new, password]);
        let bundle = project.path("one.snap").display().to_string();
        project.snap(&["export", "one", "-o", &bundle]).exits(0);
    }
}

#[test]
fn a_packed_file_with_a_token_is_taken_out_and_comes_back() {
    let secret = token("github classic", 9);
    let project = said("look at the log");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, format!("GET /?t={secret} HTTP/1.1\n").as_bytes()).must("to pack");
    let packed = packed.finish().must("to pack");
    project.write("log.gz", &packed);
    let saved = project.snap(&["save", "one"]).exits(0);
    assert!(saved.stderr.contains("github-token in log.gz"), "{}", saved.stderr);
    for object in crate::redaction::content_of(&project.path(".claude/snapshots")) {
        assert!(!memchr::memmem::find(&object.1, &packed[..24]).is_some(), "{}", object.0);
    }
    std::fs::remove_file(project.path("log.gz")).must("to remove a file");
    project.snap(&["rewind", "one", "--no-run"]).exits(0);
    assert_eq!(project.read("log.gz"), packed);
}

#[test]
fn a_token_in_the_address_of_a_remote_is_neither_shown_nor_logged() {
    let project = said("push it");
    project.write("a.txt", "more\n");
    project.snap(&["save", "one"]).exits(0);
    let secret = token("github classic", 3);
    for address in [
        format!("https://{secret}:x-oauth-basic@127.0.0.1:1/o/r.git"),
        format!("https://127.0.0.1:1/{secret}/r.git"),
        format!("https://x-access-token:{secret}@127.0.0.1:1/o/r.git"),
        format!("https://127.0.0.1:1/r.git?private_token={secret}"),
    ] {
        let pushed = project.snap(&["push", &address, "one"]);
        let log = project.snap(&["log", "--json"]).exits(0);
        let written = String::from_utf8_lossy(&project.read(".claude/snapshots/log.jsonl")).into_owned();
        for text in [&pushed.stdout, &pushed.stderr, &log.stdout, &written] {
            assert!(!text.contains(&secret), "{address}: {text}");
        }
    }
}
