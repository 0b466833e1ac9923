//! The checkpoint before a risky step: that it is made each time, that it holds what the step takes, and that what it can't hold
//! is named.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::failures::noise;
use crate::hooks::{ID, bash, hook, told};
use crate::support::Must;
use crate::support::project::{Project, files_below};

/// A project with a session, in which steps are announced to the hook.
struct Session {
    project: Project,
    transcript: PathBuf,
}

impl Session {
    fn new() -> Session {
        let project = Project::new();
        let transcript = project.session(ID);
        Session { project, transcript }
    }

    /// Announces a step; returns what the person is told.
    fn before(&self, line: &str) -> String {
        self.before_call(line, None)
    }

    /// The same, under an id of the client's.
    fn before_call(&self, line: &str, id: Option<&str>) -> String {
        let mut step = bash(&self.project, &self.transcript, line);
        step["tool_use_id"] = json!(id);
        let ran = hook(&self.project, "PreToolUse", &step).exits(0);
        assert_eq!(ran.stderr, "", "{line:?}");
        told(&ran)
    }

    /// Takes the step for real.
    fn take(&self, line: &str) {
        let mut command = Command::new("bash");
        command.args(["-c", line]).current_dir(self.project.root()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.project.home.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.output().must("the step");
    }

    /// A copy of a snapshot outside of its store.
    fn rescued(&self) -> Vec<PathBuf> {
        let all = files_below(self.project.home.path());
        all.into_iter().filter(|path| path.extension().is_some_and(|end| end == "snap")).collect()
    }

    fn number(&self) -> usize {
        self.project.snap(&["list", "--json"]).exits(0).json().as_array().must("a list").len()
    }
}

#[test]
fn the_same_step_under_the_same_id_is_saved_before_each_time_however_soon_it_comes_again() {
    let session = Session::new();
    let project = &session.project;
    for round in 1..=4 {
        let content = format!("{round}\n");
        project.write("p", &content);
        session.before_call("rm p", Some("call_0"));
        fs::remove_file(project.path("p")).must("the step");
        project.snap(&["rewind", "latest", "--no-session"]).exits(0);
        assert_eq!(project.read("p"), content.as_bytes());
    }
}

#[test]
fn what_two_hooks_of_the_same_call_have_to_say_is_said_once_and_of_another_call_again() {
    let session = Session::new();
    let project = &session.project;
    project.write(".git/info/exclude", "target/\n");
    project.write("target/o", "object\n");
    project.write("a.txt", "edited\n");
    let said = session.before_call("rm -rf target", Some("call_0"));
    assert!(said.contains("target is ignored, and not in the snapshot"), "{said}");
    assert_eq!(session.before_call("rm -rf target", Some("call_0")), "");
    assert_eq!(session.before_call("rm -rf target", Some("call_1")), said);
    assert_eq!(session.before_call("rm -rf target", None), said);
    assert_eq!(session.before_call("rm -rf target", None), said);
    assert_eq!(session.number(), 1);
}

#[test]
fn a_file_that_no_snapshot_holds_is_named_also_where_nothing_else_has_changed_since_the_last_one() {
    let session = Session::new();
    let project = &session.project;
    project.write("a.txt", "edited\n");
    project.snap(&["save", "one"]).exits(0);
    project.write("data.bin", vec![7; 11 << 20]);
    for number in 0..250 {
        project.write(format!("node_modules/m/{number}"), "x");
    }
    let said = session.before("rm -f data.bin");
    assert!(said.contains("data.bin is not in the snapshot: untracked, and larger than 10 MiB"), "{said}");
    let said = session.before("rm -rf node_modules");
    assert!(said.contains("node_modules/ is not in the snapshot: 250 untracked files"), "{said}");
    assert_eq!(session.before("rm -f a.txt"), "");
    assert_eq!(session.number(), 1, "the edits are the same");
    // What was left out once and is small now is saved.
    project.write("data.bin", "small\n");
    assert_eq!(session.before("rm -f data.bin"), "");
    assert_eq!(session.number(), 2);
}

#[test]
fn a_snapshot_whose_content_is_gone_or_cut_does_not_stand_in_for_a_checkpoint() {
    let damages: [fn(&PathBuf); 3] = [
        |object| fs::remove_file(object).must("to remove"),
        |object| fs::write(object, "").must("to empty"),
        |object| {
            let whole = fs::read(object).must("an object");
            fs::remove_file(object).must("to remove");
            fs::write(object, &whole[..whole.len() / 2]).must("to cut");
        },
    ];
    for damage in damages {
        let session = Session::new();
        let project = &session.project;
        let content = noise(1, 900);
        project.write("n.txt", &content);
        project.snap(&["save", "one"]).exits(0);
        let objects = files_below(&project.stored("objects"));
        objects.iter().filter(|path| path.extension().is_some_and(|end| end == "zst")).for_each(damage);
        session.before("rm -f n.txt");
        fs::remove_file(project.path("n.txt")).must("the step");
        project.snap(&["rewind", "latest", "--no-session"]).exits(0);
        assert_eq!(project.read("n.txt"), content.as_bytes());
    }
}

/// Steps that write over `uniq.txt` without naming it, or by the name of a folder.
const OVER: [&str; 30] = [
    "cp ../x/* .",
    "cp -r ../x/. .",
    "cp -a ../x/. ./",
    "cp -rT ../x .",
    "cp -t . ../x/*",
    "cd .. && cp x/* app/",
    "install -m 644 ../x/* .",
    "cp ../x/uniq.txt .",
    "cp ../x/uniq.txt ./",
    "cp ../x/uniq.txt $PWD",
    "ln -sf ../x/uniq.txt .",
    "for f in *.txt; do echo >$f; done",
    "for f in *.txt; do cp /dev/null $f; done",
    "for f in *.txt; do tee $f </dev/null; done",
    "for f in *.txt; do dd if=/dev/null of=$f; done",
    "for f in uniq.txt; do cp /dev/null $f; done",
    "ls *.txt | while read f; do : > $f; done",
    "printf '%s\\n' *.txt > ../list; while read f; do : > $f; done < ../list",
    "tee uniq* </dev/null",
    "cp /dev/null uniq*",
    "echo >uniq*",
    "N=q; echo > \"u$(echo ni)$N.txt\"",
    "find . -name '*.txt' -exec cp /dev/null {} \\;",
    "find . -name '*.txt' -execdir cp /dev/null {} \\;",
    "find . -name '*.txt' -exec sh -c ': > \"$1\"' _ {} \\;",
    "find . -name '*.txt' | xargs -I{} cp /dev/null {}",
    "find . -name '*.txt' | xargs tee",
    "find ../x -type f | xargs cp -t .",
    "sort -o uniq.txt a.txt",
    "tar xf ../x.tar",
];

#[test]
fn what_is_written_over_by_patterns_folders_and_loops_comes_back_from_the_checkpoint() {
    let session = Session::new();
    let project = &session.project;
    project.write("../x/uniq.txt", "from elsewhere\n");
    session.take("cd ../x && tar cf ../x.tar uniq.txt");
    project.write("a.txt", "edited\n");
    for (round, line) in OVER.iter().enumerate() {
        let content = format!("only here, {round}\n");
        session.take("rm -f uniq.txt");
        project.write("uniq.txt", &content);
        let said = session.before(line);
        assert!(!said.contains("removes its snapshots"), "{line:?}: {said:?}");
        session.take(line);
        assert_ne!(fs::read(project.path("uniq.txt")).unwrap_or_default(), content.as_bytes(), "{line:?}");
        project.snap(&["rewind", "latest", "--no-session"]).exits(0);
        assert_eq!(project.read("uniq.txt"), content.as_bytes(), "{line:?}");
    }
}

#[test]
fn a_step_that_writes_over_nothing_costs_no_checkpoint() {
    let session = Session::new();
    let project = &session.project;
    project.write("../x/uniq.txt", "from elsewhere\n");
    project.write("uniq.txt", "only here\n");
    fs::create_dir(project.path("empty")).must("a folder");
    for line in [
        "cp uniq.txt new.txt",
        "cp -r ../x copy",
        "cp ../x/* empty/",
        "cp -r ../x/. empty",
        "cp -n ../x/* .",
        "rsync -an ../x/ .",
        "for f in *.txt; do cat \"$f\"; done",
        "for f in *.txt; do cp $f $f.bak; done",
        "echo > new-$(date +%s).log",
        "ls *.txt | wc -l > count",
        "tar cf new.tar *.txt",
        "tar xf ../x.tar -C empty",
        "find . -name '*.txt' -exec cat {} +",
        "grep -r x . | tee found.log",
        "fd uniq",
    ] {
        assert_eq!(session.before(line), "", "{line:?}");
        assert!(!project.path(".claude/snapshots").exists(), "{line:?}");
    }
    // Outside of any work tree, nothing is told of what is not written over.
    fs::create_dir(project.path("../notes")).must("a folder");
    fs::write(project.path("../notes/n.txt"), "not in git\n").must("to write");
    assert_eq!(session.before("cp *.txt ../notes/"), "");
    assert_eq!(session.before("cp -r ../x/. ../notes"), "");
    // Where everything is committed, nothing is lost.
    session.take("rm uniq.txt; rmdir empty");
    for line in ["cp -r ../x/. .", "for f in *.txt; do echo > $f; done", "echo > $NOWHERE"] {
        assert_eq!(session.before(line), "", "{line:?}");
        assert!(!project.path(".claude/snapshots").exists(), "{line:?}");
    }
}

#[test]
fn what_is_put_into_the_folder_of_the_session_does_not_remove_its_snapshots() {
    let session = Session::new();
    let project = &session.project;
    project.write("../x/f", "from elsewhere\n");
    project.write("../x/g", "from elsewhere\n");
    for (round, line) in [
        "cp ../x/f .",
        "mv ../x/f .",
        "mv ../x/* .",
        "mv -t . ../x/f ../x/g",
        "install ../x/f .",
        "ln -sf ../x/f .",
        "cp ../x/f $PWD",
        "cp ../x/f ./",
        "rsync -a ../x/ .",
    ]
    .iter()
    .enumerate()
    {
        project.write("f", format!("{round}\n"));
        assert_eq!(session.before(line), "", "{line:?}");
        assert_eq!(session.number(), round + 1, "{line:?}");
    }
    assert_eq!(session.rescued(), Vec::<PathBuf>::new());
    // Where that is true, one copy of a snapshot is enough.
    for _ in 0..3 {
        assert!(session.before("rm -rf .claude").contains("removes its snapshots too"));
    }
    assert_eq!(session.rescued().len(), 1);
}

#[test]
fn what_fd_runs_and_what_an_interactive_clean_takes_is_saved_before() {
    let session = Session::new();
    let project = &session.project;
    for (round, line) in
        ["fd . d -X rm", "fd -x rm", "fd x d -x rm {}", "git clean -i", "echo 1 | git clean -di"]
            .iter()
            .enumerate()
    {
        project.write("d/x", format!("{round}\n"));
        session.before(line);
        assert_eq!(session.number(), round + 1, "{line:?}");
    }
}

#[test]
fn stash_entries_and_branches_are_named_before_they_are_dropped() {
    let session = Session::new();
    let project = &session.project;
    assert_eq!(session.before("git stash drop"), "");
    for content in ["first\n", "second\n"] {
        project.write("a.txt", content);
        project.git(&["stash", "-q"]);
    }
    let said = session.before("git stash drop");
    assert!(said.contains("no snapshot holds stash@{0} (WIP on main: "), "{said}");
    assert!(!said.contains("stash@{1}"), "{said}");
    let said = session.before("git stash drop -q stash@{1}");
    assert!(said.contains("stash@{1} (") && !said.contains("stash@{0}"), "{said}");
    let commit =
        said.split("git stash apply ").nth(1).and_then(|rest| rest.split('`').next()).must("a commit");
    project.git(&["stash", "drop", "-q", "stash@{1}"]);
    project.git(&["stash", "apply", "-q", commit]);
    assert_eq!(project.read("a.txt"), b"first\n");
    project.git(&["stash", "-q"]);
    let said = session.before("git stash clear");
    assert!(said.contains("stash@{0} (") && said.contains("stash@{1} ("), "{said}");
    project.git(&["branch", "merged"]);
    project.git(&["checkout", "-q", "-b", "alone"]);
    project.git(&["commit", "-q", "--allow-empty", "-m", "only on it"]);
    project.git(&["checkout", "-q", "main"]);
    assert_eq!(session.before("git branch -D merged"), "");
    let said = session.before("git branch -D alone");
    assert!(said.contains("branch alone has 1 commit that nothing else has"), "{said}");
}

#[test]
fn what_goes_with_a_repository_and_nobody_else_has_is_named_before_the_step() {
    let session = Session::new();
    let project = &session.project;
    for name in ["../o2", "../o3"] {
        let clone = ["clone", "-q", project.root().to_str().must("UTF-8"), name];
        project.git(&clone);
    }
    // Nothing in it that is nowhere else.
    assert_eq!(session.before("rm -rf ../o3"), "");
    session.take("cd ../o2 && echo x >> a.txt && git -c user.name=a -c user.email=a@b stash -q");
    session.take("cd ../o2 && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m 'not pushed'");
    for line in ["rm -rf ../o2", "rm -rf ../o2/.git", "rm -rf ../o?"] {
        let said = session.before(line);
        let wanted =
            "o2/.git is not in the snapshot: 1 commit that no remote is known to have, 1 stash entry";
        assert!(said.contains(wanted), "{line:?}: {said:?}");
    }
    // Without its repository, no checkpoint can be restored: a copy is put aside.
    project.write("uniq.txt", "only here\n");
    let said = session.before("rm -rf .git");
    assert!(
        said.contains("app/.git is not in the snapshot: ") && said.contains("removes its repository"),
        "{said}"
    );
    session.take("rm -rf .git");
    let file = said.split("snap import ").nth(1).and_then(|rest| rest.split(' ').next()).must("the copy");
    let clone = Project::empty().of_the_user_of(project);
    session.take(&format!("rmdir '{0}'; git clone -q ../o3 '{0}'", clone.root().display()));
    clone.snap(&["import", file]).exits(0);
    clone.snap(&["resume", "before rm -rf .git", "--no-run", "--trust-repository"]).exits(0);
    assert_eq!(clone.read("uniq.txt"), b"only here\n");
}

#[test]
fn what_somebody_else_changed_in_a_file_since_the_agents_last_call_is_saved_before_the_next() {
    let session = Session::new();
    let project = &session.project;
    let call = |tool: &str, input: Value| {
        let mut step = bash(project, &session.transcript, "");
        step["tool_name"] = json!(tool);
        step["tool_input"] = input;
        step["tool_input"]["file_path"] = json!(project.path("draft.md"));
        assert_eq!(told(&hook(project, "PreToolUse", &step).exits(0)), "");
    };
    let write = |content: &str| call("Write", json!({"content": content}));
    project.write("draft.md", "the user's\n");
    write("the agent's\n");
    assert_eq!(session.number(), 1);
    // Each step is taken, and the next one finds what it left.
    project.write("draft.md", "the agent's\n");
    call("Edit", json!({"old_string": "agent", "new_string": "agent, agent"}));
    project.write("draft.md", "the agent, agent's\r\n");
    let edits = json!([{"old_string": "agent", "new_string": "a", "replace_all": true}, {"old_string": "a", "new_string": "b"}]);
    call("MultiEdit", json!({"edits": edits}));
    project.write("draft.md", "the b, a's\n");
    write("once more\n");
    // This one was not taken.
    write("and again\n");
    assert_eq!(session.number(), 1, "all of it is the agent's own");
    for round in 2..4 {
        let content = format!("the user's once more, {round}\n");
        project.write("draft.md", &content);
        write("the agent's\n");
        assert_eq!(session.number(), round);
        project.write("draft.md", "the agent's\n");
        write("the agent's, again\n");
        assert_eq!(session.number(), round, "that is the agent's own");
        project.write("draft.md", "the agent's, again\n");
        let saved =
            project.snap(&["list", "--json"]).exits(0).json()[0]["id"].as_str().must("an id").to_owned();
        let shown = project.snap(&["diff", &saved]).exits(0).stdout;
        assert!(shown.contains(content.trim_end()), "{shown}");
    }
}

#[test]
fn a_token_in_a_command_is_not_said_and_is_in_no_name() {
    let session = Session::new();
    let token = crate::redaction::token("github classic", 8);
    let known = "Kq7Rw2Xz9Lm4Tb6Vc8Hd";
    session.project.write("edited.txt", "edited\n");
    for line in [
        format!("rm -rf .claude {token}"),
        format!("rm -rf .claude a-long-name-that-leaves-little-room {token}"),
        format!("rm -rf .claude $UNKNOWN/{token}"),
        format!("rm -rf .claude --api-token {known}"),
    ] {
        let said = session.before(&line);
        assert!(said.contains("its snapshots too") && said.contains("rm -rf .claude"), "{line}: {said}");
        let shown = session.project.snap(&["list", "--json"]).exits(0);
        for text in [&said, &shown.stdout] {
            let halves = [&token[..10], &known[..8]];
            assert!(halves.iter().all(|half| !text.contains(half)), "{line}: {text}");
        }
    }
}
