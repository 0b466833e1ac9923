//! Draws the state into a buffer. Colours are those of the terminal's own palette, so they suit a dark and a
//! light screen. Without colours, signs and font weight show the same.

use std::io;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::diff_blocks::What;
use super::facts::{Fact, Mood};
use super::keys::HELP;
use super::pen::{Pen, faint, mood, strong};
use super::rows::{Run, Tone, ViewRow};
use super::state::{Focus, LISTS, Page, State};
use crate::base::columns::wrapped;

/// Longer lines are hard to read.
const WIDEST_PAGE: u16 = 90;

const HEADINGS: [&str; 5] = ["Snapshots", "Tasks", "Agents", "Files", "At work"];

/// Draws everything.
///
/// # Errors
/// Whatever reading back a part of the diff gives.
pub fn draw(state: &mut State, color: bool, buffer: &mut Buffer) -> io::Result<()> {
    let areas = state.areas();
    let mut pen = Pen { buffer, color };
    pen.title(state, areas.title);
    for (list, area) in areas.lists.into_iter().enumerate() {
        pen.list(state, list, area);
    }
    for y in areas.bar.top()..areas.bar.bottom() {
        pen.text(areas.bar.x, y, areas.bar.width, "│", faint());
    }
    pen.name(state, areas.name);
    let rows = state.rows()?;
    let half = areas.diff.width.saturating_sub(1) / 2;
    for (row, y) in rows.iter().zip(areas.diff.top()..areas.diff.bottom()) {
        pen.row(row, state, Rect { y, height: 1, ..areas.diff }, half);
    }
    if rows.is_empty() {
        let said = nothing_to_show(state);
        pen.text(areas.diff.x + 1, areas.diff.y, areas.diff.width.saturating_sub(1), said, faint());
    }
    pen.status(state, areas.status, rows.last());
    if let Some(page) = &mut state.page {
        page.top = pen.page(page, state.size);
    } else if state.help {
        pen.help(state.size);
    }
    Ok(())
}

fn nothing_to_show(state: &State) -> &'static str {
    match (&state.facts, state.file) {
        (None, _) => "opening…",
        (Some(_), None) if state.heard.is_some() && state.complete => "nothing was said",
        (Some(_), None) if state.heard.is_some() => "reading…",
        (Some(facts), _) if facts.files.is_empty() => "this snapshot has no edited files",
        (Some(_), Some(_)) if state.complete => "nothing differs in its content",
        _ => "reading…",
    }
}

impl Pen<'_> {
    fn title(&mut self, state: &State, area: Rect) {
        if area.is_empty() {
            return;
        }
        self.buffer.set_style(area, Style::new().add_modifier(Modifier::REVERSED));
        let Some(facts) = &state.facts else { return };
        let style = Style::new().add_modifier(Modifier::REVERSED);
        let used = self.cut(
            area.x + 1,
            area.y,
            area.width.saturating_sub(2),
            &facts.title.text,
            style.patch(strong()),
        );
        let x = area.x + used + 3;
        self.cut(x, area.y, area.width.saturating_sub(used + 4), &facts.title.more, style);
    }

    fn list(&mut self, state: &State, list: usize, area: Rect) {
        if area.is_empty() {
            return;
        }
        let focused = state.focus == LISTS[list];
        let lengths = state.lengths();
        let style = if focused { strong() } else { strong().patch(faint()) };
        let heading = format!("{} {}", HEADINGS[list], lengths[list]);
        self.text(area.x, area.y, area.width, &heading, style);
        let first = state.first_shown(list, usize::from(area.height));
        let mut top = area.y + 1;
        if let Some(note) = state.at_work.as_ref().and_then(|one| one.note.as_ref()).filter(|_| list == 4)
            && top < area.bottom()
        {
            self.cut(area.x + 2, top, area.width.saturating_sub(2), note, faint());
            top += 1;
        }
        for (number, y) in (first..lengths[list]).zip(top..area.bottom()) {
            let fact = match (list, &state.facts) {
                (4, _) => {
                    state.at_work.as_ref().and_then(|one| one.sessions.get(number)).map(|(_, fact)| fact)
                }
                (0, _) => state.snapshots.get(number).map(|listed| &listed.fact),
                (1, Some(facts)) => facts.tasks.get(number),
                (2, Some(facts)) => facts.agents.get(number),
                (_, Some(facts)) => facts.files.get(number),
                _ => None,
            };
            let selected = state.selected[list] == number;
            if let Some(fact) = fact {
                self.fact(
                    fact,
                    Rect { y, height: 1, ..area },
                    selected && (focused || list == 0 || list == 3),
                    focused,
                );
            }
        }
    }

    fn fact(&mut self, fact: &Fact, area: Rect, selected: bool, focused: bool) {
        let ground = match (selected, focused) {
            (true, true) => Style::new().add_modifier(Modifier::REVERSED),
            (true, false) => strong(),
            _ => Style::new(),
        };
        if selected && focused {
            self.buffer.set_style(area, ground);
        }
        let mark = self.text(area.x, area.y, area.width, if selected { ">" } else { " " }, ground);
        let mut x = area.x + mark;
        x += self.text(x, area.y, area.right() - x, &fact.mark, ground.patch(mood(fact.mood)));
        x += 1;
        let more: u16 =
            fact.more.chars().map(crate::base::screen::width).sum::<usize>().try_into().unwrap_or(u16::MAX);
        // What a line is about comes first; numbers only where they leave it half of the room.
        let room = area.right().saturating_sub(x);
        let more_width = if more > 0 && more < room / 2 { more + 1 } else { 0 };
        self.cut(x, area.y, room - more_width, &fact.text, ground);
        if more_width > 0 {
            self.text(area.right() - more, area.y, more, &fact.more, ground.patch(faint()));
        }
    }

    fn name(&mut self, state: &State, area: Rect) {
        if area.is_empty() {
            return;
        }
        let file = state.facts.as_ref().zip(state.file).and_then(|(facts, file)| facts.files.get(file));
        let Some(fact) = state.heard.as_ref().or(file) else { return };
        let style = if state.focus == Focus::Diff { strong() } else { strong().patch(faint()) };
        let mut x = area.x + 1;
        let end = area.right();
        x += self.text(x, area.y, end.saturating_sub(x), &fact.mark, style.patch(mood(fact.mood))) + 1;
        let room = end.saturating_sub(x).saturating_sub(u16::try_from(fact.more.len()).unwrap_or(0) + 2);
        x += self.cut(x, area.y, room, &fact.text, style) + 2;
        self.text(x, area.y, end.saturating_sub(x), &fact.more, faint());
    }

    fn row(&mut self, row: &ViewRow, state: &State, area: Rect, half: u16) {
        let wide = row.right.is_empty();
        self.runs(&row.left, area.x, area.y, if wide { area.width } else { half });
        // Lines have a number before them; heads and notes go over both columns.
        let numbered = row.left.first().is_some_and(|run| run.tone.frame);
        if state.columns && !state.folded && (!wide || numbered) {
            self.text(area.x + half, area.y, 1, "│", faint());
            self.runs(&row.right, area.x + half + 1, area.y, area.width.saturating_sub(half + 1));
        }
    }

    fn runs(&mut self, runs: &[Run], x: u16, y: u16, width: u16) {
        let mut at = x;
        for run in runs {
            at += self.text(at, y, (x + width).saturating_sub(at), &run.text, tone(run.tone));
        }
    }

    fn status(&mut self, state: &State, area: Rect, last: Option<&ViewRow>) {
        if area.is_empty() {
            return;
        }
        let keys = "? help  q quit ";
        let keys_width = u16::try_from(keys.len()).unwrap_or(0);
        let room = area.width.saturating_sub(keys_width + 1);
        self.text(area.right().saturating_sub(keys_width), area.y, keys_width, keys, faint());
        let y = area.y;
        if let Some(text) = &state.prompt {
            let typed = format!("/{}", crate::base::screen::Line(text));
            let used = self.text(area.x, y, room, &typed, strong());
            self.text(area.x + used, y, 1, " ", Style::new().add_modifier(Modifier::REVERSED));
        } else if let Some(action) = state.asked {
            let listed = state.attended().map(|listed| listed.fact.text.as_str());
            let name = listed.or(state.facts.as_ref().map(|facts| facts.title.text.as_str()));
            let question = action.question(name.unwrap_or_default());
            self.cut(area.x, y, room, &format!(" {question}"), strong().patch(mood(Mood::Busy)));
        } else if let Some(busy) = state.busy() {
            let len = state.diff.as_ref().map_or(0, |diff| diff.len());
            self.cut(area.x, y, room, &format!(" {busy}… {len} rows so far; Esc ends it"), mood(Mood::Busy));
        } else if let Some(message) = &state.message {
            self.cut(area.x, y, room, &format!(" {message}"), mood(Mood::Busy));
        } else {
            self.cut(area.x, y, room, &position(state, last), faint());
        }
    }

    fn help(&mut self, screen: Rect) {
        if screen.width < 8 || screen.height < 3 {
            return;
        }
        let left = HELP.iter().map(|(keys, _)| keys.chars().count()).max().unwrap_or(0) as u16;
        let right = HELP.iter().map(|(_, what)| what.chars().count()).max().unwrap_or(0) as u16;
        let area = self.frame(left + right + 6, HELP.len() as u16 + 2, screen);
        for ((keys, what), y) in HELP.iter().zip(area.y + 1..area.bottom().saturating_sub(1)) {
            self.text(area.x + 2, y, left.min(area.width.saturating_sub(3)), keys, strong());
            self.cut(area.x + 4 + left, y, area.width.saturating_sub(left + 6), what, Style::new());
        }
    }

    /// Draws lines to read over everything else, as many as fit; returns which of them comes first.
    fn page(&mut self, page: &Page, screen: Rect) -> usize {
        if screen.width < 8 || screen.height < 3 {
            return page.top;
        }
        let columns = screen.width.saturating_sub(6).min(WIDEST_PAGE);
        let lines: Vec<String> =
            page.lines.iter().flat_map(|line| wrapped(line, usize::from(columns))).collect();
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
        let area = self.frame(columns + 4, height, screen);
        let room = usize::from(area.height.saturating_sub(2));
        let top = page.top.min(lines.len().saturating_sub(room));
        let shown = lines.iter().enumerate().skip(top).zip(area.y + 1..area.bottom().saturating_sub(1));
        for ((number, line), y) in shown {
            let style = if number == 0 { strong() } else { Style::new() };
            self.cut(area.x + 2, y, columns, line, style);
        }
        if lines.len() > top + room {
            self.text(area.right().saturating_sub(10), area.bottom() - 1, 8, " more ↓ ", faint());
        }
        top
    }

    /// Draws an empty frame in the middle of the screen, as large as that allows; returns where it is.
    fn frame(&mut self, width: u16, height: u16, screen: Rect) -> Rect {
        // The terminal may have been made smaller since it was asked.
        let screen = screen.intersection(*self.buffer.area());
        // What is left beside it would be too narrow to be read.
        let width = if width + 4 > screen.width { screen.width } else { width };
        let height = height.min(screen.height);
        let area = Rect::new((screen.width - width) / 2, (screen.height - height) / 2, width, height);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buffer[(x, y)].reset();
            }
        }
        let edge = "─".repeat(usize::from(width.saturating_sub(2)));
        self.text(area.x, area.y, width, &format!("┌{edge}┐"), faint());
        self.text(area.x, area.bottom().saturating_sub(1), width, &format!("└{edge}┘"), faint());
        for y in area.y + 1..area.bottom().saturating_sub(1) {
            self.text(area.x, y, 1, "│", faint());
            self.text(area.right() - 1, y, 1, "│", faint());
        }
        area
    }
}

/// Says where in the diff the screen is.
fn position(state: &State, last: Option<&ViewRow>) -> String {
    let Some(diff) = state.diff.as_ref().filter(|diff| diff.len() > 0) else { return String::new() };
    let hunks = diff.hunks().len();
    // Above the first one, one reads towards it.
    let hunk = diff.hunk_of(state.top.record).map_or(hunks.min(1), |hunk| hunk + 1);
    let more = if state.complete { "" } else { "+" };
    let bottom = last.map_or(0, |row| row.place.record + 1);
    let percent = if state.complete { format!("  {}%", bottom * 100 / diff.len()) } else { String::new() };
    let searched = state.pattern.as_ref();
    let searched = searched.map_or(String::new(), |p| format!("  /{}", crate::base::screen::Line(p.text())));
    let unit = if state.heard.is_some() { "prompt" } else { "hunk" };
    format!(" {unit} {hunk} of {hunks}{more}  row {bottom} of {}{more}{percent}{searched}", diff.len())
}

fn tone(tone: Tone) -> Style {
    let mut style = match tone.what {
        _ if tone.frame => faint(),
        What::Hunk => Style::new().fg(Color::Cyan),
        What::Context => Style::new(),
        What::Removed => Style::new().fg(Color::Red),
        What::Added => Style::new().fg(Color::Green),
        What::Note => Style::new().fg(Color::Yellow),
        What::Prompt | What::Asked => strong(),
        What::Said => Style::new(),
        What::Call => faint(),
    };
    if tone.moved {
        style = style.add_modifier(Modifier::DIM);
    }
    if tone.word {
        style = style.add_modifier(Modifier::REVERSED);
    }
    if tone.stray {
        style = style.bg(Color::Red);
    }
    if tone.found {
        style = style.add_modifier(Modifier::UNDERLINED | Modifier::BOLD).fg(Color::Black).bg(Color::Yellow);
        style = style.remove_modifier(Modifier::REVERSED);
    }
    style
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_became_smaller_meanwhile_is_drawn_on_as_far_as_it_goes() {
        for (width, height) in [(1, 1), (7, 2), (60, 19), (171, 5)] {
            let mut state = State::new(171, 40);
            state.help = true;
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            draw(&mut state, true, &mut buffer).expect("nothing is read");
            state.page = Some(Page { lines: vec!["a line".to_owned(); 50], top: 3 });
            draw(&mut state, true, &mut buffer).expect("nothing is read");
        }
    }
}
