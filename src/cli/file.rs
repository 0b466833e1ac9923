//! `snap export` and `snap import`.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::bar::{self, Counted};
use super::ui::Ui;
use super::{Outcome, print_json, size_text};
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::progress::Progress;
use crate::base::screen::Line;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::redaction;
use crate::store::{Reference, check_may_travel};
use crate::sys::files::{Draft, Existing};
use crate::sys::place::Root;
use crate::transfer;
use crate::workspace::Workspace;

const EXPORTING: &str = "Exporting";

/// Write a snapshot as one file, for somebody else or another machine
#[derive(Args)]
pub(super) struct Export {
    /// The snapshot
    #[arg(value_name = "REF", default_value = "latest")]
    reference: String,
    /// Where to write it; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Add what the edited files were made from, for a repository that lacks the base commit
    #[arg(long)]
    with_base: bool,
    /// Let the secret with this ID leave, after a look (repeatable)
    #[arg(long, value_name = "ID")]
    allow_secret: Vec<String>,
}

/// Take in a snapshot that `snap export` wrote
#[derive(Args)]
pub(super) struct Import {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Export {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
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
            let failed = super::ui::output_error;
            let export = || transfer::export(context, workspace, &entry, self.with_base, out, "-", failed);
            bar::show(talks, EXPORTING, &progress, export)?.1
        } else {
            let write = || self.write_file(context, workspace, &entry, &progress);
            bar::show(talks, EXPORTING, &progress, write)?
        };
        let manifest = entry.manifest?;
        if ui.json() {
            let file = self.output.to_string_lossy();
            print_json(ui, &json!({"name": manifest.name, "id": manifest.id, "file": file, "bytes": bytes}))?;
        }
        ui.say(&format!("Exported {} ({}).", Line(&manifest.name), size_text(bytes)));
        Ok(Outcome::Done)
    }

    /// Writes the file whole, or not at all, and never over another.
    fn write_file(
        &self,
        context: &Context,
        workspace: &Workspace,
        entry: &crate::store::Entry,
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
        let (out, bytes) = transfer::export(context, workspace, entry, self.with_base, out, &peer, failed)?;
        let draft = out.0.into_inner().map_err(|error| failed(error.error()))?;
        match draft.seal()?.publish(&place, Existing::Keep)? {
            true => Ok(bytes),
            false => Err(taken()),
        }
    }
}

impl Import {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let imported = if self.file == Path::new("-") {
            if io::stdin().is_terminal() {
                return Err(Error::new(Kind::Usage, "Cannot read a snapshot from a terminal")
                    .hint("name a file, or pipe one in: `snap export | ssh HOST snap import -`"));
            }
            transfer::import(context, workspace, io::stdin().lock(), "-")?
        } else {
            let path = context.cwd.join(&self.file);
            let file = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(Error::new(Kind::NotFound, format!("There is no file {}", path.display())));
                }
                opened => opened.context("open", &path)?,
            };
            // A pipe has no size, and gets no bar.
            let progress = Progress::of(file.metadata().map_or(0, |meta| meta.len()));
            let input = Counted(BufReader::new(file), &progress);
            let import = || transfer::import(context, workspace, input, &path.to_string_lossy());
            bar::show(ui.talks(), "Importing", &progress, import)?
        };
        let (manifest, added) = (&imported.manifest, imported.added);
        if ui.json() {
            print_json(
                ui,
                &json!({"name": manifest.name, "id": manifest.id, "new": added.new, "objects": added.objects}),
            )?;
            return Ok(Outcome::Done);
        }
        let name = Line(&manifest.name);
        match (added.new, added.objects) {
            (true, _) => {
                let by = &manifest.created_by;
                ui.say(&format!("Imported {name}, saved by {} on {}.", Line(&by.user), Line(&by.host)));
                ui.say("Look at it with `snap show`; `snap resume` goes on with it.");
            }
            (false, 0) => ui.say(&format!("{name} is already here.")),
            (false, lost) => ui.say(&format!(
                "{name} is already here; {} that it had lost came back.",
                super::count(lost, "object")
            )),
        }
        Ok(Outcome::Done)
    }
}
