//! Paths as values: inside a work tree ([`RepoPath`]) and on a machine ([`NativePath`]).
//!
//! Both are bytes and survive JSON losslessly: UTF-8 as a string, anything else as `{"hex": "…"}`. A
//! [`RepoPath`] can't leave the tree it is joined to and can't name a `.git` in any disguise. There is no
//! other way to make one. Pure: `sys` handles links in the real tree.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::digest::{from_hex, to_hex};
use crate::base::screen;

const LONGEST_PATH: usize = 4_096;
const LONGEST_COMPONENT: usize = 255;

/// A relative path inside a work tree, `/`-separated, as git writes it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Vec<u8>);

impl RepoPath {
    /// Checks and takes the bytes of a path.
    ///
    /// # Errors
    /// Says which rule the path breaks: it is empty, absolute or too long, holds a NUL, an
    /// empty, `.` or `..` component, or one that some system takes for `.git`.
    pub fn new(bytes: &[u8]) -> Result<RepoPath, String> {
        let refuse = |why: &str| Err(format!("{} {why}", screen::Line(&String::from_utf8_lossy(bytes))));
        if bytes.is_empty() || bytes.len() > LONGEST_PATH {
            return refuse("is empty or too long for a path");
        }
        if bytes.contains(&0) {
            return refuse("has a NUL byte");
        }
        for component in bytes.split(|byte| *byte == b'/') {
            match component {
                b"" => return refuse("is absolute or has an empty component"),
                b"." | b".." => return refuse("leaves or repeats a folder"),
                long if long.len() > LONGEST_COMPONENT => return refuse("has a name that is too long"),
                git if is_dot_git(git) => return refuse("goes into git's own folder"),
                _ => {}
            }
        }
        Ok(RepoPath(bytes.to_vec()))
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the path relative to the root, for system calls.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// Returns the components, first to last.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &OsStr> {
        self.0.split(|byte| *byte == b'/').map(OsStr::from_bytes)
    }

    /// Returns the folders above it, from the outermost.
    pub fn above(&self) -> impl Iterator<Item = RepoPath> {
        let ends = self.0.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
        ends.map(|end| RepoPath(self.0[..end].into()))
    }

    /// Returns the components as the most forgiving file system would compare them.
    pub fn folded(&self) -> impl Iterator<Item = String> {
        // By way of capitals, `ſ` becomes `s` and `ﬁ` becomes `fi`, as where case does not count.
        self.0.split(|byte| *byte == b'/').map(|name| folded(name).to_uppercase().to_lowercase())
    }

    /// Says whether every system takes the name for the same file: no control character, no `\` or `:`,
    /// no blank or dot at the end of a name, no name of a device, nothing but text.
    pub fn is_portable(&self) -> bool {
        let plain = |name: &[u8]| {
            let Ok(text) = std::str::from_utf8(name) else { return false };
            let stem = text.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
            let numbered = |device: &str| {
                let number = stem.strip_prefix(device).unwrap_or_default();
                // Superscripts are digits to Windows.
                matches!(number, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
            };
            let device = matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$");
            !device
                && !numbered("com")
                && !numbered("lpt")
                && !text.ends_with(['.', ' '])
                && !text.contains(['\\', ':'])
                && screen::Line(text).to_string() == text
        };
        self.0.split(|byte| *byte == b'/').all(plain)
    }

    /// Says whether this path is `folder` or inside it.
    pub fn is_in(&self, folder: &RepoPath) -> bool {
        self.0.strip_prefix(folder.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    }
}

/// Shows the path on one line, unsafe characters escaped.
impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        screen::Line(&String::from_utf8_lossy(&self.0)).fmt(f)
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Says whether some file system would open a component of this name as `.git`.
///
/// The rules are those of git's `is_ntfs_dotgit` and `is_hfs_dotgit`: any case, trailing dots
/// and spaces, an NTFS stream behind a colon, the short name `git~1`, and code points that
/// HFS+ ignores.
fn is_dot_git(component: &[u8]) -> bool {
    // A backslash separates folders elsewhere.
    component.split(|byte| *byte == b'\\').any(|part| matches!(folded(part).as_str(), ".git" | "git~1"))
}

/// Returns a component without the parts that some file system ignores: case, trailing dots and blanks,
/// an NTFS stream, code points that HFS+ ignores.
fn folded(component: &[u8]) -> String {
    let text = String::from_utf8_lossy(component);
    let seen: String = text.chars().filter(|c| !is_ignored_by_hfs(*c)).collect();
    let before_stream = seen.split(':').next().unwrap_or_default();
    before_stream.trim_end_matches(['.', ' ']).to_lowercase()
}

fn is_ignored_by_hfs(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// An absolute path on some machine: where a snapshot was taken.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NativePath(PathBuf);

impl NativePath {
    /// Returns the path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl From<&Path> for NativePath {
    fn from(path: &Path) -> NativePath {
        NativePath(path.to_owned())
    }
}

/// Shows the path on one line, unsafe characters escaped.
impl fmt::Display for NativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        screen::Line(&self.0.to_string_lossy()).fmt(f)
    }
}

impl fmt::Debug for NativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How bytes are written in JSON.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Lossless<'a> {
    Text(Cow<'a, str>),
    Hex { hex: Cow<'a, str> },
}

fn write_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => serializer.serialize_str(text),
        Err(_) => Lossless::Hex { hex: to_hex(bytes).into() }.serialize(serializer),
    }
}

fn read_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    match Lossless::deserialize(deserializer)? {
        Lossless::Text(text) => Ok(text.into_owned().into_bytes()),
        Lossless::Hex { hex } => from_hex(&hex).ok_or_else(|| serde::de::Error::custom("not hexadecimal")),
    }
}

impl Serialize for RepoPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_bytes(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for RepoPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RepoPath, D::Error> {
        RepoPath::new(&read_bytes(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Serialize for NativePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_bytes(self.0.as_os_str().as_bytes(), serializer)
    }
}

impl<'de> Deserialize<'de> for NativePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NativePath, D::Error> {
        let bytes = read_bytes(deserializer)?;
        if bytes.contains(&0) || bytes.len() > LONGEST_PATH {
            return Err(serde::de::Error::custom("a path holds a NUL byte or is too long"));
        }
        Ok(NativePath(PathBuf::from(std::ffi::OsString::from_vec(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repo_path_can_not_leave_the_tree_or_name_git() {
        let refused: &[&[u8]] = &[
            b"",
            b"/etc/passwd",
            b"..",
            b"a/../b",
            b"a//b",
            b"a/",
            b"./a",
            b"a\0b",
            b".git",
            b".git/hooks/x",
            b"sub/.GIT/config",
            b".git./x",
            b".git /x",
            b"git~1/x",
            b".git::$INDEX_ALLOCATION/x",
            b"a\\.git\\x",
            ".g\u{200c}it/config".as_bytes(),
        ];
        for path in refused {
            assert!(RepoPath::new(path).is_err(), "{:?}", String::from_utf8_lossy(path));
        }
        for path in [".gitignore", "a b", "-rf", "a\\b", "new\nline", "..a", "é", "git~1x"] {
            assert!(RepoPath::new(path.as_bytes()).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn names_that_mean_another_file_elsewhere_are_known() {
        let portable = |name: &[u8]| RepoPath::new(name).expect("a fine path").is_portable();
        for name in ["src/a.rs", ".gitignore", "größe/a b.txt", "console", "com10", "aux-1"] {
            assert!(portable(name.as_bytes()), "{name:?}");
        }
        let odd = [
            "a.",
            "a ",
            "a\r",
            "a\nb",
            "\x1b[2J",
            "a\\b",
            "c:x",
            "CON",
            "nul.txt",
            "x/com1.a",
            "LPT²",
            "a\u{202e}b",
        ];
        for name in odd {
            assert!(!portable(name.as_bytes()), "{name:?}");
        }
        assert!(!portable(b"\xff"));
    }

    #[test]
    fn names_survive_json_whatever_their_bytes() {
        for bytes in [&b"src/a.rs"[..], b"with \"quote\"\t", b"\xff\xfe", "é\n".as_bytes()] {
            let path = RepoPath::new(bytes).expect("a fine path");
            let json = serde_json::to_string(&path).expect("JSON");
            assert_eq!(serde_json::from_str::<RepoPath>(&json).expect("read back"), path);
        }
    }

    #[test]
    fn a_folder_holds_what_is_below_it_only() {
        let path = |text: &str| RepoPath::new(text.as_bytes()).expect("a fine path");
        assert!(path("a/b").is_in(&path("a")));
        assert!(path("a").is_in(&path("a")));
        assert!(!path("ab").is_in(&path("a")));
    }
}
