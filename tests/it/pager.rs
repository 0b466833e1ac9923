//! `snap diff -` as git's pager and as the filter of `git add -p`: whatever git prints, nothing of it is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::support::project::{Project, Ran, ran};
use crate::support::screen::{self, Screen};
use crate::support::{Must, eventually};

/// A repository with everything that a diff can show: merges, conflicts, renames, modes, binary files, texts that look
/// like diffs, white space, escapes, odd names.
fn repository() -> Project {
    let project = Project::new();
    let commit = |message: &str| {
        project.git(&["add", "-A"]);
        project.git(&["commit", "-q", "--allow-empty", "-m", message]);
    };
    let lines = |from: u32, to: u32| (from..to).map(|n| format!("    line {n}\n")).collect::<String>();
    project.write("long", lines(0, 40));
    project.write("m.lua", "local M = {}\n--- @class Foo\n--- @field x number\nfunction M.f()\nend\n");
    project.write("note", "see\ndiff --git a/x b/x\nsome prose\n--- a\n+++ b\nand more\n@@ -1 +1 @@\nend\n");
    project.write("d.yaml", "--- # one\nkind: A\n--- # two\nkind: B\n");
    project.write("trail ", "one\n");
    project.write("a/x", "in a folder named a\n");
    project.write("q\"uo\tte", "é\n");
    commit("ONE base\n\n--- a line of dashes\ndiff --git a/of b/words\n@@ -1,2 +1,2 @@ is no hunk here");
    fs::set_permissions(project.path("run.sh"), fs::Permissions::from_mode(0o755)).must("a mode");
    commit("TWO mode only");
    project.git(&["mv", "b.txt", "moved.txt"]);
    commit("THREE rename only");
    project.write("empty", "");
    commit("FOUR empty");
    project.write("bin", [0, 1, 2, 3].repeat(50));
    commit("FIVE binary");
    project
        .write("long", lines(0, 10) + "\n  changed \x1b[31mred\x1b[m \n \tx\r\nno more\n" + &lines(12, 40));
    project.write("trail ", "two\n");
    project.write("a/x", "in a folder named a, edited\n");
    project.write("q\"uo\tte", "è\n- item\n+ item\n-- sql\n++ c\n");
    project.write("m.lua", "local M = {}\n--- @class Bar\n--- @field x number\nfunction M.f()\nend");
    commit("SIX edits");
    project.git(&["checkout", "-q", "-b", "other"]);
    project.write("long", lines(0, 5) + "    THEIRS\n" + &lines(6, 40));
    commit("SEVEN theirs");
    project.git(&["checkout", "-q", "main"]);
    project.write("long", lines(0, 5) + "    OURS\n" + &lines(6, 40) + "last");
    commit("EIGHT ours");
    assert!(!project.try_git(&["merge", "-q", "other"]), "a conflict");
    project
}

pub(crate) fn snap_reads(project: &Project, arguments: &[&str], input: &[u8]) -> Ran {
    ran(project.command(project.root(), &[&["diff", "-"], arguments].concat()).stdin(from(project, input)))
}

/// What a program reads on its standard input.
fn from(project: &Project, input: &[u8]) -> Stdio {
    let path = project.home.path().join("input");
    fs::write(&path, input).must("an input");
    fs::File::open(path).must("the input").into()
}

pub(crate) fn git_prints(project: &Project, color: &str, arguments: &[&str]) -> Vec<u8> {
    let color = format!("color.ui={color}");
    let output = project.git_command(&[&["-c", &color], arguments].concat()).output().must("git");
    assert!(output.status.code().is_some_and(|code| code < 2), "{arguments:?}: {output:?}");
    output.stdout
}

/// Outputs of git whose colours say nothing that is not in the text.
const PRINTED: [&[&str]; 36] = [
    &["diff", "HEAD~4", "HEAD"],
    &["diff", "--no-prefix", "HEAD~4", "HEAD"],
    &["diff", "--src-prefix=old/", "--dst-prefix=newer/", "HEAD~4", "HEAD"],
    &["diff", "-R", "HEAD~4", "HEAD"],
    &["diff", "--stat", "-p", "HEAD~4", "HEAD"],
    &["diff", "--stat", "HEAD~4", "HEAD"],
    &["diff", "--binary", "HEAD~4", "HEAD"],
    &["diff", "--word-diff=plain", "HEAD~4", "HEAD"],
    &["diff", "--ws-error-highlight=all", "HEAD~4", "HEAD"],
    &["diff", "-U0", "HEAD~4", "HEAD"],
    &["diff", "--color-moved", "HEAD~4", "HEAD"],
    &["diff", "--raw", "-p", "HEAD~4", "HEAD"],
    &["diff", "--line-prefix=> ", "HEAD~4", "HEAD"],
    &["diff"],
    &["diff", "--cc"],
    &["diff", "--ours"],
    &["diff", "HEAD"],
    &["log", "-p"],
    &["log", "-p", "--reverse"],
    &["log", "-p", "--oneline"],
    &["log", "-p", "--graph", "--all"],
    &["log", "-p", "-m", "--all"],
    &["log", "-p", "--cc", "--all"],
    &["log", "--stat", "-p"],
    &["log", "--oneline", "--graph", "--all"],
    &["log", "--format=%B"],
    &["show", "HEAD"],
    &["show", "HEAD:m.lua"],
    &["show", "HEAD:note"],
    &["show", "HEAD:d.yaml"],
    &["grep", "-h", "-e", "--", "HEAD"],
    &["branch", "-vv"],
    &["blame", "a/x"],
    &["format-patch", "--stdout", "--root"],
    &["ls-tree", "-r", "HEAD"],
    &["help", "-a"],
];

#[test]
fn what_git_prints_comes_out_of_a_pipe_byte_for_byte() {
    let project = repository();
    for arguments in PRINTED {
        let plain = git_prints(&project, "never", arguments);
        let out = snap_reads(&project, &[], &plain).exits(0).stdout;
        assert_eq!(out, String::from_utf8_lossy(&plain), "{arguments:?}");
    }
}

#[test]
fn git_s_colours_go_on_the_way_to_a_program_and_nothing_else_does() {
    let project = repository();
    for arguments in PRINTED {
        let plain = git_prints(&project, "never", arguments);
        let colored = git_prints(&project, "always", arguments);
        // What stands before the first line that git begins with a colour keeps its own: it may be anybody's.
        let unlike = ["--word-diff=plain", "--graph", "--stat", "--line-prefix=> ", "branch"];
        if !colored.contains(&0x1b) || arguments.iter().any(|argument| unlike.contains(argument)) {
            continue;
        }
        let out = snap_reads(&project, &[], &colored).exits(0).stdout;
        // Outside of a diff all colours stay: they may be anybody's.
        let text = |text: &[u8]| unpainted(&String::from_utf8_lossy(text));
        assert_eq!(text(out.as_bytes()), text(&plain), "{arguments:?}");
        let (mut inside, mut colors) = (false, 0);
        for (out, plain) in out.lines().zip(String::from_utf8_lossy(&plain).lines()) {
            inside = (inside || plain.starts_with("diff --") && arguments[0] != "grep")
                && !["commit ", "Submodule ", "* Unmerged"].iter().any(|end| plain.starts_with(end))
                && !plain.get(..7).is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert!(!inside || out == plain, "{arguments:?}: {out:?}");
            colors += usize::from(out != plain);
        }
        assert_eq!(colors > 0, arguments[0] != "diff" && arguments[0] != "format-patch", "{arguments:?}");
    }
}

#[test]
fn colours_of_text_stay_in_a_pipe_on_every_line_or_none() {
    let project = repository();
    let colored = git_prints(&project, "always", &["log", "--graph", "--all"]);
    assert!(colored.contains(&0x1b));
    assert_eq!(snap_reads(&project, &[], &colored).exits(0).stdout.as_bytes(), colored);
}

/// Says what of the lines of `plain` is not in `shown`, in order; lines of headers, which are shown in other words, aside.
fn missing(plain: &str, shown: &str) -> Option<String> {
    const HEADERS: [&str; 15] = [
        "diff --",
        "index ",
        "--- ",
        "+++ ",
        "@@",
        "new file mode",
        "deleted file mode",
        "old mode",
        "new mode",
        "similarity ",
        "rename ",
        "Binary files",
        "GIT binary patch",
        "literal ",
        "delta ",
    ];
    let mut rest = shown;
    for line in plain.lines() {
        if HEADERS.iter().any(|header| line.starts_with(header)) {
            continue;
        }
        let word = line.trim_start_matches(['+', '-', ' ', '|', '*', '>', '\\', '/']).trim();
        match rest.find(word) {
            Some(at) => rest = &rest[at + word.len()..],
            None => return Some(line.to_owned()),
        }
    }
    None
}

/// A painted text without the colours that it was given.
pub(crate) fn unpainted(text: &str) -> String {
    let mut bare = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        bare += before;
        rest = after.split_once('m').must("an end").1;
    }
    bare + rest
}

/// Says whether an output has binary content written as text, which is not shown.
fn binary(arguments: &[&str]) -> bool {
    arguments.contains(&"--binary") || arguments[0] == "format-patch"
}

#[test]
fn all_that_git_prints_is_painted_whole_and_in_order() {
    let project = repository();
    for arguments in PRINTED.iter().filter(|arguments| !binary(arguments)) {
        for color in ["never", "always"] {
            let input = git_prints(&project, color, arguments);
            let plain = git_prints(&project, "never", arguments);
            let plain: String = String::from_utf8_lossy(&plain)
                .chars()
                .map(|c| {
                    if c == '\x1b' {
                        "\\x1b".to_owned()
                    } else if c == '\r' {
                        "\\r".to_owned()
                    } else {
                        c.into()
                    }
                })
                .collect();
            for form in [&["--color", "always"][..], &["--color", "always", "-y"], &["--color-only"]] {
                // Two columns fold what one line held.
                if form.contains(&"-y") && arguments[0] != "diff" {
                    continue;
                }
                let shown = snap_reads(&project, form, &input).exits(0).stdout;
                let shown = unpainted(&shown);
                if form.contains(&"-y") {
                    assert!(
                        shown.len() * 2 > plain.len() || plain.contains("diff --git"),
                        "{arguments:?} {shown}"
                    );
                    continue;
                }
                let plain = if color == "always" {
                    plain.replace("\\x1b[31mred\\x1b[m", "red")
                } else {
                    plain.clone()
                };
                let shown = shown.replace("\\x1b[31mred\\x1b[m", "red");
                let plain = plain.replace("\\x1b[31mred\\x1b[m", "red");
                assert_eq!(missing(&plain, &shown), None, "{arguments:?} {color} {form:?}\n{shown}");
                assert!(!shown.contains('\x1b'), "{arguments:?}");
            }
        }
    }
}

#[test]
fn a_merge_is_shown_with_the_signs_of_both_parents_and_its_conflict() {
    let project = repository();
    let shown = |color: &str| {
        let diff = git_prints(&project, color, &["diff"]);
        unpainted(&snap_reads(&project, &["--color", "always"], &diff).exits(0).stdout)
    };
    let plain = shown("never");
    assert_eq!(shown("always"), plain);
    for line in ["M long", "++<<<<<<< HEAD", " +    OURS", "++=======", "+     THEIRS", "++>>>>>>> other"] {
        assert!(plain.contains(line), "{line:?} is not in\n{plain}");
    }
    let stat = snap_reads(&project, &["--json"], &git_prints(&project, "never", &["diff"])).exits(0).json();
    assert_eq!((&stat["path"], &stat["added"]), (&"long".into(), &5.into()), "{stat}");
}

#[test]
fn git_add_p_takes_it_for_its_filter() {
    for filter in ["diff -", "diff - --color-only"] {
        let project = repository();
        project.git(&["merge", "--abort"]);
        for name in ["long", "m.lua", "a/x", "trail "] {
            project.write(name, "all new\n\n- item\n");
        }
        fs::remove_file(project.path("d.yaml")).must("removed");
        fs::set_permissions(project.path("run.sh"), fs::Permissions::from_mode(0o644)).must("a mode");
        let filter = format!("interactive.diffFilter={} {filter}", env!("CARGO_BIN_EXE_snap"));
        let arguments = ["-c", "color.ui=always", "-c", &filter, "add", "-p"];
        let output = ran(project.git_command(&arguments).stdin(from(&project, &b"y\n".repeat(40))));
        assert!(!output.stderr.contains("mismatched"), "{filter}: {}", output.stderr);
        assert_eq!(project.git(&["diff", "--name-only"]), "", "{filter}: all was staged\n{}", output.stdout);
    }
}

#[test]
fn a_patch_from_the_pipe_is_one_that_git_applies_with_names_of_any_kind() {
    let project = repository();
    project.git(&["merge", "--abort"]);
    let patch = git_prints(&project, "always", &["diff", "--binary", "--full-index", "HEAD~4", "HEAD"]);
    let patch = snap_reads(&project, &[], &patch).exits(0).stdout;
    fs::write(project.home.path().join("p"), &patch).must("a patch");
    let after = project.git(&["rev-parse", "HEAD^{tree}"]);
    project.git(&["checkout", "-q", "HEAD~4"]);
    project.git(&["apply", "--index", "--3way", "../p"]);
    assert_eq!(project.git(&["write-tree"]), after, "{patch}");
}

#[test]
fn other_programs_diffs_are_told_apart_by_names_and_nothing_is_lost() {
    let project = Project::new();
    let svn = "Index: f\n===\n--- f\t(revision 1)\n+++ f\t(working copy)\n@@ -1 +1 @@\n-a\n+b\n\nProperty changes on: f\nAdded: svn:x\n";
    let recursive = "diff -ru A/sub/x B/sub/x\n--- A/sub/x\t2026-01-01 00:00:00 +0000\n+++ B/sub/x\t2026-01-01 00:00:00 +0000\n@@ -1 +1 @@\n-a\n+b\nOnly in A: y\ndiff -ruN A/n B/n\n--- A/n\t1970-01-01 00:00:00.000000000 +0000\n+++ B/n\t2026-01-01 00:00:00 +0000\n@@ -0,0 +1 @@\n+b\n";
    let crlf = "diff --git a/x b/x\r\nindex 1..2 100644\r\n--- a/x\r\n+++ b/x\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n";
    let context = "*** A/x\n--- B/x\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n";
    let no_counts = "--- a/x\n+++ b/x\n@@ ... @@\n-a\n+b\n";
    let submodule = "diff --git a/e b/e\nnew file mode 100644\nindex 0000000..e69de29\nSubmodule s 1..2:\n  > one\n* Unmerged path f\nremerge CONFLICT (content)\n";
    let binary = "diff --git a/b b/b\nindex 1..2\nGIT binary patch\nliteral 3\nKcmd%1W?6%^00&hz\n";
    let swallowing = format!("{binary}diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+wanted\n");
    let cut_short = format!("{binary}some text\n");
    let whole = format!("{binary}\nliteral 0\nHcmV?d00001\n\nsome text\n");
    let stripped = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\nfoo\n-b\n+c\n";
    let no_blanks =
        "--- a/x\n+++ b/x\n@@ -1,5 +1,5 @@\n a\n\n-b\n+c\n\n d\n\\ Kein Zeilenumbruch am Dateiende.";
    let miscounted = "--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n a\n-b\n+c\ncommit 2\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n+more\n";
    for (input, shown) in [
        (svn, "M f\n"),
        (recursive, "M sub/x\n"),
        (recursive, "A n\n"),
        (recursive, "Only in A: y\n"),
        (crlf, "M x\n"),
        (context, context),
        (no_counts, no_counts),
        (submodule, "A e\nSubmodule s 1..2:\n  > one\n* Unmerged path f\nremerge CONFLICT (content)\n"),
        (&swallowing, "binary\n\nM x\n"),
        (&swallowing, "+wanted\n"),
        (&cut_short, "M b\nbinary\nsome text\n"),
        (&whole, "M b\nbinary\nsome text\n"),
        (stripped, "M x\n@@ -1,2 +1,2 @@\nfoo\n-b\n+c\n"),
        (no_blanks, "M x\n"),
        (miscounted, "commit 2\n"),
        (miscounted, "M y\n"),
        (miscounted, "+more\n"),
    ] {
        let out = unpainted(&snap_reads(&project, &["--color", "always"], input.as_bytes()).exits(0).stdout);
        assert!(out.contains(shown), "{shown:?} is not in\n{out}");
        let same = snap_reads(&project, &[], input.as_bytes()).exits(0).stdout;
        assert_eq!(same, input);
    }
}

#[test]
fn colours_pass_but_what_hides_or_moves_is_shown() {
    let project = Project::new();
    let text = "\x1b[33mabc\x1b[m \x1b[8mhidden\x1b[m \x1b[2J \x1b]0;title\x07 \x1b[38;5;8mgrey\n";
    let shown = snap_reads(&project, &["--color", "always"], text.as_bytes()).exits(0).stdout;
    assert_eq!(
        shown,
        "\x1b[33mabc\x1b[m \\x1b[8mhidden\x1b[m \\x1b[2J \\x1b]0;title\\x07 \x1b[38;5;8mgrey\x1b[m\n"
    );
}

#[test]
fn empty_lines_at_the_beginning_are_lines_too() {
    let project = Project::new();
    for (text, shown) in [("\n\nab\n", "\n\nab\n"), ("\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "\nM x\n")]
    {
        assert_eq!(snap_reads(&project, &[], text.as_bytes()).exits(0).stdout, text);
        let filtered = snap_reads(&project, &["--color-only"], text.as_bytes()).exits(0).stdout;
        assert_eq!(unpainted(&filtered).lines().count(), text.lines().count());
        let painted = snap_reads(&project, &["--color", "always"], text.as_bytes()).exits(0).stdout;
        assert!(unpainted(&painted).starts_with(shown), "{painted:?}");
    }
}

#[test]
fn paths_choose_files_of_the_input_and_what_would_need_another_diff_is_refused() {
    let project = repository();
    let diff = git_prints(&project, "never", &["diff", "HEAD~4", "HEAD"]);
    let names = |arguments: &[&str]| snap_reads(&project, arguments, &diff).exits(0).stdout;
    assert_eq!(names(&["--name-only", "--", "a", "./m.lua"]), "a/x\nm.lua\n");
    assert!(names(&["--name-only"]).lines().count() > 4);
    for option in ["-U1", "-w", "--now"] {
        snap_reads(&project, &[option], &diff).exits(2).says(&["standard input", "git diff"]);
    }
    project.snap(&["diff", "--color-only"]).exits(2).says(&["interactive.diffFilter"]);
}

/// Shows two files that differ in many lines on a terminal, with this pager, and says how it ended.
fn on_a_terminal(project: &Project, pager: &str) -> Screen {
    let lines = |word: &str| (0..3_000).map(|n| format!("{word} {n}\n")).collect::<String>();
    project.write("old", lines("old"));
    project.write("new", lines("new"));
    let snap = env!("CARGO_BIN_EXE_snap");
    let line = format!("trap : INT; {snap} diff --files old new; echo ENDED $?; read end");
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(project.root());
    let of_snap = project.command(project.root(), &[]);
    shell.env_clear().envs(of_snap.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if !pager.is_empty() {
        shell.env("SNAP_PAGER", pager.replace("snap", snap));
    }
    Screen::of(&shell)
}

#[test]
fn ctrl_c_is_the_pager_s_and_the_diff_stays_on_the_screen() {
    if !screen::available() {
        return;
    }
    let project = Project::new();
    let screen = on_a_terminal(&project, "");
    screen.shows("old 20");
    screen.press(&["C-c"]);
    // A key that comes while the pager is being interrupted is lost.
    eventually("the end of the diff", || {
        screen.press(&["G"]);
        screen.shown().contains("new 2999")
    });
    screen.press(&["q"]);
    screen.shows("ENDED 0");
}

#[test]
fn a_pager_that_is_snap_itself_or_is_not_there_loses_nothing() {
    if !screen::available() {
        return;
    }
    for pager in ["snap diff -", "no-such-pager --flag"] {
        let project = Project::new();
        let screen = on_a_terminal(&project, pager);
        screen.shows("ENDED 0");
        assert!(screen.shown().contains("new 2999"), "{pager}");
    }
}
