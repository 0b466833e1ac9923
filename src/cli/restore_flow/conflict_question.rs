//! The question that a resume asks on a terminal if the snapshot's edits and the work tree disagree.
//!
//! Nothing is changed before the answer. What it shows is a pure function of the conflicts and the width.

use crate::base::columns::{padded, wide, wrapped};
use crate::base::error::{Error, Kind, Result};
use crate::cli::output::pager::screen_width;
use crate::cli::output::words::count;
use crate::cli::output::{Style, Text, Ui, chosen, text};
use crate::restore::{Conflicts, disagree};

/// The most paths that are listed.
const MOST_LISTED: usize = 10;

/// The narrowest screen that a line is fitted to.
const NARROWEST: usize = 20;

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Merge,
    WorkTree,
    Diff,
    Rewind,
    Abort,
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Way::Merge => "merge",
            Way::WorkTree => "worktree",
            Way::Diff => "diff",
            Way::Rewind => "rewind",
            Way::Abort => "abort",
        }
    }

    fn does(self) -> &'static str {
        match self {
            Way::Merge => "merge the two; what can't be merged gets conflict markers",
            Way::WorkTree => "leave this work tree alone, and restore into a new one",
            Way::Diff => "show what differs, and ask again",
            Way::Rewind => "put everything back as it was saved; what is here is saved first",
            Way::Abort => "change nothing",
        }
    }
}

/// What a person wants.
pub(crate) enum Answer {
    /// The two merged.
    Merge,
    /// A new work tree, for this new branch.
    WorkTree(String),
    /// Everything as it was saved.
    Rewind,
    /// Nothing at all.
    Abort,
}

/// Which of the ways are open here.
#[derive(Clone, Copy)]
pub(crate) struct Open {
    /// Whether the two can be merged.
    pub(crate) merge: bool,
    /// Whether a work tree can be made.
    pub(crate) work_tree: bool,
    /// Whether this work tree is the one that was saved.
    pub(crate) rewind: bool,
}

impl Open {
    fn ways(self) -> Vec<Way> {
        let ways = [
            (self.merge, Way::Merge),
            (self.work_tree, Way::WorkTree),
            (true, Way::Diff),
            (self.rewind, Way::Rewind),
            (true, Way::Abort),
        ];
        ways.into_iter().filter_map(|(open, way)| open.then_some(way)).collect()
    }
}

/// Asks what to do. `diff` shows what differs; `name` is the snapshot's, for the branch, and `takes` says whether one of that name
/// can be had.
///
/// # Errors
/// What the terminal or `diff` says.
pub(crate) fn ask(
    conflicts: &Conflicts,
    open: Open,
    name: &str,
    takes: &dyn Fn(&str) -> bool,
    ui: &mut Ui,
    mut diff: impl FnMut(&mut Ui) -> Result<()>,
) -> Result<Answer> {
    let ways = open.ways();
    lines(conflicts, &ways, name, screen_width()).into_iter().for_each(|line| ui.tell_line(line));
    let words: Vec<&'static str> = ways.iter().map(|way| way.word()).collect();
    let help = format!("Please answer {}.", hint(&ways));
    let question = format!("What now? {}", hint(&ways));
    loop {
        let word = ui.ask_until(&question, &help, |answer| chosen(answer, &words, Way::Abort.word()))?;
        match ways.iter().find(|way| Some(way.word()) == word) {
            Some(Way::Diff) => diff(ui)?,
            Some(Way::Merge) => return Ok(Answer::Merge),
            Some(Way::Rewind) => return Ok(Answer::Rewind),
            Some(Way::WorkTree) => match branch(name, takes, ui)? {
                Some(branch) => return Ok(Answer::WorkTree(branch)),
                None => return Ok(Answer::Abort),
            },
            Some(Way::Abort) | None => return Ok(Answer::Abort),
        }
    }
}

/// Makes the error of somebody who wants nothing done.
pub(crate) fn aborted(conflicts: &Conflicts) -> Error {
    let differ = count(conflicts.paths.len(), "path");
    let verb = if conflicts.paths.len() == 1 { "is" } else { "are" };
    Error::new(Kind::Conflict, "Nothing was changed").because(format!("{differ} {verb} different here"))
}

/// Asks for the name of a branch; Enter takes one that is made from the snapshot's name.
fn branch(name: &str, takes: &dyn Fn(&str) -> bool, ui: &mut Ui) -> Result<Option<String>> {
    let usual = free_branch(name, takes);
    let read = |answer: &str| {
        let meant = if answer.is_empty() { &usual } else { answer };
        takes(meant).then(|| meant.to_owned())
    };
    let help = "git takes no branch of that name, or it is checked out. Please give another name.";
    ui.ask_until(&format!("Name of the branch [{usual}]:"), help, read)
}

/// Makes a name for a branch that can be had; with a number, if need be.
fn free_branch(name: &str, takes: &dyn Fn(&str) -> bool) -> String {
    let plain = branch_for(name);
    let numbered = (2..100).map(|number| format!("{plain}-{number}"));
    let mut names = std::iter::once(plain.clone()).chain(numbered);
    names.find(|name| takes(name)).unwrap_or(plain)
}

/// Makes a name for a branch.
fn branch_for(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let words: String = name.chars().map(plain).collect();
    let words: Vec<&str> = words.split('-').filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "snapshot".to_owned() } else { words.join("-") }
}

/// The choices in one line, with the letter of each; the capital is what Enter means.
fn hint(ways: &[Way]) -> String {
    let each = ways.iter().map(|way| {
        let word = way.word();
        let (first, rest) = word.split_at(1);
        let first = if *way == Way::Abort { first.to_uppercase() } else { first.to_owned() };
        format!("[{first}]{rest}")
    });
    each.collect::<Vec<_>>().join(", ")
}

/// What is shown above the question.
fn lines(conflicts: &Conflicts, ways: &[Way], name: &str, width: usize) -> Vec<Text> {
    let width = width.max(NARROWEST);
    let mut lines: Vec<Text> =
        wrapped(&format!("{}.", disagree(name)), width).into_iter().map(|line| text![line]).collect();
    let listed: Vec<(String, &str)> =
        conflicts.paths.iter().take(MOST_LISTED).map(|one| (one.path.to_string(), one.why)).collect();
    let longest = listed.iter().map(|(path, _)| wide(path)).max().unwrap_or_default();
    let beside = listed.iter().all(|(_, why)| 2 + longest + 2 + wide(why) <= width);
    for (path, why) in &listed {
        if beside {
            let path = padded(path, longest);
            lines.push(text!["  ", Style::Strong.of(path), "  ", *why]);
        } else {
            // A path is never cut: it is what the answer is about.
            lines.push(text!["  ", Style::Strong.of(path)]);
            lines.extend(wrapped(why, width - 6).into_iter().map(|line| text!["      ", line]));
        }
    }
    if let Some(more @ 1..) = conflicts.paths.len().checked_sub(MOST_LISTED) {
        lines.push(text![format!("  and {more} more")]);
    }
    let widest = ways.iter().map(|way| way.word().len()).max().unwrap_or_default();
    for way in ways {
        let mut does = wrapped(way.does(), width.saturating_sub(2 + widest + 2).max(NARROWEST)).into_iter();
        let first = does.next().unwrap_or_default();
        lines.push(text!["  ", Style::Warning.of(padded(way.word(), widest)), "  ", first]);
        lines.extend(does.map(|line| text![" ".repeat(2 + widest + 2), line]));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_is_named_after_the_snapshot_in_a_way_that_git_takes() {
        for (name, wanted) in [
            ("before refactor", "before-refactor"),
            ("port the api, 14:07", "port-the-api-14-07"),
            ("-x..y.lock", "x-y-lock"),
            ("@{~^:?*[\\", "snapshot"),
            ("größe 日本", "größe-日本"),
        ] {
            assert_eq!(branch_for(name), wanted);
        }
    }

    #[test]
    fn only_what_can_be_done_here_is_offered() {
        let all = Open { merge: true, work_tree: true, rewind: true };
        assert_eq!(hint(&all.ways()), "[m]erge, [w]orktree, [d]iff, [r]ewind, [A]bort");
        let none = Open { merge: false, work_tree: false, rewind: false };
        assert_eq!(hint(&none.ways()), "[d]iff, [A]bort");
    }
}
