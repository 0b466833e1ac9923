//! `snap show --talk`: the conversation of a snapshot for people, the first lines while the rest is still read.

use std::io::BufRead as _;

use crate::base::columns::{fitted, wide, wrapped};
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::{Line, cut};
use crate::cli::output::pager::{Sheet, screen_width};
use crate::cli::output::snapshot_words::left_out;
use crate::cli::output::words::count;
use crate::cli::output::{Style, Text, Ui, text};
use crate::client::transcript::talk::{Call, CallEnd, Talk, Turn};
use crate::manifest::{Agent, Manifest, Transcript};
use crate::store::Store;

/// The columns of a text without a screen: it is not wrapped.
const ENDLESS: usize = usize::MAX;

/// Longer lines are hard to read.
const WIDEST: usize = 100;

/// Before each line of what was said.
const INDENT: &str = "  ";

/// Prints what was said in a snapshot's session, or by the agent whose id begins like this.
///
/// # Errors
/// [`Kind::NotFound`] if there is no such conversation in it, and what is damaged of it.
pub(super) fn print(store: &Store, manifest: &Manifest, agent: Option<&str>, ui: &mut Ui) -> Result<()> {
    let (transcript, of_agent) = match agent {
        Some(id) => (agents_own(manifest, id)?.transcript.as_ref(), true),
        None => (manifest.session.as_ref().and_then(|session| session.transcript.as_ref()), false),
    };
    let transcript = transcript.ok_or_else(|| {
        Error::new(Kind::NotFound, "There is no conversation in this snapshot")
            .hint("`snap show REF` lists what is")
    })?;
    ui.flush()?;
    let columns = if ui.shows_on_terminal() { screen_width().min(WIDEST) } else { ENDLESS };
    let mut page = Page { sheet: Sheet::open(true)?, color: ui.color(), columns, after_call: false };
    page.conversation(store, transcript, of_agent)?;
    if agent.is_none() {
        page.agents(manifest)?;
    }
    page.sheet.flush()
}

/// The most agents that a hint lists.
const MOST_AGENTS: usize = 8;

/// Says which agents there are, by the start of their ids, and what each was to do.
fn agents_there(manifest: &Manifest) -> String {
    let all = manifest.agents.len();
    if all == 0 {
        return "it has no agents at all".to_owned();
    }
    let named = |agent: &Agent| match &agent.description {
        Some(words) => format!("{} ({})", Line(agent.id.as_str()), Line(&cut(words, 40))),
        None => Line(agent.id.as_str()).to_string(),
    };
    let listed: Vec<String> = manifest.agents.iter().take(MOST_AGENTS).map(named).collect();
    let more = if all > MOST_AGENTS { format!(" and {} more", all - MOST_AGENTS) } else { String::new() };
    format!("there is {}{more}; the start of an id is enough", listed.join(", "))
}

fn agents_own<'a>(manifest: &'a Manifest, id: &str) -> Result<&'a Agent> {
    let agents: Vec<&Agent> =
        manifest.agents.iter().filter(|agent| agent.id.as_str().starts_with(id)).collect();
    match agents.as_slice() {
        [agent] => Ok(agent),
        [] => Err(Error::new(Kind::NotFound, format!("There is no agent \"{}\" in this snapshot", Line(id)))
            .hint(agents_there(manifest))),
        several => {
            Err(Error::new(Kind::Ambiguous, format!("\"{}\" fits {} agents", Line(id), several.len()))
                .hint("use more digits of the id"))
        }
    }
}

/// Returns a turn as words for a program: what it is, and its text.
pub(super) fn words_of(turn: &Turn) -> (&'static str, String) {
    match turn {
        Turn::Asked(said) => ("asked", said.clone()),
        Turn::Answered(said) => ("answered", said.clone()),
        Turn::Called(call) => ("called", format!("{} {}", call.tool, call.about).trim_end().to_owned()),
        Turn::Compacted => ("compacted", String::new()),
    }
}

/// Where a conversation is printed.
pub(super) struct Page {
    sheet: Sheet,
    color: bool,
    columns: usize,
    /// Whether the last line was a call: calls stand together.
    after_call: bool,
}

impl Page {
    /// One that goes on below what was printed, without a pager.
    pub(super) fn plain(ui: &Ui) -> Result<Page> {
        let columns = if ui.shows_on_terminal() { screen_width().min(WIDEST) } else { ENDLESS };
        Ok(Page { sheet: Sheet::open(false)?, color: ui.color(), columns, after_call: false })
    }

    /// Makes sure that all of it is written.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.sheet.flush()
    }

    fn conversation(&mut self, store: &Store, transcript: &Transcript, of_agent: bool) -> Result<()> {
        if transcript.left_out.is_some() {
            self.line(&Style::Faint.of(format!("{} records{}", transcript.records, left_out(transcript))))?;
        }
        let mut talk = Talk::begin(of_agent);
        let mut lines = std::io::BufReader::new(store.pieces(&transcript.chunks));
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
            talk.line(&line).iter().try_for_each(|turn| self.turn(turn))?;
            line.clear();
        }
        talk.finish().iter().try_for_each(|turn| self.turn(turn))
    }

    /// Prints a turn.
    pub(super) fn turn(&mut self, turn: &Turn) -> Result<()> {
        let is_call = matches!(turn, Turn::Called(_));
        if !(is_call && self.after_call) {
            self.line(&Text::default())?;
        }
        self.after_call = is_call;
        match turn {
            Turn::Asked(said) => self.said("❯ ", said, Some(Style::Strong)),
            Turn::Answered(said) => self.said("● ", said, None),
            Turn::Called(call) => self.call(call),
            Turn::Compacted => self.line(&Style::Faint.of("── the conversation was compacted here ──")),
        }
    }

    fn said(&mut self, mark: &str, said: &str, style: Option<Style>) -> Result<()> {
        let mut before = mark;
        for line in said.lines() {
            for part in wrapped(&Line(line).to_string(), self.columns.saturating_sub(INDENT.len())) {
                let part = style.map_or_else(|| Text::from(&part), |style| style.of(&part));
                self.line(&text![before, part])?;
                before = INDENT;
            }
        }
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<()> {
        let (end, style) = match call.end {
            CallEnd::Lines(0) => ("no output".to_owned(), Style::Faint),
            CallEnd::Lines(lines) => (count(lines, "line"), Style::Faint),
            CallEnd::Failed => ("failed".to_owned(), Style::Bad),
            CallEnd::Open => ("no result".to_owned(), Style::Warning),
        };
        let tool = fitted(&call.tool, 40);
        let room = self.columns.saturating_sub(wide(&tool) + end.len() + 10);
        let about = fitted(&call.about, room.min(200));
        let gap = if about.is_empty() { "" } else { "  " };
        self.line(&text![
            INDENT,
            Style::Faint.of("▸ "),
            tool,
            gap,
            Style::Faint.of(about),
            "  ",
            style.of(end)
        ])
    }

    fn agents(&mut self, manifest: &Manifest) -> Result<()> {
        let talking: Vec<&Agent> =
            manifest.agents.iter().filter(|agent| agent.transcript.is_some()).collect();
        if talking.is_empty() {
            return Ok(());
        }
        self.line(&Text::default())?;
        self.line(&Style::Faint.of("Agents; `--agent ID` shows what one of them said:"))?;
        for agent in talking {
            let about = agent.description.as_deref().unwrap_or_default();
            let kind = agent.agent_type.as_deref().unwrap_or("agent");
            let head = format!("{INDENT}{}  {}  {kind}  ", agent.id, agent.status.word());
            let about = fitted(about, self.columns.saturating_sub(wide(&head)));
            self.line(&text![head, Style::Faint.of(about)])?;
        }
        Ok(())
    }

    fn line(&mut self, text: &Text) -> Result<()> {
        self.sheet.block(format!("{}\n", text.render(self.color)).as_bytes())
    }
}

/// Takes the reason out of a failed read.
fn failed(error: std::io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::new(Kind::Environment, "Cannot read the conversation").because(error),
    }
}
