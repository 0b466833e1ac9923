//! Stores that earlier versions wrote, in `fixtures/`: every later version must open them, for ever.

use std::fs;
use std::path::Path;

use crate::resume::edit;
use crate::support::planted::{KINDS, Random};
use crate::support::project::{Project, ran};
use crate::support::{Must, copy_tree};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Set to a folder to have the store that this version writes put there, to be frozen with its release.
const FREEZE: &str = "SNAP_FREEZE_INTO";

#[test]
fn a_store_of_format_1_opens_and_restores_everything() {
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store-v1");
    let source = Project::new();
    let transcript = source.session(ID);
    edit(&source);
    // Kept apart from the conversation: a tool's large output, and a torn last line.
    source.write_beside(&transcript, "tool-results/big.txt", &b"a line of output\n".repeat(300_000));
    source.append(&transcript, b"{\"type\":\"user\",\"torn\":");
    if let Some(folder) = std::env::var_os(FREEZE) {
        source.snap(&["save", "frozen in time", "-m", "made to last"]).exits(0);
        source.snap(&["pin", "frozen in time"]).exits(0);
        copy_tree(&source.stored(""), &Path::new(&folder).join("store-v1"));
    }

    let project = Project::new();
    let store = project.home.path().join("a copy of the store");
    copy_tree(&frozen, &store);
    let store = store.to_str().must("UTF-8");
    let listed = project.snap(&["list", "--json", "--store", store]).exits(0).json();
    assert_eq!((&listed[0]["name"], &listed[0]["tasks"]["all"]), (&"frozen in time".into(), &2.into()));
    assert_eq!(listed[0]["pinned"], true);
    let shown = project.snap(&["show", "frozen in time", "--json", "--store", store]).exits(0).json();
    assert_eq!((&shown["format"], &shown["message"]), (&1.into(), &"made to last".into()));
    assert_eq!(
        (&shown["queue"][0], &shown["agents"][0]["type"]),
        (&"then test it".into(), &"Explore".into())
    );

    let all = ["resume", "frozen in time", "--trust", "--allow-kind", "all", "--json", "--store", store];
    let resumed = project.snap(&all).exits(0).json();
    assert_eq!(project.state(), source.state(), "the same edits on the same commit");
    assert_eq!(resumed["session_id"], ID);
    let transcript = project.home.project(project.root()).join(format!("{ID}.jsonl"));
    let text = fs::read_to_string(transcript).must("the installed transcript");
    assert!(text.contains("write a parser"), "{text}");
    assert!(
        !text.contains("of-next-month"),
        "of somebody else's, a kind that nobody knows stays out: {text}"
    );
    assert!(!text.contains("torn"), "an unfinished line is kept aside");
    let output = project.home.project(project.root()).join(ID).join("tool-results/big.txt");
    assert_eq!(fs::read(output).must("a tool's output").len(), 17 * 300_000);
    let task = fs::read_to_string(project.home.tasks(ID).join("1.json")).must("an installed task");
    assert!(task.ends_with("\"new\": 1.0\n}"), "{task}");
}

#[test]
fn a_store_with_renames_and_submodules_opens_and_restores_everything() {
    let commit = "160000,1234567890123456789012345678901234567890,library";
    let source = Project::new();
    source.git(&["mv", "a.txt", "renamed.txt"]);
    source.write("renamed.txt", "one\ntwo\nthree\nfour\n");
    source.write("copy.txt", "stays\n");
    source.write("large enough for an object", "a line of text\n".repeat(300));
    source.git(&["update-index", "--add", "--cacheinfo", commit]);
    fs::create_dir(source.path("library")).must("a folder");
    source.write("meant.sh", "#!/bin/sh\necho meant\n");
    source.git(&["add", "-N", "meant.sh"]);
    source.make_executable("meant.sh");
    if let Some(folder) = std::env::var_os(FREEZE) {
        source.snap(&["save", "renamed in time"]).exits(0);
        copy_tree(&source.stored(""), &Path::new(&folder).join("store-v1-renames"));
    }
    let project = Project::new();
    let store = project.home.path().join("a copy of the store");
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store-v1-renames"), &store);
    let store = store.to_str().must("UTF-8");
    let shown = project.snap(&["show", "renamed in time", "--store", store]).exits(0).stdout;
    assert!(shown.contains("R a.txt -> renamed.txt") && shown.contains("C b.txt -> copy.txt"), "{shown}");
    project.snap(&["resume", "renamed in time", "--trust", "--allow-kind", "all", "--store", store]).exits(0);
    assert_eq!(project.state(), source.state(), "the same edits on the same commit");
}

/// Text that grew since an earlier snapshot, and files that git converts.
fn grow_and_convert(project: &Project, round: usize) {
    let mut random = Random::new(30);
    let line = |_| format!("{:08x}\n", random.below(u32::MAX as usize));
    let text: String = (0..7_400).map(line).collect();
    project.write("grows.txt", format!("{text}{}", "more\n".repeat(round)));
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let edited = ["two", "TWO", "zwei"][round];
    project.write("crlf.txt", format!("one\r\n{edited}\r\nthree\r\n"));
    project.write("wide.rc", utf16(&format!("\u{feff}one\r\n{edited}\r\n")));
    project.write("ident.c", format!("// $Id: {} $\n{edited}\n", "0".repeat(40)));
}

#[test]
fn a_store_with_converted_files_and_grown_ones_opens_and_restores_everything() {
    let base = |project: &Project| {
        let rc = "*.rc text eol=crlf working-tree-encoding=UTF-16LE-BOM\n";
        project.write(".gitattributes", format!("crlf.txt text eol=crlf\n{rc}*.c ident\n"));
        grow_and_convert(project, 0);
        fs::remove_file(project.path("grows.txt")).must("to remove");
        project.git(&["add", "."]);
        project.git(&["commit", "-qm", "converted"]);
    };
    let source = Project::new();
    base(&source);
    grow_and_convert(&source, 1);
    if let Some(folder) = std::env::var_os(FREEZE) {
        source.snap(&["save", "before"]).exits(0);
        grow_and_convert(&source, 2);
        source.snap(&["save", "converted in time"]).exits(0);
        source.snap(&["rm", "before"]).exits(0);
        copy_tree(&source.stored(""), &Path::new(&folder).join("store-v1-converted"));
    }
    grow_and_convert(&source, 2);
    let project = Project::new();
    base(&project);
    let store = project.home.path().join("a copy of the store");
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store-v1-converted"), &store);
    let store = store.to_str().must("UTF-8");
    let shown = project.snap(&["show", "converted in time", "--json", "--store", store]).exits(0).json();
    assert_eq!(shown["requires"], serde_json::json!(["converted", "earlier"]));
    let counted = project.snap(&["diff", "converted in time", "--stat", "--store", store]).exits(0).stdout;
    assert!(counted.contains("4 files, +7405 -3"), "{counted}");
    project
        .snap(&["resume", "converted in time", "--trust", "--allow", "wide.rc", "--store", store])
        .exits(0);
    assert_eq!(project.state(), source.state(), "the same edits on the same commit");
}

#[test]
fn a_store_with_plans_opens_and_restores_them() {
    let source = Project::new();
    let transcript = source.session(ID);
    let named =
        format!("{{\"type\":\"user\",\"uuid\":\"u3\",\"slug\":\"quiet-red-fox\",\"sessionId\":\"{ID}\"}}\n");
    source.append(&transcript, named.as_bytes());
    fs::create_dir_all(source.home.config().join("plans")).must("a folder");
    fs::write(source.home.config().join("plans/quiet-red-fox.md"), "# Plan\n").must("a plan");
    if let Some(folder) = std::env::var_os(FREEZE) {
        source.snap(&["save", "planned in time"]).exits(0);
        copy_tree(&source.stored(""), &Path::new(&folder).join("store-v1-plans"));
    }
    let project = Project::new();
    let store = project.home.path().join("a copy of the store");
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store-v1-plans"), &store);
    let store = store.to_str().must("UTF-8");
    project.snap(&["resume", "planned in time", "--trust", "--store", store]).exits(0);
    let plan = fs::read_to_string(project.home.config().join("plans/quiet-red-fox.md"));
    assert_eq!(plan.must("the plan"), "# Plan\n");
}

#[test]
fn a_store_with_placeholders_opens_and_takes_its_secrets_again() {
    let (_, _, make) = KINDS.iter().find(|(name, ..)| *name == "github classic").must("a kind");
    let secret = make(&mut Random::new(21));
    let source = Project::new();
    let transcript = source.session(ID);
    let prompt =
        serde_json::json!({"type": "user", "message": {"role": "user", "content": format!("use {secret}")}});
    source.append(&transcript, format!("{prompt}\n").as_bytes());
    source.write("a.txt", format!("one\nGITHUB_TOKEN={secret}\nthree\n"));
    source.write("new.txt", format!("GITHUB_TOKEN={secret}\n{}", "a line of text\n".repeat(400)));
    source.write("b.txt", "no secret\n");
    if let Some(folder) = std::env::var_os(FREEZE) {
        source.snap(&["save", "redacted in time"]).exits(0);
        copy_tree(&source.stored(""), &Path::new(&folder).join("store-v1-redaction"));
    }
    let project = Project::new();
    let store = project.home.path().join("a copy of the store");
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store-v1-redaction"), &store);
    let store = store.to_str().must("UTF-8");
    let resume = ["resume", "redacted in time", "--trust", "--json", "--store", store];
    let held = project.snap(&resume).exits(6).json();
    assert_eq!(held["unfilled"].as_array().map(Vec::len), Some(2), "{held}");
    assert_eq!((project.read("b.txt"), project.path("new.txt").exists()), (b"no secret\n".to_vec(), false));
    let again = [&resume[..], &["--fill", "GITHUB_TOKEN"]].concat();
    let mut filled = project.command(project.root(), &again);
    let resumed = ran(filled.env("GITHUB_TOKEN", &secret)).exits(0).json();
    assert_eq!(project.state(), source.state(), "the same edits on the same commit");
    let transcript = project.home.project(project.root());
    let id = resumed["session_id"].as_str().must("an id");
    let text = fs::read_to_string(transcript.join(format!("{id}.jsonl"))).must("a transcript");
    assert!(text.contains("use \u{ab}snap:secret:github-token:") && !text.contains(&secret), "{text}");
}

#[test]
fn a_store_with_a_conflict_whose_diffs_lead_from_stage_2_opens_and_restores_it() {
    let project = Project::new();
    project.git(&["checkout", "-q", "-b", "other"]);
    project.git(&["mv", "a.txt", "renamed.txt"]);
    project.write("renamed.txt", "one\ntheirs\nthree\n");
    project.git(&["commit", "-qam", "theirs"]);
    project.git(&["checkout", "-q", "main"]);
    project.write("a.txt", "one\nours\nthree\n");
    project.git(&["commit", "-qam", "ours"]);
    assert!(!project.try_git(&["merge", "-q", "other"]), "a conflict");
    // What is stage 2 of `renamed.txt` is nothing that HEAD has.
    project.git(&["update-ref", "HEAD", "HEAD~1"]);
    let conflict = project.state();
    project.git(&["reset", "-q", "--hard"]);
    let store = project.home.path().join("a copy of the store");
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store-v1-conflict"), &store);
    // Git, which keeps the fixture, keeps no empty folder.
    fs::create_dir(store.join("objects")).must("a folder");
    let store = store.to_str().must("UTF-8");
    project.snap(&["resume", "conflicted in time", "--trust", "--store", store]).exits(0);
    assert_eq!(project.state(), conflict);
    project.snap(&["undo", "--store", store]).exits(0);
    project.snap(&["rewind", "conflicted in time", "--trust", "--store", store]).exits(0);
    assert_eq!(project.state(), conflict);
}

#[test]
fn a_store_with_marks_opens_and_puts_them_back() {
    let source = Project::new();
    source.write("b.txt", "edited\n");
    source.git(&["update-index", "--assume-unchanged", "b.txt"]);
    source.git(&["update-index", "--skip-worktree", "run.sh", "sub/c.txt"]);
    source.git(&["update-index", "--assume-unchanged", "sub/c.txt"]);
    fs::remove_file(source.path("run.sh")).must("to remove");
    if let Some(folder) = std::env::var_os(FREEZE) {
        source.snap(&["save", "marked in time"]).exits(0);
        copy_tree(&source.stored(""), &Path::new(&folder).join("store-v1-marks"));
    }
    let project = Project::new();
    let store = project.home.path().join("a copy of the store");
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store-v1-marks"), &store);
    // Git, which keeps the fixture, keeps no empty folder.
    let _there = fs::create_dir(store.join("objects"));
    let store = store.to_str().must("UTF-8");
    let before = project.state_with_flags();
    project.snap(&["rewind", "marked in time", "--trust", "--allow-kind", "all", "--store", store]).exits(0);
    assert_eq!(project.state_with_flags(), source.state_with_flags());
    project.snap(&["undo", "--store", store]).exits(0);
    assert_eq!(project.state_with_flags(), before);
}

#[test]
fn a_store_that_knows_what_was_ignored_and_who_may_read_a_file_opens_and_leaves_and_sets_that() {
    use std::os::unix::fs::PermissionsExt as _;
    let source = Project::new();
    source.write(".gitignore", ".env\nbuilt/\n");
    source.write(".env", "KEY=1\n");
    source.write("built/one", "1\n");
    fs::create_dir_all(source.path("logs")).must("a folder");
    source.write("a.txt", "edited\n");
    fs::set_permissions(source.path("a.txt"), fs::Permissions::from_mode(0o444)).must("a mode");
    if let Some(folder) = std::env::var_os(FREEZE) {
        source.snap(&["save", "around in time"]).exits(0);
        copy_tree(&source.stored(""), &Path::new(&folder).join("store-v1-around"));
    }
    let project = Project::new();
    let store = project.home.path().join("a copy of the store");
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store-v1-around"), &store);
    // Git, which keeps the fixture, keeps no empty folder.
    let _there = fs::create_dir(store.join("objects"));
    project.write(".env", "KEY=2\n");
    project.write("built/two", "2\n");
    let store = store.to_str().must("UTF-8");
    project
        .snap(&["rewind", "latest", "--store", store, "--trust", "--no-input", "--allow", ".gitignore"])
        .exits(0);
    assert_eq!(project.read(".env"), b"KEY=2\n");
    assert_eq!(project.read("built/two"), b"2\n");
    assert!(project.path("logs").is_dir());
    let mode = project.path("a.txt").metadata().must("metadata").permissions().mode();
    assert_eq!(mode & 0o777, 0o444);
}
