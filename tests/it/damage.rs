//! Damaged transcripts: what is whole is kept, and the client goes on with it.

use std::collections::BTreeSet;
use std::fs;

use claude_snap::client::transcript::repair::Mending;
use claude_snap::client::transcript::validate::{Check, CheckedTranscript};
use serde_json::{Value, json};

use crate::support::Must;
use crate::support::api::StandIn;
use crate::support::client::Client;
use crate::support::messages::assert_continues;
use crate::support::project::Project;
use crate::support::trace::{long, some};
use crate::support::work::script;

const SESSION: &str = "c137e379-838e-4509-8148-16b407691758";

/// A conversation with two tool calls in a row, as the client writes one.
fn conversation() -> Vec<String> {
    let record = |kind: &str, uuid: &str, parent: &str, content: Value| {
        let parent = if parent.is_empty() { Value::Null } else { parent.into() };
        json!({"parentUuid": parent, "isSidechain": false, "type": kind, "uuid": uuid, "sessionId": SESSION,
               "message": {"id": format!("m-{uuid}"), "role": kind, "content": content}})
        .to_string()
    };
    let call = |id: &str| json!([{"type": "tool_use", "id": id, "name": "Bash", "input": {"command": "echo \"é\""}}]);
    let result =
        |id: &str| json!([{"type": "tool_result", "tool_use_id": id, "content": "{\"type\":\"user\"}"}]);
    vec![
        record("user", "u1", "", "begin".into()),
        record("assistant", "u2", "u1", call("t1")),
        record("user", "u3", "u2", result("t1")),
        record("assistant", "u4", "u3", call("t2")),
        record("user", "u5", "u4", result("t2")),
        record("assistant", "u6", "u5", json!([{"type": "text", "text": "done"}])),
    ]
}

fn mended(transcript: &[u8]) -> (CheckedTranscript, Vec<Value>) {
    let lines = || transcript.split_inclusive(|byte| *byte == b'\n');
    let mut check = Check::default();
    lines().for_each(|line| check.line(line));
    let checked = check.finish();
    let mut out = Vec::new();
    let mut mending = Mending::new(&checked);
    for line in lines() {
        mending
            .line(&mut line.to_vec(), &mut |line| {
                out.extend_from_slice(line);
                Ok(())
            })
            .must("mended");
    }
    let text = String::from_utf8(out).must("UTF-8");
    let records = text.lines().map(|line| serde_json::from_str(line).must("a record a line")).collect();
    (checked, records)
}

/// Whatever was done to the transcript: each of these records is there, nothing else but made-up results is, and
/// the chain and the calls hold together.
#[track_caller]
fn assert_mended(transcript: &[u8], whole: &[&String], what: &str) {
    let (_, records) = mended(transcript);
    let without_parent = |record: &Value| {
        let mut record = record.clone();
        record["parentUuid"] = Value::Null;
        record
    };
    let mut kept: Vec<Value> = records.iter().map(without_parent).collect();
    for record in whole {
        let record = without_parent(&serde_json::from_str(record).must("JSON"));
        let at = kept.iter().position(|kept| *kept == record);
        assert!(at.is_some(), "{what}: {record} is not in {records:#?}");
        kept.remove(at.must("a place"));
    }
    assert!(kept.iter().all(|extra| extra["message"]["content"][0]["is_error"] == true), "{what}: {kept:#?}");
    let ids: BTreeSet<&str> = records.iter().filter_map(|record| record["uuid"].as_str()).collect();
    for record in &records[1..] {
        let parent = record["parentUuid"].as_str().unwrap_or_default();
        assert!(ids.contains(parent), "{what}: {record} follows nothing");
    }
    for (at, record) in records.iter().enumerate() {
        let block = &record["message"]["content"][0];
        let answered =
            |id: &Value| records.iter().any(|record| record["message"]["content"][0]["tool_use_id"] == *id);
        let goes_on = records[at + 1..].iter().any(|later| later["type"] == "assistant");
        assert!(block["type"] != "tool_use" || !goes_on || answered(&block["id"]), "{what}: {block}");
    }
}

#[test]
fn at_every_byte_of_the_last_lines_damage_costs_only_the_record_it_hit() {
    let records = conversation();
    let all = records.iter().map(|record| format!("{record}\n")).collect::<String>().into_bytes();
    let starts: Vec<usize> =
        records.iter().scan(0, |at, record| Some(std::mem::replace(at, *at + record.len() + 1))).collect();
    for hit in 3..records.len() {
        let others: Vec<&String> =
            records.iter().enumerate().filter(|(at, _)| *at != hit).map(|(_, record)| record).collect();
        let end = starts[hit] + records[hit].len();
        for cut in starts[hit] + 1..end {
            let what = format!("line {}, byte {}", hit + 1, cut - starts[hit]);
            let torn = [&all[..cut], &all[end + 1..]].concat();
            assert_mended(&torn, &others, &format!("{what}, torn"));
            let filled = [&all[..cut], &vec![0; end - cut][..], &all[end..]].concat();
            assert_mended(&filled, &others, &format!("{what}, filled up"));
            let before = [&all[..starts[hit]], &vec![0; cut - starts[hit]][..], &all[starts[hit]..]].concat();
            assert_mended(&before, &records.iter().collect::<Vec<_>>(), &format!("{what}, behind NUL bytes"));
            let ended = &all[..cut];
            assert_mended(ended, &records[..hit].iter().collect::<Vec<_>>(), &format!("{what}, the end"));
        }
        let glued = [&all[..starts[hit] - 1], &all[starts[hit]..]].concat();
        assert_mended(&glued, &records.iter().collect::<Vec<_>>(), "glued");
        let swapped = [
            &all[..starts[hit - 1]],
            &all[starts[hit]..=end],
            &all[starts[hit - 1]..starts[hit]],
            &all[end + 1..],
        ];
        assert_mended(&swapped.concat(), &records.iter().collect::<Vec<_>>(), "reordered");
    }
}

#[test]
fn a_whole_transcript_is_not_touched_and_has_no_finding() {
    let all = conversation().iter().map(|record| format!("{record}\n")).collect::<String>();
    let (checked, records) = mended(all.as_bytes());
    assert_eq!((checked.findings, records.len()), (vec![], 6));
}

#[test]
fn what_is_wrong_is_said_line_by_line() {
    let mut lines = conversation();
    lines[4].truncate(40);
    lines.insert(1, "null".to_owned());
    lines.push(json!({"type": "last-prompt", "leafUuid": "gone", "sessionId": SESSION}).to_string());
    let all: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let said: Vec<String> = mended(all.as_bytes()).0.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "line 2: JSON, but no record (mended in the restored copy)",
            "line 5: the result of a tool call is not here (mended in the restored copy)",
            "line 6: 40 bytes belong to no whole record (mended in the restored copy)",
            "line 7: the record follows one that is not here (mended in the restored copy)",
            "line 8: points to a record that is not here",
        ]
    );
}

#[test]
fn the_findings_in_the_fixtures_are_these() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sessions");
    let expected: [(&str, &[&str]); 10] = [
        ("plain", &[]),
        ("compacted", &[]),
        (
            "torn",
            &[
                "line 2: the result of a tool call is not here (mended in the restored copy)",
                "line 3: 90 bytes belong to no whole record (mended in the restored copy)",
                "line 3: the record follows one that is not here (mended in the restored copy)",
            ],
        ),
        (
            "glued",
            &[
                "line 2: 2 records on one line, of which the client reads the first (mended in the restored copy)",
            ],
        ),
        ("nul", &["line 3: 32 bytes belong to no whole record (mended in the restored copy)"]),
        ("null", &["line 2: JSON, but no record (mended in the restored copy)"]),
        ("half-character", &["line 4: a character is only half there (mended in the restored copy)"]),
        ("lost-parent", &["line 4: the record follows one that is not here (mended in the restored copy)"]),
        ("circle", &["line 2: the record follows itself, through others (mended in the restored copy)"]),
        ("no-message", &["there is no message, so the client can't resume it"]),
    ];
    let listed = fs::read_to_string(folder.join("README.md")).must("the list");
    for (name, findings) in expected {
        assert!(listed.contains(&format!("`{name}.jsonl`")), "{name}");
        let transcript = fs::read(folder.join(format!("{name}.jsonl"))).must(name);
        let (checked, records) = mended(&transcript);
        let found: Vec<String> = checked.findings.iter().map(ToString::to_string).collect();
        assert_eq!(found, findings, "{name}");
        let ids: BTreeSet<&str> = records.iter().filter_map(|record| record["uuid"].as_str()).collect();
        let parents = records.iter().filter_map(|record| record["parentUuid"].as_str());
        assert!(parents.into_iter().all(|parent| ids.contains(parent)), "{name}: {records:#?}");
    }
}

with_the_newest_client! {
    a_damaged_conversation_goes_on_with_all_that_is_whole
    damage_in_the_last_lines_is_resumed_by_the_client
    what_the_client_leaves_out_before_an_orphan_is_said_and_comes_back
}

fn a_damaged_conversation_goes_on_with_all_that_is_whole(client: &Client) {
    let (project, api) = (Project::new(), StandIn::start(script));
    project.write("notes.txt", "one\ntwo\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "notes"]);
    let prompt = format!("work {}", project.root().display());
    let done = client.print(&project.home, project.root(), &api, &[], &prompt).succeeded();
    let whole = api.main().pop().must("a request").messages();
    let transcript = project.home.project(project.root()).join(format!("{}.jsonl", done.session_id));
    let text = fs::read_to_string(&transcript).must("the transcript");
    let lines: Vec<&str> = text.lines().collect();
    let of = |what: &str| lines.iter().position(|line| line.contains(what)).must("a record");
    let result = of("Updated task #2");
    let glue = of(r#""command":"echo hello"#);
    // The result of one call is torn by the next record; the records around another are glued; a disk block is zero.
    let mut damaged = String::new();
    for (at, line) in lines.iter().enumerate() {
        match at {
            _ if at == result => damaged.push_str(&line[..60]),
            _ if at == glue => damaged.push_str(line),
            _ if at == glue + 1 => damaged += &format!("{line}\nnull\n{}\n", "\0".repeat(512)),
            _ => damaged += &format!("{line}\n"),
        }
    }
    fs::write(&transcript, &damaged).must("the damaged transcript");
    project.snap(&["save", "x"]).exits(0);
    let resumed = project.snap(&["resume", "x", "--json"]).exits(0);
    let notes = resumed.json()["notes"].to_string();
    assert!(
        notes.contains("The conversation, line") && notes.contains("belong to no whole record"),
        "{notes}"
    );
    let id = resumed.json()["session_id"].as_str().must("an id").to_owned();
    assert_eq!(
        fs::read_to_string(&transcript).must("the transcript"),
        damaged,
        "the session itself is untouched"
    );
    api.clear();
    client.print(&project.home, project.root(), &api, &["--resume", &id], "what next").succeeded();
    let messages = api.main().first().must("a request").messages();
    let mut expected = whole;
    let lost = expected.iter_mut().find(|message| message["content"].to_string().contains("Updated task #2"));
    let lost = lost.must("the result that was torn");
    lost["content"]["content"][0]["text"] =
        "The result of this call was lost when the transcript was damaged.".into();
    lost["content"]["is_error"] = true.into();
    assert_continues(&expected, &messages);
}

fn damage_in_the_last_lines_is_resumed_by_the_client(client: &Client) {
    let (project, api) = (Project::new(), StandIn::start(script));
    project.write("notes.txt", "one\ntwo\n");
    let prompt = format!("work {}", project.root().display());
    let done = client.print(&project.home, project.root(), &api, &[], &prompt).succeeded();
    let transcript = project.home.project(project.root()).join(format!("{}.jsonl", done.session_id));
    let text = fs::read_to_string(&transcript).must("the transcript");
    // Up to the conversation's own last record: behind it there is nothing that can be missed.
    let said = |line: &str| line.contains(r#""type":"assistant""#) || line.contains(r#""type":"user""#);
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.iter().rposition(|line| said(line)).must("a record") + 1;
    let lines = &lines[..end];
    let all = lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
    let starts: Vec<usize> =
        lines.iter().scan(0, |at, line| Some(std::mem::replace(at, *at + line.len() + 1))).collect();
    let mut cases = Vec::new();
    for hit in end - 3..end {
        let (start, stop) = (starts[hit], starts[hit] + lines[hit].len());
        cases.push(("glued", hit, [&all[..start - 1], &all[start..]].concat()));
        // Every byte of these lines is tried without the client, above; here some, of every kind.
        for share in 1..16 {
            let cut = start + (stop - start) * share / 16;
            cases.push(("torn", hit, [&all[..cut], &all[stop + 1..]].concat()));
            cases.push(("filled", hit, [&all[..cut], &vec![0; stop - cut][..], &all[stop..]].concat()));
            cases.push(("ended", hit, all[..cut].to_vec()));
        }
        let swapped =
            [&all[..starts[hit - 1]], &all[start..=stop], &all[starts[hit - 1]..start], &all[stop + 1..]];
        cases.push(("reordered", hit, swapped.concat()));
    }
    for (number, (what, hit, damaged)) in some(&cases, 8).into_iter().enumerate() {
        fs::write(&transcript, damaged).must("the damaged transcript");
        let name = format!("x{number}");
        project.snap(&["save", &name]).exits(0);
        let resumed = project.snap(&["resume", &name, "--no-edits", "--json"]).exits(0).json();
        let id = resumed["session_id"].as_str().must("an id");
        let copy = transcript.with_file_name(format!("{id}.jsonl"));
        let installed = fs::read_to_string(copy).must("the copy");
        for line in installed.lines() {
            assert!(
                serde_json::from_str::<Value>(line).is_ok_and(|record| record.is_object()),
                "{what}: {line}"
            );
        }
        let uuid = |line: &str| serde_json::from_str::<Value>(line).ok()?["uuid"].as_str().map(str::to_owned);
        let kept = lines.iter().enumerate().filter(|(at, _)| at < hit || (at > hit && *what != "ended"));
        for uuid in kept.filter_map(|(_, line)| uuid(line)) {
            assert!(installed.contains(&uuid), "{what} in line {}: {uuid} is lost", hit + 1);
        }
        if number % 2 == 1 && !long() {
            continue;
        }
        api.clear();
        client.print(&project.home, project.root(), &api, &["--resume", id], "what next").succeeded();
        let asked = api.main().first().must("a request").body["messages"].to_string();
        assert!(asked.contains("Write parser") && asked.contains("what next"), "{what}: {asked}");
    }
    // Nothing at all: saved, and said to be nothing that can be resumed.
    fs::write(&transcript, "").must("an empty transcript");
    let session = transcript.to_str().must("UTF-8");
    project.snap(&["save", "empty", "--session", session]).exits(0);
    let resumed = project.snap(&["resume", "empty", "--no-edits", "--json"]).exits(6).json();
    assert!(resumed["notes"].to_string().contains("no message"), "{resumed}");
}

fn what_the_client_leaves_out_before_an_orphan_is_said_and_comes_back(client: &Client) {
    for (after, is_joined) in [(4, true), (30, false)] {
        let (project, api) = (Project::new(), StandIn::start(script));
        let root = project.root().to_str().must("UTF-8").to_owned();
        let record = |kind: &str, uuid: u32, parent: Option<u32>, second: u32, content: Value| {
            let id = |number: u32| format!("00000000-0000-4000-8000-{number:012}");
            json!({"parentUuid": parent.map(id), "isSidechain": false, "type": kind, "uuid": id(uuid), "sessionId": SESSION, "cwd": root,
                   "userType": "external", "version": client.version, "timestamp": format!("2026-11-28T10:00:{second:02}.000Z"),
                   "message": {"id": format!("m-{uuid}"), "type": "message", "model": "claude-test-1", "role": kind, "content": content}})
        };
        let text = |text: &str| json!([{"type": "text", "text": text}]);
        let records = [
            record("user", 1, None, 0, "the beginning".into()),
            record("assistant", 2, Some(1), 1, text("one")),
            record("user", 4, Some(3), 1 + after, "the rest".into()),
            record("assistant", 5, Some(4), 2 + after, text("two")),
        ];
        let folder = project.home.project(project.root());
        fs::create_dir_all(&folder).must("a folder");
        let transcript = folder.join(format!("{SESSION}.jsonl"));
        fs::write(&transcript, records.map(|record| format!("{record}\n")).concat()).must("a transcript");
        project.snap(&["save", "x"]).exits(0);
        let resumed = project.snap(&["resume", "x", "--no-edits", "--json"]).exits(0).json();
        let notes = resumed["notes"].to_string();
        assert_eq!(notes.contains("begins with it, without the 2 messages before it"), !is_joined, "{notes}");
        let copy = resumed["session_id"].as_str().must("an id");
        for (id, begins) in [(copy, true), (SESSION, is_joined)] {
            api.clear();
            client.print(&project.home, project.root(), &api, &["--resume", id], "what next").succeeded();
            let asked = api.main().first().must("a request").body["messages"].to_string();
            assert!(asked.contains("the rest") && asked.contains("what next"), "{after} s: {asked}");
            assert_eq!(asked.contains("the beginning"), begins, "{after} s, {id}: {asked}");
        }
    }
}
