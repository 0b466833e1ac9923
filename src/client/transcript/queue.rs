//! What waits in a client's queue, followed through the records: prompts, and notifications that are none.
//!
//! Pure. The records say what was put in; what left it is often only to be concluded: older clients name nothing that
//! they remove, and deliver notifications without a word. A prompt that a person may still want is kept in doubt.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// What a client queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    /// Something that a person typed.
    Prompt,
    /// The end of a task, told to the model.
    Notification,
    /// The start of a task in the background, logged as if it were queued.
    TaskStart,
}

#[derive(Debug, Serialize, Deserialize)]
struct QueuedPrompt {
    text: String,
    kind: Kind,
}

/// The queue of a client.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Queue {
    waiting: VecDeque<QueuedPrompt>,
    /// How many prompts left the queue without a name, of which it is not yet known which they were.
    unnamed: usize,
    /// How many were delivered whose leaving is still to be logged.
    delivered: usize,
    /// How many prompts were taken out and are still to come as records.
    taken: usize,
}

impl Queue {
    /// Takes in what was queued.
    pub(super) fn enqueue(&mut self, text: String) {
        self.settle();
        let kind = if is_notification(&text) {
            Kind::Notification
        } else if is_task_start(&text) {
            Kind::TaskStart
        } else {
            Kind::Prompt
        };
        self.waiting.push_back(QueuedPrompt { text, kind });
    }

    /// The client took out the oldest.
    pub(super) fn dequeue(&mut self) {
        self.settle();
        let taken = self.waiting.pop_front();
        self.taken += usize::from(taken.is_some_and(|taken| taken.kind == Kind::Prompt));
    }

    /// Something was removed; older clients don't say what.
    pub(super) fn remove(&mut self, text: Option<&str>) {
        match text {
            Some(text) => {
                if let Some(at) = self.waiting.iter().position(|waiting| waiting.text == text) {
                    self.waiting.remove(at);
                }
            }
            None if self.delivered > 0 => self.delivered -= 1,
            None => self.unnamed += 1,
        }
    }

    /// Everything was taken out.
    pub(super) fn clear(&mut self) {
        *self = Queue::default();
    }

    /// What was queued was told to the model in the midst of its work.
    pub(super) fn deliver(&mut self, text: &str) {
        let at = self.waiting.iter().position(|waiting| waiting.text == text);
        if let Some(at) = at.or_else(|| self.notification(text)) {
            self.waiting.remove(at);
            match self.unnamed {
                0 => self.delivered += 1,
                _ => self.unnamed -= 1,
            }
        }
    }

    /// A notification was told to the model as a record of its own.
    pub(super) fn notified(&mut self, text: &str) {
        if let Some(at) = self.notification(text) {
            self.waiting.remove(at);
        }
    }

    /// A prompt became a record. What a client had queued dies with it: a prompt that was typed comes behind the queue
    /// of a client that lives, so whatever is in it then nobody will send any more; and one handed back by hand is no
    /// longer queued.
    pub(super) fn said(&mut self, text: &str, source: Option<&str>) {
        let is_typed = match source {
            Some(source) => source == "typed",
            // Older clients don't say; one that was just taken out of the queue is none.
            None if self.taken > 0 => {
                self.taken -= 1;
                false
            }
            None => true,
        };
        let is_command =
            ["<", "/", "[Request interrupted", "Caveat:"].iter().any(|start| text.starts_with(start));
        let all: Vec<&str> = self.waiting.iter().map(|waiting| waiting.text.as_str()).collect();
        if (is_typed && !is_command) || all.join("\n\n") == text {
            self.clear();
        }
    }

    /// The model answered: all that was taken out has come.
    pub(super) fn answered(&mut self) {
        self.taken = 0;
    }

    /// Says whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns the prompts that wait, oldest first.
    pub fn prompts(&self) -> Vec<String> {
        let prompts = self.waiting.iter().filter(|waiting| waiting.kind == Kind::Prompt);
        let mut prompts: Vec<String> = prompts.map(|waiting| waiting.text.clone()).collect();
        prompts.truncate(prompts.len().saturating_sub(self.unnamed));
        prompts
    }

    /// Decides what was removed without a name: the newest prompt, which a person takes back first.
    fn settle(&mut self) {
        for _ in 0..std::mem::take(&mut self.unnamed) {
            match self.waiting.iter().rposition(|waiting| waiting.kind == Kind::Prompt) {
                Some(at) => drop(self.waiting.remove(at)),
                None => drop(self.waiting.pop_front()),
            }
        }
        self.delivered = 0;
    }

    /// Finds a notification of the same end.
    fn notification(&self, text: &str) -> Option<usize> {
        let task = |text: &str| between(text, "task-id").map(str::to_owned);
        let wanted = task(text)?;
        self.waiting.iter().position(|waiting| {
            waiting.kind == Kind::Notification && task(&waiting.text).as_ref() == Some(&wanted)
        })
    }
}

/// Says whether a text tells of a task's end.
pub(super) fn is_notification(text: &str) -> bool {
    text.contains("<task-notification>")
}

/// Says whether a text is what 2.1.45 and others log when a task starts in the background.
fn is_task_start(text: &str) -> bool {
    #[derive(Deserialize)]
    struct TaskStart {
        #[serde(rename = "task_id")]
        _id: String,
        #[serde(rename = "task_type")]
        _kind: String,
    }
    text.starts_with('{') && serde_json::from_str::<TaskStart>(text).is_ok()
}

/// Returns what stands between the tags of a notification.
pub(super) fn between<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    Some(rest.split_once(&format!("</{tag}>"))?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens to a queue.
    enum Step {
        Put(&'static str),
        Take,
        Remove(Option<&'static str>),
        Deliver(&'static str),
        Notified(&'static str),
        Said(&'static str, Option<&'static str>),
        Answered,
    }
    use Step::{Answered, Deliver, Notified, Put, Remove, Said, Take};

    fn left(steps: &[Step]) -> Vec<String> {
        let mut queue = Queue::default();
        for step in steps {
            match step {
                Put(text) => queue.enqueue((*text).to_owned()),
                Take => queue.dequeue(),
                Remove(text) => queue.remove(*text),
                Deliver(text) => queue.deliver(text),
                Notified(text) => queue.notified(text),
                Said(text, source) => queue.said(text, *source),
                Answered => queue.answered(),
            }
        }
        queue.prompts()
    }

    const ENDED: &str = "<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>";
    const ENDED_MORE: &str =
        "so: <task-notification>\n<task-id>b1</task-id>\n<status>completed</status> and more";
    const STARTED: &str = r#"{"task_id":"a1","description":"look","task_type":"local_agent"}"#;

    #[test]
    fn only_prompts_that_nobody_sent_wait() {
        for (what, steps, wanted) in [
            (
                "taken in order",
                &[Put("one"), Put("two"), Put("three"), Take, Remove(Some("three"))][..],
                &["two"][..],
            ),
            ("a task's start is no prompt", &[Put(STARTED)], &[]),
            ("JSON that a person typed is one", &[Put(r#"{"task_id":1}"#)], &[r#"{"task_id":1}"#]),
            ("a task's end is no prompt", &[Put(ENDED), Put("one")], &["one"]),
            (
                "a notification that was told leaves, so the next one taken is the prompt",
                &[Put(ENDED), Put("one"), Notified(ENDED_MORE), Take],
                &[],
            ),
            ("removed without a name: the newest", &[Put("one"), Put("two"), Remove(None)], &["one"]),
            (
                "… also if more comes later",
                &[Put("one"), Put("two"), Remove(None), Put("three")],
                &["one", "three"],
            ),
            ("… never a notification", &[Put("one"), Put(ENDED), Remove(None)], &[]),
            (
                "… but the one that is delivered",
                &[Put("one"), Put("two"), Remove(None), Deliver("one")],
                &["two"],
            ),
            ("… before or after", &[Put("one"), Put("two"), Deliver("one"), Remove(None)], &["two"]),
        ] {
            assert_eq!(left(steps), wanted, "{what}");
        }
    }

    #[test]
    fn prompts_of_a_client_that_died_wait_until_another_one_is_typed() {
        for (what, steps, wanted) in [
            ("one of them", &[Put("one"), Put("two"), Take, Said("one", Some("queued"))][..], &["two"][..]),
            (
                "a command",
                &[Put("one"), Said("<command-name>/model</command-name>", Some("typed"))],
                &["one"],
            ),
            ("typed", &[Put("one"), Said("else", Some("typed"))], &[]),
            ("handed back", &[Put("one"), Put("two"), Said("one\n\ntwo", Some("sdk"))], &[]),
            ("typed, of a client that does not say so", &[Put("one"), Said("else", None)], &[]),
            (
                "taken, of such a client",
                &[Put("one"), Put("two"), Take, Said("one, as pasted", None)],
                &["two"],
            ),
            (
                "typed after that",
                &[Put("one"), Put("two"), Take, Said("one", None), Answered, Said("else", None)],
                &[],
            ),
            ("an interruption", &[Put("one"), Said("[Request interrupted by user]", None)], &["one"]),
        ] {
            assert_eq!(left(steps), wanted, "{what}");
        }
    }
}
