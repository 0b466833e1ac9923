//! The judge: what a name says, how its value looks, and how the two belong together.

use super::looks::{self, ValueLook, look};
use super::names::{NameMeaning, meaning_of};

/// How a value and its name belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Closeness {
    /// Near it: the next word, another literal of the line, code without quotes.
    Loose,
    /// Given to it: behind a sign, in quotes or to the end of a line; the cell under a heading.
    Firm,
    /// Where a program takes a secret and nothing else.
    Place,
}

/// The longest value that is judged.
pub(super) const LONGEST: usize = 4 << 10;

/// Says whether a value under a name is a secret.
pub(super) fn is_secret(name: &str, value: &str, bond: Closeness) -> bool {
    let meaning = meaning_of(name);
    meaning > NameMeaning::Nothing && is_secret_under(meaning, name, value, bond)
}

/// The same, with what the name tells at hand.
pub(super) fn is_secret_under(meaning: NameMeaning, name: &str, value: &str, bond: Closeness) -> bool {
    if value.len() > LONGEST || value.contains("\u{ab}snap:") {
        return false;
    }
    let length = value.len();
    match (meaning, look(value), bond) {
        (NameMeaning::Nothing, ..) => false,
        (_, ValueLook::Plain, Closeness::Place) => is_bare_password(value),
        (NameMeaning::Password, ValueLook::Plain, Closeness::Firm) => is_word_with_number(value),
        (_, ValueLook::Plain, _) => false,
        (NameMeaning::Perhaps, ValueLook::Random, Closeness::Firm | Closeness::Place) => {
            length >= 20 && !is_public(name, value)
        }
        (NameMeaning::Perhaps, ..) => false,
        (_, ValueLook::Uuid, Closeness::Firm | Closeness::Place) => keeps_uuids(name),
        (_, ValueLook::Uuid, Closeness::Loose) => false,
        (NameMeaning::Password, _, Closeness::Firm | Closeness::Place) => length >= 8,
        (NameMeaning::Password, ValueLook::Mixed, Closeness::Loose) => {
            length >= 10 && looks::classes(value) == 4
        }
        (NameMeaning::Password, ValueLook::Likely | ValueLook::Random, Closeness::Loose) => length >= 12,
        (NameMeaning::Token, ValueLook::Mixed | ValueLook::Likely, Closeness::Place) => length >= 8,
        (NameMeaning::Token, ValueLook::Mixed, Closeness::Firm) => length >= 12 && looks::classes(value) == 4,
        (NameMeaning::Token, ValueLook::Likely, Closeness::Firm) => length >= 14,
        (NameMeaning::Token, ValueLook::Mixed | ValueLook::Likely, Closeness::Loose) => false,
        (NameMeaning::Token, ValueLook::Random, Closeness::Loose) => length >= 16,
        (NameMeaning::Token, ValueLook::Random, Closeness::Firm) => length >= 12,
        (NameMeaning::Token, ValueLook::Random, Closeness::Place) => length >= 8,
    }
}

/// Says whether a value looks like a password in a place where only a password can be: it is not an
/// example and not a variable.
fn is_bare_password(value: &str) -> bool {
    let word = value.bytes().all(|b| b.is_ascii_alphabetic()) || value.bytes().all(|b| b.is_ascii_digit());
    value.len() >= 8
        && !word
        && looks::classes(value) >= 2
        && !looks::is_stand_in(value)
        && !value.starts_with(['$', '-', '/', '.', '%', '<', '{'])
        && !value.contains("://")
        && looks::in_words(value.as_bytes()) * 3 < value.len() * 2
}

/// Says whether a value is a word with a number behind it, as people make up passwords, and no name of an algorithm.
fn is_word_with_number(value: &str) -> bool {
    const ALGORITHMS: [&str; 8] = ["sha", "md5", "aes", "crypt", "argon", "pbkdf", "hmac", "utf"];
    let lower = value.to_ascii_lowercase();
    let word = lower.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = lower.len() - word.len();
    lower.len() >= 8
        && (2..=6).contains(&digits)
        && word.len() >= 4
        && word.bytes().all(|byte| byte.is_ascii_lowercase())
        && !looks::is_stand_in(value)
        && !looks::names_itself(word)
        && !ALGORITHMS.iter().any(|part| word.contains(part))
}

/// Hashes under `key`, and keys that begin as public ones do.
fn is_public(name: &str, value: &str) -> bool {
    let is_key = name.len() >= 3 && name[name.len() - 3..].eq_ignore_ascii_case("key");
    let hash = is_key && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_.-~%:".contains(&byte));
    hash || !plain
        || ["MFkw", "MIIB", "MIIC", "MCow", "AAAA", "ssh-"].iter().any(|start| value.starts_with(start))
}

/// Names under which a UUID is more than an id.
fn keeps_uuids(name: &str) -> bool {
    let lower: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    ["apikey", "secret", "token", "accesskey", "passw", "secretid", "licensekey", "privatekey"]
        .iter()
        .any(|word| lower.ends_with(word))
        || lower.contains("secret")
        || lower.contains("apikey")
}

#[cfg(test)]
mod tests {
    use super::{Closeness, is_secret};

    #[test]
    fn a_word_with_a_number_behind_it_is_a_password_where_one_is_given_to_a_name_that_tells() {
        for made_up in ["Sommer2024", "sommerregen77", "iloveyou2023", "hunter22", "qwertz12345"] {
            assert!(is_secret("DB_PASSWORD", made_up, Closeness::Firm), "{made_up}");
            assert!(!is_secret("DB_PASSWORD", made_up, Closeness::Loose), "{made_up}");
            assert!(!is_secret("api_token", made_up, Closeness::Firm), "{made_up}");
        }
        for usual in
            ["argon2id", "changeme123", "password123", "xxxxxxxx11", "required", "20240131", "get_it2"]
        {
            assert!(!is_secret("password", usual, Closeness::Firm), "{usual}");
        }
    }
}
