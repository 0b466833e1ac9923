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
use super::{disk, files, merges, rules, seeds};
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
        2 => disk::step().prop_map(Step::Disk),
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
    /// Everything but what git says: where it has looked at a file once, it does not look again for new attributes.
    fn held(&self) -> (&str, &BTreeMap<String, File>, &BTreeSet<String>, &BTreeSet<String>) {
        (&self.index, &self.files, &self.ignored, &self.empty)
    }

    fn of(project: &Project) -> Picture {
        let mut all = BTreeMap::new();
        for path in files_below(project.root()) {
            let name = name_of(project, &path);
            if [".git/", ".claude/", &format!("{MODULE}/")].iter().any(|other| name.starts_with(other)) {
                continue;
            }
            let meta = path.symlink_metadata().must("metadata");
            let bytes = if meta.is_symlink() {
                fs::read_link(&path).must("a link").into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).must("to read")
            };
            all.insert(name, File(meta.permissions().mode(), bytes));
        }
        let status = project.git(&["status", "--porcelain", "-z", "-uall", "--no-renames", "--ignored"]);
        let lines = status.split('\0').filter_map(|line| Some((line.get(..2)?, line.get(3..)?.to_owned())));
        let (ignored, changed): (Vec<_>, Vec<_>) = lines.partition(|(what, _)| *what == "!!");
        let ignored = ignored.into_iter().map(|(_, name)| name).filter(|name| all.contains_key(name));
        let (ignored, changed) = (ignored.collect(), changed.into_iter().map(|(_, name)| name).collect());
        let is_empty = |folder: &String| fs::read_dir(project.path(folder)).must("a folder").next().is_none();
        let empty = folders(project).into_iter().filter(is_empty).collect();
        Picture { index: project.git(&["ls-files", "-s", "-z"]), files: all, ignored, changed, empty }
    }
}

fn name_of(project: &Project, path: &Path) -> String {
    path.strip_prefix(project.root()).must("a path of it").to_str().must("UTF-8").to_owned()
}

/// Every folder of the tree but those of git, of `snap` and the submodule.
fn folders(project: &Project) -> BTreeSet<String> {
    fn below(project: &Project, folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).must("a folder").flatten() {
            let own = [".git", ".claude", MODULE].iter().any(|own| entry.file_name() == *own);
            if entry.file_type().must("a type").is_dir() && !own {
                found.insert(name_of(project, &entry.path()));
                below(project, &entry.path(), found);
            }
        }
    }
    let mut found = BTreeSet::new();
    below(project, project.root(), &mut found);
    found
}

fn is_ignored_whole(project: &Project, folder: &str) -> bool {
    project.try_git(&["check-ignore", "-q", "--", &format!("{folder}/")])
}

/// What a checkout writes to a path that is as a commit has it, by the attributes that are there now.
fn as_checked_out(project: &Project, commit: &str, name: &str) -> Vec<u8> {
    let blob = format!("{commit}:{name}");
    let output = project.git_command(&["cat-file", "--filters", &blob]).output();
    output.must("to run git").stdout
}

/// What happens in one case.
#[derive(Clone, Debug)]
struct Case {
    before: Vec<Step>,
    aside: Vec<Step>,
    base: Vec<Step>,
    /// What of the other branch comes over before anything is edited.
    merge: Option<merges::Kind>,
    edits: Vec<Step>,
    wreck: Vec<Step>,
    /// Whether another disk is in the tree.
    mounted: bool,
}

fn case() -> impl Strategy<Value = Case> {
    let steps = |most| prop::collection::vec(step(), 0..most);
    let wreck = prop::collection::vec(later_step(), 0..12);
    let merge = prop::option::weighted(0.3, merges::kind());
    (steps(12), steps(4), steps(4), merge, steps(16), wreck, prop::bool::weighted(0.2)).prop_map(
        |(before, aside, base, merge, edits, wreck, mounted)| Case {
            before,
            aside,
            base,
            merge,
            edits,
            wreck,
            mounted,
        },
    )
}

fn covered(left: &Value, name: &str) -> bool {
    let left = left.as_array().must("a list").iter().filter_map(|one| one["path"].as_str());
    left.into_iter().any(|path| name == path || name.starts_with(&format!("{path}/")))
}

/// Says whether a file is ignored by rules that are in the tree now, and were not when it was saved.
fn is_hidden_by_new_rules(project: &Project, saved: &Picture, name: &str) -> bool {
    let aside = |file: &str| project.path(format!("{file}.aside"));
    let new: Vec<&str> = rules::IN_THE_TREE
        .into_iter()
        .filter(|file| !saved.files.contains_key(*file) && project.path(file).is_file())
        .collect();
    // Other rules may say the same.
    for file in &new {
        fs::rename(project.path(file), aside(file)).must("to move");
    }
    let is_ignored = project.try_git(&["check-ignore", "-q", "--no-index", "--", &format!("./{name}")]);
    for file in &new {
        fs::rename(aside(file), project.path(file)).must("to move back");
    }
    !is_ignored
}

fn there_and_back(case: &Case) {
    let project = Project::empty();
    let _disk =
        case.mounted.then(|| SmallDisk::on(&project.path("sub"), 1_024, "random trees with another disk"));
    seeds::quick_repository(&project);
    rules::set_up(&project);
    project.write("kept", "so that there is something to commit\n");
    let take = |steps: &[Step]| steps.iter().for_each(|step| step.take(&project));
    merges::diverge(&project, || take(&case.before), || take(&case.aside), || take(&case.base));
    let clone = project.cloned();
    rules::set_up(&clone);
    let clone_is_clean = Picture::of(&clone).changed.is_empty();
    case.merge.iter().for_each(|kind| merges::begin(&project, *kind));
    take(&case.edits);
    let saved = Picture::of(&project);
    let head = project.git(&["rev-parse", "HEAD"]);
    // What is ignored is not brought back, a folder neither.
    let hidden: BTreeSet<String> =
        folders(&project).into_iter().filter(|folder| is_ignored_whole(&project, folder)).collect();
    let empty: Vec<&String> = saved.empty.difference(&hidden).collect();
    // A repository in the tree that is no submodule is named, and not saved.
    let is_whole = !saved.changed.contains(&format!("{MODULE}/"));
    project.snap(&["save", "x"]).exits(if is_whole { 0 } else { 6 });
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

    // Attributes in an ignored file are in no snapshot: without them, a checkout writes what git has.
    let attributes_are_ignored = saved.ignored.iter().any(|name| name.ends_with(".gitattributes"));
    let in_git = |name: &str| {
        let blob = project.git_command(&["cat-file", "blob", &format!("{}:{name}", head.trim())]).output();
        blob.must("to run git").stdout
    };
    let untouched = saved.files.keys().filter(|name| !saved.changed.contains(*name));
    let checked_out: BTreeMap<&String, Vec<u8>> =
        untouched.map(|name| (name, as_checked_out(&project, head.trim(), name))).collect();
    take(&case.wreck);
    let wrecked = Picture::of(&project);
    let done = project.snap(&["rewind", "x", "--json"]).exits(0).json();
    let rewound = Picture::of(&project);
    assert_eq!(rewound.index, saved.index, "the index, rewound");
    for (name, file) in &saved.files {
        let now = rewound.files.get(name);
        // What is out of the index, in HEAD and on the disk is an edit, whatever the rules say of it.
        if saved.changed.contains(name) {
            assert_eq!(now, Some(file), "{name:?} was edited");
        } else if saved.ignored.contains(name) {
            assert_eq!(now, wrecked.files.get(name), "{name:?} was ignored");
        } else {
            let now = now.map(|file| &file.1);
            let untouched = wrecked.files.get(name).filter(|_| !wrecked.changed.contains(name));
            let allowed = [Some(&file.1), untouched.map(|file| &file.1)];
            let is_as_in_git = attributes_are_ignored && now.is_some_and(|now| *now == in_git(name));
            if !allowed.contains(&now) && !is_as_in_git {
                assert_eq!(now, checked_out.get(name), "{name:?} was clean, and is not one of {allowed:?}");
            }
        }
    }
    for (name, file) in rewound.files.iter().filter(|(name, _)| !saved.files.contains_key(*name)) {
        assert_eq!(wrecked.files.get(name), Some(file), "{name:?} came from nowhere");
        let was_hidden = hidden.iter().any(|folder| name.starts_with(&format!("{folder}/")));
        let is_usual =
            rewound.ignored.contains(name) && (was_hidden || !is_hidden_by_new_rules(&project, &saved, name));
        assert!(is_usual || covered(&done["spared"], name), "{name:?} is there, unsaid: {done}");
    }
    for folder in empty {
        // A file that newer rules hide stays, even in the place of a folder.
        let is_taken = covered(&done["spared"], folder);
        assert!(project.path(folder).is_dir() || is_taken, "{folder:?} was empty, and is gone");
    }
    let again = project.snap(&["rewind", "x", "--json"]).exits(0).json();
    assert_eq!(again["edits"].as_array().map(Vec::len), Some(0), "a second rewind: {again}");
    if !done["safety"].is_null() {
        for (word, expected) in [("undo", &wrecked), ("redo", &rewound), ("undo", &wrecked)] {
            project.snap(&[word]).exits(0);
            assert_eq!(Picture::of(&project).held(), expected.held(), "{word}");
        }
    }
    let left = files_below(project.root())
        .into_iter()
        .find(|path| path.to_string_lossy().contains(".snap-restore-"));
    assert_eq!(left, None);
}

#[test]
fn whatever_git_ignores_or_converts_stays_or_comes_back() {
    seeds::run(&case(), |case| there_and_back(&case));
}
