//! What people install: packed, installed, run and removed as on their machines, with nothing asked of the network.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::project::{Project, Ran, ran};
use crate::support::{Must, needs};

/// A machine, and a program that stands for `snap` of each system.
struct Machine {
    project: Project,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { project: Project::empty() };
        for system in ["here", "elsewhere"] {
            let program = machine.path(system);
            fs::write(&program, format!("#!/bin/sh\necho {system} \"$@\"\n")).must("a program");
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).must("a mode");
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.project.home.path().join(name)
    }

    /// Runs a script of `packaging/` in an empty environment.
    fn run(&self, script: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
        let mut command = Command::new(folder.join(script));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path("home")).envs(variables.iter().copied());
        ran(command.args(arguments).current_dir(self.project.home.path()))
    }

    /// Packs the program of this system and those of others with a script.
    fn packed(&self, script: &str, folder: &str) {
        let here = format!("{}-unknown-linux-gnu={}", std::env::consts::ARCH, self.path("here").display());
        let elsewhere = self.path("elsewhere");
        let mut all = vec![folder.to_owned(), here];
        for system in ["x86_64-apple-darwin", "aarch64-apple-darwin"] {
            all.push(format!("{system}={}", elsewhere.display()));
        }
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        self.run(script, &all, &[]).exits(0);
    }
}

#[test]
fn npm_installs_the_program_of_this_system_and_removes_all_of_it() {
    if !needs::program(&["npm", "--version"], "the npm packages") {
        return;
    }
    let machine = Machine::new();
    machine.packed("npm/pack", "packed");
    let words = ["says: here --version", "by npx: here --version", "uninstalled: nothing is left"];
    let told = machine.run("npm/try", &["packed"], &[]).exits(0).stdout;
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
}

#[test]
fn archives_are_the_same_each_time() {
    let machine = Machine::new();
    let [one, other] = ["one", "other"].map(|folder| {
        machine.packed("archive", folder);
        fs::read_to_string(machine.path(folder).join("SHA256SUMS")).must("the checksums")
    });
    assert_eq!(one, other);
    assert_eq!(one.lines().count(), 3);
}

#[test]
fn the_install_script_installs_only_what_has_its_checksum() {
    if !needs::program(&["curl", "--version"], "the install script") {
        return;
    }
    let machine = Machine::new();
    machine.packed("archive", "release");
    let release = format!("file://{}", machine.path("release").display());
    let installed = machine.path("home/.local/bin/snap");
    machine.run("install.sh", &[], &[("SNAP_RELEASE", &release)]).exits(0);
    assert_eq!(ran(Command::new(&installed).arg("list")).exits(0).stdout, "here list\n");

    fs::remove_file(&installed).must("to remove it");
    for archive in fs::read_dir(machine.path("release")).must("the archives").flatten() {
        if archive.file_name() != "SHA256SUMS" {
            fs::write(archive.path(), "something else").must("another archive");
        }
    }
    machine.run("install.sh", &[], &[("SNAP_RELEASE", &release)]).exits(1).says(&["nothing was installed"]);
    assert_eq!(fs::read_dir(machine.path("home/.local/bin")).must("the folder").count(), 0);
}
