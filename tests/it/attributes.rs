//! What a restore writes is converted by the attributes of the tree that it restores, not by those that are there now.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use crate::random_trees::rules::set_up;
use crate::support::project::Project;
use crate::support::{Must, needs};

/// A file whose content a checkout converts.
struct Case {
    name: &'static str,
    attributes: &'static str,
    /// Its bytes on the disk.
    bytes: &'static [u8],
}

const CASES: [Case; 7] = [
    Case { name: "crlf", attributes: "f text eol=crlf\n", bytes: b"a\r\nb\r\n" },
    Case {
        name: "utf-16",
        attributes: "f text working-tree-encoding=UTF-16LE-BOM\n",
        bytes: b"\xff\xfea\0\n\0",
    },
    Case {
        name: "utf-16, crlf",
        attributes: "f text eol=crlf working-tree-encoding=UTF-16LE\n",
        bytes: b"a\0\r\0\n\0",
    },
    Case { name: "ident", attributes: "f ident\n", bytes: b"$Id$\n" },
    Case { name: "filter", attributes: "f filter=up\n", bytes: b"quiet\n" },
    Case { name: "macro", attributes: "[attr]win text eol=crlf\nf win\n", bytes: b"a\r\n" },
    Case { name: "lfs", attributes: "f filter=lfs diff=lfs merge=lfs -text\n", bytes: b"large\0\n" },
];

/// A way to lose the attributes and the file.
type Wreck = (&'static str, fn(&Project));

const WRECKS: [Wreck; 5] = [
    ("removed", |p| remove(p, &[".gitattributes", "f"])),
    ("edited", |p| {
        p.write(".gitattributes", "# none\n");
        p.write("f", "zz\n");
    }),
    ("committed away", |p| {
        p.git(&["rm", "-qf", "--", ".gitattributes"]);
        p.write("f", "zz\n");
        p.git(&["add", "f"]);
        p.git(&["commit", "-qm", "since"]);
    }),
    ("all committed away", |p| {
        p.git(&["rm", "-rqf", "."]);
        p.git(&["commit", "-qm", "gone"]);
    }),
    ("other ones", |p| {
        p.write(".gitattributes", "f -text eol=lf -filter -ident working-tree-encoding=UTF-8\n");
        remove(p, &["f"]);
    }),
];

fn remove(project: &Project, names: &[&str]) {
    names.iter().for_each(|name| fs::remove_file(project.path(name)).must("to remove a file"));
}

impl Case {
    fn can_run(&self, has_lfs: bool) -> bool {
        if self.name == "lfs" && !has_lfs {
            needs::skipped("files of LFS", "there is no git-lfs");
            return false;
        }
        true
    }

    /// A project with the file as a checkout writes it; the attributes are committed, or only pending.
    fn project(&self, pending: bool) -> Option<Project> {
        let project = Project::new();
        if !self.can_run(set_up(&project)) {
            return None;
        }
        if !pending {
            project.write(".gitattributes", self.attributes);
            project.git(&["add", ".gitattributes"]);
        }
        project.write(".git/info/attributes", self.attributes);
        project.write("f", self.bytes);
        project.git(&["add", "f"]);
        project.git(&["commit", "-qm", "base"]);
        remove(&project, &["f", ".git/info/attributes"]);
        project.write(".gitattributes", self.attributes);
        project.git(&["checkout", "-q", "--", "f"]);
        Some(project)
    }
}

#[test]
fn a_clean_file_comes_back_as_the_snapshots_attributes_have_it() {
    for pending in [false, true] {
        for case in &CASES {
            for (how, wreck) in WRECKS {
                if pending && how != "removed" {
                    continue;
                }
                let Some(project) = case.project(pending) else { continue };
                let bytes = project.read("f");
                project.write("a.txt", "edited\n");
                let saved = project.content_state();
                project.snap(&["save", "x"]).exits(0);
                wreck(&project);
                let wrecked = project.state();
                project.snap(&["rewind", "x"]).exits(0);
                let what = format!("{}, {how}, pending: {pending}", case.name);
                assert_eq!(project.read("f"), bytes, "{what}");
                assert_eq!(project.content_state(), saved, "{what}");
                let again = project.snap(&["rewind", "x", "--json"]).exits(0).json();
                assert_eq!(again["edits"].as_array().map(Vec::len), Some(0), "{what}: {again}");
                project.snap(&["undo"]).exits(0);
                assert_eq!(project.state(), wrecked, "{what}: undo");
            }
        }
    }
}

#[test]
fn bytes_that_are_as_committed_and_that_git_would_convert_come_back_as_they_are() {
    let project = Project::new();
    project.write("f", "a\r\nb\n");
    project.git(&["add", "f"]);
    project.git(&["commit", "-qm", "mixed"]);
    project.write(".gitattributes", "f text eol=crlf\n");
    project.write("f", "a\r\nb\n");
    let saved = project.state();
    assert!(saved.contains("1 .M "), "git sees no edit: {saved}");
    project.snap(&["save", "x"]).exits(0);
    remove(&project, &["f", ".gitattributes"]);
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.read("f"), b"a\r\nb\n");
    project.snap(&["rewind", "x"]).exits(0).says(&["Nothing had to be done"]);
}

#[test]
fn a_git_that_knows_no_source_of_attributes_is_shown_them_in_a_folder() {
    for case in &CASES {
        let Some(project) = case.project(false) else { continue };
        let bytes = project.read("f");
        project.snap(&["save", "x"]).exits(0);
        remove(&project, &[".gitattributes", "f"]);
        let mut command = project.command(project.root(), &["rewind", "x"]);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path =
            std::env::join_paths([older_git(&project)].into_iter().chain(std::env::split_paths(&path)));
        let output = command.env("PATH", path.must("a path")).output().must("to run snap");
        assert!(output.status.success(), "{}: {}", case.name, String::from_utf8_lossy(&output.stderr));
        assert_eq!(project.read("f"), bytes, "{}", case.name);
    }
}

/// A folder with a git that does not know `--attr-source`.
fn older_git(project: &Project) -> PathBuf {
    let folder = project.path("../older");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let git = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file());
    let script = format!(
        "#!/bin/sh\nfor one; do case $one in --attr-source=*) echo \"unknown option: $one\" >&2; exit 129;; esac; done\nexec '{}' \"$@\"\n",
        git.must("git").display()
    );
    project.write("../older/git", script);
    fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).must("a mode");
    folder
}

#[test]
fn a_merge_converts_as_the_merged_tree_has_it() {
    for case in &CASES[..4] {
        let Some(project) = case.project(false) else { continue };
        let clone = project.cloned();
        set_up(&clone);
        project.write("f", [case.bytes, case.bytes].concat());
        project.write("a.txt", "ONE\ntwo\nthree\n");
        let (f, state) = (project.read("f"), project.git(&["status", "--short"]));
        project.snap(&["save", "x"]).exits(0);
        clone.write("a.txt", "one\ntwo\nTHREE\n");
        clone.git(&["commit", "-qam", "upstream"]);
        let store = project.stored("");
        clone.snap(&["resume", "x", "--merge", "--store", store.to_str().must("UTF-8")]).exits(0);
        assert_eq!(clone.read("f"), f, "{}", case.name);
        assert_eq!(clone.read("a.txt"), b"ONE\ntwo\nTHREE\n");
        assert_eq!(clone.git(&["status", "--short"]), state, "{}", case.name);
    }
}

#[test]
fn a_smudge_filter_that_says_very_much_is_no_deadlock_and_one_that_fails_spares_the_others() {
    let project = Project::new();
    for (name, value) in [
        ("filter.loud.smudge", "yes complaint | head -c 300000 >&2; cat"),
        ("filter.bad.smudge", "false"),
        ("filter.bad.clean", "cat"),
        ("filter.bad.required", "true"),
    ] {
        project.git(&["config", name, value]);
        project.users_setting(name, value);
    }
    project.write(".gitattributes", "*.loud filter=loud\n*.bad filter=bad\n");
    for name in ["1.loud", "2.bad", "3.loud", "4.bad", "5 odd.loud", " 6.loud"] {
        project.write(name, format!("{name}\n"));
    }
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "base"]);
    project.snap(&["save", "x"]).exits(0);
    for name in ["1.loud", "2.bad", "3.loud", "4.bad", "5 odd.loud", " 6.loud"] {
        remove(&project, &[name]);
    }
    project.snap(&["rewind", "x"]).exits(6).says(&["not set: 2.bad", "not set: 4.bad", "smudge filter bad"]);
    for name in ["1.loud", "3.loud", "5 odd.loud", " 6.loud"] {
        assert_eq!(project.read(name), format!("{name}\n").as_bytes());
    }
}

#[test]
fn an_object_of_lfs_that_is_not_here_keeps_one_file_back_and_no_more() {
    let Some(project) = CASES[6].project(false) else { return };
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    fs::remove_dir_all(project.path(".git/lfs")).must("the objects");
    remove(&project, &["f", "a.txt", "b.txt"]);
    project.snap(&["rewind", "x", "--dry-run"]).exits(6).says(&["not set: f", "git lfs pull"]);
    let ran = project.snap(&["rewind", "x", "--json"]).exits(6);
    assert_eq!(ran.json()["not_made"][0]["path"], "f");
    assert_eq!(project.read("a.txt"), b"edited\n");
    assert_eq!(project.read("b.txt"), b"stays\n");
    assert!(!project.path("f").exists());
}

#[test]
fn a_work_tree_is_made_with_pointers_where_the_filter_fails() {
    let Some(project) = CASES[6].project(false) else { return };
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    fs::remove_dir_all(project.path(".git/lfs")).must("the objects");
    project
        .snap(&["resume", "x", "--worktree", "back"])
        .exits(0)
        .says(&["as they are committed", "git lfs pull"]);
    let made = project.path(".claude/worktrees/back");
    assert!(fs::read_to_string(made.join("f")).must("the pointer").starts_with("version https://git-lfs"));
    assert_eq!(fs::read(made.join("a.txt")).must("a file"), b"edited\n");
}

#[test]
fn a_work_tree_that_can_not_be_made_leaves_no_branch() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    project.write(".claude/worktrees/back/in the way", "mine\n");
    project.snap(&["resume", "x", "--worktree", "back"]).exits(3);
    assert!(!project.try_git(&["show-ref", "--verify", "refs/heads/back"]));
    assert_eq!(project.read(".claude/worktrees/back/in the way"), b"mine\n");
}

#[test]
fn where_git_makes_no_links_a_link_comes_back_as_a_plain_file() {
    let project = Project::new();
    symlink("a.txt", project.path("link")).must("a link");
    project.git(&["add", "link"]);
    project.git(&["commit", "-qm", "a link"]);
    let clone = project.cloned_with(&[("core.symlinks", "false")]);
    assert!(clone.path("link").symlink_metadata().must("a file").is_file());
    clone.write("a.txt", "edited\n");
    clone.snap(&["save", "x"]).exits(0);
    remove(&clone, &["link", "a.txt"]);
    clone.snap(&["rewind", "x"]).exits(0);
    assert!(clone.path("link").symlink_metadata().must("a file").is_file());
    assert_eq!(clone.read("link"), b"a.txt");
    assert_eq!(clone.git(&["status", "--short"]), " M a.txt\n");
}

#[test]
fn edits_of_a_clone_with_other_line_ends_are_written_as_git_writes_them_here() {
    let text =
        |lines: &[&str], end: &str| lines.iter().map(|line| format!("{line}{end}")).collect::<String>();
    for (there, here, end) in [("true", "false", "\n"), ("false", "true", "\r\n"), ("true", "input", "\n")] {
        for merge in [false, true] {
            let project = Project::new();
            let from = project.cloned_with(&[("core.autocrlf", there)]);
            let to = project.cloned_with(&[("core.autocrlf", here)]);
            let own = if there == "true" { "\r\n" } else { "\n" };
            from.write("a.txt", text(&["one", "2", "three"], own));
            from.write("new.txt", text(&["new"], own));
            from.write("raw.bin", b"a\r\n\0\n");
            from.git(&["add", "new.txt"]);
            let changed = from.git(&["diff", "HEAD", "--numstat", "--", "a.txt"]);
            from.snap(&["save", "x"]).exits(0);
            let store = from.stored("");
            let mut arguments = vec!["resume", "x", "--store", store.to_str().must("UTF-8")];
            arguments.extend(merge.then_some("--merge"));
            to.snap(&arguments).exits(0);
            let what = format!("{there} to {here}, merge: {merge}");
            assert_eq!(to.read("a.txt"), text(&["one", "2", "three"], end).as_bytes(), "{what}");
            assert_eq!(to.read("new.txt"), text(&["new"], end).as_bytes(), "{what}");
            assert_eq!(to.read("raw.bin"), b"a\r\n\0\n", "{what}");
            assert_eq!(to.git(&["diff", "HEAD", "--numstat", "--", "a.txt"]), changed, "{what}");
        }
    }
}

#[test]
fn a_link_that_was_edited_where_there_are_none_is_one_again_elsewhere() {
    let project = Project::new();
    symlink("a.txt", project.path("link")).must("a link");
    project.git(&["add", "link"]);
    project.git(&["commit", "-qm", "a link"]);
    let from = project.cloned_with(&[("core.symlinks", "false")]);
    from.write("link", "b.txt");
    from.snap(&["save", "x"]).exits(0);
    let to = project.cloned();
    let store = from.stored("");
    to.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
    assert_eq!(fs::read_link(to.path("link")).must("a link"), PathBuf::from("b.txt"));
}

#[test]
fn lfs_that_is_set_up_for_one_repository_converts_and_asks_no_server() {
    let Some(project) = CASES[6].project(false) else { return };
    for name in ["clean", "smudge", "process", "required"] {
        project.no_users_setting(&format!("filter.lfs.{name}"));
    }
    let content = project.read("f");
    project.snap(&["save", "x"]).exits(0);
    project.write("f", "wrecked\n");
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.read("f"), content);
    assert_eq!(project.git(&["status", "--porcelain", "--", "f"]), "");
    // Where the content is not here, no pointer is written over a file.
    fs::remove_dir_all(project.path(".git/lfs")).must("the objects");
    project.write("f", "wrecked\n");
    project.snap(&["rewind", "x"]).exits(6).says(&["not set: f", "git lfs pull"]);
    assert_eq!(project.read("f"), b"wrecked\n");
    project
        .snap(&["resume", "x", "--worktree", "back", "--no-run"])
        .exits(0)
        .says(&["as they are committed"]);
    let made = project.read(".claude/worktrees/back/f");
    assert!(made.starts_with(b"version https://git-lfs"), "a pointer");
}
