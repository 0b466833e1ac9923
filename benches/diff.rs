//! `snap diff` beside `git diff` and other viewers: first hunk, whole, memory.
//!
//! `cargo bench --bench diff [-- NAME…]`; prints a Markdown table of medians. Inputs are made
//! afresh from fixed seeds; `SNAP_BENCH_PAIRS=NAME=OLD=NEW:…` adds files of yours. The first hunk is the first changed line that a reader of the pipe
//! sees; memory is the peak of the process itself (Linux). Viewers that are not on the PATH
//! are left out; those that read git's output are measured together with it.

use std::fs;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const LIMIT: Duration = Duration::from_secs(60);

type Lines = Box<dyn Iterator<Item = String>>;
type Make = fn() -> (Lines, Lines);

/// A small generator of numbers, the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

fn line(kind: &str, number: u64) -> String {
    format!(
        "{kind} {number} {:08x} some words that are here\n",
        number.wrapping_mul(2_654_435_761) & 0xffff_ffff
    )
}

fn lines(kind: &'static str, numbers: impl Iterator<Item = u64> + 'static) -> Lines {
    Box::new(numbers.map(move |number| line(kind, number)))
}

fn code(count: u64, every: u64) -> Lines {
    Box::new((0..count).map(move |number| match number % 17 {
        0 => format!("fn step_{number}(input: &Input) -> Result<u32> {{\n"),
        8 => "\n".to_owned(),
        16 => "}\n".to_owned(),
        _ => {
            let verb = if every > 0 && number.is_multiple_of(every) { "derive" } else { "compute" };
            format!(
                "    let value_{number} = {verb}(input, {}, \"name {}\");\n",
                number * 7 % 1_000,
                number % 97
            )
        }
    }))
}

fn lock(edited: bool) -> Lines {
    Box::new((0..2_000_000_u64).map(move |number| {
        let mark = if edited && number.is_multiple_of(4) { "x" } else { "" };
        format!("      \"package-{}{mark}\": \"1.{}.{}\",\n", number / 5, number % 50, number % 9)
    }))
}

fn shuffled() -> Lines {
    let (mut numbers, mut random): (Vec<u64>, _) = ((0..1_000_000).collect(), Random(7));
    for at in (1..numbers.len()).rev() {
        numbers.swap(at, random.next(at as u64 + 1) as usize);
    }
    lines("line", numbers.into_iter())
}

fn repeated(seed: u64) -> Lines {
    let mut random = Random(seed);
    Box::new((0..1_000_000).map(move |_| format!("{}\n", ["a", "b", "c", "d"][random.next(4) as usize])))
}

fn giant_line(edited: bool) -> Lines {
    let name = move |number: u32| if edited && number % 40_000 == 1 { "g" } else { "f" };
    let text: String =
        (0..120_000).map(|n| format!("function {}{n}(a,b){{return a*{}+b}};", name(n), n % 1_000)).collect();
    Box::new(std::iter::once(text + "\n"))
}

const INPUTS: [(&str, Make); 12] = [
    ("a-2001", || (code(20_000, 0), code(20_000, 18))),
    ("b-100k", || (code(1_000_000, 0), code(1_000_000, 18))),
    ("c-1m", || (lock(false), lock(true))),
    ("c-giant", || (lines("old", 0..500_000), lines("new", 0..500_000))),
    ("c-new", || (lines("new", 0..0), lines("new", 0..1_000_000))),
    ("third", || {
        let edited = |n: u64| if n.is_multiple_of(3) { format!("// edit {n}\n") } else { line("line", n) };
        (lines("line", 0..1_000_000), Box::new((0..1_000_000).map(edited)))
    }),
    ("reversed", || (lines("line", 0..1_000_000), lines("line", (0..1_000_000).rev()))),
    ("shuffled", || (lines("line", 0..1_000_000), shuffled())),
    ("moved", || (lines("line", 0..1_000_000), lines("line", (500_000..1_000_000).chain(0..500_000)))),
    ("inserted", || {
        (lines("line", 0..300_000), lines("line", (0..1_000).chain(900_000..940_000).chain(1_000..300_000)))
    }),
    ("repeated", || (repeated(3), repeated(5))),
    ("one-line", || (giant_line(false), giant_line(true))),
];

/// Where an input is from.
enum Input {
    Made(Make),
    Files(PathBuf, PathBuf),
}

impl Input {
    fn write(&self, folder: &Path) -> std::io::Result<()> {
        match self {
            Input::Files(old, new) => {
                fs::copy(old, folder.join("old"))?;
                fs::copy(new, folder.join("new"))?;
            }
            Input::Made(make) => {
                let (old, new) = make();
                for (file, lines) in [("old", old), ("new", new)] {
                    let mut file = BufWriter::new(fs::File::create(folder.join(file))?);
                    for line in lines {
                        file.write_all(line.as_bytes())?;
                    }
                    file.flush()?;
                }
            }
        }
        Ok(())
    }
}

/// How many lines a tool says are added and removed.
fn script(program: &str, arguments: &[&str], folder: &Path) -> f64 {
    let said = Command::new(program).args(arguments).current_dir(folder).output().map(|said| said.stdout);
    let said = String::from_utf8(said.unwrap_or_default()).unwrap_or_default();
    let json: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    match (json["added"].as_f64(), json["removed"].as_f64()) {
        (Some(added), Some(removed)) => added + removed,
        _ => said.split('\t').take(2).filter_map(|count| count.parse::<f64>().ok()).sum(),
    }
}

struct Measured {
    first: Duration,
    whole: Duration,
    peak: u64,
}

/// Whether a changed line is in what was painted so far, colours and numbers aside.
fn shows_a_change(painted: &[u8]) -> bool {
    let text = String::from_utf8_lossy(painted);
    let mut bare = String::new();
    let mut rest = &*text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        bare += before;
        rest = after.split_once(['m', 'K']).map_or("", |(_, rest)| rest);
    }
    bare += rest;
    bare.lines().any(|line| {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || " ⋮│".contains(c));
        let sign = line.starts_with(['+', '-']);
        sign && line.len() > 1 && !line.starts_with("+++") && !line.starts_with("---")
    })
}

fn measure(command: &str, folder: &Path) -> Option<Measured> {
    let start = Instant::now();
    let mut shell = Command::new("/bin/sh");
    let run = if command.contains(" | ") { command.to_owned() } else { format!("exec {command}") };
    shell.args(["-c", &run]).current_dir(folder).env("GIT_PAGER", "cat").env("PAGER", "cat");
    let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let status = format!("/proc/{}/status", child.id());
    let mut output = child.stdout.take()?;
    let (mut head, mut first, mut peak) = (Vec::new(), None, 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = output.read(&mut buffer).ok()?;
        let stated = fs::read_to_string(&status).unwrap_or_default();
        let high = stated.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let high = high.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
        peak = peak.max(high);
        if read == 0 || start.elapsed() > LIMIT {
            break;
        }
        if first.is_none() {
            head.extend_from_slice(&buffer[..read]);
            first = shows_a_change(&head).then(|| start.elapsed());
        }
    }
    let _killed = child.kill();
    child.wait().ok()?;
    let whole = start.elapsed();
    Some(Measured { first: first.unwrap_or(whole), whole, peak })
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}

fn main() -> std::io::Result<()> {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let snap = env!("CARGO_BIN_EXE_snap");
    let git = "git diff --no-index --color=always old new";
    let words = "git diff --no-index --color-words old new";
    let mut tools = vec![
        ("git", git.to_owned()),
        ("git words", words.to_owned()),
        ("snap", format!("'{snap}' diff --color=always --files old new")),
    ];
    for (tool, command) in [
        ("delta", format!("{git} | delta --paging=never")),
        ("riff", format!("{git} | riff --no-pager")),
        ("difft", "difft --color=always old new".to_owned()),
    ] {
        let there = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if there.is_ok() {
            tools.push((tool, command));
        }
    }
    println!("| input | tool | first hunk, ms | whole, ms | whole / git | peak, MiB | lines / git |");
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    let pairs = std::env::var("SNAP_BENCH_PAIRS").unwrap_or_default();
    let own = pairs.split(':').filter_map(|pair| {
        let mut parts = pair.split('=');
        Some((parts.next()?.to_owned(), Input::Files(parts.next()?.into(), parts.next()?.into())))
    });
    let inputs = INPUTS.into_iter().map(|(name, make)| (name.to_owned(), Input::Made(make))).chain(own);
    for (name, input) in inputs {
        if !wanted.is_empty() && !wanted.contains(&name) {
            continue;
        }
        let folder = tempfile::tempdir()?;
        input.write(folder.path())?;
        let longer = script(snap, &["diff", "--json", "--files", "old", "new"], folder.path())
            / script("git", &["diff", "--no-index", "--numstat", "old", "new"], folder.path());
        let mut runs: Vec<Vec<Measured>> = tools.iter().map(|_| Vec::new()).collect();
        for _ in 0..ROUNDS {
            for (tool, runs) in tools.iter().zip(&mut runs) {
                if runs.first().is_none_or(|first| first.whole < LIMIT / 6) || runs.is_empty() {
                    runs.extend(measure(&tool.1, folder.path()));
                }
            }
        }
        let mut base = 0.0;
        for ((tool, _), runs) in tools.iter().zip(runs).filter(|(_, runs)| !runs.is_empty()) {
            let ms =
                |of: fn(&Measured) -> Duration| median(runs.iter().map(of).collect()).as_secs_f64() * 1_000.0;
            let (first, whole) = (ms(|run| run.first), ms(|run| run.whole));
            let peak = median(runs.iter().map(|run| run.peak).collect()) as f64 / 1_024.0;
            base = if *tool == "git" { whole } else { base };
            let longer = if *tool == "snap" { format!("{longer:.3}") } else { String::new() };
            let share = whole / base;
            println!("| {name} | {tool} | {first:.1} | {whole:.0} | {share:.2} | {peak:.0} | {longer} |");
        }
    }
    Ok(())
}
