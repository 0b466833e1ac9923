//! What is known of a file before its content is compared: names, modes, kind of change.

use crate::manifest::Mode;

/// What happened to a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangeKind {
    /// Only the new side has it.
    Added,
    /// Both have it.
    #[default]
    Modified,
    /// Only the old side has it.
    Deleted,
    /// It has another name on the new side.
    Renamed,
    /// The new side has it under one more name.
    Copied,
}

impl ChangeKind {
    /// Returns the letter that stands for it.
    pub fn letter(self) -> char {
        match self {
            ChangeKind::Added => 'A',
            ChangeKind::Modified => 'M',
            ChangeKind::Deleted => 'D',
            ChangeKind::Renamed => 'R',
            ChangeKind::Copied => 'C',
        }
    }

    /// Returns the word that stands for it.
    pub fn word(self) -> &'static str {
        match self {
            ChangeKind::Added => "added",
            ChangeKind::Modified => "modified",
            ChangeKind::Deleted => "deleted",
            ChangeKind::Renamed => "renamed",
            ChangeKind::Copied => "copied",
        }
    }
}

/// One file of a diff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileHeader {
    /// What happened to it.
    pub kind: ChangeKind,
    /// Its name on the new side, or the only one it has.
    pub path: Vec<u8>,
    /// Its name on the old side, where that is another.
    pub old_path: Option<Vec<u8>>,
    /// How much of its content is the same under both names, in percent, where known.
    pub similarity: Option<u64>,
    /// Its mode on the old side, where known.
    pub old_mode: Option<Mode>,
    /// Its mode on the new side, where known.
    pub new_mode: Option<Mode>,
    /// The blob on the old side, where known.
    pub old_oid: Option<String>,
    /// The blob on the new side, where known.
    pub new_oid: Option<String>,
    /// Lines added and removed, where known beforehand.
    pub lines: Option<(u64, u64)>,
    /// Anything else to be said about it.
    pub note: Option<String>,
    /// The mode of what stands in its place, if that is a thing of another kind: it comes next, as a file of this name that
    /// was added.
    pub replaced_by: Option<Mode>,
}

/// What follows a file's header in a patch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PatchBody {
    None,
    Lines,
    Binary,
}

/// An id that nobody knows: too short for `git apply` to take the content of such an object for this file's.
const UNKNOWN: &str = "0000000";

impl FileHeader {
    /// Returns the name on the old side.
    pub fn old_name(&self) -> &[u8] {
        self.old_path.as_deref().unwrap_or(&self.path)
    }

    /// Writes the header that git gives the file in a patch.
    pub(super) fn patch_header(&self, out: &mut Vec<u8>, content: PatchBody) {
        let (a, b) = (quoted(b"a/", self.old_name()), quoted(b"b/", &self.path));
        let mut line = |parts: &[&[u8]]| {
            parts.iter().for_each(|part| out.extend_from_slice(part));
            out.push(b'\n');
        };
        line(&[b"diff --git ", &a, b" ", &b]);
        let octal = |mode: Option<Mode>| mode.unwrap_or(Mode::File).octal().as_bytes();
        match self.kind {
            ChangeKind::Added => line(&[b"new file mode ", octal(self.new_mode)]),
            ChangeKind::Deleted => line(&[b"deleted file mode ", octal(self.old_mode)]),
            _ if self.old_mode != self.new_mode => {
                line(&[b"old mode ", octal(self.old_mode)]);
                line(&[b"new mode ", octal(self.new_mode)]);
            }
            _ => {}
        }
        let verb = match self.kind {
            ChangeKind::Renamed => Some(&b"rename"[..]),
            ChangeKind::Copied => Some(&b"copy"[..]),
            ChangeKind::Added | ChangeKind::Modified | ChangeKind::Deleted => None,
        };
        if let Some(verb) = verb {
            if let Some(percent) = self.similarity {
                line(&[b"similarity index ", percent.to_string().as_bytes(), b"%"]);
            }
            line(&[verb, b" from ", &quoted(b"", self.old_name())]);
            line(&[verb, b" to ", &quoted(b"", &self.path)]);
        }
        let oids = self.old_oid.as_deref().zip(self.new_oid.as_deref());
        // Without this line `git apply` may take the header of the next file for a part of this one.
        let oids = oids.or((content == PatchBody::Binary).then_some((UNKNOWN, UNKNOWN)));
        if let Some((old, new)) = oids.filter(|_| content != PatchBody::None) {
            let mode = self.new_mode.filter(|mode| self.old_mode == Some(*mode));
            let mode = mode.map_or(String::new(), |mode| format!(" {}", mode.octal()));
            line(&[b"index ", old.as_bytes(), b"..", new.as_bytes(), mode.as_bytes()]);
        }
        if content == PatchBody::Lines {
            // Git ends a name with a blank in it by a tab.
            let tab = |name: &[u8]| if name.contains(&b' ') { &b"\t"[..] } else { b"" };
            let (old, new) = self.patch_names();
            line(&[b"--- ", &old, tab(&old)]);
            line(&[b"+++ ", &new, tab(&new)]);
        }
    }

    /// Returns the names that a patch gives the file's two versions.
    pub(super) fn patch_names(&self) -> (Vec<u8>, Vec<u8>) {
        let none = || b"/dev/null".to_vec();
        let old = if self.kind == ChangeKind::Added { none() } else { quoted(b"a/", self.old_name()) };
        let new = if self.kind == ChangeKind::Deleted { none() } else { quoted(b"b/", &self.path) };
        (old, new)
    }

    /// Returns the header of both together, if a thing of another kind stands in its place: for whoever counts files.
    pub fn with_successor(&self) -> Option<FileHeader> {
        let new_mode = Some(self.replaced_by?);
        Some(FileHeader { kind: ChangeKind::Modified, new_mode, replaced_by: None, ..self.clone() })
    }

    /// Says whether there is something to show even if the content is the same.
    pub(super) fn says_something(&self) -> bool {
        self.kind != ChangeKind::Modified || self.old_mode != self.new_mode
    }
}

/// Writes a name as git does: in quotes, with escapes, if it holds anything unusual. Behind a prefix, the slash that a
/// whole path begins with goes.
fn quoted(prefix: &[u8], name: &[u8]) -> Vec<u8> {
    let name = name.strip_prefix(b"/").filter(|_| !prefix.is_empty()).unwrap_or(name);
    let usual = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if name.iter().all(usual) {
        return [prefix, name].concat();
    }
    let mut out = [b"\"", prefix].concat();
    for byte in name {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b'\n' => out.extend(b"\\n"),
            b'\t' => out.extend(b"\\t"),
            byte if usual(byte) => out.push(*byte),
            byte => out.extend(format!("\\{byte:03o}").bytes()),
        }
    }
    out.push(b'"');
    out
}

/// Reads a name as git writes it, without its quotes.
pub(super) fn unquoted(text: &[u8]) -> Vec<u8> {
    let Some(inner) = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")) else {
        return text.to_vec();
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let digits = rest.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
        if digits == 3 {
            let value = rest[..3].iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
            out.push(u8::try_from(value).unwrap_or(b'?'));
            rest = &rest[3..];
        } else if let Some((escape, after)) = rest.split_first() {
            rest = after;
            out.push(match escape {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'a' => 7,
                b'b' => 8,
                b'f' => 12,
                b'v' => 11,
                other => *other,
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_git_s_quoting() {
        for name in [&b"plain name"[..], b"q\"\\\n\t", "é".as_bytes(), b"\x01\xff7"] {
            assert_eq!(unquoted(&quoted(b"", name)), name);
        }
        assert_eq!(quoted(b"a/", "é".as_bytes()), b"\"a/\\303\\251\"");
        assert_eq!(quoted(b"a/", b"/tmp/x"), b"a/tmp/x");
    }
}
