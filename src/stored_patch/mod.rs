//! The text diffs of pending file edits: making them and applying them.
//!
//! The one promise is `apply(old, &diff(old, new).text) == Ok(new)`, for any bytes. A text is a sequence of
//! lines that end in `\n` and nowhere else. The content of a line (an encoding, a CR, megabytes) does not
//! matter. The format is the body of git's unified diff, so a person can read it and `git apply` takes it
//! under file headers. It never searches for a place where a hunk might fit: if the text is not exactly the
//! one that the diff was made against, that is an error.

mod amount;
mod apply;
pub mod encoding;
mod make;

pub use amount::Amount;
pub use apply::{Applied, ApplyError, apply};
use make::count;
pub use make::diff;

const NO_NEWLINE: &[u8] = b"\\ No newline at end of file\n";

/// A diff and what it amounts to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hunks {
    /// The hunks of a unified diff, without file headers; empty for equal texts.
    pub text: Vec<u8>,
    /// How many lines only the new text has.
    pub added: u64,
    /// How many lines only the old text has.
    pub removed: u64,
}

/// Says whether `bytes` can be handled as text: no NUL anywhere.
///
/// All of it is checked. Checking only the start, as git does, takes a binary file with a late NUL for
/// text.
pub fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::{apply, diff, is_text};

    /// Makes a diff, checks that it turns one text into the other, and returns it to be read.
    fn shown(old: &[u8], new: &[u8]) -> String {
        let hunks = diff(old, new);
        assert_eq!(apply(old, &hunks.text).as_deref(), Ok(new));
        let signs =
            |sign: &str| hunks.text.split(|b| *b == b'\n').filter(|l| l.starts_with(sign.as_bytes())).count();
        assert_eq!((hunks.added, hunks.removed), (signs("+") as u64, signs("-") as u64));
        String::from_utf8_lossy(&hunks.text).into_owned()
    }

    fn refusal(old: &[u8], hunks: &[u8]) -> String {
        apply(old, hunks).map_or_else(|error| error.to_string(), |new| format!("made {new:?}"))
    }

    fn numbered(lines: impl IntoIterator<Item = u32>) -> String {
        lines.into_iter().map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn equal_texts_have_no_diff() {
        assert_eq!(shown(b"", b""), "");
        assert_eq!(shown(b"a\nb", b"a\nb"), "");
        assert_eq!(apply(b"a\nb", b""), Ok(b"a\nb".to_vec()));
    }

    #[test]
    fn an_empty_text_is_written_as_line_zero() {
        assert_eq!(shown(b"", b"a\n"), "@@ -0,0 +1 @@\n+a\n");
        assert_eq!(shown(b"a\nb\n", b""), "@@ -1,2 +0,0 @@\n-a\n-b\n");
    }

    #[test]
    fn a_missing_final_newline_is_told_on_either_or_both_sides() {
        let no = "\\ No newline at end of file\n";
        assert_eq!(shown(b"a\nb", b"a\nc\n"), format!("@@ -1,2 +1,2 @@\n a\n-b\n{no}+c\n"));
        assert_eq!(shown(b"a\nb\n", b"a\nc"), format!("@@ -1,2 +1,2 @@\n a\n-b\n+c\n{no}"));
        assert_eq!(shown(b"a\nb", b"c\nb"), format!("@@ -1,2 +1,2 @@\n-a\n+c\n b\n{no}"));
        assert_eq!(shown(b"b", b"c"), format!("@@ -1 +1 @@\n-b\n{no}+c\n{no}"));
    }

    #[test]
    fn a_final_newline_can_be_all_that_changes() {
        let no = "\\ No newline at end of file\n";
        assert_eq!(shown(b"a", b"a\n"), format!("@@ -1 +1 @@\n-a\n{no}+a\n"));
        assert_eq!(shown(b"a\n", b"a"), format!("@@ -1 +1 @@\n-a\n+a\n{no}"));
        assert_eq!(shown(b"a\n", b"a\n\n"), "@@ -1 +1,2 @@\n a\n+\n");
    }

    #[test]
    fn crlf_is_part_of_the_line_and_a_lone_cr_ends_none() {
        assert_eq!(shown(b"a\r\nb\r\n", b"a\r\nb\n"), "@@ -1,2 +1,2 @@\n a\r\n-b\r\n+b\n");
        assert_eq!(shown(b"a\rb\rc\n", b"a\rB\rc\n"), "@@ -1 +1 @@\n-a\rb\rc\n+a\rB\rc\n");
    }

    #[test]
    fn bytes_of_any_encoding_are_kept() {
        let (old, new) = (b"caf\xe9\nx\n", b"caf\xe8\nx\n");
        assert_eq!(diff(old, new).text, b"@@ -1,2 +1,2 @@\n-caf\xe9\n+caf\xe8\n x\n");
        assert_eq!(apply(old, &diff(old, new).text).as_deref(), Ok(&new[..]));
    }

    #[test]
    fn changes_six_lines_apart_share_a_hunk_and_seven_do_not() {
        let old = numbered(0..30);
        let edited =
            |gap: u32| numbered((0..30).map(|line| if line == 5 || line == 6 + gap { 99 } else { line }));
        assert_eq!(shown(old.as_bytes(), edited(6).as_bytes()).matches("@@ -").count(), 1);
        let apart = shown(old.as_bytes(), edited(7).as_bytes());
        assert!(apart.starts_with("@@ -3,7 +3,7 @@\n 2\n"), "{apart}");
        assert!(apart.contains("@@ -11,7 +11,7 @@\n 10\n"), "{apart}");
    }

    #[test]
    fn a_hunk_is_named_after_the_function_that_it_is_in() {
        let old = format!("fn first() {{\n{0}}}\nfn second() {{\n{0}}}\n", "    x\n".repeat(20));
        let new = old.replacen("{\n    x", "{\n    y", 2).replace("x\n}\nfn", "z\n}\nfn");
        let text = shown(old.as_bytes(), new.as_bytes());
        let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("@@")).collect();
        let names: Vec<_> = heads.iter().map(|head| head.rsplit("@@").next()).collect();
        assert_eq!(names, [Some(""), Some(" fn first() {")], "{text}");
    }

    #[test]
    fn repeated_lines_are_told_apart_by_their_number() {
        assert_eq!(shown(&b"x\n".repeat(9), &b"x\n".repeat(10)), "@@ -7,3 +7,4 @@ x\n x\n x\n x\n+x\n");
        shown(&b"a\nb\n".repeat(600), &b"b\na\n".repeat(601));
    }

    #[test]
    fn one_huge_line_and_a_change_far_into_big_texts_work() {
        let line = vec![b'x'; 5 << 20];
        shown(&line, &[&line[..], b"y"].concat());
        shown(&[&line[..], b"\na\n"].concat(), &[&line[..], b"\nb\n"].concat());
        let old = numbered(0..50_000);
        let new = old.replace("\n40000\n", "\nnew\n");
        let text = shown(old.as_bytes(), new.as_bytes());
        assert!(text.starts_with("@@ -39998,7 +39998,7 @@\n 39997\n"), "{text}");
    }

    #[test]
    fn texts_too_large_for_one_search_have_a_short_diff_all_the_same() {
        let old = format!("first\n{}last\n", "\n".repeat(500_001));
        let new = format!("FIRST\n{}LAST", "\n".repeat(500_001));
        let hunks = diff(old.as_bytes(), new.as_bytes());
        assert_eq!((hunks.removed, hunks.added), (2, 2));
        assert_eq!(apply(old.as_bytes(), &hunks.text).as_deref(), Ok(new.as_bytes()));
        let lines = |edited: bool| -> String {
            let word = |n| if edited && n % 5 == 0 { "edited" } else { "as it was" };
            (0..600_000).map(|n| format!("line {n} {}\n", word(n))).collect()
        };
        let (old, new) = (lines(false), format!("new\n{}", lines(true)));
        let hunks = diff(old.as_bytes(), new.as_bytes());
        assert_eq!((hunks.removed, hunks.added), (120_000, 120_001));
        assert_eq!(apply(old.as_bytes(), &hunks.text).as_deref(), Ok(new.as_bytes()));
    }

    #[test]
    fn a_late_nul_is_not_text() {
        let mut bytes = b"line\n".repeat(20_000);
        assert!(is_text(&bytes) && is_text(b"") && is_text(b"\xff\xfe\r"));
        bytes.push(0);
        assert!(!is_text(&bytes));
    }

    #[test]
    fn a_hunk_that_does_not_fit_exactly_says_which_and_why() {
        let old = numbered(1..50);
        let hunks = b"@@ -1 +1,2 @@\n 1\n+x\n@@ -40,2 +41,2 @@\n 40\n-41\n+y\n";
        assert!(apply(old.as_bytes(), hunks).is_ok());
        let moved = old.replace("\n41\n", "\n041\n");
        let mismatch = "hunk 2: line 41 is not what the diff was made against";
        assert_eq!(refusal(moved.as_bytes(), hunks), mismatch);
        let shorter = numbered(1..20);
        assert_eq!(refusal(shorter.as_bytes(), hunks), "hunk 2: line 20 is past the end of the text");
        let nearby = b"@@ -2 +2 @@\n-3\n+x\n";
        assert!(refusal(old.as_bytes(), nearby).starts_with("hunk 1: line 2 is not"));
    }

    #[test]
    fn hunks_that_overlap_or_go_back_are_refused() {
        let overlap = "hunk 2: starts before the end of the hunk above it";
        assert_eq!(refusal(b"a\nb\nc\n", b"@@ -1,2 +1 @@\n a\n-b\n@@ -2 +2 @@\n-b\n+x\n"), overlap);
        assert_eq!(refusal(b"a\nb\nc\n", b"@@ -3 +3 @@\n-c\n+x\n@@ -1 +1 @@\n-a\n+x\n"), overlap);
    }

    #[test]
    fn counts_and_line_numbers_must_be_right() {
        let count = "hunk 1: does not have as many lines as its @@ line says";
        assert_eq!(refusal(b"a\nb\n", b"@@ -1 +0,0 @@\n a\n"), count);
        assert_eq!(refusal(b"a\nb\n", b"@@ -1 +1,2 @@\n-a\n+x\n@@ -2 +2 @@\n"), count);
        assert_eq!(refusal(b"a\n", b"@@ -1 +1,2 @@\n-a\n+x\n"), "hunk 1: ends too early");
        assert_eq!(
            refusal(b"a\n", b"@@ -1 +2 @@\n-a\n+x\n"),
            "hunk 1: states the wrong line of the new text"
        );
        assert_eq!(
            refusal(b"a\n", b"@@ -1 +1 @@\n-a\n+x\n+y\n"),
            "hunk 2: does not start with a valid @@ line"
        );
    }

    #[test]
    fn huge_numbers_are_refused_without_being_counted_to() {
        let max = usize::MAX;
        let long = "9".repeat(100_000);
        for numbers in [
            format!("-{max} +{max}"),
            format!("-{max},0 +{max},0"),
            format!("-1,{max} +1,{max}"),
            format!("-0,0 +1,{max}"),
            format!("-{long} +1"),
            format!("-1 +{long},1"),
            "-0 +0".to_owned(),
        ] {
            let hunks = format!("@@ {numbers} @@\n-a\n+b\n");
            assert!(apply(b"a\n", hunks.as_bytes()).is_err(), "{numbers}");
        }
    }

    #[test]
    fn garbage_is_refused() {
        for hunks in [
            &b"\n"[..],
            b"hello\n",
            b"@@\n",
            b"@@ -1 +1 @@",
            b"@@ -1 +1 @@@\n-a\n+b\n",
            b"@@ - +1 @@\n-a\n+b\n",
            b"@@ -+1 +1 @@\n-a\n+b\n",
            b"@@ -1, +1 @@\n-a\n+b\n",
            b"@@ -1 +1 @@\n\n",
            b"@@ -1 +1 @@\n*a\n",
            b"@@ -1 +1 @@\n\\ No newline at end of file\n-a\n+b\n",
            b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n",
        ] {
            assert!(apply(b"a\n", hunks).is_err(), "{}", hunks.escape_ascii());
        }
    }

    #[test]
    fn nothing_may_follow_a_line_without_a_newline() {
        let no = "\\ No newline at end of file\n";
        let after_end = "hunk 1: text would follow a line that has no newline";
        assert_eq!(refusal(b"a\n", format!("@@ -0,0 +1 @@\n+x\n{no}").as_bytes()), after_end);
        assert_eq!(refusal(b"a\n", format!("@@ -1 +1,2 @@\n-a\n+x\n{no}+y\n").as_bytes()), after_end);
        assert!(apply(b"a\n", format!("@@ -1 +1,2 @@\n a\n+\n{no}").as_bytes()).is_err());
        assert!(apply(b"a\n", format!("@@ -1 +1 @@\n-a\n{no}+b\n").as_bytes()).is_err());
    }

    #[test]
    fn a_diff_cut_off_anywhere_is_refused_or_does_what_is_left_of_it() {
        let old = numbered(0..40);
        let new = old.replace("\n5\n", "\nfive\n").replace("\n30\n", "\nthirty\n");
        let text = diff(old.as_bytes(), new.as_bytes()).text;
        let first = text.windows(4).rposition(|window| window == b"@@ -").unwrap_or(0);
        for end in 1..text.len() {
            let cut = apply(old.as_bytes(), &text[..end]);
            if end == first {
                assert_eq!(cut.as_deref(), Ok(old.replace("\n5\n", "\nfive\n").as_bytes()))
            } else {
                assert!(cut.is_err(), "cut at {end}")
            }
        }
    }

    #[test]
    fn a_diff_with_any_byte_changed_never_panics() {
        let old = numbered(0..12);
        let mut text = diff(old.as_bytes(), old.replace("\n5\n", "\nfive").as_bytes()).text;
        for at in 0..text.len() {
            let kept = text[at];
            for byte in 0..=255 {
                text[at] = byte;
                let made = apply(old.as_bytes(), &text).unwrap_or_default();
                assert!(made.len() <= old.len() + text.len());
            }
            text[at] = kept;
        }
    }
}
