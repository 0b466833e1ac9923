//! What is left of a snapshot when the history that it was made on is rewritten, or its base is gone for good.

use crate::support::Must;
use crate::support::project::{Project, ran};

/// A project with an edited, a staged and a new file, saved as `x`; and the commit that it was saved on.
fn project() -> (Project, String) {
    let project = Project::new();
    project.write("b.txt", "second\n");
    project.git(&["commit", "-qam", "second"]);
    project.write("a.txt", "one\nprecious\nthree\n");
    project.write("sub/c.txt", "staged\n");
    project.git(&["add", "sub"]);
    project.write("new.txt", "new\n");
    project.snap(&["save", "x"]).exits(0);
    let base = project.git(&["rev-parse", "HEAD"]).trim().to_owned();
    (project, base)
}

/// Rewrites every commit that a ref leads to, as to remove a password, and has git forget the old ones.
fn rewrite(project: &Project, base: &str) {
    project.git(&["stash", "-q", "-u"]);
    project.git(&["stash", "drop", "-q"]);
    let mut command =
        project.git_command(&["filter-branch", "-f", "--tree-filter", "echo removed >b.txt", "--", "--all"]);
    ran(command.env("FILTER_BRANCH_SQUELCH_WARNING", "1")).exits(0);
    for name in project.git(&["for-each-ref", "--format=%(refname)", "refs/original"]).lines() {
        project.git(&["update-ref", "-d", name]);
    }
    forget(project);
    assert!(!project.try_git(&["cat-file", "-e", base]), "the commit is still here");
}

fn forget(project: &Project) {
    project.git(&["reflog", "expire", "--expire=now", "--all"]);
    project.git(&["gc", "-q", "--prune=now"]);
}

#[test]
fn a_snapshot_outlives_a_rewrite_of_all_refs() {
    let (project, base) = project();
    let saved = project.content_state();
    rewrite(&project, &base);
    let before = project.state();
    let changed = project.snap(&["diff", "x", "--now", "--stat"]).exits(0).stdout;
    assert!(changed.contains("a.txt") && changed.contains("b.txt"), "its files are kept: {changed}");
    project.snap(&["verify"]).exits(0).says(&["all is well", "as after a rewrite of the history"]);
    project.snap(&["rewind", "x"]).exits(0).says(&["is gone, as after a rewrite of the history"]);
    assert_eq!(project.content_state(), saved);
    project.snap(&["rewind", "x"]).exits(0).says(&["Nothing had to be done"]);
    project.snap(&["rewind", "x", "--reset-branch"]).exits(3).says(&["does not have the commit"]);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.state(), before);
    // A file that was edited and not rewritten is merged from its base.
    project.snap(&["resume", "x", "--merge"]).exits(0).says(&["is gone, as after a rewrite of the history"]);
    assert_eq!(project.read("a.txt"), b"one\nprecious\nthree\n");
    assert_eq!(project.read("b.txt"), b"removed\n");
    project.snap(&["undo"]).exits(0);
    project.snap(&["resume", "x"]).exits(0);
    assert_eq!(project.read("a.txt"), b"one\nprecious\nthree\n");
}

#[test]
fn what_keeps_the_base_goes_with_its_snapshot() {
    let (project, base) = project();
    let kept = || project.git(&["for-each-ref", "--format=%(objecttype)", "refs/snap", "refs/snap-trees"]);
    assert_eq!(kept(), "tree\ncommit\n");
    project.snap(&["rm", "x"]).exits(0);
    assert_eq!(kept(), "tree\ncommit\n", "as long as it is in the trash");
    project.snap(&["prune", "--now"]).exits(0);
    assert_eq!(kept(), "");
    rewrite(&project, &base);
    assert!(!project.try_git(&["cat-file", "-e", &format!("{base}^{{tree}}")]));
}

#[test]
fn verify_says_of_each_snapshot_whose_base_is_gone_that_it_can_not_be_restored() {
    let (project, base) = project();
    project.git(&["stash", "-q", "-u"]);
    project.git(&["stash", "drop", "-q"]);
    project.git(&["reset", "-q", "--hard", "HEAD~1"]);
    project.snap(&["save", "sound"]).exits(0);
    let kept =
        project.git(&["for-each-ref", "--format=%(refname) %(objectname)", "refs/snap", "refs/snap-trees"]);
    let tree = project.git(&["rev-parse", &format!("{base}^{{tree}}")]);
    for line in kept.lines().filter(|line| line.ends_with(&base) || line.ends_with(tree.trim())) {
        project.git(&["update-ref", "-d", line.split(' ').next().must("a name")]);
    }
    forget(&project);
    let all = project.state();
    project.snap(&["rewind", "x"]).exits(3).says(&["does not have the commit"]);
    let said = project.snap(&["verify"]).exits(1).says(&["1 damaged"]).stdout;
    let parts = [&format!("base {base}: "), "so the files can't be restored", "git fetch"];
    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    project.snap(&["verify", "sound"]).exits(0);
    // Nothing of it is damaged, so nothing is put into quarantine.
    project.snap(&["verify", "--repair"]).exits(1);
    assert!(!project.stored("damaged").exists());
    assert_eq!(project.state(), all);
}
