//! The index: its marks, its odd entries, and nothing lost to another git that works meanwhile.

use std::fs;

use claude_snap::error::Kind;
use claude_snap::git::{Place, Repository};
use claude_snap::ids::SnapshotId;
use claude_snap::manifest::HiddenBy;

use crate::support::Must;
use crate::support::project::Project;

#[test]
fn what_another_git_stages_between_plan_and_lock_is_noticed() {
    let project = Project::new();
    let Ok(Place::WorkTree(repository)) = Repository::discover(project.root()) else {
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
        let hidden = if "Ss".contains(tag) { "skipped" } else { ["", "assumed"][usize::from(tag == "h")] };
        let version = if stage == "0" { format!("{mode} {oid}") } else { "unmerged".to_owned() };
        format!("{hidden} {version} {path}")
    });
    entries.collect()
}

fn listed_by_us(project: &Project) -> Vec<String> {
    let Ok(Place::WorkTree(repository)) = Repository::discover(project.root()) else {
        panic!("a repository");
    };
    let listing = repository.status().must("the status");
    let entries = listing.index.entries().map(|entry| {
        let hidden = match entry.hidden {
            None => "",
            Some(HiddenBy::SkipWorktree) => "skipped",
            Some(HiddenBy::AssumeUnchanged) => "assumed",
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
