//! Looks through all transcripts for the newest session that was in a work tree, wherever its folder is.
//!
//! A project's folder may have any name: of the place where it was before it was renamed, of an editor's connection,
//! one that was set by hand. What a transcript says of its own folders decides.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use super::{LocatedSession, Passed, Restored, Tie, WantedPlace, glance, session_id};
use crate::base::error::Result;
use crate::base::ids::ClientId;
use crate::base::timestamp::Timestamp;
use crate::client::ClientHome;
use crate::client::FoundSession;
use crate::client::ListedSession;
use crate::client::listing::list;
use crate::sys::parallel;

/// So many transcripts are looked at first; then always four times as many.
const FIRST: usize = 32;

/// No thread is started for fewer.
const WORTH_A_THREAD: usize = 16;

/// Of transcripts in the work tree's own folder, so many are read as a whole if their ends lie elsewhere.
const READ_WHOLE: usize = 8;

/// The most sessions that are named because somebody may mean them.
const MOST_NAMED: usize = 5;

/// So many of the newest transcripts are looked at in each other configuration folder.
const MOST_ELSEWHERE: usize = 256;

/// What the ends of a transcript say.
struct Ends {
    first: Option<PathBuf>,
    last: Option<PathBuf>,
    readable: bool,
}

impl ClientHome {
    /// Takes the session whose transcript was written last, of those that were in this work tree. If there is none,
    /// names those that somebody may mean.
    pub(super) fn ended(&self, place: &WantedPlace<'_>, found: &mut LocatedSession) -> Result<()> {
        let mut transcripts = self.listed(place)?;
        let times = place.times(&transcripts);
        transcripts.sort_by_cached_key(|listed| place.order(listed, &times));
        let mut seen: Vec<(&ListedSession, Ends)> = Vec::new();
        let mut of_gone_folder = None;
        let (mut whole, mut size, mut rest) = (READ_WHOLE, FIRST, transcripts.as_slice());
        while !rest.is_empty() {
            let (part, more) = rest.split_at(size.min(rest.len()));
            for (listed, ends) in
                part.iter().zip(parallel::map(part, WORTH_A_THREAD, |listed| ends(&listed.transcript)))
            {
                if place.holds(&listed.transcript, &ends, &mut whole)
                    && !self.waits(&listed.transcript)
                    && let Some(session) = self.ended_at(place.own_of(&transcripts, &listed.transcript))
                {
                    if !place.was_in_a_folder_that_is_gone(&ends) {
                        found.session = Some(session);
                        found.passed.extend(of_gone_folder.map(|session| (session, Passed::FolderGone)));
                        return Ok(());
                    }
                    of_gone_folder = of_gone_folder.or(Some(session));
                }
                seen.push((listed, ends));
            }
            (size, rest) = (size * 4, more);
        }
        // Better that one than none.
        found.session = of_gone_folder;
        if found.session.is_some() {
            return Ok(());
        }
        let candidates = seen.iter().filter_map(|(listed, ends)| Some((*listed, place.may_mean(ends)?)));
        let candidates = candidates.filter(|(listed, _)| !self.waits(&listed.transcript)).take(MOST_NAMED);
        found
            .passed
            .extend(candidates.filter_map(|(listed, why)| Some((self.ended_at(&listed.transcript)?, why))));
        self.other_profiles(place, found);
        Ok(())
    }

    /// Names the newest session of this work tree in each other configuration folder.
    fn other_profiles(&self, place: &WantedPlace<'_>, found: &mut LocatedSession) {
        for other in self.profiles() {
            // What can't be read there is not our business.
            let transcripts = other.listed(place).unwrap_or_default();
            let mut none = 0;
            let is_here = |listed: &&ListedSession| {
                place.holds(&listed.transcript, &ends(&listed.transcript), &mut none)
            };
            let newest = transcripts.iter().take(MOST_ELSEWHERE).find(is_here);
            let session = newest.and_then(|newest| other.ended_at(&newest.transcript));
            found.passed.extend(session.map(|session| (session, Passed::OtherProfile)));
        }
    }

    fn ended_at(&self, transcript: &Path) -> Option<FoundSession> {
        Some(self.found(session_id(transcript)?, transcript.to_owned(), None))
    }

    /// Lists all sessions, newest first. Only the work tree's own folder must be readable; others may belong to
    /// anything.
    fn listed(&self, place: &WantedPlace<'_>) -> Result<Vec<ListedSession>> {
        for own in &place.folders {
            list(&self.projects().join(own))?;
        }
        self.all_sessions()
    }
}

fn ends(transcript: &Path) -> Ends {
    let last = glance::last_folder(transcript);
    let first = glance::first_folder(transcript);
    let readable = last.is_ok();
    Ends { first: first.ok().flatten(), last: last.ok().flatten(), readable }
}

impl WantedPlace<'_> {
    /// Tells when the sessions of this place were gone on with last, but for what was redone.
    fn times(&self, listed: &[ListedSession]) -> Vec<(ClientId, Timestamp)> {
        if self.restored.is_empty() {
            return Vec::new();
        }
        let is_of_place =
            |one: &&ListedSession| self.restored.contains_key(&one.id) || self.is_folder_of(&one.transcript);
        let time = |one: &ListedSession| {
            let written = Timestamp::from(one.modified);
            match self.restored.get(&one.id) {
                Some(Restored::Done { at, .. }) => (one.id.clone(), written.max(*at)),
                _ => (one.id.clone(), written),
            }
        };
        listed.iter().filter(is_of_place).map(time).collect()
    }

    /// Tells when a session was gone on with last, and those that an undo took away from all others. A redo counts only if another
    /// session was gone on with between the undo and it: else the two have changed nothing.
    fn order(&self, listed: &ListedSession, times: &[(ClientId, Timestamp)]) -> (bool, Reverse<Timestamp>) {
        let written = Timestamp::from(listed.modified);
        let others_within = |from: Timestamp, to: Timestamp| {
            times.iter().any(|(id, at)| *id != listed.id && from < *at && *at <= to)
        };
        match self.restored.get(&listed.id) {
            Some(Restored::Done { at, undone }) => {
                let redone = undone.iter().filter(|(from, to)| others_within(*from, *to)).map(|(_, to)| *to);
                (false, Reverse(redone.fold(written.max(*at), Timestamp::max)))
            }
            Some(Restored::Undone(at)) if written <= *at => (true, Reverse(written)),
            _ => (false, Reverse(written)),
        }
    }

    /// Of one id in several folders (a project that was copied), the one in this place's own folder is meant, as for the client.
    fn own_of<'t>(&self, all: &'t [ListedSession], transcript: &'t Path) -> &'t Path {
        let mut whole = 1;
        let mut is_own = |one: &&ListedSession| {
            one.transcript.file_name() == transcript.file_name()
                && self.is_folder_of(&one.transcript)
                && self.holds(&one.transcript, &ends(&one.transcript), &mut whole)
        };
        all.iter().find(|one| is_own(one)).map_or(transcript, |own| &own.transcript)
    }

    /// Says whether a session belongs to this work tree: it ended here, or began or was here and did not move on to
    /// another work tree of the repository.
    fn holds(&self, transcript: &Path, ends: &Ends, whole: &mut usize) -> bool {
        if !ends.readable {
            // It is known by its folder; a save has more of it than the transcript.
            return self.is_folder_of(transcript);
        }
        let tie =
            |folder: &Option<PathBuf>| folder.as_deref().map_or(Tie::Nowhere, |folder| self.tie(folder));
        match (tie(&ends.last), tie(&ends.first)) {
            (Tie::Here, _) | (Tie::Nowhere, Tie::Here) => true,
            (Tie::Nowhere, Tie::Nowhere) if self.is_folder_of(transcript) && *whole > 0 => {
                *whole -= 1;
                glance::was_ever_in(transcript, |folder| self.tie(folder) == Tie::Here).unwrap_or(false)
            }
            _ => false,
        }
    }

    /// Says whether a session was only in a folder of the work tree that is no longer there, such as a work tree in it that
    /// was removed: another one is meant, if there is another.
    fn was_in_a_folder_that_is_gone(&self, ends: &Ends) -> bool {
        let is_gone = |folder: &PathBuf| folder != self.root && !folder.exists();
        let mut folders = ends.last.iter().chain(&ends.first).peekable();
        folders.peek().is_some() && folders.all(is_gone)
    }

    /// Says why somebody may mean a session that does not belong to this work tree.
    fn may_mean(&self, ends: &Ends) -> Option<Passed> {
        let folders = || ends.last.iter().chain(&ends.first);
        if folders().any(|folder| self.tie(folder) == Tie::OtherTree) {
            return Some(Passed::OtherTree);
        }
        // A folder that was renamed or moved has kept its place or its name.
        let related = |folder: &&PathBuf| {
            folder.parent() == self.root.parent() || folder.file_name() == self.root.file_name()
        };
        let gone = folders().find(related).is_some_and(|folder| !folder.exists());
        gone.then_some(Passed::FolderGone)
    }
}
