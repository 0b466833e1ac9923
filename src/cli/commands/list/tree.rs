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
use crate::manifest::Manifest;
use crate::store::Entry;

/// Draws the readable snapshots without safety snapshots: the newest tree first, in each the oldest first.
pub(crate) fn draw(context: &Context, ui: &mut Ui, entries: &[Entry]) -> Result<Outcome> {
    // A safety snapshot holds what was overwritten: it is no step of anybody's work.
    let newest_first = || entries.iter().filter_map(Entry::readable).filter(|m| m.safety.is_none());
    let called: BTreeMap<*const Manifest, &str> = entries
        .iter()
        .filter_map(|entry| Some((std::ptr::from_ref(entry.readable()?), entry.called.as_str())))
        .collect();
    let all: BTreeSet<&SnapshotId> = newest_first().map(|m| &m.id).collect();
    let mut children: BTreeMap<&SnapshotId, Vec<&Manifest>> = BTreeMap::new();
    for manifest in newest_first() {
        if let Some(parent) = &manifest.parent {
            children.entry(parent).or_default().push(manifest);
        }
    }
    for of_one in children.values_mut() {
        of_one.sort_by_key(|manifest| manifest.created_at);
    }
    let is_root = |manifest: &&Manifest| manifest.parent.as_ref().is_none_or(|parent| !all.contains(parent));
    // Not by id: another snapshot that says it has the same must not hide this one.
    let mut drawn: BTreeSet<*const Manifest> = BTreeSet::new();
    // Last all of them: what is still not drawn has itself for an ancestor, which only a
    // hostile snapshot has.
    for root in newest_first().filter(is_root).chain(newest_first()) {
        let mut open = vec![(root, String::new(), String::new())];
        while let Some((manifest, lead, rest)) = open.pop() {
            if !drawn.insert(std::ptr::from_ref(manifest)) {
                continue;
            }
            let name = called.get(&std::ptr::from_ref(manifest)).copied().unwrap_or(&manifest.name);
            ui.line(text![lead, line(context, manifest, name)])?;
            let next = children.get(&manifest.id).map_or(&[][..], Vec::as_slice);
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

fn line(context: &Context, manifest: &Manifest, name: &str) -> Text {
    let by = &manifest.created_by;
    let rest = format!(
        "{}  {}  {}@{}",
        manifest.id.short(),
        age(context.now.since(manifest.created_at)),
        Line(&by.user),
        Line(&by.host)
    );
    text!["● ", cut(name, 60), "  ", Style::Faint.of(rest)]
}
