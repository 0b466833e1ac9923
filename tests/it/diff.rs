//! `snap diff` as a program: its sources, its forms, its exit codes, and how it looks.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::Must;
use crate::support::project::{Project, Ran, files_below, ran};

/// A project whose snapshot `one` has an edit of every kind.
fn project() -> Project {
    let project = Project::new();
    let lines = |changed: &str| {
        (1..40).map(|n| if n == 20 { format!("{changed}\n") } else { format!("{n}\n") }).collect::<String>()
    };
    project.write("long.txt", lines("20"));
    symlink("a.txt", project.path("link")).must("a link");
    symlink("a.txt", project.path("was-link")).must("a link");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "more"]);
    project.write("long.txt", lines("twenty"));
    project.write("new file.txt", "one\ntwo");
    project.write("sub/c.txt", "changed\n");
    project.make_executable("b.txt");
    fs::remove_file(project.path("a.txt")).must("removed");
    for name in ["link", "was-link"] {
        fs::remove_file(project.path(name)).must("removed");
    }
    symlink("b.txt", project.path("link")).must("a link");
    project.write("was-link", "a file now\n");
    project.snap(&["save", "one"]).exits(0);
    project
}

fn in_clean_clone(project: &Project, patch: &str) -> Project {
    let clone = project.cloned();
    fs::write(clone.path("p"), patch).must("the patch");
    clone.git(&["apply", "p"]);
    fs::remove_file(clone.path("p")).must("removed");
    clone
}

fn tree(project: &Project) -> String {
    project.git(&["add", "-A", "--", ".", ":!.claude"]);
    project.git(&["write-tree"])
}

#[test]
fn the_patch_of_a_snapshot_is_applied_by_git() {
    let project = project();
    let patch = project.snap(&["diff", "one"]).exits(0).stdout;
    assert_eq!(tree(&in_clean_clone(&project, &patch)), tree(&project), "{patch}");
    let wide = project.snap(&["diff", "one", "-U", "7"]).exits(0).stdout;
    assert!(wide.contains("@@ -13,15 +13,15 @@"), "{wide}");
    assert_eq!(tree(&in_clean_clone(&project, &wide)), tree(&project), "{wide}");
}

#[test]
fn a_patch_whose_hunks_are_megabytes_is_applied_by_git() {
    let project = Project::new();
    let lines =
        |kind: &str| (0..60_000).map(|n| format!("{kind} line {n} of many others\n")).collect::<String>();
    project.write("other.txt", lines("old"));
    project.write("gone.txt", lines("gone"));
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "more"]);
    project.write("other.txt", lines("new"));
    project.write("come.txt", lines("come") + "no line end");
    fs::remove_file(project.path("gone.txt")).must("removed");
    project.snap(&["save", "one"]).exits(0);
    for arguments in [&["diff", "one"][..], &["diff", "one", "-U1"]] {
        let patch = project.snap(arguments).exits(0).stdout;
        assert_eq!(tree(&in_clean_clone(&project, &patch)), tree(&project), "{arguments:?}");
    }
}

#[test]
fn two_snapshots_are_compared_through_what_both_made_of_a_file() {
    let project = project();
    project.write("long.txt", "short now\n");
    project.write("b.txt", "b, edited\n");
    fs::remove_file(project.path("new file.txt")).must("removed");
    project.snap(&["save", "two"]).exits(0);
    let names = project.snap(&["diff", "one", "two", "--name-status"]).exits(0).stdout;
    assert_eq!(names, "M\tb.txt\nM\tlong.txt\nD\tnew file.txt\n");
    let there = project.snap(&["diff", "one", "two"]).exits(0).stdout;
    let first = in_clean_clone(&project, &project.snap(&["diff", "one"]).exits(0).stdout);
    fs::write(first.path("p"), there).must("the patch");
    first.git(&["apply", "p"]);
    fs::remove_file(first.path("p")).must("removed");
    assert_eq!(tree(&first), tree(&project));
    assert_eq!(project.snap(&["diff", "two", "two", "--exit-code"]).exits(0).stdout, "");
    project.snap(&["diff", "two", "one", "--exit-code"]).exits(1);
}

#[test]
fn snapshots_with_different_bases_are_compared_too() {
    let project = project();
    project.git(&["add", "long.txt"]);
    project.git(&["commit", "-qm", "one of them", "long.txt"]);
    project.write("sub/c.txt", "changed again\n");
    project.snap(&["save", "two"]).exits(0);
    let names = project.snap(&["diff", "one", "two", "--name-only"]).exits(0).stdout;
    assert_eq!(names, "sub/c.txt\n", "what was committed is the same file in both");
}

#[test]
fn a_snapshot_is_compared_with_the_work_tree_as_it_is_now() {
    let project = project();
    assert_eq!(project.snap(&["diff", "--now", "--exit-code"]).exits(0).stdout, "");
    project.write("sub/c.txt", "changed\nand more\n");
    project.write("b.txt", "b, edited\n");
    fs::remove_file(project.path("new file.txt")).must("removed");
    let stat = project.snap(&["diff", "one", "--now", "--stat"]).exits(0).stdout;
    assert!(stat.contains(" new file.txt |     2 --\n"), "{stat}");
    assert!(stat.contains(" sub/c.txt    |     1 +\n"), "{stat}");
    assert!(stat.ends_with(" 3 files, +2 -3\n"), "{stat}");
    let names = project.snap(&["diff", "--now", "--name-only", "--", "sub"]).exits(0).stdout;
    assert_eq!(names, "sub/c.txt\n");
    project.snap(&["diff", "--now", "--", "../elsewhere"]).exits(2);
}

#[test]
fn json_has_one_object_a_file() {
    let project = project();
    let said = project.snap(&["diff", "--json", "--", "long.txt", "was-link"]).exits(0).stdout;
    let files: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).must("JSON")).collect();
    let facts: Vec<_> = files.iter().map(|file| (file["path"].as_str(), file["change"].as_str())).collect();
    let link = Some("was-link");
    assert_eq!(facts, [(Some("long.txt"), Some("modified")), (link, Some("deleted")), (link, Some("added"))]);
    assert_eq!(
        files[0]["hunks"],
        serde_json::json!([{"old": 17, "old_lines": 7, "new": 17, "new_lines": 7}])
    );
}

#[test]
fn binary_content_is_shown_by_its_size() {
    let project = Project::new();
    project.write("bin", b"\0\x01\x02 other");
    project.snap(&["save"]).exits(0);
    let painted = project.snap(&["diff", "--color=always"]).exits(0).stdout;
    assert!(painted.contains("binary, ") && painted.contains(" -> 9 bytes"), "{painted}");
}

/// What has no simple pattern, so that it can't be compressed.
fn noise(bytes: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

#[test]
fn with_binary_content_too_the_patch_makes_exactly_the_tree_that_was_saved() {
    for format in ["sha1", "sha256"] {
        let project = Project::empty();
        project.git(&["init", "-q", "-b", "main", &format!("--object-format={format}")]);
        let long = noise(300_000);
        let others = ["gone", "small", "renamed from", "was link"];
        others.iter().for_each(|name| project.write(name, [b"\0 of ", name.as_bytes()].concat()));
        project.write("long", &long);
        project.write("text", "text\n");
        project.write("mode", noise(500));
        project.write("becomes link", noise(600));
        fs::remove_file(project.path("was link")).must("removed");
        symlink("text", project.path("was link")).must("a link");
        project.git(&["add", "."]);
        project.git(&["commit", "-qm", "the base"]);
        fs::remove_file(project.path("gone")).must("removed");
        project.write("small", b"\0");
        project.write("long", [b"in front", &long[..200_000], b"in the middle", &long[200_000..]].concat());
        project.write("text", b"no text \0 any more");
        project.write("new \"\u{e9}", noise(5_000));
        project.make_executable("mode");
        project.git(&["mv", "renamed from", "renamed to"]);
        fs::remove_file(project.path("becomes link")).must("removed");
        symlink("small", project.path("becomes link")).must("a link");
        fs::remove_file(project.path("was link")).must("removed");
        project.write("was link", noise(700));
        project.snap(&["save", "one"]).exits(0);
        let patch = project.snap(&["diff", "one", "--binary"]).exits(0).stdout;
        assert!(patch.contains("\ndelta ") && patch.contains("\nliteral "), "{patch}");
        assert!(!patch.contains("Binary files"), "{patch}");
        assert!(patch.len() < 20_000, "a large file with small edits is a delta: {}", patch.len());
        assert_eq!(tree(&in_clean_clone(&project, &patch)), tree(&project), "{patch}");
        let theirs = project.git(&["diff", "--cached", "--binary", "--full-index", "--no-renames", "HEAD"]);
        let headers = |patch: &str| -> Vec<String> {
            patch.lines().filter(|line| line.starts_with("index ")).map(str::to_owned).collect()
        };
        let (ours, theirs) = (headers(&patch), headers(&theirs));
        assert!(ours.iter().all(|line| theirs.contains(line)), "{ours:#?}\n{theirs:#?}");
    }
}

/// Plain `git apply` looks through the link for what will be in the folder, and gives up ("Too many levels of
/// symbolic links"), also on git's own patch; into the index it goes.
#[test]
fn where_a_link_to_itself_becomes_a_folder_the_patch_is_right_though_git_apply_needs_the_index() {
    let project = Project::new();
    symlink("loop", project.path("loop")).must("a link");
    project.git(&["add", "loop"]);
    project.git(&["commit", "-qm", "a loop"]);
    fs::remove_file(project.path("loop")).must("removed");
    project.write("loop/inside", "deep\n");
    project.snap(&["save", "one"]).exits(0);
    let patch = project.snap(&["diff", "one", "--binary"]).exits(0).stdout;
    let clone = project.cloned();
    clone.write("../patch", &patch);
    clone.git(&["apply", "--cached", "../patch"]);
    assert_eq!(clone.git(&["write-tree"]), tree(&project), "{patch}");
}

#[test]
fn binary_content_is_in_a_patch_only_if_that_is_asked_for_and_never_on_the_screen() {
    let project = Project::new();
    project.write("bin", b"\0 one");
    project.git(&["add", "bin"]);
    project.git(&["commit", "-qm", "binary"]);
    project.write("bin", b"\0 two");
    project.snap(&["save", "one"]).exits(0);
    let patch = project.snap(&["diff", "one"]).exits(0).stdout;
    let old = project.git(&["rev-parse", "HEAD:bin"]);
    let new = project.git(&["hash-object", "bin"]);
    let index = format!("index {}..{} 100644", old.trim(), new.trim());
    assert_eq!(patch, format!("diff --git a/bin b/bin\n{index}\nBinary files a/bin and b/bin differ\n"));
    let painted = project.snap(&["diff", "one", "--color=always"]).exits(0).stdout;
    assert!(painted.contains("binary, 5 bytes -> 5 bytes") && !painted.contains("literal"), "{painted}");
    project.snap(&["diff", "one", "--binary", "--stat"]).exits(2);
    // What is too large to be made in memory is said to differ, so that git refuses the patch.
    let large = fs::File::create(project.path("bin")).must("a file");
    large.set_len((128 << 20) + 1).must("a size");
    let patch = project.snap(&["diff", "one", "--now", "--binary"]).exits(0).stdout;
    assert!(patch.ends_with("\nBinary files a/bin and b/bin differ\n"), "{patch}");
}

/// git joins the header of a file with that of the next one if it says nothing but the names.
#[test]
fn a_patch_whose_binary_content_was_left_out_never_changes_another_file_than_it_says() {
    let project = Project::new();
    project.write("a.bin", b"a\0b");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "binary"]);
    project.write("a.bin", b"a\0c");
    project.make_executable("b.txt");
    project.snap(&["save", "one"]).exits(0);
    let stored = project.snap(&["diff", "one"]).exits(0).stdout;
    // Too large to be hashed for a diff.
    let large = fs::File::create(project.path("a.bin")).must("a file");
    large.set_len(3 << 20).must("a size");
    fs::set_permissions(project.path("b.txt"), fs::Permissions::from_mode(0o644)).must("a mode");
    let unhashed = project.snap(&["diff", "one", "--now"]).exits(0).stdout;
    for (patch, is_of_commit) in [(stored, true), (unhashed, false)] {
        let clone = project.cloned();
        fs::write(clone.path("p"), &patch).must("the patch");
        let there = clone.git(&["apply", "--numstat", "p"]);
        assert_eq!(there, "-\t-\ta.bin\n0\t0\tb.txt\n", "{patch}");
        if is_of_commit {
            clone.git(&["apply", "--exclude=a.bin", "p"]);
            assert_eq!(clone.git(&["diff", "--summary"]), " mode change 100644 => 100755 b.txt\n", "{patch}");
        }
    }
}

#[test]
fn a_diff_of_git_is_read_from_standard_input() {
    let project = project();
    project.git(&["add", "-A", "--", ".", ":!.claude"]);
    for color in ["--color=never", "--color=always"] {
        let diff = project.git(&["diff", "--cached", "--no-renames", color]);
        let said = piped(&project, &["diff", "-"], diff.as_bytes()).exits(0).stdout;
        assert_eq!(tree(&in_clean_clone(&project, &said)), tree(&project), "{said}");
    }
    let painted =
        piped(&project, &["diff", "-", "--color=always"], b"@@ not a diff \x1b[2J\n").exits(0).stdout;
    assert_eq!(painted, "@@ not a diff \\x1b[2J\n");
}

fn piped(project: &Project, arguments: &[&str], input: &[u8]) -> Ran {
    let file = project.path("../input");
    fs::write(&file, input).must("the input");
    let mut command = project.command(project.root(), arguments);
    ran(command.stdin(fs::File::open(&file).must("the input")))
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let project = Project::new();
    let many: String = (0..300_000).map(|number| format!("line {number}\n")).collect();
    project.write("../many", many);
    project.write("../none", "");
    let mut command =
        project.command(project.root(), &["diff", "--color=always", "--files", "../none", "../many"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().must("snap");
    drop(child.stdout.take());
    let done = child.wait_with_output().must("its end");
    assert_eq!((done.status.code(), done.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_pager_gets_it_on_a_terminal_only() {
    let project = project();
    let mut command = project.command(project.root(), &["diff", "one"]);
    let said = ran(command.env("SNAP_PAGER", "echo paged; cat")).exits(0).stdout;
    assert!(said.starts_with("diff --git"), "{said}");
}

#[test]
fn two_files_that_are_not_there_are_named() {
    let project = Project::new();
    project.snap(&["diff", "--files", "a.txt", "none"]).exits(3).says(&["There is no file", "none"]);
    project.snap(&["diff", "--files", "a.txt", "sub"]).exits(2).says(&["it is a folder"]);
    project.snap(&["diff", "nothing"]).exits(3);
}

/// Expected outputs under `fixtures/diff`; `SNAP_BLESS=1 cargo test golden` writes them anew.
#[test]
fn golden_outputs_stay_as_they_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/diff");
    let forms: [(&str, &[&str]); 7] = [
        ("patch", &["--color=never"]),
        ("painted", &["--color=always"]),
        ("columns-80", &["--side-by-side", "--color=never"]),
        ("columns-120", &["--side-by-side", "--color=always"]),
        ("word", &["--word", "--color=never"]),
        ("space", &["-w", "-U1", "--color=never"]),
        ("cut", &["--color=always", "--max-line=60"]),
    ];
    let mut wrong = Vec::new();
    for case in ["code", "unsafe", "long", "moved"] {
        for (form, flags) in forms {
            let mut command = Command::new(env!("CARGO_BIN_EXE_snap"));
            command.current_dir(&folder).env_clear().env("HOME", &folder).args(["diff"]).args(flags);
            command.env("COLUMNS", form.strip_prefix("columns-").unwrap_or("80"));
            command.args(["--files", &format!("{case}.old"), &format!("{case}.new")]);
            let made = command.output().must("snap");
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            let expected: PathBuf = folder.join(format!("{case}.{form}.out"));
            if std::env::var_os("SNAP_BLESS").is_some() {
                fs::write(&expected, &made.stdout).must("blessed");
            }
            if fs::read(&expected).ok().as_deref() != Some(&made.stdout) {
                wrong.push(format!("{}:\n{}", expected.display(), String::from_utf8_lossy(&made.stdout)));
            }
        }
    }
    assert!(wrong.is_empty(), "not as expected (SNAP_BLESS=1 takes them):\n{}", wrong.join("\n"));
}

/// A project whose snapshot `one` has a large file, its diff in an object of its own.
fn large_project() -> Project {
    let project = Project::new();
    let text =
        |word: &str| (0..60_000).map(|n| format!("{word} line {n} of a large file\n")).collect::<String>();
    project.write("large.txt", text("old"));
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "large"]);
    project.write("large.txt", text("new"));
    project.snap(&["save", "one"]).exits(0);
    project
}

#[test]
fn a_large_edit_that_is_damaged_is_shown_as_far_as_it_goes_and_then_said() {
    let project = large_project();
    let said = project.snap(&["diff", "one", "--stat"]).exits(0).stdout;
    assert!(said.ends_with(" 1 file, +60000 -60000\n"), "{said}");
    let objects = files_below(&project.path(".claude/snapshots/objects"));
    let largest = objects.iter().filter(|path| path.extension().is_some_and(|end| end == "zst"));
    let largest = largest.max_by_key(|path| path.metadata().must("a size").len()).must("an object");
    let whole = fs::read(largest).must("an object");
    for (damaged, cause) in [(whole[..whole.len() - 9].to_vec(), "Cannot read"), (Vec::new(), "Cannot read")]
    {
        fs::write(largest, damaged).must("damage");
        let ran = project.snap(&["diff", "one", "--color=always"]).exits(5).says(&[cause, ".zst"]);
        assert!(!ran.stdout.contains("60000 of a large"), "it ends where it is damaged");
    }
}
