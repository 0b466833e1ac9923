//! Which files of another user's snapshot are restored without a question: plain source or text, in a folder
//! that the repository already has. Every other file needs a yes, and has a kind.
//!
//! Owns the rule. A list of all files that a tool runs or obeys can't be complete, because every new tool
//! brings another name. So the rule is the other way round. `ordinary.rs` lists the kinds of files that no
//! tool is known to run or obey for their kind. `names.rs`, as a second layer, lists those among them that
//! some tool runs or obeys for their name or place. Names are compared as the most forgiving file system
//! would, with case and all disguises. Paths in git's own folder never get here: `base/paths.rs` refuses them while the
//! manifest is read. Pure.

mod names;
mod ordinary;

use std::collections::BTreeSet;

use crate::base::paths::RepoPath;

/// Why a file is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Concern {
    /// Gives the agent rights or starts programs for it: never set by somebody else's snapshot.
    Rights,
    /// Belongs to `snap`'s own key: never set either.
    Key,
    /// Tells an agent what to do.
    Agent,
    /// Changes what git does.
    Git,
    /// Is run or read by an editor or a shell that enters the folder.
    Editor,
    /// Is run or read by a build, a test or an installation.
    Build,
    /// Is run by a service.
    Pipeline,
    /// Is or becomes a program.
    Program,
    /// Is a link.
    Link,
    /// Is configuration.
    Settings,
    /// Its name begins with a dot, or it is in a folder whose name does.
    Hidden,
    /// Has a name that is another one elsewhere.
    Name,
    /// Is of a kind that is not known.
    Unknown,
    /// Is in a folder that the repository does not have.
    Place,
}

/// All that a person can agree to, in the order in which they are asked.
pub const ASKED: [Concern; 12] = [
    Concern::Agent,
    Concern::Git,
    Concern::Editor,
    Concern::Build,
    Concern::Pipeline,
    Concern::Program,
    Concern::Link,
    Concern::Settings,
    Concern::Hidden,
    Concern::Name,
    Concern::Unknown,
    Concern::Place,
];

impl Concern {
    /// Returns the word that stands for it on the command line and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Concern::Rights => "rights",
            Concern::Key => "key",
            Concern::Agent => "agent",
            Concern::Git => "git",
            Concern::Editor => "editor",
            Concern::Build => "build",
            Concern::Pipeline => "pipeline",
            Concern::Program => "program",
            Concern::Link => "link",
            Concern::Settings => "settings",
            Concern::Hidden => "hidden",
            Concern::Name => "name",
            Concern::Unknown => "unknown",
            Concern::Place => "place",
        }
    }

    /// Says what one file does, to be shown after its name.
    pub fn says(self) -> &'static str {
        self.words().0
    }

    /// Says it of several.
    pub fn says_of_many(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Concern::Rights => {
                ("can give the agent rights or start programs", "can give the agent rights or start programs")
            }
            Concern::Key => ("belongs to snap's own key", "belong to snap's own key"),
            Concern::Agent => ("tells an agent what to do", "tell an agent what to do"),
            Concern::Git => ("changes what git does", "change what git does"),
            Concern::Editor => (
                "is run or read by a shell or an editor that enters the folder",
                "are run or read by a shell or an editor that enters the folder",
            ),
            Concern::Build => (
                "is run or read by a build, a test or an installation",
                "are run or read by a build, a test or an installation",
            ),
            Concern::Pipeline => ("is run by a service", "are run by a service"),
            Concern::Program => ("is or becomes a program", "are or become programs"),
            Concern::Link => ("is a link", "are links"),
            Concern::Settings => (
                "is configuration, which tools read by themselves",
                "are configuration, which tools read by themselves",
            ),
            Concern::Hidden => ("is hidden, as tools' own files are", "are hidden, as tools' own files are"),
            Concern::Name => (
                "has a name that means something else on another system",
                "have names that mean something else on another system",
            ),
            Concern::Unknown => (
                "is of a kind that is not known to be source, text or an image",
                "are of kinds that are not known to be source, text or images",
            ),
            Concern::Place => {
                ("is in a folder that HEAD does not have", "are in folders that HEAD does not have")
            }
        }
    }

    /// Says whether even a yes does not set it.
    pub fn is_never(self) -> bool {
        matches!(self, Concern::Rights | Concern::Key)
    }
}

/// What a file is, or was, beyond its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Whether it is a link, before or after.
    pub link: bool,
    /// Whether it can be executed, before or after.
    pub executable: bool,
}

/// The client's folder in a project.
const CLIENT_FOLDER: &str = ".claude";

/// What is obeyed through a link as well.
const FOLLOWED: [Concern; 5] =
    [Concern::Agent, Concern::Git, Concern::Editor, Concern::Build, Concern::Pipeline];

/// The folders at the top of what the repository has committed.
pub type Places = BTreeSet<Vec<u8>>;

/// Says why a file needs a yes; `None` if it is plain source or text in a place of `places`.
pub fn concern(path: &RepoPath, shape: Shape, places: &Places) -> Option<Concern> {
    let names: Vec<String> = path.folded().collect();
    let (file, folders) = names.split_last()?;
    // A link in the place of the client's folder makes settings of what lies where it leads.
    if names::gives_rights(file, folders) || shape.link && file == CLIENT_FOLDER {
        return Some(Concern::Rights);
    }
    if shape.link {
        // The same of a folder of orders, hooks or tasks.
        return Some(
            names::known(file, folders).filter(|known| FOLLOWED.contains(known)).unwrap_or(Concern::Link),
        );
    }
    // A short name of Windows (`CLAUDE~1`) is another file's.
    let short =
        |name: &String| name.split('~').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if !path.is_portable() || names.iter().any(short) {
        return Some(names::known(file, folders).unwrap_or(Concern::Name));
    }
    if let Some(known) = names::known(file, folders) {
        return Some(known);
    }
    if names.iter().any(|name| name.starts_with('.')) {
        return Some(Concern::Hidden);
    }
    if shape.executable {
        return Some(Concern::Program);
    }
    let kind = ordinary::kind(file);
    if kind.is_some() {
        return kind;
    }
    let top = path.as_bytes().split(|byte| *byte == b'/').next().unwrap_or_default();
    (!folders.is_empty() && !places.contains(top)).then_some(Concern::Place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        ["src", "docs", "app", "tests", "test", "assets", "lib", "crates", "packages", "cmd", "web"]
            .map(|name| name.as_bytes().to_vec())
            .into()
    }

    fn of(path: &str) -> Option<Concern> {
        concern(&RepoPath::new(path.as_bytes()).expect("a fine path"), Shape::default(), &places())
    }

    #[test]
    fn what_runs_by_itself_is_of_concern_in_any_disguise() {
        for (path, expected) in [
            (".claude/settings.json", Concern::Rights),
            (".Claude/SETTINGS.local.json", Concern::Rights),
            ("sub/.claude./settings.json ", Concern::Rights),
            (".mcp.json", Concern::Rights),
            (".mc\u{200c}p.json", Concern::Rights),
            ("x/.mcp.json::$DATA", Concern::Rights),
            (".claude/agents/a.md", Concern::Agent),
            (".claude", Concern::Agent),
            ("docs/CLAUDE.md", Concern::Agent),
            ("docs/claude.md.", Concern::Agent),
            ("docs/AGENT\u{17f}.md", Concern::Agent),
            (".claude/\u{17f}ettings.json", Concern::Rights),
            ("src/\u{17f}etup.py", Concern::Build),
            ("con\u{fb01}g/x.py", Concern::Settings),
            ("docs/skills/x/notes.md", Concern::Agent),
            (".gitattributes", Concern::Git),
            ("sub/.gitmodules", Concern::Git),
            (".github/workflows/ci.yml", Concern::Pipeline),
            (".envrc", Concern::Editor),
            (".vscode/tasks.json", Concern::Editor),
            ("crates/a/build.rs", Concern::Build),
            ("Makefile", Concern::Build),
            ("vite.config.ts", Concern::Build),
            ("tests/conftest.py", Concern::Build),
            ("src/x.pth", Concern::Build),
            ("docs/run.sh", Concern::Program),
            ("src/data.json", Concern::Settings),
            (".new-tool/notes.md", Concern::Hidden),
            ("docs/CLAUD~1.MD", Concern::Name),
            ("docs/a\u{115f}.md", Concern::Name),
            ("docs/a:b.md", Concern::Name),
            ("src/thing", Concern::Unknown),
            ("src/thing.of-tomorrow", Concern::Unknown),
            ("elsewhere/x.rs", Concern::Place),
            ("Src/x.rs", Concern::Place),
        ] {
            assert_eq!(of(path), Some(expected), "{path:?}");
        }
    }

    #[test]
    fn source_and_text_where_the_repository_has_some_already_are_not() {
        for path in [
            "src/main.rs",
            "src/new/module.rs",
            "README.md",
            "LICENSE",
            "docs/guide.md",
            "docs/日本語.md",
            "app/models/user.rb",
            "app/config.rs",
            "test/test_x.py",
            "tests/it/build.py.md",
            "assets/logo.png",
            "web/index.html",
            "web/src/App.tsx",
            "web/src/setup.rs",
            "cmd/tool/main.go",
            "notes.txt",
            "package.json.md",
        ] {
            assert_eq!(of(path), None, "{path:?}");
        }
    }

    #[test]
    fn a_link_and_a_program_are_of_concern_whatever_their_name() {
        let path = RepoPath::new(b"src/main.rs").expect("a path");
        let link = Shape { link: true, ..Shape::default() };
        let program = Shape { executable: true, ..Shape::default() };
        assert_eq!(concern(&path, link, &places()), Some(Concern::Link));
        assert_eq!(concern(&path, program, &places()), Some(Concern::Program));
        let rights = RepoPath::new(b".mcp.json").expect("a path");
        assert_eq!(concern(&rights, link, &places()), Some(Concern::Rights));
        for folder in [".claude", "src/.Claude"] {
            let folder = RepoPath::new(folder.as_bytes()).expect("a path");
            assert_eq!(concern(&folder, link, &places()), Some(Concern::Rights), "{folder}");
        }
        for (path, known) in
            [(".claude/commands", Concern::Agent), (".husky", Concern::Git), (".vscode", Concern::Editor)]
        {
            let path = RepoPath::new(path.as_bytes()).expect("a path");
            assert_eq!(concern(&path, link, &places()), Some(known));
        }
    }
}
