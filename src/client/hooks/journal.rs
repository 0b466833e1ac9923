//! The hooks' journal of a session: facts that the client tells a hook and writes nowhere itself.
//!
//! `$C/snap/SESSION.jsonl`, private, one line for each event: the rules that were offered with a question,
//! what ran in the background when a turn ended, scheduled prompts. A save reads it. Where the client's own
//! files say something, they count. Bounded: the oldest lines are removed, and so are the journals of
//! sessions that ended long ago.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::error::{IoContext as _, Result};
use crate::base::ids::ClientId;
use crate::base::timestamp::Timestamp;
use crate::client::{ClientHome, HookInput};
use crate::grants::Rule;
use crate::manifest::{AgentStatus, Decision, Skipped};
use crate::sys::files::{self, Existing};
use crate::sys::place::OwnPath;

/// The most that a journal may grow to, in bytes; then its older half goes.
const LARGEST: u64 = 128 << 10;

/// What a line may measure, in bytes: a longer command is not worth its place.
const LONGEST_LINE: usize = 8 << 10;

/// A journal that was not written to for this long is of no session that still matters.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// How much later an agent's transcript may be written than the hook heard of its end.
const LATE: Duration = Duration::from_secs(2);

/// One line.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct JournalLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    event: String,
    /// The agent that stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The rules offered for the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background: Option<Vec<Background>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crons: Option<Vec<Cron>>,
}

/// Something at work behind the conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Background {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    status: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
}

/// A prompt that the client will send by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Cron {
    schedule: String,
    prompt: String,
}

/// Everything that hooks heard of a session, oldest first.
#[derive(Debug, Default)]
pub struct HookNotes(Vec<JournalLine>);

impl ClientHome {
    fn journal_place(&self, id: &ClientId) -> OwnPath {
        self.own_folder().join(format!("{id}.jsonl"))
    }

    /// Writes down what an event says that nothing else does; most say nothing.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn record(&self, event: &str, input: &HookInput, at: Timestamp) -> Result<()> {
        let id = input.session_id.as_deref().and_then(ClientId::parse);
        let (Some(id), Some(line)) = (id, line(event, input, at)) else { return Ok(()) };
        let Ok(mut text) = serde_json::to_string(&line) else { return Ok(()) };
        text.push('\n');
        if text.len() > LONGEST_LINE {
            return Ok(());
        }
        let place = self.journal_place(&id);
        let path = place.path();
        if !place.exists() {
            self.own_folder().make_folder()?;
            self.forget_journals(at)?;
        }
        let mut file = files::append_private(&place)?;
        // In one call, so that two hooks at once don't mix their lines.
        file.write_all(text.as_bytes()).context("write", &path)?;
        if file.metadata().context("read", &path)?.len() > LARGEST { shorten(&place) } else { Ok(()) }
    }

    /// Reads the hooks' journal of a session. A line that can't be read is skipped; a file that can't
    /// be read is named.
    pub fn journal(&self, id: &ClientId, missing: &mut Vec<Skipped>) -> HookNotes {
        let place = self.journal_place(id);
        let bytes = place.read(2 * LARGEST).unwrap_or_else(|error| {
            missing.push(Skipped::at(&place.path(), error.cause()));
            None
        });
        let bytes = bytes.unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n');
        HookNotes(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    /// Removes the journals of past sessions: not written to for thirty days, or without a transcript
    /// for a day.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if the client's folders can't be read.
    pub fn forget_journals(&self, now: Timestamp) -> Result<usize> {
        let mut forgotten = 0;
        for name in self.own_folder().names()? {
            let place = self.own_folder().join(&name);
            let id = name.to_str().and_then(|name| name.strip_suffix(".jsonl")).and_then(ClientId::parse);
            let (Some(id), Some(found)) = (id, place.stat()?) else { continue };
            let age = now.since(Timestamp::from(found.modified));
            let day = KEPT / 30;
            if (age > KEPT || (age > day && self.transcripts(&id)?.is_empty())) && place.remove().is_ok() {
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }
}

/// Keeps the newer half of a journal.
fn shorten(place: &OwnPath) -> Result<()> {
    let Some(bytes) = place.read(4 * LARGEST)? else { return Ok(()) };
    let half = bytes.len() / 2;
    let start = bytes[half..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| half + at + 1);
    files::publish(&place.folder(), place, &bytes[start..], Existing::Replace).map(|_replaced| ())
}

/// Returns what is worth writing down.
fn line(event: &str, input: &HookInput, at: Timestamp) -> Option<JournalLine> {
    let line = JournalLine { at: Some(at), event: event.to_owned(), ..JournalLine::default() };
    match event {
        "PermissionRequest" => Some(JournalLine {
            tool: input.tool_name.clone(),
            detail: Some(input.subject()),
            rules: Some(offered(&input.permission_suggestions)),
            ..line
        }),
        "Stop" | "SubagentStop" => Some(JournalLine {
            agent: input.agent_id.clone().filter(|_| event == "SubagentStop"),
            background: parsed(&input.background_tasks),
            crons: parsed(&input.session_crons),
            ..line
        }),
        _ => None,
    }
}

fn parsed<T: serde::de::DeserializeOwned>(list: &Value) -> Option<Vec<T>> {
    let list = list.as_array()?;
    Some(list.iter().filter_map(|one| serde_json::from_value(one.clone()).ok()).collect())
}

/// Returns the rules that were offered for the session; a mode or a folder is no rule.
fn offered(suggestions: &Value) -> Vec<String> {
    let for_session = |one: &&Value| {
        one["type"] == "addRules" && one["behavior"] == "allow" && one["destination"] == "session"
    };
    let offers = suggestions.as_array().into_iter().flatten().filter(for_session);
    let rules = offers.flat_map(|offer| offer["rules"].as_array().into_iter().flatten());
    rules
        .filter_map(|rule| {
            let tool = rule["toolName"].as_str()?;
            let content = rule["ruleContent"].as_str().map(str::to_owned);
            Some(Rule { tool: tool.to_owned(), content }.text())
        })
        .collect()
}

impl HookNotes {
    /// Completes the grants of a session by the rules that were offered with the question.
    pub fn explain(&self, decisions: &mut [Decision]) {
        for decision in decisions.iter_mut().filter(|decision| decision.scope == "session") {
            let asked = |line: &&JournalLine| {
                line.event == "PermissionRequest"
                    && line.tool.as_deref() == Some(&decision.tool)
                    && line.detail.as_deref() == Some(&decision.detail)
                    && line.at <= decision.at
            };
            decision.rules = self.0.iter().rev().find(asked).and_then(|line| line.rules.clone());
        }
    }

    /// Says in which state an agent was if nothing else tells its end, with the evidence. `written`:
    /// when its transcript was written; `live`: whether its session runs.
    pub fn agent(&self, id: &str, written: Option<SystemTime>, live: bool) -> Option<(AgentStatus, String)> {
        // Its own stop is told while it still counts as running.
        let of_others = |line: &&JournalLine| line.agent.as_deref() != Some(id);
        let turns = self.0.iter().rev().filter(of_others);
        let listed = turns.filter_map(|line| Some((line.at?, line.background.as_ref()?))).next();
        let runs = listed.filter(|(_, all)| all.iter().any(|one| one.id == id && one.status == "running"));
        let stopped =
            self.0.iter().rev().find(|line| line.agent.as_deref() == Some(id)).and_then(|line| line.at);
        let at_work_again = |stop: Timestamp| {
            runs.is_some_and(|(at, _)| at > stop)
                || written.is_some_and(|written| Timestamp::from(written).since(stop) > LATE)
        };
        match (stopped, runs) {
            (Some(stop), _) if !at_work_again(stop) => {
                Some((AgentStatus::Done, format!("the client told a hook of its end at {stop}")))
            }
            (_, Some((at, _))) if live => {
                Some((AgentStatus::Running, format!("the client told a hook at {at} that it runs")))
            }
            _ => None,
        }
    }

    fn last_turn<T>(&self, of: impl Fn(&JournalLine) -> Option<&Vec<T>>) -> &[T] {
        self.0.iter().rev().find_map(of).map_or(&[], Vec::as_slice)
    }

    /// Returns what else ran in the background when a turn last ended, by its id: its command or description.
    pub fn processes(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.last_turn(|line| line.background.as_ref()).iter();
        all.filter(|one| one.kind != "subagent")
            .map(|one| (one.id.as_str(), one.command.as_deref().unwrap_or(&one.description)))
    }

    /// Returns the prompts that the client would have sent by itself, each with its schedule.
    pub fn scheduled(&self) -> Vec<String> {
        let all = self.last_turn(|line| line.crons.as_ref()).iter();
        all.map(|cron| format!("{}  {}", cron.schedule, cron.prompt)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn home() -> (tempfile::TempDir, ClientHome, ClientId) {
        let dir = tempfile::tempdir().expect("a folder");
        let home = ClientHome::new(dir.path(), dir.path(), None);
        (dir, home, ClientId::parse("s1").expect("an id"))
    }

    fn tell(home: &ClientHome, event: &str, at: i64, more: Value) {
        let mut input = json!({"session_id": "s1", "hook_event_name": event});
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let input = HookInput::parse(input.to_string().as_bytes()).expect("read");
        home.record(event, &input, Timestamp::from_millis(at * 1_000)).expect("recorded");
    }

    fn decision(detail: &str, at: i64) -> Decision {
        Decision {
            tool: "Read".to_owned(),
            detail: detail.to_owned(),
            decision: "accept".to_owned(),
            scope: "session".to_owned(),
            at: Some(Timestamp::from_millis(at * 1_000)),
            rules: None,
        }
    }

    #[test]
    fn a_grant_gets_the_rules_that_were_offered_for_the_session() {
        let (_dir, home, id) = home();
        let rules = |content: &str, to: &str| {
            json!({"type": "addRules", "behavior": "allow", "destination": to,
            "rules": [{"toolName": "Read", "ruleContent": content}]})
        };
        let ask = |at, file: &str, offers: Value| {
            tell(
                &home,
                "PermissionRequest",
                at,
                json!({"tool_name": "Read", "tool_input": {"file_path": file}, "permission_suggestions": offers}),
            );
        };
        ask(10, "/w/a", json!([rules("//w/(x)/**", "session"), rules("//w/never/**", "localSettings")]));
        ask(11, "/w/b", json!([{"type": "setMode", "mode": "acceptEdits", "destination": "session"}]));
        ask(90, "/w/c", json!([rules("//too/late/**", "session")]));
        let journal = home.journal(&id, &mut Vec::new());
        let mut all = [decision("/w/a", 20), decision("/w/b", 20), decision("/w/c", 20)];
        journal.explain(&mut all);
        let found: Vec<_> = all.iter().map(|one| one.rules.as_deref()).collect();
        assert_eq!(found, [Some(&[r"Read(//w/\(x\)/**)".to_owned()][..]), Some(&[]), None]);
    }

    #[test]
    fn an_agent_runs_while_the_client_lists_it_and_is_done_when_it_was_told_so() {
        let (_dir, home, id) = home();
        let listed = |ids: &[&str]| {
            let all: Vec<Value> = ids
                .iter()
                .map(|id| json!({"id": id, "type": "subagent", "status": "running", "description": "x"}))
                .collect();
            json!({"background_tasks": all, "session_crons": []})
        };
        let status =
            |live| home.journal(&id, &mut Vec::new()).agent("a1", None, live).map(|(status, _)| status);
        assert_eq!(status(true), None);
        tell(&home, "Stop", 10, listed(&["a1"]));
        assert_eq!((status(true), status(false)), (Some(AgentStatus::Running), None));
        let mut stop = listed(&["a1"]);
        stop["agent_id"] = json!("a1");
        tell(&home, "SubagentStop", 20, stop);
        assert_eq!((status(true), status(false)), (Some(AgentStatus::Done), Some(AgentStatus::Done)));
        let wrote = |at| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(at));
        let journal = home.journal(&id, &mut Vec::new());
        assert_eq!(journal.agent("a1", wrote(21), true).map(|(status, _)| status), Some(AgentStatus::Done));
        assert_eq!(journal.agent("a1", wrote(60), false), None, "it was set to work again");
        tell(&home, "Stop", 30, listed(&["a1"]));
        assert_eq!(status(true), Some(AgentStatus::Running));
        assert_eq!(home.journal(&id, &mut Vec::new()).agent("a2", None, true), None);
    }

    #[test]
    fn what_runs_or_is_scheduled_when_a_turn_ends_is_known_until_the_next_one() {
        let (_dir, home, id) = home();
        tell(
            &home,
            "Stop",
            10,
            json!({
                "background_tasks": [{"id": "b1", "type": "shell", "status": "running", "description": "d", "command": "npm start"},
                                     {"id": "m1", "type": "monitor", "status": "running", "description": "watch"}, 7],
                "session_crons": [{"id": "c", "schedule": "0 9 * * *", "recurring": true, "prompt": "look again"}],
            }),
        );
        let journal = home.journal(&id, &mut Vec::new());
        assert_eq!(journal.processes().collect::<Vec<_>>(), [("b1", "npm start"), ("m1", "watch")]);
        assert_eq!(journal.scheduled(), ["0 9 * * *  look again"]);
        tell(&home, "Stop", 20, json!({"background_tasks": [], "session_crons": []}));
        let journal = home.journal(&id, &mut Vec::new());
        assert_eq!((journal.processes().count(), journal.scheduled().len()), (0, 0));
    }

    #[test]
    fn a_journal_stays_small_and_goes_with_its_session() {
        let (_dir, home, id) = home();
        let path = home.journal_place(&id).path();
        for number in 0..200 {
            let command = format!("{number} {}", "x".repeat(2_000));
            tell(
                &home,
                "PermissionRequest",
                number,
                json!({"tool_name": "Bash", "tool_input": {"command": command}}),
            );
        }
        tell(
            &home,
            "PermissionRequest",
            999,
            json!({"tool_name": "Bash", "tool_input": {"command": "x".repeat(9_000)}}),
        );
        assert!(path.metadata().expect("the journal").len() <= LARGEST);
        let lines = home.journal(&id, &mut Vec::new()).0;
        assert!(
            lines.len() > 20
                && lines
                    .last()
                    .and_then(|line| line.detail.as_deref())
                    .is_some_and(|detail| detail.starts_with("199 "))
        );
        tell(&home, "TaskCreated", 1, json!({"task_id": "1"}));
        tell(&home, "OfNextMonth", 1, json!({}));
        assert_eq!(
            home.journal(&id, &mut Vec::new()).0.len(),
            lines.len(),
            "what says nothing new is not kept"
        );
        let now = Timestamp::now();
        assert_eq!(home.forget_journals(now).expect("looked"), 0);
        assert_eq!(
            home.forget_journals(Timestamp::from(SystemTime::now() + KEPT + KEPT)).expect("removed"),
            1
        );
        let odd = HookInput { session_id: Some("../x".to_owned()), ..HookInput::default() };
        home.record("Stop", &odd, Timestamp::now()).expect("passed over");
        assert!(!home.config().join("x.jsonl").exists());
    }
}
