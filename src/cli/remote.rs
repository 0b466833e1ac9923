//! `snap push`, `snap pull`, `snap list --remote` and `snap rm --remote`.

use clap::Args;
use serde_json::{Value, json};

use super::ui::{Style, Ui};
use super::{Outcome, bar, count, print_json};
use crate::base::error::{Error, Kind, Result};
use crate::base::progress::Progress;
use crate::base::screen;
use crate::base::timestamp::age;
use crate::context::Context;
use crate::retention::Policy;
use crate::transfer::{Lease, ListedSnapshot, RemoteSession, TransferOutcome, TransferResult};
use crate::workspace::Workspace;

/// Send snapshots to a git remote, beside its branches
#[derive(Args)]
pub(super) struct Push {
    /// A remote of this repository, a URL or a path
    #[arg(value_name = "REMOTE", default_value = "origin")]
    remote: String,
    /// The snapshots; by default the newest
    #[arg(value_name = "REF")]
    references: Vec<String>,
    /// Let the secret with this ID leave, after a look (repeatable)
    #[arg(long, value_name = "ID")]
    allow_secret: Vec<String>,
}

/// Fetch snapshots from a git remote
#[derive(Args)]
pub(super) struct Pull {
    /// A remote of this repository, a URL or a path
    #[arg(value_name = "REMOTE", default_value = "origin")]
    remote: String,
    /// The snapshots, by name or id; by default all that are not here
    #[arg(value_name = "REF")]
    references: Vec<String>,
}

/// The words for what became of a snapshot: in JSON, and before and after its name.
struct Words {
    done: &'static str,
    already: &'static str,
    did: String,
    had: String,
}

impl Push {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let references = match self.references.is_empty() {
            true => vec!["latest".to_owned()],
            false => self.references,
        };
        let (shown, handed) =
            with(context, workspace, ui, &self.remote, |r| r.push(&references, &self.allow_secret))?;
        let words = Words {
            done: "sent",
            already: "already_there",
            did: format!("to {shown}"),
            had: format!("is already on {shown}"),
        };
        let outcome = report(ui, "Sent", &words, &shown, &handed)?;
        finish(ui, handed, outcome)
    }
}

impl Pull {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let (shown, handed) = with(context, workspace, ui, &self.remote, |r| r.pull(&self.references))?;
        let words = Words {
            done: "added",
            already: "already_here",
            did: format!("from {shown}"),
            had: "is already here".to_owned(),
        };
        let outcome = report(ui, "Added", &words, &shown, &handed)?;
        if handed.is_empty() && !ui.json() {
            ui.say(&format!("There is nothing on {shown} that is not here."));
        }
        let added = handed.iter().filter(|one| matches!(one.outcome, TransferOutcome::Done)).count();
        if added > 0 && !ui.json() {
            ui.say(&format!(
                "{} added. Look at them with `snap show`; `snap resume` goes on with one.",
                count(added, "snapshot")
            ));
        }
        finish(ui, handed, outcome)
    }
}

/// `snap list --remote`.
pub(super) fn list(context: &Context, workspace: &Workspace, ui: &mut Ui, remote: &str) -> Result<Outcome> {
    let (shown, listed) = with(context, workspace, ui, remote, |r| r.list())?;
    if ui.json() {
        let all: Vec<Value> = listed
            .iter()
            .map(|one| {
                let leases: Vec<Value> = one.leases.iter().map(lease_json).collect();
                json!({"name": one.name, "id": one.id, "created_at": one.created_at, "by": one.by, "here": one.here, "leases": leases})
            })
            .collect();
        print_json(ui, &all)?;
        return Ok(Outcome::Done);
    }
    if listed.is_empty() {
        ui.say(&format!("There is no snapshot on {shown}; `snap push {shown}` sends one."));
        return Ok(Outcome::Done);
    }
    let header = format!("{:8}  {:>4}  {:4}  {:24}  NAME", "ID", "AGE", "HERE", "BY");
    ui.line(Style::Faint.of(header))?;
    for one in &listed {
        let here = if one.here { "yes" } else { "-" };
        let by = screen::cut(&one.by, 24);
        let age = age(context.now.since(one.created_at));
        ui.line(&format!(
            "{:8}  {age:>4}  {here:4}  {by:24}  {}{}",
            one.id.short(),
            screen::cut(&one.name, 60),
            match one.leases.as_slice() {
                [] => String::new(),
                some => format!("  ({})", at_work(context, some)),
            }
        ))?;
    }
    Ok(Outcome::Done)
}

/// Says who works on a snapshot, and since when.
pub(super) fn at_work(context: &Context, leases: &[Lease]) -> String {
    let one = |lease: &Lease| format!("{}, since {}", lease.who, age(context.now.since(lease.since)));
    format!("being worked on by {}", leases.iter().map(one).collect::<Vec<_>>().join("; "))
}

fn lease_json(lease: &Lease) -> Value {
    json!({"who": lease.who, "since": lease.since})
}

/// `snap rm --remote`.
pub(super) fn remove(
    context: &Context,
    workspace: &Workspace,
    ui: &mut Ui,
    remote: &str,
    references: &[String],
) -> Result<Outcome> {
    let (shown, handed) = with(context, workspace, ui, remote, |r| r.withdraw(references))?;
    let words = Words {
        done: "removed",
        already: "removed",
        did: format!("from {shown}"),
        had: format!("is not on {shown}"),
    };
    let outcome = report(ui, "Removed", &words, &shown, &handed)?;
    ui.warn("whoever fetched it still has it, and the host may keep the objects for a while.");
    finish(ui, handed, outcome)
}

/// `snap prune --remote`.
pub(super) fn prune(
    context: &Context,
    workspace: &Workspace,
    ui: &mut Ui,
    remote: &str,
    policy: Policy,
    dry_run: bool,
) -> Result<Outcome> {
    let (shown, (judged, handed)) = with(context, workspace, ui, remote, |r| {
        let judged = r.judge(policy)?;
        let handed = if dry_run { Vec::new() } else { r.prune(&judged)? };
        Ok((judged, handed))
    })?;
    if ui.json() {
        let failed = |one: &ListedSnapshot| {
            let of_it = handed.iter().find(|handed| handed.id == one.id).map(|handed| &handed.outcome);
            match of_it {
                Some(TransferOutcome::Failed(error)) => Some(error.to_string()),
                _ => None,
            }
        };
        let all: Vec<Value> = judged
            .own
            .iter()
            .map(|(one, verdict)| {
                json!({"name": one.name, "id": one.id, "keep": verdict.keep, "reason": verdict.reason, "error": failed(one)})
            })
            .collect();
        print_json(
            ui,
            &json!({"remote": shown, "dry_run": dry_run, "snapshots": all, "of_others": judged.others}),
        )?;
    } else {
        let verdicts: Vec<_> = judged.own.iter().map(|(one, verdict)| (one.name.as_str(), verdict)).collect();
        super::prune::tell(ui, &verdicts, dry_run)?;
        if judged.others > 0 {
            ui.say(&format!("{} of others on {shown} left alone.", count(judged.others, "snapshot")));
        }
    }
    let failed = handed.iter().any(|one| matches!(one.outcome, TransferOutcome::Failed(_)));
    finish(ui, handed, if failed { Outcome::Partial } else { Outcome::Done })
}

/// Opens a remote and does something with it, saying which tries failed; returns its name too.
fn with<T>(
    context: &Context,
    workspace: &Workspace,
    ui: &mut Ui,
    remote: &str,
    work: impl FnOnce(&mut RemoteSession<'_>) -> Result<T>,
) -> Result<(String, T)> {
    let (interactive, talks) = (ui.is_terminal(), ui.talks());
    let progress = Progress::default();
    let mut tell = |text: &str| {
        if talks {
            bar::erase();
        }
        ui.warn(text);
    };
    let mut remotes = RemoteSession::open(context, workspace, remote, interactive, &mut tell)?;
    if talks {
        remotes.watch(&progress);
    }
    let done = bar::show(talks, "Transfer", &progress, || work(&mut remotes))?;
    Ok((remotes.shown(), done))
}

/// Says what became of each snapshot.
fn report(
    ui: &mut Ui,
    verb: &str,
    words: &Words,
    remote: &str,
    handed: &[TransferResult],
) -> Result<Outcome> {
    let failed = handed.iter().filter(|one| matches!(one.outcome, TransferOutcome::Failed(_))).count();
    if ui.json() {
        let all: Vec<Value> = handed
            .iter()
            .map(|one| {
                let (outcome, reason) = match &one.outcome {
                    TransferOutcome::Done => (words.done, None),
                    TransferOutcome::Already => (words.already, None),
                    TransferOutcome::Failed(error) => match error.kind() {
                        Kind::Conflict => ("conflict", Some(error.to_string())),
                        Kind::Damaged | Kind::NewerFormat => ("damaged", Some(error.to_string())),
                        _ => ("refused", Some(error.to_string())),
                    },
                };
                json!({"name": one.name, "id": one.id, "outcome": outcome, "reason": reason})
            })
            .collect();
        print_json(ui, &json!({"remote": remote, "snapshots": all}))?;
    } else {
        for one in handed {
            match &one.outcome {
                TransferOutcome::Done => {
                    ui.say(&format!("{verb} {} ({}) {}.", one.name, one.id.short(), words.did))
                }
                TransferOutcome::Already => ui.say(&format!("{} {}.", one.name, words.had)),
                TransferOutcome::Failed(_) => {}
            }
        }
    }
    Ok(if failed > 0 { Outcome::Partial } else { Outcome::Done })
}

/// Ends with what is wrong, if nothing went well; else says it.
fn finish(ui: &mut Ui, handed: Vec<TransferResult>, outcome: Outcome) -> Result<Outcome> {
    let none_went_well = handed.iter().all(|one| matches!(one.outcome, TransferOutcome::Failed(_)));
    let mut errors: Vec<Error> = handed
        .into_iter()
        .filter_map(|one| match one.outcome {
            TransferOutcome::Failed(error) => Some(error),
            _ => None,
        })
        .collect();
    let last = if none_went_well { errors.pop() } else { None };
    for error in &errors {
        ui.error(error);
    }
    last.map_or(Ok(outcome), Err)
}
