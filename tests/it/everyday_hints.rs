//! What is said where something does not work leads on: it names what is there, what was meant, and a command that works.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::handoff_remote::{colleague, shim, utf8, with_remote};
use crate::hooks::{ID, hook};
use crate::real_client::on_terminal;
use crate::support::Must;
use crate::support::disk::{SmallDisk, fill};
use crate::support::project::{Project, Ran, ran};

/// A project with snapshots `one` and `two`.
fn with_two() -> Project {
    let project = Project::new();
    for name in ["one", "two"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    project
}

#[test]
fn an_option_without_a_value_is_no_value() {
    let project = with_two();
    for typed in
        [&["save", "--include", ""][..], &["save", "--session", ""], &["save", "-m", ""], &["doctor", ""]]
    {
        project.snap(typed).exits(2).says(&["a value is required"]);
    }
}

#[test]
fn a_name_that_people_take_for_something_else_is_refused() {
    let project = with_two();
    for name in ["..", ".", "/", "*", "@", "Latest", "LATEST~1"] {
        project.snap(&["save", name, "-m", "x"]).exits(2).says(&["can't be a snapshot's name"]);
        project.snap(&["branch", name]).exits(2).says(&["can't be the name of a line"]);
    }
    project.snap(&["save", "\u{1f680}", "-m", "x"]).exits(0);
}

#[test]
fn hints_of_the_commands_for_a_remote_work_as_they_are_typed() {
    let (project, _) = with_remote();
    project.snap(&["pull", "wip"]).exits(3).says(&["there is origin", "`snap pull origin wip`"]);
    project.snap(&["pull", "orign"]).exits(3).says(&["did you mean origin?"]);
    project.snap(&["log", "--remote", "orign"]).exits(3).says(&["did you mean origin?"]);
    project.snap(&["rm", "--remote", "origin"]).exits(2).says(&["`snap list --remote origin` lists them"]);
    for option in ["--force", "-f"] {
        project.snap(&["push", option]).exits(2).says(&["a snapshot never changes", "`snap push`"]);
    }
    project.write("a.txt", "x");
    project.snap(&["save", "another one"]).exits(0);
    project.snap(&["push", "origin", "another one"]).exits(0);
    let listed = |words: &[&str]| project.snap(&[&["list", "--remote", "origin"], words].concat()).exits(0);
    assert!(listed(&["ANOTHER", "one"]).stdout.contains("another one"));
    let none = listed(&["nothing"]);
    assert!(none.stdout.is_empty() && none.stderr.contains("None of "), "{none:?}");
}

#[test]
fn what_was_taken_from_a_remote_gets_there_again_by_the_push_that_undo_names() {
    let (project, _) = with_remote();
    project.write("a.txt", "x");
    project.snap(&["save", "two words"]).exits(0);
    project.snap(&["push", "origin", "two words"]).exits(0);
    project.snap(&["rm", "--remote", "origin", "two words"]).exits(0);
    let said = project.snap(&["undo"]).exits(3).says(&["gone from origin"]).stderr;
    assert!(said.contains("`snap push origin 'two words'`"), "{said}");
    project.snap(&["push", "origin", "two words"]).exits(0);
}

#[test]
fn an_agent_that_is_not_there_is_answered_with_those_that_are() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "one"]).exits(0);
    project.snap(&["show", "one", "--agent", "x"]).exits(3).says(&["ag1 (look around)"]);
    project.snap(&["show", "on@root"]).exits(3).says(&["did you mean \"one\"?"]);
}

#[test]
fn an_age_of_nothing_removes_nothing() {
    let project = with_two();
    for age in ["0s", "0d"] {
        project.snap(&["prune", "--older-than", age]).exits(2).says(&["`--keep-last 0` removes all"]);
    }
    assert_eq!(project.snap(&["list", "--json"]).exits(0).json().as_array().must("a list").len(), 2);
}

#[test]
fn what_brings_several_back_names_the_newest_first() {
    let project = with_two();
    project.write("a.txt", "three");
    project.snap(&["save", "three"]).exits(0);
    project.snap(&["rm", "two", "three", "one"]).exits(0);
    project.snap(&["undo"]).exits(0).says(&["\"three\", \"two\", \"one\" are back"]);
}

#[test]
fn a_map_that_maps_nothing_and_a_wrong_word_to_revive_are_said() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "one"]).exits(0);
    let resume = |more: &[&str]| project.snap(&[&["resume", "one", "--no-run"], more].concat());
    resume(&["--map", "/no/where=/else/where"]).exits(0).says(&["`--map /no/where=…` maps nothing"]);
    resume(&["--map", "/no/where=/x", "--no-session"]).exits(0).says(&["no session is restored"]);
    resume(&["--map", "a=b"]).exits(2).says(&["with absolute paths"]);
    resume(&["--revive", "foo"]).exits(2).says(&["`cron:ID`"]);
}

#[test]
fn a_store_that_a_variable_names_is_blamed_on_that_variable() {
    let project = with_two();
    let with = |arguments: &[&str]| {
        ran(project.command(project.root(), arguments).env("SNAP_STORE", project.path("typo")))
    };
    with(&["list"]).exits(3).says(&["the variable SNAP_STORE names that folder", "`unset SNAP_STORE`"]);
    with(&["save", "x"]).exits(0).says(&["SNAP_STORE names ", "this makes one"]);
    let again = with(&["save", "y", "-m", "x"]).exits(0);
    assert!(!again.stderr.contains("SNAP_STORE"), "{}", again.stderr);
}

#[test]
fn what_cannot_be_printed_is_a_failure_for_help_too() {
    let project = with_two();
    for typed in [&["--help"][..], &["help", "save"], &["list"], &["show"], &["diff"], &["man"]] {
        let full = fs::File::options().write(true).open("/dev/full").must("/dev/full");
        let ran = project
            .command(project.root(), typed)
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .must("it runs");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(7), "{typed:?}: {said}");
        assert!(said.contains("Cannot write "), "{typed:?}: {said}");
    }
}

#[test]
fn the_name_that_was_typed_is_in_every_suggested_command() {
    let project = with_two();
    let long = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_snap"));
        let usual = project.command(project.root(), arguments);
        command.arg0("claude-snap").args(arguments).current_dir(project.root()).env_clear();
        command.envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
        ran(&mut command)
    };
    let said = |ran: Ran| ran.stdout + &ran.stderr;
    for typed in
        [&["diff", "--cached"][..], &["diff", "--context", "1", "-"], &["list", "nothing"], &["show", "on"]]
    {
        let said = said(long(typed));
        let short = said.split(['`', '|', '&']).any(|part| part.trim_start().starts_with("snap "));
        assert!(!short, "{typed:?}: {said}");
    }
    assert!(said(long(&["diff", "--cached"])).contains("| claude-snap diff -"));
}

#[test]
fn a_prune_in_the_client_has_no_tabs_for_programs() {
    let project = with_two();
    let input = json!({"hook_event_name": "UserPromptSubmit", "session_id": ID, "cwd": project.root(),
        "prompt": "/snapshot prune --dry-run --older-than 7d"});
    let said = hook(&project, "UserPromptSubmit", &input).exits(0).json()["reason"].clone();
    let said = said.as_str().must("an answer");
    assert!(said.contains("keep \"two\": ") && !said.contains("\\t"), "{said}");
}

#[test]
fn a_full_disk_is_that_of_the_store_that_was_named_or_of_the_file_that_is_written() {
    let project = Project::new();
    let place = project.home.path().join("small");
    let Some(_disk) = SmallDisk::on(&place, 300, "a disk that fills up") else { return };
    let store = place.join("a store");
    let named = ["--store", utf8(&store)];
    project.write("noise", crate::failures::noise(1, 400_000));
    project
        .snap(&[&["save", "x"], &named[..]].concat())
        .exits(7)
        .says(&[&format!("the disk of {}", place.display())]);
    fs::remove_file(project.path("noise")).must("removed");
    project.write("a.txt", "small\n");
    project.snap(&[&["save", "small"], &named[..]].concat()).exits(0);
    project.write("noise", crate::failures::noise(1, 400_000));
    let refused = project.snap(&[&["save", "x"], &named[..]].concat()).exits(7);
    refused.says(&["`snap rm REF --now --store ", "a store'`", &format!("the disk of {}", store.display())]);
    project.snap(&["save", "x"]).exits(0);
    let filled = fill(&place);
    for typed in [&["export", "x", "-o"][..], &["report", "x", "-o"]] {
        let file = place.join("out.html");
        let said = project.snap(&[typed, &[utf8(&file)]].concat()).exits(7).stderr;
        assert!(said.contains("the disk of that file is full") && !said.contains("prune"), "{said}");
    }
    fs::remove_file(filled).must("removed");
}

#[test]
fn a_damaged_part_is_said_to_be_lost_only_where_nothing_has_it() {
    let project = Project::new();
    project.session(ID);
    let content = (0..20_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>();
    project.write("b.bin", &content);
    project.snap(&["save", "x"]).exits(0);
    let largest = project.objects().into_iter().max_by_key(|object| object.metadata().must("there").len());
    fs::write(largest.must("an object"), "damaged").must("written");
    project.write("b.bin", "since");
    let said = project.snap(&["rewind", "x", "--no-run"]).exits(5).stderr;
    for word in ["`snap verify --repair`", "`--no-edits`", "`--no-session`"] {
        assert!(said.contains(word), "{said}");
    }
    assert!(!said.contains("is lost"), "{said}");
    project.write("b.bin", &content);
    project.snap(&["verify", "--repair"]).exits(0);
    project.write("b.bin", "since");
    project.snap(&["rewind", "x", "--no-run"]).exits(0);
    assert_eq!(project.read("b.bin"), content);
}

#[test]
fn a_save_under_the_name_of_somebody_elses_says_what_that_is_called_now() {
    let (project, remote) = with_remote();
    let other = colleague(&project, &remote).of_another_user();
    other.write("a.txt", "theirs");
    other.snap(&["save", "shared name"]).exits(0);
    other.snap(&["push", "origin", "shared name"]).exits(0);
    project.snap(&["pull", "origin", "shared name"]).exits(0);
    project.write("a.txt", "mine");
    let said = project.snap(&["save", "shared name"]).exits(0).stderr;
    let name = said.split("it is called ").nth(1).and_then(|rest| rest.split(" from now on").next());
    let name = name.must("another name").trim_matches('\'');
    assert!(name.starts_with("shared name@"), "{said}");
    project.snap(&["show", name]).exits(0);
    project.snap(&["save", name]).exits(3).says(&["is what a snapshot of another user is called"]);
}

#[test]
fn what_show_has_more_of_than_the_screen_goes_through_the_pager() {
    let project = Project::new();
    for number in 0..40 {
        project.write(format!("new/{number}"), "new\n");
    }
    project.snap(&["save", "x"]).exits(0);
    let shown = |lines: &str| {
        let mut command = project.command(project.root(), &["show", "x"]);
        command.env("COLUMNS", "80").env("LINES", lines).env("TERM", "xterm").env("NO_COLOR", "1");
        on_terminal(command.env("PAGER", "sed s/^/PAGED/"))
    };
    assert!(shown("20").contains("PAGED"), "{}", shown("20"));
    assert!(!shown("90").contains("PAGED"));
}

#[test]
fn long_lines_of_doctor_break_between_words() {
    let project = Project::new();
    let transcript = project.session(ID);
    let words = "abcdefg hijklmn opqrstu ".repeat(8);
    let more = json!({"type": "user", "uuid": "u3", "parentUuid": "u2", "sessionId": ID, "cwd": project.root(),
        "version": "2.1.329", "timestamp": "2026-11-21T01:20:35.028Z",
        "message": {"role": "user", "content": words}});
    project.append(&transcript, format!("{more}\n").as_bytes());
    for typed in [&["doctor", "--all"][..], &["doctor", "--turns"]] {
        let mut command = project.command(project.root(), typed);
        command.env("COLUMNS", "60").env("LINES", "90").env("TERM", "xterm").env("NO_COLOR", "1");
        let text = on_terminal(command.env("PAGER", "cat"));
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    }
}

#[test]
fn a_read_only_store_is_told_with_what_works_and_that_works() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    let Some(_disk) = SmallDisk::under(&project, 4_096) else { return };
    project.snap(&["save", "x"]).exits(0);
    let store = project.stored("");
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(&store).status().must("mount");
    assert!(remounted.success());
    project.write("a.txt", "since\n");
    let refused = project.snap(&["save", "y"]).exits(7);
    refused.says(&["the disk is read-only", "with `--store DIR`, `snap save` writes to another folder"]);
    let copy = project.home.path().join("copy");
    assert!(Command::new("cp").arg("-a").args([&store, &copy]).status().must("cp").success());
    let copy = utf8(&copy);
    project.snap(&["save", "y", "--store", copy]).exits(0);
    project.snap(&["rewind", "x", "--store", copy, "--no-input", "--no-run"]).exits(0);
    assert_eq!(project.read("a.txt"), b"saved\n");
    project.snap(&["undo", "--store", copy]).exits(0);
    assert_eq!(project.read("a.txt"), b"since\n");
}

#[test]
fn who_cannot_write_the_first_time_is_told_what_works_and_that_works() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    let claude = project.path(".claude");
    let Some(_disk) = SmallDisk::on(&claude, 1_024, "a disk that is full from the start") else { return };
    let elsewhere = project.home.path().join("elsewhere");
    let filler = fill(&claude);
    let told = |typed: &[&str], says: &[&str]| {
        let refused = project.snap(typed).exits(7).says(says);
        assert!(!refused.stderr.contains("prune") && !refused.stderr.contains("snap-tmp"), "{refused:?}");
    };
    let free = format!("free some space on the disk of {}", claude.display());
    let both = [&free, "`--store DIR` keeps snapshots in a folder on another disk"];
    told(&["save", "x"], &both);
    told(&["init", "--local"], &[&free, "`snap init --user` is for all projects"]);
    project.snap(&["save", "x", "--store", utf8(&elsewhere)]).exits(0);
    fs::remove_file(filler).must("to free some space");
    project.snap(&["save", "x"]).exits(0);

    // With something to remove, that is named, and it is enough.
    let noise: String =
        (0..40_000_u64).map(|at| format!("{:x}", at.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    project.write("noise.txt", noise);
    project.snap(&["save", "large"]).exits(0);
    fs::remove_file(project.path("noise.txt")).must("removed");
    project.write("b.txt", "edited\n");
    let filler = fill(&claude);
    let refused = project.snap(&["save", "y"]).exits(7);
    refused.says(&["free some space", "`snap rm REF --now` frees some, and needs none itself"]);
    project.snap(&["rm", "large", "--now", "--yes"]).exits(0);
    project.snap(&["save", "y"]).exits(0);
    fs::remove_file(filler).must("to free some space");

    let remount = |how: &str| {
        let remounted = Command::new("mount").args(["-o", how]).arg(&claude).status().must("mount");
        assert!(remounted.success());
    };
    fs::remove_dir_all(project.stored("")).must("no store");
    remount("remount,ro");
    told(&["save", "x"], &["the disk is read-only", "`--store DIR` keeps snapshots in another folder"]);
    told(&["init", "--local"], &["the disk is read-only", "`snap init --user` is for all projects"]);
    project.snap(&["init", "--user"]).exits(0);
    let from = ["--store", utf8(&elsewhere)];
    for typed in [&["report", "x", "-o", ".claude/x.html"][..], &["export", "x", "-o", ".claude/x.snap"]] {
        let file = format!("Cannot write {}/x.", claude.display());
        told(&[typed, &from].concat(), &[&file, "the disk is read-only", "with `-o FILE`"]);
    }
    remount("remount,rw");
}

#[test]
fn a_merge_is_advised_only_where_git_can_make_one_and_in_the_words_of_its_command() {
    let project = with_two();
    project.write("a.txt", "since\n");
    let dry = ["resume", "one", "--dry-run"];
    project.snap(&dry).exits(4).says(&["`--merge` merges the two", "`snap rewind one`"]);
    let old =
        shim(&project, "for word; do [ \"$word\" = version ] && echo git version 2.39.5 && exit 0; done");
    let said = ran(project.command(project.root(), &dry).env("PATH", old)).exits(4).stderr;
    assert!(!said.contains("`--merge` merges the two"), "{said}");
    assert!(said.contains("hint: `snap rewind one` puts") && said.contains("this is 2.39.5"), "{said}");

    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "ours"]);
    project.git(&["checkout", "-q", "-b", "theirs", "HEAD~1"]);
    project.write("a.txt", "theirs\n");
    project.git(&["commit", "-qam", "theirs"]);
    assert!(!project.try_git(&["merge", "-q", "main"]));
    let refused = project.snap(&["merge", "one"]).exits(4);
    refused.says(&["an unfinished merge", "`snap resume REF --worktree BRANCH` restores beside it"]);
}

/// What is said of a line stands in the log alone.
#[test]
fn on_a_read_only_disk_nothing_is_said_of_a_line_and_nothing_is_claimed() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    let Some(_disk) = SmallDisk::under(&project, 4_096) else { return };
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["branch", "named", "x"]).exits(0);
    project.write("a.txt", "saved again\n");
    project.snap(&["save", "y"]).exits(0);
    let remount = |how: &str| {
        let remounted =
            Command::new("mount").args(["-o", how]).arg(project.stored("")).status().must("mount");
        assert!(remounted.success());
    };
    remount("remount,ro");
    let refused = [
        &["close", "x"][..],
        &["branch", "other", "y"],
        &["branch", "--remove", "named"],
        &["pin", "x"],
        &["rm", "x"],
    ];
    for typed in refused {
        project.snap(typed).exits(7).says(&["the disk is read-only"]);
    }
    // A removal that failed has done no half of it: nothing is in the trash, and each manifest has its second copy.
    let second = project.stored("objects/manifests/x.json");
    assert!(second.exists() && !project.stored("objects/trash").exists());
    remount("remount,rw");
    project.snap(&["close", "x"]).exits(0).says(&["is closed"]);
    remount("remount,ro");
    project.snap(&["reopen", "x"]).exits(7).says(&["the disk is read-only"]);
    project.snap(&["close", "x"]).exits(0).says(&["closed already"]);
    let lines = project.snap(&["branch", "--json"]).exits(0).json().to_string();
    assert!(lines.contains("\"named\"") && !lines.contains("\"other\""), "{lines}");
}

#[test]
fn a_device_is_no_file_to_be_removed_or_written_over() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    for place in ["/dev/null", "/dev/full"] {
        for typed in [
            &["export", "x", "-o", place][..],
            &["report", "x", "-o", place],
            &["report", "x", "--force", "-o", place],
        ] {
            let ran = project.snap(typed).exits(3);
            let ran = ran.says(&["it is no plain file", "`-o -` writes to standard output"]);
            assert!(
                !ran.stderr.contains("remove that one") && !ran.stderr.contains("--force"),
                "{typed:?}: {}",
                ran.stderr
            );
        }
    }
}

#[test]
fn the_remote_that_a_hint_names_is_one_that_there_is() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    let alone = project.snap(&["pull"]).exits(3);
    assert!(
        !alone.stderr.contains("origin origin") && !alone.stderr.contains("`snap pull"),
        "{}",
        alone.stderr
    );
    for typed in ["pull", "push"] {
        let said = project
            .snap(&[typed, "x"])
            .exits(3)
            .says(&["`git remote add`", &format!("`snap {typed} REMOTE x`")]);
        assert!(!said.stderr.contains("origin"), "{}", said.stderr);
    }
    project.snap(&["rm", "--remote", "x"]).exits(2).says(&["`snap rm --remote REMOTE x`"]);
    let up = project.home.path().join("up.git");
    project.git(&["init", "-q", "--bare", utf8(&up)]);
    project.git(&["remote", "add", "up", utf8(&up)]);
    project.snap(&["push"]).exits(3).says(&["`snap push up`"]);
    project.snap(&["push", "x"]).exits(3).says(&["`snap push up x`"]);
    project.snap(&["push", "up", "x"]).exits(0);
    project.snap(&["pull"]).exits(3).says(&["`snap pull up`"]);
    project.snap(&["pull", "x"]).exits(3).says(&["`snap pull up x`"]);
    project.snap(&["pull", "up", "x"]).exits(0);
    project.snap(&["rm", "--remote", "x"]).exits(2).says(&["`snap rm --remote up x`"]);
}

#[test]
fn the_log_says_which_name_a_line_lost() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["branch", "tt", "x"]).exits(0);
    project.snap(&["branch", "--remove", "tt"]).exits(0);
    let shown = project.snap(&["log", "-n", "1"]).exits(0).stdout;
    assert!(shown.contains("takes away the name \"tt\""), "{shown}");
    let log = project.snap(&["log", "--json"]).exits(0).json();
    assert_eq!((&log[0]["removed_name"], &log[1]["note"]), (&json!("tt"), &json!("tt")), "{log}");
    assert_eq!(log[1]["removed_name"], json!(null), "{log}");
}

#[test]
fn what_a_redo_brings_back_is_what_the_undo_found() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "since\n");
    project.snap(&["rewind", "x", "--no-session"]).exits(0);
    project.write("a.txt", "edited after the rewind\n");
    project.snap(&["undo"]).exits(0);
    project.snap(&["redo"]).exits(0).says(&["1 path is as it was before the undo (a.txt)"]);
    assert_eq!(project.read("a.txt"), b"edited after the rewind\n");
}

#[test]
fn a_diff_without_a_difference_says_that_something_else_is_staged() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "i1"]).exits(0);
    let told = "what is staged differs";
    let now = &["diff", "--now", "i1", "--exit-code"];
    assert!(!project.snap(now).exits(0).stderr.contains(told));
    project.git(&["add", "a.txt"]);
    project.snap(&["save", "i2"]).exits(0);
    project.snap(&["diff", "i1", "i2", "--exit-code"]).exits(0).says(&[told]);
    project.snap(now).exits(0).says(&[told]);
    assert!(!project.snap(&["diff", "--now", "i2"]).exits(0).stderr.contains(told));
    project.write("a.txt", "edited again\n");
    assert!(!project.snap(now).exits(1).stderr.contains(told), "a difference is shown");
}

#[test]
fn a_folder_is_answered_with_one_plain_file_name_in_it() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    for (name, file) in [("feat/x", "feat-x"), ("../x", "x"), ("a b", "a-b"), ("plain", "plain")] {
        project.snap(&["save", name]).exits(0);
        project.write("a.txt", format!("{name}\n"));
        project.snap(&["export", name, "-o", "."]).exits(2).says(&[&format!("./{file}.snap")]);
        project.snap(&["report", name, "-o", "."]).exits(2).says(&[&format!("./{file}.html")]);
    }
}

#[test]
fn what_is_typed_as_in_other_programs_is_answered_with_what_does_it() {
    let project = with_two();
    for (typed, words) in [
        (&["prune", "7d"][..], &["`snap prune --older-than 7d`"][..]),
        (&["prune", "one"], &["`--older-than 7d`", "`snap rm REF`"]),
        (&["merge", "--abort"], &["`snap undo` takes a merge back"]),
        (&["pin", "--all"], &["`snap pin REF REF`"]),
        (&["rm", "--all"], &["`snap rm REF REF`", "`snap prune --keep-last 0`"]),
        (&["pull", "-n", "x"], &["at least 1"]),
        (&["save", "--mesage", "x"], &["'--message'"]),
    ] {
        project.snap(typed).exits(2).says(words);
    }
    for typed in [&["save", "--force"][..], &["rewind", "one", "--trust-repository"]] {
        let ran = project.snap(typed).exits(2);
        assert!(!ran.stderr.contains("tip:") && !ran.stderr.contains("Usage"), "{ran:?}");
    }
    project.snap(&["prune", "--keep-last", "0", "--dry-run"]).exits(0);
}

#[test]
fn a_folder_in_the_place_of_a_bundle_or_a_remote_is_answered_with_the_way_to_its_snapshots() {
    let project = with_two();
    let other = project.cloned();
    let there = project.root().to_str().must("UTF-8");
    for place in [there, project.stored("").to_str().must("UTF-8")] {
        other.snap(&["import", place]).exits(2).says(&[
            "is a folder",
            ".claude/snapshots",
            "export NAME | snap import -",
        ]);
    }
    other.snap(&["pull", there]).exits(0).says(&["a store of its own", "export NAME | snap import -"]);
}

#[test]
fn a_bundle_with_bytes_too_many_is_said_to_be_damaged() {
    let project = with_two();
    let bundle = project.home.path().join("one.snap");
    let place = bundle.to_str().must("UTF-8");
    project.snap(&["export", "one", "-o", place]).exits(0);
    let sound = fs::read(&bundle).must("the bundle");
    for at in [50, sound.len() / 2, sound.len() - 40] {
        fs::write(&bundle, [&sound[..at], b"XXXX", &sound[at..]].concat()).must("to write");
        project
            .snap(&["import", place])
            .exits(5)
            .says(&["not a sound bundle", "export and transfer it again"]);
    }
}

#[test]
fn a_path_that_nothing_matches_is_told_and_is_no_failure() {
    let project = with_two();
    let told = "no file that differs matches no/such/path";
    for typed in [&["diff", "one", "--", "no/such/path"][..], &["diff", "--now", "one", "--", "no/such/path"]]
    {
        let ran = project.snap(typed).exits(0).says(&[told]);
        assert_eq!(ran.stdout, "", "{typed:?}");
    }
    let unchanged = project.snap(&["diff", "one", "--", "b.txt"]).exits(0);
    assert_eq!(unchanged.stderr, "", "b.txt is there, and does not differ");
}

#[test]
fn what_is_in_the_trash_in_several_ways_is_named_under_one_heading() {
    let project = with_two();
    for name in ["one", "two"] {
        project.snap(&["rm", name]).exits(0);
    }
    for typed in [&["list"][..], &["list", "-a"]] {
        let said = project.snap(typed).exits(0).stderr;
        assert_eq!(said.matches("In the trash").count(), 1, "{said}");
        assert!(said.contains("two; `snap undo` brings back") && said.contains("Also there: one;"), "{said}");
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_a_failure_and_not_the_end_of_the_program() {
    let project = with_two();
    project.write("large", crate::failures::noise(1, 20_000));
    let before = project.stored_files();
    let command = project.command(project.root(), &["save", "large"]);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "ulimit -f 100; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args());
    shell.env_clear().current_dir(project.root());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let failed = ran(&mut shell).exits(7).says(&["File too large"]);
    assert!(!failed.stdout.contains("Saved"), "{failed:?}");
    assert_eq!(project.stored_files(), before, "nothing is left of it");
}

#[test]
fn files_behind_two_dashes_are_found_from_the_current_folder_too() {
    let project = with_two();
    let sub = project.path("sub");
    ran(&mut project.command(&sub, &["rewind", "one", "--", "c.txt"]))
        .exits(2)
        .says(&["Cannot restore c.txt alone"]);
}

#[test]
fn a_folder_that_is_no_store_is_not_taken_for_an_empty_one() {
    let project = with_two();
    let root = project.root().to_str().must("UTF-8");
    for typed in [&["list"][..], &["show", "one"], &["rewind", "one"]] {
        project
            .snap(&[&["--store", root], typed].concat())
            .exits(3)
            .says(&["is no store of snapshots", ".claude/snapshots"]);
    }
    let empty = project.home.path().join("empty");
    fs::create_dir(&empty).must("a folder");
    let empty = empty.to_str().must("UTF-8");
    project.snap(&["--store", empty, "list"]).exits(0).says(&["There is no snapshot yet"]);
    project.snap(&["--store", empty, "save", "x"]).exits(0);
    project.snap(&["--store", empty, "show", "x"]).exits(0);
}
