//! The manifest: everything one snapshot says, as stored in `NAME.json`.
//!
//! Owns the on-disk structs and the format's version; `docs/format.md` describes every key.
//! A manifest is written once and never changed. JSON that belongs to the client (tasks, an
//! agent's metadata) is carried as raw text, byte for byte. Keys that this version does not
//! know are ignored when read; nothing is lost by that, because nothing is written back.

mod around;
pub mod attestation;
mod bits;
pub mod conversion;
mod edits;
mod head;
mod marks;
#[cfg(test)]
mod schema;
mod session;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::base::digest::{Checksum, ObjectId};
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::paths::{NativePath, RepoPath};
use crate::base::screen;
use crate::base::timestamp::Timestamp;
use crate::json::shape;
use crate::manifest::attestation::Proofs;

pub use around::{Around, IgnoredPaths, Sparse, WrittenBy};
pub use bits::Bits;
pub use edits::{
    Change, Converted, ConvertedBy, Diff, DiffForm, Edit, Edits, HiddenBy, IndexState, Mode, Origin, Skipped,
    StageVersion, StagedVersion, Version,
};
pub use head::{Head, named_objects};
pub use marks::{Mark, Marks};
pub use session::{
    Agent, AgentStatus, Cron, Decision, HistoryStart, LeftOut, Permissions, ProjectRules, Rule, Session,
    SideFile, TextFile, Transcript,
};

/// The format that this version writes, and the newest that it reads.
///
/// 1: the first (0.1.0).
pub const FORMAT: u32 = 1;

/// The most files that a snapshot's edits may have.
const MOST_FILES: usize = 200_000;

/// The words of `requires` that this version understands.
const UNDERSTOOD: [&str; 6] = [CONVERTED, EARLIER, REDACTION, RENAMES, SUBMODULES, WAITING_AGENTS];

/// Some diffs lead to what git compares, and not to what is on the disk: [`Diff::converted`].
pub const CONVERTED: &str = "converted";

/// Some diffs lead from what an earlier snapshot has: [`Diff::earlier`].
pub const EARLIER: &str = "earlier";

/// Some edits are diffs against another path's base version: [`Edit::from`].
pub const RENAMES: &str = "renames";

/// Some versions are commits of a submodule: [`Mode::Submodule`].
pub const SUBMODULES: &str = "submodules";

/// Some agent has the status [`AgentStatus::Waiting`].
pub const WAITING_AGENTS: &str = "waiting-agents";

/// The word of `requires` for files that have placeholders where secrets were.
pub const REDACTION: &str = "redaction";

/// The most objects in a bundle.
pub const MOST_OBJECTS: u64 = 200_000;

/// The most that a manifest may measure on disk, in bytes.
pub const LARGEST_MANIFEST: u64 = 64 << 20;

/// One saved moment of a session and its work tree.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Manifest {
    /// The format's version: [`FORMAT`].
    pub format: u32,
    /// What a reader must understand beyond `format`; an unknown word means: refuse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// The snapshot's identity, whatever its file is called.
    pub id: SnapshotId,
    /// What the person called it.
    pub name: String,
    /// Why it was saved, in the person's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was saved.
    pub created_at: Timestamp,
    /// Who and what saved it.
    pub created_by: CreatedBy,
    /// The snapshot of the same session before it.
    pub parent: Option<SnapshotId>,
    /// A hash over everything captured: equal hashes, equal states.
    pub state: ObjectId,
    /// Where it was saved.
    pub workspace: Workspace,
    /// The conversation, if one was found.
    pub session: Option<Session>,
    /// The task queue: each task as the client wrote it.
    #[cfg_attr(test, schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>"))]
    pub tasks: Vec<Box<RawValue>>,
    /// Prompts that were queued and not yet consumed, oldest first.
    pub queue: Vec<String>,
    /// The sub-agents, by id.
    pub agents: Vec<Agent>,
    /// What the agent was allowed to do.
    pub permissions: Permissions,
    /// The pending file edits; `null` outside git.
    pub edits: Option<Edits>,
    /// What was in the work tree and is none of git's business; absent outside git, and in earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub around: Option<Around>,
    /// What exists but is not in here.
    pub not_captured: NotCaptured,
    /// What was taken out of everything above: placeholders stand in its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// For a safety snapshot: what it protects against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety: Option<Safety>,
    /// Who vouches for all of the above: the last lines of the file.
    #[serde(skip)]
    pub proofs: Proofs,
}

/// Who and what saved a snapshot.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CreatedBy {
    /// The login name.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// The version of `snap`.
    pub snap: String,
    /// `manual`, `auto` for a checkpoint that a hook made, or `safety` for the one before a restore.
    pub trigger: Trigger,
}

/// What made `snap` save.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// A person, or a script of theirs.
    Manual,
    /// A hook, before a step that can destroy work or at the end of a session.
    Auto,
    /// `snap` itself, before it overwrote something.
    Safety,
}

/// Where a snapshot was taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Workspace {
    /// The work tree's root; outside git, the project folder.
    pub root: NativePath,
    /// The user's home folder.
    pub home: NativePath,
    /// The client's configuration folder.
    pub config_dir: NativePath,
    /// The work tree's name if it is a linked one.
    pub worktree: Option<String>,
    /// For a linked work tree, the main one's root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<NativePath>,
    /// The roots of the repository's other work trees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<NativePath>,
    /// The branch; `null` when detached or outside git.
    pub branch: Option<String>,
    /// The commit HEAD was at; `null` when unborn or outside git.
    #[cfg_attr(test, schemars(regex(pattern = "^([0-9a-f]{40}|[0-9a-f]{64})$")))]
    pub head: Option<String>,
}

/// The name and size of an object in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ObjectRef {
    /// The BLAKE3 hash of the raw content.
    pub object: ObjectId,
    /// The raw size in bytes.
    pub size: u64,
}

/// Bytes that a snapshot holds: small text in place, anything else as objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Content {
    /// Small UTF-8 text, in the manifest itself.
    Text {
        /// The text.
        text: String,
    },
    /// One object.
    Object(ObjectRef),
    /// Several objects, to be joined.
    Chunks {
        /// The pieces, in order.
        chunks: Vec<ObjectRef>,
    },
    /// Bytes that are computed here, and never stored.
    #[serde(skip)]
    Bytes(Vec<u8>),
}

impl Content {
    /// Returns its size in bytes, as it is stated.
    pub fn size(&self) -> u64 {
        match self {
            Content::Text { text } => text.len() as u64,
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Object(_) | Content::Chunks { .. } => {
                self.objects().iter().fold(0, |sum: u64, object| sum.saturating_add(object.size))
            }
        }
    }

    /// Returns the objects it refers to.
    pub fn objects(&self) -> &[ObjectRef] {
        match self {
            Content::Text { .. } | Content::Bytes(_) => &[],
            Content::Object(object) => std::slice::from_ref(object),
            Content::Chunks { chunks } => chunks,
        }
    }
}

/// What exists but is never captured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NotCaptured {
    /// The commands of background processes.
    pub processes: Vec<String>,
    /// MCP servers that are configured: name and transport, never addresses or headers.
    pub mcp_servers: Vec<McpServer>,
    /// Prompts that the client would have sent by itself, each with its schedule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scheduled: Vec<String>,
    /// Options that the client was started with and that the next one is not, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// What identifies the account of whoever saved it, and was left out; in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub account: Vec<String>,
    /// Names of environment variables that settings or servers define.
    pub environment: Vec<String>,
    /// Files and folders of the client's that are there but could not be saved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Skipped>,
    /// Secrets that were left out (kind and place).
    pub secrets: Vec<String>,
}

/// An MCP server by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct McpServer {
    /// The name.
    pub name: String,
    /// `stdio`, `http`, `sse`, …
    pub transport: String,
}

/// A secret that was taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Secret {
    /// What its placeholders say.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z2-7]{12}$")))]
    pub id: String,
    /// What it is: a vendor's kind, `known` or `secret`.
    pub kind: String,
    /// Whether only its name and its look say that it is one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub likely: bool,
    /// The variables or fields that held it.
    pub names: Vec<String>,
    /// Where it stood, for a person; the first places only.
    pub places: Vec<String>,
    /// How often it stood there.
    pub times: u64,
}

/// How a redacted file becomes what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Redaction {
    /// What was replaced in the base before the diff was made, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base: Vec<Replaced>,
    /// The secrets of the result that its base does not have, by ID.
    pub secrets: Vec<String>,
    /// A keyed hash of path and original.
    #[cfg_attr(test, schemars(regex(pattern = "^[0-9a-f]{64}$")))]
    pub mac: String,
    /// Which key that was.
    #[cfg_attr(test, schemars(regex(pattern = "^[0-9a-f]{16}$")))]
    pub key: String,
}

/// A piece of a base that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Replaced {
    /// Where it began, in bytes.
    pub at: u64,
    /// How long it was.
    pub bytes: u64,
    /// The placeholder.
    pub with: String,
}

/// What a safety snapshot is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Safety {
    /// The snapshot that was about to be restored.
    pub restores: SnapshotId,
    /// Its name.
    pub name: String,
    /// The paths that were about to be set: those that `snap undo` puts back.
    pub paths: Vec<RepoPath>,
    /// Empty folders that were about to be made: `snap undo` removes those that are still empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<RepoPath>,
    /// Empty folders that were about to be removed: `snap redo` makes them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<RepoPath>,
}

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
            session.files.iter().map(|file| &file.place).chain(elsewhere).map(RepoPath::as_bytes)
        });
        let agents = self.agents.iter().map(|agent| agent.id.as_str().as_bytes());
        let twice = first_twice(paths).or_else(|| first_twice(places)).or_else(|| first_twice(agents));
        match twice {
            None => Ok(()),
            Some(name) => Err(format!("{} is in it twice", screen::Line(&String::from_utf8_lossy(name)))),
        }
    }

    /// Returns how many bytes everything in it has when it is unfolded, as it says itself; what
    /// is used twice counts twice.
    pub fn unfolded(&self) -> u64 {
        let converted = |diff: &Diff| diff.converted.as_ref().map_or(0, |converted| converted.bytes);
        let results = self.diffs().map(|diff| diff.bytes.saturating_add(converted(diff)));
        let objects = self.session_objects().into_iter().chain(self.edit_objects());
        objects.map(|object| object.size).chain(results).fold(0, u64::saturating_add)
    }

    /// Returns how many files a restore of all of it sets, in the work tree and in the client's folders.
    pub fn files(&self) -> usize {
        let of_session = |session: &Session| {
            let lists = if session.team_tasks { 2 } else { 1 };
            session.files.len() + session.elsewhere.len() + self.tasks.len() * lists + self.agents.len() * 2
        };
        self.edits.as_ref().map_or(0, |edits| edits.files.len()) + self.session.as_ref().map_or(0, of_session)
    }

    /// Returns how many objects have to be read for all of it; one that is used twice counts twice.
    pub fn pieces(&self) -> usize {
        self.session_objects().len() + self.edit_objects().count()
    }

    /// Notes in `requires` what a reader must know to restore this.
    pub(crate) fn note_requirements(&mut self) {
        let mut side_files = self.session.iter().flat_map(|session| &session.files);
        if self.diffs().any(|diff| diff.redaction.is_some())
            || side_files.any(|file| file.redaction.is_some())
        {
            self.requires.push(REDACTION.to_owned());
        }
    }

    /// Returns every object that the snapshot refers to.
    pub fn objects(&self) -> Vec<ObjectRef> {
        let mut all = self.session_objects();
        all.extend(self.edit_objects());
        all.sort_by_key(|object| object.object);
        all.dedup();
        all
    }

    /// Returns the objects that the session needs.
    pub fn session_objects(&self) -> Vec<ObjectRef> {
        let transcripts = self.session.iter().flat_map(|session| &session.transcript);
        let transcripts = transcripts.chain(self.agents.iter().flat_map(|agent| &agent.transcript));
        let pieces =
            transcripts.flat_map(|t| t.chunks.iter().chain(t.torn.iter().flat_map(Content::objects)));
        let files = self.session.iter().flat_map(|session| &session.files);
        pieces.chain(files.flat_map(|file| file.content.objects())).copied().collect()
    }

    fn edit_objects(&self) -> impl Iterator<Item = ObjectRef> {
        let marks = self.edits.iter().flat_map(|edits| &edits.marks);
        self.diffs().flat_map(Diff::objects).chain(marks.flat_map(Content::objects)).copied()
    }

    /// Returns every diff of its edits.
    pub fn diffs(&self) -> impl Iterator<Item = &Diff> {
        self.edits.iter().flat_map(|edits| &edits.files).flat_map(Edit::diffs)
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

fn check_sum(json: &[u8]) -> Result<()> {
    let place = checksum_place(json).ok_or_else(|| missing_checksum("it has no checksum"))?;
    let mut sum = Checksum::default();
    [&json[..place.start], &[b'0'; 64], &json[place.end..]].iter().for_each(|piece| sum.update(piece));
    match sum.finish().to_string().as_bytes() == &json[place] {
        true => Ok(()),
        false => Err(missing_checksum("its content does not match its checksum")),
    }
}

fn missing_checksum(why: &str) -> Error {
    Error::new(Kind::Damaged, "The manifest can't be believed").because(why)
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
fn believed<'a, T: Deserialize<'a>>(
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
            Some(feature) => format!("it needs {:?}", screen::Line(feature).to_string()),
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
