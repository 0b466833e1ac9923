//! Finds renames: a file that only the old side has, and that has another name on the new side.
//!
//! First by the id of the content, which needs no reading. Then by similar content. Then by what a save has
//! found. Reading is bounded, because nothing is shown before it. Beyond the bounds, a file is shown as gone
//! and another as new. The same is true of a file that can't be read; the error is reported when its turn
//! comes.

use std::collections::{BTreeMap, BTreeSet};

use super::loader::{Detail, Loader};
use super::{Item, ItemSource, RenamedFrom, VersionAt};
use crate::base::paths::RepoPath;
use crate::diff::Options;
use crate::diff::renames::{self, RenameCandidate, Sketch};
use crate::sys::work_tree::{Node, Tree};
use crate::workspace::Workspace;

/// The most new files on the disk that are read, and the most that are looked for there.
const MOST_READ: usize = 1_000;
const MOST_LOOKED_FOR: usize = 2_000;

/// The most bytes of new files on the disk that are read.
const MOST_BYTES: u64 = 4 << 20;

/// The most files of either side that are compared with others, and the most bytes of all of them.
const MOST_COMPARED: usize = 100;
const MOST_BYTES_COMPARED: u64 = 1 << 20;

/// A file that only one side has.
struct OneSided {
    /// The number of its item.
    item: usize,
    /// The id of its content.
    oid: String,
}

/// Makes one item of each two that are the sides of a rename.
pub(super) fn joined(workspace: &Workspace, items: Vec<Item>) -> Vec<Item> {
    let (mut gone, mut new) = sides(workspace, &items);
    if gone.is_empty() || new.is_empty() {
        return items;
    }
    let mut loader = Loader::new(workspace, Options::default(), Detail::Lines);
    let mut found = Renames::new();
    let mut keep = |more: Renames, gone: &mut Vec<OneSided>, new: &mut Vec<OneSided>| {
        let matched: BTreeSet<usize> = more.iter().flat_map(|(new, (gone, _))| [*new, *gone]).collect();
        [gone, new].into_iter().for_each(|side| side.retain(|one| !matched.contains(&one.item)));
        found.extend(more);
    };
    keep(by_id(&gone, &new), &mut gone, &mut new);
    keep(by_likeness(&mut loader, &items, &gone, &new), &mut gone, &mut new);
    keep(as_saved(&items, &gone, &new), &mut gone, &mut new);
    if found.is_empty() {
        return items;
    }
    let origins: BTreeMap<usize, (RepoPath, VersionAt)> = found
        .values()
        .filter_map(|(gone, _)| match &items[*gone].source {
            ItemSource::Pair(old, _) => Some((*gone, (items[*gone].path.clone(), old.clone()))),
            ItemSource::Stored(_) => None,
        })
        .collect();
    let join = |(number, item): (usize, Item)| {
        if origins.contains_key(&number) {
            return None;
        }
        let Some((origin, similarity)) = found.get(&number) else { return Some(item) };
        let ItemSource::Pair(_, now) = item.source else { return Some(item) };
        let (path, old) = origins.get(origin)?.clone();
        Some(Item {
            path: item.path,
            from: Some(RenamedFrom { path, similarity: *similarity }),
            source: ItemSource::Pair(old, now),
        })
    };
    items.into_iter().enumerate().filter_map(join).collect()
}

/// Maps the number of a new item to that of the item that is gone, with how much is the same, if known.
type Renames = BTreeMap<usize, (usize, Option<u64>)>;

/// Finds the files that only one side has.
fn sides(workspace: &Workspace, items: &[Item]) -> (Vec<OneSided>, Vec<OneSided>) {
    let (mut gone, mut new, mut on_disk, mut maybe_gone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (number, item) in items.iter().enumerate() {
        let ItemSource::Pair(old, now) = &item.source else { continue };
        let one = |place: &VersionAt| {
            let version = place.version().filter(|version| version.mode.is_file());
            version.map(|version| OneSided { item: number, oid: version.oid })
        };
        match (old.is_nothing(), now) {
            (true, VersionAt::Disk(cleaning)) => on_disk.push((number, cleaning)),
            (false, VersionAt::Disk(_)) => maybe_gone.extend(one(old)),
            (true, now) => new.extend(one(now)),
            (false, now) if now.is_nothing() => gone.extend(one(old)),
            (false, _) => {}
        }
    }
    if on_disk.is_empty() || on_disk.len() > MOST_READ || maybe_gone.len() > MOST_LOOKED_FOR {
        return (gone, new);
    }
    let (Some(repository), Ok(tree)) = (&workspace.repository, Tree::open(&workspace.root)) else {
        return (gone, new);
    };
    gone.extend(maybe_gone.into_iter().filter(|one| matches!(tree.size(&items[one.item].path), Ok(None))));
    if gone.is_empty() {
        return (gone, new);
    }
    let mut left = MOST_BYTES;
    let mut blobs = repository.blobs();
    for (item, cleaning) in on_disk {
        let path = &items[item].path;
        if let Ok(Some(size)) = tree.size(path)
            && size <= left
            && let Ok(Node::File { mode, bytes, .. }) = tree.read(path)
            && mode.is_file()
        {
            left = left.saturating_sub(size);
            let compared = cleaning.compared(path, &bytes, &mut blobs).ok().flatten().unwrap_or(bytes);
            new.push(OneSided { item, oid: repository.hash().blob_id(&compared) });
        }
    }
    (gone, new)
}

fn by_id(gone: &[OneSided], new: &[OneSided]) -> Renames {
    let mut left: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for one in gone.iter().rev() {
        left.entry(&one.oid).or_default().push(one.item);
    }
    let origin =
        |one: &OneSided| left.get_mut(one.oid.as_str())?.pop().map(|gone| (one.item, (gone, Some(100))));
    new.iter().filter_map(origin).collect()
}

/// Finds what the save of either side has found to be a rename.
fn as_saved(items: &[Item], gone: &[OneSided], new: &[OneSided]) -> Renames {
    fn by_path<'a>(items: &'a [Item], side: &[OneSided]) -> BTreeMap<&'a RepoPath, usize> {
        side.iter().map(|one| (&items[one.item].path, one.item)).collect()
    }
    let (gone_paths, new_paths) = (by_path(items, gone), by_path(items, new));
    let mut found = Renames::new();
    let mut taken = BTreeSet::new();
    let mut keep = |new: Option<usize>, gone: Option<usize>| {
        if let Some((new, gone)) = new.zip(gone)
            && !found.contains_key(&new)
            && taken.insert(gone)
        {
            found.insert(new, (gone, None));
        }
    };
    for one in new {
        let ItemSource::Pair(_, now) = &items[one.item].source else { continue };
        keep(Some(one.item), now.origin().and_then(|path| gone_paths.get(path).copied()));
    }
    for one in gone {
        let ItemSource::Pair(old, _) = &items[one.item].source else { continue };
        keep(old.origin().and_then(|path| new_paths.get(path).copied()), Some(one.item));
    }
    found
}

fn by_likeness(loader: &mut Loader<'_>, items: &[Item], gone: &[OneSided], new: &[OneSided]) -> Renames {
    let none = gone.is_empty() || new.is_empty();
    if none || gone.len() > MOST_COMPARED || new.len() > MOST_COMPARED {
        return Renames::new();
    }
    let mut left = MOST_BYTES_COMPARED;
    let mut sketch = |one: &OneSided, is_new: bool| -> Option<(usize, Sketch)> {
        let ItemSource::Pair(old, now) = &items[one.item].source else { return None };
        let loaded = loader.load(&items[one.item].path, if is_new { now } else { old }).ok()??;
        let content = loaded.content.filter(|content| content.size() <= left.min(renames::LARGEST as u64))?;
        left -= content.size();
        Some((one.item, Sketch::of(&content.into_bytes().ok()?)))
    };
    let gone: Vec<_> = gone.iter().filter_map(|one| sketch(one, false)).collect();
    let new: Vec<_> = new.iter().filter_map(|one| sketch(one, true)).collect();
    let pairs = renames::pair(&candidates(items, &gone), &candidates(items, &new));
    let found = new.iter().zip(pairs).filter_map(|((item, sketch), origin)| {
        let (origin, old) = &gone[origin?];
        Some((*item, (*origin, Some(sketch.likeness(old)))))
    });
    found.collect()
}

fn candidates<'a>(items: &'a [Item], side: &'a [(usize, Sketch)]) -> Vec<RenameCandidate<'a>> {
    side.iter().map(|(item, sketch)| RenameCandidate { path: &items[*item].path, sketch }).collect()
}
