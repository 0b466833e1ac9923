//! `snap space --feed`: who is at work, look after look, for `snap view`. It brings names and messages only, asks nobody for anything
//! and ends with whoever started it.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::SessionThere;
use crate::base::error::{Error, Result};
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::cli::companion;
use crate::cli::outcome::Outcome;
use crate::cli::output::Ui;
use crate::context::Context;
use crate::space::{Looker, Present};
use crate::workspace::Workspace;

/// How often is looked, as `snap follow` does.
const EVERY: Duration = Duration::from_secs(5);

/// How often at least, while the remote can't be reached.
const SLOWEST: Duration = Duration::from_secs(60);

/// After so many looks the remote is opened anew: what was fetched piles up until then.
const LOOKS: usize = 50;

/// One look.
#[derive(Serialize)]
struct Look<'a> {
    at: Timestamp,
    remote: &'a str,
    /// Why nothing could be seen.
    away: Option<String>,
    sessions: Vec<SessionThere<'a>>,
}

pub(super) fn run(
    context: &Context,
    workspace: &Workspace,
    (home, remote): (&Path, &str),
    ui: &mut Ui,
) -> Result<Outcome> {
    companion::stay_beside();
    // The next look is soon enough.
    let context = &Context { tries: Some(1), ..context.clone() };
    let mut pause = EVERY;
    loop {
        let mut silent = |_: &str| ();
        let mut looker = match Looker::open(context, workspace, (home, remote), false, &mut silent) {
            Ok(looker) => looker,
            Err(error) => {
                say(ui, (context.moment(), remote), Err(&error))?;
                std::thread::sleep(pause);
                pause = (pause * 2).min(SLOWEST);
                continue;
            }
        };
        for _ in 0..LOOKS {
            let looked = looker.look(context.moment());
            say(ui, (context.moment(), remote), looked.as_deref())?;
            pause = if looked.is_ok() { EVERY } else { (pause * 2).min(SLOWEST) };
            std::thread::sleep(pause);
        }
    }
}

fn say(
    ui: &mut Ui,
    (at, remote): (Timestamp, &str),
    looked: std::result::Result<&[Present], &Error>,
) -> Result<()> {
    let look = Look {
        at,
        remote,
        away: looked.err().map(|error| Line(&error.to_string()).to_string()),
        sessions: looked.unwrap_or_default().iter().map(SessionThere::of).collect(),
    };
    ui.print_json_line(&look)?;
    ui.flush()
}
