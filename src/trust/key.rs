//! The key that marks a user's own snapshots: made once, private, outside every project.
//!
//! 32 random bytes in hexadecimal, in the user's state folder. Whoever can read it can make snapshots that
//! look like this user's own. So a key that others can read is not used.

use std::path::Path;

use crate::base::digest::{Key, from_hex, to_hex};
use crate::base::error::{Error, Kind, Result};
use crate::sys::files::{self, Existing};
use crate::sys::place::Root;

/// The key's file in the state folder.
const FILE: &str = "key";

/// The most that is read of it, in bytes.
const LONGEST: u64 = 128;

/// Reads the key; `None` if there is none yet.
///
/// # Errors
/// [`Kind::Refused`] if others can read it, [`Kind::Damaged`] if it is no key,
/// [`Kind::Environment`] with the path.
pub(super) fn load(folder: &Path) -> Result<Option<Key>> {
    let place = Root::own(folder).at(FILE);
    let path = place.path();
    let Some(text) = place.read_private(LONGEST)? else { return Ok(None) };
    let bytes = std::str::from_utf8(&text).ok().and_then(|text| from_hex(text.trim_end()));
    match bytes.and_then(|bytes| bytes.try_into().ok()) {
        Some(bytes) => Ok(Some(Key::from_bytes(bytes))),
        None => Err(Error::new(Kind::Damaged, format!("{} holds no key", path.display()))
            .hint("move it away; the next save makes a new one, and earlier snapshots then need `--trust`")),
    }
}

/// Reads the key, and makes it first if there is none.
///
/// # Errors
/// As [`load`]; [`Kind::Environment`] if it can't be written.
pub(super) fn load_or_make(folder: &Path) -> Result<Key> {
    if let Some(key) = load(folder)? {
        return Ok(key);
    }
    let state = Root::own(folder).at("");
    state.make_folder()?;
    let text = to_hex(&files::random_bytes()?) + "\n";
    // Whoever is first makes it; all others use that one.
    files::publish(&state, &state.join(FILE), text.as_bytes(), Existing::Keep)?;
    state.sync()?;
    load(folder)?.ok_or_else(|| Error::new(Kind::Environment, "The new key disappeared"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_nobody_else_can_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state/snap");
        let one = load_or_make(&state).expect("a key").mark("p", b"m");
        assert_eq!(load_or_make(&state).expect("the same key").mark("p", b"m"), one);
        let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&state), mode(&state.join(FILE))), (0o700, 0o600));
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_not_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        load_or_make(folder.path()).expect("a key");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("a mode");
        assert_eq!(load(folder.path()).err().map(|error| error.kind()), Some(Kind::Refused));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
        std::fs::write(&path, "x").expect("written");
        assert_eq!(load_or_make(folder.path()).err().map(|error| error.kind()), Some(Kind::Damaged));
    }
}
