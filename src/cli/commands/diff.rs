//! `snap diff`: shows what differs, while the rest of it is still being computed.

use std::fs::File as Handle;
use std::io::{self, BufReader, IsTerminal as _};
use std::path::{Component, Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::base::digest::GitHash;
use crate::base::error::{Error, IoContext as _, Kind as Failure, Result};
use crate::base::paths::RepoPath;
use crate::base::screen::{Line, Sieve};
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::pager::{Sheet, screen_width};
use crate::cli::output::words::count;
use crate::cli::output::{Style, Text, Ui, text};
use crate::compare::{self, Detail, Item, Loader, broken};
use crate::context::Context;
use crate::diff::{
    Again, Columns, Counted, Counter, Delivery, File, Kind, Look, Only, Options, Out, Painter, Patch, Same,
    Show, bar, in_order, show_patch,
};
use crate::edits::FileReader;
use crate::git::Repository;
use crate::manifest::Manifest;
use crate::store::{Reference, Store};
use crate::workspace::Workspace;

/// How many files are computed at the same time.
const THREADS: usize = 2;

/// The width of the bars of `--stat`.
const BAR: u64 = 40;

/// The longest name that the bars are set to the right for.
const LONGEST_NAME: usize = 60;

/// Show what a snapshot changed, what differs between two, or any two files
///
/// On a terminal, or with `--color always`, painted for people; else a patch for `git apply`.
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap diff", "Show the edits of the newest snapshot"),
    ("snap diff before-refactor latest", "Show what differs between two"),
    ("snap diff --now before-refactor -- src", "Compare it with `src` as it is now"),
    ("git diff | snap diff -", "Show a diff of another program"),
]))]
pub(crate) struct Diff {
    /// One snapshot: its edits. Two: what differs between them. `-`: a diff on standard input
    #[arg(value_name = "REF", num_args = 0..=2)]
    references: Vec<String>,
    /// Compare the snapshot with the work tree as it is now
    #[arg(long)]
    now: bool,
    /// Compare two files, in or out of a repository
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with_all = ["references", "now", "paths"])]
    files: Vec<PathBuf>,
    /// Only counts of lines, with a bar each
    #[arg(long, group = "form")]
    stat: bool,
    /// Only the names of the files
    #[arg(long, group = "form")]
    name_only: bool,
    /// Only the names, with A, M, D, R or C before each
    #[arg(long, group = "form")]
    name_status: bool,
    /// The two versions beside each other
    #[arg(short = 'y', long, group = "form")]
    side_by_side: bool,
    /// A patch for `git apply`; on a terminal what is not seen is shown as escapes
    #[arg(short, long, group = "form")]
    patch: bool,
    /// Such a patch with binary content too
    #[arg(long, conflicts_with_all = ["stat", "name_only", "name_status", "side_by_side", "word"])]
    binary: bool,
    /// Both versions of a changed line in one line, word by word
    #[arg(long, group = "form")]
    word: bool,
    /// Of a diff on standard input: paint each line where it stands, as `interactive.diffFilter` needs it
    #[arg(long, group = "form")]
    color_only: bool,
    /// Exit with 1 if there are differences
    #[arg(long)]
    exit_code: bool,
    /// Lines of context [default: 3]
    #[arg(short = 'U', long = "unified", value_name = "N")]
    context: Option<usize>,
    /// Take lines that differ in white space only for equal
    #[arg(short = 'w', long)]
    ignore_all_space: bool,
    /// Cut longer lines, with a count of what is not shown
    #[arg(long, value_name = "BYTES", default_value_t = 4_096)]
    max_line: usize,
    /// Never start a pager
    #[arg(long)]
    no_pager: bool,
    /// Only these files and folders
    #[arg(value_name = "PATH", last = true)]
    paths: Vec<PathBuf>,
}

/// What is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Painted,
    InPlace,
    Columns,
    Patch,
    Stat,
    Names,
    Status,
    Json,
}

impl Form {
    /// Says whether it is made of numbers and not of lines.
    fn is_counted(self) -> bool {
        matches!(self, Form::Stat | Form::Names | Form::Status | Form::Json)
    }
}

/// Where a file's diff comes from.
enum Job {
    Item(Box<Item>),
    /// Two files, each as it was named and where it is.
    Files(Named, Named),
    /// A diff on standard input; the files of it that are wanted.
    Input(Vec<Vec<u8>>),
}

/// What the threads deliver.
enum Piece {
    Block(Vec<u8>),
    Counted(Box<Counted>),
}

impl Diff {
    pub(crate) fn run(self, context: &Context, ui: &mut Ui) -> Result<Outcome> {
        let of_input = self.references.first().is_some_and(|one| one == "-");
        if of_input {
            self.refuse_for_input()?;
        } else if self.color_only {
            return Err(Error::new(Failure::Usage, "Cannot paint in place")
                .because("`--color-only` is for a diff on standard input")
                .hint("`git config interactive.diffFilter \"snap diff - --color-only\"`"));
        }
        crate::git::read_blobs_only_to_show();
        let form = self.form(ui);
        let longest_line = if form == Form::Patch { usize::MAX } else { Options::default().longest_line };
        let look = Look {
            color: ui.color() || self.color_only,
            max_line: self.max_line.max(16),
            word: self.word,
            width: if form == Form::Columns { screen_width() } else { 0 },
        };
        let needs_workspace = self.files.is_empty() && !of_input;
        let opened = if needs_workspace { Some(self.open(context)?) } else { None };
        let (workspace, manifests) = opened.map_or((None, Vec::new()), |(open, read)| (Some(open), read));
        let repository = workspace.as_ref().and_then(|workspace| workspace.repository.as_ref());
        let options = Options {
            context: self.context.unwrap_or(Options::default().context),
            ignore_space: self.ignore_all_space,
            longest_line,
            binary: self.binary.then(|| repository.map_or(GitHash::Sha1, Repository::hash)),
            ..Options::default()
        };
        let jobs = self.jobs(context, workspace.as_ref(), manifests)?;
        let wanted = match form {
            Form::Names | Form::Status => Detail::Names,
            Form::Patch => Detail::LinesAndIds,
            _ => Detail::Lines,
        };
        let loader = || workspace.as_ref().map(|workspace| Loader::new(workspace, options, wanted));

        let work = |loader: &mut Option<Loader<'_>>,
                    number: usize,
                    job: Job,
                    pass: &mut dyn FnMut(Piece) -> io::Result<()>|
         -> Result<()> {
            if form.is_counted() {
                let mut send = |counted| pass(Piece::Counted(Box::new(counted)));
                return show_job(job, loader, options, &mut Counter::new(&mut send));
            }
            let mut send = |block| pass(Piece::Block(block));
            let mut out = Out::new(number == 0, &mut send);
            match form {
                Form::InPlace => show_job(job, loader, options, &mut Same::painted(&mut out, look)),
                Form::Patch if matches!(job, Job::Input(_)) => {
                    show_job(job, loader, options, &mut Same::bytes(&mut out))
                }
                Form::Columns => show_job(job, loader, options, &mut Columns::new(&mut out, look)),
                Form::Painted => show_job(job, loader, options, &mut Painter::new(&mut out, look)),
                _ => {
                    let aside = || crate::sys::files::unnamed_file(&std::env::temp_dir());
                    show_job(job, loader, options, &mut Patch::new(&mut out).putting_aside(&aside))
                }
            }?;
            out.flush().map_err(|error| broken(&error))
        };
        // A program gets a patch as it is; a person can't apply one from the screen.
        let sieve = (form == Form::Patch && io::stdout().is_terminal()).then(Sieve::default);
        let mut report =
            Report { sheet: None, sieve, paged: !self.no_pager, form, counted: Vec::new(), found: false };
        in_order(jobs.into_iter(), THREADS, loader, work, |delivery| report.take(delivery, ui))?;
        report.finish(ui)?;
        Ok(if self.exit_code && report.found { Outcome::No } else { Outcome::Done })
    }

    fn form(&self, ui: &Ui) -> Form {
        let on_screen = ui.color() || io::stdout().is_terminal();
        match () {
            () if ui.json() => Form::Json,
            () if self.color_only => Form::InPlace,
            () if self.stat => Form::Stat,
            () if self.name_only => Form::Names,
            () if self.name_status => Form::Status,
            () if self.side_by_side => Form::Columns,
            () if self.patch || self.binary || !on_screen && !self.word => Form::Patch,
            () => Form::Painted,
        }
    }

    /// Refuses what can't be done with a diff that was made already.
    fn refuse_for_input(&self) -> Result<()> {
        let options = [
            (self.references.len() > 1, "another name"),
            (self.now, "`--now`"),
            (self.context.is_some(), "`-U`"),
            (self.ignore_all_space, "`-w`"),
        ];
        match options.iter().find(|(given, _)| *given) {
            None => Ok(()),
            Some((_, option)) => Err(Error::new(
                Failure::Usage,
                format!("Cannot use {option} with a diff on standard input"),
            )
            .because("that diff has been made already")
            .hint("give the option to the program that makes it, such as `git diff -U1 -w | snap diff -`")),
        }
    }

    /// Returns the names of the files that are wanted of a diff on standard input: as they stand in it.
    fn wanted_of_input(&self) -> Vec<Vec<u8>> {
        use std::os::unix::ffi::OsStrExt as _;
        let name = |path: &PathBuf| {
            let parts = path.components().filter_map(|part| match part {
                Component::Normal(name) => Some(name.as_bytes().to_vec()),
                _ => None,
            });
            parts.collect::<Vec<_>>().join(&b'/')
        };
        // The whole folder is no restriction.
        self.paths.iter().map(name).filter(|name| !name.is_empty()).collect()
    }

    /// Opens the workspace and reads the manifests that are wanted; while git still finds the one,
    /// the others are read from where the store usually is.
    fn open(&self, context: &Context) -> Result<(Workspace, Vec<Manifest>)> {
        let (named, latest) = (self.references.iter().map(String::as_str), ["latest"]);
        let named: Vec<Reference> = named.chain(latest).map(Reference::parse).collect();
        let wanted = &named[..self.references.len().max(1)];
        let find = |store: &Store| -> Result<Vec<Manifest>> {
            wanted.iter().map(|reference| store.find(reference)?.manifest).collect()
        };
        let (workspace, early) = std::thread::scope(|scope| {
            // What is read stays, so it is read where the rest of the memory is.
            let open = scope.spawn(|| Workspace::open(context));
            let early = likely_store(context).and_then(|folder| Store::open(&folder).ok());
            let early = early.map(|store| (store.root().to_owned(), find(&store.forgetting())));
            (open.join(), early)
        });
        let workspace = workspace.map_err(|_| Error::new(Failure::Bug, "Opening the workspace failed"))??;
        let manifests = match early {
            Some((root, found)) if root == workspace.store.root() => found?,
            _ => find(&workspace.store)?,
        };
        for manifest in &manifests {
            workspace.refuse_bomb(manifest, &workspace.provenance(manifest))?;
        }
        Ok((workspace, manifests))
    }

    fn jobs(
        &self,
        context: &Context,
        workspace: Option<&Workspace>,
        manifests: Vec<Manifest>,
    ) -> Result<Vec<Job>> {
        if let [old, new] = self.files.as_slice() {
            let place = |path: &PathBuf| (path.clone(), context.cwd.join(path));
            return Ok(vec![Job::Files(place(old), place(new))]);
        }
        let Some(workspace) = workspace else { return Ok(vec![Job::Input(self.wanted_of_input())]) };
        let mut manifests = manifests.into_iter();
        let items = match (manifests.next(), manifests.next(), self.now) {
            (Some(one), None, false) => compare::edits(one.edits),
            (Some(one), None, true) => compare::with_work_tree(workspace, &one)?,
            (Some(old), Some(new), false) => compare::between(workspace, &old, &new)?,
            _ => {
                return Err(Error::new(Failure::Usage, "Cannot compare two snapshots with the work tree")
                    .hint("`snap diff --now REF` takes one"));
            }
        };
        let wanted = self
            .paths
            .iter()
            .map(|path| inside(&workspace.root, &context.cwd.join(path)))
            .collect::<Result<Vec<_>>>()?;
        let lies_in = |item: &Item, path: &RepoPath| {
            item.path().is_in(path) || item.old_path().is_some_and(|old| old.is_in(path))
        };
        let is_wanted = |item: &Item| {
            wanted.is_empty()
                || wanted.iter().any(|path| path.as_ref().is_none_or(|path| lies_in(item, path)))
        };
        Ok(items.into_iter().filter(is_wanted).map(|item| Job::Item(Box::new(item))).collect())
    }
}

/// Returns where the store is, unless git knows better.
fn likely_store(context: &Context) -> Option<PathBuf> {
    let usual = |folder: &Path| folder.join(".claude").join("snapshots");
    context.store.clone().or_else(|| context.cwd.ancestors().map(usual).find(|store| store.is_dir()))
}

/// Returns a path in the work tree; `None` for its root.
fn inside(root: &Path, path: &Path) -> Result<Option<RepoPath>> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut flat = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(flat.pop()),
            Component::CurDir => {}
            other => flat.push(other),
        }
    }
    let refuse = |cause: String| {
        Error::new(Failure::Usage, format!("Cannot look for {}", path.display())).because(cause)
    };
    let inner = flat.strip_prefix(root).map_err(|_| refuse("it is outside the work tree".to_owned()))?;
    match inner.as_os_str().is_empty() {
        true => Ok(None),
        false => RepoPath::new(inner.as_os_str().as_bytes()).map(Some).map_err(refuse),
    }
}

fn show_job(job: Job, loader: &mut Option<Loader<'_>>, options: Options, show: &mut dyn Show) -> Result<()> {
    match (job, loader) {
        (Job::Item(item), Some(loader)) => loader.show(*item, show),
        (Job::Files(old, new), _) => show_files(&old, &new, options, show),
        (Job::Input(wanted), _) => {
            let input = BufReader::with_capacity(64 << 10, io::stdin());
            show_patch(input, &mut Only::new(&wanted, show)).map_err(|error| broken(&error))
        }
        (Job::Item(_), None) => Err(Error::new(Failure::Bug, "An edit has nowhere to be loaded from")),
    }
}

type Named = (PathBuf, PathBuf);

fn show_files(old: &Named, new: &Named, options: Options, show: &mut dyn Show) -> Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let open = |path: &Path| -> Result<(Handle, std::fs::Metadata)> {
        let handle = Handle::open(path).context("open", path)?;
        let facts = handle.metadata().context("open", path)?;
        if facts.is_dir() {
            return Err(Error::new(Failure::Usage, format!("Cannot compare {}", path.display()))
                .because("it is a folder"));
        }
        Ok((handle, facts))
    };
    let ((old_file, old_facts), (new_file, new_facts)) = (open(&old.1)?, open(&new.1)?);
    let name = |path: &Path| {
        let bytes = path.as_os_str().as_bytes();
        bytes.strip_prefix(b"/").unwrap_or(bytes).to_vec()
    };
    let file = File { path: name(&new.0), old_path: Some(name(&old.0)), ..File::default() };
    let again: Option<Again<'_>> = match (old_file.try_clone(), new_file.try_clone()) {
        // A pipe can be read only once.
        (Ok(old), Ok(new)) if old_facts.is_file() && new_facts.is_file() => {
            let from =
                |file: &Handle, at: u64| Ok::<_, io::Error>(Box::new(FileReader::new(file.try_clone()?, at)));
            Some(Box::new(move |from_old, from_new| Ok((from(&old, from_old)?, from(&new, from_new)?))))
        }
        _ => None,
    };
    let sizes = (Some(old_facts.len()), Some(new_facts.len()));
    compare::show_readers(file, (old_file, new_file), again, sizes, options, show)
        .map_err(|error| broken(&error))
}

/// Writes what the threads deliver.
struct Report {
    sheet: Option<Sheet>,
    /// Makes safe what is not safe already.
    sieve: Option<Sieve>,
    paged: bool,
    form: Form,
    counted: Vec<Counted>,
    found: bool,
}

impl Report {
    fn take(&mut self, delivery: Delivery<Piece>, ui: &mut Ui) -> Result<()> {
        match delivery {
            Delivery::Pause => match &mut self.sheet {
                Some(sheet) => sheet.flush(),
                None => ui.flush(),
            },
            Delivery::Piece(Piece::Block(block)) => {
                self.found = true;
                let sheet = match &mut self.sheet {
                    Some(sheet) => sheet,
                    // Not before there is something to show: a pager on nothing is a nuisance.
                    none => none.insert(Sheet::open(self.paged)?),
                };
                match &mut self.sieve {
                    Some(sieve) => sheet.block(&sieve.next(&block)),
                    None => sheet.block(&block),
                }
            }
            Delivery::Piece(Piece::Counted(mut counted)) => {
                self.found = true;
                let name = Line(&String::from_utf8_lossy(&counted.file.path)).to_string();
                match self.form {
                    Form::Names => ui.line(&name),
                    Form::Status => {
                        let old = |name: &Vec<u8>| text![Text::tab(), String::from_utf8_lossy(name).as_ref()];
                        let old = counted.file.old_path.as_ref().map(old).unwrap_or_default();
                        ui.line(text![counted.file.kind.letter().to_string(), old, Text::tab(), name])
                    }
                    Form::Json => ui.value(&crate::base::screen::json(&as_json(&counted).to_string())),
                    _ => {
                        counted.hunks = Vec::new();
                        self.counted.push(*counted);
                        Ok(())
                    }
                }
            }
        }
    }

    fn finish(&mut self, ui: &mut Ui) -> Result<()> {
        if let Some(sheet) = &mut self.sheet {
            if let Some(sieve) = &mut self.sieve {
                sheet.block(&sieve.finish())?;
            }
            sheet.flush()?;
        }
        if self.form != Form::Stat || self.counted.is_empty() {
            return Ok(());
        }
        let name = |counted: &Counted| {
            let name = |path: &[u8]| Line(&String::from_utf8_lossy(path)).to_string();
            match counted.file.kind {
                Kind::Renamed | Kind::Copied => {
                    format!("{} -> {}", name(counted.file.old_name()), name(&counted.file.path))
                }
                _ => name(&counted.file.path),
            }
        };
        let longest = self.counted.iter().map(|one| name(one).chars().count()).max().unwrap_or(0);
        let (width, bar_width) = stat_widths(longest, io::stdout().is_terminal().then(screen_width));
        let lines = |one: &Counted| (one.end.report.added, one.end.report.removed);
        let most = self.counted.iter().map(|one| lines(one).0 + lines(one).1).max().unwrap_or(0);
        let (mut added, mut removed) = (0, 0);
        for one in &self.counted {
            let facts = match one.end.binary {
                true => format!("binary {}", one.end.note.as_deref().unwrap_or_default()).trim_end().into(),
                false => {
                    let (plus, minus) = lines(one);
                    (added, removed) = (added + plus, removed + minus);
                    let (pluses, minuses) = bar(plus, minus, most, bar_width);
                    match pluses + minuses {
                        0 if !ui.color() => text![format!("{:5}", plus + minus)],
                        _ => text![
                            format!("{:5} ", plus + minus),
                            Style::Good.of("+".repeat(pluses)),
                            Style::Bad.of("-".repeat(minuses)),
                        ],
                    }
                }
            };
            let name = if bar_width < BAR { end_of(name(one), width) } else { name(one) };
            ui.line(text![format!(" {name:width$} | "), facts])?;
        }
        ui.line(&format!(" {}, +{added} -{removed}", count(self.counted.len(), "file")))
    }
}

/// Returns how wide the names and the bars of `--stat` are, when the longest name has so many characters; on a
/// screen a line of it shall fit.
fn stat_widths(longest: usize, screen: Option<usize>) -> (usize, u64) {
    const COUNT: usize = " ".len() + " | ".len() + "12345 ".len();
    let room = screen.map_or(usize::MAX, |screen| screen.saturating_sub(COUNT).max(24));
    let bar = BAR as usize;
    match longest.min(LONGEST_NAME) {
        width if width + bar <= room => (width, BAR),
        width => {
            // Three eighths are for the bars, as git has it, or what the names leave.
            let width = width.min(room - room * 3 / 8);
            (width, (room - width).min(bar) as u64)
        }
    }
}

/// Returns the end of a name that has more than so many characters.
fn end_of(name: String, width: usize) -> String {
    let count = name.chars().count();
    match count > width {
        true => std::iter::once('…').chain(name.chars().skip(count + 1 - width)).collect(),
        false => name,
    }
}

fn as_json(counted: &Counted) -> serde_json::Value {
    let path = |path: &[u8]| match std::str::from_utf8(path) {
        Ok(path) => json!(path),
        Err(_) => json!({"hex": crate::base::digest::to_hex(path)}),
    };
    let (file, end) = (&counted.file, &counted.end);
    json!({
        "path": path(&file.path),
        "old_path": file.old_path.as_deref().map(path),
        "similarity": file.similarity,
        "change": file.kind.word(),
        "old_mode": file.old_mode.map(crate::manifest::Mode::octal),
        "new_mode": file.new_mode.map(crate::manifest::Mode::octal),
        "added": end.report.added,
        "removed": end.report.removed,
        "binary": end.binary,
        "rough": end.report.rough,
        "complete": !end.report.stopped,
        "note": end.note,
        "hunks": counted.hunks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_fits_the_screen() {
        assert_eq!(stat_widths(20, None), (20, 40));
        assert_eq!(stat_widths(100, None), (60, 40));
        assert_eq!(stat_widths(100, Some(200)), (60, 40));
        assert_eq!(stat_widths(20, Some(80)), (20, 40));
        for (longest, screen) in [(100, 80), (45, 80), (100, 100), (70, 40)] {
            let (name, bar) = stat_widths(longest, Some(screen));
            assert_eq!(1 + name + 3 + 6 + bar as usize, screen, "{longest} on {screen}");
        }
        assert_eq!(end_of("a/long/path/name.rs".to_owned(), 10), "…h/name.rs");
        assert_eq!(end_of("name.rs".to_owned(), 10), "name.rs");
    }
}
