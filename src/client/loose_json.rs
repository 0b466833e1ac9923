//! A JSON object of the client's, read as far as that goes: with half a surrogate pair, a key twice, a number without bounds.
//!
//! Pure. Cut strings make such files, and no manifest takes them in; what they say is worth knowing all the same.

use serde_json::{Value, json};

use crate::client::transcript::record::Fields;
use crate::client::transcript::recovery::mended_text;

/// An object of which single values are asked for.
pub struct LooseObject(String);

impl LooseObject {
    /// Takes a text that may be one.
    pub fn of(json: &[u8]) -> LooseObject {
        LooseObject(mended_text(json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json)))
    }

    /// Returns a value that is a text.
    pub fn text(&self, key: &str) -> Option<String> {
        Fields::read(self.0.as_bytes())?.text(key)
    }

    /// Says whether a value is `true`.
    pub fn is_true(&self, key: &str) -> bool {
        Fields::read(self.0.as_bytes()).is_some_and(|fields| fields.raw(key) == Some("true"))
    }

    /// Returns what is shown of a task; `None` if it is none.
    pub fn task(&self) -> Option<Value> {
        let (id, subject) = (self.text("id")?, self.text("subject"));
        Some(
            json!({"id": id, "subject": subject, "status": self.text("status"), "owner": self.text("owner")}),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_is_read() {
        for json in [
            r#"{"id":"1","subject":"cut \ud83d","status":"pending"}"#,
            r#"{"id":"0","id":"1","subject":"cut \ud83d","status":"pending","x":{"a":1,"a":2}}"#,
            "\u{feff}{\"id\":\"1\",\"n\":1e999,\"subject\":\"cut \\ufffd\",\"status\":\"pending\"}",
        ] {
            let task = LooseObject::of(json.as_bytes()).task();
            let wanted = json!({"id": "1", "subject": "cut \u{fffd}", "status": "pending", "owner": null});
            assert_eq!(task, Some(wanted), "{json}");
        }
        let meta =
            LooseObject::of(br#"{"finished":true,"agentType":"Explore","description":"\ud83d","n":1e999}"#);
        assert!(meta.is_true("finished") && !meta.is_true("agentType") && !meta.is_true("none"));
        assert_eq!(meta.text("agentType").as_deref(), Some("Explore"));
        for nothing in ["", "[]", "{", "{\"subject\":\"x\"}"] {
            assert_eq!(LooseObject::of(nothing.as_bytes()).task(), None, "{nothing}");
        }
    }
}
