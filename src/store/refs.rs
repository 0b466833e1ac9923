//! Names: what a person may call a snapshot, and references.

use std::collections::HashMap;

use super::display_names::{Callable as _, called_by_stem, is_meant, may_have_had};
use super::stems::stems_for;
use super::{Entry, Quarantined, Store, Trashed, UnreadEntry};
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::screen::{Line, cut};
use crate::base::similar_names::was_meant;
use crate::manifest::{Manifest, Trigger};

/// Returns a name in quotes, safe to show.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", Line(name))
}

fn removed_meanwhile() -> Error {
    Error::new(Kind::NotFound, "The snapshot was removed meanwhile")
        .hint("`snap list` shows those that are there")
}

const LONGEST_NAME: usize = 120;
const NAME_ANOTHER: &str = "a newer snapshot can't be read; name the one you mean (`snap list`)";

/// Checks what a person wants to call a snapshot.
///
/// # Errors
/// [`Kind::Usage`]: it is empty, too long, has control characters, begins with `-`, or
/// means something else already (`latest`).
pub fn check_name(name: &str) -> Result<()> {
    check_name_of(name, "a snapshot's name")
}

/// The same for one that is given now: it must also be no word that people take for something else. Snapshots of earlier
/// versions may have such a name.
///
/// # Errors
/// As [`check_name`].
pub fn check_new_name(name: &str, what: &str) -> Result<()> {
    check_name_of(name, what)?;
    let why = if name.chars().all(|c| c.is_ascii_punctuation() || c.is_whitespace()) {
        "a name has at least one letter or digit"
    } else if name.to_lowercase() == "latest" || name.to_lowercase().starts_with("latest~") {
        "it would be taken for `latest`, which always means the newest snapshot"
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::Usage, format!("\"{name}\" can't be {what}")).because(why))
}

/// Checks the name of anything that stands for a snapshot: `what` it would be.
fn check_name_of(name: &str, what: &str) -> Result<()> {
    let shown = Line(name).to_string();
    let why = if name.trim().is_empty() {
        "a name has at least one letter"
    } else if name.trim() != name {
        "a name doesn't begin or end with a blank"
    } else if name.len() > LONGEST_NAME {
        "a name has at most 120 bytes"
    } else if shown != name {
        "a name has no control or invisible characters"
    } else if name.starts_with('-') {
        "a name doesn't begin with a dash"
    } else if name == "latest" || name.starts_with("latest~") {
        "`latest` always means the newest snapshot"
    } else {
        return Ok(());
    };
    // What is cut loses its blanks at both ends, and these may be what is wrong.
    let shown = if shown.chars().count() > LONGEST_SHOWN { cut(&shown, LONGEST_SHOWN) } else { shown };
    Err(Error::new(Kind::Usage, format!("\"{shown}\" can't be {what}")).because(why))
}

/// How a person points at a snapshot: a name, `latest`, `latest~2`, or the start of an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// So many before the newest.
    Latest(usize),
    /// A whole name, or the start of an id.
    Named(String),
    /// The same as a person types it: the beginning of a name is enough if no other has it.
    Typed(String),
}

impl Reference {
    /// Reads what was typed.
    pub fn parse(text: &str) -> Reference {
        let back = match text.strip_prefix("latest") {
            Some("") => Some(0),
            Some(rest) => rest.strip_prefix('~').and_then(|n| n.parse().ok()),
            None => None,
        };
        back.map_or_else(|| Reference::Typed(text.to_owned()), Reference::Latest)
    }

    /// Returns the same, but with the beginning of a name no longer enough.
    pub fn whole(self) -> Reference {
        match self {
            Reference::Typed(name) => Reference::Named(name),
            other => other,
        }
    }
}

/// The most characters that are shown of a name that can't be one.
const LONGEST_SHOWN: usize = 60;

/// The start of an id is one from this length on.
const SHORTEST_START: usize = 4;

fn count_of(number: usize) -> String {
    if number == 1 { "one is".to_owned() } else { format!("{number} are") }
}

impl Store {
    /// Finds the one snapshot that a reference means. `latest` skips safety snapshots. Of all other
    /// snapshots, only the identifying part is read.
    ///
    /// # Errors
    /// [`Kind::NotFound`] and [`Kind::Ambiguous`] with what there is; what is wrong with the
    /// manifest if it is damaged or from a later version.
    pub fn find(&self, reference: &Reference) -> Result<Entry> {
        let (entry, passed) = self.search(reference).map_err(|error| self.or_put_away(reference, error))?;
        if let (Some(error), Ok(mut over)) = (passed, self.passed_over.lock()) {
            *over = Some(error);
        }
        Ok(entry)
    }

    /// Returns what a snapshot is called here: its name, or `NAME@USER` or `NAME-2` if another one has that.
    pub fn called(&self, manifest: &Manifest) -> String {
        let known = self.known().unwrap_or_default();
        let mut called = called_by_stem(&known);
        let this = known.iter().find(|one| one.head.as_ref().is_ok_and(|head| head.id == manifest.id));
        this.and_then(|this| called.remove(&this.stem)).unwrap_or_else(|| manifest.name.clone())
    }

    /// Returns what each snapshot that can be read is called here.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the store can't be read.
    pub fn names(&self) -> Result<HashMap<SnapshotId, String>> {
        let known = self.known()?;
        let called = called_by_stem(&known);
        let heads = known.iter().filter_map(|one| Some((one.head.as_ref().ok()?, called.get(&one.stem)?)));
        Ok(heads.map(|(head, name)| (head.id.clone(), name.clone())).collect())
    }

    /// Finds the one snapshot that a reference means, as [`Store::find`]; but one that can't be read is not skipped: for
    /// commands that remove or change the one that is found.
    ///
    /// # Errors
    /// As [`Store::find`]; and why one can't be read that may be meant.
    pub fn find_exactly(&self, reference: &Reference) -> Result<Entry> {
        match self.search(reference).map_err(|error| self.or_put_away(reference, error))? {
            (entry, None) => Ok(entry),
            (_, Some(error)) => Err(error.hint(NAME_ANOTHER)),
        }
    }

    /// Says of a snapshot that was not found that it is in the trash or in quarantine, if it is.
    fn or_put_away(&self, reference: &Reference, error: Error) -> Error {
        if error.kind() != Kind::NotFound {
            return error;
        }
        let mut trash = self.all_in_trash().unwrap_or_default();
        // What was removed last comes back first.
        trash.sort_by_key(|one| (one.automatic, std::cmp::Reverse(one.removed_at)));
        match reference {
            Reference::Latest(0) if !trash.is_empty() && self.has_safety_alone() => {
                let error = error.because(format!("{} in the trash", count_of(trash.len())));
                match trash.into_iter().find(|one| !one.automatic) {
                    Some(one) => error.in_trash(one.batch),
                    None => error,
                }
            }
            Reference::Latest(_) => error,
            Reference::Named(word) | Reference::Typed(word) => {
                let first = stems_for(word).next();
                let begins =
                    |id: &SnapshotId| word.len() >= SHORTEST_START && id.as_str().starts_with(word.as_str());
                let is_meant = |one: &Trashed| match &one.id {
                    Some(id) => one.name == *word || begins(id) || self.is_by_user(one, word),
                    None => one.name == *word || first.as_ref() == Some(&one.name),
                };
                let Some(one) = trash.into_iter().find(is_meant) else {
                    let is_aside =
                        |aside: &Quarantined| aside.name == *word || first.as_ref() == Some(&aside.name);
                    return match self.manifests_aside().unwrap_or_default().into_iter().find(is_aside) {
                        Some(aside) => error.because(aside.told()).hint(aside.mend()),
                        None => error,
                    };
                };
                if one.automatic {
                    return error.because("it was an automatic one, and was cleaned up");
                }
                error.because("it is in the trash").in_trash(one.batch)
            }
        }
    }

    fn has_safety_alone(&self) -> bool {
        let is_safety = |one: &UnreadEntry| one.head.as_ref().is_ok_and(|head| head.safety);
        self.known().is_ok_and(|known| known.iter().all(is_safety))
    }

    /// Returns why a snapshot that is newer than `latest` can't be read, once.
    pub fn take_passed_over(&self) -> Option<Error> {
        self.passed_over.lock().ok()?.take()
    }

    fn search(&self, reference: &Reference) -> Result<(Entry, Option<Error>)> {
        if matches!(reference, Reference::Typed(name) | Reference::Named(name) if name.is_empty()) {
            return Err(Error::new(Kind::Usage, "No snapshot is named")
                .because("the name is empty, as that of a variable that is not set")
                .hint("`snap list` shows the names"));
        }
        if let Reference::Latest(back) = reference
            && let Some(entry) = self.latest_at_once(*back)
        {
            return Ok((entry, None));
        }
        let found = match self.search_among(&self.known()?, reference) {
            // Nobody is told so because of an index.
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Ambiguous) => {
                self.search_among(&self.known_anew()?, reference)
            }
            found => found,
        };
        match found? {
            Some(found) => Ok(found),
            // The index was wrong.
            None => self.search_among(&self.known_without_index()?, reference)?.ok_or_else(removed_meanwhile),
        }
    }

    /// Finds the one of these that a reference means; `None` if its manifest is not what is known of it.
    fn search_among(
        &self,
        known: &[UnreadEntry],
        reference: &Reference,
    ) -> Result<Option<(Entry, Option<Error>)>> {
        let called = Store::called_by_stem(known);
        let (found, passed) = match reference {
            Reference::Latest(back) => self.find_latest(known, *back)?,
            Reference::Named(name) => (self.find_named(known, &called, name, false)?, None),
            Reference::Typed(name) => (self.find_named(known, &called, name, true)?, None),
        };
        let mut entry = self.demand(&found.stem).map_err(|error| match reference {
            Reference::Latest(_) => error.hint(NAME_ANOTHER),
            _ => error,
        })?;
        let is_same = match (&entry.manifest, &found.head) {
            (Ok(manifest), Ok(head)) => head.is_of(manifest) && entry.own == found.own,
            _ => true,
        };
        entry.is_called(&called);
        Ok(is_same.then_some((entry, passed)))
    }

    /// Reads a snapshot that was just found.
    fn demand(&self, stem: &str) -> Result<Entry> {
        let entry = self.entry(stem).ok_or_else(removed_meanwhile)?;
        match entry.manifest {
            Ok(_) => Ok(entry),
            Err(error) => Err(error),
        }
    }

    /// Finds a snapshot whose manifest can't be read, by its file's name.
    pub fn find_damaged(&self, stem: &str) -> Option<Entry> {
        let stem = stem.strip_suffix(".json").unwrap_or(stem);
        let first = stems_for(stem).next();
        let known = self.known().ok()?;
        let named = known.iter().filter(|one| one.stem == stem || first.as_ref() == Some(&one.stem));
        named.filter_map(|one| self.entry(&one.stem)).find(|entry| entry.manifest.is_err())
    }

    /// Returns what each of these is called here, by its file.
    pub fn called_by_stem(known: &[UnreadEntry]) -> HashMap<String, String> {
        called_by_stem(known)
    }

    /// Finds the newest but so many, and why one can't be read whose file is newer.
    fn find_latest<'k>(
        &self,
        known: &'k [UnreadEntry],
        back: usize,
    ) -> Result<(&'k UnreadEntry, Option<Error>)> {
        let manual = |entry: &&UnreadEntry| entry.head.as_ref().is_ok_and(|m| !m.safety);
        let unreadable = known.iter().filter(|entry| entry.head.is_err()).max_by_key(|entry| entry.written);
        let unreadable = unreadable.map(|entry| (entry.written, entry.head.as_ref().err().cloned()));
        let safety = known.iter().any(|entry| entry.head.as_ref().is_ok_and(|head| head.safety));
        let found = known.iter().filter(manual).nth(back);
        let passed = match (&found, unreadable) {
            (Some(found), Some((written, error))) if found.written < written => error,
            _ => None,
        };
        let damaged = known.iter().filter_map(|entry| entry.head.as_ref().err());
        found.map(|found| (found, passed)).ok_or_else(|| {
            let number = damaged.clone().count();
            if let (0, Some(first)) = (back, damaged.clone().next()) {
                let what = match (number, known.len()) {
                    (1, 1) => "The only snapshot can't be read".to_owned(),
                    (1, _) => "The only snapshot, but safety snapshots, can't be read".to_owned(),
                    _ => format!("{number} snapshots can't be read, and there is no other but safety snapshots"),
                };
                return Error::new(Kind::Damaged, what)
                    .because(first)
                    .hint("`snap verify --repair` mends what can be proved, and keeps the rest aside; `snap list` names them");
            }
            let message = match back {
                0 if safety => format!("There are only safety snapshots in {}", self.root().display()),
                0 => format!("There is no snapshot in {}", self.root().display()),
                _ => format!("There is no `latest~{back}`: `latest` counts {} here", known.iter().filter(manual).count()),
            };
            let hint = match back {
                0 if known.is_empty() => "in your project, `snap save NAME` makes one",
                0 => "in your project, `snap save NAME` makes one; `snap list -a` shows all",
                _ => "`snap list` shows them",
            };
            Error::new(Kind::NotFound, message).hint(hint)
        })
    }

    fn find_named<'k>(
        &self,
        known: &'k [UnreadEntry],
        called: &HashMap<String, String>,
        name: &str,
        by_beginning: bool,
    ) -> Result<&'k UnreadEntry> {
        let shown = Line(name).to_string();
        let has_name = |entry: &UnreadEntry| called.get(&entry.stem).is_some_and(|word| word == name);
        let has_lost_it = |one: &UnreadEntry, unread: &str| {
            one.named().is_some_and(|one| one.name == name && may_have_had(unread, name, &one))
        };
        let is_called = |entry: &UnreadEntry| match &entry.head {
            Ok(head) => has_name(entry) || head.id.as_str() == name,
            // A damaged one has no other name than its file's, or what would have become that.
            Err(_) if entry.stem == name || stems_for(name).next().as_ref() == Some(&entry.stem) => true,
            Err(_) => !known.iter().any(has_name) && known.iter().any(|one| has_lost_it(one, &entry.stem)),
        };
        let starts = |entry: &UnreadEntry| {
            let id = name.to_ascii_lowercase();
            name.len() >= SHORTEST_START && entry.head.as_ref().is_ok_and(|m| m.id.as_str().starts_with(&id))
        };
        let begins = |entry: &UnreadEntry| {
            let typed = name.to_lowercase();
            called.get(&entry.stem).unwrap_or(&entry.stem).to_lowercase().starts_with(&typed)
        };
        let (mut exact, rest): (Vec<&UnreadEntry>, Vec<&UnreadEntry>) =
            known.iter().partition(|entry| is_called(entry));
        // Several files can hold one and the same snapshot.
        let id = |one: &UnreadEntry| one.head.as_ref().ok().map(|head| head.id.clone());
        exact.sort_by_key(|one| (!one.own, id(one)));
        exact.dedup_by(|one, other| id(one).is_some() && id(one) == id(other));
        let (by_user, rest): (Vec<&UnreadEntry>, Vec<&UnreadEntry>) =
            rest.into_iter().partition(|one| one.named().is_some_and(|one| is_meant(name, &one)));
        if exact.is_empty() {
            exact = by_user;
        }
        let mut found: Vec<&UnreadEntry> = if exact.is_empty() {
            let may = |entry: &&UnreadEntry| starts(entry) || by_beginning && begins(entry);
            rest.into_iter().filter(may).collect()
        } else {
            exact.split_off(0)
        };
        found.dedup_by(|one, other| id(one).is_some() && id(one) == id(other));
        let is_safety = |entry: &UnreadEntry| entry.head.as_ref().is_ok_and(|head| head.safety);
        if found.len() > 1
            && found.iter().any(|entry| !is_safety(entry))
            && !found.iter().any(|entry| starts(entry))
        {
            // Nobody means what was saved before something was overwritten, unless they say so.
            found.retain(|entry| !is_safety(entry));
        }
        let is_hidden = |entry: &&UnreadEntry| {
            entry.head.as_ref().is_ok_and(|head| head.safety || head.created_by.trigger == Trigger::Auto)
        };
        let list = if found.iter().any(is_hidden) { "`snap list -a`" } else { "`snap list`" };
        let fitting: Vec<String> = found
            .iter()
            .take(3)
            .map(|entry| quoted(called.get(&entry.stem).unwrap_or(&entry.stem)))
            .collect();
        match (found.pop(), found.len()) {
            (Some(entry), 0) => match &entry.head {
                Err(error) => Err(error.clone()),
                Ok(_) => Ok(entry),
            },
            (None, _) if let Some(newest) = self.newest_called_of_line(name) => {
                let newest = quoted(&newest);
                Err(Error::new(Kind::NotFound, format!("There is no snapshot \"{shown}\""))
                    .because(format!("it is the name of a line, which is now at {newest}"))
                    .hint(format!("name that snapshot: {newest}")))
            }
            (None, _) => {
                let error = Error::new(Kind::NotFound, format!("There is no snapshot \"{shown}\""))
                    .because(format!("{} has none of that name or id", self.root().display()));
                let counts_back = name.split_once(['~', '^']).is_some_and(|(before, _)| {
                    before == "latest" || called.values().any(|word| word == before)
                });
                Err(match self.names_alike(known, called, name).as_slice() {
                    _ if counts_back => error.hint(
                        "only `latest` can be counted back from, as `latest~2`; `snap list` shows the names, and `snap list --tree` what was saved after what",
                    ),
                    [] if name.len() < SHORTEST_START && name.bytes().all(|b| b.is_ascii_hexdigit()) => error.hint(
                        format!("the start of an id has at least {SHORTEST_START} characters; `snap list` shows what there is"),
                    ),
                    [] if name.contains('/') => error.hint(
                        "`snap list` shows what there is; `snap follow USER/SESSION` reads a session on a remote, and `snap resume` fetches it",
                    ),
                    [] => error.hint("`snap list` shows what there is"),
                    alike => {
                        error.hint(format!("{} `snap list` shows all", was_meant(alike).unwrap_or_default()))
                    }
                })
            }
            (Some(_), others) => {
                Err(Error::new(Kind::Ambiguous, format!("\"{shown}\" fits {} snapshots", others + 1))
                    .because(format!("{}{}", fitting.join(", "), if others > 2 { ", …" } else { "" }))
                    .hint(format!("use more letters of the name, or of the id; {list} shows them")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_mislead_is_refused() {
        for bad in ["", " ", " a", "-rf", "latest", "latest~1", "a\x1b[2J", "a\u{202e}b", &"x".repeat(121)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        for good in ["before api refactor", "v1.2/rc", "größer", "latest-ish"] {
            assert_eq!(check_name(good), Ok(()), "{good:?}");
        }
    }

    #[test]
    fn references_are_read_as_typed() {
        assert_eq!(Reference::parse("latest"), Reference::Latest(0));
        assert_eq!(Reference::parse("latest~2"), Reference::Latest(2));
        assert_eq!(Reference::parse("latest~x"), Reference::Typed("latest~x".to_owned()));
        assert_eq!(Reference::parse("a b"), Reference::Typed("a b".to_owned()));
        assert_eq!(Reference::parse("a b").whole(), Reference::Named("a b".to_owned()));
    }
}
