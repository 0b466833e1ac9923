//! Heads: what a session is doing now, as a ref that moves on a remote.
//!
//! `refs/snapshots-live/USER@HOST-XXXX/SESSION` points to a commit without parents. Its tree is that of a snapshot, its message
//! says what a table of sessions says. A poll fetches names and messages only. Pure; nothing in either is trusted.

use std::fmt::Write as _;
use std::time::Duration;

use super::commit_format::part;
use crate::base::ids::SnapshotId;
use crate::base::screen::{Line, cut};
use crate::base::timestamp::Timestamp;
use crate::git::RemoteRef;
use crate::manifest::{EditCount, Manifest, Summary, TaskCount};

/// Where the refs of heads begin.
pub const HEADS: &str = "refs/snapshots-live/";

/// The most characters of a title or a prompt in a message.
const LONGEST_WORDS: usize = 160;

/// How long nothing was heard of a session, beyond twice the pause that it promised, before that is said.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// It works.
    Busy,
    /// It waits for a person's answer.
    Waiting,
    /// It has ended its turn.
    Idle,
    /// Its client has ended.
    Closed,
}

impl SessionState {
    /// Returns the word that stands for it on the remote, in JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            SessionState::Busy => "busy",
            SessionState::Waiting => "waiting",
            SessionState::Idle => "idle",
            SessionState::Closed => "closed",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<SessionState> {
        let all = [SessionState::Busy, SessionState::Waiting, SessionState::Idle, SessionState::Closed];
        all.into_iter().find(|state| state.word() == word)
    }

    /// Says whether more is to be expected soon.
    pub fn is_at_work(self) -> bool {
        matches!(self, SessionState::Busy | SessionState::Waiting)
    }
}

/// Whose session a head is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeadName {
    /// `USER@HOST-XXXX`, safe to show.
    pub who: String,
    /// The session, safe to show.
    pub session: String,
}

impl HeadName {
    /// Makes the name of a session of this user on this machine.
    pub fn of(who: &str, session: &str) -> HeadName {
        HeadName { who: who.to_owned(), session: part(session) }
    }

    /// Returns the ref.
    pub fn name(&self) -> String {
        format!("{HEADS}{}/{}", self.who, self.session)
    }

    /// Reads a ref's name; `None` if it is not one of ours.
    pub fn parse(name: &str) -> Option<HeadName> {
        let (who, session) = name.strip_prefix(HEADS)?.split_once('/')?;
        (is_who(who) && part(session) == session)
            .then(|| HeadName { who: who.to_owned(), session: session.to_owned() })
    }

    /// Returns the user.
    pub fn user(&self) -> &str {
        self.who.split('@').next().unwrap_or_default()
    }

    /// Returns who it is without the end that tells one machine from another of the same name.
    pub fn person(&self) -> &str {
        self.who.rsplit_once('-').map_or(self.who.as_str(), |(person, _)| person)
    }
}

/// Says whether a text is `USER@HOST-XXXX`, as we write it.
pub(super) fn is_who(who: &str) -> bool {
    let Some((user, host)) = who.split_once('@') else { return false };
    let plain = |text: &str| {
        text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
    };
    part(user) == user && !host.is_empty() && host.len() <= 64 && plain(host)
}

/// What a head says of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadSays {
    /// What it does.
    pub state: SessionState,
    /// How many turns have ended since its machine shares it.
    pub turn: u64,
    /// When that was, by the clock of its machine.
    pub at: Timestamp,
    /// After how many seconds it will be heard of again; 0 if that is not known.
    pub every: u64,
    /// The snapshot that the head is.
    pub snapshot: Option<SnapshotId>,
    /// The snapshot that it goes on from.
    pub from: Option<SnapshotId>,
    /// Its title.
    pub title: Option<String>,
    /// Its last prompt.
    pub prompt: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// Its edits.
    pub edits: Option<EditCount>,
    /// Its tasks.
    pub tasks: Option<TaskCount>,
    /// How many agents it has.
    pub agents: usize,
}

impl HeadSays {
    /// Makes it from what was saved; `private`: without a word of the conversation.
    pub fn of(manifest: &Manifest, state: SessionState, turn: u64, every: u64, private: bool) -> HeadSays {
        let summary = Summary::of(manifest);
        let words = |text: Option<String>| text.filter(|_| !private).map(|text| cut(&text, LONGEST_WORDS));
        HeadSays {
            state,
            turn,
            at: manifest.created_at,
            every,
            snapshot: Some(manifest.id.clone()),
            from: manifest.parent.clone(),
            title: words(summary.title),
            prompt: words(summary.spoken.last),
            branch: words(summary.branch),
            edits: summary.edits,
            tasks: summary.tasks,
            agents: summary.agents,
        }
    }

    /// Returns the message of the commit.
    pub fn message(&self) -> String {
        let mut text = format!(
            "{} session\n\nState: {}\nTurn: {}\nAt: {}",
            self.state.word(),
            self.state.word(),
            self.turn,
            self.at
        );
        let mut add = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                let _never_fails = write!(text, "\n{key}: {}", Line(&value));
            }
        };
        add("Every", (self.every > 0).then(|| self.every.to_string()));
        add("Snapshot", self.snapshot.as_ref().map(SnapshotId::to_string));
        add("From", self.from.as_ref().map(SnapshotId::to_string));
        add("Edits", self.edits.map(|edits| format!("{} {} {}", edits.files, edits.added, edits.removed)));
        add("Tasks", self.tasks.map(|tasks| format!("{} {}", tasks.done, tasks.all)));
        add("Agents", (self.agents > 0).then(|| self.agents.to_string()));
        add("Branch", self.branch.clone());
        add("Title", self.title.clone());
        add("Prompt", self.prompt.clone());
        text
    }

    /// Reads a message; what is missing or odd is left out. `None` if it says nothing of a session.
    pub fn read(message: &str) -> Option<HeadSays> {
        let value = |key: &str| {
            message.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).map(str::trim)
        };
        let number = |key: &str| value(key).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let words =
            |key: &str| value(key).filter(|text| !text.is_empty()).map(|text| cut(text, LONGEST_WORDS));
        let numbers = |key: &str| -> Option<Vec<u64>> {
            value(key)?.split(' ').map(|word| word.parse().ok()).collect()
        };
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let edits = numbers("Edits").and_then(|all| match all.as_slice() {
            [files, added, removed] => {
                Some(EditCount { files: count(*files), added: *added, removed: *removed })
            }
            _ => None,
        });
        let tasks = numbers("Tasks").and_then(|all| match all.as_slice() {
            [done, all] => Some(TaskCount { done: count(*done), all: count(*all) }),
            _ => None,
        });
        Some(HeadSays {
            state: SessionState::parse(value("State")?)?,
            turn: number("Turn"),
            at: value("At")?.parse().ok()?,
            every: number("Every").min(24 * 3_600),
            snapshot: value("Snapshot").and_then(SnapshotId::parse),
            from: value("From").and_then(SnapshotId::parse),
            title: words("Title"),
            prompt: words("Prompt"),
            branch: words("Branch"),
            edits,
            tasks,
            agents: count(number("Agents")),
        })
    }

    /// Says whether nothing was heard of it although it promised; `heard` is the last sign of life that is known.
    pub fn is_silent(&self, heard: Timestamp, now: Timestamp) -> bool {
        let promised = Duration::from_secs(self.every.saturating_mul(2)) + PATIENCE;
        self.state.is_at_work() && self.every > 0 && now.since(heard) > promised
    }
}

/// A head on a remote.
#[derive(Clone, Debug)]
pub struct RemoteHead {
    /// Whose it is.
    pub name: HeadName,
    /// The ref, and the commit that it points to.
    pub at: RemoteRef,
    /// What it says; `None` if that is not known.
    pub says: Option<HeadSays>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written_and_no_value_can_add_a_line() {
        let says = HeadSays {
            state: SessionState::Busy,
            turn: 12,
            at: Timestamp::from_millis(1_795_000_000_000),
            every: 300,
            snapshot: Some(SnapshotId::random()),
            from: None,
            title: Some("the parser".to_owned()),
            prompt: Some("go on".to_owned()),
            branch: Some("main".to_owned()),
            edits: Some(EditCount { files: 3, added: 10, removed: 2 }),
            tasks: Some(TaskCount { done: 1, all: 2 }),
            agents: 1,
        };
        assert_eq!(HeadSays::read(&says.message()), Some(says.clone()));
        let hostile = HeadSays { title: Some("x\nState: closed\u{1b}[2J".to_owned()), ..says };
        let read = HeadSays::read(&hostile.message()).expect("a head");
        assert_eq!(read.state, SessionState::Busy);
        assert_eq!(read.title.as_deref(), Some("x\\nState: closed\\x1b[2J"));
        for odd in
            ["", "State: busy", "At: 2026-11-21T01:19:35.028Z", "State: odd\nAt: 2026-11-21T01:19:35.028Z"]
        {
            assert_eq!(HeadSays::read(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn only_our_own_refs_are_heads() {
        let name = HeadName::of("ada@laptop-x1y2", "c137e379-838e-4509-8148-16b407691758");
        assert_eq!(HeadName::parse(&name.name()), Some(name.clone()));
        assert_eq!((name.user(), name.person()), ("ada", "ada@laptop"));
        for name in [
            "refs/heads/ada@x-1/s",
            "refs/snapshots-live/ada/s",
            "refs/snapshots-live/ada@x-1",
            "refs/snapshots-live/ada@x-1/s/t",
            "refs/snapshots-live/ADA@x-1/s",
            "refs/snapshots-live/ada@x.y/s",
            "refs/snapshots-live/ada@x-1/..",
            "refs/snapshots-live/@x-1/s",
        ] {
            assert_eq!(HeadName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn only_who_promised_to_be_heard_of_is_silent() {
        let at = |seconds: i64| Timestamp::from_millis(1_795_000_000_000 + seconds * 1_000);
        let text = |state: &str, every: &str| format!("x\n\nState: {state}\nAt: {}{every}", at(0));
        let silent =
            |text: &str, now: i64| HeadSays::read(text).is_some_and(|says| says.is_silent(at(0), at(now)));
        assert!(!silent(&text("busy", "\nEvery: 300"), 600));
        assert!(silent(&text("busy", "\nEvery: 300"), 661));
        assert!(!silent(&text("busy", ""), 99_999));
        assert!(!silent(&text("idle", "\nEvery: 300"), 99_999));
        assert!(!silent(&text("busy", "\nEvery: 300"), -99_999), "a clock that is behind");
    }
}
