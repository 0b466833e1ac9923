//! What a name says about the value under it.
//!
//! A name is compared in lower case and without the signs between its words, so `apiKey`, `API_KEY` and
//! `api-key` are the same. A name of something public, or of a measure, says nothing, whatever words it
//! holds.

/// How much a name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NameMeaning {
    /// Nothing.
    Nothing,
    /// That it may be: only a value that chance made is a secret.
    Perhaps,
    /// A token, a key or the like, which a machine made.
    Token,
    /// A password, which a person may have made.
    Password,
}

/// Words whose place in a text is where a name may be, as they are written in code.
pub(super) const WORDS: &[&str] = &[
    "secret",
    "SECRET",
    "Secret",
    "token",
    "TOKEN",
    "Token",
    "pass",
    "PASS",
    "Pass",
    "pwd",
    "PWD",
    "Pwd",
    "_pw",
    "_PW",
    "key",
    "KEY",
    "Key",
    "credential",
    "CREDENTIAL",
    "Credential",
    "auth",
    "AUTH",
    "Auth",
    "psk",
    "PSK",
    "salt",
    "SALT",
    "Salt",
    "jwt",
    "JWT",
    "Jwt",
    "sessionid",
    "SESSID",
    "SESSIONID",
    "session=",
    "session'",
    "session\"",
    "sid=",
    "sid\"",
    "sid'",
    "connect.sid",
    "signature=",
    "Signature=",
    "\"sig\"",
    "dsn=",
    "DSN=",
    "ookie:",
    "OOKIE:",
    "ookie\"",
    "ookie'",
    "ookie ",
    "ookies ",
    "ookies\"",
    "?code=",
    "&code=",
    "SAMLResponse",
    "ignature:",
    "rootpw",
    "bindpw",
    "adminpw",
    "pwgen",
    "genkey",
    "rand -base64",
    "rand -hex",
];

/// Parts of names of what is public, or a measure, or only about secrets.
const PUBLIC: &[&str] = &[
    "sha1",
    "sha2",
    "sha5",
    "checksum",
    "digest",
    "integrity",
    "author",
    "authority",
    "tokens",
    "public",
    "tokeniz",
    "tokentype",
    "tokenlimit",
    "tokencount",
    "tokenurl",
    "keyword",
    "keyboard",
    "keyid",
    "keycode",
    "keyname",
    "keyframe",
    "keypress",
    "keydown",
    "keyup",
    "keyring",
    "primarykey",
    "foreignkey",
    "sortkey",
    "partitionkey",
    "passed",
    "passing",
    "passthrough",
    "bypass",
    "compass",
    "passenger",
    "passport",
    "passive",
    "passion",
    "passage",
    "password2hash",
    "passwordless",
    "passwordreset",
    "passwordstrength",
    "passwordpolicy",
    "secretary",
    "tokenid",
    "hostkey",
    "cachekey",
    "keysize",
    "keylen",
    "keytype",
    "knownhost",
    "salted",
    "saltlen",
    "subpass",
    "onepass",
    "twopass",
    "firstpass",
    "singlepass",
    "multipass",
    "renderpass",
    "passes",
    "authenticated",
    "authentication_",
    "idempotency",
    "publishable",
    "hashkey",
    "rangekey",
    "csskey",
    "pagetoken",
    "nexttoken",
    "continuationtoken",
];

/// Ends of names of what is about a secret and none itself.
const ABOUT: &[&str] = &[
    "url",
    "uri",
    "path",
    "file",
    "filename",
    "dir",
    "name",
    "type",
    "ttl",
    "expiry",
    "expires",
    "expiresin",
    "length",
    "len",
    "count",
    "regex",
    "prefix",
    "suffix",
    "header",
    "field",
    "label",
    "title",
    "text",
    "accessor",
    "policy",
    "hint",
    "format",
    "hash",
    "kind",
    "ref",
    "version",
    "arn",
    "index",
    "status",
    "state",
    "error",
    "algorithm",
    "alg",
    "endpoint",
    "scope",
    "mode",
    "method",
    "class",
    "at",
    "date",
    "time",
    "template",
    "test",
    "tests",
    "fingerprint",
    "thumbprint",
    "serial",
    "column",
    "row",
    "var",
    "variable",
    "env",
    "selector",
    "rule",
    "rules",
    "message",
    "description",
    "help",
    "address",
    "addr",
    "ts",
    "tsx",
    "js",
    "mjs",
    "jar",
    "whl",
    "gz",
    "zip",
];

/// The words before `key` in names of secret keys.
const KEYS: &[&str] = &[
    "api",
    "access",
    "secret",
    "private",
    "signing",
    "sign",
    "encryption",
    "encrypt",
    "crypt",
    "master",
    "auth",
    "app",
    "application",
    "service",
    "account",
    "storage",
    "admin",
    "root",
    "unseal",
    "shared",
    "license",
    "licence",
    "deploy",
    "hmac",
    "session",
    "cookie",
    "aes",
    "server",
    "client",
    "webhook",
    "stripe",
    "openai",
    "anthropic",
    "preshared",
    "secure",
    "loggedin",
    "nonce",
    "recovery",
    "jwt",
    "ssh",
    "write",
    "read",
    "user",
    "maps",
    "subscription",
    "instrumentation",
    "primary",
    "secondary",
    "sas",
    "connection",
    "data",
    "base",
    "rsa",
    "ec",
    "tls",
    "ssl",
    "consumer",
    "bot",
    "token",
];

/// Says what a name tells.
pub(super) fn meaning_of(name: &str) -> NameMeaning {
    // Names are plain; a heading may be anything, and what was taken out before has telling words in it.
    if name.contains('\u{ab}') {
        return NameMeaning::Nothing;
    }
    let lower: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let bare = lower.trim_end_matches(|c: char| c.is_ascii_digit());
    if bare.ends_with("passwordhash")
        || bare == "rand"
        || bare.ends_with("authorization")
        || bare.ends_with("samlresponse")
    {
        return NameMeaning::Token;
    }
    let id_of_secret = bare.ends_with("secretid") || bare.ends_with("sessionid") || bare.ends_with("sessid");
    let segments = || name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let last = segments().next_back().unwrap_or_default();
    let about = ABOUT.iter().any(|end| last.eq_ignore_ascii_case(end) || ends_in_word(last, end));
    let is_id = last.eq_ignore_ascii_case("id") || last.ends_with("Id") || last.ends_with("ID");
    if bare.len() < 2 || PUBLIC.iter().any(|part| bare.contains(part)) || (about || is_id) && !id_of_secret {
        return NameMeaning::Nothing;
    }
    let ends = |words: &[&str]| words.iter().any(|word| bare.ends_with(word));
    let is_folder = bare.ends_with("pwd")
        && bare.len() <= 6
        && !ends(&["dbpwd"])
        && name.bytes().all(|b| b.is_ascii_uppercase())
        && bare != "pwd";
    let has = |words: &[&str]| words.iter().any(|word| bare.contains(word));
    if has(&["passw", "passphrase", "passcode", "userpwd"])
        || ends(&["pass", "psk", "passwd", "wpapsk", "rootpw", "bindpw", "adminpw", "pwgen", "genkey"])
        || bare.ends_with("pwd") && !is_folder
        || is_segment(name, &["pass", "pw", "pwd"])
    {
        return NameMeaning::Password;
    }
    if has(&["secret", "token", "credential", "apikey", "masterauth", "bearer", "unsealkey"])
        || id_of_secret
        || ends(&["oauth"])
    {
        return NameMeaning::Token;
    }
    if let Some(before) = bare.strip_suffix("key") {
        let loud =
            name.len() > 4 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        return if loud || KEYS.iter().any(|word| before.ends_with(word)) {
            NameMeaning::Token
        } else {
            NameMeaning::Perhaps
        };
    }
    if ends(&["salt", "jwt", "privatekeydata", "keydata"]) || bare.contains("secretkeybase") {
        return NameMeaning::Token;
    }
    let perhaps = [
        "session",
        "sid",
        "auth",
        "signature",
        "sig",
        "cookie",
        "dsn",
        "connectionstring",
        "webhook",
        "otp",
        "pat",
        "code",
    ];
    if ends(&perhaps) { NameMeaning::Perhaps } else { NameMeaning::Nothing }
}

/// Whether a name in words of their own case ends in a word: `tokenType`.
fn ends_in_word(name: &str, word: &str) -> bool {
    let Some(at) = name.len().checked_sub(word.len()).filter(|at| *at > 0) else { return false };
    let (Some(before), Some(end)) = (name.get(..at), name.get(at..)) else { return false };
    end.eq_ignore_ascii_case(word)
        && end.starts_with(|c: char| c.is_ascii_uppercase())
        && before.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// Whether one of the words is a part of the name, between signs.
fn is_segment(name: &str, words: &[&str]) -> bool {
    let mut parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    name.len() > 3 && parts.any(|part| words.iter().any(|word| part.eq_ignore_ascii_case(word)))
}

/// Says whether a variable of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_folder = upper.ends_with("PWD") && name.len() <= 6;
    !is_folder
        && (meaning_of(name) >= NameMeaning::Token
            || upper.contains("DATABASE_URL")
            || upper.contains("CONNECTION_STRING")
            || upper.contains("WEBHOOK")
            || upper.ends_with("_DSN")
            || upper.ends_with("_PAT")
            || upper.ends_with("_AUTH"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_however_its_words_are_joined() {
        for name in [
            "password",
            "DB_PASSWORD",
            "userPasswd",
            "spring.datasource.password",
            "PGPASSWORD",
            "pass",
            "dbPwd",
            "admin_pw",
            "psk",
            "rootPassword",
        ] {
            assert_eq!(meaning_of(name), NameMeaning::Password, "{name}");
        }
        for name in [
            "apiKey",
            "API_KEY",
            "api-key",
            "client_secret",
            "secret_id",
            "OPENAI_KEY",
            "PrivateKey",
            "X-Auth-Token",
            "SecretAccessKey",
            "JWT_SECRET",
            "signing_key",
            "AUTH_KEY",
            "credentials",
            "secret_key_base",
            "client-key-data",
            "token",
        ] {
            assert_eq!(meaning_of(name), NameMeaning::Token, "{name}");
        }
        for name in ["key", "session", "sid", "signature"] {
            assert_eq!(meaning_of(name), NameMeaning::Perhaps, "{name}");
        }
    }

    #[test]
    fn names_of_what_is_public_or_a_measure_tell_nothing() {
        for name in [
            "input_tokens",
            "public_key",
            "tokenType",
            "token_url",
            "keyword",
            "author",
            "passed",
            "compass",
            "primary_key",
            "key_id",
            "secretName",
            "password_field",
            "token_count",
            "sha256",
            "private_key_path",
            "id",
            "name",
            "cache_key",
            "tokenizer",
            "TOKEN_ADDRESS",
            "nextPageToken",
            "auth-token.min.js",
            "token-1.0.jar",
        ] {
            assert_eq!(meaning_of(name), NameMeaning::Nothing, "{name}");
        }
    }
}
