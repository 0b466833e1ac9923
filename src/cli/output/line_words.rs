//! What is said of a line of work, as marks behind a name, in sentences, and for a program.

use serde::Serialize;

use super::words::ago;
use crate::base::ids::SnapshotId;
use crate::base::screen::{Line, cut};
use crate::base::timestamp::{Timestamp, age};
use crate::store::{LineState, Said};

/// The most characters of a reason.
const LONGEST: usize = 60;

/// What is said of a snapshot's line, for a program.
#[derive(Serialize)]
pub(crate) struct LineFacts<'a> {
    /// The name of the line that begins with it.
    name: Option<&'a str>,
    merged: Vec<SaidFacts<'a>>,
    closed: Option<SaidFacts<'a>>,
}

#[derive(Serialize)]
struct SaidFacts<'a> {
    at: Timestamp,
    user: &'a str,
    host: &'a str,
    /// Of a merge: the snapshot of the other line that was saved before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    into: Option<&'a SnapshotId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

impl<'a> LineFacts<'a> {
    pub(crate) fn of(state: &'a LineState) -> LineFacts<'a> {
        let facts = |said: &'a Said| SaidFacts {
            at: said.at,
            user: &said.user,
            host: &said.host,
            into: said.into.as_ref(),
            why: said.why.as_deref(),
        };
        LineFacts {
            name: state.name.as_deref(),
            merged: state.merged.iter().map(facts).collect(),
            closed: state.closed.as_ref().map(facts),
        }
    }
}

/// Returns what stands behind a snapshot's name in a list. If the line went on from it, only what was up to there is closed.
pub(crate) fn marks(state: &LineState, went_on: bool) -> String {
    let name = state.name.as_deref().map(|name| format!(" [{}]", cut(name, LONGEST)));
    let merged = (!state.merged.is_empty()).then(|| " (merged)".to_owned());
    let closed = if went_on { " (was closed, goes on)" } else { " (closed)" };
    let closed = state.closed.as_ref().map(|_| closed.to_owned());
    [name, merged, closed].into_iter().flatten().collect()
}

/// Returns the same in sentences; `called` gives the name of a snapshot that is here.
pub(crate) fn sentences(
    state: &LineState,
    now: Timestamp,
    called: impl Fn(&SnapshotId) -> Option<String>,
) -> Vec<String> {
    let by = |said: &Said| {
        format!("by {}@{} {}", Line(&said.user), Line(&said.host), ago(&age(now.since(said.at))))
    };
    let named = state.name.as_deref().map(|name| format!("begins the line {}", Line(name)));
    let merged = state.merged.iter().map(|said| {
        let into = said.into.as_ref().map(|into| match called(into) {
            Some(name) => format!(" into {}", Line(&name)),
            None => format!(" into {}", into.short()),
        });
        format!("merged{} {}", into.unwrap_or_default(), by(said))
    });
    let closed = state.closed.as_ref().map(|said| {
        let why = said.why.as_deref().map(|why| format!(": {}", Line(why))).unwrap_or_default();
        format!("closed {}{why}", by(said))
    });
    named.into_iter().chain(merged).chain(closed).collect()
}
