//! The mode of a file, as git knows it.

use serde::{Deserialize, Serialize};

/// A file's mode as git knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Mode {
    /// A plain file.
    #[serde(rename = "100644")]
    File,
    /// A file that may be executed.
    #[serde(rename = "100755")]
    Executable,
    /// A symbolic link; its content is the target.
    #[serde(rename = "120000")]
    Link,
    /// A submodule: the id is that of a commit in another repository.
    #[serde(rename = "160000")]
    Submodule,
}

impl Mode {
    /// Returns the six octal digits.
    pub fn octal(self) -> &'static str {
        match self {
            Mode::File => "100644",
            Mode::Executable => "100755",
            Mode::Link => "120000",
            Mode::Submodule => "160000",
        }
    }

    /// Reads the six octal digits; `None` for a folder.
    pub fn from_octal(text: &str) -> Option<Mode> {
        let all = [Mode::File, Mode::Executable, Mode::Link, Mode::Submodule];
        all.into_iter().find(|mode| mode.octal() == text)
    }

    /// Says whether it is a file, executable or not: neither link nor submodule.
    pub fn is_file(self) -> bool {
        matches!(self, Mode::File | Mode::Executable)
    }
}
