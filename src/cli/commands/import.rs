//! `snap import`.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::{Counted, Monitor, Phase};
use crate::base::screen::Line;
use crate::cli::help::examples;
use crate::cli::interrupted;
use crate::cli::outcome::Outcome;
use crate::cli::output::words::quoted;
use crate::cli::output::{Report, Ui, progress_bar};
use crate::context::Context;
use crate::manifest::CreatedBy;
use crate::transfer::{self, Imported};
use crate::workspace::Workspace;

/// Where the store of a work tree is.
const STORE: &str = ".claude/snapshots";

/// Add a snapshot that `snap export` wrote
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap import work.snap", "Add it to this project's store"),
    ("ssh laptop snap -C app export | snap import -", "Take it from another machine"),
]))]
pub(crate) struct Import {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Import {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let monitor = Monitor::default();
        let imported = if self.file == Path::new("-") {
            if io::stdin().is_terminal() {
                return Err(Error::new(Kind::Usage, "Cannot read a snapshot from a terminal")
                    .hint("name a file, or pipe one in: `snap export | ssh HOST snap import -`"));
            }
            let _phase = monitor.begin(Phase::Importing, None);
            // The handle of standard input belongs to one thread.
            let input = Counted(BufReader::new(Begun(io::stdin(), false)), &monitor);
            progress_bar::show(ui.talks(), &monitor, || transfer::import(context, workspace, input, "-"))?
        } else {
            let path = context.cwd.join(&self.file);
            if path.is_dir() {
                return Err(a_folder(&self.file, &path));
            }
            let file = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let typed = self.file.to_string_lossy();
                    let none = Error::new(Kind::NotFound, format!("There is no file {}", Line(&typed)));
                    if typed.contains("://") {
                        return Err(none.hint(format!(
                            "`curl -fL {} | snap import -` adds what is at an address; `snap pull ADDRESS` is for git remotes",
                            quoted(&typed)
                        )));
                    }
                    return Err(none);
                }
                opened => opened.context("open", &path)?,
            };
            // A pipe has no size.
            let all = file.metadata().ok().map(|meta| meta.len()).filter(|bytes| *bytes > 0);
            let _phase = monitor.begin(Phase::Importing, all);
            let input = Counted(BufReader::new(Begun(file, false)), &monitor);
            let import = || transfer::import(context, workspace, input, &self.file.to_string_lossy());
            progress_bar::show(ui.talks(), &monitor, import)?
        };
        let Imported { manifest, called, added } = &imported;
        ui.confirm(&ImportReport {
            name: called,
            id: &manifest.id,
            new: added.new,
            objects: added.objects,
            by: &manifest.created_by,
        })?;
        Ok(Outcome::Done)
    }
}

/// Says how what is in a folder gets here.
fn a_folder(typed: &Path, path: &Path) -> Error {
    let shown = Line(&typed.to_string_lossy()).to_string();
    let store = if path.join(STORE).is_dir() { typed.join(STORE) } else { typed.to_owned() };
    let store = quoted(&store.to_string_lossy());
    Error::new(Kind::Usage, format!("{shown} is a folder"))
        .because("`snap import` takes one file, which `snap export` wrote")
        .hint(format!(
            "`snap --store {store} list` shows what is in a store; `snap --store {store} export NAME | snap import -` brings one here"
        ))
}

/// A source of which nothing was read yet: until then nothing can have come in. The flag says whether that is over.
struct Begun<R>(R, bool);

impl<R: Read> Read for Begun<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let number = self.0.read(into)?;
        if number > 0 && !std::mem::replace(&mut self.1, true) {
            interrupted::says(interrupted::IN_PART);
        }
        Ok(number)
    }
}

/// What came into the store.
#[derive(Serialize)]
struct ImportReport<'a> {
    name: &'a str,
    id: &'a SnapshotId,
    /// Whether the snapshot was not here before.
    new: bool,
    /// How many objects were written.
    objects: usize,
    #[serde(skip)]
    by: &'a CreatedBy,
}

impl Report for ImportReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let name = Line(self.name);
        match (self.new, self.objects) {
            (true, _) => {
                ui.say(&format!(
                    "Imported \"{name}\", saved by {} on {}.",
                    Line(&self.by.user),
                    Line(&self.by.host)
                ));
                // The newest may be another one.
                let name = quoted(self.name);
                ui.say(&format!("`snap show {name}` shows it; `snap resume {name}` resumes it."));
            }
            (false, 0) => ui.say(&format!("\"{name}\" is already here.")),
            (false, lost) => ui.say(&format!(
                "\"{name}\" is already here; {} missing here and came with it.",
                if lost == 1 { "1 object was".to_owned() } else { format!("{lost} objects were") }
            )),
        }
        Ok(())
    }
}
