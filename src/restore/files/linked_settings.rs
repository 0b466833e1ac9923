//! Files that are the client's settings because a link leads to them: `.claude` as a link to a folder of the project, or
//! `.claude/settings.json` as a link to a file of it.

use std::path::{Component, Path, PathBuf};

/// Files that give rights, below the top of a work tree.
const GIVING_RIGHTS: [&str; 3] = [".claude/settings.json", ".claude/settings.local.json", ".mcp.json"];

/// The most links that are followed.
const MOST_LINKS: usize = 16;

/// Returns the files of a work tree that give rights under another name than their own, whether they are there or not.
pub(in crate::restore) fn linked_settings(root: &Path) -> Vec<PathBuf> {
    let led = |name: &&str| followed(root, name).filter(|file| *file != root.join(name));
    GIVING_RIGHTS.iter().filter_map(led).collect()
}

/// Follows the links below a root, as far as they stay there.
fn followed(root: &Path, name: &str) -> Option<PathBuf> {
    let mut left: Vec<PathBuf> = Path::new(name).iter().rev().map(PathBuf::from).collect();
    let (mut at, mut links) = (root.to_owned(), 0);
    while let Some(part) = left.pop() {
        match part.components().next() {
            Some(Component::ParentDir) => {
                at.pop();
            }
            Some(Component::RootDir) => at = PathBuf::from("/"),
            Some(Component::Normal(_)) => match at.join(&part).read_link() {
                Ok(target) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return None;
                    }
                    left.extend(target.iter().rev().map(PathBuf::from));
                }
                Err(_) => at.push(part),
            },
            _ => {}
        }
    }
    at.starts_with(root).then_some(at)
}
