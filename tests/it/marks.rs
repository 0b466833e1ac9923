//! Marks that hide edits from git, and sparse checkouts: looked at for what they are.

use std::fs;

use serde_json::Value;

use crate::support::Must;
use crate::support::project::{Project, files_below};

fn remove(project: &Project, name: &str) {
    fs::remove_file(project.path(name)).must("to remove");
}

/// What somebody does to a project.
type Act = (&'static str, fn(&Project));

/// Compares two states, and shows only what differs.
#[track_caller]
fn assert_same(now: &str, then: &str, what: &str) {
    let only = |one: &str, other: &str| -> Vec<String> {
        let others: Vec<&str> = other.lines().collect();
        one.lines().filter(|line| !others.contains(line)).map(str::to_owned).collect()
    };
    assert!(now == then, "{what}\nnow: {:#?}\nthen: {:#?}", only(now, then), only(then, now));
}

/// Saves, wrecks in each way, rewinds, and takes that back; all of it exactly, each time.
fn comes_back_from(name: &str, project: &Project, wrecks: &[Act]) {
    let saved = project.state_with_flags();
    project.snap(&["save", "x"]).exits(0);
    assert_same(&project.state_with_flags(), &saved, &format!("{name}: save changed something"));
    for (wreck, act) in wrecks {
        act(project);
        let wrecked = project.state_with_flags();
        assert_ne!(wrecked, saved, "{name}, {wreck}");
        project.snap(&["rewind", "x"]).exits(0);
        assert_same(&project.state_with_flags(), &saved, &format!("{name}, {wreck}: rewound"));
        project.snap(&["rewind", "x"]).exits(0).says(&["Nothing had to be done"]);
        project.snap(&["undo"]).exits(0);
        assert_same(&project.state_with_flags(), &wrecked, &format!("{name}, {wreck}: undone"));
        project.snap(&["rewind", "x"]).exits(0);
    }
    project.snap(&["verify"]).exits(0);
}

#[test]
fn a_marked_file_comes_back_whatever_was_done_to_it() {
    const WRECKS: &[Act] = &[
        ("removed", |p| remove(p, "b.txt")),
        ("overwritten", |p| p.write("b.txt", "wrecked\n")),
        ("unmarked", |p| {
            p.git(&["update-index", "--no-assume-unchanged", "b.txt"]);
            p.git(&["update-index", "--no-skip-worktree", "b.txt"]);
        }),
        ("another one marked", |p| {
            p.git(&["update-index", "--assume-unchanged", "a.txt"]);
            p.git(&["update-index", "--skip-worktree", "sub/c.txt"]);
        }),
        ("committed and removed", |p| {
            p.git(&["update-index", "--force-remove", "b.txt"]);
            remove(p, "b.txt");
        }),
    ];
    const EDITS: &[Act] = &[
        ("as it was", |_| ()),
        ("edited", |p| p.write("b.txt", "mine\n")),
        ("staged and edited", |p| {
            p.write("b.txt", "staged\n");
            p.git(&["add", "b.txt"]);
            p.write("b.txt", "mine\n");
        }),
    ];
    for (marks, edits) in [
        (&["--assume-unchanged"][..], EDITS),
        (&["--skip-worktree"], &EDITS[..2]),
        (&["--assume-unchanged", "--skip-worktree"], &EDITS[2..]),
    ] {
        for (edited, edit) in edits {
            let project = Project::new();
            edit(&project);
            for mark in marks {
                project.git(&["update-index", mark, "b.txt"]);
            }
            comes_back_from(&format!("{marks:?}, {edited}"), &project, WRECKS);
        }
    }
}

#[test]
fn where_git_marks_every_file_by_itself_none_gets_or_loses_a_mark() {
    let project = Project::new();
    project.git(&["config", "core.ignoreStat", "true"]);
    project.git(&["update-index", "--assume-unchanged", "a.txt", "b.txt", "bin", "run.sh", "sub/c.txt"]);
    project.write("a.txt", "edited\n");
    let shown = |project: &Project| project.snap(&["show", "x", "--json"]).exits(0).json();
    comes_back_from(
        "ignoreStat",
        &project,
        &[
            ("removed", |p| remove(p, "b.txt")),
            ("unmarked", |p| drop(p.git(&["update-index", "--no-assume-unchanged", "run.sh"]))),
        ],
    );
    assert_eq!(shown(&project)["edits"]["marks"], serde_json::json!({"text": "h /\u{0}"}));
}

#[test]
fn a_file_meant_to_be_added_that_git_was_told_not_to_look_at_is_no_deletion() {
    for mark in ["--assume-unchanged", "--skip-worktree"] {
        let project = Project::new();
        for name in ["gone", "there", "empty"] {
            project.write(name, if name == "empty" { "" } else { "content\n" });
        }
        project.git(&["rm", "-q", "--cached", "b.txt"]);
        project.git(&["add", "-N", "gone", "there", "empty", "b.txt"]);
        project.git(&["update-index", mark, "gone", "there", "empty", "b.txt"]);
        remove(&project, "gone");
        comes_back_from(
            mark,
            &project,
            &[
                ("forgotten", |p| {
                    drop(p.git(&["update-index", "--force-remove", "gone", "there", "empty", "b.txt"]))
                }),
                ("added", |p| {
                    p.git(&["update-index", "--no-assume-unchanged", "there"]);
                    p.git(&["update-index", "--no-skip-worktree", "there"]);
                    p.git(&["update-index", "--add", "there"]);
                }),
                ("overwritten", |p| p.write("there", "wrecked\n")),
            ],
        );
    }
}

/// A project of which a sparse checkout leaves out `out` and `off`.
fn sparse(options: &[&str]) -> Project {
    let project = Project::new();
    for name in ["in/1", "in/2", "out/3", "out/deep/4", "off/5", "off/6"] {
        project.write(name, format!("{name}\n"));
    }
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "folders"]);
    project.git(&[&["sparse-checkout", "set"], options].concat());
    project.write("in/1", "edited\n");
    project
}

const SPARSE: &[&[&str]] = &[
    &["--cone", "in"],
    &["--cone", "--sparse-index", "in"],
    &["--no-cone", "/in/", "/*.txt", "!/out/", "!/off/"],
];

#[test]
fn a_sparse_checkout_comes_back_whatever_became_of_its_patterns() {
    const WRECKS: &[Act] = &[
        ("a file outside", |p| p.write("out/3", "made\n")),
        ("the file outside", |p| p.write("out/3", "out/3\n")),
        ("a file of a name outside", |p| p.write("off", "made\n")),
        ("disabled", |p| {
            p.git(&["sparse-checkout", "disable"]);
        }),
        ("set again", |p| {
            p.git(&["sparse-checkout", "set", "--cone", "off"]);
        }),
        ("staged outside", |p| {
            p.git(&["rm", "-q", "--cached", "--sparse", "out/deep/4"]);
        }),
        ("committed outside", |p| {
            p.git(&["rm", "-q", "--cached", "--sparse", "out/3"]);
            p.git(&["commit", "-qm", "outside"]);
        }),
    ];
    for options in SPARSE {
        for (wreck, act) in WRECKS {
            let project = sparse(options);
            let set = fs::read(project.path(".git/info/sparse-checkout")).must("patterns");
            let saved = |project: &Project| {
                // The patterns are the user's own, and git shows marks by them.
                fs::write(project.path(".git/info/sparse-checkout"), &set).must("to write");
                project.git(&["config", "--worktree", "core.sparseCheckout", "true"]);
                project.git(&[
                    "config",
                    "--worktree",
                    "core.sparseCheckoutCone",
                    if options[0] == "--cone" { "true" } else { "false" },
                ]);
                let state = project.state_with_flags();
                let head = |line: &&str| !["1 ", "# "].iter().any(|start| line.starts_with(start));
                state.lines().filter(head).map(|line| format!("{line}\n")).collect::<String>()
            };
            let before = saved(&project);
            project.snap(&["save", "x"]).exits(0);
            act(&project);
            let wrecked = project.state_with_flags();
            project.snap(&["rewind", "x"]).exits(0);
            let patterns = fs::read(project.path(".git/info/sparse-checkout"));
            assert!(wreck.starts_with("set") || patterns.is_ok_and(|now| now == set), "never ours to change");
            project.snap(&["undo"]).exits(0);
            assert_same(&project.state_with_flags(), &wrecked, &format!("{options:?}, {wreck}: undone"));
            project.snap(&["rewind", "x"]).exits(0);
            assert_same(&saved(&project), &before, &format!("{options:?}, {wreck}: rewound"));
        }
    }
}

#[test]
fn what_is_staged_or_made_outside_a_sparse_checkout_is_saved() {
    const EDITS: &[Act] = &[
        ("deletion staged", |p| {
            p.git(&["rm", "-q", "--cached", "--sparse", "out/3"]);
        }),
        ("another version staged", |p| {
            let blob = p.git(&["rev-parse", "HEAD:a.txt"]);
            p.git(&["update-index", "--cacheinfo", &format!("100644,{},out/3", blob.trim())]);
            p.git(&["update-index", "--skip-worktree", "out/3"]);
        }),
        ("file made", |p| p.write("out/3", "made\n")),
        ("the same file made", |p| p.write("out/3", "out/3\n")),
        ("new file", |p| p.write("out/new", "new\n")),
    ];
    for options in SPARSE {
        for (name, edit) in EDITS {
            let project = sparse(options);
            let clone = project.cloned();
            edit(&project);
            let staged = project.git(&["ls-files", "-s"]);
            comes_back_from(
                &format!("{options:?}, {name}"),
                &project,
                &[("reset", |p| {
                    p.git(&["reset", "-q", "--hard"]);
                    p.write("in/2", "wrecked\n");
                    let _gone = fs::remove_dir_all(p.path("out"));
                })],
            );
            // Where nothing is left out, nothing is deleted for that.
            let store = project.stored("");
            clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
            assert_eq!(clone.git(&["ls-files", "-s"]), staged, "{name}");
            assert_eq!(clone.git(&["diff", "--name-only", "--diff-filter=D"]), "", "{name}");
            assert_eq!(clone.read("in/1"), b"edited\n");
        }
    }
}

#[test]
fn what_is_staged_of_a_file_outside_a_sparse_checkout_is_shown_as_git_shows_it() {
    let project = Project::new();
    project.write("out/old", "one\ntwo\n");
    project.write("in/1", "in\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "both"]);
    let clone = project.cloned();
    project.write("out/old", "one\ntwo\nthree\n");
    project.write("out/new", "new\n");
    project.git(&["add", "."]);
    project.git(&["sparse-checkout", "set", "--cone", "in"]);
    assert!(!project.path("out/old").exists() && !project.path("out/new").exists());
    let said = project.snap(&["save", "x"]).exits(0).stdout;
    assert!(said.contains("2 edited files (+2 -0)"), "{said}");
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    let changes: Vec<&Value> =
        shown["edits"]["files"].as_array().must("files").iter().map(|one| &one["change"]).collect();
    assert_eq!(changes, ["added", "modified"]);
    let rows = project.snap(&["show", "x"]).exits(0).stdout;
    assert!(rows.contains("+1 -0, staged, not in the work tree"), "{rows}");
    assert_eq!(project.snap(&["diff", "x", "--now"]).exits(0).stdout, "");
    let patch = project.snap(&["diff", "x", "--binary"]).exits(0).stdout;
    clone.write("patch", &patch);
    clone.git(&["apply", "patch"]);
    assert_eq!(clone.read("out/old"), b"one\ntwo\nthree\n");
    assert_eq!(clone.read("out/new"), b"new\n");
    // It is compared with another snapshot by what is staged, too.
    project.git(&["sparse-checkout", "disable"]);
    project.snap(&["save", "y"]).exits(0);
    assert_eq!(project.snap(&["diff", "x", "y"]).exits(0).stdout, "");
}

#[test]
fn a_partial_clone_whose_remote_is_away_is_saved_and_rewound() {
    let source = sparse(&["--cone", "in"]);
    source.git(&["config", "uploadpack.allowFilter", "true"]);
    let project = Project::empty();
    let (from, to) = (source.root().to_str().must("UTF-8"), project.root().to_str().must("UTF-8"));
    let from = format!("file://{from}");
    project.git(&["clone", "-q", "--filter=blob:none", "--sparse", &from, to]);
    project.git(&["sparse-checkout", "set", "in"]);
    project.git(&["remote", "set-url", "origin", "file:///nowhere/at/all"]);
    project.write("in/1", "edited\n");
    project.git(&["rm", "-q", "--cached", "--sparse", "off/5"]);
    let there = || files_below(&project.path(".git/objects")).len();
    let objects = there();
    project.write("out/deep/4", "made outside\n");
    comes_back_from(
        "partial",
        &project,
        &[
            ("a file outside", |p| p.write("out/3", "made\n")),
            ("removed", |p| fs::remove_dir_all(p.path("out")).must("to remove")),
            ("staged outside", |p| {
                p.git(&["rm", "-q", "--cached", "--sparse", "off/6"]);
            }),
            ("reset", |p| {
                p.git(&["reset", "-q"]);
            }),
        ],
    );
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    assert_eq!(shown["edits"]["skipped"], serde_json::json!([]));
    let missing = project.git(&["rev-list", "--objects", "--all", "--missing=print"]);
    assert!(missing.contains('?'), "nothing was fetched");
    assert!(there() >= objects);
}

#[test]
fn a_save_in_a_sparse_checkout_writes_no_objects_of_git() {
    for options in SPARSE {
        let project = sparse(options);
        project.write("in/new", "new\n");
        project.git(&["add", "in/new"]);
        project.write("out/3", "made\n");
        let before = files_below(&project.path(".git/objects"));
        project.snap(&["save", "x"]).exits(0);
        project.snap(&["diff", "x", "--now"]).exits(0);
        assert_eq!(files_below(&project.path(".git/objects")), before, "{options:?}");
    }
}

#[test]
fn a_mark_that_an_earlier_version_did_not_save_stays() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    let manifest = project.stored("x.json");
    let text = fs::read_to_string(&manifest).must("a manifest");
    let marks = "    \"marks\": {\n      \"text\": \"\"\n    }\n";
    assert!(text.contains(marks), "{text}");
    let older = text.replace(&format!(",\n{marks}"), "\n");
    let sealed = claude_snap::manifest::seal(older.into_bytes()).must("a checksum");
    fs::write(&manifest, sealed).must("to write");
    project.git(&["update-index", "--skip-worktree", "b.txt"]);
    remove(&project, "b.txt");
    project.git(&["update-index", "--assume-unchanged", "run.sh"]);
    project.write("run.sh", "wrecked\n");
    project.write("a.txt", "wrecked\n");
    project.snap(&["rewind", "x", "--trust", "--allow", "run.sh"]).exits(0);
    assert!(!project.path("b.txt").exists(), "left out, as far as anybody knows");
    assert_eq!(project.read("run.sh"), b"#!/bin/sh\n");
    assert_eq!(project.read("a.txt"), b"edited\n");
    let flags = project.git(&["ls-files", "-v"]);
    assert!(flags.contains("S b.txt") && flags.contains("h run.sh"), "{flags}");
}

#[test]
fn an_index_that_would_be_sparse_and_split_is_refused_or_written_so_that_git_can_read_it() {
    let project = sparse(&["--cone", "in"]);
    project.write("in/new", "new\n");
    project.git(&["add", "in/new"]);
    project.snap(&["save", "x"]).exits(0);
    let saved = project.state_with_flags();
    project.write("in/1", "other\n");
    project.git(&["rm", "-qf", "--cached", "in/new"]);
    let wrecked = project.state_with_flags();
    let set = |value: &str| {
        for name in ["core.splitIndex", "index.sparse"] {
            project.git(&["config", name, value]);
        }
    };
    // Where git refuses such an index by itself, that is said with what to do, and nothing is changed.
    set("true");
    let ran = project.snap(&["rewind", "x"]);
    set("false");
    if ran.code == 0 {
        return assert_same(&project.state_with_flags(), &saved, "rewound");
    }
    ran.exits(7).says(&["split index", "git config core.splitIndex false"]);
    assert_same(&project.state_with_flags(), &wrecked, "refused");
    project.snap(&["rewind", "x"]).exits(0);
    assert_same(&project.state_with_flags(), &saved, "rewound");
}

#[test]
fn a_rewind_says_how_the_patterns_of_a_sparse_checkout_were_and_changes_none() {
    let project = sparse(&["--cone", "in"]);
    project.snap(&["save", "x"]).exits(0);
    assert!(!project.snap(&["rewind", "x"]).exits(0).stderr.contains("patterns"), "they are the same");
    project.git(&["sparse-checkout", "set", "--cone", "off"]);
    let said = "git sparse-checkout set --cone in";
    project.snap(&["rewind", "x"]).exits(0).says(&["had other patterns", said]);
    assert_eq!(project.git(&["sparse-checkout", "list"]), "off\n");
    assert_eq!(project.read("in/1"), b"edited\n");
    project.git(&["sparse-checkout", "set", "--cone", "in"]);
    project.git(&["sparse-checkout", "reapply"]);
    assert_eq!(project.read("in/1"), b"edited\n");
}

#[test]
fn what_is_staged_and_left_out_below_a_file_is_staged_in_a_clone_too() {
    let project = Project::new();
    let clone = project.cloned();
    project.write("folder/in", "staged\n");
    project.git(&["add", "folder/in"]);
    project.git(&["update-index", "--skip-worktree", "folder/in"]);
    fs::remove_dir_all(project.path("folder")).must("to remove");
    project.write("folder", "a file\n");
    project.snap(&["save", "x"]).exits(0);
    let store = project.stored("");
    clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
    assert_eq!(clone.read("folder"), b"a file\n");
    let staged = |project: &Project| project.git(&["ls-files", "--stage"]);
    assert_eq!(staged(&clone), staged(&project));
}

#[test]
fn an_empty_folder_alone_is_told_as_what_it_is() {
    let project = Project::new();
    fs::create_dir(project.path("empty")).must("a folder");
    project.snap(&["save", "x"]).exits(0);
    fs::remove_dir(project.path("empty")).must("to remove");
    let ran = project
        .snap(&["rewind", "x"])
        .exits(0)
        .says(&["1 empty folder made again", "Empty folders were made again"]);
    assert!(!ran.stderr.contains("Nothing had to be done"), "{}", ran.stderr);
    project.snap(&["undo"]).exits(0).says(&["every file is as it was before it"]);
    assert!(!project.path("empty").exists());
}

#[test]
fn a_file_with_both_marks_gets_both_in_another_work_tree() {
    for merge in [None, Some("--merge")] {
        let project = Project::new();
        project.git(&["update-index", "--assume-unchanged", "b.txt"]);
        project.git(&["update-index", "--skip-worktree", "b.txt"]);
        project.write("b.txt", "edited\n");
        project.snap(&["save", "x"]).exits(0);
        let arguments = ["resume", "x", "--worktree", "w"];
        let arguments: Vec<&str> = arguments.into_iter().chain(merge).collect();
        project.snap(&arguments).exits(0);
        let listed = project.git(&["-C", ".claude/worktrees/w", "ls-files", "-v", "b.txt"]);
        assert_eq!(listed, "s b.txt\n", "{merge:?}");
    }
}

#[test]
fn an_edit_that_a_sparse_checkout_shows_is_hidden_nowhere() {
    let shown = |project: &Project| project.git(&["status", "--porcelain", "out/3"]);
    for options in SPARSE {
        let project = sparse(options);
        project.write("out/3", "edited outside\n");
        project.snap(&["save", "x"]).exits(0);
        assert_eq!(shown(&project), " M out/3\n", "{options:?}");
        let clone = project.cloned();
        let store = project.stored("");
        let store = store.to_str().must("UTF-8");
        clone.snap(&["resume", "x", "--store", store]).exits(0);
        assert_eq!(
            (shown(&clone).as_str(), clone.read("out/3")),
            (" M out/3\n", b"edited outside\n".to_vec())
        );
        project.git(&["checkout", "-q", "--", "out/3"]);
        project.git(&["sparse-checkout", "disable"]);
        project.snap(&["rewind", "x"]).exits(0);
        assert_eq!(shown(&project), " M out/3\n", "{options:?}");
        project.snap(&["rewind", "x"]).exits(0).says(&["Nothing had to be done"]);
    }
}
