//! What git gets of a repository's own configuration: only settings that name no program.
//!
//! Whoever wrote a repository may have written its configuration too, and git takes names of programs from
//! more places than a list can hold. So the list here names the settings that are known to be data, and
//! everything else is left out. The exception is a repository that the user's own configuration names in
//! `snap.trustedRepository`. Pure, except for reading the files.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::base::error::{Error, Kind, Result};
use crate::git::remote_settings::RemoteSettings;

/// The setting by which a user names repositories whose configuration is as good as their own.
pub(super) const TRUSTED: &str = "snap.trustedrepository";

/// The largest file that is looked at before git is asked, in bytes.
const LARGEST: u64 = 64 << 10;

/// Settings without a subsection that are data, and what they are data for is local.
const DATA: [(&str, &str); 23] = [
    (
        "core",
        "repositoryformatversion filemode bare logallrefupdates ignorecase precomposeunicode symlinks \
         autocrlf eol safecrlf checkroundtripencoding sparsecheckout sparsecheckoutcone worktree \
         sharedrepository compression loosecompression bigfilethreshold packedgitwindowsize \
         packedgitlimit deltabasecachelimit checkstat trustctime quotepath protecthfs protectntfs \
         preloadindex untrackedcache splitindex multipackindex commitgraph fscache longpaths abbrev \
         whitespace notesref warnambiguousrefs prefersymlinkrefs fsync fsyncmethod fsyncobjectfiles \
         maxtreedepth restrictinheritedhandles hidedotfiles commentchar commentstring createobject \
         excludesfile attributesfile",
    ),
    (
        "extensions",
        "objectformat compatobjectformat refstorage worktreeconfig relativeworktrees preciousobjects noop \
         partialclone",
    ),
    ("index", "version sparse threads recordendofindexentries recordoffsettable skiphash"),
    ("feature", "manyfiles experimental"),
    ("pack", "window depth threads compression windowmemory indexversion packsizelimit usesparse usebitmaps"),
    ("status", "showuntrackedfiles renames renamelimit relativepaths submodulesummary"),
    ("diff", "renames renamelimit algorithm ignoresubmodules context submodule mnemonicprefix noprefix"),
    ("merge", "renames renamelimit directoryrenames renormalize conflictstyle ff log default"),
    ("user", "name email"),
    ("author", "name email"),
    ("committer", "name email"),
    ("push", "default autosetupremote followtags"),
    ("pull", "rebase ff"),
    ("fetch", "prune prunetags parallel"),
    ("rebase", "autostash autosquash"),
    ("init", "defaultbranch"),
    ("gc", "auto autodetach autopacklimit"),
    ("maintenance", "auto strategy"),
    ("checkout", "defaultremote workers"),
    ("remote", "pushdefault"),
    ("submodule", "active recurse fetchjobs"),
    ("lfs", "repositoryformatversion locksverify"),
    ("http", "extraheader"),
];

/// Settings with a subsection.
const DATA_BELOW: [(&str, &str); 5] = [
    ("branch", "remote merge rebase pushremote description vscode-merge-base"),
    (
        "remote",
        "url pushurl fetch push tagopt prune mirror promisor partialclonefilter skipfetchall gh-resolved",
    ),
    ("submodule", "url active path branch ignore fetchrecursesubmodules"),
    ("lfs", "access locksverify"),
    ("http", "extraheader"),
];

/// Settings that name programs, but none that starts when git works with files. Every command of ours
/// overrides them, or they are for commands that it never runs.
const IDLE: [(&str, &str); 2] = [("core", "hookspath fsmonitor editor pager"), ("gui", "")];

/// The filter that `git lfs install --local` sets up, to the letter. These lines name no program but
/// git-lfs, which is looked up where all programs are. All other settings of LFS in the repository's
/// configuration are left out as usual.
const OF_LFS: [(&str, &[&str]); 4] = [
    ("clean", &["git-lfs clean -- %f"]),
    ("smudge", &["git-lfs smudge -- %f", "git-lfs smudge --skip -- %f"]),
    ("process", &["git-lfs filter-process", "git-lfs filter-process --skip"]),
    ("required", &["true", "false"]),
];

/// The subsection that they are in.
const LFS: &str = "lfs";

/// One setting as git lists it: section and name are in small letters, the subsection is as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) key: Vec<u8>,
    /// `None` for a name without a value, which means "true".
    pub(super) value: Option<Vec<u8>>,
}

impl Setting {
    /// Takes the key apart: section, subsection, name.
    fn parts(&self) -> Option<(&str, Option<&[u8]>, &str)> {
        let first = self.key.iter().position(|byte| *byte == b'.')?;
        let last = self.key.iter().rposition(|byte| *byte == b'.')?;
        let section = std::str::from_utf8(&self.key[..first]).ok()?;
        let name = std::str::from_utf8(&self.key[last + 1..]).ok()?;
        Some((section, (first < last).then(|| &self.key[first + 1..last]), name))
    }

    fn is_data(&self) -> bool {
        self.parts().is_some_and(|(section, below, name)| is_data(section, below.is_some(), name))
    }

    /// Says whether it is a setting of LFS's filter; and whether it is as LFS itself writes it.
    fn of_lfs(&self) -> Option<bool> {
        let (_, name) = self.of("filter").filter(|(below, _)| below == LFS)?;
        let value = self.value.as_deref().unwrap_or_default();
        let known = OF_LFS.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, values)| *values);
        Some(known.iter().any(|known| known.as_bytes() == value))
    }

    /// Returns the subsection of a setting of this section.
    fn of(&self, wanted: &str) -> Option<(String, &str)> {
        let (section, below, name) = self.parts()?;
        (section == wanted).then(|| (String::from_utf8_lossy(below.unwrap_or_default()).into_owned(), name))
    }
}

/// All settings that git sees in a repository: whose they are decides.
#[derive(Default)]
pub(super) struct Settings {
    /// Of the system, the user, and the environment.
    pub(super) users: Vec<Setting>,
    /// Of the repository and what it includes.
    pub(super) own: Vec<Setting>,
}

/// What becomes of a repository's own configuration.
pub(super) enum Verdict {
    /// It is data alone: git may read it.
    Data,
    /// The user has named the repository: git may read it.
    Trusted,
    /// Git gets what is left of it.
    Sieved(Sieved),
}

/// What is left of a configuration, and what went.
pub(super) struct Sieved {
    /// What is left, as the text of a configuration file.
    pub(super) text: Vec<u8>,
    /// Content filters that only the repository defines.
    pub(super) filters: BTreeSet<String>,
    /// Merge drivers that only the repository defines.
    pub(super) drivers: BTreeSet<String>,
    /// Whether LFS's filter is among what is left, and only the repository defines it.
    pub(super) own_lfs: bool,
}

fn is_data(section: &str, below: bool, name: &str) -> bool {
    let list: &[(&str, &str)] = if below { &DATA_BELOW } else { &DATA };
    list.iter().any(|(known, names)| *known == section && names.split_whitespace().any(|one| one == name))
}

fn is_idle(section: &str, name: &str) -> bool {
    let named = |(known, names): &(&str, &str)| {
        *known == section && (names.is_empty() || names.split_whitespace().any(|one| one == name))
    };
    section == "alias" || IDLE.iter().any(named)
}

/// Checks the configuration of a repository whose work tree is `root`. Git lists it only if its text
/// alone is not enough.
///
/// # Errors
/// Those of `list`; [`Kind::Environment`] if its answer can't be understood.
pub(super) fn judge(
    list: impl FnOnce() -> Result<Vec<u8>>,
    root: &Path,
    git_dir: &Path,
    common_dir: &Path,
) -> Result<Verdict> {
    let files = [common_dir.join("config"), git_dir.join("config.worktree")];
    if files.iter().all(|file| is_plain_file(file)) {
        return Ok(Verdict::Data);
    }
    let settings = read(&list()?)?;
    if settings.trust(root, git_dir, common_dir) {
        return Ok(Verdict::Trusted);
    }
    Ok(Verdict::Sieved(settings.sieved()))
}

/// Says whether the user's own configuration names a repository.
///
/// # Errors
/// [`Kind::Environment`] with what git says.
pub(super) fn is_trusted(listed: &[u8], root: &Path, git_dir: &Path, common_dir: &Path) -> Result<bool> {
    Ok(read(listed)?.trust(root, git_dir, common_dir))
}

/// Returns the settings of a repository that count in the scratch repository that contacts a remote.
///
/// # Errors
/// [`Kind::Environment`] with what git says.
pub(super) fn for_remotes(
    listed: &[u8],
    root: &Path,
    git_dir: &Path,
    common_dir: &Path,
) -> Result<RemoteSettings> {
    let settings = read(listed)?;
    if settings.trust(root, git_dir, common_dir) {
        let path = common_dir.join("config").as_os_str().as_bytes().to_vec();
        let include = Setting { key: b"include.path".to_vec(), value: Some(path) };
        let bare = Setting { key: b"core.bare".to_vec(), value: Some(b"true".to_vec()) };
        let own = [&include, &bare].into_iter().filter_map(written).flatten().collect();
        return Ok(RemoteSettings { own, beside: Vec::new() });
    }
    let counts = |setting: &&Setting| matches!(setting.parts(), Some(("http", _, "extraheader")));
    let beside = settings.own.iter().filter(counts).filter_map(written).flatten().collect();
    Ok(RemoteSettings { own: Vec::new(), beside })
}

/// Returns a setting of a remote, as the text of a configuration file.
pub(super) fn remote_setting(remote: &str, name: &str, value: &str) -> Option<Vec<u8>> {
    let key = format!("remote.{remote}.{name}").into_bytes();
    written(&Setting { key, value: Some(value.as_bytes().to_vec()) })
}

/// Reads what [`super::command::Git::settings`] lists.
fn read(listed: &[u8]) -> Result<Settings> {
    parse(listed).ok_or_else(|| {
        Error::new(Kind::Environment, "Cannot parse git's list of settings")
            .hint("`snap` needs git 2.31 or later")
    })
}

/// Reads `git config --list --show-scope -z`.
fn parse(listed: &[u8]) -> Option<Settings> {
    let mut settings = Settings::default();
    let mut fields = listed.split(|byte| *byte == 0);
    while let Some(scope) = fields.next().filter(|scope| !scope.is_empty()) {
        let text = fields.next()?;
        let setting = match text.iter().position(|byte| *byte == b'\n') {
            Some(end) => Setting { key: text[..end].to_vec(), value: Some(text[end + 1..].to_vec()) },
            None => Setting { key: text.to_vec(), value: None },
        };
        match scope {
            b"system" | b"global" | b"command" => settings.users.push(setting),
            _ => settings.own.push(setting),
        }
    }
    Some(settings)
}

impl Settings {
    fn sieved(&self) -> Sieved {
        let mut filters = self.only_own("filter", &["clean", "smudge", "process"]);
        // One line that is not LFS's own, and none of them counts.
        let known_lfs = self.own.iter().filter_map(Setting::of_lfs).all(|known| known);
        let own_lfs = known_lfs && filters.remove(LFS);
        let stays = |setting: &&Setting| setting.is_data() || own_lfs && setting.of_lfs() == Some(true);
        let left: Vec<&Setting> = self.own.iter().filter(stays).collect();
        Sieved {
            text: left.iter().filter_map(|setting| written(setting)).flatten().collect(),
            filters,
            drivers: self.only_own("merge", &["driver"]),
            own_lfs,
        }
    }

    /// Returns the subsections that have one of these names in the repository's settings alone.
    fn only_own(&self, section: &str, names: &[&str]) -> BTreeSet<String> {
        let defined = |settings: &[Setting]| -> BTreeSet<String> {
            let found = settings.iter().filter_map(|setting| setting.of(section));
            found.filter(|(_, name)| names.contains(name)).map(|(below, _)| below).collect()
        };
        let users = defined(&self.users);
        defined(&self.own).into_iter().filter(|name| !users.contains(name)).collect()
    }

    /// Says whether the user names this work tree, or the main one of the same repository.
    fn trust(&self, root: &Path, git_dir: &Path, common_dir: &Path) -> bool {
        let named: Vec<PathBuf> = self
            .users
            .iter()
            .filter(|setting| setting.key == TRUSTED.as_bytes())
            .filter_map(|setting| setting.value.as_deref().and_then(path_of))
            .collect();
        if named.is_empty() {
            return false;
        }
        let mut trees = vec![root.to_owned()];
        // A `.git` file can claim to belong to any repository; that one must say so too.
        let back = std::fs::read(git_dir.join("gitdir")).unwrap_or_default();
        let back = Path::new(OsStr::from_bytes(back.trim_ascii()));
        if git_dir != common_dir
            && git_dir.join(back).canonicalize().ok() == root.join(".git").canonicalize().ok()
        {
            trees.extend(common_dir.parent().map(Path::to_owned));
            trees.push(common_dir.to_owned());
        }
        trees.iter().filter_map(|tree| tree.canonicalize().ok()).any(|tree| named.contains(&tree))
    }
}

/// Reads the path of a trusted repository: absolute, or below the home folder.
fn path_of(value: &[u8]) -> Option<PathBuf> {
    let path = Path::new(OsStr::from_bytes(value));
    let path = match path.strip_prefix("~") {
        Ok(below) => PathBuf::from(crate::sys::environment::variable("HOME")?).join(below),
        Err(_) => path.to_owned(),
    };
    path.is_absolute().then(|| path.canonicalize().ok()).flatten()
}

/// Writes a setting for a configuration file; `None` if that can't be done.
fn written(setting: &Setting) -> Option<Vec<u8>> {
    let (section, below, name) = setting.parts()?;
    // Where the work tree is has been found out already; and what stands in its own file is in the list.
    if matches!((section, name), ("core", "worktree") | ("extensions", "worktreeconfig")) {
        return None;
    }
    let mut text = format!("[{section}").into_bytes();
    if let Some(below) = below {
        text.extend_from_slice(b" \"");
        below.iter().for_each(|byte| match byte {
            b'"' | b'\\' => text.extend_from_slice(&[b'\\', *byte]),
            _ => text.push(*byte),
        });
        text.push(b'"');
    }
    text.extend_from_slice(format!("]\n\t{name}").as_bytes());
    if let Some(value) = &setting.value {
        text.extend_from_slice(b" = \"");
        value.iter().for_each(|byte| match byte {
            b'"' | b'\\' => text.extend_from_slice(&[b'\\', *byte]),
            b'\n' => text.extend_from_slice(b"\\n"),
            _ => text.push(*byte),
        });
        text.push(b'"');
    }
    text.push(b'\n');
    (!below.is_some_and(|below| below.contains(&b'\n')) && !text.contains(&0)).then_some(text)
}

/// Says whether a file is missing, or plainly has nothing in it but data.
fn is_plain_file(path: &Path) -> bool {
    match path.metadata() {
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        Ok(meta) if !meta.is_file() || meta.len() > LARGEST => false,
        Ok(_) => std::fs::read(path).is_ok_and(|text| is_plain(&text)),
    }
}

/// Says whether a text is in the form in which git itself writes configuration, and holds nothing but
/// data. Anything unusual is a no, and then git is asked.
fn is_plain(text: &[u8]) -> bool {
    plain_settings(text).is_some()
}

/// Reads such a text; `None` if it is not one.
pub(super) fn plain_settings(text: &[u8]) -> Option<Vec<Setting>> {
    let text = std::str::from_utf8(text).ok()?;
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let mut section = (String::new(), None);
    let mut settings = Vec::new();
    for line in text.split('\n').map(|line| line.trim_matches([' ', '\t'])) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.contains(['\\', '\r', '\0']) || line.chars().any(char::is_control) {
            return None;
        }
        if let Some(head) = line.strip_prefix('[') {
            let head = head.strip_suffix(']')?;
            let (name, below) = match head.split_once(" \"") {
                None => (head, None),
                Some((name, below)) => (name, Some(below.strip_suffix('"').filter(|it| !it.contains('"'))?)),
            };
            if !word(name) {
                return None;
            }
            section = (name.to_ascii_lowercase(), below);
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.trim_start_matches([' ', '\t']))),
            None => (line, None),
        };
        let name = name.trim_end_matches([' ', '\t']).to_ascii_lowercase();
        let (section, below) = (&section.0, section.1);
        let known = is_data(section, below.is_some(), &name) || below.is_none() && is_idle(section, &name);
        if !word(&name) || value.is_some_and(|value| value.contains('"')) || !known {
            return None;
        }
        let below = below.map_or_else(String::new, |below| format!("{below}."));
        let key = format!("{section}.{below}{name}").into_bytes();
        settings.push(Setting { key, value: value.map(|value| value.as_bytes().to_vec()) });
    }
    Some(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_git_itself_would_write_and_is_data_is_plain() {
        for text in [
            "",
            "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n",
            "[remote \"origin\"]\n\turl = git@host:x.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n",
            "# husky\n[core]\n\thooksPath = .husky\n[alias]\n\tst = !anything\n",
        ] {
            assert!(is_plain(text.as_bytes()), "{text}");
        }
        for text in [
            "[core] sshCommand = evil",
            "[core]\n\tsshCommand = evil\n",
            "[core]\n\tfilemode = true \\\n",
            "[core]\n\tbare = \"false\"\n",
            "[include]\n\tpath = other\n",
            "[includeIf \"gitdir:x\"]\n\tpath = other\n",
            "[filter \"x\"]\n\tclean = evil\n",
            "[filter.x]\n\tclean = evil\n",
            "[remote \"x\"]\n\tuploadpack = evil\n",
            "[remote \"x\\\"]\n\turl = y\n",
            "[submodule \"x\"]\n\tupdate = !evil\n",
            "[diff \"x\"]\n\trenames = evil\n",
            "\u{feff}[core]\n\tbare = false\n",
            "[core]\r\n\tbare = false\r\n",
            "[x]\n\ty = z\n",
            "bare = false\n",
        ] {
            assert!(!is_plain(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn the_filter_of_lfs_is_left_if_it_is_to_the_letter_what_lfs_writes() {
        let lines = ["clean\ngit-lfs clean -- %f", "smudge\ngit-lfs smudge -- %f", "required\ntrue"];
        let of = |scope: &str, lines: &[&str]| -> String {
            lines.iter().map(|line| format!("{scope}\0filter.lfs.{line}\0")).collect()
        };
        let sieved = |listed: String| parse(listed.as_bytes()).unwrap_or_default().sieved();
        let left = sieved(of("local", &lines));
        assert!(left.own_lfs && left.filters.is_empty());
        assert!(String::from_utf8_lossy(&left.text).contains("git-lfs clean -- %f"));
        for evil in [
            "clean\ngit-lfs clean -- %f; evil",
            "clean\n./git-lfs clean -- %f",
            "smudge\nevil",
            "process\ngit-lfs filter-process; evil",
            "required\nevil",
            "other\ngit-lfs clean -- %f",
        ] {
            let left = sieved(of("local", &[&lines[..], &[evil]].concat()));
            assert!(!left.own_lfs && left.text.is_empty(), "{evil}");
            assert_eq!(left.filters, BTreeSet::from([LFS.to_owned()]), "{evil}");
        }
        let both = sieved(of("global", &lines) + &of("local", &lines));
        assert!(!both.own_lfs && both.text.is_empty(), "the user's own is enough");
    }

    #[test]
    fn what_is_left_is_data_and_reads_back_as_it_was() {
        let listed =
            b"global\0filter.lfs.clean\ngit-lfs\0local\0core.bare\nfalse\0local\0core.sshcommand\nevil\0\
            local\0filter.lfs.clean\nevil\0local\0filter.x.process\nevil\0local\0merge.m.driver\nevil\0\
            local\0extensions.worktreeconfig\ntrue\0local\0core.worktree\n/\0local\0remote.a \"b\\.url\nx\ny \\\"#\0worktree\0core.sparsecheckout\0";
        let settings = parse(listed).unwrap_or_default();
        let sieved = settings.sieved();
        assert_eq!(sieved.filters, BTreeSet::from(["x".to_owned()]));
        assert_eq!(sieved.drivers, BTreeSet::from(["m".to_owned()]));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config");
        std::fs::write(&file, &sieved.text).expect("a file");
        let config = git2::Config::open(&file).expect("a configuration");
        let mut read = Vec::new();
        let mut entries = config.entries(None).expect("entries");
        while let Some(entry) = entries.next() {
            let entry = entry.expect("an entry");
            read.push((
                String::from_utf8_lossy(entry.name_bytes()).into_owned(),
                entry.has_value().then(|| String::from_utf8_lossy(entry.value_bytes()).into_owned()),
            ));
        }
        assert_eq!(
            read,
            [
                ("core.bare".to_owned(), Some("false".to_owned())),
                ("remote.a \"b\\.url".to_owned(), Some("x\ny \\\"#".to_owned())),
                ("core.sparsecheckout".to_owned(), None),
            ]
        );
    }
}
