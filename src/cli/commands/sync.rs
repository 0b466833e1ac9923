//! `snap sync`: what of this project is shared, pushed at once, or taken back; and the program that pushes behind everybody's back.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::base::timestamp::{Timestamp, age};
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::paged::folded;
use crate::cli::output::words::{ago, count, count_u64};
use crate::cli::output::{Report, Style, Ui, text};
use crate::cli::program_name::in_words;
use crate::cli::remotes::usual_remote;
use crate::cli::session_choice;
use crate::cli::wake_pusher;
use crate::client::Live;
use crate::context::Context;
use crate::space::{
    self, Asked, Joined, Memory, Note, Notes, Pushed, Round, Withdrawal, is_moved, join_command,
};
use crate::sys::process;
use crate::transfer::Remotes;
use crate::workspace::Workspace;

/// How often whoever has nothing to push looks for a note.
const LOOK_EACH: Duration = Duration::from_millis(500);

/// Share the sessions of this project as they go: show how it goes, or push at once
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap init --sync", "Share each session here through origin, from now on"),
    ("snap sync", "Show what is shared, and how the last push ended"),
    ("snap sync --now", "Push at once"),
    ("snap sync --withdraw", "Take back what this machine shares"),
]))]
pub(crate) struct Sync {
    /// Push at once: the newest state of each session that hooks told of, that runs here, or that a save would take
    #[arg(long, group = "what")]
    now: bool,
    /// Only show what is shared, and how the last push ended
    #[arg(long, group = "what")]
    status: bool,
    /// Delete the heads of this machine's sessions on the remote
    #[arg(long, group = "what")]
    withdraw: bool,
    /// With --withdraw: those of all machines of this user
    #[arg(long, requires = "withdraw")]
    all: bool,
    /// Push what hooks left notes of, until there is none
    #[arg(long, group = "what", hide = true)]
    background: bool,
}

impl Sync {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let home = space::home_of(workspace)?;
        if self.background {
            return background(context, &home);
        }
        if self.withdraw {
            return self.take_back(context, workspace, &home, ui);
        }
        let Some(joined) = space::joined(context, &home) else {
            let error = Error::new(Kind::NotFound, "Nothing of this project is shared");
            return Err(error.hint(match usual_remote(workspace) {
                Some(remote) => format!(
                    "`{}` shares each session through {}; it says who can read it",
                    join_command(&remote),
                    Line(&remote)
                ),
                None => "add a remote with `git remote add origin ADDRESS`; then `snap init --sync` shares each session through it"
                    .to_owned(),
            }));
        };
        if self.now {
            return now(context, workspace, &joined, ui);
        }
        let notes = Notes::read(context, &home);
        if !notes.is_empty() && !space::is_pushed(context, &home) {
            wake_pusher::push_behind(context, &home);
        }
        ui.report(&SyncReport::of(context, &joined, &notes)?)?;
        Ok(Outcome::Done)
    }
}

impl Sync {
    /// Takes back what this machine shares, from the remotes that it shared through before too.
    fn take_back(
        &self,
        context: &Context,
        workspace: &Workspace,
        home: &Path,
        ui: &mut Ui,
    ) -> Result<Outcome> {
        let remote = shared_through(context, workspace, home)?;
        let withdraw = |remote: &str, is_former, ui: &mut Ui| {
            let what = Withdrawal { home, remote, all: self.all, is_former };
            space::withdraw(context, workspace, &what, &mut |text: &str| ui.warn(text))
        };
        let sessions = withdraw(&remote, false, ui)?;
        let (mut former, mut failed) = (Vec::new(), Vec::new());
        let noted = space::noted(context, home);
        for one in noted.iter().flat_map(|noted| &noted.former) {
            let address = one.leads_to.first().unwrap_or(&one.remote);
            match withdraw(address, true, ui) {
                Ok(sessions) => former.push(Withdrawn { remote: address, sessions, former: Vec::new() }),
                Err(error) => {
                    ui.warn(&format!(
                        "what was shared through {} before is still there: {error}",
                        Line(address)
                    ));
                    failed.push(one.clone());
                }
            }
        }
        let outcome = Outcome::partial_if(!failed.is_empty());
        if let Some(noted) = noted.as_ref().filter(|noted| noted.former != failed) {
            space::join(context, &Joined { former: failed, ..noted.clone() })?;
        }
        ui.confirm(&Withdrawn { remote: &remote, sessions, former })?;
        if space::joined(context, home).is_some() {
            ui.warn(
                "this project is still shared: the next turn pushes again; `snap init --no-sync` ends that",
            );
        }
        Ok(outcome)
    }
}

/// Returns the remote that this clone is or was shared through: where its name leads elsewhere by now, by the address of then.
fn shared_through(context: &Context, workspace: &Workspace, home: &Path) -> Result<String> {
    let Some(noted) = space::noted(context, home) else { return Ok("origin".to_owned()) };
    let mut silent = |_: &str| ();
    let opened = Remotes::open(context, workspace, &noted.remote, false, &mut silent);
    let leads_there =
        noted.leads_to.is_empty() || opened.is_ok_and(|opened| opened.leads_to() == noted.leads_to);
    Ok(match noted.leads_to.into_iter().next() {
        Some(address) if !leads_there => address,
        _ => noted.remote,
    })
}

/// Pushes the newest state of all sessions that were heard of, of those that run here, and of the one that a save would take.
fn now(context: &Context, workspace: &Workspace, joined: &Joined, ui: &mut Ui) -> Result<Outcome> {
    let found = session_choice::find(context, workspace, None)?.session;
    let note = found.map(|found| Note {
        event: found.live.as_ref().and_then(|live| live.status.clone()).unwrap_or_default(),
        cwd: found.live.as_ref().map(|live| live.cwd.clone()).or(found.cwd).unwrap_or(context.cwd.clone()),
        session: found.id,
        transcript: found.transcript,
        at: context.now,
    });
    let mut also = running(context, workspace, joined);
    also.extend(note);
    let mut tell = |text: &str| ui.warn(text);
    let pushed = space::push(context, joined, (Asked::Person, &also), &mut tell)?;
    let outcome = Outcome::partial_if(!pushed.held.is_empty());
    ui.confirm(&PushedReport::of(&joined.remote, &pushed))?;
    for (session, why) in &pushed.held {
        ui.warn(&format!("{} is held back: {}", short(session), on_one_line(why)));
    }
    pushed.told.iter().for_each(|told| ui.warn(told));
    Ok(outcome)
}

/// Returns what there is to say of the sessions that run in this clone: hooks may be off, or came later than they.
fn running(context: &Context, workspace: &Workspace, joined: &Joined) -> Vec<Note> {
    let here = |cwd: &Path| {
        let there = context.at(cwd).and_then(|there| Workspace::open(&there));
        there.and_then(|there| space::home_of(&there)).is_ok_and(|home| home == joined.home)
    };
    let live = workspace.client.running().unwrap_or_default().into_iter().filter(|live| here(&live.cwd));
    let note = |live: Live| {
        let transcript = workspace.client.transcripts(&live.id).ok()?.into_iter().next()?;
        let event = live.status.unwrap_or_default();
        Some(Note { event, session: live.id, transcript, cwd: live.cwd, at: context.now })
    };
    live.filter_map(note).collect()
}

/// Pushes until there is nothing left to push; one process a clone.
fn background(context: &Context, home: &Path) -> Result<Outcome> {
    process::leave_terminal();
    loop {
        let Some(pusher) = space::become_pusher(context, home)? else { return Ok(Outcome::Done) };
        loop {
            // The moment is that of the round.
            let now = Context::from_environment(Some(home), context.store.clone())?;
            match space::round(&now, home)? {
                Round::Wait(pause) => std::thread::sleep(pause),
                Round::Rest(most) => {
                    let end = Instant::now() + most;
                    while Instant::now() < end && !space::has_notes(context, home) {
                        std::thread::sleep(LOOK_EACH);
                    }
                }
                Round::Done => break,
                Round::GivenUp => return Ok(Outcome::Done),
            }
        }
        drop(pusher);
        // A hook may have seen this one at work just now, and started none.
        if !space::has_notes(context, home) {
            return Ok(Outcome::Done);
        }
    }
}

/// What was pushed.
#[derive(Serialize)]
struct PushedReport<'a> {
    remote: &'a str,
    sessions: Vec<PushedSession<'a>>,
    held: Vec<HeldSession<'a>>,
    log_lines: u64,
    told: &'a [String],
}

#[derive(Serialize)]
struct PushedSession<'a> {
    session: &'a str,
    state: &'static str,
}

#[derive(Serialize)]
struct HeldSession<'a> {
    session: &'a str,
    reason: &'a str,
}

impl<'a> PushedReport<'a> {
    fn of(remote: &'a str, pushed: &'a Pushed) -> PushedReport<'a> {
        let one = |(session, state): &'a (String, crate::transfer::SessionState)| PushedSession {
            session,
            state: state.word(),
        };
        PushedReport {
            remote,
            sessions: pushed.heads.iter().map(one).collect(),
            held: pushed.held.iter().map(|(session, reason)| HeldSession { session, reason }).collect(),
            log_lines: pushed.lines,
            told: &pushed.told,
        }
    }
}

impl Report for PushedReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let remote = Line(self.remote).to_string();
        for one in &self.sessions {
            ui.say(&format!("{} is on {remote}, {}.", short(one.session), one.state));
        }
        if self.log_lines > 0 {
            ui.say(&format!("{} of the log went there too.", count_u64(self.log_lines, "line")));
        }
        if self.sessions.is_empty() && self.held.is_empty() && self.log_lines == 0 {
            ui.say(&format!("There is nothing new for {remote}."));
        }
        Ok(())
    }
}

/// What was taken back.
#[derive(Serialize)]
struct Withdrawn<'a> {
    remote: &'a str,
    sessions: Vec<String>,
    /// The same of the remotes that the project was shared through before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    former: Vec<Withdrawn<'a>>,
}

impl Report for Withdrawn<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        for one in std::iter::once(self).chain(&self.former) {
            let remote = Line(one.remote);
            ui.say(&match one.sessions.len() {
                0 => format!("Nothing of yours is shared on {remote}."),
                some => format!(
                    "Took {} from {remote}: {}. Whoever has fetched one still has it.",
                    count(some, "session"),
                    one.sessions.iter().map(|session| short(session)).collect::<Vec<_>>().join(", ")
                ),
            });
        }
        Ok(())
    }
}

/// How it goes.
#[derive(Serialize)]
struct SyncReport {
    remote: String,
    leads_to: Vec<String>,
    private: bool,
    since: Timestamp,
    /// How this user on this machine is called there.
    who: String,
    sessions: Vec<SharedSession>,
    /// How many notes of hooks wait to be pushed.
    waiting: usize,
    pushed: Option<Timestamp>,
    tried: Option<Timestamp>,
    failures: u32,
    problem: Option<String>,
    /// Why nothing is tried by itself any more.
    refused: Option<String>,
    told: Vec<String>,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct SharedSession {
    session: String,
    state: &'static str,
    turn: u64,
    pushed: Option<Timestamp>,
    held: Option<String>,
}

impl SyncReport {
    fn of(context: &Context, joined: &Joined, notes: &Notes) -> Result<SyncReport> {
        let memory: Memory = space::memory(context, &joined.home);
        let one = |head: &space::OwnHead| SharedSession {
            session: head.session.to_string(),
            state: head.state().word(),
            turn: head.turn,
            pushed: head.pushed,
            held: head.held.clone(),
        };
        Ok(SyncReport {
            remote: joined.remote.clone(),
            leads_to: once(&joined.leads_to),
            private: joined.private,
            since: joined.since,
            who: joined.who(context)?,
            sessions: memory.heads.values().map(one).collect(),
            waiting: notes.len(),
            pushed: memory.pushed,
            tried: memory.tried,
            failures: memory.failures,
            problem: memory.problem,
            refused: memory.refused,
            told: memory.told,
            now: context.now,
        })
    }
}

impl Report for SyncReport {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let since = |at: Timestamp| ago(&age(self.now.since(at)));
        let mut line =
            |heading: &str, rest| folded(ui, &text![Style::Faint.of(format!("{heading:10}")), rest], 10);
        let address = self.leads_to.first().map(|address| format!("  {}", Line(address))).unwrap_or_default();
        line("Remote", text![Style::Strong.of(&self.remote), Style::Faint.of(address)])?;
        let private = if self.private { "; titles and prompts stay out of its messages" } else { "" };
        line("You", text![&self.who, Style::Faint.of(private)])?;
        for (number, one) in self.sessions.iter().enumerate() {
            let heading = if number == 0 { "Sessions" } else { "" };
            let pushed =
                one.pushed.map_or_else(|| "not pushed yet".to_owned(), |at| format!("pushed {}", since(at)));
            line(
                heading,
                text![
                    short(&one.session),
                    "  ",
                    one.state,
                    Style::Faint.of(format!("  {pushed}, {}", count_u64(one.turn, "turn")))
                ],
            )?;
            if let Some(why) = &one.held {
                line("", text![Style::Warning.of("held back: "), on_one_line(why)])?;
            }
        }
        let last = match (self.pushed, self.tried) {
            (Some(at), _) => format!("pushed {}", since(at)),
            (None, Some(at)) => format!("tried {}, and never pushed yet", since(at)),
            (None, None) => "nothing was pushed yet".to_owned(),
        };
        line("Last", text![last])?;
        if self.waiting > 0 {
            line("Waiting", text![count(self.waiting, "note")])?;
        }
        if let Some(problem) = self.refused.as_ref().or(self.problem.as_ref()) {
            let more = match self.refused {
                // To try again is refused too.
                Some(_) if is_moved(problem) => {
                    format!("; `{}` shares through the new place", join_command(&self.remote))
                }
                Some(_) => in_words("; nothing is tried by itself until `snap sync --now`").into_owned(),
                None => format!(
                    "; {} in a row failed, and it is tried again",
                    match self.failures {
                        1 => "1 push".to_owned(),
                        more => format!("{more} pushes"),
                    }
                ),
            };
            line("Problem", text![Style::Bad.of(on_one_line(problem)), more])?;
        }
        for told in &self.told {
            line("Note", text![told])?;
        }
        Ok(())
    }
}

/// How sharing goes, in short.
#[derive(Serialize)]
pub(super) struct SharedNow {
    remote: String,
    pushed: Option<Timestamp>,
    /// How many notes of hooks wait to be pushed.
    waiting: usize,
    /// How many sessions are held back.
    held: usize,
    problem: Option<String>,
    #[serde(skip)]
    age: Option<String>,
}

impl SharedNow {
    /// Looks at what is known here; `None` if nothing is shared.
    pub(super) fn of(context: &Context, workspace: &Workspace) -> Option<SharedNow> {
        let home = space::home_of(workspace).ok()?;
        let joined = space::joined(context, &home)?;
        let memory = space::memory(context, &home);
        Some(SharedNow {
            remote: joined.remote,
            pushed: memory.pushed,
            waiting: Notes::read(context, &home).len(),
            held: memory.heads.values().filter(|head| head.held.is_some()).count(),
            problem: memory.refused.or(memory.problem),
            age: memory.pushed.map(|at| ago(&age(context.now.since(at)))),
        })
    }

    /// Says it in a line.
    pub(super) fn words(&self) -> String {
        let pushed =
            self.age.as_ref().map_or_else(|| "not pushed yet".to_owned(), |age| format!("pushed {age}"));
        let waiting = if self.waiting > 0 {
            format!(", {} waiting", count(self.waiting, "note"))
        } else {
            String::new()
        };
        format!("through {}, {pushed}{waiting}", Line(&self.remote))
    }

    /// Says what helps if something is wrong with it.
    pub(super) fn mend(&self) -> String {
        match &self.problem {
            Some(problem) if is_moved(problem) => {
                format!("`{}` shares through the new place", join_command(&self.remote))
            }
            _ => "`snap sync` says more, `snap sync --now` tries again".to_owned(),
        }
    }

    /// Says what is wrong with it.
    pub(super) fn wrong(&self) -> Option<String> {
        let held = (self.held > 0).then(|| format!("{} held back from sharing", count(self.held, "session")));
        self.problem.as_deref().map(on_one_line).or(held)
    }
}

/// Returns addresses, each once: most are to fetch from and to push to.
pub(super) fn once(addresses: &[String]) -> Vec<String> {
    let mut all = addresses.to_vec();
    all.dedup();
    all
}

/// Puts an error with its list on one line.
fn on_one_line(error: &str) -> String {
    let mut lines = error.lines().map(str::trim);
    let first = lines.next().unwrap_or_default().to_owned();
    let rest = lines.collect::<Vec<_>>().join("; ");
    match (rest.is_empty(), first.ends_with(':')) {
        (true, _) => first,
        (false, true) => format!("{first} {rest}"),
        (false, false) => format!("{first}; {rest}"),
    }
}

/// Shortens a session's id.
fn short(session: &str) -> String {
    Line(session.get(..8).unwrap_or(session)).to_string()
}
