//! What may be more than the screen has: many lines go through the pager, long ones go on below.

use super::pager::{Sheet, screen_height, screen_width};
use super::text::Text;
use super::ui::Ui;
use crate::base::error::Result;

/// Prints lines; those that don't fit on the terminal's screen, in the pager.
pub(crate) fn paged(ui: &mut Ui, lines: &[Text]) -> Result<()> {
    // The prompt of the shell needs a line too.
    if !ui.shows_on_terminal() || lines.len() < screen_height() {
        return lines.iter().try_for_each(|line| ui.line(line));
    }
    ui.flush()?;
    let mut sheet = Sheet::open(true)?;
    sheet.trims = false;
    lines.iter().try_for_each(|line| sheet.block(format!("{}\n", line.render(ui.color())).as_bytes()))?;
    sheet.flush()
}

/// Prints a line; what the terminal has no room for goes on below, in this column.
pub(crate) fn folded(ui: &mut Ui, text: &Text, indent: usize) -> Result<()> {
    if !ui.shows_on_terminal() {
        return ui.line(text);
    }
    text.folded(screen_width(), indent).iter().try_for_each(|line| ui.line(line))
}
