//! Which session `snap save` takes: wherever its folder is, whoever names it, and what is said of those that it is not.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::hooks::hook;
use crate::real_client::answering_on_terminal;
use crate::support::Must;
use crate::support::project::{Project, Ran, ran};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";
const OTHER: &str = "dddddddd-0000-4000-8000-000000000000";

/// Writes a transcript of one prompt for each of these folders, into a folder of this name below `projects`.
fn transcript_in(config: &Path, folder: &str, id: &str, cwds: &[&Path], prompt: &str) -> PathBuf {
    let place = config.join("projects").join(folder).join(format!("{id}.jsonl"));
    fs::create_dir_all(place.parent().must("a folder")).must("a project's folder");
    let mut records = String::new();
    for (number, cwd) in cwds.iter().enumerate() {
        let parent = number.checked_sub(1).map(|before| format!("u{before}"));
        let record = json!({"type": "user", "uuid": format!("u{number}"), "parentUuid": parent, "cwd": cwd,
            "sessionId": id, "version": "2.1.332", "timestamp": "2026-11-21T01:19:35.028Z",
            "message": {"role": "user", "content": if number == 0 { prompt } else { "go on" }}});
        records += &format!("{record}\n");
    }
    fs::write(&place, records).must("a transcript");
    place
}

fn transcript(project: &Project, folder: &str, id: &str, cwds: &[&Path], prompt: &str) -> PathBuf {
    transcript_in(&project.home.config(), folder, id, cwds, prompt)
}

/// The name of the folder of transcripts that belongs to a folder, which need not be there.
fn slug(folder: &Path) -> String {
    folder.display().to_string().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

fn make_older(file: &Path, seconds: u64) {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    File::options().append(true).open(file).must("a file").set_modified(then).must("a time");
}

/// Makes a session one that runs in a folder; `pid` is that of a process that does.
fn runs(project: &Project, pid: u32, id: &str, cwd: &Path, updated: u64) {
    let sessions = project.home.config().join("sessions");
    fs::create_dir_all(&sessions).must("a folder");
    let live = json!({"pid": pid, "sessionId": id, "cwd": cwd, "status": "idle", "updatedAt": updated});
    fs::write(sessions.join(format!("{pid}.json")), live.to_string()).must("a live session");
}

/// Two processes that run: this one, and the one that started it.
fn processes() -> [u32; 2] {
    [std::process::id(), std::os::unix::process::parent_id()]
}

fn with(project: &Project, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    ran(project.command(project.root(), arguments).envs(variables.iter().copied()))
}

#[track_caller]
fn assert_taken(saved: &Ran, id: &str) {
    assert_eq!(saved.json()["session_id"], id, "{}", saved.stderr);
}

#[track_caller]
fn assert_none_taken(saved: &Ran) {
    assert_eq!(saved.json()["session_id"], Value::Null, "{}", saved.stderr);
}

#[test]
fn a_session_that_was_here_is_found_wherever_its_folder_is() {
    let elsewhere = Path::new("/some/where/else");
    for (name, folder, cwds) in [
        ("of an editor's connection", "ssh-abc", &["here", "here"][..]),
        ("named by hand", "my-project", &["here", "here/sub"]),
        ("of the name before a rename", "-old-name", &["/gone/old", "here"]),
        ("of another project, which it left for this one", "-some-where-else", &["/some/where/else", "here"]),
        ("its own, and it went on elsewhere", "own", &["here", "/some/where/else"]),
        ("another, and it went on elsewhere", "x", &["here", "/some/where/else"]),
        ("its own, and it only was here for a while", "own", &["/a", "here", "/b"]),
        ("its own, and a link to here is where it was", "own", &["link", "link"]),
    ] {
        let project = Project::new();
        let link = project.home.path().join("link");
        symlink(project.root(), &link).must("a link");
        let place = |cwd: &&str| match *cwd {
            "here" => project.root().to_owned(),
            "here/sub" => project.path("sub"),
            "link" => link.clone(),
            other => other.into(),
        };
        let own = slug(project.root());
        let folder = if folder == "own" { own.as_str() } else { folder };
        let cwds: Vec<PathBuf> = cwds.iter().map(place).collect();
        let cwds: Vec<&Path> = cwds.iter().map(PathBuf::as_path).collect();
        make_older(&transcript(&project, folder, ID, &cwds, "hello"), 60);
        // A newer one of another project is not asked.
        transcript(&project, "-some-where-else", OTHER, &[elsewhere], "other");
        let saved = project.snap(&["save", "x", "--json"]).exits(0);
        assert_eq!(saved.json()["session_id"], ID, "{name}: {}", saved.stderr);
    }
}

#[test]
fn a_session_that_only_passed_through_belongs_to_the_folder_that_it_is_kept_in() {
    let project = Project::new();
    let cwds = [Path::new("/a"), project.root(), Path::new("/b")];
    transcript(&project, "-a", ID, &cwds, "hello");
    let saved =
        project.snap(&["save", "x", "--json"]).exits(0).says(&["No session of Claude Code was found"]);
    assert_none_taken(&saved);
}

#[test]
fn of_many_transcripts_the_newest_that_was_here_is_taken() {
    let project = Project::new();
    for number in 0..200_u64 {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let cwd = project.home.path().join(format!("p{number}"));
        make_older(&transcript(&project, &format!("p{number}"), &id, &[&cwd], "no"), number);
    }
    make_older(&transcript(&project, "x", ID, &[project.root()], "yes"), 500);
    make_older(&transcript(&project, "y", OTHER, &[project.root()], "too old"), 501);
    assert_taken(&project.snap(&["save", "x", "--json"]).exits(0), ID);
}

#[test]
fn only_what_is_named_like_a_session_is_one() {
    let project = Project::new();
    let own = slug(project.root());
    make_older(&transcript(&project, &own, ID, &[project.root()], "the session"), 60);
    for other in ["agent-1a2b3c4d", "notes-export", &format!("{ID}.copy"), "c137e379838e4509814816b407691758"]
    {
        let text = fs::read(transcript(&project, &own, OTHER, &[project.root()], "no session")).must("it");
        fs::remove_file(project.home.project(project.root()).join(format!("{OTHER}.jsonl")))
            .must("to remove");
        fs::write(project.home.project(project.root()).join(format!("{other}.jsonl")), text).must("another");
    }
    assert_taken(&project.snap(&["save", "x", "--json"]).exits(0), ID);
    project.snap(&["save", "y", "--session", "agent-1a2b"]).exits(3).says(&["There is no session"]);
    let path = project.home.project(project.root()).join("agent-1a2b3c4d.jsonl");
    project
        .snap(&["save", "y", "--session", path.to_str().must("UTF-8")])
        .exits(3)
        .says(&["is not a transcript"]);
}

#[test]
fn agents_that_lie_beside_a_session_are_its_own_if_their_records_say_so() {
    let project = Project::new();
    let transcript = project.session(ID);
    let said = json!({"isAsync": false, "status": "completed", "agentId": "1a2b3c4d"});
    let answer = json!({"type": "user", "uuid": "u8", "parentUuid": "u2", "sessionId": ID, "cwd": project.root(),
        "toolUseResult": said, "message": {"role": "user", "content": "found it"}});
    project.append(&transcript, format!("{answer}\n").as_bytes());
    let agent = |id: &str, session: &str| {
        let record = json!({"type": "user", "uuid": "a1", "isSidechain": true, "agentId": id, "sessionId": session,
            "cwd": project.root(), "message": {"role": "user", "content": "look around"}});
        fs::write(transcript.with_file_name(format!("agent-{id}.jsonl")), format!("{record}\n"))
            .must("an agent");
    };
    agent("1a2b3c4d", ID);
    agent("5e6f7a8b", OTHER);
    let saved = project.snap(&["save", "x", "--json"]).exits(0).json();
    assert_eq!((&saved["session_id"], &saved["agents"]), (&json!(ID), &json!(2)));
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    let agents = shown["agents"].as_array().must("agents");
    let flat = agents.iter().find(|agent| agent["id"] == "1a2b3c4d").must("the flat one");
    assert_eq!((&flat["status"], &flat["transcript"]["records"]), (&json!("done"), &json!(1)));
    // Elsewhere it is where clients of today look.
    let clone = project.cloned();
    clone.snap(&["resume", "x", "--store", project.stored("").to_str().must("UTF-8")]).exits(0);
    let there = clone.home.project(clone.root()).join(ID).join("subagents/agent-1a2b3c4d.jsonl");
    assert!(fs::read_to_string(there).must("the agent").contains("look around"));
}

#[test]
fn a_stale_variable_is_said_and_not_obeyed() {
    let project = Project::new();
    let other = project.home.path().join("other");
    fs::create_dir(&other).must("another project");
    let stale = [("CLAUDE_CODE_SESSION_ID", OTHER)];
    // Of a session that nobody has.
    let saved = with(&project, &stale, &["save", "a", "--json"]).exits(6);
    assert_none_taken(&saved.says(&[OTHER, "there is no transcript"]));
    // Of another project, and there is one here.
    let theirs = transcript(&project, &slug(&other), OTHER, &[&other], "their secret plan");
    make_older(&transcript(&project, "own", ID, &[project.root()], "the work here"), 60);
    let saved = with(&project, &stale, &["save", "b", "--json"]).exits(0);
    let words = ["their secret plan", OTHER, other.to_str().must("UTF-8"), "was not taken", "--session"];
    assert_taken(&saved.says(&words), ID);
    let exported = project.home.path().join("b.snap");
    project.snap(&["export", "b", "-o", exported.to_str().must("UTF-8")]).exits(0);
    let manifest = fs::read_to_string(project.stored("b.json")).must("the manifest");
    assert!(!manifest.contains(OTHER) && !manifest.contains("secret plan"), "{manifest}");
    // Of another project, and there is none here.
    fs::remove_dir_all(project.home.config().join("projects/own")).must("to remove");
    let saved = with(&project, &stale, &["save", "c", "--json"]).exits(6);
    assert_none_taken(&saved.says(&["not in this repository", "--session"]));
    // Named, it is taken, and that it is another's is said.
    let saved = project.snap(&["save", "d", "--json", "--session", OTHER]).exits(0);
    assert_taken(&saved.says(&[other.to_str().must("UTF-8"), "which is not in this repository"]), OTHER);
    // It has been here since: it belongs here too.
    let record = json!({"type": "user", "uuid": "u9", "parentUuid": "u0", "cwd": project.root(), "sessionId": OTHER,
        "message": {"role": "user", "content": "now here"}});
    project.append(&theirs, format!("{record}\n").as_bytes());
    assert_taken(&with(&project, &stale, &["save", "e", "--json"]).exits(0), OTHER);
}

#[test]
fn a_session_of_another_work_tree_is_named_by_the_variable_without_a_question() {
    let project = Project::new();
    let tree = project.home.path().join("tree");
    project.git(&["worktree", "add", "-q", "-b", "side", tree.to_str().must("UTF-8")]);
    transcript(&project, "own", ID, &[project.root()], "here");
    make_older(&transcript(&project, &slug(&tree), OTHER, &[&tree], "there"), 60);
    let saved = with(&project, &[("CLAUDE_CODE_SESSION_ID", OTHER)], &["save", "x", "--json"]).exits(0);
    assert_taken(&saved.says(&["another work tree", tree.to_str().must("UTF-8"), "snap -C"]), OTHER);
}

#[test]
fn of_several_that_run_the_one_active_last_is_taken_and_the_others_are_named() {
    let project = Project::new();
    let own = slug(project.root());
    transcript(&project, &own, ID, &[project.root()], "the parser");
    transcript(&project, &own, OTHER, &[project.root()], "the docs");
    let [one, two] = processes();
    runs(&project, one, ID, project.root(), 2);
    runs(&project, two, OTHER, project.root(), 1);
    let saved = project.snap(&["save", "x", "--json"]).exits(0);
    assert_taken(&saved.says(&["Not saved", "the docs", OTHER, "runs in", "--session"]), ID);
    runs(&project, two, OTHER, project.root(), 3);
    assert_taken(&project.snap(&["save", "y", "--json"]).exits(0).says(&["the parser"]), OTHER);
}

#[test]
fn one_that_runs_in_another_work_tree_comes_before_one_that_ended_here() {
    let project = Project::new();
    let tree = project.path(".claude/worktrees/side");
    project.git(&["worktree", "add", "-q", "-b", "side", tree.to_str().must("UTF-8")]);
    transcript(&project, &slug(project.root()), ID, &[project.root()], "ended here");
    transcript(&project, &slug(&tree), OTHER, &[&tree], "runs there");
    let [one, two] = processes();
    runs(&project, one, OTHER, &tree, 1);
    let saved = project.snap(&["save", "x", "--json"]).exits(0);
    let words = ["ended here", ID, "--session", "another work tree", tree.to_str().must("UTF-8")];
    assert_taken(&saved.says(&words), OTHER);
    let saved = project.snap(&["save", "y"]).exits(0);
    let line = format!("Session \"runs there\" ({OTHER}), running in {}.", tree.display());
    assert!(saved.stdout.contains(&line), "{}", saved.stdout);
    // One that runs here is the one, however long ago it was active.
    runs(&project, two, ID, project.root(), 0);
    assert_taken(&project.snap(&["save", "z", "--json"]).exits(0).says(&["Not saved", OTHER]), ID);
}

#[test]
fn on_a_terminal_a_person_chooses() {
    let project = Project::new();
    let own = slug(project.root());
    transcript(&project, &own, ID, &[project.root()], "the parser");
    transcript(&project, &own, OTHER, &[project.root()], "the docs");
    let [one, two] = processes();
    runs(&project, one, ID, project.root(), 2);
    runs(&project, two, OTHER, project.root(), 1);
    let save = |typed: &str, arguments: &[&str]| {
        answering_on_terminal(&mut project.command(project.root(), &[&["save"], arguments].concat()), typed)
    };
    let session =
        |name: &str| project.snap(&["show", name, "--json"]).exits(0).json()["session"]["id"].clone();
    let said = save("3\n2\n", &["a"]);
    assert!(said.contains("Which session") && said.contains("one of these numbers"), "{said}");
    assert_eq!(session("a"), OTHER);
    save("\n", &["b"]);
    assert_eq!(session("b"), ID);
    // Whoever does not want to be asked is not.
    for words in [&["c", "--no-input"][..], &["d", "--session", ID]] {
        let said = save("2\n", words);
        assert!(!said.contains("Which session"), "{said}");
        assert_eq!(session(words[0]), ID);
    }
}

#[test]
fn one_that_was_never_spoken_to_is_named_and_the_one_before_it_saved() {
    let project = Project::new();
    transcript(&project, "own", ID, &[project.root()], "before");
    runs(&project, processes()[0], OTHER, project.root(), 1);
    assert_taken(&project.snap(&["save", "x", "--json"]).exits(0).says(&[OTHER, "no transcript yet"]), ID);
}

#[test]
fn who_saves_from_a_session_that_just_began_does_not_get_one_that_ended() {
    let project = Project::new();
    transcript(&project, "own", ID, &[project.root()], "before");
    runs(&project, processes()[0], OTHER, project.root(), 1);
    project.write("a.txt", "an edit\n");
    let saved = with(&project, &[("CLAUDE_CODE_SESSION_ID", OTHER)], &["save", "x", "--json"]).exits(0);
    assert_none_taken(&saved.says(&[OTHER, "no transcript yet"]));
    // Typed to the client, which names the session in what it tells the hook.
    let input = json!({"session_id": OTHER, "cwd": project.root(), "hook_event_name": "UserPromptSubmit", "prompt": "/snapshot save y"});
    hook(&project, "UserPromptSubmit", &input).exits(0);
    assert_eq!(project.snap(&["show", "y", "--json"]).exits(0).json()["session"], Value::Null);
}

#[test]
fn a_session_of_a_work_tree_that_was_removed_comes_after_those_that_are_here() {
    let project = Project::new();
    let gone = project.path(".claude/worktrees/gone");
    make_older(&transcript(&project, "own", ID, &[project.root()], "here"), 60);
    transcript(&project, "other", OTHER, &[&gone], "in a work tree");
    let said = [OTHER, "which is gone"];
    assert_taken(&project.snap(&["save", "x", "--json"]).exits(0).says(&said), ID);
    // Better that one than none.
    let project = Project::new();
    transcript(&project, "other", OTHER, &[&project.path("gone")], "in a folder");
    assert_taken(&project.snap(&["save", "x", "--json"]).exits(0), OTHER);
}

#[test]
fn where_a_session_could_be_expected_none_is_not_success() {
    // Renamed since, and no record names the new place.
    let project = Project::new();
    let old = project.home.path().join("old name");
    let place = transcript(&project, &slug(&old), ID, &[&old], "before the rename");
    let saved = project.snap(&["save", "a", "--json"]).exits(6);
    let words = ["before the rename", "which is gone", "No session of Claude Code was found here"];
    assert_none_taken(&saved.says(&words).says(&[&format!("--session {ID}")]));
    assert_taken(&project.snap(&["save", "b", "--json", "--session", ID]).exits(0), ID);
    // Another project whose folder is there is none of it.
    fs::create_dir(&old).must("a folder");
    project.snap(&["save", "c"]).exits(0);
    fs::remove_file(place).must("to remove");
    // In another work tree.
    let tree = project.home.path().join("tree");
    project.git(&["worktree", "add", "-q", "-b", "side", tree.to_str().must("UTF-8")]);
    transcript(&project, &slug(&tree), OTHER, &[&tree], "in the tree");
    project.snap(&["save", "d"]).exits(6).says(&["in the tree", "another work tree", "--session"]);
    project.git(&["worktree", "remove", tree.to_str().must("UTF-8")]);
    // Of another configuration folder.
    let work = project.home.path().join(".claude-work");
    let path = transcript_in(&work, &slug(project.root()), ID, &[project.root()], "at work");
    let words = ["at work", ".claude-work", path.to_str().must("UTF-8")];
    project.snap(&["save", "e"]).exits(6).says(&words);
}

#[test]
fn what_is_said_of_other_sessions_holds_no_secret() {
    let project = Project::new();
    let token = format!("ghp_{}", "a1B2c3D4e5".repeat(4).get(..36).must("36 letters"));
    let old = project.home.path().join("old");
    transcript(&project, &slug(&old), OTHER, &[&old], &format!("use {token}"));
    let saved = project.snap(&["save", "x"]).exits(6);
    assert!(saved.stderr.contains(OTHER) && !saved.stderr.contains(&token), "{}", saved.stderr);
    let saved = project.snap(&["save", "y", "--session", OTHER]).exits(0);
    assert!(saved.stdout.contains(OTHER) && !saved.stdout.contains(&token), "{}", saved.stdout);
    for arguments in [
        &["doctor", OTHER][..],
        &["doctor", OTHER, "--turns"],
        &["doctor", OTHER, "--turns", "--json"],
        &["doctor", "--all"],
        &["doctor", "--all", "--json"],
        &["doctor", OTHER, "--fix", "--from", "u0"],
        &["status"],
    ] {
        let ran = project.snap(arguments);
        let said = ran.stdout + &ran.stderr;
        assert!(said.contains("ession") && !said.contains(&token), "{arguments:?}: {said}");
    }
    let turns = project.snap(&["doctor", OTHER, "--turns"]);
    assert!(turns.stdout.contains("(left out: it holds a secret)"), "{turns:?}");
}

#[test]
fn half_a_secret_at_the_end_of_what_is_shown_of_a_prompt_is_no_word_of_it() {
    let project = Project::new();
    let token = format!("ghp_{}", "a1B2c3D4e5".repeat(4).get(..36).must("36 letters"));
    let prompt = format!("{} {token}", "word ".repeat(36).trim_end());
    transcript(&project, &slug(project.root()), OTHER, &[project.root()], &prompt);
    for arguments in [&["doctor", OTHER, "--turns"][..], &["doctor", OTHER, "--turns", "--json"]] {
        let said = project.snap(arguments).stdout;
        assert!(!said.contains("ghp_"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_save_says_which_session_it_took() {
    let project = Project::new();
    let place = transcript(&project, "own", ID, &[project.root()], "write a parser\nof any kind");
    let line = |arguments: &[&str]| {
        project.snap(arguments).exits(0).stdout.lines().nth(1).must("a second line").to_owned()
    };
    assert_eq!(line(&["save", "a"]), format!("Session \"write a parser…\" ({ID}), ended."));
    runs(&project, processes()[0], ID, &project.path("sub"), 1);
    let sub = project.path("sub").display().to_string();
    assert_eq!(line(&["save"]), format!("Session \"write a parser…\" ({ID}), running in {sub}."));
    let title = json!({"type": "custom-title", "customTitle": "the parser", "sessionId": ID});
    project.append(&place, format!("{title}\n").as_bytes());
    assert_eq!(line(&["save"]), format!("Session \"the parser\" ({ID}), running in {sub}."));
    let saved = project.snap(&["save", "b", "--json"]).exits(0).json();
    let wanted = json!({"id": ID, "title": "the parser", "prompt": null, "running": true, "cwd": sub});
    assert_eq!(saved["session"], wanted);
}

#[test]
fn where_there_is_nothing_to_save_nothing_is_made() {
    let plain = Project::empty();
    for arguments in [&["save"][..], &["save", "x", "-m", "why"]] {
        plain.snap(arguments).exits(3).says(&["There is nothing to save here", "no git repository", "hint:"]);
    }
    assert_eq!(fs::read_dir(plain.root()).must("the folder").count(), 0);
    assert!(!plain.home.path().join(".local").exists(), "no key either");
    let old = plain.home.path().join("old");
    transcript(&plain, &slug(&old), ID, &[&old], "before");
    plain.snap(&["save"]).exits(3).says(&["before", &format!("--session {ID}")]);
}

#[test]
fn outside_git_the_repositories_inside_are_named() {
    let project = Project::empty();
    project.session(ID);
    for name in ["r1", "deep/r2"] {
        project.git(&["init", "-q", name]);
    }
    // What is in a repository, and what a tool keeps for itself, is not looked for.
    project.git(&["init", "-q", "r1/inner"]);
    project.git(&["init", "-q", ".tool/cache"]);
    let saved = project.snap(&["save", "x"]).exits(6).says(&["not saved: deep/r2", "not saved: r1 ("]);
    assert!(!saved.stderr.contains("inner") && !saved.stderr.contains(".tool"), "{}", saved.stderr);
    let shown = project.snap(&["show", "x"]).exits(0).stdout;
    assert!(shown.contains("r1") && shown.contains("deep/r2"), "{shown}");
}

/// Moves a session's files into another configuration folder; returns it and the transcript there.
fn in_profile(project: &Project, transcript: &Path) -> (PathBuf, PathBuf) {
    let work = project.home.path().join(".claude-work");
    fs::create_dir(&work).must("a folder");
    for kind in ["projects", "tasks", "file-history", "todos"] {
        let from = project.home.config().join(kind);
        if from.exists() {
            fs::rename(from, work.join(kind)).must("to move");
        }
    }
    let there = work.join(transcript.strip_prefix(project.home.config()).must("a path in it"));
    (work, there)
}

/// A session with everything that lies outside of its own folder.
fn whole_session(project: &Project) -> PathBuf {
    let transcript = project.session(ID);
    for (file, text) in [
        (format!("file-history/{ID}/0123456789abcdef@v1"), "before\n"),
        (format!("todos/{ID}-agent-{ID}.json"), r#"[{"content":"test","status":"pending"}]"#),
    ] {
        let path = project.home.config().join(file);
        fs::create_dir_all(path.parent().must("a folder")).must("a folder");
        fs::write(path, text).must("a file");
    }
    transcript
}

#[track_caller]
fn assert_whole(project: &Project, name: &str) -> Value {
    let shown = project.snap(&["show", name, "--json"]).exits(0).json();
    let count = |part: &Value| part.as_array().map_or(0, Vec::len);
    let session = &shown["session"];
    assert_eq!((count(&shown["tasks"]), count(&shown["agents"])), (2, 1));
    assert_eq!((count(&session["files"]), count(&session["elsewhere"])), (1, 1), "{session}");
    shown
}

#[test]
fn a_session_of_another_configuration_folder_comes_with_all_that_it_has_there() {
    let project = Project::new();
    let transcript = whole_session(&project);
    let (work, there) = in_profile(&project, &transcript);
    project
        .snap(&["save", "x", "--session", ID])
        .exits(3)
        .says(&["another configuration folder has it", ".claude-work"]);
    // What the client here would have is another session's.
    fs::create_dir_all(project.home.tasks(ID)).must("a folder");
    fs::write(project.home.tasks(ID).join("9.json"), r#"{"id":"9","subject":"no"}"#).must("a task");
    project.snap(&["save", "x", "--session", there.to_str().must("UTF-8")]).exits(0);
    let shown = assert_whole(&project, "x");
    assert_eq!(shown["workspace"]["config_dir"], work.to_str().must("UTF-8"));
    // With that folder as the client's own it is found by itself.
    let theirs = [("CLAUDE_CONFIG_DIR", work.to_str().must("UTF-8"))];
    assert_taken(&with(&project, &theirs, &["save", "y", "--json"]).exits(0), ID);
    assert_whole(&project, "y");
}

#[test]
fn top_folders_that_are_links_are_read_and_written_through() {
    let project = Project::new();
    let transcript = whole_session(&project);
    let (work, shared) = (project.home.path().join(".claude-b"), project.home.path().join("shared"));
    for folder in [&work, &shared] {
        fs::create_dir(folder).must("a folder");
    }
    for kind in ["projects", "tasks", "file-history", "todos", "plans"] {
        let from = project.home.config().join(kind);
        if from.exists() {
            fs::rename(from, shared.join(kind)).must("to move");
        } else {
            fs::create_dir(shared.join(kind)).must("a folder");
        }
        symlink(shared.join(kind), work.join(kind)).must("a link");
    }
    let theirs = [("CLAUDE_CONFIG_DIR", work.to_str().must("UTF-8"))];
    with(&project, &theirs, &["save", "x"]).exits(0);
    assert_whole(&project, "x");
    let resumed = with(&project, &theirs, &["resume", "x", "--fork", "--json"]).exits(0).json();
    let id = resumed["session_id"].as_str().must("an id");
    let folder = transcript.parent().and_then(Path::file_name).must("a name");
    assert!(shared.join("projects").join(folder).join(format!("{id}.jsonl")).is_file());
    assert!(shared.join("tasks").join(id).join("1.json").is_file());
    for kind in ["projects", "tasks", "file-history", "todos"] {
        assert!(work.join(kind).is_symlink(), "{kind}");
    }
    // An account that shares the transcripts and has live sessions of its own: none of those is continued.
    let other = project.home.path().join(".claude-c");
    fs::create_dir(&other).must("a folder");
    symlink(shared.join("projects"), other.join("projects")).must("a link");
    let theirs = [("CLAUDE_CONFIG_DIR", other.to_str().must("UTF-8"))];
    let sessions = work.join("sessions");
    fs::create_dir(&sessions).must("a folder");
    let pid = processes()[0];
    let live = json!({"pid": pid, "sessionId": ID, "cwd": project.root(), "status": "idle"});
    fs::write(sessions.join(format!("{pid}.json")), live.to_string()).must("a live session");
    let resumed = with(&project, &theirs, &["resume", "x", "--json"]).exits(0).json();
    assert_eq!(resumed["renamed"], true);
    let saved = with(&project, &theirs, &["save", "z", "--json"]).exits(0);
    assert_taken(&saved, ID);
    assert_eq!(
        (&saved.json()["session"]["running"], &saved.json()["tasks"]),
        (&json!(true), &json!(3)),
        "two, and one of an older list"
    );
}

#[test]
fn resume_writes_where_a_client_with_a_folder_of_its_own_name_looks() {
    let project = Project::new();
    let named = [("CLAUDE_CODE_PROJECT_DIR_NAME", "my-project")];
    transcript(&project, "my-project", ID, &[project.root()], "hello");
    assert_taken(&with(&project, &named, &["save", "x", "--json"]).exits(0), ID);
    let resumed = with(&project, &named, &["resume", "x", "--fork", "--json"]).exits(0).json();
    let id = resumed["session_id"].as_str().must("an id");
    let folder = project.home.config().join("projects/my-project");
    assert!(folder.join(format!("{id}.jsonl")).is_file());
    assert!(!project.home.project(project.root()).exists());
}

#[test]
fn status_names_every_session_that_runs_here() {
    let project = Project::new();
    let [one, two] = processes();
    for (pid, id, prompt, updated) in [(one, ID, "the first", 2), (two, OTHER, "the second", 1)] {
        transcript(&project, &slug(project.root()), id, &[project.root()], prompt);
        runs(&project, pid, id, project.root(), updated);
    }
    let status = project.snap(&["status", "--json"]).exits(0).json();
    assert_eq!(status["session"]["id"], ID);
    assert_eq!(status["running_too"][0]["id"], OTHER);
    assert_eq!(status["running_too"][0]["words"], "the second");
    assert_eq!(status["running_too"].as_array().map(Vec::len), Some(1));
    let said = project.snap(&["status"]).exits(0).stdout;
    assert!(
        said.contains("the second") && said.contains(&format!("`snap save --session {OTHER}`")),
        "{said}"
    );
}

#[test]
fn of_one_session_in_a_project_and_in_a_copy_of_it_each_has_its_own() {
    let project = Project::new();
    let copy = project.home.path().join("copy");
    let cp = std::process::Command::new("cp").arg("-a").args([project.root(), &copy]).status();
    assert!(cp.must("cp").success());
    // The copy's goes on after that of the original, and both began in the original.
    make_older(&transcript(&project, &slug(project.root()), ID, &[project.root(); 2], "original"), 60);
    transcript(&project, &slug(&copy), ID, &[project.root(), &copy, &copy], "copied");
    for variables in [&[][..], &[("CLAUDE_CODE_SESSION_ID", ID)]] {
        for (root, prompt) in [(project.root(), "original"), (&copy, "copied")] {
            let saved = ran(project.command(root, &["save", "--json"]).envs(variables.iter().copied()));
            let name = saved.exits(0).json()["name"].as_str().must("a name").to_owned();
            let shown = project.snap_in(root, &["show", &name, "--talk"]).exits(0).stdout;
            assert!(shown.contains(prompt), "{variables:?} {prompt}: {shown}");
        }
    }
}
