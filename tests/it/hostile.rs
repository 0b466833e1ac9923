//! The worst snapshots in the world: nothing of them may get out, run, lie or take the machine down.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use claude_snap::base::digest;
use claude_snap::manifest::Manifest;
use rustix::fs::{CWD, OFlags, RenameFlags, openat, renameat_with};
use serde_json::Value;

use crate::hostile_cases::{Case, EVIL, edit, manifests, with_edits};
use crate::support::project::{Project, Ran, ran};
use crate::support::trace::available;
use crate::support::{Must, needs};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// How many restores the racer races against; `SNAP_CASES` sets another number.
const RACES: usize = 20;

/// The most memory that `snap` and each git that it starts may map, whether they use it or not: 256 MiB.
const MEMORY: &str = "--as=268435456";

/// A place with files outside the project that nothing may touch, and a sound manifest to start from.
fn target() -> (Project, Value) {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "one\nTWO\nthree\n");
    project.snap(&["save", "sound"]).exits(0);
    project.git(&["checkout", "-q", "a.txt"]);
    let home = project.home.path();
    for name in ["outside/kept", "passwd", ".bashrc", ".config/git/config"] {
        let path = home.join(name);
        fs::create_dir_all(path.parent().must("a parent")).must("a folder");
        fs::write(path, "# kept\n").must("a file");
    }
    let sound = fs::read(project.stored("sound.json")).must("a manifest");
    let mut sound: Value = serde_json::from_slice(&sound).must("JSON");
    sound["name"] = "sound".into();
    (project, sound)
}

/// Everything below the test's home that no restore may change: path, kind, links, mode and content.
fn outside(project: &Project) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    list(project.home.path(), project, &mut all);
    all
}

fn list(folder: &Path, project: &Project, all: &mut BTreeMap<PathBuf, String>) {
    let git = project.path(".git");
    let config = project.home.config();
    let allowed = [
        project.stored(""),
        git.join("index"),
        git.join("objects"),
        git.join("refs/snap"),
        git.join("refs/snap-trees"),
        config.join("projects"),
        config.join("tasks"),
        config.join("file-history"),
        project.home.path().join("tmp"),
        project.home.path().join(".local/state/snap"),
    ];
    for entry in fs::read_dir(folder).must("a folder").flatten() {
        let path = entry.path();
        if allowed.contains(&path) {
            continue;
        }
        let in_tree = path.starts_with(project.root()) && !path.starts_with(&git);
        let meta = path.symlink_metadata().must("metadata");
        if meta.is_dir() {
            list(&path, project, all);
        } else if !in_tree {
            let content = if meta.is_symlink() {
                format!("{:?}", fs::read_link(&path).must("a link"))
            } else {
                String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned()
            };
            all.insert(path, format!("{:o} {} {} {content}", meta.mode(), meta.ino(), meta.nlink()));
        }
    }
}

/// Makes sure that a run ended in an orderly way.
#[track_caller]
fn orderly(what: &str, ran: &Ran) {
    let fine = matches!(ran.code, 0 | 3..=7) || ran.code == 2 && ran.stderr.contains("hint:");
    assert!(fine, "{what}: exit {}\n{}\n{}", ran.code, ran.stdout, ran.stderr);
    for text in [&ran.stdout, &ran.stderr] {
        let bad = text.chars().find(|c| {
            c.is_control() && *c != '\n' || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
        });
        assert_eq!(bad, None, "{what}: sent to the screen:\n{text:?}");
    }
}

/// Runs `snap` with bounded memory and processor time; where nothing bounds them, it says so.
fn bounded(project: &Project, arguments: &[&str]) -> Ran {
    let snap = project.command(project.root(), arguments);
    let mut command = Command::new("prlimit");
    command.args([MEMORY, "--cpu=20", "--"]).arg(snap.get_program()).args(snap.get_args());
    command.current_dir(project.root()).env_clear();
    command.envs(snap.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // Else the C library reserves 64 MiB of addresses for each thread, which is no memory and would be counted.
    command.env("MALLOC_ARENA_MAX", "1");
    if !needs::program(&["prlimit", "--version"], "bounds of memory and time") {
        return ran(&mut project.command(project.root(), arguments));
    }
    ran(&mut command)
}

/// Chooses two cases of each family that can be used and some of the rest, the same each time; all of them take minutes
/// (`SNAP_HOSTILE=all`).
fn chosen(cases: &[(String, Case)]) -> Vec<&(String, Case)> {
    let all = std::env::var_os("SNAP_HOSTILE").is_some();
    let mut families = BTreeMap::new();
    let choose = |(_, case): &&(String, Case)| {
        let family: String = case.what.chars().filter(|c| !c.is_ascii_digit()).collect();
        let readable = Manifest::from_json(&case.json).is_ok();
        let before: &mut usize = families.entry((family, readable)).or_default();
        *before += 1;
        let few = if readable { 2 } else { 1 };
        all || *before <= few || readable && digest::first_byte(case.what.as_bytes()).is_multiple_of(24)
    };
    cases.iter().filter(choose).collect()
}

/// All cases, each under a name of its own, with that of its file in it.
fn named(sound: &Value) -> Vec<(String, Case)> {
    let rename = |(number, case): (usize, Case)| {
        let stem = format!("case-{number}");
        let json = if case.json.starts_with(b"{\n") {
            let text = String::from_utf8_lossy(&case.json);
            let text = text.replacen("\"name\": \"sound\"", &format!("\"name\": \"{stem}\""), 1);
            claude_snap::manifest::seal(text.into_bytes()).unwrap_or(case.json)
        } else {
            case.json
        };
        (stem, Case { json, ..case })
    };
    manifests(sound).into_iter().enumerate().map(rename).collect()
}

/// Makes sure that nothing changed that no restore may change.
#[track_caller]
fn unharmed(project: &Project, before: &BTreeMap<PathBuf, String>) {
    let after = outside(project);
    let changed: Vec<_> = after.iter().filter(|(path, state)| before.get(*path) != Some(state)).collect();
    assert!(changed.is_empty(), "changed or new: {changed:#?}");
    assert_eq!(before.len(), after.len(), "something is gone");
    assert!(!project.path(".mcp.json").exists() && !project.path(".claude/settings.json").exists());
}

#[test]
fn hostile_manifests_neither_get_out_nor_run_nor_lie_nor_crash() {
    let (project, sound) = target();
    let cases = named(&sound);
    assert!(cases.len() >= 400, "{}", cases.len());
    let before = outside(&project);
    for (stem, case) in chosen(&cases) {
        let path = project.stored(&format!("{stem}.json"));
        fs::write(&path, &case.json).must("a manifest");
        let typed = ["resume", stem, "--trust", "--no-run", "--json"];
        orderly(&format!("{stem} ({})", case.what), &bounded(&project, &typed));
        fs::remove_file(&path).must("to remove it");
    }
    unharmed(&project, &before);
}

#[test]
fn nor_do_they_where_they_are_only_looked_at() {
    let (project, sound) = target();
    let before = outside(&project);
    let path = |stem: &str| project.stored(&format!("{stem}.json"));
    // Large ones one by one: a list holds what it lists.
    let (large, usual): (Vec<_>, Vec<_>) =
        named(&sound).into_iter().partition(|(_, case)| case.json.len() > 100_000);
    for some in usual.chunks(100) {
        for (stem, case) in some {
            fs::write(path(stem), &case.json).must("a manifest");
        }
        for typed in [&["list"][..], &["list", "--json"], &["list", "--tree"]] {
            let mut listed = bounded(&project, typed);
            // Columns in a pipe.
            listed.stdout = listed.stdout.replace('\t', " ");
            orderly(&format!("{typed:?} from {}", some[0].1.what), &listed);
            assert!(listed.stdout.contains("sound"), "{typed:?}: {listed:?}");
        }
        for (stem, case) in some.iter().step_by(24) {
            orderly(&case.what, &bounded(&project, &["show", stem]));
        }
        for (stem, _) in some {
            fs::remove_file(path(stem)).must("to remove it");
        }
    }
    for (stem, case) in &large {
        fs::write(path(stem), &case.json).must("a manifest");
        orderly(&case.what, &bounded(&project, &["show", stem]));
        fs::remove_file(path(stem)).must("to remove it");
    }
    unharmed(&project, &before);
}

#[test]
fn a_manifest_cut_or_flipped_anywhere_is_damaged_and_nothing_worse() {
    let (_project, sound) = target();
    let json = with_edits(&sound, vec![edit(&"evil".into(), "100644", EVIL)]);
    assert!(Manifest::from_json(&json).is_ok());
    for end in 0..json.len() {
        assert!(Manifest::from_json(&json[..end]).is_err(), "cut at {end}");
    }
    let mut flipped = json.clone();
    for bit in 0..json.len() * 8 {
        flipped[bit / 8] ^= 1 << (bit % 8);
        // The last line end is behind everything.
        assert!(bit / 8 >= json.len() - 2 || Manifest::from_json(&flipped).is_err(), "bit {bit}");
        flipped[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn links_pipes_and_second_names_in_the_way_are_never_written_through() {
    let (project, sound) = target();
    let home = project.home.path().to_owned();
    let kept = home.join("outside/kept");
    type Arrange<'a> = (&'a str, &'a str, &'a dyn Fn(&Path));
    let to_outside = |path: &Path| symlink(home.join("outside"), path).must("a link");
    let cases: [Arrange<'_>; 9] = [
        ("a link for a folder", "w1/evil", &|path| to_outside(path.parent().must("a parent"))),
        ("a link for a folder above", "w2/a/b/evil", &|path| {
            to_outside(path.ancestors().nth(3).must("above"));
        }),
        ("a link for the file", "w3", &|path| symlink(&kept, path).must("a link")),
        ("a link to nowhere", "w4", &|path| symlink(home.join("outside/new"), path).must("a link")),
        ("a second name", "w5", &|path| fs::hard_link(&kept, path).must("a hard link")),
        ("a pipe", "w6", &|path| {
            let made = Command::new("mkfifo").arg(path).status().must("mkfifo");
            assert!(made.success());
        }),
        ("a socket", "w7", &|path| drop(std::os::unix::net::UnixListener::bind(path).must("a socket"))),
        ("a folder with files", "w8", &|path| {
            fs::create_dir(path).must("a folder");
            fs::write(path.join("mine"), "mine").must("a file");
        }),
        ("git's own folder by another name", "w9/hooks/evil", &|path| {
            let git = path.ancestors().nth(3).must("the root").join(".git");
            symlink(git, path.ancestors().nth(2).must("above")).must("a link");
        }),
    ];
    let before = outside(&project);
    for (what, path, arrange) in cases {
        fs::write(project.stored("evil.json"), with_edits(&sound, vec![edit(&path.into(), "100644", EVIL)]))
            .must("a manifest");
        arrange(&project.path(path));
        for command in [&["resume", "sound"][..], &["rewind", "sound"]] {
            // The name is that of the file: the manifest is called as the sound one.
            fs::remove_file(project.stored("sound.json")).ok();
            let ran = bounded(&project, &[command, &["--trust", "--no-session", "--json"]].concat());
            orderly(what, &ran);
        }
        let now = outside(&project);
        for (path, state) in &before {
            let links = |state: &str| state.splitn(4, ' ').map(str::to_owned).collect::<Vec<_>>();
            let (was, is) = (links(state), links(now.get(path).map_or("", String::as_str)));
            assert_eq!((&was[0], was.last()), (&is[0], is.last()), "{what}: {}", path.display());
        }
        assert_eq!(now.len(), before.len(), "{what}");
    }
}

#[test]
fn a_store_with_links_inside_takes_nothing_elsewhere() {
    for (name, is_folder) in [("objects", true), ("tmp", true), ("lock", false), ("log.jsonl", false)] {
        let (project, _) = target();
        let outside_folder = project.home.path().join("outside");
        let path = project.stored(name);
        if path.is_dir() {
            fs::remove_dir_all(&path).must("to remove")
        } else {
            drop(fs::remove_file(&path))
        }
        symlink(if is_folder { outside_folder.clone() } else { outside_folder.join("new") }, &path)
            .must("a link");
        let before = outside(&project);
        project.write("b.txt", [7, 0, 9].repeat(5_000));
        orderly(name, &bounded(&project, &["save", "again"]));
        assert_eq!(outside(&project), before, "{name}");
    }
    let (project, _) = target();
    let folders: Vec<PathBuf> =
        fs::read_dir(project.stored("objects")).must("objects").flatten().map(|one| one.path()).collect();
    for folder in folders.iter().filter(|folder| !folder.ends_with(".git")) {
        fs::remove_dir_all(folder).must("to remove");
    }
    for number in 0..256 {
        let folder = project.stored("objects").join(format!("{number:02x}"));
        symlink(project.home.path().join("outside"), folder).must("a link");
    }
    let before = outside(&project);
    project.write("b.txt", [7, 0, 9].repeat(5_000));
    orderly("objects/XX", &bounded(&project, &["save", "again"]));
    assert_eq!(outside(&project), before);
}

#[test]
fn objects_that_lie_about_themselves_fill_neither_memory_nor_tree() {
    let (project, sound) = target();
    let zeros = zstd_of_zeros();
    let name = "0".repeat(64);
    let path = project.stored("objects").join("00").join(format!("{name}.zst"));
    fs::create_dir_all(path.parent().must("a parent")).must("a folder");
    let frames: [(&str, Vec<u8>); 6] = [
        ("a bomb", zeros.clone()),
        ("a bomb and another", [zeros.clone(), zeros.clone()].concat()),
        ("a frame to be skipped", [&b"\x50\x2a\x4d\x18\x04\x00\x00\x00evil"[..], &zeros].concat()),
        ("a window of 2 GiB", vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00]),
        ("a dictionary", vec![0x28, 0xb5, 0x2f, 0xfd, 0x03, 0x58, 1, 2, 3, 4, 0x01, 0x00, 0x00]),
        ("nothing", Vec::new()),
    ];
    let before = outside(&project);
    for (what, frame) in frames {
        fs::write(&path, frame).must("an object");
        for size in [5_u64, 200 << 20, 1 << 40] {
            let mut one = edit(&"bomb".into(), "100644", EVIL);
            one["diff"] = serde_json::json!({"form": "whole", "bytes": size, "object": name, "size": size});
            fs::write(project.stored("sound.json"), with_edits(&sound, vec![one])).must("a manifest");
            for command in ["resume", "diff", "export"] {
                let ran = match command {
                    "resume" => bounded(&project, &["resume", "sound", "--trust", "--no-session"]),
                    "diff" => bounded(&project, &["diff", "sound", "--stat"]),
                    _ => bounded(&project, &["export", "sound", "-o", "out.snap"]),
                };
                assert!(matches!(ran.code, 3 | 5 | 6 | 7), "{what} {size} {command}: {ran:?}");
            }
            assert!(!project.path("bomb").exists() && !project.path("out.snap").exists(), "{what}");
        }
    }
    // As large as a disk, and nothing in it.
    let file = fs::File::create(&path).must("a file");
    if file.set_len(1 << 40).is_ok() {
        orderly("a sparse file", &bounded(&project, &["resume", "sound", "--trust", "--no-session"]));
    }
    fs::remove_file(&path).must("to remove");
    fs::create_dir(&path).must("a folder for a file");
    orderly("a folder", &bounded(&project, &["resume", "sound", "--trust", "--no-session"]));
    assert_eq!(outside(&project), before);
}

/// A frame of 200 MiB of zeros.
fn zstd_of_zeros() -> Vec<u8> {
    claude_snap::base::compress::compress(&vec![0; 200 << 20]).must("a frame")
}

#[test]
fn nothing_is_executed_but_git() {
    if !available("what is executed of a hostile snapshot") {
        return;
    }
    let (project, sound) = target();
    let evil = project.home.path().join("evil.sh");
    fs::write(&evil, "#!/bin/sh\ntouch pwned\n").must("a script");
    let script = evil.to_str().must("UTF-8");
    // A driver that the user has, and attributes that would use it; hooks and a monitor that came with the repository.
    project.git(&["config", "filter.evil.clean", script]);
    project.git(&["config", "filter.evil.smudge", script]);
    project.git(&["config", "merge.evil.driver", script]);
    project.git(&["config", "core.fsmonitor", script]);
    project.git(&["config", "diff.evil.textconv", script]);
    project.git(&["config", "diff.external", script]);
    for hook in
        ["post-checkout", "pre-commit", "post-index-change", "reference-transaction", "fsmonitor-watchman"]
    {
        let path = project.path(".git/hooks").join(hook);
        fs::create_dir_all(path.parent().must("a parent")).must("a folder");
        fs::copy(&evil, &path).must("a hook");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).must("a mode");
    }
    let edits = vec![
        edit(&".gitattributes".into(), "100644", "* filter=evil merge=evil diff=evil\n"),
        edit(&".mcp.json".into(), "100644", "{\"mcpServers\": {\"x\": {\"command\": \"touch pwned\"}}}"),
        edit(&"plain".into(), "100644", EVIL),
    ];
    fs::write(project.stored("sound.json"), with_edits(&sound, edits)).must("a manifest");
    let log = project.home.path().join("executed");
    for arguments in [
        &["resume", "sound", "--trust", "--no-run", "--merge"][..],
        &["rewind", "sound", "--trust", "--no-run"],
        &["diff", "sound"],
        &["save", "again"],
        &["undo", "--trust"],
    ] {
        let snap = project.command(project.root(), arguments);
        let mut command = Command::new("strace");
        command
            .args(["-f", "-qq", "-e", "trace=execve", "-s", "300", "-o"])
            .arg(&log)
            .arg(snap.get_program())
            .args(snap.get_args());
        command.current_dir(project.root()).env_clear();
        command.envs(snap.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ran = ran(&mut command);
        assert!(matches!(ran.code, 0 | 3 | 4 | 6), "{arguments:?}: {ran:?}");
        for line in fs::read_to_string(&log).must("a log").lines().filter(|line| line.contains("execve(")) {
            let program = line.split('"').nth(1).unwrap_or_default();
            let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy().into_owned();
            assert!(name == "snap" || name == "git" || name.starts_with("git-"), "{arguments:?} ran {line}");
        }
    }
    assert!(!project.path("pwned").exists() && !project.path(".mcp.json").exists());
}

/// What makes bytes of the edits of snapshot `x`, and the exit code with which it refuses bytes that are not those saved.
const MAKERS: [(&[&str], i32); 7] = [
    (&["resume", "x", "--trust", "--no-run", "--no-session"], 5),
    (&["resume", "x", "--trust", "--no-run", "--no-session", "--merge"], 5),
    (&["rewind", "x", "--trust", "--no-session"], 5),
    (&["diff", "sound", "x"], 5),
    (&["diff", "x", "--now"], 5),
    (&["export", "x", "-o", "x.snap"], 5),
    (&["verify", "x"], 1),
];

#[test]
fn an_edit_that_does_not_give_what_its_id_says_is_refused_by_whoever_makes_it() {
    let project = Project::new();
    let token = crate::redaction::token("github classic", 1);
    project.write("delta.bin", [&[0; 3_000][..], b"old"].concat());
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "a binary file"]);
    project.snap(&["save", "sound", "-m", "nothing edited"]).exits(0);
    project.write("a.txt", "one\nTWO\nthree\n");
    project.write("delta.bin", [&[0; 3_000][..], b"new"].concat());
    project.write("new.txt", "new\n");
    project.write("sub/c.txt", format!("one\n{token}\n"));
    project.snap(&["save", "x"]).exits(0);
    project.git(&["checkout", "-q", "."]);
    fs::remove_file(project.path("new.txt")).must("to remove");
    let before = project.state();
    let x: Value =
        serde_json::from_slice(&fs::read(project.stored("x.json")).must("a manifest")).must("JSON");
    let edits = x["edits"]["files"].as_array().must("edits").clone();
    assert_eq!(edits.len(), 4);
    for edit in edits {
        let path = edit["path"].as_str().must("a path").to_owned();
        let lie = crate::hostile_cases::changed(&x, |x| {
            let mut edit = edit.clone();
            edit["new"]["oid"] = "1".repeat(40).into();
            x["edits"]["files"] = vec![edit].into();
        });
        fs::write(project.stored("x.json"), lie).must("a manifest");
        for (arguments, code) in MAKERS {
            // Only what stands in a delta can't be searched for secrets as it is stored.
            if arguments[0] == "export" && path != "delta.bin" {
                continue;
            }
            let ran = project.snap(arguments);
            let said =
                format!("Cannot rebuild {path} as it was saved: its diff does not give the version 1111");
            let all = format!("{}{}", ran.stdout, ran.stderr);
            assert!(ran.code == code && all.contains(&said), "{path}: {arguments:?}: {ran:?}");
            assert_eq!(project.state(), before, "{path}: {arguments:?}");
        }
    }
}

#[test]
fn folders_that_are_swapped_for_links_during_a_restore_lead_nowhere() {
    let (project, sound) = target();
    let home = project.home.path().to_owned();
    for (name, content) in [("one", "1\n"), ("two", "2\n")] {
        let edits = (0..4).map(|n| edit(&format!("racy/deep/{n}").into(), "100644", content)).collect();
        let json = String::from_utf8(with_edits(&sound, edits)).must("text").replacen(
            "\"name\": \"sound\"",
            &format!("\"name\": \"{name}\""),
            1,
        );
        fs::write(
            project.stored(&format!("{name}.json")),
            claude_snap::manifest::seal(json.into_bytes()).must("sealed"),
        )
        .must("a manifest");
    }
    fs::create_dir_all(project.path("racy/deep")).must("folders");
    let swapped = home.join("swapped");
    fs::create_dir(&swapped).must("a folder");
    fs::create_dir_all(home.join("outside/deep")).must("a folder");
    symlink(home.join("outside"), swapped.join("racy")).must("a link");
    symlink(home.join("outside"), swapped.join("deep")).must("a link");
    let before = outside(&project);
    let stop = AtomicBool::new(false);
    let races = std::env::var("SNAP_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(RACES);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let exchange = |folder: &str, name: &str| {
                // The racer itself must not go through the link that it has put there.
                let real = OFlags::DIRECTORY | OFlags::NOFOLLOW;
                let Ok(folder) = openat(CWD, project.path(folder), real, rustix::fs::Mode::empty()) else {
                    return;
                };
                // Whatever is there just now changes places with the link, and back.
                let _may_be_gone =
                    renameat_with(&folder, name, CWD, swapped.join(name), RenameFlags::EXCHANGE);
            };
            while !stop.load(Ordering::Relaxed) {
                exchange("", "racy");
                exchange("", "racy");
                exchange("racy", "deep");
                exchange("racy", "deep");
            }
        });
        for number in 0..races {
            let name = ["one", "two"][number % 2];
            let ran = project.snap(&["rewind", name, "--trust", "--no-session"]);
            assert!(matches!(ran.code, 0 | 3..=7), "{ran:?}");
        }
        stop.store(true, Ordering::Relaxed);
    });
    let after = outside(&project);
    let below = |all: &BTreeMap<PathBuf, String>| -> Vec<PathBuf> {
        all.keys().filter(|path| path.starts_with(home.join("outside"))).cloned().collect()
    };
    assert_eq!(below(&after), below(&before), "a file got out");
    for (path, state) in before.iter().filter(|(path, _)| !path.starts_with(&swapped)) {
        assert_eq!(after.get(path), Some(state), "{}", path.display());
    }
}
