//! `snap verify`: damage anywhere is found and named; what can be proven is put right, the rest set aside.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use claude_snap::manifest::seal;
use serde_json::Value;

use crate::failures::noise;
use crate::support::Must;
use crate::support::project::{Project, Ran, files_below};
use crate::support::trace::long;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// A project with a session and large edits in a snapshot `x`, and a small snapshot `other` of before.
fn project() -> Project {
    let project = Project::new();
    project.snap(&["save", "other"]).exits(0);
    let transcript = project.session(ID);
    project.write_beside(&transcript, "tool-results/one.txt", &b"a result\n".repeat(900));
    project.write("new.txt", "a new line\n".repeat(500));
    project.write("a.txt", (0..900).map(|number| format!("line {number}\n")).collect::<String>());
    project.snap(&["save", "x"]).exits(0);
    project
}

/// The files of a store that hold snapshots.
fn parts(project: &Project) -> Vec<PathBuf> {
    let mut files = files_below(&project.stored("objects"));
    files.retain(|file| file.extension().is_some_and(|end| end == "zst"));
    files.extend([project.stored("x.json"), project.stored("other.json")]);
    files
}

fn verify(project: &Project, arguments: &[&str]) -> Ran {
    project.snap(&[&["verify"], arguments].concat())
}

#[test]
fn a_sound_store_is_sound_and_an_empty_one_too() {
    let project = project();
    let ran = verify(&project, &["--json"]).exits(0);
    assert_eq!(
        (&ran.json()["ok"], ran.json()["snapshots"].as_array().map(Vec::len)),
        (&true.into(), Some(2))
    );
    verify(&project, &["x"]).exits(0).says(&["1 snapshot", "all is well"]);
    verify(&Project::new(), &[]).exits(0);
}

#[test]
fn damage_at_any_byte_is_found_and_never_restored() {
    let project = project();
    let (mut found, mut without_effect) = (0, 0);
    for file in parts(&project) {
        let whole = fs::read(&file).must("a file");
        let step = if long() { 1 } else { whole.len().div_ceil(6) };
        for at in (0..whole.len()).step_by(step) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            for damaged in [&flipped[..], &whole[..at]] {
                fs::write(&file, damaged).must("to write");
                match verify(&project, &[]).code {
                    1 => found += 1,
                    // A bit of a frame's header that changes nothing of its content.
                    0 if damaged.len() == whole.len() && file.extension().is_some_and(|end| end == "zst") => {
                        without_effect += 1;
                        let ran = project.snap(&["resume", "x", "--dry-run"]);
                        assert_eq!(ran.code, 0, "{}: {}", file.display(), ran.stderr);
                    }
                    other => panic!("{} at byte {at} of {}: exit {other}", file.display(), whole.len()),
                }
                if file.extension().is_some_and(|end| end == "zst") {
                    verify(&project, &["other"]).exits(0);
                }
            }
        }
        fs::write(&file, whole).must("to write");
    }
    verify(&project, &[]).exits(0);
    println!("{found} flips and truncations found, {without_effect} flips without effect on any content");
}

#[test]
fn what_the_session_and_the_work_tree_still_have_is_made_anew() {
    let project = project();
    let objects: Vec<PathBuf> =
        parts(&project).into_iter().filter(|file| file.extension().is_some_and(|end| end == "zst")).collect();
    assert!(objects.len() >= 4, "transcript, side file, two diffs: {objects:?}");
    for (number, object) in objects.iter().enumerate() {
        match number % 2 {
            0 => fs::write(object, "damaged").must("to write"),
            _ => fs::remove_file(object).must("to remove"),
        }
    }
    let ran = verify(&project, &["--json"]).exits(1);
    let snapshots = ran.json()["snapshots"].clone();
    let of_x = snapshots.as_array().must("snapshots").iter().find(|one| one["name"] == "x").must("x").clone();
    assert_eq!(of_x["problems"].as_array().map(Vec::len), Some(objects.len()), "{of_x}");
    let ran = verify(&project, &["--repair", "--json"]).exits(0);
    assert_eq!(ran.json()["restored"]["objects"].as_array().map(Vec::len), Some(objects.len()));
    verify(&project, &[]).exits(0);
    assert!(!project.stored("damaged").exists());
}

#[test]
fn a_diff_is_made_anew_from_what_git_has_once_it_is_committed() {
    let project = project();
    project.git(&["commit", "-qam", "a.txt as it was saved"]);
    project.write("a.txt", "and changed since\n");
    fs::remove_file(project.path("new.txt")).must("to remove");
    let damaged: Vec<PathBuf> = parts(&project)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|end| end == "zst"))
        .inspect(|file| fs::write(file, "damaged").must("to write"))
        .collect();
    let ran = verify(&project, &["--repair", "--json"]).exits(1).json();
    assert_eq!(ran["restored"]["objects"].as_array().map(Vec::len), Some(damaged.len() - 1), "{ran}");
    let aside = ran["set_aside"].as_array().must("a list");
    assert_eq!(aside.len(), 1, "new.txt is nowhere any more");
    let aside = aside[0].as_str().must("a path");
    assert_eq!(fs::read(aside).must("what was set aside"), b"damaged");
    let again = verify(&project, &["--repair", "--json"]).exits(1).json();
    assert_eq!(again["set_aside"].as_array().map(Vec::len), Some(0), "nothing is left to do: {again}");
    project.snap(&["resume", "x", "--no-edits", "--no-run"]).exits(0);
}

#[test]
fn a_manifest_that_can_not_be_read_is_set_aside_and_its_objects_stay() {
    let project = project();
    let whole = fs::read(project.stored("x.json")).must("a manifest");
    let objects = files_below(&project.stored("objects")).len();
    fs::write(project.stored("x.json"), &whole[..whole.len() / 2]).must("to write");
    let ran = verify(&project, &["--repair", "--json"]).exits(0);
    let aside = ran.json()["set_aside"][0].as_str().must("a path").to_owned();
    assert_eq!(fs::read(&aside).must("what was set aside"), &whole[..whole.len() / 2]);
    project.snap(&["list"]).exits(0);
    crate::store::age_objects(&project);
    project.snap(&["prune", "--older-than", "1d"]).exits(0).says(&["damaged"]);
    // Whoever finds a sound copy of the manifest has the whole snapshot again.
    assert_eq!(files_below(&project.stored("objects")).len(), objects - 1, "the second name of the manifest");
    fs::write(project.stored("x.json"), whole).must("to write");
    verify(&project, &["x"]).exits(0);
}

#[test]
fn what_is_in_quarantine_is_named_everywhere_until_it_is_removed() {
    let project = project();
    project.write("a.txt", "another\n");
    project.snap(&["save", "y"]).exits(0);
    let damage =
        |name: &str| fs::write(project.stored(format!("{name}.json").as_str()), "damaged").must("to write");
    for name in ["x", "y"] {
        damage(name);
    }
    let ran = verify(&project, &["--repair", "--json"]).exits(0).json();
    let aside: BTreeSet<PathBuf> = ran["set_aside"]
        .as_array()
        .must("a list")
        .iter()
        .map(|path| PathBuf::from(path.as_str().must("a path")))
        .collect();
    let there: BTreeSet<PathBuf> = files_below(&project.stored("damaged")).into_iter().collect();
    assert_eq!(aside, there, "all that was moved is named");
    let place = |name: &str| project.stored(format!("damaged/{name}.json").as_str()).display().to_string();
    let why = "This is not a snapshot's manifest";
    for command in [&["verify"][..], &["status"], &["list"], &["list", "-a"]] {
        let ran = project.snap(command).exits(0);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        for name in ["x", "y"] {
            for part in [&place(name), why, "`snap pull REMOTE NAME`", &format!("`rm \"{}", place(name))] {
                assert!(said.contains(part), "{part} is not in what {command:?} says:\n{said}");
            }
        }
    }
    for command in [
        &["show", "x"][..],
        &["rewind", "x"],
        &["resume", "x"],
        &["diff", "x"],
        &["rm", "x"],
        &["verify", "x"],
    ] {
        project.snap(command).exits(3).says(&[
            "in quarantine",
            &place("x"),
            why,
            "`snap pull REMOTE NAME`",
            "`rm ",
        ]);
    }
    let told = project.snap(&["verify", "--json"]).exits(0).json();
    let names: Vec<&str> =
        told["quarantine"].as_array().must("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["x", "y"]);
    project.snap(&["prune", "--now"]).exits(6).says(&["`damaged` (\"x\", \"y\")"]);
    for file in there {
        fs::remove_file(file).must("to remove");
    }
    project.snap(&["show", "x"]).exits(3).says(&["has none of that name"]);
    let status = project.snap(&["status"]).exits(0).stdout;
    assert!(!status.contains("quarantine"), "{status}");
}

#[test]
fn what_is_in_quarantine_is_named_no_longer_once_the_snapshot_is_here_whole_again() {
    let project = project();
    let copy = project.home.path().join("x.snap");
    let copy = copy.to_str().must("UTF-8");
    project.snap(&["export", "x", "-o", copy]).exits(0);
    let whole = fs::read(project.stored("x.json")).must("a manifest");
    fs::write(project.stored("x.json"), &whole[..whole.len() / 2]).must("to write");
    verify(&project, &["--repair"]).exits(0);
    let everywhere = || {
        [&["status"][..], &["list"], &["verify"]].map(|command| {
            let ran = project.snap(command);
            format!("{}{}", ran.stdout, ran.stderr)
        })
    };
    assert!(everywhere().iter().all(|said| said.contains("in quarantine")), "{:?}", everywhere());
    // Another one that has its name is not the one that is lost.
    project.write("a.txt", "another\n");
    project.snap(&["save", "x"]).exits(0);
    assert!(everywhere().iter().all(|said| said.contains("in quarantine")), "{:?}", everywhere());
    project.snap(&["rm", "x"]).exits(0);
    project.snap(&["import", copy]).exits(0);
    assert!(everywhere().iter().all(|said| !said.contains("quarantine")), "{:?}", everywhere());
    project.snap(&["show", "x"]).exits(0);
    crate::store::age_objects(&project);
    let ran = project.snap(&["prune", "--now"]).exits(0);
    assert!(!ran.stderr.contains("quarantine"), "{}", ran.stderr);
    verify(&project, &[]).exits(0);
}

#[test]
fn who_writes_the_id_of_what_is_in_quarantine_into_another_snapshot_frees_nothing_that_it_needs() {
    let project = project();
    project.write("big.bin", noise(1, 9_000));
    project.snap(&["save", "lost"]).exits(0);
    let whole = fs::read(project.stored("lost.json")).must("a manifest");
    let id = serde_json::from_slice::<Value>(&whole).must("JSON")["id"].clone();
    fs::write(project.stored("lost.json"), &whole[..whole.len() - 40]).must("to write");
    verify(&project, &["--repair"]).exits(0);
    fs::remove_file(project.path("big.bin")).must("to remove");
    project.write("a.txt", "another\n");
    project.snap(&["save", "kept"]).exits(0);
    let mut forged: Value =
        serde_json::from_slice(&fs::read(project.stored("kept.json")).must("a manifest")).must("JSON");
    (forged["id"], forged["name"]) = (id, "forged".into());
    let forged = seal(forged.to_string().into_bytes()).must("sealed");
    fs::write(project.stored("forged.json"), forged).must("to write");
    assert!(project.snap(&["list"]).stdout.contains("forged"), "it can be read");
    crate::store::age_objects(&project);
    project.snap(&["prune", "--now"]).exits(6).says(&["in quarantine"]);
    fs::write(project.stored("lost.json"), whole).must("to write");
    fs::remove_file(project.stored("forged.json")).must("to remove");
    project.snap(&["rewind", "lost", "--no-session", "--no-input"]).exits(0);
    assert_eq!(fs::read_to_string(project.path("big.bin")).must("the file"), noise(1, 9_000));
}

#[test]
fn a_folder_in_the_place_of_a_manifest_is_set_aside_and_the_manifest_is_back() {
    let project = project();
    let manifest = fs::read(project.stored("x.json")).must("a manifest");
    fs::remove_file(project.stored("x.json")).must("to remove");
    fs::create_dir(project.stored("x.json")).must("a folder");
    fs::write(project.stored("x.json/somebody's"), "file").must("to write");
    verify(&project, &[]).exits(1);
    verify(&project, &["--repair"]).exits(0);
    assert_eq!(fs::read(project.stored("x.json")).must("the manifest"), manifest);
    assert_eq!(fs::read(project.stored("damaged/x.json/somebody's")).must("it"), b"file");
    verify(&project, &[]).exits(0);
}

/// What a snapshot of a sound work tree is: sound, and it stays so when it is restored, undone, and repaired.
#[track_caller]
fn is_sound(project: &Project, what: &str) {
    let state = project.state_with_flags();
    project.snap(&["save", "y"]).exits(0);
    verify(project, &[]).exits(0);
    project.write("b.txt", "something else\n");
    project.snap(&["rewind", "y", "--no-session"]).exits(0);
    assert_eq!(project.state_with_flags(), state, "{what}");
    for way in ["undo", "redo"] {
        project.snap(&[way]).exits(0);
        verify(project, &["--repair"]).exits(0).says(&["all is well"]);
    }
    assert_eq!(project.state_with_flags(), state, "{what}");
    assert!(!project.stored("damaged").exists(), "{what}: nothing was set aside");
    project.snap(&["rm", "y"]).exits(0);
}

#[test]
fn edits_of_a_file_whose_committed_version_holds_secrets_are_sound() {
    // Random to a scanner, and of nobody.
    let address = |n: u32| format!("postgres://app:x9yimTcfipZGnzPb{n:02}@db/app");
    let yaml = |n: u32| format!("services:\n  db:\n    url: {}\n", address(n));
    type Edit<'a> = (&'a str, &'a dyn Fn(&Project));
    let edits: [Edit<'_>; 8] = [
        ("a line behind it", &|p| p.write("compose.yml", yaml(1) + "more: 1\n")),
        ("a line before it", &|p| p.write("compose.yml", "more: 1\n".to_owned() + &yaml(1))),
        ("another secret in its place", &|p| p.write("compose.yml", yaml(2))),
        ("a second one", &|p| p.write("compose.yml", yaml(1) + &yaml(2))),
        ("it is gone", &|p| p.write("compose.yml", "services:\n")),
        ("staged", &|p| {
            p.write("compose.yml", yaml(1) + "staged: 1\n");
            p.git(&["add", "compose.yml"]);
        }),
        ("staged, and edited again", &|p| {
            p.write("compose.yml", yaml(1) + "staged: 1\n");
            p.git(&["add", "compose.yml"]);
            p.write("compose.yml", yaml(1) + "later: 1\n");
        }),
        ("renamed and edited", &|p| {
            p.git(&["mv", "compose.yml", "stack.yml"]);
            p.write("stack.yml", yaml(1) + "more: 1\n");
        }),
    ];
    for (what, edit) in edits {
        let project = Project::new();
        project.write("compose.yml", yaml(1));
        project.git(&["add", "."]);
        project.git(&["commit", "-qm", "with a secret"]);
        edit(&project);
        is_sound(&project, what);
    }
}

#[test]
fn marks_of_files_and_links_that_are_only_meant_to_be_added_are_sound() {
    use std::os::unix::fs::symlink;
    type Arrange<'a> = (&'a str, &'a dyn Fn(&Project));
    let link = |p: &Project| symlink("b.txt", p.path("n")).must("a link");
    let to_file = |p: &Project| {
        fs::remove_file(p.path("n")).must("to remove");
        p.write("n", "precious\n");
    };
    let marked = |p: &Project| {
        link(p);
        p.git(&["add", "-N", "n"]);
        to_file(p);
    };
    let in_head = |p: &Project| {
        p.write("n", "in HEAD\n");
        p.git(&["add", "n"]);
        p.git(&["commit", "-qm", "n"]);
        p.git(&["rm", "-q", "--cached", "n"]);
        fs::remove_file(p.path("n")).must("to remove");
    };
    let cases: [Arrange<'_>; 5] = [
        ("a link, and a file on the disk", &marked),
        ("a link that is there", &|p| {
            link(p);
            p.git(&["add", "-N", "n"]);
        }),
        ("a link, a file on the disk and in HEAD", &|p| {
            in_head(p);
            marked(p);
        }),
        ("a file, a link on the disk, a file in HEAD", &|p| {
            in_head(p);
            p.write("n", "x\n");
            p.git(&["add", "-N", "n"]);
            fs::remove_file(p.path("n")).must("to remove");
            link(p);
        }),
        ("a link, and HEAD has the file since", &|p| {
            marked(p);
            p.snap(&["save", "before"]).exits(0);
            p.git(&["commit", "-qam", "n"]);
            p.snap(&["rewind", "before", "--no-session"]).exits(0);
        }),
    ];
    for (what, arrange) in cases {
        let project = Project::new();
        arrange(&project);
        is_sound(&project, what);
    }
}

#[test]
fn a_log_that_cannot_be_read_is_told_by_all_that_go_by_it() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "later\n");
    project.snap(&["rewind", "x"]).exits(0);
    let whole = project.read(".claude/snapshots/log.jsonl");
    project.write(".claude/snapshots/log.jsonl", "rubbish\n{\"at\":1}\n");
    let unread = "2 lines can't be read";
    let log = project.snap(&["log"]).exits(0).says(&[unread, "log.jsonl"]);
    assert!(!log.stderr.contains("The log is empty"), "{log:?}");
    let undo =
        project.snap(&["undo"]).exits(3).says(&[unread, "What to undo is not known", "`snap list -a`"]);
    assert!(!undo.stderr.contains("There is nothing to undo"), "{undo:?}");
    let verify = project.snap(&["verify"]).exits(1);
    assert!(verify.stdout.contains(unread) && !verify.stderr.contains("all is well"), "{verify:?}");
    let json = project.snap(&["verify", "--json"]).exits(1).json();
    assert_eq!(
        (&json["ok"], &json["log"][0]["part"]),
        (&serde_json::json!(false), &serde_json::json!("log"))
    );
    // What can be read stays, and the rest is kept.
    let lines = [&b"rubbish\n"[..], &whole, b"{\"at\":1}"].concat();
    project.write(".claude/snapshots/log.jsonl", lines);
    project.snap(&["undo", "--dry-run"]).exits(3).says(&[unread, "What to undo is not known"]);
    project.snap(&["undo", "--dry-run", "--anyway"]).exits(0).says(&[unread]);
    let repaired = project.snap(&["verify", "--repair"]).exits(0);
    assert!(repaired.stdout.contains("damaged/log.jsonl"), "{repaired:?}");
    assert_eq!(project.read(".claude/snapshots/log.jsonl"), whole);
    assert_eq!(project.read(".claude/snapshots/damaged/log.jsonl"), b"rubbish\n{\"at\":1}\n");
    let undo = project.snap(&["undo"]).exits(0);
    assert!(!undo.stderr.contains("can't be read"), "{undo:?}");
    assert_eq!(project.read("a.txt"), b"later\n");
    project.append(&project.stored("log.jsonl"), b"rubbish\n");
    project.snap(&["verify", "--repair"]).exits(0);
    assert_eq!(project.read(".claude/snapshots/damaged/log-2.jsonl"), b"rubbish\n");
}
