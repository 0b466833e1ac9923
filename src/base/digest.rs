//! Hashes: BLAKE3 for the store's objects, git's own for blobs, SHA-256 for the client's file names.
//!
//! Owns the `blake3`, `sha1` and `sha2` crates. Pure. SHA-1 is used for one purpose only:
//! to compare content with the ids that a SHA-1 repository itself uses.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha1::Digest as _;

/// The BLAKE3 hash of an object's raw content: its name in the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; 32]);

impl ObjectId {
    /// Hashes raw content.
    pub fn of(content: &[u8]) -> ObjectId {
        ObjectId(*blake3::hash(content).as_bytes())
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<ObjectId> {
        let bytes = from_hex(text)?;
        Some(ObjectId(bytes.try_into().ok()?))
    }
}

impl ObjectId {
    /// Makes an id from its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> ObjectId {
        ObjectId(bytes)
    }

    /// Returns the 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Hashes content that comes piece by piece.
#[derive(Default)]
pub struct Checksum(blake3::Hasher);

impl Checksum {
    /// Adds the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// Returns the hash of all pieces, as if they were one.
    pub fn finish(&self) -> ObjectId {
        ObjectId(*self.0.finalize().as_bytes())
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ObjectId, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        ObjectId::parse(&text).ok_or_else(|| serde::de::Error::custom("not an object name"))
    }
}

/// A secret of this user on this machine, for marks that nobody else can make.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// Makes a key of 32 secret bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Key {
        Key(bytes)
    }

    /// Returns the mark of a message; marks for different purposes have nothing in common.
    pub fn mark(&self, purpose: &str, message: &[u8]) -> ObjectId {
        let key = blake3::derive_key(&format!("claude-snap {purpose}"), &self.0);
        ObjectId(*blake3::keyed_hash(&key, message).as_bytes())
    }

    /// Masks bytes, or takes their mask away; `once` must be another one for other bytes.
    pub fn mask(&self, purpose: &str, once: &[u8; 32], bytes: &mut [u8]) {
        let key = blake3::derive_key(&format!("claude-snap {purpose}"), &self.0);
        let mut stream = blake3::Hasher::new_keyed(&key).update(once).finalize_xof();
        let mut mask = [0; 1 << 12];
        for block in bytes.chunks_mut(mask.len()) {
            stream.fill(&mut mask);
            block.iter_mut().zip(&mask).for_each(|(byte, mask)| *byte ^= mask);
        }
    }

    /// Says whether a mark is that of a message, in a time that does not depend on it.
    pub fn made(&self, mark: ObjectId, purpose: &str, message: &[u8]) -> bool {
        // `blake3::Hash` compares in constant time.
        blake3::Hash::from(self.mark(purpose, message).0) == blake3::Hash::from(mark.0)
    }
}

/// Returns the first byte of the BLAKE3 hash: a choice that only the content decides.
pub fn first_byte(content: &[u8]) -> u8 {
    blake3::hash(content).as_bytes()[0]
}

/// Returns the SHA-256 of content in hexadecimal, as Git LFS names files.
pub fn sha256(content: &[u8]) -> String {
    to_hex(&sha2::Sha256::digest(content))
}

/// The hash function that a repository names its objects with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum GitHash {
    /// The default up to git 2.
    Sha1,
    /// `extensions.objectFormat = sha256`, the default of git 3.
    Sha256,
}

impl GitHash {
    /// Returns the one that gives ids of this length, if any does.
    pub fn of_id(id: &str) -> Option<GitHash> {
        match id.len() {
            40 => Some(GitHash::Sha1),
            64 => Some(GitHash::Sha256),
            _ => None,
        }
    }

    /// Returns how many bytes an id has.
    pub fn bytes(self) -> usize {
        match self {
            GitHash::Sha1 => 20,
            GitHash::Sha256 => 32,
        }
    }

    /// Returns the checksum that git puts at the end of its own files.
    pub fn checksum(self, file: &[u8]) -> Vec<u8> {
        match self {
            GitHash::Sha1 => sha1::Sha1::digest(file).to_vec(),
            GitHash::Sha256 => sha2::Sha256::digest(file).to_vec(),
        }
    }

    /// Returns the id, in hexadecimal, that git gives to a blob of this content.
    pub fn blob_id(self, content: &[u8]) -> String {
        let header = format!("blob {}\0", content.len());
        match self {
            GitHash::Sha1 => to_hex(&sha1::Sha1::new().chain_update(header).chain_update(content).finalize()),
            GitHash::Sha256 => {
                to_hex(&sha2::Sha256::new().chain_update(header).chain_update(content).finalize())
            }
        }
    }
}

/// Accumulates the parts of a state into one hash, so that two saves can be compared.
#[derive(Default)]
pub struct Fingerprint(blake3::Hasher);

impl Fingerprint {
    /// Adds a part; its length goes in too, so that no two lists of parts run together.
    pub fn add(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    /// Returns the hash of all parts.
    pub fn finish(&self) -> ObjectId {
        ObjectId(*self.0.finalize().as_bytes())
    }
}

/// Formats bytes as lower-case hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Reads lower-case hexadecimal.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blob_ids_are_those_of_git() {
        // `git hash-object -t blob /dev/null` in repositories of either format.
        assert_eq!(GitHash::Sha1.blob_id(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(
            GitHash::Sha256.blob_id(b""),
            "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"
        );
    }

    #[test]
    fn a_mark_needs_the_key_the_purpose_and_the_message() {
        let key = Key::from_bytes([7; 32]);
        let mark = key.mark("a", b"message");
        assert!(key.made(mark, "a", b"message"));
        assert!(!key.made(mark, "b", b"message") && !key.made(mark, "a", b"massage"));
        assert!(!Key::from_bytes([8; 32]).made(mark, "a", b"message"));
    }

    #[test]
    fn hexadecimal_is_strict() {
        assert_eq!(from_hex("00ff"), Some(vec![0, 255]));
        for wrong in ["0", "0g", "FF", "+1"] {
            assert_eq!(from_hex(wrong), None);
        }
    }
}
