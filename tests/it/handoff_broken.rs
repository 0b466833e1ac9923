//! Hand-offs that are cut off: killed at any time, remotes that go away in the middle, are full, or refuse.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use crate::failures::noise;
use crate::handoff_remote::{colleague, refs, utf8, with_remote};
use crate::support::disk::{SmallDisk, fill};
use crate::support::project::{Project, Ran, git_in, ran};
use crate::support::trace::long;
use crate::support::{Must, eventually};
use crate::together::Dice;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Saves a state of its own under this name.
fn save(project: &Project, name: &str, seed: u64) {
    project.write("a.txt", noise(seed, 20_000));
    project.snap(&["save", name]).exits(0);
}

/// Runs `snap` and kills it after this time: it alone, or with all that it started. Returns whether it was done before.
fn killed(mut command: Command, after: Duration, with_children: bool) -> bool {
    let mut running =
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().must("to start");
    thread::park_timeout(after);
    let done = running.try_wait().must("its state").is_some();
    if !done {
        let group = Pid::from_raw(i32::try_from(running.id()).must("an id")).must("a process");
        if with_children {
            let _gone = kill_process_group(group, Signal::KILL);
        }
        let _gone = running.kill();
    }
    running.wait().must("its end");
    done
}

/// How long a command takes that is let go on.
fn time_of(command: &mut Command) -> Duration {
    let begun = Instant::now();
    ran(command).exits(0);
    begun.elapsed()
}

fn names(project: &Project) -> Vec<String> {
    let listed = project.snap(&["list", "--json"]).exits(0).json();
    let name = |one: &Value| one["name"].as_str().must("a name").to_owned();
    listed.as_array().must("a list").iter().map(name).collect()
}

fn is_sound(project: &Project, remote: &Path) -> bool {
    let mut fsck = Command::new("git");
    fsck.args(["fsck", "--strict", "--no-dangling"]).current_dir(remote).env_clear();
    fsck.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", project.home.path());
    let ran = ran(&mut fsck);
    if ran.code != 0 {
        println!("{}{}", ran.stdout, ran.stderr);
    }
    ran.code == 0
}

#[test]
fn a_push_killed_at_any_time_leaves_the_remote_sound_and_the_next_one_gets_through() {
    let rounds = if long() { 60 } else { 6 };
    let (project, remote) = with_remote();
    project.session(ID);
    save(&project, "first", 1_000);
    let whole = time_of(&mut project.command(project.root(), &["push"]));
    let before = project.git(&["for-each-ref", "refs/heads", "refs/tags", "refs/remotes"]);
    let (mut dice, mut cut) = (Dice(11), 0);
    for round in 0..rounds {
        let name = format!("round {round}");
        save(&project, &name, round);
        let after = whole.mul_f64(dice.below(1_000) as f64 / 1_000.0);
        let push = project.command(project.root(), &["push"]);
        cut += usize::from(!killed(push, after, round % 2 == 0));
        // Killed alone, snap leaves a git that goes on: while that works, fsck can find a ref before its objects.
        eventually(&format!("a sound remote after {name}"), || is_sound(&project, &remote));
        project.snap(&["verify"]).exits(0);
        project.snap(&["push"]).exits(0);
        assert_eq!(refs(&project, &remote).len() as u64, round + 2, "after {name}");
    }
    println!("{rounds} rounds, {cut} pushes killed, a whole one takes {whole:?}");
    assert!(cut > 0, "every push was done before it was killed");
    assert_eq!(project.git(&["for-each-ref", "refs/heads", "refs/tags", "refs/remotes"]), before);
    let clone = colleague(&project, &remote);
    clone.snap(&["pull"]).exits(0);
    assert_eq!(names(&clone).len() as u64, rounds + 1);
    clone.snap(&["verify"]).exits(0);
}

#[test]
fn a_pull_killed_at_any_time_leaves_whole_snapshots_only_and_the_next_one_brings_the_rest() {
    let rounds = if long() { 60 } else { 6 };
    let (project, remote) = with_remote();
    project.session(ID);
    for number in 0..4 {
        save(&project, &format!("of a few {number}"), number);
    }
    let all = names(&project);
    let mut push = vec!["push", "origin"];
    push.extend(all.iter().map(String::as_str));
    project.snap(&push).exits(0);
    let clone = colleague(&project, &remote);
    let whole = time_of(&mut clone.command(clone.root(), &["pull"]));
    let (mut dice, mut cut) = (Dice(12), 0);
    for round in 0..rounds {
        fs::remove_dir_all(clone.stored("")).must("to begin again");
        let after = whole.mul_f64(dice.below(1_000) as f64 / 1_000.0);
        let pull = clone.command(clone.root(), &["pull"]);
        cut += usize::from(!killed(pull, after, round % 2 == 0));
        let there = names(&clone);
        clone.snap(&["verify"]).exits(0);
        let kept = clone.git(&["for-each-ref", "--format=%(refname)", "refs/snap"]).lines().count();
        assert!(kept >= there.len(), "{there:?}: the base commit of each is kept");
        clone.snap(&["pull"]).exits(0);
        assert_eq!(names(&clone), all);
    }
    println!("{rounds} rounds, {cut} pulls killed, a whole one takes {whole:?}");
    assert!(cut > 0, "every pull was done before it was killed");
    clone.snap(&["resume", "latest", "--offline"]).exits(0);
    assert_eq!(clone.state(), project.state());
}

/// Puts a program in the place of what serves the remote.
fn served_by(project: &Project, key: &str, script: &str) {
    let program = project.home.path().join(key);
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).must("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).must("a mode");
    project.users_setting(&format!("remote.origin.{key}"), utf8(&program));
}

fn hurried(project: &Project, arguments: &[&str]) -> Ran {
    ran(project.command(project.root(), arguments).env("SNAP_RETRY_MILLISECONDS", "1"))
}

#[test]
fn a_remote_that_vanishes_in_the_middle_of_a_transfer_costs_nothing_but_the_transfer() {
    let (project, remote) = with_remote();
    save(&project, "x", 1);
    let objects = || git_in(&project.home, &remote, &["count-objects"]);
    let before = objects();
    for bytes in [300, 10_000, 100_000] {
        served_by(&project, "receivepack", &format!("head -c {bytes} | git receive-pack \"$1\""));
        hurried(&project, &["push"]).exits(7).says(&["origin", "(4 of 4)", "run the command again"]);
        assert_eq!((refs(&project, &remote).len(), objects()), (0, before.clone()), "after {bytes} bytes");
    }
    project.no_users_setting("remote.origin.receivepack");
    project.snap(&["push"]).exits(0);
    let clone = colleague(&project, &remote);
    for bytes in [1_500, 10_000, 100_000] {
        // Byte by byte, and with nobody else who holds the output open: what came is seen, and then the end.
        let cut = format!("git upload-pack \"$1\" <&3 | dd bs=1 count={bytes} 2>/dev/null &");
        served_by(&clone, "uploadpack", &format!("exec 3<&0\n{cut}\nexec >&- 3<&-\nwait"));
        hurried(&clone, &["pull"]).exits(7).says(&["Cannot fetch from origin", "(4 of 4)"]);
        assert!(names(&clone).is_empty() && clone.objects().is_empty(), "after {bytes} bytes");
    }
    clone.no_users_setting("remote.origin.uploadpack");
    clone.snap(&["pull"]).exits(0);
    clone.snap(&["verify"]).exits(0);
}

#[test]
fn a_full_remote_says_so_and_takes_the_snapshot_when_there_is_room() {
    let (project, _) = with_remote();
    let remote = project.home.path().join("small.git");
    let Some(_disk) = SmallDisk::on(&remote, 400, "a remote whose disk is full") else { return };
    project.git(&["init", "-q", "--bare", utf8(&remote)]);
    project.git(&["remote", "add", "small", utf8(&remote)]);
    save(&project, "x", 1);
    let filler = fill(&remote);
    hurried(&project, &["push", "small"]).exits(7).says(&["small", "No space left on device", "it is full"]);
    assert!(refs(&project, &remote).is_empty());
    git_in(&project.home, &remote, &["fsck", "--strict"]);
    // Room for the beginning of it, not for all.
    fs::remove_file(&filler).must("to make room");
    fs::write(&filler, vec![b'x'; 150 << 10]).must("a smaller file");
    hurried(&project, &["push", "small"]).exits(7);
    assert!(refs(&project, &remote).is_empty());
    fs::remove_file(&filler).must("to make room");
    project.snap(&["push", "small"]).exits(0);
    git_in(&project.home, &remote, &["fsck", "--strict"]);
    let clone = colleague(&project, &remote);
    clone.snap(&["pull", utf8(&remote)]).exits(0).says(&["Added \"x"]);
}

#[test]
fn a_full_disk_here_costs_the_pull_only() {
    let (project, remote) = with_remote();
    save(&project, "x", 1);
    project.snap(&["push"]).exits(0);
    let clone = colleague(&project, &remote);
    let Some(_disk) = SmallDisk::on(&clone.stored(""), 900, "a pull into a store that is full") else {
        return;
    };
    clone.snap(&["save", "mine"]).exits(0);
    let filler = fill(&clone.stored("tmp"));
    hurried(&clone, &["pull"]).exits(7);
    fs::remove_file(&filler).must("to make room");
    assert_eq!(names(&clone), ["mine"]);
    clone.snap(&["verify"]).exits(0);
    clone.snap(&["pull"]).exits(0).says(&["Added \"x"]);
}

#[test]
fn a_remote_that_refuses_is_quoted_safely() {
    let (project, remote) = with_remote();
    save(&project, "x", 1);
    let hook = remote.join("hooks/pre-receive");
    fs::create_dir_all(remote.join("hooks")).must("a folder");
    let words =
        r"no \033[31msnapshots\033[0m here \033]0;owned\007, ask https://ada:word@host/ \342\200\256gnp";
    fs::write(&hook, format!("#!/bin/sh\nprintf '{words}\\n' >&2\nexit 1\n")).must("a hook");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).must("a mode");
    let ran = hurried(&project, &["push"]).exits(7).says(&[
        "origin did not accept \"x\"",
        "snapshots",
        "here",
        "pre-receive",
    ]);
    assert!(!ran.stderr.contains(['\x1b', '\x07', '\u{202e}']), "{:?}", ran.stderr);
    assert!(!ran.stderr.contains("word@"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("of 4"), "a remote that has spoken is not asked again: {}", ran.stderr);
    let answer = hurried(&project, &["push", "--json"]).exits(7).json();
    assert!(answer["snapshots"][0]["reason"].as_str().must("a reason").contains("snapshots"), "{answer}");
    assert!(refs(&project, &remote).is_empty());
    fs::remove_file(Path::new(&hook)).must("to remove the hook");
    project.snap(&["push"]).exits(0);
}
