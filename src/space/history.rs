//! The logs of all clones that share, merged by time, and what is wrong with them.
//!
//! A chain proves order to whoever kept an older tip. So each clone keeps the tips that it has seen, and each commit names those that
//! its machine had seen: one that does not go on from them was rewritten. Whose name a chain has is a word, not a proof: anybody who
//! may push could write it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value};

use super::joined::folder_of;
use super::presence::{Seen, open_kept};
use crate::base::error::Result;
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::context::Context;
use crate::git::Fetched;
use crate::store::LogEntry;
use crate::sys::files::{self, Existing};
use crate::sys::locks::open_exclusively;
use crate::transfer::{CHAINS, ChainName, ChainSays, LINES, LONGEST_LINE};
use crate::workspace::Workspace;

/// The most commits of one chain that are read.
const MOST_COMMITS: usize = 100_000;

/// The largest file of lines in a commit, in bytes.
const LARGEST_LINES: u64 = 64 << 20;

/// The lines that were fetched last, in the folder of a clone.
const FETCHED: &str = "fetched.jsonl";

/// The largest such file that is read, in bytes.
const LARGEST_FETCHED: u64 = 256 << 20;

/// A line of somebody's log.
#[derive(Clone, Debug)]
pub struct AuditLine {
    /// Whose chain it is in: `USER@HOST-XXXX/CLONE`, safe to show.
    pub chain: String,
    /// Its number there, from 1.
    pub number: u64,
    /// When, by the clock of its machine.
    pub at: Timestamp,
    /// What was done, safe to show.
    pub operation: String,
    /// All of it.
    pub all: Map<String, Value>,
}

impl AuditLine {
    fn read(text: &str, chain: &str, number: u64) -> Option<AuditLine> {
        let Value::Object(all) = serde_json::from_str(text).ok()? else { return None };
        let word = |key: &str| all.get(key).and_then(Value::as_str);
        let at = word("at")?.parse().ok()?;
        let operation = Line(word("operation")?).to_string();
        Some(AuditLine { chain: chain.to_owned(), number, at, operation, all })
    }

    /// Returns a text of it, safe to show; empty if there is none.
    pub fn text(&self, key: &str) -> String {
        self.all.get(key).and_then(Value::as_str).map(|text| Line(text).to_string()).unwrap_or_default()
    }

    /// Returns it as a line of a log here; `None` if this version does not know what was done. Nothing of it is this user's own.
    pub fn entry(&self) -> Option<LogEntry> {
        let mut all = self.all.clone();
        all.entry("name").or_insert_with(|| Value::String(String::new()));
        let entry: LogEntry = serde_json::from_value(Value::Object(all)).ok()?;
        Some(LogEntry { own: false, root: None, ..entry })
    }
}

/// All logs of a remote.
#[derive(Debug, Default)]
pub struct History {
    /// The lines, the oldest first.
    pub lines: Vec<AuditLine>,
    /// What is wrong with chains, for a person.
    pub wrong: Vec<String>,
}

/// Fetches the logs of all who share through a remote.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with what git says.
pub fn history(
    context: &Context,
    workspace: &Workspace,
    (home, remote): (&Path, &str),
    tell: &mut dyn FnMut(&str),
) -> Result<(String, History)> {
    let folder = folder_of(context, home);
    folder.make_folder()?;
    let _alone = open_exclusively(&folder.join("poll.lock"), super::work::PATIENCE)?;
    let (remote, _scratch, key) = open_kept(context, workspace, (home, remote, "log"), true, tell)?;
    remote.follow(&[CHAINS], true)?;
    let mut seen = Seen::read(&folder, &key);
    let mut all = History::default();
    let mut commits: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut witnessed = Vec::new();
    let mut fetched = remote.fetched()?;
    for at in remote.refs_here(CHAINS)? {
        let Some(name) = ChainName::parse(&at.name) else { continue };
        let chain = format!("{}/{}", name.who, name.clone);
        let mut oids = remote.chain(&at.oid, MOST_COMMITS)?;
        oids.reverse();
        witnessed.extend(read(&mut fetched, &chain, &oids, &mut all));
        let oids: BTreeSet<String> = oids.into_iter().collect();
        match seen.tips.get(&chain) {
            Some(old) if !oids.contains(old) => {
                all.wrong.push(format!("the log of {chain} was rewritten since it was seen here last"));
            }
            _ => drop(seen.tips.insert(chain.clone(), at.oid)),
        }
        commits.insert(chain, oids);
    }
    let gone = seen.tips.keys().filter(|chain| !commits.contains_key(*chain));
    all.wrong.extend(gone.map(|chain| format!("the log of {chain} is gone since it was seen here last")));
    for (by, chain, oid) in witnessed {
        if !commits.get(&chain).is_some_and(|oids| oids.contains(&oid)) {
            all.wrong.push(format!("the log of {chain} was rewritten or removed since {by} saw it"));
        }
    }
    all.wrong.sort();
    all.wrong.dedup();
    all.lines.sort_by(|a, b| (a.at, &a.chain, a.number).cmp(&(b.at, &b.chain, b.number)));
    seen.write(&folder, &key)?;
    keep(context, home, &all.lines)?;
    remote.tidy()?;
    Ok((remote.shown(), all))
}

/// Reads the commits of a chain, the oldest first; returns what tips of other chains they name: by whom, of which, where.
fn read(
    fetched: &mut Fetched,
    chain: &str,
    oids: &[String],
    all: &mut History,
) -> Vec<(String, String, String)> {
    let mut witnessed = Vec::new();
    let mut last = 0;
    let mut wrong = |what: &str| all.wrong.push(format!("the log of {chain} {what}"));
    let mut lines = Vec::new();
    for (number, oid) in oids.iter().enumerate() {
        let commit = fetched.commit(oid);
        let Some((commit, says)) = commit.ok().and_then(|commit| {
            Some((ChainSays::read(&commit.message)?, commit)).map(|(says, commit)| (commit, says))
        }) else {
            wrong("has a commit that is none of a log");
            continue;
        };
        if commit.parents > 1 {
            wrong("has a commit with several parents");
        }
        if number == 0 && says.after.is_some() {
            wrong("begins anew: what was before is lost");
            last = says.first.saturating_sub(1);
        }
        if says.first != last + 1 {
            wrong(&format!("has a gap before line {}", says.first));
        }
        let text = fetched.tree(&commit.tree).ok().and_then(|tree| {
            let file = tree.into_iter().find(|file| file.name == LINES && file.mode == "100644")?;
            String::from_utf8(fetched.blob(&file.oid, LARGEST_LINES).ok()?).ok()
        });
        let text = text.unwrap_or_default();
        let here = text.lines().count() as u64;
        if says.first.saturating_add(here) != says.last.saturating_add(1) {
            wrong(&format!("lacks lines between {} and {}", says.first, says.last));
        }
        for (number, line) in (says.first..).zip(text.lines()) {
            lines.extend(
                Some(line)
                    .filter(|line| line.len() <= LONGEST_LINE)
                    .and_then(|line| AuditLine::read(line, chain, number)),
            );
        }
        last = says.last;
        witnessed.extend(says.seen.into_iter().map(|(name, oid)| (chain.to_owned(), name, oid)));
    }
    all.lines.extend(lines);
    witnessed
}

/// Keeps the lines for who asks without the remote.
fn keep(context: &Context, home: &Path, lines: &[AuditLine]) -> Result<()> {
    let folder = folder_of(context, home);
    let text: String = lines.iter().map(|line| format!("{}\n", Value::Object(line.all.clone()))).collect();
    files::publish(&folder, &folder.join(FETCHED), text.as_bytes(), Existing::Replace).map(drop)
}

/// Returns the lines of all who share, as they were fetched last, for who folds them with the log here; nothing of them is this
/// user's own.
pub fn fetched_entries(context: &Context, home: &Path) -> Vec<LogEntry> {
    let text =
        folder_of(context, home).join(FETCHED).read(LARGEST_FETCHED).ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().filter_map(|line| AuditLine::read(line, "", 0)?.entry()).collect()
}
