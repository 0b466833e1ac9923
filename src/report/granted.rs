//! What a snapshot's session was granted: its mode, what holds for the session, and the rules. Pure.

use serde::Serialize;

use super::hiding::Hiding;
use crate::manifest::{Manifest, ProjectRules};

/// Something that was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Grant {
    /// The mode or the rule.
    pub(super) text: String,
    /// `mode`, `session`, `allow`, `ask` or `deny`.
    pub(super) scope: String,
    /// The settings file or option that it is from.
    pub(super) source: String,
}

/// Returns what was granted; `given` says what a call was given.
pub(super) fn grants(
    manifest: &Manifest,
    hiding: &Hiding,
    given: &dyn Fn(&str, &str) -> String,
) -> Vec<Grant> {
    let permissions = &manifest.permissions;
    let grant = |text: String, scope: &str, source: &str| Grant {
        text,
        scope: scope.to_owned(),
        source: source.to_owned(),
    };
    let mode = permissions.mode.iter().map(|mode| grant(mode.clone(), "mode", ""));
    let for_session = permissions.session.iter().map(|one| {
        grant(format!("{} {}", one.decision, given(&one.tool, &one.detail)), "session", "for the session")
    });
    let mut all: Vec<Grant> = mode.chain(for_session).collect();
    let mut take = |rules: &ProjectRules| {
        for (scope, rules) in [("allow", &rules.allow), ("ask", &rules.ask), ("deny", &rules.deny)] {
            let shown = rules.iter().filter(|rule| !hiding.is_named_in(&rule.rule));
            all.extend(shown.map(|rule| grant(rule.rule.clone(), scope, &rule.file)));
        }
    };
    take(&permissions.project);
    take(&permissions.launch);
    all
}
