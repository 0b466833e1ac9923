//! This clone's chain on the remote: which lines of the log go there next, in which commit.

use super::log_lines::{line_key, next_lines};
use super::memory::Memory;
use super::work::Work;
use crate::base::error::Result;
use crate::git::{NewCommit, Remote};
use crate::redaction::Redactor;
use crate::transfer::{ChainSays, LINES, LONGEST_LINE, for_all};

/// The most lines in one commit.
const MOST_LINES: usize = 5_000;

/// Where the chain goes next.
pub(super) struct Next {
    /// The next commit; `None` if there are no new lines.
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

impl Next {
    /// Says whether there is anything that has to be sent.
    pub(super) fn is_news(&self) -> bool {
        self.commit.is_some() || self.on_remote.is_none()
    }
}

/// Returns where it goes next; `None` if there is no chain, and nothing to say.
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
    let lines = next_lines(&log, &said.upto, work.joined, MOST_LINES);
    let Some(last) = lines.last().map(|entry| line_key(entry)) else {
        // Pushed again as it is: where nothing happened to it, that changes nothing, and tells so.
        let again = || Next {
            commit: None,
            name: name.clone(),
            text: String::new(),
            lines: 0,
            on_remote: memory.chain_there.clone(),
        };
        return Ok(here.then(again));
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
