//! The one error type: what failed, why, and what to do next.
//!
//! Owns the kinds and their exit codes (`docs/exit-codes.md` lists them). An error has at most three
//! sentences: the message ("Cannot read PATH"), the cause, and a hint that names the next step. If it is
//! about many things, they are a list, one on each line. It carries no back trace and wraps no foreign type,
//! so it prints the same everywhere.

use std::fmt::{self, Display};
use std::io;
use std::path::{Path, PathBuf};

use crate::base::ids::SnapshotId;
use crate::base::screen;

/// The result of anything in this library that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What class of failure happened; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line makes no sense.
    Usage,
    /// No such snapshot, session or folder.
    NotFound,
    /// A reference fits several snapshots.
    Ambiguous,
    /// Possible, but not allowed as asked.
    Refused,
    /// The work tree holds something else than expected; nothing was changed.
    Conflict,
    /// Stored bytes are not what they should be.
    Damaged,
    /// Written by a later version of `snap`.
    NewerFormat,
    /// git, the disk or permissions stand in the way.
    Environment,
    /// Another `snap` was at work for longer than one waits.
    Busy,
    /// A person ended it, as with Ctrl-C.
    Interrupted,
    /// The reader of our output went away; not a failure.
    ClosedPipe,
    /// `snap` itself is wrong.
    Bug,
}

impl Kind {
    /// Returns the process exit code of this kind, as listed in `docs/exit-codes.md`.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::ClosedPipe => 0,
            Kind::Usage => 2,
            Kind::NotFound | Kind::Ambiguous | Kind::Refused => 3,
            Kind::Conflict => 4,
            Kind::Damaged | Kind::NewerFormat => 5,
            Kind::Environment | Kind::Busy => 7,
            Kind::Bug => 70,
            // As of a program that Ctrl-C ended.
            Kind::Interrupted => 130,
        }
    }
}

/// What a disk does not let us do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskTrouble {
    /// It has no space left, or none for this user.
    Full,
    /// It can only be read.
    ReadOnly,
    /// This user may not write there.
    Denied,
}

/// A failure with its cause and the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: String,
    cause: Option<String>,
    list: Vec<String>,
    hint: Option<String>,
    about: Option<Box<About>>,
}

/// What is known of a failure beside its words: whoever shows it knows what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
enum About {
    /// The batch in the trash that has what was asked for.
    Trashed(SnapshotId),
    /// What a disk does not let us do, and where.
    Disk(DiskTrouble, PathBuf),
}

impl Error {
    /// Makes an error of a kind with its one-sentence message.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), cause: None, list: Vec::new(), hint: None, about: None }
    }

    /// Makes the error of an operating system call on a path: "Cannot ACTION PATH".
    ///
    /// A full or read-only disk, a missing permission and everything else the system
    /// answers is [`Kind::Environment`]; the common ones get a hint.
    pub fn io(action: &str, path: &Path, error: &io::Error) -> Error {
        let shown = screen::Line(&path.to_string_lossy()).to_string();
        let made = Error::new(Kind::Environment, format!("Cannot {action} {shown}"));
        // A file on its way has another name, which a library adds: it says nothing to anybody.
        let bare = error.get_ref().and_then(|inner| inner.source()).map(ToString::to_string);
        let made = made.because(bare.unwrap_or_else(|| error.to_string()));
        let at = |trouble| Some(Box::new(About::Disk(trouble, path.to_owned())));
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                let made = made.hint("free some space on that disk, then run the command again");
                Error { about: at(DiskTrouble::Full), ..made }
            }
            io::ErrorKind::PermissionDenied => {
                let made = made.hint("check who owns it and its permissions, then run the command again");
                Error { about: at(DiskTrouble::Denied), ..made }
            }
            io::ErrorKind::ReadOnlyFilesystem => {
                Error { about: at(DiskTrouble::ReadOnly), ..made.hint("the disk is read-only") }
            }
            io::ErrorKind::FileTooLarge => {
                made.hint("`ulimit -f` shows how large a file may be here; `ulimit -f unlimited` lifts that in this shell")
            }
            _ => made,
        }
    }

    /// Returns what the disk does not let us do, and where, if that is what failed and nobody has said what helps.
    pub fn disk(&self) -> Option<(DiskTrouble, &Path)> {
        match self.about.as_deref() {
            Some(About::Disk(trouble, path)) => Some((*trouble, path)),
            _ => None,
        }
    }

    /// Says of a disk that it is that of the file which the command was to write. A name that it has meanwhile is nobody's business.
    #[must_use]
    pub fn at_output(mut self, file: &Path) -> Error {
        let Some((trouble, _)) = self.disk() else { return self };
        self.message = format!("Cannot write {}", screen::Line(&file.to_string_lossy()));
        self.hint(match trouble {
            DiskTrouble::Full => {
                "the disk of that file is full: free some space there, or name a file on another one with `-o FILE`"
            }
            DiskTrouble::ReadOnly => {
                "the disk is read-only: name a file on another one with `-o FILE`"
            }
            DiskTrouble::Denied => {
                "you may not write there: name a file in another folder with `-o FILE`"
            }
        })
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, cause: impl Display) -> Error {
        self.cause = Some(cause.to_string());
        self
    }

    /// Says that all is as it was, if the error does not say so yet.
    #[must_use]
    pub fn with_nothing_changed(mut self) -> Error {
        const SAYS_SO: &str = "nothing was changed";
        let says_so = |text: &str| text.to_lowercase().contains(SAYS_SO);
        if !says_so(&self.message) && !self.cause.as_deref().is_some_and(says_so) {
            let text = self.cause.as_mut().unwrap_or(&mut self.message);
            text.push_str("; ");
            text.push_str(SAYS_SO);
        }
        self
    }

    /// Adds what a program said for its cause, on one line: a name in it must not begin another.
    #[must_use]
    pub fn said(self, text: &str) -> Error {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        self.because(lines.join("; "))
    }

    /// Adds what there are several of, to be shown one a line.
    #[must_use]
    pub fn list(mut self, items: impl IntoIterator<Item = String>) -> Error {
        self.list.extend(items);
        self
    }

    /// Adds the next step for the person who reads it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        if self.disk().is_some() {
            self.about = None;
        }
        self.hint = Some(hint.into());
        self
    }

    /// Says where in the trash the thing is that was asked for: who shows the error knows what brings it back.
    #[must_use]
    pub fn in_trash(mut self, batch: SnapshotId) -> Error {
        self.about = Some(Box::new(About::Trashed(batch)));
        self
    }

    /// Returns where in the trash the thing is that was asked for, if it is there.
    pub fn trashed(&self) -> Option<&SnapshotId> {
        match self.about.as_deref() {
            Some(About::Trashed(batch)) => Some(batch),
            _ => None,
        }
    }

    /// Returns the kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the cause, for where it is known already what failed; without one, the message.
    pub fn cause(&self) -> &str {
        self.cause.as_deref().unwrap_or(&self.message)
    }

    /// Returns the next step, where there is one.
    pub fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl Error {
    /// Returns the error line by line: what failed and why, and each item of its list. No other text
    /// can begin a line.
    pub fn lines(&self) -> Vec<String> {
        let cause = match &self.cause {
            Some(cause) => format!(": {}", screen::Line(cause)),
            None if self.list.is_empty() => String::new(),
            None => ":".to_owned(),
        };
        let first = format!("{}{cause}", screen::Line(&self.message));
        let items = self.list.iter().map(|item| format!("  {}", screen::Line(item)));
        std::iter::once(first).chain(items).collect()
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl std::error::Error for Error {}

/// Turns the results of system calls into errors that name the action and the path.
pub(crate) trait IoContext<T> {
    /// Names what was being done ("read", "create") and to which path.
    fn context(self, action: &str, path: &Path) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn context(self, action: &str, path: &Path) -> Result<T> {
        self.map_err(|error| Error::io(action, path, &error))
    }
}
