//! Remotes that hold something else than snapshots: nothing of it gets in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::handoff_remote::{colleague, refs, utf8, with_remote};
use crate::support::Must;
use crate::support::project::{Project, git_in};

/// Makes the lines of a root tree for the snapshot of an id.
type Tree<'a> = Box<dyn Fn(&str) -> Vec<String> + 'a>;

/// A remote with one good snapshot on it, and what is needed to put others beside it.
struct Forge {
    project: Project,
    remote: PathBuf,
    manifest: Value,
    /// The commit's trees: the root, `objects`, and the folder of the only object.
    objects: String,
    folder: String,
}

impl Forge {
    fn new() -> Self {
        let (project, remote) = with_remote();
        project.write("a.txt", "another line\n".repeat(300));
        project.snap(&["save", "good"]).exits(0);
        project.snap(&["push"]).exits(0);
        let manifest = serde_json::from_slice(&fs::read(project.stored("good.json")).must("a manifest"));
        let good = refs(&project, &remote)[0].split(' ').next().must("a commit").to_owned();
        let tree = |path: &str| git_in(&project.home, &remote, &["ls-tree", &good, path]);
        let oid = |line: &str| line.split([' ', '\t']).nth(2).must("an id").to_owned();
        let objects = oid(&tree("objects"));
        let folder = tree("objects/").lines().next().must("a folder").to_owned();
        Self { manifest: manifest.must("JSON"), objects, folder, project, remote }
    }

    fn git(&self, arguments: &[&str], input: &[u8]) -> String {
        git_with_input(&self.project, &self.remote, arguments, input)
    }

    fn blob(&self, content: &[u8]) -> String {
        self.git(&["hash-object", "-w", "--stdin"], content)
    }

    fn tree(&self, lines: &[String]) -> String {
        self.git(&["mktree", "--missing"], (lines.join("\n") + "\n").as_bytes())
    }

    /// The good manifest with another id.
    fn renamed(&self, id: &str) -> Value {
        let mut manifest = self.manifest.clone();
        manifest["id"] = id.into();
        manifest["name"] = format!("bad {id}").into();
        manifest
    }

    fn manifest_blob(&self, manifest: &Value) -> String {
        let sealed = claude_snap::manifest::seal(manifest.to_string().into_bytes()).must("a sealed manifest");
        format!("100644 blob {}\tmanifest.json", self.blob(&sealed))
    }

    /// Puts a root tree on the remote as the snapshot of this id.
    fn put(&self, id: &str, tree: &str, parent: Option<&str>) {
        let mut arguments = vec!["commit-tree", tree, "-m", "bad"];
        arguments.extend(parent.into_iter().flat_map(|parent| ["-p", parent]));
        let commit = self.git(&arguments, b"");
        self.git(&["update-ref", &format!("refs/snapshots/eve/{id}"), &commit], b"");
    }
}

fn git_with_input(project: &Project, folder: &Path, arguments: &[&str], input: &[u8]) -> String {
    let file = project.home.path().join("input");
    fs::write(&file, input).must("an input");
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).env("HOME", project.home.path());
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Eve").env(format!("GIT_{role}_EMAIL"), "eve@example.org");
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = command.stdin(Stdio::from(fs::File::open(&file).must("the input"))).output().must("git");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn id(number: usize) -> String {
    format!("{number:032x}")
}

#[test]
fn nothing_of_an_unsound_snapshot_gets_in_and_the_sound_one_beside_it_does() {
    let forge = Forge::new();
    let objects = format!("040000 tree {}\tobjects", forge.objects);
    let folder = forge.folder.clone();
    let xx = folder.split('\t').nth(1).must("a name").trim_start_matches("objects/").to_owned();
    let object = forge.manifest["edits"]["files"][0]["diff"]["object"].as_str().must("an object").to_owned();
    let small = forge.blob(b"not what the name says");
    let huge = forge.blob(&vec![0; 65 << 20]);
    let in_folder = |file: &str, blob: &str| {
        let inner = forge.tree(&[format!("100644 blob {blob}\t{file}")]);
        let middle = forge.tree(&[format!("040000 tree {inner}\t{xx}")]);
        format!("040000 tree {middle}\tobjects")
    };
    // Trees that unfold to 2^30 folders.
    let mut bomb = forge.tree(&[format!("100644 blob {small}\tx")]);
    for _ in 0..30 {
        bomb = forge.tree(&[format!("040000 tree {bomb}\ta"), format!("040000 tree {bomb}\tb")]);
    }
    let name = format!("{object}.zst");
    let cases: Vec<(&str, Tree<'_>)> = vec![
        (
            "Unknown frame descriptor",
            Box::new(|id| vec![forge.manifest_blob(&forge.renamed(id)), in_folder(&name, &small)]),
        ),
        (
            "the limit is",
            Box::new(|id| vec![forge.manifest_blob(&forge.renamed(id)), in_folder(&name, &huge)]),
        ),
        ("is missing", Box::new(|id| vec![forge.manifest_blob(&forge.renamed(id))])),
        ("no manifest", Box::new(|_| vec![objects.clone()])),
        ("another snapshot", Box::new(|_| vec![forge.manifest_blob(&forge.manifest), objects.clone()])),
        ("the limit is", Box::new(|_| vec![format!("100644 blob {huge}\tmanifest.json"), objects.clone()])),
        ("manifest.json does not belong", Box::new(|_| vec![format!("120000 blob {small}\tmanifest.json")])),
        ("not a snapshot's manifest", Box::new(|_| vec![format!("100644 blob {small}\tmanifest.json")])),
        (
            "run.sh does not belong",
            Box::new(|id| {
                let extra = format!("100755 blob {small}\trun.sh");
                vec![forge.manifest_blob(&forge.renamed(id)), objects.clone(), extra]
            }),
        ),
        (
            "evil.zst does not belong",
            Box::new(|id| vec![forge.manifest_blob(&forge.renamed(id)), in_folder("evil.zst", &small)]),
        ),
        (
            "does not belong there",
            Box::new(|id| {
                vec![forge.manifest_blob(&forge.renamed(id)), format!("040000 tree {bomb}\tobjects")]
            }),
        ),
    ];
    for (number, (_, tree)) in cases.iter().enumerate() {
        let id = id(number);
        forge.put(&id, &forge.tree(&tree(&id)), None);
    }
    let good = refs(&forge.project, &forge.remote).pop().must("a ref");
    let parent = good.split(' ').next().must("a commit").to_owned();
    let with_history = id(cases.len());
    let tree = forge.tree(&[forge.manifest_blob(&forge.renamed(&with_history)), objects.clone()]);
    forge.put(&with_history, &tree, Some(&parent));

    let clone = colleague(&forge.project, &forge.remote);
    let pulled = clone.snap(&["pull", "--json"]).exits(6).json();
    let all = pulled["snapshots"].as_array().must("snapshots").clone();
    assert_eq!(all.len(), cases.len() + 2);
    let reason = |id: &str| {
        let one = all.iter().find(|one| one["id"] == id).must("an answer");
        assert_eq!(one["outcome"], "damaged", "{one}");
        one["reason"].as_str().must("a reason").to_owned()
    };
    for (number, (why, _)) in cases.iter().enumerate() {
        let reason = reason(&id(number));
        assert!(reason.contains(why), "{number}: {why:?} is not in {reason:?}");
    }
    assert!(reason(&with_history).contains("history"));
    let listed = clone.snap(&["list", "--json"]).exits(0).json();
    assert_eq!((listed[0]["name"].clone(), listed.as_array().map(Vec::len)), ("good".into(), Some(1)));
    assert_eq!(clone.objects().len(), 1);
    // The index and the summaries only save time.
    let left =
        |name: &std::ffi::OsStr| !["publish.lock", "index", "summaries"].iter().any(|own| name == *own);
    assert_eq!(
        fs::read_dir(clone.stored("tmp")).must("tmp").flatten().filter(|e| left(&e.file_name())).count(),
        0
    );
    clone.snap(&["pull", "origin", &id(0)]).exits(5);
    let table = clone.snap(&["list", "--remote"]).exits(0).stdout;
    assert_eq!(table.lines().count(), all.len() + 1);
}

#[test]
fn trees_that_git_itself_finds_unsound_are_refused_by_name() {
    let forge = Forge::new();
    let small = forge.blob(b"x");
    for name in ["..", ".git"] {
        // What `mktree` would refuse is written as it is.
        let raw: Vec<u8> = [format!("100644 {name}\0").as_bytes(), &hex(&small)].concat();
        let tree = forge.git(&["hash-object", "-w", "-t", "tree", "--literally", "--stdin"], &raw);
        forge.put(&id(1), &tree, None);
        let clone = colleague(&forge.project, &forge.remote);
        clone.snap(&["pull", "origin", &id(1)]).exits(5).says(&["Cannot fetch from origin"]);
        assert!(clone.objects().is_empty());
        clone.snap(&["pull", "origin", "good"]).exits(0);
    }
}

#[test]
fn refs_that_are_no_snapshots_are_passed_over() {
    let forge = Forge::new();
    let good = refs(&forge.project, &forge.remote)[0].split(' ').next().must("a commit").to_owned();
    for name in ["refs/snapshots/x", "refs/snapshots/EVE/latest", "refs/snapshots/a/b/c"] {
        forge.git(&["update-ref", name, &good], b"");
    }
    let blob = forge.blob(b"no commit");
    forge.git(&["update-ref", &format!("refs/snapshots/eve/{}", id(7)), &blob], b"");
    let clone = colleague(&forge.project, &forge.remote);
    clone.snap(&["pull"]).exits(6).says(&["Added \"good", "it is a blob, not a commit"]);
    assert!(utf8(&clone.stored("good.json")).ends_with("good.json") && clone.stored("good.json").exists());
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).must("a byte");
    (0..text.len()).step_by(2).map(digit).collect()
}
