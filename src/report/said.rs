//! What was said in a part of a conversation: how many prompts and answers, and the last of them. Pure.

use std::collections::VecDeque;

use serde::Serialize;

use crate::base::screen::cut;
use crate::client::transcript::steps::{Depth, Steps, Voices, What};

/// How many prompts are kept, each with its answer.
const KEPT: usize = 40;

/// The most characters of a last prompt that is told by itself.
const LONGEST: usize = 200;

/// A prompt and the last thing that the model said to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exchange {
    /// The prompt.
    pub(super) prompt: String,
    /// The final answer, if there was one.
    pub(super) answer: Option<String>,
}

/// What was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Said {
    /// How many prompts.
    pub prompts: u64,
    /// How many of them were answered in words.
    pub answers: u64,
    /// The last prompt.
    pub last: Option<String>,
    /// The last of them.
    #[serde(skip)]
    #[cfg_attr(test, schemars(skip))]
    pub(super) exchanges: VecDeque<Exchange>,
}

/// Listens to a conversation, line by line.
pub(super) struct Listener {
    steps: Steps,
    said: Said,
}

impl Listener {
    /// Begins.
    pub(super) fn begin() -> Listener {
        Listener { steps: Steps::begin(Depth::Talk, Voices::Main), said: Said::default() }
    }

    /// Takes in a line.
    pub(super) fn line(&mut self, line: &[u8]) {
        for step in self.steps.line(line) {
            match step.what {
                What::Asked(prompt) => self.said.asked(prompt),
                What::Answered(answer) => self.said.answered(answer),
                _ => {}
            }
        }
    }

    /// Returns what was said.
    pub(super) fn finish(self) -> Said {
        let mut said = self.said;
        said.last =
            said.exchanges.back().map(|last| cut(&last.prompt, LONGEST)).filter(|last| !last.is_empty());
        said
    }
}

impl Said {
    /// Says whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.prompts + self.answers == 0
    }

    fn asked(&mut self, prompt: String) {
        self.prompts += 1;
        self.exchanges.push_back(Exchange { prompt, answer: None });
        if self.exchanges.len() > KEPT {
            self.exchanges.pop_front();
        }
    }

    fn answered(&mut self, answer: String) {
        // One that answers what both had been asked already.
        if self.exchanges.is_empty() {
            self.exchanges.push_back(Exchange::default());
        }
        if let Some(last) = self.exchanges.back_mut() {
            self.answers += u64::from(last.answer.is_none());
            last.answer = Some(answer);
        }
    }
}
