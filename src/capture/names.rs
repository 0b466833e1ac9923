//! What a snapshot is called if nobody says: what was asked last, and the time of day. Pure, but for the time zone.

use std::collections::BTreeSet;

use crate::base::screen::is_safe;
use crate::base::timestamp::Timestamp;
use crate::git;
use crate::manifest::Manifest;
use crate::store::check_name;

/// The most characters that a name has of what was asked.
const LONGEST: usize = 32;

/// The most bytes, so that a name of letters that take several of them is not too long.
const MOST_BYTES: usize = 90;

/// What begins the text that replaces a secret, which is no word for a name.
const PLACEHOLDER: char = '«';

/// Returns the usual name: `port the api, 14:07`; without a conversation, one made from the moment.
pub(super) fn usual(manifest: &Manifest, now: Timestamp) -> String {
    let session = manifest.session.as_ref();
    let said = session.and_then(|session| session.spoken.last.as_ref().or(session.title.as_ref()));
    let name = said.and_then(|said| beginning(said)).map(|said| {
        let clock = now.clock(git::minutes_from_utc());
        format!("{said}, {clock}")
    });
    name.filter(|name| check_name(name).is_ok()).unwrap_or_else(|| now.compact())
}

/// Returns the first words of a text, as many as fit.
fn beginning(said: &str) -> Option<String> {
    let line = said.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line = line.split(PLACEHOLDER).next().unwrap_or_default();
    let seen: String =
        line.chars().map(|c| if is_safe(c.encode_utf8(&mut [0; 4])) { c } else { ' ' }).collect();
    let mut name = String::new();
    for word in seen.split_whitespace() {
        let longer = if name.is_empty() { word.to_owned() } else { format!("{name} {word}") };
        if longer.chars().count() > LONGEST || longer.len() > MOST_BYTES {
            break;
        }
        name = longer;
    }
    if name.is_empty() {
        // One word, or a script without blanks.
        name = seen.trim().chars().take(LONGEST).collect();
        name.truncate(name.floor_char_boundary(MOST_BYTES));
    }
    let name = name
        .trim_start_matches(['-', ' '])
        .trim_end_matches(|c: char| c.is_whitespace() || ".,:;!?…".contains(c));
    (!name.is_empty()).then(|| name.to_owned())
}

/// Returns a name that is not taken: this one, or one with a number.
pub(super) fn free(taken: &BTreeSet<String>, wanted: &str) -> String {
    let mut name = wanted.to_owned();
    let mut number = 2;
    while taken.contains(&name) {
        name = format!("{wanted}-{number}");
        number += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_first_words_of_what_was_asked_and_fit_to_be_one() {
        for (said, wanted) in [
            ("port the api", Some("port the api")),
            ("\n  Fix it.\nand more", Some("Fix it")),
            ("--force the merge of everything that there is in here", Some("force the merge of everything")),
            ("log in with «snap:secret:token:1234» now", Some("log in with")),
            ("a\x1b[31m\u{202e}b", Some("a [31m b")),
            ("...", None),
            ("«snap:secret:token:1234»", None),
            (" \n ", None),
        ] {
            assert_eq!(beginning(said).as_deref(), wanted, "{said:?}");
        }
        for long in ["x".repeat(500), "日本語".repeat(100)] {
            let name = format!("{}, 14:07", beginning(&long).expect("a name"));
            assert_eq!(check_name(&name), Ok(()), "{name}");
        }
    }
}
