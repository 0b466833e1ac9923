//! The command line: which command runs with what, and which exit code comes back.
//!
//! Owns the `clap` crate. The one place where an error becomes an exit code.

mod args;
mod commands;
mod companion;
mod completion;
mod diagnostics;
mod disk_hints;
mod global;
mod help;
mod hook;
mod interrupted;
mod line_choice;
mod option_values;
mod outcome;
mod output;
mod pick;
mod program_name;
mod remotes;
mod restore_flow;
mod restored_sessions;
mod save_first;
mod session_choice;
mod unfinished;
mod upkeep;
mod usage;
mod wake_pusher;
mod ways;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::base::error::{Error, Kind, Result};
use crate::base::monitor;
use crate::base::screen::Line;
use crate::context::Context;
use crate::settings;
use crate::sys::signals;
use crate::view::Action;
use crate::workspace::Workspace;
use args::{Arguments, Command};
use disk_hints::Writes;
use global::Global;
use outcome::Outcome;
use output::Ui;
use output::words::quoted;

/// Runs the program on the process's own arguments.
pub fn main() -> ExitCode {
    if completion::answer(Arguments::line) {
        return ExitCode::SUCCESS;
    }
    let (Arguments { global, command }, to_choose) = match Arguments::typed() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are a success; a closed pipe is quiet there.
            let usage = if error.use_stderr() { Kind::Usage.exit_code() } else { 0 };
            let told = usage::tell(error).err().filter(|failed| failed.kind() != Kind::ClosedPipe);
            if let Some(failed) = told.filter(|_| usage == 0) {
                Ui::new(output::ColorChoice::Auto, false, false).error(&failed);
                return ExitCode::from(failed.kind().exit_code());
            }
            // The client takes exit code 2 for "stop": a hook that it calls in a way of tomorrow must not.
            if std::env::args_os().nth(1).is_some_and(|word| word == "hook") {
                return ExitCode::SUCCESS;
            }
            return ExitCode::from(usage);
        }
    };
    let mut ui = Ui::new(global.color, global.quiet, global.json);
    let store = global.store.clone().or_else(|| std::env::var_os("SNAP_STORE").map(PathBuf::from));
    let store = store.filter(|folder| !folder.as_os_str().is_empty());
    let Some(command) = command.or_else(|| status_of_a_project(global.folder.as_deref())) else {
        // As if a command had been required: the help, on standard error.
        let error =
            Arguments::line().arg_required_else_help(true).try_get_matches_from([program_name::SHORT]).err();
        let _closed = error.map(usage::tell);
        return ExitCode::from(Kind::Usage.exit_code());
    };
    signals::outlive_file_limit();
    if let Command::Hook(command) = command {
        diagnostics::start_in_hook();
        return command.run(global.folder.as_deref(), store, &mut ui);
    }
    at_first(&command);
    let writes = writes(&command);
    interrupted::watch(global.color);
    let outcome = diagnostics::start(global.verbose).and_then(|()| {
        let _whole = monitor::whole_command();
        let typed = Typed { command, to_choose, global: &global };
        run(typed, store.clone(), &mut ui)
    });
    let outcome = outcome.map_err(|error| match (error.trashed(), error.disk()) {
        (None, None) => error,
        _ => with_what_helps(error, writes, &global, store),
    });
    // By then, all else is done.
    let flushed = |ui: &mut Ui| ui.flush().map_err(|error| error.hint("the command itself was carried out"));
    match outcome.and_then(|outcome| flushed(&mut ui).map(|()| outcome)) {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(error) if error.kind() == Kind::ClosedPipe => ExitCode::from(Kind::ClosedPipe.exit_code()),
        Err(error) => match interrupted::instead_of(error) {
            Some(error) => {
                ui.error(&error);
                ExitCode::from(error.kind().exit_code())
            }
            None => ExitCode::from(Kind::Interrupted.exit_code()),
        },
    }
}

/// Says what brings back what is in the trash, and what helps where nothing can be written.
fn with_what_helps(error: Error, writes: Writes, global: &Global, store: Option<PathBuf>) -> Error {
    let context = Context::from_environment(global.folder.as_deref(), store);
    match context.and_then(|context| Ok((Workspace::open(&context)?, context))) {
        Ok((workspace, context)) => {
            let named = global.store.as_ref().map(|store| quoted(&store.to_string_lossy()));
            let error = ways::with_way_back(error, &workspace);
            disk_hints::with_what_helps(error, writes, named.as_deref(), &context, &workspace)
        }
        Err(_) => error,
    }
}

fn writes(command: &Command) -> Writes {
    match command {
        Command::Save(_) | Command::Import(_) | Command::Pull(_) => Writes::Snapshots,
        Command::Init(_) => Writes::Settings,
        _ => Writes::Else,
    }
}

/// Notes what is said if the command is interrupted before it has said anything itself.
fn at_first(command: &Command) {
    match command {
        // Nothing else ends these.
        Command::Follow(_) | Command::Hook(_) => interrupted::asks(|| None),
        Command::Pin(_)
        | Command::Unpin(_)
        | Command::Close(_)
        | Command::Reopen(_)
        | Command::Branch(_)
        | Command::Link(_)
        | Command::Init(_)
        | Command::Lease(_)
        | Command::Pull(_)
        | Command::Sync(_)
        | Command::Doctor(_) => interrupted::says(interrupted::IN_PART),
        Command::Verify(command) if command.repairs() => interrupted::says(interrupted::IN_PART),
        // A file of theirs gets its name when it is whole.
        Command::Export(command) if command.is_to_a_file() => interrupted::says("no file was written"),
        Command::Export(_) => interrupted::says("what was written is no whole snapshot"),
        Command::Report(_) => interrupted::says("no file was written"),
        _ => interrupted::says(interrupted::NOTHING),
    }
}

/// Returns what `snap` alone does inside a project.
fn status_of_a_project(folder: Option<&std::path::Path>) -> Option<Command> {
    let here = folder.unwrap_or(std::path::Path::new(".")).canonicalize().ok()?;
    let is_in_git = || here.ancestors().any(|folder| folder.join(".git").exists());
    // Outside git, only the folder itself is the project.
    let has_snapshots = || here.join(".claude").join("snapshots").is_dir();
    (is_in_git() || has_snapshots()).then(|| Command::Status(Default::default()))
}

/// What was typed.
struct Typed<'a> {
    command: Command,
    /// For what a snapshot is to be chosen, where one can be asked.
    to_choose: Option<Action>,
    global: &'a Global,
}

/// Refuses a global option that would change nothing, or says so: nobody is to believe that it did.
fn refuse_unused(command: &Command, global: &Global, ui: &mut Ui) -> Result<()> {
    let (name, is_text) = match command {
        Command::Man(_) => ("man", true),
        Command::Completions(_) => ("completions", true),
        Command::Config(_) => ("config", false),
        Command::Demo(_) => ("demo", false),
        _ => return Ok(()),
    };
    if is_text && global.json {
        return Err(Error::new(Kind::Usage, format!("`snap {name}` has no JSON"))
            .because(if name == "man" { "it prints a manual page" } else { "it prints a script" })
            .hint("leave out `--json`"));
    }
    if global.store.is_some() {
        ui.warn(&format!("`snap {name}` uses no store, so `--store` changes nothing"));
    }
    Ok(())
}

fn run(typed: Typed<'_>, store: Option<PathBuf>, ui: &mut Ui) -> Result<Outcome> {
    let Typed { command, to_choose, global } = typed;
    refuse_unused(&command, global, ui)?;
    // These two are about the command line itself, and need no folder.
    let command = match command {
        Command::Completions(command) => return command.run(ui),
        Command::Man(command) => return command.run(Arguments::line(), ui),
        other => other,
    };
    let context = Context::from_environment(global.folder.as_deref(), store)?;
    if let Command::Config(command) = command {
        return command.run(&context, ui);
    }
    if let Some(wrong) = &context.settings_wrong {
        return Err(wrong.clone());
    }
    output::pager::set_usual(context.settings.text(settings::PAGER));
    if let Some(own) = to_choose.filter(|_| pick::can_ask(ui))
        && let Some(outcome) = pick::choose(&context, own, global, ui)?
    {
        return Ok(outcome);
    }
    // These open a workspace of their own choice.
    let command = match command {
        Command::Demo(command) => return command.run(&context, ui),
        Command::Resume(command) => return command.run(&context, ui),
        Command::Diff(command) => return command.run(&context, ui),
        other => other,
    };
    if let Some(store) = context.store.as_ref().filter(|store| !store.is_dir())
        && !matches!(command, Command::Save(_) | Command::Import(_) | Command::Pull(_))
    {
        let error = Error::new(Kind::NotFound, format!("There is no store in {}", store.display()));
        return Err(match global.store {
            Some(_) => error.hint("`--store` takes a folder that `snap save` has written to"),
            None => error
                .because("the variable SNAP_STORE names that folder")
                .hint("correct it, or `unset SNAP_STORE` to use the store of this project"),
        });
    }
    if let Some(store) = context.store.as_ref().filter(|store| global.store.is_none() && !store.is_dir()) {
        ui.warn(&format!(
            "the variable SNAP_STORE names {}, where there is no store yet: this makes one",
            Line(&store.to_string_lossy())
        ));
    }
    let workspace = Workspace::open(&context)?;
    if context.store.is_some() && !matches!(command, Command::Save(_) | Command::Import(_) | Command::Pull(_))
    {
        workspace.store.refuse_other_folder()?;
    }
    match &command {
        Command::Save(_)
        | Command::Branch(_)
        | Command::Merge(_)
        | Command::Rewind(_)
        | Command::Undo(_)
        | Command::Redo(_)
        | Command::Import(_)
        | Command::Pull(_) => upkeep::settle(&context, &workspace, ui)?,
        // What frees space, or only looks, works beside a restore that can't be settled.
        Command::Prune(_) | Command::Rm(_) | Command::Verify(_) => {
            upkeep::settle(&context, &workspace, ui).unwrap_or_else(|error| ui.error(&error));
        }
        Command::List(_) | Command::Show(_) => upkeep::warn_of_cut_off(&workspace, ui),
        _ => {}
    }
    let outcome = match command {
        Command::Save(command) => command.run(&context, &workspace, ui),
        Command::Status(command) => command.run(&context, &workspace, ui),
        Command::List(command) => command.run(&context, &workspace, ui),
        Command::Show(command) => command.run(&context, &workspace, ui),
        Command::View(command) => match command.run(&context, &workspace, ui)? {
            Some(picked) => Err(pick::go_on(global, &picked)),
            None => Ok(Outcome::Done),
        },
        Command::Rewind(command) => command.run(&context, &workspace, ui),
        Command::Undo(command) => command.run(&context, &workspace, ui),
        Command::Redo(command) => command.run(&context, &workspace, ui),
        Command::Report(command) => command.run(&context, &workspace, ui),
        Command::Export(command) => command.run(&context, &workspace, ui),
        Command::Import(command) => command.run(&context, &workspace, ui),
        Command::Push(command) => command.run(&context, &workspace, ui),
        Command::Pull(command) => command.run(&context, &workspace, ui),
        Command::Branch(command) => command.run(&context, &workspace, ui),
        Command::Merge(command) => command.run(&context, &workspace, ui),
        Command::Close(command) => command.run(&context, &workspace, ui),
        Command::Reopen(command) => command.run(&context, &workspace, ui),
        Command::Sync(command) => command.run(&context, &workspace, ui),
        Command::Space(command) => command.run(&context, &workspace, ui),
        Command::Follow(command) => command.run(&context, &workspace, ui),
        Command::Link(command) => command.run(&workspace, ui),
        Command::Log(command) => command.run(&context, &workspace, ui),
        Command::Pin(command) => command.run(&context, &workspace, ui),
        Command::Unpin(command) => command.run(&context, &workspace, ui),
        Command::Rm(command) => command.run(&context, &workspace, ui),
        Command::Prune(command) => command.run(&context, &workspace, ui),
        Command::Verify(command) => command.run(&context, &workspace, ui),
        Command::Doctor(command) => command.run(&context, &workspace, ui),
        Command::Init(command) => command.run(&context, &workspace, ui),
        Command::Lease(command) => command.run(&context, &workspace, ui),
        // Answered above.
        Command::Completions(_)
        | Command::Config(_)
        | Command::Man(_)
        | Command::Demo(_)
        | Command::Resume(_)
        | Command::Diff(_)
        | Command::Hook(_) => Ok(Outcome::Done),
    };
    upkeep::warn_of_passed_over(&workspace.store, ui);
    outcome
}
