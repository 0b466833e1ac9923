//! The index: marks, sparse checkouts, conflicts, entries without a file, and case that is ignored.

use proptest::prelude::*;

use super::files::NAMES;
use crate::support::Must;
use crate::support::project::Project;

/// One thing that somebody does to the index.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Sets or takes away one of the two marks.
    Mark(usize, bool, bool),
    /// Another sparse checkout, or none.
    Sparse(usize),
    /// Stages of a conflict, and what its file looks like.
    Conflict(usize, u8, Vec<usize>),
    /// An entry without a file.
    Alone(usize, usize),
    /// A mark to be added, made by hand: of an executable, with another mark on it.
    Intend(usize, bool),
    /// Whether case is ignored, and a file whose name differs from another's in case alone.
    Case(bool, usize),
    Commit,
}

/// What stages consist of: no file, links and files of both modes.
const STAGES: [Option<(&str, &str)>; 5] = [
    None,
    Some(("100644", "one\n")),
    Some(("100644", "two\n")),
    Some(("100755", "one\n")),
    Some(("120000", "kept")),
];

const SPARSE: [&[&str]; 7] = [
    &["set", "--cone", "a"],
    &["set", "--cone", "sub", "d"],
    &["set", "--cone", "--sparse-index", "sub"],
    &["set", "--no-cone", "/*", "!/a/", "!/sub/one"],
    &["set", "--no-cone", "--no-sparse-index", "kept", "d*"],
    &["reapply"],
    &["disable"],
];

impl Step {
    /// Says whether files are hidden from git by it, so that only the same place can have all of them back.
    pub(super) fn hides(&self) -> bool {
        matches!(self, Step::Mark(..) | Step::Sparse(_) | Step::Intend(_, true))
    }
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    let stages = prop::collection::vec(0..STAGES.len(), 3);
    prop_oneof![
        5 => (name.clone(), any::<bool>(), any::<bool>()).prop_map(|(at, skip, set)| Step::Mark(at, skip, set)),
        3 => (0..SPARSE.len()).prop_map(Step::Sparse),
        3 => (name.clone(), any::<u8>(), stages).prop_map(|(at, file, stages)| Step::Conflict(at, file, stages)),
        3 => (name.clone(), 1..STAGES.len()).prop_map(|(at, what)| Step::Alone(at, what)),
        1 => (name.clone(), any::<bool>()).prop_map(|(at, marked)| Step::Intend(at, marked)),
        2 => (any::<bool>(), name).prop_map(|(ignored, at)| Step::Case(ignored, at)),
        1 => Just(Step::Commit),
    ]
}

/// What to give to `git update-index --index-info` for one entry.
fn blob(project: &Project, content: &str) -> String {
    project.write("../blob", content);
    project.git(&["hash-object", "-w", "--no-filters", "../blob"]).trim().to_owned()
}

/// Does it, as far as git can.
pub(super) fn take(project: &Project, step: &Step) {
    match step {
        Step::Mark(at, skip, set) => {
            let no = if *set { "" } else { "no-" };
            let mark = if *skip { "skip-worktree" } else { "assume-unchanged" };
            project.try_git(&["update-index", &format!("--{no}{mark}"), "--", NAMES[*at]]);
        }
        Step::Sparse(which) => drop(project.try_git(&[&["sparse-checkout"], SPARSE[*which]].concat())),
        Step::Conflict(at, file, stages) => {
            let present =
                stages.iter().enumerate().filter_map(|(number, stage)| Some((number + 1, STAGES[*stage]?)));
            let lines: Vec<String> = present
                .map(|(number, (mode, content))| {
                    format!("{mode} {} {number}\t{}\0", blob(project, content), NAMES[*at])
                })
                .collect();
            // A git that died of one of the other steps leaves its lock.
            let is_locked = project.path(".git/index.lock").exists();
            if is_locked
                || lines.is_empty()
                || !project.git(&["ls-files", "--", NAMES[*at]]).is_empty() && *file < 60
            {
                return;
            }
            // Nothing that the index has no room for beside it.
            project.try_git(&["rm", "-rqf", "--cached", "--sparse", "--", NAMES[*at]]);
            let info = format!("0 {}\t{}\0{}", "0".repeat(40), NAMES[*at], lines.concat());
            project.git_reads(&["update-index", "-z", "--index-info"], info.as_bytes());
            if file % 3 == 0 && project.path(NAMES[*at]).is_file() {
                project.write(NAMES[*at], "<<<<<<< ours\none\n=======\ntwo\n>>>>>>> theirs\n");
            }
        }
        Step::Alone(at, what) => {
            let (mode, content) = STAGES[*what].must("something");
            let entry = format!("{mode},{},{}", blob(project, content), NAMES[*at]);
            project.try_git(&["update-index", "--add", "--replace", "--cacheinfo", &entry]);
        }
        Step::Intend(at, marked) => {
            project.try_git(&["add", "-N", "--sparse", "--", NAMES[*at]]);
            if *marked {
                project.try_git(&["update-index", "--assume-unchanged", "--", NAMES[*at]]);
            }
        }
        Step::Case(ignored, at) => {
            project.git(&["config", "core.ignorecase", if *ignored { "true" } else { "false" }]);
            let name = NAMES[*at].to_uppercase();
            let above = name.rsplit_once('/').map(|(above, _)| project.path(above));
            let free =
                above.is_none_or(|above| !above.exists()) && project.path(&name).symlink_metadata().is_err();
            // One of the folders on the way may be a file.
            if free && name.match_indices('/').all(|(end, _)| !project.path(&name[..end]).is_file()) {
                project.write(&name, "IN CAPITALS\n");
            }
        }
        Step::Commit => drop(project.try_git(&["commit", "-qm", "meanwhile"])),
    }
}
