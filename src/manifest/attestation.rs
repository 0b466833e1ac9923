//! The last lines of a manifest: who vouches for everything before them.
//!
//! Owns where these lines begin. A proof is over the bytes of the file up to the first of these lines,
//! exactly as they are, so it covers everything that a reader uses. The lines are taken from the end of the
//! file in one strict form. A file that ends otherwise has no proofs. Pure: `trust` judges what the proofs
//! are worth.

use crate::base::digest::ObjectId;

/// The longest signature that is looked at, in bytes.
const LONGEST_SIGNATURE: usize = 16 << 10;

/// What vouches for a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proofs {
    /// The hash of what is vouched for; `None` if the file does not end in our form.
    pub body: Option<ObjectId>,
    /// The mark that only the key of the user who saved it can make.
    pub mac: Option<ObjectId>,
    /// An SSH signature, armoured.
    pub signature: Option<String>,
}

impl Proofs {
    /// Takes the proofs from the end of a manifest that was read.
    pub fn of(json: &[u8]) -> Proofs {
        Proofs::read(json).unwrap_or_default()
    }

    fn read(json: &[u8]) -> Option<Proofs> {
        let (rest, checksum) = last_line(json.strip_suffix(b"}\n")?)?;
        hash_of(checksum, "checksum", "")?;
        let mut body = rest;
        let mut mac = None;
        let mut signature = None;
        if let Some((rest, line)) = last_line(body)
            && let Some(hash) = hash_of(line, "mac", ",")
        {
            (body, mac) = (rest, Some(hash));
        }
        if let Some((rest, line)) = last_line(body)
            && let Some(text) = value_of(line, "signature", ",")
        {
            let text: String = serde_json::from_str(text).ok()?;
            (body, signature) = (rest, Some(text).filter(|text| text.len() <= LONGEST_SIGNATURE));
        }
        Some(Proofs { body: Some(ObjectId::of(body)), mac, signature })
    }

    /// Returns the lines as they stand in the file, before that of the checksum.
    pub fn lines(&self) -> String {
        let mut lines = String::new();
        if let Some(signature) = &self.signature {
            lines += &format!("  \"signature\": {},\n", serde_json::Value::from(signature.as_str()));
        }
        if let Some(mac) = self.mac {
            lines += &format!("  \"mac\": \"{mac}\",\n");
        }
        lines
    }
}

/// Splits the last line off; what is before it keeps its line end.
fn last_line(text: &[u8]) -> Option<(&[u8], &str)> {
    let line = text.strip_suffix(b"\n")?;
    let start = line.iter().rposition(|byte| *byte == b'\n')? + 1;
    Some((&text[..start], std::str::from_utf8(&line[start..]).ok()?))
}

fn value_of<'a>(line: &'a str, key: &str, end: &str) -> Option<&'a str> {
    line.strip_prefix(&format!("  \"{key}\": "))?.strip_suffix(end)
}

fn hash_of(line: &str, key: &str, end: &str) -> Option<ObjectId> {
    ObjectId::parse(value_of(line, key, end)?.strip_prefix('"')?.strip_suffix('"')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_everything_before_the_proofs() {
        let sum = "0".repeat(64);
        let mac = ObjectId::of(b"mac");
        let proofs = Proofs {
            body: Some(ObjectId::of(b"{\n  \"a\": 1,\n")),
            mac: Some(mac),
            signature: Some("-----BEGIN\nx\n".to_owned()),
        };
        let lines = proofs.lines();
        let file = format!("{{\n  \"a\": 1,\n{lines}  \"checksum\": \"{sum}\"\n}}\n");
        assert_eq!(Proofs::of(file.as_bytes()), proofs);
        for (what, changed) in [
            ("a key behind the proofs", file.replace("  \"checksum\"", "  \"b\": 2,\n  \"checksum\"")),
            (
                "another order",
                file.replace(&lines, &lines.lines().rev().map(|l| format!("{l}\n")).collect::<String>()),
            ),
            ("a key between", file.replace("  \"mac\"", "  \"b\": 2,\n  \"mac\"")),
            ("more before", file.replace("\"a\": 1", "\"a\": 2")),
        ] {
            assert_ne!(Proofs::of(changed.as_bytes()).body, proofs.body, "{what}");
        }
        for broken in [&b""[..], b"}\n", b"{}\n", b"x\n}\n"] {
            assert_eq!(Proofs::of(broken), Proofs::default());
        }
    }
}
