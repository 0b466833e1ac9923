//! Which names a new snapshot can't have here: what has one, and what is called so.

use super::display_names::{Callable as _, CallableSnapshot, are_plain, called_by_stem, is_meant};
use super::refs::quoted;
use super::stems::stems_for;
use super::{LogEntry, Operation, Store, UnreadEntry};
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::{Line, for_shell};

impl Store {
    /// Refuses a name that a snapshot of this user has already. A snapshot that came with a clone does
    /// not block a name: the name then means the user's own.
    ///
    /// # Errors
    /// [`Kind::Refused`], with what to do.
    pub fn refuse_taken(&self, name: &str) -> Result<()> {
        let known = self.known()?;
        Store::refuse_unread(&known, name)?;
        // Where nobody can prove anything, any of them may be the user's.
        let counts = |known: &&UnreadEntry| known.own || !self.can_prove();
        let mut taken = known.iter().filter(|known| known.head.as_ref().is_ok_and(|head| head.name == name));
        match taken.find(counts).and_then(|known| known.head.as_ref().ok()) {
            None => Store::refuse_anothers(&known, name),
            Some(taken) => {
                let shown = Line(&taken.name).to_string();
                // Where two had this name, it may mean the other one by now, or be refused.
                let is_removal = |line: &LogEntry| {
                    matches!(line.operation, Operation::Remove | Operation::Prune) && line.name == taken.name
                };
                let is_sure =
                    are_plain(&known) && self.read_log().is_ok_and(|log| !log.iter().any(is_removal));
                let word = if is_sure { taken.name.as_str() } else { taken.id.short() };
                Err(Error::new(Kind::Refused, format!("There is a snapshot \"{shown}\" already"))
                    .because(format!("it was saved on {}", taken.created_at.minute()))
                    .hint(format!(
                        "take another name, or remove that one with `snap rm {}`",
                        for_shell(word)
                    )))
            }
        }
    }

    /// Refuses a name that a snapshot of another name goes by here, such as `NAME@USER`: that would get another one.
    fn refuse_anothers(known: &[UnreadEntry], name: &str) -> Result<()> {
        if are_plain(known) {
            return Ok(());
        }
        let all: Vec<_> = known.iter().filter_map(UnreadEntry::named).collect();
        let called = called_by_stem(known);
        let is_taken = |one: &CallableSnapshot<'_>| {
            one.name != name
                && (called.get(one.stem).is_some_and(|word| word == name) || !one.own && is_meant(name, one))
        };
        let Some(taken) = all.iter().find(|one| is_taken(one)) else { return Ok(()) };
        let shown = Line(name).to_string();
        let whose = if taken.own { "another snapshot" } else { "a snapshot of another user" };
        Err(Error::new(Kind::Refused, format!("\"{shown}\" is what {whose} is called here"))
            .because(format!("its name is \"{}\", and {} saved it", Line(taken.name), Line(taken.user)))
            .hint("take another name"))
    }

    /// Refuses a name that one which can't be read may have: the new one could not be called by it.
    fn refuse_unread(known: &[UnreadEntry], name: &str) -> Result<()> {
        let first = stems_for(name).next();
        let has_it = |one: &&UnreadEntry| one.head.is_err() && first.as_ref() == Some(&one.stem);
        let Some(unread) = known.iter().find(has_it) else { return Ok(()) };
        Err(Error::new(Kind::Refused, format!("There is a snapshot {} already", quoted(&unread.stem)))
            .because("it can't be read")
            .hint(format!(
                "take another name; `snap verify --repair` mends that one if it can, and `snap rm {}` removes it",
                for_shell(&unread.stem)
            )))
    }
}
