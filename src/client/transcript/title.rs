//! The title of a session, from the records that give it one: the user's own wins.
//!
//! Pure. Clients up to 2.1.29 wrote summaries of other sessions into a transcript too. Such a one names the record that
//! it ends with, which is then not in the file.

use serde::{Deserialize, Serialize};

/// The most summaries that are kept, newest last.
const MOST_SUMMARIES: usize = 100;

/// What the records say so far.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Titles {
    own: Option<String>,
    /// The client's own, or a summary that names no record.
    made: Option<String>,
    /// Summaries, with the record that each ends with.
    summaries: Vec<(String, String)>,
}

impl Titles {
    /// Takes in what the user called it.
    pub(super) fn given(&mut self, title: &str) {
        self.own = Some(title.to_owned());
    }

    /// Takes in what the client called it.
    pub(super) fn made(&mut self, title: &str) {
        self.made = Some(title.to_owned());
    }

    /// Takes in a summary, with the record that it ends with.
    pub(super) fn summary(&mut self, summary: String, leaf: Option<&str>) {
        let Some(leaf) = leaf else {
            self.made = Some(summary);
            return;
        };
        if self.summaries.len() == MOST_SUMMARIES {
            self.summaries.remove(0);
        }
        self.summaries.push((leaf.to_owned(), summary));
    }

    /// Returns the title; a summary only if the record that it names is here.
    pub(super) fn best(&self, is_here: impl Fn(&str) -> bool) -> Option<String> {
        let summary =
            || self.summaries.iter().rev().find(|(leaf, _)| is_here(leaf)).map(|(_, summary)| summary);
        self.own.as_ref().or(self.made.as_ref()).or_else(summary).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(given: Option<&str>, made: Option<&str>, summaries: &[(&str, Option<&str>)]) -> Option<String> {
        let mut titles = Titles::default();
        given.into_iter().for_each(|title| titles.given(title));
        summaries.iter().for_each(|(summary, leaf)| titles.summary((*summary).to_owned(), *leaf));
        made.into_iter().for_each(|title| titles.made(title));
        titles.best(|leaf| leaf == "u1")
    }

    #[test]
    fn a_title_given_by_the_user_wins_and_a_summary_counts_only_if_its_last_record_is_here() {
        let (ours, theirs) = (("ours", Some("u1")), ("theirs", Some("u9")));
        for (given, made, summaries, wanted) in [
            (Some("mine"), Some("made"), &[ours][..], Some("mine")),
            (None, Some("made"), &[ours][..], Some("made")),
            (None, None, &[("about", None)][..], Some("about")),
            (None, None, &[ours, theirs][..], Some("ours")),
            (None, None, &[theirs][..], None),
            (None, None, &[][..], None),
        ] {
            assert_eq!(best(given, made, summaries).as_deref(), wanted);
        }
    }
}
