//! The structure that `docs/architecture.md` promises: layers, and one owner per dependency.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Must;
use crate::support::project::files_below;

/// The layers from the bottom: a module uses those below its own layer, and none of its own.
const LAYERS: [&[&str]; 17] = [
    // Values, which are pure: the lower ones know nothing of the format, the upper ones speak of it.
    &["base"],
    &["json", "remap", "risk", "secrets", "settings"],
    &["manifest"],
    &["diff", "grants"],
    &["stored_patch"],
    &["sys"],
    // The edges.
    &["client", "context", "git", "store", "trust"],
    &["audit", "edits", "workspace"],
    &["redaction"],
    &["prune"],
    // The operations.
    &["capture", "compare", "transfer"],
    // A restore makes a safety snapshot first: it captures.
    &["restore"],
    &["doctor", "report", "space", "verify"],
    // What people see.
    &["view"],
    &["cli"],
    &["lib"],
    &["main"],
];

/// Which file or folder of `src` each dependency belongs to.
const OWNERS: &[(&str, &[&str])] = &[
    ("aho_corasick", &["remap", "secrets"]),
    ("anstream", &["cli/output/ui.rs", "cli/usage.rs"]),
    ("anstyle", &["cli/output/text.rs"]),
    ("blake3", &["base/digest.rs"]),
    ("chardetng", &["diff/charset.rs"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli/commands/completions.rs", "cli/completion.rs"]),
    ("clap_mangen", &["cli/commands/man.rs"]),
    ("data_encoding", &["doctor/media.rs", "report"]),
    ("directories", &["context.rs"]),
    ("encoding_rs", &["diff/charset.rs"]),
    ("encoding_rs_io", &["diff/charset.rs"]),
    ("flate2", &["secrets/dumps.rs"]),
    ("git2", &["git"]),
    ("gix_imara_diff", &["diff/window.rs"]),
    ("glob", &["git/nearby_work_trees.rs", "report/hiding.rs"]),
    ("libdeflater", &["report/chunks.rs"]),
    ("imagesize", &["doctor/media.rs"]),
    (
        "memchr",
        &[
            "capture/transcript.rs",
            "diff",
            "stored_patch/encoding.rs",
            "git/clean_filter.rs",
            "git/entries.rs",
            "git/merge.rs",
            "manifest/head.rs",
            "stored_patch/apply.rs",
            "stored_patch/make.rs",
            "remap",
            "restore/files/merge.rs",
            "secrets",
            "client",
            "doctor",
            "view/document.rs",
        ],
    ),
    ("nix", &["sys/process/mod.rs"]),
    ("nucleo_matcher", &["view/picker/matching.rs"]),
    ("ratatui", &["view"]),
    ("regex", &["secrets"]),
    ("regex_syntax", &["base/screen.rs"]),
    ("rustix", &["cli/output/pager.rs", "sys"]),
    ("sha1", &["base/digest.rs"]),
    ("sha2", &["base/digest.rs"]),
    ("signal_hook", &["sys/signals.rs"]),
    ("similar", &["stored_patch/make.rs"]),
    ("strsim", &["base/similar_names.rs"]),
    ("syntect", &["diff/syntax.rs"]),
    ("tempfile", &["sys/files.rs", "sys/users_files.rs"]),
    ("terminal_colorsaurus", &["cli/commands/diff/look.rs"]),
    ("time", &["base/timestamp.rs"]),
    ("tracing", &["base/monitor.rs", "git/command.rs"]),
    ("tracing_subscriber", &["cli/diagnostics.rs"]),
    ("two_face", &["diff/syntax.rs"]),
    ("unicode_normalization", &["report/spelled_names.rs"]),
    ("unicode_width", &["base/screen.rs"]),
    ("toml", &["settings.rs"]),
    ("uuid", &["base/ids.rs"]),
    ("zstd", &["base/compress.rs"]),
    // Not dependencies, but as good as some: only these files read the environment, and start programs.
    ("std::env", &["cli", "manifest/schema.rs", "report/schema.rs", "sys/environment.rs", "sys/programs.rs"]),
    ("std::process", &["cli", "git", "main.rs", "sys/process/macos.rs", "trust"]),
];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file, with its path below `src` and its code without tests and comments.
pub(crate) fn sources() -> Vec<(PathBuf, String)> {
    let src = top().join("src");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).must("a source file");
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        (path.strip_prefix(&src).must("a path below src").to_owned(), lines.join("\n"))
    };
    // The program of a page is no source of this one: it has tests of its own.
    let is_source = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    files_below(&src).into_iter().filter(is_source).map(read).collect()
}

/// The module of the library that a file belongs to.
fn module(path: &Path) -> String {
    let first = path.components().next().must("a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// The modules that a file names as `crate::MODULE`.
fn used(code: &str) -> BTreeSet<String> {
    let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    code.match_indices("crate::").map(|(at, found)| name(&code[at + found.len()..])).collect()
}

#[test]
fn no_module_uses_one_of_its_own_layer_or_a_higher_one() {
    for (path, code) in sources() {
        let own = module(&path);
        let Some(own_layer) = layer(&own) else {
            panic!("{} has no layer: add it to LAYERS", path.display())
        };
        for other in used(&code).into_iter().filter(|other| *other != own) {
            let Some(other_layer) = layer(&other) else { panic!("{}: no module {other}", path.display()) };
            assert!(other_layer < own_layer, "{} must not use crate::{other}", path.display());
        }
    }
}

#[test]
fn the_page_shows_the_layers_in_their_order() {
    let page = fs::read_to_string("docs/architecture.md").must("the page");
    let (_, table) = page.split_once("| layer | rooms |").must("the table of layers");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.split('|').nth(2).must("a cell of rooms"));
    let shown: Vec<Vec<&str>> = cells
        .flat_map(|cell| cell.split('›'))
        .map(|rooms| rooms.split('`').skip(1).step_by(2).collect())
        .collect();
    let without_programs = &LAYERS[..LAYERS.len() - 2];
    let layers: Vec<Vec<&str>> = without_programs.iter().rev().map(|rooms| rooms.to_vec()).collect();
    assert_eq!(shown, layers, "docs/architecture.md, from top to bottom");
}

#[test]
fn each_dependency_is_used_by_its_owner_only() {
    for (dependency, owners) in OWNERS {
        let mut is_used = false;
        for (path, code) in sources() {
            let named = format!("{dependency}::");
            let names = code.match_indices(&named).any(|(at, _)| {
                !code[..at]
                    .ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':')
            });
            let owns = owners.iter().any(|owner| path.starts_with(owner));
            assert!(!names || owns, "{} uses {dependency}, which belongs to {owners:?}", path.display());
            is_used |= names;
        }
        assert!(is_used, "nothing uses {dependency}");
    }
}

/// Who reads the clock that has a date; everything else is told the moment. (Whether a file changed right before it was read, only
/// whoever reads it can say.)
const CLOCKS: [&str; 4] = ["base/timestamp.rs", "cli/hook/mod.rs", "context.rs", "sys/work_tree/reading.rs"];

#[test]
fn the_clock_is_read_at_the_edge() {
    for (path, code) in sources() {
        let reads = ["SystemTime::now", "Timestamp::now"].iter().any(|way| code.contains(way));
        let may = CLOCKS.iter().any(|file| path == Path::new(file));
        assert!(!reads || may, "{} reads the clock: have it told the moment", path.display());
    }
}

/// What differs between systems, and the words that only those files may have in their code.
const SYSTEMS: [&str; 3] = ["sys/disk", "sys/process", "sys/scratch"];

#[test]
fn only_the_files_of_the_systems_know_which_systems_there_are() {
    // An address of a remote is refused if it leads through what a kernel shows, whatever the system.
    const NAMED: &[(&str, &str)] = &[("git/address.rs", "/proc")];
    const WORDS: [&str; 8] = [
        "target_os",
        "target_vendor",
        "target_family",
        "cfg(unix",
        "cfg(windows",
        "\"/proc",
        "/private/",
        // Waits for less than the disk itself on some of them: `sys::disk::flush`.
        ".sync_all(",
    ];
    for (path, code) in sources() {
        for word in WORDS.into_iter().filter(|word| code.contains(word)) {
            let named = NAMED.iter().any(|(file, known)| path == Path::new(file) && word.contains(known));
            let may = named || SYSTEMS.iter().any(|folder| path.starts_with(folder));
            assert!(may, "{} has `{word}`: what differs between systems is in {SYSTEMS:?}", path.display());
        }
    }
    for folder in SYSTEMS {
        for file in ["mod.rs", "linux.rs", "macos.rs"] {
            assert!(top().join("src").join(folder).join(file).is_file(), "{folder} has no {file}");
        }
    }
}

/// Who gets bytes to a terminal, a pipe or a client, and why what they write is safe there.
const WRITERS: &[(&str, &str)] = &[
    ("cli/output/progress_bar.rs", "the progress bar: words of this program and numbers"),
    ("cli/commands/completions.rs", "a script, made of this program's own words"),
    ("cli/diagnostics.rs", "lines of the log, each made safe"),
    ("cli/commands/diff/look.rs", "asks whether it is a terminal, and the terminal for its background"),
    ("cli/commands/diff/mod.rs", "asks whether it is a terminal"),
    ("cli/commands/diff/report.rs", "asks whether it is a terminal"),
    ("cli/commands/export.rs", "an exported snapshot: bytes, and never to a terminal"),
    ("cli/commands/man.rs", "a page, made of this program's own words"),
    (
        "cli/output/pager.rs",
        "diffs, which their painters make safe; a patch is raw for programs, and made safe for a terminal",
    ),
    ("cli/usage.rs", "help, made of this program's own words"),
    ("cli/commands/report/mod.rs", "a page or a note: bytes, a page never to a terminal"),
    ("cli/output/ui.rs", "everything else: takes text that escapes whatever it says, and JSON that does"),
    ("view/terminal.rs", "the screen of `snap view`, whose pen makes safe what it writes"),
];

/// Whose code has an escape sequence in it: two colour or move, four look for it in texts.
const ESCAPES: &[&str] = &[
    "secrets/triggers.rs",
    "cli/output/progress_bar.rs",
    "diff/patch_reader/hunk.rs",
    "diff/pen.rs",
    "diff/theme.rs",
    "diff/patch_reader/colors.rs",
    "diff/patch_reader/mod.rs",
    "remap/path_boundaries.rs",
    "secrets/rule_matching.rs",
    "secrets/views.rs",
    "report/spelled_names.rs",
];

#[test]
fn nothing_reaches_a_terminal_but_by_the_printer_and_those_named_here() {
    const WAYS: [&str; 10] = [
        "anstream::stdout",
        "anstream::stderr",
        "io::stdout",
        "io::stderr",
        "ui.output()",
        "println!",
        "print!",
        "eprint",
        "/dev/tty",
        "rustix::stdio",
    ];
    let named = |path: &Path| WRITERS.iter().any(|(writer, _)| path == Path::new(writer));
    for (path, code) in sources() {
        for way in WAYS.into_iter().filter(|way| code.contains(way)) {
            assert!(
                named(&path),
                "{} writes by {way}: name it in WRITERS, or let it use the printer",
                path.display()
            );
        }
        let escapes = ["\\x1b", "\\x1B", "\\u{1b}", "\\u{1B}"].iter().any(|escape| code.contains(escape));
        let may = ESCAPES.iter().any(|file| path == Path::new(file));
        assert!(!escapes || may, "{} has an escape sequence: use a Style", path.display());
    }
}

#[test]
fn every_dependency_has_an_owner() {
    let manifest = fs::read_to_string(top().join("Cargo.toml")).must("Cargo.toml");
    let section =
        manifest.split("[dependencies]\n").nth(1).must("a section").split("\n[").next().must("its end");
    // These two are the language that all values are written in.
    let common = ["serde", "serde_json"];
    for line in section.lines().filter(|line| !line.trim().is_empty()) {
        let name = line.split([' ', '=']).next().unwrap_or_default();
        let name = name.replace('-', "_");
        let owned = OWNERS.iter().any(|(dependency, _)| *dependency == name);
        assert!(owned || common.contains(&name.as_str()), "{name} has no owner: add it to OWNERS");
    }
}

/// Returns the first sentences of a file's header: what it owns.
fn owns(text: &str) -> String {
    let header = text.lines().map_while(|line| line.strip_prefix("//!"));
    let first = header.take_while(|line| !line.trim().is_empty()).map(str::trim);
    first.collect::<Vec<_>>().join(" ").trim_end_matches('.').replace('|', "\\|")
}

/// Returns the page that lists all source files, layer by layer, with the first lines of their headers.
fn code_map() -> String {
    let mut page = String::from(CODE_MAP);
    let all: Vec<PathBuf> = sources().into_iter().map(|(path, _)| path).collect();
    for layer in LAYERS {
        for room in layer {
            let mut files: Vec<&PathBuf> = all.iter().filter(|path| module(path) == *room).collect();
            // The room itself first, then what it is made of.
            files.sort_by_key(|path| (!path.ends_with("mod.rs") || path.components().count() > 2, *path));
            page.push_str(&format!("\n## {room}\n\n| file | owns |\n| --- | --- |\n"));
            for path in files {
                let text = fs::read_to_string(top().join("src").join(path)).must("a source file");
                page.push_str(&format!("| `{}` | {} |\n", path.display(), owns(&text)));
            }
        }
    }
    page
}

/// The beginning of that page.
const CODE_MAP: &str = "# Code map\n\nEvery source file and what it owns, from the lowest layer up. \
    [architecture.md](architecture.md) says how they work together.\n\nThis page is made of the files' own headers. \
    `SNAP_BLESS=1 cargo test golden` writes it again.\n";

#[test]
fn golden_map_of_the_code_is_what_the_files_say_of_themselves() {
    let path = top().join("docs/code-map.md");
    if std::env::var_os("SNAP_BLESS").is_some() {
        fs::write(&path, code_map()).must("docs/code-map.md");
    }
    let is = fs::read_to_string(&path).unwrap_or_default();
    assert!(is == code_map(), "docs/code-map.md is out of date: SNAP_BLESS=1 cargo test golden");
}

#[test]
fn every_file_says_what_it_owns() {
    let all = files_below(&top().join("src")).into_iter().chain(files_below(&top().join("tests")));
    for file in all {
        let header = match file.extension().and_then(|end| end.to_str()) {
            Some("rs") => "//! ",
            Some("sh") => "#!/bin/sh\n# ",
            _ => continue,
        };
        let text = fs::read_to_string(&file).must("a source file");
        assert!(text.starts_with(header), "{} has no header", file.display());
    }
}
