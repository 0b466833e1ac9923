//! `snap doctor`: what is wrong with a session is said, and a mended one goes on where the other could not.

use std::fs;
use std::path::PathBuf;

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::support::Must;
use crate::support::api::StandIn;
use crate::support::client::Client;
use crate::support::messages::assert_continues;
use crate::support::project::{Project, Ran};
use crate::support::trace::{long, some};
use crate::support::work::{assert_tasks, script};

pub(crate) const SESSION: &str = "c137e379-838e-4509-8148-16b407691758";
const SIGNATURE: &str = "EqQBCkYIBBgCKkD";

/// A conversation that a test writes record by record, as the client does.
pub(crate) struct Story {
    cwd: String,
    pub(crate) lines: Vec<String>,
    last: Value,
    count: usize,
}

impl Story {
    /// One that begins with a question and an answer.
    pub(crate) fn begun(project: &Project) -> Story {
        let cwd = project.root().to_str().must("UTF-8").to_owned();
        let mut story = Story { cwd, lines: Vec::new(), last: Value::Null, count: 0 };
        story.user(json!("first question"));
        story.says("first answer");
        story
    }

    fn record(&mut self, kind: &str, id: &str, content: &Value) -> String {
        self.count += 1;
        let uuid = format!("00000000-0000-4000-8000-{:012}", self.count);
        let (number, minute) = (self.count % 60, self.count / 60);
        let mut message = json!({"role": kind, "content": content});
        if kind == "assistant" {
            message["id"] = id.into();
            message["model"] = "claude-sonnet-4-5".into();
            message["type"] = "message".into();
        }
        let record = json!({
            "parentUuid": self.last, "isSidechain": false, "userType": "external", "type": kind, "message": message,
            "uuid": uuid, "cwd": self.cwd, "sessionId": SESSION, "version": "2.1.332",
            "timestamp": format!("2026-11-21T08:{minute:02}:{number:02}.000Z"),
        });
        self.lines.push(record.to_string());
        self.last = uuid.clone().into();
        uuid
    }

    pub(crate) fn user(&mut self, content: Value) -> String {
        self.record("user", "", &content)
    }

    /// A part of an answer of this id.
    fn part(&mut self, id: &str, block: Value) -> String {
        self.record("assistant", id, &json!([block]))
    }

    /// A whole answer in one record.
    pub(crate) fn answer(&mut self, blocks: Value) -> String {
        let id = format!("msg_{}", self.count);
        self.record("assistant", &id, &blocks)
    }

    pub(crate) fn says(&mut self, text: &str) -> String {
        self.answer(json!([{"type": "text", "text": text}]))
    }

    fn call(&mut self, id: &str, input: Value) {
        self.answer(json!([{"type": "tool_use", "id": id, "name": "Bash", "input": input}]));
    }

    pub(crate) fn result(&mut self, id: &str, content: Value) {
        self.user(json!([{"type": "tool_result", "tool_use_id": id, "content": content}]));
    }

    /// What the client writes when the API has refused a request.
    fn refused(&mut self, words: &str) {
        self.says(words);
        let line = self.lines.pop().must("a record");
        let mut record: Value = serde_json::from_str(&line).must("JSON");
        record["isApiErrorMessage"] = true.into();
        record["message"]["model"] = "<synthetic>".into();
        self.lines.push(record.to_string());
    }

    pub(crate) fn ended(mut self) -> Story {
        self.user(json!("second question"));
        self.says("second answer");
        self
    }

    /// Writes it as a session of the project; returns its transcript.
    pub(crate) fn write(&self, project: &Project) -> PathBuf {
        let folder = project.home.project(project.root());
        fs::create_dir_all(&folder).must("the project's folder");
        let transcript = folder.join(format!("{SESSION}.jsonl"));
        let text: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(&transcript, text).must("a transcript");
        transcript
    }
}

/// A PNG of these sides; with padding, a large one.
fn png(width: u32, height: u32, padding: usize) -> Vec<u8> {
    let mut image = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    image.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
    image.extend(vec![7; padding + 16]);
    image
}

fn image_of(content: &[u8], media_type: &str) -> Value {
    json!({"type": "image", "source": {"type": "base64", "media_type": media_type, "data": BASE64.encode(content)}})
}

fn picture(width: u32, height: u32) -> Value {
    image_of(&png(width, height, 0), "image/png")
}

pub(crate) fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn thinking(signature: &str) -> Value {
    json!({"type": "thinking", "thinking": "let me see", "signature": signature})
}

/// How a client fares with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fares {
    /// It gets no answer at all.
    Stuck,
    /// It is refused, leaves something out and tries again.
    Retries,
    /// It goes on at once.
    GoesOn,
}

use Fares::{GoesOn, Retries, Stuck};

/// A kind of session that can't go on, or loses something.
struct Ill {
    name: &'static str,
    make: fn(&mut Story),
    /// What is found: line, kind and effect.
    found: &'static [(u64, &'static str, &'static str)],
    /// What the mended transcript has, and has no more.
    has: &'static [&'static str],
    lacks: &'static [&'static str],
    /// How the newest and the oldest client fare with it.
    before: [Fares; 2],
    /// What the client asks only of the mended one.
    gains: &'static [&'static str],
}

/// Each kind; the story begins before it and goes on behind it.
const ILL: &[Ill] = &[
    Ill {
        name: "an image over 5 MB",
        make: |story| {
            story.user(json!([image_of(&png(10, 10, 4 << 20), "image/png"), text("big one")]));
            story.says("seen");
        },
        found: &[(3, "image_too_large", "refused")],
        has: &["An image was here (10 x 10 px, 5.3 MB in base64)", "big one"],
        lacks: &["image/png"],
        before: [Stuck, Stuck],
        gains: &["An image was here"],
    },
    Ill {
        name: "an image with a side over 8000 px, in a tool's result",
        make: |story| {
            story.call("toolu_1", json!({"command": "shot"}));
            story.result("toolu_1", json!([text("the screen"), picture(9_000, 4)]));
            story.says("seen");
        },
        found: &[(4, "image_side_too_long", "refused")],
        has: &["An image was here (9000 x 4 px", "the screen"],
        lacks: &["image/png"],
        before: [Retries, Retries],
        gains: &[],
    },
    Ill {
        name: "an image with a side over 2000 px among many",
        make: |story| {
            for number in 0..22 {
                let side = if number == 3 { 2_500 } else { 100 };
                story.user(json!([picture(side, 4), text("look")]));
                story.says("seen");
            }
        },
        found: &[(9, "image_side_too_long_for_many", "refused")],
        has: &["An image was here (2500 x 4 px", "image/png"],
        lacks: &[],
        before: [Retries, Retries],
        gains: &[],
    },
    Ill {
        name: "an image under the wrong type",
        make: |story| {
            story.user(json!([image_of(&png(10, 10, 0), "image/jpeg"), text("look")]));
            story.says("seen");
        },
        found: &[(3, "image_media_type", "refused")],
        has: &["\"media_type\":\"image/png\""],
        lacks: &["image/jpeg", "was here"],
        before: [Retries, Retries],
        gains: &[],
    },
    Ill {
        name: "an error page under the name of an image",
        make: |story| {
            story.user(json!([image_of(b"<!DOCTYPE html><html>oops</html>", "image/png"), text("look")]));
            story.says("seen");
        },
        found: &[(3, "no_image", "refused")],
        has: &["An image was here"],
        lacks: &["image/png"],
        before: [Retries, Retries],
        gains: &[],
    },
    Ill {
        name: "a document that is no PDF",
        make: |story| {
            let source =
                json!({"type": "base64", "media_type": "application/pdf", "data": BASE64.encode(b"A=1\n")});
            story.user(json!([{"type": "document", "source": source}, text("look")]));
            story.says("seen");
        },
        found: &[(3, "no_pdf", "refused")],
        has: &["A document was here"],
        lacks: &["application/pdf"],
        before: [Retries, Retries],
        gains: &[],
    },
    Ill {
        name: "an image that a prompt mentions",
        make: |story| {
            story.user(json!("look at @wide.png"));
            let uuid = "00000000-0000-4000-8000-00000000a77a";
            let file =
                json!({"base64": BASE64.encode(&png(9_000, 4, 0)), "type": "image/png", "originalSize": 50});
            let attachment = json!({"type": "file", "filename": "/app/wide.png", "displayPath": "wide.png",
                                    "content": {"type": "image", "file": file}});
            let record = json!({"parentUuid": story.last, "isSidechain": false, "type": "attachment", "uuid": uuid,
                                "attachment": attachment, "cwd": story.cwd, "sessionId": SESSION,
                                "timestamp": "2026-11-21T08:00:03.500Z", "version": "2.1.332", "userType": "external"});
            story.lines.push(record.to_string());
            story.last = uuid.into();
            story.says("seen");
        },
        found: &[(4, "image_side_too_long", "refused")],
        has: &["An image was here (9000 x 4 px", "/app/wide.png"],
        lacks: &["base64\":"],
        before: [Retries, Retries],
        gains: &[],
    },
    Ill {
        name: "empty texts",
        make: |story| {
            story.user(json!([picture(10, 10), text("")]));
            story.part("msg_x", text(""));
            story.part(
                "msg_x",
                json!({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}}),
            );
            story.result("toolu_1", json!("a.txt"));
            story.says("seen");
            story.user(json!("  \n"));
            story.says("nothing was said");
        },
        found: &[(3, "blank_text", "refused"), (4, "blank_text", "refused"), (8, "empty_message", "refused")],
        has: &["image/png", "toolu_1", "nothing was said"],
        lacks: &["\"text\":\"\"", "  \\n"],
        before: [Stuck, Stuck],
        gains: &[],
    },
    Ill {
        name: "a message without content",
        make: |story| {
            story.user(Value::Null);
            story.says("to nothing");
        },
        found: &[(3, "empty_message", "refused")],
        has: &["to nothing"],
        lacks: &["\"content\":null"],
        before: [GoesOn, Stuck],
        gains: &[],
    },
    Ill {
        name: "an answer without content",
        make: |story| {
            story.user(json!("say nothing"));
            story.answer(Value::Null);
            story.user(json!("go on"));
            story.says("went on");
        },
        found: &[(4, "empty_message", "refused")],
        has: &["say nothing", "went on"],
        lacks: &["\"content\":null"],
        before: [GoesOn, Stuck],
        gains: &[],
    },
    Ill {
        name: "an answer that is a text and no list",
        make: |story| {
            story.user(json!("say it"));
            story.answer(json!("plainly said"));
        },
        found: &[(4, "plain_answer", "refused")],
        has: &[r#""content":[{"type":"text","text":"plainly said"}]"#],
        lacks: &[],
        before: [GoesOn, Stuck],
        gains: &[],
    },
    Ill {
        name: "a call with an id of another provider",
        make: |story| {
            story.user(json!("run it"));
            story.call("functions.Bash:0", json!({"command": "ls"}));
            story.result("functions.Bash:0", json!("a.txt"));
            story.says("ran");
        },
        found: &[(4, "call_id", "refused")],
        has: &["\"command\":\"ls\"", "\"a.txt\""],
        lacks: &["functions.Bash:0"],
        before: [Stuck, Stuck],
        gains: &[],
    },
    Ill {
        name: "thinking without a signature",
        make: |story| {
            story.user(json!("think"));
            story.part("msg_t", thinking(""));
            story.part("msg_t", text("thought"));
            story.user(json!("think again"));
            story.part("msg_u", thinking(SIGNATURE));
            story.part("msg_u", text("thought again"));
        },
        found: &[(4, "unsigned_thinking", "refused")],
        has: &["\"thought\"", "thought again"],
        lacks: &["let me see"],
        before: [Retries, Stuck],
        gains: &[],
    },
    Ill {
        name: "an answer that ends with thinking",
        make: |story| {
            story.user(json!("think"));
            story.part("msg_t", text("first I say"));
            story.part("msg_t", thinking(SIGNATURE));
        },
        found: &[(5, "thinking_last", "refused")],
        has: &["first I say"],
        lacks: &["let me see"],
        before: [Stuck, Stuck],
        gains: &[],
    },
    Ill {
        name: "inputs that are no objects",
        make: |story| {
            story.call("toolu_1", json!("{\"command\": \"ls\"}"));
            story.result("toolu_1", json!("a.txt"));
            story.call("toolu_2", json!("ls"));
            story.result("toolu_2", json!("b.txt"));
            story.says("seen");
        },
        found: &[(3, "call_input", "refused"), (5, "call_input", "refused")],
        has: &["\"input\":{\"command\": \"ls\"}", "\"input\":{\"input\":\"ls\"}"],
        lacks: &[],
        before: [Stuck, Stuck],
        gains: &[],
    },
    Ill {
        name: "two calls with one id",
        make: |story| {
            for number in 0..2 {
                story.user(json!("run it"));
                story.call("toolu_d", json!({"command": format!("echo {number}")}));
                story.result("toolu_d", json!(format!("result {number}")));
                story.says("ran");
            }
        },
        found: &[(8, "repeated_call", "lost")],
        has: &["\"id\":\"toolu_d\"", "\"tool_use_id\":\"toolu_d\"", "echo 1", "result 1"],
        lacks: &[],
        before: [GoesOn, GoesOn],
        gains: &["result 1"],
    },
    Ill {
        name: "half a character",
        make: |story| {
            story.says("half HALF here");
            let line = story.lines.pop().must("a record").replace("HALF", "\\ud83d");
            story.lines.push(line);
        },
        found: &[(3, "half_character", "lost")],
        has: &["half \\ufffd here"],
        lacks: &["\\ud83d"],
        before: [GoesOn, GoesOn],
        gains: &[],
    },
    Ill {
        name: "records on one line, a torn one, and one that is null",
        make: |story| {
            story.user(json!("one"));
            story.says("two");
            let second = story.lines.pop().must("a record");
            let first = story.lines.pop().must("a record");
            story.lines.push(format!("{first}{second}"));
            story.lines.push("null".to_owned());
            story.lines.push("{\"type\":\"user\",\"uu".to_owned());
        },
        found: &[(3, "glued_records", "lost"), (4, "no_record", "lost"), (5, "torn_line", "lost")],
        has: &["\"one\"", "\"two\""],
        lacks: &["null\n", "\"uu\n"],
        before: [GoesOn, Stuck],
        gains: &["\"two\""],
    },
    Ill {
        name: "thinking that the API refused",
        make: |story| {
            story.user(json!("think"));
            story.part("msg_t", thinking(SIGNATURE));
            story.part("msg_t", text("thought"));
            story.user(json!("and now"));
            story.refused("API Error: 400 messages.3.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.");
        },
        found: &[],
        has: &[],
        lacks: &[],
        before: [GoesOn, GoesOn],
        gains: &[],
    },
];

/// The ill session, written; and its transcript's text.
fn ill(project: &Project, kind: &Ill) -> (PathBuf, String) {
    let mut story = Story::begun(project);
    (kind.make)(&mut story);
    let transcript = story.ended().write(project);
    let text = fs::read_to_string(&transcript).must("the transcript");
    (transcript, text)
}

pub(crate) fn doctor(project: &Project, arguments: &[&str]) -> Ran {
    project.snap(&[&["doctor"], arguments].concat())
}

pub(crate) fn found(report: &Value) -> Vec<(u64, String, String)> {
    let of = |finding: &Value| {
        let word = |key: &str| finding[key].as_str().must(key).to_owned();
        (finding["line"].as_u64().must("a line"), word("kind"), word("effect"))
    };
    report["findings"].as_array().must("findings").iter().map(of).collect()
}

/// The transcript of a mended session, with its report.
pub(crate) fn mended(project: &Project, arguments: &[&str]) -> (PathBuf, Value) {
    let report = doctor(project, &[arguments, &["--fix", "--json"]].concat()).exits(0).json();
    let id = report["mended"]["session"].as_str().must("a new session");
    (project.home.project(project.root()).join(format!("{id}.jsonl")), report)
}

#[test]
fn each_kind_is_found_and_the_mended_session_is_healthy_and_the_other_untouched() {
    for kind in ILL {
        let project = Project::new();
        let (transcript, before) = ill(&project, kind);
        let report = doctor(&project, &[SESSION, "--json"]);
        let wanted: Vec<(u64, String, String)> = kind
            .found
            .iter()
            .map(|(line, kind, effect)| (*line, (*kind).to_owned(), (*effect).to_owned()))
            .collect();
        assert_eq!(found(&report.json()), wanted, "{}", kind.name);
        if wanted.is_empty() {
            continue;
        }
        assert_eq!(report.code, 1, "{}", kind.name);
        let (copy, report) = mended(&project, &[SESSION]);
        assert!(!report["mended"]["changes"].as_array().must("changes").is_empty(), "{}", kind.name);
        assert_eq!(fs::read_to_string(&transcript).must("the transcript"), before, "{}", kind.name);
        let text = fs::read_to_string(&copy).must("the copy");
        for has in
            kind.has.iter().chain(&["first question", "first answer", "second question", "second answer"])
        {
            assert!(
                text.contains(has),
                "{}: {has:?} is not in {}",
                kind.name,
                &text[..text.len().min(4_000)]
            );
        }
        for lacks in kind.lacks {
            assert!(!text.contains(lacks), "{}: {lacks:?} is still there", kind.name);
        }
        assert!(text.lines().all(|line| line.starts_with('{') && !line.contains(SESSION)), "{}", kind.name);
        doctor(&project, &[copy.to_str().must("UTF-8")]).exits(0).says(&["nothing to mend"]);
        doctor(&project, &[SESSION]).exits(1);
    }
}

#[test]
fn a_healthy_session_has_no_finding_and_nothing_is_written() {
    let project = Project::new();
    let transcript = Story::begun(&project).ended().write(&project);
    doctor(&project, &[]).exits(0).says(&["nothing to mend"]);
    doctor(&project, &["--fix"]).exits(0).says(&["nothing was written"]);
    let folder = transcript.parent().must("a folder");
    assert_eq!(fs::read_dir(folder).must("the folder").count(), 1);
    assert!(!project.path(".claude/snapshots").exists(), "it needs no store");
}

#[test]
fn a_session_is_named_by_its_id_the_start_of_it_or_its_path_and_else_is_the_one_that_a_save_takes() {
    let project = Project::new();
    let (transcript, _) = ill(&project, &ILL[1]);
    for name in [SESSION, &SESSION[..8], transcript.to_str().must("UTF-8")] {
        assert_eq!(doctor(&project, &[name, "--json"]).exits(1).json()["session"], SESSION, "{name}");
    }
    assert_eq!(doctor(&project, &["--json"]).exits(1).json()["session"], SESSION);
    doctor(&project, &["deadbeef"]).exits(3).says(&["There is no session deadbeef"]);
    doctor(&Project::new(), &[]).exits(3).says(&["There is no session here", "snap doctor --all"]);
}

#[test]
fn all_sessions_of_the_machine_are_a_line_each() {
    let project = Project::new();
    let (transcript, _) = ill(&project, &ILL[1]);
    let other = transcript.with_file_name("d137e379-838e-4509-8148-16b407691758.jsonl");
    fs::write(
        &other,
        fs::read_to_string(&transcript)
            .must("text")
            .replace(&BASE64.encode(&png(9_000, 4, 0)), &BASE64.encode(&png(900, 4, 0))),
    )
    .must("another");
    fs::write(transcript.with_file_name("agent-1a2b3c4d.jsonl"), "{}\n").must("an agent of an old client");
    let all = doctor(&project, &["--all", "--json"]).exits(1).json();
    let rows = all.as_array().must("a list");
    assert_eq!(rows.len(), 2, "{all}");
    let of = |id: &str| rows.iter().find(|row| row["session"] == id).must("a row");
    assert_eq!((&of(SESSION)["ok"], &of(SESSION)["refused"]), (&false.into(), &1.into()));
    assert_eq!(of("d137e379-838e-4509-8148-16b407691758")["ok"], true);
    let said = doctor(&project, &["--all"]).exits(1);
    assert_eq!(said.stdout.lines().count(), 2, "{}", said.stdout);
    assert!(said.stdout.contains("1 refused") && said.stdout.contains("healthy"), "{}", said.stdout);
    fs::remove_file(transcript).must("to remove it");
    doctor(&project, &["--all"]).exits(0).says(&["nothing to mend"]);
}

#[test]
fn what_can_not_be_mended_is_said_and_nothing_is_written() {
    let stuck = |make: fn(&mut Story), options: &[&str], words: &[&str]| {
        let project = Project::new();
        let mut story = Story::begun(&project);
        make(&mut story);
        let transcript = story.write(&project);
        doctor(&project, &[SESSION]).exits(1);
        doctor(&project, &[&[SESSION, "--fix"], options].concat()).exits(3).says(words);
        let folder = transcript.parent().must("a folder");
        assert_eq!(fs::read_dir(folder).must("the folder").count(), 1, "{words:?}");
        project
    };
    let unexplained: fn(&mut Story) = |story| {
        story.user(json!([picture(10, 10), text("look")]));
        story.refused("API Error: 400 Could not process image");
    };
    let project = stuck(unexplained, &[], &["no limit says which", "--strip-images"]);
    let (copy, _) = mended(&project, &["--strip-images"]);
    let text = fs::read_to_string(copy).must("the copy");
    assert!(text.contains("An image was here (10 x 10 px") && !text.contains("Could not process"), "{text}");
    stuck(
        |story| {
            story.user(json!("and now"));
            story.refused("Prompt is too long");
        },
        &[],
        &["there is too much of it", "/compact", "--from"],
    );
    stuck(|story| story.lines.clear(), &[], &["there is no message in it"]);
    stuck(unexplained, &["--from", "ffff"], &["There is no message ffff", "--turns"]);
    stuck(unexplained, &["--from", "0000"], &["0000 fits several messages"]);
}

#[test]
fn thinking_that_was_refused_and_the_words_of_the_refusal_are_left_out() {
    let project = Project::new();
    let mut story = Story::begun(&project);
    story.user(json!("think"));
    story.part("msg_t", thinking(SIGNATURE));
    story.part("msg_t", text("thought"));
    for number in 0..2 {
        story.user(json!(format!("and now {number}")));
        story.refused("API Error: 400 messages.3.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.");
    }
    story.write(&project);
    let report = doctor(&project, &["--json"]).exits(1).json();
    assert_eq!(found(&report), [(9, "refusal".to_owned(), "refused".to_owned())]);
    let (copy, _) = mended(&project, &[SESSION]);
    let text = fs::read_to_string(&copy).must("the copy");
    assert!(!text.contains("let me see") && !text.contains("API Error"), "{text}");
    assert!(
        text.contains("\"thought\"") && text.contains("and now 0") && text.contains("and now 1"),
        "{text}"
    );
    doctor(&project, &[copy.to_str().must("UTF-8")]).exits(0);
}

#[test]
fn thinking_that_was_broken_off_spoils_none_behind_it() {
    let project = Project::new();
    let mut story = Story::begun(&project);
    // Never sent: the answer says nothing else.
    story.part("msg_broken_off", thinking(SIGNATURE));
    story.part("msg_unsigned", thinking(""));
    story.user(json!("go on"));
    story.part("msg_t", thinking(SIGNATURE));
    story.part("msg_t", text("thought"));
    story.lines.push("{\"type\":\"user\",\"message\":{\"role".to_owned());
    let story = story.ended();
    story.write(&project);
    let report = doctor(&project, &["--json"]).exits(1).json();
    assert_eq!(found(&report).len(), 1, "{report}");
    let (copy, _) = mended(&project, &[SESSION]);
    let copy = fs::read_to_string(&copy).must("the copy");
    assert_eq!(copy.matches("let me see").count(), 3, "{copy}");
}

/// What the client writes of a compaction: the boundary, and behind it the summary.
fn compacted(story: &mut Story) -> [String; 2] {
    let [boundary, summary] = [story.says("boundary"), story.user(json!("what happened so far"))];
    let place = story.lines.len() - 2;
    let mut lines = story.lines.split_off(place).into_iter();
    let mut next = || -> Value { serde_json::from_str(&lines.next().must("a record")).must("JSON") };
    let mut record = next();
    record["type"] = "system".into();
    record["subtype"] = "compact_boundary".into();
    record["logicalParentUuid"] = record["parentUuid"].take();
    record["compactMetadata"] = json!({"trigger": "manual", "preTokens": 10});
    record.as_object_mut().must("a record").remove("message");
    story.lines.push(record.to_string());
    let mut record = next();
    record["isCompactSummary"] = true.into();
    story.lines.push(record.to_string());
    [boundary, summary]
}

#[test]
fn a_note_from_before_a_compaction_leads_to_no_other_branch() {
    let project = Project::new();
    let mut story = Story::begun(&project);
    let before = story.last.clone();
    story.lines.push(json!({"type": "last-prompt", "leafUuid": before, "sessionId": SESSION}).to_string());
    compacted(&mut story);
    story.user(json!("asked since"));
    let last = story.says("answered since");
    story.write(&project);
    doctor(&project, &[]).exits(0);
    // With any other damage: the mended one goes on from the same message.
    story.lines.insert(1, "null".to_owned());
    story.write(&project);
    let (copy, _) = mended(&project, &[SESSION]);
    let copy = fs::read_to_string(copy).must("the copy");
    let mut notes = copy.lines().filter(|line| line.contains("last-prompt"));
    assert!(notes.next_back().must("a note").contains(&last), "{copy}");
    let report = doctor(&project, &[SESSION, "--json"]).exits(1).json();
    assert_eq!(found(&report).len(), 1, "{report}");
    assert_eq!(report["branches"][0]["message"], json!(last), "{report}");
}

#[test]
fn a_compaction_without_its_summary_takes_nothing_away() {
    for torn in [false, true] {
        let project = Project::new();
        let mut story = Story::begun(&project);
        let answer = story.last.clone();
        compacted(&mut story);
        let summary = story.lines.pop().must("the summary");
        if torn {
            story.lines.push(summary[..summary.len() / 2].to_owned());
        }
        story.write(&project);
        let saved = project.snap(&["save", "x", "--json"]).exits(0).json();
        assert_eq!(saved["history"]["from"], "start", "{saved}");
        let report = doctor(&project, &["--json"]).exits(1).json();
        let all = found(&report);
        assert!(all.contains(&(3, "broken_compaction".to_owned(), "lost".to_owned())), "{report}");
        let (copy, _) = mended(&project, &[SESSION]);
        let text = fs::read_to_string(&copy).must("the copy");
        assert!(text.contains("first question") && text.contains("first answer"), "{text}");
        assert!(!text.contains("compact_boundary"), "{text}");
        let mut notes = text.lines().filter(|line| line.contains("last-prompt"));
        assert!(notes.next_back().must("a note").contains(answer.as_str().must("an id")), "{text}");
        doctor(&project, &[copy.to_str().must("UTF-8")]).exits(0);
    }
}

#[test]
fn several_calls_at_once_are_no_branches_and_stay_together() {
    let project = Project::new();
    let mut story = Story::begun(&project);
    story.user(json!("look at all"));
    // As the client writes them: each result follows its own call, and the conversation goes on from one of them.
    let mut calls = Vec::new();
    for number in 0..3 {
        let call = json!({"type": "tool_use", "id": format!("toolu_{number}"), "name": "Bash", "input": {"command": "ls"}});
        calls.push(story.part("msg_three", call));
    }
    let mut results = Vec::new();
    for number in [2, 0, 1] {
        story.last = calls[number].clone().into();
        story.result(&format!("toolu_{number}"), json!(format!("result {number}")));
        results.push(story.last.clone());
    }
    let noted = json!({"type": "last-prompt", "leafUuid": results[0], "sessionId": SESSION});
    story.lines.push(noted.to_string());
    let end = story.says("seen all");
    story.write(&project);
    let report = doctor(&project, &["--json"]).exits(0).json();
    assert_eq!(report["branches"].as_array().must("branches").len(), 1, "{report}");
    assert_eq!(report["branches"][0]["message"], json!(end), "{report}");
    let (copy, _) = mended(&project, &["--from", &end]);
    let copy = fs::read_to_string(copy).must("the copy");
    for number in 0..3 {
        let both = [format!("\"id\":\"toolu_{number}\""), format!("result {number}")];
        assert!(both.iter().all(|said| copy.contains(said)), "{number}: {copy}");
    }
}

/// Two branches behind the same beginning; the client's note leads to the older one. Returns the ends of both.
fn two_branches(project: &Project) -> [String; 2] {
    let mut story = Story::begun(project);
    let fork = story.last.clone();
    story.user(json!("the first way"));
    let first = story.says("gone the first way");
    story.lines.push(json!({"type": "last-prompt", "leafUuid": first, "sessionId": SESSION}).to_string());
    story.last = fork;
    story.user(json!("the second way"));
    let second = story.says("gone the second way");
    story.write(project);
    [first, second]
}

#[test]
fn a_newer_branch_that_the_client_does_not_show_is_found_and_can_be_gone_on_with() {
    let project = Project::new();
    let [first, second] = two_branches(&project);
    let report = doctor(&project, &["--json"]).exits(1).json();
    assert_eq!(found(&report), [(6, "other_branch".to_owned(), "lost".to_owned())]);
    assert_eq!(report["findings"][0]["help"], format!("snap doctor {SESSION} --fix --from {second}"));
    let branches: Vec<(&str, &str, bool)> = report["branches"]
        .as_array()
        .must("branches")
        .iter()
        .map(|branch| {
            let word = |key: &str| branch[key].as_str().must(key);
            (word("message"), word("prompt"), branch["taken"] == true)
        })
        .collect();
    assert_eq!(
        branches,
        [(first.as_str(), "the first way", true), (second.as_str(), "the second way", false)]
    );
    let (copy, _) = mended(&project, &[SESSION, "--from", &second]);
    let text = fs::read_to_string(&copy).must("the copy");
    assert!(text.contains("first answer") && text.contains("gone the second way"), "{text}");
    assert!(!text.contains("the first way"), "{text}");
    let report = doctor(&project, &[copy.to_str().must("UTF-8"), "--json"]).exits(0).json();
    assert_eq!(report["branches"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_mended_session_can_end_with_an_earlier_turn() {
    let project = Project::new();
    let mut story = Story::begun(&project);
    for number in 0..3 {
        story.user(json!(format!("question {number}")));
        story.says(&format!("answer {number}"));
    }
    story.write(&project);
    let report = doctor(&project, &["--turns", "--json"]).exits(0).json();
    let turns = report["turns"].as_array().must("turns");
    let prompts: Vec<&str> = turns.iter().filter_map(|turn| turn["prompt"].as_str()).collect();
    assert_eq!(prompts, ["first question", "question 0", "question 1", "question 2"]);
    let from = turns[1]["message"].as_str().must("a message");
    let (copy, report) = mended(&project, &["--from", from]);
    let text = fs::read_to_string(&copy).must("the copy");
    assert!(
        text.contains("answer 0") && !text.contains("question 1") && !text.contains("answer 2"),
        "{text}"
    );
    assert_eq!(report["mended"]["title"], "question 0 (mended)");
}

#[test]
fn a_mended_session_has_the_tasks_agents_and_files_of_the_other_under_its_own_id() {
    let project = Project::new();
    let transcript = project.session(SESSION);
    project.write_beside(&transcript, "tool-results/one.txt", b"a result\n");
    let history = project.home.config().join("file-history").join(SESSION);
    fs::create_dir_all(&history).must("a folder");
    fs::write(history.join("0123456789abcdef@v1"), "as it was\n").must("a backup");
    let scripts =
        |id: &str| project.home.config().join("session-env").join(id).join("sessionstart-hook-0.sh");
    fs::create_dir_all(scripts(SESSION).parent().must("a parent")).must("a folder");
    fs::write(scripts(SESSION), "export VAR=hello\n").must("a script");
    let wide = json!({"type": "user", "uuid": "u9", "parentUuid": "u2", "sessionId": SESSION,
                      "message": {"role": "user", "content": [picture(9_000, 4)]}});
    project.append(&transcript, format!("{wide}\n").as_bytes());
    let (copy, report) = mended(&project, &[]);
    let id = report["mended"]["session"].as_str().must("an id");
    assert_eq!(report["mended"]["title"], "the parser (mended)");
    assert_eq!(
        report["mended"]["command"],
        format!("cd '{}' && claude --resume {id}", project.root().display()).replace('\'', "")
    );
    let beside = copy.with_extension("");
    assert_eq!(fs::read(beside.join("tool-results/one.txt")).must("a result"), b"a result\n");
    let agent = fs::read_to_string(beside.join("subagents/agent-ag1.jsonl")).must("the agent");
    assert!(agent.contains(id) && !agent.contains(SESSION), "{agent}");
    let meta =
        |folder: &std::path::Path| fs::read(folder.join("subagents/agent-ag1.meta.json")).must("metadata");
    assert_eq!(meta(&beside), meta(&transcript.with_extension("")));
    let tasks = |id: &str| fs::read(project.home.tasks(id).join("1.json")).must("a task");
    assert_eq!(tasks(id), tasks(SESSION));
    let backup = project.home.config().join("file-history").join(id).join("0123456789abcdef@v1");
    assert_eq!(fs::read(backup).must("the backup"), b"as it was\n");
    assert_eq!(fs::read(scripts(id)).must("a script"), b"export VAR=hello\n");
    let text = fs::read_to_string(&copy).must("the copy");
    assert!(text.contains("of-next-month") && text.contains("kept"), "unknown records come along");
    let staging = fs::read_dir(copy.parent().must("a folder")).must("the folder");
    assert_eq!(staging.count(), 4, "two sessions and their folders, and nothing else");
}

#[test]
fn damage_in_an_agents_transcript_is_found_and_mended() {
    let project = Project::new();
    let transcript = project.session(SESSION);
    let agent = transcript.with_extension("").join("subagents/agent-ag1.jsonl");
    project.append(&agent, b"{\"type\":\"user\",\"uu\n");
    let report = doctor(&project, &["--json"]).exits(1).json();
    assert_eq!(found(&report), [(2, "torn_line".to_owned(), "lost".to_owned())]);
    assert_eq!(report["findings"][0]["agent"], "ag1");
    let (copy, _) = mended(&project, &[]);
    let text =
        fs::read_to_string(copy.with_extension("").join("subagents/agent-ag1.jsonl")).must("the agent");
    assert_eq!(text.lines().count(), 1, "{text}");
    doctor(&project, &[copy.to_str().must("UTF-8")]).exits(0);
}

#[test]
fn what_a_transcript_says_is_never_shown_raw() {
    let project = Project::new();
    let mut story = Story::begun(&project);
    story.user(json!("\u{1b}[31mred \u{202e}evil"));
    story.refused("API Error: 400 `thinking` \u{1b}]0;title\u{7}");
    story.write(&project);
    for arguments in [&["--turns"][..], &["--all"], &["--fix"], &["--json", "--turns"]] {
        let ran = doctor(&project, arguments);
        assert!(!ran.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{}", ran.stdout);
        assert!(!ran.stderr.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{}", ran.stderr);
    }
}

with_the_newest_client! {
    an_ill_session_is_stuck_or_loses_something_and_the_mended_one_goes_on
    the_client_goes_on_from_the_branch_that_was_chosen
    a_session_that_the_client_wrote_is_healthy_and_mended_it_asks_the_same_but_for_the_image
}

/// Resumes a session; says how that went, and what the client asked in the end.
fn asked(client: &Client, project: &Project, api: &StandIn, session: &str) -> (Fares, String) {
    api.clear();
    let options = ["--resume", session, "--model", "claude-sonnet-4-5"];
    let done = client.print(&project.home, project.root(), api, &options, "what next");
    if !done.status.success() || done.json["is_error"] != false {
        return (Stuck, format!("{} {:?}", done.json["result"], api.refusals()));
    }
    let request = api.main().first().must("a request").body["messages"].to_string();
    (if api.refusals().is_empty() { GoesOn } else { Retries }, request)
}

fn an_ill_session_is_stuck_or_loses_something_and_the_mended_one_goes_on(client: &Client) {
    let kinds: Vec<&Ill> = ILL.iter().filter(|kind| !kind.found.is_empty()).collect();
    let chosen = if long() { kinds.iter().collect() } else { some(&kinds, 6) };
    for kind in chosen {
        let (project, api) = (Project::new(), StandIn::strict(script));
        let what = format!("{} on {}", kind.name, client.version);
        ill(&project, kind);
        let (fares, before) = asked(client, &project, &api, SESSION);
        assert_eq!(fares, kind.before[usize::from(client.is_oldest())], "{what}: {before}");
        let (copy, _) = mended(&project, &[SESSION]);
        let id = copy.file_stem().and_then(|stem| stem.to_str()).must("an id");
        let (fares, now) = asked(client, &project, &api, id);
        assert_eq!(fares, GoesOn, "{what}, mended: {now}");
        for said in ["first question", "first answer", "second question", "second answer", "what next"] {
            assert!(now.contains(said), "{what}: {said} is not in {now}");
        }
        for gained in kind.gains {
            assert!(!before.contains(gained), "{what}: {gained} was not lost: {before}");
            assert!(now.contains(gained), "{what}: {gained} is not in {now}");
        }
    }
}

fn the_client_goes_on_from_the_branch_that_was_chosen(client: &Client) {
    let (project, api) = (Project::new(), StandIn::strict(script));
    let [_, second] = two_branches(&project);
    let (_, before) = asked(client, &project, &api, SESSION);
    assert!(before.contains("gone the first way") && !before.contains("the second way"), "{before}");
    let (copy, _) = mended(&project, &["--from", &second[..]]);
    let id = copy.file_stem().and_then(|stem| stem.to_str()).must("an id");
    let (fares, now) = asked(client, &project, &api, id);
    assert_eq!(fares, GoesOn);
    assert!(now.contains("first answer") && now.contains("gone the second way"), "{now}");
    assert!(!now.contains("the first way"), "{now}");
}

fn a_session_that_the_client_wrote_is_healthy_and_mended_it_asks_the_same_but_for_the_image(client: &Client) {
    let (project, api) = (Project::new(), StandIn::strict(script));
    project.write("notes.txt", "one\ntwo\n");
    let prompt = format!("work {}", project.root().display());
    let done = client.print(&project.home, project.root(), &api, &[], &prompt).succeeded();
    let mut expected = api.main().pop().must("a request").messages();
    let id = done.session_id.as_str();
    let report = doctor(&project, &[id, "--json"]);
    assert_eq!((report.code, found(&report.json())), (0, vec![]), "{}", report.stdout);
    let transcript = project.home.project(project.root()).join(format!("{id}.jsonl"));
    let text = fs::read_to_string(&transcript).must("the transcript");
    let mut call = Value::Null;
    let lines = text.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).must("JSON");
        let Some(block) = record.pointer_mut("/message/content/0") else { return format!("{line}\n") };
        if block["type"] == "tool_use" && block["name"] == "Read" {
            call = block["id"].clone();
        } else if block["type"] == "tool_result" && block["tool_use_id"] == call {
            block["content"] = json!([picture(9_000, 4)]);
            return format!("{record}\n");
        }
        format!("{line}\n")
    });
    let poisoned: String = lines.collect();
    assert_ne!(poisoned, text, "the file was read");
    fs::write(&transcript, &poisoned).must("the transcript");
    assert_eq!(found(&doctor(&project, &[id, "--json"]).exits(1).json())[0].1, "image_side_too_long");
    let (copy, _) = mended(&project, &[id]);
    let result = expected.iter_mut().find(|message| message["content"]["tool_use_id"] == call);
    result.must("the result")["content"]["content"] = json!([text_of_the_image()]);
    let new = copy.file_stem().and_then(|stem| stem.to_str()).must("an id");
    api.clear();
    client.print(&project.home, project.root(), &api, &["--resume", new], "list tasks").succeeded();
    assert_continues(&expected, &api.main().first().must("a request").messages());
    assert_tasks(&api.main());
    assert_eq!(api.refusals(), Vec::<String>::new());
}

fn text_of_the_image() -> Value {
    let size = BASE64.encode(&png(9_000, 4, 0)).len();
    text(&format!(
        "[An image was here (9000 x 4 px, {size} bytes in base64). It was taken out, as the limit is 8000 px a side.]"
    ))
}

#[test]
fn what_can_not_be_mended_is_not_said_to_be_mended_by_a_command() {
    const ID: &str = "c137e379-838e-4509-8148-16b407691758";
    let project = Project::new();
    let transcript = project.session(ID);
    fs::write(&transcript, "not json\n").must("a transcript");
    let found = doctor(&project, &[ID]).exits(1);
    assert!(!found.stderr.contains("--fix"), "{}", found.stderr);
    found.says(&["It can't be mended: there is no message in it"]);
    let json = doctor(&project, &[ID, "--json"]).exits(1).json();
    let helps = json["findings"].as_array().must("a list").iter().all(|finding| finding["help"].is_null());
    assert!(helps, "{json}");
    doctor(&project, &[ID, "--fix"]).exits(3).says(&["there is no message in it"]);
    doctor(&project, &["--all"])
        .exits(1)
        .says(&["there is nothing to mend. 1 can't be mended: there is no message"]);
}

#[test]
fn a_session_without_a_title_is_called_the_same_by_doctor_and_status() {
    let project = Project::new();
    let mut story = Story::begun(&project);
    story.user(json!("second question"));
    story.says("second answer");
    story.write(&project);
    let status = project.snap(&["status", "--json"]).exits(0).json();
    let report = doctor(&project, &["--json"]).exits(0).json();
    assert_eq!(status["session"]["words"], "first question");
    assert_eq!(report["title"], "first question");
    let all = doctor(&project, &["--all", "--json"]).exits(0).json();
    assert_eq!(all[0]["title"], "first question");
}
