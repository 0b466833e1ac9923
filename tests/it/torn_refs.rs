//! Refs that a power cut has left empty or torn: each command copes with them, and says so.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::Must;
use crate::support::project::Project;

/// No snapshot has this id.
const NOBODY: &str = "0123456789abcdef0123456789abcdef";

/// A project with a snapshot, and its id.
fn saved() -> (Project, String) {
    let project = Project::new();
    project.write("a.txt", "an edit\n");
    project.snap(&["save", "x"]).exits(0);
    let shown: Value = project.snap(&["show", "x", "--json"]).exits(0).json();
    let id = shown["id"].as_str().must("an id").to_owned();
    (project, id)
}

/// The files of both refs that a snapshot has.
fn refs(project: &Project, id: &str) -> [PathBuf; 2] {
    ["snap", "snap-trees"].map(|folder| project.path(".git/refs").join(folder).join(id))
}

fn tear(project: &Project, id: &str) {
    let content: [&[u8]; 2] = [b"", &[0; 41]];
    for (path, content) in refs(project, id).iter().zip(content) {
        fs::write(path, content).must("a torn ref");
    }
}

#[test]
fn a_snapshot_is_removed_whose_refs_are_torn() {
    let (project, id) = saved();
    tear(&project, &id);
    project.snap(&["rm", "x", "--yes"]).exits(0);
    project.snap(&["prune", "--now", "--no-input"]).exits(0);
    assert!(refs(&project, &id).iter().all(|path| !path.exists()));
    project.git(&["fsck"]);
}

#[test]
fn prune_makes_the_torn_refs_of_a_snapshot_again_and_removes_those_of_none() {
    let (project, id) = saved();
    let whole = refs(&project, &id).map(|path| fs::read(path).must("a ref"));
    tear(&project, &id);
    tear(&project, NOBODY);
    project.snap(&["prune", "--keep-last", "10", "--no-input"]).exits(0);
    assert_eq!(refs(&project, &id).map(|path| fs::read(path).must("a ref")), whole);
    assert!(refs(&project, NOBODY).iter().all(|path| !path.exists()));
}

#[test]
fn a_save_and_a_rewind_work_beside_a_torn_ref() {
    let (project, id) = saved();
    tear(&project, &id);
    tear(&project, NOBODY);
    project.write("a.txt", "another edit\n");
    project.snap(&["save", "y"]).exits(0);
    project.snap(&["rewind", "x", "--no-run"]).exits(0);
    assert_eq!(project.read("a.txt"), b"an edit\n");
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("a.txt"), b"another edit\n");
}

#[test]
fn verify_names_torn_refs_and_mends_them_if_asked() {
    let (project, id) = saved();
    tear(&project, &id);
    let found = project.snap(&["verify", "--json"]).exits(1).json();
    assert_eq!(found["refs"][0]["what"], format!("refs/snap/{id}"), "{found}");
    let ran = project.snap(&["verify"]).exits(1).says(&["1 damaged"]);
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("torn") && said.contains("snap verify --repair"), "{said}");
    project.snap(&["verify", "--repair"]).exits(0);
    project.snap(&["verify"]).exits(0);
    project.git(&["rev-parse", "--verify", &format!("refs/snap/{id}")]);
}
