//! Files that a tool runs or obeys by itself: what a snapshot from somebody else must not set unasked.
//!
//! Owns the list. It is no list of everything that can run code (any source file can, once it
//! is built), but of what runs or gives rights without anybody starting it on purpose. Names
//! are compared as the most forgiving file system would: case, disguises and all. Pure.

use crate::paths::RepoPath;

/// Why a file is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// Gives the agent rights or starts programs for it: never set by somebody else's snapshot.
    Rights,
    /// Tells an agent what to do.
    Agent,
    /// Changes what git does.
    Git,
    /// Is run or read by an editor or a shell that enters the folder.
    Editor,
    /// Is run by a build, a test or an installation.
    Build,
    /// Is run by a service.
    Pipeline,
}

impl Concern {
    /// Says what the file does, to stand behind its name.
    pub fn says(self) -> &'static str {
        match self {
            Concern::Rights => "can give the agent rights or start programs",
            Concern::Agent => "tells an agent what to do",
            Concern::Git => "changes what git does",
            Concern::Editor => "is run or read by a shell or an editor that enters the folder",
            Concern::Build => "is run by a build, a test or an installation",
            Concern::Pipeline => "is run by a service",
        }
    }
}

/// Folders all of whose content is of concern.
const FOLDERS: [(&str, Concern); 17] = [
    (".claude", Concern::Agent),
    (".claude-plugin", Concern::Agent),
    (".cursor", Concern::Agent),
    (".codex", Concern::Agent),
    (".gemini", Concern::Agent),
    (".vscode", Concern::Editor),
    (".idea", Concern::Editor),
    (".zed", Concern::Editor),
    (".devcontainer", Concern::Editor),
    (".husky", Concern::Git),
    (".githooks", Concern::Git),
    (".jj", Concern::Git),
    (".hg", Concern::Git),
    (".cargo", Concern::Build),
    (".yarn", Concern::Build),
    (".circleci", Concern::Pipeline),
    (".buildkite", Concern::Pipeline),
];

/// Files of concern, wherever they are.
const FILES: [(&str, Concern); 62] = [
    ("claude.md", Concern::Agent),
    ("claude.local.md", Concern::Agent),
    ("agents.md", Concern::Agent),
    ("gemini.md", Concern::Agent),
    (".cursorrules", Concern::Agent),
    (".windsurfrules", Concern::Agent),
    ("copilot-instructions.md", Concern::Agent),
    (".envrc", Concern::Editor),
    (".env", Concern::Editor),
    (".tool-versions", Concern::Editor),
    ("mise.toml", Concern::Editor),
    (".mise.toml", Concern::Editor),
    (".editorconfig", Concern::Editor),
    (".exrc", Concern::Editor),
    (".nvimrc", Concern::Editor),
    (".nvim.lua", Concern::Editor),
    (".dir-locals.el", Concern::Editor),
    (".pre-commit-config.yaml", Concern::Git),
    ("lefthook.yml", Concern::Git),
    ("build.rs", Concern::Build),
    ("cargo.toml", Concern::Build),
    ("rust-toolchain", Concern::Build),
    ("rust-toolchain.toml", Concern::Build),
    ("makefile", Concern::Build),
    ("gnumakefile", Concern::Build),
    ("justfile", Concern::Build),
    ("rakefile", Concern::Build),
    ("gemfile", Concern::Build),
    ("taskfile.yml", Concern::Build),
    ("cmakelists.txt", Concern::Build),
    ("meson.build", Concern::Build),
    ("configure", Concern::Build),
    ("package.json", Concern::Build),
    (".npmrc", Concern::Build),
    (".yarnrc", Concern::Build),
    (".yarnrc.yml", Concern::Build),
    (".pnpmfile.cjs", Concern::Build),
    ("bunfig.toml", Concern::Build),
    ("setup.py", Concern::Build),
    ("setup.cfg", Concern::Build),
    ("pyproject.toml", Concern::Build),
    ("conftest.py", Concern::Build),
    ("noxfile.py", Concern::Build),
    ("tox.ini", Concern::Build),
    ("sitecustomize.py", Concern::Build),
    ("build.gradle", Concern::Build),
    ("build.gradle.kts", Concern::Build),
    ("settings.gradle", Concern::Build),
    ("settings.gradle.kts", Concern::Build),
    ("gradlew", Concern::Build),
    ("mvnw", Concern::Build),
    ("pom.xml", Concern::Build),
    ("build.sbt", Concern::Build),
    ("mix.exs", Concern::Build),
    ("flake.nix", Concern::Build),
    ("shell.nix", Concern::Build),
    ("default.nix", Concern::Build),
    (".bazelrc", Concern::Build),
    ("dockerfile", Concern::Build),
    ("jenkinsfile", Concern::Pipeline),
    (".gitlab-ci.yml", Concern::Pipeline),
    ("azure-pipelines.yml", Concern::Pipeline),
];

/// Endings of names of concern.
const ENDINGS: [(&str, Concern); 4] = [
    (".code-workspace", Concern::Editor),
    (".mk", Concern::Build),
    (".config.js", Concern::Build),
    (".config.ts", Concern::Build),
];

/// Says why a file is of concern; `None` if it is not.
pub fn concern(path: &RepoPath) -> Option<Concern> {
    let names: Vec<String> = path.folded().collect();
    let (file, folders) = names.split_last()?;
    let in_claude = folders.last().is_some_and(|folder| folder == ".claude");
    let settings = file.starts_with("settings") && file.contains(".json");
    if *file == ".mcp.json" || in_claude && settings || *file == ".claude.json" {
        return Some(Concern::Rights);
    }
    // A file may stand where the folder is looked for: a link is one.
    let folder = names.iter().find_map(|name| FOLDERS.iter().find(|(folder, _)| folder == name));
    let listed = || FILES.iter().find(|(name, _)| name == file);
    let ending = || ENDINGS.iter().find(|(end, _)| file.ends_with(end));
    let found =
        folder.or_else(listed).map(|(_, concern)| *concern).or_else(|| ending().map(|(_, concern)| *concern));
    if found.is_some() {
        return found;
    }
    let in_github = |below: &str| names.windows(2).any(|pair| pair[0] == ".github" && pair[1] == below);
    if in_github("workflows") || in_github("actions") {
        return Some(Concern::Pipeline);
    }
    (file.starts_with(".git") && *file != ".github").then_some(Concern::Git)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Option<Concern> {
        concern(&RepoPath::new(path.as_bytes()).expect("a fine path"))
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
            (".gitattributes", Concern::Git),
            ("sub/.gitmodules", Concern::Git),
            (".github/workflows/ci.yml", Concern::Pipeline),
            (".envrc", Concern::Editor),
            (".vscode/tasks.json", Concern::Editor),
            ("crates/a/build.rs", Concern::Build),
            ("Makefile", Concern::Build),
            ("vite.config.ts", Concern::Build),
        ] {
            assert_eq!(of(path), Some(expected), "{path:?}");
        }
    }

    #[test]
    fn ordinary_files_are_not() {
        for path in
            ["src/main.rs", "README.md", "a/claude/settings.json", ".github/CODEOWNERS", "package.json.md"]
        {
            assert_eq!(of(path), None, "{path:?}");
        }
    }
}
