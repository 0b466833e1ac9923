//! Mends a transcript on its way into the client's folders, by what a check of it has found.
//!
//! Pure. Every whole record is written, in the order it had, on a line of its own. Only two things are ever
//! altered in one: a parent that is not here is replaced by the record before it, which the live client had in its
//! memory, and which `--resume` assumes only if it came at most five seconds before; and text that no reader takes becomes what the client reads in it. Where damage has swallowed a
//! tool's result, a result that says so is added, or the client would leave out the call too. What belongs to no
//! whole record is left out: the snapshot keeps it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::base::error::Result;
use crate::client::transcript::recovery::records_of;
use crate::client::transcript::validate::{CheckedTranscript, IdHash, MessageView, key};

/// The answer to a call whose own result is lost.
const LOST: &str = "The result of this call was lost when the transcript was damaged.";

/// Takes one line of the mended transcript, with its line end.
pub type LineSink<'o> = &'o mut dyn FnMut(&[u8]) -> Result<()>;

/// Mends one transcript, line by line.
pub struct Mending<'a> {
    checked: &'a CheckedTranscript,
    records: u64,
    /// The id of the last record, of the conversation's own and of those beside it.
    last: [Option<String>; 2],
}

impl<'a> Mending<'a> {
    /// Prepares to mend what was checked.
    pub fn new(checked: &'a CheckedTranscript) -> Mending<'a> {
        Mending { checked, records: 0, last: [None, None] }
    }

    /// Hands out what becomes of a line: the line itself, or any number of lines. A whole record, which can be huge, is
    /// mended where it is.
    ///
    /// # Errors
    /// Passes on what `out` says.
    pub fn line(&mut self, line: &mut Vec<u8>, out: LineSink<'_>) -> Result<()> {
        if !self.checked.needs_mending() {
            return out(line);
        }
        let records = records_of(line).records;
        let records: Vec<Vec<u8>> = match records.as_slice() {
            [Cow::Borrowed(whole)] => {
                let start = whole.as_ptr().addr().saturating_sub(line.as_ptr().addr());
                let end = start + whole.len();
                drop(records);
                line.truncate(end);
                line.drain(..start);
                self.records += 1;
                return self.record(line, out);
            }
            _ => records.into_iter().map(Cow::into_owned).collect(),
        };
        for mut record in records {
            self.records += 1;
            self.record(&mut record, out)?;
        }
        Ok(())
    }

    fn record(&mut self, record: &mut Vec<u8>, out: LineSink<'_>) -> Result<()> {
        let Ok(view) = serde_json::from_slice::<MessageView<'_>>(record) else {
            record.push(b'\n');
            return out(record);
        };
        let last = &mut self.last[usize::from(view.is_sidechain == Some(true))];
        let parent = if self.checked.orphans.contains(&self.records) {
            place_of_parent(record).map(|place| (place, json!(*last).to_string()))
        } else {
            None
        };
        if let Some(uuid) = view.uuid {
            *last = Some(uuid.into_owned());
        }
        let calls: BTreeSet<IdHash> = self
            .checked
            .unanswered
            .range((self.records, IdHash::MIN)..=(self.records, IdHash::MAX))
            .map(|(_, call)| *call)
            .collect();
        let answers = if calls.is_empty() { Vec::new() } else { answers(record, &calls) };
        if let Some((place, parent)) = parent {
            record.splice(place, parent.into_bytes());
        }
        record.push(b'\n');
        out(record)?;
        for (uuid, answer) in answers {
            out(format!("{answer}\n").as_bytes())?;
            self.last[usize::from(answer["isSidechain"] == true)] = Some(uuid);
        }
        Ok(())
    }
}

/// Makes results for the calls of a record that have none, each with its id.
fn answers(record: &[u8], calls: &BTreeSet<IdHash>) -> Vec<(String, Value)> {
    let record: Value = serde_json::from_slice(record).unwrap_or_default();
    let blocks = record["message"]["content"].as_array().into_iter().flatten();
    let ids = blocks.filter_map(|block| block["id"].as_str()).filter(|id| calls.contains(&key(id)));
    let answer = |id: &str| {
        let uuid = made_up(&record["uuid"], id);
        let block = json!({"type": "tool_result", "tool_use_id": id, "content": LOST, "is_error": true});
        let mut answer = json!({
            "parentUuid": record["uuid"], "type": "user", "uuid": uuid,
            "message": {"role": "user", "content": [block]}, "sourceToolAssistantUUID": record["uuid"],
        });
        let context =
            ["isSidechain", "agentId", "timestamp", "userType", "cwd", "sessionId", "version", "gitBranch"];
        for field in context.into_iter().filter(|field| !record[field].is_null()) {
            answer[field] = record[field].clone();
        }
        (uuid, answer)
    };
    ids.map(answer).collect()
}

/// Returns where a record's own `parentUuid` stands, with its quotes.
fn place_of_parent(record: &[u8]) -> Option<Range<usize>> {
    #[derive(serde::Deserialize)]
    struct RecordParent<'a> {
        #[serde(rename = "parentUuid", borrow)]
        parent: &'a RawValue,
    }
    let raw = serde_json::from_slice::<RecordParent<'_>>(record).ok()?.parent.get();
    let start = raw.as_ptr().addr().checked_sub(record.as_ptr().addr())?;
    Some(start..start + raw.len())
}

/// Makes an id for an added record: the same each time, and no other record's.
fn made_up(uuid: &Value, call: &str) -> String {
    let hash = crate::base::digest::ObjectId::of(format!("{uuid}{call}").as_bytes()).to_string();
    format!("{}-{}-4{}-8{}-{}", &hash[..8], &hash[8..12], &hash[13..16], &hash[17..20], &hash[20..32])
}
