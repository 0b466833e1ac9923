//! Which paths a risky step touches.
//!
//! Pure: from the words of the step, the folder it runs in and the known variables. Which work trees are
//! there is found out elsewhere.

use std::path::PathBuf;

use super::StepContext;
use super::expand::CommandLine;
use super::shell::Word;
use super::step::ShellStep;
use super::touched::Touched;
use super::touched_place::Target;

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
