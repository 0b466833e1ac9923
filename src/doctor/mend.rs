//! What becomes of each record of a conversation that is mended.
//!
//! Pure. A record that is not named in the plan stays as it is, byte for byte, and so does every part of one that is: of a
//! changed message, only the parts that are named are others. A record that is left out is never followed by one that
//! stays: those that followed it follow the one before it.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::json;
use serde_json::value::RawValue;

use super::conversation_record::PartPlace;
use crate::client::transcript::record::Fields;

/// What to do with the records, by their numbers in the file, from 1.
#[derive(Clone, Debug, Default)]
pub(super) struct MendPlan {
    /// The parts that become something else, by the record and the place in it.
    pub(super) parts: BTreeMap<u64, BTreeMap<PartPlace, NewPart>>,
    /// The records that are left out.
    pub(super) left_out: HashSet<u64>,
    /// The records that follow another one than before.
    pub(super) parents: HashMap<u64, Option<Box<str>>>,
    /// The ids that a record about the conversation may point to; `None` if all may stay.
    pub(super) leaves: Option<HashSet<Box<str>>>,
}

/// What a part of a message becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NewPart {
    /// Nothing.
    Removed,
    /// A text.
    Text(String),
    /// The same image, under its true type.
    MediaType(&'static str),
    /// The same call or result, under another id.
    Id(Box<str>),
    /// The same call, with this input.
    Input(Box<str>),
    /// The same text, in a list.
    Listed,
    /// The same call, of a tool of this name.
    Name(&'static str),
    /// What the second makes of what the first makes of it.
    Both(Box<NewPart>, Box<NewPart>),
}

impl NewPart {
    /// Returns what becomes of a part that is changed once more.
    pub(super) fn and(self, other: NewPart) -> NewPart {
        match (self, other) {
            (NewPart::Removed, _) | (_, NewPart::Removed) => NewPart::Removed,
            (first, second) => NewPart::Both(Box::new(first), Box::new(second)),
        }
    }
}

impl MendPlan {
    /// Returns what becomes of a record, without a line end: `None` if it is left out.
    pub(super) fn record(&self, number: u64, record: &[u8]) -> Option<Vec<u8>> {
        let record = record.trim_ascii_end();
        if self.left_out.contains(&number) || self.points_to_nothing(record) {
            return None;
        }
        let (parts, parent) = (self.parts.get(&number), self.parents.get(&number));
        let changed = if parts.is_none() && parent.is_none() { None } else { Fields::read(record) };
        let Some(mut fields) = changed else { return Some(record.to_vec()) };
        if let Some(parent) = parent {
            fields.set("parentUuid", json!(parent.as_deref()).to_string());
        }
        if let Some(message) = parts.and_then(|parts| message_with(&fields, parts)) {
            fields.set("message", message);
        } else if let Some(attachment) = parts.and_then(|parts| attachment_with(&fields, parts)) {
            fields.set("attachment", attachment);
        }
        Some(fields.write().into_bytes())
    }

    /// Says whether a record is about a message that is left out.
    fn points_to_nothing(&self, record: &[u8]) -> bool {
        let Some(leaves) = &self.leaves else { return false };
        if memchr::memmem::find(record, b"\"leafUuid\"").is_none() {
            return false;
        }
        let leaf = Fields::read(record).filter(|fields| fields.raw("uuid").is_none());
        leaf.and_then(|fields| fields.text("leafUuid")).is_some_and(|leaf| !leaves.contains(leaf.as_str()))
    }
}

/// Writes a record's message with some of its parts changed.
fn message_with(record: &Fields<'_>, parts: &BTreeMap<PartPlace, NewPart>) -> Option<String> {
    let mut message = record.object("message")?;
    let whole = message.raw("content")?;
    if parts.get(&PartPlace::default()) == Some(&NewPart::Listed) {
        let listed = format!("[{{\"type\":\"text\",\"text\":{whole}}}]");
        message.set("content", listed);
        return Some(message.write());
    }
    let content = list_with(whole, |block, raw| {
        let inner =
            parts.range(PartPlace { block, inner: Some(0) }..).take_while(|(place, _)| place.block == block);
        let inner: BTreeMap<usize, &NewPart> =
            inner.filter_map(|(place, part)| Some((place.inner?, part))).collect();
        match parts.get(&PartPlace { block, inner: None }) {
            Some(part) => new_part(raw, part),
            None if inner.is_empty() => Some(raw.to_owned()),
            None => Some(result_with(raw, &inner).unwrap_or_else(|| raw.to_owned())),
        }
    })?;
    message.set("content", content);
    Some(message.write())
}

/// Writes an attached image as a text, or with its true type.
fn attachment_with(record: &Fields<'_>, parts: &BTreeMap<PartPlace, NewPart>) -> Option<String> {
    let mut attachment = record.object("attachment")?;
    let mut content = attachment.object("content")?;
    let mut file = content.object("file")?;
    match parts.get(&PartPlace::default())? {
        NewPart::Text(text) => {
            let path = file.raw("filePath").or_else(|| attachment.raw("filename")).unwrap_or("\"\"");
            let file = format!(
                "{{\"filePath\":{path},\"content\":{},\"numLines\":1,\"startLine\":1,\"totalLines\":1}}",
                json!(text)
            );
            attachment.set("content", format!("{{\"type\":\"text\",\"file\":{file}}}"));
        }
        NewPart::MediaType(is) => {
            file.set("type", json!(is).to_string());
            let file = file.write();
            content.set("file", file);
            let content = content.write();
            attachment.set("content", content);
        }
        NewPart::Removed
        | NewPart::Id(_)
        | NewPart::Input(_)
        | NewPart::Listed
        | NewPart::Name(_)
        | NewPart::Both(..) => return None,
    }
    Some(attachment.write())
}

/// Writes a tool's result with some of its parts changed.
fn result_with(block: &str, parts: &BTreeMap<usize, &NewPart>) -> Option<String> {
    let mut block = Fields::read(block.as_bytes())?;
    let content = list_with(block.raw("content")?, |number, raw| match parts.get(&number) {
        Some(part) => new_part(raw, part),
        None => Some(raw.to_owned()),
    })?;
    block.set("content", content);
    Some(block.write())
}

fn list_with(list: &str, each: impl Fn(usize, &str) -> Option<String>) -> Option<String> {
    let items: Vec<&RawValue> = serde_json::from_str(list).ok()?;
    let items = items.into_iter().enumerate().filter_map(|(number, raw)| each(number, raw.get()));
    Some(format!("[{}]", items.collect::<Vec<_>>().join(",")))
}

fn new_part(raw: &str, part: &NewPart) -> Option<String> {
    match part {
        NewPart::Removed => None,
        NewPart::Text(text) => Some(json!({"type": "text", "text": text}).to_string()),
        NewPart::MediaType(media_type) => {
            Some(with_media_type(raw, media_type).unwrap_or_else(|| raw.to_owned()))
        }
        NewPart::Id(id) => Some(with_id(raw, id).unwrap_or_else(|| raw.to_owned())),
        NewPart::Input(input) => Some(with_input(raw, input).unwrap_or_else(|| raw.to_owned())),
        NewPart::Name(name) => Some(with_name(raw, name).unwrap_or_else(|| raw.to_owned())),
        NewPart::Both(first, second) => new_part(&new_part(raw, first)?, second),
        // Of the whole content, not of a part.
        NewPart::Listed => Some(raw.to_owned()),
    }
}

fn with_input(raw: &str, input: &str) -> Option<String> {
    let mut block = Fields::read(raw.as_bytes())?;
    block.set("input", input.to_owned());
    Some(block.write())
}

fn with_name(raw: &str, name: &str) -> Option<String> {
    let mut block = Fields::read(raw.as_bytes())?;
    block.set("name", json!(name).to_string());
    Some(block.write())
}

fn with_media_type(raw: &str, media_type: &str) -> Option<String> {
    let mut block = Fields::read(raw.as_bytes())?;
    let mut source = block.object("source")?;
    source.set("media_type", json!(media_type).to_string());
    let source = source.write();
    block.set("source", source);
    Some(block.write())
}

fn with_id(raw: &str, id: &str) -> Option<String> {
    let mut block = Fields::read(raw.as_bytes())?;
    let field = if block.raw("tool_use_id").is_some() { "tool_use_id" } else { "id" };
    block.set(field, json!(id).to_string());
    Some(block.write())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"type":"user","uuid":"a","parentUuid":"p","n":1.50,"message":{"role":"user","content":[{"type":"text","text":"x"},{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"AA=="}},{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"y"},{"type":"image","source":{}}]}]}}"#;

    fn place(block: usize, inner: Option<usize>) -> PartPlace {
        PartPlace { block, inner }
    }

    fn changed(parts: &[(PartPlace, NewPart)]) -> String {
        let parts = BTreeMap::from([(7, parts.iter().cloned().collect())]);
        let plan = MendPlan { parts, ..MendPlan::default() };
        String::from_utf8(plan.record(7, RECORD.as_bytes()).expect("a record")).expect("UTF-8")
    }

    #[test]
    fn only_the_parts_that_are_named_become_others() {
        assert_eq!(changed(&[]), RECORD);
        assert_eq!(
            changed(&[(place(1, None), NewPart::Text("gone".to_owned()))]),
            RECORD.replace(
                r#"{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"AA=="}}"#,
                r#"{"text":"gone","type":"text"}"#
            )
        );
        assert_eq!(
            changed(&[(place(1, None), NewPart::MediaType("image/png"))]),
            RECORD.replace("image/jpeg", "image/png")
        );
        assert_eq!(
            changed(&[(place(2, Some(1)), NewPart::Text("gone".to_owned()))]),
            RECORD.replace(r#"{"type":"image","source":{}}"#, r#"{"text":"gone","type":"text"}"#)
        );
        assert_eq!(
            changed(&[(place(0, None), NewPart::Removed), (place(2, None), NewPart::Id("t-2".into()))]),
            RECORD.replace(r#"{"type":"text","text":"x"},"#, "").replace(r#":"t","#, r#":"t-2","#)
        );
    }

    #[test]
    fn a_record_can_go_and_follow_another() {
        let plan = MendPlan {
            left_out: HashSet::from([1]),
            parents: HashMap::from([(2, Some("q".into())), (3, None)]),
            leaves: Some(HashSet::from(["a".into()])),
            ..MendPlan::default()
        };
        assert_eq!(plan.record(1, RECORD.as_bytes()), None);
        let text =
            |number| String::from_utf8(plan.record(number, RECORD.as_bytes()).expect("kept")).expect("UTF-8");
        assert_eq!(text(2), RECORD.replace(r#":"p""#, r#":"q""#));
        assert_eq!(text(3), RECORD.replace(r#":"p""#, ":null"));
        assert_eq!(text(4), RECORD);
        let pointer = |leaf: &str| format!(r#"{{"type":"last-prompt","leafUuid":"{leaf}"}}"#);
        assert!(plan.record(5, pointer("a").as_bytes()).is_some());
        assert!(plan.record(5, pointer("b").as_bytes()).is_none());
    }
}
