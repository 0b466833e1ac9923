//! Puts secrets back into the files of pending edits, exactly, or holds a file back.
//!
//! What the base commit has comes from there. The rest is matched by ID, under this user's own key: the
//! environment, `.env` files, settings, the file as it is here, and the values that were kept when it was
//! saved. By its keyed hash, the file must then be the very one that was saved. So nobody can have a secret
//! put anywhere else. On another machine, only the name of a variable can say what a secret is, and a person
//! must agree to each.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::known_values;
use super::originals::{key_name, mac};
use crate::base::digest::GitHash;
use crate::base::error::Result;
use crate::base::monitor::Monitor;
use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::base::warning::Warning;
use crate::edits::{self, Materializer};
use crate::git::Repository;
use crate::manifest::{
    Change, Content, Diff, DiffForm, Edit, Edits, Manifest, Redaction, SavedIn, SavedVersion, Script,
    Session, SideFile, Skipped, StagedVersion, Version,
};
use crate::redaction::vault::Vault;
use crate::secrets::{self, Coding, Scanner, spellings, worth_knowing};
use crate::store::Bases;
use crate::sys::work_tree::{Node, Tree};
use crate::workspace::Workspace;

/// A secret that a file needs and that is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingSecret {
    /// Its ID.
    pub id: String,
    /// What it is.
    pub kind: String,
    /// The variables that held it.
    pub names: Vec<String>,
    /// Those of them that are set here, perhaps to something else.
    pub here: Vec<String>,
    /// Whether it stands there in a code that can't be made again from the value.
    pub is_coded: bool,
    /// Whether that of them which is taken first also held another secret: then it is not known which of them it holds here.
    pub of_several: bool,
}

impl MissingSecret {
    /// Returns what has to be agreed to, so that it is taken from here; `None` if it is not here.
    pub fn offer(&self) -> Option<String> {
        let name = self.here.first()?;
        Some(if self.of_several { format!("{}={name}", self.id) } else { name.clone() })
    }
}

/// Returns the secrets that files of a snapshot need and that were in a variable of this name.
pub fn held_by<'m>(manifest: &'m Manifest, name: &str) -> Vec<&'m str> {
    let of_edits = manifest.diffs().filter_map(|diff| diff.redaction.as_ref());
    let of_files = manifest.side_files().iter().filter_map(|file| file.redaction.as_ref());
    let of_scripts = manifest.scripts().iter().filter_map(|script| script.redaction.as_ref());
    let needed = of_edits.chain(of_files).chain(of_scripts).flat_map(|redaction| &redaction.secrets);
    let needed: BTreeSet<&String> = needed.collect();
    let secrets = manifest.secrets.iter().filter(|secret| secret.names.iter().any(|one| one == name));
    secrets.map(|secret| secret.id.as_str()).filter(|id| needed.iter().any(|one| one == id)).collect()
}

/// A file that can't be made, as secrets in it are not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its path.
    pub path: RepoPath,
    /// What it needs.
    pub secrets: Vec<MissingSecret>,
    /// The renamed file that can't be made. Until it can, this one is not removed.
    pub renamed_to: Option<RepoPath>,
}

impl Held {
    /// Says what to do about it.
    pub fn reason(&self) -> String {
        if let Some(new) = &self.renamed_to {
            return format!(
                "it is renamed to {new}, which can't be made yet; it stays until that is possible"
            );
        }
        let needs: Vec<String> = self
            .secrets
            .iter()
            .map(|one| match one.names.first() {
                _ if one.is_coded => format!(
                    "its {} ({}) stands there in a code that can't be made again from the value: resume it where it was \
                     saved, or copy the file from there",
                    kind(&one.kind),
                    Line(&one.id)
                ),
                Some(name) => format!("set {} (its {})", Line(name), kind(&one.kind)),
                None => format!("its {} ({}) is not known here", kind(&one.kind), Line(&one.id)),
            })
            .collect();
        format!("it holds a secret that is not here: {}", needs.join(", "))
    }
}

/// Returns a kind of secret as a word of a sentence: of some it is not known what they are, but that they are secret.
fn kind(kind: &str) -> String {
    match kind {
        "known" | "seen" => "value".to_owned(),
        other => Line(other).to_string(),
    }
}

/// Edits with their secrets, and those that could not get them: they count as left out.
pub struct Refilled<'a> {
    /// The edits.
    pub edits: Cow<'a, Edits>,
    /// What is held back.
    pub held: Vec<Held>,
}

/// Puts the secrets back into the edits of a snapshot. `agreed` are the variables that a person agreed
/// to use by name. The monitor is told of the bytes that are gone through.
///
/// # Errors
/// [`crate::base::error::Kind::Damaged`] if an edit does not give what was saved; what git or the disk says.
pub fn refill<'a>(
    workspace: &Workspace,
    repository: &Repository,
    manifest: &'a Manifest,
    saved: &'a Edits,
    bases: Option<&Bases>,
    agreed: &[String],
    monitor: &Monitor,
) -> Result<Refilled<'a>> {
    let whole = saved.files.iter().all(|edit| edit.diffs().all(|diff| diff.redaction.is_none()));
    if whole {
        return Ok(Refilled { edits: Cow::Borrowed(saved), held: Vec::new() });
    }
    let supply = Supply::open(workspace, manifest, agreed)?;
    let versions = Materializer::to_restore(&workspace.store, repository, bases);
    let hash = repository.hash();
    let mut refill = Refill { workspace, versions, hash, supply, missing: BTreeMap::new(), monitor };
    let mut edits = Edits { files: Vec::new(), ..saved.clone() };
    let mut held = Vec::new();
    let mut renamed = BTreeMap::new();
    for edit in &saved.files {
        let filled = refill.edit(edit)?;
        let missing = std::mem::take(&mut refill.missing);
        if missing.is_empty() {
            edits.files.push(filled);
            continue;
        }
        if let (Change::Renamed, Some(from)) = (edit.change, &edit.from) {
            renamed.insert(&from.path, edit.path.clone());
        }
        let secrets = missing.into_values().collect();
        held.push(Held { path: edit.path.clone(), secrets, renamed_to: None });
    }
    // Its content would be nowhere in the work tree.
    edits.files.retain(|edit| {
        let renamed_to = renamed.get(&edit.path).filter(|_| edit.new.is_none()).cloned();
        let goes = renamed_to.is_none();
        held.extend(renamed_to.map(|new| Held {
            path: edit.path.clone(),
            secrets: Vec::new(),
            renamed_to: Some(new),
        }));
        goes
    });
    let skipped = |one: &Held| Skipped { path: one.path.to_string(), reason: one.reason() };
    edits.skipped.extend(held.iter().map(skipped));
    Ok(Refilled { edits: Cow::Owned(edits), held })
}

/// Puts the secrets back into the side files that were the user's own. Leaves out files whose secrets
/// are not here.
///
/// # Errors
/// As [`refill`].
pub fn refill_side_files(workspace: &Workspace, manifest: &Manifest, session: &Session) -> Result<Session> {
    let mut session = session.clone();
    for mut file in std::mem::take(&mut session.files) {
        if file.redaction.is_some() {
            let Some(filled) = refill_side_file(workspace, manifest, &file)? else { continue };
            file = SideFile { content: Content::Bytes(filled), redaction: None, ..file };
        }
        session.files.push(file);
    }
    for mut script in std::mem::take(&mut session.scripts) {
        let Some(text) = refill_script(workspace, manifest, &script)? else { continue };
        (script.text, script.redaction) = (text, None);
        session.scripts.push(script);
    }
    Ok(session)
}

/// Fills the secrets into a script; `None` if they are not here.
fn refill_script(workspace: &Workspace, manifest: &Manifest, script: &Script) -> Result<Option<String>> {
    let Some(redaction) = &script.redaction else { return Ok(Some(script.text.clone())) };
    let mut supply = Supply::open(workspace, manifest, &[])?;
    let mut missing = BTreeMap::new();
    let filled = fill(script.text.as_bytes(), BTreeMap::new(), redaction, &mut supply, &mut missing)?;
    let filled =
        filled.filter(|filled| missing.is_empty() && is_proven(&supply, &script.place, redaction, filled));
    Ok(filled.and_then(|filled| String::from_utf8(filled).ok()))
}

/// Fills the secrets into one; `None` if they are not here.
fn refill_side_file(workspace: &Workspace, manifest: &Manifest, file: &SideFile) -> Result<Option<Vec<u8>>> {
    let stored = workspace.store.load(&file.content)?;
    let Some(redaction) = &file.redaction else { return Ok(Some(stored)) };
    let mut supply = Supply::open(workspace, manifest, &[])?;
    let mut missing = BTreeMap::new();
    let filled = fill(&stored, BTreeMap::new(), redaction, &mut supply, &mut missing)?;
    Ok(filled.filter(|filled| missing.is_empty() && is_proven(&supply, &file.place, redaction, filled)))
}

/// Says what a session relied on and does not find here: variables, and files of its own.
///
/// # Errors
/// What the disk says.
pub fn to_supply(workspace: &Workspace, manifest: &Manifest) -> Result<Vec<Warning>> {
    let here = known_values::variables(workspace)?;
    // A file of variables that is among the edits is restored with its values, or is said to be held back.
    let comes_back = |place: &String| {
        let is_edited = |edit: &Edit| edit.new.is_some() && edit.path.as_bytes() == place.as_bytes();
        known_values::is_of_variables(place.as_bytes()) && manifest.edited_files().iter().any(is_edited)
    };
    let known = manifest.secrets.iter().filter(|secret| secret.kind == "known");
    let known = known.filter(|secret| !secret.places.iter().any(comes_back)).flat_map(|secret| &secret.names);
    let relied_on: BTreeSet<&String> = manifest.not_captured.environment.iter().chain(known).collect();
    let is_here = |name: &String| here.iter().any(|(own, value)| own == name && !value.is_empty());
    let missing: Vec<String> =
        relied_on.into_iter().filter(|name| !is_here(name)).map(|name| Line(name).to_string()).collect();
    let mut told = Vec::new();
    if !missing.is_empty() {
        told.push(Warning::ToSupply(missing));
    }
    for file in manifest.side_files() {
        if file.redaction.is_some() && refill_side_file(workspace, manifest, file)?.is_none() {
            told.push(Warning::CopyLeftOut(file.place.to_string()));
        }
    }
    for script in manifest.scripts() {
        if refill_script(workspace, manifest, script)?.is_none() {
            told.push(Warning::ScriptLeftOut(script.place.to_string()));
        }
    }
    Ok(told)
}

/// The edits of a snapshot on their way to what they were.
struct Refill<'a> {
    workspace: &'a Workspace,
    versions: Materializer<'a>,
    hash: GitHash,
    supply: Supply,
    /// What one edit lacks.
    missing: BTreeMap<String, MissingSecret>,
    monitor: &'a Monitor,
}

impl Refill<'_> {
    fn edit(&mut self, edit: &Edit) -> Result<Edit> {
        let mut filled = edit.clone();
        if let Some(StagedVersion { version, diff }) = self.version(edit.in_work_tree())? {
            (filled.new, filled.diff) = (Some(version), diff);
        }
        if let Some(staged) = self.version(edit.in_index())? {
            filled.staged = Some(staged);
        }
        let with_content = filled.stages.iter_mut().filter(|stage| !stage.version.is_submodule());
        for (stage, saved) in with_content.zip(edit.saved_in(SavedIn::Stage)) {
            if let Some(StagedVersion { version, diff }) = self.version(Some(saved))? {
                (stage.version, stage.diff) = (version, diff);
            }
        }
        Ok(filled)
    }

    /// Turns a redacted version back into the one that was saved; `None` if nothing was redacted, or
    /// something is missing.
    fn version(&mut self, saved: Option<SavedVersion<'_>>) -> Result<Option<StagedVersion>> {
        let Some((saved, diff)) = saved.and_then(|saved| Some((saved, saved.diff?))) else { return Ok(None) };
        let (Some(redaction), path) = (&diff.redaction, &saved.edit.path) else { return Ok(None) };
        let base = if diff.earlier.is_none() { self.versions.base_of(saved)? } else { Vec::new() };
        let tell = &mut |more| self.monitor.add_bytes(more);
        let redacted = self.versions.made_from(saved, Cow::Borrowed(&base), tell)?;
        if saved.converted().is_some() {
            self.versions.on_disk(saved, redacted.clone())?;
        }
        let mut in_base = BTreeMap::new();
        for one in &redaction.base {
            let id = one.with.trim_end_matches('\u{bb}').rsplit(':').next().unwrap_or_default();
            let span = usize::try_from(one.at).ok().zip(usize::try_from(one.bytes).ok());
            let value = span.and_then(|(at, bytes)| base.get(at..at.checked_add(bytes)?));
            in_base.insert(id.to_owned(), value.unwrap_or_default().to_vec());
        }
        self.supply.look_at(self.workspace, path, redaction, tell)?;
        let Some(filled) = fill(&redacted, in_base, redaction, &mut self.supply, &mut self.missing)? else {
            return Ok(None);
        };
        if !is_proven(&self.supply, path, redaction, &filled) {
            return Err(edits::damaged(
                path,
                "with its secrets filled in, it is not the file that was saved",
            ));
        }
        // The secrets are those of what git compares: the conversion comes after them.
        let filled = self.versions.converted(saved, filled)?;
        let version = Version { oid: self.hash.blob_id(&filled), mode: saved.version.mode };
        let diff = Diff::of(DiffForm::Whole, filled.len() as u64, Content::Bytes(filled));
        Ok(Some(StagedVersion { version, diff: Some(diff) }))
    }
}

/// Fills placeholders, also with these values of the base; `None`, with what is missing, if one can't
/// be filled.
fn fill(
    redacted: &[u8],
    mut values: BTreeMap<String, Vec<u8>>,
    redaction: &Redaction,
    supply: &mut Supply,
    missing: &mut BTreeMap<String, MissingSecret>,
) -> Result<Option<Vec<u8>>> {
    let mut is_whole = true;
    for id in &redaction.secrets {
        match supply.value(id, redaction)? {
            Some(value) => {
                values.insert(id.clone(), value);
            }
            None => {
                is_whole = false;
                missing.insert(id.clone(), supply.missing(id, redaction));
            }
        }
    }
    let (filled, _others) = secrets::fill(redacted, |id| values.get(id).cloned());
    Ok(is_whole.then_some(filled))
}

/// Whether a file is the one that was saved, as far as that can be told here.
fn is_proven(supply: &Supply, place: &RepoPath, redaction: &Redaction, filled: &[u8]) -> bool {
    !supply.is_own(redaction) || mac(supply.keeper.key(), place, filled) == redaction.mac
}

/// What secrets can be taken from here.
struct Supply {
    keeper: Vault,
    variables: Vec<(String, String)>,
    by_id: BTreeMap<String, Vec<u8>>,
    names: BTreeMap<String, (String, Vec<String>)>,
    /// Names that several secrets had.
    of_several: BTreeSet<String>,
    agreed: BTreeSet<String>,
    looked_at: BTreeSet<RepoPath>,
    /// Made when the first file is looked at.
    scanner: Option<Scanner>,
}

impl Supply {
    fn open(workspace: &Workspace, manifest: &Manifest, agreed: &[String]) -> Result<Supply> {
        let keeper = Vault::open(workspace.trust.folder(), workspace.store.root())?;
        let variables = known_values::variables(workspace)?;
        let mut by_id = BTreeMap::new();
        for known in variables.iter().flat_map(|(name, value)| worth_knowing(name, value)) {
            for form in spellings(&known.value) {
                by_id.insert(secrets::id(keeper.key(), &form), form);
            }
        }
        let names = manifest.secrets.iter();
        let names =
            names.map(|secret| (secret.id.clone(), (secret.kind.clone(), secret.names.clone()))).collect();
        let all: BTreeSet<&String> = manifest.secrets.iter().flat_map(|secret| &secret.names).collect();
        let of_several = all.into_iter().filter(|name| held_by(manifest, name).len() > 1).cloned().collect();
        let agreed = agreed.iter().cloned().collect();
        Ok(Supply {
            keeper,
            variables,
            by_id,
            names,
            of_several,
            agreed,
            looked_at: BTreeSet::new(),
            scanner: None,
        })
    }

    fn is_own(&self, redaction: &Redaction) -> bool {
        redaction.key == key_name(self.keeper.key())
    }

    /// Takes the secrets of the file as it is here for candidates.
    fn look_at(
        &mut self,
        workspace: &Workspace,
        path: &RepoPath,
        redaction: &Redaction,
        tell: &mut dyn FnMut(u64),
    ) -> Result<()> {
        if redaction.secrets.is_empty() || !self.is_own(redaction) || !self.looked_at.insert(path.clone()) {
            return Ok(());
        }
        if let Node::File { bytes, .. } = Tree::open(&workspace.root)?.read(path)? {
            let known =
                || self.variables.iter().flat_map(|(name, value)| worth_knowing(name, value)).collect();
            let scanner = self.scanner.get_or_insert_with(|| Scanner::new(known()));
            for finding in scanner.find_telling(&bytes, tell) {
                let value = &bytes[finding.span];
                self.by_id.insert(secrets::id(self.keeper.key(), value), value.to_vec());
            }
        }
        Ok(())
    }

    fn value(&self, id: &str, redaction: &Redaction) -> Result<Option<Vec<u8>>> {
        if self.is_own(redaction) {
            return match self.by_id.get(id) {
                Some(value) => Ok(Some(value.clone())),
                None => self.keeper.kept(id),
            };
        }
        let coding = self.coding(id, redaction);
        Ok(self.agreed_to(id).and_then(|value| coding.write(value.as_bytes())))
    }

    /// Returns how a secret stands in a file that was saved elsewhere.
    fn coding(&self, id: &str, redaction: &Redaction) -> Coding {
        let is_packed = self.names.get(id).is_some_and(|(kind, _)| kind == secrets::PACKED);
        let coding = if is_packed { Some(Coding::Other) } else { None };
        coding.or_else(|| redaction.coded.get(id).map(|word| Coding::named(word))).unwrap_or(Coding::Plain)
    }

    /// Returns the value that a person agreed to take for a secret.
    fn agreed_to(&self, id: &str) -> Option<&str> {
        let names = self.names.get(id).map_or(&[][..], |(_, names)| names);
        // Which of several secrets a variable of their name holds here, only a person can say.
        let chosen = self.agreed.iter().find_map(|one| one.strip_prefix(id)?.strip_prefix('='));
        let is_agreed = |name: &&String| self.agreed.contains(*name) && !self.of_several.contains(*name);
        let agreed = chosen.or_else(|| names.iter().find(is_agreed).map(String::as_str));
        agreed.and_then(|name| self.variable(name))
    }

    fn variable(&self, name: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(own, value)| own == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    fn missing(&self, id: &str, redaction: &Redaction) -> MissingSecret {
        let (kind, names) = self.names.get(id).cloned().unwrap_or_default();
        let is_coded = !self.is_own(redaction)
            && (self.coding(id, redaction) == Coding::Other || self.agreed_to(id).is_some());
        let (several, alone): (Vec<String>, Vec<String>) = names
            .iter()
            .filter(|name| !is_coded && self.variable(name).is_some())
            .cloned()
            .partition(|name| self.of_several.contains(name));
        let of_several = alone.is_empty() && !several.is_empty();
        let here = alone.into_iter().chain(several).collect();
        MissingSecret { id: id.to_owned(), kind, names, here, is_coded, of_several }
    }
}
