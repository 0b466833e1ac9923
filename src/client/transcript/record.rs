//! One record of a transcript as its top-level fields, whose values stay the bytes that they were.
//!
//! Pure. Values are neither built nor measured, so a record may nest as deep as it likes. Of a field that is there
//! twice the last counts, as for the client.

use std::borrow::Cow;
use std::fmt;

use memchr::memmem::Finder;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object with more fields than this is none of the client's.
const MOST_FIELDS: usize = 1_000;

/// Words of which a line has to hold one to be worth a closer look.
pub(in crate::client) struct MarkFinder(Vec<Finder<'static>>);

impl MarkFinder {
    pub(in crate::client) fn of(words: &[&'static str]) -> MarkFinder {
        MarkFinder(words.iter().map(|word| Finder::new(*word)).collect())
    }

    /// Says whether a line holds one of them.
    pub(in crate::client) fn any(&self, line: &[u8]) -> bool {
        self.0.iter().any(|word| word.find(line).is_some())
    }
}

/// The fields of a JSON object, in order.
pub struct Fields<'a>(Vec<(String, Cow<'a, str>)>);

impl<'a> Fields<'a> {
    /// Reads a JSON object; `None` for anything else.
    pub fn read(json: &'a [u8]) -> Option<Fields<'a>> {
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        serde_json::from_slice(json).ok()
    }

    /// Returns a field's value, as JSON.
    pub fn raw(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_ref())
    }

    /// Returns all fields with their values, as JSON, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_ref()))
    }

    /// Returns a field's value if it is a text.
    pub fn text(&self, key: &str) -> Option<String> {
        self.raw(key).and_then(|raw| serde_json::from_str(raw).ok())
    }

    /// Returns a field's value if it is an object.
    pub fn object(&self, key: &str) -> Option<Fields<'_>> {
        self.raw(key).and_then(|raw| Fields::read(raw.as_bytes()))
    }

    /// Sets a field to a JSON text.
    pub fn set(&mut self, key: &str, json: String) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, value)) => *value = Cow::Owned(json),
            None => self.0.push((key.to_owned(), Cow::Owned(json))),
        }
    }

    /// Takes a field out; says whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(name, _)| name != key);
        self.0.len() < before
    }

    /// Keeps the fields that pass.
    pub fn retain(&mut self, passes: impl Fn(&str) -> bool) {
        self.0.retain(|(name, _)| passes(name));
    }

    /// Writes the object on one line.
    pub fn write(&self) -> String {
        let field = |(name, value): &(String, Cow<'_, str>)| {
            format!("{}:{}", serde_json::Value::String(name.clone()), value)
        };
        format!("{{{}}}", self.0.iter().map(field).collect::<Vec<_>>().join(","))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields<'a>, D::Error> {
        deserializer.deserialize_map(FieldsVisitor).map(Fields)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(String, Cow<'de, str>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut fields: Vec<(String, Cow<'de, str>)> = Vec::new();
        while let Some((key, value)) = object.next_entry::<String, &'de RawValue>()? {
            if fields.len() == MOST_FIELDS {
                return Err(serde::de::Error::custom("too many fields"));
            }
            let value = Cow::Borrowed(value.get());
            match fields.iter_mut().find(|(name, _)| *name == key) {
                Some(field) => field.1 = value,
                None => fields.push((key, value)),
            }
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_bytes_and_the_last_of_a_name_counts() {
        let text = r#"{"b": [1,  2.50], "a":"x","b":{"c":  null}, "\u0074ype":"user"}"#;
        let mut fields = Fields::read(text.as_bytes()).expect("an object");
        assert_eq!(fields.raw("b"), Some(r#"{"c":  null}"#));
        assert_eq!((fields.text("a").as_deref(), fields.text("type").as_deref()), (Some("x"), Some("user")));
        assert!(fields.object("b").is_some() && fields.object("a").is_none());
        fields.set("a", "7".to_owned());
        assert!(fields.remove("b") && !fields.remove("b"));
        assert_eq!(fields.write(), r#"{"a":7,"type":"user"}"#);
        for no in ["", "[]", "7", "{", "{\"a\":1} x", "null"] {
            assert!(Fields::read(no.as_bytes()).is_none(), "{no}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Fields::read(deep.as_bytes()).expect("an object").write(), deep);
    }
}
