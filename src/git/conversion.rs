//! Conversions between blob and disk (line ends, encodings, `$Id$`, filters), by the attributes of one tree.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::thread::JoinHandle;

use super::Repository;
use super::command::log_started;
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::git::scratch_tree::{ChangedRules, Shown};
use crate::manifest::{Mode, Version, WrittenBy};

/// How a repository converts content, by the attributes of one tree.
pub struct Conversion<'a>(Shown<'a>);

/// Content as a checkout writes it, or what git said instead.
pub type CheckedOut = std::result::Result<Vec<u8>, String>;

impl Repository {
    /// Returns the settings, of those that a clone has for itself, that say how files are written.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn written_by(&self) -> Result<WrittenBy> {
        let values = match self.written_by_here() {
            Some(values) => values,
            None => self.ask_written_by()?,
        };
        let mut settings = WrittenBy::default();
        // The last one of a name counts.
        for (name, value) in values {
            let off = ["false", "no", "off", "0"].iter().any(|off| value.eq_ignore_ascii_case(off));
            match name.as_str() {
                "core.autocrlf" => settings.autocrlf = (!off).then(|| value.to_ascii_lowercase()),
                "core.eol" => settings.eol = (value != "native").then(|| value.to_ascii_lowercase()),
                "core.symlinks" => settings.no_links = off,
                _ => {}
            }
        }
        Ok(settings)
    }

    fn written_by_here(&self) -> Option<Vec<(String, String)>> {
        let settings = self.settings_here()?;
        let names = ["core.autocrlf", "core.eol", "core.symlinks"].into_iter();
        let values = names.map(|name| Some((name.to_owned(), settings.value(name)?)));
        let values: Option<Vec<(String, Option<String>)>> = values.collect();
        Some(values?.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }

    fn ask_written_by(&self) -> Result<Vec<(String, String)>> {
        let answer = self.git.run(&["config", "--get-regexp", r"^core\.(autocrlf|eol|symlinks)$"])?;
        let lines = answer.lines().into_iter().map(|line| String::from_utf8_lossy(line).into_owned());
        let pair = |line: String| {
            let (name, value) = line.split_once(' ').unwrap_or((&line, "true"));
            (name.to_owned(), value.to_owned())
        };
        Ok(lines.map(pair).collect())
    }

    /// Returns how content is converted by the attributes that are on the disk now.
    pub fn conversion(&self) -> Conversion<'_> {
        Conversion(Shown::present(self))
    }

    /// Returns how content is converted by the attributes of a commit or tree (`None`: an empty one),
    /// in which some `.gitattributes` have other content or are missing.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn conversion_of(&self, tree: Option<&str>, changed: &[ChangedRules]) -> Result<Conversion<'_>> {
        let mut shown = Shown::present(self);
        shown.take_attributes(tree, changed)?;
        Ok(Conversion(shown))
    }
}

impl Conversion<'_> {
    /// Returns the same one under other settings for line ends.
    #[must_use]
    pub fn under(mut self, settings: &WrittenBy) -> Self {
        self.0.options.extend(options(settings));
        self
    }

    /// Returns, for files that were written under other settings, what they would be under the settings
    /// here; `None` if that is the same, or if a file is not what those settings make of it.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn rewritten(
        &mut self,
        then: &WrittenBy,
        files: &[(&RepoPath, &[u8])],
    ) -> Result<Vec<Option<Vec<u8>>>> {
        self.0.write_no_objects()?;
        let here = self.0.options.clone();
        self.0.options.extend(options(then));
        let clean = files.iter().map(|(path, bytes)| {
            let answer = self.hash_object(path, bytes, &["-w"], &self.0.environment);
            answer.map(|oid| (*path, oid))
        });
        let clean: Vec<(&RepoPath, String)> = clean.collect::<Result<_>>()?;
        let wanted: Vec<(&RepoPath, &str)> = clean.iter().map(|(path, oid)| (*path, oid.as_str())).collect();
        let was = self.checked_out(&wanted)?;
        self.0.options = here;
        let is = self.checked_out(&wanted)?;
        let each = was.into_iter().zip(is).zip(files).map(|((was, is), (_, bytes))| match (was, is) {
            (Ok(was), Ok(is)) if was == *bytes && is != *bytes => Some(is),
            _ => None,
        });
        Ok(each.collect())
    }

    /// Returns those of the paths whose content might be converted.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn converted<'p>(&self, paths: &[&'p RepoPath]) -> Result<BTreeSet<&'p RepoPath>> {
        if paths.is_empty() {
            return Ok(BTreeSet::new());
        }
        let config = self.0.words(&["config", "--get-regexp", r"^core\.(autocrlf|eol)$"]);
        let config = self.0.git.run(&config)?;
        if config.lines().iter().any(|line| !line.is_empty() && !line.ends_with(b" false")) {
            return Ok(paths.iter().copied().collect());
        }
        let mut input = Vec::new();
        for path in paths {
            input.extend_from_slice(path.as_bytes());
            input.push(0);
        }
        let names = ["text", "eol", "crlf", "filter", "ident", "working-tree-encoding"];
        let arguments: Vec<&str> = ["check-attr", "-z", "--stdin"].into_iter().chain(names).collect();
        let answer = self.0.git.demand_with(&self.0.words(&arguments), &self.0.environment, &input)?;
        // PATH \0 NAME \0 VALUE \0, once for each name.
        let fields: Vec<&[u8]> = answer.stdout.split(|byte| *byte == 0).collect();
        let set = |value: &[u8]| value != b"unspecified" && value != b"unset";
        let named = fields.chunks_exact(3).filter(|triple| set(triple[2])).map(|triple| triple[0]);
        let named: BTreeSet<&[u8]> = named.collect();
        Ok(paths.iter().copied().filter(|path| named.contains(path.as_bytes())).collect())
    }

    /// Returns those of the paths that have a filter which is not run here, with its name.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn left_out<'p>(&self, paths: &[&'p RepoPath]) -> Result<BTreeMap<&'p RepoPath, String>> {
        let repository = self.0.repository();
        if paths.is_empty() || !repository.leaves_filters_out() {
            return Ok(BTreeMap::new());
        }
        let mut input = Vec::new();
        for path in paths {
            input.extend_from_slice(path.as_bytes());
            input.push(0);
        }
        let words = self.0.words(&["check-attr", "-z", "--stdin", "filter"]);
        let answer = self.0.git.demand_with(&words, &self.0.environment, &input)?;
        let fields: Vec<&[u8]> = answer.stdout.split(|byte| *byte == 0).collect();
        let value = |triple: &[&[u8]]| String::from_utf8_lossy(triple[2]).into_owned();
        let named = paths.iter().zip(fields.chunks_exact(3)).map(|(path, triple)| (*path, value(triple)));
        Ok(named.filter(|(_, name)| repository.leaves_filter_out(name)).collect())
    }

    /// Returns each blob's bytes as a checkout writes them to its path. If git can't convert one (a
    /// filter that fails, a missing LFS object), the others are still returned.
    ///
    /// # Errors
    /// [`Kind::Environment`] if git can't be run.
    pub fn checked_out(&self, wanted: &[(&RepoPath, &str)]) -> Result<Vec<CheckedOut>> {
        let mut all = Vec::new();
        let mut filtering: Option<Filtering> = None;
        for (path, oid) in wanted {
            // In the batch a path ends with its line, and begins with what is not blank.
            let plain = !path.as_bytes().contains(&b'\n') && !path.as_bytes().starts_with(b" ");
            if !plain || path.as_bytes().starts_with(b"\t") {
                all.push(self.checked_out_alone(path, oid)?);
                continue;
            }
            let started = match filtering.take() {
                Some(filtering) => filtering,
                None => Filtering::start(self)?,
            };
            let mut running = started;
            match running.read(path, oid) {
                Ok(read) => {
                    all.push(read);
                    filtering = Some(running);
                }
                // It gives up at the first that fails; the next one gets a process of its own.
                Err(_) => all.push(Err(running.last_words())),
            }
        }
        Ok(all)
    }

    fn checked_out_alone(&self, path: &RepoPath, oid: &str) -> Result<CheckedOut> {
        let mut option = OsStr::new("--path=").to_owned();
        option.push(path.as_path());
        let words = [OsStr::new("cat-file"), OsStr::new("--filters"), &option, OsStr::new(oid)];
        let answer = self.0.run(&words, &[])?;
        Ok(if answer.ok { Ok(answer.stdout) } else { Err(said(&answer.stderr)) })
    }

    /// Writes files as blobs the way `git add` would, and returns their versions.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn add_files(&self, files: &[(RepoPath, Mode, Vec<u8>)]) -> Result<Vec<Version>> {
        let paths: Vec<&RepoPath> = files.iter().map(|(path, _, _)| path).collect();
        let converted = self.converted(&paths)?;
        let mut plain = Vec::new();
        let mut versions = Vec::new();
        // The blobs must outlive the scratch folder.
        let own = |name: &str| !name.ends_with("OBJECT_DIRECTORY") && !name.ends_with("OBJECT_DIRECTORIES");
        let lasting: Vec<_> = self.0.environment.iter().filter(|(name, _)| own(name)).cloned().collect();
        for (path, mode, bytes) in files {
            let oid = if *mode != Mode::Link && converted.contains(path) {
                self.hash_object(path, bytes, &["-w"], &lasting)?
            } else {
                let oid = self.0.repository().hash.blob_id(bytes);
                plain.push((oid.clone(), bytes.clone()));
                oid
            };
            versions.push(Version { oid, mode: *mode });
        }
        self.0.repository().write_blobs(&plain)?;
        Ok(versions)
    }

    fn hash_object(
        &self,
        path: &RepoPath,
        bytes: &[u8],
        options: &[&str],
        environment: &[(&str, OsString)],
    ) -> Result<String> {
        let mut option = OsString::from("--path=");
        option.push(path.as_path());
        let mut words = self.0.words(&["hash-object"]);
        words.extend(options.iter().map(OsString::from));
        words.extend([option, OsString::from("--stdin")]);
        let answer = self.0.git.demand_with(&words, environment, bytes)?;
        Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
    }
}

fn options(settings: &WrittenBy) -> [OsString; 4] {
    let option = |name: &str, value: &Option<String>, usual: &str| {
        OsString::from(format!("{name}={}", value.as_deref().unwrap_or(usual)))
    };
    let autocrlf = option("core.autocrlf", &settings.autocrlf, "false");
    ["-c".into(), autocrlf, "-c".into(), option("core.eol", &settings.eol, "native")]
}

/// What git said, on one line.
fn said(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => "git could not convert it".to_owned(),
        lines => lines[lines.len().saturating_sub(3)..].join("; "),
    }
}

/// A git that checks out one blob after the other.
///
/// It does not say how long converted content is. So after each blob it is asked for a name that no
/// object has. Everything before the answer to that is the content.
struct Filtering {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Reads what it says on standard error: a pipe that nobody reads would fill up.
    said: Option<JoinHandle<String>>,
    nobody: String,
}

impl Filtering {
    fn start(conversion: &Conversion<'_>) -> Result<Filtering> {
        let mut command =
            conversion.0.git.command(&conversion.0.words(&["cat-file", "--batch", "--filters"]));
        command.envs(conversion.0.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let fail =
            |error: std::io::Error| Error::new(Kind::Environment, "Cannot run `git cat-file`").because(error);
        log_started(&command);
        let mut child = command.spawn().map_err(fail)?;
        let nobody =
            format!("snap-{}", crate::base::digest::to_hex(&crate::sys::files::random_bytes()?[..16]));
        let stderr = child.stderr.take();
        let said = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _whole = stderr.map(|mut stderr| stderr.read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        });
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => {
                let output = BufReader::new(output);
                Ok(Filtering { child, input, output, said: Some(said), nobody })
            }
            _ => Err(fail(std::io::Error::other("it has no pipes"))),
        }
    }

    fn read(&mut self, path: &RepoPath, oid: &str) -> std::io::Result<CheckedOut> {
        let mut request = format!("{oid} ").into_bytes();
        request.extend_from_slice(path.as_bytes());
        request.extend_from_slice(format!("\n{}\n", self.nobody).as_bytes());
        self.input.write_all(&request)?;
        self.input.flush()?;
        let mut header = Vec::new();
        self.output.read_until(b'\n', &mut header)?;
        let end = format!("\n{} missing\n", self.nobody).into_bytes();
        if header.ends_with(b" missing\n") {
            self.output.read_until(b'\n', &mut header)?;
            return Ok(Err("its blob is not in the repository".to_owned()));
        }
        let mut content = Vec::new();
        while !content.ends_with(&end) {
            if self.output.read_until(b'\n', &mut content)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        content.truncate(content.len() - end.len());
        Ok(Ok(content))
    }

    /// What it said before it ended.
    fn last_words(mut self) -> String {
        let _killed = self.child.kill();
        said(&self.said.take().and_then(|said| said.join().ok()).unwrap_or_default())
    }
}

impl Drop for Filtering {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}
