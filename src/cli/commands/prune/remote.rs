//! `snap prune --remote` and `snap rm --remote`.

use super::Prune;
use super::questions::{ask_for_others, ask_for_remote};
use super::report::{Judged, OnRemote, PruneReport};
use crate::base::error::Result;
use crate::cli::outcome::Outcome;
use crate::cli::output::Ui;
use crate::cli::remotes::{Transfer, TransferReport, finish, with_remote};
use crate::context::Context;
use crate::prune::{Policy, Verdict};
use crate::transfer::{ListedSnapshot, TransferOutcome};
use crate::workspace::Workspace;

/// What is left of what was removed from a remote.
const STILL_ELSEWHERE: &str =
    "whoever fetched it still has it, and the host may keep the objects for a while.";

/// `snap prune --remote`.
pub(super) fn prune_remote(
    context: &Context,
    workspace: &Workspace,
    ui: &mut Ui,
    remote: &str,
    policy: Policy,
    command: &Prune,
) -> Result<Outcome> {
    let dry_run = command.dry_run;
    let asks = !dry_run && !command.no_input && ui.is_terminal() && !ui.json();
    let (shown, (judged, mut handed)) = with_remote(context, workspace, ui, remote, |r| {
        let judged = r.judge(policy)?;
        let handed = if dry_run || asks { Vec::new() } else { r.prune(&judged)? };
        Ok((judged, handed))
    })?;
    if asks {
        let one = |(one, verdict): &(ListedSnapshot, Verdict)| Judged::of(&one.name, &one.id, verdict);
        ask_for_remote(&judged.own.iter().map(one).collect::<Vec<_>>(), &shown, ui)?;
        handed = with_remote(context, workspace, ui, remote, |r| r.prune(&judged))?.1;
    }
    let failed = |one: &ListedSnapshot| match handed
        .iter()
        .find(|handed| handed.id == one.id)
        .map(|handed| &handed.fate)
    {
        Some(TransferOutcome::Failed(error)) => Some(error.to_string()),
        _ => None,
    };
    let all = judged.own.iter().map(|(one, verdict)| Judged {
        on_remote: Some(OnRemote { error: failed(one) }),
        ..Judged::of(&one.name, &one.id, verdict)
    });
    let all: Vec<Judged> = all.collect();
    let report =
        PruneReport { remote: Some(shown), of_others: Some(judged.others), ..PruneReport::new(dry_run, all) };
    report.list(ui)?;
    report.finish(ui, context.now, |_| ())?;
    if !handed.is_empty() {
        ui.warn(STILL_ELSEWHERE);
    }
    finish(ui, handed)
}

/// `snap rm --remote`.
pub(super) fn remove_from_remote(
    context: &Context,
    workspace: &Workspace,
    ui: &mut Ui,
    remote: &str,
    references: &[String],
    no_input: bool,
) -> Result<Outcome> {
    let (shown, (wanted, mut handed)) = with_remote(context, workspace, ui, remote, |r| {
        let wanted = r.to_withdraw(references)?;
        let handed = if no_input || wanted.of_others.is_empty() { Some(r.withdraw(&wanted)?) } else { None };
        Ok((wanted, handed))
    })?;
    if handed.is_none() {
        ask_for_others(&wanted.of_others, &shown, ui)?;
        handed = Some(with_remote(context, workspace, ui, remote, |r| r.withdraw(&wanted))?.1);
    }
    let handed = handed.unwrap_or_default();
    ui.report(&TransferReport::new(Transfer::Remove, &shown, &handed))?;
    ui.warn(STILL_ELSEWHERE);
    finish(ui, handed)
}
