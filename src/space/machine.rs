//! What tells this machine from others of the same name: a few random characters, kept in the user's state folder, with all else
//! that is known here of spaces.
//!
//! Two containers are both `root@localhost`; without this they would move each other's heads.

use crate::base::error::Result;
use crate::context::Context;
use crate::sys::files::{self, Existing};
use crate::sys::place::{OwnPath, Root};
use crate::transfer::name_of;

/// The folder of all that, in the user's own.
const FOLDER: &str = "sync";

/// The file with the characters.
const PLACE: &str = "machine";

/// How many there are.
const CHARACTERS: usize = 4;

/// What they are taken from: nothing that is easily mistaken for another one.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Returns the folder of all that is known here.
pub(super) fn folder(context: &Context) -> OwnPath {
    Root::own(&context.state).at(FOLDER)
}

/// Returns the characters of this machine; makes them if there are none.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path.
pub(super) fn end(context: &Context) -> Result<String> {
    let folder = folder(context);
    let place = folder.join(PLACE);
    let read = || -> Result<Option<String>> {
        let text = place.read(64)?.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(text.filter(|text| text.len() == CHARACTERS && text.bytes().all(|b| ALPHABET.contains(&b))))
    };
    if let Some(end) = read()? {
        return Ok(end);
    }
    folder.make_folder()?;
    let made = random_end()?;
    // Another process may be faster: what is there then counts.
    files::publish(&folder, &place, made.as_bytes(), Existing::Keep)?;
    match read()? {
        Some(end) => Ok(end),
        None => {
            files::publish(&folder, &place, made.as_bytes(), Existing::Replace)?;
            Ok(made)
        }
    }
}

/// Returns how this user on this machine is called on a remote.
///
/// # Errors
/// As [`end`].
pub(super) fn who(context: &Context) -> Result<String> {
    Ok(format!("{}-{}", name_of(&context.user, &context.host), end(context)?))
}

/// Makes some up.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] if the system gives nothing random.
pub(super) fn random_end() -> Result<String> {
    let bytes = files::random_bytes()?;
    let letters =
        bytes.iter().take(CHARACTERS).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
    Ok(letters.collect())
}
