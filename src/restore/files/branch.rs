//! `rewind --reset-branch`: moves the branch to the commit that the snapshot was saved on. An undo moves it
//! back. Nothing is lost: the safety snapshot's ref keeps the old tip.

use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::base::warning::Warning;
use crate::git::Repository;
use crate::manifest::Manifest;
use crate::store::MovedBranch;

/// Plans to move the branch; `None` if it is there already.
pub(in crate::restore) fn plan(repository: &Repository, manifest: &Manifest) -> Result<Option<MovedBranch>> {
    let refused = |why: String| Error::new(Kind::Refused, "Cannot reset the branch").because(why);
    let Some(to) = manifest.base_commit().map(str::to_owned) else {
        return Err(refused("the snapshot was saved before the first commit".to_owned()));
    };
    if !repository.has_commit(&to)? {
        return Err(repository.lacks_commit(&to));
    }
    let head = repository.head()?;
    let Some(from) = head.commit else {
        return Err(refused("there is no commit here yet".to_owned()));
    };
    if let Some(operation) = repository.operation() {
        return Err(refused(format!("a {operation} is in progress here"))
            .hint(format!("finish or abort it first (`git {operation} --abort`)")));
    }
    let saved = &manifest.workspace.branch;
    let renamed = match (saved, &head.branch) {
        (Some(saved), Some(here)) if saved != here => repository.was_renamed(saved, here)?,
        _ => false,
    };
    if head.branch != *saved && !renamed {
        let name = |branch: &Option<String>| match branch {
            Some(branch) => format!("branch {}", Line(branch)),
            None => "no branch".to_owned(),
        };
        let hint = match saved {
            Some(branch) if !repository.has_branch(branch)? => {
                format!("{} is gone; without `--reset-branch` only the files are put back", Line(branch))
            }
            Some(branch) => format!("`git switch {}` first", Line(branch)),
            None => "`git switch --detach` first".to_owned(),
        };
        return Err(refused(format!(
            "it was saved on {}, and this work tree is on {}",
            name(saved),
            name(&head.branch)
        ))
        .hint(hint));
    }
    if let Some(branch) = &head.branch
        && let Some(place) = repository.other_worktree_of(branch)?
    {
        return Err(refused(format!("{} is checked out in {} too", Line(branch), place.display())));
    }
    Ok((from != to).then_some(MovedBranch { branch: head.branch, from, to }))
}

/// Plans to undo a move; `Err` with a note if the branch is no longer where it was put.
pub(in crate::restore) fn plan_back(
    repository: &Repository,
    moved: &MovedBranch,
) -> Result<std::result::Result<MovedBranch, Warning>> {
    let head = repository.head()?;
    if head.branch != moved.branch {
        let shown = |branch: &Option<String>| {
            branch.as_deref().map_or("a detached HEAD".to_owned(), |name| Line(name).to_string())
        };
        return Err(Error::new(Kind::Refused, "Cannot do that on this branch; nothing was changed")
            .because(format!(
                "it moved {}, and this work tree is on {}",
                shown(&moved.branch),
                shown(&head.branch)
            ))
            .hint("`git switch` to that branch first"));
    }
    let back = MovedBranch { branch: moved.branch.clone(), from: moved.to.clone(), to: moved.from.clone() };
    let there = head.commit.as_ref() == Some(&moved.to);
    Ok(if there { Ok(back) } else { Err(Warning::BranchMovedSince(moved.name())) })
}
