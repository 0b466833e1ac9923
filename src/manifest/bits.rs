//! Permission bits, as a manifest has them: four octal digits.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::Mode;

/// Who may read, write and execute a file; never what gives the rights of its owner (set-uid and the like).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits(u32);

impl Bits {
    /// Takes the bits of a file's mode.
    pub fn of(mode: u32) -> Bits {
        Bits(mode & 0o777)
    }

    /// Returns those that a checkout gives, under the usual umask; or only to the owner.
    pub fn usual(mode: Mode, private: bool) -> Bits {
        let all = if mode == Mode::Executable { 0o755 } else { 0o644 };
        Bits(if private { all & 0o700 } else { all })
    }

    /// Returns the bits.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Says whether only its owner may do anything with the file.
    pub fn private(self) -> bool {
        self.0 & 0o077 == 0
    }
}

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl Serialize for Bits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bits, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        match u32::from_str_radix(&text, 8) {
            Ok(bits) if bits <= 0o777 => Ok(Bits(bits)),
            _ => Err(D::Error::custom("permissions are octal, 0777 at most")),
        }
    }
}
