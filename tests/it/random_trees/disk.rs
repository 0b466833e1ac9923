//! What only the disk knows: permission bits and empty folders.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::files::NAMES;
use crate::support::Must;
use crate::support::project::Project;

/// One thing that somebody does to a disk.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Permit(usize, u32),
    Empty(usize),
    /// Takes a folder away that has nothing in it.
    Tidy(usize),
}

const BITS: [u32; 8] = [0o444, 0o600, 0o640, 0o711, 0o755, 0o400, 0o664, 0o700];

const FOLDERS: [&str; 4] = ["none", "sub/none/deep", "a/none", "d/none"];

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..NAMES.len(), prop::sample::select(BITS.to_vec())).prop_map(|(at, bits)| Step::Permit(at, bits)),
        2 => (0..FOLDERS.len()).prop_map(Step::Empty),
        2 => (0..FOLDERS.len()).prop_map(Step::Tidy),
    ]
}

/// Does it, as far as it can be done.
pub(super) fn take(project: &Project, step: &Step) {
    match step {
        Step::Permit(at, bits) => {
            let path = project.path(NAMES[*at]);
            if path.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
                fs::set_permissions(path, fs::Permissions::from_mode(*bits)).must("to set a mode");
            }
        }
        // Where a file is in the way, there is none.
        Step::Empty(folder) => drop(fs::create_dir_all(project.path(FOLDERS[*folder]))),
        Step::Tidy(folder) => drop(fs::remove_dir(project.path(FOLDERS[*folder]))),
    }
}
