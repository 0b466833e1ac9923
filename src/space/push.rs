//! Pushing: the newest state of each session that was heard of, as its head, with the lines of the log since.
//!
//! One push moves all of them or none, each only from where this machine knows it to be. What somebody else moved is left alone
//! and said. Nothing that holds a secret is sent. If a push fails, the notes stay, and the next one says the same and more.

use std::collections::BTreeMap;
use std::time::Duration;

use super::joined::{Joined, folder_of, join};
use super::memory::{Memory, OwnHead};
use super::notes::{Note, Notes};
use super::presence::{PUSHES, open_kept};
use super::work::{Asked, PATIENCE, Pushed, Work};
use super::{chain, pace, settle};
use crate::audit;
use crate::base::digest::ObjectId;
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::Monitor;
use crate::base::timestamp::Timestamp;
use crate::capture::{self, Request};
use crate::client::was_spoken_to;
use crate::context::Context;
use crate::git::{NewCommit, RefMove, Remote, Retries};
use crate::manifest::Manifest;
use crate::redaction;
use crate::store::{LogEntry, Operation};
use crate::sys::locks::open_exclusively;
use crate::transfer::{HeadSays, LINES, MANIFEST, SessionState, commit_of, object_of, part};
use crate::workspace::Workspace;

/// How often a session that is at work is heard of, at least.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(300);

/// The head of a session that has ended goes after this.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// If nothing was pushed for longer, no head goes for its age: the next push sees to that.
const STEADY: Duration = Duration::from_secs(24 * 3_600);

/// How often a push is tried again once it is known what changed on the remote.
const TRIES: usize = 3;

/// A head that is about to be pushed.
pub(super) struct Made {
    /// Its key in the memory.
    pub(super) key: String,
    manifest: Manifest,
    commit: NewCommit,
    content: ObjectId,
}

/// Pushes what was heard of a clone's sessions; `also`: sessions that a person means, whether or not they were heard of.
///
/// # Errors
/// What keeps all of it from being sent. What is wrong with one session is in the report.
pub fn push(
    context: &Context,
    joined: &Joined,
    (asked, also): (Asked, &[Note]),
    tell: &mut dyn FnMut(&str),
) -> Result<Pushed> {
    let folder = folder_of(context, &joined.home);
    folder.make_folder()?;
    let _alone = open_exclusively(&folder.join("lock"), PATIENCE)?;
    let notes = Notes::read(context, &joined.home);
    let before = Memory::read(&folder);
    let mut memory = before.clone();
    for note in notes.all.iter().chain(also) {
        memory.hear(part(note.session.as_str()), note);
    }
    let done = work(context, joined, (asked, &notes, also), &mut memory, tell);
    let (tried, failures) = (Some(context.now), before.failures.saturating_add(1));
    match done {
        Ok(pushed) => {
            Memory { tried, pushed: tried, failures: 0, problem: None, refused: None, ..memory }
                .write(&folder)?;
            notes.remove();
            Ok(pushed)
        }
        Err(error) => {
            // Nothing was taken in: the notes are read again.
            let problem = Some(error.to_string());
            let refused = (error.kind() == Kind::Refused).then(|| error.to_string());
            Memory { tried, failures, problem, refused, ..before }.write(&folder)?;
            Err(error)
        }
    }
}

fn work(
    context: &Context,
    joined: &Joined,
    (asked, notes, also): (Asked, &Notes, &[Note]),
    memory: &mut Memory,
    tell: &mut dyn FnMut(&str),
) -> Result<Pushed> {
    let context = &context.at(&joined.home)?;
    let workspace = &Workspace::open(context)?;
    let place = (joined.home.as_path(), joined.remote.as_str(), PUSHES);
    let (mut remote, _scratch, _) = open_kept(context, workspace, place, asked == Asked::Person, tell)?;
    joined.refuse_moved(remote.leads_to())?;
    let joined = &if joined.leads_to.is_empty() || joined.clone.is_empty() {
        join(context, &Joined { leads_to: remote.leads_to().to_vec(), ..joined.clone() })?
    } else {
        joined.clone()
    };
    memory.lead_to(remote.leads_to());
    let usual = Retries::default();
    // What nobody waits for is tried again by the next push.
    let tries = if asked == Asked::Person { context.tries.unwrap_or(usual.tries) } else { 1 };
    remote.try_again(Retries { tries, first_wait: context.first_wait.unwrap_or(usual.first_wait) });
    let machine = pace::place(context, remote.leads_to());
    machine.make_folder()?;
    let _one_at_a_time = open_exclusively(&machine.join("lock"), PATIENCE)?;

    let work = Work { context, joined, workspace, asked };
    let mut pushed = Pushed::default();
    let mut made = Vec::new();
    let heard = notes.all.iter().chain(also).map(|note| part(note.session.as_str())).collect::<Vec<_>>();
    for key in memory.heads.keys().cloned().collect::<Vec<_>>() {
        let Some(head) = memory.heads.get_mut(&key) else { continue };
        if !(heard.contains(&key) || work.is_due(head)) {
            continue;
        }
        if head.moved_to.is_some() && asked == Asked::Note {
            pushed
                .held
                .push((key, "somebody else moved its head; `snap sync --now` takes it back".to_owned()));
            continue;
        }
        match work.make(&key, head) {
            Ok(None) => head.held = None,
            Ok(Some(one)) => {
                head.held = None;
                made.push(one);
            }
            Err(error) => {
                head.held = Some(error.to_string());
                pushed.held.push((key, error.to_string()));
            }
        }
    }
    work.send(&remote, memory, made, &mut pushed)?;
    memory.told = if pushed.told.is_empty() { std::mem::take(&mut memory.told) } else { pushed.told.clone() };
    Ok(pushed)
}

impl Work<'_> {
    /// Says whether a session is to be pushed though nothing was heard of it. Marks it as closed if its client ended without a word.
    fn is_due(&self, head: &mut OwnHead) -> bool {
        if self.asked == Asked::Person {
            return head.state() != SessionState::Closed || head.held.is_some();
        }
        let last = head.pushed.unwrap_or(head.at);
        if head.held.is_some() || !head.state().is_at_work() || self.context.now.since(last) < HEARTBEAT {
            return false;
        }
        let runs = self.workspace.client.session_at(&head.transcript).is_ok_and(|found| found.live.is_some());
        if !runs {
            // Its client was ended without a word.
            SessionState::Closed.word().clone_into(&mut head.state);
        }
        true
    }

    /// Makes the head of a session; `None` if there is nothing new to say of it.
    fn make(&self, key: &str, head: &OwnHead) -> Result<Option<Made>> {
        if !was_spoken_to(&head.transcript)? {
            return Ok(None);
        }
        let there = self.context.at(&head.cwd).ok();
        let there = there.map(|there| (Workspace::open(&there), there)).and_then(|(opened, there)| {
            // In another repository there are other edits.
            let opened = opened
                .ok()
                .filter(|opened| super::joined::home_of(opened).is_ok_and(|home| home == self.joined.home))?;
            Some((opened, there))
        });
        let (workspace, context) = match &there {
            Some((workspace, context)) => (workspace, context),
            None => (self.workspace, self.context),
        };
        let session = workspace.client.session_at(&head.transcript)?;
        let monitor = Monitor::default();
        let request = Request::usual(Some(&session), &context.settings, &monitor);
        let (manifest, _notes) = capture::head(context, workspace, &request)?;
        redaction::check(workspace, &manifest, false, &[], &monitor)?;
        let state = match (head.state(), session.live.as_ref().and_then(|live| live.status.as_deref())) {
            // It was answered since.
            (SessionState::Waiting, Some("busy")) => SessionState::Busy,
            (state, _) => state,
        };
        let content = ObjectId::of(format!("{} {}", manifest.state, state.word()).as_bytes());
        let is_beat = state.is_at_work()
            && head.pushed.is_none_or(|pushed| self.context.now.since(pushed) >= HEARTBEAT);
        if head.content == Some(content) && head.oid.is_some() && !is_beat {
            return Ok(None);
        }
        let every = if state.is_at_work() { HEARTBEAT.as_secs() } else { 0 };
        let says = HeadSays::of(&manifest, state, head.turn, every, self.joined.private);
        let name = self.joined.head(self.context, key)?.name();
        let commit = NewCommit { message: says.message(), ..commit_of(&manifest, name, false) };
        Ok(Some(Made { key: key.to_owned(), manifest, commit, content }))
    }

    /// Sends heads and lines; what turns out to be otherwise on the remote is looked into, and it is tried again.
    fn send(
        &self,
        remote: &Remote<'_>,
        memory: &mut Memory,
        made: Vec<Made>,
        pushed: &mut Pushed,
    ) -> Result<()> {
        let mut made = made;
        self.log(memory, &made);
        for _ in 0..TRIES {
            let next = chain::next(self, remote, memory)?;
            let gone = self.outlived(memory)?;
            let is_moved = memory.chain_there != memory.chain;
            if made.is_empty()
                && gone.is_empty()
                && !is_moved
                && !next.as_ref().is_some_and(chain::Next::is_news)
            {
                return Ok(());
            }
            let oids = self.write(remote, memory, &made, next.as_ref())?;
            let mut moves: Vec<RefMove> = Vec::new();
            for (one, oid) in made.iter().zip(&oids) {
                let old = memory.heads.get(&one.key).and_then(|head| head.oid.clone());
                moves.push(RefMove { name: one.commit.name.clone(), old, new: Some(oid.clone()) });
            }
            // The chain's commit was made last.
            let tip = match &next {
                Some(chain::Next { commit: Some(_), .. }) => oids.last().cloned(),
                _ => memory.chain.clone(),
            };
            if let (Some(next), Some(tip)) = (&next, &tip) {
                moves.push(RefMove {
                    name: next.name.clone(),
                    old: next.on_remote.clone(),
                    new: Some(tip.clone()),
                });
            }
            moves.extend(gone.iter().map(|(_, gone)| gone.clone()));
            let answers = remote.move_refs(&moves)?;
            if answers.iter().all(|answer| *answer == crate::git::PushAnswer::Taken) {
                self.note(memory, &made, &oids, pushed);
                if let (Some(next), Some(tip)) = (&next, tip) {
                    (memory.chain, memory.chain_there) = (Some(tip.clone()), Some(tip));
                    pushed.lines = next.lines;
                }
                for (key, _) in gone {
                    memory.heads.remove(&key);
                }
                let _slower_next_time = remote.tidy();
                return Ok(());
            }
            settle::settle(self, remote, memory, (&moves, &answers), pushed)?;
            made.retain(|one| memory.heads.get(&one.key).is_some_and(|head| head.moved_to.is_none()));
        }
        Err(Error::new(Kind::Environment, format!("Cannot push to {}", remote.shown()))
            .because("what is there changed each time it was looked at")
            .hint("run `snap sync --now` later"))
    }

    /// Makes the commits, on what is in the kept repository already.
    fn write(
        &self,
        remote: &Remote<'_>,
        memory: &Memory,
        made: &[Made],
        next: Option<&chain::Next>,
    ) -> Result<Vec<String>> {
        let mut there: BTreeMap<String, String> = BTreeMap::new();
        let mut both = Vec::new();
        for oid in made.iter().filter_map(|one| memory.heads.get(&one.key)?.oid.as_deref()) {
            if let Some(files) = remote.files_of(oid)? {
                there.extend(files);
                both.push(oid);
            }
        }
        remote.build_on(&both)?;
        let sizes: BTreeMap<_, _> = made
            .iter()
            .flat_map(|one| one.manifest.objects())
            .map(|object| (object.object, object))
            .collect();
        let json: Vec<Vec<u8>> = made.iter().map(|one| one.manifest.to_json()).collect::<Result<_>>()?;
        let of_chain = next.and_then(|next| next.commit.as_ref());
        let commits: Vec<NewCommit> = made.iter().map(|one| &one.commit).chain(of_chain).cloned().collect();
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        remote.write_on(
            &commits,
            &there,
            |path| path == MANIFEST || path == LINES,
            |number, path| match (object_of(path).and_then(|id| sizes.get(&id)), json.get(number), next) {
                (Some(object), ..) => self.workspace.store.frame(object),
                (None, Some(json), _) if path == MANIFEST => Ok(json.clone()),
                (None, _, Some(next)) if path == LINES => Ok(next.text.clone().into_bytes()),
                _ => Err(Error::new(Kind::Bug, "There is no such file to write")),
            },
        )
    }

    /// Writes into the log which sessions begin or end to be shared, each once.
    fn log(&self, memory: &Memory, made: &[Made]) {
        let log = self.workspace.store.own_log().unwrap_or_default();
        for head in made.iter().filter_map(|one| memory.heads.get(&one.key)) {
            let of_it = |entry: &&LogEntry| {
                matches!(entry.operation, Operation::Open | Operation::End)
                    && entry.session.as_ref() == Some(&head.session)
            };
            let last = log.iter().rev().find(of_it).map(|entry| entry.operation);
            let is_closed = head.state() == SessionState::Closed;
            let add = |operation: Operation| {
                let line = audit::line(self.context, operation, None);
                audit::write(
                    &self.workspace.store,
                    &LogEntry { session: Some(head.session.clone()), ..line },
                );
            };
            if last != Some(Operation::Open) && !(is_closed && last.is_some()) {
                add(Operation::Open);
            }
            if is_closed && last != Some(Operation::End) {
                add(Operation::End);
            }
        }
    }

    /// Notes what was pushed.
    fn note(&self, memory: &mut Memory, made: &[Made], oids: &[String], pushed: &mut Pushed) {
        for (one, oid) in made.iter().zip(oids) {
            let Some(head) = memory.heads.get_mut(&one.key) else { continue };
            head.oid = Some(oid.clone());
            head.pushed = Some(self.context.now);
            head.content = Some(one.content);
            head.moved_to = None;
            pushed.heads.push((one.key.clone(), head.state()));
        }
    }

    /// Returns heads of sessions that ended long ago.
    fn outlived(&self, memory: &Memory) -> Result<Vec<(String, RefMove)>> {
        // A clock that has just leapt ahead makes everything old. It is believed once it has gone on for a while.
        let now = self.context.now;
        if memory.pushed.is_none_or(|pushed| now.since(pushed) > STEADY) {
            return Ok(Vec::new());
        }
        let is_old = |at: Timestamp| now.since(at) > KEPT;
        let old =
            memory.heads.iter().filter(|(_, head)| head.state() == SessionState::Closed && is_old(head.at));
        let mut gone = Vec::new();
        for (key, head) in old {
            let name = self.joined.head(self.context, key)?.name();
            if head.oid.is_some() {
                gone.push((key.clone(), RefMove { name, old: head.oid.clone(), new: None }));
            }
        }
        Ok(gone)
    }
}
