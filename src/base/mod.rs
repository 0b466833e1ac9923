//! Values that everything else is built on: errors, names, hashes, paths, moments, text that is safe to show. Pure.

pub mod block_sums;
pub mod columns;
pub mod compress;
pub mod digest;
pub mod encoding;
pub mod error;
pub mod ids;
pub mod lost;
pub mod monitor;
pub mod packed;
pub mod paths;
pub mod screen;
pub mod similar_names;
pub mod sizes;
pub mod timestamp;
pub mod warning;
