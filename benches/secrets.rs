//! How fast secrets are looked for, and how often something else is found.
//!
//! `cargo bench --bench secrets [-- FOLDER… FILE.jsonl…]`: a generated transcript without a secret and
//! one with many, and what a save does with new data, which is to learn values from it and then to take them out; then
//! the files below the folders (source code, lock files) as texts. Each is read
//! whole; the best of some rounds counts. Of a file of samples, one `{"rule", "text", "secret"}` a line,
//! it says how many of each rule's secrets are found.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use claude_snap::secrets::{Hit, KnownValue, Scanner, has_own_shape, worth_remembering};

const ROUNDS: usize = 5;

fn main() {
    let known = (0..40)
        .map(|number| KnownValue {
            name: format!("KEY_{number}"),
            value: format!("v{:016x}Q{number}", 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number + 1)),
            is_whole: true,
        })
        .collect();
    let start = Instant::now();
    let scanner = Scanner::new(known);
    scanner.find(b"nothing");
    println!("ready after {:?}", start.elapsed());
    let wants = |argument: &String| !argument.starts_with('-');
    let folders: Vec<String> = std::env::args().skip(1).filter(wants).collect();
    if !folders.iter().all(|folder| folder.ends_with(".jsonl")) || folders.is_empty() {
        transcripts(&scanner);
    }
    for folder in folders {
        if folder.ends_with(".jsonl") {
            samples(&scanner, &folder);
            continue;
        }
        let mut files = Vec::new();
        collect(Path::new(&folder), &mut files);
        let bytes = files.iter().map(|(_, text)| text.len()).sum();
        let lines: usize =
            files.iter().map(|(_, text)| text.iter().filter(|byte| **byte == b'\n').count()).sum();
        let (mut sure, mut likely) = (0, 0);
        for (name, text) in &files {
            for finding in scanner.find(text) {
                let counted = if finding.sure { &mut sure } else { &mut likely };
                *counted += 1;
                let line = text[..finding.span.start].iter().filter(|byte| **byte == b'\n').count() + 1;
                println!("  {} {name}:{line}", finding.kind);
            }
        }
        let took = best(|| files.iter().for_each(|(_, text)| drop(scanner.find(text))));
        report(&folder, bytes, took);
        let rate = |count: u32| f64::from(count) * 10_000.0 / lines as f64;
        println!(
            "  {lines} lines: {sure} sure ({:.3} in 10,000), {likely} likely ({:.3})",
            rate(sure),
            rate(likely)
        );
    }
}

fn transcripts(scanner: &Scanner) {
    let transcript = transcript(64 << 20);
    let took = best(|| assert!(scanner.redact_records(&transcript, &mut |_| None).is_none()));
    report("a generated transcript", transcript.len(), took);
    let with_hits = with_hits(&transcript);
    let mut found = 0;
    let took = best(|| {
        found = 0;
        let mut out = |_: &Hit<'_>| {
            found += 1;
            Some("taken out".to_owned())
        };
        assert!(scanner.redact_records(&with_hits, &mut out).is_some());
    });
    report(&format!("the same with {found} secrets"), with_hits.len(), took);
    saving(scanner, &transcript);
}

/// What a save does with new data: learns the values that stand in it, then takes out what is found and what was learnt.
fn saving(scanner: &Scanner, transcript: &[u8]) {
    let one_in = |step: usize| {
        with_each(transcript, step, &|number| {
            let value = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            format!("DB_PASSWORD=q{value:016x}Z7\\n")
        })
    };
    for (what, new) in [("none", transcript.to_vec()), ("few", one_in(4_000)), ("many", one_in(40))] {
        let learn = || {
            let mut values: Vec<KnownValue> = Vec::new();
            let mut look = |hit: &Hit<'_>| {
                if !has_own_shape(hit.finding.kind) {
                    let name = hit.finding.name.as_deref().unwrap_or_default();
                    values.extend(worth_remembering(name, hit.value));
                }
                None
            };
            let _unchanged = scanner.redact_records(&new, &mut look);
            values.sort();
            values.dedup_by(|a, b| a.value == b.value);
            values.truncate(1_000);
            values
        };
        let first = best(|| drop(learn()));
        let values = learn();
        let count = values.len();
        let knows = scanner.with_seen(values);
        let second = best(|| drop(knows.redact_records(&new, &mut |_| Some("taken out".to_owned()))));
        report(&format!("new data with {what} to learn ({count} values): learning"), new.len(), first);
        report("  then taking out", new.len(), second);
        report("  both", new.len(), first + second);
    }
}

/// One record in ten gets a token into its text.
fn with_hits(transcript: &[u8]) -> Vec<u8> {
    with_each(transcript, 10, &|number| {
        format!("gh{}_{:036x} ", "p", (number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_9e37))
    })
}

/// One record in so many gets something into its text.
fn with_each(transcript: &[u8], step: usize, what: &dyn Fn(usize) -> String) -> Vec<u8> {
    let mut all = Vec::with_capacity(transcript.len() * 11 / 10);
    for (number, line) in transcript.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let at = (number % step == 3)
            .then(|| line.windows(11).position(|part| part == b"\"content\":\""))
            .flatten();
        match at {
            Some(at) => {
                let (head, tail) = line.split_at(at + 11);
                all.extend_from_slice(&[head, what(number).as_bytes(), tail].concat());
            }
            None => all.extend_from_slice(line),
        }
    }
    all
}

/// Counts by rule the samples whose secret is found whole.
fn samples(scanner: &Scanner, file: &str) {
    let mut rules: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for line in fs::read_to_string(file).unwrap_or_default().lines() {
        let Ok(sample) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let part = |key: &str| sample[key].as_str().unwrap_or_default().to_owned();
        let (text, secret) = (part("text"), part("secret"));
        let place = text.find(&secret).map(|at| at..at + secret.len());
        let findings = scanner.find(text.as_bytes());
        let hit = place.is_some_and(|place| {
            findings.iter().any(|found| found.span.start <= place.start && place.end <= found.span.end)
        });
        let counted = rules.entry(part("rule")).or_default();
        counted.0 += u32::from(hit);
        counted.1 += 1;
    }
    let (found, all) = rules.values().fold((0, 0), |sum, rule| (sum.0 + rule.0, sum.1 + rule.1));
    println!("{file}: {found} of {all}");
    for (rule, (found, all)) in rules {
        println!("  {rule}: {found} of {all}");
    }
}

fn best(mut work: impl FnMut()) -> Duration {
    let time = |()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..ROUNDS).map(|_| ()).map(time).min().unwrap_or_default()
}

fn report(what: &str, bytes: usize, took: Duration) {
    println!(
        "{what}: {:.1} MB in {took:?}, {:.0} MB/s",
        bytes as f64 / 1e6,
        bytes as f64 / 1e6 / took.as_secs_f64()
    );
}

fn collect(folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if let Ok(text) = fs::read(&path)
            && !text.contains(&0)
        {
            files.push((path.display().to_string(), text));
        }
    }
}

/// Records of the usual kinds: answers with their usage, tool calls, results with code in them.
fn transcript(size: usize) -> Vec<u8> {
    let code = include_str!("../src/cli/mod.rs");
    let mut text = String::with_capacity(size + (1 << 16));
    let mut number = 0_u64;
    while text.len() < size {
        number += 1;
        let id = format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let part: String =
            code.chars().skip(usize::try_from(number % 9).unwrap_or(0) * 700).take(3_000).collect();
        for record in [
            serde_json::json!({"type": "assistant", "uuid": id, "sessionId": "c137e379-838e-4509-8148-16b407691758", "message":
                {"id": format!("msg_{id}"), "role": "assistant", "model": "claude-test-1", "content": [{"type": "tool_use", "id": format!("toolu_{id}"),
                "name": "Read", "input": {"file_path": format!("/home/ada/app/src/file_{number}.rs")}}],
                "usage": {"input_tokens": 4, "cache_creation_input_tokens": 1833, "cache_read_input_tokens": 99_112, "output_tokens": 210}}}),
            serde_json::json!({"type": "user", "uuid": id, "parentUuid": id, "message": {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": format!("toolu_{id}"), "content": part}]}, "toolUseResult": {"stdout": part, "interrupted": false}}),
        ] {
            text += &record.to_string();
            text.push('\n');
        }
    }
    text.into_bytes()
}
