//! `snap lease`: a process that a resume starts, to see who else works on a snapshot and to leave a lease.

use std::io::Read as _;
use std::process::Command;

use clap::Args;

use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;
use crate::cli::outcome::Outcome;
use crate::cli::output::Ui;
use crate::cli::remotes::worked_on_by;
use crate::cli::restore_flow::{RESUMED, current_program};
use crate::context::Context;
use crate::git::Remote;
use crate::sys::process;
use crate::transfer::{self, Remotes};
use crate::workspace::Workspace;

/// Look who works on a snapshot, and leave a lease when told to (what `snap resume` runs)
#[derive(Args)]
pub(crate) struct Lease {
    /// Do it in this very process
    #[arg(long)]
    here: bool,
    remote: String,
    id: String,
}

impl Lease {
    /// Prints who else works on the snapshot, in one line. Waits on standard input for the word that it
    /// was resumed. Then leaves the lease.
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let Some(id) = SnapshotId::parse(&self.id) else {
            return Err(Error::new(Kind::Usage, format!("\"{}\" is not a snapshot's id", Line(&self.id))));
        };
        // Nobody hears of it from the process that goes on.
        Remote::check(workspace.repository.as_ref(), &context.cwd, &self.remote)?;
        if !self.here {
            // The one who resumes becomes the client, which waits for no stranger's end: the work
            // is done by a process that belongs to nobody.
            let mut again = Command::new(current_program()?);
            again.args(std::env::args_os().skip(1).take_while(|word| word != "--"));
            again.args(["--here", "--", &self.remote, &self.id]);
            again.spawn().map_err(|error| {
                Error::new(Kind::Environment, "Cannot run this program again").because(error)
            })?;
            return Ok(Outcome::Done);
        }
        process::leave_terminal();
        let mut silent = |_: &str| ();
        let mut remotes = Remotes::open(context, workspace, &self.remote, false, &mut silent)?;
        if !transfer::peer_of(context, &id).is_some_and(|peer| remotes.is(&peer)) {
            return Ok(Outcome::Done);
        }
        let Some(others) = remotes.others_at_work(&id)? else { return Ok(Outcome::Done) };
        let line = if others.is_empty() { String::new() } else { worked_on_by(context.now, &others) };
        // Whoever asked may have lost patience, and still wants the lease.
        let _closed = ui.line(&line).and_then(|()| ui.flush());
        let mut word = String::new();
        let _closed = std::io::stdin().take(64).read_to_string(&mut word);
        if word == RESUMED {
            remotes.lease(&id)?;
        }
        Ok(Outcome::Done)
    }
}
