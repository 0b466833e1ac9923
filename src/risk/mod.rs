//! Which steps of an agent can destroy work, and what such a step is called.
//!
//! Pure: a tool call, the rules and the place go in, a risk or nothing comes out. Decided
//! from the parsed command line, never from a text found in it: `echo "rm -rf"` is no risk.
//! A checkpoint too many costs little and one too few costs work, so in doubt it is a risk;
//! but what can't touch the work tree (`rm /tmp/x`, a dry run) is none.

mod classes;
mod rules;
pub mod shell;
mod steps;

use std::path::{Component, Path, PathBuf};

pub use rules::Rules;

use crate::screen::Line;

/// The longest name of a step, in characters.
const LONGEST_STEP: usize = 60;

/// What a tool is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// The tool, such as `Bash`.
    pub tool: &'a str,
    /// The command line, for a shell.
    pub command: Option<&'a str>,
    /// The file, for a tool that writes one.
    pub file: Option<&'a str>,
}

/// A step that can destroy work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// The class, as rules name it: `delete`, `discard`, `deploy`, …
    pub class: String,
    /// The step in a few words, such as `rm -rf build`; holds no more than what names it.
    pub step: String,
}

/// How much of a file would be lost if it were overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaved {
    /// Nothing: it is not there, or committed as it is, or ignored.
    No,
    /// Edits since the last commit.
    Edits,
    /// All of it: git does not know it.
    Whole,
    /// It is a folder; what is in it was not looked at.
    Folder,
}

/// Where a step would be taken.
pub struct Place<'a> {
    /// The work tree.
    pub root: &'a Path,
    /// The folder that commands run in.
    pub cwd: &'a Path,
    /// The user's home.
    pub home: &'a Path,
    /// Says what overwriting a file would lose; asked only for files that a step writes.
    pub unsaved: &'a dyn Fn(&Path) -> Unsaved,
}

impl Place<'_> {
    /// Returns the path that a word means, by its text alone.
    fn path(&self, text: &str) -> PathBuf {
        let path = match text.strip_prefix("~") {
            Some("") => self.home.to_owned(),
            Some(rest) if rest.starts_with('/') => self.home.join(rest.trim_start_matches('/')),
            _ => self.cwd.join(text),
        };
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir => {
                    plain.pop();
                }
                Component::CurDir => {}
                other => plain.push(other),
            }
        }
        plain
    }

    /// Says whether what a word means could lie in the work tree, or hold it.
    fn touches(&self, word: &shell::Word) -> bool {
        // Up to its first variable or pattern, the word says where it leads.
        let fixed = word.text.split(['$', '*', '?', '[', '{']).next().unwrap_or_default();
        if fixed.is_empty() || !(fixed.starts_with('/') || fixed.starts_with('~') || fixed.contains("..")) {
            return true;
        }
        let path = self.path(fixed);
        path.starts_with(self.root) || self.root.starts_with(&path)
    }
}

/// Says whether a tool call is a risk, and which.
pub fn of_call(call: &Call<'_>, rules: &Rules, place: &Place<'_>) -> Option<Risk> {
    if let Some(class) = rules.class_of_tool(call.tool) {
        return Some(Risk { class: class.to_owned(), step: shortened(call.tool) });
    }
    if let Some(command) = call.command {
        return steps::of_line(command).iter().find_map(|step| of_step(step, rules, place));
    }
    let file = call.file.filter(|_| call.tool == "Write" && rules.is_on("overwrite"))?;
    let path = place.path(file);
    let lost = path.starts_with(place.root) && (place.unsaved)(&path) == Unsaved::Whole;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    lost.then(|| Risk { class: "overwrite".to_owned(), step: shortened(&format!("write {name}")) })
}

fn of_step(step: &steps::Step, rules: &Rules, place: &Place<'_>) -> Option<Risk> {
    let class =
        classes::of_step(step, place).filter(|class| rules.is_on(class)).or_else(|| rules.class_of(step))?;
    Some(Risk { class: class.to_owned(), step: name_of(class, step) })
}

/// Names a step: of its words only those that can hold no secret.
fn name_of(class: &str, step: &steps::Step) -> String {
    if class == "pipe-to-shell" {
        let from = step.fed_by.iter().find(|program| classes::FETCHERS.contains(&program.as_str()));
        return format!("{} | {}", from.map_or("…", String::as_str), step.program);
    }
    if class == "overwrite" {
        let file = step.truncates.first().map_or("", |word| word.text.as_str());
        return shortened(&format!("{} > {file}", step.program));
    }
    // What names files is shown whole; elsewhere a word can be a password.
    let names_files = matches!(class, "delete" | "discard" | "rewrite" | "rename");
    let harmless = |text: &&str| !text.contains("://") && !text.contains('@') && !text.contains('=');
    let words = step.arguments.iter().map(|word| word.text.as_str()).filter(harmless);
    let words = words.take(if names_files { usize::MAX } else { 2 });
    let all: Vec<&str> = std::iter::once(step.program.as_str()).chain(words).collect();
    shortened(&all.join(" "))
}

fn shortened(text: &str) -> String {
    let line = Line(text.trim()).to_string();
    if line.chars().count() <= LONGEST_STEP && line.len() < 100 {
        return line;
    }
    let mut short = String::new();
    for c in line.chars().take(LONGEST_STEP - 1) {
        if short.len() > 90 {
            break;
        }
        short.push(c);
    }
    short.trim_end().to_owned() + "…"
}
