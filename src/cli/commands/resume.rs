//! `snap resume`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::cli::commands::diff::Diff;
use crate::cli::commands::rewind::Rewind;
use crate::cli::completion::branches;
use crate::cli::help::examples;
use crate::cli::line_choice::say_which;
use crate::cli::outcome::Outcome;
use crate::cli::output::Ui;
use crate::cli::output::words::quoted;
use crate::cli::remotes::{Shared, shared_session};
use crate::cli::restore_flow::conflict_question::{self, Answer, Open};
use crate::cli::restore_flow::{NewWorkTree, RestoreArgs, left, making, planning};
use crate::cli::upkeep::{settle, warn_of_passed_over};
use crate::context::Context;
use crate::git::Repository;
use crate::manifest::Manifest;
use crate::restore::{self, ConflictBase, Conflicts, PlannedResume, RestoreOptions, SavedTree, tree_of};
use crate::store::{Operation, Reference};
use crate::sys::place::Root;
use crate::sys::users_files;
use crate::workspace::Workspace;

/// Restore a snapshot here, and resume its session
///
/// The edits come back on top of what is here. If a path was changed here since, nothing is done; `--merge` merges the
/// two, `--worktree` restores beside it, and `snap rewind` puts everything back as it was.
///
/// If the snapshot was pushed or pulled, the remote is told that you work on it (user, host and time); `--offline` prevents that.
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap resume", "Choose one, and resume it"),
    ("snap resume before-refactor --dry-run", "Show what that would do"),
    ("snap resume latest --worktree try-it", "In a new work tree, for a new branch"),
]))]
pub(crate) struct Resume {
    /// Restore into DIR instead of the current work tree
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Restore into a new linked work tree for BRANCH at the snapshot's base commit, by default below `.claude/worktrees`
    #[arg(long, value_name = "BRANCH", add = branches())]
    worktree: Option<String>,
    /// Restore into a repository that doesn't have the snapshot's base commit
    #[arg(long)]
    trust_repository: bool,
    /// Merge paths that were changed here too (three-way; conflicts get markers, and the exit code is 6)
    #[arg(long, conflicts_with = "no_edits")]
    merge: bool,
    /// Restore only the conversation
    #[arg(long, conflicts_with = "no_session")]
    no_edits: bool,
    #[command(flatten)]
    args: RestoreArgs,
}

impl Resume {
    pub(crate) fn run(mut self, context: &Context, ui: &mut Ui) -> Result<Outcome> {
        let how = (self.args.offline, self.args.dry_run);
        let aside = match shared_session(context, &self.args.reference, how, ui)? {
            Some(Shared::Here(id)) => {
                self.args.reference = id;
                None
            }
            Some(Shared::Aside(aside)) => Some(aside),
            None => None,
        };
        match self.worktree.clone() {
            Some(branch) => self.in_new_worktree(&branch, aside.map(|aside| aside.manifest), context, ui),
            None => {
                let (context, workspace) = self.open(context, self.into.as_deref())?;
                self.args.undo_in = self.into.is_some().then(|| workspace.root.clone());
                settle(&context, &workspace, ui)?;
                let (manifest, workspace, _aside) = match aside {
                    Some(aside) => {
                        let (manifest, workspace, kept) = aside.beside(workspace);
                        (manifest, workspace, Some(kept))
                    }
                    None => {
                        let found = restore::find_to_resume(&workspace, &self.args.reference)?;
                        warn_of_passed_over(&workspace.store, ui);
                        (say_which(found, ui), workspace, None)
                    }
                };
                let line = audit::line(&context, Operation::Resume, Some(&manifest));
                let _alone = restore::alone_in(&workspace)?;
                let checked = self.args.check(&context, &workspace, &manifest, ui);
                self.args.planned(&workspace, &line, checked)?;
                if manifest.needed_commit().is_some() && !self.no_edits {
                    self.args.fetch_base(&context, &workspace, &manifest, ui)?;
                }
                let plan = self.plan(&workspace, manifest.clone(), self.options(), ui);
                match self.args.planned(&workspace, &line, plan)? {
                    PlannedResume::Ready(plan) => {
                        self.args.carry_out(&context, &workspace, *plan, Operation::Resume, || (), ui)
                    }
                    PlannedResume::InConflict(conflicts) => {
                        let answer = self.ask_about(&conflicts, &context, &workspace, &manifest, ui);
                        let answer = self.args.planned(&workspace, &line, answer)?;
                        drop(_alone);
                        self.otherwise(answer, &context, &workspace, &manifest, ui)
                    }
                }
            }
        }
    }

    /// Asks what to do about paths that are different here.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if nobody can be asked, or nothing is to be done.
    fn ask_about(
        &self,
        conflicts: &Conflicts,
        context: &Context,
        workspace: &Workspace,
        manifest: &Manifest,
        ui: &mut Ui,
    ) -> Result<Answer> {
        // Where nothing is checked out, none of the ways that are asked about is one.
        if !self.args.asks(ui) || conflicts.unborn.is_some() {
            let called = called(workspace, manifest);
            return Err(in_conflict(conflicts.clone(), workspace, &called));
        }
        let has_base = restore::base_of(manifest).is_some();
        let is_here = conflicts.base == ConflictBase::Here;
        let can_merge = has_base && conflicts.base != ConflictBase::Missing;
        let git = workspace.repository.as_ref().filter(|_| can_merge);
        let too_old = git.and_then(Repository::too_old_to_merge);
        if let Some(version) = &too_old {
            ui.say(&format!("The two can't be merged with git {version}; 2.40 or later can."));
        }
        let open = Open {
            merge: can_merge && too_old.is_none() && !conflicts.is_in_merge() && !conflicts.is_blocked(),
            work_tree: has_base && is_here && self.into.is_none() && self.worktree.is_none(),
            rewind: is_here
                && !conflicts.is_blocked()
                && self.worktree.is_none()
                && tree_of(workspace, manifest)? == SavedTree::This,
        };
        let show = |ui: &mut Ui| {
            let paths = conflicts.paths.iter().map(|one| workspace.root.join(one.path.as_path()));
            ui.tell_line("`-` is the snapshot, `+` is what is here:");
            let shown = Diff::with_now(manifest.id.to_string(), paths.collect()).run(context, ui);
            // Who leaves the pager has seen enough.
            shown
                .map(drop)
                .or_else(|error| if error.kind() == Kind::ClosedPipe { Ok(()) } else { Err(error) })
        };
        // What git can't tell now, it says when the work tree is made.
        let takes = |branch: &str| {
            workspace.repository.as_ref().is_some_and(|git| git.takes_branch(branch).unwrap_or(true))
        };
        match conflict_question::ask(conflicts, open, &called(workspace, manifest), &takes, ui, show)? {
            Answer::Abort => Err(conflict_question::aborted(conflicts)),
            answer => Ok(answer),
        }
    }

    /// Restores the same snapshot in another way.
    fn otherwise(
        mut self,
        answer: Answer,
        context: &Context,
        workspace: &Workspace,
        manifest: &Manifest,
        ui: &mut Ui,
    ) -> Result<Outcome> {
        self.args.reference = manifest.id.to_string();
        match answer {
            Answer::Merge => Resume { merge: true, into: None, ..self }.run(context, ui),
            Answer::WorkTree(branch) => {
                self.worktree = Some(branch.clone());
                self.in_new_worktree(&branch, None, context, ui)
            }
            Answer::Rewind => Rewind::of(self.args).run(context, workspace, ui),
            Answer::Abort => Ok(Outcome::Done),
        }
    }

    fn options(&self) -> RestoreOptions {
        RestoreOptions {
            edits: !self.no_edits,
            merge: self.merge,
            trust_repository: self.trust_repository,
            new_tree: self.worktree.is_some(),
            ..self.args.options()
        }
    }

    /// Restores in a work tree that is made for it; `aside` is a snapshot that is not in the store.
    fn in_new_worktree(
        mut self,
        branch: &str,
        aside: Option<Manifest>,
        context: &Context,
        ui: &mut Ui,
    ) -> Result<Outcome> {
        let here = Workspace::open(context)?;
        settle(context, &here, ui)?;
        let manifest = aside.map_or_else(|| find(&here, &self.args.reference), Ok)?;
        warn_of_passed_over(&here.store, ui);
        let Some(repository) = &here.repository else {
            return Err(Error::new(Kind::Refused, "`--worktree` needs a git repository")
                .because(format!("{} is not in one", here.root.display())));
        };
        let Some(base) = restore::base_of(&manifest) else {
            return Err(Error::new(Kind::Refused, "A work tree can't be made for this snapshot")
                .because("it was saved before the first commit, or outside git")
                .hint(format!(
                    "`snap resume {name}` restores it here; `snap resume {name} --into DIR` restores it in another clone",
                    name = quoted(&called(&here, &manifest))
                )));
        };
        self.args.check(context, &here, &manifest, ui)?;
        self.args.fetch_base(context, &here, &manifest, ui)?;
        if !repository.has_commit(base)? {
            return Err(repository.lacks_commit(base));
        }
        let (home, in_usual_place) = (repository.home()?, self.into.is_none());
        let place = match &self.into {
            Some(into) => context.cwd.join(into),
            None => home.join(restore::WORK_TREES).join(branch.replace('/', "-")),
        };
        if let Some((why, hint)) = in_the_way(repository, branch, &place)? {
            return Err(not_made(&place, &why, &hint));
        }
        if self.args.dry_run {
            ui.report(&NewWorkTree::new((&manifest, &called(&here, &manifest)), &place, Some(branch), base))?;
            return Ok(Outcome::Done);
        }
        // What only git knows stands behind our own words.
        let make = || repository.add_worktree(&place, branch, base);
        let made = making(repository, &place, make).map_err(|error| match error.kind() {
            Kind::Refused => {
                let said = error.cause().trim_start_matches("fatal: ");
                not_made(&place, &format!("git does not make it: {said}"), ANOTHER_PLACE)
            }
            _ => error,
        })?;
        self.args.undo_in = Some(made.root().to_owned());
        self.args.made = Some(left(made.made()));
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
        let unfiltered =
            workspace.repository.as_ref().map_or(Ok(Vec::new()), Repository::tracked_unfiltered)?;
        let line = audit::line(&context, Operation::Resume, Some(&manifest));
        let plan = self.plan(&workspace, manifest.clone(), self.options(), ui);
        let plan = match self.args.planned(&workspace, &line, plan)? {
            PlannedResume::Ready(plan) => *plan,
            PlannedResume::InConflict(conflicts) => {
                let name = called(&workspace, &manifest);
                let answer = self.ask_about(&conflicts, &context, &workspace, &manifest, ui);
                self.args.planned(&workspace, &line, answer)?;
                // In a tree that was made for it, merging is all that there is.
                let merged = RestoreOptions { merge: true, ..self.options() };
                let plan = self.plan(&workspace, manifest, merged, ui);
                match self.args.planned(&workspace, &line, plan)? {
                    PlannedResume::Ready(plan) => *plan,
                    PlannedResume::InConflict(conflicts) => {
                        return Err(in_conflict(conflicts, &workspace, &name));
                    }
                }
            }
        };
        let plan = plan.with_unfiltered(unfiltered);
        let kept = || {
            made.keep();
            if in_usual_place {
                hide_work_trees(&home);
            }
        };
        self.args.carry_out(&context, &workspace, plan, Operation::Resume, kept, ui)
    }

    fn plan(
        &self,
        workspace: &Workspace,
        manifest: Manifest,
        options: RestoreOptions,
        ui: &mut Ui,
    ) -> Result<PlannedResume> {
        let make = |ui: &Ui, manifest, options: RestoreOptions| {
            planning(ui, |monitor| restore::plan_resume(workspace, manifest, &options, monitor))
        };
        let plan = match make(ui, manifest, options.clone())? {
            PlannedResume::Ready(plan) => plan,
            conflicting => return Ok(conflicting),
        };
        let agreed = self.args.variables(ui, &plan)?;
        if agreed.is_empty() {
            return Ok(PlannedResume::Ready(plan));
        }
        make(ui, plan.manifest().clone(), RestoreOptions { fill: agreed, ..options })
    }

    /// Opens the place to restore in. The store is still that of the place where the command was typed.
    fn open(&self, context: &Context, into: Option<&Path>) -> Result<(Context, Workspace)> {
        let Some(into) = into else { return Ok((context.clone(), Workspace::open(context)?)) };
        let store = match &context.store {
            Some(store) => store.clone(),
            None => Workspace::open(context)?.store.root().to_owned(),
        };
        let there = context.at(into).map_err(|error| {
            error.hint(
                "`--into` needs a clone or work tree that is there; `--worktree BRANCH` makes a new one",
            )
        })?;
        let there = Context { store: Some(store), ..there };
        let workspace = Workspace::open(&there)?;
        Ok((there, workspace))
    }
}

/// What helps if a branch can't be had, or a place.
const ANOTHER_BRANCH: &str = "take another branch: `--worktree BRANCH` makes it if it does not exist";
const ANOTHER_PLACE: &str = "take another branch, or another folder with `--into DIR`";

/// Says why a work tree for this branch can't be made there, and what helps; `None` if nothing is known to be in the way.
fn in_the_way(repository: &Repository, branch: &str, place: &Path) -> Result<Option<(String, String)>> {
    let shown = Line(branch).to_string();
    let checked_out =
        |root: &Path| format!("branch {shown} is already checked out in {}", Line(&root.to_string_lossy()));
    if !repository.takes_branch(branch)? {
        if repository.head()?.branch.as_deref() == Some(branch) {
            return Ok(Some((checked_out(repository.root()), ANOTHER_BRANCH.to_owned())));
        }
        return Ok(Some(match repository.other_worktree_of(branch)? {
            Some(root) => {
                let gone =
                    format!("`git worktree remove {}` takes that one away", quoted(&root.to_string_lossy()));
                (checked_out(&root), format!("{ANOTHER_BRANCH}; {gone}"))
            }
            None => (format!("\"{shown}\" can't be the name of a branch"), ANOTHER_BRANCH.to_owned()),
        }));
    }
    let is_free = match place.read_dir() {
        Ok(mut inside) => inside.next().is_none(),
        Err(_) => place.symlink_metadata().is_err(),
    };
    Ok((!is_free).then(|| ("something is there already".to_owned(), ANOTHER_PLACE.to_owned())))
}

fn not_made(place: &Path, why: &str, hint: &str) -> Error {
    Error::new(Kind::Refused, format!("Cannot make a work tree at {}", Line(&place.to_string_lossy())))
        .because(why)
        .hint(hint)
}

/// Keeps `git add` in the main work tree from taking the others for repositories to embed.
fn hide_work_trees(home: &Path) {
    let place = Root::shared(home).at(restore::WORK_TREES).join(Path::new(".gitignore"));
    if let Ok(None) = place.stat() {
        let _best_effort = users_files::replace_there(&place, b"*\n");
    }
}

/// Says what is in the way; a merge is named only where git can make one.
fn in_conflict(conflicts: Conflicts, workspace: &Workspace, called: &str) -> Error {
    let too_old = workspace.repository.as_ref().and_then(Repository::too_old_to_merge);
    conflicts.into_error(called, &quoted(called), too_old.as_deref())
}

/// Returns what a snapshot is called here: two people's may have one name.
fn called(workspace: &Workspace, manifest: &Manifest) -> String {
    let names = workspace.store.names().unwrap_or_default();
    names.get(&manifest.id).unwrap_or(&manifest.name).clone()
}

fn find(workspace: &Workspace, reference: &str) -> Result<Manifest> {
    workspace.store.find(&Reference::parse(reference))?.manifest
}
