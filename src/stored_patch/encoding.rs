//! One file's diff: choosing its form, making it, applying it.
//!
//! Pure. Text becomes hunks that a person can read. Other content becomes a delta against the old content.
//! If there is nothing to compare with, the content is kept whole. In every form, applying checks the size,
//! and the caller checks the blob id.

use crate::base::compress;
use crate::base::error::{Error, Kind, Result};
use crate::manifest::{DiffForm, Mode};
use crate::stored_patch;

/// If both sides together have more bytes than this, text is kept whole: its hunks could be as large as
/// both.
const LARGEST_TEXT: usize = 512 << 20;

/// Above this many bytes on both sides together, a delta's window can't span them.
const LARGEST_DELTA: usize = 128 << 20;

/// A version of a file: its mode and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatchSide<'a> {
    /// What kind of file.
    pub mode: Mode,
    /// Its bytes; a link's target.
    pub bytes: &'a [u8],
}

/// A diff that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedDiff {
    /// Its form.
    pub form: DiffForm,
    /// Hunks, delta or the whole.
    pub bytes: Vec<u8>,
    /// Lines added; 0 for binary content.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
}

/// Makes the diff from `old` to `new`; `None` if the content is the same.
///
/// # Errors
/// [`Kind::Environment`] if the compressor fails (out of memory).
pub fn make(old: Option<PatchSide<'_>>, new: PatchSide<'_>) -> Result<Option<EncodedDiff>> {
    let whole = |removed| EncodedDiff {
        form: DiffForm::Whole,
        bytes: new.bytes.to_vec(),
        added: line_count(new),
        removed,
    };
    let Some(old) = old else { return Ok(Some(whole(0))) };
    if (old.mode == Mode::Link) != (new.mode == Mode::Link) {
        return Ok(Some(whole(line_count(old))));
    }
    if old.bytes == new.bytes {
        return Ok(None);
    }
    let is_text = stored_patch::is_text(old.bytes) && stored_patch::is_text(new.bytes);
    let largest = if is_text { LARGEST_TEXT } else { LARGEST_DELTA };
    if new.mode == Mode::Link || old.bytes.len() + new.bytes.len() > largest {
        return Ok(Some(whole(line_count(old))));
    }
    if is_text {
        let made = stored_patch::diff(old.bytes, new.bytes);
        return Ok(Some(EncodedDiff {
            form: DiffForm::Hunks,
            bytes: made.text,
            added: made.added,
            removed: made.removed,
        }));
    }
    let delta = compress::make_delta(old.bytes, new.bytes)
        .map_err(|error| Error::new(Kind::Environment, "Cannot compress a file").because(error))?;
    Ok(Some(EncodedDiff { form: DiffForm::Delta, bytes: delta, added: 0, removed: 0 }))
}

/// Applies a diff; the result has `size` bytes.
///
/// # Errors
/// Says why it does not apply: damaged, or made against something else.
pub fn apply(form: DiffForm, diff: Vec<u8>, old: &[u8], size: u64) -> std::result::Result<Vec<u8>, String> {
    let new = match form {
        DiffForm::Whole => diff,
        DiffForm::Hunks => stored_patch::apply(old, &diff).map_err(|error| error.to_string())?,
        DiffForm::Delta => compress::apply_delta(old, &diff, size).map_err(|error| error.to_string())?,
    };
    match new.len() as u64 {
        made if made == size => Ok(new),
        made => Err(format!("it gives {made} bytes instead of {size}")),
    }
}

/// Counts the lines of a text; 0 for binary content. A link's target is a line, as for git.
pub fn line_count(side: PatchSide<'_>) -> u64 {
    if !stored_patch::is_text(side.bytes) {
        return 0;
    }
    let ends = memchr::memchr_iter(b'\n', side.bytes).count();
    let open_end = !side.bytes.is_empty() && !side.bytes.ends_with(b"\n");
    ends as u64 + u64::from(open_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> PatchSide<'_> {
        PatchSide { mode: Mode::File, bytes }
    }

    fn form_of(old: Option<PatchSide<'_>>, new: PatchSide<'_>) -> Option<DiffForm> {
        let made = make(old, new).expect("made")?;
        let before = old.map_or(&[][..], |old| old.bytes);
        let again = apply(made.form, made.bytes, before, new.bytes.len() as u64).expect("applied");
        assert_eq!(again, new.bytes);
        Some(made.form)
    }

    #[test]
    fn the_form_follows_the_content() {
        let link = PatchSide { mode: Mode::Link, bytes: b"target" };
        assert_eq!(form_of(Some(file(b"a\n")), file(b"b\n")), Some(DiffForm::Hunks));
        assert_eq!(form_of(Some(file(b"a\0")), file(b"b\0")), Some(DiffForm::Delta));
        assert_eq!(form_of(Some(file(b"a\n")), file(b"a\0")), Some(DiffForm::Delta));
        assert_eq!(form_of(None, file(b"a\n")), Some(DiffForm::Whole));
        assert_eq!(form_of(Some(file(b"target")), link), Some(DiffForm::Whole));
        assert_eq!(form_of(Some(file(b"same")), PatchSide { mode: Mode::Executable, bytes: b"same" }), None);
    }

    #[test]
    fn a_diff_of_the_wrong_size_is_refused() {
        assert!(apply(DiffForm::Whole, b"abc".to_vec(), b"", 2).is_err());
    }
}
