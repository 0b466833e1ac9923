//! What a value looks like: random, a password, or something that a person wrote.
//!
//! Random text changes between capitals, small letters and digits all the time; people write words.

use super::identifiers::{is_name_of_algorithm, is_strange};

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ValueLook {
    /// Words, a number, a path, an address, code, an example.
    Plain,
    /// A UUID: an id, unless its name says more.
    Uuid,
    /// Signs of several kinds, as in a password that a person made.
    Mixed,
    /// Perhaps made by chance: with what may be a word or two in it.
    Likely,
    /// Made by chance.
    Random,
}

/// Says what a value looks like.
pub(super) fn look(value: &str) -> ValueLook {
    let lower = value.to_ascii_lowercase();
    if value.len() < 6
        || names_itself(&lower)
        || is_stand_in(value)
        || is_elsewhere(value)
        || is_name_of_algorithm(value)
        || value.bytes().any(|byte| byte < b' ')
    {
        return ValueLook::Plain;
    }
    if is_uuid(value) {
        return ValueLook::Uuid;
    }
    if is_number(value) || is_hash(value) || is_of_a_version(value) || is_chain_address(value) {
        return ValueLook::Plain;
    }
    if is_random(value) || is_unspeakable(value) || is_grouped(value) {
        return ValueLook::Random;
    }
    match (is_likely(value) || is_gibberish(value), is_mixed(value)) {
        (true, _) => ValueLook::Likely,
        (false, true) => ValueLook::Mixed,
        (false, false) => ValueLook::Plain,
    }
}

/// Says whether a value, in lower case, is a name of what it stands for.
pub(super) fn names_itself(lower: &str) -> bool {
    ["secret", "token", "credential"].iter().any(|word| lower.contains(word))
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
    const WORDS: [&str; 30] = [
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
        "...",
        "\u{2026}",
        "dummy",
        "${",
        "{{",
        "}}",
        "$(",
        "<%",
        "process.env",
        "os.environ",
        "redacted",
        "\u{ab}snap:",
        "password",
        "passwd",
        "getenv",
        "insert_",
        "replace_",
        "replace-",
        "••••",
    ];
    let lower = value.to_ascii_lowercase();
    let inside =
        value.starts_with('<') && value.ends_with('>') || value.starts_with('%') && value.ends_with('%');
    let variable = value
        .strip_prefix('$')
        .is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    inside || variable || WORDS.iter().any(|word| lower.contains(word)) || is_run(&lower)
}

/// `123456789…`, `abcdefgh…` or one character over and over.
fn is_run(value: &str) -> bool {
    let bytes = value.as_bytes();
    let steps = bytes.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) <= 1).count();
    bytes.len() >= 6 && steps * 4 >= (bytes.len() - 1) * 3
}

/// A path, an address or code: what it says is somewhere else.
fn is_elsewhere(value: &str) -> bool {
    let place = ["/", "./", "../", "~/", "C:\\", "file:", "arn:", "urn:", "data:"]
        .iter()
        .any(|start| value.starts_with(start));
    let base64 = || {
        value.len().is_multiple_of(4)
            && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
    };
    let code = value.contains("://")
        || value.contains("=>")
        || value.contains("::")
        || value.contains("->")
        || value.contains(";base64,")
        || is_call(value);
    let folders = value.bytes().filter(|byte| *byte == b'\\').count() >= 3;
    folders
        || place && !base64() && !value[1..].bytes().any(|b| b"+=".contains(&b))
        || code
        || is_member(value)
}

/// `name(…`, as a call begins.
fn is_call(value: &str) -> bool {
    let Some((name, _)) = value.split_once(['(', '[']) else { return false };
    name.len() >= 3
        && !is_random(name)
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.$!&*".contains(&b))
}

/// `self.name.other2`: words joined by dots.
fn is_member(value: &str) -> bool {
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && (part.len() <= 3 || in_words(part.as_bytes()) * 2 >= part.len())
    };
    let own = ["self.", "this.", "_lib."].iter().any(|start| value.starts_with(start));
    own || value.contains('.') && value.split('.').all(word)
}

/// A number, a date, a version, an address of a machine.
fn is_number(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit() || b".:-+_/,TZ ".contains(&byte))
}

/// A hash that says how it was made, as lock files have them.
fn is_hash(value: &str) -> bool {
    const KINDS: [&str; 16] = [
        "sha1:", "sha256:", "sha384:", "sha512:", "sha1-", "sha256-", "sha384-", "sha512-", "md5:", "md5-",
        "h1:", "zh:", "blake2b:", "blake3:", "sha256=", "sha512=",
    ];
    let kind = KINDS.iter().find_map(|kind| value.strip_prefix(kind));
    kind.is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte)))
}

/// `v1.2.0/go.mod`: a version and what belongs to it.
fn is_of_a_version(value: &str) -> bool {
    let value = value.strip_prefix('v').unwrap_or(value);
    let numbers = value.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let dots = value[..numbers].bytes().filter(|byte| *byte == b'.').count();
    dots >= 2 && matches!(value.as_bytes().get(numbers), None | Some(b'/' | b'-' | b'+'))
}

/// A public address in the usual chains: 20 bytes in hexadecimal. (Private keys have 32.)
fn is_chain_address(value: &str) -> bool {
    let digits = value.strip_prefix("0x").unwrap_or_default();
    digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_uuid(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_hexdigit).count();
    let dashes = value.bytes().filter(|byte| *byte == b'-').count();
    value.len() == 36 && dashes == 4 && digits == 32
}

/// A UUID, a number, a date or a version.
pub(super) fn is_id(value: &str) -> bool {
    is_uuid(value) || is_number(value)
}

/// Says whether a text looks like chance made it, and no person.
pub(super) fn is_random(value: &str) -> bool {
    let bytes = value.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if bytes.len() < 10 || letters < 3 || digits + letters < bytes.len() / 2 || !value.is_ascii() {
        return false;
    }
    let one_case = !bytes.iter().any(u8::is_ascii_lowercase) || !bytes.iter().any(u8::is_ascii_uppercase);
    if bytes.iter().all(u8::is_ascii_hexdigit) && one_case {
        return bytes.len() >= 20 && digits >= 2 && entropy(bytes) >= 2.8;
    }
    let changes = changes(bytes);
    let enough = if digits == 0 { changes * 20 >= bytes.len() * 7 } else { changes * 4 >= bytes.len() };
    enough
        && entropy(bytes) >= if bytes.len() < 16 { 2.7 } else { 3.0 }
        && in_words(bytes) * 5 < bytes.len() * 2
}

/// Whether a text of letters and digits, or of capitals and small letters among digits, is not a name
/// that a person made.
fn is_likely(value: &str) -> bool {
    let bytes = value.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let has = |kind: fn(&u8) -> bool| bytes.iter().any(kind);
    let hex = bytes.iter().all(u8::is_ascii_hexdigit);
    let plain = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.+~=".contains(byte));
    let cases = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let enough = if cases {
        digits >= 1 && changes(bytes) * 5 >= bytes.len()
    } else {
        digits >= 2 && changes(bytes) * 4 >= bytes.len()
    };
    bytes.len() >= 10
        && plain
        && !hex
        && enough
        && in_words(bytes) * 20 <= bytes.len() * if cases { 13 } else { 10 }
        && entropy(bytes) >= 2.7
}

/// Counts the changes between capitals, small letters, digits and signs. A word's capital and a sign
/// between words don't count as changes.
fn changes(bytes: &[u8]) -> usize {
    let class = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let mut count = 0;
    for at in 1..bytes.len() {
        let (before, here) = (class(bytes[at - 1]), class(bytes[at]));
        let capital = before == 1 && here == 0 && at.checked_sub(2).is_none_or(|at| class(bytes[at]) != 1);
        let after_sign = before == 3;
        count += usize::from(before != here && !capital && !after_sign);
    }
    count
}

/// Letters that nobody can say: hardly a vowel among them.
fn is_unspeakable(value: &str) -> bool {
    let vowels = value.bytes().filter(|byte| b"aeiouyAEIOUY".contains(byte)).count();
    value.len() >= 12
        && value.bytes().all(|byte| byte.is_ascii_lowercase())
        && vowels * 12 < value.len()
        && entropy(value.as_bytes()) >= 2.5
}

/// Letters, perhaps with digits, among which too many pairs stand that no usual word has.
fn is_gibberish(value: &str) -> bool {
    let bytes = value.as_bytes();
    // Where a word of a name may begin, any two letters meet.
    let is_joint = |pair: &[u8]| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase();
    let strange = bytes.windows(2).filter(|pair| !is_joint(pair) && is_strange(pair[0], pair[1])).count();
    let hex = bytes.iter().all(u8::is_ascii_hexdigit);
    bytes.len() >= 12
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && !hex
        && strange >= 2
        && strange * 8 >= bytes.len()
        && entropy(bytes) >= 2.5
}

/// `abcd-efgh-ijkl-mnop`: groups of one length, as passwords of apps are written.
fn is_grouped(value: &str) -> bool {
    let groups: Vec<&str> = value.split('-').collect();
    groups.len() == 4
        && groups.iter().all(|group| group.len() == 4 && group.bytes().all(|b| b.is_ascii_lowercase()))
        && in_words(value.as_bytes()) < 16
}

/// Three kinds of signs or more, no name and no words alone.
fn is_mixed(value: &str) -> bool {
    let name = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-. ".contains(&byte));
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let signs = value.bytes().filter(|byte| !byte.is_ascii_alphanumeric()).count();
    let kinds = classes(value);
    value.len() >= 8
        && value.is_ascii()
        && !value.contains(['(', ')', '{', '}', '[', ']', '<', '>'])
        && !value.contains(' ')
        && (!name && kinds >= 3 && digits >= 1
            || name && kinds >= 3 && digits >= 2 && signs * 6 < value.len() && !is_versioned(value))
}

/// `Name_2.0`, `utf-8`: words with a number behind them.
fn is_versioned(value: &str) -> bool {
    let bytes = value.as_bytes();
    let words = in_words(bytes);
    words * 2 >= bytes.len()
}

/// Counts the bytes in what may be words: four letters or more in one case, with a vowel.
pub(super) fn in_words(bytes: &[u8]) -> usize {
    let mut count = 0;
    let mut start = 0;
    let mut end_word = |word: &[u8]| {
        let vowels = word.iter().filter(|byte| b"aeiouyAEIOUY".contains(byte)).count();
        let strange = word.windows(2).filter(|pair| is_strange(pair[0], pair[1])).count();
        if word.len() >= 4
            && vowels * 6 >= word.len()
            && vowels * 4 <= word.len() * 3
            && strange * 12 < word.len()
        {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chance_made_looks_so() {
        for value in [
            "zHcjuv8C-P_u_U_r",
            "9fK2mQ7vLp0ZxT4sWq8R",
            "xKqPzWvTbnMLrtYs",
            "a8d9f1k2l3m4n5",
            "kqzvxwjtbnrt",
            "Zm9vYmFyLWJhei1xdXV4==",
        ] {
            assert_eq!(look(value), ValueLook::Random, "{value}");
        }
        for value in [
            "pkyQIjtlQOugSdOJYmWHvqwcxtdpTlEX",
            "ygsobvgwkpbrwxnsenbuekkgqafriqic",
            "TQZKWPXBVNMJ",
            "qhfwkzodjtpvmxre",
        ] {
            assert!(look(value) >= ValueLook::Likely, "{value}");
        }
        assert_eq!(look("Winter2931!abc"), ValueLook::Mixed);
        assert_eq!(look("c137e379-838e-4509-8148-16b407691758"), ValueLook::Uuid);
    }

    #[test]
    fn what_people_write_does_not() {
        for value in [
            "getTokenFromHeader2",
            "projects/my-project-123/secrets",
            "sk-ant-oat01-...",
            "<token>",
            "${VAR}",
            "changeme",
            "aaaaaaaaaaaa",
            "TokenStream2",
            "2026-01-01T00:00:00Z",
            "self.token2.value",
            "correct-horse-battery",
            "CreateAToken9_BearerFromCookie",
            "utf8_unicode_ci",
            "application/x-www-form-urlencoded",
            "$DB_PASSWORD1",
            "parse_token2(x)",
            "123456789012",
            "Authorization",
            "authenticationMiddleware",
            "HttpJsonWebTokenBuilder",
            "dbPasswordFromKeyring",
            "transactionscoped",
        ] {
            assert_eq!(look(value), ValueLook::Plain, "{value}");
        }
    }
}
