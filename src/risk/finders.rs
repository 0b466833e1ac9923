//! What `find` and `fd` run on the files that they find.
//!
//! Pure. The files are any at or below the places where the search begins: what it looks for is not judged.

use super::StepContext;
use super::expand::CommandLine;
use super::shell::Word;
use super::step::{ShellStep, is_option};
use super::value::Value;

/// Options of `fd` that take a value as a word of its own.
const VALUED: [&str; 30] = [
    "-e",
    "-E",
    "-t",
    "-d",
    "-S",
    "-o",
    "-c",
    "-j",
    "-g",
    "-C",
    "--extension",
    "--exclude",
    "--type",
    "--max-depth",
    "--min-depth",
    "--exact-depth",
    "--size",
    "--owner",
    "--color",
    "--threads",
    "--base-directory",
    "--search-path",
    "--changed-within",
    "--changed-before",
    "--max-results",
    "--batch-size",
    "--and",
    "--ignore-file",
    "--format",
    "--path-separator",
];

/// A command that is run on what was found.
pub(super) struct Run {
    /// Its words; `{}` stands for what was found.
    pub(super) words: Vec<Word>,
    /// Whether it runs in the folder of each file.
    pub(super) in_folder: bool,
}

/// Returns what a step can find, and what it runs on that, if it is one that searches.
pub(super) fn of(
    step: &ShellStep,
    line: &CommandLine,
    context: &StepContext<'_>,
) -> Option<(Vec<Value>, Vec<Run>)> {
    let (starts, runs) = match step.program.as_str() {
        "find" => (line.starts_of_find(&step.arguments, &step.state, context), run_by_find(&step.arguments)),
        "fd" | "fdfind" => of_fd(step, line, context),
        _ => return None,
    };
    if runs.is_empty() {
        return None;
    }
    let mut unknown = Vec::new();
    let starts = if starts.is_empty() { vec![Value::text(".")] } else { starts };
    let mut found = vec![Value::Paths(step.state.below(&starts, &mut unknown))];
    found.extend(unknown.into_iter().map(Value::Unknown));
    Some((found, runs))
}

fn run_by_find(words: &[Word]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let in_folder = match word.text.as_str() {
            "-exec" | "-ok" => false,
            "-execdir" | "-okdir" => true,
            _ => continue,
        };
        let words = words.by_ref().take_while(|word| word.text != ";" && word.text != "+").cloned().collect();
        runs.push(Run { words, in_folder });
    }
    runs
}

fn of_fd(step: &ShellStep, line: &CommandLine, context: &StepContext<'_>) -> (Vec<Value>, Vec<Run>) {
    // A command goes to its `;`, or to the end.
    let mut own = ShellStep { arguments: Vec::new(), ..step.clone() };
    let mut runs = Vec::new();
    let mut words = step.arguments.iter();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        let long = ["--exec-batch", "--exec"].iter().find_map(|option| text.strip_prefix(*option));
        let first = match long {
            Some("") => None,
            Some(rest) if rest.starts_with('=') => Some(word.behind(text.len() - rest.len() + 1)),
            _ if !text.starts_with("--") && (is_option(text, "-x") || is_option(text, "-X")) => None,
            _ => {
                own.arguments.push(word.clone());
                continue;
            }
        };
        let rest = words.by_ref().take_while(|word| word.text != ";").cloned();
        let mut words: Vec<Word> = first.into_iter().chain(rest).map(named_whole).collect();
        if !words.iter().any(|word| word.text.contains("{}")) {
            words.push(Word::plain("{}"));
        }
        runs.push(Run { words, in_folder: false });
    }
    let mut starts: Vec<Word> = own.operands_without(&VALUED).into_iter().skip(1).cloned().collect();
    starts.extend(own.option(&["--search-path"]));
    // From there, what is found may be named.
    starts.extend(own.option(&["-C", "--base-directory"]));
    (starts.iter().flat_map(|word| line.values(word, &step.state, context)).collect(), runs)
}

/// Makes of a part of a name (`{/}`, `{//}`, `{.}`) the whole: what that part is, only the run says.
fn named_whole(word: Word) -> Word {
    let part = ["{/}", "{//}", "{.}", "{/.}"].iter().any(|part| word.text.contains(part));
    if part { Word::plain("{}") } else { word }
}
