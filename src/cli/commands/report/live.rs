//! `snap report --live`: the running session as a page that follows it, on this machine alone.
//!
//! Nothing is saved in the store: the state is read into a folder of its own, which goes with the program. If
//! that is killed, the next one removes the folder.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::Monitor;
use crate::capture::{self, History, Request, Signing};
use crate::cli::commands::report::open::open;
use crate::cli::interrupted;
use crate::cli::output::Ui;
use crate::cli::output::snapshot_words::tasks;
use crate::cli::session_choice;
use crate::client::FoundSession;
use crate::context::Context;
use crate::report::{self, Choice, Live, Page, ReportRequest, Server, Shown};
use crate::sys::lasting_scratch::LastingScratch;
use crate::sys::signals;
use crate::workspace::Workspace;

/// How often the folder is removed while something is still written there.
const MOST_TRIES: usize = 100;

/// What is followed.
struct Followed<'a> {
    context: &'a Context,
    /// The workspace, with a store of its own.
    workspace: &'a Workspace,
    session: &'a FoundSession,
    choice: &'a Choice,
    allow: &'a [String],
    scratch: &'a Path,
}

/// Serves the page of the session that `snap save` would take, until the program is stopped.
///
/// # Errors
/// [`Kind::NotFound`] if there is none, [`Kind::Environment`] if nothing can be served.
pub(super) fn follow(
    context: &Context,
    choice: &Choice,
    allow: &[String],
    opens: bool,
    ui: &mut Ui,
) -> Result<()> {
    let scratch = LastingScratch::make()?;
    let doomed = scratch.path().to_owned();
    let _watch = signals::on_end(
        || false,
        move || {
            // A page that is being made may still be writing.
            let is_left = || fs::remove_dir_all(&doomed).is_err() && doomed.exists();
            let _tries = (0..MOST_TRIES).take_while(|_| is_left()).count();
        },
    )?;
    let own = Context { store: Some(scratch.path().join("store")), ..context.clone() };
    let workspace = Workspace::open(&own)?;
    let found = session_choice::find(&own, &workspace, None)?;
    let Some(session) = &found.session else {
        return Err(Error::new(Kind::NotFound, "There is no session to follow here")
            .hint("`snap report REF` makes a page of a snapshot"));
    };
    let followed =
        Followed { context: &own, workspace: &workspace, session, choice, allow, scratch: scratch.path() };
    // What can't be shown is said here, not only in the browser.
    followed.page()?;
    let server = Server::open()?;
    let address = server.address();
    ui.line(&address)?;
    ui.flush()?;
    interrupted::asks(|| None);
    ui.say("Only programs on this machine reach it, and only whoever knows the address. Ctrl-C ends it.");
    if opens {
        open(address.as_ref())?;
    }
    server.serve(&followed)
}

impl Shown for Followed<'_> {
    fn version(&self) -> Result<String> {
        let files = self.session.home.session_files(self.session, &self.workspace.root);
        let mut hash = DefaultHasher::new();
        let agents = files.agents.iter().flat_map(|agent| [&agent.transcript, &agent.meta]).flatten();
        for file in std::iter::once(&self.session.transcript).chain(agents).chain(&files.tasks) {
            let facts = file.metadata().ok();
            let changed = facts.as_ref().and_then(|facts| facts.modified().ok());
            (file, facts.map(|facts| facts.len()), changed).hash(&mut hash);
        }
        Ok(format!("{:016x}", hash.finish()))
    }

    fn page(&self) -> Result<Page> {
        let version = self.version()?;
        // The page is of the moment in which the conversation last grew.
        let grew = self.session.transcript.metadata().and_then(|facts| facts.modified());
        let now = grew.map_or(self.context.now, Into::into);
        let context = Context { now, ..self.context.clone() };
        let monitor = Monitor::default();
        let request = Request {
            history: History::Full,
            sign: Signing::No,
            allow_secrets: self.allow,
            ..Request::usual(Some(self.session), &self.context.settings, &monitor)
        };
        let manifest = capture::state(&context, self.workspace, &request)?;
        let all = tasks(&self.workspace.store, &manifest);
        let wanted = ReportRequest {
            manifest: &manifest,
            after: None,
            tasks: [&all, &[]],
            choice: self.choice,
            allow: self.allow,
        };
        let mut made = report::page(self.workspace, &wanted, self.scratch, &monitor)?.report;
        made.live = Some(Live { url: "status", version });
        Ok(made)
    }
}
