//! The scripts that a line gives to shells, as text: behind `-c`, in a here-document, or printed into a pipe.
//!
//! Pure.

use super::expand::CommandLine;
use super::shell::{Command, Word};
use super::step::ShellStep;
use super::wrappers::{base_name, options, split_by_env};

/// Programs that take a script as text or on standard input.
pub(super) const SHELLS: [&str; 8] = ["sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "mksh"];

/// A text is passed on by at most so many programs.
const LONGEST_PIPE: usize = 8;

/// Returns the script that a program is given as text and runs.
pub(super) fn script_of(step: &ShellStep, command: &Command, line: &CommandLine) -> Option<String> {
    match step.program.as_str() {
        "eval" => return Some(texts(&step.arguments)),
        "env" => return split_by_env(step).map(|script| script.text),
        // The signals come behind it.
        "trap" => {
            return step.operands().first().map(|script| script.text.clone()).filter(|script| script != "-");
        }
        "watch" => {
            let own = options(&step.arguments, &["-n", "--interval", "-q", "--equexit"]);
            return step.arguments.get(own..).map(texts);
        }
        "su" | "runuser" | "script" | "flock" => {}
        program if SHELLS.contains(&program) => {}
        _ => return None,
    }
    match step.arguments.iter().position(is_c) {
        Some(at) => step.arguments.get(at + 1).map(|script| script.text.clone()),
        None if step.operands().is_empty() => command.input.clone().or_else(|| piped(command, line)),
        None => None,
    }
}

/// Returns the text that comes through a pipe, if it stands in the line.
fn piped(command: &Command, line: &CommandLine) -> Option<String> {
    let mut feeder = line.commands.get(command.fed_by?)?;
    for _ in 0..LONGEST_PIPE {
        let (program, words) = feeder.words.split_first()?;
        let operands =
            || words.iter().filter(|word| !word.text.starts_with('-')).cloned().collect::<Vec<_>>();
        match base_name(&program.text) {
            "echo" => return Some(texts(&operands())),
            "printf" => return Some(texts(&operands()).replace("\\n", "\n")),
            // It passes on what it is given itself.
            "cat" if operands().is_empty() => match &feeder.input {
                Some(input) => return Some(input.clone()),
                None => feeder = line.commands.get(feeder.fed_by?)?,
            },
            "tee" | "sudo" => feeder = line.commands.get(feeder.fed_by?)?,
            _ => return None,
        }
    }
    None
}

/// Says whether the next word is a script.
pub(super) fn is_c(word: &Word) -> bool {
    word.text.starts_with('-') && !word.text.starts_with("--") && word.text.contains('c')
}

fn texts(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}
