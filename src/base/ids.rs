//! Identifiers: of snapshots (ours) and of sessions, agents and tasks (the client's).
//!
//! Owns the `uuid` crate. An id that came from a file can't lead to another folder: it is one plain file
//! name component, whatever it says.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a snapshot: 32 random lower-case hexadecimal digits, never derived from time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId([u8; 32]);

impl SnapshotId {
    /// Makes a new random id.
    pub fn random() -> SnapshotId {
        let mut digits = [b'0'; 32];
        uuid::Uuid::new_v4().simple().encode_lower(&mut digits);
        SnapshotId(digits)
    }

    /// Returns the digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns the first eight digits, for people.
    pub fn short(&self) -> &str {
        &self.as_str()[..8]
    }

    /// Reads 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<SnapshotId> {
        let digits: [u8; 32] = text.as_bytes().try_into().ok()?;
        digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')).then_some(SnapshotId(digits))
    }
}

/// The name of a session, an agent or a task in the client's folders.
///
/// Holds letters, digits, `_`, `-` and `.`, does not begin with `.` or `-`, and is at most
/// 128 bytes: safe as a file name and as a command line argument.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// Makes a new random session id, a UUID as the client uses.
    pub fn random() -> ClientId {
        ClientId(uuid::Uuid::new_v4().hyphenated().to_string())
    }

    /// Checks and takes a text; `None` if it could be anything but a plain name.
    pub fn parse(text: &str) -> Option<ClientId> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        (starts_well && text.len() <= 128 && text.chars().all(plain)).then(|| ClientId(text.to_owned()))
    }

    /// Says whether it has the form of a session's id, a UUID: the client resumes nothing else.
    pub fn is_session(&self) -> bool {
        self.0.len() == 36 && uuid::Uuid::try_parse(&self.0).is_ok()
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_like {
    ($type:ident, $what:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                $type::parse(&text).ok_or_else(|| serde::de::Error::custom(concat!("not ", $what)))
            }
        }
    };
}

text_like!(SnapshotId, "a snapshot id");
text_like!(ClientId, "a session, agent or task id");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_can_not_travel() {
        for good in ["c137e379-838e-4509-8148-16b407691758", "adc4dbef976375cf9", "1", "a.b_c"] {
            assert!(ClientId::parse(good).is_some(), "{good:?}");
        }
        for bad in ["", ".", "..", "../x", "a/b", "-rf", ".hidden", "a b", "a\0", "é", &"x".repeat(129)] {
            assert!(ClientId::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn only_a_uuid_is_a_sessions_id() {
        let is_session = |text: &str| ClientId::parse(text).expect("an id").is_session();
        assert!(is_session("c137e379-838e-4509-8148-16b407691758"));
        for other in [
            "agent-1a2b3c4d",
            "notes",
            "c137e379838e4509814816b407691758",
            "c137e379-838e-4509-8148-16b40769175g",
        ] {
            assert!(!is_session(other), "{other}");
        }
    }

    #[test]
    fn a_snapshot_id_is_32_hexadecimal_digits() {
        let id = SnapshotId::random();
        assert_eq!(SnapshotId::parse(id.as_str()), Some(id));
        for bad in ["", "../../etc/passwd", &"A".repeat(32), &"0".repeat(33)] {
            assert!(SnapshotId::parse(bad).is_none(), "{bad:?}");
        }
    }
}
