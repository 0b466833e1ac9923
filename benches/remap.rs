//! Remapping a transcript of 100 MB, beside parsing and writing it with `serde_json`.
//!
//! `cargo bench --bench remap`; divan prints bytes a second, where 1 GB is 10⁹ bytes.

use std::hint::black_box;

use claude_snap::remap::{MapSpec, Outside, PathMap, RemapMode, RemapReport, Remapper};
use divan::Bencher;
use divan::counter::BytesCount;
use serde_json::Value;

const SIZE: usize = 100_000_000;
const OLD_ROOT: &str = "/home/ann/dev/webshop";
const OLD_ID: &str = "11111111-2222-4333-8444-555555555555";
const NEW_ID: &str = "99999999-8888-4777-8666-aaaaaaaaaaaa";

fn main() {
    divan::main();
}

/// A transcript in which one record of `every` mentions the old place, 0 for none.
fn transcript(every: usize) -> Vec<u8> {
    let prose = "The function reads the file, checks `len` and returns early (what happens in the application); see src/cart/total.rs:42. ";
    let code = "fn total(items: &[Item]) -> u64 {\n    items.iter().map(|item| item.price).sum()\n}\n";
    let mut out = Vec::with_capacity(SIZE + 4096);
    let mut number = 0usize;
    while out.len() < SIZE {
        let mentions = every > 0 && number.is_multiple_of(every);
        let root = if mentions { OLD_ROOT } else { "/home/ann/elsewhere" };
        let id = if mentions { OLD_ID } else { "00000000-0000-4000-8000-000000000000" };
        let text = [prose.repeat(1 + number % 11), code.repeat(1 + number % 17)].concat();
        let record = serde_json::json!({
            "type": "assistant",
            "uuid": format!("{number:08x}-0000-4000-8000-000000000000"),
            "sessionId": id,
            "cwd": root,
            "message": {"role": "assistant", "content": [
                {"type": "text", "text": text},
                {"type": "tool_use", "name": "Read", "input": {"file_path": format!("{root}/src/a.rs")}},
            ]},
        });
        out.extend(record.to_string().bytes());
        out.push(b'\n');
        number += 1;
    }
    out
}

fn spec() -> MapSpec {
    let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
    MapSpec {
        roots: vec![
            pair(OLD_ROOT, "/workspace/webshop"),
            pair("/home/ann/dev/webshop/.claude/worktrees/fix", "/workspace/fix"),
            pair("/home/ann/.claude", "/root/.claude"),
            pair("/tmp/claude-1000", "/tmp/claude-0"),
        ],
        slugs: vec![pair("-home-ann-dev-webshop", "-workspace-webshop")],
        session: Some(pair(OLD_ID, NEW_ID)),
        home: Some(pair("/home/ann", "/root")),
        ..MapSpec::default()
    }
}

fn remapper(spec: &MapSpec) -> Remapper {
    Remapper::new(&PathMap::build(spec).unwrap(), RemapMode::Rewrite).unwrap()
}

/// Runs over chunks of whole lines with one buffer, as a copy from file to file does.
fn run(remapper: &Remapper, transcript: &[u8], out: &mut Vec<u8>) -> u64 {
    let mut report = RemapReport::default();
    let mut rest = transcript;
    while !rest.is_empty() {
        let end = rest.get(1 << 18..).and_then(|tail| tail.iter().position(|byte| *byte == b'\n'));
        let (chunk, tail) = rest.split_at(end.map_or(rest.len(), |at| (1 << 18) + at + 1));
        out.clear();
        remapper.remap_lines(chunk, out, &mut report);
        black_box(&out);
        rest = tail;
    }
    report.replaced()
}

#[divan::bench(args = [0, 100, 1], sample_count = 15)]
fn lines_at_once(bencher: Bencher, every: usize) {
    let (remapper, transcript, mut out) = (remapper(&spec()), transcript(every), Vec::new());
    let bencher = bencher.counter(BytesCount::new(transcript.len()));
    bencher.bench_local(|| run(&remapper, &transcript, &mut out));
}

#[divan::bench(args = [0, 100, 1], sample_count = 15)]
fn line_by_line(bencher: Bencher, every: usize) {
    let (remapper, transcript, mut out) = (remapper(&spec()), transcript(every), Vec::new());
    bencher.counter(BytesCount::new(transcript.len())).bench_local(|| {
        let mut report = RemapReport::default();
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &transcript) {
            out.clear();
            remapper.remap_line(&transcript[start..=end], &mut out, &mut report);
            black_box(&out);
            start = end + 1;
        }
        report.replaced()
    });
}

/// A root whose every component is a common or a short word.
#[divan::bench(args = [0, 100], sample_count = 15)]
fn lines_at_once_plain_words(bencher: Bencher, every: usize) {
    let roots = vec![("/home/user/app".to_owned(), "/srv/app".to_owned())];
    let home = Some(("/home/user".to_owned(), "/root".to_owned()));
    let remapper = remapper(&MapSpec { roots, home, ..MapSpec::default() });
    let transcript = String::from_utf8(transcript(every)).unwrap();
    let transcript = transcript.replace(OLD_ROOT, "/home/user/app").into_bytes();
    let mut out = Vec::new();
    let bencher = bencher.counter(BytesCount::new(transcript.len()));
    bencher.bench_local(|| run(&remapper, &transcript, &mut out));
}

#[divan::bench(args = [100], sample_count = 15)]
fn lines_at_once_ignoring_case(bencher: Bencher, every: usize) {
    let remapper = remapper(&MapSpec { ignore_case: true, ..spec() });
    let (transcript, mut out) = (transcript(every), Vec::new());
    let bencher = bencher.counter(BytesCount::new(transcript.len()));
    bencher.bench_local(|| run(&remapper, &transcript, &mut out));
}

#[divan::bench(args = [100], sample_count = 15)]
fn paths_outside_the_map(bencher: Bencher, every: usize) {
    let (map, transcript) = (PathMap::build(&spec()).unwrap(), transcript(every));
    bencher.counter(BytesCount::new(transcript.len())).bench_local(|| {
        let mut outside = Outside::new(&map).unwrap();
        outside.collect(&transcript);
        outside
    });
}

#[divan::bench(args = [100], sample_count = 5)]
fn serde_json_parse_and_write(bencher: Bencher, every: usize) {
    fn walk(value: &mut Value) {
        match value {
            Value::String(text) if text.contains(OLD_ROOT) => {
                *text = text.replace(OLD_ROOT, "/workspace/webshop");
            }
            Value::Array(items) => items.iter_mut().for_each(walk),
            Value::Object(fields) => fields.values_mut().for_each(walk),
            _ => {}
        }
    }
    let (transcript, mut out) = (transcript(every), Vec::new());
    bencher.counter(BytesCount::new(transcript.len())).bench_local(|| {
        for line in transcript.split_inclusive(|byte| *byte == b'\n') {
            let mut value: Value = serde_json::from_slice(line).unwrap();
            walk(&mut value);
            out.clear();
            serde_json::to_writer(&mut out, &value).unwrap();
            black_box(&out);
        }
    });
}
