//! Text that has to fit into columns of the screen: how wide it is, and cut to what there is room for. Pure.

use crate::base::screen;

/// Returns how many columns a text takes that is safe to show.
pub fn wide(text: &str) -> usize {
    text.chars().map(screen::width).sum()
}

/// Returns the first line of a text, safe to show; `…` stands for the lines behind it.
pub fn first_line(text: &str) -> String {
    screen::cut(text, usize::MAX)
}

/// Returns the first line, cut to so many columns, with `…` for what is left out.
pub fn fitted(text: &str, columns: usize) -> String {
    let line = first_line(text);
    if wide(&line) <= columns {
        return line;
    }
    let kept = taken(line.chars(), columns.saturating_sub(1));
    if columns == 0 { String::new() } else { format!("{}…", kept.trim_end()) }
}

/// Returns a line that is safe to show, cut in its middle to so many columns. The end of a path tells the most, and gets the most.
pub fn fitted_in_middle(line: &str, columns: usize) -> String {
    if wide(line) <= columns {
        return line.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let before = taken(line.chars(), room / 3);
    let behind = taken(line.chars().rev(), room - wide(&before));
    format!("{before}…{}", behind.chars().rev().collect::<String>())
}

/// Returns the first of these that fit into so many columns.
fn taken(chars: impl Iterator<Item = char>, mut room: usize) -> String {
    let fits = |c: &char| match room.checked_sub(screen::width(*c)) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    chars.take_while(fits).collect()
}

/// Returns the text in lines of at most so many columns, broken between words where that is possible.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let width = wide(word.trim_end());
        if used > 0 && used + width > columns {
            lines.push(String::new());
            used = 0;
        }
        for c in word.chars() {
            if used > 0 && used + screen::width(c) > columns && c != ' ' {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
            used += screen::width(c);
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Returns the text with blanks up to so many columns.
pub fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(wide(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_columns_not_by_characters() {
        for (text, columns, wanted) in [
            ("port the api", 12, "port the api"),
            ("port the api", 9, "port the…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("two\nlines", 20, "two…"),
            ("x", 0, ""),
            ("a\x1b[2Jb", 4, "a\\x…"),
        ] {
            assert_eq!(fitted(text, columns), wanted, "{text:?} in {columns}");
            assert!(wide(&fitted(text, columns)) <= columns, "{text:?} in {columns}");
        }
        assert_eq!(padded("日", 4), "日  ");
    }

    #[test]
    fn a_path_that_is_cut_keeps_its_name() {
        for (text, columns, wanted) in [
            ("src/a.rs", 8, "src/a.rs"),
            ("src/deep/down/a.rs", 10, "src…n/a.rs"),
            ("日本語日本語", 7, "日…本語"),
            ("日本語日本語", 3, "…語"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
        ] {
            assert_eq!(fitted_in_middle(text, columns), wanted, "{text:?} in {columns}");
            assert!(wide(&fitted_in_middle(text, columns)) <= columns, "{text:?} in {columns}");
        }
    }

    #[test]
    fn a_text_is_wrapped_between_words_and_a_long_word_anywhere() {
        assert_eq!(wrapped("port the api now", 8), ["port the", "api now"]);
        assert_eq!(wrapped("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("  indented", 80), ["  indented"]);
        assert_eq!(wrapped("日本語", 4), ["日本", "語"]);
        assert_eq!(wrapped("", 4), [""]);
    }
}
