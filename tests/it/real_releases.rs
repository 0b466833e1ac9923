//! Two releases of a large package, as a registry serves them: the second one as pending edits of the first.
//!
//! `SNAP_REAL=1 cargo test --test it real_releases -- --nocapture` is the only form; without a
//! registry it fails. It also says how large the saved diffs are beside the files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::Must;
use crate::support::needs::asked_for;
use crate::support::project::{Project, files_below};

/// OpenSSL's sources in a crate: some 3,600 files, a part of which changes with each release.
const PACKAGE: &str = "openssl-src";
const RELEASES: [&str; 2] = ["300.3.1+3.3.1", "300.4.2+3.4.1"];

/// Has cargo fetch a release; returns the folder with its files.
fn release(place: &Path, version: &str) -> PathBuf {
    let project = place.join(version);
    fs::create_dir_all(project.join("src")).must("a folder");
    fs::write(project.join("src/lib.rs"), "").must("to write");
    let manifest = format!(
        "[package]\nname = \"p\"\nversion = \"0.1.0\"\n[dependencies]\n{PACKAGE} = \"={version}\"\n[workspace]\n"
    );
    fs::write(project.join("Cargo.toml"), manifest).must("to write");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut vendor = Command::new(cargo);
    vendor.args(["vendor", "--quiet"]).current_dir(&project).stdout(Stdio::null());
    assert!(vendor.status().must("cargo").success(), "no registry served {PACKAGE} {version}");
    let files = project.join("vendor").join(PACKAGE);
    assert!(files_below(&files).len() > 3_000, "{PACKAGE} {version} is not what it was");
    files
}

fn remove_all(project: &Project) {
    for entry in fs::read_dir(project.root()).must("to read").flatten() {
        match entry.file_name().to_str() {
            Some(".git" | ".claude") => {}
            _ if entry.path().is_dir() => fs::remove_dir_all(entry.path()).must("to remove"),
            _ => fs::remove_file(entry.path()).must("to remove"),
        }
    }
}

fn fill(project: &Project, from: &Path) {
    // What is ignored would not be saved.
    for file in files_below(from).into_iter().filter(|file| !file.ends_with(".gitignore")) {
        let to = project.path(file.strip_prefix(from).must("below"));
        fs::create_dir_all(to.parent().must("a folder")).must("a folder");
        fs::copy(&file, to).must("to copy");
    }
}

/// Returns how many bytes the files of a folder take.
fn bytes(files: &[PathBuf]) -> u64 {
    files.iter().map(|file| file.metadata().must("metadata").len()).sum()
}

#[test]
fn a_release_as_pending_edits_of_the_one_before_comes_back_anywhere() {
    if !asked_for("SNAP_REAL", "two releases of a large package") {
        return;
    }
    let place = tempfile::tempdir().must("a folder");
    let [old, new] = RELEASES.map(|version| release(place.path(), version));
    let project = Project::empty();
    project.git(&["init", "-q", "-b", "main"]);
    fill(&project, &old);
    project.git(&["add", "-A", "--force"]);
    project.git(&["commit", "-qm", "the first release"]);
    let clone = project.cloned();
    remove_all(&project);
    fill(&project, &new);
    project.git(&["add", "-A", "--force", "--", "openssl/crypto", "openssl/ssl"]);
    project.write("openssl/crypto/mem.c", "staged, then edited again\n");
    let (state, content) = (project.state(), project.content_state());

    project.snap(&["save", "x"]).exits(0);
    assert!(project.state() == state, "save changed something");
    let saved = project.snap(&["show", "x", "--json"]).exits(0).json();
    println!(
        "{} edited paths: {} bytes of objects, x.json has {} bytes; all files of the release have {} bytes",
        saved["edits"]["files"].as_array().must("files").len(),
        bytes(&project.objects()),
        bytes(&[project.stored("x.json")]),
        bytes(&files_below(&new)),
    );
    let store = project.stored("");
    clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
    assert!(clone.state() == state, "another tree in the clone");

    project.git(&["reset", "-q", "--hard"]);
    project.write("openssl/README.md", "wrecked\n");
    let wreck = project.state();
    project.snap(&["rewind", "x"]).exits(0);
    assert!(project.content_state() == content, "another tree after the rewind");
    project.snap(&["undo"]).exits(0);
    assert!(project.state() == wreck, "another tree after the undo");
}
