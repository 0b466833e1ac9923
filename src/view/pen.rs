//! Writes text into the cells of a screen: made safe, cut to its place, and without colours if there are to be none.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::facts::Mood;

/// What can be skipped.
pub(super) fn faint() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

/// What a line is about.
pub(super) fn strong() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// What a title and the selected line look like.
pub(super) fn reversed() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}

/// How a line is meant, as a colour.
pub(super) fn mood(mood: Mood) -> Style {
    match mood {
        Mood::Plain => Style::new(),
        Mood::Good => Style::new().fg(Color::Green),
        Mood::Bad => Style::new().fg(Color::Red),
        Mood::Busy => Style::new().fg(Color::Yellow),
    }
}

/// What everything is written with.
pub(super) struct Pen<'b> {
    pub(super) buffer: &'b mut Buffer,
    pub(super) color: bool,
}

impl Pen<'_> {
    /// Writes at most `width` columns; returns how many.
    pub(super) fn text(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let style = if self.color { style } else { Style { fg: None, bg: None, ..style } };
        let area = *self.buffer.area();
        if width == 0 || x >= area.right() || y >= area.bottom() {
            return 0;
        }
        // The one way to the screen: whatever comes here unsafe leaves safe.
        let safe = if crate::base::screen::is_safe(text) {
            text
        } else {
            &crate::base::screen::Line(text).to_string()
        };
        let (end, _) = self.buffer.set_stringn(x, y, safe, usize::from(width), style);
        end - x
    }

    /// Writes text, cut with a mark if it is too long.
    pub(super) fn cut(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let used = self.text(x, y, width, text, style);
        let all: usize = text.chars().map(crate::base::screen::width).sum();
        if all > usize::from(width) && width > 0 {
            self.text(x + width - 1, y, 1, "…", style);
            return width;
        }
        used
    }

    /// Paints a whole area.
    pub(super) fn ground(&mut self, area: Rect, style: Style) {
        self.buffer.set_style(area, style);
    }
}
