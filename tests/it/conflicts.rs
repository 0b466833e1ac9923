//! Conflicts of every kind: saved whole, whatever becomes of the repository's own objects.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::Must;
use crate::support::project::Project;

const LINES: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";

/// One kind of conflict: what both sides come from, what each does, and what then fails.
struct Case {
    name: &'static str,
    base: fn(&Project),
    ours: fn(&Project),
    theirs: fn(&Project),
    conflict: fn(&Project),
}

fn merge(project: &Project) {
    assert!(!project.try_git(&["merge", "-q", "other"]), "a conflict");
}

const TEXT: Case = Case {
    name: "both modified",
    base: |p| p.write("f", LINES),
    ours: |p| p.write("f", LINES.replace('5', "ours")),
    theirs: |p| p.write("f", LINES.replace('5', "theirs")),
    conflict: merge,
};

fn submodule(project: &Project, digit: &str) {
    let entry = format!("160000,{},module", digit.repeat(40));
    project.git(&["update-index", "--add", "--cacheinfo", &entry]);
    fs::create_dir_all(project.path("module")).must("a folder");
}

fn remove(project: &Project, name: &str) {
    fs::remove_file(project.path(name)).must("to remove");
}

const CASES: &[Case] = &[
    TEXT,
    Case {
        name: "binary",
        base: |p| p.write("f", b"\0base"),
        ours: |p| p.write("f", b"\0ours"),
        theirs: |p| p.write("f", b"\0theirs"),
        ..TEXT
    },
    Case {
        name: "both added",
        base: |_| (),
        ours: |p| p.write("n", "ours\n"),
        theirs: |p| p.write("n", "theirs\n"),
        ..TEXT
    },
    Case { name: "deleted by us", ours: |p| remove(p, "f"), ..TEXT },
    Case { name: "deleted by them", theirs: |p| remove(p, "f"), ..TEXT },
    Case {
        name: "renamed by them, modified by us",
        theirs: |p| {
            remove(p, "f");
            p.write("renamed", LINES.replace('5', "theirs"));
        },
        ..TEXT
    },
    Case {
        name: "renamed by us, modified by them",
        ours: |p| {
            remove(p, "f");
            p.write("renamed", LINES.replace('5', "ours"));
        },
        ..TEXT
    },
    Case {
        name: "renamed twice",
        ours: |p| fs::rename(p.path("f"), p.path("our name")).must("to rename"),
        theirs: |p| fs::rename(p.path("f"), p.path("their name")).must("to rename"),
        ..TEXT
    },
    Case {
        name: "two renamed to one",
        base: |p| {
            p.write("f", LINES);
            p.write("g", LINES.replace('\n', "\n\n"));
        },
        ours: |p| fs::rename(p.path("f"), p.path("n")).must("to rename"),
        theirs: |p| fs::rename(p.path("g"), p.path("n")).must("to rename"),
        ..TEXT
    },
    Case {
        name: "renamed by us, deleted by them",
        ours: |p| fs::rename(p.path("f"), p.path("n")).must("to rename"),
        theirs: |p| remove(p, "f"),
        ..TEXT
    },
    Case {
        name: "a link and a file",
        base: |_| (),
        ours: |p| p.write("n", "a file\n"),
        theirs: |p| symlink("kept", p.path("n")).must("a link"),
        ..TEXT
    },
    Case {
        name: "a file and a link",
        base: |_| (),
        ours: |p| symlink("kept", p.path("n")).must("a link"),
        theirs: |p| p.write("n", "a file\n"),
        ..TEXT
    },
    Case {
        name: "two links",
        base: |_| (),
        ours: |p| symlink("kept", p.path("n")).must("a link"),
        theirs: |p| symlink("f", p.path("n")).must("a link"),
        ..TEXT
    },
    Case {
        name: "a file and a folder",
        base: |_| (),
        ours: |p| p.write("n", "a file\n"),
        theirs: |p| p.write("n/in", "in a folder\n"),
        ..TEXT
    },
    Case {
        name: "a folder and a file",
        base: |_| (),
        ours: |p| p.write("n/in", "in a folder\n"),
        theirs: |p| p.write("n", "a file\n"),
        ..TEXT
    },
    Case {
        name: "modes",
        base: |_| (),
        ours: |p| p.write("n", "the same\n"),
        theirs: |p| {
            p.write("n", "the same\n");
            p.make_executable("n");
        },
        ..TEXT
    },
    Case {
        name: "submodule",
        base: |p| submodule(p, "1"),
        ours: |p| submodule(p, "2"),
        theirs: |p| submodule(p, "3"),
        ..TEXT
    },
    Case {
        name: "a file and a submodule",
        base: |_| (),
        ours: |p| p.write("module", "a file\n"),
        theirs: |p| submodule(p, "3"),
        ..TEXT
    },
    Case {
        name: "cherry-pick",
        conflict: |p| assert!(!p.try_git(&["cherry-pick", "other"]), "a conflict"),
        ..TEXT
    },
    Case {
        name: "revert",
        ours: |p| {
            p.write("f", LINES.replace('5', "first"));
            p.git(&["commit", "-qam", "first"]);
            p.write("f", LINES.replace('5', "second"));
        },
        theirs: |_| (),
        conflict: |p| assert!(!p.try_git(&["revert", "--no-edit", "HEAD~1"]), "a conflict"),
        ..TEXT
    },
    Case {
        name: "rebase",
        conflict: |p| assert!(!p.try_git(&["rebase", "-q", "other"]), "a conflict"),
        ..TEXT
    },
    Case {
        name: "stash pop",
        ours: |_| (),
        theirs: |_| (),
        conflict: |p| {
            p.write("f", LINES.replace('5', "stashed"));
            p.git(&["stash", "-q"]);
            p.write("f", LINES.replace('5', "committed"));
            p.git(&["commit", "-qam", "committed"]);
            assert!(!p.try_git(&["stash", "pop", "-q"]), "a conflict");
            p.git(&["update-ref", "HEAD", "HEAD~1"]);
        },
        ..TEXT
    },
];

#[test]
fn a_conflict_below_a_file_that_is_staged_comes_back_beside_it() {
    let project = Project::new();
    let blob = project.git(&["rev-parse", "HEAD:b.txt"]);
    let stages = format!("100644 {0} 1\ta.txt/in\n100755 {0} 3\ta.txt/in\n", blob.trim());
    let clone = project.cloned();
    project.git_reads(&["update-index", "--index-info"], stages.as_bytes());
    let before = project.state();
    assert!(before.contains("0\ta.txt\n") && before.contains("3\ta.txt/in\n"), "{before}");
    project.snap(&["save", "x"]).exits(0);
    let store = project.stored("");
    clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
    assert_eq!(clone.state(), before);
    project.git(&["reset", "-q", "--hard"]);
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.state(), before);
}

/// Forgets every object that no commit of a branch and no snapshot needs.
fn forget(project: &Project) {
    for operation in ["merge", "rebase", "cherry-pick", "revert"] {
        project.try_git(&[operation, "--quit"]);
    }
    project.git(&["reset", "-q", "--hard"]);
    project.git(&["clean", "-qfd", "-e", ".claude"]);
    project.git(&["stash", "clear"]);
    project.try_git(&["branch", "-D", "other"]);
    project.git(&["reflog", "expire", "--expire=now", "--all"]);
    for left in ["ORIG_HEAD", "AUTO_MERGE", "CHERRY_PICK_HEAD", "REVERT_HEAD", "MERGE_HEAD", "REBASE_HEAD"] {
        let _gone = fs::remove_file(project.path(".git").join(left));
    }
    project.git(&["gc", "-q", "--prune=now"]);
}

fn conflicted(case: &Case) -> Project {
    let project = Project::empty();
    project.git(&["init", "-q", "-b", "main"]);
    project.git(&["config", "core.logAllRefUpdates", "true"]);
    project.write("kept", "kept\n");
    let commit = |message: &str| {
        project.git(&["add", "--all", "--", ".", ":!module"]);
        if project.path("module").is_file() {
            project.git(&["add", "module"]);
        }
        project.git(&["commit", "-q", "--allow-empty", "-m", message]);
    };
    (case.base)(&project);
    commit("base");
    project.git(&["checkout", "-q", "-b", "other"]);
    (case.theirs)(&project);
    commit("theirs");
    project.git(&["checkout", "-q", "-f", "main"]);
    (case.ours)(&project);
    commit("ours");
    (case.conflict)(&project);
    assert!(!project.git(&["ls-files", "-u"]).is_empty(), "{}: a conflict", case.name);
    project
}

#[test]
fn a_conflict_of_any_kind_outlives_the_objects_that_git_forgets() {
    for case in CASES {
        println!("{}", case.name);
        let project = conflicted(case);
        let before = project.state();
        project.snap(&["save", "x"]).exits(0);
        assert_eq!(project.state(), before);

        // Only what its commit needs goes to the clone.
        let clone = Project::empty().of_the_user_of(&project);
        let head = project.git(&["rev-parse", "HEAD"]);
        clone.git(&["init", "-q", "-b", "main"]);
        let from = project.root().to_str().must("UTF-8");
        project.git(&["branch", "-q", "-f", "the-base", "HEAD"]);
        clone.git(&[
            "-c",
            "protocol.file.allow=always",
            "fetch",
            "-q",
            &format!("file://{from}"),
            "the-base",
        ]);
        clone.git(&["checkout", "-q", head.trim()]);
        let store = project.stored("");
        let store = store.to_str().must("UTF-8");
        clone.snap(&["resume", "x", "--store", store]).exits(0);
        assert_eq!(clone.state(), before, "{}: in a clean clone", case.name);
        clone.snap(&["undo", "--store", store]).exits(0);
        assert_eq!(clone.git(&["status", "--porcelain"]).replace("?? .claude/\n", ""), "", "{}", case.name);

        forget(&project);
        let clean = project.state();
        project.snap(&["rewind", "x"]).exits(0);
        assert_eq!(project.state(), before, "{}: rewound", case.name);
        project.snap(&["undo"]).exits(0);
        assert_eq!(project.state(), clean, "{}: undone", case.name);
        project.snap(&["verify"]).exits(0);
    }
}

#[test]
fn what_is_unmerged_below_a_path_that_is_meant_to_be_added_comes_back_with_it() {
    let project = Project::new();
    project.write("a", "");
    project.git(&["add", "-N", "a"]);
    let blob = project.git(&["hash-object", "-w", "a.txt"]);
    project.git_reads(
        &["update-index", "-z", "--index-info"],
        format!("100644 {} 3\ta/b\0", blob.trim()).as_bytes(),
    );
    project.snap(&["save", "x"]).exits(0);
    let saved = project.state();
    project.git(&["rm", "-rqf", "--cached", "a", "a/b"]);
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.state(), saved);
}

#[test]
fn a_merge_of_a_change_with_a_removal_is_told_as_what_it_is() {
    let project = Project::new();
    remove(&project, "a.txt");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "changed\n");
    project.git(&["commit", "-qam", "changed"]);
    project
        .snap(&["resume", "x", "--merge"])
        .exits(6)
        .says(&["One side changed a.txt and the other one removed it"]);
    assert_eq!(project.read("a.txt"), b"changed\n");
}

#[test]
fn what_was_committed_since_and_edited_further_is_no_conflict() {
    let project = Project::new();
    let lines = |middle: &str| format!("1\n2\n3\n{middle}5\n6\n7\n");
    let text = |path: &str| String::from_utf8_lossy(&project.read(path)).into_owned();
    for path in ["edited.txt", "staged.txt"] {
        project.write(path, lines("4\n"));
    }
    project.write("gone.txt", "1\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "base"]);
    for path in ["edited.txt", "staged.txt"] {
        project.write(path, lines("four\n"));
    }
    project.write("new.txt", "one\n");
    fs::remove_file(project.root().join("gone.txt")).must("removed");
    project.git(&["add", "staged.txt"]);
    project.snap(&["save", "x"]).exits(0);
    project.git(&["add", "-A", "--", "edited.txt", "staged.txt", "new.txt", "gone.txt"]);
    project.git(&["commit", "-qm", "it is done"]);
    project.write("edited.txt", lines("four\nand more\n"));
    project.write("staged.txt", lines("and something else\n"));
    project.write("new.txt", "two\n");
    project.write("gone.txt", "1\n2\n");
    project.git(&["add", "staged.txt"]);
    let before = project.state();
    project.snap(&["resume", "x", "--merge", "--no-run"]).exits(0);
    assert_eq!(project.state(), before, "{}", text("edited.txt"));
}

#[test]
fn conflict_markers_name_the_sides_as_people_do() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "my first"]).exits(0);
    project.write("a.txt", "mine\n");
    project.snap(&["resume", "my first", "--merge", "--no-run"]).exits(6);
    let text = String::from_utf8(project.read("a.txt")).must("text");
    let markers: Vec<&str> = text.lines().filter(|line| line.starts_with(['<', '=', '>'])).collect();
    assert_eq!(markers, ["<<<<<<< here", "=======", ">>>>>>> snapshot \"my first\""]);
}

#[test]
fn where_the_sides_have_different_kinds_both_stay_under_names_for_people() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    std::fs::remove_file(project.path("a.txt")).must("to remove");
    project.write("a.txt/inner", "mine\n");
    let ran = project.snap(&["resume", "x", "--merge", "--no-run"]).exits(6);
    assert_eq!(project.read("a.txt~snapshot"), b"saved\n");
    assert_eq!(project.read("a.txt/inner"), b"mine\n");
    ran.says(&["a.txt~snapshot is from one side only", "a.txt  the saved version stands beside it"]);
    project.snap(&["undo"]).exits(0);
    assert!(!project.path("a.txt~snapshot").exists());
}

#[test]
fn what_can_not_be_merged_is_not_said_to_have_markers() {
    let project = Project::new();
    project.write("data", b"\0one\n");
    project.git(&["add", "-A", "--", "data"]);
    project.git(&["commit", "-qm", "binary"]);
    project.write("data", b"\0two\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("data", b"\0three\n");
    let ran = project.snap(&["resume", "x", "--merge", "--no-run"]).exits(6);
    assert!(
        ran.stderr.contains("data, and it is no text") && !ran.stderr.contains("markers"),
        "{}",
        ran.stderr
    );
    assert_eq!(project.read("data"), b"\0three\n");
    project.git(&["checkout", "-q", "--theirs", "--", "data"]);
    assert_eq!(project.read("data"), b"\0two\n");
}
