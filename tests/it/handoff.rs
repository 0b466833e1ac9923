//! Hand-off by a file: `snap export`, `snap import`, and everything a file can have wrong.

use std::fs;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use claude_snap::base::compress;
use claude_snap::base::digest::ObjectId;
use claude_snap::base::error::{Error, Kind};
use claude_snap::base::monitor::{Counted, Monitor};
use claude_snap::base::timestamp::Timestamp;
use claude_snap::context::Context;
use claude_snap::manifest::seal;
use claude_snap::transfer;
use claude_snap::transfer::bundle::BundleWriter;
use claude_snap::workspace::Workspace;
use serde_json::{Value, json};

use crate::real_client::on_terminal;
use crate::resume::edit;
use crate::support::Must;
use crate::support::project::{Project, files_below, ran};
use crate::support::trace::long;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// A project with a session and every kind of edit, saved as "handed on".
fn saved() -> Project {
    let project = Project::new();
    project.session(ID);
    edit(&project);
    project.snap(&["save", "handed on", "-m", "take it from here"]).exits(0);
    project
}

/// What `snap export` writes to a pipe.
#[track_caller]
fn exported(project: &Project, reference: &str) -> Vec<u8> {
    exported_with(project, &[reference])
}

/// What `snap export` with these arguments writes to a pipe.
#[track_caller]
pub(crate) fn exported_with(project: &Project, arguments: &[&str]) -> Vec<u8> {
    let arguments = [&["export"], arguments].concat();
    let output = project.command(project.root(), &arguments).output().must("to run snap");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What the library is told of a project's surroundings; it keeps state in this folder.
pub(crate) fn context(project: &Project, state: &Path) -> Context {
    Context {
        task_list: None,
        cwd: project.root().to_owned(),
        home: project.home.path().to_owned(),
        config_dir: project.home.config(),
        store: None,
        session: None,
        project_folder: None,
        state: state.to_owned(),
        inside_client: false,
        user: "ada".to_owned(),
        host: "here".to_owned(),
        now: Timestamp::now(),
        tries: None,
        first_wait: None,
        look_limit: None,
        variables: claude_snap::context::Variables(Vec::new()),
        settings: claude_snap::settings::Settings::default(),
        settings_file: std::path::PathBuf::new(),
        settings_wrong: None,
    }
}

/// Imports bytes through the library, as `snap import` does.
fn import(project: &Project, bundle: &[u8]) -> Result<(), Error> {
    let context = context(project, Path::new("/nowhere"));
    let workspace = Workspace::open(&context)?;
    let input = Counted(Cursor::new(bundle), &Monitor::default());
    transfer::import(&context, &workspace, input, "-").map(|_| ())
}

/// Makes sure that a project's store has no snapshot, no object and no leftover.
#[track_caller]
fn assert_nothing_imported(project: &Project) {
    if project.path(".claude/snapshots").exists() {
        let left: Vec<_> = files_below(&project.path(".claude/snapshots"))
            .into_iter()
            .filter(|path| ![".gitignore", "lock", "HEAD", "log.jsonl"].iter().any(|own| path.ends_with(own)))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// A bundle of this manifest and these frames, sound but for what they say.
fn bundle_of(manifest: &Value, frames: &[(ObjectId, Vec<u8>)]) -> Vec<u8> {
    let json = seal(manifest.to_string().into_bytes()).must("a sealed manifest");
    let mut writer = BundleWriter::begin(Vec::new(), &json, None, frames.len() as u64).must("a head");
    let mut frames = frames.to_vec();
    frames.sort_by_key(|(id, _)| *id);
    for (id, frame) in &frames {
        writer.object(*id, frame, |_| ()).must("an object");
    }
    writer.finish().must("an end").0
}

/// The manifest and the frames of a project's only snapshot.
fn parts(project: &Project) -> (Value, Vec<(ObjectId, Vec<u8>)>) {
    let frames = project.objects().into_iter().map(|path| {
        let id = path.file_stem().must("a name").to_str().must("UTF-8").to_owned();
        (ObjectId::parse(&id).must("an id"), fs::read(&path).must("a frame"))
    });
    let frames = frames.collect();
    let manifest = project
        .stored_files()
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "json"))
        .must("a manifest");
    (serde_json::from_slice(&fs::read(manifest).must("a manifest")).must("JSON"), frames)
}

#[test]
fn a_pipe_takes_a_snapshot_to_another_home_and_it_resumes_there() {
    let source = saved();
    let target = Project::new().of_the_user_of(&source);
    let mut sender = source
        .command(source.root(), &["export", "handed on"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .must("the sender");
    let pipe = sender.stdout.take().must("a pipe");
    let received =
        target.command(target.root(), &["import", "-", "--json"]).stdin(pipe).output().must("the receiver");
    let sent = sender.wait_with_output().must("the sender's end");
    assert!(sent.status.success() && received.status.success(), "{sent:?} {received:?}");
    let told = String::from_utf8_lossy(&sent.stderr).into_owned();
    assert!(told.contains("Exported"), "{told}");

    let json = |project: &Project| fs::read(project.stored("handed-on.json")).must("a manifest");
    assert_eq!(json(&source), json(&target), "the manifest is the same to the byte");
    let resumed = target.snap(&["resume", "latest", "--json"]).exits(0).json();
    assert_eq!((&resumed["session_id"], target.state()), (&json!(ID), source.state()));
    let operations = |project: &Project| -> Vec<String> {
        let log = project.snap(&["log", "--json"]).exits(0).json();
        let all = log.as_array().must("a list").iter();
        all.map(|entry| entry["operation"].as_str().must("a word").to_owned()).collect()
    };
    assert_eq!(operations(&source), ["export", "save"]);
    assert_eq!(operations(&target), ["resume", "import"]);
}

#[test]
fn the_line_for_ssh_works_as_it_is_written() {
    let source = saved();
    let target = Project::new().of_the_user_of(&source);
    // What stands for ssh runs the line on "the other machine": with its home alone, in its home, as sshd does.
    let bin = source.home.path().join("ssh-bin");
    fs::create_dir_all(&bin).must("a folder");
    let snap = Path::new(env!("CARGO_BIN_EXE_snap")).parent().must("a folder").display().to_string();
    let home = target.home.path().display();
    let line = format!(
        "#!/bin/sh\n[ \"$1\" = host ] || exit 255\nshift\ncd '{home}'\n\
         exec env -i PATH='{snap}':\"$PATH\" HOME='{home}' CLAUDE_CONFIG_DIR='{}' sh -c \"$*\"\n",
        target.home.config().display()
    );
    fs::write(bin.join("ssh"), line).must("a program");
    fs::set_permissions(bin.join("ssh"), fs::Permissions::from_mode(0o755)).must("a mode");
    let path = format!("{}:{snap}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "snap export | ssh host 'cd app && snap import -'"])
        .current_dir(source.root())
        .env_clear();
    for (name, value) in source.command(source.root(), &[]).get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    ran(shell.env("PATH", path)).exits(0).says(&["Exported", "snap resume"]);
    target.snap(&["resume", "latest"]).exits(0);
    assert_eq!(target.state(), source.state());
}

#[test]
fn the_same_snapshot_gives_the_same_bytes_wherever_it_is_exported() {
    let (source, target) = (saved(), Project::new());
    let file = source.home.path().join("out.snap");
    let path = file.to_str().must("UTF-8");
    let said = source.snap(&["export", "-o", path, "--json"]).exits(0).json();
    let bundle = fs::read(&file).must("a bundle");
    assert_eq!(said["bytes"], bundle.len());
    assert_eq!(bundle, exported(&source, "handed on"));
    target.snap(&["import", path]).exits(0).says(&["Imported \"handed on\", saved by ada"]);
    assert_eq!(bundle, exported(&target, "handed on"));
    source.snap(&["export", "-o", path]).exits(3).says(&["exists already"]);
    assert_eq!(bundle, fs::read(&file).must("the bundle"), "an existing file is never written over");
}

#[test]
fn a_bundle_cut_or_flipped_at_any_byte_is_refused_and_leaves_nothing() {
    let source = Project::new();
    source.write("a.txt", "another line\n".repeat(300));
    source.snap(&["save", "x"]).exits(0);
    let bundle = exported(&source, "x");
    assert_eq!(parts(&source).1.len(), 1, "there is an object in it");
    let target = Project::new();
    // Each byte of the head, and of the rest every seventh: with SNAP_LONG, all of them.
    let places = || (0..bundle.len()).filter(|at| long() || *at < 128 || at % 7 == 0);
    for end in places() {
        let error = import(&target, &bundle[..end]).expect_err("a cut bundle");
        assert_eq!(error.kind(), Kind::Damaged, "cut at {end}: {error}");
    }
    let mut flipped = bundle.clone();
    for at in places() {
        flipped[at] ^= 1 << (at % 8);
        let error = import(&target, &flipped).expect_err("a flipped bit");
        assert_eq!(error.kind().exit_code(), 5, "{at}: {error}");
        flipped[at] = bundle[at];
    }
    let error = import(&target, &[&bundle[..], b"x"].concat()).expect_err("a longer bundle");
    assert_eq!(error.kind(), Kind::Damaged);
    assert_nothing_imported(&target);
    let file = target.home.path().join("cut.snap");
    fs::write(&file, &bundle[..bundle.len() - 1]).must("a file");
    target
        .snap(&["import", file.to_str().must("UTF-8")])
        .exits(5)
        .says(&["ends too early", "nothing was imported"]);
    import(&target, &bundle).must("the whole bundle");
}

#[test]
fn lengths_that_a_bundle_only_claims_are_not_believed() {
    let target = Project::new();
    let head = &exported(&saved(), "latest")[..12];
    for (claims, why) in [
        ([head, &u64::MAX.to_le_bytes()].concat(), "its manifest claims"),
        ([head, &(64_u64 << 20).to_le_bytes(), b"{}"].concat(), "ends too early"),
        ([head, &2_u64.to_le_bytes(), b"{}", &u64::MAX.to_le_bytes()].concat(), "objects, and the limit"),
        ([&head[..8], &[0; 4]].concat(), "its format is 0"),
        (b"PK\x03\x04 this is a zip file".to_vec(), "does not begin like one"),
        (Vec::new(), "ends too early"),
    ] {
        let error = import(&target, &claims).expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }
    let later = [&head[..8], &3_u32.to_le_bytes()].concat();
    assert_eq!(import(&target, &later).expect_err("a later version").kind(), Kind::NewerFormat);
    assert_nothing_imported(&target);
}

#[test]
fn objects_that_are_not_what_the_manifest_says_are_refused() {
    let (source, target) = (Project::new(), Project::new());
    source.write("a.txt", "another line\n".repeat(300));
    source.snap(&["save", "x"]).exits(0);
    let (manifest, frames) = parts(&source);
    let id = frames[0].0;
    let bomb = compress::compress(&vec![0; 64 << 20]).must("a frame");
    assert!(bomb.len() < 8_000, "it fits the size that the manifest allows: {}", bomb.len());
    let other = compress::compress(b"other").must("a frame");
    let stranger = (ObjectId::of(b"other"), other.clone());
    for (frames, why) in [
        (vec![(id, bomb)], "says that it holds 67108864 bytes instead of"),
        (vec![(id, other)], "bytes instead of"),
        (vec![(id, [&frames[0].1[..], b"x"].concat())], "behind the end"),
        (vec![(id, vec![0; 1 << 20])], "the limit is"),
        (vec![], "is missing"),
        (vec![frames[0].clone(), stranger], "does not need"),
        (vec![frames[0].clone(), frames[0].clone()], "out of order"),
    ] {
        let error = import(&target, &bundle_of(&manifest, &frames)).expect_err(why);
        assert_eq!(error.kind(), Kind::Damaged);
        assert!(error.to_string().contains(why), "{error}");
    }
    assert_nothing_imported(&target);
}

#[test]
fn manifests_that_would_reach_out_or_mislead_are_refused() {
    let (source, target) = (Project::new(), Project::new());
    source.write("a.txt", "another line\n".repeat(300));
    source.snap(&["save", "x"]).exits(0);
    let (manifest, frames) = parts(&source);
    let with = |pointer: &str, value: Value| {
        let mut changed = manifest.clone();
        *changed.pointer_mut(pointer).must("a place in the manifest") = value;
        changed
    };
    let mut future = with("/created_at", json!("2999-01-01T00:00:00Z"));
    let mut safety = manifest.clone();
    safety["safety"] = json!({"restores": manifest["id"], "name": "x", "paths": []});
    for path in ["../x", "/etc/passwd", ".git/hooks/pre-commit", "a/../../b", ".GIT/config", "", "a\0b"] {
        let error = import(&target, &bundle_of(&with("/edits/files/0/path", json!(path)), &frames));
        assert_eq!(error.expect_err(path).kind(), Kind::Damaged);
    }
    for (manifest, code) in [
        (with("/id", json!("../../x")), 5),
        (with("/name", json!("latest")), 5),
        (with("/name", json!("a\u{1b}[2Jb")), 5),
        (with("/format", json!(2)), 5),
        (with("/edits/files/0/diff/size", json!(5_u64 << 30)), 5),
        (with("/edits/files/0/diff/object", json!("../../../etc/passwd")), 5),
        (future.take(), 3),
        (safety, 3),
    ] {
        let error = import(&target, &bundle_of(&manifest, &frames)).expect_err("a hostile manifest");
        assert_eq!(error.kind().exit_code(), code, "{error}");
    }
    assert_nothing_imported(&target);
}

#[test]
fn what_is_here_already_stays_and_lost_parts_come_back() {
    let source = saved();
    let target = Project::new().of_the_user_of(&source);
    let bundle = exported(&source, "handed on");
    let file = target.home.path().join("in.snap");
    fs::write(&file, &bundle).must("a file");
    let path = file.to_str().must("UTF-8");
    target.snap(&["import", path]).exits(0);
    target.snap(&["import", path]).exits(0).says(&["handed on\" is already here."]);
    let objects = target.objects();
    fs::remove_file(&objects[0]).must("to lose one");
    fs::write(&objects[1], b"spoilt").must("to spoil one");
    target.snap(&["show"]).exits(0);
    let again = target.snap(&["import", path, "--json"]).exits(0).json();
    assert_eq!((&again["new"], &again["objects"]), (&json!(false), &json!(2)));
    target.snap(&["resume", "handed on"]).exits(0);
    assert_eq!(target.state(), source.state());
}

#[test]
fn another_snapshot_of_that_name_or_id_is_never_touched() {
    let (source, target) = (saved(), Project::new());
    target.snap(&["save", "handed on"]).exits(0);
    let mine = fs::read(target.stored("handed-on.json")).must("a manifest");
    let bundle = exported(&source, "handed on");
    let file = target.home.path().join("in.snap");
    fs::write(&file, &bundle).must("a file");
    let path = file.to_str().must("UTF-8");
    target.snap(&["import", path]).exits(0).says(&["Imported \"handed on@"]);
    assert_eq!(fs::read(target.stored("handed-on.json")).must("mine"), mine, "both are kept");
    target.snap(&["rm", "handed on"]).exits(0);
    target.snap(&["import", path]).exits(0).says(&["handed on\" is already here"]);

    let (mut manifest, frames) = parts(&source);
    manifest["message"] = json!("changed on the way");
    manifest["name"] = json!("of another name");
    fs::write(&file, bundle_of(&manifest, &frames)).must("a file");
    let before = target.stored_files();
    target.snap(&["import", path]).exits(4).says(&["has its id", "nothing was added"]);
    assert_eq!(target.stored_files(), before);
}

#[test]
fn a_damaged_snapshot_is_not_exported_and_leaves_no_file() {
    let source = saved();
    let object = source.objects().remove(0);
    fs::write(object, b"spoilt").must("to spoil one");
    let file = source.home.path().join("out.snap");
    source.snap(&["export", "-o", file.to_str().must("UTF-8")]).exits(5);
    assert!(!file.exists());
    assert!(
        fs::read_dir(source.home.path())
            .must("a folder")
            .flatten()
            .all(|entry| { !entry.file_name().to_string_lossy().starts_with("snap-tmp-") })
    );
}

#[test]
fn a_terminal_is_no_place_for_a_bundle_and_json_needs_a_file() {
    let source = saved();
    let said = on_terminal(&mut source.command(source.root(), &["export"]));
    assert!(said.contains("Cannot write a snapshot to a terminal") && said.contains("ssh HOST"), "{said}");
    source.snap(&["save", "by name"]).exits(0);
    let said = on_terminal(&mut source.command(source.root(), &["export", "by name"]));
    assert!(said.contains("snap export \"by name\" | ssh HOST"), "{said}");
    let said = on_terminal(&mut source.command(source.root(), &["import", "-"]));
    assert!(said.contains("Cannot read a snapshot from a terminal"), "{said}");
    source.snap(&["export", "--json"]).exits(2).says(&["-o FILE"]);
    source.snap(&["import", "nowhere.snap"]).exits(3).says(&["There is no file"]);
}

#[test]
fn a_reader_that_goes_away_ends_an_export_quietly() {
    let source = saved();
    let mut child = source
        .command(source.root(), &["export"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .must("the sender");
    drop(child.stdout.take());
    let ended = child.wait_with_output().must("its end");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn the_log_names_who_and_what_newest_first() {
    let project = saved();
    let file = project.home.path().join("out.snap");
    project.snap(&["export", "-o", file.to_str().must("UTF-8")]).exits(0);
    let mut log = fs::File::options().append(true).open(project.stored("log.jsonl")).must("the log");
    log.write_all(b"{\"operation\":\"of-next-month\"}\nnot JSON\n").must("lines that nobody knows");
    let shown = project.snap(&["log"]).exits(0).stdout;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("export") && lines[0].contains("handed on  ada@"), "{shown}");
    assert!(lines[0].contains("out.snap") && lines[1].starts_with("save"), "{shown}");
    assert_eq!((lines.len(), project.snap(&["log", "-n", "1"]).stdout.lines().count()), (2, 1));
    Project::new().snap(&["log", "--json"]).exits(0);
    assert!(Path::new(&file).exists());
}

#[test]
fn a_name_of_two_people_is_shown_so_everywhere_and_hits_no_other_snapshot() {
    let target = Project::new();
    let file = target.home.path().join("in.snap");
    let path = file.to_str().must("UTF-8");
    let sources = [saved(), saved()];
    let import = |source: &Project| {
        fs::write(&file, exported(source, "handed on")).must("a file");
        target.snap(&["import", path]).exits(0);
    };
    sources.iter().for_each(import);
    target.snap(&["rm", "handed on@ada"]).exits(0);
    let log = target.snap(&["log"]).exits(0).stdout;
    let first: Vec<&str> = log.lines().take(2).collect();
    assert!(first.iter().all(|line| line.contains("  handed on@ada  ")), "{log}");
    import(&sources[1]);
    for name in ["handed on@ada", "handed on"] {
        let taken = target.snap(&["save", name]);
        assert_eq!(taken.code, if name.contains('@') { 3 } else { 0 }, "{name}: {taken:?}");
    }
    target.snap(&["rm", "handed on"]).exits(0);
    let again = target.snap(&["rm", "handed on"]).exits(3);
    again.says(&["what is called so now is another snapshot", "nothing was removed", "snap rm "]);
    let all = target.snap(&["list", "--json"]).exits(0).json();
    assert_eq!(all.as_array().must("a list").len(), 2, "{all}");
    target.snap(&["rm", "handed on@ada"]).exits(0);
}
