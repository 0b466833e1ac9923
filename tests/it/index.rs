//! The index: its marks, its odd entries, and nothing lost to another git that works meanwhile.

use std::fs;

use claude_snap::base::error::Kind;
use claude_snap::base::ids::SnapshotId;
use claude_snap::git::{Location, Repository};
use claude_snap::manifest::HiddenBy;

use crate::support::Must;
use crate::support::project::Project;

#[test]
fn what_another_git_stages_between_plan_and_lock_is_noticed() {
    let project = Project::new();
    let Ok(Location::WorkTree(repository)) = Repository::discover(project.root()) else {
        panic!("a repository");
    };
    project.write("a.txt", "edited\n");
    let seen = repository.status().must("the status").seen();
    let id = SnapshotId::random();
    repository.lock_index(&id, Some(&seen)).must("nothing happened").release().must("to release");
    // A status that only writes the same index again is no change.
    project.write("b.txt", "stays\n");
    project.git(&["status"]);
    repository.lock_index(&id, Some(&seen)).must("nothing was staged").release().must("to release");
    project.git(&["add", "a.txt"]);
    let refused = repository.lock_index(&id, Some(&seen)).err().must("a refusal");
    assert_eq!(refused.kind(), Kind::Conflict);
    assert!(!project.path(".git/index.lock").exists());
    let seen = repository.status().must("the status").seen();
    project.git(&["commit", "-qm", "committed meanwhile"]);
    assert!(repository.lock_index(&id, Some(&seen)).is_err());
}

#[test]
fn marks_that_hide_edits_are_restored_and_undone_with_the_rest() {
    let project = Project::new();
    project.git(&["update-index", "--assume-unchanged", "b.txt"]);
    project.write("b.txt", "hidden edit\n");
    project.snap(&["save", "x"]).exits(0);
    let saved = project.state_with_flags();
    project.git(&["update-index", "--no-assume-unchanged", "b.txt"]);
    project.git(&["checkout", "-q", "--", "b.txt"]);
    // Marked here and clean: an undo must bring that back too.
    project.git(&["update-index", "--skip-worktree", "a.txt"]);
    project.write("run.sh", "changed\n");
    let before = project.state_with_flags();
    project.snap(&["rewind", "x"]).exits(0);
    assert!(project.git(&["ls-files", "-v"]).contains("h b.txt"));
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.state_with_flags(), before);
    project.git(&["update-index", "--no-skip-worktree", "a.txt"]);
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.state_with_flags(), saved);
    project.git(&["update-index", "--skip-worktree", "--no-assume-unchanged", "b.txt"]);
    let other_mark = project.state_with_flags();
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.state_with_flags(), saved, "one mark in place of another");
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.state_with_flags(), other_mark);
}

#[test]
fn the_mode_of_a_file_meant_to_be_added_is_that_of_the_moment_it_was_meant() {
    let project = Project::new();
    let clone = project.cloned();
    for name in ["later executable", "later a link", "later gone", "executable, later not"] {
        project.write(name, "content\n");
    }
    project.make_executable("executable, later not");
    project.git(&["add", "-N", "."]);
    project.make_executable("later executable");
    for name in ["later a link", "later gone", "executable, later not"] {
        fs::remove_file(project.path(name)).must("to remove");
    }
    std::os::unix::fs::symlink("a.txt", project.path("later a link")).must("a link");
    project.write("executable, later not", "content\n");
    let state = project.state();
    project.snap(&["save", "x"]).exits(0);
    let store = project.stored("");
    clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
    assert_eq!(clone.state(), state);
    project.git(&["rm", "-rq", "--cached", "-f", "later executable", "later gone"]);
    let wrecked = project.state();
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.state(), state);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.state(), wrecked);
}

/// What git lists of every entry: whether it is hidden, mode and id unless unmerged, path.
fn listed_by_git(project: &Project) -> Vec<String> {
    let list = project.git(&["ls-files", "--stage", "-v", "-z"]);
    let entries = list.split('\0').filter(|entry| !entry.is_empty()).map(|entry| {
        let (facts, path) = entry.split_once('\t').must("a path");
        let [tag, mode, oid, stage] = facts.split(' ').collect::<Vec<_>>().try_into().must("four facts");
        let hidden = match tag {
            "S" => "skipped",
            "s" => "both",
            "h" => "assumed",
            _ => "",
        };
        let version = if stage == "0" { format!("{mode} {oid}") } else { "unmerged".to_owned() };
        format!("{hidden} {version} {path}")
    });
    entries.collect()
}

fn listed_by_us(project: &Project) -> Vec<String> {
    let Ok(Location::WorkTree(repository)) = Repository::discover(project.root()) else {
        panic!("a repository");
    };
    let listing = repository.status().must("the status");
    let entries = listing.index.entries().map(|entry| {
        let hidden = match entry.hidden {
            None => "",
            Some(HiddenBy::SkipWorktree) => "skipped",
            Some(HiddenBy::AssumeUnchanged) => "assumed",
            Some(HiddenBy::Both) => "both",
        };
        let version = entry.version();
        let version = version.map(|version| format!("{} {}", version.mode.octal(), version.oid));
        let version = version.unwrap_or_else(|| "unmerged".to_owned());
        format!("{hidden} {version} {}", String::from_utf8_lossy(entry.path))
    });
    entries.collect()
}

#[test]
fn the_index_is_read_as_git_reads_it_in_every_version_and_form() {
    let project = Project::new();
    for number in 0..40 {
        project.write(format!("folder {}/ä{number}.txt", number / 7), format!("{number}\n"));
    }
    project.write("long/".repeat(60).as_str().trim_end_matches('/'), "deep\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "many"]);
    project.git(&["checkout", "-q", "-b", "other"]);
    project.write("a.txt", "theirs\n");
    project.git(&["commit", "-qam", "theirs"]);
    project.git(&["checkout", "-q", "-"]);
    project.write("a.txt", "ours\n");
    project.git(&["commit", "-qam", "ours"]);
    assert!(!project.try_git(&["merge", "-q", "other"]), "a conflict");
    project.git(&["update-index", "--chmod=+x", "folder 0/ä1.txt"]);
    project.git(&["update-index", "--assume-unchanged", "folder 0/ä2.txt"]);
    project.git(&["update-index", "--skip-worktree", "folder 1/ä8.txt"]);
    project.git(&["update-index", "--skip-worktree", "folder 1/ä9.txt"]);
    project.git(&["update-index", "--assume-unchanged", "folder 1/ä9.txt"]);
    project.write("meant.txt", "to be added\n");
    project.git(&["add", "--intent-to-add", "meant.txt"]);
    for form in [
        &["update-index", "--index-version", "2"][..],
        &["update-index", "--index-version", "4"],
        &["update-index", "--index-version", "3"],
        &["update-index", "--split-index"],
        &["update-index", "--no-split-index"],
        &["update-index", "--untracked-cache"],
    ] {
        project.git(form);
        let expected = listed_by_git(&project);
        assert!(expected.len() > 45 && expected.iter().any(|entry| entry.contains("unmerged")), "{form:?}");
        assert_eq!(listed_by_us(&project), expected, "{form:?}");
    }
}

/// git looks at every file's content anew, unless what it noted of each still holds.
fn believes_its_notes(project: &Project) -> bool {
    project.try_git(&["diff-index", "--quiet", "HEAD", "--"])
}

#[test]
fn a_tree_that_was_restored_to_be_clean_is_clean_for_git_without_a_second_look() {
    let project = Project::new();
    project.snap(&["save", "clean"]).exits(0);
    fs::remove_file(project.path("a.txt")).must("to remove");
    project.write("sub/c.txt", "changed\n");
    project.snap(&["rewind", "clean"]).exits(0);
    assert!(believes_its_notes(&project));
    project.snap(&["undo"]).exits(0);
    project.git(&["checkout", "-q", "--", "."]);
    project.write("b.txt", "edited\n");
    project.snap(&["save", "edited"]).exits(0);
    project.git(&["checkout", "-q", "--", "."]);
    project.snap(&["resume", "edited"]).exits(0);
    project.snap(&["undo"]).exits(0);
    assert!(believes_its_notes(&project));
}

#[test]
fn a_lock_on_the_index_is_no_reason_to_leave_files_that_the_index_need_not_change_for() {
    let project = Project::new();
    project.snap(&["save", "clean"]).exits(0);
    project.write("a.txt", "changed\n");
    project.write(".git/index.lock", "");
    project.snap(&["rewind", "clean"]).exits(0);
    assert_eq!(project.read("a.txt"), b"one\ntwo\nthree\n");
    assert_eq!(project.read(".git/index.lock"), b"", "it is somebody else's");
}

#[test]
fn an_edit_that_git_knows_only_from_a_second_look_is_not_taken_for_clean() {
    let project = Project::new();
    project.git(&["config", "core.trustctime", "false"]);
    let then = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_790_000_000);
    let set_time = |name: &str| {
        let file = fs::File::options().append(true).open(project.path(name)).must("a file");
        file.set_modified(then).must("to set its time");
    };
    set_time("b.txt");
    project.git(&["update-index", "--refresh"]);
    // The same size, time and inode as git noted, in the same moment as the index.
    project.write("b.txt", "STAYS\n");
    set_time("b.txt");
    set_time(".git/index");
    let status = project.git(&["status", "--porcelain"]);
    assert!(status.contains(" M b.txt"), "{status}");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "changed\n");
    project.git(&[
        "--no-optional-locks",
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("100644,{},new", project.git(&["rev-parse", ":b.txt"]).trim()),
    ]);
    project.write("b.txt", "STAYS\n");
    set_time("b.txt");
    set_time(".git/index");
    project.snap(&["rewind", "x"]).exits(0);
    let status = project.git(&["status", "--porcelain"]);
    assert!(status.contains(" M b.txt"), "{status}");
}

/// Has `path` in the index only, saves `other` staged in another project, and brings that here.
fn beside(path: &str, other: &str) -> Project {
    let source = Project::new();
    source.write(other, "saved\n");
    source.git(&["add", other]);
    source.snap(&["save", "x"]).exits(0);
    let project = source.cloned();
    project.write(path, "in the index only\n");
    project.git(&["add", path]);
    fs::remove_file(project.path(path)).must("to remove");
    let _empty = path.split_once('/').map(|(folder, _)| fs::remove_dir(project.path(folder)));
    let store = source.stored("");
    let store = store.to_str().must("UTF-8");
    let before = project.state();
    project.snap(&["resume", "x", "--store", store]).exits(4).says(&[&format!("{other}: "), "staged here"]);
    assert_eq!(project.state(), before);
    let merged = project.snap(&["resume", "x", "--merge", "--store", store]);
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    assert!(merged.stderr.contains(path), "{}", merged.stderr);
    assert!(project.git(&["ls-files", "-s"]).contains(path), "what is staged stays staged");
    assert_eq!(project.read(other), b"saved\n");
    project.snap(&["undo", "--store", store]).exits(0);
    assert_eq!(project.state(), before);
    project.snap(&["rewind", "x", "--store", store]).exits(0);
    assert_eq!(project.git(&["diff", "--cached", "--name-only"]), format!("{other}\n"));
    project.snap(&["undo", "--store", store]).exits(0);
    assert_eq!(project.state(), before);
    project
}

#[test]
fn what_is_staged_alone_below_or_above_a_path_that_comes_back_is_kept_and_undone() {
    beside("n/in", "n");
    beside("n", "n/in");
}

#[test]
fn an_undo_brings_back_what_the_index_had_no_room_for_since() {
    let project = Project::new();
    project.write("n", "a file\n");
    project.git(&["add", "n"]);
    let before = project.state();
    project.snap(&["save", "x"]).exits(0);
    project.git(&["rm", "-q", "--cached", "n"]);
    fs::remove_file(project.path("n")).must("to remove");
    project.snap(&["rewind", "x"]).exits(0);
    project.snap(&["undo"]).exits(0);
    project.write("n/in", "in a folder\n");
    project.git(&["add", "n/in"]);
    fs::remove_dir_all(project.path("n")).must("to remove");
    let since = project.state();
    // The undo of the undo sets `n` alone, but takes `n/in` out of the index.
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.state(), before);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.state(), since);
}

#[test]
fn a_new_entry_that_is_marked_goes_and_comes_back_with_its_mark() {
    for mark in ["--assume-unchanged", "--skip-worktree"] {
        let project = Project::new();
        project.snap(&["save", "x"]).exits(0);
        let clean = project.state_with_flags();
        project.write("n", "new\n");
        project.git(&["add", "n"]);
        project.git(&["update-index", mark, "n"]);
        let before = project.state_with_flags();
        project.snap(&["rewind", "x"]).exits(0);
        assert_eq!(project.state_with_flags(), clean, "{mark}");
        project.snap(&["undo"]).exits(0);
        assert_eq!(project.state_with_flags(), before, "{mark}");
    }
}

#[test]
fn a_repository_that_ignores_case_hides_nothing_on_a_disk_that_does_not() {
    let project = Project::new();
    project.write("Src/Main.c", "main\n");
    project.write("Readme", "read me\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "names"]);
    project.git(&["config", "core.ignorecase", "true"]);
    fs::rename(project.path("Src"), project.path("src")).must("to rename");
    project.write("src/Main.c", "edited\n");
    fs::rename(project.path("Readme"), project.path("README")).must("to rename");
    project.write("src/main.c", "another one\n");
    project.write("sRC/new", "new\n");
    let state = |project: &Project| {
        project.git(&["config", "core.ignorecase", "false"]);
        let state = project.state();
        project.git(&["config", "core.ignorecase", "true"]);
        state
    };
    let before = state(&project);
    let saved = project.snap(&["save", "x", "--json"]).exits(0).json();
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    let paths: Vec<&str> = shown["edits"]["files"]
        .as_array()
        .must("files")
        .iter()
        .filter_map(|file| file["path"].as_str())
        .collect();
    assert_eq!(paths, ["README", "Readme", "Src/Main.c", "sRC/new", "src/Main.c", "src/main.c"], "{saved}");
    for name in ["src", "sRC"] {
        fs::remove_dir_all(project.path(name)).must("to remove");
    }
    project.write("SRC/MAIN.C", "made since\n");
    project.git(&["-c", "core.ignorecase=false", "add", "-N", "SRC/MAIN.C"]);
    let wrecked = state(&project);
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(state(&project), before);
    project.snap(&["undo"]).exits(0);
    assert_eq!(state(&project), wrecked);
}

#[test]
fn what_a_restore_writes_is_clean_for_git_where_its_size_on_the_disk_is_another_one_than_before() {
    const CASES: [(&str, &str, &[u8]); 3] = [
        ("line ends that git would not make", "f text=auto\n", b"a\r\nb\r\n"),
        ("a keyword", "f ident\n", b"$Id$\n"),
        ("an encoding without its mark", "f text working-tree-encoding=UTF-16\n", b"\xff\xfea\0\r\0\n\0"),
    ];
    type Wreck = (&'static str, fn(&Project));
    const WRECKS: [Wreck; 3] = [
        ("edited", |p| p.write("f", "another\n")),
        ("removed", |p| fs::remove_file(p.path("f")).must("to remove")),
        ("removed and marked", |p| {
            p.git(&["update-index", "--skip-worktree", "f"]);
            fs::remove_file(p.path("f")).must("to remove");
        }),
    ];
    for (name, attributes, content) in CASES {
        for (wreck, act) in WRECKS {
            let project = Project::new();
            project.write(".gitattributes", attributes);
            project.write("f", content);
            project.git(&["add", "."]);
            project.git(&["commit", "-qm", name]);
            project.snap(&["save", "x"]).exits(0);
            act(&project);
            project.snap(&["rewind", "x"]).exits(0);
            project.git(&["diff-index", "--quiet", "HEAD"]);
            assert_eq!(project.git(&["status", "--porcelain"]), "", "{name}, {wreck}");
        }
    }
}

/// A project with many files, of which some are edited, staged, new, gone or both: saved as `x`, and all of it gone again.
fn many_kinds() -> Project {
    let project = Project::new();
    for number in 0..90 {
        project.write(format!("d{}/s/f{number}", number % 9), format!("file {number}\n"));
    }
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "many"]);
    for number in (0..90).step_by(3) {
        project.write(format!("d{}/s/f{number}", number % 9), format!("edit of {number}\n"));
    }
    project.git(&["add", "d0", "d3/s"]);
    project.write("d3/s/f3", "edited once more\n");
    project.write("d1/new", "staged\n");
    project.make_executable("d1/new");
    project.write("e/n/new", "staged too\n");
    project.git(&["add", "d1/new", "e"]);
    project.git(&["rm", "-q", "d2/s/f2", "d4/s/f4"]);
    project.write("d4/s/f4", "back, and not staged\n");
    std::os::unix::fs::symlink("a.txt", project.path("d5/link")).must("a link");
    project.git(&["add", "d5/link"]);
    project.snap(&["save", "x"]).exits(0);
    project.git(&["reset", "-q", "--hard"]);
    // What is noted in the second in which a file was written is looked at again by git.
    let earlier = std::time::SystemTime::now() - std::time::Duration::from_secs(3_600);
    for file in project.git(&["ls-files", "-z"]).split_terminator('\0') {
        let file = fs::File::open(project.path(file)).must("a file");
        file.set_modified(earlier).must("another time");
    }
    project.git(&["status"]);
    project
}

/// The tree that git makes of the index: with what the index says of folders, and without.
fn trees(project: &Project) -> [String; 2] {
    let with = project.git(&["write-tree"]);
    let entries = project.git(&["ls-files", "--stage", "-z"]);
    let (list, other) = (project.path("../entries"), project.path("../another index"));
    fs::write(&list, entries).must("a list");
    let run = |arguments: &[&str]| {
        let input = fs::File::open(&list).must("the list");
        let mut command = project.git_command(arguments);
        let output = command.env("GIT_INDEX_FILE", &other).stdin(input).output().must("to run git");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(&["update-index", "-z", "--index-info"]);
    [with, run(&["write-tree"])]
}

#[test]
fn what_git_notes_of_restored_files_is_right_without_its_looking_at_any() {
    for way in ["whole", "each"] {
        let project = many_kinds().syncs(way);
        let before = project.state_with_flags();
        project.snap(&["rewind", "x"]).exits(0);
        // It compares what is noted, and reads nothing.
        let differ = project.git(&["diff-files", "--name-only"]);
        let really = project.git(&["diff", "--name-only"]);
        assert_eq!(differ, really, "{way}");
        assert!(really.contains("d6/s/f"), "{really}");
        let [with, without] = trees(&project);
        assert_eq!(with, without, "{way}");
        project.git(&["fsck", "--no-dangling"]);
        // A later edit of the same size is seen.
        let edited = project.read("d0/s/f0");
        project.write("d0/s/f0", edited.iter().map(u8::to_ascii_uppercase).collect::<Vec<u8>>());
        assert!(project.git(&["status", "--porcelain"]).contains("MM d0/s/f0"), "{way}");
        project.write("d0/s/f0", edited);
        project.snap(&["undo"]).exits(0);
        assert_eq!(project.state_with_flags(), before, "{way}");
    }
}

#[test]
fn no_git_goes_through_all_files_for_what_a_restore_has_put_in_place() {
    if !crate::support::trace::available("which programs a restore starts") {
        return;
    }
    let project = many_kinds();
    let (ran, log) =
        crate::support::trace::traced_with_all(&project, &["-e", "trace=execve"], &["rewind", "x"]);
    ran.exits(0);
    assert!(log.contains("status") && !log.contains("update-index"), "{log}");
}
