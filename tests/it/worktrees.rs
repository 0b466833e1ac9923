//! `snap resume` in another repository, another work tree, or one that it makes itself.

use std::fs;

use crate::merging::as_user;
use crate::support::Must;
use crate::support::project::{Project, ran};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// A project with one pending edit, saved as "x"; its tree is clean again.
fn saved() -> Project {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "saved\n");
    project.write("new.txt", "new\n");
    project.snap(&["save", "x"]).exits(0);
    project.git(&["checkout", "-q", "--", "a.txt"]);
    fs::remove_file(project.path("new.txt")).must("to remove");
    project
}

#[test]
fn a_new_work_tree_gets_the_edits_and_the_current_one_is_untouched() {
    let project = saved();
    project.write("b.txt", "work in progress here\n");
    // Upstream has moved: the new work tree starts where the snapshot was made.
    project.write("sub/c.txt", "committed since\n");
    project.git(&["commit", "-qm", "second", "sub/c.txt"]);
    let before = project.state();
    let ran = project.snap(&["resume", "x", "--worktree", "try/it", "--json"]).exits(0).json();
    assert_eq!(project.state().replace("? .claude/worktrees/try-it/\n", ""), before);
    let tree = project.path(".claude/worktrees/try-it");
    assert_eq!(ran["resume"]["cwd"], tree.to_str().must("UTF-8"));
    let read = |name: &str| fs::read_to_string(tree.join(name)).must("a file");
    assert_eq!([read("a.txt"), read("new.txt"), read("sub/c.txt")], ["saved\n", "new\n", "deep\n"]);
    assert_eq!(project.git(&["-C", tree.to_str().must("UTF-8"), "branch", "--show-current"]), "try/it\n");
}

#[test]
fn a_new_work_tree_can_be_anywhere() {
    let project = saved();
    let elsewhere = project.home.path().join("else where");
    let into = elsewhere.to_str().must("UTF-8");
    project.snap(&["resume", "x", "--worktree", "other", "--into", into]).exits(0);
    assert_eq!(fs::read_to_string(elsewhere.join("a.txt")).must("a file"), "saved\n");
}

#[test]
fn a_failed_resume_leaves_no_work_tree_and_no_branch() {
    let project = saved();
    let object = project.objects().pop().must("an object");
    fs::write(object, "damaged").must("to write");
    let branches = project.git(&["branch", "--list"]);
    project.snap(&["resume", "x", "--worktree", "try"]).exits(5);
    assert_eq!(project.git(&["branch", "--list"]), branches);
    assert_eq!(project.git(&["worktree", "list"]).lines().count(), 1);
    assert!(!project.path(".claude/worktrees/try").exists());
}

#[test]
fn a_work_tree_that_can_not_be_made_is_refused_in_plain_words_by_a_dry_run_too() {
    let project = saved();
    project.git(&["worktree", "add", "-q", "-b", "side", "beside"]);
    project.write("taken/file", "mine\n");
    let root = project.root().display().to_string();
    let taken = project.path("taken").display().to_string();
    for (arguments, says) in [
        (&["main"][..], &["branch main is already checked out in", &root, "another branch"][..]),
        (
            &["side"],
            &["branch side is already checked out in", "beside", "another branch", "`git worktree remove "],
        ),
        (&["a..b"], &["\"a..b\" can't be the name of a branch"]),
        (&["try", "--into", &taken], &["something is there already", "--into DIR"]),
    ] {
        for more in [&[][..], &["--dry-run"]] {
            let said =
                project.snap(&[&["resume", "x", "--worktree"], arguments, more].concat()).exits(3).says(says);
            assert!(!said.stderr.contains("fatal"), "{}", said.stderr);
        }
    }
}

#[test]
fn a_dry_run_makes_no_work_tree() {
    let project = saved();
    let ran = project.snap(&["resume", "x", "--worktree", "try", "--dry-run"]).exits(0);
    assert!(
        ran.stdout.contains(".claude/worktrees/try") && ran.stdout.contains("2 edited files"),
        "{}",
        ran.stdout
    );
    assert_eq!(project.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn another_repository_is_refused_until_it_is_trusted() {
    let project = saved();
    let other = Project::new().of_the_user_of(&project);
    fs::remove_dir_all(other.path(".git")).must("to remove");
    other.git(&["init", "-q", "-b", "main"]);
    other.git(&["add", "."]);
    other.git(&["commit", "-q", "-m", "the same files in another history"]);
    let before = other.state();
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    other.snap(&["resume", "x", "--store", store]).exits(3).says(&["git fetch", "another repository"]);
    assert_eq!(other.state(), before);
    other.snap(&["resume", "x", "--store", store, "--trust-repository"]).exits(0).says(&["HEAD is at"]);
    assert_eq!(other.read("a.txt"), b"saved\n");
}

#[test]
fn a_shallow_clone_without_the_base_is_told_the_exact_fetch() {
    let project = saved();
    let base = project.git(&["rev-parse", "HEAD"]).trim().to_owned();
    project.write("b.txt", "second\n");
    project.git(&["commit", "-qam", "second"]);
    let shallow = Project::empty().of_the_user_of(&project);
    let from = format!("file://{}", project.root().display());
    fs::remove_dir(shallow.root()).must("to remove");
    let into = shallow.root().to_str().must("UTF-8");
    let home = shallow.home.path();
    crate::support::project::git_in(&shallow.home, home, &["clone", "-q", "--depth=1", from.as_str(), into]);
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    let fetch = format!("git fetch --depth=1 origin {base}");
    shallow.snap(&["resume", "x", "--store", store]).exits(3).says(&["--fetch-base", &fetch]);
    let refs = |project: &Project| project.git(&["for-each-ref"]);
    let before = (refs(&shallow), shallow.read(".git/config"), shallow.git(&["log", "--format=%H", "HEAD"]));
    // A remote that does not hand it out: its own words, and nothing has changed.
    let tip = project.git(&["for-each-ref", "--format=%(refname)", "refs/snap"]);
    project.git(&["update-ref", "-d", tip.trim()]);
    let old_protocol = |arguments: &[&str]| {
        let mut command = shallow.command(shallow.root(), arguments);
        let settings = [
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "protocol.version"),
            ("GIT_CONFIG_VALUE_0", "0"),
        ];
        ran(command.envs(settings))
    };
    old_protocol(&["resume", "x", "--store", store, "--fetch-base"]).exits(3).says(&[
        "Cannot fetch the snapshot's base commit from origin",
        "unadvertised object",
        "--with-base",
    ]);
    assert_eq!(before.0, refs(&shallow));
    shallow.snap(&["resume", "x", "--store", store, "--fetch-base", "--dry-run"]).exits(3);
    project.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);

    shallow
        .snap(&["resume", "x", "--store", store, "--fetch-base"])
        .exits(0)
        .says(&["Fetched the base commit"]);
    assert_eq!(shallow.read("a.txt"), b"saved\n");
    let kept: String = refs(&shallow)
        .lines()
        .filter(|line| !line.contains("refs/snap/") && !line.contains("refs/snap-trees/"))
        .map(|l| format!("{l}\n"))
        .collect();
    let after = (kept, shallow.read(".git/config"), shallow.git(&["log", "--format=%H", "HEAD"]));
    assert_eq!(after, before, "branches, settings and the shallow history are as they were");
    assert!(!shallow.path(".git/FETCH_HEAD").exists());
    assert!(refs(&shallow).contains(&base), "it is kept from garbage collection");
}

#[test]
fn the_plan_shows_which_folders_become_which() {
    let project = saved();
    let clone = project.cloned();
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    let plan =
        clone.snap(&["resume", "x", "--dry-run", "--json", "--store", store, "--map", "/opt/x=/srv/y"]);
    let plan = plan.exits(0).json();
    let pairs: Vec<(&str, &str)> = plan["paths"]["map"]
        .as_array()
        .must("a map")
        .iter()
        .filter_map(|pair| Some((pair["old"].as_str()?, pair["new"].as_str()?)))
        .collect();
    let place = |project: &Project| project.root().to_str().must("UTF-8").to_owned();
    assert!(pairs.contains(&(&place(&project), &place(&clone))), "{pairs:?}");
    assert!(pairs.contains(&("/opt/x", "/srv/y")), "{pairs:?}");
    clone.snap(&["resume", "x", "--map", "nonsense"]).exits(2).says(&["OLD=NEW"]);
}

#[test]
fn paths_that_the_map_does_not_know_are_named() {
    let project = Project::new();
    let transcript = project.session(ID);
    let mut text = fs::read_to_string(&transcript).must("the transcript");
    text += "{\"type\":\"user\",\"cwd\":\"/srv/another/project\",\"message\":{\"content\":\"x\"}}\n";
    let cwd = project.root().to_str().must("UTF-8");
    text += &format!("{{\"type\":\"user\",\"cwd\":\"{cwd}\",\"message\":{{\"content\":\"y\"}}}}\n");
    fs::write(&transcript, text).must("to write");
    project.snap(&["save", "x"]).exits(0);
    let clone = project.cloned();
    let store = project.stored("");
    let ran = clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
    ran.says(&["/srv/another/project", "--map OLD=NEW", "mentions of the old place"]);
}

/// Saves in a work tree, takes the edit back there, resumes there, and expects it again.
#[track_caller]
fn round_trip(project: &Project, tree: &std::path::Path, file: &str) {
    fs::write(tree.join(file), "edited in there\n").must("an edit");
    project.snap_in(tree, &["save", "there"]).exits(0);
    crate::support::project::git_in(&project.home, tree, &["checkout", "-q", "--", file]);
    project.snap_in(tree, &["resume", "there"]).exits(0);
    assert_eq!(fs::read_to_string(tree.join(file)).must("the file"), "edited in there\n");
}

#[test]
fn a_moved_work_tree_works_once_git_knows_its_place() {
    let project = Project::new();
    let (old, new) = (project.home.path().join("old"), project.home.path().join("new"));
    let path = |path: &std::path::Path| path.to_str().must("UTF-8").to_owned();
    project.git(&["worktree", "add", "-q", "-b", "feature", &path(&old)]);
    fs::rename(&old, &new).must("to move");
    project.git(&["worktree", "repair", &path(&new)]);
    round_trip(&project, &new, "a.txt");
    assert!(project.stored("there.json").exists(), "the store is that of the main work tree");
}

#[test]
fn locked_and_nested_work_trees_and_those_with_a_configuration_of_their_own_work() {
    let project = Project::new();
    project.git(&["config", "extensions.worktreeConfig", "true"]);
    let nested = project.path(".claude/worktrees/nested");
    project.git(&["worktree", "add", "-q", "--lock", "-b", "nested", nested.to_str().must("UTF-8")]);
    project.git(&["-C", nested.to_str().must("UTF-8"), "config", "--worktree", "core.fileMode", "false"]);
    round_trip(&project, &nested, "a.txt");
    // The main work tree's own snapshot takes no notice of the one inside it.
    project.snap(&["save", "main"]).exits(0);
    let shown = project.snap(&["show", "main", "--json"]).exits(0).json();
    assert_eq!(shown["edits"]["files"].as_array().map(Vec::len), Some(0));
    assert_eq!(shown["workspace"]["others"][0], nested.to_str().must("UTF-8"));
}

#[test]
fn the_work_trees_of_a_bare_repository_share_the_store_beside_it() {
    let project = Project::new();
    let folder = project.home.path().join("project");
    fs::create_dir(&folder).must("a folder");
    project.git(&["clone", "-q", "--bare", ".", folder.join(".bare").to_str().must("UTF-8")]);
    fs::write(folder.join(".git"), "gitdir: ./.bare\n").must("a link to the repository");
    let git = |arguments: &[&str]| crate::support::project::git_in(&project.home, &folder, arguments);
    git(&["worktree", "add", "-q", "one", "main"]);
    git(&["worktree", "add", "-q", "-b", "two", "two"]);
    round_trip(&project, &folder.join("one"), "a.txt");
    assert!(folder.join(".claude/snapshots/there.json").exists());
    project.snap_in(&folder.join("two"), &["resume", "there"]).exits(0);
    assert_eq!(fs::read_to_string(folder.join("two/a.txt")).must("the file"), "edited in there\n");
}

#[test]
fn a_submodule_is_a_repository_of_its_own() {
    let project = Project::new();
    let inner = Project::new();
    let from = inner.root().to_str().must("UTF-8");
    project.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", from, "module"]);
    project.git(&["commit", "-qm", "module"]);
    round_trip(&project, &project.path("module"), "a.txt");
    assert!(project.path("module/.claude/snapshots/there.json").exists());
    // Seen from outside it is left out, by name.
    project.snap(&["save", "outer"]).exits(6).says(&["module", "a submodule"]);
}

#[test]
fn a_new_work_tree_is_one_for_git_whatever_the_configuration_of_the_repository() {
    const SETTINGS: [&[&str]; 5] = [
        &["rerere.enabled", "true"],
        &["core.fsmonitor", "/no/program"],
        &["filter.own.clean", "cat"],
        &["unheard.of", "1"],
        &["worktree.useRelativePaths", "true"],
    ];
    for setting in SETTINGS {
        let project = saved();
        project.git(&[&["config"], setting].concat());
        project.git(&["config", "unheard.of", "2"]);
        project.snap(&["resume", "x", "--worktree", "try"]).exits(0);
        let tree = project.path(".claude/worktrees/try");
        let at = tree.to_str().must("UTF-8");
        let status = || project.git(&["-c", "core.fsmonitor=false", "-C", at, "status", "--porcelain"]);
        assert_eq!(status(), " M a.txt\n?? new.txt\n", "{setting:?}");
        assert!(!project.git(&["worktree", "list", "--porcelain"]).contains("prunable"), "{setting:?}");
        project.snap(&["-C", at, "save", "there"]).exits(0);
        project.git(&["worktree", "remove", "--force", at]);
        project.snap(&["rewind", "there"]).exits(0);
        assert_eq!(status(), " M a.txt\n?? new.txt\n", "{setting:?}: made again");
    }
}

#[test]
fn a_new_work_tree_that_git_calls_edited_at_once_gets_the_edits() {
    let project = Project::new();
    // Line ends that are committed, and attributes that say they are not.
    project.write("w.txt", "one\r\ntwo\r\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "line ends"]);
    project.write(".gitattributes", "*.txt text\n");
    project.git(&["add", ".gitattributes"]);
    project.git(&["commit", "-qm", "attributes"]);
    project.write("w.txt", "one\r\ntwo\r\nthree\r\n");
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["resume", "x", "--worktree", "beside", "--no-run"]).exits(0);
    assert_eq!(project.read(".claude/worktrees/beside/w.txt"), b"one\r\ntwo\r\nthree\r\n");
}

#[test]
fn a_work_tree_for_a_branch_at_another_commit_is_not_advised_to_be_made_again() {
    let project = saved();
    project.git(&["branch", "-q", "moved"]);
    project.git(&["checkout", "-q", "moved"]);
    project.write("a.txt", "committed there\n");
    project.git(&["commit", "-qam", "there"]);
    project.git(&["checkout", "-q", "main"]);
    let ran = project.snap(&["resume", "x", "--worktree", "moved", "--no-run"]).exits(4);
    assert!(!ran.stderr.contains("--worktree BRANCH"), "{}", ran.stderr);
    ran.says(&["a new branch"]);
}

#[test]
fn a_bare_rewind_in_a_tree_without_a_snapshot_of_its_own_goes_nowhere_else() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "later\n");
    let other = project.path("../other tree");
    project.git(&["worktree", "add", "-q", "-b", "other", other.to_str().must("UTF-8")]);
    project
        .snap_in(&other, &["rewind"])
        .exits(3)
        .says(&["no snapshot of this work tree", "snap rewind NAME"]);
    assert_eq!(project.read("a.txt"), b"later\n");
}

#[test]
fn a_work_tree_that_can_not_be_made_leaves_no_folder() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["resume", "x", "--worktree", "main"]).exits(3);
    assert!(!project.path(".claude/worktrees").exists());
}

#[test]
fn after_a_resume_into_a_new_work_tree_the_undo_that_is_named_is_the_one_of_that_tree() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    let ran = project.snap(&["resume", "x", "--worktree", "other", "--no-run"]).exits(0);
    let place = project.path(".claude/worktrees/other");
    let named = format!("`snap -C '{}' undo` goes back", place.display());
    assert!(ran.stderr.contains(&named) || ran.stderr.contains(&named.replace('\'', "")), "{}", ran.stderr);
    let undone = project.snap_in(&place, &["undo"]).exits(0);
    assert_ne!(fs::read(place.join("a.txt")).must("to read"), b"edited\n");
    // The folder is told of, and what is said to take it away does.
    let told = undone.stderr.lines().find(|line| line.contains(" stays, on branch other.")).must("the tree");
    let commands: Vec<&str> = told.split('`').skip(1).step_by(2).collect();
    assert_eq!(commands.len(), 2, "{told}");
    for command in commands {
        let words: Vec<String> = command.split(' ').map(|word| word.replace('\'', "")).collect();
        project.git(&words.iter().skip(1).map(String::as_str).collect::<Vec<_>>());
    }
    assert!(!place.exists() && !project.git(&["branch"]).contains("other"));

    // What is not as it was made, or what was restored before, is not said to go.
    project.snap(&["resume", "x", "--worktree", "more", "--no-run"]).exits(0);
    let place = project.path(".claude/worktrees/more");
    fs::write(place.join("mine.txt"), "mine\n").must("a file");
    let undone = project.snap_in(&place, &["undo"]).exits(0);
    assert!(!undone.stderr.contains("worktree remove"), "{}", undone.stderr);
    let undone = project.snap_in(&place, &["redo"]).exits(0);
    assert!(!undone.stderr.contains("worktree remove"), "{}", undone.stderr);
}

#[test]
fn after_a_resume_into_a_clone_the_undo_that_is_named_works() {
    let project = Project::new();
    let clone = project.path("../clone");
    let at = clone.to_str().must("UTF-8");
    project.git(&["clone", "-q", ".", at]);
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    let ran = project.snap(&["resume", "x", "--into", at, "--no-run"]).exits(0);
    assert_eq!(fs::read(clone.join("a.txt")).must("to read"), b"edited\n");
    let named = ran.stderr.split('`').find(|words| words.ends_with(" undo")).must("the way back");
    let words: Vec<&str> = named.split_whitespace().skip(1).collect();
    assert!(words.contains(&"--store"), "{named}");
    project.snap(&words).exits(0);
    assert_ne!(fs::read(clone.join("a.txt")).must("to read"), b"edited\n");
}

#[test]
fn what_a_removed_work_tree_had_is_not_the_default_of_this_one() {
    let project = Project::new();
    project.session("c137e379-838e-4509-8148-16b407691758");
    project.write("a.txt", "mine\n");
    project.snap(&["save", "mine"]).exits(0);
    let other = project.home.path().join("other");
    let at = other.to_str().must("UTF-8");
    project.git(&["worktree", "add", "-q", "-b", "feature", at]);
    std::fs::write(other.join("three.txt"), "theirs\n").must("an edit");
    crate::support::project::ran(&mut project.command(&other, &["save", "theirs"])).exits(6);
    project.git(&["worktree", "remove", "--force", at]);
    let planned = project.snap(&["resume", "--dry-run", "--json"]).exits(0).json();
    assert_eq!(planned["snapshot"], "mine", "{planned}");
    let status = project.snap(&["status", "--json"]).exits(0).json();
    assert_eq!(status["newest"]["name"], "mine", "{status}");
    assert_eq!(
        project.snap(&["resume", "theirs", "--dry-run", "--json"]).exits(0).json()["snapshot"],
        "theirs"
    );
}

#[test]
fn the_newest_means_the_newest_of_this_work_tree_in_every_command_that_looks_or_resumes() {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "of here\n");
    project.snap(&["save", "earlier"]).exits(0);
    project.write("a.txt", "later here\n");
    project.snap(&["save", "here"]).exits(0);
    let other = project.path("../other tree");
    project.git(&["worktree", "add", "-q", "-b", "other", other.to_str().must("UTF-8")]);
    fs::write(other.join("a.txt"), "of there\n").must("written");
    project.snap_in(&other, &["save", "zeta"]).exits(6);
    for typed in [
        &["show"][..],
        &["show", "latest"],
        &["diff", "--stat"],
        &["diff", "--now", "--stat"],
        &["resume", "--dry-run"],
        &["resume", "latest", "--dry-run"],
        &["rewind", "latest", "--dry-run"],
        &["export", "-o", "../one.snap"],
        &["report", "-o", "../one.html"],
    ] {
        let newest = "To use the newest, name it: zeta";
        let ran = project.snap(typed).exits(0).says(&["of another work tree", newest]);
        assert!(!ran.stdout.contains("zeta"), "{typed:?}: {}", ran.stdout);
    }
    assert_eq!(project.snap(&["diff", "--now", "--name-only"]).exits(0).stdout, "", "status says the same");
    // What changes one means the same.
    for typed in [&["pin", "latest"][..], &["unpin", "latest"], &["rm", "latest"]] {
        let newest = "To use the newest, name it: zeta";
        project.snap(typed).exits(0).says(&["of another work tree", newest]);
    }
    project.snap(&["show", "here"]).exits(3);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.snap(&["show", "latest~1", "--json"]).exits(0).json()["name"], "earlier");
    project
        .snap(&["show", "latest~2"])
        .exits(3)
        .says(&["There is no `latest~2`: `latest` counts 2 of this work tree"]);
    assert_eq!(project.snap(&["show", "zeta", "--json"]).exits(0).json()["name"], "zeta");
    // In the other one it is its own; and in one without any, the newest of all, which is said.
    let ran = project.snap_in(&other, &["show"]).exits(0);
    assert!(!ran.stderr.contains("work tree"), "{}", ran.stderr);
    let third = project.path("../third tree");
    project.git(&["worktree", "add", "-q", "-b", "third", third.to_str().must("UTF-8")]);
    project.snap_in(&third, &["show"]).exits(0).says(&["no snapshot is of this work tree"]);
    // What changes something means none of them.
    project.write("a.txt", "precious\n");
    for typed in [
        &["rewind", "latest", "--no-run"][..],
        &["rewind", "latest~1", "--no-run"],
        &["rm", "latest"],
        &["rm", "latest~1"],
        &["pin", "latest"],
    ] {
        project.snap_in(&third, typed).exits(3).says(&["There is no snapshot of this work tree"]);
    }
    assert_eq!(project.read("a.txt"), b"precious\n");
}

#[test]
fn a_colleagues_snapshot_is_not_taken_for_one_of_a_work_tree_that_has_none() {
    let (ada, remote) = crate::handoff_remote::with_remote();
    let bob = crate::handoff_remote::colleague(&ada, &remote).of_another_user();
    bob.write("a.txt", "of bob\n");
    as_user(&bob, "bob", &["save", "of bob"]).exits(0);
    as_user(&bob, "bob", &["push", "origin", "of bob"]).exits(0);
    ada.snap(&["pull"]).exits(0);
    ada.write("a.txt", "of ada\n");
    ada.snap(&["save", "of ada"]).exits(0);
    let other = ada.path("../other");
    ada.git(&["worktree", "add", "-q", "-b", "other", other.to_str().must("UTF-8")]);
    let shown = ada.snap_in(&other, &["show"]).exits(0).says(&["no snapshot is of this work tree"]);
    assert!(shown.stdout.starts_with("of ada"), "{}", shown.stdout);
    ada.snap_in(&other, &["rewind", "--dry-run"]).exits(3).says(&["There is no snapshot of this work tree"]);
}

#[test]
fn what_is_compared_with_this_work_tree_is_never_of_one_that_is_gone() {
    let project = Project::new();
    project.write("a.txt", "here\n");
    project.snap(&["save", "here"]).exits(0);
    let other = project.path("../other");
    project.git(&["worktree", "add", "-q", "-b", "other", other.to_str().must("UTF-8")]);
    fs::write(other.join("a.txt"), "of there\n").must("written");
    project.snap_in(&other, &["save", "there"]).exits(0);
    project.git(&["worktree", "remove", "--force", other.to_str().must("UTF-8")]);
    assert_eq!(project.snap(&["diff", "--now", "--name-only"]).exits(0).stdout, "");
    let shown = project.snap(&["show"]).exits(0).says(&["there, is of a work tree that is gone"]);
    assert!(shown.stdout.starts_with("there"), "{}", shown.stdout);
}

#[test]
fn a_rewind_of_a_work_tree_that_is_gone_and_can_not_be_made_again_leaves_the_main_one_alone() {
    type Block = fn(&Project, &str);
    let blocks: [(&str, Block, Block); 3] = [
        (
            "something else is in its place",
            |_, at| fs::write(at, "a file\n").must("a file"),
            |_, at| fs::remove_file(at).must("to remove"),
        ),
        (
            "something else is in its place",
            |_, at| {
                fs::create_dir(at).must("a folder");
                fs::write(format!("{at}/mine"), "mine\n").must("a file");
            },
            |_, at| fs::remove_dir_all(at).must("to remove"),
        ),
        (
            "its branch, feature, is checked out here",
            |project, _| drop(project.git(&["checkout", "-q", "feature"])),
            |project, _| drop(project.git(&["checkout", "-q", "main"])),
        ),
    ];
    for (why, block, unblock) in blocks {
        let project = Project::new();
        let other = project.home.path().join("other");
        let at = other.to_str().must("UTF-8");
        project.git(&["worktree", "add", "-q", "-b", "feature", at]);
        fs::write(other.join("a.txt"), "edited there\n").must("an edit");
        project.snap_in(&other, &["save", "theirs"]).exits(0);
        project.git(&["worktree", "remove", "--force", at]);
        block(&project, at);
        project.write("a.txt", "mine\n");
        for typed in
            [&["rewind", "theirs"][..], &["rewind", "theirs", "--yes"], &["rewind", "theirs", "--dry-run"]]
        {
            project.snap(typed).exits(3).says(&[why, "`snap resume theirs`"]);
        }
        // None is meant unless it is named.
        project.snap(&["rewind"]).exits(3);
        assert_eq!(project.read("a.txt"), b"mine\n", "{why}");
        project.git(&["checkout", "-q", "a.txt"]);
        unblock(&project, at);
        project.snap(&["rewind", "theirs", "--no-run"]).exits(0);
        assert_eq!(fs::read(other.join("a.txt")).must("to read"), b"edited there\n", "{why}");
    }
}
