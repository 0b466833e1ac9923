//! Conflicts as git makes them: two branches that went their own ways, and all that brings one into the other.

use proptest::prelude::*;

use super::files::MODULE;
use crate::support::project::Project;

/// What brings the other branch's changes here.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Merge,
    CherryPick,
    Revert,
    /// Its changes as something that was stashed.
    Stash,
    Abort,
}

pub(super) fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        3 => Just(Kind::Merge),
        3 => Just(Kind::CherryPick),
        1 => Just(Kind::Revert),
        2 => Just(Kind::Stash),
        1 => Just(Kind::Abort),
    ]
}

/// Makes three commits, one after each of these: what both branches begin with, the other branch, this branch.
pub(super) fn diverge(project: &Project, before: impl Fn(), aside: impl Fn(), base: impl Fn()) {
    let commit = |message: &str| {
        project.try_git(&["add", "-A", "--", ".", ":!.claude"]);
        project.git(&["commit", "-q", "--allow-empty", "-m", message]);
    };
    before();
    commit("before");
    aside();
    commit("aside");
    project.git(&["branch", "-q", "aside"]);
    // The way back is a commit too: nothing is forced.
    project.git(&["reset", "-q", "--soft", "main~1"]);
    project.git(&["read-tree", "--reset", "-u", "HEAD"]);
    base();
    commit("base");
}

/// Does it, as far as git does it here; the branch stays where it is.
pub(super) fn begin(project: &Project, kind: Kind) {
    let words: &[&str] = match kind {
        Kind::Merge => &["merge", "-q", "--no-commit", "--no-ff", "aside"],
        Kind::CherryPick => &["cherry-pick", "-n", "aside"],
        Kind::Revert => &["revert", "-n", "HEAD"],
        Kind::Stash => return stash(project),
        Kind::Abort => &["reset", "-q", "--merge"],
    };
    project.try_git(words);
    keep_module(project);
}

/// Stages the submodule again as git has left its folder: another commit than is staged, or none, nobody saves.
fn keep_module(project: &Project) {
    if project.path(MODULE).join(".git").exists() {
        project.try_git(&["add", "-f", "--sparse", MODULE]);
    }
}

fn stash(project: &Project) {
    let commit = |arguments: &[&str]| project.git(&[&["commit-tree", "-m", "stashed"], arguments].concat());
    let index = commit(&["-p", "aside~1", "aside~1^{tree}"]);
    let stashed = commit(&["-p", "aside~1", "-p", index.trim(), "aside^{tree}"]);
    project.try_git(&["stash", "apply", "-q", stashed.trim()]);
    keep_module(project);
}
