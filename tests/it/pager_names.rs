//! What the pager says of files and lines whose diff is out of the ordinary: hunks of words, colours of other programs,
//! two files that were named one by one, words with joiners.

use crate::pager::{git_prints, snap_reads, unpainted};
use crate::support::Must;
use crate::support::project::Project;

#[test]
fn hunks_of_words_stand_below_the_names_of_their_files() {
    let project = Project::new();
    for name in ["one.yml", "two.yml"] {
        project.write(name, "jobs:\n    steps:\n      - run: a\n        uses: checkout@v3\n        b\n");
    }
    project.git(&["add", "-A"]);
    project.git(&["commit", "-qm", "one"]);
    for name in ["one.yml", "two.yml"] {
        project.write(name, "jobs:\n    steps:\n      - run: a\n        uses: checkout@v4\n        b\n");
    }
    project.git(&["mv", "two.yml", "three.yml"]);
    project.git(&["commit", "-qam", "two"]);
    for arguments in [
        &["diff", "--color-words", "HEAD~"][..],
        &["diff", "--word-diff=color", "HEAD~"],
        &["diff", "--word-diff=plain", "HEAD~"],
        &["show", "--color-words"],
        &["log", "-p", "--color-words", "-1"],
        &["show", "--word-diff=plain", "-U0"],
    ] {
        for color in ["never", "always"] {
            let input = git_prints(&project, color, arguments);
            for theme in ["ansi", "dark"] {
                let theme = ["--color=always", "--theme", theme];
                let shown = unpainted(&snap_reads(&project, &theme, &input).exits(0).stdout);
                let mut rest = &shown[..];
                for part in ["M one.yml", "uses: ", "R two.yml -> three.yml", "uses: "] {
                    let at = rest.find(part);
                    assert!(at.is_some(), "{arguments:?}: {part:?} is not in its place in\n{shown}");
                    rest = &rest[at.unwrap_or(0) + part.len()..];
                }
                assert!(!shown.contains("\\x1b"), "{arguments:?}\n{shown}");
            }
            assert!(!snap_reads(&project, &[], &input).exits(0).stdout.contains("@\x1b"), "{arguments:?}");
            let names = snap_reads(&project, &["--name-only"], &input).exits(0).stdout;
            assert_eq!(names, "one.yml\nthree.yml\n");
        }
    }
}

#[test]
fn colours_of_other_programs_and_settings_are_understood() {
    let project = Project::new();
    project.write("f", "a\nb\tc\n");
    project.git(&["add", "-A"]);
    project.git(&["commit", "-qm", "one"]);
    project.write("f", "a\nd\tc  \n");
    let plain = git_prints(&project, "never", &["diff"]);
    let mut inputs: Vec<Vec<u8>> = [
        "color.diff.new=bold brightgreen",
        "color.diff.old=#ff8800 reverse",
        "color.diff.meta=blue ul",
        "color.diff.frag=reset 201 bold",
        "color.diff.new=reset green",
        "color.diff.old=normal",
        "color.diff.context=dim white",
        "color.diff.whitespace=red reverse strike",
    ]
    .iter()
    .map(|setting| git_prints(&project, "always", &["-c", setting, "diff", "--ws-error-highlight=all"]))
    .collect();
    // GNU diff, and Mercurial, which leaves tabs without a colour.
    let (header, hunk) = ("diff --git a/f b/f\n--- a/f\n+++ b/f\n", "@@ -1,2 +1,2 @@");
    let index = String::from_utf8_lossy(&plain).lines().nth(1).must("an index line").to_owned();
    let header = header.replace("b/f\n---", &format!("b/f\n{index}\n---"));
    inputs.push(
        format!("{header}\x1b[36m{hunk}\x1b[0m\n a\n\x1b[31m-b\tc\x1b[0m\n\x1b[32m+d\tc  \x1b[0m\n")
            .into_bytes(),
    );
    inputs.push(
        format!(
            "{header}\x1b[0;35m{hunk}\x1b[0m\n a\n\x1b[0;31m-b\x1b[0m\t\x1b[0;31mc\x1b[0m\n\
             \x1b[0;32m+d\x1b[0m\t\x1b[0;32mc\x1b[0m\x1b[0;1;41m  \x1b[0m\n"
        )
        .into_bytes(),
    );
    for input in inputs {
        let same = snap_reads(&project, &[], &input).exits(0).stdout;
        assert_eq!(same.as_bytes(), plain, "{}", String::from_utf8_lossy(&input));
        let shown = snap_reads(&project, &["--color=always"], &input).exits(0).stdout;
        assert!(!shown.contains("\\x1b"), "{shown}");
    }
}

#[test]
fn two_files_that_were_named_one_by_one_keep_both_names_in_every_view() {
    let project = Project::new();
    for (name, text) in [
        ("older.rs", "a\n"),
        ("newer.rs", "b\n"),
        ("x/f", "a\n"),
        ("y/f", "b\n"),
        ("x/b", "\0a"),
        ("y/c", "\0b"),
    ] {
        project.write(name, text);
    }
    for (old, new) in [("older.rs", "newer.rs"), ("x/f", "y/f"), ("x/b", "y/c")] {
        let title = format!("M {old} -> {new}");
        let first = |shown: &str| unpainted(shown).lines().next().unwrap_or_default().to_owned();
        let git = git_prints(&project, "always", &["diff", "--no-index", old, new]);
        assert_eq!(first(&snap_reads(&project, &["--color=always"], &git).exits(0).stdout), title);
        let files = ["diff", "--files", old, new, "--color=always"];
        assert_eq!(first(&project.snap(&files).exits(0).stdout), title);
        if old != "x/b" {
            let unified = format!("--- {old}\t2026-01-01\n+++ {new}\t2026-01-01\n@@ -1 +1 @@\n-a\n+b\n");
            // A folder is a prefix to other programs, which have none of their own.
            let title = if old == "x/f" { "M f" } else { &title };
            let shown = snap_reads(&project, &["--color=always"], unified.as_bytes()).exits(0).stdout;
            assert_eq!(first(&shown), title);
        }
    }
}

#[test]
fn words_that_are_spelled_with_joiners_are_not_torn() {
    let project = Project::new();
    for word in ["نمی\u{200c}خواهم", "👨\u{200d}👩\u{200d}👧", "क्\u{200d}ष"] {
        let diff = format!("    {word}\ndiff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+{word}\n");
        let shown = snap_reads(&project, &["--color=always"], diff.as_bytes()).exits(0).stdout;
        assert_eq!(shown.matches(word).count(), 2, "{shown}");
    }
}
