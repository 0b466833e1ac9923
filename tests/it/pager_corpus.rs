//! Nothing of what other programs print is lost: real outputs of git, Subversion, Mercurial and `diff`, in every form.
//!
//! The repositories are made here; nothing of anybody's is kept.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::project::{Project, ran};
use crate::support::{Must, needs};

/// Forms in which a diff is shown, and whether all lines stay in their order.
const FORMS: [(&[&str], bool); 5] = [
    (&["--color=always"], true),
    (&["--color=always", "--theme=dark", "--syntax=always", "--links=file"], true),
    (&["--color=always", "--theme=light", "--syntax=auto", "--no-line-numbers"], true),
    (&["--color-only", "--theme=dark"], true),
    (&["--color=always", "--theme=dark", "-y"], false),
];

/// Asks for what needs programs that few have.
const OTHERS: &str = "SNAP_OTHERS";

/// A painted text without its decorations: colours, links, and what fills a line.
fn bare(text: &str) -> String {
    let mut bare = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\x1b') {
        bare += before;
        rest = match after.strip_prefix(']') {
            Some(link) => link.split_once("\x1b\\").must("an end of a link").1,
            None => after.split_once(['m', 'K']).must("an end of a colour").1,
        };
    }
    bare + rest
}

/// A text as it is shown: what is not seen as escapes.
fn shown(text: &[u8]) -> String {
    let mut out = Vec::new();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if number > 0 {
            out.push(b'\n');
        }
        claude_snap::base::screen::push_safe(&mut out, line);
    }
    String::from_utf8(out).must("UTF-8")
}

/// Lines of a header, which are shown in other words.
fn is_header(line: &str) -> bool {
    const HEADERS: [&str; 17] = [
        "diff -",
        "index ",
        "--- ",
        "+++ ",
        "@@",
        "new file mode",
        "deleted file mode",
        "old mode",
        "new mode",
        "mode ",
        "similarity ",
        "dissimilarity ",
        "rename ",
        "copy ",
        "Binary files",
        "GIT binary patch",
        "\\ No newline",
    ];
    HEADERS.iter().any(|header| line.starts_with(header))
}

/// The files that are named in a diff, without their folders.
fn names(diff: &str) -> Vec<&str> {
    const SIDES: [&str; 6] = ["--- ", "+++ ", "rename from ", "rename to ", "copy from ", "copy to "];
    let named = diff.lines().filter(|line| SIDES.iter().any(|side| line.starts_with(side)));
    let paths = named.filter(|line| line.contains('/') && !line.contains("/dev/null"));
    paths.filter_map(|line| line.split(['\t', '\r']).next()?.rsplit('/').next()).collect()
}

/// Says which line of the input is not in the output, in its place.
fn missing(input: &str, output: &str, in_order: bool) -> Option<String> {
    let mut rest = output;
    for line in input.lines().filter(|line| !is_header(line)) {
        let text = line.trim_start_matches(['+', '-', ' ', '|', '*', '\\', '/', '>']).trim_end();
        // Beside each other, what is added may stand above what is removed.
        match rest.find(text) {
            Some(at) if in_order => rest = &rest[at + text.len()..],
            Some(_) => {}
            None => return Some(line.to_owned()),
        }
    }
    None
}

fn check(project: &Project, name: &str, plain: &[u8], colored: &[u8]) {
    assert!(!plain.is_empty(), "{name} printed nothing");
    let run = |input: &[u8], arguments: &[&str]| {
        let path = project.home.path().join("printed");
        fs::write(&path, input).must("an input");
        let arguments = [&["diff", "-"], arguments].concat();
        let mut command = project.command(project.root(), &arguments);
        ran(command.env("COLUMNS", "2000").stdin(Stdio::from(fs::File::open(&path).must("it"))))
            .exits(0)
            .stdout
    };
    let text = String::from_utf8_lossy(plain);
    // Where the colours say something, git gives them to everybody.
    if !plain.contains(&0x1b) {
        assert_eq!(run(plain, &[]), text, "{name}: through a pipe");
    }
    if text.contains("GIT binary patch") {
        // Of binary content is said that it is there.
        return;
    }
    for (form, in_order) in FORMS {
        for input in [plain, colored] {
            let out = bare(&run(input, form));
            // With colours, git measures some lines otherwise.
            let plain = bare(&String::from_utf8_lossy(input));
            let lost = missing(&shown(plain.as_bytes()), &out, in_order);
            assert_eq!(lost, None, "{name} {form:?}\n{out}");
            for file in names(&plain) {
                assert!(out.contains(file), "{name} {form:?}: {file} is not in\n{out}");
            }
            if form[0] == "--color-only" {
                assert_eq!(out.lines().count(), plain.split('\n').count() - 1, "{name}");
            }
        }
    }
}

/// A history with merges of two and three parents, renames, modes, binary files, notes and odd texts.
fn history() -> Project {
    let project = Project::new();
    let commit = |message: &str| {
        project.git(&["add", "-A"]);
        project.git(&["commit", "-q", "--allow-empty", "-m", message]);
    };
    let code = |name: &str, from: u32| {
        (from..from + 30)
            .map(|n| format!("fn {name}_{n}(x: u32) -> u32 {{\n    x + {n}\n}}\n\n"))
            .collect::<String>()
    };
    project.write("src/lib.rs", code("door", 0));
    project.write("src/page.html", "<html>\n<!-- one\ntwo -->\n<p class=\"a\">text</p>\n</html>\n");
    project.write("old.py", "def f(x):\n    \"\"\"Say\n    it.\"\"\"\n    return x\n");
    project.write("dos.txt", "one\r\ntwo\r\n");
    commit("One: all\n\n--- not a header\n+++ not one either\n@@ -1 +1 @@\nand a body");
    for (branch, line) in [("left", 3), ("middle", 50), ("right", 100)] {
        project.git(&["checkout", "-q", "-b", branch, "main"]);
        let mut lines: Vec<String> = code("door", 0).lines().map(str::to_owned).collect();
        lines[line] = format!("    // {branch} was here -- and here");
        project.write("src/lib.rs", lines.join("\n") + "\n");
        commit(&format!("Edit of {branch}"));
    }
    project.git(&["checkout", "-q", "main"]);
    project.git(&["mv", "old.py", "new name.py"]);
    project.write("new name.py", "def f(x):\n    \"\"\"Say\n    more.\"\"\"\n    return x + 1\n");
    project.write("dos.txt", "one\ntwo\r\nthree");
    project.make_executable("src/page.html");
    project.write("logo.bin", [0, 159, 146, 150].repeat(20));
    commit("Two: a rename, a mode, line ends, a binary file");
    project.git(&["merge", "-q", "--no-ff", "-m", "Merge of three", "left", "middle", "right"]);
    project.git(&["checkout", "-q", "-b", "clash", "HEAD~1"]);
    project.write("src/lib.rs", code("gate", 0));
    commit("Three: clash");
    assert!(!project.try_git(&["merge", "-q", "left"]), "a conflict");
    project.write("src/lib.rs", code("gate", 7));
    commit("Merge with hands");
    project.write("src/lib.rs", code("gate", 9) + "no end of line");
    project.git(&["stash", "-q"]);
    project
}

#[test]
fn of_real_outputs_of_git_nothing_is_lost_in_any_form() {
    let project = history();
    let printed: [&[&str]; 28] = [
        &["log", "-p", "--stat", "--graph", "--all"],
        &["log", "-p", "--stat", "--summary", "--all"],
        &["log", "-p", "-m", "--first-parent", "--all"],
        &["log", "-p", "--cc", "--all", "--date-order"],
        &["log", "-p", "-c", "--all", "--raw"],
        &["log", "-p", "--oneline", "--follow", "--", "new name.py"],
        &["log", "-L1,5:src/lib.rs"],
        &["show", "main"],
        &["show", "-m", "main"],
        &["show", "clash"],
        &["show", "--remerge-diff", "clash"],
        &["show", "--format=fuller", "--stat", "-p", "main~1"],
        &["format-patch", "--stdout", "main~1", "-3"],
        &["format-patch", "--stdout", "--root", "--no-binary", "clash", "--attach"],
        &["stash", "show", "-p"],
        &["range-diff", "main~1...clash~1"],
        &["diff", "-U0", "main", "clash"],
        &["diff", "-W", "--patience", "main", "clash"],
        &["diff", "--word-diff=plain", "main", "clash"],
        &["diff", "-R", "--no-prefix", "--inter-hunk-context=9", "main~1", "clash"],
        &["reflog", "-p"],
        &["show", "--color-words", "main~1"],
        &["show", "--word-diff=color", "main~1"],
        &["log", "-p", "--color-words", "--all"],
        &["diff", "--color-words=.", "main", "clash"],
        &[
            "diff",
            "--output-indicator-new=>",
            "--output-indicator-old=<",
            "--output-indicator-context==",
            "main~1",
            "clash",
        ],
        &["-c", "diff.suppressBlankEmpty=true", "diff", "main", "clash"],
        &["-c", "color.diff.old=normal", "-c", "color.diff.new=reset green", "diff", "main", "clash"],
    ];
    for arguments in printed {
        let run = |color: &str| {
            let output =
                project.git_command(&[&["-c", &format!("color.ui={color}")], arguments].concat()).output();
            let output = output.must("git");
            assert!(output.status.success(), "{arguments:?}: {output:?}");
            output.stdout
        };
        check(&project, &format!("{arguments:?}"), &run("never"), &run("always"));
    }
}

/// Runs a program in a folder with nothing of the machine's own settings; returns what it prints.
fn printed(project: &Project, folder: &Path, command: &[&str]) -> Vec<u8> {
    let mut program = Command::new(command[0]);
    program.args(&command[1..]).current_dir(folder).env_clear();
    for (name, value) in project.command(folder, &[]).get_envs() {
        if let Some(value) = value {
            program.env(name, value);
        }
    }
    program.env("HGUSER", "Ada <ada@example.org>").env("HGRCPATH", "").env("LC_ALL", "C.UTF-8");
    let output = program.output().must("a program");
    assert!(output.status.code().is_some_and(|code| code < 2), "{command:?}: {output:?}");
    output.stdout
}

#[test]
fn of_real_outputs_of_diff_nothing_is_lost_in_any_form() {
    let project = history();
    let folder = project.home.path().join("folders");
    for (side, word) in [("old", "one"), ("new", "two")] {
        fs::create_dir_all(folder.join(side).join("sub")).must("a folder");
        let write = |name: &str, text: String| fs::write(folder.join(side).join(name), text).must("a file");
        write("sub/a.c", format!("int a; /* {word} */\nint b;\n\n-- {word}\n++ {word}\n"));
        write("same", "same\n".to_owned());
        write(&format!("only {word}"), format!("{word}\n"));
        write("bin", format!("\0{word}"));
        write("end", format!("{word} without an end"));
    }
    for options in [&["-ru"][..], &["-ruN"], &["-rc"], &["-r"], &["-ruNp", "-U0"], &["-rq"], &["-y", "-r"]] {
        let command = [&["diff"], options, &["old", "new"]].concat();
        let plain = printed(&project, &folder, &command);
        let colored =
            printed(&project, &folder, &[&["diff", "--color=always"], options, &["old", "new"]].concat());
        check(&project, &format!("{command:?}"), &plain, &colored);
    }
}

#[test]
fn of_real_outputs_of_subversion_nothing_is_lost_in_any_form() {
    if !(needs::asked_for(OTHERS, "diffs of Subversion")
        && needs::program(&["svn", "--version"], "diffs of Subversion"))
    {
        return;
    }
    let project = Project::new();
    let (home, at) = (project.home.path(), |name: &str| project.home.path().join(name));
    let url = format!("file://{}", at("svn store").display());
    printed(&project, home, &["svnadmin", "create", "svn store"]);
    printed(&project, home, &["svn", "checkout", "-q", &url, "svn"]);
    let work = at("svn");
    fs::write(work.join("door.c"), "int door(void) {\n    return 0;\n}\n").must("a file");
    fs::write(work.join("logo"), [0, 1, 2, 255]).must("a file");
    printed(&project, &work, &["svn", "add", "-q", "door.c", "logo"]);
    printed(&project, &work, &["svn", "commit", "-q", "-m", "one"]);
    fs::write(work.join("door.c"), "int door(void) {\n    return 1;\n}\n-- two\n").must("a file");
    fs::write(work.join("logo"), [0, 1, 3, 255]).must("a file");
    printed(&project, &work, &["svn", "propset", "-q", "svn:keywords", "Id", "door.c"]);
    for arguments in
        [&["diff"][..], &["diff", "--git"], &["diff", "--show-copies-as-adds"], &["diff", "-x", "-U0"]]
    {
        let plain = printed(&project, &work, &[&["svn"], arguments].concat());
        check(&project, &format!("svn {arguments:?}"), &plain, &plain);
    }
}

#[test]
fn of_real_outputs_of_mercurial_nothing_is_lost_in_any_form() {
    if !(needs::asked_for(OTHERS, "diffs of Mercurial")
        && needs::program(&["hg", "--version"], "diffs of Mercurial"))
    {
        return;
    }
    let project = Project::new();
    let work = project.home.path().join("hg");
    fs::create_dir(&work).must("a folder");
    printed(&project, &work, &["hg", "init"]);
    fs::write(work.join("door.py"), "def door():\n    return False\n").must("a file");
    printed(&project, &work, &["hg", "commit", "-qA", "-m", "one"]);
    fs::write(work.join("door.py"), "def door():\n    return True\n-- two").must("a file");
    printed(&project, &work, &["hg", "commit", "-q", "-m", "two\n\n--- a line\n+++ b line"]);
    printed(&project, &work, &["hg", "mv", "door.py", "gate.py"]);
    printed(&project, &work, &["hg", "commit", "-q", "-m", "three"]);
    for arguments in [
        &["diff", "-r", "0", "-r", "1"][..],
        &["diff", "-r", "0", "-r", "2"],
        &["diff", "--git", "-r", "0", "-r", "2"],
        &["log", "-p", "--stat", "--graph"],
        &["export", "0:2"],
    ] {
        let plain = printed(&project, &work, &[&["hg"], arguments].concat());
        let colored = printed(&project, &work, &[&["hg", "--color=always"], arguments].concat());
        check(&project, &format!("hg {arguments:?}"), &plain, &colored);
    }
}
