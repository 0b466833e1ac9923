//! Placeholders that stand in a file of the user's as text, as after `snap diff >>notes.txt`.
//!
//! One of a secret that the file holds too would be filled in with it. So such a text is taken out like a secret: it gets a
//! placeholder of its own, and comes back as it was.

use std::collections::BTreeSet;

use super::Replacement;
use crate::base::digest::Key;
use crate::secrets::{self, Finding};

/// What the placeholder of a placeholder calls it.
pub(super) const KIND: &str = "placeholder";

/// Adds those of a text that stand for one of these secrets to what is replaced there.
pub(super) fn add(key: &Key, text: &[u8], ids: &BTreeSet<String>, replaced: &mut Vec<Replacement>) {
    for (span, id) in secrets::placeholders(text) {
        if !ids.contains(id) {
            continue;
        }
        let own = secrets::id(key, &text[span.clone()]);
        let finding = Finding { span: span.clone(), kind: KIND, sure: true, name: None, value: None };
        replaced.push(Replacement { span, text: secrets::placeholder(KIND, &own), id: own, finding });
    }
    replaced.sort_by_key(|one| one.span.start);
}
