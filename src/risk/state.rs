//! What a shell knows while a line runs: the folder it is in, and its variables.
//!
//! Pure. A folder that can't be known is kept as it was written, so that it can be reported.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::StepContext;
use super::shell::Joint;
use super::touched_place::{Reach, Target};
use super::value::{Value, ValueText};

/// At most this many folders in which a step may run are distinguished.
const MOST: usize = 4;

/// At most this many values of one variable are distinguished.
const MOST_VALUES: usize = 64;

/// A folder's name is not longer than this, in bytes.
const LONGEST_PATH: usize = 4_096;

/// More variables than this are not remembered.
const MOST_VARIABLES: usize = 500;

/// A folder that a step may run in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dir {
    /// This one.
    Known(PathBuf),
    /// One that is found when it runs, among these.
    Among(Target),
    /// One that only the run itself decides, as it was written.
    Unknown(String),
}

/// What a shell knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The folders that it may be in.
    pub(super) dirs: Vec<Dir>,
    /// Those it was in before the last `cd`.
    before: Vec<Dir>,
    /// What stands for `{}` in the words of `xargs` and `find -exec`, and what that is written as.
    pub(super) found: Option<Rc<(String, Vec<Value>)>>,
    /// Whether that was the last command.
    fresh: bool,
    /// What `pushd` keeps.
    stack: Vec<Vec<Dir>>,
    /// The variables that were set in the line.
    variables: Rc<BTreeMap<String, Vec<Value>>>,
}

impl State {
    /// Returns what a shell knows that starts in a folder.
    pub(super) fn starting_in(cwd: &Path) -> State {
        State { dirs: vec![Dir::Known(cwd.to_owned())], ..State::default() }
    }

    /// Returns what a variable that was set in the line can be.
    pub(super) fn variable(&self, name: &str) -> Option<&Vec<Value>> {
        self.variables.get(name)
    }

    /// Sets a variable.
    pub(super) fn set(&mut self, name: &str, values: Vec<Value>) {
        let values =
            if values.len() > MOST_VALUES { vec![Value::Unknown(format!("${name}"))] } else { values };
        if self.variables.len() < MOST_VARIABLES || self.variables.contains_key(name) {
            Rc::make_mut(&mut self.variables).insert(name.to_owned(), values);
        }
    }

    /// Takes a variable away: what it is then can't be known.
    pub(super) fn unset(&mut self, name: &str) {
        self.set(name, vec![Value::Unknown(format!("${name}"))]);
    }

    /// Returns the folders that are known.
    pub(super) fn known(&self) -> impl Iterator<Item = &PathBuf> {
        self.dirs.iter().filter_map(|dir| match dir {
            Dir::Known(path) => Some(path),
            Dir::Among(_) | Dir::Unknown(_) => None,
        })
    }

    /// Carries out `cd`, `pushd` or `popd`; `words` are what its arguments can be.
    pub(super) fn change(&mut self, program: &str, words: &[Vec<Value>], context: &StepContext<'_>) {
        let old = self.dirs.clone();
        let target = words.iter().find(|values| !values.iter().any(Value::is_option));
        let new = match (program, target) {
            ("popd", _) => self.stack.pop().unwrap_or_else(|| vec![Dir::Unknown("popd".to_owned())]),
            ("pushd", None) => self.stack.pop().unwrap_or_else(|| old.clone()),
            (_, None) => vec![Dir::Known(context.home.to_owned())],
            (_, Some(values)) if values.iter().all(|value| value.is("-")) => {
                if self.before.is_empty() {
                    vec![Dir::Unknown(format!("{program} -"))]
                } else {
                    self.before.clone()
                }
            }
            (_, Some(values)) => self.at(values),
        };
        if program == "pushd" {
            self.stack.push(old.clone());
        }
        let too_long = |dir: &Dir| match dir {
            Dir::Known(path) => path.as_os_str().len() > LONGEST_PATH,
            Dir::Unknown(written) => written.len() > LONGEST_PATH,
            Dir::Among(_) => false,
        };
        let new = if new.iter().any(too_long) { vec![Dir::Unknown(program.to_owned())] } else { new };
        self.before = old;
        self.dirs = new;
        self.fresh = true;
    }

    /// Returns the folders that values mean, seen from here.
    pub(super) fn at(&self, values: &[Value]) -> Vec<Dir> {
        let mut dirs = Vec::new();
        for value in values {
            match value {
                Value::Text(text) if text.pattern.is_some() => {
                    let mut unknown = Vec::new();
                    let found = self.below(std::slice::from_ref(value), &mut unknown);
                    dirs.extend(found.into_iter().map(Dir::Among));
                    dirs.extend(unknown.into_iter().map(Dir::Unknown));
                }
                Value::Text(text) if text.is_absolute() => {
                    dirs.push(Dir::Known(plain(Path::new(&text.plain))))
                }
                Value::Text(text) => dirs.extend(self.dirs.iter().map(|dir| match dir {
                    Dir::Known(path) => Dir::Known(plain(&path.join(&text.plain))),
                    Dir::Among(target) if !text.plain.contains("..") => Dir::Among(target.clone()),
                    Dir::Among(target) => Dir::Unknown(format!("{}/{}", target.path.display(), text.plain)),
                    Dir::Unknown(written) => Dir::Unknown(format!("{written}/{}", text.plain)),
                })),
                Value::Paths(targets) => {
                    dirs.extend(targets.iter().cloned().map(Dir::Among));
                }
                Value::Unknown(written) => dirs.push(Dir::Unknown(written.clone())),
            }
        }
        limited(dirs)
    }

    /// Returns the places that values mean; what can't be foreseen is added to `unknown`.
    pub(super) fn below(&self, values: &[Value], unknown: &mut Vec<String>) -> Vec<Target> {
        let mut targets = Vec::new();
        for value in values {
            match value {
                Value::Text(text) => targets.extend(self.below_text(text, unknown)),
                Value::Paths(found) => targets.extend(found.iter().cloned()),
                Value::Unknown(written) => unknown.push(written.clone()),
            }
        }
        targets
    }

    fn below_text(&self, text: &ValueText, unknown: &mut Vec<String>) -> Vec<Target> {
        if text.plain.is_empty() {
            return Vec::new();
        }
        // Up to its first part with a pattern, a path says where it leads.
        let (fixed, pattern) = match &text.pattern {
            None => (text.plain.clone(), None),
            Some(pattern) => {
                let parts: Vec<&str> = pattern.split('/').collect();
                let first = parts.iter().position(|part| is_pattern(part)).unwrap_or(parts.len());
                let fixed: String =
                    parts[..first].iter().map(|part| format!("{}/", unescaped(part))).collect();
                (fixed, Some(parts[first..].join("/")))
            }
        };
        let reach = match pattern.filter(|pattern| !pattern.is_empty()) {
            Some(pattern) => Reach::Fitting(pattern),
            None => Reach::Below,
        };
        if fixed.starts_with('/') {
            return vec![Target { path: plain(Path::new(&fixed)), reach }];
        }
        let mut targets = Vec::new();
        for dir in &self.dirs {
            match dir {
                Dir::Known(path) => {
                    targets.push(Target { path: plain(&path.join(&fixed)), reach: reach.clone() })
                }
                // What lies below one of these is touched with it.
                Dir::Among(target) if !fixed.contains("..") => targets.push(target.clone()),
                Dir::Among(_) => unknown.push(text.plain.clone()),
                Dir::Unknown(written) => unknown.push(format!("{written}/{}", text.plain)),
            }
        }
        targets
    }

    /// Says how the command comes that is next: after a `cd` that failed, say.
    pub(super) fn settle(&mut self, joint: Joint, context: &StepContext<'_>) {
        if !std::mem::take(&mut self.fresh) {
            return;
        }
        let all_there = |dirs: &[Dir]| {
            dirs.iter().all(|dir| match dir {
                Dir::Known(path) => context.around.is_folder(path),
                Dir::Among(_) => true,
                Dir::Unknown(_) => false,
            })
        };
        match joint {
            Joint::And => {}
            // `cd X; …` goes on where it was if there is no X.
            _ if all_there(&self.dirs) => {}
            Joint::Always | Joint::Or => {
                let both = self.dirs.iter().chain(&self.before).cloned().collect();
                self.dirs = limited(both);
            }
        }
    }
}

fn limited(dirs: Vec<Dir>) -> Vec<Dir> {
    let mut kept: Vec<Dir> = Vec::new();
    for dir in dirs {
        if !kept.contains(&dir) {
            kept.push(dir);
        }
    }
    kept.truncate(MOST);
    kept
}

/// Returns a path without `.` and `..`, by its text alone, as a shell's `cd` does.
pub(super) fn plain(path: &Path) -> PathBuf {
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

fn is_pattern(part: &str) -> bool {
    let plain = part.replace("[*]", "").replace("[?]", "").replace("[[]", "").replace("[]]", "");
    plain.contains(['*', '?', '['])
}

fn unescaped(part: &str) -> String {
    part.replace("[*]", "*").replace("[?]", "?").replace("[[]", "[").replace("[]]", "]")
}
