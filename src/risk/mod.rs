//! Which steps of an agent can destroy work, and what such a step is called.
//!
//! Pure: a tool call, the rules and the place go in, a risk or nothing comes out. The parsed command line
//! decides, never a text found in it: `echo "rm -rf"` is no risk. A needless checkpoint costs little and a
//! missing one costs work, so in doubt a step is a risk. A dry run is none. With each risk comes what it
//! touches, as far as the line says it. What is in those places, and whether any of it is lost, is found out
//! elsewhere.

mod braces;
mod class_of_step;
mod cursor;
mod expand;
mod finders;
mod git;
mod overwrites;
mod reach;
mod rules;
mod scripts;
pub mod shell;
mod state;
mod step;
mod targets;
mod tools;
mod touched;
mod touched_place;
mod value;
mod walk;
mod word;
mod word_reader;
mod wrappers;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub use reach::Needed;
pub use rules::Rules;
pub use touched::{Cleans, Forgets, Touched};
pub use touched_place::{Reach, Target};

use crate::base::screen::Line;

/// The longest name of a step, in characters.
const LONGEST_STEP: usize = 60;

/// What a tool is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// The tool, such as `Bash`.
    pub tool: &'a str,
    /// What it is given, as the client says it.
    pub input: &'a Value,
}

/// A step that can destroy work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// The class, as rules name it: `delete`, `discard`, `deploy`, …
    pub class: String,
    /// The step in a few words, such as `rm -rf build`; holds no more than what names it.
    pub step: String,
    /// What it touches.
    pub touched: Touched,
    /// Whether it only changes one file, and what that held is lost.
    pub one_file: bool,
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

/// What is known of the machine, asked only where a step needs it.
pub trait Machine {
    /// Says what overwriting a file would lose.
    fn unsaved(&self, path: &Path) -> Unsaved;
    /// Says whether there is anything in a place that would be lost if it were overwritten. In doubt there is.
    fn holds_unsaved(&self, target: &Target) -> bool;
    /// Returns the files in a folder that are replaced if these are put there, with what is below them: under their own
    /// names, or only what they contain. As far as they are found soon.
    fn written_over(&self, sources: &[Target], folder: &Path, contents: bool) -> Vec<PathBuf>;
    /// Returns a variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;
    /// Returns the root of the work tree that a folder is in.
    fn top(&self, folder: &Path) -> Option<PathBuf>;
    /// Says whether the work tree that a folder is in may have submodules.
    fn may_have_submodules(&self, folder: &Path) -> bool;
    /// Says whether there is a folder.
    fn is_folder(&self, path: &Path) -> bool;
}

/// Where a step would be taken.
pub struct StepContext<'a> {
    /// The folder that commands run in.
    pub cwd: &'a Path,
    /// The user's home.
    pub home: &'a Path,
    /// The machine.
    pub around: &'a dyn Machine,
}

/// Returns the risky steps of a tool call, in the order in which they are taken.
pub fn of_call(call: &Call<'_>, rules: &Rules, context: &StepContext<'_>) -> Vec<Risk> {
    let mut risks = match tools::command_of(call) {
        Some((command, folder)) => {
            let cwd = folder.map(|folder| state::plain(&context.cwd.join(folder)));
            of_line(&command, rules, &StepContext { cwd: cwd.as_deref().unwrap_or(context.cwd), ..*context })
        }
        None => tools::of_call(call, rules, context).into_iter().collect(),
    };
    // A rule for the tool itself adds to that, and never takes the place of what was found.
    if let (true, Some(class)) = (risks.is_empty(), rules.class_of_tool(call.tool)) {
        let mut touched = Touched::default();
        touched.add(Target { path: context.cwd.to_owned(), reach: Reach::Tree });
        let step = shortened(call.tool);
        risks.push(Risk { class: class.to_owned(), step, touched, one_file: false });
    }
    risks
}

fn of_line(command: &str, rules: &Rules, context: &StepContext<'_>) -> Vec<Risk> {
    let walk::ParsedSteps { steps, lines } = walk::of_line(command, context);
    let mut risks: Vec<Risk> = Vec::new();
    let mut moved: Vec<(PathBuf, Vec<Target>)> = Vec::new();
    for step in &steps {
        if step.program == "mv" {
            moved.extend(targets::of_move(step, &lines, context));
        }
        let class = class_of_step::of_step(step, &lines, context).filter(|class| rules.is_on(class));
        let Some(class) = class.or_else(|| rules.class_of(step)) else { continue };
        let touched = match step.program.as_str() {
            "git" => git::GitCall::read(step, &lines, context).map(|call| call.touched(&lines, context)),
            _ => None,
        };
        let mut touched = touched.unwrap_or_else(|| targets::of_step(step, class, &lines, context));
        // What a step before it put there is hit where it is now.
        for (to, from) in moved.iter().filter(|_| step.program != "mv") {
            let is_hit = |target: &Target| target.path.starts_with(to) || to.starts_with(&target.path);
            if touched.targets.iter().any(is_hit) {
                from.iter().for_each(|target| touched.add(target.clone()));
            }
        }
        let risk = Risk { class: class.to_owned(), step: name_of(class, step), touched, one_file: false };
        if !risks.contains(&risk) {
            risks.push(risk);
        }
    }
    risks
}

/// Names a step: of its words only those that can hold no secret.
fn name_of(class: &str, step: &step::ShellStep) -> String {
    if class == "pipe-to-shell" {
        let from = step.fed_by.iter().find(|program| class_of_step::FETCHERS.contains(&program.as_str()));
        return format!("{} | {}", from.map_or("…", String::as_str), step.program);
    }
    if class == "overwrite"
        && let Some(file) = step.truncates.first()
    {
        return shortened(&format!("{} > {}", step.program, file.text));
    }
    // What names files is shown whole; elsewhere a word can be a password.
    let copies = class == "overwrite" && !matches!(step.program.as_str(), "curl" | "wget");
    let names_files = copies || matches!(class, "delete" | "discard" | "rewrite" | "rename");
    let harmless = |text: &String| !text.contains("://") && !text.contains('@') && !text.contains('=');
    let words = step.arguments.iter().map(word::Word::shown).filter(harmless);
    let words = words.take(if names_files { usize::MAX } else { 2 });
    let all: Vec<String> = std::iter::once(step.program.clone()).chain(words).collect();
    shortened(&all.join(" "))
}

#[cfg(test)]
mod class_tests;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod resolution_tests;

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
