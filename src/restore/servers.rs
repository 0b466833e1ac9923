//! Whether the MCP servers that a session used are ready here: defined, the command found, the address answering.
//!
//! Only what is configured here is looked at, never what a snapshot says of a server; for somebody else's snapshot not
//! the project's own files either, which it may have brought. An address is connected to and let go of: nothing is sent.
//! All of it runs beside the restore, and nothing waits longer than [`PATIENCE`].

use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::RestorePlan;
use crate::client::{Server, Transport};
use crate::sys::connect;
use crate::sys::programs::Programs;
use crate::trust::Provenance;
use crate::workspace::Workspace;

/// How long all addresses together may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The transport of a server that nothing defined where it was used.
const UNKNOWN: &str = "unknown";

/// The most servers that are looked at.
const MOST: usize = 50;

/// How a server of the session stands here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerStanding {
    /// Its name.
    pub name: String,
    /// `stdio`, `http`, …, as it is defined here, else as it was saved.
    pub transport: String,
    /// Whether it is.
    #[serde(flatten)]
    pub readiness: Readiness,
}

/// Whether a server is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", content = "why", rename_all = "lowercase")]
pub enum Readiness {
    /// It is defined; its command is there, or its address answers.
    Ready,
    /// It is not, and why.
    Missing(&'static str),
    /// It is defined, and more is not known, and why.
    Unchecked(&'static str),
}

/// Looks that are under way.
pub struct ServerChecks {
    standings: Vec<ServerStanding>,
    answers: Receiver<usize>,
    open: usize,
    until: Instant,
}

impl ServerChecks {
    /// Begins to look at the servers that a plan's session used; `contact`: also at their addresses.
    pub fn begin(workspace: &Workspace, plan: &RestorePlan, contact: bool) -> ServerChecks {
        let own = matches!(plan.provenance(), Provenance::Own);
        let (sender, answers) = mpsc::channel();
        let mut checks =
            ServerChecks { standings: Vec::new(), answers, open: 0, until: Instant::now() + PATIENCE };
        let used: Vec<_> =
            plan.manifest().not_captured.mcp_servers.iter().filter(|server| server.used).collect();
        let Some(session) = plan.session().filter(|_| !used.is_empty()) else { return checks };
        let here = workspace.client.servers(&workspace.root, &session.cwd, &mut Vec::new());
        let programs = Programs::around(&[&session.cwd]);
        for saved in used.into_iter().take(MOST) {
            let found = here.iter().find(|server| server.name == saved.name);
            let number = checks.standings.len();
            let readiness = match found {
                None if saved.transport == UNKNOWN => {
                    Readiness::Unchecked("no file that is read defines it: a plugin or an account may")
                }
                None => Readiness::Missing("it is not configured here"),
                Some(server) if !own && !server.users_own => {
                    Readiness::Unchecked("a file of the project defines it, and the snapshot is not yours")
                }
                Some(Server { reach: Transport::Address(address), .. }) if contact => {
                    match connect::host_and_port(address).filter(|_| !address.contains("${")) {
                        None => Readiness::Unchecked("its address is made of variables, or of no known kind"),
                        Some((host, port)) => {
                            let sender = sender.clone();
                            let look = move || {
                                if connect::answers(&host, port) {
                                    // Whoever asked may have gone on.
                                    sender.send(number).ok();
                                }
                            };
                            checks.open += usize::from(thread::Builder::new().spawn(look).is_ok());
                            Readiness::Missing("its address does not answer")
                        }
                    }
                }
                Some(server) => standing_of(server, &programs),
            };
            let transport = found.map_or(&saved.transport, |server| &server.transport).clone();
            checks.standings.push(ServerStanding { name: saved.name.clone(), transport, readiness });
        }
        checks
    }

    /// Returns how they stand, waiting for what is under way.
    pub fn finish(mut self) -> Vec<ServerStanding> {
        while self.open > 0 {
            let left = self.until.saturating_duration_since(Instant::now());
            let Ok(number) = self.answers.recv_timeout(left) else { break };
            self.standings[number].readiness = Readiness::Ready;
            self.open -= 1;
        }
        self.standings
    }
}

fn standing_of(server: &Server, programs: &Programs) -> Readiness {
    match &server.reach {
        Transport::Command(command) if command.contains("${") => {
            Readiness::Unchecked("its command is made of variables")
        }
        Transport::Command(command) if programs.client_finds(command) => Readiness::Ready,
        Transport::Command(_) => Readiness::Missing("its command is not on the PATH"),
        Transport::Address(_) => Readiness::Unchecked("its address was not contacted"),
        Transport::Unknown => Readiness::Unchecked("how it is reached is not known"),
    }
}
