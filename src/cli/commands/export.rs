//! `snap export`.

use std::io::{self, BufWriter, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::progress_bar::{self, Counted};
use crate::cli::output::words::size_text;
use crate::cli::output::{Report, Ui, output_error};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::fs::{Draft, Existing};
use crate::handoff;
use crate::ids::SnapshotId;
use crate::manifest::Manifest;
use crate::place::Root;
use crate::progress::Progress;
use crate::redaction;
use crate::screen::Line;
use crate::store::{Entry, Reference, check_may_travel};
use crate::workspace::Workspace;

const EXPORTING: &str = "Exporting";

/// Write a snapshot as one file, for somebody else or another machine
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap export before-refactor -o work.snap", "Write it to a file"),
    ("snap export | ssh host snap import -", "Send the newest to another machine"),
]))]
pub(crate) struct Export {
    /// The snapshot
    #[arg(value_name = "REF", default_value = "latest")]
    reference: String,
    /// Where to write it; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Include the original versions of the edited files, for a clone that lacks the base commit
    #[arg(long)]
    with_base: bool,
    /// Export the secret with this ID although it would be held back (repeatable)
    #[arg(long, value_name = "ID")]
    allow_secret: Vec<String>,
}

impl Export {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let store = &workspace.store;
        let entry = store.find(&Reference::parse(&self.reference))?;
        if let Ok(manifest) = &entry.manifest {
            check_may_travel(manifest)?;
            redaction::check(workspace, manifest, self.with_base, &self.allow_secret)?;
        }
        let to_stdout = self.output == Path::new("-");
        if to_stdout && ui.json() {
            return Err(Error::new(Kind::Usage, "Standard output can't take both the file and JSON")
                .hint("name a file with `-o FILE`"));
        }
        if to_stdout && io::stdout().is_terminal() {
            return Err(Error::new(Kind::Usage, "Cannot write a snapshot to a terminal")
                .hint("name a file with `-o FILE`, or pipe it: `snap export | ssh HOST snap import -`"));
        }
        let talks = ui.talks();
        let objects = entry.manifest.as_ref().map(Manifest::objects).unwrap_or_default();
        // Base versions come on top; the bar is gone then.
        let progress = Progress::of(objects.iter().map(|object| store.stored_size(object)).sum());
        let bytes = if to_stdout {
            let out = Counted(BufWriter::with_capacity(1 << 16, ui.output()), &progress);
            let failed = output_error;
            let export = || handoff::export(context, workspace, &entry, self.with_base, out, "-", failed);
            progress_bar::show(talks, EXPORTING, &progress, export)?.1
        } else {
            let write = || self.write_file(context, workspace, &entry, &progress);
            progress_bar::show(talks, EXPORTING, &progress, write)?
        };
        let manifest = entry.manifest?;
        let file = self.output.to_string_lossy().into_owned();
        ui.report(&ExportReport { name: &manifest.name, id: &manifest.id, file, bytes })?;
        Ok(Outcome::Done)
    }

    /// Writes the file whole, or not at all, and never over another.
    fn write_file(
        &self,
        context: &Context,
        workspace: &Workspace,
        entry: &Entry,
        progress: &Progress,
    ) -> Result<u64> {
        let path = context.cwd.join(&self.output);
        let taken = || {
            Error::new(Kind::Refused, format!("{} exists already", path.display()))
                .hint("name another file, or remove that one")
        };
        if path.symlink_metadata().is_ok() {
            return Err(taken());
        }
        let folder = Root::own(path.parent().unwrap_or(Path::new("/"))).at("");
        let place = folder.join(path.file_name().unwrap_or_default());
        let out = Counted(BufWriter::with_capacity(1 << 16, Draft::begin(&folder)?), progress);
        let failed = |error: &io::Error| Error::io("write", &path, error);
        let peer = path.to_string_lossy();
        let (out, bytes) = handoff::export(context, workspace, entry, self.with_base, out, &peer, failed)?;
        let draft = out.0.into_inner().map_err(|error| failed(error.error()))?;
        match draft.seal()?.publish(&place, Existing::Keep)? {
            true => Ok(bytes),
            false => Err(taken()),
        }
    }
}

/// What was written.
#[derive(Serialize)]
struct ExportReport<'a> {
    name: &'a str,
    id: &'a SnapshotId,
    file: String,
    bytes: u64,
}

impl Report for ExportReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        ui.say(&format!("Exported {} ({}).", Line(self.name), size_text(self.bytes)));
        Ok(())
    }
}
