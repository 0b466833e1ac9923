//! What a key or the mouse means.

use std::io;

use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::{Position, Rect};

use crate::base::columns::wide;

use super::action::Action;
use super::document::Pattern;
use super::rows::RowPosition;
use super::state::{Effect, Focus, Goal, LISTS, State};

/// How many rows a turn of the wheel moves.
const WHEEL: isize = 3;

/// How far a key moves lines that are cut.
const SIDEWAYS: usize = 8;

/// What `?` shows: keys, and what they do.
pub(super) const HELP: [(&str, &str); 20] = [
    ("j k ↓ ↑", "a line down or up"),
    ("space b  PgDn PgUp", "a page down or up"),
    ("g G  Home End", "the start, the end"),
    ("n N", "next, previous hunk; or match, while a search is on"),
    ("] [", "next, previous file"),
    ("/", "search in this file; lower case finds both"),
    ("Esc", "end the search"),
    ("s", "the versions side by side, or one above the other"),
    ("f", "fold long lines by width, or cut them"),
    ("h l ← →", "move lines that are cut sideways"),
    ("z", "only the heads of hunks, or all; Enter opens one"),
    ("Tab", "next part: snapshots, tasks, agents, files, people, diff"),
    ("Enter", "open a snapshot, a task, what an agent or a session said"),
    ("c", "the conversation; n N go by prompts, [ ] to the files"),
    ("r w", "resume this snapshot, rewind to it; asks first"),
    ("d p x", "print its diff, pin or unpin, remove it; ends the view"),
    ("v", "the diff alone, or with the lists"),
    ("mouse", "click and wheel; with Shift your terminal selects text"),
    ("?", "this"),
    ("q", "quit"),
];

/// Returns the columns and the lines that the help needs, with its frame.
fn help_size() -> (usize, usize) {
    let longest = |of: fn(&(&str, &str)) -> usize| HELP.iter().map(of).max().unwrap_or(0);
    (longest(|line| wide(line.0)) + longest(|line| wide(line.1)) + 6, HELP.len() + 2)
}

impl State {
    /// Takes what the terminal says; returns what is to be done about it.
    ///
    /// # Errors
    /// Whatever reading back a part of the diff gives.
    pub fn event(&mut self, event: Event) -> io::Result<Option<Effect>> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::Resize(width, height) => {
                self.size = Rect::new(0, 0, width, height);
                if std::mem::take(&mut self.help) {
                    self.show_help();
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn key(&mut self, key: KeyEvent) -> io::Result<Option<Effect>> {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if control && key.code == KeyCode::Char('c') {
            return Ok(Some(Effect::Quit));
        }
        self.message = None;
        if let Some(mut page) = self.page.take() {
            let height = usize::from(self.size.height.saturating_sub(3));
            let by = match key.code {
                KeyCode::Char('j') | KeyCode::Down => 1,
                KeyCode::Char('k') | KeyCode::Up => -1,
                KeyCode::Char(' ') | KeyCode::PageDown => height as isize,
                KeyCode::Char('b') | KeyCode::PageUp => -(height as isize),
                _ => return Ok(None),
            };
            page.top = page.top.saturating_add_signed(by);
            self.page = Some(page);
            return Ok(None);
        }
        if std::mem::take(&mut self.help) {
            return Ok(None);
        }
        if self.prompt.is_some() {
            self.type_in(key.code);
            return Ok(None);
        }
        if let Some(action) = self.asked.take() {
            return Ok((key.code == KeyCode::Char('y')).then_some(Effect::Do(action)));
        }
        let page = self.height().saturating_sub(1).max(1) as isize;
        match key.code {
            KeyCode::Char('q') => return Ok(Some(Effect::Quit)),
            KeyCode::Char('?') => self.show_help(),
            KeyCode::Char('c') => return Ok(self.facts.is_some().then_some(Effect::Talk)),
            KeyCode::Char('/') => self.prompt = Some(String::new()),
            KeyCode::Esc => (self.pattern, self.goal) = (None, None),
            KeyCode::Tab => self.turn(1),
            KeyCode::BackTab => self.turn(5),
            KeyCode::Char('n') if self.pattern.is_some() => self.next_match(true),
            KeyCode::Char('N') if self.pattern.is_some() => self.next_match(false),
            KeyCode::Char('n') => self.next_hunk()?,
            KeyCode::Char('N') => self.previous_hunk(),
            KeyCode::Char(']') => return Ok(self.beside(1)),
            KeyCode::Char('[') => return Ok(self.beside(-1)),
            KeyCode::Char('s') => self.reshape(|state| state.columns = !state.columns)?,
            KeyCode::Char('f') if !control => {
                self.reshape(|state| (state.cut, state.skip) = (!state.cut, 0))?
            }
            KeyCode::Char('z') => self.reshape(|state| state.folded = !state.folded)?,
            KeyCode::Char('v') => self.reshape(|state| state.wide = !state.wide)?,
            KeyCode::Char('h') | KeyCode::Left => self.skip = self.skip.saturating_sub(SIDEWAYS),
            KeyCode::Char('l') | KeyCode::Right if self.cut => self.skip += SIDEWAYS,
            KeyCode::Char('f') => self.scroll(page)?,
            KeyCode::Char('d') if control => self.scroll(page / 2)?,
            KeyCode::Char('u') if control => self.scroll(-page / 2)?,
            KeyCode::Char('b') | KeyCode::PageUp => self.by_hand(-page)?,
            KeyCode::Char(' ') | KeyCode::PageDown => self.by_hand(page)?,
            KeyCode::Enter => return self.enter(),
            KeyCode::Char(letter @ ('r' | 'w' | 'd' | 'p' | 'x')) => return Ok(self.act(letter)),
            KeyCode::Char('j') | KeyCode::Down => return self.line(1),
            KeyCode::Char('k') | KeyCode::Up => return self.line(-1),
            KeyCode::Char('g') | KeyCode::Home => return self.start(),
            KeyCode::Char('G') | KeyCode::End => return self.last(),
            _ => {}
        }
        Ok(None)
    }

    /// Shows what the keys do: in columns, or as lines to scroll through where there is no room for them.
    fn show_help(&mut self) {
        let (columns, lines) = help_size();
        let fits = columns <= usize::from(self.size.width) && lines <= usize::from(self.size.height);
        self.help = fits;
        if !fits {
            let heading = "Keys; j and k scroll, any other key leaves".to_owned();
            let keys = HELP.iter().map(|(keys, what)| format!("{keys}: {what}"));
            self.read(std::iter::once(heading).chain(keys).collect());
        }
    }

    /// Takes the key of an action. What changes the work tree needs a second key.
    fn act(&mut self, letter: char) -> Option<Effect> {
        let action = Action::of(letter, self.attended().is_some_and(|listed| listed.pinned))?;
        self.picked(action)?;
        if action.changes_files() {
            self.asked = Some(action);
            return None;
        }
        Some(Effect::Do(action))
    }

    /// Takes a key while a search is typed.
    fn type_in(&mut self, code: KeyCode) {
        let Some(text) = &mut self.prompt else { return };
        match code {
            KeyCode::Char(c) => text.push(c),
            KeyCode::Backspace if !text.is_empty() => drop(text.pop()),
            KeyCode::Enter if !text.is_empty() => {
                self.pattern = Some(Pattern::new(text));
                (self.prompt, self.found) = (None, None);
                self.look_for(self.top.record, true);
            }
            KeyCode::Esc | KeyCode::Backspace | KeyCode::Enter => self.prompt = None,
            _ => {}
        }
    }

    fn by_hand(&mut self, rows: isize) -> io::Result<()> {
        (self.found, self.goal) = (None, None);
        self.scroll(rows)
    }

    fn focused_list(&self) -> Option<usize> {
        LISTS.iter().position(|list| *list == self.focus)
    }

    fn turn(&mut self, by: usize) {
        let order = [LISTS[0], LISTS[1], LISTS[2], LISTS[3], LISTS[4], Focus::Diff];
        let now = order.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        let lengths = self.lengths();
        // An empty list has nothing to select.
        let usable = |at: &usize| *at == 5 || (lengths[*at] > 0 && !self.wide);
        let next = (1..=6).map(|step| (now + step * by) % 6).find(usable);
        self.focus = order[next.unwrap_or(5)];
    }

    /// Changes how rows are made and stays where it is.
    fn reshape(&mut self, change: impl FnOnce(&mut State)) -> io::Result<()> {
        change(self);
        if self.wide {
            self.focus = Focus::Diff;
        }
        self.top.row = 0;
        self.scroll(0)
    }

    fn line(&mut self, by: isize) -> io::Result<Option<Effect>> {
        match self.focused_list() {
            None => self.by_hand(by).map(|()| None),
            Some(list) => Ok(self.select(list, self.selected[list].saturating_add_signed(by))),
        }
    }

    fn beside(&mut self, by: isize) -> Option<Effect> {
        let Some(now) = self.file else { return self.select(3, 0) };
        let next = now.checked_add_signed(by).filter(|next| *next < self.lengths()[3]);
        if next.is_none() {
            self.tell(if by > 0 { "this is the last file" } else { "this is the first file" }.to_owned());
        }
        next.and_then(|next| self.select(3, next))
    }

    fn enter(&mut self) -> io::Result<Option<Effect>> {
        match self.focus {
            Focus::Snapshots => return Ok(Some(Effect::Snapshot(self.selected[0]))),
            Focus::Tasks => {
                let task = self.facts.as_ref().and_then(|facts| facts.tasks.get(self.selected[1]));
                let lines = task.map(|task| task.detail.clone()).unwrap_or_default();
                self.read(lines);
            }
            Focus::People => return Ok(Some(Effect::Session(self.selected[4]))),
            Focus::Agents => return Ok(Some(Effect::Agent(self.selected[2]))),
            Focus::Diff if self.folded => {
                self.folded = false;
                self.scroll(0)?;
            }
            _ => self.focus = Focus::Diff,
        }
        Ok(None)
    }

    fn start(&mut self) -> io::Result<Option<Effect>> {
        match self.focused_list() {
            Some(list) => Ok(self.select(list, 0)),
            None => {
                (self.top, self.found, self.goal) = (RowPosition::default(), None, None);
                Ok(None)
            }
        }
    }

    fn last(&mut self) -> io::Result<Option<Effect>> {
        if let Some(list) = self.focused_list() {
            return Ok(self.select(list, usize::MAX));
        }
        self.found = None;
        self.goal = (self.diff.is_some() && !self.complete).then_some(Goal::End);
        self.top = self.last_page()?;
        Ok(None)
    }

    fn mouse(&mut self, mouse: MouseEvent) -> io::Result<Option<Effect>> {
        let areas = self.areas();
        let at = Position::new(mouse.column, mouse.row);
        let list = areas.lists.iter().position(|area| area.contains(at));
        let by = match mouse.kind {
            MouseEventKind::ScrollDown => WHEEL,
            MouseEventKind::ScrollUp => -WHEEL,
            MouseEventKind::Down(MouseButton::Left) => {
                (self.help, self.page) = (false, None);
                if let Some(list) = list {
                    self.focus = LISTS[list];
                    let row = usize::from(at.y - areas.lists[list].y);
                    // The first row is the list's heading.
                    let Some(row) = row.checked_sub(1 + self.notes(list)) else { return Ok(None) };
                    let first = self.first_shown(list, usize::from(areas.lists[list].height));
                    let effect = self.select(list, first + row);
                    let open = list == 0 && first + row < self.snapshots.len();
                    return Ok(if open { Some(Effect::Snapshot(first + row)) } else { effect });
                } else if areas.diff.contains(at) {
                    self.focus = Focus::Diff;
                }
                return Ok(None);
            }
            _ => return Ok(None),
        };
        match list {
            Some(list) => Ok(self.select(list, self.selected[list].saturating_add_signed(by))),
            None => self.by_hand(by).map(|()| None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_fits_a_small_terminal() {
        let (columns, lines) = help_size();
        assert!(columns <= 80 && lines <= 24, "{columns} columns, {lines} lines");
    }
}
