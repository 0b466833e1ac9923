//! Which paths a risky step touches.
//!
//! Pure: from the words of the step, the folder it runs in and the known variables. Which work trees are
//! there is found out elsewhere.

use std::path::PathBuf;

use super::expand::CommandLine;
use super::shell::Word;
use super::step::{ShellStep, valued};
use super::touched::Touched;
use super::touched_place::Target;
use super::{StepContext, overwrites};

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
    let places = |word: &Word| step.state.below(&step.values(word, lines, context), &mut Vec::new());
    let from: Vec<Target> = from.iter().flat_map(|word| places(word)).collect();
    places(to).into_iter().map(|target| (target.path, from.clone())).collect()
}

/// Returns what `mv` moves.
fn moved(step: &ShellStep) -> Vec<&Word> {
    let mut operands = step.operands_without(valued("mv"));
    if step.option(&["-t", "--target-directory"]).is_none() {
        operands.pop();
    }
    operands
}

/// Returns what a step touches that is no step of git.
pub(super) fn of_step(
    step: &ShellStep,
    class: &str,
    lines: &[CommandLine],
    context: &StepContext<'_>,
) -> Touched {
    let mut touched = Touched::default();
    if class == "overwrite" {
        // What is moved is still there, elsewhere.
        overwrites::of_step(step, lines, context).add_to(&mut touched, context);
        return touched.or_here(&step.state.dirs);
    }
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
        "mv" => {
            add(&moved(step), true);
            overwrites::of_step(step, lines, context).add_to(&mut touched, context);
        }
        "rm" | "unlink" | "shred" | "srm" | "truncate" | "rimraf" | "rename" | "prename" | "perl-rename"
        | "file-rename" | "mmv" | "zmv" | "sed" | "gsed" | "perl" | "ruby" => {
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
    touched.or_here(&step.state.dirs)
}
