//! `snap follow USER/SESSION`: somebody's session as it goes on, to be read and nothing else.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::talk::{Page, words_of};
use crate::base::error::{Kind, Result};
use crate::base::screen::Line;
use crate::base::timestamp::{age, parse_span};
use crate::cli::companion;
use crate::cli::completion::remotes;
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::words::ago;
use crate::cli::output::{Style, Ui, text};
use crate::client::transcript::talk::{Talk, Turn};
use crate::context::Context;
use crate::space::{self, Followed, Looker, News, Present};
use crate::transfer::{HeadSays, SessionState};
use crate::workspace::Workspace;

/// How many turns are shown of what was before.
const FIRST: usize = 12;

/// See somebody's session on another machine as it goes on
///
/// Nothing of it is run or taken over; `snap resume USER/SESSION` goes on from it.
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap follow ada/c137", "Follow the session c137… of ada"),
    ("snap follow ada/ --once", "Print the end of her only session"),
]))]
pub(crate) struct Follow {
    /// Whose session, as `snap space` lists it; the start of its id is enough
    #[arg(value_name = "USER/SESSION")]
    reference: String,
    /// The remote; by default the one of `snap init --sync`, else origin
    #[arg(long, value_name = "REMOTE", add = remotes())]
    remote: Option<String>,
    /// How often to look
    #[arg(long, value_name = "TIME", value_parser = parse_span, default_value = "5s")]
    every: Duration,
    /// Print what there is, and end
    #[arg(long)]
    once: bool,
    /// Begin with the whole conversation, not with its end
    #[arg(long)]
    all: bool,
    /// Print the end as lines of JSON, for another program that holds standard input
    #[arg(long, hide = true, conflicts_with_all = ["once", "all"])]
    feed: bool,
}

impl Follow {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if self.feed {
            return self.feed(context, workspace, ui);
        }
        let home = space::home_of(workspace)?;
        let remote = self.remote.clone().unwrap_or_else(|| space::usual_remote(context, &home));
        let (mut silent, mut silent_too) = (|_: &str| (), |_: &str| ());
        let mut looker = Looker::open(context, workspace, (&home, &remote), false, &mut silent)?;
        let found = looker.find(&self.reference)?;
        let mut followed = Followed::begin(context, workspace, (&remote, &found.head.name), &mut silent_too)?;
        tell_state(&found, context, ui);
        let mut shown = Shown { talk: Talk::begin(false), first: !self.all };
        let mut last = found;
        loop {
            let news = match followed.news() {
                Err(error) if error.kind() == Kind::NotFound && !shown.is_first() => {
                    ui.say("It was taken back.");
                    return Ok(Outcome::Done);
                }
                // A remote that is away for a while comes back.
                Err(error) if error.kind() == Kind::Environment && !shown.is_first() => {
                    ui.warn(&error.to_string());
                    None
                }
                news => news?,
            };
            if let Some(news) = news {
                shown.print(&news, ui)?;
                ui.flush()?;
            }
            let closed = last.head.says.as_ref().is_some_and(|says| says.state == SessionState::Closed);
            if self.once || closed {
                if closed && !self.once {
                    ui.say("The session has ended.");
                }
                return Ok(Outcome::Done);
            }
            std::thread::sleep(self.every);
            let now = context.moment();
            let Ok(all) = looker.look(now) else { continue };
            match all.into_iter().find(|one| one.head.name == last.head.name) {
                Some(one) => {
                    if of(&one) != of(&last) || one.silent != last.silent {
                        tell_state(&one, &Context { now, ..context.clone() }, ui);
                    }
                    last = one;
                }
                None => {
                    ui.say("It was taken back.");
                    return Ok(Outcome::Done);
                }
            }
        }
    }
}

impl Follow {
    /// Prints the end of a session for `snap view`, with a line for what failed.
    fn feed(&self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        companion::stay_beside();
        let home = space::home_of(workspace)?;
        let remote = self.remote.clone().unwrap_or_else(|| space::usual_remote(context, &home));
        let (mut silent, mut silent_too) = (|_: &str| (), |_: &str| ());
        let news = Looker::open(context, workspace, (&home, &remote), false, &mut silent)
            .and_then(|mut looker| looker.find(&self.reference))
            .and_then(|found| {
                let named = (remote.as_str(), &found.head.name);
                Followed::begin(context, workspace, named, &mut silent_too)?.news()
            });
        match news {
            Ok(news) => {
                let mut shown = Shown { talk: Talk::begin(false), first: true };
                news.iter().try_for_each(|news| shown.print_json(news, ui))?;
            }
            Err(error) => {
                let text = Line(&error.to_string()).to_string();
                ui.print_json_line(&Happened { what: "failed", text, added: None, removed: None })?;
            }
        }
        ui.flush()?;
        Ok(Outcome::Done)
    }
}

fn of(one: &Present) -> Option<SessionState> {
    one.head.says.as_ref().map(|says: &HeadSays| says.state)
}

/// Says what the session does.
fn tell_state(one: &Present, context: &Context, ui: &mut Ui) {
    let since = ago(&age(context.now.since(one.heard)));
    let state = match (of(one), one.silent) {
        (Some(_), true) => format!("nothing was heard of it since {since}"),
        (Some(state), false) => format!("{}, {since}", state.word()),
        (None, _) => "the remote tells no more than its name before it is fetched".to_owned(),
    };
    ui.say(&format!("{}/{}: {state}.", Line(&one.head.name.who), Line(&one.head.name.session)));
}

/// What was printed of a session.
struct Shown {
    talk: Talk,
    /// Whether only the end of what comes first is printed.
    first: bool,
}

/// One thing that happened, for a program.
#[derive(Serialize)]
struct Happened {
    what: &'static str,
    text: String,
    /// Of an edit: the lines that it gains,
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<u64>,
    /// and loses; neither if the path is no longer edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<u64>,
}

impl Shown {
    /// Says whether nothing was printed yet.
    fn is_first(&self) -> bool {
        self.first
    }

    /// Takes what is new; returns the turns of it that are printed.
    fn turns(&mut self, news: &News) -> Vec<Turn> {
        if news.anew {
            self.talk = Talk::begin(false);
        }
        let lines = news.records.split_inclusive(|byte| *byte == b'\n');
        let mut turns: Vec<Turn> = lines.flat_map(|line| self.talk.line(line)).collect();
        if std::mem::take(&mut self.first) && turns.len() > FIRST {
            turns.drain(..turns.len() - FIRST);
        }
        turns
    }

    fn print_json(&mut self, news: &News, ui: &mut Ui) -> Result<()> {
        for turn in &self.turns(news) {
            let (what, text) = words_of(turn);
            ui.print_json_line(&Happened { what, text, added: None, removed: None })?;
        }
        for (path, lines) in &news.edits {
            let (added, removed) = lines.unzip();
            ui.print_json_line(&Happened { what: "edit", text: path.clone(), added, removed })?;
        }
        Ok(())
    }

    fn print(&mut self, news: &News, ui: &mut Ui) -> Result<()> {
        if ui.json() {
            return self.print_json(news, ui);
        }
        let turns = self.turns(news);
        if news.anew {
            ui.line(
                Style::Faint
                    .of("── the conversation begins anew here: it was compacted, or taken up elsewhere ──"),
            )?;
        }
        ui.flush()?;
        let mut page = Page::plain(ui)?;
        turns.iter().try_for_each(|turn| page.turn(turn))?;
        page.flush()?;
        for (path, lines) in &news.edits {
            let path = Line(path).to_string();
            ui.line(match lines {
                Some((added, removed)) => text![
                    Style::Faint.of("  ± "),
                    path,
                    "  ",
                    Style::Good.of(format!("+{added}")),
                    " ",
                    Style::Bad.of(format!("-{removed}"))
                ],
                None => text![Style::Faint.of("  ± "), path, Style::Faint.of("  no longer edited")],
            })?;
        }
        Ok(())
    }
}
