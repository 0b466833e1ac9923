//! `snap verify`.

use clap::Args;
use serde::Serialize;

use crate::base::digest::ObjectId;
use crate::base::error::{Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::Monitor;
use crate::base::screen::Line;
use crate::cli::completion::snapshots;
use crate::cli::help::examples;
use crate::cli::line_choice;
use crate::cli::outcome::Outcome;
use crate::cli::output::paged::folded;
use crate::cli::output::snapshot_words::trash;
use crate::cli::output::words::{count, quoted, size_text};
use crate::cli::output::{Report, Style, Ui, progress_bar, text};
use crate::context::Context;
use crate::store::{Entry, Quarantined, Reference};
use crate::verify::{self, CheckedSnapshot, Problem, Repaired};
use crate::workspace::Workspace;

/// Check that everything in the store is whole and can be restored
///
/// The exit code is 0 if it is, and 1 if anything is damaged, or the base commit of a snapshot of yours is gone; all of
/// it is listed.
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap verify", "Check all snapshots"),
    ("snap verify --repair", "Check them, and repair what can be repaired"),
]))]
pub(crate) struct Verify {
    /// The snapshot; by default all of them
    #[arg(value_name = "REF", add = snapshots())]
    reference: Option<String>,
    /// Rebuild damaged objects that can be verified against the session, work tree or git; quarantine the rest
    #[arg(long)]
    repair: bool,
}

impl Verify {
    /// Says whether it changes anything.
    pub(crate) fn repairs(&self) -> bool {
        self.repair
    }

    pub(crate) fn run(mut self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if let Some(typed) = self.reference.clone() {
            let meant = line_choice::as_meant_here(workspace, &[typed], "verify", ui)?;
            self.reference = meant.into_iter().next();
        }
        let monitor = Monitor::default();
        let verify = |entries: &[Entry]| verify::verify(workspace, entries, &monitor);
        let entries = self.entries(workspace)?;
        let mut report = progress_bar::show(ui.talks(), &monitor, || verify(&entries))?;
        let mut repaired = Repaired::default();
        if self.repair && !report.is_sound() {
            if !ui.json() {
                VerifyReport::new(&report, &repaired).print(ui)?;
            }
            // All of them: a lost object may be in any.
            repaired = verify::repair(context, workspace, &workspace.store.entries()?, &report)?;
            let left = self.entries_left(workspace)?;
            report = progress_bar::show(ui.talks(), &monitor, || verify(&left))?;
        }
        let aside = workspace.store.manifests_aside()?;
        ui.report(&VerifyReport {
            quarantine: aside.iter().map(QuarantinedManifest::of).collect(),
            ..VerifyReport::new(&report, &repaired)
        })?;
        if self.reference.is_none()
            && !ui.json()
            && let Some(trash) = trash(workspace.store.space()?.trash)
        {
            ui.say(&format!("Not checked: {trash}."));
        }
        Ok(if report.is_sound() { Outcome::Done } else { Outcome::No })
    }

    fn entries(&self, workspace: &Workspace) -> Result<Vec<Entry>> {
        let Some(reference) = &self.reference else { return workspace.store.entries() };
        match workspace.store.find_exactly(&Reference::parse(reference)) {
            Err(error) if matches!(error.kind(), Kind::Damaged | Kind::NotFound) => {
                workspace.store.find_damaged(reference).map(|entry| vec![entry]).ok_or(error)
            }
            found => found.map(|entry| vec![entry]),
        }
    }

    /// Returns the same after a repair, which may have put that very manifest into quarantine.
    fn entries_left(&self, workspace: &Workspace) -> Result<Vec<Entry>> {
        match self.entries(workspace) {
            Err(error) if error.kind() == Kind::NotFound => Ok(Vec::new()),
            entries => entries,
        }
    }
}

/// What was checked, and what was repaired before.
#[derive(Serialize)]
struct VerifyReport<'a> {
    ok: bool,
    snapshots: Vec<Snapshot<'a>>,
    journals: Vec<Damage<'a>>,
    refs: Vec<Damage<'a>>,
    log: Vec<Damage<'a>>,
    objects: usize,
    bytes: u64,
    restored: BroughtBack<'a>,
    set_aside: Vec<String>,
    quarantine: Vec<QuarantinedManifest<'a>>,
}

/// A snapshot whose manifest was set aside, now or before.
#[derive(Serialize)]
struct QuarantinedManifest<'a> {
    name: &'a str,
    files: Vec<String>,
    why: &'a str,
    #[serde(skip)]
    told: String,
}

impl<'a> QuarantinedManifest<'a> {
    fn of(aside: &'a Quarantined) -> QuarantinedManifest<'a> {
        let files = aside.files.iter().map(|path| path.to_string_lossy().into_owned());
        let told = format!("{}: {}; {}", quoted(&aside.name), aside.told(), aside.mend());
        QuarantinedManifest { name: &aside.name, files: files.collect(), why: &aside.why, told }
    }
}

#[derive(Serialize)]
struct Snapshot<'a> {
    name: Option<&'a str>,
    id: Option<&'a SnapshotId>,
    /// The manifest's file in the store.
    file: String,
    problems: Vec<Damage<'a>>,
    notes: &'a [String],
    #[serde(skip)]
    stem: &'a str,
}

#[derive(Serialize)]
struct Damage<'a> {
    part: &'static str,
    what: &'a str,
    cause: &'a str,
    object: Option<ObjectId>,
}

#[derive(Serialize)]
struct BroughtBack<'a> {
    manifests: &'a [String],
    objects: &'a [ObjectId],
}

impl<'a> VerifyReport<'a> {
    fn new(report: &'a verify::VerifyReport, repaired: &'a Repaired) -> VerifyReport<'a> {
        let snapshot = |one: &'a CheckedSnapshot| Snapshot {
            name: one.name.as_deref(),
            id: one.id.as_ref(),
            file: format!("{}.json", one.stem),
            problems: one.problems.iter().map(Damage::of).collect(),
            notes: &one.notes,
            stem: &one.stem,
        };
        VerifyReport {
            ok: report.is_sound(),
            snapshots: report.snapshots.iter().map(snapshot).collect(),
            journals: report.journals.iter().map(Damage::of).collect(),
            refs: report.refs.iter().map(Damage::of).collect(),
            log: report.log.iter().map(Damage::of).collect(),
            objects: report.objects,
            bytes: report.bytes,
            restored: BroughtBack { manifests: &repaired.manifests, objects: &repaired.healed },
            quarantine: Vec::new(),
            set_aside: repaired.aside.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        }
    }
}

impl<'a> Damage<'a> {
    fn of(problem: &'a Problem) -> Damage<'a> {
        let object = problem.object.map(|object| object.object);
        Damage { part: problem.part.word(), what: &problem.what, cause: &problem.cause, object }
    }

    fn line(&self) -> String {
        format!("{} {}: {}", self.part, Line(self.what), Line(self.cause))
    }
}

impl Report for VerifyReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let restored = Style::Good.of("restored");
        for stem in self.restored.manifests {
            folded(ui, &text![&restored, format!("  manifest {stem}.json")], 2)?;
        }
        for id in self.restored.objects {
            ui.line(text![&restored, format!("  object {id}")])?;
        }
        for path in &self.set_aside {
            folded(ui, &text![Style::Warning.of("quarantined"), "  ", path], 2)?;
        }
        self.quarantine.iter().for_each(|one| ui.warn(&one.told));
        let damaged = Style::Bad.of("damaged");
        for one in &self.snapshots {
            let name = one.name.unwrap_or(one.stem);
            if !one.problems.is_empty() {
                ui.line(text![&damaged, "  ", Style::Strong.of(name)])?;
            }
            for problem in &one.problems {
                folded(ui, &text!["  ", problem.line()], 4)?;
            }
            for note in one.notes {
                ui.warn(&format!("{}: {}", Line(name), Line(note)));
            }
        }
        for problem in self.journals.iter().chain(&self.refs).chain(&self.log) {
            folded(ui, &text![&damaged, "  ", problem.line()], 4)?;
        }
        let checked = format!(
            "Checked {}, {} ({})",
            count(self.snapshots.len(), "snapshot"),
            count(self.objects, "object"),
            size_text(self.bytes)
        );
        let snapshots = self.snapshots.iter().filter(|one| !one.problems.is_empty()).count();
        let number = snapshots + self.journals.len() + self.refs.len() + self.log.len();
        ui.say(&if self.ok {
            format!("{checked}: all is well.")
        } else {
            format!("{checked}: {number} damaged.")
        });
        Ok(())
    }
}
