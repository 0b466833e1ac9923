//! `snap report`: a snapshot, or what lies between two, as one page, a note or JSON.

mod live;
mod open;

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::Monitor;
use crate::base::screen::Line;
use crate::cli::commands::diff::inside;
use crate::cli::commands::export::refuse_folder;
use crate::cli::completion::snapshots;
use crate::cli::help::examples;
use crate::cli::line_choice;
use crate::cli::outcome::Outcome;
use crate::cli::output::snapshot_words::tasks;
use crate::cli::output::words::{quoted, size_text};
use crate::cli::output::{Report as Printed, Ui, output_error, progress_bar};
use crate::cli::upkeep::warn_of_passed_over;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::report::{self, Choice, Part, ReportRequest};
use crate::store::Entry;
use crate::sys::files::{Draft, Existing};
use crate::sys::place::Root;
use crate::workspace::Workspace;

/// Make one page of a snapshot, that opens anywhere
///
/// The page holds the conversation, agents, tasks, edits and grants. It is one file that loads nothing and sends nothing.
/// With two snapshots it is of what lies between them.
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap report", "Make a page of the newest snapshot"),
    ("snap report before-refactor latest", "Make one of what lies between two"),
    ("snap report --only prompts,edits", "Make a smaller one, to publish"),
    ("snap report --format markdown", "Print a note, to hand the work on"),
]))]
pub(crate) struct Report {
    /// One snapshot, by default the newest; or two, the older one first
    #[arg(value_name = "REF", num_args = 0..=2, add = snapshots())]
    references: Vec<String>,
    /// Where to write it; `-` is standard output. By default a page gets the snapshot's name, and anything else is printed
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that exists
    #[arg(long)]
    force: bool,
    /// What to make; by default what the name of FILE ends in says (`.md`, `.json`), else a page
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Only these parts, with commas between them: prompts, answers, thinking, tools, agents, notes, images, edits, tasks,
    /// grants
    #[arg(long, value_name = "PARTS", value_delimiter = ',', value_parser = part)]
    only: Vec<Part>,
    /// Leave out what tools were given and what they answered
    #[arg(long)]
    no_tools: bool,
    /// Leave out what is in this file or folder, or in all that `*`, `?` and `[…]` in it stand for (repeatable)
    #[arg(long, value_name = "PATH")]
    redact: Vec<PathBuf>,
    /// Open the page in a browser
    #[arg(long)]
    open: bool,
    /// Serve a page of the session that runs here, which follows it, to browsers on this machine
    #[arg(long, conflicts_with_all = ["references", "output", "force", "format"])]
    live: bool,
    /// Take the secret with this ID in, although it would be held back, this time only (repeatable)
    #[arg(long, value_name = "ID")]
    allow_secret: Vec<String>,
}

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One page that opens in a browser
    Html,
    /// A short note, to hand the work on to a person or an agent
    #[value(alias = "md")]
    Markdown,
    /// Everything, for a program
    Json,
}

/// How the names of files end that a report is written to.
const FILES: [&str; 5] = ["html", "htm", "md", "markdown", "json"];

fn part(word: &str) -> std::result::Result<Part, String> {
    let known = Part::ALL.iter().find(|(name, _)| *name == word.trim());
    let all = || Part::ALL.map(|(name, _)| name).join(", ");
    known.map(|(_, part)| *part).ok_or_else(|| format!("it is none of {}", all()))
}

impl Report {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if self.live {
            live::follow(context, &self.choice(context, workspace)?, &self.allow_secret, self.open, ui)?;
            return Ok(Outcome::Done);
        }
        let entries = self.entries(workspace, ui)?;
        warn_of_passed_over(&workspace.store, ui);
        let manifests = entries.iter().map(|entry| entry.manifest.as_ref().map_err(Clone::clone));
        let manifests: Vec<&Manifest> = manifests.collect::<Result<_>>()?;
        for manifest in &manifests {
            workspace.refuse_bomb(manifest, &workspace.provenance(manifest))?;
        }
        let (Some(entry), Some(manifest)) = (entries.last(), manifests.last()) else {
            return Err(Error::new(Kind::Bug, "There is no snapshot to make a report of"));
        };
        let after = manifests.first().filter(|_| manifests.len() > 1).copied();
        let choice = self.choice(context, workspace)?;
        let to = self.output(context, entry, ui)?;
        let all_tasks: Vec<Vec<Value>> = [Some(*manifest), after]
            .map(|one| one.map_or_else(Vec::new, |one| tasks(&workspace.store, one)))
            .into();
        let wanted = ReportRequest {
            manifest,
            after,
            tasks: [&all_tasks[0], &all_tasks[1]],
            choice: &choice,
            allow: &self.allow_secret,
        };
        let monitor = Monitor::default();
        let scratch = workspace.store.tmp().path();
        let talks = ui.talks();
        let (bytes, left_out, incomplete) = match self.format() {
            Format::Html => {
                let make = || report::page(workspace, &wanted, &scratch, &monitor);
                let mut made = progress_bar::show(talks, &monitor, make)?;
                let bytes = to.write(self.force, ui, &mut |write| made.report.write(write))?;
                (bytes, made.report.left_out, made.incomplete)
            }
            Format::Json => {
                let make = || report::json(workspace, &wanted, &scratch, &monitor);
                let mut made = progress_bar::show(talks, &monitor, make)?;
                let bytes = to.write(self.force, ui, &mut |write| made.report.write(write))?;
                (bytes, made.report.left_out, made.incomplete)
            }
            Format::Markdown => {
                let make = || report::markdown(workspace, &wanted, &monitor);
                let made = progress_bar::show(talks, &monitor, make)?;
                let bytes = to.write(self.force, ui, &mut |write| write(made.report.as_bytes()))?;
                (bytes, Vec::new(), made.incomplete)
            }
        };
        if let Some(file) = to.name() {
            ui.confirm(&ReportReport { name: &manifest.name, id: &manifest.id, file, bytes, left_out })?;
        }
        if let Some(file) = to.0.as_ref().filter(|_| self.open) {
            open::open(file.as_os_str())?;
        }
        Ok(Outcome::partial_if(incomplete))
    }

    fn end(&self) -> Option<&str> {
        self.output.as_ref().and_then(|file| file.extension()).and_then(|end| end.to_str())
    }

    /// Refuses a file whose name says that it is something else.
    fn refuse_other_kind(&self) -> Result<()> {
        const OTHERS: [&str; 7] = ["pdf", "docx", "odt", "txt", "csv", "yaml", "png"];
        match self.end().filter(|end| self.format.is_none() && OTHERS.contains(&end.to_lowercase().as_str())) {
            None => Ok(()),
            Some(end) => Err(Error::new(Kind::Usage, format!("A report is no file of the kind .{end}"))
                .because("it is HTML, Markdown or JSON")
                .hint("end its name in .html, .md or .json, or say which with `--format`; a browser prints HTML as PDF")),
        }
    }

    fn format(&self) -> Format {
        let end = self.end();
        self.format.unwrap_or(match end {
            Some("md" | "markdown") => Format::Markdown,
            Some("json") => Format::Json,
            _ => Format::Html,
        })
    }

    fn entries(&self, workspace: &Workspace, ui: &mut Ui) -> Result<Vec<Entry>> {
        let named: Vec<&str> = match self.references.as_slice() {
            [] => vec!["latest"],
            some => some.iter().map(String::as_str).collect(),
        };
        let ends =
            |one: &str| Path::new(one).extension().is_some_and(|end| FILES.iter().any(|file| end == *file));
        let find = |one: &str, ui: &mut Ui| {
            line_choice::find_here(workspace, one, ui).map_err(|error| match error.kind() {
                Kind::NotFound if ends(one) => {
                    error.hint(format!("the file to write comes behind `-o`: `-o {}`", quoted(one)))
                }
                _ => error,
            })
        };
        named.into_iter().map(|one| find(one, ui)).collect()
    }

    fn choice(&self, context: &Context, workspace: &Workspace) -> Result<Choice> {
        let path = |path: &PathBuf| {
            inside(&workspace.root, &context.cwd.join(path))?.ok_or_else(|| {
                Error::new(Kind::Usage, "Cannot leave out the whole work tree")
                    .hint("`--only prompts,answers` leaves all edits out")
            })
        };
        let redact = self.redact.iter().map(path).collect::<Result<_>>()?;
        Ok(Choice { only: self.only.iter().copied().collect(), no_tools: self.no_tools, redact })
    }

    fn output(&self, context: &Context, entry: &Entry, ui: &Ui) -> Result<Output> {
        self.refuse_other_kind()?;
        let file = match &self.output {
            Some(file) if file == Path::new("-") => None,
            Some(file) => Some(context.cwd.join(file)),
            None if self.format() == Format::Html => Some(context.cwd.join(format!("{}.html", entry.stem))),
            None => None,
        };
        if let (Some(typed), Some(file)) = (&self.output, &file) {
            let usual = format!("{}.html", entry.stem);
            refuse_folder(typed, file, &usual, "a report")?;
        }
        match file {
            None if ui.json() => {
                Err(Error::new(Kind::Usage, "Standard output can't take both the report and JSON")
                    .hint("name a file with `-o FILE`"))
            }
            None if self.format() == Format::Html && io::stdout().is_terminal() => {
                Err(Error::new(Kind::Usage, "Cannot write a page to a terminal")
                    .hint("name a file with `-o FILE`"))
            }
            Some(file) if file.symlink_metadata().is_ok_and(|facts| !facts.is_file()) => {
                Err(Error::new(Kind::Refused, format!("Cannot write to {}", file.display()))
                    .because("it is no plain file")
                    .hint("`-o -` writes to standard output, which a shell can lead there"))
            }
            // Nothing is made in vain.
            Some(file) if !self.force && file.symlink_metadata().is_ok() => Err(taken(&file)),
            file => Ok(Output(file)),
        }
    }
}

/// Where a report goes: a file, or standard output.
struct Output(Option<PathBuf>);

/// What writes a report, given what takes its bytes.
type Writer<'w> = &'w mut dyn FnMut(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>;

impl Output {
    fn name(&self) -> Option<String> {
        self.0.as_ref().map(|file| file.to_string_lossy().into_owned())
    }

    /// Writes the report, whole or not at all if it is a file; returns how many bytes it has.
    fn write(&self, force: bool, ui: &mut Ui, writer: Writer<'_>) -> Result<u64> {
        let mut bytes = 0;
        let Some(file) = &self.0 else {
            let out = ui.output();
            writer(&mut |text| {
                bytes += text.len() as u64;
                out.write_all(text).map_err(|error| output_error(&error))
            })?;
            return Ok(bytes);
        };
        let written =
            Self::write_file(file, force, &mut bytes, writer).map_err(|error| error.at_output(file));
        written.map(|()| bytes)
    }

    fn write_file(file: &Path, force: bool, bytes: &mut u64, writer: Writer<'_>) -> Result<()> {
        let folder = Root::own(file.parent().unwrap_or(Path::new("/"))).at("");
        let mut out = BufWriter::with_capacity(1 << 16, Draft::begin(&folder)?);
        writer(&mut |text| {
            *bytes += text.len() as u64;
            out.write_all(text).context("write", file)
        })?;
        let draft = out.into_inner().map_err(|error| Error::io("write", file, error.error()))?;
        let existing = if force { Existing::Replace } else { Existing::Keep };
        let place = folder.join(file.file_name().unwrap_or_default());
        if draft.seal()?.publish(&place, existing)? { Ok(()) } else { Err(taken(file)) }
    }
}

fn taken(file: &Path) -> Error {
    Error::new(Kind::Refused, format!("{} exists already", file.display()))
        .hint("name another file with `-o FILE`, or write over it with `--force`")
}

/// What was written.
#[derive(Serialize)]
struct ReportReport<'a> {
    name: &'a str,
    id: &'a SnapshotId,
    file: String,
    bytes: u64,
    left_out: Vec<String>,
}

impl Printed for ReportReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let (name, file) = (Line(self.name), Line(&self.file));
        ui.say(&format!("Made a report of \"{name}\": {file} ({}).", size_text(self.bytes)));
        for line in &self.left_out {
            ui.say(&format!("  not in it: {}", Line(line)));
        }
        Ok(())
    }
}
