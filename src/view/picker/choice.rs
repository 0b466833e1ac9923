//! A snapshot that can be chosen, in words that are ready to be shown and searched.

use super::super::facts::Fact;

/// One snapshot that can be chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Its id.
    pub id: String,
    /// Its name and age.
    pub fact: Fact,
    /// What it was about, in a line.
    pub about: String,
    /// What else is searched.
    pub text: String,
    /// Whether it is kept from being pruned.
    pub pinned: bool,
    /// Whether it was made before a restore.
    pub is_safety: bool,
}
