//! `snap verify`.

use clap::Args;
use serde_json::{Value, json};

use super::ui::{Style, Ui, text};
use super::{Outcome, count, print_json, size_text};
use crate::base::error::{Kind, Result};
use crate::base::screen::Line;
use crate::store::{Entry, Reference};
use crate::verify::{self, Problem, Repaired, SnapshotReport, VerifyReport};
use crate::workspace::Workspace;

/// Check that everything in the store is whole and can be restored
///
/// Exit code 0: all is well. 1: something is wrong; all of it is listed.
#[derive(Args)]
pub(super) struct Verify {
    /// The snapshot; all of them if absent
    #[arg(value_name = "REF")]
    reference: Option<String>,
    /// Make anew what can be proven, from the session, the work tree or git, and set the rest aside
    #[arg(long)]
    repair: bool,
}

impl Verify {
    pub(super) fn run(self, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let mut report = verify::verify(workspace, &self.entries(workspace)?)?;
        let mut repaired = Repaired::default();
        if self.repair && !report.is_sound() {
            if !ui.json() {
                tell(ui, &report)?;
            }
            // All of them: a lost object may be in any.
            repaired = verify::repair(workspace, &workspace.store.entries()?, &report)?;
            report = verify::verify(workspace, &self.entries_left(workspace)?)?;
        }
        if ui.json() {
            print_json(ui, &as_json(&report, &repaired))?;
        } else {
            tell_repaired(ui, &repaired)?;
            tell(ui, &report)?;
        }
        Ok(if report.is_sound() { Outcome::Done } else { Outcome::No })
    }

    fn entries(&self, workspace: &Workspace) -> Result<Vec<Entry>> {
        let Some(reference) = &self.reference else { return workspace.store.entries() };
        match workspace.store.find(&Reference::parse(reference)) {
            Err(error) if matches!(error.kind(), Kind::Damaged | Kind::NotFound) => {
                workspace.store.find_damaged(reference).map(|entry| vec![entry]).ok_or(error)
            }
            found => found.map(|entry| vec![entry]),
        }
    }

    /// Returns the same after a repair, which may have set the very one aside.
    fn entries_left(&self, workspace: &Workspace) -> Result<Vec<Entry>> {
        match self.entries(workspace) {
            Err(error) if error.kind() == Kind::NotFound => Ok(Vec::new()),
            entries => entries,
        }
    }
}

fn tell(ui: &mut Ui, report: &VerifyReport) -> Result<()> {
    for one in &report.snapshots {
        let name = Line(one.name.as_ref().unwrap_or(&one.stem)).to_string();
        if !one.problems.is_empty() {
            ui.line(text![Style::Bad.of("damaged"), "  ", Style::Strong.of(&name)])?;
        }
        for problem in &one.problems {
            ui.line(&format!("  {}", line(problem)))?;
        }
        for note in &one.notes {
            ui.warn(&format!("{name}: {}", Line(note)));
        }
    }
    for problem in &report.journals {
        ui.line(text![Style::Bad.of("damaged"), "  ", line(problem)])?;
    }
    let damaged = report.snapshots.iter().filter(|one| !one.problems.is_empty()).count();
    let checked = format!(
        "SnapshotReport {}, {} ({})",
        count(report.snapshots.len(), "snapshot"),
        count(report.objects, "object"),
        size_text(report.bytes)
    );
    match report.is_sound() {
        true => ui.say(&format!("{checked}: all is well.")),
        false => ui.say(&format!("{checked}: {damaged} damaged.")),
    }
    Ok(())
}

fn line(problem: &Problem) -> String {
    format!("{} {}: {}", problem.part.word(), Line(&problem.what), Line(&problem.cause))
}

fn tell_repaired(ui: &mut Ui, repaired: &Repaired) -> Result<()> {
    for stem in &repaired.manifests {
        ui.line(text![Style::Good.of("restored"), format!("  manifest {stem}.json")])?;
    }
    for id in &repaired.healed {
        ui.line(text![Style::Good.of("restored"), format!("  object {id}")])?;
    }
    for path in &repaired.aside {
        ui.line(text![Style::Warning.of("set aside"), "  ", path.to_string_lossy().as_ref()])?;
    }
    Ok(())
}

fn as_json(report: &VerifyReport, repaired: &Repaired) -> Value {
    let problem = |problem: &Problem| {
        json!({
            "part": problem.part.word(), "what": problem.what, "cause": problem.cause,
            "object": problem.object.map(|object| object.object),
        })
    };
    let snapshot = |one: &SnapshotReport| {
        json!({
            "name": one.name, "id": one.id, "file": format!("{}.json", one.stem),
            "problems": one.problems.iter().map(problem).collect::<Vec<_>>(), "notes": one.notes,
        })
    };
    json!({
        "ok": report.is_sound(),
        "snapshots": report.snapshots.iter().map(snapshot).collect::<Vec<_>>(),
        "journals": report.journals.iter().map(problem).collect::<Vec<_>>(),
        "objects": report.objects,
        "bytes": report.bytes,
        "restored": {"manifests": repaired.manifests, "objects": repaired.healed},
        "set_aside": repaired.aside.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
    })
}
