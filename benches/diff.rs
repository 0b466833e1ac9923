//! `snap diff` beside `git diff` and other viewers: first hunk, whole, memory.
//!
//! `cargo bench --bench diff [-- NAME…]`; prints a Markdown table of medians. Inputs are made
//! afresh from fixed seeds; `SNAP_BENCH_PAIRS=NAME=OLD=NEW:…` adds files or folders of yours. Two
//! files are compared as they are; of folders, the old one is committed, the new one is the work
//! tree, and `snap` shows it three ways: the saved edits, the snapshot before against the work tree,
//! and git's own diff from a pipe. Two releases of real crates join in if cargo has them.
//!
//! The first hunk is the first changed line that a reader of the pipe sees; memory is the peak of the
//! process itself (Linux), and of what it started. Viewers that are not on the PATH are left out, and said; those that
//! read git's output are measured together with it.

use std::fs;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 3;
const LIMIT: Duration = Duration::from_secs(20);

/// Two releases each of real crates: generated Rust, and two large files of C.
const RELEASES: [(&str, &str, &str); 3] = [
    ("releases: ec2", "aws-sdk-ec2-1.60.0", "aws-sdk-ec2-1.160.0"),
    ("releases: sqlite", "libsqlite3-sys-0.26.0", "libsqlite3-sys-0.35.0"),
    ("releases: tree-sitter-cpp", "tree-sitter-cpp-0.20.5", "tree-sitter-cpp-0.23.4"),
];

/// How long a reader that stopped is watched.
const STOPPED: Duration = Duration::from_secs(2);

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
    /// Two files, or two folders.
    Paths(PathBuf, PathBuf),
    /// So many files of so many lines of code.
    Many(u64, u64),
}

impl Input {
    /// Writes it; says whether it is two folders.
    fn write(&self, folder: &Path) -> std::io::Result<bool> {
        let write = |file: PathBuf, lines: Lines| -> std::io::Result<()> {
            let mut file = BufWriter::new(fs::File::create(file)?);
            lines.into_iter().try_for_each(|line| file.write_all(line.as_bytes()))?;
            file.flush()
        };
        match self {
            Input::Paths(old, new) if old.is_dir() => {
                copy(old, &folder.join("old"))?;
                copy(new, &folder.join("new"))?;
                return Ok(true);
            }
            Input::Paths(old, new) => {
                fs::copy(old, folder.join("old"))?;
                fs::copy(new, folder.join("new"))?;
            }
            Input::Made(make) => {
                let (old, new) = make();
                write(folder.join("old"), old)?;
                write(folder.join("new"), new)?;
            }
            Input::Many(files, lines) => {
                for (name, every) in [("old", 0), ("new", 10)] {
                    fs::create_dir(folder.join(name))?;
                    for number in 0..*files {
                        write(folder.join(name).join(format!("f{number}.rs")), code(*lines, every))?;
                    }
                }
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    run("cp", &["-R", &from.to_string_lossy(), &to.to_string_lossy()], Path::new("."))
}

/// Runs a program with a home of its own; it must succeed.
fn run(program: &str, arguments: &[&str], folder: &Path) -> std::io::Result<()> {
    let mut command = Command::new(program);
    at_home(&mut command, folder);
    let ran =
        command.args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    // 6: saved, but something was left out.
    if ran.success() || ran.code() == Some(6) {
        Ok(())
    } else {
        Err(std::io::Error::other(format!("{program} {arguments:?} failed")))
    }
}

fn at_home(command: &mut Command, folder: &Path) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", folder.join(".home")).env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_PAGER", "cat").env("PAGER", "cat").env("TERM", "xterm-256color");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "a").env(format!("GIT_{role}_EMAIL"), "a@example.org");
    }
}

/// Commits the folder `old` in a repository `tree`, whose work tree becomes `new`; saves both.
fn repository(snap: &str, folder: &Path) -> std::io::Result<()> {
    let tree = folder.join("tree");
    fs::rename(folder.join("old"), &tree)?;
    for step in [
        &["init", "-q"][..],
        &["add", "-A"],
        &["-c", "maintenance.auto=false", "commit", "-qm", "old"],
        &["gc", "-q"],
    ] {
        run("git", step, &tree)?;
    }
    run(snap, &["save", "before"], &tree)?;
    fs::rename(tree.join(".git"), folder.join("git"))?;
    fs::rename(tree.join(".claude"), folder.join("claude"))?;
    fs::remove_dir_all(&tree)?;
    fs::rename(folder.join("new"), &tree)?;
    fs::rename(folder.join("git"), tree.join(".git"))?;
    fs::rename(folder.join("claude"), tree.join(".claude"))?;
    run("git", &["add", "-AN"], &tree)?;
    run("git", &["status", "--short"], &tree)?;
    run(snap, &["save", "after"], &tree)
}

/// Finds two releases that cargo has downloaded, and unpacks them.
fn release(name: &str, into: &Path) -> Option<PathBuf> {
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    let registries = fs::read_dir(cargo.join("registry/cache")).ok()?.flatten();
    let found = registries.map(|registry| registry.path().join(format!("{name}.crate")));
    let archive = found.into_iter().find(|path| path.exists())?;
    run("tar", &["xzf", &archive.to_string_lossy()], into).ok()?;
    Some(into.join(name))
}

/// How many lines a tool says are added and removed.
fn script(program: &str, arguments: &[&str], folder: &Path) -> f64 {
    let mut command = Command::new(program);
    at_home(&mut command, folder);
    let said = command.args(arguments).current_dir(folder).output().map(|said| said.stdout);
    let said = String::from_utf8_lossy(&said.unwrap_or_default()).into_owned();
    let of_line = |line: &str| -> f64 {
        let json: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        match (json["added"].as_f64(), json["removed"].as_f64()) {
            (Some(added), Some(removed)) => added + removed,
            _ => line.split('\t').take(2).filter_map(|count| count.parse::<f64>().ok()).sum(),
        }
    };
    said.lines().map(of_line).sum()
}

struct Measured {
    first: Duration,
    whole: Duration,
    peak: u64,
    /// The time of the processor, with that of what it started.
    busy: Duration,
}

/// The processor time of all that ended so far below this process.
fn busy() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<u64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(|word| word.parse().unwrap_or(0))
        .collect();
    // In hundredths of a second, as Linux states it.
    Duration::from_millis(10 * fields.iter().skip(13).take(2).sum::<u64>())
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
    let before = busy();
    let start = Instant::now();
    let mut shell = Command::new("/bin/sh");
    let run = if command.contains(" | ") { command.to_owned() } else { format!("exec {command}") };
    at_home(&mut shell, folder);
    shell.args(["-c", &run]).current_dir(folder);
    let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut output = child.stdout.take()?;
    let (mut head, mut first, mut peak, mut reads) = (Vec::new(), None, 0, 0_u64);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = output.read(&mut buffer).ok()?;
        reads += 1;
        if reads < 4 || reads % 16 == 0 {
            peak = peak.max(highest(child.id()));
        }
        if read == 0 || start.elapsed() > LIMIT {
            break;
        }
        // Output that marks changes otherwise (`--color-words`) is not searched for ever.
        if first.is_none() && head.len() < 1 << 20 {
            head.extend_from_slice(&buffer[..read]);
            first = shows_a_change(&head).then(|| start.elapsed());
        }
    }
    let _killed = child.kill();
    child.wait().ok()?;
    let whole = start.elapsed();
    Some(Measured { first: first.unwrap_or(whole), whole, peak, busy: busy().saturating_sub(before) })
}

/// The highest peak of a process and of those that it started, in KiB.
fn highest(process: u32) -> u64 {
    let read = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default();
    let status = read("status");
    let own = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let own = own.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
    let children = read(&format!("task/{process}/children"));
    children.split_whitespace().filter_map(|child| child.parse().ok()).map(highest).fold(own, u64::max)
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}

/// Memory of a tool at the first hunk, and when its reader has not read on for a while, in MiB.
fn stopped(command: &str, folder: &Path) -> Option<[u64; 2]> {
    let mut shell = Command::new("/bin/sh");
    at_home(&mut shell, folder);
    shell.args(["-c", &format!("exec {command}")]).current_dir(folder);
    let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut head = vec![0; 4_096];
    child.stdout.as_mut()?.read_exact(&mut head).ok()?;
    let held = || -> Option<u64> {
        let stated = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
        let line = stated.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|held| held / 1_024)
    };
    let first = held()?;
    std::thread::sleep(STOPPED);
    let then = held()?;
    child.kill().and_then(|()| child.wait()).ok()?;
    Some([first, then])
}

fn main() -> std::io::Result<()> {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let snap = env!("CARGO_BIN_EXE_snap");
    let there = |tool: &str| {
        let tried = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if tried.is_err() {
            eprintln!("{tool} is not on the PATH: it is left out");
        }
        tried.is_ok()
    };
    let [delta, riff, difft] = ["delta", "riff", "difft"].map(there);
    println!(
        "| input | tool | first hunk, ms | whole, ms | processor, ms | processor / git | peak, MiB | lines / git |"
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let releases = tempfile::tempdir()?;
    let mut inputs: Vec<(String, Input)> =
        INPUTS.into_iter().map(|(name, make)| (name.to_owned(), Input::Made(make))).collect();
    inputs.push(("many".to_owned(), Input::Many(2_000, 500)));
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted));
    for (name, old, new) in RELEASES.into_iter().filter(|release| is_wanted(release.0)) {
        match release(old, releases.path()).zip(release(new, releases.path())) {
            Some((old, new)) => inputs.push((name.to_owned(), Input::Paths(old, new))),
            None => eprintln!(
                "{name} is left out: cargo has not downloaded {old} and {new} (`cargo add` them to a crate and `cargo fetch`)"
            ),
        }
    }
    let pairs = std::env::var("SNAP_BENCH_PAIRS").unwrap_or_default();
    inputs.extend(pairs.split(':').filter_map(|pair| {
        let mut parts = pair.split('=');
        Some((parts.next()?.to_owned(), Input::Paths(parts.next()?.into(), parts.next()?.into())))
    }));
    for (name, input) in inputs {
        if !is_wanted(&name) {
            continue;
        }
        let temporary = tempfile::tempdir()?;
        let mut folder = temporary.path().to_owned();
        let folders = input.write(&folder)?;
        if folders {
            repository(snap, &folder)?;
            folder.push("tree");
        }
        let (git, arguments) = if folders {
            ("git diff --color=always HEAD", vec!["diff", "--json", "after"])
        } else {
            ("git diff --no-index --color=always old new", vec!["diff", "--json", "--files", "old", "new"])
        };
        let (words, counted) = if folders {
            ("git diff --color-words HEAD", vec!["diff", "--numstat", "HEAD"])
        } else {
            (
                "git diff --no-index --color-words old new",
                vec!["diff", "--no-index", "--numstat", "old", "new"],
            )
        };
        let mut tools = vec![("git", git.to_owned()), ("git words", words.to_owned())];
        if folders {
            tools.push(("snap, saved edits", format!("'{snap}' diff --color=always after")));
            tools.push(("snap, against the work tree", format!("'{snap}' diff --color=always before --now")));
            tools.push(("git and snap", format!("{git} | '{snap}' diff --color=always -")));
        } else {
            tools.push(("snap", format!("'{snap}' diff --color=always --files old new")));
        }
        tools.extend(delta.then(|| ("delta", format!("{git} | delta --paging=never"))));
        tools.extend(riff.then(|| ("riff", format!("{git} | riff --no-pager"))));
        let external = "git -c diff.external='difft --color=always' diff HEAD";
        let own = "difft --color=always old new";
        tools.extend(difft.then(|| ("difft", if folders { external } else { own }.to_owned())));
        let longer = script(snap, &arguments, &folder) / script("git", &counted, &folder);
        let mut runs: Vec<Vec<Measured>> = tools.iter().map(|_| Vec::new()).collect();
        for _ in 0..ROUNDS {
            for (tool, runs) in tools.iter().zip(&mut runs) {
                if runs.first().is_none_or(|first| first.whole < LIMIT / 6) || runs.is_empty() {
                    runs.extend(measure(&tool.1, &folder));
                }
            }
        }
        let mut base = 0.0;
        for ((tool, _), runs) in tools.iter().zip(runs).filter(|(_, runs)| !runs.is_empty()) {
            let ms =
                |of: fn(&Measured) -> Duration| median(runs.iter().map(of).collect()).as_secs_f64() * 1_000.0;
            let (first, whole, busy) = (ms(|run| run.first), ms(|run| run.whole), ms(|run| run.busy));
            let peak = median(runs.iter().map(|run| run.peak).collect()) as f64 / 1_024.0;
            base = if *tool == "git" { busy } else { base };
            let longer = if matches!(*tool, "snap" | "snap, saved edits") {
                format!("{longer:.3}")
            } else {
                String::new()
            };
            // The time of a tool that was stopped says only that it is longer.
            let more = if runs.iter().any(|run| run.whole > LIMIT) { "> " } else { "" };
            let share = busy / base;
            println!(
                "| {name} | {tool} | {first:.1} | {more}{whole:.0} | {more}{busy:.0} | {more}{share:.2} | {peak:.0} | {longer} |"
            );
        }
        if name == "c-1m" {
            for tool in [git.to_owned(), format!("'{snap}' diff --color=always --files old new")] {
                if let Some([first, then]) = stopped(&tool, &folder) {
                    eprintln!(
                        "{name}, the reader stops for {STOPPED:?}: {first} MiB, then {then} MiB: {tool}"
                    );
                }
            }
        }
    }
    Ok(())
}
