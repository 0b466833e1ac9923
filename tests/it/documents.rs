//! What the documents refer to exists: links, headings, files, tests, exit codes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use claude_snap::base::error::Kind;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::support::Must;
use crate::support::project::files_below;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a document refers to, and what can be referred to in it.
#[derive(Default)]
struct Document {
    /// Where links lead.
    links: Vec<String>,
    /// The anchors of its headings.
    anchors: BTreeSet<String>,
    /// What stands between backticks.
    code: Vec<String>,
}

impl Document {
    fn read(path: &Path) -> Document {
        let text = fs::read_to_string(path).must("a document");
        let mut document = Document::default();
        let mut heading = None;
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    document.anchors.extend(heading.take().map(|text| anchor(&text)));
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.into_string());
                }
                Event::Text(text) => {
                    heading.iter_mut().for_each(|heading| heading.push_str(&text));
                }
                Event::Code(code) => {
                    heading.iter_mut().for_each(|heading| heading.push_str(&code));
                    document.code.push(code.into_string());
                }
                _ => {}
            }
        }
        document
    }
}

/// The anchor that a heading gets on the host of the repository.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().chars().map(|c| if c == ' ' { '-' } else { c }).collect::<String>();
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

/// The documents, by their paths.
pub(crate) fn documents() -> Vec<PathBuf> {
    let named = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "fixtures/README.md"];
    let in_docs = files_below(&top().join("docs"));
    let in_docs = in_docs.into_iter().filter(|path| path.extension().is_some_and(|end| end == "md"));
    named.iter().map(|name| top().join(name)).chain(in_docs).collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(top()).unwrap_or(path).display().to_string()
}

#[test]
fn every_link_leads_to_a_file_that_exists_and_to_a_heading_in_it() {
    let mut wrong = Vec::new();
    let mut followed = 0;
    for path in documents() {
        for link in Document::read(&path).links {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { path.clone() } else { path.with_file_name("").join(file) };
            let has = |heading: &str| Document::read(&target).anchors.contains(heading);
            if !target.exists() || !heading.is_empty() && !has(heading) {
                wrong.push(format!("{}: {link}", shown(&path)));
            }
        }
    }
    assert!(followed > 50, "{followed} links");
    assert_eq!(wrong, Vec::<String>::new(), "these links lead nowhere");
}

/// The folders of this repository that documents name files of.
const FOLDERS: [&str; 10] = [
    "src/",
    "tests/",
    "docs/",
    "fixtures/",
    "benches/",
    "fuzz/",
    ".ci/",
    ".github/",
    ".gitlab/",
    ".claude/plugins/",
];

/// What only looks like one of those.
const EXAMPLES: [&str; 2] = ["ext::", "fixtures/store-NEW"];

/// Says what is wrong with one thing between backticks, if it names a file or a test of this repository.
fn fault(code: &str, files: &[PathBuf]) -> Option<String> {
    let word = code.split_whitespace().next()?;
    if EXAMPLES.contains(&word) || word.contains(['*', '<', '…', '(']) {
        return None;
    }
    if FOLDERS.iter().any(|folder| word.starts_with(folder)) {
        return (!top().join(word).exists()).then(|| format!("no file {word}"));
    }
    if word.ends_with(".rs") && word.chars().all(|c| c.is_ascii_alphanumeric() || "._/".contains(c)) {
        let is_there = files.iter().any(|file| file.ends_with(word));
        return (!is_there).then(|| format!("no file {word}"));
    }
    let (module, test) = word.split_once("::")?;
    let folder = top().join("tests/it");
    let (file, inside) = (folder.join(format!("{module}.rs")), folder.join(module));
    if !file.exists() && !inside.exists() {
        // Something else than a module of the tests, such as a path of the language.
        return word.ends_with("::").then(|| format!("no module {word}"));
    }
    let sources = if file.exists() { vec![file] } else { files_below(&inside) };
    let names = |source: &PathBuf| {
        let text = fs::read_to_string(source).must("a test");
        let is_module = source.file_stem().is_some_and(|stem| stem == test);
        is_module || text.contains(&format!("fn {test}"))
    };
    (!sources.iter().any(names)).then(|| format!("no test {word}"))
}

#[test]
fn every_file_and_test_that_a_document_names_exists() {
    let folders = ["src", "tests"].map(|folder| files_below(&top().join(folder)));
    let files = folders.concat();
    let mut wrong = BTreeSet::new();
    // The changelog tells of what was, too.
    for path in documents().into_iter().filter(|path| !path.ends_with("CHANGELOG.md")) {
        let document = Document::read(&path);
        let faults = document.code.iter().filter_map(|code| fault(code, &files));
        wrong.extend(faults.map(|fault| format!("{}: {fault}", shown(&path))));
    }
    assert_eq!(wrong, BTreeSet::new());
}

#[test]
fn what_does_not_exist_is_found() {
    let files = files_below(&top().join("src"));
    for (code, is_wrong) in [
        ("src/main.rs", false),
        ("src/nothing.rs", true),
        ("tests/it/documents.rs", false),
        ("tests/it/nothing.rs --long", true),
        ("error.rs", false),
        ("nothing.rs", true),
        ("documents::what_does_not", false),
        ("documents::nothing", true),
        ("nothing::", true),
        ("std::fs", false),
        ("Edit(src/**)", false),
    ] {
        assert_eq!(fault(code, &files).is_some(), is_wrong, "{code}");
    }
    assert_eq!(anchor("What is a store, and what is `refused`?"), "what-is-a-store-and-what-is-refused");
}

#[test]
fn the_page_of_exit_codes_has_them_all() {
    let kinds = [
        Kind::Usage,
        Kind::NotFound,
        Kind::Ambiguous,
        Kind::Refused,
        Kind::Conflict,
        Kind::Damaged,
        Kind::NewerFormat,
        Kind::Environment,
        Kind::Busy,
        Kind::ClosedPipe,
        Kind::Bug,
    ];
    // What is no error: done, differences, done in part, left without a choice.
    let all: BTreeSet<u8> = kinds.into_iter().map(Kind::exit_code).chain([0, 1, 6, 130]).collect();
    let page = fs::read_to_string(top().join("docs/exit-codes.md")).must("the page");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok());
    assert_eq!(rows.collect::<BTreeSet<u8>>(), all);
}

/// Returns what stands between two marks, on one line.
fn in_marks(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn every_source_file_that_a_comment_names_exists() {
    let sources = crate::tidy::sources();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut gone = Vec::new();
    for (path, text) in &sources {
        let comments = text.lines().filter(|line| line.trim_start().starts_with("//"));
        for name in comments.flat_map(in_marks).filter(|name| name.ends_with(".rs") && !name.contains(' ')) {
            let is_it = |other: &Path| other.ends_with(name);
            if !sources.iter().any(|(other, _)| is_it(other)) && !top.join(name).exists() {
                gone.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(gone.is_empty(), "comments name files that do not exist: {gone:#?}");
}
