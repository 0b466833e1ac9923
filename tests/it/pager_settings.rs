//! What sets how a diff looks: options, variables, the terminal. As a pager, nothing that is set wrong keeps the text
//! from the screen.

use crate::support::Must;
use crate::support::project::{Project, Ran, ran};

const PATCH: &str = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n";

fn shown(project: &Project, variables: &[(&str, &str)], arguments: &[&str], input: &str) -> Ran {
    let path = project.home.path().join("input");
    std::fs::write(&path, input).must("an input");
    let mut command = project.command(project.root(), &[&["diff", "-"], arguments].concat());
    ran(command.envs(variables.iter().copied()).stdin(std::fs::File::open(path).must("an input")))
}

#[test]
fn a_variable_that_is_wrong_is_named_and_the_text_is_shown() {
    let project = Project::new();
    for (variable, value, warned) in [
        ("SNAP_DIFF_NO_LINE_NUMBERS", "", false),
        ("SNAP_DIFF_NO_LINE_NUMBERS", "1", false),
        ("SNAP_DIFF_NO_LINE_NUMBERS", "maybe", true),
        ("SNAP_DIFF_THEME", "", false),
        ("SNAP_DIFF_THEME", "Dark", false),
        ("SNAP_DIFF_THEME", "purple", true),
        ("SNAP_DIFF_SYNTAX", "", false),
        ("SNAP_DIFF_SYNTAX", "sometimes", true),
        ("SNAP_DIFF_LINKS", "", false),
        ("SNAP_DIFF_MAX_LINE", "", false),
        ("SNAP_DIFF_MAX_LINE", "4k", true),
    ] {
        let ran = shown(&project, &[(variable, value)], &[], "what git said\n").exits(0);
        assert_eq!(ran.stdout, "what git said\n", "{variable}={value}");
        assert_eq!(
            ran.stderr.contains(&format!("{variable}={value} is passed over")),
            warned,
            "{}",
            ran.stderr
        );
        assert_eq!(ran.stderr.is_empty(), !warned, "{}", ran.stderr);
    }
    shown(&project, &[], &["--theme", "purple"], "").exits(2);
}

#[test]
fn line_numbers_are_left_out_by_a_variable_too() {
    let project = Project::new();
    let numbers = |value: &str| {
        let variables = [("SNAP_DIFF_NO_LINE_NUMBERS", value)];
        shown(&project, &variables, &["--color=always"], PATCH).exits(0).stdout.contains("   1")
    };
    for (value, wanted) in
        [("1", false), ("yes", false), ("on", false), ("0", true), ("no", true), ("off", true)]
    {
        assert_eq!(numbers(value), wanted, "{value}");
    }
}

#[test]
fn colours_are_forced_into_a_pipe_by_anything_but_a_zero() {
    let project = Project::new();
    for (variables, colored) in [
        (&[("CLICOLOR_FORCE", "0")][..], false),
        (&[("CLICOLOR_FORCE", "")], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let out = shown(&project, variables, &[], PATCH).exits(0).stdout;
        assert_eq!(out != PATCH, colored, "{variables:?}: {out}");
        assert_eq!(out.contains('\x1b'), colored, "{variables:?}: {out}");
    }
}

#[test]
fn a_filter_without_colours_changes_nothing() {
    let project = Project::new();
    let odd = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n\n-b\x1b[31m\r\n+c\x07";
    for (variables, arguments) in [(&[][..], &["--color=never"][..]), (&[("NO_COLOR", "1")], &[])] {
        let arguments = [&["--color-only"], arguments].concat();
        assert_eq!(shown(&project, variables, &arguments, odd).exits(0).stdout, odd);
    }
}

/// What is listed for a setting: its value, and what set it.
fn listed(project: &Project, variables: &[(&str, &str)], arguments: &[&str]) -> Vec<[String; 3]> {
    let arguments = [arguments, &["--show-config", "--json"]].concat();
    let rows = shown(project, variables, &arguments, "").exits(0).json();
    let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let row = |row| [text(row, "name"), text(row, "value"), text(row, "from")];
    rows.as_array().into_iter().flatten().map(row).collect()
}

#[test]
fn each_setting_is_listed_with_what_set_it() {
    let project = Project::new();
    let has = |rows: &[[String; 3]], wanted: [&str; 3]| {
        assert!(rows.iter().any(|row| *row == wanted), "{wanted:?} is not in {rows:?}");
    };
    let arguments = [
        "--theme=dark",
        "--color=always",
        "--max-line=100",
        "--no-line-numbers",
        "--links=file",
        "--syntax=never",
    ];
    let rows = listed(&project, &[], &arguments);
    for (name, value) in [
        ("theme", "dark"),
        ("color", "yes"),
        ("max-line", "100"),
        ("line-numbers", "no"),
        ("links", "file"),
        ("syntax", "never"),
    ] {
        has(&rows, [name, value, "the command line"]);
    }
    let rows = listed(&project, &[("SNAP_DIFF_THEME", "LIGHT"), ("CLICOLOR_FORCE", "1")], &[]);
    has(&rows, ["theme", "light", "SNAP_DIFF_THEME"]);
    has(&rows, ["color", "yes", "CLICOLOR_FORCE"]);
    let rows = listed(&project, &[("NO_COLOR", "1")], &[]);
    has(&rows, ["color", "no", "NO_COLOR"]);
    let rows = listed(&project, &[], &[]);
    has(&rows, ["theme", "ansi", "no terminal to ask"]);
    has(&rows, ["color", "no", "no terminal"]);
    has(&rows, ["syntax", "auto", "the default"]);
    has(&rows, ["line-numbers", "yes", "the default"]);
}
