//! One restore, from its plan to the start of the client: shown, agreed to, carried out, reported.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::args::RestoreArgs;
use super::concerns::warn_of_held;
use super::done::{say_done, undo_command, warn_of_left, warn_of_unlogged, warn_of_unmade};
use super::grants::{self, GrantReport};
use super::launch::Launch;
use super::lease_check::{self, LeaseCheck};
use super::queued_prompts::QueuedPrompts;
use super::report::RestoreReport;
use super::unfilled;
use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::Monitor;
use crate::base::screen::Line;
use crate::cli::interrupted;
use crate::cli::outcome::Outcome;
use crate::cli::output::words::quoted;
use crate::cli::output::{Ui, progress_bar};
use crate::cli::ways;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::redaction;
use crate::restore::{self, GrantPlan, RestorePlan, ServerChecks};
use crate::store::{LogEntry, Operation};
use crate::transfer;
use crate::workspace::Workspace;

/// Makes a plan, showing how far that is.
pub(crate) fn planning<T>(ui: &Ui, make: impl FnOnce(&Monitor) -> Result<T>) -> Result<T> {
    let monitor = Monitor::default();
    progress_bar::show(ui.talks(), &monitor, || make(&monitor))
}

impl RestoreArgs {
    /// Refuses files behind `--`, where other commands take them: all that stands there is for the client.
    fn refuse_files(&self, folders: [&Path; 2]) -> Result<()> {
        let is_option = |word: &OsStr| word.as_encoded_bytes().starts_with(b"-");
        let before = std::iter::once(OsStr::new("")).chain(self.client.iter().map(OsString::as_os_str));
        let mut words = self.client.iter().zip(before);
        let is_file = |(word, before): &(&OsString, &OsStr)| {
            let is_there = || folders.iter().any(|folder| folder.join(word).exists());
            !word.is_empty() && !is_option(word) && !is_option(before) && is_there()
        };
        let Some((file, _)) = words.find(is_file) else { return Ok(()) };
        let shown = quoted(&file.to_string_lossy());
        Err(Error::new(Kind::Usage, format!("Cannot restore {shown} alone"))
            .because("all files of a snapshot are set at once, and what stands behind `--` goes to the client")
            .hint(format!("leave `-- {shown}` out; `snap diff REF --patch -- {shown} | git apply` sets one file, if it is as in HEAD")))
    }

    /// Refuses early what nobody will agree to, and variables that nothing needs; a dry run needs no consent.
    pub(crate) fn check(
        &self,
        context: &Context,
        workspace: &Workspace,
        manifest: &Manifest,
        ui: &mut Ui,
    ) -> Result<()> {
        self.refuse_files([&workspace.root, &context.cwd])?;
        if let Some(told) = ways::own_namesake(context, workspace, manifest) {
            ui.warn(&told);
        }
        let is_needed = |asked: &str| match asked.split_once('=') {
            Some((id, _)) => manifest.secrets.iter().any(|secret| secret.id == id),
            None => manifest.secrets.iter().any(|secret| secret.names.iter().any(|one| one == asked)),
        };
        for name in self.fill.iter().filter(|asked| !asked.contains('=')) {
            let held = redaction::held_by(manifest, name);
            if let [one, _, ..] = held[..] {
                let ids = held.join(", ");
                let shown = Line(name).to_string();
                return Err(Error::new(
                    Kind::Usage,
                    format!("`--fill {shown}` fits several secrets of this snapshot"),
                )
                .because(format!("a variable {shown} held {ids}, and it can't hold all of them here"))
                .hint(format!("`--fill {one}={}` fills that one", quoted(&shown))));
            }
        }
        if let Some(name) = self.fill.iter().find(|name| !is_needed(name)) {
            let name = Line(name).to_string();
            return Err(Error::new(
                Kind::Usage,
                format!("`--fill {name}` matches no secret of this snapshot"),
            )
            .because(match name.split_once('=') {
                Some((id, _)) => format!("none of them has the id {id}"),
                None => format!("none of them was in a variable {name}"),
            })
            .hint(format!(
                "`snap show {}` lists its secrets with their ids and the names of their variables",
                quoted(&workspace.store.called(manifest))
            )));
        }
        if self.dry_run { Ok(()) } else { self.consent.check(ui, workspace, manifest) }
    }

    /// Fetches the snapshot's base commit if that is wanted and it is missing. For a snapshot that is
    /// not the user's own, it asks first.
    pub(crate) fn fetch_base(
        &self,
        context: &Context,
        workspace: &Workspace,
        manifest: &Manifest,
        ui: &mut Ui,
    ) -> Result<()> {
        let (Some(repository), Some(base)) = (&workspace.repository, restore::base_of(manifest)) else {
            return Ok(());
        };
        if !self.fetch_base || repository.has_commit(base)? {
            return Ok(());
        }
        if self.dry_run {
            ui.warn("--dry-run fetches nothing; without it, `--fetch-base` would fetch the commit that is missing here");
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
            .hint("add one with `git remote add`, or get the snapshot as a file that was made by `snap export --with-base`: that needs no base commit"));
        };
        if !self.consent.may_contact(ui, workspace, manifest, &remote)? {
            return Ok(());
        }
        repository.fetch_commit(&remote, base, ui.is_terminal())?;
        repository.keep_commit(&manifest.id, base)?;
        ui.say(&format!("Fetched the base commit {} from {}.", &base[..base.len().min(10)], Line(&remote)));
        Ok(())
    }

    /// Says whether there is somebody to be asked about something that is about to be done.
    pub(crate) fn asks(&self, ui: &Ui) -> bool {
        !self.dry_run && self.consent.asks(ui)
    }

    /// Says whether a yes was given in advance.
    pub(crate) fn is_agreed(&self) -> bool {
        self.consent.no_input()
    }

    /// Takes a plan; that there is none is logged, unless nothing was to be done anyway.
    pub(crate) fn planned<T>(&self, workspace: &Workspace, line: &LogEntry, plan: Result<T>) -> Result<T> {
        if self.dry_run { plan } else { audit::unless_failed(&workspace.store, line, plan) }
    }

    /// Asks for the variables that secrets can be taken from by name. Returns all of them, if there are more than
    /// were given: then the plan has to be made again.
    pub(crate) fn variables(&self, ui: &mut Ui, plan: &RestorePlan) -> Result<Vec<String>> {
        let agreed = if self.dry_run { Vec::new() } else { self.consent.variables(ui, plan)? };
        Ok(if agreed.is_empty() { agreed } else { [self.fill.clone(), agreed].concat() })
    }

    /// Shows a plan. Unless only that was asked for, carries it out, and then prints the client's
    /// command or becomes the client. `kept` runs as soon as everything is in place.
    pub(crate) fn carry_out(
        &self,
        context: &Context,
        workspace: &Workspace,
        plan: RestorePlan,
        operation: Operation,
        kept: impl FnOnce(),
        ui: &mut Ui,
    ) -> Result<Outcome> {
        self.carry_out_after(context, workspace, plan, operation, (|plan, _: &mut Ui| Ok(plan), kept), ui)
    }

    /// The same; `ready` runs once all is agreed to, before anything is changed.
    pub(crate) fn carry_out_after(
        &self,
        context: &Context,
        workspace: &Workspace,
        plan: RestorePlan,
        operation: Operation,
        (ready, kept): (impl FnOnce(RestorePlan, &mut Ui) -> Result<RestorePlan>, impl FnOnce()),
        ui: &mut Ui,
    ) -> Result<Outcome> {
        let plan = plan.reviving(self.revival.asked())?;
        let mut granting = if self.no_session && self.grants.is_none() && plan.merging().is_none() {
            GrantPlan::none()
        } else {
            GrantPlan::of(grants::choice(self.grants, &context.settings, &plan, ui), &plan, workspace)
        };
        if self.dry_run {
            granting.options(&self.client);
            let servers = ServerChecks::begin(workspace, &plan, false).finish();
            let report = RestoreReport::of(&plan).holding_back(&plan, self.consent.foresee(ui, &plan));
            let report = report.with_grants(GrantReport::of(&granting)).with_servers(servers);
            return show_dry_run(ui, report);
        }
        let plan = self.consent.obtain(ui, plan, RestoreReport::of)?;
        let agreed = match plan.session() {
            // What is here already stays as it is.
            Some(session) if session.continues.is_none() && self.consent.asks(ui) => {
                self.revival.ask(session, ui)?
            }
            _ => Vec::new(),
        };
        let plan = plan.reviving(&agreed)?;
        granting.follow_mode(&plan);
        let servers = ServerChecks::begin(workspace, &plan, !self.offline);
        let lease = self.check_leases(context, workspace, plan.manifest(), ui)?;
        if !ui.json() {
            GrantReport::of(&granting).lines().into_iter().for_each(|line| ui.say(line));
        }
        grants::choose(&mut granting, self.consent.no_input(), ui)?;
        let (plan, apart) = granting.add_to(plan, workspace)?;
        let mut options = granting.options(&self.client);
        options.extend(plan.session().iter().flat_map(|session| session.options.words(&self.client)));

        let plan = ready(plan, ui)?;
        let report = RestoreReport::of(&plan).with_grants(GrantReport::of(&granting));
        let partial = report.is_partial() || plan.lacks_messages() || !granting.lost.is_empty();
        let outcome = Outcome::partial_if(partial);
        let queued = QueuedPrompts::of(&plan);
        let line = audit::line(context, operation, Some(plan.manifest()));
        let goes_back = plan.sets_something();
        let monitor = Monitor::default();
        let execute = || restore::execute(context, workspace, plan, operation, &monitor);
        let done = interrupted::restoring(
            || progress_bar::show(ui.talks(), &monitor, execute),
            self.made.as_deref(),
            match (operation, goes_back) {
                (Operation::Merge, true) => "the merge is done; `snap undo` takes it back",
                (Operation::Merge, false) => "the merge is done",
                (_, true) if partial => "what could be restored is in place; `snap undo` takes it back",
                (_, false) if partial => "what could be restored is in place",
                (_, true) => "everything is restored; `snap undo` takes it back",
                (_, false) => "everything is restored",
            },
        );
        let done = audit::unless_failed(&workspace.store, &line, done)?;
        if apart {
            let file = granting.write(workspace)?;
            ui.say(&format!("Added rules to {file}; outside git `snap undo` can't undo that."));
        }
        kept();
        if let Some(lease) = lease {
            if let Some(remote) = lease.remote() {
                ui.say(&format!(
                    "{} is told that you work on it (a lease; `--offline` leaves none).",
                    Line(remote)
                ));
            }
            lease.leave();
        }
        let report = report.with_servers(servers.finish());
        let launch = done.session.as_ref().map(|(id, cwd)| {
            let environment = workspace.client.environment_for(id);
            Launch { id, cwd, options: &options, extra: &self.client, environment, prompt: None, partial }
        });
        if !ui.json() {
            let undo = undo_command(context, workspace, self.undo_in.as_deref());
            say_done(ui, &done, report.is_partial(), &undo);
            let replaced = done.session.as_ref().map(|_| done.relocated.report.replaced());
            self.maps_nothing(replaced).iter().for_each(|said| ui.warn(said));
            // The plan has said it already, unless something was agreed to since.
            let awake = report.alive.as_ref().filter(|_| !agreed.is_empty());
            awake.iter().flat_map(|alive| alive.awake_lines()).for_each(|line| ui.say(line));
            report.server_lines().into_iter().for_each(|line| ui.say(line));
        }
        warn_of_left(ui, &report);
        let outcome = if warn_of_unlogged(ui, &done) { Outcome::Partial } else { outcome };
        if let (Some(granted), false) = (grants::granted(&granting), ui.json()) {
            ui.say(&granted);
        }
        granting.lost.iter().for_each(|lost| ui.warn(lost));
        if ui.json() {
            ui.print_json(&report.done(&done, launch.as_ref()))?;
            return Ok(outcome);
        }
        if let Some(merge) = &report.merge {
            merge.say(ui)?;
        }
        match launch {
            Some(launch) => self.go_on(context, launch, &queued, outcome, ui),
            None => Ok(outcome),
        }
    }

    /// Checks who else works on a snapshot. If somebody does, continues only after a yes, or with a
    /// note if nobody can be asked.
    fn check_leases(
        &self,
        context: &Context,
        workspace: &Workspace,
        manifest: &Manifest,
        ui: &mut Ui,
    ) -> Result<Option<LeaseCheck>> {
        // Not before the consent: what nobody agreed to reaches nobody.
        let check = if self.offline { None } else { lease_check::begin(context, workspace, manifest) };
        if let Some(others) = check.as_ref().and_then(LeaseCheck::others) {
            let text = format!("{} is {others}", Line(&workspace.store.called(manifest)));
            if !self.consent.asks(ui) {
                ui.warn(&format!("{text}."));
            } else if !ui.ask(&format!("{text}. Resume it too?"))? {
                return Err(Error::new(Kind::Refused, "Nothing was restored").because(text));
            }
        }
        Ok(check)
    }

    /// Prints the client's command, or becomes the client.
    fn go_on(
        &self,
        context: &Context,
        mut launch: Launch<'_>,
        queued: &QueuedPrompts,
        outcome: Outcome,
        ui: &mut Ui,
    ) -> Result<Outcome> {
        if self.no_run || context.inside_client || !ui.is_terminal() {
            if context.inside_client && !self.no_run {
                ui.say("A client can't start another one in its place. To continue, run this in a shell:");
            } else if !self.no_run {
                ui.say("The client was not started, because this is not a terminal. To continue, run:");
            }
            ui.line(&launch.for_a_shell())?;
            return Ok(outcome);
        }
        if self.consent.asks(ui) {
            launch.prompt = queued.offer(&self.client, ui)?;
        }
        ui.flush()?;
        Err(launch.run())
    }
}

fn show_dry_run(ui: &mut Ui, report: RestoreReport) -> Result<Outcome> {
    let report = report.dry_run();
    ui.report(&report)?;
    if !ui.json() {
        warn_of_held(ui, &report.held);
        unfilled::warn_of(ui, &report.unfilled);
        warn_of_unmade(ui, &report.unmade);
        ui.say("Nothing was changed (--dry-run).");
    }
    Ok(Outcome::partial_if(!report.unmade.is_empty()))
}
