//! A large session with every kind of record and field that is known: saved, exported, imported in another home and path and
//! resumed there, it has every record, and the client sends the same request.
//!
//! 3 MB by default. `SNAP_MEGABYTES=50` and `SNAP_MEGABYTES=500` are longer forms; `--nocapture` shows how long each step
//! takes.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::time::Instant;

use serde_json::json;

use crate::every_record::{Builder, Place, add_everything, as_said_at};
use crate::real_client::go_on;
use crate::support::Must;
use crate::support::api::{Reply, StandIn};
use crate::support::client::Client;
use crate::support::project::{Project, Ran};

/// The size of the session, in megabytes.
const SIZE: &str = "SNAP_MEGABYTES";
/// More than that is in no request that a client could make.
const CLIENT_LOADS: usize = 60;
/// The lines of each large result.
const LINES: usize = 1_500;

fn megabytes() -> usize {
    std::env::var(SIZE).ok().map_or(3, |text| text.parse().must("a number of megabytes"))
}

/// Says each record of a session in a place, one a line, until a round of all kinds ends and `more` says no. The text of
/// files says where it was written: at `written`.
fn each_line(place: &Place, written: &str, mut more: impl FnMut() -> bool, mut line: impl FnMut(&str)) {
    let mut builder = Builder::new(place);
    while more() {
        add_everything(&mut builder, written);
        let root = &place.root;
        let printed = format!("{root}/src/main.rs:1: a line of what a program prints\n");
        let printed = printed.repeat(LINES);
        builder.tool("Bash", json!({"command": "make"}), &printed, json!({"stdout": printed, "stderr": ""}));
        let path = format!("{root}/large.txt");
        let text = format!("ON DISK {written}/x is a line of a file\n");
        let text = text.repeat(LINES);
        let seen = json!({"type": "text", "file": {"filePath": path, "content": text, "numLines": 1, "startLine": 1, "totalLines": 1}});
        builder.tool("Read", json!({"file_path": path}), &text, seen);
        for record in builder.records.drain(..) {
            line(&record.to_string());
        }
    }
}

#[test]
fn a_large_session_with_every_kind_of_record_comes_back_whole_and_asks_the_same() {
    let bytes = megabytes() * 1_000_000;
    let project = Project::new();
    let old = Place::of(&project);
    fs::create_dir_all(project.home.project(project.root())).must("the project's folder");
    let mut file = BufWriter::new(File::create(old.transcript()).must("a transcript"));
    let (size, mut records, mut rounds) = (Cell::new(0), 0, 0);
    let small = || {
        let small = size.get() < bytes;
        rounds += usize::from(small);
        small
    };
    each_line(&old, &old.root, small, |line| {
        writeln!(file, "{line}").must("a record");
        size.set(size.get() + line.len() + 1);
        records += 1;
    });
    file.into_inner().must("a transcript");

    let timed = |place: &Project, arguments: &[&str]| -> Ran {
        let begun = Instant::now();
        let ran = place.snap(arguments).exits(0);
        println!("{} MB, {records} records: {} {:.2?}", megabytes(), arguments[0], begun.elapsed());
        ran
    };
    let saved = timed(&project, &["save", "x", "--json"]).json();
    assert_eq!(saved["history"]["records"], json!(records));
    let file = project.home.path().join("x.snap");
    let file = file.to_str().must("UTF-8");
    timed(&project, &["export", "x", "-o", file]);

    let clone = project.cloned_at("elsewhere/app");
    let new = Place::of(&clone);
    timed(&clone, &["import", file]);
    let there = timed(&clone, &["resume", "x", "--json"]).json();
    let transcript = BufReader::new(File::open(new.transcript()).must("the transcript"));
    let mut found = transcript.lines().map(|line| line.must("a line"));
    let (mut number, mut rounds) = (0, 0..rounds);
    each_line(
        &new,
        &old.root,
        || rounds.next().is_some(),
        |wanted| {
            number += 1;
            let found = found.next().must("a record");
            // Not `assert_eq!`, which would print lines of 100 KB.
            assert!(found == wanted, "record {number}: {:.300}\nis not {wanted:.300}", found);
        },
    );
    let added: Vec<String> = found.collect();
    assert_eq!(added.len(), 2, "nothing else but its title is added: {added:?}");

    if megabytes() <= CLIENT_LOADS {
        requests_are_equal(&project, &clone, &there);
    }
}

fn requests_are_equal(project: &Project, clone: &Project, there: &serde_json::Value) {
    let Some(client) = Client::newest() else { return };
    let api = StandIn::start(|_| Reply::text("fine"));
    let here = project.snap(&["resume", "x", "--json"]).exits(0).json();
    let first = |place: &Project, resumed| {
        let requests = go_on(&client, place, &api, resumed, "what next");
        requests.first().must("a request").messages()
    };
    let (before, after) = (first(project, &here), first(clone, there));
    let id = here["session_id"].as_str().must("an id");
    let wanted = as_said_at(&before, id, &Place::of(project), &Place::of(clone));
    println!("{} parts in the request", after.len());
    for (number, (found, wanted)) in after.iter().zip(&wanted).enumerate() {
        assert!(
            found == wanted,
            "part {number}: {:.300}\nis not {:.300}",
            found.to_string(),
            wanted.to_string()
        );
    }
    assert_eq!(after.len(), wanted.len());
}
