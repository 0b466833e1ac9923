//! What the two ends of a transcript say of its session: where it worked, its title, its first prompt.
//!
//! There may be thousands of transcripts of any size, so what is between the ends is read only if they say nothing.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::base::error::{IoContext as _, Result};
use crate::sys::users_files::open_theirs;

/// How much is read first of an end.
const NEAR: u64 = 16 << 10;

/// How much is read of it if that says nothing.
const FAR: u64 = 256 << 10;

/// What a session is known by to a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionWords {
    /// Its title: the user's own, else the client's.
    pub title: Option<String>,
    /// What it was asked first.
    pub prompt: Option<String>,
}

/// One end of a transcript.
#[derive(Clone, Copy)]
enum TranscriptEnd {
    First,
    Last,
}

#[derive(Deserialize)]
struct FolderFields {
    #[serde(default)]
    cwd: Option<PathBuf>,
}

/// Returns the folder that the session worked in last.
pub(super) fn last_folder(transcript: &Path) -> Result<Option<PathBuf>> {
    let mut file = open_theirs(transcript).context("read", transcript)?;
    for most in [NEAR, FAR] {
        if let Some(folder) =
            find(&mut file, TranscriptEnd::Last, most, folder).context("read", transcript)?
        {
            return Ok(Some(folder));
        }
    }
    // The last records are very long, or say nothing: whatever comes first is near enough.
    first_folder(transcript)
}

/// Returns the folder that the session began in.
pub(super) fn first_folder(transcript: &Path) -> Result<Option<PathBuf>> {
    let mut file = open_theirs(transcript).context("read", transcript)?;
    let size = file.metadata().context("read", transcript)?.len();
    let near = find(&mut file, TranscriptEnd::First, NEAR, folder).context("read", transcript)?;
    if near.is_some() || size <= NEAR {
        return Ok(near);
    }
    // Lines of any size, at any size of memory.
    file.rewind().context("read", transcript)?;
    let mut records = serde_json::Deserializer::from_reader(BufReader::new(file)).into_iter::<FolderFields>();
    Ok(records.find_map(|record| record.ok()?.cwd))
}

/// Says whether the session ever worked in a folder that is wanted: reads all of it, if need be.
pub(super) fn was_ever_in(transcript: &Path, is_wanted: impl Fn(&Path) -> bool) -> Result<bool> {
    let mut lines = BufReader::with_capacity(1 << 18, open_theirs(transcript).context("read", transcript)?);
    let (mut line, mut seen) = (Vec::new(), None);
    while lines.read_until(b'\n', &mut line).context("read", transcript)? > 0 {
        let folder = serde_json::from_slice::<FolderFields>(&line).ok().and_then(folder);
        line.clear();
        if folder.is_some() && folder != seen {
            if folder.as_deref().is_some_and(&is_wanted) {
                return Ok(true);
            }
            seen = folder;
        }
    }
    Ok(false)
}

/// Returns the id of the session that the first record belongs to.
pub(in crate::client) fn session_of(transcript: &Path) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Owner {
        session_id: String,
    }
    let mut file = open_theirs(transcript).ok()?;
    let owner = |record: Owner| Some(record.session_id);
    let near = find(&mut file, TranscriptEnd::First, NEAR, owner).ok()?;
    near.or_else(|| find(&mut file, TranscriptEnd::First, 4 * FAR, owner).ok()?)
}

/// Returns what a person knows the session by; what can't be read says nothing.
pub(in crate::client) fn words(transcript: &Path) -> SessionWords {
    let Ok(mut file) = open_theirs(transcript) else { return SessionWords::default() };
    let mut title = |end| {
        let own = find(&mut file, end, FAR, |named: TitleFields| named.custom_title).ok().flatten();
        own.or_else(|| find(&mut file, end, FAR, |named: TitleFields| named.ai_title).ok().flatten())
    };
    // In the first records, the last title counts too, but nobody looks that closely.
    let title = title(TranscriptEnd::Last).or_else(|| title(TranscriptEnd::First));
    let prompt = find(&mut file, TranscriptEnd::First, FAR, prompt).ok().flatten();
    SessionWords { title, prompt }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TitleFields {
    #[serde(default)]
    custom_title: Option<String>,
    #[serde(default)]
    ai_title: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptFields {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    is_meta: bool,
    #[serde(default)]
    is_sidechain: bool,
    #[serde(default)]
    is_compact_summary: bool,
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: Box<RawValue>,
}

fn folder(record: FolderFields) -> Option<PathBuf> {
    record.cwd
}

/// Returns what a person said in a record; what the client puts there itself is none of it.
fn prompt(record: PromptFields) -> Option<String> {
    #[derive(Deserialize)]
    struct TextBlock<'a> {
        #[serde(borrow, default)]
        text: Option<Cow<'a, str>>,
    }
    if record.kind != "user" || record.is_meta || record.is_sidechain || record.is_compact_summary {
        return None;
    }
    let content = record.message.content.get();
    let text = serde_json::from_str::<String>(content).ok().or_else(|| {
        let blocks: Vec<TextBlock> = serde_json::from_str(content).ok()?;
        blocks.into_iter().find_map(|block| block.text).map(Cow::into_owned)
    })?;
    let text = text.trim();
    (!text.is_empty() && !text.starts_with('<')).then(|| text.to_owned())
}

/// Looks through the whole records in so many bytes of an end, from the end on.
fn find<R: DeserializeOwned, T>(
    file: &mut File,
    end: TranscriptEnd,
    most: u64,
    says: impl Fn(R) -> Option<T>,
) -> std::io::Result<Option<T>> {
    let from = match end {
        TranscriptEnd::First => 0,
        TranscriptEnd::Last => file.metadata()?.len().saturating_sub(most),
    };
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(most).read_to_end(&mut bytes)?;
    let lines = bytes.split(|byte| *byte == b'\n');
    let read = |line: &[u8]| serde_json::from_slice(line).ok().and_then(&says);
    Ok(match end {
        TranscriptEnd::First => lines.into_iter().find_map(read),
        TranscriptEnd::Last => lines.rev().find_map(read),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(lines: &[&str]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), lines.join("\n")).expect("written");
        file
    }

    #[test]
    fn both_ends_are_found_whatever_is_between_them() {
        let long = format!(r#"{{"type":"user","x":"{}"}}"#, "x".repeat(1 << 20));
        let file = transcript(&[
            r#"{"type":"custom-title","customTitle":"old"}"#,
            r#"{"type":"user","cwd":"/a","message":{"content":"<command-name>/clear</command-name>"}}"#,
            r#"{"type":"user","cwd":"/b","message":{"content":[{"type":"text","text":" write it "}]}}"#,
            &long,
            r#"{"type":"user","cwd":"/c","sessionId":"s"}"#,
            "not JSON",
            r#"{"type":"custom-title","customTitle":"new"}"#,
            r#"{"type":"user","cwd":"/torn"#,
        ]);
        let folder = |found: Result<Option<PathBuf>>| found.expect("read");
        assert_eq!(folder(last_folder(file.path())), Some("/c".into()));
        assert_eq!(folder(first_folder(file.path())), Some("/a".into()));
        let ever =
            |wanted: &str| was_ever_in(file.path(), |folder| folder == Path::new(wanted)).expect("read");
        assert_eq!((ever("/b"), ever("/c"), ever("/d")), (true, true, false));
        let words = words(file.path());
        assert_eq!((words.title.as_deref(), words.prompt.as_deref()), (Some("new"), Some("write it")));
    }

    #[test]
    fn a_transcript_of_one_long_line_says_where_it_is_from() {
        let line = format!(r#"{{"type":"user","x":"{}","cwd":"/a"}}"#, "x".repeat(2 << 20));
        let file = transcript(&[&line]);
        assert_eq!(last_folder(file.path()).expect("read"), Some("/a".into()));
    }
}
