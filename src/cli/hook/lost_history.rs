//! What a step takes away of a repository itself: stash entries, commits that nobody else has, git's own folder.
//!
//! No snapshot holds these, so a person learns of them before the step.

use std::path::{Path, PathBuf};

use crate::base::error::Result;
use crate::base::screen::Line;
use crate::cli::output::words::count;
use crate::git::{MOST_COUNTED, Repository, Stashed};
use crate::risk::{Forgets, Reach, Risk, Target};
use crate::workspace::Workspace;

/// At most this many stash entries are named; the others are counted.
const MOST_NAMED: usize = 3;

/// Says whether a step takes away the repository of a work tree: git's own folder, or what its commits are in.
pub(super) fn is_gone(risk: &Risk, gone: &[PathBuf], repository: &Repository) -> bool {
    let [_, common] = repository.own_folders();
    let parts = [common.to_owned(), common.join("objects"), common.join("refs")];
    // Of git's own commands, only one that cleans removes repositories: those inside the tree that it works in.
    let by_git = |place: &Path| risk.step.starts_with("git ") && place == repository.root();
    // What is moved is still there.
    risk.class != "rename"
        && gone.iter().any(|place| !by_git(place) && parts.iter().any(|part| part.starts_with(place)))
}

/// Says whether it is only found when a step runs what of a place it takes.
pub(super) fn may_stay(risk: &Risk) -> bool {
    risk.class == "overwrite"
        || risk.step.contains("{}")
        || risk.step.starts_with("find")
        || removes_what_a_list_says(risk)
}

/// Says whether a step removes what a command prints when it runs: git's list of untracked files has whole folders, the one with the
/// store among them.
pub(super) fn removes_what_a_list_says(risk: &Risk) -> bool {
    let touched = &risk.touched;
    let is_printed = |unknown: &String| unknown.starts_with("$(");
    // What is a variable's is no list; then the whole tree stands for what is not known.
    let is_listed = |target: &Target| touched.unknown.is_empty() && target.reach == Reach::Tree;
    risk.class == "delete"
        && !risk.step.starts_with("git ")
        && (touched.unknown.iter().any(is_printed) || touched.targets.iter().any(is_listed))
}

/// Returns it in words.
pub(super) fn of_step(risk: &Risk, gone: &[PathBuf], workspace: &Workspace) -> Result<Vec<String>> {
    let Some(repository) = &workspace.repository else { return Ok(Vec::new()) };
    let mut said = Vec::new();
    match &risk.touched.forgets {
        Some(Forgets::Stash(entry)) => {
            let all = repository.stashes()?.into_iter().enumerate();
            let going =
                all.filter(|(number, _)| entry.is_none_or(|entry| entry == *number)).collect::<Vec<_>>();
            said.extend(of_stashes(&going));
        }
        Some(Forgets::Branches(branches)) => {
            for branch in branches {
                if let Some((commit, number @ 1..)) = repository.only_on(branch, branches)? {
                    said.push(format!(
                        "branch {} has {} that nothing else has; until git cleans up, `git branch {} {}` \
                         brings them back",
                        Line(branch),
                        commits(number),
                        Line(branch),
                        short(&commit),
                    ));
                }
            }
        }
        None => {}
    }
    // With names to look for, git's own files are rarely meant.
    let filtered = ["-name", "-iname", "-path", "-regex"].iter().any(|option| risk.step.contains(option));
    if is_gone(risk, gone, repository) && (!may_stay(risk) || (risk.step.starts_with("find") && !filtered)) {
        let [_, common] = repository.own_folders();
        let (number, stashes) = (repository.commits_only_here()?, repository.stashes()?.len());
        let mut held = Vec::new();
        held.extend((number > 0).then(|| format!("{} that no remote is known to have", commits(number))));
        held.extend((stashes > 0).then(|| entries(stashes)));
        let alone = !gone.iter().any(|place| workspace.root.starts_with(place));
        let folder = Line(&common.to_string_lossy()).to_string();
        match held.is_empty() {
            true if alone => said.push(format!("{folder} is not in the snapshot")),
            true => {}
            false => said.push(format!("{folder} is not in the snapshot: {}", held.join(", "))),
        }
    }
    Ok(said)
}

fn of_stashes(going: &[(usize, Stashed)]) -> Option<String> {
    let named = going.iter().take(MOST_NAMED).map(|(number, stashed)| {
        format!("stash@{{{number}}} ({}, {})", Line(&stashed.text), short(&stashed.commit))
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let all = match going.len().saturating_sub(MOST_NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    };
    let first = going.first()?;
    Some(format!(
        "no snapshot holds {all}; until git cleans up, `git stash apply {}` brings it back",
        short(&first.1.commit)
    ))
}

fn commits(number: usize) -> String {
    if number >= MOST_COUNTED { format!("at least {MOST_COUNTED} commits") } else { count(number, "commit") }
}

fn entries(number: usize) -> String {
    if number == 1 { "1 stash entry".to_owned() } else { format!("{number} stash entries") }
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
