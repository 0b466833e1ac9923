//! One permission rule as the client writes it: `Tool` or `Tool(content)`.
//!
//! Pure. In the content, `\(`, `\)` and `\\` stand for themselves. A rule with invisible characters is not
//! accepted here, because what it allows could not be shown.

use crate::base::screen::Line;

/// A rule over this many bytes is none.
const LONGEST: usize = 4_000;

/// A rule taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The tool, such as `Bash` or `mcp__server__tool`.
    pub tool: String,
    /// What of it is meant; `None` for all.
    pub content: Option<String>,
}

impl Rule {
    /// Reads a rule; `None` for what is none.
    pub fn parse(text: &str) -> Option<Rule> {
        // Commands of several lines are the one case of line ends and tabs.
        let visible = text.replace(['\n', '\t'], " ");
        let odd_blank = |c: char| c.is_whitespace() && c != ' ';
        if text.len() > LONGEST
            || text.trim() != text
            || visible.contains(odd_blank)
            || Line(&visible).to_string() != visible
        {
            return None;
        }
        let (tool, content) = match text.split_once('(') {
            None => (text, None),
            Some((tool, rest)) => (tool, Some(rest.strip_suffix(')')?)),
        };
        let of_a_name = |c: char| c.is_ascii_alphanumeric() || "_-.:*".contains(c);
        if tool.is_empty() || !tool.chars().all(of_a_name) || content.is_some_and(str::is_empty) {
            return None;
        }
        Some(Rule { tool: tool.to_owned(), content: content.map(unescaped) })
    }

    /// Writes a rule so that the client reads this content.
    pub fn text(&self) -> String {
        match &self.content {
            None => self.tool.clone(),
            Some(content) => {
                let escaped = content.replace('\\', r"\\").replace('(', r"\(").replace(')', r"\)");
                format!("{}({escaped})", self.tool)
            }
        }
    }
}

fn unescaped(content: &str) -> String {
    let mut text = String::with_capacity(content.len());
    let mut rest = content.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('\\', Some(next @ ('(' | ')' | '\\'))) => {
                text.push(*next);
                rest.next();
            }
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_and_written_back() {
        for (text, tool, content) in [
            ("Bash", "Bash", None),
            ("Bash(npm run test:*)", "Bash", Some("npm run test:*")),
            (r#"Bash(python3 -c "print\(1\)")"#, "Bash", Some(r#"python3 -c "print(1)""#)),
            (r"Bash(sed s/\\\\/x/)", "Bash", Some(r"sed s/\\/x/")),
            ("mcp__db__query", "mcp__db__query", None),
            ("Read(//etc/**)", "Read", Some("//etc/**")),
        ] {
            let rule = Rule::parse(text).expect("a rule");
            assert_eq!((rule.tool.as_str(), rule.content.as_deref()), (tool, content), "{text}");
            assert_eq!(rule.text(), text);
        }
    }

    #[test]
    fn what_can_not_be_shown_or_is_cut_off_is_no_rule() {
        let long = format!("Bash({})", "x".repeat(LONGEST));
        for text in [
            "",
            " Bash",
            "Bash ",
            "Bash(ls",
            "Bash()",
            "Bash(ls) x",
            "Ba sh(ls)",
            "Bash(ls\u{a0}-l)",
            "Bash(\u{202e}sl)",
            "Bash(\x1b[2K)",
            "B\u{430}sh(ls)",
            "(ls)",
            long.as_str(),
        ] {
            assert_eq!(Rule::parse(text), None, "{text:?}");
        }
    }
}
