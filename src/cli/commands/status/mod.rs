//! `snap status`: the session, the newest snapshot and what changed since, what calls `snap`, and what is wrong.

mod newest;
mod problems;

use clap::Args;
use serde::Serialize;

use self::newest::{InShort, Newest};
use self::problems::{Problem, moved, problems, stopped, unfinished};
use super::sync::SharedNow;
use crate::base::error::Result;
use crate::base::screen::Line;
use crate::base::timestamp::{Timestamp, age};
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::paged::folded;
use crate::cli::output::words::{ago, count, size_text};
use crate::cli::output::{Report, Style, Text, Ui, text};
use crate::cli::program_name;
use crate::cli::session_choice;
use crate::client::{FoundSession, HookPlace, Passed, Scope, hook_places};
use crate::context::Context;
use crate::restore::{self, WayBack};
use crate::store::{Listed, Summaries, TrashSize};
use crate::transfer::{self, SeenLease};
use crate::workspace::Workspace;

/// Show the session, the newest snapshot, what calls snap, and what is wrong
#[derive(Args, Default)]
#[command(after_help = examples(&[
    ("snap status", "Look at everything; `snap` alone does the same"),
    ("snap status --short", "Print the newest snapshot, for the prompt of a shell"),
]))]
pub(crate) struct Status {
    /// Print only the name and the age of the newest snapshot, at once: for the prompt of a shell
    #[arg(long)]
    short: bool,
}

impl Status {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if self.short {
            return short(context, workspace, ui);
        }
        let status = StatusReport::of(context, workspace)?;
        ui.report(&status)?;
        Ok(Outcome::Done)
    }
}

/// Prints the newest snapshot in a word, for a program `null` if there is none; a prompt is no place for errors.
fn short(context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
    let newest = newest::in_short(context, workspace);
    if ui.json() {
        ui.print_json(&newest)?;
    } else if let Some(InShort { name, age, .. }) = newest {
        ui.line(&format!("{} {age}", Line(&name)))?;
    }
    Ok(Outcome::Done)
}

/// Everything that a person wants to know without asking for it.
#[derive(Serialize)]
struct StatusReport {
    session: Option<SessionNow>,
    /// Other sessions that run in this project.
    running_too: Vec<RunningToo>,
    newest: Option<Newest>,
    store: StoreNow,
    /// Who works on snapshots that are here, as their remotes said last.
    leases: Vec<LeaseNow>,
    /// What of this project is shared as it goes; `null` if nothing is.
    shared: Option<SharedNow>,
    hooks: Vec<Caller>,
    program: Programs,
    problems: Vec<Problem>,
    /// Whether a save would find anything.
    #[serde(skip)]
    can_save: bool,
    /// Whether there is a snapshot that can't be read.
    #[serde(skip)]
    has_unreadable: bool,
}

#[derive(Serialize)]
struct SessionNow {
    id: String,
    running: bool,
    /// What it does, if it runs and says so.
    status: Option<String>,
    /// Its title or first prompt.
    words: Option<String>,
    #[serde(skip)]
    state: String,
}

/// A session that runs beside the one that a save would take.
#[derive(Serialize)]
struct RunningToo {
    id: String,
    /// Its title or first prompt.
    words: Option<String>,
    /// The folder that it works in, if it says so.
    cwd: Option<String>,
    /// Whether nothing of it can be saved yet, because nobody has spoken to it.
    silent: bool,
}

#[derive(Serialize)]
struct StoreNow {
    path: String,
    snapshots: usize,
    safety: usize,
    /// In bytes, on disk.
    size: u64,
    trash: TrashNow,
}

/// What was removed in the last day.
#[derive(Serialize)]
struct TrashNow {
    snapshots: usize,
    /// In bytes, on disk, of what only they need.
    size: u64,
    #[serde(skip)]
    comes_back: Option<WayBack>,
}

impl TrashNow {
    fn of(workspace: &Workspace, trash: TrashSize) -> TrashNow {
        let is_empty = trash.snapshots == 0;
        let comes_back = if is_empty { None } else { restore::next_way_back(workspace).ok().flatten() };
        TrashNow { snapshots: trash.snapshots, size: trash.bytes, comes_back }
    }
}

/// That somebody works on a snapshot.
#[derive(Serialize)]
struct LeaseNow {
    name: String,
    id: String,
    /// `USER@HOST`.
    who: String,
    mine: bool,
    since: Timestamp,
    remote: String,
    /// When the remote was asked.
    seen: Timestamp,
    #[serde(skip)]
    ages: [String; 2],
}

/// What makes the client call `snap`.
#[derive(Serialize)]
struct Caller {
    scope: &'static str,
    path: String,
    hooks: bool,
    plugin: Option<String>,
}

#[derive(Serialize)]
struct Programs {
    version: &'static str,
    /// This program.
    this: Option<String>,
    /// The one that hooks call: the first `claude-snap`.
    called: Option<String>,
    /// The first `snap` on the PATH, and whether it is this program.
    first: Option<String>,
    first_is_this: bool,
}

impl StatusReport {
    fn of(context: &Context, workspace: &Workspace) -> Result<StatusReport> {
        let all = workspace.store.summaries()?;
        let space = workspace.store.space()?;
        let places = hook_places(&workspace.root, &context.config_dir);
        let this = std::env::current_exe().ok();
        let called = program_name::called_by_hooks();
        let first = program_name::first_on_path(program_name::SHORT);
        let mut problems = problems(workspace, &all, &space.lacking, &places, called.as_deref());
        problems.extend(stopped(context, workspace));
        problems.extend(unfinished(context, workspace));
        let (session, running_too) = sessions(context, workspace);
        let shared = SharedNow::of(context, workspace);
        problems.extend(
            shared.as_ref().and_then(|shared| Some(Problem { what: shared.wrong()?, mend: shared.mend() })),
        );
        problems.extend(moved(workspace, &all).filter(|_| session.is_none()));
        let safety = all.iter().filter(|one| one.readable().is_some_and(|saved| saved.head.safety)).count();
        Ok(StatusReport {
            has_unreadable: all.iter().any(|one| one.saved.is_err()),
            can_save: workspace.repository.is_some() || session.is_some(),
            session,
            running_too,
            newest: Newest::of(context, workspace, &all),
            store: StoreNow {
                path: workspace.store.root().to_string_lossy().into_owned(),
                snapshots: all.iter().count() - safety,
                safety,
                size: space.bytes,
                trash: TrashNow::of(workspace, space.trash),
            },
            leases: leases(context, &all),
            shared,
            hooks: places.iter().map(Caller::of).collect(),
            program: Programs {
                version: env!("CARGO_PKG_VERSION"),
                this: this.map(|path| path.to_string_lossy().into_owned()),
                called: called.map(|path| path.to_string_lossy().into_owned()),
                first_is_this: first.as_deref().is_some_and(program_name::is_this),
                first: first.map(|path| path.to_string_lossy().into_owned()),
            },
            problems,
        })
    }

    fn lines(&self) -> Vec<(&'static str, Text)> {
        let mut lines: Vec<(&'static str, Text)> = Vec::new();
        match &self.session {
            Some(session) => {
                lines.extend(session.words.as_ref().map(|words| ("Session", Style::Strong.of(words))));
                lines.push(("Session", text![&session.id, format!(", {}", session.state)]));
            }
            None => lines.push(("Session", "none was found here; `claude` begins one".into())),
        }
        lines.extend(self.running_too.iter().map(|other| ("Session", other.line())));
        match &self.newest {
            Some(newest) => lines.extend(newest.lines().into_iter().map(|line| ("Newest", line))),
            None => lines.push(("Newest", self.none_yet())),
        }
        let StoreNow { path, snapshots, safety, size, trash } = &self.store;
        let safety =
            if *safety == 0 { String::new() } else { format!(" and {}", count(*safety, "safety snapshot")) };
        let all = format!("{}{safety}, {}", count(*snapshots, "snapshot"), size_text(*size));
        lines.push(("Store", text![all]));
        if trash.snapshots > 0 {
            let words =
                format!("{} in the trash, {}", count(trash.snapshots, "snapshot"), size_text(trash.size));
            let back = match &trash.comes_back {
                Some(WayBack { way, .. }) => {
                    let last = if way.later { "" } else { " last" };
                    format!("  {} brings back what was removed{last}", way.command())
                }
                None => "  kept for a day; `snap prune --now` deletes it".to_owned(),
            };
            lines.push(("Store", text![words, Style::Faint.of(program_name::in_words(&back))]));
        }
        lines.push(("Store", Style::Faint.of(path)));
        let mut leases: Vec<&LeaseNow> = self.leases.iter().collect();
        // Two sessions of one snapshot look the same.
        leases.dedup_by_key(|lease| (&lease.id, &lease.who, &lease.remote));
        lines.extend(leases.into_iter().map(|lease| ("Leases", lease.line())));
        lines.extend(self.shared.as_ref().map(|shared| ("Shared", text![shared.words()])));
        if self.hooks.is_empty() {
            lines.push((
                "Hooks",
                text![program_name::in_words(
                    "none; `snap init` adds `/snapshot`, and checkpoints before risky steps"
                )],
            ));
        }
        for caller in &self.hooks {
            if caller.hooks {
                lines.push(("Hooks", text![&caller.path, Style::Faint.of(format!("  {}", caller.scope))]));
            }
            if let Some(plugin) = &caller.plugin {
                lines
                    .push(("Hooks", text!["plugin ", plugin, Style::Faint.of(format!("  {}", caller.path))]));
            }
        }
        let program = self.program.this.as_deref().unwrap_or("snap");
        lines.push(("Program", text![program, Style::Faint.of(format!("  {}", self.program.version))]));
        let first = self.program.first.as_ref().filter(|_| !self.program.first_is_this);
        lines.extend(first.map(|first| {
            let type_this =
                format!(" is the first `{}` on the PATH: type `{}`", program_name::SHORT, program_name::LONG);
            ("Program", text![Style::Warning.of(first), type_this])
        }));
        lines.extend(self.problems.iter().map(|Problem { what, mend }| {
            ("Problem", text![Style::Bad.of(what), ": ", program_name::in_words(mend)])
        }));
        lines
    }
}

impl StatusReport {
    /// Returns what is said where there is no snapshot.
    fn none_yet(&self) -> Text {
        if self.has_unreadable {
            text![Style::Warning.of("no snapshot can be read")]
        } else if self.store.trash.snapshots > 0 {
            text!["there is no snapshot here"]
        } else if self.can_save {
            text![program_name::in_words("there is no snapshot yet; `snap save NAME` makes one")]
        } else {
            text!["there is no snapshot and nothing to save: this is no git repository"]
        }
    }
}

impl Report for StatusReport {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let mut last = "";
        for (heading, line) in self.lines() {
            let shown = if heading == last { "" } else { heading };
            folded(ui, &text![Style::Faint.of(format!("{shown:10}")), line], 10)?;
            last = heading;
        }
        Ok(())
    }
}

impl Caller {
    fn of(place: &HookPlace) -> Caller {
        Caller {
            scope: match place.scope {
                Scope::Project => "this project",
                Scope::Local => "this project, only you",
                Scope::User => "all your projects",
            },
            path: place.path.to_string_lossy().into_owned(),
            hooks: place.hooks,
            plugin: place.plugin.clone(),
        }
    }
}

impl LeaseNow {
    fn line(&self) -> Text {
        let LeaseNow { name, who, mine, remote, ages: [since, seen], .. } = self;
        let whose = if *mine { text!["yours"] } else { text![Style::Warning.of(who)] };
        let place = format!("  taken {} on {remote}, seen {}", ago(since), ago(seen));
        text![format!("\"{name}\" "), whose, Style::Faint.of(place)]
    }
}

/// Returns the leases on these snapshots.
fn leases(context: &Context, all: &Summaries) -> Vec<LeaseNow> {
    let me = transfer::name_of(&context.user, &context.host);
    let seen = transfer::seen_leases(context).into_iter();
    seen.filter_map(|SeenLease { lease, remote, seen }| {
        let is_named = |one: &Listed<'_>| one.readable().is_some_and(|saved| saved.head.id == lease.id);
        let named = all.iter().find(is_named)?;
        Some(LeaseNow {
            name: Line(named.called).to_string(),
            id: lease.id.to_string(),
            mine: lease.who == me,
            ages: [age(context.now.since(lease.since)), age(context.now.since(seen))],
            who: lease.who,
            since: lease.since,
            remote,
            seen,
        })
    })
    .collect()
}

/// Returns the session that a save would take, and those that run beside it.
fn sessions(context: &Context, workspace: &Workspace) -> (Option<SessionNow>, Vec<RunningToo>) {
    let Ok(found) = session_choice::find(context, workspace, None) else { return (None, Vec::new()) };
    let passed =
        found.passed.iter().filter(|(session, why)| *why == Passed::RunsToo && session.live.is_some());
    let mut others: Vec<RunningToo> = passed
        .map(|(session, _)| RunningToo {
            id: session.id.to_string(),
            words: session_choice::words_of(session, workspace),
            cwd: session.cwd.as_ref().map(|cwd| cwd.to_string_lossy().into_owned()),
            silent: false,
        })
        .collect();
    others.extend(found.silent.iter().map(|id| RunningToo {
        id: id.to_string(),
        words: None,
        cwd: None,
        silent: true,
    }));
    let session = found.session.map(|session| SessionNow::of(&session, workspace));
    (session, others)
}

impl SessionNow {
    fn of(session: &FoundSession, workspace: &Workspace) -> SessionNow {
        let status = session.live.as_ref().and_then(|live| live.status.clone());
        let state = match (&session.live, &status) {
            (None, _) => "ended".to_owned(),
            (Some(_), None) => "running".to_owned(),
            (Some(_), Some(status)) => format!("running, {}", Line(status)),
        };
        let words = session_choice::words_of(session, workspace);
        SessionNow { id: session.id.to_string(), running: session.live.is_some(), status, words, state }
    }
}

impl RunningToo {
    fn line(&self) -> Text {
        let words = self.words.as_ref().map(|words| text![Style::Strong.of(words), "  "]).unwrap_or_default();
        let what = if self.silent { " runs too, and nobody has spoken to it yet" } else { " runs too" };
        let place = self.cwd.as_ref().map(|cwd| format!(", in {}", Line(cwd))).unwrap_or_default();
        let save = if self.silent {
            String::new()
        } else {
            program_name::in_words(&format!("; `snap save --session {}` saves it", self.id)).into_owned()
        };
        text![words, &self.id, what, place, Style::Faint.of(save)]
    }
}
