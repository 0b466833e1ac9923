//! Checkpoints whose conversation was to follow, noted until it is there: a person is told once of those that it did not reach.
//!
//! The notes lie in the user's own folder. A step does not wait until they are durable: one that a power cut takes is only not told of.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::error::Error;
use crate::base::ids::SnapshotId;
use crate::base::paths::NativePath;
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::capture;
use crate::cli::program_name;
use crate::context::Context;
use crate::sys::files::Draft;
use crate::sys::place::{OwnPath, Root};
use crate::workspace::Workspace;

/// The folder of the notes.
const NOTES: &str = "unfinished";

/// A note is not longer than this, in bytes.
const LONGEST: u64 = 64 << 10;

/// After this, whoever was to add a conversation has ended without a word.
const PATIENCE: Duration = Duration::from_secs(60);

/// After this, nobody came to be told.
const OLD: Duration = Duration::from_secs(30 * 24 * 3_600);

/// A checkpoint whose conversation follows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Unfinished {
    pub(crate) snapshot: SnapshotId,
    pub(crate) name: String,
    /// The work tree.
    pub(crate) root: NativePath,
    pub(crate) store: NativePath,
    pub(crate) session: Option<String>,
    pub(crate) since: Timestamp,
    /// Why it could not be added, once that is known.
    pub(crate) why: Option<String>,
}

/// What a person is told of one.
pub(crate) struct ToldOf {
    /// What is wrong,
    pub(crate) what: String,
    /// and what mends it.
    pub(crate) mend: &'static str,
}

impl ToldOf {
    /// Returns both as a sentence.
    pub(crate) fn sentence(&self) -> String {
        format!("snap: {}; {}.", self.what, program_name::in_words(self.mend))
    }
}

/// Notes one.
pub(crate) fn note(context: &Context, expected: &Unfinished) {
    let write = || -> Option<()> {
        let notes = folder(context);
        notes.make_folder().ok()?;
        let mut draft = Draft::begin(&notes).ok()?;
        draft.write_all(&serde_json::to_vec(expected).ok()?).ok()?;
        draft.publish_unsynced(&place(context, &expected.snapshot)).ok()
    };
    // Without a note, nobody is told; the snapshot says itself what it lacks.
    let _best_effort = write();
}

/// Notes why the conversation of one could not be added.
pub(crate) fn note_failure(context: &Context, snapshot: &SnapshotId, why: &Error) {
    if let Some(known) = read(&place(context, snapshot)) {
        note(context, &Unfinished { why: Some(why.to_string()), ..known });
    }
}

/// Forgets one that is complete.
pub(crate) fn forget(context: &Context, snapshot: &SnapshotId) {
    let _best_effort = place(context, snapshot).remove();
}

/// Forgets those that nobody was told of in a long time.
pub(crate) fn forget_old(context: &Context) {
    for one in all(context).iter().filter(|one| context.now.since(one.since) > OLD) {
        forget(context, &one.snapshot);
    }
}

/// Returns those that nobody was told of, and that nobody is at work on.
pub(crate) fn to_tell(context: &Context) -> Vec<Unfinished> {
    let mut all = all(context);
    all.retain(|one| one.why.is_some() || context.now.since(one.since) > PATIENCE);
    all
}

/// Says what a person should know of one, and forgets it; `None` if its snapshot is gone, or complete.
pub(crate) fn tell(context: &Context, one: Unfinished) -> Option<ToldOf> {
    forget(context, &one.snapshot);
    let there = Context { cwd: one.root.as_path().to_owned(), ..context.clone() };
    let workspace = Workspace::open(&there).ok()?;
    if workspace.store.root() != one.store.as_path()
        || !capture::lacks_conversation(&workspace, &one.snapshot)
    {
        return None;
    }
    let why = one.why.as_deref().unwrap_or("the process that was to add it was ended");
    let name = Line(&one.name).to_string();
    Some(ToldOf {
        what: format!("the conversation is missing in the snapshot \"{name}\": {}", Line(why)),
        mend: "`snap save` saves it as it is now",
    })
}

fn all(context: &Context) -> Vec<Unfinished> {
    let notes = folder(context);
    let names = notes.names().unwrap_or_default();
    names.iter().filter_map(|name| read(&notes.join(Path::new(name)))).collect()
}

fn read(place: &OwnPath) -> Option<Unfinished> {
    serde_json::from_slice(&place.read(LONGEST).ok()??).ok()
}

fn folder(context: &Context) -> OwnPath {
    Root::own(&context.state).at(NOTES)
}

fn place(context: &Context, snapshot: &SnapshotId) -> OwnPath {
    folder(context).join(snapshot.as_str())
}
