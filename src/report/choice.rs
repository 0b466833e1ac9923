//! What of a snapshot a report holds, and what it leaves out: by kind, and by path. Pure.

use std::collections::BTreeSet;

use crate::base::paths::RepoPath;

/// A kind of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What the person asked.
    Prompts,
    /// What the model said.
    Answers,
    /// What the model thought.
    Thinking,
    /// Calls of tools, with input and output.
    Tools,
    /// The conversations of agents.
    Agents,
    /// What the client wrote itself.
    Notes,
    /// Images.
    Images,
    /// Pending edits.
    Edits,
    /// Tasks.
    Tasks,
    /// Permission rules and decisions.
    Grants,
}

impl Part {
    /// All of them, with the words for them.
    pub const ALL: [(&'static str, Part); 10] = [
        ("prompts", Part::Prompts),
        ("answers", Part::Answers),
        ("thinking", Part::Thinking),
        ("tools", Part::Tools),
        ("agents", Part::Agents),
        ("notes", Part::Notes),
        ("images", Part::Images),
        ("edits", Part::Edits),
        ("tasks", Part::Tasks),
        ("grants", Part::Grants),
    ];
}

/// What is wanted.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Only these kinds; empty for all.
    pub only: BTreeSet<Part>,
    /// Whether inputs and outputs of tools stay out.
    pub no_tools: bool,
    /// Files and folders whose content stays out.
    pub redact: Vec<RepoPath>,
}

impl Choice {
    /// Says whether a kind is wanted.
    pub fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// What was left out of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Calls whose input and output stayed out by `--no-tools`.
    pub(super) tools: u64,
    /// Prompts of agents whose text stayed out by `--no-tools`.
    pub(super) agent_prompts: u64,
    /// Calls whose input and output stayed out by `--redact`.
    pub(super) redacted_calls: u64,
    /// Notes of the client whose text stayed out by `--redact`.
    pub(super) redacted_notes: u64,
    /// Edits whose content stayed out by `--redact`.
    pub(super) redacted_edits: u64,
    /// Steps of kinds that were not wanted.
    pub(super) unwanted: u64,
    /// Agents whose conversation was not wanted.
    pub(super) agents: u64,
    /// Images of a type that no page shows.
    pub(super) odd_images: u64,
    /// Edits that are pages of reports themselves.
    pub(super) own_pages: u64,
    /// Steps that an earlier snapshot has already.
    pub(super) earlier: u64,
}

impl LeftOut {
    /// Says whether inputs and outputs of calls stayed out, or calls that an earlier snapshot has.
    pub(super) fn are_calls(&self) -> bool {
        self.tools + self.redacted_calls + self.agents + self.earlier > 0
    }

    /// Returns what stayed out, a line each.
    pub(super) fn lines(&self, choice: &Choice) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = |number: u64, one: &str, many: &str, why: &str| {
            if number > 0 {
                let what = if number == 1 { one } else { many };
                lines.push(format!("{number} {what}{why}"));
            }
        };
        line(self.tools, "tool call", "tool calls", ": input and output, by --no-tools");
        line(self.agent_prompts, "prompt", "prompts", " that agents were given, by --no-tools");
        line(
            self.redacted_calls,
            "tool call",
            "tool calls",
            " that named a redacted path: input and output, by --redact",
        );
        line(self.redacted_notes, "note", "notes", " of the client that named a redacted path, by --redact");
        line(self.redacted_edits, "file", "files", ": what was edited, by --redact");
        line(self.unwanted, "step", "steps", " of kinds that were not wanted, by --only");
        line(
            self.own_pages,
            "file that is a page of `snap report`",
            "files that are pages of `snap report`",
            ": it would hold what is left out here",
        );
        line(self.earlier, "step", "steps", " that the first snapshot has already");
        line(self.agents, "agent's conversation", "agents' conversations", ", by --only");
        line(self.odd_images, "image", "images", " that are not png, jpeg, gif or webp");
        let hidden = [Part::Edits, Part::Tasks, Part::Grants].map(|part| (part, choice.has(part)));
        for (part, _) in hidden.into_iter().filter(|(_, has)| !has) {
            let word = Part::ALL.iter().find(|(_, one)| *one == part).map_or("", |(word, _)| word);
            lines.push(format!("all {word}, by --only"));
        }
        if !choice.redact.is_empty() {
            lines.push(
                "--redact takes out the edits of a path and each call and grant that names it; what else was said of it stays".to_owned(),
            );
        }
        lines
    }
}
