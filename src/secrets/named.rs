//! Names that say "secret", and values that look random: for what no vendor's rule knows.

use std::ops::Range;

/// Words in the names of secrets, as they are written in code.
pub(super) const WORDS: &[&str] = &[
    "secret",
    "SECRET",
    "Secret",
    "token",
    "TOKEN",
    "Token",
    "passw",
    "PASSW",
    "Passw",
    "pwd",
    "PWD",
    "Pwd",
    "api_key",
    "API_KEY",
    "api-key",
    "apikey",
    "apiKey",
    "ApiKey",
    "APIKEY",
    "Api_Key",
    "access_key",
    "ACCESS_KEY",
    "access-key",
    "accessKey",
    "AccessKey",
    "private_key",
    "PRIVATE_KEY",
    "privateKey",
    "signing_key",
    "SIGNING_KEY",
    "signingKey",
    "encryption_key",
    "ENCRYPTION_KEY",
    "encryptionKey",
    "credential",
    "CREDENTIAL",
    "Credential",
    "auth",
    "AUTH",
    "Auth",
];

/// The longest name that is looked at.
const LONGEST_NAME: usize = 64;

/// The longest value.
const LONGEST_VALUE: usize = 512;

/// Says whether a variable of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace('-', "_");
    let words = [
        "SECRET",
        "TOKEN",
        "PASSW",
        "PASSPHRASE",
        "APIKEY",
        "API_KEY",
        "PRIVATE_KEY",
        "ACCESS_KEY",
        "SIGNING_KEY",
        "ENCRYPTION_KEY",
        "CREDENTIAL",
        "CONNECTION_STRING",
        "DATABASE_URL",
        "WEBHOOK",
    ];
    let ends = ["_KEY", "_PASS", "_PWD", "_PAT", "_AUTH", "_DSN", "_SALT"];
    let counts =
        name.ends_with("TOKENS") || name.contains("TOKEN_LIMIT") || name.ends_with("PWD") && name.len() <= 6;
    !counts && (words.iter().any(|word| name.contains(word)) || ends.iter().any(|end| name.ends_with(end)))
}

/// A name and its value in a text.
pub(super) struct Assigned {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Reads `NAME = value` around a word at `at`; with quotes, escapes and blanks of the usual kinds.
pub(super) fn assignment(text: &[u8], at: usize) -> Option<Assigned> {
    let before = text[..at].iter().rev().take(LONGEST_NAME).take_while(|byte| in_name(**byte)).count();
    let after = text[at..].iter().take(LONGEST_NAME).take_while(|byte| in_name(**byte)).count();
    let name = at - before..at + after;
    let blank = |byte: &&u8| b" \t\"'`\\]".contains(byte);
    let mut here = name.end + text[name.end..].iter().take(8).take_while(blank).count();
    // A type between name and value: `token: &str = "…"`.
    let sign = *text.get(here)?;
    here += 1;
    match (sign, text.get(here)) {
        (b'=', Some(b'=')) | (b':', Some(b':')) => return None,
        (b'=', Some(b'>')) | (b':', Some(b'=')) => here += 1,
        (b'=' | b':', _) => {}
        _ => return None,
    }
    here += text[here..].iter().take(8).take_while(blank).count();
    let in_value = |byte: &&u8| byte.is_ascii_graphic() && !b"\"'`\\,;<>()[]{}|".contains(byte);
    let length = text[here..].iter().take(LONGEST_VALUE + 1).take_while(in_value).count();
    (8..=LONGEST_VALUE).contains(&length).then_some(Assigned { name, value: here..here + length })
}

/// Says whether an assignment assigns what looks like a secret.
pub(super) fn is_secret(text: &[u8], assigned: &Assigned) -> bool {
    // Our own placeholders say "secret" too.
    if text[..assigned.name.start].ends_with(b"snap:") {
        return false;
    }
    let part = |range: &Range<usize>| std::str::from_utf8(text.get(range.clone()).unwrap_or_default());
    let (Ok(name), Ok(value)) = (part(&assigned.name), part(&assigned.value)) else { return false };
    let lower = name.to_ascii_lowercase();
    // Names of things that are public, or of measures.
    let public = [
        "hash",
        "sha",
        "digest",
        "checksum",
        "integrity",
        "author",
        "tokens",
        "public",
        "authority",
        "oauth_url",
        "token_type",
        "tokenizer",
    ];
    if public.iter().any(|word| lower.contains(word)) || is_stand_in(value) || is_id(value) {
        return false;
    }
    let is_password = lower.contains("passw") || lower.contains("pwd");
    let long_enough = if is_password { value.len() >= 10 && classes(value) >= 3 } else { value.len() >= 16 };
    // A call, a member, an address: code, not a value.
    let code = value.contains("://")
        || value.contains("=>")
        || value.contains("::")
        || value.starts_with(['/', '.', '$', '@', '%', '&', '*', '-', '=']);
    long_enough && !code && is_random(value)
}

/// How many kinds of characters a text has: lower case, upper case, digits, others.
pub(super) fn classes(text: &str) -> usize {
    let kinds: [fn(u8) -> bool; 4] = [
        |b| b.is_ascii_lowercase(),
        |b| b.is_ascii_uppercase(),
        |b| b.is_ascii_digit(),
        |b| !b.is_ascii_alphanumeric(),
    ];
    kinds.iter().filter(|kind| text.bytes().any(kind)).count()
}

/// A value that only stands for a secret: an example, a template, stars, one of our placeholders.
pub(super) fn is_stand_in(value: &str) -> bool {
    const WORDS: [&str; 22] = [
        "example",
        "placeholder",
        "changeme",
        "change_me",
        "change-me",
        "your_",
        "your-",
        "yourapi",
        "xxxx",
        "****",
        "....",
        "dummy",
        "<",
        "${",
        "{{",
        "$(",
        "process.env",
        "os.environ",
        "redacted",
        "\u{ab}snap:",
        "password",
        "getenv",
    ];
    let lower = value.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word)) || is_run(&lower)
}

/// `123456789…`, `abcdefgh…` or one character over and over.
fn is_run(value: &str) -> bool {
    let bytes = value.as_bytes();
    let steps = bytes.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) <= 1).count();
    bytes.len() >= 8 && steps * 4 >= (bytes.len() - 1) * 3
}

/// A UUID, a number, a date or a version.
pub(super) fn is_id(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_hexdigit).count();
    let dashes = value.bytes().filter(|byte| *byte == b'-').count();
    let uuid = value.len() == 36 && dashes == 4 && digits == 32;
    uuid || value.bytes().all(|byte| byte.is_ascii_digit() || b".:-+_TZ ".contains(&byte))
}

/// Says whether a text looks like chance made it, and no person: letters and digits mixed, no words.
pub(super) fn is_random(value: &str) -> bool {
    let bytes = value.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if digits < 2 || letters < 3 || digits + letters < bytes.len() * 2 / 3 {
        return false;
    }
    let hex = bytes.iter().all(u8::is_ascii_hexdigit);
    let enough = if hex { 2.8 } else { 3.0 };
    entropy(bytes) >= enough && in_words(bytes) * 5 < bytes.len() * 2
}

/// Counts the bytes in what may be words: three letters or more in one case, with a vowel.
fn in_words(bytes: &[u8]) -> usize {
    let mut count = 0;
    let mut start = 0;
    let mut end_word = |word: &[u8]| {
        let vowels = word.iter().filter(|byte| b"aeiouyAEIOUY".contains(byte)).count();
        if word.len() >= 4 && vowels * 6 >= word.len() && vowels * 4 <= word.len() * 3 {
            count += word.len();
        }
    };
    for at in 1..=bytes.len() {
        let same = at < bytes.len() && {
            let (before, here) = (bytes[at - 1], bytes[at]);
            let letters = before.is_ascii_alphabetic() && here.is_ascii_alphabetic();
            letters
                && !(before.is_ascii_lowercase() && here.is_ascii_uppercase())
                && !(at - start > 1 && before.is_ascii_uppercase() && here.is_ascii_lowercase())
        };
        if !same {
            end_word(&bytes[start..at]);
            start = at;
        }
    }
    count
}

/// Shannon's measure, in bits a byte.
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|p| -p * p.log2())
        .sum()
}

/// Returns the name that a value at `at` is given in the text before it: `NAME=`, `"NAME": "`.
pub(super) fn name_before(text: &[u8], at: usize) -> Option<String> {
    let rest = &text[at.saturating_sub(LONGEST_NAME + 16)..at];
    let skip = |rest: &[u8], signs: &[u8]| rest.iter().rev().take_while(|byte| signs.contains(byte)).count();
    let rest = &rest[..rest.len() - skip(rest, b"\"'`\\ ")];
    let rest = rest
        .strip_suffix(b"=>")
        .or_else(|| rest.strip_suffix(b":="))
        .or_else(|| rest.strip_suffix(b"="))
        .or_else(|| rest.strip_suffix(b":"))?;
    let rest = &rest[..rest.len() - skip(rest, b"\"'`\\ ")];
    let length = rest.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let name = &rest[rest.len() - length..];
    let fine = (3..=LONGEST_NAME).contains(&length)
        && !name[0].is_ascii_digit()
        && name.iter().any(u8::is_ascii_alphabetic);
    fine.then(|| String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let at = WORDS.iter().find_map(|word| text.find(word))?;
        let assigned = assignment(text.as_bytes(), at)?;
        is_secret(text.as_bytes(), &assigned).then(|| &text[assigned.value])
    }

    #[test]
    fn a_random_value_under_a_secrets_name_is_found() {
        let value = ["9fK2mQ7v", "Lp0ZxT4sWq8R"].concat();
        for text in [
            format!("API_TOKEN={value}"),
            format!("export const apiKey = \"{value}\";"),
            format!(r#"{{"client_secret": "{value}"}}"#),
            format!("auth_token: '{value}'"),
            format!(r#"\"secret\": \"{value}\","#),
            format!("secret => {value}"),
        ] {
            assert_eq!(found(&text), Some(value.as_str()), "{text}");
        }
    }

    #[test]
    fn code_is_not() {
        for text in [
            "let token = parser.next_token()?;",
            "const token = getTokenFromHeader2(request)",
            "input_tokens: 123456789012",
            "password = process.env.DB_PASSWORD1",
            "token: Option<TokenStream2>,",
            "secret_key_base64_url_safe = true",
            "api_key = 'xxxxxxxxxxxxxxxxxxxxxxxx'",
            "if token == Token::Identifier123456789 {",
            "auth: require('./middleware/auth2/verify')",
            "author = 'Someone1 <a@b.c>'",
            "token_sha256=0123456789abcdef0123456789abcdee",
            "SESSION_TOKEN=c137e379-838e-4509-8148-16b407691758",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn the_name_before_a_value_is_read() {
        for text in ["API_KEY=", "export API_KEY=\"", r#"{\"API_KEY\": \""#, "API_KEY => '", "API_KEY := `"] {
            assert_eq!(name_before(text.as_bytes(), text.len()).as_deref(), Some("API_KEY"), "{text}");
        }
        assert_eq!(name_before(b"say ", 4), None);
        assert_eq!(name_before(b"", 0), None);
    }
}
