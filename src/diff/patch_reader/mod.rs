//! Unified diffs read back: those that snapshots store, and those that git prints.
//!
//! Reads a line at a time and drops nothing. Text outside a diff is passed on. So is text that began like
//! the header of a file and turns out not to be one. Git's own colours are removed from the lines of a diff.
//! Numbers in headers decide where a hunk ends, and are trusted for nothing else.

mod binary;
mod changes;
mod colors;
mod header;
mod hunk;
mod input;
mod kind;
mod merge;
mod names;
mod parser;

use std::io::{self, BufRead, Read};

use super::{DiffReport, Show};
pub(super) use colors::{sgr, without as without_colors};
pub use hunk::moved_in;
use input::Input;
use parser::Parser;

/// Shows a diff as git prints it.
///
/// # Errors
/// Whatever reading and showing give.
pub fn show_patch(input: impl Read, show: &mut dyn Show) -> io::Result<()> {
    show_patch_as_it_comes(input, || false, show)
}

/// Shows a diff while another program is still making it. If `rests` says that nothing more of it can be read
/// right now, all that is known is shown. What is shown does not depend on that.
///
/// # Errors
/// Whatever reading and showing give.
pub fn show_patch_as_it_comes(
    input: impl Read,
    mut rests: impl FnMut() -> bool,
    show: &mut dyn Show,
) -> io::Result<()> {
    let mut parser = Parser::new(show);
    let mut input = Input::new(input);
    while let Some(line) = input.line(&mut || if rests() { parser.pause() } else { Ok(()) })? {
        parser.line(&input.text()[line])?;
    }
    parser.end_file()
}

/// Shows the hunks of one file, which has been started, while they are read. Ends at a line longer than
/// `longest` bytes. Returns the counts.
///
/// # Errors
/// Whatever reading and showing give.
pub fn show_hunks(mut hunks: impl BufRead, longest: usize, show: &mut dyn Show) -> io::Result<DiffReport> {
    let mut parser = Parser::in_file(show);
    let most = (longest as u64).saturating_add(2);
    let mut line = Vec::new();
    while (&mut hunks).take(most).read_until(b'\n', &mut line)? > 0 {
        if line.len() as u64 == most && !line.ends_with(b"\n") {
            parser.report.stopped = true;
            break;
        }
        parser.stored_line(&line)?;
        line.clear();
    }
    parser.end_hunk()?;
    Ok(parser.report)
}

#[cfg(test)]
mod tests {
    use super::super::{BlockWriter, Patch};
    use super::*;

    /// Reads a diff and writes it as a patch again.
    fn again(diff: &[u8]) -> String {
        let mut made = Vec::new();
        let mut send = |block: Vec<u8>| {
            made.extend(block);
            Ok(())
        };
        let mut out = BlockWriter::new(true, &mut send);
        show_patch(diff, &mut Patch::new(&mut out)).expect("shown");
        out.flush().expect("flushed");
        String::from_utf8(made).expect("UTF-8")
    }

    const DIFF: &str = "commit 1\n\n    message\n\ndiff --git a/x b/x\nold mode 100644\nnew mode 100755\n\
        --- a/x\n+++ b/x\n@@ -1,2 +1,3 @@ fn name()\n a\n--- b\n+++ c\n+d\n\\ No newline at end of file\n\
        diff --git a/old name b/new name\nrename from old name\nrename to new name\n\
        diff --git a/old name b/copy\ncopy from old name\ncopy to copy\n\
        diff --git a/bin b/bin\nindex 0000000..0000000\nBinary files a/bin and b/bin differ\n";

    #[test]
    fn a_diff_survives_being_read() {
        assert_eq!(again(DIFF.as_bytes()), DIFF);
    }

    #[test]
    fn colours_of_git_are_taken_off() {
        let (text, diff) = DIFF.split_at(DIFF.find("diff --git").expect("a diff"));
        let colored =
            |text: &str| text.lines().map(|line| format!("\x1b[1m{line}\x1b[m\n")).collect::<String>();
        assert_eq!(again(colored(diff).as_bytes()), diff);
        // Those of text stay: they may be anybody's.
        assert_eq!(again((colored(text) + &colored(diff)).as_bytes()), colored(text) + diff);
    }

    #[test]
    fn nonsense_is_text_and_no_crash() {
        for text in
            ["@@ -1 +1 @@\n", "--- a\n", "diff --git \n@@ -0,99999999999999999999 +1 @@\n-a", "diff --git a"]
        {
            let _shown = again(text.as_bytes());
        }
        assert_eq!(again(b"hello\n"), "hello\n");
    }
}
