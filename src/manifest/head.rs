//! A manifest's head: what identifies a snapshot and whose it is, without its edits and its conversation.
//!
//! To find one snapshot, many are looked through. With heads, that takes only as long as reading their
//! files.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::attestation::Proofs;
use super::envelope::{believed, check_sum};
use super::{CreatedBy, Manifest, Secret, Trigger};
use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::packed::{Unpacker, put, put_signed};
use crate::base::paths::NativePath;
use crate::base::timestamp::Timestamp;

/// What tells a snapshot from others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    format: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requires: Vec<String>,
    /// Its identity.
    pub id: SnapshotId,
    /// What the person called it.
    pub name: String,
    /// When it was saved.
    pub created_at: Timestamp,
    /// Who and what saved it.
    pub created_by: CreatedBy,
    /// The hash of the state that it holds.
    pub state: ObjectId,
    workspace: WorkspaceFields,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<SessionFields>,
    /// The secrets that were taken out of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// Whether it is a safety snapshot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", deserialize_with = "is_there")]
    pub safety: bool,
    /// What vouches for it.
    #[serde(skip)]
    pub proofs: Proofs,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct WorkspaceFields {
    root: NativePath,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SessionFields {
    id: ClientId,
}

fn is_there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<bool, D::Error> {
    Ok(Option::<serde::de::IgnoredAny>::deserialize(deserializer)?.is_some())
}

impl Head {
    /// Reads it from a whole manifest; the rest is skipped, and believed by its checksum alone.
    ///
    /// # Errors
    /// As [`Manifest::from_json`].
    pub fn from_json(json: &[u8]) -> Result<Head> {
        let head: Head = believed(json, |head: &Head| (head.format, &head.requires))?;
        Ok(Head { proofs: Proofs::of(json), ..head })
    }

    /// Takes it from a manifest that was read.
    pub fn of(manifest: &Manifest) -> Head {
        Head {
            format: manifest.format,
            requires: manifest.requires.clone(),
            id: manifest.id.clone(),
            name: manifest.name.clone(),
            created_at: manifest.created_at,
            created_by: manifest.created_by.clone(),
            state: manifest.state,
            workspace: WorkspaceFields { root: manifest.workspace.root.clone() },
            session: manifest.session.as_ref().map(|session| SessionFields { id: session.id.clone() }),
            secrets: manifest.secrets.clone(),
            safety: manifest.safety.is_some(),
            proofs: manifest.proofs.clone(),
        }
    }

    /// Says whether it is the head of a manifest, as far as anybody goes by it.
    pub fn is_of(&self, manifest: &Manifest) -> bool {
        self.says_the_same(&Head::of(manifest))
    }

    /// Says whether another head tells the same of a snapshot, as far as anybody goes by it.
    pub fn says_the_same(&self, other: &Head) -> bool {
        let Head { id, name, created_at, state, safety, .. } = other;
        (&self.id, &self.name, &self.created_at, &self.state) == (id, name, created_at, state)
            && self.safety == *safety
            && self.created_by.trigger == other.created_by.trigger
            && self.root() == other.root()
            && self.session() == other.session()
    }

    /// Adds it to bytes, but for its proofs; `None` if it is too large for that.
    pub fn pack(&self, into: &mut Vec<u8>) -> Option<()> {
        put_signed(into, self.created_at.as_millis());
        let trigger = TRIGGERS.iter().position(|one| *one == self.created_by.trigger)?;
        into.extend([u8::try_from(trigger).ok()?, u8::from(self.safety)]);
        into.extend_from_slice(&self.format.to_le_bytes());
        into.extend_from_slice(self.state.as_bytes());
        let CreatedBy { user, host, snap, .. } = &self.created_by;
        for text in [self.id.as_str(), &self.name, user, host, snap] {
            put(into, text.as_bytes())?;
        }
        put(into, self.root().as_path().as_os_str().as_bytes())?;
        // No session has an empty name.
        put(into, self.session().map_or("", ClientId::as_str).as_bytes())?;
        if !(self.requires.is_empty() && self.secrets.is_empty()) {
            into.extend(serde_json::to_vec(&(&self.requires, &self.secrets)).ok()?);
        }
        Some(())
    }

    /// Reads what [`Head::pack`] wrote, to the end.
    pub fn unpack(from: &mut Unpacker<'_>) -> Option<Head> {
        let created_at = Timestamp::from_millis(from.signed()?);
        let trigger = *TRIGGERS.get(usize::from(from.byte()?))?;
        let safety = from.byte()? == 1;
        let format = u32::from_le_bytes(from.bytes(4)?.try_into().ok()?);
        let state = ObjectId::from_bytes(from.bytes(32)?.try_into().ok()?);
        let (id, name) = (SnapshotId::parse(from.text()?)?, from.text()?.to_owned());
        let (user, host, snap) = (from.text()?.to_owned(), from.text()?.to_owned(), from.text()?.to_owned());
        let root = NativePath::from(Path::new(OsStr::from_bytes(from.part()?)));
        let session = match from.text()? {
            "" => None,
            text => Some(SessionFields { id: ClientId::parse(text)? }),
        };
        let (requires, secrets) = match from.rest() {
            b"" => <(Vec<String>, Vec<Secret>)>::default(),
            json => serde_json::from_slice(json).ok()?,
        };
        Some(Head {
            format,
            requires,
            id,
            name,
            created_at,
            created_by: CreatedBy { user, host, snap, trigger },
            state,
            workspace: WorkspaceFields { root },
            session,
            secrets,
            safety,
            proofs: Proofs::default(),
        })
    }

    /// Returns the root of the work tree that it is of.
    pub fn root(&self) -> &NativePath {
        &self.workspace.root
    }

    /// Returns the client's id of its session.
    pub fn session(&self) -> Option<&ClientId> {
        self.session.as_ref().map(|session| &session.id)
    }
}

/// What made `snap` save, by numbers.
const TRIGGERS: [Trigger; 3] = [Trigger::Manual, Trigger::Auto, Trigger::Safety];

/// How an object is named in a manifest that was written here.
const OBJECT: &[u8] = b"\"object\": \"";

/// Returns the objects that a manifest names, as far as they are written the way they are here: no text in it can look
/// like that, as its quotes are escaped.
pub fn named_objects(json: &[u8]) -> BTreeSet<ObjectId> {
    let behind = memchr::memmem::find_iter(json, OBJECT).map(|at| at + OBJECT.len());
    let name = |at: usize| ObjectId::parse(std::str::from_utf8(json.get(at..at + 64)?).ok()?);
    behind.filter_map(name).collect()
}

/// The length of an object's name.
const NAME: usize = 64;

/// Returns every object that a manifest may name, and perhaps what only looks like one: for who must miss none. No more of
/// it is read than its checksum, unless it was written in an odd way.
///
/// # Errors
/// As [`Manifest::from_json`].
pub fn may_name(json: &[u8]) -> Result<Vec<ObjectId>> {
    check_sum(json)?;
    if has_escaped_letters(json) {
        let manifest = Manifest::from_json(json)?;
        return Ok(manifest.objects().iter().map(|object| object.object).collect());
    }
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let (mut names, mut at) = (Vec::new(), NAME - 1);
    // A run of so many digits has one in every so many bytes.
    while let Some(byte) = json.get(at) {
        if !is_digit(byte) {
            at += NAME;
            continue;
        }
        let start = json[..at].iter().rposition(|byte| !is_digit(byte)).map_or(0, |before| before + 1);
        let end = json[at..].iter().position(|byte| !is_digit(byte)).map_or(json.len(), |length| at + length);
        if end - start == NAME
            && let Ok(text) = std::str::from_utf8(&json[start..end])
        {
            names.extend(ObjectId::parse(text));
        }
        at = end + NAME;
    }
    Ok(names)
}

/// Returns the digests that a manifest has of itself, as it is written here.
pub fn names_of_itself(json: &[u8]) -> Vec<ObjectId> {
    let digest = |key: &[u8]| {
        let start = memchr::memmem::rfind(json, key)? + key.len();
        let digits = json[start..].split(|byte| *byte == b'"').next()?;
        ObjectId::parse(std::str::from_utf8(digits).ok()?)
    };
    [&b"\n  \"state\": \""[..], b"\n  \"mac\": \"", b"\n  \"checksum\": \""]
        .into_iter()
        .filter_map(digest)
        .collect()
}

/// Says whether a letter or digit may be written as an escape: nothing here does that.
fn has_escaped_letters(json: &[u8]) -> bool {
    const ESCAPE: &[u8] = b"\\u00";
    memchr::memmem::find_iter(json, ESCAPE)
        .any(|at| json.get(at + ESCAPE.len()).is_some_and(|digit| (b'2'..=b'7').contains(digit)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::seal;

    #[test]
    fn a_packed_head_is_the_same_again_and_none_if_it_is_cut_off() {
        let plain = serde_json::json!({
            "format": 1, "id": "0123456789abcdef0123456789abcdef", "name": "größer\u{1b}", "state": "a".repeat(64),
            "created_at": "2026-11-30T22:20:33.475Z", "workspace": {"root": "/work"},
            "created_by": {"user": "ada", "host": "", "snap": "1.2.3", "trigger": "manual"},
        });
        let mut full = plain.clone();
        full["requires"] = serde_json::json!(["earlier", "redaction"]);
        full["session"] = serde_json::json!({"id": "c137e379-838e-4509-8148-16b407691758"});
        full["workspace"] = serde_json::json!({"root": {"hex": "2fff"}});
        full["created_by"]["trigger"] = serde_json::json!("safety");
        full["safety"] = serde_json::json!({"before": "rewind"});
        full["secrets"] = serde_json::json!([{"id": "abcdefghijkl", "kind": "known", "names": ["A"], "places": [], "times": 2}]);
        for (said, may_end_early) in [(plain, false), (full, true)] {
            let head: Head = serde_json::from_value(said).expect("a head");
            let mut packed = Vec::new();
            head.pack(&mut packed).expect("small enough");
            let unpacked = |bytes: &[u8]| Head::unpack(&mut Unpacker::of(bytes));
            let json = |head: &Head| serde_json::to_value(head).expect("JSON");
            assert_eq!(json(&unpacked(&packed).expect("a head")), json(&head));
            let cut_off = (0..packed.len()).filter(|length| unpacked(&packed[..*length]).is_some()).count();
            assert_eq!(cut_off, usize::from(may_end_early), "only the whole rest can be missing");
        }
    }

    #[test]
    fn no_object_is_missed_wherever_its_name_stands_and_however_it_is_written() {
        let wanted = ObjectId::of(b"an object");
        let name = wanted.to_string();
        let sealed = |text: &str| {
            let sum = "0".repeat(64);
            seal(format!("{text}\"checksum\": \"{sum}\"}}\n").into_bytes()).expect("a checksum")
        };
        for before in 0..200 {
            let json = sealed(&format!("{{\"x\": \"{}\", \"object\":\"{name}\",", "a".repeat(before)));
            assert!(may_name(&json).expect("names").contains(&wanted), "{before}");
        }
        let escaped = format!("{{\"object\":\"\\u00{:x}{}\",", name.as_bytes()[0], &name[1..]);
        let read = may_name(&sealed(&escaped));
        assert!(read.is_err(), "it is read as a whole, and this is no manifest");
        assert!(may_name(b"{}").is_err());
    }
}
