//! What the client still loads of a transcript: what came since the last compaction, and what that kept.
//!
//! [`Survey`] looks at every line once and says where the cut is; then [`Cut`] says of each line whether it
//! stays. Only records of the conversation are ever left out, and only if they come before the boundary and the
//! boundary does not preserve them; every other line stays (titles, modes, file history, queue, whatever is not
//! understood). If anything speaks against the cut, there is none.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::base::error::Result;
use crate::client::Lines;
use crate::client::transcript::search::holds_from;
use crate::client::transcript::validate::{IdHash, key};

/// What is looked at in a record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordFields<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    subtype: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    uuid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    parent_uuid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    compact_metadata: Option<&'a RawValue>,
    #[serde(default)]
    is_compact_summary: Option<bool>,
}

impl RecordFields<'_> {
    fn of(line: &[u8]) -> Option<RecordFields<'_>> {
        serde_json::from_slice(line).ok()
    }

    /// The id of a record that is said in the conversation, and so goes with it.
    fn said(&self) -> Option<IdHash> {
        let is_said = ["user", "assistant", "system", "attachment", "progress"].contains(&self.kind.as_ref());
        self.uuid.as_deref().filter(|_| is_said).map(key)
    }
}

/// Looks for the cut, line by line.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Survey {
    lines: u64,
    said: Vec<IdHash>,
    boundary: Option<Boundary>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Boundary {
    line: u64,
    preserved: Preserved,
    /// How many records of the conversation came before it.
    before: usize,
    /// What the records since then follow.
    parents: HashSet<IdHash>,
    /// Whether the summary of what came before was written.
    has_summary: bool,
}

/// The records from before that a boundary keeps in context.
#[derive(Clone, Serialize, Deserialize)]
enum Preserved {
    /// These, of which the needed ones have to be there: a boundary also names records that were never written.
    Records { all: HashSet<IdHash>, needed: HashSet<IdHash> },
    /// Some, in a way that is not known here.
    Unknown,
}

impl Survey {
    /// Takes in one line.
    pub fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        let Some(view) = RecordFields::of(line) else { return };
        if view.kind == "system" && view.subtype.as_deref() == Some("compact_boundary") {
            self.boundary = Some(Boundary {
                line: self.lines,
                preserved: preserved(view.compact_metadata),
                before: self.said.len(),
                parents: HashSet::new(),
                has_summary: false,
            });
        } else if let Some(boundary) = &mut self.boundary {
            boundary.parents.extend(view.parent_uuid.as_deref().map(key));
            boundary.has_summary |= view.is_compact_summary == Some(true);
        }
        self.said.extend(view.said());
    }

    /// Returns the cut; `None` if everything is still needed.
    pub fn finish(self) -> Option<Cut> {
        let boundary = self.boundary?;
        // A client that is killed after the boundary leaves none: then what came before is all that there is, and 2.1.149
        // goes on from it.
        if !boundary.has_summary {
            return None;
        }
        let Boundary { line, before, parents, .. } = boundary;
        let Preserved::Records { all: preserved, needed } = boundary.preserved else { return None };
        let before: HashSet<IdHash> = self.said.get(..before)?.iter().copied().collect();
        // Going back to before the compaction made the old records the conversation again.
        let goes_on_from_before =
            parents.iter().any(|parent| before.contains(parent) && !preserved.contains(parent));
        let all_there = needed.iter().all(|kept| before.contains(kept));
        let cut = Cut { line, preserved, lines: 0 };
        (all_there && !goes_on_from_before).then_some(cut)
    }
}

/// What stands in every boundary, as the client writes JSON.
const BOUNDARY: &[u8] = b"compact_boundary";

/// Looks at the lines of an open transcript's file up to a place, if any speaks of a compaction. Those up to `seen` are the ones
/// that `before` is of.
///
/// # Errors
/// What reading it says.
pub fn survey(
    path: &Path,
    file: &File,
    (before, seen): (Option<&Survey>, u64),
    end: u64,
) -> Result<Option<Survey>> {
    let (mut survey, from) = match before {
        Some(before) => (before.clone(), seen),
        // Few sessions were ever compacted.
        None if !holds_from(path, file, seen, BOUNDARY)? => return Ok(None),
        None => (Survey::default(), 0),
    };
    let mut lines = Lines::part(path, file, from..end);
    while let Some(line) = lines.next_line()? {
        survey.line(line);
    }
    Ok(Some(survey))
}

/// Looks in a transcript, read from anywhere, for the last compaction that the conversation goes on from.
///
/// # Errors
/// What reading it says.
pub fn last_compaction(mut lines: Lines<'_>) -> Result<Option<Cut>> {
    let mut survey = Survey::default();
    while let Some(line) = lines.next_line()? {
        survey.line(line);
    }
    Ok(survey.finish())
}

/// Returns what changes if this program makes other hashes of ids, so that a [`Survey`] of another one can't be continued.
pub fn hashes() -> u64 {
    key("a record")
}

/// Says which lines stay; to be asked about every line, from the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    line: u64,
    preserved: HashSet<IdHash>,
    lines: u64,
}

impl Cut {
    /// The same for a transcript that ends before the compaction: all of its lines come before it.
    pub fn of_what_came_before(self) -> Cut {
        Cut { line: u64::MAX, ..self }
    }

    /// Says how many lines it was asked about.
    pub fn asked(&self) -> u64 {
        self.lines
    }

    /// The same, asked about so many lines.
    pub fn having_asked(self, lines: u64) -> Cut {
        Cut { lines, ..self }
    }

    /// Says whether the next line stays.
    pub fn keeps(&mut self, line: &[u8]) -> bool {
        self.lines += 1;
        if self.lines >= self.line {
            return true;
        }
        let said = RecordFields::of(line).and_then(|view| view.said());
        said.is_none_or(|said| self.preserved.contains(&said))
    }
}

/// Reads what a boundary says it preserves.
fn preserved(metadata: Option<&RawValue>) -> Preserved {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Metadata {
        preserved_segment: Option<Segment>,
        preserved_messages: Option<Messages>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Segment {
        head_uuid: String,
        anchor_uuid: String,
        tail_uuid: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Messages {
        anchor_uuid: String,
        /// Those that were written.
        #[serde(default)]
        uuids: Option<Vec<String>>,
        all_uuids: Vec<String>,
    }
    let nothing = || Preserved::Records { all: HashSet::new(), needed: HashSet::new() };
    let Some(metadata) = metadata else { return nothing() };
    let Ok(known) = serde_json::from_str::<Metadata>(metadata.get()) else { return Preserved::Unknown };
    match (known.preserved_messages, known.preserved_segment) {
        (Some(messages), segment) => {
            let anchor = messages.anchor_uuid;
            let ends = segment.into_iter().flat_map(|segment| {
                let Segment { head_uuid, anchor_uuid, tail_uuid } = segment;
                [head_uuid, anchor_uuid, tail_uuid]
            });
            // The anchor is a record behind the boundary, unless what is kept comes after it.
            let keys = |uuids: Vec<String>| -> HashSet<IdHash> {
                uuids.iter().filter(|uuid| **uuid != anchor).map(|uuid| key(uuid)).collect()
            };
            let ends = keys(ends.collect());
            let all = keys(messages.all_uuids);
            let written = messages.uuids.map_or_else(|| all.clone(), keys);
            let needed = written.union(&ends).copied().collect();
            Preserved::Records { all: all.into_iter().chain(written).chain(ends).collect(), needed }
        }
        (None, Some(_)) => Preserved::Unknown,
        (None, None) if metadata.get().contains("\"preserved") => Preserved::Unknown,
        (None, None) => nothing(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: [&str; 5] = [
        r#"{"type":"user","uuid":"u1","parentUuid":null}"#,
        r#"{"type":"custom-title","customTitle":"x"}"#,
        r#"{"type":"assistant","uuid":"u2","parentUuid":"u1"}"#,
        r#"{"type":"file-history-snapshot","messageId":"u1"}"#,
        "torn",
    ];

    fn kept(rest: &[&str]) -> Option<Vec<bool>> {
        let lines: Vec<&str> = BEFORE.iter().chain(rest).copied().collect();
        let mut survey = Survey::default();
        lines.iter().for_each(|line| survey.line(line.as_bytes()));
        let mut cut = survey.finish()?;
        Some(lines.iter().map(|line| cut.keeps(line.as_bytes())).collect())
    }

    #[test]
    fn what_is_said_before_the_boundary_goes_and_everything_else_stays() {
        let boundary = r#"{"type":"system","subtype":"compact_boundary","uuid":"b","parentUuid":null,"compactMetadata":{"trigger":"auto"}}"#;
        let summary = r#"{"type":"user","uuid":"s","parentUuid":"b","isCompactSummary":true}"#;
        assert_eq!(kept(&[boundary, summary]), Some(vec![false, true, false, true, true, true, true]));
    }

    #[test]
    fn what_the_boundary_preserves_stays() {
        let boundary = r#"{"type":"system","subtype":"compact_boundary","uuid":"b","parentUuid":null,"compactMetadata":{"preservedSegment":{"headUuid":"u2","anchorUuid":"s","tailUuid":"u2"},"preservedMessages":{"anchorUuid":"s","uuids":["u2"],"allUuids":["u2"]}}}"#;
        let summary = r#"{"type":"user","uuid":"s","parentUuid":"b","isCompactSummary":true}"#;
        let after = r#"{"type":"user","uuid":"u3","parentUuid":"u2"}"#;
        assert_eq!(
            kept(&[boundary, summary, after]),
            Some(vec![false, true, true, true, true, true, true, true])
        );
    }

    #[test]
    fn records_that_a_boundary_names_and_that_were_never_written_keep_nothing_else() {
        let boundary = |uuids: &str| {
            format!(
                r#"{{"type":"system","subtype":"compact_boundary","uuid":"b","parentUuid":null,"compactMetadata":{{"preservedSegment":{{"headUuid":"u2","anchorUuid":"s","tailUuid":"u2"}},"preservedMessages":{{"anchorUuid":"s","uuids":{uuids},"allUuids":["u2","never"]}}}}}}"#
            )
        };
        let summary = r#"{"type":"user","uuid":"s","parentUuid":"b","isCompactSummary":true}"#;
        assert_eq!(
            kept(&[&boundary(r#"["u2"]"#), summary]),
            Some(vec![false, true, true, true, true, true, true])
        );
        assert_eq!(kept(&[&boundary(r#"["u2","never"]"#), summary]), None);
    }

    #[test]
    fn when_in_doubt_nothing_is_left_out() {
        assert_eq!(kept(&[]), None);
        let boundary = |metadata: &str| {
            format!(
                r#"{{"type":"system","subtype":"compact_boundary","uuid":"b","parentUuid":null,"compactMetadata":{metadata}}}"#
            )
        };
        let summary = r#"{"type":"user","uuid":"s","parentUuid":"b","isCompactSummary":true}"#;
        let unknown = boundary(r#"{"preservedInSomeNewWay":["u2"]}"#);
        assert_eq!(kept(&[&unknown, summary]), None);
        let not_there = boundary(r#"{"preservedMessages":{"anchorUuid":"s","allUuids":["gone"]}}"#);
        assert_eq!(kept(&[&not_there, summary]), None);
        let plain = boundary("{}");
        assert!(kept(&[&plain, summary]).is_some());
        assert_eq!(kept(&[&plain]), None, "its summary was never written");
        assert_eq!(kept(&[&plain, &summary[..40]]), None, "its summary is torn");
        let gone_back = r#"{"type":"user","uuid":"u3","parentUuid":"u2"}"#;
        assert_eq!(
            kept(&[&plain, summary, gone_back]),
            None,
            "the conversation was rewound to before the compaction"
        );
    }
}
