//! Progress moves while one large file is worked on, in each phase that can last.

use std::fs;

use claude_snap::base::monitor::{Counted, Monitor, Phase};
use claude_snap::capture::{self, Request};
use claude_snap::redaction::Redactor;
use claude_snap::restore::{self, KeepId, Paths, PlannedResume, RestoreOptions};
use claude_snap::secrets::Scanner;
use claude_snap::store::{Operation, Reference};
use claude_snap::transfer::{self, Remotes, ToPush};
use claude_snap::verify::verify;
use claude_snap::workspace::Workspace;

use crate::handoff::context;
use crate::handoff_remote::with_remote;
use crate::support::Must;

/// How many bytes the large file has.
const SIZE: u64 = 34 << 20;

/// Into how many steps a phase must be cut at least, and how much of it one step may be at most.
const STEPS: usize = 10;
const LARGEST_STEP: u64 = SIZE / 4;

/// Text without a pattern, in which there is nothing to be found.
fn large_text() -> Vec<u8> {
    let mut state = 1_u64;
    let mut text = Vec::new();
    while (text.len() as u64) < SIZE {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.extend(state.to_le_bytes().map(|byte| b"bcdfghjl"[usize::from(byte % 8)]));
        if state.is_multiple_of(8) {
            text.push(b'\n');
        }
    }
    text.truncate(SIZE as usize);
    text
}

/// Makes sure that a phase went on in small steps, and only forward.
#[track_caller]
fn assert_moves(monitor: &Monitor, phase: Phase) {
    let told = monitor.told();
    let steps: Vec<_> = told.iter().filter(|step| step.phase == phase).collect();
    let all: Vec<u64> = steps.iter().map(|step| step.done.max(step.bytes)).collect();
    assert!(all.is_sorted(), "{phase:?} goes back: {all:?}");
    let jumps: Vec<u64> =
        std::iter::once(&0).chain(&all).zip(&all).map(|(before, now)| now.saturating_sub(*before)).collect();
    assert!(jumps.iter().filter(|jump| **jump > 0).count() >= STEPS, "{phase:?}: {all:?}");
    // Where items are counted, no total of their bytes is known.
    let total = steps.last().filter(|step| step.bytes == 0).and_then(|step| step.total);
    // What turns out to be less work than it seemed ends early.
    let is_small = |(jump, now): (&u64, &u64)| *jump <= LARGEST_STEP || Some(*now) == total;
    assert!(jumps.iter().zip(&all).all(is_small), "{phase:?}: {all:?}");
    if let Some(total) = total {
        let last = all.iter().max().copied().unwrap_or_default();
        // What is small beside the file (a manifest) may not be counted.
        assert!(last.abs_diff(total) <= total / 50, "{phase:?}: {last} of {total}");
    }
}

/// Bytes that are no text, of which a search for secrets looks at each closely.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = std::iter::repeat_with(next).take(size / 8).flatten().collect();
    bytes.truncate(size);
    bytes
}

/// Returns how much of all work had been told of when each pass over a text began, in percent: of work that takes as long as
/// it is told of, that is the time.
fn told_before_each_pass(text: &[u8]) -> Vec<u64> {
    let mut told = 0;
    let mut steps = Vec::new();
    Scanner::new(Vec::new()).find_telling(text, &mut |more| {
        told += more;
        steps.push(told * 100 / text.len() as u64);
    });
    assert_eq!(told, text.len() as u64, "all of it");
    steps
}

#[test]
fn a_search_through_noise_tells_of_its_first_quick_look_as_the_small_part_that_it_is() {
    let steps = told_before_each_pass(&noise(3 << 20));
    // The first pass over all of it has three parts of a mebibyte, of which the last is told later.
    assert!(steps[1] <= 5, "{steps:?}");
    let distinct: std::collections::BTreeSet<u64> = steps.iter().copied().collect();
    assert!(distinct.len() >= 40, "{distinct:?}");
    let jumps = distinct.iter().zip(distinct.iter().skip(1)).map(|(one, next)| next - one);
    assert!(jumps.max() <= Some(25), "{distinct:?}");
}

#[test]
fn progress_moves_while_secrets_are_put_back_into_one_large_file() {
    let (project, _remote) = with_remote();
    let mut text = large_text();
    text.extend_from_slice(["api_key = \"9fK2mQ7v", "Lp0ZxT4sWq8R\"\n"].concat().as_bytes());
    let large = project.path("large.txt");
    fs::write(&large, &text).must("a large file");
    let context = context(&project, &project.home.path().join(".local/state/snap"));
    let workspace = Workspace::open(&context).must("a workspace");
    let saving = Monitor::default();
    let include = ["large.txt".to_owned()];
    let usual = Request::usual(None, &context.settings, &saving);
    let request = Request { name: Some("large"), include: &include, ..usual };
    capture::save(&context, &workspace, &request).must("a save");
    let manifest = workspace.store.find(&Reference::parse("large")).must("it").manifest.must("a manifest");
    assert!(!manifest.secrets.is_empty(), "it has a secret");
    fs::remove_file(&large).must("to remove it");
    let options = RestoreOptions {
        edits: true,
        merge: false,
        reset_branch: false,
        session: false,
        id: KeepId::IfSame,
        trust_repository: false,
        new_tree: false,
        paths: Paths::default(),
        fill: Vec::new(),
    };
    let resuming = Monitor::remembering();
    restore::plan_resume(&workspace, manifest, &options, &resuming).must("a plan");
    assert_moves(&resuming, Phase::Checking);
}

#[test]
fn progress_moves_within_one_large_file_in_every_phase() {
    let (project, _remote) = with_remote();
    let text = large_text();
    let large = project.path("large.txt");
    fs::write(&large, &text).must("a large file");
    let context = context(&project, &project.home.path().join(".local/state/snap"));
    let workspace = Workspace::open(&context).must("a workspace");
    let options = RestoreOptions {
        edits: true,
        merge: false,
        reset_branch: false,
        session: false,
        id: KeepId::IfSame,
        trust_repository: false,
        new_tree: false,
        paths: Paths::default(),
        fill: Vec::new(),
    };

    let learning = Monitor::remembering();
    let mut redactor = Redactor::open(&workspace, &[]).must("a redactor");
    redactor.learn(std::slice::from_ref(&large), &[], &learning);
    assert_moves(&learning, Phase::Learning);

    let saving = Monitor::remembering();
    let include = ["large.txt".to_owned()];
    let usual = Request::usual(None, &context.settings, &saving);
    let request = Request { name: Some("large"), include: &include, ..usual };
    capture::save(&context, &workspace, &request).must("a save");
    assert_moves(&saving, Phase::Reading);

    let entry = workspace.store.find(&Reference::parse("large")).must("the snapshot");
    let checking = Monitor::remembering();
    verify(&workspace, std::slice::from_ref(&entry), &checking).must("a report");
    assert_moves(&checking, Phase::Verifying);

    let exporting = Monitor::remembering();
    let all = entry.manifest.as_ref().must("a manifest").objects();
    let all = all.iter().map(|object| workspace.store.stored_size(object)).sum();
    let phase = exporting.begin(Phase::Exporting, Some(all));
    let out = Counted(Vec::new(), &exporting);
    let failed = |error: &std::io::Error| panic!("{error}");
    let bundle = transfer::export(&context, &workspace, &entry, false, out, "-", failed).must("a bundle").0;
    drop(phase);
    assert_moves(&exporting, Phase::Exporting);

    let importing = Monitor::remembering();
    let phase = importing.begin(Phase::Importing, Some(bundle.len() as u64));
    let input = Counted(bundle.as_slice(), &importing);
    transfer::import(&context, &workspace, input, "-").must("an import");
    drop(phase);
    assert_moves(&importing, Phase::Importing);

    let pushing = Monitor::remembering();
    let mut tell = |_: &str| ();
    let mut remotes = Remotes::open(&context, &workspace, "origin", false, &mut tell).must("a remote");
    remotes.watch(&pushing);
    remotes.push(&[ToPush { reference: "large".to_owned(), by_name: true }], &[]).must("a push");
    assert_moves(&pushing, Phase::Searching);
    assert_moves(&pushing, Phase::Packing);

    fs::remove_file(&large).must("to remove it");
    let resuming = Monitor::remembering();
    let manifest = entry.manifest.must("a manifest");
    let planned = restore::plan_resume(&workspace, manifest, &options, &resuming).must("a plan");
    let PlannedResume::Ready(plan) = planned else { panic!("no conflict is here") };
    restore::execute(&context, &workspace, *plan, Operation::Resume, &resuming).must("a restore");
    assert!(fs::read(&large).must("the file") == text, "it is back");
    assert_moves(&resuming, Phase::Preparing);
    assert_moves(&resuming, Phase::Writing);

    // What is here is read and compared, and kept in the safety snapshot.
    let again = text.iter().rev().copied().collect::<Vec<u8>>();
    fs::write(&large, &again).must("another large file");
    let rewinding = Monitor::remembering();
    let manifest = workspace.store.find(&Reference::parse("large")).must("the snapshot");
    let plan = restore::plan_rewind(&workspace, manifest.manifest.must("a manifest"), &options, &rewinding);
    restore::execute(&context, &workspace, plan.must("a plan"), Operation::Rewind, &rewinding)
        .must("a rewind");
    assert_moves(&rewinding, Phase::Comparing);
    assert_moves(&rewinding, Phase::Reading);
}
