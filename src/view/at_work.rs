//! Who is at work on the project now, as lines of a list: what a program beside the view says of each look at the remote. Pure.

use serde::Deserialize;

use super::facts::{Fact, Mood, paragraphs};
use crate::base::screen::Line;
use crate::base::timestamp::{Timestamp, age};
use crate::manifest::{EditCount, TaskCount};

/// What stands there before the first look.
const LOOKING: &str = "looking…";

/// What stands there if nobody is at work.
const NOBODY: &str = "nobody at the moment";

/// One look at the remote.
#[derive(Clone, Debug, Deserialize)]
pub struct RemoteLook {
    /// When that was.
    pub at: Timestamp,
    /// Where.
    pub remote: String,
    /// Why nothing could be seen.
    pub away: Option<String>,
    /// What was seen.
    #[serde(default)]
    pub sessions: Vec<SessionAtWork>,
}

/// A session that was seen.
#[derive(Clone, Debug, Deserialize)]
pub struct SessionAtWork {
    /// `USER@HOST-XXXX`.
    pub who: String,
    /// Its id.
    pub session: String,
    /// What it does; `None` if only its name is known.
    pub state: Option<String>,
    /// The last sign of life.
    pub heard: Timestamp,
    /// Whether it is one of this machine.
    pub mine: bool,
    /// Its title.
    pub title: Option<String>,
    /// Its last prompt.
    pub prompt: Option<String>,
    /// Its branch.
    pub branch: Option<String>,
    /// How much is edited.
    pub edits: Option<EditCount>,
    /// How many tasks there are.
    pub tasks: Option<TaskCount>,
}

/// Who is at work, as far as that is known.
#[derive(Clone, Debug)]
pub struct AtWork {
    /// The sessions that have not ended: each with its full name, and what is shown of it.
    pub(super) sessions: Vec<(String, Fact)>,
    /// What is to be said beside that.
    pub(super) note: Option<String>,
    seen: Vec<SessionAtWork>,
}

impl AtWork {
    /// Makes one of which nothing is known yet.
    pub fn begun() -> AtWork {
        AtWork { sessions: Vec::new(), note: Some(LOOKING.to_owned()), seen: Vec::new() }
    }

    /// Takes a look. Of one that saw nothing, what was seen before stays.
    pub fn hear(&mut self, look: RemoteLook) {
        let RemoteLook { at, remote, away, sessions } = look;
        if away.is_none() {
            let is_there = |one: &SessionAtWork| one.state.as_deref() != Some("closed");
            self.seen = sessions.into_iter().filter(is_there).collect();
        }
        self.sessions = self.seen.iter().map(|one| (one.name(), one.fact(at))).collect();
        self.note = match away {
            Some(_) => Some(format!("{} is out of reach", Line(&remote))),
            None => self.seen.is_empty().then(|| NOBODY.to_owned()),
        };
    }

    /// Notes that there will be no further look.
    pub fn end(&mut self) {
        self.note = Some("nobody looks any more".to_owned());
    }
}

impl SessionAtWork {
    fn name(&self) -> String {
        format!("{}/{}", self.who, self.session)
    }

    fn fact(&self, now: Timestamp) -> Fact {
        let state = self.state.as_deref().unwrap_or("?");
        let since = age(now.since(self.heard));
        let person = self.who.rsplit_once('-').map_or(self.who.as_str(), |(person, _)| person);
        let user = person.split('@').next().unwrap_or_default();
        let about = self.title.as_ref().or(self.prompt.as_ref()).or(self.branch.as_ref());
        let about = about.map_or_else(|| self.session.get(..8).unwrap_or_default(), String::as_str);
        Fact {
            mark: state.to_owned(),
            text: format!("{}: {}", Line(if self.mine { "you" } else { user }), Line(about)),
            mood: match state {
                "busy" => Mood::Good,
                "waiting" | "silent" => Mood::Busy,
                _ => Mood::Plain,
            },
            detail: self.detail(person, state, &since),
            more: since,
        }
    }

    /// What is known of it without its conversation.
    fn detail(&self, person: &str, state: &str, since: &str) -> Vec<String> {
        let since = if since == "now" { "just now".to_owned() } else { format!("{since} ago") };
        let mut facts = vec![format!("{state}, {since}")];
        facts.extend(self.branch.as_ref().map(|branch| format!("on {}", Line(branch))));
        let edits = self.edits.filter(|edits| edits.files > 0);
        let files = |number: usize| if number == 1 { "1 file".to_owned() } else { format!("{number} files") };
        facts
            .extend(edits.map(|edits| format!("{} +{} -{}", files(edits.files), edits.added, edits.removed)));
        let tasks = self.tasks.filter(|tasks| tasks.all > 0);
        facts.extend(tasks.map(|tasks| format!("{} of {} tasks done", tasks.done, tasks.all)));
        let mine = if self.mine { " (you)" } else { "" };
        let mut lines =
            vec![format!("{}{mine}, session {}", Line(person), Line(&self.session)), facts.join(" · ")];
        lines.extend(self.title.iter().flat_map(|title| paragraphs("Title: ", title)));
        lines.extend(self.prompt.iter().flat_map(|prompt| paragraphs("Last prompt: ", prompt)));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str) -> RemoteLook {
        serde_json::from_str(text).expect("a look")
    }

    fn shown(at_work: &AtWork) -> (Vec<String>, Option<&str>) {
        let line = |(_, fact): &(String, Fact)| format!("{} {} {}", fact.mark, fact.text, fact.more);
        (at_work.sessions.iter().map(line).collect(), at_work.note.as_deref())
    }

    #[test]
    fn what_was_seen_stays_while_the_remote_is_away_and_sessions_that_ended_go() {
        let mut at_work = AtWork::begun();
        assert_eq!(shown(&at_work), (Vec::new(), Some(LOOKING)));
        let one = |state: &str| {
            look(&format!(
                r#"{{"at":"2026-11-21T08:05:00.000Z","remote":"origin","sessions":[{{"who":"ada@laptop-x1y2","session":"c137",
                "state":"{state}","heard":"2026-11-21T08:02:00.000Z","mine":false,"title":"the parser"}}]}}"#
            ))
        };
        at_work.hear(one("busy"));
        assert_eq!(shown(&at_work), (vec!["busy ada: the parser 3m".to_owned()], None));
        at_work.hear(look(r#"{"at":"2026-11-21T08:07:00.000Z","remote":"origin","away":"no route"}"#));
        assert_eq!(
            shown(&at_work),
            (vec!["busy ada: the parser 5m".to_owned()], Some("origin is out of reach"))
        );
        at_work.hear(one("closed"));
        assert_eq!(shown(&at_work), (Vec::new(), Some(NOBODY)));
    }
}
