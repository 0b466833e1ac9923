//! The made-up session of a demo, as the client would have written it: a conversation that was compacted, tasks that depend on
//! each other, an agent, and grants.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::base::error::{IoContext as _, Result};
use crate::base::timestamp::Timestamp;
use crate::client::slug;

/// Made up, like all ids here.
const SESSION: &str = "5ca1ab1e-0de0-4000-8000-000000000001";
const AGENT: &str = "ade30f00d15ea5ed1";
const MODEL: &str = "claude-sonnet-5-5";
const VERSION: &str = "2.1.332";

/// How long ago the conversation began, and how much later each record is, in milliseconds.
const BEGAN: i64 = 40 * 60 * 1_000;
const STEP: i64 = 20 * 1_000;

/// Writes the session's files into the client's folder, and the project's grants into the project. In the client's settings, it
/// trusts these folders.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] if a file can't be written.
pub(super) fn write(root: &Path, client: &Path, trusted: &[&Path], now: Timestamp) -> Result<()> {
    let cwd = root.to_string_lossy();
    let talk = Talk::of(&cwd, now);
    let project = client.join("projects").join(slug(&cwd));
    let beside = project.join(SESSION).join("subagents");
    put(&project.join(format!("{SESSION}.jsonl")), &conversation(talk.clone()))?;
    put(&beside.join(format!("agent-{AGENT}.jsonl")), &agents_conversation(talk))?;
    let meta = json!({"agentType": "Explore", "description": "find every price", "toolUseId": "toolu_demo_3",
                      "spawnDepth": 1, "finished": true});
    put(&beside.join(format!("agent-{AGENT}.meta.json")), &meta.to_string())?;
    for task in tasks() {
        let name = format!("{}.json", task["id"].as_str().unwrap_or_default());
        put(&client.join("tasks").join(SESSION).join(name), &format!("{task:#}"))?;
    }
    let rules = json!({"permissions": {"allow": ["Bash(./run.sh)", "Edit(src/**)"], "ask": ["Bash(git push *)"],
                                       "deny": ["Read(.env)"]}});
    put(&root.join(".claude/settings.local.json"), &format!("{rules:#}\n"))?;
    // Or the client would ask whether to trust folders that this program has just made.
    let mut folders = json!({});
    for folder in trusted {
        folders[folder.to_string_lossy().as_ref()] = json!({"hasTrustDialogAccepted": true});
    }
    // Or it would begin with a tour.
    let settings = json!({"hasCompletedOnboarding": true, "theme": "auto", "projects": folders});
    put(&client.join(".claude.json"), &settings.to_string())
}

fn put(path: &Path, text: &str) -> Result<()> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above).context("create", above)?;
    }
    fs::write(path, text).context("write", path)
}

fn tasks() -> [Value; 4] {
    let task = |id: &str, subject: &str, active: &str, status: &str, blocks: &[&str], blocked_by: &[&str]| {
        json!({"id": id, "subject": subject, "description": subject, "activeForm": active, "status": status,
               "blocks": blocks, "blockedBy": blocked_by})
    };
    [
        task("1", "Sum cents in src/price.py", "Summing cents", "completed", &["2"], &[]),
        task("2", "Give the cart cents", "Giving the cart cents", "in_progress", &["3", "4"], &["1"]),
        task("3", "Convert the old receipts", "Converting receipts", "pending", &[], &["2"]),
        task("4", "Describe rounding anew", "Describing rounding", "pending", &[], &["2"]),
    ]
}

/// The conversation with the person.
fn conversation(mut talk: Talk) -> String {
    let (price, test) = (talk.path("src/price.py"), talk.path("tests/test_price.py"));
    talk.plain(json!({"type": "permission-mode", "permissionMode": "acceptEdits"}));
    talk.asks("The till shows 3.5900000000000003 for bread and milk. Why?");
    talk.answers(
        "It adds euros as binary fractions, which most prices are not. With whole cents that can't happen.",
    );
    talk.asks("Then use cents everywhere. Look for each place with a price first.");
    talk.calls(
        "toolu_demo_1",
        "Bash",
        json!({"command": "grep -rn price src", "description": "Look for prices"}),
    );
    talk.gets(
        "toolu_demo_1",
        "src/price.py:4:def total(prices):\nsrc/cart.py:1:from price import total",
        json!({}),
    );
    talk.compacts("The till adds euros as floats. We decided on whole cents everywhere. src/price.py and src/cart.py have prices.");
    talk.asks("Go on: make the change, and test it.");
    talk.calls(
        "toolu_demo_2",
        "Edit",
        json!({"file_path": price, "old_string": "result = 0.0", "new_string": "return sum(prices)"}),
    );
    talk.gets("toolu_demo_2", &format!("The file {price} has been updated."), json!({}));
    talk.calls(
        "toolu_demo_3",
        "Agent",
        json!({"description": "find every price", "prompt": "Find every place that reads a price.", "subagent_type": "Explore"}),
    );
    talk.gets("toolu_demo_3", "Prices are read in src/cart.py and prices/now.csv.", json!({}));
    talk.calls("toolu_demo_4", "Write", json!({"file_path": test, "content": "import unittest\n"}));
    talk.gets("toolu_demo_4", &format!("File created successfully at: {test}"), json!({}));
    talk.calls(
        "toolu_demo_5",
        "Bash",
        json!({"command": "python3 -m unittest discover -s tests", "description": "Run the tests"}),
    );
    // Allowed by a person, for this session.
    let granted = json!({"permissionDecision": {"decision": "accept", "source": "user_temporary", "grantScope": "session"}});
    talk.gets("toolu_demo_5", "Ran 1 test in 0.001s\n\nOK", granted);
    talk.answers("Sums are in cents now, and the test passes. The cart is half done; the old receipts are still in euros.");
    talk.plain(json!({"type": "custom-title", "customTitle": "prices in cents"}));
    talk.text
}

/// What the agent did.
fn agents_conversation(talk: Talk) -> String {
    let mut talk = Talk { of_agent: true, first: 0xa00, ..talk };
    talk.asks("Find every place that reads a price.");
    talk.calls("toolu_demo_a1", "Grep", json!({"pattern": "price"}));
    talk.gets("toolu_demo_a1", "src/cart.py\nprices/now.csv", json!({}));
    talk.answers("Prices are read in src/cart.py and prices/now.csv.");
    talk.text
}

/// The records of a conversation, one after the other.
#[derive(Clone)]
struct Talk {
    cwd: String,
    began: i64,
    of_agent: bool,
    /// The number in the first record's id, so that no two records have the same.
    first: u32,
    count: u32,
    last: Option<String>,
    text: String,
}

impl Talk {
    fn of(cwd: &str, now: Timestamp) -> Talk {
        Talk {
            cwd: cwd.to_owned(),
            began: now.as_millis() - BEGAN,
            of_agent: false,
            first: 0,
            count: 0,
            last: None,
            text: String::new(),
        }
    }

    /// Returns a path of the project as the client's tools take it.
    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.cwd)
    }

    fn asks(&mut self, text: &str) {
        self.says("user", json!({"role": "user", "content": text}), json!({"permissionMode": "acceptEdits"}));
    }

    fn answers(&mut self, text: &str) {
        let content = json!([{"type": "text", "text": text}]);
        self.assistant(content, "end_turn");
    }

    fn calls(&mut self, id: &str, tool: &str, input: Value) {
        let content = json!([{"type": "tool_use", "id": id, "name": tool, "input": input}]);
        self.assistant(content, "tool_use");
    }

    fn gets(&mut self, id: &str, text: &str, more: Value) {
        let content = json!([{"type": "tool_result", "tool_use_id": id, "content": text}]);
        self.says("user", json!({"role": "user", "content": content}), more);
    }

    fn assistant(&mut self, content: Value, stopped: &str) {
        let message = json!({"id": format!("msg_demo_{:x}", self.first + self.count), "type": "message", "role": "assistant",
            "model": MODEL, "content": content, "stop_reason": stopped, "stop_sequence": null,
            "usage": {"input_tokens": 1, "output_tokens": 1}});
        self.says("assistant", message, json!({}));
    }

    /// Sums up what was said; only what follows is in the client's mind from here on.
    fn compacts(&mut self, summary: &str) {
        let before = self.last.take();
        let boundary = json!({"subtype": "compact_boundary", "content": "Conversation compacted", "level": "info", "isMeta": false,
            "logicalParentUuid": before, "compactMetadata": {"trigger": "manual", "preTokens": 21_000}});
        self.record("system", boundary);
        let text = format!("This session continues an earlier conversation. {summary}");
        let message = json!({"role": "user", "content": text});
        self.says("user", message, json!({"isCompactSummary": true, "isVisibleInTranscriptOnly": true}));
    }

    fn says(&mut self, kind: &str, message: Value, mut more: Value) {
        more["message"] = message;
        self.record(kind, more);
    }

    /// Adds a record to the chain.
    fn record(&mut self, kind: &str, fields: Value) {
        let number = self.first + self.count;
        let uuid = format!("{number:08x}-0de0-4000-8000-000000000000");
        let at = Timestamp::from_millis(self.began + i64::from(self.count) * STEP);
        let mut record = json!({"parentUuid": self.last, "isSidechain": self.of_agent, "userType": "external", "cwd": self.cwd,
            "sessionId": SESSION, "version": VERSION, "gitBranch": "main", "type": kind, "uuid": uuid,
            "timestamp": at.to_string()});
        if self.of_agent {
            record["agentId"] = AGENT.into();
        }
        for (name, value) in fields.as_object().into_iter().flatten() {
            record[name] = value.clone();
        }
        self.line(&record);
        self.last = Some(uuid);
        self.count += 1;
    }

    /// Adds a record that is not part of the chain.
    fn plain(&mut self, mut record: Value) {
        record["sessionId"] = SESSION.into();
        self.line(&record);
    }

    fn line(&mut self, record: &Value) {
        let _never_fails = writeln!(self.text, "{record}");
    }
}
