//! Disks that fill up.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::project::Project;
use super::{Must, needs};

/// A small file system in memory, mounted on a folder; unmounted with this value.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// One on a project's store.
    #[track_caller]
    pub(crate) fn under(project: &Project, kilobytes: usize) -> Option<SmallDisk> {
        Self::on(&project.stored(""), kilobytes, "a disk that fills up")
    }

    /// One on a folder, which is made if need be; `None` if this user can't mount, and the experiment is skipped.
    #[track_caller]
    pub(crate) fn on(folder: &Path, kilobytes: usize, experiment: &str) -> Option<SmallDisk> {
        fs::create_dir_all(folder).must("the folder");
        let size = format!("size={kilobytes}k,mode=700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(SmallDisk(folder.to_owned()));
        }
        needs::skipped(experiment, "only root can mount a small disk");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Uses up a disk to its last byte; returns the file in this folder that does.
pub(crate) fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("filler");
    let mut file = fs::File::create(&path).must("a file");
    for size in [65_536, 4_096, 1] {
        while std::io::Write::write_all(&mut file, &vec![b'x'; size]).is_ok() {}
    }
    path
}
