//! What the hooks add to a step of the agent, next to a hook that does nothing: `cargo bench --bench hooks`.
//!
//! A repository of 5,000 files and a session of 20 MB, made here. Every hook is run as the client runs it, through a
//! shell, in turns with `true`. Printed are the median and the 95th percentile in ms, what is added at the 95th, and how
//! many times as long as `true` it takes in the median. What a hook does behind the client's back is waited for before
//! the next round, and not counted.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::json;

const SESSION: &str = "c137e379-838e-4509-8148-16b407691758";
const ROUNDS: usize = 60;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let place = Place::new()?;
    place.run("snap", &["save", "before"])?;
    println!("{:52} {:>8} {:>8} {:>8} {:>8}", "ms", "median", "p95", "added", "times");
    let steps: [(&str, &str, &str, bool); 7] = [
        ("a question for permission", "PermissionRequest", "ls -la src", false),
        ("the end of a turn", "Stop", "", false),
        ("the end of an agent", "SubagentStop", "", false),
        ("a prompt that is none of ours", "UserPromptSubmit", "", false),
        ("a harmless command", "PreToolUse", "ls -la src", false),
        ("a risky command, nothing new to save", "PreToolUse", "rm -rf build", false),
        ("a risky command, an edit to save first", "PreToolUse", "rm -rf build", true),
    ];
    for (what, event, command, edits) in steps {
        let (mut nothing, mut hook) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            if edits {
                fs::write(place.root().join("src/0/0.txt"), format!("edit {round}\n"))?;
            }
            // As the client does before it calls the hook.
            place.say(round)?;
            nothing.push(place.hook("true", event, command)?);
            hook.push(place.hook(&format!("snap hook {event}"), event, command)?);
            place.settle()?;
        }
        let added = at(&mut hook, 95) - at(&mut nothing, 95);
        let times = at(&mut hook, 50) / at(&mut nothing, 50);
        println!("{what:52} {:>8.1} {:>8.1} {added:>8.1} {times:>8.1}", at(&mut hook, 50), at(&mut hook, 95));
        if event == "UserPromptSubmit" {
            println!("{:52} {:>8.1} {:>8.1}", "  `true`", at(&mut nothing, 50), at(&mut nothing, 95));
        }
    }
    Ok(())
}

/// The value that so many of a hundred are at most.
fn at(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() * percent / 100).copied().unwrap_or_default()
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Result<Place> {
        let place = Place { folder: tempfile::tempdir()? };
        for folder in 0..50 {
            let folder = place.root().join("src").join(folder.to_string());
            fs::create_dir_all(&folder)?;
            for file in 0..100 {
                fs::write(folder.join(format!("{file}.txt")), format!("{}\n", file).repeat(200))?;
            }
        }
        fs::write(place.root().join(".gitignore"), ".claude/\n")?;
        place.run("git", &["init", "-q", "."])?;
        place.run("git", &["add", "."])?;
        place.run(
            "git",
            &["-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "-qm", "all"],
        )?;
        // As any repository where somebody looked at the status since: else git reads all files again each time,
        // because they are as young as the index.
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        for file in 0..50 {
            let touched =
                File::options().append(true).open(place.root().join(format!("src/{file}/0.txt")))?;
            touched.set_modified(std::time::SystemTime::now())?;
        }
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        place.run("git", &["status", "--short"])?;
        fs::write(place.root().join("src/1/1.txt"), "an edit\n")?;
        place.session(20 << 20)?;
        Ok(place)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap_or_default()
    }

    fn root(&self) -> PathBuf {
        self.path().join("app")
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

    /// Adds a record to the conversation.
    fn say(&self, number: usize) -> Result<()> {
        let record = json!({"isSidechain": false, "type": "user", "uuid": format!("{number:08x}-0000-4000-9000-000000000000"),
            "sessionId": SESSION, "message": {"role": "user", "content": format!("step {number}")}});
        let mut file = File::options().append(true).open(self.transcript())?;
        Ok(writeln!(file, "{record}")?)
    }

    fn command(&self, program: &str) -> Command {
        let snap = Path::new(env!("CARGO_BIN_EXE_snap")).parent().unwrap_or(Path::new("/"));
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
            Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
        }
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

    /// Runs a hook's command line as the client does; returns how long it took in ms.
    fn hook(&self, line: &str, event: &str, command: &str) -> Result<f64> {
        let input = json!({"session_id": SESSION, "transcript_path": self.transcript(), "cwd": self.root(),
            "hook_event_name": event, "prompt": "hello", "tool_name": "Bash", "tool_input": {"command": command}});
        let begun = Instant::now();
        let mut shell = self.command("/bin/sh");
        let mut running = shell.args(["-c", line]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        if let Some(mut stdin) = running.stdin.take() {
            // `true` does not read it.
            let _closed = stdin.write_all(input.to_string().as_bytes());
        }
        running.wait()?;
        Ok(begun.elapsed().as_secs_f64() * 1_000.0)
    }
}
