//! Which snapshots a list shows, and what it says of the others. Pure.

use crate::base::paths::NativePath;
use crate::base::timestamp::Timestamp;
use crate::manifest::{Summary, Trigger};
use crate::store::{Listed, Saved};

/// What was asked for.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    /// Also safety snapshots, and each automatic one by itself.
    pub(super) all: bool,
    /// At most so many.
    pub(super) most: Option<usize>,
    /// Of the session whose id begins like this.
    pub(super) session: Option<&'a str>,
    /// Of this work tree.
    pub(super) root: Option<NativePath>,
    /// Saved at this moment or later.
    pub(super) since: Option<Timestamp>,
    /// That have all of these words somewhere.
    pub(super) words: Vec<String>,
}

/// What is shown: one, or automatic ones that follow each other.
pub(super) enum Item<'a> {
    One(Listed<'a>, Saved<'a>),
    Automatic(Vec<Saved<'a>>),
}

/// What is shown, newest first, and what is not.
pub(super) struct Chosen<'a> {
    pub(super) items: Vec<Item<'a>>,
    /// How many there are that can be read.
    pub(super) there: usize,
    /// How many of them are safety snapshots that are only looked at with `-a`.
    pub(super) put_aside: usize,
    /// How many of them fit what was asked for.
    pub(super) matching: usize,
    /// How many of these are not shown: each kind for another reason.
    pub(super) safety: usize,
    pub(super) automatic: usize,
    pub(super) older: usize,
}

impl Wanted<'_> {
    /// Says whether only some of the snapshots are asked for.
    pub(super) fn is_filter(&self) -> bool {
        self.session.is_some() || self.root.is_some() || self.since.is_some() || !self.words.is_empty()
    }

    /// Chooses from all snapshots, newest first. Those that can't be read are told elsewhere.
    pub(super) fn choose<'a>(&self, all: impl Iterator<Item = Listed<'a>>) -> Chosen<'a> {
        // What `latest` means is never hidden.
        let mut latest_is_to_come = true;
        // Who searches wants to see what was found.
        let folds = !self.all && self.words.is_empty();
        let mut chosen = Chosen {
            items: Vec::new(),
            there: 0,
            put_aside: 0,
            matching: 0,
            safety: 0,
            automatic: 0,
            older: 0,
        };
        let mut shown = 0;
        for (one, saved) in all.filter_map(|one| Some((one, one.readable()?))) {
            let head = saved.head;
            chosen.there += 1;
            let is_latest = latest_is_to_come && !head.safety;
            latest_is_to_come &= !is_latest;
            let is_kept = self.all || one.known.pinned || is_latest;
            chosen.put_aside += usize::from(head.safety && !is_kept);
            if !self.fits(one, saved) {
                continue;
            }
            chosen.matching += 1;
            if head.safety && !is_kept {
                chosen.safety += 1;
            } else if self.most.is_some_and(|most| shown >= most) {
                chosen.older += 1;
            } else if head.created_by.trigger == Trigger::Auto && !is_kept && folds {
                chosen.automatic += 1;
                match chosen.items.last_mut() {
                    Some(Item::Automatic(group)) => group.push(saved),
                    _ => chosen.items.push(Item::Automatic(vec![saved])),
                }
            } else {
                shown += 1;
                chosen.items.push(Item::One(one, saved));
            }
        }
        chosen
    }

    /// Says whether one is asked for, whatever is hidden.
    pub(super) fn fits(&self, one: Listed<'_>, saved: Saved<'_>) -> bool {
        let head = saved.head;
        let is_of = |id: &str| head.session().is_some_and(|session| session.as_str().starts_with(id));
        self.session.is_none_or(is_of)
            && self.root.as_ref().is_none_or(|root| head.root() == root)
            && self.since.is_none_or(|since| head.created_at >= since)
            && (self.words.is_empty() || self.words_are_in(one, saved))
    }

    fn words_are_in(&self, one: Listed<'_>, saved: Saved<'_>) -> bool {
        let Summary { message, branch, worktree, title, spoken, .. } = saved.summary();
        let texts = [message, branch, worktree, title, &spoken.first, &spoken.last, &spoken.answer];
        let texts = texts.into_iter().flatten().map(String::as_str);
        let all: Vec<String> = std::iter::once(one.called).chain(texts).map(str::to_lowercase).collect();
        self.words.iter().all(|word| all.iter().any(|text| text.contains(&word.to_lowercase())))
    }
}

impl Chosen<'_> {
    /// Returns what the list ends with: how many there are, and what of them is not shown and why.
    pub(super) fn footer(&self, size: Option<&str>) -> String {
        let shown = self.items.iter().filter(|item| matches!(item, Item::One(..))).count();
        let snapshots = if self.there == 1 { "snapshot" } else { "snapshots" };
        let number =
            if shown == self.there { shown.to_string() } else { format!("{shown} of {}", self.there) };
        let mut hidden: Vec<String> = Vec::new();
        for (number, what) in [(self.safety, "safety"), (self.automatic, "automatic")] {
            if number > 0 {
                hidden.push(format!("{number} {what}"));
            }
        }
        let mut footer = format!("{number} {snapshots}");
        if let Some(size) = size {
            footer += &format!(", {size}");
        }
        if !hidden.is_empty() {
            footer += &format!("; {} hidden (-a shows them)", hidden.join(" and "));
        }
        if self.older > 0 {
            footer += &format!("; {} older", self.older);
        }
        footer
    }
}
