//! New files that grow: many saves cost little more than one, and what `prune` frees is said as it is.

use std::fs;

use crate::redaction::token;
use crate::store::age_objects;
use crate::support::Must;
use crate::support::planted::{Random, base64};
use crate::support::project::{Project, ran};

/// A text that can't be made much smaller.
fn text(seed: u64, bytes: usize) -> String {
    let mut random = Random::new(seed);
    let bytes: Vec<u8> = (0..bytes).map(|_| u8::try_from(random.below(256)).unwrap_or(0)).collect();
    let lines: Vec<String> = bytes.chunks(57).map(|line| format!("{}\n", base64(line))).collect();
    lines.concat()
}

fn stored(project: &Project) -> u64 {
    let manifests = fs::read_dir(project.stored("")).must("a store").flatten().map(|entry| entry.path());
    let manifests = manifests.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    project
        .objects()
        .into_iter()
        .chain(manifests)
        .map(|path| fs::metadata(path).map_or(0, |meta| meta.len()))
        .sum()
}

#[test]
fn many_saves_of_a_new_file_that_gains_lines_cost_little_more_than_one() {
    for staged in [false, true] {
        let project = Project::new();
        let mut content = text(1, 300_000);
        let (mut first, mut versions) = (0, Vec::new());
        for number in 0..12 {
            let middle = content[..150_000].rfind('\n').must("a line end") + 1;
            content.insert_str(middle, &format!("inserted {number}\n"));
            content.push_str(&format!("appended {number}\n"));
            project.write("notes.txt", &content);
            if staged {
                project.git(&["add", "notes.txt"]);
            }
            project.snap(&["save", &format!("s{number}")]).exits(0);
            versions.push(content.clone());
            if number == 0 {
                first = stored(&project);
            }
        }
        let all = stored(&project);
        assert!(all < first + first / 5, "{all} bytes for 12 saves, {first} for one");
        assert!(project.snap(&["save"]).exits(0).stdout.contains("Nothing has changed"));
        project.snap(&["verify"]).exits(0);
        let shown = project.snap(&["diff", "s10", "s11"]).exits(0).stdout;
        assert_eq!(shown.lines().filter(|line| line.starts_with('+')).count(), 3, "{shown}");
        let stat = project.snap(&["diff", "s11", "--stat"]).exits(0).stdout;
        assert!(stat.contains(&format!("+{}", content.lines().count())), "{stat}");
        // Also when the snapshot that had all of it first is gone.
        project.snap(&["rm", "s0", "--now"]).exits(0);
        age_objects(&project);
        project.snap(&["rm", "s1", "--now"]).exits(0);
        for (number, version) in versions.iter().enumerate().skip(2) {
            project.snap(&["rewind", &format!("s{number}")]).exits(0);
            assert!(project.read("notes.txt") == version.as_bytes(), "version {number}");
        }
    }
}

#[test]
fn a_new_file_that_becomes_another_one_is_kept_whole_and_so_is_a_small_one() {
    let project = Project::new();
    let requires = |name: &str| project.snap(&["show", name, "--json"]).exits(0).json()["requires"].clone();
    for (number, content) in
        [text(1, 100_000), text(2, 100_000), "small\n".into(), "small\nmore\n".into()].iter().enumerate()
    {
        project.write("notes.txt", content);
        let name = format!("s{number}");
        project.snap(&["save", &name]).exits(0);
        assert!(requires(&name).is_null(), "{name}: {}", requires(&name));
    }
    project.write("notes.txt", text(1, 100_000));
    project.snap(&["save", "again"]).exits(0);
    project.write("notes.txt", format!("{}more\n", text(1, 100_000)));
    project.snap(&["save", "grown"]).exits(0);
    assert_eq!(requires("grown"), serde_json::json!(["earlier"]));
    // What it would lead from is damaged: then it is kept whole, and heals that.
    for object in project.objects() {
        fs::write(object, "damaged").must("to damage");
    }
    project.write("notes.txt", format!("{}and more\n", text(1, 100_000)));
    project.snap(&["save", "after damage"]).exits(0);
    assert!(requires("after damage").is_null());
    project.snap(&["verify", "after damage"]).exits(0);
}

#[test]
fn a_snapshot_that_leads_from_an_earlier_one_goes_elsewhere_alone() {
    let project = Project::new();
    let clone = project.cloned();
    project.write("notes.txt", text(3, 200_000));
    project.snap(&["save", "before"]).exits(0);
    project.write("notes.txt", format!("{}more\n", text(3, 200_000)));
    project.snap(&["save", "after"]).exits(0);
    let file = project.path("../after.snap");
    let file = file.to_str().must("UTF-8");
    project.snap(&["export", "after", "-o", file]).exits(0);
    clone.snap(&["import", file]).exits(0);
    clone.snap(&["resume", "after", "--trust"]).exits(0);
    assert!(clone.read("notes.txt") == project.read("notes.txt"));
    clone.snap(&["verify"]).exits(0);
}

#[test]
fn what_is_known_as_a_secret_by_now_is_not_carried_on_from_an_earlier_snapshot() {
    let project = Project::new();
    let value = "zvK2mQ7xW4pL8vN3qT";
    project.write("notes.txt", format!("{value}\n{}", text(4, 100_000)));
    project.snap(&["save", "before"]).exits(0);
    project.write("notes.txt", format!("{value}\n{}more\n", text(4, 100_000)));
    let mut save = project.command(project.root(), &["save", "after"]);
    ran(save.env("DEPLOY_PASSWORD", value)).exits(0);
    let shown = project.snap(&["show", "after", "--json"]).exits(0).json();
    assert_eq!(shown["requires"], serde_json::json!(["redaction"]));
    let mut export = project.command(project.root(), &["export", "after", "-o", "../after.snap"]);
    ran(export.env("DEPLOY_PASSWORD", value)).exits(0);
}

#[test]
fn a_file_with_a_secret_grows_too_and_comes_back() {
    let project = Project::new();
    let secret = token("github classic", 9);
    let content = format!("GITHUB_TOKEN={secret}\n{}", text(5, 100_000));
    project.write("notes.txt", &content);
    project.snap(&["save", "before"]).exits(0);
    project.write("notes.txt", format!("{content}more\n"));
    project.snap(&["save", "after"]).exits(0);
    let shown = project.snap(&["show", "after", "--json"]).exits(0).json();
    assert_eq!(shown["requires"], serde_json::json!(["earlier", "redaction"]));
    fs::remove_file(project.path("notes.txt")).must("to remove");
    project.snap(&["rewind", "after"]).exits(0);
    assert!(project.read("notes.txt") == format!("{content}more\n").into_bytes());
    crate::redaction::assert_nowhere(&project.stored(""), &[&secret]);
}

#[test]
fn prune_and_rm_say_what_they_free() {
    for removal in [&["prune", "--keep-last", "1", "--now"][..], &["rm", "goes", "--now"]] {
        let project = Project::new();
        project.write("large", text(6, 50_000));
        project.snap(&["save", "goes"]).exits(0);
        project.write("large", "small\n");
        for name in ["goes too", "stays"] {
            project.write("other", name);
            project.snap(&["save", name]).exits(0);
        }
        let freed = project.snap(removal).exits(0);
        assert!(freed.stderr.contains("that nothing needed any more"), "{}", freed.stderr);
        assert!(!freed.stderr.contains("younger than a day"), "{}", freed.stderr);
    }
    let project = Project::new();
    project.write("large", text(6, 50_000));
    project.snap(&["save", "goes"]).exits(0);
    let removed = project.snap(&["rm", "goes", "--now", "--json"]).exits(0).json();
    assert_eq!((&removed["freed"]["objects"], &removed["freed"]["later"]["objects"]), (&1.into(), &0.into()));
    assert!(removed["freed"]["bytes"].as_u64() > Some(30_000), "{removed}");
    assert!(project.objects().is_empty(), "what is deleted for good is off the disk");
}

#[test]
fn what_was_taken_out_of_a_new_file_is_in_no_later_snapshot() {
    let project = Project::new();
    let rest = text(7, 100_000);
    let word = b"zebraquux";
    project.write("notes.txt", format!("{}\n{rest}", "zebraquux"));
    project.snap(&["save", "before"]).exits(0);
    project.write("notes.txt", format!("clean\n{rest}"));
    project.snap(&["save", "after"]).exits(0);
    project.snap(&["rm", "before", "--now"]).exits(0);
    for object in project.objects() {
        let bytes = zstd::decode_all(&fs::read(&object).must("an object")[..]).must("a frame");
        assert!(!bytes.windows(word.len()).any(|part| part == word), "{}", object.display());
    }
    project.snap(&["rewind", "after", "--no-session"]).exits(0);
    project.snap(&["verify"]).exits(0);
}
