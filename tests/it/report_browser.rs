//! Pages of `snap report` in a real browser: opened, searched, folded, jumped through, by mouse and keyboard. Nothing runs,
//! nothing is fetched, nothing is too wide.
//!
//! The steps are in `tests/browser/`. The tools that they need are npm packages, pinned there and installed once into
//! `target/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::report::{ID, with_checkpoint, worked};
use crate::report_hostile::{ATTACKS, attacked};
use crate::report_live::Served;
use crate::support::Must;
use crate::support::client::npm;
use crate::support::needs;
use crate::support::project::Project;

fn steps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// The folder with the pinned packages; `None` if the tests are skipped.
fn modules(experiment: &str) -> Option<PathBuf> {
    let chromium = std::env::var("SNAP_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    for program in [&[chromium.as_str(), "--version"][..], &["node", "--version"], &["npm", "--version"]] {
        if !needs::program(program, experiment) {
            return None;
        }
    }
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("browser-tools");
    fs::create_dir_all(&parent).must("a folder for the tools");
    let lock = File::create(parent.join("lock")).must("the install lock");
    lock.lock().must("the install lock");
    let wanted = fs::read(steps().join("package-lock.json")).must("the pinned versions");
    let (done, modules) = (parent.join("done"), parent.join("node_modules"));
    if fs::read(&done).ok().as_ref() != Some(&wanted) {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(steps().join(file), parent.join(file)).must("copied");
        }
        let said = npm(&["ci".as_ref()], &parent, &parent.join("npm")).must("npm");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        fs::write(&done, &wanted).must("written");
    }
    Some(modules)
}

/// Runs a script of the steps; fails with all it said.
fn node(script: &str, modules: &Path, arguments: &[&Path], project: &Project) {
    let mut command = Command::new("node");
    command.arg(steps().join(script)).arg("--modules").arg(modules).args(arguments).stdin(Stdio::null());
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", project.home.path());
    command.env("NODE_PATH", modules);
    if let Some(chromium) = std::env::var_os("SNAP_CHROMIUM") {
        command.env("SNAP_CHROMIUM", chromium);
    }
    let done = command.output().must("node");
    let said = [done.stdout, done.stderr].concat();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn a_page_of_a_session_works_in_a_browser() {
    let Some(modules) = modules("pages in a browser") else { return };
    let project = with_checkpoint();
    project.snap(&["report", "-o", "page.html"]).exits(0);
    node("run.mjs", &modules, &[&project.path("page.html")], &project);
}

#[test]
fn a_page_follows_a_running_session_in_a_browser_and_nobody_else_reads_it() {
    let Some(modules) = modules("a page that follows a session in a browser") else { return };
    let project = worked();
    let served = Served::start(&project);
    let transcript = project.home.project(project.root()).join(format!("{ID}.jsonl"));
    let record = json!({"type": "user", "uuid": "more", "cwd": project.root(), "sessionId": ID, "version": "2.1.332",
        "timestamp": "2026-11-21T05:00:00.000Z", "message": {"role": "user", "content": "one thing more"}});
    let file = project.home.path().join("record.json");
    fs::write(&file, format!("{record}\n")).must("written");
    let address = served.address();
    node("live.mjs", &modules, &[Path::new(&address), &transcript, &file], &project);
}

#[test]
fn the_program_of_a_page_has_the_types_that_it_says() {
    let Some(modules) = modules("types of the program of a page") else { return };
    let mut check = Command::new("node");
    check
        .arg(modules.join("typescript/bin/tsc"))
        .arg("-p")
        .arg(steps().join("tsconfig.json"))
        .stdin(Stdio::null());
    let done = check.output().must("node");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&[done.stdout, done.stderr].concat()));
}

#[test]
fn nothing_of_a_hostile_session_runs_or_is_fetched_in_a_browser() {
    let Some(modules) = modules("hostile pages in a browser") else { return };
    let project = attacked(&ATTACKS.join("\n\n"));
    project.snap(&["save", "x"]);
    project.snap(&["report", "-o", "page.html"]);
    node("run.mjs", &modules, &[&project.path("page.html")], &project);
}
