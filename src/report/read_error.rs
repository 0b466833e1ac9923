//! What went wrong when a saved conversation was read as a stream.

use std::io;

use crate::base::error::{Error, Kind};

/// Takes the reason out of a failed read.
pub(super) fn failed(error: &io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(own) => own.clone(),
        None => Error::new(Kind::Environment, "Cannot read the conversation").because(error),
    }
}
