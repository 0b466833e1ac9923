//! Reads what a report is made of: conversations record by record, and edits line by line.
//!
//! Nothing is held but the record or the line at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, BufReader};

use super::choice::{Choice, LeftOut, Part};
use super::color_limit::ColorLimit;
use super::earlier::Earlier;
use super::edit_text::{DiffText, EditReceiver};
use super::hiding::Hiding;
use super::item::{Item, Itemizer};
use super::page::{CHUNK_LINE, GENERATOR, INDEX_LINE};
use super::read_error::failed;
use crate::base::error::Result;
use crate::client::transcript::steps::{Depth, Step, Steps, Voices};
use crate::compare::{self, Detail, Loader};
use crate::diff::{End, FileHeader, Options};
use crate::manifest::{Agent, Manifest, Transcript};
use crate::redaction::Outgoing;
use crate::workspace::Workspace;

/// How much text of a diff is searched for secrets at a time.
const SEARCHED: usize = 256 << 10;

/// How many lines of the edits have colours, and how many of what calls were given: reading a line as source code takes a
/// hundred times as long as comparing it.
const COLORED_EDITS: usize = 3_000;
const COLORED_CALLS: usize = 2_000;

/// What a report is made of.
pub(super) struct Sources<'a> {
    /// Where the snapshots are.
    pub(super) workspace: &'a Workspace,
    /// The snapshot.
    pub(super) manifest: &'a Manifest,
    /// An earlier one: then only what came since.
    pub(super) after: Option<&'a Manifest>,
    /// What that one has of the conversations.
    pub(super) earlier: &'a Earlier,
    /// Whether a program reads the report.
    pub(super) for_program: bool,
    /// What is wanted of it.
    pub(super) choice: &'a Choice,
    /// What it hides.
    pub(super) hiding: &'a Hiding,
}

/// A conversation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Thread<'a> {
    /// The session's own.
    Main,
    /// An agent's.
    Agent(&'a Agent),
    /// What an older client wrote of agents into the session's own.
    Aside,
}

/// Takes what is read.
pub(super) trait Receiver: EditReceiver {
    /// A conversation begins.
    ///
    /// # Errors
    /// Whatever taking gives, here and below.
    fn thread(&mut self, thread: Thread<'_>) -> Result<()>;
    /// An item of it.
    fn item(&mut self, item: Item) -> Result<()>;
    /// An edit whose content stays out.
    fn hidden_edit(&mut self, file: FileHeader) -> Result<()>;
}

/// What became of reading.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// What was left out.
    pub(super) left_out: LeftOut,
    /// How many records of each kind said nothing to a person.
    pub(super) passed_over: BTreeMap<String, u64>,
}

impl Sources<'_> {
    /// Reads everything that is wanted.
    ///
    /// # Errors
    /// What is damaged, and whatever the receiver gives.
    pub(super) fn read(&self, outgoing: &Outgoing, receiver: &mut dyn Receiver) -> Result<Read> {
        let mut read = Read::default();
        let colored = ColorLimit::new(COLORED_CALLS);
        if !self.manifest.transcripts().any(|(agent, _)| agent.is_none()) {
            receiver.thread(Thread::Main)?;
        }
        for (agent, transcript) in self.manifest.transcripts() {
            match agent {
                Some(_) if !self.choice.has(Part::Agents) => read.left_out.agents += 1,
                Some(agent) => {
                    self.conversation(transcript, Thread::Agent(agent), &colored, &mut read, receiver)?;
                }
                None => {
                    if self.conversation(transcript, Thread::Main, &colored, &mut read, receiver)? > 0
                        && self.choice.has(Part::Agents)
                    {
                        self.conversation(transcript, Thread::Aside, &colored, &mut read, receiver)?;
                    }
                }
            }
        }
        if self.choice.has(Part::Edits) {
            self.edits(outgoing, &mut read, receiver)?;
        }
        Ok(read)
    }

    /// Reads one conversation; returns how many records of it are of agents that an older client wrote into it.
    fn conversation(
        &self,
        transcript: &Transcript,
        thread: Thread<'_>,
        colored: &ColorLimit,
        read: &mut Read,
        receiver: &mut dyn Receiver,
    ) -> Result<u64> {
        receiver.thread(thread)?;
        let voices = match thread {
            Thread::Main => Voices::Main,
            Thread::Agent(_) => Voices::All,
            Thread::Aside => Voices::Aside,
        };
        let mut steps = Steps::begin(Depth::Everything, voices);
        let mut itemizer = Itemizer::new(
            self.choice,
            self.hiding,
            !matches!(thread, Thread::Main),
            self.for_program,
            self.roots(),
            colored,
        );
        let agent = match thread {
            Thread::Agent(agent) => Some(agent.id.as_str()),
            Thread::Main | Thread::Aside => None,
        };
        let known = self.earlier.lines(agent);
        // A call that was open then is told again only when it has ended.
        let mut open_then = BTreeSet::new();
        let mut lines = BufReader::with_capacity(64 << 10, self.workspace.store.pieces(&transcript.chunks));
        let (mut line, mut number) = (Vec::new(), 0);
        let mut show = |step: Step, open_then: &BTreeSet<String>| {
            if open_then.contains(step.open_call().unwrap_or_default()) {
                return Ok(());
            }
            itemizer.items(step).into_iter().try_for_each(|item| receiver.item(item))
        };
        while lines.read_until(b'\n', &mut line).map_err(|error| failed(&error))? > 0 {
            number += 1;
            let told = steps.line(&line);
            if number <= known {
                read.left_out.earlier += told.len() as u64;
            } else {
                told.into_iter().try_for_each(|step| show(step, &open_then))?;
            }
            if number == known {
                open_then.extend(steps.open_calls().map(str::to_owned));
            }
            // A huge record must not stay in memory.
            if line.capacity() > (4 << 20) { line = Vec::new() } else { line.clear() }
        }
        steps.finish().into_iter().try_for_each(|step| show(step, &open_then))?;
        read.left_out.add(&itemizer.left_out);
        if !matches!(thread, Thread::Aside) {
            for (kind, number) in steps.passed_over() {
                *read.passed_over.entry(kind.clone()).or_default() += number;
            }
        }
        Ok(steps.asides())
    }

    fn roots(&self) -> Vec<String> {
        let place = &self.manifest.workspace;
        let others = self.manifest.session.iter().flat_map(|session| &session.other_roots);
        let roots = std::iter::once(&place.root).chain(others);
        roots.map(|root| format!("{}/", root.as_path().to_string_lossy().trim_end_matches('/'))).collect()
    }

    fn edits(&self, outgoing: &Outgoing, read: &mut Read, receiver: &mut dyn Receiver) -> Result<()> {
        let items = match self.after {
            Some(after) => compare::between(self.workspace, after, self.manifest)?,
            None => compare::edits(self.manifest.edits.clone()),
        };
        let colored = ColorLimit::new(COLORED_EDITS);
        let mut loader = Loader::new(self.workspace, Options::default(), Detail::Lines);
        for item in items {
            let hidden =
                self.hiding.hides(item.path()) || item.old_path().is_some_and(|old| self.hiding.hides(old));
            if hidden {
                read.left_out.redacted_edits += 1;
                let path = item.path().as_bytes().to_vec();
                receiver.hidden_edit(item.file().unwrap_or(FileHeader { path, ..FileHeader::default() }))?;
                continue;
            }
            if is_page(&mut loader, item.clone())? {
                read.left_out.own_pages += 1;
                let path = item.path().as_bytes().to_vec();
                receiver.hidden_edit(item.file().unwrap_or(FileHeader { path, ..FileHeader::default() }))?;
                continue;
            }
            let place = item.path().to_string();
            // What is in the snapshot is searched with it.
            let outgoing = Some(outgoing).filter(|_| !item.is_whole_in_snapshot());
            let mut searched = Searched { receiver, outgoing, place, old: Vec::new(), new: Vec::new() };
            let mut text = if self.for_program {
                DiffText::plain(&mut searched)
            } else {
                DiffText::colored(&mut searched, &colored)
            };
            loader.show(item, &mut text)?;
        }
        Ok(())
    }
}

impl LeftOut {
    fn add(&mut self, more: &LeftOut) {
        let LeftOut {
            tools,
            agent_prompts,
            redacted_calls,
            redacted_notes,
            own_pages,
            redacted_edits,
            unwanted,
            agents,
            odd_images,
            earlier,
        } = more;
        self.tools += tools;
        self.agent_prompts += agent_prompts;
        self.redacted_calls += redacted_calls;
        self.redacted_notes += redacted_notes;
        self.own_pages += own_pages;
        self.redacted_edits += redacted_edits;
        self.unwanted += unwanted;
        self.agents += agents;
        self.odd_images += odd_images;
        self.earlier += earlier;
    }
}

/// Says whether a file is a page of a report, on either side. It would hold what is left out of this one, and neither a
/// search for secrets nor anything else sees into its chunks.
fn is_page(loader: &mut Loader<'_>, item: compare::Item) -> Result<bool> {
    let mut probe = Probe(false);
    let shown = loader.show(item, &mut DiffText::plain(&mut probe));
    // It stops at the first sign.
    if probe.0 { Ok(true) } else { shown.map(|()| false) }
}

/// Looks for the signs of a page.
struct Probe(bool);

impl EditReceiver for Probe {
    fn start(&mut self, _file: FileHeader) -> io::Result<()> {
        Ok(())
    }

    fn text(&mut self, _text: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sides(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        let signs = [GENERATOR, INDEX_LINE, CHUNK_LINE].map(str::as_bytes);
        self.0 |= removed.iter().chain(added).any(|line| signs.iter().any(|sign| line.starts_with(sign)));
        if self.0 { Err(io::Error::other("a page")) } else { Ok(()) }
    }

    fn end(&mut self, _end: End) -> io::Result<()> {
        Ok(())
    }
}

/// Searches both sides of a diff for secrets on their way: a line that was removed is in no snapshot, only in its base.
struct Searched<'s> {
    receiver: &'s mut dyn Receiver,
    outgoing: Option<&'s Outgoing>,
    place: String,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Searched<'_> {
    fn search(&mut self) {
        let Some(outgoing) = self.outgoing else { return };
        for side in [&mut self.old, &mut self.new] {
            outgoing.diff(&self.place, side);
            side.clear();
        }
    }
}

impl EditReceiver for Searched<'_> {
    fn start(&mut self, file: FileHeader) -> io::Result<()> {
        self.receiver.start(file)
    }

    fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.receiver.text(text)
    }

    fn sides(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        if self.outgoing.is_none() {
            return Ok(());
        }
        removed.iter().for_each(|line| self.old.extend_from_slice(line));
        added.iter().for_each(|line| self.new.extend_from_slice(line));
        if self.old.len().max(self.new.len()) >= SEARCHED {
            self.search();
        }
        Ok(())
    }

    fn colors(&mut self, colors: &[u8]) {
        self.receiver.colors(colors);
    }

    fn end(&mut self, end: End) -> io::Result<()> {
        self.search();
        self.receiver.end(end)
    }
}
