//! Secrets are found wherever they stand and however they are written, and little else is.

use std::collections::BTreeMap;

use claude_snap::base::digest::Key;
use claude_snap::secrets::{self, Hit, KnownValue, Scanner};
use serde_json::{Value, json};

use crate::support::Must;
use crate::support::planted::{CONTEXTS, KINDS, Layer, Planted, Random, planted};

/// How many secrets of each kind are planted in each context; set it for the long form.
const EACH: &str = "SNAP_PLANTED";

fn each() -> usize {
    std::env::var(EACH).ok().and_then(|each| each.parse().ok()).unwrap_or(4)
}

fn known(planted: &[Planted]) -> Vec<KnownValue> {
    let of_layer = planted.iter().filter(|one| one.layer == Layer::Known);
    of_layer
        .map(|one| KnownValue { name: "PLANTED".to_owned(), value: one.secret.clone(), is_whole: true })
        .collect()
}

/// A decision that takes everything out and keeps nothing of it.
fn take_out(hit: &Hit<'_>) -> Option<String> {
    let key = Key::from_bytes([7; 32]);
    Some(secrets::placeholder(hit.finding.kind, &secrets::id(&key, hit.value)))
}

/// What is left of a secret as it was written: nothing longer than a few characters may be.
fn left(written: &str, redacted: &str) -> bool {
    let piece = written.len().min(10);
    (0..=written.len() - piece)
        .filter(|at| written.is_char_boundary(*at) && written.is_char_boundary(at + piece))
        .any(|at| redacted.contains(&written[at..at + piece]))
}

/// How many were found, of how many, by group and name.
struct Recall(BTreeMap<(&'static str, &'static str), (usize, usize)>);

impl Recall {
    fn of(found: impl Iterator<Item = (&'static str, &'static str, bool)>) -> Self {
        let mut all = BTreeMap::new();
        for (group, name, hit) in found {
            let entry: &mut (usize, usize) = all.entry((group, name)).or_default();
            entry.0 += usize::from(hit);
            entry.1 += 1;
        }
        Self(all)
    }

    fn share(&self, group: &str) -> f64 {
        let of_group = self.0.iter().filter(|((own, _), _)| *own == group || group.is_empty());
        let (found, all) = of_group.fold((0, 0), |sum, (_, (found, all))| (sum.0 + found, sum.1 + all));
        found as f64 / all.max(1) as f64
    }

    fn missed(&self) -> String {
        let mut lines = String::new();
        for ((group, name), (found, all)) in &self.0 {
            if found < all {
                lines += &format!("{group} {name}: {found} of {all}\n");
            }
        }
        lines
    }
}

fn layer_word(layer: Layer) -> &'static str {
    match layer {
        Layer::Vendor => "vendor",
        Layer::Known => "known",
        Layer::Named => "named",
    }
}

/// Set to a folder to have the planted texts put there, a file each, for another tool to be tried on.
const PLANT: &str = "SNAP_PLANT_INTO";

#[test]
fn planted_secrets_are_found_in_every_context() {
    let all = planted(each());
    if let Some(folder) = std::env::var_os(PLANT) {
        for (number, one) in all.iter().enumerate() {
            let name = format!("{}--{}--{}--{number}.txt", layer_word(one.layer), one.kind, one.context);
            std::fs::write(std::path::Path::new(&folder).join(name.replace(' ', "_")), &one.text)
                .must("a file");
        }
    }
    assert!(KINDS.len() >= 24 && CONTEXTS.len() >= 12);
    let scanner = Scanner::new(known(&all));
    let found = all.iter().map(|one| {
        let redacted = scanner
            .redact_text(one.text.as_bytes(), &mut take_out)
            .unwrap_or_else(|| one.text.clone().into_bytes());
        (one, !left(&one.written, &String::from_utf8_lossy(&redacted)))
    });
    let found: Vec<(&Planted, bool)> = found.collect();
    let by_kind = Recall::of(found.iter().map(|(one, hit)| (layer_word(one.layer), one.kind, *hit)));
    let by_context = Recall::of(found.iter().map(|(one, hit)| (layer_word(one.layer), one.context, *hit)));
    let shares = ["vendor", "known", "named", ""].map(|layer| by_kind.share(layer));
    println!("recall of vendor, known, named, all: {shares:.4?} of {}", all.len());
    let missed = format!("{}{}", by_kind.missed(), by_context.missed());
    assert!(shares[0] >= 0.99 && shares[1] >= 0.99 && shares[3] >= 0.95, "{shares:?}\n{missed}");
}

#[test]
fn planted_secrets_are_found_in_the_strings_of_records_and_all_else_stays() {
    let all = planted(2);
    let scanner = Scanner::new(known(&all));
    let mut lines = String::new();
    for (number, one) in all.iter().enumerate() {
        let content = match number % 3 {
            0 => json!(one.text),
            1 => {
                json!([{"type": "tool_result", "tool_use_id": format!("toolu_{number}"), "content": [{"type": "text", "text": one.text}]}])
            }
            _ => json!([{"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": one.text}}]),
        };
        lines +=
            &json!({"type": "user", "uuid": number.to_string(), "message": {"content": content}, "n": 1.50})
                .to_string();
        lines.push('\n');
    }
    let redacted = scanner.redact_records(lines.as_bytes(), &mut take_out).must("findings");
    let redacted = String::from_utf8(redacted).must("UTF-8");
    let mut found = Vec::new();
    for ((one, before), after) in all.iter().zip(lines.lines()).zip(redacted.lines()) {
        let (before, after): (Value, Value) =
            (serde_json::from_str(before).must("JSON"), serde_json::from_str(after).must("JSON"));
        let text = all_strings(&after).join("\n");
        found.push((layer_word(one.layer), one.kind, !left(&one.written, &text)));
        assert_eq!(before["uuid"], after["uuid"]);
    }
    let recall = Recall::of(found.into_iter());
    let shares = ["vendor", "known", ""].map(|layer| recall.share(layer));
    assert!(shares[0] >= 0.99 && shares[1] >= 0.99 && shares[2] >= 0.95, "{shares:?}\n{}", recall.missed());
    // Without a secret, a record is the same to the byte.
    assert_eq!(lines.lines().count(), redacted.lines().count());
    assert_eq!(
        scanner.redact_records(redacted.as_bytes(), &mut take_out),
        None,
        "what is redacted stays as it is"
    );
}

#[test]
fn secrets_far_apart_in_one_large_text_are_found_too() {
    let all: Vec<Planted> = planted(1).into_iter().step_by(13).collect();
    let scanner = Scanner::new(known(&all));
    let ordinary = "fn main() { let answer = compute(6, 7); }  // nothing to see here\n";
    let mut text = String::new();
    for (number, one) in all.iter().enumerate() {
        text += &ordinary.repeat(number % 7 * 40);
        text += &one.text;
        text.push('\n');
    }
    // And without a single blank, as in code that was made small.
    let dense = all.iter().map(|one| format!("{};{}", "x=f(1);".repeat(100), one.text));
    let dense = dense.collect::<String>();
    for text in [text, dense.replace([' ', '\n'], ";")] {
        let redacted = scanner.redact_text(text.as_bytes(), &mut take_out).must("findings");
        let redacted = String::from_utf8_lossy(&redacted);
        let here = all.iter().filter(|one| text.contains(&one.written));
        let found = here.map(|one| (layer_word(one.layer), one.kind, !left(&one.written, &redacted)));
        let recall = Recall::of(found);
        let share = recall.share("vendor");
        assert!(share >= 0.97, "{share} of {}\n{}", all.len(), recall.missed());
    }
}

fn all_strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(all_strings).collect(),
        Value::Object(map) => {
            map.iter().flat_map(|(key, value)| [vec![key.clone()], all_strings(value)].concat()).collect()
        }
        _ => Vec::new(),
    }
}

fn one(kind: &str) -> String {
    let (_, _, make) = KINDS.iter().find(|(name, ..)| *name == kind).must("a kind");
    make(&mut Random::new(11))
}

#[test]
fn escapes_do_not_hide_a_token() {
    let token = one("openai project");
    let scanner = Scanner::new(Vec::new());
    for escaped in
        [token.replace('-', "\\u002d"), token.replace('-', "\\u002D"), token.replace("sk", "\\u0073k")]
    {
        let record = format!("{{\"text\":\"a {escaped} b\",\"kept\":\"\\u0041\\/\"}}\n");
        let redacted = scanner.redact_records(record.as_bytes(), &mut take_out).must("found");
        let redacted = String::from_utf8(redacted).must("UTF-8");
        assert!(redacted.starts_with("{\"text\":\"a \u{ab}snap:secret:openai-key:"), "{redacted}");
        assert!(redacted.ends_with(" b\",\"kept\":\"\\u0041\\/\"}\n"), "{redacted}");
    }
}

#[test]
fn a_value_under_a_secrets_key_is_found() {
    let token = one("internal token");
    let record = json!({"input": {"API_TOKEN": token, "id": token}, "uuid": "u1"}).to_string();
    let redacted = Scanner::new(Vec::new()).redact_records(record.as_bytes(), &mut take_out).must("found");
    let redacted: Value = serde_json::from_slice(&redacted).must("JSON");
    assert!(
        redacted["input"]["API_TOKEN"].as_str().is_some_and(|text| text.starts_with('\u{ab}')),
        "{redacted}"
    );
    assert_eq!(redacted["input"]["id"], token, "ids are left alone");
}

#[test]
fn a_thinking_block_is_never_edited_but_left_out_whole() {
    let token = one("github classic");
    let thinking = |text: &str| json!({"type": "thinking", "thinking": text, "signature": "c2ln".repeat(40)});
    let record = json!({"type": "assistant", "uuid": "u1", "message": {"role": "assistant", "content": [
        thinking("nothing to hide"), thinking(&format!("the key is {token}")), {"type": "text", "text": "done"}]}});
    let redacted =
        Scanner::new(Vec::new()).redact_records(record.to_string().as_bytes(), &mut take_out).must("found");
    let redacted: Value = serde_json::from_slice(&redacted).must("JSON");
    let content = &redacted["message"]["content"];
    assert_eq!(content[0], record["message"]["content"][0]);
    assert_eq!(content[1]["type"], "text");
    assert_eq!(content[2], record["message"]["content"][2]);
    assert!(!redacted.to_string().contains(&token[4..20]));
}

#[test]
fn signatures_and_images_are_left_alone() {
    let mut random = Random::new(3);
    let noise: Vec<u8> = (0..60_000).map(|_| u8::try_from(random.below(256)).unwrap_or(0)).collect();
    let data = crate::support::planted::base64(&noise);
    let token = one("github classic");
    let record = json!({"message": {"content": [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": format!("{data}{}", token.replace('_', "A"))}},
        {"type": "thinking", "thinking": "x", "signature": format!("{data}/{token}")}]}});
    assert_eq!(Scanner::new(Vec::new()).redact_records(record.to_string().as_bytes(), &mut take_out), None);
}

#[test]
fn ordinary_text_is_left_alone() {
    let text = r#"
let token = lexer.next_token().ok_or(Error::Eof)?; // sk-learn, task-notification-handler-implementation
checksum = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
"integrity": "sha512-3vRhP5hQ0oGxg6X6mF7bFz4Zq1mQZVqfQ0eZcAqQJ4o0zZkz0mB1e9r0gq3F1m2C0X9v7a6s5d4f3g2h1j0k9l==",
uuid: c137e379-838e-4509-8148-16b407691758, commit 4da8d5951d0a9c6e8b1f2a3c4d5e6f708192a3b4
https://user:password@example.org/x  postgres://postgres:postgres@localhost/db  https://${USER}:${TOKEN}@host/
Authorization: Bearer <token>   Authorization: Bearer $TOKEN   api_key=YOUR_API_KEY_HERE_1234   AKIAIOSFODNN7EXAMPLE
password = os.environ["DB_PASSWORD"]; const secretName = "projects/my-project-123/secrets/db-password2";
toolu_01A09q90qw90lq917835lq9 msg_01XFDUDYJgAACzvnptvVoYEL req_011CSHoEeqs5C35K2UUqR7Fy
data-testid="auth-token-input-field-2" className="password-reset-form-v2-container" maxTokens: 4096,
"#;
    let findings = Scanner::new(Vec::new()).find(text.as_bytes());
    let shown: Vec<&str> = findings.iter().map(|finding| &text[finding.span.clone()]).collect();
    assert!(shown.is_empty(), "{shown:?}");
}

#[test]
fn a_broken_token_is_no_token() {
    let scanner = Scanner::new(Vec::new());
    for (kind, layer, make) in KINDS.iter().filter(|(_, layer, _)| *layer == Layer::Vendor) {
        let token = make(&mut Random::new(5));
        // No word goes on with a long prefix, so behind a letter it is a token still.
        let may_be_a_word = matches!(*kind, "plain sk" | "aws id" | "google key");
        let glued = may_be_a_word.then(|| format!("x{token}"));
        for broken in [token.chars().take(token.len() / 3).collect::<String>()].into_iter().chain(glued) {
            let found = scanner.find(format!("say {broken} now").as_bytes());
            let whole = found.iter().any(|finding| finding.sure && finding.span.len() >= token.len());
            // What begins with no letter can begin anywhere.
            assert!(
                !whole || token.starts_with('-') || token.starts_with('7'),
                "{kind} {layer:?}: {found:?}"
            );
        }
    }
}
