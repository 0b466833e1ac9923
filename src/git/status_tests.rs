//! Tests: what is made of the output of `git status`.

use super::status::{Status, Submodule, parse};
use crate::manifest::{Mode, Version};

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const Z: &str = "0000000000000000000000000000000000000000";

#[test]
fn every_kind_of_entry_is_read_with_its_exact_name() {
    let output = format!(
        "# branch.oid {A}\0# branch.head main\0\
         1 .M N... 100644 100644 100755 {A} {A} a b\nc\0\
         1 .A N... 000000 000000 100644 {Z} {Z} new\0\
         1 .M S.M. 160000 160000 160000 {A} {A} sub\0\
         u UU N... 100644 100644 100644 100644 {A} {A} {A} both\0\
         ? nested/\0? -rf\0"
    );
    let listing = parse(output.as_bytes()).expect("parsed");
    assert_eq!(listing.head.as_deref(), Some(A));
    assert_eq!(listing.branch.as_deref(), Some("main"));
    let names: Vec<String> = listing.pending.iter().map(|p| p.path.to_string()).collect();
    assert_eq!(names, ["a b\\nc", "new", "sub", "both", "nested", "-rf"]);
    let version = Some(Version { oid: A.to_owned(), mode: Mode::File });
    assert_eq!(
        listing.pending[0].status,
        Status::Tracked { head: version.clone(), index: version, intent_to_add: None, edited: true }
    );
    assert!(matches!(listing.pending[1].status, Status::Tracked { intent_to_add: Some(Mode::File), .. }));
    let pointer = Some(Version { oid: A.to_owned(), mode: Mode::Submodule });
    let submodule = Submodule {
        head: pointer.clone(),
        index: pointer,
        gone: false,
        replaced: false,
        loose: false,
        moved: false,
        edited: true,
    };
    assert_eq!(listing.pending[2].status, Status::Submodule(submodule));
    assert!(matches!(&listing.pending[3].status, Status::Unmerged { stages, .. } if stages.len() == 3));
    assert_eq!(listing.pending[4].status, Status::NestedRepository);
    assert_eq!(listing.pending[5].status, Status::Untracked);
}

#[test]
fn an_unborn_head_and_a_detached_one_are_told_apart() {
    let unborn = parse(b"# branch.oid (initial)\0# branch.head main\0").expect("parsed");
    assert_eq!((unborn.head, unborn.branch.as_deref()), (None, Some("main")));
    let detached = parse(format!("# branch.oid {A}\0# branch.head (detached)\0").as_bytes()).expect("parsed");
    assert_eq!((detached.head.as_deref(), detached.branch), (Some(A), None));
}

#[test]
fn a_path_that_could_leave_the_tree_is_set_aside() {
    let listing = parse(b"? ../x\0").expect("parsed");
    assert_eq!((listing.pending.len(), listing.odd.len()), (0, 1));
}
