//! The steps that a command line really takes: `sudo`, `xargs`, `find -exec`, `sh -c` and
//! the like looked through, down to the programs that do the work.
//!
//! Pure. A step knows its program, its arguments, whether it runs on many files, and which
//! programs feed it.

use super::shell::{self, Command, Word, is_assignment};

/// Scripts inside scripts deeper than this are not looked at.
const DEEPEST: usize = 5;

/// One program at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
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
}

impl Step {
    /// Returns the arguments that are no options; behind `--` all.
    pub(super) fn operands(&self) -> Vec<&Word> {
        let mut plain = false;
        let mut operands = Vec::new();
        for word in &self.arguments {
            match word.text.as_str() {
                "--" if !plain => plain = true,
                text if !plain && text.len() > 1 && text.starts_with('-') => {}
                _ => operands.push(word),
            }
        }
        operands
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

/// Programs that run the rest of their words, with those of their options that take a value.
const WRAPPERS: [(&str, &[&str]); 20] = [
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

/// Programs that run the rest of their words behind a word of their own (`poetry run rake …`).
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

/// Programs that take a script as text or on standard input.
pub(super) const SHELLS: [&str; 8] = ["sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "mksh"];

/// Returns the steps of a command line, in order.
pub(super) fn of_line(line: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    collect(line, 0, &mut steps);
    steps
}

fn collect(line: &str, depth: usize, steps: &mut Vec<Step>) {
    if depth > DEEPEST {
        return;
    }
    let commands = shell::parse(line);
    for command in &commands {
        let mut step = Step {
            program: String::new(),
            arguments: command.words.clone(),
            many: command.in_loop,
            fed_by: feeders(&commands, command),
            truncates: command.truncates.clone(),
        };
        loop_through(&mut step);
        if let Some(script) = script_of(&step, command) {
            collect(&script, depth + 1, steps);
        }
        if step.program == "find" {
            steps.extend(executed_by_find(&step));
        }
        steps.push(step);
    }
}

/// Removes wrappers from the front until the program that works is the first word.
fn loop_through(step: &mut Step) {
    for _ in 0..10 {
        if step.arguments.is_empty() {
            return;
        }
        let first = step.arguments.remove(0);
        step.program = base_name(&first.text).to_owned();
        let skip = match step.program.as_str() {
            "timeout" => Some(options(&step.arguments, &["-k", "-s", "--signal", "--kill-after"]) + 1),
            "command" if step.has("-v") || step.has("-V") => None,
            program => WRAPPERS
                .iter()
                .find(|(wrapper, _)| *wrapper == program)
                .map(|(_, valued)| options(&step.arguments, valued))
                .or_else(|| behind_runner(program, &step.arguments)),
        };
        let Some(mut skip) = skip else { return };
        step.many |= matches!(step.program.as_str(), "xargs" | "parallel");
        while step.program != "xargs"
            && step.arguments.get(skip).is_some_and(|word| is_assignment(&word.text))
        {
            skip += 1;
        }
        if skip >= step.arguments.len() {
            return;
        }
        step.arguments.drain(..skip);
    }
}

/// Counts the words of options in front, with their values.
fn options(words: &[Word], valued: &[&str]) -> usize {
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

/// Returns the script that a shell is given as text.
fn script_of(step: &Step, command: &Command) -> Option<String> {
    let texts = |words: &[Word]| words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    if step.program == "eval" {
        return Some(texts(&step.arguments));
    }
    if !SHELLS.contains(&step.program.as_str()) {
        return None;
    }
    let is_c =
        |word: &Word| word.text.starts_with('-') && !word.text.starts_with("--") && word.text.contains('c');
    match step.arguments.iter().position(is_c) {
        Some(at) => step.arguments.get(at + 1).map(|script| script.text.clone()),
        None => command.input.clone().filter(|_| step.operands().is_empty()),
    }
}

/// Returns the commands that `find` runs on what it finds.
fn executed_by_find(find: &Step) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut words = find.arguments.iter();
    while let Some(word) = words.next() {
        if matches!(word.text.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir") {
            let inner: Vec<Word> =
                words.by_ref().take_while(|word| word.text != ";" && word.text != "+").cloned().collect();
            let line: Vec<&str> = inner.iter().map(|word| word.text.as_str()).collect();
            // `sh -c SCRIPT`: the script is what runs.
            if let [shell, flag, script, ..] = line.as_slice()
                && SHELLS.contains(&base_name(shell))
                && flag.starts_with('-')
            {
                collect(script, 1, &mut steps);
            }
            let mut step = Step {
                program: String::new(),
                arguments: inner,
                many: true,
                fed_by: Vec::new(),
                truncates: Vec::new(),
            };
            loop_through(&mut step);
            steps.push(step);
        }
    }
    steps.iter_mut().for_each(|step| step.many = true);
    steps
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

fn program_of(command: &Command) -> Option<String> {
    let mut step = Step {
        program: String::new(),
        arguments: command.words.clone(),
        many: false,
        fed_by: Vec::new(),
        truncates: Vec::new(),
    };
    loop_through(&mut step);
    Some(step.program).filter(|program| !program.is_empty())
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<String> {
        of_line(line)
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
        let fed = |line: &str| of_line(line).pop().map(|step| step.fed_by).unwrap_or_default();
        assert_eq!(fed("curl u | sudo tee f | bash"), ["tee", "curl"]);
        assert_eq!(fed("bash -c \"$(wget -qO- u)\""), ["wget"]);
        assert_eq!(fed("source <(curl u)"), ["curl"]);
    }
}
