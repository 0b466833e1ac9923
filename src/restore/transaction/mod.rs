//! The transaction of a restore: all of it or none, whatever happens on the way.

pub(super) mod apply;
pub(super) mod journal;
pub(super) mod leftovers;
mod moving;
pub(super) mod recover;
pub(super) mod stagings;
