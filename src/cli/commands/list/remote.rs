//! `snap list --remote`: the snapshots on a git remote, and who works on them.

use serde::Serialize;

use super::table::tabbed;
use crate::base::columns::{fitted, padded};
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::screen;
use crate::base::timestamp::Timestamp;
use crate::cli::output::paged::folded;
use crate::cli::output::{Report, Style, Ui};
use crate::cli::remotes::worked_on_by;
use crate::transfer::{Lease, ListedSnapshot};

/// How many columns those who saved them take at most.
const BY: usize = 24;

/// Where what a narrow terminal has no room for goes on in the next line.
const BELOW: usize = 10;

/// The snapshots on a remote.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct RemoteList<'a> {
    snapshots: Vec<OnRemote<'a>>,
    #[serde(skip)]
    remote: &'a str,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct OnRemote<'a> {
    name: &'a str,
    id: &'a SnapshotId,
    created_at: Timestamp,
    by: &'a str,
    here: bool,
    leases: Vec<LeaseFacts<'a>>,
    #[serde(skip)]
    worked_on: &'a [Lease],
}

#[derive(Serialize)]
struct LeaseFacts<'a> {
    who: &'a str,
    since: Timestamp,
}

/// Says whether all of these words are in the name of a snapshot, or in who saved it.
pub(super) fn has_words(one: &ListedSnapshot, words: &[String]) -> bool {
    let texts = [&one.name, &one.by].map(|text| text.to_lowercase());
    words.iter().all(|word| texts.iter().any(|text| text.contains(&word.to_lowercase())))
}

impl<'a> RemoteList<'a> {
    pub(super) fn new(remote: &'a str, listed: &'a [ListedSnapshot], now: Timestamp) -> RemoteList<'a> {
        let lease = |lease: &'a Lease| LeaseFacts { who: &lease.who, since: lease.since };
        let one = |one: &'a ListedSnapshot| OnRemote {
            name: &one.called,
            id: &one.id,
            created_at: one.created_at,
            by: &one.by,
            here: one.here,
            leases: one.leases.iter().map(lease).collect(),
            worked_on: &one.leases,
        };
        RemoteList { snapshots: listed.iter().map(one).collect(), remote, now }
    }
}

impl RemoteList<'_> {
    /// Prints it for a pipe: tabs between columns, and nothing is cut.
    fn for_programs(&self, ui: &mut Ui) -> Result<()> {
        ui.line(tabbed(["ID", "AGE", "HERE", "BY", "NAME", "MARKS"].into_iter()))?;
        for one in &self.snapshots {
            let marks = match one.worked_on {
                [] => String::new(),
                leases => format!("({})", worked_on_by(self.now, leases)),
            };
            let (age, here) = (one.created_at.age(self.now), if one.here { "yes" } else { "-" });
            ui.line(tabbed(
                [one.id.short(), age.as_str(), here, one.by, one.name, marks.as_str()].into_iter(),
            ))?;
        }
        Ok(())
    }
}

impl Report for RemoteList<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let remote = self.remote;
        if self.snapshots.is_empty() {
            ui.say(&format!("There is no snapshot on {remote}; `snap push {remote}` sends one."));
            return Ok(());
        }
        if !ui.shows_on_terminal() {
            return self.for_programs(ui);
        }
        let widest =
            self.snapshots.iter().map(|one| one.by.chars().map(screen::width).sum()).max().unwrap_or(0);
        let by = widest.clamp("BY".len(), BY);
        ui.line(Style::Faint.of(format!("{:8}  {:>4}  {:4}  {:by$}  NAME", "ID", "AGE", "HERE", "BY")))?;
        for one in &self.snapshots {
            let worked_on = match one.worked_on {
                [] => String::new(),
                leases => format!("  ({})", worked_on_by(self.now, leases)),
            };
            let line = format!(
                "{:8}  {:>4}  {:4}  {}  {}{worked_on}",
                one.id.short(),
                one.created_at.age(self.now),
                if one.here { "yes" } else { "-" },
                padded(&fitted(one.by, by), by),
                screen::cut(one.name, 60),
            );
            folded(ui, &line.as_str().into(), BELOW)?;
        }
        Ok(())
    }
}
