//! The bytes of an object as they are stored: how long they may be, and whether they are what the object's name says.

use crate::base::compress;
use crate::base::digest::Checksum;
use crate::manifest::ObjectRef;

/// The largest object that is read, raw or compressed, in bytes.
pub(super) const LARGEST_OBJECT: u64 = 4 << 30;

/// Returns how long an object's file may be: a file that only seems huge is not read.
pub(super) fn longest(object: &ObjectRef) -> u64 {
    compress::largest_frame(object.size).min(LARGEST_OBJECT)
}

/// Checks compressed bytes against an object's name and size, in constant memory.
pub(super) fn check_frame(
    object: &ObjectRef,
    frame: &[u8],
    mut tell: impl FnMut(u64),
) -> std::result::Result<(), String> {
    let mut sum = Checksum::default();
    let sink = |piece: &[u8]| {
        sum.update(piece);
        tell(piece.len() as u64)
    };
    compress::decompress_into(frame, object.size.min(LARGEST_OBJECT), sink)
        .map_err(|error| error.to_string())?;
    if sum.finish() == object.object { Ok(()) } else { Err("its content does not match its name".to_owned()) }
}
