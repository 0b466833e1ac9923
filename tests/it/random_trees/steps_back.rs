//! Several restores undone in a row, and redone: every state on the way is the one that was there.

use super::Step;
use super::seen::Seen;
use crate::support::project::Project;

/// Restores these one after the other, each after some steps, then goes all the way back, forward, and back again.
pub(super) fn all_the_way(project: &Project, restores: &[(&[Step], &str)]) {
    let is_work = |(steps, _): &(&[Step], &str)| !steps.is_empty();
    let mut before = Vec::new();
    for (steps, name) in restores {
        steps.iter().for_each(|step| step.take(project));
        let here = Seen::of(project);
        let done = project.snap(&["rewind", name, "--json"]).exits(0).json();
        // What changes nothing is no step.
        if !done["safety"].is_null() {
            before.push(here);
        }
    }
    if before.is_empty() {
        return;
    }
    let mut passed = vec![Seen::of(project)];
    for (number, expected) in before.iter().rev().enumerate() {
        let ran = project.snap(&["undo", "--json"]);
        // Work that was done between two restores may be in the way of the older one's files.
        if ran.code == 4 && number > 0 && restores.iter().any(is_work) {
            assert_eq!(Some(&Seen::of(project)), passed.last(), "refused, and nothing changed");
            break;
        }
        ran.exits(0);
        let here = Seen::of(project);
        if number == 0 || !restores.iter().any(is_work) {
            assert_eq!(&here, expected, "undone");
        }
        passed.push(here);
    }
    for expected in passed.iter().rev().skip(1) {
        project.snap(&["redo"]).exits(0);
        assert_eq!(&Seen::of(project), expected, "redone");
    }
    project.snap(&["redo"]).exits(3);
    for expected in passed.iter().skip(1) {
        project.snap(&["undo"]).exits(0);
        assert_eq!(&Seen::of(project), expected, "undone again");
    }
}
