//! The JSON Schema of a manifest, generated from the types: `docs/manifest.schema.json`.
//!
//! Only built for tests. Describes the manifests that `snap` writes, this version and all before it. The
//! descriptions are the doc comments. For a value with a text form of its own (an id, a path, a moment), the
//! form is described here, as those types read and write it.

use std::borrow::Cow;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::envelope::{FORMAT, UNDERSTOOD};
use super::{Bits, Manifest};
use crate::base::digest::ObjectId;
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::paths::{NativePath, RepoPath};
use crate::base::timestamp::Timestamp;

/// A whole manifest: its keys, and the last lines of its file.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema counts")]
struct WholeFile {
    #[schemars(flatten)]
    manifest: Manifest,
    /// An SSH signature over everything before it, armoured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    /// The mark that only the key of the user who saved it can make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mac: Option<ObjectId>,
    /// The BLAKE3 hash of the whole file with 64 zeros in this place.
    checksum: ObjectId,
}

/// Gives a type of ours that writes itself as text the schema of that text.
macro_rules! text {
    ($type:ident, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

text!(SnapshotId, "SnapshotId", {
    "description": "The identity of a snapshot: 32 random digits.",
    "type": "string",
    "pattern": "^[0-9a-f]{32}$",
});
text!(ClientId, "ClientId", {
    "description": "The client's id of a session or an agent: a plain file name.",
    "type": "string",
    "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$",
});
text!(ObjectId, "Hash", {
    "description": "A BLAKE3 hash.",
    "type": "string",
    "pattern": "^[0-9a-f]{64}$",
});
text!(Timestamp, "Time", {
    "description": "RFC 3339, written in UTC with milliseconds, read with any offset.",
    "type": "string",
    "format": "date-time",
});
text!(Bits, "PermissionBits", {
    "description": "Permission bits: four octal digits.",
    "type": "string",
    "pattern": "^0[0-7]{3}$",
});

/// Says how the bytes of a path stand in JSON.
fn path_schema(what: &str, text: &Schema) -> Schema {
    json_schema!({
        "description": what,
        "oneOf": [
            text,
            {
                "description": "Its bytes in hexadecimal, if they are not UTF-8.",
                "type": "object",
                "properties": { "hex": { "type": "string", "pattern": "^([0-9a-f]{2})+$" } },
                "required": ["hex"],
            },
        ],
    })
}

impl JsonSchema for RepoPath {
    fn schema_name() -> Cow<'static, str> {
        "TreePath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // The reader refuses more: every name that some file system opens as `.git`.
        let inside = r"^(?!/)(?!.*//)(?!.*/$)(?!(.*/)?\.\.?(/|$))";
        let text = json_schema!({ "type": "string", "minLength": 1, "maxLength": 4096, "pattern": inside });
        path_schema(
            "A path inside a folder, such as the root of the work tree, with `/` between names.",
            &text,
        )
    }
}

impl JsonSchema for NativePath {
    fn schema_name() -> Cow<'static, str> {
        "MachinePath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = json_schema!({ "type": "string", "maxLength": 4096 });
        path_schema("An absolute path on the machine that saved.", &text)
    }
}

/// Makes the schema's text.
fn generate() -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    // Links between doc comments mean nothing here.
    let plain = |schema: &mut Schema| {
        if let Some(serde_json::Value::String(text)) = schema.get_mut("description") {
            *text = text.replace("[`", "`").replace("`]", "`").replace("super::", "");
        }
    };
    let generator = settings.with_transform(RecursiveTransform(plain)).into_generator();
    let mut schema = generator.into_root_schema_for::<WholeFile>();
    schema.insert("title".to_owned(), format!("A snapshot's manifest, format {FORMAT}").into());
    schema.insert("$id".to_owned(), "manifest.schema.json".into());
    let mut schema = schema.to_value();
    schema["properties"]["format"] = serde_json::json!({
        "description": "The version of the format.", "const": FORMAT,
    });
    schema["properties"]["requires"]["items"] = serde_json::json!({ "enum": UNDERSTOOD });
    serde_json::to_string_pretty(&schema).expect("JSON") + "\n"
}

#[test]
fn the_schema_in_the_documents_is_that_of_the_types() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/manifest.schema.json");
    let schema = generate();
    if std::env::var_os("SNAP_BLESS").is_some() {
        std::fs::write(&file, &schema).expect("written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == schema,
        "`SNAP_BLESS=1 cargo test --lib schema` writes docs/manifest.schema.json anew"
    );
}
