//! What commands say is true and leads on: names of lines, what is closed, what is lost, what helps.

use std::fs;

use crate::handoff_remote::{utf8, with_remote};
use crate::spaces::shared;
use crate::support::Must;
use crate::support::project::{Project, ran};

#[test]
fn status_names_a_snapshot_whose_content_is_gone() {
    let project = Project::new();
    project.write("a.txt", (0..40_000).map(|number| format!("{number}\n")).collect::<String>());
    project.snap(&["save", "whole"]).exits(0);
    let problems = || project.snap(&["status", "--json"]).exits(0).json()["problems"].clone();
    let said = |problems: &serde_json::Value| problems.to_string().contains("damaged or missing");
    assert!(!said(&problems()), "{}", problems());
    assert!(!project.objects().is_empty());
    project.objects().iter().for_each(|object| fs::remove_file(object).must("to remove"));
    project.write("a.txt", "short\n");
    project.snap(&["save", "other"]).exits(0);
    let found = problems();
    assert!(said(&found) && found.to_string().contains("content of whole is"), "{found}");
    assert!(found.to_string().contains("snap verify --repair"), "{found}");
    let list = project.snap(&["list"]).exits(0).stdout;
    let of = |name: &str| list.lines().find(|line| line.contains(&format!("\t{name}\t"))).must("a line");
    assert!(of("whole").contains("(content missing)") && !of("other").contains("missing"), "{list}");
    let show = |name: &str| project.snap(&["show", name]).exits(0).stdout;
    assert!(show("whole").contains("damaged or missing in part; `snap verify whole`"), "{}", show("whole"));
    assert!(!show("other").contains("missing in part"), "{}", show("other"));
}

#[test]
fn a_command_that_takes_no_line_says_which_snapshot_the_line_is_at() {
    let project = Project::new();
    project.write("a.txt", "1\n");
    project.snap(&["save", "begin"]).exits(0);
    project.snap(&["branch", "line-1", "begin"]).exits(0);
    project.write("a.txt", "2\n");
    project.snap(&["save", "later"]).exits(0);
    for command in ["resume", "rewind", "rm", "pin"] {
        project.snap(&[command, "line-1"]).exits(3).says(&["the name of a line", "now at \"later\""]);
    }
    project.snap(&["show", "line-1"]).exits(0);
}

#[test]
fn a_line_that_went_on_after_it_was_closed_is_not_shown_as_closed() {
    let project = Project::new();
    for name in ["one", "two"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
        project.snap(&["close", name]).exits(0);
    }
    for list in [&["list"][..], &["list", "--tree"]] {
        let shown = project.snap(list).exits(0).stdout;
        let of = |name: &str| shown.lines().find(|line| line.contains(name)).must("a line").to_owned();
        assert!(of("two").contains("(closed)"), "{shown}");
        assert!(of("one").contains("(was closed, goes on)") && !of("one").contains("(closed)"), "{shown}");
    }
}

#[test]
fn words_and_options_of_other_tools_lead_to_what_does_it_here() {
    let project = Project::new();
    project.snap(&["save", "one"]).exits(0);
    project.write("a.txt", "2\n");
    project.snap(&["save", "two"]).exits(0);
    for (typed, hint) in [
        (&["search", "x"][..], "`snap list WORD`"),
        (&["grep", "x"], "`snap list WORD`"),
        (&["find", "x"], "`snap list WORD`"),
        (&["compare", "one", "two"], "`snap diff REF REF`"),
        (&["tree"], "`snap list --tree`"),
        (&["resume", "one", "--force"], "`--merge` merges"),
        (&["rm", "one", "--force"], "`snap undo` brings it back"),
        (&["rm", "one", "-f"], "`snap undo` brings it back"),
        (&["diff", "--staged"], "`git diff --staged | snap diff -`"),
        (&["diff", "--cached"], "`git diff --staged | snap diff -`"),
        (&["list", "-5"], "`-n NUMBER`"),
        (&["log", "-15"], "`-n NUMBER`"),
        (&["branch", "-d", "x"], "`snap branch --remove NAME`"),
        (&["branch", "--list"], "`snap branch` alone"),
        (&["status", "-s"], "`snap status --short`"),
    ] {
        let said = project.snap(typed).exits(2).stderr;
        assert!(said.contains(hint), "{typed:?}: {said}");
        for alike in ["--fork", "--store", "--stat", "--patch", "similar argument"] {
            assert!(!said.contains(alike), "{typed:?}: {said}");
        }
    }
    project.snap(&["diff", "one..two"]).exits(3).says(&["`snap diff one two`"]);
    project.snap(&["diff", "HEAD"]).exits(3).says(&["`git diff HEAD | snap diff -`", "`snap diff --now`"]);
    project.snap(&["diff", "HEAD~2"]).exits(3).says(&["`git diff HEAD~2 | snap diff -`"]);
    project.snap(&["rm", "--remote", "one"]).exits(2).says(&["`snap rm --remote REMOTE one`"]);
}

#[test]
fn snap_alone_where_snapshots_are_is_status_also_outside_git() {
    let project = Project::empty();
    project.session("c137e379-838e-4509-8148-16b407691758");
    project.snap(&["save", "wip"]).exits(0);
    let alone = project.snap(&[]).exits(0).stdout;
    assert!(alone.contains("Newest") && alone.contains("wip"), "{alone}");
}

#[test]
fn what_is_closed_and_what_goes_on_from_it_are_both_named() {
    let project = Project::new();
    for name in ["m-old", "m new"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    project
        .snap(&["close", "m-old"])
        .exits(0)
        .says(&["\"m-old\" is closed; \"m new\", saved after it, stays open.", "`snap reopen m-old`"]);
    project
        .snap(&["close", "m new"])
        .exits(0)
        .says(&["The line that ends with \"m new\" is closed", "`snap reopen 'm new'`"]);
}

#[test]
fn a_tree_can_begin_with_the_oldest() {
    let project = Project::new();
    for name in ["one", "two"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    let names = |arguments: &[&str]| {
        let tree = project.snap(arguments).exits(0).stdout;
        [tree.find("one").must("one"), tree.find("two").must("two")]
    };
    let [one, two] = names(&["list", "--tree"]);
    assert!(two < one);
    let [one, two] = names(&["list", "--tree", "--reverse"]);
    assert!(one < two);
}

#[test]
fn a_session_is_completed_with_its_id() {
    let project = Project::new();
    let id = "c137e379-838e-4509-8148-16b407691758";
    project.session(id);
    project.snap(&["save", "wip"]).exits(0);
    let completed = |words: &[&str]| {
        let typed = [&["--", "snap"], words].concat();
        let mut command = project.command(project.root(), &typed);
        command.env("SNAP_COMPLETE", "zsh").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
        ran(&mut command).exits(0).stdout
    };
    for words in [
        &["save", "--session", ""][..],
        &["merge", "--session", "c1"],
        &["branch", "--session", ""],
        &["doctor", ""],
        &["list", "--session", ""],
    ] {
        let found = completed(words);
        assert!(found.contains(id), "{words:?}: {found}");
        assert!(found.contains("now") || found.contains("s  "), "{words:?}: {found}");
    }
}

#[test]
fn a_list_in_a_pipe_has_the_same_columns_whatever_is_in_it() {
    let project = Project::new();
    project.snap(&["save", "nothing edited", "-m", "why"]).exits(0);
    let columns = |project: &Project| -> Vec<usize> {
        let list = project.snap(&["list"]).exits(0).stdout;
        list.lines().map(|line| line.split('\t').count()).collect()
    };
    assert_eq!(columns(&project), [11, 11]);
    project.write("a.txt", "edited\n");
    project.snap(&["save", "edited"]).exits(0);
    assert_eq!(columns(&project), [11, 11, 11]);
    let list = project.snap(&["list"]).exits(0).stdout;
    let names: Vec<&str> = list.lines().filter_map(|line| line.split('\t').nth(8)).collect();
    assert_eq!(names, ["NAME", "edited", "nothing edited"]);
}

#[test]
fn the_command_that_a_removal_names_reaches_all_that_hold_the_same() {
    let project = Project::new();
    project.write("same.txt", "the same in each of them\n".repeat(100));
    for number in 1..=9 {
        project.write("a.txt", format!("{number}\n"));
        project.snap(&["save", &format!("s{number}")]).exits(0);
    }
    let said = project.snap(&["rm", "--now", "s9"]).exits(0).stderr;
    for number in 1..=8 {
        let command = said.split("`snap rm --now ").nth(1).and_then(|rest| rest.split('`').next());
        let named = command.must("a command").split(' ').any(|one| one == format!("s{number}"));
        assert!(named, "s{number}: {said}");
    }
}

#[test]
fn a_resume_on_another_commit_names_what_else_differs() {
    let project = Project::new();
    project.write("kept.txt", "committed\n");
    project.git(&["add", "-A"]);
    project.git(&["commit", "-qm", "by the agent"]);
    project.write("a.txt", "edited\n");
    project.snap(&["save", "later"]).exits(0);
    project.git(&["checkout", "-q", "--", "a.txt"]);
    project.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let said = project.snap(&["resume", "later", "--no-session"]).exits(0);
    said.says(&["the edited files are the same in both", "Another file differs between the two: kept.txt."]);
}

#[test]
fn behind_two_dashes_a_diff_is_completed_with_paths() {
    let project = Project::new();
    project.write("README.md", "1\n");
    project.write("src/one.rs", "1\n");
    project.snap(&["save", "step one"]).exits(0);
    project.snap(&["branch", "a-line", "step one"]).exits(0);
    let completed = |words: &[&str]| {
        let typed = [&["--", "snap"], words].concat();
        let mut command = project.command(project.root(), &typed);
        command.env("SNAP_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
        ran(&mut command).exits(0).stdout
    };
    let paths = completed(&["diff", "--", "src/"]);
    assert!(paths.contains("src/one.rs"), "{paths}");
    assert!(completed(&["diff", "--", "REA"]).contains("README.md"));
    assert!(!completed(&["diff", "--", "s"]).contains("step"));
    assert!(completed(&["diff", "s"]).contains("step"));
    assert!(completed(&["branch", "--remove", ""]).starts_with("a-line"));
    assert!(project.snap(&["completions", "bash"]).exits(0).stdout.contains("COMPREPLY=()\n    fi\n}\n"));
}

#[test]
fn what_a_person_reads_is_singular_short_and_of_this_command() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "one"]).exits(0);
    let none = project.snap(&["report", "-o", "no/such/x.html"]).exits(3);
    none.says(&["there is no folder", "mkdir -p"]);
    project.snap(&["report", "-o", "."]).exits(2).says(&["names a folder", "a report is one file"]);
    let alike = project.snap(&["resuem"]).exits(2).stderr;
    assert!(alike.contains("'resume'") && !alike.contains("lease"), "{alike}");
    project.snap_in(&project.path(".git"), &["list"]).exits(3).says(&["git's own folder"]);
    project.snap(&["prune", "--older-than", "7d", "--dry-run"]).exits(0);
    project.git(&["remote", "add", "origin", "/nowhere"]);
    let remote =
        project.snap(&["space", "--remote", "nope"]).exits(3).says(&["there is origin"]).stderr.clone();
    assert!(!remote.contains("comes before the snapshot"), "{remote}");
    let gone =
        project.snap(&["-C", "no/such", "list"]).exits(2).says(&["there is no such folder"]).stderr.clone();
    assert!(!gone.contains("os error"), "{gone}");
    project.snap(&["list", "-n", "-1"]).exits(2).says(&["is not a whole number"]);
    project.snap(&["prune", "--keep-last", "-1"]).exits(2).says(&["is not a whole number"]);
    let long = project.snap(&["save", &"x".repeat(300)]).exits(2).stderr;
    assert!(long.lines().all(|line| line.len() < 150), "{long}");
    let quiet = project.snap(&["init", "--local", "-q"]).exits(0);
    assert_eq!(quiet.stdout, "");
    assert!(project.snap(&["-v", "list"]).exits(0).stderr.contains("command"));
    let far = project.snap(&["push", "../no-such.git"]).exits(7).stderr;
    assert!(!far.contains("correct access rights"), "{far}");
}

#[test]
fn status_names_what_git_has_in_conflict() {
    let project = Project::new();
    project.git(&["checkout", "-q", "-b", "side"]);
    project.write("a.txt", "side\n");
    project.git(&["commit", "-qam", "side"]);
    project.git(&["checkout", "-q", "main"]);
    project.write("a.txt", "main\n");
    project.git(&["commit", "-qam", "main"]);
    assert!(!project.try_git(&["merge", "-q", "side"]));
    let status = project.snap(&["status"]).exits(0).stdout;
    assert!(status.contains("a.txt is in conflict") && status.contains("git add"), "{status}");
}

#[test]
fn a_bad_name_is_quoted_as_it_was_typed_in_every_command() {
    let project = Project::new();
    project.snap(&["save", "one"]).exits(0);
    for (typed, shown) in [
        (" two ", "\" two \""),
        ("a\tb", "\"a\\tb\""),
        ("a\\b", "\"a\\b\""),
        ("a\"b", "\"a\"b\""),
        ("é", "\"é\""),
    ] {
        for command in [
            &["show"][..],
            &["diff"],
            &["diff", "one"],
            &["diff", "--now"],
            &["rewind"],
            &["resume"],
            &["rm"],
            &["pin"],
            &["unpin"],
            &["verify"],
            &["report"],
            &["link"],
            &["merge"],
            &["branch", "line"],
            &["close"],
            &["reopen"],
            &["export", "-o", "x.snap"],
        ] {
            let ran = project.snap(&[command, &[typed]].concat());
            let said = ran.stderr.lines().find(|line| line.starts_with("error: ")).must("an error");
            assert!(
                said.contains(&format!("There is no snapshot {shown}: ")),
                "{command:?} {typed:?}: {said}"
            );
        }
        let said = project.snap(&["push", typed]).stderr;
        assert!(said.contains(shown), "{said}");
    }
    for typed in [" two ", "a\tb"] {
        let said = project.snap(&["save", typed]).exits(2).stderr;
        let shown = typed.replace('\t', "\\t");
        assert!(said.contains(&format!("\"{shown}\" can't be")), "{said}");
    }
}

#[test]
fn a_mistyped_name_with_a_slash_is_answered_with_the_one_that_was_meant() {
    let (project, _remote) = with_remote();
    for name in ["feat/login", "name"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    let meant = "did you mean \"feat/login\"?";
    for command in
        ["resume", "rewind", "show", "diff", "merge", "report", "export", "rm", "pin", "link", "verify"]
    {
        project.snap(&[command, "feat/lgin"]).exits(3).says(&["There is no snapshot \"feat/lgin\"", meant]);
    }
    // As git writes what is on a remote.
    project.snap(&["resume", "origin/nme"]).exits(3).says(&["did you mean \"name\"?"]);
    project.snap(&["branch", "line", "feat/lgin"]).exits(3).says(&[meant]);
    project.snap(&["push", "origin", "feat/lgin"]).exits(3).says(&[meant]);
    project
        .snap(&["push", "feat/lgin"])
        .exits(3)
        .says(&["There is no remote \"feat/lgin\"", "there is origin"]);
    let before = project.snap(&["push", "feat/login"]).exits(3);
    before.says(&["the remote comes before the snapshot: `snap push origin feat/login`"]);
    project.snap(&["push", "origin", "feat/login"]).exits(0);
    project.snap(&["pull", "origin", "feat/lgin"]).exits(3).says(&[meant, "snap list --remote"]);
    project.snap(&["pull", "feat/lgin"]).exits(3).says(&["snap pull origin feat/lgin"]);
    // Where the remote can't be asked, the snapshots here are named all the same.
    project.git(&["remote", "set-url", "origin", "/nowhere"]);
    assert_ne!(project.snap(&["resume", "feat/lgin"]).says(&[meant]).code, 0);
}

#[test]
fn a_remote_whose_name_has_a_slash_or_whose_address_git_completes_is_one() {
    let (project, remote) = with_remote();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    project.git(&["remote", "add", "team/backup", utf8(&remote)]);
    project.snap(&["push", "team/bckup"]).exits(3).says(&["did you mean team/backup?"]);
    project.snap(&["push", "team/backup"]).exits(0);
    let above = format!("url.{}/.insteadOf", utf8(remote.parent().must("a folder")));
    project.git(&["config", &above, "short/"]);
    let said = project.snap(&["list", "--remote", "short/remote.git"]).stderr;
    assert!(!said.contains("There is no remote"), "{said}");
}

#[test]
fn a_session_on_the_remote_that_was_mistyped_is_named() {
    let (project, _remote, _transcript) = shared();
    project.snap(&["sync", "--now"]).exits(0);
    let said = project.snap(&["resume", "ada/mian"]).exits(3);
    said.says(&["There is no session ada/mian on origin", "did you mean \"ada/main\"", "snap space"]);
}

#[test]
fn branches_commands_and_names_are_completed() {
    let project = Project::new();
    for branch in ["fix/one", "other"] {
        project.git(&["branch", branch]);
    }
    project.write("a.txt", "new\n");
    project.snap(&["save", "feat/login"]).exits(0);
    let completed = |words: &[&str]| {
        let typed = [&["--", "snap"], words].concat();
        let mut command = project.command(project.root(), &typed);
        command.env("SNAP_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
        let lines = ran(&mut command).exits(0).stdout;
        let words = lines.split(['\n', '\u{b}']).filter(|word| !word.starts_with('-') && !word.is_empty());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(completed(&["resume", "--worktree", ""]), ["fix/one", "main", "other"]);
    assert_eq!(completed(&["resume", "--worktree", "fix"]), ["fix/one"]);
    for command in ["resume", "rewind", "show", "diff", "merge"] {
        assert_eq!(completed(&[command, "feat/l"]), ["feat/login"], "{command}");
    }
    assert_eq!(completed(&["man", "rew"]), ["rewind"]);
    assert_eq!(completed(&["man", "hoo"]), Vec::<String>::new(), "what only the client calls");
}

#[test]
fn every_option_for_a_number_says_of_a_negative_one_what_is_wanted() {
    let project = Project::new();
    for typed in [
        &["save", "--max-files", "-1"][..],
        &["diff", "-U", "-1"],
        &["diff", "-U-1"],
        &["diff", "--max-line", "-1"],
        &["diff", "--max-line", "x"],
        &["log", "-n", "-1"],
        &["prune", "--keep-last", "-1"],
    ] {
        project.snap(typed).exits(2).says(&["is not a whole number from 0 on"]);
    }
    project.snap(&["save", "--max-file", "-1"]).exits(2).says(&["is not a size"]);
    project.snap(&["pull", "-n", "0"]).exits(2).says(&["at least 1"]);
    // What is no number still is an option.
    project.snap(&["save", "--max-files", "-x"]).exits(2).says(&["unexpected argument '-x'"]);
}

#[test]
fn what_fails_before_anything_is_known_to_work_makes_no_store() {
    let project = Project::empty();
    for typed in [
        &["pull"][..],
        &["pull", "x"],
        &["push"],
        &["space"],
        &["rm", "x"],
        &["rm", "--remote", "origin", "x"],
        &["list", "--remote", "origin"],
        &["sync", "--now"],
        &["import", "none.snap"],
        &["prune", "--now"],
        &["pin", "x"],
    ] {
        let said = project.snap(typed);
        assert!(!project.path(".claude").exists(), "{typed:?}: {}", said.stderr);
    }
    let project = Project::new();
    project.snap(&["pull"]).exits(3).says(&["no remote"]);
    assert!(!project.path(".claude").exists());
}

#[test]
fn a_lease_that_can_not_be_looked_at_is_an_error() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["lease", "origin"]).exits(2);
    project.snap(&["lease", "origin", "no-id"]).exits(2).says(&["\"no-id\" is not a snapshot's id"]);
    let id = project.snap(&["show", "x", "--json"]).exits(0).json()["id"].as_str().must("an id").to_owned();
    project.snap(&["lease", "origin", &id]).exits(3).says(&["There is no remote \"origin\""]);
}

#[test]
fn what_saving_at_the_end_of_turns_does_is_said_when_it_is_set_up() {
    let project = Project::new();
    project.snap(&["init", "--local", "--every", "90m"]).exits(0).says(&[
        "ends its turn",
        "at most once in 90m",
        "`snap init --local --every never` ends it",
    ]);
    project.snap(&["init", "--local", "--every", "never"]).exits(0).says(&["Nothing is saved by itself"]);
    assert!(!project.snap(&["init", "--local"]).exits(0).stderr.contains("ends its turn"));
}

#[test]
fn a_secret_that_is_not_in_a_snapshot_is_called_by_what_was_typed() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    let said = project.snap(&["rewind", "x", "--fill", "abcd=SOME_KEY"]).exits(2);
    assert!(!said.stderr.contains("a variable abcd"), "{}", said.stderr);
    said.says(&["matches no secret", "none of them has the id abcd"]);
    project.snap(&["rewind", "x", "--fill", "SOME_KEY"]).exits(2).says(&["was in a variable SOME_KEY"]);
}

#[test]
fn what_can_not_mean_what_it_says_is_refused_with_what_works() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x", "--no-input", "--yes"]).exits(0);
    let state = project.state();
    for outside in ["/etc/passwd", "../elsewhere"] {
        let said = project.snap(&["save", "y", "--include", outside]).exits(2);
        said.says(&["is outside of the work tree"]);
    }
    project.snap(&["rewind", "x", "--", "a.txt"]).exits(2).says(&["Cannot restore a.txt alone", "git apply"]);
    project.snap(&["rewind", "x", "--no-run", "--", "--add-dir", "a.txt"]).exits(0);
    project.snap(&["report", "x", "-o", "x.pdf"]).exits(2).says(&["no file of the kind .pdf", "--format"]);
    assert!(!project.path("x.pdf").exists());
    assert_eq!(project.state(), state, "nothing was changed");
    project.snap(&["branch", "try", "x"]).exits(0);
    project.snap(&["rm", "x"]).exits(0);
    let said = project.snap(&["show", "try"]).exits(3).says(&["in the trash", "`snap undo` brings it back"]);
    assert!(!said.stderr.contains("did you mean \"try\""), "{}", said.stderr);
}
