//! What a snapshot that is not this user's own may change, and what it must not change unasked.
//!
//! Own snapshots are not held up. What somebody trusted signed is restored but for files that
//! give rights. A foreign snapshot is not restored without consent, and each file that a tool
//! runs or obeys by itself needs one of its own; without, it is held back: left as it is here,
//! and listed.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::Plan;
use super::steps::{Step, Work};
use crate::error::{Error, Kind, Result};
use crate::manifest::{Change, Manifest, Mode};
use crate::paths::RepoPath;
use crate::screen::{self, Line};
use crate::sensitive::{Concern, concern};
use crate::trust::Provenance;
use crate::workspace::Workspace;

/// How a plan's snapshot stands with the user.
pub(super) struct Standing {
    provenance: Provenance,
    /// The folder of the user's key, which no snapshot sets.
    private: PathBuf,
    held: Vec<Doubt>,
    admitted: bool,
}

impl Standing {
    /// Judges a snapshot before anything of it is unfolded.
    ///
    /// # Errors
    /// [`Kind::Refused`] for a foreign one that would fill the memory.
    pub(super) fn of(workspace: &Workspace, manifest: &Manifest) -> Result<Standing> {
        let provenance = workspace.provenance(manifest);
        workspace.refuse_bomb(manifest, &provenance)?;
        let admitted = provenance == Provenance::Own;
        let private = workspace.trust.folder().to_owned();
        Ok(Standing { provenance, private, held: Vec::new(), admitted })
    }

    /// Takes it for a foreign one, whoever saved it: what led to it is not the user's own.
    pub(super) fn unproven(self, why: &str) -> Standing {
        match self.provenance {
            Provenance::Foreign { .. } => self,
            _ => {
                Standing { provenance: Provenance::Foreign { why: why.to_owned() }, admitted: false, ..self }
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
    /// What speaks against setting it, for a person.
    pub why: String,
    /// Whether even a yes does not set it.
    pub never: bool,
}

/// What the person agreed to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Consent<'a> {
    /// To restore what nobody vouches for.
    pub trust: bool,
    /// To set these paths, or what lies in these folders.
    pub allow: &'a [RepoPath],
}

impl Plan {
    /// Returns whose snapshot it is.
    pub fn provenance(&self) -> &Provenance {
        &self.standing.provenance
    }

    /// Lists what needs a yes, or is not set at all, as this is not the user's own snapshot.
    pub fn doubts(&self) -> Vec<Doubt> {
        let foreign = match self.provenance() {
            Provenance::Own => return Vec::new(),
            Provenance::Trusted { .. } => false,
            Provenance::Foreign { .. } => true,
        };
        let doubts = self.steps.iter().filter_map(|step| doubt(step, &self.standing.private, &self.root));
        doubts.filter(|doubt| foreign || doubt.never).collect()
    }

    /// Returns the old names of renamed files that are held back: removed alone, their content would be gone.
    fn renamed_to(&self, held: &[Doubt]) -> Vec<Doubt> {
        let removed = self.steps.iter().filter(|step| matches!(step.work, Work::Remove));
        let removed: HashSet<&RepoPath> = removed.map(|step| &step.path).collect();
        let held: HashMap<&RepoPath, &Doubt> = held.iter().map(|doubt| (&doubt.path, doubt)).collect();
        let files = self.manifest.edits.iter().flat_map(|edits| &edits.files);
        let renamed = files.filter(|edit| edit.change == Change::Renamed);
        renamed
            .filter_map(|edit| {
                let new = held.get(&edit.path)?;
                let old = &edit.from.as_ref()?.path;
                let is_new = removed.contains(old) && !held.contains_key(old);
                let why = format!("is renamed to {}, which is held back", new.path);
                is_new.then(|| Doubt { path: old.clone(), why, never: new.never })
            })
            .collect()
    }

    /// Returns what was held back.
    pub fn held(&self) -> &[Doubt] {
        &self.standing.held
    }

    /// Takes the person's consent: what they did not agree to is held back.
    ///
    /// # Errors
    /// [`Kind::Refused`] for a foreign snapshot that they don't trust.
    pub fn admit(mut self, consent: Consent<'_>) -> Result<Plan> {
        if let Provenance::Foreign { why } = self.provenance()
            && !consent.trust
        {
            return Err(not_trusted(&self.manifest.name, why));
        }
        let allowed = |doubt: &Doubt| !doubt.never && consent.allow.iter().any(|yes| doubt.path.is_in(yes));
        let mut held: Vec<Doubt> = self.doubts().into_iter().filter(|doubt| !allowed(doubt)).collect();
        held.extend(self.renamed_to(&held));
        let paths: HashSet<&RepoPath> = held.iter().map(|doubt| &doubt.path).collect();
        self.steps.retain(|step| !paths.contains(&step.path));
        self.conflicts.retain(|path| !paths.contains(path));
        self.standing.held = held;
        self.standing.admitted = true;
        Ok(self)
    }
}

/// The error of a foreign snapshot that nobody agreed to.
pub fn not_trusted(name: &str, why: &str) -> Error {
    Error::new(Kind::Refused, format!("{:?} is not your own snapshot", Line(name).to_string())).because(why).hint(
        "look at it with `snap show` and `snap diff`; if you would let its author use your shell, run this again with `--trust`",
    )
}

fn doubt(step: &Step, private: &Path, root: &Path) -> Option<Doubt> {
    let made = |why: String, never: bool| Some(Doubt { path: step.path.clone(), why, never });
    if root.join(step.path.as_path()).starts_with(private) {
        return made("belongs to snap's own key".to_owned(), true);
    }
    if let Work::Set { mode: Mode::Link, bytes, .. } = &step.work {
        let target = screen::Line(&String::from_utf8_lossy(bytes)).to_string();
        let never = concern(&step.path) == Some(Concern::Rights);
        return made(format!("is a link to {target}"), never);
    }
    if !step.path.is_portable() && !matches!(step.work, Work::Remove) {
        return made("has a name that means something else on another system".to_owned(), false);
    }
    if let Some(concern) = concern(&step.path) {
        return made(concern.says().to_owned(), concern == Concern::Rights);
    }
    let was_executable = step.here.as_ref().is_some_and(|here| here.mode == Mode::Executable);
    match &step.work {
        Work::Set { mode: Mode::Executable, .. } if !was_executable => {
            made("becomes executable".to_owned(), false)
        }
        _ => None,
    }
}
