//! What a resume asks on a terminal if the snapshot's edits and the work tree disagree, and what each answer does.

use std::fs;
use std::path::Path;

use crate::support::Must;
use crate::support::project::Project;
use crate::trust::typed_into;

/// A file with a name that leaves little room beside it.
const LONG: &str = "services/billing/src/invoices/tests/fixtures/rounding_of_cents.rs";

/// A project in which three paths are different than the snapshot `before refactor` expects; and another one is not.
fn project() -> Project {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.write("b.txt", "saved too\n");
    project.write("new.txt", "of the snapshot\n");
    project.write(LONG, "of the snapshot\n");
    project.snap(&["save", "before refactor"]).exits(0);
    project.git(&["checkout", "-q", "b.txt"]);
    project.write("a.txt", "one\ntwo\nthree\nmine\n");
    project.write("new.txt", "mine\n");
    project.write(LONG, "mine\n");
    project
}

/// What a resume says to these answers, on a terminal of so many columns, and its exit code.
fn answered(project: &Project, typed: &str, columns: &str) -> (i32, String) {
    let arguments = ["resume", "before refactor", "--no-run", "--no-session", "--color", "never"];
    let mut command = project.command(project.root(), &arguments);
    command.env("COLUMNS", columns).env("SNAP_PAGER", "cat");
    let (code, said) = typed_into(&mut command, typed);
    (code, said.replace('\r', ""))
}

/// The question, with what is shown above it.
fn question(said: &str) -> &str {
    let from = said.find("The edits of").must("the first words");
    let end = said[from..].find("[A]bort").must("the question") + "[A]bort".len();
    &said[from..from + end]
}

/// Expected screens under `fixtures/question`; `SNAP_BLESS=1 cargo test golden` writes them anew.
#[test]
fn golden_questions_fit_the_screen() {
    let project = project();
    let before = project.state();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/question");
    for columns in ["80", "120", "200"] {
        let (code, said) = answered(&project, "a\n", columns);
        assert_eq!(code, 4, "{said}");
        let shown = format!("{}\n", question(&said));
        let width = shown.lines().map(|line| line.chars().count()).max().must("lines");
        assert!(width <= columns.parse().must("a number"), "{shown}");
        let file = folder.join(format!("conflict-{columns}.out"));
        if std::env::var_os("SNAP_BLESS").is_some() {
            fs::create_dir_all(&folder).must("the folder");
            fs::write(&file, &shown).must("blessed");
        }
        assert_eq!(fs::read_to_string(&file).ok(), Some(shown), "not as expected (SNAP_BLESS=1 takes it)");
    }
    assert_eq!(project.state(), before);
}

#[test]
fn an_unknown_answer_is_asked_again_and_nothing_is_changed_without_one() {
    let project = project();
    let before = project.state();
    for (typed, asked, code) in
        [("a\n", 1, 4), ("\n", 1, 4), ("\x04", 1, 4), ("x\nmerge!\nm erge\nABORT\n", 4, 4)]
    {
        let (ended, said) = answered(&project, typed, "80");
        assert_eq!(said.matches("What now?").count(), asked, "{typed:?}: {said}");
        assert_eq!(said.matches("Please answer [m]erge").count(), asked - 1, "{said}");
        assert!(said.contains("Nothing was changed: 3 paths are different here"), "{said}");
        assert_eq!((ended, project.state()), (code, before.clone()), "{typed:?}");
    }
}

#[test]
fn merge_worktree_and_rewind_do_what_they_say() {
    let merged = project();
    let (code, said) = answered(&merged, "m\n", "80");
    assert_eq!(code, 6, "{said}");
    assert!(String::from_utf8_lossy(&merged.read("a.txt")).contains("<<<<<<<"), "{said}");
    assert_eq!(merged.read("b.txt"), b"saved too\n");

    let beside = project();
    let before = beside.state();
    let (code, said) = answered(&beside, "W\n\n", "80");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Name of the branch [before-refactor]:"), "{said}");
    assert_eq!(beside.read(".claude/worktrees/before-refactor/a.txt"), b"saved\n");
    assert_eq!(beside.state(), before);
    // What git would refuse is asked again: no name of a branch, the one here, and one in another work tree.
    let (code, said) = answered(&beside, "worktree\nno blanks\na..b\nmain\nbefore-refactor\nother\n", "80");
    assert!(said.contains("Name of the branch [before-refactor-2]:"), "what is offered can be had: {said}");
    assert_eq!((code, said.matches("git takes no branch of that name").count()), (0, 4), "{said}");
    assert_eq!(beside.git(&["rev-parse", "--verify", "-q", "other"]), beside.git(&["rev-parse", "HEAD"]));

    let rewound = project();
    let before = rewound.state();
    let (code, said) = answered(&rewound, "r\n", "80");
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        (rewound.read("a.txt"), rewound.read("new.txt")),
        (b"saved\n".to_vec(), b"of the snapshot\n".to_vec())
    );
    rewound.snap(&["undo"]).exits(0);
    assert_eq!(rewound.state(), before);
}

#[test]
fn diff_shows_the_paths_in_question_and_asks_again() {
    let project = project();
    let before = project.state();
    let (code, said) = answered(&project, "d\na\n", "80");
    assert_eq!(said.matches("What now?").count(), 2, "{said}");
    let shown = &said[said.find("What now?").must("a question")..];
    assert!(shown.contains("-saved") && shown.contains("+mine") && shown.contains(LONG), "{shown}");
    assert!(!shown.contains("b.txt"), "that one can be set: {shown}");
    assert_eq!((code, project.state()), (4, before));
}

#[test]
fn only_what_can_be_done_here_is_offered() {
    // Of another work tree: rewinding would change that one.
    let project = project();
    project.git(&["worktree", "add", "-q", "--detach", "../beside"]);
    let beside = project.path("../beside");
    fs::write(beside.join("a.txt"), "mine\n").must("to write");
    let mut command = project.command(&beside, &["resume", "before refactor", "--no-run", "--no-session"]);
    let (_, said) = typed_into(&mut command, "a\n");
    assert!(said.contains("What now? [m]erge, [w]orktree, [d]iff, [A]bort"), "{said}");
    // Into a new work tree at another commit: only the merge is left.
    project.git(&["branch", "other"]);
    let blob = project.git(&["hash-object", "-w", "b.txt"]);
    let entry = format!("100644,{},a.txt", blob.trim());
    project.git(&["stash", "-q"]);
    project.git(&["update-index", "--cacheinfo", &entry]);
    project.git(&["commit", "-qm", "another a.txt"]);
    project.git(&["branch", "-f", "other"]);
    project.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let typed = ["resume", "before refactor", "--no-run", "--no-session", "--worktree", "other"];
    let (code, said) = typed_into(&mut project.command(project.root(), &typed), "a\n");
    assert!(said.contains("What now? [m]erge, [d]iff, [A]bort"), "{said}");
    assert_eq!(code, 4, "{said}");
    assert!(!project.path(".claude/worktrees/other").exists(), "what was made for it goes");
    let (code, said) = typed_into(&mut project.command(project.root(), &typed), "m\n");
    assert_eq!(code, 6, "{said}");
    assert!(project.path(".claude/worktrees/other/new.txt").is_file());
}

#[test]
fn without_a_person_nothing_is_asked_and_the_error_is_as_it_was() {
    let project = project();
    let before = project.state();
    let plain = ["resume", "before refactor", "--no-run"];
    project.snap(&plain).exits(4).says(&["a.txt: it is edited here", "hint: `--merge` merges the two"]);
    for option in ["--no-input", "--dry-run", "--json"] {
        let (code, said) =
            typed_into(&mut project.command(project.root(), &[&plain[..], &[option]].concat()), "");
        assert!(
            code == 4 && said.contains("a.txt: it is edited here") && !said.contains("What now?"),
            "{said}"
        );
    }
    assert_eq!(project.state(), before);
}
