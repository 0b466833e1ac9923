//! What of a conversation starts something by itself when the client opens it on a terminal.
//!
//! Pure. The client takes up the permission mode, the agent that it was, prompts that it sends by a schedule and a goal
//! that it goes on for, all from the records (`docs/sessions.md` says in which versions each was seen). This says
//! which, so that a plan can; `quiet` is what keeps them asleep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::timestamp::Timestamp;
use crate::client::transcript::record::{Fields, MarkFinder};
use crate::client::transcript::recovery::records_of;
use crate::manifest::Cron;

/// The tool that makes the client send a prompt by a schedule, and the one that stops that.
const CREATE: &str = "CronCreate";
const DELETE: &str = "CronDelete";

/// What a line has to hold to matter, as the client writes it.
static MARKS: LazyLock<MarkFinder> = LazyLock::new(|| {
    MarkFinder::of(&[
        CREATE,
        DELETE,
        "humanSchedule",
        "session_cron_carry",
        "goal_status",
        "\"permission-mode\"",
        "agent-setting",
    ])
});

/// The longest list of prompts by a schedule; no session has as many.
const MOST_CRONS: usize = 200;

/// What would come alive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alive {
    /// The permission mode.
    pub mode: Option<String>,
    /// The agent that the session itself was started as.
    pub agent: Option<String>,
    /// What it goes on for until it is reached.
    pub goal: Option<String>,
    /// The prompts by a schedule, oldest first.
    pub crons: Vec<Cron>,
    /// The ids that more than one of these has: which of them the client takes can't be known.
    pub unclear: BTreeSet<String>,
}

impl Alive {
    /// Says whether nothing would start by itself.
    pub fn is_empty(&self) -> bool {
        self.mode.is_none() && self.agent.is_none() && self.goal.is_none() && self.crons.is_empty()
    }
}

/// Watches the records of one conversation, one after the other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Watch {
    /// Every record is looked at, whatever it looks like: somebody else wrote it.
    thorough: bool,
    calls: Vec<StartingCall>,
    made: Vec<CallAnswer>,
    deleted: BTreeSet<String>,
    carried: Vec<Cron>,
    goal: Option<String>,
    mode: Option<String>,
    agent: Option<String>,
    /// The tool of each call; `None` if two calls have one id.
    tools: BTreeMap<String, Option<String>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct StartingCall {
    id: String,
    schedule: String,
    prompt: String,
    at: Option<i64>,
}

/// What the client answered to a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct CallAnswer {
    call: String,
    id: String,
    recurring: bool,
    durable: bool,
    next: Option<i64>,
    lasts: Option<i64>,
}

impl Watch {
    /// Watches a conversation that somebody else wrote.
    pub fn thorough() -> Watch {
        Watch { thorough: true, ..Watch::default() }
    }

    /// Takes in one line.
    pub fn line(&mut self, line: &[u8]) {
        if !self.thorough && !MARKS.any(line) {
            return;
        }
        for record in records_of(line).records {
            if let Some(record) = Fields::read(&record) {
                self.record(&record);
            }
        }
    }

    fn record(&mut self, record: &Fields<'_>) {
        match record.text("type").as_deref() {
            Some("permission-mode") => self.mode = record.text("permissionMode").or(self.mode.take()),
            Some("agent-setting") => self.agent = record.text("agentSetting").or(self.agent.take()),
            Some("assistant") => self.calls(record),
            Some("user") => self.results(record),
            Some("attachment") => self.attachment(record),
            _ => {}
        }
    }

    fn calls(&mut self, record: &Fields<'_>) {
        let at =
            record.text("timestamp").and_then(|at| at.parse::<Timestamp>().ok()).map(Timestamp::as_millis);
        for block in blocks(record).iter().filter_map(|block| Fields::read(block.as_bytes())) {
            let (Some(id), Some(name)) = (block.text("id"), block.text("name")) else { continue };
            let same = self.tools.insert(id.clone(), Some(name.clone()));
            if same.is_some_and(|same| same.as_ref() != Some(&name)) {
                self.tools.insert(id.clone(), None);
            }
            let input = block.object("input");
            let input = |key: &str| input.as_ref().and_then(|input| input.text(key));
            match name.as_str() {
                CREATE => {
                    if let (Some(schedule), Some(prompt)) = (input("cron"), input("prompt")) {
                        self.calls.push(StartingCall { id, schedule, prompt, at });
                    }
                }
                DELETE => self.deleted.extend(input("id")),
                _ => {}
            }
        }
    }

    fn results(&mut self, record: &Fields<'_>) {
        let Some(result) = record.object("toolUseResult") else { return };
        let Some(id) = result.text("id") else { return };
        let flag = |key: &str| result.raw(key).map(str::trim) == Some("true");
        let number = |key: &str| {
            let number: Option<f64> = result.raw(key).and_then(|raw| serde_json::from_str(raw).ok());
            // A date in milliseconds is far below what a float holds exactly.
            number.filter(|number| number.abs() < 1e15).map(|number| number as i64)
        };
        for call in result_of(record) {
            self.made.push(CallAnswer {
                call,
                id: id.clone(),
                recurring: result.raw("recurring").map(str::trim) != Some("false"),
                durable: flag("durable"),
                next: number("nextFireAt"),
                lasts: number("maxAgeMs").filter(|lasts| *lasts > 0),
            });
        }
    }

    fn attachment(&mut self, record: &Fields<'_>) {
        let Some(attachment) = record.object("attachment") else { return };
        match attachment.text("type").as_deref() {
            Some("goal_status") => {
                let is = |key: &str| attachment.raw(key).map(str::trim) == Some("true");
                self.goal = attachment
                    .text("condition")
                    .filter(|goal| !goal.is_empty() && !is("met") && !is("failed"));
            }
            Some("session_cron_carry") => {
                self.carried = attachment.raw("tasks").map(carried).unwrap_or_default();
                let ended =
                    attachment.raw("ended").and_then(|raw| serde_json::from_str::<Vec<Value>>(raw).ok());
                self.deleted
                    .extend(ended.into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)));
            }
            _ => {}
        }
    }

    /// Says whether every call that a record holds the result of is one of these tools.
    pub(in crate::client) fn answers_only(&self, record: &Fields<'_>, tools: &[&str]) -> bool {
        let calls = result_of(record);
        let is_one = |call: &String| {
            let tool = self.tools.get(call).and_then(Option::as_deref);
            tool.is_some_and(|tool| tools.contains(&tool))
        };
        !calls.is_empty() && calls.iter().all(is_one)
    }

    /// Returns the calls that a record holds the result of.
    pub(in crate::client) fn results_in(&self, record: &Fields<'_>) -> Vec<String> {
        result_of(record)
    }

    /// Returns the calls that made the prompts with these ids, and nothing else.
    pub(in crate::client) fn calls_of(&self, ids: &BTreeSet<String>) -> BTreeSet<String> {
        self.made.iter().filter(|made| ids.contains(&made.id)).map(|made| made.call.clone()).collect()
    }

    /// Returns what would come alive at this moment, in milliseconds.
    pub fn finish(&self, now: i64) -> Alive {
        let mut alive = Alive {
            mode: self.mode.clone(),
            agent: self.agent.clone(),
            goal: self.goal.clone(),
            ..Alive::default()
        };
        let made = self.calls.iter().flat_map(|call| {
            let answered = self.made.iter().filter(|made| made.call == call.id && !made.durable);
            answered
                .filter(move |made| {
                    let over = match (made.recurring, call.at, made.lasts) {
                        (false, ..) => made.next.is_some_and(|next| next < now),
                        (true, Some(at), Some(lasts)) => at.saturating_add(lasts) < now,
                        (true, ..) => false,
                    };
                    !over
                })
                .map(|made| Cron {
                    id: made.id.clone(),
                    schedule: call.schedule.clone(),
                    prompt: call.prompt.clone(),
                    recurring: made.recurring,
                })
        });
        for cron in made.chain(self.carried.iter().cloned()).filter(|cron| !self.deleted.contains(&cron.id)) {
            match alive.crons.iter().find(|other| other.id == cron.id) {
                // What a compaction carries over is the same once more.
                Some(other) if *other == cron => {}
                Some(_) => drop(alive.unclear.insert(cron.id.clone())),
                None => {}
            }
            if !alive.crons.contains(&cron) && alive.crons.len() < MOST_CRONS {
                alive.crons.push(cron);
            }
        }
        alive
    }
}

/// Reads the list of what a compaction carries over.
fn carried(raw: &str) -> Vec<Cron> {
    let all: Vec<Value> = serde_json::from_str(raw).unwrap_or_default();
    let text = |one: &Value, key: &str| one[key].as_str().map(str::to_owned);
    all.iter()
        .filter_map(|one| {
            Some(Cron {
                id: text(one, "id")?,
                schedule: text(one, "cron")?,
                prompt: text(one, "prompt")?,
                recurring: one["recurring"] != false,
            })
        })
        .collect()
}

/// Returns the blocks of a record's message, each as JSON.
fn blocks(record: &Fields<'_>) -> Vec<String> {
    let Some(message) = record.object("message") else { return Vec::new() };
    let blocks = message.raw("content").filter(|raw| raw.starts_with('['));
    let blocks = blocks.and_then(|raw| serde_json::from_str::<Vec<&serde_json::value::RawValue>>(raw).ok());
    blocks.into_iter().flatten().map(|block| block.get().to_owned()).collect()
}

/// Returns the calls that a record holds the result of.
fn result_of(record: &Fields<'_>) -> Vec<String> {
    blocks(record).iter().filter_map(|block| Fields::read(block.as_bytes())?.text("tool_use_id")).collect()
}
