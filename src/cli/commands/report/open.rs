//! Opens a page with the program that the system has for it.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::base::error::{Error, Kind, Result};
use crate::sys::programs::Programs;

/// The programs that open things, on all systems; the first one that is there is taken.
const OPENERS: [&str; 2] = ["xdg-open", "open"];

/// Opens a file or an address, without waiting for the end of that.
///
/// # Errors
/// [`Kind::Environment`] if the system has no such program.
pub(super) fn open(what: &OsStr) -> Result<()> {
    // Never one that lies in a project.
    let programs = Programs::around(&[]);
    for program in OPENERS.into_iter().filter_map(|opener| programs.find(opener)) {
        let words = programs.start(&program);
        let Some((first, more)) = words.split_first() else { continue };
        let mut command = Command::new(first);
        command.args(more).arg(what).env("PATH", programs.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if command.spawn().is_ok() {
            return Ok(());
        }
    }
    Err(Error::new(Kind::Environment, "Cannot open it")
        .because("there is neither `xdg-open` nor `open` here"))
}
