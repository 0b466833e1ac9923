//! Syntax colours of the blocks of code in a Markdown text. Pure.
//!
//! Only blocks at the edge of the text: what is in a list or a quote is read by the page alone. It colours only what it takes
//! for code itself, line by line, so it is no matter if the two ever differ on where a block begins.

use super::color_limit::ColorLimit;
use crate::diff::SteadyColors;

/// The most blanks before a fence.
const INDENT: usize = 3;

/// A block that is open.
struct Block {
    mark: u8,
    marks: usize,
    colors: Option<SteadyColors>,
}

/// Returns colours for the first lines of a text; none are made when no lines are `left`.
pub(super) fn colors(text: &str, left: &ColorLimit) -> Vec<u8> {
    let (mut done, mut plain) = (Vec::new(), Vec::new());
    if left.is_reached() || !text.contains("```") && !text.contains("~~~") {
        return done;
    }
    let mut open: Option<Block> = None;
    for line in text.lines() {
        // Colours count for a line only if another one behind has some.
        plain.push(b'\n');
        match (&mut open, fence(line)) {
            (Some(block), Some((mark, marks, ""))) if mark == block.mark && marks >= block.marks => {
                open = None
            }
            (Some(Block { colors: Some(colors), .. }), _) => {
                if !left.take(1, || colors.context(format!("{line}\n").as_bytes())) {
                    break;
                }
                let colored = colors.take();
                if colored != b"\n" {
                    plain.pop();
                    done.append(&mut plain);
                    done.extend(colored);
                }
            }
            (Some(_), _) => {}
            (None, Some((mark, marks, language))) => {
                let word = language.split([' ', ',', '{']).next().unwrap_or_default();
                open = Some(Block { mark, marks, colors: SteadyColors::of_language(word) });
            }
            (None, None) => {}
        }
    }
    done
}

/// Returns what a line that begins or ends a block consists of: the character, how many, and what stands behind them.
fn fence(line: &str) -> Option<(u8, usize, &str)> {
    let start = line.trim_start_matches(' ');
    let mark = start.bytes().next().filter(|mark| b"`~".contains(mark))?;
    let marks = start.bytes().take_while(|byte| *byte == mark).count();
    let behind = start[marks..].trim();
    (line.len() - start.len() <= INDENT && marks >= 3 && !behind.contains('`'))
        .then_some((mark, marks, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str, left: usize) -> (String, usize) {
        let left = ColorLimit::new(left);
        let colors = colors(text, &left);
        (String::from_utf8(colors).expect("ASCII"), left.left())
    }

    #[test]
    fn lines_of_code_have_colours_and_all_others_none() {
        let text = "So:\n\n```rust\nlet a = b;\n\nlet c = d;\n```\nlet it be\n~~~py\nreturn\n~~~\n";
        assert_eq!(made(text, 9), ("\n\n\n!$k\n\n!$k\n\n\n\n!'k\n".to_owned(), 5));
        // When none are left, the text ends as if it had no more code.
        assert_eq!(made(text, 1), ("\n\n\n!$k\n".to_owned(), 0));
        for text in [
            "let a = b;",
            "```\nlet a = b;\n```",
            "```unheard-of\nlet a = b;",
            "    ```rust\nlet a = b;",
            "``` `rust\nlet a;",
        ] {
            assert_eq!(made(text, 9).0, "", "{text}");
        }
        assert_eq!(made("````rust\n```\nlet a = b;\n````\nlet it be", 9).0, "\n\n!$k\n");
    }
}
