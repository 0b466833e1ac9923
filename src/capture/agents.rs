//! How each sub-agent stood, and from what that was concluded; never guessed.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::base::ids::ClientId;
use crate::client::transcript::summary::TranscriptSummary;
use crate::client::{FoundSession, LooseObject};
use crate::manifest::{Agent, AgentStatus, Skipped, Transcript};

/// What was read of one agent.
pub(super) struct ReadAgent {
    pub(super) id: ClientId,
    pub(super) meta: Option<Box<RawValue>>,
    /// The metadata, if it is something that no manifest takes in.
    pub(super) odd_meta: Option<Vec<u8>>,
    pub(super) transcript: Option<Transcript>,
    pub(super) facts: TranscriptSummary,
    /// What hooks were told of it, for the case that no file says how it ended.
    pub(super) told: Option<(AgentStatus, String)>,
}

/// What is looked at in an agent's `meta.json`.
struct Meta {
    agent_type: Option<String>,
    description: Option<String>,
    parent_agent_id: Option<String>,
    finished: bool,
    stopped_by_user: bool,
}

impl Meta {
    /// Reads it as far as that goes.
    fn of(agent: &ReadAgent) -> Meta {
        let whole = agent.meta.as_ref().map(|meta| meta.get().as_bytes());
        let object = LooseObject::of(whole.or(agent.odd_meta.as_deref()).unwrap_or_default());
        Meta {
            agent_type: object.text("agentType"),
            description: object.text("description"),
            parent_agent_id: object.text("parentAgentId"),
            finished: object.is_true("finished"),
            stopped_by_user: object.is_true("stoppedByUser"),
        }
    }
}

/// Returns the agents that a transcript names as started or ended.
pub(super) fn named(facts: &TranscriptSummary) -> impl Iterator<Item = ClientId> {
    facts.answered.keys().chain(facts.ended.keys()).filter_map(|id| ClientId::parse(id))
}

/// Names the agents that a branched conversation has set to work and that are nowhere.
pub(super) fn not_found(seen: &[ReadAgent], facts: &TranscriptSummary, found: &FoundSession) -> Vec<Skipped> {
    let at_work = facts.answered.iter().filter(|(_, status)| *status == "async_launched");
    let lost = at_work
        .filter(|(id, _)| !facts.has_ended(id) && seen.iter().all(|agent| agent.id.as_str() != id.as_str()));
    let folder = found.transcript.with_extension("").join("subagents");
    let why = "the agent's transcript is neither here nor beside the session that this one was branched from";
    lost.map(|(id, _)| Skipped::at(&folder.join(format!("agent-{id}.jsonl")), why)).collect()
}

/// Concludes how the agents stood; `facts` are the session's own, and take in what the agents' transcripts say of
/// the agents that those started.
pub(super) fn conclude(
    seen: Vec<ReadAgent>,
    facts: &mut TranscriptSummary,
    found: &FoundSession,
) -> Vec<Agent> {
    for agent in &seen {
        facts.add_agents_of(&agent.facts);
    }
    let metas: Vec<Meta> = seen.iter().map(Meta::of).collect();
    let mut status: BTreeMap<ClientId, (AgentStatus, String)> = seen
        .iter()
        .zip(&metas)
        .map(|(agent, meta)| (agent.id.clone(), agent_status(agent, meta, facts, found)))
        .collect();
    for (id, evidence) in waiting(&seen, &metas, &status, facts, found) {
        status.insert(id, (AgentStatus::Waiting, evidence));
    }
    let entry = |(agent, meta): (ReadAgent, Meta)| {
        let (status, evidence) = status.get(&agent.id)?.clone();
        Some(Agent {
            agent_type: meta.agent_type,
            description: meta.description,
            status,
            evidence,
            parent: meta.parent_agent_id.as_deref().and_then(ClientId::parse),
            last: agent.facts.last,
            meta: agent.meta,
            transcript: agent.transcript,
            id: agent.id,
        })
    };
    seen.into_iter().zip(metas).filter_map(entry).collect()
}

/// Concludes an agent's status, with what it was concluded from.
fn agent_status(
    agent: &ReadAgent,
    meta: &Meta,
    facts: &TranscriptSummary,
    found: &FoundSession,
) -> (AgentStatus, String) {
    let notified = facts.ended.get(agent.id.as_str()).map(String::as_str);
    let answered = facts.answered.get(agent.id.as_str()).map(String::as_str);
    match (notified, answered) {
        _ if meta.stopped_by_user => (AgentStatus::Stopped, "meta.json: stoppedByUser".to_owned()),
        (Some("completed"), _) => (AgentStatus::Done, "a task notification: completed".to_owned()),
        (Some("failed"), _) => (AgentStatus::Failed, "a task notification: failed".to_owned()),
        (Some("killed" | "cancelled"), _) => {
            (AgentStatus::Stopped, "a task notification: stopped".to_owned())
        }
        // What a resumed client says of an agent whose session ended before it did.
        (Some("stopped"), _) => (AgentStatus::Interrupted, "a task notification: stopped".to_owned()),
        _ if meta.finished => (AgentStatus::Done, "meta.json: finished".to_owned()),
        (_, Some("completed")) => (AgentStatus::Done, "its answer is in the transcript".to_owned()),
        _ => match (&agent.told, &found.live) {
            (Some(told), _) => told.clone(),
            (None, Some(_)) => (AgentStatus::Running, "no end is recorded, and the session runs".to_owned()),
            (None, None) => {
                (AgentStatus::Interrupted, "no end is recorded, and the session does not run".to_owned())
            }
        },
    }
}

/// Finds the running agents that wait: for an agent of their own, or for the permission that the session waits for.
fn waiting(
    seen: &[ReadAgent],
    metas: &[Meta],
    status: &BTreeMap<ClientId, (AgentStatus, String)>,
    session: &TranscriptSummary,
    found: &FoundSession,
) -> Vec<(ClientId, String)> {
    let runs =
        |agent: &ReadAgent| status.get(&agent.id).is_some_and(|(status, _)| *status == AgentStatus::Running);
    let running: Vec<&ReadAgent> = seen.iter().filter(|agent| runs(agent)).collect();
    let starts_agents = |tool: &&str| matches!(*tool, "Agent" | "Task");
    let mut waiting = Vec::new();
    for agent in &running {
        let child = running.iter().find(|other| {
            let of = seen.iter().position(|one| one.id == other.id);
            of.and_then(|at| metas[at].parent_agent_id.as_deref()) == Some(agent.id.as_str())
        });
        let only_agents = agent.facts.open_calls().all(|tool| starts_agents(&tool));
        if let (Some(child), true, Some(_)) = (child, only_agents, agent.facts.open_calls().next()) {
            waiting
                .push((agent.id.clone(), format!("it started agent {}, which has not answered", child.id)));
        }
    }
    // One call is open in all, and a permission is asked for: it is for that call.
    let asks = found.live.as_ref().is_some_and(|live| {
        live.status.as_deref() == Some("waiting")
            && live.waiting_for.as_deref().is_some_and(|what| what.contains("permission"))
    });
    let open = |facts: &TranscriptSummary| facts.open_calls().filter(|tool| !starts_agents(tool)).count();
    let with_open: Vec<&&ReadAgent> = running.iter().filter(|agent| open(&agent.facts) > 0).collect();
    if let (true, 0, [one]) = (asks, open(session), with_open.as_slice())
        && open(&one.facts) == 1
    {
        let evidence =
            "the session waits for a permission, and only this agent's call has no result".to_owned();
        waiting.push((one.id.clone(), evidence));
    }
    waiting
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Live;

    fn found(live: Option<Live>) -> FoundSession {
        FoundSession::example("s1", live)
    }

    fn seen(id: &str, meta: &str, records: &[&str]) -> ReadAgent {
        let mut facts = TranscriptSummary::default();
        records.iter().for_each(|record| facts.observe(record.as_bytes()));
        let meta = Some(RawValue::from_string(meta.to_owned()).expect("JSON"));
        ReadAgent {
            id: ClientId::parse(id).expect("an id"),
            meta,
            odd_meta: None,
            transcript: None,
            facts,
            told: None,
        }
    }

    fn live(status: Option<&str>, waiting_for: Option<&str>) -> Option<Live> {
        let id = ClientId::parse("s1").expect("an id");
        let mut live = Live::example(&id);
        (live.status, live.waiting_for) = (status.map(str::to_owned), waiting_for.map(str::to_owned));
        Some(live)
    }

    fn status(meta: &str, notification: Option<&str>, is_live: bool) -> AgentStatus {
        let mut facts = TranscriptSummary::default();
        if let Some(status) = notification {
            facts.ended.insert("a1".to_owned(), status.to_owned());
        }
        let live = if is_live { live(None, None) } else { None };
        conclude(vec![seen("a1", meta, &[])], &mut facts, &found(live))[0].status
    }

    #[test]
    fn an_agents_status_follows_its_evidence() {
        assert_eq!(status("{}", None, true), AgentStatus::Running);
        assert_eq!(status("{}", None, false), AgentStatus::Interrupted);
        assert_eq!(status(r#"{"finished":true}"#, None, true), AgentStatus::Done);
        assert_eq!(status(r#"{"finished":true}"#, Some("failed"), true), AgentStatus::Failed);
        assert_eq!(status(r#"{"stoppedByUser":true}"#, Some("completed"), true), AgentStatus::Stopped);
        assert_eq!(status("{}", Some("completed"), false), AgentStatus::Done);
    }

    #[test]
    fn of_metadata_that_no_manifest_takes_in_what_can_be_read_counts() {
        let mut agent = seen("a1", "{}", &[]);
        let odd = r#"{"agentType":"Explore","description":"cut \ud83d","finished":true}"#;
        (agent.meta, agent.odd_meta) = (None, Some(odd.as_bytes().to_vec()));
        let agents = conclude(vec![agent], &mut TranscriptSummary::default(), &found(None));
        let agent = &agents[0];
        let told = (agent.agent_type.as_deref(), agent.description.as_deref(), agent.status);
        assert_eq!(told, (Some("Explore"), Some("cut \u{fffd}"), AgentStatus::Done));
        assert!(agent.meta.is_none(), "it is carried as a file");
    }

    const STARTS: &str = r#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t1","name":"Agent","input":{"description":"look"}}]}}"#;
    const CALLS: &str = r#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t2","name":"Bash","input":{"command":"ls"}}]}}"#;

    #[test]
    fn an_agent_waits_for_the_agent_that_it_started() {
        let agents = vec![
            seen("outer", "{}", &[STARTS]),
            seen("inner", r#"{"parentAgentId":"outer","description":"look"}"#, &[CALLS]),
        ];
        let agents = conclude(agents, &mut TranscriptSummary::default(), &found(live(Some("busy"), None)));
        assert_eq!((agents[0].status, agents[1].status), (AgentStatus::Waiting, AgentStatus::Running));
        assert_eq!(agents[0].evidence, "it started agent inner, which has not answered");
        assert_eq!(agents[1].parent.as_ref().map(ClientId::as_str), Some("outer"));
        assert_eq!(agents[1].last.as_deref(), Some("Bash ls"));
    }

    #[test]
    fn an_agent_waits_for_a_permission_only_if_no_other_call_can_be_meant() {
        let asks = || found(live(Some("waiting"), Some("permission prompt")));
        let one = |facts: &mut TranscriptSummary| {
            conclude(vec![seen("a1", "{}", &[CALLS])], facts, &asks())[0].status
        };
        assert_eq!(one(&mut TranscriptSummary::default()), AgentStatus::Waiting);
        let mut session = TranscriptSummary::default();
        session.observe(CALLS.as_bytes());
        assert_eq!(one(&mut session), AgentStatus::Running, "it may be the session's own call");
        let two = vec![seen("a1", "{}", &[CALLS]), seen("a2", "{}", &[CALLS])];
        let two = conclude(two, &mut TranscriptSummary::default(), &asks());
        assert!(two.iter().all(|agent| agent.status == AgentStatus::Running));
    }
}
