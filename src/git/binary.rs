//! Binary content in a patch, as git writes it: made by libgit2, for `git apply`.

use crate::base::error::{Error, Kind, Result};

/// The line that it begins with.
const START: &[u8] = b"GIT binary patch\n";

/// Returns the part of a binary file's patch below its header, for two different versions. Each is
/// compressed, or a delta against the other if that is smaller.
///
/// # Errors
/// [`Kind::Environment`] if there is no memory for it.
pub fn binary_patch(old: &[u8], new: &[u8]) -> Result<Vec<u8>> {
    let failed = |cause: String| Error::new(Kind::Environment, "Cannot make a binary patch").because(cause);
    let mut options = git2::DiffOptions::new();
    options.force_binary(true).show_binary(true);
    let patch = git2::Patch::from_buffers(old, None, new, None, Some(&mut options))
        .and_then(|mut patch| patch.to_buf())
        .map_err(|error| failed(error.message().to_owned()))?;
    // Above it is a header with names that are not the file's.
    let start = patch.windows(START.len()).position(|line| line == START);
    start.map(|start| patch[start..].to_vec()).ok_or_else(|| failed("libgit2 made none".to_owned()))
}
