//! Many at once, and killed at any time: what was acknowledged is there, and nothing is left to be put right by hand.

use std::fs;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use rustix::process::Signal;

use crate::support::Must;
use crate::support::preload::{Trouble, troubled};
use crate::support::project::{Project, Ran};
use crate::support::trace::long;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Numbers that look random, the same at every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Which snapshots `verify` finds, all of them sound.
fn sound(project: &Project, when: &str) -> Vec<String> {
    let ran = project.snap(&["verify", "--json"]);
    assert_eq!(ran.code, 0, "{when}: {}{}", ran.stdout, ran.stderr);
    let all = ran.json()["snapshots"].as_array().must("a list").clone();
    all.iter().filter_map(|one| one["name"].as_str().map(str::to_owned)).collect()
}

/// Makes objects look old enough to be swept, while others may be removing them.
fn age(project: &Project) {
    let long_ago = SystemTime::now() - Duration::from_secs(3 * 86_400);
    let folders = fs::read_dir(project.stored("objects")).into_iter().flatten().flatten();
    for file in folders.flat_map(|folder| fs::read_dir(folder.path())).flatten().flatten() {
        if file.path().extension().is_some_and(|end| end == "zst") {
            let _gone = fs::File::open(file.path()).and_then(|open| open.set_modified(long_ago));
        }
    }
}

#[test]
fn killed_at_any_time_nothing_is_lost_and_the_next_command_puts_it_right() {
    // Until so many are killed; most rounds are long enough for it.
    let (rounds, enough) = if long() { (8_000, 2_000) } else { (100, 8) };
    let project = Project::new();
    let transcript = project.session(ID);
    crate::resume::edit(&project);
    project.snap(&["save", "first"]).exits(0);
    let mut acknowledged = vec!["first".to_owned()];
    let mut dice = Dice(7);
    let mut killed = 0;
    for round in 0..rounds {
        if killed == enough {
            break;
        }
        project.write("a.txt", format!("round {round}\n").repeat(300));
        project.write(format!("many/{}.txt", round % 9), format!("{round}\n"));
        project.append(&transcript, format!("{{\"type\":\"x\",\"n\":{round}}}\n").as_bytes());
        let name = format!("round {round}");
        let any = acknowledged[dice.below(acknowledged.len() as u64) as usize].clone();
        let command: &[&str] = match dice.below(6) {
            0 | 1 => &["save", &name],
            2 if any != "first" => &["rm", &any],
            2 | 3 => &["rewind", &any, "--no-run"],
            4 => &["undo"],
            _ => &["prune", "--keep-last", "10000"],
        };
        age(&project);
        let mut running = project.command(project.root(), command);
        let mut running = running.stdout(Stdio::null()).stderr(Stdio::null()).spawn().must("to start");
        thread::park_timeout(Duration::from_micros(dice.below(90_000)));
        let done = running.try_wait().must("its state");
        let _killed = running.kill();
        running.wait().must("its end");
        killed += usize::from(done.is_none());
        if command[0] == "rm" {
            acknowledged.retain(|name| *name != any);
        }
        if command[0] == "save" && done.is_some_and(|status| status.success()) {
            acknowledged.push(name.clone());
        }
        let when = format!("round {round}, {command:?}");
        let next = project.snap(&["prune", "--keep-last", "10000"]);
        assert_eq!(next.code, 0, "{when}: {}", next.stderr);
        let there = sound(&project, &when);
        let lost: Vec<_> = acknowledged.iter().filter(|name| !there.contains(name)).collect();
        assert!(lost.is_empty(), "{when}: {lost:?}");
        assert!(!project.path(".git/index.lock").exists(), "{when}: the index is locked");
        if acknowledged.len() > 40 {
            let arguments: Vec<&str> =
                ["rm"].into_iter().chain(acknowledged[1..30].iter().map(String::as_str)).collect();
            project.snap(&arguments).exits(0);
            acknowledged.drain(1..30);
        }
        // Safety snapshots are as many as restores; they are not what this is about.
        let safety: Vec<String> = there.into_iter().filter(|name| name.starts_with("safety-")).collect();
        if safety.len() > 20 {
            let arguments: Vec<&str> = ["rm"].into_iter().chain(safety.iter().map(String::as_str)).collect();
            project.snap(&arguments).exits(0);
        }
    }
    println!("{killed} killed");
    assert_eq!(killed, enough, "most were done before they were killed");
}

/// Runs commands of which some are stopped for a moment and go on, and some see the clock jump by months.
struct Disturbed<'a> {
    project: &'a Project,
    running: Mutex<Vec<OwnedFd>>,
    dice: Mutex<Dice>,
    stopped: AtomicUsize,
}

impl Disturbed<'_> {
    fn below(&self, limit: u64) -> u64 {
        self.dice.lock().must("dice").below(limit)
    }

    fn snap(&self, arguments: &[&str]) -> Ran {
        let mut command = self.project.command(self.project.root(), arguments);
        if self.below(2) == 0 {
            let months = i64::try_from(self.below(25)).must("a number") - 12;
            troubled(&mut command, Trouble::Clock(months * 30 * 86_400));
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.must("to start");
        let pid = rustix::process::Pid::from_child(&child);
        // A descriptor: a number would be another process's once this one has ended.
        if let Ok(handle) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
            self.running.lock().must("the list").push(handle);
        }
        let output = child.wait_with_output().must("its end");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Stops one of those that run, for a moment.
    fn stop_one(&self) {
        let running = std::mem::take(&mut *self.running.lock().must("the list"));
        let signal = |process: &OwnedFd, signal| rustix::process::pidfd_send_signal(process, signal).is_ok();
        let mut alive: Vec<OwnedFd> =
            running.into_iter().filter(|process| signal(process, Signal::CONT)).collect();
        if !alive.is_empty() {
            let chosen = &alive[usize::try_from(self.below(alive.len() as u64)).must("an index")];
            let stopped = signal(chosen, Signal::STOP);
            thread::park_timeout(Duration::from_millis(self.below(150)));
            let _goes_on = signal(chosen, Signal::CONT);
            self.stopped.fetch_add(usize::from(stopped), Ordering::Relaxed);
        }
        self.running.lock().must("the list").append(&mut alive);
        thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn many_savers_pruners_and_readers_at_once_lose_nothing_though_some_are_stopped_and_clocks_jump() {
    let (savers, each, keeps, pruners) = if long() { (8, 640, 10, 2) } else { (3, 5, 2, 1) };
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "much text of all\n".repeat(400));
    project.snap(&["save", "first"]).exits(0);
    let acknowledged = Mutex::new(vec!["first".to_owned()]);
    let (at_work, busy, saves) = (AtomicUsize::new(savers), AtomicUsize::new(0), AtomicUsize::new(0));
    let saving = AtomicBool::new(true);
    let disturbed = Disturbed {
        project: &project,
        running: Mutex::default(),
        dice: Mutex::new(Dice(5)),
        stopped: AtomicUsize::new(0),
    };
    thread::scope(|scope| {
        for saver in 0..savers {
            let (project, disturbed, acknowledged) = (&project, &disturbed, &acknowledged);
            let (at_work, saving, busy, saves) = (&at_work, &saving, &busy, &saves);
            scope.spawn(move || {
                for number in 0..each {
                    project.write(format!("of {saver}.txt"), format!("{}\n", number / 2).repeat(900));
                    let name = format!("{saver}-{number}");
                    let ran = disturbed.snap(&["save", &name]);
                    match ran.code {
                        0 => acknowledged.lock().must("the list").push(name.clone()),
                        7 if ran.stderr.contains("another snap has held it") => {
                            busy.fetch_add(1, Ordering::Relaxed);
                            continue;
                        }
                        _ => panic_in_scope(saving, &format!("{name}: {}", ran.stderr)),
                    }
                    saves.fetch_add(1, Ordering::Relaxed);
                    // Most of their own are removed again, so that there is something to sweep.
                    if number % keeps != 0 {
                        acknowledged.lock().must("the list").retain(|one| *one != name);
                        let ran = disturbed.snap(&["rm", &name]);
                        if ![0, 7].contains(&ran.code) {
                            panic_in_scope(saving, &format!("rm {name}: {}", ran.stderr));
                        }
                    }
                }
                if at_work.fetch_sub(1, Ordering::Relaxed) == 1 {
                    saving.store(false, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            while saving.load(Ordering::Relaxed) {
                disturbed.stop_one();
            }
        });
        let prune = &["prune", "--keep-last", "100000"][..];
        let readers = [&["list", "--json"][..], &["verify"], &["show", "first"]];
        for other in readers.into_iter().chain(std::iter::repeat_n(prune, pruners)) {
            let (project, disturbed, saving, busy) = (&project, &disturbed, &saving, &busy);
            scope.spawn(move || {
                while saving.load(Ordering::Relaxed) {
                    if other[0] == "prune" {
                        age(project);
                    }
                    let ran = disturbed.snap(other);
                    match ran.code {
                        0 => {}
                        7 if other[0] == "prune" && ran.stderr.contains("another snap has held it") => {
                            busy.fetch_add(1, Ordering::Relaxed);
                        }
                        code => panic_in_scope(
                            saving,
                            &format!("{other:?}: exit {code}: {}{}", ran.stdout, ran.stderr),
                        ),
                    }
                }
            });
        }
    });
    let there = sound(&project, "after all");
    let acknowledged = acknowledged.into_inner().must("the list");
    let lost: Vec<_> = acknowledged.iter().filter(|name| !there.contains(name)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    println!(
        "{} saves, {} kept, {} times busy, {} times stopped",
        saves.into_inner(),
        acknowledged.len(),
        busy.into_inner(),
        disturbed.stopped.into_inner()
    );
}

/// Ends the others too, so that the failure is seen at once.
fn panic_in_scope(saving: &AtomicBool, what: &str) -> ! {
    saving.store(false, Ordering::Relaxed);
    panic!("{what}");
}

#[test]
fn of_two_rewinds_at_once_one_waits_for_the_other() {
    let project = Project::new();
    for number in 0..60 {
        project.write(format!("many/{number}"), "committed\n");
    }
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "many"]);
    let mut states = Vec::new();
    for name in ["one", "two"] {
        for number in 0..60 {
            project.write(format!("many/{number}"), format!("edited for {name}\n"));
        }
        project.write(name, "new\n");
        project.snap(&["save", name]).exits(0);
        states.push(project.content_state());
    }
    for round in 0..6 {
        project.write(format!("many/{round}"), "edited since\n");
        project.write(format!("since-{round}"), "since\n");
        let (one, two) = thread::scope(|scope| {
            let other = scope.spawn(|| project.snap(&["rewind", "two"]));
            (project.snap(&["rewind", "one"]), other.join().must("no panic"))
        });
        assert_eq!((one.code, two.code), (0, 0), "round {round}: {}{}", one.stderr, two.stderr);
        assert!(states.contains(&project.content_state()), "round {round}: neither of the two");
    }
    sound(&project, "at the end");
}
