//! What lies between two snapshots, in a person's words and numbers: where they went apart, what was said since, tasks, agents,
//! grants.
//!
//! Both `snap diff` and `snap report` tell it. What was said is found by the names of records, so it is right for copies of a
//! conversation under other ids and in other places too.

use serde::Serialize;
use serde_json::Value;

use super::common::Common;
use super::fork::{fork, goes_on_from, last_record};
use super::granted::{Grant, grants};
use super::hiding::Hiding;
use super::said::{Listener, Said};
use crate::base::error::Result;
use crate::base::timestamp::Timestamp;
use crate::manifest::{Agent, AgentStatus, Manifest, Transcript, Trigger};
use crate::store::Store;

/// What lies between two snapshots.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Between {
    /// The first one.
    pub old: Side,
    /// The second one.
    pub new: Side,
    /// The newest that both descend from, or are; absent if none is here.
    pub fork: Option<Side>,
    /// What was said since; absent if one of them has no conversation.
    pub conversation: Option<Conversation>,
    /// The tasks.
    pub tasks: Tasks,
    /// The agents that only the second one has, and those that had another status in the first.
    pub agents: Vec<AgentSince>,
    /// The grants of the second one alone, and of the first one alone.
    pub grants: Grants,
    /// In how many files they differ, where that is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<usize>,
}

/// One of the snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Side {
    /// What it is called here.
    pub name: String,
    /// Its identity.
    pub id: String,
    /// Who saved it.
    pub by: String,
    /// On which machine.
    pub host: String,
    /// When.
    pub saved: Timestamp,
    /// What made `snap` save it.
    #[serde(skip)]
    #[cfg_attr(test, schemars(skip))]
    pub(super) trigger: Trigger,
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Conversation {
    /// Whether they have records in common.
    pub related: bool,
    /// Whether the beginning of one was left out of it, before a compaction: then there may be more.
    pub cut: bool,
    /// What only the second one has.
    pub new: Said,
    /// What only the first one has; absent where that can't be told.
    pub old: Option<Said>,
}

/// The tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tasks {
    /// Those that only the second one has.
    pub added: Vec<TaskSince>,
    /// Those that both have, and that are done only in the second one.
    pub done: Vec<TaskSince>,
    /// Those that only the first one has.
    pub only_old: Vec<TaskSince>,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TaskSince {
    /// The client's id of it.
    pub id: String,
    /// What is to be done.
    pub subject: String,
    /// `pending`, `in_progress`, `completed`, or another word of the client's.
    pub status: String,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AgentSince {
    /// The client's id of it.
    pub id: String,
    /// What it was asked to do, in a few words.
    pub description: Option<String>,
    /// Its status in the second one.
    pub status: String,
    /// Its status in the first one, if it is there.
    pub was: Option<String>,
}

/// The grants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Grants {
    /// Those that only the second one has.
    pub added: Vec<String>,
    /// Those that only the first one has.
    pub removed: Vec<String>,
}

impl Between {
    /// Compares two snapshots, the first one first; `tasks` are those of the first and of the second, as JSON.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Damaged`] if a piece of a conversation is.
    pub fn of(store: &Store, [old, new]: [&Manifest; 2], tasks: [&[Value]; 2]) -> Result<Between> {
        let fork = fork(store, old, new, &|fork| goes_on_from(store, old, fork))?;
        let record = fork.as_ref().map(|fork| last_record(store, fork)).transpose()?.flatten();
        let fork = fork.map(|fork| Side::of(store, &fork));
        Ok(Between {
            old: Side::of(store, old),
            new: Side::of(store, new),
            fork,
            conversation: conversation(store, old, new, record.as_deref())?,
            tasks: Tasks::between(tasks),
            agents: agents(&old.agents, &new.agents),
            grants: Grants::between(old, new),
            files: None,
        })
    }

    /// Returns the names of the snapshots.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        [Some(&self.old), Some(&self.new), self.fork.as_ref()]
            .into_iter()
            .flatten()
            .map(|side| side.name.as_str())
    }

    /// Says whether they went apart: neither descends from the other.
    pub fn is_apart(&self) -> bool {
        self.fork.as_ref().is_some_and(|fork| fork.id != self.old.id && fork.id != self.new.id)
    }

    /// Says whether the first one has something that the second one does not go on from, whatever is known of their lines.
    pub(super) fn has_two_sides(&self) -> bool {
        let old = self.conversation.as_ref().and_then(|talk| talk.old.as_ref());
        self.is_apart() || old.is_some_and(|old| !old.is_empty())
    }
}

impl Side {
    pub(super) fn of(store: &Store, manifest: &Manifest) -> Side {
        Side {
            name: store.called(manifest),
            id: manifest.id.to_string(),
            by: manifest.created_by.user.clone(),
            host: manifest.created_by.host.clone(),
            saved: manifest.created_at,
            trigger: manifest.created_by.trigger,
        }
    }
}

/// Listens to what only one of two states of a conversation has.
pub(super) fn said_since(store: &Store, common: &Common, of: &Transcript, is_newer: bool) -> Result<Said> {
    let mut listener = Listener::begin();
    common.rest(store, of, is_newer, |line| listener.line(line))?;
    Ok(listener.finish())
}

/// Listens to what each of two conversations has alone; both may be known to have the record of this name.
fn conversation(
    store: &Store,
    old: &Manifest,
    new: &Manifest,
    record: Option<&str>,
) -> Result<Option<Conversation>> {
    let transcript =
        |manifest: &Manifest| manifest.session.as_ref().and_then(|session| session.transcript.clone());
    let (Some(old), Some(new)) = (transcript(old), transcript(new)) else { return Ok(None) };
    let common = Common::find_behind(store, &old, &new, record)?;
    let cut = old.left_out.is_some() || new.left_out.is_some();
    let related = common.is_any();
    // Where nothing is in common because the beginning of one was left out, all of the other would seem to be its own.
    let tells_old = related || !cut;
    Ok(Some(Conversation {
        related,
        cut: cut && !related,
        new: said_since(store, &common, &new, true)?,
        old: if tells_old { Some(said_since(store, &common, &old, false)?) } else { None },
    }))
}

impl Tasks {
    fn between([old, new]: [&[Value]; 2]) -> Tasks {
        let (old, new): (Vec<_>, Vec<_>) = (old.iter().map(task).collect(), new.iter().map(task).collect());
        let same = |one: &TaskSince, others: &[TaskSince]| {
            others.iter().find(|other| (&other.id, &other.subject) == (&one.id, &one.subject)).cloned()
        };
        let is_done = |task: &TaskSince| task.status == "completed";
        let was_open = |task: &TaskSince| same(task, &old).is_some_and(|was| !is_done(&was));
        Tasks {
            added: new.iter().filter(|task| same(task, &old).is_none()).cloned().collect(),
            done: new.iter().filter(|task| is_done(task) && was_open(task)).cloned().collect(),
            only_old: old.iter().filter(|task| same(task, &new).is_none()).cloned().collect(),
        }
    }

    /// Says whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Tasks::default()
    }
}

pub(super) fn task(task: &Value) -> TaskSince {
    let text = |name: &str| task[name].as_str().unwrap_or_default().to_owned();
    TaskSince { id: text("id"), subject: text("subject"), status: text("status") }
}

fn agents(old: &[Agent], new: &[Agent]) -> Vec<AgentSince> {
    let was = |agent: &Agent| old.iter().find(|other| other.id == agent.id).map(|other| other.status);
    let since = |agent: &Agent, was: Option<AgentStatus>| AgentSince {
        id: agent.id.to_string(),
        description: agent.description.clone(),
        status: agent.status.word().to_owned(),
        was: was.map(|was| was.word().to_owned()),
    };
    let told = new.iter().map(|agent| (agent, was(agent)));
    told.filter(|(agent, was)| *was != Some(agent.status)).map(|(agent, was)| since(agent, was)).collect()
}

impl Grants {
    fn between(old: &Manifest, new: &Manifest) -> Grants {
        let of = |manifest: &Manifest| -> Vec<String> {
            let given = |tool: &str, detail: &str| format!("{tool}: {detail}");
            let all = grants(manifest, &Hiding::of(&[], std::iter::empty()), &given);
            all.into_iter().filter(|grant| grant.scope != "mode").map(|grant| words(&grant)).collect()
        };
        let (old, new) = (of(old), of(new));
        let without = |some: &[String], others: &[String]| -> Vec<String> {
            let mut left: Vec<String> = some.iter().filter(|one| !others.contains(one)).cloned().collect();
            left.dedup();
            left
        };
        Grants { added: without(&new, &old), removed: without(&old, &new) }
    }

    /// Says whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Grants::default()
    }
}

fn words(grant: &Grant) -> String {
    match grant.scope.as_str() {
        "session" => format!("{} {}", grant.text, grant.source),
        scope => format!("{scope} {}", grant.text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_that_both_lines_gave_is_of_two_tasks() {
        let old = [
            json!({"id": "1", "subject": "a", "status": "pending"}),
            json!({"id": "2", "subject": "b", "status": "pending"}),
        ];
        let new = [
            json!({"id": "1", "subject": "a", "status": "completed"}),
            json!({"id": "2", "subject": "c", "status": "completed"}),
        ];
        let ids = |tasks: &[TaskSince]| tasks.iter().map(|task| task.subject.clone()).collect::<Vec<_>>();
        let tasks = Tasks::between([&old, &new]);
        assert_eq!(
            (ids(&tasks.added), ids(&tasks.done), ids(&tasks.only_old)),
            (vec!["c".into()], vec!["a".into()], vec!["b".into()])
        );
    }
}
