//! How a file that git converts is kept: what git compares, and what makes the bytes on the disk of that.

use crate::base::compress;
use crate::base::error::{Error, Kind, Result};
use crate::manifest::conversion::Recipe;

/// Above this many bytes of both together, a delta's window can't span them.
const LARGEST: usize = 128 << 20;

/// What makes the bytes on the disk.
pub(super) enum ConvertedForm {
    /// A rule.
    Recipe(Recipe),
    /// A delta to what git compares.
    Delta(Vec<u8>),
}

/// Finds the way, and proves that it gives every byte; `None` if there is none.
pub(super) fn way(compared: &[u8], raw: &[u8]) -> Result<Option<ConvertedForm>> {
    if let Some(recipe) = Recipe::find(compared, raw) {
        return Ok(Some(ConvertedForm::Recipe(recipe)));
    }
    if compared.len() + raw.len() > LARGEST {
        return Ok(None);
    }
    let failed = |error| Error::new(Kind::Environment, "Cannot compress a file").because(error);
    let delta = compress::make_delta(compared, raw).map_err(failed)?;
    let again = compress::apply_delta(compared, &delta, raw.len() as u64);
    Ok(again.is_ok_and(|again| again == raw).then_some(ConvertedForm::Delta(delta)))
}
