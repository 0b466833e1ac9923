//! Draws the picker into a buffer. Colours are those of the terminal's own palette; without them, signs and font weight
//! show the same.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::super::action::Action;
use super::super::facts::{Fact, Mood, SnapshotFacts};
use super::super::pen::{Pen, faint, mood, reversed, strong};
use super::choice::Choice;
use super::matching::Found;
use super::state::Picker;
use crate::base::columns::{wide, wrapped};

/// The columns of an age.
const AGE: u16 = 4;

/// What a snapshot was about is shown beside its name if so many columns are left.
const LEAST_ABOUT: u16 = 12;

/// The most lines of one thing that was said.
const MOST_SAID: usize = 4;

/// Draws everything.
pub fn draw(picker: &Picker, color: bool, buffer: &mut Buffer) {
    let areas = picker.areas();
    let mut pen = Pen { buffer, color };
    title(&mut pen, picker, areas.title);
    prompt(&mut pen, picker, areas.prompt);
    let first = picker.first_shown();
    let rows = picker.found.iter().enumerate().skip(first);
    for ((number, found), y) in rows.zip(areas.list.top()..areas.list.bottom()) {
        if let Some(choice) = picker.choices.get(found.choice) {
            row(&mut pen, choice, found, number == picker.selected, Rect { y, height: 1, ..areas.list });
        }
    }
    if picker.found.is_empty() {
        pen.cut(
            areas.list.x + 2,
            areas.list.y,
            areas.list.width.saturating_sub(2),
            "nothing like that",
            faint(),
        );
    }
    for y in areas.bar.top()..areas.bar.bottom() {
        pen.text(areas.bar.x, y, areas.bar.width, "│", faint());
    }
    if let Some(facts) = picker.preview.as_ref().filter(|_| !picker.found.is_empty()) {
        preview(&mut pen, facts, areas.preview);
    }
    keys(&mut pen, picker, areas.keys);
}

fn title(pen: &mut Pen<'_>, picker: &Picker, area: Rect) {
    pen.ground(area, reversed());
    let question = match picker.own {
        Action::Show => "Which snapshot is to be shown?",
        Action::Diff => "Of which snapshot are the edits to be shown?",
        Action::Resume => "Which snapshot is to be resumed?",
        Action::Rewind => "To which snapshot is the work tree to be rewound?",
        Action::Pin | Action::Unpin => "Which snapshot is to be pinned?",
        Action::Remove => "Which snapshot is to be removed?",
    };
    let hidden = picker.choices.iter().filter(|choice| choice.is_safety).count();
    let counted = if picker.typed.trim().is_empty() {
        let safety = if hidden > 0 { format!("; type to find {hidden} safety") } else { String::new() };
        format!("{}{safety} ", picker.found.len())
    } else {
        format!("{} of {} ", picker.found.len(), picker.choices.len())
    };
    let room = u16::try_from(wide(&counted)).unwrap_or(u16::MAX);
    let used =
        pen.cut(area.x + 1, area.y, area.width.saturating_sub(2), question, reversed().patch(strong()));
    if used + room + 3 < area.width {
        pen.text(area.right() - room, area.y, room, &counted, reversed());
    }
}

fn prompt(pen: &mut Pen<'_>, picker: &Picker, area: Rect) {
    let mark = pen.text(area.x, area.y, area.width, "> ", faint());
    let room = area.width.saturating_sub(mark + 1);
    // The end of what is typed is what one looks at.
    let typed = crate::base::screen::Line(&picker.typed).to_string();
    let mut shown = typed.as_str();
    while wide(shown) > usize::from(room) {
        let mut rest = shown.chars();
        rest.next();
        shown = rest.as_str();
    }
    let used = pen.text(area.x + mark, area.y, room, shown, strong());
    pen.text(area.x + mark + used, area.y, 1, " ", reversed());
    if typed.is_empty() {
        pen.cut(
            area.x + mark + 2,
            area.y,
            room.saturating_sub(2),
            "type a part of a name, or of what was said",
            faint(),
        );
    }
}

fn row(pen: &mut Pen<'_>, choice: &Choice, found: &Found, selected: bool, area: Rect) {
    let ground = if selected { reversed() } else { Style::new() };
    if selected {
        pen.ground(area, ground);
    }
    let Fact { mark, text, more, mood: meant, .. } = &choice.fact;
    pen.text(area.x, area.y, 1, if selected { ">" } else { " " }, ground);
    pen.text(area.x + 1, area.y, 1, mark, ground.patch(mood(Mood::Busy)));
    pen.text(area.x + 3, area.y, AGE.min(area.width.saturating_sub(3)), more, ground.patch(faint()));
    let x = area.x + 4 + AGE;
    let room = area.right().saturating_sub(x + 1);
    let style = ground.patch(if choice.is_safety { faint() } else { mood(*meant) });
    let used = pen.cut(x, area.y, room, text, style);
    letters(pen, found, text, Rect { x, width: used, ..area });
    let left = room.saturating_sub(used + 2);
    if left >= LEAST_ABOUT {
        pen.cut(x + used + 2, area.y, left, &choice.about, ground.patch(faint()));
    }
}

/// Shows which letters of a name were found.
fn letters(pen: &mut Pen<'_>, found: &Found, name: &str, area: Rect) {
    let mut x = area.x;
    for (number, letter) in name.chars().enumerate() {
        let width = u16::try_from(crate::base::screen::width(letter)).unwrap_or(0);
        let is_found = u32::try_from(number).is_ok_and(|number| found.letters.binary_search(&number).is_ok());
        if is_found && x + width <= area.right() {
            let style = strong().add_modifier(Modifier::UNDERLINED);
            pen.ground(Rect { x, width, height: 1, ..area }, style);
        }
        x += width;
    }
}

/// Says what a snapshot was about, what was done and what is left to do.
fn preview(pen: &mut Pen<'_>, facts: &SnapshotFacts, area: Rect) {
    if area.width < 3 {
        return;
    }
    let (x, room) = (area.x + 1, area.width - 2);
    let mut y = area.y;
    let mut line = |pen: &mut Pen<'_>, text: &str, style: Style| {
        if y < area.bottom() {
            pen.cut(x, y, room, text, style);
            y += 1;
        }
    };
    line(pen, &facts.title.text, strong());
    for part in wrapped(&facts.title.more, usize::from(room)).iter().take(MOST_SAID) {
        line(pen, part, faint());
    }
    for said in &facts.talk {
        for part in wrapped(said, usize::from(room)).iter().take(MOST_SAID) {
            line(pen, part, Style::new());
        }
    }
    for (heading, list) in [("Tasks", &facts.tasks), ("Agents", &facts.agents), ("Files", &facts.files)] {
        if list.is_empty() {
            continue;
        }
        line(pen, "", Style::new());
        line(pen, &format!("{heading} {}", list.len()), strong().patch(faint()));
        for fact in list {
            let more = if fact.more.is_empty() { String::new() } else { format!("  {}", fact.more) };
            line(pen, &format!("{} {}{more}", fact.mark, fact.text), mood(fact.mood));
        }
    }
}

fn keys(pen: &mut Pen<'_>, picker: &Picker, area: Rect) {
    if let (Some(action), Some(choice)) = (picker.asked, picker.chosen()) {
        let question = action.question(&choice.fact.text);
        pen.cut(
            area.x + 1,
            area.y,
            area.width.saturating_sub(1),
            &question,
            strong().patch(mood(Mood::Busy)),
        );
        return;
    }
    let pinned = picker.chosen().is_some_and(|choice| choice.pinned);
    let all = [
        ("Enter", picker.own.command()),
        ("^R", Action::Resume.command()),
        ("^W", Action::Rewind.command()),
        ("^D", Action::Diff.command()),
        ("^P", if pinned { Action::Unpin.command() } else { Action::Pin.command() }),
        ("^X", Action::Remove.command()),
        ("Esc", "leave"),
    ];
    let mut x = area.x + 1;
    for (number, (key, does)) in all.into_iter().enumerate() {
        // Enter does it.
        if number > 0 && does == picker.own.command() {
            continue;
        }
        let width = u16::try_from(key.len() + does.len() + 3).unwrap_or(u16::MAX);
        if x + width > area.right() + 2 {
            return;
        }
        x += pen.text(x, area.y, area.right().saturating_sub(x), key, strong()) + 1;
        x += pen.text(x, area.y, area.right().saturating_sub(x), does, faint()) + 2;
    }
}
