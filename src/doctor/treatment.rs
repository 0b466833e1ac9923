//! Mends a session as a new one: planned, written beside it, looked at once more, and only then revealed.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::json;

use super::copy::{Copied, Renaming};
use super::diagnosis::last_refusal;
use super::examine::{Examination, lines_up_to};
use super::finding::{Effect, Trouble};
use super::plan::{Planned, Wish, plan};
use super::recheck::Recheck;
use super::refusal::RefusalKind;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::ClientId;
use crate::base::screen::Line;
use crate::client::transcript::repair::Mending;
use crate::client::{title_records, without_account};
use crate::manifest::Skipped;
use crate::workspace::Workspace;

/// The most characters of a title that is made of a prompt.
const LONGEST_TITLE: usize = 60;

/// What stands behind the name of a mended session.
const MENDED: &str = "mended";

/// How a session is to be mended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Treatment<'a> {
    /// Replace all images and documents, not only those that are refused.
    pub strip_images: bool,
    /// Leave out all signed thinking.
    pub strip_thinking: bool,
    /// Let it end with this message: an id, or the start of one.
    pub from: Option<&'a str>,
}

/// The new session.
#[derive(Debug)]
pub struct Mended {
    /// Its id.
    pub id: ClientId,
    /// Its title.
    pub title: String,
    /// The folder that the client is to be started in.
    pub cwd: PathBuf,
    /// The configuration folder that it lies in.
    pub config: PathBuf,
    /// What was changed, in words.
    pub changes: Vec<String>,
    /// Files of the session that the new one lacks.
    pub missing: Vec<Skipped>,
}

/// Writes a mended session; `None` if there is nothing to mend and nothing else was asked for.
///
/// # Errors
/// [`Kind::NotFound`] or [`Kind::Ambiguous`] for a message that is not there; [`Kind::Refused`] if the session can't be
/// mended so; [`Kind::Environment`] if the disk does not take it. Then nothing is written.
pub fn mend(
    workspace: &Workspace,
    examined: &Examination,
    treatment: &Treatment<'_>,
) -> Result<Option<Mended>> {
    let asks_more = treatment.strip_images || treatment.strip_thinking || treatment.from.is_some();
    if examined.is_healthy() && !asks_more {
        return Ok(None);
    }
    let wish = wish(examined, treatment)?;
    let planned = plan(&examined.conversation, wish);
    refuse_what_does_not_help(examined, treatment, &planned)?;
    let id = ClientId::random();
    let prompt = examined.conversation.branch(wish.end, false).prompt;
    let name = examined.title.as_deref().or(prompt.as_deref());
    let title = mended_title(name.unwrap_or(examined.session.id.as_str()));
    let here = examined.cwd.as_ref().filter(|cwd| cwd.is_dir()).and_then(|cwd| cwd.canonicalize().ok());
    let cwd = here.unwrap_or_else(|| workspace.root.clone());
    let copied = Copied::of(workspace, &examined.session);
    copied.install(&examined.session, &id, &cwd, &mut |renaming, out| {
        let writing = Writing { examined, planned: &planned, renaming };
        writing.transcript(&id, &title, out)
    })?;
    let mut changes = mended_damage(examined);
    changes.extend(planned.changes);
    let config = examined.session.home.config().to_owned();
    Ok(Some(Mended { id, title, cwd, config, changes, missing: copied.missing }))
}

fn wish(examined: &Examination, treatment: &Treatment<'_>) -> Result<Wish> {
    let nothing = || {
        Error::new(Kind::Refused, format!("Cannot mend {}", examined.session.id))
            .because("there is no message in it, so there is nothing to go on from")
    };
    let end = match treatment.from {
        Some(from) => chosen(examined, from)?,
        None => examined.conversation.taken().ok_or_else(nothing)?,
    };
    Ok(Wish {
        strip_images: treatment.strip_images,
        strip_thinking: treatment.strip_thinking,
        end,
        chosen: treatment.from.is_some(),
    })
}

/// Finds the message that a person chose.
fn chosen(examined: &Examination, from: &str) -> Result<usize> {
    let shown = Line(from).to_string();
    let hint = format!(
        "`snap doctor {} --turns` lists what it can go on from, and the branches",
        examined.session.id
    );
    let found = if from.is_empty() { Vec::new() } else { examined.conversation.beginning_with(from) };
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Error::new(Kind::NotFound, format!("There is no message {shown}"))
            .because("no message of the session has an id that begins so")
            .hint(hint)),
        [one, two, ..] => {
            let id = |place: &usize| examined.conversation.at(*place).map(|said| said.uuid.to_string());
            let both = [one, two].into_iter().filter_map(id).collect::<Vec<_>>().join(" and ");
            Err(Error::new(Kind::Ambiguous, format!("{shown} fits several messages"))
                .because(both)
                .hint(hint))
        }
    }
}

/// Refuses what would leave the session as stuck as it is.
fn refuse_what_does_not_help(
    examined: &Examination,
    treatment: &Treatment<'_>,
    planned: &Planned,
) -> Result<()> {
    let end = planned.end.as_deref().and_then(|end| examined.conversation.place_of(end));
    let taken = examined.conversation.taken();
    // What was said after the message that was chosen is no matter any more.
    let refusal =
        taken.filter(|_| treatment.from.is_none()).and_then(|end| last_refusal(&examined.conversation, end));
    let stuck =
        |why: &str| Error::new(Kind::Refused, format!("Cannot mend {}", examined.session.id)).because(why);
    if end.is_none() {
        return Err(stuck("nothing would be left of the conversation"));
    }
    match refusal.map(|(_, refusal)| refusal.kind) {
        Some(RefusalKind::Length) if !treatment.strip_images => {
            Err(stuck("the API says that there is too much of it, and nothing in it is wrong").hint(
                "try `/compact` in the client; or go on from an earlier message with `--from`; `--turns` lists them",
            ))
        }
        Some(RefusalKind::Media) if !treatment.strip_images && !changes_media(examined) => {
            Err(stuck("the API refuses an image or a document, and no limit says which")
                .hint("`--strip-images` replaces all of them by texts"))
        }
        _ => Ok(()),
    }
}

fn changes_media(examined: &Examination) -> bool {
    let of_media = |trouble: &Trouble| matches!(trouble, Trouble::Media(_) | Trouble::LongAmongMany { .. });
    examined.findings.iter().any(|finding| of_media(&finding.trouble))
}

/// Says in words what of the damage is mended.
fn mended_damage(examined: &Examination) -> Vec<String> {
    let is_mended = |trouble: &Trouble| {
        trouble.effect() == Effect::Lost
            && matches!(trouble, Trouble::Damage(..) | Trouble::Unfinished { .. })
    };
    let mended = examined.findings.iter().filter(|finding| is_mended(&finding.trouble));
    mended
        .map(|finding| match &finding.agent {
            Some(agent) => format!("agent {agent}, line {}: {}", finding.line, finding.trouble),
            None => format!("line {}: {}", finding.line, finding.trouble),
        })
        .collect()
}

/// Names a mended session.
fn mended_title(name: &str) -> String {
    let name: String = name.trim().lines().next().unwrap_or_default().chars().take(LONGEST_TITLE).collect();
    // The cut may be before a blank.
    let name = name.trim_end();
    match name.strip_suffix(')').and_then(|rest| rest.rsplit_once(&format!(" ({MENDED}"))) {
        Some((name, number)) => {
            let number = number.trim().parse::<u64>().unwrap_or(1);
            format!("{name} ({MENDED} {})", number.saturating_add(1))
        }
        None => format!("{name} ({MENDED})"),
    }
}

/// Writes the transcript of a mended session.
struct Writing<'a> {
    examined: &'a Examination,
    planned: &'a Planned,
    renaming: &'a Renaming,
}

impl Writing<'_> {
    fn transcript(&self, id: &ClientId, title: &str, out: &mut dyn Write) -> Result<()> {
        let examined = self.examined;
        let mut recheck = Recheck::default();
        let mut lines = lines_up_to(&examined.session.transcript, examined.bytes)?;
        let mut mending = Mending::new(&examined.checked);
        let mut number = 0;
        while let Some(line) = lines.next_line_mut()? {
            mending.line(line, &mut |record| {
                number += 1;
                // The old session goes on answering to a remote control, not this one.
                let Some(record) = without_account(record) else { return Ok(()) };
                match self.planned.plan.record(number, &record) {
                    Some(record) if !record.is_empty() => self.put(&record, &mut recheck, out),
                    _ => Ok(()),
                }
            })?;
        }
        // Whatever was noted before, this is where it goes on.
        let noted =
            json!({"type": "last-prompt", "leafUuid": self.planned.end, "sessionId": examined.session.id});
        self.put(noted.to_string().as_bytes(), &mut recheck, out)?;
        match recheck.finish(&examined.preserved).first() {
            None => out.write_all(title_records(id, title).as_bytes()).map_err(|error| unwritten(&error)),
            Some(left) => Err(Error::new(Kind::Refused, format!("Cannot mend {}", examined.session.id))
                .because(format!("the API would still refuse it: {}", left.trouble))
                .hint("`--strip-images`, `--strip-thinking` and `--from MESSAGE` take out more")),
        }
    }

    fn put(&self, record: &[u8], recheck: &mut Recheck, out: &mut dyn Write) -> Result<()> {
        recheck.record(record);
        self.renaming.record(record, out)?;
        out.write_all(b"\n").map_err(|error| unwritten(&error))
    }
}

fn unwritten(error: &io::Error) -> Error {
    Error::new(Kind::Environment, "Cannot write the mended session").because(error)
}

#[cfg(test)]
mod tests {
    use super::mended_title;

    #[test]
    fn a_mended_session_has_the_name_of_the_old_one_and_says_so() {
        for (name, wanted) in [
            ("the parser", "the parser (mended)"),
            ("the parser (mended)", "the parser (mended 2)"),
            ("the parser (mended 2)", "the parser (mended 3)"),
            ("a (b)", "a (b) (mended)"),
            ("write it\nand test it", "write it (mended)"),
            ("price \nand more", "price (mended)"),
        ] {
            assert_eq!(mended_title(name), wanted);
        }
    }
}
