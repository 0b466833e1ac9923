//! Text in UTF-16: it has a zero in every other byte and so looks binary, but is shown as text.

use std::io::{self, Read};

use crate::diff::{Again, Differ, End, FileHeader, Options, Show, as_utf8, is_binary, wide};

/// What the two versions are encoded in.
pub(super) struct Encodings {
    old: &'static str,
    new: &'static str,
}

/// Says in which encodings two versions are text, if at least one of them is UTF-16; `None` otherwise,
/// and if one is binary.
pub(super) fn encodings(again: &Again<'_>) -> io::Result<Option<Encodings>> {
    let (old, new) = again(0, 0)?;
    let (old, new) = (encoding(old)?, encoding(new)?);
    let text = old.zip(new).filter(|(old, new)| *old != UTF_8 || *new != UTF_8);
    Ok(text.map(|(old, new)| Encodings { old, new }))
}

const UTF_8: &str = "UTF-8";

/// Says what one version is encoded in; `None` if it is binary.
fn encoding(mut version: impl Read) -> io::Result<Option<&'static str>> {
    let mut start = Vec::new();
    version.by_ref().take(2).read_to_end(&mut start)?;
    match wide(&start) {
        Some(name) => Ok(Some(name)),
        None => Ok((!is_binary(start.as_slice().chain(version))?).then_some(UTF_8)),
    }
}

/// Shows two such versions.
pub(super) fn show(
    file: FileHeader,
    again: &Again<'_>,
    encodings: Encodings,
    options: Options,
    mut show: &mut dyn Show,
) -> io::Result<()> {
    let from = |from_old: u64, from_new: u64| -> io::Result<(Box<dyn Read + '_>, Box<dyn Read + '_>)> {
        let (old, new) = again(0, 0)?;
        Ok((skipped(old, from_old)?, skipped(new, from_new)?))
    };
    let (old, new) = from(0, 0)?;
    show.start(file)?;
    let report = Differ::new(old, new, options).looking_ahead(Box::new(from)).run(&mut show)?;
    let mut note = match (encodings.old, encodings.new) {
        (UTF_8, new) | (new, UTF_8) if report.added == 0 || report.removed == 0 => new.to_owned(),
        (old, new) if old == new => new.to_owned(),
        (old, new) => format!("{old} -> {new}"),
    };
    if report.added + report.removed == 0 && encodings.old == encodings.new {
        note.push_str(", and the difference is not in its text");
    }
    show.finish(End { report, note: Some(note), ..End::default() })
}

/// Reads a version as UTF-8, from this byte of that on.
fn skipped<'r>(version: Box<dyn Read + 'r>, bytes: u64) -> io::Result<Box<dyn Read + 'r>> {
    let mut version: Box<dyn Read + 'r> = Box::new(as_utf8(version));
    io::copy(&mut version.by_ref().take(bytes), &mut io::sink())?;
    Ok(version)
}
