//! What a plan says of each path is what happens to the file that is here, in lines or in bytes.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::support::Must;
use crate::support::project::Project;

/// The lines of a plan about paths: what happens, the path, how much of it.
fn told(shown: &str) -> Vec<String> {
    let words = ["create ", "replace", "remove ", "index  ", "leave  "];
    let lines = shown.lines().filter_map(|line| line.strip_prefix("  "));
    lines.filter(|line| words.iter().any(|word| line.starts_with(word))).map(str::to_owned).collect()
}

fn plan(project: &Project, command: &[&str]) -> Vec<String> {
    told(&project.snap(&[command, &["--dry-run"]].concat()).exits(0).stdout)
}

/// A project with a snapshot `saved` of edits of every kind, and other edits since.
fn project() -> Project {
    let project = Project::new();
    project.write("a.txt", "one\nTWO\nthree\n");
    project.write("bin", [0, 1].repeat(700));
    project.write("new.bin", [0; 1_536]);
    project.write("notes/plan.md", "one\ntwo\n");
    project.write("empty", "");
    symlink("a.txt", project.path("link")).must("a link");
    fs::remove_file(project.path("sub/c.txt")).must("to remove");
    project.make_executable("run.sh");
    project.snap(&["save", "saved"]).exits(0);
    project
}

/// The same, with everything that the snapshot has taken away.
fn clean() -> Project {
    let project = project();
    project.git(&["checkout", "-q", "."]);
    for name in ["new.bin", "notes/plan.md", "empty", "link"] {
        fs::remove_file(project.path(name)).must("to remove");
    }
    project
}

const RESTORED: [&str; 8] = [
    "replace a.txt  +1 -1",
    "replace bin  binary, 600 B -> 1.3 KiB",
    "create  empty  empty",
    "create  link  link",
    "create  new.bin  binary, 1.5 KiB",
    "create  notes/plan.md  +2 -0",
    "replace run.sh  only its mode",
    "remove  sub/c.txt  +0 -1",
];

#[test]
fn a_plan_counts_the_change_that_happens_here() {
    let project = clean();
    for command in [&["resume", "saved"][..], &["resume", "saved", "--merge"], &["rewind", "saved"]] {
        assert_eq!(plan(&project, command), RESTORED, "{command:?}");
    }
    let before = project.state();
    let shown = project.snap(&["rewind", "saved"]).exits(0);
    assert_eq!(told(&shown.stderr), RESTORED, "also when it is carried out");
    let undone = [
        "replace a.txt  +1 -1",
        "replace bin  binary, 1.3 KiB -> 600 B",
        "remove  empty  empty",
        "remove  link  link",
        "remove  new.bin  binary, 1.5 KiB",
        "remove  notes/plan.md  +0 -2",
        "replace run.sh  only its mode",
        "create  sub/c.txt  +1 -0",
    ];
    assert_eq!(plan(&project, &["undo"]), undone);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.state(), before);
    assert_eq!(plan(&project, &["redo"]), RESTORED);
}

#[test]
fn what_was_done_since_counts_and_not_what_was_saved() {
    let project = project();
    project.write("a.txt", "one\nTWO\nthree\nmine\nand mine\n");
    project.write("notes/plan.md", "another\n");
    project.write("bin", "text now\n");
    project.write("since", "1\n2\n3\n");
    let wanted = [
        "replace a.txt  +0 -2",
        "replace bin  binary, 9 B -> 1.3 KiB",
        "replace notes/plan.md  +2 -1",
        "remove  since  +0 -3",
    ];
    assert_eq!(plan(&project, &["rewind", "saved"]), wanted);
    let report = project.snap(&["rewind", "saved", "--dry-run", "--json"]).exits(0).json();
    let of = |path: &str| -> Value {
        let all = report["edits"].as_array().must("a list");
        let one = all.iter().find(|one| one["path"] == path).must("the path");
        json!([one["action"], one["added"], one["removed"], one["binary"]])
    };
    assert_eq!(of("a.txt"), json!(["replace", 0, 2, null]));
    assert_eq!(of("bin"), json!(["replace", 0, 0, {"before": 9, "after": 1_400}]));
    assert_eq!(of("since"), json!(["remove", 0, 3, null]));
}

#[test]
fn where_only_the_index_changes_no_line_is_counted() {
    let project = Project::new();
    project.write("a.txt", "one\nTWO\nthree\n");
    project.git(&["add", "a.txt"]);
    project.snap(&["save", "staged"]).exits(0);
    project.git(&["reset", "-q"]);
    assert_eq!(plan(&project, &["rewind", "staged"]), ["index   a.txt"]);
}

#[test]
fn as_saved_is_only_what_has_the_saved_bytes() {
    let project = Project::new();
    project.write("a.txt", "one\ntwo\nTHREE\n");
    project.write("b.txt", "saved\n");
    project.snap(&["save", "saved"]).exits(0);
    project.write("a.txt", "mine\none\ntwo\nTHREE\n");
    let merge = ["resume", "saved", "--merge", "--dry-run"];
    let shown = project.snap(&merge).exits(0).stdout;
    assert_eq!(told(&shown), ["leave   a.txt  all that was changed there is in it already"]);
    assert!(shown.contains("  1 path already as saved\n"), "{shown}");
    let report = project.snap(&[&merge[..], &["--json"]].concat()).exits(0).json();
    assert_eq!(report["unchanged"], 1);
    project.write("a.txt", "one\ntwo\nTHREE\n");
    assert!(project.snap(&merge).exits(0).stdout.contains("  2 paths already as saved\n"));
    fs::create_dir(project.path("big")).must("a folder");
    project.write("big/left-out", vec![b'x'; 200]);
    project.snap(&["save", "without", "--max-file", "100"]).exits(6);
    project.git(&["add", "big"]);
    let shown = project.snap(&["rewind", "without", "--dry-run"]).exits(0).stdout;
    assert!(shown.contains("  2 paths already as saved\n"), "what no snapshot has is not as saved: {shown}");
}

#[test]
fn a_plan_lists_no_file_that_is_never_set_from_somebody_elses_snapshot() {
    let project = Project::new();
    project.write(".claude/settings.json", r#"{"permissions":{"allow":["Bash(npm test)"]}}"#);
    project.write("Makefile", "all:\n");
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    let clone = project.cloned().of_another_user();
    let store = project.stored("");
    let resume = ["resume", "x", "--store", store.to_str().must("UTF-8")];
    let planned = clone.snap(&[&resume[..], &["--dry-run"]].concat()).exits(0);
    assert_eq!(told(&planned.stdout), ["replace a.txt  +1 -3"], "{}", planned.stdout);
    // Each is named all the same, with why it stays out and what would change that.
    planned.says(&["held back: .claude/settings.json", "held back: Makefile", "`--allow Makefile` sets it"]);
    let allowed = clone.snap(&[&resume[..], &["--dry-run", "--allow", "Makefile"]].concat()).exits(0);
    assert_eq!(told(&allowed.stdout), ["create  Makefile  +1 -0", "replace a.txt  +1 -3"]);
    let done = clone.snap(&[&resume[..], &["--trust", "--no-run"]].concat()).exits(6);
    assert!(
        !clone.path("Makefile").exists() && !clone.path(".claude/settings.json").exists(),
        "{}",
        done.stderr
    );
}
