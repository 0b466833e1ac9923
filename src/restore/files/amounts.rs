//! How much each step of a plan changes of the file that is here: measured once everything is planned.

use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::restore::files::step::{Step, Work};
use crate::stored_patch::Amount;
use crate::stored_patch::encoding::PatchSide;
use crate::sys::parallel::{map_with, processors};
use crate::sys::work_tree::{Node, ReadFile, Tree};

/// For fewer steps, starting a thread takes longer than the work.
const FEW: usize = 64;

/// Measures all steps of a plan for this root.
pub(in crate::restore) fn measure(root: &Path, steps: &mut [Step]) -> Result<()> {
    let tree = Tree::open(root)?;
    let threads = if steps.len() < FEW { 1 } else { processors() };
    let measure = |_: &mut (), step: &mut Step| -> Result<()> {
        step.amount = amount(&tree, step)?;
        Ok::<(), Error>(())
    };
    map_with(threads, steps.iter_mut(), || (), measure).map(drop)
}

fn amount(tree: &Tree, step: &Step) -> Result<Amount> {
    let new = match &step.work {
        Work::Keep => return Ok(Amount::Nothing),
        Work::Remove => None,
        Work::Set { mode, bytes, .. } => Some(PatchSide { mode: *mode, bytes }),
    };
    // What was not there when it was looked at is checked again when the plan is carried out.
    let old = match (&step.here, &step.read) {
        (None, _) => None,
        (Some(_), Some(ReadFile { node: Some(node), .. })) => Some(Arc::clone(node)),
        (Some(_), _) => Some(Arc::new(tree.read(&step.path)?)),
    };
    let old = match old.as_deref() {
        Some(Node::File { mode, bytes, .. }) => Some(PatchSide { mode: *mode, bytes }),
        Some(Node::Folder | Node::Missing | Node::Special) | None => None,
    };
    Ok(Amount::between(old, new))
}
