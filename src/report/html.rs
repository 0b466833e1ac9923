//! Text from outside as HTML: nothing in it is taken for a tag, an attribute or the end of one. Pure.

use crate::base::screen::{Line, Lines};

/// Returns a text as HTML on one line; control and bidi characters as escapes.
pub(super) fn text(text: &str) -> String {
    escaped(&Line(text).to_string())
}

/// Returns a text of several lines as HTML.
pub(super) fn lines(text: &str) -> String {
    escaped(&Lines(text).to_string())
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// Returns a JSON text that can stand in a `script`: nothing in it ends one or begins a comment.
pub(super) fn json_in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_html() {
        assert_eq!(
            text("<img src=x onerror='y'>&\"\u{202e}\n"),
            "&lt;img src=x onerror=&#39;y&#39;&gt;&amp;&quot;\\u{202e}\\n"
        );
        assert_eq!(lines("a\nb\u{1b}"), "a\nb\\x1b");
        assert_eq!(json_in_script(r#"["</script><!--"]"#), r#"["\u003c/script>\u003c!--"]"#);
    }
}
