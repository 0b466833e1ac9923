//! What a search finds: where a secret is, what it is, and whose value it is.

use std::ops::Range;

/// A secret that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it is.
    pub span: Range<usize>,
    /// What it is: a vendor's kind, `known`, `secret`, or `seen` if it was found in another place of
    /// the save.
    pub kind: &'static str,
    /// Whether it is one for certain; else its name and its look say so.
    pub sure: bool,
    /// The variable that held it, as far as that is known.
    pub name: Option<String>,
    /// What that variable holds, as far as it is known: what is found may be a part of it, or it in a code.
    pub value: Option<String>,
}

/// Makes one finding of those that overlap: the surer kind, then the longer one, names it.
pub(super) fn merged(mut findings: Vec<Finding>) -> Vec<Finding> {
    let weight =
        |finding: &Finding| (finding.sure, !matches!(finding.kind, "known" | "seen"), finding.span.len());
    let known = |finding: &Finding| finding.name.clone().filter(|_| finding.kind == "known");
    findings.sort_by_key(|finding| finding.span.start);
    let mut all: Vec<Finding> = Vec::new();
    for finding in findings {
        match all.last_mut() {
            Some(last) if finding.span.start < last.span.end => {
                let span = last.span.start..last.span.end.max(finding.span.end);
                let name = known(last).or(known(&finding)).or(last.name.clone()).or(finding.name.clone());
                let is_better = weight(&finding) > weight(last);
                // Only what is all of it, and gives it its name, says what the variable holds.
                let named = if known(last).is_some() || known(&finding).is_none() && !is_better {
                    &*last
                } else {
                    &finding
                };
                let value = named.value.clone().filter(|_| named.span == span);
                if is_better {
                    *last = finding;
                }
                (last.span, last.name, last.value) = (span, name, value);
            }
            _ => all.push(finding),
        }
    }
    all
}
