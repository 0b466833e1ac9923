//! The text that replaces a secret: `«snap:secret:KIND:ID»`.
//!
//! ID is a keyed hash of the secret. The same secret has the same placeholder everywhere. Without the key,
//! nobody can confirm a guess. A placeholder needs no escapes in JSON, in a shell or in a URL, at any depth.

use crate::base::digest::Key;

/// How many characters an ID has: 60 bits.
const LENGTH: usize = 12;

const OPENING: &str = "\u{ab}snap:secret:";
const CLOSING: &str = "\u{bb}";

/// Returns the ID of a secret under a key.
pub fn id(key: &Key, secret: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mark = key.mark("secret id", secret);
    let hash = mark.as_bytes();
    let bit = |at: usize| usize::from(hash[at / 8] >> (7 - at % 8) & 1);
    let digit = |index: usize| (0..5).fold(0, |value, at| value << 1 | bit(index * 5 + at));
    (0..LENGTH).map(|index| char::from(DIGITS[digit(index)])).collect()
}

/// Says whether a text can be an ID.
pub fn is_id(text: &str) -> bool {
    text.len() == LENGTH
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte))
}

/// Returns the placeholder of a secret of this kind.
pub fn placeholder(kind: &str, id: &str) -> String {
    format!("{OPENING}{kind}:{id}{CLOSING}")
}

/// Replaces placeholders by what `value` gives for their ID; others stay. Returns how many stayed.
pub fn fill(text: &[u8], mut value: impl FnMut(&str) -> Option<Vec<u8>>) -> (Vec<u8>, usize) {
    let mut out = Vec::with_capacity(text.len());
    let (mut rest, mut stayed) = (text, 0);
    while let Some(at) = memchr::memmem::find(rest, OPENING.as_bytes()) {
        let behind = &rest[at + OPENING.len()..];
        let id = read_id(behind);
        match id.map(|(id, end)| (value(id), end)) {
            Some((Some(value), end)) => {
                out.extend_from_slice(&rest[..at]);
                out.extend_from_slice(&value);
                rest = &behind[end..];
            }
            found => {
                stayed += usize::from(found.is_some());
                out.extend_from_slice(&rest[..at + OPENING.len()]);
                rest = behind;
            }
        }
    }
    out.extend_from_slice(rest);
    (out, stayed)
}

/// Returns the placeholders of a text: where each is, and its ID.
pub fn placeholders(text: &[u8]) -> impl Iterator<Item = (std::ops::Range<usize>, &str)> + '_ {
    memchr::memmem::find_iter(text, OPENING.as_bytes()).filter_map(move |at| {
        let behind = at + OPENING.len();
        read_id(&text[behind..]).map(|(id, end)| (at..behind + end, id))
    })
}

/// Returns the places of placeholders in a text.
pub(super) fn places(text: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    placeholders(text).map(|(place, _)| place)
}

/// Whether a place is inside of a placeholder: its words are no names.
pub(super) fn is_within(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(64)..at];
    memchr::memmem::rfind(before, OPENING.as_bytes())
        .is_some_and(|open| memchr::memmem::find(&before[open..], CLOSING.as_bytes()).is_none())
        || before.ends_with("\u{ab}snap:".as_bytes())
}

/// Reads `KIND:ID»`; returns the ID and where all of it ends.
fn read_id(text: &[u8]) -> Option<(&str, usize)> {
    let colon = memchr::memchr(b':', text.get(..text.len().min(64))?)?;
    let kind = &text[..colon];
    let id = std::str::from_utf8(text.get(colon + 1..colon + 1 + LENGTH)?).ok()?;
    let end = colon + 1 + LENGTH;
    let plain = kind.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-');
    let closed = text.get(end..)?.starts_with(CLOSING.as_bytes());
    (plain && closed && is_id(id)).then_some((id, end + CLOSING.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_one_id_under_a_key_and_another_under_another() {
        let (one, other) = (Key::from_bytes([1; 32]), Key::from_bytes([2; 32]));
        assert_eq!(id(&one, b"hunter2"), id(&one, b"hunter2"));
        assert_ne!(id(&one, b"hunter2"), id(&other, b"hunter2"));
        assert!(is_id(&id(&one, b"hunter2")));
    }

    #[test]
    fn only_known_placeholders_are_filled() {
        let id = "abcdefghijkl";
        let text = format!(
            "a {} b {} c \u{ab}snap:secret:x\u{bb}",
            placeholder("k", id),
            placeholder("k", "bbbbbbbbbbbb")
        );
        let (filled, stayed) = fill(text.as_bytes(), |asked| (asked == id).then(|| b"V".to_vec()));
        assert_eq!(stayed, 1);
        assert_eq!(String::from_utf8_lossy(&filled), text.replacen(&placeholder("k", id), "V", 1));
    }
}
