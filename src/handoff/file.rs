//! `export` and `import`: a snapshot as one stream.

use std::io::{Read, Write};

use super::log;
use crate::bundle::{Reader, Writer};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::store::{Added, Entry, Incoming, Operation, Store, check_may_travel};

/// A snapshot that was imported.
pub struct Imported {
    /// Its manifest.
    pub manifest: Manifest,
    /// What that changed here.
    pub added: Added,
}

/// Writes a snapshot as a bundle; returns the output and how many bytes it got. Every object
/// is checked before it is written.
///
/// # Errors
/// [`crate::error::Kind::Damaged`] if a part is lost (the output is then no sound bundle),
/// [`crate::error::Kind::Refused`] for a safety snapshot, and what `failed` makes of the
/// output's errors.
pub fn export<W: Write>(
    context: &Context,
    store: &Store,
    entry: &Entry,
    out: W,
    peer: &str,
    failed: impl Fn(&std::io::Error) -> Error,
) -> Result<(W, u64)> {
    let manifest = entry.manifest.as_ref().map_err(Clone::clone)?;
    check_may_travel(manifest)?;
    let json = store.manifest_bytes(&entry.stem)?;
    let objects = manifest.objects();
    let mut bundle = Writer::begin(out, &json, objects.len() as u64).map_err(|error| failed(&error))?;
    for object in &objects {
        let frame = store.frame(object)?;
        bundle.object(object.object, &frame).map_err(|error| failed(&error))?;
    }
    let done = bundle.finish().map_err(|error| failed(&error))?;
    log(context, store, Operation::Export, manifest, peer);
    Ok(done)
}

/// Reads a bundle to its end, checks all of it, and then adds the snapshot.
///
/// # Errors
/// As [`Reader`] and [`Incoming`]; nothing is added then.
pub fn import(context: &Context, store: &Store, input: impl Read, peer: &str) -> Result<Imported> {
    let (mut bundle, json) = Reader::begin(input)?;
    let mut incoming = Incoming::begin(store, json, context.now)?;
    while let Some((id, frame)) = bundle.next(|id| incoming.largest_frame(id))? {
        incoming.offer(id, &frame)?;
    }
    bundle.finish()?;
    let manifest = incoming.manifest().clone();
    let added = incoming.add()?;
    if added.new || added.objects > 0 {
        log(context, store, Operation::Import, &manifest, peer);
    }
    Ok(Imported { manifest, added })
}
