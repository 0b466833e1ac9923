//! What another user's snapshot may change, and what it must not change unasked.
//!
//! Own snapshots are restored without a question. A snapshot that somebody trusted has signed is restored
//! except for files that give rights. A foreign snapshot is not restored without consent. Each of its files
//! needs consent of its own, except plain source and text in a folder that HEAD has. Without consent, a file
//! is held back: left as it is here, and listed.

use std::collections::{HashMap, HashSet};

use super::RestorePlan;
use super::admission::Doubt;
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::base::screen::{Line, for_shell};
use crate::manifest::{Change, Mode};
use crate::restore::files::linked_settings::linked_settings;
use crate::restore::files::step::{Step, Work};
use crate::restore::protected_paths::Concern;
use crate::sys::work_tree::{Node, Tree};
use crate::trust::Provenance;

/// What the person agreed to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Consent<'a> {
    /// To restore what nobody vouches for.
    pub trust: bool,
    /// To set these paths, or what is in these folders.
    pub allow: &'a [RepoPath],
    /// To set all files of these kinds.
    pub kinds: &'a [Concern],
}

impl Consent<'_> {
    /// Says whether it covers a doubt.
    pub fn covers(&self, doubt: &Doubt) -> bool {
        let named = self.allow.iter().any(|yes| doubt.path.is_in(yes));
        !doubt.never && (named || self.kinds.contains(&doubt.concern))
    }
}

/// What a step makes of a file, to be looked at before anybody agrees.
pub struct Preview<'a> {
    /// The file that is here, as a link if it is one.
    pub old: Option<(Mode, Vec<u8>)>,
    /// What it becomes; the same if only the index changes.
    pub new: Option<(Mode, &'a [u8])>,
}

impl RestorePlan {
    /// Returns whose snapshot it is.
    pub fn provenance(&self) -> &Provenance {
        &self.admission.provenance
    }

    /// Lists what needs a yes, or is not set at all, as this is not the user's own snapshot.
    pub fn doubts(&self) -> Vec<Doubt> {
        let foreign = match self.provenance() {
            Provenance::Own => return Vec::new(),
            Provenance::Trusted { .. } => false,
            Provenance::Foreign { .. } => true,
        };
        let linked = linked_settings(&self.root);
        let doubts = self.steps.iter().flat_map(|step| {
            let doubt = self.admission.doubt(step, &self.root, &linked);
            doubt.into_iter().chain(hidden_from_git(step))
        });
        doubts.filter(|doubt| foreign || doubt.never).collect()
    }

    /// Returns the old names of renamed files that are held back. If only the old name were removed,
    /// the content would be lost.
    fn renamed_to(&self, held: &[Doubt]) -> Vec<Doubt> {
        let removed = self.steps.iter().filter(|step| matches!(step.work, Work::Remove));
        let removed: HashSet<&RepoPath> = removed.map(|step| &step.path).collect();
        let held: HashMap<&RepoPath, &Doubt> = held.iter().map(|doubt| (&doubt.path, doubt)).collect();
        let files = self.manifest.edited_files().iter();
        let renamed = files.filter(|edit| edit.change == Change::Renamed);
        renamed
            .filter_map(|edit| {
                let new = held.get(&edit.path)?;
                let old = &edit.from.as_ref()?.path;
                let is_new = removed.contains(old) && !held.contains_key(old);
                let why = format!("is renamed to {}, which is held back", new.path);
                is_new.then(|| Doubt { path: old.clone(), concern: new.concern, why, never: new.never })
            })
            .collect()
    }

    /// Reads which file a step changes, and its new content; `None` if there is no step for the path,
    /// or only the index changes.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn preview(&self, path: &RepoPath) -> Result<Option<Preview<'_>>> {
        let step = self.steps.iter().find(|step| step.path == *path);
        let new = match step.map(|step| &step.work) {
            None | Some(Work::Keep) => return Ok(None),
            Some(Work::Remove) => None,
            Some(Work::Set { mode, bytes, .. }) => Some((*mode, bytes.as_slice())),
        };
        let old = match Tree::open(&self.root)?.read(path)? {
            Node::File { mode, bytes, .. } => Some((mode, bytes)),
            _ => None,
        };
        Ok(Some(Preview { old, new }))
    }

    /// Returns what a consent holds back.
    pub fn would_hold(&self, consent: Consent<'_>) -> Vec<Doubt> {
        let mut held: Vec<Doubt> = self.doubts().into_iter().filter(|doubt| !consent.covers(doubt)).collect();
        held.extend(self.renamed_to(&held));
        held
    }

    /// Returns what was held back.
    pub fn held(&self) -> &[Doubt] {
        &self.admission.held
    }

    /// Takes the person's consent: what they did not agree to is held back.
    ///
    /// # Errors
    /// [`Kind::Refused`] for a foreign snapshot that they don't trust.
    pub fn admit(mut self, consent: Consent<'_>) -> Result<RestorePlan> {
        if let Provenance::Foreign { why } = self.provenance()
            && !consent.trust
        {
            return Err(not_trusted(&self.called, why));
        }
        let held = self.would_hold(consent);
        let paths: HashSet<&RepoPath> = held.iter().map(|doubt| &doubt.path).collect();
        self.steps.retain(|step| !paths.contains(&step.path));
        self.conflicts.retain(|path| !paths.contains(path));
        self.admission.held = held;
        self.admission.admitted = true;
        Ok(self)
    }
}

/// The error of a foreign snapshot that nobody agreed to.
pub fn not_trusted(name: &str, why: &str) -> Error {
    Error::new(Kind::Refused, format!("\"{}\" is not your own snapshot", Line(name))).because(why).hint(format!(
        "look at it with `snap show {name}` and `snap diff {name}`; if you would let its author use your shell, run this again with \
         `--trust`",
        name = for_shell(name)
    ))
}

/// A file that git is told not to look at needs a yes of its own, because no diff would show changes of
/// it.
fn hidden_from_git(step: &Step) -> Option<Doubt> {
    let why = "is to be hidden from git, so that git shows no edit of it".to_owned();
    let doubt = || Doubt { path: step.path.clone(), concern: Concern::Git, why, never: false };
    (step.hides() == Some(true)).then(doubt)
}
