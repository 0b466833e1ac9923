//! Work trees of every kind: saved, carried to a fresh clone, wrecked, rewound, and the wreck brought back.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use crate::support::Must;
use crate::support::project::{Project, files_below};

/// One kind of work tree: what the repository is like, and what is pending in it.
struct Case {
    name: &'static str,
    /// Arguments of `git init`.
    init: &'static [&'static str],
    /// Settings of the repository, here and in the clone.
    config: &'static [(&'static str, &'static str)],
    /// Before the first commit.
    base: fn(&Project),
    /// After it.
    edit: fn(&Project),
}

const PLAIN: Case = Case { name: "", init: &[], config: &[], base: |_| (), edit: |_| () };

fn odd_name(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}

fn remove(project: &Project, name: &str) {
    fs::remove_file(project.path(name)).must("to remove a file");
}

fn link_to_itself(project: &Project, name: &str) {
    let place = project.path(name);
    symlink(place.file_name().must("a name"), &place).must("a link");
}

const CASES: &[Case] = &[
    Case { name: "modified", edit: |p| p.write("a.txt", "one\n2\nthree\n"), ..PLAIN },
    Case { name: "no final newline gained and lost", edit: |p| p.write("a.txt", "one\ntwo\nthree"), ..PLAIN },
    Case { name: "emptied", edit: |p| p.write("a.txt", ""), ..PLAIN },
    Case { name: "deleted", edit: |p| remove(p, "a.txt"), ..PLAIN },
    Case {
        name: "deleted and staged",
        edit: |p| {
            p.git(&["rm", "-q", "a.txt"]);
        },
        ..PLAIN
    },
    Case {
        name: "rm --cached, file kept",
        edit: |p| {
            p.git(&["rm", "-q", "--cached", "a.txt"]);
        },
        ..PLAIN
    },
    Case {
        name: "renamed, staged, and edited",
        edit: |p| {
            p.git(&["mv", "a.txt", "renamed.txt"]);
            p.write("renamed.txt", "one\ntwo\nthree\nfour\n");
        },
        ..PLAIN
    },
    Case {
        name: "renamed without telling git",
        edit: |p| fs::rename(p.path("a.txt"), p.path("moved.txt")).must("to rename"),
        ..PLAIN
    },
    Case {
        name: "two names swapped",
        edit: |p| {
            fs::rename(p.path("a.txt"), p.path("x")).must("to rename");
            fs::rename(p.path("b.txt"), p.path("a.txt")).must("to rename");
            fs::rename(p.path("x"), p.path("b.txt")).must("to rename");
        },
        ..PLAIN
    },
    Case {
        name: "copied",
        edit: |p| fs::copy(p.path("a.txt"), p.path("copy.txt")).map(drop).must("to copy"),
        ..PLAIN
    },
    Case { name: "made executable", edit: |p| p.make_executable("a.txt"), ..PLAIN },
    Case {
        name: "made executable and staged, then edited",
        edit: |p| {
            p.make_executable("a.txt");
            p.git(&["add", "a.txt"]);
            p.write("a.txt", "later\n");
        },
        ..PLAIN
    },
    Case {
        name: "staged then edited again",
        edit: |p| {
            p.write("a.txt", "staged\n");
            p.git(&["add", "a.txt"]);
            p.write("a.txt", "edited\n");
        },
        ..PLAIN
    },
    Case {
        name: "staged then reverted",
        edit: |p| {
            p.write("a.txt", "staged\n");
            p.git(&["add", "a.txt"]);
            p.write("a.txt", "one\ntwo\nthree\n");
        },
        ..PLAIN
    },
    Case {
        name: "staged new, then deleted",
        edit: |p| {
            p.write("new.txt", "new\n");
            p.git(&["add", "new.txt"]);
            remove(p, "new.txt");
        },
        ..PLAIN
    },
    Case {
        name: "intent to add",
        edit: |p| {
            p.write("meant.txt", "meant\n");
            p.git(&["add", "-N", "meant.txt"]);
        },
        ..PLAIN
    },
    Case {
        name: "links: new, retargeted, from a file, to a file, to a folder, to nowhere",
        base: |p| {
            symlink("a.txt", p.path("link")).must("a link");
            symlink("b.txt", p.path("was-link")).must("a link");
            p.write("was-file", "file\n");
        },
        edit: |p| {
            remove(p, "link");
            symlink("b.txt", p.path("link")).must("a link");
            remove(p, "was-link");
            p.write("was-link", "now a file\n");
            remove(p, "was-file");
            symlink("sub", p.path("was-file")).must("a link");
            symlink("/nowhere/at all", p.path("new-link")).must("a link");
        },
        ..PLAIN
    },
    Case {
        name: "a file becomes a folder",
        edit: |p| {
            remove(p, "a.txt");
            p.write("a.txt/inside/file", "deep\n");
        },
        ..PLAIN
    },
    Case {
        name: "a folder becomes a file",
        edit: |p| {
            fs::remove_dir_all(p.path("sub")).must("to remove");
            p.write("sub", "now a file\n");
        },
        ..PLAIN
    },
    Case {
        name: "a folder becomes a link, staged",
        edit: |p| {
            fs::remove_dir_all(p.path("sub")).must("to remove");
            symlink("elsewhere", p.path("sub")).must("a link");
            p.git(&["add", "-A"]);
        },
        ..PLAIN
    },
    Case {
        name: "a folder becomes a link to itself, which git can't look behind",
        edit: |p| {
            fs::remove_dir_all(p.path("sub")).must("to remove");
            symlink("sub", p.path("sub")).must("a link");
        },
        ..PLAIN
    },
    Case {
        name: "a link to itself becomes a folder, another one a file, a third one goes",
        base: |p| ["loop", "loop to file", "gone loop"].iter().for_each(|name| link_to_itself(p, name)),
        edit: |p| {
            remove(p, "loop");
            p.write("loop/inside/file", "deep\n");
            remove(p, "loop to file");
            p.write("loop to file", "now a file\n");
            remove(p, "gone loop");
            p.write("new/file", "beside it\n");
            link_to_itself(p, "new/loop");
        },
        ..PLAIN
    },
    Case {
        name: "binary: modified, new, to text, from text, with a late NUL",
        edit: |p| {
            p.write("bin", "now text\n");
            p.write("a.txt", b"text \x00 binary");
            p.write("new.bin", [0, 255, 1, 254].repeat(50_000));
            p.write("late", [b"x\n".repeat(10_000), vec![0]].concat());
        },
        ..PLAIN
    },
    Case {
        name: "line ends: CRLF, mixed, lone CR, Latin-1",
        base: |p| p.write("mixed.txt", "a\r\nb\nc\rd\n"),
        edit: |p| {
            p.write("mixed.txt", "a\nb\r\nc\rd\r\n");
            p.write("latin.txt", b"caf\xe9\n");
        },
        ..PLAIN
    },
    Case {
        name: "autocrlf=true",
        config: &[("core.autocrlf", "true")],
        base: |p| p.write("crlf.txt", "a\r\nb\r\n"),
        edit: |p| {
            p.write("crlf.txt", "a\r\nB\r\n");
            p.write("a.txt", "one\r\nmixed\nthree\r\n");
        },
        ..PLAIN
    },
    Case {
        name: "autocrlf=input",
        config: &[("core.autocrlf", "input")],
        edit: |p| p.write("a.txt", "one\r\nTWO\r\n"),
        ..PLAIN
    },
    Case {
        name: "attributes: eol, ident, encoding",
        base: |p| {
            p.write(
                ".gitattributes",
                "*.win text eol=crlf\n*.id ident\n*.u16 text working-tree-encoding=UTF-16LE\n",
            );
            p.write("x.win", "a\r\nb\r\n");
            p.write("x.id", "$Id$\n");
            p.write("x.u16", "a\0\n\0");
        },
        edit: |p| {
            p.write("x.win", "a\r\nchanged\n");
            p.write("x.id", "$Id: mine $\nmore\n");
            p.write("x.u16", "b\0\n\0");
        },
        ..PLAIN
    },
    Case {
        name: "a filter, and attributes that change with the edits",
        config: &[("filter.up.clean", "tr a-z A-Z"), ("filter.up.smudge", "tr A-Z a-z")],
        base: |p| {
            p.write(".gitattributes", "*.up filter=up\n");
            p.write("x.up", "quiet\n");
        },
        edit: |p| {
            p.write("x.up", "quiet no more\n");
            p.write(".gitattributes", "*.up filter=up\n*.txt text eol=crlf\n");
        },
        ..PLAIN
    },
    Case {
        name: "odd names",
        edit: |p| {
            for name in [
                &b"new\nline"[..],
                b"quote\"d",
                b"tab\there",
                b"back\\slash",
                b"-rf",
                b" blanks ",
                b"\xff\xfe",
                "é".as_bytes(),
            ] {
                p.write(odd_name(name), "odd\n");
            }
            p.git(&["add", "--", "-rf"]);
        },
        ..PLAIN
    },
    Case {
        name: "patch look-alikes and empty files",
        edit: |p| {
            p.write("a.txt", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-one\n\\ No newline at end of file\n");
            p.write("empty", "");
            p.git(&["add", "empty"]);
        },
        ..PLAIN
    },
    Case {
        name: "tracked in an ignored folder",
        base: |p| {
            p.write("out/kept", "kept\n");
            p.git(&["add", "out/kept"]);
            p.write(".gitignore", "out/\n");
        },
        edit: |p| {
            p.write("out/kept", "edited\n");
        },
        ..PLAIN
    },
    Case {
        name: "assume-unchanged and skip-worktree with edits",
        edit: |p| {
            p.git(&["update-index", "--assume-unchanged", "a.txt"]);
            p.git(&["update-index", "--skip-worktree", "b.txt"]);
            p.write("a.txt", "hidden edit\n");
            p.write("b.txt", "another\n");
        },
        ..PLAIN
    },
    Case {
        name: "sparse checkout",
        edit: |p| {
            p.git(&["sparse-checkout", "set", "--no-cone", "/a.txt", "/bin"]);
            p.write("a.txt", "edited in a sparse tree\n");
        },
        ..PLAIN
    },
    Case {
        name: "split index",
        config: &[("core.splitIndex", "true")],
        edit: |p| {
            p.write("a.txt", "staged\n");
            p.git(&["update-index", "--split-index", "a.txt"]);
            p.write("new", "new\n");
        },
        ..PLAIN
    },
    Case {
        name: "index version 4",
        config: &[("index.version", "4")],
        edit: |p| p.write("a.txt", "edited\n"),
        ..PLAIN
    },
    Case {
        name: "reftable",
        init: &["--ref-format=reftable"],
        edit: |p| {
            p.write("a.txt", "edited\n");
            p.write("s", "staged\n");
            p.git(&["add", "s"]);
        },
        ..PLAIN
    },
    Case {
        name: "SHA-256",
        init: &["--object-format=sha256"],
        edit: |p| {
            p.write("a.txt", "edited\n");
            p.write("s", "staged\n");
            p.git(&["add", "s"]);
            p.write("s", "staged and edited\n");
        },
        ..PLAIN
    },
    Case {
        name: "fileMode=false",
        config: &[("core.fileMode", "false")],
        edit: |p| p.write("a.txt", "edited\n"),
        ..PLAIN
    },
    Case {
        name: "private files",
        edit: |p| {
            p.write(".env", "TOKEN=1\n");
            let private = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
            fs::set_permissions(p.path(".env"), private).must("a mode");
        },
        ..PLAIN
    },
    Case {
        name: "many files",
        edit: |p| {
            for number in 0..300 {
                p.write(
                    format!("many/{}/{number}", number % 7),
                    format!("file {number}\n").repeat(number % 40),
                );
            }
            p.git(&["add", "many/3"]);
        },
        ..PLAIN
    },
];

impl Case {
    fn project(&self) -> Project {
        let project = Project::empty();
        let mut init = vec!["init", "-q", "-b", "main"];
        init.extend_from_slice(self.init);
        project.git(&init);
        self.configure(&project);
        project.write("a.txt", "one\ntwo\nthree\n");
        project.write("b.txt", "stays\n");
        project.write("bin", [0, 159, 146, 150, 0, 7].repeat(100));
        project.write("run.sh", "#!/bin/sh\n");
        project.write("sub/c.txt", "deep\n");
        (self.base)(&project);
        project.git(&["add", "."]);
        project.git(&["commit", "-q", "-m", "first"]);
        // As a checkout writes them, so that a clone's files are the same.
        project.git(&["rm", "-rqf", "."]);
        project.git(&["reset", "-q", "--hard"]);
        project
    }

    fn configure(&self, project: &Project) {
        for (name, value) in self.config {
            project.git(&["config", name, value]);
            // A program is run only if the user's own configuration names it.
            project.users_setting(name, value);
        }
    }
}

/// Does everything to a tree that somebody might: edits, creates, deletes, stages, commits.
fn wreck(project: &Project) {
    for file in files_below(project.root()) {
        let name = file.strip_prefix(project.root()).must("a file of the project").to_owned();
        let skipped = [".git", ".claude"].iter().any(|kept| name.starts_with(kept));
        if !skipped {
            fs::remove_file(&file).must("to remove a file");
        }
    }
    project.write("bin", "wrecked and committed\n");
    project.write("wreck/new.txt", "committed\n");
    project.git(&["add", "-f", "--sparse", "bin", "wreck"]);
    project.git(&["commit", "-q", "-m", "wreck"]);
    project.write("wreck/new.txt", "edited after that\n");
    project.write("rubble", "untracked\n");
    project.write("staged rubble", "staged\n");
    project.git(&["add", "--sparse", "staged rubble"]);
}

/// Does something with each case; two at a time, as most of it is waiting for git.
fn each_case(check: fn(&Case)) {
    let (some, others) = CASES.split_at(CASES.len() / 2);
    std::thread::scope(|scope| {
        scope.spawn(|| some.iter().for_each(check));
        others.iter().for_each(check);
    });
}

#[test]
fn any_work_tree_comes_back_in_a_fresh_clone() {
    each_case(|case| {
        let project = case.project();
        let clone = project.cloned_with(case.config);
        (case.edit)(&project);
        let state = project.state_with_flags();
        project.snap(&["save", "x"]).exits(0);
        assert_eq!(project.state_with_flags(), state, "{}: save changed something", case.name);
        if case.name == "sparse checkout" {
            clone.git(&["sparse-checkout", "set", "--no-cone", "/a.txt", "/bin"]);
        }
        let store = project.stored("");
        clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
        assert_eq!(clone.state_with_flags(), state, "{}", case.name);
    });
}

#[test]
fn any_work_tree_is_rewound_from_any_wreck_and_the_wreck_comes_back() {
    each_case(|case| {
        let project = case.project();
        (case.edit)(&project);
        // Of a file that git takes for clean, only the blob is known: it comes back as a checkout by
        // the attributes of that moment writes it, and here they were newer than the file.
        let comparable = |state: String| {
            if case.name.contains("attributes that change") { state.replace("\\r", "") } else { state }
        };
        let saved = comparable(project.content_state());
        project.snap(&["save", "x"]).exits(0);
        wreck(&project);
        let wrecked = project.state_with_flags();
        let head = project.git(&["rev-parse", "HEAD"]);
        project.snap(&["rewind", "x"]).exits(0);
        assert_eq!(comparable(project.content_state()), saved, "{}: rewind", case.name);
        assert_eq!(project.git(&["rev-parse", "HEAD"]), head, "{}: HEAD moved", case.name);
        project.snap(&["undo"]).exits(0);
        assert_eq!(project.state_with_flags(), wrecked, "{}: undo", case.name);
        project.snap(&["redo"]).exits(0);
        assert_eq!(comparable(project.content_state()), saved, "{}: redo", case.name);
    });
}

#[test]
fn rewind_never_touches_ignored_files_nested_repositories_or_what_was_too_large_to_save() {
    let project = Project::new();
    project.write(".gitignore", "*.log\n");
    project.git(&["add", ".gitignore"]);
    project.git(&["commit", "-qm", "ignore"]);
    project.write("huge", vec![7; 11 << 20]);
    project.snap(&["save", "x"]).exits(6);
    project.write("keep.log", "mine\n");
    project.write("nested/file", "inner\n");
    project.git(&["init", "-q", "nested"]);
    project.write("rubble", "goes\n");
    project.snap(&["rewind", "x"]).exits(0).says(&["huge"]);
    assert_eq!(project.read("keep.log"), b"mine\n");
    assert_eq!(project.read("nested/file"), b"inner\n");
    assert_eq!(project.read("huge").len(), 11 << 20);
    assert!(!project.path("rubble").exists());
}

#[test]
fn what_rewind_removes_is_saved_whatever_its_size() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    let large: Vec<u8> = (0..11_u32 << 18).flat_map(u32::to_le_bytes).collect();
    project.write("large work", &large);
    project.snap(&["rewind", "x"]).exits(0);
    assert!(!project.path("large work").exists());
    project.snap(&["undo"]).exits(0);
    assert!(project.read("large work") == large);
}
