//! Tests: what is found without git is what git says, and what is not usual is left to git.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Listing, Location, Repository};
use crate::sys::environment;
use crate::sys::files::{ScratchFolder, scratch_folder};

/// A repository whose files are older than its index.
const OLD: &str = "git init -q -b main r; cd r; mkdir -p dir/deep kept; echo a > a.txt; echo b > dir/b.txt; \
     echo c > dir/deep/c.sh; chmod +x dir/deep/c.sh; ln -s a.txt link; echo k > kept/k; \
     printf '*.o\\nbuild/\\n/only\\n!keep.o\\ndir/*.log\\n' > .gitignore; git add -A; git commit -qm one; \
     find . -path ./.git -prune -o -type f -exec touch -d '2 hours ago' {} +; git update-index -q --refresh; cd ..";

pub(super) fn run(script: &str, folder: &Path) -> String {
    let mut command = Command::new("sh");
    let path = environment::variable("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", folder).env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "a").env(format!("GIT_{role}_EMAIL"), "a@example.org");
    }
    let made = command.args(["-ec", script]).current_dir(folder).output().expect("a shell");
    assert!(made.status.success(), "{script}: {}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8_lossy(&made.stdout).into_owned()
}

pub(super) fn open(root: &Path) -> Repository {
    match Repository::discover(root) {
        Ok(Location::WorkTree(repository)) => repository,
        _ => panic!("no work tree at {}", root.display()),
    }
}

/// What is compared of a listing.
fn shown(listing: &Listing) -> (Option<String>, Option<String>, BTreeMap<String, String>) {
    let pending = listing.pending.iter().map(|one| (one.path.to_string(), format!("{:?}", one.status)));
    let ignored = listing.ignored.iter().map(|one| (one.path.to_string(), format!("ignored {}", one.folder)));
    (listing.head.clone(), listing.branch.clone(), pending.chain(ignored).collect())
}

/// Says whether it was found without git, after comparing it with what git says.
fn is_found(what: &str, root: &Path) -> bool {
    let repository = open(root);
    // What whoever runs the tests has set is another matter.
    let settings = repository.settings_behind(&[]);
    let Some(here) = settings.and_then(|settings| repository.listed_by(&settings)) else { return false };
    let asked = repository.status().expect("what git says");
    assert_eq!(shown(&here), shown(&asked), "{what}");
    assert_eq!(here.index.fingerprint(), asked.index.fingerprint(), "{what}");
    assert!(asked.hidden.is_empty() && asked.odd.is_empty(), "{what}");
    true
}

/// Returns a new repository, and where it is.
fn made() -> (ScratchFolder, PathBuf) {
    let folder = scratch_folder().expect("a folder");
    let home = folder.path().canonicalize().expect("its path");
    run(OLD, &home);
    (folder, home.join("r"))
}

/// What is done to it, and whether git is not needed for what is pending then.
const CASES: &[(&str, bool)] = &[
    ("true", true),
    ("echo more >> a.txt", true),
    ("echo z > a.txt", true),
    ("touch a.txt dir/b.txt", true),
    ("chmod +x a.txt", true),
    ("chmod -x dir/deep/c.sh", true),
    ("rm a.txt", true),
    ("rm link", true),
    ("rm -r dir", true),
    ("rm -r dir; mkdir dir", true),
    ("echo n > new; mkdir -p n1/n2; echo n > n1/n2/n3; echo n > dir/new", true),
    ("echo n > n.o; echo n > dir/n.o; echo n > keep.o; echo n > only; mkdir n; echo n > n/only", true),
    ("mkdir -p build/x dir/build; echo n > build/x/y", true),
    ("echo n > build", true),
    ("mkdir n; echo n > n/1.o; echo n > n/2.o", true),
    ("mkdir n; echo '*' > n/.gitignore; echo n > n/x; mkdir n/y; echo n > n/y/z", true),
    ("mkdir n; echo '!*.o' > n/.gitignore; echo n > n/x.o; echo n > n/y", true),
    ("echo n > dir/x.log; echo n > dir/deep/x.log; mkdir dir/y.log; echo n > dir/y.log/z", true),
    ("ln -sfn dir link", true),
    ("ln -s dir d; ln -s nowhere n.o; ln -s dir build", true),
    ("mkfifo pipe; mkfifo pipe.o; mkdir empty empty2 empty2/3", true),
    ("echo n > 'a b'; echo n > 'ü'; echo n > \"$(printf 'x\\377')\"; echo n > '*'", true),
    ("echo '/secret*' >> .git/info/exclude; echo n > secret1; echo n > dir/secret2", true),
    ("echo x >> .gitignore; echo x > x", true),
    ("rm .gitignore; echo n > n.o", true),
    ("git checkout -q --detach; echo more >> a.txt", true),
    ("git pack-refs --all; git gc -q; echo more >> a.txt", true),
    ("git update-index --index-version 4; echo more >> a.txt", true),
    ("git config core.untrackedCache true; git status -s; echo n > new; echo z > a.txt", true),
    ("git tag t; echo n > .git/HEAD.lock; echo more >> a.txt", true),
    // Younger than the index: all is compared.
    ("git rm -q --cached a.txt; git add a.txt; git commit -q --allow-empty -m two; echo y > a.txt", true),
    // What git is asked for.
    ("echo n > new; git add new", false),
    ("echo more >> a.txt; git add a.txt", false),
    ("git rm -q a.txt", false),
    ("git rm -q --cached a.txt", false),
    ("echo n > new; git add -N new", false),
    ("git update-index --assume-unchanged a.txt; echo more >> a.txt", false),
    ("git update-index --skip-worktree a.txt; echo more >> a.txt", false),
    ("git init -q n; echo n > n/x", false),
    (
        "git init -q n; git -C n commit -q --allow-empty -m n; git -c protocol.file.allow=always submodule --quiet add ./n s",
        false,
    ),
    ("echo '* text=auto' > .gitattributes; echo more >> a.txt", false),
    ("echo '* text=auto' > .git/info/attributes; touch a.txt", false),
    ("git config core.autocrlf true; touch a.txt", false),
    ("git config core.fileMode false; chmod +x a.txt", false),
    ("git config core.worktree \"$PWD\"", false),
    ("git config core.ignoreCase true; echo n > OTHER.O; echo n > A.TXT", false),
    ("git config core.excludesFile relative", false),
    ("git config include.path more; echo more >> a.txt", false),
    ("git sparse-checkout set dir", false),
    ("git update-index --split-index", false),
    ("rm a.txt; mkdir a.txt; echo n > a.txt/x", false),
    ("rm -r dir; echo n > dir", false),
    ("rm a.txt; ln -s dir a.txt", false),
    ("rm -r dir; ln -s kept dir", false),
    ("echo '[[:alpha:]]x' > .gitignore", false),
    ("rm .gitignore; ln -s a.txt .gitignore", false),
    ("echo kept/ >> .gitignore; echo n > kept/new", false),
    ("git checkout -q --orphan none; git rm -rfq --cached .", false),
    (
        "git checkout -q -b side; echo s > a.txt; git commit -qam s; git checkout -q main; echo m > a.txt; \
      git commit -qam m; git merge side || true",
        false,
    ),
    (
        "git commit -q --allow-empty -m two; echo n > new; git add new; git commit -qm three; git replace HEAD HEAD~1",
        false,
    ),
];

#[test]
fn what_is_found_without_git_is_what_git_says_and_what_is_not_usual_is_left_to_git() {
    let mut wrong = Vec::new();
    for (script, wanted) in CASES {
        let (_folder, root) = made();
        run(script, &root);
        if is_found(script, &root) != *wanted {
            wrong.push(*script);
        }
    }
    assert!(wrong.is_empty(), "not as expected: {wrong:#?}");
}

#[test]
fn a_linked_work_tree_is_looked_at_as_any_other() {
    let (_folder, root) = made();
    run("git worktree add -q ../l; echo n > ../l/new; echo more >> ../l/a.txt; rm ../l/dir/b.txt", &root);
    assert!(is_found("linked", &root.with_file_name("l")));
}

/// Rules, each the only ones of the tree.
const RULES: &[&str] = &[
    "*",
    "*.c",
    "/*.c",
    "a",
    "/a",
    "a/",
    "/a/",
    "a/b",
    "/a/b",
    "a/b/",
    "**",
    "**/",
    "/**",
    "**/b",
    "a/**",
    "a/**/c",
    "**/b/**",
    "a/*",
    "a/*/",
    "*/b",
    "*/*/c",
    "a/?",
    "?",
    "[ab]",
    "[!ab]",
    "[^ab]*",
    "[a-b]/",
    "[]x]",
    "[x",
    "a[/]b",
    "a**",
    "a/b**",
    "a/b**/d",
    "a/**b",
    "b*/c",
    "*\n!a",
    "*\n!*/",
    "*\n!a/\n!a/b",
    "a/*\n!a/b",
    "/a/*\n!/a/c.c",
    "\\a",
    "a\\",
    "\\*",
    "*b*",
    "*.*",
    "!a",
    "#a",
    "\\#a",
    "a ",
    " a",
    "a\\ ",
    "a/b/c/d",
    "/a/b/c/d",
    "**/c/d",
    "a/**/**/d",
    "***/c",
    "a***b",
    "**c",
    "x**/c",
    "c.c/",
    "d/**\n!d/x",
];

#[test]
fn what_is_ignored_is_what_git_ignores() {
    let (_folder, root) = made();
    run(
        "git rm -rq a.txt dir kept link; git commit -qm less; mkdir -p a/b/c a/c b/c x/a/b 'a b' d; for f in a/a a/b/b a/b/c/c a/b/c/d a/c/d a/c.c a/b/c.c b/a b/c/d c.c x/a/b/c x/b \
         x/c 'a b/a' 'a ' '#a' '*' ab bab d/x d/y; do echo x > \"$f\"; done",
        &root,
    );
    for rules in RULES {
        std::fs::write(root.join(".gitignore"), format!("{rules}\n")).expect("to write");
        assert!(is_found(rules, &root), "{rules:?}");
        // The same below the root.
        std::fs::write(root.join(".gitignore"), "").expect("to write");
        std::fs::write(root.join("x/.gitignore"), format!("{rules}\n")).expect("to write");
        assert!(is_found(rules, &root), "{rules:?} in x");
        std::fs::remove_file(root.join("x/.gitignore")).expect("to remove");
    }
}
