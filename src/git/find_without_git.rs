//! Finds a repository without starting git, if all about it is as git itself makes it.
//!
//! Gives the answer that `git rev-parse` would give, or none: then git is asked. It is asked about whatever
//! is not plain: another owner, a link in the place of `.git`, a submodule, a work tree that the
//! configuration names, a format that git 2.31 may not know, a file system that ends below the repository.
//! `GIT_*` variables need no look: no git that is started here gets those that say where a repository is.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::config::{Setting, plain_settings};
use super::nearby_work_trees::pointer;

/// Extensions that say nothing about where a repository is, and that every supported git knows.
const HARMLESS: [&[u8]; 2] = [b"extensions.partialclone", b"extensions.preciousobjects"];

/// The extension that gives each work tree a configuration of its own.
const OWN_CONFIGURATION: &[u8] = b"extensions.worktreeconfig";

/// What is around a folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A work tree.
    WorkTree(FoundTree),
    /// No repository.
    Outside,
}

/// Where a work tree is; links resolved.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FoundTree {
    pub(super) root: PathBuf,
    /// Git's own folder for it.
    pub(super) git_dir: PathBuf,
    /// The folder that all work trees of the repository share.
    pub(super) common_dir: PathBuf,
}

/// Finds what is around a folder; `None` if git has to be asked. Only what belongs to `user` is plain.
pub(super) fn find(folder: &Path, user: u32) -> Option<Found> {
    let start = folder.canonicalize().ok()?;
    let disk = start.symlink_metadata().ok()?.dev();
    for above in start.ancestors() {
        let meta = above.symlink_metadata().ok()?;
        if meta.dev() != disk {
            return None;
        }
        match Entry::at(&above.join(".git"))? {
            Entry::There(mark) => return in_repository(above, [&meta, &mark], user).map(Found::WorkTree),
            // It may be a repository without a work tree.
            Entry::Missing => match Entry::at(&above.join("HEAD"))? {
                Entry::There(_) => return None,
                Entry::Missing => {}
            },
        }
    }
    Some(Found::Outside)
}

/// What is under a name.
enum Entry {
    Missing,
    There(Metadata),
}

impl Entry {
    /// Looks; `None` if that can't be said.
    fn at(path: &Path) -> Option<Entry> {
        match path.symlink_metadata() {
            Ok(meta) => Some(Entry::There(meta)),
            Err(error) if error.kind() == ErrorKind::NotFound => Some(Entry::Missing),
            Err(_) => None,
        }
    }
}

/// Describes the work tree at `root`, whose own facts and those of its `.git` are given.
fn in_repository(root: &Path, facts: [&Metadata; 2], user: u32) -> Option<FoundTree> {
    let mark = root.join(".git");
    let git_dir = if facts[1].is_dir() { mark } else { named_in(&mark)? };
    let own = git_dir.symlink_metadata().ok()?;
    let owners = [facts[0].uid(), facts[1].uid(), own.uid()];
    let printable = |path: &Path| !path.as_os_str().as_bytes().contains(&b'\n');
    if owners.iter().any(|owner| *owner != user) || !own.is_dir() || !printable(root) {
        return None;
    }
    let common_dir = match Entry::at(&git_dir.join("commondir"))? {
        Entry::Missing => git_dir.clone(),
        Entry::There(_) if facts[1].is_dir() => return None,
        Entry::There(_) => {
            let named = one_line(pointer(&git_dir.join("commondir"))?)?;
            git_dir.join(OsStr::from_bytes(&named)).canonicalize().ok()?
        }
    };
    let linked = common_dir != git_dir;
    let whole =
        is_head(&git_dir) && is_folder(&common_dir.join("objects")) && is_folder(&common_dir.join("refs"));
    let plain =
        whole && printable(&git_dir) && printable(&common_dir) && is_plain(&git_dir, &common_dir, linked)?;
    plain.then(|| FoundTree { root: root.to_owned(), git_dir, common_dir })
}

/// Returns the folder that a `.git` file names.
fn named_in(mark: &Path) -> Option<PathBuf> {
    if !mark.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let text = one_line(pointer(mark)?)?;
    let named =
        text.strip_prefix(b"gitdir: ").filter(|named| !named.is_empty() && named.trim_ascii() == *named)?;
    mark.parent()?.join(OsStr::from_bytes(named)).canonicalize().ok()
}

/// Returns the one line of a text, without its end.
fn one_line(mut text: Vec<u8>) -> Option<Vec<u8>> {
    text.pop_if(|last| *last == b'\n');
    (!text.is_empty() && !text.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0))).then_some(text)
}

/// Says whether a folder has a HEAD as git writes it today: a branch's name, or a commit's.
fn is_head(git_dir: &Path) -> bool {
    let file = git_dir.join("HEAD");
    let text = file
        .symlink_metadata()
        .ok()
        .filter(Metadata::is_file)
        .and_then(|_| pointer(&file))
        .and_then(one_line);
    text.is_some_and(|text| {
        let commit = text.len() == 40 && text.iter().all(u8::is_ascii_hexdigit);
        commit || text.starts_with(b"ref: refs/") && text.len() < 200
    })
}

/// Says whether there is a folder that may be looked into.
fn is_folder(path: &Path) -> bool {
    path.join(".").metadata().is_ok_and(|meta| meta.is_dir())
}

/// Says whether the configuration says nothing about where the work tree is, nor anything that a
/// supported git might not know. `linked`: it is that of a linked work tree. `None`: it is not plain.
fn is_plain(git_dir: &Path, common_dir: &Path, linked: bool) -> Option<bool> {
    let settings = plain_settings(&pointer(&common_dir.join("config"))?)?;
    let values = |key: &[u8]| -> Vec<&[u8]> { values_of(&settings, key) };
    let own = !values(OWN_CONFIGURATION).is_empty();
    // Where a linked work tree has no configuration of its own, git skips these two in the shared one.
    let counts = !linked || own;
    let bare = values(b"core.bare").iter().all(|value| *value == b"false" || !counts && *value == b"true");
    let format = matches!(values(b"core.repositoryformatversion")[..], [b"0" | b"1"]);
    let known = settings.iter().filter(|setting| setting.key.starts_with(b"extensions.")).all(|setting| {
        HARMLESS.contains(&&setting.key[..])
            || setting.key == OWN_CONFIGURATION && setting.value.as_deref() == Some(b"true")
    });
    let whole = bare && format && known && values(b"core.worktree").is_empty();
    if !own || !whole {
        return Some(whole);
    }
    match Entry::at(&git_dir.join("config.worktree"))? {
        Entry::Missing => Some(true),
        Entry::There(_) => {
            let settings = plain_settings(&pointer(&git_dir.join("config.worktree"))?)?;
            let decides = |setting: &Setting| {
                setting.key.starts_with(b"extensions.")
                    || [&b"core.bare"[..], b"core.worktree", b"core.repositoryformatversion"]
                        .contains(&&setting.key[..])
            };
            Some(!settings.iter().any(decides))
        }
    }
}

/// Returns the values of a setting; one that has none, or that is none of git's own spellings, is empty.
fn values_of<'s>(settings: &'s [Setting], key: &[u8]) -> Vec<&'s [u8]> {
    let same = settings.iter().filter(|setting| setting.key == key);
    same.map(|setting| setting.value.as_deref().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// A place: what is special about it, how it is made, the folder to look from, and whether it is
    /// found without git.
    struct Case(&'static str, &'static str, &'static str, bool);

    /// A repository `r` with a commit, and folders in it, is there before each of them.
    const CASES: [Case; 36] = [
        Case("a repository", "", "r", true),
        Case("a folder in it", "", "r/a/b", true),
        Case("HEAD is a commit", "git -C r checkout -q --detach", "r", true),
        Case("through a link", "ln -s r/a k", "k", true),
        Case("in another one", "git init -q r/a/in", "r/a/in", true),
        Case("a linked work tree", "git -C r worktree add -q ../l", "l", true),
        Case("a folder in one", "git -C r worktree add -q ../l; mkdir l/a", "l/a", true),
        Case(
            "one that is named from its own folder",
            "git -C r worktree add -q ../l; echo 'gitdir: ../r/.git/worktrees/l' > l/.git",
            "l",
            true,
        ),
        Case("one of a bare repository", "git clone -q --bare r x; git -C x worktree add -q ../l", "l", true),
        Case("git's own folder elsewhere", "git init -q --separate-git-dir g x", "x", true),
        Case(
            "a configuration for one work tree",
            "git -C r config extensions.worktreeConfig true; git -C r config --worktree core.sparseCheckout true",
            "r",
            true,
        ),
        Case(
            "a partial clone",
            "git -C r config core.repositoryformatversion 1; git -C r config extensions.partialClone origin",
            "r",
            true,
        ),
        Case("no repository", "mkdir -p o/a", "o/a", true),
        Case("a bare repository", "git init -q --bare x", "x", false),
        Case("in git's own folder", "", "r/.git", false),
        Case("deep in it", "", "r/.git/refs/heads", false),
        Case(
            "a submodule",
            "git -C r -c protocol.file.allow=always submodule --quiet add ../r a/s",
            "r/a/s",
            false,
        ),
        Case(
            "a work tree that the configuration names",
            "git -C r config core.worktree ../../o; mkdir o",
            "r",
            false,
        ),
        Case(
            "one that the configuration of one work tree names",
            "git -C r config extensions.worktreeConfig true; git -C r config --worktree core.worktree ../../r",
            "r",
            false,
        ),
        Case("a repository that says it is bare", "git -C r config core.bare true", "r", false),
        Case(
            "a bare one with configurations for work trees",
            "git clone -q --bare r x; git -C x config extensions.worktreeConfig true; git -C x worktree add -q ../l; \
             git -C x config core.bare true",
            "l",
            false,
        ),
        Case("no version of the format", "git -C r config --unset core.repositoryformatversion", "r", false),
        Case("a format of tomorrow", "git -C r config core.repositoryformatversion 7", "r", false),
        Case(
            "an extension of tomorrow",
            "git -C r config core.repositoryformatversion 1; git -C r config extensions.new true",
            "r",
            false,
        ),
        Case("SHA-256", "git init -q --object-format=sha256 x", "x", false),
        Case("an included file", "git -C r config include.path more; git -C r config core.x y", "r", false),
        Case("a link in the place of .git", "mv r/.git g; ln -s ../g r/.git", "r", false),
        Case("HEAD is a link", "ln -sf refs/heads/main r/.git/HEAD", "r", false),
        Case("nonsense in HEAD", "echo x > r/.git/HEAD", "r", false),
        Case("no refs", "mv r/.git/refs r/.git/gone", "r", false),
        Case("an empty .git", "mkdir r/a/.git", "r/a", false),
        Case("nonsense in .git", "echo x > r/a/.git", "r/a", false),
        Case("two lines in .git", "git -C r worktree add -q ../l; echo x >> l/.git", "l", false),
        Case("a repository that shares another's folder", "echo ../../r/.git > r/.git/commondir", "r", false),
        Case("a folder that looks like a repository", "cp r/.git/HEAD r/a", "r/a", false),
        Case("a line end in the name", "git init -q 'x\ny'", "x\ny", false),
    ];

    fn command(program: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("HOME", folder).env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "a").env(format!("GIT_{role}_EMAIL"), "a@example.org");
        }
        command.current_dir(folder);
        command
    }

    fn run(script: &str, folder: &Path) {
        let made = command("sh", folder).args(["-ec", script]).output().expect("a shell");
        assert!(made.status.success(), "{script}: {}", String::from_utf8_lossy(&made.stderr));
    }

    /// What git says; `None` if it finds no work tree and does not say that there is no repository.
    fn asked(folder: &Path, home: &Path) -> Option<Found> {
        let mut git = command("git", home);
        git.arg("-C").arg(folder).args(["rev-parse", "--path-format=absolute", "--is-inside-work-tree"]);
        git.args(["--absolute-git-dir", "--git-common-dir", "--show-object-format", "--show-toplevel"]);
        let said = git.output().expect("git");
        if String::from_utf8_lossy(&said.stderr).contains("not a git repository (or any") {
            return Some(Found::Outside);
        }
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        match text.lines().collect::<Vec<_>>()[..] {
            ["true", git_dir, common_dir, "sha1", root] if said.status.success() => {
                let [root, git_dir, common_dir] = [root, git_dir, common_dir].map(PathBuf::from);
                Some(Found::WorkTree(FoundTree { root, git_dir, common_dir }))
            }
            _ => None,
        }
    }

    #[test]
    fn what_is_found_without_git_is_what_git_says_and_what_is_not_plain_is_left_to_git() {
        let me = crate::sys::process::effective_user();
        for Case(what, script, from, plain) in CASES {
            let folder = tempfile::tempdir().expect("a folder");
            let home = folder.path();
            run("git init -q -b main r; mkdir -p r/a/b; git -C r commit -q --allow-empty -m one", home);
            run(script, home);
            let from = home.join(from);
            let found = find(&from, me);
            let device =
                |path: &Path| std::os::unix::fs::MetadataExt::dev(&path.metadata().expect("a folder"));
            // Where a file system ends above, nothing may be said of what is above it.
            let plain = plain && (what != "no repository" || device(home) == device(Path::new("/")));
            assert_eq!(found.is_some(), plain, "{what}: {found:?}");
            assert!(
                found.is_none() || found == asked(&from, home),
                "{what}: {found:?}, {:?}",
                asked(&from, home)
            );
        }
    }

    #[test]
    fn what_belongs_to_somebody_else_is_left_to_git() {
        let folder = tempfile::tempdir().expect("a folder");
        run(
            "git init -q r; git -C r commit -q --allow-empty -m one; git -C r worktree add -q ../l",
            folder.path(),
        );
        let me = crate::sys::process::effective_user();
        for from in ["r", "l"] {
            assert!(find(&folder.path().join(from), me).is_some(), "{from}");
            assert_eq!(find(&folder.path().join(from), me + 1), None, "{from}");
        }
    }

    #[test]
    fn where_a_file_system_ends_below_a_repository_git_is_asked() {
        let me = crate::sys::process::effective_user();
        let disk = |path: &Path| path.metadata().map(|meta| meta.dev()).ok();
        for mount in ["/proc", "/dev/shm", "/dev"].map(Path::new) {
            if disk(mount).is_some() && disk(mount) != disk(Path::new("/")) {
                assert_eq!(find(mount, me), None, "{}", mount.display());
            }
        }
    }
}
