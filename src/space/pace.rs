//! How often a remote is asked by this machine: one push at a time, with a pause that all clones of the machine share.
//!
//! A host advises six pushes a minute for everybody together. The pause grows with the machines that are at work there, and with
//! each failure. A clock that was set back can't make it longer than its longest.

use std::hash::BuildHasher as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::machine::folder;
use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::base::timestamp::Timestamp;
use crate::context::Context;
use crate::settings;
use crate::sys::files::{self, Existing};
use crate::sys::place::OwnPath;

/// The pause after a push, unless a setting says another.
pub const USUAL: Duration = Duration::from_secs(15);

/// For each machine that is at work there.
const EACH: Duration = Duration::from_secs(10);

/// The longest pause.
pub(super) const LONGEST: Duration = Duration::from_secs(600);

/// The largest note that is read, in bytes.
const LARGEST: u64 = 4 << 10;

/// When the next push to a remote may begin.
#[derive(Serialize, Deserialize)]
struct Next {
    at: Timestamp,
}

/// The place of what is shared for a remote that leads to these addresses.
pub(super) fn place(context: &Context, leads_to: &[String]) -> OwnPath {
    let key = ObjectId::of(leads_to.join("\n").as_bytes()).to_string();
    folder(context).join("remotes").join(&key[..32])
}

/// Returns how long is to be waited before the next push.
pub(super) fn left(context: &Context, place: &OwnPath) -> Duration {
    let text = place.join("next.json").read(LARGEST).ok().flatten().unwrap_or_default();
    let next = serde_json::from_slice::<Next>(&text).ok();
    next.map_or(Duration::ZERO, |next| next.at.since(context.now)).min(LONGEST)
}

/// Notes when the next push may begin.
pub(super) fn note(context: &Context, place: &OwnPath, pause: Duration) -> Result<()> {
    place.make_folder()?;
    let text = serde_json::to_vec(&Next { at: context.now.after(pause) }).unwrap_or_default();
    files::publish(place, &place.join("next.json"), &text, Existing::Replace).map(drop)
}

/// Returns the pause after a push, with so many machines at work there and so many failures in a row.
pub(super) fn pause(usual: Duration, machines: usize, failures: u32) -> Duration {
    let many = EACH.saturating_mul(u32::try_from(machines.saturating_sub(1)).unwrap_or(u32::MAX));
    let calm = if usual.is_zero() { usual } else { usual.max(many) };
    match failures {
        0 => calm,
        more => calm.max(Duration::from_secs(1)).saturating_mul(1_u32 << more.min(10)),
    }
    .min(LONGEST)
}

/// Returns a part of a pause, between the half and the whole, so that machines don't push together.
pub(super) fn spread(pause: Duration) -> Duration {
    let random = std::collections::hash_map::RandomState::new().hash_one(0) % 1_000;
    pause.mul_f64(0.5 + f64::from(u32::try_from(random).unwrap_or(0)) / 2_000.0)
}

/// Returns the pause that this user wants.
pub(super) fn usual(context: &Context) -> Duration {
    context.settings.span(settings::SYNC_PAUSE).unwrap_or(USUAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_with_machines_and_failures_and_has_an_end() {
        let seconds = |machines, failures| pause(USUAL, machines, failures).as_secs();
        assert_eq!([seconds(0, 0), seconds(1, 0), seconds(2, 0), seconds(7, 0)], [15, 15, 15, 60]);
        assert_eq!([seconds(1, 1), seconds(1, 2), seconds(1, 5), seconds(1, 99)], [30, 60, 480, 600]);
        assert_eq!(pause(Duration::ZERO, 9, 0), Duration::ZERO);
        assert_eq!(pause(Duration::ZERO, 1, 1), Duration::from_secs(2));
        let one = spread(Duration::from_secs(10));
        assert!((Duration::from_secs(5)..=Duration::from_secs(10)).contains(&one), "{one:?}");
    }
}
