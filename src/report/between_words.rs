//! What lies between two snapshots, in words: a line for each kind of thing, under a word for the kind. Pure.

use super::between::{AgentSince, Between, Conversation, TaskSince};
use super::said::Said;
use crate::base::screen::cut;

/// The most things of one kind that are named one by one.
const MOST_NAMED: usize = 4;

/// The most characters of a name, and of what is to be done.
const LONGEST: usize = 50;

/// The most characters of a prompt.
const LONGEST_PROMPT: usize = 70;

impl Between {
    /// Returns the lines, each with a word for what it is about; nothing of the files. All text is safe to show.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let talk = self.talk().into_iter().map(|line| ("talk", line));
        let listed = |parts: Vec<Option<String>>| {
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            (!parts.is_empty()).then(|| parts.join("; "))
        };
        let others = [
            ("tasks", listed(self.task_words())),
            ("agents", listed(vec![agents(&self.agents)])),
            ("grants", listed(self.grant_words())),
        ];
        talk.chain(others.into_iter().filter_map(|(kind, line)| Some((kind, line?)))).collect()
    }

    /// Returns what the second one is beside the first, with names as `shown` writes them.
    pub(super) fn relation(&self, shown: impl Fn(&str) -> String) -> String {
        let first = shown(&self.old.name);
        match &self.fork {
            _ if !self.has_two_sides() => format!("what came after {first}"),
            Some(fork) if self.is_apart() => {
                format!("what it has beyond {first} (the two went apart after {})", shown(&fork.name))
            }
            _ => format!("what it has beyond {first} (the two went apart)"),
        }
    }

    /// Returns the heading of the rows.
    pub(super) fn heading(&self) -> &'static str {
        if self.has_two_sides() { "Since they went apart, at a glance" } else { "Since then, at a glance" }
    }

    fn talk(&self) -> Vec<String> {
        let Some(Conversation { related, cut: is_cut, new, old }) = &self.conversation else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        if !new.is_empty() {
            let more = match (related, is_cut) {
                (true, _) => "",
                (false, true) => ", since a compaction",
                (false, false) => ", of another conversation",
            };
            lines.push(format!("{}{more}{}", said(new), last(new)));
        }
        if let Some(old) = old.as_ref().filter(|old| !old.is_empty()) {
            lines.push(format!("{}: {}{}", self.only_in_old(), said(old), last(old)));
        }
        lines
    }

    fn only_in_old(&self) -> String {
        format!("only in {}", cut(&self.old.name, LONGEST))
    }

    fn task_words(&self) -> Vec<Option<String>> {
        let name = |task: &TaskSince| cut(&format!("{}. {}", task.id, task.subject), LONGEST);
        let with_end = |task: &TaskSince| {
            let done = if task.status == "completed" { " (done)" } else { "" };
            format!("{}{done}", name(task))
        };
        let tasks = &self.tasks;
        vec![
            named(&format!("{} added", tasks.added.len()), tasks.added.iter().map(with_end)),
            named(&format!("{} done", tasks.done.len()), tasks.done.iter().map(name)),
            named(&self.only_in_old(), tasks.only_old.iter().map(with_end)),
        ]
    }

    fn grant_words(&self) -> Vec<Option<String>> {
        let name = |grant: &String| cut(grant, LONGEST);
        vec![
            named("more", self.grants.added.iter().map(name)),
            named("no longer", self.grants.removed.iter().map(name)),
        ]
    }
}

fn said(said: &Said) -> String {
    let number = |number: u64, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    format!("{}, {}", number(said.prompts, "prompt"), number(said.answers, "answer"))
}

fn last(said: &Said) -> String {
    said.last.as_ref().map(|last| format!("; last: {}", cut(last, LONGEST_PROMPT))).unwrap_or_default()
}

fn agents(agents: &[AgentSince]) -> Option<String> {
    let name = |agent: &AgentSince| {
        let what = cut(agent.description.as_deref().unwrap_or(&agent.id), LONGEST);
        match &agent.was {
            Some(was) => format!("{what} (was {was}, now {})", agent.status),
            None => format!("{what} ({})", agent.status),
        }
    };
    let what = if agents.len() == 1 { "1 agent".to_owned() } else { format!("{} agents", agents.len()) };
    named(&what, agents.iter().map(name))
}

/// Names things of one kind, behind what happened to them.
fn named(what: &str, all: impl ExactSizeIterator<Item = String>) -> Option<String> {
    let more = all.len().saturating_sub(MOST_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names: Vec<String> = all.take(MOST_NAMED).collect();
    (!names.is_empty()).then(|| format!("{what}: {}{more}", names.join(", ")))
}
