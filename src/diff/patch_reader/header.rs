//! The header of a file in a diff: names, modes and the kind of change.

use super::super::file::unquoted;
use super::super::{ChangeKind, FileHeader};
use super::names;
use crate::manifest::Mode;

/// What the lines of a header said so far.
#[derive(Debug, Default)]
pub(super) struct Header {
    file: FileHeader,
    /// Whether its names are known without the `---` and `+++` lines.
    named: bool,
    /// Whether git wrote it, so that both sides are one file unless it says otherwise.
    of_git: bool,
    /// What the `---` and `+++` lines say.
    old: Option<HeaderSide>,
    new: Option<HeaderSide>,
    /// Whether content differs that is not shown as lines.
    pub(super) binary: bool,
}

/// One side of a file.
#[derive(Debug)]
struct HeaderSide {
    /// Its name there; `None` for `/dev/null`.
    name: Option<Vec<u8>>,
    /// Whether it is not there.
    missing: bool,
}

impl Header {
    /// Begins one of git with the names in its first line.
    pub(super) fn of_git((old, path): (Vec<u8>, Vec<u8>)) -> Header {
        let old_path = (old != path).then_some(old);
        Header {
            file: FileHeader { path, old_path, ..FileHeader::default() },
            of_git: true,
            ..Header::default()
        }
    }

    /// Takes a line, without its end, if it is one of a header.
    pub(super) fn knows(&mut self, line: &[u8]) -> bool {
        let after = |prefix: &[u8]| line.strip_prefix(prefix);
        let mode = |text: &[u8]| std::str::from_utf8(text).ok().and_then(Mode::from_octal);
        let file = &mut self.file;
        if let Some(name) = after(b"--- ") {
            self.old = Some(side(name));
        } else if let Some(name) = after(b"+++ ") {
            self.new = Some(side(name));
        } else if let Some(text) = after(b"new file mode ") {
            (file.kind, file.new_mode) = (ChangeKind::Added, mode(text));
        } else if let Some(text) = after(b"deleted file mode ") {
            (file.kind, file.old_mode) = (ChangeKind::Deleted, mode(text));
        } else if let Some(text) = after(b"old mode ") {
            file.old_mode = mode(text);
        } else if let Some(text) = after(b"new mode ") {
            file.new_mode = mode(text);
        } else if after(b"mode ").is_some_and(|text| text.contains(&b',')) {
            // Of a merge: the modes of the parents, and of the result.
        } else if let Some(percent) = after(b"similarity index ") {
            let percent = std::str::from_utf8(percent).ok().and_then(|text| text.strip_suffix('%'));
            file.similarity = percent.and_then(|text| text.parse().ok()).filter(|percent| *percent <= 100);
        } else if after(b"dissimilarity index ").is_some() {
            // A file that was written anew is shown as it is.
        } else if let Some(name) = after(b"rename from ") {
            (file.kind, file.old_path, self.named) = (ChangeKind::Renamed, Some(unquoted(name)), true);
        } else if let Some(name) = after(b"copy from ") {
            (file.kind, file.old_path, self.named) = (ChangeKind::Copied, Some(unquoted(name)), true);
        } else if let Some(name) = after(b"rename to ").or(after(b"copy to ")) {
            (file.path, self.named) = (unquoted(name), true);
        } else if after(b"Binary files ").is_some() || line == b"GIT binary patch" {
            self.binary = true;
        } else if let Some(ids) = after(b"index ").filter(|ids| memchr::memmem::find(ids, b"..").is_some()) {
            // A submodule has the mode of a commit.
            if ids.ends_with(b" 160000") {
                file.note = Some("submodule".to_owned());
            }
        } else {
            return false;
        }
        true
    }

    /// Says whether it is worth showing without any content.
    pub(super) fn says_something(&self) -> bool {
        self.binary || self.file.note.is_some() || self.file.says_something()
    }

    /// Returns the file that it is of.
    pub(super) fn settled(&self) -> FileHeader {
        let mut file = self.file.clone();
        if matches!(file.kind, ChangeKind::Added | ChangeKind::Deleted) {
            file.old_path = None;
        }
        let (Some(old), Some(new)) = (&self.old, &self.new) else { return file };
        if file.kind == ChangeKind::Modified && old.missing != new.missing {
            file.kind = if old.missing { ChangeKind::Added } else { ChangeKind::Deleted };
        }
        match (&old.name, &new.name) {
            (Some(old), Some(new)) if !self.named => {
                let (old, new) = names::without_prefixes(old, new, self.of_git);
                // Two files that were compared, and nobody says that one became the other.
                let two = old != new && file.kind == ChangeKind::Modified;
                (file.path, file.old_path) = (new, two.then_some(old));
            }
            (Some(only), None) | (None, Some(only)) if file.path.is_empty() => file.path = names::strip(only),
            _ => {}
        }
        file
    }
}

/// Reads what is behind `--- ` or `+++ `.
fn side(text: &[u8]) -> HeaderSide {
    // What is not there has the first moment of all times, in programs that have no other word for it.
    const FIRST: [&[u8]; 3] = [b"1970-01-01 00:00:00", b"1969-12-31 ", b"Thu Jan 01 00:00:00 1970"];
    let time = text.split(|byte| *byte == b'\t').nth(1).unwrap_or_default();
    let name = names::of_side(text);
    HeaderSide { missing: name.is_none() || FIRST.iter().any(|first| time.starts_with(first)), name }
}
