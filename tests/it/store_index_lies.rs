//! An index that lies, with a seal of this very user: a command never acts on another snapshot than the one that it names.

use std::fs;
use std::path::PathBuf;

use claude_snap::base::digest::ObjectId;
use claude_snap::trust::Trust;
use serde_json::{Value, json};

use crate::store_index::{assert_is_as_without, manifests, with_snapshots};
use crate::support::Must;
use crate::support::project::Project;

/// A line of the index: what it says beside which file it is about, as bytes at fixed places.
#[derive(Clone)]
struct IndexLine {
    /// Its identity, and the file's name.
    file: Vec<u8>,
    /// When it was written, flags, when it was saved, and what made `snap` save.
    said: Vec<u8>,
}

impl IndexLine {
    fn stem(&self) -> &[u8] {
        &self.file[40..]
    }
}

/// Where in a line the flags are, where the head begins, and where the trigger is.
const FLAGS: usize = 8;
const HEAD: usize = 9;
const TRIGGER: usize = 17;
const OWN: u8 = 2;

/// Splits a block of the index into its entries.
fn entries(mut block: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let Some((length, rest)) = block.split_at_checked(4) {
        let length = u32::from_le_bytes(length.try_into().must("four bytes"));
        let (entry, rest) = rest.split_at(usize::try_from(length).must("a length"));
        all.push(entry.to_vec());
        block = rest;
    }
    all
}

fn block(entries: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let with_length =
        |entry: Vec<u8>| [&u32::try_from(entry.len()).must("short").to_le_bytes()[..], &entry].concat();
    entries.flat_map(with_length).collect()
}

/// Writes an index with a seal of this very user that says something else.
fn lie(project: &Project, change: &dyn Fn(&mut Vec<IndexLine>)) {
    let file = project.stored("tmp/index");
    let bytes = fs::read(&file).must("an index");
    let length: usize = std::str::from_utf8(&bytes[65..75]).must("text").trim().parse().must("a number");
    let mut head: Value = serde_json::from_slice(&bytes[76..76 + length]).must("a head");
    let first = head["columns"][0][0]["bytes"].as_u64().must("a number");
    let (files, said) = bytes[76 + length..].split_at(usize::try_from(first).must("a number"));
    let mut lines: Vec<IndexLine> =
        entries(files).into_iter().zip(entries(said)).map(|(file, said)| IndexLine { file, said }).collect();
    change(&mut lines);
    let blocks = [
        block(lines.iter().map(|line| line.file.clone())),
        block(lines.iter().map(|line| line.said.clone())),
    ];
    let described =
        |block: &Vec<u8>| json!([{"bytes": block.len(), "hash": ObjectId::of(block).to_string()}]);
    head["columns"] = blocks.iter().map(described).collect();
    let head = serde_json::to_vec(&head).must("JSON");
    let place = project.stored("").canonicalize().must("a store");
    let place = place.as_os_str().as_encoded_bytes();
    let sealed = [&(place.len() as u64).to_le_bytes(), place, &head[..]].concat();
    let trust = Trust::new(&project.home.path().join(".local/state/snap"));
    let seal = trust.seal("2026-11-30 index of snapshots", &sealed).must("a seal");
    let all = [format!("{seal} {:>10}\n", head.len()).as_bytes(), &head, &blocks.concat()].concat();
    fs::write(&file, all).must("written");
}

#[test]
fn a_lie_never_makes_a_command_act_on_another_snapshot_than_it_names() {
    let project = with_snapshots();
    type Lie<'a> = (&'a str, &'a dyn Fn(&mut Vec<IndexLine>));
    let lies: [Lie<'_>; 4] = [
        ("two change their names", &|lines| {
            let at = |stem: &str| lines.iter().position(|line| line.stem() == stem.as_bytes()).must("a line");
            let (one, two) = (at("one"), at("three"));
            let heads = (lines[one].said.split_off(HEAD), lines[two].said.split_off(HEAD));
            lines[one].said.extend(heads.1);
            lines[two].said.extend(heads.0);
        }),
        ("all are automatic and old", &|lines| {
            for line in lines {
                line.said[TRIGGER] = 1;
                line.said[HEAD..TRIGGER].copy_from_slice(&1_577_836_800_000_i64.to_le_bytes());
            }
        }),
        ("all are somebody else's", &|lines| lines.iter_mut().for_each(|line| line.said[FLAGS] &= !OWN)),
        ("only one is there", &|lines| lines.truncate(1)),
    ];
    for (what, change) in lies {
        for name in ["one", "three"] {
            let id = |name: &str| project.snap(&["show", name, "--json"]).exits(0).json()["id"].clone();
            project.snap(&["list"]).exits(0);
            let truth = id(name);
            // Old enough to be noted.
            project.snap(&["list"]).exits(0);
            lie(&project, change);
            assert_eq!(id(name), truth, "{what}");
            lie(&project, change);
            project.snap(&["pin", name]).exits(0);
            assert!(project.stored(&format!("{name}.pin")).exists(), "{what}: {name} is pinned");
            project.snap(&["unpin", name]).exits(0);
            project.snap(&["list"]).exits(0);
            lie(&project, change);
            let said = project.snap(&["rm", name, "--json"]).exits(0);
            let left: Vec<PathBuf> = manifests(&project);
            assert!(!left.contains(&project.stored(&format!("{name}.json"))), "{what}: {}", said.stdout);
            project.snap(&["undo"]).exits(0);
            project.snap(&["list"]).exits(0);
            lie(&project, change);
            project.snap(&["prune", "--older-than", "30d", "--now", "--json"]);
            assert_eq!(manifests(&project).len(), left.len() + 1, "{what}: prune removes what is old");
            fs::remove_file(project.stored("tmp/index")).must("removed");
            assert_is_as_without(&project, what);
        }
    }
}
