//! Random work of one person in one session who goes back, tries another way, and merges the one into the other. What comes out is told
//! by the snapshot that both really came from: the model keeps track of that, whatever was said or not said in between.

use std::collections::BTreeMap;
use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;

use super::seeds::run;
use crate::merging::{ID, talk};
use crate::support::project::Project;

const FILES: usize = 2;
const PLACES: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Act {
    Change(usize, usize),
    /// Writes what was there first.
    TakeBack(usize, usize),
    Remove(usize),
    Save {
        speaks: bool,
    },
    /// Goes back to one of those that were saved.
    Rewind {
        to: usize,
        how: How,
    },
    /// Takes back the rewind that was just done, after which at most something was saved.
    Undo,
    /// Merges one of them, and takes that back.
    Merge(usize),
}

/// What becomes of the conversation.
#[derive(Clone, Copy, Debug)]
enum How {
    Also,
    Stays,
    Forks,
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![3 => Just(How::Also), 1 => Just(How::Stays), 1 => Just(How::Forks)]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..FILES, 0..PLACES).prop_map(|(file, place)| Act::Change(file, place)),
        1 => (0..FILES, 0..PLACES).prop_map(|(file, place)| Act::TakeBack(file, place)),
        1 => (0..FILES).prop_map(Act::Remove),
        5 => prop::bool::weighted(0.3).prop_map(|speaks| Act::Save { speaks }),
        5 => (any::<usize>(), how()).prop_map(|(to, how)| Act::Rewind { to, how }),
        3 => Just(Act::Undo),
        5 => any::<usize>().prop_map(Act::Merge),
    ]
}

/// What is in each place of each file that is there.
type Tree = BTreeMap<usize, [usize; PLACES]>;

/// The places lie so far apart that no change touches another.
fn text(places: &[usize; PLACES]) -> String {
    let block = |(place, value): (usize, &usize)| format!("{}place {place} is {value}\n", "same\n".repeat(5));
    places.iter().enumerate().map(block).collect()
}

fn name(file: usize) -> String {
    format!("sub/{file}.txt")
}

fn write(project: &Project, tree: &Tree) {
    for file in 0..FILES {
        match tree.get(&file) {
            Some(places) => project.write(name(file), text(places)),
            None => drop(fs::remove_file(project.path(name(file)))),
        }
    }
}

fn is_here(project: &Project, tree: &Tree) -> bool {
    (0..FILES).all(|file| fs::read_to_string(project.path(name(file))).ok() == tree.get(&file).map(text))
}

/// A snapshot, and which one it came from.
struct Saved {
    tree: Tree,
    parent: Option<usize>,
}

/// Returns the newest that both came from.
fn base(saved: &[Saved], one: usize, other: usize) -> usize {
    let line = |from: usize| std::iter::successors(Some(from), |at| saved[*at].parent);
    line(one).find(|at| line(other).any(|of_other| of_other == *at)).unwrap_or(0)
}

/// Merges three ways; `None` if both sides changed the same place in different ways.
fn three_ways(base: &Tree, ours: &Tree, theirs: &Tree) -> Option<Tree> {
    fn pick<T: PartialEq>(base: T, ours: T, theirs: T) -> Option<T> {
        let same = ours == theirs || theirs == base;
        if same { Some(ours) } else { (ours == base).then_some(theirs) }
    }
    let mut merged = Tree::new();
    for file in 0..FILES {
        match (base.get(&file), ours.get(&file), theirs.get(&file)) {
            (Some(base), Some(ours), Some(theirs)) => {
                let mut places = *ours;
                for (place, value) in places.iter_mut().enumerate() {
                    *value = pick(base[place], ours[place], theirs[place])?;
                }
                merged.insert(file, places);
            }
            (base, ours, theirs) => {
                if let Some(places) = pick(base, ours, theirs)? {
                    merged.insert(file, *places);
                }
            }
        }
    }
    Some(merged)
}

fn try_it(acts: &[Act]) {
    let project = Project::new();
    let first: Tree = (0..FILES).map(|file| (file, [0; PLACES])).collect();
    write(&project, &first);
    project.git(&["add", "sub"]);
    project.git(&["commit", "-q", "-m", "files"]);
    project.session(ID);
    project.write("b.txt", "an edit\n");
    project.snap(&["save", "s0"]).exits(0);
    let mut saved = vec![Saved { tree: first.clone(), parent: None }];
    let (mut at, mut here, mut undone) = (0, first.clone(), None);
    for (number, act) in acts.iter().enumerate() {
        let said = || format!("{acts:?} at {number}");
        match *act {
            Act::Change(file, place) => {
                here.entry(file).or_insert([0; PLACES])[place] = number + 1;
                write(&project, &here);
            }
            Act::TakeBack(file, place) => {
                here.entry(file).or_insert([0; PLACES])[place] = 0;
                write(&project, &here);
            }
            Act::Remove(file) => {
                here.remove(&file);
                write(&project, &here);
            }
            Act::Save { speaks } => {
                if speaks {
                    talk(&project, ID, &format!("n{number}"), "go on", "done");
                }
                project.snap(&["save", &format!("s{}", saved.len())]).exits(0);
                saved.push(Saved { tree: here.clone(), parent: Some(at) });
                at = saved.len() - 1;
            }
            Act::Rewind { to, how } => {
                let to = to % saved.len();
                let name = format!("s{to}");
                let mut words = vec!["rewind", &name];
                words.extend(match how {
                    How::Also => None,
                    How::Stays => Some("--no-session"),
                    How::Forks => Some("--fork"),
                });
                project.snap(&words).exits(0);
                undone = (here != saved[to].tree).then(|| (at, here.clone(), saved[to].tree.clone()));
                (at, here) = (to, saved[to].tree.clone());
                assert!(is_here(&project, &here), "{}", said());
            }
            Act::Undo => {
                if let Some((before, tree, _)) = undone.take().filter(|(.., after)| *after == here) {
                    project.snap(&["undo"]).exits(0);
                    (at, here) = (before, tree);
                    assert!(is_here(&project, &here), "{}", said());
                }
            }
            Act::Merge(other) => {
                let other = other % saved.len();
                let wanted = three_ways(&saved[base(&saved, at, other)].tree, &here, &saved[other].tree);
                let name = format!("s{other}");
                let planned = project.snap(&["merge", &name, "--dry-run", "--json"]);
                let merged = project.snap(&["merge", &name, "--json"]);
                let has_conflicts = planned.stdout.lines().any(|line| line == "  \"conflicts\": [");
                assert_eq!(has_conflicts, merged.code == 6, "{}: as it was told: {}", said(), planned.stdout);
                let what = format!("{}: s{other} into what came from s{at}: {}", said(), merged.stderr);
                let Some(wanted) = wanted else {
                    assert_eq!(merged.code, 6, "both changed it: {what}");
                    project.snap(&["undo"]).exits(0);
                    undone = None;
                    continue;
                };
                assert_eq!(merged.code, 0, "{what}");
                assert!(is_here(&project, &wanted), "wanted {wanted:?}: {what}");
                if wanted != here {
                    project.snap(&["undo"]).exits(0);
                    undone = None;
                }
                assert!(is_here(&project, &here), "taken back: {what}");
            }
        }
    }
}

#[test]
fn what_one_person_merges_of_a_way_tried_before_is_what_was_done_there_since_both_parted() {
    run(&vec(act(), 10..24), |acts| try_it(&acts));
}
