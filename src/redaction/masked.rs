//! What only saves time and has a person's words in it: masked under the user's key before it is written, and believed only
//! with that user's mark.

use super::Redactor;
use crate::base::digest::ObjectId;
use crate::sys::files;

/// The bytes of the mark, and of what makes each mask another one.
const EACH: usize = 32;

impl Redactor {
    /// Names something without saying what it is; `None` if there is no key that lasts.
    pub fn masked_name(&self, what: &str) -> Option<String> {
        self.keeper.as_ref()?;
        Some(self.key.mark("name of what is masked", what.as_bytes()).to_string()[..16].to_owned())
    }

    /// Masks bytes that are good for this purpose, as long as nothing changes that a search for secrets depends on; `None` if
    /// there is no key that lasts.
    pub fn mask(&self, purpose: &str, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        self.keeper.as_ref()?;
        let once = files::random_bytes().ok()?;
        self.key.mask("mask of what was read", &once, &mut bytes);
        let message = [&once[..], &bytes].concat();
        Some([self.mark_of(purpose, &message).as_bytes(), &message[..]].concat())
    }

    /// Returns bytes that this user masked for this purpose, while the same was to be searched for.
    pub fn unmask(&self, purpose: &str, masked: &[u8]) -> Option<Vec<u8>> {
        let (mark, message) = masked.split_first_chunk::<EACH>()?;
        // Made from a secret of this user: comparing it with what is there tells nobody else anything.
        if self.mark_of(purpose, message).as_bytes() != mark {
            return None;
        }
        let (once, bytes) = message.split_first_chunk::<EACH>()?;
        let mut bytes = bytes.to_vec();
        self.key.mask("mask of what was read", once, &mut bytes);
        Some(bytes)
    }

    fn mark_of(&self, purpose: &str, message: &[u8]) -> ObjectId {
        let depends_on = crate::sys::parallel::held(&self.cache).depends_on();
        let before = [depends_on.as_bytes(), purpose.as_bytes(), b"\0"].concat();
        self.key.mark("what was read", &[before, message.to_vec()].concat())
    }
}
