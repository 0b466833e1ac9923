//! The two names of this program: `snap`, and `claude-snap` for where another program has the short one, as snapd has.
//!
//! What a person is told to type begins with the name that was typed. In a hook nobody typed one: there it is the
//! short name if a shell finds this program by it, and the long one if not.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The name that people type.
pub(crate) const SHORT: &str = "snap";

/// The name that no other program has.
pub(crate) const LONG: &str = "claude-snap";

/// npm's package starts this program by a script, which leaves its own path here.
const STARTED_AS: &str = "SNAP_STARTED_AS";

/// Where programs are that the client's hooks find even if its `PATH` lacks these folders, below the home and elsewhere.
const BELOW_HOME: [&str; 2] = [".local/bin", ".cargo/bin"];
const ELSEWHERE: [&str; 2] = ["/opt/homebrew/bin", "/usr/local/bin"];

/// Returns the name to print: of the two, the one by which this program is called.
pub(crate) fn name() -> &'static str {
    static NAME: OnceLock<&str> = OnceLock::new();
    NAME.get_or_init(|| {
        let is_hook = std::env::args_os().nth(1).is_some_and(|word| word == "hook");
        let is_long = if is_hook {
            match first_on_path(SHORT) {
                Some(first) => !is_this(&first),
                None => first_on_path(LONG).is_some(),
            }
        } else {
            typed().file_name().is_some_and(|name| name == LONG)
        };
        if is_long { LONG } else { SHORT }
    })
}

/// Sets the name to print into the commands of a text for a person: those in backticks, also behind a pipe.
pub(crate) fn in_words(text: &str) -> Cow<'_, str> {
    if name() == SHORT || [" snap ", "`snap"].iter().all(|word| !text.contains(word)) {
        return Cow::Borrowed(text);
    }
    let begun = ["`snap ", "`snap`", "| snap ", "&& snap "];
    Cow::Owned(
        begun
            .iter()
            .fold(text.to_owned(), |text, typed| text.replace(typed, &typed.replacen(SHORT, LONG, 1))),
    )
}

/// Sets the name to print into a command line that is shown.
pub(crate) fn in_command(line: &str) -> Cow<'_, str> {
    if name() == SHORT {
        return Cow::Borrowed(line);
    }
    let words = line.split(' ').map(|word| match word {
        SHORT => LONG.to_owned(),
        "\"snap" => format!("\"{LONG}"),
        other => other.to_owned(),
    });
    Cow::Owned(words.collect::<Vec<_>>().join(" "))
}

/// Makes a command of this very program tell people the same name.
pub(crate) fn pass_on(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.arg0(name()).env_remove(STARTED_AS);
}

/// Returns the first program of this name that a shell finds.
pub(crate) fn first_on_path(program: &str) -> Option<PathBuf> {
    first_in(std::env::split_paths(&path()), program)
}

/// Returns the first other program on the `PATH` that has our short name.
pub(crate) fn other_on_path() -> Option<PathBuf> {
    let path = path();
    let mut all = std::env::split_paths(&path).map(|folder| folder.join(SHORT));
    all.find(|file| file.is_file() && !is_this(file))
}

/// What helps if hooks find this program by neither name.
pub(crate) const HOW_TO_BE_FOUND: &str = "put the folder of this program on the PATH";

/// Returns the program that the hooks of `snap init` call: the long name wherever it is, what cargo has installed, or the short
/// name if that is this program.
pub(crate) fn called_by_hooks() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let below = BELOW_HOME.iter().filter_map(|folder| Some(home.as_ref()?.join(folder)));
    let more = below.chain(ELSEWHERE.iter().map(PathBuf::from));
    let cargos = || first_in(home.iter().map(|home| home.join(".cargo/bin")), SHORT);
    let by_short_name = || first_on_path(SHORT).filter(|first| is_this(first));
    first_in(std::env::split_paths(&path()).chain(more), LONG).or_else(cargos).or_else(by_short_name)
}

/// Says whether a file is this program, or npm's script that starts it.
pub(crate) fn is_this(program: &Path) -> bool {
    let Ok(program) = program.canonicalize() else { return false };
    let own = std::env::current_exe().and_then(|own| own.canonicalize());
    own.is_ok_and(|own| own == program || is_same_file(&own, &program) || is_copy(&own, &program))
        || script().is_some_and(|script| script == program)
}

/// Says whether two paths are names of one file: an installation may have the second name as a hard link.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| path.metadata().ok().map(|meta| (meta.dev(), meta.ino()));
    place(one).is_some_and(|one| Some(one) == place(other))
}

/// Says whether two files have the same content: two installations of one version are one program to a person.
fn is_copy(one: &Path, other: &Path) -> bool {
    let bytes = |path: &Path| path.metadata().ok().map(|meta| meta.len());
    if bytes(one).is_none() || bytes(one) != bytes(other) {
        return false;
    }
    let open = |path: &Path| std::fs::File::open(path).map(|file| BufReader::with_capacity(1 << 16, file));
    let (Ok(mut one), Ok(mut other)) = (open(one), open(other)) else { return false };
    loop {
        let (Ok(left), Ok(right)) = (one.fill_buf(), other.fill_buf()) else { return false };
        let both = left.len().min(right.len());
        if left[..both] != right[..both] {
            return false;
        }
        if both == 0 {
            return left.len() == right.len();
        }
        one.consume(both);
        other.consume(both);
    }
}

/// Returns how this program was started.
fn typed() -> PathBuf {
    let script = script().and_then(|_| std::env::var_os(STARTED_AS));
    script.or_else(|| std::env::args_os().next()).map(PathBuf::from).unwrap_or_default()
}

/// Returns npm's script, if it started this program. What the variable says of another one, as in a shell that an
/// agent runs, does not count: the script is in a package beside the program's own.
fn script() -> Option<PathBuf> {
    let script = PathBuf::from(std::env::var_os(STARTED_AS)?).canonicalize().ok()?;
    let package = script.parent()?.parent()?;
    let own = std::env::current_exe().ok()?.canonicalize().ok()?;
    own.starts_with(package.parent()?).then_some(script)
}

fn path() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

fn first_in(mut folders: impl Iterator<Item = PathBuf>, program: &str) -> Option<PathBuf> {
    folders.find_map(|folder| Some(folder.join(program)).filter(|file| file.is_file()))
}
