//! `export` and `import`: a snapshot as one stream.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use super::{keep_base, line};
use crate::audit;
use crate::base::compress::compress;
use crate::base::digest::ObjectId;
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::{Counted, Monitor, PART};
use crate::base::screen::Line;
use crate::context::Context;
use crate::edits::Materializer;
use crate::manifest::{Manifest, ObjectRef};
use crate::store::{Added, Bases, Entry, Incoming, LogEntry, Operation, Reference, Store, check_sound};
use crate::sys::files::{Draft, Existing};
use crate::sys::place::Root;
use crate::transfer::bundle::{BundleReader, BundleWriter};
use crate::workspace::Workspace;

/// A snapshot that was imported.
pub struct Imported {
    /// Its manifest.
    pub manifest: Manifest,
    /// What it is called here.
    pub called: String,
    /// What that changed here.
    pub added: Added,
}

/// Writes a snapshot as a bundle, `with_base` with the base versions of its edits. Returns the output
/// and how many bytes it got. Every object is checked before it is written; what is counted is done when it was.
///
/// # Errors
/// [`Kind::Damaged`] if a part is lost (the output is then no sound bundle), [`Kind::Refused`]
/// for a safety snapshot, for what nobody could take in, or if a base version is not here, and what `failed` makes of the
/// output's errors.
pub fn export<W: Write>(
    context: &Context,
    workspace: &Workspace,
    entry: &Entry,
    with_base: bool,
    out: Counted<'_, W>,
    peer: &str,
    failed: impl Fn(&std::io::Error) -> Error,
) -> Result<(W, u64)> {
    let manifest = entry.manifest.as_ref().map_err(Clone::clone)?;
    let store = &workspace.store;
    let line = line(context, Operation::Export, Some(manifest), peer);
    let json = store.manifest_bytes(&entry.stem)?;
    let written = check_sound(&json, manifest, context.now).and_then(|()| {
        let carried = if with_base { Some(collect_bases(workspace, manifest)?) } else { None };
        write(store, entry, manifest, carried, out, failed)
    });
    let done = audit::unless_failed(store, &line, written)?;
    audit::write(store, &line);
    Ok(done)
}

/// Writes a snapshot as a file, whole or not at all, and never over another; returns how many bytes it has.
///
/// # Errors
/// As [`export`]; [`Kind::Refused`] if there is a file of that name.
pub fn export_to_file(
    context: &Context,
    workspace: &Workspace,
    entry: &Entry,
    with_base: bool,
    path: &Path,
    monitor: &Monitor,
) -> Result<u64> {
    let taken = || {
        Error::new(Kind::Refused, format!("{} exists already", path.display()))
            .hint("name another file, or remove that one")
    };
    match path.symlink_metadata() {
        Ok(found) if found.is_file() => return Err(taken()),
        Ok(_) => {
            return Err(Error::new(Kind::Refused, format!("Cannot write to {}", path.display()))
                .because("it is no plain file")
                .hint("`-o -` writes to standard output, which a shell can lead there"));
        }
        Err(_) => {}
    }
    let folder = Root::own(path.parent().unwrap_or(Path::new("/"))).at("");
    let place = folder.join(path.file_name().unwrap_or_default());
    let out = BufWriter::with_capacity(1 << 16, Draft::begin(&folder)?);
    let failed = |error: &std::io::Error| Error::io("write", path, error);
    let peer = path.to_string_lossy();
    let out = Counted(out, monitor);
    let (out, bytes) = export(context, workspace, entry, with_base, out, &peer, failed)?;
    let draft = out.into_inner().map_err(|error| failed(error.error()))?;
    if draft.seal()?.publish(&place, Existing::Keep)? { Ok(bytes) } else { Err(taken()) }
}

/// Base versions on their way out, with the frames of those that the store does not have.
#[derive(Default)]
struct Carried {
    bases: Bases,
    frames: BTreeMap<ObjectId, Vec<u8>>,
}

/// Finds what the edits were made from: in the repository, or what came with the snapshot.
fn collect_bases(workspace: &Workspace, manifest: &Manifest) -> Result<Carried> {
    let came = workspace.store.bases(manifest)?.unwrap_or_default();
    let mut versions = Materializer::to_read(&workspace.store, workspace.repository.as_ref(), &came);
    let mut carried = Carried::default();
    for oid in Bases::wanted(manifest) {
        let Some(raw) = versions.base(oid)? else {
            return Err(Error::new(Kind::Refused, "Cannot add the base versions of the edited files")
                .because(format!("the blob {oid} is not in a repository here"))
                .hint("run it in a clone that has the snapshot's base commit, or leave `--with-base` out"));
        };
        let object = ObjectRef { object: ObjectId::of(&raw), size: raw.len() as u64 };
        carried.bases.0.insert(oid.to_owned(), object);
        if workspace.store.frame(&object).is_err() {
            let frame = compress(&raw).map_err(|error| {
                Error::new(Kind::Environment, "Cannot compress a base version").because(error)
            })?;
            carried.frames.insert(object.object, frame);
        }
    }
    Ok(carried)
}

fn write<W: Write>(
    store: &Store,
    entry: &Entry,
    manifest: &Manifest,
    carried: Option<Carried>,
    Counted(out, monitor): Counted<'_, W>,
    failed: impl Fn(&std::io::Error) -> Error,
) -> Result<(W, u64)> {
    let json = store.manifest_bytes(&entry.stem)?;
    let bases = carried.as_ref().map(|carried| carried.bases.to_json()).transpose()?;
    let carried = carried.unwrap_or_default();
    let both = manifest.objects().into_iter().chain(carried.bases.0.values().copied());
    let objects: BTreeMap<ObjectId, ObjectRef> = both.map(|object| (object.object, object)).collect();
    let mut bundle = BundleWriter::begin(out, &json, bases.as_deref(), objects.len() as u64)
        .map_err(|error| failed(&error))?;
    for object in objects.values() {
        // It is checked, then written.
        let stored = store.stored_size(object);
        let mut share = monitor.share_of_work(stored, stored.saturating_add(object.size));
        let frame = match carried.frames.get(&object.object) {
            Some(frame) => frame,
            None => &store.frame_telling(object, |more| share.add(more))?,
        };
        bundle.object(object.object, frame, |more| share.add(more)).map_err(|error| failed(&error))?;
    }
    bundle.finish().map_err(|error| failed(&error))
}

/// Reads a bundle to its end, checks all of it, and then adds the snapshot. What is counted is done when it was checked.
///
/// # Errors
/// As [`BundleReader`] and [`Incoming`]; nothing is added then.
pub fn import(
    context: &Context,
    workspace: &Workspace,
    input: Counted<'_, impl Read>,
    peer: &str,
) -> Result<Imported> {
    let store = &workspace.store;
    let mut line = line(context, Operation::Import, None, peer);
    let imported = read(context, workspace, input, &mut line).map_err(|error| of_file(error, peer));
    let imported = audit::unless_failed(store, &line, imported)?;
    let nothing_new = !imported.added.new && imported.added.objects == 0;
    audit::write(store, &if nothing_new { audit::skipped(line) } else { line });
    Ok(imported)
}

/// Names the file that is damaged; on standard input there is none.
fn of_file(error: Error, path: &str) -> Error {
    if path == "-" || !matches!(error.kind(), Kind::Damaged | Kind::NewerFormat) {
        return error;
    }
    let said = error.to_string();
    let said = said.strip_prefix("This is").map_or(said.clone(), |rest| format!("it is{rest}"));
    let of_it = Error::new(error.kind(), format!("Cannot import {}", Line(path))).because(said);
    match error.next_step() {
        Some(hint) => of_it.hint(hint),
        None => of_it,
    }
}

/// An input of which one half of the work is to read it, and the other one to check what was read.
struct HalfDone<'a, R> {
    input: R,
    monitor: &'a Monitor,
    /// What is left of the work for what was read.
    unchecked: &'a Cell<u64>,
}

impl<R: Read> Read for HalfDone<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(PART);
        let read = self.input.read(&mut into[..most])?;
        let half = read as u64 / 2;
        self.monitor.add(half);
        self.unchecked.set(self.unchecked.get() + read as u64 - half);
        Ok(read)
    }
}

/// Reads and adds the snapshot; `line` learns which one it is as soon as that is known.
fn read(
    context: &Context,
    workspace: &Workspace,
    Counted(input, monitor): Counted<'_, impl Read>,
    line: &mut LogEntry,
) -> Result<Imported> {
    let unchecked = Cell::new(0);
    let (mut bundle, head) = BundleReader::begin(HalfDone { input, monitor, unchecked: &unchecked })?;
    let mut incoming = Incoming::begin(&workspace.store, head.manifest, context.now)?;
    if let Some(bases) = &head.bases {
        incoming.expect_bases(bases)?;
    }
    let manifest = incoming.manifest().clone();
    (line.snapshot, line.name) = (Some(manifest.id.clone()), manifest.name.clone());
    while let Some((id, frame)) = bundle.next(|id| incoming.largest_frame(id))? {
        let mut share = monitor.share_of_work(unchecked.take(), incoming.raw_size(id));
        incoming.offer(id, &frame, |more| share.add(more))?;
    }
    bundle.finish()?;
    monitor.add(unchecked.take());
    let added = incoming.publish(|manifest| keep_base(workspace.repository.as_ref(), manifest))?;
    let called = workspace.store.find(&Reference::Named(manifest.id.to_string()))?.called;
    Ok(Imported { manifest, called, added })
}
