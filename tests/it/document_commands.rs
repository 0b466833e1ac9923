//! The commands that the documents show run, each block in a project as its reader has one.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::documents::documents;
use crate::handoff_remote::{colleague, utf8, with_remote};
use crate::support::Must;
use crate::support::project::{Project, ran};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// What stands before a block of commands that can't be run here, with the reason.
const NOT_RUN: &str = "<!-- not run: ";

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
    // Those of the format's page build on each other: `format.rs` runs them.
    for path in documents().into_iter().filter(|path| !path.ends_with("docs/format.md")) {
        let text = fs::read_to_string(&path).must("a document");
        let mut not_run = None;
        let mut open: Option<Block> = None;
        for (event, range) in Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter() {
            match event {
                Event::Html(comment) => {
                    let reason = comment.trim().strip_prefix(NOT_RUN);
                    not_run = reason.map(|reason| reason.trim_end_matches("-->").trim().to_owned());
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    let line = 1 + text[..range.start].lines().count();
                    open = Some(Block {
                        place: format!("{}:{line}", path.display()),
                        language: language.into_string(),
                        text: String::new(),
                        not_run: not_run.take(),
                    });
                }
                Event::Text(text) => {
                    if let Some(block) = &mut open {
                        block.text += &text;
                    }
                }
                Event::End(TagEnd::CodeBlock) => all.extend(open.take()),
                Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::List(_) | Tag::Table(_)) => {
                    not_run = None
                }
                _ => {}
            }
        }
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
        for name in ["snap", "claude-snap"] {
            symlink(env!("CARGO_BIN_EXE_snap"), bin.join(name)).must("a link to snap");
        }
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
        program(
            "cargo",
            "[ \"$1\" = run ] || exit 0; while [ \"$1\" != -- ]; do shift; done; shift; exec snap \"$@\"",
        );
        let keys = ada.home.path().join(".ssh");
        fs::create_dir(&keys).must("a folder");
        for place in [keys.join("id_ed25519.pub"), ada.path("id_ed25519.pub")] {
            fs::write(place, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPubl1cKey0fAda\n").must("a key");
        }
        World { ada, bea, bin }
    }

    /// Runs a script in Ada's project.
    fn run(&self, script: &str) -> crate::support::project::Ran {
        let there = self.bea.root().parent().must("a folder");
        let script = script.replace("/home/ada", utf8(self.ada.home.path())).replace("/srv/ada", utf8(there));
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
