//! The checkpoint before a risky step: that it is made each time, that it holds what the step takes, and that what it can't hold
//! is named.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::failures::noise;
use crate::hooks::{ID, bash, hook, told};
use crate::support::Must;
use crate::support::project::{Project, files_below};

/// A project with a session, in which steps are announced to the hook.
struct Session {
    project: Project,
    transcript: PathBuf,
}

impl Session {
    fn new() -> Session {
        let project = Project::new();
        let transcript = project.session(ID);
        Session { project, transcript }
    }

    /// Announces a step; returns what the person is told.
    fn before(&self, line: &str) -> String {
        self.before_call(line, None)
    }

    /// The same, under an id of the client's.
    fn before_call(&self, line: &str, id: Option<&str>) -> String {
        let mut step = bash(&self.project, &self.transcript, line);
        step["tool_use_id"] = json!(id);
        let ran = hook(&self.project, "PreToolUse", &step).exits(0);
        assert_eq!(ran.stderr, "", "{line:?}");
        told(&ran)
    }

    fn number(&self) -> usize {
        self.project.snap(&["list", "--json"]).exits(0).json().as_array().must("a list").len()
    }
}

#[test]
fn the_same_step_under_the_same_id_is_saved_before_each_time_however_soon_it_comes_again() {
    let session = Session::new();
    let project = &session.project;
    for round in 1..=4 {
        let content = format!("{round}\n");
        project.write("p", &content);
        session.before_call("rm p", Some("call_0"));
        fs::remove_file(project.path("p")).must("the step");
        project.snap(&["rewind", "latest", "--no-session"]).exits(0);
        assert_eq!(project.read("p"), content.as_bytes());
    }
}

#[test]
fn what_two_hooks_of_the_same_call_have_to_say_is_said_once_and_of_another_call_again() {
    let session = Session::new();
    let project = &session.project;
    project.write(".git/info/exclude", "target/\n");
    project.write("target/o", "object\n");
    project.write("a.txt", "edited\n");
    let said = session.before_call("rm -rf target", Some("call_0"));
    assert!(said.contains("target is ignored, and not in the snapshot"), "{said}");
    assert_eq!(session.before_call("rm -rf target", Some("call_0")), "");
    assert_eq!(session.before_call("rm -rf target", Some("call_1")), said);
    assert_eq!(session.before_call("rm -rf target", None), said);
    assert_eq!(session.before_call("rm -rf target", None), said);
    assert_eq!(session.number(), 1);
}

#[test]
fn a_file_that_no_snapshot_holds_is_named_also_where_nothing_else_has_changed_since_the_last_one() {
    let session = Session::new();
    let project = &session.project;
    project.write("a.txt", "edited\n");
    project.snap(&["save", "one"]).exits(0);
    project.write("data.bin", vec![7; 11 << 20]);
    for number in 0..250 {
        project.write(format!("node_modules/m/{number}"), "x");
    }
    let said = session.before("rm -f data.bin");
    assert!(said.contains("data.bin is not in the snapshot: untracked, and larger than 10 MiB"), "{said}");
    let said = session.before("rm -rf node_modules");
    assert!(said.contains("node_modules/ is not in the snapshot: 250 untracked files"), "{said}");
    assert_eq!(session.before("rm -f a.txt"), "");
    assert_eq!(session.number(), 1, "the edits are the same");
    // What was left out once and is small now is saved.
    project.write("data.bin", "small\n");
    assert_eq!(session.before("rm -f data.bin"), "");
    assert_eq!(session.number(), 2);
}

#[test]
fn a_snapshot_whose_content_is_gone_or_cut_does_not_stand_in_for_a_checkpoint() {
    let damages: [fn(&PathBuf); 3] = [
        |object| fs::remove_file(object).must("to remove"),
        |object| fs::write(object, "").must("to empty"),
        |object| {
            let whole = fs::read(object).must("an object");
            fs::remove_file(object).must("to remove");
            fs::write(object, &whole[..whole.len() / 2]).must("to cut");
        },
    ];
    for damage in damages {
        let session = Session::new();
        let project = &session.project;
        let content = noise(1, 900);
        project.write("n.txt", &content);
        project.snap(&["save", "one"]).exits(0);
        let objects = files_below(&project.stored("objects"));
        objects.iter().filter(|path| path.extension().is_some_and(|end| end == "zst")).for_each(damage);
        session.before("rm -f n.txt");
        fs::remove_file(project.path("n.txt")).must("the step");
        project.snap(&["rewind", "latest", "--no-session"]).exits(0);
        assert_eq!(project.read("n.txt"), content.as_bytes());
    }
}
