//! Random trees, random edits, random staging: whatever was saved comes back exactly.
//!
//! 5 cases by default. `SNAP_CASES=2000` is a longer form: each case has a seed, the first one is `SNAP_SEED` (0), so
//! that several processes share the work; it goes on after a failure, and names the seeds that failed.

mod around;
mod disk;
mod files;
mod index;
mod merges;
mod one_person;
pub(crate) mod rules;
mod seeds;
mod seen;
mod steps_back;
mod two_people;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use files::MODULE;
use seen::Seen;

use crate::support::Must;
use crate::support::project::{Project, files_below};

/// One thing that somebody does to a tree. Each kind has a file of its own.
#[derive(Clone, Debug)]
enum Step {
    Files(files::Step),
    Index(index::Step),
    /// Something that may end in conflicts.
    Merge(merges::Kind),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        26 => files::step().prop_map(Step::Files),
        7 => index::step().prop_map(Step::Index),
        2 => merges::kind().prop_map(Step::Merge),
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
            Step::Merge(kind) => merges::begin(project, *kind),
        }
    }
}

/// Says whether the steps hide files from git, which a clone does not get.
fn hide(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step, Step::Index(step) if step.hides()))
}

/// What git has noted of each file holds: it finds nothing else to be edited when it looks again.
fn believes_its_notes(project: &Project) -> bool {
    let edited = || project.git(&["diff-files", "--name-only", "-z", "--ignore-submodules"]);
    let noted = edited();
    let exactly = ["-c", "sparse.expectFilesOutsideOfPatterns=true", "update-index", "-q", "--refresh"];
    let _some_differ = project.try_git(&exactly);
    noted == edited()
}

/// Every file of a tree, with its mode and content.
fn files(root: &Path) -> Vec<(PathBuf, bool, Vec<u8>)> {
    let names = files_below(root).into_iter();
    let names = names.map(|file| file.strip_prefix(root).must("a file of it").to_owned());
    let others = [".git", ".claude", MODULE];
    let is_within = |name: &Path| others.iter().any(|other| name.starts_with(other));
    let names = names.filter(|name| !is_within(name) || name == Path::new(MODULE));
    let of = |name: PathBuf| {
        let meta = root.join(&name).symlink_metadata().must("metadata");
        let bytes = if meta.is_symlink() {
            fs::read_link(root.join(&name)).must("a link").into_os_string().into_encoded_bytes()
        } else {
            fs::read(root.join(&name)).must("to read")
        };
        (name, meta.is_symlink() || meta.permissions().mode() & 0o100 != 0, bytes)
    };
    names.map(of).collect()
}

fn remove_empty_folders(folder: &Path) {
    for entry in fs::read_dir(folder).must("a folder").flatten() {
        if entry.file_type().must("a type").is_dir() && entry.file_name() != ".git" {
            remove_empty_folders(&entry.path());
            // Only what is empty goes.
            fs::remove_dir(entry.path()).ok();
        }
    }
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
    // Git puts no file in the place of an empty folder, which no patch knows of.
    remove_empty_folders(clone.root());
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

/// What happens in one case.
#[derive(Clone, Debug)]
struct Case {
    /// What there was before two branches went their own ways, and what each of them did then.
    before: Vec<Step>,
    aside: Vec<Step>,
    base: Vec<Step>,
    /// What of the other branch comes over before anything is edited.
    merge: Option<merges::Kind>,
    edits: Vec<Step>,
    wreck: Vec<Step>,
    /// Whether several restores in a row are undone and redone too.
    deep: bool,
}

fn case() -> impl Strategy<Value = Case> {
    let steps = |most| prop::collection::vec(step(), 0..most);
    let of_files = |most| prop::collection::vec(files::step().prop_map(Step::Files), 0..most);
    let merge = prop::option::weighted(0.4, merges::kind());
    let deep = prop::bool::weighted(0.35);
    (of_files(12), of_files(6), of_files(6), merge, steps(18), steps(10), deep).prop_map(
        |(before, aside, base, merge, edits, wreck, deep)| Case {
            before,
            aside,
            base,
            merge,
            edits,
            wreck,
            deep,
        },
    )
}

/// Returns how many patches were ones for `git apply`, which then made the same files of them.
fn there_and_back(case: &Case) -> usize {
    let project = Project::empty();
    seeds::quick_repository(&project);
    project.write("kept", "so that there is something to commit\n");
    let take = |steps: &[Step]| steps.iter().for_each(|step| step.take(&project));
    merges::diverge(&project, || take(&case.before), || take(&case.aside), || take(&case.base));
    let clone = project.cloned();
    case.merge.iter().for_each(|kind| merges::begin(&project, *kind));
    case.edits.iter().filter(|step| !step.commits()).for_each(|step| step.take(&project));
    let saved = Seen::of(&project);
    let (hidden_then, hidden_since) = (hide(&case.edits), hide(&case.wreck));
    project.snap(&["save", "x"]).exits(0);
    assert_eq!(Seen::of(&project), saved, "save changed something");
    let mut agreed =
        if hidden_then { 0 } else { usize::from(git_agrees(&project, &project.cloned(), &["x"])) };

    let store = project.stored("");
    let untouched = Seen::of(&clone);
    let resumed = clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]);
    match (hidden_then, resumed.code) {
        (false, _) => {
            resumed.exits(0);
            assert_eq!(Seen::of(&clone), saved, "in a clone");
        }
        // A file where a sparse checkout had left a folder out, or the other way round: here it is there.
        (true, 4) => {
            let why = [
                "a folder of that name is here",
                "something that is not a folder is in the place of its folder",
            ];
            assert!(why.iter().any(|why| resumed.stderr.contains(why)), "{}", resumed.stderr);
            assert_eq!(Seen::of(&clone), untouched, "refused, and nothing changed");
        }
        (true, _) => {
            resumed.exits(0);
            assert_eq!(Seen::of(&clone).staged(), saved.staged(), "staged in a clone");
        }
    }

    take(&case.wreck);
    // Git itself crashes at times with a sparse index, and leaves its lock.
    fs::remove_file(project.path(".git/index.lock")).ok();
    let wrecked = Seen::of(&project);
    if !hidden_then && !hidden_since {
        agreed += usize::from(git_agrees(&project, &clone, &["x", "--now"]));
    }
    let done = project.snap(&["rewind", "x", "--json"]).exits(0).json();
    let rewound = Seen::of(&project);
    assert_eq!(rewound.content(), saved.content(), "rewound");
    // A rewind that has nothing to do leaves the index as it was, with what git has not noted yet.
    // What it makes may be no more than an empty folder.
    if done["safety"].is_null() {
        assert_eq!(wrecked.content(), saved.content(), "nothing to do");
        drop(project.snap(&["undo"]).exits(3))
    } else {
        let only_folders = wrecked.content() == saved.content();
        assert!(only_folders || believes_its_notes(&project), "git looks twice");
        project.snap(&["undo"]).exits(0);
        assert_eq!(Seen::of(&project), wrecked, "undone");
        project.snap(&["redo"]).exits(0);
        assert_eq!(Seen::of(&project), rewound, "redone");
        project.snap(&["undo"]).exits(0);
    }
    assert_eq!(Seen::of(&project), wrecked, "undone in the end");
    if case.deep {
        in_a_row(&project, case);
    }
    let left = |path: &PathBuf| path.to_string_lossy().contains(".snap-restore-");
    assert!(!files_below(project.root()).iter().any(left));
    agreed
}

/// Restores several times in a row, with and without work in between, and goes back and forward through all of it.
fn in_a_row(project: &Project, case: &Case) {
    let partly = project.snap(&["save", "wrecked"]).code;
    assert!(matches!(partly, 0 | 6), "exit {partly}");
    steps_back::all_the_way(project, &[(&[], "x"), (&[], "wrecked"), (&[], "x")]);
    let of_files = |steps: &[Step]| {
        let of_files = steps.iter().filter(|step| matches!(step, Step::Files(_)));
        of_files.cloned().collect::<Vec<_>>()
    };
    let (edits, wreck) = (of_files(&case.edits), of_files(&case.wreck));
    steps_back::all_the_way(project, &[(&edits, "x"), (&wreck, "x")]);
}

#[test]
fn whatever_was_saved_comes_back_exactly() {
    let patches = AtomicUsize::new(0);
    seeds::run(&case(), |case| {
        let agreed = there_and_back(&case);
        patches.fetch_add(agreed, Ordering::Relaxed);
    });
    println!("git apply agreed with {} patches", patches.into_inner());
}
