//! The client's command: how it continues a restored session, run or printed.
//!
//! A client must not take itself for a child of the client that started `snap`: it would write no transcript.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::base::error::{Error, Kind};
use crate::base::ids::ClientId;
use crate::cli::output::words::quoted;
use crate::client::{MARKS_OF_A_CLIENT, WORDS_OF_A_CLIENT};
use crate::sys::environment;
use crate::sys::programs::Programs;

/// Returns the variables that are set here and must not reach a client that is started.
pub(crate) fn marks_here() -> Vec<&'static str> {
    MARKS_OF_A_CLIENT.into_iter().filter(|name| environment::has(name)).collect()
}

/// Returns what stands before `claude` in a command for a shell: the variables that it is to have, and to be rid of.
pub(crate) fn before_client(set: Option<&(&'static str, String)>) -> String {
    let marks = marks_here();
    let start = if marks.is_empty() { "" } else { "env " };
    let rid: String = marks.iter().map(|name| format!("-u {name} ")).collect();
    let set: String = set.iter().map(|(name, value)| format!("{name}={} ", quoted(value))).collect();
    format!("{start}{rid}{set}")
}

/// How to continue a session.
pub(crate) struct Launch<'a> {
    pub(crate) id: &'a ClientId,
    pub(crate) cwd: &'a Path,
    /// The options that make it continue as it was: its mode and grants.
    pub(crate) options: &'a [String],
    pub(crate) extra: &'a [OsString],
    pub(crate) environment: Option<(&'static str, String)>,
    /// What it is asked first.
    pub(crate) prompt: Option<String>,
    /// Whether something of the snapshot is not here, or is in conflict.
    pub(crate) partial: bool,
}

impl Launch<'_> {
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["claude".to_owned(), "--resume".to_owned(), self.id.to_string()];
        arguments.extend(self.options.iter().cloned());
        arguments.extend(self.extra.iter().map(|extra| extra.to_string_lossy().into_owned()));
        arguments.extend(self.prompt_words().map(str::to_owned));
        arguments
    }

    /// A prompt is no option, whatever it begins with, and no option's value.
    fn prompt_words(&self) -> impl Iterator<Item = &str> {
        self.prompt.iter().flat_map(|prompt| ["--", prompt.as_str()])
    }

    pub(crate) fn for_a_shell(&self) -> String {
        let words: Vec<String> = self.arguments().iter().map(|word| quoted(word)).collect();
        let before = before_client(self.environment.as_ref());
        format!("cd {} && {before}{}", quoted(&self.cwd.to_string_lossy()), words.join(" "))
    }

    /// Becomes the client; returns only if that fails.
    pub(crate) fn run(&self) -> Error {
        let programs = Programs::around(&[self.cwd]);
        let Some(client) = programs.find("claude") else {
            return self.not_started("there is no `claude` on the PATH outside of the project");
        };
        let words = programs.start(&client);
        let (first, rest) = words.split_first().map_or((&client, &[][..]), |(first, rest)| (first, rest));
        // This process ends without letting go of anything.
        crate::git::leave_none();
        let mut command = std::process::Command::new(first);
        for name in MARKS_OF_A_CLIENT.into_iter().chain(WORDS_OF_A_CLIENT) {
            command.env_remove(name);
        }
        let error = command
            .args(rest)
            .env("PATH", programs.path_for_client())
            .arg("--resume")
            .arg(self.id.as_str())
            .args(self.options)
            .args(self.extra)
            .args(self.prompt_words())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.cwd)
            .exec();
        self.not_started(error)
    }

    fn not_started(&self, why: impl std::fmt::Display) -> Error {
        let done = if self.partial {
            "What could be restored is in place (the rest is named above)"
        } else {
            "Everything is restored"
        };
        Error::new(Kind::Environment, format!("{done}, but the client can't be started"))
            .because(why)
            .hint(format!("install Claude Code, then run: {}", self.for_a_shell()))
    }
}
