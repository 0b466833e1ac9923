//! `snap demo`: the main job, on a made-up project and session in a temporary folder.
//!
//! It runs the program itself, as a person would, in an environment of its own: no folder, setting or repository of the user's
//! is read or changed. What it claims in the end, it has compared.

mod project;
mod session;
mod stage;
mod tree;

use clap::Args;

use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::Ui;
use crate::cli::output::words::count;
use crate::context::Context;
use stage::Stage;
use tree::Tree;

/// The folder of the second clone, with a blank in its name as many have.
const CLONE: &str = "second clone";

/// Try it on a made-up project: save, wreck, rewind, resume in another clone
///
/// Makes a small repository with edits of every kind and a session with tasks, an agent, grants and a compaction, all in a
/// temporary folder with a home of its own, and removes it at the end. Each command is printed before it is run. Nothing of
/// yours is read or changed.
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap demo", "Watch it"),
    ("snap demo --keep", "Leave everything there, to play with"),
]))]
pub(crate) struct Demo {
    /// Leave the folder, and say how to work in it
    #[arg(long)]
    keep: bool,
    /// Start Claude Code in the second clone; by default you are asked, if it is installed
    ///
    /// It has the variables there that say how it reaches its model, but neither your settings nor your login.
    #[arg(long)]
    client: bool,
    /// Never prompt; don't start Claude Code unless --client is given
    #[arg(long)]
    no_input: bool,
}

impl Demo {
    pub(crate) fn run(self, context: &Context, ui: &mut Ui) -> Result<Outcome> {
        if ui.json() {
            return Err(Error::new(Kind::Usage, "`snap demo` has no JSON")
                .because("it is for people")
                .hint("leave out `--json`"));
        }
        let mut stage = Stage::open(ui, self.keep)?;
        let told = self.tell(&mut stage, context);
        // A folder that a failure has to be looked for in stays as well, if it was to stay.
        stage.close(self.keep)?;
        told
    }

    fn tell(&self, stage: &mut Stage<'_>, context: &Context) -> Result<Outcome> {
        let folder = Line(&stage.folder().to_string_lossy()).to_string();
        stage.say(&format!("A made-up project with a session of Claude Code, in {folder}. It is not yours: nothing of yours is read or changed."))?;
        project::make(stage)?;
        let (shop, clone) = (stage.shop(), stage.folder().join(CLONE));
        session::write(&shop, &stage.client_folder(), &[&shop, &clone], context.now)?;
        let saved = Tree::read(stage, &stage.shop())?;

        stage.chapter("An agent has changed files of every kind, and is not done:")?;
        stage.runs(&["git", "status", "--short"])?;

        stage
            .chapter("All of it is saved: the conversation, tasks, agents, grants, and each pending edit.")?;
        stage.runs(&["snap", "save", "before refactor", "-m", "prices are cents now"])?;
        stage.runs(&["snap", "list"])?;
        stage.runs(&["snap", "show"])?;
        stage.runs(&["snap", "diff", "--stat"])?;
        stage.runs(&["snap", "diff", "--", "src/price.py"])?;

        stage.chapter("Then somebody wrecks the work tree.")?;
        stage.runs(&["git", "reset", "-q", "--hard"])?;
        stage.runs(&["git", "clean", "-fdq"])?;
        stage.runs(&["rm", "-r", "src"])?;
        stage.runs(&["git", "status", "--short"])?;
        stage.chapter("`rewind` puts it back exactly as it was.")?;
        stage.runs(&["snap", "rewind", "--no-session"])?;
        stage.runs(&["git", "status", "--short"])?;
        self.compare(stage, &saved)?;

        stage.chapter(
            "The same in another clone, as on another machine: files, conversation, tasks and grants.",
        )?;
        stage.runs(&["snap", "export", "-o", "../moment.snap"])?;
        stage.runs(&["git", "clone", "-q", ".", &format!("../{CLONE}")])?;
        stage.enters(CLONE)?;
        stage.runs(&["snap", "import", "../moment.snap"])?;
        if self.wants_client(stage)? {
            stage.becomes_client(&["snap", "resume", "latest", "--grants", "all"])?;
            // What the client did there is its own.
        } else {
            stage.runs(&["snap", "resume", "latest", "--grants", "all", "--no-run"])?;
            stage.runs(&["git", "status", "--short"])?;
            self.compare(stage, &saved)?;
            stage.say("The last line of `resume` is what continues the conversation there; without `--no-run`, snap starts it.")?;
        }
        Ok(Outcome::Done)
    }

    /// Says whether the client is to be started, after asking if nobody has said.
    fn wants_client(&self, stage: &mut Stage<'_>) -> Result<bool> {
        if self.client {
            return Ok(true);
        }
        if self.no_input || !stage.has_client() {
            return Ok(false);
        }
        stage.asks("Claude Code is installed. Start it there, with this session? It does not know your login; leave it with /exit.")
    }

    /// Makes sure that a work tree is as it was when it was saved.
    fn compare(&self, stage: &mut Stage<'_>, saved: &Tree) -> Result<()> {
        let here = Tree::read(stage, stage.here())?;
        if let Some(path) = saved.first_difference(&here) {
            return Err(Error::new(Kind::Bug, "The demo's work tree is not as it was saved").because(path));
        }
        stage.praises(&format!(
            "Compared: {} and the index are as they were saved, byte for byte.",
            count(saved.files(), "file")
        ))
    }
}
