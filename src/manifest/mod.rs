//! The manifest: everything one snapshot says, as stored in `NAME.json`.
//!
//! Owns the on-disk structs and the format's version; `docs/format.md` describes every key. A manifest is
//! written once and never changed. JSON that belongs to the client (tasks, an agent's metadata) is kept as
//! raw text, byte for byte. Keys that this version does not know are ignored when read. Nothing is lost by
//! that, because nothing is written back.

pub mod attestation;
mod bits;
pub mod conversion;
mod diffs;
mod edits;
mod envelope;
mod head;
mod marks;
mod mode;
#[cfg(test)]
mod schema;
mod session;
mod summary;
mod surroundings;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::base::digest::ObjectId;
use crate::base::ids::SnapshotId;
use crate::base::paths::{NativePath, RepoPath};
use crate::base::timestamp::Timestamp;
use crate::manifest::attestation::Proofs;

pub use bits::Bits;
pub use diffs::{Converted, ConvertedBy, Diff, DiffForm};
pub use edits::{
    Change, Edit, Edits, HiddenBy, IndexState, Origin, SUBMODULE_GONE, SavedIn, SavedVersion, Skipped,
    StageVersion, StagedVersion, Version,
};
pub use envelope::{FORMAT, LARGEST_MANIFEST, MOST_OBJECTS, seal};
pub use head::{Head, may_name, named_objects, names_of_itself};
pub use marks::{Mark, Marks};
pub use mode::Mode;
pub use session::{
    Agent, AgentStatus, Cron, Decision, HistoryStart, LeftOut, Permissions, ProjectRules, SavedRule, Script,
    Session, SideFile, Spoken, TextFile, Todo, Transcript,
};
pub use summary::{EditCount, Summary, TaskCount};
pub use surroundings::{IgnoredPaths, Sparse, Surroundings, WrittenBy};

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
    /// The snapshots of other lines of work that are merged into what this one holds, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<Merged>,
    /// The snapshot that was brought back here last, if it is known what of its edits was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Merged>,
    /// The last restore that set files here and was not undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_restore: Option<LastRestore>,
    /// A hash over everything captured: equal hashes, equal states.
    pub state: ObjectId,
    /// Where it was saved.
    pub workspace: SavedWorkspace,
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
    /// What was in the work tree beside its edits; absent outside git, and in earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub around: Option<Surroundings>,
    /// What exists but is not in here.
    pub not_captured: NotCaptured,
    /// What was redacted in everything above: placeholders replace it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// For a safety snapshot: what it protects against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety: Option<Safety>,
    /// Who vouches for all of the above: the last lines of the file.
    #[serde(skip)]
    pub proofs: Proofs,
}

/// A snapshot that was merged, or brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Merged {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// What of its edits was not taken: held back, or could not be made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<RepoPath>,
    /// Of a merge that set files: what there was before. It tells this merge from the same one, made again after it was undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety: Option<SnapshotId>,
}

/// A restore that set files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LastRestore {
    /// What was brought back.
    pub snapshot: SnapshotId,
    /// What there was before: the safety snapshot of this restore alone.
    pub safety: SnapshotId,
    /// Whether another branch of git was checked out since. Its name is not kept: it may hold a secret, and would stay in each later
    /// snapshot after the branch was renamed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_branch: bool,
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
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Workspace"))]
pub struct SavedWorkspace {
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
    /// MCP servers that are configured or were used: name and transport, never addresses or headers.
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
    /// Teams of agents that the session led, with the messages that nobody has read yet; in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    /// What else the client keeps of the session, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
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
    /// `stdio`, `http`, `sse`, …; `unknown` if no configuration that is read defines it.
    pub transport: String,
    /// Whether the session called one of its tools.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub used: bool,
}

/// A secret that was redacted.
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
    /// Where it was, for a person; only the first places.
    pub places: Vec<String>,
    /// How often it was there.
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
    /// Those of them that stand there in a code, or that may: the word for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub coded: BTreeMap<String, String>,
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
    /// Empty folders that something was about to be put into: `snap undo` leaves them there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filled: Vec<RepoPath>,
    /// Empty folders that were about to be made: `snap undo` removes those that are still empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<RepoPath>,
    /// Empty folders that were about to be removed: `snap redo` makes them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<RepoPath>,
}

impl Manifest {
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
            session.files.len()
                + session.elsewhere.len()
                + session.scripts.len()
                + self.tasks.len() * lists
                + self.agents.len() * 2
        };
        self.edited_files().len() + self.session.as_ref().map_or(0, of_session)
    }

    /// Returns how many objects have to be read for all of it; one that is used twice counts twice.
    pub fn pieces(&self) -> usize {
        self.session_objects().len() + self.edit_objects().count()
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
        let transcripts = self.transcripts().map(|(_, transcript)| transcript);
        let pieces = transcripts.flat_map(Transcript::objects);
        pieces.chain(self.side_files().iter().flat_map(|file| file.content.objects())).copied().collect()
    }

    fn edit_objects(&self) -> impl Iterator<Item = ObjectRef> {
        let marks = self.edits.iter().flat_map(|edits| &edits.marks);
        self.diffs().flat_map(Diff::objects).chain(marks.flat_map(Content::objects)).copied()
    }

    /// Returns every diff of its edits.
    pub fn diffs(&self) -> impl Iterator<Item = &Diff> {
        self.edited_files().iter().flat_map(Edit::diffs)
    }

    /// Returns its edits, one a path; none outside git.
    pub fn edited_files(&self) -> &[Edit] {
        self.edits.as_ref().map_or(&[], |edits| &edits.files)
    }

    /// Returns the commit without which its edits can't be brought back; `None` if it has no edits.
    pub fn needed_commit(&self) -> Option<&str> {
        self.base_commit().filter(|_| !self.edited_files().is_empty())
    }

    /// Says whether it has nothing of a path that was there when it was saved, or of one in the place of which something stood.
    pub fn lacks(&self, path: &RepoPath) -> bool {
        let is_edited = || self.edited_files().iter().any(|edit| edit.path == *path);
        self.edits.as_ref().is_some_and(|edits| edits.lack(self.around.as_ref(), path)) && !is_edited()
    }

    /// Returns the commit that its edits are made against.
    pub fn base_commit(&self) -> Option<&str> {
        self.edits.as_ref()?.base.as_deref()
    }

    /// Returns the files beside the transcript, by their place in the client's folders.
    pub fn side_files(&self) -> &[SideFile] {
        self.session.as_ref().map_or(&[], |session| &session.files)
    }

    /// Returns the scripts that set variables for the agent's commands.
    pub fn scripts(&self) -> &[Script] {
        self.session.as_ref().map_or(&[], |session| &session.scripts)
    }

    /// Returns every transcript: the session's, and those of its agents.
    pub fn transcripts(&self) -> impl Iterator<Item = (Option<&Agent>, &Transcript)> {
        let own = self.session.iter().filter_map(|session| Some((None, session.transcript.as_ref()?)));
        let agents = self.agents.iter().filter_map(|agent| Some((Some(agent), agent.transcript.as_ref()?)));
        own.chain(agents)
    }
}
