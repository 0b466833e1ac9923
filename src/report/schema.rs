//! The JSON Schema of a report, generated from the types: `docs/report.schema.json`.
//!
//! Only built for tests.

use std::path::Path;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;

use super::as_json::{RECORD_FORMAT, WholeReport};

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
    let mut schema = generator.into_root_schema_for::<WholeReport>();
    schema.insert("title".to_owned(), format!("A report, format {RECORD_FORMAT}").into());
    schema.insert("$id".to_owned(), "report.schema.json".into());
    let mut schema = schema.to_value();
    schema["properties"]["format"] = serde_json::json!({
        "description": "The version of this form.", "const": RECORD_FORMAT,
    });
    serde_json::to_string_pretty(&schema).expect("JSON") + "\n"
}

#[test]
fn the_schema_of_reports_in_the_documents_is_that_of_the_types() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.schema.json");
    let schema = generate();
    if std::env::var_os("SNAP_BLESS").is_some() {
        std::fs::write(&file, &schema).expect("written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == schema, "`SNAP_BLESS=1 cargo test --lib schema` writes docs/report.schema.json anew");
}
