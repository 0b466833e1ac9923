//! `snap undo` and `snap redo`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::Monitor;
use crate::base::screen::{Line, for_shell};
use crate::base::timestamp::{Timestamp, age};
use crate::cli::help::examples;
use crate::cli::interrupted;
use crate::cli::outcome::Outcome;
use crate::cli::output::words::{ago, count, quoted};
use crate::cli::output::{Report, Style, Ui, progress_bar, text};
use crate::cli::restore_flow::{
    ConsentArgs, RestoreReport, planning, say_moved, warn_of_left, warn_of_unlogged,
};
use crate::cli::upkeep::follow_links;
use crate::cli::ways;
use crate::context::Context;
use crate::prune::{self, BroughtBack};
use crate::restore::{self, Direction, HistoryStep, NextStep, Removal, RestorePlan, Restored};
use crate::store::{LogEntry, NO_NAME, Operation, UnreadLog};
use crate::workspace::Workspace;

/// The most paths that are named in one line.
const MOST_NAMED: usize = 5;

/// Undo the last resume, rewind, merge, rm or prune; again: the one before it
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap undo --dry-run", "Show what would be undone"),
    ("snap undo", "Undo it; `snap redo` goes forward again"),
]))]
pub(crate) struct Undo {
    #[command(flatten)]
    step: UndoneStep,
    /// Undo what came before although snapshots were removed for good after it, or although what was done after it is not known
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
        let unread = workspace.store.unread_log()?;
        if let Some(unread) = &unread {
            ui.warn(&unread.told());
        }
        let unread = unread.filter(|_| direction == Direction::Redo || !anyway);
        match restore::next_step(workspace, direction)? {
            NextStep::Restore => {}
            NextStep::AllUndone(_) if unread.is_some() => return Err(direction.unknown()),
            NextStep::AllUndone(unchanged) => {
                if ui.json() {
                    ui.print_json(&AllUndone { undo: () })?;
                }
                let why = match unchanged.first() {
                    None => "everything done here is undone already".to_owned(),
                    Some(last) => format!(
                        "{}, changed no file, and everything before it is undone already",
                        told(last, context.now)
                    ),
                };
                let elsewhere = last_elsewhere(workspace)
                    .map(|(last, root)| {
                        let (last, root) = (last.word(), for_shell(&root.to_string_lossy()));
                        format!("; the last {last} was in another work tree: `snap -C {root} undo` undoes it")
                    })
                    .unwrap_or_default();
                return Err(Error::new(Kind::NotFound, "There is nothing to undo")
                    .because(why)
                    .hint(format!("`snap redo` goes forward again{elsewhere}")));
            }
            NextStep::Gone(gone) => {
                let error = Error::new(Kind::NotFound, "There is nothing to undo")
                    .because(gone_for_good(&gone, context.now));
                return Err(match sent_again(&gone) {
                    Some(how) => error.hint(how),
                    None => error,
                });
            }
            NextStep::Removal { removal, gone, passed } => {
                let before = format!("{}, {}", removed(&removal), ago(&age(context.now.since(removal.at))));
                self.past_unread(ui, unread.as_ref(), (direction, removal.at), &before, workspace)?;
                let gone = gone.filter(|_| !anyway);
                let was_asked = gone.is_some();
                if let Some(gone) = gone {
                    self.past_removal(ui, context.now, &gone, &before)?;
                }
                if let Some(passed) = passed_over(&passed, context.now) {
                    ui.say(&passed);
                    if !was_asked {
                        self.past_unchanged(direction, anyway, &before, ui)?;
                    }
                }
                return self.step_of_removal(direction, &removal, context, workspace, ui);
            }
        }
        let plan = planning(ui, |monitor| restore::plan_undo(workspace, direction, monitor))?;
        let Some(way) = plan.history_step().cloned() else {
            return Err(Error::new(Kind::Bug, "The plan of an undo does not say what it undoes"));
        };
        let before = told(&way.what, context.now);
        self.past_unread(ui, unread.as_ref(), (direction, way.what.at), &before, workspace)?;
        let gone = way.removed.as_ref().filter(|_| !anyway);
        if let Some(gone) = gone {
            self.past_removal(ui, context.now, gone, &before)?;
        }
        let was_asked = gone.is_some();
        if self.dry_run {
            ui.report(&report(&plan, &way, context.now).dry_run())?;
            if !ui.json() {
                ui.say("Nothing was changed (--dry-run).");
            }
            return Ok(Outcome::Done);
        }
        let plan = self.consent.obtain(ui, plan, |plan| report(plan, &way, context.now))?;
        if !way.passed.is_empty() && !was_asked {
            self.past_unchanged(direction, anyway, &told(&way.what, context.now), ui)?;
        }
        let report = report(&plan, &way, context.now);
        let named = named(plan.steps());
        let operation = match direction {
            Direction::Undo => Operation::Undo,
            Direction::Redo => Operation::Redo,
        };
        let line = audit::line(context, operation, Some(plan.manifest()));
        let monitor = Monitor::default();
        let execute = || restore::execute(context, workspace, plan, operation, &monitor);
        let done = interrupted::restoring(
            || progress_bar::show(ui.talks(), &monitor, execute),
            None,
            &format!("the {} is done", direction.word()),
        );
        let done = audit::unless_failed(&workspace.store, &line, done)?;
        let unlogged = warn_of_unlogged(ui, &done);
        let outcome = Outcome::partial_if(report.is_partial() || unlogged);
        if ui.json() {
            ui.print_json(&report.done(&done, None))?;
            return Ok(outcome);
        }
        warn_of_left(ui, &report);
        if let (Some(moved), Some((id, _))) = (&done.moved, &done.safety) {
            say_moved(ui, moved, id);
        }
        ui.say(&what_was_done(&way, context.now, done.paths, &named));
        if let Some((_, safety)) = done.safety.as_ref().filter(|_| !unlogged) {
            let (there, on) = match direction {
                Direction::Undo => ("`snap redo` goes forward again", "back"),
                Direction::Redo => ("`snap undo` goes back", "forward"),
            };
            let further = restore::next_way(workspace, direction)?;
            let further =
                further.map_or(String::new(), |way| format!(", {} one further {on}", way.command()));
            ui.say(&format!("The state before that is kept as {safety}; {there}{further}."));
        }
        if let Some(stays) = ways::tree_stays(workspace, &way) {
            ui.say(&stays);
        }
        Ok(outcome)
    }

    /// Brings back what was removed, or removes it again.
    fn step_of_removal(
        &self,
        direction: Direction,
        removal: &Removal,
        context: &Context,
        workspace: &Workspace,
        ui: &mut Ui,
    ) -> Result<Outcome> {
        interrupted::says(interrupted::IN_PART);
        let named = |names: Vec<String>| BroughtBack { names, ..BroughtBack::default() };
        let (done, left) = match (direction, &removal.batch) {
            _ if self.dry_run => (named(removal.names.clone()), Vec::new()),
            (Direction::Redo, _) => {
                let (names, left) = prune::remove_again(context, workspace, &removal.snapshots)?;
                (named(names), left)
            }
            (Direction::Undo, Some(batch)) => prune::bring_back(context, workspace, batch)?,
            (Direction::Undo, None) => (named(Vec::new()), Vec::new()),
        };
        if !self.dry_run {
            follow_links(workspace, ui);
        }
        left.iter().for_each(|left| ui.warn(&left.to_string()));
        let report = RemovalReport::of(direction, removal, done.names, self.dry_run, context.now);
        ui.report(&RemovalReport { unlogged: !left.is_empty(), ..report })?;
        if !ui.json() {
            let is_taken = |name: &&String| workspace.store.refuse_taken(name).is_err();
            let will_be = removal.names.iter().filter(|_| self.dry_run && direction == Direction::Undo);
            for name in will_be.filter(is_taken) {
                ui.say(&format!("There is another \"{}\" by now: it gets another name here.", Line(name)));
            }
            for (name, called) in &done.renamed {
                ui.say(&format!(
                    "There is another \"{}\" by now: this one is called \"{}\" here.",
                    Line(name),
                    Line(called)
                ));
            }
        }
        Ok(Outcome::partial_if(!left.is_empty()))
    }

    /// Makes sure that a person wants a step of this moment taken although lines of the log can't be read that may tell of later ones.
    fn past_unread(
        &self,
        ui: &mut Ui,
        unread: Option<&UnreadLog>,
        (direction, at): (Direction, Timestamp),
        step: &str,
        workspace: &Workspace,
    ) -> Result<()> {
        let at = direction.possible_since(workspace, at)?;
        let Some(unread) = unread.filter(|unread| unread.may_follow(at)) else { return Ok(()) };
        let lines = count(unread.lines, "line");
        let asks = !self.dry_run && self.consent.asks(ui);
        let word = direction.word();
        if asks
            && ui.ask(&format!(
                "What was done last may be in {lines} of the log that can't be read. {} the {step}?",
                capitalized(word)
            ))?
        {
            return Ok(());
        }
        let anyway = match direction {
            Direction::Undo => format!("`snap undo --anyway` undoes the {step}; "),
            Direction::Redo => String::new(),
        };
        let error = direction.unknown();
        let further = error.next_step().unwrap_or_default().to_owned();
        Err(error
            .because(format!(
                "{lines} of the log can't be read: something may have been done after the {step}"
            ))
            .hint(anyway + &further))
    }

    /// Makes sure that a person whose last restore changed no file wants to undo what came before that.
    fn past_unchanged(&self, direction: Direction, anyway: bool, before: &str, ui: &mut Ui) -> Result<()> {
        let asks = direction == Direction::Undo && !anyway && !self.dry_run && self.consent.asks(ui);
        if !asks || ui.ask(&format!("Undo {before}, which came before?"))? {
            return Ok(());
        }
        Err(Error::new(Kind::Refused, "Nothing was undone").because("the answer was no"))
    }

    /// Makes sure that a person who has just removed snapshots for good does not want those back.
    fn past_removal(&self, ui: &mut Ui, now: Timestamp, gone: &Removal, before: &str) -> Result<()> {
        let last = gone_for_good(gone, now);
        if !self.dry_run
            && self.consent.asks(ui)
            && ui.ask(&format!("{}. Undo {before}, which came before?", capitalized(&last)))?
        {
            return Ok(());
        }
        Err(Error::new(Kind::NotFound, "The last step can't be undone").because(last).hint(
            sent_again(gone).map(|how| format!("{how}; ")).unwrap_or_default()
                + &format!("`snap undo --anyway` undoes {before}, which came before"),
        ))
    }
}

/// Returns what was restored last, if that was in another work tree of this store, which is there.
fn last_elsewhere(workspace: &Workspace) -> Option<(Operation, PathBuf)> {
    let log = workspace.store.own_log().ok()?;
    let is_restore = |line: &&LogEntry| {
        line.outcome.is_ok() && line.operation.is_restore() && line.safety.is_some() && line.root.is_some()
    };
    let last = log.iter().rfind(is_restore)?;
    let root = last.root.as_ref()?.as_path();
    (root != workspace.root && root.is_dir()).then(|| (last.operation, root.to_owned()))
}

fn gone_for_good(gone: &Removal, now: Timestamp) -> String {
    let removed = match &gone.remote {
        Some(remote) => format!("what it removed is gone from {}", Line(remote)),
        None => "what it removed is gone".to_owned(),
    };
    format!(
        "the last thing done here is `snap {}` ({}), and {removed}",
        command(gone.operation),
        ago(&age(now.since(gone.at)))
    )
}

/// Says how what was removed from a remote gets there again, as far as it has names here.
fn sent_again(gone: &Removal) -> Option<String> {
    let remote = gone.remote.as_ref()?;
    let names =
        gone.names.iter().filter(|name| !name.is_empty() && *name != NO_NAME).map(|name| quoted(name));
    let names = names.collect::<Vec<_>>().join(" ");
    if names.is_empty() {
        return Some("who has those snapshots can push them again".to_owned());
    }
    Some(format!("`snap push {} {names}` sends what is here there again", quoted(remote)))
}

fn command(operation: Operation) -> &'static str {
    match operation {
        Operation::Remove => "rm",
        Operation::Withdraw => "rm --remote",
        _ => "prune",
    }
}

/// Names a removal: the command, and of how much.
fn removed(removal: &Removal) -> String {
    format!("{} of {}", command(removal.operation), count(removal.names.len(), "snapshot"))
}

/// Snapshots that were brought back from the trash, or removed again.
#[derive(Serialize)]
struct RemovalReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<RemovalFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redo: Option<RemovalFacts>,
    snapshots: Vec<String>,
    dry_run: bool,
    #[serde(skip)]
    what: String,
    /// Whether the log has no line about it: then nothing is promised of the way back.
    #[serde(skip)]
    unlogged: bool,
}

/// The command that removed them.
#[derive(Serialize)]
struct RemovalFacts {
    operation: Operation,
    at: Timestamp,
}

impl RemovalReport {
    fn of(
        direction: Direction,
        removal: &Removal,
        snapshots: Vec<String>,
        dry_run: bool,
        now: Timestamp,
    ) -> RemovalReport {
        let facts = || RemovalFacts { operation: removal.operation, at: removal.at };
        RemovalReport {
            undo: (direction == Direction::Undo).then(facts),
            redo: (direction == Direction::Redo).then(facts),
            snapshots,
            dry_run,
            what: format!("{}, {}", removed(removal), ago(&age(now.since(removal.at)))),
            unlogged: false,
        }
    }
}

impl Report for RemovalReport {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let back = self.undo.is_some();
        if self.dry_run {
            let word = if back { "undo" } else { "redo" };
            ui.line(text![word, " ", Style::Strong.of(&self.what)])?;
            let does = if back { Style::Good.of("bring back") } else { Style::Bad.of("remove") };
            for name in &self.snapshots {
                ui.line(text!["  ", &does, "  ", Line(name)])?;
            }
            ui.say("Nothing was changed (--dry-run).");
            return Ok(());
        }
        let names: Vec<String> =
            self.snapshots.iter().take(MOST_NAMED).map(|name| format!("\"{}\"", Line(name))).collect();
        let more = self.snapshots.len().saturating_sub(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = format!("{}{more}", names.join(", "));
        let (verb, them) = if self.snapshots.len() == 1 { ("is", "it") } else { ("are", "them") };
        ui.say(&match (back, self.snapshots.is_empty()) {
            (true, true) => format!("Undid {}: all of them are there already.", self.what),
            (true, false) if self.unlogged => format!("Undid {}: {names} {verb} back.", self.what),
            (false, false) if self.unlogged => format!("Redid {}: {names} {verb} in the trash.", self.what),
            (true, false) => {
                format!("Undid {}: {names} {verb} back. `snap redo` removes {them} again.", self.what)
            }
            (false, true) => format!("Redid {}: none of them is there any more.", self.what),
            (false, false) => {
                format!("Redid {}: {names} {verb} in the trash. `snap undo` brings {them} back.", self.what)
            }
        });
        Ok(())
    }
}

/// There is nothing left to undo.
#[derive(Serialize)]
struct AllUndone {
    undo: (),
}

/// Returns the plan under a heading that names the restore, because nobody has asked for the safety
/// snapshot by its name.
fn report(plan: &RestorePlan, way: &HistoryStep, now: Timestamp) -> RestoreReport {
    let what = Style::Strong.of(told(&way.what, now));
    let heading = text![way.direction.word(), " ", what, ", in ", &*plan.root().to_string_lossy()];
    RestoreReport::of(plan).with_way(way, heading, passed_over(&way.passed, now))
}

/// Says what was undone or redone, and which paths that set. What was passed over stands in the plan, which was shown before.
fn what_was_done(way: &HistoryStep, now: Timestamp, paths: usize, named: &str) -> String {
    let (did, when, last) = match way.direction {
        Direction::Undo => ("Undid", "before it", "redo"),
        Direction::Redo => ("Redid", "before the undo", "undo"),
    };
    let what = told(&way.what, now);
    match paths {
        _ if way.sets_nothing => format!("{did} {what}: the {last} of it had set no file, so none is set."),
        0 => format!("{did} {what}: every file is as it was {when}."),
        1 => format!("{did} {what}: 1 path is as it was {when} ({named})."),
        many => format!("{did} {what}: {many} paths are as they were {when} ({named})."),
    }
}

/// Says what a step passes over, as no file was changed by it.
fn passed_over(passed: &[Restored], now: Timestamp) -> Option<String> {
    let stays = if passed.iter().any(|one| one.with_session) { "; the conversation stays" } else { "" };
    let first = passed.first()?;
    let what = format!("{}, changed no file and was passed over", capitalized(&told(first, now)));
    Some(match passed.len() - 1 {
        0 => format!("{what}{stays}."),
        1 => format!("{what}, as was 1 more{stays}."),
        more => format!("{what}, as were {more} more{stays}."),
    })
}

/// Names a restore: which command, which snapshot, when.
fn told(what: &Restored, now: Timestamp) -> String {
    let name = match what.name.as_str() {
        NO_NAME => "of a snapshot that is gone".to_owned(),
        name => format!("\"{}\"", Line(name)),
    };
    format!("{} {name}, {}", what.operation.word(), ago(&age(now.since(what.at))))
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
