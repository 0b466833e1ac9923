//! Steps that take the store away with the work: a copy of the checkpoint is left with the user, and nothing that is said of it is false.

use std::fs;

use serde_json::json;

use crate::hooks::{ID, bash, hook, told};
use crate::support::Must;
use crate::support::project::Project;

/// How many copies of checkpoints the user has.
fn copies(project: &Project) -> usize {
    let folder = project.home.path().join(".local/state/snap/rescued");
    fs::read_dir(folder).map_or(0, |copies| copies.flatten().count())
}

#[test]
fn a_first_checkpoint_knows_that_its_step_will_take_the_store() {
    for step in ["rm -rf .claude/*", "rm -rf .claude/s*", "cd .claude && rm -rf snapshots"] {
        let project = Project::new();
        let transcript = project.session(ID);
        project.write(".claude/settings.json", "{}");
        project.write("a.txt", "an edit\n");
        let said = told(&hook(&project, "PreToolUse", &bash(&project, &transcript, step)).exits(0));
        assert!(said.contains("its snapshots too") && copies(&project) == 1, "{step}: {said}");
    }
}

#[test]
fn what_removes_what_a_list_says_leaves_a_copy_outside_of_the_store() {
    for step in [
        "git ls-files -o --exclude-standard --directory | xargs rm -rf",
        "rm -rf $(git ls-files -o --exclude-standard --directory)",
        "cat list | xargs rm -rf",
    ] {
        let project = Project::new();
        let transcript = project.session(ID);
        project.write("list", ".claude\nnew.txt\n");
        project.write("new.txt", "new\n");
        let said = told(&hook(&project, "PreToolUse", &bash(&project, &transcript, step)).exits(0));
        assert!(said.contains("may remove its snapshots too") && copies(&project) == 1, "{step}: {said}");
    }
    // What most steps do costs no copy.
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("new.txt", "new\n");
    for step in ["rm -rf build", "rm -rf $BUILD", "git clean -fd"] {
        hook(&project, "PreToolUse", &bash(&project, &transcript, step)).exits(0);
        assert_eq!(copies(&project), 0, "{step}");
    }
}

#[test]
fn a_step_that_may_take_the_conversation_gets_a_checkpoint_of_all_of_it() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("a.txt", "an edit\n");
    hook(&project, "PreToolUse", &bash(&project, &transcript, "git clean -fdx")).exits(0);
    let record = json!({"type": "user", "message": {"role": "user", "content": "said since"}});
    project.append(&transcript, format!("{record}\n").as_bytes());
    // The edits are the same.
    hook(&project, "PreToolUse", &bash(&project, &transcript, "git clean -fdx")).exits(0);
    let newest = project.snap(&["show", "latest", "--json"]).exits(0).json();
    let size = fs::metadata(&transcript).must("the transcript").len();
    assert_eq!(newest["session"]["transcript"]["bytes"], size, "{newest}");
}

#[test]
fn a_snapshot_that_can_not_be_read_stands_in_the_way_of_no_checkpoint() {
    let project = Project::new();
    let transcript = project.session(ID);
    for (number, text) in ["one\n", "two\n"].into_iter().enumerate() {
        project.write("a.txt", text);
        let said = told(&hook(&project, "PreToolUse", &bash(&project, &transcript, "rm -rf src")).exits(0));
        assert!(!said.contains("did not save"), "{number}: {said}");
        if number == 0 {
            let manifest = project.stored("before-rm-rf-src.json");
            fs::remove_file(&manifest).must("the checkpoint");
            fs::write(&manifest, "torn").must("a manifest");
            let second = project.stored("objects/manifests/before-rm-rf-src.json");
            fs::write(second, "torn").must("its second name");
        }
    }
    project.snap(&["rewind", "before rm -rf src-2", "--no-run"]).exits(0);
    assert_eq!(project.read("a.txt"), b"two\n");
}
