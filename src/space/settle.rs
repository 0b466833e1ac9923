//! What to do when the remote is not as this machine left it: gone, moved by somebody else, or closed to us.
//!
//! Nothing that somebody else put there is overwritten, unless a person asks for it. What is gone is pushed again, and said.

use std::collections::BTreeMap;

use super::memory::Memory;
use super::work::{Asked, Pushed, Work};
use crate::base::error::{Error, Kind, Result};
use crate::git::{PushAnswer, RefMove, Remote};
use crate::transfer::{CHAINS, HEADS, HeadName};

/// The most commits of a log that are looked through.
const MOST_COMMITS: usize = 100_000;

/// Looks at where the refs are, and takes it into the memory, so that the next try is right.
///
/// # Errors
/// [`Kind::Refused`] if the remote takes none of them although they are where they were.
pub(super) fn settle(
    work: &Work<'_>,
    remote: &Remote<'_>,
    memory: &mut Memory,
    (moves, answers): (&[RefMove], &[PushAnswer]),
    pushed: &mut Pushed,
) -> Result<()> {
    let who = work.joined.who(work.context)?;
    let (heads, chains) = (format!("{HEADS}{who}/"), format!("{CHAINS}{who}/"));
    let there: BTreeMap<String, String> =
        remote.look(&[&heads, &chains])?.into_iter().map(|one| (one.name, one.oid)).collect();
    let is_other = |one: &&RefMove| there.get(&one.name) != one.old.as_ref();
    if !moves.iter().any(|one| is_other(&one)) {
        let why = answers.iter().find_map(|answer| match answer {
            PushAnswer::Rejected(why) => Some(why.clone()),
            PushAnswer::Taken => None,
        });
        return Err(Error::new(Kind::Refused, format!("{} does not take what is shared", remote.shown()))
            .because(why.unwrap_or_else(|| "it did not say why".to_owned()))
            .hint("ask for the right to push there, or name another remote: `snap init --sync REMOTE`; nothing is tried by itself until `snap sync --now`"));
    }
    let own_chain = work.joined.chain(work.context)?.name();
    if memory.chain_there.is_some()
        && !there.contains_key(&own_chain)
        && !moves.iter().any(|one| one.name == own_chain)
    {
        // What took the heads may have taken more.
        chain_is_gone(remote, memory, pushed);
    }
    for one in moves.iter().filter(is_other) {
        let found = there.get(&one.name).cloned();
        match HeadName::parse(&one.name) {
            Some(name) => head(work, remote, memory, (&name.session, one, found), pushed)?,
            None => chain(remote, memory, one, found, pushed)?,
        }
    }
    Ok(())
}

fn head(
    work: &Work<'_>,
    remote: &Remote<'_>,
    memory: &mut Memory,
    (key, one, found): (&str, &RefMove, Option<String>),
    pushed: &mut Pushed,
) -> Result<()> {
    let Some(head) = memory.heads.get_mut(key) else { return Ok(()) };
    match found {
        None => {
            head.oid = None;
            pushed
                .told
                .push(format!("the head of {key} was gone from {}; it is there again", remote.shown()));
        }
        // A push that was cut off behind its back, or a memory that was lost.
        Some(oid) if one.old.is_none() || remote.has(&oid)? => head.oid = Some(oid),
        Some(oid) if work.asked == Asked::Person => {
            pushed.told.push(format!(
                "somebody else had moved the head of {key} to {}; it is yours again",
                &oid[..12.min(oid.len())]
            ));
            head.oid = Some(oid);
            head.moved_to = None;
        }
        Some(oid) => {
            let why = format!(
                "somebody else moved its head on {} to {}; `snap sync --now` takes it back",
                remote.shown(),
                &oid[..12.min(oid.len())]
            );
            head.held = Some(why.clone());
            head.moved_to = Some(oid);
            pushed.held.push((key.to_owned(), why));
        }
    }
    Ok(())
}

fn chain_is_gone(remote: &Remote<'_>, memory: &mut Memory, pushed: &mut Pushed) {
    memory.chain_there = None;
    pushed.told.push(format!("this machine's log was gone from {}; it is there again", remote.shown()));
}

fn chain(
    remote: &Remote<'_>,
    memory: &mut Memory,
    one: &RefMove,
    found: Option<String>,
    pushed: &mut Pushed,
) -> Result<()> {
    let Some(oid) = found else {
        chain_is_gone(remote, memory, pushed);
        return Ok(());
    };
    memory.chain_there = Some(oid.clone());
    if memory.chain.as_ref() == Some(&oid) {
        return Ok(());
    }
    let kept = memory.chain.clone();
    remote.follow(&[&one.name], true)?;
    let tip = match kept {
        Some(tip) if remote.has(&tip)? => tip,
        _ => {
            memory.chain = Some(oid);
            return Ok(());
        }
    };
    if remote.chain(&oid, MOST_COMMITS)?.contains(&tip) {
        pushed.told.push(format!("somebody else added to this machine's log on {}", remote.shown()));
        memory.chain = Some(oid);
    } else {
        // Only what this machine wrote is its log. What was put in its place is told by whoever saw it.
        remote.keep(&one.name, &tip)?;
        pushed.told.push(format!(
            "somebody had rewritten this machine's log on {}; its own is there again",
            remote.shown()
        ));
    }
    Ok(())
}
