//! Files that some tool runs or obeys because of their name or place, although they may be source or text.

use super::Concern;
use super::ordinary::is_script;

/// Says whether a file gives the agent rights: a settings file of the client, or a list of servers that it starts.
pub(super) fn gives_rights(file: &str, folders: &[String]) -> bool {
    let in_claude = folders.last().is_some_and(|folder| folder == ".claude");
    let settings = file.starts_with("settings") && file.contains(".json");
    file == ".mcp.json" || in_claude && settings || file == ".claude.json"
}

/// Folders all of whose content is of concern, wherever they are.
const FOLDERS: [(Concern, &str); 6] = [
    (
        Concern::Agent,
        ".claude .claude-plugin .cursor .codex .gemini .agents .agent .aider .amazonq .augment .clinerules .cline .continue
         .goose .junie .kiro .opencode .qwen .roo .rules .trae .windsurf .zencoder memory-bank",
    ),
    (Concern::Editor, ".vscode .idea .zed .devcontainer .helix .nvim .fleet .vs .eclipse .settings"),
    (Concern::Git, ".husky .githooks .jj .hg .lefthook githooks"),
    (
        Concern::Build,
        ".cargo .yarn .mvn .mise .gradle .bundle .config .pnpm .bazel .nix buildsrc build-logic node_modules
         bower_components vendor third_party site-packages dist-packages __pycache__ __pypackages__ pods carthage
         _plugins addons",
    ),
    (Concern::Pipeline, ".circleci .buildkite .forgejo .gitea .woodpecker .drone .tekton .semaphore .teamcity .azuredevops"),
    (Concern::Program, "cgi-bin sbin libexec"),
];

/// The same, at the top of a project only: elsewhere they are usual names of modules.
const TOP_FOLDERS: [(Concern, &str); 3] = [
    (Concern::Git, "hooks"),
    (
        Concern::Build,
        "ci scripts script bin build cmake gradle m4 project tasks requirements magefiles tool tools hook renv autoload
         plugin ftplugin venv env virtualenv deps dist out target xtask",
    ),
    (Concern::Settings, "config conf etc settings"),
];

/// Endings of names of folders that are opened as one thing.
const BUNDLES: &str = "app bundle framework playground xcodeproj xcworkspace workflow scptd plugin kext";

/// Files of concern, wherever they are.
const FILES: [(Concern, &str); 5] = [
    (
        Concern::Agent,
        ".cursorrules .cursorignore .windsurfrules .clinerules .goosehints .roorules .rules .aider.conf.yml
         opencode.json crush.json",
    ),
    (
        Concern::Editor,
        ".envrc .env .tool-versions mise.toml .mise.toml mise.local.toml .editorconfig .exrc .nvimrc .vimrc .lvimrc
         .nvim.lua .dir-locals.el .clangd .tmux.conf .bashrc .zshrc .profile .autoenv .in .out",
    ),
    (Concern::Git, ".pre-commit-config.yaml lefthook.yml lefthook.yaml .lefthook.yml .mailmap"),
    (
        Concern::Build,
        "build.rs build.zig cargo.toml rust-toolchain rust-toolchain.toml makefile gnumakefile justfile rakefile gemfile gems.rb
         taskfile.yml taskfile.yaml cmakelists.txt meson.build meson_options.txt configure package.json package.swift
         project.swift .npmrc .yarnrc .yarnrc.yml .pnpmfile.cjs bunfig.toml deno.json setup.cfg pyproject.toml tox.ini
         pytest.ini sitecustomize.py usercustomize.py gradlew mvnw pom.xml mix.exs .formatter.exs config.exs runtime.exs
         flake.nix shell.nix default.nix devenv.nix .bazelrc dockerfile containerfile docker-compose.yml compose.yaml
         vagrantfile procfile setup.hs setup.lhs shakefile.hs build.hs setup.ml myocamlbuild.ml magefile.go makefile.pl build.pl
         conanfile.txt runtime.txt composer.json go.mod module-info.java robofile.php rector.php ecs.php castor.php
         data_readers.clj build.clj project.clj user.clj guix.scm manifest.scm info.rkt dangerfile.swift _targets.r setup.r conf.py gems.locked _virtualenv.py packages.txt apt.txt",
    ),
    (
        Concern::Pipeline,
        "jenkinsfile .gitlab-ci.yml azure-pipelines.yml .travis.yml .drone.yml .woodpecker.yml bitbucket-pipelines.yml
         appveyor.yml cloudbuild.yaml buildspec.yml netlify.toml vercel.json codemagic.yaml",
    ),
];

/// Texts that an agent takes for orders, in any form of text.
const AGENT_TEXTS: &str = "
    claude claude.local agents agent agents.local agents.override gemini qwen warp crush codex cursor windsurf cline
    aider amp kiro devin jules junie opencode openhands replit copilot-instructions conventions skill memory
    instructions prompt system soul identity heartbeat bugbot firebender rules llms llms-full persona playbook
";

/// Scripts that a tool runs because of their name, wherever they are, in any language that is not built
/// first.
const SCRIPTS: &str = "
    setup install preinstall postinstall configure build bootstrap prepare conftest noxfile fabfile conanfile pavement
    versioneer ez_setup hatch_build locustfile wscript gulpfile gruntfile jakefile cakefile brocfile knexfile plopfile
    dangerfile rakefile gemfile guardfile capfile thorfile podfile fastfile appraisals xmake premake4 premake5
    spec_helper rails_helper test_helper wallaby testem protractor newrelic instrumentation pnpmfile ember-cli-build
    rprofile artisan env gatsby-node gatsby-browser gatsby-ssr sidebars plugins nightwatch backstop
";

/// The same, at the top of a project only: elsewhere they are usual names of modules.
const AT_THE_TOP: &str =
    "tasks manage dodo deploy release publish startup finish user project make default bake esbuild seed";

/// Tools whose scripts begin with their name: `webpack.dev.js`.
const TOOLS: &str = "
    webpack rollup vite vitest esbuild rspack parcel snowpack karma cypress playwright babel jest nuxt next eslint
    prettier stylelint postcss tailwind svelte astro nodemon mocha lerna nx turbo metro gatsby-config commitlint
    lint-staged release semantic-release tsup unbuild truffle truffle-config hardhat ormconfig ecosystem typedoc
    storybook rsbuild wxt uno
";

/// Endings of names of concern.
const ENDINGS: [(&str, Concern); 12] = [
    (".code-workspace", Concern::Editor),
    (".sublime-project", Concern::Editor),
    (".sublime-workspace", Concern::Editor),
    (".instructions.md", Concern::Agent),
    (".prompt.md", Concern::Agent),
    (".chatmode.md", Concern::Agent),
    (".agent.md", Concern::Agent),
    (".rules.md", Concern::Agent),
    (".mdc", Concern::Agent),
    ("requirements.txt", Concern::Build),
    ("constraints.txt", Concern::Build),
    (".gradle.kts", Concern::Build),
];

/// Folders whose texts are orders to an agent.
const ORDERS: &str = "
    agents skills commands prompts rules steering instructions chatmodes workflows subagents output-styles personas droids
    memories memory playbooks
";

/// Says why a file of this (folded) name, in these folders, is of concern.
pub(super) fn known(file: &str, folders: &[String]) -> Option<Concern> {
    let is_of = |list: &str, word: &str| list.split_whitespace().any(|one| one == word);
    let find = |lists: &[(Concern, &str)], name: &str| {
        lists.iter().find(|(_, list)| is_of(list, name)).map(|(concern, _)| *concern)
    };
    // A file may stand where the folder is looked for: a link is one.
    let dotted = file.starts_with('.').then_some(file);
    let places = folders.iter().map(String::as_str);
    let folder = places.clone().chain(dotted).find_map(|name| find(&FOLDERS, name));
    let top = folders.first().and_then(|name| find(&TOP_FOLDERS, name));
    // The editor of Unity runs what lies there.
    let unity =
        folders.first().is_some_and(|top| top == "assets") && places.clone().any(|name| name == "editor");
    let in_github = |below: &str| folders.windows(2).any(|pair| pair[0] == ".github" && pair[1] == below);
    let ending = || ENDINGS.iter().find(|(end, _)| file.ends_with(end)).map(|(_, concern)| *concern);
    let bundle = || {
        let is_one = |name: &str| name.rsplit_once('.').is_some_and(|(_, end)| is_of(BUNDLES, end));
        places.clone().any(is_one).then_some(Concern::Build)
    };
    let pipeline = || (in_github("workflows") || in_github("actions")).then_some(Concern::Pipeline);
    let git = || (file.starts_with(".git") && file != ".github").then_some(Concern::Git);
    find(&FILES, file)
        .or_else(pipeline)
        .or(folder)
        .or(unity.then_some(Concern::Editor))
        .or_else(ending)
        .or_else(|| order(file, folders, is_of))
        .or_else(|| script(file, folders, is_of))
        .or_else(|| listed_requirements(file))
        .or_else(bundle)
        .or(top)
        .or_else(git)
}

fn order(file: &str, folders: &[String], is_of: impl Fn(&str, &str) -> bool) -> Option<Concern> {
    let (stem, end) = file.rsplit_once('.')?;
    let is_text = matches!(end, "md" | "mdx" | "mdc" | "txt" | "markdown" | "rst" | "adoc" | "org");
    let orders = is_of(AGENT_TEXTS, stem) || folders.iter().any(|folder| is_of(ORDERS, folder));
    (is_text && orders).then_some(Concern::Agent)
}

fn script(file: &str, folders: &[String], is_of: impl Fn(&str, &str) -> bool) -> Option<Concern> {
    let (stem, end) = file.rsplit_once('.')?;
    // One for each version of the language: `Package@swift-5.9.swift`.
    if file.starts_with("package@") {
        return Some(Concern::Build);
    }
    if !is_script(end) {
        return None;
    }
    let first = stem.split('.').next().unwrap_or_default();
    let says = |part: &str| {
        let words = ["config", "conf", "setup", "teardown", "setuptests", "settings", "preset"];
        words.iter().any(|word| part.ends_with(word))
            || matches!(part, "workspace" | "rc" | "options" | "mix")
    };
    let is_one = is_of(SCRIPTS, stem)
        || is_of(SCRIPTS, first)
        || folders.is_empty() && is_of(AT_THE_TOP, stem)
        || is_of(TOOLS, first)
        || stem.split('.').any(says);
    is_one.then_some(Concern::Build)
}

/// `requirements-dev.txt`, `constraints_3.12.txt` and the like.
fn listed_requirements(file: &str) -> Option<Concern> {
    let is_text = file.ends_with(".txt") || file.ends_with(".in");
    let names = ["requirements", "constraints", "dependencies", "packages"];
    (is_text && names.iter().any(|name| file.contains(name))).then_some(Concern::Build)
}
