//! `snap doctor`: what is wrong with a session of this machine, and a mended one beside it.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;

use crate::base::error::{Error, Kind, Result};
use crate::base::ids::ClientId;
use crate::base::monitor::Monitor;
use crate::base::screen::cut;
use crate::base::timestamp::{Timestamp, age};
use crate::cli::completion::sessions;
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::paged::folded;
use crate::cli::output::words::{ago, count, count_u64, quoted, size_text};
use crate::cli::output::{Report, Style, Text, Ui, progress_bar, text};
use crate::cli::restore_flow::Launch;
use crate::cli::session_choice::{self, Shown};
use crate::client::FoundSession;
use crate::context::Context;
use crate::doctor::{self, Branch, Effect, Examination, Finding, Mended, Treatment, Turn};
use crate::manifest::Skipped;
use crate::workspace::Workspace;

/// How much of a prompt or a title is shown on a line.
const WIDE: usize = 60;

/// The most findings that are shown, and the most branches.
const MOST_FINDINGS: usize = 30;
const MOST_BRANCHES: usize = 10;

/// Where what a narrow terminal has no room for goes on in the next line.
const BELOW: usize = 4;

/// Check a session that can't go on, and mend it as a new one
///
/// Says what the client would lose of it and what the API would refuse, line by line. It needs no snapshot. The exit code
/// is 0 if there is nothing to mend, and 1 if there is. The session itself is never touched.
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap doctor", "Check the session that `save` takes"),
    ("snap doctor c137e379 --fix", "Write a mended session beside it"),
    ("snap doctor c137e379 --turns", "List what can be gone on from"),
    ("snap doctor c137e379 --fix --from 9f31", "Go on from there"),
]))]
pub(crate) struct Doctor {
    /// The session: its id, the start of the id, or the path of its transcript; by default the one that `save` takes
    #[arg(value_name = "SESSION", value_parser = NonEmptyStringValueParser::new(), add = sessions())]
    session: Option<String>,
    /// Check all sessions on this machine, a line for each
    #[arg(long, conflicts_with_all = ["session", "fix", "turns"])]
    all: bool,
    /// Write a mended session beside this one
    #[arg(long)]
    fix: bool,
    /// Replace all images and documents by a text that says what was there, not only those that are refused
    #[arg(long, requires = "fix")]
    strip_images: bool,
    /// Leave out all signed thinking, which another model or a changed conversation may refuse
    #[arg(long, requires = "fix")]
    strip_thinking: bool,
    /// Let the mended session end with this message: its id, or the start of it
    #[arg(long, value_name = "MESSAGE", requires = "fix")]
    from: Option<String>,
    /// List the prompts of the conversation, each with the message that its turn ends with
    #[arg(long)]
    turns: bool,
}

impl Doctor {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if self.all {
            return all(workspace, ui);
        }
        let found = self.find(context, workspace)?;
        let monitor = Monitor::default();
        let examined = progress_bar::show(ui.talks(), &monitor, || doctor::examine(found, &monitor))?;
        let treatment = Treatment {
            strip_images: self.strip_images,
            strip_thinking: self.strip_thinking,
            from: self.from.as_deref(),
        };
        let mended = if self.fix {
            progress_bar::show(ui.talks(), &monitor, || doctor::mend(workspace, &examined, &treatment))?
        } else {
            None
        };
        let turns = self.turns.then(|| examined.turns());
        let skipped = mended.as_ref().is_some_and(|mended| !mended.missing.is_empty());
        let outcome = match (&mended, examined.is_healthy()) {
            (Some(_), _) => Outcome::partial_if(skipped),
            (None, true) => Outcome::Done,
            (None, false) => Outcome::No,
        };
        ui.report(&DoctorReport::new(&examined, turns, mended.as_ref(), self.fix, workspace))?;
        Ok(outcome)
    }

    fn find(&self, context: &Context, workspace: &Workspace) -> Result<FoundSession> {
        let found = session_choice::find(context, workspace, self.session.as_deref())?;
        found.session.ok_or_else(|| {
            Error::new(Kind::NotFound, "There is no session here")
                .because(format!("none that ran in {} has a transcript", workspace.root.display()))
                .hint("`snap doctor --all` checks all sessions on this machine; `snap doctor SESSION` takes an id or a path")
        })
    }
}

/// Checks every session on this machine, a line for each.
fn all(workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
    let monitor = Monitor::default();
    let all = progress_bar::show(ui.talks(), &monitor, || doctor::examine_all(&workspace.client, &monitor))?;
    let shown = Shown::of(workspace);
    let rows: Vec<SessionRow<'_>> = all.iter().map(|one| SessionRow::new(one, &shown, workspace)).collect();
    let unread = rows.iter().any(|row| row.error.is_some());
    let sound = rows.iter().all(|row| row.ok != Some(false));
    ui.report(&AllReport(rows))?;
    Ok(if sound { Outcome::partial_if(unread) } else { Outcome::No })
}

/// What stands in the place of a prompt or title that is not shown.
const LEFT_OUT: &str = "(left out: it holds a secret)";

/// Why a session can't be mended.
const NOTHING_SAID: &str = "there is no message in it to go on from";

/// The sessions of this machine.
#[derive(Serialize)]
struct AllReport<'a>(Vec<SessionRow<'a>>);

#[derive(Serialize)]
struct SessionRow<'a> {
    session: &'a ClientId,
    transcript: String,
    title: Option<&'a str>,
    modified_at: Timestamp,
    /// Whether nothing is to be mended; nothing if it could not be read.
    ok: Option<bool>,
    /// How many things the API refuses, and how many the client loses.
    refused: usize,
    lost: usize,
    error: Option<String>,
    #[serde(skip)]
    age: String,
    /// Whether nothing was said in it.
    #[serde(skip)]
    unused: bool,
    #[serde(skip)]
    can_be_mended: bool,
}

impl<'a> SessionRow<'a> {
    fn new(one: &'a doctor::Overview, shown: &Shown, workspace: &Workspace) -> SessionRow<'a> {
        let modified_at = Timestamp::from(one.listed.modified);
        let examined = one.examined.as_ref().ok();
        let counted = |effect| examined.map_or(0, |examined| examined.number_of(effect));
        SessionRow {
            session: &one.listed.id,
            transcript: one.listed.transcript.display().to_string(),
            title: examined.and_then(|examined| examined.name()).and_then(|name| shown.clean(name)),
            modified_at,
            ok: examined.map(|examined| examined.is_healthy() || examined.is_unused()),
            refused: counted(Effect::Refused),
            lost: counted(Effect::Lost),
            error: one.examined.as_ref().err().map(ToString::to_string),
            age: ago(&age(workspace.now.since(modified_at))),
            unused: examined.is_some_and(|examined| examined.is_unused()),
            can_be_mended: examined.is_some_and(|examined| examined.can_be_mended()),
        }
    }

    fn state(&self) -> Text {
        match (&self.error, self.ok) {
            (Some(error), _) => Style::Bad.of(format!("not read: {error}")),
            (None, _) if self.unused => Style::Faint.of("nothing was said in it"),
            (None, Some(true)) => Style::Good.of("healthy"),
            (None, _) => Style::Bad.of(effects(self.refused, self.lost)),
        }
    }
}

impl Report for AllReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        for row in &self.0 {
            let title = row.title.map(|title| format!("  \"{}\"", cut(title, WIDE))).unwrap_or_default();
            let head = format!("{}  {:>9}  ", row.session, row.age);
            folded(ui, &text![head, row.state(), Style::Faint.of(title)], BELOW)?;
        }
        let (ill, beyond): (Vec<_>, Vec<_>) =
            self.0.iter().filter(|row| row.ok == Some(false)).partition(|row| row.can_be_mended);
        let (ill, beyond) = (ill.len(), beyond.len());
        let unread = self.0.iter().filter(|row| row.error.is_some()).count();
        let checked = format!("Checked {}", count(self.0.len() - unread, "session"));
        let unread = match unread {
            0 => String::new(),
            _ => format!(" {} could not be read.", count(unread, "session")),
        };
        let what = match ill {
            0 => "there is nothing to mend.".to_owned(),
            _ => format!("{ill} to mend. `snap doctor SESSION` says what is wrong with one."),
        };
        let beyond = match beyond {
            0 => String::new(),
            _ => format!(" {beyond} can't be mended: {NOTHING_SAID}."),
        };
        ui.say(&format!("{checked}: {what}{beyond}{unread}"));
        Ok(())
    }
}

/// Returns what a command takes a session by wherever it is typed: its id, or its transcript's path if that is not the
/// only one with it.
fn name_of(session: &FoundSession, workspace: &Workspace) -> String {
    let all = workspace.client.transcripts(&session.id).unwrap_or_default();
    match all.as_slice() {
        [one] if *one == session.transcript => session.id.to_string(),
        _ => quoted(&session.transcript.to_string_lossy()),
    }
}

/// Says how many things are refused and lost.
fn effects(refused: usize, lost: usize) -> String {
    let told = [(refused, "refused"), (lost, "lost")];
    let told = told.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}"));
    told.collect::<Vec<_>>().join(", ")
}

/// What was found of one session, and what was done.
#[derive(Serialize)]
struct DoctorReport<'a> {
    ok: bool,
    session: &'a ClientId,
    transcript: String,
    title: Option<&'a str>,
    running: bool,
    cwd: Option<String>,
    client: Option<&'a str>,
    records: u64,
    bytes: u64,
    findings: Vec<FindingReport<'a>>,
    branches: Vec<BranchReport<'a>>,
    turns: Option<Vec<TurnReport>>,
    mended: Option<MendedReport<'a>>,
    #[serde(skip)]
    asked_to_mend: bool,
    #[serde(skip)]
    can_be_mended: bool,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct FindingReport<'a> {
    /// The line of the transcript, from 1; 0 for all of it.
    line: u64,
    /// The agent whose transcript it is, if not the conversation's own.
    agent: Option<&'a ClientId>,
    kind: &'static str,
    /// `refused` by the API, `lost` by the client, or `harmless`.
    effect: &'static str,
    what: String,
    /// What the client or the API makes of it.
    then: String,
    /// The command that helps.
    help: Option<String>,
}

#[derive(Serialize)]
struct BranchReport<'a> {
    message: &'a str,
    at: Option<Timestamp>,
    prompt: Option<String>,
    messages: usize,
    /// Whether the client goes on from it.
    taken: bool,
}

#[derive(Serialize)]
struct TurnReport {
    message: String,
    at: Option<Timestamp>,
    prompt: String,
}

#[derive(Serialize)]
struct MendedReport<'a> {
    session: &'a ClientId,
    title: &'a str,
    cwd: String,
    /// What was changed, in words.
    changes: &'a [String],
    /// Files of the session that the new one lacks.
    missing: &'a [Skipped],
    command: String,
}

impl<'a> DoctorReport<'a> {
    fn new(
        examined: &'a Examination,
        turns: Option<Vec<Turn>>,
        mended: Option<&'a Mended>,
        asked_to_mend: bool,
        workspace: &'a Workspace,
    ) -> DoctorReport<'a> {
        let shown = Shown::of(workspace);
        let said = |prompt: &str| shown.clean(prompt).unwrap_or(LEFT_OUT).to_owned();
        let turn = |Turn { message, at, prompt }: Turn| TurnReport { message, at, prompt: said(&prompt) };
        let branch = |branch: &'a Branch| BranchReport {
            message: &branch.message,
            at: branch.at,
            prompt: branch.prompt.as_deref().map(said),
            messages: branch.messages,
            taken: branch.taken,
        };
        let session = &examined.session;
        let name = name_of(session, workspace);
        DoctorReport {
            ok: examined.is_healthy(),
            session: &session.id,
            transcript: session.transcript.display().to_string(),
            title: examined.name().and_then(|name| shown.clean(name)),
            running: session.live.is_some(),
            cwd: examined.cwd.as_ref().map(|cwd| cwd.display().to_string()),
            client: examined.client.as_deref(),
            records: examined.records,
            bytes: examined.bytes,
            findings: examined
                .findings
                .iter()
                .map(|finding| FindingReport::new(finding, examined.can_be_mended().then_some(&name)))
                .collect(),
            branches: examined.branches.iter().map(branch).collect(),
            turns: turns.map(|turns| turns.into_iter().map(turn).collect()),
            mended: mended.map(|mended| MendedReport::new(mended, &shown, workspace)),
            asked_to_mend,
            can_be_mended: examined.can_be_mended(),
            now: workspace.now,
        }
    }

    fn head(&self) -> Text {
        let title = self.title.map(|title| format!(" \"{}\"", cut(title, WIDE))).unwrap_or_default();
        let running = if self.running { ", running" } else { "" };
        let size = size_text(self.bytes);
        let records = count_u64(self.records, "record");
        text![
            Style::Strong.of("Session "),
            self.session.as_str(),
            title,
            format!(": {records}, {size}{running}")
        ]
    }

    fn when(&self, at: Option<Timestamp>) -> String {
        at.map(|at| ago(&age(self.now.since(at)))).unwrap_or_default()
    }

    fn places(&self, ui: &mut Ui) -> Result<()> {
        if self.branches.len() > 1 {
            ui.line(Style::Strong.of("Branches"))?;
            for branch in self.branches.iter().take(MOST_BRANCHES) {
                let (mark, when) = (if branch.taken { "*" } else { " " }, self.when(branch.at));
                let prompt = cut(branch.prompt.as_deref().unwrap_or_default(), WIDE);
                let messages = count(branch.messages, "message");
                let head = format!("{mark} {}  {when:>9}  {messages:>12}  ", branch.message);
                folded(ui, &text![head, prompt], BELOW)?;
            }
            if let more @ 1.. = self.branches.len().saturating_sub(MOST_BRANCHES) {
                ui.line(&format!("  and {more} more; `--json` has all"))?;
            }
        }
        if let Some(turns) = &self.turns {
            ui.line(Style::Strong.of("Turns"))?;
            for turn in turns {
                let when = self.when(turn.at);
                let head = format!("  {}  {when:>9}  ", turn.message);
                folded(ui, &text![head, cut(&turn.prompt, WIDE)], BELOW)?;
            }
        }
        Ok(())
    }
}

impl<'a> FindingReport<'a> {
    /// Without a `session`, no command helps.
    fn new(finding: &'a Finding, session: Option<&String>) -> FindingReport<'a> {
        let command = |options: String| Some(format!("snap doctor {} {options}", session?));
        FindingReport {
            line: finding.line,
            agent: finding.agent.as_ref(),
            kind: finding.trouble.kind(),
            effect: finding.effect().word(),
            what: finding.trouble.to_string(),
            then: finding.trouble.then().to_owned(),
            help: finding.trouble.remedy().and_then(command),
        }
    }

    fn line(&self) -> Text {
        let place = match (self.agent, self.line) {
            (Some(agent), line) => format!("agent {agent}, line {line}"),
            (None, 0) => "all of it".to_owned(),
            (None, line) => format!("line {line}"),
        };
        let effect = match self.effect {
            "refused" => Style::Bad.of(self.effect),
            "lost" => Style::Warning.of(self.effect),
            other => Style::Faint.of(other),
        };
        text![format!("  {place}: "), effect, format!("  {}: {}", self.what, self.then)]
    }
}

impl<'a> MendedReport<'a> {
    fn new(mended: &'a Mended, shown: &Shown, workspace: &Workspace) -> MendedReport<'a> {
        let other_profile = (mended.config != workspace.client.config())
            .then(|| ("CLAUDE_CONFIG_DIR", mended.config.display().to_string()));
        let environment = other_profile.or_else(|| workspace.client.environment_for(&mended.id));
        let launch = Launch {
            id: &mended.id,
            cwd: &mended.cwd,
            options: &[],
            extra: &[],
            environment,
            prompt: None,
            partial: false,
        };
        MendedReport {
            session: &mended.id,
            title: shown.clean(&mended.title).unwrap_or(LEFT_OUT),
            cwd: mended.cwd.display().to_string(),
            changes: &mended.changes,
            missing: &mended.missing,
            command: launch.for_a_shell(),
        }
    }
}

impl Report for DoctorReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        folded(ui, &self.head(), 2)?;
        // What matters most comes first.
        let order = [Effect::Refused, Effect::Lost, Effect::Harmless].map(Effect::word);
        let of = |effect| self.findings.iter().filter(move |finding| finding.effect == effect);
        for finding in order.into_iter().flat_map(of).take(MOST_FINDINGS) {
            folded(ui, &finding.line(), 4)?;
        }
        if let more @ 1.. = self.findings.len().saturating_sub(MOST_FINDINGS) {
            ui.line(&format!("  and {more} more; `--json` has all"))?;
        }
        self.places(ui)?;
        if self.running {
            ui.warn("the session is running: what it writes from now on was not looked at");
        }
        let Some(mended) = &self.mended else {
            let number =
                |effect: &str| self.findings.iter().filter(|finding| finding.effect == effect).count();
            ui.say(&match (self.ok, self.asked_to_mend) {
                (true, true) => "There is nothing to mend, and nothing was written.".to_owned(),
                (true, false) => "There is nothing to mend.".to_owned(),
                (false, _) => format!("Found: {}.", effects(number("refused"), number("lost"))),
            });
            let mut helps: Vec<&str> =
                self.findings.iter().filter_map(|finding| finding.help.as_deref()).collect();
            helps.dedup();
            if let Some(help) = helps.first().filter(|_| !self.ok) {
                ui.say(&format!("To mend it as a new session: {help}"));
            }
            if !self.ok && !self.can_be_mended {
                ui.say(&format!("It can't be mended: {NOTHING_SAID}."));
            }
            return Ok(());
        };
        for change in mended.changes {
            folded(ui, &text!["  ", Style::Good.of("mended"), "  ", change], 4)?;
        }
        for left in mended.missing {
            ui.warn(&format!("not in the new session: {} ({})", left.path, left.reason));
        }
        ui.say(&format!(
            "Wrote \"{}\" as a new session; this one is as it was. To go on, run:",
            mended.title
        ));
        ui.line(&mended.command)
    }
}
