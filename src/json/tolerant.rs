//! JSON as most programs read it: with numbers that no value can hold (`1e999`) and lists of any depth.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// How deep a value that can't be taken as a whole is taken apart: all that is asked of settings is less deep.
const DEEPEST: usize = 8;

/// Reads a value; what can't be held of it becomes `null`. `None` if it is no JSON.
pub fn value_of(json: &str) -> Option<Value> {
    let raw: &RawValue = serde_json::from_str(json).ok()?;
    Some(value_within(raw.get(), DEEPEST))
}

fn value_within(json: &str, depth: usize) -> Value {
    if let Ok(value) = serde_json::from_str(json) {
        return value;
    }
    let Some(depth) = depth.checked_sub(1) else { return Value::Null };
    if let Ok(fields) = serde_json::from_str::<BTreeMap<String, &RawValue>>(json) {
        return fields.into_iter().map(|(key, raw)| (key, value_within(raw.get(), depth))).collect();
    }
    if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json) {
        return items.into_iter().map(|raw| value_within(raw.get(), depth)).collect();
    }
    Value::Null
}
