//! The JSON Schema of manifests: every manifest that a test saves must be as `docs/manifest.schema.json` says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

use super::Must;

/// Larger manifests are not looked at: a build for tests takes long over them.
const LARGEST: u64 = 1 << 20;

/// The file of the schema.
pub(crate) fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/manifest.schema.json")
}

/// The schema, as it is.
pub(crate) fn schema() -> Value {
    let text = fs::read(file()).must("the schema");
    serde_json::from_slice(&text).must("the schema is JSON")
}

/// Says what in a manifest is not as the schema says.
pub(crate) fn faults(manifest: &Value) -> Vec<String> {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    let validator = VALIDATOR.get_or_init(|| {
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        options.build(&schema()).must("a schema")
    });
    validator.iter_errors(manifest).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// The manifests of a store that some command is about to add to.
pub(crate) struct Watch {
    store: PathBuf,
    before: BTreeSet<PathBuf>,
}

impl Watch {
    /// Takes a note of what is there.
    pub(crate) fn begin(store: PathBuf) -> Watch {
        let before = manifests(&store);
        Watch { store, before }
    }

    /// Checks the manifests that were added since.
    #[track_caller]
    pub(crate) fn check_new(self) {
        for path in manifests(&self.store).difference(&self.before) {
            if path.metadata().is_ok_and(|meta| meta.len() <= LARGEST) {
                check(path);
            }
        }
    }
}

/// Fails the test if a manifest is not as the schema says.
#[track_caller]
pub(crate) fn check(path: &Path) {
    let manifest = serde_json::from_slice(&fs::read(path).must("a manifest")).must("JSON");
    let faults = faults(&manifest);
    assert!(
        faults.is_empty(),
        "{} is not as docs/manifest.schema.json says:\n{}",
        path.display(),
        faults.join("\n")
    );
}

/// The manifests of a store.
pub(crate) fn manifests(store: &Path) -> BTreeSet<PathBuf> {
    let Ok(entries) = fs::read_dir(store) else { return BTreeSet::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect()
}
