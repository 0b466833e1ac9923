//! How a snapshot is stored on a git remote: one commit without parents for each ref.
//!
//! `refs/snapshots/USER/ID` points to a commit whose tree is `manifest.json` and the frames as
//! `objects/XX/NAME.zst`, as they are in the store. Everything in the commit follows from the snapshot, so
//! everybody makes the same commit from it. Pure, except for reading what was fetched. None of that is
//! trusted.

use std::fmt::Write as _;

use crate::base::digest::ObjectId;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::git::{Fetched, FetchedCommit, NewCommit, RemoteRef};
use crate::manifest::{LARGEST_MANIFEST, Manifest, Trigger};
use crate::store::{Incoming, Store};

/// Where the refs of snapshots begin.
pub const REFS: &str = "refs/snapshots/";

/// The manifest's name in the tree.
pub const MANIFEST: &str = "manifest.json";

const LONGEST_USER: usize = 40;

/// The last second that git's date arithmetic takes everywhere: the end of the year 2099.
const LAST_SECOND: i64 = 4_102_444_799;

/// A snapshot's place on a remote.
#[derive(Clone, Debug)]
pub(super) struct RemoteSnapshot {
    pub(super) user: String,
    pub(super) id: SnapshotId,
    /// The ref, and the commit that it points to.
    pub(super) at: RemoteRef,
}

impl RemoteSnapshot {
    /// Reads a ref; `None` if it is not one of ours.
    pub(super) fn parse(at: RemoteRef) -> Option<RemoteSnapshot> {
        let (user, id) = at.name.strip_prefix(REFS)?.split_once('/')?;
        let (user, id) = (user.to_owned(), SnapshotId::parse(id)?);
        (part(&user) == user).then_some(RemoteSnapshot { user, id, at })
    }
}

/// Returns the ref of a snapshot: under whoever saved it, whoever pushes it.
pub(super) fn ref_of(manifest: &Manifest) -> String {
    format!("{REFS}{}/{}", part(&manifest.created_by.user), manifest.id)
}

/// Makes a name of a user or a machine fit for a ref, on every host and disk.
pub fn part(user: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' };
    let kept: String = user.chars().map(plain).take(LONGEST_USER).collect();
    match kept.trim_matches('-') {
        "" => "user".to_owned(),
        kept => kept.to_owned(),
    }
}

/// Returns the commit of a snapshot, under a ref of this name. If it is `private`, its message tells no name that was made of what was said
/// or done.
pub fn commit_of(manifest: &Manifest, name: String, private: bool) -> NewCommit {
    let objects = manifest.objects();
    let mut paths = vec![MANIFEST.to_owned()];
    paths.extend(objects.iter().map(|object| object_path(object.object)));
    let mut says = SnapshotSays::of(manifest);
    if private && is_made_name(manifest) {
        says.name = "session".to_owned();
    }
    NewCommit {
        name,
        seconds: manifest.created_at.as_millis().div_euclid(1_000).clamp(0, LAST_SECOND),
        message: says.message(),
        paths,
        after: None,
    }
}

/// Says whether nobody gave a snapshot its name: a hook made it, or it ends in a time of the day, as names do that are made of a prompt.
pub(super) fn is_made_name(manifest: &Manifest) -> bool {
    let name = manifest.name.trim_end_matches(|c: char| c.is_ascii_digit());
    let name = name.strip_suffix('-').unwrap_or(&manifest.name);
    let is_clock = |text: &str| {
        let (hour, minute) = text.split_once(':').unwrap_or_default();
        [hour, minute].iter().all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    manifest.created_by.trigger == Trigger::Auto
        || [name, &manifest.name]
            .iter()
            .any(|name| name.rsplit_once(", ").is_some_and(|(_, end)| is_clock(end)))
}

/// What the message of a snapshot's commit says. This is only for display and for the order: only the manifest counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotSays {
    /// Its name, safe to show.
    pub name: String,
    /// Whoever saved it, and where, safe to show.
    pub by: String,
    /// When it was saved.
    pub at: Timestamp,
    /// The snapshot that it was saved after, if that is said.
    pub parent: Option<SnapshotId>,
    /// Whether a hook made it.
    pub is_auto: bool,
}

impl SnapshotSays {
    /// Makes it from what was saved.
    pub fn of(manifest: &Manifest) -> SnapshotSays {
        let by = &manifest.created_by;
        SnapshotSays {
            name: Line(&manifest.name).to_string(),
            by: format!("{}@{}", Line(&by.user), Line(&by.host)),
            at: manifest.created_at,
            parent: manifest.parent.clone(),
            is_auto: by.trigger == Trigger::Auto,
        }
    }

    /// Returns the message of the commit.
    fn message(&self) -> String {
        let mut text = format!("{}\n\nSaved-by: {}\nSaved-at: {}", self.name, self.by, self.at);
        if let Some(parent) = &self.parent {
            let _never_fails = write!(text, "\nParent: {parent}");
        }
        if self.is_auto {
            text.push_str("\nTrigger: auto");
        }
        text
    }

    /// Reads it from a commit, whatever that is.
    pub(super) fn read(commit: &FetchedCommit) -> SnapshotSays {
        // The name may be any text: it is no line of these.
        let value = |key| commit.message.lines().skip(1).find_map(|line| line.strip_prefix(key));
        let name = commit.message.lines().next().unwrap_or_default();
        let at = value("Saved-at: ").and_then(|text| text.parse().ok());
        let committed = || Timestamp::from_millis(commit.seconds.saturating_mul(1_000));
        SnapshotSays {
            name: Line(name).to_string(),
            by: Line(value("Saved-by: ").unwrap_or_default()).to_string(),
            at: at.unwrap_or_else(committed),
            parent: value("Parent: ").and_then(SnapshotId::parse),
            is_auto: value("Trigger: ") == Some("auto"),
        }
    }
}

fn object_path(id: ObjectId) -> String {
    let id = id.to_string();
    format!("objects/{}/{id}.zst", &id[..2])
}

/// Finds the object of a path of a commit's tree.
pub fn object_of(path: &str) -> Option<ObjectId> {
    ObjectId::parse(path.rsplit('/').next()?.strip_suffix(".zst")?)
}

/// Takes in what was fetched of a snapshot; it is added by the caller. `tell` is told of raw bytes while they are checked.
pub(super) fn receive<'a>(
    store: &'a Store,
    fetched: &mut Fetched,
    place: &RemoteSnapshot,
    now: Timestamp,
    tell: &mut dyn FnMut(u64),
) -> Result<Incoming<'a>> {
    let (json, objects) = open(fetched, place)?;
    let mut incoming = Incoming::begin(store, json, now)?;
    if incoming.manifest().id != place.id {
        return Err(unsound(place, "its manifest is that of another snapshot"));
    }
    let Some(objects) = objects else { return Ok(incoming) };
    for folder in fetched.tree(&objects)? {
        if folder.mode != "40000" || folder.name.len() != 2 {
            return Err(unsound(place, &format!("objects/{} does not belong there", folder.name)));
        }
        for file in fetched.tree(&folder.oid)? {
            let path = format!("objects/{}/{}", folder.name, file.name);
            let strange = || unsound(place, &format!("{path} does not belong there"));
            let id = object_of(&path).filter(|id| object_path(*id) == path).ok_or_else(strange)?;
            let largest = incoming.largest_frame(id).filter(|_| file.mode == "100644").ok_or_else(strange)?;
            let frame = fetched.blob(&file.oid, largest)?;
            incoming.offer(id, &frame, &mut *tell)?;
        }
    }
    Ok(incoming)
}

/// Reads the manifest of what was fetched, and the id of the tree of objects.
pub(super) fn open(fetched: &mut Fetched, place: &RemoteSnapshot) -> Result<(Vec<u8>, Option<String>)> {
    let commit = fetched.commit(&place.at.oid)?;
    if commit.parents > 0 {
        return Err(unsound(place, "its commit has a history"));
    }
    let (mut manifest, mut objects) = (None, None);
    for entry in fetched.tree(&commit.tree)? {
        match (entry.name.as_str(), entry.mode.as_str()) {
            (MANIFEST, "100644") if manifest.is_none() => manifest = Some(entry.oid),
            ("objects", "40000") if objects.is_none() => objects = Some(entry.oid),
            (name, _) => return Err(unsound(place, &format!("{name} does not belong there"))),
        }
    }
    let manifest = manifest.ok_or_else(|| unsound(place, "it has no manifest"))?;
    Ok((fetched.blob(&manifest, LARGEST_MANIFEST)?, objects))
}

fn unsound(place: &RemoteSnapshot, cause: &str) -> Error {
    Error::new(Kind::Damaged, format!("{} is not a sound snapshot", place.at.name))
        .because(Line(cause))
        .hint("nothing of it was added; ask whoever pushed it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_user_makes_a_plain_ref() {
        for (user, made) in [
            ("ada", "ada"),
            ("Ada.Lovelace@corp", "ada-lovelace-corp"),
            ("../../heads/main", "heads-main"),
            ("日本", "user"),
            ("", "user"),
            (&"x".repeat(99), &"x".repeat(40)),
        ] {
            assert_eq!(part(user), made);
            assert_eq!(part(made), made, "read back as it was written");
        }
    }

    #[test]
    fn what_a_message_says_is_read_again_and_a_name_says_nothing_but_itself() {
        let says = SnapshotSays {
            name: "Parent: 00000000000000000000000000000000".to_owned(),
            by: "ada@laptop".to_owned(),
            at: Timestamp::from_millis(1_795_000_000_000),
            parent: None,
            is_auto: false,
        };
        let parent = SnapshotId::random();
        let after = SnapshotSays { parent: Some(parent), is_auto: true, ..says.clone() };
        for says in [says, after] {
            let message = says.message();
            let commit = FetchedCommit { tree: String::new(), parents: 0, seconds: 0, message };
            assert_eq!(SnapshotSays::read(&commit), says);
        }
    }

    #[test]
    fn only_our_own_refs_are_snapshots() {
        let id = "0".repeat(32);
        let parse =
            |name: &str| RemoteSnapshot::parse(RemoteRef { oid: "1".repeat(40), name: name.to_owned() });
        assert!(parse(&format!("refs/snapshots/ada/{id}")).is_some());
        for name in [
            format!("refs/heads/ada/{id}"),
            format!("refs/snapshots/{id}"),
            format!("refs/snapshots/a/b/{id}"),
            format!("refs/snapshots/../{id}"),
            format!("refs/snapshots/ADA/{id}"),
            "refs/snapshots/ada/latest".to_owned(),
        ] {
            assert!(parse(&name).is_none(), "{name}");
        }
    }
}
