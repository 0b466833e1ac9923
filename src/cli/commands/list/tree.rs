//! `snap list --tree`: which snapshot was saved after which.
//!
//! Owns only the drawing: a snapshot's parent is in its manifest. A line of descent stays in its column. It
//! branches only where two sessions continued from one snapshot.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::screen::{Line, cut};
use crate::base::timestamp::age;
use crate::cli::outcome::Outcome;
use crate::cli::output::{Style, Text, Ui, text};
use crate::context::Context;
use crate::manifest::Head;
use crate::store::{Listed, Saved, Summaries};

/// Draws the readable snapshots without safety snapshots: the newest tree first, in each the oldest first.
pub(crate) fn draw(context: &Context, ui: &mut Ui, all: &Summaries) -> Result<Outcome> {
    // A safety snapshot holds what was overwritten: it is no step of anybody's work.
    let readable = all.iter().filter_map(|one| Some((one, one.readable()?)));
    let newest_first: Vec<(Listed<'_>, Saved<'_>)> =
        readable.filter(|(_, saved)| !saved.head.safety).collect();
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
    let numbers = 0..newest_first.len();
    // Last all of them: what is still not drawn has itself for an ancestor, which only a
    // hostile snapshot has.
    for root in numbers.clone().filter(is_root).chain(numbers) {
        let mut open = vec![(root, String::new(), String::new())];
        while let Some((number, lead, rest)) = open.pop() {
            if !drawn.insert(number) {
                continue;
            }
            let (one, Saved { head, .. }) = newest_first[number];
            ui.line(text![lead, line(context, head, one.called)])?;
            let next = children.get(&head.id).map_or(&[][..], Vec::as_slice);
            for (number, child) in next.iter().enumerate().rev() {
                open.push(match (next.len(), number + 1 == next.len()) {
                    (1, _) => (*child, rest.clone(), rest.clone()),
                    (_, true) => (*child, format!("{rest}└─"), format!("{rest}  ")),
                    (_, false) => (*child, format!("{rest}├─"), format!("{rest}│ ")),
                });
            }
        }
    }
    Ok(Outcome::Done)
}

fn line(context: &Context, head: &Head, name: &str) -> Text {
    let by = &head.created_by;
    let rest = format!(
        "{}  {}  {}@{}",
        head.id.short(),
        age(context.now.since(head.created_at)),
        Line(&by.user),
        Line(&by.host)
    );
    text!["● ", cut(name, 60), "  ", Style::Faint.of(rest)]
}
