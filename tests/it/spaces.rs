//! Spaces: each session of a clone as a head on the remote, and everything that can come between.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::handoff_remote::{colleague, utf8, with_remote};
use crate::hooks::hook_with;
use crate::support::project::{Project, Ran, files_below, git_in, ran};
use crate::support::{Must, eventually};

pub(crate) const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// A project that shares its sessions through a bare remote, which leaves out what is not asked for.
pub(crate) fn shared() -> (Project, PathBuf, PathBuf) {
    let (project, remote) = with_remote();
    let transcript = project.session(ID);
    no_pause(&project);
    // What `init` writes is no edit of anybody's.
    fs::write(project.path(".git/info/exclude"), ".claude/\n").must("a rule");
    project.snap(&["init", "--local", "--sync"]).exits(0);
    (project, remote, transcript)
}

/// Has a user's pushes follow each other at once.
pub(crate) fn no_pause(project: &Project) {
    let folder = project.home.path().join(".config/snap");
    fs::create_dir_all(&folder).must("a folder");
    fs::write(folder.join("snap.toml"), "[sync]\npause = \"0s\"\n").must("settings");
}

/// Calls a hook of this session as the client does.
pub(crate) fn turn(project: &Project, transcript: &Path, event: &str) -> Ran {
    let input = json!({
        "session_id": ID, "transcript_path": transcript, "cwd": project.root(), "hook_event_name": event,
        "prompt": "go on",
    });
    hook_with(project.command(project.root(), &["hook", event]), input.to_string().as_bytes())
}

/// Says something in a session.
pub(crate) fn say(project: &Project, transcript: &Path, number: u32, text: &str) {
    // As the client does: whoever reads it meanwhile sees all that was there.
    let mut file = fs::File::options().append(true).open(transcript).must("a transcript");
    file.write_all(spoken(project, number, text).as_bytes()).must("to write");
}

/// A line of a transcript with what a person said.
fn spoken(project: &Project, number: u32, text: &str) -> String {
    let record = json!({
        "type": "user", "uuid": format!("n{number}"), "parentUuid": "u2", "cwd": project.root(), "sessionId": ID,
        "version": "2.1.329", "timestamp": "2026-11-21T01:20:35.028Z", "message": {"role": "user", "content": text},
    });
    format!("{record}\n")
}

/// The refs of a bare remote below a prefix, with what they point to.
pub(crate) fn refs(project: &Project, remote: &Path, prefix: &str) -> Vec<(String, String)> {
    let format = "--format=%(refname) %(objectname)";
    let listed = git_in(&project.home, remote, &["for-each-ref", format, prefix]);
    let pair = |line: &str| line.split_once(' ').map(|(name, oid)| (name.to_owned(), oid.to_owned()));
    listed.lines().filter_map(pair).collect()
}

pub(crate) fn heads(project: &Project, remote: &Path) -> Vec<(String, String)> {
    refs(project, remote, "refs/snapshots-live")
}

pub(crate) fn message(project: &Project, remote: &Path, oid: &str) -> String {
    git_in(&project.home, remote, &["log", "-1", "--format=%B", oid])
}

/// The lines of all chains on a remote, each chain's oldest first.
pub(crate) fn lines(project: &Project, remote: &Path) -> Vec<Value> {
    let mut all = Vec::new();
    for (name, _) in refs(project, remote, "refs/snapshots-audit") {
        for commit in git_in(&project.home, remote, &["rev-list", "--reverse", &name]).lines() {
            let text = git_in(&project.home, remote, &["show", &format!("{commit}:lines.jsonl")]);
            all.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).must("a line")));
        }
    }
    all
}

fn operations(project: &Project, remote: &Path) -> Vec<String> {
    let all = lines(project, remote);
    all.iter().map(|line| line["operation"].as_str().must("a word").to_owned()).collect()
}

pub(crate) fn status(project: &Project) -> Value {
    project.snap(&["sync", "--json"]).exits(0).json()
}

/// Waits until the head says this state of a session.
#[track_caller]
pub(crate) fn eventually_is(project: &Project, remote: &Path, state: &str) {
    let wanted = format!("State: {state}");
    eventually(&wanted, || {
        heads(project, remote).iter().any(|(_, oid)| message(project, remote, oid).contains(&wanted))
    });
}

/// A hook of a bare remote.
pub(crate) fn remote_hook(remote: &Path, name: &str, text: &str) {
    let hook = remote.join("hooks").join(name);
    fs::create_dir_all(remote.join("hooks")).must("a folder");
    fs::write(&hook, format!("#!/bin/sh\n{text}\n")).must("a hook");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).must("a mode");
}

#[test]
fn nothing_is_shared_of_a_project_whose_person_did_not_say_so() {
    let (project, remote) = with_remote();
    let transcript = project.session(ID);
    project.snap(&["init", "--local"]).exits(0);
    for event in ["UserPromptSubmit", "PermissionRequest", "Stop", "SessionEnd"] {
        turn(&project, &transcript, event).exits(0);
    }
    project.snap(&["sync"]).exits(3).says(&["Nothing of this project is shared", "snap init --sync"]);
    project.snap(&["sync", "--now"]).exits(3);
    let alone = Project::new();
    alone.snap(&["sync"]).exits(3).says(&["`git remote add origin ADDRESS`", "then `snap init --sync`"]);
    assert_eq!(heads(&project, &remote), []);
    assert!(!project.home.path().join(".local/state/snap/sync").exists());
    // Nor by what stands in the project, which may be anybody's.
    project.write(".claude/snapshots/sync/joined.json", "{}");
    turn(&project, &transcript, "Stop").exits(0);
    assert_eq!(heads(&project, &remote), []);
}

#[test]
fn each_event_of_a_session_is_seen_on_the_remote_and_its_log_has_each_step_once() {
    let (project, remote, transcript) = shared();
    let told = project.snap(&["init", "--local", "--sync", "--dry-run"]).exits(0);
    told.says(&["Everybody who may read origin can read", "can't be taken back", utf8(&remote)]);
    for (event, state) in [
        ("UserPromptSubmit", "busy"),
        ("PermissionRequest", "waiting"),
        ("Stop", "idle"),
        ("UserPromptSubmit", "busy"),
        ("Stop", "idle"),
        ("SessionEnd", "closed"),
    ] {
        let said = turn(&project, &transcript, event).exits(0);
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""), "{event}");
        eventually_is(&project, &remote, state);
    }
    let all = heads(&project, &remote);
    assert_eq!(all.len(), 1, "one head, which moves: {all:?}");
    let (name, oid) = &all[0];
    assert!(name.starts_with("refs/snapshots-live/ada@") && name.ends_with(ID), "{name}");
    let said = message(&project, &remote, oid);
    assert!(
        said.contains("Turn: 2\n")
            && said.contains("Title: the parser")
            && said.contains("Prompt: write a parser"),
        "{said}"
    );
    assert_eq!(git_in(&project.home, &remote, &["rev-list", "--count", oid]).trim(), "1", "no history");
    let files = git_in(&project.home, &remote, &["ls-tree", "-r", "--name-only", oid]);
    assert!(files.starts_with("manifest.json\nobjects/"), "{files}");
    // A checkpoint at the end of the session is a step too.
    let steps = || -> Vec<String> {
        operations(&project, &remote).into_iter().filter(|step| step != "save").collect()
    };
    eventually("the end of the log", || steps() == ["open", "end"]);
    eventually("that nothing waits", || status(&project)["waiting"] == json!(0));
    let shown = status(&project);
    assert_eq!((&shown["failures"], &shown["sessions"][0]["turn"]), (&json!(0), &json!(2)));
    project.snap(&["sync", "--now"]).exits(0);
    project.snap(&["sync", "--now"]).exits(0).says(&["nothing new for origin"]);
    assert_eq!(heads(&project, &remote), all, "what has not changed is not pushed again");
    git_in(&project.home, &remote, &["fsck", "--strict"]);
}

#[test]
fn a_turn_sends_only_what_is_new() {
    let (project, remote, transcript) = shared();
    // Words that no compressor can shorten, so that sizes are what they are.
    let mut seed = 7_u64;
    let mut words = |bytes: usize| -> String {
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + u8::try_from((seed >> 33) % 26).must("a letter"))
        };
        (0..bytes).map(|at| if at % 7 == 6 { ' ' } else { next() }).collect()
    };
    let lines: Vec<String> = (0..1_500).map(|number| spoken(&project, number, &words(2_000))).collect();
    project.append(&transcript, lines.concat().as_bytes());
    let size = || {
        files_below(&remote.join("objects"))
            .iter()
            .map(|file| file.metadata().must("a file").len())
            .sum::<u64>()
    };
    let before = size();
    project.snap(&["sync", "--now"]).exits(0);
    let first = size() - before;
    say(&project, &transcript, 99, &words(1_000));
    let before = size();
    project.snap(&["sync", "--now"]).exits(0);
    let second = size() - before;
    assert!(first > 1_500_000 && second < 150_000, "{first} then {second}");
    // Also once the repository that is kept for it was lost: then it is sent again, and is whole.
    let state = project.home.path().join(".local/state/snap/sync");
    let kept = files_below(&state)
        .into_iter()
        .find(|file| file.ends_with("snap-made-for"))
        .must("a kept repository");
    fs::remove_dir_all(kept.parent().must("a folder")).must("to remove it");
    say(&project, &transcript, 100, "more");
    project.snap(&["sync", "--now"]).exits(0);
    assert_eq!(heads(&project, &remote).len(), 1);
    git_in(&project.home, &remote, &["fsck", "--strict"]);
}

#[test]
fn what_holds_a_secret_is_held_back_and_the_head_before_it_stays() {
    let (project, remote, transcript) = shared();
    project.snap(&["sync", "--now"]).exits(0);
    let before = heads(&project, &remote);
    // Names are not redacted: without them nothing is found again.
    let token = format!("ghp_{}", "a1B2c3D4e5".repeat(4).get(..36).must("36 letters"));
    project.git(&["checkout", "-qb", &token]);
    say(&project, &transcript, 1, "go on");
    turn(&project, &transcript, "Stop").exits(0);
    eventually("that it is held", || status(&project)["sessions"][0]["held"].is_string());
    let held = status(&project)["sessions"][0]["held"].as_str().must("a reason").to_owned();
    assert!(held.contains("github-token") && !held.contains(&token), "{held}");
    assert_eq!(heads(&project, &remote), before);
    project.snap(&["sync", "--now"]).exits(6).says(&["is held back", "github-token"]);
    let shown = project.snap(&["sync"]).exits(0).stdout;
    assert!(shown.contains("held back: ") && !shown.contains(&token) && !shown.contains("\\n"), "{shown}");
    project.git(&["checkout", "-q", "main"]);
    turn(&project, &transcript, "Stop").exits(0);
    eventually("the next head", || heads(&project, &remote) != before);
    eventually("that nothing is held", || status(&project)["sessions"][0]["held"] == Value::Null);
}

#[test]
fn while_the_remote_is_away_notes_wait_and_then_one_push_says_all() {
    let (project, remote, transcript) = shared();
    project.snap(&["sync", "--now"]).exits(0);
    let away = remote.with_extension("away");
    fs::rename(&remote, &away).must("to move the remote away");
    for number in 0..3 {
        say(&project, &transcript, number, "go on");
        turn(&project, &transcript, "Stop").exits(0);
    }
    eventually("a failure", || status(&project)["failures"].as_u64() > Some(0));
    let shown = status(&project);
    assert_eq!(shown["waiting"], json!(3), "{shown}");
    assert!(shown["problem"].as_str().must("a problem").contains("Cannot push to origin"), "{shown}");
    project.snap(&["sync", "--now"]).exits(7);
    fs::rename(&away, &remote).must("to bring it back");
    project.snap(&["sync", "--now"]).exits(0);
    let shown = status(&project);
    assert_eq!(
        (&shown["waiting"], &shown["failures"], &shown["problem"]),
        (&json!(0), &json!(0), &Value::Null)
    );
    assert!(message(&project, &remote, &heads(&project, &remote)[0].1).contains("Turn: 3\n"));
}

#[test]
fn what_several_sessions_did_meanwhile_goes_in_one_push() {
    let (project, remote, transcript) = shared();
    let count = project.home.path().join("pushes");
    remote_hook(&remote, "post-receive", &format!("echo x >>'{}'", count.display()));
    let other = transcript.with_file_name("0137e379-838e-4509-8148-16b407691758.jsonl");
    let text = fs::read_to_string(&transcript).must("a transcript");
    fs::write(&other, text.replace(ID, "0137e379-838e-4509-8148-16b407691758")).must("a transcript");
    let away = remote.with_extension("away");
    fs::rename(&remote, &away).must("to move the remote away");
    turn(&project, &transcript, "Stop").exits(0);
    let input = json!({"session_id": "0137e379-838e-4509-8148-16b407691758", "transcript_path": other, "cwd": project.root()});
    hook_with(project.command(project.root(), &["hook", "Stop"]), input.to_string().as_bytes()).exits(0);
    eventually("a failure", || status(&project)["failures"].as_u64() > Some(0));
    fs::rename(&away, &remote).must("to bring it back");
    project.snap(&["sync", "--now"]).exits(0);
    assert_eq!(heads(&project, &remote).len(), 2);
    assert_eq!(fs::read_to_string(&count).must("a count"), "x\n", "heads and log in one");
}

#[test]
fn a_remote_whose_objects_have_sha256_names_is_shared_through_too() {
    let project = Project::empty();
    let remote = project.home.path().join("remote.git");
    project.git(&["init", "-q", "--object-format=sha256", "-b", "main"]);
    project.git(&["init", "-q", "--bare", "--object-format=sha256", utf8(&remote)]);
    git_in(&project.home, &remote, &["config", "uploadpack.allowFilter", "true"]);
    project.git(&["commit", "-q", "--allow-empty", "-m", "first"]);
    project.git(&["remote", "add", "origin", utf8(&remote)]);
    project.session(ID);
    no_pause(&project);
    project.snap(&["init", "--local", "--sync"]).exits(0);
    project.snap(&["sync", "--now"]).exits(0);
    assert_eq!(heads(&project, &remote)[0].1.len(), 64);
    // From a repository of the usual kind, where nothing says which format the remote has.
    let other = Project::new().of_another_user();
    let seen = other.snap(&["space", "--remote", utf8(&remote), "--json"]).exits(0).json();
    assert_eq!(seen["sessions"][0]["state"], "idle");
    let said = other.snap(&["follow", "ada/", "--once", "--remote", utf8(&remote)]).exits(0).stdout;
    assert!(said.contains("write a parser"), "{said}");
}

#[test]
fn a_remote_that_takes_no_such_refs_is_not_asked_again_until_somebody_asks() {
    let (project, remote, transcript) = shared();
    let asked = project.home.path().join("asked");
    remote_hook(
        &remote,
        "update",
        &format!(
            "case $1 in refs/snapshots-*) echo \"no refs like $1\" >&2; echo x >>'{}'; exit 1;; esac",
            asked.display()
        ),
    );
    turn(&project, &transcript, "Stop").exits(0);
    eventually("the refusal", || status(&project)["refused"].is_string());
    let refused = status(&project)["refused"].as_str().must("a reason").to_owned();
    assert!(
        refused.contains("does not take what is shared") && refused.contains("no refs like"),
        "{refused}"
    );
    let before = fs::read(&asked).must("a count").len();
    let said = turn(&project, &transcript, "Stop").exits(0);
    assert_eq!(said.stderr, "", "a turn never hears of it");
    project.snap(&["sync"]).exits(0);
    assert_eq!(fs::read(&asked).must("a count").len(), before, "it is not asked again");
    project.snap(&["sync", "--now"]).exits(3).says(&["ask for the right to push there"]);
    fs::remove_file(remote.join("hooks/update")).must("to remove the hook");
    project.snap(&["sync", "--now"]).exits(0);
    assert_eq!((status(&project)["refused"].clone(), heads(&project, &remote).len()), (Value::Null, 1));
}

#[test]
fn what_a_mirror_push_wiped_is_there_again_after_the_next_turn_and_that_is_said() {
    let (project, remote, transcript) = shared();
    project.snap(&["sync", "--now"]).exits(0);
    let before = lines(&project, &remote);
    let other = colleague(&project, &remote);
    other.git(&["push", "-q", "--mirror", "origin"]);
    assert_eq!((heads(&project, &remote).len(), lines(&project, &remote).len()), (0, 0));
    say(&project, &transcript, 1, "go on");
    project.snap(&["sync", "--now"]).exits(0).says(&["was gone from origin; it is there again"]);
    assert_eq!(heads(&project, &remote).len(), 1);
    assert_eq!(lines(&project, &remote)[..before.len()], before, "the log is whole again");
    git_in(&project.home, &remote, &["fsck", "--strict"]);
}

#[test]
fn two_machines_with_one_session_have_a_head_each() {
    let (project, remote, transcript) = shared();
    project.snap(&["sync", "--now"]).exits(0);
    // The same user, host and session: a copied home in another container.
    let other = colleague(&project, &remote).of_another_user();
    let copy = other.home.project(other.root()).join(format!("{ID}.jsonl"));
    fs::create_dir_all(copy.parent().must("a folder")).must("a folder");
    let text = fs::read_to_string(&transcript).must("a transcript");
    fs::write(&copy, text.replace(utf8(project.root()), utf8(other.root()))).must("a transcript");
    no_pause(&other);
    other.snap(&["init", "--local", "--sync"]).exits(0);
    let first = heads(&project, &remote);
    other.snap(&["sync", "--now"]).exits(0);
    let both = heads(&project, &remote);
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(both.contains(&first[0]), "the other one's head has not moved");
    assert_eq!(refs(&project, &remote, "refs/snapshots-audit").len(), 2, "and a log each");
}

#[test]
fn a_head_that_somebody_else_moved_is_left_alone_until_a_person_takes_it_back() {
    let (project, remote, transcript) = shared();
    project.snap(&["sync", "--now"]).exits(0);
    let (name, own) = heads(&project, &remote)[0].clone();
    let eve = colleague(&project, &remote);
    eve.git(&["push", "-qf", "origin", &format!("HEAD:{name}")]);
    let moved = heads(&project, &remote);
    assert_ne!(moved[0].1, own);
    say(&project, &transcript, 1, "go on");
    turn(&project, &transcript, "Stop").exits(0);
    eventually("that it is held", || status(&project)["sessions"][0]["held"].is_string());
    let held = status(&project)["sessions"][0]["held"].as_str().must("a reason").to_owned();
    assert!(held.contains("somebody else moved its head") && held.contains("snap sync --now"), "{held}");
    assert_eq!(heads(&project, &remote), moved, "nobody's work is overwritten behind their back");
    project.snap(&["sync", "--now"]).exits(0).says(&["somebody else had moved", "it is yours again"]);
    let taken = heads(&project, &remote);
    assert!(
        taken[0].1 != moved[0].1 && message(&project, &remote, &taken[0].1).contains("State: idle"),
        "{taken:?}"
    );
}

#[test]
fn a_push_killed_at_any_step_is_made_good_by_the_next_one() {
    let (project, remote, transcript) = shared();
    project.snap(&["sync", "--now"]).exits(0);
    let real = ran(std::process::Command::new("sh").args(["-c", "command -v git"])).stdout;
    let bin = project.home.path().join("shim");
    fs::create_dir_all(&bin).must("a folder");
    let count = project.home.path().join("count");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut killed = 0;
    for step in 1.. {
        assert!(step < 60, "it must end some time");
        fs::write(&count, "").must("a counter");
        // Half of the kills come after the work of git is done.
        let line = format!(
            "#!/bin/sh\nprintf x >>{0}\nn=$(wc -c <{0})\n[ $n -eq {step} ] && [ $(({step} % 2)) -eq 0 ] && kill -9 $PPID\n\
             {1} \"$@\"\ncode=$?\n[ $n -eq {step} ] && kill -9 $PPID\nexit $code\n",
            count.display(),
            real.trim()
        );
        fs::write(bin.join("git"), line).must("a shim");
        fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).must("a mode");
        say(&project, &transcript, step, "go on");
        let ran = ran(project.command(project.root(), &["sync", "--now"]).env("PATH", &path));
        if ran.code == 0 {
            break;
        }
        assert_eq!(ran.code, -1, "{}", ran.stderr);
        killed += 1;
        let again = project.snap(&["sync", "--now"]).exits(0);
        assert!(!again.stderr.contains("somebody else"), "it knows its own: {}", again.stderr);
        let said = message(&project, &remote, &heads(&project, &remote)[0].1);
        assert!(said.contains("Prompt: go on"), "{said}");
        git_in(&project.home, &remote, &["fsck", "--strict"]);
    }
    assert!(killed > 5, "it was killed in between: {killed}");
    assert_eq!(operations(&project, &remote), ["open"], "no line twice");
}

#[test]
fn a_name_that_leads_elsewhere_by_now_gets_nothing() {
    let (project, _remote, transcript) = shared();
    project.snap(&["sync", "--now"]).exits(0);
    let other = project.home.path().join("other.git");
    project.git(&["init", "-q", "--bare", utf8(&other)]);
    project.git(&["remote", "set-url", "origin", utf8(&other)]);
    turn(&project, &transcript, "Stop").exits(0);
    eventually("the refusal", || status(&project)["refused"].is_string());
    project.snap(&["sync", "--now"]).exits(3).says(&["leads elsewhere by now", "nothing was sent"]);
    assert_eq!(heads(&project, &other), []);
    project.snap(&["init", "--local", "--sync"]).exits(0);
    project.snap(&["sync", "--now"]).exits(0);
    assert_eq!(heads(&project, &other).len(), 1, "the person named it again");
}

#[test]
fn a_log_goes_on_after_sharing_was_ended_and_begun_again_and_under_another_address() {
    let (ada, remote, transcript) = shared();
    ada.snap(&["save", "one"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    let (_, tip) = refs(&ada, &remote, "refs/snapshots-audit")[0].clone();
    ada.snap(&["init", "--local", "--no-sync"]).exits(0);
    ada.snap(&["init", "--local", "--sync"]).exits(0);
    say(&ada, &transcript, 9, "again");
    ada.snap(&["save", "two"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    let (_, now) = refs(&ada, &remote, "refs/snapshots-audit")[0].clone();
    assert_ne!(now, tip);
    git_in(&ada.home, &remote, &["merge-base", "--is-ancestor", &tip, &now]);
    ada.git(&["remote", "set-url", "origin", &format!("file://{}", remote.display())]);
    ada.snap(&["init", "--local", "--sync"]).exits(0);
    ada.snap(&["save", "three", "-m", "a line for the log"]).exits(0);
    let said = ada.snap(&["sync", "--now"]).exits(0).stderr;
    assert!(!said.contains("somebody else"), "{said}");
    let (_, last) = refs(&ada, &remote, "refs/snapshots-audit")[0].clone();
    assert_ne!(last, now);
    git_in(&ada.home, &remote, &["merge-base", "--is-ancestor", &now, &last]);
    ada.snap(&["log", "--remote"]).exits(0);
}

#[test]
fn private_keeps_the_words_of_lines_out_of_the_log_and_stays_until_sharing_ends() {
    let (ada, remote, transcript) = shared();
    ada.snap(&["init", "--local", "--sync", "--private"]).exits(0);
    ada.snap(&["init", "--local", "--sync"]).exits(0);
    say(&ada, &transcript, 7, "a private prompt");
    ada.snap(&["save", "base"]).exits(0);
    ada.snap(&["branch", "private-line", "base"]).exits(0);
    ada.snap(&["close", "base", "-m", "private reason"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    let said: String = lines(&ada, &remote).iter().map(ToString::to_string).collect();
    assert!(said.contains("close") && !said.contains("private"), "{said}");
    for (_, head) in heads(&ada, &remote) {
        let message = message(&ada, &remote, &head);
        assert!(!message.contains("private prompt"), "{message}");
    }
    let is_private = || ada.snap(&["sync", "--json"]).exits(0).json()["private"] == true;
    assert!(is_private());
    ada.snap(&["init", "--local", "--sync", "--private", "--no-private"]).exits(2);
    ada.snap(&["init", "--local", "--sync", "--no-private"]).exits(0);
    assert!(!is_private());
}

#[test]
fn private_keeps_words_out_of_messages_and_withdrawing_takes_all_heads_back() {
    let (project, remote, transcript) = shared();
    project.snap(&["init", "--local", "--sync", "--private"]).exits(0).says(&["not out of the conversation"]);
    project.snap(&["sync", "--now"]).exits(0);
    let said = message(&project, &remote, &heads(&project, &remote)[0].1);
    assert!(!said.contains("parser") && !said.contains("main") && said.contains("State: "), "{said}");
    let taken = project.snap(&["sync", "--withdraw", "--json"]).exits(0).says(&["still shared"]).json();
    assert_eq!((&taken["sessions"], heads(&project, &remote).len()), (&json!([ID]), 0));
    project.snap(&["init", "--no-sync"]).exits(0).says(&["Sharing ends"]);
    assert!(!project.path(".claude/settings.json").exists(), "it sets nothing up");
    project.snap(&["init", "--no-sync"]).exits(0).says(&["Nothing is shared here."]);
    turn(&project, &transcript, "Stop").exits(0);
    project.snap(&["sync", "--now"]).exits(3);
    assert_eq!(heads(&project, &remote), []);
    // As `init --remove` does too.
    project.snap(&["init", "--local", "--sync"]).exits(0);
    project.snap(&["sync", "--now"]).exits(0);
    project.snap(&["init", "--local", "--remove"]).exits(0).says(&["Sharing ends"]);
    project.snap(&["sync"]).exits(3);
}

#[test]
fn an_address_is_a_remote_too_but_none_with_a_password_in_it() {
    let (project, remote, _) = shared();
    let address = format!("file://{}", remote.display());
    for address in [utf8(&remote), &address] {
        project.snap(&["init", "--local", "--sync", address]).exits(0);
        project.snap(&["sync", "--now"]).exits(0);
        assert_eq!(heads(&project, &remote).len(), 1);
        let seen = project.snap(&["space", "--json"]).exits(0).json();
        assert_eq!(seen["sessions"][0]["mine"], true);
    }
    let refused = project.snap(&["init", "--local", "--sync", "https://ada:word@host.invalid/x"]).exits(3);
    assert!(!refused.says(&["has a password in it"]).stderr.contains("word@"), "it is not shown");
    assert!(!fs::read_to_string(project.path(".claude/settings.local.json")).must("settings").is_empty());
}

#[test]
fn all_projects_can_be_shared_and_one_left_out() {
    let (project, remote) = with_remote();
    let transcript = project.session(ID);
    no_pause(&project);
    project.snap(&["init", "--user", "--sync"]).exits(0).says(&["with a remote called origin"]);
    turn(&project, &transcript, "Stop").exits(0);
    eventually("a head", || heads(&project, &remote).len() == 1);
    project.snap(&["init", "--local", "--no-sync"]).exits(0);
    let before = heads(&project, &remote);
    say(&project, &transcript, 1, "go on");
    turn(&project, &transcript, "Stop").exits(0);
    project.snap(&["sync", "--now"]).exits(3);
    assert_eq!(heads(&project, &remote), before);
    project.snap(&["init", "--user", "--no-sync"]).exits(0).says(&["for all projects"]);
}

#[test]
fn a_turn_of_a_linked_work_tree_is_shared_with_its_own_edits() {
    let (project, remote, _) = shared();
    let tree = project.home.path().join("linked");
    project.git(&["worktree", "add", "-q", "-b", "side", utf8(&tree)]);
    fs::write(tree.join("a.txt"), "edited in the linked tree\n").must("an edit");
    let transcript = project.home.project(&tree).join(format!("{ID}.jsonl"));
    fs::create_dir_all(transcript.parent().must("a folder")).must("a folder");
    let record = json!({"type": "user", "uuid": "u1", "cwd": tree, "sessionId": ID, "version": "2.1.329",
        "timestamp": "2026-11-21T01:20:35.028Z", "message": {"role": "user", "content": "in the other tree"}});
    fs::write(&transcript, format!("{record}\n")).must("a transcript");
    let input =
        json!({"session_id": ID, "transcript_path": transcript, "cwd": tree, "hook_event_name": "Stop"});
    hook_with(project.command(&tree, &["hook", "Stop"]), input.to_string().as_bytes()).exits(0);
    eventually("its head", || heads(&project, &remote).len() == 1);
    let said = message(&project, &remote, &heads(&project, &remote)[0].1);
    assert!(said.contains("Branch: side") && said.contains("Edits: 1 1 3"), "{said}");
}

#[test]
fn what_a_hint_about_sharing_names_can_be_done() {
    let (project, _remote, transcript) = shared();
    let command_in = |said: &str| -> Vec<String> {
        let command = said.split("`snap ").nth(1).and_then(|rest| rest.split('`').next()).must("a command");
        // The settings of this test are in the local file.
        let words = command.split(' ').map(str::to_owned);
        words.chain((command.starts_with("init")).then(|| "--local".to_owned())).collect()
    };
    let follow = |said: &str| {
        let words = command_in(said);
        project.snap(&words.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
        words
    };
    project.snap(&["init", "--local", "--no-sync"]).exits(0);
    project.git(&["remote", "rename", "origin", "up"]);
    // Nothing is called origin here.
    let none = project.snap(&["sync", "--now"]).exits(3).stderr;
    assert_eq!(follow(&none), ["init", "--sync", "up", "--local"]);
    project.snap(&["sync", "--now"]).exits(0);
    let other = project.home.path().join("other.git");
    project.git(&["init", "-q", "--bare", utf8(&other)]);
    project.git(&["remote", "set-url", "up", utf8(&other)]);
    turn(&project, &transcript, "Stop").exits(0);
    eventually("the refusal", || status(&project)["refused"].is_string());
    let refused = project.snap(&["sync", "--now"]).exits(3).stderr;
    assert_eq!(refused.matches(utf8(&other)).count(), 1, "{refused}");
    for says in [project.snap(&["sync"]).exits(0).stdout, project.snap(&["status"]).exits(0).stdout] {
        let says = says.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(says.contains("`snap init --sync up` shares through the new place"), "{says}");
        assert!(!says.contains("snap sync --now"), "it is refused again: {says}");
    }
    assert_eq!(follow(&refused), ["init", "--sync", "up", "--local"]);
    project.snap(&["sync", "--now"]).exits(0);
    assert_eq!(heads(&project, &other).len(), 1);
}
