//! `snap save`.

use std::fs;
use std::path::Path;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;

use crate::audit;
use crate::base::error::{Kind, Result};
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::monitor::Monitor;
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::capture::{self, Carry, History, Limits, Request, Signing};
use crate::cli::completion::sessions;
use crate::cli::help::examples;
use crate::cli::interrupted;
use crate::cli::option_values::{parse_number, parse_size};
use crate::cli::outcome::Outcome;
use crate::cli::output::paged::folded;
use crate::cli::output::snapshot_words::{
    edited_lines, is_of_print_mode, left_out, secret_line, tasks, todos,
};
use crate::cli::output::words::{count, count_u64, quoted, short_commit};
use crate::cli::output::{Report, Ui, progress_bar, text};
use crate::cli::restore_flow::before_client;
use crate::cli::save_first::refuse_nothing;
use crate::cli::session_choice::{self, SessionChoice, TakenSession};
use crate::cli::upkeep::follow_links;
use crate::context::Context;
use crate::manifest::{HistoryStart, LeftOut, Manifest, Secret, Skipped, Transcript};
use crate::redaction;
use crate::restore;
use crate::store::{LogEntry, Operation, Store};
use crate::workspace::Workspace;

/// The most secrets that are listed one by one.
const MOST_SECRETS: usize = 10;

/// The most files that are not saved of which each has a line.
const MOST_SKIPPED: usize = 8;

/// Save the session and the pending edits of this work tree
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap save", "Save, if anything has changed"),
    ("snap save before-refactor -m \"tests pass\"", "Save under a name, with a note"),
    ("snap save --include 'data/*.csv'", "Save these too, though ignored"),
]))]
pub(crate) struct Save {
    /// The name of the snapshot; by default made from the last prompt, or else from the session's title, and the time
    name: Option<String>,
    /// Why you save it, for whoever reads it later
    #[arg(short, long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    message: Option<String>,
    /// The session to save: its id, the start of the id, or the path of its transcript
    #[arg(long, value_name = "ID|PATH", value_parser = NonEmptyStringValueParser::new(), add = sessions())]
    session: Option<String>,
    /// Also save untracked files that match PATTERN, even if they are large or ignored by git (repeatable)
    #[arg(long, value_name = "PATTERN", value_parser = NonEmptyStringValueParser::new())]
    include: Vec<String>,
    /// Leave out what earlier saves took in with --include, --max-file or --max-files; else each save takes it again
    #[arg(long)]
    no_include: bool,
    /// Leave out untracked files larger than SIZE, such as 500K or 2GiB [default: 10MiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_file: Option<u64>,
    /// Leave out untracked files in `node_modules` and the like if there are more than N in a folder [default: 200]
    #[arg(long, value_name = "N", value_parser = parse_number)]
    max_files: Option<usize>,
    /// How much of the conversation to save [default: context]
    #[arg(long, value_name = "HOW")]
    history: Option<HistoryChoice>,
    /// Sign it with your SSH key (git's `user.signingKey`), so that others can check that it is yours
    ///
    /// `git config --global snap.sign true` signs every snapshot.
    #[arg(long)]
    sign: bool,
    /// Save the secret with this ID as it is, now and from now on (repeatable)
    #[arg(long, value_name = "ID")]
    allow_secret: Vec<String>,
    /// Also make it a session that plain `claude --resume NAME` finds
    #[arg(long)]
    link: bool,
    /// Never prompt; if several sessions are running, take the one that was active last
    #[arg(long, visible_alias = "yes", overrides_with = "no_input")]
    no_input: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum HistoryChoice {
    /// What the client still loads: everything since the last compaction
    Context,
    /// All of it
    Full,
    /// None: only tasks, agents, grants and edits
    None,
}

impl Save {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        say_if_interrupted(workspace.store.root());
        let found = session_choice::find(context, workspace, self.session.as_deref())?;
        let choice = SessionChoice::of(found, workspace, self.no_input, ui)?;
        let session = &choice.session;
        refuse_nothing(workspace, session.as_ref(), choice.notes.clone())?;
        let monitor = Monitor::default();
        let limits = Limits::of(&context.settings);
        let usual = Request::usual(session.as_ref(), &context.settings, &monitor);
        let request = Request {
            name: self.name.as_deref(),
            message: self.message.as_deref(),
            history: self.history.map_or(usual.history, |asked| match asked {
                HistoryChoice::Context => History::Context,
                HistoryChoice::Full => History::Full,
                HistoryChoice::None => History::None,
            }),
            include: &self.include,
            limits: Limits {
                file: self.max_file.unwrap_or(limits.file),
                files: self.max_files.unwrap_or(limits.files),
            },
            carry: match (self.no_include, self.max_file.is_some() || self.max_files.is_some()) {
                (true, _) => Carry::No,
                (false, true) => Carry::Tell,
                (false, false) => Carry::Yes,
            },
            sign: if self.sign { Signing::Asked } else { Signing::Configured },
            allow_secrets: &self.allow_secret,
            ..usual
        };
        if !self.allow_secret.is_empty() {
            let list = redaction::allow_from_now_on(workspace, &self.allow_secret)?;
            ui.warn(&format!(
                "what is allowed with `--allow-secret` is saved as it is from now on, in all your projects; to end that, delete its line in {}",
                Line(&list.to_string_lossy())
            ));
        }
        let others = self.name.as_deref().and_then(|name| called(workspace, name));
        let saved = progress_bar::show(ui.talks(), &monitor, || capture::save(context, workspace, &request));
        // What fails tells its name; and in a snapshot it would have been searched.
        let name = self.name.as_deref().filter(|_| saved.is_err());
        let name = name.and_then(|name| redaction::typed(workspace, "the snapshot's name", name).ok());
        let line = LogEntry { name: name.unwrap_or_default(), ..audit::line(context, Operation::Save, None) };
        let report = audit::unless_failed(&workspace.store, &line, saved).map_err(|error| {
            match self.name.as_deref() {
                Some("." | "..") if error.kind() == Kind::Usage => error
                    .hint("`snap save` saves all edits of the work tree; what stands behind it is a name"),
                _ => error,
            }
        })?;
        if !report.written {
            let line = audit::line(context, Operation::Save, Some(&report.manifest));
            audit::write(&workspace.store, &audit::skipped(line));
        }
        let saved = &report.manifest;
        let mut notes = choice.notes;
        notes.extend(report.notes.iter().map(ToString::to_string));
        if let Some(now) = others.and_then(|id| workspace.store.names().ok()?.remove(&id)) {
            notes.push(format!(
                "another user's snapshot had that name here; it is called {} from now on",
                quoted(&now)
            ));
        }
        if let Some(name) = self.name.as_deref().filter(|_| report.written)
            && workspace.store.line_states().begin_of(name).is_some()
        {
            notes.push(format!(
                "{} is the name of a line of work too: it means this snapshot from now on; `snap branch` lists the lines",
                quoted(name)
            ));
        }
        if let Some(name) =
            self.name.as_deref().filter(|name| report.written && context.cwd.join(name).is_file())
        {
            notes.push(format!(
                "{} is a file here, and only a name to `snap save`: it saves all edits",
                quoted(name)
            ));
        }
        let unchanged_since = report.unchanged_since.as_deref();
        let taken = session.as_ref().map(|found| TakenSession::new(found, saved, workspace));
        let tasks = tasks(&workspace.store, saved).len();
        let files = saved.tasks.len() + saved.odd_tasks().count() + todos(saved).len();
        if let odd @ 1.. = files.saturating_sub(tasks) {
            notes.push(format!(
                "{} of the task list can't be read as a task; saved as it is.",
                count(odd, "file")
            ));
        }
        ui.confirm(&SaveReport {
            tasks,
            ..SaveReport::new(saved, report.written, unchanged_since, taken, &notes)
        })?;
        notes.iter().for_each(|note| ui.warn(note));
        if report.written {
            tell_secrets(ui, saved);
        }
        let edits = saved.edits.iter().flat_map(|edits| &edits.skipped);
        let skipped: Vec<&Skipped> = saved.not_captured.files.iter().chain(edits).collect();
        tell_skipped(ui, &skipped, &workspace.store.called(saved));
        if self.link {
            let plan = restore::plan_link(workspace, saved, false)?;
            let (session, cwd) = restore::link(workspace, saved, plan, &saved.name, false)?;
            let finds = if is_of_print_mode(saved) { session.as_str() } else { &saved.name };
            let (cwd, title) = (quoted(&cwd.to_string_lossy()), quoted(finds));
            let before = before_client(None);
            ui.say(&format!("Linked: cd {cwd} && {before}claude --resume {title}"));
        }
        follow_links(workspace, ui);
        Ok(Outcome::partial_if(!skipped.is_empty() || choice.missed))
    }
}

/// Returns the snapshot of another user that a name means here.
fn called(workspace: &Workspace, name: &str) -> Option<SnapshotId> {
    let known = workspace.store.known().ok()?;
    let called = Store::called_by_stem(&known);
    let others =
        known.iter().filter(|one| !one.own && called.get(&one.stem).is_some_and(|word| word == name));
    others.filter_map(|one| Some(one.head.as_ref().ok()?.id.clone())).next()
}

/// Has whoever interrupts it be told whether there is a new snapshot.
fn say_if_interrupted(store: &Path) {
    let manifests = |store: &Path| {
        let names = fs::read_dir(store).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.filter(|name| Path::new(name).extension().is_some_and(|end| end == "json")).count()
    };
    let (store, before) = (store.to_owned(), manifests(store));
    interrupted::asks(move || {
        let is_there = manifests(&store) > before;
        Some(if is_there { "the snapshot is saved" } else { "nothing was saved" }.to_owned())
    });
}

/// Says what is not in it: each with the reason, unless they are many.
fn tell_skipped(ui: &mut Ui, skipped: &[&Skipped], name: &str) {
    for left in skipped.iter().take(MOST_SKIPPED) {
        ui.warn(&format!("not saved: {} ({})", left.path, left.reason));
    }
    if let more @ 1.. = skipped.len().saturating_sub(MOST_SKIPPED) {
        ui.warn(&format!("not saved: {more} more; `snap show {}` lists them", quoted(name)));
    }
}

/// Says what was taken out: kind and place, never a value.
fn tell_secrets(ui: &mut Ui, manifest: &Manifest) {
    for secret in manifest.secrets.iter().take(MOST_SECRETS) {
        ui.say(&format!("Taken out: {}", secret_line(secret)));
    }
    if manifest.secrets.len() > MOST_SECRETS {
        ui.say(&format!("and {} more; `snap show` lists them.", manifest.secrets.len() - MOST_SECRETS));
    }
}

/// What was saved.
#[derive(Serialize)]
struct SaveReport<'a> {
    name: &'a str,
    id: &'a SnapshotId,
    created_at: Timestamp,
    written: bool,
    /// The name of an earlier snapshot of the same state.
    unchanged_since: Option<&'a str>,
    session_id: Option<&'a ClientId>,
    session: Option<TakenSession>,
    history: Option<Conversation<'a>>,
    tasks: usize,
    agents: usize,
    queue: usize,
    edits: Option<Edits<'a>>,
    secrets: &'a [Secret],
    missing: &'a [Skipped],
    notes: &'a [String],
    #[serde(skip)]
    transcript: Option<&'a Transcript>,
}

/// How much of the conversation was saved.
#[derive(Serialize)]
struct Conversation<'a> {
    from: &'a HistoryStart,
    records: u64,
    left_out: Option<LeftOut>,
}

#[derive(Serialize)]
struct Edits<'a> {
    base: Option<&'a str>,
    files: usize,
    added: u64,
    removed: u64,
    skipped: &'a [Skipped],
}

impl<'a> SaveReport<'a> {
    fn new(
        manifest: &'a Manifest,
        written: bool,
        unchanged_since: Option<&'a str>,
        session: Option<TakenSession>,
        notes: &'a [String],
    ) -> SaveReport<'a> {
        let (added, removed) = edited_lines(manifest);
        let transcript = manifest.session.as_ref().and_then(|session| session.transcript.as_ref());
        SaveReport {
            name: &manifest.name,
            id: &manifest.id,
            created_at: manifest.created_at,
            written,
            unchanged_since,
            session_id: manifest.session.as_ref().map(|session| &session.id),
            session,
            history: transcript.map(|transcript| Conversation {
                from: &transcript.from,
                records: transcript.records,
                left_out: transcript.left_out,
            }),
            tasks: manifest.tasks.len(),
            agents: manifest.agents.len(),
            queue: manifest.queue.len(),
            edits: manifest.edits.as_ref().map(|edits| Edits {
                base: edits.base.as_deref(),
                files: edits.listed().count(),
                added,
                removed,
                skipped: &edits.skipped,
            }),
            secrets: &manifest.secrets,
            missing: &manifest.not_captured.files,
            notes,
            transcript,
        }
    }

    /// Returns the commit that was checked out, if nothing else was saved.
    fn only_commit(&self) -> Option<&str> {
        let edits = self.edits.as_ref().filter(|edits| edits.files == 0)?;
        let is_alone = self.session_id.is_none() && self.tasks + self.agents + self.queue == 0;
        edits.base.filter(|_| is_alone)
    }

    fn parts(&self) -> Vec<String> {
        let conversation = self.transcript.map(|transcript| {
            format!("{} of conversation{}", count_u64(transcript.records, "record"), left_out(transcript))
        });
        let things = [(self.tasks, "task"), (self.agents, "agent"), (self.queue, "queued prompt")];
        let things = things.iter().filter(|(number, _)| *number > 0);
        let edits = self.edits.as_ref().map(|edits| match edits.files {
            0 => "no edited files".to_owned(),
            number => format!("{} (+{} -{})", count(number, "edited file"), edits.added, edits.removed),
        });
        let things = things.map(|(number, thing)| count(*number, thing));
        conversation.into_iter().chain(things).chain(edits).collect()
    }
}

impl Report for SaveReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let name = Line(self.name);
        let parts = self.parts();
        if let (true, None, Some(commit)) = (self.written, self.unchanged_since, self.only_commit()) {
            let commit = short_commit(commit);
            let said = format!(
                "Saved \"{name}\": no session and no edited file, only the commit that a rewind goes back to ({commit})."
            );
            return folded(ui, &text![said], 2);
        }
        let said = match (self.unchanged_since.map(Line), self.written) {
            (Some(since), false) => format!("Nothing has changed since \"{since}\": no new snapshot."),
            (Some(since), true) => format!("Saved \"{name}\" (unchanged since \"{since}\")."),
            (None, _) if parts.is_empty() => format!("Saved \"{name}\"."),
            (None, _) => format!("Saved \"{name}\": {}.", parts.join(", ")),
        };
        folded(ui, &text![said], 2)?;
        match &self.session {
            Some(session) => folded(ui, &text![session.line()], 2),
            None => Ok(()),
        }
    }
}
