//! Commits that are made in a remote's scratch repository, with `git fast-import`: nobody's index or work tree has a part in it.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::process::Stdio;

use super::command::log_started;
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::{Monitor, PART};
use crate::git::remote::Remote;
use crate::git::remote_values::NewCommit;

impl Remote<'_> {
    /// Makes commits in the scratch repository; returns their ids. `content` gives the bytes of a file
    /// of a commit. A path that is in several commits has the same bytes in all, except those that
    /// `own` names.
    ///
    /// # Errors
    /// What `content` says, or git.
    pub fn write(
        &self,
        commits: &[NewCommit],
        own: impl Fn(&str) -> bool,
        content: impl FnMut(usize, &str) -> Result<Vec<u8>>,
    ) -> Result<Vec<String>> {
        self.write_on(commits, &BTreeMap::new(), own, content)
    }

    /// The same where the blobs of some paths are there already, by their ids: nobody is asked for those.
    ///
    /// # Errors
    /// As [`Remote::write`].
    pub fn write_on(
        &self,
        commits: &[NewCommit],
        there: &BTreeMap<String, String>,
        own: impl Fn(&str) -> bool,
        mut content: impl FnMut(usize, &str) -> Result<Vec<u8>>,
    ) -> Result<Vec<String>> {
        let mut command = self.command();
        command.args(["-c", "core.compression=1", "-c", "fastimport.unpackLimit=1", "fast-import"]);
        command.args(["--quiet", "--force", "--depth=0", "--date-format=raw"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let fail = |error: std::io::Error| {
            Error::new(Kind::Environment, "Cannot write a commit with `git fast-import`").because(error)
        };
        log_started(&command);
        let mut child = command.spawn().map_err(fail)?;
        let Some(input) = child.stdin.take() else { return Err(fail(std::io::Error::other("no pipe"))) };
        let mut written = Ok(());
        let mut input = BufWriter::with_capacity(1 << 16, input);
        let mut blobs: BTreeMap<String, String> = BTreeMap::new();
        let mut mark = 0_usize;
        'all: for (number, commit) in commits.iter().enumerate() {
            let mut files = String::new();
            for path in &commit.paths {
                let known = blobs.get(path).or_else(|| there.get(path)).filter(|_| !own(path));
                let of_this = match known {
                    Some(known) => known.clone(),
                    None => {
                        mark += 1;
                        blobs.insert(path.clone(), format!(":{mark}"));
                        written = content(number, path).and_then(|bytes| {
                            write!(input, "blob\nmark :{mark}\ndata {}\n", bytes.len())
                                .and_then(|()| self.give(&mut input, &bytes))
                                .and_then(|()| input.write_all(b"\n"))
                                .map_err(fail)
                        });
                        if written.is_err() {
                            break 'all;
                        }
                        format!(":{mark}")
                    }
                };
                files += &format!("M 100644 {of_this} {path}\n");
            }
            let NewCommit { name, seconds, message, after, .. } = commit;
            let after = after.as_ref().map(|oid| format!("from {oid}\ndeleteall\n")).unwrap_or_default();
            let head = format!(
                "commit {name}\ncommitter snap <snap@localhost> {seconds} +0000\ndata {}\n{message}\n{after}",
                message.len()
            );
            written = input.write_all((head + &files + "\n").as_bytes()).map_err(fail);
            if written.is_err() {
                break;
            }
        }
        if written.is_ok() {
            written = input.flush().map_err(fail);
        }
        if written.is_err() {
            let _killed = child.kill();
        }
        drop(input);
        let ended = child.wait_with_output().map_err(fail)?;
        if !ended.status.success() && written.is_ok() {
            written =
                Err(fail(std::io::Error::other(String::from_utf8_lossy(&ended.stderr).trim().to_owned())));
        }
        written?;
        let format = "--format=%(refname) %(objectname)";
        let listed = self.git.finish(self.command().args(["for-each-ref", format]), &[])?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let made: BTreeMap<&str, &str> = listed.lines().filter_map(|line| line.split_once(' ')).collect();
        let id = |commit: &NewCommit| made.get(commit.name.as_str()).map(|oid| (*oid).to_owned());
        commits
            .iter()
            .map(|commit| id(commit).ok_or_else(|| Error::new(Kind::Bug, "git made no commit")))
            .collect()
    }

    /// Returns who is told how far it is, if somebody is.
    pub fn monitor(&self) -> Option<&Monitor> {
        self.monitor
    }

    /// Writes content part by part, and says so to whoever waits: it is one half of the work.
    fn give(&self, input: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
        bytes.chunks(PART).try_for_each(|part| {
            input.write_all(part)?;
            self.monitor.iter().for_each(|monitor| monitor.add(part.len().div_ceil(2) as u64));
            Ok(())
        })
    }
}
