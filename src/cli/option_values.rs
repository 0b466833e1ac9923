//! Values of options as people type them. Pure.

pub(crate) use crate::base::sizes::parse_size;

/// Reads a whole number.
///
/// # Errors
/// Says what is wrong with the text, for a usage message.
pub(crate) fn parse_number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text:?} is not a whole number from 0 on"))
}
