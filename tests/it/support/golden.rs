//! Expected outputs that stand in files: compared, or written anew by `SNAP_BLESS=1 cargo test golden`.

use std::fs;
use std::path::Path;

use super::Must;

/// Says what is wrong with an expected output, if it is not what was made: which line is the first that differs.
/// `SNAP_BLESS=1` takes what was made.
fn difference(expected: &Path, made: &str) -> Option<String> {
    if std::env::var_os("SNAP_BLESS").is_some() {
        fs::create_dir_all(expected.parent().must("a folder")).must("the folder");
        fs::write(expected, made).must("blessed");
    }
    let was = fs::read_to_string(expected).unwrap_or_default();
    if was == made {
        return None;
    }
    let same = was.lines().zip(made.lines()).take_while(|(was, made)| was == made).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("(the end)").to_owned();
    Some(format!("{}:{}:\n- {}\n+ {}", expected.display(), same + 1, line(&was), line(made)))
}

/// Fails the test if an expected output is not what was made.
#[track_caller]
pub(crate) fn assert_same(expected: &Path, made: &str) {
    if let Some(difference) = difference(expected, made) {
        panic!("not as expected (`SNAP_BLESS=1 cargo test golden` takes it):\n{difference}\nmade:\n{made}");
    }
}
