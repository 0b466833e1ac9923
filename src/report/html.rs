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

/// Returns a JSON text that can stand in a `script`: nothing in it ends one or begins a comment. It is plain ASCII, of
/// which a browser holds half as many bytes as of anything else.
pub(super) fn json_in_script(json: &str) -> String {
    let mut plain = String::with_capacity(json.len() + json.len() / 16);
    for character in json.chars() {
        if character.is_ascii() && character != '<' && character != '\u{7f}' {
            plain.push(character);
        } else {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units).iter();
            units.for_each(|unit| plain.push_str(&format!("\\u{unit:04x}")));
        }
    }
    plain
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
        assert_eq!(json_in_script("\"…\u{1f600}\u{202e}\""), r#""\u2026\ud83d\ude00\u202e""#);
    }
}
