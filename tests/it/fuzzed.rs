//! The kept inputs of the fuzz targets, replayed: what once broke something, and what reaches far into the code.

#[path = "../../fuzz/properties.rs"]
pub(crate) mod properties;

use std::fs;
use std::path::Path;

use crate::support::Must;
use crate::support::project::files_below;

#[test]
fn every_kept_input_keeps_its_property() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut inputs = 0;
    for file in files_below(&corpus) {
        let target = file.parent().must("a folder").file_name().must("a name").to_str().must("UTF-8");
        assert!(properties::run(target, &fs::read(&file).must("an input")), "no target {target}");
        inputs += 1;
    }
    assert!(inputs >= 50, "only {inputs} inputs");
}

#[test]
fn the_port_of_gits_rule_is_gits_own() {
    for (path, fine) in [
        ("a/b", true),
        (".gitignore", true),
        (".git", false),
        ("a/.GIT/b", false),
        ("git~1", false),
        (".git. :x", false),
        ("a\\.git\\b", false),
        (".g\u{200c}it", false),
        ("a/../b", false),
        ("a//b", false),
        ("a/", false),
        ("", false),
    ] {
        assert_eq!(properties::git_accepts(path.as_bytes()), fine, "{path:?}");
    }
}
