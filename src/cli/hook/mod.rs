//! `snap hook EVENT`: what the client's hooks call.
//!
//! The first rule: a hook never breaks the agent and never holds it up. Whatever goes wrong here is one line
//! on standard error and one in a log, and the exit code is 0 (a client takes 2 for "stop"). Standard output
//! stays empty, except for the answer to `/snapshot`.

mod affected_trees;
mod after_answer;
mod checkpoint;
mod command;
mod left_by_agent;
mod lost_history;
mod marks;
mod not_held;
mod once;
mod rescue;
mod rules_files;
mod share;
mod this_machine;
mod unsaid;
mod waits_for_checkpoint;

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use clap::Args;

use self::after_answer::ToComplete;
use self::once::SameEvent;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::{self, Line, Lines};
use crate::base::timestamp::{Timestamp, parse_span};
use crate::cli::output::Ui;
use crate::cli::program_name;
use crate::client::{ClientHome, HookInput, shown_beside_the_step, shown_instead_of_asking};
use crate::context::Context;
use crate::space;
use crate::sys::files;
use crate::sys::place::Root;
use crate::sys::process;
use crate::workspace::Workspace;

/// The most that a hook reads: a tool's input can hold a whole file.
const LARGEST_INPUT: u64 = 64 << 20;

/// A log that is larger than this is begun again.
const LARGEST_LOG: u64 = 256 << 10;

/// What Claude Code's hooks call; `snap init` sets them up
#[derive(Args)]
pub(super) struct Hook {
    /// The client's name of the event, such as PreToolUse
    #[arg(value_name = "EVENT")]
    event: String,
    /// For Stop: at most one checkpoint in this time, such as 10m
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    every: Option<Duration>,
    /// Do what can wait: started by the hook itself
    #[arg(long, hide = true)]
    later: bool,
    /// The snapshots whose conversation is to be added, each with the sizes of its transcript and of its agents' ones
    #[arg(long, hide = true, value_name = "ID:BYTES:AGENTS", value_parser = ToComplete::parse, requires = "later")]
    complete: Vec<ToComplete>,
}

/// What a hook was started with.
struct Started {
    input: HookInput,
    raw: Vec<u8>,
    store: Option<PathBuf>,
}

impl Hook {
    /// Answers the event; always successful.
    pub(super) fn run(self, folder: Option<&Path>, store: Option<PathBuf>, ui: &mut Ui) -> ExitCode {
        let outcome = self.answer(folder, store.clone(), ui).and_then(|()| ui.flush());
        if let Err(error) = outcome
            && error.kind() != Kind::ClosedPipe
        {
            let line = format!("snap hook {}: {error}", self.event);
            ui.tell_line(&line);
            note(store.as_deref(), &line);
        }
        ExitCode::SUCCESS
    }

    fn answer(&self, folder: Option<&Path>, store: Option<PathBuf>, ui: &mut Ui) -> Result<()> {
        if self.later {
            process::leave_terminal();
        }
        let mut raw = Vec::new();
        std::io::stdin().take(LARGEST_INPUT).read_to_end(&mut raw).map_err(|error| {
            Error::new(Kind::Environment, "Cannot read what the client says").because(error)
        })?;
        let mut input = HookInput::parse(&raw).map_err(|why| {
            Error::new(Kind::Usage, "Cannot understand what the client says")
                .because(why)
                .hint("`snap hook` is called by Claude Code; `snap init` sets that up")
        })?;
        if let Some(folder) = folder {
            input.cwd = Some(folder.to_owned());
        }
        let started = Started { input, raw, store };
        let done = self.handle(&started, ui);
        if !self.later && space::state_after(&self.event).is_some() {
            // Last: what the client waits for has been said.
            ui.flush()?;
            return done.and(share::note(&started, &self.event));
        }
        done
    }

    fn handle(&self, started: &Started, ui: &mut Ui) -> Result<()> {
        match self.event.as_str() {
            "UserPromptSubmit" => {
                if let Some(text) = command::answer(started)? {
                    ui.value(&screen::json(&shown_instead_of_asking(&text).to_string()))?;
                }
                Ok(())
            }
            "PreToolUse" if self.later => after_answer::work(started, &self.complete),
            "PreToolUse" => {
                let told = checkpoint::before_tool(started)?;
                if !told.text.is_empty() {
                    // The client prints it as it is.
                    let text = Lines(&told.text).to_string();
                    ui.value(&screen::json(&shown_beside_the_step(&text).to_string()))?;
                    ui.flush()?;
                }
                told.error.map_or(Ok(()), Err)
            }
            "PermissionRequest" | "SubagentStop" => started.record(&self.event),
            "PreCompact" => self.checkpoint(started, "before compaction", Duration::ZERO),
            "SessionEnd" if self.later => self.checkpoint(started, "end of session", Duration::ZERO),
            "Stop" if self.later => self.checkpoint(started, "end of turn", self.every.unwrap_or_default()),
            // The client waits for these, for 1.5 s at its end: the work is done behind its back.
            "SessionEnd" => {
                started.tell_refused_store(ui)?;
                started.later(&["SessionEnd"], None)
            }
            "Stop" => {
                started.record("Stop")?;
                if self.every.is_some() {
                    started.tell_refused_store(ui)?;
                }
                match self.every {
                    Some(every) => {
                        started.later(&["Stop", "--every", &format!("{}s", every.as_secs())], None)
                    }
                    None => Ok(()),
                }
            }
            // An event of next month: nothing to do, and no reason to disturb anybody.
            _ => Ok(()),
        }
    }
}

impl Hook {
    fn checkpoint(&self, started: &Started, name: &str, pause: Duration) -> Result<()> {
        let save = || once::in_turn(started, || checkpoint::now(started, name, pause));
        once::once(started, &self.event, SameEvent::IfWaited, save).map(drop)
    }
}

impl Started {
    /// Reads the surroundings, as they are where the session works.
    fn context(&self) -> Result<Context> {
        let folder = self.input.cwd.as_deref().filter(|folder| folder.is_dir());
        let context = Context::from_environment(folder, self.store.clone())?;
        if let Some(wrong) = &context.settings_wrong {
            // Nothing that is wrong in them keeps a checkpoint from being made: the usual ones hold.
            note(self.store.as_deref(), &format!("snap hook: {wrong}"));
        }
        Ok(context)
    }

    /// Writes down what nothing but this event says, for a later save.
    fn record(&self, event: &str) -> Result<()> {
        let context = self.context()?;
        ClientHome::new(&context.config_dir, &context.home, None).record(event, &self.input, context.now)
    }

    /// Returns the transcript, once it exists.
    fn transcript(&self) -> Option<&str> {
        self.input.transcript_path.as_deref().filter(|path| path.is_file()).and_then(Path::to_str)
    }

    /// Says on the person's screen that no checkpoint can be made here, and why. A message from the
    /// background would not be seen.
    fn tell_refused_store(&self, ui: &mut Ui) -> Result<()> {
        if self.transcript().is_none() {
            return Ok(());
        }
        match Workspace::open(&self.context()?) {
            Err(error) if error.kind() == Kind::Refused => {
                let text = Lines(&format!("snap makes no checkpoints here: {error}")).to_string();
                ui.value(&screen::json(&shown_beside_the_step(&text).to_string()))?;
                ui.flush()
            }
            _ => Ok(()),
        }
    }

    /// Starts this program again for the work that can wait, with the same input and perhaps in another
    /// folder, and does not wait for it.
    fn later(&self, arguments: &[&str], folder: Option<&Path>) -> Result<()> {
        let failed =
            |error| Error::new(Kind::Environment, "Cannot start the work that can wait").because(error);
        let mut command = self.own_program(folder)?;
        command.arg("hook").args(arguments).arg("--later");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(failed)?;
        // Dropped when written: that is the end of the child's input.
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(&self.raw).map_err(failed)?;
        }
        Ok(())
    }

    /// Returns a command that runs this very program where the session works.
    fn own_program(&self, folder: Option<&Path>) -> Result<std::process::Command> {
        let program = std::env::current_exe()
            .map_err(|error| Error::new(Kind::Environment, "Cannot find this program").because(error))?;
        let mut command = std::process::Command::new(program);
        program_name::pass_on(&mut command);
        let folder = folder.or(self.input.cwd.as_deref());
        if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
            command.arg("-C").arg(folder);
        }
        if let Some(store) = &self.store {
            command.arg("--store").arg(store);
        }
        Ok(command)
    }
}

/// Writes a line where a person will find it: `snap-hooks.log` in the client's folder.
fn note(store: Option<&Path>, line: &str) {
    let Ok(context) = Context::from_environment(None, store.map(Path::to_owned)) else { return };
    let place = Root::own(&context.config_dir).at("snap-hooks.log");
    if place.stat().is_ok_and(|found| found.is_some_and(|found| found.size > LARGEST_LOG)) {
        let _best_effort = place.remove();
    }
    if let Ok(mut log) = files::append_private(&place) {
        let _best_effort = writeln!(log, "{} {}", Timestamp::now(), Line(line));
    }
}
