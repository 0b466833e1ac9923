//! How a manifest is written and read as a whole: the format's version, the features that a reader must
//! understand, the checksum.
//!
//! Nothing in a manifest is used before its checksum and its version are checked.

use serde::Deserialize;

use super::attestation::Proofs;
use super::{AgentStatus, Edit, Manifest, Redaction, Version};
use crate::base::digest::{Checksum, ObjectId};
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::base::screen;
use crate::json::shape;

/// The format that this version writes, and the newest that it reads.
///
/// 1: the first (0.1.0).
pub const FORMAT: u32 = 1;

/// The most files that a snapshot's edits may have.
const MOST_FILES: usize = 200_000;

/// The words of `requires` that this version understands.
pub(super) const UNDERSTOOD: [&str; 6] = [CONVERTED, EARLIER, REDACTION, RENAMES, SUBMODULES, WAITING_AGENTS];

/// Some diffs lead to what git compares, and not to what is on the disk: [`super::Diff::converted`].
const CONVERTED: &str = "converted";

/// Some diffs lead from what an earlier snapshot has: [`super::Diff::earlier`].
const EARLIER: &str = "earlier";

/// Some edits are diffs against another path's base version: [`Edit::from`].
const RENAMES: &str = "renames";

/// Some versions are commits of a submodule: [`super::Mode::Submodule`].
const SUBMODULES: &str = "submodules";

/// Some agent has the status [`AgentStatus::Waiting`].
const WAITING_AGENTS: &str = "waiting-agents";

/// The word of `requires` for files that have placeholders where secrets were.
const REDACTION: &str = "redaction";

/// The most objects in a bundle.
pub const MOST_OBJECTS: u64 = 200_000;

/// The most that a manifest may measure on disk, in bytes.
pub const LARGEST_MANIFEST: u64 = 64 << 20;

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`Kind::NewerFormat`] if a later version wrote it, else [`Kind::Damaged`].
    pub fn from_json(json: &[u8]) -> Result<Manifest> {
        let unreadable = |why: String| Error::new(Kind::Damaged, "The manifest can't be read").because(why);
        if check_sum(json).is_ok() {
            shape::check(json).map_err(unreadable)?;
        }
        let mut manifest: Manifest =
            believed(json, |manifest: &Manifest| (manifest.format, &manifest.requires))?;
        manifest.refuse_twice().map_err(unreadable)?;
        manifest.proofs = Proofs::of(json);
        Ok(manifest)
    }

    /// Writes the manifest, for people too.
    ///
    /// # Errors
    /// [`Kind::Bug`]: every value here can be written.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut json = self.body()?;
        json.extend_from_slice(self.proofs.lines().as_bytes());
        // The last key, so that everything before it is covered.
        json.extend_from_slice(format!("  {CHECKSUM} \"{}\"\n}}\n", "0".repeat(64)).as_bytes());
        seal(json)
    }

    /// Returns the hash of everything that its proofs vouch for.
    ///
    /// # Errors
    /// As [`Manifest::to_json`].
    pub fn body_hash(&self) -> Result<ObjectId> {
        Ok(ObjectId::of(&self.body()?))
    }

    /// Writes all but the last lines: what the proofs vouch for.
    fn body(&self) -> Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::new(Kind::Bug, "The manifest can't be written").because(error))?;
        json.truncate(json.len().saturating_sub(2));
        json.extend_from_slice(b",\n");
        Ok(json)
    }

    /// Refuses entries that mean the same file: which of them counts would depend on the reader.
    fn refuse_twice(&self) -> std::result::Result<(), String> {
        let edits = self.edits.iter().flat_map(|edits| &edits.files);
        if edits.clone().count() > MOST_FILES {
            return Err(format!("it has more than {MOST_FILES} edited files"));
        }
        let paths = edits.map(|edit| edit.path.as_bytes());
        let places = self.session.iter().flat_map(|session| {
            let elsewhere = session.elsewhere.iter().map(|file| &file.place);
            let elsewhere = elsewhere.chain(session.scripts.iter().map(|script| &script.place));
            session.files.iter().map(|file| &file.place).chain(elsewhere).map(RepoPath::as_bytes)
        });
        let agents = self.agents.iter().map(|agent| agent.id.as_str().as_bytes());
        let twice = first_twice(paths).or_else(|| first_twice(places)).or_else(|| first_twice(agents));
        match twice {
            None => Ok(()),
            Some(name) => Err(format!("{} is in it twice", screen::Line(&String::from_utf8_lossy(name)))),
        }
    }

    /// Notes in `requires` what a reader must know to restore this.
    pub(crate) fn note_requirements(&mut self) {
        let edits = self.edited_files();
        let is_redacted = |redaction: &Option<Redaction>| redaction.is_some();
        let required = [
            (edits.iter().any(|edit| edit.from.is_some()), RENAMES),
            (edits.iter().flat_map(Edit::versions).any(Version::is_submodule), SUBMODULES),
            (self.agents.iter().any(|agent| agent.status == AgentStatus::Waiting), WAITING_AGENTS),
            (self.diffs().any(|diff| diff.converted.is_some()), CONVERTED),
            (self.diffs().any(|diff| diff.earlier.is_some()), EARLIER),
            (
                self.diffs().any(|diff| is_redacted(&diff.redaction))
                    || self.side_files().iter().any(|file| is_redacted(&file.redaction))
                    || self.scripts().iter().any(|script| is_redacted(&script.redaction)),
                REDACTION,
            ),
        ];
        let required = required.into_iter().filter(|(needed, _)| *needed);
        self.requires = required.map(|(_, word)| word.to_owned()).collect();
    }
}

fn first_twice<'a>(names: impl Iterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
    let mut seen = std::collections::HashSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

const CHECKSUM: &str = "\"checksum\":";

/// Puts the right checksum into a manifest: the BLAKE3 hash of the file with 64 zeros in its place.
///
/// # Errors
/// [`Kind::Damaged`] if it has no place for one.
pub fn seal(mut json: Vec<u8>) -> Result<Vec<u8>> {
    let place = checksum_place(&json).ok_or_else(|| missing_checksum("it has no checksum"))?;
    json[place.clone()].fill(b'0');
    let sum = ObjectId::of(&json).to_string();
    json[place].copy_from_slice(sum.as_bytes());
    Ok(json)
}

pub(super) fn check_sum(json: &[u8]) -> Result<()> {
    let place = checksum_place(json).ok_or_else(|| missing_checksum("it has no checksum"))?;
    let mut sum = Checksum::default();
    [&json[..place.start], &[b'0'; 64], &json[place.end..]].iter().for_each(|piece| sum.update(piece));
    if sum.finish().to_string().as_bytes() == &json[place] {
        Ok(())
    } else {
        Err(missing_checksum("its content does not match its checksum"))
    }
}

fn missing_checksum(why: &str) -> Error {
    Error::new(Kind::Damaged, "The manifest can't be trusted").because(why)
}

/// Returns where the 64 digits stand: behind the last key of that name.
fn checksum_place(json: &[u8]) -> Option<std::ops::Range<usize>> {
    let key = json.windows(CHECKSUM.len()).rposition(|window| window == CHECKSUM.as_bytes())?;
    let behind = key + CHECKSUM.len();
    let quote = behind + json[behind..].iter().take(2).position(|byte| *byte == b'"')?;
    let place = quote + 1..quote + 65;
    let digits = json.get(place.clone())?;
    (digits.iter().all(u8::is_ascii_hexdigit) && json.get(place.end) == Some(&b'"')).then_some(place)
}

/// Reads a manifest, or a part of it, whose version is understood and whose checksum is right.
pub(super) fn believed<'a, T: Deserialize<'a>>(
    json: &'a [u8],
    version: impl Fn(&T) -> (u32, &Vec<String>),
) -> Result<T> {
    // Before it is parsed: what is damaged can be large, and a save looks at all there is.
    let summed = check_sum(json);
    if summed.is_err() {
        // What can't be believed may be from a later version, which is the better thing to say.
        check_format(json)?;
    }
    summed?;
    let read: serde_json::Result<T> = serde_json::from_slice(json);
    match &read {
        Ok(read) => {
            let (format, requires) = version(read);
            check_version(format, requires)?;
        }
        Err(_) => check_format(json)?,
    }
    read.map_err(|error| Error::new(Kind::Damaged, "The manifest can't be read").because(error))
}

/// Checks the version of what can't be read otherwise.
fn check_format(json: &[u8]) -> Result<()> {
    #[derive(Deserialize)]
    struct Envelope {
        format: u32,
        #[serde(default)]
        requires: Vec<String>,
    }
    let envelope: Envelope = serde_json::from_slice(json)
        .map_err(|error| Error::new(Kind::Damaged, "This is not a snapshot's manifest").because(error))?;
    check_version(envelope.format, &envelope.requires)
}

fn check_version(format: u32, requires: &[String]) -> Result<()> {
    let unknown = requires.iter().find(|word| !UNDERSTOOD.contains(&word.as_str()));
    if format > FORMAT || unknown.is_some() {
        let needs = match unknown {
            Some(feature) => format!("it needs \"{}\"", screen::Line(feature)),
            None => format!("its format is {format}, this version reads up to {FORMAT}"),
        };
        return Err(Error::new(Kind::NewerFormat, "A later version of snap wrote this snapshot")
            .because(needs)
            .hint("install the newest `claude-snap`; this one has changed nothing"));
    }
    if format == 0 {
        return Err(Error::new(Kind::Damaged, "This is not a snapshot's manifest").because("its format is 0"));
    }
    Ok(())
}
