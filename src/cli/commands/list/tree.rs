//! `snap list --tree`: which snapshot was saved after which.
//!
//! Owns only the drawing: a snapshot's parent is in its manifest. A line of descent stays in its column. It
//! branches only where two sessions continued from one snapshot.

use std::collections::{BTreeMap, BTreeSet};

use super::table::digits;
use crate::base::columns::{fitted, padded, wide};
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::screen::{Line, cut};
use crate::cli::outcome::Outcome;
use crate::cli::output::line_words::marks;
use crate::cli::output::paged::paged;
use crate::cli::output::{Style, Text, Ui, pager, text};
use crate::context::Context;
use crate::store::{LineStates, Listed, Saved, Summaries};

/// The most characters of a name.
const LONGEST_NAME: usize = 60;

/// Draws the readable snapshots without safety snapshots, newest first as in the list: each stands right above its parent, or
/// above what else was saved after that.
pub(crate) fn draw(context: &Context, ui: &mut Ui, all: &Summaries, states: &LineStates) -> Result<Outcome> {
    // A safety snapshot holds what was overwritten: it is no step of anybody's work.
    let readable = all.iter().filter_map(|one| Some((one, one.readable()?)));
    let newest_first: Vec<(Listed<'_>, Saved<'_>)> =
        readable.filter(|(_, saved)| !saved.head.safety).collect();
    let heads: Vec<&str> = newest_first.iter().map(|(_, saved)| saved.head.id.as_str()).collect();
    let digits = digits(&heads);
    let rows: Vec<TreeRow> = branches(&newest_first)
        .into_iter()
        .map(|(number, lead)| {
            let (one, Saved { head, .. }) = newest_first[number];
            TreeRow {
                id: head.id.as_str().chars().take(digits).collect(),
                age: head.created_at.age(context.now),
                lead: format!("{lead}● "),
                name: format!(
                    "{}{}",
                    cut(one.called, LONGEST_NAME),
                    states.get(&head.id).map(marks).unwrap_or_default()
                ),
                by: format!("{}@{}", Line(&head.created_by.user), Line(&head.created_by.host)),
            }
        })
        .collect();
    let longest = |of: fn(&TreeRow) -> &str| rows.iter().map(|row| wide(of(row))).max().unwrap_or(0);
    let (id, age) = (longest(|row| &row.id).max(2), longest(|row| &row.age).max(3));
    let named = |row: &TreeRow| wide(&row.lead) + wide(&row.name);
    let name = rows.iter().map(named).max().unwrap_or(0);
    let head = format!("{}  {}  NAME", padded("ID", id), padded("AGE", age));
    let mut lines: Vec<Text> = if rows.is_empty() { Vec::new() } else { vec![Style::Faint.of(head)] };
    let screen = if ui.shows_on_terminal() { pager::screen_width() } else { usize::MAX };
    lines.extend(rows.into_iter().map(|row| {
        let left = screen.saturating_sub(id + age + 4);
        let shown = fitted(&row.name, left.saturating_sub(wide(&row.lead)));
        // Who saved it, where there is room for it.
        let by = if left >= name + 2 + wide(&row.by) { row.by.as_str() } else { "" };
        let gap = if by.is_empty() { String::new() } else { " ".repeat(name - named(&row) + 2) };
        text![
            Style::Id.of(padded(&row.id, id)),
            "  ",
            padded(&row.age, age),
            "  ",
            &row.lead,
            shown,
            gap,
            Style::Faint.of(by)
        ]
    }));
    paged(ui, &lines)?;
    Ok(Outcome::Done)
}

/// What is shown of a snapshot.
struct TreeRow {
    id: String,
    age: String,
    /// What leads to it from its parent.
    lead: String,
    name: String,
    by: String,
}

/// Returns the snapshots in the order in which they are drawn, each with what stands before its name.
fn branches(newest_first: &[(Listed<'_>, Saved<'_>)]) -> Vec<(usize, String)> {
    let ids: BTreeSet<&SnapshotId> = newest_first.iter().map(|(_, saved)| &saved.head.id).collect();
    let mut children: BTreeMap<&SnapshotId, Vec<usize>> = BTreeMap::new();
    for (number, (_, saved)) in newest_first.iter().enumerate() {
        if let Some(parent) = &saved.summary.parent {
            children.entry(parent).or_default().push(number);
        }
    }
    for of_one in children.values_mut() {
        of_one.sort_by_key(|number| newest_first[*number].1.head.created_at);
    }
    let is_root = |number: &usize| {
        newest_first[*number].1.summary.parent.as_ref().is_none_or(|parent| !ids.contains(parent))
    };
    // Not by id: another snapshot that says it has the same must not hide this one.
    let mut drawn: BTreeSet<usize> = BTreeSet::new();
    let mut lines: Vec<(usize, String)> = Vec::new();
    let oldest_first = (0..newest_first.len()).rev();
    // Last all of them: what is still not drawn has itself for an ancestor, which only a
    // hostile snapshot has.
    for root in oldest_first.clone().filter(is_root).chain(oldest_first) {
        let mut open = vec![(root, String::new(), String::new())];
        while let Some((number, lead, rest)) = open.pop() {
            if !drawn.insert(number) {
                continue;
            }
            lines.push((number, lead));
            let next = children.get(&newest_first[number].1.head.id).map_or(&[][..], Vec::as_slice);
            for (number, child) in next.iter().enumerate().rev() {
                open.push(match (next.len(), number + 1 == next.len()) {
                    (1, _) => (*child, rest.clone(), rest.clone()),
                    // All is turned over at the end: the last line is the first.
                    (_, true) => (*child, format!("{rest}┌─"), format!("{rest}  ")),
                    (_, false) => (*child, format!("{rest}├─"), format!("{rest}│ ")),
                });
            }
        }
    }
    lines.reverse();
    lines
}
