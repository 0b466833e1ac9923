//! The blocks of a message as text for people: what is said, images, and a word for everything else.
//!
//! Pure.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::transcript::call::Image;
use crate::client::transcript::fields::BlockFields;
use crate::client::transcript::record::Fields;
use crate::client::transcript::recovery::text_of;

#[derive(Deserialize)]
struct MediaSource<'a> {
    #[serde(borrow, default)]
    media_type: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Cow<'a, str>,
}

/// Returns the name of the tag that a text of the client's begins with.
pub(super) fn tag_of(text: &str) -> &str {
    let name = text.trim_start().strip_prefix('<').and_then(|rest| rest.split_once('>'));
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    name.map(|(name, _)| name).filter(|name| is_name(name)).unwrap_or("notice")
}

pub(super) fn images<'a>(blocks: &'a [BlockFields<'_>]) -> impl Iterator<Item = Image> + 'a {
    blocks.iter().filter(|block| block.kind == "image").filter_map(|block| {
        let source = block.source.and_then(read::<MediaSource<'_>>)?;
        Some(Image { media: source.media_type.into_owned(), base64: source.data.into_owned() })
    })
}

/// Returns what is in blocks of other kinds than text and images: as it is, where it is text.
pub(super) fn others(blocks: &[BlockFields<'_>]) -> String {
    let others = blocks.iter().filter(|block| !matches!(block.kind.as_ref(), "text" | "image"));
    let text = |block: &BlockFields<'_>| match block.source.and_then(read::<MediaSource<'_>>) {
        Some(source) if source.media_type.starts_with("text/") => source.data.into_owned(),
        _ => format!("[{}: not shown]", block.kind),
    };
    others.map(text).collect::<Vec<_>>().join("\n")
}

/// Returns the fields of an object as lines, but for its type.
pub(super) fn fields_text(object: &RawValue) -> String {
    let Some(fields) = Fields::read(object.get().as_bytes()) else { return String::new() };
    let value = |raw: &str| text_of(raw).unwrap_or_else(|| raw.to_owned());
    let lines = fields.pairs().filter(|(name, _)| *name != "type");
    lines.map(|(name, raw)| format!("{name}: {}\n", value(raw))).collect()
}

/// Returns what is said in place of a document.
pub(super) fn document(block: &BlockFields<'_>) -> String {
    let source = block.source.and_then(read::<MediaSource<'_>>);
    let bytes = source.map_or(0, |source| source.data.len() / 4 * 3);
    format!("A document of {bytes} bytes.")
}

/// Returns a text, or the texts of these blocks, if there is any.
pub(super) fn said(content: &RawValue, blocks: &[BlockFields<'_>]) -> Option<String> {
    if content.get().starts_with('"') {
        return text_of(content.get());
    }
    let texts = blocks.iter().filter(|block| block.kind == "text");
    let texts: Vec<String> = texts.filter_map(|block| text_of(block.text?.get())).collect();
    Some(texts.join("\n")).filter(|said| !said.is_empty())
}

/// Reads an object or a list; a text is none.
pub(super) fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    Some(raw.get()).filter(|raw| !raw.starts_with('"')).and_then(|raw| serde_json::from_str(raw).ok())
}
