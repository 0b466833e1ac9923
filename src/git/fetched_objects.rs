//! Objects that came from a remote, read from the scratch repository into which they were fetched.
//!
//! Nothing in them is trusted. Each has a limit, which is checked before it is read. Trees are read one
//! level at a time, because a few small ones can unfold to any size.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::command::log_started;
use crate::base::digest::to_hex;
use crate::base::error::{Error, Kind, Result};

const LARGEST_COMMIT: u64 = 64 << 10;
const LARGEST_TREE: u64 = 32 << 20;

/// The largest object that is passed over, so that the next one can be read.
const MOST_PASSED_OVER: u64 = 256 << 20;

/// Reads objects by id.
pub struct Fetched {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Whether something is left in the pipe, so that what comes next would be taken for something else.
    spoiled: bool,
}

/// What a commit says.
pub struct FetchedCommit {
    /// Its tree's id.
    pub tree: String,
    /// How many parents it has.
    pub parents: usize,
    /// The committer's time, in seconds since 1970.
    pub seconds: i64,
    /// The message.
    pub message: String,
}

/// One line of a tree.
pub struct TreeEntry {
    /// The mode in octal, as git writes it.
    pub mode: String,
    /// The name, as text if it is text.
    pub name: String,
    /// The id.
    pub oid: String,
}

impl Fetched {
    /// Starts the program that reads; `command` is complete but for its pipes.
    pub(super) fn start(mut command: Command) -> Result<Fetched> {
        log_started(&command);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = spawned.map_err(|error| failed(&error))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => {
                Ok(Fetched { child, input, output: BufReader::new(output), spoiled: false })
            }
            _ => Err(failed(&std::io::Error::other("it has no pipes"))),
        }
    }

    /// Reads a commit.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is no sound commit.
    pub fn commit(&mut self, oid: &str) -> Result<FetchedCommit> {
        let text = String::from_utf8_lossy(&self.read(oid, "commit", LARGEST_COMMIT)?).into_owned();
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let values = |key: &'static str| {
            head.lines().filter_map(move |line| line.strip_prefix(key)?.strip_prefix(' '))
        };
        let tree = values("tree").next().ok_or_else(|| damaged(oid, "it has no tree"))?.to_owned();
        let seconds = values("committer").next().and_then(|who| {
            let words: Vec<&str> = who.rsplit(' ').take(2).collect();
            words.get(1)?.parse().ok()
        });
        Ok(FetchedCommit {
            tree,
            parents: values("parent").count(),
            seconds: seconds.unwrap_or(0),
            message: message.to_owned(),
        })
    }

    /// Reads one level of a tree.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is no sound tree.
    pub fn tree(&mut self, oid: &str) -> Result<Vec<TreeEntry>> {
        let bytes = self.read(oid, "tree", LARGEST_TREE)?;
        let id_length = oid.len() / 2;
        let mut entries = Vec::new();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let cut = |rest: &[u8]| {
                let blank = rest.iter().position(|byte| *byte == b' ')?;
                let end = blank + rest[blank..].iter().position(|byte| *byte == 0)?;
                let id = rest.get(end + 1..end + 1 + id_length)?;
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let entry = TreeEntry {
                    mode: text(&rest[..blank]),
                    name: text(&rest[blank + 1..end]),
                    oid: to_hex(id),
                };
                Some((entry, end + 1 + id_length))
            };
            let (entry, length) = cut(rest).ok_or_else(|| damaged(oid, "it is cut short"))?;
            entries.push(entry);
            rest = &rest[length..];
        }
        Ok(entries)
    }

    /// Reads a blob of at most so many bytes.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is larger, missing or something else.
    pub fn blob(&mut self, oid: &str, largest: u64) -> Result<Vec<u8>> {
        self.read(oid, "blob", largest)
    }

    fn read(&mut self, oid: &str, wanted: &str, largest: u64) -> Result<Vec<u8>> {
        let plain = !oid.is_empty() && oid.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !plain {
            return Err(damaged(oid, "that is not an id"));
        }
        if self.spoiled {
            return Err(damaged(oid, "it comes behind one that was too large to be passed over"));
        }
        writeln!(self.input, "{oid}").and_then(|()| self.input.flush()).map_err(|error| failed(&error))?;
        let mut header = String::new();
        self.output.read_line(&mut header).map_err(|error| failed(&error))?;
        let words: Vec<&str> = header.split_whitespace().collect();
        let [_, kind, size] = words.as_slice() else { return Err(damaged(oid, "it did not arrive")) };
        let size: u64 = size.parse().map_err(|_| damaged(oid, "git gives no size for it"))?;
        let refused = match () {
            () if *kind != wanted => Some(format!("it is a {kind}, not a {wanted}")),
            () if size > largest => Some(format!("it has {size} bytes, and the limit is {largest}")),
            () => None,
        };
        if let Some(why) = refused {
            self.pass_over(size);
            return Err(damaged(oid, &why));
        }
        let mut content = Vec::new();
        let read = (&mut self.output).take(size + 1).read_to_end(&mut content);
        read.map_err(|error| failed(&error))?;
        match content.pop() {
            Some(b'\n') if content.len() as u64 == size => Ok(content),
            _ => Err(damaged(oid, "it is cut short")),
        }
    }
}

impl Fetched {
    /// Reads what is refused to its end, so that nobody takes it for the next object.
    fn pass_over(&mut self, size: u64) {
        let length = size.saturating_add(1);
        let passed = if size > MOST_PASSED_OVER {
            None
        } else {
            std::io::copy(&mut (&mut self.output).take(length), &mut std::io::sink()).ok()
        };
        self.spoiled = passed != Some(length);
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        // It ends by itself when its input closes; killing it saves the wait.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn failed(error: &std::io::Error) -> Error {
    Error::new(Kind::Environment, "Cannot read from `git cat-file`").because(error)
}

fn damaged(oid: &str, cause: &str) -> Error {
    let oid: String = oid.chars().take(64).collect();
    Error::new(Kind::Damaged, "The snapshot on the remote is damaged")
        .because(format!("object {}: {cause}", crate::base::screen::Line(&oid)))
        .hint("nothing was added; ask whoever pushed it to push it again")
}
