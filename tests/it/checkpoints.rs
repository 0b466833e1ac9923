//! Checkpoints of the work trees that a step hits: which are saved, under which name, what is said, and the way back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::hooks::{ID, bash, bin, hook, hook_with, settle, told};
use crate::interactive::claude;
use crate::support::api::{Reply, Speaker, StandIn, Turn};
use crate::support::client::Client;
use crate::support::project::{Project, Ran, files_below, git_in};
use crate::support::screen::{self, Screen};
use crate::support::{Must, eventually};

with_both_clients! {
    an_agent_that_removes_a_dirty_work_tree_with_force_loses_nothing
}

with_the_newest_client! {
    leaving_a_work_tree_and_discarding_it_loses_nothing
    what_is_saved_elsewhere_and_what_is_not_covered_is_on_the_persons_screen
}

/// Answers `run COMMAND` by running it; `leave` by making a work tree, working in it, and throwing it away.
fn script(turn: &Turn) -> Reply {
    match (&turn.request.speaker, turn.prompt.split_once(' ')) {
        (Speaker::Main, Some(("run", line))) => turn.play(vec![
            Reply::tool("Bash", json!({"command": line, "description": "as asked"})),
            Reply::text("did it"),
        ]),
        (Speaker::Main, _) if turn.prompt == "leave" => turn.play(vec![
            Reply::tool("EnterWorktree", json!({"name": "thrown"})),
            Reply::tool(
                "Bash",
                json!({"command": "echo only here > wip.txt; echo more >> a.txt", "description": "work"}),
            ),
            Reply::tool("ExitWorktree", json!({"action": "remove", "discard_changes": true})),
            Reply::text("left it"),
        ]),
        _ => Reply::text("fine"),
    }
}

fn an_agent_that_removes_a_dirty_work_tree_with_force_loses_nothing(client: &Client) {
    let trees = Trees::new();
    let project = &trees.project;
    project.snap(&["init"]).exits(0);
    let client = client.beside(&bin(project));
    let api = StandIn::start(script);
    let before = trees.state(FEAT);
    let line = format!("run git worktree remove --force {FEAT}");
    let done = client.print(&project.home, project.root(), &api, &[], &line).succeeded();
    assert_eq!(done.json["result"], "did it");
    assert_eq!(trees.state(FEAT), "gone");
    settle(project);
    let second = api.main()[1].body.to_string();
    assert!(!second.contains("snap saved") && !second.contains("snap hook"), "the model hears nothing of it");
    // The end of the session is saved after that: of this tree, in which nothing has to be done.
    eventually("the end of the session", || trees.snapshots_of(".").contains(&"end of session".to_owned()));
    project.snap(&["rewind", "--no-run"]).exits(0).says(&["it has been made again"]);
    assert_eq!(trees.state(FEAT), before);
    trees.take("git worktree remove --force .claude/worktrees/feat");
    let name = "before git worktree remove --force .claude/worktrees/feat";
    project.snap(&["rewind", name, "--no-run"]).exits(0);
    assert_eq!(trees.state(FEAT), before);
}

fn what_is_saved_elsewhere_and_what_is_not_covered_is_on_the_persons_screen(client: &Client) {
    if !screen::available() {
        return;
    }
    let trees = Trees::new();
    let project = &trees.project;
    project.snap(&["init"]).exits(0);
    project.home.trust(&[project.root()]);
    let client = client.beside(&bin(project));
    let api = StandIn::start(script);
    let arguments = ["--permission-mode", "acceptEdits", "--allowedTools=Bash"];
    let screen = Screen::of(&claude(&client, project, &api, &arguments));
    screen.shows("❯");
    screen.enter(&format!("run git worktree remove --force {FEAT}"));
    screen.shows("did it");
    // The client breaks lines where the screen ends.
    let says = |words: &str| screen.shown().split_whitespace().collect::<Vec<_>>().join(" ").contains(words);
    assert!(says("To bring it back: snap rewind 'before git worktree remove"), "{}", screen.shown());
    screen.enter("run rm -rf $NOWHERE_AT_ALL");
    eventually("what is not covered", || says("can't tell what `rm -rf $NOWHERE_AT_ALL` will touch"));
    let told = api.main().iter().any(|request| request.body.to_string().contains("can't tell what"));
    assert!(!told, "the model hears nothing of it");
}

fn leaving_a_work_tree_and_discarding_it_loses_nothing(client: &Client) {
    let project = Project::new();
    project.write(".git/info/exclude", ".claude/\n");
    project.snap(&["init"]).exits(0);
    let client = client.beside(&bin(&project));
    let api = StandIn::start(script);
    let allowed = ["--permission-mode", "acceptEdits", "--allowedTools=Bash,EnterWorktree,ExitWorktree"];
    client.print(&project.home, project.root(), &api, &allowed, "leave").succeeded();
    let tree = project.path(".claude/worktrees/thrown");
    assert!(!tree.exists(), "{}", api.main().last().must("a request").body);
    settle(&project);
    let all = project.snap(&["list", "--json"]).exits(0).json();
    let names: Vec<&str> =
        all.as_array().must("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(names.contains(&"before ExitWorktree"), "{names:?}");
    project.snap(&["rewind", "before ExitWorktree", "--no-run"]).exits(0);
    assert_eq!(fs::read(tree.join("wip.txt")).must("the file"), b"only here\n");
    assert_eq!(fs::read(tree.join("a.txt")).must("the file"), b"one\ntwo\nthree\nmore\n");
}

/// The project with two linked work trees and a repository of its own beside it; all have edits that are nowhere else.
struct Trees {
    project: Project,
    transcript: PathBuf,
}

/// Where they are, seen from the project.
const FEAT: &str = ".claude/worktrees/feat";
const SIB: &str = "../sib";
const OTHER: &str = "../other";

impl Trees {
    fn new() -> Trees {
        let project = Project::new();
        project.write(".git/info/exclude", ".claude/\n");
        project.git(&["worktree", "add", "-q", FEAT, "-b", "feat"]);
        project.git(&["worktree", "add", "-q", SIB, "-b", "sib"]);
        git_in(&project.home, project.root(), &["init", "-q", "-b", "main", OTHER]);
        fs::write(project.path(OTHER).join("a.txt"), "one\ntwo\nthree\n").must("to write");
        project.git(&["-C", OTHER, "add", "."]);
        project.git(&["-C", OTHER, "commit", "-qm", "first"]);
        let transcript = project.session(ID);
        let trees = Trees { project, transcript };
        for tree in [FEAT, SIB, OTHER] {
            trees.spoil(tree);
        }
        trees
    }

    /// Edits a file, makes a new one and stages another.
    fn spoil(&self, tree: &str) {
        let root = self.project.path(tree);
        fs::write(root.join("a.txt"), format!("one\n{tree}\nthree\n")).must("to write");
        fs::write(root.join("wip.txt"), format!("only in {tree}\n")).must("to write");
        fs::write(root.join("staged.txt"), format!("staged in {tree}\n")).must("to write");
        self.project.git(&["-C", tree, "add", "staged.txt"]);
    }

    /// What there is to lose in a work tree.
    fn state(&self, tree: &str) -> String {
        let root = self.project.path(tree);
        if !root.join(".git").exists() {
            return "gone".to_owned();
        }
        let mut state = self.project.git(&["-C", tree, "status", "--porcelain=v1", "-uall"]);
        for name in ["a.txt", "wip.txt", "staged.txt"] {
            state += &format!("{name}: {:?}\n", fs::read_to_string(root.join(name)).ok());
        }
        state.lines().filter(|line| !line.contains(".claude/")).map(|line| format!("{line}\n")).collect()
    }

    fn hook(&self, line: &str) -> Ran {
        hook(&self.project, "PreToolUse", &bash(&self.project, &self.transcript, line)).exits(0)
    }

    /// Takes the step for real.
    fn take(&self, line: &str) {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.project.root()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.project.home.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.output().must("the step");
    }

    /// The snapshots of a work tree, newest first.
    fn snapshots_of(&self, tree: &str) -> Vec<String> {
        let root = self.project.path(tree);
        let from = if tree == OTHER { root.as_path() } else { self.project.root() };
        let root = real(&root);
        let all = self.project.snap_in(from, &["list", "--json"]).exits(0).json();
        let all = all.as_array().must("a list").clone();
        let of_tree = |one: &&Value| {
            let shown = self.project.snap_in(from, &["show", one["id"].as_str().must("an id"), "--json"]);
            shown.exits(0).json()["workspace"]["root"] == root.to_str().must("UTF-8")
        };
        all.iter().filter(of_tree).map(|one| one["name"].as_str().must("a name").to_owned()).collect()
    }
}

/// A path without `..`, whether or not it is there.
fn real(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

#[test]
fn what_a_step_destroys_in_another_work_tree_comes_back_from_its_checkpoint() {
    let table = [
        ("git worktree remove --force .claude/worktrees/feat", FEAT),
        ("git worktree remove -f -f ../sib", SIB),
        ("cd .. && git -C app worktree remove --force sib", SIB),
        ("git worktree remove --force feat", FEAT),
        ("for w in .claude/worktrees/*; do git worktree remove --force \"$w\"; done", FEAT),
        ("git worktree list | awk '/feat/ {print $1}' | xargs -n1 git worktree remove --force", FEAT),
        ("rm -rf .claude/worktrees/feat", FEAT),
        ("rm -rf .claude/worktrees/feat && git worktree prune", FEAT),
        ("rm -rf ../sib && git worktree prune && git branch -D sib", SIB),
        ("D=../sib; rm -rf \"$D\"", SIB),
        ("rm -rf ../si*", SIB),
        ("find .claude/worktrees/feat -delete", FEAT),
        ("find ../sib -name '*.txt' -exec rm {} +", SIB),
        ("cd ../sib && git reset --hard && git clean -fd", SIB),
        ("(cd ../sib && git stash -u && git stash drop)", SIB),
        ("git -C .claude/worktrees/feat checkout -f -- .", FEAT),
        ("git -C .. -C sib clean -fdx", SIB),
        ("git --work-tree=../sib --git-dir=.git/worktrees/sib reset --hard", SIB),
        ("GIT_DIR=.git/worktrees/sib GIT_WORK_TREE=../sib git reset --hard", SIB),
        ("env -C ../sib git reset --hard", SIB),
        ("sh -c 'cd ../sib; git reset --hard'", SIB),
        ("echo gone > ../sib/wip.txt", SIB),
        ("cp b.txt ../sib/a.txt", SIB),
        ("git -C ../other reset --hard", OTHER),
        ("cd ../other && git checkout . && rm wip.txt", OTHER),
        ("rm ../other/wip.txt ../other/a.txt", OTHER),
    ];
    for (line, tree) in table {
        let trees = Trees::new();
        let before = trees.state(tree);
        let own = trees.state(".");
        let said = told(&trees.hook(line));
        trees.take(line);
        assert_ne!(trees.state(tree), before, "{line:?} destroyed nothing");
        let names = trees.snapshots_of(tree);
        let [name] = names.as_slice() else { panic!("{line:?}: {names:?}\n{said}") };
        assert!(
            said.contains(&format!("rewind '{name}'")),
            "{line:?}: the way back to {name} is not told: {said}"
        );
        let place = if tree == OTHER { OTHER } else { "." };
        trees.project.snap_in(&trees.project.path(place), &["rewind", name, "--yes", "--no-run"]).exits(0);
        assert_eq!(trees.state(tree), before, "{line:?}");
        assert_eq!(trees.state("."), own, "{line:?}: the session's own tree is as it was");
        // Only what a later step of the line does to the repository is saved here too.
        let own = trees.snapshots_of(".");
        let of_repository =
            |name: &String| name.contains("prune") || name.contains("branch") || name.contains("stash");
        assert!(own.iter().all(of_repository), "{line:?}: {own:?}");
    }
}

#[test]
fn rewind_without_a_name_brings_back_the_work_tree_that_was_just_removed() {
    let trees = Trees::new();
    let before = trees.state(FEAT);
    let line = "git worktree remove --force .claude/worktrees/feat";
    trees.hook(line);
    trees.take(line);
    trees.project.snap(&["rewind", "--dry-run"]).exits(0);
    assert_eq!(trees.state(FEAT), "gone");
    trees.project.snap(&["rewind"]).exits(0).says(&["feat was gone", "it has been made again"]);
    assert_eq!(trees.state(FEAT), before);
    assert_eq!(trees.project.git(&["-C", FEAT, "branch", "--show-current"]), "feat\n");
    // A work tree with a detached HEAD, removed without git.
    trees.project.git(&["-C", SIB, "checkout", "-q", "--detach"]);
    let before = trees.state(SIB);
    trees.hook("rm -rf ../sib");
    trees.take("rm -rf ../sib");
    trees.project.snap(&["rewind"]).exits(0);
    assert_eq!(trees.state(SIB), before);
    assert_eq!(trees.project.git(&["-C", SIB, "branch", "--show-current"]), "");
}

#[test]
fn the_way_back_is_told_also_to_a_session_that_works_in_the_tree_that_goes() {
    let trees = Trees::new();
    let before = trees.state(FEAT);
    let mut input =
        bash(&trees.project, &trees.transcript, "cd ../../.. && git worktree remove --force feat");
    input["cwd"] = json!(trees.project.path(FEAT));
    let said = told(&hook(&trees.project, "PreToolUse", &input).exits(0));
    let name = "before git worktree remove --force feat";
    assert!(said.contains(&format!("snap rewind '{name}'")), "{said}");
    trees.take("git worktree remove --force feat");
    trees.project.snap(&["rewind", name, "--no-run"]).exits(0);
    assert_eq!(trees.state(FEAT), before);
}

#[test]
fn without_a_name_neither_rewind_nor_resume_takes_a_checkpoint_of_another_work_tree_that_is_there() {
    let trees = Trees::new();
    trees.project.write("a.txt", "mine\n");
    trees.project.snap(&["save", "mine"]).exits(0);
    let sib = trees.state(SIB);
    trees.hook("cd ../sib && git reset --hard");
    trees.project.write("a.txt", "spoilt\n");
    trees
        .project
        .snap(&["rewind", "--no-run"])
        .exits(0)
        .says(&["another work tree", "name it: 'before git reset --hard'"]);
    assert_eq!(trees.project.read("a.txt"), b"mine\n");
    trees.project.git(&["checkout", "-q", "a.txt"]);
    trees.project.snap(&["resume", "--no-run"]).exits(0).says(&["another work tree"]);
    assert_eq!(trees.project.read("a.txt"), b"mine\n");
    assert_eq!(trees.state(SIB), sib);
}

#[test]
fn work_trees_of_a_bare_repository_are_saved_in_the_folder_that_outlives_them() {
    let project = Project::new();
    let transcript = project.session(ID);
    let top = project.home.path().join("bare layout");
    fs::create_dir(&top).must("a folder");
    let git = |folder: &Path, words: &[&str]| git_in(&project.home, folder, words);
    git(&top, &["clone", "-q", "--bare", project.root().to_str().must("UTF-8"), ".bare"]);
    fs::write(top.join(".git"), "gitdir: ./.bare\n").must("to write");
    for branch in ["one", "two"] {
        git(&top, &["worktree", "add", "-q", branch, "-b", branch]);
        fs::write(top.join(branch).join("wip.txt"), format!("only in {branch}\n")).must("to write");
    }
    for (cwd, line) in [
        (top.join("one"), "git worktree remove --force ../two"),
        (top.clone(), "git worktree remove --force two"),
        (top.clone(), "rm -rf two"),
        (top.join("one"), "cd .. && git -C two clean -fd"),
    ] {
        let mut input = bash(&project, &transcript, line);
        input["cwd"] = json!(cwd);
        let said = told(&hook(&project, "PreToolUse", &input).exits(0));
        assert!(
            said.contains("bare layout/two before") && !said.contains("did not save"),
            "{line:?}: {said}"
        );
    }
    git(&top, &["worktree", "remove", "--force", "two"]);
    project.snap_in(&top.join("one"), &["rewind", "before git worktree remove --force ../two"]).exits(0);
    assert_eq!(fs::read(top.join("two/wip.txt")).must("the file"), b"only in two\n");
}

#[test]
fn each_of_several_work_trees_is_saved_and_no_name_claims_more_than_one() {
    let trees = Trees::new();
    trees.project.write("a.txt", "mine too\n");
    let before: Vec<String> = [".", FEAT, SIB, OTHER].iter().map(|tree| trees.state(tree)).collect();
    let line = "rm -rf a.txt ../sib/a.txt ../other/a.txt .claude/worktrees";
    let said = told(&trees.hook(line));
    for (tree, name) in [(".", "app"), (FEAT, "feat"), (SIB, "sib"), (OTHER, "other")] {
        let wanted = format!("before {line} (only {name})");
        let names = trees.snapshots_of(tree);
        // A long step is cut so that the folder is still told.
        assert!(names.len() == 1 && names[0].ends_with(&format!("(only {name})")), "{names:?}, not {wanted}");
    }
    assert!(said.contains("/sib before") && !said.contains("did not save"), "{said}");
    trees.take(line);
    for (tree, before) in [".", SIB, OTHER].iter().zip([&before[0], &before[2], &before[3]]) {
        let name = &trees.snapshots_of(tree)[0];
        trees.project.snap_in(&trees.project.path(tree), &["rewind", name, "--no-run"]).exits(0);
        assert_eq!(trees.state(tree), **before);
    }
}

#[test]
fn what_can_not_be_covered_is_said_with_the_reason() {
    let table = [
        ("git worktree remove --force $(cat list)", "$(cat list) is known only when"),
        ("rm -rf \"$NOWHERE/x\"", "$NOWHERE/x is known only when"),
        ("rm -rf ~bob/x", "~bob/x is known only when"),
        ("cat list | xargs rm -rf", "$(cat list) is known only when"),
        ("cd $NOWHERE && git reset --hard", "$NOWHERE is known only when"),
        ("rm -rf ~/notes", "notes is in no git work tree"),
        ("rm ~/notes/*", "is in no git work tree"),
        ("echo x > ~/notes/n.txt", "is in no git work tree"),
        ("git -C ~/notes reset --hard", "is in no git work tree"),
        ("git worktree remove --force not-there", "no work tree not-there was found"),
    ];
    let trees = Trees::new();
    fs::create_dir(trees.project.home.path().join("notes")).must("a folder");
    fs::write(trees.project.home.path().join("notes/n.txt"), "not in git\n").must("to write");
    for (line, why) in table {
        let ran = trees.hook(line);
        let said = told(&ran);
        let says = ["snap did not save everything before `", "snap can't tell what `"];
        assert!(says.iter().any(|one| said.contains(one)) && said.contains(why), "{line:?}: {said:?}");
        assert_eq!(ran.stderr, "", "{line:?}");
        for name in trees.snapshots_of(".") {
            assert!(name.ends_with("(only app)"), "{line:?}: {name:?} claims to hold everything");
        }
    }
    // What nobody expects to last, and what only looks like it.
    for line in
        ["rm -rf $TMPDIR/x", "T=$(mktemp -d); rm -rf \"$T\"", "echo x > /dev/null", "rm -rf ~/.cache/x"]
    {
        assert_eq!(told(&trees.hook(line)), "", "{line:?}");
    }
}

#[test]
fn a_checkpoint_that_fails_is_said_and_the_others_are_made() {
    let trees = Trees::new();
    fs::create_dir_all(trees.project.path(OTHER).join(".claude")).must("a folder");
    fs::write(trees.project.path(OTHER).join(".claude/snapshots"), "no folder").must("to write");
    let ran = trees.hook("rm -rf ../other/wip.txt ../sib/wip.txt");
    let said = told(&ran);
    assert!(said.contains("did not save everything before") && said.contains("snapshots"), "{said}");
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert_eq!(trees.snapshots_of(SIB).len(), 1);
}

#[test]
fn a_step_that_removes_a_repository_with_its_snapshots_leaves_a_copy_with_the_user() {
    let trees = Trees::new();
    let clone = Project::empty().of_the_user_of(&trees.project);
    let from = trees.project.path(OTHER);
    fs::remove_dir(clone.root()).must("to remove");
    let words = ["clone", "-q", from.to_str().must("UTF-8"), clone.root().to_str().must("UTF-8")];
    git_in(&clone.home, clone.home.path(), &words);
    // A commit that is nowhere else: what the edits were made from comes along.
    trees.project.git(&["-C", OTHER, "commit", "-qam", "not pushed"]);
    trees.spoil(OTHER);
    fs::write(trees.project.path(OTHER).join("b.txt"), "only in ../other, too\n").must("to write");
    let said = told(&trees.hook("rm -rf ../other"));
    trees.take("rm -rf ../other");
    let file =
        said.split("snap import ").nth(1).and_then(|rest| rest.split(' ').next()).must("the copy's place");
    assert!(Path::new(file).starts_with(trees.project.home.path().join(".local/state")), "{said}");
    clone.snap(&["import", file]).exits(0);
    clone.snap(&["resume", "before rm -rf ../other", "--no-run", "--trust-repository"]).exits(0);
    assert_eq!(clone.read("wip.txt"), b"only in ../other\n");
    assert_eq!(clone.read("b.txt"), b"only in ../other, too\n");
}

#[test]
fn the_conversation_goes_into_no_other_repository() {
    let trees = Trees::new();
    trees.hook("git -C ../other reset --hard; git -C ../sib reset --hard");
    let shown = |tree: &str| {
        let name = trees.snapshots_of(tree).pop().must("a snapshot");
        let from = trees.project.path(if tree == OTHER { OTHER } else { "." });
        trees.project.snap_in(&from, &["show", &name, "--json"]).exits(0).json()
    };
    assert_eq!(shown(OTHER)["session"], Value::Null);
    assert_eq!(shown(SIB)["session"]["id"], ID);
    let store = trees.project.path(OTHER).join(".claude/snapshots");
    let all =
        files_below(&store).iter().map(|file| fs::read(file).must("a file")).collect::<Vec<_>>().concat();
    assert!(!String::from_utf8_lossy(&all).contains(ID));
}

#[test]
fn a_clean_repository_elsewhere_gets_no_store() {
    let trees = Trees::new();
    trees.project.git(&["-C", OTHER, "add", "."]);
    trees.project.git(&["-C", OTHER, "commit", "-qm", "all of it"]);
    assert_eq!(told(&trees.hook("git -C ../other reset --hard")), "");
    assert!(!trees.project.path(OTHER).join(".claude").exists());
}

#[test]
fn the_clients_other_tools_that_change_files_are_preceded_by_checkpoints() {
    let trees = Trees::new();
    let project = &trees.project;
    let call = |tool: &str, input: Value| {
        let mut event = bash(project, &trees.transcript, "");
        event["tool_name"] = json!(tool);
        event["tool_input"] = input;
        told(&hook(project, "PreToolUse", &event).exits(0))
    };
    for tool in ["Edit", "MultiEdit", "Write"] {
        assert_eq!(call(tool, json!({"file_path": project.path("b.txt")})), "", "a clean file");
        assert_eq!(call(tool, json!({"file_path": project.path("new.txt")})), "", "a new file");
    }
    assert_eq!(trees.snapshots_of("."), Vec::<String>::new());
    let files = ["one.txt", "two.txt", "three.ipynb", "four.txt", "five.txt"];
    let calls = [
        ("Edit", "file_path", "before edit one.txt"),
        ("MultiEdit", "file_path", "before edit two.txt"),
        ("NotebookEdit", "notebook_path", "before edit three.ipynb"),
        ("mcp__fs__write_file", "path", "before write_file four.txt"),
        ("mcp__fs__delete_file", "path", "before delete_file five.txt"),
    ];
    for (file, (tool, field, wanted)) in files.iter().zip(calls) {
        project.write(file, "only here\n");
        call(tool, json!({field: project.path(file)}));
        assert_eq!(trees.snapshots_of(".")[0], wanted);
        // What a tool changes in a file whose state before is saved, is the agent's own.
        project.write(file, "as the agent has it\n");
        let number = trees.snapshots_of(".").len();
        if !tool.contains("delete") {
            call(tool, json!({field: project.path(file)}));
        }
        assert_eq!(trees.snapshots_of(".").len(), number, "{tool}");
    }
    // Edits of a committed file, and a file in another work tree.
    project.write("a.txt", "the user's own\n");
    call("Write", json!({"file_path": project.path("a.txt")}));
    assert_eq!(trees.snapshots_of(".")[0], "before write a.txt");
    let said = call("Write", json!({"file_path": real(&project.path(SIB)).join("wip.txt")}));
    assert!(said.contains("/sib before `write wip.txt`"), "{said}");
    assert_eq!(trees.snapshots_of(SIB), ["before write wip.txt"]);
}

#[test]
fn a_session_that_nobody_spoke_in_leaves_no_checkpoint_at_its_end() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("a.txt", "edited\n");
    let spoken = fs::read_to_string(&transcript).must("the transcript");
    let only = json!({"type": "user", "uuid": "u1", "cwd": project.root(), "sessionId": ID,
        "message": {"role": "user", "content": "<command-name>/exit</command-name>"}});
    fs::write(&transcript, format!("{only}\n")).must("to write");
    let names = || project.snap(&["list", "--json"]).json().as_array().must("a list").len();
    for event in ["SessionEnd", "PreCompact"] {
        hook(&project, event, &bash(&project, &transcript, "")).exits(0);
        assert_eq!(names(), 0, "{event}");
    }
    fs::write(&transcript, spoken).must("to write");
    hook(&project, "SessionEnd", &bash(&project, &transcript, "")).exits(0);
    // It is saved behind the client's back.
    eventually("a checkpoint at the end", || names() == 1);
}

#[test]
fn resume_without_a_name_passes_over_checkpoints_whose_conversation_can_not_go_on() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("a.txt", "edited\n");
    project.snap(&["save", "mine"]).exits(0);
    // As an earlier release left it: a session that was only opened, and ended.
    let empty = project.session("aaaaaaaa-838e-4509-8148-16b407691758");
    fs::write(&empty, format!("{}\n", json!({"type": "mode", "cwd": project.root()}))).must("to write");
    project.write("a.txt", "edited again\n");
    hook(&project, "PreToolUse", &bash(&project, &empty, "rm x")).exits(0);
    project.git(&["checkout", "-q", "a.txt"]);
    let resumed = project.snap(&["resume", "--no-run", "--dry-run"]).exits(0);
    assert!(resumed.stdout.contains("mine in "), "{}{}", resumed.stdout, resumed.stderr);
    assert!(resumed.stderr.contains("holds no conversation that can be continued"), "{}", resumed.stderr);
    assert!(transcript.exists());
}

#[test]
fn a_snapshot_that_somebody_else_made_does_not_stand_in_for_a_checkpoint() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("a.txt", "edited\n");
    let input = bash(&project, &transcript, "rm -rf x").to_string();
    let mut theirs = project.command(project.root(), &["hook", "PreToolUse"]);
    theirs.env("XDG_STATE_HOME", project.home.path().join("of somebody else"));
    hook_with(theirs, input.as_bytes()).exits(0);
    settle(&project);
    hook(&project, "PreToolUse", &bash(&project, &transcript, "rm -rf x")).exits(0);
    let all = project.snap(&["list", "--json"]).exits(0).json();
    assert_eq!(all.as_array().must("a list").len(), 2);
}

#[test]
fn a_step_that_takes_away_submodules_is_not_said_to_remove_the_snapshots() {
    let trees = Trees::new();
    trees.spoil(".");
    for line in ["git submodule deinit -f .", "git rm -rf ."] {
        let said = told(&trees.hook(line));
        assert!(!said.contains("its snapshots too"), "{line:?}: {said:?}");
    }
    let said = told(&trees.hook("find . -type f -exec rm {} +"));
    assert!(!said.contains("removes its snapshots"), "some may stay: {said:?}");
    let said = told(&trees.hook("rm -rf ."));
    assert!(said.contains("removes its snapshots too"), "{said:?}");
    let said = told(&trees.hook("xargs rm -rf < list"));
    assert!(said.contains("the input of xargs is known only when the step runs"), "{said:?}");
    let said = told(&trees.hook("rm -rf $(cat list)"));
    let root = trees.project.root().display().to_string();
    assert!(
        said.contains("can't tell what `rm -rf $(…)` will touch: $(cat list) is known only when"),
        "{said:?}"
    );
    assert!(said.contains(&format!("Saved before it: only {root}.")), "{said:?}");
}

#[test]
fn where_there_is_no_repository_only_what_holds_something_is_said_to_be_lost() {
    let trees = Trees::new();
    let notes = trees.project.home.path().join("notes");
    fs::create_dir_all(notes.join("empty/deep")).must("a folder");
    fs::write(notes.join("nothing.txt"), "").must("to write");
    for line in
        ["rm -f ~/notes/not-there", "rm -rf ~/notes/empty", "rm ~/notes/nothing.txt", "rm ~/notes/*.log"]
    {
        assert_eq!(told(&trees.hook(line)), "", "{line:?}");
    }
}

#[test]
fn what_a_step_takes_away_and_no_snapshot_holds_is_said_before_it() {
    let trees = Trees::new();
    let project = &trees.project;
    project.write(".git/info/exclude", ".claude/\ntarget/\n*.env\n");
    project.write("big", vec![7; 11 << 20]);
    project.write("target/debug/o", "object\n");
    project.write("sub/my.env", "KEY=1\n");
    project.write("vars/deep/my.env", "KEY=1\n");
    let table: [(&str, &[&str], &[&str]); 14] = [
        ("rm big", &["big is not in the snapshot: untracked, and larger than 10 MiB"], &["target"]),
        ("rm a.txt; rm ./big", &["big is not"], &["target"]),
        ("rm -rf target", &["target is ignored"], &["big"]),
        ("rm -rf target/debug", &["target/debug is ignored"], &["big"]),
        ("rm -rf sub", &["sub/my.env is ignored"], &["big", "target", "sub is ignored"]),
        // A folder in which everything is ignored is not ignored itself.
        ("rm -rf vars", &["vars/deep/my.env is ignored"], &["vars is ignored", "deep is ignored"]),
        ("rm -rf b*", &["big is not"], &["target"]),
        (
            "rm -rf .",
            &["big is not", "target is ignored", "sub/my.env is ignored"],
            &[".claude is ignored", "vars is ignored"],
        ),
        ("git clean -fdx", &["big is not", "target is ignored", "sub/my.env is ignored"], &["snapshots"]),
        ("git clean -fdX", &["target is ignored"], &["big"]),
        ("git clean -fd", &["big is not"], &["target"]),
        ("git clean -fdx sub", &["sub/my.env is ignored"], &["big", "target"]),
        ("git reset --hard", &[], &["big", "target", "not save"]),
        ("rm a.txt", &[], &["big", "target", "not save"]),
    ];
    for (line, said, unsaid) in table {
        let ran = trees.hook(line);
        let all = told(&ran);
        assert_eq!(ran.stderr, "", "{line:?}");
        for part in said {
            assert!(all.contains(part), "{line:?}: {part:?} is not in {all:?}");
        }
        for part in unsaid {
            assert!(!all.contains(part), "{line:?}: {part:?} is in {all:?}");
        }
    }
}
