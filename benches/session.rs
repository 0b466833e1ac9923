//! What saving and resuming a large session costs, in time and memory: `cargo bench --bench session`.
//!
//! Makes the sessions by itself: 100 MB with 400 sub-agents, and one with a line of 64 MB. Runs the program under
//! `/usr/bin/time` (GNU) and prints the least of three runs. Sizes can be given: `-- 100 400`.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

const SESSION: &str = "c137e379-838e-4509-8148-16b407691758";

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let numbers: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let (megabytes, agents) =
        (numbers.first().copied().unwrap_or(100), numbers.get(1).copied().unwrap_or(400));
    println!("{:44} {:>8} {:>10}", "", "s", "MiB");
    let place = Place::new()?;
    place.session(megabytes << 20, agents)?;
    measure(&place, &format!("{megabytes} MB, {agents} agents"))?;
    let place = Place::new()?;
    place.one_line(64 << 20)?;
    measure(&place, "a line of 64 MB")
}

fn measure(place: &Place, what: &str) -> Result<()> {
    place.run(&format!("save: {what}"), &["save", "--history", "full"], 1)?;
    place.run("  again, nothing new", &["save", "--history", "full"], 3)?;
    place.append(10 << 10)?;
    place.run("  again, with 10 KB more", &["save", "x", "--history", "full"], 1)?;
    place.run("  resume as a new session in place", &["resume", "x", "--json"], 3)?;
    place.run("  resume elsewhere", &["resume", "x", "--json", "--into"], 3)
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Result<Place> {
        let place = Place { folder: tempfile::tempdir()? };
        fs::create_dir_all(place.root())?;
        fs::create_dir_all(place.project())?;
        Ok(place)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap_or_default()
    }

    fn root(&self) -> PathBuf {
        self.path().join("app")
    }

    fn project(&self) -> PathBuf {
        let slug = self.root().to_string_lossy().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        self.path().join(".claude/projects").join(slug)
    }

    fn session(&self, bytes: u64, agents: u64) -> Result<()> {
        let transcript = self.project().join(format!("{SESSION}.jsonl"));
        write_records(&transcript, &self.root(), bytes, "")?;
        let folder = self.project().join(SESSION).join("subagents");
        fs::create_dir_all(&folder)?;
        for agent in 0..agents {
            let id = format!("a{agent:016x}");
            write_records(&folder.join(format!("agent-{id}.jsonl")), &self.root(), 100 << 10, &id)?;
            let meta = json!({"agentType": "Explore", "description": "look around", "finished": true});
            fs::write(folder.join(format!("agent-{id}.meta.json")), meta.to_string())?;
        }
        Ok(())
    }

    fn one_line(&self, bytes: usize) -> Result<()> {
        let transcript = self.project().join(format!("{SESSION}.jsonl"));
        write_records(&transcript, &self.root(), 64 << 10, "")?;
        let mut file = fs::OpenOptions::new().append(true).open(transcript)?;
        let path = format!("{}/src/main.rs ", self.root().display());
        let long = path.repeat(bytes / path.len());
        let record = record(&self.root(), "user", 1 << 40, "", json!([{"type": "text", "text": long}]));
        writeln!(file, "{record}")?;
        Ok(())
    }

    fn append(&self, bytes: u64) -> Result<()> {
        let more = self.path().join("more");
        write_records(&more, &self.root(), bytes, "m")?;
        let mut file =
            fs::OpenOptions::new().append(true).open(self.project().join(format!("{SESSION}.jsonl")))?;
        file.write_all(&fs::read(more)?)?;
        Ok(())
    }

    /// Runs the program some times and prints the least time and the most memory.
    fn run(&self, what: &str, arguments: &[&str], times: usize) -> Result<()> {
        let (mut least, mut most) = (f64::MAX, 0.0_f64);
        for number in 0..times {
            let mut command = Command::new("/usr/bin/time");
            command.args(["-f", "%e %M", env!("CARGO_BIN_EXE_snap")]).args(arguments);
            if arguments.last() == Some(&"--into") {
                let there = self.path().join(format!("there-{number}"));
                fs::create_dir_all(&there)?;
                command.arg(there);
            }
            command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
            command.env("HOME", self.path()).env("CLAUDE_CONFIG_DIR", self.path().join(".claude"));
            let output = command.current_dir(self.root()).output()?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if !output.status.success() {
                return Err(said.into());
            }
            let figures = said.lines().last().unwrap_or_default();
            let figures: Vec<f64> = figures.split(' ').filter_map(|figure| figure.parse().ok()).collect();
            least = least.min(figures.first().copied().unwrap_or_default());
            most = most.max(figures.get(1).copied().unwrap_or_default() / 1024.0);
        }
        println!("{what:44} {least:>8.2} {most:>10.0}");
        Ok(())
    }
}

fn write_records(path: &Path, root: &Path, bytes: u64, agent: &str) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let (mut written, mut number) = (0, 0);
    while written < bytes {
        let id = format!("toolu_{agent}{number}");
        let file_path = format!("{}/src/module_{}.rs", root.display(), number % 97);
        let content = match number % 2 {
            0 => json!([{"type": "tool_use", "id": id, "name": "Read", "input": {"file_path": file_path}}]),
            _ => json!([{"type": "tool_result", "tool_use_id": format!("toolu_{agent}{}", number - 1),
                "content": format!("fn work_{number}() {{ /* {file_path} */ }}\n").repeat(number % 61)}]),
        };
        let kind = if number % 2 == 0 { "assistant" } else { "user" };
        let line = format!("{}\n", record(root, kind, number as u64, agent, content));
        file.write_all(line.as_bytes())?;
        written += line.len() as u64;
        number += 1;
    }
    Ok(file.flush()?)
}

fn record(root: &Path, kind: &str, number: u64, agent: &str, content: Value) -> Value {
    let uuid = |number: u64| format!("{number:08x}-0000-4000-8000-{:0>12}", agent);
    let parent = number.checked_sub(1).map(uuid);
    json!({"parentUuid": parent, "isSidechain": !agent.is_empty(), "type": kind, "uuid": uuid(number),
        "timestamp": "2026-11-21T01:19:35.028Z", "cwd": root, "sessionId": SESSION, "version": "2.1.329",
        "message": {"id": uuid(number), "role": kind, "model": "claude-test-1", "content": content}})
}
