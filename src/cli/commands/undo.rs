//! `snap undo` and `snap redo`.

use clap::Args;
use serde::Serialize;

use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::Monitor;
use crate::base::screen::Line;
use crate::base::timestamp::{Timestamp, age};
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::words::ago;
use crate::cli::output::{Report, Style, Ui, progress_bar, text};
use crate::cli::restore_flow::{ConsentArgs, RestoreReport, planning, say_moved, warn_of_left};
use crate::context::Context;
use crate::restore::{self, Direction, HistoryStep, RestorePlan, Restored};
use crate::store::Operation;
use crate::workspace::Workspace;

/// The most paths that are named in one line.
const MOST_NAMED: usize = 5;

/// Undo the last resume or rewind; again: the one before it
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap undo --dry-run", "Show what would be undone"),
    ("snap undo", "Undo it; `snap redo` goes forward again"),
]))]
pub(crate) struct Undo {
    #[command(flatten)]
    step: UndoneStep,
    /// Undo the last restore although snapshots were removed after it (which can't be undone)
    #[arg(long)]
    anyway: bool,
}

/// Redo what `snap undo` undid
#[derive(Args)]
#[command(after_help = examples(&[("snap redo", "Go forward again, by one undo")]))]
pub(crate) struct Redo {
    #[command(flatten)]
    step: UndoneStep,
}

/// What both take.
#[derive(Args)]
struct UndoneStep {
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    consent: ConsentArgs,
}

impl Undo {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        self.step.run(Direction::Undo, self.anyway, context, workspace, ui)
    }
}

impl Redo {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        self.step.run(Direction::Redo, true, context, workspace, ui)
    }
}

impl UndoneStep {
    fn run(
        self,
        direction: Direction,
        anyway: bool,
        context: &Context,
        workspace: &Workspace,
        ui: &mut Ui,
    ) -> Result<Outcome> {
        let _alone = restore::alone_in(workspace)?;
        if direction == Direction::Undo && restore::all_undone(workspace)? {
            ui.report(&AllUndone { undo: () })?;
            return Ok(Outcome::Done);
        }
        let plan = planning(ui, |monitor| restore::plan_undo(workspace, direction, monitor))?;
        let Some(way) = plan.history_step().cloned() else {
            return Err(Error::new(Kind::Bug, "The plan of an undo does not say what it undoes"));
        };
        if !anyway {
            self.past_removal(ui, context.now, &way)?;
        }
        if self.dry_run {
            ui.report(&report(&plan, &way, context.now).dry_run())?;
            if !ui.json() {
                ui.say("Nothing was changed (--dry-run).");
            }
            return Ok(Outcome::Done);
        }
        let plan = self.consent.obtain(ui, plan, |plan| report(plan, &way, context.now))?;
        let report = report(&plan, &way, context.now);
        let named = named(plan.steps());
        let operation = match direction {
            Direction::Undo => Operation::Undo,
            Direction::Redo => Operation::Redo,
        };
        let line = audit::line(context, operation, Some(plan.manifest()));
        let monitor = Monitor::default();
        let done = progress_bar::show(ui.talks(), &monitor, || {
            restore::execute(context, workspace, plan, operation, &monitor)
        });
        let done = audit::unless_failed(&workspace.store, &line, done)?;
        let outcome = Outcome::partial_if(report.is_partial());
        if ui.json() {
            ui.print_json(&report.done(&done, None))?;
            return Ok(outcome);
        }
        warn_of_left(ui, &report);
        if let (Some(moved), Some((id, _))) = (&done.moved, &done.safety) {
            say_moved(ui, moved, id);
        }
        ui.say(&what_was_done(direction, &way.what, context.now, done.paths, &named));
        if let Some((_, safety)) = &done.safety {
            let (there, back) = match direction {
                Direction::Undo => ("`snap redo` goes forward again", "one further back"),
                Direction::Redo => ("`snap undo` goes back", "one further forward"),
            };
            let again = direction.word();
            ui.say(&format!("The state before that is kept as {safety}; {there}, `snap {again}` {back}."));
        }
        Ok(outcome)
    }

    /// Makes sure that a person who has just removed snapshots does not want that back.
    fn past_removal(&self, ui: &mut Ui, now: Timestamp, way: &HistoryStep) -> Result<()> {
        let Some((operation, at)) = way.removed else { return Ok(()) };
        let command = if operation == Operation::Remove { "rm" } else { "prune" };
        let last = format!(
            "the last thing done here is `snap {command}` ({}), and what it removed is gone",
            ago(&age(now.since(at)))
        );
        let before = told(&way.what, now);
        if !self.dry_run
            && self.consent.asks(ui)
            && ui.ask(&format!("{}. Undo {before}, which came before?", capitalized(&last)))?
        {
            return Ok(());
        }
        Err(Error::new(Kind::NotFound, "There is nothing to undo")
            .because(last)
            .hint(format!("`snap undo --anyway` undoes {before}, which came before")))
    }
}

/// There is nothing left to undo.
#[derive(Serialize)]
struct AllUndone {
    undo: (),
}

impl Report for AllUndone {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        ui.say("Every restore here is undone already; nothing was changed. `snap redo` goes forward again.");
        Ok(())
    }
}

/// Returns the plan under a heading that names the restore, because nobody has asked for the safety
/// snapshot by its name.
fn report(plan: &RestorePlan, way: &HistoryStep, now: Timestamp) -> RestoreReport {
    let what = Style::Strong.of(told(&way.what, now));
    let heading = text![way.direction.word(), " ", what, ", in ", &*plan.root().to_string_lossy()];
    RestoreReport::of(plan).with_way(way.direction, &way.what, heading)
}

/// Says what was undone or redone, and which paths that set.
fn what_was_done(direction: Direction, what: &Restored, now: Timestamp, paths: usize, named: &str) -> String {
    let did = match direction {
        Direction::Undo => "Undid",
        Direction::Redo => "Redid",
    };
    let what = told(what, now);
    let when = match direction {
        Direction::Undo => "before it",
        Direction::Redo => "after it",
    };
    match paths {
        0 => format!("{did} {what}: every file is as it was {when}."),
        1 => format!("{did} {what}: 1 path is as it was {when} ({named})."),
        many => format!("{did} {what}: {many} paths are as they were {when} ({named})."),
    }
}

/// Names a restore: which command, which snapshot, when.
fn told(what: &Restored, now: Timestamp) -> String {
    format!("{} {:?}, {}", what.operation.word(), Line(&what.name).to_string(), ago(&age(now.since(what.at))))
}

fn named(steps: &[restore::Step]) -> String {
    let mut names: Vec<String> = steps.iter().take(MOST_NAMED).map(|step| step.path().to_string()).collect();
    let more = steps.len().saturating_sub(MOST_NAMED);
    names.extend((more > 0).then(|| format!("and {more} more")));
    names.join(", ")
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
