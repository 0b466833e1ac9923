//! `snap save`.

use clap::Args;
use serde_json::json;

use super::bar;
use super::link::keep_up;
use super::restoring::quoted;
use super::ui::Ui;
use super::{Outcome, count, parse_size, print_json, size_text};
use crate::audit;
use crate::base::error::Result;
use crate::base::progress::Progress;
use crate::base::screen::Line;
use crate::capture::{self, History, Limits, Report, Request, Signing};
use crate::client::Wanted;
use crate::context::Context;
use crate::manifest::{Manifest, Secret, Skipped, Transcript};
use crate::restore;
use crate::store::{LogEntry, Operation};
use crate::workspace::Workspace;

/// The most secrets that are listed one by one.
const MOST_SECRETS: usize = 10;

/// Save the session and the pending edits of this work tree
#[derive(Args)]
pub(super) struct Save {
    /// What to call the snapshot; made from the time if left out
    name: Option<String>,
    /// Why it is saved, for whoever reads it later
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// The session to save: an id, the start of one, or a transcript's path
    #[arg(long, value_name = "ID|PATH")]
    session: Option<String>,
    /// Save untracked files that match, whatever their size and even if git ignores them (repeatable)
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// Leave out untracked files larger than this, such as 500K or 2GiB [default: 10MiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_file: Option<u64>,
    /// Leave out the untracked files of a folder that tools fill (`node_modules` and the like) if it has more [default: 200]
    #[arg(long, value_name = "N")]
    max_files: Option<usize>,
    /// How much of the conversation to save
    #[arg(long, value_name = "HOW", default_value = "context")]
    history: HistoryChoice,
    /// Sign it with your SSH key (git's `user.signingKey`), so that those who trust you can tell; always, if
    /// `git config --global snap.sign true`
    #[arg(long)]
    sign: bool,
    /// Save the secret with this ID as it is, now and from now on, after a look (repeatable)
    #[arg(long, value_name = "ID")]
    allow_secret: Vec<String>,
    /// Also make it a session that plain `claude --resume NAME` finds
    #[arg(long)]
    link: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum HistoryChoice {
    /// What the client still loads: since the last compaction
    Context,
    /// All of it
    Full,
    /// None: tasks, agents, grants and edits only
    None,
}

impl Save {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let session = workspace.client.find_session(Wanted {
            asked: self.session.as_deref(),
            environment: context.session.as_deref(),
            root: &workspace.root,
        })?;
        let progress = Progress::default();
        let request = Request {
            name: self.name.as_deref(),
            message: self.message.as_deref(),
            session: session.as_ref(),
            history: match self.history {
                HistoryChoice::Context => History::Context,
                HistoryChoice::Full => History::Full,
                HistoryChoice::None => History::None,
            },
            include: &self.include,
            limits: Limits {
                file: self.max_file.unwrap_or(Limits::default().file),
                files: self.max_files.unwrap_or(Limits::default().files),
            },
            automatic: None,
            sign: if self.sign { Signing::Asked } else { Signing::Configured },
            allow_secrets: &self.allow_secret,
            progress: &progress,
        };
        let name = self.name.clone().unwrap_or_default();
        let line = LogEntry { name, ..audit::line(context, Operation::Save, None) };
        let saved =
            bar::show(ui.talks(), "Saving", &progress, || capture::save(context, workspace, &request));
        let report = audit::unless_failed(&workspace.store, &line, saved)?;
        if !report.written {
            let line = audit::line(context, Operation::Save, Some(&report.manifest));
            audit::write(&workspace.store, &audit::skipped(line));
        }
        let edits = report.manifest.edits.iter().flat_map(|edits| &edits.skipped);
        let skipped: Vec<&Skipped> = report.manifest.not_captured.files.iter().chain(edits).collect();
        if ui.json() {
            print_json(ui, &as_json(&report))?;
        } else {
            ui.line(&headline(&report))?;
        }
        for note in &report.notes {
            ui.warn(note);
        }
        if report.written {
            tell_secrets(ui, &report.manifest);
        }
        for left in &skipped {
            ui.warn(&format!("not saved: {} ({})", left.path, left.reason));
        }
        if self.link {
            let saved = &report.manifest;
            let plan = restore::plan_link(workspace, saved, false)?;
            let cwd = restore::link(workspace, saved, plan, &saved.name, false)?;
            let (cwd, title) = (quoted(&cwd.to_string_lossy()), quoted(&saved.name));
            ui.say(&format!("Linked: cd {cwd} && claude --resume {title}"));
        }
        keep_up(workspace, ui);
        Ok(if skipped.is_empty() { Outcome::Done } else { Outcome::Partial })
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

/// Describes a secret that was taken out.
pub(super) fn secret_line(secret: &Secret) -> String {
    let likely = if secret.likely { "likely " } else { "" };
    let name = secret.names.first().map_or(String::new(), |name| format!(" {}", Line(name)));
    let place = secret.places.first().map_or(String::new(), |place| format!(" in {}", Line(place)));
    let more = if secret.times > 1 { format!(", {} times in all", secret.times) } else { String::new() };
    format!("{likely}{}{name}{place}{more} ({})", Line(&secret.kind), Line(&secret.id))
}

fn headline(report: &Report) -> String {
    let manifest = &report.manifest;
    let name = Line(&manifest.name);
    match (&report.unchanged_since, report.written) {
        (Some(since), false) => {
            return format!("Nothing has changed since \"{}\": no new snapshot.", Line(since));
        }
        (Some(since), true) => return format!("Saved {name} (unchanged since {}).", Line(since)),
        (None, _) => {}
    }
    let mut parts = Vec::new();
    if let Some(transcript) = manifest.session.as_ref().and_then(|session| session.transcript.as_ref()) {
        parts.push(format!("{} of conversation{}", number(transcript.records), left_out(transcript)));
    }
    let things = [
        (manifest.tasks.len(), "task"),
        (manifest.agents.len(), "agent"),
        (manifest.queue.len(), "queued prompt"),
    ];
    parts
        .extend(things.iter().filter(|(number, _)| *number > 0).map(|(number, thing)| count(*number, thing)));
    if let Some(edits) = &manifest.edits {
        let (added, removed) = lines(manifest);
        parts.push(match edits.listed().count() {
            0 => "no edited files".to_owned(),
            number => format!("{} (+{added} -{removed})", count(number, "edited file")),
        });
    }
    match parts.is_empty() {
        true => format!("Saved \"{name}\"."),
        false => format!("Saved \"{name}\": {}.", parts.join(", ")),
    }
}

fn number(records: u64) -> String {
    count(usize::try_from(records).unwrap_or(usize::MAX), "record")
}

/// Says what was not saved of a conversation, if anything was not.
pub(super) fn left_out(transcript: &Transcript) -> String {
    match transcript.left_out {
        Some(left) => format!(
            " (since its last compaction; {} before that, {}, left out: `--history full`)",
            number(left.records),
            size_text(left.bytes)
        ),
        None => String::new(),
    }
}

/// Sums the lines that a snapshot's edits add and remove.
pub(super) fn lines(manifest: &Manifest) -> (u64, u64) {
    let files = manifest.edits.iter().flat_map(|edits| edits.listed());
    files.fold((0, 0), |(added, removed), edit| (added + edit.added, removed + edit.removed))
}

fn as_json(report: &Report) -> serde_json::Value {
    let manifest = &report.manifest;
    let (added, removed) = lines(manifest);
    json!({
        "name": manifest.name,
        "id": manifest.id,
        "created_at": manifest.created_at,
        "written": report.written,
        "unchanged_since": report.unchanged_since,
        "session_id": manifest.session.as_ref().map(|session| &session.id),
        "history": manifest.session.as_ref().and_then(|session| session.transcript.as_ref()).map(|transcript| json!({
            "from": transcript.from, "records": transcript.records, "left_out": transcript.left_out,
        })),
        "tasks": manifest.tasks.len(),
        "agents": manifest.agents.len(),
        "queue": manifest.queue.len(),
        "edits": manifest.edits.as_ref().map(|edits| json!({
            "base": edits.base, "files": edits.listed().count(), "added": added, "removed": removed, "skipped": edits.skipped,
        })),
        "secrets": manifest.secrets,
        "missing": manifest.not_captured.files,
        "notes": report.notes,
    })
}
