//! The tests of `snap` as a program: real files, real git, the real client.

mod support;

mod places;
mod resume;
mod save;
mod store;
