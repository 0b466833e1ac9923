//! Programs that only run others (`sudo`, `xargs`, `env`, `poetry run`, …): finds the program behind them.
//!
//! Pure. What they set for the other program is kept: its folder, its variables, the arguments that are read
//! from elsewhere.

use std::rc::Rc;

use super::StepContext;
use super::expand::CommandLine;
use super::shell::{Command, Word};
use super::state::State;
use super::step::ShellStep;
use super::value::Value;
use super::word::is_assignment;

/// Programs that run the rest of their words, with those of their options that take a value.
const WRAPPERS: [(&str, &[&str]); 31] = [
    (
        "sudo",
        &["-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "-U", "-r", "-t", "--user", "--group", "--chdir"],
    ),
    ("doas", &["-u", "-C"]),
    ("env", &["-u", "-C", "--unset", "--chdir"]),
    ("nice", &["-n", "--adjustment"]),
    ("ionice", &["-c", "-n", "--class", "--classdata"]),
    ("nohup", &[]),
    ("setsid", &[]),
    ("stdbuf", &["-i", "-o", "-e"]),
    ("command", &[]),
    ("builtin", &[]),
    ("exec", &["-a"]),
    ("time", &["-f", "-o"]),
    ("chronic", &[]),
    ("caffeinate", &["-t", "-w"]),
    ("npx", &["-p", "--package"]),
    ("bunx", &[]),
    ("busybox", &[]),
    ("dotenv", &["-f", "-e"]),
    ("unbuffer", &[]),
    ("unshare", &["-S", "-G", "-R", "-w", "--setuid", "--setgid", "--root", "--wd"]),
    ("fakeroot", &["-s", "-i", "-b"]),
    ("linux64", &[]),
    ("linux32", &[]),
    ("prlimit", &["-p", "--pid"]),
    ("setpriv", &["--reuid", "--regid", "--groups", "--inh-caps", "--ambient-caps", "--bounding-set"]),
    ("ssh-agent", &["-a", "-E", "-P", "-t"]),
    ("dbus-run-session", &["--config-file", "--dbus-daemon"]),
    ("systemd-run", &["-p", "-E", "-u", "-H", "-M", "--property", "--setenv", "--unit", "--uid", "--gid"]),
    ("strace", &["-e", "-o", "-p", "-s", "-u", "-E", "-P"]),
    (
        "xargs",
        &[
            "-I",
            "-i",
            "-n",
            "-P",
            "-L",
            "-d",
            "-a",
            "-E",
            "-s",
            "--max-args",
            "--max-procs",
            "--delimiter",
            "--replace",
        ],
    ),
    ("parallel", &["-j", "--jobs", "-a", "-I", "-n"]),
];

/// Programs that run their remaining words after a word of their own (`poetry run rake …`).
const RUNNERS: [(&str, &str); 10] = [
    ("poetry", "run"),
    ("uv", "run"),
    ("pipenv", "run"),
    ("pdm", "run"),
    ("bundle", "exec"),
    ("pnpm", "exec"),
    ("npm", "exec"),
    ("yarn", "exec"),
    ("pnpm", "dlx"),
    ("yarn", "dlx"),
];

/// Removes wrappers from the front until the program that works is the first word.
pub(super) fn loop_through(
    step: &mut ShellStep,
    line: &CommandLine,
    command: &Command,
    context: &StepContext<'_>,
) {
    for _ in 0..10 {
        if step.arguments.is_empty() {
            return;
        }
        let mut first = step.arguments.remove(0);
        if first.dynamic
            && let Some(words) = words_in(&line.values(&first, &step.state, context))
        {
            step.arguments.splice(..0, words);
            first = step.arguments.remove(0);
        }
        step.program = base_name(&first.text).to_owned();
        let skip = match step.program.as_str() {
            "timeout" => Some(options(&step.arguments, &["-k", "-s", "--signal", "--kill-after"]) + 1),
            "flock" if !gives_script(&step.arguments) => {
                Some(options(&step.arguments, &["-w", "-E", "--timeout"]) + 1)
            }
            "chrt" => Some(options(&step.arguments, &["-T", "-P", "-D"]) + 1),
            "taskset" | "setarch" => Some(options(&step.arguments, &[]) + 1),
            "command" if step.has("-v") || step.has("-V") => None,
            // Its words are in one: a script.
            "env" if split_by_env(step).is_some() => None,
            program => WRAPPERS
                .iter()
                .find(|(wrapper, _)| *wrapper == program)
                .map(|(_, valued)| options(&step.arguments, valued))
                .or_else(|| behind_runner(program, &step.arguments)),
        };
        let Some(mut skip) = skip else { return };
        let front = ShellStep {
            arguments: step.arguments[..skip.min(step.arguments.len())].to_vec(),
            ..step.clone()
        };
        let fed = matches!(step.program.as_str(), "xargs" | "parallel");
        step.many |= fed;
        while step.program != "xargs"
            && step.arguments.get(skip).is_some_and(|word| is_assignment(&word.text))
        {
            let word = step.arguments[skip].clone();
            set(&word, &[], line, &mut step.state, context);
            skip += 1;
        }
        if skip >= step.arguments.len() {
            return;
        }
        if let Some(folder) = match step.program.as_str() {
            "env" => front.option(&["-C", "--chdir"]),
            "sudo" => front.option(&["-D", "--chdir"]),
            _ => None,
        } {
            step.state.dirs = step.state.at(&line.values(&folder, &step.state, context));
        }
        if fed {
            let values = match command.fed_by {
                Some(feeder) => line.printed(feeder, &step.state, context, 0),
                None => line.redirected(command, &step.state, context),
            };
            let unknown = Value::Unknown(format!("the input of {}", step.program));
            let mut values = if values.is_empty() { vec![unknown] } else { values };
            // `parallel rm ::: a b`: they stand in the line.
            if let Some(end) = step.arguments.iter().position(|word| word.text == ":::") {
                let words = step.arguments.split_off(end);
                values =
                    words.iter().skip(1).flat_map(|word| line.values(word, &step.state, context)).collect();
            }
            step.fed = values;
            let mark =
                front.option(&["-I", "--replace"]).map(|word| word.text).filter(|mark| !mark.is_empty());
            let mark = mark.unwrap_or_else(|| "{}".to_owned());
            step.state.found = Some(Rc::new((mark, step.fed.clone())));
        }
        step.arguments.drain(..skip);
    }
}

/// Returns the words that a shell makes of an unquoted variable, if it is known.
fn words_in(values: &[Value]) -> Option<Vec<Word>> {
    let [Value::Text(text), ..] = values else { return None };
    let words: Vec<Word> = text.plain.split_whitespace().map(Word::plain).collect();
    Some(words).filter(|words| !words.is_empty())
}

/// Says whether `flock` is given a script: `flock FILE -c SCRIPT`.
fn gives_script(words: &[Word]) -> bool {
    let file = options(words, &["-w", "-E", "--timeout"]);
    words.get(file + 1).is_some_and(|word| matches!(word.text.as_str(), "-c" | "--command"))
}

/// Returns what `env -S` splits into words.
pub(super) fn split_by_env(step: &ShellStep) -> Option<Word> {
    let own = options(&step.arguments, &["-u", "-C", "--unset", "--chdir", "-S", "--split-string"]);
    let front =
        ShellStep { arguments: step.arguments[..own.min(step.arguments.len())].to_vec(), ..step.clone() };
    front.option(&["-S", "--split-string"])
}

/// Counts the words of options in front, with their values.
pub(super) fn options(words: &[Word], valued: &[&str]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at).map(|word| word.text.as_str()) {
        at += match word {
            "--" => return at + 1,
            _ if valued.contains(&word) => 2,
            _ if word.len() > 1 && word.starts_with('-') => 1,
            _ => return at,
        };
    }
    at
}

fn behind_runner(program: &str, words: &[Word]) -> Option<usize> {
    let at = options(words, &[]);
    let verb = words.get(at)?;
    let runs = RUNNERS.iter().any(|(runner, word)| *runner == program && *word == verb.text);
    runs.then(|| at + 1 + options(&words[at + 1..], &[]))
}

/// Carries out an assignment.
pub(super) fn set(
    word: &Word,
    more: &[Word],
    line: &CommandLine,
    state: &mut State,
    context: &StepContext<'_>,
) {
    let Some((name, _)) = word.text.split_once('=') else { return };
    let value = word.behind(name.len() + 1);
    let mut values = line.values(&value, state, context);
    if !more.is_empty() {
        values = more.iter().flat_map(|word| line.values(word, state, context)).collect();
    }
    let name = match name.strip_suffix('+') {
        Some(name) => {
            let before = state.variable(name).cloned().unwrap_or_default();
            values.splice(..0, before);
            name
        }
        None => name,
    };
    state.set(name, values);
}

/// Returns the program that works in a command.
pub(super) fn program_of(command: &Command) -> Option<String> {
    let mut words = command.words.as_slice();
    for _ in 0..10 {
        let (first, rest) = words.split_first()?;
        let program = base_name(&first.text);
        let skip = match program {
            "timeout" => Some(options(rest, &["-k", "-s", "--signal", "--kill-after"]) + 1),
            "command" if rest.iter().any(|word| word.text == "-v" || word.text == "-V") => None,
            _ => WRAPPERS
                .iter()
                .find(|(wrapper, _)| *wrapper == program)
                .map(|(_, valued)| options(rest, valued))
                .or_else(|| behind_runner(program, rest)),
        };
        let Some(skip) = skip.filter(|skip| *skip < rest.len()) else { return Some(program.to_owned()) };
        let skipped = rest[skip..].iter().take_while(|word| is_assignment(&word.text)).count();
        words = &rest[skip + if program == "xargs" { 0 } else { skipped }..];
    }
    None
}

/// Returns a program's name without its folder.
pub(super) fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}
