//! Holds the diffs against git: `git apply` must take ours and we must take git's.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use claude_snap::stored_patch::{apply, diff};
use proptest::prelude::*;

/// Lines that are alike, and lines that look like parts of a diff.
const LINES: &[&[u8]] = &[
    b"a",
    b"b",
    b"c",
    b"}",
    b"",
    b"\r",
    b"a\r",
    b"x\ry",
    b"caf\xe9",
    b"-- a/f",
    b"++ b/f",
    b"@@ -1 +1 @@",
    b"\\ No newline at end of file",
    b"diff --git a/f b/f",
];

type Pair = (Vec<u8>, Vec<u8>);

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::sample::select(&LINES[..4]).prop_map(<[u8]>::to_vec),
        2 => prop::sample::select(LINES).prop_map(<[u8]>::to_vec),
        1 => (0..1000_u32).prop_map(|number| number.to_string().into_bytes()),
    ]
}

fn joined(lines: &[Vec<u8>], final_newline: bool) -> Vec<u8> {
    let mut text = lines.join(&b'\n');
    if final_newline && !lines.is_empty() {
        text.push(b'\n');
    }
    text
}

/// A text and what some edits make of it: each drops up to four lines and adds others.
fn edited(most_lines: usize) -> impl Strategy<Value = Pair> {
    let lines = prop::collection::vec(line(), 0..most_lines);
    let edit = (any::<prop::sample::Index>(), 0..5_usize, prop::collection::vec(line(), 0..4));
    let edits = prop::collection::vec(edit, 0..8);
    (lines, edits, any::<bool>(), any::<bool>()).prop_map(|(lines, edits, old_newline, new_newline)| {
        let old = joined(&lines, old_newline);
        let mut lines = lines;
        for (at, dropped, added) in edits {
            let start = at.index(lines.len() + 1);
            let end = lines.len().min(start + dropped);
            lines.splice(start..end, added);
        }
        (old, joined(&lines, new_newline))
    })
}

fn unrelated() -> impl Strategy<Value = Pair> {
    let text = || (prop::collection::vec(line(), 0..30), any::<bool>()).prop_map(|(l, end)| joined(&l, end));
    (text(), text())
}

/// Many pairs at once, because starting git costs more than all else here.
fn pairs() -> impl Strategy<Value = Vec<Pair>> {
    let pair = prop_oneof![8 => edited(12), 8 => edited(60), 4 => unrelated(), 1 => edited(1500)];
    prop::collection::vec(pair, 1..24)
}

fn git(home: &Path, args: &[&str], stdin: Stdio) -> Result<Output, Box<dyn Error>> {
    let output = Command::new("git")
        .args(args)
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CEILING_DIRECTORIES", home)
        .stdin(stdin)
        .output()?;
    Ok(output)
}

/// Has git apply all our diffs in one go and compares every file with what it should be.
fn git_takes_ours(pairs: &[Pair]) -> Result<(), Box<dyn Error>> {
    let home = tempfile::tempdir()?;
    let mut patch = Vec::new();
    for (index, (old, new)) in pairs.iter().enumerate() {
        fs::write(home.path().join(format!("{index:03}")), old)?;
        let hunks = diff(old, new);
        if apply(old, &hunks.text)? != *new {
            return Err(format!("our own diff of pair {index} makes something else").into());
        }
        if !hunks.text.is_empty() {
            let (a, b) = (format!("a/{index:03}"), format!("b/{index:03}"));
            patch.extend_from_slice(format!("diff --git {a} {b}\n--- {a}\n+++ {b}\n").as_bytes());
            patch.extend_from_slice(&hunks.text);
        }
    }
    if patch.is_empty() {
        return Ok(());
    }
    fs::write(home.path().join("patch"), patch)?;
    let output = git(home.path(), &["apply", "--whitespace=nowarn", "patch"], Stdio::null())?;
    if !output.status.success() {
        return Err(format!("git apply: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    for (index, (_, new)) in pairs.iter().enumerate() {
        if fs::read(home.path().join(format!("{index:03}")))? != *new {
            return Err(format!("git apply made something else of pair {index}").into());
        }
    }
    Ok(())
}

/// Has git make all its diffs in one go and applies each.
fn we_take_gits(pairs: &[Pair]) -> Result<(), Box<dyn Error>> {
    let home = tempfile::tempdir()?;
    for side in ["a", "b"] {
        fs::create_dir(home.path().join(side))?;
    }
    let mut differing = Vec::new();
    for (index, (old, new)) in pairs.iter().enumerate() {
        fs::write(home.path().join(format!("a/{index:03}")), old)?;
        fs::write(home.path().join(format!("b/{index:03}")), new)?;
        if old != new {
            differing.push((index, old, new));
        }
    }
    let output = git(home.path(), &["diff", "--no-index", "a", "b"], Stdio::null())?;
    let bodies = bodies(&output.stdout);
    if bodies.len() != differing.len() {
        return Err(format!("git shows {} diffs, not {}", bodies.len(), differing.len()).into());
    }
    for ((index, old, new), body) in differing.into_iter().zip(bodies) {
        let made = apply(old, &body).map_err(|error| format!("git's diff of pair {index}: {error}"))?;
        if made != *new {
            return Err(format!("git's diff of pair {index} makes something else").into());
        }
    }
    Ok(())
}

/// The hunks of each file in what git printed, without the file headers.
fn bodies(printed: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    let mut in_header = true;
    for line in printed.split_inclusive(|byte| *byte == b'\n') {
        // In a body every line has a sign before it, so this can only be a header.
        if line.starts_with(b"diff --git ") {
            bodies.push(Vec::new());
            in_header = true;
        }
        in_header &= !line.starts_with(b"@@ ");
        if let Some(body) = bodies.last_mut().filter(|_| !in_header) {
            body.extend_from_slice(line);
        }
    }
    bodies
}

proptest! {
    // Each case has up to 23 pairs.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn git_applies_our_diffs_and_makes_exactly_the_new_text(pairs in pairs()) {
        git_takes_ours(&pairs).map_err(|error| TestCaseError::fail(error.to_string()))?;
    }

    #[test]
    fn diffs_made_by_git_are_applied_to_exactly_the_new_text(pairs in pairs()) {
        we_take_gits(&pairs).map_err(|error| TestCaseError::fail(error.to_string()))?;
    }
}

proptest! {
    #[test]
    fn any_bytes_make_it_there_and_back(old: Vec<u8>, new: Vec<u8>, junk: Vec<u8>) {
        prop_assert_eq!(apply(&old, &diff(&old, &new).text), Ok(new));
        let _ = apply(&old, &junk);
    }
}
