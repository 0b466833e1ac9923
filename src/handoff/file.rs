//! `export` and `import`: a snapshot as one stream.

use std::io::{Read, Write};

use super::line;
use crate::audit;
use crate::bundle::{Reader, Writer};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::store::{Added, Entry, Incoming, LogEntry, Operation, Store, check_may_travel};

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
    let line = line(context, Operation::Export, Some(manifest), peer);
    let done = audit::unless_failed(store, &line, write(store, entry, manifest, out, failed))?;
    audit::write(store, &line);
    Ok(done)
}

fn write<W: Write>(
    store: &Store,
    entry: &Entry,
    manifest: &Manifest,
    out: W,
    failed: impl Fn(&std::io::Error) -> Error,
) -> Result<(W, u64)> {
    check_may_travel(manifest)?;
    let json = store.manifest_bytes(&entry.stem)?;
    let objects = manifest.objects();
    let mut bundle = Writer::begin(out, &json, objects.len() as u64).map_err(|error| failed(&error))?;
    for object in &objects {
        let frame = store.frame(object)?;
        bundle.object(object.object, &frame).map_err(|error| failed(&error))?;
    }
    bundle.finish().map_err(|error| failed(&error))
}

/// Reads a bundle to its end, checks all of it, and then adds the snapshot.
///
/// # Errors
/// As [`Reader`] and [`Incoming`]; nothing is added then.
pub fn import(context: &Context, store: &Store, input: impl Read, peer: &str) -> Result<Imported> {
    let mut line = line(context, Operation::Import, None, peer);
    let imported = read(context, store, input, &mut line);
    let imported = audit::unless_failed(store, &line, imported)?;
    let nothing_new = !imported.added.new && imported.added.objects == 0;
    audit::write(store, &if nothing_new { audit::skipped(line) } else { line });
    Ok(imported)
}

/// Reads and adds the snapshot; `line` learns which one it is as soon as that is known.
fn read(context: &Context, store: &Store, input: impl Read, line: &mut LogEntry) -> Result<Imported> {
    let (mut bundle, json) = Reader::begin(input)?;
    let mut incoming = Incoming::begin(store, json, context.now)?;
    let manifest = incoming.manifest().clone();
    (line.snapshot, line.name) = (Some(manifest.id.clone()), manifest.name.clone());
    while let Some((id, frame)) = bundle.next(|id| incoming.largest_frame(id))? {
        incoming.offer(id, &frame)?;
    }
    bundle.finish()?;
    let added = incoming.add()?;
    Ok(Imported { manifest, added })
}
