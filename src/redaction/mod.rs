//! Keeps secrets out of snapshots, and puts them back into files.
//!
//! The operations pass everything that they are about to store through a [`Redactor`]. A secret becomes a
//! placeholder and is listed with its kind and place. Nothing contains its value. A pending edit may be the
//! only copy of a file, so its secret values are kept on this machine (`vault.rs`) and the restore is exact.

mod allowed;
mod cache;
mod hashed;
mod known_values;
mod literal_placeholders;
mod masked;
mod originals;
mod outgoing;
mod refill;
mod seen;
pub mod vault;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use self::allowed::check_ids;
use self::cache::Cache;
use self::originals::{key_name, mac};
use self::seen::worth_learning;
use crate::base::digest::{Key, ObjectId};
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;

use crate::base::timestamp::Timestamp;
use crate::git::Listing;
use crate::manifest::{ObjectRef, Redaction, Replaced, Secret};
use crate::redaction::vault::Vault;
use crate::secrets::{self, Coding, Finding, Hit, KnownValue, Scanner, has_own_shape, worth_knowing};
use crate::sys::parallel::held;
use crate::sys::place::OwnPath;
use crate::workspace::Workspace;

pub use allowed::allow_from_now_on;
pub use hashed::Hashed;
pub use originals::Originals;
pub use outgoing::{Outgoing, check};
pub use refill::{Held, MissingSecret, Refilled, held_by, refill, refill_side_files, to_supply};

/// The most places of one secret that are listed.
const MOST_PLACES: usize = 20;

/// Takes the secrets out of what a snapshot will hold, and keeps a list of them.
pub struct Redactor {
    scanner: Scanner,
    keeper: Option<Vault>,
    key: Key,
    /// The store's folder for what may be lost.
    tmp: OwnPath,
    allowed: BTreeSet<String>,
    /// Which of the values that were seen are kept already.
    kept: Mutex<BTreeSet<String>>,
    cache: Mutex<Cache>,
    /// Values that were found in what nothing was learnt from.
    learnt_late: Mutex<BTreeSet<KnownValue>>,
    found: Mutex<BTreeMap<String, Secret>>,
}

/// A version of a file without its secrets, and the base that it is compared with.
pub struct Clean {
    /// The base.
    pub old: Option<Vec<u8>>,
    /// The version.
    pub new: Vec<u8>,
    /// How both become what they were.
    pub redaction: Redaction,
    /// What was taken out of the version: to be noted with its place, in the order of the places.
    pub noted: Vec<UnlistedSecret>,
}

/// A secret that was taken out and is not in the list yet.
#[derive(Clone, Serialize, Deserialize)]
pub struct UnlistedSecret {
    kind: String,
    sure: bool,
    name: Option<String>,
    id: String,
    place: String,
}

impl UnlistedSecret {
    fn new(finding: &Finding, id: String, place: String) -> UnlistedSecret {
        let Finding { kind, sure, name, .. } = finding;
        UnlistedSecret { kind: (*kind).to_owned(), sure: *sure, name: name.clone(), id, place }
    }

    /// Says whether only its value, seen in another place, told that it is one.
    pub fn was_seen(&self) -> bool {
        self.kind == "seen"
    }
}

/// Records without their secrets.
pub struct SearchedPiece<'a> {
    /// What they are called in the store.
    pub name: ObjectId,
    /// The records.
    pub clean: Cow<'a, [u8]>,
    /// What was taken out of them.
    pub noted: Vec<UnlistedSecret>,
}

/// Takes the secrets out of what a person typed, for the log.
///
/// # Errors
/// As [`Redactor::open`].
pub fn typed(workspace: &Workspace, place: &str, text: &str) -> Result<String> {
    let mut text = text.to_owned();
    Redactor::open(workspace, &[])?.string(place, &mut text);
    Ok(text)
}

impl Redactor {
    /// Prepares to redact what is saved in a workspace; `allow` adds to what may stay, this time only.
    ///
    /// # Errors
    /// [`Kind::Usage`] for what is no ID, [`Kind::Environment`] if something can't be read.
    pub fn open(workspace: &Workspace, allow: &[String]) -> Result<Redactor> {
        check_ids(allow)?;
        let keeper = Vault::open(workspace.trust.folder(), workspace.store.root());
        let keeper = match keeper {
            Err(error) if !allow.is_empty() => return Err(error),
            keeper => keeper.ok(),
        };
        Redactor::with(workspace, allow, keeper)
    }

    /// Prepares to look for secrets in what is only shown: writes nothing, so it makes no key.
    ///
    /// # Errors
    /// As [`Redactor::open`].
    pub fn to_look(workspace: &Workspace) -> Result<Redactor> {
        let keeper = Vault::existing(workspace.trust.folder(), workspace.store.root());
        Redactor::with(workspace, &[], keeper.ok().flatten())
    }

    fn with(workspace: &Workspace, allow: &[String], keeper: Option<Vault>) -> Result<Redactor> {
        let mut allowed = BTreeSet::new();
        if let Some(keeper) = &keeper {
            allowed = keeper.allowed()?;
            allowed.extend(allow.iter().cloned());
        }
        let known = known_values::variables(workspace)?;
        let mut known: Vec<KnownValue> =
            known.iter().flat_map(|(name, value)| worth_knowing(name, value)).collect();
        let mut seen = Vec::new();
        if let Some(keeper) = &keeper {
            known_values::known_before(workspace, keeper, &mut known, &mut seen)?;
        }
        let key = match &keeper {
            Some(keeper) => keeper.key().clone(),
            // Without a key that lasts, placeholders still say nothing; they only can't be filled.
            None => Key::from_bytes(crate::sys::files::random_bytes()?),
        };
        let scanner = Scanner::new(known).with_seen(seen);
        let tmp = workspace.store.tmp();
        let cache = Mutex::new(Cache::open(&tmp, &key, &scanner, &allowed, "scanned"));
        let (kept, found, learnt_late) = (Mutex::default(), Mutex::default(), Mutex::default());
        Ok(Redactor { scanner, keeper, key, tmp, allowed, kept, cache, learnt_late, found })
    }

    /// Looks for the values of all files of variables in a work tree, too.
    pub fn know(&mut self, root: &Path, listing: &Listing) {
        let mut more: Vec<KnownValue> = known_values::listed(root, listing)
            .iter()
            .flat_map(|(name, value)| worth_knowing(name, value))
            .collect();
        let known: BTreeSet<&str> =
            self.scanner.values().filter(|(_, seen)| !seen).map(|(known, _)| known.value.as_str()).collect();
        more.retain(|one| !known.contains(one.value.as_str()));
        if !more.is_empty() {
            self.search_with(self.scanner.with_known(more));
        }
    }

    fn search_with(&mut self, scanner: Scanner) {
        self.cache = Mutex::new(Cache::open(&self.tmp, &self.key, &scanner, &self.allowed, "scanned"));
        self.scanner = scanner;
    }

    /// Notes a value that was found and that nobody looks for in other places.
    fn note_late(&self, finding: &Finding, value: &[u8]) {
        let values = worth_learning(finding, value).into_iter();
        let is_known = |one: &KnownValue| self.scanner.values().any(|(known, _)| known.value == one.value);
        held(&self.learnt_late).extend(values.filter(|one| !is_known(one)));
    }

    /// Takes the secrets out of JSON records, one a line, of which the first has this number.
    pub fn records<'a>(&self, place: &str, first: u64, lines: &'a [u8]) -> Cow<'a, [u8]> {
        let piece = self.piece(place, first, lines);
        piece.noted.into_iter().for_each(|noted| self.note(noted));
        piece.clean
    }

    /// Does the same for a piece that is to be stored. What was redacted is noted later, in the order
    /// of the pieces.
    pub fn piece<'a>(&self, place: &str, first: u64, lines: &'a [u8]) -> SearchedPiece<'a> {
        let name = ObjectId::of(lines);
        let tag = held(&self.cache).tag(name, lines.len());
        if tag.is_some_and(|tag| held(&self.cache).is_clean(&tag)) {
            return SearchedPiece { name, clean: Cow::Borrowed(lines), noted: Vec::new() };
        }
        let mut noted = Vec::new();
        let redacted = self.scanner.redact_records(lines, &mut |hit| {
            let id = self.taken_out(hit)?;
            let placeholder = secrets::placeholder(hit.finding.kind, &id);
            let place = format!("{place}, record {}", first + hit.line as u64 + 1);
            noted.push(UnlistedSecret::new(hit.finding, id, place));
            Some(placeholder)
        });
        match redacted {
            Some(clean) => SearchedPiece { name: ObjectId::of(&clean), clean: Cow::Owned(clean), noted },
            None => {
                if let Some(tag) = tag {
                    held(&self.cache).note_clean(tag);
                }
                SearchedPiece { name, clean: Cow::Borrowed(lines), noted }
            }
        }
    }

    /// Notes records that are whole, that name no account, and in which there was nothing to take out.
    pub fn note_to_leave(&self, records: &ObjectRef) {
        let tag = held(&self.cache).tag_to_leave(records.object, records.size);
        if let Some(tag) = tag {
            held(&self.cache).note_clean(tag);
        }
    }

    /// Says whether an object is known to be such records.
    fn may_leave(&self, records: &ObjectRef) -> bool {
        let mut cache = held(&self.cache);
        cache.tag_to_leave(records.object, records.size).is_some_and(|tag| cache.is_clean(&tag))
    }

    /// Takes the secrets out of one JSON document.
    pub fn json<'a>(&self, place: &str, document: &'a [u8]) -> Cow<'a, [u8]> {
        let redacted = self.scanner.redact_json(document, &mut |hit| self.decide(hit, place));
        redacted.map_or(Cow::Borrowed(document), Cow::Owned)
    }

    /// Takes the secrets out of a text.
    pub fn text<'a>(&self, place: &str, text: &'a [u8]) -> Cow<'a, [u8]> {
        self.text_telling(place, text, &mut |_| ())
    }

    /// The same; `tell` is told of the bytes while they are searched.
    fn text_telling<'a>(&self, place: &str, text: &'a [u8], tell: &mut dyn FnMut(u64)) -> Cow<'a, [u8]> {
        let redacted = self.scanner.redact_text_telling(text, tell, &mut |hit| self.decide(hit, place));
        redacted.map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// Takes the secrets out of a text of the manifest's own.
    pub fn string(&self, place: &str, text: &mut String) {
        if let Cow::Owned(clean) = self.text(place, text.as_bytes()) {
            *text = String::from_utf8_lossy(&clean).into_owned();
        }
    }

    /// Redacts a file of the user's that must come back exactly, and its base; `None` if neither has
    /// secrets. `tell` is told of the bytes of both while they are searched.
    ///
    /// # Errors
    /// [`Kind::Refused`] if a value could not be kept on this machine: it would be lost.
    pub fn clean_version(
        &self,
        place: &RepoPath,
        old: Option<&[u8]>,
        new: &[u8],
        tell: &mut dyn FnMut(u64),
    ) -> Result<Option<Clean>> {
        let mut of_base = old.map_or_else(Vec::new, |old| self.replacements(old, tell));
        let mut of_new = self.replacements(new, tell);
        let ids: BTreeSet<String> = of_base.iter().chain(&of_new).map(|one| one.id.clone()).collect();
        old.into_iter().for_each(|old| literal_placeholders::add(&self.key, old, &ids, &mut of_base));
        literal_placeholders::add(&self.key, new, &ids, &mut of_new);
        if of_base.is_empty() && of_new.is_empty() {
            return Ok(None);
        }
        let in_base: BTreeSet<&[u8]> =
            old.iter().flat_map(|old| of_base.iter().map(|one| &old[one.span.clone()])).collect();
        let mut missing = BTreeSet::new();
        let mut codings = BTreeMap::new();
        for one in &of_new {
            let value = &new[one.span.clone()];
            self.note_late(&one.finding, value);
            let coding = Coding::of(one.finding.value.as_deref(), value);
            let is_the_same = |other: &mut Coding| {
                if *other != coding {
                    *other = Coding::Other
                }
            };
            codings.entry(one.id.clone()).and_modify(is_the_same).or_insert(coding);
            if !in_base.contains(value) && missing.insert(one.id.clone()) {
                self.keep(&one.id, value)?;
            }
        }
        let redaction = Redaction {
            base: of_base
                .iter()
                .map(|one| Replaced {
                    at: one.span.start as u64,
                    bytes: one.span.len() as u64,
                    with: one.text.clone(),
                })
                .collect(),
            coded: codings
                .into_iter()
                .filter(|(id, _)| missing.contains(id))
                .filter_map(|(id, coding)| Some((id, coding.word()?.to_owned())))
                .collect(),
            secrets: missing.into_iter().collect(),
            mac: mac(&self.key, place, new),
            key: key_name(&self.key),
        };
        let old = old.map(|old| apply(old, &of_base));
        let new = apply(new, &of_new);
        let noted = |one: Replacement| UnlistedSecret::new(&one.finding, one.id, place.to_string());
        let noted = of_new.into_iter().map(noted).collect();
        Ok(Some(Clean { old, new, redaction, noted }))
    }

    /// Says whether a text has nothing that would be taken out of it.
    pub fn is_clean(&self, text: &[u8]) -> bool {
        self.replacements(text, &mut |_| ()).is_empty()
    }

    /// Counts what was taken out of another part of the same snapshot before.
    pub fn go_on_from(&self, before: &[Secret]) {
        held(&self.found).extend(before.iter().map(|secret| (secret.id.clone(), secret.clone())));
    }

    /// Returns every secret that was taken out so far.
    pub fn listed(&self) -> Vec<Secret> {
        let found = held(&self.found);
        // Also what was found when the same text was read before: it must stay known for as long as that goes on.
        for id in found.keys() {
            let _kept_for_a_day = self.keeper.as_ref().map(|keeper| keeper.renew(id));
        }
        found.values().cloned().collect()
    }

    /// Returns every secret that was taken out.
    pub fn finish(self) -> Vec<Secret> {
        let listed = self.listed();
        self.cache.into_inner().unwrap_or_else(PoisonError::into_inner).write();
        listed
    }

    fn replacements(&self, text: &[u8], tell: &mut dyn FnMut(u64)) -> Vec<Replacement> {
        let replacement = |finding: Finding| {
            let id = secrets::id(&self.key, &text[finding.span.clone()]);
            if self.allowed.contains(&id) {
                return None;
            }
            let text = secrets::placeholder(finding.kind, &id);
            Some(Replacement { span: finding.span.clone(), id, text, finding })
        };
        self.scanner.find_telling(text, tell).into_iter().filter_map(replacement).collect()
    }

    fn keep(&self, id: &str, value: &[u8]) -> Result<()> {
        let lost = |cause: &str| {
            Error::new(
                Kind::Refused,
                format!("it holds a secret ({id}) that can't be kept on this machine: {cause}"),
            )
        };
        match &self.keeper {
            Some(keeper) => keeper.keep(id, value).map_err(|error| lost(&error.to_string())),
            None => Err(lost("there is no folder for it")),
        }
    }

    fn decide(&self, hit: &Hit<'_>, place: &str) -> Option<String> {
        let id = self.taken_out(hit)?;
        let placeholder = secrets::placeholder(hit.finding.kind, &id);
        self.note(UnlistedSecret::new(hit.finding, id, place.to_owned()));
        Some(placeholder)
    }

    /// Returns the id of a secret, unless it may stay.
    fn taken_out(&self, hit: &Hit<'_>) -> Option<String> {
        let id = Some(secrets::id(&self.key, hit.value)).filter(|id| !self.allowed.contains(id))?;
        self.note_late(hit.finding, hit.value);
        // What no rule finds by its shape must be known the next time too: a variable may be rotated, and the place that gave a
        // value away may be gone.
        if is_found_by_value(hit.finding.kind)
            && let Some(keeper) = &self.keeper
            && held(&self.kept).insert(id.clone())
        {
            let _found_by_chance_next_time = keeper.keep(&id, hit.value);
        }
        Some(id)
    }

    /// Puts what was taken out into the list.
    pub fn note(&self, noted: UnlistedSecret) {
        let UnlistedSecret { kind, sure, name, id, place } = noted;
        let mut found = held(&self.found);
        let secret = found.entry(id.clone()).or_insert_with(|| Secret {
            id,
            kind,
            likely: !sure,
            names: Vec::new(),
            places: Vec::new(),
            times: 0,
        });
        secret.times += 1;
        secret.likely &= !sure;
        if secret.places.len() < MOST_PLACES && secret.places.last().is_none_or(|last| *last != place) {
            secret.places.push(place);
        }
        if let Some(name) = name.filter(|name| !secret.names.contains(name)) {
            secret.names.push(name);
        }
    }
}

/// Says whether a secret of this kind can be found everywhere only if its value is known.
fn is_found_by_value(kind: &str) -> bool {
    matches!(kind, "known" | "seen") || !has_own_shape(kind)
}

struct Replacement {
    span: std::ops::Range<usize>,
    id: String,
    text: String,
    finding: Finding,
}

fn apply(text: &[u8], replacements: &[Replacement]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut copied = 0;
    for one in replacements {
        out.extend_from_slice(&text[copied..one.span.start]);
        out.extend_from_slice(one.text.as_bytes());
        copied = one.span.end;
    }
    out.extend_from_slice(&text[copied..]);
    out
}

/// Removes the values that were kept for snapshots which are gone.
///
/// # Errors
/// What the disk says.
pub fn tidy(workspace: &Workspace, now: Timestamp) -> Result<()> {
    // A manifest that was put aside may come back, and need any of them.
    if workspace.store.has_manifests_aside()? {
        return Ok(());
    }
    let mut needed = workspace.store.secrets_in_trash()?;
    for known in workspace.store.known()?.iter() {
        // One that can't be read may need any of them.
        let Ok(head) = &known.head else { return Ok(()) };
        needed.extend(head.secrets.iter().map(|secret| secret.id.clone()));
    }
    Vault::open(workspace.trust.folder(), workspace.store.root())?.tidy(&needed, now)
}
