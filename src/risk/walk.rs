//! The steps that a command line really takes: the programs that do the work, behind `sudo`, `xargs`,
//! `find -exec`, `sh -c` and the like.
//!
//! Pure. A line is walked through as a shell would run it, and so is each script in it.

use std::rc::Rc;

use super::expand::CommandLine;
use super::scripts::{is_c, script_of};
use super::shell::{self, Command, Word};
use super::state::State;
use super::step::ShellStep;
use super::value::Value;
use super::word::is_assignment;
use super::wrappers::{loop_through, program_of, set};
use super::{StepContext, finders};

/// Scripts inside scripts deeper than this are not looked at.
const DEEPEST: usize = 5;

/// What a shell knew is remembered for so many commands of a line.
const MOST_STATES: usize = 5_000;

/// The steps of a line, and the lines and scripts that they are in.
#[derive(Clone, Debug, Default)]
pub(super) struct ParsedSteps {
    pub(super) steps: Vec<ShellStep>,
    pub(super) lines: Vec<CommandLine>,
}

/// Returns the steps of a command line, in order.
pub(super) fn of_line(line: &str, context: &StepContext<'_>) -> ParsedSteps {
    let mut walk = Walk { context, done: ParsedSteps::default() };
    walk.script(line, State::starting_in(context.cwd), 0);
    walk.done
}

/// A walk through a line and the scripts in it.
struct Walk<'a> {
    context: &'a StepContext<'a>,
    done: ParsedSteps,
}

impl Walk<'_> {
    /// Walks through a script; returns what its shell knows at the end.
    fn script(&mut self, text: &str, start: State, depth: usize) -> State {
        if depth > DEEPEST {
            return start;
        }
        // Its number is taken before those of the scripts in it.
        let number = self.done.lines.len();
        self.done.lines.push(CommandLine::default());
        let mut line = CommandLine { commands: shell::parse(text), states: Vec::new() };
        // Each shell by its subshells; one that is begun knows what the one around it knew.
        let mut shells: Vec<(Vec<usize>, State)> = vec![(Vec::new(), start)];
        for at in 0..line.commands.len() {
            let command = &line.commands[at];
            shells.retain(|(shell, _)| command.shells.starts_with(shell) || shell.is_empty());
            if shells.last().is_none_or(|(shell, _)| *shell != command.shells) {
                let state = shells.last().map(|(_, state)| state.clone()).unwrap_or_default();
                shells.push((command.shells.clone(), state));
            }
            let Some((_, mut state)) = shells.pop() else { continue };
            state.settle(command.joint, self.context);
            if at < MOST_STATES {
                line.states.push(state.clone());
            }
            let command = &line.commands[at];
            self.assign(command, &line, &mut state);
            self.command(&line, at, number, &mut state, depth);
            shells.push((command.shells.clone(), state));
        }
        self.done.lines[number] = line;
        shells.into_iter().next().map(|(_, state)| state).unwrap_or_default()
    }

    /// Carries out assignments that stay, and the beginning of a loop.
    fn assign(&self, command: &Command, line: &CommandLine, state: &mut State) {
        if let Some((name, words)) = &command.each {
            let values = words.iter().flat_map(|word| line.values(word, state, self.context)).collect();
            state.set(name, values);
        }
        for (word, more) in command.assignments.iter().filter(|_| command.words.is_empty()) {
            set(word, more, line, state, self.context);
        }
    }

    fn command(&mut self, line: &CommandLine, at: usize, number: usize, state: &mut State, depth: usize) {
        let command = &line.commands[at];
        let mut step = ShellStep {
            program: String::new(),
            arguments: command.words.clone(),
            many: command.in_loop,
            fed_by: feeders(&line.commands, command),
            truncates: command.truncates.clone(),
            state: state.clone(),
            line: number,
            fed: Vec::new(),
            in_each: false,
        };
        if command.words.is_empty() && command.truncates.is_empty() {
            return;
        }
        for (word, more) in &command.assignments {
            set(word, more, line, &mut step.state, self.context);
        }
        loop_through(&mut step, line, command, self.context);
        match step.program.as_str() {
            "cd" | "chdir" | "pushd" | "popd" => {
                let words: Vec<_> =
                    step.arguments.iter().map(|word| line.values(word, state, self.context)).collect();
                state.change(&step.program, &words, self.context);
            }
            "export" | "local" | "declare" | "typeset" | "readonly" => {
                for word in step.arguments.iter().filter(|word| is_assignment(&word.text)) {
                    set(word, &[], line, state, self.context);
                }
            }
            "read" | "mapfile" | "readarray" => {
                let mut values = match command.fed_by {
                    Some(feeder) => line.printed(feeder, state, self.context, 0),
                    None => line.redirected(command, state, self.context),
                };
                for word in step.operands_without(&["-d", "-p", "-n", "-t", "-u", "-i", "-N", "-a"]) {
                    if values.is_empty() {
                        values.push(Value::Unknown(format!("${}", word.text)));
                    }
                    state.set(&word.text, values.clone());
                }
            }
            "unset" => step.operands().iter().for_each(|word| state.unset(&word.text)),
            _ => {}
        }
        if let Some(script) = script_of(&step, command, line) {
            let mut inner = step.state.clone();
            for (name, word) in positional(&step) {
                inner.set(&name, line.values(&word, &step.state, self.context));
            }
            let end = self.script(&script, inner, depth + 1);
            if step.program == "eval" {
                *state = end;
            }
        }
        self.call(&step, line, number, state, depth);
        if let Some((found, runs)) = finders::of(&step, line, self.context) {
            self.executed(&step, line, &found, runs, depth);
        }
        if let Some(script) = for_each_submodule(&step) {
            let before = self.done.steps.len();
            self.script(&script, step.state.clone(), depth + 1);
            self.done.steps[before..].iter_mut().for_each(|step| step.in_each = true);
        }
        self.done.steps.push(step);
    }

    /// Walks through the function of this line that a step calls, with what it is given.
    fn call(&mut self, step: &ShellStep, line: &CommandLine, number: usize, state: &mut State, depth: usize) {
        let is_part = |command: &Command| command.function.as_ref() == Some(&step.program);
        if depth >= DEEPEST || self.done.steps.len() > MOST_STATES || !line.commands.iter().any(is_part) {
            return;
        }
        let mut called = line.clone();
        let mut inner = step.state.clone();
        for (at, word) in step.arguments.iter().enumerate() {
            inner.set(&(at + 1).to_string(), line.values(word, &step.state, self.context));
        }
        let given = |word: &Word| match word.is_variable() {
            Some("@" | "*") => step.arguments.clone(),
            Some(name) => match name.parse::<usize>().ok().and_then(|number| number.checked_sub(1)) {
                Some(at) => step.arguments.get(at).cloned().into_iter().collect(),
                None => vec![word.clone()],
            },
            None => vec![word.clone()],
        };
        for command in called.commands.iter_mut().filter(|command| is_part(command)) {
            command.words = command.words.iter().flat_map(given).collect();
            if let Some((_, words)) = &mut command.each {
                *words = words.iter().flat_map(given).collect();
            }
        }
        for at in (0..called.commands.len()).filter(|at| is_part(&line.commands[*at])) {
            self.assign(&called.commands[at], &called, &mut inner);
            self.command(&called, at, number, &mut inner, depth + 1);
        }
        state.dirs = inner.dirs;
    }

    /// Adds the commands that `find` and `fd` run on what they find.
    fn executed(
        &mut self,
        of: &ShellStep,
        line: &CommandLine,
        found: &[Value],
        runs: Vec<finders::Run>,
        depth: usize,
    ) {
        let before = self.done.steps.len();
        for finders::Run { words, in_folder } in runs {
            let mut step = ShellStep {
                program: String::new(),
                arguments: words,
                many: true,
                fed_by: Vec::new(),
                truncates: Vec::new(),
                fed: Vec::new(),
                in_each: in_folder,
                ..of.clone()
            };
            step.state.found = Some(Rc::new(("{}".to_owned(), found.to_vec())));
            loop_through(&mut step, line, &Command::default(), self.context);
            if in_folder {
                step.state.dirs = step.state.at(found);
            }
            // `sh -c SCRIPT`: the script is what runs.
            if let Some(script) = script_of(&step, &Command::default(), line) {
                let mut inner = step.state.clone();
                for (name, word) in positional(&step) {
                    inner.set(&name, line.values(&word, &step.state, self.context));
                }
                self.script(&script, inner, depth + 1);
            }
            self.done.steps.push(step);
        }
        self.done.steps[before..].iter_mut().for_each(|step| step.many = true);
    }
}

/// Returns what `$0`, `$1`, … and `$@` are in a script that a shell is given as text.
fn positional(step: &ShellStep) -> Vec<(String, Word)> {
    let Some(at) = step.arguments.iter().position(is_c).filter(|_| step.program != "eval") else {
        return Vec::new();
    };
    let words = step.arguments.iter().skip(at + 2).enumerate();
    let mut all: Vec<(String, Word)> =
        words.map(|(number, word)| (number.to_string(), word.clone())).collect();
    if let [_, (_, first)] = all.as_slice() {
        all.extend(["@", "*"].map(|name| (name.to_owned(), first.clone())));
    }
    all
}

/// Returns what `git submodule foreach` runs.
fn for_each_submodule(step: &ShellStep) -> Option<String> {
    let at =
        step.arguments.iter().position(|word| word.text == "foreach").filter(|_| step.program == "git")?;
    step.arguments.iter().any(|word| word.text == "submodule").then(|| {
        let words = step.arguments.iter().skip(at + 1).skip_while(|word| word.text.starts_with("--"));
        words.map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    })
}

/// Returns the programs upstream in the pipeline, in substitutions and in what is read.
fn feeders(commands: &[Command], command: &Command) -> Vec<String> {
    let mut found = Vec::new();
    let mut upstream = command.fed_by;
    while let Some(feeder) = upstream.and_then(|at| commands.get(at)) {
        found.extend(program_of(feeder));
        upstream = feeder.fed_by;
    }
    for word in command.words.iter().chain(&command.reads) {
        found.extend(word.inner.iter().filter_map(|at| program_of(commands.get(*at)?)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps_of(line: &str) -> Vec<ShellStep> {
        of_line(line, &StepContext::in_folder(std::path::Path::new("/home/ada/app"))).steps
    }

    fn read(line: &str) -> Vec<String> {
        steps_of(line)
            .iter()
            .map(|step| {
                let words = step.arguments.iter().map(|word| word.text.as_str());
                let words: Vec<&str> = std::iter::once(step.program.as_str()).chain(words).collect();
                words.join(" ") + if step.many { " (many)" } else { "" }
            })
            .collect()
    }

    #[test]
    fn whatever_runs_another_program_is_looked_through() {
        let table: [(&str, &[&str]); 15] = [
            ("/bin/rm x", &["rm x"]),
            ("\\rm x", &["rm x"]),
            ("sudo -u root rm x", &["rm x"]),
            ("sudo -E env A=1 nice -n 5 timeout -k 1 5s rm x", &["rm x"]),
            ("ls | xargs -0 -n 1 rm -f", &["ls", "rm -f (many)"]),
            ("command -v rm", &["command -v rm"]),
            ("poetry run alembic upgrade head", &["alembic upgrade head"]),
            ("bash -lc 'cd x && rm y'", &["cd x", "rm y", "bash -lc cd x && rm y"]),
            ("eval \"rm x\"", &["rm x", "eval rm x"]),
            ("bash <<E\nrm x\nE", &["rm x", "bash"]),
            ("bash script.sh <<E\nrm x\nE", &["bash script.sh"]),
            ("find . -exec rm {} \\;", &["rm {} (many)", "find . -exec rm {} ;"]),
            (
                "find . -exec sh -c 'mv $1 x' _ {} +",
                &["mv $1 x (many)", "sh -c mv $1 x _ {} (many)", "find . -exec sh -c mv $1 x _ {} +"],
            ),
            ("for f in a; do mv $f x; done", &["mv $f x (many)"]),
            ("sudo", &["sudo"]),
        ];
        for (line, wanted) in table {
            assert_eq!(read(line), wanted, "{line:?}");
        }
    }

    #[test]
    fn what_feeds_a_step_is_known() {
        let fed = |line: &str| steps_of(line).pop().map(|step| step.fed_by).unwrap_or_default();
        assert_eq!(fed("curl u | sudo tee f | bash"), ["tee", "curl"]);
        assert_eq!(fed("bash -c \"$(wget -qO- u)\""), ["wget"]);
        assert_eq!(fed("source <(curl u)"), ["curl"]);
    }
}
