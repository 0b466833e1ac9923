//! What people install: packed, installed, run and removed as on their machines, with nothing asked of the network.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

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
        // One of them asks cargo, which has its downloads in a folder of the machine's user.
        let home = std::env::var("HOME").unwrap_or_default();
        for (name, usual) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            command.env(name, std::env::var(name).unwrap_or_else(|_| format!("{home}/{usual}")));
        }
        ran(command.args(arguments).current_dir(self.project.home.path()))
    }

    /// Makes a whole release of the programs, and returns its checksums.
    fn released(&self, folder: &str) -> String {
        let pair = |system: &str, program: &str| format!("{system}={}", self.path(program).display());
        let all = [
            folder.to_owned(),
            pair("x86_64-unknown-linux-gnu", "here"),
            pair("aarch64-unknown-linux-gnu", "elsewhere"),
            pair("aarch64-apple-darwin", "elsewhere"),
        ];
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        self.run("release", &all, &[("SOURCE_DATE_EPOCH", "1700000000")]).exits(0);
        fs::read_to_string(self.path(folder).join("SHA256SUMS")).must("the checksums")
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

#[test]
fn a_release_is_the_same_each_time_and_says_what_is_in_it() {
    for program in ["npm", "dpkg-deb", "python3"] {
        if !needs::program(&[program, "--version"], "a release") {
            return;
        }
    }
    let machine = Machine::new();
    let sums = machine.released("one");
    assert_eq!(sums, machine.released("other"));
    let names: Vec<&str> =
        sums.lines().filter_map(|line| line.split_once("  ")).map(|(_, name)| name).collect();
    for name in [
        "claude-snap-aarch64-apple-darwin.tar.gz",
        "claude-snap.cdx.json",
        "claude-snap.rb",
        "claude-snap_0.1.0_amd64.deb",
        "claude-snap_0.1.0_arm64.deb",
        "install.sh",
        "npm/claude-snap-0.1.0.tgz",
        "npm/claude-snap-linux-x64-0.1.0.tgz",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let sum_of =
        |name: &str| sums.lines().find_map(|line| line.strip_suffix(&format!("  {name}"))).must("a checksum");
    let formula = fs::read_to_string(machine.path("one/claude-snap.rb")).must("the formula");
    assert!(formula.contains(sum_of("claude-snap-aarch64-apple-darwin.tar.gz")), "{formula}");
    let told: Value =
        serde_json::from_slice(&fs::read(machine.path("one/claude-snap.cdx.json")).must("the list"))
            .must("JSON");
    let crates: Vec<&str> =
        told["components"].as_array().must("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(
        crates.contains(&"zstd-sys") && !crates.contains(&"proptest"),
        "what is compiled in, and no more: {crates:?}"
    );
    assert!(
        told["components"]
            .as_array()
            .must("a list")
            .iter()
            .all(|one| one["licenses"][0]["expression"].is_string())
    );
}

#[test]
fn the_debian_package_leaves_the_short_name_to_another_program_and_nothing_behind() {
    for program in ["npm", "dpkg", "python3"] {
        if !needs::program(&[program, "--version"], "the Debian package") {
            return;
        }
    }
    let machine = Machine::new();
    machine.released("release");
    for has_other in [false, true] {
        let root = machine.path(if has_other { "with another" } else { "alone" });
        for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "usr/bin"] {
            fs::create_dir_all(root.join(folder)).must("a folder");
        }
        for file in ["status", "available"] {
            fs::write(root.join("var/lib/dpkg").join(file), "").must("a list");
        }
        let short = root.join("usr/bin/snap");
        if has_other {
            fs::write(&short, "snapd").must("another program");
        }
        let dpkg = |action: &str, what: &Path| {
            let mut command = Command::new("dpkg");
            command.arg(format!("--root={}", root.display()));
            command.args([
                "--force-not-root",
                "--force-script-chrootless",
                "--force-depends",
                "--force-architecture",
                "--force-bad-path",
            ]);
            command.arg(action).arg(what);
            command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
            ran(&mut command).exits(0);
        };
        dpkg("-i", &machine.path("release/claude-snap_0.1.0_amd64.deb"));
        assert_eq!(fs::read(&short).must("the short name") == b"snapd", has_other);
        assert!(root.join("usr/share/man/man1/claude-snap.1.gz").exists());
        dpkg("-P", Path::new("claude-snap"));
        assert_eq!(short.symlink_metadata().is_ok(), has_other);
        let of_dpkg = root.join("var");
        let left = files_below(&root).into_iter().filter(|file| !file.starts_with(&of_dpkg)).count();
        assert_eq!(left, usize::from(has_other), "nothing of ours is left");
    }
}

#[test]
fn one_command_says_everywhere_where_releases_are() {
    let machine = Machine::new();
    let copy = machine.project.root();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["Cargo.toml", "README.md", "packaging/about", "packaging/install.sh", "docs/claude-code.md"]
    {
        fs::create_dir_all(copy.join(file).parent().must("a folder")).must("a folder");
        fs::copy(top.join(file), copy.join(file)).must("a copy");
    }
    machine.project.git(&["init", "-q"]);
    machine.project.git(&["add", "."]);
    let about = |words: &[&str]| ran(Command::new(copy.join("packaging/about")).args(words)).exits(0).stdout;
    about(&["repository", "https://github.com/ada/snapshots"]);
    assert_eq!(about(&["repository"]), "https://github.com/ada/snapshots\n");
    let script = fs::read_to_string(copy.join("packaging/install.sh")).must("the script");
    assert!(script.contains("https://github.com/ada/snapshots/releases/"), "{script}");
    assert!(!machine.project.try_git(&["grep", "-q", "OWNER/REPOSITORY"]), "it is named nowhere else");
}
