//! What people install: packed, installed, run and removed as on their machines, with nothing asked of the network.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::project::{Project, Ran, files_below, ran};
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
    let words = [
        "\nsnap says: here --version",
        "claude-snap says: here --version",
        "by npx: here --version",
        "uninstalled: nothing is left",
    ];
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
    let installed = |name: &str| machine.path("home/.local/bin").join(name);
    let bare = std::env::join_paths(["/usr/bin", "/bin"]).must("a PATH");
    let path = bare.to_str().must("UTF-8");
    machine.run("install.sh", &[], &[("SNAP_RELEASE", &release), ("PATH", path)]).exits(0);
    for name in ["snap", "claude-snap"] {
        assert_eq!(ran(Command::new(installed(name)).arg("list")).exits(0).stdout, "here list\n");
        let page = machine.path("home/.local/share/man/man1").join(format!("{name}.1"));
        assert_eq!(fs::read_to_string(page).must("a manual page"), "here man\n");
    }
    machine.run("install.sh", &["--uninstall"], &[]).exits(0);
    assert_eq!(files_below(&machine.path("home/.local")), Vec::<PathBuf>::new(), "nothing is left");

    // Beside another program of the short name, only the long one is installed, and only that one is removed.
    let other = machine.path("snapd");
    fs::create_dir(&other).must("a folder");
    fs::copy(machine.path("elsewhere"), other.join("snap")).must("a program");
    let with_other = format!("{path}:{}", other.display());
    let variables = [("SNAP_RELEASE", release.as_str()), ("PATH", &with_other)];
    let said = machine.run("install.sh", &[], &variables).exits(0).stdout;
    assert!(said.contains("snapd/snap is another program"), "{said}");
    assert!(installed("claude-snap").exists() && !installed("snap").exists());
    machine.run("install.sh", &["--uninstall"], &[]).exits(0);
    assert!(other.join("snap").exists() && !installed("claude-snap").exists());

    for archive in fs::read_dir(machine.path("release")).must("the archives").flatten() {
        if archive.file_name() != "SHA256SUMS" {
            fs::write(archive.path(), "something else").must("another archive");
        }
    }
    machine.run("install.sh", &[], &[("SNAP_RELEASE", &release)]).exits(1).says(&["nothing was installed"]);
    assert_eq!(files_below(&machine.path("home/.local")), Vec::<PathBuf>::new());
}
