//! Which paths a risky step touches.
//!
//! Pure: from the words of the step, the folder it runs in and the known variables. Which work trees are
//! there is found out elsewhere.

use std::path::{Path, PathBuf};

use super::StepContext;
use super::expand::{CommandLine, Text, Value};
use super::shell::Word;
use super::state::{Dir, State, plain};
use super::steps::ShellStep;

/// A place that a step touches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The path, absolute and without `..`.
    pub path: PathBuf,
    /// What of it is touched.
    pub reach: Reach,
}

/// How far a step reaches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The work tree around the path, and no tree inside it.
    Tree,
    /// Everything at the path and below it, in whatever work trees.
    Below,
    /// The same for whatever is there and fits this pattern, which is relative to the path.
    Fitting(String),
    /// The linked work tree that git calls so, seen from the path.
    Named(String),
    /// Every work tree of the repository that the path is in.
    Worktrees,
    /// The same, but for the main one.
    Linked,
    /// The linked work tree around the path, which is removed as a whole. From the main one, any linked
    /// one.
    Whole,
}

/// What `git clean` takes away beside what git would list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleans {
    /// Untracked files.
    Untracked,
    /// Those and ignored ones.
    All,
    /// Ignored ones alone.
    Ignored,
}

/// What a step touches, and what of that can't be foreseen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// For `git clean`: the folders in which it removes, and what.
    pub cleans: Option<(Cleans, Vec<PathBuf>)>,
    /// The places.
    pub targets: Vec<Target>,
    /// What only the run itself decides, as it was written.
    pub unknown: Vec<String>,
}

impl Touched {
    /// Adds the work trees that the step's own folder is in.
    pub(super) fn add_here(&mut self, dirs: &[Dir]) {
        for dir in dirs {
            match dir {
                Dir::Known(path) => self.add(Target { path: path.clone(), reach: Reach::Tree }),
                Dir::Among(target) => self.add(target.clone()),
                Dir::Unknown(written) => self.unknown.push(written.clone()),
            }
        }
    }

    /// Adds everything that values can mean, with what is below.
    pub(super) fn add_below(&mut self, values: &[Value], state: &State) {
        for target in below(values, state, &mut self.unknown) {
            self.add(target);
        }
    }

    pub(super) fn add(&mut self, target: Target) {
        if !self.targets.contains(&target) {
            self.targets.push(target);
        }
    }
}

/// Returns the places that values mean; what can't be foreseen is added to `unknown`.
pub(super) fn below(values: &[Value], state: &State, unknown: &mut Vec<String>) -> Vec<Target> {
    let mut targets = Vec::new();
    for value in values {
        match value {
            Value::Text(text) => targets.extend(of_text(text, state, unknown)),
            Value::Paths(found) => targets.extend(found.iter().cloned()),
            Value::Unknown(written) => unknown.push(written.clone()),
        }
    }
    targets
}

fn of_text(text: &Text, state: &State, unknown: &mut Vec<String>) -> Vec<Target> {
    if text.plain.is_empty() {
        return Vec::new();
    }
    // Up to its first part with a pattern, a path says where it leads.
    let (fixed, pattern) = match &text.pattern {
        None => (text.plain.clone(), None),
        Some(pattern) => {
            let parts: Vec<&str> = pattern.split('/').collect();
            let first = parts.iter().position(|part| is_pattern(part)).unwrap_or(parts.len());
            let fixed: String = parts[..first].iter().map(|part| format!("{}/", unescaped(part))).collect();
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
    for dir in &state.dirs {
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

fn is_pattern(part: &str) -> bool {
    let plain = part.replace("[*]", "").replace("[?]", "").replace("[[]", "").replace("[]]", "");
    plain.contains(['*', '?', '['])
}

fn unescaped(part: &str) -> String {
    part.replace("[*]", "*").replace("[?]", "?").replace("[[]", "[").replace("[]]", "]")
}

/// Options of programs that change the folder they work in.
const ELSEWHERE: [(&str, &[&str]); 14] = [
    ("make", &["-C", "--directory"]),
    ("gmake", &["-C", "--directory"]),
    ("ninja", &["-C"]),
    ("npm", &["--prefix", "-C"]),
    ("pnpm", &["-C", "--dir"]),
    ("yarn", &["--cwd"]),
    ("bun", &["--cwd"]),
    ("just", &["-d", "--working-directory"]),
    ("terraform", &["-chdir"]),
    ("tofu", &["-chdir"]),
    ("mvn", &["-f", "--file"]),
    ("gradle", &["-p", "--project-dir"]),
    ("mix", &["--cd"]),
    ("uv", &["--directory", "--project"]),
];

/// Returns where a step moves something, and what.
pub(super) fn of_move(
    step: &ShellStep,
    lines: &[CommandLine],
    context: &StepContext<'_>,
) -> Vec<(PathBuf, Vec<Target>)> {
    let operands = step.operands_without(valued("mv"));
    let Some((to, from)) = operands.split_last() else { return Vec::new() };
    let places = |word: &Word| below(&step.values(word, lines, context), &step.state, &mut Vec::new());
    let from: Vec<Target> = from.iter().flat_map(|word| places(word)).collect();
    places(to).into_iter().map(|target| (target.path, from.clone())).collect()
}

/// Returns the options of a program that take a value, if that value could be mistaken for a path.
fn valued(program: &str) -> &'static [&'static str] {
    match program {
        "sed" | "gsed" => &["-e", "-f", "-l", "--expression", "--file"],
        "perl" | "ruby" => &["-e", "-I", "-M"],
        "truncate" | "shred" => &["-s", "-r", "-n", "--size", "--reference", "--iterations"],
        "mv" | "cp" | "install" | "ln" => {
            &["-m", "-o", "-g", "-S", "--suffix", "--mode", "--owner", "--group"]
        }
        "rsync" => &["-e", "-f", "--rsh", "--exclude", "--include", "--filter"],
        _ => &[],
    }
}

/// Returns what a step touches that is no step of git.
pub(super) fn of_step(
    step: &ShellStep,
    class: &str,
    lines: &[CommandLine],
    context: &StepContext<'_>,
) -> Touched {
    let mut touched = Touched::default();
    let mut add = |words: &[&Word], all: bool| {
        for word in words {
            touched.add_below(&step.values(word, lines, context), &step.state);
        }
        if all {
            for values in &step.fed {
                touched.add_below(std::slice::from_ref(values), &step.state);
            }
        }
    };
    let operands = step.operands_without(valued(&step.program));
    let last: Vec<&Word> = operands.last().copied().into_iter().collect();
    match step.program.as_str() {
        "rm" | "unlink" | "shred" | "srm" | "truncate" | "rimraf" | "mv" | "rename" | "prename"
        | "perl-rename" | "file-rename" | "mmv" | "zmv" | "tee" | "sed" | "gsed" | "perl" | "ruby" => {
            // Of an editor, the first operand is its script.
            let edits = matches!(
                step.program.as_str(),
                "sed"
                    | "gsed"
                    | "perl"
                    | "ruby"
                    | "rename"
                    | "prename"
                    | "perl-rename"
                    | "file-rename"
                    | "mmv"
                    | "zmv"
            );
            let scripted = edits && !step.has("-e") && !step.has("-f") && !step.has("--expression");
            add(operands.get(usize::from(scripted)..).unwrap_or_default(), true);
        }
        "cp" | "install" | "ln" => match step.option(&["-t", "--target-directory"]) {
            Some(folder) => add(&[&folder], false),
            None => add(&last, true),
        },
        "rsync" | "rclone" => {
            let remote =
                last.iter().any(|word| word.text.split('/').next().unwrap_or_default().contains(':'));
            if !remote {
                add(&last, true);
            }
        }
        "find" => {
            let starts = step.line(lines).starts_of_find(&step.arguments, &step.state, context);
            touched.add_below(&starts, &step.state);
        }
        "fd" | "fdfind" => add(operands.get(1..2).unwrap_or_default(), false),
        "dd" => {
            let target = step.arguments.iter().find(|word| word.text.starts_with("of="));
            add(&target.map(|word| word.behind(3)).iter().collect::<Vec<_>>(), false);
        }
        program => {
            let options = ELSEWHERE.iter().find(|(name, _)| *name == program);
            let folder = options.and_then(|(_, options)| step.option(options));
            if let Some(folder) = folder {
                let values = step.values(&folder, lines, context);
                let dirs = step.state.at(&values);
                touched.add_here(&dirs);
            }
        }
    }
    for word in step.truncates.iter().filter(|_| class == "overwrite") {
        touched.add_below(&step.values(word, lines, context), &step.state);
    }
    if touched.targets.is_empty() && touched.unknown.is_empty() {
        touched.add_here(&step.state.dirs);
    }
    touched.unknown.sort();
    touched.unknown.dedup();
    touched
}
