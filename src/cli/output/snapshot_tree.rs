//! Which snapshot was saved after which, as a drawing in columns. Pure.
//!
//! A line of descent stays in its column. It branches only where two lines went on from one snapshot. Trees that have nothing to do
//! with each other have an empty line between them: else the oldest snapshot of one would look as if it came after the newest of the
//! other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Style, Text, text};
use crate::base::columns::{fitted, padded, wide};
use crate::base::ids::SnapshotId;
use crate::base::timestamp::Timestamp;

/// What stands in the place of a snapshot that is not here.
const MISSING: &str = "(not here)";

/// A snapshot of a tree.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    pub(crate) id: &'a SnapshotId,
    pub(crate) parent: Option<&'a SnapshotId>,
    pub(crate) at: Timestamp,
}

/// The parents of snapshots that are known and not drawn: lines lead through them.
pub(crate) type Hidden<'a> = HashMap<&'a SnapshotId, Option<&'a SnapshotId>>;

/// What stands in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawn {
    /// The snapshot of this number.
    Snapshot(usize),
    /// One that several were saved after, and of which nothing else is known.
    Missing,
    /// Nothing.
    Gap,
}

/// What is shown of a snapshot.
pub(crate) struct Row {
    /// As much of the id as is needed.
    pub(crate) id: String,
    pub(crate) age: String,
    pub(crate) name: String,
    pub(crate) by: String,
}

/// Returns the lines with their heading; none is wider than `screen`.
pub(crate) fn lines(drawn: &[(Drawn, String)], row: impl Fn(usize) -> Row, screen: usize) -> Vec<Text> {
    let rows: Vec<Option<(String, Row)>> = drawn
        .iter()
        .map(|(what, lead)| match what {
            Drawn::Snapshot(number) => Some((format!("{lead}● "), row(*number))),
            Drawn::Missing => {
                let none = String::new;
                let row = Row { id: none(), age: none(), name: MISSING.to_owned(), by: none() };
                Some((format!("{lead}○ "), row))
            }
            Drawn::Gap => None,
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let longest =
        |of: &dyn Fn(&Row) -> usize| rows.iter().flatten().map(|(_, row)| of(row)).max().unwrap_or(0);
    let (id, age) = (longest(&|row| wide(&row.id)).max(2), longest(&|row| wide(&row.age)).max(3));
    let named = |(lead, row): &(String, Row)| wide(lead) + wide(&row.name);
    let name = rows.iter().flatten().map(named).max().unwrap_or(0);
    let head = Style::Faint.of(format!("{}  {}  NAME", padded("ID", id), padded("AGE", age)));
    let body = rows.iter().map(|line| {
        let Some(line) = line else { return Text::default() };
        let (lead, row) = line;
        let left = screen.saturating_sub(id + age + 4);
        let shown = fitted(&row.name, left.saturating_sub(wide(lead)));
        // Who saved it, where there is room for it.
        let by = if left >= name + 2 + wide(&row.by) { row.by.as_str() } else { "" };
        let gap = if by.is_empty() { String::new() } else { " ".repeat(name - named(line) + 2) };
        text![
            Style::Id.of(padded(&row.id, id)),
            "  ",
            padded(&row.age, age),
            "  ",
            lead,
            shown,
            gap,
            Style::Faint.of(by)
        ]
    });
    std::iter::once(head).chain(body).collect()
}

/// What a snapshot was saved after, as far as that is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After<'a> {
    Nothing,
    Shown(&'a SnapshotId),
    Missing(&'a SnapshotId),
}

/// Something that others are drawn above.
#[derive(Clone, Copy)]
enum Base<'a> {
    Snapshot(usize),
    Missing(&'a SnapshotId),
}

/// Returns the snapshots in the order in which they are drawn, each with what stands before its mark: each stands right above
/// what it was saved after, or above what else was saved after that.
pub(crate) fn draw(newest_first: &[Node<'_>], hidden: &Hidden<'_>) -> Vec<(Drawn, String)> {
    let ids: BTreeSet<&SnapshotId> = newest_first.iter().map(|node| node.id).collect();
    let after: Vec<After<'_>> = newest_first.iter().map(|node| after(node, &ids, hidden)).collect();
    let mut children: BTreeMap<&SnapshotId, Vec<usize>> = BTreeMap::new();
    for (number, after) in after.iter().enumerate() {
        if let After::Shown(id) | After::Missing(id) = after {
            children.entry(id).or_default().push(number);
        }
    }
    for of_one in children.values_mut() {
        of_one.sort_by_key(|number| newest_first[*number].at);
    }
    let above = |id: &SnapshotId| children.get(id).map_or(&[][..], Vec::as_slice);
    let base = |number: usize| match after[number] {
        After::Nothing => Some(Base::Snapshot(number)),
        // One alone does not need it for anything.
        After::Missing(id) if above(id).len() < 2 => Some(Base::Snapshot(number)),
        After::Missing(id) if above(id).first() == Some(&number) => Some(Base::Missing(id)),
        After::Missing(_) | After::Shown(_) => None,
    };
    // Not by id: another snapshot that says it has the same must not hide this one.
    let mut drawn: BTreeSet<usize> = BTreeSet::new();
    let mut lines: Vec<(Drawn, String)> = Vec::new();
    let oldest_first = (0..newest_first.len()).rev();
    // Last all of them: what is still not drawn has itself for an ancestor, which only a
    // hostile snapshot has.
    for base in oldest_first.clone().filter_map(base).chain(oldest_first.map(Base::Snapshot)) {
        let mut open = vec![(base, String::new(), String::new())];
        let before = lines.len();
        while let Some((base, lead, rest)) = open.pop() {
            let id = match base {
                Base::Snapshot(number) if !drawn.insert(number) => continue,
                Base::Snapshot(number) => {
                    lines.push((Drawn::Snapshot(number), lead));
                    newest_first[number].id
                }
                Base::Missing(id) => {
                    lines.push((Drawn::Missing, lead));
                    id
                }
            };
            let next = above(id);
            for (number, child) in next.iter().enumerate().rev() {
                let child = Base::Snapshot(*child);
                open.push(match (next.len(), number + 1 == next.len()) {
                    (1, _) => (child, rest.clone(), rest.clone()),
                    // All is turned over at the end: the last line is the first.
                    (_, true) => (child, format!("{rest}┌─"), format!("{rest}  ")),
                    (_, false) => (child, format!("{rest}├─"), format!("{rest}│ ")),
                });
            }
        }
        if before > 0 && lines.len() > before {
            lines.insert(before, (Drawn::Gap, String::new()));
        }
    }
    lines.reverse();
    lines
}

/// Turns a drawing over: the oldest comes first, and each stands right below what it was saved after.
pub(crate) fn turned_over(mut drawn: Vec<(Drawn, String)>) -> Vec<(Drawn, String)> {
    drawn.reverse();
    for (_, lead) in &mut drawn {
        *lead = lead.replace('┌', "└");
    }
    drawn
}

fn after<'a>(node: &Node<'a>, ids: &BTreeSet<&SnapshotId>, hidden: &Hidden<'a>) -> After<'a> {
    let mut parent = node.parent;
    // As many steps as there are: what was forged may be a ring.
    for _ in 0..=hidden.len() {
        match parent {
            None => return After::Nothing,
            Some(id) if ids.contains(id) => return After::Shown(id),
            Some(id) => match hidden.get(id) {
                Some(next) => parent = *next,
                None => return After::Missing(id),
            },
        }
    }
    After::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> SnapshotId {
        SnapshotId::parse(&format!("{number:032x}")).expect("an id")
    }

    /// Draws snapshots by the numbers of their parents, the oldest first; the parents of hidden ones begin with 100.
    fn drawn(parents: &[Option<usize>], hidden: &[Option<usize>]) -> Vec<String> {
        let ids: Vec<SnapshotId> = (0..200).map(id).collect();
        let parent = |parent: &Option<usize>| parent.map(|number| &ids[number]);
        let node = |(number, after): (usize, &Option<usize>)| Node {
            id: &ids[number],
            parent: parent(after),
            at: Timestamp::from_millis(number as i64),
        };
        let mut nodes: Vec<Node<'_>> = parents.iter().enumerate().map(node).collect();
        nodes.reverse();
        let hidden: Hidden<'_> =
            hidden.iter().enumerate().map(|(number, after)| (&ids[100 + number], parent(after))).collect();
        let name = |(what, lead): &(Drawn, String)| match what {
            Drawn::Snapshot(number) => format!("{lead}{}", parents.len() - 1 - number),
            Drawn::Missing => format!("{lead}○"),
            Drawn::Gap => String::new(),
        };
        draw(&nodes, &hidden).iter().map(name).collect()
    }

    #[test]
    fn a_line_stays_in_its_column_and_each_fork_is_drawn_around_what_follows_it() {
        assert_eq!(drawn(&[None, Some(0), Some(1)], &[]), ["2", "1", "0"]);
        let forks = [None, Some(0), Some(1), Some(0), Some(3), Some(3), Some(5)];
        assert_eq!(drawn(&forks, &[]), ["    6", "  ┌─5", "  ├─4", "┌─3", "│ 2", "├─1", "0"]);
    }

    #[test]
    fn turned_over_each_fork_is_drawn_below_what_it_went_on_from() {
        let ids: Vec<SnapshotId> = (0..5).map(id).collect();
        let node = |number: usize, parent: Option<usize>| Node {
            id: &ids[number],
            parent: parent.map(|parent| &ids[parent]),
            at: Timestamp::from_millis(number as i64),
        };
        let nodes = [node(4, None), node(3, Some(1)), node(2, Some(0)), node(1, Some(0)), node(0, None)];
        let drawn = turned_over(draw(&nodes, &Hidden::new()));
        let leads: Vec<String> = drawn
            .iter()
            .map(|(what, lead)| match what {
                Drawn::Snapshot(number) => format!("{lead}{}", 4 - number),
                Drawn::Missing | Drawn::Gap => lead.clone(),
            })
            .collect();
        assert_eq!(leads, ["0", "├─1", "│ 3", "└─2", "", "4"]);
    }

    #[test]
    fn what_was_saved_after_something_hidden_follows_what_that_was_saved_after() {
        assert_eq!(drawn(&[None, Some(0), Some(100), Some(2)], &[Some(0)]), ["  3", "┌─2", "├─1", "0"]);
        assert_eq!(drawn(&[None, Some(101)], &[None, Some(100)]), ["1", "", "0"]);
        assert_eq!(drawn(&[Some(100)], &[Some(101), Some(100)]), ["0"], "a ring");
    }

    #[test]
    fn what_went_on_from_a_snapshot_that_is_gone_is_inside_one_fork_and_no_tree_runs_into_another() {
        let gone = [None, Some(150), Some(1), Some(150), Some(0)];
        assert_eq!(drawn(&gone, &[]), ["┌─3", "│ 2", "├─1", "○", "", "4", "0"]);
        assert_eq!(drawn(&[None, Some(150), Some(1)], &[]), ["2", "1", "", "0"]);
        assert_eq!(drawn(&[None, None, None], &[]), ["2", "", "1", "", "0"]);
    }

    #[test]
    fn snapshots_that_claim_to_be_their_own_ancestors_are_drawn_once() {
        assert_eq!(drawn(&[Some(1), Some(0)], &[]), ["1", "0"]);
    }

    #[test]
    fn no_line_is_wider_than_the_screen() {
        let ids = [id(0), id(1)];
        let at = Timestamp::from_millis(0);
        let nodes = [Node { id: &ids[1], parent: Some(&ids[0]), at }, Node { id: &ids[0], parent: None, at }];
        let drawn = draw(&nodes, &Hidden::new());
        let row = |number: usize| Row {
            id: "3f2a".to_owned(),
            age: "12m".to_owned(),
            name: format!("a quite long name {number} 日本語"),
            by: "ada@laptop".to_owned(),
        };
        for screen in 20..80 {
            let lines = lines(&drawn, row, screen);
            assert!(lines.iter().all(|line| wide(&line.render(false)) <= screen), "{screen}");
            let whole = 11 + wide("● a quite long name 0 日本語");
            let by = lines.iter().any(|line| line.render(false).contains("ada@laptop"));
            assert_eq!(by, screen >= whole + 2 + "ada@laptop".len(), "{screen}");
        }
    }
}
