//! Names that code has for algorithms and what belongs to them: they look random, and people wrote them. And which letters no
//! word has beside each other.

/// Parts of the names of algorithms.
const ALGORITHMS: [&str; 21] = [
    "aes", "aws", "blake", "cbc", "crc", "curve", "ecdh", "ecdsa", "gcm", "hmac", "jwt", "oauth", "pbkdf",
    "pkcs", "poly", "rsa", "sha", "shake", "sip", "utf", "xxh",
];

/// Those that are told by the number behind them.
const NUMBERED: [(&str, &[&str]); 3] =
    [("ed", &["448", "25519"]), ("x", &["448", "25519", "509"]), ("md", &["4", "5"])];

/// What such a name may end with, beside words.
const ENDS: [&str; 6] = ["t", "s", "fn", "id", "ptr", "len"];

/// `XXH64_hash_t`, `Ed448PrivateKey`, `AWS4-HMAC-SHA256`: all of it is words, parts of such names and short numbers, and it names
/// an algorithm and something more.
pub(super) fn is_name_of_algorithm(value: &str) -> bool {
    if value.len() > 40 || !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
        return false;
    }
    let pieces: Vec<&str> = value.split(['_', '-']).flat_map(pieces).collect();
    let (mut words, mut algorithms, mut numbers) = (0, 0, 0);
    for (at, piece) in pieces.iter().enumerate() {
        let lower = piece.to_ascii_lowercase();
        let next = pieces.get(at + 1).copied().unwrap_or_default();
        let is_numbered = NUMBERED.iter().any(|(name, numbers)| *name == lower && numbers.contains(&next));
        if piece.bytes().all(|byte| byte.is_ascii_digit()) {
            numbers += 1;
            if piece.len() > 4 && *piece != "25519" {
                return false;
            }
        } else if is_numbered || ALGORITHMS.contains(&lower.as_str()) {
            algorithms += 1;
        } else if lower.len() >= 3 && is_word(&lower) {
            words += 1;
        } else if !ENDS.contains(&lower.as_str()) {
            return false;
        }
    }
    algorithms > 0 && words + algorithms > 1 && numbers <= algorithms
}

/// Cuts a part of a name where its words begin and its numbers do.
fn pieces(part: &str) -> Vec<&str> {
    let bytes = part.as_bytes();
    let mut cuts = vec![0];
    for at in 1..bytes.len() {
        let (before, here) = (bytes[at - 1], bytes[at]);
        let number = before.is_ascii_digit() != here.is_ascii_digit();
        let word = before.is_ascii_lowercase() && here.is_ascii_uppercase();
        // The last capital of several begins the next word.
        let next = before.is_ascii_uppercase()
            && here.is_ascii_uppercase()
            && bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        if number || word || next {
            cuts.push(at);
        }
    }
    cuts.push(bytes.len());
    cuts.windows(2).map(|cut| &part[cut[0]..cut[1]]).collect()
}

/// Letters of one case that people can say.
fn is_word(lower: &str) -> bool {
    let bytes = lower.as_bytes();
    let vowels = bytes.iter().filter(|byte| b"aeiouy".contains(byte)).count();
    let strange = bytes.windows(2).filter(|pair| is_strange(pair[0], pair[1])).count();
    vowels * 5 >= bytes.len() && vowels * 4 <= bytes.len() * 3 && strange * 12 < bytes.len()
}

/// Whether no usual word has these two letters beside each other.
pub(super) fn is_strange(one: u8, two: u8) -> bool {
    // Behind each letter of the alphabet, those that do not follow it.
    const STRANGE: [&str; 26] = [
        "",
        "cfgkpqvwxz",
        "bdfgjmpvwxz",
        "cfjkpqtxz",
        "",
        "bcdghjkmnpqvwxz",
        "bcdfjkpqvwxz",
        "bcdfghjkpqvxz",
        "iy",
        "bcdfghjklmnpqrstvwxyz",
        "bcdfgjkpqvxz",
        "hjqrxz",
        "cfghjkqrvwxz",
        "qx",
        "",
        "bcdfgjkmqvwxz",
        "abcdefghijklmnopqrstvwxyz",
        "xz",
        "jvxz",
        "bfgjkpqvx",
        "q",
        "bcdfghjklmnpqstvwxz",
        "bcgjmpqvwxz",
        "bdgjkrvwxzn",
        "jqvx",
        "bcdfgjkmnpqrstvwx",
    ];
    let index = usize::from(one.to_ascii_lowercase().wrapping_sub(b'a'));
    STRANGE.get(index).is_some_and(|letters| letters.as_bytes().contains(&two.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::is_name_of_algorithm;

    #[test]
    fn names_of_algorithms_are_told_from_what_chance_or_a_person_made() {
        for name in [
            "XXH64_hash_t",
            "Ed448PrivateKey",
            "AWS4-HMAC-SHA256",
            "X25519PublicKey",
            "sha256_digest_len",
            "AES256-GCM",
            "PBKDF2WithHmacSHA256",
            "MD5Digest",
        ] {
            assert!(is_name_of_algorithm(name), "{name}");
        }
        for other in [
            "9fK2mQ7vLp0ZxT4sWq8R",
            "Sommer2024",
            "Correct-Horse-42",
            "Ed4Lake9",
            "sha-Kq7Rw2Xz9Lm4",
            "rsa20240131",
            "aes",
            "Rsa9Lake8Tree7",
            "hunter22",
            "wGsZkSaLtRoPq",
        ] {
            assert!(!is_name_of_algorithm(other), "{other}");
        }
    }
}
