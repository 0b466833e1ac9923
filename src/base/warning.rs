//! What a person should know though nothing failed: each kind as a value, with one text.
//!
//! Pure. Operations return these with their results; only the command line shows them. Text from outside is made
//! safe where it is shown, like all text.

use std::fmt;

/// One thing that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The manifest in the file of this name can't be read, which keeps all objects from being removed.
    UnreadableSnapshot(String),
    /// Manifests were set aside, which keeps all objects from being removed.
    ManifestsAside,
    /// Links to snapshots could not be brought up to date, and why.
    Links(String),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::UnreadableSnapshot(stem) => {
                write!(f, "{stem} can't be read; it and all objects are kept")
            }
            Warning::ManifestsAside => f.write_str(
                "manifests that were set aside lie in the store's `damaged`; as long as they do, all objects are kept",
            ),
            Warning::Links(why) => write!(f, "links are not up to date: {why}"),
        }
    }
}
