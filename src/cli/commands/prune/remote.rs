//! `snap prune --remote` and `snap rm --remote`.

use super::questions::ask;
use super::report::{Judged, OnRemote, PruneReport};
use crate::base::error::Result;
use crate::cli::outcome::Outcome;
use crate::cli::output::Ui;
use crate::cli::remotes::{Transfer, TransferReport, finish, with_remote};
use crate::context::Context;
use crate::prune::Policy;
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
    (dry_run, no_input): (bool, bool),
) -> Result<Outcome> {
    let (shown, judged) = with_remote(context, workspace, ui, remote, |r| r.judge(policy))?;
    if !dry_run && !no_input {
        let all: Vec<Judged> =
            judged.own.iter().map(|(one, verdict)| Judged::of(&one.name, &one.id, verdict)).collect();
        // Nothing brings them back there.
        ask(&all, 0, ui)?;
    }
    let handed = if dry_run || judged.own.iter().all(|(_, verdict)| verdict.keep) {
        Vec::new()
    } else {
        with_remote(context, workspace, ui, remote, |r| r.prune(&judged))?.1
    };
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
) -> Result<Outcome> {
    let (shown, handed) = with_remote(context, workspace, ui, remote, |r| r.withdraw(references))?;
    ui.report(&TransferReport::new(Transfer::Remove, &shown, &handed))?;
    ui.warn(STILL_ELSEWHERE);
    finish(ui, handed)
}
