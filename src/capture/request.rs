//! What a save is asked for. Pure.

use std::path::Path;

use super::automatic::Automatic;
use super::reading::{History, Reading};
use super::untracked::Limits;
use crate::base::monitor::Monitor;
use crate::client::{FoundSession, SessionFiles};
use crate::settings::Settings;

/// What to save.
pub struct Request<'a> {
    /// What to call it; made from the last prompt and the time if absent.
    pub name: Option<&'a str>,
    /// Why it is saved.
    pub message: Option<&'a str>,
    /// The session to save, if there is one.
    pub session: Option<&'a FoundSession>,
    /// How much of the conversation.
    pub history: History,
    /// When the conversation is saved.
    pub conversation: Conversation,
    /// Untracked files to save whatever their size, their folder and git's ignore rules.
    pub include: &'a [String],
    /// How much of what is untracked is saved without that.
    pub limits: Limits,
    /// The limits that hold if nobody says otherwise: what is saved beyond them was asked for.
    pub usual_limits: Limits,
    /// Whether it takes what an earlier save of this work tree was asked to take.
    pub carry: Carry,
    /// For a checkpoint that nobody asked for: what makes it worth saving.
    pub automatic: Option<Automatic>,
    /// Whether it is signed.
    pub sign: Signing,
    /// Secrets that may be saved as they are, by ID, from now on.
    pub allow_secrets: &'a [String],
    /// Is told how far it is.
    pub monitor: &'a Monitor,
}

impl<'a> Request<'a> {
    /// Asks for what a person gets who says nothing: all as their settings have it.
    pub fn usual(
        session: Option<&'a FoundSession>,
        settings: &Settings,
        monitor: &'a Monitor,
    ) -> Request<'a> {
        Request {
            name: None,
            message: None,
            session,
            history: History::of(settings),
            conversation: Conversation::WithEdits,
            include: &[],
            limits: Limits::of(settings),
            usual_limits: Limits::of(settings),
            carry: Carry::Yes,
            automatic: None,
            sign: Signing::Configured,
            allow_secrets: &[],
            monitor,
        }
    }

    /// Lists the files of the session, whose tasks may be those that sessions of the project at `root` share.
    pub(super) fn files(&self, root: &Path) -> SessionFiles {
        self.session.map(|found| found.home.session_files(found, root)).unwrap_or_default()
    }

    /// Returns what is to be read of the session as it is now.
    pub(super) fn reading(&self, root: &Path) -> Reading<'a> {
        let (files, moment) = (self.files(root), None);
        Reading { found: self.session, files, history: self.history, moment, monitor: self.monitor }
    }
}

/// Whether files are saved because an earlier save of this work tree was asked to take them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carry {
    /// They are.
    Yes,
    /// They are only told of.
    Tell,
    /// They are not.
    No,
}

/// When a conversation is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversation {
    /// With the edits.
    WithEdits,
    /// Behind them, before the step: the snapshot is published without it, and completed at once.
    Next,
    /// Behind them, beside the step: another process completes the snapshot.
    Follows,
}

/// Whether a snapshot is signed, so that others can tell who saved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// It is not.
    No,
    /// If the user's git configuration says `snap.sign`; a signature that fails is only told of.
    Configured,
    /// It is, or it is not saved.
    Asked,
}
