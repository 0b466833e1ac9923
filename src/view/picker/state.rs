//! The state of the picker, and how a key or the mouse changes it. Pure.

use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};
use ratatui::layout::{Position, Rect};

use super::super::action::{Action, Picked};
use super::super::facts::SnapshotFacts;
use super::choice::Choice;
use super::matching::{Found, fitting};

/// From this width on there is room for what the selected one was about.
const WIDE: u16 = 76;

/// The least columns of the list beside it, and the most.
const LIST: (u16, u16) = (38, 90);

/// What is to be done by whoever holds the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// End, and do nothing.
    Leave,
    /// End, and do this.
    Do(Picked),
}

/// Everything that is on the screen.
pub struct Picker {
    pub(super) size: Rect,
    pub(super) own: Action,
    pub(super) choices: Vec<Choice>,
    pub(super) typed: String,
    pub(super) found: Vec<Found>,
    /// Which of those found is selected.
    pub(super) selected: usize,
    pub(super) preview: Option<SnapshotFacts>,
    /// What is done if the next key is a yes.
    pub(super) asked: Option<Action>,
}

/// The parts of the screen; an area may be empty.
pub(super) struct Areas {
    pub(super) title: Rect,
    pub(super) prompt: Rect,
    pub(super) list: Rect,
    pub(super) bar: Rect,
    pub(super) preview: Rect,
    pub(super) keys: Rect,
}

impl Picker {
    /// Makes one for a screen of this size, in which Enter does `own`.
    pub fn new(width: u16, height: u16, own: Action, choices: Vec<Choice>) -> Picker {
        let found = fitting("", &choices);
        let size = Rect::new(0, 0, width, height);
        Picker { size, own, choices, typed: String::new(), found, selected: 0, preview: None, asked: None }
    }

    /// Selects the snapshot with this id, if it is on the list.
    pub fn prefer(&mut self, id: &str) {
        if let Some(at) = self.found.iter().position(|found| self.choices[found.choice].id == id) {
            self.selected = at;
        }
    }

    /// Returns the id of the selected one if it is not shown beside the list yet.
    pub fn lacks_preview(&self) -> Option<String> {
        let chosen = self.chosen()?;
        let is_shown = self.preview.as_ref().is_some_and(|shown| shown.id == chosen.id);
        (!is_shown).then(|| chosen.id.clone())
    }

    /// Takes what is shown beside the list.
    pub fn show(&mut self, facts: SnapshotFacts) {
        self.preview = Some(facts);
    }

    /// Returns the width and the height of the screen.
    pub fn size(&self) -> (u16, u16) {
        (self.size.width, self.size.height)
    }

    pub(super) fn chosen(&self) -> Option<&Choice> {
        self.found.get(self.selected).and_then(|found| self.choices.get(found.choice))
    }

    /// Takes what the terminal says; returns what is to be done about it.
    pub fn event(&mut self, event: Event) -> Option<Effect> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key),
            Event::Mouse(mouse) => {
                match mouse.kind {
                    MouseEventKind::ScrollDown => self.step(1),
                    MouseEventKind::ScrollUp => self.step(-1),
                    MouseEventKind::Down(MouseButton::Left) => {
                        let area = self.areas().list;
                        if area.contains(Position::new(mouse.column, mouse.row)) {
                            let row = self.first_shown() + usize::from(mouse.row - area.y);
                            self.selected = row.min(self.found.len().saturating_sub(1));
                        }
                    }
                    _ => {}
                }
                None
            }
            Event::Resize(width, height) => {
                self.size = Rect::new(0, 0, width, height);
                None
            }
            // Several lines are pasted as one.
            Event::Paste(text) => {
                self.typed.push_str(&text.replace(['\n', '\r'], " "));
                self.search();
                None
            }
            _ => None,
        }
    }

    fn key(&mut self, key: KeyEvent) -> Option<Effect> {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if let Some(action) = self.asked.take() {
            let is_yes = key.code == KeyCode::Char('y');
            return if is_yes { self.does(action) } else { None };
        }
        let page = isize::try_from(self.areas().list.height.max(2) - 1).unwrap_or(1);
        match key.code {
            KeyCode::Esc => return Some(Effect::Leave),
            KeyCode::Char('c' | 'g') if control => return Some(Effect::Leave),
            KeyCode::Char('u') if control => self.typed.clear(),
            KeyCode::Enter => return self.does(self.own),
            KeyCode::Char('j' | 'n') if control => return self.moves(1),
            KeyCode::Char('k') if control => return self.moves(-1),
            KeyCode::Down | KeyCode::Tab => return self.moves(1),
            KeyCode::Up | KeyCode::BackTab => return self.moves(-1),
            KeyCode::PageDown => return self.moves(page),
            KeyCode::PageUp => return self.moves(-page),
            KeyCode::Home => return self.moves(isize::MIN),
            KeyCode::End => return self.moves(isize::MAX),
            KeyCode::Char(letter) if control || key.modifiers.contains(KeyModifiers::ALT) => {
                let pinned = self.chosen().is_some_and(|choice| choice.pinned);
                let action = Action::of(letter, pinned)?;
                // A hand may take it for what it does in a line of text.
                if action.changes_files() && action != self.own {
                    self.asked = self.chosen().map(|_| action);
                    return None;
                }
                return self.does(action);
            }
            KeyCode::Char(letter) => self.typed.push(letter),
            KeyCode::Backspace => drop(self.typed.pop()),
            _ => return None,
        }
        self.search();
        None
    }

    fn search(&mut self) {
        self.found = fitting(&self.typed, &self.choices);
        self.selected = 0;
    }

    fn moves(&mut self, by: isize) -> Option<Effect> {
        self.step(by);
        None
    }

    fn step(&mut self, by: isize) {
        self.selected = self.selected.saturating_add_signed(by).min(self.found.len().saturating_sub(1));
    }

    fn does(&self, action: Action) -> Option<Effect> {
        self.chosen().map(|choice| Effect::Do(Picked { action, id: choice.id.clone() }))
    }

    /// Returns the first visible one of those found: in pages, so that the list stands still while one moves in it.
    pub(super) fn first_shown(&self) -> usize {
        let rows = usize::from(self.areas().list.height).max(1);
        self.selected / rows * rows
    }

    pub(super) fn areas(&self) -> Areas {
        let Rect { width, height, .. } = self.size;
        let body = height.saturating_sub(3);
        let left = if width < WIDE { width } else { (width / 2 - 1).clamp(LIST.0, LIST.1) };
        let bar = u16::from(left < width);
        Areas {
            title: Rect::new(0, 0, width, height.min(1)),
            prompt: Rect::new(0, 1, width, height.saturating_sub(1).min(1)),
            list: Rect::new(0, 2, left, body),
            bar: Rect::new(left, 2, bar, body),
            preview: Rect::new(left + bar, 2, width - left - bar, body),
            keys: Rect::new(0, height.saturating_sub(1), width, height.saturating_sub(2).min(1)),
        }
    }
}
