//! The documents are true: their commands run, their links lead somewhere, and the files that they name exist.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

use crate::handoff_remote::{colleague, utf8, with_remote};
use crate::support::Must;
use crate::support::project::{Project, ran};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// What stands before a block of commands that can't be run here, with the reason.
const NOT_RUN: &str = "<!-- not run: ";

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All documents, by their path in the repository.
fn documents() -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for folder in [".", "docs", "fixtures"] {
        for entry in fs::read_dir(top().join(folder)).must("a folder").flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|end| end == "md") {
                let text = fs::read_to_string(&path).must("a document");
                all.push((path.strip_prefix(top()).must("a path below").to_owned(), text));
            }
        }
    }
    all.sort();
    all.into_iter()
        .map(|(path, text)| (path.strip_prefix(".").map_or(path.clone(), Path::to_owned), text))
        .collect()
}

/// A fenced block of a document.
struct Block {
    place: String,
    language: String,
    text: String,
    not_run: Option<String>,
}

/// The fenced blocks of all documents.
fn blocks() -> Vec<Block> {
    let mut all = Vec::new();
    for (path, text) in documents() {
        let mut before = "";
        let mut open: Option<Block> = None;
        for (number, line) in text.lines().enumerate() {
            match (&mut open, line.trim_start().strip_prefix("```")) {
                (Some(_), Some(_)) => all.extend(open.take()),
                (Some(block), None) => block.text += &format!("{line}\n"),
                (None, Some(language)) => {
                    let reason = before.strip_prefix(NOT_RUN).map(|rest| rest.trim_end_matches("-->").trim());
                    open = Some(Block {
                        place: format!("{}:{}", path.display(), number + 1),
                        language: language.to_owned(),
                        text: String::new(),
                        not_run: reason.map(str::to_owned),
                    });
                }
                (None, None) if !line.trim().is_empty() => before = line,
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block has no end", path.display());
    }
    all
}

/// The commands of a block: all of a script, and of a terminal's text what is typed.
fn commands(block: &Block) -> Option<String> {
    match block.language.as_str() {
        "sh" | "bash" => Some(block.text.clone()),
        "console" => {
            let typed = block.text.lines().filter_map(|line| line.strip_prefix("$ "));
            Some(typed.map(|line| format!("{line}\n")).collect())
        }
        _ => None,
    }
}

/// What a person who reads the documents has: Ada's project with snapshots and remotes, and Bea's clone of it.
struct World {
    ada: Project,
    bea: Project,
    bin: PathBuf,
}

impl World {
    fn new() -> World {
        let (ada, remote) = with_remote();
        ada.session(ID);
        let backup = ada.home.path().join("backup.git");
        ada.git(&["init", "-q", "--bare", utf8(&backup)]);
        ada.git(&["remote", "add", "backup", utf8(&backup)]);
        for (name, text) in
            [("one", "1\n"), ("two", "2\n"), ("try 3", "3\n"), ("before api refactor", "one\nTWO\nthree\n")]
        {
            ada.write("a.txt", text);
            ada.snap(&["save", name]).exits(0);
            ada.snap(&["push", "origin", name]).exits(0);
        }
        let bea = colleague(&ada, &remote).of_another_user();
        ada.write("new.txt", "new\n");
        let bin = ada.home.path().join("bin");
        fs::create_dir(&bin).must("a folder");
        symlink(env!("CARGO_BIN_EXE_snap"), bin.join("snap")).must("a link to snap");
        let program = |name: &str, script: &str| {
            fs::write(bin.join(name), format!("#!/bin/sh\n{script}\n")).must("a program");
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).must("its mode");
        };
        program("claude", "exit 0");
        // On the other machine, which is Bea's.
        let there = bea.root().parent().must("a folder");
        symlink(bea.root(), there.join("app")).must("another name");
        program("ssh", &format!("shift; cd '{}' && exec sh -c \"$*\"", there.display()));
        // Of the build, what is said to the program that is built.
        program("cargo", "while [ $# -gt 0 ] && [ \"$1\" != -- ]; do shift; done; shift; exec snap \"$@\"");
        World { ada, bea, bin }
    }

    /// Runs a script in Ada's project.
    fn run(&self, script: &str) -> crate::support::project::Ran {
        let there = self.bea.root().parent().must("a folder");
        let script = script
            .replace("/home/ada", utf8(self.ada.home.path()))
            .replace("/srv/ada", utf8(there))
            .replace(" host ", " host.example ");
        let plain = self.ada.command(self.ada.root(), &[]);
        let mut shell = Command::new("bash");
        shell.args(["-e", "-o", "pipefail", "-c", &script]).current_dir(self.ada.root()).env_clear();
        shell.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let path = format!("{}:{}", self.bin.display(), std::env::var("PATH").unwrap_or_default());
        ran(shell.env("PATH", path))
    }
}

#[test]
fn the_commands_in_the_documents_run() {
    let mut count = 0;
    for block in blocks().iter().filter(|block| block.not_run.is_none()) {
        let Some(script) = commands(block) else { continue };
        let said = World::new().run(&script);
        assert_eq!(said.code, 0, "{}:\n{script}\n{}{}", block.place, said.stdout, said.stderr);
        count += 1;
    }
    assert!(count >= 6, "only {count} blocks were run");
}

#[test]
fn every_block_that_is_not_run_says_why_and_is_one_of_commands() {
    for block in blocks() {
        if let Some(reason) = &block.not_run {
            assert!(reason.len() > 10, "{}: {reason:?} is no reason", block.place);
            assert!(commands(&block).is_some(), "{}: that is never run", block.place);
        }
    }
}

/// The name that a heading has in links.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .collect::<String>();
    kept.replace(' ', "-")
}

fn anchors(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}

#[test]
fn the_links_in_the_documents_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").must("a pattern");
    let mut dead = Vec::new();
    for (path, text) in documents() {
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if target.contains("://") {
                continue;
            }
            let (file, part) = target.split_once('#').unwrap_or((target, ""));
            let folder = top().join(&path);
            let place = match file {
                "" => folder.clone(),
                file => folder.parent().must("a folder").join(file),
            };
            let leads = place.exists()
                && (part.is_empty()
                    || anchors(&fs::read_to_string(&place).unwrap_or_default()).contains(part));
            if !leads {
                dead.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn the_files_that_the_documents_name_exist() {
    let name = Regex::new(
        r"`((?:[A-Za-z0-9_.-]+/)*[a-z0-9_]+\.(?:rs|py|sh)|(?:src|tests|docs|benches|fuzz|fixtures)/[A-Za-z0-9_./-]*)`",
    );
    let name = name.must("a pattern");
    let mut missing = Vec::new();
    // What changed stays told in the words of then.
    for (path, text) in documents().into_iter().filter(|(path, _)| !path.ends_with("CHANGELOG.md")) {
        for found in name.captures_iter(&text) {
            let named = &found[1];
            let places = ["", "src", "tests/it", "benches", "fuzz"];
            if !places.iter().any(|place| top().join(place).join(named).exists()) {
                missing.push(format!("{}: {named}", path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
