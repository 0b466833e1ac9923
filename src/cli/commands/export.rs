//! `snap export`.

use std::io::{self, BufWriter, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::{Counted, Monitor, Phase};
use crate::base::screen::{Line, for_shell};
use crate::cli::completion::snapshots;
use crate::cli::help::examples;
use crate::cli::line_choice;
use crate::cli::outcome::Outcome;
use crate::cli::output::words::{quoted, size_text};
use crate::cli::output::{Report, Ui, output_error, progress_bar};
use crate::context::Context;
use crate::manifest::Manifest;
use crate::redaction;
use crate::store::check_may_travel;
use crate::transfer;
use crate::workspace::Workspace;

/// Write a snapshot to a file, for another person or machine
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap export before-refactor -o work.snap", "Write it to a file"),
    ("snap export | ssh host snap import -", "Send the newest to another machine"),
]))]
pub(crate) struct Export {
    /// The snapshot
    #[arg(value_name = "REF", default_value = "latest", add = snapshots())]
    reference: String,
    /// Where to write it; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Include the original versions of the edited files, for a clone that lacks the base commit
    #[arg(long)]
    with_base: bool,
    /// Export the secret with this ID although it would be held back, this time only (repeatable)
    #[arg(long, value_name = "ID")]
    allow_secret: Vec<String>,
}

impl Export {
    /// Says whether it writes a file, and not to standard output.
    pub(crate) fn is_to_a_file(&self) -> bool {
        self.output != Path::new("-")
    }

    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let store = &workspace.store;
        let entry = line_choice::find_here(workspace, &self.reference, ui)?;
        let to_stdout = !self.is_to_a_file();
        if to_stdout && ui.json() {
            return Err(Error::new(Kind::Usage, "Standard output can't take both the file and JSON")
                .hint("name a file with `-o FILE`"));
        }
        if to_stdout && io::stdout().is_terminal() {
            let named = Some(&self.reference).filter(|name| *name != "latest");
            let named = named.map(|name| format!(" {}", for_shell(name))).unwrap_or_default();
            return Err(Error::new(Kind::Usage, "Cannot write a snapshot to a terminal").hint(format!(
                "name a file with `-o FILE`, or pipe it: `snap export{named} | ssh HOST snap import -`"
            )));
        }
        let (talks, monitor) = (ui.talks(), Monitor::default());
        if let Ok(manifest) = &entry.manifest {
            check_may_travel(manifest)?;
            progress_bar::show(talks, &monitor, || {
                redaction::check(workspace, manifest, self.with_base, &self.allow_secret, &monitor)
            })?;
        }
        let objects = entry.manifest.as_ref().map(Manifest::objects).unwrap_or_default();
        // Base versions come on top: then the bar says only that it is not over yet.
        let all = objects.iter().map(|object| store.stored_size(object)).sum();
        let _phase = monitor.begin(Phase::Exporting, Some(all));
        let bytes = if to_stdout {
            let out = Counted(BufWriter::with_capacity(1 << 16, ui.output()), &monitor);
            let failed = output_error;
            let export = || transfer::export(context, workspace, &entry, self.with_base, out, "-", failed);
            progress_bar::show(talks, &monitor, export)?.1
        } else {
            let path = context.cwd.join(&self.output);
            refuse_folder(&self.output, &path, &format!("{}.snap", entry.stem), "a snapshot")?;
            let export =
                || transfer::export_to_file(context, workspace, &entry, self.with_base, &path, &monitor);
            progress_bar::show(talks, &monitor, export).map_err(|error| error.at_output(&path))?
        };
        let (called, manifest) = (entry.called, entry.manifest?);
        let file = self.output.to_string_lossy().into_owned();
        ui.confirm(&ExportReport { name: &manifest.name, called: &called, id: &manifest.id, file, bytes })?;
        Ok(Outcome::Done)
    }
}

/// Refuses what is a folder, or would be in one that is not there; `file` is what a file in it could be called, and `one` says
/// what is one file.
pub(super) fn refuse_folder(typed: &Path, path: &Path, file: &str, one: &str) -> Result<()> {
    let shown = Line(&typed.to_string_lossy()).to_string();
    if path.is_dir() || typed.as_os_str().as_encoded_bytes().ends_with(b"/") {
        let file = typed.join(file);
        return Err(Error::new(Kind::Usage, format!("{shown} names a folder; {one} is one file"))
            .hint(format!("name the file: `-o {}`", quoted(&file.to_string_lossy()))));
    }
    match path.parent().filter(|parent| !parent.is_dir()) {
        Some(parent) => Err(Error::new(Kind::NotFound, format!("Cannot write {shown}"))
            .because(format!("there is no folder {}", Line(&parent.to_string_lossy())))
            .hint(format!("make it first: `mkdir -p {}`", quoted(&parent.to_string_lossy())))),
        None => Ok(()),
    }
}

/// What was written.
#[derive(Serialize)]
struct ExportReport<'a> {
    name: &'a str,
    #[serde(skip)]
    called: &'a str,
    id: &'a SnapshotId,
    file: String,
    bytes: u64,
}

impl Report for ExportReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        ui.say(&format!("Exported \"{}\" ({}).", Line(self.called), size_text(self.bytes)));
        Ok(())
    }
}
