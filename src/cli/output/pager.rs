//! Where a long output goes: to standard output as it is, or to a pager on a terminal.
//!
//! Writes to the descriptor itself, in large blocks, the first one at once. If the reader goes away, that is
//! an error of kind `ClosedPipe`, which ends the work behind it. Owns the width of the screen.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use crate::base::error::Result;
use crate::compare::broken;
use crate::sys::programs::Programs;
use crate::sys::signals::LeftToPager;
use crate::sys::{hangup, process};

/// Is set for a pager, so that one that is this program starts no other.
const IN_USE: &str = "SNAP_PAGER_IN_USE";

/// How much is written at once.
const BLOCK: usize = 64 << 10;

/// The receiver of a long output.
pub(crate) struct Sheet {
    to: Option<File>,
    pager: Option<Child>,
    /// Whether the person has left it.
    left: Arc<AtomicBool>,
    /// Ctrl-C is the pager's as long as it is there.
    _ctrl_c: Option<LeftToPager>,
    buffer: Vec<u8>,
    /// Whether anything was written.
    pub(crate) written: bool,
    /// Whether an empty line at the very beginning is only the line above each file.
    pub(crate) trims: bool,
}

impl Sheet {
    /// Opens standard output, behind a pager if it is a terminal and `paged`.
    pub(crate) fn open(paged: bool) -> Result<Sheet> {
        let mut sheet = Sheet {
            to: None,
            pager: None,
            left: Arc::default(),
            _ctrl_c: None,
            buffer: Vec::new(),
            written: false,
            trims: true,
        };
        if paged && io::stdout().is_terminal() {
            sheet._ctrl_c = LeftToPager::begin();
            sheet.pager = start_pager();
            if let Some(pager) = &sheet.pager {
                sheet.left = end_with_terminal(pager.id());
            }
        }
        sheet.to = match sheet.pager.as_mut().and_then(|pager| pager.stdin.take()) {
            Some(input) => Some(File::from(std::os::fd::OwnedFd::from(input))),
            None => {
                let fd = io::stdout().as_fd().try_clone_to_owned().map_err(|error| broken(&error))?;
                Some(File::from(fd))
            }
        };
        Ok(sheet)
    }

    /// Takes a block; the first is written at once.
    pub(crate) fn block(&mut self, block: &[u8]) -> Result<()> {
        let first = !self.written && self.buffer.is_empty();
        // Files have an empty line above them, but for the first.
        let trimmed = block.strip_prefix(b"\n").filter(|_| first && self.trims);
        let block = trimmed.unwrap_or(block);
        self.buffer.extend_from_slice(block);
        if first || self.buffer.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    /// Writes what there is.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.written = true;
        if let Some(to) = &mut self.to {
            to.write_all(&self.buffer).map_err(|error| broken(&error))?;
        }
        self.buffer.clear();
        Ok(())
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        let _closed = self.flush();
        // Its input ends; it goes on until the person leaves it.
        self.to = None;
        if let Some(mut pager) = self.pager.take() {
            let _left = pager.wait();
            // From now on its number may be another process's.
            self.left.store(true, Ordering::SeqCst);
        }
    }
}

/// Ends a pager when its terminal is gone: `less` would wait for keys for ever. Returns where it is noted that it has ended.
fn end_with_terminal(pager: u32) -> Arc<AtomicBool> {
    let left = Arc::new(AtomicBool::new(false));
    let has_ended = Arc::clone(&left);
    if let Ok(terminal) = io::stdout().as_fd().try_clone_to_owned() {
        hangup::on_hangup(terminal, move || {
            if !has_ended.load(Ordering::SeqCst) {
                process::with_children(pager).into_iter().for_each(process::kill);
            }
        });
    }
    left
}

/// The pager of the user's settings.
static USUAL: OnceLock<OsString> = OnceLock::new();

/// Takes the pager of the user's settings, if they name one, for the whole run.
pub(crate) fn set_usual(pager: Option<&str>) {
    if let Some(pager) = pager {
        let _first = USUAL.set(pager.into());
    }
}

/// Starts `$SNAP_PAGER`, the pager of the user's settings, `$PAGER` or `less`; `None` if there is none or it is `cat`.
fn start_pager() -> Option<Child> {
    // A terminal that can't move its cursor has no pages.
    if std::env::var_os(IN_USE).is_some() || std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return None;
    }
    let programs = Programs::around(&[]);
    let named =
        std::env::var_os("SNAP_PAGER").or_else(|| USUAL.get().cloned()).or_else(|| std::env::var_os("PAGER"));
    let mut command = match named {
        Some(name) if name.is_empty() || name == "cat" => return None,
        Some(name) if is_missing(&name, &programs) => return None,
        Some(name) => {
            let mut shell = Command::new("/bin/sh");
            shell.arg("-c").arg(name);
            shell
        }
        None => Command::new(programs.find("less")?),
    };
    command
        .env("PATH", programs.path())
        .env(IN_USE, "1")
        .env("LESS", options_of_less(std::env::var_os("LESS")));
    let speaks = ["LESSCHARSET", "LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some());
    if !speaks {
        // Nobody said what the terminal speaks; what we write is UTF-8.
        command.env("LESSCHARSET", "utf-8");
    }
    command.stdin(Stdio::piped()).spawn().ok()
}

/// Returns the options for `less`: quit if the text fits, keep colours and the screen. If the user has
/// options of their own, they are used, with colours added.
fn options_of_less(own: Option<std::ffi::OsString>) -> std::ffi::OsString {
    let Some(own) = own else { return "FRX".into() };
    let shown = own.to_string_lossy();
    let words = shown.split_whitespace().filter(|word| !word.starts_with("--"));
    let colors = shown.contains("-color-chars")
        || shown.to_ascii_lowercase().contains("--raw-control-chars")
        || words.enumerate().any(|(at, word)| {
            let letters = word.strip_prefix('-').or((at == 0).then_some(word)).unwrap_or_default();
            letters
                .chars()
                .take_while(|letter| !"DPTtkoO\"#".contains(*letter))
                .any(|letter| "rR".contains(letter))
        });
    match () {
        () if colors => own,
        () if shown.is_empty() || shown.starts_with('-') => {
            [std::ffi::OsStr::new("-R "), &own].into_iter().collect()
        }
        () => [std::ffi::OsStr::new("R"), &own].into_iter().collect(),
    }
}

/// Says whether a pager's program is missing. Then the output goes without a pager, and is not lost.
fn is_missing(command: &std::ffi::OsStr, programs: &Programs) -> bool {
    let Some(command) = command.to_str() else { return false };
    let for_a_shell = command.contains(|c: char| "$`'\"\\|&;<>(){}*?[]~=#!\n".contains(c));
    let Some(first) = command.split_whitespace().next().filter(|_| !for_a_shell) else { return false };
    if first.contains('/') { !std::path::Path::new(first).is_file() } else { programs.find(first).is_none() }
}

/// Returns the width of the screen in columns: `$COLUMNS`, the terminal's, or 80.
pub(crate) fn screen_width() -> usize {
    width_of(io::stdout()).unwrap_or(80)
}

/// Returns the width of a terminal in columns: `$COLUMNS`, or what it says itself.
pub(super) fn width_of(terminal: impl std::os::fd::AsFd) -> Option<usize> {
    let stated = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let seen = || rustix::termios::tcgetwinsize(terminal).ok().map(|size| usize::from(size.ws_col));
    stated.or_else(seen).filter(|width| *width > 0)
}

/// Returns the height of the screen in lines: `$LINES`, the terminal's, or 24.
pub(crate) fn screen_height() -> usize {
    let stated = std::env::var("LINES").ok().and_then(|lines| lines.parse().ok());
    let seen = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_row));
    stated.or_else(seen).filter(|height| *height > 0).unwrap_or(24)
}

/// How long an input may be empty before it counts as resting: a program that writes on needs less.
const MOMENT: Duration = Duration::from_millis(1);

/// Says whether nothing can be read from standard input right now, and for a moment nothing came.
pub(crate) fn input_rests() -> bool {
    // What can't be asked is a file, which never rests.
    let is_empty = || rustix::io::ioctl_fionread(io::stdin()).is_ok_and(|bytes| bytes == 0);
    is_empty() && {
        thread::sleep(MOMENT);
        is_empty()
    }
}

/// Says whether something was typed on a terminal and not yet read.
pub(crate) fn has_input(terminal: impl std::os::fd::AsFd) -> bool {
    rustix::io::ioctl_fionread(terminal).is_ok_and(|bytes| bytes > 0)
}

/// Says whether this program may use the terminal. In the background it would be stopped.
pub(crate) fn is_in_front(terminal: impl std::os::fd::AsFd) -> bool {
    rustix::termios::tcgetpgrp(terminal).is_ok_and(|front| front == rustix::process::getpgrp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_keeps_colours_whatever_else_it_is_told() {
        for (own, wanted) in [
            (None, "FRX"),
            (Some(""), "-R "),
            (Some("FX"), "RFX"),
            (Some("-M -i"), "-R -M -i"),
            (Some("-R"), "-R"),
            (Some("FRX"), "FRX"),
            (Some("-iMr"), "-iMr"),
            (Some("-x4 -PR"), "-R -x4 -PR"),
            (Some("--RAW-CONTROL-CHARS -i"), "--RAW-CONTROL-CHARS -i"),
        ] {
            assert_eq!(options_of_less(own.map(Into::into)), wanted);
        }
    }
}
