//! Leases around a resume: looking who works on the snapshot, and leaving word of one's own work.
//!
//! A copy of this program does both, away from the terminal, so that nothing can ask for a
//! password and no remote can hold a resume up: the answer is awaited for [`PATIENCE`], and
//! the lease is left after that, whatever becomes of it. Only for a snapshot that this user
//! has pushed or pulled, on the remote that it was, and only when its resume was agreed to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use clap::Args;

use super::ui::Ui;
use super::{Outcome, remote};
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::sys::process;
use crate::transfer::{self, RemoteSession};
use crate::workspace::Workspace;

/// How long a resume waits for a remote's answer. A variable overrides it.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_VARIABLE: &str = "SNAP_LEASE_MILLISECONDS";

/// The longest answer that is taken, in bytes.
const LONGEST_ANSWER: u64 = 4_096;

/// What the program says when the snapshot has been resumed.
const RESUMED: &str = "resumed";

/// Look who works on a snapshot, and leave a lease when told to (what `snap resume` runs)
#[derive(Args)]
pub(super) struct Lease {
    /// Do it in this very process
    #[arg(long)]
    here: bool,
    remote: String,
    id: String,
}

impl Lease {
    /// Says on standard output who else works on the snapshot, in one line; waits for word on
    /// standard input that it was resumed; leaves the lease.
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
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
        let Some(id) = SnapshotId::parse(&self.id) else {
            return Err(Error::new(Kind::Usage, "That is no id of a snapshot"));
        };
        let mut silent = |_: &str| ();
        let mut remotes = RemoteSession::open(context, workspace, &self.remote, false, &mut silent)?;
        if !transfer::peer_of(context, &id).is_some_and(|peer| remotes.is(&peer)) {
            return Ok(Outcome::Done);
        }
        let Some(others) = remotes.others_at_work(&id)? else { return Ok(Outcome::Done) };
        let line = if others.is_empty() { String::new() } else { remote::at_work(context, &others) };
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

/// A look at who works on a snapshot, under way.
pub(super) struct Look {
    word: Option<ChildStdin>,
    answer: Receiver<String>,
    begun: Instant,
}

/// Begins to look; `None` if this user has not exchanged the snapshot with a remote. The store's log
/// is history and decides nothing: it can have come with the project.
pub(super) fn look(context: &Context, workspace: &Workspace, manifest: &Manifest) -> Option<Look> {
    let peer = transfer::peer_of(context, &manifest.id)?.remote;
    let mut command = Command::new(current_program().ok()?);
    command.arg("-C").arg(&context.cwd).arg("--store").arg(workspace.store.root());
    command.args(["lease", "--", &peer, manifest.id.as_str()]).env("SNAP_RETRY_TIMES", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let (word, output) = (child.stdin.take(), child.stdout.take()?);
    let _started = child.wait();
    let (tell, answer) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(output.take(LONGEST_ANSWER)).read_line(&mut line);
        // Nobody may listen any more.
        let _late = tell.send(read.map(|_| Line(line.trim()).to_string()).unwrap_or_default());
    });
    Some(Look { word, answer, begun: Instant::now() })
}

impl Look {
    /// Waits for the answer, if it comes in time: who else works on the snapshot.
    pub(super) fn others(&self) -> Option<String> {
        let said = std::env::var(PATIENCE_VARIABLE).ok().and_then(|text| text.parse().ok());
        let patience = said.map_or(PATIENCE, Duration::from_millis);
        let left = patience.saturating_sub(self.begun.elapsed());
        self.answer.recv_timeout(left).ok().filter(|line| !line.is_empty())
    }

    /// Has the lease left, without waiting for it.
    pub(super) fn leave(mut self) {
        if let Some(mut word) = self.word.take() {
            let _gone = word.write_all(RESUMED.as_bytes());
        }
    }
}

fn current_program() -> Result<PathBuf> {
    std::env::current_exe()
        .map_err(|error| Error::new(Kind::Environment, "Cannot find this program").because(error))
}
