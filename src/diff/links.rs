//! Links from a diff to its files, as terminals take them (OSC 8).

use std::io::Write as _;

/// How a link is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// What is written, with `{path}`, `{line}` and `{host}` in it.
    pub format: String,
    /// The folder that names in the diff are below, as bytes of an absolute path.
    pub folder: Vec<u8>,
    /// The name of this machine.
    pub host: String,
}

impl Links {
    /// The format that every terminal understands; it has no room for a line.
    pub const PLAIN: &str = "file://{host}{path}";

    /// Returns the target of a link to a line of a file.
    pub(super) fn target(&self, name: &[u8], line: u64) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = self.format.as_str();
        while let Some(at) = rest.find('{') {
            push_encoded(&mut out, &rest.as_bytes()[..at], b"/:?#[]@!$&'()*+,;=%");
            rest = &rest[at..];
            let known = [("{path}", 0), ("{line}", 1), ("{host}", 2)];
            match known.into_iter().find(|(word, _)| rest.starts_with(word)) {
                Some((word, which)) => {
                    match which {
                        0 => {
                            push_encoded(&mut out, &self.folder, b"/");
                            out.push(b'/');
                            push_encoded(&mut out, name, b"/");
                        }
                        1 => drop(write!(out, "{}", line.max(1))),
                        _ => push_encoded(&mut out, self.host.as_bytes(), b""),
                    }
                    rest = &rest[word.len()..];
                }
                None => {
                    push_encoded(&mut out, b"{", b"");
                    rest = &rest[1..];
                }
            }
        }
        push_encoded(&mut out, rest.as_bytes(), b"/:?#[]@!$&'()*+,;=%");
        out
    }
}

/// Appends a text with everything but letters, digits, `-._~` and what is allowed as `%` and two digits.
fn push_encoded(out: &mut Vec<u8>, text: &[u8], allowed: &[u8]) {
    for byte in text {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || allowed.contains(byte) => {
                out.push(*byte);
            }
            byte => drop(write!(out, "%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_line_and_nothing_in_a_name_ends_it() {
        let links = |format: &str| Links {
            format: format.to_owned(),
            folder: b"/home/ada/my app".to_vec(),
            host: "laptop".to_owned(),
        };
        let target =
            |format: &str, name: &[u8]| String::from_utf8(links(format).target(name, 7)).expect("only ASCII");
        assert_eq!(target(Links::PLAIN, b"a/b.rs"), "file://laptop/home/ada/my%20app/a/b.rs");
        assert_eq!(target("vscode://file{path}:{line}", b"x"), "vscode://file/home/ada/my%20app/x:7");
        assert_eq!(target("{what}{path}", b"\x1b\\\xff\n"), "%7Bwhat%7D/home/ada/my%20app/%1B%5C%FF%0A");
    }
}
