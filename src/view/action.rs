//! What can be done to a snapshot that is looked at: by one key each, the same in the view and in the picker.

/// What is done to a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Print everything in it.
    Show,
    /// Print its edits.
    Diff,
    /// Restore it, and continue its session.
    Resume,
    /// Put the work tree back as it was.
    Rewind,
    /// Keep it from being pruned.
    Pin,
    /// No longer keep it from being pruned.
    Unpin,
    /// Remove it.
    Remove,
}

/// An action and the snapshot that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    /// What is to be done.
    pub action: Action,
    /// The snapshot's id.
    pub id: String,
}

impl Action {
    /// Returns the action of a key for a snapshot that is pinned or not.
    pub(super) fn of(key: char, pinned: bool) -> Option<Action> {
        match key {
            'r' => Some(Action::Resume),
            'w' => Some(Action::Rewind),
            'd' => Some(Action::Diff),
            'p' if pinned => Some(Action::Unpin),
            'p' => Some(Action::Pin),
            'x' => Some(Action::Remove),
            _ => None,
        }
    }

    /// Says whether it changes files of the work tree.
    pub(super) fn changes_files(self) -> bool {
        matches!(self, Action::Resume | Action::Rewind)
    }

    /// Returns what is asked before it is done by one key.
    pub(super) fn question(self, name: &str) -> String {
        let what = match self {
            Action::Rewind => "rewind to",
            other => other.command(),
        };
        format!("{what} {name}? y or n")
    }

    /// Returns the command that does it.
    pub fn command(self) -> &'static str {
        match self {
            Action::Show => "show",
            Action::Diff => "diff",
            Action::Resume => "resume",
            Action::Rewind => "rewind",
            Action::Pin => "pin",
            Action::Unpin => "unpin",
            Action::Remove => "rm",
        }
    }
}
