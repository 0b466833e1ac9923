//! The operating system: files, folders, locks, signals and programs.

pub mod connect;
pub mod disk;
pub mod environment;
pub mod files;
pub mod hangup;
pub mod lasting_scratch;
pub mod locks;
pub mod parallel;
pub mod place;
pub mod process;
pub mod programs;
pub mod scratch;
pub mod signals;
pub(crate) mod stat;
pub mod sync;
pub mod users_files;
pub mod work_tree;
