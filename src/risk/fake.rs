//! For tests: a machine that consists of a few paths.

use std::path::{Path, PathBuf};

use super::{Machine, StepContext, Unsaved};

/// The machine for the tests of this module: a project, and files whose names say what they are.
pub(super) struct Fake;

/// The project.
pub(super) const ROOT: &str = "/home/ada/app";

impl Machine for Fake {
    fn unsaved(&self, path: &Path) -> Unsaved {
        match path.file_name().and_then(|name| name.to_str()) {
            _ if path.starts_with("/tmp") || path.starts_with("/dev") => Unsaved::No,
            Some("draft.md") => Unsaved::Whole,
            Some("edited.rs") => Unsaved::Edits,
            Some("old" | "src") => Unsaved::Folder,
            _ => Unsaved::No,
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "FROM_ENV").then(|| "/srv/from-env".to_owned())
    }

    fn top(&self, folder: &Path) -> Option<PathBuf> {
        folder.starts_with(ROOT).then(|| PathBuf::from(ROOT))
    }

    fn is_folder(&self, path: &Path) -> bool {
        !path.ends_with("not-there")
    }
}

impl StepContext<'_> {
    /// The place of a session that works in a folder of Ada's.
    pub(super) fn in_folder(cwd: &Path) -> StepContext<'_> {
        StepContext { cwd, home: Path::new("/home/ada"), around: &Fake }
    }
}
