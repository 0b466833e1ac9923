//! Secrets that stand where no rule looks first: glued to a word, as the name of another one, packed, in an address.

use serde_json::json;

use crate::redaction::{assert_nowhere, token};
use crate::support::Must;
use crate::support::planted::base64;
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
    std::io::Write::write_all(
        &mut packed,
        format!("{}GET /?t={secret} HTTP/1.1\n", "GET /index.html HTTP/1.1\n".repeat(40)).as_bytes(),
    )
    .must("to pack");
    let packed = packed.finish().must("to pack");
    project.write("log.gz", &packed);
    let saved = project.snap(&["save", "one"]).exits(0);
    assert!(saved.stderr.contains("packed-file in log.gz"), "{}", saved.stderr);
    for object in crate::redaction::content_of(&project.path(".claude/snapshots")) {
        assert!(memchr::memmem::find(&object.1, &packed[..24]).is_none(), "{}", object.0);
    }
    std::fs::remove_file(project.path("log.gz")).must("to remove a file");
    project.snap(&["rewind", "one", "--no-run"]).exits(0);
    assert_eq!(project.read("log.gz"), packed);
    // Elsewhere, the token is not the file.
    let shown = project.snap(&["show", "one", "--json"]).exits(0).json();
    let id = shown["secrets"][0]["id"].as_str().must("an id").to_owned();
    let store = project.stored("").display().to_string();
    let other = project.cloned().of_another_user();
    let fill = format!("{id}=TOKEN");
    let words = [
        "resume",
        "one",
        "--store",
        &store,
        "--trust",
        "--allow-kind",
        "all",
        "--no-input",
        "--no-run",
        "--fill",
        &fill,
    ];
    let mut command = other.command(other.root(), &words);
    let ran = crate::support::project::ran(command.env("TOKEN", &secret));
    assert!(ran.code != 0 && !other.path("log.gz").exists(), "{ran:?}");
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

#[test]
fn a_file_with_a_secret_and_its_placeholder_as_text_comes_back_exactly() {
    let secret = token("github classic", 4);
    let project = said("look");
    project.write("s.txt", format!("tok {secret}\n"));
    project.snap(&["save", "a"]).exits(0);
    let shown = project.snap(&["show", "a", "--json"]).exits(0).json();
    let id = shown["secrets"][0]["id"].as_str().must("an id").to_owned();
    let placeholder = format!("\u{ab}snap:secret:github-token:{id}\u{bb}");
    for (number, text) in [
        format!("log: {placeholder} was tok {secret}\n"),
        format!("{placeholder}{placeholder}\n{secret}{placeholder}\n"),
        format!("\u{ab}snap:secret:other:{id}\u{bb} {secret}\n"),
    ]
    .iter()
    .enumerate()
    {
        project.write("s.txt", text);
        let name = format!("b{number}");
        project.snap(&["save", &name]).exits(0);
        assert_nowhere(&project.path(".claude/snapshots"), &[&secret]);
        project.snap(&["rewind", "a", "--no-run"]).exits(0);
        project.snap(&["undo"]).exits(0);
        assert_eq!(project.read("s.txt"), text.as_bytes());
        std::fs::remove_file(project.path("s.txt")).must("to remove a file");
        project.snap(&["rewind", &name, "--no-run"]).exits(0);
        assert_eq!(project.read("s.txt"), text.as_bytes());
    }
    // The base has the secret, and what is pending only its placeholder.
    project.write("a.txt", format!("tok {secret}\n"));
    project.git(&["commit", "-qam", "a secret"]);
    project.write("a.txt", format!("tok {placeholder}\n"));
    project.snap(&["save", "last"]).exits(0);
    project.git(&["checkout", "-q", "a.txt"]);
    project.snap(&["rewind", "last", "--no-run"]).exits(0);
    assert_eq!(project.read("a.txt"), format!("tok {placeholder}\n").as_bytes());
}

#[test]
fn a_secret_is_found_in_a_file_of_two_encodings() {
    let secret = token("github classic", 6);
    let (line, plain) = (format!("password: \"{secret}\"\n"), "plain line here of some length\r\n");
    let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let utf_8 = |text: &str| text.as_bytes().to_vec();
    for (number, parts) in [
        [vec![0xff, 0xfe], little(&plain.repeat(3)), utf_8(&line)],
        [vec![0xfe, 0xff], big(&plain.repeat(3)), utf_8(&line)],
        [vec![], little(&plain.repeat(300)), utf_8(&line)],
        [utf_8(&plain.repeat(3)), little(&line), vec![]],
        [utf_8(&plain.repeat(300)), little(&line), utf_8(plain)],
        [utf_8(&plain.repeat(300)), big(&line), vec![]],
        [little(plain), utf_8("x"), little(&line)],
        [utf_8(&line), little(&plain.repeat(300)), vec![]],
        [[&[0xff, 0xfe][..], &little(&plain.repeat(3))].concat(), utf_8("x"), little(&line)],
    ]
    .into_iter()
    .enumerate()
    {
        let project = said("look");
        let content = parts.concat();
        project.write("log.txt", &content);
        let saved = project.snap(&["save", "one"]).exits(0);
        assert!(saved.stderr.contains("in log.txt"), "{number}: {}", saved.stderr);
        for (place, stored) in crate::redaction::content_of(&project.path(".claude/snapshots")) {
            for form in [utf_8(&secret), little(&secret), big(&secret)] {
                assert!(memchr::memmem::find(&stored, &form).is_none(), "{number}: {place}");
            }
        }
        std::fs::remove_file(project.path("log.txt")).must("to remove a file");
        project.snap(&["rewind", "one", "--no-run"]).exits(0);
        assert_eq!(project.read("log.txt"), content, "{number}");
    }
}

/// Makes everything in the user's state folder older than what is tidied away.
fn make_kept_old(project: &Project) {
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 24 * 60 * 60);
    for path in crate::support::project::files_below(&project.home.path().join(".local/state/snap")) {
        let file = std::fs::File::options().append(true).open(&path).must("a file");
        file.set_modified(long_ago).must("another time");
    }
}

#[test]
fn what_a_manifest_that_was_put_aside_needs_is_kept() {
    let secret = token("github classic", 7);
    let project = said("look");
    project.write("s.txt", format!("tok {secret}\n"));
    project.snap(&["save", "a"]).exits(0);
    project.write("y", "y\n");
    project.snap(&["save", "b"]).exits(0);
    let places = [project.stored("a.json"), project.stored("objects/manifests/a.json")];
    let manifest = std::fs::read(&places[0]).must("a manifest");
    for place in &places {
        std::fs::remove_file(place).must("to remove a file");
        std::fs::write(place, "{junk").must("a file");
    }
    project.snap(&["verify", "--repair"]);
    make_kept_old(&project);
    project.snap(&["rm", "--now", "b"]).says(&["quarantine"]);
    project.snap(&["prune", "--now", "--older-than", "1d"]);
    for place in &places {
        std::fs::write(place, &manifest).must("a file");
    }
    std::fs::remove_file(project.path("s.txt")).must("to remove a file");
    project.snap(&["rewind", "a", "--no-run"]).exits(0);
    assert_eq!(project.read("s.txt"), format!("tok {secret}\n").as_bytes());
}

#[test]
fn a_copy_that_was_used_keeps_the_secrets_of_its_snapshots() {
    let secret = token("github classic", 8);
    let project = said("look");
    project.write("s.txt", format!("tok {secret}\n"));
    project.snap(&["save", "a"]).exits(0);
    let copy = project.home.path().join("copy");
    crate::support::project::ran(std::process::Command::new("cp").arg("-r").arg(project.root()).arg(&copy))
        .exits(0);
    std::fs::remove_file(copy.join("s.txt")).must("to remove a file");
    std::fs::write(copy.join("q"), "q\n").must("a file");
    project.snap_in(&copy, &["save", "c"]).exits(0);
    make_kept_old(&project);
    project.snap(&["rm", "--now", "a"]).exits(0);
    project.snap_in(&copy, &["rewind", "a", "--no-run"]).exits(0);
    assert_eq!(std::fs::read(copy.join("s.txt")).must("a file"), format!("tok {secret}\n").as_bytes());
}

#[test]
fn a_token_in_a_code_behind_a_sign_and_in_a_record_of_utf_16_is_found() {
    let secret = token("github classic", 12);
    let code = base64(format!("token: {secret} and some more of it\n").repeat(3).as_bytes());
    let lines: Vec<&str> =
        code.as_bytes().chunks(60).map(|line| std::str::from_utf8(line).must("ASCII")).collect();
    let signed = |sign: &str| lines.iter().map(|line| format!("{sign}{line}\n")).collect::<String>();
    for text in [
        format!("@@ -1 +1 @@\n+{code}\n"),
        format!("@@ -1 +1 @@\n-{code}\n"),
        format!("x-{code}\n"),
        format!("ab/{code}\n"),
        format!("@@ -1,3 +1,3 @@\n{}", signed("+")),
        format!("@@ -1,3 +1,3 @@\n{}", signed("-")),
        signed(""),
    ] {
        let project = said("look");
        project.write("part.diff", &text);
        let saved = project.snap(&["save", "one"]).exits(0);
        assert!(saved.stderr.contains("github-token in part.diff"), "{text}: {}", saved.stderr);
        std::fs::remove_file(project.path("part.diff")).must("to remove a file");
        project.snap(&["rewind", "one", "--no-run"]).exits(0);
        assert_eq!(project.read("part.diff"), text.as_bytes());
    }
    let shown: String = format!("token {secret} ok\r\n").chars().flat_map(|one| [one, '\0']).collect();
    let project = said(&format!("wsl.exe says: {shown}"));
    project.snap(&["save", "one"]).exits(0);
    for (place, stored) in crate::redaction::content_of(&project.path(".claude/snapshots")) {
        let plain: Vec<u8> = String::from_utf8_lossy(&stored).replace("\\u0000", "").into_bytes();
        assert!(memchr::memmem::find(&plain, secret.as_bytes()).is_none(), "{place}");
    }
}

#[test]
fn a_seen_token_is_found_at_whatever_width_it_is_wrapped() {
    let mut missed = Vec::new();
    for kind in ["github classic", "anthropic"] {
        let secret = token(kind, 14);
        let scanner = claude_snap::secrets::Scanner::new(Vec::new())
            .with_seen(claude_snap::secrets::worth_remembering("TOKEN", secret.as_bytes()));
        for width in [12, 13, 16, 17, 20, 24, 25, 32, 33, 40, 60] {
            for first in 1..width.min(secret.len() - 1) {
                let (head, rest) = secret.as_bytes().split_at(first);
                let pieces: Vec<&[u8]> = std::iter::once(head).chain(rest.chunks(width)).collect();
                let text = [b"say ".as_slice(), &pieces.join(b"\n  ".as_slice()), b" now"].concat();
                let found: usize = scanner.find(&text).iter().map(|one| one.span.len()).sum();
                if found < secret.len() {
                    missed.push(format!("{kind}, {width} after {first}, {found}"));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn values_that_are_names_of_each_other_are_searched_for_once() {
    let value = |name: &str, value: &str| claude_snap::secrets::KnownValue {
        name: name.to_owned(),
        value: value.to_owned(),
        is_whole: true,
    };
    let (one, other) = ("Kq7Rw2Xz9Lm4Tb6Vc8Hd", "Zt5Np3Qs8Wf1Gy6Jk2Mv");
    let seen = vec![value(other, one), value(one, other)];
    let scanner = claude_snap::secrets::Scanner::new(Vec::new()).with_seen(seen);
    let found = scanner.find(format!("{one} and {other}\n").as_bytes());
    assert!(found.len() == 2 && found.iter().all(|one| one.name.is_none()), "{found:?}");
}

#[test]
fn a_token_beside_what_is_packed_in_the_same_file_is_found() {
    let secret = token("github classic", 21);
    let packed = |text: &str| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packed, text.as_bytes()).must("to pack");
        packed.finish().must("to pack")
    };
    let (plain, line) = (packed(&"nothing in it\n".repeat(40)), format!("tok {secret}\n").into_bytes());
    for (number, parts) in [
        [plain.clone(), line.clone(), Vec::new()],
        [plain.clone(), line.clone(), plain.clone()],
        [plain[..30].to_vec(), line.clone(), Vec::new()],
        [vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], line.clone(), Vec::new()],
        [plain.clone(), packed(&format!("{}tok {secret}\n", "and more of it\n".repeat(40))), Vec::new()],
    ]
    .into_iter()
    .enumerate()
    {
        let found = claude_snap::secrets::Scanner::new(Vec::new()).find(&parts.concat());
        assert!(!found.is_empty(), "{number}: {:?}", parts.concat().escape_ascii().to_string());
        let project = said("look");
        project.write("log.gz", parts.concat());
        let saved = project.snap(&["save", "one"]).exits(0);
        assert!(saved.stderr.contains(" in log.gz"), "{number}: {}", saved.stderr);
        std::fs::remove_file(project.path("log.gz")).must("to remove a file");
        project.snap(&["rewind", "one", "--no-run"]).exits(0);
        assert_eq!(project.read("log.gz"), parts.concat(), "{number}");
    }
}

#[test]
fn a_token_that_the_end_of_a_line_of_a_command_breaks_is_taken_out() {
    let secret = token("github classic", 3);
    for at in [3, 6, 12, 30] {
        let (start, end) = secret.split_at(at);
        let command = format!("curl -H 'X: {start}\\\n{end}' https://example.org/");
        let project = said(&command);
        let transcript = project.session(ID);
        let call = json!({"type": "assistant", "uuid": "call", "parentUuid": "said", "sessionId": ID, "message": {"role": "assistant",
            "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": command}}]}});
        project.append(&transcript, format!("{call}\n").as_bytes());
        let settings = json!({"permissions": {"allow": [format!("Bash({command})")]}});
        project.write(".claude/settings.local.json", settings.to_string());
        project.write("run.sh", format!("{command}\n"));
        project.snap(&["save", "one"]).exits(0);
        for (place, content) in crate::redaction::content_of(&project.path(".claude/snapshots")) {
            for half in [start, end].into_iter().filter(|half| half.len() >= 12) {
                assert!(memchr::memmem::find(&content, half.as_bytes()).is_none(), "{at}: {place}");
            }
        }
        std::fs::remove_file(project.path("run.sh")).must("to remove a file");
        project.snap(&["rewind", "one", "--no-run"]).exits(0);
        assert_eq!(project.read("run.sh"), format!("{command}\n").as_bytes(), "{at}");
    }
}

#[test]
fn a_token_in_hexadecimal_alone_in_a_text_is_taken_out() {
    let secret = token("github classic", 4);
    let lower: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    for code in [lower.clone(), lower.to_ascii_uppercase()] {
        let project = said(&code);
        project.write("code.txt", format!("{code}\n"));
        project.snap(&["save", "one"]).exits(0);
        assert_nowhere(&project.path(".claude/snapshots"), &[&code]);
    }
}

#[test]
fn names_of_algorithms_are_no_secrets() {
    let text = "secret: XXH64_hash_t\ntoken = Ed448PrivateKey\nAPI_SECRET=AWS4-HMAC-SHA256\n";
    let project = said(text);
    project.write("names.txt", text);
    let saved = project.snap(&["save", "one"]).exits(0);
    assert!(!saved.stderr.contains("Taken out"), "{}", saved.stderr);
}
