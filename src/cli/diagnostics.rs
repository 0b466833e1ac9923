//! Log lines about what the program does, for bug reports: `-v`, `-vv`, `SNAP_LOG` and `SNAP_LOG_FILE`.
//!
//! Owns the `tracing_subscriber` crate. Without one of these nothing listens, and spans cost nothing. Lines
//! go to standard error, or to a file of the user's own. Hooks write only to the file, because the client
//! shows their standard error. A line is made safe like all text. No line has the content of a file or a
//! conversation, nor a password in an address: see the callers (`base/monitor.rs`, `git/command.rs`).

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::OnceLock;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::fmt::time::uptime;
use tracing_subscriber::prelude::*;

use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::screen::Line;

/// Which spans and events are logged: `info`, `debug`, or targets with levels, such as
/// `snap::git=debug`.
const FILTER: &str = "SNAP_LOG";

/// Where the lines go instead of standard error.
const FILE: &str = "SNAP_LOG_FILE";

/// Whether lines go to standard error.
static ON_STANDARD_ERROR: OnceLock<bool> = OnceLock::new();

/// Says whether lines go to standard error: nothing else may draw there.
pub(super) fn on_standard_error() -> bool {
    ON_STANDARD_ERROR.get().copied().unwrap_or(false)
}

/// Starts logging, if somebody asked for it. `-v` logs phases, `-vv` also git commands.
///
/// # Errors
/// [`Kind::Usage`] for a filter that is none, [`Kind::Environment`] if the file can't be opened.
pub(super) fn start(verbose: u8) -> Result<()> {
    let file = variable(FILE);
    let usual = match verbose {
        0 if file.is_some() => Some("debug"),
        0 => None,
        1 => Some("info"),
        _ => Some("debug"),
    };
    let Some(filter) = variable(FILTER).or(usual.map(str::to_owned)) else { return Ok(()) };
    let filter: Targets = filter.parse().map_err(|error| {
        Error::new(Kind::Usage, format!("{FILTER}={} is no filter", Line(&filter)))
            .because(error)
            .hint(format!("write a level (info, debug), or targets with levels: {FILTER}=snap::git=debug"))
    })?;
    let file = file.map(|path| append(Path::new(&path))).transpose()?;
    let to_standard_error = file.is_none();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_timer(uptime())
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(move || Escaped { to: file.as_ref().and_then(|file| file.try_clone().ok()) });
    let _once = ON_STANDARD_ERROR.set(to_standard_error);
    // Only the first one counts, and there is no second.
    let _started = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
    Ok(())
}

/// The same in a hook, which logs only into a file.
pub(super) fn start_in_hook() {
    if variable(FILE).is_some() {
        // A hook fails for nothing.
        let _told_or_not = start(0);
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Opens a file that only its owner can read.
fn append(path: &Path) -> Result<File> {
    let opened = File::options().append(true).create(true).mode(0o600).open(path);
    opened.context("open", path)
}

/// Writes lines that are safe on a terminal.
struct Escaped {
    /// Standard error, if there is no file.
    to: Option<File>,
}

impl Write for Escaped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = escaped(bytes);
        match &mut self.to {
            Some(file) => file.write_all(text.as_bytes())?,
            None => io::stderr().write_all(text.as_bytes())?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn escaped(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(|line| format!("{}\n", Line(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_line_can_do_nothing_to_a_terminal() {
        let safe = escaped(b"git push \x1b[31mred\xff\nnext\n");
        assert!(!safe.contains('\u{1b}') && safe.ends_with("\nnext\n"), "{safe:?}");
    }
}
