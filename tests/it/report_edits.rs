//! Edits in a page of `snap report`: they are those of `snap diff`, with its counts, its encodings and its colours.

use std::fs;

use serde_json::{Value, json};

use crate::report::{ID, answered, asked, called, page_of, transcript};
use crate::support::Must;
use crate::support::page::Page;
use crate::support::project::Project;

#[test]
fn a_file_that_became_a_link_is_one_edit_as_in_a_diff() {
    let project = Project::new();
    project.write("was-file", "one\ntwo\n");
    std::os::unix::fs::symlink("there", project.path("was-link")).must("a link");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "both"]);
    for name in ["was-file", "was-link"] {
        fs::remove_file(project.path(name)).must("removed");
    }
    std::os::unix::fs::symlink("elsewhere", project.path("was-file")).must("a link");
    project.write("was-link", "a file\n");
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["report", "x", "-o", "page.html"]).exits(0);
    let page = Page::read(&project.read("page.html"));
    let facts: Vec<String> = page.index["edits"]
        .as_array()
        .must("edits")
        .iter()
        .map(|edit| {
            format!(
                "{} {} {} +{} -{}",
                edit["path"], edit["status"], edit["mode"], edit["added"], edit["removed"]
            )
        })
        .collect();
    assert_eq!(
        facts,
        ["\"was-file\" \"M\" \"100644 -> 120000\" +1 -2", "\"was-link\" \"M\" \"120000 -> 100644\" +1 -1"]
    );
    assert!(
        page.edits()[0].1.contains("-one\n-two\n") && page.edits()[0].1.contains("+elsewhere\n"),
        "{:?}",
        page.edits()
    );
    let stat = project.snap(&["diff", "x", "--stat"]).exits(0).stdout;
    assert!(stat.ends_with(" 2 files, +2 -3\n") && stat.lines().count() == 3, "{stat}");
}

#[test]
fn text_that_is_not_utf_8_is_shown_as_in_a_diff_and_that_is_said() {
    let project = Project::new();
    project.write("latin.txt", b"caf\xe9 au lait\nnext\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "latin"]);
    project.write("latin.txt", b"caf\xe9 cr\xe8me\nnext\n");
    project.write("mixed.txt", b"caf\xc3\xa9\ncaf\xe9\n");
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["report", "x", "-o", "page.html"]).exits(0);
    let page = Page::read(&project.read("page.html"));
    let edits = page.edits();
    let shown: String = edits[0].1.chars().filter(|c| !('\u{e000}'..='\u{e002}').contains(c)).collect();
    assert!(shown.contains("-café au lait\n+café crème\n"), "{shown}");
    assert_eq!(page.index["edits"][0]["notes"], json!(["not UTF-8: read as windows-1252, a guess"]));
    assert_eq!(edits[1].1, "@@ -1 +1 @@\n+café\n+caf\\xe9\n");
    assert!(page.index["edits"][1]["notes"][0].as_str().must("a note").contains("no text in UTF-8"));
    assert!(!String::from_utf8_lossy(&page.chunks.concat()).contains('\u{fffd}'));
}

#[test]
fn source_code_has_the_colours_of_a_diff_as_far_as_they_take_little_time() {
    let project = Project::new();
    project.write("a.rs", "fn main() {\n    let a = 1; // one\n}\n");
    project.write("b.rs", "let a = 1;\n".repeat(9_000));
    project.snap(&["save", "x"]).exits(0);
    let page = page_of(&project, &[]);
    // Steps: how many characters are plain, how many have a colour, which one.
    assert!(page.colors(0).lines().nth(1).must("a line").starts_with("!#k\"%f"), "{:?}", page.colors(0));
    assert!(page.colors(0).lines().nth(2).must("a line").starts_with("%$k"), "{:?}", page.colors(0));
    assert_eq!(page.colors(0).lines().count(), page.edits()[0].1.lines().count());
    // Not of all: that the page is there soon counts more.
    let colored = page.colors(1).lines().count();
    assert!((1..=3_000).contains(&colored), "{colored}");
    let json = project.snap(&["report", "--format", "json"]).exits(0).json();
    assert!(json["edits"][0].get("colors").is_none());
    // A block of code in an answer, and what a call was given.
    let file = project.home.project(project.root()).join(format!("{ID}.jsonl"));
    let code = "So:\n```rust\nlet a = 1;\n```";
    let given = json!({"file_path": "/x/a.py", "old_string": "a = 1", "new_string": "a = 2"});
    let records =
        [asked("go on"), answered(json!([{"type": "text", "text": code}])), called("t1", "Edit", given)];
    transcript(&project, &file, &records);
    project.snap(&["save", "y"]).exits(0);
    project.snap(&["report", "y", "-o", "page.html"]).exits(0);
    let page = Page::read(&project.read("page.html"));
    let colored: Vec<&Value> =
        page.index["colors"].as_array().must("colours").iter().map(|one| &one[0]).collect();
    assert_eq!(colored, [1, 2]);
}
