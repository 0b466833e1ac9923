//! Many at once, and killed at any time: what was acknowledged is there, and nothing is left to be put right by hand.

use std::fs;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::support::Must;
use crate::support::project::Project;
use crate::support::trace::long;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Numbers that look random, the same at every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
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
    let rounds = if long() { 500 } else { 14 };
    let project = Project::new();
    let transcript = project.session(ID);
    crate::resume::edit(&project);
    project.snap(&["save", "first"]).exits(0);
    let mut acknowledged = vec!["first".to_owned()];
    let mut dice = Dice(7);
    let mut killed = 0;
    for round in 0..rounds {
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
    println!("{rounds} rounds, {killed} killed");
    assert!(killed > 0, "every command was done before it was killed");
}

#[test]
fn many_savers_pruners_and_readers_at_once_lose_nothing() {
    let (savers, each) = if long() { (8, 60) } else { (3, 5) };
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "much text of all\n".repeat(400));
    project.snap(&["save", "first"]).exits(0);
    let acknowledged = Mutex::new(vec!["first".to_owned()]);
    let (at_work, busy) = (AtomicUsize::new(savers), AtomicUsize::new(0));
    let saving = AtomicBool::new(true);
    thread::scope(|scope| {
        for saver in 0..savers {
            let (project, acknowledged, at_work, saving, busy) =
                (&project, &acknowledged, &at_work, &saving, &busy);
            scope.spawn(move || {
                for number in 0..each {
                    project.write(format!("of {saver}.txt"), format!("{}\n", number / 2).repeat(900));
                    let name = format!("{saver}-{number}");
                    let ran = project.snap(&["save", &name]);
                    match ran.code {
                        0 => acknowledged.lock().must("the list").push(name.clone()),
                        7 if ran.stderr.contains("another snap has held it") => {
                            busy.fetch_add(1, Ordering::Relaxed);
                            continue;
                        }
                        _ => panic_in_scope(saving, &format!("{name}: {}", ran.stderr)),
                    }
                    // Some of their own are removed again, so that there is something to sweep.
                    if number % 2 == 1 {
                        acknowledged.lock().must("the list").retain(|one| *one != name);
                        let ran = project.snap(&["rm", &name]);
                        assert!([0, 7].contains(&ran.code), "rm {name}: {}", ran.stderr);
                    }
                }
                if at_work.fetch_sub(1, Ordering::Relaxed) == 1 {
                    saving.store(false, Ordering::Relaxed);
                }
            });
        }
        for other in
            [&["prune", "--keep-last", "100000"][..], &["list", "--json"], &["verify"], &["show", "first"]]
        {
            let (project, saving, busy) = (&project, &saving, &busy);
            scope.spawn(move || {
                while saving.load(Ordering::Relaxed) {
                    if other[0] == "prune" {
                        age(project);
                    }
                    let ran = project.snap(other);
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
    println!("{} saves, {} kept, {} busy", savers * each, acknowledged.len(), busy.into_inner());
}

/// Ends the others too, so that the failure is seen at once.
fn panic_in_scope(saving: &AtomicBool, what: &str) -> ! {
    saving.store(false, Ordering::Relaxed);
    panic!("{what}");
}
