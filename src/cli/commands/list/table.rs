//! How a list of snapshots looks: which columns there is room for, and what is cut. Pure.
//!
//! No line is wider than the screen. A column is shown if there is room for it beside the more important ones; then what it
//! was about is cut; a name only if it does not fit on a line of its own. In a pipe nothing is cut.

use crate::base::columns::{first_line, fitted, padded, wide};
use crate::cli::output::{Style, Text, text};

/// The columns that are left out if there is no room, the most important first.
pub(super) const FACTS: [&str; 6] = ["EDITS", "BRANCH", "TASKS", "AGENTS", "WORKTREE", "SIZE"];

/// The columns of names that others chose: they are cut.
const CUT: [&str; 2] = ["BRANCH", "WORKTREE"];

/// The most columns of these on a screen.
const LONGEST_FACT: usize = 20;

/// What there has to be room for beside a fact: else the words are worth more.
const LEAST_ABOUT: usize = 28;

/// Less of what it was about says nothing.
const SHORTEST_ABOUT: usize = 6;

const GAP: &str = "  ";

/// A line of the list.
pub(super) enum Line {
    Snapshot(Box<Row>),
    /// What stands for several snapshots.
    Note(String),
}

/// What is shown of a snapshot.
#[derive(Default)]
pub(super) struct Row {
    /// As much of the id as is needed.
    pub(super) id: String,
    pub(super) age: String,
    pub(super) name: String,
    /// What is special about it, behind the name.
    pub(super) marks: String,
    /// What it was about; may be empty.
    pub(super) about: String,
    /// The values of [`FACTS`]; empty for none.
    pub(super) facts: [String; FACTS.len()],
}

/// Returns the lines with their heading, for a screen of so many columns or for a pipe.
pub(super) fn lines(all: &[Line], screen: Option<usize>) -> Vec<Text> {
    let Some(screen) = screen else { return in_pipe(all) };
    let rows = || {
        all.iter().filter_map(|line| match line {
            Line::Snapshot(row) => Some(&**row),
            Line::Note(_) => None,
        })
    };
    let longest = |of: &dyn Fn(&Row) -> usize| rows().map(of).max().unwrap_or(0);
    let id = longest(&|row| wide(&row.id)).max(2);
    let age = longest(&|row| wide(&row.age)).max(3);
    let has_about = rows().any(|row| !row.about.is_empty());
    let mut left = id + age + 2 * GAP.len();
    let mut name = longest(&|row| wide(&first_line(&row.name)) + wide(&row.marks)).max(4);
    // One long name makes the others no longer.
    name = name.min((screen * 2 / 5).max(16));
    let mut facts: Vec<(usize, usize)> = Vec::new();
    for (number, heading) in FACTS.iter().enumerate() {
        let value = longest(&|row| wide(&first_line(&row.facts[number])));
        let value = if CUT.contains(heading) { value.min(LONGEST_FACT) } else { value };
        if value == 0 {
            continue;
        }
        let width = value.max(heading.len());
        let beside = name + if has_about { GAP.len() + LEAST_ABOUT } else { 0 };
        if left + width + GAP.len() + beside <= screen {
            facts.push((number, width));
            left += width + GAP.len();
        }
    }
    let head = Row {
        id: "ID".to_owned(),
        age: "AGE".to_owned(),
        name: "NAME".to_owned(),
        about: if has_about { "ABOUT".to_owned() } else { String::new() },
        facts: FACTS.map(str::to_owned),
        ..Row::default()
    };
    let shape = Shape { id, age, name, left, facts, screen };
    let body = all.iter().map(|line| match line {
        Line::Snapshot(row) => shape.row(row, Style::Id),
        Line::Note(note) => {
            Style::Faint.of(format!("{}{}", " ".repeat(id + GAP.len()), shape.cut(note, id + GAP.len())))
        }
    });
    std::iter::once(Style::Faint.of(shape.row(&head, Style::Faint).render(false))).chain(body).collect()
}

/// Returns the same for a pipe: tabs between columns that are always the same, and nothing is cut.
fn in_pipe(all: &[Line]) -> Vec<Text> {
    let head = ["ID", "AGE"].into_iter().chain(FACTS).chain(["NAME", "MARKS", "ABOUT"]);
    let body = all.iter().filter_map(|line| match line {
        Line::Snapshot(row) => {
            let Row { id, age, name, marks, about, facts } = &**row;
            let words = [name, marks.trim_start(), about];
            Some(tabbed([id.as_str(), age].into_iter().chain(facts.iter().map(String::as_str)).chain(words)))
        }
        // It is no snapshot; how many are left out is said below.
        Line::Note(_) => None,
    });
    std::iter::once(tabbed(head)).chain(body).collect()
}

/// Returns cells as one line for a pipe.
pub(super) fn tabbed<'a>(cells: impl Iterator<Item = &'a str>) -> Text {
    let mut line = Text::default();
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            line.push(Text::tab());
        }
        line.push(text![first_line(cell)]);
    }
    line
}

struct Shape {
    id: usize,
    age: usize,
    name: usize,
    /// Where the name begins.
    left: usize,
    facts: Vec<(usize, usize)>,
    screen: usize,
}

impl Shape {
    fn row(&self, row: &Row, id: Style) -> Text {
        let mut line = text![id.of(padded(&row.id, self.id)), GAP, padded(&row.age, self.age), GAP];
        for (number, width) in &self.facts {
            line.push(text![padded(&fitted(&row.facts[*number], *width), *width), GAP]);
        }
        let marks = wide(&row.marks);
        let name = self.cut(&row.name, self.left + marks);
        let end = self.left + wide(&name) + marks;
        line.push(text![&name, Style::Faint.of(&row.marks)]);
        let begin = end.max(self.left + self.name) + GAP.len();
        let about = self.cut(&row.about, begin);
        if row.about.is_empty() || (about.len() < row.about.len() && wide(&about) < SHORTEST_ABOUT) {
            return line;
        }
        line.push(text![" ".repeat(begin - end), Style::Faint.of(about)]);
        line
    }

    /// Cuts what begins at this column.
    fn cut(&self, text: &str, begin: usize) -> String {
        fitted(text, self.screen.saturating_sub(begin))
    }
}

/// Returns how much of each id is needed to tell it from the others; at least four digits.
pub(crate) fn digits(ids: &[&str]) -> usize {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let common = |pair: &[&str]| pair[0].bytes().zip(pair[1].bytes()).take_while(|(a, b)| a == b).count();
    sorted.windows(2).map(common).max().map_or(4, |common| (common + 1).max(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, about: &str) -> Line {
        Line::Snapshot(Box::new(Row {
            id: "3f2a".to_owned(),
            age: "12m".to_owned(),
            name: name.to_owned(),
            about: about.to_owned(),
            facts: ["3 +4 -1", "a-branch-with-a-name-that-is-long", "1/2", "", "", "3.4 KiB"]
                .map(str::to_owned),
            ..Row::default()
        }))
    }

    fn shown(rows: &[Line], screen: Option<usize>) -> Vec<String> {
        lines(rows, screen).iter().map(|line| line.render(false)).collect()
    }

    #[test]
    fn no_line_is_wider_than_the_screen_and_names_are_cut_last() {
        let long = "a quite long but honest name of the thing";
        let rows =
            [row("wip", "port the api"), row(long, "now the tests, and all of them"), row("日本語", "")];
        for screen in 20..250 {
            for line in shown(&rows, Some(screen)) {
                assert!(wide(&line) <= screen, "{screen}: {line:?}");
            }
            let whole = shown(&rows, Some(screen)).iter().any(|line| line.contains(long));
            assert_eq!(whole, screen >= 11 + long.len(), "{screen}");
        }
    }

    #[test]
    fn columns_come_with_the_room_for_them() {
        let rows = [row("wip", "port the api")];
        let heads =
            |screen| shown(&rows, screen).swap_remove(0).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(heads(Some(40)), "ID AGE NAME ABOUT");
        assert_eq!(heads(Some(60)), "ID AGE EDITS NAME ABOUT");
        assert_eq!(heads(Some(80)), "ID AGE EDITS BRANCH NAME ABOUT");
        assert!(shown(&rows, Some(80))[1].contains("a-branch-with-a-nam…"));
    }

    #[test]
    fn in_a_pipe_every_row_is_a_snapshot_with_the_same_columns_and_nothing_is_cut() {
        let rows = [row("wip", "port the api"), Line::Note("… 3 automatic, 2h old".to_owned())];
        assert_eq!(
            shown(&rows, None),
            [
                "ID\tAGE\tEDITS\tBRANCH\tTASKS\tAGENTS\tWORKTREE\tSIZE\tNAME\tMARKS\tABOUT",
                "3f2a\t12m\t3 +4 -1\ta-branch-with-a-name-that-is-long\t1/2\t\t\t3.4 KiB\twip\t\tport the api",
            ]
        );
    }

    #[test]
    fn an_id_has_as_many_digits_as_tell_it_from_all_others() {
        assert_eq!(digits(&[]), 4);
        assert_eq!(digits(&["aaaaaaaa", "bbbbbbbb", "aaaaaaaa"]), 4);
        assert_eq!(digits(&["aaaaaaaa", "aaaaabbb", "bbbbbbbb"]), 6);
    }
}
