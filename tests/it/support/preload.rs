//! Runs `snap` with reads and writes that are cut short, a clock that jumps, or files that can't be read (`preload.c`).

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::Must;

/// What happens to a run of `snap`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// Each read and write does half of what it is asked for.
    Short,
    /// The wall clock jumps by so many seconds, forth and back, whenever it is looked at.
    Clock(i64),
    /// What has this in its path may not be opened.
    Closed(&'static str),
    /// What has this in its path can be opened, but the disk fails when it is read.
    Broken(&'static str),
}

/// Makes a command run in trouble.
pub(crate) fn troubled(command: &mut Command, trouble: Trouble) -> &mut Command {
    let (name, value) = match trouble {
        Trouble::Short => ("SNAP_TEST_SHORT", "1".to_owned()),
        Trouble::Clock(seconds) => ("SNAP_TEST_CLOCK", seconds.to_string()),
        Trouble::Closed(part) => ("SNAP_TEST_CLOSED", part.to_owned()),
        Trouble::Broken(part) => ("SNAP_TEST_BROKEN", part.to_owned()),
    };
    command.env("LD_PRELOAD", library()).env(name, value)
}

/// Builds the library, with the C compiler that building `snap` needs too.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<tempfile::TempPath> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/preload.c");
        let built = tempfile::Builder::new().suffix(".so").tempfile().must("a file").into_temp_path();
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&built).arg(source).arg("-ldl");
        let output = compiler.output().must("to run cc");
        assert!(output.status.success(), "cc: {}", String::from_utf8_lossy(&output.stderr));
        built
    })
}
