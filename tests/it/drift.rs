//! Upstream has moved: what `resume` and `resume --merge` do in each of twenty ways.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::Must;
use crate::support::project::Project;

/// What `--merge` gives.
enum Merge {
    /// These files with this content, and no conflict.
    Clean(&'static [(&'static str, &'static str)]),
    /// Conflict markers or stages for these paths.
    Conflict(&'static [&'static str]),
}

use Merge::{Clean, Conflict};

struct Drift {
    name: &'static str,
    /// The pending edit that was saved.
    edit: fn(&Project),
    /// What was committed upstream since.
    upstream: fn(&Project),
    /// Whether plain `resume` works.
    plain: bool,
    merge: Merge,
}

const TEN: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";

fn eighth(p: &Project) {
    p.write("ten", TEN.replace("8\n", "eight\n"));
}

fn remove(p: &Project, name: &str) {
    fs::remove_file(p.path(name)).must("to remove");
}

fn rename(p: &Project, from: &str, to: &str) {
    fs::create_dir_all(p.path(to).parent().must("a parent")).must("a folder");
    fs::rename(p.path(from), p.path(to)).must("to rename");
}

const DRIFTS: &[Drift] = &[
    Drift {
        name: "another file changed",
        edit: eighth,
        upstream: |p| p.write("b.txt", "upstream\n"),
        plain: true,
        merge: Clean(&[("ten", "1\n2\n3\n4\n5\n6\n7\neight\n9\n10\n"), ("b.txt", "upstream\n")]),
    },
    Drift {
        name: "other lines changed",
        edit: eighth,
        upstream: |p| p.write("ten", TEN.replace("2\n", "two\n")),
        plain: false,
        merge: Clean(&[("ten", "1\ntwo\n3\n4\n5\n6\n7\neight\n9\n10\n")]),
    },
    Drift {
        name: "lines inserted above",
        edit: eighth,
        upstream: |p| p.write("ten", format!("a\nb\nc\n{TEN}")),
        plain: false,
        merge: Clean(&[("ten", "a\nb\nc\n1\n2\n3\n4\n5\n6\n7\neight\n9\n10\n")]),
    },
    Drift {
        name: "mode against content",
        edit: eighth,
        upstream: |p| p.make_executable("ten"),
        plain: false,
        merge: Clean(&[("ten", "1\n2\n3\n4\n5\n6\n7\neight\n9\n10\n")]),
    },
    Drift {
        name: "the edit is upstream already",
        edit: eighth,
        upstream: eighth,
        plain: true,
        merge: Clean(&[("ten", "1\n2\n3\n4\n5\n6\n7\neight\n9\n10\n")]),
    },
    Drift {
        name: "a part of the edit is upstream",
        edit: |p| p.write("ten", TEN.replace("2\n", "two\n").replace("8\n", "eight\n")),
        upstream: eighth,
        plain: false,
        merge: Clean(&[("ten", "1\ntwo\n3\n4\n5\n6\n7\neight\n9\n10\n")]),
    },
    Drift {
        name: "renamed upstream",
        edit: eighth,
        upstream: |p| rename(p, "ten", "zehn"),
        plain: false,
        merge: Clean(&[("zehn", "1\n2\n3\n4\n5\n6\n7\neight\n9\n10\n")]),
    },
    Drift {
        name: "renamed and edited upstream",
        edit: eighth,
        upstream: |p| {
            rename(p, "ten", "zehn");
            p.write("zehn", TEN.replace("2\n", "two\n"));
        },
        plain: false,
        merge: Clean(&[("zehn", "1\ntwo\n3\n4\n5\n6\n7\neight\n9\n10\n")]),
    },
    Drift {
        name: "renamed in the snapshot, edited upstream",
        edit: |p| rename(p, "ten", "zehn"),
        upstream: |p| p.write("ten", TEN.replace("2\n", "two\n")),
        plain: false,
        merge: Clean(&[("zehn", "1\ntwo\n3\n4\n5\n6\n7\n8\n9\n10\n")]),
    },
    Drift {
        name: "deleted on both sides",
        edit: |p| remove(p, "ten"),
        upstream: |p| remove(p, "ten"),
        plain: true,
        merge: Clean(&[]),
    },
    Drift {
        name: "an untracked file is tracked now, with the same content",
        edit: |p| p.write("new", "new\n"),
        upstream: |p| p.write("new", "new\n"),
        plain: true,
        merge: Clean(&[("new", "new\n")]),
    },
    Drift {
        name: "a new file in a folder that was renamed upstream",
        edit: |p| p.write("sub/new", "new\n"),
        upstream: |p| rename(p, "sub/c.txt", "moved/c.txt"),
        plain: true,
        merge: Clean(&[("moved/c.txt", "deep\n")]),
    },
    Drift {
        name: "deleted in the snapshot, edited upstream",
        edit: |p| remove(p, "ten"),
        upstream: eighth,
        plain: false,
        merge: Conflict(&["ten"]),
    },
    Drift {
        name: "deleted upstream",
        edit: eighth,
        upstream: |p| remove(p, "ten"),
        plain: false,
        merge: Conflict(&["ten"]),
    },
    Drift {
        name: "the same line",
        edit: eighth,
        upstream: |p| p.write("ten", TEN.replace("8\n", "acht\n")),
        plain: false,
        merge: Conflict(&["ten"]),
    },
    Drift {
        name: "other line ends upstream",
        edit: eighth,
        upstream: |p| p.write("ten", TEN.replace('\n', "\r\n")),
        plain: false,
        merge: Conflict(&["ten"]),
    },
    Drift {
        name: "both added, differently",
        edit: |p| p.write("new", "mine\n"),
        upstream: |p| p.write("new", "theirs\n"),
        plain: false,
        merge: Conflict(&["new"]),
    },
    Drift {
        name: "one file of three in conflict",
        edit: |p| {
            eighth(p);
            p.write("a.txt", "mine\n");
            p.write("new", "new\n");
        },
        upstream: |p| p.write("a.txt", "theirs\n"),
        plain: false,
        merge: Conflict(&["a.txt"]),
    },
    Drift {
        name: "binary on both sides",
        edit: |p| p.write("bin", [0, 1]),
        upstream: |p| p.write("bin", [0, 2]),
        plain: false,
        merge: Conflict(&["bin"]),
    },
    Drift {
        name: "a link on one side, text on the other",
        edit: |p| {
            remove(p, "b.txt");
            symlink("a.txt", p.path("b.txt")).must("a link");
        },
        upstream: |p| p.write("b.txt", "upstream\n"),
        plain: false,
        merge: Conflict(&["b.txt"]),
    },
];

/// A project in which the edit was saved as "x", taken back, and upstream has moved since.
fn drifted(drift: &Drift) -> Project {
    let project = Project::new();
    project.write("ten", TEN);
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "ten"]);
    (drift.edit)(&project);
    project.snap(&["save", "x"]).exits(0);
    project.git(&["stash", "-qu"]);
    project.git(&["stash", "drop", "-q"]);
    (drift.upstream)(&project);
    project.git(&["add", "-A"]);
    project.git(&["commit", "-qm", "upstream"]);
    project
}

#[test]
fn plain_resume_sets_what_is_the_same_there_and_refuses_the_rest_with_nothing_changed() {
    for drift in DRIFTS {
        let project = drifted(drift);
        let before = project.state();
        let ran = project.snap(&["resume", "x"]);
        assert_eq!(ran.code, if drift.plain { 0 } else { 4 }, "{}: {}", drift.name, ran.stderr);
        if !drift.plain {
            assert_eq!(project.state(), before, "{}", drift.name);
        }
    }
}

#[test]
fn merge_gives_both_changes_or_ordinary_conflicts_and_can_be_undone() {
    for drift in DRIFTS {
        let project = drifted(drift);
        let before = project.state();
        let ran = project.snap(&["resume", "x", "--merge"]);
        match &drift.merge {
            Clean(files) => {
                assert_eq!(ran.code, 0, "{}: {}", drift.name, ran.stderr);
                for (name, content) in *files {
                    assert_eq!(String::from_utf8_lossy(&project.read(name)), *content, "{}", drift.name);
                }
                assert_eq!(project.git(&["ls-files", "-u"]), "", "{}", drift.name);
            }
            Conflict(paths) => {
                assert_eq!(ran.code, 6, "{}: {}", drift.name, ran.stderr);
                let unmerged = project.git(&["diff", "--name-only", "--diff-filter=U"]);
                // Of a link against a file, git keeps both, one under a name of its own.
                let named: Vec<&str> = unmerged.lines().filter(|name| !name.contains('~')).collect();
                assert_eq!(named, *paths, "{}", drift.name);
            }
        }
        project.snap(&["undo"]);
        assert_eq!(project.state(), before, "{}: undo", drift.name);
    }
}

#[test]
fn merge_keeps_what_is_edited_here_and_stages_what_was_staged() {
    let project = Project::new();
    project.write("ten", TEN);
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "ten"]);
    eighth(&project);
    project.git(&["add", "ten"]);
    project.write("staged", "staged\n");
    project.git(&["add", "staged"]);
    project.snap(&["save", "x"]).exits(0);
    project.git(&["read-tree", "--reset", "-u", "HEAD"]);
    project.write("ten", TEN.replace("2\n", "two\n"));
    project.write("mine", "untracked here\n");
    project.snap(&["resume", "x", "--merge"]).exits(0);
    assert_eq!(String::from_utf8_lossy(&project.read("ten")), "1\ntwo\n3\n4\n5\n6\n7\neight\n9\n10\n");
    assert_eq!(project.read("mine"), b"untracked here\n");
    let status = project.git(&["status", "--porcelain", "-uall"]);
    assert_eq!(status.lines().collect::<Vec<_>>(), ["A  staged", "MM ten", "?? mine"]);
}

#[test]
fn a_merge_leaves_nothing_in_the_repository_but_what_the_index_names() {
    let project = Project::new();
    let objects = || {
        let all =
            project.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname)", "--unordered"]);
        all.lines().map(str::to_owned).collect::<std::collections::BTreeSet<String>>()
    };
    let count = |before: &std::collections::BTreeSet<String>| objects().difference(before).count();
    let first = String::from_utf8(project.read("a.txt")).must("text");
    project.write("a.txt", format!("{first}saved\n"));
    project.write("untracked.txt", "saved too\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", format!("here\n{first}"));
    std::fs::remove_file(project.path("untracked.txt")).must("removed");
    let before = objects();
    project.snap(&["resume", "x", "--merge", "--no-session"]).exits(0);
    assert_eq!(project.read("a.txt"), format!("here\n{first}saved\n").as_bytes());
    assert_eq!(project.read("untracked.txt"), b"saved too\n");
    assert_eq!(count(&before), 0, "nothing of it is staged");
    project.snap(&["undo"]).exits(0);
    // What git is to merge by hand has to be there.
    project.write("a.txt", format!("{first}here\n"));
    let before = objects();
    project.snap(&["resume", "x", "--merge", "--no-session"]).exits(6);
    assert_eq!(count(&before), 2, "the two sides of the conflict");
    for stage in ["2", "3"] {
        let side = project.git(&["show", &format!(":{stage}:a.txt")]);
        assert!(side.starts_with(&first) && side.lines().count() == first.lines().count() + 1, "{side}");
    }
}
