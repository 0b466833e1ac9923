//! A snapshot whose manifest can't be read keeps its name: no other one is taken for it.

use std::fs::OpenOptions;
use std::io::Write as _;

use crate::support::Must;
use crate::support::project::{Project, ran};

/// Two snapshots of one name, the first one damaged since; the other one is called `wip-2`.
fn with_a_namesake() -> (Project, String) {
    let project = Project::new();
    project.write("a.txt", "the first one\n");
    project.snap(&["save", "wip"]).exits(0);
    project.snap(&["export", "wip", "-o", "../wip.snap"]).exits(0);
    project.snap(&["rm", "wip"]).exits(0);
    project.write("a.txt", "the second one\n");
    project.snap(&["save", "wip"]).exits(0);
    project.snap(&["import", "../wip.snap"]).exits(0);
    let list = project.snap(&["list", "--json"]).exits(0).json();
    let names: Vec<&str> =
        list.as_array().must("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    let other = names.iter().find(|name| name.starts_with("wip-")).must("a namesake").to_string();
    let mut file = OpenOptions::new().append(true).open(project.stored("wip.json")).must("its manifest");
    file.write_all(b"garbage").must("to damage it");
    (project, other)
}

#[test]
fn the_name_of_a_damaged_snapshot_never_means_another_one() {
    let (project, other) = with_a_namesake();
    for command in [
        &["rewind", "wip"][..],
        &["show", "wip"],
        &["resume", "--dry-run", "wip"],
        &["diff", "wip"],
        &["export", "wip", "-o", "../again.snap"],
        &["report", "wip"],
        &["pin", "wip"],
        &["show", "WIP"],
    ] {
        project.snap(command).exits(5).says(&["Cannot read", "wip"]);
    }
    assert_eq!(project.read("a.txt"), b"the second one\n");
    // The healthy one is reached as before.
    project.snap(&["show", &other]).exits(0);
    assert!(project.snap(&["diff", &other]).exits(0).stdout.contains("the first one"));
    project.snap(&["show", "wi"]).exits(3).says(&["fits 2 snapshots", &other]);
    project.snap(&["save", "wip"]).exits(3).says(&["can't be read", "snap rm"]);
}

#[test]
fn rm_takes_the_damaged_snapshot_that_was_named_and_leaves_its_namesake() {
    let (project, other) = with_a_namesake();
    project.snap(&["rm", "wip"]).exits(0);
    let left = project.snap(&["list", "--json"]).exits(0).json();
    let left = left.as_array().must("a list");
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["name"], "wip");
    project.snap(&["show", "wip"]).exits(0);
    // Not by `project.snap`: that looks whether what comes is as the schema says.
    ran(&mut project.command(project.root(), &["undo"])).exits(0).says(&["\"wip\" is back"]);
    project.snap(&["show", "wip"]).exits(5);
    project.snap(&["show", &other]).exits(0);
}
