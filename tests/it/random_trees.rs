//! Random trees, random edits, random staging: whatever was saved comes back exactly.
//!
//! 24 cases by default; `SNAP_CASES=2000 cargo test --release random_trees` is the long form.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::Must;
use crate::support::project::{Project, files_below};

/// One thing that somebody does to a tree.
#[derive(Clone, Debug)]
enum Step {
    Write(usize, Vec<u8>),
    Append(usize, Vec<u8>),
    Remove(usize),
    Rename(usize, usize),
    Copy(usize, usize),
    Link(usize, usize),
    Execute(usize),
    Stage(usize),
    StageAll,
    Unstage(usize),
    Forget(usize),
    Intend(usize),
    /// A repository in the tree, staged as a submodule at its first or second commit.
    Module(bool),
}

/// Where the submodule is.
const MODULE: &str = "module";

/// Names that get in each other's way: files, folders of the same name, odd letters.
const NAMES: [&str; 12] =
    ["a", "a/b", "a/b/c", "d", "d e/f", "new\nline", "-x", "q\"t", "é", "d/g", "sub/one", "sub/two"];

fn content() -> impl Strategy<Value = Vec<u8>> {
    let lines: &[&[u8]] = &[b"one\n", b"two\n", b"\r\n", b"end", b"\0\xff", b"caf\xe9\n"];
    let line = prop::sample::select(lines.to_vec());
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    prop_oneof![
        5 => (name.clone(), content()).prop_map(|(at, bytes)| Step::Write(at, bytes)),
        2 => (name.clone(), content()).prop_map(|(at, bytes)| Step::Append(at, bytes)),
        3 => name.clone().prop_map(Step::Remove),
        2 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Copy(from, to)),
        1 => (name.clone(), name.clone()).prop_map(|(at, to)| Step::Link(at, to)),
        1 => name.clone().prop_map(Step::Execute),
        3 => name.clone().prop_map(Step::Stage),
        1 => Just(Step::StageAll),
        1 => name.clone().prop_map(Step::Unstage),
        1 => name.clone().prop_map(Step::Forget),
        1 => name.prop_map(Step::Intend),
        1 => any::<bool>().prop_map(Step::Module),
    ]
}

/// Does it, as far as it can be done: a file in the way of a folder simply wins or loses.
fn take(project: &Project, step: &Step) {
    let path = |at: usize| project.path(NAMES[at]);
    let make_room = |at: usize| {
        let target = path(at);
        for above in target.ancestors().skip(1).take_while(|above| *above != project.root()) {
            if above.symlink_metadata().is_ok_and(|meta| !meta.is_dir()) {
                fs::remove_file(above).must("to make room");
            }
        }
        fs::create_dir_all(target.parent().must("a parent")).must("a folder");
        match target.symlink_metadata() {
            Ok(meta) if meta.is_dir() => fs::remove_dir_all(&target).must("to make room"),
            Ok(_) => fs::remove_file(&target).must("to make room"),
            Err(_) => {}
        }
        target
    };
    let is_file = |at: usize| path(at).symlink_metadata().is_ok_and(|meta| meta.is_file());
    match step {
        Step::Write(at, bytes) => fs::write(make_room(*at), bytes).must("to write"),
        Step::Append(at, bytes) if is_file(*at) => {
            let mut all = fs::read(path(*at)).must("to read");
            all.extend_from_slice(bytes);
            fs::write(path(*at), all).must("to write");
        }
        Step::Remove(at) if path(*at).symlink_metadata().is_ok() => {
            make_room(*at);
        }
        Step::Rename(from, to) if is_file(*from) && from != to && !path(*to).starts_with(path(*from)) => {
            let bytes = fs::read(path(*from)).must("to read");
            fs::remove_file(path(*from)).must("to remove");
            fs::write(make_room(*to), bytes).must("to write");
        }
        Step::Copy(from, to) if is_file(*from) && from != to && !path(*to).starts_with(path(*from)) => {
            let bytes = fs::read(path(*from)).must("to read");
            fs::write(make_room(*to), bytes).must("to write");
        }
        Step::Link(at, to) => symlink(NAMES[*to], make_room(*at)).must("a link"),
        Step::Execute(at) if is_file(*at) => project.make_executable(NAMES[*at]),
        // git refuses some of these (nothing there, behind a link); that is fine.
        Step::Stage(at) => drop(project.try_git(&["add", "-A", "--", NAMES[*at]])),
        Step::StageAll => drop(project.try_git(&["add", "-A"])),
        Step::Unstage(at) => drop(project.try_git(&["reset", "-q", "--", NAMES[*at]])),
        Step::Forget(at) => drop(project.try_git(&["rm", "-rq", "--cached", "--", NAMES[*at]])),
        Step::Intend(at) => drop(project.try_git(&["add", "-N", "--", NAMES[*at]])),
        Step::Module(second) => {
            if !project.path(MODULE).join(".git").exists() {
                project.git(&["init", "-q", "-b", "main", MODULE]);
                for message in ["one", "two"] {
                    project.git(&["-C", MODULE, "commit", "-q", "--allow-empty", "-m", message]);
                }
            }
            let commit = if *second { "main" } else { "main~1" };
            project.git(&["-C", MODULE, "checkout", "-q", "--detach", commit]);
            project.git(&["add", MODULE]);
        }
        Step::Append(..) | Step::Remove(_) | Step::Rename(..) | Step::Copy(..) | Step::Execute(_) => {}
    }
}

/// What a person sees, but for what is within the submodule, which is nobody's business but its own.
fn state(project: &Project) -> String {
    without_module(&project.state())
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
    base.iter().for_each(|step| take(&project, step));
    project.git(&["add", "-A"]);
    project.git(&["commit", "-qm", "base"]);
    let clone = project.cloned();
    edits.iter().for_each(|step| take(&project, step));
    let (saved, content) = (state(&project), without_module(&project.content_state()));
    project.snap(&["save", "x"]).exits(0);
    assert_eq!(state(&project), saved, "save changed something");
    let mut agreed = usize::from(git_agrees(&project, &project.cloned(), &["x"]));

    let store = project.stored("");
    clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
    assert_eq!(state(&clone), saved, "in a clone");

    wreck.iter().for_each(|step| take(&project, step));
    let wrecked = state(&project);
    agreed += usize::from(git_agrees(&project, &clone, &["x", "--now"]));
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(without_module(&project.content_state()), content, "rewound");
    project.snap(&["undo"]).exits(if wrecked == saved { 3 } else { 0 });
    assert_eq!(state(&project), wrecked, "undone");
    assert!(
        !files_below(project.root()).iter().any(|path| path.to_string_lossy().contains(".snap-restore-"))
    );
    agreed
}

#[test]
fn whatever_was_saved_comes_back_exactly() {
    let asked = std::env::var("SNAP_CASES").ok().and_then(|cases| cases.parse().ok());
    let config = Config { cases: asked.unwrap_or(24), failure_persistence: None, ..Config::default() };
    // The short form is the same each time; the long form looks for what nobody has seen yet.
    let mut runner = match asked {
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
        Some(_) => TestRunner::new(config),
    };
    let steps = |most| prop::collection::vec(step(), 0..most);
    let strategy = (steps(14), steps(18), steps(10));
    let patches = AtomicUsize::new(0);
    let result = runner.run(&strategy, |(base, edits, wreck)| {
        let agreed = there_and_back(&base, &edits, &wreck);
        patches.fetch_add(agreed, Ordering::Relaxed);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    println!("git apply agreed with {} patches", patches.into_inner());
}
