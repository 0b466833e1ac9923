//! What a test needs of the machine, and what becomes of one that does not have it: that is said, and in CI it fails.
//!
//! Every skipped test goes through here; `tidy.rs` looks for others.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Set to 1 where nothing may be skipped, as `.ci/run` does.
const REQUIRE: &str = "SNAP_REQUIRE";

/// What runs on request only, also where nothing may be skipped: the variable that asks for it, and why it has to be
/// asked for. `.ci/long` asks for all of it.
const ON_REQUEST: [(&str, &str); 2] = [
    ("SNAP_OTHERS", "it needs Subversion and Mercurial"),
    ("SNAP_REAL", "it downloads two releases of a large package"),
];

/// Says that an experiment is skipped, and what for; fails the test where nothing may be skipped.
#[track_caller]
pub(crate) fn skipped(experiment: &str, missing: &str) {
    let required = std::env::var_os(REQUIRE).is_some_and(|value| value == "1");
    assert!(!required, "{experiment}: {missing}; {REQUIRE}=1 makes that a failure");
    say(experiment, missing);
}

/// Says whether a program can be run; if not, the experiment is skipped.
#[track_caller]
pub(crate) fn program(command: &[&str], experiment: &str) -> bool {
    let mut run = Command::new(command[0]);
    run.args(&command[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let works = run.status().is_ok_and(|status| status.success());
    if !works {
        skipped(experiment, &format!("`{}` does not work here", command.join(" ")));
    }
    works
}

/// Says whether an experiment was asked for by its variable.
pub(crate) fn asked_for(variable: &str, experiment: &str) -> bool {
    let why = ON_REQUEST.iter().find(|(name, _)| *name == variable);
    let Some((_, why)) = why else { panic!("{variable} is not in ON_REQUEST") };
    let asked = std::env::var_os(variable).is_some();
    if !asked {
        say(experiment, &format!("{why}; {variable}=1 asks for it"));
    }
    asked
}

/// Not `eprintln!`, which the test runner swallows for a test that passes.
fn say(experiment: &str, why: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {experiment}: {why}").ok();
}
