//! Whether a file is still as the agent's last call left it: what somebody else changed since is saved before the next one.
//!
//! Before each call that changes a file, a mark is left of what the file holds, and of what it will hold if the call succeeds.
//! Where that can't be foreseen, the mark says so, and any content counts as the agent's.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::Started;
use super::marks::take_away_old;
use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::context::Context;
use crate::sys::files;
use crate::sys::place::{OwnPath, Root};

/// The folder of the marks, in the user's own.
const MARKS: &str = "left";

/// Larger files are in no checkpoint, in bytes.
const LARGEST: u64 = 10 << 20;

/// A mark is not longer than this, in bytes.
const LONGEST: u64 = 1_024;

/// After this, a mark is taken away: the next call is only saved before once more.
const OLD: Duration = Duration::from_secs(7 * 24 * 3_600);

/// What stands in a mark for content that can't be foreseen.
const ANY: &str = "any";

/// Says whether a file holds what the last call of this session left.
pub(super) fn is_as_left(started: &Started, context: &Context, file: &Path) -> bool {
    let Ok(Some(mark)) = place(started, context, file).read(LONGEST) else { return false };
    let now = content(file).map(|content| id(&content));
    String::from_utf8_lossy(&mark).lines().any(|left| left == ANY || Some(left) == now.as_deref())
}

/// Leaves a mark of what a file holds before a call, and after it.
pub(super) fn note(started: &Started, context: &Context, file: &Path) -> Result<()> {
    let now = content(file);
    let then = after(
        started.input.tool_name.as_deref().unwrap_or_default(),
        &started.input.tool_input,
        now.as_deref(),
    );
    let then = then.map_or_else(|| ANY.to_owned(), |content| id(&content));
    let mark = place(started, context, file);
    let marks = Root::own(&context.state).at(MARKS);
    marks.make_folder()?;
    mark.remove()?;
    files::write_new(
        &mark.path(),
        format!("{}\n{then}\n", now.map_or_else(String::new, |now| id(&now))).as_bytes(),
    )?;
    Ok(())
}

/// Takes away the marks of calls of long ago. Not while the client waits: there is one for each file that an agent changed.
pub(super) fn forget_old(context: &Context) {
    take_away_old(&Root::own(&context.state).at(MARKS), OLD);
}

fn place(started: &Started, context: &Context, file: &Path) -> OwnPath {
    let session = started.input.session_id.as_deref().unwrap_or_default();
    let key = ObjectId::of(&[session.as_bytes(), b"\0", file.as_os_str().as_encoded_bytes()].concat());
    Root::own(&context.state).at(MARKS).join(Path::new(&key.to_string()))
}

/// Returns a file's text. The client takes no notice of how its lines end.
fn content(file: &Path) -> Option<String> {
    let bytes = files::read_plain(file, LARGEST).ok()??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn id(content: &str) -> String {
    ObjectId::of(content.replace("\r\n", "\n").as_bytes()).to_string()
}

/// Returns what a file holds after a call, if that can be foreseen.
fn after(tool: &str, input: &Value, now: Option<&str>) -> Option<String> {
    let now = now.map(|now| now.replace("\r\n", "\n"));
    match tool {
        "Write" => input["content"].as_str().map(str::to_owned),
        "Edit" => edited(now?, input),
        "MultiEdit" => input["edits"].as_array()?.iter().try_fold(now?, edited),
        _ => None,
    }
}

fn edited(text: String, edit: &Value) -> Option<String> {
    let (old, new) = (edit["old_string"].as_str()?, edit["new_string"].as_str()?);
    let all = edit["replace_all"] == true;
    Some(if all { text.replace(old, new) } else { text.replacen(old, new, 1) })
}
