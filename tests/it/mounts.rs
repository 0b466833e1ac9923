//! Volumes and bind mounts inside a work tree: restored and undone as everything else, killed at any move too. Only
//! root can mount; without, each says that it is skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::disk::SmallDisk;
use crate::support::project::{Project, files_below};
use crate::support::trace::{available, traced};
use crate::support::{Must, needs};

/// A file or folder mounted on another one, until this value goes.
pub(crate) struct Bound(PathBuf);

impl Bound {
    pub(crate) fn on(place: &Path, what: &Path) -> Option<Bound> {
        let done = Command::new("mount").arg("--bind").args([what, place]).output();
        let mounted = done.is_ok_and(|output| output.status.success());
        if !mounted {
            needs::skipped("a file or folder that is mounted by itself", "only root can mount");
        }
        mounted.then(|| Bound(place.to_owned()))
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A project with a disk on `sub` and a folder of the same disk on `bound`, edits saved as `x`, and all of it wrecked.
fn wrecked() -> Option<(Project, SmallDisk, Bound, String)> {
    let project = Project::new();
    project.write("bound/one", "one\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "base"]);
    let disk = SmallDisk::on(&project.path("sub"), 1_024, "a disk inside a work tree")?;
    project.write("../elsewhere/one", "one\n");
    let bound = Bound::on(&project.path("bound"), &project.path("../elsewhere"))?;
    project.git(&["checkout", "--", "sub"]);
    project.write("sub/c.txt", "edited\n");
    project.write("sub/deep/new", "new\n");
    project.write("bound/one", "edited\n");
    project.write("a.txt", "edited\n");
    project.git(&["add", "bound"]);
    project.snap(&["save", "x"]).exits(0);
    let saved = project.state();
    fs::remove_dir_all(project.path("sub/deep")).must("to remove a folder");
    project.write("sub/c.txt", "wrecked\n");
    project.write("sub/rubble", "rubble\n");
    fs::remove_file(project.path("bound/one")).must("to remove a file");
    project.write("a.txt", "wrecked\n");
    Some((project, disk, bound, saved))
}

fn left_behind(project: &Project) -> bool {
    files_below(project.root()).iter().any(|path| path.to_string_lossy().contains(".snap-restore-"))
}

#[test]
fn other_disks_in_the_tree_are_rewound_and_undone() {
    let Some((project, _disk, _bound, saved)) = wrecked() else { return };
    let wreck = project.state();
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.state(), saved);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.state(), wreck);
    assert!(!left_behind(&project));
}

#[test]
fn a_rewind_of_other_disks_killed_at_any_move_is_all_or_nothing() {
    if !available("kill -9 of a restore on several disks") {
        return;
    }
    let Some((project, _disk, _bound, saved)) = wrecked() else { return };
    let wreck = project.state();
    let mut outcomes = [0, 0];
    for nth in 1.. {
        let inject = format!("--inject=renameat2,renameat,unlinkat,mkdirat:signal=SIGKILL:when={nth}");
        let (ran, _) = traced(&project, &[&inject], &["rewind", "x"]);
        project.snap(&["prune", "--keep-last", "100"]).exits(0);
        let now = project.state();
        assert!(!left_behind(&project), "killed at {nth}");
        if now == wreck {
            outcomes[0] += 1;
        } else {
            assert_eq!(now, saved, "killed at {nth}");
            outcomes[1] += 1;
            project.snap(&["undo"]).exits(0);
            assert_eq!(project.state(), wreck, "undone after a kill at {nth}");
        }
        if ran.code == 0 {
            break;
        }
    }
    assert!(outcomes[0] > 3 && outcomes[1] > 1, "{outcomes:?}");
}

#[test]
fn a_file_that_is_mounted_by_itself_is_named_and_the_rest_is_restored() {
    let project = Project::new();
    project.write("../elsewhere", "mounted\n");
    let Some(_bound) = Bound::on(&project.path("b.txt"), &project.path("../elsewhere")) else { return };
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "other\n");
    project.write("b.txt", "other\n");
    project.snap(&["rewind", "x", "--dry-run"]).exits(6).says(&["b.txt", "mounted by itself"]);
    project.snap(&["rewind", "x"]).exits(6).says(&["b.txt", "mounted by itself"]);
    assert_eq!(project.read("a.txt"), b"edited\n");
    assert_eq!(project.read("b.txt"), b"other\n");
}

#[test]
fn a_folder_that_is_mounted_twice_in_the_tree_is_named_and_nothing_is_changed() {
    let project = Project::new();
    project.write("sub/again/c.txt", "deep\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "again"]);
    project.write("../elsewhere/c.txt", "deep\n");
    fs::create_dir_all(project.path("twin")).must("a folder");
    let twin = |name: &str| Bound::on(&project.path(name), &project.path("../elsewhere"));
    let (Some(_one), Some(_two)) = (twin("sub/again"), twin("twin")) else {
        needs::skipped("a folder that is mounted twice", "only root can mount");
        return;
    };
    project.write("twin/c.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("twin/c.txt", "wrecked\n");
    let wrecked = project.state();
    let says = ["sub/again and twin are the same folder", "mounted twice", "umount"];
    project.snap(&["rewind", "x", "--dry-run"]).exits(3).says(&says);
    project.snap(&["rewind", "x"]).exits(3).says(&says);
    assert_eq!(project.state(), wrecked);
    // What else is in the tree is restored.
    project.snap(&["save", "y"]).exits(0);
    project.write("a.txt", "other\n");
    project.snap(&["rewind", "y"]).exits(0);
    assert_eq!(project.read("a.txt"), b"one\ntwo\nthree\n");
}
