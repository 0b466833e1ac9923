//! Opens a page with the program that the system has for it.

use std::ffi::OsStr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::sys::programs::Programs;

/// The programs that open things, on all systems; the first one that is there is taken.
const OPENERS: [&str; 2] = ["xdg-open", "open"];

/// How long such a program may take to say that it found no browser. One that runs longer has become the browser.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is looked whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// Opens a file or an address, without waiting for the end of that.
///
/// # Errors
/// [`Kind::Environment`] if the system has no such program, or that finds no browser.
pub(super) fn open(what: &OsStr) -> Result<()> {
    let shown = Line(&what.to_string_lossy()).to_string();
    let cannot = |cause: String| {
        Error::new(Kind::Environment, "Cannot open the page: no browser was found")
            .because(cause)
            .hint(format!("open it yourself: {shown}"))
    };
    // Never one that lies in a project.
    let programs = Programs::around(&[]);
    for (name, program) in OPENERS.into_iter().filter_map(|name| Some((name, programs.find(name)?))) {
        let words = programs.start(&program);
        let Some((first, more)) = words.split_first() else { continue };
        let mut command = Command::new(first);
        command.args(more).arg(what).env("PATH", programs.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(mut opener) = command.spawn() else { continue };
        return match failure(&mut opener) {
            None => Ok(()),
            Some(status) => Err(cannot(format!("`{name}` ended with {status}"))),
        };
    }
    Err(cannot("there is neither `xdg-open` nor `open` here".to_owned()))
}

/// Returns how a program has failed, if it does so at once.
fn failure(opener: &mut Child) -> Option<ExitStatus> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match opener.try_wait() {
            Ok(Some(status)) => return Some(status).filter(|status| !status.success()),
            Ok(None) => std::thread::sleep(PAUSE),
            Err(_) => return None,
        }
    }
    None
}
