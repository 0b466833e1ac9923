//! `snap undo` and `snap redo`.

use clap::Args;
use serde_json::json;

use super::bar;
use super::consent::{self, Agreement};
use super::restoring::{as_json, lines, tell_left, tell_moved, tell_unmade, with_results};
use super::resume::planning;
use super::ui::{Style, Text, Ui, text};
use super::{Outcome, doubts, print_json};
use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::progress::Progress;
use crate::base::screen::Line;
use crate::base::timestamp::{Timestamp, age};
use crate::context::Context;
use crate::restore::{self, Direction, Plan, Restored, Way};
use crate::store::Operation;
use crate::workspace::Workspace;

/// The most steps that are listed one by one.
const MOST_LISTED: usize = 40;

/// The most paths that are named in one line.
const MOST_NAMED: usize = 5;

/// Go back to before the last resume or rewind; again: one further back
#[derive(Args)]
pub(super) struct Undo {
    #[command(flatten)]
    step: Step,
    /// Undo the last restore although snapshots were removed after it (removing can't be undone)
    #[arg(long)]
    anyway: bool,
}

/// Go forward again: bring back what `snap undo` took back
#[derive(Args)]
pub(super) struct Redo {
    #[command(flatten)]
    step: Step,
}

/// What both take.
#[derive(Args)]
struct Step {
    /// Show what would be done, and stop
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    agreement: Agreement,
}

impl Undo {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        self.step.run(Direction::Undo, self.anyway, context, workspace, ui)
    }
}

impl Redo {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        self.step.run(Direction::Redo, true, context, workspace, ui)
    }
}

impl Step {
    fn run(
        self,
        direction: Direction,
        anyway: bool,
        context: &Context,
        workspace: &Workspace,
        ui: &mut Ui,
    ) -> Result<Outcome> {
        if direction == Direction::Undo && restore::all_undone(workspace)? {
            if ui.json() {
                print_json(ui, &json!({"undo": null}))?;
            }
            ui.say("Every restore here is undone; nothing was changed. `snap redo` goes forward again.");
            return Ok(Outcome::Done);
        }
        let plan = planning(ui, |progress| restore::plan_undo(workspace, direction, progress))?;
        let Some(way) = plan.way().cloned() else {
            return Err(Error::new(Kind::Bug, "The plan of an undo does not say what it undoes"));
        };
        if !anyway {
            self.past_removal(ui, context.now, &way)?;
        }
        if self.dry_run {
            return dry_run(ui, &plan, &way, context.now);
        }
        let plan = self.agreement.obtain(ui, plan)?;
        let mut shown = as_json(&plan);
        shown[direction.word()] = what_json(&way.what);
        let held = plan.held().to_vec();
        let unfilled = plan.unfilled().to_vec();
        let left = plan.left().to_vec();
        let unmade = plan.unmade().to_vec();
        let whole = held.is_empty() && unfilled.is_empty() && left.is_empty() && unmade.is_empty();
        let outcome = if whole { Outcome::Done } else { Outcome::Partial };
        let named = named(plan.steps());
        if !ui.json() {
            plan_lines(&plan, &way, context.now, MOST_LISTED).iter().for_each(|line| ui.say(line));
        }
        let operation = match direction {
            Direction::Undo => Operation::Undo,
            Direction::Redo => Operation::Redo,
        };
        let line = audit::line(context, operation, Some(plan.manifest()));
        let progress = Progress::default();
        let done = bar::show(ui.talks(), "Restoring", &progress, || {
            restore::execute(context, workspace, plan, operation, &progress)
        });
        let done = audit::unless_failed(&workspace.store, &line, done)?;
        if ui.json() {
            print_json(ui, &with_results(shown, &done, None))?;
            return Ok(outcome);
        }
        doubts::tell_held(ui, &held);
        consent::tell_unfilled(ui, &unfilled);
        tell_left(ui, &left);
        tell_unmade(ui, &unmade);
        if let (Some(moved), Some((id, _))) = (&done.moved, &done.safety) {
            tell_moved(ui, moved, id);
        }
        ui.say(&report(direction, &way.what, context.now, done.paths, &named));
        if let Some((_, safety)) = &done.safety {
            let (there, back) = match direction {
                Direction::Undo => ("`snap redo` goes forward again", "one further back"),
                Direction::Redo => ("`snap undo` goes back", "one further forward"),
            };
            let again = direction.word();
            ui.say(&format!("What was there until now is kept as {safety}; {there}, `snap {again}` {back}."));
        }
        Ok(outcome)
    }

    /// Makes sure that a person who has just removed snapshots does not mean that.
    fn past_removal(&self, ui: &mut Ui, now: Timestamp, way: &Way) -> Result<()> {
        let Some((operation, at)) = way.removed else { return Ok(()) };
        let command = if operation == Operation::Remove { "rm" } else { "prune" };
        let last = format!(
            "the last thing done here is `snap {command}` ({}), and what it removed is gone",
            ago(now, at)
        );
        let before = told(&way.what, now);
        if !self.dry_run
            && self.agreement.asks(ui)
            && ui.ask(&format!("{}. Undo {before}, which came before?", capitalized(&last)))?
        {
            return Ok(());
        }
        Err(Error::new(Kind::NotFound, "There is nothing to undo")
            .because(last)
            .hint(format!("`snap undo --anyway` undoes {before}, which came before")))
    }
}

/// The lines of a plan, under the restore that it is about.
fn plan_lines(plan: &Plan, way: &Way, now: Timestamp, most: usize) -> Vec<Text> {
    let mut lines = lines(plan, most);
    // The first line names the safety snapshot, which nobody has asked for.
    if let Some(first) = lines.first_mut() {
        let what = Style::Strong.of(told(&way.what, now));
        *first = text![way.direction.word(), " ", what, ", in ", &*plan.root().to_string_lossy()];
    }
    lines
}

fn dry_run(ui: &mut Ui, plan: &Plan, way: &Way, now: Timestamp) -> Result<Outcome> {
    if ui.json() {
        let mut shown = as_json(plan);
        shown["dry_run"] = json!(true);
        shown[way.direction.word()] = what_json(&way.what);
        print_json(ui, &shown)?;
        return Ok(Outcome::Done);
    }
    for line in plan_lines(plan, way, now, usize::MAX) {
        ui.line(line)?;
    }
    ui.say("Nothing was changed (--dry-run).");
    Ok(Outcome::Done)
}

/// Says what was undone or redone, and which paths that set.
fn report(direction: Direction, what: &Restored, now: Timestamp, paths: usize, named: &str) -> String {
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
        0 => format!("{did} {what}: every path is already as it was {when}."),
        1 => format!("{did} {what}: 1 path is as it was {when} ({named})."),
        many => format!("{did} {what}: {many} paths are as they were {when} ({named})."),
    }
}

/// Names a restore: which command, which snapshot, when.
fn told(what: &Restored, now: Timestamp) -> String {
    format!("{} {:?}, {}", what.operation.word(), Line(&what.name).to_string(), ago(now, what.at))
}

fn ago(now: Timestamp, then: Timestamp) -> String {
    match age(now.since(then)).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }
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

fn what_json(what: &Restored) -> serde_json::Value {
    json!({"operation": what.operation, "name": what.name, "at": what.at})
}
