//! Hand-off through a git remote: `snap push`, `snap pull`, and everything that can come between.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::lineage::tree;
use crate::resume::edit;
use crate::support::Must;
use crate::support::api::StandIn;
use crate::support::client::{Client, with};
use crate::support::messages::{assert_continues, relocated};
use crate::support::page::Page;
use crate::support::project::{Project, Ran, files_below, git_in, ran};
use crate::support::work::script;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// A project, and a bare remote that it knows as `origin`. As hosts do, that leaves out what is not asked for.
pub(crate) fn with_remote() -> (Project, PathBuf) {
    let (project, remote) = with_plain_remote();
    git_in(&project.home, &remote, &["config", "uploadpack.allowFilter", "true"]);
    (project, remote)
}

/// The same, whose remote sends everything.
pub(crate) fn with_plain_remote() -> (Project, PathBuf) {
    let project = Project::new();
    let remote = project.home.path().join("remote.git");
    project.git(&["init", "-q", "--bare", utf8(&remote)]);
    project.git(&["remote", "add", "origin", utf8(&remote)]);
    project.git(&["push", "-q", "origin", "main"]);
    (project, remote)
}

/// A clone under another home whose `origin` is the bare remote.
pub(crate) fn colleague(project: &Project, remote: &Path) -> Project {
    let clone = project.cloned();
    clone.git(&["remote", "set-url", "origin", utf8(remote)]);
    clone
}

pub(crate) fn utf8(path: &Path) -> &str {
    path.to_str().must("a UTF-8 path")
}

/// Every file below a repository's `.git` with its content: objects, refs, stash, index, configuration.
fn everything(project: &Project) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| (path.clone(), fs::read(&path).must("a file of the repository"));
    files_below(&project.path(".git")).into_iter().map(read).collect()
}

/// The refs of snapshots on a bare remote, with what they point to.
pub(crate) fn refs(project: &Project, remote: &Path) -> Vec<String> {
    let listed = git_in(&project.home, remote, &["for-each-ref", "refs/snapshots"]);
    listed.lines().map(str::to_owned).collect()
}

fn size(folder: &Path) -> u64 {
    files_below(folder).iter().map(|file| file.metadata().must("a file").len()).sum()
}

/// The outcome of the only snapshot of a `--json` answer.
fn outcome(ran: &Ran) -> String {
    let answer = ran.json();
    let all = answer["snapshots"].as_array().must("snapshots");
    assert_eq!(all.len(), 1, "{answer}");
    all[0]["outcome"].as_str().must("an outcome").to_owned()
}

/// The refs that keep base commits from git's garbage collection.
fn kept(project: &Project) -> String {
    project.git(&["for-each-ref", "refs/snap"])
}

/// A program `git` that runs a line of shell before the real one, in a folder for `PATH`.
pub(crate) fn shim(project: &Project, line: &str) -> String {
    let real = ran(Command::new("sh").args(["-c", "command -v git"])).stdout;
    let bin = project.home.path().join("shim");
    fs::create_dir_all(&bin).must("a folder");
    fs::write(bin.join("git"), format!("#!/bin/sh\n{line}\nexec {} \"$@\"\n", real.trim())).must("a shim");
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).must("a mode");
    format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default())
}

#[test]
fn a_snapshot_goes_to_a_colleague_and_neither_repository_notices() {
    let (project, remote) = with_remote();
    project.session(ID);
    project.write("b.txt", "put away\n");
    project.git(&["stash"]);
    edit(&project);
    project.snap(&["save", "handed on"]).exits(0);
    let clone = colleague(&project, &remote);
    let (before, clone_before) = (everything(&project), everything(&clone));

    project.snap(&["push"]).exits(0).says(&["Sent \"handed on"]);
    assert_eq!(outcome(&project.snap(&["push", "--json"]).exits(0)), "already_there");
    let pulled = clone.snap(&["pull"]).exits(0).says(&["Added \"handed on", "1 snapshot added"]);
    assert_eq!(pulled.stdout, "");
    clone.snap(&["pull"]).exits(0).says(&["nothing new on origin"]);
    assert_eq!(outcome(&clone.snap(&["pull", "origin", "handed on", "--json"]).exits(0)), "already_here");
    assert_eq!(outcome(&clone.snap(&["push", "--json"]).exits(0)), "already_there");

    assert_eq!(everything(&project), before, "not an object, ref, index or setting has changed");
    let ours = ["refs/snap", "refs/snap-trees"].map(|refs| clone.path(".git").join(refs));
    let kept =
        everything(&clone).into_iter().filter(|(path, _)| !ours.iter().any(|own| path.starts_with(own)));
    assert_eq!(kept.collect::<BTreeMap<_, _>>(), clone_before, "nothing but refs of ours");
    let kept = clone.git(&["for-each-ref", "--format=%(refname:lstrip=1) %(objectname)", "refs/snap"]);
    assert_eq!(kept.lines().count(), 1);
    assert!(kept.trim().ends_with(clone.git(&["rev-parse", "HEAD"]).trim()), "{kept}");
    assert_eq!(
        fs::read(project.stored("handed-on.json")).must("a manifest"),
        fs::read(clone.stored("handed-on.json")).must("a manifest")
    );
    let resumed = clone.snap(&["resume", "--offline", "--json"]).exits(0).json();
    assert_eq!((&resumed["session_id"], clone.state()), (&json!(ID), project.state()));
    let left: Vec<_> = fs::read_dir(clone.stored("tmp"))
        .must("tmp")
        .flatten()
        .map(|e| e.file_name())
        .filter(|name| name != "publish.lock" && name != "index")
        .collect();
    assert!(left.is_empty(), "no scratch is left: {left:?}");
    let fresh = clone.home.path().join("fresh");
    git_in(&clone.home, clone.home.path(), &["clone", "-q", utf8(&remote), utf8(&fresh)]);
    assert_eq!(git_in(&clone.home, &fresh, &["for-each-ref", "refs/snapshots"]), "", "clones don't see it");
}

#[test]
fn snapshots_on_a_remote_are_listed_found_and_removed_by_name_and_id() {
    let (project, remote) = with_remote();
    for name in ["first try", "second try"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    project
        .snap(&["push", "origin", "latest", "first try"])
        .exits(0)
        .says(&["Sent \"second", "Sent \"first"]);
    let clone = colleague(&project, &remote);
    let listed = clone.snap(&["list", "--remote", "--json"]).exits(0).json();
    let names: Vec<&Value> = listed.as_array().must("a list").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["second try", "first try"], "newest first");
    assert_eq!((&listed[0]["here"], &listed[0]["by"].as_str().must("by")[..4]), (&json!(false), "ada@"));
    let table = clone.snap(&["list", "--remote", utf8(&remote)]).exits(0).stdout;
    assert_eq!(table.lines().count(), 3);

    clone.snap(&["pull", "origin", "first try"]).exits(0).says(&["Added \"first try", "1 snapshot"]);
    clone.snap(&["pull", "origin", "nowhere"]).exits(3).says(&["no snapshot \"nowhere\" on origin"]);
    let id = listed[0]["id"].as_str().must("an id");
    clone.snap(&["pull", "origin", &id[..8]]).exits(0).says(&["Added \"second try"]);
    clone.snap(&["pull", "nowhere"]).exits(3).says(&["no remote", "there is origin"]);
    clone.snap(&["pull", "--", "-upload-pack=x"]).exits(2);

    clone.snap(&["rm", "--remote", "origin", "nowhere"]).exits(3);
    clone
        .snap(&["rm", "--remote", "origin", "first try"])
        .exits(0)
        .says(&["Removed \"first try", "still has it"]);
    assert_eq!(refs(&project, &remote).len(), 1);
    assert_eq!(clone.snap(&["list", "--json"]).json().as_array().must("a list").len(), 2, "those here stay");
    let log = clone.snap(&["log", "--json"]).exits(0).json();
    let done: Vec<&Value> = log.as_array().must("a log").iter().map(|entry| &entry["operation"]).collect();
    assert_eq!(done, ["withdraw", "pull", "pull"]);
    assert_eq!(log[0]["peer"], "origin");
    // An older one comes too when nothing is named, and `latest` is the newest of the remote.
    let other = colleague(&project, &remote);
    assert_eq!(outcome(&other.snap(&["pull", "origin", "latest", "--json"]).exits(0)), "added");
}

#[test]
fn a_remote_without_snapshots_says_so() {
    let (project, _remote) = with_remote();
    project.snap(&["list", "--remote"]).exits(0).says(&["no snapshot on origin", "snap push"]);
    project.snap(&["pull"]).exits(0).says(&["nothing new on origin"]);
    project.snap(&["push"]).exits(3).says(&["There is no snapshot"]);
    let outside = Project::empty();
    outside.snap(&["pull", "origin"]).exits(3).says(&["no remote \"origin\""]);
}

#[test]
fn two_who_push_at_once_both_get_through() {
    let (project, remote) = with_remote();
    project.snap(&["save", "shared"]).exits(0);
    let bundle = project.home.path().join("shared.snap");
    project.snap(&["export", "-o", utf8(&bundle)]).exits(0);
    let clone = colleague(&project, &remote);
    clone.snap(&["import", utf8(&bundle)]).exits(0);
    for (who, name) in [(&project, "of one"), (&clone, "of the other")] {
        who.write("a.txt", name);
        who.snap(&["save", name]).exits(0);
    }
    let pushes: Vec<_> = [(&project, "of one"), (&clone, "of the other")]
        .iter()
        .flat_map(|(who, own)| ["shared", own].map(|name| (who, name)))
        .map(|(who, name)| {
            let mut push = who.command(who.root(), &["push", "origin", name]);
            push.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().must("a push")
        })
        .collect();
    for push in pushes {
        let ended = push.wait_with_output().must("its end");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    assert_eq!(refs(&project, &remote).len(), 3);
    for who in [&project, &clone] {
        who.snap(&["pull"]).exits(0);
        assert_eq!(who.snap(&["list", "--json"]).json().as_array().must("a list").len(), 3);
    }
}

#[test]
fn other_content_under_the_same_id_is_a_conflict_and_stays() {
    let (project, remote) = with_remote();
    project.snap(&["save", "x", "-m", "one thing"]).exits(0);
    project.snap(&["push"]).exits(0);
    let before = refs(&project, &remote);
    let path = project.stored("x.json");
    let json = fs::read_to_string(&path).must("a manifest");
    let changed = json.replace("one thing", "another thing").into_bytes();
    fs::write(&path, claude_snap::manifest::seal(changed).must("a sealed one")).must("a changed manifest");
    let ran = project.snap(&["push", "--json"]).exits(4).says(&["other content", "nothing was overwritten"]);
    assert_eq!(outcome(&ran), "conflict");
    assert_eq!(refs(&project, &remote), before);
}

#[test]
fn a_name_that_is_taken_here_means_the_own_snapshot_and_the_other_is_called_by_its_user() {
    let (project, remote) = with_remote();
    project.write("a.txt", "theirs");
    project.snap(&["save", "same name", "-m", "theirs"]).exits(0);
    project.snap(&["push"]).exits(0);
    let clone = colleague(&project, &remote).of_another_user();
    clone.snap(&["save", "same name", "-m", "mine"]).exits(0);
    let user =
        project.snap(&["show", "--json"]).json()["created_by"]["user"].as_str().must("a user").to_owned();
    let theirs = format!("same name@{user}");
    let mine = fs::read(clone.stored("same-name.json")).must("a manifest");
    clone.snap(&["pull"]).exits(0).says(&[&format!("Added \"{theirs}\" ")]);
    assert_eq!(fs::read(clone.stored("same-name.json")).must("mine"), mine, "what is here stays as it is");
    let message =
        |reference: &str| clone.snap(&["show", reference, "--json"]).exits(0).json()["message"].clone();
    assert_eq!((message("same name"), message(&theirs)), (json!("mine"), json!("theirs")));
    let listed = clone.snap(&["list"]).exits(0).stdout;
    assert!(
        listed.contains("\tsame name\t") && listed.contains(&format!("\t{theirs}\t(not yours)")),
        "{listed}"
    );
    let json = clone.snap(&["list", "--json"]).exits(0).json();
    let mut names: Vec<&str> =
        json.as_array().must("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["same name", &theirs]);
    assert!(clone.snap(&["show", &theirs]).exits(0).stdout.starts_with(&theirs));
    let planned = clone.snap(&["rewind", &theirs, "--dry-run", "--json"]).exits(0).json();
    assert_eq!(planned["snapshot"], json!(theirs));

    // What is handed on keeps the name that its user gave it.
    clone.snap(&["export", &theirs, "-o", "theirs.snap"]).exits(0);
    let third = colleague(&project, &remote);
    let file = clone.path("theirs.snap");
    third.snap(&["import", file.to_str().must("UTF-8")]).exits(0).says(&["Imported \"same name\","]);
    clone.snap(&["rm", &theirs]).exits(0);
    assert_eq!(message("same name"), json!("mine"));
    clone.snap(&["show", &theirs]).exits(3);
}

#[test]
fn of_two_snapshots_of_one_name_that_both_came_none_is_refused_and_each_can_be_named() {
    let (project, remote) = with_remote();
    let other = colleague(&project, &remote).of_another_user();
    for (who, text) in [(&project, "one"), (&other, "two")] {
        who.write("a.txt", text);
        who.snap(&["save", "wip", "-m", text]).exits(0);
        who.snap(&["push"]).exits(0);
    }
    let third = colleague(&project, &remote).of_another_user();
    third.snap(&["pull"]).exits(0);
    let json = third.snap(&["list", "--json"]).exits(0).json();
    let all = json.as_array().must("a list");
    assert_eq!(all.len(), 2);
    for one in all {
        let name = one["name"].as_str().must("a name");
        let shown = third.snap(&["show", name, "--json"]).exits(0).json();
        assert_eq!(shown["id"], one["id"], "{name}");
    }
    let names: Vec<&str> = all.iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(names.contains(&"wip") && names[0] != names[1], "{names:?}");
    // On the remote as well; both here have one user, so the name alone or with it is not enough.
    let fourth = colleague(&project, &remote);
    fourth.snap(&["pull", "origin", "wip"]).exits(3).says(&["NAME@USER"]);
    assert_eq!(fourth.snap(&["list", "--json"]).json(), json!([]));
}

#[test]
fn what_fails_for_a_passing_reason_is_tried_again() {
    let (project, _remote) = with_remote();
    project.snap(&["save", "x"]).exits(0);
    let count = project.home.path().join("count");
    let fails = |times: u32| {
        fs::write(&count, "").must("a counter");
        shim(
            &project,
            &format!(
                "case \" $* \" in *' push '*) if [ $(wc -c <{0}) -lt {times} ]; then printf x >>{0}; \
                 echo \"fatal: unable to access 'https://ada:word@host/': Failed to connect to host port 443: Connection refused\" >&2; exit 128; fi;; esac",
                count.display()
            ),
        )
    };
    let push = |path: String| {
        let mut command = project.command(project.root(), &["push"]);
        ran(command.env("PATH", path).env("SNAP_RETRY_MILLISECONDS", "1"))
    };
    let gave_up = push(fails(9)).exits(7).says(&["(4 of 4)", "Cannot push to origin", "several times"]);
    assert!(
        gave_up.stderr.contains("ada:***@host") && !gave_up.stderr.contains("word"),
        "{}",
        gave_up.stderr
    );
    assert_eq!(fs::read(&count).must("a counter").len(), 4);
    push(fails(2)).exits(0).says(&["trying again in", "(2 of 4)", "(3 of 4)", "Sent \"x"]);
}

#[test]
fn a_push_or_pull_killed_at_any_step_leaves_all_or_nothing() {
    let (project, remote) = with_remote();
    project.session(ID);
    edit(&project);
    project.snap(&["save", "x"]).exits(0);
    let clone = colleague(&project, &remote);
    let count = project.home.path().join("count");
    let mut ends = Vec::new();
    for (who, word) in [(&project, "push"), (&clone, "pull")] {
        for step in 1.. {
            assert!(step < 100, "it must end some time");
            fs::write(&count, "").must("a counter");
            let line =
                format!("printf x >>{0}; [ $(wc -c <{0}) -eq {step} ] && kill -9 $PPID", count.display());
            let path = shim(who, &line);
            let ran = ran(who.command(who.root(), &[word]).env("PATH", path));
            let there = refs(&project, &remote).len();
            if ran.code == 0 {
                ends.push((word, step));
                break;
            }
            assert_eq!(ran.code, -1, "{}", ran.stderr);
            if word == "pull" {
                let listed = clone.snap(&["list", "--json"]).exits(0).json();
                if listed != json!([]) {
                    assert!(!kept(&clone).is_empty(), "killed at step {step}: its base commit is not kept");
                    let sent = clone.command(clone.root(), &["export", "x"]).output().must("to run snap");
                    assert!(sent.status.success(), "what is there is there whole");
                }
            } else {
                // If the remote has it already, it has it whole.
                assert!(there <= 1);
                git_in(&project.home, &remote, &["fsck", "--strict"]);
            }
        }
    }
    assert!(ends.iter().all(|(_, steps)| *steps > 5), "it was killed in between: {ends:?}");
    clone.snap(&["resume", "--offline"]).exits(0);
    assert_eq!(clone.state(), project.state());
    // What the killed ones left goes with the first sweep after a day.
    let left = || -> Vec<PathBuf> {
        let all = fs::read_dir(clone.stored("tmp")).must("tmp").flatten().map(|entry| entry.path());
        all.filter(|path| path.is_dir()).collect()
    };
    assert!(!left().is_empty());
    clone.snap(&["prune", "--keep-last", "9"]).exits(0);
    assert!(!left().is_empty(), "a day's grace");
    for folder in left() {
        let long_ago = SystemTime::now() - Duration::from_secs(2 * 86_400);
        fs::File::open(folder).must("a folder").set_modified(long_ago).must("to set a time");
    }
    clone.snap(&["prune", "--keep-last", "9"]).exits(0);
    assert_eq!(left(), Vec::<PathBuf>::new());
}

#[test]
fn a_save_killed_at_a_call_of_git_leaves_no_snapshot_whose_base_may_be_collected() {
    let project = Project::new();
    project.write("a.txt", "staged, so that git is asked\n");
    project.git(&["add", "a.txt"]);
    let path = shim(&project, "case \" $* \" in *' status '*) kill -9 $PPID; exit 1;; esac");
    let ran = ran(project.command(project.root(), &["save", "x"]).env("PATH", path));
    assert_eq!(ran.code, -1, "it was killed: {}", ran.stderr);
    let listed = project.snap(&["list", "--json"]).exits(0).json();
    for one in listed.as_array().must("a list") {
        assert!(kept(&project).contains(one["id"].as_str().must("an id")), "{one}");
    }
}

#[test]
fn a_remote_that_vanishes_breaks_off_or_refuses_is_named_with_what_it_said() {
    let (project, remote) = with_remote();
    project.snap(&["save", "x"]).exits(0);
    let run = |arguments: &[&str]| {
        ran(project.command(project.root(), arguments).env("SNAP_RETRY_MILLISECONDS", "1"))
    };
    // It dies in the middle of the transfer.
    let dies = project.home.path().join("dies");
    fs::write(&dies, "#!/bin/sh\nhead -c 200 | git receive-pack \"$1\"\n").must("a program");
    fs::set_permissions(&dies, fs::Permissions::from_mode(0o755)).must("a mode");
    project.users_setting("remote.origin.receivepack", utf8(&dies));
    run(&["push"]).exits(7).says(&["Cannot push to origin", "(4 of 4)"]);
    project.no_users_setting("remote.origin.receivepack");
    // It takes no such ref, with its own words.
    let hook = remote.join("hooks/update");
    fs::create_dir_all(remote.join("hooks")).must("a folder");
    fs::write(&hook, "#!/bin/sh\necho \"no refs like $1\" >&2\nexit 1\n").must("a hook");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).must("a mode");
    run(&["push"]).exits(7).says(&[
        "origin did not accept \"x\"",
        "no refs like refs/snapshots/ada/",
        "snap export",
    ]);
    fs::remove_file(&hook).must("to remove the hook");
    // It is full.
    git_in(&project.home, &remote, &["config", "receive.maxInputSize", "100"]);
    run(&["push"]).exits(7).says(&["origin"]);
    git_in(&project.home, &remote, &["config", "--unset", "receive.maxInputSize"]);
    assert!(refs(&project, &remote).is_empty());
    run(&["push"]).exits(0);
    // It is gone.
    fs::rename(&remote, project.home.path().join("moved.git")).must("to move the remote");
    for word in ["push", "pull"] {
        run(&[word]).exits(7).says(&["Cannot list what is on origin", "git remote get-url origin"]);
    }
}

#[test]
fn the_users_own_settings_for_remotes_count() {
    let (project, remote) = with_remote();
    project.snap(&["save", "x"]).exits(0);
    let above = remote.parent().must("a folder");
    project.users_setting(&format!("url.{}/.insteadOf", utf8(above)), "work:");
    project.git(&["remote", "set-url", "origin", "work:remote.git"]);
    project.snap(&["push"]).exits(0);
    project.snap(&["pull", "work:remote.git"]).exits(0).says(&["nothing new on work:remote.git"]);
    project.no_users_setting(&format!("url.{}/.insteadOf", utf8(above)));
    // What a folder is that is named from here depends on who laid it there; typed, it is the user's word.
    project.git(&["remote", "set-url", "origin", "../remote.git"]);
    project
        .snap_in(&project.path("sub"), &["list", "--remote"])
        .exits(3)
        .says(&["may have come with the project"]);
    project.snap_in(&project.path("sub"), &["list", "--remote", "../../remote.git"]).exits(0);
    project.git(&["remote", "set-url", "origin", utf8(&remote)]);
    // Mirrors, partial and shallow clones, and hooks: none of it gets in the way.
    for setting in ["mirror", "promisor", "prune"] {
        project.git(&["config", &format!("remote.origin.{setting}"), "true"]);
    }
    project.git(&["config", "remote.origin.fetch", "+refs/*:refs/*"]);
    project.write(".git/hooks/pre-push", "#!/bin/sh\nexit 1\n");
    fs::set_permissions(project.path(".git/hooks/pre-push"), fs::Permissions::from_mode(0o755))
        .must("a mode");
    project.write("a.txt", "more\n");
    project.snap(&["save", "y"]).exits(0);
    let before = everything(&project);
    project.snap(&["push"]).exits(0);
    project.snap(&["pull"]).exits(0);
    assert_eq!(everything(&project), before);
    assert_eq!(refs(&project, &remote).len(), 2);
}

#[test]
fn a_repository_with_sha256_names_hands_over_too() {
    let project = Project::empty();
    let remote = project.home.path().join("remote.git");
    project.git(&["init", "-q", "--object-format=sha256", "-b", "main"]);
    project.git(&["init", "-q", "--bare", "--object-format=sha256", utf8(&remote)]);
    project.git(&["commit", "-q", "--allow-empty", "-m", "first"]);
    project.git(&["remote", "add", "origin", utf8(&remote)]);
    project.write("new", "new\n".repeat(1_000));
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["push"]).exits(0);
    // From outside any repository, where nothing says which format the remote has.
    let outside = Project::empty();
    outside.snap(&["pull", utf8(&remote)]).exits(0).says(&["Added \"x"]);
    assert_eq!(refs(&project, &remote)[0].split(' ').next().map(str::len), Some(64));
}

#[test]
fn a_second_push_and_pull_of_a_long_session_send_only_what_is_new() {
    let (project, remote) = with_remote();
    let transcript = project.session(ID);
    let line = |number: u64| {
        let words: Vec<String> =
            (0..90).map(|n| format!("word{}", (number * 7_919 + n * 104_729) % 50_021)).collect();
        let record = json!({"type": "user", "uuid": format!("u{number}"), "sessionId": ID,
                            "message": {"role": "user", "content": words.join(" ")}});
        format!("{record}\n")
    };
    let mut text = fs::read_to_string(&transcript).must("a transcript");
    let mut number = 0;
    while text.len() < 60_000_000 {
        text += &line(number);
        number += 1;
    }
    fs::write(&transcript, &text).must("a long transcript");
    project.snap(&["save", "long"]).exits(0);
    project.snap(&["push"]).exits(0);
    let first = size(&remote.join("objects"));
    let clone = colleague(&project, &remote);
    clone.snap(&["pull"]).exits(0);

    let end = text.len() + 10_000;
    while text.len() < end {
        text += &line(number);
        number += 1;
    }
    fs::write(&transcript, &text).must("a longer transcript");
    project.snap(&["save", "longer"]).exits(0);
    project.snap(&["push"]).exits(0);
    let second = size(&remote.join("objects")) - first;
    assert!(first > 1_000_000 && second <= 100_000, "first {first}, second {second} bytes");
    let received = clone.home.path().join("received");
    let mut pull = clone.command(clone.root(), &["pull"]);
    ran(pull.env("GIT_TRACE_PACKFILE", &received)).exits(0);
    let pulled = received.metadata().must("what was received").len();
    assert!(pulled <= 100_000, "the pull received {pulled} bytes");
    clone.snap(&["resume", "longer", "--no-edits"]).exits(0);
    println!("first push {first} bytes, second push {second}, second pull {pulled}");
}

#[test]
fn two_people_work_on_one_session_in_turn_and_the_conversation_has_both_halves() {
    with(Client::newest(), |client: &Client| {
        let (ada, remote) = with_remote();
        ada.write("notes.txt", "one\ntwo\n");
        ada.git(&["add", "."]);
        ada.git(&["commit", "-qm", "notes"]);
        ada.git(&["branch", "aside"]);
        ada.write("b.txt", "put away\n");
        ada.git(&["stash"]);
        let api = StandIn::start(script);
        let done = client
            .print(&ada.home, ada.root(), &api, &[], &format!("work {}", ada.root().display()))
            .succeeded();
        ada.snap(&["save", "first half"]).exits(0);
        ada.snap(&["push"]).exits(0);

        let bob = colleague(&ada, &remote);
        bob.write("b.txt", "of bob, put away\n");
        bob.git(&["stash"]);
        let untouched = |who: &Project| {
            who.git(&["for-each-ref", "refs/heads", "refs/tags", "refs/remotes", "refs/stash"])
                + &who.git(&["stash", "list"])
                + &who.git(&["symbolic-ref", "HEAD"])
        };
        let (of_ada, of_bob) = (untouched(&ada), untouched(&bob));
        bob.snap(&["pull"]).exits(0);
        let resumed = bob.snap(&["resume", "first half", "--json"]).exits(0).json();
        assert_eq!((&resumed["session_id"], bob.state()), (&json!(done.session_id), ada.state()));
        api.clear();
        client
            .print(&bob.home, bob.root(), &api, &["--resume", &done.session_id], "now it is me")
            .succeeded();
        bob.write("of-bob.txt", "by bob\n");
        let at_bobs = api.main().first().must("a request").messages();
        bob.snap(&["save", "second half"]).exits(0);
        bob.snap(&["push"]).exits(0);

        ada.snap(&["pull"]).exits(0).says(&["Added \"second half", "1 snapshot added"]);
        // What Ada has is what Bob began with: her tree takes his edits.
        let resumed = ada.snap(&["rewind", "second half", "--json"]).exits(0).json();
        assert_eq!(ada.state(), bob.state());
        let session = resumed["session_id"].as_str().must("a session").to_owned();
        assert_eq!(session, done.session_id, "hers is its beginning: it goes on under its id");
        api.clear();
        client.print(&ada.home, ada.root(), &api, &["--resume", &session], "and me again").succeeded();
        let messages = api.main().first().must("a request").messages();
        let moved = relocated(&at_bobs, &[(utf8(bob.root()), utf8(ada.root()))]);
        assert_continues(&moved, &messages);
        let said = messages.iter().map(Value::to_string).collect::<String>();
        for half in ["all done", "now it is me", "fine", "and me again"] {
            assert!(said.contains(half), "{half} is not in {said}");
        }
        assert_eq!((untouched(&ada), untouched(&bob)), (of_ada, of_bob), "branches and stash");
    });
}

#[test]
fn a_job_without_identity_or_terminal_restores_works_and_pushes_back() {
    let (project, remote) = with_remote();
    project.session(ID);
    project.write("a.txt", "one\nTWO\nthree\n");
    project.snap(&["save", "for the job"]).exits(0);
    project.snap(&["push"]).exits(0);
    // A shallow checkout in a home with nothing in it, as a runner makes it.
    let runner = Project::empty();
    let checkout = runner.home.path().join("checkout");
    let address = format!("file://{}", remote.display());
    git_in(
        &runner.home,
        runner.home.path(),
        &["clone", "-q", "--depth=1", "-b", "main", &address, utf8(&checkout)],
    );
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/actions/snap");
    let snap = Path::new(env!("CARGO_BIN_EXE_snap")).parent().must("a folder");
    let output = runner.home.path().join("output");
    let step = |name: &str, settings: &[(&str, &str)]| {
        let path = format!("{}:{}", snap.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("sh");
        command.arg(steps.join(name)).current_dir(&checkout).env_clear();
        command.env("PATH", path).env("HOME", runner.home.path()).env("GITHUB_OUTPUT", &output);
        ran(command.envs(settings.iter().copied()).stdin(Stdio::null())).exits(0)
    };
    assert_eq!(step("restore.sh", &[]).stdout.trim(), ID);
    assert_eq!(fs::read_to_string(&output).must("an output"), format!("session-id={ID}\n"));
    assert_eq!(fs::read_to_string(checkout.join("a.txt")).must("a.txt"), "one\nTWO\nthree\n");
    fs::write(checkout.join("made-by-the-job"), "done\n").must("a file");
    let [report, summary] = ["report", "summary"].map(|name| runner.home.path().join(name));
    let settings = [
        ("SNAP_NAME", "by the job"),
        ("SNAP_REPORT", utf8(&report)),
        ("GITHUB_STEP_SUMMARY", utf8(&summary)),
    ];
    step("save.sh", &settings);
    let note = fs::read_to_string(report.join("report.md")).must("a note");
    assert!(note.contains("Snapshot `by the job`"), "{note}");
    assert_eq!(fs::read_to_string(&summary).must("a summary"), note);
    let page = Page::read(&fs::read(report.join("report.html")).must("a page"));
    assert_eq!(page.index["name"], "by the job");
    assert!(
        fs::read_to_string(&output).must("an output").ends_with(&format!("report={}\n", report.display()))
    );

    project.snap(&["pull"]).exits(0).says(&["Added \"by the job"]);
    let shown = project.snap(&["show", "by the job", "--json"]).exits(0).json();
    assert_eq!(shown["edits"]["files"].as_array().must("edits").len(), 2);
    let tree = tree(&project);
    assert!(tree[0].starts_with("● by the job") && tree[1].starts_with("● for the job"), "{tree:?}");
    // Every path that the action runs is there.
    let action = fs::read_to_string(steps.join("action.yml")).must("the action");
    for script in ["restore.sh", "save.sh"] {
        assert!(action.contains(&format!("$GITHUB_ACTION_PATH/{script}")));
    }
}

#[test]
fn two_who_go_on_from_one_snapshot_are_two_branches() {
    let (project, remote) = with_remote();
    project.session(ID);
    project.snap(&["save", "common"]).exits(0);
    project.snap(&["push"]).exits(0);
    let clone = colleague(&project, &remote);
    clone.snap(&["pull"]).exits(0);
    clone.snap(&["resume", "common"]).exits(0);
    for (who, name) in [(&project, "of one"), (&clone, "of the other")] {
        who.write("a.txt", name);
        who.snap(&["save", name, "--session", ID]).exits(0);
        who.snap(&["push"]).exits(0);
    }
    project.snap(&["pull"]).exits(0);
    assert_eq!(tree(&project), ["┌─● of the other", "├─● of one", "● common"]);
}

#[test]
fn what_somebody_else_saved_is_named_as_it_must_be_typed_on_remotes_and_in_markers() {
    let (ada, remote) = with_remote();
    let bob = colleague(&ada, &remote).of_another_user();
    let save = |project: &Project, user: &str, text: &str| {
        project.write("a.txt", text);
        let mut save = project.command(project.root(), &["save", "x"]);
        ran(save.env("USER", user).env("LOGNAME", user)).exits(0);
        ran(project.command(project.root(), &["push", "origin", "x"]).env("USER", user)).exits(0);
    };
    save(&ada, "ada", "one\ntwo\nADA\n");
    save(&bob, "bob", "one\ntwo\nBOB\n");
    ada.snap(&["pull"]).exits(0);
    let called = ada.snap(&["list", "--json"]).exits(0).json();
    let names: Vec<&str> =
        called.as_array().must("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    let theirs = *names.iter().find(|name| name.contains('@')).must("one of another user");
    ada.snap(&["pull", "origin", theirs]).exits(0).says(&[&format!("\"{theirs}\" is already here")]);
    let listed = ada.snap(&["list", "--remote", "origin"]).exits(0).stdout;
    assert!(listed.contains(theirs), "{listed}");
    ada.snap(&["resume", theirs, "--merge", "--trust", "--no-session"]).exits(6);
    let merged = String::from_utf8(ada.read("a.txt")).must("text");
    assert!(merged.contains(&format!(">>>>>>> snapshot \"{theirs}\"")), "{merged}");
}
