//! For tests: a machine that consists of a few paths.

use std::path::{Path, PathBuf};

use super::{Machine, Reach, StepContext, Target, Unsaved};

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
            Some("old" | "src" | "clean") => Unsaved::Folder,
            _ if path == Path::new(ROOT) => Unsaved::Folder,
            _ => Unsaved::No,
        }
    }

    fn holds_unsaved(&self, target: &Target) -> bool {
        let path = &target.path;
        match &target.reach {
            _ if path.starts_with("/tmp") || path.starts_with("/dev") => false,
            Reach::Fitting(pattern) => pattern.starts_with(['*', '?', '[']) || pattern.starts_with("dra"),
            _ => !path.ends_with("clean"),
        }
    }

    fn written_over(&self, _sources: &[Target], folder: &Path, _contents: bool) -> Vec<PathBuf> {
        vec![folder.join("draft.md")]
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "FROM_ENV").then(|| "/srv/from-env".to_owned())
    }

    fn top(&self, folder: &Path) -> Option<PathBuf> {
        folder.starts_with(ROOT).then(|| PathBuf::from(ROOT))
    }

    fn may_have_submodules(&self, folder: &Path) -> bool {
        !folder.ends_with("no-submodules")
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
