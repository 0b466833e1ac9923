//! A test that can't be done is skipped in so many words, and where everything is required it fails.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::Must;
use crate::support::project::files_below;

/// Runs one test of this program on a machine that has no programs at all.
fn bare(test: &str, required: bool) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().must("this program"));
    command.args(["--exact", test, "--nocapture"]).env_clear().env("PATH", "/nowhere");
    if required {
        command.env("SNAP_REQUIRE", "1");
    }
    let output = command.output().must("to run the tests");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_skipped_test_is_a_failure_where_everything_is_required() {
    let test = "crash::a_prune_killed_at_any_call_harms_nothing_and_can_be_repeated";
    let (passed, said) = bare(test, false);
    assert!(passed && said.contains("SKIPPED: kill -9 at every system call of prune"), "{said}");
    let (passed, said) = bare(test, true);
    assert!(!passed && said.contains("SNAP_REQUIRE=1 makes that a failure"), "{said}");
}

#[test]
fn what_runs_on_request_only_is_no_failure() {
    let test = "real_releases::a_release_as_pending_edits_of_the_one_before_comes_back_anywhere";
    let (passed, said) = bare(test, true);
    assert!(passed && said.contains("SNAP_REAL=1 asks for it"), "{said}");
}

#[test]
fn no_test_is_skipped_in_a_way_of_its_own() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let own = [tests.join("support/needs.rs"), tests.join("required.rs")];
    for file in files_below(&tests).into_iter().filter(|file| !own.contains(file)) {
        let text = fs::read(&file).must("a file");
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("SKIPPED"), "{}: use support/needs.rs", file.display());
    }
}
