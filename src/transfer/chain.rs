//! Chains: the log of one clone on a remote, as commits that are only ever added to.
//!
//! `refs/snapshots-audit/USER@HOST-XXXX/CLONE` points to the newest commit. Each has the lines since the one before it, and its
//! message numbers them and names the tips of other chains that were seen. So a gap or a rewrite shows to whoever kept an older
//! tip, and to whoever reads those who did. Pure; nothing in a chain is trusted.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::commit_format::part;
use super::head::is_who;
use crate::base::screen::Line;
use crate::store::LogEntry;

/// Where the refs of chains begin.
pub const CHAINS: &str = "refs/snapshots-audit/";

/// The file with the lines of a commit.
pub const LINES: &str = "lines.jsonl";

/// The most that one line may measure, in bytes.
pub const LONGEST_LINE: usize = 8 << 10;

/// The most tips of other chains that a commit names.
const MOST_SEEN: usize = 100;

/// What a line says to everybody.
const FOR_ALL: [&str; 7] = ["at", "operation", "snapshot", "user", "host", "session", "outcome"];

/// Operations about lines of work that all see, and what else they say: a person's words (the name of a line, why it was
/// closed), and other snapshots: into which a merge went, and from which one it can be undone and redone.
const OF_LINES: [&str; 6] = ["branch", "merge", "close", "reopen", "undo", "redo"];
const WORDS: &str = "note";
const OTHERS: [&str; 2] = ["into", "safety"];

/// Whose chain it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChainName {
    /// `USER@HOST-XXXX`, safe to show.
    pub who: String,
    /// Which clone on that machine, safe to show.
    pub clone: String,
}

impl ChainName {
    /// Returns the ref.
    pub fn name(&self) -> String {
        format!("{CHAINS}{}/{}", self.who, self.clone)
    }

    /// Reads a ref's name; `None` if it is not one of ours.
    pub fn parse(name: &str) -> Option<ChainName> {
        let (who, clone) = name.strip_prefix(CHAINS)?.split_once('/')?;
        (is_who(who) && part(clone) == clone)
            .then(|| ChainName { who: who.to_owned(), clone: clone.to_owned() })
    }
}

/// What the commit of a chain says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainSays {
    /// The number of its first line, from 1.
    pub first: u64,
    /// The number of its last line.
    pub last: u64,
    /// What tells the last line of the log here that is in it.
    pub upto: String,
    /// The tips of other chains: their refs without the beginning, and the commits.
    pub seen: Vec<(String, String)>,
    /// The tip of the chain before this one, if that was lost.
    pub after: Option<String>,
}

impl ChainSays {
    /// Returns the message of the commit.
    pub fn message(&self) -> String {
        let mut text = format!("Lines {} to {}\n\nUpto: {}", self.first, self.last, self.upto);
        for (name, oid) in self.seen.iter().take(MOST_SEEN) {
            let _never_fails = write!(text, "\nSaw: {name} {oid}");
        }
        if let Some(after) = &self.after {
            let _never_fails = write!(text, "\nAfter: {after}");
        }
        text
    }

    /// Reads a message; `None` if it is none of ours.
    pub fn read(message: &str) -> Option<ChainSays> {
        let first = message.lines().next()?;
        let (from, to) = first.strip_prefix("Lines ")?.split_once(" to ")?;
        let is_oid = |oid: &str| matches!(oid.len(), 40 | 64) && oid.bytes().all(|b| b.is_ascii_hexdigit());
        let values = |key: &'static str| message.lines().filter_map(move |line| line.strip_prefix(key));
        let seen = values("Saw: ").filter_map(|value| {
            let (name, oid) = value.split_once(' ')?;
            ChainName::parse(&format!("{CHAINS}{name}")).filter(|_| is_oid(oid))?;
            Some((name.to_owned(), oid.to_owned()))
        });
        Some(ChainSays {
            first: from.parse().ok()?,
            last: to.parse().ok()?,
            upto: values("Upto: ").next().map(|text| Line(text).to_string()).unwrap_or_default(),
            seen: seen.take(MOST_SEEN).collect(),
            after: values("After: ").next().filter(|oid| is_oid(oid)).map(str::to_owned),
        })
    }
}

/// Returns a line of the log as everybody may see it: who did what to which snapshot, and when; no path of this machine, no
/// address, no name of a snapshot, which may be made of a prompt. What a person said of a line of work is in it only if `may_tell` says
/// so of these words.
pub fn for_all(entry: &LogEntry, may_tell: impl Fn(&str) -> bool) -> String {
    let Ok(Value::Object(all)) = serde_json::to_value(entry) else { return String::new() };
    let is_of_line = OF_LINES.contains(&entry.operation.word());
    let tells = entry.note.as_deref().is_some_and(may_tell);
    let is_for_all =
        |key: &str| FOR_ALL.contains(&key) || is_of_line && (OTHERS.contains(&key) || tells && key == WORDS);
    let kept: Map<String, Value> = all.into_iter().filter(|(key, _)| is_for_all(key)).collect();
    Value::Object(kept).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_of_a_chain_is_read_as_it_was_written() {
        let says = ChainSays {
            first: 3,
            last: 7,
            upto: "ab".repeat(16),
            seen: vec![("bob@desk-x1y2/k3k3".to_owned(), "1".repeat(40))],
            after: Some("2".repeat(40)),
        };
        assert_eq!(ChainSays::read(&says.message()), Some(says.clone()));
        let odd = says.message().replace("bob@desk", "Bob Desk");
        assert_eq!(ChainSays::read(&odd).map(|says| says.seen), Some(Vec::new()));
        assert_eq!(ChainSays::read("Merge branch x"), None);
    }

    #[test]
    fn only_our_own_refs_are_chains() {
        let name = ChainName { who: "ada@x-1a2b".to_owned(), clone: "k3k3".to_owned() };
        assert_eq!(ChainName::parse(&name.name()), Some(name));
        for name in ["refs/snapshots-audit/ada@x-1", "refs/snapshots-audit/ada@x-1/A", "refs/heads/ada@x-1/a"]
        {
            assert_eq!(ChainName::parse(name), None, "{name}");
        }
    }
}
