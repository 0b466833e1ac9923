//! What git compares of the files on the disk: line ends, encodings, idents and filters undone.
//!
//! Line ends are decided here, exactly as git's `convert.c` does (2.10 and later). For everything else git
//! is asked, once for all files, and writes its results into a scratch folder. This is only for diffs: the
//! bytes on the disk are saved and restored as they are, whatever is decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use super::objects_aside::{READ_TOO, WRITTEN};
use super::{Blobs, FileInPlace, Index, Repository};
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::sys::environment;

/// The attributes that convert, in the order in which they are asked for.
const ATTRIBUTES: [&str; 6] = ["text", "crlf", "eol", "filter", "ident", "working-tree-encoding"];

/// The most bytes of files made by git that are held.
const MOST_HELD: usize = 64 << 20;

/// How many files may fail to be converted before the rest is left as it is.
const MOST_FAILED: usize = 8;

/// How the files of one work tree are converted on their way to git.
#[derive(Debug, Default)]
pub struct Cleaning {
    rules: BTreeMap<RepoPath, LineEndRule>,
}

/// How git converts one file.
#[derive(Debug)]
enum LineEndRule {
    /// Line ends, whatever the file holds.
    Lines,
    /// Line ends, if the content looks like text and the version in the index (its id) has none of its own.
    LinesIfText(Option<String>),
    /// By Git LFS: a few lines that name the content.
    Pointer,
    /// In another way: what git made of it.
    Made(Vec<u8>),
}

impl Repository {
    /// Finds out how these files are converted. If that can't be found out, a file counts as not
    /// converted. Files that are not `true` are not converted by programs.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with what git says.
    pub fn cleaning(&self, paths: &BTreeMap<&RepoPath, bool>, index: Option<&Index>) -> Result<Cleaning> {
        let converts = |index: &Index| self.may_convert(paths, index);
        let own;
        let index = match index {
            Some(index) => index,
            None => {
                own = self.index()?;
                &own
            }
        };
        if paths.is_empty() || !converts(index) {
            return Ok(Cleaning::default());
        }
        let ways = self.ways(paths.keys().copied())?;
        let mut cleaning = Cleaning::default();
        let (mut by_git, mut if_text) = (Vec::new(), Vec::new());
        for ((path, all), way) in paths.iter().zip(ways) {
            match way {
                Way::Unchanged => {}
                Way::Lines => {
                    cleaning.rules.insert((*path).clone(), LineEndRule::Lines);
                }
                Way::LinesIfText => if_text.push(*path),
                Way::Pointer => {
                    cleaning.rules.insert((*path).clone(), LineEndRule::Pointer);
                }
                Way::Other => by_git.extend(all.then_some(*path)),
            }
        }
        let wanted: BTreeSet<&[u8]> = if_text.iter().map(|path| path.as_bytes()).collect();
        let indexed: BTreeMap<RepoPath, _> =
            index.versions(|path| wanted.contains(path)).into_iter().collect();
        for path in if_text {
            let oid = indexed.get(path).map(|version| version.oid.clone());
            cleaning.rules.insert(path.clone(), LineEndRule::LinesIfText(oid));
        }
        for (path, made) in self.made(&by_git)? {
            cleaning.rules.insert(path, LineEndRule::Made(made));
        }
        Ok(cleaning)
    }

    /// Says whether git surely compares the very bytes that these files have on the disk.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with what git says.
    pub(super) fn compares_bytes(&self, files: &[FileInPlace<'_>], index: &Index) -> Result<bool> {
        let paths: BTreeMap<&RepoPath, bool> = files.iter().map(|file| (file.path, true)).collect();
        let folders: BTreeSet<RepoPath> = files.iter().flat_map(|file| file.path.above()).collect();
        // Git does not track everything that it goes by.
        let rules = |folder: &RepoPath| self.root.join(folder.as_path()).join(".gitattributes");
        if !self.may_convert(&paths, index) && !folders.iter().any(|folder| rules(folder).exists()) {
            return Ok(true);
        }
        let ways = self.ways(paths.keys().copied())?;
        let bytes: BTreeMap<&RepoPath, &[u8]> = files.iter().map(|file| (file.path, file.bytes)).collect();
        Ok(bytes.values().zip(ways).all(|(bytes, way)| match way {
            Way::Unchanged => true,
            Way::Lines | Way::LinesIfText => memchr::memchr(b'\r', bytes).is_none(),
            Way::Pointer | Way::Other => false,
        }))
    }

    /// Asks git how these files are converted.
    fn ways<'p>(&self, paths: impl Iterator<Item = &'p RepoPath>) -> Result<Vec<Way>> {
        let guessed = self.guesses_line_ends()?;
        let mut input = Vec::new();
        for path in paths {
            input.extend_from_slice(path.as_bytes());
            input.push(0);
        }
        let arguments: Vec<&str> = ["check-attr", "-z", "--stdin"].into_iter().chain(ATTRIBUTES).collect();
        let answer = self.git.demand_with(&arguments, &[], &input)?;
        // PATH \0 NAME \0 VALUE \0, once for each name.
        let fields: Vec<&[u8]> = answer.stdout.split(|byte| *byte == 0).collect();
        let values = fields.chunks_exact(3).map(|triple| triple[2]);
        let values: Vec<&[u8]> = values.collect();
        Ok(values.chunks_exact(ATTRIBUTES.len()).map(|values| judge(values, guessed)).collect())
    }

    /// Says whether anything might convert one of these files: a setting, or attributes anywhere.
    pub(super) fn may_convert(&self, paths: &BTreeMap<&RepoPath, bool>, index: &Index) -> bool {
        let is_attributes = |path: &[u8]| path == b".gitattributes" || path.ends_with(b"/.gitattributes");
        let settings = || {
            // Settings from the environment are git's alone.
            if environment::has("GIT_CONFIG_COUNT") {
                return true;
            }
            let Some(config) = self.blobs().settings() else { return true };
            let line_ends = config.get_string("core.autocrlf").is_ok_and(|value| value != "false");
            let attributes = config.get_path("core.attributesFile").is_ok_and(|path| path.exists());
            line_ends || attributes
        };
        let files = || {
            let home = environment::variable("HOME").map(|home| Path::new(&home).join(".config"));
            let config = environment::variable("XDG_CONFIG_HOME").map(std::path::PathBuf::from).or(home);
            config.is_some_and(|config| config.join("git/attributes").exists())
                || Path::new("/etc/gitattributes").exists()
                || self.common_dir.join("info/attributes").exists()
                || self.root.join(".gitattributes").exists()
        };
        paths.keys().any(|path| is_attributes(path.as_bytes()))
            || index.entries().any(|entry| is_attributes(entry.path))
            || files()
            || settings()
    }

    /// Says whether `core.autocrlf` has git guess which files are text.
    fn guesses_line_ends(&self) -> Result<bool> {
        let answer = self.git.run(&["config", "--get", "core.autocrlf"])?;
        let value = answer.stdout.trim_ascii();
        Ok(answer.ok && !matches!(value, b"" | b"false" | b"no" | b"off" | b"0"))
    }

    /// Has git convert files as `git add` would. What it can't convert is left out.
    fn made(&self, paths: &[&RepoPath]) -> Result<BTreeMap<RepoPath, Vec<u8>>> {
        let mut made = BTreeMap::new();
        let is_file = |path: &&&RepoPath| {
            let meta = self.root.join(path.as_path()).symlink_metadata();
            meta.is_ok_and(|meta| meta.is_file())
        };
        let mut rest: Vec<&RepoPath> = paths.iter().filter(is_file).copied().collect();
        if rest.is_empty() {
            return Ok(made);
        }
        let scratch = crate::sys::files::scratch_folder()?;
        let environment = [(WRITTEN, OsString::from(scratch.path())), (READ_TOO, self.object_folders())];
        let mut ids: Vec<(&RepoPath, String)> = Vec::new();
        for _ in 0..MOST_FAILED {
            if rest.is_empty() {
                break;
            }
            let input: Vec<u8> = rest.iter().flat_map(|path| quoted(path)).collect();
            let words =
                ["-c", "core.fsync=none", "-c", "core.safecrlf=false", "hash-object", "-w", "--stdin-paths"];
            let mut command = self.git.command(&words);
            command.envs(environment.iter().map(|(name, value)| (name, value)));
            let answer = self.git.finish(&mut command, &input)?;
            let lines = answer.lines().into_iter().filter(|line| !line.is_empty());
            let given: Vec<String> = lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect();
            // It ends at the first file that it can't convert.
            let end = if answer.ok { rest.len() } else { (given.len() + 1).min(rest.len()) };
            let behind = rest.split_off(end);
            ids.extend(rest.into_iter().zip(given));
            rest = behind;
        }
        let input: Vec<u8> = ids.iter().flat_map(|(_, id)| format!("{id}\n").into_bytes()).collect();
        if !input.is_empty() {
            let answer = self.git.demand_with(&["cat-file", "--batch"], &environment, &input)?;
            let mut out = &answer.stdout[..];
            let mut held = 0;
            for (path, _) in ids {
                // OID SP TYPE SP SIZE LF CONTENT LF
                let Some(end) = out.iter().position(|byte| *byte == b'\n') else { break };
                let head = String::from_utf8_lossy(&out[..end]);
                let Some(size) = head.rsplit(' ').next().and_then(|size| size.parse::<usize>().ok()) else {
                    break;
                };
                let Some(content) = out.get(end + 1..end + 1 + size) else { break };
                held += size;
                if held <= MOST_HELD {
                    made.insert(path.clone(), content.to_vec());
                }
                out = out.get(end + 2 + size..).unwrap_or_default();
            }
        }
        scratch.remove()?;
        Ok(made)
    }
}

impl Cleaning {
    /// Returns what git compares of a file with these bytes on the disk; `None` if it is these very
    /// bytes.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if git can't be asked for the version in the index.
    pub fn compared(&self, path: &RepoPath, raw: &[u8], blobs: &mut Blobs<'_>) -> Result<Option<Vec<u8>>> {
        let clean = match self.rules.get(path) {
            None => return Ok(None),
            Some(LineEndRule::Made(made)) => made.clone(),
            Some(LineEndRule::Pointer) if raw.is_empty() || is_pointer(raw) => return Ok(None),
            Some(LineEndRule::Pointer) => pointer(raw),
            Some(_) if memchr::memmem::find(raw, b"\r\n").is_none() => return Ok(None),
            Some(LineEndRule::Lines) => without_crlf(raw),
            Some(LineEndRule::LinesIfText(indexed)) => {
                let indexed = indexed.as_ref().map(|oid| blobs.read(oid)).transpose()?.flatten();
                let has_own = |text: &[u8]| {
                    let seen = TextStats::of(text);
                    seen.crlf > 0 && !seen.is_binary()
                };
                if TextStats::of(raw).is_binary() || indexed.as_deref().is_some_and(has_own) {
                    return Ok(None);
                }
                without_crlf(raw)
            }
        };
        Ok(Some(clean).filter(|clean| clean != raw))
    }

    /// Says whether a file might be converted.
    pub fn has(&self, path: &RepoPath) -> bool {
        self.rules.contains_key(path)
    }
}

/// What the attributes of a file and the setting mean for its way to git.
enum Way {
    Unchanged,
    Lines,
    LinesIfText,
    Pointer,
    Other,
}

/// How a pointer of Git LFS begins.
const POINTER: &str = "version https://git-lfs.github.com/spec/v1\n";

/// Says whether content is a pointer of Git LFS, to what is elsewhere.
pub fn is_pointer(raw: &[u8]) -> bool {
    raw.len() < 1_024 && raw.starts_with(POINTER.as_bytes())
}

/// Returns what git stores for a file of Git LFS. The LFS program is not run: it would copy the file
/// into `.git`.
fn pointer(raw: &[u8]) -> Vec<u8> {
    format!("{POINTER}oid sha256:{}\nsize {}\n", crate::base::digest::sha256(raw), raw.len()).into_bytes()
}

/// Decides as `convert_attrs` in git's `convert.c` does; values in the order of [`ATTRIBUTES`].
fn judge(values: &[&[u8]], guessed: bool) -> Way {
    let [text, crlf, eol, filter, ident, encoding] = values else { return Way::Unchanged };
    let has_value = |value: &[u8]| !matches!(value, b"unspecified" | b"unset" | b"set");
    if *filter == b"lfs" && !has_value(encoding) {
        return Way::Pointer;
    }
    if has_value(filter) || *ident == b"set" || has_value(encoding) {
        return Way::Other;
    }
    let text = if *text == b"unspecified" { crlf } else { text };
    match (*text, *eol) {
        (b"unset", _) => Way::Unchanged,
        (b"auto", _) => Way::LinesIfText,
        (b"set" | b"input", _) | (_, b"lf" | b"crlf") => Way::Lines,
        _ if guessed => Way::LinesIfText,
        _ => Way::Unchanged,
    }
}

/// Line ends and other bytes, counted as `gather_stats` in git's `convert.c` does.
#[derive(Default)]
struct TextStats {
    nul: usize,
    lone_cr: usize,
    crlf: usize,
    printable: usize,
    other: usize,
}

impl TextStats {
    fn of(text: &[u8]) -> TextStats {
        let mut seen = TextStats::default();
        let mut bytes = text.iter().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\r' if bytes.next_if_eq(&&b'\n').is_some() => seen.crlf += 1,
                b'\r' => seen.lone_cr += 1,
                b'\n' => {}
                0 => (seen.nul, seen.other) = (seen.nul + 1, seen.other + 1),
                0x7F => seen.other += 1,
                0x08 | b'\t' | 0x0C | 0x1B => seen.printable += 1,
                ..0x20 => seen.other += 1,
                _ => seen.printable += 1,
            }
        }
        // An end mark of old systems is no sign of a binary.
        if text.ends_with(&[0x1A]) {
            seen.other -= 1;
        }
        seen
    }

    fn is_binary(&self) -> bool {
        self.lone_cr > 0 || self.nul > 0 || (self.printable >> 7) < self.other
    }
}

fn without_crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (at, byte) in text.iter().enumerate() {
        if *byte != b'\r' || text.get(at + 1) != Some(&b'\n') {
            out.push(*byte);
        }
    }
    out
}

/// Writes a path on a line of its own, as `--stdin-paths` reads it.
fn quoted(path: &RepoPath) -> Vec<u8> {
    let mut line = b"\"".to_vec();
    for byte in path.as_bytes() {
        match byte {
            b'"' | b'\\' => line.extend_from_slice(&[b'\\', *byte]),
            ..0x20 | 0x7F.. => line.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
            _ => line.push(*byte),
        }
    }
    line.extend_from_slice(b"\"\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_undone_as_git_undoes_them() {
        assert_eq!(without_crlf(b"a\r\nb\rc\r\r\nd\r"), b"a\nb\rc\r\nd\r");
        let binary = |text: &[u8]| TextStats::of(text).is_binary();
        assert!(
            !binary(b"text\r\n\t\x1b[0m\x0c")
                && !binary(b"")
                && !binary(&[&[b'x'; 128][..], b"\x1a"].concat())
        );
        assert!(binary(b"a\rb") && binary(b"a\0b") && binary(b"\x01abc"));
        assert!(!binary(&[&[b'x'; 128][..], b"\x01"].concat()), "one in 128 is let pass");
    }

    #[test]
    fn attributes_and_setting_are_judged_as_git_does() {
        let word = |text: &str, guessed| {
            let values: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
            match judge(&values, guessed) {
                Way::Unchanged => "unchanged",
                Way::Lines => "lines",
                Way::LinesIfText => "if text",
                Way::Pointer => "pointer",
                Way::Other => "other",
            }
        };
        let n = "unspecified";
        for (values, guessed, expected) in [
            (format!("{n} {n} {n} {n} {n} {n}"), false, "unchanged"),
            (format!("{n} {n} {n} {n} {n} {n}"), true, "if text"),
            (format!("unset {n} crlf {n} {n} {n}"), true, "unchanged"),
            (format!("{n} unset {n} {n} {n} {n}"), true, "unchanged"),
            (format!("set {n} {n} {n} {n} {n}"), false, "lines"),
            (format!("auto {n} crlf {n} {n} {n}"), false, "if text"),
            (format!("{n} {n} crlf {n} {n} {n}"), false, "lines"),
            (format!("{n} input {n} {n} {n} {n}"), false, "lines"),
            (format!("{n} {n} {n} lfs {n} {n}"), false, "pointer"),
            (format!("{n} {n} {n} crypt {n} {n}"), false, "other"),
            (format!("{n} {n} {n} {n} set {n}"), false, "other"),
            (format!("{n} {n} {n} unset unset UTF-16"), false, "other"),
        ] {
            assert_eq!(word(&values, guessed), expected, "{values} {guessed}");
        }
    }

    #[test]
    fn paths_are_quoted_for_git() {
        let path = RepoPath::new(b"a \"b\\\n\xff").expect("a path");
        assert_eq!(quoted(&path), b"\"a \\\"b\\\\\\012\\377\"\n");
    }
}
