//! What each snapshot of a store is called: its name, or `NAME@USER` if another one here has that name; a second one of this user
//! `NAME-2`.
//!
//! Pure. A name is given by whoever saved the snapshot, and stands in what they signed; so two people's snapshots of one
//! name stay what they are, and are told apart here. This user's own keeps the plain name, else the one that was here first.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::stems::stems_for;
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;

/// What is known of a snapshot that can be called.
pub(super) struct CallableSnapshot<'a> {
    /// The file name without `.json`.
    pub(super) stem: &'a str,
    /// Whether this user saved it.
    pub(super) own: bool,
    pub(super) id: &'a SnapshotId,
    pub(super) name: &'a str,
    /// Whoever saved it.
    pub(super) user: &'a str,
}

/// One file of a store, as far as its name goes.
pub(super) trait Callable {
    /// Returns the file name without `.json`.
    fn stem(&self) -> &str;
    /// Returns what it can be called by; `None` if it can't be read.
    fn named(&self) -> Option<CallableSnapshot<'_>>;
}

/// Returns what each of a store's snapshots that can be read is called, by its file.
pub(super) fn called_by_stem<T: Callable>(all: &[T]) -> HashMap<String, String> {
    let unread: Vec<&str> = all.iter().filter(|one| one.named().is_none()).map(Callable::stem).collect();
    called(&all.iter().filter_map(Callable::named).collect::<Vec<_>>(), &unread)
}

/// Says whether all can be read and no two have one name: then each is called by its own.
pub(super) fn are_plain<T: Callable>(all: &[T]) -> bool {
    let mut names = HashSet::with_capacity(all.len());
    all.iter().all(|one| one.named().is_some_and(|one| names.insert(one.name)))
}

/// Says whether the file of a snapshot that can't be read may be the one that had this name before the readable one: by the
/// file's name, which is all that is known of it.
pub(super) fn may_have_had(unread: &str, name: &str, readable: &CallableSnapshot<'_>) -> bool {
    let Some(first) = stems_for(name).next() else { return false };
    let number = unread.strip_prefix(&first).and_then(|rest| rest.strip_prefix('-'));
    // This user's own comes before all others; so of the later files only another one of theirs could.
    let is_later = || number.is_some_and(|number| number.parse::<u16>().is_ok());
    unread == first || !readable.own && is_later()
}

/// Returns what each is called, by its file. The name that one which can't be read may have had is not given to another one:
/// whoever types it may mean the unreadable one.
fn called(all: &[CallableSnapshot<'_>], unread: &[&str]) -> HashMap<String, String> {
    let names: HashSet<&str> = all.iter().map(|one| one.name).collect();
    if unread.is_empty() && names.len() == all.len() {
        return all.iter().map(|one| (one.stem.to_owned(), one.name.to_owned())).collect();
    }
    let mut by_name: BTreeMap<&str, Vec<&CallableSnapshot<'_>>> = BTreeMap::new();
    for one in all {
        by_name.entry(one.name).or_default().push(one);
    }
    let mut taken: BTreeSet<String> = by_name.keys().map(|name| (*name).to_owned()).collect();
    let mut called = HashMap::new();
    for (name, mut same) in by_name {
        // Files of one name are numbered in the order in which they came.
        same.sort_by_key(|one| (!one.own, one.stem.len(), one.stem));
        let is_doubtful = unread.iter().any(|stem| may_have_had(stem, name, same[0]));
        let mut known: BTreeMap<&SnapshotId, String> = BTreeMap::new();
        for one in same {
            let word = match known.get(one.id) {
                // Several files can hold one and the same snapshot.
                Some(word) => word.clone(),
                None if known.is_empty() && !is_doubtful => name.to_owned(),
                None if one.own => numbered(name, |word| taken.contains(word) || unread.contains(&word)),
                None => {
                    let by_user = format!("{name}@{}", word_for(one.user));
                    if taken.contains(&by_user) { format!("{name}@{}", one.id.short()) } else { by_user }
                }
            };
            taken.insert(word.clone());
            known.insert(one.id, word.clone());
            called.insert(one.stem.to_owned(), word);
        }
    }
    called
}

/// Returns a name with the first number behind it that makes one which is not taken, as for names that are made.
fn numbered(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number: usize| format!("{name}-{number}"));
    numbered.into_iter().find(|word| !is_taken(word)).unwrap_or_default()
}

/// Returns a user's name as one word, safe to show.
fn word_for(user: &str) -> String {
    Line(user).to_string().split_whitespace().collect::<Vec<_>>().join("-")
}

/// Says whether `NAME@WHO` means this one: by its user, or by the start of its id. This user's own has its plain name: what
/// was meant for another one that is gone must not hit it.
pub(super) fn is_meant(reference: &str, one: &CallableSnapshot<'_>) -> bool {
    let who = reference.strip_prefix(one.name).and_then(|rest| rest.strip_prefix('@'));
    who.is_some_and(|who| {
        (!one.own && who == word_for(one.user)) || (who.len() >= 4 && one.id.as_str().starts_with(who))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_of_one_name_are_told_apart_by_who_saved_them() {
        let ids: Vec<SnapshotId> = ["a", "b", "c", "d", "e"]
            .map(|letter| SnapshotId::parse(&letter.repeat(32)).expect("an id"))
            .into_iter()
            .collect();
        let one = |stem, own, id: usize, name, user| CallableSnapshot { stem, own, id: &ids[id], name, user };
        let all = [
            one("wip", false, 0, "wip", "ada"),
            one("wip-2", true, 1, "wip", "me"),
            one("wip-3", false, 2, "wip", "ada"),
            one("wip-4", false, 0, "wip", "ada"),
            one("mine", true, 1, "mine", "me"),
            one("mine-2", true, 2, "mine", "me"),
            one("mine-3", true, 3, "mine", "me"),
            one("mine-2-2", true, 4, "mine-2", "me"),
            one("other", false, 3, "other", "bob"),
            one("other-2", false, 4, "other", "uid 7"),
        ];
        let names = called(&all, &[]);
        for (stem, wanted) in [
            ("wip-2", "wip"),
            ("wip", "wip@ada"),
            ("wip-4", "wip@ada"),
            ("wip-3", "wip@cccccccc"),
            ("mine", "mine"),
            ("mine-2", "mine-3"),
            ("mine-3", "mine-4"),
            ("mine-2-2", "mine-2"),
            ("other", "other"),
            ("other-2", "other@uid-7"),
        ] {
            assert_eq!(names[stem], wanted, "{stem}");
        }
        let with_damaged = |stem| called(&all, &[stem]);
        // Only the own one is sure to have had its name before a later file.
        assert_eq!(with_damaged("wip")["wip-2"], "wip-2");
        assert_eq!((&*with_damaged("wip-9")["wip-2"], &*with_damaged("wip-x")["wip-2"]), ("wip", "wip"));
        assert_eq!(
            (&*with_damaged("other-9")["other"], &*with_damaged("wip")["other"]),
            ("other@bob", "other")
        );
        assert!(is_meant("wip@ada", &all[0]) && is_meant("wip@cccc", &all[2]));
        assert!(!is_meant("wip", &all[0]) && !is_meant("wip@ccc", &all[2]) && !is_meant("wip@bob", &all[0]));
    }
}
