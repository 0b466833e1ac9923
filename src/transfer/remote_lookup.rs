//! Which snapshots on a remote a name or an id means, and what is known of each.

use std::collections::BTreeMap;

use super::common_snapshots;
use super::lease::{LEASES, Lease};
use super::outcome::ListedSnapshot;
use super::remote::Remotes;
use super::remote_names::RemoteNames;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::base::similar_names::{names_like, was_meant};
use crate::base::timestamp::Timestamp;
use crate::git::RemoteRef;
use crate::manifest::Manifest;
use crate::store::Reference;
use crate::transfer::commit_format::{REFS, RemoteSnapshot, SnapshotSays, part};

impl<'a> Remotes<'a> {
    /// Returns the addresses that it leads to, without passwords.
    pub fn leads_to(&self) -> &[String] {
        self.remote.leads_to()
    }

    /// Has names that were made of prompts stay out of the messages on the remote.
    pub fn keep_words_out(&mut self, private: bool) {
        self.private = private;
    }

    /// Returns the name of the helper program that it is reached by, if git does not do it by itself.
    pub fn helper(&self) -> Option<String> {
        self.remote.helper()
    }

    /// Lists what is on the remote, newest first.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the remote can't be reached.
    pub fn list(&mut self) -> Result<Vec<ListedSnapshot>> {
        let there = self.places()?;
        self.describe(&there)
    }

    /// Says whether the message of a snapshot's commit tells no name that was made: here, or because somebody else saved it, who
    /// may have wanted that.
    pub(super) fn tells_no_words(&self, one: &Manifest) -> bool {
        self.private || part(&one.created_by.user) != part(&self.context.user)
    }

    /// Returns the snapshots that the remote has, by their refs; notes its leases.
    pub(super) fn places(&mut self) -> Result<Vec<RemoteSnapshot>> {
        let kept = self.names().and_then(|names| names.look(&[REFS, LEASES]));
        let listed = match kept {
            Some(refs) => {
                self.remote.take_hash_of(&refs)?;
                refs
            }
            None => self.remote.list(&[REFS, LEASES])?,
        };
        self.leases = listed.iter().cloned().filter_map(Lease::parse).collect();
        self.note_leases();
        let there: Vec<RemoteSnapshot> = listed.into_iter().filter_map(RemoteSnapshot::parse).collect();
        self.forget_heads_of(&there);
        Ok(there)
    }

    /// Returns what is kept of the remote's names; `None` if nothing can be.
    fn names(&self) -> Option<&RemoteNames<'a>> {
        self.names.get_or_init(|| RemoteNames::open(self.context, &self.remote)).as_ref()
    }

    /// Fetches all of these snapshots.
    pub(super) fn bring(&self, wanted: &[RemoteSnapshot]) -> Result<()> {
        if self.names().is_some() {
            return self.remote.fetch_listed(&wanted.iter().map(|place| &place.at).collect::<Vec<_>>());
        }
        let names: Vec<&str> = wanted.iter().map(|place| place.at.name.as_str()).collect();
        self.remote.fetch(&names, true)
    }

    /// Puts snapshots that were fetched in the order in which they were saved, the newest first.
    pub(super) fn newest_first(&self, wanted: Vec<RemoteSnapshot>) -> Result<Vec<RemoteSnapshot>> {
        let mut fetched = self.remote.fetched()?;
        // What is wrong with one is found, and said, when it is taken in.
        let mut at = |place: &RemoteSnapshot| {
            fetched.commit(&place.at.oid).ok().map(|commit| SnapshotSays::read(&commit).at)
        };
        let mut dated: Vec<_> = wanted.into_iter().map(|place| (at(&place), place)).collect();
        dated.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Ok(dated.into_iter().map(|(_, place)| place).collect())
    }

    pub(super) fn resolve_all(
        &self,
        there: &[RemoteSnapshot],
        references: &[String],
        own_first: bool,
    ) -> Result<Vec<RemoteSnapshot>> {
        let mut found = Vec::new();
        let mut listed: Option<Vec<ListedSnapshot>> = None;
        for reference in references {
            let starts = |place: &&RemoteSnapshot| {
                reference.len() >= 4 && place.id.as_str().starts_with(reference.as_str())
            };
            let by_id: Vec<&RemoteSnapshot> = there.iter().filter(starts).collect();
            if let [only] = by_id.as_slice() {
                found.push((*only).clone());
                continue;
            }
            let listed = match &listed {
                Some(listed) => listed,
                None => listed.insert(self.describe(there)?),
            };
            found.push(self.resolve(listed, reference, &by_id, own_first)?);
        }
        Ok(found)
    }

    pub(super) fn resolve(
        &self,
        listed: &[ListedSnapshot],
        reference: &str,
        by_id: &[&RemoteSnapshot],
        own_first: bool,
    ) -> Result<RemoteSnapshot> {
        let shown = Line(reference).to_string();
        if let Reference::Latest(back) = Reference::parse(reference) {
            return listed.get(back).map(|one| one.place.clone()).ok_or_else(|| {
                Error::new(Kind::NotFound, format!("There are fewer snapshots on {}", self.shown()))
                    .because(format!("it has {}", listed.len()))
            });
        }
        let mut called: Vec<&ListedSnapshot> = listed.iter().filter(|one| one.name == shown).collect();
        if called.is_empty() {
            // `NAME@USER`, as two people's snapshots of one name are called.
            called.extend(listed.iter().filter(|one| with_user(one) == shown));
        }
        let own = part(&self.context.user);
        if own_first && called.iter().any(|one| one.place.user == own) {
            called.retain(|one| one.place.user == own);
        }
        match (called.as_slice(), by_id) {
            ([only], _) => Ok(only.place.clone()),
            ([], []) => {
                let error = Error::new(
                    Kind::NotFound,
                    format!("There is no snapshot \"{shown}\" on {}", self.shown()),
                );
                let alike = was_meant(&names_like(&shown, listed.iter().map(|one| one.name.as_str())));
                let alike = alike.map(|alike| format!("{alike} ")).unwrap_or_default();
                Err(error.hint(format!("{alike}`snap list --remote` shows what there is")))
            }
            _ => Err(Error::new(
                Kind::Ambiguous,
                format!("\"{shown}\" fits several snapshots on {}", self.shown()),
            )
            .hint("use `NAME@USER` or the id; `snap list --remote --json` shows whole ids")),
        }
    }

    /// Finds the names and times of snapshots, the newest first. For those that are not here, their commits tell: those that are
    /// kept, else they are fetched, without content if the remote can do that.
    pub(super) fn describe(&self, there: &[RemoteSnapshot]) -> Result<Vec<ListedSnapshot>> {
        let entries = self.store.entries()?;
        let mine = common_snapshots::mine(&entries);
        let strangers = || there.iter().filter(|place| !mine.contains_key(&place.id)).map(|place| &place.at);
        // A ref that leads to somebody else's snapshot is none: each lies under whoever saved it.
        let is_of = |place: &RemoteSnapshot, says: &SnapshotSays| {
            says.by.rsplit_once('@').is_none_or(|(user, _)| part(user) == place.user)
        };
        let mut said = match self.names() {
            Some(names) => names.said(strangers())?,
            None => BTreeMap::new(),
        };
        let unknown: Vec<&RemoteRef> = strangers().filter(|at| !said.contains_key(at.oid.as_str())).collect();
        if !unknown.is_empty() {
            self.remote.fetch(&unknown.iter().map(|at| at.name.as_str()).collect::<Vec<_>>(), false)?;
            let mut fetched = self.remote.fetched()?;
            for at in unknown {
                if let Ok(commit) = fetched.commit(&at.oid) {
                    said.insert(&at.oid, SnapshotSays::read(&commit));
                }
            }
        }
        let mut listed = Vec::new();
        for place in there {
            let (name, by, created_at, here) = match mine.get(&place.id) {
                Some(one) => {
                    let by = &one.manifest.created_by;
                    let by = format!("{}@{}", Line(&by.user), Line(&by.host));
                    (Line(&one.manifest.name).to_string(), by, one.manifest.created_at, true)
                }
                None => match said.get(place.at.oid.as_str()).filter(|says| is_of(place, says)) {
                    Some(SnapshotSays { name, by, at, .. }) => (name.clone(), by.clone(), *at, false),
                    None => {
                        ("(no snapshot)".to_owned(), place.user.clone(), Timestamp::from_millis(0), false)
                    }
                },
            };
            let of_it = |lease: &&Lease| lease.id == place.id && lease.counts(self.context.now);
            let leases = self.leases.iter().filter(of_it).cloned().collect();
            listed.push(ListedSnapshot {
                id: place.id.clone(),
                called: name.clone(),
                name,
                by,
                created_at,
                here,
                leases,
                place: place.clone(),
            });
        }
        listed.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        let mut times = BTreeMap::new();
        listed.iter().for_each(|one| *times.entry(one.name.clone()).or_insert(0) += 1);
        listed.iter_mut().filter(|one| times[&one.name] > 1).for_each(|one| one.called = with_user(one));
        // What is fetched for good must not find a repository that promises to fetch more later.
        self.remote.reset()?;
        Ok(listed)
    }
}

/// Returns `NAME@USER`, as two people's snapshots of one name are called.
fn with_user(one: &ListedSnapshot) -> String {
    let user = one.by.rsplit_once('@').map_or(one.by.as_str(), |(user, _)| user);
    format!("{}@{}", one.name, user.split_whitespace().collect::<Vec<_>>().join("-"))
}
