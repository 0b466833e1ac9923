//! This clone's chain on the remote: which lines of the log go there next, in which commit.

use super::memory::Memory;
use super::work::Work;
use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::git::{NewCommit, Remote};
use crate::redaction::Redactor;
use crate::store::LogEntry;
use crate::transfer::{ChainSays, LINES, LONGEST_LINE, for_all};

/// The most lines in one commit.
const MOST_LINES: usize = 5_000;

/// The next commit of the chain.
pub(super) struct Next {
    /// The commit; `None` if the tip that is here is only to be pushed again.
    pub(super) commit: Option<NewCommit>,
    /// The ref.
    pub(super) name: String,
    /// What is in its file.
    pub(super) text: String,
    /// How many lines that is.
    pub(super) lines: u64,
    /// Where the ref is on the remote, as far as it is known.
    pub(super) on_remote: Option<String>,
}

/// Returns the next commit; `None` if there is nothing new to say.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] if git can't be run.
pub(super) fn next(work: &Work<'_>, remote: &Remote<'_>, memory: &Memory) -> Result<Option<Next>> {
    let name = work.joined.chain(work.context)?.name();
    let tip = memory.chain.as_deref();
    let is_here = || tip.map(|tip| remote.has(tip)).transpose().map(Option::unwrap_or_default);
    let mut here = is_here()?;
    if !here && tip.is_some() {
        // The kept repository went, as with `--no-sync`. A chain goes on from where it is; only one that is gone begins anew.
        let _gone = remote.follow(&[&name], true);
        here = is_here()?;
    }
    let said = match tip.filter(|_| here) {
        Some(tip) => ChainSays::read(&remote.fetched()?.commit(tip)?.message).unwrap_or_default(),
        None => ChainSays::default(),
    };
    let log = work.workspace.store.own_log().unwrap_or_default();
    let lines = after(&log, &said.upto, |entry| entry.at >= work.joined.since);
    let Some(last) = lines.last().map(|entry| key(entry)) else {
        // A chain that was lost there is pushed again as it is.
        let again =
            || Next { commit: None, name: name.clone(), text: String::new(), lines: 0, on_remote: None };
        return Ok((here && memory.chain_there.is_none()).then(again));
    };
    let redactor = Redactor::open(work.workspace, &[])?;
    // A line can't be taken back: words that may be a secret never go.
    let may_tell = |words: &str| !work.joined.private && redactor.is_clean(words.as_bytes());
    let all: Vec<String> = lines
        .iter()
        .map(|entry| for_all(entry, may_tell))
        .filter(|line| line.len() <= LONGEST_LINE)
        .collect();
    let count = all.len() as u64;
    let says = ChainSays {
        first: said.last + 1,
        last: said.last + count,
        upto: last,
        seen: super::presence::tips_seen(work.context, &work.joined.home, &work.joined.remote),
        after: memory.chain.clone().filter(|_| !here),
    };
    let commit = NewCommit {
        name: name.clone(),
        seconds: work.context.now.as_millis().div_euclid(1_000).max(0),
        message: says.message(),
        paths: vec![LINES.to_owned()],
        after: memory.chain.clone().filter(|_| here),
    };
    let text = all.iter().map(|line| format!("{line}\n")).collect();
    Ok(Some(Next { commit: Some(commit), name, text, lines: count, on_remote: memory.chain_there.clone() }))
}

/// Returns the lines after the one with this key; if that is gone, or there was none, those that are `wanted`.
fn after<'l>(log: &'l [LogEntry], upto: &str, wanted: impl Fn(&LogEntry) -> bool) -> Vec<&'l LogEntry> {
    let from = log.iter().rposition(|entry| key(entry) == upto).map_or(0, |at| at + 1);
    log.iter().skip(from).filter(|entry| wanted(entry)).take(MOST_LINES).collect()
}

/// Returns what tells a line of the log from others.
fn key(entry: &LogEntry) -> String {
    ObjectId::of(&serde_json::to_vec(entry).unwrap_or_default()).to_string()[..32].to_owned()
}
