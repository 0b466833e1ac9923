//! The files of a restore: what each path of the work tree and the index becomes, planned as data.

pub(super) mod amounts;
pub(super) mod base_here;
pub(super) mod branch;
pub(super) mod empty_folders;
pub(super) mod ignored;
pub(super) mod index_room;
pub(super) mod left_alone;
mod left_out;
pub(super) mod line_ends;
pub(super) mod linked_settings;
pub(super) mod marks;
pub(super) mod merge;
pub(super) mod merge_base;
pub(super) mod merge_index;
mod merge_ours;
mod merge_taken;
pub(super) mod obstacles;
pub(super) mod path_state;
pub(super) mod resume;
pub(super) mod rewind;
pub(super) mod saved_rules;
pub(super) mod sparse;
mod standing;
pub(super) mod step;
pub(super) mod unmerged_base;
