//! A session that is saved again: what was read of it before only saves time, and nothing that a save says depends on it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::redaction::token;
use crate::support::Must;
use crate::support::planted::Random;
use crate::support::project::Project;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// What was read of sessions.
fn read_before(project: &Project) -> Vec<PathBuf> {
    let names = fs::read_dir(project.stored("tmp")).must("the store's folder").flatten();
    let all = names.map(|entry| entry.path());
    let is_one =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("read-"));
    all.filter(is_one).collect()
}

/// Saves, and returns the manifest without what no two snapshots have in common.
fn saved(project: &Project, name: &str) -> Value {
    project.snap(&["save", name]).exits(0);
    let json = fs::read(project.stored(&format!("{name}.json"))).must("a manifest");
    let mut manifest: Value = serde_json::from_slice(&json).must("JSON");
    for own in ["id", "name", "created_at", "parent", "mac", "checksum"] {
        manifest.as_object_mut().must("an object").remove(own);
    }
    manifest
}

/// Says whether a save says the same as one that has nothing from before. The next save goes on from what the first one had.
fn same_without(project: &Project, step: &str, number: usize) -> Value {
    let with = saved(project, &format!("with{number}"));
    let kept: Vec<(PathBuf, Vec<u8>)> =
        read_before(project).into_iter().map(|path| (path.clone(), fs::read(path).must("a state"))).collect();
    for saves_time in read_before(project)
        .into_iter()
        .chain(["scanned", "learned"].map(|name| project.stored("tmp").join(name)))
    {
        let _none = fs::remove_file(saves_time);
    }
    let without = saved(project, &format!("without{number}"));
    for (path, bytes) in kept {
        fs::write(path, bytes).must("written");
    }
    for (key, value) in with.as_object().must("an object") {
        assert_eq!(*value, without[key], "{number}, {step}: {key}");
    }
    assert_eq!(with, without, "{number}, {step}");
    with
}

struct Writer {
    random: Random,
    number: usize,
}

impl Writer {
    fn record(&mut self, rest: Value) -> Vec<u8> {
        self.number += 1;
        let mut record = json!({"uuid": format!("r{}", self.number), "parentUuid": format!("r{}", self.number - 1),
            "sessionId": ID, "version": "2.1.332", "timestamp": "2026-11-21T01:19:35.028Z"});
        let fields = rest.as_object().must("an object").clone();
        record.as_object_mut().must("an object").extend(fields);
        format!("{record}\n").into_bytes()
    }

    fn text(&mut self, words: usize) -> String {
        let word =
            |random: &mut Random| ["port", "the", "api", "ärger", "to \"rust\"", "42", "\n"][random.below(7)];
        (0..words).map(|_| word(&mut self.random).to_owned() + " ").collect()
    }

    /// Some records, each of any kind.
    fn some(&mut self) -> Vec<u8> {
        let count = self.random.below(150);
        (0..count).flat_map(|_| self.one()).collect()
    }

    fn one(&mut self) -> Vec<u8> {
        let (words, id) = (self.random.below(300), self.random.below(30));
        let text = self.text(words);
        let call = format!("t{id}");
        let said = |content: Value| json!({"type": "user", "message": {"role": "user", "content": content}});
        let answered = |content: Value| {
            json!({"type": "assistant", "effort": "high",
            "message": {"role": "assistant", "model": format!("claude-test-{}", id % 3), "content": [content]}})
        };
        let rest = match self.random.below(16) {
            0 => said(json!(text)),
            1 | 2 => answered(json!({"type": "text", "text": text})),
            3 | 4 => {
                answered(json!({"type": "tool_use", "id": call, "name": "Bash", "input": {"command": text}}))
            }
            5 | 6 => {
                json!({"type": "user", "permissionDecision": {"decision": "accept", "source": "user_temporary", "grantScope": "session"},
                "message": {"content": [{"type": "tool_result", "tool_use_id": call, "content": text}]}})
            }
            7 => {
                json!({"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": call}]},
                "toolUseResult": {"backgroundTaskId": format!("b{id}")}})
            }
            8 => json!({"type": "queue-operation", "operation": "enqueue", "content": text}),
            9 => json!({"type": "queue-operation", "operation": (["dequeue", "remove"])[id % 2]}),
            10 => json!({"type": "custom-title", "customTitle": text}),
            11 => json!({"type": "summary", "summary": text, "leafUuid": format!("r{id}")}),
            12 => json!({"type": "bridge-session", "bridgeSessionId": "b", "ownerAccountUuid": "a"}),
            13 => answered(
                json!({"type": "tool_use", "id": call, "name": "CronCreate", "input": {"cron": "0 9 * * *", "prompt": text}}),
            ),
            14 => {
                json!({"type": "user", "toolUseResult": {"id": format!("c{id}"), "humanSchedule": "daily", "recurring": true},
                "message": {"content": [{"type": "tool_result", "tool_use_id": call}]}})
            }
            _ => {
                json!({"type": "attachment", "attachment": {"type": "task_reminder", "content": [{"id": "1", "subject": text, "status": "pending"}]}})
            }
        };
        self.record(rest)
    }

    fn huge(&mut self, bytes: usize) -> Vec<u8> {
        let data = "QUJD".repeat(bytes / 4);
        self.record(json!({"type": "user", "message": {"role": "user", "content": [{"type": "image", "source": {"data": data}}]}}))
    }

    fn secret(&mut self) -> Vec<u8> {
        let seed = u64::try_from(self.random.below(3)).must("a number");
        let token = match self.random.below(2) {
            0 => token("github classic", seed),
            _ => format!("PASSWORD=hunter{seed}Zq8wV3xK and hunter{seed}Zq8wV3xK"),
        };
        self.record(
            json!({"type": "user", "message": {"role": "user", "content": format!("use {token} for it")}}),
        )
    }

    fn compaction(&mut self) -> Vec<u8> {
        let kept = format!("r{}", self.number);
        let mut all = self.record(json!({"type": "system", "subtype": "compact_boundary", "parentUuid": null, "compactMetadata": {"trigger": "auto",
            "preservedMessages": {"anchorUuid": "x", "uuids": [kept], "allUuids": [kept]}}}));
        all.extend(self.record(json!({"type": "user", "isCompactSummary": true, "message": {"role": "user", "content": "so far"}})));
        all
    }
}

/// The end of the line at or behind a place.
fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end + 1)
}

fn step(project: &Project, transcript: &Path, agent: &Path, writer: &mut Writer) -> &'static str {
    let before = fs::read(transcript).must("a transcript");
    let add = |bytes: &[u8]| project.append(transcript, bytes);
    match writer.random.below(16) {
        0..=3 => {
            add(&writer.some());
            "appended"
        }
        4 => {
            let line = writer.one();
            add(&line[..line.len() / 2]);
            "half a record"
        }
        5 => {
            let line = writer.one();
            add(line.trim_ascii_end());
            "a record without its line end"
        }
        6 => {
            add(b"\n");
            "a line end"
        }
        7 => {
            fs::write(transcript, &before[..writer.random.below(before.len())]).must("cut");
            "truncated"
        }
        8 => {
            let mut bytes = before;
            let at = writer.random.below(bytes.len());
            bytes[at] = b'x';
            fs::write(transcript, bytes).must("edited");
            "a byte in the middle"
        }
        9 => {
            let end = line_end(&before, writer.random.below(before.len()));
            fs::write(transcript, [&before[..end], &writer.one(), &before[end..]].concat()).must("inserted");
            "a record in the middle"
        }
        10 => {
            add(&writer.compaction());
            "compacted"
        }
        11 => {
            add(&writer.secret());
            "a secret"
        }
        12 => {
            let bytes = [1_200_000, 2_500_000, 5_000_000][writer.random.below(3)];
            add(&writer.huge(bytes));
            "a huge line"
        }
        13 => {
            project.append(agent, &writer.some());
            "an agent went on"
        }
        14 => {
            for state in read_before(project) {
                let mut bytes = fs::read(&state).must("a state");
                let at = writer.random.below(bytes.len());
                bytes[at] ^= 1;
                fs::write(&state, &bytes[..bytes.len() - writer.random.below(2)]).must("damaged");
            }
            "a damaged state"
        }
        _ => {
            let objects = project.objects();
            fs::write(&objects[writer.random.below(objects.len())], "damaged").must("an object");
            "a damaged object"
        }
    }
}

/// What was read before is proven by its hash: whatever happens to the files, a save says what it says without that.
#[test]
fn a_save_says_the_same_with_and_without_what_was_read_before() {
    for seed in 1..4 {
        let project = Project::new();
        let transcript = project.session(ID);
        let agent = transcript.with_extension("").join("subagents/agent-ag1.jsonl");
        let mut writer = Writer { random: Random::new(seed), number: 0 };
        for _ in 0..4 {
            project.append(&transcript, &writer.some());
        }
        same_without(&project, "at first", 0);
        for number in 1..16 {
            let mut done = step(&project, &transcript, &agent, &mut writer);
            if writer.random.below(3) == 0 {
                done = step(&project, &transcript, &agent, &mut writer);
            }
            same_without(&project, done, number);
            // What was damaged is whole again, as far as it is still needed.
            for name in [format!("with{number}"), format!("without{number}")] {
                project.snap(&["verify", &name]).exits(0);
            }
        }
    }
}

/// A turn costs what is new of it: the pieces before are not searched again, and what is known is not written again.
#[test]
fn what_was_read_before_is_neither_searched_nor_written_again() {
    let project = Project::new();
    let transcript = project.session(ID);
    let mut writer = Writer { random: Random::new(9), number: 0 };
    let records: Vec<u8> = (0..2_000).flat_map(|_| writer.one()).collect();
    project.append(&transcript, &records);
    project.snap(&["save", "one"]).exits(0);
    let searched = project.stored("tmp/scanned");
    let first = fs::read(&searched).must("what was searched").len();
    let inode = || read_before(&project).first().and_then(|path| path.metadata().ok()).map(|meta| meta.ino());
    let before = inode();
    assert!(before.is_some());
    project.snap(&["save", "two"]).exits(0);
    assert_eq!(inode(), before, "nothing new was read");
    fs::remove_file(&searched).must("removed");
    project.append(&transcript, &writer.one());
    project.snap(&["save", "three"]).exits(0);
    assert_ne!(inode(), before);
    let second = fs::read(&searched).map_or(0, |searched| searched.len());
    assert!(second * 4 < first, "{second} of {first}");
}

/// It has words of the conversation in it: nobody reads them there, and they go with what is removed for good.
#[test]
fn what_was_read_is_masked_and_goes_with_a_snapshot_that_is_removed_for_good() {
    let project = Project::new();
    let transcript = project.session(ID);
    let words = "an unmistakable prompt about parsers";
    let prompt = json!({"type": "user", "uuid": "p", "message": {"role": "user", "content": words}});
    project.append(&transcript, format!("{prompt}\n").as_bytes());
    project.snap(&["save", "one"]).exits(0);
    project.snap(&["save", "two"]).exits(0);
    let states = read_before(&project);
    assert!(!states.is_empty());
    for state in states {
        let bytes = fs::read(&state).must("a state");
        assert!(!bytes.windows(11).any(|window| words.as_bytes().windows(11).any(|part| part == window)));
        assert_eq!(state.metadata().must("a state").mode() & 0o777, 0o600);
    }
    project.snap(&["rm", "one", "--now"]).exits(0);
    assert_eq!(read_before(&project), Vec::<PathBuf>::new());
}
