//! What a restore will do or has done: one value, printed as lines for a person or as JSON for a program.

use std::collections::{BTreeMap, HashSet};

use serde::{Serialize, Serializer};

use super::concerns::{Group, groups};
use super::edit::Edit;
use super::grants::GrantReport;
use super::launch::{Launch, marks_here};
use super::merge_report::MergeReport;
use super::revival::Alive;
use crate::base::error::Result;
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::paths::RepoPath;
use crate::base::screen::{Line, cut};
use crate::base::timestamp::Timestamp;
use crate::cli::output::paged::folded;
use crate::cli::output::snapshot_words::about;
use crate::cli::output::words::{count, short_commit};
use crate::cli::output::{Report, Style, Text, Ui, text};
use crate::cli::program_name::in_words;
use crate::git::kept_ref;
use crate::manifest::Summary;
use crate::redaction::Held;
use crate::remap::RemapMode;
use crate::restore::protected_paths::ASKED;
use crate::restore::{
    Consent, Direction, Done, Doubt, HistoryStep, NewBecause, Readiness, RestorePlan, ServerStanding,
    SessionPlan,
};
use crate::store::{MovedBranch, Operation};
use crate::trust::Provenance;

/// The most steps that are listed one by one.
pub(crate) const MOST_LISTED: usize = 40;

/// The most of what a conversation was about, in a line below the name.
const LONGEST_ABOUT: usize = 76;

#[derive(Serialize)]
pub(crate) struct RestoreReport {
    pub(crate) snapshot: String,
    id: SnapshotId,
    pub(super) root: String,
    dry_run: bool,
    provenance: Whose,
    #[serde(rename = "careful", serialize_with = "concerns_as_json")]
    concerns: Vec<Doubt>,
    #[serde(serialize_with = "concerns_as_json")]
    pub(crate) held: Vec<Doubt>,
    edits: Vec<Edit>,
    conflicts: Vec<RepoPath>,
    unchanged: usize,
    moved: Option<Moved>,
    spared: Vec<Reason>,
    pub(crate) left: Vec<NeedsFilter>,
    #[serde(rename = "not_made")]
    pub(crate) unmade: Vec<Reason>,
    #[serde(serialize_with = "super::unfilled::as_json")]
    pub(crate) unfilled: Vec<Held>,
    empty_folders: Vec<RepoPath>,
    session_id: Option<ClientId>,
    renamed: Option<bool>,
    continues: Option<bool>,
    paths: Option<PathMap>,
    pub(crate) alive: Option<Alive>,
    queue: Option<Vec<String>>,
    mcp_servers: Option<Vec<ServerStanding>>,
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grants: Option<GrantReport>,
    /// Of a merge, and of an undo or redo of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) merge: Option<MergeReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<Restored>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redo: Option<Restored>,
    #[serde(flatten)]
    result: Option<RestoreResult>,
    /// How many records of the conversation.
    #[serde(skip)]
    records: u64,
    /// Why the session gets a new id, if it does; and whether all of it is here already.
    #[serde(skip)]
    new_because: Option<NewBecause>,
    #[serde(skip)]
    is_here: bool,
    /// What its conversation was about.
    #[serde(skip)]
    about: String,
    /// The lines above the plan; by default the snapshot and the place.
    #[serde(skip)]
    heading: Option<Text>,
}

/// Whose snapshot it is.
#[derive(Serialize)]
struct Whose {
    is: &'static str,
    signer: Option<String>,
    why: Option<String>,
}

#[derive(Serialize)]
struct Moved {
    #[serde(flatten)]
    branch: MovedBranch,
    /// The ref that holds the old tip.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_in: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Reason {
    pub(crate) path: RepoPath,
    pub(crate) reason: String,
}

#[derive(Serialize)]
pub(crate) struct NeedsFilter {
    pub(crate) path: RepoPath,
    pub(crate) filter: String,
}

/// How paths of the old place become those of the new one.
#[derive(Serialize)]
struct PathMap {
    mode: &'static str,
    map: Vec<OldNew>,
    #[serde(flatten)]
    done: Option<Rewritten>,
}

#[derive(Serialize)]
struct OldNew {
    old: String,
    new: String,
}

#[derive(Serialize)]
struct Rewritten {
    /// How often, by how the path was written.
    rewritten: BTreeMap<String, u64>,
    left: u64,
    /// Of these, in the text of files, which is as on the disk.
    left_in_files: u64,
    outside: Vec<Outside>,
}

#[derive(Serialize)]
struct Outside {
    path: String,
    mentions: u64,
}

/// The restore that is undone or redone.
#[derive(Serialize)]
struct Restored {
    operation: Operation,
    name: String,
    at: Timestamp,
    /// The restores after it, or before it for a redo, that changed no file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passed_over: Vec<Restored>,
}

impl Restored {
    fn of(what: &crate::restore::Restored, passed_over: Vec<Restored>) -> Restored {
        Restored { operation: what.operation, name: what.name.clone(), at: what.at, passed_over }
    }
}

/// What is known once it is done.
#[derive(Serialize)]
struct RestoreResult {
    safety: Option<String>,
    resume: Option<ResumeCommand>,
}

/// How the client continues.
#[derive(Serialize)]
struct ResumeCommand {
    command: Vec<String>,
    env: BTreeMap<&'static str, String>,
    /// The variables of a running client that it must not have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unset: Vec<&'static str>,
    cwd: String,
}

impl RestoreReport {
    pub(crate) fn of(plan: &RestorePlan) -> RestoreReport {
        let session = plan.session();
        let (signer, why) = match plan.provenance() {
            Provenance::Own => (None, None),
            Provenance::Trusted { signer } => (Some(signer.clone()), None),
            Provenance::Foreign { why } => (None, Some(why.clone())),
        };
        let reason = |path: &RepoPath, reason: &str| Reason { path: path.clone(), reason: reason.to_owned() };
        let left = plan.needs_filter().iter();
        RestoreReport {
            snapshot: plan.called().to_owned(),
            id: plan.manifest().id.clone(),
            root: Line(&plan.root().to_string_lossy()).to_string(),
            dry_run: false,
            provenance: Whose { is: plan.provenance().word(), signer, why },
            concerns: plan.doubts(),
            held: plan.held().to_vec(),
            edits: edits(plan, &plan.would_hold(Consent { kinds: &ASKED, ..Consent::default() })),
            conflicts: plan.conflicts().to_vec(),
            unchanged: plan.unchanged(),
            moved: plan.moved().map(|branch| Moved { branch: branch.clone(), kept_in: None }),
            spared: plan.spared().iter().map(|one| reason(&one.path, one.reason)).collect(),
            left: left
                .map(|(path, filter)| NeedsFilter { path: path.clone(), filter: filter.clone() })
                .collect(),
            unmade: plan.unmade().iter().map(|one| reason(&one.path, &one.reason)).collect(),
            unfilled: plan.unfilled().to_vec(),
            empty_folders: plan.folders().to_vec(),
            session_id: session.map(|session| session.id.clone()),
            renamed: session.map(|session| session.renamed.is_some()),
            continues: session.map(|session| session.continues.is_some()),
            paths: session.map(PathMap::of),
            alive: session.map(Alive::of),
            queue: session.map(|session| session.queue.clone()),
            mcp_servers: None,
            notes: plan.notes().iter().map(ToString::to_string).collect(),
            grants: None,
            merge: plan.merging().map(MergeReport::of),
            undo: None,
            redo: None,
            result: None,
            records: session.map_or(0, |session| session.records),
            new_because: session.and_then(|session| session.renamed),
            is_here: session.is_some_and(SessionPlan::is_here),
            about: about(&plan.manifest().name, &Summary::of(plan.manifest())),
            heading: None,
        }
    }

    /// Leaves out of the edits what would be held back.
    pub(crate) fn holding_back(self, plan: &RestorePlan, held: Vec<Doubt>) -> RestoreReport {
        RestoreReport { edits: edits(plan, &held), held, ..self }
    }

    /// Adds how the servers that the session used stand here.
    pub(crate) fn with_servers(self, servers: Vec<ServerStanding>) -> RestoreReport {
        RestoreReport { mcp_servers: self.session_id.as_ref().map(|_| servers), ..self }
    }

    /// Returns the lines about those servers.
    pub(crate) fn server_lines(&self) -> Vec<Text> {
        let all = self.mcp_servers.iter().flatten();
        all.map(|server| {
            let (mark, why) = match server.readiness {
                Readiness::Ready => (Style::Good.of("ready  "), ""),
                Readiness::Missing(why) => (Style::Warning.of("missing"), why),
                Readiness::Unchecked(why) => (Style::Faint.of("server "), why),
            };
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            text![
                "  ",
                mark,
                format!(" MCP server {} ({}){why}", Line(&server.name), Line(&server.transport))
            ]
        })
        .collect()
    }

    /// Adds what becomes of the permission grants.
    pub(crate) fn with_grants(self, grants: GrantReport) -> RestoreReport {
        RestoreReport { grants: Some(grants), ..self }
    }

    /// Makes it the report of an undo or redo, under a heading that names the restore.
    pub(crate) fn with_way(
        mut self,
        way: &HistoryStep,
        heading: Text,
        passed: Option<String>,
    ) -> RestoreReport {
        let passed_over = way.passed.iter().map(|one| Restored::of(one, Vec::new())).collect();
        let what = Some(Restored::of(&way.what, passed_over));
        let heading = Some(heading);
        self.notes.extend(passed);
        match way.direction {
            Direction::Undo => RestoreReport { undo: what, heading, ..self },
            Direction::Redo => RestoreReport { redo: what, heading, ..self },
        }
    }

    /// Says that nothing of it is done.
    pub(crate) fn dry_run(self) -> RestoreReport {
        RestoreReport { dry_run: true, ..self }
    }

    /// Adds what was done, and how the client continues.
    pub(crate) fn done(mut self, done: &Done, launch: Option<&Launch<'_>>) -> RestoreReport {
        if let Some(paths) = &mut self.paths {
            let report = &done.relocated.report;
            let forms = report.forms().map(|(form, number)| (format!("{form:?}").to_lowercase(), number));
            let outside = done.relocated.outside.iter();
            let outside = outside.map(|(path, number)| Outside { path: path.clone(), mentions: *number });
            paths.done = Some(Rewritten {
                rewritten: forms.collect(),
                left: report.leftovers(),
                left_in_files: report.in_files,
                outside: outside.collect(),
            });
        }
        if let (Some(moved), Some((id, _))) = (&done.moved, &done.safety) {
            self.moved = Some(Moved { branch: moved.clone(), kept_in: Some(kept_ref(id)) });
        }
        self.result = Some(RestoreResult {
            safety: done.safety.as_ref().map(|(_, name)| name.clone()),
            resume: launch.map(|launch| ResumeCommand {
                command: launch.arguments(),
                env: launch.environment.iter().cloned().collect(),
                unset: marks_here(),
                cwd: launch.cwd.to_string_lossy().into_owned(),
            }),
        });
        self
    }

    /// Says whether anything of the snapshot is not set here.
    pub(crate) fn is_partial(&self) -> bool {
        !(self.conflicts.is_empty()
            && self.held.is_empty()
            && self.unfilled.is_empty()
            && self.left.is_empty()
            && self.unmade.is_empty())
    }

    /// Returns the plan as lines, at most so many of a kind.
    pub(crate) fn lines(&self, most: usize) -> Vec<Text> {
        let heading = || text![Style::Strong.of(&self.snapshot), " in ", &self.root];
        let mut lines = vec![self.heading.clone().unwrap_or_else(heading)];
        if self.session_id.is_some() && !self.about.is_empty() {
            lines.push(text!["  ", Style::Faint.of(cut(&self.about, LONGEST_ABOUT))]);
        }
        lines.extend(self.provenance.line());
        lines.extend(groups(self.concerns.iter()).iter().flat_map(Group::lines));
        lines.extend(self.edits.iter().take(most).map(Edit::line));
        if let Some(more @ 1..) = self.edits.len().checked_sub(most) {
            lines.push(text![format!("  and {more} more")]);
        }
        if let Some(Moved { branch, .. }) = &self.moved {
            let (from, to) = (short_commit(&branch.from), short_commit(&branch.to));
            let words = format!(" {} from {from} to {to}", branch.name());
            lines.push(text!["  ", Style::Warning.of("move   "), words]);
        }
        let leave = |style: Style| style.of("leave  ");
        lines.extend(self.spared.iter().take(most).map(|left| {
            text!["  ", leave(Style::Faint), format!(" {}  {}", left.path, in_words(&left.reason))]
        }));
        if let Some(more @ 1..) = self.spared.len().checked_sub(most) {
            lines.push(text![format!("  and {more} more are left as they are")]);
        }
        if let folders @ 1.. = self.empty_folders.len() {
            lines.push(text![format!("  {} made again", count(folders, "empty folder"))]);
        }
        if self.unchanged > 0 {
            lines.push(text![format!("  {} already as saved", count(self.unchanged, "path"))]);
        }
        lines.extend(self.merge.iter().flat_map(|merge| merge.lines(most)));
        lines.extend(self.session_lines());
        lines.extend(self.left.iter().take(most).map(|left| {
            text!["  ", leave(Style::Warning), format!(" {}  needs the filter {}", left.path, left.filter)]
        }));
        let note = |note: &str| text!["  ", Style::Warning.of("note:"), " ", note];
        lines.extend(self.notes.iter().take(most).map(|one| note(one)));
        if let Some(more @ 1..) = self.notes.len().checked_sub(most) {
            lines.push(note(&format!("and {more} more; `--json` has all")));
        }
        lines
    }

    fn session_lines(&self) -> Vec<Text> {
        let (Some(id), Some(paths), Some(alive)) = (&self.session_id, &self.paths, &self.alive) else {
            return Vec::new();
        };
        let how = match (self.new_because, self.continues) {
            (Some(NewBecause::Asked), _) => "as a new session (--fork)".to_owned(),
            (Some(NewBecause::Runs), _) => "as a new session: a client runs the saved one".to_owned(),
            (Some(NewBecause::IsHere), _) => {
                "as a new session: the saved one is here too, and stays as it is".to_owned()
            }
            (Some(NewBecause::PartIsHere), _) => {
                "as a new session: files of the saved one are still here, without its conversation, and stay"
                    .to_owned()
            }
            (Some(NewBecause::CopyIsHere), _) => {
                format!("continues {id}, the copy that was made here before (`--fork` makes another)")
            }
            (Some(NewBecause::NoId), _) => "as a new session: no client takes the id that it has".to_owned(),
            (None, Some(true)) if self.is_here => {
                format!("continues {id}, which is on this machine as it was saved (`--fork` makes another)")
            }
            (None, Some(true)) => {
                format!("continues {id} on this machine: the missing records are appended")
            }
            (None, _) => format!("as {id}"),
        };
        let mut lines = vec![text![format!("  session of {} records {how}", self.records)]];
        let keeps = if paths.mode == KEEP { ", outside messages only" } else { "" };
        lines.extend(paths.map.iter().map(|OldNew { old, new }| {
            text!["  ", Style::Faint.of("path   "), format!(" {old} -> {new}{keeps}")]
        }));
        lines.extend(alive.lines());
        lines
    }
}

/// Returns what is done to files, without those that are held back.
fn edits(plan: &RestorePlan, held: &[Doubt]) -> Vec<Edit> {
    let held: HashSet<&RepoPath> = held.iter().map(|doubt| &doubt.path).collect();
    plan.steps().iter().filter(|step| !held.contains(step.path())).map(Edit::of).collect()
}

/// A plan that is shown and no more.
impl Report for RestoreReport {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let grants = self.grants.iter().flat_map(GrantReport::lines);
        self.lines(usize::MAX)
            .into_iter()
            .chain(self.server_lines())
            .chain(grants)
            .try_for_each(|line| folded(ui, &line, 4))
    }
}

impl Whose {
    fn line(&self) -> Option<Text> {
        if let Some(signer) = &self.signer {
            return Some(text![format!("  signed by {signer}, whom you trust")]);
        }
        let why = self.why.as_ref()?;
        Some(text!["  ", Style::Warning.of("not your own:"), " ", why])
    }
}

const KEEP: &str = "keep";

impl PathMap {
    fn of(session: &SessionPlan) -> PathMap {
        let mode = match session.relocation.mode {
            RemapMode::Rewrite => "rewrite",
            RemapMode::Keep => KEEP,
        };
        let map = session.relocation.folders();
        let map = map.map(|(old, new)| OldNew { old: old.to_owned(), new: new.to_owned() });
        PathMap { mode, map: map.collect(), done: None }
    }
}

fn concerns_as_json<S: Serializer>(
    concerns: &[Doubt],
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Concern<'a> {
        path: &'a RepoPath,
        kind: &'static str,
        why: &'a str,
        never: bool,
    }
    serializer.collect_seq(concerns.iter().map(|one| Concern {
        path: &one.path,
        kind: one.concern.word(),
        why: &one.why,
        never: one.never,
    }))
}
