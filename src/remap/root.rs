//! An absolute path of any system, and the styles in which programs write it.
//!
//! Owns taking a path apart and putting it together again: with either separator, as a URI,
//! percent-encoded, for a shell. Works on the text alone: no `..` is resolved, no link followed.
//! What JSON adds around a path is `forms`' business.

/// An absolute path, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    anchor: Anchor,
    parts: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Anchor {
    Slash,
    Drive(char),
    Share(String, String),
}

impl Root {
    /// `None` for a path that isn't absolute.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let split = |rest: &str| -> Vec<String> {
            let parts = rest.split(['/', '\\']);
            parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        if path.starts_with('/') {
            // A backslash is an ordinary character of a name here.
            let parts = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned);
            return Some(Self { anchor: Anchor::Slash, parts: parts.collect() });
        }
        if let Some(rest) = path.strip_prefix("\\\\") {
            let mut parts = split(rest).into_iter();
            let anchor = Anchor::Share(parts.next()?, parts.next()?);
            return Some(Self { anchor, parts: parts.collect() });
        }
        let mut chars = path.chars();
        match (chars.next(), chars.next(), chars.next()) {
            (Some(letter), Some(':'), Some('/' | '\\')) if letter.is_ascii_alphabetic() => {
                Some(Self { anchor: Anchor::Drive(letter), parts: split(chars.as_str()) })
            }
            _ => None,
        }
    }

    /// How many components tell it from other paths; a drive or a share is one.
    pub(crate) fn depth(&self) -> usize {
        match self.anchor {
            _ if self.parts.is_empty() => 0,
            Anchor::Slash => self.parts.len(),
            Anchor::Drive(_) | Anchor::Share(..) => self.parts.len() + 1,
        }
    }

    /// Takes so many components off its end; `None` if too little is left to tell it from other paths.
    pub(crate) fn split(&self, off: usize) -> Option<(Self, &[String])> {
        let at = self.parts.len().checked_sub(off).filter(|left| *left > 0)?;
        let (above, below) = self.parts.split_at(at);
        Some((Self { anchor: self.anchor.clone(), parts: above.to_vec() }, below))
    }

    pub(crate) fn is_windows(&self) -> bool {
        self.anchor != Anchor::Slash
    }

    /// As its own system writes it.
    pub(crate) fn native(&self) -> String {
        self.written(if self.is_windows() { "\\" } else { "/" })
    }

    /// With slashes, whatever its system.
    pub(crate) fn slashed(&self) -> String {
        self.written("/")
    }

    fn written(&self, separator: &str) -> String {
        let anchor = match &self.anchor {
            Anchor::Slash => String::new(),
            Anchor::Drive(letter) => format!("{letter}:"),
            Anchor::Share(server, share) => {
                format!("{separator}{separator}{server}{separator}{share}")
            }
        };
        self.parts.iter().fold(anchor, |path, part| path + separator + part)
    }

    /// Other spellings of the same folder: the drive letter's other case, macOS's `/private`.
    pub(crate) fn aliases(&self) -> Vec<Self> {
        let linked = |part: &String| matches!(part.as_str(), "tmp" | "var" | "etc");
        let mut alias = self.clone();
        match (&mut alias.anchor, self.parts.as_slice()) {
            (Anchor::Drive(letter), _) if letter.is_ascii_lowercase() => {
                letter.make_ascii_uppercase();
            }
            (Anchor::Drive(letter), _) => letter.make_ascii_lowercase(),
            (Anchor::Slash, [private, first, _, ..]) if private == "private" && linked(first) => {
                alias.parts.remove(0);
            }
            (Anchor::Slash, [first, _, ..]) if linked(first) => {
                alias.parts.insert(0, "private".to_owned());
            }
            _ => return Vec::new(),
        }
        vec![alias]
    }

    /// Below a folder that holds the drives, as WSL (`/mnt/c`) and Git Bash (`/c`) have them.
    pub(crate) fn mounted(&self, mount: &str) -> Option<String> {
        let Anchor::Drive(letter) = self.anchor else { return None };
        let drive = format!("{mount}{}", letter.to_ascii_lowercase());
        Some(self.parts.iter().fold(drive, |path, part| path + "/" + part))
    }

    /// The components below `home`, if it lies there.
    pub(crate) fn below(&self, home: &Self) -> Option<&[String]> {
        (self.anchor == home.anchor).then(|| self.parts.strip_prefix(home.parts.as_slice()))?
    }

    /// As a file URI, its characters encoded by `encode`.
    pub(crate) fn uri(&self, encoding: &Encoding) -> String {
        let parts: String = self.parts.iter().map(|part| format!("/{}", encoding.encode(part))).collect();
        match &self.anchor {
            Anchor::Slash => format!("file://{parts}"),
            Anchor::Drive(letter) => {
                let colon = if encoding.keeps.contains(':') { ":" } else { "%3A" };
                format!("file:///{letter}{colon}{parts}")
            }
            Anchor::Share(server, share) => format!("file://{server}/{share}{parts}"),
        }
    }
}

/// A way of percent-encoding: what stays besides letters and digits, and the case of its digits.
pub(crate) struct Encoding {
    keeps: &'static str,
    lower: bool,
}

/// Python's and RFC 3986's strict set, and JavaScript's and the browsers' generous one.
pub(crate) const ENCODINGS: [Encoding; 4] = [
    Encoding { keeps: "-._~!$&'()*+,;=:@", lower: false },
    Encoding { keeps: "-._~", lower: false },
    Encoding { keeps: "-._~!$&'()*+,;=:@", lower: true },
    Encoding { keeps: "-._~", lower: true },
];

impl Encoding {
    pub(crate) fn encode(&self, text: &str) -> String {
        let mut encoded = String::with_capacity(text.len());
        for byte in text.bytes() {
            let character = char::from(byte);
            if byte.is_ascii_alphanumeric() || (byte.is_ascii() && self.keeps.contains(character)) {
                encoded.push(character);
            } else if self.lower {
                encoded.push_str(&format!("%{byte:02x}"));
            } else {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
        encoded
    }

    /// A whole path, slashes kept.
    pub(crate) fn encode_path(&self, path: &str) -> String {
        let parts: Vec<String> = path.split('/').map(|part| self.encode(part)).collect();
        parts.join("/")
    }
}

/// The text with every character escaped that a shell would read otherwise.
pub(crate) fn for_shell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if " \t\"'\\$&;()<>|*?[]{}#!`".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
