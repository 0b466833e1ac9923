//! What `resume`, `rewind` and `undo` share: showing a plan, executing it, starting the client.

use std::ffi::OsString;

use clap::Args;
use serde_json::{Value, json};

use super::bar;
use super::consent::{self, Agreement};
use super::granting::{GrantChoice, Grants};
use super::launching::Launch;
use super::queued::Queued;
use super::reviving::{self, Reviving};
use super::ui::{Style, Text, Ui, text};
use super::{Outcome, count, doubts, lease, print_json};
use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::paths::RepoPath;
use crate::base::progress::Progress;
use crate::base::screen::Line;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::remap::Mode;
use crate::restore::{self, Action, Done, Options, Paths, Plan, SessionPlan, Unmade};
use crate::store::{LogEntry, MovedBranch, Operation};
use crate::transfer;
use crate::workspace::Workspace;

/// The most steps that are listed one by one.
const MOST_LISTED: usize = 40;

/// What every command that brings a session back takes.
#[derive(Args)]
pub(super) struct Restoring {
    /// The snapshot
    #[arg(value_name = "REF", default_value = "latest")]
    pub(super) reference: String,
    /// Show what would be done, and stop
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Restore the files alone
    #[arg(long)]
    no_session: bool,
    /// If the snapshot's base commit is not here, fetch exactly it from the remote
    #[arg(long)]
    fetch_base: bool,
    /// Reach no remote: neither look who works on the snapshot nor tell of it
    #[arg(long, conflicts_with = "fetch_base")]
    offline: bool,
    /// What becomes of the old place's paths in the conversation
    #[arg(long, value_name = "HOW", default_value = "rewrite")]
    paths: PathChoice,
    /// Rewrite another folder too (repeatable)
    #[arg(long, value_name = "OLD=NEW", value_parser = parse_map)]
    map: Vec<(String, String)>,
    /// Which permission grants to restore; by default `review` on a terminal, else `none`
    #[arg(long, value_name = "WHICH")]
    grants: Option<GrantChoice>,
    /// Take a secret that a file needs from the variable NAME of this place (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(super) fill: Vec<String>,
    #[command(flatten)]
    pub(super) agreement: Agreement,
    #[command(flatten)]
    reviving: Reviving,
    /// Print the command that goes on with the session instead of running it
    #[arg(long)]
    no_run: bool,
    /// Passed on to the client
    #[arg(last = true, value_name = "CLIENT_ARGS")]
    client: Vec<OsString>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum PathChoice {
    /// Every mention becomes that of the new place
    Rewrite,
    /// Messages stay byte for byte (the prompt cache stays warm); the client tells the model of the new place
    Keep,
}

fn parse_map(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.to_owned(), new.to_owned())),
        _ => Err("write it as OLD=NEW, with absolute paths".to_owned()),
    }
}

impl Restoring {
    /// Returns what was asked for, as the operation takes it.
    pub(super) fn options(&self) -> Options {
        let mode = match self.paths {
            PathChoice::Rewrite => Mode::Rewrite,
            PathChoice::Keep => Mode::Keep,
        };
        let paths = Paths { mode, user: self.map.clone() };
        Options {
            reset_branch: false,
            edits: true,
            merge: false,
            session: !self.no_session,
            trust_repository: false,
            paths,
            fill: self.fill.clone(),
        }
    }

    /// Leaves the session where it is: only the files come back.
    pub(super) fn leave_session(&mut self) {
        self.no_session = true;
    }

    /// Refuses early what nobody will agree to; a dry run needs no consent.
    pub(super) fn check(&self, ui: &Ui, workspace: &Workspace, manifest: &Manifest) -> Result<()> {
        if self.dry_run { Ok(()) } else { self.agreement.check(ui, workspace, manifest) }
    }

    /// Fetches the snapshot's base commit if that is wanted and it is not here. For a snapshot that is
    /// not the user's own, only after a yes.
    pub(super) fn fetch_base(
        &self,
        context: &Context,
        workspace: &Workspace,
        manifest: &Manifest,
        ui: &mut Ui,
    ) -> Result<()> {
        let (Some(repository), Some(base)) = (&workspace.repository, manifest.base_commit()) else {
            return Ok(());
        };
        if !self.fetch_base || self.dry_run || repository.has_commit(base)? {
            return Ok(());
        }
        // Where the snapshot came from is where its base is, most likely.
        let from = transfer::peer_of(context, &manifest.id).map(|peer| peer.remote);
        let Some(remote) = repository.remote_to_ask(from.as_deref())? else {
            return Err(Error::new(
                Kind::Refused,
                "There is no remote to fetch the snapshot's base commit from",
            )
            .because(format!("{base} is not here"))
            .hint("add one with `git remote add`, or get the snapshot with `snap export --with-base`"));
        };
        if !self.agreement.may_contact(ui, workspace, manifest, &remote)? {
            return Ok(());
        }
        repository.fetch_commit(&remote, base, ui.is_terminal())?;
        repository.keep_commit(&manifest.id, base)?;
        ui.say(&format!("Fetched the base commit {} from {}.", &base[..base.len().min(10)], Line(&remote)));
        Ok(())
    }

    /// Takes a plan; that there is none is logged, unless nothing was to be done anyway.
    pub(super) fn planned(&self, workspace: &Workspace, line: &LogEntry, plan: Result<Plan>) -> Result<Plan> {
        if self.dry_run { plan } else { audit::unless_failed(&workspace.store, line, plan) }
    }

    /// Asks for the variables that secrets can be taken from by name, and plans again with those.
    pub(super) fn filled(
        &self,
        ui: &mut Ui,
        plan: Plan,
        again: impl FnOnce(&Ui, Manifest, Vec<String>) -> Result<Plan>,
    ) -> Result<Plan> {
        let agreed = if self.dry_run { Vec::new() } else { self.agreement.variables(ui, &plan)? };
        match agreed.is_empty() {
            true => Ok(plan),
            false => again(ui, plan.manifest().clone(), [self.fill.clone(), agreed].concat()),
        }
    }

    /// Shows a plan; unless that was all, executes it, and prints or becomes the client's command.
    /// `kept` runs as soon as everything is in place.
    pub(super) fn carry_out(
        &self,
        context: &Context,
        workspace: &Workspace,
        mut plan: Plan,
        operation: Operation,
        kept: impl FnOnce(),
        ui: &mut Ui,
    ) -> Result<Outcome> {
        plan.revive(self.reviving.asked())?;
        let mut grants = match self.no_session && self.grants.is_none() {
            true => Grants::unasked(),
            false => Grants::plan(self.grants, &plan, workspace, ui)?,
        };
        if self.dry_run {
            grants.options(&self.client);
            return show_dry_run(ui, &plan, &grants);
        }
        let shown = self.agreement.shows(ui, &plan).then(|| lines(&plan, usize::MAX));
        let mut plan = self.agreement.obtain(ui, plan)?;
        if let Some(session) = plan.session() {
            let agreed = self.reviving.ask(session, &self.agreement, ui)?;
            plan.revive(&agreed)?;
            grants.revive(&plan);
        }
        // Not before: what nobody agreed to reaches nobody.
        let look = if self.offline { None } else { lease::look(context, workspace, plan.manifest()) };
        if let Some(others) = look.as_ref().and_then(lease::Look::others) {
            let text = format!("{} is {others}", Line(&plan.manifest().name));
            if !self.agreement.asks(ui) {
                ui.warn(&format!("{text}."));
            } else if !ui.ask(&format!("{text}. Resume it too?"))? {
                return Err(Error::new(Kind::Refused, "Nothing was restored").because(text));
            }
        }
        let held = plan.held().to_vec();
        let unfilled = plan.unfilled().to_vec();
        let left = plan.left().to_vec();
        let unmade = plan.unmade().to_vec();
        let kept_back = !(held.is_empty() && unfilled.is_empty() && left.is_empty() && unmade.is_empty());
        let whole = plan.conflicts().is_empty() && !kept_back;
        let outcome = if whole { Outcome::Done } else { Outcome::Partial };
        if !ui.json() {
            if shown.is_none_or(|shown| shown != lines(&plan, usize::MAX)) {
                lines(&plan, MOST_LISTED).into_iter().for_each(|line| ui.say(line));
            }
            grants.lines().into_iter().for_each(|line| ui.say(line));
        }
        grants.choose(self.agreement.yes(), ui)?;
        let apart = grants.add_to(&mut plan, workspace)?;
        let options = grants.options(&self.client);
        let outcome = if grants.lost().is_empty() { outcome } else { Outcome::Partial };
        let mut shown = as_json(&plan);
        shown["grants"] = grants.json();
        let queued = Queued::of(&plan);
        let awake = plan.session().map(reviving::awake).unwrap_or_default();
        let line = audit::line(context, operation, Some(plan.manifest()));
        let progress = Progress::default();
        let done = bar::show(ui.talks(), "Restoring", &progress, || {
            restore::execute(context, workspace, plan, operation, &progress)
        });
        let done = audit::unless_failed(&workspace.store, &line, done)?;
        if apart {
            grants.write(workspace, ui)?;
        }
        kept();
        if let Some(look) = look {
            look.leave();
        }
        tell_done(ui, &done);
        if !ui.json() {
            awake.into_iter().for_each(|line| ui.say(line));
        }
        doubts::tell_held(ui, &held);
        consent::tell_unfilled(ui, &unfilled);
        tell_left(ui, &left);
        tell_unmade(ui, &unmade);
        if let (Some(told), false) = (grants.told(), ui.json()) {
            ui.say(&told);
        }
        grants.lost().iter().for_each(|lost| ui.warn(lost));
        let launch = done.session.as_ref().map(|(id, cwd)| {
            let environment = workspace.client.environment_for(id);
            Launch { id, cwd, options: &options, extra: &self.client, environment, prompt: None }
        });
        if ui.json() {
            print_json(ui, &with_results(shown, &done, launch.as_ref()))?;
            return Ok(outcome);
        }
        let Some(mut launch) = launch else { return Ok(outcome) };
        if self.no_run || context.inside_client || !ui.is_terminal() {
            if context.inside_client && !self.no_run {
                ui.say("A client can't start another one in its place; run this in a shell:");
            } else if !self.no_run {
                ui.say("This is no terminal, so the client was not started; this goes on:");
            }
            ui.line(&launch.for_a_shell())?;
            return Ok(outcome);
        }
        if self.agreement.asks(ui) {
            launch.prompt = queued.offer(&self.client, ui)?;
        }
        ui.flush()?;
        Err(launch.run())
    }
}

/// Quotes a word for a POSIX shell, if it needs to be.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:@%+,".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

pub(super) fn show_dry_run(ui: &mut Ui, plan: &Plan, grants: &Grants) -> Result<Outcome> {
    let outcome = if plan.unmade().is_empty() { Outcome::Done } else { Outcome::Partial };
    if ui.json() {
        let mut shown = as_json(plan);
        shown["dry_run"] = json!(true);
        shown["grants"] = grants.json();
        print_json(ui, &shown)?;
        return Ok(outcome);
    }
    for line in lines(plan, usize::MAX).into_iter().chain(grants.lines()) {
        ui.line(line)?;
    }
    tell_unmade(ui, plan.unmade());
    ui.say("Nothing was changed (--dry-run).");
    Ok(outcome)
}

/// Says which files can't be checked out here, and what to do about it.
pub(super) fn tell_unmade(ui: &mut Ui, unmade: &[Unmade]) {
    for Unmade { path, reason } in unmade {
        ui.warn(&format!("not set: {path}: {}", Line(reason)));
    }
    if unmade.iter().any(|one| one.reason.contains("lfs")) {
        ui.say("`git lfs pull` gets what is missing, then run the command again; GIT_LFS_SKIP_SMUDGE=1 writes pointers instead.");
    }
}

pub(super) fn lines(plan: &Plan, most: usize) -> Vec<Text> {
    let root = plan.root().to_string_lossy();
    let mut lines = vec![text![Style::Strong.of(&plan.manifest().name), " in ", root.as_ref()]];
    lines.extend(consent::provenance_lines(plan));
    for step in plan.steps().iter().take(most) {
        let (word, style) = match step.action() {
            Action::Create => ("create ", Style::Good),
            Action::Replace => ("replace", Style::Warning),
            Action::Remove => ("remove ", Style::Bad),
            Action::Index => ("index  ", Style::Faint),
        };
        let (added, removed) = step.lines();
        let hidden = match step.hides() {
            Some(true) => ", hidden from git",
            Some(false) => ", no longer hidden from git",
            None => "",
        };
        lines.push(text!["  ", style.of(word), format!(" {}  +{added} -{removed}{hidden}", step.path())]);
    }
    if plan.steps().len() > most {
        lines.push(text![format!("  and {} more", plan.steps().len() - most)]);
    }
    if let Some(moved) = plan.moved() {
        let move_ = format!(" {} from {} to {}", moved.name(), short(&moved.from), short(&moved.to));
        lines.push(text!["  ", Style::Warning.of("move   "), move_]);
    }
    for left in plan.spared().iter().take(most) {
        lines.push(text!["  ", Style::Faint.of("leave  "), format!(" {}  {}", left.path, left.reason)]);
    }
    if plan.spared().len() > most {
        lines.push(text![format!("  and {} more are left as they are", plan.spared().len() - most)]);
    }
    if !plan.folders().is_empty() {
        lines.push(text![format!("  {} made again", count(plan.folders().len(), "empty folder"))]);
    }
    if plan.unchanged() > 0 {
        lines.push(text![format!("  {} already as saved", count(plan.unchanged(), "path"))]);
    }
    if let Some(session) = plan.session() {
        let id = match session.renamed {
            true => "as a new session: this machine has the saved one already".to_owned(),
            false if session.continues.is_some() => {
                format!("as {}: what is here is its beginning, and the rest is appended", session.id)
            }
            false => format!("as {}", session.id),
        };
        lines.push(text![format!("  session of {} records {id}", session.records)]);
        let keeps = if session.relocation.mode == Mode::Keep { ", outside messages only" } else { "" };
        for (old, new) in session.relocation.folders() {
            lines.push(text!["  ", Style::Faint.of("path   "), format!(" {old} -> {new}{keeps}")]);
        }
    }
    lines.extend(plan.session().into_iter().flat_map(reviving::lines));
    lines.extend(plan.left().iter().take(most).map(|(path, filter)| {
        text!["  ", Style::Warning.of("leave  "), format!(" {path}  needs the filter {filter}")]
    }));
    lines.extend(plan.notes().iter().map(|note| text!["  ", Style::Warning.of("note:"), " ", note]));
    lines
}

fn tell_done(ui: &mut Ui, done: &Done) {
    if ui.json() {
        return;
    }
    if done.paths == 0 && done.session.is_none() && done.moved.is_none() {
        ui.say("Nothing had to be done: every path is already as it was saved.");
    }
    if let (Some(moved), Some((id, _))) = (&done.moved, &done.safety) {
        tell_moved(ui, moved, id);
    }
    if let Some((_, safety)) = done.safety.as_ref().filter(|_| done.paths > 0) {
        ui.say(&format!("Set {}; `snap undo` goes back (to {safety}).", count(done.paths, "path")));
    }
    if let Some(leftover) = &done.leftover {
        ui.warn(&format!("{} could not be removed; it holds the old files and can go", leftover.display()));
    }
    let report = &done.relocated.report;
    if done.relocated.moved && report.replaced() > 0 {
        let left = match report.leftovers() {
            0 => String::new(),
            left => format!(", {left} left in messages, signed thinking or binary data"),
        };
        ui.say(&format!("Rewrote {} of the old place in the session{left}.", mentions(report.replaced())));
    }
    if let Some((first, _)) = done.relocated.outside.first().filter(|_| done.relocated.moved) {
        let others = done.relocated.outside.len() - 1;
        let more = if others == 0 { String::new() } else { format!(" and {others} more") };
        ui.say(&format!(
            "The session also worked outside that place, and those paths stay: {}{more} (`--map OLD=NEW` maps one).",
            Line(first)
        ));
    }
}

/// Tells which files are as they were, because no filter of the repository's own is run.
pub(super) fn tell_left(ui: &mut Ui, left: &[(RepoPath, String)]) {
    for (path, filter) in left.iter().take(MOST_LISTED) {
        ui.warn(&format!(
            "left as it is: {path} needs the filter {}, which only this repository's own configuration has",
            Line(filter)
        ));
    }
    if !left.is_empty() {
        ui.warn(&format!(
            "{}; if you trust that configuration: git config --global --add snap.trustedRepository DIR",
            count(left.len(), "path was left")
        ));
    }
}

pub(super) fn tell_moved(ui: &mut Ui, moved: &MovedBranch, safety: &SnapshotId) {
    let (from, to) = (short(&moved.from), short(&moved.to));
    let kept = crate::git::kept_ref(safety);
    ui.say(&format!("Moved {} from {from} to {to}; the old tip is kept in {kept}.", moved.name()));
}

fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

fn mentions(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "mention")
}

pub(super) fn as_json(plan: &Plan) -> Value {
    let steps: Vec<Value> = plan
        .steps()
        .iter()
        .map(|step| {
            let action = match step.action() {
                Action::Create => "create",
                Action::Replace => "replace",
                Action::Remove => "remove",
                Action::Index => "index",
            };
            let (added, removed) = step.lines();
            json!({"path": step.path(), "action": action, "added": added, "removed": removed})
        })
        .collect();
    let mut shown = json!({
        "snapshot": plan.manifest().name,
        "id": plan.manifest().id,
        "root": Line(&plan.root().to_string_lossy()).to_string(),
        "dry_run": false,
        "edits": steps,
        "conflicts": plan.conflicts(),
        "unchanged": plan.unchanged(),
        "moved": plan.moved(),
        "session_id": plan.session().map(|session| &session.id),
        "renamed": plan.session().map(|session| session.renamed),
        "continues": plan.session().map(|session| session.continues.is_some()),
        "paths": plan.session().map(paths_json),
        "notes": plan.notes(),
        "alive": plan.session().map(reviving::as_json),
        "queue": plan.session().map(|_| &plan.manifest().queue),
        "unfilled": consent::unfilled_json(plan),
        "left": plan.left().iter().map(|(path, filter)| json!({"path": path, "filter": filter})).collect::<Vec<_>>(),
        "spared": plan.spared().iter().map(|one| json!({"path": one.path, "reason": one.reason})).collect::<Vec<_>>(),
        "empty_folders": plan.folders(),
        "not_made": plan.unmade().iter().map(|one| json!({"path": one.path, "reason": one.reason})).collect::<Vec<_>>(),
    });
    for (key, value) in consent::as_json(plan) {
        shown[key] = value;
    }
    shown
}

fn paths_json(session: &SessionPlan) -> Value {
    let mode = match session.relocation.mode {
        Mode::Rewrite => "rewrite",
        Mode::Keep => "keep",
    };
    let map: Vec<Value> =
        session.relocation.folders().map(|(old, new)| json!({"old": old, "new": new})).collect();
    json!({"mode": mode, "map": map})
}

pub(super) fn with_results(mut shown: Value, done: &Done, launch: Option<&Launch<'_>>) -> Value {
    if shown["paths"].is_object() {
        let report = &done.relocated.report;
        let forms: serde_json::Map<String, Value> = report
            .forms()
            .map(|(form, number)| (format!("{form:?}").to_lowercase(), json!(number)))
            .collect();
        shown["paths"]["rewritten"] = json!(forms);
        shown["paths"]["left"] = json!(report.leftovers());
        let outside =
            done.relocated.outside.iter().map(|(path, number)| json!({"path": path, "mentions": number}));
        shown["paths"]["outside"] = outside.collect();
    }
    if let (Some(moved), Some((id, _))) = (&done.moved, &done.safety) {
        shown["moved"] = json!(moved);
        shown["moved"]["kept_in"] = json!(crate::git::kept_ref(id));
    }
    shown["safety"] = json!(done.safety.as_ref().map(|(_, name)| name));
    shown["resume"] = json!(launch.map(|launch| json!({
        "command": launch.arguments(),
        "env": launch.environment.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "cwd": launch.cwd.to_string_lossy(),
    })));
    shown
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_for_a_shell_only_if_needed() {
        assert_eq!(quoted("/tmp/app-1"), "/tmp/app-1");
        assert_eq!(quoted("/tmp/my app"), "'/tmp/my app'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("~x"), "'~x'");
    }
}
