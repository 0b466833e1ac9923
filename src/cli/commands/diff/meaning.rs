//! What differs between two snapshots beside their files, in a few lines above the diff: where they went apart, what was said
//! since, tasks, agents and grants.

use serde::Serialize;

use super::OutputForm;
use crate::base::error::Result;
use crate::base::screen::{Line, cut};
use crate::base::timestamp::{Timestamp, age};
use crate::cli::output::snapshot_words::tasks;
use crate::cli::output::words::ago;
use crate::cli::output::{Style, Text, text};
use crate::manifest::Manifest;
use crate::report::{Between, Side};
use crate::store::Store;

/// The most characters of a name.
const LONGEST: usize = 50;

/// The same for a program: the first line of a diff of two snapshots.
#[derive(Serialize)]
pub(super) struct ForPrograms<'a> {
    pub(super) between: &'a Between,
}

/// Says whether a form has room for it: a patch stays a patch, and names stay names.
pub(super) fn is_told_in(form: OutputForm) -> bool {
    matches!(form, OutputForm::Painted | OutputForm::Columns | OutputForm::Stat | OutputForm::Json)
}

/// Compares two snapshots that differ in so many files.
///
/// # Errors
/// As [`Between::of`].
pub(super) fn between(store: &Store, [old, new]: [&Manifest; 2], files: usize) -> Result<Between> {
    let tasks = [old, new].map(|one| tasks(store, one));
    let between = Between::of(store, [old, new], [&tasks[0], &tasks[1]])?;
    Ok(Between { files: Some(files), ..between })
}

/// Returns it in lines; none if there is nothing to tell but the files.
pub(super) fn lines(between: &Between, now: Timestamp) -> Vec<Text> {
    let rows = between.rows();
    if rows.is_empty() && !between.is_apart() {
        return Vec::new();
    }
    let files = match between.files {
        None | Some(0) => "none differs".to_owned(),
        Some(1) => "1 differs".to_owned(),
        Some(number) => format!("{number} differ"),
    };
    let mut lines = vec![heading(between, now)];
    let mut last = "";
    for (label, line) in rows.into_iter().chain([("files", files)]) {
        // One label for the lines of one kind.
        let shown = if label == last { "" } else { label };
        lines.push(text!["  ", Style::Faint.of(format!("{shown:7}")), line]);
        last = label;
    }
    lines
}

fn heading(between: &Between, now: Timestamp) -> Text {
    let who = |side: &Side| {
        format!(" ({}@{}, {})", Line(&side.by), Line(&side.host), ago(&age(now.since(side.saved))))
    };
    let (old, new) = (&between.old, &between.new);
    let mut line = text![
        "from ",
        Style::Strong.of(cut(&old.name, LONGEST)),
        Style::Faint.of(who(old)),
        " to ",
        Style::Strong.of(cut(&new.name, LONGEST)),
        Style::Faint.of(who(new)),
    ];
    match &between.fork {
        Some(fork) if between.is_apart() => {
            line.push(text![", which went apart after ", cut(&fork.name, LONGEST)]);
        }
        Some(fork) if fork.id == new.id => line.push(text![", which comes before it"]),
        _ => {}
    }
    line
}
