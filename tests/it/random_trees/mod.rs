//! Random trees, random edits, random staging: whatever was saved comes back exactly.
//!
//! 24 cases by default; `SNAP_CASES=2000 cargo test --release random_trees` is the long form.

mod around;
mod disk;
mod files;
mod index;
pub(crate) mod rules;
mod steps_back;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use files::MODULE;

use crate::support::Must;
use crate::support::project::{Project, files_below};

/// One thing that somebody does to a tree. Each kind has a file of its own.
#[derive(Clone, Debug)]
enum Step {
    Files(files::Step),
    Index(index::Step),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        26 => files::step().prop_map(Step::Files),
        7 => index::step().prop_map(Step::Index),
    ]
}

impl Step {
    /// Says whether it moves HEAD.
    fn commits(&self) -> bool {
        matches!(self, Step::Index(index::Step::Commit))
    }

    /// Does it, as far as it can be done.
    fn take(&self, project: &Project) {
        match self {
            Step::Files(step) => files::take(project, step),
            Step::Index(step) => index::take(project, step),
        }
    }
}

/// Says whether the steps hide files from git, which a clone does not get.
fn hide(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step, Step::Index(step) if step.hides()))
}

/// What the index and the disk hold, whatever HEAD is, with all marks.
fn content(project: &Project) -> String {
    without_module(&project.content_state_with_flags())
}

/// What git has noted of each file holds: it finds nothing else to be edited when it looks again.
fn believes_its_notes(project: &Project) -> bool {
    let edited = || project.git(&["diff-files", "--name-only", "-z", "--ignore-submodules"]);
    let noted = edited();
    let exactly = ["-c", "sparse.expectFilesOutsideOfPatterns=true", "update-index", "-q", "--refresh"];
    let _some_differ = project.try_git(&exactly);
    noted == edited()
}

/// What a person sees, but for what is within the submodule, which is nobody's business but its own.
fn state(project: &Project) -> String {
    without_module(&project.state_with_flags())
}

fn without_module(state: &str) -> String {
    let others = state.lines().filter(|line| !line.starts_with(&format!("{MODULE}/")));
    others.map(|line| format!("{line}\n")).collect()
}

/// Every file of a tree, with its mode and content.
fn files(root: &Path) -> Vec<(PathBuf, bool, Vec<u8>)> {
    let names = files_below(root).into_iter();
    let names = names.map(|file| file.strip_prefix(root).must("a file of it").to_owned());
    let others = [".git", ".claude", MODULE];
    let names = names.filter(|name| !others.iter().any(|other| name.starts_with(other)));
    let of = |name: PathBuf| {
        let meta = root.join(&name).symlink_metadata().must("metadata");
        let bytes = match meta.is_symlink() {
            true => fs::read_link(root.join(&name)).must("a link").into_os_string().into_encoded_bytes(),
            false => fs::read(root.join(&name)).must("to read"),
        };
        (name, meta.is_symlink() || meta.permissions().mode() & 0o100 != 0, bytes)
    };
    names.map(of).collect()
}

/// The patch of what a snapshot is compared with gives `git apply` the files as they are, in a clone
/// where they are as that patch begins.
fn git_agrees(project: &Project, clone: &Project, what: &[&str]) -> bool {
    let arguments = [&["diff", "--binary"], what].concat();
    let output = project.command(project.root(), &arguments).output().must("to run snap");
    let patch = String::from_utf8_lossy(&output.stdout);
    if patch.is_empty() || patch.contains("160000") {
        return false;
    }
    clone.write("../patch", &output.stdout);
    if clone.try_git(&["apply", "--whitespace=nowarn", "../patch"]) {
        assert_eq!(files(clone.root()), files(project.root()), "by git apply:\n{patch}");
        return true;
    }
    // Where a link that leads to itself becomes a folder, git goes through the link, and gives up. Without
    // a work tree it doesn't.
    assert!(patch.contains("deleted file mode 120000"), "refused by git apply:\n{patch}");
    clone.git(&["add", "-A", "--", ".", ":!.claude"]);
    clone.git(&["apply", "--whitespace=nowarn", "--cached", "../patch"]);
    clone.git(&["checkout-index", "-a", "--prefix=../checked-out/"]);
    assert_eq!(
        files(&clone.path("../checked-out")),
        files(project.root()),
        "by git apply --cached:\n{patch}"
    );
    true
}

/// Returns how many patches were ones for `git apply`, which then made the same files of them.
fn there_and_back(base: &[Step], edits: &[Step], wreck: &[Step]) -> usize {
    let project = Project::empty();
    project.git(&["init", "-q", "-b", "main"]);
    project.write("kept", "so that there is something to commit\n");
    let of_files = |step: &&Step| !matches!(step, Step::Index(_));
    base.iter().filter(of_files).for_each(|step| step.take(&project));
    project.git(&["add", "-A"]);
    project.git(&["commit", "-qm", "base"]);
    let clone = project.cloned();
    edits.iter().filter(|step| !step.commits()).for_each(|step| step.take(&project));
    let (saved, held) = (state(&project), content(&project));
    let (hidden_then, hidden_since) = (hide(edits), hide(wreck));
    project.snap(&["save", "x"]).exits(0);
    assert_eq!(state(&project), saved, "save changed something");
    let mut agreed =
        if hidden_then { 0 } else { usize::from(git_agrees(&project, &project.cloned(), &["x"])) };

    let store = project.stored("");
    clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
    let staged = |project: &Project| project.git(&["ls-files", "--stage"]);
    match hidden_then {
        false => assert_eq!(state(&clone), saved, "in a clone"),
        true => assert_eq!(staged(&clone), staged(&project), "staged in a clone"),
    }

    wreck.iter().for_each(|step| step.take(&project));
    let (wrecked, left) = (state(&project), content(&project));
    if !hidden_then && !hidden_since {
        agreed += usize::from(git_agrees(&project, &clone, &["x", "--now"]));
    }
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(content(&project), held, "rewound");
    assert!(believes_its_notes(&project), "git looks twice");
    project.snap(&["undo"]).exits(if left == held { 3 } else { 0 });
    assert_eq!(state(&project), wrecked, "undone");
    let partly = project.snap(&["save", "wrecked"]).code;
    assert!(matches!(partly, 0 | 6), "exit {partly}");
    steps_back::all_the_way(&project, &[(&[], "x"), (&[], "wrecked"), (&[], "x")]);
    let of_files = |steps: &[Step]| steps.iter().filter(of_files).cloned().collect::<Vec<_>>();
    let (edits, wreck) = (of_files(edits), of_files(wreck));
    steps_back::all_the_way(&project, &[(&edits, "x"), (&wreck, "x")]);
    assert!(
        !files_below(project.root()).iter().any(|path| path.to_string_lossy().contains(".snap-restore-"))
    );
    agreed
}

/// Runs a model on many cases. The short form is the same each time; the long form looks for what nobody has seen yet.
fn run<S: Strategy>(strategy: &S, check: impl Fn(S::Value)) {
    let asked = std::env::var("SNAP_CASES").ok().and_then(|cases| cases.parse().ok());
    let config = Config { cases: asked.unwrap_or(24), failure_persistence: None, ..Config::default() };
    let mut runner = match asked {
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
        Some(_) => TestRunner::new(config),
    };
    let result = runner.run(strategy, |case| {
        check(case);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn whatever_was_saved_comes_back_exactly() {
    let steps = |most| prop::collection::vec(step(), 0..most);
    let strategy = (steps(14), steps(18), steps(10));
    let patches = AtomicUsize::new(0);
    run(&strategy, |(base, edits, wreck)| {
        let agreed = there_and_back(&base, &edits, &wreck);
        patches.fetch_add(agreed, Ordering::Relaxed);
    });
    println!("git apply agreed with {} patches", patches.into_inner());
}
