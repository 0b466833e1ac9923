//! `snap rewind --reset-branch`: the branch goes back too, its old tip is kept, and an undo takes it back.

use crate::support::project::Project;

fn head(project: &Project) -> String {
    project.git(&["rev-parse", "HEAD"]).trim().to_owned()
}

/// A project with a snapshot `x` of an edit, and a commit made since.
fn project() -> (Project, String, String) {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    let base = head(&project);
    project.snap(&["save", "x"]).exits(0);
    project.write("new.txt", "committed since\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qam", "since"]);
    let tip = head(&project);
    (project, base, tip)
}

#[test]
fn the_branch_goes_back_and_undo_brings_it_forward_again() {
    let (project, base, tip) = project();
    project.snap(&["rewind", "x", "--reset-branch", "--dry-run"]).exits(0);
    assert_eq!(head(&project), tip);
    let done = project.snap(&["rewind", "x", "--reset-branch", "--json"]).exits(0).json();
    assert_eq!(
        (head(&project), project.git(&["symbolic-ref", "HEAD"])),
        (base.clone(), "refs/heads/main\n".to_owned())
    );
    assert_eq!(project.git(&["status", "--porcelain", "-z"]), " M a.txt\0");
    assert_eq!((&done["moved"]["from"], &done["moved"]["to"]), (&tip.clone().into(), &base.clone().into()));
    let kept = done["moved"]["kept_in"].as_str().unwrap_or_default();
    assert_eq!(project.git(&["rev-parse", kept]).trim(), tip);
    project.snap(&["undo"]).exits(0).says(&["Moved main from", "the old tip is kept in refs/snap/"]);
    assert_eq!((head(&project), project.git(&["status", "--porcelain"])), (tip, String::new()));
    project.snap(&["redo"]).exits(0);
    assert_eq!(
        (head(&project), project.git(&["status", "--porcelain"])),
        (base.clone(), " M a.txt\n".to_owned())
    );
    project.git(&["commit", "-qam", "and on from here"]);
    project.snap(&["undo"]).exits(0).says(&["since, and stays where it is"]);
}

#[test]
fn the_branch_alone_can_be_moved_and_a_detached_head_too() {
    let project = Project::new();
    project.git(&["checkout", "-q", "--detach"]);
    let base = head(&project);
    project.snap(&["save", "x"]).exits(0);
    project.git(&["commit", "-q", "--allow-empty", "-m", "nothing changed"]);
    let tip = head(&project);
    project.snap(&["rewind", "x", "--reset-branch"]).exits(0).says(&["Moved HEAD from"]);
    assert_eq!(head(&project), base);
    assert_eq!(project.git(&["rev-parse", "main"]).trim(), base);
    project.snap(&["undo"]).exits(0);
    assert_eq!(head(&project), tip);
}

#[test]
fn a_branch_that_was_renamed_since_goes_back_under_its_new_name() {
    let (project, base, tip) = project();
    project.git(&["branch", "-m", "other"]);
    project.git(&["branch", "-m", "last"]);
    project.snap(&["rewind", "x", "--reset-branch"]).exits(0).says(&["Moved last from"]);
    assert_eq!(
        (head(&project), project.git(&["branch", "--format=%(refname)"])),
        (base, "refs/heads/last\n".to_owned())
    );
    project.snap(&["undo"]).exits(0);
    assert_eq!(head(&project), tip);
    // One that only took its place is another.
    project.git(&["checkout", "-q", "-b", "new"]);
    project.git(&["branch", "-q", "-D", "last"]);
    project
        .snap(&["rewind", "x", "--reset-branch"])
        .exits(3)
        .says(&["main is gone", "without `--reset-branch`"]);
}

#[test]
fn a_branch_that_somebody_else_depends_on_is_not_moved() {
    let (project, _, tip) = project();
    let refused = |words: &[&str]| {
        let state = project.state();
        project.snap(&["rewind", "x", "--reset-branch"]).exits(3).says(words);
        assert_eq!((project.state(), head(&project)), (state, tip.clone()));
    };
    project.git(&["checkout", "-q", "-b", "other"]);
    refused(&["it was saved on branch main, and this work tree is on branch other", "git switch main"]);
    project.git(&["checkout", "-q", "main"]);
    let beside = project.home.path().join("beside");
    project.git(&["worktree", "add", "-q", "-f", beside.to_str().unwrap_or_default(), "main"]);
    refused(&["main is checked out in", "beside too"]);
    project.git(&["worktree", "remove", "--force", beside.to_str().unwrap_or_default()]);
    project.write(".git/MERGE_HEAD", format!("{tip}\n"));
    refused(&["a merge is in progress here", "git merge --abort"]);
}
