//! Which snapshots on a remote a name or an id means, and what is known of each.

use super::common_snapshots;
use super::lease::Lease;
use super::outcome::ListedSnapshot;
use super::remote::Remotes;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::store::Reference;
use crate::transfer::commit_format::{RemoteSnapshot, SnapshotSays};

impl Remotes<'_> {
    /// Returns the addresses that it leads to, without passwords.
    pub fn leads_to(&self) -> &[String] {
        self.remote.leads_to()
    }

    pub(super) fn resolve_all(
        &self,
        there: &[RemoteSnapshot],
        references: &[String],
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
            found.push(self.resolve(listed, reference, &by_id)?);
        }
        Ok(found)
    }

    pub(super) fn resolve(
        &self,
        listed: &[ListedSnapshot],
        reference: &str,
        by_id: &[&RemoteSnapshot],
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
            let user = |one: &ListedSnapshot| {
                let user = one.by.rsplit_once('@').map_or(one.by.as_str(), |(user, _)| user);
                user.split_whitespace().collect::<Vec<_>>().join("-")
            };
            called.extend(listed.iter().filter(|one| format!("{}@{}", one.name, user(one)) == shown));
        }
        match (called.as_slice(), by_id) {
            ([only], _) => Ok(only.place.clone()),
            ([], []) => {
                Err(Error::new(Kind::NotFound, format!("There is no snapshot {shown:?} on {}", self.shown()))
                    .hint("`snap list --remote` shows what there is"))
            }
            _ => Err(Error::new(
                Kind::Ambiguous,
                format!("{shown:?} fits several snapshots on {}", self.shown()),
            )
            .hint("use `NAME@USER` or the id; `snap list --remote --json` shows whole ids")),
        }
    }

    /// Finds the names and times of snapshots. For those that are not here, it reads their commits,
    /// which are fetched without content if the remote can do that.
    pub(super) fn describe(&self, there: &[RemoteSnapshot]) -> Result<Vec<ListedSnapshot>> {
        let entries = self.store.entries()?;
        let mine = common_snapshots::mine(&entries);
        let unknown: Vec<&str> = there
            .iter()
            .filter(|place| !mine.contains_key(&place.id))
            .map(|place| place.at.name.as_str())
            .collect();
        self.remote.fetch(&unknown, false)?;
        let mut listed = Vec::new();
        for place in there {
            let (name, by, created_at, here) = match mine.get(&place.id) {
                Some(one) => {
                    let by = &one.manifest.created_by;
                    let by = format!("{}@{}", Line(&by.user), Line(&by.host));
                    (Line(&one.manifest.name).to_string(), by, one.manifest.created_at, true)
                }
                None => match self.remote.fetched()?.commit(&place.at.oid) {
                    Ok(commit) => {
                        let SnapshotSays { name, by, at, .. } = SnapshotSays::read(&commit);
                        (name, by, at, false)
                    }
                    Err(_) => {
                        ("(no snapshot)".to_owned(), place.user.clone(), Timestamp::from_millis(0), false)
                    }
                },
            };
            let of_it = |lease: &&Lease| lease.id == place.id && lease.counts(self.context.now);
            let leases = self.leases.iter().filter(of_it).cloned().collect();
            listed.push(ListedSnapshot {
                id: place.id.clone(),
                name,
                by,
                created_at,
                here,
                leases,
                place: place.clone(),
            });
        }
        listed.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        // What is fetched for good must not find a repository that promises to fetch more later.
        self.remote.reset()?;
        Ok(listed)
    }
}
