//! Renames and copies: kept as what they are, shown so, and restored like everything else.

use std::fs;

use serde_json::Value;

use crate::support::Must;
use crate::support::project::{Project, files_below};

fn text(lines: std::ops::Range<u32>) -> String {
    lines.map(|number| format!("line number {number} of a text that somebody wrote\n")).collect()
}

/// A project whose snapshot `x` has a rename that git knows, one with edits that it does not, a
/// moved folder, a copy, and a new file that only looks a little like one that is gone.
fn project() -> Project {
    let project = Project::new();
    project.write("long.txt", text(0..200));
    project.write("other.txt", text(1_000..1_200));
    project.write("kept.txt", text(2_000..2_100));
    project.write("was/deep/one.rs", text(3_000..3_050));
    project.write("was/deep/two.rs", text(4_000..4_050));
    project.write("blob", (0..40_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "more"]);
    project.git(&["mv", "long.txt", "renamed.txt"]);
    fs::remove_file(project.path("other.txt")).must("to remove");
    project.write("dir/moved and edited.txt", text(1_000..1_150) + "and one more\n");
    fs::rename(project.path("was/deep"), project.path("now")).must("to rename");
    project.write("now/two.rs", text(4_000..4_050) + "// edited\n");
    project.write("copy of kept.txt", text(2_000..2_100));
    project.git(&["mv", "blob", "moved blob"]);
    project.make_executable("moved blob");
    fs::remove_file(project.path("b.txt")).must("to remove");
    project.write("stranger.txt", text(9_000..9_020));
    project
}

fn edits(project: &Project) -> Vec<(String, String, String)> {
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    assert_eq!(
        shown["requires"],
        serde_json::json!(["renames"]),
        "an older reader must not misread the diffs"
    );
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let files = shown["edits"]["files"].as_array().must("files").clone();
    files
        .iter()
        .filter(|file| file["change"] != "deleted")
        .map(|file| (text(&file["change"]), text(&file["from"]["path"]), text(&file["path"])))
        .collect()
}

#[test]
fn a_renamed_file_is_kept_as_what_changed_in_it() {
    let project = project();
    project.snap(&["save", "x"]).exits(0);
    let found = edits(&project);
    let found: Vec<(&str, &str, &str)> =
        found.iter().map(|(change, from, path)| (change.as_str(), from.as_str(), path.as_str())).collect();
    assert_eq!(
        found,
        [
            ("copied", "kept.txt", "copy of kept.txt"),
            ("renamed", "other.txt", "dir/moved and edited.txt"),
            ("renamed", "blob", "moved blob"),
            ("renamed", "was/deep/one.rs", "now/one.rs"),
            ("renamed", "was/deep/two.rs", "now/two.rs"),
            ("renamed", "long.txt", "renamed.txt"),
            ("added", "-", "stranger.txt"),
        ]
    );
    let mut objects = files_below(&project.stored("objects"));
    objects.retain(|file| file.extension().is_some_and(|kind| kind == "zst"));
    let size: u64 = objects.iter().map(|file| file.metadata().must("an object").len()).sum();
    assert!(size < 2_000, "{size} bytes: the content is in the base, and not kept again");
}

#[test]
fn renames_are_shown_as_renames_everywhere() {
    let project = project();
    let saved = project.snap(&["save", "x"]).exits(0).stdout;
    assert!(saved.contains("8 edited files (+22 -51)"), "{saved}");
    let shown = project.snap(&["show", "x"]).exits(0).stdout;
    assert!(shown.contains("R was/deep/two.rs -> now/two.rs"), "{shown}");
    assert!(shown.contains("C kept.txt -> copy of kept.txt"), "{shown}");
    assert!(!shown.contains("D long.txt") && shown.contains("D b.txt"), "{shown}");
    let status = project.snap(&["diff", "x", "--name-status"]).exits(0).stdout;
    let lines: Vec<&str> = status.lines().collect();
    assert_eq!(
        lines,
        [
            "D\tb.txt",
            "C\tkept.txt\tcopy of kept.txt",
            "R\tother.txt\tdir/moved and edited.txt",
            "R\tblob\tmoved blob",
            "R\twas/deep/one.rs\tnow/one.rs",
            "R\twas/deep/two.rs\tnow/two.rs",
            "R\tlong.txt\trenamed.txt",
            "A\tstranger.txt",
        ]
    );
    let stat = project.snap(&["diff", "x", "--stat"]).exits(0).stdout;
    assert!(stat.contains("was/deep/two.rs -> now/two.rs") && stat.contains("8 files, +22 -51"), "{stat}");
    let json = project.snap(&["diff", "x", "--json", "--", "long.txt"]).exits(0).json();
    assert_eq!((&json["change"], &json["old_path"]), (&"renamed".into(), &"long.txt".into()));
    let list = project.snap(&["list"]).exits(0).stdout;
    assert!(list.contains("8 +22 -51"), "{list}");
}

#[test]
fn git_takes_the_patch_of_renames_and_copies() {
    let project = project();
    project.snap(&["save", "x"]).exits(0);
    let patch = project.snap(&["diff", "x", "--patch"]).exits(0).stdout;
    assert!(patch.contains("rename from blob\nrename to moved blob\n"), "{patch}");
    assert!(patch.contains("copy from kept.txt\ncopy to copy of kept.txt\n"), "{patch}");
    let clone = project.cloned();
    clone.write("../patch", patch);
    clone.git(&["apply", "../patch"]);
    let tree = |project: &Project| {
        project.git(&["add", "-A", "--", ".", ":!.claude"]);
        project.git(&["write-tree"])
    };
    assert_eq!(tree(&clone), tree(&project));
}

#[test]
fn renames_come_back_in_a_clone_in_a_merge_and_by_rewind_and_undo() {
    let project = project();
    let clone = project.cloned();
    let moved_on = project.cloned();
    let state = project.state();
    project.snap(&["save", "x"]).exits(0);
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    clone.snap(&["resume", "x", "--store", store]).exits(0);
    assert_eq!(clone.state(), state);

    moved_on.write("kept.txt", "upstream\n");
    moved_on.git(&["commit", "-qam", "upstream"]);
    moved_on.write("long.txt", text(0..199) + "an edit here that the rename must take along\n");
    moved_on.snap(&["resume", "x", "--merge", "--store", store]).exits(0);
    let merged = String::from_utf8(moved_on.read("renamed.txt")).must("UTF-8");
    assert!(merged.ends_with("take along\n") && !moved_on.path("long.txt").exists(), "{merged}");

    project.git(&["read-tree", "--reset", "-u", "HEAD"]);
    project.write("renamed.txt", "something else\n");
    let wreck = project.state();
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.state(), state);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.state(), wreck);
}

#[test]
fn two_snapshots_that_renamed_a_file_are_compared_by_its_content() {
    let project = project();
    project.snap(&["save", "x"]).exits(0);
    project.write("renamed.txt", text(0..199));
    project.snap(&["save", "y"]).exits(0);
    let patch = project.snap(&["diff", "x", "y", "--patch"]).exits(0).stdout;
    assert!(patch.contains("@@ -197,4 +197,3 @@") && patch.contains("--- a/renamed.txt"), "{patch}");
    assert_eq!(patch.matches("diff --git").count(), 1, "{patch}");
}

#[test]
fn renames_between_two_snapshots_and_since_one_are_shown_as_renames() {
    let project = Project::new();
    project.write("as it was", text(0..50));
    project.write("to be edited", text(100..200));
    project.write("large", text(1_000..31_000));
    project.write("bin", (0..20_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "more"]);
    // What only a snapshot has is renamed too, and so is what was edited in it.
    project.write("new in it", text(300..400));
    project.write("to be edited", text(100..199));
    project.snap(&["save", "x"]).exits(0);
    let in_x = project.cloned();
    in_x.snap(&["resume", "x", "--store", project.stored("").to_str().must("UTF-8")]).exits(0);
    project.git(&["mv", "as it was", "moved.txt"]);
    fs::rename(project.path("bin"), project.path("sub/bin")).must("to rename");
    project.make_executable("sub/bin");
    fs::remove_file(project.path("to be edited")).must("to remove");
    project.write("edited.txt", text(100..195) + "and another end\n");
    fs::rename(project.path("new in it"), project.path("still new")).must("to rename");
    fs::remove_file(project.path("a.txt")).must("to remove");
    project.write("stranger", text(8_000..8_050));
    let expected = "D\ta.txt\nR\tto be edited\tedited.txt\nR\tas it was\tmoved.txt\nR\tnew in it\tstill new\n\
                    A\tstranger\nR\tbin\tsub/bin\n";
    assert_eq!(project.snap(&["diff", "x", "--now", "--name-status"]).exits(0).stdout, expected);
    project.snap(&["save", "y"]).exits(0);
    assert_eq!(project.snap(&["diff", "x", "y", "--name-status"]).exits(0).stdout, expected);
    let back = project.snap(&["diff", "y", "x", "--name-status"]).exits(0).stdout;
    assert!(back.contains("R\tedited.txt\tto be edited\n") && back.contains("R\tsub/bin\tbin\n"), "{back}");

    let patch = project.snap(&["diff", "x", "y", "--patch"]).exits(0).stdout;
    let expected = "similarity index 95%\nrename from to be edited\nrename to edited.txt\n";
    assert!(patch.contains(expected), "{patch}");
    let expected =
        "old mode 100644\nnew mode 100755\nsimilarity index 100%\nrename from bin\nrename to sub/bin\n";
    assert!(patch.contains(expected), "{patch}");
    assert_eq!(project.snap(&["diff", "x", "--now", "--patch"]).exits(0).stdout, patch);
    in_x.write("../patch", &patch);
    in_x.git(&["apply", "../patch"]);
    let tree = |project: &Project| {
        project.git(&["add", "-A", "--", ".", ":!.claude"]);
        project.git(&["write-tree"])
    };
    assert_eq!(tree(&in_x), tree(&project));

    let painted = project.snap(&["diff", "x", "y", "--color=always", "--", "to be edited"]).exits(0).stdout;
    assert!(
        painted.contains("R to be edited -> edited.txt") && painted.contains("95% the same"),
        "{painted}"
    );
    let json = project.snap(&["diff", "x", "y", "--json", "--", "edited.txt"]).exits(0).json();
    assert_eq!((&json["change"], &json["similarity"]), (&"renamed".into(), &95.into()));
}

#[test]
fn a_whole_folder_that_was_moved_is_shown_as_moved_but_content_is_read_only_within_bounds() {
    let project = Project::new();
    for number in 0..300 {
        project.write(format!("old/{number}"), text(number * 100..number * 100 + 20));
    }
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "many"]);
    project.snap(&["save", "x"]).exits(0);
    fs::rename(project.path("old"), project.path("new")).must("to rename");
    let kinds = |other: &str| {
        let said = project.snap(&["diff", "x", other, "--name-status"]).exits(0).stdout;
        ["R\t", "A\t", "D\t"].map(|kind| said.lines().filter(|line| line.starts_with(kind)).count())
    };
    assert_eq!(kinds("--now"), [300, 0, 0]);
    for number in 0..300 {
        project.write(format!("new/{number}"), text(number * 100..number * 100 + 21));
    }
    assert_eq!(kinds("--now"), [0, 300, 300], "too many to compare before anything is shown");
    project.snap(&["save", "y"]).exits(0);
    assert_eq!(kinds("y"), [300, 0, 0], "the save has compared them");
}

#[test]
fn damage_in_what_may_be_a_rename_is_said_when_its_turn_comes() {
    let project = Project::new();
    project.write("old", text(0..4_000));
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "more"]);
    project.write("a.txt", "an edit\n");
    project.write("old", text(0..4_000).replace("number", "no."));
    project.snap(&["save", "x"]).exits(0);
    fs::rename(project.path("old"), project.path("z")).must("to rename");
    project.write("z", text(0..3_999).replace("number", "no."));
    project.write("a.txt", "another one\n");
    let renamed = project.snap(&["diff", "x", "--now", "--name-status"]).exits(0).stdout;
    assert_eq!(renamed, "M\ta.txt\nR\told\tz\n");
    project.objects().iter().for_each(|object| fs::write(object, "damage").must("to write"));
    let said = project.snap(&["diff", "x", "--now", "--patch"]).exits(5).says(&["Cannot read", ".zst"]);
    assert!(said.stdout.contains("+another one"), "{}", said.stdout);
}

#[test]
fn the_lost_diff_of_a_renamed_file_is_made_anew_from_the_file_it_came_from() {
    let project = Project::new();
    project.write("long.txt", text(0..4_000));
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "more"]);
    project.git(&["mv", "long.txt", "renamed.txt"]);
    let edited: String = text(0..4_000).lines().map(|line| format!("{line}{}\n", line.len() % 7)).collect();
    project.write("renamed.txt", edited);
    project.snap(&["save", "x"]).exits(0);
    assert_eq!(
        project.snap(&["show", "x", "--json"]).exits(0).json()["edits"]["files"][1]["change"],
        "renamed"
    );
    let objects = project.objects();
    assert!(!objects.is_empty(), "the diff is an object");
    objects.iter().for_each(|object| fs::remove_file(object).must("to remove"));
    project.snap(&["verify"]).exits(1);
    project.snap(&["verify", "--repair"]).exits(0);
    assert_eq!(project.objects(), objects);
}
