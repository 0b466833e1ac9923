//! Leases around a resume: who else works on the snapshot, and a lease of one's own.
//!
//! A copy of this program (`snap lease`) does both without a terminal, so nothing can ask for a password and
//! no remote can delay a resume. Its answer is awaited for [`PATIENCE`]. It leaves the lease after that,
//! whatever happens to the resume. It runs only for a snapshot that this user has pushed or pulled, only on
//! that remote, and only after the user has agreed to the resume.

use std::cell::Cell;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::transfer;
use crate::workspace::Workspace;

/// How long a resume waits for a remote's answer. A variable overrides it.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_VARIABLE: &str = "SNAP_LEASE_MILLISECONDS";

/// The longest answer that is taken, in bytes.
const LONGEST_ANSWER: u64 = 4_096;

/// What the program says when the snapshot has been resumed.
pub(crate) const RESUMED: &str = "resumed";

/// A look at who works on a snapshot, under way.
pub(crate) struct LeaseCheck {
    remote: String,
    word: Option<ChildStdin>,
    /// What the remote says: who else works on it, an empty line for nobody, and nothing if it can't be asked.
    answer: Receiver<Option<String>>,
    answered: Cell<bool>,
    begun: Instant,
}

/// Begins to look for leases; `None` if this user has not exchanged the snapshot with a remote. The
/// store's log does not decide that, because it may have come with the project.
pub(crate) fn begin(context: &Context, workspace: &Workspace, manifest: &Manifest) -> Option<LeaseCheck> {
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
        let answered = read.is_ok_and(|bytes| bytes > 0);
        let _late = tell.send(answered.then(|| Line(line.trim()).to_string()));
    });
    Some(LeaseCheck { remote: peer, word, answer, answered: Cell::new(false), begun: Instant::now() })
}

impl LeaseCheck {
    /// Waits for the answer, if it comes in time: who else works on the snapshot.
    pub(crate) fn others(&self) -> Option<String> {
        let said = std::env::var(PATIENCE_VARIABLE).ok().and_then(|text| text.parse().ok());
        let patience = said.map_or(PATIENCE, Duration::from_millis);
        let left = patience.saturating_sub(self.begun.elapsed());
        let line = self.answer.recv_timeout(left).ok().flatten();
        self.answered.set(line.is_some());
        line.filter(|line| !line.is_empty())
    }

    /// Returns the remote, if it has answered.
    pub(crate) fn remote(&self) -> Option<&str> {
        self.answered.get().then_some(&self.remote)
    }

    /// Has the lease left, without waiting for it.
    pub(crate) fn leave(mut self) {
        if let Some(mut word) = self.word.take() {
            let _gone = word.write_all(RESUMED.as_bytes());
        }
    }
}

/// Returns the path of this very program.
pub(crate) fn current_program() -> Result<PathBuf> {
    std::env::current_exe()
        .map_err(|error| Error::new(Kind::Environment, "Cannot find this program").because(error))
}
