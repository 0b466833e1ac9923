//! What all say of lines of work, as their logs were when they were fetched last.

use super::history::fetched_entries;
use super::joined::home_of;
use crate::context::Context;
use crate::store::LineStates;
use crate::workspace::Workspace;

/// Returns what is said here and by all who share: for who shows it. It decides nothing.
pub fn line_states_of_all(context: &Context, workspace: &Workspace) -> LineStates {
    let fetched = home_of(workspace).map(|home| fetched_entries(context, &home)).unwrap_or_default();
    workspace.store.line_states_with(&fetched)
}
