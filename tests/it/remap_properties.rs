//! What holds for remapping whatever the paths and the records are.

use claude_snap::remap::{MapSpec, PathMap, RemapMode, RemapReport, Remapper};
use proptest::prelude::*;
use serde_json::{Value, json};

fn remapper(old: &str, new: &str, mode: RemapMode) -> Remapper {
    let spec = MapSpec {
        user: vec![(old.to_owned(), new.to_owned())],
        home: Some(("/home/ann".to_owned(), "/home/bob".to_owned())),
        ..MapSpec::default()
    };
    Remapper::new(&PathMap::build(&spec).unwrap(), mode).unwrap()
}

fn remap(remapper: &Remapper, record: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut report = RemapReport::default();
    let changed = remapper.remap_line(record, &mut out, &mut report);
    assert_eq!(changed, out != record);
    assert_eq!(changed, report.replaced() > 0);
    out
}

// Components of old and of new paths: their letters differ, so that no path is part of another.
const OLD_WORD: &str = "[a-m]{1,6}";
const NEW_WORD: &str = "[n-z]{1,6}";
// The same with everything that a file system allows and JSON, URIs or shells have to escape.
const ODD_OLD_WORD: &str = "[a-m]([a-m \"\\\\'é😀\u{1}\t%$&+.-]{0,6}[a-m])?";
const ODD_NEW_WORD: &str = "[n-z]([n-z \"\\\\'é😀\u{1}\t%$&+.-]{0,6}[n-z])?";

fn path(word: &'static str) -> impl Strategy<Value = String> {
    proptest::collection::vec(word, 1..4)
        .prop_map(|parts| parts.iter().map(|part| format!("/{part}")).collect())
}

/// The same path in the spellings that lose nothing for plain words.
fn spelled(path: &str, form: usize) -> String {
    match form {
        0 => path.to_owned(),
        1 => path.replace('/', r"\/"),
        2 => path.replace('/', r"\\/"),
        3 => path.replace('/', r"\\\\/"),
        4 => format!("file://{path}"),
        5 => path.replace('/', "%2F"),
        6 => path.replace('/', "%2f"),
        _ => format!("file:{}", format!("//{path}").replace('/', r"\/")),
    }
}

/// Bytes between two mentions, beginning and ending in what may stand beside a path.
fn gap() -> impl Strategy<Value = String> {
    let inner = "[a-m0-9é/\\\\\"'~$%.{}:,_ -]{0,12}";
    ("[ '\"(,:=|]", inner, "[ '\"(,:=|]").prop_map(|(first, inner, last)| format!("{first}{inner}{last}"))
}

/// A JSON value whose strings mention a path, alone or amid prose, some as JSON inside a string.
fn record(path: String) -> impl Strategy<Value = Value> {
    let prose =
        prop_oneof![Just(" "), Just("\n"), Just("\""), Just(": "), Just("\\"), Just("é "), Just("a \"b\" ")];
    let text = (proptest::collection::vec(prose, 0..4), any::<bool>()).prop_map(move |(prose, below)| {
        let mention = if below { format!("{path}/a.rs") } else { path.clone() };
        format!("{}{mention} {}", prose.concat(), prose.concat())
    });
    let leaf = prop_oneof![
        text.prop_map(Value::String),
        any::<u32>().prop_map(|number| json!(number)),
        Just(json!(null))
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map("[a-z\"\\\\]{0,5}", inner.clone(), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            inner.prop_map(|value| Value::String(value.to_string())),
        ]
    })
}

/// Checks that two values differ only in strings, and that what is JSON in a string stays JSON.
fn assert_same_shape(old: &Value, new: &Value) {
    match (old, new) {
        (Value::Array(old), Value::Array(new)) => {
            assert_eq!(old.len(), new.len());
            old.iter().zip(new).for_each(|(old, new)| assert_same_shape(old, new));
        }
        (Value::Object(old), Value::Object(new)) => {
            assert!(old.keys().eq(new.keys()));
            old.values().zip(new.values()).for_each(|(old, new)| assert_same_shape(old, new));
        }
        (Value::String(old), Value::String(new)) => {
            if let Ok(inner) = serde_json::from_str::<Value>(old)
                && (inner.is_object() || inner.is_array())
            {
                assert_same_shape(&inner, &serde_json::from_str(new).unwrap());
            }
        }
        _ => assert_eq!(old, new),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn mentions_change_and_nothing_between_them_and_the_way_back_gives_the_same_bytes(
        old in path(OLD_WORD),
        new in path(NEW_WORD),
        gaps in proptest::collection::vec((gap(), 0usize..8), 0..6),
        last in gap(),
    ) {
        let there = remapper(&old, &new, RemapMode::Rewrite);
        // A gap may happen to hold the old path; then it is no gap.
        prop_assume!(gaps.iter().all(|(gap, _)| there.mentions(gap.as_bytes()) == 0));
        prop_assume!(there.mentions(last.as_bytes()) == 0);
        let line = |path: &str| {
            let mentions = gaps.iter().map(|(gap, form)| format!("{gap}{}", spelled(path, *form)));
            mentions.collect::<String>() + &last
        };
        let mapped = remap(&there, line(&old).as_bytes());
        prop_assert_eq!(String::from_utf8_lossy(&mapped), line(&new));
        let back = remap(&remapper(&new, &old, RemapMode::Rewrite), &mapped);
        prop_assert_eq!(String::from_utf8_lossy(&back), line(&old));
    }

    #[test]
    fn a_record_stays_valid_json_at_every_level_whatever_the_paths_are(
        (old, record) in path(ODD_OLD_WORD).prop_flat_map(|old| (Just(old.clone()), record(old))),
        new in path(ODD_NEW_WORD),
    ) {
        let text = record.to_string();
        let there = remapper(&old, &new, RemapMode::Rewrite);
        let mapped = remap(&there, text.as_bytes());
        let value: Value = serde_json::from_slice(&mapped).unwrap();
        assert_same_shape(&record, &value);
        prop_assert_eq!(there.mentions(&mapped), 0);
        // The way back finds every path that is alone in its string.
        if let (Value::String(old_text), Value::String(new_text)) = (&record, &value)
            && old_text.trim() == old
        {
            prop_assert_eq!(new_text.trim(), new);
        }
    }

    #[test]
    fn a_field_that_holds_a_path_holds_the_new_path_afterwards(
        old in path(ODD_OLD_WORD),
        new in path(ODD_NEW_WORD),
        levels in 0usize..4,
    ) {
        let nest = |path: &str| {
            (0..levels).fold(json!({ "cwd": path }).to_string(), |inner, _| json!({ "log": inner }).to_string())
        };
        let mapped = remap(&remapper(&old, &new, RemapMode::Rewrite), nest(&old).as_bytes());
        prop_assert_eq!(String::from_utf8_lossy(&mapped), nest(&new));
        let back = remap(&remapper(&new, &old, RemapMode::Rewrite), &mapped);
        prop_assert_eq!(String::from_utf8_lossy(&back), nest(&old));
    }

    #[test]
    fn what_does_not_hold_the_root_is_untouched(
        old in path(OLD_WORD),
        text in "[a-m/\\\\\"%2F~$. -]{0,60}",
        grown in "[A-Za-z0-9_é-]",
        left in "[a-zA-Z0-9_é/.~$}]",
    ) {
        let there = remapper(&old, "/new", RemapMode::Rewrite);
        let name = old.rsplit('/').next().unwrap_or_default();
        if !text.contains(name) {
            prop_assert_eq!(remap(&there, text.as_bytes()), text.as_bytes());
        }
        for alike in [format!(" {old}{grown}"), format!(" x{left}{old}"), format!(" {old}.{grown}")] {
            prop_assert_eq!(remap(&there, alike.as_bytes()), alike.as_bytes());
        }
    }

    #[test]
    fn keep_leaves_every_message_as_it_was(
        (old, message) in path(ODD_OLD_WORD).prop_flat_map(|old| (Just(old.clone()), record(old))),
        new in path(ODD_NEW_WORD),
    ) {
        let line = json!({ "message": message, "cwd": old }).to_string();
        let kept = remap(&remapper(&old, &new, RemapMode::Keep), line.as_bytes());
        prop_assert_eq!(String::from_utf8(kept).unwrap(), json!({ "message": message, "cwd": new }).to_string());
    }

    #[test]
    fn any_bytes_are_taken_at_once_or_line_by_line(
        chunks in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..8),
                Just(b"/home/ann/app".to_vec()), Just(b"\n".to_vec()), Just(b"\"thinking\":\"".to_vec()),
                Just(b"~/app".to_vec()), Just(b"\\".to_vec()), Just(b"\"type\":\"base64\",\"data\":\"".to_vec()),
                Just(b"{".to_vec()), Just(b"}".to_vec()),
            ],
            0..24,
        ),
        keep in any::<bool>(),
    ) {
        let bytes = chunks.concat();
        let mode = if keep { RemapMode::Keep } else { RemapMode::Rewrite };
        let there = remapper("/home/ann/app", "/n\"\\", mode);
        let (mut whole, mut whole_report) = (Vec::new(), RemapReport::default());
        there.remap_lines(&bytes, &mut whole, &mut whole_report);
        let (mut single, mut single_report) = (Vec::new(), RemapReport::default());
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            there.remap_line(line, &mut single, &mut single_report);
        }
        prop_assert_eq!(whole, single);
        prop_assert_eq!(whole_report, single_report);
    }
}
