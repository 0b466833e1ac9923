//! `snap prune --remote` and `snap rm --remote`.

use super::report::{Judged, OnRemote, PruneReport};
use crate::base::error::Result;
use crate::cli::outcome::Outcome;
use crate::cli::output::Ui;
use crate::cli::remotes::{Transfer, TransferReport, finish, with_remote};
use crate::context::Context;
use crate::prune::Policy;
use crate::transfer::{ListedSnapshot, TransferOutcome};
use crate::workspace::Workspace;

/// `snap prune --remote`.
pub(super) fn prune_remote(
    context: &Context,
    workspace: &Workspace,
    ui: &mut Ui,
    remote: &str,
    policy: Policy,
    dry_run: bool,
) -> Result<Outcome> {
    let (shown, (judged, handed)) = with_remote(context, workspace, ui, remote, |r| {
        let judged = r.judge(policy)?;
        let handed = if dry_run { Vec::new() } else { r.prune(&judged)? };
        Ok((judged, handed))
    })?;
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
    finish(ui, handed)
}

/// `snap rm --remote`.
pub(super) fn remove_from_remote(
    context: &Context,
    workspace: &Workspace,
    ui: &mut Ui,
    remote: &str,
    references: &[String],
) -> Result<Outcome> {
    let (shown, handed) = with_remote(context, workspace, ui, remote, |r| r.withdraw(references))?;
    ui.report(&TransferReport::new(Transfer::Remove, &shown, &handed))?;
    ui.warn("whoever fetched it still has it, and the host may keep the objects for a while.");
    finish(ui, handed)
}
