//! `snap show`: at a glance, what the agent was doing when the snapshot was taken.

use std::collections::HashSet;

use clap::{Args, builder::NonEmptyStringValueParser};
use serde_json::Value;

use super::ignored;
use super::talk;
use crate::base::columns::fitted;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::{self, Line, cut};
use crate::cli::completion::snapshots;
use crate::cli::help::examples;
use crate::cli::line_choice;
use crate::cli::outcome::Outcome;
use crate::cli::output::agent_tree::tree;
use crate::cli::output::edit_rows;
use crate::cli::output::line_words::sentences;
use crate::cli::output::paged::paged;
use crate::cli::output::pager::screen_width;
use crate::cli::output::snapshot_words::{done, edited_lines, left_out, secret_line, tasks};
use crate::cli::output::words::{ago, count, quoted, short_commit as short, size_text};
use crate::cli::output::{Style, Text, Ui, text};
use crate::cli::program_name;
use crate::cli::ways::made_before;
use crate::context::Context;
use crate::manifest::{AgentStatus, Decision, Edit, Manifest, SavedRule, Session, Spoken};
use crate::space;
use crate::store::Store;
use crate::trust::Provenance;
use crate::workspace::Workspace;

const WIDE: usize = 100;

/// How many columns the headings take.
const HEADING: usize = 10;

/// Show everything in a snapshot
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap show", "Choose one, and show it"),
    ("snap show before-refactor --talk", "Read its conversation"),
    ("snap show before-refactor --json", "Print its manifest, for a program"),
]))]
pub(crate) struct Show {
    /// The snapshot; without it, you choose from a list on a terminal, unless there is only one
    #[arg(value_name = "REF", default_value = "latest", add = snapshots())]
    reference: String,
    /// Print the conversation: prompts, answers, and each call of a tool in a line
    #[arg(long)]
    talk: bool,
    /// Print which ignored files and folders were there, one a line; a folder stands for all that was in it
    #[arg(long, conflicts_with_all = ["talk", "agent"])]
    ignored: bool,
    /// Print what an agent said: its id, or the start of it
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    agent: Option<String>,
}

impl Show {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let entry = line_choice::find_here(workspace, &self.reference, ui)?;
        let manifest = entry.manifest.as_ref().map_err(Clone::clone)?;
        if ui.json() && (self.talk || self.agent.is_some()) {
            return Err(Error::new(Kind::Usage, "`--talk` and `--agent` print for people, not JSON").hint(
                "`snap report --format json -o FILE` writes the conversation; `snap show --json` prints the manifest",
            ));
        }
        if ui.json() {
            let json = manifest.to_json()?;
            ui.value(&screen::json(String::from_utf8_lossy(&json).trim_end()))?;
            return Ok(Outcome::Done);
        }
        if self.talk || self.agent.is_some() {
            talk::print(&workspace.store, manifest, self.agent.as_deref(), ui)?;
            return Ok(Outcome::Done);
        }
        if self.ignored {
            return ignored::print(manifest, ui);
        }
        let mut page = Page { screen: ui.shows_on_terminal().then(screen_width), lines: Vec::new() };
        let made = made_before(workspace, manifest, &entry.called);
        page.head(context, manifest, (&entry.called, entry.pinned), made);
        if let Some(state) = space::line_states_of_all(context, workspace).get(&manifest.id) {
            let names = workspace.store.names().unwrap_or_default();
            let said = sentences(state, context.now, |id| names.get(id).cloned());
            page.list("Line", said.into_iter().map(|said| text![said]).collect());
        }
        page.content(&workspace.store, manifest, &entry.called);
        page.provenance(&workspace.provenance(manifest));
        page.session(manifest);
        page.spoken(manifest);
        page.tasks(&tasks(&workspace.store, manifest));
        page.agents(manifest);
        page.list("Queued", manifest.queue.iter().map(|prompt| text![cut(prompt, WIDE)]).collect());
        page.edits(manifest);
        page.ignored(manifest, &entry.called);
        page.grants(manifest);
        page.list("Taken out", manifest.secrets.iter().map(|secret| text![secret_line(secret)]).collect());
        page.wakes(manifest);
        page.not_captured(manifest);
        paged(ui, &page.lines)?;
        Ok(Outcome::Done)
    }
}

/// What is shown, line by line.
struct Page {
    /// How wide the terminal is, if it is one.
    screen: Option<usize>,
    lines: Vec<Text>,
}

impl Page {
    /// Adds a line; what the terminal has no room for goes on below, in this column.
    fn put(&mut self, text: Text, indent: usize) {
        match self.screen {
            Some(screen) => self.lines.extend(text.folded(screen, indent)),
            None => self.lines.push(text),
        }
    }

    /// Says if something that it needs is not there, as far as that is known without reading it.
    fn content(&mut self, store: &Store, manifest: &Manifest, called: &str) {
        if !matches!(store.has_objects_of(manifest), Ok(false)) {
            return;
        }
        let command = format!("; `snap verify {}` says what", quoted(called));
        let line = text![Style::Bad.of("damaged or missing in part"), program_name::in_words(&command)];
        self.list("Content", vec![line])
    }

    fn head(
        &mut self,
        context: &Context,
        manifest: &Manifest,
        (called, pinned): (&str, bool),
        made: Option<String>,
    ) {
        let name = Style::Strong.of(called);
        let pinned = if pinned { ", pinned" } else { "" };
        let by = &manifest.created_by;
        let saved = ago(&manifest.created_at.age(context.now));
        let id = manifest.id.short();
        let said = format!("  saved {saved} by {} on {} (id {id}{pinned})", by.user, by.host);
        self.put(text![name, said], 2);
        if let Some(message) = &manifest.message {
            self.put(text!["  ", message], 2);
        }
        if let Some(made) = made {
            self.put(text![made], 2);
        }
        let place = &manifest.workspace;
        let mut where_ = place.root.to_string();
        match (&place.branch, &place.head) {
            (Some(branch), Some(head)) => where_ += &format!(" on {} at {}", Line(branch), short(head)),
            (Some(branch), None) => where_ += &format!(" on {}, before its first commit", Line(branch)),
            (None, Some(head)) => where_ += &format!(" at {} (detached)", short(head)),
            (None, None) => {}
        }
        if let Some(worktree) = &place.worktree {
            where_ += &format!(", worktree {}", Line(worktree));
        }
        self.list("Where", vec![text![where_]])
    }

    fn provenance(&mut self, provenance: &Provenance) {
        match provenance {
            Provenance::Own => {}
            Provenance::Trusted { signer } => {
                self.list("Signed", vec![text![format!("by {signer}, whom you trust")]])
            }
            Provenance::Foreign { why } => {
                let whose = Style::Warning.of("not your own");
                self.list("Foreign", vec![text![whose, ": ", why]])
            }
        }
    }

    fn session(&mut self, manifest: &Manifest) {
        let Some(session) = &manifest.session else {
            return self.list("Session", vec!["none was found".into()]);
        };
        let mut lines = vec![match &session.title {
            Some(title) => text![session.id.as_str(), "  ", Style::Strong.of(cut(title, WIDE))],
            None => session.id.as_str().into(),
        }];
        lines.push(text![state_of(session)]);
        lines.push(match &session.transcript {
            Some(transcript) => {
                let (records, size) = (transcript.records, size_text(transcript.bytes));
                text![format!("{records} records, {size} of conversation{}", left_out(transcript))]
            }
            None => "the conversation was not saved".into(),
        });
        if session.transcript.as_ref().is_some_and(|transcript| transcript.torn.is_some()) {
            lines.push("its last line was unfinished and is kept aside".into());
        }
        for file in &session.elsewhere {
            lines.push(text![format!("{}, {}", file.place, size_text(file.text.len() as u64))]);
        }
        for script in &session.scripts {
            lines.push(text![format!(
                "{}, {}, run before each command of the agent",
                script.place,
                size_text(script.text.len() as u64)
            )]);
        }
        lines.extend(session.added_folders.iter().map(|folder| text![format!("added folder {folder}")]));
        lines.extend(session.effort.as_deref().map(|effort| text!["effort ", effort]));
        lines.extend(session.output_style.as_deref().map(|style| text!["output style ", style]));
        lines.extend(session.restrictions.iter().map(|option| text!["held back by ", option]));
        self.list("Session", lines)
    }

    /// Prints the first and the last prompt and the last answer, the beginning of each.
    fn spoken(&mut self, manifest: &Manifest) {
        let Some(Spoken { first, last, answer }) = manifest.session.as_ref().map(|session| &session.spoken)
        else {
            return;
        };
        let first = first.as_ref().filter(|first| last.as_ref() != Some(first));
        let room = self.screen.map_or(WIDE, |screen| screen.saturating_sub(18).min(WIDE));
        let told = [("first", first), ("last", last.as_ref()), ("answer", answer.as_ref())];
        let line = |(word, said): (&str, Option<&String>)| {
            Some(text![Style::Faint.of(format!("{word:6}  ")), fitted(said?, room)])
        };
        self.list("About", told.into_iter().filter_map(line).collect())
    }

    fn tasks(&mut self, tasks: &[Value]) {
        if tasks.is_empty() {
            return;
        }
        let mut lines = vec![text![format!("{} of {} done", done(tasks), tasks.len())]];
        lines.extend(tasks.iter().map(task_line));
        self.list("Tasks", lines)
    }

    fn agents(&mut self, manifest: &Manifest) {
        let mut lines = Vec::new();
        for (agent, depth) in tree(&manifest.agents) {
            let style = match agent.status {
                AgentStatus::Done => Style::Good,
                AgentStatus::Failed => Style::Bad,
                AgentStatus::Running
                | AgentStatus::Waiting
                | AgentStatus::Stopped
                | AgentStatus::Interrupted => Style::Warning,
            };
            let indent = "  ".repeat(depth.min(8));
            lines.push(text![
                &indent,
                style.of(format!("{:11}", agent.status.word())),
                "  ",
                agent.agent_type.as_deref().unwrap_or("agent"),
                "  ",
                cut(agent.description.as_deref().unwrap_or(agent.id.as_str()), WIDE),
                "  ",
                Style::Faint.of(format!("({})", agent.evidence)),
            ]);
            if let Some(last) = &agent.last {
                lines.push(text![format!("{indent}             last: {}", cut(last, WIDE))]);
            }
        }
        self.list("Agents", lines)
    }

    fn edits(&mut self, manifest: &Manifest) {
        let Some(edits) = &manifest.edits else {
            return self.list("Edits", vec!["none: this was not a git repository".into()]);
        };
        let (added, removed) = edited_lines(manifest);
        let against = match edits.base.as_deref() {
            Some(base) => format!(" against {}", short(base)),
            None => "; no commit yet".to_owned(),
        };
        let mut lines = vec![match edits.listed().count() {
            0 => text![format!("none{against}")],
            number => text![
                count(number, "file"),
                ", ",
                Style::Good.of(format!("+{added}")),
                " ",
                Style::Bad.of(format!("-{removed}")),
                against,
            ],
        }];
        let room = self.screen.map(|screen| screen.saturating_sub(HEADING));
        lines.extend(edit_rows::rows(&edits.listed().collect::<Vec<&Edit>>(), room));
        lines.extend(edits.skipped.iter().map(|left| {
            text![
                Style::Warning.of("not saved:"),
                format!(" {}  ({})", left.path, program_name::in_words(&left.reason))
            ]
        }));
        if let Some(operation) = &edits.operation {
            lines.push(text![format!("a {operation} was in progress")]);
        }
        self.list("Edits", lines)
    }

    /// Says how many ignored files and folders there were beside the edits, and how many are in the snapshot all the same.
    fn ignored(&mut self, manifest: &Manifest, called: &str) {
        let Some(around) = &manifest.around else { return };
        let Some(ignored) = &around.ignored else {
            return self.list("Ignored", vec!["too many files to be listed, and not in it".into()]);
        };
        let held = manifest.edited_files().iter().filter(|edit| ignored.cover(&edit.path)).count();
        let files = ignored
            .files
            .iter()
            .filter(|path| !manifest.edited_files().iter().any(|edit| edit.path == **path))
            .count();
        let parts = [(files, "file"), (ignored.folders.len(), "folder")];
        let parts = parts.iter().filter(|(number, _)| *number > 0);
        let left: Vec<String> = parts.map(|(number, thing)| count(*number, thing)).collect();
        let said = match (left.is_empty(), held) {
            (true, 0) => return,
            (true, held) => format!("{} in it", count(held, "ignored file")),
            (false, 0) => format!("{} not in it", left.join(" and ")),
            (false, held) => format!("{} not in it, {} in it", left.join(" and "), count(held, "file")),
        };
        let how = format!("; `snap show {} --ignored` lists them", quoted(called));
        let how = Style::Faint.of(program_name::in_words(&how));
        self.list("Ignored", vec![text![said, how]])
    }

    /// Prints grants one per line and whole: a cut grant could hide what it allows.
    fn grants(&mut self, manifest: &Manifest) {
        let permissions = &manifest.permissions;
        let mut lines = Vec::new();
        lines.extend(permissions.mode.as_deref().map(|mode| text![format!("mode {mode}")]));
        let decision = |decision: &Decision| -> Text {
            text![format!("for the session: {} {}: {}", decision.decision, decision.tool, decision.detail)]
        };
        // The client asks again now and then: the same answer is one grant.
        let mut known = HashSet::new();
        let session = permissions.session.iter();
        let session = session.filter(|one| known.insert((&one.decision, &one.tool, &one.detail)));
        lines.extend(session.map(decision));
        let project = &permissions.project;
        for (word, rules) in [("allow", &project.allow), ("ask", &project.ask), ("deny", &project.deny)] {
            let line = |rule: &SavedRule| text![word, " ", &rule.rule, "  ", Style::Faint.of(&rule.file)];
            lines.extend(rules.iter().map(line));
        }
        let launch = &permissions.launch;
        for (word, rules) in [("allow", &launch.allow), ("ask", &launch.ask), ("deny", &launch.deny)] {
            let line = |rule: &SavedRule| text![word, " ", &rule.rule, "  ", Style::Faint.of(&rule.file)];
            lines.extend(rules.iter().map(line));
        }
        self.list("Grants", lines)
    }

    /// Prints what starts by itself when the client opens the session, whole.
    fn wakes(&mut self, manifest: &Manifest) {
        let Some(session) = &manifest.session else { return };
        let goal = session.goal.as_deref().map(|goal| text![format!("goal {goal}")]);
        let crons = session.crons.iter().map(|cron| {
            let often = if cron.recurring { "again and again" } else { "once" };
            text![format!("cron:{}  {}, {often}:  {}", cron.id, cron.schedule, cron.prompt)]
        });
        self.list("Starts", goal.into_iter().chain(crons).collect())
    }

    fn not_captured(&mut self, manifest: &Manifest) {
        let left = &manifest.not_captured;
        let mut lines = Vec::new();
        lines.extend(left.processes.iter().map(|command| text![format!("process: {}", cut(command, WIDE))]));
        lines.extend(
            left.scheduled.iter().map(|prompt| text![format!("scheduled prompt: {}", cut(prompt, WIDE))]),
        );
        lines.extend(left.mcp_servers.iter().map(|server| {
            let used = if server.used { ", used" } else { "" };
            text![format!("MCP server: {} ({}{used})", server.name, server.transport)]
        }));
        lines.extend(left.teams.iter().map(|team| text![format!("team: {}", cut(team, 2 * WIDE))]));
        lines.extend(left.others.iter().map(|what| text![what]));
        lines.extend(left.options.iter().map(|option| text![format!("option of the client: {option}")]));
        lines.extend(left.account.iter().map(|what| text![format!("of your account: {what}")]));
        lines.extend(left.environment.iter().map(|name| text![format!("environment variable: {name}")]));
        lines.extend(left.files.iter().map(|file| {
            text![
                Style::Warning.of(format!("file: {}", file.path)),
                format!("  ({})", program_name::in_words(&file.reason))
            ]
        }));
        self.list("Not saved", lines)
    }

    /// Prints a heading with its lines beside it; nothing if there are none.
    fn list(&mut self, heading: &str, lines: Vec<Text>) {
        for (number, line) in lines.iter().enumerate() {
            let heading = if number == 0 { heading } else { "" };
            self.put(text![Style::Faint.of(format!("{heading:HEADING$}")), line], HEADING);
        }
    }
}

fn task_line(task: &Value) -> Text {
    let subject = cut(task["subject"].as_str().unwrap_or("(no subject)"), WIDE);
    let id = Line(task["id"].as_str().unwrap_or("?")).to_string();
    let waits: Vec<String> = task["blockedBy"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|id| Line(id).to_string())
        .collect();
    let behind = if waits.is_empty() { String::new() } else { format!(", after {}", waits.join(", ")) };
    match task["status"].as_str() {
        Some("completed") => text![Style::Good.of("✔"), format!(" {id}. {subject}")],
        Some("in_progress") => {
            text![Style::Warning.of("▶"), format!(" {id}. {subject}  (in progress{behind})")]
        }
        Some("pending") => text![format!("◻ {id}. {subject}  (pending{behind})")],
        other => text![format!("? {id}. {subject}  ({})", other.unwrap_or("no status"))],
    }
}

fn state_of(session: &Session) -> String {
    let mut parts = vec![match (&session.status, &session.waiting_for) {
        (Some(_), Some(what)) => format!("waiting for {}", Line(what)),
        (Some(status), None) if session.background => format!("running in the background, {}", Line(status)),
        (Some(status), None) => format!("running, {}", Line(status)),
        (None, _) if session.live && session.background => "running in the background".to_owned(),
        (None, _) if session.live => "running".to_owned(),
        (None, _) => "not running".to_owned(),
    }];
    parts.extend(session.model.as_deref().map(|model| Line(model).to_string()));
    parts.extend(session.client.as_deref().map(|client| format!("client {}", Line(client))));
    parts.join(", ")
}
