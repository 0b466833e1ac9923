//! One path of a plan: what happens to its file, and how much of it changes.

use serde::Serialize;

use crate::base::paths::RepoPath;
use crate::cli::output::words::size_text;
use crate::cli::output::{Style, Text, text};
use crate::restore::{Action, Step};
use crate::stored_patch::Amount;

#[derive(Serialize)]
pub(super) struct Edit {
    path: RepoPath,
    action: &'static str,
    added: u64,
    removed: u64,
    /// The sizes of what is no text.
    binary: Option<Sizes>,
    #[serde(skip)]
    amount: Amount,
    #[serde(skip)]
    style: Style,
    /// Whether git is told to pass over it from now on, or no longer.
    #[serde(skip)]
    hides: Option<bool>,
}

/// Sizes in bytes; none, where there is no file.
#[derive(Clone, Copy, Serialize)]
struct Sizes {
    before: Option<u64>,
    after: Option<u64>,
}

/// Only the index changes.
const INDEX: &str = "index";

impl Edit {
    pub(super) fn of(step: &Step) -> Edit {
        let (action, style) = match step.action() {
            Action::Create => ("create", Style::Good),
            Action::Replace => ("replace", Style::Warning),
            Action::Remove => ("remove", Style::Bad),
            Action::Index => (INDEX, Style::Faint),
        };
        let amount = step.amount();
        let (mut added, mut removed, mut binary) = (0, 0, None);
        match amount {
            Amount::Lines { added: more, removed: fewer } => (added, removed) = (more, fewer),
            Amount::Binary { before, after } => binary = Some(Sizes { before, after }),
            Amount::Nothing | Amount::Link => {}
        }
        Edit { path: step.path().clone(), action, added, removed, binary, amount, style, hides: step.hides() }
    }

    pub(super) fn line(&self) -> Text {
        let hidden = match self.hides {
            Some(true) => ", hidden from git",
            Some(false) => ", no longer hidden from git",
            None => "",
        };
        let action = self.style.of(format!("{:7}", self.action));
        text!["  ", action, format!(" {}{}{hidden}", self.path, self.how_much())]
    }

    /// Says how much of the file changes, behind two blanks.
    fn how_much(&self) -> String {
        match self.amount {
            Amount::Nothing if self.action == INDEX => String::new(),
            Amount::Nothing => "  only its mode".to_owned(),
            Amount::Lines { added: 0, removed: 0 } => "  empty".to_owned(),
            Amount::Lines { added, removed } => format!("  +{added} -{removed}"),
            Amount::Link => "  link".to_owned(),
            Amount::Binary { before, after } => {
                let sizes = before.into_iter().chain(after).map(size_text).collect::<Vec<_>>();
                format!("  binary, {}", sizes.join(" -> "))
            }
        }
    }
}
