//! A store of many snapshots: what a command reads of them, counted.

use std::fs;

use claude_snap::base::digest::ObjectId;
use claude_snap::base::ids::SnapshotId;
use claude_snap::base::timestamp::Timestamp;
use claude_snap::manifest::Manifest;
use claude_snap::trust::Trust;

use crate::support::Must;
use crate::support::project::Project;
use crate::support::trace::{available, traced};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";
const MANY: usize = 1_500;
const ASKED: usize = 16;

/// A store with so many copies of one snapshot, with names, ids and times of their own, that `list` has seen.
fn with_many() -> Project {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "an edit\n");
    project.snap(&["save", "first", "-m", "about the first"]).exits(0);
    let json = fs::read(project.stored("first.json")).must("a manifest");
    let mut manifest = Manifest::from_json(&json).must("a manifest");
    let trust = Trust::new(&project.home.path().join(".local/state/snap"));
    let now = manifest.created_at.as_millis();
    for copy in 1..MANY {
        manifest.id = SnapshotId::random();
        manifest.name = format!("copy {copy}");
        manifest.message = Some(format!("about the copy {copy} of it, in some more words than are needed"));
        manifest.created_at = Timestamp::from_millis(now - i64::try_from(copy).must("a number") * 60_000);
        manifest.state = ObjectId::of(copy.to_string().as_bytes());
        manifest.proofs.mac = Some(trust.mark(manifest.body_hash().must("a hash")).must("a mark"));
        let name = format!("copy-{copy}.json");
        fs::write(project.stored(&name), manifest.to_json().must("a manifest")).must("written");
        fs::hard_link(project.stored(&name), project.stored(&format!("objects/manifests/{name}")))
            .must("a second name");
    }
    project.snap(&["list"]).exits(0);
    // What was racy is read once more.
    project.snap(&["list"]).exits(0);
    project
}

/// How much a command reads of the files that save time, how many manifests it reads, and how many it looks at.
#[derive(Debug, Default)]
struct Reads {
    index: u64,
    summaries: u64,
    manifests: usize,
    looks: usize,
}

fn reads(project: &Project, command: &[&str]) -> Reads {
    let calls = ["-y", "-e", "trace=pread64,read,openat,newfstatat,fstatat64,statx"];
    let (ran, calls) = traced(project, &calls, command);
    ran.exits(0);
    let mut all = Reads::default();
    for line in calls.lines() {
        let read = || line.rsplit("= ").next().and_then(|number| number.trim().parse::<u64>().ok());
        let is_read = line.starts_with("pread64(") || line.starts_with("read(");
        if is_read && line.contains("/tmp/index>") {
            all.index += read().must("a number of bytes");
        } else if is_read && line.contains("/tmp/summaries>") {
            all.summaries += read().must("a number of bytes");
        } else if line.starts_with("openat(") && line.contains("copy-") {
            all.manifests += 1;
        } else if line.contains("\"copy-") {
            all.looks += 1;
        }
    }
    all
}

#[test]
fn of_many_snapshots_a_command_reads_only_what_it_shows() {
    if !available("what is read of many snapshots") {
        return;
    }
    let project = with_many();
    let size = |name: &str| fs::metadata(project.stored(name)).must("a file").len();
    let (index, summaries) = (size("tmp/index"), size("tmp/summaries"));
    let latest = reads(&project, &["show", "latest"]);
    assert!(latest.index > 0 && latest.index * 2 < index, "{latest:?} of {index}");
    assert_eq!((latest.summaries, latest.manifests), (0, 0), "{latest:?}");
    let few = reads(&project, &["list", "-n", "5"]);
    assert!(few.summaries > 0 && few.summaries * 2 < summaries, "{few:?} of {summaries}");
    assert_eq!(few.manifests, 0, "{few:?}");
    let found = project.snap(&["list", "copy 77 of", "--json"]).exits(0).json();
    assert_eq!(found[0]["name"], "copy 77", "all are looked through for words");
    let all = reads(&project, &["list", "-a"]);
    assert!(all.summaries <= summaries + (16 << 10), "each block is read once: {all:?} of {summaries}");
    let saved = reads(&project, &["save", "-q"]);
    // Some of the newest are asked which objects they have.
    assert!(saved.summaries == 0 && saved.manifests <= ASKED, "{saved:?}");
    for (what, reads) in [("show", latest), ("list -n", few), ("list -a", all), ("save", saved)] {
        assert!(reads.looks <= MANY + ASKED, "{what} looks at each manifest once: {reads:?}");
    }
}

#[test]
fn one_more_of_many_snapshots_is_read_alone_and_all_others_stay_known() {
    if !available("what is read of many snapshots") {
        return;
    }
    let project = with_many();
    project.write("a.txt", "another edit\n");
    project.snap(&["save", "one more", "-m", "about one more"]).exits(0);
    let list = reads(&project, &["list", "-n", "5"]);
    assert_eq!(list.manifests, 0, "{list:?}");
    let listed = project.snap(&["list", "-a", "--json"]).exits(0).json();
    let said: Vec<(&str, &str)> = listed
        .as_array()
        .must("a list")
        .iter()
        .map(|one| (one["name"].as_str().must("a name"), one["message"].as_str().must("a message")))
        .collect();
    assert_eq!(
        (said.len(), said[0], said[1]),
        (MANY + 1, ("one more", "about one more"), ("first", "about the first"))
    );
    for (number, (name, message)) in said.iter().enumerate().skip(2) {
        let copy = number - 1;
        let message_of = format!("about the copy {copy} of it, in some more words than are needed");
        assert_eq!((*name, *message), (format!("copy {copy}").as_str(), message_of.as_str()));
    }
}

#[test]
fn a_summary_that_was_damaged_since_it_was_written_is_read_from_its_manifest() {
    let project = with_many();
    let file = project.stored("tmp/summaries");
    let mut bytes = fs::read(&file).must("summaries");
    let message = b"about the copy 33 of it";
    let at = bytes.windows(message.len()).position(|window| window == message).must("a summary");
    bytes[at] = b'A';
    fs::write(&file, bytes).must("written");
    let found = project.snap(&["list", "copy 33 of", "--json"]).exits(0).json();
    assert_eq!((found.as_array().map(Vec::len), found[0]["name"].as_str()), (Some(1), Some("copy 33")));
    assert_eq!(found[0]["message"], "about the copy 33 of it, in some more words than are needed");
    // Another snapshot comes; what can't be copied is made again.
    project.write("a.txt", "another edit\n");
    project.snap(&["save", "one more"]).exits(0);
    for _ in 0..2 {
        let found = project.snap(&["list", "copy 33 of", "--json"]).exits(0).json();
        assert_eq!(found[0]["message"], "about the copy 33 of it, in some more words than are needed");
    }
}
