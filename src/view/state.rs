//! The state of the screen, and how a key or the mouse changes it. Pure, except for the open document, which
//! may read back blocks from its file.

use std::io;

use ratatui::layout::Rect;

use super::action::{Action, Picked};
use super::areas::{Areas, areas};
use super::at_work::AtWork;
use super::diff_blocks::DiffBlock;
use super::document::{Document, Pattern, SearchResult};
use super::facts::{Fact, Listed, SnapshotFacts};
use super::rows::{Layout, RowPosition, Rows, ViewRow};

/// How many records are read ahead of the screen.
const AHEAD: u64 = 4_096;

/// Which part of the screen keys go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// The list of snapshots.
    Snapshots,
    /// The tasks of the one that is open.
    Tasks,
    /// Its sub-agents.
    Agents,
    /// Its files.
    Files,
    /// Who is at work now.
    People,
    /// The diff of the file that is open.
    #[default]
    Diff,
}

pub(super) const LISTS: [Focus; 5] =
    [Focus::Snapshots, Focus::Tasks, Focus::Agents, Focus::Files, Focus::People];

/// What is to be done by whoever holds the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a snapshot of the list.
    Snapshot(usize),
    /// Open a file of the snapshot.
    File(usize),
    /// Open its conversation.
    Talk,
    /// Open what one of its agents said.
    Agent(usize),
    /// Open the end of a session of somebody who is at work.
    Session(usize),
    /// End, and do this to the snapshot with the keys' attention.
    Do(Action),
    /// End.
    Quit,
}

/// What is wanted of the diff and not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    End,
    Hunk,
    Search { from: u64, forward: bool },
}

/// Lines to read over everything else, and which of their rows comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) lines: Vec<String>,
    pub(super) top: usize,
}

/// Everything that is on the screen.
#[derive(Default)]
pub struct State {
    pub(super) size: Rect,
    pub(super) snapshots: Vec<Listed>,
    pub(super) facts: Option<SnapshotFacts>,
    pub(super) focus: Focus,
    /// The selected line of each list.
    pub(super) selected: [usize; 5],
    pub(super) wide: bool,
    pub(super) file: Option<usize>,
    pub(super) diff: Option<Document>,
    /// Whether the whole of it has been read.
    pub(super) complete: bool,
    pub(super) top: RowPosition,
    pub(super) columns: bool,
    pub(super) cut: bool,
    pub(super) folded: bool,
    pub(super) skip: usize,
    pub(super) pattern: Option<Pattern>,
    pub(super) prompt: Option<String>,
    pub(super) help: bool,
    /// The heading of the conversation that is shown in the place of a diff.
    pub(super) heard: Option<Fact>,
    /// What is to be read before anything else.
    pub(super) page: Option<Page>,
    pub(super) message: Option<String>,
    /// What is done if the next key is a yes.
    pub(super) asked: Option<Action>,
    /// Who is at work, if the project is shared.
    pub(super) at_work: Option<AtWork>,
    /// The record that was found last.
    pub(super) found: Option<u64>,
    pub(super) goal: Option<Goal>,
}

impl State {
    /// Makes one for a screen of this size, with nothing on it yet.
    pub fn new(width: u16, height: u16) -> State {
        State { size: Rect::new(0, 0, width, height), ..State::default() }
    }

    /// Takes the list of snapshots.
    pub fn list(&mut self, snapshots: Vec<Listed>) {
        self.snapshots = snapshots;
        self.select_open();
    }

    /// Takes a snapshot that was opened; returns the file to open first.
    pub fn open(&mut self, facts: SnapshotFacts) -> Option<Effect> {
        let first = (!facts.files.is_empty()).then_some(Effect::File(0));
        self.facts = Some(facts);
        self.selected[..4].fill(0);
        self.select_open();
        (self.file, self.diff, self.heard, self.complete) = (None, None, None, false);
        first
    }

    /// Takes who is at work. What is selected stays so, wherever it stands now.
    pub fn see(&mut self, at_work: AtWork) {
        let name = |at_work: &AtWork, number: usize| at_work.sessions.get(number).map(|one| one.0.clone());
        let before = self.at_work.as_ref().and_then(|before| name(before, self.selected[4]));
        let place = at_work.sessions.iter().position(|one| Some(&one.0) == before.as_ref());
        self.selected[4] = place.unwrap_or(self.selected[4].min(at_work.sessions.len().saturating_sub(1)));
        if at_work.sessions.is_empty() && self.focus == Focus::People {
            self.focus = Focus::Diff;
        }
        self.at_work = Some(at_work);
    }

    fn select_open(&mut self) {
        let id = self.facts.as_ref().map(|facts| &facts.id);
        let open = self.snapshots.iter().position(|listed| Some(&listed.id) == id);
        self.selected[0] = open.unwrap_or(self.selected[0].min(self.snapshots.len().saturating_sub(1)));
    }

    /// Starts to show a file whose diff will come in blocks.
    pub fn show(&mut self, file: usize, folder: std::path::PathBuf) {
        self.file = Some(file);
        self.selected[3] = file;
        self.heard = None;
        self.begin(folder);
    }

    /// Starts to show a conversation that will come in blocks.
    pub fn hear(&mut self, heading: Fact, folder: std::path::PathBuf) {
        (self.file, self.heard) = (None, Some(heading));
        self.focus = Focus::Diff;
        self.begin(folder);
    }

    /// Shows lines to read, until the next key that does not scroll.
    pub fn read(&mut self, lines: Vec<String>) {
        self.page = (!lines.is_empty()).then_some(Page { lines, top: 0 });
    }

    fn begin(&mut self, folder: std::path::PathBuf) {
        self.diff = Some(Document::new(folder));
        (self.complete, self.top, self.skip) = (false, RowPosition::default(), 0);
        (self.goal, self.found) = (None, None);
    }

    /// Says whether more of the diff is wanted than has been read.
    pub(super) fn wants_more(&self) -> bool {
        let Some(diff) = &self.diff else { return false };
        let all = match self.goal {
            Some(Goal::End | Goal::Hunk) => true,
            // What has been read is searched first.
            Some(Goal::Search { from, .. }) => from >= diff.len(),
            None => false,
        };
        !self.complete && (all || diff.len() < self.top.record + AHEAD)
    }

    /// Returns the width and the height of the screen.
    pub fn size(&self) -> (u16, u16) {
        (self.size.width, self.size.height)
    }

    /// Takes the next block of the diff.
    ///
    /// # Errors
    /// Whatever putting aside what is too much for memory gives, here and below.
    pub fn take(&mut self, block: DiffBlock) -> io::Result<()> {
        self.diff.as_mut().map_or(Ok(()), |diff| diff.push(block))?;
        self.reach()
    }

    /// Notes that the diff has been read to its end, or why not.
    pub fn end(&mut self, failure: Option<String>) -> io::Result<()> {
        self.complete = true;
        if failure.is_some() {
            self.message = failure;
        }
        self.reach()
    }

    /// Returns a snapshot of the list, if it can be read.
    pub(super) fn snapshot(&self, number: usize) -> Option<&Listed> {
        self.snapshots.get(number).filter(|listed| !listed.id.is_empty())
    }

    /// Returns the snapshot that an action is for: the selected one of the list, if keys go there, or else the open one.
    pub(super) fn picked(&self, action: Action) -> Option<Picked> {
        let selected = self.snapshot(self.selected[0]).filter(|_| self.focus == Focus::Snapshots);
        let id = selected.map(|listed| &listed.id).or(self.facts.as_ref().map(|facts| &facts.id));
        id.map(|id| Picked { action, id: id.clone() })
    }

    /// Returns what that snapshot is called, and whether it is pinned.
    pub(super) fn attended(&self) -> Option<&Listed> {
        let id = self.picked(Action::Show)?.id;
        self.snapshots.iter().find(|listed| listed.id == id)
    }

    /// Tells the person something until the next key.
    pub fn tell(&mut self, message: String) {
        self.message = Some(message);
    }

    /// Says whether a search is going on that [`State::search`] can continue.
    pub fn is_searching(&self) -> bool {
        let len = self.diff.as_ref().map_or(0, Document::len);
        matches!(self.goal, Some(Goal::Search { from, .. }) if from < len || self.complete)
    }

    /// Says what is being waited for.
    pub(super) fn busy(&self) -> Option<&'static str> {
        match self.goal {
            Some(Goal::Search { .. }) => Some("searching"),
            Some(Goal::End | Goal::Hunk) => Some("reading"),
            None => None,
        }
    }

    /// Searches one block further.
    pub fn search(&mut self) -> io::Result<()> {
        let (Some(Goal::Search { from, forward }), Some(pattern), Some(diff)) =
            (self.goal, &self.pattern, &mut self.diff)
        else {
            return Ok(());
        };
        let what = if self.found.is_some() { "found no more" } else { "not found" };
        let missing = format!("{what}: {}", crate::base::screen::Line(pattern.text()));
        match diff.search(pattern, from, forward)? {
            SearchResult::At(record) => {
                (self.goal, self.found) = (None, Some(record));
                self.unfold(record);
                self.go_to(record)?;
            }
            SearchResult::NotBefore(next) => self.goal = Some(Goal::Search { from: next, forward }),
            SearchResult::Nowhere if self.complete || !forward => {
                self.goal = None;
                self.message = Some(missing);
            }
            SearchResult::Nowhere => {
                let len = diff.len();
                self.goal = Some(Goal::Search { from: len, forward });
            }
        }
        Ok(())
    }

    /// Continues to what was wanted, now that more has been read.
    fn reach(&mut self) -> io::Result<()> {
        match self.goal {
            Some(Goal::End) => {
                self.top = self.last_page()?;
                if self.complete {
                    self.goal = None;
                }
            }
            Some(Goal::Hunk) => self.next_hunk()?,
            Some(Goal::Search { .. }) | None => {}
        }
        Ok(())
    }

    /// Returns the rows of the diff that are on the screen.
    ///
    /// # Errors
    /// Whatever reading back what was put aside gives.
    pub(super) fn rows(&mut self) -> io::Result<Vec<ViewRow>> {
        let (top, height) = (self.top, self.height());
        self.with_rows(|rows| rows.from(top, height)).unwrap_or(Ok(Vec::new()))
    }

    fn with_rows<T>(&mut self, look: impl FnOnce(&mut Rows<'_>) -> T) -> Option<T> {
        let layout = self.layout();
        let document = self.diff.as_mut()?;
        Some(look(&mut Rows { document, layout, pattern: self.pattern.as_ref() }))
    }

    pub(super) fn areas(&self) -> Areas {
        let mut rows = self.lengths();
        rows[4] += self.notes(4);
        areas(self.size, self.wide, &rows)
    }

    /// Returns how many rows of a list are no lines of it, below its heading.
    pub(super) fn notes(&self, list: usize) -> usize {
        let note = self.at_work.as_ref().and_then(|at_work| at_work.note.as_ref());
        usize::from(list == 4 && note.is_some())
    }

    /// Returns how long each list is.
    pub(super) fn lengths(&self) -> [usize; 5] {
        let facts = self.facts.as_ref();
        let of = |list: fn(&SnapshotFacts) -> usize| facts.map_or(0, list);
        let people = self.at_work.as_ref().map_or(0, |at_work| at_work.sessions.len());
        [self.snapshots.len(), of(|f| f.tasks.len()), of(|f| f.agents.len()), of(|f| f.files.len()), people]
    }

    pub(super) fn layout(&self) -> Layout {
        Layout {
            width: usize::from(self.areas().diff.width),
            columns: self.columns,
            wrap: !self.cut,
            folded: self.folded,
            skip: self.skip,
        }
    }

    pub(super) fn height(&self) -> usize {
        usize::from(self.areas().diff.height)
    }

    pub(super) fn last_page(&mut self) -> io::Result<RowPosition> {
        let height = self.height();
        self.with_rows(|rows| rows.last_page(height)).unwrap_or(Ok(RowPosition::default()))
    }

    pub(super) fn scroll(&mut self, by: isize) -> io::Result<()> {
        let top = self.top;
        let moved = self.with_rows(|rows| rows.moved(top, by)).unwrap_or(Ok(top))?;
        let last = self.last_page()?;
        self.top = moved.min(last.max(top));
        Ok(())
    }

    /// Ends folding if a record that was found would stay out of sight.
    fn unfold(&mut self, record: u64) {
        let Some(diff) = self.diff.as_ref().filter(|_| self.folded) else { return };
        let head = diff.hunk_of(record).map(|hunk| diff.hunks()[hunk].record);
        if head != Some(record) {
            self.folded = false;
            self.message = Some("unfolded for what was found; z folds again".to_owned());
        }
    }

    /// Shows a record near the top of the screen.
    fn go_to(&mut self, record: u64) -> io::Result<()> {
        let margin = self.height() as isize / 4;
        let item = self.with_rows(|rows| rows.item_at(record)).unwrap_or(Ok(None))?;
        self.top = RowPosition { record: item.unwrap_or(0), row: 0 };
        self.scroll(-margin)
    }

    pub(super) fn next_hunk(&mut self) -> io::Result<()> {
        let top = self.top.record;
        let Some(diff) = &self.diff else { return Ok(()) };
        let next = diff.hunks().partition_point(|hunk| hunk.record <= top);
        self.goal = None;
        match diff.hunks().get(next).map(|hunk| hunk.record) {
            Some(record) => self.top = RowPosition { record, row: 0 },
            None if !self.complete => self.goal = Some(Goal::Hunk),
            None if self.heard.is_some() => self.message = Some("this is the last prompt".to_owned()),
            None => self.message = Some("this is the last hunk; ] is the next file".to_owned()),
        }
        Ok(())
    }

    pub(super) fn previous_hunk(&mut self) {
        let top = self.top;
        let Some(diff) = &self.diff else { return };
        let above = diff.hunks().partition_point(|hunk| (RowPosition { record: hunk.record, row: 0 }) < top);
        match above.checked_sub(1).map(|hunk| diff.hunks()[hunk].record) {
            Some(record) => self.top = RowPosition { record, row: 0 },
            None => self.top = RowPosition::default(),
        }
    }

    pub(super) fn next_match(&mut self, forward: bool) {
        // From the match that was shown last, else from the top of the screen.
        let from = match (self.found, forward) {
            (Some(found), true) => found + 1,
            (found, _) => found.unwrap_or(self.top.record),
        };
        self.look_for(from, forward);
    }

    /// Begins a search, if there is anything to search.
    pub(super) fn look_for(&mut self, from: u64, forward: bool) {
        self.goal = self.diff.is_some().then_some(Goal::Search { from, forward });
        if self.goal.is_none() {
            self.message = Some("nothing is shown here, so nothing was searched".to_owned());
        }
    }

    /// Returns the first visible line of a list with this many rows, its heading included.
    pub(super) fn first_shown(&self, list: usize, height: usize) -> usize {
        let rows = height.saturating_sub(1 + self.notes(list)).max(1);
        let selected = self.selected[list];
        // In pages, so that a list stands still while one moves in it.
        if self.lengths()[list] <= rows { 0 } else { selected / rows * rows }
    }

    pub(super) fn select(&mut self, list: usize, line: usize) -> Option<Effect> {
        let line = line.min(self.lengths()[list].saturating_sub(1));
        self.selected[list] = line;
        (list == 3 && self.file != Some(line) && self.lengths()[3] > 0).then_some(Effect::File(line))
    }
}
