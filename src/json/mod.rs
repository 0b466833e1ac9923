//! JSON texts as bytes: small edits that keep all other bytes, and limits that are checked before parsing. Pure.

pub mod edit;
pub mod shape;
pub mod tolerant;
