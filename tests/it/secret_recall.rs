//! How many secrets in the words of real work are kept out of the store, and what looks like them and stays.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use claude_snap::base::digest::Key;
use claude_snap::secrets::{self, Hit, Scanner};
use serde_json::{Value, json};

use crate::redaction::content_of;
use crate::secret_contexts::{self, contexts, is_left};
use crate::support::Must;
use crate::support::planted::{Random, base64};
use crate::support::project::Project;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Set to a number for so many values in each context and place.
const EACH: &str = "SNAP_PLANTED";

/// Set to a folder to have the texts put there, a file each, with the secrets beside them, for another tool to be tried on.
const PLANT: &str = "SNAP_PLANT_INTO";

/// Where a text stands.
const PLACES: [&str; 5] = ["tool result", "user message", "untracked file", "edited file", "agent"];

fn each() -> usize {
    std::env::var(EACH).ok().and_then(|each| each.parse().ok()).unwrap_or(1)
}

fn take_out(hit: &Hit<'_>) -> Option<String> {
    let key = Key::from_bytes([7; 32]);
    Some(secrets::placeholder(hit.finding.kind, &secrets::id(&key, hit.value)))
}

/// Counts found and all, by whether something tells and by context.
#[derive(Default)]
struct Counted(BTreeMap<(bool, &'static str), (usize, usize)>);

impl Counted {
    fn add(&mut self, tells: bool, context: &'static str, kept_out: bool) {
        let entry = self.0.entry((tells, context)).or_default();
        entry.0 += usize::from(kept_out);
        entry.1 += 1;
    }

    fn share(&self, all: bool) -> f64 {
        let wanted = self.0.iter().filter(|((tells, _), _)| *tells || all);
        let (found, of) = wanted.fold((0, 0), |sum, (_, one)| (sum.0 + one.0, sum.1 + one.1));
        found as f64 / of.max(1) as f64
    }

    fn missed(&self) -> String {
        self.0.iter().filter(|(_, (found, of))| found < of).fold(
            String::new(),
            |mut all, ((_, name), (found, of))| {
                let _written = writeln!(all, "{name}: {found} of {of}");
                all
            },
        )
    }

    #[track_caller]
    fn assert_enough(&self) {
        let (telling, all) = (self.share(false), self.share(true));
        println!("kept out where something tells {telling:.4}, of all {all:.4}");
        assert!(telling >= 0.99 && all >= 0.95, "{telling} {all}\n{}", self.missed());
    }
}

fn random(context: usize, place: usize, number: usize) -> Random {
    let mut random = Random::new((context * 100_000 + place * 10_000 + number + 1) as u64);
    (0..5).for_each(|_| {
        let _drawn = random.below(7);
    });
    random
}

/// The strings of the records of a text.
fn record(place: &str, text: &str) -> Value {
    match place {
        "user message" => {
            json!({"type": "user", "sessionId": ID, "message": {"role": "user", "content": text}})
        }
        "agent" => {
            json!({"type": "assistant", "isSidechain": true, "message": {"role": "assistant", "content": [{"type": "text", "text": text}]}})
        }
        _ => {
            json!({"type": "user", "sessionId": ID, "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": text}]}, "toolUseResult": {"stdout": text}})
        }
    }
}

/// What a redacted record says.
fn said(record: &[u8]) -> String {
    fn all(value: &Value) -> Vec<String> {
        match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(list) => list.iter().flat_map(all).collect(),
            Value::Object(map) => map.values().flat_map(all).collect(),
            _ => Vec::new(),
        }
    }
    all(&serde_json::from_slice(record).must("still JSON")).join("\n")
}

#[test]
fn there_are_contexts_enough_and_few_are_out_of_reach() {
    let all = contexts();
    let hard = all.iter().filter(|context| !context.tells).count();
    assert!(all.len() >= 700 && hard * 20 <= all.len(), "{hard} of {}", all.len());
    let names: std::collections::BTreeSet<&str> = all.iter().map(|context| context.name).collect();
    assert_eq!(names.len(), all.len(), "each name once");
}

#[test]
fn secrets_in_the_words_of_real_work_are_found() {
    let scanner = Scanner::new(Vec::new());
    let mut counted = Counted::default();
    let folder = std::env::var_os(PLANT);
    for (number, context) in contexts().iter().enumerate() {
        for (index, place) in PLACES.iter().enumerate() {
            for value in 0..each() {
                let planted = context.plant(&mut random(number, index, value));
                if let (Some(folder), 0) = (&folder, index) {
                    let file = std::path::Path::new(folder).join(format!("{number}-{value}"));
                    std::fs::write(file.with_extension("txt"), &planted.text).must("a text");
                    std::fs::write(
                        file.with_extension("json"),
                        json!([context.tells, planted.secrets]).to_string(),
                    )
                    .must("its secrets");
                }
                let left = if place.ends_with("file") {
                    let text = planted.text.as_bytes();
                    scanner.redact_text(text, &mut take_out).unwrap_or_else(|| text.to_vec())
                } else {
                    let record = record(place, &planted.text).to_string().into_bytes();
                    said(&scanner.redact_records(&record, &mut take_out).unwrap_or(record)).into_bytes()
                };
                for secret in &planted.secrets {
                    counted.add(context.tells, context.name, !is_left(secret, &left));
                }
            }
        }
    }
    counted.assert_enough();
}

#[test]
fn secrets_in_the_words_of_real_work_do_not_reach_the_store() {
    let project = Project::new();
    let transcript = project.session(ID);
    let (mut records, mut of_agent) = (String::new(), String::new());
    let all = contexts();
    // In CI a part of them, another one in each place; all of them in the long form.
    let step = if std::env::var_os(EACH).is_some() { 1 } else { 6 };
    let mut planted = Vec::new();
    let wanted =
        |place: usize| move |(number, _): &(usize, &secret_contexts::Context)| number % step == place % step;
    for (number, context) in all.iter().enumerate().filter(wanted(3)) {
        project.write(format!("edited/{number}.txt"), context.plant(&mut random(number, 9, 0)).text);
    }
    project.git(&["add", "edited"]);
    project.git(&["commit", "-qm", "as it was"]);
    for (index, place) in PLACES.iter().enumerate() {
        for (number, context) in all.iter().enumerate().filter(wanted(index)) {
            let one = context.plant(&mut random(number, index, 1));
            match *place {
                "untracked file" => project.write(format!("new/{number}.txt"), &one.text),
                "edited file" => project.write(format!("edited/{number}.txt"), &one.text),
                "agent" => of_agent += &format!("{}\n", record(place, &one.text)),
                _ => records += &format!("{}\n", record(place, &one.text)),
            }
            planted.push((context, one));
        }
    }
    project.append(&transcript, records.as_bytes());
    let agents = transcript.with_extension("").join("subagents");
    project.append(&agents.join("agent-ag1.jsonl"), of_agent.as_bytes());
    let state = project.state();
    project.snap(&["save", "x"]).exits(0);
    let mut stored = Vec::new();
    for (_, content) in content_of(&project.stored("")) {
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            match serde_json::from_slice::<Value>(line) {
                Ok(value) if value.is_object() => stored.extend(said(line).into_bytes()),
                _ => stored.extend(line),
            }
        }
    }
    let mut counted = Counted::default();
    for (context, one) in &planted {
        for secret in &one.secrets {
            counted.add(context.tells, context.name, !is_left(secret, &stored));
        }
    }
    counted.assert_enough();
    assert_eq!(project.state(), state, "saving changes nothing");
}

fn codes(value: &str, between: &str) -> String {
    value.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
}

/// What an XML writer makes of a sign that may matter.
fn entity(one: char) -> String {
    if one.is_ascii_alphanumeric() { one.to_string() } else { format!("&#x{:x};", u32::from(one)) }
}

#[test]
fn a_value_seen_in_one_place_is_known_in_all_others() {
    let mut random = random(7, 7, 7);
    for number in 0..each().max(2) {
        let value =
            secret_contexts::values::fill(&mut random, ["pw", "pws", "toks", "uuid"][number % 4]).text;
        let quoted = json!(value).to_string();
        let percent = secret_contexts::values::written(&value, "url");
        let (head, tail) = value.split_at(5);
        let in_lines = base64(format!("{}{value} and then the rest", "so ".repeat(16)).as_bytes());
        // None of these says by itself that it is a secret.
        let elsewhere = [
            format!("try {value} instead"),
            format!("say {quoted} twice"),
            format!("GET /x?y={percent}"),
            format!("the header was {}", base64(format!("ab:{value}").as_bytes())),
            format!("it printed\n{head}\n{tail}\nand stopped"),
            format!("args: ['-x', '{}']", value.replace('\'', r"'\''")),
            format!("dumped as {}", codes(&value, "").to_uppercase()),
            format!("dumped as {} at last", codes(&value, " ")),
            format!(
                "the bytes b'{}'",
                value.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>()
            ),
            format!("<p a=\"{}\"/>", value.chars().map(entity).collect::<String>()),
            format!("in lines\n{}\n{}\nand on", &in_lines[..76], &in_lines[76..]),
            format!("twice {} once", base64(base64(format!("ab:{value}").as_bytes()).as_bytes())),
        ];
        let forms = [
            value.clone(),
            quoted[1..quoted.len() - 1].to_owned(),
            percent.clone(),
            base64(format!("ab:{value}").as_bytes())[4..16].to_owned(),
            format!("{head}\n{tail}"),
            codes(&value, "").to_uppercase()[2..].to_owned(),
            codes(&value, " ")[..20].to_owned(),
            format!("\\x{}", codes(&value[..6], "\\x")),
            format!("{}\n{}", &in_lines[56..76], &in_lines[76..90]),
        ];
        let project = Project::new();
        let transcript = project.session(ID);
        project.write("a.txt", "one\n");
        project.git(&["add", "."]);
        project.git(&["commit", "-qm", "a file"]);
        project.write("a.txt", format!("one\n{}\n", elsewhere.join("\n")));
        project.write("new.txt", elsewhere.join("\n"));
        let lines: String =
            elsewhere.iter().map(|text| format!("{}\n", record("user message", text))).collect();
        project.append(&transcript, lines.as_bytes());
        let env = format!("HOME=/home/ada\nAPP_API_KEY_SECRET={value}\nTERM=xterm\n");
        project.append(&transcript, format!("{}\n", record("tool result", &env)).as_bytes());
        let agent = transcript.with_extension("").join("subagents/agent-ag1.jsonl");
        project.append(&agent, lines.as_bytes());
        let state = project.state();
        project.snap(&["save", "x"]).exits(0);
        for (place, content) in content_of(&project.stored("")) {
            for form in &forms {
                let json = json!(form).to_string();
                for form in [form.as_str(), &json[1..json.len() - 1]] {
                    let found = memchr::memmem::find(&content, form.as_bytes()).is_some();
                    assert!(!found, "{value:?}: {form:?} is in {place}");
                }
            }
        }
        project.snap(&["verify"]).exits(0);
        project.git(&["stash", "-u", "-q"]);
        project.git(&["stash", "drop", "-q"]);
        project.snap(&["rewind", "x"]).exits(0);
        assert_eq!(project.state(), state, "every byte is back");
    }
}

#[test]
fn what_looks_like_a_secret_and_is_none_stays() {
    let text = include_str!("secret_contexts/look_alikes.txt");
    let scanner = Scanner::new(Vec::new());
    let lines = text.lines().map(|line| line.replace("\\n", "\n"));
    let found: Vec<String> = lines
        .flat_map(|line| {
            let found = scanner.find(line.as_bytes());
            found
                .into_iter()
                .map(move |finding| format!("{:?} in {line:?}", &line[finding.span]))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(found, Vec::<String>::new());
    let whole = scanner.find(text.as_bytes());
    let whole: Vec<&str> = whole.iter().map(|finding| &text[finding.span.clone()]).collect();
    assert!(whole.is_empty(), "all together: {whole:?}");
}

/// Set for the long form.
const CASES: &str = "SNAP_CASES";

#[test]
fn files_with_secrets_come_back_to_the_byte_and_no_snapshot_of_them_is_called_damaged() {
    let cases = std::env::var(CASES).ok().and_then(|cases| cases.parse().ok()).unwrap_or(3);
    let all = contexts();
    for case in 0..cases {
        let mut random = random(case, 3, 3);
        let text = |random: &mut Random| {
            let parts = 1 + random.below(3);
            let mut text = String::new();
            for _ in 0..parts {
                text += &"an ordinary line\n".repeat(random.below(4));
                text += &all[random.below(all.len())].plant(random).text;
                text += ["\n", "", "\r\n", "\n\n"][random.below(4)];
            }
            text
        };
        let project = Project::new();
        let names = ["a.txt", "b.env", "c/d.yml", "e f.json", "g.md"];
        let committed: Vec<&str> = names.into_iter().filter(|_| random.below(2) == 0).collect();
        let mut before = BTreeMap::new();
        for name in &committed {
            let content = text(&mut random);
            project.write(name, &content);
            before.insert(*name, content);
        }
        project.write("kept.txt", "kept\n");
        project.git(&["add", "."]);
        project.git(&["commit", "-qm", "secrets that should not be there"]);
        for name in names {
            let old = before.get(name).cloned().unwrap_or_default();
            match random.below(5) {
                0 => continue,
                // One line of what is there becomes another.
                1 if !old.is_empty() => project.write(name, old.replacen('\n', "\nanother line\n", 1)),
                2 => project.write(name, old + &text(&mut random)),
                _ => project.write(name, text(&mut random)),
            }
            if random.below(3) == 0 {
                project.git(&["add", name]);
                project.write(name, text(&mut random));
            }
        }
        project.write("always.txt", text(&mut random));
        let state = project.state();
        project.snap(&["save", "x"]).exits(0);
        assert_eq!(project.state(), state, "case {case}: saving changes nothing");
        project.snap(&["verify"]).exits(0);
        project.git(&["stash", "-u", "-q"]);
        project.git(&["stash", "drop", "-q"]);
        project.snap(&["rewind", "x"]).exits(0);
        assert_eq!(project.state(), state, "case {case}: every byte is back");
    }
}
