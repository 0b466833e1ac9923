//! What differs between two snapshots beside their files, in a few lines above the diff: where they went apart, what was said since,
//! tasks, agents and grants.

use serde::Serialize;

use super::OutputForm;
use crate::base::error::Result;
use crate::base::screen::{Line, cut};
use crate::base::timestamp::{Timestamp, age};
use crate::cli::output::snapshot_words::tasks;
use crate::cli::output::words::{ago, count, count_u64};
use crate::cli::output::{Style, Text, text};
use crate::manifest::Manifest;
use crate::report::{AgentSince, Between, Conversation, Said, Side, TaskSince};
use crate::store::Store;

/// The most things of one kind that are named one by one.
const MOST_NAMED: usize = 4;

/// The most characters of a name, and of what is to be done.
const LONGEST: usize = 50;

/// The most characters of a prompt.
const LONGEST_PROMPT: usize = 70;

/// The same for a program: the first line of a diff of two snapshots.
#[derive(Serialize)]
pub(super) struct ForPrograms<'a> {
    pub(super) between: &'a Between,
}

/// Says whether a form has room for it: a patch stays a patch, and names stay names.
pub(super) fn is_told_in(form: OutputForm) -> bool {
    matches!(form, OutputForm::Painted | OutputForm::Columns | OutputForm::Stat | OutputForm::Json)
}

/// Compares two snapshots that differ in so many files.
///
/// # Errors
/// As [`Between::of`].
pub(super) fn between(store: &Store, [old, new]: [&Manifest; 2], files: usize) -> Result<Between> {
    let tasks = [old, new].map(|one| tasks(store, one));
    let between = Between::of(store, [old, new], [&tasks[0], &tasks[1]])?;
    Ok(Between { files: Some(files), ..between })
}

/// Returns it in lines; none if there is nothing to tell but the files.
pub(super) fn lines(between: &Between, now: Timestamp) -> Vec<Text> {
    let rows: Vec<(&str, Text)> = [
        conversation(between).into_iter().map(|line| ("talk", line)).collect::<Vec<_>>(),
        listed(tasks_of(between)).map(|line| ("tasks", line)).into_iter().collect(),
        listed(agents_of(&between.agents)).map(|line| ("agents", line)).into_iter().collect(),
        listed(grants_of(between)).map(|line| ("grants", line)).into_iter().collect(),
    ]
    .concat();
    if rows.is_empty() && !between.is_apart() {
        return Vec::new();
    }
    let files = match between.files {
        None | Some(0) => Text::from("none differs"),
        Some(1) => Text::from("1 differs"),
        Some(number) => text![format!("{number} differ")],
    };
    let mut lines = vec![heading(between, now)];
    let mut last = "";
    for (label, line) in rows.into_iter().chain([("files", files)]) {
        // One label for the lines of one kind.
        let shown = if label == last { "" } else { label };
        lines.push(text!["  ", Style::Faint.of(format!("{shown:7}")), line]);
        last = label;
    }
    lines
}

fn heading(between: &Between, now: Timestamp) -> Text {
    let who = |side: &Side| {
        format!(" ({}@{}, {})", Line(&side.by), Line(&side.host), ago(&age(now.since(side.saved))))
    };
    let (old, new) = (&between.old, &between.new);
    let mut line = text![
        "from ",
        Style::Strong.of(cut(&old.name, LONGEST)),
        Style::Faint.of(who(old)),
        " to ",
        Style::Strong.of(cut(&new.name, LONGEST)),
        Style::Faint.of(who(new)),
    ];
    match &between.fork {
        Some(fork) if between.is_apart() => {
            line.push(text![", which went apart after ", cut(&fork.name, LONGEST)]);
        }
        Some(fork) if fork.id == new.id => line.push(text![", which comes before it"]),
        _ => {}
    }
    line
}

fn conversation(between: &Between) -> Vec<Text> {
    let Some(Conversation { related, cut: is_cut, new, old }) = &between.conversation else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    if !new.is_empty() {
        let more = match (related, is_cut) {
            (true, _) => "",
            (false, true) => ", since a compaction",
            (false, false) => ", of another conversation",
        };
        lines.push(text![said(new), more, last(new)]);
    }
    if let Some(old) = old.as_ref().filter(|old| !old.is_empty()) {
        let name = cut(&between.old.name, LONGEST);
        lines.push(text![format!("only in {name}: {}", said(old)), last(old)]);
    }
    lines
}

fn said(said: &Said) -> String {
    format!("{}, {}", count_u64(said.prompts, "prompt"), count_u64(said.answers, "answer"))
}

fn last(said: &Said) -> Text {
    let last =
        said.last.as_ref().map(|last| Style::Faint.of(format!("; last: {}", cut(last, LONGEST_PROMPT))));
    last.unwrap_or_default()
}

/// Names things of one kind, under a word for what happened to them.
fn named(what: &str, all: Vec<String>) -> Option<String> {
    let more = all.len().checked_sub(MOST_NAMED).filter(|more| *more > 0);
    let more = more.map(|more| format!(" and {more} more")).unwrap_or_default();
    let names: Vec<String> = all.into_iter().take(MOST_NAMED).collect();
    (!names.is_empty()).then(|| format!("{what}: {}{more}", names.join(", ")))
}

fn listed(parts: Vec<String>) -> Option<Text> {
    (!parts.is_empty()).then(|| text![parts.join("; ")])
}

fn tasks_of(between: &Between) -> Vec<String> {
    let names = |tasks: &[TaskSince]| -> Vec<String> {
        let done = |task: &TaskSince| if task.status == "completed" { " (done)" } else { "" };
        tasks
            .iter()
            .map(|task| format!("{}{}", cut(&format!("{}. {}", task.id, task.subject), LONGEST), done(task)))
            .collect()
    };
    let tasks = &between.tasks;
    let plain = |tasks: &[TaskSince]| -> Vec<String> {
        tasks.iter().map(|task| cut(&format!("{}. {}", task.id, task.subject), LONGEST)).collect()
    };
    let only_old = format!("only in {}", cut(&between.old.name, LONGEST));
    [
        named(&format!("{} added", tasks.added.len()), names(&tasks.added)),
        named(&format!("{} done", tasks.done.len()), plain(&tasks.done)),
        named(&only_old, names(&tasks.only_old)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn agents_of(agents: &[AgentSince]) -> Vec<String> {
    let name = |agent: &AgentSince| {
        let what = agent.description.as_deref().unwrap_or(&agent.id);
        match &agent.was {
            Some(was) => format!("{} (was {was}, now {})", cut(what, LONGEST), agent.status),
            None => format!("{} ({})", cut(what, LONGEST), agent.status),
        }
    };
    named(&count(agents.len(), "agent"), agents.iter().map(name).collect()).into_iter().collect()
}

fn grants_of(between: &Between) -> Vec<String> {
    let names = |grants: &[String]| grants.iter().map(|grant| cut(grant, LONGEST)).collect();
    let grants = &between.grants;
    [named("more", names(&grants.added)), named("no longer", names(&grants.removed))]
        .into_iter()
        .flatten()
        .collect()
}
