//! The fields of a message and of its parts, declared once for everything that reads the records of a conversation.
//!
//! Pure. A field that is not of the expected kind is as good as missing; nothing else of its message is lost by that.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The fields of a message, as the API has them.
#[derive(Deserialize, Default)]
pub struct MessageFields<'a> {
    /// The id of the answer that it is a part of.
    #[serde(borrow, default, deserialize_with = "text")]
    pub id: Option<Cow<'a, str>>,
    /// The model that answered.
    #[serde(borrow, default, deserialize_with = "text")]
    pub model: Option<Cow<'a, str>>,
    /// A text, or a list of blocks.
    #[serde(borrow, default)]
    pub content: Option<&'a RawValue>,
    /// What it cost, in tokens.
    #[serde(borrow, default)]
    pub usage: Option<&'a RawValue>,
}

/// What an answer cost, in tokens.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Usage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
}

impl Usage {
    /// Returns how much the model was given.
    pub fn context(&self) -> u64 {
        let cached = self.cache_creation_input_tokens.saturating_add(self.cache_read_input_tokens);
        self.input_tokens.saturating_add(cached)
    }
}

/// The fields of one block of a message's content.
#[derive(Deserialize)]
pub struct BlockFields<'a> {
    /// What it is: `text`, `tool_use`, `tool_result`, …
    #[serde(rename = "type", borrow, default)]
    pub kind: Cow<'a, str>,
    /// Of a call, its id.
    #[serde(borrow, default, deserialize_with = "text")]
    pub id: Option<Cow<'a, str>>,
    /// Of a result, the id of its call.
    #[serde(borrow, default, deserialize_with = "text")]
    pub tool_use_id: Option<Cow<'a, str>>,
    /// Of a call, the tool.
    #[serde(borrow, default, deserialize_with = "text")]
    pub name: Option<Cow<'a, str>>,
    /// Of a call, what the tool is given.
    #[serde(borrow, default)]
    pub input: Option<&'a RawValue>,
    /// What it says. It may hold halves of characters, so it is not decoded here.
    #[serde(borrow, default)]
    pub text: Option<&'a RawValue>,
    /// The text of thinking.
    #[serde(borrow, default)]
    pub thinking: Option<&'a RawValue>,
    /// The signature of thinking.
    #[serde(borrow, default)]
    pub signature: Option<&'a RawValue>,
    /// Thinking that is encrypted.
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
    /// Of an image or document, its bytes or where they are.
    #[serde(borrow, default)]
    pub source: Option<&'a RawValue>,
    /// Of a result, what the tool answered.
    #[serde(borrow, default)]
    pub content: Option<&'a RawValue>,
    /// Of a result, whether the tool failed.
    #[serde(default, deserialize_with = "truth")]
    pub is_error: Option<bool>,
}

/// Reads a truth value; anything else is none.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let raw = Option::<&RawValue>::deserialize(deserializer)?;
    Ok(raw.and_then(|raw| serde_json::from_str(raw.get()).ok()))
}

/// Reads a text; anything else is none.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    let raw = Option::<&RawValue>::deserialize(deserializer)?;
    Ok(raw.and_then(|raw| serde_json::from_str::<Text<'_>>(raw.get()).ok()).map(|text| text.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_another_kind_is_missing_and_the_rest_is_there() {
        let json = r#"{"id":7,"model":"claude","content":[{"type":"tool_use","id":"c\u0031","name":null}]}"#;
        let message: MessageFields<'_> = serde_json::from_str(json).expect("a message");
        assert_eq!((message.id, message.model.as_deref()), (None, Some("claude")));
        let content = message.content.map_or("", RawValue::get);
        let blocks: Vec<BlockFields<'_>> = serde_json::from_str(content).expect("blocks");
        let [block] = blocks.as_slice() else { panic!("{} blocks", blocks.len()) };
        assert_eq!(
            (block.kind.as_ref(), block.id.as_deref(), block.name.as_deref()),
            ("tool_use", Some("c1"), None)
        );
    }
}
