//! Whether a snapshot may be restored at all, and which of its files need a yes.

use std::path::{Path, PathBuf};

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::manifest::{Manifest, Mode};
use crate::restore::files::step::{Step, Work};
use crate::restore::protected_paths::{Concern, Places, Shape, concern};
use crate::trust::Provenance;
use crate::workspace::Workspace;

/// Whose a plan's snapshot is, for this user.
pub(super) struct Admission {
    pub(super) provenance: Provenance,
    /// The folder of the user's key, which no snapshot sets.
    pub(super) private: PathBuf,
    /// The folders at the top of HEAD.
    pub(super) places: Places,
    pub(super) held: Vec<Doubt>,
    pub(super) admitted: bool,
}

impl Admission {
    /// Judges a snapshot before anything of it is unfolded.
    ///
    /// # Errors
    /// [`Kind::Refused`](crate::base::error::Kind::Refused) for a foreign one that would fill the memory;
    /// [`Kind::Environment`](crate::base::error::Kind::Environment) if git can't be run.
    pub(super) fn of(workspace: &Workspace, manifest: &Manifest) -> Result<Admission> {
        let provenance = workspace.provenance(manifest);
        workspace.refuse_bomb(manifest, &provenance)?;
        let admitted = provenance == Provenance::Own;
        let private = workspace.trust.folder().to_owned();
        let places = match (&provenance, &workspace.repository) {
            (Provenance::Foreign { .. }, Some(repository)) => repository.top_folders()?,
            _ => Places::new(),
        };
        Ok(Admission { provenance, private, places, held: Vec::new(), admitted })
    }

    /// Takes it for a foreign one, whoever saved it: what led to it is not the user's own.
    pub(super) fn unproven(self, why: &str) -> Admission {
        match self.provenance {
            Provenance::Foreign { .. } => self,
            _ => {
                Admission { provenance: Provenance::Foreign { why: why.to_owned() }, admitted: false, ..self }
            }
        }
    }

    /// Says whether the user agreed, or did not have to.
    pub(super) fn is_admitted(&self) -> bool {
        self.admitted
    }
}

/// A path that a snapshot would set, and why that needs a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The path.
    pub path: RepoPath,
    /// What kind of file it is, if that kind needs a yes.
    pub concern: Concern,
    /// Why it needs a yes, for a person.
    pub why: String,
    /// Whether even a yes does not set it.
    pub never: bool,
}

impl Admission {
    /// Returns why a step needs a yes, if it does; `linked` are files that give rights under another name.
    pub(super) fn doubt(&self, step: &Step, root: &Path, linked: &[PathBuf]) -> Option<Doubt> {
        let here = step.here.as_ref().map(|here| here.mode);
        let (mode, target) = match &step.work {
            Work::Set { mode, bytes, .. } => (Some(*mode), Some(bytes)),
            Work::Keep => (here, None),
            Work::Remove => (None, None),
        };
        let is = |wanted: Mode| here == Some(wanted) || mode == Some(wanted);
        let place = root.join(step.path.as_path());
        let concern = if place.starts_with(&self.private) {
            Concern::Key
        } else if linked.iter().any(|file| file.starts_with(&place)) {
            Concern::Rights
        } else {
            let shape = Shape { link: is(Mode::Link), executable: is(Mode::Executable) };
            concern(&step.path, shape, &self.places)?
        };
        let why = match (concern, mode, target) {
            (_, Some(Mode::Link), Some(target)) => {
                let link = format!("is a link to {}", Line(&String::from_utf8_lossy(target)));
                if concern == Concern::Link { link } else { format!("{}, and {link}", concern.says()) }
            }
            _ => concern.says().to_owned(),
        };
        Some(Doubt { path: step.path.clone(), concern, why, never: concern.is_never() })
    }
}
