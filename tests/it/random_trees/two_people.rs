//! Random work of two people who merge each other. Each line is written once, so nothing is like another: a line goes out of a tree
//! only if the other side had it and took it out, and one of the other side comes unless it was taken out here.

use std::collections::BTreeSet;
use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;

use super::seeds::{append, run};
use crate::merging::as_user;
use crate::merging_again::{Pair, pair_from};
use crate::support::project::Project;

const FILES: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Act {
    Change(usize, usize),
    Cut(usize, usize),
    Remove(usize),
    /// Has git ignore the file, by a rule that stays with this clone.
    Hide(usize),
    /// Saves both, and merges the other one's.
    Merge,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0..FILES, 0..12_usize).prop_map(|(file, line)| Act::Change(file, line)),
        2 => (0..FILES, 0..12_usize).prop_map(|(file, line)| Act::Cut(file, line)),
        2 => (0..FILES).prop_map(Act::Remove),
        1 => (0..FILES).prop_map(Act::Hide),
        6 => Just(Act::Merge),
    ]
}

fn name(file: usize) -> String {
    format!("sub/{file}.txt")
}

fn read(project: &Project, file: usize) -> Option<Vec<String>> {
    let text = fs::read_to_string(project.path(name(file))).ok()?;
    Some(text.lines().map(str::to_owned).collect())
}

fn write(project: &Project, file: usize, lines: &[String]) {
    project.write(name(file), lines.iter().map(|line| format!("{line}\n")).collect::<String>());
}

fn is_marker(line: &str) -> bool {
    ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|marker| line.starts_with(marker))
}

/// What one person has.
#[derive(Default)]
struct Person {
    /// Every line that was ever in the tree.
    had: BTreeSet<String>,
    hidden: BTreeSet<usize>,
}

impl Person {
    fn lines(project: &Project, files: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
        let lines = files.into_iter().filter_map(|file| read(project, file)).flatten();
        lines.filter(|line| !is_marker(line)).collect()
    }

    fn look(&mut self, project: &Project) -> BTreeSet<String> {
        let lines = Person::lines(project, 0..FILES);
        self.had.extend(lines.iter().cloned());
        lines
    }
}

fn change(project: &Project, person: &mut Person, act: Act, new: String) {
    match act {
        Act::Change(file, at) => {
            let mut lines =
                read(project, file).unwrap_or_else(|| (0..12).map(|line| format!("{new}.{line}")).collect());
            match lines.get_mut(at) {
                Some(line) => *line = new,
                None => lines.push(new),
            }
            write(project, file, &lines);
        }
        Act::Cut(file, at) => {
            let Some(mut lines) = read(project, file).filter(|lines| at < lines.len()) else { return };
            lines.remove(at);
            write(project, file, &lines);
        }
        Act::Remove(file) => drop(fs::remove_file(project.path(name(file)))),
        Act::Hide(file) => {
            append(&project.path(".git/info/exclude"), &format!("/{}\n", name(file)));
            person.hidden.insert(file);
        }
        Act::Merge => {}
    }
    person.look(project);
}

fn try_it(acts: &[(bool, Act)]) {
    let begin = |ada: &Project| {
        for file in 0..FILES {
            let lines: Vec<String> = (0..12).map(|line| format!("base {file}.{line}")).collect();
            write(ada, file, &lines);
        }
    };
    let mut pair: Pair = pair_from(begin);
    let mut people = [Person::default(), Person::default()];
    people[0].look(&pair.ada);
    people[1].look(&pair.bob);
    for (number, (is_bob, act)) in acts.iter().enumerate() {
        let me = usize::from(*is_bob);
        if !matches!(act, Act::Merge) {
            let project = if *is_bob { &pair.bob } else { &pair.ada };
            change(project, &mut people[me], *act, format!("line {number} of {me}"));
            continue;
        }
        let names = ["ada", "bob"];
        let other = 1 - me;
        let saved = format!("{} {number}", names[other]);
        pair.save(names[other], &saved);
        let projects = [&pair.ada, &pair.bob];
        let theirs = people[other].look(projects[other]);
        let shown = (0..FILES).filter(|file| !people[other].hidden.contains(file));
        let shown = Person::lines(projects[other], shown);
        let before = people[me].look(projects[me]);
        as_user(projects[me], names[me], &["pull"]).exits(0);
        let merged = as_user(projects[me], names[me], &["merge", &saved]);
        assert!([0, 6].contains(&merged.code), "{acts:?}: {}", merged.stderr);
        let after = Person::lines(projects[me], 0..FILES);
        let said = || format!("{acts:?} at {number}: {}", merged.stderr);
        let gone: Vec<&String> = before.difference(&after).collect();
        let taken = gone.iter().all(|line| people[other].had.contains(*line) && !theirs.contains(*line));
        assert!(taken, "gone: {gone:?}, {}", said());
        let missing: Vec<&String> = shown.difference(&after).collect();
        assert!(
            missing.iter().all(|line| people[me].had.contains(*line)),
            "not here: {missing:?}, {}",
            said()
        );
        for file in 0..FILES {
            if let Some(mut lines) =
                read(projects[me], file).filter(|lines| lines.iter().any(|line| is_marker(line)))
            {
                lines.retain(|line| !is_marker(line));
                let mut seen = BTreeSet::new();
                lines.retain(|line| seen.insert(line.clone()));
                write(projects[me], file, &lines);
            }
        }
        projects[me].git(&["reset", "-q"]);
        people[me].look(projects[me]);
    }
}

#[test]
fn what_two_people_merge_of_each_other_takes_away_only_what_was_taken_out() {
    run(&vec((any::<bool>(), act()), 6..14), |acts| try_it(&acts));
}
