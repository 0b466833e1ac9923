//! `snap doctor`: what is wrong with a session is said, and a mended one goes on where the other could not.

use std::fs;
use std::path::PathBuf;

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::support::Must;
use crate::support::api::StandIn;
use crate::support::client::Client;
use crate::support::project::{Project, Ran};
use crate::support::trace::{long, some};
use crate::support::work::script;

const SESSION: &str = "c137e379-838e-4509-8148-16b407691758";
const SIGNATURE: &str = "EqQBCkYIBBgCKkD";

/// A conversation that a test writes record by record, as the client does.
struct Story {
    cwd: String,
    lines: Vec<String>,
    last: Value,
    count: usize,
}

impl Story {
    /// One that begins with a question and an answer.
    fn begun(project: &Project) -> Story {
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

    fn user(&mut self, content: Value) -> String {
        self.record("user", "", &content)
    }

    /// A part of an answer of this id.
    fn part(&mut self, id: &str, block: Value) -> String {
        self.record("assistant", id, &json!([block]))
    }

    /// A whole answer in one record.
    fn answer(&mut self, blocks: Value) -> String {
        let id = format!("msg_{}", self.count);
        self.record("assistant", &id, &blocks)
    }

    fn says(&mut self, text: &str) -> String {
        self.answer(json!([{"type": "text", "text": text}]))
    }

    fn call(&mut self, id: &str, input: Value) {
        self.answer(json!([{"type": "tool_use", "id": id, "name": "Bash", "input": input}]));
    }

    fn result(&mut self, id: &str, content: Value) {
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

    fn ended(mut self) -> Story {
        self.user(json!("second question"));
        self.says("second answer");
        self
    }

    /// Writes it as a session of the project; returns its transcript.
    fn write(&self, project: &Project) -> PathBuf {
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

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn thinking(signature: &str) -> Value {
    json!({"type": "thinking", "thinking": "let me see", "signature": signature})
}

/// A kind of session that can't go on, or loses something.
struct Ill {
    name: &'static str,
    make: fn(&mut Story),
    /// What is found: line, kind and effect.
    found: &'static [(u64, &'static str, &'static str)],
    /// What the mended transcript has, and has no more.
    has: &'static [&'static str],
    lacks: &'static [&'static str],
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
    },
    Ill {
        name: "a document that is no PDF",
        make: |story| {
            let source = json!({"type": "base64", "media_type": "application/pdf", "data": BASE64.encode(b"A=1\n")});
            story.user(json!([{"type": "document", "source": source}, text("look")]));
            story.says("seen");
        },
        found: &[(3, "no_pdf", "refused")],
        has: &["A document was here"],
        lacks: &["application/pdf"],
    },
    Ill {
        name: "an image that a prompt mentions",
        make: |story| {
            story.user(json!("look at @wide.png"));
            let uuid = "00000000-0000-4000-8000-00000000a77a";
            let file = json!({"base64": BASE64.encode(&png(9_000, 4, 0)), "type": "image/png", "originalSize": 50});
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
    },
    Ill {
        name: "empty texts",
        make: |story| {
            story.user(json!([picture(10, 10), text("")]));
            story.part("msg_x", text(""));
            story.part("msg_x", json!({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}}));
            story.result("toolu_1", json!("a.txt"));
            story.says("seen");
            story.user(json!("  \n"));
            story.says("nothing was said");
        },
        found: &[(3, "blank_text", "refused"), (4, "blank_text", "refused"), (8, "empty_message", "refused")],
        has: &["image/png", "toolu_1", "nothing was said"],
        lacks: &["\"text\":\"\"", "  \\n"],
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
        has: &["\"id\":\"toolu_d\"", "\"id\":\"toolu_d_2\"", "\"tool_use_id\":\"toolu_d_2\"", "result 1"],
        lacks: &[],
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

fn doctor(project: &Project, arguments: &[&str]) -> Ran {
    project.snap(&[&["doctor"], arguments].concat())
}

fn found(report: &Value) -> Vec<(u64, String, String)> {
    let of = |finding: &Value| {
        let word = |key: &str| finding[key].as_str().must(key).to_owned();
        (finding["line"].as_u64().must("a line"), word("kind"), word("effect"))
    };
    report["findings"].as_array().must("findings").iter().map(of).collect()
}

/// The transcript of a mended session, with its report.
fn mended(project: &Project, arguments: &[&str]) -> (PathBuf, Value) {
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
        for has in kind.has.iter().chain(&["first question", "first answer", "second question", "second answer"]) {
            assert!(text.contains(has), "{}: {has:?} is not in {}", kind.name, &text[..text.len().min(4_000)]);
        }
        for lacks in kind.lacks {
            assert!(!text.contains(lacks), "{}: {lacks:?} is still there", kind.name);
        }
        assert!(text.lines().all(|line| line.starts_with('{') && !line.contains(SESSION)), "{}", kind.name);
        doctor(&project, &[copy.to_str().must("UTF-8")]).exits(0).says(&["nothing to mend"]);
        doctor(&project, &[SESSION]).exits(1);
    }
}
