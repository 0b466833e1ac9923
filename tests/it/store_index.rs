//! The index of a store is never the truth: removed, torn, old, forged or in the way of nothing, every answer is the one
//! that the manifests give.

use std::fs;
use std::path::{Path, PathBuf};

use claude_snap::base::timestamp::Timestamp;
use claude_snap::manifest::Manifest;
use claude_snap::trust::Trust;
use serde_json::Value;

use crate::mounts::Bound;
use crate::support::Must;
use crate::support::project::Project;
use crate::support::trace::{available, traced};
use crate::together::Dice;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";
const FILES: [&str; 2] = ["tmp/index", "tmp/summaries"];

/// A store of a few snapshots of each kind.
pub(crate) fn with_snapshots() -> Project {
    let project = Project::new();
    project.session(ID);
    for name in ["one", "two", "three", "twofold"] {
        project.write("a.txt", format!("{name}\n"));
        project.snap(&["save", name, "-m", &format!("about {name}")]).exits(0);
    }
    project.write("a.txt", "other\n");
    project.snap(&["rewind", "one"]).exits(0);
    project.snap(&["pin", "two"]).exits(0);
    project.snap(&["list"]).exits(0);
    project
}

/// Removes what changes from one moment to the next, and where the store is.
fn timeless(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("age_seconds");
            fields.remove("reason");
            fields.remove("after");
            fields.values_mut().for_each(timeless);
        }
        Value::Array(items) => items.iter_mut().for_each(timeless),
        _ => {}
    }
}

/// All that commands say of the snapshots of a store, which may be elsewhere. Each finds the index as it is now: what one makes of it
/// would help the next.
fn answers(project: &Project, store: &Path) -> Vec<String> {
    let commands: [&[&str]; 15] = [
        &["list", "-a", "--json"],
        &["list", "about", "--json"],
        &["show", "latest", "--json"],
        &["show", "latest~1", "--json"],
        &["status", "--short"],
        &["show", "one", "--json"],
        &["show", "two", "--json"],
        &["show", "tw", "--json"],
        &["show", "latest~9", "--json"],
        &["show", "nothing like it", "--json"],
        &["prune", "--keep-last", "1", "--dry-run", "--json"],
        &["prune", "--older-than", "1d", "--dry-run", "--json"],
        &["prune", "--max-size", "1", "--dry-run", "--json"],
        &["rm", "--no-input", "nothing", "--json"],
        &["status", "--json"],
    ];
    let place = store.to_str().must("UTF-8");
    let index = FILES.map(|name| fs::read(store.join(name)).ok());
    let said = |command: &[&str]| {
        for (name, bytes) in FILES.iter().zip(&index) {
            bytes.iter().for_each(|bytes| drop(fs::write(store.join(name), bytes)));
        }
        let ran = project.snap(&[&["--store", place], command].concat());
        // The last word of a short status is an age.
        let without_age =
            |text: &str| text.rsplit_once(' ').map_or_else(String::new, |(text, _)| text.to_owned());
        let mut out =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|_| Value::String(without_age(&ran.stdout)));
        timeless(&mut out);
        // The log proves nothing in a copy: there, nothing is promised of what is in the trash.
        let stderr = match ran.stderr.split_once("it is in the trash") {
            Some((before, _)) => before,
            None => &ran.stderr,
        };
        format!("{command:?}: {}\n{out:#}\n{stderr}", ran.code).replace(place, "STORE")
    };
    commands.iter().map(|command| said(command)).collect()
}

/// What would be said if there was no index: by a copy that has none.
fn answers_without(project: &Project) -> Vec<String> {
    let copy = project.home.path().join("copy of the store");
    if copy.exists() {
        fs::remove_dir_all(&copy).must("removed");
    }
    copy_folder(&project.stored(""), &copy);
    FILES.iter().for_each(|name| drop(fs::remove_file(copy.join(name))));
    FILES.iter().for_each(|name| drop(fs::remove_dir_all(copy.join(name))));
    answers(project, &copy)
}

/// Copies files with their times.
fn copy_folder(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-a").args([from, to]).status().must("cp");
    assert!(copied.success(), "{}", from.display());
}

#[track_caller]
pub(crate) fn assert_is_as_without(project: &Project, what: &str) {
    let store = project.stored("");
    let store = store.components().as_path();
    // The first finds what was done to it, the second what the first has made of that.
    for turn in ["first", "second"] {
        let (with, without) = (answers(project, store), answers_without(project));
        for (with, without) in with.iter().zip(&without) {
            assert_eq!(with, without, "{what}, {turn}");
        }
    }
}

/// The files of the manifests, in their order.
pub(crate) fn manifests(project: &Project) -> Vec<PathBuf> {
    let all = fs::read_dir(project.stored("")).must("a store").flatten().map(|entry| entry.path());
    let mut all: Vec<PathBuf> =
        all.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    all.sort();
    all
}

#[test]
fn an_index_that_is_gone_torn_or_changed_at_any_byte_is_as_good_as_none() {
    let project = with_snapshots();
    assert_is_as_without(&project, "untouched");
    for name in FILES {
        let file = project.stored(name);
        let whole = fs::read(&file).must("a file that saves time");
        let store = project.stored("");
        let truth = answers_without(&project);
        let places =
            (0..whole.len()).step_by(whole.len() / 5).chain([0, 63, 64, 65, 74, 75, 76, whole.len() - 1]);
        for at in places {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            for (what, bytes) in [("changed", &changed[..]), ("torn", &whole[..at])] {
                fs::write(&file, bytes).must("written");
                assert_eq!(answers(&project, store.components().as_path()), truth, "{name} {what} at {at}");
            }
        }
        fs::remove_file(&file).must("removed");
        assert_is_as_without(&project, "removed");
    }
}

#[test]
fn what_is_in_its_way_or_can_not_be_written_keeps_nobody_from_anything() {
    let project = with_snapshots();
    for name in FILES {
        let file = project.stored(name);
        drop(fs::remove_file(&file));
        fs::create_dir(&file).must("a folder");
        fs::write(file.join("kept"), "x").must("a file");
    }
    assert_is_as_without(&project, "folders");
    project.write("a.txt", "more\n");
    project.snap(&["save", "more"]).exits(0);
    project.snap(&["rm", "one"]).exits(0);
    assert_is_as_without(&project, "folders, later");
    let outside = project.home.path().join("outside");
    fs::write(&outside, "kept\n").must("a file");
    for name in FILES {
        fs::remove_dir_all(project.stored(name)).must("removed");
        std::os::unix::fs::symlink(&outside, project.stored(name)).must("a link");
    }
    assert_is_as_without(&project, "links");
    assert_eq!(fs::read(&outside).must("a file"), b"kept\n");
    fs::remove_dir_all(project.stored("tmp")).must("removed");
    assert_is_as_without(&project, "no folder for it");
}

#[test]
fn what_others_add_remove_and_replace_is_seen() {
    let project = with_snapshots();
    let store = project.stored("");
    let kept = project.home.path().join("kept");
    copy_folder(&store, &kept);
    let path = |name: &str| project.stored(name);
    let changes: [(&str, &dyn Fn()); 11] = [
        ("a snapshot is removed by hand", &|| {
            fs::remove_file(path("one.json")).must("removed");
            fs::remove_file(path("objects/manifests/one.json")).must("removed");
        }),
        ("one comes back", &|| {
            fs::copy(kept.join("one.json"), path("one.json")).must("copied");
        }),
        ("a pin is removed by hand", &|| {
            fs::remove_file(path("two.pin")).must("removed");
            fs::remove_file(path("objects/manifests/two.pin")).must("removed");
        }),
        ("one is pinned by hand", &|| fs::write(path("three.pin"), "").must("written")),
        ("one loses its first name", &|| fs::remove_file(path("three.json")).must("removed")),
        ("one is damaged where it is", &|| {
            let mut json = fs::read(path("twofold.json")).must("a manifest");
            json[100] ^= 1;
            fs::write(path("twofold.json"), json).must("written");
        }),
        ("it is mended where it is", &|| {
            fs::write(path("twofold.json"), fs::read(kept.join("twofold.json")).must("a manifest"))
                .must("written");
        }),
        ("another than the newest is overwritten by a newer one where it is", &|| {
            let newest = fs::read(path("twofold.json")).must("a manifest");
            fs::write(path("one.json"), newest).must("written");
        }),
        ("and by one of somebody else", &|| {
            fs::write(path("one.json"), foreign(&project, 4)).must("written");
        }),
        ("one file is replaced by another", &|| {
            fs::copy(kept.join("two.json"), path("new")).must("copied");
            fs::rename(path("new"), path("one.json")).must("renamed");
        }),
        ("an older index comes back", &|| {
            for name in FILES {
                fs::copy(kept.join(name), path(name)).must("copied");
            }
        }),
    ];
    assert_is_as_without(&project, "untouched");
    for (what, change) in changes {
        change();
        assert_is_as_without(&project, what);
    }
}

#[test]
fn a_branch_that_holds_other_snapshots_changes_what_there_is() {
    let project = with_snapshots();
    let rule = project.stored(".gitignore");
    fs::write(&rule, "/tmp/\n/objects/\n/lock\n/log.jsonl\n!*.json\n").must("written");
    project.git(&["add", "-f", ".claude/snapshots/one.json", ".claude/snapshots/two.json"]);
    project.git(&["commit", "-qm", "two of them"]);
    project.git(&["checkout", "-qb", "other"]);
    project.git(&["rm", "-q", "--cached", ".claude/snapshots/one.json"]);
    project.git(&["commit", "-qm", "one of them"]);
    assert_is_as_without(&project, "on one branch");
    for branch in ["main", "other", "main"] {
        project.git(&["checkout", "-qf", branch]);
        assert_is_as_without(&project, branch);
    }
}

#[test]
fn nothing_of_what_is_gone_for_good_stays() {
    let project = with_snapshots();
    let holds = |words: &str| {
        let holds = |name: &&&str| {
            let bytes = fs::read(project.stored(name)).unwrap_or_default();
            bytes.windows(words.len()).any(|window| window == words.as_bytes())
        };
        FILES.iter().filter(holds).count()
    };
    project.snap(&["list"]).exits(0);
    assert_eq!((holds("three"), holds("about three")), (2, 1));
    project.snap(&["rm", "three", "--now"]).exits(0);
    assert_eq!((holds("three"), holds("about three")), (0, 0));
    assert_is_as_without(&project, "one is gone");
    project.snap(&["rm", "twofold"]).exits(0);
    project.snap(&["prune", "--now"]).exits(0);
    assert_eq!((holds("twofold"), holds("about twofold")), (0, 0));
}

#[test]
fn nothing_of_what_is_gone_for_good_stays_in_what_a_killed_list_left() {
    let project = with_snapshots();
    let draft = project.stored("tmp/snap-tmp-index-0123456789abcdef");
    fs::copy(project.stored("tmp/summaries"), &draft).must("copied");
    project.snap(&["rm", "three", "--now"]).exits(0);
    assert!(!draft.exists());
}

#[test]
fn it_is_said_if_something_of_what_is_gone_for_good_may_stay() {
    let project = with_snapshots();
    let summaries = project.stored("tmp/summaries");
    // Nobody can replace or remove a file on which another one is mounted.
    let Some(_bound) = Bound::on(&summaries, &summaries) else { return };
    let ran = project.snap(&["rm", "three", "--now"]);
    ran.says(&["may still stand", "tmp/summaries"]);
}

#[test]
fn nobody_believes_an_index_that_came_from_somebody_else() {
    let project = with_snapshots();
    project.snap(&["list"]).exits(0);
    let kept: Vec<Vec<u8>> = FILES.iter().map(|name| fs::read(project.stored(name)).must("a file")).collect();
    let other = project.cloned().of_another_user();
    fs::create_dir_all(other.path(".claude")).must("a folder");
    copy_folder(&project.stored(""), other.stored("").components().as_path());
    let own = |project: &Project| {
        let all = project.snap(&["list", "-a", "--json"]).exits(0).json();
        all.as_array().must("a list").iter().filter(|one| one["own"] == true).count()
    };
    assert_eq!(own(&other), 0);
    assert_is_as_without(&other, "of another user");
    // Once the other user has a key too.
    other.write("a.txt", "theirs\n");
    other.snap(&["save", "theirs"]).exits(0);
    for (name, bytes) in FILES.iter().zip(&kept) {
        fs::write(other.stored(name), bytes).must("written");
    }
    assert_eq!(own(&other), 1);
    assert_is_as_without(&other, "put back");
}

#[test]
fn what_was_read_once_is_not_read_again() {
    if !available("which manifests are read again") {
        return;
    }
    let project = with_snapshots();
    project.snap(&["list"]).exits(0);
    let reads = |arguments: &[&str]| {
        let (_, calls) = traced(&project, &["-e", "trace=openat"], arguments);
        let of_manifests = calls.lines().filter(|line| line.contains(".json\"") && !line.contains("ENOENT"));
        let is_ours = |line: &&str| {
            manifests(&project).iter().any(|path| {
                line.contains(&format!("\"{}\"", path.file_name().must("a name").to_string_lossy()))
            })
        };
        of_manifests.filter(is_ours).count()
    };
    for (command, most) in [
        (&["status", "--short"][..], 1),
        (&["show", "latest"], 1),
        (&["list", "-n", "1", "--json"], 0),
        (&["list", "-a", "--json"], 0),
    ] {
        assert!(reads(command) <= most, "{command:?} reads {} manifests", reads(command));
    }
}

#[test]
fn whatever_happens_to_a_store_every_answer_is_that_of_the_manifests() {
    let cases = std::env::var("SNAP_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    for seed in 0..cases {
        random_store(seed);
    }
}

/// A snapshot of somebody else, from the future.
fn foreign(project: &Project, number: u64) -> Vec<u8> {
    let json = manifests(project).first().map(|path| fs::read(path).must("a manifest"));
    let Some(mut manifest) = json.and_then(|json| Manifest::from_json(&json).ok()) else { return Vec::new() };
    manifest.name = ["one", "two"][usize::try_from(number % 2).must("a number")].to_owned();
    manifest.id = claude_snap::base::ids::SnapshotId::random();
    manifest.created_at = Timestamp::from_millis(
        manifest.created_at.as_millis() + i64::try_from(number).must("a number") * 40_000_000,
    );
    manifest.created_by.user = "ada".to_owned();
    manifest.proofs.mac = None;
    manifest.to_json().must("a manifest")
}

/// One of this user's own, saved hours or days from now: as if the clock had been set back since.
fn own_of_later(project: &Project, number: u64) -> Vec<u8> {
    let Ok(mut manifest) = Manifest::from_json(&foreign(project, number)) else { return Vec::new() };
    manifest.created_by.user = "me".to_owned();
    let trust = Trust::new(&project.home.path().join(".local/state/snap"));
    manifest.proofs.mac = Some(trust.mark(manifest.body_hash().must("a hash")).must("a mark"));
    manifest.to_json().must("a manifest")
}

fn random_store(seed: u64) {
    let project = with_snapshots();
    let mut dice = Dice(seed.wrapping_mul(977) + 1);
    let mut done = Vec::new();
    let old: Vec<Vec<u8>> =
        FILES.iter().map(|name| fs::read(project.stored(name)).unwrap_or_default()).collect();
    for step in 0..10 {
        let all = manifests(&project);
        let any = |dice: &mut Dice| {
            all.get(usize::try_from(dice.below(all.len().max(1) as u64)).must("a number")).cloned()
        };
        let index = project.stored(FILES[usize::try_from(dice.below(2)).must("a number")]);
        let what = dice.below(19);
        let number = dice.below(5);
        match (what, any(&mut dice)) {
            (0, _) => {
                project.write("a.txt", format!("step {step}\n"));
                drop(project.snap(&["save"]));
            }
            (1, _) => {
                project.write("a.txt", format!("step {step}\n"));
                drop(project.snap(&[
                    "save",
                    ["one", "two", "three", "four", "tw"][usize::try_from(number).must("a number")],
                ]));
            }
            (2, Some(one)) => {
                let stem = one.file_stem().must("a name").to_string_lossy().into_owned();
                drop(project.snap(&[if number < 3 { "pin" } else { "unpin" }, &stem]));
            }
            (3, Some(one)) => drop(project.snap(&["rm", &one.file_stem().must("a name").to_string_lossy()])),
            (4, _) => drop(project.snap(&["undo", "--no-input"])),
            (5, Some(one)) => {
                let mut json = fs::read(&one).must("a manifest");
                let at = usize::try_from(dice.below(json.len().max(1) as u64)).must("a number");
                json.get_mut(at).into_iter().for_each(|byte| *byte ^= 1);
                fs::write(&one, json).must("written");
            }
            (6, Some(one)) => {
                let json = fs::read(&one).must("a manifest");
                fs::write(&one, &json[..json.len() / 2]).must("written");
            }
            (7, Some(one)) => {
                let from = any(&mut dice).must("another one");
                fs::copy(from, project.stored("new")).must("copied");
                fs::rename(project.stored("new"), one).must("renamed");
            }
            (8, _) => fs::write(project.stored(&format!("foreign-{step}.json")), foreign(&project, number))
                .must("written"),
            (9, Some(one)) => fs::remove_file(one).must("removed"),
            (10, Some(one)) => {
                drop(fs::remove_file(
                    project.stored("objects/manifests").join(one.file_name().must("a name")),
                ));
                fs::remove_file(one).must("removed");
            }
            (11, _) => drop(fs::remove_file(&index)),
            (12, _) => {
                let bytes = fs::read(&index).unwrap_or_default();
                let at = usize::try_from(dice.below(bytes.len() as u64 + 1)).must("a number");
                fs::write(&index, &bytes[..at]).must("written");
            }
            (13, _) => {
                for (name, bytes) in FILES.iter().zip(&old) {
                    fs::write(project.stored(name), bytes).must("written");
                }
            }
            (14, Some(one)) => fs::write(one, foreign(&project, number)).must("written where it is"),
            (15, Some(one)) => {
                let from = any(&mut dice).must("another one");
                fs::write(one, fs::read(from).must("a manifest")).must("written where it is");
            }
            (16, Some(one)) => {
                // By hand, within the same second, and as long as before.
                let modified = fs::metadata(&one).and_then(|found| found.modified()).must("a time");
                let from = any(&mut dice).must("another one");
                let mut json = fs::read(from).must("a manifest");
                json.resize(fs::read(&one).must("a manifest").len(), b' ');
                fs::write(&one, json).must("written where it is");
                let file = fs::File::options().write(true).open(&one).must("a file");
                file.set_modified(modified).must("its time");
            }
            (17, _) => {
                fs::write(project.stored(&format!("later-{step}.json")), own_of_later(&project, number))
                    .must("written")
            }
            (18, Some(one)) => {
                let copy = one.with_file_name(format!("copy-{step}.json"));
                fs::copy(one, copy).must("copied");
            }
            _ => {}
        }
        done.push(what);
        assert_is_as_without(&project, &format!("seed {seed}, after {done:?}"));
    }
}
