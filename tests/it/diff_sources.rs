//! Whatever a diff is made from, git applies it and gets the new files: random texts, small ones that
//! are loaded and large ones that are streamed.

use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use tempfile::TempDir;

use crate::diff_properties::texts;
use crate::support::Must;
use crate::support::project::{Project, files_below};

/// The content of some files, by number.
type State = Vec<Vec<u8>>;

/// So many files are text, the others binary.
const TEXTS: usize = 5;

/// The first file is larger than what is held in memory, and so is the last; in the others nothing is usual.
fn states() -> impl Strategy<Value = [State; 4]> {
    let small = proptest::collection::vec((texts(), texts()), TEXTS + 2);
    (small, 0..40_000_usize, 1..3_000_usize).prop_map(|(small, at, len)| {
        let line = |word: &str, number: usize| format!("{word} {number} of a large file, and some more\n");
        let large = |edited: &dyn Fn(usize) -> bool, end: usize| -> Vec<u8> {
            let lines = (0..end).map(|n| line(if edited(n) { "edited" } else { "line" }, n));
            lines.collect::<String>().into_bytes()
        };
        let larges = [
            large(&|_| false, 40_000),
            large(&|n| n == at || n % 3_000 == 7, 40_000),
            large(&|n| (at..at + len).contains(&n), 39_000),
            large(&|n| n % len.max(2) == 0, 41_000),
        ];
        let mut states = larges.map(|large| vec![large]);
        for (number, ((a, b), (c, d))) in small.into_iter().enumerate() {
            let text = |bytes: Vec<u8>| bytes.into_iter().map(|byte| byte.max(1)).collect();
            let binary = |bytes: Vec<u8>| [&b"\0"[..], &bytes].concat();
            let kind = |bytes| if number < TEXTS - 1 { text(bytes) } else { binary(bytes) };
            states.iter_mut().zip([a, b, c, d]).for_each(|(state, one)| state.push(kind(one)));
        }
        // Large enough for deltas, and for being streamed.
        let binary = |state: &mut State| state.push([&b"\0"[..], &state[0], &state[TEXTS]].concat());
        states.iter_mut().for_each(binary);
        states
    })
}

fn write(folder: &Path, state: &State) {
    for (number, text) in state.iter().enumerate() {
        fs::write(folder.join(format!("f {number}")), text).must("a file");
    }
}

fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git.env("GIT_CEILING_DIRECTORIES", folder.parent().must("a parent"));
    git
}

/// Applies a patch to one state with the real git, in a folder of its own; the other must come of it.
fn git_makes(patch: &[u8], old: &State, new: &State, what: &str, strip: u8) {
    let folder = TempDir::new().must("a folder");
    write(folder.path(), old);
    let file = folder.path().join("patch");
    fs::write(&file, patch).must("the patch");
    if !patch.is_empty() {
        let mut git = Command::new("git");
        git.current_dir(folder.path()).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        git.env("GIT_CEILING_DIRECTORIES", folder.path().parent().must("a parent"));
        let said =
            git.args(["apply", "--whitespace=nowarn", &format!("-p{strip}"), "patch"]).output().must("git");
        assert!(said.status.success(), "{what}: {}", String::from_utf8_lossy(&said.stderr));
    }
    fs::remove_file(file).must("removed");
    for (number, text) in new.iter().enumerate() {
        let made = fs::read(folder.path().join(format!("f {number}"))).must("a file");
        assert!(made == *text, "{what}: file {number}");
    }
    assert_eq!(files_below(folder.path()).len(), new.len(), "{what}");
}

proptest! {
    // A case is a megabyte: what it is made from says more than a smaller one would.
    #![proptest_config(ProptestConfig {
        cases: std::env::var("SNAP_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2),
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_patch_from_any_source_makes_exactly_the_new_files([base, one, two, now] in states()) {
        let project = Project::new();
        write(project.root(), &base);
        project.git(&["add", "."]);
        project.git(&["commit", "-qm", "the base"]);
        write(project.root(), &one);
        project.snap(&["save", "one"]).exits(0);
        write(project.root(), &two);
        project.snap(&["save", "two"]).exits(0);
        write(project.root(), &now);
        let bytes = |arguments: &[&str]| {
            let said = project.command(project.root(), arguments).output().must("snap");
            assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
            said.stdout
        };
        git_makes(&bytes(&["diff", "--binary", "one"]), &base, &one, "stored", 1);
        git_makes(&bytes(&["diff", "--binary", "two", "-U1"]), &base, &two, "stored, with other context", 1);
        git_makes(&bytes(&["diff", "--binary", "one", "two"]), &one, &two, "two snapshots", 1);
        git_makes(&bytes(&["diff", "--binary", "one", "--now"]), &one, &now, "the work tree", 1);
        let texts = (0..TEXTS).map(|number| format!("f {number}"));
        let diff = git(project.root()).args(["diff", "HEAD", "--"]).args(texts).output().must("git").stdout;
        fs::write(project.path("../diff"), diff).must("a diff");
        let mut command = project.command(project.root(), &["diff", "-"]);
        let piped = command.stdin(fs::File::open(project.path("../diff")).must("a diff")).output().must("snap");
        let expected = [&now[..TEXTS], &base[TEXTS..]].concat();
        git_makes(&piped.stdout, &base, &expected, "a diff on standard input", 1);
        let files = TempDir::new().must("a folder");
        for (name, state) in [("old", &base), ("new", &now)] {
            fs::create_dir(files.path().join(name)).must("a folder");
            write(&files.path().join(name), state);
        }
        for number in 0..base.len() {
            let [old, new] = ["old", "new"].map(|name| format!("{name}/f {number}"));
            let mut command = project.command(files.path(), &["diff", "--binary", "--files", &old, &new]);
            let patch = command.output().must("snap").stdout;
            let mut expected = base.clone();
            expected[number] = now[number].clone();
            git_makes(&patch, &base, &expected, "two files", 2);
        }
    }
}
