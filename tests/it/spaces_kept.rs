//! Promises of spaces about what goes, what stays and what is taken back: known secrets, removals for good, the order of the log,
//! and a person's word that it shall end.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::handoff_remote::{colleague, utf8};
use crate::spaces::{ID, heads, lines, refs, say, shared, status, turn};
use crate::support::project::{Project, files_below, git_in, ran};
use crate::support::{Must, eventually};

/// A value that no rule knows by its shape.
const VALUE: &str = "Rt7HzG0JIYePVFBduQRdPmD";

/// What a colleague is shown of this session.
fn seen_by_others(project: &Project, remote: &Path) -> String {
    let other = colleague(project, remote).of_another_user();
    let user = |arguments: &[&str]| ran(other.command(other.root(), arguments).env("USER", "bob"));
    let followed = user(&["follow", &format!("ada/{}", &ID[..8]), "--once"]).exits(0).stdout;
    followed
        + &user(&["space", "--json"]).exits(0).stdout
        + &user(&["log", "--remote", "--json"]).exits(0).stdout
}

#[test]
fn a_value_that_was_taken_out_once_never_leaves_though_its_variable_has_another_value_by_now() {
    let (ada, remote, transcript) = shared();
    ada.write(".env", format!("DB_PASSWORD={VALUE}\n"));
    say(&ada, &transcript, 1, &format!("the db is up with {VALUE} here"));
    ada.snap(&["sync", "--now"]).exits(0);
    let seen = seen_by_others(&ada, &remote);
    assert!(seen.contains("the db is up") && !seen.contains(VALUE), "{seen}");
    ada.write(".env", "DB_PASSWORD=Zz81kQpLmRtVwXyB3n\n");
    say(&ada, &transcript, 2, "go on");
    ada.snap(&["sync", "--now"]).exits(0);
    let seen = seen_by_others(&ada, &remote);
    assert!(seen.contains("the db is up") && !seen.contains(VALUE), "{seen}");
}

#[test]
fn a_value_of_a_session_that_is_only_shared_stays_known_through_a_removal_as_long_as_the_session_goes_on() {
    let (ada, remote, transcript) = shared();
    ada.snap(&["save", "other"]).exits(0);
    ada.write(".env", format!("DB_PASSWORD={VALUE}\n"));
    say(&ada, &transcript, 1, &format!("the db is up with {VALUE} here"));
    ada.snap(&["sync", "--now"]).exits(0);
    // Two days go by, and then there is one more turn.
    for kept in files_below(&ada.home.path().join(".local/state/snap/kept")) {
        let file = fs::File::options().append(true).open(kept).must("a file");
        file.set_modified(SystemTime::now() - Duration::from_secs(2 * 86_400)).must("a time");
    }
    say(&ada, &transcript, 2, "go on");
    ada.snap(&["sync", "--now"]).exits(0);
    ada.snap(&["rm", "--now", "other"]).exits(0);
    ada.write(".env", "DB_PASSWORD=Zz81kQpLmRtVwXyB3n\n");
    say(&ada, &transcript, 3, "go on");
    ada.snap(&["sync", "--now"]).exits(0);
    let seen = seen_by_others(&ada, &remote);
    assert!(seen.contains("the db is up") && !seen.contains(VALUE), "{seen}");
}

#[test]
fn a_value_that_a_save_took_out_stays_out_of_other_sessions_and_of_words_about_lines() {
    let (ada, remote, transcript) = shared();
    ada.write("e.sh", format!("export API_TOKEN={VALUE}\n"));
    ada.snap(&["save", "one"]).exits(0).says(&["Taken out"]);
    fs::remove_file(ada.path("e.sh")).must("removed");
    say(&ada, &transcript, 1, &format!("it was {VALUE}"));
    ada.snap(&["save", "two"]).exits(0);
    ada.snap(&["close", "two", "-m", &format!("it was {VALUE}")]).exits(0);
    ada.snap(&["branch", &format!("try-{VALUE}"), "one"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    let seen = seen_by_others(&ada, &remote);
    assert!(seen.contains("it was") && seen.contains("close") && !seen.contains(VALUE), "{seen}");
}

#[test]
fn what_is_removed_for_good_is_in_nothing_that_sharing_keeps_and_the_remote_is_named() {
    let (ada, _remote, transcript) = shared();
    ada.write("a.txt", "plain words that were not meant for anybody\n");
    ada.snap(&["save", "sec"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    ada.git(&["checkout", "-q", "a.txt"]);
    ada.snap(&["rm", "--now", "sec"])
        .exits(0)
        .says(&["origin still has what was pushed last", "snap sync --now"]);
    let state = ada.home.path().join(".local/state/snap/sync");
    let packs: Vec<_> =
        files_below(&state).into_iter().filter(|file| utf8(file).contains("/objects/")).collect();
    assert_eq!(packs, Vec::<std::path::PathBuf>::new(), "what was pushed is kept nowhere");
    say(&ada, &transcript, 1, "go on");
    ada.snap(&["sync", "--now"]).exits(0).says(&["is on origin"]);
}

#[test]
fn no_line_of_the_log_goes_twice_though_a_removal_took_words_out_of_the_last_one() {
    let (ada, remote, transcript) = shared();
    ada.snap(&["sync", "--now"]).exits(0);
    ada.snap(&["save", "second"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    let before = lines(&ada, &remote);
    ada.snap(&["rm", "--now", "second"]).exits(0);
    say(&ada, &transcript, 1, "go on");
    ada.snap(&["sync", "--now"]).exits(0);
    let after = lines(&ada, &remote);
    assert_eq!(after[..before.len()], before);
    let new: Vec<&str> =
        after[before.len()..].iter().map(|line| line["operation"].as_str().must("a word")).collect();
    assert_eq!(new, ["remove"]);
}

#[test]
fn what_was_done_before_sharing_began_stays_out_of_its_log() {
    let (ada, remote, _transcript) = shared();
    ada.snap(&["init", "--local", "--no-sync"]).exits(0);
    ada.snap(&["save", "one"]).exits(0);
    ada.snap(&["close", "one", "-m", "words from before"]).exits(0);
    ada.snap(&["init", "--local", "--sync"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    let said: String = lines(&ada, &remote).iter().map(ToString::to_string).collect();
    assert!(said.contains("open") && !said.contains("words from before"), "{said}");
}

#[test]
fn a_log_that_somebody_rewrote_or_cut_is_there_again_as_this_machine_wrote_it() {
    let (ada, remote, transcript) = shared();
    ada.snap(&["save", "one"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    ada.snap(&["save", "two", "-m", "more"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    let (name, tip) = refs(&ada, &remote, "refs/snapshots-audit")[0].clone();
    let cut = format!("{tip}~1");
    for (number, there) in (1..).zip(["main", cut.as_str()]) {
        git_in(&ada.home, &remote, &["update-ref", &name, there]);
        say(&ada, &transcript, number, "go on");
        ada.snap(&["sync", "--now"]).exits(0).says(&["this machine's log"]);
        let (_, now) = refs(&ada, &remote, "refs/snapshots-audit")[0].clone();
        git_in(&ada.home, &remote, &["merge-base", "--is-ancestor", &tip, &now]);
    }
    let other = colleague(&ada, &remote).of_another_user();
    ran(other.command(other.root(), &["log", "--remote"]).env("USER", "bob")).exits(0);
}

#[test]
fn what_was_taken_back_stays_away_until_the_next_turn_although_a_hook_left_a_note_before() {
    let (ada, remote, transcript) = shared();
    ada.snap(&["sync", "--now"]).exits(0);
    // The remote is away while the turn ends, so its note waits.
    let away = remote.with_extension("away");
    fs::rename(&remote, &away).must("moved");
    say(&ada, &transcript, 1, "go on");
    turn(&ada, &transcript, "Stop").exits(0);
    eventually("that a push failed", || status(&ada)["failures"].as_u64() > Some(0));
    fs::rename(&away, &remote).must("moved back");
    ada.snap(&["sync", "--withdraw"]).exits(0).says(&["Took 1 session from origin: c137e379."]);
    assert_eq!(heads(&ada, &remote), []);
    assert_eq!(status(&ada)["waiting"], 0);
    turn(&ada, &transcript, "Stop").exits(0);
    eventually("that the next turn is shared", || !heads(&ada, &remote).is_empty());
}

#[test]
fn taking_back_finds_what_is_shared_though_the_folder_was_renamed_or_the_remote_leads_elsewhere() {
    let (ada, remote, _transcript) = shared();
    ada.snap(&["sync", "--now"]).exits(0);
    let elsewhere = remote.with_extension("new");
    git_in(&ada.home, ada.root(), &["init", "-q", "--bare", utf8(&elsewhere)]);
    ada.git(&["remote", "set-url", "origin", utf8(&elsewhere)]);
    ada.snap(&["sync", "--withdraw"]).exits(0).says(&["Took 1 session"]);
    assert_eq!(heads(&ada, &remote), [], "it is taken from where it was");
    ada.git(&["remote", "set-url", "origin", utf8(&remote)]);
    ada.snap(&["sync", "--now"]).exits(0);
    let moved = ada.root().with_extension("moved");
    fs::rename(ada.root(), &moved).must("renamed");
    ada.snap_in(&moved, &["sync", "--withdraw"]).exits(0).says(&["Took 1 session"]);
    assert_eq!(heads(&ada, &remote), []);
}

#[test]
fn what_was_shared_through_another_remote_before_is_told_and_taken_back_too() {
    let (project, remote, _) = shared();
    project.snap(&["sync", "--now"]).exits(0);
    let other = project.home.path().join("private.git");
    project.git(&["init", "-q", "--bare", crate::handoff_remote::utf8(&other)]);
    project.git(&["remote", "add", "private", crate::handoff_remote::utf8(&other)]);
    let changed = project.snap(&["init", "--local", "--sync", "private"]).exits(0);
    assert!(changed.stderr.contains("shared through origin before stays there"), "{}", changed.stderr);
    project.snap(&["sync", "--now"]).exits(0);
    assert_eq!((heads(&project, &remote).len(), heads(&project, &other).len()), (1, 1));
    let taken = project.snap(&["sync", "--withdraw", "--json"]).exits(0).json();
    assert_eq!((heads(&project, &remote).len(), heads(&project, &other).len()), (0, 0), "{taken}");
    assert_eq!(taken["former"][0]["sessions"].as_array().map(Vec::len), Some(1), "{taken}");
    let again = project.snap(&["sync", "--withdraw", "--json"]).exits(0).json();
    assert_eq!(again.get("former"), None, "{again}");
}

#[test]
fn what_was_taken_back_is_not_said_to_stay_on_the_remote_from_before() {
    let (project, remote, _) = shared();
    project.snap(&["sync", "--now"]).exits(0);
    project.snap(&["sync", "--withdraw"]).exits(0).says(&["Took 1 session"]);
    assert_eq!(heads(&project, &remote), []);
    let other = project.home.path().join("private.git");
    project.git(&["init", "-q", "--bare", crate::handoff_remote::utf8(&other)]);
    project.git(&["remote", "add", "private", crate::handoff_remote::utf8(&other)]);
    let changed = project.snap(&["init", "--local", "--sync", "private"]).exits(0).stderr;
    assert!(!changed.contains("stays there"), "{changed}");
}

#[test]
fn a_push_from_a_private_project_tells_no_name_that_was_made_of_what_was_said() {
    let (project, remote, _) = shared();
    project.snap(&["init", "--local", "--sync", "--private"]).exits(0);
    project.write("a.txt", "edited\n");
    project.snap(&["save"]).exits(0);
    project.snap(&["push"]).exits(0);
    project.write("a.txt", "again\n");
    project.snap(&["save", "my own name"]).exits(0);
    project.snap(&["push"]).exits(0);
    let pushed = refs(&project, &remote, "refs/snapshots/");
    let told: String = pushed.iter().map(|(_, oid)| crate::spaces::message(&project, &remote, oid)).collect();
    assert!(!told.contains("parser") && told.contains("my own name") && told.contains("session\n"), "{told}");
    let other = colleague(&project, &remote).of_another_user();
    other.snap(&["pull"]).exits(0).says(&["write a parser"]);
}
