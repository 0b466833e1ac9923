//! A report as a note in Markdown, to hand work on to a person or an agent: goal, done, open, files, how to go on. Pure.
//!
//! Bounded in length. Text of the snapshot stands only in code spans and code blocks, so it is no markup, names nobody
//! and loads nothing wherever the note is shown.

use super::index::EditEntry;
use super::overview::{Overview, Task};
use crate::base::screen::{Line, Lines};

/// The most characters of what was said.
const SAID: usize = 1_500;

/// The most characters of one line.
const LINE: usize = 160;

/// The most characters of a line that names several things.
const LONG_LINE: usize = 600;

/// The most lines of each list.
const LISTED: usize = 40;

/// Returns the note.
pub(super) fn note(
    overview: &Overview,
    edits: &[EditEntry],
    prompts: &[(usize, String)],
    left_out: &[String],
) -> String {
    let about = &overview.about;
    let mut note = format!("# {}\n\n", span(&overview.title));
    let place = about.branch.as_ref().map_or(String::new(), |branch| format!(", on {}", span(branch)));
    let model = about.model.as_ref().map_or(String::new(), |model| format!(", with {}", span(model)));
    note.push_str(&format!(
        "Snapshot {} of {}, by {}{place}{model}.\n",
        span(&about.name),
        about.saved.minute(),
        span(&about.by)
    ));
    if let Some(between) = &overview.between {
        note.push_str(&format!("This is {}.\n", between.relation(span)));
        let rows = between.rows();
        let rows = rows.iter().map(|(kind, line)| format!("{kind}: {}", span_of(line, LONG_LINE)));
        heading(&mut note, between.heading(), &list(rows));
    }
    if let Some(message) = &about.message {
        note.push_str(&format!("\nMessage: {}\n", span(message)));
    }
    heading(&mut note, "Goal", &goal(overview, prompts));
    let (done, open): (Vec<&Task>, Vec<&Task>) =
        overview.tasks.iter().partition(|task| task.status == "completed");
    heading(&mut note, "Done", &list(done.iter().map(|task| task_line(task))));
    heading(&mut note, "Last answer", &about.answer.as_deref().map(block).unwrap_or_default());
    let agents = overview.agents.iter().filter(|agent| agent.status != "done").map(|agent| {
        let what = agent.description.as_deref().unwrap_or(&agent.id);
        format!("agent {}: {}", span(what), agent.status)
    });
    let queue = overview.queue.iter().map(|prompt| format!("queued prompt {}", span(prompt)));
    heading(&mut note, "Open", &list(open.iter().map(|task| task_line(task)).chain(agents).chain(queue)));
    heading(&mut note, "Files", &list(edits.iter().map(edit_line)));
    heading(&mut note, "Not in the snapshot", &list(overview.not_saved.iter().map(|line| span(line))));
    heading(&mut note, "Left out of this note", &list(left_out.iter().map(|line| span(line))));
    let commands = format!("snap pull\nsnap resume {}\n", quoted(&about.name));
    heading(
        &mut note,
        "How to go on",
        &format!(
            "In a clone of the repository, with the snapshot in its store (`snap pull`, or `snap import FILE`):\n\n{}\n\
             `snap resume` shows first what it would do, and asks before it restores what somebody else saved.\n",
            block(&commands)
        ),
    );
    note
}

fn heading(note: &mut String, heading: &str, content: &str) {
    if !content.is_empty() {
        note.push_str(&format!("\n## {heading}\n\n{content}"));
    }
}

fn goal(overview: &Overview, prompts: &[(usize, String)]) -> String {
    let about = &overview.about;
    let mut goal = String::new();
    let first = about.first.as_ref().filter(|first| about.last.as_ref() != Some(first));
    if overview.after.is_some() && !prompts.is_empty() {
        return list(prompts.iter().map(|(_, prompt)| span(prompt)));
    }
    if let Some(first) = first {
        goal.push_str(&format!("The first prompt:\n\n{}\n", block(first)));
    }
    if let Some(last) = &about.last {
        goal.push_str(&format!("The last prompt:\n\n{}", block(last)));
    }
    goal
}

fn task_line(task: &Task) -> String {
    let status = match task.status.as_str() {
        "completed" | "pending" => String::new(),
        "in_progress" => " (in progress)".to_owned(),
        other => format!(" ({})", span(other)),
    };
    let behind = if task.blocked_by.is_empty() {
        String::new()
    } else {
        format!(", after {}", span(&task.blocked_by.join(", ")))
    };
    format!("{}{status}{behind}", span(&format!("{}. {}", task.id, task.subject)))
}

fn edit_line(edit: &EditEntry) -> String {
    let from = edit.old_path.as_ref().map_or(String::new(), |old| format!(", from {}", span(old)));
    let binary = if edit.binary { ", binary" } else { "" };
    format!("{} {}{from} +{} -{}{binary}", edit.status, span(&edit.path), edit.added, edit.removed)
}

/// Returns lines as a list, at most so many.
pub(super) fn list(lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.collect();
    let mut text: String = lines.iter().take(LISTED).map(|line| format!("- {line}\n")).collect();
    if lines.len() > LISTED {
        text.push_str(&format!("- and {} more\n", lines.len() - LISTED));
    }
    text
}

/// Returns a text as a code span on one line.
pub(super) fn span(text: &str) -> String {
    span_of(text, LINE)
}

/// Returns so many characters of a text as a code span on one line.
fn span_of(text: &str, most: usize) -> String {
    let line = Line(text.trim()).to_string();
    let mut cut: String = line.chars().take(most).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    let fence = "`".repeat(longest_run(&cut) + 1);
    let gap = if cut.starts_with('`') || cut.ends_with('`') || cut.is_empty() { " " } else { "" };
    format!("{fence}{gap}{cut}{gap}{fence}")
}

/// Returns a text as a code block.
fn block(text: &str) -> String {
    block_of(text, SAID)
}

/// Returns so many characters of a text as a code block.
pub(super) fn block_of(text: &str, most: usize) -> String {
    let lines = Lines(text.trim_end()).to_string();
    let mut cut: String = lines.chars().take(most).collect();
    if cut.len() < lines.len() {
        cut.push('…');
    }
    let fence = "`".repeat((longest_run(&cut) + 1).max(3));
    format!("{fence}text\n{cut}\n{fence}\n")
}

/// Returns how many backquotes stand together at most.
fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

/// Returns a name as a shell takes it.
fn quoted(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./@~".contains(&byte);
    if !name.is_empty() && !name.starts_with('-') && name.bytes().all(plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_only_in_code() {
        assert_eq!(span("a `b` <img> @you\n"), "``a `b` <img> @you``");
        assert_eq!(span("`"), "`` ` ``");
        assert_eq!(block("```\n# x"), "````text\n```\n# x\n````\n");
        assert_eq!(quoted("it's; rm"), "'it'\\''s; rm'");
    }

    #[test]
    fn what_is_long_is_cut_with_a_mark() {
        assert_eq!(span(&"x".repeat(1_000)).chars().count(), LINE + 3);
        assert!(block(&"x\n".repeat(2_000)).chars().count() < SAID + 20);
        let many = list((0..100).map(|number| number.to_string()));
        assert!(many.ends_with("- and 60 more\n") && many.lines().count() == LISTED + 1);
    }
}
