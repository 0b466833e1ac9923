//! `snap man`: the manual pages, made from the command line itself. Owns `clap_mangen`.

use std::io::{self, Write as _};

use clap::Args;
use clap::builder::Command;
use clap_mangen::roff::{Roff, bold, italic, roman};

use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::cli::completion::commands;
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::{Ui, output_error};

/// Print a manual page
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap man | man -l -", "Read the page of snap itself"),
    ("snap man resume | man -l -", "Read the page of `snap resume`"),
]))]
pub(crate) struct Man {
    /// The command; without one, the page of snap itself
    #[arg(value_name = "COMMAND", add = commands())]
    command: Option<String>,
}

/// What the program reads of its environment.
const ENVIRONMENT: [(&str, &str); 14] = [
    ("SNAP_STORE", "The store to use, as with --store."),
    ("SNAP_CONFIG", "The file with your settings, instead of snap.toml in your configuration folder."),
    ("SNAP_DIFF_THEME, SNAP_DIFF_…", "How a diff looks: `snap config` names each with its setting."),
    ("CLAUDE_CONFIG_DIR", "Where the client keeps its files, instead of ~/.claude."),
    ("CLAUDE_CODE_SESSION_ID", "The session that is saved; the client sets it in the commands that it runs."),
    ("SNAP_PAGER, PAGER", "The pager of long outputs; empty or `cat` for none."),
    ("NO_COLOR", "If set, no colours."),
    ("CLICOLOR", "If 0, no colours."),
    ("CLICOLOR_FORCE", "If set, colours also where there is no terminal."),
    ("TERM", "If `dumb`, no colours and no progress bar."),
    ("COLUMNS", "The width of the screen, instead of the terminal's own."),
    (
        "GIT_LFS_SKIP_SMUDGE",
        "If 1, a restore writes the pointers of Git LFS instead of asking for the files.",
    ),
    ("SNAP_RETRY_TIMES", "How often a remote that does not answer is tried (4)."),
    ("XDG_STATE_HOME", "The folder that holds snap/, the user's key and notes, instead of ~/.local/state."),
];

/// The files that it keeps and reads.
const FILES: [(&str, &str); 7] = [
    (".claude/snapshots/", "The store, in the main work tree: private to you, and ignored by git."),
    ("~/.config/snap/snap.toml", "Your settings, if you want other than the usual ones."),
    (
        ".claude/settings.json, settings.local.json",
        "The client's settings: `snap init` adds hooks, `snap resume --grants` adds rules.",
    ),
    (".claude/commands/snapshot.md", "The command /snapshot, made by `snap init`."),
    (
        ".claude/snapshot-rules.json, ~/.claude/snapshot-rules.json",
        "Which steps are saved before, and which are not.",
    ),
    ("~/.claude/snap-hooks.log", "What went wrong in hooks."),
    (
        "~/.local/state/snap/",
        "The key that marks your own snapshots, and secrets that were taken out of them.",
    ),
];

impl Man {
    pub(crate) fn run(self, mut snap: Command, ui: &mut Ui) -> Result<Outcome> {
        // Passes the global options on and names the commands in full.
        snap.build();
        let command = match &self.command {
            None => snap,
            Some(name) => {
                let found = snap.find_subcommand(name);
                found.cloned().ok_or_else(|| {
                    Error::new(Kind::Usage, format!("There is no command \"{}\"", Line(name)))
                        .hint("`snap help` lists them")
                })?
            }
        };
        let page = page(command).map_err(|error| output_error(&error))?;
        ui.output().write_all(&page).map_err(|error| output_error(&error))?;
        Ok(Outcome::Done)
    }
}

fn page(mut command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let usage = command.render_usage().to_string();
    let more = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string);
    let is_snap = command.has_subcommands();
    // An empty date would leave its place to what comes next.
    let version = concat!("snap ", env!("CARGO_PKG_VERSION"));
    let man = clap_mangen::Man::new(command).date(" ").source(version).manual("snap manual");
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    synopsis(&usage).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if is_snap {
        man.render_subcommands_section(&mut page)?;
    }
    sections(&more.unwrap_or_default()).to_writer(&mut page)?;
    list("ENVIRONMENT", &ENVIRONMENT).to_writer(&mut page)?;
    list("FILES", &FILES).to_writer(&mut page)?;
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    let snap = if is_snap { [roman(""), roman("")] } else { [bold("snap"), roman("(1), ")] };
    roff.text([&snap[..], &[bold("git"), roman("(1), "), bold("claude"), roman("(1)")]].concat());
    roff.to_writer(&mut page)?;
    Ok(page)
}

/// Sets the usage as `clap` prints it in a help.
fn synopsis(usage: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.control("nf", []);
    for line in usage.trim_start_matches("Usage:").lines() {
        roff.text([roman(line.trim())]);
    }
    roff.control("fi", []);
    roff
}

/// Sets what stands below the options in a help: paragraphs under headings, line by line as they are there.
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    for section in text.split("\n\n") {
        let mut lines = section.lines();
        let heading = lines.next().unwrap_or_default().trim_end_matches(':').to_uppercase();
        if heading.is_empty() {
            continue;
        }
        roff.control("SH", [heading.as_str()]);
        roff.control("nf", []);
        for line in lines {
            roff.text([roman(line.trim_start())]);
        }
        roff.control("fi", []);
    }
    roff
}

fn list(heading: &str, all: &[(&str, &str)]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    for (name, meaning) in all {
        roff.control("TP", []);
        roff.text([italic(*name)]);
        roff.text([roman(*meaning)]);
    }
    roff
}
