//! `snap space`: who is at work on this project, on all machines, and what was saved of it there.

mod feed;
mod snapshots;

use clap::Args;
use serde::Serialize;

use crate::base::columns::{fitted, padded, wide};
use crate::base::error::Result;
use crate::base::screen::Line;
use crate::base::timestamp::{Timestamp, age};
use crate::cli::completion::remotes;
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::paged::paged;
use crate::cli::output::words::count;
use crate::cli::output::{Report, Style, Text, Ui, pager, text};
use crate::context::Context;
use crate::space::{self, Looker, Present, join_command};
use crate::store::Operation;
use crate::transfer::SessionState;
use crate::workspace::Workspace;
use snapshots::{Around, Snapshots};

/// What there is at least room for of what a session is about.
const LEAST_ABOUT: usize = 12;

/// The columns that are left out where there is no room for all, in this order: tasks, edits, branch, since, session.
const LEFT_OUT: [usize; 5] = [6, 5, 4, 2, 3];

/// The most columns of a branch.
const LONGEST_BRANCH: usize = 20;

/// Show who works on this project, on all machines, and which snapshots are there
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap space", "Look once"),
    ("snap follow ada/c137", "See one session as it goes on"),
    ("snap resume ada/c137", "Go on from it"),
]))]
pub(crate) struct Space {
    /// The remote; by default the one of `snap init --sync`, else origin
    #[arg(long, value_name = "REMOTE", add = remotes())]
    remote: Option<String>,
    /// Also list sessions that have ended, and lines that are closed or merged
    #[arg(short, long)]
    all: bool,
    /// Print a line of JSON for each look until standard input ends
    #[arg(long, hide = true, conflicts_with = "all")]
    feed: bool,
}

impl Space {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let home = space::home_of(workspace)?;
        let remote = self.remote.clone().unwrap_or_else(|| space::usual_remote(context, &home));
        if self.feed {
            return feed::run(context, workspace, (&home, &remote), ui);
        }
        let interactive = ui.is_terminal();
        let mut tell = |text: &str| ui.warn(text);
        let mut looker = Looker::open(context, workspace, (&home, &remote), interactive, &mut tell)?;
        // Who can't be reached says so when it is looked.
        let _unchanged = looker.ask_again();
        let ((all, there), shown) = (looker.look_at_all(context.now)?, looker.shown());
        let names_only = looker.names_only();
        drop(looker);
        let (here, states) = (workspace.store.summaries()?, space::line_states_of_all(context, workspace));
        let says = all.iter().filter_map(|one| one.head.says.as_ref());
        let fetched = space::fetched_entries(context, &home);
        let around = Around {
            continued: says.filter_map(|says| says.from.as_ref()).collect(),
            begins: fetched
                .into_iter()
                .filter(|entry| entry.operation == Operation::Branch)
                .filter_map(|entry| entry.snapshot)
                .collect(),
        };
        let snapshots = Snapshots::of(&there, &here, &states, &around, names_only);
        if names_only && (!all.is_empty() || snapshots.unknown > 0) {
            ui.warn(&format!(
                "{shown} does not allow partial fetches, so only names are shown. Its owner can allow them: \
                 `git config uploadpack.allowFilter true`"
            ));
        }
        let shares =
            space::joined(context, &home).is_some_and(|joined| !joined.off && joined.remote == remote);
        let report = SpaceReport::of(&shown, &all, snapshots, context.now, (self.all, names_only));
        ui.report(&SpaceReport { shares, ..report })?;
        Ok(Outcome::Done)
    }
}

/// The sessions of a remote.
#[derive(Serialize)]
struct SpaceReport<'a> {
    remote: &'a str,
    /// Whether the remote said no more than names.
    names_only: bool,
    sessions: Vec<SessionThere<'a>>,
    snapshots: Snapshots<'a>,
    /// How many further snapshots there are of which only the id is known.
    unknown_snapshots: usize,
    /// Whether this project is shared through it.
    #[serde(skip)]
    shares: bool,
    #[serde(skip)]
    now: Timestamp,
    #[serde(skip)]
    all: bool,
}

#[derive(Serialize)]
struct SessionThere<'a> {
    who: &'a str,
    session: &'a str,
    /// `busy`, `waiting`, `idle`, `closed`, or `silent` if it should have been heard of; `null` if only its name is known.
    state: Option<&'static str>,
    heard: Timestamp,
    mine: bool,
    clock_ahead: bool,
    turn: Option<u64>,
    title: Option<&'a str>,
    prompt: Option<&'a str>,
    branch: Option<&'a str>,
    edits: Option<crate::manifest::EditCount>,
    tasks: Option<crate::manifest::TaskCount>,
    agents: Option<usize>,
    snapshot: Option<String>,
    from: Option<String>,
    commit: &'a str,
}

impl<'a> SessionThere<'a> {
    fn of(one: &'a Present) -> SessionThere<'a> {
        let says = one.head.says.as_ref();
        SessionThere {
            who: &one.head.name.who,
            session: &one.head.name.session,
            state: says.map(|says| if one.silent { "silent" } else { says.state.word() }),
            heard: one.heard,
            mine: one.mine,
            clock_ahead: one.ahead,
            turn: says.map(|says| says.turn),
            title: says.and_then(|says| says.title.as_deref()),
            prompt: says.and_then(|says| says.prompt.as_deref()),
            branch: says.and_then(|says| says.branch.as_deref()),
            edits: says.and_then(|says| says.edits),
            tasks: says.and_then(|says| says.tasks),
            agents: says.map(|says| says.agents),
            snapshot: says.and_then(|says| Some(says.snapshot.as_ref()?.to_string())),
            from: says.and_then(|says| Some(says.from.as_ref()?.to_string())),
            commit: &one.head.at.oid,
        }
    }
}

impl<'a> SpaceReport<'a> {
    fn of(
        remote: &'a str,
        sessions: &'a [Present],
        snapshots: Snapshots<'a>,
        now: Timestamp,
        (all, names_only): (bool, bool),
    ) -> SpaceReport<'a> {
        let sessions = sessions.iter().map(SessionThere::of).collect();
        SpaceReport {
            remote,
            names_only,
            sessions,
            unknown_snapshots: snapshots.unknown,
            snapshots,
            shares: false,
            now,
            all,
        }
    }
}

impl SessionThere<'_> {
    /// Its cells but for what it was about.
    fn cells(&self, now: Timestamp) -> [String; 7] {
        let person = self.who.rsplit_once('-').map_or(self.who, |(person, _)| person);
        let ahead = if self.clock_ahead { " (clock is ahead)" } else { "" };
        [
            format!("{}{}", Line(person), if self.mine { " (you)" } else { "" }),
            self.state.unwrap_or("?").to_owned() + ahead,
            age(now.since(self.heard)),
            self.session.get(..8).unwrap_or(self.session).to_owned(),
            self.branch.map(|branch| fitted(branch, LONGEST_BRANCH)).unwrap_or_default(),
            self.edits
                .filter(|edits| edits.files > 0)
                .map(|edits| format!("{} +{} -{}", edits.files, edits.added, edits.removed))
                .unwrap_or_default(),
            self.tasks
                .filter(|tasks| tasks.all > 0)
                .map(|tasks| format!("{}/{}", tasks.done, tasks.all))
                .unwrap_or_default(),
        ]
    }

    fn about(&self) -> String {
        let (title, prompt) = (self.title.unwrap_or_default(), self.prompt.unwrap_or_default());
        match (title, prompt) {
            ("", prompt) => prompt.to_owned(),
            (title, "") => title.to_owned(),
            (title, prompt) => format!("{title}: {prompt}"),
        }
    }
}

/// How many columns of the screen the cells take.
fn used(widths: &[usize; 7]) -> usize {
    widths.iter().filter(|width| **width > 0).map(|width| width + 2).sum()
}

/// Leaves out the columns that there is no room for beside what a session is about; the others keep their widths.
fn that_fit(mut widths: [usize; 7], screen: usize) -> [usize; 7] {
    for column in LEFT_OUT {
        if used(&widths) + LEAST_ABOUT > screen {
            widths[column] = 0;
        }
    }
    widths
}

const HEADINGS: [&str; 7] = ["WHO", "STATE", "SINCE", "SESSION", "BRANCH", "EDITS", "TASKS"];

impl Report for SpaceReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        if self.sessions.is_empty() {
            ui.say(&if self.shares {
                format!(
                    "No session is on {} yet. Those of this project are shared after their next turn; `snap sync --now` does it \
                     at once.",
                    self.remote
                )
            } else {
                format!(
                    "Nobody shares a session on {}; `{}` shares those of this project.",
                    self.remote,
                    join_command(self.remote)
                )
            });
        }
        let screen = if ui.shows_on_terminal() { pager::screen_width() } else { usize::MAX };
        let mut lines = self.sessions_on(screen);
        if !self.snapshots.is_empty() {
            if !lines.is_empty() {
                lines.push(Text::default());
            }
            lines.extend(self.snapshots.lines(self.now, self.all, screen));
        }
        paged(ui, &lines)
    }
}

impl SpaceReport<'_> {
    /// The lines about sessions, for a screen of so many columns.
    fn sessions_on(&self, screen: usize) -> Vec<Text> {
        let is_ended = |one: &&SessionThere<'_>| one.state == Some(SessionState::Closed.word());
        let (ended, open): (Vec<_>, Vec<_>) = self.sessions.iter().partition(is_ended);
        let shown: Vec<&SessionThere<'_>> =
            if self.all { open.iter().chain(&ended).copied().collect() } else { open };
        let rows: Vec<([String; 7], String)> =
            shown.iter().map(|one| (one.cells(self.now), one.about())).collect();
        let width = |column: usize| {
            let widest = rows.iter().map(|(cells, _)| wide(&cells[column])).max().unwrap_or(0);
            if widest == 0 { 0 } else { widest.max(HEADINGS[column].len()) }
        };
        let widths = that_fit(std::array::from_fn(width), screen);
        let used = used(&widths);
        let room = screen.saturating_sub(used).max(LEAST_ABOUT);
        let line = |cells: &[String; 7], about: &str, state: Style| {
            let mut line = Text::default();
            for (column, (cell, width)) in
                cells.iter().zip(widths).enumerate().filter(|(_, (_, width))| *width > 0)
            {
                let cell = format!("{}  ", padded(cell, width));
                line.push(if column == 1 { state.of(cell) } else { text![cell] });
            }
            line.push(text![fitted(about, room)]);
            line
        };
        let mut lines = Vec::new();
        if !rows.is_empty() {
            let heading = line(&HEADINGS.map(str::to_owned), "ABOUT", Style::Faint).render(false);
            lines.push(Style::Faint.of(heading.trim_end()));
        }
        for ((cells, about), one) in rows.iter().zip(&shown) {
            let style = match one.state {
                Some("busy") => Style::Good,
                Some("waiting" | "silent") => Style::Warning,
                _ => Style::Faint,
            };
            lines.push(line(cells, about, style));
        }
        if !self.all && !ended.is_empty() {
            let number = count(ended.len(), "session");
            let and = if rows.is_empty() { "" } else { "and " };
            let words = format!("{and}{number} that ended; `snap space -a` lists them");
            lines.extend(Style::Faint.of(crate::cli::program_name::in_words(&words)).folded(screen, 2));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_left_out_until_what_a_session_is_about_has_room() {
        let widths = [12, 7, 5, 8, 6, 8, 5];
        let columns = |screen| that_fit(widths, screen).iter().filter(|width| **width > 0).count();
        assert_eq!([usize::MAX, 80, 70, 60, 50, 40].map(columns), [7, 7, 6, 5, 3, 2]);
        for screen in 40..90 {
            assert!(used(&that_fit(widths, screen)) + LEAST_ABOUT <= screen, "{screen}");
        }
    }
}
