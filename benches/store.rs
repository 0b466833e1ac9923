//! What many snapshots cost: `cargo bench --bench store`, or with other numbers of them `… -- 10 1000 10000`; of another
//! program than the one that was built, `SNAP=/path/of/snap cargo bench …`.
//!
//! A repository of 2,000 files with 50 edits, and a session of 5 MB. One snapshot is saved; the others are copies of it with
//! ids, names, times and states of their own, proved like it. In stores of each size, all commands are run in turns. Printed
//! are medians in ms, how many times as long that is as in the first store, and the peak of their memory in MiB. What a
//! hook does behind the client's back is waited for, and not counted.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use claude_snap::base::digest::ObjectId;
use claude_snap::base::ids::SnapshotId;
use claude_snap::base::timestamp::Timestamp;
use claude_snap::manifest::Manifest;
use claude_snap::trust::Trust;
use serde_json::json;

const SESSION: &str = "c137e379-838e-4509-8148-16b407691758";
/// The round in which memory is measured; those between it and the first are timed.
const LAST: usize = 12;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let numbers = if numbers.is_empty() { vec![10, 1_000, 10_000] } else { numbers };
    let mut first: Vec<f64> = Vec::new();
    println!("{:>9}  {:34} {:>9} {:>7} {:>9}", "snapshots", "command", "ms", "times", "peak, MiB");
    for number in numbers {
        let place = Place::new(number)?;
        let mut times = vec![Vec::new(); COMMANDS.len()];
        let mut peaks = vec![0.0; COMMANDS.len()];
        for round in 0..=LAST {
            for (command, (_, run)) in COMMANDS.iter().enumerate() {
                let measured = run(&place, round)?;
                match round {
                    // The first round makes what is missing.
                    0 => {}
                    LAST => peaks[command] = measured,
                    _ => times[command].push(measured),
                }
            }
        }
        for (command, (what, _)) in COMMANDS.iter().enumerate() {
            let ms = median(&mut times[command]);
            if first.len() < COMMANDS.len() {
                first.push(ms);
            }
            println!("{number:>9}  {what:34} {ms:>9.1} {:>7.2} {:>9.0}", ms / first[command], peaks[command]);
        }
    }
    Ok(())
}

type Run = fn(&Place, usize) -> Result<f64>;

const COMMANDS: [(&str, Run); 9] = [
    ("save, one more edit", |place, round| {
        place.edit(round)?;
        place.timed(&["snap", "save", "-q"], b"", round)
    }),
    ("save, nothing new", |place, round| place.timed(&["snap", "save", "-q"], b"", round)),
    ("hook before a risky step, an edit", |place, round| {
        place.edit(1_000 + round)?;
        let measured = place.hook(round);
        place.settle()?;
        measured
    }),
    ("show latest", |place, round| place.timed(&["snap", "show", "latest"], b"", round)),
    ("show by an id", |place, round| place.timed(&["snap", "show", &place.id], b"", round)),
    ("status --short", |place, round| place.timed(&["snap", "status", "--short"], b"", round)),
    ("list -n 30", |place, round| place.timed(&["snap", "list", "-n", "30"], b"", round)),
    ("list, all", |place, round| place.timed(&["snap", "list", "-a"], b"", round)),
    ("prune that removes nothing", |place, round| {
        place.timed(&["snap", "prune", "--older-than", "9999d"], b"", round)
    }),
];

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

struct Place {
    folder: tempfile::TempDir,
    /// Of one in the middle.
    id: String,
}

impl Place {
    fn new(number: usize) -> Result<Place> {
        let mut place = Place { folder: tempfile::tempdir()?, id: String::new() };
        for folder in 0..20 {
            let folder = place.root().join("src").join(folder.to_string());
            fs::create_dir_all(&folder)?;
            for file in 0..100 {
                fs::write(folder.join(format!("{file}.txt")), format!("{file}\n").repeat(200))?;
            }
        }
        fs::write(place.root().join(".gitignore"), ".claude/\n")?;
        place.run("git", &["init", "-q", "."])?;
        place.run("git", &["add", "."])?;
        let user = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];
        place.run("git", &[&user[..], &["commit", "-qm", "all"]].concat())?;
        for file in 0..50 {
            let text = format!("{file}\n").repeat(100) + "an edit\n" + &format!("{file}\n").repeat(99);
            fs::write(place.root().join(format!("src/1/{file}.txt")), text)?;
        }
        place.session(5 << 20)?;
        place.run("snap", &["save", "first"])?;
        place.id = place.copies(number)?;
        Ok(place)
    }

    /// Makes so many copies of the snapshot that was saved; returns the id of the one in the middle.
    fn copies(&self, number: usize) -> Result<String> {
        let store = self.root().join(".claude/snapshots");
        let mut manifest = Manifest::from_json(&fs::read(store.join("first.json"))?)?;
        let trust = Trust::new(&self.path().join(".local/state/snap"));
        let now = manifest.created_at.as_millis();
        let mut middle = String::new();
        for copy in 1..number {
            manifest.id = SnapshotId::random();
            manifest.name = format!("copy {copy} of the work on the parser");
            manifest.created_at = Timestamp::from_millis(now - i64::try_from(copy)? * 60_000);
            manifest.state = ObjectId::of(copy.to_string().as_bytes());
            manifest.message = Some(format!("what was done in step {copy} of the work on the parser"));
            manifest.proofs.mac = Some(trust.mark(manifest.body_hash()?)?);
            let name = format!("copy-{copy}.json");
            fs::write(store.join(&name), manifest.to_json()?)?;
            fs::hard_link(store.join(&name), store.join("objects/manifests").join(&name))?;
            if copy == number / 2 {
                middle = manifest.id.to_string();
            }
        }
        Ok(middle)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap_or_default()
    }

    fn root(&self) -> PathBuf {
        self.path().join("app")
    }

    fn edit(&self, number: usize) -> Result<()> {
        Ok(fs::write(self.root().join("src/0/0.txt"), format!("edit {number} at {:?}\n", Instant::now()))?)
    }

    fn transcript(&self) -> PathBuf {
        let slug = self.root().to_string_lossy().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        self.path().join("config/projects").join(slug).join(format!("{SESSION}.jsonl"))
    }

    fn session(&self, bytes: usize) -> Result<()> {
        fs::create_dir_all(self.transcript().parent().unwrap_or(Path::new("/")))?;
        let mut file = BufWriter::new(File::create(self.transcript())?);
        let (mut written, mut number) = (0, 0_u64);
        while written < bytes {
            let uuid = |number: u64| format!("{number:08x}-0000-4000-8000-000000000000");
            let text = format!("fn work_{number}() {{ /* src/{number}.rs */ }}\n").repeat(40);
            let record = json!({"parentUuid": number.checked_sub(1).map(uuid), "isSidechain": false, "type": "user",
                "uuid": uuid(number), "timestamp": "2026-11-21T01:19:35.028Z", "cwd": self.root(),
                "sessionId": SESSION, "version": "2.1.329", "message": {"role": "user", "content": text}});
            let line = format!("{record}\n");
            file.write_all(line.as_bytes())?;
            written += line.len();
            number += 1;
        }
        Ok(file.flush()?)
    }

    fn command(&self, program: &str) -> Command {
        let other = std::env::var_os("SNAP").map(PathBuf::from);
        let snap = other.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_snap")));
        let snap = snap.parent().unwrap_or(Path::new("/"));
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command.env_clear().env("PATH", format!("{}:{path}", snap.display()));
        command.env("HOME", self.path()).env("CLAUDE_CONFIG_DIR", self.path().join("config"));
        command.current_dir(self.root());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let output = self.command(program).args(arguments).output()?;
        if output.status.success() {
            Ok(())
        } else {
            Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
        }
    }

    /// Runs a command; returns how long it took in ms. In the last round, returns the peak of its memory in MiB instead.
    fn timed(&self, words: &[&str], input: &[u8], round: usize) -> Result<f64> {
        let file = self.path().join("peak");
        let mut command = if round == LAST {
            let mut command = self.command("/usr/bin/time");
            command.args(["-f", "%M", "-o"]).arg(&file).args(words);
            command
        } else {
            let mut command = self.command(words[0]);
            command.args(&words[1..]);
            command
        };
        let begun = Instant::now();
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = command.spawn()?;
        if let Some(mut stdin) = running.stdin.take() {
            let _closed = stdin.write_all(input);
        }
        running.wait()?;
        let ms = begun.elapsed().as_secs_f64() * 1_000.0;
        if round < LAST {
            return Ok(ms);
        }
        let kilobytes = fs::read_to_string(file)?;
        Ok(kilobytes.lines().last().unwrap_or_default().parse::<f64>()? / 1_024.0)
    }

    /// Runs the hook before a risky step as the client does.
    fn hook(&self, round: usize) -> Result<f64> {
        let input = json!({"session_id": SESSION, "transcript_path": self.transcript(), "cwd": self.root(),
            "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "rm -rf build"}});
        self.timed(&["/bin/sh", "-c", "snap hook PreToolUse"], input.to_string().as_bytes(), round)
    }

    /// Waits until nothing works behind the client's back any more.
    fn settle(&self) -> Result<()> {
        let ours = format!("HOME={}", self.path().display());
        let has = |file: PathBuf, word: &str| {
            let text = fs::read(file).unwrap_or_default();
            text.split(|byte| *byte == 0).any(|one| one == word.as_bytes())
        };
        let any = || -> Result<bool> {
            let all = fs::read_dir("/proc")?.flatten().map(|process| process.path());
            let mut later = all.filter(|process| has(process.join("cmdline"), "--later"));
            Ok(later.any(|process| has(process.join("environ"), &ours)))
        };
        while any()? {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        Ok(())
    }
}
