//! Which part of the screen is where.

use ratatui::layout::Rect;

/// The parts of the screen; an area may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Areas {
    pub(super) title: Rect,
    /// Snapshots, tasks, agents, files, people: each with a row for its heading.
    pub(super) lists: [Rect; 5],
    /// The line between the lists and the diff.
    pub(super) bar: Rect,
    pub(super) name: Rect,
    pub(super) diff: Rect,
    pub(super) status: Rect,
}

/// Divides a screen; `wide` leaves the lists out, and so does a screen that is too narrow. Each list has so many rows to show.
pub(super) fn areas(screen: Rect, wide: bool, rows: &[usize; 5]) -> Areas {
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
    for (number, share) in shares(body, rows).into_iter().enumerate() {
        areas.lists[number] = Rect::new(x, top, side, if side > 0 { share } else { 0 });
        top += share;
    }
    areas
}

/// Divides the height among the lists: each gets a fifth if it needs that much, the files what they need, then the others
/// in their order what is still left.
fn shares(height: u16, rows: &[usize; 5]) -> [u16; 5] {
    // With a heading each; the heading of the files is there even if there are none.
    let needs = rows
        .map(|rows| if rows == 0 { 0 } else { u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(1) });
    let mut left = height;
    let mut shares = [0; 5];
    for (number, most) in [
        (0, (height / 5).max(3)),
        (4, (height / 5).max(3)),
        (1, (height / 5).max(3)),
        (2, (height / 5).max(3)),
        (3, height),
        (0, height),
        (1, height),
        (2, height),
        (4, height),
    ] {
        let more = needs[number].min(most).saturating_sub(shares[number]).min(left);
        shares[number] += more;
        left -= more;
    }
    shares[3] += left;
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_stays_blank_as_long_as_a_list_has_more_to_show() {
        assert_eq!(shares(22, &[20, 0, 0, 1, 0]), [20, 0, 0, 2, 0]);
        assert_eq!(shares(22, &[20, 3, 2, 40, 0]), [4, 4, 3, 11, 0]);
        assert_eq!(shares(22, &[20, 3, 2, 40, 9]), [4, 4, 3, 7, 4]);
        assert_eq!(shares(22, &[2, 0, 0, 1, 0]), [3, 0, 0, 19, 0]);
        assert_eq!(shares(22, &[2, 0, 0, 1, 8]), [3, 0, 0, 10, 9]);
        assert_eq!(shares(30, &[20, 20, 0, 0, 0]), [21, 9, 0, 0, 0]);
        assert_eq!(shares(0, &[1, 1, 1, 1, 1]), [0, 0, 0, 0, 0]);
    }
}
