//! Values of options as people type them. Pure.

pub(crate) use crate::base::sizes::parse_size;

/// Reads a whole number.
///
/// # Errors
/// Says what is wrong with the text, for a usage message.
pub(crate) fn parse_number(text: &str) -> Result<usize, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let wrong = || {
        if is_number {
            format!("{text} is too large")
        } else {
            format!("{text:?} is not a whole number from 0 on")
        }
    };
    text.parse().map_err(|_| wrong())
}
