//! The classes that need more than a pattern: what is deleted, edits of many files, a download
//! run as a script, an emptied file.

use super::expand::CommandLine;
use super::scripts::SHELLS;
use super::step::ShellStep;
use super::{StepContext, git, overwrites};

/// Programs that bring something from elsewhere.
pub(super) const FETCHERS: [&str; 7] = ["curl", "wget", "fetch", "http", "https", "aria2c", "lynx"];

/// Programs that run what they read, beside shells.
const INTERPRETERS: [&str; 9] = ["python", "python3", "node", "perl", "ruby", "php", "source", ".", "eval"];

/// Returns the class of a step, if it has one.
pub(super) fn of_step(
    step: &ShellStep,
    lines: &[CommandLine],
    context: &StepContext<'_>,
) -> Option<&'static str> {
    if step.has("--help") || step.has("--version") {
        return None;
    }
    if runs_a_download(step) {
        return Some("pipe-to-shell");
    }
    let loses = || overwrites::of_step(step, lines, context).loses(context);
    let class = match step.program.as_str() {
        "rm" | "unlink" | "shred" | "srm" | "truncate" => deletes(step).then_some("delete"),
        "git" => git::GitCall::read(step, lines, context).and_then(|call| call.class(context)),
        "mv" if renames_many(step) => Some("rename"),
        "sed" | "gsed" => edits_many(step, &["-i", "--in-place"]).then_some("edit-many"),
        "perl" | "ruby" => edits_many(step, &["-i"]).then_some("edit-many"),
        _ => None,
    };
    // What a rule finds of these says more: they take away, too.
    let deletes = step.program == "rsync" && step.arguments.iter().any(|word| word.text.starts_with("--del"));
    class.or_else(|| (!deletes && loses()).then_some("overwrite"))
}

/// Says whether a program that deletes its operands is given any.
fn deletes(step: &ShellStep) -> bool {
    step.many || !step.operands().is_empty()
}

fn runs_a_download(step: &ShellStep) -> bool {
    let program = step.program.as_str();
    let runs = SHELLS.contains(&program) || INTERPRETERS.contains(&program);
    let fetched = step.fed_by.iter().any(|feeder| FETCHERS.contains(&feeder.as_str()));
    if !(runs && fetched) {
        return false;
    }
    // `curl … | python3 -m json.tool` and `curl … | node script.js` only read what is fetched.
    match program {
        "python" | "python3" | "node" | "perl" | "ruby" | "php" => {
            step.operands().iter().all(|word| word.text == "-" || !word.inner.is_empty())
                && !["-m", "-c", "-e", "-p", "-n"].iter().any(|option| step.has(option))
        }
        _ => true,
    }
}

fn renames_many(step: &ShellStep) -> bool {
    let operands = step.operands();
    step.many || operands.len() > 3 || operands.iter().any(|word| word.pattern)
}

/// Says whether a program such as `sed -i` rewrites several files in place.
fn edits_many(step: &ShellStep, options: &[&str]) -> bool {
    let in_place = step.arguments.iter().any(|word| {
        let text = word.text.as_str();
        // `-i.bak`, `-pi`, `--in-place=.bak`; not `-ri` hidden in a script's text.
        options.iter().any(|option| {
            if option.starts_with("--") {
                text.starts_with(option)
            } else {
                !text.starts_with("--") && text.starts_with('-') && text.contains('i') && !text.contains(' ')
            }
        })
    });
    if !in_place {
        return false;
    }
    // The first is the script; with `-e`, its value stands there instead.
    let operands = step.operands();
    let files = operands.get(1..).unwrap_or_default();
    step.many || files.len() > 1 || files.iter().any(|word| word.pattern || word.dynamic)
}
