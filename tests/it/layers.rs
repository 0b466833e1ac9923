//! `resume --merge`: the index and the work tree are merged apart, so that what was staged stays staged.

use crate::support::Must;
use crate::support::project::{Project, Ran};

fn lines(changes: &[(usize, &str)]) -> String {
    let line = |number| changes.iter().find(|(at, _)| *at == number).map(|(_, text)| (*text).to_owned());
    (1..=20).map(|number| line(number).unwrap_or_else(|| number.to_string()) + "\n").collect()
}

/// A project with a file of twenty lines, staged and then edited as said, saved; and a clone.
fn saved(staged: &str, edited: &str) -> (Project, Project) {
    let project = Project::new();
    project.write("p", lines(&[]));
    project.git(&["add", "p"]);
    project.git(&["commit", "-qm", "twenty lines"]);
    let clone = project.cloned();
    project.write("p", staged);
    project.git(&["add", "p"]);
    project.write("p", edited);
    project.snap(&["save", "x"]).exits(0);
    (project, clone)
}

fn merge(project: &Project, clone: &Project) -> Ran {
    let store = project.stored("");
    clone.snap(&["resume", "x", "--merge", "--store", store.to_str().must("UTF-8")])
}

fn undo(project: &Project, clone: &Project) {
    let store = project.stored("");
    clone.snap(&["undo", "--store", store.to_str().must("UTF-8")]).exits(0);
}

#[test]
fn what_was_staged_stays_staged_when_head_has_moved() {
    let two = lines(&[(2, "two")]);
    for (edited, in_the_end) in [
        (lines(&[(2, "two"), (18, "eighteen")]), lines(&[(2, "two"), (10, "ten"), (18, "eighteen")])),
        (lines(&[]), lines(&[(10, "ten")])),
        (two.clone(), lines(&[(2, "two"), (10, "ten")])),
    ] {
        let (project, clone) = saved(&two, &edited);
        clone.write("p", lines(&[(10, "ten")]));
        clone.git(&["commit", "-qam", "upstream"]);
        let before = clone.state();
        merge(&project, &clone).exits(0);
        assert_eq!(clone.git(&["show", ":p"]), lines(&[(2, "two"), (10, "ten")]));
        assert_eq!(String::from_utf8_lossy(&clone.read("p")), in_the_end);
        undo(&project, &clone);
        assert_eq!(clone.state(), before);
    }
}

#[test]
fn what_is_edited_here_is_not_staged_by_a_merge_of_what_was() {
    let (project, clone) = saved(&lines(&[(2, "two")]), &lines(&[(2, "two")]));
    clone.write("p", lines(&[(10, "ten")]));
    clone.git(&["add", "p"]);
    clone.write("p", lines(&[(10, "ten"), (18, "eighteen")]));
    let before = clone.state();
    merge(&project, &clone).exits(0);
    assert_eq!(clone.git(&["show", ":p"]), lines(&[(2, "two"), (10, "ten")]));
    let work = lines(&[(2, "two"), (10, "ten"), (18, "eighteen")]);
    assert_eq!(String::from_utf8_lossy(&clone.read("p")), work);
    undo(&project, &clone);
    assert_eq!(clone.state(), before);
}

#[test]
fn what_was_staged_and_disagrees_with_what_is_here_is_in_the_index_as_a_conflict() {
    // Staged, then taken back in the work tree: the work trees agree, the indexes don't.
    let (project, clone) = saved(&lines(&[(2, "two")]), &lines(&[]));
    clone.write("p", lines(&[(2, "zwei")]));
    clone.git(&["commit", "-qam", "upstream"]);
    let before = clone.state();
    merge(&project, &clone).exits(6).says(&["The staged version of p disagrees with what is here"]);
    assert_eq!(clone.git(&["show", ":3:p"]), lines(&[(2, "two")]));
    assert_eq!(clone.git(&["show", ":2:p"]), lines(&[(2, "zwei")]));
    assert_eq!(String::from_utf8_lossy(&clone.read("p")), lines(&[(2, "zwei")]));
    undo(&project, &clone);
    assert_eq!(clone.state(), before);
}

#[test]
fn new_files_deletions_and_renames_that_were_staged_follow_what_moved_upstream() {
    let project = Project::new();
    project.write("p", lines(&[]));
    project.git(&["add", "p"]);
    project.git(&["commit", "-qm", "twenty lines"]);
    let clone = project.cloned();
    project.write("new", "staged\n");
    project.git(&["rm", "-q", "b.txt"]);
    project.write("p", lines(&[(2, "two")]));
    project.git(&["add", "."]);
    project.write("new", "edited\n");
    project.write("p", lines(&[(2, "two"), (18, "eighteen")]));
    project.snap(&["save", "x"]).exits(0);
    clone.git(&["mv", "p", "moved"]);
    clone.git(&["commit", "-qam", "upstream"]);
    let before = clone.state();
    merge(&project, &clone).exits(0);
    assert_eq!(
        clone.git(&["diff", "--cached", "--name-status", "--no-renames"]),
        "D\tb.txt\nM\tmoved\nA\tnew\n"
    );
    assert_eq!(clone.git(&["diff", "--name-status"]), "M\tmoved\nM\tnew\n");
    undo(&project, &clone);
    assert_eq!(clone.state(), before);
}
