//! The settings of one launch of the client: permission rules in a form that nothing splits.
//!
//! Pure. The client cuts a rule of `--allowedTools` at blanks behind its first `)`, whatever is escaped, so
//! one granted command could become another tool. From a list in JSON it takes each rule as it is written
//! (`tests/it/granted_rules.rs` shows that with the client itself).

use serde_json::{Map, Value};

use super::{GrantKind, Rule};
use crate::base::screen;

/// The most bytes of all of them; a system takes no word of a command line that is longer than 128 KiB.
const LARGEST: usize = 100_000;

/// Rules on their way to the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaunchRules {
    /// The value of `--settings`; `None` if there is nothing to say.
    pub settings: Option<String>,
    /// The rules that can't be passed, by their number, each with the reason.
    pub left: Vec<(usize, &'static str)>,
}

/// Puts rules into the settings of one launch, those that refuse first.
pub fn launch(rules: &[(GrantKind, &str)]) -> LaunchRules {
    let mut made = LaunchRules::default();
    let mut lists: Map<String, Value> = Map::new();
    let mut size = 0;
    let restricts = |kind: GrantKind| matches!(kind, GrantKind::Ask | GrantKind::Deny);
    let (first, then): (Vec<_>, Vec<_>) =
        rules.iter().enumerate().partition(|(_, (kind, _))| restricts(*kind));
    for (number, (kind, rule)) in first.into_iter().chain(then) {
        // What is no rule for us may be one for the client; as a refusal that does no harm.
        let text = match Rule::parse(rule) {
            Some(read) => read.text(),
            None if restricts(*kind) => (*rule).to_owned(),
            None => {
                made.left.push((number, "it can't be read as a rule"));
                continue;
            }
        };
        let value = Value::String(text);
        let bytes = value.to_string().len() + 1;
        if size + bytes > LARGEST {
            made.left.push((number, "it does not fit on the command line"));
            continue;
        }
        size += bytes;
        let list = lists.entry(kind.key()).or_insert_with(|| Value::Array(Vec::new()));
        if let Some(list) = list.as_array_mut().filter(|list| !list.contains(&value)) {
            list.push(value);
        }
    }
    if !lists.is_empty() {
        let permissions = Map::from_iter([("permissions".to_owned(), Value::Object(lists))]);
        let json = Value::Object(permissions).to_string();
        // As it is passed it can be printed, and typed again.
        made.settings = Some(screen::json(&json).to_string());
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_become_lists_and_what_can_not_be_passed_is_left() {
        let long = format!("Bash({})", "x".repeat(3_000));
        let mut rules = vec![
            (GrantKind::Session, r"Bash(echo \(x\) , Bash , y)"),
            (GrantKind::Session, "Bash(broken"),
            (GrantKind::Deny, "WebFetch"),
            (GrantKind::Deny, "WebFetch"),
            (GrantKind::Deny, "Bash(broken"),
            (GrantKind::Session, "Bash(a\n\"b\")"),
        ];
        let made = launch(&rules);
        assert_eq!(
            made.settings.as_deref(),
            Some(
                r#"{"permissions":{"allow":["Bash(echo \\(x\\) , Bash , y)","Bash(a\n\"b\")"],"deny":["WebFetch","Bash(broken"]}}"#
            )
        );
        assert_eq!(made.left, [(1, "it can't be read as a rule")]);
        rules.splice(0..0, std::iter::repeat_n((GrantKind::Session, long.as_str()), 40));
        let made = launch(&rules);
        let settings = made.settings.unwrap_or_default();
        assert!(settings.len() < 110_000 && settings.contains("WebFetch"), "refusals come first");
        assert!(made.left.len() > 5, "{:?}", made.left);
        assert_eq!(launch(&[]), LaunchRules::default());
    }
}
