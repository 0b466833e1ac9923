//! Values near a secret's name that have a plain name of their own: hashes and addresses, as lock files and markup have them.

use std::ops::Range;

use super::{blank, run_back};

/// What is public, whatever else stands in its line.
const PUBLIC: [&[u8]; 20] = [
    b"hash",
    b"hashes",
    b"sha1",
    b"sha256",
    b"sha384",
    b"sha512",
    b"md5",
    b"integrity",
    b"checksum",
    b"shasum",
    b"digest",
    b"narHash",
    b"rev",
    b"etag",
    b"resolved",
    b"resolution",
    b"href",
    b"src",
    b"xmlns",
    b"fileRef",
];

/// Says whether the value at a place has such a name right before it, and not the one at `own`.
pub(super) fn has_one(text: &[u8], at: usize, own: &Range<usize>) -> bool {
    let Some(key) = key_before(text, at).filter(|key| key.end <= own.start || own.end <= key.start) else {
        return false;
    };
    let is_public = |word: &[u8]| PUBLIC.contains(&word);
    let word = &text[key.clone()];
    // <sha256 value="…">
    let tag = || {
        let at = key.start - run_back(text, key.start, 4, |byte| byte.is_ascii_whitespace());
        let length = run_back(text, at, 16, |byte| byte.is_ascii_alphanumeric());
        text[..at - length].ends_with(b"<") && is_public(&text[at - length..at])
    };
    is_public(word) || word == b"value" && tag()
}

/// Returns the word before the sign that gives a value.
fn key_before(text: &[u8], at: usize) -> Option<Range<usize>> {
    let is_around = |byte: u8| blank(byte) || b"\"'`\\[".contains(&byte);
    let at = at - run_back(text, at, 8, is_around);
    let sign = run_back(text, at, 1, |byte| b"=:".contains(&byte));
    if sign == 0 {
        return None;
    }
    let at = at - sign - run_back(text, at - sign, 6, is_around);
    let length = run_back(text, at, 16, |byte| byte.is_ascii_alphanumeric());
    (length > 0).then_some(at - length..at)
}
