//! What saving and restoring edits in a large repository costs, beside what git takes for the same.
//!
//! `cargo bench --bench capture [-- FILES]`: makes a repository of 80,000 files in a pack, with 20 and with 2,000
//! edits (half of them staged) and 50 untracked files, and prints a Markdown table of medians. All commands take
//! turns. `restore` is `snap rewind` beside the two calls of `git apply` that set index and work tree.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;
const FOLDER: usize = 100;
const UNTRACKED: usize = 50;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let files = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(80_000);
    let place = Place::new(files)?;
    println!("| {files} files | what | ms | to `git status` | peak, MiB | of it own |");
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    for edits in [20, 2_000] {
        place.edit(edits.min(files))?;
        place.capture(edits)?;
        place.restore(edits)?;
    }
    Ok(())
}

/// One run: how long it took, and the most memory: all that was mapped and touched, and without files.
struct Measured {
    took: Duration,
    peak: u64,
    own: u64,
}

struct Place {
    folder: tempfile::TempDir,
    files: usize,
}

impl Place {
    fn new(files: usize) -> Result<Place> {
        let place = Place { folder: tempfile::tempdir()?, files };
        fs::create_dir(place.root())?;
        place.git(&["init", "-q", "-b", "main"])?;
        let mut import = place.command("git", &["fast-import", "--quiet"]);
        let mut import = import.stdin(Stdio::piped()).spawn()?;
        let mut stream = BufWriter::new(import.stdin.take().ok_or("no pipe")?);
        writeln!(
            stream,
            "commit refs/heads/main\ncommitter Ada <ada@example.org> 1700000000 +0000\ndata 2\nx\n"
        )?;
        for number in 0..files {
            let text = content(number, "");
            writeln!(stream, "M 100644 inline {}\ndata {}\n{text}", path(number), text.len())?;
        }
        stream.flush()?;
        drop(stream);
        if !import.wait()?.success() {
            return Err("git fast-import failed".into());
        }
        // As a clone has it: fast-import makes longer chains of deltas than any other git.
        place.git(&["repack", "-adfq"])?;
        place.clean()?;
        Ok(place)
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.root()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.folder.path()).env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "Ada")
                .env(format!("GIT_{role}_EMAIL"), "ada@example.org");
        }
        command
    }

    fn git(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        let output = self.command("git", arguments).stderr(Stdio::inherit()).output()?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(format!("git {arguments:?} failed").into())
        }
    }

    /// Brings the repository of this benchmark back to its commit, and its index up to date.
    fn clean(&self) -> Result<()> {
        self.git(&["reset", "-q", "--hard"])?;
        self.git(&["status", "--porcelain"])?;
        Ok(())
    }

    /// Edits files all over the tree; of every second the edit is staged.
    fn edit(&self, edits: usize) -> Result<()> {
        self.clean()?;
        let step = self.files / edits;
        let mut staged = String::new();
        for number in 0..edits {
            let file = number * step;
            fs::write(self.root().join(path(file)), content(file, &format!("edit {number} of {edits}")))?;
            if number % 2 == 0 {
                writeln!(staged, "{}", path(file))?;
            }
        }
        fs::write(self.folder.path().join("staged"), staged)?;
        self.git(&["add", "--pathspec-from-file=../staged"])?;
        for number in 0..UNTRACKED {
            fs::write(self.root().join(format!("d{number:04}/new.rs")), content(number, "new"))?;
        }
        self.git(&["status", "--porcelain"])?;
        Ok(())
    }

    fn capture(&self, edits: usize) -> Result<()> {
        let snap = env!("CARGO_BIN_EXE_snap");
        let status: &[&str] = &[
            "--no-optional-locks",
            "status",
            "--porcelain=v2",
            "-z",
            "--untracked-files=all",
            "--no-renames",
        ];
        let mut runs: [Vec<Measured>; 4] = Default::default();
        for round in 0..ROUNDS {
            let folder = self.root().join(".claude");
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
            runs[0].push(self.measure("git", status)?);
            runs[1].push(self.measure("git", &["stash", "create"])?);
            runs[2].push(self.measure(snap, &["save", "first"])?);
            fs::write(self.root().join(path(7)), content(7, &format!("round {round}")))?;
            runs[3].push(self.measure(snap, &["save", "second"])?);
            self.git(&["checkout", "-q", &path(7)])?;
        }
        self.git(&["stash", "clear"])?;
        let base = median(&runs[0], |run| run.took).as_secs_f64();
        for (what, runs) in
            ["`git status`", "`git stash create`", "`snap save`", "`snap save`, one more edit"]
                .iter()
                .zip(&runs)
        {
            line(&format!("{edits} edits"), what, runs, Some(base));
        }
        Ok(())
    }

    fn restore(&self, edits: usize) -> Result<()> {
        let snap = env!("CARGO_BIN_EXE_snap");
        for (name, staged) in
            [("index.patch", &["diff", "--cached", "--binary"][..]), ("tree.patch", &["diff", "--binary"])]
        {
            fs::write(self.folder.path().join(name), self.git(staged)?)?;
        }
        let mut runs: [Vec<Measured>; 2] = Default::default();
        for _ in 0..ROUNDS {
            self.clean()?;
            let index = self.measure("git", &["apply", "--index", "../index.patch"])?;
            let tree = self.measure("git", &["apply", "../tree.patch"])?;
            let (peak, own) = (index.peak.max(tree.peak), index.own.max(tree.own));
            runs[0].push(Measured { took: index.took + tree.took, peak, own });
            self.clean()?;
            runs[1].push(self.measure(snap, &["rewind", "first", "--no-session"])?);
        }
        for (what, runs) in ["`git apply`, twice", "`snap rewind`"].iter().zip(&runs) {
            line(&format!("{edits} edits"), what, runs, None);
        }
        Ok(())
    }

    fn measure(&self, program: &str, arguments: &[&str]) -> Result<Measured> {
        let start = Instant::now();
        let mut command = self.command(program, arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let status = format!("/proc/{}/status", child.id());
        let (mut peak, mut own) = (0, 0);
        let ended = loop {
            let stated = fs::read_to_string(&status).unwrap_or_default();
            peak = peak.max(kilobytes(&stated, "VmHWM:"));
            own = own.max(kilobytes(&stated, "RssAnon:"));
            if let Some(ended) = child.try_wait()? {
                break ended;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let took = start.elapsed();
        if !ended.success() {
            let said = child.wait_with_output()?.stderr;
            return Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&said)).into());
        }
        Ok(Measured { took, peak, own })
    }
}

fn kilobytes(status: &str, field: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn median<T: Ord + Copy>(runs: &[Measured], of: impl Fn(&Measured) -> T) -> T {
    let mut values: Vec<T> = runs.iter().map(of).collect();
    values.sort_unstable();
    values[values.len() / 2]
}

fn line(case: &str, what: &str, runs: &[Measured], base: Option<f64>) {
    let took = median(runs, |run| run.took).as_secs_f64();
    let share = base.map_or(String::new(), |base| format!("{:.2}", took / base));
    let mebibytes = |of: fn(&Measured) -> u64| median(runs, of) / 1_024;
    println!(
        "| {case} | {what} | {:.0} | {share} | {} | {} |",
        took * 1_000.0,
        mebibytes(|run| run.peak),
        mebibytes(|run| run.own)
    );
}

fn path(number: usize) -> String {
    format!("d{:04}/module_{number}.rs", number / FOLDER)
}

/// About 4 KB of code, each file its own: what it is made of is drawn by its number.
fn content(number: usize, edit: &str) -> String {
    const VERBS: [&str; 12] =
        ["read", "write", "open", "find", "keep", "load", "make", "take", "split", "parse", "apply", "merge"];
    const NOUNS: [&str; 12] = [
        "path", "name", "lines", "block", "state", "entry", "limit", "owner", "range", "queue", "event",
        "frame",
    ];
    let mut drawn = number.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut draw = |most: usize| {
        drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (drawn >> 33) % most
    };
    let mut text = String::new();
    for row in 0..60 {
        let mut word = || format!("{}_{}", VERBS[draw(12)], NOUNS[draw(12)]);
        let (one, two, three, four) = (word(), word(), word(), word());
        let edited = if row == 30 && !edit.is_empty() { edit } else { &four };
        // Writing to a String can't fail.
        let _ok = writeln!(text, "    let {one} = {two}({three}, {}); // {edited}", draw(10_007));
    }
    text
}
