//! A page of `snap report`, read back: its parts, its index, and the texts in its chunks.

use std::io::Read as _;

use data_encoding::BASE64;
use flate2::read::GzDecoder;
use regex::Regex;
use serde_json::Value;

use super::Must;

/// A page, taken apart.
pub(crate) struct Page {
    pub(crate) html: String,
    pub(crate) index: Value,
    /// The texts of all chunks.
    pub(crate) chunks: Vec<Vec<u8>>,
}

/// The tags that a page is made of, each with its attributes.
const TAG: &str = r#"^</?(?:html|head|meta|title|style|body|main|h1|h2|p|section|dl|dt|dd|ul|ol|li|table|thead|tbody|tr|th|td|time|script)(?: (?:lang|charset|http-equiv|content|name|tabindex|class|id|scope|datetime|type)="[^"<>]*")*>"#;

impl Page {
    /// Reads one; fails if it is not what every page is.
    pub(crate) fn read(html: &[u8]) -> Page {
        let html = String::from_utf8(html.to_vec()).must("UTF-8");
        let index = between(&html, "<script type=\"application/json\" id=\"index\">", "</script>");
        let index: Value = serde_json::from_str(index).must("an index");
        let mut chunks = Vec::new();
        for number in 0..index["chunks"].as_array().must("chunks").len() {
            let open = format!("<script type=\"text/plain\" id=\"c{number}\">");
            let packed = BASE64.decode(between(&html, &open, "</script>").as_bytes()).must("base64");
            let mut text = Vec::new();
            GzDecoder::new(&packed[..]).read_to_end(&mut text).must("gzip");
            assert_eq!(index["chunks"][number], text.len());
            chunks.push(text);
        }
        assert!(html.ends_with("<script type=\"text/plain\" id=\"end\">ok</script>\n</body>\n</html>\n"));
        let page = Page { html, index, chunks };
        page.is_made_of_its_own_tags();
        page
    }

    /// The text from a place in the chunks on.
    fn text(&self, chunk: &Value, at: &Value, bytes: &Value) -> String {
        let number = |value: &Value| usize::try_from(value.as_u64().must("a number")).must("small");
        let (chunk, at, bytes) = (number(chunk), number(at), number(bytes));
        if bytes == 0 {
            return String::new();
        }
        let rest: Vec<u8> = self.chunks[chunk..].iter().flatten().skip(at).take(bytes).copied().collect();
        String::from_utf8(rest).must("UTF-8")
    }

    /// Each item as its letter, its label, and its text.
    pub(crate) fn items(&self) -> Vec<(char, String, String)> {
        let items = &self.index["items"];
        let kinds = items["kind"].as_str().must("kinds");
        let strings = &self.index["strings"];
        let label = |number: usize| {
            let label = items["label"][number].as_i64().must("a number");
            usize::try_from(label).map_or("", |label| strings[label].as_str().must("a text")).to_owned()
        };
        let text =
            |number: usize| self.text(&items["chunk"][number], &items["at"][number], &items["bytes"][number]);
        kinds.chars().enumerate().map(|(number, kind)| (kind, label(number), text(number))).collect()
    }

    /// The texts of items of one kind.
    pub(crate) fn said(&self, kind: char) -> Vec<String> {
        self.items().into_iter().filter(|item| item.0 == kind).map(|item| item.2).collect()
    }

    /// Each edit's path and text.
    pub(crate) fn edits(&self) -> Vec<(String, String)> {
        let edits = self.index["edits"].as_array().must("edits").iter();
        let path = |edit: &Value| edit["path"].as_str().must("a path").to_owned();
        edits.map(|edit| (path(edit), self.text(&edit["chunk"], &edit["at"], &edit["bytes"]))).collect()
    }

    /// The colours of an edit, as text.
    pub(crate) fn colors(&self, edit: usize) -> String {
        let place = &self.index["edits"][edit]["colors"];
        if place.is_null() { String::new() } else { self.text(&place[0], &place[1], &place[2]) }
    }

    /// The part that stands alone.
    pub(crate) fn head(&self) -> &str {
        between(&self.html, "<main id=\"static\" tabindex=\"-1\">", "</main>")
    }

    /// Fails at any tag, attribute or script that no page has.
    fn is_made_of_its_own_tags(&self) {
        let tag = Regex::new(TAG).must("a pattern");
        let mut rest = self.html.strip_prefix("<!DOCTYPE html>").must("a page");
        while let Some(at) = rest.find('<') {
            rest = &rest[at..];
            let found = tag.find(rest).unwrap_or_else(|| panic!("not a tag of ours: {:.200}", rest));
            let end = match found.as_str() {
                open if open.starts_with("<script") => Some("</script>"),
                "<style>" => Some("</style>"),
                _ => None,
            };
            rest = &rest[found.end()..];
            if let Some(end) = end {
                rest = &rest[rest.find(end).must("an end")..];
            }
        }
        let scripts = self.html.matches("<script").count();
        assert_eq!(scripts, 3 + self.chunks.len(), "index, program, end, and the chunks");
    }
}

/// What stands between two texts.
pub(crate) fn between<'t>(text: &'t str, open: &str, close: &str) -> &'t str {
    let from = text.find(open).unwrap_or_else(|| panic!("no {open}")) + open.len();
    &text[from..from + text[from..].find(close).must(close)]
}
