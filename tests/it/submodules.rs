//! Submodules: which commit is staged is kept and comes back; their own files are never touched.

use std::fs;

use crate::support::Must;
use crate::support::project::{Project, git_in};

/// A project with the submodules `lib` and `gone`, and the two commits that `lib` has.
fn project() -> (Project, [String; 2]) {
    let project = Project::new();
    let source = project.home.path().join("library");
    fs::create_dir(&source).must("a folder");
    let git = |arguments: &[&str]| git_in(&project.home, &source, arguments).trim().to_owned();
    git(&["init", "-q", "-b", "main"]);
    let commit = |content: &str| {
        fs::write(source.join("lib.txt"), content).must("a file");
        git(&["add", "."]);
        git(&["commit", "-qm", content]);
        git(&["rev-parse", "HEAD"])
    };
    let commits = [commit("one"), commit("two")];
    git(&["checkout", "-q", &commits[0]]);
    let source = source.to_str().must("UTF-8");
    for name in ["lib", "gone"] {
        project.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", source, name]);
    }
    project.git(&["commit", "-qm", "submodules"]);
    (project, commits)
}

fn inside(project: &Project, arguments: &[&str]) -> String {
    git_in(&project.home, &project.path("lib"), arguments)
}

#[test]
fn the_staged_commit_of_a_submodule_comes_back_and_its_files_are_left_alone() {
    let (project, [one, two]) = project();
    let clone = project.cloned();
    inside(&project, &["fetch", "-q", "origin", "main"]);
    inside(&project, &["checkout", "-q", &two]);
    project.git(&["add", "lib"]);
    project.git(&["rm", "-q", "gone"]);
    project.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{one},new/sub")]);
    fs::create_dir_all(project.path("new/sub")).must("a folder");
    let staged = project.git(&["ls-files", "-s"]);
    project.snap(&["save", "x"]).exits(0);
    assert_eq!(project.git(&["ls-files", "-s"]), staged);
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    assert_eq!(shown["requires"], serde_json::json!(["submodules"]));

    let store = project.stored("");
    clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
    assert_eq!(clone.git(&["ls-files", "-s"]), staged);
    assert_eq!(
        clone.git(&["status", "--porcelain", "--no-renames"]),
        "M  .gitmodules\nD  gone\nM  lib\nA  new/sub\n"
    );

    project.git(&["read-tree", "--reset", "HEAD"]);
    let before = project.git(&["ls-files", "-s"]);
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.git(&["ls-files", "-s"]), staged);
    assert_eq!(
        inside(&project, &["rev-parse", "HEAD"]).trim(),
        two,
        "what is checked out inside is not ours"
    );
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.git(&["ls-files", "-s"]), before);
}

#[test]
fn what_is_not_saved_of_a_submodule_is_named() {
    let (project, [_, two]) = project();
    project.write("lib/lib.txt", "edited inside\n");
    project.snap(&["save", "edited"]).exits(6).says(&["not saved: lib/ (a submodule with edits inside"]);
    inside(&project, &["fetch", "-q", "origin", "main"]);
    inside(&project, &["checkout", "-q", "-f", &two]);
    project.snap(&["save", "moved"]).exits(6).says(&["lib/ (a submodule with another commit checked out"]);
    project.git(&["add", "lib"]);
    project.snap(&["save", "staged"]).exits(0);
    // Another one staged here is a conflict like any other, and can be rewound.
    project.git(&["update-index", "--cacheinfo", "160000,1111111111111111111111111111111111111111,lib"]);
    project.snap(&["resume", "staged"]).exits(4).says(&["lib: something else is staged here"]);
    project.snap(&["rewind", "staged"]).exits(0);
    assert!(project.git(&["ls-files", "-s", "lib"]).contains(&two));
    project.snap(&["undo"]).exits(0);
    assert!(project.git(&["ls-files", "-s", "lib"]).contains("11111111"));
}

#[test]
fn a_file_becomes_a_submodule_and_a_submodule_a_file() {
    let (project, [one, _]) = project();
    let clone = project.cloned();
    fs::remove_file(project.path("a.txt")).must("to remove");
    project.git(&["update-index", "--cacheinfo", &format!("160000,{one},a.txt")]);
    fs::create_dir(project.path("a.txt")).must("a folder");
    project.git(&["rm", "-q", "gone"]);
    project.write("gone", "a file now\n");
    project.git(&["add", "gone"]);
    let state = project.git(&["status", "--porcelain", "--ignore-submodules=none"]);
    project.snap(&["save", "x"]).exits(0);
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    clone.snap(&["resume", "x", "--store", store]).exits(0);
    assert_eq!(clone.git(&["status", "--porcelain", "--ignore-submodules=none"]), state);
    assert_eq!(clone.read("gone"), b"a file now\n");
    clone.snap(&["undo", "--store", store]).exits(0);
    assert_eq!(clone.git(&["status", "--porcelain"]), "");
    assert_eq!(clone.read("a.txt"), b"one\ntwo\nthree\n");
}

#[test]
fn a_staged_submodule_is_shown_as_git_shows_it_and_merged() {
    let (project, [one, two]) = project();
    let clone = project.cloned();
    project.git(&["update-index", "--cacheinfo", &format!("160000,{two},lib")]);
    inside(&project, &["fetch", "-q", "origin", "main"]);
    inside(&project, &["checkout", "-q", &two]);
    project.write("b.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    let shown = project.snap(&["show", "x"]).exits(0).stdout;
    assert!(shown.contains(&format!("submodule, {} → {}", &one[..10], &two[..10])), "{shown}");
    let patch = project.snap(&["diff", "x", "--patch", "--", "lib"]).exits(0).stdout;
    let staged = project.git(&["diff", "--cached", "--full-index", "--", "lib"]);
    assert_eq!(patch, staged);
    assert_eq!(project.snap(&["diff", "x", "--now", "--name-only"]).exits(0).stdout, "");

    clone.write("b.txt", "upstream\nstays\n");
    clone.git(&["commit", "-qam", "upstream"]);
    let store = project.stored("");
    clone
        .snap(&["resume", "x", "--merge", "--store", store.to_str().must("UTF-8")])
        .exits(6)
        .says(&["b.txt"]);
    assert!(clone.git(&["ls-files", "-s", "lib"]).contains(&two));
}

#[test]
fn a_list_of_submodules_in_conflict_keeps_nothing_else_from_coming_back() {
    let (project, [_, two]) = project();
    inside(&project, &["fetch", "-q", "origin", "main"]);
    project.git(&["branch", "other"]);
    project.write(".gitmodules", "<<<<<<< ours\n=======\n>>>>>>> theirs\n");
    project.write("a.txt", "edited\n");
    let before = project.git(&["ls-files", "-s"]);
    project.snap(&["save", "x"]).exits(0);
    inside(&project, &["checkout", "-q", &two]);
    project.git(&["add", "lib"]);
    project.write("b.txt", "committed\n");
    project.git(&["add", "b.txt"]);
    project.git(&["commit", "-qm", "moved"]);
    fs::remove_file(project.path("a.txt")).must("to remove");
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.git(&["ls-files", "-s"]), before);
    assert_eq!((project.read("a.txt"), project.read("b.txt")), (b"edited\n".to_vec(), b"stays\n".to_vec()));
    project.snap(&["diff", "x", "--now"]).exits(0);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("b.txt"), b"committed\n");
    project.git(&["checkout", "-q", "--", "a.txt"]);
    project.snap(&["resume", "x", "--merge"]).exits(0);
    assert_eq!(project.read("a.txt"), b"edited\n");
}

#[test]
fn a_submodule_whose_folder_is_gone_is_named() {
    let (project, _) = project();
    fs::remove_dir_all(project.path("lib")).must("to remove");
    project.snap(&["save", "x"]).exits(6).says(&["not saved: lib/ (a submodule whose folder is gone"]);
    project.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "lib"]);
    let plan = project.snap(&["rewind", "x", "--dry-run"]).exits(0).stdout;
    assert!(plan.contains("lib/ (a submodule whose folder is gone"), "{plan}");
}

#[test]
fn a_rewind_makes_the_folder_of_a_submodule_again_and_names_what_fills_it() {
    let (project, _) = project();
    project.snap(&["save", "x"]).exits(0);
    let fills = "`git submodule update --init` brings its files";
    fs::remove_dir_all(project.path("lib")).must("to remove");
    let ran = project.snap(&["rewind", "x"]).exits(0);
    assert!(ran.stderr.contains(fills) && !ran.stderr.contains("Nothing had to be done"), "{ran:?}");
    assert_eq!(project.git(&["status", "--porcelain"]), "");
    project.snap(&["undo"]).exits(0);
    assert!(!project.path("lib").exists());
    assert_eq!(project.git(&["status", "--porcelain"]), " D lib\n");
    project.git(&["rm", "-q", "lib"]);
    project.git(&["commit", "-qm", "without lib"]);
    let ran = project.snap(&["rewind", "x"]).exits(0);
    assert!(ran.stderr.contains(fills), "{ran:?}");
    assert!(project.path("lib").is_dir());
    project.snap(&["rewind", "x"]).exits(0).says(&["Nothing had to be done"]);
}

#[test]
fn a_submodule_whose_folder_is_gone_is_named_by_all_that_compare() {
    let (project, _) = project();
    project.snap(&["save", "x"]).exits(0);
    let status = || project.snap(&["status"]).exits(0).stdout;
    assert!(!status().contains("submodule"));
    fs::remove_dir_all(project.path("lib")).must("to remove it");
    let gone = "the folder of the submodule lib is gone since";
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&status()).contains(gone), "{}", status());
    project.snap(&["diff", "x", "--now"]).exits(0).says(&[gone, "`git submodule update --init lib`"]);
    project.snap(&["rewind", "x"]).exits(0);
    assert!(project.path("lib").is_dir());
    assert!(!status().contains("submodule"), "an empty folder is what a clone has");
    project.snap(&["undo"]).exits(0);
    assert!(!project.path("lib").exists() && words(&status()).contains(gone), "{}", status());
    project.snap(&["redo"]).exits(0);
    assert!(project.path("lib").is_dir());
    // A snapshot that was saved so has it so.
    fs::remove_dir_all(project.path("lib")).must("to remove it");
    project.snap(&["save", "y"]).exits(6).says(&["a submodule whose folder is gone"]);
    assert!(!status().contains("is gone since"), "{}", status());
}

#[test]
fn a_rewind_before_a_submodule_says_that_its_folder_stays() {
    let (project, _) = project();
    project.git(&["rm", "-q", "--cached", "gone"]);
    fs::remove_dir_all(project.path("gone")).must("to remove it");
    fs::remove_dir_all(project.path(".git/modules/gone")).must("to remove it");
    project.git(&["commit", "-qam", "one left"]);
    project.snap(&["save", "nosub"]).exits(0);
    let from = project.home.path().join("library");
    let from = from.to_str().must("UTF-8");
    let stays = "a git repository of its own, which is new";
    let add =
        || project.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", from, "new"]);
    add();
    for step in ["staged", "committed", "taken out of the index"] {
        match step {
            "committed" => drop(project.git(&["commit", "-qm", "a third"])),
            "taken out of the index" => drop(project.git(&["rm", "-q", "--cached", "new"])),
            _ => {}
        }
        let plan = project.snap(&["rewind", "nosub", "--dry-run"]).exits(0).stdout;
        let line = plan.lines().filter(|line| line.contains(stays)).collect::<Vec<_>>();
        assert!(line.len() == 1 && line[0].contains("new"), "{step}: {plan}");
        project.snap(&["rewind", "nosub"]).exits(0).says(&[stays]);
        assert!(project.path("new/lib.txt").exists(), "{step}");
        let again = project.snap(&["rewind", "nosub", "--dry-run"]).exits(0).stdout;
        assert!(again.contains(stays), "{step}: {again}");
        project.snap(&["undo"]).exits(0);
        assert!(project.path("new/lib.txt").exists(), "{step}");
    }
}

#[test]
fn a_file_in_the_place_of_a_submodule_is_saved_and_no_restore_loses_it() {
    for (kind, committed, mark) in [
        ("file", true, ""),
        ("link", true, ""),
        ("file", false, ""),
        ("link", false, ""),
        ("file", true, "--assume-unchanged"),
        ("link", true, "--skip-worktree"),
        ("link", false, "--assume-unchanged"),
    ] {
        let (project, [_, two]) = project();
        project.write("b.txt", "before\n");
        project.snap(&["save", "before"]).exits(0);
        fs::remove_dir_all(project.path("lib")).must("to remove it");
        if !committed {
            project.git(&["update-index", "--cacheinfo", &format!("160000,{two},lib")]);
        }
        match kind {
            "file" => project.write("lib", "my only copy\n"),
            _ => std::os::unix::fs::symlink("/somewhere", project.path("lib")).must("a link"),
        }
        if !mark.is_empty() {
            project.git(&["update-index", mark, "lib"]);
        }
        // Git itself lists nothing more with a link there.
        let content = || {
            let kept = fs::read_link(project.path("lib")).map(|to| to.display().to_string().into_bytes());
            kept.or_else(|_| fs::read(project.path("lib"))).ok().zip(Some(project.git(&["ls-files", "-sv"])))
        };
        let here = content();
        assert!(here.is_some());
        let changed = project.snap(&["diff", "before", "--now", "--name-only"]).exits(0).stdout;
        assert!(changed.contains("lib"), "{kind}: {changed}");
        project.snap(&["save", "two"]).exits(0);
        let changed = project.snap(&["diff", "two", "--now"]).exits(0).stdout;
        assert!(!changed.contains("lib"), "{kind}: {changed}");
        fs::remove_file(project.path("lib")).must("to remove it");
        project.snap(&["rewind", "two"]).exits(0);
        assert_eq!(content(), here, "{kind} {committed}: rewound");
        project.snap(&["rewind", "before"]).exits(0);
        assert!(content().is_none(), "{kind} {committed}: as it was before");
        project.snap(&["undo"]).exits(0);
        assert_eq!(content(), here, "{kind} {committed}: undone");
    }
}

#[test]
fn files_in_a_folder_of_a_submodule_that_is_no_repository_are_named() {
    let (project, _) = project();
    fs::remove_dir_all(project.path("lib")).must("to remove it");
    project.write("lib/mine.txt", "my only copy\n");
    project
        .snap(&["save", "two"])
        .exits(6)
        .says(&["lib/ (files in the folder of a submodule that is no repository"]);
    project.snap(&["rewind", "two"]).exits(0);
    assert_eq!(project.read("lib/mine.txt"), b"my only copy\n");
}
