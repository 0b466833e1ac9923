//! Rules that change: what is ignored, and how content is converted.

use std::fs;
use std::sync::OnceLock;

use proptest::prelude::*;

use super::files::make_room;
use super::seeds::append;
use crate::support::Must;
use crate::support::project::Project;

/// One thing that somebody does about rules.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Writes a file of ignore rules.
    Ignore(usize, usize),
    /// Writes a file of attributes.
    Convert(usize, usize),
    /// Writes a file that many of the rules are about.
    Hide(usize, Vec<u8>),
    /// Adds everything, ignored or not.
    AddAll,
    /// Commits everything that is not ignored.
    Commit,
    /// Takes a tracked file and checks it out anew.
    CheckOut(usize),
}

/// Files of ignore rules.
pub(super) const IN_THE_TREE: [&str; 3] = [".gitignore", "sub/.gitignore", "d/.gitignore"];
const RULES: [&str; 4] = [IN_THE_TREE[0], IN_THE_TREE[1], IN_THE_TREE[2], ".git/info/exclude"];

const LINES: [&str; 12] = [
    "",
    "a\n",
    "*\n",
    "*\n!one\n!.gitignore\n",
    "d*\n!d\n",
    "*.log\n",
    "/a/b\n",
    "é\nsub/\n",
    "one\n",
    "!one\n",
    "d/g\n-x\n",
    ":odd\n",
];

const HIDDEN: [&str; 6] = ["x.log", "sub/y.log", "a/z.log", ":odd", "d/deep/er/v.log", "é.log"];

const ATTRIBUTES: [&str; 3] = [".gitattributes", "sub/.gitattributes", "d/.gitattributes"];

const CONVERSIONS: [&str; 10] = [
    "",
    "* text=auto eol=crlf\n",
    "a text eol=crlf\nd eol=lf\n",
    "sub/* text working-tree-encoding=UTF-16LE\n",
    "[attr]win text eol=crlf\none win\n-x win\n",
    "* -text\n",
    "é filter=up\nd/* filter=up\n",
    "* ident\n",
    "two filter=lfs -text\n",
    "*.log text eol=crlf\n* text\n",
];

pub(super) fn step() -> impl Strategy<Value = Step> {
    let line: &[&[u8]] = &[b"one\n", b"TWO\n", b"\r\n", b"end", b"$Id$\n", b"a\0\n\0"];
    let content =
        prop::collection::vec(prop::sample::select(line.to_vec()), 0..6).prop_map(|lines| lines.concat());
    prop_oneof![
        4 => (0..RULES.len(), 0..LINES.len()).prop_map(|(file, line)| Step::Ignore(file, line)),
        4 => (0..ATTRIBUTES.len(), 0..CONVERSIONS.len()).prop_map(|(file, line)| Step::Convert(file, line)),
        4 => (0..HIDDEN.len(), content).prop_map(|(at, bytes)| Step::Hide(at, bytes)),
        1 => Just(Step::AddAll),
        1 => (0..HIDDEN.len()).prop_map(Step::CheckOut),
    ]
}

/// The same, and commits: nobody makes them between the moment a clone is made of and the save.
pub(super) fn later_step() -> impl Strategy<Value = Step> {
    prop_oneof![8 => step(), 1 => Just(Step::Commit)]
}

/// What all these need: filters of the user's own configuration, which is that of the tests' git too.
pub(crate) fn set_up(project: &Project) -> bool {
    static HAS_LFS: OnceLock<bool> = OnceLock::new();
    let has_lfs = *HAS_LFS.get_or_init(|| project.try_git(&["lfs", "version"]));
    let lfs = "[filter \"lfs\"]\n\tclean = git-lfs clean -- %f\n\tsmudge = git-lfs smudge -- %f\n\
               \tprocess = git-lfs filter-process\n\trequired = true\n";
    let text = format!(
        "[filter \"up\"]\n\tclean = tr a-z A-Z\n\tsmudge = tr A-Z a-z\n{}",
        if has_lfs { lfs } else { "" }
    );
    for file in [project.path(".git/config"), project.home.path().join(".gitconfig")] {
        append(&file, &text);
    }
    has_lfs
}

/// Does it, as far as it can be done: git refuses content that is not in its encoding, say.
pub(super) fn take(project: &Project, step: &Step) {
    match step {
        Step::Ignore(3, line) => project.write(RULES[3], LINES[*line]),
        Step::Ignore(file, line) => {
            fs::write(make_room(project, RULES[*file]), LINES[*line]).must("to write")
        }
        Step::Convert(file, line) => {
            fs::write(make_room(project, ATTRIBUTES[*file]), CONVERSIONS[*line]).must("to write");
        }
        Step::Hide(at, bytes) => fs::write(make_room(project, HIDDEN[*at]), bytes).must("to write"),
        Step::AddAll => drop(project.try_git(&["add", "-Af", "--", ".", ":!.claude"])),
        Step::Commit => {
            project.try_git(&["add", "-A", "--", ".", ":!.claude"]);
            project.try_git(&["commit", "-qm", "since"]);
        }
        Step::CheckOut(at) => drop(project.try_git(&["checkout", "-qf", "--", HIDDEN[*at]])),
    }
}
