//! `snap rewind`.

use std::path::Path;

use clap::Args;

use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::Monitor;
use crate::base::screen::Line;
use crate::cli::help::examples;
use crate::cli::line_choice::say_which;
use crate::cli::outcome::Outcome;
use crate::cli::output::Ui;
use crate::cli::output::words::quoted;
use crate::cli::restore_flow::{NewWorkTree, RestoreArgs, left, making, planning, say_where};
use crate::cli::upkeep::settle;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::restore::{
    self, InTheWay, RestoreOptions, SavedTree, checkpoint_before_last_step, lost_in_session, tree_of,
};
use crate::store::{Operation, Reference};
use crate::workspace::Workspace;

/// Put the work tree back exactly as it was, and resume its session
///
/// Every path that differs is set, created or removed, whatever was edited, created, deleted, staged or committed since.
/// A safety snapshot is saved first, and `snap undo` goes back to it. Ignored files and empty folders stay. HEAD and the branches stay
/// where they are, unless you say `--reset-branch`.
///
/// If the snapshot was pushed or pulled, the remote is told that you work on it (user, host and time); `--offline` prevents that.
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap rewind", "Choose one, and go back to it"),
    ("snap rewind before-refactor --dry-run", "Show what going back to it would change"),
]))]
pub(crate) struct Rewind {
    /// Also move the branch back to the commit that the snapshot was saved on; a ref keeps the old tip
    #[arg(long)]
    reset_branch: bool,
    #[command(flatten)]
    args: RestoreArgs,
}

impl Rewind {
    /// Makes one that takes what another command was given.
    pub(crate) fn of(args: RestoreArgs) -> Rewind {
        Rewind { reset_branch: false, args }
    }

    pub(crate) fn run(mut self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let found = restore::find_to_rewind(workspace, &self.args.reference)?;
        let mut manifest = say_which(found, ui);
        // At the end of a session in which a work tree was lost, nothing is to be done in this one.
        if Reference::parse(&self.args.reference) == Reference::Latest(0)
            && tree_of(workspace, &manifest)? == SavedTree::This
            && let Some(lost) = lost_in_session(workspace, &manifest)?
        {
            let options = RestoreOptions { session: false, ..self.args.options() };
            let plan = restore::plan_rewind(workspace, manifest.clone(), &options, &Monitor::default())?;
            if plan.steps().is_empty() {
                manifest = lost
            } else {
                ui.warn(&format!(
                    "a work tree of this session is gone: {}; `snap rewind {}` restores it",
                    lost.workspace.root,
                    quoted(&workspace.store.called(&lost))
                ))
            }
        }
        let called = workspace.store.called(&manifest);
        match tree_of(workspace, &manifest)? {
            SavedTree::This => self.at(context, workspace, manifest, || (), ui),
            SavedTree::Other(root) => {
                self.refuse_unasked(&called, &root, ui)?;
                say_where(&root, false, ui);
                self.asked_for_elsewhere(&called, &root, ui)?;
                let leaves = !self.args.no_session && !self.args.dry_run;
                let (context, workspace) = other(context, workspace, &root)?;
                settle(&context, &workspace, ui)?;
                self.args.no_session = true;
                self.args.undo_in = Some(root.clone());
                let left = self.left_there((&manifest, &called), &root, leaves);
                let done = self.at(&context, &workspace, manifest, || (), ui)?;
                left.into_iter().for_each(|left| ui.say(&left));
                Ok(done)
            }
            SavedTree::Blocked(root, by) => Err(blocked(&called, &root, &by)),
            SavedTree::Gone(root) => {
                let (Some(repository), Some(base)) = (&workspace.repository, restore::base_of(&manifest))
                else {
                    return Err(Error::new(Kind::Refused, "A work tree can't be made for this snapshot")
                        .because("it was saved before the first commit, or outside git"));
                };
                if self.args.dry_run {
                    let branch = manifest.workspace.branch.as_deref();
                    ui.report(&NewWorkTree::new((&manifest, &called), &root, branch, base))?;
                    return Ok(Outcome::Done);
                }
                self.args.fetch_base(context, workspace, &manifest, ui)?;
                if !repository.has_commit(base)? {
                    return Err(repository.lacks_commit(base));
                }
                let branch = manifest.workspace.branch.as_deref();
                let made = making(repository, &root, || repository.remake_worktree(&root, branch, base))?;
                self.args.made = Some(left(made.made()));
                say_where(made.root(), true, ui);
                let leaves = !self.args.no_session;
                let (context, workspace) = other(context, workspace, made.root())?;
                self.args.no_session = true;
                self.args.undo_in = Some(made.root().to_owned());
                let left = self.left_there((&manifest, &called), made.root(), leaves);
                let done = self.at(&context, &workspace, manifest, || made.keep(), ui)?;
                left.into_iter().for_each(|left| ui.say(&left));
                Ok(done)
            }
        }
    }

    /// Refuses to change another work tree than the one in which the command was typed where nobody can be asked and nobody
    /// said yes.
    fn refuse_unasked(&self, called: &str, root: &Path, ui: &Ui) -> Result<()> {
        if self.args.dry_run || self.args.is_agreed() || self.args.asks(ui) {
            return Ok(());
        }
        let (name, shown) = (quoted(called), Line(&root.to_string_lossy()).to_string());
        Err(Error::new(Kind::Refused, "Nothing was restored")
            .because(format!("it is of another work tree, {shown}, and nobody can be asked here"))
            .hint(format!(
                "`snap rewind --yes {name}` restores it there; with `--dry-run` it shows what that would change"
            )))
    }

    /// Asks before another work tree than the one in which the command was typed is changed.
    ///
    /// # Errors
    /// [`Kind::Refused`] after a no.
    fn asked_for_elsewhere(&self, called: &str, root: &Path, ui: &mut Ui) -> Result<()> {
        if !self.args.asks(ui) || ui.ask("Put that work tree back as it was?")? {
            return Ok(());
        }
        let name = quoted(called);
        Err(Error::new(Kind::Refused, "Nothing was restored")
            .because(format!("it would change {}", Line(&root.to_string_lossy())))
            .hint(format!("`snap rewind --dry-run {name}` shows what it would change; `snap resume {name}` brings the snapshot here")))
    }

    /// Says where the conversation of a snapshot of another work tree is, which stays as it is.
    fn left_there(&self, (manifest, called): (&Manifest, &str), root: &Path, leaves: bool) -> Option<String> {
        let has_one = manifest.session.as_ref().is_some_and(|session| session.transcript.is_some());
        (leaves && has_one).then(|| {
            format!(
                "Its conversation was left as it is. To go on with it as it was saved: `cd {} && snap rewind {}`",
                quoted(&root.to_string_lossy()),
                quoted(called)
            )
        })
    }

    fn at(
        self,
        context: &Context,
        workspace: &Workspace,
        manifest: Manifest,
        kept: impl FnOnce(),
        ui: &mut Ui,
    ) -> Result<Outcome> {
        let line = audit::line(context, Operation::Rewind, Some(&manifest));
        let _alone = restore::alone_in(workspace)?;
        let checked = self.args.check(context, workspace, &manifest, ui);
        self.args.planned(workspace, &line, checked)?;
        self.args.fetch_base(context, workspace, &manifest, ui)?;
        let options = RestoreOptions { reset_branch: self.reset_branch, ..self.args.options() };
        let make = |ui: &Ui, manifest, options: RestoreOptions| {
            planning(ui, |monitor| restore::plan_rewind(workspace, manifest, &options, monitor))
        };
        let plan =
            make(ui, manifest, options.clone()).and_then(|plan| match self.args.variables(ui, &plan)? {
                fill if fill.is_empty() => Ok(plan),
                fill => make(ui, plan.manifest().clone(), RestoreOptions { fill, ..options.clone() }),
            });
        let plan = self.args.planned(workspace, &line, plan)?;
        if Reference::parse(&self.args.reference) == Reference::Latest(0)
            && plan.steps().is_empty()
            && let Some(name) = checkpoint_before_last_step(workspace, plan.manifest())?
        {
            ui.warn(&format!(
                "the newest snapshot has what the last step did; `snap rewind {}` goes back to before that",
                quoted(&name)
            ));
        }
        self.args.carry_out(context, workspace, plan, Operation::Rewind, kept, ui)
    }
}

/// The snapshot's work tree is gone, and can't be made again. This one is not put in its place: that was not asked for.
fn blocked(called: &str, root: &Path, by: &InTheWay) -> Error {
    let (name, shown) = (quoted(called), Line(&root.to_string_lossy()).to_string());
    let (why, how) = match by {
        InTheWay::Place => (
            format!("something else is in its place: {shown}"),
            format!("to make it again, move that away and run `snap rewind {name}`"),
        ),
        InTheWay::Branch(branch) => (
            format!("its branch, {}, is checked out here, and {shown} is gone", Line(branch)),
            format!("to make it again, check out another branch here and run `snap rewind {name}`"),
        ),
    };
    Error::new(Kind::Refused, "The snapshot is of a work tree that can't be made again")
        .because(why)
        .hint(format!("{how}; `snap resume {name}` brings the snapshot into this work tree"))
}

/// Opens another work tree of the same repository, with the same store.
fn other(context: &Context, here: &Workspace, root: &Path) -> Result<(Context, Workspace)> {
    let there = Context { store: Some(here.store.root().to_owned()), ..context.at(root)? };
    let workspace = Workspace::open(&there)?;
    Ok((there, workspace))
}
