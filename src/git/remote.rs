//! Remotes: snapshots' refs listed, pushed, fetched and deleted with the `git` program.
//!
//! Everything happens in a bare scratch repository that the caller makes and deletes. From the configuration
//! of the user's repository it has the addresses of the one remote, and settings that are data. Credentials,
//! proxies, rewritten addresses and helpers are those of the user's own configuration. It shares nothing
//! with the repository: no object, ref, `FETCH_HEAD` or refspec of the user's is ever touched. A failure
//! that may pass is tried again a few times, and reported.

use std::cell::RefCell;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use super::Repository;
use super::address::{check_folder, helper_of, is_no_place};
use super::command::{Git, GitOutput};
use crate::base::digest::GitHash;
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::monitor::Monitor;
use crate::base::screen::Line;
use crate::git::fetched_objects::Fetched;
use crate::git::remote_messages::{UNPACKER_ERROR, passing, progress, without_password, without_progress};
use crate::git::remote_settings::RemoteSettings;
use crate::git::remote_values::{FETCH, PushAnswer, RemoteRef, Retries, jittered};

/// The most refs that one push names: some hosts answer thousands with an error.
const REFS_AT_ONCE: usize = 100;

/// What git says after each failure.
const BOILERPLATE: [&str; 3] = [
    "fatal: Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
];

/// The most refs that are read from a remote.
const MOST_REFS: usize = 100_000;

/// Whoever is told of failed tries.
pub(super) type Teller<'a> = Rc<RefCell<&'a mut dyn FnMut(&str)>>;

/// A remote, with a scratch repository to work in.
pub struct Remote<'a> {
    pub(super) git: Git,
    pub(super) scratch: PathBuf,
    pub(super) address: String,
    /// What git is told: the same, or a name that it has in the scratch repository.
    pub(super) called: String,
    pub(super) named: bool,
    pub(super) leads_to: Vec<String>,
    pub(super) settings: RemoteSettings,
    pub(super) interactive: bool,
    pub(super) hash: GitHash,
    /// Whether the server leaves out what is not asked for, as far as that is known.
    pub(super) filters: bool,
    pub(super) retries: Retries,
    /// How long one run of git may take.
    pub(super) limit: Option<Duration>,
    pub(super) monitor: Option<&'a Monitor>,
    pub(super) tell: Teller<'a>,
}

impl<'a> Remote<'a> {
    /// Opens a remote: one of the repository's by name, or an address. `scratch` is an empty folder, a
    /// relative path starts from `folder`, and `tell` gets messages about failed tries.
    ///
    /// # Errors
    /// [`Kind::Usage`] or [`Kind::NotFound`] if there is no such remote,
    /// [`Kind::Environment`] if there is no git.
    pub fn open(
        repository: Option<&Repository>,
        folder: &Path,
        scratch: &Path,
        address: &str,
        interactive: bool,
        tell: &'a mut dyn FnMut(&str),
    ) -> Result<Remote<'a>> {
        let remote = Remote::prepare(repository, folder, scratch, address, interactive, tell)?;
        remote.settings.write_beside(&remote.scratch)?;
        remote.init()?;
        Ok(remote)
    }

    /// The same, without a repository yet.
    pub(super) fn prepare(
        repository: Option<&Repository>,
        folder: &Path,
        scratch: &Path,
        address: &str,
        interactive: bool,
        tell: &'a mut dyn FnMut(&str),
    ) -> Result<Remote<'a>> {
        let shown = Line(address).to_string();
        if address.is_empty() || address.starts_with('-') {
            return Err(Error::new(Kind::Usage, format!("\"{shown}\" can't be a remote")));
        }
        let Some(git) = Git::find(folder) else {
            return Err(Error::new(Kind::Environment, "Cannot run git")
                .because("no git program is on the PATH")
                .hint("install git 2.31 or later"));
        };
        let names = match repository {
            Some(repository) => repository.git.unsheltered().demand(&["remote"])?.stdout,
            None => Vec::new(),
        };
        let names = String::from_utf8_lossy(&names).into_owned();
        let named = names.lines().any(|name| name == address);
        if !named && is_no_place(repository, folder, address)? {
            let error = Error::new(Kind::NotFound, format!("There is no remote \"{shown}\""));
            return Err(match names.lines().collect::<Vec<_>>().join(", ") {
                none if none.is_empty() && repository.is_none() => error
                    .because("this folder is in no git repository")
                    .hint("go to your project, or name an address"),
                none if none.is_empty() => error.hint("name an address, or add one with `git remote add`"),
                some => error.hint(crate::base::similar_names::there_are(address, &some)),
            });
        }
        let mut settings = match repository {
            Some(repository) => repository.settings_for_remotes()?,
            None => RemoteSettings::default(),
        };
        let mut effective = vec![address.to_owned()];
        match (named, repository) {
            (true, Some(repository)) => {
                let addresses = repository.addresses(address)?;
                addresses.add_to(&mut settings, address);
                effective = [vec![addresses.fetch], addresses.push].concat();
            }
            _ => check_folder(repository, folder, address)?,
        }
        let start = repository.filter(|_| named).map_or(folder, Repository::root);
        let hash = repository.map_or(GitHash::Sha1, Repository::hash);
        Ok(Remote {
            git: git.at(start),
            scratch: scratch.join("scratch.git"),
            address: address.to_owned(),
            called: address.to_owned(),
            named,
            leads_to: effective.iter().map(|address| without_password(address)).collect(),
            settings,
            interactive,
            hash,
            filters: false,
            retries: Retries::default(),
            limit: None,
            monitor: None,
            tell: Rc::new(RefCell::new(tell)),
        })
    }

    /// Says how often it is tried.
    pub fn try_again(&mut self, retries: Retries) {
        self.retries = retries;
    }

    /// Has transfers say how far they are.
    pub fn watch(&mut self, monitor: &'a Monitor) {
        self.monitor = Some(monitor);
    }

    pub(super) fn init(&self) -> Result<()> {
        let format = match self.hash {
            GitHash::Sha1 => "--object-format=sha1",
            GitHash::Sha256 => "--object-format=sha256",
        };
        let place = self.scratch.as_os_str();
        let words = ["init", "--quiet", "--bare", "--template=", "--shared=0600", format].map(AsRef::as_ref);
        self.git.demand(&[&words[..], &[place]].concat())?;
        let config = self.scratch.join("config");
        let append = std::fs::File::options().append(true).open(&config);
        append.and_then(|mut file| file.write_all(&self.settings.own)).context("write", &config)?;
        let info = self.scratch.join("info");
        std::fs::create_dir_all(&info).context("create", &info)?;
        // Frames are compressed already: looking for likenesses among them is time lost.
        let attributes = info.join("attributes");
        std::fs::write(&attributes, "*.zst -delta\n").context("write", &attributes)
    }

    /// Returns the remote as it was named, without a password.
    pub fn shown(&self) -> String {
        Line(&without_password(&self.address)).to_string()
    }

    /// Tells whoever opened it something, as of failed tries.
    pub fn tell(&self, text: &str) {
        (self.tell.borrow_mut())(text);
    }

    /// Returns the addresses that it leads to, without passwords.
    pub fn leads_to(&self) -> &[String] {
        &self.leads_to
    }

    /// Returns the name of the helper program that it is reached by, as `s3` of `git-remote-s3`; `None` if git does it by itself.
    pub fn helper(&self) -> Option<String> {
        self.leads_to.iter().find_map(|address| helper_of(address))
    }

    /// Lists the refs below some prefixes. The scratch repository takes on the remote's object format.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn list(&mut self, prefixes: &[&str]) -> Result<Vec<RemoteRef>> {
        let refs = self.look(prefixes)?;
        self.take_hash_of(&refs)?;
        Ok(refs)
    }

    /// Has the scratch repository name objects as these refs do.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn take_hash_of(&mut self, refs: &[RemoteRef]) -> Result<()> {
        let hash = match refs.first().map(|first| first.oid.len()) {
            Some(40) => GitHash::Sha1,
            Some(64) => GitHash::Sha256,
            _ => self.hash,
        };
        if hash == self.hash {
            return Ok(());
        }
        self.hash = hash;
        self.reset()
    }

    /// The same, and leaves the scratch repository as it is.
    ///
    /// # Errors
    /// As [`Remote::list`].
    pub fn look(&self, prefixes: &[&str]) -> Result<Vec<RemoteRef>> {
        let patterns: Vec<String> = prefixes.iter().map(|prefix| format!("{prefix}*")).collect();
        let mut words = vec!["ls-remote", "--quiet", "--refs", "--", &self.called];
        words.extend(patterns.iter().map(String::as_str));
        let answer = self.attempt(&words, &[])?;
        if !answer.ok {
            return Err(self.failed("list what is on", &answer));
        }
        let text = String::from_utf8_lossy(&answer.stdout);
        let refs = text
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .filter(|(oid, name)| {
                oid.bytes().all(|b| b.is_ascii_hexdigit())
                    && prefixes.iter().any(|prefix| name.starts_with(prefix))
            })
            .take(MOST_REFS)
            .map(|(oid, name)| RemoteRef { oid: oid.to_owned(), name: name.to_owned() });
        Ok(refs.collect())
    }

    /// Begins again with an empty scratch repository.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn reset(&self) -> Result<()> {
        std::fs::remove_dir_all(&self.scratch).context("remove", &self.scratch)?;
        self.init()
    }

    /// Tells git that transfers can build on these commits. Both sides have them, but nothing descends
    /// from them.
    ///
    /// By itself, git looks for known objects only along the lines of descent. In a shallow repository
    /// it also looks into every commit that is listed as shallow. For a commit without parents, being
    /// listed as shallow changes nothing.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn build_on(&self, oids: &[&str]) -> Result<()> {
        let mut oids = oids.to_vec();
        oids.sort_unstable();
        let lines: String = oids.iter().map(|oid| format!("{oid}\n")).collect();
        let shallow = self.scratch.join("shallow");
        std::fs::write(&shallow, lines).context("write", &shallow)
    }

    /// Deletes a ref of the scratch repository.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn forget(&self, name: &str) -> Result<()> {
        self.git.finish(self.command().args(["update-ref", "-d", name]), &[]).map(|_| ())
    }

    /// Creates refs on the remote, each only if it does not exist there; the answers are in
    /// the order of `refs`.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the remote can't be reached or breaks off.
    pub fn create(&self, refs: &[RemoteRef]) -> Result<Vec<PushAnswer>> {
        let mut answers = Vec::new();
        let by_name = self.helper().is_some();
        for some in refs.chunks(REFS_AT_ONCE) {
            let leases = some.iter().map(|one| format!("--force-with-lease={}:", one.name));
            // A helper may make a bundle, which needs a ref; new commits have theirs in the scratch repository.
            let source = |one: &RemoteRef| if by_name { one.name.clone() } else { one.oid.clone() };
            let specs = some.iter().map(|one| format!("{}:{}", source(one), one.name));
            answers.extend(self.push(leases.collect(), specs.collect(), some, false)?);
        }
        Ok(answers)
    }

    /// Deletes refs of the remote, each only if it still points where it did; the answers are
    /// in the order of `refs`.
    ///
    /// # Errors
    /// As [`Remote::create`].
    pub fn delete(&self, refs: &[RemoteRef]) -> Result<Vec<PushAnswer>> {
        let mut answers = Vec::new();
        for some in refs.chunks(REFS_AT_ONCE) {
            let leases = some.iter().map(|old| format!("--force-with-lease={}:{}", old.name, old.oid));
            let specs = some.iter().map(|old| format!(":{}", old.name));
            answers.extend(self.push(leases.collect(), specs.collect(), some, false)?);
        }
        Ok(answers)
    }

    /// Pushes; with `all_or_none`, the server takes everything or nothing.
    pub(super) fn push(
        &self,
        leases: Vec<String>,
        specs: Vec<String>,
        refs: &[RemoteRef],
        all_or_none: bool,
    ) -> Result<Vec<PushAnswer>> {
        let mut arguments: Vec<String> = [
            "push",
            "--porcelain",
            "--no-verify",
            "--no-signed",
            "--no-follow-tags",
            "--recurse-submodules=no",
            if all_or_none { "--atomic" } else { "--no-atomic" },
        ]
        .map(str::to_owned)
        .into();
        arguments.extend(self.monitor.map(|_| "--progress".to_owned()));
        arguments.extend(leases);
        arguments.extend(["--".to_owned(), self.called.clone()]);
        arguments.extend(specs);
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let answer = self.attempt(&words, &[])?;
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
        let answer_to = |one: &RemoteRef| {
            lines.iter().find_map(|line| match line.as_slice() {
                [flag, spec, summary, ..] if spec.split_once(':').is_some_and(|(_, to)| to == one.name) => {
                    Some(match *flag {
                        "!" => PushAnswer::Rejected(self.explained(summary, &answer)),
                        _ => PushAnswer::Taken,
                    })
                }
                _ => None,
            })
        };
        let answers: Vec<Option<PushAnswer>> = refs.iter().map(answer_to).collect();
        if !answer.ok && answers.iter().all(Option::is_none) {
            return Err(self.failed("push to", &answer));
        }
        let silent = || PushAnswer::Rejected("git reported no result for it".to_owned());
        Ok(answers.into_iter().map(|one| one.unwrap_or_else(silent)).collect())
    }

    /// The reason of a rejection, with the words that the remote's own hooks added.
    fn explained(&self, summary: &str, answer: &GitOutput) -> String {
        let said: Vec<&str> =
            answer.stderr.lines().filter_map(|line| line.strip_prefix("remote: ")).map(str::trim).collect();
        let said = said.into_iter().filter(|line| !line.is_empty()).take(5).collect::<Vec<_>>().join(" ");
        let all = if said.is_empty() { summary.to_owned() } else { format!("{summary}: {said}") };
        Line(&without_password(&all)).to_string()
    }

    /// Fetches refs into the scratch repository, under their own names. `whole` is false for
    /// commits and trees alone, where the remote can do that.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn fetch(&self, names: &[&str], whole: bool) -> Result<()> {
        self.fetch_as(names.iter().map(|name| format!("+{name}:{name}\n")).collect(), whole)
    }

    /// Fetches all of what refs pointed to when they were listed, under their names: the remote lists nothing for it. Only where it
    /// leaves out what is not asked for.
    ///
    /// # Errors
    /// As [`Remote::fetch`].
    pub fn fetch_listed(&self, refs: &[&RemoteRef]) -> Result<()> {
        self.fetch_as(refs.iter().map(|at| format!("+{}:{}\n", at.oid, at.name)).collect(), true)
    }

    fn fetch_as(&self, specs: String, whole: bool) -> Result<()> {
        if specs.is_empty() {
            return Ok(());
        }
        let mut arguments = FETCH.to_vec();
        arguments.push(if self.monitor.is_some() { "--progress" } else { "--quiet" });
        arguments.push(if whole { "--no-filter" } else { "--filter=blob:none" });
        arguments.extend(["--stdin", "--", &self.called]);
        let answer = self.attempt(&arguments, specs.as_bytes())?;
        if answer.ok { Ok(()) } else { Err(self.failed("fetch from", &answer)) }
    }

    /// Returns a reader of what was fetched.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn fetched(&self) -> Result<Fetched> {
        let mut command = self.command();
        command.args(["cat-file", "--batch"]);
        Fetched::start(command)
    }

    pub(super) fn command(&self) -> std::process::Command {
        let mut command = self.git.command_for_remotes(&self.scratch, self.interactive);
        self.settings.give(&mut command, &self.scratch);
        command
    }

    /// Runs git, again if it fails for a passing reason; returns its last answer.
    pub(super) fn attempt(&self, arguments: &[&str], input: &[u8]) -> Result<GitOutput> {
        let Retries { tries, first_wait: mut wait } = self.retries;
        for tried in 1.. {
            let monitor = self.monitor;
            let hear = |said: &[u8]| {
                if let (Some(monitor), Some(step)) = (monitor, progress(said)) {
                    monitor.see(Some(step));
                }
            };
            let mut answer = self.finish(self.command().args(arguments), input, hear)?;
            if let Some(monitor) = self.monitor {
                monitor.see(None);
                answer.stderr = without_progress(&answer.stderr);
            }
            // A remote that answered for each ref has spoken, unless it only says what it got too little of.
            let answers = String::from_utf8_lossy(&answer.stdout);
            let spoken =
                answers.lines().any(|line| line.starts_with("!\t") && !line.contains(UNPACKER_ERROR));
            let why = passing(&answer.stderr).filter(|_| !answer.ok && !spoken);
            let Some(why) = why.filter(|_| tried < tries) else { return Ok(answer) };
            let why = Line(&without_password(why)).to_string();
            let pause = jittered(wait);
            let seconds = pause.as_secs_f32();
            (self.tell.borrow_mut())(&format!(
                "{}: {why}; trying again in {seconds:.1} s ({} of {tries})",
                self.shown(),
                tried + 1
            ));
            std::thread::sleep(pause);
            wait *= 2;
        }
        Err(Error::new(Kind::Bug, "git was never run"))
    }

    /// Runs a command to its end, or as long as it may take.
    pub(super) fn finish(
        &self,
        command: &mut std::process::Command,
        input: &[u8],
        hear: impl Fn(&[u8]) + Send,
    ) -> Result<GitOutput> {
        let answer = self.git.finish_heard(command, input, self.limit, hear)?;
        let Some(limit) = answer.late else { return Ok(answer) };
        let seconds = limit.as_secs();
        let said = format!("git was ended after {seconds} second{}", if seconds == 1 { "" } else { "s" });
        Err(Error::new(Kind::Environment, format!("{} does not answer", self.shown())).because(said).hint(
            "run the command again later; `git ls-remote` with the same remote shows what it waits for",
        ))
    }

    pub(super) fn failed(&self, action: &str, answer: &GitOutput) -> Error {
        let lines = answer.stderr.lines().map(str::trim).filter(|line| !line.is_empty());
        let lines: Vec<&str> = lines.take(6).collect();
        // What git says after each failure says nothing, if it says anything else.
        let mut told: Vec<&str> = lines.iter().copied().filter(|line| !BOILERPLATE.contains(line)).collect();
        if told.is_empty() {
            told = lines;
        }
        let said = without_password(&told.join("; "));
        let kind = if said.contains("fsck error") || said.contains("index-pack failed") {
            Kind::Damaged
        } else {
            Kind::Environment
        };
        let error = Error::new(kind, format!("Cannot {action} {}", self.shown())).because(Line(&said));
        let lower = said.to_lowercase();
        if passing(&said).is_some() {
            error.hint("the connection failed several times; run the command again later")
        } else if ["authentication", "permission denied", "could not read username", "403", "401"]
            .iter()
            .any(|word| lower.contains(word))
        {
            error.hint("git could not log in: try `git ls-remote` with the same remote")
        } else if self.named {
            error.hint(format!("`git remote get-url {}` shows where it leads", self.shown()))
        } else {
            error.hint("check the address with `git ls-remote`")
        }
    }
}
