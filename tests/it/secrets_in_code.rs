//! Secrets that stand in a file in a code: they come back to the byte, or the file is held back. Never is it a wrong one.

use std::collections::BTreeMap;
use std::io::Write as _;

use crate::redaction::assert_nowhere;
use crate::support::Must;
use crate::support::planted::base64;
use crate::support::project::{Project, Ran, ran};

const VARIABLE: &str = "DB_PASSWORD";

/// Every character of a value, written by itself.
fn each(value: &str, write: impl Fn(char) -> String) -> String {
    value.chars().map(write).collect()
}

fn utf16(text: &str, mark: bool, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.then_some(0xfeff).into_iter().chain(text.encode_utf16()).flat_map(unit).collect()
}

/// A file with a value in each way of writing it, and whether the value of a variable can be written in the same way.
fn files(value: &str) -> BTreeMap<&'static str, (Vec<u8>, bool)> {
    let line = |value: &str| format!("one\n{VARIABLE}={value}\ntwo\n");
    let text = |value: String| line(&value).into_bytes();
    let hex =
        |between: &str| value.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between);
    let coded = base64(value.as_bytes());
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(line(value).as_bytes()).must("to pack");
    let numbers = value.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>();
    let wrapped = |width: usize| {
        coded.as_bytes().chunks(width).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n")
    };
    [
        ("plain", text(value.to_owned()), true),
        ("utf-16le", utf16(&line(value), true, u16::to_le_bytes), true),
        ("utf-16be", utf16(&line(value), true, u16::to_be_bytes), true),
        ("utf-16le-without-a-mark", utf16(&line(value), false, u16::to_le_bytes), true),
        ("utf-16be-without-a-mark", utf16(&line(value), false, u16::to_be_bytes), true),
        (
            "utf-16-behind-utf-8",
            [b"log\n".to_vec(), utf16(&line(value), false, u16::to_le_bytes)].concat(),
            true,
        ),
        ("base64", text(coded.clone()), true),
        ("base64-in-yaml", format!("data:\n  password: {coded}\n").into_bytes(), true),
        ("base64-of-a-line", text(base64(format!("{value}\n").as_bytes())), false),
        ("base64-of-more", text(base64(format!("ada:{value}").as_bytes())), false),
        ("base64-of-base64", text(base64(coded.as_bytes())), false),
        ("base64-wrapped", text(wrapped(20)), false),
        ("base64-of-utf-16", text(base64(&utf16(value, false, u16::to_le_bytes))), false),
        ("percent", text(each(value, |one| format!("%{:02X}", u32::from(one)))), false),
        ("percent-some", text(value.replace('&', "%26").replace('!', "%21")), false),
        ("json", text(each(value, |one| format!("\\u{:04x}", u32::from(one)))), false),
        ("json-some", text(value.replace('&', "\\u0026")), false),
        ("c", text(each(value, |one| format!("\\x{:02x}", u32::from(one)))), false),
        ("octal", text(each(value, |one| format!("\\{:03o}", u32::from(one)))), false),
        ("entities", text(each(value, |one| format!("&#{};", u32::from(one)))), false),
        ("entities-hex", text(each(value, |one| format!("&#x{:x};", u32::from(one)))), false),
        ("entities-some", text(value.replace('&', "&amp;")), false),
        ("shell", text(value.replace('&', "\\&").replace('!', "\\!")), false),
        ("mail", text(value.replace('&', "=26").replace('!', "=21")), false),
        ("hex", text(hex("")), false),
        ("hex-colons", text(hex(":")), false),
        ("numbers", format!("[{}]\n", numbers.join(", ")).into_bytes(), false),
        ("broken", text(format!("{}\\\n{}", &value[..14], &value[14..])), false),
        ("packed", packed.finish().must("to pack"), false),
        ("in-an-address", format!("db=postgres://ada:{value}@db/app\n").into_bytes(), false),
    ]
    .into_iter()
    .map(|(name, bytes, can)| (name, (bytes, can)))
    .collect()
}

fn resumed(on: &Project, from: &Project, value: &str, fills: &[String]) -> Ran {
    let store = from.stored("").display().to_string();
    let words = [
        "resume",
        "x",
        "--trust",
        "--allow-kind",
        "all",
        "--no-input",
        "--no-run",
        "--store",
        &store,
        "--json",
    ];
    let fills = fills.iter().flat_map(|fill| ["--fill", fill]);
    let words: Vec<&str> = words.into_iter().chain(fills).collect();
    ran(on.command(on.root(), &words).env(VARIABLE, value))
}

#[test]
fn a_secret_in_a_code_comes_back_to_the_byte_or_its_file_is_held_back() {
    let value = "q8Zr2&LkPw7XvT!n4BsYd9";
    let project = Project::new();
    let files_of = files(value);
    for (name, (bytes, _)) in &files_of {
        project.write(name, bytes);
    }
    ran(project.command(project.root(), &["save", "x"]).env(VARIABLE, value)).exits(0);
    assert_nowhere(&project.path(".claude/snapshots"), &[value, &base64(value.as_bytes())]);
    // The machine that saved it asks nothing.
    for name in files_of.keys() {
        std::fs::remove_file(project.path(name)).must("to remove a file");
    }
    project.snap(&["rewind", "x", "--no-run"]).exits(0);
    for (name, (bytes, _)) in &files_of {
        assert_eq!(project.read(name), *bytes, "{name}");
    }
    // Another one writes none of them unasked, and says of those that no value can fill what to do.
    let clone = project.cloned().of_another_user();
    let held = resumed(&clone, &project, value, &[]).exits(6);
    assert!(held.stderr.contains("stands there in a code"), "{}", held.stderr);
    let mut fills = Vec::new();
    for one in held.json()["unfilled"].as_array().must("a list") {
        let path = one["path"].as_str().must("a path");
        for secret in one["secrets"].as_array().must("a list") {
            let can = files_of[path].1;
            assert_eq!(secret["coded"].as_bool(), Some(!can), "{path}: {secret}");
            assert!(can || secret["here"] == serde_json::json!([]), "{path} is offered: {secret}");
            fills.push(format!("{}={VARIABLE}", secret["id"].as_str().must("an ID")));
        }
    }
    for name in files_of.keys() {
        assert!(!clone.path(name).exists(), "{name}");
    }
    // Whatever value it has there: with it, a file is what it would have been with it.
    for other in [value, "Ws5&Gh8Jm!Rt3QxZ7Nv", "Ws5&Gh8Jm!Rt3QxZ7NvK2", "\u{e9}Ws5&Gh8Jm!Rt3QxZ7"] {
        let clone = project.cloned().of_another_user();
        let told = resumed(&clone, &project, other, &fills).exits(6);
        assert!(!told.stdout.contains(other) && !told.stderr.contains(other), "a value is shown");
        for (name, (bytes, can)) in files(other) {
            let there = clone.path(name);
            assert!(!there.exists() || clone.read(name) == bytes, "{name} is a wrong file with {other}");
            assert!(there.exists() || !can || other != value, "{name} is not filled in");
            assert!(!there.exists() || can, "{name}: the table is wrong");
        }
    }
}

#[test]
fn a_part_of_what_a_variable_holds_is_not_filled_in_with_all_of_it() {
    let project = Project::new();
    let password = "q8Zr2LkPw7XvTn4B";
    let address = format!("postgres://ada:{password}@db/app");
    project.write("part.txt", format!("it is {password} there\n"));
    ran(project.command(project.root(), &["save", "x"]).env("DATABASE_URL", &address)).exits(0);
    assert_nowhere(&project.path(".claude/snapshots"), &[password]);
    let clone = project.cloned().of_another_user();
    let store = project.stored("").display().to_string();
    let words =
        ["resume", "x", "--trust", "--no-input", "--no-run", "--store", &store, "--fill", "DATABASE_URL"];
    ran(clone.command(clone.root(), &words).env("DATABASE_URL", &address)).exits(6);
    assert!(!clone.path("part.txt").exists());
    std::fs::remove_file(project.path("part.txt")).must("to remove a file");
    project.snap(&["rewind", "x", "--no-run"]).exits(0);
    assert_eq!(project.read("part.txt"), format!("it is {password} there\n").as_bytes());
}
