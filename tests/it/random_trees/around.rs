//! The same model for everything that is not git's business, or that git converts: ignore rules and attributes that
//! change, ignored files, permission bits, empty folders, another disk in the tree.
//!
//! Compared byte for byte, with what may differ said: a file that git took for clean comes back as a checkout of the
//! snapshot's tree writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::files::MODULE;
use super::{disk, files, rules};
use crate::support::Must;
use crate::support::disk::SmallDisk;
use crate::support::project::{Project, files_below};

/// One thing that somebody does to a tree.
#[derive(Clone, Debug)]
enum Step {
    Files(files::Step),
    Rules(rules::Step),
    Disk(disk::Step),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => files::step().prop_map(Step::Files),
        4 => rules::step().prop_map(Step::Rules),
        1 => disk::step().prop_map(Step::Disk),
    ]
}

fn later_step() -> impl Strategy<Value = Step> {
    prop_oneof![5 => step(), 4 => rules::later_step().prop_map(Step::Rules)]
}

impl Step {
    fn take(&self, project: &Project) {
        match self {
            Step::Files(step) => files::take(project, step),
            Step::Rules(step) => rules::take(project, step),
            Step::Disk(step) => disk::take(project, step),
        }
    }
}

/// A file as it is on the disk: its mode with all bits, and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct File(u32, Vec<u8>);

/// A tree as it is, in every respect.
#[derive(Debug, PartialEq, Eq)]
struct Picture {
    index: String,
    files: BTreeMap<String, File>,
    ignored: BTreeSet<String>,
    /// What git lists as changed.
    changed: BTreeSet<String>,
    empty: BTreeSet<String>,
}

impl Picture {
    fn of(project: &Project) -> Picture {
        let mut all = BTreeMap::new();
        for path in files_below(project.root()) {
            let name = name_of(project, &path);
            if [".git/", ".claude/", &format!("{MODULE}/")].iter().any(|other| name.starts_with(other)) {
                continue;
            }
            let meta = path.symlink_metadata().must("metadata");
            let bytes = match meta.is_symlink() {
                true => fs::read_link(&path).must("a link").into_os_string().into_encoded_bytes(),
                false => fs::read(&path).must("to read"),
            };
            all.insert(name, File(meta.permissions().mode(), bytes));
        }
        let names = |list: String| -> BTreeSet<String> {
            list.split('\0').map(str::to_owned).filter(|name| all.contains_key(name)).collect()
        };
        let ignored = names(project.git(&["ls-files", "-z", "-o", "-i", "--exclude-standard"]));
        let status = project.git(&["status", "--porcelain", "-z", "-uall", "--no-renames"]);
        let changed = status.split('\0').filter_map(|line| line.get(3..)).map(str::to_owned).collect();
        let mut empty = BTreeSet::new();
        empty_folders(project, project.root(), &mut empty);
        Picture { index: project.git(&["ls-files", "-s", "-z"]), files: all, ignored, changed, empty }
    }
}

fn name_of(project: &Project, path: &Path) -> String {
    path.strip_prefix(project.root()).must("a path of it").to_str().must("UTF-8").to_owned()
}

fn empty_folders(project: &Project, folder: &Path, found: &mut BTreeSet<String>) {
    let entries: Vec<_> = fs::read_dir(folder).must("a folder").flatten().collect();
    if entries.is_empty() {
        found.insert(name_of(project, folder));
    }
    for entry in entries {
        let own = [".git", ".claude", MODULE].iter().any(|own| entry.file_name() == *own);
        if entry.file_type().must("a type").is_dir() && !own {
            empty_folders(project, &entry.path(), found);
        }
    }
}

/// What a checkout writes to each clean path, by the attributes that are in force.
fn as_checked_out(project: &Project, saved: &Picture) -> BTreeMap<String, Vec<u8>> {
    let clean =
        saved.files.keys().filter(|name| !saved.changed.contains(*name) && !saved.ignored.contains(*name));
    let written = |name: &String| {
        let output = std::process::Command::new("git")
            .args(["cat-file", "--filters", &format!("HEAD:{name}")])
            .current_dir(project.root())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output();
        (name.clone(), output.must("to run git").stdout)
    };
    clean.map(written).collect()
}

fn covered(left: &Value, name: &str) -> bool {
    let left = left.as_array().must("a list").iter().filter_map(|one| one["path"].as_str());
    left.into_iter().any(|path| name == path || name.starts_with(&format!("{path}/")))
}

fn there_and_back(base: &[Step], edits: &[Step], wreck: &[Step], mounted: bool) {
    let project = Project::empty();
    let _disk = mounted.then(|| SmallDisk::on(&project.path("sub"), 1_024, "random trees with another disk"));
    project.git(&["init", "-q", "-b", "main"]);
    rules::set_up(&project);
    project.write("kept", "so that there is something to commit\n");
    base.iter().for_each(|step| step.take(&project));
    project.try_git(&["add", "-A", "--", ".", ":!.claude"]);
    project.git(&["commit", "-q", "--allow-empty", "-m", "base"]);
    let clone = project.cloned();
    rules::set_up(&clone);
    let clone_is_clean = Picture::of(&clone).changed.is_empty();
    edits.iter().for_each(|step| step.take(&project));
    let saved = Picture::of(&project);
    let clean = as_checked_out(&project, &saved);
    project.snap(&["save", "x"]).exits(0);
    assert_eq!(Picture::of(&project), saved, "save changed something");

    if clone_is_clean {
        let store = project.stored("");
        clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
        let resumed = Picture::of(&clone);
        assert_eq!(resumed.index, saved.index, "in a clone");
        for name in &saved.changed {
            let content = |picture: &Picture| picture.files.get(name).map(|file| file.1.clone());
            assert_eq!(content(&resumed), content(&saved), "{name:?} in a clone");
        }
    }

    wreck.iter().for_each(|step| step.take(&project));
    let wrecked = Picture::of(&project);
    let done = project.snap(&["rewind", "x", "--json"]).exits(0).json();
    let rewound = Picture::of(&project);
    assert_eq!(rewound.index, saved.index, "the index, rewound");
    for (name, file) in &saved.files {
        let now = rewound.files.get(name);
        if saved.ignored.contains(name) {
            assert_eq!(now, wrecked.files.get(name), "{name:?} was ignored");
        } else if saved.changed.contains(name) {
            assert_eq!(now, Some(file), "{name:?} was edited");
        } else {
            let now = now.map(|file| &file.1);
            let untouched = wrecked.files.get(name).filter(|_| !wrecked.changed.contains(name));
            let allowed = [Some(&file.1), clean.get(name), untouched.map(|file| &file.1)];
            assert!(allowed.contains(&now), "{name:?} was clean: {now:?}, not one of {allowed:?}");
        }
    }
    for (name, file) in rewound.files.iter().filter(|(name, _)| !saved.files.contains_key(*name)) {
        assert_eq!(wrecked.files.get(name), Some(file), "{name:?} came from nowhere");
        assert!(
            rewound.ignored.contains(name) || covered(&done["spared"], name),
            "{name:?} is there, unsaid"
        );
    }
    for folder in &saved.empty {
        assert!(project.path(folder).is_dir(), "{folder:?} was empty, and is gone");
    }
    let again = project.snap(&["rewind", "x", "--json"]).exits(0).json();
    assert_eq!(again["edits"].as_array().map(Vec::len), Some(0), "a second rewind: {again}");
    if done["edits"].as_array().is_some_and(|edits| !edits.is_empty()) {
        project.snap(&["undo"]).exits(0);
        let undone = Picture::of(&project);
        assert_eq!((&undone.index, &undone.files), (&wrecked.index, &wrecked.files), "undone");
    }
    let left = files_below(project.root())
        .into_iter()
        .find(|path| path.to_string_lossy().contains(".snap-restore-"));
    assert_eq!(left, None);
}

#[test]
fn whatever_git_ignores_or_converts_stays_or_comes_back() {
    let steps = |most| prop::collection::vec(step(), 0..most);
    let wreck = prop::collection::vec(later_step(), 0..12);
    let strategy = (steps(12), steps(16), wreck, prop::bool::weighted(0.2));
    super::run(&strategy, |(base, edits, wreck, mounted)| there_and_back(&base, &edits, &wreck, mounted));
}
