//! Which part of the screen is where.

use ratatui::layout::Rect;

/// The parts of the screen; an area may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Areas {
    pub(super) title: Rect,
    /// Snapshots, tasks, agents, files: each with a row for its heading.
    pub(super) lists: [Rect; 4],
    /// The line between the lists and the diff.
    pub(super) bar: Rect,
    pub(super) name: Rect,
    pub(super) diff: Rect,
    pub(super) status: Rect,
}

/// Divides a screen; `wide` leaves the lists out, and so does a screen that is too narrow.
pub(super) fn areas(screen: Rect, wide: bool, lengths: &[usize; 4]) -> Areas {
    let Rect { x, y, width, height } = screen;
    let side = match width {
        _ if wide => 0,
        0..60 => 0,
        60..100 => 24,
        100..160 => 34,
        _ => 46,
    };
    let body = height.saturating_sub(2);
    let left = if side > 0 { side + 1 } else { 0 };
    let mut areas = Areas {
        title: Rect::new(x, y, width, height.min(1)),
        bar: Rect::new(x + side, y + 1, u16::from(side > 0), body),
        name: Rect::new(x + left, y + 1, width - left, body.min(1)),
        diff: Rect::new(x + left, y + 2, width - left, body.saturating_sub(1)),
        status: Rect::new(x, y + height.saturating_sub(1), width, height.saturating_sub(1).min(1)),
        ..Areas::default()
    };
    let mut top = y + 1;
    let mut left = body;
    for (number, length) in lengths.iter().enumerate() {
        let length = u16::try_from(*length).unwrap_or(u16::MAX).saturating_add(1);
        let share = match number {
            // The files get what the others leave.
            3 => left,
            _ if length == 1 => 0,
            _ => length.min((body / 5).max(3)).min(left),
        };
        areas.lists[number] = Rect::new(x, top, side, if side > 0 { share } else { 0 });
        (top, left) = (top + share, left - share);
    }
    areas
}
