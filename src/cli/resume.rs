//! `snap resume` and `snap rewind`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::bar;
use super::elsewhere::{self, Tree};
use super::restoring::{Restoring, quoted};
use super::ui::Ui;
use super::{Outcome, count, settle};
use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::progress::Progress;
use crate::base::screen::Line;
use crate::context::Context;
use crate::git::Repository;
use crate::manifest::Manifest;
use crate::restore::{self, Options};
use crate::store::{Operation, Reference};
use crate::workspace::Workspace;

/// Bring a snapshot back here, and go on with its session
#[derive(Args)]
pub(super) struct Resume {
    #[command(flatten)]
    restoring: Restoring,
    /// Restore in DIR instead of the current work tree
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Restore in a new linked work tree for BRANCH, made at the snapshot's base commit; by default under `.claude/worktrees`
    #[arg(long, value_name = "BRANCH")]
    worktree: Option<String>,
    /// Go on in a repository that does not have the snapshot's base commit
    #[arg(long)]
    trust_repository: bool,
    /// Merge paths that are different here (three ways; conflicts get markers and exit code 6)
    #[arg(long, conflicts_with = "no_edits")]
    merge: bool,
    /// Restore the conversation alone
    #[arg(long)]
    no_edits: bool,
}

/// Put the work tree back to exactly what it was at that moment, and go on with its session
///
/// Whatever was edited, created, deleted, staged or committed since: every path that differs is
/// set, created or removed, after a safety snapshot. What was ignored then stays. HEAD and the
/// branches stay where they are, unless `--reset-branch` says otherwise.
#[derive(Args)]
pub(super) struct Rewind {
    #[command(flatten)]
    restoring: Restoring,
    /// Move the branch to the commit that the snapshot was saved on; the old tip is kept in a ref
    #[arg(long)]
    reset_branch: bool,
}

impl Resume {
    pub(super) fn run(self, context: &Context, ui: &mut Ui) -> Result<Outcome> {
        match &self.worktree {
            Some(branch) => self.in_new_worktree(branch, context, ui),
            None => {
                let (context, workspace) = self.open(context, self.into.as_deref())?;
                settle(&context, &workspace, ui)?;
                let manifest = elsewhere::find_to_resume(&workspace, &self.restoring.reference, ui)?;
                let line = audit::line(&context, Operation::Resume, Some(&manifest));
                let checked = self.restoring.check(ui, &workspace, &manifest);
                audit::unless_failed(&workspace.store, &line, checked)?;
                self.restoring.fetch_base(&context, &workspace, &manifest, ui)?;
                let plan = self.plan(&workspace, manifest, ui);
                let plan = self.restoring.planned(&workspace, &line, plan)?;
                self.restoring.carry_out(&context, &workspace, plan, Operation::Resume, || (), ui)
            }
        }
    }

    fn options(&self) -> Options {
        Options {
            edits: !self.no_edits,
            merge: self.merge,
            trust_repository: self.trust_repository,
            ..self.restoring.options()
        }
    }

    fn in_new_worktree(&self, branch: &str, context: &Context, ui: &mut Ui) -> Result<Outcome> {
        let here = Workspace::open(context)?;
        settle(context, &here, ui)?;
        let manifest = find(&here, &self.restoring.reference)?;
        let Some(repository) = &here.repository else {
            return Err(Error::new(Kind::Refused, "`--worktree` needs a git repository")
                .because(format!("{} is not in one", here.root.display())));
        };
        let Some(base) = manifest.base_commit() else {
            return Err(Error::new(Kind::Refused, "A work tree can't be made for this snapshot")
                .because("it was saved before the first commit, or outside git"));
        };
        self.restoring.check(ui, &here, &manifest)?;
        self.restoring.fetch_base(context, &here, &manifest, ui)?;
        if !repository.has_commit(base)? {
            return Err(repository.lacks_commit(base));
        }
        let place = match &self.into {
            Some(into) => context.cwd.join(into),
            None => repository.home()?.join(".claude/worktrees").join(branch.replace('/', "-")),
        };
        if self.restoring.dry_run {
            let files = manifest.edited_files().len();
            let shown = Line(&place.to_string_lossy()).to_string();
            ui.line(&format!("make the work tree {shown} for branch {} at {base}", Line(branch)))?;
            ui.line(&format!("restore {} with {} in it", Line(&manifest.name), count(files, "edited path")))?;
            ui.say("Nothing was changed (--dry-run).");
            return Ok(Outcome::Done);
        }
        let made = repository.add_worktree(&place, branch, base)?;
        let (context, workspace) = self.open(context, Some(made.root()))?;
        ui.say(&format!(
            "Made the work tree {} for branch {}.",
            Line(&workspace.root.to_string_lossy()),
            Line(branch)
        ));
        if let Some(said) = made.unconverted() {
            let said = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
            ui.warn(&format!(
                "some of its files are as they are committed (pointers, for LFS), since a filter failed: {}",
                Line(&said.join("; "))
            ));
            ui.say("Install what the filter runs (`git lfs install` and `git lfs pull`, for LFS) and check them out again.");
        }
        // They are in it as git's blobs are, which is what their filter is there to change.
        let left = workspace.repository.as_ref().map_or(Ok(Vec::new()), Repository::tracked_unfiltered)?;
        let line = audit::line(&context, Operation::Resume, Some(&manifest));
        let plan = self.plan(&workspace, manifest, ui);
        let plan = self.restoring.planned(&workspace, &line, plan)?;
        let plan = plan.leaving(left);
        self.restoring.carry_out(&context, &workspace, plan, Operation::Resume, || made.keep(), ui)
    }

    fn plan(&self, workspace: &Workspace, manifest: Manifest, ui: &mut Ui) -> Result<restore::Plan> {
        let make = |ui: &Ui, manifest, options: Options| {
            planning(ui, |progress| restore::plan_resume(workspace, manifest, &options, progress))
        };
        let plan = make(ui, manifest, self.options())?;
        self.restoring
            .filled(ui, plan, |ui, manifest, fill| make(ui, manifest, Options { fill, ..self.options() }))
    }

    /// Opens the place to restore in; the store stays the one of where the command was typed.
    fn open(&self, context: &Context, into: Option<&Path>) -> Result<(Context, Workspace)> {
        let Some(into) = into else { return Ok((context.clone(), Workspace::open(context)?)) };
        let store = match &context.store {
            Some(store) => store.clone(),
            None => Workspace::open(context)?.store.root().to_owned(),
        };
        let there = Context { store: Some(store), ..context.at(into)? };
        let workspace = Workspace::open(&there)?;
        Ok((there, workspace))
    }
}

impl Rewind {
    pub(super) fn run(mut self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let mut manifest = elsewhere::find_to_rewind(workspace, &self.restoring.reference, ui)?;
        // At the end of a session in which a work tree was lost, nothing is to be done in this one.
        if Reference::parse(&self.restoring.reference) == Reference::Latest(0)
            && elsewhere::tree_of(workspace, &manifest)? == Tree::This
            && let Some(lost) = elsewhere::lost_in_session(workspace, &manifest)?
        {
            let options = Options { session: false, ..self.restoring.options() };
            let plan = restore::plan_rewind(workspace, manifest.clone(), &options, &Progress::default())?;
            match plan.steps().is_empty() {
                true => manifest = lost,
                false => ui.warn(&format!(
                    "a work tree of this session is gone, {}; it comes back by: snap rewind {}",
                    lost.workspace.root,
                    quoted(&lost.name)
                )),
            }
        }
        match elsewhere::tree_of(workspace, &manifest)? {
            Tree::This => self.at(context, workspace, manifest, || (), ui),
            Tree::Other(root) => {
                elsewhere::tell(&root, false, ui);
                let (context, workspace) = other(context, workspace, &root)?;
                settle(&context, &workspace, ui)?;
                self.restoring.leave_session();
                self.at(&context, &workspace, manifest, || (), ui)
            }
            Tree::Gone(root) => {
                let (Some(repository), Some(base)) = (&workspace.repository, manifest.base_commit()) else {
                    return Err(Error::new(Kind::Refused, "A work tree can't be made for this snapshot")
                        .because("it was saved before the first commit, or outside git"));
                };
                if self.restoring.dry_run {
                    let files = manifest.edited_files().len();
                    let shown = Line(&root.to_string_lossy()).to_string();
                    let edits = count(files, "edited path");
                    ui.line(&format!("make the work tree {shown} again, and put {edits} back in it"))?;
                    ui.say("Nothing was changed (--dry-run).");
                    return Ok(Outcome::Done);
                }
                self.restoring.fetch_base(context, workspace, &manifest, ui)?;
                if !repository.has_commit(base)? {
                    return Err(repository.lacks_commit(base));
                }
                let made = repository.remake_worktree(&root, manifest.workspace.branch.as_deref(), base)?;
                elsewhere::tell(made.root(), true, ui);
                let (context, workspace) = other(context, workspace, made.root())?;
                self.restoring.leave_session();
                self.at(&context, &workspace, manifest, || made.keep(), ui)
            }
        }
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
        let checked = self.restoring.check(ui, workspace, &manifest);
        audit::unless_failed(&workspace.store, &line, checked)?;
        self.restoring.fetch_base(context, workspace, &manifest, ui)?;
        let options = Options { reset_branch: self.reset_branch, ..self.restoring.options() };
        let make = |ui: &Ui, manifest, options: Options| {
            planning(ui, |progress| restore::plan_rewind(workspace, manifest, &options, progress))
        };
        let plan = make(ui, manifest, options.clone()).and_then(|plan| {
            self.restoring.filled(ui, plan, |ui, manifest, fill| {
                make(ui, manifest, Options { fill, ..options.clone() })
            })
        });
        let plan = self.restoring.planned(workspace, &line, plan)?;
        self.restoring.carry_out(context, workspace, plan, Operation::Rewind, kept, ui)
    }
}

/// Opens another work tree of the same repository, with the same store.
fn other(context: &Context, here: &Workspace, root: &Path) -> Result<(Context, Workspace)> {
    let there = Context { store: Some(here.store.root().to_owned()), ..context.at(root)? };
    let workspace = Workspace::open(&there)?;
    Ok((there, workspace))
}

/// Makes a plan, showing how far that is.
pub(super) fn planning(
    ui: &Ui,
    make: impl FnOnce(&Progress) -> Result<restore::Plan>,
) -> Result<restore::Plan> {
    let progress = Progress::default();
    bar::show(ui.talks(), "Planning", &progress, || make(&progress))
}

fn find(workspace: &Workspace, reference: &str) -> Result<Manifest> {
    workspace.store.find(&Reference::parse(reference))?.manifest
}
