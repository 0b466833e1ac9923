//! Where a remote's name leads, and which of those places may be contacted.
//!
//! The user names a remote, or types an address. The meaning of a name is in the repository's own
//! configuration. It counts only if it is an address of a network transport or a folder with a full path. An
//! address that would start a helper program does not count. Nor does a folder of the project: its hooks and
//! its configuration are the project's, and git would run them.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::Repository;
use super::command::Git;
use super::config::{for_remotes, is_trusted, remote_setting};
use super::printed_paths::path_from;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::git::remote_messages::without_password;
use crate::git::remote_settings::RemoteSettings;

/// The network transports that are git's own.
const NETWORK: [&str; 6] = ["https", "http", "ssh", "git", "git+ssh", "ssh+git"];

/// Where an address leads.
#[derive(Debug, PartialEq, Eq)]
enum Leads {
    /// To another machine, by a transport of git's own.
    Away,
    /// To a folder here.
    Folder(PathBuf),
    /// To a program, which gets the rest of it.
    Program(String),
}

/// Reads an address as git does.
fn leads(address: &str) -> Leads {
    let scheme = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    };
    if let Some((helper, _)) = address.split_once("::")
        && scheme(helper)
    {
        return Leads::Program(helper.to_owned());
    }
    if let Some((name, rest)) = address.split_once("://")
        && scheme(name)
    {
        return match name {
            "file" => Leads::Folder(PathBuf::from(rest)),
            _ if NETWORK.contains(&name) => Leads::Away,
            _ => Leads::Program(name.to_owned()),
        };
    }
    match (address.find(':'), address.find('/')) {
        // `host:path`, unless there is a folder of that name, as for git.
        (Some(colon), slash) if slash.is_none_or(|slash| colon < slash) => Leads::Away,
        _ => Leads::Folder(PathBuf::from(address)),
    }
}

/// Returns the name of the helper program that an address starts; `None` if git reaches it by itself.
pub(super) fn helper_of(address: &str) -> Option<String> {
    match leads(address) {
        Leads::Program(helper) => Some(helper),
        Leads::Away | Leads::Folder(_) => None,
    }
}

/// The addresses of a remote that the repository's own configuration names.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// The one to fetch from.
    pub(super) fetch: String,
    /// Those to push to.
    pub(super) push: Vec<String>,
    /// Whether the repository's own configuration is trusted, which says all this by itself.
    trusted: bool,
}

impl Addresses {
    /// Adds them to the settings of a remote of this name.
    pub(super) fn add_to(&self, settings: &mut RemoteSettings, name: &str) {
        let stated = !self.trusted;
        let fetch = stated.then_some(("url", self.fetch.as_str())).into_iter();
        let push = self.push.iter().filter(|_| stated).map(|address| ("pushurl", address.as_str()));
        // What these would do belongs to the user's own repository.
        let off = [("promisor", "false"), ("mirror", "false"), ("prune", "false"), ("tagopt", "--no-tags")];
        let text = |(key, value)| remote_setting(name, key, value);
        settings.beside.extend(fetch.chain(push).filter_map(text).flatten());
        settings.own.extend(off.into_iter().filter_map(text).flatten());
    }
}

impl Repository {
    /// Returns the part of the repository's configuration that counts when a remote is contacted. It names no program and no
    /// place, unless the user trusts all of it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub(super) fn settings_for_remotes(&self) -> Result<RemoteSettings> {
        for_remotes(&self.git.unsheltered().settings()?, &self.root, &self.git_dir, &self.common_dir)
    }

    /// Returns where a remote of this name leads, if it may be contacted.
    ///
    /// # Errors
    /// [`Kind::Refused`] if it leads to a program or into the project, with what git says otherwise.
    pub(super) fn addresses(&self, name: &str) -> Result<Addresses> {
        let git = self.git.unsheltered();
        let lines = |words: &[&str]| -> Result<Vec<String>> {
            let answer = git.demand(&[&["remote", "get-url"], words, &["--", name]].concat())?;
            Ok(String::from_utf8_lossy(&answer.stdout).lines().map(str::to_owned).collect())
        };
        let trusted = is_trusted(&git.settings()?, &self.root, &self.git_dir, &self.common_dir)?;
        let [fetch, push] = [lines(&[])?, lines(&["--push", "--all"])?];
        for address in fetch.iter().chain(&push) {
            if !trusted {
                check_named(name, address, &self.root)?;
            }
            check_folder(Some(self), &self.root, address)?;
        }
        match fetch.into_iter().next() {
            Some(fetch) => Ok(Addresses { fetch, push, trusted }),
            None => Err(Error::new(Kind::NotFound, format!("The remote {} has no address", Line(name)))),
        }
    }
}

/// Refuses an address in the repository's own configuration that starts a program, or that leads to a
/// folder whose place depends on where the project is.
fn check_named(name: &str, address: &str, root: &Path) -> Result<()> {
    let shown = Line(&without_password(address)).to_string();
    let refused = |why: String| {
        Err(Error::new(Kind::Refused, format!("The remote {} is not contacted", Line(name)))
            .because(why)
            .hint(format!(
                "type the address instead of the name, or name the repository as yours: \
                 `git config --global --add snap.trustedRepository {:?}`",
                Line(&root.to_string_lossy()).to_string()
            )))
    };
    match leads(address) {
        Leads::Away => Ok(()),
        Leads::Folder(folder) if is_named_in_full(&folder) => Ok(()),
        Leads::Folder(_) => refused(format!(
            "the repository's own configuration names {shown}, a folder that may have come with the project"
        )),
        Leads::Program(helper) => refused(format!(
            "the repository's own configuration names {shown}, which starts `git-remote-{helper}`"
        )),
    }
}

/// Says whether a path means the same folder wherever the project is. A path does not if it goes up
/// again, or through what the system shows of the process that asks.
fn is_named_in_full(folder: &Path) -> bool {
    let goes_up = folder.components().any(|part| part == Component::ParentDir);
    folder.is_absolute() && !goes_up && !folder.starts_with("/proc") && !folder.starts_with("/dev/fd")
}

/// Says whether what was named is neither an address nor a folder: then it is a name, of a remote or of something else. `folder` is where
/// a relative path begins.
pub(super) fn is_no_place(repository: Option<&Repository>, folder: &Path, address: &str) -> Result<bool> {
    if address.contains(':') || address.starts_with(['.', '/']) {
        return Ok(false);
    }
    if !address.contains('/') {
        return Ok(true);
    }
    let is_path = |address: &str| folder.join(address).exists();
    if is_path(address) || is_path(&format!("{address}.git")) {
        return Ok(false);
    }
    // Git may take the beginning of an address for another one.
    let Some(repository) = repository else { return Ok(false) };
    let rules = ["config", "--get-regexp", "^url\\..*\\.(push)?insteadof$"];
    let rules = repository.git.unsheltered().run(&rules)?.stdout;
    let rules = String::from_utf8_lossy(&rules).into_owned();
    Ok(!rules.lines().filter_map(|line| line.split_once(' ')).any(|(_, begin)| address.starts_with(begin)))
}

/// Refuses a folder in the project, whoever named it, because git would run what that folder says.
///
/// `start` is the project's tree, where there is no repository; a relative path begins there.
pub(super) fn check_folder(repository: Option<&Repository>, start: &Path, address: &str) -> Result<()> {
    let folder = match leads(address) {
        // Git decodes it; a path needs no code.
        Leads::Folder(_) if address.starts_with("file://") && address.contains('%') => {
            return Err(Error::new(
                Kind::Refused,
                format!("{} is not contacted", Line(&without_password(address))),
            )
            .because("it contains encoded characters")
            .hint("write the path without percent-encoding"));
        }
        Leads::Folder(folder) => start.join(folder),
        // Git takes this for a folder if there is one.
        Leads::Away if !address.contains("://") && start.join(address).exists() => start.join(address),
        Leads::Away | Leads::Program(_) => return Ok(()),
    };
    let mut trees = vec![start.to_owned()];
    if let Some(repository) = repository {
        trees = vec![repository.root.clone(), repository.common_dir.clone(), repository.home()?];
        trees.extend(repository.other_worktrees()?);
    }
    // A repository in a repository came with that.
    trees.extend(start.ancestors().filter(|above| above.join(".git").exists()).map(Path::to_owned));
    let home = crate::sys::environment::variable("HOME").map(PathBuf::from);
    let mut trees: Vec<PathBuf> = trees.iter().filter_map(|tree| tree.canonicalize().ok()).collect();
    // What the home folder lies in is the user's own.
    trees.retain(|tree| !home.as_ref().is_some_and(|home| home.starts_with(tree)));
    let places = [Some(folder.clone()), Some(folder.with_added_extension("git"))].into_iter().flatten();
    let mut real: Vec<PathBuf> = places.filter_map(|place| place.canonicalize().ok()).collect();
    for place in real.clone() {
        // A folder outside can be the work tree of a repository inside.
        let asked = ["rev-parse", "--path-format=absolute", "--absolute-git-dir", "--git-common-dir"];
        let answer = Git::find(&place).map(|git| git.run(&asked)).transpose()?;
        let lines = answer.iter().filter(|answer| answer.ok).flat_map(|answer| answer.lines());
        real.extend(lines.filter_map(|line| path_from(line).canonicalize().ok()));
    }
    match real.iter().find(|place| trees.iter().any(|tree| place.starts_with(tree))) {
        None => Ok(()),
        Some(place) => {
            Err(Error::new(Kind::Refused, format!("{} is not contacted", Line(&without_password(address))))
                .because(format!(
                    "{} is in the project: git would run the hooks that are in it",
                    Line(&OsStr::to_string_lossy(place.as_os_str()))
                ))
                .hint("take a remote outside of it, or `snap export` and `snap import` for a file"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_git_reads_it() {
        let folder = |path: &str| Leads::Folder(PathBuf::from(path));
        let program = |name: &str| Leads::Program(name.to_owned());
        for (address, wanted) in [
            ("https://host/x", Leads::Away),
            ("ssh://host/x", Leads::Away),
            ("git@host:x.git", Leads::Away),
            ("host:x", Leads::Away),
            ("/srv/x.git", folder("/srv/x.git")),
            ("./x:y", folder("./x:y")),
            ("../x", folder("../x")),
            ("file:///srv/x", folder("/srv/x")),
            ("ext::sh -c x", program("ext")),
            ("fd::3", program("fd")),
            ("codecommit::eu://x", program("codecommit")),
            ("evil://x", program("evil")),
        ] {
            assert_eq!(leads(address), wanted, "{address}");
        }
    }
}
