//! The named snapshots of a space, as a tree by their parents: what their names and messages say, and what is known here of those
//! that are here too. Pure.
//!
//! A line that is closed or merged is over, and so is what led only to it. Both are what people said of snapshots; they decide
//! nothing but what is shown.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::base::ids::SnapshotId;
use crate::base::screen::{Line, cut};
use crate::base::timestamp::Timestamp;
use crate::cli::commands::list::digits;
use crate::cli::output::line_words::{LineFacts, marks};
use crate::cli::output::snapshot_tree::{self, Hidden, Node, Row};
use crate::cli::output::words::count;
use crate::cli::output::{Style, Text};
use crate::cli::program_name::in_words;
use crate::manifest::Trigger;
use crate::store::{LineState, LineStates, Saved, Summaries};
use crate::transfer::NamedThere;

/// The most characters of a name.
const LONGEST_NAME: usize = 60;

/// What became of the line that a snapshot is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum LineIs {
    Open,
    Merged,
    Closed,
}

/// A snapshot that a person saved and pushed.
#[derive(Serialize)]
pub(super) struct SnapshotThere<'a> {
    id: &'a SnapshotId,
    name: String,
    by: String,
    created_at: Timestamp,
    /// What it was saved after, as far as that is known without a download.
    parent: Option<&'a SnapshotId>,
    /// Whether it is in the store here too.
    here: bool,
    state: LineIs,
    line: Option<LineFacts<'a>>,
    #[serde(skip)]
    said: Option<&'a LineState>,
}

/// What is known of snapshots beside what they say.
pub(super) struct Around<'a> {
    /// Sessions go on from these.
    pub(super) continued: HashSet<&'a SnapshotId>,
    /// Lines of others begin with these, whatever they call them.
    pub(super) begins: HashSet<SnapshotId>,
}

/// Those of a remote, the newest first.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Snapshots<'a> {
    all: Vec<SnapshotThere<'a>>,
    /// What is here and not among them, with its parents.
    #[serde(skip)]
    hidden: Hidden<'a>,
    /// How many there are of which nothing but an id is known.
    #[serde(skip)]
    pub(super) unknown: usize,
}

/// Returns what a snapshot was saved after that is there, past those that were removed here.
fn over_removed<'a>(
    id: &'a SnapshotId,
    here: &'a Summaries,
    is_there: impl Fn(&SnapshotId) -> bool,
) -> &'a SnapshotId {
    let mut last = id;
    // As many steps as there are: what was forged may be a ring.
    for _ in 0..=here.removed().len() {
        match here.removed().get(last).filter(|_| !is_there(last)) {
            Some(before) => last = before,
            None => break,
        }
    }
    last
}

impl<'a> Snapshots<'a> {
    /// Takes what a remote has and what is here. With `names_only`, what is not here is not known.
    pub(super) fn of(
        there: &'a [NamedThere],
        here: &'a Summaries,
        states: &'a LineStates,
        around: &Around<'_>,
        names_only: bool,
    ) -> Snapshots<'a> {
        let saved: HashMap<&SnapshotId, Saved<'a>> =
            here.iter().filter_map(|one| one.readable()).map(|saved| (&saved.head.id, saved)).collect();
        let mut unknown = 0;
        let mut all: Vec<SnapshotThere<'a>> = Vec::new();
        for one in there {
            let said = states.get(&one.id);
            let facts = match (saved.get(&one.id), &one.says) {
                (Some(Saved { head, parent, .. }), _) => {
                    let by = &head.created_by;
                    let by = format!("{}@{}", Line(&by.user), Line(&by.host));
                    let auto = head.created_by.trigger == Trigger::Auto;
                    (Line(&head.name).to_string(), by, head.created_at, *parent, auto)
                }
                (None, Some(says)) => {
                    (says.name.clone(), says.by.clone(), says.at, says.parent.as_ref(), says.is_auto)
                }
                (None, None) => {
                    unknown += usize::from(names_only);
                    continue;
                }
            };
            let (name, by, created_at, parent, false) = facts else { continue };
            all.push(SnapshotThere {
                id: &one.id,
                name,
                by,
                created_at,
                parent,
                here: saved.contains_key(&one.id),
                state: said.map_or(LineIs::Open, is),
                line: said.map(LineFacts::of),
                said,
            });
        }
        all.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(b.id)));
        let listed: HashSet<&SnapshotId> = all.iter().map(|one| one.id).collect();
        for one in &mut all {
            one.parent = one
                .parent
                .map(|id| over_removed(id, here, |id| listed.contains(id) || saved.contains_key(id)));
        }
        let hidden = saved.values().filter(|saved| !listed.contains(&saved.head.id));
        let hidden: Hidden<'a> = hidden.map(|saved| (&saved.head.id, saved.parent)).collect();
        let mut made = Snapshots { all, hidden, unknown };
        made.end_what_led_to_an_end(around);
        made
    }

    /// What led only to the end of a line is over too: back to where that line begins, as long as one person saved it and nothing
    /// else goes on from it.
    fn end_what_led_to_an_end(&mut self, around: &Around<'_>) {
        let mut numbers: HashMap<&SnapshotId, usize> = HashMap::new();
        let mut children: HashMap<&SnapshotId, usize> = HashMap::new();
        for (number, one) in self.all.iter().enumerate() {
            numbers.entry(one.id).or_insert(number);
            if let Some(parent) = one.parent {
                *children.entry(parent).or_default() += 1;
            }
        }
        let goes_on: HashSet<&SnapshotId> = self.hidden.values().copied().flatten().collect();
        let ends: Vec<usize> =
            (0..self.all.len()).filter(|number| self.all[*number].state != LineIs::Open).collect();
        for end in ends {
            let (mut at, state) = (end, self.all[end].state);
            loop {
                let one = &self.all[at];
                let begins =
                    around.begins.contains(one.id) || one.said.is_some_and(|said| said.name.is_some());
                let Some(parent) = one.parent.filter(|_| !begins) else { break };
                let Some(before) = numbers.get(parent).copied() else { break };
                let is_only_this = children.get(parent) == Some(&1)
                    && !around.continued.contains(parent)
                    && !goes_on.contains(parent)
                    && self.all[before].by == one.by;
                if self.all[before].state != LineIs::Open || !is_only_this {
                    break;
                }
                self.all[before].state = state;
                at = before;
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.unknown == 0
    }

    /// Returns the lines of the tree for a screen of so many columns; without `all`, lines that are over are one line.
    pub(super) fn lines(&self, now: Timestamp, all: bool, screen: usize) -> Vec<Text> {
        let (shown, over): (Vec<&SnapshotThere<'_>>, Vec<_>) =
            self.all.iter().partition(|one| all || one.state == LineIs::Open);
        let mut hidden = self.hidden.clone();
        hidden.extend(over.iter().map(|one| (one.id, one.parent)));
        let node = |one: &&SnapshotThere<'a>| Node { id: one.id, parent: one.parent, at: one.created_at };
        let nodes: Vec<Node<'_>> = shown.iter().map(node).collect();
        let digits = digits(&nodes.iter().map(|node| node.id.as_str()).collect::<Vec<_>>());
        let parents = self.all.iter().map(|one| one.parent).chain(self.hidden.values().copied());
        let went_on: HashSet<&SnapshotId> = parents.flatten().collect();
        let row = |number: usize| {
            let one = shown[number];
            let said = one.said.map(|said| marks(said, went_on.contains(one.id)));
            Row {
                id: one.id.as_str().chars().take(digits).collect(),
                age: one.created_at.age(now),
                name: format!("{}{}", cut(&one.name, LONGEST_NAME), said.unwrap_or_default()),
                by: one.by.clone(),
            }
        };
        let mut lines = snapshot_tree::lines(&snapshot_tree::draw(&nodes, &hidden), row, screen);
        if !over.is_empty() {
            let what = count(over.len(), "snapshot");
            let words = format!("and {what} of lines that are closed or merged; `snap space -a` lists them");
            lines.extend(Style::Faint.of(in_words(&words)).folded(screen, 2));
        }
        if self.unknown > 0 {
            let words = format!("and {} of which only the id is known", count(self.unknown, "snapshot"));
            lines.extend(Style::Faint.of(words).folded(screen, 2));
        }
        lines
    }
}

fn is(said: &LineState) -> LineIs {
    match (said.merged.is_empty(), &said.closed) {
        (false, _) => LineIs::Merged,
        (true, Some(_)) => LineIs::Closed,
        (true, None) => LineIs::Open,
    }
}
