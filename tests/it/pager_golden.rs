//! How what people reported of diff viewers looks here: one input each, and what is shown of it.
//!
//! Inputs stand in `fixtures/pager`; `SNAP_BLESS=1 cargo test golden` writes the outputs anew.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::Must;

const DARK: &[&str] = &["--color=always", "--theme=dark", "--syntax=always"];
const PLAIN: &[&str] = &["--color=never", "--word"];

/// The name of an input, and the names and arguments that it is shown with.
type Reported = (&'static str, &'static [(&'static str, &'static [&'static str])]);

/// Each report: its input, and the forms in which it is shown.
const REPORTS: [Reported; 33] = [
    ("merge-conflict", &[("dark", DARK)]),
    ("merge-shown", &[("dark", DARK)]),
    ("log-after-binary", &[("plain", PLAIN)]),
    ("submodule-log", &[("plain", PLAIN)]),
    ("looks-like-a-diff", &[("plain", PLAIN)]),
    ("graph-coloured", &[("dark", DARK)]),
    ("blame-and-grep-coloured", &[("dark", DARK)]),
    ("words-coloured", &[("dark", DARK)]),
    ("words-plain", &[("plain", PLAIN)]),
    ("filter-of-add", &[("filter", &["--color-only", "--theme=dark", "--syntax=always"])]),
    ("mail-with-signature", &[("plain", PLAIN)]),
    ("lines-that-look-like-headers", &[("plain", PLAIN)]),
    ("svn", &[("plain", PLAIN)]),
    ("hg", &[("dark", DARK)]),
    ("diff-recursive", &[("plain", PLAIN)]),
    ("names", &[("plain", PLAIN), ("status", &["--name-status"])]),
    ("no-prefix", &[("plain", PLAIN)]),
    ("other-prefixes", &[("plain", PLAIN)]),
    ("line-ends", &[("plain", PLAIN), ("dark", DARK)]),
    (
        "wide-characters",
        &[("columns-60", &["-y", "--color=never"]), ("columns-20", &["-y", "--color=never"])],
    ),
    ("latin-1-coloured", &[("dark", DARK)]),
    ("encoding-changed", &[("plain", PLAIN)]),
    ("modes-renames-copies", &[("plain", PLAIN)]),
    ("grep-of-dashes", &[("plain", PLAIN)]),
    ("patch-with-dos-ends", &[("plain", PLAIN)]),
    ("counts-wrong", &[("plain", PLAIN)]),
    ("no-context", &[("plain", PLAIN)]),
    ("binary-patch", &[("plain", PLAIN)]),
    (
        "escapes-in-content",
        &[("plain", PLAIN), ("light", &["--color=always", "--theme=light", "--syntax=never"])],
    ),
    ("escapes-in-coloured-content", &[("plain", PLAIN)]),
    ("stat", &[("stat", &["--stat"])]),
    ("chosen-path", &[("plain", &["--color=never", "--word", "--", "src"])]),
    (
        "words-of-identifiers",
        &[
            ("dark", DARK),
            ("light", &["--color=always", "--theme=light", "--syntax=always"]),
            ("ansi", &["--color=always"]),
            ("columns-100", &["-y", "--color=always", "--theme=dark", "--syntax=always"]),
            ("linked", &["--color=always", "--links=x://{path}:{line}", "--no-line-numbers", "--", "src"]),
        ],
    ),
];

#[test]
fn golden_of_what_people_reported() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pager");
    let mut wrong = Vec::new();
    for (name, forms) in REPORTS {
        for (form, flags) in forms {
            let input = fs::File::open(folder.join(format!("{name}.in"))).must("an input");
            let mut command = Command::new(env!("CARGO_BIN_EXE_snap"));
            command.args(["-C", "/", "diff", "-"]).args(*flags).env_clear().env("HOME", &folder);
            command.env("COLUMNS", form.strip_prefix("columns-").unwrap_or("80"));
            let made = command.env("COLORTERM", "truecolor").stdin(Stdio::from(input)).output().must("snap");
            assert!(made.status.success(), "{name}: {}", String::from_utf8_lossy(&made.stderr));
            let expected = folder.join(format!("{name}.{form}.out"));
            if std::env::var_os("SNAP_BLESS").is_some() {
                fs::write(&expected, &made.stdout).must("blessed");
            }
            if fs::read(&expected).ok().as_deref() != Some(&made.stdout) {
                wrong.push(format!("{}:\n{}", expected.display(), String::from_utf8_lossy(&made.stdout)));
            }
        }
    }
    assert!(wrong.is_empty(), "not as expected (SNAP_BLESS=1 takes them):\n{}", wrong.join("\n"));
}
