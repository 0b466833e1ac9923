//! What a word can be when the line runs: a text, paths, or something that can't be foreseen.

use super::touched_place::Target;

/// A text that a word can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ValueText {
    /// The text.
    pub(super) plain: String,
    /// The same as a pattern, with what was quoted escaped, if it is one.
    pub(super) pattern: Option<String>,
}

impl ValueText {
    pub(super) fn is_absolute(&self) -> bool {
        self.plain.starts_with('/')
    }
}

/// One thing that a word can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// This text.
    Text(ValueText),
    /// Paths that are found when it runs, all among these.
    Paths(Vec<Target>),
    /// Something that can't be foreseen, as it was written.
    Unknown(String),
}

impl Value {
    pub(super) fn text(text: &str) -> Value {
        Value::Text(ValueText { plain: text.to_owned(), pattern: None })
    }

    pub(super) fn is(&self, wanted: &str) -> bool {
        matches!(self, Value::Text(text) if text.plain == wanted)
    }

    pub(super) fn is_option(&self) -> bool {
        matches!(self, Value::Text(text) if text.plain.len() > 1 && text.plain.starts_with('-'))
    }
}
