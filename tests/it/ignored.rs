//! What was ignored when a snapshot was saved stays, whatever the rules are before, during and after a rewind; and what
//! stands in the way of the snapshot's files is told by the plan, and gives way if it can be saved first.

use std::fs;

use crate::support::Must;
use crate::support::project::Project;

/// A way in which what is ignored changes.
struct Case {
    name: &'static str,
    before: fn(&Project),
    since: fn(&Project),
    /// Files that are still as they are after a rewind.
    stays: &'static [&'static str],
    /// What the plan says that it leaves.
    left: &'static [&'static str],
}

fn add_and_commit(project: &Project) {
    project.git(&["add", "-Af", "--", ".", ":!.claude"]);
    project.git(&["commit", "-qm", "since"]);
}

fn remove(project: &Project, name: &str) {
    fs::remove_file(project.path(name)).must("to remove a file");
}

const CASES: [Case; 11] = [
    Case {
        name: "pending rules that are removed",
        before: |p| {
            p.write(".gitignore", ".env\nnode_modules/\n");
            p.write(".env", "KEY=1\n");
            p.write("node_modules/x/1.js", "1\n");
            p.write("node_modules/2.js", "2\n");
        },
        since: |p| remove(p, ".gitignore"),
        stays: &[".env", "node_modules/x/1.js", "node_modules/2.js"],
        left: &[".env", "node_modules"],
    },
    Case {
        name: "rules dropped by a commit",
        before: |p| {
            p.write(".gitignore", "data/\n");
            p.git(&["add", ".gitignore"]);
            p.git(&["commit", "-qm", "rules"]);
            p.write("data/one", "one\n");
        },
        since: |p| {
            p.git(&["rm", "-q", ".gitignore"]);
            p.git(&["commit", "-qm", "no rules"]);
        },
        stays: &["data/one"],
        left: &["data"],
    },
    Case {
        name: "a file that is added all the same",
        before: |p| {
            p.write(".gitignore", ".env\n");
            p.git(&["add", ".gitignore"]);
            p.git(&["commit", "-qm", "rules"]);
            p.write(".env", "KEY=1\n");
        },
        since: |p| {
            p.git(&["add", "-f", ".env"]);
            p.git(&["commit", "-qm", "a secret"]);
        },
        stays: &[".env"],
        left: &[".env"],
    },
    Case {
        name: "rules that ignore themselves",
        before: |p| {
            p.write(".venv/.gitignore", "*\n");
            p.write(".venv/bin/python", "#!\n");
        },
        since: |p| remove(p, ".venv/.gitignore"),
        stays: &[".venv/bin/python"],
        left: &[".venv/bin"],
    },
    Case {
        name: "rules of the repository that are in no file of the tree",
        before: |p| {
            p.write(".git/info/exclude", "*.local\n");
            p.write("x.local", "mine\n");
        },
        since: |p| p.write(".git/info/exclude", ""),
        stays: &["x.local"],
        left: &["x.local"],
    },
    Case {
        name: "rules in no file of the tree, in whose place are some that the rewind takes away",
        before: |p| {
            p.write(".git/info/exclude", "*.local\nout/\n");
            p.write("x.local", "mine\n");
            p.write("out/y", "mine\n");
        },
        since: |p| {
            p.write(".git/info/exclude", "");
            p.write(".gitignore", "*.local\nout/\n");
        },
        stays: &["x.local", "out/y"],
        left: &["out", "x.local"],
    },
    Case {
        name: "rules of the user",
        before: |p| {
            p.write("../everywhere", "*.swp\n");
            let file = p.path("../everywhere");
            p.git(&["config", "core.excludesFile", file.to_str().must("UTF-8")]);
            p.write("sub/.c.swp", "swapped\n");
        },
        since: |p| {
            p.git(&["config", "--unset", "core.excludesFile"]);
        },
        stays: &["sub/.c.swp"],
        left: &["sub/.c.swp"],
    },
    Case {
        name: "rules below others, and one that takes back",
        before: |p| {
            p.write(".gitignore", "*.log\n!kept.log\n");
            p.write("sub/.gitignore", "!c.log\nout\n");
            p.write("a.log", "a\n");
            p.write("sub/b.log", "b\n");
            p.write("sub/c.log", "c\n");
            p.write("sub/out", "out\n");
        },
        since: |p| {
            remove(p, ".gitignore");
            p.write("sub/.gitignore", "");
            p.write("sub/c.log", "changed\n");
        },
        stays: &["a.log", "sub/b.log", "sub/out"],
        left: &["a.log", "sub/b.log", "sub/out"],
    },
    Case {
        name: "a file that is newer than the snapshot, but not than its rules",
        before: |p| p.write(".gitignore", "*.key\n"),
        since: |p| {
            remove(p, ".gitignore");
            p.write("my.key", "secret\n");
        },
        stays: &["my.key"],
        left: &["my.key"],
    },
    Case {
        name: "names with odd letters",
        before: |p| {
            p.write(".gitignore", ":odd\nnew*\n");
            p.write(":odd", "1\n");
            p.write("new\nline", "2\n");
        },
        since: |p| remove(p, ".gitignore"),
        stays: &[":odd", "new\nline"],
        left: &[":odd", "new\nline"],
    },
    Case {
        name: "everything committed, rules gone",
        before: |p| {
            p.write(".gitignore", "dist/\n");
            p.write("dist/app.js", "built\n");
        },
        since: |p| {
            remove(p, ".gitignore");
            add_and_commit(p);
        },
        stays: &["dist/app.js"],
        left: &["dist"],
    },
];

#[test]
fn what_was_ignored_stays_and_is_told_and_a_second_rewind_does_nothing() {
    for case in &CASES {
        let project = Project::new();
        (case.before)(&project);
        project.write("a.txt", "edited\n");
        let content =
            |names: &[&str]| -> Vec<Vec<u8>> { names.iter().map(|name| project.read(name)).collect() };
        project.snap(&["save", "x"]).exits(0);
        project.write("a.txt", "something else\n");
        (case.since)(&project);
        let (kept, wrecked) = (content(case.stays), project.state());
        let plan = project.snap(&["rewind", "x", "--dry-run", "--json"]).exits(0).json();
        let left =
            plan["spared"].as_array().must("a list").iter().map(|one| one["path"].as_str().must("a path"));
        assert_eq!(left.collect::<Vec<_>>(), case.left, "{}", case.name);
        let ran = project.snap(&["rewind", "x"]).exits(0);
        assert!(ran.stderr.contains("leave"), "{}: {}", case.name, ran.stderr);
        assert_eq!(content(case.stays), kept, "{}", case.name);
        assert_eq!(project.read("a.txt"), b"edited\n", "{}", case.name);
        let again = project.snap(&["rewind", "x", "--json"]).exits(0).json();
        assert_eq!(again["edits"].as_array().map(Vec::len), Some(0), "{}: {again}", case.name);
        project.snap(&["undo"]).exits(0);
        assert_eq!(project.state(), wrecked, "{}: undo", case.name);
    }
}

#[test]
fn what_only_newer_rules_hide_was_not_there_and_goes_like_any_new_file() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    project.write(".gitignore", "junk*\nbuilt/\n");
    project.write("junk", "1\n");
    project.write("built/deep/one", "2\n");
    let wrecked = project.state();
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.git(&["status", "--short", "--ignored", "--", ".", ":!.claude"]), "");
    assert!(!project.path("built").exists());
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.state(), wrecked);
}

#[test]
fn files_in_the_way_that_are_ignored_give_way_and_come_back() {
    let project = Project::new();
    project.write(".gitignore", "*.o\nold\n");
    project.write("build", "script\n");
    project.write("out/kept", "kept\n");
    std::os::unix::fs::symlink("sub", project.path("link")).must("a link");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "base"]);
    project.write("build", "edited\n");
    let saved = project.content_state();
    project.snap(&["save", "x"]).exits(0);
    for name in ["build", "link"] {
        remove(&project, name);
        project.write(format!("{name}/deep/x.o"), "object\n");
        project.write(format!("{name}/y.o"), "object\n");
    }
    fs::remove_dir_all(project.path("out")).must("to remove a folder");
    project.write("out", "a file now\n");
    let wrecked = project.state();
    project.snap(&["rewind", "x", "--dry-run"]).exits(0);
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.content_state(), saved);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.state(), wrecked);
}

#[test]
fn what_can_not_give_way_is_named_by_the_dry_run_too() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    remove(&project, "a.txt");
    project.git(&["init", "-q", "a.txt"]);
    project.write("a.txt/inner", "a repository of its own\n");
    remove(&project, "b.txt");
    project.write(".git/info/exclude", "b.txt/*\n");
    for number in 0..2_001 {
        project.write(format!("b.txt/{number}"), "x");
    }
    let wrecked = project.state();
    for arguments in [&["rewind", "x", "--dry-run"][..], &["rewind", "x"]] {
        project.snap(arguments).exits(4).says(&[
            "a.txt",
            "b.txt: a folder that is too large to be saved first",
            "mv PATH",
        ]);
        assert_eq!(project.state(), wrecked);
    }
}

#[test]
fn a_file_where_a_folder_was_is_a_conflict_that_resume_tells_before() {
    let project = Project::new();
    project.write("sub/c.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    fs::remove_dir_all(project.path("sub")).must("to remove a folder");
    project.write(".git/info/exclude", "sub\n");
    project.write("sub", "an ignored file\n");
    for arguments in [&["resume", "x", "--dry-run"][..], &["resume", "x"]] {
        project.snap(arguments).exits(4).says(&["sub/c.txt"]);
        assert_eq!(project.read("sub"), b"an ignored file\n");
    }
}

#[test]
fn very_many_ignored_files_stay_though_a_rule_outside_of_the_tree_is_gone() {
    let project = Project::new();
    project.write(".git/info/exclude", "*.o\n.claude/\n");
    for number in 0..2_001 {
        project.write(format!("{number}.o"), "object\n");
    }
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("since.txt", "since\n");
    // With the rules as they were, a file that was made since is known for one.
    project.snap(&["rewind", "x"]).exits(0);
    assert!(!project.path("since.txt").exists() && project.path("7.o").exists());
    project.write("since.txt", "since\n");
    project.write(".git/info/exclude", ".claude/\n");
    let before = project.state();
    project.snap(&["rewind", "x"]).exits(0).says(&["perhaps ignored when this was saved"]);
    assert_eq!(project.state(), before);
}

#[test]
fn a_rule_that_hides_everything_does_not_have_the_store_listed() {
    let project = Project::new();
    project.write(".gitignore", "*.log\n");
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    project.write(".gitignore", "*\n");
    project.write("new.txt", "hidden since\n");
    project.write(".claude/mine.txt", "hidden since\n");
    let ran = project.snap(&["rewind", "x"]).exits(0);
    assert!(!ran.stdout.contains("snapshots") && !ran.stderr.contains("snapshots/objects"), "{}", ran.stdout);
    assert!(!project.path("new.txt").exists() && !project.path(".claude/mine.txt").exists());
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read(".claude/mine.txt"), b"hidden since\n");
}

#[test]
fn a_large_file_that_was_left_out_and_is_committed_since_stays_and_is_untracked_again() {
    let project = Project::new();
    project.write("big", vec![7; 11 << 20]);
    project.snap(&["save", "x"]).exits(6);
    project.git(&["add", "big"]);
    project.git(&["commit", "-qm", "big"]);
    let before = project.state();
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!((project.git(&["ls-files", "big"]).as_str(), project.read("big").len()), ("", 11 << 20));
    project.snap(&["rewind", "x"]).exits(0).says(&["Nothing had to be done"]);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.state(), before);
}

#[test]
fn each_obstacle_is_told_on_a_line_of_its_own() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    for name in ["a.txt", "b.txt"] {
        remove(&project, name);
        project.git(&["init", "-q", name]);
        project.write(format!("{name}/inner"), "a repository of its own\n");
    }
    let ran = project.snap(&["rewind", "x"]).exits(4);
    assert!(ran.stderr.lines().any(|line| line.starts_with("  a.txt: ")), "{}", ran.stderr);
    assert!(ran.stderr.lines().any(|line| line.starts_with("  b.txt: ")), "{}", ran.stderr);
}

#[test]
fn what_is_ignored_in_a_folder_that_was_a_file_stays() {
    let project = Project::new();
    // Git lists nothing of what is below a tracked file's name.
    project.write(".gitignore", "*\n");
    remove(&project, "a.txt");
    project.write("a.txt/mine", "work\n");
    project.snap(&["save", "x"]).exits(0);
    project.git(&["add", "-Af", "--", ".", ":!.claude"]);
    project.snap(&["rewind", "x"]).exits(0).says(&["ignored when this was saved"]);
    assert_eq!(project.read("a.txt/mine"), b"work\n");
    project.snap(&["rewind", "x"]).exits(0).says(&["Nothing had to be done"]);
}

#[test]
fn what_stands_in_the_place_of_an_ignored_file_is_named() {
    let project = Project::new();
    project.write(".git/info/exclude", "box\n");
    project.write("box", "mine\n");
    project.snap(&["save", "x"]).exits(0);
    // A rule that the rewind removes hides the folder now.
    project.write(".git/info/exclude", "");
    project.write(".gitignore", "box\n");
    remove(&project, "box");
    project.write("box/inner", "work\n");
    project.snap(&["rewind", "x"]).exits(0).says(&["box", "in the place of an ignored file"]);
    assert_eq!(project.read("box/inner"), b"work\n");
}

#[test]
fn what_newer_rules_hide_in_the_place_of_a_tracked_file_goes_like_any_new_file() {
    // Git lists nothing of a folder that the index has as a file, if a rule hides the folder as a whole.
    for rule in ["a.txt", "a.txt/", "*"] {
        let project = Project::new();
        remove(&project, "a.txt");
        project.write("a.txt/saved", "work\n");
        project.snap(&["save", "x"]).exits(0);
        project.write(".gitignore", format!("{rule}\n"));
        project.write("a.txt/new", "newer\n");
        project.write("a.txt/.gitignore", "new\n");
        let wrecked = project.state();
        project.snap(&["rewind", "x"]).exits(0);
        assert_eq!(project.read("a.txt/saved"), b"work\n", "{rule}");
        assert!(!project.path("a.txt/new").exists() && !project.path("a.txt/.gitignore").exists(), "{rule}");
        project.snap(&["undo"]).exits(0);
        assert_eq!(project.state(), wrecked, "{rule}");
    }
}

#[test]
fn a_new_folder_that_hides_itself_stays_and_is_listed_whatever_else_is_rewound() {
    for other_rules_change in [false, true] {
        let project = Project::new();
        project.snap(&["save", "x"]).exits(0);
        // Tools make such folders for themselves: a cache, or packages they have installed.
        project.write("tool/.gitignore", "*\n");
        project.write("tool/deep/one", "cached\n");
        if other_rules_change {
            project.write(".gitignore", "junk\n");
            project.write("junk", "1\n");
        }
        project.write("a.txt", "edited\n");
        let plan = project.snap(&["rewind", "x", "--dry-run", "--json"]).exits(0).json();
        let reason = "new, and hidden from git by its own `.gitignore`";
        assert_eq!(plan["spared"], serde_json::json!([{ "path": "tool", "reason": reason }]));
        project.snap(&["rewind", "x"]).exits(0).says(&["tool", reason]);
        assert_eq!(project.read("tool/deep/one"), b"cached\n");
        assert!(!project.path("junk").exists());
        project.snap(&["rewind", "x"]).exits(0).says(&["Nothing had to be done"]);
        // In a folder that has other files too, each hidden one is named.
        project.write("sub/mine", "new\n");
        project.git(&["add", "sub/mine"]);
        project.snap(&["save", "y"]).exits(0);
        project.write("sub/.gitignore", ".gitignore\ncache\n");
        project.write("sub/cache", "1\n");
        let plan = project.snap(&["rewind", "y", "--dry-run", "--json"]).exits(0).json();
        let named = plan["spared"].as_array().must("a list").iter().map(|one| one["path"].as_str());
        assert_eq!(named.collect::<Vec<_>>(), [Some("sub/.gitignore"), Some("sub/cache")]);
    }
}

#[test]
fn what_a_restored_gitignore_hid_meanwhile_is_new_and_goes() {
    let project = Project::new();
    project.write("d/.gitignore", "nothing\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("d/.gitignore", "*\n");
    project.write("d/new", "1\n");
    project.snap(&["rewind", "x"]).exits(0);
    assert!(!project.path("d/new").exists());
    project.snap(&["rewind", "x"]).exits(0).says(&["Nothing had to be done"]);
}

#[test]
fn rules_of_a_gitignore_that_was_gone_when_saved_hide_nothing() {
    for instead in ["nothing", "a link", "a folder"] {
        for place in [".gitignore", "d/.gitignore"] {
            let project = Project::new();
            project.write(place, "hid*\n");
            project.write("d/a", "committed\n");
            add_and_commit(&project);
            remove(&project, place);
            match instead {
                "a link" => std::os::unix::fs::symlink("a", project.path(place)).must("a link"),
                "a folder" => project.write(format!("{place}/b"), "in a folder\n"),
                _ => {}
            }
            project.snap(&["save", "x"]).exits(0);
            let saved = project.content_state();
            project.write("d/hidden", "new\n");
            project.snap(&["rewind", "x"]).exits(0);
            assert_eq!(project.content_state(), saved, "{place}, {instead}");
            project.snap(&["undo"]).exits(0);
            assert_eq!(project.read("d/hidden"), b"new\n", "{place}, {instead}");
        }
    }
}

#[test]
fn show_says_how_many_ignored_files_there_were_and_lists_them() {
    let project = Project::new();
    project.write(".gitignore", ".env\n*.log\nbuild/\n");
    project.write(".env", "A=1\n");
    project.write("kept.log", "kept\n");
    project.write("build/x.o", "x\n");
    project.snap(&["save", "x", "--include", "kept.log"]).exits(0);
    let shown = project.snap(&["show", "x"]).exits(0).stdout;
    let line = shown.lines().find(|line| line.starts_with("Ignored")).must("a line");
    assert!(
        line.contains("1 file and 1 folder not in it, 1 file in it")
            && line.contains("snap show x --ignored"),
        "{line}"
    );
    let listed = project.snap(&["show", "x", "--ignored"]).exits(0).stdout;
    let lines: Vec<&str> = listed.lines().filter(|line| !line.starts_with(".claude")).collect();
    assert_eq!(lines, ["build/", ".env", "kept.log  (in the snapshot)"]);
    let plain = Project::new();
    plain.snap(&["save", "x"]).exits(0);
    assert!(!plain.snap(&["show", "x"]).exits(0).stdout.contains("Ignored"));
}

#[test]
fn a_repository_that_was_made_inside_since_is_named_as_what_stays() {
    let project = Project::new();
    let make = |name: &str| {
        project.git(&["init", "-q", name]);
        project.write(format!("{name}/mine"), "work\n");
    };
    make("before");
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(6);
    make("since");
    project.git(&["worktree", "add", "-q", "-b", "side", "beside"]);
    project.write("a.txt", "changed\n");
    let told = |arguments: &[&str]| {
        let said = project.snap(&[&["rewind", "x", "--no-run", "--no-input"], arguments].concat()).exits(0);
        let said = said.stdout + &said.stderr;
        assert!(said.contains("since  a git repository of its own, which is new"), "{said}");
        assert!(!said.contains(" before  a git") && !said.contains("beside"), "{said}");
    };
    told(&["--dry-run"]);
    told(&[]);
    assert_eq!(project.read("since/mine"), b"work\n");
}
