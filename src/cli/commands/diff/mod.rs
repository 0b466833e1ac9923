//! `snap diff`: shows differences while the rest of them is still being computed.

mod look;
mod meaning;
mod report;
mod settings;
mod sources;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::base::digest::GitHash;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Sieve;
use crate::cli::completion::snapshots_then_paths;
use crate::cli::help::examples;
use crate::cli::option_values::parse_number;
use crate::cli::outcome::Outcome;
use crate::cli::output::Ui;
use crate::cli::output::pager::screen_width;
use crate::compare::{Detail, Loader, broken};
use crate::context::Context;
use crate::diff::{
    BlockWriter, Coloring, Columns, Counted, Counter, Look, Options, Painted, Painter, Patch, Same, Spent,
    Theme, in_order, prepare_colors,
};
use crate::git::Repository;
use look::LookOptions;
use report::DiffWriter;
use sources::{Job, Jobs, show_job};

pub(crate) use sources::inside;

/// How many files are computed at the same time.
const THREADS: usize = 2;

/// Show what a snapshot changed, what differs between two, or any two files
///
/// Painted for people on a terminal, or with `--color always`; otherwise a patch for `git apply`. It compares files: what is only
/// staged is not shown.
#[derive(Args, Default)]
#[command(after_help = examples(&[
    ("snap diff latest", "Show the edits of the newest snapshot"),
    ("snap diff before-refactor latest", "Show what differs between two"),
    ("snap diff --now before-refactor -- src", "Compare it with `src` as it is now"),
    ("git diff | snap diff -", "Show a diff of another program"),
]))]
pub(crate) struct Diff {
    /// One snapshot: its edits. Two: what differs between them. `-`: a diff on standard input. None: you choose one
    /// from a list on a terminal; elsewhere, or if there is only one, the newest
    #[arg(value_name = "REF", num_args = 0..=2, add = snapshots_then_paths())]
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
    /// A patch for `git apply`; on a terminal, invisible characters are shown as escapes
    #[arg(short, long, group = "form")]
    patch: bool,
    /// Such a patch with binary content too
    #[arg(long, conflicts_with_all = ["stat", "name_only", "name_status", "side_by_side", "word"])]
    binary: bool,
    /// Both versions of a changed line in one line, word by word
    #[arg(long, group = "form")]
    word: bool,
    /// Paint each line of a diff on standard input in its place, for `interactive.diffFilter`
    #[arg(long, group = "form")]
    color_only: bool,
    /// Exit with 1 if there are differences
    #[arg(long)]
    exit_code: bool,
    /// Lines of context [default: 3]
    #[arg(short = 'U', long = "unified", value_name = "N", value_parser = parse_number)]
    context: Option<usize>,
    /// Treat lines that differ only in white space as equal
    #[arg(short = 'w', long)]
    ignore_all_space: bool,
    #[command(flatten)]
    look: LookOptions,
    /// Never start a pager
    #[arg(long)]
    no_pager: bool,
    /// Only these files and folders
    #[arg(value_name = "PATH", last = true)]
    paths: Vec<PathBuf>,
}

/// What is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OutputForm {
    Painted,
    InPlace,
    Columns,
    Patch,
    Stat,
    Names,
    Status,
    Json,
}

impl OutputForm {
    /// Says whether it is made of numbers and not of lines.
    fn is_counted(self) -> bool {
        matches!(self, OutputForm::Stat | OutputForm::Names | OutputForm::Status | OutputForm::Json)
    }

    /// Says whether it is made for eyes.
    fn is_painted(self) -> bool {
        matches!(self, OutputForm::Painted | OutputForm::InPlace | OutputForm::Columns)
    }

    /// Returns the word for it.
    fn name(self) -> &'static str {
        match self {
            OutputForm::Painted => "painted",
            OutputForm::InPlace => "in place",
            OutputForm::Columns => "side by side",
            OutputForm::Patch => "patch",
            OutputForm::Stat => "stat",
            OutputForm::Names => "names",
            OutputForm::Status => "names and letters",
            OutputForm::Json => "painted",
        }
    }
}

/// What the threads deliver.
enum DiffPart {
    Block(Vec<u8>),
    Counted(Box<Counted>),
}

/// What a thread keeps from one file to the next.
struct Worker<'w> {
    loader: Option<Loader<'w>>,
    coloring: Option<Coloring>,
}

impl Diff {
    /// Makes one that compares a snapshot with the work tree as it is now, in these paths.
    pub(crate) fn with_now(reference: String, paths: Vec<PathBuf>) -> Diff {
        Diff { references: vec![reference], now: true, paths, ..Diff::default() }
    }

    pub(crate) fn run(self, context: &Context, ui: &mut Ui) -> Result<Outcome> {
        let of_input = self.references.first().is_some_and(|one| one == "-");
        if of_input {
            self.refuse_for_input()?;
        } else if self.color_only {
            return Err(Error::new(Kind::Usage, "`--color-only` needs a diff on standard input")
                .because("`--color-only` is for a diff on standard input")
                .hint("`git config interactive.diffFilter \"snap diff - --color-only\"`"));
        }
        if self.references.is_empty() && self.files.is_empty() && ui.shows_on_terminal() && input_is_piped() {
            ui.warn("what is piped in is not looked at: `snap diff -` shows that");
        }
        crate::git::read_blobs_only_to_show();
        let form = self.form(ui);
        let settings = self.look.settled(&context.settings, ui);
        if self.look.show_config {
            settings.list(form.name(), ui)?;
            return Ok(Outcome::Done);
        }
        let colored = (ui.color() || self.color_only) && form.is_painted();
        let words = settings.may_color_words(colored);
        if words {
            std::thread::spawn(prepare_colors);
        }
        let asked = settings.ask(colored && !self.color_only);
        let longest_line =
            if form == OutputForm::Patch { usize::MAX } else { Options::default().longest_line };
        let needs_workspace = self.files.is_empty() && !of_input;
        let opened = if needs_workspace { Some(self.open(context, ui)?) } else { None };
        let (workspace, manifests) = opened.map_or((None, Vec::new()), |(open, read)| (Some(open), read));
        let repository = workspace.as_ref().and_then(|workspace| workspace.repository.as_ref());
        let options = Options {
            context: self.context.unwrap_or(Options::default().context),
            ignore_space: self.ignore_all_space,
            longest_line,
            binary: self.binary.then(|| repository.map_or(GitHash::Sha1, Repository::hash)),
            ..Options::default()
        };
        let two = match (manifests.as_slice(), &workspace) {
            ([old, new], Some(_)) if meaning::is_told_in(form) && self.paths.is_empty() => {
                Some([old.clone(), new.clone()])
            }
            _ => None,
        };
        let Jobs { jobs, staged_differs } = self.jobs(context, workspace.as_ref(), manifests, ui)?;
        let between = match (&two, &workspace) {
            (Some([old, new]), Some(workspace)) => {
                Some(meaning::between(&workspace.store, [old, new], jobs.len())?)
            }
            _ => None,
        };
        let wanted = match form {
            OutputForm::Names | OutputForm::Status => Detail::Names,
            OutputForm::Patch => Detail::LinesAndIds,
            _ => Detail::Lines,
        };
        let folder = workspace.as_ref().map_or(&context.cwd, |workspace| &workspace.root);
        let look = Look {
            color: ui.color() || self.color_only,
            theme: if colored { settings.theme(asked) } else { Theme::default() },
            max_line: settings.max_line(),
            word: self.word,
            numbers: settings.numbers(),
            width: if form == OutputForm::Columns { screen_width() } else { 0 },
            links: settings.links(folder).filter(|_| !self.color_only),
        };
        let words = words && look.theme.knows_background();
        let spent = Arc::new(Spent::default());
        let worker = || Worker {
            loader: workspace.as_ref().map(|workspace| Loader::new(workspace, options, wanted)),
            coloring: words.then(|| Coloring::new(settings.patience(), spent.clone())),
        };

        let work = |worker: &mut Worker<'_>,
                    number: usize,
                    job: Job,
                    pass: &mut dyn FnMut(DiffPart) -> io::Result<()>|
         -> Result<()> {
            let Worker { loader, coloring } = worker;
            let (look, coloring) = (look.clone(), coloring.as_mut());
            if form.is_counted() {
                let mut send = |counted| pass(DiffPart::Counted(Box::new(counted)));
                return show_job(job, loader, options, &mut Counter::new(&mut send));
            }
            let mut send = |block| pass(DiffPart::Block(block));
            let mut out = BlockWriter::new(number == 0, &mut send);
            match form {
                OutputForm::InPlace => {
                    show_job(job, loader, options, &mut Painted::in_place(&mut out, look).coloring(coloring))
                }
                OutputForm::Patch if matches!(job, Job::Input(_)) => {
                    show_job(job, loader, options, &mut Same::new(&mut out))
                }
                OutputForm::Columns => {
                    show_job(job, loader, options, &mut Columns::new(&mut out, look).coloring(coloring))
                }
                OutputForm::Painted => {
                    show_job(job, loader, options, &mut Painter::new(&mut out, look).coloring(coloring))
                }
                _ => {
                    let aside = || crate::sys::files::unnamed_file(&std::env::temp_dir());
                    show_job(job, loader, options, &mut Patch::new(&mut out).putting_aside(&aside))
                }
            }?;
            out.flush().map_err(|error| broken(&error))
        };
        // A program gets a patch as it is; a person can't apply one from the screen.
        let sieve = (form == OutputForm::Patch && io::stdout().is_terminal()).then(Sieve::default);
        if let Some(between) = between.as_ref().filter(|_| form == OutputForm::Json) {
            ui.print_json_line(&meaning::ForPrograms { between })?;
        }
        let mut report = DiffWriter {
            lead: between.map(|between| meaning::lines(&between, context.now)).unwrap_or_default(),
            sheet: None,
            sieve,
            paged: !self.no_pager,
            trims: !of_input,
            form,
            counted: Vec::new(),
            found: false,
        };
        in_order(jobs.into_iter(), THREADS, worker, work, |delivery| report.take(delivery, ui))?;
        report.finish(ui)?;
        if !report.found && form != OutputForm::Json && ui.shows_on_terminal() {
            ui.say(if self.paths.is_empty() { "No differences." } else { "No differences in these paths." });
        }
        if staged_differs && !report.found {
            ui.warn("what is staged differs, which a diff does not compare; `snap rewind` sets it too");
        }
        Ok(if self.exit_code && report.found { Outcome::No } else { Outcome::Done })
    }

    fn form(&self, ui: &Ui) -> OutputForm {
        let on_screen = ui.color() || io::stdout().is_terminal();
        match () {
            () if ui.json() => OutputForm::Json,
            // Without colours, nothing is left to be done.
            () if self.color_only && ui.refuses_color() => OutputForm::Patch,
            () if self.color_only => OutputForm::InPlace,
            () if self.stat => OutputForm::Stat,
            () if self.name_only => OutputForm::Names,
            () if self.name_status => OutputForm::Status,
            () if self.side_by_side => OutputForm::Columns,
            () if self.patch || self.binary || !on_screen && !self.word => OutputForm::Patch,
            () => OutputForm::Painted,
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
                Kind::Usage,
                format!("Cannot use {option} with a diff on standard input"),
            )
            .because("that diff has been made already")
            .hint("give the option to the program that makes it, such as `git diff -U1 -w | snap diff -`")),
        }
    }
}

/// Says whether another program writes to standard input.
fn input_is_piped() -> bool {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::FileTypeExt as _;
    let input = std::io::stdin().as_fd().try_clone_to_owned();
    input
        .and_then(|input| std::fs::File::from(input).metadata())
        .is_ok_and(|input| input.file_type().is_fifo())
}
