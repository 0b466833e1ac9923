//! A remote whose scratch repository stays: what was laid in it is there the next time, so that little has to be sent or
//! fetched.
//!
//! It lies in the user's own state folder. Its configuration is written by this program alone, and has neither address nor password. If the address or a setting
//! changes, it begins again empty: it holds nothing that is not elsewhere. Refs are moved only from where they are known to be.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use super::Repository;
use super::command::GitOutput;
use super::config::remote_setting;
use crate::base::digest::GitHash;
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::git::remote::Remote;
use crate::git::remote_values::{FETCH, PushAnswer, RemoteRef, Retries};
use crate::sys::files::{read_plain, remove, write_new};

/// The file of a kept repository that says what it was made for.
const MADE_FOR: &str = "snap-made-for";

/// The file that is there while something is fetched into a kept repository: one that was killed may have left locks.
const BUSY: &str = "snap-busy";

/// A longer one is none of ours.
const LARGEST_MADE_FOR: u64 = 1 << 20;

/// A namespace that nobody uses: asking for it makes a server say what it can, and nothing else.
const NOWHERE: &str = "refs/snapshots-none/*";

/// What an address is called in a kept repository.
const THERE: &str = "snap-there";

/// More packs than this make git slow.
const MOST_PACKS: usize = 60;

/// What a server can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Abilities {
    hash: GitHash,
    /// Whether it leaves out what is not asked for.
    filters: bool,
}

/// A ref that is to be moved, made or deleted on a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefMove {
    /// Its full name.
    pub name: String,
    /// Where it is now; `None` if it must not be there.
    pub old: Option<String>,
    /// Where it shall be; `None` if it shall go.
    pub new: Option<String>,
}

impl Remote<'_> {
    /// Fails as [`Remote::open`] does where a remote of this name or address can't be opened; asks nobody, and makes nothing.
    ///
    /// # Errors
    /// As [`Remote::open`].
    pub fn check(repository: Option<&Repository>, folder: &Path, address: &str) -> Result<()> {
        Remote::prepare(repository, folder, Path::new(""), address, false, &mut |_| ()).map(drop)
    }
}

impl<'a> Remote<'a> {
    /// Opens a remote as [`Remote::open`] does, with a repository that stays in the folder `kept`. `scratch` gets a link to
    /// it, so that settings which the user makes for folders of the project (`includeIf "gitdir:…"`) hold here too. A run of git
    /// that takes longer than `limit` is ended.
    ///
    /// # Errors
    /// As [`Remote::open`]; if it is new, also if the remote can't be reached.
    pub fn open_kept(
        repository: Option<&Repository>,
        (folder, scratch, kept): (&Path, &Path, &Path),
        address: &str,
        (interactive, limit): (bool, Option<Duration>),
        tell: &'a mut dyn FnMut(&str),
    ) -> Result<Remote<'a>> {
        let mut remote = Remote::prepare(repository, folder, scratch, address, interactive, tell)?;
        remote.limit = limit;
        remote.keep_in(kept)?;
        Ok(remote)
    }

    /// Returns the same remote with a second repository, which stays in the folder `kept`.
    ///
    /// # Errors
    /// As [`Remote::open_kept`].
    pub fn beside(&self, kept: &Path) -> Result<Remote<'a>> {
        let mut remote = Remote {
            git: self.git.clone(),
            scratch: self.scratch.with_file_name("kept.git"),
            address: self.address.clone(),
            called: self.called.clone(),
            named: self.named,
            leads_to: self.leads_to.clone(),
            settings: self.settings.clone(),
            interactive: self.interactive,
            hash: self.hash,
            filters: false,
            // Who can't be reached is asked in the usual way then.
            retries: Retries { tries: 1, ..self.retries },
            limit: self.limit,
            monitor: None,
            tell: Rc::clone(&self.tell),
        };
        remote.keep_in(kept)?;
        Ok(remote)
    }

    /// Works in a repository that stays, and finds out what the server can.
    fn keep_in(&mut self, kept: &Path) -> Result<()> {
        if !self.named {
            // Of an address, git does not remember that it leaves things out.
            self.settings.beside.extend(remote_setting(THERE, "url", &self.address).into_iter().flatten());
            THERE.clone_into(&mut self.called);
        }
        self.settings.write_beside(&self.scratch)?;
        symlink(kept, &self.scratch).context("link", &self.scratch)?;
        let mark = kept.join(MADE_FOR);
        // What can't be read is as good as none: everything begins again.
        let made_for = read_plain(&mark, LARGEST_MADE_FOR).ok().flatten().unwrap_or_default();
        if let Some(abilities) = Abilities::read(&made_for, &self.made_for())
            && kept.join(BUSY).symlink_metadata().is_err()
        {
            self.hash = abilities.hash;
            self.filters = abilities.filters;
            return Ok(());
        }
        self.begin_kept(kept)?;
        let abilities = self.abilities()?;
        if abilities.hash != self.hash {
            self.hash = abilities.hash;
            self.begin_kept(kept)?;
        }
        self.filters = abilities.filters;
        // Last: without it, everything begins again.
        self.note(abilities)
    }

    /// Notes what the kept repository was made for.
    fn note(&self, abilities: Abilities) -> Result<()> {
        let mark = self.scratch.join(MADE_FOR);
        remove(&mark)?;
        write_new(&mark, &abilities.text(&self.made_for()))
    }

    /// Makes the kept repository, empty.
    fn begin_kept(&self, kept: &Path) -> Result<()> {
        match std::fs::remove_dir_all(kept) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).context("remove", kept);
            }
            _ => {}
        }
        std::fs::create_dir_all(kept).context("create", kept)?;
        self.init()
    }

    /// Makes the kept repository anew, for the same server.
    fn begin_again(&self) -> Result<()> {
        let kept = self.scratch.canonicalize().context("find", &self.scratch)?;
        self.begin_kept(&kept)?;
        self.note(Abilities { hash: self.hash, filters: self.filters })
    }

    /// Returns everything that a kept repository depends on, without passwords.
    fn made_for(&self) -> Vec<u8> {
        [self.leads_to.join("\n").as_bytes(), b"\n", &self.settings.own].concat()
    }

    /// Asks the server what it can do, without its refs.
    fn abilities(&self) -> Result<Abilities> {
        let spec = format!("+{NOWHERE}:{NOWHERE}");
        let mut command = self.command();
        command.env("GIT_TRACE_PACKET", "1").args(FETCH).args(["--quiet", "--", &self.called, &spec]);
        let answer = self.finish(&mut command, &[], |_| ())?;
        let said = Abilities::heard(&answer.stderr);
        if said.is_none() && !answer.ok {
            return Err(self.failed("list what is on", &without_trace(answer)));
        }
        Ok(said.unwrap_or(Abilities { hash: self.hash, filters: false }))
    }

    /// Has the scratch repository, which is still empty, name objects as the remote does.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn take_hash_of_remote(&mut self) -> Result<()> {
        let abilities = self.abilities()?;
        if abilities.hash == self.hash {
            return Ok(());
        }
        self.hash = abilities.hash;
        self.reset()
    }

    /// Says whether the server sends commits without their content.
    pub fn filters(&self) -> bool {
        self.filters
    }

    /// Asks a server that left nothing out whether it does by now, and notes it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn ask_again_for_filters(&mut self) -> Result<()> {
        if !self.filters && self.abilities()?.filters {
            self.filters = true;
            self.begin_again()?;
        }
        Ok(())
    }

    /// Returns the files of a commit in the kept repository, with the ids of their blobs; `None` if it is not there.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn files_of(&self, oid: &str) -> Result<Option<BTreeMap<String, String>>> {
        let answer = self.git.finish(self.command().args(["ls-tree", "-r", "-z", oid]), &[])?;
        if !answer.ok {
            return Ok(None);
        }
        let file = |line: &[u8]| {
            let text = std::str::from_utf8(line).ok()?;
            let (head, path) = text.split_once('\t')?;
            Some((path.to_owned(), head.rsplit(' ').next()?.to_owned()))
        };
        Ok(Some(answer.stdout.split(|byte| *byte == 0).filter_map(file).collect()))
    }

    /// Says whether a commit is in the kept repository.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn has(&self, oid: &str) -> Result<bool> {
        let commit = format!("{oid}^{{commit}}");
        Ok(self.git.finish(self.command().args(["cat-file", "-e", &commit]), &[])?.ok)
    }

    /// Moves refs of the remote, each only from where it is known to be; the answers are in the order of `moves`. Where the
    /// server can, all of them are moved or none.
    ///
    /// # Errors
    /// As [`Remote::create`].
    pub fn move_refs(&self, moves: &[RefMove]) -> Result<Vec<PushAnswer>> {
        let lease = |one: &RefMove| {
            format!("--force-with-lease={}:{}", one.name, one.old.as_deref().unwrap_or_default())
        };
        let spec = |one: &RefMove| format!("{}:{}", one.new.as_deref().unwrap_or_default(), one.name);
        let named = |one: &RefMove| RemoteRef { oid: String::new(), name: one.name.clone() };
        let refs: Vec<RemoteRef> = moves.iter().map(named).collect();
        let push = |atomic| {
            self.push(moves.iter().map(lease).collect(), moves.iter().map(spec).collect(), &refs, atomic)
        };
        match push(true) {
            Err(error) if error.to_string().contains("does not support --atomic") => push(false),
            answers => answers,
        }
    }

    /// Fetches all refs below these prefixes into the kept repository, and forgets those that are gone. Without `whole`,
    /// only commits come: [`Remote::filters`] must say that they can.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn follow(&self, prefixes: &[&str], whole: bool) -> Result<()> {
        if !whole && !self.filters {
            return Err(Error::new(Kind::Bug, "The server would send everything"));
        }
        let mut words: Vec<&str> = FETCH.to_vec();
        words.extend(["--quiet", "--prune"]);
        words.push(if whole { "--no-filter" } else { "--filter=tree:0" });
        let specs: Vec<String> = prefixes.iter().map(|prefix| format!("+{prefix}*:{prefix}*")).collect();
        words.extend(["--", &self.called]);
        words.extend(specs.iter().map(String::as_str));
        let busy = self.scratch.join(BUSY);
        std::fs::write(&busy, b"").context("write", &busy)?;
        let mut answer = self.attempt(&words, &[])?;
        if !answer.ok && is_of_repository(&answer.stderr) {
            // It holds nothing that is not elsewhere.
            self.begin_again()?;
            answer = self.attempt(&words, &[])?;
        }
        remove(&busy)?;
        let action = if whole { "fetch from" } else { "list what is on" };
        if answer.ok { Ok(()) } else { Err(self.failed(action, &answer)) }
    }

    /// Returns the refs of the kept repository below a prefix.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn refs_here(&self, prefix: &str) -> Result<Vec<RemoteRef>> {
        let format = "--format=%(objectname) %(refname)";
        let listed = self.git.finish(self.command().args(["for-each-ref", format, prefix]), &[])?;
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        let one = |line: &str| {
            let (oid, name) = line.split_once(' ')?;
            Some(RemoteRef { oid: oid.to_owned(), name: name.to_owned() })
        };
        Ok(text.lines().filter_map(one).collect())
    }

    /// Returns a commit and those before it, the newest first; at most so many.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn chain(&self, tip: &str, most: usize) -> Result<Vec<String>> {
        let count = format!("--max-count={most}");
        let words = ["rev-list", "--first-parent", &count, tip, "--"];
        let answer = self.git.finish(self.command().args(words), &[])?;
        Ok(String::from_utf8_lossy(&answer.stdout).lines().map(str::to_owned).collect())
    }

    /// Names a commit of the kept repository, so that it stays.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn keep(&self, name: &str, oid: &str) -> Result<()> {
        self.git.finish(self.command().args(["update-ref", name, oid]), &[]).map(drop)
    }

    fn has_many_packs(&self) -> bool {
        let packs = std::fs::read_dir(self.scratch.join("objects/pack")).into_iter().flatten().flatten();
        packs.filter(|entry| entry.path().extension().is_some_and(|end| end == "pack")).count() > MOST_PACKS
    }

    /// Has the kept repository begin anew the next time it is opened, once there are many packs: for one that holds little.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn begin_anew_if_many(&self) -> Result<()> {
        if self.has_many_packs() { remove(&self.scratch.join(MADE_FOR)) } else { Ok(()) }
    }

    /// Puts the packs of the kept repository together once there are many; what no ref leads to goes.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn tidy(&self) -> Result<()> {
        if !self.has_many_packs() {
            return Ok(());
        }
        let words = ["repack", "-a", "-d", "-q", "--window=0", "--depth=0"];
        self.git.finish(self.command().args(words), &[]).map(drop)
    }
}

impl Abilities {
    /// Reads what a server said, from the trace of its packets; `None` if it said nothing.
    fn heard(trace: &str) -> Option<Abilities> {
        let said: Vec<&str> = trace
            .lines()
            .filter(|line| line.contains(" packet: "))
            .filter_map(|line| line.split_once("fetch< "))
            .map(|(_, said)| said)
            .collect();
        let has =
            |wanted: &str| said.iter().any(|line| line.split([' ', '=', '\0']).any(|word| word == wanted));
        let sha256 =
            said.iter().any(|line| line.split([' ', '\0']).any(|word| word == "object-format=sha256"));
        let hash = if sha256 { GitHash::Sha256 } else { GitHash::Sha1 };
        (!said.is_empty()).then(|| Abilities { hash, filters: has("filter") })
    }

    fn text(self, made_for: &[u8]) -> Vec<u8> {
        let hash = if self.hash == GitHash::Sha256 { "sha256" } else { "sha1" };
        [format!("{hash} {}\n", if self.filters { "filters" } else { "plain" }).as_bytes(), made_for].concat()
    }

    /// Reads what was noted, if it was noted for the same.
    fn read(text: &[u8], made_for: &[u8]) -> Option<Abilities> {
        let all = [GitHash::Sha1, GitHash::Sha256].into_iter();
        let mut all = all.flat_map(|hash| [true, false].map(|filters| Abilities { hash, filters }));
        all.find(|abilities| abilities.text(made_for) == text)
    }
}

/// Says whether what git says is of the repository that it fetches into, and not of the remote.
fn is_of_repository(said: &str) -> bool {
    const WORDS: [&str; 8] = [
        "cannot lock ref",
        "Unable to create",
        "bad config",
        "unable to write",
        "loose object",
        "could not lock config",
        "could not set",
        "has multiple values",
    ];
    WORDS.iter().any(|words| said.contains(words))
}

/// Leaves out the lines of a trace.
fn without_trace(answer: GitOutput) -> GitOutput {
    let said = answer.stderr.lines().filter(|line| !line.contains(" packet: "));
    GitOutput { stderr: said.map(|line| format!("{line}\n")).collect(), ..answer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_can_is_read_from_its_first_words() {
        let line = |said: &str| format!("15:09:27.1 pkt-line.c:86           packet:        fetch< {said}\n");
        let new = line("version 2") + &line("ls-refs=unborn") + &line("fetch=shallow wait-for-done filter");
        let plain = line("version 2") + &line("fetch=shallow") + &line("object-format=sha256");
        let old = line("1111 HEAD\\0multi_ack filter object-format=sha1");
        let of =
            |trace: &str| Abilities::heard(trace).map(|said| (said.hash == GitHash::Sha256, said.filters));
        assert_eq!(
            [of(&new), of(&plain), of(&old)],
            [Some((false, true)), Some((true, false)), Some((false, true))]
        );
        assert_eq!(of("fatal: unable to access\n"), None);
    }

    #[test]
    fn what_was_noted_counts_only_for_the_same_address_and_settings() {
        let abilities = Abilities { hash: GitHash::Sha256, filters: true };
        let text = abilities.text(b"one");
        assert_eq!(Abilities::read(&text, b"one"), Some(abilities));
        assert_eq!(Abilities::read(&text, b"two"), None);
        assert_eq!(Abilities::read(b"", b""), None);
    }
}
