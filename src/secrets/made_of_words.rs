//! Passwords that a person made of words: which values under a name that says so are looked for everywhere.
//!
//! Pure. Wrong in one direction, a password gets out; in the other, an ordinary word is taken out of a whole repository. So what is
//! one ordinary word stays, and what only stands for a password.

use super::looks;
use super::names::{NameMeaning, meaning_of};

/// What the name of a password ends with.
const TELLING: [&str; 14] = [
    "pass",
    "passwd",
    "password",
    "passwords",
    "passphrase",
    "passcode",
    "pwd",
    "pw",
    "psk",
    "secret",
    "secrets",
    "token",
    "credential",
    "credentials",
];

/// What may stand behind that: which of several it is.
const WHICH: [&str; 23] = [
    "admin",
    "backup",
    "base",
    "ci",
    "current",
    "default",
    "dev",
    "development",
    "live",
    "local",
    "main",
    "new",
    "next",
    "old",
    "previous",
    "primary",
    "prod",
    "production",
    "root",
    "secondary",
    "staging",
    "test",
    "user",
];

/// A value with one of these words only stands for a password.
const SAMPLES: [&str; 18] = [
    "your",
    "change",
    "changeme",
    "changeit",
    "example",
    "sample",
    "placeholder",
    "dummy",
    "fake",
    "mock",
    "insecure",
    "replace",
    "insert",
    "todo",
    "fixme",
    "xxx",
    "redacted",
    "unsafe",
];

/// So does a value of nothing but these.
const USUAL: [&str; 109] = [
    "a",
    "access",
    "admin",
    "an",
    "and",
    "api",
    "app",
    "auth",
    "bar",
    "base",
    "basic",
    "baz",
    "bearer",
    "cat",
    "client",
    "code",
    "compose",
    "data",
    "database",
    "db",
    "default",
    "demo",
    "dev",
    "develop",
    "development",
    "digest",
    "disabled",
    "django",
    "do",
    "docker",
    "elastic",
    "empty",
    "enabled",
    "env",
    "false",
    "foo",
    "for",
    "good",
    "grafana",
    "guest",
    "here",
    "in",
    "is",
    "it",
    "jwt",
    "key",
    "keyboard",
    "keycloak",
    "local",
    "localhost",
    "long",
    "mariadb",
    "memory",
    "minio",
    "mongo",
    "mongodb",
    "my",
    "mysql",
    "needed",
    "negotiate",
    "never",
    "no",
    "none",
    "not",
    "null",
    "of",
    "on",
    "only",
    "or",
    "pass",
    "passphrase",
    "password",
    "postgres",
    "postgresql",
    "prod",
    "production",
    "pwd",
    "rabbitmq",
    "random",
    "read",
    "real",
    "redis",
    "required",
    "root",
    "safe",
    "secret",
    "secure",
    "server",
    "service",
    "session",
    "set",
    "some",
    "staging",
    "string",
    "super",
    "sure",
    "test",
    "testing",
    "the",
    "this",
    "to",
    "token",
    "true",
    "unused",
    "use",
    "user",
    "value",
    "very",
    "write",
];

/// Shorter than this, a run of letters may be a word or a name.
const LONG_RUN: usize = 12;

/// Long words, by their ends.
const ENDS: [&str; 32] = [
    "tion", "tions", "ment", "ments", "able", "ible", "ing", "ings", "ator", "ators", "ness", "ity", "ities",
    "ence", "ance", "ical", "ally", "ated", "ized", "izer", "less", "ship", "sion", "ware", "base", "test",
    "ise", "ize", "ative", "ology", "graphy", "istic",
];

/// Long names of programs and places.
const NAMES: [&str; 10] = [
    "authenticate",
    "elasticsearch",
    "characteristic",
    "cryptography",
    "organization",
    "infrastructure",
    "architecture",
    "cloudflare",
    "docker-compose",
    "localhostonly",
];

/// Says whether a value is a password that somebody made of words or of digits, under a name that says so.
pub(super) fn is_password(name: &str, value: &str) -> bool {
    value.len() >= 8 && is_telling(name) && is_made_up(value)
}

fn is_telling(name: &str) -> bool {
    // In lower case, a name in capitals alone tells nothing.
    if meaning_of(name) < NameMeaning::Token || meaning_of(&name.to_ascii_lowercase()) < NameMeaning::Token {
        return false;
    }
    let lower = name.to_ascii_lowercase();
    let mut parts: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    while parts.len() > 1
        && parts.last().is_some_and(|last| {
            WHICH.contains(last) || last.is_empty() || last.bytes().all(|byte| byte.is_ascii_digit())
        })
    {
        parts.pop();
    }
    let last = parts.last().map_or("", |last| last.trim_end_matches(|c: char| c.is_ascii_digit()));
    TELLING.iter().any(|end| last.ends_with(end)) || last.ends_with("key")
}

fn is_made_up(value: &str) -> bool {
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return is_long_number(value);
    }
    let is_joined_like_a_host = value.contains(['.', ':', '@', '/', '\\', '=', '$', '(', '{', '[', '<']);
    let words = words_of(value);
    if is_joined_like_a_host || looks::is_stand_in(value) || looks::is_id(value) || is_sample(&words) {
        return false;
    }
    match &words[..] {
        [] => false,
        [word] => is_long_run(word),
        _ => true,
    }
}

fn is_sample(words: &[String]) -> bool {
    let is_numbered = words.iter().any(|word| word.len() - letters(word).len() >= 2);
    words.iter().any(|word| SAMPLES.contains(&letters(word)))
        || are_usual(words)
        || !is_numbered && words.iter().any(|word| looks::names_itself(word))
}

/// A word without the number behind it.
fn letters(word: &str) -> &str {
    word.trim_end_matches(|c: char| c.is_ascii_digit())
}

fn are_usual(words: &[String]) -> bool {
    words.iter().map(|word| letters(word)).all(|word| word.is_empty() || USUAL.contains(&word))
}

/// Says whether a value is nothing but words that stand in every repository, joined by signs; or one ordinary word, whatever its
/// capitals.
pub(super) fn is_usual(value: &str) -> bool {
    let words = words_of(value);
    let is_plain = |word: &String| word.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_ordinary = |word: &String| {
        is_one_word(value)
            && value.len() < 20
            && (ENDS.iter().any(|end| word.ends_with(end)) || NAMES.contains(&word.as_str()))
    };
    let is_joined = value.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_. ".contains(&byte));
    match &words[..] {
        [] => false,
        [word] => is_plain(word) && (USUAL.contains(&word.as_str()) || is_ordinary(word)),
        words => is_joined && are_usual(words),
    }
}

fn words_of(value: &str) -> Vec<String> {
    let words = value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Not the digits in their order, and not one or two over and over.
fn is_long_number(value: &str) -> bool {
    let mut kinds: Vec<u8> = value.bytes().collect();
    kinds.sort_unstable();
    kinds.dedup();
    value.len() >= 10 && kinds.len() > 2 && value != "1234567890" && value != "0123456789"
}

/// Letters that are no ordinary word, and no program's name.
fn is_long_run(word: &str) -> bool {
    let letters = word.bytes().all(|byte| byte.is_ascii_lowercase());
    letters
        && word.len() >= LONG_RUN
        && !ENDS.iter().any(|end| word.ends_with(end))
        && !NAMES.contains(&word)
        && !(word.len() < 40 && is_usual_in_one(word))
}

/// `postgresadmin`: usual words without a sign between them.
fn is_usual_in_one(word: &str) -> bool {
    word.is_empty() || USUAL.iter().any(|usual| word.strip_prefix(usual).is_some_and(is_usual_in_one))
}

/// `Development`, `PRODUCTION`: one word as texts have it.
fn is_one_word(value: &str) -> bool {
    let rest = value.get(1..).unwrap_or_default();
    value.bytes().all(|byte| byte.is_ascii_alphabetic())
        && (rest.bytes().all(|byte| byte.is_ascii_lowercase())
            || value.bytes().all(|byte| byte.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use crate::secrets::worth_knowing;

    #[test]
    fn what_a_person_made_up_is_known_under_a_name_that_says_so() {
        for value in [
            "bob-is-great-42",
            "bobisgreat42",
            "correct horse battery",
            "letmein-please",
            "alpha_beta_77",
            "zorpquillmaven",
            "12345678901",
            "4915112345678",
            "ada likes tea",
        ] {
            for name in [
                "APP_PASSWORD",
                "db.password",
                "POSTGRES_PASS",
                "MAIL_PASSWORD_PROD",
                "JWT_SECRET",
                "API_TOKEN2",
            ] {
                let known = worth_knowing(name, value);
                assert!(known.iter().any(|one| one.value == value), "{name}={value}");
            }
            for name in [
                "GREETING",
                "TITLE",
                "TOKEN_STORE",
                "PASSWORD_POLICY",
                "CACHE_KEY",
                "SECRET_NAME",
                "MAX_TOKENS",
            ] {
                if value != "bobisgreat42" {
                    assert!(worth_knowing(name, value).is_empty(), "{name}={value}");
                }
            }
        }
    }

    #[test]
    fn the_usual_samples_take_nothing_ordinary_out() {
        for (name, value) in [
            ("DB_PASSWORD", "postgres"),
            ("DB_PASSWORD", "development"),
            ("DB_PASSWORD", "Development"),
            ("DB_PASSWORD", "PRODUCTION"),
            ("DB_PASSWORD", "localhost"),
            ("DB_PASSWORD", "disabled"),
            ("DB_PASSWORD", "my-database"),
            ("DB_PASSWORD", "postgresadmin"),
            ("DB_PASSWORD", "password"),
            ("DB_PASSWORD", "changeme-please"),
            ("DB_PASSWORD", "12345678"),
            ("DB_PASSWORD", "1234567890"),
            ("DB_PASSWORD", "0000000000"),
            ("MYSQL_ROOT_PASSWORD", "root"),
            ("MONGO_PASSWORD", "mongodb-admin"),
            ("ELASTIC_PASSWORD", "elasticsearch"),
            ("MINIO_SECRET", "minioadmin"),
            ("RABBITMQ_PASSWORD", "guest"),
            ("JWT_SECRET", "your-256-bit-secret"),
            ("JWT_SECRET", "super-secret-key"),
            ("JWT_SECRET", "supersecret"),
            ("SESSION_SECRET", "keyboard cat"),
            ("CLIENT_SECRET", "keycloak-client-secret"),
            ("AUTH_TOKEN", "authentication"),
            ("AUTH_TOKEN", "internationalise"),
            ("API_TOKEN", "no-token-needed"),
            ("API_TOKEN", "not-set"),
            ("API_TOKEN", "false"),
            ("API_TOKEN", "xxx-xxx-xxx"),
            ("API_TOKEN", "dummy-value"),
            ("SECRET_KEY", "read-only"),
            ("SSH_PASSWORD", "db.internal"),
            ("SSH_PASSWORD", "redis:6379"),
            ("SSH_PASSWORD", "./certs/server.pem"),
            ("SSH_PASSWORD", "https://vault.local/token"),
            ("DB_PASSWORD", "2026-01-01"),
        ] {
            let known: Vec<String> = worth_knowing(name, value).into_iter().map(|one| one.value).collect();
            assert!(known.is_empty(), "{name}={value}: {known:?}");
        }
    }
}
