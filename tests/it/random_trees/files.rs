//! Files that are written, renamed, linked and staged, under names that get in each other's way.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use proptest::prelude::*;

use crate::support::Must;
use crate::support::project::Project;

/// One thing that somebody does to a tree.
#[derive(Clone, Debug)]
pub(super) enum Step {
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
    /// A file in the place of that repository.
    ReplaceModule(Vec<u8>),
}

/// Where the submodule is.
pub(super) const MODULE: &str = "module";

/// Names that get in each other's way: files, folders of the same name, odd letters.
pub(super) const NAMES: [&str; 12] =
    ["a", "a/b", "a/b/c", "d", "d e/f", "new\nline", "-x", "q\"t", "é", "d/g", "sub/one", "sub/two"];

fn content() -> impl Strategy<Value = Vec<u8>> {
    let lines: &[&[u8]] = &[b"one\n", b"two\n", b"\r\n", b"end", b"\0\xff", b"caf\xe9\n"];
    let line = prop::sample::select(lines.to_vec());
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

pub(super) fn step() -> impl Strategy<Value = Step> {
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
        1 => content().prop_map(Step::ReplaceModule),
    ]
}

/// Does it, as far as it can be done: a file in the way of a folder simply wins or loses.
pub(super) fn take(project: &Project, step: &Step) {
    let path = |at: usize| project.path(NAMES[at]);
    let make_room = |at: usize| make_room(project, NAMES[at]);
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
                self::make_room(project, MODULE);
                project.git(&["init", "-q", "-b", "main", MODULE]);
                for message in ["one", "two"] {
                    project.git(&["-C", MODULE, "commit", "-q", "--allow-empty", "-m", message]);
                }
            }
            let commit = if *second { "main" } else { "main~1" };
            project.git(&["-C", MODULE, "checkout", "-q", "--detach", commit]);
            project.try_git(&["add", "-f", "--sparse", MODULE]);
        }
        Step::ReplaceModule(bytes) if project.path(MODULE).is_dir() => {
            fs::write(self::make_room(project, MODULE), bytes).must("to write");
        }
        Step::ReplaceModule(_) => {}
        Step::Append(..) | Step::Remove(_) | Step::Rename(..) | Step::Copy(..) | Step::Execute(_) => {}
    }
}

/// Takes whatever stands at a path, or on the way to it, away, and makes the folders above it.
pub(super) fn make_room(project: &Project, name: &str) -> PathBuf {
    let target = project.path(name);
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
}
