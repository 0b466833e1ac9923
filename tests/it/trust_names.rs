//! Which files of somebody else's snapshot take a question: everything but plain source and text where the repository has
//! some already. More than 250 names that tools run or obey, and a table of ordinary ones.

use std::fs;

use crate::support::Must;
use crate::support::project::{Project, Ran};
use crate::trust::typed_into;

/// What some tool runs or obeys for its name, its place or its kind.
const OBEYED: &str = "
    .devcontainer.json .helix/languages.toml .eslintrc.js .eslintrc.cjs eslint.config.mjs vite.config.mts next.config.mjs
    webpack.config.cjs .prettierrc.js .babelrc.js .stylelintrc.js .pnp.cjs .mise/config.toml mise.local.toml .config/mise/config.toml
    .pylintrc .rubocop.yml .irbrc Directory.Build.props Directory.Build.targets .mvn/extensions.xml .mvn/jvm.config
    gradle/wrapper/gradle-wrapper.properties project/plugins.sbt Taskfile.yaml lefthook.yaml .lefthook.yml devbox.json devenv.nix
    .travis.yml .drone.yml bitbucket-pipelines.yml .forgejo/workflows/a.yml .woodpecker.yml docker-compose.yml compose.yaml
    composer.json Vagrantfile Procfile gulpfile.js Gruntfile.js tasks.py manage.py SConstruct WORKSPACE BUILD.bazel MODULE.bazel
    Podfile .lvimrc .vimrc .nvim/init.lua x.sublime-project x.csproj usercustomize.py x.pth .windsurf/rules/a.md .clinerules
    .roo/mcp.json .aider.conf.yml .continue/config.yaml .kiro/steering/a.md .opencode/opencode.json opencode.json QWEN.md WARP.md
    .goosehints .rules .junie/guidelines.md .amazonq/rules/a.md .trae/rules/a.md .agents/a.md CONVENTIONS.md .envrc.local .bashrc
    .zshrc .profile .curlrc .netrc .yarn.lock pnpm-workspace.yaml .pnpmfile.mjs GNUmakefile.am CMakePresets.json .clangd .tmux.conf
    .sbtopts .jvmopts rebar.config nuget.config pip.conf uv.toml poetry.toml hatch.toml pytest.ini .mocharc.js karma.conf.js
    .husky.js wscript conanfile.py Guardfile .rspec .pryrc

    AGENTS.md src/AGENTS.md AGENTS.override.md crush.md CRUSH.md llms.txt docs/llms-full.txt docs/a.instructions.md docs/b.prompt.md
    docs/c.chatmode.md docs/prompts/a.md docs/skills/x/SKILL.md docs/commands/go.md .cursorignore .zed/settings.json .fleet/run.json
    .vs/launch.vs.json .idea/workspace.xml Foo.xcodeproj/project.pbxproj My.playground/Contents.swift src/Assets.workflow/document.txt
    Assets/Editor/Tool.cs startup.m startup.jl init.vim autoload/x.vim .exrc .dir-locals.el .ipynb_checkpoints/x.py a.ipynb
    jupyter_server_config.py ipython_config.py docs/conf.py gunicorn.conf.py celeryconfig.py alembic/env.py dodo.py pavement.py
    fabfile.py noxfile.py tests/conftest.py src/sitecustomize.py setup.py sub/setup.py hatch_build.py versioneer.py
    requirements.txt requirements-dev.txt requirements/base.txt constraints.txt dev-requirements.txt Pipfile Pipfile.lock poetry.lock
    uv.lock environment.yml tox.ini setup.cfg pyproject.toml pixi.toml .python-version runtime.txt MANIFEST.in .coveragerc mypy.ini
    package.json package-lock.json yarn.lock pnpm-lock.yaml bun.lockb deno.json deno.lock import_map.json tsconfig.json jsconfig.json
    babel.config.json jest.config.ts jest.setup.js vitest.workspace.ts src/setupTests.ts playwright.config.ts cypress.config.ts
    rollup.config.mjs webpack.mix.js webpack.dev.js metro.config.js truffle-config.js hardhat.config.ts knexfile.ts ecosystem.config.js
    dangerfile.ts plopfile.js ember-cli-build.js build.mjs install.js src/postinstall.js esbuild.mjs nx.json turbo.json lerna.json
    node_modules/x/index.js vendor/x/lib.go third_party/x.c .github/CODEOWNERS .github/dependabot.yml .github/actions/a/action.yml
    Gemfile Gemfile.lock gems.rb Rakefile lib/tasks/x.rake config.ru Capfile Thorfile spec/spec_helper.rb config/routes.rb x.gemspec
    Dangerfile Brewfile Steepfile test/test_helper.rb _plugins/x.rb
    Cargo.toml Cargo.lock build.rs .cargo/config.toml rust-toolchain clippy.toml rustfmt.toml deny.toml xtask/src/main.rs
    go.mod go.sum go.work magefile.go vendor/modules.txt .golangci.yml .goreleaser.yaml
    pom.xml build.gradle settings.gradle.kts gradlew gradlew.bat mvnw buildSrc/src/A.kt project/Build.scala build.sbt build.sc
    App.sln App.fsproj global.json Directory.Packages.props build.cake web.config x.rsp
    CMakeLists.txt cmake/x.cmake meson.build configure configure.ac Makefile.am src/rules.mk Kbuild Kconfig BUILD BUCK .bazelrc
    tools/x.bzl SConscript premake5.lua xmake.lua conanfile.txt vcpkg.json
    mix.exs config/dev.exs .formatter.exs rebar.lock Emakefile stack.yaml cabal.project x.cabal Setup.hs Shakefile.hs dune dune-project
    x.opam project.clj deps.edn user.clj data_readers.clj shadow-cljs.edn dub.json x.nimble config.nims build.zig build.zig.zon
    pubspec.yaml hook/build.dart analysis_options.yaml Package.swift Package.resolved Cartfile fastlane/Fastfile Project.toml deps/build.jl
    DESCRIPTION .Rprofile renv/activate.R _targets.R cpanfile Makefile.PL Build.PL composer.lock RoboFile.php rector.php phpunit.xml
    flake.nix flake.lock shell.nix default.nix Dockerfile dev.Dockerfile Containerfile docker-bake.hcl skaffold.yaml Tiltfile
    main.tf terraform.tfvars terragrunt.hcl Pulumi.yaml serverless.yml netlify.toml vercel.json fly.toml app.yaml cloudbuild.yaml
    Chart.yaml ansible.cfg playbook.yml inventory.ini Jenkinsfile appveyor.yml azure-pipelines.yml buildspec.yml .circleci/config.yml
    scripts/x.py script/tool ci/run.py hooks/pre-commit go.sh src/run.ps1 start.bat x.cmd x.desktop x.url x.lnk lib/x.so lib/x.dll x.jar
    x.pyc src/__pycache__/x.py x.wasm x.node .hidden src/.hidden.rs docs/.vitepress/theme.ts src/thing justfile Justfile
    gulpfile.babel.js gatsby-node.js sidebars.js src/jest-preset.js local_settings.py Package@swift-5.9.swift plugins.rb
    features/support/env.rb docs/memories/a.md output-styles/terse.md src/claude.txt docs/agents.rst hooks.json mcp.json
    src/Setup.lhs src/project.clj src/user.clj guix.scm app/manifest.scm lib/info.rkt Dangerfile.swift
    Makefile.local Dockerfile.dev .env.production latexmkrc Doxyfile sidebars.ts Caddyfile crontab app.service OWNERS CODEOWNERS
    docs/CLAUD~1.MD elsewhere/x.rs new/lib.py
";

/// What nobody wants to be asked about.
const ORDINARY: &str = "
    src/main.rs src/lib.rs src/new/module.rs src/config.rs src/build.py.md src/editor/mod.rs src/hooks/useThing.ts src/tasks/list.rs src/settings.rs src/setup.rs src/install.go src/tools/mod.rs app/project.rb
    docs/guide.md docs/new/chapter.md docs/image.png docs/index.rst app/models/user.rb app/views/user.html.erb app/user.go
    app/style.css app/Main.java app/main.kt app/View.swift app/x.c app/x.h app/x.cpp app/x.py app/x.php app/x.lua app/x.sql
    app/component.tsx app/component.test.tsx app/types.d.ts app/x.vue app/schema.proto app/schema.graphql test/test_x.py
    test/user_spec.rb test/x_test.go test/x.test.js assets/logo.png assets/font.woff2 assets/icon.svg README.md README LICENSE
    CHANGELOG.md CONTRIBUTING.md notes.txt main.py index.js main.go data.csv
";

fn names(list: &str) -> Vec<&str> {
    list.split_whitespace().collect()
}

/// A snapshot of somebody else with all of these files, a clone to restore it in, and where it is stored.
fn foreign(files: &[&str]) -> (Project, Project, String) {
    let project = Project::new();
    for place in ["src", "docs", "app", "test", "assets", "spec", "lib"] {
        project.write(format!("{place}/first.md"), "first\n");
    }
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "places"]);
    for file in files {
        // Some names stand for a file and for a folder.
        if !project.path(file).exists() {
            project.write(file, "theirs\n");
        }
    }
    project.snap(&["save", "x"]).exits(0);
    let store = project.stored("").to_str().must("UTF-8").to_owned();
    let other = project.cloned().of_another_user();
    (project, other, store)
}

fn is_set(project: &Project, name: &str) -> bool {
    fs::read(project.path(name)).is_ok_and(|content| content == b"theirs\n")
}

fn resumed(project: &Project, store: &str, more: &[&str]) -> Ran {
    let typed = ["resume", "x", "--trust", "--no-session", "--no-run", "--store", store];
    project.snap(&[&typed[..], more].concat())
}

#[test]
fn nothing_that_a_tool_runs_or_obeys_is_set_without_a_yes() {
    let obeyed = names(OBEYED);
    assert!(obeyed.len() > 250, "{}", obeyed.len());
    let (_theirs, other, store) = foreign(&[&obeyed[..], &names(ORDINARY)].concat());
    let ran = resumed(&other, &store, &["--no-input"]).exits(6);
    let set: Vec<&&str> = obeyed.iter().filter(|name| is_set(&other, name)).collect();
    assert!(set.is_empty(), "set unasked: {set:?}");
    let missing: Vec<&str> = names(ORDINARY).into_iter().filter(|name| !is_set(&other, name)).collect();
    assert!(missing.is_empty(), "not set: {missing:?}");
    // Said in a few lines, however many they are.
    let held = ran.stderr.lines().filter(|line| line.contains("held back:")).count();
    assert!((5..60).contains(&held), "{held}: {}", ran.stderr);
    for word in ["`--allow-kind build` sets them all", "and ", " more (", "held back: "] {
        assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
    }
    // A kind, then all of them.
    let ran = resumed(&other, &store, &["--allow-kind", "agent", "--allow-kind", "pipeline", "--no-input"])
        .exits(6);
    assert!(
        is_set(&other, "AGENTS.md") && is_set(&other, ".travis.yml") && !is_set(&other, "Cargo.toml"),
        "{ran:?}"
    );
    let ran = resumed(&other, &store, &["--allow-kind", "all", "--no-input"]).exits(0);
    let missing: Vec<&&str> =
        obeyed.iter().filter(|name| !is_set(&other, name) && !other.path(name).is_dir()).collect();
    assert!(missing.is_empty(), "not set: {missing:?}: {ran:?}");
}

#[test]
fn ordinary_files_are_set_without_a_question() {
    let ordinary = names(ORDINARY);
    let (_theirs, other, store) = foreign(&ordinary);
    let typed = ["resume", "x", "--trust", "--no-session", "--no-run", "--color", "never", "--store", &store];
    let (code, said) = typed_into(&mut other.command(other.root(), &typed), "");
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("[d]iff") && !said.contains("careful"), "{said}");
    assert!(ordinary.iter().all(|name| is_set(&other, name)), "{said}");
}

#[test]
fn a_plan_is_shown_once_whatever_of_it_is_agreed_to() {
    let shown = |files: &[&str], typed: &str| {
        let (_theirs, other, store) = foreign(files);
        let command =
            ["resume", "x", "--no-session", "--no-run", "--offline", "--color", "never", "--store", &store];
        let (_, said) = typed_into(&mut other.command(other.root(), &command), typed);
        assert!(is_set(&other, "src/main.rs"), "{said}");
        said.matches("create  src/main.rs").count()
    };
    assert_eq!(shown(&["src/main.rs", "src/lib.rs"], "y\n"), 1);
    assert_eq!(shown(&["src/main.rs", "Makefile"], "y\nn\n"), 1);
}

#[test]
fn a_question_is_asked_again_until_it_is_answered_and_shows_the_diff() {
    let files = ["Makefile", "Cargo.toml", "package.json", "src/x.rs"];
    let typed = |store: &str| -> Vec<String> {
        let typed =
            ["resume", "x", "--trust", "--no-session", "--no-run", "--color", "never", "--store", store];
        typed.map(str::to_owned).to_vec()
    };
    for (answers, set) in [
        ("y\n", true),
        ("YES\n", true),
        ("what\nye\n1\ny\n", true),
        ("d\nd\ny\n", true),
        ("diff\nn\n", false),
        ("\n", false),
        ("no\n", false),
        ("maybe\nn\n", false),
        // The end of input.
        ("\u{4}", false),
        ("what\n\u{4}", false),
    ] {
        let (_theirs, other, store) = foreign(&files);
        other.write("Makefile", "mine\n");
        other.git(&["add", "Makefile"]);
        other.git(&["commit", "-qm", "mine"]);
        fs::remove_file(other.path("Makefile")).must("to remove");
        other.git(&["rm", "-q", "--cached", "Makefile"]);
        other.git(&["commit", "-qm", "gone"]);
        let store = typed(&store);
        let arguments: Vec<&str> = store.iter().map(String::as_str).collect();
        let mut command = other.command(other.root(), &arguments);
        command.env("SNAP_PAGER", "cat");
        let (code, said) = typed_into(&mut command, answers);
        assert_eq!(code, if set { 0 } else { 6 }, "{answers:?}: {said}");
        assert_eq!(is_set(&other, "Makefile"), set, "{answers:?}: {said}");
        assert_eq!(is_set(&other, "package.json"), set, "{answers:?}: {said}");
        assert!(is_set(&other, "src/x.rs"), "{answers:?}: {said}");
        let asked = said.matches("Restore these 3? [y]es, [N]o, [d]iff").count();
        let lines = answers.chars().filter(|c| "\n\u{4}".contains(*c)).count();
        assert_eq!(asked, lines, "{answers:?}: {said}");
        let diffs = answers.lines().filter(|line| line.starts_with('d')).count();
        assert_eq!(
            said.matches("+theirs").count() + said.matches("theirs\r\n").count() > 0,
            diffs > 0,
            "{answers:?}: {said}"
        );
    }
}

#[test]
fn an_executable_a_new_mode_and_a_link_take_a_yes_whatever_their_name() {
    let project = Project::new();
    project.write("src/tool.py", "first\n");
    project.write("src/was.py", "first\n");
    project.make_executable("src/was.py");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "tools"]);
    project.make_executable("src/tool.py");
    project.write("src/was.py", "theirs\n");
    project.write("src/new.py", "theirs\n");
    project.make_executable("src/new.py");
    std::os::unix::fs::symlink("main.rs", project.path("src/link.rs")).must("a link");
    project.snap(&["save", "x"]).exits(0);
    let store = project.stored("").to_str().must("UTF-8").to_owned();
    let other = project.cloned().of_another_user();
    let before = other.state();
    resumed(&other, &store, &["--no-input"]).exits(6).says(&[
        "held back: src/link.rs is a link to main.rs",
        "held back: src/new.py is or becomes a program",
        "held back: src/tool.py",
        "held back: src/was.py",
    ]);
    assert_eq!(other.state(), before);
    resumed(&other, &store, &["--allow-kind", "link", "--allow-kind", "program", "--no-input"]).exits(0);
    assert!(other.path("src/link.rs").is_symlink() && is_set(&other, "src/was.py"));
    resumed(&other, &store, &["--allow-kind", "rights"]).exits(2).says(&["agent", "all"]);
}

#[test]
fn a_strangers_mark_that_hides_edits_from_git_takes_a_yes() {
    let project = Project::new();
    project.write("src/main.rs", "first\n");
    project.write("src/lib.rs", "first\n");
    project.write("Makefile", "first\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "places"]);
    project.git(&["update-index", "--skip-worktree", "src/main.rs"]);
    project.git(&["update-index", "--assume-unchanged", "src/lib.rs", "Makefile"]);
    for file in ["src/main.rs", "Makefile"] {
        project.write(file, "theirs\n");
    }
    project.snap(&["save", "x"]).exits(0);
    let store = project.stored("").to_str().must("UTF-8").to_owned();
    let marked = |command: &str, more: &[&str]| {
        let other = project.cloned().of_another_user();
        let typed = [command, "x", "--trust", "--no-input", "--no-session", "--no-run", "--store", &store];
        let ran = other.snap(&[&typed[..], more].concat());
        let marks = other.git(&["ls-files", "-v"]);
        let marks =
            marks.lines().filter(|line| !line.starts_with("H ")).map(str::to_owned).collect::<Vec<_>>();
        (marks, is_set(&other, "src/main.rs"), is_set(&other, "Makefile"), ran)
    };
    for command in ["resume", "rewind"] {
        let (marks, main, build, ran) = marked(command, &[]);
        assert_eq!((marks, main, build), (vec![], false, false), "{command}");
        ran.exits(6).says(&["src/main.rs", "hidden from git", "`--allow"]);
        // What is asked about for its name too takes both.
        let (marks, main, build, _) = marked(command, &["--allow-kind", "git"]);
        assert!(main && !build && marks.contains(&"S src/main.rs".to_owned()), "{command}: {marks:?}");
        let (_, _, build, _) = marked(command, &["--allow-kind", "build"]);
        assert!(!build, "{command}");
        let (marks, main, build, ran) = marked(command, &["--allow-kind", "git", "--allow-kind", "build"]);
        assert!(main && build && marks.contains(&"h Makefile".to_owned()), "{command}: {marks:?}");
        ran.exits(0).says(&["src/main.rs  +1 -1, hidden from git"]);
    }
}
