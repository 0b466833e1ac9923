//! A decision on one tool call, as the client records it with the call's result.
//!
//! Pure. What a rule or the mode decided is none: those are captured themselves.

use std::borrow::Cow;

use serde::Deserialize;

use crate::manifest::Decision;

/// What is looked at in `permissionDecision`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PermissionDecision<'a> {
    #[serde(borrow, default)]
    decision: Cow<'a, str>,
    #[serde(borrow, default)]
    source: Cow<'a, str>,
    #[serde(borrow, default)]
    grant_scope: Option<Cow<'a, str>>,
}

impl PermissionDecision<'_> {
    /// Returns it if a person took it; `call` is the tool, and what it was about.
    pub(super) fn of_person(self, call: (String, String), at: Option<&str>) -> Option<Decision> {
        let scope = match (self.source.as_ref(), self.grant_scope.as_deref()) {
            ("user_permanent", _) => "permanent",
            (_, Some("session")) => "session",
            (source, _) if source.starts_with("user") => "once",
            _ => return None,
        };
        Some(Decision {
            tool: call.0,
            detail: call.1,
            decision: self.decision.into_owned(),
            scope: scope.to_owned(),
            at: at.and_then(|at| at.parse().ok()),
            rules: None,
        })
    }
}
