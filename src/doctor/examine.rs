//! Reads a session's transcript and says what is wrong with it.
//!
//! It is read twice, as far as it was written when that began: once to find what is damaged, and once as it is when that
//! is mended, for what the conversation then holds. Memory grows with the number of records, not with their size.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::conversation::{Branch, Conversation, Turn};
use super::conversation_record;
use super::diagnosis::diagnose;
use super::finding::{Effect, Finding, Trouble};
use crate::base::error::{IoContext as _, Result};
use crate::base::ids::ClientId;
use crate::base::monitor::{Monitor, Phase};
use crate::client::transcript::compaction::Survey;
use crate::client::transcript::repair::Mending;
use crate::client::transcript::search::holds_record;
use crate::client::transcript::summary::TranscriptSummary;
use crate::client::transcript::validate::{self, Check, CheckedTranscript, Problem};
use crate::client::{ClientHome, FoundSession, Lines, ListedSession, slug};
use crate::sys::parallel;
use crate::sys::users_files::open_theirs;

/// A session that was examined.
#[derive(Debug)]
pub struct Examination {
    /// The session.
    pub session: FoundSession,
    /// Its title.
    pub title: Option<String>,
    /// What the commands call it that only glance at it: its title, else its first prompt.
    glanced: Option<String>,
    /// The folder that it belongs to: the client is started there to resume it.
    pub cwd: Option<PathBuf>,
    /// The version of the client that wrote last.
    pub client: Option<String>,
    /// How many records there are.
    pub records: u64,
    /// The size of the transcript in bytes.
    pub bytes: u64,
    /// What is wrong, by line.
    pub findings: Vec<Finding>,
    /// The ends from which it can go on, the one that the client takes first.
    pub branches: Vec<Branch>,
    pub(super) checked: CheckedTranscript,
    pub(super) conversation: Conversation,
    pub(super) preserved: HashSet<Box<str>>,
}

impl Examination {
    /// Says whether there is nothing to mend.
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|finding| finding.effect() == Effect::Harmless)
    }

    /// Says whether nothing was ever said in it: nobody misses such a session.
    pub fn is_unused(&self) -> bool {
        let mut bad = self.findings.iter().filter(|finding| finding.effect() != Effect::Harmless).peekable();
        bad.peek().is_some()
            && bad.all(|finding| matches!(finding.trouble, Trouble::Damage(Problem::NoMessage, _)))
    }

    /// Says whether there is a message that a mended session could go on from.
    pub fn can_be_mended(&self) -> bool {
        self.conversation.taken().is_some()
    }

    /// Returns how many findings have this effect.
    pub fn number_of(&self, effect: Effect) -> usize {
        self.findings.iter().filter(|finding| finding.effect() == effect).count()
    }

    /// Returns what a person knows the session by: its title, else the first prompt.
    pub fn name(&self) -> Option<&str> {
        let known = self.glanced.as_deref().or(self.title.as_deref());
        known.or_else(|| self.branches.first()?.prompt.as_deref())
    }

    /// Returns the turns of the conversation that the client goes on with, oldest first.
    pub fn turns(&self) -> Vec<Turn> {
        self.conversation.taken().map(|end| self.conversation.turns(end)).unwrap_or_default()
    }
}

/// Examines one session.
///
/// # Errors
/// [`Kind::Environment`](crate::base::error::Kind::Environment) if its transcript can't be read.
pub fn examine(session: FoundSession, monitor: &Monitor) -> Result<Examination> {
    let path = session.transcript.clone();
    let size = open_theirs(&path).and_then(|file| file.metadata()).context("read", &path)?.len();
    let _phase = monitor.begin(Phase::CheckingConversation, Some(size.saturating_mul(2)));
    let first = FirstPass::read(&path, size, monitor)?;
    let second = SecondPass::read(&path, size, &first, monitor)?;
    let running = session.live.is_some();
    let words = session.words();
    let unfinished = (first.torn > 0)
        .then(|| Finding::at(first.lines + 1, Trouble::Unfinished { bytes: first.torn, running }));
    let mut findings = diagnose(&first.checked, unfinished, &second.conversation);
    let cwd = second.own_cwd.or_else(|| first.summary.cwd.clone().map(PathBuf::from));
    findings.extend(of_agents(&session, cwd.as_deref().unwrap_or(Path::new("/"))));
    Ok(Examination {
        title: first.summary.title(|leaf| holds_record(&path, leaf)),
        glanced: words.title.or(words.prompt),
        cwd,
        client: first.summary.client,
        records: first.checked.records,
        bytes: size,
        branches: second.conversation.branches(),
        preserved: second.preserved,
        checked: first.checked,
        conversation: second.conversation,
        findings,
        session,
    })
}

/// Opens a transcript as far as it was written at some moment.
pub(super) fn lines_up_to(path: &Path, size: u64) -> Result<Lines<'static>> {
    let file = open_theirs(path).context("read", path)?;
    Ok(Lines::over(path, file.take(size), size))
}

/// What is damaged.
struct FirstPass {
    checked: CheckedTranscript,
    cut: Option<crate::client::transcript::compaction::Cut>,
    summary: TranscriptSummary,
    /// How many lines there are.
    lines: u64,
    /// The size of an unfinished one behind them, in bytes.
    torn: u64,
}

impl FirstPass {
    fn read(path: &Path, size: u64, monitor: &Monitor) -> Result<FirstPass> {
        let (mut check, mut survey) = (Check::default(), Survey::default());
        let mut summary = TranscriptSummary::default();
        let (mut lines, mut number) = (lines_up_to(path, size)?, 0);
        while let Some(line) = lines.next_line()? {
            number += 1;
            check.line(line);
            survey.line(line);
            summary.observe(line);
            monitor.add(line.len() as u64);
        }
        let torn = lines.torn().len() as u64;
        Ok(FirstPass { checked: check.finish(), cut: survey.finish(), summary, lines: number, torn })
    }
}

/// What the conversation holds once the damage is mended.
#[derive(Default)]
struct SecondPass {
    conversation: Conversation,
    /// The records from before the last compaction that it kept.
    preserved: HashSet<Box<str>>,
    /// The last folder after which the one that the transcript lies in is named.
    own_cwd: Option<PathBuf>,
}

impl SecondPass {
    fn read(path: &Path, size: u64, first: &FirstPass, monitor: &Monitor) -> Result<SecondPass> {
        let folder =
            path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        let mut pass = SecondPass::default();
        let (mut cut, mut mending) = (first.cut.clone(), Mending::new(&first.checked));
        let mut lines = lines_up_to(path, size)?;
        let (mut line_number, mut number) = (0, 0);
        let mut last_cwd: Option<Box<str>> = None;
        while let Some(line) = lines.next_line_mut()? {
            line_number += 1;
            monitor.add(line.len() as u64);
            let kept = cut.as_mut().is_some_and(|cut| cut.keeps(line));
            mending.line(line, &mut |record| {
                number += 1;
                let Some(mut said) = conversation_record::read(line_number, number, record) else {
                    conversation_record::noted_end(record)
                        .into_iter()
                        .for_each(|end| pass.conversation.goes_on_from(end));
                    return Ok(());
                };
                let cwd = said.cwd.take();
                if cwd.is_some() && cwd != last_cwd {
                    pass.own_cwd = cwd
                        .as_deref()
                        .filter(|cwd| slug(cwd) == folder)
                        .map(PathBuf::from)
                        .or(pass.own_cwd.take());
                    last_cwd = cwd;
                }
                if kept {
                    pass.preserved.insert(said.uuid.clone());
                }
                pass.conversation.push(said);
                Ok(())
            })?;
        }
        pass.conversation.preserve(&pass.preserved);
        Ok(pass)
    }
}

/// Looks for damage in the transcripts of a session's agents.
fn of_agents(session: &FoundSession, cwd: &Path) -> Vec<Finding> {
    let mut found = Vec::new();
    for agent in session.home.session_files(session, cwd).agents {
        let Some(path) = &agent.transcript else { continue };
        found.extend(damage_in(path, &agent.id).unwrap_or_default());
    }
    found
}

fn damage_in(path: &Path, agent: &ClientId) -> Result<Vec<Finding>> {
    let checked = check_agent(path)?;
    Ok(damaged_lines(&checked).map(|found| Finding::in_agent(agent, found)).collect())
}

/// Returns what is wrong with single lines, and is mended. What an agent's records follow may be elsewhere.
pub(super) fn damaged_lines(checked: &CheckedTranscript) -> impl Iterator<Item = &validate::Finding> {
    checked.findings.iter().filter(|found| matches!(found.problem, Problem::Line(_)) && found.mended)
}

/// Checks an agent's transcript.
///
/// # Errors
/// What reading it says.
pub(super) fn check_agent(path: &Path) -> Result<CheckedTranscript> {
    let mut lines = Lines::open(path)?;
    let mut check = Check::default();
    while let Some(line) = lines.next_line()? {
        check.line(line);
    }
    Ok(check.finish())
}

/// A session of this machine, and what was found of it.
#[derive(Debug)]
pub struct Overview {
    /// The session.
    pub listed: ListedSession,
    /// What was found, or why it can't be read.
    pub examined: Result<Examination>,
}

/// Examines every session on this machine, the one written to last first.
///
/// # Errors
/// [`Kind::Environment`](crate::base::error::Kind::Environment) if the client's folders can't be read; a session that can't be read is
/// in the list.
pub fn examine_all(home: &ClientHome, monitor: &Monitor) -> Result<Vec<Overview>> {
    let listed = home.all_sessions()?;
    let _phase = monitor.begin(Phase::CheckingConversation, None);
    let examined = parallel::map(&listed, 1, |one| {
        let session = home.session_at(&one.transcript)?;
        let examined = examine(session, &Monitor::default());
        monitor.add(one.transcript.metadata().map_or(0, |meta| meta.len()));
        examined
    });
    Ok(listed.into_iter().zip(examined).map(|(listed, examined)| Overview { listed, examined }).collect())
}
