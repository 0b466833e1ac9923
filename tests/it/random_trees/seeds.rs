//! Which cases a model is tried on, and repositories that are made quickly for it.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use proptest::prelude::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::Must;
use crate::support::project::Project;

/// How many cases the short form has.
const SHORT: u64 = 5;

/// How often a failing case is made smaller, at most: each try is a whole case.
const MOST_SMALLER: u32 = 200;

/// Runs a model on many cases, each with a seed of its own. The short form is the same each time, and ends at the first
/// failure; the long form goes on, and fails in the end.
pub(super) fn run<S: Strategy>(strategy: &S, check: impl Fn(S::Value)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let (asked, first) = (number("SNAP_CASES"), number("SNAP_SEED").unwrap_or(0));
    let cases = asked.unwrap_or(SHORT);
    let mut failed = Vec::new();
    for (done, seed) in (first..first + cases).enumerate() {
        let Err(error) = run_one(strategy, seed, &check) else { continue };
        // Not eprintln!, which the test runner keeps to itself until the end.
        writeln!(std::io::stderr(), "FAILED: SNAP_SEED={seed} SNAP_CASES=1, case {}: {error}", done + 1).ok();
        failed.push(seed);
        if asked.is_none() {
            break;
        }
    }
    assert!(failed.is_empty(), "these seeds fail (SNAP_SEED): {failed:?}");
}

fn run_one<S: Strategy>(strategy: &S, seed: u64, check: impl Fn(S::Value)) -> Result<(), String> {
    let config =
        Config { cases: 1, failure_persistence: None, max_shrink_iters: MOST_SMALLER, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let check = |case| {
        check(case);
        Ok(())
    };
    TestRunner::new_with_rng(config, rng).run(strategy, check).map_err(|error| error.to_string())
}

/// Makes the repository of a project without anything that only takes time: samples, and tidying in the background.
pub(super) fn quick_repository(project: &Project) {
    project.git(&["init", "-q", "-b", "main", "--template="]);
    append(&project.path(".git/config"), "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n");
}

/// Appends to a file, or makes it.
pub(super) fn append(file: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(file).must("a file");
    file.write_all(text.as_bytes()).must("to write");
}
