//! Leases: who works on a snapshot that is on a remote, and since when.
//!
//! `refs/snapshot-leases/ID/USER@HOST/SECONDS` is beside a snapshot's ref. Its name says everything, so one
//! listing is enough. A lease is advisory and blocks nobody. After [`EXPIRES`] it counts as left behind.
//! Pure; nothing in a name is trusted.

use std::time::Duration;

use crate::base::ids::SnapshotId;
use crate::base::timestamp::Timestamp;
use crate::git::RemoteRef;
use crate::transfer::commit_format::part;

/// Where the refs of leases begin.
pub(super) const LEASES: &str = "refs/snapshot-leases/";

/// How long a lease counts.
const EXPIRES: Duration = Duration::from_secs(12 * 3_600);

/// How far ahead of ours another machine's clock may be.
const CLOCKS_APART: Duration = Duration::from_secs(600);

/// That somebody works on a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The snapshot.
    pub id: SnapshotId,
    /// Who, and on which machine: `USER@HOST`, safe to show.
    pub who: String,
    /// When the snapshot was resumed.
    pub since: Timestamp,
    pub(super) at: RemoteRef,
}

impl Lease {
    /// Reads a ref; `None` if it is not one of ours.
    pub(super) fn parse(at: RemoteRef) -> Option<Lease> {
        let words: Vec<&str> = at.name.strip_prefix(LEASES)?.split('/').collect();
        let [id, who, seconds] = words.as_slice() else { return None };
        let (user, host) = who.split_once('@')?;
        let plain = part(user) == user && part(host) == host;
        let (id, who) = (SnapshotId::parse(id)?, (*who).to_owned());
        let since = Timestamp::from_millis(seconds.parse::<u32>().ok().map(i64::from)?.checked_mul(1_000)?);
        plain.then_some(Lease { id, who, since, at })
    }

    /// Says whether it still counts; one from the future does not.
    pub(super) fn counts(&self, now: Timestamp) -> bool {
        let ahead = self.since.since(now);
        ahead < CLOCKS_APART && now.since(self.since) < EXPIRES
    }
}

/// Returns how somebody is called in a lease.
pub fn name_of(user: &str, host: &str) -> String {
    format!("{}@{}", part(user), part(host))
}

/// Returns the ref of a new lease.
pub(super) fn ref_of(id: &SnapshotId, who: &str, now: Timestamp) -> String {
    format!("{LEASES}{id}/{who}/{}", now.as_millis().div_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str) -> Option<Lease> {
        Lease::parse(RemoteRef { oid: "1".repeat(40), name: name.to_owned() })
    }

    #[test]
    fn a_lease_is_read_from_its_name_alone() {
        let (id, now) = (SnapshotId::random(), Timestamp::from_millis(1_795_000_000_500));
        let lease = parse(&ref_of(&id, &name_of("Ada L.", "lap-top.local"), now));
        let lease = lease.map(|lease| (lease.id, lease.who, lease.since.as_millis()));
        assert_eq!(lease, Some((id, "ada-l@lap-top-local".to_owned(), 1_795_000_000_000)));
        let id = "0".repeat(32);
        for name in [
            format!("refs/snapshot-leases/{id}/ada@x/-1"),
            format!("refs/snapshot-leases/{id}/ada@x/99999999999999"),
            format!("refs/snapshot-leases/{id}/ada/1"),
            format!("refs/snapshot-leases/{id}/a da@x/1"),
            format!("refs/snapshot-leases/{id}/ada@x/1/2"),
            format!("refs/snapshots/{id}/ada@x/1"),
        ] {
            assert_eq!(parse(&name), None, "{name}");
        }
    }

    #[test]
    fn a_lease_expires_and_one_from_the_future_never_counted() {
        let at = |hours: i64| Timestamp::from_millis(1_795_000_000_000 + hours * 3_600_000);
        let lease = parse(&ref_of(&SnapshotId::random(), "ada@x", at(0)));
        let counts = |hours| lease.as_ref().is_some_and(|lease| lease.counts(at(hours)));
        assert_eq!([counts(0), counts(11), counts(13), counts(-1)], [true, true, false, false]);
    }
}
