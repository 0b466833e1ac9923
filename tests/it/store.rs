//! The store: listing, damage, pruning, pins, and the formats of other versions.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::support::project::{Project, files_below};
use crate::support::{Must, eventually, needs};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Makes a snapshot look as old as this.
pub(crate) fn age(project: &Project, stem: &str, days: u64) {
    let path = project.stored(&format!("{stem}.json"));
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(&path).must("a manifest")).must("JSON");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).must("after 1970").as_millis();
    let then = i64::try_from(now).must("a time") - i64::try_from(days).must("days") * 86_400_000;
    manifest["created_at"] = claude_snap::base::timestamp::Timestamp::from_millis(then).to_string().into();
    let sealed = claude_snap::manifest::seal(manifest.to_string().into_bytes()).must("a sealed manifest");
    fs::write(&path, sealed).must("to write");
}

/// Makes every object look old enough to be swept.
pub(crate) fn age_objects(project: &Project) {
    for object in project.objects() {
        let long_ago = SystemTime::now() - Duration::from_secs(3 * 86_400);
        File::options()
            .write(true)
            .open(object)
            .must("an object")
            .set_modified(long_ago)
            .must("to set a time");
    }
}

fn names(project: &Project) -> Vec<String> {
    let listed = project.snap(&["list", "--json"]).exits(0).json();
    let all = listed.as_array().must("a list").iter();
    all.map(|one| one["name"].as_str().must("a name").to_owned()).collect()
}

#[test]
fn the_list_is_newest_first_and_says_what_is_in_each() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "old one"]).exits(0);
    age(&project, "old-one", 3);
    project.write("a.txt", "one\n2\nthree\n");
    project.snap(&["save", "new one"]).exits(0);
    let table = project.snap(&["list"]).exits(0).stdout;
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(
        lines[0],
        ["ID", "AGE", "EDITS", "BRANCH", "TASKS", "AGENTS", "WORKTREE", "SIZE", "NAME", "MARKS", "ABOUT"]
    );
    assert_eq!(lines[1][1..7], ["now", "1 +1 -1", "main", "1/2", "1", ""]);
    assert_eq!(lines[1][8..], ["new one", "", "write a parser"]);
    // Its file was changed to make it older: it is no longer what was saved.
    assert_eq!((lines[2][1], &lines[2][8..10]), ("3d", &["old one", "(not yours)"][..]));
}

#[test]
fn references_are_names_latest_and_the_start_of_an_id() {
    let project = Project::new();
    project.snap(&["save", "first"]).exits(0);
    age(&project, "first", 1);
    project.write("a.txt", "changed\n");
    let id =
        project.snap(&["save", "second", "--json"]).exits(0).json()["id"].as_str().must("an id").to_owned();
    let name = |reference: &str| project.snap(&["show", reference, "--json"]).exits(0).json()["name"].clone();
    assert_eq!(
        [name("latest"), name("latest~1"), name(&id[..8]), name("first")],
        ["second", "first", "second", "first"]
    );
    project.snap(&["show", "latest~2"]).exits(3);
    assert_eq!(name("secon"), "second");
    project.snap(&["show", "secund"]).exits(3).says(&["did you mean \"second\""]);
}

#[test]
fn prune_removes_what_is_old_keeps_pins_and_says_why() {
    let project = Project::new();
    project.session(ID);
    for (number, name) in ["ancient", "pinned", "young"].iter().enumerate() {
        project.write("a.txt", format!("version {number}\n").repeat(500));
        project.snap(&["save", name]).exits(0);
    }
    age(&project, "ancient", 30);
    age(&project, "pinned", 20);
    project.snap(&["pin", "pinned"]).exits(0);
    let dry = project.snap(&["prune", "--older-than", "7d", "--dry-run", "--json"]).exits(0).json();
    let verdicts: Vec<(&str, bool)> = dry["snapshots"]
        .as_array()
        .must("snapshots")
        .iter()
        .map(|one| (one["name"].as_str().unwrap_or(""), one["keep"] == true))
        .collect();
    assert_eq!(verdicts, [("young", true), ("pinned", true), ("ancient", false)]);
    assert_eq!(names(&project).len(), 3, "a dry run removes nothing");
    let ran = project.snap(&["prune", "--older-than", "7d"]).exits(0);
    assert!(ran.stdout.contains("remove\tancient\t4w old, older than 7d"), "{}", ran.stdout);
    assert!(ran.stdout.contains("keep\tpinned\tpinned"), "{}", ran.stdout);
    assert_eq!(names(&project), ["young", "pinned"]);
    project.snap(&["rm", "pinned"]).exits(3).says(&["pinned", "unpin"]);
    project.snap(&["unpin", "pinned"]).exits(0);
    project.snap(&["prune", "--older-than", "7d"]).exits(0);
    assert_eq!(names(&project), ["young"]);
}

#[test]
fn prune_without_a_policy_is_a_usage_error() {
    Project::new().snap(&["prune"]).exits(2).says(&["--older-than"]);
}

#[test]
fn what_only_the_removed_snapshot_needed_goes_and_what_is_shared_stays() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "keeps"]).exits(0);
    project.write("big", b"0123456789".repeat(5_000));
    project.snap(&["save", "goes"]).exits(0);
    age_objects(&project);
    let before = project.objects().len();
    project.snap(&["rm", "goes", "--now"]).exits(0);
    let after = project.objects().len();
    assert_eq!(after, before - 1);
    project.snap(&["resume", "keeps", "--no-run"]).exits(0);
}

#[test]
fn removing_several_with_one_wrong_name_removes_none() {
    let project = Project::new();
    project.snap(&["save", "a"]).exits(0);
    project.snap(&["rm", "a", "nope"]).exits(3).says(&["nope"]);
    assert_eq!(names(&project), ["a"]);
}

#[test]
fn a_damaged_snapshot_is_named_and_the_others_go_on() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "good"]).exits(0);
    project.write("a.txt", "changed\n");
    project.snap(&["save", "bad"]).exits(0);
    let path = project.stored("bad.json");
    let json = fs::read(&path).must("a manifest");
    fs::write(&path, &json[..json.len() / 2]).must("a cut manifest");
    project.snap(&["list"]).exits(6).says(&["bad.json"]);
    project.snap(&["show", "bad"]).exits(5).says(&["bad.json", "not affected"]);
    project.snap(&["resume", "good", "--no-edits"]).exits(0);
    project.snap(&["rm", "bad"]).exits(0);
    assert_eq!(names(&project), ["good"]);
}

#[test]
fn a_damaged_or_missing_object_is_never_restored() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    let object = project.objects().into_iter().next().must("an object");
    let whole = fs::read(&object).must("an object");
    let place = object.to_str().must("UTF-8").to_owned();
    let sessions = || files_below(&project.home.config()).len();
    let before = sessions();
    for at in [0, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(&object, flipped).must("a flipped bit");
        project.snap(&["resume", "x"]).exits(5).says(&[&place]);
    }
    fs::remove_file(&object).must("to remove");
    project.snap(&["resume", "x"]).exits(5).says(&[&place, "missing"]);
    assert_eq!(sessions(), before, "nothing was installed");
    // Saving again finds the object missing and heals it.
    project.snap(&["save", "again"]).exits(0);
    project.snap(&["resume", "x"]).exits(0);
}

#[test]
fn a_flipped_bit_anywhere_in_a_manifest_is_noticed() {
    let project = Project::new();
    project.session(ID);
    project.write("new.txt", "new\n");
    project.snap(&["save", "x"]).exits(0);
    let path = project.stored("x.json");
    let whole = fs::read(&path).must("a manifest");
    for at in (0..whole.len()).step_by(whole.len() / 60) {
        let mut flipped = whole.clone();
        flipped[at] ^= 4;
        fs::write(&path, flipped).must("to write");
        let ran = project.snap(&["resume", "x", "--dry-run"]);
        assert!(ran.code == 5 || ran.code == 3, "byte {at}: {} {}", ran.code, ran.stderr);
    }
}

#[test]
fn a_snapshot_of_a_later_version_is_refused_and_left_alone() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    let path = project.stored("x.json");
    let json = fs::read_to_string(&path).must("a manifest");
    for later in [
        json.replace("\"format\": 1", "\"format\": 2"),
        json.replace("\"format\": 1", "\"format\": 1, \"requires\": [\"magic\"]"),
    ] {
        fs::write(&path, &later).must("a later manifest");
        project.snap(&["show", "x"]).exits(5).says(&["later version"]);
        project.snap(&["list"]).exits(6).says(&["later version", "newest", "x.json"]);
        project.snap(&["prune", "--keep-last", "0"]).exits(0);
        assert_eq!(fs::read_to_string(&path).must("still there"), later);
    }
}

#[test]
fn a_store_behind_a_link_is_refused() {
    let project = Project::new();
    let elsewhere = project.home.path().join("elsewhere");
    fs::create_dir(&elsewhere).must("a folder");
    fs::create_dir(project.path(".claude")).must("a folder");
    std::os::unix::fs::symlink(&elsewhere, project.stored("").components().as_path()).must("a link");
    project.snap(&["save", "x"]).exits(3).says(&["symbolic link", "--store"]);
    assert_eq!(files_below(&elsewhere).len(), 0);
}

#[test]
fn a_clients_folder_that_is_a_link_is_told_with_where_it_leads_and_a_way_that_works() {
    let project = Project::new();
    project.session(ID);
    let elsewhere = project.home.path().join("else where");
    fs::create_dir(&elsewhere).must("a folder");
    std::os::unix::fs::symlink("../else where", project.path(".claude")).must("a link");
    let to = fs::canonicalize(&elsewhere).must("a folder").display().to_string();
    let link = project.path(".claude").display().to_string();
    for command in [&["status"][..], &[], &["save", "x"], &["list"]] {
        project.snap(command).exits(3).says(&[&link, "it is a symbolic link to", &to, "--store"]);
    }
    assert_eq!(files_below(&elsewhere).len(), 0);
    let hint = project.snap(&["status"]).exits(3).stderr;
    let named = hint.split("`--store ").nth(1).and_then(|rest| rest.split('`').next()).must("a folder");
    let named = named.trim_matches('"');
    project.snap(&["--store", named, "save", "x"]).exits(0);
    project.snap(&["--store", named, "status"]).exits(0);
    assert!(elsewhere.join("snapshots/x.json").exists());

    // A link to nothing leads nowhere that could be named.
    fs::remove_file(project.path(".claude")).must("no link");
    std::os::unix::fs::symlink("gone", project.path(".claude")).must("a link");
    project.snap(&["status"]).exits(3).says(&["it is a symbolic link to", "gone", "is not there"]);
}

#[test]
fn git_clean_of_ignored_files_leaves_every_snapshot_and_pin() {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "precious\n".repeat(500));
    project.snap(&["save", "precious"]).exits(0);
    project.snap(&["save", "gone for good"]).exits(0);
    project.snap(&["pin", "precious"]).exits(0);
    project.snap(&["rm", "gone for good"]).exits(0);
    project.git(&["clean", "-q", "-d", "-x", "--force"]);
    assert!(!project.stored("precious.json").exists(), "git removed nothing: this test shows nothing");
    project.snap(&["list"]).exits(0).says(&["1 snapshot", "git clean -x", "brings them back"]);
    assert_eq!(names(&project), ["precious"]);
    project.snap(&["prune", "--keep-last", "0"]).exits(0);
    project.git(&["checkout", "-q", "--", "a.txt"]);
    project.snap(&["rewind", "precious", "--no-run"]).exits(0);
    assert_eq!(project.read("a.txt"), "precious\n".repeat(500).as_bytes());
    assert!(project.stored("precious.json").exists() && project.stored("precious.pin").exists());
    assert!(!project.git(&["status", "--porcelain"]).contains(".claude"), "git sees the store");
}

#[test]
fn a_removed_snapshot_stays_removed() {
    let project = Project::new();
    project.snap(&["save", "one"]).exits(0);
    project.snap(&["rm", "one"]).exits(0);
    project.snap(&["save", "two"]).exits(0);
    assert_eq!(names(&project), ["two"]);
}

#[test]
fn a_snapshot_that_is_being_removed_does_not_get_its_name_back() {
    if !Path::new("/proc/self/fd").exists() {
        needs::skipped("a save beside a removal", "this system has no /proc to see it waiting");
        return;
    }
    let project = Project::new();
    project.snap(&["save", "one"]).exits(0);
    // Half removed: the second name first.
    let removing = File::open(project.stored("lock")).must("the lock");
    removing.lock().must("to hold it");
    fs::remove_file(project.stored("objects/manifests/one.json")).must("to remove");
    let mut saving = project.command(project.root(), &["save", "two"]).spawn().must("to start");
    let open = PathBuf::from(format!("/proc/{}/fd", saving.id()));
    eventually("the save waits for the lock", || {
        let files = fs::read_dir(&open).into_iter().flatten().flatten();
        files.filter_map(|file| fs::read_link(file.path()).ok()).any(|file| file == project.stored("lock"))
    });
    assert!(!project.stored("objects/manifests/one.json").exists(), "it has its second name back");
    fs::remove_file(project.stored("one.json")).must("to remove");
    removing.unlock().must("to let go");
    assert!(saving.wait().must("to wait").success());
    assert_eq!(names(&project), ["two"]);
}

#[test]
fn what_a_save_uses_again_is_as_young_as_new_whoever_removes_the_snapshot_it_was_of() {
    let project = Project::new();
    project.write("a.txt", "much text\n".repeat(500));
    project.snap(&["save", "one"]).exits(0);
    age_objects(&project);
    let begun = SystemTime::now() - Duration::from_secs(60);
    project.snap(&["save", "two"]).exits(0);
    for object in project.objects() {
        let at = object.metadata().and_then(|meta| meta.modified()).must("its time");
        assert!(at > begun, "{}: {at:?}", object.display());
    }
}

#[test]
fn prune_by_size_removes_the_oldest_and_says_so() {
    let project = Project::new();
    for (number, name) in (1_u64..).zip(["oldest", "older", "newest"]) {
        // Text that hardly compresses and is another one each time, so that each snapshot needs about 40 KiB of its own.
        let noise: String = (0..4_000)
            .map(|n: u64| format!("{:x}\n", (n + number * 7_919).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .collect();
        project.write("noise", noise + name);
        project.snap(&["save", name]).exits(0);
    }
    age(&project, "oldest", 2);
    age(&project, "older", 1);
    project.snap(&["prune", "--max-size", "1GiB"]).exits(0);
    assert_eq!(names(&project).len(), 3);
    let ran = project.snap(&["prune", "--max-size", "60K"]).exits(0);
    assert!(ran.stdout.contains("remove\toldest\tover the size limit"), "{}", ran.stdout);
    assert_eq!(names(&project), ["newest"]);
    project.snap(&["prune", "--max-size", "lots"]).exits(2).says(&["lots", "2GiB"]);
}
