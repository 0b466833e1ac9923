//! Snapshots whose base commit is not where they arrive: base versions that come along.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use claude_snap::base::digest::ObjectId;
use claude_snap::transfer::bundle::{BundleReader, BundleWriter};

use crate::handoff::exported_with;
use crate::handoff_remote::{colleague, utf8, with_remote};
use crate::support::Must;
use crate::support::project::{Project, files_below};

/// A project with two clones of its first commit: one on a commit that nobody else has, with edits
/// saved as `x` on top of it, and one that it is handed to.
fn apart() -> (Project, Project) {
    let common = Project::new();
    let (mine, theirs) = (common.cloned(), common.cloned());
    mine.write("sub/c.txt", (0..20).map(|n| format!("line {n}\n")).collect::<String>());
    mine.git(&["commit", "-qam", "a commit of my own"]);
    mine.write("a.txt", "one\ntwo\nTHREE\n");
    mine.write("sub/c.txt", "edited\n".to_owned() + &"line\n".repeat(900));
    mine.write("new.txt", "new\n");
    mine.snap(&["save", "x"]).exits(0);
    (mine, theirs)
}

fn import(project: &Project, bundle: &[u8]) -> PathBuf {
    let file = project.home.path().join("in.snap");
    fs::write(&file, bundle).must("a bundle");
    project.snap(&["import", utf8(&file)]).exits(0);
    file
}

/// The files in a folder of the store, which need not be there.
fn stored(project: &Project, folder: &str) -> Vec<PathBuf> {
    let folder = project.stored(folder);
    let ours = |path: &PathBuf| path.extension().is_some_and(|end| end == "zst" || end == "json");
    let files = if folder.exists() { files_below(&folder) } else { Vec::new() };
    files.into_iter().filter(ours).collect()
}

#[test]
fn edits_on_a_commit_that_nobody_has_are_merged_by_the_versions_that_came_along() {
    let (mine, theirs) = apart();
    import(&theirs, &exported_with(&mine, &["x"]));
    theirs.snap(&["resume", "--trust"]).exits(3).says(&["does not have the commit", "--fetch-base"]);
    theirs.snap(&["rm", "x"]).exits(0);

    import(&theirs, &exported_with(&mine, &["x", "--with-base"]));
    let before = theirs.state();
    // What is committed here is another version: said, and nothing is done.
    theirs.snap(&["resume", "--trust"]).exits(4).says(&[
        "sub/c.txt: HEAD has another version",
        "--merge",
        "base commit, which is not here",
    ]);
    assert_eq!(theirs.state(), before);
    // Where only another path is edited, and the same path elsewhere, the two go together.
    theirs.write("a.txt", "ONE\ntwo\nthree\n");
    theirs
        .snap(&["resume", "--merge", "--trust"])
        .exits(6)
        .says(&["Both sides changed sub/c.txt", "is not here"]);
    assert_eq!(theirs.read("a.txt"), b"ONE\ntwo\nTHREE\n");
    assert_eq!(theirs.read("new.txt"), b"new\n");
    theirs.snap(&["undo"]).exits(0);
    assert_eq!(theirs.read("a.txt"), b"ONE\ntwo\nthree\n");
    theirs.snap(&["rewind", "x", "--trust"]).exits(3).says(&["does not have the commit"]);
}

#[test]
fn where_the_edited_files_are_the_same_a_resume_needs_no_common_history() {
    let (mine, _) = apart();
    let other = Project::new();
    fs::remove_dir_all(other.path(".git")).must("to remove");
    other.git(&["init", "-q", "-b", "main"]);
    other.write("sub/c.txt", (0..20).map(|n| format!("line {n}\n")).collect::<String>());
    other.write("only-here.txt", "stays\n");
    other.git(&["add", "."]);
    other.git(&["commit", "-qm", "the same files in another history"]);
    import(&other, &exported_with(&mine, &["x", "--with-base"]));
    other.snap(&["resume", "x", "--trust"]).exits(0).says(&["base commit", "is not here", "HEAD is at"]);
    for path in ["a.txt", "sub/c.txt", "new.txt"] {
        assert_eq!(other.read(path), mine.read(path), "{path}");
    }
    assert_eq!(other.read("only-here.txt"), b"stays\n");
}

#[test]
fn base_versions_are_handed_on_alike_and_go_with_their_snapshot() {
    let (mine, theirs) = apart();
    let bundle = exported_with(&mine, &["x", "--with-base"]);
    assert_eq!(bundle[8], 2, "an older version says that it is too old for it");
    assert_eq!(exported_with(&mine, &["x"])[8], 1);
    import(&theirs, &bundle);
    assert_eq!(exported_with(&theirs, &["x", "--with-base"]), bundle, "from what came along, to the byte");
    assert_eq!(stored(&theirs, "bases").len(), 1);
    for object in stored(&theirs, "objects") {
        age(&object);
    }
    let kept = stored(&theirs, "objects");
    theirs.snap(&["prune", "--keep-last", "1"]).exits(0);
    assert_eq!(stored(&theirs, "objects"), kept);
    theirs.snap(&["rm", "x", "--now"]).exits(0);
    assert_eq!([stored(&theirs, "objects"), stored(&theirs, "bases")], [const { Vec::<PathBuf>::new() }; 2]);
    // They are an extra: a snapshot that is here already gets them.
    import(&theirs, &exported_with(&mine, &["x"]));
    import(&theirs, &bundle);
    theirs.snap(&["resume", "--merge", "--dry-run"]).exits(0);
    // Where they are nowhere, that is said, and no file is left.
    let outside = Project::empty();
    import(&outside, &exported_with(&mine, &["x"]));
    let out = outside.home.path().join("out.snap");
    outside
        .snap(&["export", "--with-base", "-o", utf8(&out)])
        .exits(3)
        .says(&["is not in a repository here"]);
    assert!(!out.exists());
}

#[test]
fn a_snapshot_without_edits_is_resumed_wherever_its_commit_is_not() {
    let (mine, theirs) = apart();
    mine.git(&["reset", "-q", "--hard"]);
    mine.git(&["clean", "-qfd", "-e", ".claude"]);
    let session = "c137e379-838e-4509-8148-16b407691758";
    mine.session(session);
    mine.snap(&["save", "bare"]).exits(0);
    for options in [&["bare"][..], &["bare", "--with-base"]] {
        import(&theirs, &exported_with(&mine, options));
        theirs.snap(&["verify", "bare"]).exits(0);
        theirs.snap(&["resume", "bare", "--trust", "--no-run", "--dry-run", "--fetch-base"]).exits(0);
        theirs.snap(&["rewind", "bare", "--trust", "--no-run"]).exits(3).says(&["does not have the commit"]);
        theirs.snap(&["rm", "bare", "--now", "--yes"]).exits(0);
    }
    import(&theirs, &exported_with(&mine, &["bare"]));
    theirs.snap(&["merge", "bare", "--trust"]).exits(0);
    let before = theirs.content_state();
    // There is no such commit on any remote either, and nothing is asked for it.
    theirs.snap(&["resume", "bare", "--trust", "--no-run", "--fetch-base"]).exits(0);
    assert_eq!(theirs.content_state(), before);
}

#[test]
fn new_files_alone_are_handed_on_with_base_versions_and_not_without() {
    let (mine, theirs) = apart();
    mine.git(&["checkout", "-q", "."]);
    mine.snap(&["save", "new"]).exits(0);
    import(&theirs, &exported_with(&mine, &["new"]));
    theirs.snap(&["resume", "new", "--trust", "--no-run"]).exits(3).says(&["does not have the commit"]);
    import(&theirs, &exported_with(&mine, &["new", "--with-base"]));
    theirs.snap(&["verify", "new"]).exits(0);
    theirs.snap(&["resume", "new", "--trust", "--no-run"]).exits(0).says(&["base commit"]);
    assert_eq!(theirs.read("new.txt"), b"new\n");
    assert_eq!(
        exported_with(&theirs, &["new", "--with-base"]),
        exported_with(&mine, &["new", "--with-base"])
    );
}

#[test]
fn base_versions_that_are_not_what_they_say_are_refused() {
    let (mine, theirs) = apart();
    let bundle = exported_with(&mine, &["x", "--with-base"]);
    let (mut reader, head) = BundleReader::begin(Cursor::new(&bundle)).must("a bundle");
    let list = String::from_utf8(head.bases.must("base versions")).must("JSON");
    let mut frames = Vec::new();
    while let Some(next) = reader.next(|_| Some(1 << 20)).must("an object") {
        frames.push(next);
    }
    let with = |list: &str, frames: &[(ObjectId, Vec<u8>)]| {
        let mut writer =
            BundleWriter::begin(Vec::new(), &head.manifest, Some(list.as_bytes()), frames.len() as u64)
                .must("a head");
        frames.iter().for_each(|(id, frame)| writer.object(*id, frame, |_| ()).must("an object"));
        writer.finish().must("an end").0
    };
    assert_eq!(with(&list, &frames), bundle);
    let oids: Vec<&str> = list.split("\"oid\":\"").skip(1).map(|rest| &rest[..40]).collect();
    let file = theirs.home.path().join("in.snap");
    for (list, why) in [
        // Two swapped: each is an object of the bundle, and not that blob.
        (list.replace(oids[0], "_").replace(oids[1], oids[0]).replace('_', oids[1]), "does not belong"),
        (list.replace(oids[0], &"0".repeat(40)), "does not belong"),
        (list.replace("\"format\":1", "\"format\":2"), "later version"),
        ("{}".to_owned(), "can't be used"),
        (list.replacen("\"size\":", "\"size\":9", 1), "bytes"),
        (swapped(&list), "is not the base version"),
    ] {
        fs::write(&file, with(&list, &frames)).must("a bundle");
        theirs.snap(&["import", utf8(&file)]).exits(5).says(&[why]);
    }
    assert!(stored(&theirs, "bases").is_empty() && stored(&theirs, "objects").is_empty());
    assert_eq!(theirs.snap(&["list", "--json"]).exits(0).stdout.trim(), "[]");
}

#[test]
fn base_versions_that_were_exchanged_in_the_store_are_refused_by_whoever_reads_them() {
    let (mine, theirs) = apart();
    import(&theirs, &exported_with(&mine, &["x", "--with-base"]));
    let bases = stored(&theirs, "bases").pop().must("base versions");
    let list = fs::read_to_string(&bases).must("a list");
    fs::write(&bases, swapped(&list)).must("a list");
    let before = theirs.state();
    for (arguments, code) in [
        (&["resume", "x", "--merge", "--trust", "--no-run"][..], 5),
        (&["export", "x", "--with-base", "-o", "out.snap"], 5),
        (&["verify", "x"], 1),
    ] {
        let ran = theirs.snap(arguments);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            ran.code == code && all.contains("is not what came with the snapshot"),
            "{arguments:?}: {ran:?}"
        );
        assert_eq!(theirs.state(), before, "{arguments:?}");
    }
}

/// The list with the objects of the first two versions exchanged, their ids in order.
fn swapped(list: &str) -> String {
    let mut list: serde_json::Value = serde_json::from_str(list).must("JSON");
    let versions = list["versions"].as_array_mut().must("versions");
    let (first, second) = (versions[0]["oid"].clone(), versions[1]["oid"].clone());
    versions.swap(0, 1);
    (versions[0]["oid"], versions[1]["oid"]) = (first, second);
    list.to_string()
}

fn age(path: &Path) {
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 86_400);
    fs::File::open(path).must("a file").set_modified(long_ago).must("to set a time");
}

#[test]
fn what_looks_at_a_snapshot_whose_base_is_not_here_says_so_and_what_brings_it() {
    let (project, remote) = with_remote();
    let clone = colleague(&project, &remote);
    project.write("kept.txt", "committed\n");
    project.git(&["add", "-A", "--", ".", ":!.claude"]);
    project.git(&["commit", "-qm", "not sent"]);
    let base = project.git(&["rev-parse", "HEAD"]).trim().to_owned();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "later"]).exits(0);
    project.snap(&["push", "origin", "later"]).exits(0);
    clone.write("b.txt", "edited\n");
    clone.snap(&["save", "mine"]).exits(0);
    clone.snap(&["pull"]).exits(0);
    let fetch = format!("git fetch origin {base}");
    let looks: [&[&str]; 5] = [
        &["diff", "later", "--now"],
        &["diff", "later", "--now", "--stat"],
        &["diff", "later", "--now", "--json"],
        &["diff", "later", "mine"],
        &["diff", "mine", "later"],
    ];
    for looks in looks {
        let said = clone.snap(looks).exits(3);
        said.says(&["does not have the commit that the snapshot was made on", &fetch, "snap diff"]);
    }
    clone.snap(&["diff", "later"]).exits(0);
    // To merge without it, what was edited must be here: nothing that is refused again is named.
    let merge = clone.snap(&["merge", "later", "--trust-repository"]);
    assert!(merge.code == 0 || !merge.stderr.contains("--trust-repository"), "{}", merge.stderr);
    // Following the hint helps.
    project.git(&["push", "-q", "origin", "main"]);
    clone.git(&["fetch", "origin", &base]);
    for looks in looks {
        clone.snap(looks).exits(0);
    }
}

#[test]
fn a_patch_says_which_version_is_missing_and_calls_no_text_binary() {
    let (mine, theirs) = apart();
    import(&theirs, &exported_with(&mine, &["x"]));
    let patch = theirs.snap(&["diff", "x", "--patch", "-U", "5"]).exits(0).stdout;
    assert!(!patch.contains("Binary files"), "{patch}");
    let said = "Files a/sub/c.txt and b/sub/c.txt differ\nNo line can be shown: its base version is not in this repository\n";
    assert!(patch.contains(said), "{patch}");
    // Who applies it is told that it is not all.
    let file = theirs.home.path().join("x.patch");
    fs::write(&file, &patch).must("a patch");
    assert!(!theirs.try_git(&["apply", "--check", utf8(&file)]));
    let stat = theirs.snap(&["diff", "x", "--stat", "-U", "5"]).exits(0).stdout;
    assert!(!stat.contains("binary") && stat.contains("not known: its base version"), "{stat}");
}

#[test]
fn a_damaged_bundle_is_named_with_its_path() {
    let (mine, theirs) = apart();
    let mut bundle = exported_with(&mine, &["x"]);
    bundle.truncate(bundle.len() - 9);
    let file = theirs.home.path().join("cut.snap");
    fs::write(&file, &bundle).must("a bundle");
    theirs.snap(&["import", utf8(&file)]).exits(5).says(&[utf8(&file), "it ends too early"]);
}
