//! Small changes to a JSON text that somebody else formatted: all other bytes stay.
//!
//! Pure. Knows where each member and element of a text begins and ends. Adds in the style that it finds
//! (indentation, one line or many), and removes what was added without a trace. The text must be valid JSON:
//! [`Document::parse`] makes sure. A mark before the text stays, and so does what no value can hold: `1e999`, lists of any depth.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::tolerant;

/// What some editors begin a text with.
const MARK: char = '\u{feff}';

/// A JSON text that can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    text: String,
}

/// The place of a member of an object or an element of an array.
struct ItemPlace {
    key: Option<String>,
    /// From the key (or the value, in an array) to the end of the value.
    whole: Range<usize>,
    value: Range<usize>,
}

impl Document {
    /// Takes a text.
    ///
    /// # Errors
    /// Says where and why it is not JSON, or that it is no object.
    pub fn parse(text: &str) -> Result<Document, String> {
        let json = text.strip_prefix(MARK).unwrap_or(text);
        serde_json::from_str::<IgnoredAny>(json).map_err(|error| error.to_string())?;
        if json.trim_start().starts_with('{') {
            Ok(Document { text: text.to_owned() })
        } else {
            Err("it is JSON, but not an object".to_owned())
        }
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the value at a path of keys.
    pub fn get(&self, path: &[&str]) -> Option<Value> {
        tolerant::value_of(&self.text[self.find(path)?])
    }

    /// Sets a member of the object at `path`, after the others if it is new. Makes missing objects on
    /// the way.
    ///
    /// # Errors
    /// Names the place that is no object.
    pub fn set(&mut self, path: &[&str], value: &Value) -> Result<(), String> {
        let Some((key, above)) = path.split_last() else { return Ok(()) };
        if let Some(place) = self.find(path) {
            let rendered = self.rendered(value, path.len());
            self.text.replace_range(place, &rendered);
            return Ok(());
        }
        if self.find(above).is_none() {
            self.set(above, &Value::Object(serde_json::Map::new()))?;
        }
        self.insert(above, '{', Some(key), value)
    }

    /// Adds an element at the end of the array at `path`, which is made if it is not there.
    ///
    /// # Errors
    /// Names the place that is no array.
    pub fn push(&mut self, path: &[&str], value: &Value) -> Result<(), String> {
        if self.find(path).is_none() {
            return self.set(path, &Value::Array(vec![value.clone()]));
        }
        self.insert(path, '[', None, value)
    }

    /// Removes the elements that `unwanted` names from the array at `path`. If that leaves an array or
    /// object empty, it is removed too, up to the top.
    pub fn remove_from(&mut self, path: &[&str], unwanted: impl Fn(&Value) -> bool) -> bool {
        let Some(place) = self.find(path).filter(|place| self.text[place.clone()].starts_with('[')) else {
            return false;
        };
        let items = self.items(&place);
        let value =
            |item: &ItemPlace| serde_json::from_str(&self.text[item.value.clone()]).unwrap_or(Value::Null);
        let unwanted: Vec<usize> = (0..items.len()).filter(|at| unwanted(&value(&items[*at]))).collect();
        if unwanted.is_empty() {
            return false;
        }
        let all = unwanted.len() == items.len();
        for at in unwanted.into_iter().rev() {
            let items = self.items(&place_now(self, path));
            self.cut(&items, at);
        }
        if all {
            self.remove_empty(path);
        }
        true
    }

    /// Takes out the member at `path`, and every object above it that becomes empty.
    fn remove_empty(&mut self, path: &[&str]) {
        let Some((key, above)) = path.split_last() else { return };
        let Some(place) = self.find(above) else { return };
        let items = self.items(&place);
        let Some(at) = items.iter().position(|item| item.key.as_deref() == Some(key)) else { return };
        self.cut(&items, at);
        if items.len() == 1 {
            self.remove_empty(above);
        }
    }

    /// Cuts an item out, with the comma and the blanks that came with it.
    fn cut(&mut self, items: &[ItemPlace], at: usize) {
        let whole = items[at].whole.clone();
        let range = match (at.checked_sub(1).map(|before| &items[before]), items.get(at + 1)) {
            (Some(before), _) => before.whole.end..whole.end,
            (None, Some(after)) => whole.start..after.whole.start,
            (None, None) => {
                // The only one: what is left is `{}` or `[]`.
                let before = self.text[..whole.start].trim_end().len();
                let after = self.text.len() - self.text[whole.end..].trim_start().len();
                before..after
            }
        };
        self.text.replace_range(range, "");
    }

    fn insert(&mut self, path: &[&str], open: char, key: Option<&str>, value: &Value) -> Result<(), String> {
        let place = self.find(path).filter(|place| self.text[place.clone()].starts_with(open));
        let Some(place) = place else {
            let what = if open == '{' { "an object" } else { "a list" };
            return Err(format!("{:?} is not {what}", path.join(".")));
        };
        let items = self.items(&place);
        let depth = path.len() + 1;
        let on_lines = match items.first() {
            Some(first) => self.text[place.start..first.whole.start].contains('\n'),
            None => path.is_empty() || self.text.contains('\n'),
        };
        let key = key.map(|key| Value::String(key.to_owned()).to_string() + ": ").unwrap_or_default();
        let rendered = if on_lines { key + &self.rendered(value, depth) } else { key + &value.to_string() };
        let line = format!("\n{}", self.indent().repeat(depth));
        match (items.last(), on_lines) {
            (Some(last), true) => self.text.insert_str(last.whole.end, &format!(",{line}{rendered}")),
            (Some(last), false) => self.text.insert_str(last.whole.end, &format!(", {rendered}")),
            (None, true) => {
                let end = format!("\n{}", self.indent().repeat(depth - 1));
                self.text.replace_range(place.start + 1..place.end - 1, &format!("{line}{rendered}{end}"));
            }
            (None, false) => self.text.replace_range(place.start + 1..place.end - 1, &rendered),
        }
        Ok(())
    }

    /// Writes a value as it is written at a depth, in the text's own indentation.
    fn rendered(&self, value: &Value, depth: usize) -> String {
        use serde::Serialize as _;
        let indent = self.indent();
        let mut bytes = Vec::new();
        let style = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
        let mut writer = serde_json::Serializer::with_formatter(&mut bytes, style);
        if value.serialize(&mut writer).is_err() {
            return value.to_string();
        }
        // No string of JSON holds a line end: each one is the formatter's.
        String::from_utf8_lossy(&bytes).replace('\n', &format!("\n{}", indent.repeat(depth)))
    }

    /// Returns the indentation of the first member; two blanks if there is none to see.
    fn indent(&self) -> String {
        let root = self.find(&[]).unwrap_or(0..0);
        let first = self.items(&root).first().map_or(root.start, |item| item.whole.start);
        match self.text[..first].rsplit_once('\n') {
            Some((_, blanks)) if !blanks.is_empty() && blanks.trim().is_empty() => blanks.to_owned(),
            _ => "  ".to_owned(),
        }
    }

    /// Finds the value at a path of keys. If a key is there twice, the last one counts, as for readers.
    fn find(&self, path: &[&str]) -> Option<Range<usize>> {
        let json = self.text.strip_prefix(MARK).unwrap_or(&self.text);
        let start = self.text.len() - json.trim_start().len();
        let mut place = start..self.value_end(start);
        for key in path {
            let items = self.items(&place);
            place = items.into_iter().rev().find(|item| item.key.as_deref() == Some(key))?.value;
        }
        Some(place)
    }

    /// Lists the members or elements of the value at a place; none for a plain value.
    fn items(&self, place: &Range<usize>) -> Vec<ItemPlace> {
        let bytes = self.text.as_bytes();
        let object = bytes.get(place.start) == Some(&b'{');
        let mut items = Vec::new();
        if !object && bytes.get(place.start) != Some(&b'[') {
            return items;
        }
        let mut at = self.skip(place.start + 1, b",");
        while at + 1 < place.end {
            let start = at;
            let mut key = None;
            if object {
                let end = self.value_end(at);
                key = serde_json::from_str(&self.text[at..end]).ok();
                at = self.skip(end, b":");
            }
            let end = self.value_end(at);
            items.push(ItemPlace { key, whole: start..end, value: at..end });
            at = self.skip(end, b",");
        }
        items
    }

    /// Passes over blanks and one kind of mark.
    fn skip(&self, at: usize, mark: &[u8]) -> usize {
        let rest = &self.text.as_bytes()[at..];
        let is_blank = |byte: &u8| byte.is_ascii_whitespace() || mark.contains(byte);
        at + rest.iter().take_while(|byte| is_blank(byte)).count()
    }

    /// Returns where the value that begins at a place ends.
    fn value_end(&self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let (mut depth, mut in_string, mut at) = (0_usize, false, start);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\\' if in_string => at += 1,
                b'"' => {
                    in_string = !in_string;
                    if !in_string && depth == 0 {
                        return at + 1;
                    }
                }
                _ if in_string => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 0 => return at,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        return at + 1;
                    }
                }
                b',' if depth == 0 => return at,
                byte if depth == 0 && byte.is_ascii_whitespace() => return at,
                _ => {}
            }
            at += 1;
        }
        bytes.len()
    }
}

fn place_now(document: &Document, path: &[&str]) -> Range<usize> {
    document.find(path).unwrap_or(0..0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXTS: [&str; 11] = [
        "{}\n",
        "{ }",
        "{\"a\":1}",
        "{\n    \"z\": 1,\n    \"a\": [1, 2]\n}\n",
        "{\n\t\"hooks\": {\n\t\t\"PreToolUse\": [\n\t\t\t{\"x\": \"}]\\\"\"}\n\t\t]\n\t}\n}\n",
        "{\"hooks\": {\"PreToolUse\": [{\"x\": 1}]}, \"b\": null}",
        "{\r\n  \"hooks\": {\r\n    \"Stop\": [ ]\r\n  },\r\n  \"é\": \"ü\"\r\n}",
        "  {\n  \"hooks\" : { \"Stop\" : [ 1 ] } ,\n  \"n\" : -1.50e3\n}",
        "{\n  \"a\": 1}",
        "\u{feff}{\n    \"a\": 1\n}\n",
        "\u{feff}{}",
    ];

    #[test]
    fn what_is_added_is_there_and_all_else_is_as_it_was() {
        let ours = json!({"hooks": [{"command": "snap"}]});
        for text in TEXTS {
            let mut changed = Document::parse(text).expect("JSON");
            changed.push(&["hooks", "PreToolUse"], &ours).expect("pushed");
            let json = |text: &str| serde_json::from_str(text.trim_start_matches(MARK)).expect("JSON");
            let mut wanted: Value = json(text);
            let list = &mut wanted["hooks"]["PreToolUse"];
            match list.as_array_mut() {
                Some(list) => list.push(ours.clone()),
                None => *list = json!([ours.clone()]),
            }
            let found: Value = json(changed.text());
            assert_eq!(found, wanted, "{}", changed.text());
            // Not for the empty object with a blank in it: the blank is nobody's.
            assert!(changed.remove_from(&["hooks", "PreToolUse"], |value| *value == ours));
            let back = if text == "{ }" { "{}" } else { text };
            assert_eq!(changed.text(), back);
            assert!(!changed.remove_from(&["hooks", "PreToolUse"], |value| *value == ours));
        }
    }

    #[test]
    fn it_is_written_in_the_style_of_the_text() {
        let mut document = Document::parse("{\n    \"z\": 1\n}\n").expect("JSON");
        document.push(&["hooks", "Stop"], &json!({"a": 1})).expect("pushed");
        let wanted = "{\n    \"z\": 1,\n    \"hooks\": {\n        \"Stop\": [\n            {\n                \"a\": 1\n            }\n        ]\n    }\n}\n";
        assert_eq!(document.text(), wanted);
        let mut document = Document::parse("{\"z\":1}").expect("JSON");
        document.set(&["b"], &json!([1])).expect("set");
        assert_eq!(document.text(), "{\"z\":1, \"b\": [1]}");
    }

    #[test]
    fn elements_are_taken_out_wherever_they_stand() {
        for (text, left) in [
            ("{\"a\": [0, 1, 2]}", "{\"a\": [1, 2]}"),
            ("{\"a\": [1, 0, 2]}", "{\"a\": [1, 2]}"),
            ("{\"a\": [1, 0]}", "{\"a\": [1]}"),
            ("{\"a\": [0, 0, 1, 0]}", "{\"a\": [1]}"),
            ("{\"b\": 1, \"a\": [0, 0]}", "{\"b\": 1}"),
            ("{\"a\": [0], \"b\": 1}", "{\"b\": 1}"),
        ] {
            let mut document = Document::parse(text).expect("JSON");
            assert!(document.remove_from(&["a"], |value| *value == json!(0)));
            assert_eq!(document.text(), left, "{text}");
        }
    }

    #[test]
    fn what_is_not_json_or_not_an_object_is_refused() {
        for text in ["", "[]", "{\"a\": 1,}", "// x\n{}", "{} {}", "\u{feff}", "\u{feff}\u{feff}{}"] {
            assert!(Document::parse(text).is_err(), "{text:?}");
        }
        let mut document = Document::parse("{\"hooks\": []}").expect("JSON");
        assert!(document.push(&["hooks", "Stop"], &json!(1)).is_err());
        let mut document = Document::parse("{\"hooks\": {\"Stop\": {}}}").expect("JSON");
        assert!(document.push(&["hooks", "Stop"], &json!(1)).is_err());
    }
}
