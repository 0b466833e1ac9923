//! What is on a remote is asked for by what is new: names and messages, never the refs and the content of others.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::handoff_remote::{colleague, refs, utf8, with_plain_remote, with_remote};
use crate::support::Must;
use crate::support::project::{Project, files_below, git_in, ran};

/// Has git's transport go through a pipe that keeps what comes, and returns where.
fn counted(project: &Project, remote: &Path) -> PathBuf {
    let (wire, pipe) = (project.home.path().join("wire"), project.home.path().join("pipe"));
    fs::create_dir(&wire).must("a folder");
    let script = format!("#!/bin/sh\nfor last; do :; done\nsh -c \"$last\" | tee {}/$$\n", utf8(&wire));
    fs::write(&pipe, script).must("a pipe");
    fs::set_permissions(&pipe, fs::Permissions::from_mode(0o755)).must("a mode");
    project.git(&["remote", "set-url", "origin", &format!("ssh://host{}", utf8(remote))]);
    project.users_setting("core.sshCommand", utf8(&pipe));
    wire
}

/// The bytes that came since the last call.
fn came(wire: &Path) -> u64 {
    let files: Vec<_> = fs::read_dir(wire).must("a folder").flatten().map(|entry| entry.path()).collect();
    let size = files.iter().map(|file| file.metadata().must("a file").len()).sum();
    files.iter().for_each(|file| fs::remove_file(file).must("to remove"));
    size
}

/// Where the names of remotes are kept; a clone of the same user has the same place.
fn kept(project: &Project) -> PathBuf {
    project.home.path().join(".local/state/snap/remote-refs")
}

fn names(project: &Project) -> Vec<String> {
    let listed = project.snap(&["list", "--remote", "--json"]).exits(0).json();
    let name = |one: &Value| one["name"].as_str().must("a name").to_owned();
    listed.as_array().must("snapshots").iter().map(name).collect()
}

#[test]
fn a_list_and_a_pull_never_bring_the_refs_or_the_content_of_others() {
    let (project, remote) = with_remote();
    for number in 0..300 {
        let name = format!("refs/heads/a-branch-with-a-long-name/of-somebody-else/{number}");
        git_in(&project.home, &remote, &["update-ref", &name, "refs/heads/main"]);
    }
    let noise: String =
        (0..20_000u32).map(|number| format!("{:x}\n", number.wrapping_mul(2_654_435_761))).collect();
    project.write("a.txt", noise);
    project.snap(&["save", "first"]).exits(0);
    project.write("a.txt", "another\n");
    project.snap(&["save", "second"]).exits(0);
    project.snap(&["push", "origin", "first", "second"]).exits(0);
    let clone = colleague(&project, &remote);
    let wire = counted(&clone, &remote);

    assert_eq!(names(&clone), ["second", "first"]);
    let first = came(&wire);
    assert!(first < 5_000, "{first} bytes: the branches alone have 30,000, the content 60,000");
    assert_eq!(names(&clone), ["second", "first"]);
    let again = came(&wire);
    assert!(again < 1_500, "{again} bytes for nothing new");
    clone.snap(&["pull", "-n", "1"]).exits(0).says(&["Added \"second\""]);
    let pulled = came(&wire);
    assert!(pulled < 20_000, "{pulled} bytes for a small snapshot");
    clone.snap(&["pull", "-n", "1"]).exits(0).says(&["Added \"first\""]);
    clone.snap(&["pull", "-n", "1"]).exits(0).says(&["nothing new on origin"]);
    clone.snap(&["pull", "-n", "0"]).exits(2).says(&["at least 1"]);
}

#[test]
fn what_is_gone_from_a_remote_is_not_listed_and_what_came_is() {
    let (project, remote) = with_remote();
    project.write("a.txt", "one\n");
    project.snap(&["save", "first"]).exits(0);
    project.snap(&["push"]).exits(0);
    let clone = colleague(&project, &remote);
    assert_eq!(names(&clone), ["first"]);
    project.snap(&["rm", "--remote", "origin", "first"]).exits(0);
    project.write("a.txt", "two\n");
    project.snap(&["save", "second"]).exits(0);
    project.snap(&["push"]).exits(0);
    assert_eq!(names(&clone), ["second"]);
    // Another remote behind the same name.
    let other = clone.home.path().join("other.git");
    git_in(&clone.home, clone.home.path(), &["init", "-q", "--bare", utf8(&other)]);
    git_in(&clone.home, &other, &["config", "uploadpack.allowFilter", "true"]);
    clone.git(&["remote", "set-url", "origin", utf8(&other)]);
    assert_eq!(names(&clone), Vec::<String>::new());
    clone.snap(&["pull", utf8(&remote)]).exits(0).says(&["Added \"second\""]);
}

#[test]
fn a_ref_that_is_no_snapshot_a_plain_server_and_an_unusable_state_folder_hide_nothing() {
    let (project, remote) = with_plain_remote();
    project.write("a.txt", "one\n");
    project.snap(&["save", "first"]).exits(0);
    project.snap(&["push"]).exits(0);
    let clone = colleague(&project, &remote);
    let kept = kept(&project);
    assert_eq!(names(&clone), ["first"], "of a server that sends everything");
    git_in(&project.home, &remote, &["config", "uploadpack.allowFilter", "true"]);
    fs::remove_dir_all(&kept).must("to remove");
    let tree = git_in(&project.home, &remote, &["rev-parse", "main^{tree}"]);
    let name = format!("refs/snapshots/eve/{}", "e".repeat(32));
    git_in(&project.home, &remote, &["update-ref", &name, tree.trim()]);
    assert!(names(&clone).contains(&"first".to_owned()));
    git_in(&project.home, &remote, &["update-ref", "-d", &name]);
    fs::remove_dir_all(&kept).must("to remove");
    fs::write(&kept, "in the way").must("a file");
    assert_eq!(names(&clone), ["first"]);
    clone.snap(&["pull"]).exits(0).says(&["Added \"first\""]);
}

#[test]
fn what_a_killed_fetch_left_and_what_is_damaged_is_made_anew() {
    let (project, remote) = with_remote();
    project.write("a.txt", "one\n");
    project.snap(&["save", "first"]).exits(0);
    project.snap(&["push"]).exits(0);
    assert_eq!(names(&project), ["first"]);
    let all = fs::read_dir(kept(&project)).must("a folder").flatten().map(|entry| entry.path());
    let repository =
        all.into_iter().find(|path| path.extension().is_some_and(|end| end == "git")).must("one");
    let id = refs(&project, &remote)[0].rsplit('/').next().must("an id").to_owned();
    let damages: [&dyn Fn(); 5] = [
        &|| {
            let folder = repository.join("refs/snapshots/ada");
            fs::create_dir_all(&folder).must("a folder");
            fs::write(folder.join(format!("{id}.lock")), "").must("a lock");
            git_in(&project.home, &remote, &["update-ref", "-d", &format!("refs/snapshots/ada/{id}")]);
            project.snap(&["push"]).exits(0);
        },
        &|| fs::write(repository.join("config"), "[core\n").must("a torn file"),
        &|| {
            fs::remove_file(repository.join("snap-made-for")).must("to remove");
            fs::create_dir(repository.join("snap-made-for")).must("a folder");
        },
        &|| fs::write(repository.join("packed-refs"), "garbage\n").must("a torn file"),
        &|| fs::write(repository.join("snap-busy"), "").must("what a killed one leaves"),
    ];
    for (number, damage) in damages.iter().enumerate() {
        damage();
        assert_eq!(names(&project), ["first"], "{number}");
        assert_eq!(names(&project), ["first"], "{number}, again");
    }
}

#[test]
fn a_ref_that_leads_to_somebody_elses_snapshot_hides_and_replaces_none() {
    let (project, remote) = with_remote();
    project.write("a.txt", "one\n");
    project.snap(&["save", "first"]).exits(0);
    project.snap(&["push"]).exits(0);
    let commit = refs(&project, &remote)[0].split(' ').next().must("a commit").to_owned();
    let forged = format!("refs/snapshots/aaa/{}", "0".repeat(31) + "1");
    git_in(&project.home, &remote, &["update-ref", &forged, &commit]);
    let bob = colleague(&project, &remote).of_another_user();
    assert_eq!(names(&bob), ["first", "(no snapshot)"]);
    bob.snap(&["pull", "-n", "1"]).exits(0).says(&["Added \"first\""]);
}

#[test]
fn a_removal_for_good_forgets_the_names_that_were_kept() {
    let (project, _remote) = with_remote();
    project.write("a.txt", "one\n");
    project.snap(&["save", "the merger with Acme"]).exits(0);
    project.snap(&["push"]).exits(0);
    assert_eq!(names(&project), ["the merger with Acme"]);
    project.snap(&["rm", "--remote", "origin", "the merger with Acme"]).exits(0);
    assert!(kept(&project).is_dir());
    project.snap(&["rm", "--now", "--yes", "the merger with Acme"]).exits(0);
    assert!(!kept(&project).exists());
}

/// A remote helper that keeps a bundle for each ref in a folder, as one for an object store does.
const SHELF: &str = r#"#!/bin/sh
dir=${2#shelf://}
while read -r verb first second; do
  case "$verb" in
    capabilities) printf 'push\nfetch\n\n' ;;
    list)
      find "$dir" -name '*.bundle' | while read -r file; do
        ref=${file#"$dir"/}
        printf '%s %s\n' "$(basename "$file" .bundle)" "${ref%/*}"
      done
      echo ;;
    fetch) git bundle unbundle "$dir/$second/$first.bundle" >/dev/null ; fetched=1 ;;
    push)
      to=${first#*:} from=${first%%:*}
      rm -rf "${dir:?}/$to"
      if [ -n "$from" ]; then
        mkdir -p "$dir/$to"
        git bundle create -q "$dir/$to/$(git rev-parse "$from").bundle" "$from" || exit 1
      fi
      echo "ok $to" ; pushed=1 ;;
    '') if [ -n "$fetched$pushed" ]; then echo ; fetched= pushed= ; else exit 0 ; fi ;;
  esac
done
"#;

#[test]
fn a_helper_that_keeps_bundles_takes_and_gives_snapshots_and_shares_no_heads() {
    let (project, _remote) = with_remote();
    let (bin, shelf) = (project.home.path().join("bin"), project.home.path().join("shelf"));
    fs::create_dir_all(&bin).must("a folder");
    fs::create_dir_all(&shelf).must("a folder");
    fs::write(bin.join("git-remote-shelf"), SHELF).must("a helper");
    fs::set_permissions(bin.join("git-remote-shelf"), fs::Permissions::from_mode(0o755)).must("a mode");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let address = format!("shelf://{}", utf8(&shelf));
    let on_shelf = |project: &Project, arguments: &[&str]| {
        ran(project.command(project.root(), arguments).env("PATH", &path))
    };
    project.write("a.txt", "one\n");
    project.snap(&["save", "first"]).exits(0);
    on_shelf(&project, &["push", &address, "first"]).exits(0).says(&["Sent \"first\""]);
    project.write("a.txt", "two\n");
    project.snap(&["save", "second"]).exits(0);
    on_shelf(&project, &["push", &address, "second"]).exits(0).says(&["Sent \"second\""]);
    let clone = project.cloned();
    on_shelf(&clone, &["pull", &address]).exits(0).says(&["Added \"first\"", "Added \"second\""]);
    on_shelf(&project, &["rm", "--remote", &address, "first"]).exits(0);
    let listed = on_shelf(&clone, &["list", "--remote", &address, "--json"]).exits(0).json();
    assert_eq!(listed.as_array().must("a list").len(), 1, "{listed}");
    let refused = on_shelf(&project, &["init", "--local", "--sync", &address]).exits(3);
    refused.says(&["can't be shared through", "git-remote-shelf"]);
}

#[test]
fn no_password_or_token_of_an_address_is_kept_logged_or_said() {
    let (project, remote) = with_remote();
    project.write("a.txt", "one\n");
    project.snap(&["save", "first"]).exits(0);
    let secret = "zq8Zr2LkPw7XvTn4BsYd";
    // What an earlier version has left.
    let former = project.home.path().join(".local/state/snap/remote-names/0123456789abcdef.git");
    fs::create_dir_all(&former).must("a folder");
    fs::write(former.join("config"), format!("url = https://ada:{secret}@git.example.org/x.git\n"))
        .must("written");
    for address in [
        format!("https://ada:{secret}@git.example.org/x.git"),
        format!("https://{secret}@git.example.org/x.git"),
        format!("https://git.example.org/x.git?private_token={secret}"),
    ] {
        project.users_setting(&format!("url.{}.insteadOf", utf8(&remote)), &address);
        for typed in [
            &["push", &address, "first"][..],
            &["list", "--remote", &address],
            &["pull", &address],
            &["rm", "--remote", &address, "first"],
        ] {
            let ran = project.snap(typed).exits(0);
            assert!(!(ran.stdout + &ran.stderr).contains(secret), "{typed:?}");
        }
    }
    // The same where the repository's own configuration has it.
    project.git(&["remote", "add", "mine", &format!("https://ada:{secret}@git.example.org/x.git")]);
    project.users_setting(
        &format!("url.{}.insteadOf", utf8(&remote)),
        &format!("https://ada:{secret}@git.example.org/x.git"),
    );
    project.snap(&["push", "mine", "first"]).exits(0);
    assert!(project.snap(&["list", "--remote", "mine"]).exits(0).stdout.contains("first"));
    let state = project.home.path().join(".local");
    let files = [files_below(&state), files_below(&project.stored(""))].concat();
    assert!(
        files.iter().any(|file| file.starts_with(kept(&project)) && file.ends_with("config")),
        "{files:?}"
    );
    for file in &files {
        let bytes = fs::read(file).must("a file");
        assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none(), "{}", file.display());
        let mode = file.metadata().must("a file").permissions().mode();
        let is_ours = file.ends_with("config") || file.ends_with("snap-made-for");
        assert!(!is_ours || mode & 0o077 == 0, "{mode:o} {}", file.display());
    }
}

#[test]
fn what_somebody_else_put_under_an_id_stops_no_push_and_the_own_one_is_withdrawn_by_its_name() {
    let (project, remote) = with_remote();
    project.write("a.txt", "one\n");
    let id = project.snap(&["save", "one", "--json"]).exits(0).json()["id"].as_str().must("an id").to_owned();
    let foreign = format!("refs/snapshots/eve/{id}");
    git_in(&project.home, &remote, &["update-ref", &foreign, "refs/heads/main"]);
    project.snap(&["push", "origin", "one"]).exits(0).says(&["Sent \"one\""]);
    project.snap(&["push", "origin", "one"]).exits(0).says(&["already"]);
    // Somebody else has one of that name.
    let bob = colleague(&project, &remote).of_another_user();
    bob.write("b.txt", "two\n");
    let save = |arguments: &[&str]| ran(bob.command(bob.root(), arguments).env("USER", "bob")).exits(0);
    save(&["save", "one"]);
    save(&["push", "origin", "one"]);
    git_in(&project.home, &remote, &["update-ref", "-d", &foreign]);
    project.snap(&["rm", "--remote", "origin", "one"]).exits(0).says(&["Removed \"one\""]);
    let left = refs(&project, &remote);
    assert!(left.len() == 1 && left[0].contains("/bob/"), "{left:?}");
}
