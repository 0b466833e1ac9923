//! Secrets that stand in a step itself: they are not said to whoever looks at the screen, and are in no name.

use serde_json::Value;

use crate::context::Context;
use crate::risk::Risk;
use crate::secrets::{Scanner, worth_knowing};

/// Half a secret that is shorter than this is none.
const SHORTEST: usize = 4;

/// Stands for one.
const LEFT_OUT: &str = "\u{2026}";

/// Takes the secrets out of what is said of steps. A step is cut to a few words, so half of one may be left of it.
pub(super) fn take_out(risks: &mut [Risk], input: &Value, context: &Context) {
    if risks.is_empty() {
        return;
    }
    let known = context.variables.0.iter().flat_map(|(name, value)| worth_knowing(name, value));
    let scanner = Scanner::new(known.collect());
    let mut values = Vec::new();
    let json = input.to_string();
    let _unchanged = scanner.redact_json(json.as_bytes(), &mut |hit| {
        // As the shell joins it.
        let value = String::from_utf8_lossy(hit.value).replace("\\\n", "");
        values.push(value);
        None
    });
    for risk in risks {
        clean(&mut risk.step, &values, &scanner);
        risk.touched.unknown.iter_mut().for_each(|text| clean(text, &values, &scanner));
    }
}

fn clean(text: &mut String, values: &[String], scanner: &Scanner) {
    for value in values {
        *text = text.replace(value, LEFT_OUT);
        let Some(whole) = text.strip_suffix(LEFT_OUT) else { continue };
        let starts = value.char_indices().map(|(at, _)| &value[..at]).rev();
        let left = starts.take_while(|start| start.len() >= SHORTEST).find(|start| whole.ends_with(start));
        if let Some(left) = left {
            *text = format!("{}{LEFT_OUT}", &whole[..whole.len() - left.len()]);
        }
    }
    let redacted = scanner.redact_text(text.as_bytes(), &mut |_| Some(LEFT_OUT.to_owned()));
    if let Some(redacted) = redacted {
        *text = String::from_utf8_lossy(&redacted).into_owned();
    }
}
