//! Random trees, random edits, random staging: whatever was saved comes back exactly.
//!
//! 24 cases by default; `SNAP_CASES=2000 cargo test --release random_trees` is the long form.

use std::fs;
use std::os::unix::fs::symlink;

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
}

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
        Step::Append(..) | Step::Remove(_) | Step::Rename(..) | Step::Copy(..) | Step::Execute(_) => {}
    }
}

fn there_and_back(base: &[Step], edits: &[Step], wreck: &[Step]) {
    let project = Project::empty();
    project.git(&["init", "-q", "-b", "main"]);
    project.write("kept", "so that there is something to commit\n");
    base.iter().for_each(|step| take(&project, step));
    project.git(&["add", "-A"]);
    project.git(&["commit", "-qm", "base"]);
    let clone = project.cloned();
    edits.iter().for_each(|step| take(&project, step));
    let (state, content) = (project.state(), project.content_state());
    project.snap(&["save", "x"]).exits(0);
    assert_eq!(project.state(), state, "save changed something");

    let store = project.stored("");
    clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
    assert_eq!(clone.state(), state, "in a clone");

    wreck.iter().for_each(|step| take(&project, step));
    let wrecked = project.state();
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.content_state(), content, "rewound");
    project.snap(&["undo"]).exits(if wrecked == state { 3 } else { 0 });
    assert_eq!(project.state(), wrecked, "undone");
    assert!(
        !files_below(project.root()).iter().any(|path| path.to_string_lossy().contains(".snap-restore-"))
    );
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
    let result = runner.run(&strategy, |(base, edits, wreck)| {
        there_and_back(&base, &edits, &wreck);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
