//! The edits of a snapshot as rows of a table: what became of each file, and how much of it changed. Pure.

use crate::base::columns::{fitted_in_middle, padded, wide};
use crate::cli::output::words::{short_commit as short, size_text};
use crate::cli::output::{Style, Text, text};
use crate::manifest::{Change, Edit, IndexState, Mode, Version};

/// How many columns the letter and the gaps take.
const AROUND: usize = 4;

/// The fewest columns that a path is cut to, and the most that others are lined up behind.
const NARROWEST: usize = 16;
const WIDEST: usize = 60;

/// The most columns that all paths leave free for what changed; more of it goes on below.
const FACTS: usize = 24;

/// What stands between the two paths of a renamed file.
const ARROW: &str = " -> ";

/// Returns a row for each file; on a screen, paths are cut to what there is room for in so many columns.
pub(crate) fn rows(edits: &[&Edit], room: Option<usize>) -> Vec<Text> {
    let all: Vec<(&Edit, String)> = edits.iter().map(|edit| (*edit, facts(edit))).collect();
    let longest = all.iter().map(|(edit, _)| wide(&whole_path(edit))).max().unwrap_or(0).min(WIDEST);
    let beside = all.iter().map(|(_, facts)| wide(facts)).max().unwrap_or(0).min(FACTS);
    let most = room.map(|room| room.saturating_sub(AROUND + beside).max(NARROWEST));
    let width = most.map_or(longest, |most| longest.min(most));
    let row = |(edit, facts): (&Edit, String)| {
        let path = match room {
            Some(_) => cut_path(edit, width),
            None => whole_path(edit),
        };
        text![letter(edit), format!(" {}  ", padded(&path, width)), Style::Faint.of(facts)]
    };
    all.into_iter().map(row).collect()
}

fn whole_path(edit: &Edit) -> String {
    match &edit.from {
        Some(from) => format!("{}{ARROW}{}", from.path, edit.path),
        None => edit.path.to_string(),
    }
}

/// Returns the path, cut in the middle; of two, the longer one gives way.
fn cut_path(edit: &Edit, width: usize) -> String {
    let path = edit.path.to_string();
    let Some(from) = &edit.from else { return fitted_in_middle(&path, width) };
    let (from, room) = (from.path.to_string(), width.saturating_sub(ARROW.len()));
    let before = wide(&from).min((room / 2).max(room.saturating_sub(wide(&path))));
    format!("{}{ARROW}{}", fitted_in_middle(&from, before), fitted_in_middle(&path, room - before))
}

/// Returns the letter of what became of a file.
fn letter(edit: &Edit) -> Text {
    let (letter, style) = match edit.change {
        Change::Added => ("A", Style::Good),
        Change::Renamed => ("R", Style::Warning),
        Change::Copied => ("C", Style::Good),
        Change::Modified => ("M", Style::Warning),
        Change::Deleted => ("D", Style::Bad),
        Change::IndexOnly => ("-", Style::Faint),
    };
    style.of(letter)
}

/// Returns how much changed, and in which way.
fn facts(edit: &Edit) -> String {
    let diff = edit.in_sight().and_then(|saved| saved.diff);
    let binary = diff.is_some() && edit.added + edit.removed == 0;
    let before = edit.diffed_against();
    let mut facts = match edit.change {
        Change::IndexOnly => "only the index differs".to_owned(),
        _ if edit.new.iter().chain(&edit.old).any(Version::is_submodule) => {
            let commit = |version: &Option<Version>| {
                version.as_ref().map_or("nothing".to_owned(), |version| short(&version.oid).to_owned())
            };
            format!("submodule, {} → {}", commit(&edit.old), commit(&edit.new))
        }
        _ if binary => diff.map_or(String::new(), |diff| size_text(diff.bytes)),
        _ => format!("+{} -{}", edit.added, edit.removed),
    };
    match (before.map(|version| version.mode), edit.new.as_ref().map(|version| version.mode)) {
        (_, Some(Mode::Link)) => facts += ", link",
        (_, Some(Mode::Submodule)) => {}
        (Some(old), Some(new)) if old != new => facts += &format!(", {} → {}", old.octal(), new.octal()),
        (None, Some(Mode::Executable)) => facts += ", executable",
        _ => {}
    }
    match (edit.index, &edit.old) {
        (IndexState::Unstaged, None) => facts += ", untracked",
        (IndexState::Unstaged, Some(_)) => {}
        (IndexState::Staged, _) => facts += ", staged",
        (IndexState::Partly, _) if edit.is_left_out() => facts += ", staged, not in the work tree",
        (IndexState::Partly, _) => facts += ", staged in part",
        (IndexState::IntentToAdd, _) => facts += ", to be added",
        (IndexState::Unmerged, _) => facts += ", unmerged",
    }
    facts
}
