//! The manifest: everything one snapshot says, as stored in `NAME.json`.
//!
//! Owns the on-disk structs and the format's version; `docs/format.md` describes every key.
//! A manifest is written once and never changed. JSON that belongs to the client (tasks, an
//! agent's metadata) is carried as raw text, byte for byte. Keys that this version does not
//! know are ignored when read; nothing is lost by that, because nothing is written back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::digest::{Checksum, GitHash, ObjectId};
use crate::error::{Error, Kind, Result};
use crate::ids::{ClientId, SnapshotId};
use crate::json_shape;
use crate::paths::{NativePath, RepoPath};
use crate::proofs::Proofs;
use crate::screen;
use crate::timestamp::Timestamp;

/// The format that this version writes, and the newest that it reads.
///
/// 1: the first (0.1.0).
pub const FORMAT: u32 = 1;

/// The most files that a snapshot's edits may have.
const MOST_FILES: usize = 200_000;

/// The words of `requires` that this version understands.
const UNDERSTOOD: [&str; 4] = [REDACTION, RENAMES, SUBMODULES, WAITING_AGENTS];

/// Some edits are diffs against another path's base version: [`Edit::from`].
pub const RENAMES: &str = "renames";

/// Some versions are commits of a submodule: [`Mode::Submodule`].
pub const SUBMODULES: &str = "submodules";

/// Some agent has the status [`AgentStatus::Waiting`].
pub const WAITING_AGENTS: &str = "waiting-agents";

/// The word of `requires` for files that have placeholders where secrets were.
pub const REDACTION: &str = "redaction";

/// The most that a manifest may measure on disk, in bytes.
pub const LARGEST_MANIFEST: u64 = 64 << 20;

/// One saved moment of a session and its work tree.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    pub tasks: Vec<Box<RawValue>>,
    /// Prompts that were queued and not yet consumed, oldest first.
    pub queue: Vec<String>,
    /// The sub-agents, by id.
    pub agents: Vec<Agent>,
    /// What the agent was allowed to do.
    pub permissions: Permissions,
    /// The pending file edits; `null` outside git.
    pub edits: Option<Edits>,
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
    pub head: Option<String>,
}

/// A conversation and its side files.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The client's id of the session.
    pub id: ClientId,
    /// The title, if it had one.
    pub title: Option<String>,
    /// The client's version that wrote the last record.
    pub client: Option<String>,
    /// The model that answered last.
    pub model: Option<String>,
    /// Whether its client ran when the snapshot was taken.
    pub live: bool,
    /// `idle`, `busy` or `waiting`, if it ran and said so.
    pub status: Option<String>,
    /// What a waiting session waited for.
    pub waiting_for: Option<String>,
    /// The permission mode.
    pub mode: Option<String>,
    /// The folder that the client worked in.
    pub cwd: NativePath,
    /// The transcript; `null` with `--history none`.
    pub transcript: Option<Transcript>,
    /// The other side files, by their place in the client's folders.
    pub files: Vec<SideFile>,
    /// Whether the tasks are those of the session's team of agents, which the client keeps under another name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub team_tasks: bool,
}

/// A transcript in pieces.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// The size of what is kept, in bytes.
    pub bytes: u64,
    /// The number of whole lines in it.
    pub records: u64,
    /// Where what is kept begins.
    pub from: HistoryStart,
    /// What was left out before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
    /// The pieces, in order, cut at line ends.
    pub chunks: Vec<ObjectRef>,
    /// An unfinished last line, kept aside: it is not part of `chunks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torn: Option<Content>,
}

/// Records of a conversation that its client no longer loads, and that were not saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// How many.
    pub records: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// Where the kept history begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HistoryStart {
    /// The whole transcript.
    #[default]
    Start,
    /// What the client still loads: what came since the last compaction, and what that kept.
    Compaction,
}

/// A file beside the transcript, at `place` below the client's folders.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SideFile {
    /// `session/…` (beside the transcript), `tasks/…` or `file-history/…`.
    pub place: RepoPath,
    /// The size in bytes.
    pub size: u64,
    /// The bytes.
    pub content: Content,
    /// What was taken out of a file of the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
}

/// The name and size of an object in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectRef {
    /// The BLAKE3 hash of the raw content.
    pub object: ObjectId,
    /// The raw size in bytes.
    pub size: u64,
}

/// Bytes that a snapshot holds: small text in place, anything else as objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Returns the objects it refers to.
    pub fn objects(&self) -> &[ObjectRef] {
        match self {
            Content::Text { .. } | Content::Bytes(_) => &[],
            Content::Object(object) => std::slice::from_ref(object),
            Content::Chunks { chunks } => chunks,
        }
    }
}

/// A sub-agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agent {
    /// The client's id of the agent.
    pub id: ClientId,
    /// The agent's type, such as `Explore`.
    #[serde(rename = "type")]
    pub agent_type: Option<String>,
    /// What it was asked to do, in a few words.
    pub description: Option<String>,
    /// How it stood when the snapshot was taken.
    pub status: AgentStatus,
    /// What the status was concluded from.
    pub evidence: String,
    /// The agent that started it, if that was not the session itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ClientId>,
    /// What it did last, in short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// The client's `meta.json`, as it was.
    pub meta: Option<Box<RawValue>>,
    /// The agent's own transcript.
    pub transcript: Option<Transcript>,
}

/// How a sub-agent stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    /// At work when the snapshot was taken.
    Running,
    /// Waiting for a permission, or for an agent that it started.
    Waiting,
    /// Finished.
    Done,
    /// Ended with an error.
    Failed,
    /// Stopped by the user.
    Stopped,
    /// Not finished, and its session no longer runs.
    Interrupted,
}

impl AgentStatus {
    /// Returns the word that stands for it in JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            AgentStatus::Running => "running",
            AgentStatus::Waiting => "waiting",
            AgentStatus::Done => "done",
            AgentStatus::Failed => "failed",
            AgentStatus::Stopped => "stopped",
            AgentStatus::Interrupted => "interrupted",
        }
    }
}

/// What the agent was allowed to do.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Permissions {
    /// The permission mode.
    pub mode: Option<String>,
    /// What was granted for the rest of the session.
    pub session: Vec<Decision>,
    /// The rules in the settings files.
    pub project: ProjectRules,
    /// Every other decision that a person took.
    pub decisions: Vec<Decision>,
}

/// The rules of the settings files, each with the file it stands in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProjectRules {
    /// Granted.
    pub allow: Vec<Rule>,
    /// Refused.
    pub deny: Vec<Rule>,
    /// To be asked each time.
    pub ask: Vec<Rule>,
}

/// One permission rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The rule as the client writes it, such as `Bash(npm run test:*)`.
    pub rule: String,
    /// The settings file: relative to the root, or with a leading `~`.
    pub file: String,
}

/// A decision that a person took on one tool call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The tool, such as `Bash`.
    pub tool: String,
    /// What it was about: the command, the file or the address.
    pub detail: String,
    /// `accept` or `reject`, in the client's word.
    pub decision: String,
    /// `once`, `session` or `permanent`.
    pub scope: String,
    /// When.
    pub at: Option<Timestamp>,
    /// The rules that the client offered for it, if a hook wrote them down. (None of them: the
    /// mode or a folder was offered.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<String>>,
}

/// The pending edits of a work tree against its base commit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Edits {
    /// The commit they are made against; `null` when HEAD was unborn.
    pub base: Option<String>,
    /// How the repository names its objects.
    pub object_format: GitHash,
    /// One entry a path, sorted.
    pub files: Vec<Edit>,
    /// What is pending but not in here, and why.
    pub skipped: Vec<Skipped>,
    /// A merge, rebase or the like that was in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
}

/// One path's pending change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// The path, relative to the root.
    pub path: RepoPath,
    /// What happened to it, seen from the base to the work tree.
    pub change: Change,
    /// In the base commit; `null` if it is not there.
    pub old: Option<Version>,
    /// For a path that is not in the base: the one there that its content goes on from. The
    /// diffs of this entry are then made against that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Origin>,
    /// In the work tree, byte for byte; `null` if it is not there.
    pub new: Option<Version>,
    /// Where the index stands between the two.
    pub index: IndexState,
    /// In the index, for [`IndexState::Partly`]; `null` if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged: Option<StagedVersion>,
    /// In the index, for [`IndexState::Unmerged`]: the stages present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageVersion>,
    /// Whether only its owner may read the file in the work tree.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// A mark in the index that hides edits from git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<HiddenBy>,
    /// How to make `new` from `old`; absent when the content is the same or gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
    /// Lines added from `old` to `new`; 0 for binary content.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
}

impl Edit {
    /// Returns every version with content that is made from the base: a suffix that says where it is, for
    /// people, the version, and the diff that leads to it.
    pub fn made_versions(&self) -> Vec<(&'static str, &Version, Option<&Diff>)> {
        let new = self.new.iter().map(|new| ("", new, self.diff.as_ref()));
        let staged = self.staged.iter().map(|one| (" (staged)", &one.version, one.diff.as_ref()));
        let stages = self.stages.iter().map(|one| (" (unmerged)", &one.version, one.diff.as_ref()));
        new.chain(staged).chain(stages).filter(|(_, version, _)| !version.is_submodule()).collect()
    }

    /// Makes the entry of a path that is nowhere, to be filled in.
    pub(crate) fn of(path: RepoPath) -> Edit {
        Edit {
            path,
            change: Change::IndexOnly,
            old: None,
            from: None,
            new: None,
            index: IndexState::Unstaged,
            staged: None,
            stages: Vec::new(),
            private: false,
            hidden: None,
            diff: None,
            added: 0,
            removed: 0,
        }
    }

    /// Returns every version that this entry speaks of.
    pub fn versions(&self) -> impl Iterator<Item = &Version> {
        let staged = self.staged.iter().map(|staged| &staged.version);
        let stages = self.stages.iter().map(|stage| &stage.version);
        let from = self.from.iter().map(|from| &from.version);
        self.old.iter().chain(&self.new).chain(staged).chain(stages).chain(from)
    }

    /// Returns the version in the base commit that the diffs of this entry are made against.
    pub fn diffed_against(&self) -> Option<&Version> {
        self.from.as_ref().map(|from| &from.version).or(self.old.as_ref())
    }
}

impl Edits {
    /// Returns the entries as a person counts them: without the deletions that are the other
    /// half of a rename.
    pub fn listed(&self) -> impl Iterator<Item = &Edit> {
        let renamed = self.files.iter().filter(|edit| edit.change == Change::Renamed);
        let left: BTreeSet<&RepoPath> = renamed.flat_map(|edit| &edit.from).map(|from| &from.path).collect();
        let other_half = move |edit: &&Edit| edit.change == Change::Deleted && left.contains(&edit.path);
        self.files.iter().filter(move |edit| !other_half(edit))
    }
}

/// Where the content of a renamed or copied path comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The path in the base commit.
    pub path: RepoPath,
    /// What the base commit has there.
    #[serde(flatten)]
    pub version: Version,
}

/// One stage of an unmerged path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageVersion {
    /// 1 (common ancestor), 2 (ours) or 3 (theirs).
    pub stage: u8,
    /// The blob's id and mode.
    #[serde(flatten)]
    pub version: Version,
    /// How to make it from `old`; absent when the content is that of `old`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
}

/// What hides a path's edits from git.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HiddenBy {
    /// `git update-index --assume-unchanged`.
    AssumeUnchanged,
    /// `git update-index --skip-worktree`.
    SkipWorktree,
}

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// In the work tree only.
    Added,
    /// The same, going on from a file of the base that is gone: see [`Edit::from`].
    Renamed,
    /// The same, repeating a file of the base that is still there.
    Copied,
    /// Other content, mode or both.
    Modified,
    /// In the base only.
    Deleted,
    /// The work tree is as the base; only the index differs.
    IndexOnly,
}

/// Where the index stands for an edited path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IndexState {
    /// As the base: nothing is staged (for a path that is not in the base: untracked).
    Unstaged,
    /// As the work tree: all is staged.
    Staged,
    /// As neither: `staged` holds it.
    Partly,
    /// An empty entry made by `git add --intent-to-add`.
    IntentToAdd,
    /// Several stages of an unfinished merge.
    Unmerged,
}

/// A blob's id and mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The id that the repository gives to these bytes as a blob.
    pub oid: String,
    /// `100644`, `100755`, `120000` or `160000`.
    pub mode: Mode,
}

impl Version {
    /// Says whether it is the commit of a submodule, which has no content here.
    pub fn is_submodule(&self) -> bool {
        self.mode == Mode::Submodule
    }
}

/// What the index holds for a path, when that is neither the base's nor the work tree's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StagedVersion {
    /// The blob's id and mode.
    #[serde(flatten)]
    pub version: Version,
    /// How to make it from `old`; absent when the content is that of `old`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
}

/// A file's mode as git knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// A plain file.
    #[serde(rename = "100644")]
    File,
    /// A file that may be executed.
    #[serde(rename = "100755")]
    Executable,
    /// A symbolic link; its content is the target.
    #[serde(rename = "120000")]
    Link,
    /// A submodule: the id is that of a commit in another repository.
    #[serde(rename = "160000")]
    Submodule,
}

impl Mode {
    /// Returns the six octal digits.
    pub fn octal(self) -> &'static str {
        match self {
            Mode::File => "100644",
            Mode::Executable => "100755",
            Mode::Link => "120000",
            Mode::Submodule => "160000",
        }
    }

    /// Reads the six octal digits; `None` for a folder.
    pub fn from_octal(text: &str) -> Option<Mode> {
        let all = [Mode::File, Mode::Executable, Mode::Link, Mode::Submodule];
        all.into_iter().find(|mode| mode.octal() == text)
    }

    /// Says whether it is a file, executable or not: neither link nor submodule.
    pub fn is_file(self) -> bool {
        matches!(self, Mode::File | Mode::Executable)
    }
}

/// How to make one version of a file from another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    /// The form of `content`.
    pub form: DiffForm,
    /// The size of the result in bytes.
    pub bytes: u64,
    /// The hunks, the delta or the whole.
    #[serde(flatten)]
    pub content: Content,
    /// What was taken out of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
}

/// The form of a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiffForm {
    /// Unified text hunks against the old content.
    Hunks,
    /// A zstd frame with the old content as prefix.
    Delta,
    /// The new content itself.
    Whole,
}

/// A path that is pending but was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The path, with unsafe characters escaped.
    pub path: String,
    /// Why, for a person.
    pub reason: String,
}

/// What exists but is never captured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct NotCaptured {
    /// The commands of background processes.
    pub processes: Vec<String>,
    /// MCP servers that are configured: name and transport, never addresses or headers.
    pub mcp_servers: Vec<McpServer>,
    /// Prompts that the client would have sent by itself, each with its schedule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scheduled: Vec<String>,
    /// Names of environment variables that settings or servers define.
    pub environment: Vec<String>,
    /// Secrets that were left out (kind and place).
    pub secrets: Vec<String>,
}

/// An MCP server by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct McpServer {
    /// The name.
    pub name: String,
    /// `stdio`, `http`, `sse`, …
    pub transport: String,
}

/// A secret that was taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// What its placeholders say.
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
pub struct Redaction {
    /// What was replaced in the base before the diff was made, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base: Vec<Replaced>,
    /// The secrets of the result that its base does not have, by ID.
    pub secrets: Vec<String>,
    /// A keyed hash of path and original.
    pub mac: String,
    /// Which key that was.
    pub key: String,
}

/// A piece of a base that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct Safety {
    /// The snapshot that was about to be restored.
    pub restores: SnapshotId,
    /// Its name.
    pub name: String,
    /// The paths that were about to be set: those that `snap undo` puts back.
    pub paths: Vec<RepoPath>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`Kind::NewerFormat`] if a later version wrote it, else [`Kind::Damaged`].
    pub fn from_json(json: &[u8]) -> Result<Manifest> {
        let unreadable = |why: String| Error::new(Kind::Damaged, "The manifest can't be read").because(why);
        json_shape::check(json).map_err(unreadable)?;
        check_format(json)?;
        check_sum(json)?;
        let mut manifest: Manifest =
            serde_json::from_slice(json).map_err(|error| unreadable(error.to_string()))?;
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
        let places = self.session.iter().flat_map(|session| &session.files).map(|file| file.place.as_bytes());
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
        let edits = self.edits.iter().flat_map(|edits| &edits.files);
        let diffs = edits.flat_map(|edit| {
            let staged = edit.staged.iter().flat_map(|staged| &staged.diff);
            edit.diff.iter().chain(staged).chain(edit.stages.iter().flat_map(|stage| &stage.diff))
        });
        let results = diffs.map(|diff| diff.bytes);
        let objects = self.session_objects().into_iter().chain(self.edit_objects());
        objects.map(|object| object.size).chain(results).fold(0, u64::saturating_add)
    }

    /// Notes in `requires` what a reader must know to restore this.
    pub(crate) fn note_requirements(&mut self) {
        let files = self.edits.iter().flat_map(|edits| &edits.files);
        let mut diffs = files.flat_map(|edit| {
            let staged = edit.staged.iter().flat_map(|staged| &staged.diff);
            edit.diff.iter().chain(staged).chain(edit.stages.iter().flat_map(|stage| &stage.diff))
        });
        let mut side_files = self.session.iter().flat_map(|session| &session.files);
        if diffs.any(|diff| diff.redaction.is_some()) || side_files.any(|file| file.redaction.is_some()) {
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
        let files = self.edits.iter().flat_map(|edits| &edits.files);
        let diffs = files.flat_map(|edit| {
            let staged = edit.staged.iter().flat_map(|staged| &staged.diff);
            edit.diff.iter().chain(staged).chain(edit.stages.iter().flat_map(|stage| &stage.diff))
        });
        diffs.flat_map(|diff| diff.content.objects()).copied()
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

/// Checks the version before anything else is believed.
fn check_format(json: &[u8]) -> Result<()> {
    #[derive(Deserialize)]
    struct Envelope {
        format: u32,
        #[serde(default)]
        requires: Vec<String>,
    }
    let envelope: Envelope = serde_json::from_slice(json)
        .map_err(|error| Error::new(Kind::Damaged, "This is not a snapshot's manifest").because(error))?;
    let unknown = envelope.requires.iter().find(|word| !UNDERSTOOD.contains(&word.as_str()));
    if envelope.format > FORMAT || unknown.is_some() {
        let needs = match unknown {
            Some(feature) => format!("it needs {:?}", screen::Line(feature).to_string()),
            None => format!("its format is {}, this version reads up to {FORMAT}", envelope.format),
        };
        return Err(Error::new(Kind::NewerFormat, "A later version of snap wrote this snapshot")
            .because(needs)
            .hint("install the newest `claude-snap`; this one has changed nothing"));
    }
    if envelope.format == 0 {
        return Err(Error::new(Kind::Damaged, "This is not a snapshot's manifest").because("its format is 0"));
    }
    Ok(())
}
