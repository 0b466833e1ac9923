//! What `snap status` finds wrong, each with the command that mends it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::base::screen::Line;
use crate::cli::commands::init::{off_switch, set_up};
use crate::cli::output::words::{count, quoted};
use crate::cli::program_name;
use crate::cli::unfinished;
use crate::client::{HookPlace, Stopped, hooks_stopped};
use crate::context::Context;
use crate::git::Repository;
use crate::restore;
use crate::store::{Saved, Summaries};
use crate::workspace::Workspace;

/// Something that is wrong, and the command that mends it.
#[derive(Serialize)]
pub(super) struct Problem {
    pub(super) what: String,
    pub(super) mend: String,
}

/// Names the settings that keep hooks from being called.
pub(super) fn stopped(context: &Context, workspace: &Workspace) -> Vec<Problem> {
    let of_one = |(path, why): (PathBuf, Stopped)| {
        let path = path.display().to_string();
        match why {
            Stopped::TurnedOff => Problem {
                what: format!("{path} turns all hooks off"),
                mend: "take `disableAllHooks` out of it".to_owned(),
            },
            Stopped::Unreadable => Problem {
                what: format!("{path} is no JSON, so the client reads nothing of it"),
                mend: "correct it".to_owned(),
            },
        }
    };
    hooks_stopped(&workspace.root, &context.config_dir).into_iter().map(of_one).collect()
}

/// Says once of checkpoints in this store that their conversation did not follow.
pub(super) fn unfinished(context: &Context, workspace: &Workspace) -> Vec<Problem> {
    let mut all = unfinished::to_tell(context);
    all.retain(|one| one.store.as_path() == workspace.store.root());
    let told = all.into_iter().filter_map(|one| unfinished::tell(context, one));
    told.map(|told| Problem { what: told.what, mend: told.mend.to_owned() }).collect()
}

/// Says that the last session that was saved here worked in a folder that is gone: if this one was moved, the client finds no
/// session in it.
pub(super) fn moved(workspace: &Workspace, all: &Summaries) -> Option<Problem> {
    let of_main = |saved: &Saved<'_>| saved.head.session().is_some() && saved.summary().worktree.is_none();
    let own = all.iter().filter(|one| one.known.own);
    let (one, saved) = own.filter_map(|one| Some((one, one.readable().filter(of_main)?))).next()?;
    let root = saved.head.root().as_path();
    let name = Line(one.called).to_string();
    (root != workspace.root && !root.exists()).then(|| Problem {
        what: format!("the session of \"{name}\" worked in {}, which is gone", Line(&root.to_string_lossy())),
        mend: format!(
            "if this folder was moved, `snap resume --no-edits {}` goes on with it here",
            quoted(&name)
        ),
    })
}

/// Looks for what a person should mend.
pub(super) fn problems(
    workspace: &Workspace,
    all: &Summaries,
    lacking: &[String],
    places: &[HookPlace],
    called: Option<&Path>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut tell = |what: String, mend: &str| problems.push(Problem { what, mend: mend.to_owned() });
    if let Some(error) = workspace.trust.unusable_key() {
        let mend = error.next_step().unwrap_or("make it readable for you alone").to_owned();
        tell(format!("no snapshot counts as yours: {error}"), &mend);
    }
    let damaged = all.iter().filter(|one| one.saved.is_err()).count();
    if damaged > 0 {
        tell(format!("{} can't be read", count(damaged, "snapshot")), "`snap verify --repair`");
    }
    for aside in workspace.store.manifests_aside().unwrap_or_default() {
        tell(format!("{}: {}", quoted(&aside.name), aside.told()), &aside.mend());
    }
    let mut lack = all.iter().filter(|one| lacking.contains(&one.known.stem)).map(|one| quoted(one.called));
    if let Some(first) = lack.next() {
        let more = lack.count();
        let more = if more == 0 { String::new() } else { format!(" and {}", count(more, "more snapshot")) };
        tell(
            format!("content of {first}{more} is damaged or missing"),
            "`snap verify` names what, `snap verify --repair` mends what is still somewhere",
        );
    }
    if let Ok(lost @ 1..) = workspace.store.lost_names() {
        tell(
            format!("the files of {} were removed, as by `git clean -x`", count(lost, "snapshot")),
            "the next `snap save` brings them back",
        );
    }
    if let Ok((roots, _)) = restore::cut_off(workspace)
        && !roots.is_empty()
    {
        tell(
            "a restore was interrupted".to_owned(),
            "the next `snap save`, `rewind` or `undo` finishes it or rolls it back",
        );
    }
    for left in restore::leftovers(workspace).unwrap_or_default() {
        let left = Line(&left).to_string();
        tell(
            format!("a restore that was killed has left files from before it in {left}"),
            &format!(
                "look at them, as their places have other files now; `rm -r {}` when you no longer need them",
                quoted(&left)
            ),
        );
    }
    let in_conflict =
        workspace.repository.as_ref().and_then(|git| git.in_conflict().ok()).unwrap_or_default();
    if let Some(first) = in_conflict.first() {
        let first = Line(&first.to_string()).to_string();
        let (what, them) = match in_conflict.len() {
            1 => (format!("{first} is in conflict"), "it"),
            more => (format!("{first} and {} are in conflict", count(more - 1, "more path")), "them"),
        };
        // In an operation of git's own, an undo would take back something else.
        let back = match workspace.repository.as_ref().and_then(Repository::operation) {
            Some("bisect") | None => match restore::takes_merge_back(workspace) {
                Ok(Some(way)) => format!("; {} takes the merge of snap back", way.command()),
                _ => String::new(),
            },
            Some(operation) => format!("; `git {operation} --abort` takes the {operation} back"),
        };
        tell(what, &format!("put {them} right, then `git add` {them}{back}"));
    }
    for place in places.iter().filter(|place| place.by_short_name) {
        let renew = set_up(place.scope);
        tell(
            format!("hooks in {} call whatever program is called `snap`", place.path.display()),
            &format!("`{renew}` renews them"),
        );
    }
    let plugin = places.iter().find_map(|place| place.plugin.as_ref());
    let own = places.iter().find(|place| place.hooks);
    if let (Some(plugin), Some(own)) = (plugin, own) {
        tell(
            "a plugin and settings both call snap".to_owned(),
            &format!("`claude plugin disable {}`, or `{}`", Line(plugin), off_switch(own.scope)),
        );
    }
    if !places.is_empty() {
        match called {
            None => tell("the hooks find no `claude-snap`".to_owned(), program_name::HOW_TO_BE_FOUND),
            Some(other) if !program_name::is_this(other) => tell(
                format!("the hooks call another program, {}", other.display()),
                "put a link to this program in its place, or uninstall it",
            ),
            Some(_) => {}
        }
    }
    problems
}
