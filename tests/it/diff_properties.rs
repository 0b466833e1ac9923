//! The windowed differ against real `git apply`, and against our own: any input, any window.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;

use claude_snap::diff::{
    Again, BlockWriter, Columns, DiffReport, Differ, End, FileHeader, Look, Options, Painter, Patch, Show,
    show_patch,
};
use claude_snap::stored_patch;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::fuzzed;
use crate::support::Must;

/// A reader that gives a few bytes at a time, so that every line is cut somewhere.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.0.len().min(self.1).min(buffer.len());
        buffer[..len].copy_from_slice(&self.0[..len]);
        self.0 = &self.0[len..];
        Ok(len)
    }
}

/// The patch, with its header, and what it amounts to.
fn patch(old: &[u8], new: &[u8], options: Options, step: usize) -> (Vec<u8>, DiffReport) {
    let mut made = Vec::new();
    let mut send = |block: Vec<u8>| {
        made.extend(block);
        Ok(())
    };
    let mut out = BlockWriter::new(true, &mut send);
    let mut show = Patch::new(&mut out);
    show.start(FileHeader { path: b"f".to_vec(), ..FileHeader::default() }).must("a start");
    let again: Again<'_> = Box::new(|from_old, from_new| {
        let rest = |text: &'_ [u8], from: u64| text.len().min(usize::try_from(from).must("a place"));
        Ok((
            Box::new(Slow(&old[rest(old, from_old)..], step)),
            Box::new(Slow(&new[rest(new, from_new)..], step)),
        ))
    });
    let mut differ = Differ::new(Slow(old, step), Slow(new, step), options);
    // Half of the cases can look ahead.
    if step.is_multiple_of(2) {
        differ = differ.looking_ahead(again);
    }
    let report = differ.run(&mut show).must("a diff");
    show.finish(End { report, ..End::default() }).must("an end");
    out.flush().must("the rest");
    (made, report)
}

fn body(patch: &[u8]) -> &[u8] {
    let start = patch.windows(3).position(|bytes| bytes == b"\n@@").map_or(patch.len(), |at| at + 1);
    &patch[start..]
}

/// Applies patches to files with the real git, in one folder.
fn git_applies(cases: &[(Vec<u8>, Vec<u8>, Vec<u8>)]) {
    let folder = TempDir::new().must("a folder");
    for (old, new, patch) in cases {
        let file = folder.path().join("f");
        fs::write(&file, old).must("the old file");
        if old == new {
            assert!(patch.is_empty());
            continue;
        }
        fs::write(folder.path().join("p"), patch).must("the patch");
        let said = git(folder.path()).args(["apply", "--whitespace=nowarn", "p"]).output().must("git");
        let text = String::from_utf8_lossy(patch);
        assert!(said.status.success(), "{}\n{text}", String::from_utf8_lossy(&said.stderr));
        // An emptied file stays: the patch does not say that it was deleted.
        assert_eq!(fs::read(&file).must("the new file"), *new, "{text}");
    }
}

fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder));
    git
}

/// Texts of few different lines, so that much repeats, and edits of them: moved, dropped, doubled.
pub(crate) fn texts() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let line = prop_oneof![
        4 => (0..30_u32).prop_map(|number| format!("line {number}\n").into_bytes()),
        1 => Just(b"\n".to_vec()),
        1 => Just(b"fn name() {\n".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..6).prop_map(|mut bytes| {
            bytes.retain(|byte| *byte != b'\n');
            bytes.push(b'\n');
            bytes
        }),
    ];
    let lines = proptest::collection::vec(line.clone(), 0..80);
    let edits = proptest::collection::vec((0..5_u8, any::<prop::sample::Index>(), 0..20_usize, line), 0..6);
    (lines, edits, any::<(bool, bool)>()).prop_map(|(old, edits, (old_end, new_end))| {
        let mut new = old.clone();
        for (kind, at, len, line) in edits {
            let from = at.index(new.len() + 1);
            let to = (from + len).min(new.len());
            match kind {
                0 => drop(new.drain(from..to)),
                1 => new.insert(from, line),
                2 => {
                    let moved: Vec<_> = new.drain(from..to).collect();
                    new.extend(moved);
                }
                3 => new[from..to].reverse(),
                _ => {
                    let doubled = new[from..to].to_vec();
                    new.splice(from..from, doubled);
                }
            }
        }
        let joined = |lines: Vec<Vec<u8>>, cut: bool| {
            let mut text = lines.concat();
            if cut && text.last() == Some(&b'\n') {
                text.pop();
            }
            text
        };
        (joined(old, old_end), joined(new, new_end))
    })
}

fn options(window: usize, context: usize) -> Options {
    Options { window, context, ..Options::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_diff_in_any_window_makes_exactly_the_new_text(
        (old, new) in texts(),
        window in 1..40_usize,
        context in 0..5_usize,
        step in 1..200_usize,
    ) {
        let (patch, report) = patch(&old, &new, options(window, context), step);
        prop_assert_eq!(stored_patch::apply(&old, body(&patch)), Ok(new.clone()));
        let signs = |sign: u8| body(&patch).split(|byte| *byte == b'\n').filter(|line| line.first() == Some(&sign)).count();
        prop_assert_eq!((report.removed, report.added), (signs(b'-') as u64, signs(b'+') as u64));
        if old == new {
            prop_assert!(patch.is_empty());
        }
    }

    #[test]
    fn any_bytes_make_it_there(old: Vec<u8>, new: Vec<u8>, window in 1..5_usize) {
        let (patch, _) = patch(&old, &new, options(window, 3), 3);
        prop_assert_eq!(stored_patch::apply(&old, body(&patch)), Ok(new));
    }

    #[test]
    fn no_diff_from_elsewhere_makes_it_fail(
        lines in proptest::collection::vec(prop_oneof![
            prop::sample::select(vec![
                "diff --git a/x b/x", "diff --git \"a/\\3 \" \"b", "--- a/x", "+++ /dev/null", "--- ", "+++",
                "@@ -1,3 +1,2 @@ f", "@@ -0,0 +1 @@", "@@ -4611686018427387903,9 +1 @@", "-a", "+b", " c", "\\ No", "diff --cc x", "@@@ -1,2 -1 +1,3 @@@", "++a", "- b", " +c", "GIT binary patch", "literal 3",
                "+++ b/x", "index 1..2 100644", "some words", "--- # yaml", "[-a-]{+b+}",
                "", "rename from a", "old mode 100644", "new mode 1", "Binary files a and b differ", "\x1b[31m-a\x1b[m",
            ]).prop_map(|line| line.as_bytes().to_vec()),
            proptest::collection::vec(any::<u8>(), 0..20),
        ], 0..30),
        max_line in 16..40_usize,
        word: bool,
    ) {
        let mut send = |_| Ok(());
        let mut out = BlockWriter::new(true, &mut send);
        let look = Look { color: true, max_line, word, width: 50, ..Look::default() };
        let text = lines.join(&b'\n');
        show_patch(&text[..], &mut Painter::new(&mut out, look.clone())).must("painted");
        show_patch(&text[..], &mut Columns::new(&mut out, look)).must("painted");
        fuzzed::properties::patch(&text);
        let mut plain: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, 0x1b | b'\\')).collect();
        plain.push(b'\n');
        fuzzed::properties::patch(&plain);
    }

    #[test]
    fn what_is_painted_cannot_drive_a_terminal(old: Vec<u8>, new: Vec<u8>, color: bool) {
        let mut made = Vec::new();
        let mut send = |block: Vec<u8>| {
            made.extend(block);
            Ok(())
        };
        let mut out = BlockWriter::new(true, &mut send);
        let look = Look { color, max_line: 50, word: color, ..Look::default() };
        let mut show = Painter::new(&mut out, look);
        show.start(FileHeader { path: old.clone(), ..FileHeader::default() }).must("a start");
        let report = Differ::new(&old[..], &new[..], options(3, 3)).run(&mut show).must("a diff");
        show.finish(End { report, ..End::default() }).must("an end");
        out.flush().must("the rest");
        let text = String::from_utf8(made).must("UTF-8");
        let mut bare = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("\x1b[") {
            bare += before;
            let end = after.find(|c: char| !c.is_ascii_digit() && c != ';').must("an end of an escape");
            prop_assert_eq!(&after[end..=end], "m");
            rest = &after[end + 1..];
        }
        bare += rest;
        prop_assert!(!bare.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{bare:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn git_applies_what_we_emit(
        cases in proptest::collection::vec((texts(), 1..40_usize, 1..5_usize, 1..200_usize), 16)
    ) {
        let made: Vec<_> = cases
            .into_iter()
            .map(|((old, new), window, context, step)| {
                let (patch, _) = patch(&old, &new, options(window, context), step);
                (old, new, patch)
            })
            .collect();
        git_applies(&made);
    }
}

#[test]
fn a_block_that_moved_far_is_not_all_that_is_shown_afterwards() {
    let lines = |numbers: &mut dyn Iterator<Item = u32>| -> Vec<u8> {
        numbers.flat_map(|number| format!("line {number} of many\n").into_bytes()).collect()
    };
    let old = lines(&mut (0..20_000));
    let moved = lines(&mut (10_000..20_000).chain(0..10_000));
    let inserted = lines(&mut (0..50).chain(40_000..50_000).chain(50..20_000));
    // A window of so few lines reaches neither.
    let options = options(64, 3);
    for (new, changed) in [(moved, 20_000), (inserted, 10_000)] {
        let (patch, report) = patch(&old, &new, options, 4_096);
        assert_eq!(stored_patch::apply(&old, body(&patch)), Ok(new));
        let more = report.added + report.removed - changed;
        assert!(report.rough && more < changed / 10, "{more} lines more than {changed}");
    }
}
