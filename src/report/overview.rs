//! What a report says of a snapshot at a glance: what it was about, tasks, agents, grants, and what was not saved. Pure.

use serde::Serialize;
use serde_json::Value;

use super::between::Between;
use super::choice::{Choice, Part};
use super::granted::{Grant, grants};
use super::hiding::Hiding;
use crate::base::ids::SnapshotId;
use crate::base::timestamp::Timestamp;
use crate::manifest::{Agent, Decision, Manifest, NotCaptured, Session, Trigger};

/// A snapshot at a glance.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Overview {
    /// The session's title, or what stands for it.
    pub(super) title: String,
    /// What it was about.
    pub(super) about: About,
    /// The snapshot that the report begins after, if it is of what lies between two.
    pub(super) after: Option<SnapshotName>,
    /// The snapshots of the session that were saved before, oldest first.
    pub(super) checkpoints: Vec<SnapshotName>,
    /// What lies between the two, at a glance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) between: Option<Between>,
    /// The tasks.
    pub(super) tasks: Vec<Task>,
    /// The agents.
    pub(super) agents: Vec<AgentFacts>,
    /// Prompts that were queued and not sent.
    pub(super) queue: Vec<String>,
    /// What was granted.
    pub(super) grants: Vec<Grant>,
    /// What a person decided, as far as the snapshot itself says it.
    pub(super) decisions: Vec<Decided>,
    /// What existed and is not in the snapshot.
    pub(super) not_saved: Vec<String>,
}

/// Which snapshot.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SnapshotName {
    /// What it is called.
    pub(super) name: String,
    /// Its identity.
    pub(super) id: String,
    /// When it was saved.
    pub(super) saved: Timestamp,
}

/// What a snapshot was about, and where it is from.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct About {
    /// What it is called.
    pub(super) name: String,
    /// Its identity.
    pub(super) id: String,
    /// Why it was saved, in the person's words.
    pub(super) message: Option<String>,
    /// When it was saved.
    pub(super) saved: Timestamp,
    /// Who saved it.
    pub(super) by: String,
    /// On which machine.
    pub(super) host: String,
    /// The work tree's root.
    pub(super) root: String,
    /// The linked work tree's name.
    pub(super) worktree: Option<String>,
    /// The branch.
    pub(super) branch: Option<String>,
    /// The commit that HEAD was at.
    pub(super) commit: Option<String>,
    /// The client's id of the session.
    pub(super) session: Option<String>,
    /// The version of the client.
    pub(super) client: Option<String>,
    /// The model that answered last.
    pub(super) model: Option<String>,
    /// The permission mode.
    pub(super) mode: Option<String>,
    /// Whether it ran, and what it waited for.
    pub(super) state: Option<String>,
    /// How many records its conversation has.
    pub(super) records: u64,
    /// The first prompt.
    pub(super) first: Option<String>,
    /// The last prompt.
    pub(super) last: Option<String>,
    /// The last answer.
    pub(super) answer: Option<String>,
}

/// A task.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Task {
    /// The client's id of it.
    pub(super) id: String,
    /// What is to be done.
    pub(super) subject: String,
    /// The same at length.
    pub(super) description: String,
    /// `pending`, `in_progress`, `completed`, or another word of the client's.
    pub(super) status: String,
    /// The tasks that have to be done before.
    pub(super) blocked_by: Vec<String>,
    /// The agent that has taken it.
    pub(super) owner: Option<String>,
    /// The status that it had in the earlier snapshot, if that was another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) was: Option<String>,
}

/// An agent.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AgentFacts {
    /// The client's id of it.
    pub(super) id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    /// What it was asked to do, in a few words.
    pub(super) description: Option<String>,
    /// Its status when the snapshot was taken.
    pub(super) status: String,
    /// What the status was concluded from.
    pub(super) evidence: String,
    /// The agent that started it, if that was not the session itself.
    pub(super) parent: Option<String>,
}

/// A decision of a person.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Decided {
    /// What it was about.
    pub(super) text: String,
    /// `accept` or `reject`, in the client's word.
    pub(super) decision: String,
    /// `once`, `session` or `permanent`.
    pub(super) scope: String,
    /// When.
    pub(super) time: Option<Timestamp>,
}

impl Decided {
    /// Makes it of a decision.
    pub(super) fn of(decision: &Decision) -> Decided {
        Decided {
            text: format!("{}: {}", decision.tool, decision.detail),
            decision: decision.decision.clone(),
            scope: decision.scope.clone(),
            time: decision.at,
        }
    }
}

impl Overview {
    /// Says what these tell; `tasks` are the manifest's as JSON, and `earlier` the tasks of the snapshot before.
    pub(super) fn of(
        manifest: &Manifest,
        after: Option<&Manifest>,
        [tasks, earlier]: [&[Value]; 2],
        choice: &Choice,
        hiding: &Hiding,
    ) -> Overview {
        // What a call was given, where it is told by something else than the call.
        let given = |tool: &str, detail: &str| {
            if choice.no_tools || hiding.is_named_in(detail) {
                tool.to_owned()
            } else {
                format!("{tool}: {detail}")
            }
        };
        let session = manifest.session.as_ref();
        let spoken = session.map(|session| session.spoken.clone()).unwrap_or_default();
        // The client makes the title of what was said.
        let title = session
            .and_then(|session| session.title.clone())
            .filter(|title| choice.has(Part::Prompts) && !hiding.is_named_in(title));
        let title = title.or_else(|| manifest.message.clone());
        let prompts = |text: Option<String>| text.filter(|_| choice.has(Part::Prompts));
        let if_wanted = |part: Part, lines: Vec<Grant>| if choice.has(part) { lines } else { Vec::new() };
        let decisions = manifest.permissions.decisions.iter().filter(|_| choice.has(Part::Grants));
        let place = &manifest.workspace;
        let about = About {
            name: told_name(&manifest.name, &manifest.id, manifest.created_by.trigger, choice, hiding),
            id: manifest.id.to_string(),
            message: manifest.message.clone(),
            saved: manifest.created_at,
            by: manifest.created_by.user.clone(),
            host: manifest.created_by.host.clone(),
            root: place.root.to_string(),
            worktree: place.worktree.clone(),
            branch: place.branch.clone(),
            commit: place.head.clone(),
            session: session.map(|session| session.id.to_string()),
            client: session.and_then(|session| session.client.clone()),
            model: session.and_then(|session| session.model.clone()),
            mode: manifest.permissions.mode.clone(),
            state: session.map(state_of),
            records: session
                .and_then(|session| session.transcript.as_ref())
                .map_or(0, |transcript| transcript.records),
            first: prompts(spoken.first),
            last: prompts(spoken.last),
            answer: spoken.answer.filter(|_| choice.has(Part::Answers)),
        };
        let was = |id: &str| {
            let before = earlier.iter().map(task_of).find(|before| before.id == id);
            before.map(|before| before.status).or_else(|| after.map(|_| "new".to_owned()))
        };
        let task = |task: &Value| {
            let task = task_of(task);
            let was = was(&task.id).filter(|was| *was != task.status);
            Task { was, ..task }
        };
        Overview {
            title: title.unwrap_or_else(|| about.name.clone()),
            about,
            after: after.map(|after| SnapshotName::of(after, choice, hiding)),
            checkpoints: Vec::new(),
            between: None,
            tasks: tasks.iter().filter(|_| choice.has(Part::Tasks)).map(task).collect(),
            agents: manifest.agents.iter().filter(|_| choice.has(Part::Agents)).map(facts_of).collect(),
            queue: manifest.queue.iter().filter(|_| choice.has(Part::Prompts)).cloned().collect(),
            grants: if_wanted(Part::Grants, grants(manifest, hiding, &given)),
            decisions: decisions
                .map(|one| Decided { text: given(&one.tool, &one.detail), ..Decided::of(one) })
                .collect(),
            not_saved: not_saved(manifest, choice, hiding),
        }
    }

    /// Returns how many tasks are done.
    pub(super) fn done(&self) -> usize {
        self.tasks.iter().filter(|task| task.status == "completed").count()
    }
}

impl SnapshotName {
    fn of(manifest: &Manifest, choice: &Choice, hiding: &Hiding) -> SnapshotName {
        let name = told_name(&manifest.name, &manifest.id, manifest.created_by.trigger, choice, hiding);
        SnapshotName { name, id: manifest.id.to_string(), saved: manifest.created_at }
    }
}

/// Returns a snapshot's name, or the start of its id if the name may tell what is to be left out: a name that nobody gave is
/// made of a prompt, and that of a checkpoint of the command that it was saved before.
pub(super) fn told_name(
    name: &str,
    id: &SnapshotId,
    trigger: Trigger,
    choice: &Choice,
    hiding: &Hiding,
) -> String {
    let may_be_prompt = !choice.has(Part::Prompts);
    let is_of_call = trigger != Trigger::Manual && (choice.no_tools || !choice.has(Part::Tools));
    let tells = may_be_prompt || is_of_call || hiding.is_named_in(name);
    if tells { id.short().to_owned() } else { name.to_owned() }
}

fn task_of(task: &Value) -> Task {
    let text = |name: &str| task[name].as_str().unwrap_or_default().to_owned();
    let blocked_by = task["blockedBy"].as_array().into_iter().flatten();
    Task {
        id: text("id"),
        subject: text("subject"),
        description: text("description"),
        status: text("status"),
        blocked_by: blocked_by.filter_map(Value::as_str).map(str::to_owned).collect(),
        owner: task["owner"].as_str().filter(|owner| !owner.is_empty()).map(str::to_owned),
        was: None,
    }
}

fn facts_of(agent: &Agent) -> AgentFacts {
    AgentFacts {
        id: agent.id.to_string(),
        kind: agent.agent_type.clone(),
        description: agent.description.clone(),
        status: agent.status.word().to_owned(),
        evidence: agent.evidence.clone(),
        parent: agent.parent.as_ref().map(ToString::to_string),
    }
}

fn state_of(session: &Session) -> String {
    match (&session.status, &session.waiting_for) {
        (_, Some(what)) => format!("waiting for {what}"),
        (Some(status), None) => format!("running, {status}"),
        (None, None) if session.live => "running".to_owned(),
        (None, None) => "not running".to_owned(),
    }
}

fn not_saved(manifest: &Manifest, choice: &Choice, hiding: &Hiding) -> Vec<String> {
    let NotCaptured {
        processes,
        mcp_servers,
        scheduled,
        options,
        account,
        teams,
        others,
        environment,
        files,
        secrets,
    } = &manifest.not_captured;
    let mut lines = Vec::new();
    let mut all =
        |what: &str, texts: &[String]| lines.extend(texts.iter().map(|text| format!("{what}{text}")));
    // A command of a process is what a tool was given.
    let shown = processes.iter().filter(|command| !choice.no_tools && !hiding.is_named_in(command));
    all("process: ", &shown.cloned().collect::<Vec<_>>());
    all("scheduled prompt: ", scheduled);
    all("team: ", teams);
    all("", others);
    all("option of the client: ", options);
    all("of the account: ", account);
    all("environment variable: ", environment);
    all("secret: ", secrets);
    lines.extend(mcp_servers.iter().map(|server| {
        let used = if server.used { ", used" } else { "" };
        format!("MCP server: {} ({}{used})", server.name, server.transport)
    }));
    lines.extend(files.iter().map(|file| format!("file: {} ({})", file.path, file.reason)));
    let skipped = manifest.edits.iter().flat_map(|edits| &edits.skipped);
    lines.extend(skipped.map(|left| format!("edit: {} ({})", left.path, left.reason)));
    let transcripts =
        manifest.transcripts().filter_map(|(agent, transcript)| Some((agent, transcript.left_out?)));
    lines.extend(transcripts.map(|(agent, left)| {
        let whose = agent.map_or("the conversation".to_owned(), |agent| format!("agent {}", agent.id));
        format!(
            "{} records of {whose} before its last compaction (`snap save --history full` saves all)",
            left.records
        )
    }));
    lines
}
