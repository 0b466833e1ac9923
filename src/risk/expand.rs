//! What a word can be when the line runs: quotes, variables, braces, `~` and foreseeable outputs.
//!
//! Pure. A part that can't be foreseen is reported as it was written, never guessed.

use std::path::Path;

use super::StepContext;
use super::braces::{Home, MOST, WordUnit, braces, tilde};
use super::shell::{Command, Word};
use super::state::State;
use super::touched_place::{Reach, Target};
use super::value::{Value, ValueText};
use super::word::WordPart;

/// Texts longer than this that variables make are not looked at, in bytes.
const LONGEST: usize = 4_096;

/// Outputs made from outputs deeper than this are not looked at.
const DEEPEST: usize = 8;

/// Programs that pass on some of the lines that they read.
const FILTERS: [&str; 18] = [
    "grep", "egrep", "fgrep", "sort", "uniq", "head", "tail", "sed", "awk", "gawk", "cut", "tr", "cat",
    "tee", "rev", "column", "shuf", "xargs",
];

/// A line that is being walked through: its commands, and what the shell knew at each.
#[derive(Clone, Debug, Default)]
pub(super) struct CommandLine {
    pub(super) commands: Vec<Command>,
    /// As far as it was walked.
    pub(super) states: Vec<State>,
}

impl CommandLine {
    /// Returns what a word can be.
    pub(super) fn values(&self, word: &Word, state: &State, context: &StepContext<'_>) -> Vec<Value> {
        if let Some(found) = state.found.as_ref().filter(|found| word.text.contains(found.0.as_str())) {
            return found.1.clone();
        }
        self.values_to(word, state, context, 0)
    }

    fn values_to(&self, word: &Word, state: &State, context: &StepContext<'_>, depth: usize) -> Vec<Value> {
        let mut units = Vec::new();
        for part in &word.parts {
            match part {
                WordPart::Text(text, quoted) => {
                    units.extend(text.chars().map(|c| WordUnit::Char(c, *quoted)))
                }
                other => units.push(WordUnit::Part(other)),
            }
        }
        let mut values = Vec::new();
        for units in braces(units) {
            values.extend(self.joined(&units, word, state, context, depth));
            if values.len() > MOST {
                return vec![Value::Unknown(word.text.clone())];
            }
        }
        values
    }

    fn joined(
        &self,
        units: &[WordUnit<'_>],
        word: &Word,
        state: &State,
        context: &StepContext<'_>,
        depth: usize,
    ) -> Vec<Value> {
        let unknown = || vec![Value::Unknown(word.text.clone())];
        let mut texts = vec![Growing::default()];
        let mut found: Option<Vec<Target>> = None;
        let mut rest = units;
        if let Some(home) = tilde(units) {
            match home {
                (Some(Home::Own), used) => {
                    texts = vec![Growing::of(&context.home.to_string_lossy())];
                    rest = &units[used..];
                }
                (Some(Home::Here), used) => {
                    texts = state.known().map(|dir| Growing::of(&dir.to_string_lossy())).collect();
                    rest = &units[used..];
                }
                (None, _) => return unknown(),
            }
        }
        for unit in rest {
            let values = match unit {
                WordUnit::Char(c, quoted) => {
                    if let Some(targets) = &found {
                        // Below what is found lies nothing else; what only ends alike is another path.
                        if *c == '.' || (targets.is_empty() && *c != '/') {
                            return unknown();
                        }
                    }
                    texts.iter_mut().for_each(|text| text.push(*c, *quoted));
                    continue;
                }
                WordUnit::Part(WordPart::Variable(written)) => self.variable(written, state, context),
                WordUnit::Part(WordPart::Output(inner)) => {
                    self.output(inner.clone(), state, context, depth + 1)
                }
                WordUnit::Part(WordPart::Text(..)) => continue,
            };
            let mut grown = Vec::new();
            for value in values {
                match value {
                    Value::Text(more) => {
                        grown.extend(texts.iter().map(|text| text.with(&more)));
                    }
                    Value::Paths(targets) if texts.iter().all(Growing::is_empty) => {
                        found.get_or_insert_default().extend(targets);
                    }
                    Value::Unknown(written) if written.starts_with("$(") => {
                        return vec![Value::Unknown(written)];
                    }
                    _ => return unknown(),
                }
            }
            if grown.len() > MOST || grown.iter().any(|text| text.plain.len() > LONGEST) {
                return unknown();
            }
            if !grown.is_empty() || found.is_none() {
                texts = grown;
            }
        }
        let mut values: Vec<Value> = found.into_iter().map(Value::Paths).collect();
        if values.is_empty() {
            values.extend(texts.into_iter().map(|text| Value::Text(text.finish())));
        }
        values
    }

    /// Returns what a variable can be; `written` is the text between its braces.
    fn variable(&self, written: &str, state: &State, context: &StepContext<'_>) -> Vec<Value> {
        let named = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = written.find(|c| !named(c)).unwrap_or(written.len());
        let end = if end == 0 { written.len().min(1) } else { end };
        let (name, rest) = written.split_at_checked(end).unwrap_or((written, ""));
        let set = match (name, state.variable(name)) {
            (_, Some(values)) => Some(values.clone()),
            ("PWD", None) => Some(state.known().map(|dir| Value::text(&dir.to_string_lossy())).collect()),
            ("HOME", None) => Some(vec![Value::text(&context.home.to_string_lossy())]),
            (name, None) => context.around.variable(name).map(|text| vec![Value::text(&text)]),
        };
        let unknown = |written: String| vec![Value::Unknown(written)];
        let whole = || {
            if written.starts_with("((") {
                unknown("$((…))".to_owned())
            } else {
                unknown(format!("${{{written}}}"))
            }
        };
        let is_set = set.as_ref().is_some_and(|values| values.iter().any(|value| !value.is("")));
        match rest {
            "" | "[@]" | "[*]" | "%/" => set.unwrap_or_else(|| unknown(format!("${name}"))),
            "%/*" => set.map_or_else(whole, |values| values.into_iter().map(above).collect()),
            _ if rest.starts_with([':', '-', '=', '?']) && is_set => set.unwrap_or_default(),
            _ => {
                let default = [":-", ":=", "-", "="].iter().find_map(|mark| rest.strip_prefix(mark));
                let Some(default) = default.filter(|text| !text.contains(['$', '`', '*', '?'])) else {
                    return whole();
                };
                vec![match default.strip_prefix("~/") {
                    Some(below) => Value::text(&format!("{}/{below}", context.home.to_string_lossy())),
                    None => Value::text(default.trim_matches(['"', '\''])),
                }]
            }
        }
    }

    /// Returns what a substitution's output can be.
    fn output(
        &self,
        inner: std::ops::Range<usize>,
        state: &State,
        context: &StepContext<'_>,
        depth: usize,
    ) -> Vec<Value> {
        let consumed = |at: usize| {
            self.commands.get(inner.clone()).unwrap_or_default().iter().any(|command| {
                command.fed_by == Some(at)
                    || command.words.iter().chain(&command.reads).any(|word| word.inner.contains(&at))
            })
        };
        let mut values = Vec::new();
        for at in inner.clone().filter(|at| !consumed(*at)) {
            values.extend(self.printed(at, state, context, depth));
        }
        values
    }

    /// Returns what a command prints, as far as paths are concerned.
    pub(super) fn printed(
        &self,
        at: usize,
        state: &State,
        context: &StepContext<'_>,
        depth: usize,
    ) -> Vec<Value> {
        let Some(command) = self.commands.get(at) else {
            return vec![Value::Unknown("$(…)".to_owned())];
        };
        self.printed_by(command, self.states.get(at).unwrap_or(state), context, depth)
    }

    fn printed_by(
        &self,
        command: &Command,
        state: &State,
        context: &StepContext<'_>,
        depth: usize,
    ) -> Vec<Value> {
        if depth >= DEEPEST {
            return vec![Value::Unknown("$(…)".to_owned())];
        }
        let texts: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
        let Some((program, rest)) = texts.split_first() else { return Vec::new() };
        let program = program.rsplit('/').next().unwrap_or(program);
        let unknown = || vec![Value::Unknown(format!("$({})", texts.join(" ")))];
        let words = |from: usize| -> Vec<Value> {
            let words = command.words.iter().skip(from).filter(|word| !word.text.starts_with('-'));
            words.flat_map(|word| self.values_to(word, state, context, depth + 1)).collect()
        };
        let here = |reach: &Reach| -> Vec<Value> {
            let targets = state.known().map(|dir| Target { path: dir.clone(), reach: reach.clone() });
            vec![Value::Paths(targets.collect())]
        };
        let below = |values: Vec<Value>| {
            if values.is_empty() {
                here(&Reach::Below)
            } else {
                vec![Value::Paths(state.below(&values, &mut Vec::new()))]
            }
        };
        match (program, rest) {
            ("cd" | "true" | "test" | "[" | "export" | "pushd" | "popd" | "mkdir", _) => Vec::new(),
            ("pwd", _) => state.known().map(|dir| Value::text(&dir.to_string_lossy())).collect(),
            ("git", _) if rest.contains(&"-C") => {
                let folder =
                    rest.iter().position(|word| *word == "-C").and_then(|at| command.words.get(at + 2));
                let values = folder.map(|word| self.values_to(word, state, context, depth + 1));
                let mut there = state.clone();
                there.dirs = state.at(&values.unwrap_or_default());
                let mut moved = command.clone();
                let at_git = moved.words.iter().position(|word| word.text == "-C").unwrap_or(0);
                moved.words.drain(at_git..(at_git + 2).min(moved.words.len()));
                self.printed_by(&moved, &there, context, depth + 1)
            }
            ("git", _) if rest.contains(&"rev-parse") => {
                let top = rest.contains(&"--show-toplevel");
                let tops = state.known().filter(|_| top).filter_map(|dir| context.around.top(dir));
                let tops: Vec<Value> = tops.map(|top| Value::text(&top.to_string_lossy())).collect();
                if tops.is_empty() { unknown() } else { tops }
            }
            ("git", _) if rest.contains(&"worktree") => here(&Reach::Worktrees),
            ("git", _) => here(&Reach::Tree),
            ("mktemp", _) => match command.words.last().filter(|word| word.text.contains("XX")) {
                Some(template) if template.text.contains('/') || !rest.contains(&"-t") => {
                    self.values_to(template, state, context, depth + 1)
                }
                _ if rest.iter().any(|word| word.starts_with("-p") || word.starts_with("--tmpdir=")) => {
                    unknown()
                }
                _ => vec![Value::text("/tmp/mktemp")],
            },
            ("echo" | "which" | "whence", _) => words(1),
            ("command" | "type", _) if rest.iter().any(|word| matches!(*word, "-v" | "-p" | "-P")) => {
                words(1)
            }
            ("printf", _) => words(2),
            ("realpath" | "readlink", _) => words(1),
            ("dirname", _) => words(1).into_iter().map(above).collect(),
            ("find", _) => below(self.starts_of_find(&command.words[1..], state, context)),
            ("ls" | "fd" | "fdfind" | "tree", _) => below(words(if program == "ls" { 1 } else { 2 })),
            (_, _) if FILTERS.contains(&program) && command.fed_by.is_some() => {
                command.fed_by.map_or_else(unknown, |feeder| self.printed(feeder, state, context, depth + 1))
            }
            ("grep" | "egrep" | "fgrep" | "rg" | "ag" | "ack", _) => {
                below(words(1).into_iter().skip(1).collect())
            }
            _ => unknown(),
        }
    }

    /// Returns what can be read from what was redirected into a command.
    pub(super) fn redirected(
        &self,
        command: &Command,
        state: &State,
        context: &StepContext<'_>,
    ) -> Vec<Value> {
        let words = command.reads.iter().filter(|word| !word.inner.is_empty());
        words.flat_map(|word| self.values(word, state, context)).collect()
    }

    /// Returns where `find` begins.
    pub(super) fn starts_of_find(
        &self,
        words: &[Word],
        state: &State,
        context: &StepContext<'_>,
    ) -> Vec<Value> {
        let options = |word: &&Word| matches!(word.text.as_str(), "-H" | "-L" | "-P");
        let plain = |word: &&Word| !word.text.starts_with(['-', '(', '!']);
        let starts = words.iter().skip_while(options).take_while(plain);
        starts.flat_map(|word| self.values_to(word, state, context, 1)).collect()
    }
}

/// Returns the folder that a path is in.
fn above(value: Value) -> Value {
    match value {
        Value::Text(text) => {
            let above = Path::new(&text.plain).parent().unwrap_or(Path::new("/"));
            let above = if above == Path::new("") { Path::new(".") } else { above };
            Value::text(&above.to_string_lossy())
        }
        other => other,
    }
}

/// A text with its pattern, while it grows.
#[derive(Clone, Default)]
struct Growing {
    plain: String,
    pattern: String,
    active: bool,
}

impl Growing {
    fn of(text: &str) -> Growing {
        let mut growing = Growing::default();
        text.chars().for_each(|c| growing.push(c, true));
        growing
    }

    fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }

    fn push(&mut self, c: char, quoted: bool) {
        self.plain.push(c);
        match c {
            '*' | '?' | '[' | ']' if quoted => self.pattern.extend(['[', c, ']']),
            '*' | '?' | '[' => {
                self.active = true;
                self.pattern.push(c);
            }
            c => self.pattern.push(c),
        }
    }

    fn with(&self, more: &ValueText) -> Growing {
        let mut grown = self.clone();
        match &more.pattern {
            Some(pattern) => {
                grown.plain.push_str(&more.plain);
                grown.active = true;
                grown.pattern.push_str(pattern);
            }
            None => more.plain.chars().for_each(|c| grown.push(c, false)),
        }
        grown
    }

    fn finish(self) -> ValueText {
        ValueText { pattern: self.active.then_some(self.pattern), plain: self.plain }
    }
}
