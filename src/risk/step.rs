//! One step of a command line: a program at work, its arguments, and what feeds it.
//!
//! Pure. A step knows its program, its arguments, whether it runs on many files, and which programs feed it.

use super::StepContext;
use super::expand::CommandLine;
use super::shell::Word;
use super::state::State;
use super::value::Value;

/// One program at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShellStep {
    /// The program's name, without its folder.
    pub(super) program: String,
    /// Its arguments.
    pub(super) arguments: Vec<Word>,
    /// Whether it runs once for each of many files: by `xargs`, `find` or in a loop.
    pub(super) many: bool,
    /// The programs whose output it reads or is given as a script.
    pub(super) fed_by: Vec<String>,
    /// The files that are emptied for its output.
    pub(super) truncates: Vec<Word>,
    /// What the shell knows when it runs.
    pub(super) state: State,
    /// Which of the lines it is in.
    pub(super) line: usize,
    /// Further arguments that it is given by what feeds `xargs`.
    pub(super) fed: Vec<Value>,
    /// Whether it runs in each submodule.
    pub(super) in_each: bool,
}

impl ShellStep {
    /// Returns the arguments that are no options; behind `--` all.
    pub(super) fn operands(&self) -> Vec<&Word> {
        self.operands_without(&[])
    }

    /// Returns the arguments that are neither options nor the value of one of these.
    pub(super) fn operands_without(&self, valued: &[&str]) -> Vec<&Word> {
        let mut plain = false;
        let mut operands = Vec::new();
        let mut words = self.arguments.iter();
        while let Some(word) = words.next() {
            match word.text.as_str() {
                "--" if !plain => plain = true,
                text if !plain && valued.contains(&text) => drop(words.next()),
                text if !plain && text.len() > 1 && text.starts_with('-') => {}
                _ => operands.push(word),
            }
        }
        operands
    }

    /// Returns the value of an option: `-C X`, `-CX`, `--long X`, `--long=X`.
    pub(super) fn option(&self, names: &[&str]) -> Option<Word> {
        for (at, word) in self.arguments.iter().enumerate() {
            for name in names.iter().filter(|name| word.text.starts_with(**name)) {
                let long = name.starts_with("--") || name.len() > 2;
                match word.text.len() == name.len() {
                    true => return self.arguments.get(at + 1).cloned(),
                    false if long && word.text[name.len()..].starts_with('=') => {
                        return Some(word.behind(name.len() + 1));
                    }
                    false if !long => return Some(word.behind(name.len())),
                    false => {}
                }
            }
        }
        None
    }

    /// Returns the same of a letter that may also stand among others: `-o X`, `-sSo X`, `-sSoX`. Behind one of the letters
    /// `valued`, the rest of the word or the next word is its value.
    pub(super) fn option_in_cluster(&self, letter: char, long: &str, valued: &str) -> Option<Word> {
        let mut words = self.arguments.iter().take_while(|word| word.text != "--");
        while let Some(word) = words.next() {
            let Some(letters) = word.text.strip_prefix('-').filter(|rest| !rest.starts_with('-')) else {
                continue;
            };
            let takes = |one: char| one == letter || valued.contains(one);
            let Some((at, one)) = letters.char_indices().find(|(_, one)| takes(*one)) else { continue };
            let end = 1 + at + one.len_utf8();
            let value = if end < word.text.len() { Some(word.behind(end)) } else { words.next().cloned() };
            if one == letter {
                return value;
            }
        }
        self.option(&[long])
    }

    /// Returns what one of its words can be.
    pub(super) fn values(&self, word: &Word, lines: &[CommandLine], context: &StepContext<'_>) -> Vec<Value> {
        self.line(lines).values(word, &self.state, context)
    }

    /// Returns the line that it is in.
    pub(super) fn line<'a>(&self, lines: &'a [CommandLine]) -> &'a CommandLine {
        // Every step is made with its line.
        &lines[self.line.min(lines.len().saturating_sub(1))]
    }

    /// Says whether an option is given: `--long` (also with `=…`), or a letter (also in a cluster).
    pub(super) fn has(&self, option: &str) -> bool {
        self.arguments.iter().take_while(|word| word.text != "--").any(|word| is_option(&word.text, option))
    }
}

/// Says whether a word is or holds an option.
pub(super) fn is_option(word: &str, option: &str) -> bool {
    match option.strip_prefix('-').filter(|letter| letter.chars().count() == 1) {
        Some(letter) if letter != "-" => {
            word.starts_with('-') && !word.starts_with("--") && word.contains(letter)
        }
        _ => word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')),
    }
}

/// Returns the options of a program that take a value, if that value could be mistaken for a path.
pub(super) fn valued(program: &str) -> &'static [&'static str] {
    match program {
        "sed" | "gsed" => &["-e", "-f", "-l", "--expression", "--file"],
        "perl" | "ruby" => &["-e", "-I", "-M"],
        "truncate" | "shred" => &["-s", "-r", "-n", "--size", "--reference", "--iterations"],
        "mv" | "cp" | "install" | "ln" => {
            &["-t", "-m", "-o", "-g", "-S", "--target-directory", "--suffix", "--mode", "--owner", "--group"]
        }
        "rsync" => &["-e", "-f", "--rsh", "--exclude", "--include", "--filter"],
        "scp" => &["-c", "-F", "-i", "-J", "-l", "-o", "-P", "-S"],
        _ => &[],
    }
}
