//! Lines that may be more than the screen has: then they go through the pager.

use super::pager::{Sheet, screen_height};
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
