//! `snap save`: what it captures, and that it changes nothing else.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use crate::support::Must;
use crate::support::project::{Project, files_below, ran};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

#[test]
fn everything_of_a_session_is_in_the_manifest() {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "one\nTWO\nthree\n");
    project.write("new.txt", "new\n");
    project.write(
        ".claude/settings.local.json",
        r#"{"permissions":{"allow":["Bash(npm run test:*)"]},"env":{"API_TOKEN":"hidden"}}"#,
    );
    let saved = project.snap(&["save", "before api refactor", "-m", "why", "--json"]).exits(0).json();
    assert_eq!(saved["session_id"], ID);

    let shown = project.snap(&["show", "before api refactor", "--json"]).exits(0).json();
    assert_eq!(shown["message"], "why");
    assert_eq!(shown["session"]["title"], "the parser");
    assert_eq!(shown["session"]["model"], "claude-test-1");
    assert_eq!(shown["session"]["mode"], "acceptEdits");
    assert_eq!(shown["session"]["transcript"]["records"], 5);
    assert_eq!(shown["tasks"][0]["subject"], "Write parser");
    assert_eq!(shown["queue"][0], "then test it");
    assert_eq!(shown["agents"][0]["status"], "interrupted");
    assert_eq!(shown["agents"][0]["meta"]["ofNextMonth"][1], 2.5);
    assert_eq!(shown["permissions"]["project"]["allow"][0]["rule"], "Bash(npm run test:*)");
    assert_eq!(shown["not_captured"]["environment"][0], "API_TOKEN");
    assert_eq!(shown["workspace"]["branch"], "main");
    assert_eq!(shown["edits"]["base"], project.git(&["rev-parse", "HEAD"]).trim());
    let paths: Vec<&str> = shown["edits"]["files"]
        .as_array()
        .must("files")
        .iter()
        .filter_map(|file| file["path"].as_str())
        .collect();
    assert_eq!(paths, [".claude/settings.local.json", "a.txt", "new.txt"]);
    let text = shown["edits"]["files"][1]["diff"]["text"].as_str().must("a readable diff");
    assert_eq!(text, "@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n");
    let raw = fs::read_to_string(project.stored("before-api-refactor.json")).must("the manifest");
    assert!(raw.contains("\"status\": \"in_progress\", \"new\": 1.0\n}"), "a task is carried byte for byte");
}

#[test]
fn saving_changes_nothing_outside_the_store() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("a.txt", "changed\n");
    project.write("staged.txt", "staged\n");
    project.git(&["add", "staged.txt"]);
    project.git(&["stash", "list"]);
    // Touched, so that a plain `git status` would want to refresh the index.
    project.write("b.txt", "stays\n");
    let stamps = || -> Vec<String> {
        let mut files = files_below(project.root());
        files.push(transcript.clone());
        // The refs that keep the base commit and its tree from garbage collection are ours.
        let ours = ["refs/snap", "refs/snap-trees"].map(|refs| project.path(".git").join(refs));
        let ours = [project.stored("")].into_iter().chain(ours).collect::<Vec<_>>();
        let own = |path: &std::path::PathBuf| ours.iter().any(|own| path.starts_with(own));
        let stamp = |path: &std::path::PathBuf| {
            let meta = path.symlink_metadata().must("metadata");
            format!("{} {} {} {}.{}", path.display(), meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec())
        };
        files.iter().filter(|path| !own(path)).map(stamp).collect()
    };
    let before = stamps();
    project.snap(&["save", "x"]).exits(0);
    assert_eq!(stamps(), before);
}

#[test]
fn the_base_commit_survives_garbage_collection_as_long_as_the_snapshot() {
    let project = Project::new();
    project.write("b.txt", "to be thrown away\n");
    project.git(&["commit", "-qam", "abandoned"]);
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    let base = project.git(&["rev-parse", "HEAD"]).trim().to_owned();
    project.git(&["checkout", "-q", "--", "a.txt"]);
    project.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let collect = || {
        project.git(&["reflog", "expire", "--expire=now", "--all"]);
        project.git(&["gc", "-q", "--prune=now"]);
        project.try_git(&["cat-file", "-e", &base])
    };
    assert!(collect(), "the snapshot keeps its base");
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.read("b.txt"), b"to be thrown away\n");
    project.snap(&["undo"]).exits(0);
    project.snap(&["rm", "x"]).exits(0);
    assert!(collect(), "it is in the trash, and `undo` brings it back");
    project.snap(&["prune", "--now"]).exits(0);
    assert!(!collect(), "without the snapshot, nothing does");
}

#[test]
fn the_store_is_private_and_never_committed_by_accident() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    let store = project.stored("");
    assert_eq!(store.metadata().must("the store").permissions().mode() & 0o777, 0o700);
    for file in files_below(&store) {
        assert_eq!(file.metadata().must("a file").permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    project.git(&["add", "--all"]);
    assert_eq!(project.git(&["diff", "--cached", "--name-only"]), "");
}

#[test]
fn the_same_state_is_saved_once_unless_it_gets_a_name_of_its_own() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "first"]).exits(0);
    let again = project.snap(&["save", "--json"]).exits(0).json();
    assert_eq!((&again["written"], &again["unchanged_since"]), (&false.into(), &"first".into()));
    let named = project.snap(&["save", "second", "--json"]).exits(0).json();
    assert_eq!((&named["written"], &named["unchanged_since"]), (&true.into(), &"first".into()));
    project.write("a.txt", "changed\n");
    let changed = project.snap(&["save", "--json"]).exits(0).json();
    assert_eq!((&changed["written"], &changed["unchanged_since"]), (&true.into(), &serde_json::Value::Null));
}

#[test]
fn a_taken_or_misleading_name_is_refused_and_nothing_is_written() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    let files = project.stored_files().len();
    project.snap(&["save", "x"]).exits(3).says(&["already", "snap rm"]);
    project.snap(&["save", "latest"]).exits(2).says(&["newest"]);
    project.snap(&["save", "a\u{1b}[2J"]).exits(2).says(&["\\x1b"]);
    assert_eq!(project.stored_files().len(), files);
}

#[test]
fn names_that_differ_only_in_case_get_files_that_differ_anywhere() {
    let project = Project::new();
    project.snap(&["save", "Alpha"]).exits(0);
    project.snap(&["save", "alpha"]).exits(0);
    assert!(project.stored("alpha.json").exists() && project.stored("alpha-2.json").exists());
    assert_eq!(project.snap(&["show", "Alpha", "--json"]).exits(0).json()["name"], "Alpha");
    assert_eq!(project.snap(&["show", "alpha", "--json"]).exits(0).json()["name"], "alpha");
}

#[test]
fn a_torn_last_line_is_kept_aside_and_every_whole_record_is_kept() {
    let project = Project::new();
    let transcript = project.session(ID);
    let mut bytes = fs::read(&transcript).must("the transcript");
    bytes.extend_from_slice(b"{\"type\":\"user\",\"message\":{\"content\":\"half a rec");
    fs::write(&transcript, bytes).must("a torn transcript");
    project.snap(&["save", "torn"]).exits(0).says(&["incomplete"]);
    let shown = project.snap(&["show", "torn", "--json"]).exits(0).json();
    assert_eq!(shown["session"]["transcript"]["records"], 5);
    assert_eq!(
        shown["session"]["transcript"]["torn"]["text"],
        "{\"type\":\"user\",\"message\":{\"content\":\"half a rec"
    );
}

#[test]
fn what_can_not_be_saved_is_named_and_the_exit_code_says_so() {
    let project = Project::new();
    project.write("huge", vec![7; 11 << 20]);
    project.write("nested/.git/HEAD", "ref: refs/heads/main\n");
    fs::create_dir_all(project.path("nested/.git/objects")).must("a folder");
    fs::create_dir_all(project.path("nested/.git/refs")).must("a folder");
    project.write("nested/inner.txt", "inner\n");
    let ran =
        project.snap(&["save", "x"]).exits(6).says(&["huge", "10 MiB", "nested", "separate repository"]);
    assert!(ran.stdout.starts_with("Saved \"x\""), "{}", ran.stdout);
}

#[test]
fn what_would_be_left_out_can_be_included_and_comes_back() {
    let project = Project::new();
    project.write(".gitignore", "*.log\n");
    project.git(&["add", ".gitignore"]);
    project.git(&["commit", "-qm", "ignore"]);
    project.write("build.log", "wanted\n");
    project.write("other.log", "not wanted\n");
    project.write("huge", vec![7; 11 << 20]);
    for number in 0..250 {
        project.write(format!("node_modules/p/{number}"), "generated\n");
    }
    project.snap(&["save", "without"]).exits(6).says(&["node_modules/", "250 untracked files", "huge"]);
    project
        .snap(&["save", "with", "--include", "build.*", "--include", "huge", "--include", "node_modules"])
        .exits(0);
    let clone = project.cloned();
    let store = project.stored("");
    clone.snap(&["resume", "with", "--store", store.to_str().must("UTF-8")]).exits(0);
    assert_eq!(clone.read("build.log"), b"wanted\n");
    assert_eq!(clone.read("huge").len(), 11 << 20);
    assert_eq!(files_below(&clone.path("node_modules")).len(), 250);
    assert!(!clone.path("other.log").exists());
    // Going back to the snapshot without them leaves them alone.
    project.snap(&["rewind", "without"]).exits(0);
    assert_eq!(files_below(&project.path("node_modules")).len(), 250);
}

#[test]
fn the_limits_for_untracked_files_can_be_moved_both_ways() {
    let project = Project::new();
    project.write("huge", vec![7; 11 << 20]);
    project.write("notes.txt", "twenty bytes of text");
    for number in 0..250 {
        project.write(format!("node_modules/p/{number}"), "generated\n");
    }
    let files = |name: &str| {
        let shown = project.snap(&["show", name, "--json"]).exits(0).json();
        shown["edits"]["files"].as_array().must("files").len()
    };
    project.snap(&["save", "all", "--max-file", "12MiB", "--max-files", "250"]).exits(0);
    assert_eq!(files("all"), 252);
    project.snap(&["save", "least", "--max-file", "19", "--max-files", "0"]).exits(6).says(&[
        "notes.txt (untracked, and larger than 19 bytes (20 bytes); `--include` or `--max-file` saves it)",
        "node_modules/ (250 untracked files",
    ]);
    assert_eq!(files("least"), 0);
    project.snap(&["save", "odd", "--max-file", "much"]).exits(2);
}

#[test]
fn without_a_session_edits_and_grants_are_saved_and_that_is_said() {
    let project = Project::new();
    project.write("a.txt", "changed\n");
    project.snap(&["save", "x"]).exits(0).says(&["No session"]);
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    assert_eq!(shown["session"], serde_json::Value::Null);
    assert_eq!(shown["edits"]["files"].as_array().map(Vec::len), Some(1));
}

#[test]
fn links_are_captured_as_links_and_never_followed() {
    let project = Project::new();
    symlink("/etc/hostname", project.path("link")).must("a link");
    project.snap(&["save", "x"]).exits(0);
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    assert_eq!(shown["edits"]["files"][0]["new"]["mode"], "120000");
    assert_eq!(shown["edits"]["files"][0]["diff"]["text"], "/etc/hostname");
}

#[test]
fn of_two_projects_that_share_a_folder_name_only_the_own_session_is_found() {
    let project = Project::new();
    let transcript = project.session(ID);
    // `a.b` and `a-b` give the same folder: the session's own `cwd` decides.
    let text = fs::read_to_string(&transcript).must("the transcript");
    let elsewhere = text.replace(project.root().to_str().must("UTF-8"), "/some/other/app");
    let other = transcript.with_file_name("99999999-0000-4000-8000-000000000000.jsonl");
    fs::write(other, elsewhere).must("another transcript, written later");
    assert_eq!(project.snap(&["save", "x", "--json"]).exits(0).json()["session_id"], ID);
}

#[test]
fn a_session_can_be_named_by_id_prefix_path_or_environment() {
    let project = Project::new();
    let transcript = project.session(ID);
    let newer = "dddddddd-0000-4000-8000-000000000000";
    project.session(newer);
    let saved = |arguments: &[&str]| project.snap(arguments).exits(0).json()["session_id"].clone();
    assert_eq!(saved(&["save", "a", "--json", "--session", ID]), ID);
    assert_eq!(saved(&["save", "b", "--json", "--session", "c137e3"]), ID);
    assert_eq!(saved(&["save", "c", "--json", "--session", transcript.to_str().must("UTF-8")]), ID);
    let mut command = project.command(project.root(), &["save", "d", "--json"]);
    let ran = crate::support::project::ran(command.env("CLAUDE_CODE_SESSION_ID", ID)).exits(0);
    assert_eq!(ran.json()["session_id"], ID);
    project.snap(&["save", "e", "--session", "no-such"]).exits(3).says(&["no-such", "hint:"]);
}

#[test]
fn a_second_save_of_a_grown_session_stores_only_what_is_new() {
    let project = Project::new();
    let transcript = project.session(ID);
    let mut text = fs::read_to_string(&transcript).must("the transcript");
    for number in 0..20_000 {
        text += &format!(
            "{{\"type\":\"system\",\"uuid\":\"s{number}\",\"sessionId\":\"{ID}\",\"x\":\"{number:0200}\"}}\n"
        );
    }
    fs::write(&transcript, &text).must("a long transcript");
    project.snap(&["save", "one"]).exits(0);
    let before = project.objects();
    text += "{\"type\":\"system\",\"x\":\"appended\"}\n";
    fs::write(&transcript, &text).must("a longer transcript");
    project.snap(&["save", "two"]).exits(0);
    let after = project.objects();
    assert!(before.len() > 5, "{} objects", before.len());
    assert_eq!(after.len(), before.len() + 1, "only the last piece differs");
}

#[test]
fn what_is_snaps_own_is_never_an_edit_even_if_it_is_asked_for() {
    let project = Project::empty();
    project.git(&["init", "-q", "-b", "main"]);
    project.write(".claude/agents/a.md", "an agent\n");
    project.snap(&["save", "one", "-m", "x"]).exits(0);
    let elsewhere = project.path("elsewhere");
    // The user's keys lie in the work tree, as if their home were one.
    let save = |name: &str, more: &[&str]| {
        let typed = [&["save", name, "-m", "x", "--json", "--include", "**"], more].concat();
        let state = project.path(".local/state");
        ran(project.command(project.root(), &typed).env("XDG_STATE_HOME", state)).exits(0);
        let shown = ran(&mut project.command(project.root(), &[&["show", name, "--json"], more].concat()));
        let files = shown.exits(0).json()["edits"]["files"].as_array().must("files").clone();
        files.iter().filter_map(|file| Some(file["path"].as_str()?.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(save("two", &[]), [".claude/agents/a.md"]);
    assert_eq!(save("three", &[]), [".claude/agents/a.md"]);
    let elsewhere = elsewhere.to_str().must("UTF-8");
    assert_eq!(save("four", &["--store", elsewhere]), [".claude/agents/a.md"]);
    assert_eq!(save("five", &["--store", elsewhere]), [".claude/agents/a.md"]);
}

#[test]
fn savers_in_the_same_second_all_find_a_name() {
    let project = Project::new();
    let savers: Vec<_> = (0..6)
        .map(|n| {
            project.write(format!("{n}.txt"), format!("{n}\n"));
            let mut save = project.command(project.root(), &["save", "-m", "at once"]);
            save.stderr(std::process::Stdio::piped()).spawn().must("to run snap")
        })
        .collect();
    for saver in savers {
        let ended = saver.wait_with_output().must("to end");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let all = project.snap(&["list", "--json"]).exits(0).json();
    assert_eq!(all.as_array().must("a list").len(), 6);
}

#[test]
fn with_quiet_a_save_says_nothing_unless_it_is_asked_for_json() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    let ran = project.snap(&["save", "x", "--quiet"]).exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    assert_eq!(project.snap(&["save", "y", "--quiet", "--json"]).exits(0).json()["name"], "y");
}

#[test]
fn a_name_that_is_taken_is_refused_with_a_time_that_people_read() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    let ran = project.snap(&["save", "x"]).exits(3);
    assert!(ran.stderr.contains(" UTC\n") && !ran.stderr.contains("T0"), "{}", ran.stderr);
}

#[test]
fn where_no_variable_names_the_user_the_systems_list_does() {
    let project = Project::new();
    let mut command = project.command(project.root(), &["save", "x", "--json"]);
    let ran = command.env_remove("USER").env_remove("LOGNAME").output().must("to run");
    assert!(ran.status.success());
    let whoami = std::process::Command::new("id").arg("-un").output().must("to run");
    let name = String::from_utf8_lossy(&whoami.stdout).trim().to_owned();
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    assert_eq!(shown["created_by"]["user"], name.as_str());
}

#[test]
fn what_a_save_was_told_to_take_is_in_the_later_ones_too_until_that_is_taken_back() {
    let project = Project::new();
    project.write(".gitignore", "*.log\n");
    project.write("wanted.log", "wanted\n");
    project.write("huge", vec![7; 11 << 20]);
    let files = |name: &str| {
        let shown = project.snap(&["show", name, "--json"]).exits(0).json();
        let files = shown["edits"]["files"].as_array().must("files").clone();
        files.iter().filter_map(|file| Some(file["path"].as_str()?.to_owned())).collect::<Vec<_>>()
    };
    let all = [".gitignore", "huge", "wanted.log"].map(str::to_owned);
    let next = |text: &str| project.write("a.txt", text);
    let saved = |more: &[&str]| project.snap(&[&["save"], more].concat());
    saved(&["one", "--include", "wanted.log", "--max-file", "12MiB"]).exits(0);
    assert_eq!(files("one"), all);
    next("two\n");
    saved(&["two"]).exits(0).says(&[
        "also saved, because an earlier save included it",
        "huge, wanted.log",
        "`--no-include`",
    ]);
    assert!(all.iter().all(|path| files("two").contains(path)), "{:?}", files("two"));
    // Also behind a rewind to before that.
    project.snap(&["rewind", "one", "--no-input", "--no-run"]).exits(0);
    next("three\n");
    saved(&["three"]).exits(0);
    assert!(all.iter().all(|path| files("three").contains(path)), "{:?}", files("three"));
    // Limits that are typed hold for all, and what they leave out is named.
    next("four\n");
    saved(&["four", "--max-file", "10MiB"]).exits(6).says(&["not saved: huge", "included it: wanted.log"]);
    saved(&["five", "--include", "wanted.log"]).exits(0);
    next("six\n");
    let without = saved(&["six", "--no-include", "--max-file", "20MiB"]).exits(0);
    assert!(!without.stderr.contains("wanted.log"), "{}", without.stderr);
    assert_eq!(files("six"), [".gitignore", "a.txt", "huge"]);
}

#[test]
fn status_names_the_files_that_no_save_takes_and_counts_them_as_no_change() {
    let project = Project::new();
    project.snap(&["save", "one", "-m", "x"]).exits(0);
    project.write("huge", vec![7; 11 << 20]);
    let status = || project.snap(&["status"]).exits(0).stdout;
    let said = status();
    assert!(said.contains("no file has changed since"), "{said}");
    assert!(
        said.contains("not in it, too large or too many: huge (`snap save --include PATTERN`)"),
        "{said}"
    );
    let newest = project.snap(&["status", "--json"]).exits(0).json()["newest"].clone();
    assert_eq!((&newest["changed"], &newest["left_out"]), (&0.into(), &1.into()), "{newest}");
    (0..201).for_each(|number| project.write(format!("node_modules/x/{number}"), "x"));
    let said = status();
    assert!(said.contains("too many: huge, node_modules/ (201 files) (`snap save"), "{said}");
    std::fs::remove_dir_all(project.path("node_modules")).must("removed");
    project.snap(&["save", "two", "--include", "huge"]).exits(0);
    assert!(!status().contains("huge"));
}

#[test]
fn many_files_that_are_not_saved_are_folded_to_a_count() {
    let project = Project::new();
    for number in 10..40 {
        project.write(format!("new-{number}"), "x\n");
    }
    let said = project.snap(&["save", "x", "--max-file", "0"]).exits(6);
    assert_eq!(said.stderr.matches("not saved: new-").count(), 8, "{}", said.stderr);
    said.says(&["not saved: new-10 (", "not saved: 22 more; `snap show x` lists them"]);
    let shown = project.snap(&["show", "x"]).exits(0).stdout;
    assert!(shown.contains("new-39"), "{shown}");
}
