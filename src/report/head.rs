//! The part of a page that stands alone, without its program: what it was about, tasks, agents, edits, grants. Pure.

use super::between::Between;
use super::html::{lines, text};
use super::index::EditEntry;
use super::overview::{Overview, Task};

/// The most edits that are listed here; the program of the page lists all.
const MOST_EDITS: usize = 500;

/// The most prompts.
const MOST_PROMPTS: usize = 30;

/// The most characters of what was said.
const LONGEST: usize = 2_000;

/// Returns the labels and values of the head.
pub(super) fn about(overview: &Overview) -> Vec<(String, String)> {
    let about = &overview.about;
    let saved = about.saved.minute();
    let between = overview.after.as_ref().map(|after| format!("{} and {}", after.name, about.name));
    let when = format!("{saved} by {} on {}", about.by, about.host);
    let branch = match (&about.branch, &about.commit) {
        (Some(branch), Some(commit)) => Some(format!("{branch} at {}", short(commit))),
        (Some(branch), None) => Some(format!("{branch}, before its first commit")),
        (None, commit) => commit.as_deref().map(|commit| format!("{} (detached)", short(commit))),
    };
    let pairs = [
        ("Snapshot", Some(format!("{} (id {})", about.name, short(&about.id)))),
        ("Between", between),
        ("Message", about.message.clone()),
        ("Saved", Some(when)),
        ("Where", Some(about.root.clone())),
        ("Work tree", about.worktree.clone()),
        ("Branch", branch),
        ("Session", about.session.clone()),
        ("State", about.state.clone()),
        ("Client", about.client.clone()),
        ("Model", about.model.clone()),
        ("Mode", about.mode.clone()),
    ];
    let known = pairs.into_iter().filter_map(|(label, value)| Some((label.to_owned(), value?)));
    known.collect()
}

fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// Returns the static part as HTML.
pub(super) fn html(
    overview: &Overview,
    edits: &[EditEntry],
    prompts: &[(usize, String)],
    left_out: &[String],
) -> String {
    let mut page = String::from("<main id=\"static\" tabindex=\"-1\">\n");
    page.push_str(&format!(
        "<h1>{}</h1>\n<p class=\"lead\">{}</p>\n",
        text(&overview.title),
        lead(overview, edits)
    ));
    let between = overview.between.as_ref().map(|between| {
        let rows = between.rows().into_iter().map(|(kind, line)| format!("{kind}: {line}"));
        list(&rows.collect::<Vec<String>>())
    });
    let heading = overview.between.as_ref().map_or("", Between::heading);
    section(&mut page, "s-between", heading, &between.unwrap_or_default());
    section(&mut page, "s-about", "What it was about", &said(overview));
    let pairs = about(overview);
    let pairs: String = pairs
        .iter()
        .map(|(label, value)| format!("<dt>{}</dt><dd>{}</dd>\n", text(label), text(value)))
        .collect();
    section(&mut page, "s-where", "Where it is from", &format!("<dl>\n{pairs}</dl>\n"));
    section(&mut page, "s-left-out", "Left out of this page", &list(left_out));
    section(&mut page, "s-tasks", "Tasks", &tasks(overview));
    section(&mut page, "s-agents", "Agents", &agents(overview));
    section(&mut page, "s-edits", "Edits", &edits_table(edits));
    section(&mut page, "s-queue", "Queued prompts", &list(&overview.queue));
    section(&mut page, "s-grants", "Grants", &grants(overview));
    section(&mut page, "s-not-saved", "Not in the snapshot", &list(&overview.not_saved));
    section(&mut page, "s-prompts", "First prompts", &first_prompts(prompts));
    page.push_str(
        "<p class=\"noscript\">The whole conversation and the diffs are in this file too, packed. They open in a \
         browser that runs JavaScript. The file loads nothing and sends nothing.</p>\n</main>\n",
    );
    page
}

/// Adds a section, unless there is nothing in it.
fn section(page: &mut String, id: &str, heading: &str, content: &str) {
    if !content.is_empty() {
        page.push_str(&format!("<section id=\"{id}\"><h2>{heading}</h2>\n{content}</section>\n"));
    }
}

fn list(texts: &[String]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    let items: String = texts.iter().map(|one| format!("<li>{}</li>\n", text(one))).collect();
    format!("<ul>\n{items}</ul>\n")
}

fn lead(overview: &Overview, edits: &[EditEntry]) -> String {
    let about = &overview.about;
    let saved = format!("<time datetime=\"{}\">{}</time>", about.saved, about.saved.minute());
    let mut parts = vec![format!("Saved {saved}")];
    if let Some(between) = &overview.between {
        parts = vec![format!("Here is {}, until {saved}", between.relation(text))];
    }
    if !overview.tasks.is_empty() {
        parts.push(format!("{} of {} tasks done", overview.done(), overview.tasks.len()));
    }
    if !overview.agents.is_empty() {
        parts.push(number(overview.agents.len(), "agent"));
    }
    if !edits.is_empty() {
        let (added, removed) =
            edits.iter().fold((0, 0), |sum, edit| (sum.0 + edit.added, sum.1 + edit.removed));
        parts.push(format!("{} edited, +{added} -{removed}", number(edits.len(), "file")));
    }
    parts.join(" · ")
}

fn number(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn said(overview: &Overview) -> String {
    let about = &overview.about;
    let first = about.first.as_ref().filter(|first| about.last.as_ref() != Some(first));
    let told = [
        ("First prompt", first),
        ("Last prompt", about.last.as_ref()),
        ("Last answer", about.answer.as_ref()),
    ];
    let told = told.into_iter().filter_map(|(label, said)| Some((label, said?)));
    let told: String = told
        .map(|(label, said)| {
            let cut: String = said.chars().take(LONGEST).collect();
            let more = if cut.len() < said.len() { " …" } else { "" };
            format!("<dt>{label}</dt><dd class=\"said\">{}{more}</dd>\n", lines(&cut))
        })
        .collect();
    if told.is_empty() { told } else { format!("<dl>\n{told}</dl>\n") }
}

fn tasks(overview: &Overview) -> String {
    let row = |task: &Task| {
        let behind = if task.blocked_by.is_empty() { String::new() } else { task.blocked_by.join(", ") };
        let was = task.was.as_ref().map_or(String::new(), |was| format!(" (was {})", text(was)));
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}{was}</td><td>{}</td></tr>\n",
            text(&task.id),
            text(&task.subject),
            text(&task.status.replace('_', " ")),
            text(&behind),
        )
    };
    table(&["Task", "What", "Status", "After"], overview.tasks.iter().map(row).collect())
}

fn agents(overview: &Overview) -> String {
    let rows = overview.agents.iter().map(|agent| {
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            text(agent.description.as_deref().unwrap_or(&agent.id)),
            text(agent.kind.as_deref().unwrap_or_default()),
            text(&agent.status),
            text(&agent.evidence),
        )
    });
    table(&["What", "Type", "Status", "Known by"], rows.collect())
}

fn edits_table(edits: &[EditEntry]) -> String {
    let rows = edits.iter().take(MOST_EDITS).map(|edit| {
        let path = match &edit.old_path {
            Some(old) => format!("{} -&gt; {}", text(old), text(&edit.path)),
            None => text(&edit.path),
        };
        let mut notes = edit.notes.clone();
        notes.extend(edit.mode.clone());
        if edit.left_out {
            notes.push("left out of this page".to_owned());
        }
        format!(
            "<tr><td>{}</td><td>{path}</td><td>+{} -{}</td><td>{}</td></tr>\n",
            text(&edit.status),
            edit.added,
            edit.removed,
            text(&notes.join(", ")),
        )
    });
    let more = edits.len().saturating_sub(MOST_EDITS);
    let more = if more > 0 { format!("<p>and {more} more</p>\n") } else { String::new() };
    table(&["", "File", "Lines", "Notes"], rows.collect()) + &more
}

fn grants(overview: &Overview) -> String {
    let rows = overview.grants.iter().map(|grant| {
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            text(&grant.scope),
            text(&grant.text),
            text(&grant.source)
        )
    });
    table(&["", "Rule", "From"], rows.collect())
}

fn table(heads: &[&str], rows: Vec<String>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    format!("<table><thead><tr>{heads}</tr></thead><tbody>\n{}</tbody></table>\n", rows.concat())
}

fn first_prompts(prompts: &[(usize, String)]) -> String {
    let items = prompts.iter().take(MOST_PROMPTS).map(|(_, prompt)| format!("<li>{}</li>\n", text(prompt)));
    let items: String = items.collect();
    let more = prompts.len().saturating_sub(MOST_PROMPTS);
    let more = if more > 0 { format!("<p>and {more} more</p>\n") } else { String::new() };
    if items.is_empty() { items } else { format!("<ol>\n{items}</ol>\n{more}") }
}
