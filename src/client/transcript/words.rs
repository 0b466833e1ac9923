//! What a conversation was about, in the words of those who spoke: the first prompt, the last one, and the last answer.
//!
//! Pure. Only what the person typed counts as a prompt: no result of a tool, and nothing that the client puts there itself.

use serde::{Deserialize, Serialize};

use super::spoken::is_command;

/// The most characters that are kept of each: more than is ever shown, so that a secret in it is found as a whole.
const LONGEST: usize = 16 << 10;

/// What the client writes in the person's place, beside its own commands.
const OF_THE_CLIENT: [&str; 4] =
    ["<bash-input>", "<task-notification>", "<system-reminder>", "[Request interrupted by user"];

/// What was said so far.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Words {
    /// The first prompt.
    pub first: Option<String>,
    /// The last prompt, which may be the first.
    pub last: Option<String>,
    /// The last answer in words to the last prompt.
    pub answer: Option<String>,
}

impl Words {
    /// Takes in what stands in the person's place.
    pub(super) fn asked(&mut self, text: &str) {
        let Some(typed) = typed(text) else { return };
        let typed: String = typed.chars().take(LONGEST).collect();
        self.first.get_or_insert_with(|| typed.clone());
        self.last = Some(typed);
        self.answer = None;
    }

    /// Takes in an answer of the model's.
    pub(super) fn answered(&mut self, text: &str) {
        let text = text.trim();
        if !text.is_empty() {
            self.answer = Some(text.chars().take(LONGEST).collect());
        }
    }
}

/// Returns what a person typed, if it is that.
pub fn typed(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_theirs = is_command(text) || OF_THE_CLIENT.iter().any(|mark| text.starts_with(mark));
    (!text.is_empty() && !is_theirs).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_person_typed_is_a_prompt_and_an_answer_belongs_to_the_last_one() {
        let mut words = Words::default();
        words.asked(" port the api \n");
        words.answered("Done.");
        words.answered("  ");
        for nothing in [
            "",
            "<command-name>/exit</command-name>",
            "<local-command-stdout>bye</local-command-stdout>",
            "[Request interrupted by user for tool use]",
            "<bash-input>ls</bash-input>",
        ] {
            words.asked(nothing);
        }
        assert_eq!(
            (words.first.as_deref(), words.last.as_deref(), words.answer.as_deref()),
            (Some("port the api"), Some("port the api"), Some("Done."))
        );
        words.asked("now the tests");
        assert_eq!(
            (words.first.as_deref(), words.last.as_deref(), words.answer.as_deref()),
            (Some("port the api"), Some("now the tests"), None)
        );
    }
}
