//! What a manifest says of the way from one version of a file to another.
//!
//! Only the structs and the words; `docs/format.md` describes every key.

use serde::{Deserialize, Serialize};

use super::{Content, ObjectRef, Redaction};
use crate::base::digest::ObjectId;
use crate::manifest::conversion::Recipe;

/// How to make one version of a file from another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "StatedDiff")]
pub struct Diff {
    /// The form of `content`.
    pub form: DiffForm,
    /// The size of the result in bytes.
    pub bytes: u64,
    /// The hunks, the delta or the whole.
    #[serde(flatten)]
    pub content: Content,
    /// What it leads from, if that is not the base: what an earlier snapshot has of a new file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Content>,
    /// How the result, which is what git compares, becomes what is on the disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converted: Option<Converted>,
    /// What was redacted in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
}

/// A diff as it stands in a manifest. There are thousands of them; read as a flattened enum each
/// would be built three times.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct StatedDiff {
    form: DiffForm,
    bytes: u64,
    text: Option<String>,
    object: Option<ObjectId>,
    size: Option<u64>,
    chunks: Option<Vec<ObjectRef>>,
    earlier: Option<Content>,
    converted: Option<Converted>,
    redaction: Option<Redaction>,
}

impl TryFrom<StatedDiff> for Diff {
    type Error = &'static str;

    fn try_from(stated: StatedDiff) -> Result<Diff, &'static str> {
        let content = match (stated.text, stated.object.zip(stated.size), stated.chunks) {
            (Some(text), ..) => Content::Text { text },
            (None, Some((object, size)), _) => Content::Object(ObjectRef { object, size }),
            (None, None, Some(chunks)) => Content::Chunks { chunks },
            (None, None, None) => return Err("a diff without content"),
        };
        let StatedDiff { form, bytes, earlier, converted, redaction, .. } = stated;
        Ok(Diff { form, bytes, content, earlier, converted, redaction })
    }
}

impl Diff {
    /// Makes one whose result is what was saved, as it was.
    pub(crate) fn of(form: DiffForm, bytes: u64, content: Content) -> Diff {
        Diff { form, bytes, content, earlier: None, converted: None, redaction: None }
    }

    /// Says whether the base version is needed to make anything of it.
    pub fn needs_base(&self) -> bool {
        self.form != DiffForm::Whole && self.earlier.is_none()
    }

    /// Returns every object that it needs.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectRef> {
        let earlier = self.earlier.iter().flat_map(Content::objects);
        let delta = self.converted.iter().filter_map(|converted| converted.by.delta());
        self.content.objects().iter().chain(earlier).chain(delta.flat_map(Content::objects))
    }
}

/// What git compares of a file that it converts, and how that becomes what is on the disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Converted {
    /// The id of what git compares, as a blob.
    #[cfg_attr(test, schemars(regex(pattern = "^([0-9a-f]{40}|[0-9a-f]{64})$")))]
    pub oid: String,
    /// The size of what is on the disk.
    pub bytes: u64,
    /// How it is made.
    #[serde(flatten)]
    pub by: ConvertedBy,
}

/// How what is on the disk is made from what git compares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ConvertedBy {
    /// By a rule.
    Recipe {
        /// The rule.
        recipe: Recipe,
    },
    /// By a zstd frame with what git compares as prefix.
    Delta {
        /// The frame.
        delta: Content,
    },
}

impl ConvertedBy {
    fn delta(&self) -> Option<&Content> {
        match self {
            ConvertedBy::Recipe { .. } => None,
            ConvertedBy::Delta { delta } => Some(delta),
        }
    }
}

/// The form of a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DiffForm {
    /// Unified text hunks against the old content.
    Hunks,
    /// A zstd frame with the old content as prefix.
    Delta,
    /// The new content itself.
    Whole,
}
