//! Odd places to run in: each gives the right result, or a clear error and nothing half done.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::Must;
use crate::support::project::{Project, git_in, ran};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

#[test]
fn outside_git_the_session_is_saved_and_edits_are_said_to_need_git() {
    let project = Project::empty();
    project.session(ID);
    project.snap(&["save", "x"]).exits(0).says(&["not in a git repository"]);
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    assert_eq!((&shown["session"]["id"], &shown["edits"]), (&ID.into(), &serde_json::Value::Null));
}

#[test]
fn an_unborn_head_has_no_base_and_its_files_are_saved_and_restored() {
    let project = Project::empty();
    project.git(&["init", "-q", "-b", "main"]);
    project.write("staged.txt", "staged\n");
    project.write("untracked.txt", "untracked\n");
    project.git(&["add", "staged.txt"]);
    project.snap(&["save", "x"]).exits(0);
    let state = project.state();
    project.git(&["rm", "-q", "--cached", "staged.txt"]);
    fs::remove_file(project.path("staged.txt")).must("to remove");
    fs::remove_file(project.path("untracked.txt")).must("to remove");
    project.snap(&["resume", "x"]).exits(0);
    assert_eq!(project.state(), state);
}

#[test]
fn a_detached_head_has_a_base_and_no_branch() {
    let project = Project::new();
    project.git(&["checkout", "-q", "--detach"]);
    project.write("a.txt", "changed\n");
    project.snap(&["save", "x"]).exits(0);
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    assert_eq!(shown["workspace"]["branch"], serde_json::Value::Null);
    assert_eq!(shown["workspace"]["head"], project.git(&["rev-parse", "HEAD"]).trim());
}

#[test]
fn a_bare_repository_is_refused_with_what_to_do() {
    let project = Project::empty();
    project.git(&["init", "-q", "--bare"]);
    project.snap(&["save", "x"]).exits(3).says(&["bare repository", "git worktree list"]);
    assert!(!project.path(".claude").exists());
}

#[test]
fn from_a_subfolder_the_whole_work_tree_is_saved() {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "changed\n");
    let ran = project.snap_in(&project.path("sub"), &["save", "x", "--json"]).exits(0).json();
    assert_eq!((&ran["session_id"], &ran["edits"]["files"]), (&ID.into(), &1.into()));
    assert!(project.stored("x.json").exists() && !project.path("sub/.claude").exists());
}

#[test]
fn through_a_link_the_real_project_is_found() {
    let project = Project::new();
    project.session(ID);
    let link = project.home.path().join("link");
    symlink(project.root(), &link).must("a link");
    let saved = project.snap_in(&link, &["save", "x", "--json"]).exits(0).json();
    assert_eq!(saved["session_id"], ID);
    let shown = project.snap_in(&link, &["show", "x", "--json"]).exits(0).json();
    assert_eq!(shown["workspace"]["root"], project.root().to_str().must("UTF-8"));
}

#[test]
fn every_linked_work_tree_sees_the_one_store_of_the_main_one() {
    let project = Project::new();
    let linked = project.home.path().join("linked tree");
    project.git(&["worktree", "add", "-q", "-b", "feature", linked.to_str().must("UTF-8")]);
    fs::write(linked.join("a.txt"), "changed there\n").must("an edit");
    project.snap_in(&linked, &["save", "from there"]).exits(0);
    project.git(&["worktree", "remove", "--force", linked.to_str().must("UTF-8")]);
    let listed = project.snap(&["list", "--json"]).exits(0).json();
    assert_eq!((&listed[0]["name"], &listed[0]["worktree"]), (&"from there".into(), &"linked tree".into()));
    project.snap(&["resume", "from there"]).exits(0);
    assert_eq!(project.read("a.txt"), b"changed there\n");
}

#[test]
fn a_linked_work_tree_of_a_bare_repository_has_its_store_in_the_repository() {
    let project = Project::new();
    let bare = project.home.path().join("bare.git");
    project.git(&["clone", "-q", "--bare", ".", bare.to_str().must("UTF-8")]);
    let linked = project.home.path().join("of-bare");
    let path = linked.to_str().must("UTF-8");
    crate::support::project::git_in(&project.home, &bare, &["worktree", "add", "-q", path, "main"]);
    project.snap_in(&linked, &["save", "x"]).exits(0);
    assert!(bare.join(".claude/snapshots/x.json").exists());
}

#[test]
fn an_unreadable_session_folder_is_an_error_with_its_path_and_nothing_is_saved() {
    let project = Project::new();
    project.session(ID);
    let folder = project.home.project(project.root());
    fs::remove_dir_all(&folder).must("to remove");
    // Whoever runs the tests may be root, for whom no mode is unreadable: a link to itself is.
    symlink(&folder, &folder).must("a link that leads nowhere");
    let place = folder.to_str().must("UTF-8");
    project.snap(&["save", "x"]).exits(7).says(&["Cannot read", place, "--session"]);
    assert!(!project.stored("x.json").exists());
}

#[test]
fn without_a_git_program_a_repository_is_an_error_and_a_plain_folder_is_not() {
    let project = Project::new();
    let empty = project.home.path().join("tmp");
    let without_git =
        |project: &Project| ran(project.command(project.root(), &["save", "x"]).env("PATH", &empty));
    without_git(&project).exits(7).says(&["no git program", "install git"]);
    let plain = Project::empty();
    plain.session(ID);
    without_git(&plain).exits(0);
}

#[test]
fn a_variable_that_git_exports_to_hooks_does_not_mislead() {
    let project = Project::new();
    project.write("a.txt", "changed\n");
    let mut command = project.command(project.root(), &["save", "x", "--json"]);
    let ran = ran(command.env("GIT_DIR", "/nowhere/.git").env("GIT_INDEX_FILE", "/nowhere/index")).exits(0);
    assert_eq!(ran.json()["edits"]["files"], 1);
}

#[test]
fn commands_that_only_look_start_no_git_unless_something_about_the_repository_is_unusual() {
    let project = Project::new();
    project.write("a.txt", "changed\n");
    project.snap(&["save", "x"]).exits(0);
    let linked = project.home.path().join("linked");
    project.git(&["worktree", "add", "-q", linked.to_str().must("UTF-8")]);
    let asks = |folder: &std::path::Path, command: &[&str]| {
        let ran = project.snap_in(folder, &[&["-vv"], command].concat()).exits(0);
        assert!(ran.stdout.contains('x'), "{}", ran.stdout);
        ran.stderr.contains("git{arguments=")
    };
    for command in [&["list"][..], &["show", "x"], &["diff", "x", "--stat"]] {
        for folder in [project.root(), &project.path("sub"), &linked] {
            assert!(!asks(folder, command), "{command:?} in {}", folder.display());
        }
    }
    project.git(&["config", "core.worktree", ".."]);
    assert!(asks(&project.path("sub"), &["list"]), "git is asked where the configuration names the tree");
}

#[test]
fn a_folder_that_is_not_there_is_a_usage_error() {
    let project = Project::new();
    project.snap(&["-C", "no/such", "list"]).exits(2).says(&["no/such"]);
    project.snap(&["frobnicate"]).exits(2);
    project.snap(&["prune", "--older-than", "soon", "--dry-run"]).exits(2).says(&["7d"]);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    let mut command = project.command(project.root(), &["show", "x", "--json"]);
    let (reader, writer) = std::io::pipe().must("a pipe");
    drop(reader);
    let output = command.stdout(writer).output().must("to run snap");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn a_work_tree_beside_its_repository_is_worked_in_as_git_does() {
    let project = Project::new();
    project.write("sub/new.txt", "new\n");
    project.git(&["config", "core.worktree", "../sub"]);
    project.snap_in(&project.path("sub"), &["save", "x"]).exits(0);
    let shown = project.snap_in(&project.path("sub"), &["show", "x", "--json"]).exits(0).json();
    assert!(shown["edits"]["files"].to_string().contains("new.txt"), "{shown}");
}

#[test]
fn a_link_in_the_place_of_rules_is_the_only_path_that_is_saved_of_it() {
    let project = Project::new();
    symlink("nowhere", project.path(".gitignore")).must("a link");
    project.write("sub/new.txt", "new\n");
    symlink("../a.txt", project.path("sub/.gitignore")).must("a link");
    project.snap(&["save", "x"]).exits(0);
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    let files = shown["edits"]["files"].as_array().must("edits").iter();
    let paths: Vec<&str> = files.map(|file| file["path"].as_str().must("a path")).collect();
    assert_eq!(paths, [".gitignore", "sub/.gitignore", "sub/new.txt"]);
}

#[test]
fn a_submodule_below_a_folder_whose_name_has_a_line_end_is_looked_into() {
    let project = Project::new();
    let inner = project.path("a\nb/inner");
    fs::create_dir_all(&inner).must("folders");
    let git = |words: &[&str]| git_in(&project.home, &inner, words);
    git(&["init", "-q", "-b", "main"]);
    fs::write(inner.join("f"), "one\n").must("a file");
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "one"]);
    project.git(&["add", "a\nb/inner"]);
    project.snap(&["save", "x"]).exits(0);
    project.git(&["commit", "-q", "-m", "a submodule"]);
    fs::write(inner.join("f"), "two\n").must("an edit");
    project.snap(&["save", "y"]).exits(6).says(&["a submodule with edits inside"]);
}

/// What git itself lists as new.
fn new_for_git(project: &Project) -> Vec<String> {
    let said = project.git(&["status", "--porcelain", "-z", "-uall"]);
    let mut new: Vec<String> =
        said.split('\0').filter_map(|line| line.strip_prefix("?? ")).map(str::to_owned).collect();
    new.sort();
    new
}

#[test]
fn what_is_ignored_follows_the_repositorys_setting_of_case_whatever_the_disk_has() {
    let names =
        ["Build/x", "build/y", "BUILD.log", "keep.log", "Keep.Log", "src/Build/z", "src/a.O", "Readme.md"];
    let rules = ["build/", "*.LOG", "!KEEP.log", "/SRC/*.o", "readme.*", "!Build", "src/**/Z"];
    for round in 0..8_usize {
        let project = Project::new();
        project.git(&["config", "core.ignoreCase", "true"]);
        let chosen = (0..3).map(|n| rules[(round * 5 + n * (round % 3 + 1)) % rules.len()]);
        project.write(".gitignore", chosen.collect::<Vec<_>>().join("\n") + "\n");
        // One name of those that only differ in case: git takes two for one.
        for name in
            names.iter().filter(|name| round % 2 == 0 || !name.starts_with('B') && !name.starts_with('K'))
        {
            project.write(name, "new\n");
        }
        let wanted = new_for_git(&project);
        project.snap(&["save", "x"]).exits(0);
        let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
        let files = shown["edits"]["files"].as_array().must("edits").iter();
        let mut saved: Vec<String> =
            files.map(|file| file["path"].as_str().must("a path").to_owned()).collect();
        saved.sort();
        assert_eq!(
            saved,
            wanted,
            "round {round}: {:?}",
            String::from_utf8_lossy(&project.read(".gitignore"))
        );
    }
}
